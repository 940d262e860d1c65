"""Columns of a scan that is still arriving: checked, held as long as they are needed, and given out as scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from xrayscan.errors import GapError, ShapeError
from xrayscan.io.lost import unmeasured
from xrayscan.scan import Scan
from xrayscan.stretches import brightness

__all__ = ["WIDEST_GAP", "Arriving", "Gaps", "missing_before", "scan_like"]

Gaps = Literal["error", "mask"]
WIDEST_GAP = 20.0  # m; a counter that jumps farther is not believed


@dataclass(frozen=True, eq=False)
class _Block:
    """What one push brought: pixels, and the columns of them that were lost."""

    pixels: np.ndarray
    lost: np.ndarray


class Arriving:
    """The columns that have arrived and are not yet forgotten.

    Parameters
    ----------
    like : Scan
        Of one column and any dtype: what is the same for all columns.
    gaps : {"error", "mask"}
        Whether missing, repeated or short blocks are an error, or are marked as not measured and told.
    room : int
        Columns that will be held at most, but for a block: their memory is taken with the first one, and not little by little.
    """

    def __init__(self, like: Scan, gaps: Gaps, room: int = 0) -> None:
        if gaps not in get_args(Gaps):
            raise ValueError(f"gaps is {gaps!r}; expected one of {', '.join(get_args(Gaps))}")
        self.like, self.gaps, self.room = like, gaps, room
        self.count = 0  # columns that have arrived
        self.begin = 0  # the first that is held
        self._pixels: np.ndarray | None = None  # with room for more to the right
        self._lost = np.zeros(0, bool)
        self._bright = np.zeros(0)

    def push(self, block: npt.ArrayLike, at: int | None) -> None:
        """Take a block in; after an error it is as if it had not been pushed.

        Raises
        ------
        ShapeError
            If its rows, energies or dtype are not the scan's.
        GapError
            If it does not begin where the last one ended.
        """
        array = np.asarray(block)
        new = self._placed(self._checked(array), at)
        width = new.pixels.shape[2]
        self._make_room(width, new.pixels.dtype)
        assert self._pixels is not None
        held = self.count - self.begin
        self._pixels[:, :, held : held + width] = new.pixels
        self._lost[held : held + width] = new.lost
        self._bright[held : held + width] = np.where(new.lost, 0.0, brightness(new.pixels))
        self.count += width

    def bright(self, first: int) -> np.ndarray:
        """How much of the beam comes through each column from ``first`` on."""
        return self._bright[first - self.begin : self.count - self.begin]

    def scan(self, start: int, stop: int) -> Scan:
        """The scan of some columns that are held; what was lost is not a number."""
        assert self._pixels is not None
        shown = slice(start - self.begin, stop - self.begin)
        return scan_like(self.like, self._pixels[:, :, shown].copy(), self._lost[shown])

    def forget(self, before: int) -> None:
        """Columns before that one are not needed any more."""
        gone = max(0, min(before, self.count) - self.begin)
        if gone == 0 or self._pixels is None:
            return
        left = self.count - self.begin - gone
        for array in (self._pixels, self._lost, self._bright):
            array[..., :left] = array[..., gone : gone + left].copy()
        self.begin += gone

    def _make_room(self, width: int, dtype: np.dtype[np.generic]) -> None:
        held = self.count - self.begin
        if self._pixels is not None and held + width <= self._pixels.shape[2]:
            return
        size = max(2 * held, self.room) + 2 * width
        # Written to, as memory that was only asked for is not taken yet.
        wider = np.full((*self.like.view.pixels.shape[:2], size), 0, dtype), np.zeros(size, bool), np.zeros(size)
        if self._pixels is not None:
            for new, old in zip(wider, (self._pixels, self._lost, self._bright), strict=True):
                new[..., :held] = old[..., :held]
        self._pixels, self._lost, self._bright = wider

    def _checked(self, array: np.ndarray) -> _Block:
        """The block with its energies as an axis; of a wrong number of rows it is lost, where gaps are masked."""
        energies, rows = self.like.view.pixels.shape[:2]
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim == 2:
            array = array[None]
        if array.dtype.kind not in "uif":
            raise ShapeError(f"pushed columns have dtype {array.dtype}; expected integers or real floats", actual=array.dtype)
        if self._pixels is not None and array.dtype != self._pixels.dtype:
            raise ShapeError(
                f"pushed columns have dtype {array.dtype}, those before {self._pixels.dtype}; push one dtype throughout",
                expected=self._pixels.dtype,
                actual=array.dtype,
            )
        if array.ndim != 3 or array.shape[0] != energies or (array.shape[1] != rows and self.gaps == "error"):
            raise ShapeError(
                f"pushed columns have shape {array.shape}; expected (rows, columns) or (energies, rows, columns) with "
                f"{rows} rows and {energies} energies",
                expected=(energies, rows, "columns"),
                actual=array.shape,
            )
        if array.shape[1] == rows:
            return _Block(array, np.zeros(array.shape[2], bool))
        return _Block(np.zeros((energies, rows, array.shape[2]), array.dtype), np.ones(array.shape[2], bool))

    def _placed(self, block: _Block, at: int | None) -> _Block:
        """The block as it goes behind what has arrived: with a gap before it, or without what is there already."""
        pitch = self.like.view.pixel_pitch
        width = block.pixels.shape[2]
        missing = missing_before(at, width, count=self.count, gaps=self.gaps, pitch=None if pitch is None else pitch[1])
        if missing <= 0:
            return _Block(block.pixels[:, :, -missing:], block.lost[-missing:])
        gap = np.zeros((*block.pixels.shape[:2], missing), block.pixels.dtype)
        return _Block(np.concatenate([gap, block.pixels], axis=2), np.concatenate([np.ones(missing, bool), block.lost]))


def scan_like(like: Scan, pixels: np.ndarray, lost: np.ndarray) -> Scan:
    """The scan of some columns.

    Parameters
    ----------
    like : Scan
        Of one column: what is the same for all columns.
    pixels : ndarray, shape (energies, rows, columns)
    lost : ndarray of bool, shape (columns,)
        Columns that did not arrive: they become not a number.
    """
    steps = like.view.steps
    if lost.any():
        pixels, step = unmeasured(pixels, lost, like.view.quantity, like.calibration.saturation)
        steps = (*steps, step)
    view, calibration = like.view, like.calibration
    return Scan.from_array(
        pixels, quantity=view.quantity, air=calibration.air, dark=calibration.dark, pixel_pitch=view.pixel_pitch,
        energies=view.energies, endpoints=view.endpoints, bad_pixels=calibration.bad_pixels,
        saturation=calibration.saturation, source=like.source, acquired_at=like.acquired_at,
        manifest=like.manifest, steps=steps,
    )  # fmt: skip


def missing_before(at: int | None, width: int, *, count: int, gaps: Gaps, pitch: float | None) -> int:
    """How many columns are missing before a block; below 0, how many of it were there already.

    Parameters
    ----------
    at : int or None
        The detector's own count of the columns before the block.
    width, count : int
        Columns of the block, and those that have arrived.
    gaps : {"error", "mask"}
    pitch : float or None [m]
        From column to column.

    Raises
    ------
    GapError
        If any are, and that is an error; or so many that the detector's count is not believed.
    """
    ahead = 0 if at is None else at - count
    if at is None or ahead == 0:
        return 0
    what = (
        f"columns {count} to {at} did not arrive" if ahead > 0
        else f"columns {at} to {min(at + width, count)} arrived twice"
    )  # fmt: skip
    widest = max(1, round(WIDEST_GAP / pitch)) if pitch else ahead
    if gaps == "error" or ahead > widest:
        advice = (
            "no gap so wide is believed: check the counter" if gaps == "mask"
            else 'push every column once and in order, or choose gaps="mask" to have them marked as not measured'
        )  # fmt: skip
        raise GapError(f"pushing {width} columns at {at}, {count} have arrived: {what}; {advice}", expected=count, actual=at)
    return ahead
