"""Vessels: tank containers, tank trailers, and the liquid in them."""

from __future__ import annotations

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.material import material as _material
from xrayscan.simulate.solid import Room, Solid, cylinder, ellipsoid, mesh_solid
from xrayscan.simulate.vehicles.container import HALF, Size, corner_castings
from xrayscan.simulate.vehicles.parts import STEEL, Span, both_sides, pipe, slab, strut, tube
from xrayscan.simulate.vehicles.vehicle import Niche, Unit

__all__ = ["DOME", "fittings", "liquid", "tank_container", "vessel"]

DOME = 0.39
"""Depth of a vessel's dished ends, in its radii."""


def liquid(room: Room, material: str, density: float, level: float = 0.95) -> Solid:
    """What fills a tank's room up to a level: the part below it of a cylinder along x with dished ends.

    Parameters
    ----------
    room : Room
        The box around the vessel's inside, as a tank's `Vehicle.rooms` give it.
    material : str
    density : float [g/cm³]
    level : float
        Height of the surface, as a share of the room's height, 0.02 to 1.

    Returns
    -------
    Solid

    Raises
    ------
    RecipeError
        For a level outside 0.02 to 1.

    Examples
    --------
    >>> solid = liquid(Room(0.0, 5.8, -1.1, 1.1, 0.0, 2.2), "water", 1.0, 0.5)
    >>> round(float(solid.center[2] + solid.half[2]), 2)
    1.1
    """
    if not 0.02 <= level <= 1.0:
        raise RecipeError(f"a tank is filled to {level:g} of its height; expected 0.02 to 1")
    radius = min(room.size[1:]) / 2
    middle, surface = (room.z0 + room.z1) / 2, room.z0 + level * room.size[2]
    dome = DOME * radius
    xs = [room.x0 + dome * (1 - np.sqrt(max(1 - s * s, 0.0))) for s in np.linspace(0.2, 1.0, 4)]
    xs += [room.x1 - (x - room.x0) for x in xs[::-1]]
    drawn = [_segment(x, _radius_at(room, radius, x), (middle, surface), (room.y0 + room.y1) / 2) for x in xs]
    rings = [ring for ring in drawn if ring is not None]
    points, count = np.concatenate(rings), len(rings[0])
    faces = []
    for i in range(len(rings) - 1):
        for k in range(count):
            a, b = i * count + k, i * count + (k + 1) % count
            faces += [(a, b, b + count), (a, b + count, a + count)]
    last = (len(rings) - 1) * count
    for k in range(1, count - 1):
        faces += [(0, k + 1, k), (last, last + k, last + k + 1)]
    solid = mesh_solid(points, np.array(faces), material, density)
    assert solid.mesh is not None
    return solid if solid.mesh.volume > 0 else mesh_solid(points, np.array(faces)[:, ::-1], material, density)


def _radius_at(room: Room, radius: float, x: float) -> float:
    """Of the vessel at x [m]."""
    dome = DOME * radius
    into = max(room.x0 + dome - x, x - (room.x1 - dome), 0.0) / dome
    return float(radius * np.sqrt(max(1 - into * into, 0.0)))


def _segment(x: float, radius: float, z: Span, y: float, count: int = 16) -> np.ndarray | None:
    """Corners of a circle's part below a surface, shape (count, 3); None where the circle lies above it."""
    middle, surface = z
    share = float(np.clip((surface - middle) / radius, -1.0, 1.0))
    if share <= -0.999:
        return None
    edge = np.pi - np.arccos(share)  # half the angle of the wet arc, from straight down
    angles = np.linspace(-edge, edge, count) if share < 0.999 else np.linspace(-np.pi, np.pi, count, endpoint=False)
    return np.stack([np.full(count, x), y + radius * np.sin(angles), middle - radius * np.cos(angles)], axis=1)


def vessel(x: Span, radius: float, z: float, wall: float, kind: str = "steel") -> list[Solid]:
    """An empty vessel along x with dished ends.

    Parameters
    ----------
    x : (float, float) [m]
        Inside, over both ends.
    radius : float [m]
        Inside.
    z : float [m]
        Of its axis.
    wall : float [m]
    kind : str
        Material.

    Returns
    -------
    list of Solid
    """
    dome = DOME * radius
    straight, center = x[1] - x[0] - 2 * dome, (x[0] + x[1]) / 2
    parts = []
    for more, density in ((wall, _material(kind).density), (0.0, 0.0)):
        r = radius + more
        parts.append(cylinder((center, 0.0, z), r, straight, kind, density, "x"))
        for end in (x[0] + dome, x[1] - dome):
            parts.append(ellipsoid((end, 0.0, z), (dome + more, r, r), kind, density))
    return parts


