"""JPEG: a picture made for eyes, always ``display``."""

from __future__ import annotations

import numpy as np

from xrayscan.io.color import to_gray
from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile

__all__ = ["NEEDS", "can_read", "read"]

NEEDS: tuple[str, ...] = ("cv2",)
MAGIC = b"\xff\xd8\xff"

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES_READ = (0xC0, 0xC1, 0xC2)
_FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_STANDALONE = (0x01, *range(0xD0, 0xD8))
# A block of 64 pixels takes at least one bit: 512 pixels a byte. Twice that, to be safe.
_PIXELS_PER_BYTE = 1024
_TRACE = 6


def can_read(file: ScanFile) -> bool:
    """Whether the file starts as JPEG."""
    return file.head.startswith(MAGIC)


def read(file: ScanFile) -> Contents:
    """The gray of a JPEG, as ``display``: 8 bits, of a curve that nobody knows; color is undone (`xrayscan.io.color.to_gray`).

    A file without its end marker is an error: decoders fill what is missing with gray and say nothing. Damage in the
    middle of the coded pixels has no checksum in this format and cannot always be told.

    Raises
    ------
    CorruptScanError
        If it is cut off, or its structure is broken.
    ReadError
        If it is a JPEG of more than 8 bits, or lossless.

    References
    ----------
    .. [1] ITU-T T.81, annex B: markers and segments.
    """
    import cv2

    rows, columns, components = _checked(file)
    if components > 1 and _has_chroma(_decoded(file, cv2.IMREAD_REDUCED_COLOR_8)):
        image = _decoded(file, cv2.IMREAD_COLOR)
        if image.shape[:2] == (rows, columns):
            plane = to_gray(image[..., ::-1])  # OpenCV's order is blue, green, red
            covered = None if plane.covered is None else plane.covered[None]
            return Contents(plane.pixels, quantity="display", bad_pixels=covered, steps=plane.steps)
    image = _decoded(file, cv2.IMREAD_GRAYSCALE)
    if image.shape != (rows, columns):
        raise file.corrupt("OpenCV cannot decode it; save it again")
    return Contents(image, quantity="display")


def _decoded(file: ScanFile, mode: int) -> np.ndarray:
    import cv2

    try:
        image = cv2.imdecode(np.frombuffer(file.data, np.uint8), mode | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise file.corrupt(f"OpenCV cannot decode it ({error.err})") from error
    if image is None:
        raise file.corrupt("OpenCV cannot decode it; save it again")
    decoded: np.ndarray = image
    return decoded


def _has_chroma(small: np.ndarray) -> bool:
    """Whether any mean of 8 x 8 pixels has color: a thin mark leaves less of it there, rounding leaves at most a trace."""
    return bool((small.max(axis=2) - small.min(axis=2)).max() > _TRACE)


def _checked(file: ScanFile) -> tuple[int, int, int]:
    """(rows, columns, components), after a walk over all segments to the end marker."""
    data, at, size, scans = file.data, 2, None, 0
    while True:
        marker, at = _marker(file, at)
        if marker == _END:
            break
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise file.corrupt("it ends within a segment: it was cut off; copy it again")
        if marker in _FRAMES:
            if size is not None:
                raise file.corrupt("it holds two frames; it is damaged")
            size = _frame(file, marker, data[at + 2 : at + length])
        at += length
        if marker == _SCAN:
            scans += 1
            at = _after_coded(file, at)
    if size is None or not scans:
        raise file.corrupt("it holds no picture")
    return size


def _marker(file: ScanFile, at: int) -> tuple[int, int]:
    """The marker at ``at``, and where its segment begins."""
    if file.data[at : at + 1] not in (b"\xff", b""):
        raise file.corrupt(f"there is no marker at byte {at}; it is damaged")
    while file.data[at : at + 1] == b"\xff":
        at += 1
    if at >= file.size:
        raise file.corrupt("it has no end marker: it was cut off; copy it again")
    return file.data[at], at + 1


def _after_coded(file: ScanFile, at: int) -> int:
    """Where the next marker after coded pixels is; stuffed zeros and restart markers belong to them."""
    while True:
        at = file.data.find(b"\xff", at)
        if at < 0 or at + 1 >= file.size:
            raise file.corrupt("it has no end marker: it was cut off; copy it again")
        following = file.data[at + 1]
        if following == 0xFF:
            at += 1
        elif following == 0 or 0xD0 <= following <= 0xD7:
            at += 2
        else:
            return at


def _frame(file: ScanFile, marker: int, body: bytes) -> tuple[int, int, int]:
    if len(body) < 6:
        raise file.corrupt("its frame header is cut off")
    precision, components = body[0], body[5]
    rows, columns = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    if marker not in _FRAMES_READ or precision != 8:
        raise file.refused(
            f"it is a JPEG of {precision} bits, process {marker & 15}; baseline and progressive JPEG of 8 bits are read: "
            "export the scan as 16-bit TIFF or PNG, which also keeps its depth"
        )
    check_claim(file, rows, columns, max(components, 1))
    if rows * columns > _PIXELS_PER_BYTE * file.size:
        raise file.corrupt(f"it claims {rows} x {columns} pixels in {file.size} bytes; no JPEG can do so")
    return rows, columns, components
