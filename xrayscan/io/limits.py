"""What a file may claim: the bounds that every reader keeps, whatever the file says of itself.

A file is untrusted. Before memory is taken, its claim is held against its real size and against these constants. They
leave room for any cargo scan: 400 million values are two energies of 2,000 detector rows and 100,000 columns.
"""

from __future__ import annotations

import zlib

__all__ = [
    "DEFLATE_RATIO",
    "MAX_ENERGIES",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "MAX_SIDECAR_BYTES",
    "inflate",
]

MAX_PIXELS = 400_000_000
"""Most values of one scan, over all its energies (and colors, for a picture)."""

MAX_FILE_BYTES = 4 * 1024**3
"""Largest file that is read [B]."""

MAX_SIDECAR_BYTES = 4 * 1024**2
"""Largest sidecar that is read [B]."""

MAX_ENERGIES = 16
"""Most energies of one scan."""

DEFLATE_RATIO = 1032
"""Most bytes that one byte of a deflate stream can become (RFC 1951: 258 bytes from two bits)."""


def inflate(data: bytes | memoryview, *, least: int, most: int) -> bytes:
    """The bytes of a zlib stream that must become ``least`` to ``most`` bytes, taking memory for no more.

    Raises
    ------
    ValueError
        If it is damaged, ends early or goes on for longer.

    Examples
    --------
    >>> inflate(zlib.compress(bytes(100)), least=100, most=100) == bytes(100)
    True
    """
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, max(most, 1))
        more = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise ValueError(f"its compressed data are damaged ({error})") from error
    if more or len(out) > most:
        raise ValueError(f"its compressed data go on after the {most} bytes expected")
    if len(out) < least:
        raise ValueError(f"its compressed data end after {len(out)} of {least} bytes")
    return out
