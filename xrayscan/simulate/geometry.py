"""The fan of rays, the solids it passes through, and the exact path lengths in them.

Coordinates [m]: x along the travel, y across the vehicle away from the source, z up from the container's floor. Every column
is one fan in a plane of constant x; its rays leave the source and end on a vertical row of detectors. The middle of the load
is y = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch

from xrayscan.errors import RecipeError

__all__ = ["Fan", "Solid", "Window", "box", "covered_length", "cylinder", "ellipsoid", "interval", "rotation"]

Shape = Literal["box", "ellipsoid", "cylinder", "capsule"]
IDENTITY = np.eye(3)


@dataclass(frozen=True)
class Fan:
    """Source, detector and travel.

    Attributes
    ----------
    source_distance, source_height : float [m]
        From the source to the middle of the load, and above the container's floor (negative: below).
    pitch : (float, float) [m]
        Row and column pitch in the middle of the load.
    top, left : float [m]
        z of the upper edge of the first row in the middle of the load, and x of the left edge of the first column.
    rows, columns : int
    """

    source_distance: float
    source_height: float
    pitch: tuple[float, float]
    top: float
    left: float
    rows: int
    columns: int

    def slopes(self) -> torch.Tensor:
        """dz/dy of each row's ray, shape (rows,)."""
        z = self.top - (torch.arange(self.rows, dtype=torch.float64) + 0.5) * self.pitch[0]
        return ((z - self.source_height) / self.source_distance).float()

    def xs(self) -> torch.Tensor:
        """X of each column's middle [m], shape (columns,)."""
        return (self.left + (torch.arange(self.columns, dtype=torch.float64) + 0.5) * self.pitch[1]).float()

    def row_of(self, y: float, z: float) -> float:
        """Row, as a fraction, on which a point is seen."""
        seen = self.source_height + (z - self.source_height) * self.source_distance / (self.source_distance + y)
        return (self.top - seen) / self.pitch[0]

    def column_of(self, x: float) -> float:
        """Column, as a fraction, in which a point is seen."""
        return (x - self.left) / self.pitch[1]


@dataclass(frozen=True)
class Solid:
    """A convex solid of one material.

    Attributes
    ----------
    shape : {"box", "ellipsoid", "cylinder", "capsule"}
        Cylinder and capsule stand along their own third axis; a capsule's half length includes its round ends.
    center : (float, float, float) [m]
    half : (float, float, float) [m]
        Half extents along its own axes.
    material : str
    density : float [g/cm³]
        Bulk density; negative hollows out what it lies in.
    turn : ndarray, shape (3, 3)
        Its own axes as columns, in scene coordinates.
    is_load : bool
        Whether cavities are cut out of it.
    """

    shape: Shape
    center: tuple[float, float, float]
    half: tuple[float, float, float]
    material: str
    density: float
    turn: np.ndarray = field(default_factory=lambda: IDENTITY, compare=False)
    is_load: bool = True

    def __post_init__(self) -> None:
        if min(self.half) <= 0:
            raise RecipeError(f"a {self.shape} of {self.material} has half extents {self.half} m; expected all above 0")

    @property
    def is_upright(self) -> bool:
        """Whether its own axes are those of the scene."""
        return self.turn is IDENTITY

    def reach(self) -> np.ndarray:
        """Half extents of the box along the scene's axes that holds it [m], shape (3,)."""
        return np.abs(self.turn) @ np.asarray(self.half)


def box(lower: tuple[float, float, float], upper: tuple[float, float, float], material: str, density: float) -> Solid:
    """An upright box between two corners [m]."""
    low, high = np.asarray(lower, float), np.asarray(upper, float)
    center, half = (low + high) / 2, (high - low) / 2
    return Solid("box", tuple(center), tuple(half), material, density)


def ellipsoid(center: tuple[float, float, float], half: tuple[float, float, float], material: str, density: float) -> Solid:
    """An upright ellipsoid [m]."""
    return Solid("ellipsoid", center, half, material, density)


def cylinder(
    center: tuple[float, float, float],
    radius: float,
    length: float,
    material: str,
    density: float,
    axis: Literal["x", "y", "z"] = "z",
) -> Solid:
    """A cylinder along one of the scene's axes [m]."""
    turn = {"z": IDENTITY, "x": rotation(pitch=np.pi / 2), "y": rotation(roll=np.pi / 2)}[axis]
    return Solid("cylinder", center, (radius, radius, length / 2), material, density, turn)


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation matrix: first roll about x, then pitch about y, then yaw about z [rad], shape (3, 3)."""
    (sa, sb, sc), (ca, cb, cc) = np.sin([roll, pitch, yaw]), np.cos([roll, pitch, yaw])
    about_x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    about_y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    about_z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


@dataclass(frozen=True)
class Window:
    """The part of the picture that a solid can touch: half-open rows and columns."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index into a (rows, columns) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def empty(self) -> bool:
        """Whether nothing is in it."""
        return self.bottom <= self.top or self.right <= self.left

    def shared(self, other: Window) -> Window:
        """The part that lies in both."""
        top, bottom = max(self.top, other.top), min(self.bottom, other.bottom)
        return Window(top, bottom, max(self.left, other.left), min(self.right, other.right))

    @classmethod
    def of(cls, fan: Fan, center: np.ndarray, reach: np.ndarray) -> Window:
        """Window that holds the shadow of an upright box."""
        (x, y, z), (rx, ry, rz) = center, reach
        near = max(y - ry, -0.98 * fan.source_distance)
        seen = [fan.row_of(b, c) for b in (near, y + ry) for c in (z - rz, z + rz)]
        return cls(
            max(0, int(np.floor(min(seen)))),
            min(fan.rows, int(np.ceil(max(seen))) + 1),
            max(0, int(np.floor(fan.column_of(x - rx)))),
            min(fan.columns, int(np.ceil(fan.column_of(x + rx))) + 1),
        )


