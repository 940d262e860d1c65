"""A long scan, such as a goods train's, cut into stretches that are screened one by one.

A stretch is cut where most of the beam comes through, as between two wagons, and screened with some meters of what lies beside
it. Where it ends follows from the columns up to there and a few meters more: a scan that is still arriving is cut as the whole
one is, whatever blocks it comes in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xrayscan.scan import Calibration, Scan, View

__all__ = ["Stretch", "brightness", "next_stretch", "part", "stretches"]

SHORTEST, LONGEST = 12.0, 20.0  # of a stretch [m]; no truck is longer than it and its halo
HALO = 3.0  # of what lies beside it on either side [m]
CHUNK = 1024  # columns that are summed at once


@dataclass(frozen=True)
class Stretch:
    """Columns that are screened together, and those of them whose answer is kept; half open.

    Attributes
    ----------
    start, stop : int
        What is shown.
    first, last : int
        What is kept.
    """

    start: int
    stop: int
    first: int
    last: int

    @property
    def inner(self) -> slice:
        """What is kept, counted from the start of what is shown."""
        return slice(self.first - self.start, self.last - self.start)


def next_stretch(brightness: np.ndarray, first: int, pitch: float, *, ended: bool) -> Stretch | None:
    """The stretch that begins at a column.

    Parameters
    ----------
    brightness : ndarray, shape (columns,)
        How much of the beam comes through each column, on any scale, from column ``first`` on as far as there is.
    first : int
        The column.
    pitch : float [m]
        From column to column.
    ended : bool
        Whether nothing comes after.

    Returns
    -------
    Stretch or None
        None if what has arrived does not yet say where it ends.

    Examples
    --------
    >>> bright = np.ones(600)
    >>> bright[180] = 2.0
    >>> next_stretch(bright, 0, 0.1, ended=False)
    Stretch(start=0, stop=210, first=0, last=180)
    >>> next_stretch(bright[180:400], 180, 0.1, ended=True)
    Stretch(start=150, stop=400, first=180, last=400)
    """
    shortest, longest, halo = (max(1, round(length / pitch)) for length in (SHORTEST, LONGEST, HALO))
    start, have = max(0, first - halo), len(brightness)
    if have <= longest + halo:
        return Stretch(start, first + have, first, first + have) if ended else None
    last = first + shortest + int(np.argmax(brightness[shortest : longest + 1]))
    return Stretch(start, last + halo, first, last)


def brightness(pixels: np.ndarray) -> np.ndarray:
    """How much of the beam comes through each column: the sum over the rows of the high energy, shape (columns,).

    Of a column alone it is the same number as of many at once.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns)
    """
    high = pixels[0]
    if high.dtype.kind != "f":
        return np.asarray(high.sum(axis=0, dtype=np.int64), np.float64)
    if not high.shape[1]:
        return np.zeros(0)
    sums = [np.ascontiguousarray(high[:, k : k + CHUNK].T, np.float64).sum(axis=1) for k in range(0, high.shape[1], CHUNK)]
    return np.nan_to_num(np.concatenate(sums), nan=0.0, posinf=0.0, neginf=0.0)


def stretches(scan: Scan) -> tuple[Stretch, ...]:
    """How the first view of a scan is cut; one stretch up to some 23 m, and where the pitch is not stated."""
    view = scan.view
    columns = view.shape[1]
    if view.pixel_pitch is None or columns * view.pixel_pitch[1] <= LONGEST + HALO:
        return (Stretch(0, columns, 0, columns),)
    bright = brightness(view.pixels)
    cut: list[Stretch] = []
    while not cut or cut[-1].last < columns:
        first = cut[-1].last if cut else 0
        stretch = next_stretch(bright[first:], first, view.pixel_pitch[1], ended=True)
        assert stretch is not None
        cut.append(stretch)
    return tuple(cut)


def part(scan: Scan, stretch: Stretch) -> Scan:
    """The columns of a scan that a stretch shows."""
    shown = np.s_[:, :, stretch.start : stretch.stop]
    view = scan.view
    own = None if view.calibration is None else _cut(view.calibration, view, shown)
    return replace(
        scan, views=(replace(view, pixels=view.pixels[shown], calibration=own),),
        calibration=_cut(scan.calibration, view, shown),
    )  # fmt: skip


def _cut(calibration: Calibration, view: View, shown: tuple[slice, ...]) -> Calibration:
    lines = {name: getattr(calibration, name) for name in ("dark", "air", "bad_pixels")}
    wide = {name: line[shown] for name, line in lines.items() if line is not None and line.shape == view.pixels.shape}
    return replace(calibration, **wide) if wide else calibration
