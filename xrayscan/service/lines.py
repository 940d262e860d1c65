"""A scan that comes line by line: what its sender says of it, and the raw file that its lines are written into."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, get_args

import numpy as np

from xrayscan.arriving import WIDEST_GAP, Gaps, missing_before, scan_like
from xrayscan.batch.names import printable
from xrayscan.errors import GapError, XrayscanError
from xrayscan.io import sidecar
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_ENERGIES, MAX_PIXELS, MAX_SIDECAR_BYTES
from xrayscan.io.raw import DTYPES
from xrayscan.scan import Scan, Source
from xrayscan.service.problem import RefusedError, too_large
from xrayscan.service.upload import Upload, clean_name
from xrayscan.service.worker import SIDECAR

__all__ = ["FILE", "HEADER", "Lines", "LinesFile"]

FILE = "scan.raw"
"""Name of the file in the folder of its scan."""

HEADER = 8
"""Bytes before the lines of a message: the detector's own count of the lines before them, unsigned and little-endian."""

_OWN = ("name", "gaps", "idempotency_key")
_OURS = ("columns", "byte_order", "order", "interleave", "header_bytes", "lost_columns", "pages", "align")
_KEYS = (*(key for key in sidecar.KEYS if key not in _OURS), *_OWN)
_NEEDED = ("rows", "pixel_pitch", "dtype")
_LAYOUT = {"byte_order": "little", "order": "columns", "interleave": "lines"}
_LONGEST_LINE = 1 << 20  # bytes
_MOST_GAPS = 10_000
_ROOM = 32 * _MOST_GAPS  # bytes of a sidecar that the gaps may need
_BLOCK = 1 << 18  # bytes that are gathered before they are written


