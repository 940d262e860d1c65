"""The contract test that a vendor's reader must pass.

A reader is a module with ``NEEDS``, ``can_read(file)`` and ``read(file)``, named under the entry-point group
``xrayscan.readers`` (see `xrayscan.io.registry`). Everything that it needs is in `xrayscan.plugin`. Before it is shipped, its
maker runs `check_reader` on it::

    from xrayscan.plugin import check_reader
    import vendor_uff.reader

    def test_our_reader_keeps_the_contract():
        report = check_reader(vendor_uff.reader, good=["samples/0412.uff"], bad=["samples/broken.uff"])
        assert report.passed, report
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import random
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from xrayscan.errors import (
    CalibrationError,
    MissingDependencyError,
    ReadError,
    ShapeError,
)
from xrayscan.io.contents import Contents
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import DEFLATE_RATIO
from xrayscan.io.reading import checked_contents, opened
from xrayscan.scan import ENERGIES, Scan

__all__ = ["Problem", "ReaderReport", "check_reader"]

# Files of nobody's format: every reader must say no, and none may break on them.
_FOREIGN = (b"", b"\0", bytes(4096), b"GIF89a" + bytes(64), b"plain text, no scan\n" * 8, bytes(range(7, 256)) * 2)
_COPIES = 24
_SECONDS = 10.0
_SEED = 1_734_502_911
_FREE_MEMORY = 64_000_000


@dataclass(frozen=True)
class Problem:
    """One point of the contract that a reader does not keep.

    Attributes
    ----------
    point : str
        "names", "can_read", "read", "bits", "same twice", "side effects", "threads", "damage" or "bounds".
    file : str
        The file it was found on; empty if on none.
    text : str
        What was expected and what came.
    """

    point: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.point}{f' ({self.file})' if self.file else ''}: {self.text}"


@dataclass(frozen=True)
class ReaderReport:
    """What `check_reader` found; printing it lists the problems."""

    problems: tuple[Problem, ...]
    checked: int

    @property
    def passed(self) -> bool:
        """Whether the reader keeps the contract."""
        return not self.problems

    def __str__(self) -> str:
        if self.passed:
            return f"the reader keeps the contract: {self.checked} files and damaged copies"
        lines = "\n".join(f"- {problem}" for problem in self.problems)
        count = len(self.problems)
        return f"the reader breaks the contract in {count} point{'' if count == 1 else 's'}:\n{lines}"


def check_reader(
    reader: Any,
    good: Iterable[str | Path] | Mapping[str | Path, Any],
    bad: Iterable[str | Path] = (),
    *,
    seconds: float = _SECONDS,
) -> ReaderReport:
    """The contract test of a reader: what it is given, what it may do, and how it fails.

    It looks at the three names; that ``can_read`` says no to foreign, empty and short files and never raises; that ``read``
    gives `Contents` with sound pixels and every field of its type, the same each time and in two threads; that nothing else
    changes, from the first reading on (files, working folder, environment, random state, NumPy's error state, module search
    path, warnings, print-outs) and no other file is opened; and that cut-off and altered
    copies end in a `ReadError` that names the file, or in `Contents`, within time and memory that the file's real size
    allows. What the reader prints is kept off the terminal and told. Run it in a process that does nothing else meanwhile.

    Parameters
    ----------
    reader : module or object
        With ``NEEDS``, ``can_read`` and ``read``.
    good : iterable of paths, or mapping of path to array
        Sound files, with their sidecars beside them. With an array, the pixels must be exactly these: dtype, shape, values.
    bad : iterable of paths
        Files that the reader must refuse, by ``can_read`` or with a `ReadError`.
    seconds : float
        Longest time for one file [s]. What does not return by then is given up on and told.

    Returns
    -------
    ReaderReport

    Examples
    --------
    >>> import tempfile
    >>> from xrayscan.io import npy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/0412.npy", np.arange(12, dtype=np.uint16).reshape(3, 4))
    ...     print(check_reader(npy, good=[f"{folder}/0412.npy"]))
    the reader keeps the contract: 114 files and damaged copies
    """
    for name, given in (("good", good), ("bad", bad)):
        if isinstance(given, (str, Path)):
            raise TypeError(f"check_reader was given {name}={str(given)!r}; pass a list of paths: {name}=[{str(given)!r}]")
    check = _Check(reader, seconds)
    expected = dict(good) if isinstance(good, Mapping) else dict.fromkeys(good)
    sound = [(opened(path), pixels) for path, pixels in expected.items()]
    broken = [opened(path) for path in bad]
    if not check.names():
        return ReaderReport(tuple(check.problems), check.checked)
    if not sound:
        check.fail("read", "", "no sound file was given; name at least one in good=[...]")
    with _watched(first=True) as traces:
        check.foreign()
    check.side_effects("", traces)
    # Damaged copies make a reader print and change things too; only what it does to sound files is told one by one.
    with _undone(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for file, pixels in sound:
            if check.good(file, pixels):
                check.damaged(file)
        for file in broken:
            check.bad(file)
    return ReaderReport(tuple(check.problems), check.checked)


class _Check:
    """One run of the contract test: gathers problems."""

    def __init__(self, reader: Any, seconds: float) -> None:
        self.reader, self.seconds = reader, seconds
        self.problems: list[Problem] = []
        self.checked = 0

    def fail(self, point: str, file: ScanFile | str, text: str) -> None:
        name = file.path.name if isinstance(file, ScanFile) else file
        self.problems.append(Problem(point, name, text))

    def names(self) -> bool:
        """Whether the three names are there and usable."""
        lacking = [name for name in ("NEEDS", "can_read", "read") if not hasattr(self.reader, name)]
        if lacking:
            self.fail("names", "", f"it has no {', '.join(lacking)}; a reader has NEEDS, can_read and read")
            return False
        needs = self.reader.NEEDS
        if not isinstance(needs, tuple) or not all(isinstance(name, str) for name in needs):
            self.fail("names", "", f"NEEDS is {needs!r}; expected a tuple of module names, such as () or ('numpy',)")
            return False
        missing = [name for name in needs if find_spec(name) is None]
        if missing:
            self.fail("names", "", f"NEEDS names {', '.join(missing)}, which is not installed here, so nothing can be checked")
        uncallable = [name for name in ("can_read", "read") if not callable(getattr(self.reader, name))]
        if uncallable:
            self.fail("names", "", f"{', '.join(uncallable)} cannot be called; expected functions of a ScanFile")
        return not missing and not uncallable and self._loads(needs)

    def _loads(self, needs: tuple[str, ...]) -> bool:
        """Whether what the reader needs can be loaded: what that changes is not the reader's doing, and done before."""
        for name in needs:
            try:
                import_module(name)
            except Exception as error:  # noqa: BLE001  another library may raise anything, and that is the finding
                self.fail("names", "", f"NEEDS names {name}, which cannot be imported here: {error!r}")
                return False
        return True

    def side_effects(self, file: ScanFile | str, traces: Iterable[str]) -> None:
        """Each trace as a problem, once a file."""
        name = file.path.name if isinstance(file, ScanFile) else file
        for trace in traces:
            problem = Problem("side effects", name, trace)
            if problem not in self.problems:
                self.problems.append(problem)

    def foreign(self) -> None:
        """can_read says no to files of nobody's format."""
        for data in _FOREIGN:
            self.checked += 1
            file = ScanFile(Path("foreign.bin"), data)
            if self._knows(file):
                self.fail("can_read", file, f"it takes {data[:12]!r}... for its own; look for a signature of several bytes")

    def _knows(self, file: ScanFile) -> bool:
        try:
            answer = self.reader.can_read(file)
        except Exception as error:  # noqa: BLE001  the reader under test may raise anything, and that is the finding
            self.fail("can_read", file, f"it raised {error!r} on {file.size} bytes; it must answer True or False, never raise")
            return False
        if not isinstance(answer, (bool, np.bool_)):
            self.fail("can_read", file, f"it answered {answer!r}; expected True or False")
        return bool(answer)

    def good(self, file: ScanFile, expected: Any) -> bool:
        """Whether a sound file is read; what it gives and what it leaves behind is looked at."""
        self.checked += 1
        with _watched(first=True) as traces:
            knows = self._knows(file)
            first = self._read(file) if knows else None
        self.side_effects(file, traces)
        if not knows:
            self.fail("can_read", file, "it does not know this sound file")
            return False
        if not isinstance(first, Contents):
            return self._not_read(file, first)
        if not self._sound(file, first, expected):
            return False
        with _watched() as traces:
            self._knows(file)
            again = self._read(file)
        self.side_effects(file, traces)
        # Files are held against the disk, whoever opened them.
        with contextlib.suppress(OSError):
            if os.path.isfile(file.path) and file.path.read_bytes() != file.data:
                self.fail("side effects", file, "the file is changed on the disk; a reader must leave it as it is")
        if not isinstance(again, Contents) or _mark(again) != _mark(first):
            self.fail("same twice", file, "a second reading gave something else; it must depend on the file only")
        with ThreadPoolExecutor(2) as pool:
            marks = [_mark(one) if isinstance(one, Contents) else one for one in pool.map(self._read, [file] * 4)]
        if any(mark != _mark(first) for mark in marks):
            self.fail("threads", file, "two threads that read at once got something else; keep no state between calls")
        return True

    def _not_read(self, file: ScanFile, came: Any) -> bool:
        what = f"it raised {came!r}" if isinstance(came, Exception) else f"it gave a {type(came).__name__}"
        self.fail("read", file, f"{what} on a sound file; expected xrayscan.plugin.Contents")
        return False

    def _read(self, file: ScanFile) -> Any:
        """Contents, or the exception that came instead."""
        try:
            return self.reader.read(file)
        except Exception as error:  # noqa: BLE001  the reader under test may raise anything, and that is the finding
            return error

    def _sound(self, file: ScanFile, contents: Contents, expected: Any) -> bool:
        """Whether every field is of its type; every view must make a scan, and have the pixels that its maker expects."""
        try:
            checked = checked_contents(file, contents, getattr(self.reader, "__name__", type(self.reader).__name__))
        except ReadError as error:
            self.fail("read", file, f"its contents make no scan: {error}")
            return False
        for view in (checked, *checked.others):
            try:
                pixels = view.pixels
                names = view.energies or (ENERGIES if len(pixels) <= 2 else tuple(f"e{n}" for n in range(len(pixels))))
                Scan.from_array(
                    pixels,
                    quantity=view.quantity or "counts",
                    air=_line(view.air, pixels.shape[1]),
                    dark=_line(view.dark, pixels.shape[1]),
                    pixel_pitch=view.pixel_pitch,
                    energies=tuple(names[: len(pixels)]) if view.energies is None else names,
                    bad_pixels=view.bad_pixels,
                    endpoints=view.endpoints,
                    saturation=view.saturation,
                )
            except (ReadError, ShapeError, CalibrationError) as error:
                self.fail("read", file, f"its contents make no scan: {error}")
        self._bits(file, np.asarray(contents.pixels), expected)
        return True

    def _bits(self, file: ScanFile, pixels: np.ndarray, expected: Any) -> None:
        if expected is None:
            return
        wanted = np.asarray(expected)
        if pixels.dtype.newbyteorder("=") != wanted.dtype.newbyteorder("="):
            self.fail("bits", file, f"its pixels are {pixels.dtype}, the file's are {wanted.dtype}; keep every bit")
        elif pixels.shape not in {wanted.shape, (1, *wanted.shape)} and (1, *pixels.shape) != wanted.shape:
            self.fail("bits", file, f"its pixels have shape {pixels.shape}, the file's have {wanted.shape}")
        elif not np.array_equal(pixels.reshape(wanted.shape), wanted, equal_nan=wanted.dtype.kind == "f"):
            count = int((pixels.reshape(wanted.shape) != wanted).sum())
            self.fail("bits", file, f"{count} of {wanted.size} pixels differ from what the file holds")

    def bad(self, file: ScanFile) -> None:
        """A file that must be refused."""
        self.checked += 1
        if self._knows(file) and isinstance(self._bounded(file, "as a bad file"), Contents):
            self.fail("damage", file, "it was read, and was given as a file that must be refused")

    def damaged(self, file: ScanFile) -> None:
        """Copies that are cut off or altered end in an error of ours or in contents, soon and small."""
        chance, size, began = random.Random(file.size), file.size, len(self.problems)
        for number in range(2 * _COPIES):
            kept = (number + 1) ** 2 if number < _COPIES else size * (number - _COPIES) // _COPIES
            if not 0 < kept < size or len(self.problems) > began + 8:
                continue
            came = self._copy(file, file.data[:kept], f"cut off after {kept} of {size} bytes")
            if isinstance(came, Contents) and kept <= 0.9 * size:
                self.fail("damage", file, f"cut off after {kept} of {size} bytes it was read as if whole; expected a ReadError")
        for number in range(3 * _COPIES):
            hurt, within = bytearray(file.data), min(size, (size, 400, 32)[number % 3])
            for _ in range(chance.choice((1, 1, 4, 16))):
                at = chance.randrange(within)
                hurt[at] = chance.choice((0, 1, 127, 255, hurt[at] ^ 1 << chance.randrange(8)))
            if len(self.problems) > began + 8:
                return
            self._copy(file, bytes(hurt), f"with bytes changed (copy {number})")

    def _copy(self, file: ScanFile, data: bytes, what: str) -> Any:
        self.checked += 1
        copy = ScanFile(file.path, data, file.settings)
        return self._bounded(copy, what) if self._knows(copy) else None

    def _bounded(self, file: ScanFile, what: str) -> Any:
        """What reading gives, within time and memory; anything but contents and our errors is a problem."""
        came: list[Any] = []
        worker = threading.Thread(target=lambda: came.append(self._read(file)), daemon=True)
        tracing = tracemalloc.is_tracing()
        if not tracing:
            tracemalloc.start()
        tracemalloc.reset_peak()
        began, before = time.monotonic(), tracemalloc.get_traced_memory()[0]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                worker.start()
                worker.join(self.seconds)
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            if not tracing:
                tracemalloc.stop()
        if not came:
            self.fail("bounds", file, f"{what} it did not return within {time.monotonic() - began:.0f} s")
            return None
        allowed = _FREE_MEMORY + DEFLATE_RATIO * file.size
        if peak > allowed:
            self.fail(
                "bounds", file, f"{what} it took {peak / 1e6:.0f} MB for {file.size} bytes; hold claims against file.size"
            )
        return self._judged(file, came[0], what)

    def _judged(self, file: ScanFile, came: Any, what: str) -> Any:
        if isinstance(came, (ReadError, MissingDependencyError)):
            if file.path.name not in str(came):
                self.fail(
                    "damage", file, f"{what} its error does not name the file: {str(came)[:120]!r}; use file.corrupt(...)"
                )
        elif not isinstance(came, Contents):
            self.fail("damage", file, f"{what} it gave {came!r:.160}; expected a ReadError such as file.corrupt(...)")
        else:
            try:
                checked_contents(file, came, "under test")
            except ReadError:  # as `xrayscan.read` would end
                return None
        return came


