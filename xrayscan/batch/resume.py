"""What earlier runs have finished: read from the finished report folders, and from nothing else."""

from __future__ import annotations

import glob
import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import xrayscan
from xrayscan.batch.names import Names, folder_name
from xrayscan.batch.remote import Remote
from xrayscan.batch.task import SETTINGS, Done, Task, row_of
from xrayscan.batch.whole import TEMPORARY
from xrayscan.explain.attribution import METHODS
from xrayscan.io import bundle
from xrayscan.report.folder import FORMS, FURTHER, PARTIAL
from xrayscan.report.record import SCHEMA_VERSION
from xrayscan.zoo import ModelCard

__all__ = ["SCANS", "SHARED", "MadeBy", "Planner", "clear_leftovers", "finished", "plan", "report_in", "sha256_of"]

logger = logging.getLogger(__name__)

SCANS = "scans"
"""Folder of the report folders, in the output folder."""

SHARED = ".cluster"
"""Folder in the output folder while a cluster screens: the run's token, and which scans are in hand."""


@dataclass(frozen=True)
class MadeBy:
    """What makes a report: an earlier one counts only if all of it is the same.

    Attributes
    ----------
    models : frozenset of str
        SHA-256 of the model's weight files, in hexadecimal.
    version : str
        Of xrayscan.
    false_alarm_rate : float
    threshold : float
        Scan score for that rate: a site's own thresholds leave the weights as they are.
    attribution : str or None
        What its explanations are made with.
    """

    models: frozenset[str]
    version: str
    false_alarm_rate: float
    threshold: float
    attribution: str | None = None

    @classmethod
    def of(cls, card: ModelCard, false_alarm_rate: float, attribution: str | None = None) -> MadeBy:
        """What makes a report here and now."""
        threshold = card.threshold(false_alarm_rate)
        return cls(frozenset(card.sha256.values()), xrayscan.__version__, false_alarm_rate, threshold, attribution)

    def made(self, report: Mapping[str, Any]) -> bool:
        """Whether it made this report."""
        return (
            report["schema_version"] == SCHEMA_VERSION
            and report["model"]["sha256"] in self.models
            and report["versions"]["xrayscan"] == self.version
            and math.isclose(report["false_alarm_rate"], self.false_alarm_rate, rel_tol=1e-5)
            and math.isclose(report["threshold"], self.threshold, rel_tol=1e-5)
            and all(self._explained(finding) for finding in report["findings"])
        )

    def _explained(self, finding: Mapping[str, Any]) -> bool:
        measured = finding["faithfulness"] is not None
        return finding["method"] == METHODS[self.attribution or "score"] and measured == (self.attribution is not None)


def plan(scans: Iterable[Path | Remote], roots: Sequence[Path], out: Path) -> list[Task]:
    """A task for every scan, each with a report folder of its own.

    The folder is named by the scan's path below the root it was found in. Where that name is taken by another scan of this
    batch, or holds the report on another file from an earlier one, the name gets a hash of the scan's path.

    Parameters
    ----------
    scans : iterable of Path or Remote
        Each once.
    roots : sequence of Path
        The files and folders that were given.
    out : Path
        The output folder.
    """
    planner = Planner(roots, out)
    return [planner.task(scan) for scan in scans]


class Planner:
    """Gives out report folders, as `plan` does, to scans that come one by one.

    Parameters
    ----------
    roots : sequence of Path
    out : Path
    taken : iterable of str
        Links that have been given out before.
    """

    def __init__(self, roots: Sequence[Path], out: Path, taken: Iterable[str] = ()) -> None:
        self._roots = [_base(Path(os.path.abspath(root))) for root in roots]
        self._top = out / SCANS
        self._names = Names()
        for link in taken:
            self._names.take(link.removeprefix(f"{SCANS}/"))

    def task(self, scan: Path | Remote) -> Task:
        """What is to be done for a scan that had no task yet."""
        remote = scan if isinstance(scan, Remote) else None
        path = Path(scan.url) if isinstance(scan, Remote) else Path(os.path.abspath(scan))
        relative = PurePath(remote.relative) if remote else _below(path, self._roots)
        salt, attempt = "", 0
        while True:
            task = replace(self.at(path, folder_name(relative, salt)), remote=remote)
            if self._take(task) and not _belongs_to_another(task, self._top):
                return task
            salt, attempt = f"{task.name}{attempt or ''}", attempt + 1

    def aside(self, task: Task, mark: str) -> Task:
        """A folder for the report that lies in the task's own and is of other content, told by ``mark``."""
        attempt = 0
        while True:
            moved = self.at(task.path, folder_name(PurePath(task.path.name), f"{task.link}{mark}{attempt or ''}"))
            if self._take(moved) and not moved.folder.exists():
                return moved
            attempt += 1

    def at(self, path: Path, name: str) -> Task:
        """The task whose report folder has that name."""
        return Task(path, self._top / name, f"{SCANS}/{name}")

    def _take(self, task: Task) -> bool:
        return self._names.take(task.link.removeprefix(f"{SCANS}/"))