def interval(solid: Solid, xs: torch.Tensor, slopes: torch.Tensor, fan: Fan) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each ray enters and leaves a solid, as y measured from the source [m].

    Parameters
    ----------
    solid : Solid
    xs : Tensor, shape (columns,) [m]
    slopes : Tensor, shape (rows,)
    fan : Fan

    Returns
    -------
    enter, leave : Tensor, shape (rows, columns)
        Equal where the ray misses. The path in the solid is (leave − enter) √(1 + slope²).
    """
    turn = torch.from_numpy(np.ascontiguousarray(solid.turn.T)).float()
    x0, y0, z0 = (float(value) for value in solid.center)
    # Each ray starts where it crosses the solid's own plane of y, which keeps single precision exact at any distance.
    start = fan.source_distance + y0
    above = fan.source_height - z0 + slopes * start
    across = turn[:, :1] * (xs - x0)[None]
    o = [across[k][None, :] + turn[k, 2] * above[:, None] for k in range(3)]  # (rows, columns)
    d = [(turn[k, 1] + turn[k, 2] * slopes)[:, None] for k in range(3)]  # (rows, 1)
    half = [float(value) for value in solid.half]
    if solid.shape == "capsule":
        return _shifted(_capsule(o, d, half), start)
    if solid.shape == "box":
        pieces = [_slab(o[k], d[k], half[k]) for k in range(3)]
    elif solid.shape == "ellipsoid":
        pieces = [_quadric(o, d, half)]
    else:
        pieces = [_quadric(o[:2], d[:2], half[:2]), _slab(o[2], d[2], half[2])]
    enter, leave = pieces[0]
    for other in pieces[1:]:
        enter, leave = torch.maximum(enter, other[0]), torch.minimum(leave, other[1])
    return _shifted((enter, leave), start)


def _shifted(span: tuple[torch.Tensor, torch.Tensor], start: float) -> tuple[torch.Tensor, torch.Tensor]:
    hit = span[1] > span[0]
    return torch.where(hit, span[0] + start, 0.0), torch.where(hit, span[1] + start, 0.0)


def _closed(enter: torch.Tensor, leave: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    hit = leave > enter
    return torch.where(hit, enter, 0.0), torch.where(hit, leave, 0.0)


def _slab(o: torch.Tensor, d: torch.Tensor, half: float) -> tuple[torch.Tensor, torch.Tensor]:
    d = torch.where(d.abs() < 1e-7, 1e-7, d)
    first, second = (-half - o) / d, (half - o) / d
    return torch.minimum(first, second), torch.maximum(first, second)


def _quadric(o: list[torch.Tensor], d: list[torch.Tensor], half: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Roots of |(o + t d)/half|² = 1 over the given axes."""
    a = sum((dk / hk) ** 2 for dk, hk in zip(d, half, strict=True)) + 1e-12
    b = sum(ok * dk / hk**2 for ok, dk, hk in zip(o, d, half, strict=True))
    c = sum((ok / hk) ** 2 for ok, hk in zip(o, half, strict=True)) - 1.0
    root = (b * b - a * c).clamp(min=0.0).sqrt()
    return (-b - root) / a, (-b + root) / a


def _capsule(o: list[torch.Tensor], d: list[torch.Tensor], half: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Union of a cylinder and its two round ends, which is convex: first entry to last exit."""
    radius, length = half[0], max(half[2] - half[0], 1e-6)
    sides, ends = _quadric(o[:2], d[:2], [radius, radius]), _slab(o[2], d[2], length)
    parts = [_closed(torch.maximum(sides[0], ends[0]), torch.minimum(sides[1], ends[1]))]
    for sign in (-length, length):
        parts.append(_closed(*_quadric([o[0], o[1], o[2] - sign], d, [radius] * 3)))
    far = torch.tensor(1e6)
    enter = torch.stack([torch.where(p[1] > p[0], p[0], far) for p in parts]).amin(0)
    leave = torch.stack([torch.where(p[1] > p[0], p[1], -far) for p in parts]).amax(0)
    return _closed(enter, leave)


def covered_length(enter: torch.Tensor, leave: torch.Tensor) -> torch.Tensor:
    """Length of the union of intervals along the first axis: overlaps count once.

    Parameters
    ----------
    enter, leave : Tensor, shape (parts, rows, columns)

    Returns
    -------
    Tensor, shape (rows, columns)

    Examples
    --------
    >>> covered_length(torch.tensor([0.0, 1.0, 5.0])[:, None, None], torch.tensor([2.0, 3.0, 6.0])[:, None, None]).item()
    4.0
    """
    order = enter.argsort(0)
    enter, leave = enter.gather(0, order), leave.gather(0, order)
    reached = leave.cummax(0).values
    before = torch.cat([torch.full_like(reached[:1], -1e6), reached[:-1]])
    return (leave - torch.maximum(enter, before)).clamp(min=0.0).sum(0)