def _line(value: Any, rows: int) -> Any:
    """A calibration line; one number holds for every channel."""
    return np.full(rows, np.asarray(value).item()) if value is not None and np.size(value) == 1 else value


def _mark(contents: Contents) -> str:
    """A hash of everything that a reader said."""
    digest = hashlib.sha256()
    for view in (contents, *contents.others):
        for name, value in sorted(vars(view).items()):
            if name == "others":
                continue
            array = isinstance(value, np.ndarray)
            digest.update(repr((name, value.dtype, value.shape) if array else (name, value)).encode())
            digest.update(np.ascontiguousarray(value).tobytes() if array else b"")
    return digest.hexdigest()


def _state() -> dict[str, Any]:
    """What a reader must leave as it is."""
    return {
        "the working folder": os.getcwd(),
        "the environment": dict(os.environ),
        "the state of random": random.getstate(),
        "the state of numpy.random": repr(np.random.get_state()),
        "the filters of warnings": list(warnings.filters),
        "the error state of NumPy": np.geterr(),
        "the print options of NumPy": repr(np.get_printoptions()),
        "the module search path": list(sys.path),
    }


@contextlib.contextmanager
def _undone() -> Iterator[None]:
    """Puts back what the code inside does to the process, so that it does not spoil what runs next."""
    folder, environment, path = os.getcwd(), dict(os.environ), list(sys.path)
    errors, shown = np.geterr(), np.get_printoptions()
    chance, chances = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        os.chdir(folder)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        sys.path[:] = path
        np.seterr(**errors)
        np.set_printoptions(**shown)
        random.setstate(chance)
        np.random.set_state(chances)


