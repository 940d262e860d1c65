"""Which scans of a folder that others write into are complete.

The folder is looked at again and again: that works on network shares too, where nobody tells of changes. Only this machine's
own clock counts; those of scanners and file servers may be wrong.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xrayscan.batch.errors import BatchError
from xrayscan.errors import ReadError
from xrayscan.io import find_scans, raw, sidecar

__all__ = ["Arrival", "Arrivals", "Look", "Settling", "Stamp"]

logger = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int], ...]
"""Name, size [bytes] and time of change [ns] of a scan and of what belongs to it; size -1 for what is named and not there."""

_MISSING = -1


@dataclass(frozen=True)
class Settling:
    """When a scan counts as complete.

    Attributes
    ----------
    seconds : float [s]
        For which neither it nor its sidecars and calibration have changed.
    patience : float [s]
        The same for a scan that lacks something: it is empty, a raw file without its sidecar, or calibration that its sidecar
        names is not there. After that it is screened as it is, so that it fails and is not forgotten.
    poll : float [s]
        Between two looks at the folder.
    sidecars : bool
        Every scan gets a sidecar of its own; one that has none yet lacks it.

    Raises
    ------
    BatchError
        If one of the times is no number above 0.

    Examples
    --------
    >>> Settling(seconds=0)
    Traceback (most recent call last):
    xrayscan.batch.errors.BatchError: watching with seconds = 0: expected seconds above 0
    """

    seconds: float = 2.0
    patience: float = 60.0
    poll: float = 1.0
    sidecars: bool = False

    def __post_init__(self) -> None:
        for name in ("seconds", "patience", "poll"):
            if not 0 < getattr(self, name) < math.inf:
                raise BatchError(f"watching with {name} = {getattr(self, name)}: expected seconds above 0")


@dataclass(frozen=True)
class Arrival:
    """A scan as it lies in the folder.

    Attributes
    ----------
    path : Path
    stamp : Stamp
        Another one means that something of it changed.
    """

    path: Path
    stamp: Stamp


@dataclass(frozen=True)
class Look:
    """One look at the folder.

    Attributes
    ----------
    complete : tuple of Arrival
    waiting : tuple of Path
        Scans that still change, or lack something.
    """

    complete: tuple[Arrival, ...] = ()
    waiting: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Seen:
    stamp: Stamp
    lacks: bool
    since: float


class Arrivals:
    """Looks at a folder, and remembers since when each scan has not changed.

    Parameters
    ----------
    folder : Path
    settling : Settling
    clock : callable
        Seconds of a clock that never goes back.

    Examples
    --------
    >>> import tempfile
    >>> times = iter([0.0, 1.0, 2.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     arrivals = Arrivals(Path(folder), Settling(seconds=2.0), lambda: next(times))
    ...     _ = Path(folder, "0412.tif").write_bytes(b"II*")
    ...     [len(arrivals.look().complete) for _ in range(3)]
    [0, 0, 1]
    """

    def __init__(self, folder: Path, settling: Settling, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._settling = settling
        self._clock = clock
        self._seen: dict[Path, _Seen] = {}
        self._references: dict[tuple[Path, int, int], list[Path]] = {}
        self._is_lost = False

    def look(self) -> Look:
        """What is complete now, and what is not yet; nothing if the folder cannot be listed for the moment."""
        scans = self._scans()
        if scans is None:
            return Look()
        now = self._clock()
        entries: dict[Path, frozenset[str]] = {}
        seen: dict[Path, _Seen] = {}
        complete, waiting = [], []
        for path in scans:
            stamp = self._stamp(path, entries)
            if not stamp:
                continue  # gone between two steps of this look
            before = self._seen.get(path)
            if before is None or before.stamp != stamp:
                before = _Seen(stamp, self._lacks(path, stamp), now)
            seen[path] = before
            needed = max(self._settling.seconds, self._settling.patience) if before.lacks else self._settling.seconds
            if now - before.since >= needed:
                complete.append(Arrival(path, stamp))
            else:
                waiting.append(path)
        self._seen = seen
        return Look(tuple(complete), tuple(waiting))

    def _scans(self) -> list[Path] | None:
        try:
            os.listdir(self._folder)  # find_scans would take a folder that cannot be listed for a scan
            scans = find_scans(self._folder)
        except OSError as error:
            if not self._is_lost:
                logger.warning("%s cannot be listed (%s); looking again until it can", self._folder, error)
            self._is_lost = True
            return None
        if self._is_lost:
            logger.warning("%s can be listed again", self._folder)
        self._is_lost = False
        return [path for path in scans if path != self._folder]

    def _stamp(self, path: Path, entries: dict[Path, frozenset[str]]) -> Stamp:
        """Of a scan, its sidecars and what they name; empty if it is gone."""
        if os.path.isdir(path):
            return _stamp_of_bundle(path) or ((path.name, 0, 0),)  # it cannot be listed: it lacks something, and is told
        own = _piece(path)
        if own[1] == _MISSING:
            return ()
        sidecars = [piece for name in _sidecars(path, entries) if (piece := _piece(path.with_name(name)))[1] != _MISSING]
        named = {file for piece in sidecars for file in self._named(path.with_name(piece[0]), piece)}
        return (own, *sidecars, *(_piece(file, os.path.relpath(file, path.parent)) for file in sorted(named)))

    def _named(self, path: Path, piece: tuple[str, int, int]) -> list[Path]:
        """Files that a sidecar names; it is read again only when it changed."""
        key = (path, *piece[1:])
        if key not in self._references:
            self._references = {known: files for known, files in self._references.items() if known[0] != path}
            self._references[key] = sidecar.references(path)
        return self._references[key]

    def _lacks(self, path: Path, stamp: Stamp) -> bool:
        """Whether something of a scan is still to come."""
        if stamp[0][1] == 0 or any(size == _MISSING for _, size, _ in stamp):
            return True
        if os.path.isdir(path):
            return False
        if self._settling.sidecars and not any(name.startswith(f"{path.stem}.") for name, *_ in stamp[1:]):
            return True
        return path.suffix.lower() in raw.SUFFIXES and not _is_described(path)


def _sidecars(path: Path, entries: dict[Path, frozenset[str]]) -> list[str]:
    """Names of files beside a scan that may be its sidecars."""
    folder = path.parent
    if folder not in entries:
        try:
            entries[folder] = frozenset(os.listdir(folder))
        except OSError:
            entries[folder] = frozenset()
    return [name for name in sidecar.names(path) if name in entries[folder]]


def _piece(path: Path, name: str = "") -> tuple[str, int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return (name or path.name, _MISSING, 0)
    return (name or path.name, found.st_size, found.st_mtime_ns)


def _stamp_of_bundle(folder: Path) -> Stamp:
    files = sorted(Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return tuple(_piece(file, os.path.relpath(file, folder)) for file in files)


def _is_described(path: Path) -> bool:
    try:
        return bool(sidecar.find(path))
    except ReadError:  # half written, or wrong: reading the scan will say so
        return False
