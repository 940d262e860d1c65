"""Further forms of a batch's results, made of its finished reports: Parquet, COCO instances, DICOS threat detection reports.

They are made after the screening, so that a batch that was interrupted and goes on, or that is asked again with one more form,
gives the same files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xrayscan.batch.engine import Batch
from xrayscan.batch.errors import BatchError
from xrayscan.batch.lock import locked
from xrayscan.batch.remote import is_url, opened, sidecars_beside
from xrayscan.batch.resume import SCANS
from xrayscan.batch.whole import write_whole
from xrayscan.batch.workers import cores
from xrayscan.report.folder import TDR

__all__ = ["FORMS", "check_forms", "write_forms"]

FORMS = ("parquet", "coco", "tdr")
"""In the order they are written."""

PARQUET = "results.parquet"
INSTANCES = "coco/annotations/instances_default.json"
PICTURES = "coco/images/default"
MOST_PICTURES = 4  # drawn at a time; each takes the memory of a scan


def check_forms(forms: Collection[str]) -> None:
    """Say before a long screening what would stop it at its end.

    Parameters
    ----------
    forms : collection of str
        Of `FORMS`.

    Raises
    ------
    BatchError
        If one is unknown.
    MissingDependencyError
        If a package is missing that one needs; its extra is named.
    """
    unknown = sorted(set(forms) - set(FORMS))
    if unknown:
        raise BatchError(f"writing results as {unknown[0]!r}: there is no such form; there are {', '.join(FORMS)}")
    if "parquet" in forms:
        from xrayscan.report.parquet import check_parquet

        check_parquet()


def write_forms(batch: Batch, forms: Collection[str]) -> dict[str, Path]:
    """Write the results of a batch in further forms, into its output folder.

    Parameters
    ----------
    batch : Batch
    forms : collection of str
        "parquet": ``results.parquet``, one row a scan, failed ones at the end. "coco": ``coco/``, a data set of the findings
        with a picture of every scan, for labeling tools; the scans are read once more for the pictures. "tdr":
        ``report.dcs`` in each report folder.

    Returns
    -------
    dict
        Form → file, or the folder that holds several.

    Raises
    ------
    BatchError
        If a form is unknown, or a scan changed since it was screened.
    BusyError
        If a run writes into the same output folder.
    MissingDependencyError
        If a package is missing.
    ReadError
        If a scan that is to be drawn is gone.
    """
    check_forms(forms)
    with locked(batch.out):
        return {form: _WRITERS[form](batch) for form in FORMS if form in forms}


def _report(batch: Batch, row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads((batch.out / row["report"] / "report.json").read_text(encoding="utf-8")))


def _screened(batch: Batch) -> list[Mapping[str, Any]]:
    return [row for row in batch.rows if row["status"] != "failed"]


def _parquet(batch: Batch) -> Path:
    from xrayscan.report.parquet import parquet

    path = batch.out / PARQUET
    write_whole(path, parquet((row, None if row["status"] == "failed" else _report(batch, row)) for row in batch.rows))
    return path


def _tdr(batch: Batch) -> Path:
    from xrayscan.report.tdr_writing import tdr

    for row in _screened(batch):
        folder = batch.out / row["report"]
        # A report that is made anew takes its folder's place, and an older form of it goes with that.
        if not (folder / TDR).exists():
            made_at = datetime.fromtimestamp((folder / "report.json").stat().st_mtime, UTC)
            write_whole(folder / TDR, tdr(_report(batch, row), made_at))
    return batch.out / SCANS


def _coco(batch: Batch) -> Path:
    from xrayscan.report.coco import coco

    rows = _screened(batch)
    waiting = [row for row in rows if not _is_drawn(batch, row)]
    beside = sidecars_beside(row["path"] for row in waiting if is_url(row["path"]))
    with ThreadPoolExecutor(min(cores(), MOST_PICTURES)) as pool:
        list(pool.map(lambda row: _draw(batch, row, beside.get(row["path"])), waiting))
    lost = [row["path"] for row in batch.rows if row["status"] == "failed"]

    def reports() -> Iterator[tuple[str, dict[str, Any]]]:
        return ((_name(row), _report(batch, row)) for row in rows)

    path = batch.out / INSTANCES
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(coco(reports(), lost), ensure_ascii=False, allow_nan=False))
    return path.parents[1]


def _name(row: Mapping[str, Any]) -> str:
    """Name of a scan's picture: that of its report folder, which no two scans share."""
    return f"{row['report'].removeprefix(f'{SCANS}/')}.png"


def _is_drawn(batch: Batch, row: Mapping[str, Any]) -> bool:
    """Whether a scan was drawn since its report was made."""
    target, made = batch.out / PICTURES / _name(row), batch.out / row["report"] / "report.json"
    return target.exists() and target.stat().st_mtime >= made.stat().st_mtime


def _draw(batch: Batch, row: Mapping[str, Any], beside: Sequence[str] | None) -> None:
    """Draw a scan on its own pixels; a remote one is fetched with the sidecars ``beside`` it."""
    from xrayscan.io import read
    from xrayscan.normalize import normalize
    from xrayscan.report.coco import plain_picture

    if beside is None:
        scan = read(Path(row["path"]))
    else:
        with opened(row["path"], beside) as fetched:
            scan = fetched
    radiograph = normalize(scan)
    report = _report(batch, row)
    told = report["source"]["sha256"], (report["scan"]["rows"], report["scan"]["columns"])
    if (scan.source.sha256, radiograph.shape) != told:
        raise BatchError(f"drawing {row['path']} for labeling: it changed since it was screened; run the same command again")
    target = batch.out / PICTURES / _name(row)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, plain_picture(radiograph))


_WRITERS: Mapping[str, Callable[[Batch], Path]] = MappingProxyType({"parquet": _parquet, "coco": _coco, "tdr": _tdr})
