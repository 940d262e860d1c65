"""Tiles of a long scan, whose answers put together are the whole scan's.

A convolutional network's answer at a place depends on what lies within its reach and on nothing else. So a tile that sees its
core and, on every side where the scan goes on, a halo as wide as the reach, answers its core as the whole scan would have been
answered. Tiles begin and end on the network's coarsest cells, so that their cells are the whole scan's cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from xrayscan.network.grid import MULTIPLE

__all__ = ["TILE_PIXELS", "Span", "spans", "tiles"]

TILE_PIXELS = 2 * 2**20  # of the grid, in one run of the network: 47 m of a truck 4.5 m high on a grid of 10 mm


@dataclass(frozen=True)
class Span:
    """A stretch of one axis: what the network is shown, and the part of it whose answer is kept [px of the grid].

    Attributes
    ----------
    start, stop : int
        What is shown, half open.
    first, last : int
        What is kept, half open.
    """

    start: int
    stop: int
    first: int
    last: int

    @property
    def kept(self) -> slice:
        """What is kept, on the whole axis."""
        return slice(self.first, self.last)

    @property
    def inner(self) -> slice:
        """What is kept, counted from the start of what is shown."""
        return slice(self.first - self.start, self.last - self.start)


def _up(size: int) -> int:
    return -(-size // MULTIPLE) * MULTIPLE


def spans(length: int, reach: int, longest: int) -> Iterator[Span]:
    """An axis cut into spans, whose kept parts lie side by side and cover it.

    Parameters
    ----------
    length : int
        A multiple of `MULTIPLE`.
    reach : int
        How far the network looks [px].
    longest : int
        Of what is shown [px]; where it is no longer than both halos, one cell more than these is shown.

    Examples
    --------
    >>> for span in spans(640, 60, 320):
    ...     print(span)
    Span(start=0, stop=320, first=0, last=256)
    Span(start=192, stop=512, first=256, last=448)
    Span(start=384, stop=640, first=448, last=640)
    """
    halo = _up(reach)
    longest = max(longest // MULTIPLE * MULTIPLE, 2 * halo + MULTIPLE)
    first = 0
    while first < length:
        start = max(0, first - halo)
        stop = min(length, start + longest)
        last = length if stop == length else stop - halo
        yield Span(start, stop, first, last)
        first = last


def tiles(shape: tuple[int, int], reach: int | None, pixels: int = TILE_PIXELS) -> Iterator[tuple[Span, Span]]:
    """A grid cut into tiles of rows and columns.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns, multiples of `MULTIPLE`.
    reach : int or None
        How far the network looks [px]; None where it looks over the whole scan, which then is one tile.
    pixels : int
        Of a tile; more where the halos alone take a third of its side.

    Examples
    --------
    >>> [(rows.stop, columns.kept) for rows, columns in tiles((448, 6016), 570)]
    [(448, slice(0, 4096, None)), (448, slice(4096, 6016, None))]
    >>> len(list(tiles((448, 1312), 570)))
    1
    """
    rows, columns = shape
    if reach is None or rows * columns <= pixels:
        yield Span(0, rows, 0, rows), Span(0, columns, 0, columns)
        return
    least = 3 * _up(reach)
    height = min(rows, max(math.isqrt(pixels), least))
    width = min(columns, max(pixels // height, least))
    height = min(rows, max(pixels // width, least))
    for across in spans(columns, reach, width):
        for down in spans(rows, reach, height):
            yield down, across
