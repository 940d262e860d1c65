"""Many scans into one output folder: resumable, in a stable order, nothing lost and nothing twice."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xrayscan.batch.cluster import Cluster, RayWorkers, check_ray
from xrayscan.batch.errors import BatchError
from xrayscan.batch.lock import locked
from xrayscan.batch.remote import Remote, find_remote, is_url
from xrayscan.batch.results import Header, Results
from xrayscan.batch.resume import SCANS, MadeBy, clear_leftovers, finished, plan
from xrayscan.batch.task import Done, ScreenerFactory, Screens, Task
from xrayscan.batch.workers import InProcess, LocalWorkers, Workers, cores
from xrayscan.io import find_scans

__all__ = ["Batch", "ModelScreener", "Preview", "Progress", "check_places", "preview", "screen_many"]

logger = logging.getLogger(__name__)

_MOST_WORKERS = 8  # each takes the memory of a model and a scan


@dataclass(frozen=True)
class ModelScreener:
    """Makes a `Screener`, in this process or in a worker.

    Attributes
    ----------
    model : str, Path or None
        A shipped model's name or a model folder; None is the default model.
    false_alarm_rate : float
        Share of clean scans that may be alarmed.
    threads : int or None
        Threads of one screener.
    attribution : str or None
        What explanations are made with, see `xrayscan.Screener`.
    """

    model: str | Path | None = None
    false_alarm_rate: float = 0.01
    threads: int | None = None
    attribution: str | None = None

    def __call__(self) -> Screens:
        """The screener.

        Raises
        ------
        ModelError
            If the model is unknown or damaged, or was not measured at this false-alarm rate.
        """
        from xrayscan.screening import Screener

        return Screener(
            model=self.model, false_alarm_rate=self.false_alarm_rate, threads=self.threads, attribution=self.attribution
        )


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes
    ----------
    total, done, resumed, failed : int
        Scans; ``done`` holds the other two.
    seconds : float [s]
        Since the first scan of this run began.
    row : mapping or None
        The result that just came.

    Examples
    --------
    >>> state = Progress(total=100, done=50, resumed=40, failed=0, seconds=20.0)
    >>> state.rate, state.time_left
    (0.5, 100.0)
    """

    total: int
    done: int
    resumed: int
    failed: int
    seconds: float
    row: Mapping[str, Any] | None = None

    @property
    def rate(self) -> float:
        """Scans a second in this run, resumed ones left out [1/s]."""
        return (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    @property
    def time_left(self) -> float | None:
        """Estimate [s]; None before the first scan is done."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True, repr=False)
class Batch:
    """What came of a batch.

    Attributes
    ----------
    out : Path
    rows : tuple of mapping
        One a scan: the most suspicious first, the failed ones at the end.
    failed : tuple of mapping
        Those that could not be screened.
    resumed : int
        Scans that an earlier run had finished.
    seconds : float [s]
    """

    out: Path
    rows: tuple[Mapping[str, Any], ...]
    failed: tuple[Mapping[str, Any], ...]
    resumed: int
    seconds: float

    @property
    def index(self) -> Path:
        """The page for the reviewer."""
        return self.out / "index.html"

    def __repr__(self) -> str:
        scans = f"{len(self.rows)} scans, {len(self.failed)} failed, {self.resumed} resumed"
        return f"Batch({scans}, {self.seconds:.1f} s, {self.out})"


@dataclass(frozen=True)
class Preview:
    """What a batch would do.

    Attributes
    ----------
    waiting : tuple of Task
        Scans that would be screened.
    done : tuple of Task
        Scans that an earlier run has finished.
    """

    waiting: tuple[Task, ...]
    done: tuple[Task, ...]


def screen_many(  # noqa: PLR0913  one keyword an option
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    model: str | Path | None = None,
    false_alarm_rate: float = 0.01,
    attribution: str | None = None,
    workers: int | None = None,
    cluster: Cluster | None = None,
    progress: Callable[[Progress], None] | None = None,
    screener_factory: ScreenerFactory | None = None,
) -> Batch:
    """Screen files, folders, patterns and URLs of scans into an output folder.

    Every scan gets a report folder below ``OUT/scans``; ``OUT/results.jsonl``, ``OUT/results.csv`` and ``OUT/index.html`` list
    the scans of this call, the most suspicious first. A scan that cannot be screened is a failed row, and the others
    go on. The call can be interrupted or killed at any moment and repeated: a scan is screened again only if it failed,
    its file changed, or the model, the version, the false-alarm rate or the attribution did.

    Parameters
    ----------
    paths : sequence of str or Path
        Scans, folders of scans, patterns such as ``lane*/**/*.tif``, and URLs that fsspec knows (as str), such as
        ``s3://scans/lane3`` or ``sftp://host/scans/*.tif``; these need the extra ``remote``. A scan behind a URL is known by
        what its server says of its version.
    out : str or Path
        The output folder; made if it is not there.
    model : str, Path or None
        A shipped model's name or a model folder; None is the default model.
    false_alarm_rate : float
        Share of clean scans that may be alarmed; one of those the model was measured at.
    attribution : str or None
        What explanations are made with, see `xrayscan.Screener`.
    workers : int or None
        Processes; None takes as many as there are cores, at most 8. 1 screens in this process, and a scan that kills its
        process then ends the call.
    cluster : Cluster or None
        Screen on Ray in place of processes of this machine, with the extra ``ray``; ``workers`` is then the most actors, and
        None what the cluster has room for. Scans, output folder and model must be where every node sees them.
    progress : callable or None
        Called with a `Progress` at the start and after every scan.
    screener_factory : callable or None
        Makes the screener, once in each process, in place of `ModelScreener`; must pickle.

    Returns
    -------
    Batch

    Raises
    ------
    BatchError
        If there are no scans, the output folder lies in an input or the other way round, or workers cannot start.
    BusyError
        If another run writes into the same output folder.
    ReadError
        If a path does not exist.
    ModelError
        If the model is unknown or damaged, or was not measured at this false-alarm rate.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/0412.npy", np.full((200, 400), 52000, np.uint16))
    ...     Path(folder, "0413.npy").touch()
    ...     scans = [f"{folder}/0412.npy", f"{folder}/0413.npy"]
    ...     batch = screen_many(scans, f"{folder}/out", workers=1)
    ...     again = screen_many(scans, f"{folder}/out", workers=1)
    >>> [row["status"] for row in batch.rows], again.resumed
    (['screened', 'failed'], 1)
    >>> batch.failed[0]["error"]
    'reading ...0413.npy: the file is empty; copy it again from the scanner'
    >>> screen_many([], "out")
    Traceback (most recent call last):
    xrayscan.batch.errors.BatchError: screening into out: no file or folder was given; name at least one
    """
    out = Path(out)
    if cluster is not None:
        check_ray()
    roots, scans = _scans(paths, out)
    if workers is not None and workers < 1:
        raise BatchError(f"screening with {workers} workers: at least 1 is needed")
    screener = (screener_factory or ModelScreener(model, false_alarm_rate, cores(), attribution))()
    made_by = MadeBy.of(screener.card, false_alarm_rate, attribution)
    header = Header.of(screener.card, false_alarm_rate, len(scans))
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        clear_leftovers(out)
        tasks = plan(scans, roots, out)
        run = _Run(tasks, made_by, Results(out, header), progress)
        if cluster is not None and run.waiting:
            factory = screener_factory or ModelScreener(model, false_alarm_rate, cluster.cpus, attribution)
            return run.through(RayWorkers(factory, made_by, out, cluster, workers))
        if workers == 1 or not run.waiting:
            return run.through(InProcess(screener))
        del screener  # from here on only the workers need one
        count = min(workers or min(cores(), _MOST_WORKERS), len(run.waiting))
        threads = max(1, cores() // count)
        factory = screener_factory or ModelScreener(model, false_alarm_rate, threads, attribution)
        return run.through(LocalWorkers(factory, count, threads))


def preview(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    model: str | Path | None = None,
    false_alarm_rate: float = 0.01,
    attribution: str | None = None,
    screener_factory: ScreenerFactory | None = None,
) -> Preview:
    """What `screen_many` would do with the same arguments; nothing is screened, and nothing written.

    Raises
    ------
    BatchError, ReadError, ModelError
        As `screen_many` does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "0412.npy").touch()
    ...     seen = preview([folder], f"{folder}-out")
    >>> [task.link for task in seen.waiting], seen.done
    (['scans/0412.npy'], ())
    """
    out = Path(out)
    roots, scans = _scans(paths, out)
    screener = (screener_factory or ModelScreener(model, false_alarm_rate, cores(), attribution))()
    made_by = MadeBy.of(screener.card, false_alarm_rate, attribution)
    tasks = plan(scans, roots, out)
    earlier = finished(tasks, made_by)
    return Preview(
        tuple(task for task, done in zip(tasks, earlier, strict=True) if done is None),
        tuple(task for task, done in zip(tasks, earlier, strict=True) if done is not None),
    )


def _scans(paths: Sequence[str | Path], out: Path) -> tuple[list[Path], list[Path | Remote]]:
    """The paths that were named, and the scans that are there, those behind URLs last."""
    named = [str(path) for path in paths]
    roots = [Path(path) for path in named if not is_url(path)]
    check_places(roots, out, named)
    remote = {scan.url: scan for path in named if is_url(path) for scan in find_remote(path)}
    own = [Path(os.path.realpath(out), name) for name in (SCANS, "coco")]  # a pattern may match the output folder
    found = [path for path in (find_scans(roots) if roots else ()) if not _lies_in(path, own)]
    scans: list[Path | Remote] = [*found, *remote.values()]
    if not scans:
        raise BatchError(f"looking for scans in {', '.join(named)}: there are none; name files or folders that hold scans")
    return roots, scans


def _lies_in(path: Path, folders: Sequence[Path]) -> bool:
    """Whether a path leads into one of some folders, whatever links are on the way."""
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(folder) for folder in folders)


def check_places(roots: Sequence[Path], out: Path, named: Sequence[str] | None = None) -> None:
    """Whether results of what was ``named``, of which ``roots`` are paths and no URLs, may go into ``out``.

    Raises
    ------
    BatchError
        If nothing was named, ``out`` is a URL or a file or lies in an input, or an input among its reports.
    """
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(out), re.IGNORECASE):
        raise BatchError(f"screening into {out}: results go to a disk or a mounted share, not to a URL; choose a folder")
    if not (roots if named is None else named):
        raise BatchError(f"screening into {out}: no file or folder was given; name at least one")
    if out.exists() and not out.is_dir():
        raise BatchError(f"screening into {out}: it is a file; choose a folder for the results")
    target = Path(os.path.realpath(out))
    for root in roots:
        source = Path(os.path.realpath(root))
        if source.is_dir() and target.is_relative_to(source):
            raise BatchError(
                f"screening {root} into {out}: the output folder lies inside the input, and its pictures would be taken for "
                "scans; choose an output folder outside"
            )
        if source.is_relative_to(target / SCANS):
            raise BatchError(
                f"screening {root} into {out}: the input lies among the reports of that output folder; name the scans"
            )


class _Run:
    """One call of `screen_many`: counts, tells and writes what is done."""

    def __init__(
        self,
        tasks: Sequence[Task],
        made_by: MadeBy,
        results: Results,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._results = results
        self._tell = progress or (lambda _: None)
        self._total = len(tasks)
        self._failed = 0
        self._start = time.perf_counter()
        self._made_by = made_by
        self._open = {task.link: task for task in tasks}
        self._add_finished()
        self._resumed = len(results)

    @property
    def waiting(self) -> list[Task]:
        """What has no result yet, in order."""
        return list(self._open.values())

    def through(self, engine: Workers) -> Batch:
        """Screen what is waiting; the results are written whatever ends it."""
        self._tell(self._progress(None))
        try:
            for done in engine.run(self.waiting):
                self._add(done)
                if done.failed:
                    self._failed += 1
                    logger.info("%s could not be screened: %s", done.task.name, done.row["error"])
                self._results.write_now_and_then()
                self._tell(self._progress(done.row))
        finally:
            engine.close()
            self._add_finished()  # interrupted: a worker may have finished one and not been heard
            self._results.write()
        seconds = time.perf_counter() - self._start
        rows = self._results.rows
        return Batch(self._results.out, rows, tuple(row for row in rows if row["status"] == "failed"), self._resumed, seconds)

    def _add(self, done: Done) -> None:
        self._results.add(done)
        del self._open[done.task.link]

    def _add_finished(self) -> None:
        for done in finished(self.waiting, self._made_by):
            if done is not None:
                self._add(done)

    def _progress(self, row: Mapping[str, Any] | None) -> Progress:
        seconds = time.perf_counter() - self._start
        return Progress(self._total, len(self._results), self._resumed, self._failed, seconds, row)
