"""A hot folder: every scan that others put there is screened once, as soon as it is complete."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from xrayscan.batch.arrivals import Arrival, Arrivals, Settling, Stamp
from xrayscan.batch.engine import Batch, ModelScreener, Preview, Progress, check_places
from xrayscan.batch.errors import BatchError
from xrayscan.batch.journal import Entry, Journal
from xrayscan.batch.lock import locked
from xrayscan.batch.results import Header, Results
from xrayscan.batch.resume import SCANS, MadeBy, Planner, clear_leftovers, finished, report_in, sha256_of
from xrayscan.batch.task import Done, ScreenerFactory, Task
from xrayscan.batch.workers import LocalWorkers, Workers, cores
from xrayscan.report.rows import inert_path, row_of_report

__all__ = ["watch", "watch_preview"]

logger = logging.getLogger(__name__)

_AT_A_TIME = 32  # scans for each worker between two looks at the folder
_OF_THE_FILE = {"CorruptScanError", "UnknownFormatError", "MisfitError", "CalibrationError", "ShapeError"}
"""Failures that another attempt cannot mend; others may have been for want of memory, room or rights."""


def watch(  # noqa: PLR0913  one keyword an option
    folder: str | Path,
    out: str | Path,
    *,
    model: str | Path | None = None,
    false_alarm_rate: float = 0.01,
    attribution: str | None = None,
    workers: int = 1,
    settling: Settling | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[Progress], None] | None = None,
    screener_factory: ScreenerFactory | None = None,
) -> Batch:
    """Screen the scans that are put into a folder, until told to stop.

    The output folder is that of `screen_many`, and is kept up to date. It lists every scan that was ever screened into it, also
    those that have left the folder since. A scan is screened once, across restarts and kills, and again only if its file, its
    sidecar or its calibration changed, or the model, the version, the false-alarm rate or the attribution did. The report on
    what a file held before is kept beside the new one. A scan that could not be screened is a failed row; it is tried again
    when it changes, and after a restart unless the fault is surely in the file.

    Parameters
    ----------
    folder : str or Path
        Where scans arrive, folders below included.
    out : str or Path
        The output folder; made if it is not there.
    model, false_alarm_rate, attribution, screener_factory
        As `screen_many` takes them.
    workers : int
        Processes.
    settling : Settling or None
        When a scan is complete; None is ``Settling()``.
    stop : threading.Event or None
        When it is set, scans in hand are finished, and the call returns. None: only an exception ends it.
    progress : callable or None
        Called with a `Progress` at the start and after every scan.

    Returns
    -------
    Batch
        Everything in the output folder.

    Raises
    ------
    BatchError
        If the folder is none, the output folder lies in it or the other way round, or workers cannot start.
    BusyError
        If another run writes into the same output folder.
    ModelError
        If the model is unknown or damaged, or was not measured at this false-alarm rate.

    Examples
    --------
    >>> watch("/no such folder", "out")
    Traceback (most recent call last):
    xrayscan.batch.errors.BatchError: watching /no such folder: there is no such folder; make it, or name the one that ...
    """
    folder, out, settling, stop = Path(folder), Path(out), settling or Settling(), stop or threading.Event()
    _check(folder, out)
    if workers < 1:
        raise BatchError(f"watching with {workers} workers: at least 1 is needed")
    screener = (screener_factory or ModelScreener(model, false_alarm_rate, cores(), attribution))()
    made_by = MadeBy.of(screener.card, false_alarm_rate, attribution)
    header = Header.of(screener.card, false_alarm_rate, 0)
    del screener  # only the workers need one
    out.mkdir(parents=True, exist_ok=True)
    threads = max(1, cores() // workers)
    with locked(out):
        clear_leftovers(out)
        run = _Watch(folder, out, made_by, header, progress)
        factory = screener_factory or ModelScreener(model, false_alarm_rate, threads, attribution)
        with LocalWorkers(factory, workers, threads) as engine:
            return run.through(engine, Arrivals(folder, settling), stop, settling.poll, _AT_A_TIME * workers)


def watch_preview(
    folder: str | Path,
    out: str | Path,
    *,
    model: str | Path | None = None,
    false_alarm_rate: float = 0.01,
    attribution: str | None = None,
    screener_factory: ScreenerFactory | None = None,
) -> Preview:
    """What `watch` would do with what lies in the folder now, complete or not; nothing is screened, and nothing written.

    Raises
    ------
    BatchError, ModelError
        As `watch` does.
    """
    folder, out = Path(folder), Path(out)
    _check(folder, out)
    screener = (screener_factory or ModelScreener(model, false_alarm_rate, cores(), attribution))()
    made_by = MadeBy.of(screener.card, false_alarm_rate, attribution)
    run = _Watch(folder, out, made_by, Header.of(screener.card, false_alarm_rate, 0), None)
    # A clock that has always gone on far enough: the second look finds complete what the first one found at all.
    arrivals = Arrivals(run.folder, Settling(), itertools.count(step=1_000_000).__next__)
    arrivals.look()
    return run.preview(arrivals.look().complete)


def _check(folder: Path, out: Path) -> None:
    if not folder.is_dir():
        what = "it is no folder" if folder.exists() else "there is no such folder"
        raise BatchError(f"watching {folder}: {what}; make it, or name the one that scans are put into")
    check_places([folder], out)


def _mark(made_by: MadeBy) -> str:
    told = (sorted(made_by.models), made_by.version, made_by.false_alarm_rate, made_by.threshold, made_by.attribution)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


class _Watch:
    """What is known of a folder, and what is made of it."""

    def __init__(
        self, folder: Path, out: Path, made_by: MadeBy, header: Header, progress: Callable[[Progress], None] | None
    ) -> None:
        self.folder = Path(os.path.abspath(folder))
        self._made_by = made_by
        self._mark = _mark(made_by)
        self._tell = progress or (lambda _: None)
        self._start = time.perf_counter()
        self._results = Results(out, header)
        self._journal = Journal(out)
        self._restore()
        self._entries = {entry.name: entry for entry in self._journal if entry.name}
        self._planner = Planner([self.folder], out, (entry.link for entry in self._journal))
        self._tasks: dict[str, Task] = {}
        self._tried: dict[str, Stamp] = {}  # in this run, in vain, and not by a fault of the file
        self._resumed = len(self._results)

    def through(self, engine: Workers, arrivals: Arrivals, stop: threading.Event, poll: float, most: int) -> Batch:
        """Screen what arrives, until told to stop."""
        self._journal.compact()
        self._results.write()
        self._tell(self._progress(None))
        try:
            while not stop.is_set():
                began = time.monotonic()
                complete = arrivals.look().complete
                took = time.monotonic() - began
                due = self._due(complete)
                self._results.total = len(self._results) + len(due)
                self._screen(due[:most], engine, stop)
                if len(due) <= most:
                    stop.wait(max(poll, took))  # a slow share is not asked all the time
        finally:
            engine.close()
            self._results.total = len(self._results)
            self._results.write()
        rows = self._results.rows
        lost = tuple(row for row in rows if row["status"] == "failed")
        return Batch(self._results.out, rows, lost, self._resumed, time.perf_counter() - self._start)

    def preview(self, arrivals: Sequence[Arrival]) -> Preview:
        """What would be made of these."""
        tasks = [self._task(arrival) for arrival in arrivals if not self._is_known(arrival)]
        earlier = finished(tasks, self._made_by)
        waiting = tuple(task for task, done in zip(tasks, earlier, strict=True) if done is None)
        return Preview(waiting, tuple(task for task in map(self._task, arrivals) if task not in waiting))

    def _restore(self) -> None:
        """The rows of earlier runs: those of the journal, and those whose line a kill has kept from it."""
        out = self._results.out
        for entry in self._journal:
            if entry.row["status"] == "failed" or (out / entry.link / "report.json").exists():
                self._results.put(entry.link, entry.row)
            else:  # somebody has taken the report away
                self._journal.forget(entry.link)
        for folder, _, files in os.walk(out / SCANS):
            link = Path(folder).relative_to(out).as_posix()
            report = report_in(Path(folder)) if "report.json" in files and link not in self._journal else None
            if report is not None:
                try:
                    self._results.put(link, row_of_report(report, link))
                except (KeyError, TypeError) as error:
                    logger.info("%s is not a report of this version (%r); it is not listed", folder, error)

    def _due(self, complete: Sequence[Arrival]) -> list[tuple[Arrival, Task]]:
        """What is to be screened; what turns out to be screened already is noted."""
        fresh = []
        for arrival in complete:
            if self._is_known(arrival):
                self._name_anew(arrival)
            else:
                fresh.append((arrival, self._task(arrival)))
        due = []
        for (arrival, task), done in zip(fresh, finished([task for _, task in fresh], self._made_by), strict=True):
            if done is None:
                due.append((arrival, task))
            else:
                self._note(arrival, done)
        if len(due) < len(fresh):
            self._results.write()
        return due

    def _screen(self, due: Sequence[tuple[Arrival, Task]], engine: Workers, stop: threading.Event) -> None:
        if not due:
            return
        for _, task in due:
            self._set_aside(task)
        arrivals = {task.link: arrival for arrival, task in due}
        for done in engine.run([task for _, task in due]):
            self._note(arrivals[done.task.link], done)
            if done.failed:
                logger.info("%s could not be screened: %s", done.task.path, done.row["error"])
            self._results.write_now_and_then(every=1, share=0.5)
            self._tell(self._progress(done))
            if stop.is_set():
                engine.finish()
        self._results.write()

    def _name(self, arrival: Arrival) -> str:
        return arrival.path.relative_to(self.folder).as_posix()

    def _task(self, arrival: Arrival) -> Task:
        name = self._name(arrival)
        if name not in self._tasks:
            known = self._entries.get(name)
            self._tasks[name] = (
                self._planner.at(arrival.path, known.link.removeprefix(f"{SCANS}/"))
                if known
                else self._planner.task(arrival.path)
            )
        return self._tasks[name]

    def _is_known(self, arrival: Arrival) -> bool:
        """Whether there is nothing to do for a scan as it lies there."""
        name = self._name(arrival)
        entry = self._entries.get(name)
        if entry is None or entry.made_by != self._mark:
            return False
        return arrival.stamp in (entry.stamp, self._tried.get(name))

    def _name_anew(self, arrival: Arrival) -> None:
        """Name a known scan where it lies: the whole folder may have moved since the last run."""
        entry, path = self._entries[self._name(arrival)], inert_path(str(arrival.path))
        if entry.row["path"] != path:
            self._keep(replace(entry, row={**entry.row, "path": path}))

    def _note(self, arrival: Arrival, done: Done) -> None:
        """Write down what came of a scan."""
        name, stamp = self._name(arrival), arrival.stamp
        self._tried.pop(name, None)
        if done.failed and done.row["error_kind"] not in _OF_THE_FILE:
            if os.path.exists(done.task.path):
                self._tried[name] = stamp
            stamp = ()
        self._keep(Entry(done.task.link, name, stamp, self._mark, done.row))

    def _keep(self, entry: Entry) -> None:
        self._journal.add(entry)
        self._results.put(entry.link, entry.row)
        if entry.name:
            self._entries[entry.name] = entry

    def _set_aside(self, task: Task) -> None:
        """Keep the report on what a file held before, in a folder of its own."""
        report = report_in(task.folder)
        content = None if report is None else sha256_of(task.path)
        if report is None or content is None or report["source"].get("sha256") == content:
            return
        moved = self._planner.aside(task, str(report["source"].get("sha256")))
        os.rename(task.folder, moved.folder)
        logger.warning("%s holds another scan than before; the earlier report is now %s", task.path, moved.folder)
        self._results.drop(task.link)
        try:
            row = row_of_report(report, moved.link)
        except (KeyError, TypeError):  # of another version: it lies there, and is not listed
            return
        self._keep(Entry(moved.link, "", (), "", row))

    def _progress(self, done: Done | None) -> Progress:
        seconds = time.perf_counter() - self._start
        row = None if done is None else done.row
        count = len(self._results)
        return Progress(max(self._results.total, count), count, self._resumed, self._results.failed, seconds, row)
