"""NumPy ``.npy`` files, never with pickled objects."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile

__all__ = ["MAX_HEADER", "NEEDS", "NUMBERS", "TEXT", "Header", "can_read", "parse", "parse_header", "read"]

NEEDS: tuple[str, ...] = ()
MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000
NUMBERS = "?buif"
"""Kinds of values that are read: booleans, integers and real floats."""
TEXT = "US"
"""Kinds of text, for names in an archive."""

_DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?)([a-zA-Z?])(\d{0,3})['"]""")
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\d,\s]{0,200})\)""")


def can_read(file: ScanFile) -> bool:
    """Whether the file starts as a ``.npy`` does."""
    return file.head.startswith(MAGIC)


def read(file: ScanFile) -> Contents:
    """The array of a ``.npy`` file, shape (rows, columns) or (energies, rows, columns).

    Raises
    ------
    CorruptScanError
    """
    return Contents(parse(file, file.data))


@dataclass(frozen=True)
class Header:
    """What the head of ``.npy`` data claims; ``start`` is where the values begin [B]."""

    dtype: np.dtype
    fortran: bool
    shape: tuple[int, ...]
    start: int


def parse(file: ScanFile, data: bytes, what: str = "it", kinds: str = NUMBERS) -> np.ndarray:
    """The array that ``data`` holds in the ``.npy`` format, without copying.

    The header is matched and never evaluated, and the bytes that it claims must be the bytes that are there.

    Raises
    ------
    CorruptScanError

    References
    ----------
    .. [1] NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays"
    """
    header = parse_header(file, data, len(data), what, kinds)
    flat = np.frombuffer(data, header.dtype, offset=header.start)
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def parse_header(file: ScanFile, head: bytes, size: int, what: str, kinds: str = NUMBERS) -> Header:
    """The header at the start of ``head``, held against the ``size`` of all the data [B].

    Raises
    ------
    CorruptScanError
    """
    header = _header(file, head, what, kinds)
    if header.shape:
        check_claim(file, *header.shape)
    claimed = header.dtype.itemsize * math.prod(header.shape)
    if claimed != size - header.start:
        raise file.corrupt(
            f"{what} claims shape {header.shape} of {header.dtype}, that is {claimed} bytes, and holds {size - header.start}; "
            "copy it again"
        )
    return header


def _header(file: ScanFile, data: bytes, what: str, kinds: str) -> Header:
    if not data.startswith(MAGIC) or len(data) < 12:
        raise file.corrupt(f"{what} is no .npy data, or is cut off in its header")
    width = 2 if data[6] == 1 else 4
    length = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + length
    if data[6] not in (1, 2, 3) or length > MAX_HEADER or start > len(data):
        raise file.corrupt(f"{what} has a .npy header of version {data[6]} and {length} bytes in {len(data)}; it is damaged")
    text = data[8 + width : start].decode("latin1")
    descr, order, shape = _DESCR.findall(text), _ORDER.findall(text), _SHAPE.findall(text)
    if not len(descr) == len(order) == len(shape) == 1:
        raise file.corrupt(
            f"{what} has a .npy header that does not describe one array of plain numbers: {text[:120].strip()!r}"
        )
    byte_order, kind, length_text = descr[0]
    if kind not in kinds:
        raise file.corrupt(
            f"{what} holds {''.join(descr[0])!r}; expected integers or real floats, never objects: "
            "save the pixels as a plain array"
        )
    try:
        dtype = np.dtype(f"{byte_order}{kind}{length_text}")
        sides = tuple(int(side) for side in shape[0].replace(" ", "").split(",") if side)
    except (TypeError, ValueError) as error:
        raise file.corrupt(f"{what} has a damaged .npy header: {text[:120].strip()!r}") from error
    if dtype.itemsize == 0 or len(sides) > 4:
        raise file.corrupt(f"{what} has a damaged .npy header: {text[:120].strip()!r}")
    return Header(dtype, order[0] == "True", sides, start)
