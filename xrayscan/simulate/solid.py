"""Solids: what a scene is made of, and the rooms they stand in.

Coordinates [m]: x along the travel, y across the vehicle away from the source, z up from the container's floor. The middle of
the load is y = 0. A scene is an ordered list of solids: where two overlap, the later one takes the place of the earlier.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from xrayscan.errors import RecipeError

__all__ = [
    "Mesh", "Room", "Solid", "box", "capsule", "cylinder", "ellipsoid", "mesh_solid", "moved", "rotation", "sack", "torus",
    "turned",
]  # fmt: skip

Shape = Literal["box", "ellipsoid", "cylinder", "capsule", "sack", "torus", "mesh"]
Axis = Literal["x", "y", "z"]
Point = tuple[float, float, float]
IDENTITY = np.eye(3)
SACK_ROUNDING = 1.15
"""A sack is what a box and an ellipsoid this many times as large have in common."""


@dataclass(frozen=True)
class Room:
    """An upright box of space [m]: along the travel, across, and up from the floor."""

    x0: float
    x1: float
    y0: float
    y1: float
    z0: float
    z1: float

    @property
    def size(self) -> tuple[float, float, float]:
        """(length, depth, height) [m]."""
        return self.x1 - self.x0, self.y1 - self.y0, self.z1 - self.z0


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed surface of triangles.

    Attributes
    ----------
    vertices : ndarray of float, shape (vertices, 3) [m]
    faces : ndarray of int, shape (faces, 3)
        Counterclockwise seen from outside. Parts of the surface may pass through each other; inside is where the winding
        number is above 0.
    """

    vertices: np.ndarray
    faces: np.ndarray

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3 or self.faces.ndim != 2 or self.faces.shape[1] != 3:
            raise RecipeError(
                f"a mesh has vertices of shape {self.vertices.shape} and faces of shape {self.faces.shape}; "
                "expected (vertices, 3) and (faces, 3)"
            )

    @property
    def volume(self) -> float:
        """Volume within the surface [m³]; what lies inside twice counts twice."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


@dataclass(frozen=True, eq=False)
class Solid:
    """A solid of one material.

    Attributes
    ----------
    shape : {"box", "ellipsoid", "cylinder", "capsule", "sack", "torus", "mesh"}
        Cylinder, capsule and torus stand along their own third axis.
    center : (float, float, float) [m]
    half : (float, float, float) [m]
        Half extents along its own axes: a capsule's third includes its round ends; a torus has (R + r, R + r, r); a mesh those
        of its vertices.
    material : str
    density : float [g/cm³]
        Bulk density; 0 is air, which hollows out what was there.
    turn : ndarray, shape (3, 3)
        Its own axes as columns, in scene coordinates.
    mesh : Mesh or None
        Surface of a mesh, about the middle of its own extents.
    """

    shape: Shape
    center: Point
    half: Point
    material: str
    density: float
    turn: np.ndarray = field(default_factory=lambda: IDENTITY)
    mesh: Mesh | None = None

    def __post_init__(self) -> None:
        if min(self.half) <= 0:
            raise RecipeError(f"a {self.shape} of {self.material} has half extents {self.half} m; expected all above 0")
        if self.density < 0:
            raise RecipeError(f"a {self.shape} of {self.material} has the density {self.density} g/cm³; expected 0 or more")
        if (self.shape == "mesh") != (self.mesh is not None):
            raise RecipeError(f"a {self.shape} {'lacks' if self.mesh is None else 'has'} a surface; use mesh_solid for meshes")

    @property
    def reach(self) -> np.ndarray:
        """Half extents of the box along the scene's axes that holds it [m], shape (3,)."""
        if self.turn is IDENTITY:
            return np.asarray(self.half)
        return np.abs(self.turn) @ np.asarray(self.half)


