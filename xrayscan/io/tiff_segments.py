"""The strips and tiles of a TIFF page, decoded with no more memory than the page needs.

References
----------
.. [1] TIFF, revision 6.0, Adobe 1992: sections 9 (PackBits), 13 (LZW), 14 (differencing predictor), 15 (tiles).
.. [2] Adobe Photoshop TIFF Technical Note 3, 2005: floating-point predictor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from xrayscan.errors import MissingDependencyError
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import DEFLATE_RATIO, MAX_PIXELS, inflate
from xrayscan.io.workers import each

__all__ = ["Page", "decode_pages"]

_NONE, _LZW, _DEFLATE, _PACKBITS, _OLD_DEFLATE, _ZSTD = 1, 5, 8, 32773, 32946, 50000
# Most bytes that one stored byte can become; zstd repeats a block of 128 KiB in four bytes.
_RATIO = {_NONE: 1, _LZW: 4096, _DEFLATE: DEFLATE_RATIO, _PACKBITS: 64, _OLD_DEFLATE: DEFLATE_RATIO, _ZSTD: 32768}
_IMAGECODECS = {_LZW: ("LZW", "lzw_decode"), _ZSTD: ("zstd", "zstd_decode")}


@dataclass(frozen=True)
class Page:
    """What the tags say of one page; ``segment`` is (rows, columns) of a strip or tile, ``bits`` those of a stored sample."""

    rows: int
    columns: int
    samples: int
    dtype: np.dtype
    compression: int
    predictor: int
    planar: bool
    segment: tuple[int, int]
    tiled: bool
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    white_is_zero: bool
    bits: int
    orientation: int = 1

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of a segment: samples lie bit by bit, rows start with a byte (TIFF 6.0, section 8)."""
        return -(-self.segment[1] * self.depth * self.bits // 8)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Segments by planes, down and across."""
        down, across = -(-self.rows // self.segment[0]), -(-self.columns // self.segment[1])
        return self.samples if self.planar else 1, down, across

    @property
    def depth(self) -> int:
        """Samples that lie together in one segment."""
        return 1 if self.planar else self.samples


def decode_pages(file: ScanFile, pages: Sequence[Page]) -> list[np.ndarray]:
    """The pixels of pages, each of shape (rows, columns) or (rows, columns, samples), in the byte order of this machine.

    Raises
    ------
    CorruptScanError
        If a segment is missing, short, damaged, or becomes more than it may.
    ReadError, MissingDependencyError
        If its compression is not read, or needs ``imagecodecs``.
    """
    for page in pages:
        _check(file, page)
    images = [np.empty((page.rows, page.columns, page.samples), page.dtype.newbyteorder("=")) for page in pages]

    def place(piece: tuple[Page, np.ndarray, int, tuple[int, int, int]]) -> None:
        page, out, number, (plane, top, left) = piece
        high, wide = page.segment
        channels = slice(plane, plane + 1) if page.planar else slice(None)
        target = out[top : top + high, left : left + wide, channels]
        block = _segment(file, page, number, high if page.tiled else target.shape[0])
        target[...] = block[: target.shape[0], : target.shape[1]]

    pieces = [
        (page, out, number, corner)
        for page, out in zip(pages, images, strict=True)
        for number, corner in enumerate(_corners(page))
    ]
    each(place, pieces, sum(out.nbytes for out in images))
    return [out[..., 0] if out.shape[2] == 1 else out for out in images]


def _check(file: ScanFile, page: Page) -> None:
    """Hold what the page claims against the bytes that are there, before memory is taken."""
    if page.compression not in _RATIO:
        raise file.refused(
            f"its pixels are stored with TIFF compression {page.compression}; none, deflate, PackBits, LZW and zstd are read: "
            "save it again with one of these"
        )
    if page.predictor not in (1, 2, 3) or (page.predictor == 3) != (page.predictor == 3 and page.dtype.kind == "f"):
        raise file.refused(f"its predictor {page.predictor} is not read for {page.dtype}; save it again without")
    if page.predictor != 1 and page.bits != 8 * page.dtype.itemsize:
        raise file.refused(f"its predictor {page.predictor} is not read for {page.bits} bits; save it again without")
    high, wide = page.segment
    if min(high, wide) < 1 or high * wide * page.depth > MAX_PIXELS:
        raise file.corrupt(f"its strips or tiles claim {high} x {wide} pixels")
    planes, down, across = page.grid
    if not planes * down * across == len(page.offsets) == len(page.counts):
        raise file.corrupt(
            f"its {page.rows} x {page.columns} pixels need {planes * down * across} strips or tiles, it lists "
            f"{len(page.offsets)} offsets and {len(page.counts)} sizes"
        )
    outside = any(
        count <= 0 or offset <= 0 or offset + count > file.size for offset, count in zip(page.offsets, page.counts, strict=True)
    )
    if outside or sum(page.counts) > file.size:
        raise file.corrupt("a strip or tile is missing or lies outside the file: it was cut off; copy it again")
    claimed = page.rows * page.columns * page.samples * page.bits // 8
    if claimed > _RATIO[page.compression] * sum(page.counts):
        raise file.corrupt(
            f"it claims {page.rows} x {page.columns} pixels, {claimed} bytes, from {sum(page.counts)} stored; "
            "its compression cannot do so"
        )


def _corners(page: Page) -> Iterator[tuple[int, int, int]]:
    planes, down, across = page.grid
    for plane in range(planes):
        for row in range(down):
            for column in range(across):
                yield plane, row * page.segment[0], column * page.segment[1]


def _segment(file: ScanFile, page: Page, number: int, rows: int) -> np.ndarray:
    """One strip or tile, shape (rows, columns of the segment, samples that lie together)."""
    least, most = rows * page.row_bytes, page.segment[0] * page.row_bytes
    start = page.offsets[number]
    stored = memoryview(file.data)[start : start + page.counts[number]]
    what = f"{'tile' if page.tiled else 'strip'} {number}"
    try:
        raw = _decompressed(file, page.compression, stored, least, most)
    except ValueError as error:
        raise file.corrupt(f"{what}: {error}; copy the file again") from error
    if len(raw) < least:
        raise file.corrupt(f"{what} holds {len(raw)} of {least} bytes: it was cut off; copy the file again")
    shape = (rows, page.segment[1], page.depth)
    if page.bits != 8 * page.dtype.itemsize:
        return _unpack_samples(np.frombuffer(raw, np.uint8, least).reshape(rows, -1), page.bits, shape)
    if page.predictor == 3:
        return _undo_float_predictor(raw[:least], shape, page.dtype)
    block = np.frombuffer(raw, page.dtype, count=rows * shape[1] * shape[2]).reshape(shape)
    block = block.astype(page.dtype.newbyteorder("="), copy=False)
    if page.predictor == 2:
        # Differences run over the stored bits, for floats too, and wrap around.
        bits = block.view(f"u{page.dtype.itemsize}")
        block = np.cumsum(bits, axis=1, dtype=bits.dtype).view(block.dtype)
    return block


def _decompressed(file: ScanFile, compression: int, stored: memoryview, least: int, most: int) -> Any:
    if compression == _NONE:
        return stored
    if compression in (_DEFLATE, _OLD_DEFLATE):
        return inflate(stored, least=least, most=most)
    if compression == _PACKBITS:
        return _unpack_bits(stored, most)
    name, function = _IMAGECODECS[compression]
    try:
        codecs = import_module("imagecodecs")
    except ImportError as error:
        raise MissingDependencyError(
            f"reading {file.path}: its pixels are stored with {name} compression, which needs the package imagecodecs; "
            "run: pip install imagecodecs, or save the file again with deflate compression",
            extra="imagecodecs",
        ) from error
    try:
        return getattr(codecs, function)(bytes(stored), out=most)
    except Exception as error:  # imagecodecs has an exception class for each codec, RuntimeErrors all
        raise ValueError(f"its {name} data are damaged ({error})") from error


def _unpack_bits(stored: memoryview, most: int) -> bytes:
    out, at = bytearray(), 0
    while at < len(stored) and len(out) < most:
        code = stored[at]
        if code < 128:
            out += stored[at + 1 : at + 2 + code]
            at += 2 + code
        elif code > 128:
            out += bytes(stored[at + 1 : at + 2]) * (257 - code)
            at += 2
        else:
            at += 1
    return bytes(out)


def _unpack_samples(lines: np.ndarray, bits: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Samples of 9 to 15 bits that lie bit by bit, highest first, as 16-bit numbers."""
    rows, columns, depth = shape
    samples, width = 8 // math.gcd(bits, 8), bits // math.gcd(bits, 8)
    groups = -(-columns * depth // samples)
    padded = np.zeros((rows, groups * width + 2), np.uint8)
    padded[:, : lines.shape[1]] = lines
    out = np.empty((rows, groups, samples), np.uint16)
    for sample in range(samples):
        first, shift = divmod(sample * bits, 8)
        high, middle, low = (padded[:, first + n : first + n + groups * width : width].astype(np.uint32) for n in range(3))
        out[..., sample] = ((high << 16 | middle << 8 | low) >> (24 - bits - shift)) & ((1 << bits) - 1)
    return out.reshape(rows, -1)[:, : columns * depth].reshape(shape)


def _undo_float_predictor(raw: Any, shape: tuple[int, int, int], dtype: np.dtype) -> np.ndarray:
    """Sum the bytes along each row, then put the planes of bytes, highest first, together again."""
    rows, columns, depth = shape
    data = np.frombuffer(raw, np.uint8).reshape(rows, dtype.itemsize * columns, depth)
    planes = np.cumsum(data, axis=1, dtype=np.uint8).reshape(rows, dtype.itemsize, columns * depth)
    together = np.ascontiguousarray(planes.transpose(0, 2, 1))
    return together.view(f">f{dtype.itemsize}").reshape(shape).astype(f"=f{dtype.itemsize}")
