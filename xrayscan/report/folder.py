"""Writing a report's folder so that a kill at any moment leaves no half report behind."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from xrayscan.errors import ReportError

__all__ = ["FORMS", "FURTHER", "PARTIAL", "TDR", "write_folder"]

PARTIAL = ".partial-"
"""Start of the name of a folder that was never finished."""

FORMS = ("overlay.png", "report.html", "report.json")
"""The files of a report, in the order they are written: ``report.json`` last, so that where it is, the report is whole."""

TDR = "report.dcs"
"""The report as a DICOS threat detection report, where that was asked for."""

FURTHER = (TDR,)
"""Files that are made of a whole report and lie in its folder; they go with it when it is replaced."""


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a report's files into ``folder``, as a whole or not at all.

    Everything is written beside it, in a folder whose name starts with ``.partial-``, which then takes the place. What an
    earlier, killed run left behind for the same report is removed. A folder that holds anything else than a report is
    never replaced.

    Parameters
    ----------
    folder : Path
    files : mapping of str to bytes
        Name → content, in the order to write them.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    ReportError
        If the folder holds something else, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     written = write_folder(Path(parent) / "0412", {"overlay.png": b"", "report.json": b"{}"})
    ...     sorted(path.name for path in written.iterdir())
    ['overlay.png', 'report.json']
    """
    folder = Path(folder).resolve()
    # One name a report, so that a later run finds it without listing a folder of a hundred thousand reports.
    mark = hashlib.sha256(folder.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    made, old = folder.parent / f"{PARTIAL}{mark}", folder.parent / f"{PARTIAL}{mark}-old"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(folder)
        for left in (made, old):
            if left.exists():
                shutil.rmtree(left)
        made.mkdir()
        for name, content in files.items():
            (made / name).write_bytes(content)
        _swap(made, folder, old)
    except OSError as error:
        raise ReportError(
            f"saving the report in {folder}: {error.strerror or error}; free space, check the rights or pass another folder"
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return folder


def _swap(made: Path, folder: Path, old: Path) -> None:
    """Put ``made`` in the place of ``folder``; should that fail, the old one goes back."""
    had = folder.exists()
    if had:
        os.rename(folder, old)
    try:
        os.rename(made, folder)
    except BaseException:
        if had:
            os.rename(old, folder)
        raise


def _refuse_foreign(folder: Path) -> None:
    """Only a report, or an empty folder, may be replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ReportError(f"saving the report in {folder}: that is a file; pass a folder of its own for each report")
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in (*FORMS, *FURTHER))
    if foreign:
        raise ReportError(
            f"saving the report in {folder}: it holds {foreign[0]!r}, which is not part of a report, and would be lost; "
            "pass a folder of its own for each report"
        )
