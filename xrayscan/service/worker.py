"""What a worker process does: it reads and screens one scan after the other, and whatever a file does to it, it does there."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, Protocol

from xrayscan.batch.names import printable
from xrayscan.batch.task import Saved
from xrayscan.batch.whole import write_whole
from xrayscan.batch.workers import leave_with_parent
from xrayscan.errors import ShapeError, XrayscanError
from xrayscan.io import sidecar
from xrayscan.report.folder import TDR
from xrayscan.service.errors import ServiceError
from xrayscan.service.record import now
from xrayscan.service.spool import flush

__all__ = ["CALIBRATION", "SIDECAR", "Job", "ModelScreens", "Outcome", "Screens", "ScreensFactory", "live", "screen_one"]

logger = logging.getLogger(__name__)

CALIBRATION = ("air", "dark", "bad_pixels")
"""Calibration that may come as a part of its own; it lies beside the scan as ``air.npy`` and so on."""

SIDECAR = "sidecar.xrayscan"
"""Stem of a sidecar as it came."""

_SENTENCE = 2000  # characters of an error that are kept


@dataclass(frozen=True)
class Job:
    """A scan to screen.

    Attributes
    ----------
    id : str
    scan : Path
        The file, in a folder of its own.
    report : Path
        Folder for the report.
    name : str
        What the report calls the scan.
    view : int or None
        Which view of it; None if it has only one.
    """

    id: str
    scan: Path
    report: Path
    name: str
    view: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    state : {"screened", "failed"}
    priority, score : str or None, float or None
        Of the report.
    error_kind, error : str
        Why there is none.
    """

    state: Literal["screened", "failed"]
    priority: str | None = None
    score: float | None = None
    error_kind: str = ""
    error: str = ""


class Screens(Protocol):
    """What screens a file."""

    def __call__(self, scan: Path, name: str, view: int | None) -> Saved:
        """The report on a file, which it calls ``name``."""


ScreensFactory = Callable[[], Screens]
"""Makes what screens, once in every worker process; must pickle."""


@dataclass(frozen=True)
class ModelScreens:
    """Screens with a model, loaded once in each worker process.

    Attributes
    ----------
    model : str, Path or None
        A shipped model's name or a model folder; None is the default model.
    false_alarm_rate : float
        Share of clean scans that may be alarmed.
    threads : int or None
        Threads of one inference.
    """

    model: str | Path | None = None
    false_alarm_rate: float = 0.01
    threads: int | None = None

    def __call__(self) -> Screens:
        """What screens.

        Raises
        ------
        ModelError
            If the model is unknown or damaged, or was not measured at this false-alarm rate.
        """
        from dataclasses import replace

        from xrayscan.io import read
        from xrayscan.screening import Screener

        screener = Screener(model=self.model, false_alarm_rate=self.false_alarm_rate, threads=self.threads)

        def screen(scan: Path, name: str, view: int | None) -> Saved:
            whole = read(scan)
            if view is None and len(whole.views) > 1:
                raise ShapeError(
                    f"screening {scan}: it has {len(whole.views)} views; submit it once for each, with view=0 to "
                    f"view={len(whole.views) - 1}",
                    expected=1,
                    actual=len(whole.views),
                )
            one = whole if view is None else whole.only(view)
            return screener(one.with_source(replace(one.source, path=name)))

        return screen


def screen_one(screens: Screens, job: Job) -> Outcome:
    """Screen one scan and have its report on the disk; whatever goes wrong is a failed outcome that says why."""
    try:
        _lay_out(job.scan)
        screens(job.scan, job.name, job.view).save(job.report)
        report = json.loads((job.report / "report.json").read_text(encoding="utf-8"))
        _write_tdr(job.report, report)
        for path in (*job.report.iterdir(), job.report, job.report.parent):
            flush(path)
        return Outcome("screened", priority=str(report["priority"]), score=float(report["score"]))
    except Exception as error:  # one bad scan must never stop the others; its record names the reason
        logger.debug("screening %s failed", job.id, exc_info=True)
        return Outcome("failed", error_kind=type(error).__name__, error=_reason(error, job))


def _lay_out(scan: Path) -> None:
    """Make the scan's sidecar: what the sidecar that came says, with calibration that came as a part of its own."""
    parts = {part: f"{part}.npy" for part in CALIBRATION if (scan.parent / f"{part}.npy").exists()}
    settings = {**sidecar.find(scan.parent / "sidecar"), **parts}
    if settings:
        write_whole(scan.parent / f"{scan.stem}.xrayscan.json", json.dumps(settings, default=str))


def _write_tdr(folder: Path, report: dict[str, object]) -> None:
    from xrayscan.report.tdr_writing import write_tdr

    write_tdr(report, folder / TDR, now())


def _reason(error: Exception, job: Job) -> str:
    """The error as its sender may read it: the names of our folders are none of theirs."""
    text = str(error) or "no message"
    if isinstance(error, MemoryError):
        text = "there is not enough memory to screen it"
    elif isinstance(error, OSError) and not isinstance(error, XrayscanError):
        text = f"the service could not read or write it ({error.strerror or 'no reason given'}); submit it again"
    elif not isinstance(error, XrayscanError):
        text = f"{type(error).__name__}: {text}; this is a fault of xrayscan: please report it with the kind of file"
    for ours, theirs in ((job.scan, job.name), (job.scan.parent, "submission"), (job.report.parent, job.id)):
        for written in (ours.resolve(), ours.absolute(), ours):  # some errors name the whole path; the longest first
            text = text.replace(str(written), theirs)
    return printable(text)[:_SENTENCE]


def live(connection: Connection, factory: Callable[[], Any], threads: int, answer: Callable[[Any, Any], Any]) -> None:
    """The life of a worker process: it says None when it is ready, then answers what it is asked with what was made for it."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # they reach the whole group; the service alone answers them
    threading.Thread(target=leave_with_parent, daemon=True).start()
    _go_first()
    try:
        import xrayscan.report.tdr_writing  # noqa: F401  loaded now, and not in the time of the first scan
        from xrayscan._threads import limit_threads

        limit_threads(threads)
        made = factory()
    except Exception as error:  # noqa: BLE001  whatever it is, the service tells it
        connection.send(_portable(error))
        return
    try:
        connection.send(None)
        while True:
            connection.send(answer(made, connection.recv()))
    except (EOFError, OSError):
        return  # the service is done with this process


def _go_first() -> None:
    """When memory runs out, the system ends a worker and not the service."""
    with contextlib.suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _portable(error: Exception) -> Exception:
    if type(error).__module__.startswith(("xrayscan.", "builtins")):
        return error
    return ServiceError(f"starting a worker process: {type(error).__name__}: {error}")
