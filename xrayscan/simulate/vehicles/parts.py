"""Plates, tubes, girders, struts and wheels: what vehicles are put together from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.material import material
from xrayscan.simulate.solid import Axis, Mesh, Point, Solid, box, capsule, cylinder, mesh_solid, rotation

__all__ = [
    "STEEL", "Span", "both_sides", "girder", "mirrored", "pipe", "rod", "shell", "slab", "strut", "tube", "wheel",
]  # fmt: skip

Span = tuple[float, float]
STEEL = material("steel").density


def slab(x: Span, y: Span, z: Span, kind: str = "steel", density: float | None = None) -> Solid:
    """An upright box over spans of x, y and z [m]; of the material's own density if none is given [g/cm³]."""
    return box((x[0], y[0], z[0]), (x[1], y[1], z[1]), kind, material(kind).density if density is None else density)


def shell(x: Span, y: Span, z: Span, wall: float, kind: str = "steel") -> list[Solid]:
    """A closed hollow box with walls of the given thickness [m]."""
    inner = [(low + wall, high - wall) for low, high in (x, y, z)]
    return [slab(x, y, z, kind), slab(inner[0], inner[1], inner[2], kind, 0.0)]


def tube(x: Span, y: Span, z: Span, wall: float, kind: str = "steel") -> list[Solid]:
    """A hollow rectangular section along its longest side, open at its ends; walls of the given thickness [m]."""
    spans = [x, y, z]
    along = int(np.argmax([high - low for low, high in spans]))
    inner = [span if k == along else (span[0] + wall, span[1] - wall) for k, span in enumerate(spans)]
    return [slab(x, y, z, kind), slab(inner[0], inner[1], inner[2], kind, 0.0)]


def pipe(center: Point, size: tuple[float, float], wall: float, axis: Axis, kind: str = "steel") -> list[Solid]:
    """A hollow cylinder open at its ends; size is its radius and length [m]."""
    outer = cylinder(center, size[0], size[1], kind, material(kind).density, axis)
    return [outer, cylinder(center, size[0] - wall, size[1], kind, 0.0, axis)]


def rod(start: Point, end: Point, radius: float, kind: str = "steel", density: float | None = None) -> Solid:
    """A round bar between two points [m]."""
    return capsule(start, end, radius, kind, material(kind).density if density is None else density)


def strut(start: Span, end: Span, y: Span, thick: float, kind: str = "steel", density: float | None = None) -> Solid:
    """A flat bar between two points (x, z) over a span of y, its thickness across the line [m]."""
    (x0, z0), (x1, z1) = start, end
    long = float(np.hypot(x1 - x0, z1 - z0))
    center = ((x0 + x1) / 2, (y[0] + y[1]) / 2, (z0 + z1) / 2)
    half = (long / 2, (y[1] - y[0]) / 2, thick / 2)
    turn = rotation(pitch=-float(np.arctan2(z1 - z0, x1 - x0)))
    return Solid("box", center, half, kind, material(kind).density if density is None else density, turn)


def girder(stations: Sequence[tuple[float, float, float]], y: float, web: float, flange: tuple[float, float]) -> list[Solid]:
    """A steel I-beam along x whose depth changes.

    Parameters
    ----------
    stations : sequence of (float, float, float)
        x, lower and upper z [m], x rising; straight in between.
    y : float [m]
        Middle of the web.
    web : float [m]
        Thickness.
    flange : (float, float) [m]
        Width and thickness.

    Returns
    -------
    list of Solid
    """
    if any(b[0] <= a[0] for a, b in pairwise(stations)):
        raise RecipeError(f"a girder has stations at x = {[s[0] for s in stations]} m; expected them to rise")
    wide, thick = flange
    parts = []
    for (x0, low0, high0), (x1, low1, high1) in pairwise(stations):
        if low0 == low1 and high0 == high1:
            parts.append(slab((x0, x1), (y - web / 2, y + web / 2), (low0 + thick, high0 - thick)))
        else:
            parts.append(_web((x0, low0 + thick, high0 - thick), (x1, low1 + thick, high1 - thick), (y - web / 2, y + web / 2)))
        for z0, z1, sign in ((low0, low1, 1), (high0, high1, -1)):
            side = (y - wide / 2, y + wide / 2)
            if z0 == z1:
                parts.append(slab((x0, x1), side, (min(z0, z0 + sign * thick), max(z0, z0 + sign * thick))))
            else:
                parts.append(strut((x0, z0 + sign * thick / 2), (x1, z1 + sign * thick / 2), side, thick))
    return parts


def _web(start: tuple[float, float, float], end: tuple[float, float, float], y: Span) -> Solid:
    """A plate in the plane of x and z between two uprights (x, lower z, upper z)."""
    (x0, a0, b0), (x1, a1, b1) = start, end
    points = [(x, side, z) for side in y for x, z in ((x0, a0), (x1, a1), (x1, b1), (x0, b0))]
    quads = [(0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0)]
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    return mesh_solid(np.array(points), np.array(faces), "steel", STEEL)


def mirrored(solid: Solid, axis: Literal["x", "y"], at: float = 0.0) -> Solid:
    """The mirror image of a solid in the plane x = at or y = at [m]."""
    flip = np.diag([-1.0, 1.0, 1.0] if axis == "x" else [1.0, -1.0, 1.0])
    x, y, z = solid.center
    center = (2 * at - x, y, z) if axis == "x" else (x, 2 * at - y, z)
    upright = bool(np.array_equal(solid.turn, np.eye(3)))
    turn = solid.turn if upright else flip @ solid.turn @ flip
    mesh = None if solid.mesh is None else Mesh(solid.mesh.vertices @ flip, solid.mesh.faces[:, ::-1])
    return replace(solid, center=center, turn=turn, mesh=mesh)


def both_sides(parts: Sequence[Solid]) -> list[Solid]:
    """Parts and their mirror images across y = 0."""
    return [*parts, *(mirrored(p, "y") for p in parts)]


def wheel(center: Point, size: tuple[float, float], axis: Axis = "y", *, brake: float = 0.0) -> list[Solid]:
    """A wheel: tire with air in it, rim and disc, and the brake drum and hub if it stands on an axle.

    Parameters
    ----------
    center : (float, float, float) [m]
    size : (float, float) [m]
        Radius and width of the tire.
    axis : {"x", "y", "z"}
        A spare wheel may lie.
    brake : float [m]
        How far the brake drum reaches from the wheel's middle, positive toward +y; 0 is none.

    Returns
    -------
    list of Solid
    """
    radius, wide = size
    rim, rubber = 0.575 * radius, 1.08 * material("rubber").density  # with its steel belts

    def disc(r: float, w: float, kind: str, density: float) -> Solid:
        return cylinder(center, r, w, kind, density, axis)

    parts = [
        disc(radius, wide, "rubber", rubber),
        disc(radius * 0.915, wide * 0.85, "rubber", 0.0),
        disc(rim, wide * 0.9, "steel", STEEL),
        disc(rim - 0.009, wide, "steel", 0.0),
        disc(rim - 0.009, 0.013, "steel", STEEL),
    ]
    if brake:
        x, y, z = center
        middle = (x, y + brake / 2, z)
        parts += [
            cylinder(middle, rim * 0.76, abs(brake), "steel", STEEL, axis),
            cylinder(middle, rim * 0.70, abs(brake), "steel", STEEL * 0.32, axis),
            cylinder(middle, rim * 0.32, abs(brake) + 0.05, "steel", STEEL * 0.8, axis),
        ]
    return parts
