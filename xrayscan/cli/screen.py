"""``xrayscan screen``: files and folders into an output folder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from xrayscan.cli.console import clear_errors
from xrayscan.cli.outcome import show_outcome
from xrayscan.cli.outlook import show_preview
from xrayscan.cli.progress import ProgressForm, shown_progress
from xrayscan.errors import XrayscanError

if TYPE_CHECKING:
    from xrayscan.batch import Cluster

__all__ = ["screen"]


class Engine(StrEnum):
    """What screens."""

    LOCAL = "local"
    RAY = "ray"


def screen(  # noqa: PLR0913  one argument an option
    paths: list[str] = typer.Argument(
        help="Scans, folders of scans, patterns, and URLs that fsspec knows (s3://scans/lane3; needs xrayscan[remote]).",
        metavar="PATH",
    ),
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
    engine: Engine = typer.Option(Engine.LOCAL, help="ray: on a Ray cluster, or on Ray here; needs xrayscan[ray]."),
    ray_address: str | None = typer.Option(None, help="The cluster's, such as ray://head:10001 or auto.", metavar="ADDRESS"),
    worker_cpus: int = typer.Option(1, help="With ray: cores of each worker."),
    worker_gpus: float = typer.Option(0.0, help="With ray: graphics processors of each worker."),
    parquet: bool = typer.Option(False, "--parquet", help="Also results.parquet; needs the extra 'parquet'."),
    coco: bool = typer.Option(False, "--coco", help="Also coco/: findings as COCO instances with pictures, to label."),
    tdr: bool = typer.Option(False, "--tdr", help="Also report.dcs in each report folder: a DICOS threat detection report."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be screened; screen and write nothing."),
    progress: ProgressForm = typer.Option(
        ProgressForm.TEXT, help="json: a line for each scan on stderr, for programs; with --dry-run on stdout."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Screen scans, most suspicious first. Interrupted or killed, the same command goes on where it was.

    Exit status: 0 all screened, 1 some files failed, 2 wrong use, 130 interrupted.
    """
    with clear_errors(debug):
        from xrayscan.batch import check_forms, preview, screen_many, write_forms

        forms = [form for form, asked in (("parquet", parquet), ("coco", coco), ("tdr", tdr)) if asked]
        check_forms(forms)
        cluster = _cluster(engine, ray_address, worker_cpus, worker_gpus)
        if dry_run:
            seen = preview(paths, out, model=model, false_alarm_rate=false_alarm_rate, attribution=attribution)
            show_preview(seen, progress)
            return
        with shown_progress(progress) as tell:
            batch = screen_many(
                paths, out, model=model, false_alarm_rate=false_alarm_rate, attribution=attribution, workers=workers,
                cluster=cluster, progress=tell,
            )  # fmt: skip
        try:
            written, lacking = write_forms(batch, forms), None
        except (XrayscanError, OSError) as error:  # what was screened is told first
            written, lacking = {}, error
        try:
            show_outcome(batch, written)
        finally:
            if lacking is not None:
                raise lacking


def _cluster(engine: Engine, address: str | None, cpus: int, gpus: float) -> Cluster | None:
    from xrayscan.batch import BatchError, Cluster

    if engine is Engine.RAY:
        return Cluster(address, cpus, gpus)
    if address is not None or cpus != 1 or gpus:
        raise BatchError("--ray-address, --worker-cpus and --worker-gpus are of Ray: give --engine ray with them")
    return None
