"""``xrayscan demo``: the shipped samples, screened, ready to look at."""

from __future__ import annotations

from pathlib import Path

import typer

from xrayscan.cli.console import clear_errors, results
from xrayscan.cli.outcome import show_outcome
from xrayscan.cli.progress import shown_progress

__all__ = ["demo"]


def demo(
    out: Path = typer.Option(Path("demo-out"), "--out", "-o", help="Folder for the reports and results."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Screen the samples that come with xrayscan, and say where to look."""
    with clear_errors(debug):
        from xrayscan import _resources
        from xrayscan.batch import screen_many

        samples = _resources.root("datasets") / "samples"
        results.print("These samples were made by xrayscan's own simulator; none shows a real load or a real person.\n")
        with shown_progress() as progress:
            batch = screen_many([samples], out, workers=1, progress=progress)
        show_outcome(batch)
        results.print("\nOpen that page in a browser. Then screen scans of your own: xrayscan screen FOLDER --out RESULTS")
