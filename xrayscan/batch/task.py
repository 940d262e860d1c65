"""One scan's part of a batch: what is to be done, and what came of it."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from xrayscan.batch.remote import Remote, opened
from xrayscan.batch.whole import write_whole
from xrayscan.errors import XrayscanError
from xrayscan.io import sidecar
from xrayscan.report.rows import inert_path, row_of_failure, row_of_report
from xrayscan.scan import Scan
from xrayscan.zoo import ModelCard

__all__ = ["SETTINGS", "Done", "Saved", "ScreenerFactory", "Screens", "Task", "failed", "row_of", "screen_one", "settings_mark"]

logger = logging.getLogger(__name__)


class Saved(Protocol):
    """What a screener hands back: a `Report`, or anything else that can be saved as one."""

    def save(self, folder: Path) -> Path:
        """Write the report into ``folder``, whole or not at all, ``report.json`` last."""


class Screens(Protocol):
    """What screens one scan: a `Screener`, or anything else with a card."""

    @property
    def card(self) -> ModelCard:
        """The model's card."""

    def __call__(self, scan: Path | Scan) -> Saved:
        """The report on one file, or on a scan that was read already."""


SETTINGS = "settings.sha256"
"""File in a report folder: the `settings_mark` of the scan, where it has one; without it the report does not count."""

ScreenerFactory = Callable[[], Screens]
"""Makes a screener, once in every worker process; must pickle."""


@dataclass(frozen=True)
class Task:
    """One scan to screen.

    Attributes
    ----------
    path : Path
        The scan, absolute; of a remote one a stand-in that says where its report goes.
    folder : Path
        Where its report goes.
    link : str
        The same, relative to the output folder, with ``/``.
    remote : Remote or None
        The scan, if it lies elsewhere.
    """

    path: Path
    folder: Path
    link: str
    remote: Remote | None = None

    @property
    def name(self) -> str:
        """The scan's path or URL, as results name it."""
        return self.remote.url if self.remote else str(self.path)

    @property
    def mark(self) -> str:
        """What a report must have been made with, beside the bytes of the scan's own file; empty if nothing.

        Raises
        ------
        ReadError
            If a sidecar is wrong.
        """
        return self.remote.mark if self.remote else settings_mark(self.path)

    @contextmanager
    def opened(self) -> Iterator[Path | Scan]:
        """What to hand a screener."""
        if self.remote is None:
            yield self.path
        else:
            with opened(self.remote.url, self.remote.beside) as scan:
                yield scan


@dataclass(frozen=True)
class Done:
    """What came of one scan.

    Attributes
    ----------
    task : Task
    row : mapping
        Its line in the results.
    failed : bool
    resumed : bool
        Whether an earlier run had screened it.
    try_alone : bool
        Failed for want of memory or because its process died: worth one more attempt with nothing beside it.
    seconds : float [s]
    """

    task: Task
    row: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False
    resumed: bool = False
    try_alone: bool = False
    seconds: float = 0.0


def screen_one(screener: Screens, task: Task) -> Done:
    """Screen one scan and save its report; whatever goes wrong becomes a failed row."""
    start = time.perf_counter()
    try:
        mark = task.mark
        with task.opened() as scan:
            report_on_it = screener(scan)
        if (task.folder / SETTINGS).exists():  # a report without its mark would count as one of a scan that has no sidecar
            (task.folder / "report.json").unlink(missing_ok=True)
            (task.folder / SETTINGS).unlink()
        report_on_it.save(task.folder)
        if mark:
            write_whole(task.folder / SETTINGS, mark)
        report = json.loads((task.folder / "report.json").read_text(encoding="utf-8"))
        row = row_of(report, task)
    except Exception as error:  # one bad scan must never stop the others; the row names the reason
        logger.debug("screening %s failed", task.name, exc_info=True)
        return failed(task, _reason(error), type(error).__name__, try_alone=isinstance(error, MemoryError))
    return Done(task, row, seconds=time.perf_counter() - start)


def row_of(report: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """The row of a saved report; it names the file as it is found now, byte for byte.

    Raises
    ------
    KeyError, TypeError
        If it is not a report.
    """
    return {**row_of_report(report, task.link), "path": inert_path(task.name)}


def settings_mark(path: Path) -> str:
    """SHA-256 of what the sidecars of a scan say, calibration files included; empty where there is none.

    The hash of a scan's own file does not know of them, and they decide what its numbers mean.

    Raises
    ------
    ReadError
        If a sidecar is wrong.
    """
    settings = sidecar.find(path)
    if not settings:
        return ""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for key in ("air", "dark", "bad_pixels"):
        if isinstance(settings.get(key), str):
            file = path.parent / settings[key]
            digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def failed(task: Task, reason: str, kind: str, *, try_alone: bool = False) -> Done:
    """A scan that could not be screened, with the reason and what to do."""
    return Done(task, row_of_failure(task.name, reason, kind), failed=True, try_alone=try_alone)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory to screen it; use fewer workers, or a machine with more memory, and run again"
    text = str(error) or "no message"
    if isinstance(error, XrayscanError):
        return text
    if isinstance(error, OSError):
        return f"{text}; check that the file can be read and that the disk has room, and run again"
    return f"{type(error).__name__}: {text}; this is a fault of xrayscan: please report it with the kind of file"
