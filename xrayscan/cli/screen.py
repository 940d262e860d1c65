"""``xrayscan screen``: files and folders into an output folder."""

from __future__ import annotations

from pathlib import Path

import typer

from xrayscan.cli.console import clear_errors
from xrayscan.cli.outcome import show_outcome
from xrayscan.cli.progress import shown_progress

__all__ = ["screen"]


def screen(  # noqa: PLR0913  one argument an option
    paths: list[Path] = typer.Argument(help="Scans, and folders of scans.", metavar="PATH"),
    out: Path = typer.Option(..., "--out", "-o", help="Folder for the reports and results; the same folder again resumes."),
    false_alarm_rate: float = typer.Option(0.01, help="Share of clean scans that may be alarmed, as the model's card has it."),
    model: str | None = typer.Option(None, help="A shipped model's name, or a model folder.", metavar="NAME|DIR"),
    attribution: str | None = typer.Option(
        None,
        help="What each finding's score rests on, some seconds a finding: score, occlusion, or with the extra "
        "'explain' 'gradients' or 'integrated gradients'.",
        metavar="METHOD",
    ),
    workers: int | None = typer.Option(None, help="Processes; by default what this machine has cores for."),
    parquet: bool = typer.Option(False, "--parquet", help="Also results.parquet; needs the extra 'parquet'."),
    coco: bool = typer.Option(False, "--coco", help="Also coco/: findings as COCO instances with pictures, to label."),
    tdr: bool = typer.Option(False, "--tdr", help="Also report.dcs in each report folder: a DICOS threat detection report."),
    json_progress: bool = typer.Option(False, "--json-progress", help="Progress as JSON lines on stderr."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Screen scans, most suspicious first. Interrupted or killed, the same command goes on where it was.

    Exit status: 0 all screened, 1 some files failed, 2 wrong use, 130 interrupted.
    """
    with clear_errors(debug):
        from xrayscan.batch import check_forms, screen_many, write_forms

        forms = [form for form, asked in (("parquet", parquet), ("coco", coco), ("tdr", tdr)) if asked]
        check_forms(forms)
        with shown_progress(json_progress) as progress:
            batch = screen_many(
                paths, out, model=model, false_alarm_rate=false_alarm_rate, attribution=attribution, workers=workers,
                progress=progress,
            )  # fmt: skip
        show_outcome(batch, write_forms(batch, forms))
