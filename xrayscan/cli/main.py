"""The program ``xrayscan``: registers the commands and runs one."""

from __future__ import annotations

import io
import sys

import typer

import xrayscan
from xrayscan.cli import adapt, calibrate, demo, evaluate, export, info, insert, quality, screen, serve, simulate, train, watch
from xrayscan.cli.console import INTERRUPTED, results
from xrayscan.cli.outcome import DISCLAIMER

__all__ = ["app", "main"]

app = typer.Typer(
    name="xrayscan",
    help=f"Finds what is consistent with concealed people in cargo X-ray scans. {DISCLAIMER}",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)

# One line a command; its module may import nothing heavy at the top.
app.command()(demo.demo)
app.command()(screen.screen)
app.command()(watch.watch)
app.command()(serve.serve)
app.command()(info.info)
app.command()(quality.quality)
app.command()(simulate.simulate)
app.command()(train.train)
app.command()(insert.insert)
app.command()(calibrate.calibrate)
app.command()(adapt.adapt)
app.command()(evaluate.evaluate)
app.command()(export.export)


def _show_version(asked: bool) -> None:
    if asked:
        results.print(f"xrayscan {xrayscan.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version and leave."),
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line; the exit status is 0 all screened, 1 some files failed, 2 wrong use, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
