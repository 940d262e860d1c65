"""``xrayscan screen``: files and folders into an output folder."""

from __future__ import annotations

from pathlib import Path

import typer

from xrayscan.cli.console import clear_errors
from xrayscan.cli.outcome import show_outcome
from xrayscan.cli.progress import shown_progress

__all__ = ["screen"]


def screen(
    paths: list[Path] = typer.Argument(help="Scans, and folders of scans.", metavar="PATH"),
    out: Path = typer.Option(..., "--out", "-o", help="Folder for the reports and results; the same folder again resumes."),
    false_alarm_rate: float = typer.Option(0.01, help="Share of clean scans that may be alarmed, as the model's card has it."),
    model: str | None = typer.Option(None, help="A shipped model's name, or a model folder.", metavar="NAME|DIR"),
    workers: int | None = typer.Option(None, help="Processes; by default what this machine has cores for."),
    json_progress: bool = typer.Option(False, "--json-progress", help="Progress as JSON lines on stderr."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Screen scans, most suspicious first. Interrupted or killed, the same command goes on where it was.

    Exit status: 0 all screened, 1 some files failed, 2 wrong use, 130 interrupted.
    """
    with clear_errors(debug):
        from xrayscan.batch import screen_many

        with shown_progress(json_progress) as progress:
            batch = screen_many(paths, out, model=model, false_alarm_rate=false_alarm_rate, workers=workers, progress=progress)
        show_outcome(batch)
