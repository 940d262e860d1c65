"""Screening for a host that wants a value back whatever a scan does: a report, or why there is none."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from xrayscan.errors import CalibrationError, ReadError, ShapeError, StoppedError, XrayscanError
from xrayscan.report import Report
from xrayscan.scan import Scan
from xrayscan.screening import LineScanner, Screener
from xrayscan.stop import Stop

__all__ = ["API", "Engine", "Failure", "Kind", "Outcome"]

logger = logging.getLogger(__name__)

API = "1.0"
"""Version of `xrayscan.plugin`: the first number changes with what a name does, the second with every name that is added."""

Kind = Literal["unreadable", "unsuitable", "time", "canceled", "memory", "refused", "fault"]


@dataclass(frozen=True)
class Failure:
    """Why there is no report.

    Attributes
    ----------
    kind : {"unreadable", "unsuitable", "time", "canceled", "memory", "refused", "fault"}
        The file is no scan that can be read; the scan can not be normalized or has several views; the time budget was over,
        or it was canceled, before anything was known of it; memory ran out, or room on the disk; something was asked for that
        there is not; a fault of xrayscan, whose traceback is in the log.
    message : str
        What was being done, on what, and what to do next.
    error : str
        Name of the exception.
    """

    kind: Kind
    message: str
    error: str


@dataclass(frozen=True)
class Outcome:
    """What came of one scan: a report or a failure, never both and never neither.

    Attributes
    ----------
    report : Report or None
    failure : Failure or None
    seconds : float
        That it took.
    """

    report: Report | None
    failure: Failure | None
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether the whole scan was screened and explained: no report of a part, and no failure."""
        return self.report is not None and not self.report.stopped


class Engine:
    """A model that screens scans for a host, from as many threads at once as it likes.

    The same scan gives the same report, whatever runs beside it. Only what is wrong with the engine itself raises, when it is
    made.

    Parameters
    ----------
    model : str, Path or None
        A shipped model's name or a model folder; None is the default one.
    false_alarm_rate : float
        Share of clean scans that may be alarmed; one of those that the model's card holds.
    threads : int or None
        Threads within one inference; None leaves it to the runtime.

    Raises
    ------
    UnknownModelError, WeightsError, ModelError, MissingDependencyError

    Examples
    --------
    >>> import numpy as np
    >>> engine = Engine(false_alarm_rate=0.05)
    >>> scan = Scan.from_array(np.full((200, 400), 52000, np.uint16), air=np.full(200, 60000.0), pixel_pitch=0.01)
    >>> outcome = engine.screen(scan, seconds=60.0)
    >>> outcome.complete, outcome.report.priority  # nothing was found; it is like no scan that the model knows
    (True, 'medium')
    >>> engine.screen("nowhere.tif").failure.kind
    'unreadable'
    """

    def __init__(self, model: str | Path | None = None, *, false_alarm_rate: float = 0.01, threads: int | None = None) -> None:
        self.screener = Screener(model, false_alarm_rate=false_alarm_rate, threads=threads)

    def screen(
        self,
        scan: str | PathLike[str] | Scan,
        *,
        view: int | None = None,
        seconds: float | None = None,
        stop: Stop | None = None,
    ) -> Outcome:
        """Screen one scan within a time budget.

        When the budget is over the network is given up where it is. What it had seen by then makes the report; the rest counts
        as not inspected, a warning says so and the priority is never "low". Reading a file and normalizing a scan are not
        interrupted.

        Parameters
        ----------
        scan : path or Scan
        view : int or None
            Which view, of a scan that has several.
        seconds : float or None [s]
            Time budget; None for as long as it takes.
        stop : Stop or None
            In its place, to cancel from another thread.

        Returns
        -------
        Outcome
        """
        began = time.perf_counter()
        try:
            stop = _asked(scan, seconds, stop)
            report, failure = self.screener(_view(scan, view), stop=stop), None
        except Exception as error:  # noqa: BLE001  a scan must never end its host, and a value says what it did
            report, failure = None, _failure(error)
        return Outcome(report, failure, time.perf_counter() - began)

    def lines(self, **about: Any) -> LineScanner:
        """Screen a scan that is still arriving; ``about`` is what `xrayscan.screening.LineScanner` takes besides the screener.

        Raises
        ------
        ShapeError, CalibrationError
            If what is given does not fit together.
        """
        return LineScanner(self.screener, **about)

    def __repr__(self) -> str:
        return f"Engine({self.screener!r}, API {API})"


class _MisuseError(XrayscanError):
    """What the host asked for makes no sense."""


def _asked(scan: object, seconds: float | None, stop: Stop | None) -> Stop | None:
    """The stop that was meant, if any."""
    if not isinstance(scan, str | PathLike | Scan):
        raise _MisuseError(
            f"screening a {type(scan).__name__}; give a path, or a Scan: Scan.from_array(...) makes one of an array"
        )
    if seconds is None:
        return stop
    if stop is not None:
        raise _MisuseError("screening got seconds and a stop; give one, as a Stop has seconds of its own")
    try:
        return Stop(seconds)
    except (TypeError, ValueError) as error:
        raise _MisuseError(f"screening within {seconds!r} s: {error}") from error


def _view(scan: str | PathLike[str] | Scan, view: int | None) -> str | PathLike[str] | Scan:
    if view is None:
        return scan
    from xrayscan.io import read

    return (scan if isinstance(scan, Scan) else read(Path(scan))).only(view)


def _failure(error: Exception) -> Failure:
    name, message = type(error).__name__, str(error) or "no message"
    if isinstance(error, StoppedError):
        return Failure("canceled" if error.why == "canceled" else "time", message, name)
    if isinstance(error, ReadError):
        return Failure("unreadable", message, name)
    if isinstance(error, (CalibrationError, ShapeError)):
        return Failure("unsuitable", message, name)
    if isinstance(error, MemoryError):
        return Failure("memory", "there was not enough memory to screen it; give the host more, or screen fewer at once", name)
    if isinstance(error, XrayscanError):
        return Failure("refused", message, name.lstrip("_"))
    if isinstance(error, OSError):  # of its own files: those of a scan are a ReadError
        return Failure("memory", f"the temporary files of a report can not be written: {message}; make room on the disk", name)
    logger.error("screening failed in a way that was not foreseen", exc_info=error)
    return Failure("fault", f"{name}: {message}; this is a fault of xrayscan: please report it with the kind of scan", name)