@contextlib.contextmanager
def _watched(first: bool = False) -> Iterator[list[str]]:
    """Gathers what the code inside changes, prints, warns of or opens.

    The first time, a library that is loaded then may open its own files, and warn, and add filters of warnings: these are
    left to the second time.
    """
    found: list[str] = []
    out = io.StringIO()
    with (
        _undone(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        random.seed(_SEED)  # a state in which no reader's own seed leaves it
        np.random.seed(_SEED)
        before = _state()
        with _LISTENER.listening() as events:
            yield found
        after = _state()
    if first:
        before["the filters of warnings"] = after["the filters of warnings"]
    found += [f"it changed {name}; a reader must leave it as it is" for name in before if before[name] != after[name]]
    if out.getvalue():
        found.append(f"it printed {out.getvalue()[:80]!r}; tell in an error or in a Step")
    if not first:
        found += [f"it {event}; a reader reads the bytes it is given and nothing else" for event in dict.fromkeys(events)]
        found += [f"it warned {str(one.message)[:120]!r}; tell in a Step" for one in warned]


class _Listener:
    """Hears of files, folders, programs and connections that Python opens; installed when first used."""

    _WORDS: Mapping[str, Callable[[tuple[Any, ...]], str]] = {
        "open": lambda args: f"opened {args[0]!r}",
        "os.listdir": lambda args: f"listed {args[0]!r}",
        "os.scandir": lambda args: f"listed {args[0]!r}",
        "os.remove": lambda args: f"removed {args[0]!r}",
        "os.rename": lambda args: f"renamed {args[0]!r}",
        "subprocess.Popen": lambda args: f"started {args[0]!r}",
        "os.system": lambda args: f"started {args[0]!r}",
        "socket.connect": lambda args: f"connected to {args[1]!r}",
    }

    def __init__(self) -> None:
        self._events: list[str] | None = None
        self._installed = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[list[str]]:
        if not self._installed:
            sys.addaudithook(self._hear)  # cannot be taken out again: it does nothing between checks
            self._installed = True
        events: list[str] = []
        self._events = events
        try:
            yield events
        finally:
            self._events = None

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self._events is not None and event in self._WORDS:
            self._events.append(self._WORDS[event](args))


_LISTENER = _Listener()
