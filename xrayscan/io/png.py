"""PNG, 8 bits or 16: checked whole before it is decoded, so that a damaged file is an error and never a gray stripe."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xrayscan.io.color import to_gray
from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import DEFLATE_RATIO, inflate
from xrayscan.scan import Quantity

__all__ = ["NEEDS", "can_read", "read"]

NEEDS: tuple[str, ...] = ("cv2",)
MAGIC = b"\x89PNG\r\n\x1a\n"

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PALETTE = 3
_ADAM7 = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))


@dataclass(frozen=True)
class _Header:
    columns: int
    rows: int
    depth: int
    color: int
    interlaced: bool

    @property
    def is_gray(self) -> bool:
        return self.color in (0, 4)

    def passes(self) -> list[tuple[int, int]]:
        """(rows, bytes of a row with its filter byte) of each pass."""
        bits = self.depth * _CHANNELS[self.color]
        sizes = [(self.rows, self.columns)]
        if self.interlaced:
            sizes = [(-(-(self.rows - top) // down), -(-(self.columns - left) // across)) for top, down, left, across in _ADAM7]
        return [(rows, 1 + (columns * bits + 7) // 8) for rows, columns in sizes if rows > 0 and columns > 0]


def can_read(file: ScanFile) -> bool:
    """Whether the file starts as PNG."""
    return file.head.startswith(MAGIC)


def read(file: ScanFile) -> Contents:
    """The plane of a PNG: gray as stored, 16 bits in 16 bits out; color becomes gray and ``display``
    (`xrayscan.io.color.to_gray`).

    Raises
    ------
    CorruptScanError
        If it is cut off, a checksum is wrong, or it claims more than it holds.

    References
    ----------
    .. [1] W3C, Portable Network Graphics (PNG) Specification, third edition, sections 5 (chunks), 7 to 10.
    """
    import cv2

    header, plain = _checked(file)
    try:
        image = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise file.corrupt(f"OpenCV cannot decode it ({error.err})") from error
    if image is None or image.shape[:2] != (header.rows, header.columns):
        raise file.corrupt("OpenCV cannot decode it; save it again")
    quantity: Quantity | None = None if header.is_gray else "display"
    if image.ndim == 2:
        return Contents(image, quantity=quantity)
    plane = to_gray(image[..., 2::-1])  # OpenCV's order is blue, green, red
    covered = None if plane.covered is None else plane.covered[None]
    return Contents(plane.pixels, quantity=quantity, bad_pixels=covered, steps=plane.steps)


def _checked(file: ScanFile) -> tuple[_Header, bytes]:
    """Header and the chunks that make the picture; the others only give libpng something to warn of."""
    header: _Header | None = None
    kept, stored, has_palette, ended = [MAGIC], bytearray(), False, False
    for kind, body, whole in _chunks(file):
        if header is None:
            header = _header(file, kind, body)
            kept.append(whole)
        elif kind == b"IDAT":
            stored += body
            kept.append(whole)
        elif kind == b"PLTE" and not has_palette and len(body) in range(3, 769, 3):
            has_palette = True
            if header.color == _PALETTE:
                kept.append(whole)
        elif kind == b"IEND":
            kept.append(whole)
            ended = True
            break
        elif not kind[0] & 0x20:
            raise file.corrupt(f"it holds a critical chunk {kind!r} that PNG does not know, or holds twice")
    if header is None or not ended:
        raise file.corrupt("it has no end: it was cut off; copy it again")
    if header.color == _PALETTE and not has_palette:
        raise file.corrupt("it needs a palette and has none")
    _check_pixels(file, header, bytes(stored))
    return header, b"".join(kept)


def _chunks(file: ScanFile) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, body and the whole chunk, its checksum checked."""
    at = len(MAGIC)
    while at < file.size:
        length = int.from_bytes(file.data[at : at + 4], "big")
        end = at + 12 + length
        if end > file.size:
            raise file.corrupt("it ends within a chunk: it was cut off; copy it again")
        whole = file.data[at:end]
        kind, body = whole[4:8], whole[8:-4]
        if zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:], "big"):
            raise file.corrupt(f"the checksum of its chunk {kind!r} is wrong; copy it again")
        yield kind, body, whole
        at = end


def _header(file: ScanFile, kind: bytes, body: bytes) -> _Header:
    if kind != b"IHDR" or len(body) != 13:
        raise file.corrupt("it does not start with a PNG header")
    columns, rows, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    if depth not in _DEPTHS.get(color, ()) or compression or filtering or interlace > 1:
        raise file.corrupt(f"its header claims {depth} bits of color type {color}, interlace {interlace}: there is no such PNG")
    header = _Header(columns, rows, depth, color, bool(interlace))
    check_claim(file, rows, columns, _CHANNELS[color] if color != _PALETTE else 3)
    if sum(n * width for n, width in header.passes()) > DEFLATE_RATIO * file.size:
        raise file.corrupt(f"it claims {rows} x {columns} pixels in {file.size} bytes; no deflate stream can do so")
    return header


def _check_pixels(file: ScanFile, header: _Header, stored: bytes) -> None:
    passes = header.passes()
    total = sum(rows * width for rows, width in passes)
    try:
        data = np.frombuffer(inflate(stored, least=total, most=total), np.uint8)
    except ValueError as error:
        raise file.corrupt(f"{error}; copy it again") from error
    at = 0
    for rows, width in passes:
        if data[at : at + rows * width : width].max() > 4:
            raise file.corrupt("a row has a filter that PNG does not know; it is damaged")
        at += rows * width