@dataclass(frozen=True, eq=False)
class Lines:
    """What the sender of lines says of them: the sidecar of the raw file that they become, its name, and what a gap means.

    Attributes
    ----------
    like : Scan
        Of one column: what is the same for all of them.
    settings : mapping of str to object
        The sidecar, without what is known in the end only.
    gaps : {"error", "mask"}
    name : str
        What the report calls the scan, on one line.
    key : str
        Idempotency key; empty if there is none.

    Examples
    --------
    >>> lines = Lines.from_text('{"rows": 850, "pixel_pitch": 0.005, "dtype": "uint16", "name": "lane3/0412"}')
    >>> lines.line_bytes, lines.name, lines.gaps
    (1700, 'lane3/0412', 'error')
    """

    like: Scan
    settings: Mapping[str, Any]
    gaps: Gaps
    name: str
    key: str

    @classmethod
    def from_text(cls, text: str) -> Lines:
        """What the first message says.

        Raises
        ------
        RefusedError
            If it is no JSON object, lacks something, has a key that is not known, or a value that makes no sense.
        """
        told = _object(text)
        for unknown in set(told) - set(_KEYS):
            near = difflib.get_close_matches(unknown[:200], _KEYS, 1, 0.5)
            meant = f"perhaps {near[0]!r} is meant" if near else f"expected {', '.join(_KEYS)}"
            raise _invalid(f"the first message has a key {_shown(unknown)!r}; {meant}")
        missing = [key for key in _NEEDED if told.get(key) is None]
        if missing:
            raise _invalid(f"the first message does not say {', '.join(missing)}; it needs {', '.join(_NEEDED)}")
        name, gaps, key = (told.get(own) for own in _OWN)
        if gaps is not None and gaps not in get_args(Gaps):
            raise _invalid(f"gaps is {_shown(gaps)!r}; expected one of {', '.join(get_args(Gaps))}")
        if not all(value is None or (isinstance(value, str) and 0 < len(value) <= 200) for value in (name, key)):
            raise _invalid("name and idempotency_key are texts of 1 to 200 characters")
        settings = {key: value for key, value in told.items() if key not in _OWN and value is not None}
        settings = {"quantity": "counts", "energies": ["high"], **settings, **_LAYOUT}
        shown = clean_name(name or "lines")
        return cls(_like(settings, shown), settings, gaps or "error", shown, key or "")

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of one value, as it comes."""
        return np.dtype(self.settings["dtype"]).newbyteorder("<")

    @property
    def line_values(self) -> int:
        """Values of one line."""
        energies, rows, _ = self.like.view.pixels.shape
        return energies * rows

    @property
    def line_bytes(self) -> int:
        """Bytes of one line."""
        return self.line_values * self.dtype.itemsize

    @property
    def pitch(self) -> float:
        """From column to column [m]."""
        assert self.like.view.pixel_pitch is not None
        return self.like.view.pixel_pitch[1]

    def scan(self, file: Path, start: int, stop: int, lost: list[tuple[int, int]]) -> Scan:
        """The scan of some columns that lie in the file.

        Raises
        ------
        OSError, ValueError
            If they do not.
        """
        energies, rows, _ = self.like.view.pixels.shape
        count = (stop - start) * self.line_values
        flat = np.fromfile(file, self.dtype, count, offset=start * self.line_bytes)
        pixels = flat.reshape(stop - start, energies, rows).transpose(1, 2, 0)
        missing = np.zeros(stop - start, bool)
        for first, last in lost:
            missing[max(0, first - start) : max(0, last - start)] = True
        return scan_like(self.like, np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("=")), missing)


def _invalid(detail: str) -> RefusedError:
    return RefusedError("invalid", detail)


def _shown(value: object) -> str:
    return clean_name(str(value)[:200])


def _object(text: str) -> dict[str, Any]:
    if len(text) > MAX_SIDECAR_BYTES:
        raise _invalid(f"the first message has {len(text)} characters; up to {MAX_SIDECAR_BYTES} are read")
    try:
        told = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"the first message is no JSON ({clean_name(str(error))}); send the sidecar of the scan") from error
    if not isinstance(told, dict):
        raise _invalid(f"the first message is a {type(told).__name__}; expected an object, the sidecar of the scan")
    return told


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _like(settings: dict[str, Any], name: str) -> Scan:
    """The scan of one column that a sidecar describes, in which calibration is numbers and never files."""
    rows, energies, dtype = settings["rows"], settings["energies"], settings["dtype"]
    if type(rows) is not int or rows < 1:
        raise _invalid(f"rows is {_shown(rows)}; expected a whole number of 1 or more")
    if dtype not in DTYPES:
        raise _invalid(f"dtype is {_shown(dtype)!r}; expected one of {', '.join(DTYPES)}, little-endian")
    if not isinstance(energies, list) or not 1 <= len(energies) <= MAX_ENERGIES:
        raise _invalid(f"energies are {_shown(energies)}; expected a list of 1 to {MAX_ENERGIES} names")
    if energies[-1] == "high" and "low" in energies:
        raise _invalid('energies are told high first: send ["high", "low"], and the lines in that order')
    if rows * len(energies) * np.dtype(dtype).itemsize > _LONGEST_LINE:
        raise _invalid(
            f"a line of {len(energies)} x {rows} {dtype} is longer than {_LONGEST_LINE} bytes; check rows and energies"
        )
    for key in ("air", "dark", "bad_pixels"):
        if isinstance(settings.get(key), str):
            raise _invalid(f"{key} is a name; lines come without files: send its numbers as a list")
    if len(json.dumps(settings)) > MAX_SIDECAR_BYTES - _ROOM:
        raise _invalid(
            f"the first message is longer than {MAX_SIDECAR_BYTES - _ROOM} bytes when it is written; round its numbers"
        )
    file = ScanFile(Path(name), b"", settings)
    try:
        said = sidecar.checked(file, settings, rows)
        source = Source(path=name, vendor=said.vendor, scanner=said.scanner, ids=said.ids)
        lines: dict[str, Any] = {key: _line(getattr(said, key), rows) for key in ("air", "dark", "bad_pixels")}
        return Scan.from_array(
            np.zeros((len(energies), rows, 1), dtype), quantity=said.quantity or "counts", pixel_pitch=said.pixel_pitch,
            energies=said.energies, endpoints=said.endpoints, saturation=said.saturation, source=source,
            acquired_at=said.acquired_at, manifest=said.manifest, **lines,
        )  # fmt: skip
    except (XrayscanError, ValueError, OverflowError) as error:
        raise _invalid(printable(str(error))[:600]) from error


def _line(line: Any, rows: int) -> np.ndarray | None:
    """A calibration line; one number holds for every row."""
    return np.full(rows, line.item()) if line is not None and np.size(line) == 1 else line


class LinesFile:
    """The raw file of a scan whose lines still come.

    Parameters
    ----------
    lines : Lines
    folder : Path
        Empty, and there.
    most : int [B]
        Largest file.
    """

    def __init__(self, lines: Lines, folder: Path, most: int) -> None:
        self.lines, self.path = lines, folder / FILE
        self._most = min(most, MAX_PIXELS * lines.dtype.itemsize)
        self.columns = 0  # that have come, or were lost and are counted
        self.written = 0  # of them
        self.lost: list[tuple[int, int]] = []
        self._widest = max(1, round(WIDEST_GAP / lines.pitch))
        self._awaited = 0  # columns there would be, had none been refused
        self._pending: list[bytes | int] = []  # lines to write, and bytes of lost ones
        self._digest = hashlib.sha256()
        self._stream: BinaryIO = self.path.open("xb")

    @property
    def pending(self) -> int:
        """Bytes that are not yet written."""
        return (self.columns - self.written) * self.lines.line_bytes

    @property
    def is_full(self) -> bool:
        """Whether it is time to write."""
        return self.pending >= _BLOCK

    def add(self, message: bytes) -> None:
        """Take in the lines of one message.

        Raises
        ------
        RefusedError
            Of kind "gap" if lines are missing, came twice or are not whole: they are not taken in, and may be sent again. Any
            other kind is the end.
        """
        if len(message) < HEADER:
            raise RefusedError(
                "malformed",
                f"a message of {len(message)} bytes came; expected the count of lines before it, {HEADER} bytes, then lines",
            )
        at, size = int.from_bytes(message[:HEADER], "little"), self.lines.line_bytes
        width, rest = divmod(len(message) - HEADER, size)
        if rest:
            self._await(at, width + 1)
            raise self._gap(
                f"pushing {len(message) - HEADER} bytes at {at}: that is no whole number of lines of {size} bytes; send them "
                "again",
                at,
            )
        try:
            missing = missing_before(at, width, count=self.columns, gaps=self.lines.gaps, pitch=self.lines.pitch)
        except GapError as error:
            self._await(at, width)
            raise self._gap(str(error), at) from error
        known = min(width, max(0, -missing))
        count = self.columns + max(0, missing) + width - known
        if count * size > self._most:
            raise too_large(self._most)
        if missing > 0:
            self._lose(missing)
        if width > known:
            self._pending.append(message[HEADER + known * size :])
        self.columns = count

    def _await(self, at: int, width: int) -> None:
        """Lines that were refused must come again; a count that is not believed says no more than that they are missing."""
        begin = self.columns if at - self.columns > self._widest else at
        self._awaited = max(self._awaited, begin + width)

    def _gap(self, detail: str, at: int) -> RefusedError:
        return RefusedError("gap", detail, more={"expected": self.columns, "actual": at})

    def _lose(self, count: int) -> None:
        if len(self.lost) >= _MOST_GAPS:
            raise RefusedError(
                "malformed", f"there are more than {_MOST_GAPS} gaps in the lines; check the detector and its counter"
            )
        begin = self.lost.pop()[0] if self.lost and self.lost[-1][1] == self.columns else self.columns
        self.lost.append((begin, self.columns + count))
        self._pending.append(count * self.lines.line_bytes)

    def write(self) -> None:
        """Write what has come.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        for piece in self._pending:
            if not isinstance(piece, int):
                self._digest.update(piece)
                self._stream.write(piece)
                continue
            for start in range(0, piece, _BLOCK):
                self._digest.update(bytes(min(_BLOCK, piece - start)))
            self._stream.truncate(self._stream.seek(piece, 1))  # zeros that take no room
        self._stream.flush()
        self._pending.clear()
        self.written = self.columns

    def finish(self) -> Upload:
        """Write the rest, and the sidecar.

        Raises
        ------
        RefusedError
            If no line has come, or some were refused and did not come again.
        OSError
            If the disk refuses.
        """
        if self._awaited > self.columns:
            raise self._gap(
                f"closing at {self.columns} lines: of those before {self._awaited} some were refused and did not come again; "
                'send them, or with gaps="mask" the true count alone',
                self._awaited,
            )
        if not self.columns:
            raise RefusedError("malformed", "the scan is closed and has no line; send lines first")
        self.write()
        self._stream.close()
        said = {**self.lines.settings, "columns": self.columns, "lost_columns": self.lost}
        text = json.dumps(said)
        (self.path.parent / f"{SIDECAR}.json").write_text(text, encoding="ascii")
        sha256 = self._digest.hexdigest()
        whole = hashlib.sha256(f"{json.dumps(said, sort_keys=True)}{sha256}".encode()).hexdigest()
        return Upload(FILE, self.lines.name, self.columns * self.lines.line_bytes, sha256, whole)

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(OSError):  # what was not written any more is discarded
            self._stream.close()
