"""``xrayscan watch``: a hot folder that a scanner drops files into."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from xrayscan.cli.console import clear_errors, messages, shown_path, text
from xrayscan.cli.outcome import show_outcome
from xrayscan.cli.outlook import show_preview
from xrayscan.cli.progress import ProgressForm, shown_progress

__all__ = ["watch"]


def watch(  # noqa: PLR0913  one argument an option
    folder: Path = typer.Argument(help="Folder that scans are put into, folders below included.", metavar="DIR"),
    out: Path = typer.Option(..., "--out", "-o", help="Folder for the reports and results; the same folder again goes on."),
    settle: float = typer.Option(2.0, help="A scan is complete when nothing of it has changed for so long [s]."),
    patience: float = typer.Option(60.0, help="The same for one that is empty or lacks its sidecar or calibration [s]."),
    poll: float = typer.Option(1.0, help="Between two looks at the folder [s]; more for slow network shares."),
    sidecars: bool = typer.Option(False, "--sidecars", help="Every scan gets a sidecar of its own: wait for it."),
    false_alarm_rate: float = typer.Option(0.01, help="Share of clean scans that may be alarmed, as the model's card has it."),
    model: str | None = typer.Option(None, help="A shipped model's name, or a model folder.", metavar="NAME|DIR"),
    attribution: str | None = typer.Option(None, help="As 'xrayscan screen' takes it.", metavar="METHOD"),
    workers: int = typer.Option(1, help="Processes."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be screened of what is there; write nothing."),
    progress: ProgressForm = typer.Option(
        ProgressForm.TEXT, help="json: a line for each scan on stderr, for programs; with --dry-run on stdout."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Screen each scan that is put into a folder once, as soon as it is complete. Survives restarts and kills.

    Names that start with a dot or end in .part, .tmp or .crdownload are left alone. Ctrl-C and SIGTERM end it when the scan in
    hand is finished; Ctrl-C once more ends it at once. Either way the same command goes on where it was.

    Exit status: 0 all screened, 1 some files failed, 2 wrong use, 130 interrupted twice.
    """
    with clear_errors(debug):
        from xrayscan.batch import Settling, watch_preview
        from xrayscan.batch import watch as run

        if dry_run:
            seen = watch_preview(folder, out, model=model, false_alarm_rate=false_alarm_rate, attribution=attribution)
            show_preview(seen, progress)
            return
        settling = Settling(settle, patience, poll, sidecars)
        with _stopped_by_signals() as stop, shown_progress(progress) as tell:
            if progress is ProgressForm.TEXT:
                messages.print(text(f"watching {shown_path(folder)}; Ctrl-C ends it"), soft_wrap=True)
            batch = run(
                folder, out, model=model, false_alarm_rate=false_alarm_rate, attribution=attribution, workers=workers,
                settling=settling, stop=stop, progress=tell,
            )  # fmt: skip
        show_outcome(batch)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second one of them is `KeyboardInterrupt`."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
