"""The scanner's rays: a source, a row of detectors, and a vehicle that passes between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from xrayscan.errors import RecipeError
from xrayscan.scan import frozen_array

__all__ = ["Fan", "Rays", "Window"]


@dataclass(frozen=True, eq=False)
class Fan:
    """Source, detectors and travel, in the vehicle's own coordinates.

    Attributes
    ----------
    source_distance, source_height : float [m]
        From the source to the middle of the load, and above the container's floor (negative: below).
    slopes : ndarray, shape (rows,)
        dz/dy of each detector's ray, top first, falling.
    xs : ndarray, shape (columns,) [m]
        Where each column's fan crosses the middle of the load; rising, not evenly where the speed was not even.
    lift : ndarray, shape (columns,) [m]
        How much higher than stated source and detectors are at each column: sway, tilt, a dip in the road.
    skew : float
        dx/dy of the fan: the vehicle does not stand quite square to it.
    pitch : (float, float) [m]
        Nominal row and column pitch in the middle of the load.
    """

    source_distance: float
    source_height: float
    slopes: np.ndarray
    xs: np.ndarray
    lift: np.ndarray
    skew: float
    pitch: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("slopes", "xs", "lift"):
            object.__setattr__(self, name, frozen_array(np.asarray(getattr(self, name), np.float64)))
        if self.lift.shape != self.xs.shape:
            raise RecipeError(f"a fan has {self.lift.size} lifts for {self.xs.size} columns; expected one for each")
        if np.any(np.diff(self.slopes) >= 0) or np.any(np.diff(self.xs) <= 0):
            raise RecipeError("a fan's slopes have to fall from row to row, and its columns to follow each other along x")

    @classmethod
    def vertical(
        cls,
        source: tuple[float, float],
        top: float,
        left: float,
        shape: tuple[int, int],
        pitch: tuple[float, float],
        skew: float = 0.0,
    ) -> Fan:
        """A fan onto a vertical array, even travel.

        Parameters
        ----------
        source : (float, float) [m]
            Distance to the middle of the load, height above the container's floor.
        top, left : float [m]
            z of the upper edge of the first row in the middle of the load, and x of the left edge of the first column.
        shape : (int, int)
            Rows and columns.
        pitch : (float, float) [m]
        skew : float

        Returns
        -------
        Fan
        """
        z = top - (np.arange(shape[0]) + 0.5) * pitch[0]
        xs = left + (np.arange(shape[1]) + 0.5) * pitch[1]
        return cls(source[0], source[1], (z - source[1]) / source[0], xs, np.zeros(shape[1]), skew, pitch)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.slopes.size, self.xs.size

    def row_of(self, y: float, z: float) -> float:
        """Row, as a fraction, on which a point [m] is seen; −0.5 is the upper edge of the first. Beyond the array, its end."""
        slope = (z - self.source_height) / (self.source_distance + y)
        return float(np.interp(-slope, -self.slopes, np.arange(self.slopes.size)))

    def column_of(self, x: float, y: float = 0.0) -> float:
        """Column, as a fraction, in which a point [m] is seen. Beyond the scan, its end."""
        return float(np.interp(x - self.skew * y, self.xs, np.arange(self.xs.size)))

    def windows(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Parts of the picture that can be touched by what lies in upright boxes.

        Parameters
        ----------
        low, high : ndarray, shape (boxes, 3) [m]

        Returns
        -------
        ndarray of int, shape (boxes, 4)
            Top, left, bottom, right, half open.
        """
        slanted = np.stack([low[:, 0] - self.skew * low[:, 1], low[:, 0] - self.skew * high[:, 1]])
        left = np.searchsorted(self.xs, slanted.min(0))
        right = np.searchsorted(self.xs, slanted.max(0) + high[:, 0] - low[:, 0], side="right")
        near = np.maximum(low[:, 1] + self.source_distance, 0.02 * self.source_distance)
        far = np.maximum(high[:, 1] + self.source_distance, near)
        up = high[:, 2] - self.source_height - self.lift.min()
        down = low[:, 2] - self.source_height - self.lift.max()
        top = np.searchsorted(-self.slopes, -np.maximum(up / near, up / far))
        bottom = np.searchsorted(-self.slopes, -np.minimum(down / near, down / far), side="right")
        return np.stack([top, left, np.maximum(bottom, top), np.maximum(right, left)], axis=1)


@dataclass(frozen=True)
class Window:
    """A part of the picture: half-open rows and columns."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index into a (rows, columns) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    @property
    def empty(self) -> bool:
        """Whether nothing is in it."""
        return self.bottom <= self.top or self.right <= self.left

    def grown(self, by: int) -> Window:
        """A window larger by as many pixels on each side, which may reach out of the picture."""
        return Window(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def shared(self, other: Window) -> Window:
        """The part that lies in both."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        return Window(top, left, max(top, min(self.bottom, other.bottom)), max(left, min(self.right, other.right)))

    def within(self, outer: Window) -> tuple[slice, slice]:
        """Index of this window into an array that covers ``outer``."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )


class Rays:
    """A fan's rays on a device.

    A ray starts where it crosses the source's plane y = −source_distance and is followed by t, y measured from there:
    x = xs + skew (t − source_distance), z = source_height + lift + slope t. One meter of t is √(1 + slope² + skew²) m of path.

    Parameters
    ----------
    fan : Fan
    device : str or torch.device
    """

    def __init__(self, fan: Fan, device: str | torch.device = "cpu") -> None:
        self.fan = fan
        self.slopes = torch.tensor(fan.slopes, dtype=torch.float32, device=device)[:, None]
        self.xs = torch.tensor(fan.xs, dtype=torch.float32, device=device)[None]
        # Even travel keeps rows and columns apart, which saves most of the work on upright boxes.
        self.lift = torch.tensor(fan.lift, dtype=torch.float32, device=device)[None] if fan.lift.any() else None
        self.path = 100.0 * torch.sqrt(1.0 + self.slopes**2 + fan.skew**2)
        """Path length per meter of t, shape (rows, 1) [cm]."""

    @property
    def device(self) -> torch.device:
        """Where the rays are."""
        return self.slopes.device
