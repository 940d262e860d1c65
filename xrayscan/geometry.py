"""Where things lie in a picture: boxes, regions, and how the picture itself lies.

Rows run along the detector array, top first; columns run along the travel.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from xrayscan.errors import ShapeError

__all__ = ["Box", "Geometry", "Region", "RegionKind", "bands", "frozen_array"]

RegionKind = Literal["container", "load", "cab", "chassis"]
BAND = 8  # columns without a measurement that are more than a few lost pulses


def frozen_array(array: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> np.ndarray:
    """Read-only array with its own memory.

    An array that is read-only and owns its memory, or maps a file read-only, is handed on as it is; anything else is copied,
    so that nobody can change a noun from outside.
    """
    given = np.asarray(array, dtype=dtype)
    if given.flags.writeable or not (given.flags.owndata or _mapped(given)):
        given = np.array(given, copy=True)
        given.setflags(write=False)
    return given


def _mapped(array: np.ndarray) -> bool:
    """Whether an array that can not be written to is a view of a file that was mapped so."""
    base: object = array
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        base = base.base
    return isinstance(base, mmap.mmap)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the scan, half open: rows ``top`` to ``bottom``, columns ``left`` to ``right``.

    Raises
    ------
    ShapeError
        If it is empty or starts before the scan does.

    Examples
    --------
    >>> box = Box(top=2, left=10, bottom=6, right=30)
    >>> box.height, box.width, box.area
    (4, 20, 80)
    >>> box.iou(Box(2, 20, 6, 40))
    0.3333333333333333
    >>> box.middle, box.holds((5.5, 10)), box.holds((6, 10))
    ((4.0, 20.0), True, False)
    """

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        for name in ("top", "left", "bottom", "right"):
            object.__setattr__(self, name, int(getattr(self, name)))
        if self.top < 0 or self.left < 0 or self.bottom <= self.top or self.right <= self.left:
            raise ShapeError(
                f"a box needs 0 <= top < bottom and 0 <= left < right, got {self}", expected="0 <= top < bottom", actual=self
            )

    @property
    def height(self) -> int:
        """Rows [px]."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns [px]."""
        return self.right - self.left

    @property
    def area(self) -> int:
        """Pixels [px²]."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the box in a (rows, columns) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle (row, column) [px], counted from the edges of the picture."""
        return (self.top + self.bottom) / 2, (self.left + self.right) / 2

    def holds(self, place: tuple[float, float]) -> bool:
        """Whether a place (row, column), as `middle` is one, lies within."""
        return self.top <= place[0] < self.bottom and self.left <= place[1] < self.right

    def common(self, other: Box) -> int:
        """Pixels in common with another box [px²]."""
        rows = min(self.bottom, other.bottom) - max(self.top, other.top)
        columns = min(self.right, other.right) - max(self.left, other.left)
        return max(0, rows) * max(0, columns)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0 to 1."""
        common = self.common(other)
        return common / (self.area + other.area - common)

    def grown(self, margin: int | tuple[int, int], shape: tuple[int, int]) -> Box:
        """The box with more pixels on each side, cut at an image of ``shape`` (rows, columns).

        ``margin`` is of both axes, or of (rows, columns).
        """
        rows, columns = margin if isinstance(margin, tuple) else (margin, margin)
        return Box(
            max(0, self.top - rows),
            max(0, self.left - columns),
            min(shape[0], self.bottom + rows),
            min(shape[1], self.right + columns),
        )


@dataclass(frozen=True)
class Region:
    """A part of the vehicle in the picture.

    Attributes
    ----------
    kind : {"container", "load", "cab", "chassis"}
        The cab has a driver, who is a person and not concealed.
    box : Box

    Raises
    ------
    ShapeError
    """

    kind: RegionKind
    box: Box

    def __post_init__(self) -> None:
        if self.kind not in get_args(RegionKind):
            raise ShapeError(f"there is no region {self.kind!r}; known are {', '.join(get_args(RegionKind))}")


@dataclass(frozen=True, eq=False)
class Geometry:
    """How the picture lies, as far as it shows it. None: not measured, which is not the same as zero.

    Attributes
    ----------
    tilt : float or None [degree]
        Rise of the container's horizontals along the columns; positive: its right end is higher.
    lean : float or None [degree]
        Of its uprights; positive: the upper end lies to the right.
    magnification : float or None
        Scale of the container's near wall over that of its far wall.
    stretch : float or None
        True column pitch over the stated one: above 1 where the vehicle went faster than the scanner believed.
    lift : ndarray of float32, shape (columns,), or None [rows]
        By how much each column's picture lies lower than even travel would have it: sway. Its mean is 0.

    Raises
    ------
    ShapeError
        If lift is no line.
    """

    tilt: float | None = None
    lean: float | None = None
    magnification: float | None = None
    stretch: float | None = None
    lift: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("tilt", "lean", "magnification", "stretch"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(value))
        if self.lift is None:
            return
        object.__setattr__(self, "lift", frozen_array(self.lift, np.float32))
        if self.lift.ndim != 1:
            raise ShapeError(f"lift has shape {self.lift.shape}; expected (columns,)", expected="(columns,)")


def bands(valid: np.ndarray) -> list[tuple[int, int]]:
    """First and last column, half open, of the bands within a picture that hold no measurement from top to bottom.

    Columns without one at either end were not scanned; a few alone are lost pulses.

    Parameters
    ----------
    valid : ndarray of bool, shape (rows, columns)

    Examples
    --------
    >>> valid = np.ones((4, 60), bool)
    >>> valid[:, :9], valid[:, 20:40], valid[:, 50:53] = False, False, False
    >>> bands(valid)
    [(20, 40)]
    """
    empty = ~np.asarray(valid.any(axis=0))
    if not empty.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], empty.astype(np.int8), [0]])))
    runs = ((int(first), int(last)) for first, last in edges.reshape(-1, 2))
    return [(first, last) for first, last in runs if first > 0 and last < empty.size and last - first >= BAND]