def fittings(rng: np.random.Generator, x: Span, radius: float, z: float) -> list[Solid]:
    """Manhole, valves, walkway and rings of a vessel; radius is that of its outside [m]."""
    middle = float(rng.uniform(x[0] + 0.35 * (x[1] - x[0]), x[0] + 0.65 * (x[1] - x[0])))
    top = z + radius
    parts = [
        *pipe((middle, 0.0, top + 0.05), (0.26, 0.1), 0.008, "z"),
        cylinder((middle, 0.0, top + 0.108), 0.3, 0.016, "steel", STEEL),
        cylinder((middle + 0.7, 0.15, top + 0.05), 0.07, 0.12, "steel", STEEL * 0.4),
        slab((middle - 1.3, middle + 1.3), (0.35, 0.8), (top + 0.03, top + 0.06), "aluminum", 0.5),
        cylinder((x[1] - 0.25, 0.0, z - radius - 0.03), 0.1, 0.14, "steel", STEEL * 0.5),
    ]
    for at in np.linspace(x[0] + 0.7, x[1] - 0.7, int(rng.integers(2, 6))):
        ring = pipe((float(at), 0.0, z), (radius + 0.03, 0.05), 0.03, "x")
        parts.append(ring[0])
        parts.append(cylinder((float(at), 0.0, z), radius, 0.05, "steel", 0.0, "x"))
    return parts


def tank_container(rng: np.random.Generator, size: Size) -> Unit:
    """A vessel in a 20 ft frame; z = 0 is the lowest point of its inside."""
    length, wall = size.length, float(rng.uniform(0.005, 0.0065))
    radius = float(rng.uniform(1.05, 1.12))
    low = -float(rng.uniform(0.17, 0.22))
    top = low + size.height
    radius = min(radius, (top + 0.02) / 2 - 0.06)
    x, z = (0.16, length - 0.16), radius
    coat = 0.05 if rng.random() < 0.6 else 0.0
    parts: list[Solid] = []
    rings = fittings(rng, x, radius + wall + coat, z)
    parts += rings
    if coat:
        for spread, kind, density in ((coat, "aluminum", 2.7), (coat - 0.0008, "foam", 0.06)):
            r, dome = radius + wall + spread, DOME * radius
            parts.append(cylinder((length / 2, 0.0, z), r, x[1] - x[0] - 2 * dome, kind, density, "x"))
            parts += [ellipsoid((e, 0.0, z), (dome + 0.04, r, r), kind, density) for e in (x[0] + dome, x[1] - dome)]
    parts += vessel(x, radius, z, wall)
    parts += _frame(rng, length, (low, top))
    room = Room(x[0], x[1], -radius, radius, 0.0, 2 * radius)
    below = Niche("under floor", Room(0.3 * length, 0.7 * length, -1.0, 1.0, low - 0.4, low + 0.05))
    return Unit(tuple(parts), room, "tank", length, low, top, (below,))


def _frame(rng: np.random.Generator, length: float, z: Span) -> list[Solid]:
    """End frames with diagonal braces, lower rails, saddles, at times upper rails and a ladder."""
    low, high = z
    half = []
    for x in ((0.0, 0.12), (length - 0.12, length)):
        half += tube(x, (1.1, HALF), (low + 0.118, high - 0.118), 0.007)
    if rng.random() < 0.6:
        for start, end in ((0.15, 1.5), (length - 0.15, length - 1.5)):
            ends = sorted(((start, low + 0.9), (end, low + 0.1)))
            half.append(strut(ends[0], ends[1], (1.14, 1.2), 0.08, "steel", STEEL * 0.2))
    half += tube((0.178, length - 0.178), (1.12, HALF), (low + 0.02, low + 0.12), 0.005)
    if rng.random() < 0.4:
        half += tube((0.178, length - 0.178), (1.13, HALF), (high - 0.1, high - 0.02), 0.004)
    parts = both_sides(half)
    for x in ((0.0, 0.1), (length - 0.1, length)):
        for span in ((low + 0.02, low + 0.12), (high - 0.12, high - 0.02)):
            parts += tube(x, (-1.05, 1.05), span, 0.006)
    for foot in (0.55, length - 0.75):
        parts += both_sides([slab((foot, foot + 0.2), (0.75, 1.1), (low + 0.12, low + 0.5), "steel", STEEL * 0.12)])
    if rng.random() < 0.6:
        parts += [slab((length - 0.03, length), (y, y + 0.03), (low + 0.1, high), "steel", STEEL * 0.3) for y in (0.3, 0.65)]
        for rung in np.arange(low + 0.3, high, 0.3):
            parts.append(cylinder((length - 0.015, 0.49, rung), 0.012, 0.32, "steel", STEEL, "y"))
    return parts + corner_castings(length, low, high)