def box(lower: Point, upper: Point, material: str, density: float) -> Solid:
    """An upright box between two corners [m]."""
    center = tuple((a + b) / 2 for a, b in zip(lower, upper, strict=True))
    half = tuple((b - a) / 2 for a, b in zip(lower, upper, strict=True))
    return Solid("box", center, half, material, density)  # type: ignore[arg-type]


def ellipsoid(center: Point, half: Point, material: str, density: float) -> Solid:
    """An upright ellipsoid [m]."""
    return Solid("ellipsoid", center, half, material, density)


def sack(center: Point, half: Point, material: str, density: float) -> Solid:
    """An upright sack [m]: flat where it lies, round at edges and corners."""
    return Solid("sack", center, half, material, density)


def cylinder(center: Point, radius: float, length: float, material: str, density: float, axis: Axis = "z") -> Solid:
    """A cylinder along one of the scene's axes [m]."""
    return Solid("cylinder", center, (radius, radius, length / 2), material, density, _along(axis))


def capsule(start: Point, end: Point, radius: float, material: str, density: float) -> Solid:
    """A cylinder between two points with round ends about them [m]."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(b - a))
    third = (b - a) / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    first = np.cross(np.array([0.0, 1.0, 0.0]) if abs(third[1]) < 0.9 else np.array([1.0, 0.0, 0.0]), third)
    first /= np.linalg.norm(first)
    turn = np.stack([first, np.cross(third, first), third], axis=1)
    return Solid("capsule", tuple((a + b) / 2), (radius, radius, length / 2 + radius), material, density, turn)


def torus(center: Point, ring: float, tube: float, material: str, density: float, axis: Axis = "z") -> Solid:
    """A torus about one of the scene's axes [m]: ``ring`` is the radius of the tube's middle line, ``tube`` its own."""
    if tube >= ring:
        raise RecipeError(f"a torus of {material} has a tube of {tube} m in a ring of {ring} m; expected a thinner tube")
    return Solid("torus", center, (ring + tube, ring + tube, tube), material, density, _along(axis))


def mesh_solid(vertices: np.ndarray, faces: np.ndarray, material: str, density: float) -> Solid:
    """A solid within a closed surface.

    Parameters
    ----------
    vertices : ndarray, shape (vertices, 3) [m]
        In scene coordinates.
    faces : ndarray of int, shape (faces, 3)
    material : str
    density : float [g/cm³]

    Returns
    -------
    Solid
    """
    points = np.asarray(vertices, float)
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    half = np.maximum((high - low) / 2, 1e-6)
    return Solid("mesh", tuple(middle), tuple(half), material, density, mesh=Mesh(points - middle, np.asarray(faces)))


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation matrix: first roll about x, then pitch about y, then yaw about z [rad], shape (3, 3)."""
    (sa, sb, sc), (ca, cb, cc) = np.sin([roll, pitch, yaw]), np.cos([roll, pitch, yaw])
    about_x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    about_y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    about_z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


_ALONG = {"z": IDENTITY, "x": np.round(rotation(pitch=np.pi / 2)), "y": np.round(rotation(roll=np.pi / 2))}


def _along(axis: Axis) -> np.ndarray:
    return _ALONG[axis]


def moved(solid: Solid, shift: Point | np.ndarray) -> Solid:
    """The same solid elsewhere [m]."""
    (x, y, z), (a, b, c) = solid.center, shift
    center = float(x + a), float(y + b), float(z + c)
    return Solid(solid.shape, center, solid.half, solid.material, solid.density, solid.turn, solid.mesh)


def turned(solid: Solid, turn: np.ndarray, about: Point | np.ndarray | None = None) -> Solid:
    """The same solid turned about a point [m], or about its own middle."""
    middle = np.asarray(solid.center, float)
    pivot = middle if about is None else np.asarray(about, float)
    x, y, z = (float(value) for value in pivot + turn @ (middle - pivot))
    return replace(solid, center=(x, y, z), turn=turn @ solid.turn)
