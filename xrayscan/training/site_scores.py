"""The scan scores of a folder of clean scans, kept in a journal so that a run that was stopped goes on. Needs no torch."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import xrayscan
from xrayscan._threads import limit_threads
from xrayscan.batch.names import printable
from xrayscan.batch.task import settings_mark
from xrayscan.errors import XrayscanError
from xrayscan.findings import scan_score
from xrayscan.io import find_scans, read
from xrayscan.io.reading import opened
from xrayscan.network import Model
from xrayscan.normalize import normalize
from xrayscan.quality.fitness import at_a_glance
from xrayscan.scan import Radiograph, Scan
from xrayscan.training.site_errors import SiteError
from xrayscan.zoo import ModelCard

__all__ = ["Scored", "Step", "data_hash", "distinct", "scans_of", "score_scans", "seen"]

logger = logging.getLogger(__name__)

Step = Callable[[int, int], None]
"""Told how many are done, and of how many."""


@dataclass(frozen=True)
class Scored:
    """One file.

    Attributes
    ----------
    path : str
        Below the folder.
    sha256 : str
        Of the file and of what its sidecars say; empty where it could not be opened.
    score : float or None
        Scan score; None where it could not be screened.
    inspected : float
        Share of the load that was penetrated.
    poor : bool
        Too poor to screen, as a report would say; it is scored all the same, as it is in a lane.
    error : str
        Why it could not be screened; empty if it was.
    """

    path: str
    sha256: str
    score: float | None = None
    inspected: float = 0.0
    poor: bool = False
    error: str = ""


def scans_of(folder: Path) -> list[Path]:
    """The scans of a folder.

    Raises
    ------
    SiteError
        If it is no folder, or there are none in it.
    """
    if not folder.is_dir():
        raise SiteError(f"looking for clean scans in {folder}: it is no folder; give the folder that holds them")
    scans = find_scans(folder)
    if not scans:
        raise SiteError(f"looking for clean scans in {folder}: there are none; give a folder that holds scans")
    return scans


def seen(path: Path) -> tuple[Scan, Radiograph]:
    """A scan of one view and its radiograph, as screening makes them.

    Raises
    ------
    ReadError, CalibrationError
    SiteError
        If the scan has several views.
    """
    scan = read(path)
    if len(scan.views) > 1:
        raise SiteError(f"reading {path}: it has {len(scan.views)} views; write each as a scan of its own")
    return scan, normalize(scan)


def score_scans(
    folder: Path, scans: Sequence[Path], card: ModelCard, journal: Path, *, workers: int = 1, step: Step = lambda *_: None
) -> list[Scored]:
    """The scan score of each file, as ``xrayscan screen`` gives it.

    Parameters
    ----------
    folder : Path
        That the files lie in.
    scans : sequence of Path
    card : ModelCard
    journal : Path
        Where each result is written as soon as it is there. Results of an earlier run count if the model, the version and the
        file are the same.
    workers : int
        Processes.
    step : callable

    Returns
    -------
    list of Scored
        In the order of the scans; whatever could not be screened is in it with its reason.

    Raises
    ------
    SiteError
        If a worker process dies.
    """
    known = _open_journal(journal, card)
    marks = {path: _mark(path) for path in scans}
    found = {path: _named(known[marks[path]], path, folder, marks[path]) for path in scans if marks[path] in known}
    waiting = [path for path in scans if path not in found]
    step(len(found), len(scans))
    with journal.open("a", encoding="utf-8") as file:
        for path, result in _screened(waiting, card, workers):
            found[path] = result = _named(result, path, folder, marks[path])
            if result.sha256 and not result.error:  # what failed is tried again by the next run
                file.write(json.dumps(asdict(result)) + "\n")
                file.flush()
            step(len(found), len(scans))
    return [found[path] for path in scans]


def _named(result: Scored, path: Path, folder: Path, mark: str) -> Scored:
    """A result with the name that its file has now."""
    return replace(result, path=printable(path.relative_to(folder).as_posix()), sha256=mark)


def _mark(path: Path) -> str:
    """Hash of a file and of what its sidecars say; empty where it cannot be opened."""
    try:
        file, said = opened(path), settings_mark(path)
    except (XrayscanError, OSError):
        return ""
    return hashlib.sha256(f"{file.sha256} {said}".encode()).hexdigest() if said else file.sha256


def _open_journal(journal: Path, card: ModelCard) -> dict[str, Scored]:
    """What an earlier run of the same model and version found; a journal of another one is begun anew."""
    head = json.dumps({"xrayscan": xrayscan.__version__, "model": dict(card.sha256)})
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    known = {}
    for line in lines[1:] if lines and lines[0] == head else []:
        try:
            result = Scored(**json.loads(line))
        except (ValueError, TypeError):  # the last line of a run that was killed
            continue
        known[result.sha256] = result
    kept = [head, *(json.dumps(asdict(result)) for result in known.values())]
    journal.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return known


def _screened(paths: Sequence[Path], card: ModelCard, workers: int) -> Iterator[tuple[Path, Scored]]:
    count = min(workers, len(paths))
    if count <= 1:
        model = Model(card) if paths else None
        for path in paths:
            assert model is not None
            yield path, _score(path, model)
        return
    context = multiprocessing.get_context("spawn")  # threads and locks of the libraries below do not survive a fork
    with ProcessPoolExecutor(count, mp_context=context, initializer=_Worker.start, initargs=(card,)) as pool:
        try:
            tasks = {pool.submit(_Worker.score, path): path for path in paths}
            for task in as_completed(tasks):
                yield tasks[task], task.result()
        except BrokenProcessPool as error:
            raise SiteError(
                "scoring clean scans: a worker process died, most likely for want of memory; what was scored is kept: run "
                "again with --workers 1"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


class _Worker:
    """What a worker process holds."""

    model: Model | None = None

    @classmethod
    def start(cls, card: ModelCard) -> None:
        limit_threads(1)
        cls.model = Model(card, threads=1)

    @classmethod
    def score(cls, path: Path) -> Scored:
        assert cls.model is not None
        return _score(path, cls.model)


def _score(path: Path, model: Model) -> Scored:
    try:
        _, radiograph = seen(path)
        score = scan_score(model(radiograph), radiograph)
        return Scored("", "", score, radiograph.inspected, bool(at_a_glance(radiograph)))
    except Exception as error:  # one odd file must not stop the others: it is named with its reason, and counted
        logger.debug("%s could not be screened", path, exc_info=True)
        if isinstance(error, MemoryError):
            return Scored("", "", error="there is not enough memory for it")
        told = str(error) if isinstance(error, XrayscanError | OSError) else f"{type(error).__name__}: {error}"
        return Scored("", "", error=told or "no reason was given")


def distinct(scored: Sequence[Scored]) -> tuple[list[Scored], list[Scored]]:
    """Those that were screened, each content once; and those whose content is another's."""
    kept: dict[str, Scored] = {}
    copies = []
    for one in scored:
        if one.score is None:
            continue
        if one.sha256 in kept:
            copies.append(one)
        else:
            kept[one.sha256] = one
    return list(kept.values()), copies


def data_hash(scored: Sequence[Scored]) -> str:
    """SHA-256 over the sorted hashes of the scans: the same scans give the same, whatever they are called."""
    return hashlib.sha256("\n".join(sorted(one.sha256 for one in scored)).encode()).hexdigest()
