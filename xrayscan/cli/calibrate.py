"""``xrayscan calibrate``: a site's clean scans into thresholds of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from xrayscan.cli.console import FAILED, clear_errors, messages, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.training.site import Calibrated
    from xrayscan.training.site_scores import Scored
    from xrayscan.training.site_thresholds import Level

__all__ = ["Shown", "calibrate", "show_failed", "show_thresholds"]

_SHOWN = 20


def calibrate(
    folder: Path = typer.Argument(help="Folder of scans of which it is known that nobody is in them.", metavar="BENIGN_DIR"),
    out: Path = typer.Option(..., "--out", "-o", help="Model folder to write.", metavar="MODELDIR"),
    false_alarm_rate: float = typer.Option(0.01, help="Share of clean scans that may be alarmed."),
    model: str | None = typer.Option(None, help="A shipped model's name, or a model folder.", metavar="NAME|DIR"),
    workers: int | None = typer.Option(None, min=1, help="Processes; by default what this machine has cores for, at most 8."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Set a model's thresholds on a site's own clean scans.

    The new model folder has the same weights; use it with `xrayscan screen --model MODELDIR`. Interrupted or killed, the same
    command goes on where it was.

    Exit status: 0 done, 1 done but some files could not be screened, 2 wrong use or too few scans, 130 interrupted.
    """
    with clear_errors(debug):
        from xrayscan.batch.workers import cores
        from xrayscan.training.site import calibrate as run

        with Shown("scoring clean scans") as step:
            done = run(
                folder, out, false_alarm_rate=false_alarm_rate, model=model, workers=workers or min(cores(), 8), step=step
            )
        _show(done, false_alarm_rate, out)
        if done.failed:
            raise typer.Exit(FAILED)


class Shown:
    """How far it is: a bar on a terminal, nothing elsewhere."""

    def __init__(self, what: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal)
        self._task = self._bar.add_task(what, total=None)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda done, total: self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def show_thresholds(levels: Sequence[Level], wanted: float | None = None) -> None:
    """A table of thresholds, the wanted one in bold."""
    from rich.table import Table

    table = Table(title="Thresholds", title_justify="left", header_style="bold")
    for name in ("false alarms wanted", "scan score", "of further clean scans alarmed", "of these alarmed"):
        table.add_column(name, justify="right")
    for level in levels:
        style = "bold" if level.rate == wanted else ""
        expected = level.expected
        table.add_row(
            f"{level.rate:.3g}",
            f"{level.score:.3f}",
            f"{expected.value:.2%}, 95 % interval {expected.low:.2%} to {expected.high:.2%}",
            f"{level.alarmed} of {expected.n}",
            style=style,
        )
    results.print(table)


def show_failed(failed: Sequence[Scored]) -> None:
    """What could not be screened, each with its reason."""
    from rich.text import Text

    if not failed:
        return
    results.print(f"\n{len(failed)} could not be screened and are left out:", style="bold red")
    for one in failed:
        results.print(Text("  ").append_text(text(one.path, "bold")).append_text(text(f": {one.error}")), soft_wrap=True)


def _show(done: Calibrated, wanted: float, out: Path) -> None:
    from rich.text import Text

    from xrayscan.training.site import highest
    from xrayscan.training.site_thresholds import needed

    show_thresholds(done.levels, wanted)
    if done.unsupported:
        short = ", ".join(f"{rate:g} (needs {needed(rate)})" for rate in done.unsupported)
        results.print(f"Could not be set with {len(done.used)} clean scans: {short}.")
    if done.suspects:
        results.print(
            f"\n{len(done.suspects)} score far above the rest. They may not be clean: look at these before you trust the "
            "thresholds:", style="bold yellow",
        )  # fmt: skip
        _list(done.suspects[:_SHOWN])
        if len(done.suspects) > _SHOWN:
            results.print(f"  and {len(done.suspects) - _SHOWN} more, in clean-scans.jsonl of the model folder")
        _show_without(done)
    else:
        results.print("\nThe strictest thresholds rest on these; be sure that nobody is in them:")
        _list(highest(done.used))
    poor = sum(one.poor for one in done.used)
    if poor:
        results.print(
            f"{poor} of the scans are too poor to screen; they are counted, as they will be alarmed or not in traffic."
        )
    if done.copies:
        results.print(f"{len(done.copies)} files are copies of others and count once.")
    show_failed(done.failed)
    results.print(
        Text(f"\nSet on {len(done.used)} clean scans: {done.card.name} {done.card.version} in ").append_text(
            text(shown_path(out), "bold")
        ),
        soft_wrap=True,
    )
    results.print(
        text(f"Use it: xrayscan screen SCANS --out DIR --model {shown_path(out)} --false-alarm-rate {wanted:g}"), soft_wrap=True
    )


def _show_without(done: Calibrated) -> None:
    changed = {level.rate: level.score for level in done.without_suspects}
    for level in done.levels:
        if level.rate in changed:
            results.print(
                f"  without them the threshold of {level.rate:g} would be {changed[level.rate]:.3f}, not {level.score:.3f}"
            )
        else:
            results.print(f"  without them there would be too few scans for {level.rate:g}")


def _list(scans: Sequence[Scored]) -> None:
    from rich.text import Text

    for one in scans:
        results.print(Text(f"  {one.score:.3f}  ").append_text(text(one.path)), soft_wrap=True)
