"""Deflated bytes and PNG files, quick to make: what a report holds is noise, which does not repeat, or even, which is small."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from xrayscan.errors import ReportError

__all__ = ["deflated", "png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels of an image → what PNG calls them
TRIED = 16  # every so many rows are deflated to see whether it pays
NOISE = 0.8  # share that is left of what does not pay
FILTER_UP = 2  # PNG's number of "less the row above"


def deflated(*parts: np.ndarray) -> bytes:
    r"""Bytes as one zlib stream, in which only runs of one byte are looked for: others cost more time than they save.

    A part of which a try on some of its rows does not save a fifth is noise, and stored as it is.

    Parameters
    ----------
    *parts : ndarray of uint8

    Returns
    -------
    bytes

    References
    ----------
    P. Deutsch, RFC 1950 and 1951, zlib and deflate, https://www.rfc-editor.org/rfc/rfc1950

    Examples
    --------
    >>> zlib.decompress(deflated(np.zeros(1000, np.uint8), np.ones(2, np.uint8))) == bytes(1000) + b"\x01\x01"
    True
    """
    stream, check = [b"\x78\x01"], 1
    for part in map(np.ascontiguousarray, parts):
        some = np.ascontiguousarray(part[::TRIED])
        stream.append(_blocks(part, 0 if len(_blocks(some, 1)) > NOISE * some.size else 1))
        check = zlib.adler32(part.data, check)
    return b"".join([*stream, b"\x03\x00", check.to_bytes(4, "big")])  # the last block is empty


def _blocks(data: np.ndarray, level: int) -> bytes:
    """Deflate's blocks of some bytes, none of them the last."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, zlib.Z_RLE)
    return packer.compress(data.data) + packer.flush(zlib.Z_FULL_FLUSH)


def png(image: np.ndarray) -> bytes:
    """An image as a PNG file.

    Every row is stored as what it differs by from the one above, and only repetitions of single bytes are looked for: that is
    quick, and small enough, as noise does not repeat and everything else is even.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns), (rows, columns, 2), (rows, columns, 3) or (rows, columns, 4)
        Gray; gray and opacity; red, green, blue; and opacity.

    Returns
    -------
    bytes

    Raises
    ------
    ReportError
        If it is no such image.

    References
    ----------
    ISO/IEC 15948:2004, Portable Network Graphics, https://www.w3.org/TR/png/

    Examples
    --------
    >>> png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in COLOR_TYPES or not image.size:
        raise ReportError(
            f"encoding a picture of shape {image.shape} and type {image.dtype} as PNG; "
            "expected uint8 of shape (rows, columns) or (rows, columns, 2 to 4)"
        )
    rows, columns = image.shape[:2]
    flat = image.reshape(rows, -1)
    filtered = np.empty((rows, 1 + flat.shape[1]), np.uint8)
    filtered[:, 0], filtered[0, 1:] = FILTER_UP, flat[0]
    np.subtract(flat[1:], flat[:-1], out=filtered[1:, 1:])
    head = struct.pack(">IIBBBBB", columns, rows, 8, COLOR_TYPES[channels], 0, 0, 0)
    return SIGNATURE + b"".join(_chunk(*part) for part in ((b"IHDR", head), (b"IDAT", deflated(filtered)), (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