def _base(root: Path) -> Path:
    """The folder that a pattern such as ``lane*/*.tif`` starts from; anything else as it is."""
    while glob.has_magic(str(root)) and not root.exists():
        root = root.parent
    return root


def _below(path: Path, roots: Sequence[Path]) -> PurePath:
    for root in roots:
        if path != root and path.is_relative_to(root):
            return path.relative_to(root)
    return PurePath(path.name)


def _belongs_to_another(task: Task, top: Path) -> bool:
    """Whether the folder holds, or lies in, the report on another file or something that is no report."""
    for parent in list(task.folder.parents)[: len(task.folder.relative_to(top).parts) - 1]:
        if parent.is_file() or (parent / "report.json").exists():
            return True
    if not task.folder.is_dir():
        return task.folder.exists()
    report = report_in(task.folder)
    if report is None:
        return any(entry.name not in (*FORMS, *FURTHER, SETTINGS) for entry in task.folder.iterdir())
    source = report["source"]
    written = task.name.encode("utf-8", "backslashreplace").decode()  # as reports write what is no text
    return source.get("path") != written and (task.remote is not None or source.get("sha256") != sha256_of(task.path))


def finished(tasks: Sequence[Task], made_by: MadeBy, threads: int = 4) -> list[Done | None]:
    """For each task what an earlier run made of it, or None where it must be screened.

    Parameters
    ----------
    tasks : sequence of Task
    made_by : MadeBy
    threads : int
        Files that are hashed at a time.
    """
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda task: _finished(task, made_by), tasks))


def _finished(task: Task, made_by: MadeBy) -> Done | None:
    report = report_in(task.folder)
    if report is None:
        return None
    try:
        # The mark of a remote scan knows the version of its own file as well, which would else have to be fetched.
        is_same = made_by.made(report) and (task.remote is not None or report["source"]["sha256"] == sha256_of(task.path))
        if not is_same or _settings(task.folder) != task.mark:
            return None
        row = row_of(report, task)
    except (KeyError, TypeError, ValueError, OSError) as error:
        logger.info("%s is not a report of this version (%r); screening its scan again", task.folder, error)
        return None
    return Done(task, row, resumed=True)


def report_in(folder: Path) -> Mapping[str, Any] | None:
    """The report in a folder, or None if there is no whole one."""
    try:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        whole = math.isfinite(report["score"]) and isinstance(report["source"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return report if whole else None


def _settings(folder: Path) -> str:
    file = folder / SETTINGS
    return file.read_text(encoding="ascii") if file.exists() else ""


def sha256_of(path: Path) -> str | None:
    """Hash of a scan's bytes, None if it cannot be read; that of a bundle's folder is of the bytes it is packed into."""
    try:
        if path.is_dir():
            return bundle.open_folder(path).sha256
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def clear_leftovers(out: Path) -> int:
    """Remove what killed runs left half done; how many pieces there were.

    These are folders ``.partial-*`` below ``scans`` and this package's own temporary files; no finished report and no file
    of anyone else has such a name. The output folder must be locked.
    """
    shutil.rmtree(out / SHARED, ignore_errors=True)
    count = 0
    for entry in out.glob(f".*{TEMPORARY}"):
        entry.unlink(missing_ok=True)
        count += 1
    for folder, subfolders, files in os.walk(out / SCANS):
        for name in [name for name in files if name.startswith(".") and name.endswith(TEMPORARY)]:
            Path(folder, name).unlink(missing_ok=True)
            count += 1
        for name in [name for name in subfolders if name.startswith(PARTIAL)]:
            shutil.rmtree(Path(folder, name), ignore_errors=True)
            subfolders.remove(name)
            count += 1
    if count:
        logger.info("removed %d half-done pieces of an earlier run from %s", count, out)
    return count
