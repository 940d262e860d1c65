"""What machines and vehicles are built of: engines, motors, gearboxes, wheels, frames, and the crates they travel in."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.loads.stow import Piece, piece
from xrayscan.simulate.solid import Axis, Point, Solid, box, capsule, cylinder, moved

__all__ = [
    "crated", "engine", "framed", "gearbox", "hollow_box", "motor", "pipe", "radiator", "shell", "skid", "tube", "wheel",
]  # fmt: skip

Rng = np.random.Generator
IRON, STEEL, ALUMINUM = 7.1, 7.85, 2.7
OTHERS: dict[str, tuple[int, int]] = {"x": (1, 2), "y": (0, 2), "z": (0, 1)}


def shell(low: Point, high: Point, wall: float, material: str, density: float) -> list[Solid]:
    """A hollow box [m]."""
    wall = min(wall, 0.45 * min(b - a for a, b in zip(low, high, strict=True)))
    inner = tuple(v + wall for v in low), tuple(v - wall for v in high)
    return [box(low, high, material, density), box(inner[0], inner[1], "steel", 0.0)]  # type: ignore[arg-type]


def hollow_box(low: Point, high: Point, wall: float, content: tuple[str, float], skin: str = "steel") -> list[Solid]:
    """A box of a skin's own density around something of another [m]."""
    density = {"steel": STEEL, "aluminum": ALUMINUM, "polyethylene": 0.94, "wood": 0.55}[skin]
    first, second = shell(low, high, wall, skin, density)
    return [first, Solid("box", second.center, second.half, content[0], content[1])]


def pipe(center: Point, radius: float, length: float, wall: float, axis: Axis, stuff: tuple[str, float]) -> list[Solid]:
    """A hollow cylinder [m]."""
    outer = cylinder(center, radius, length, stuff[0], stuff[1], axis=axis)
    return [outer, cylinder(center, max(radius - wall, 0.2 * radius), length + 0.002, stuff[0], 0.0, axis=axis)]


def tube(start: Point, end: Point, radius: float, material: str = "steel", density: float = 2.2) -> Solid:
    """A thin tube between two points, its bulk density that of the wall spread over it [m]."""
    return capsule(start, end, radius, material, density)


def framed(low: Point, high: Point, thick: float, density: float = 2.0) -> list[Solid]:
    """The twelve edges of a box as square tubes of steel [m]."""
    parts = []
    for axis in range(3):
        j, k = [i for i in range(3) if i != axis]
        for a in (low[j], high[j] - thick):
            for b in (low[k], high[k] - thick):
                corner, far = [0.0] * 3, [0.0] * 3
                corner[axis], far[axis] = low[axis] + (thick if axis else 0.0), high[axis] - (thick if axis else 0.0)
                corner[j], far[j], corner[k], far[k] = a, a + thick, b, b + thick
                if all(q > p for p, q in zip(corner, far, strict=True)):
                    parts.append(box(tuple(corner), tuple(far), "steel", density))  # type: ignore[arg-type]
    return parts


def wheel(center: Point, radius: float, width: float, axis: Axis = "y", alloy: bool = False) -> list[Solid]:
    """A tire with the air in it, on a rim with a disk [m]."""
    bead, thick = 0.6 * radius, 0.05 * radius
    metal, dense = ("aluminum", ALUMINUM * 0.9) if alloy else ("steel", STEEL * 0.8)
    return [
        cylinder(center, radius, width, "rubber", 1.15, axis=axis),
        cylinder(center, radius - 1.3 * thick, width - 2 * thick, "rubber", 0.0, axis=axis),
        cylinder(center, bead, width * 0.94, metal, dense, axis=axis),
        cylinder(center, bead * 0.95, width, metal, 0.0, axis=axis),
        cylinder(center, bead * 0.95, width * 0.07, metal, dense * 0.6, axis=axis),
        cylinder(center, bead * 0.3, width * 0.35, "steel", 6.0, axis=axis),
    ]


def engine(rng: Rng, scale: float = 1.0, cylinders: int = 4) -> Piece:
    """A piston engine in line along x: block, bores, pistons, crankshaft, head, sump, flywheel and what is bolted on.

    Parameters
    ----------
    rng : Generator
    scale : float
        1 for a car of 2 l, about 1.7 for a truck.
    cylinders : int

    Returns
    -------
    Piece
    """
    bore, pitch = 0.042 * scale, 0.1 * scale
    length, half, deck = cylinders * pitch + 0.03 * scale, 0.115 * scale, 0.3 * scale
    cast, dense = ("steel", IRON) if scale > 1.2 or rng.random() < 0.5 else ("aluminum", ALUMINUM)
    low, z = 0.14 * scale, 0.2 * scale
    parts = shell((0, -half, low), (length, half, low + deck), 0.022 * scale, cast, dense)
    parts.append(box((0.01, -half * 0.75, z), (length - 0.01, half * 0.75, low + deck), cast, dense * 0.8))
    for k in range(cylinders):
        x = 0.015 * scale + (k + 0.5) * pitch
        down = float(rng.uniform(0.03, 0.12)) * scale
        parts.append(cylinder((x, 0, low + deck - 0.07 * scale), bore, 0.14 * scale, cast, 0.0))
        parts.append(cylinder((x, 0, low + deck - down - 0.01 * scale), bore * 0.97, 0.05 * scale, "aluminum", 1.9))
        parts.append(cylinder((x + 0.025 * scale, 0, z), 0.075 * scale, 0.03 * scale, "steel", STEEL, axis="x"))
    parts.append(cylinder((length / 2, 0, z), 0.028 * scale, length + 0.08 * scale, "steel", STEEL, axis="x"))
    top = low + deck
    parts += shell((0.0, -half * 0.9, top), (length, half * 0.9, top + 0.13 * scale), 0.03 * scale, "aluminum", ALUMINUM)
    for y in (-0.05, 0.05):
        parts.append(
            cylinder((length / 2, y * scale, top + 0.09 * scale), 0.018 * scale, length * 0.95, "steel", 6.0, axis="x")
        )
    parts += shell((0.1 * length, -half * 0.9, 0), (length, half * 0.9, low), 0.006 * scale + 0.002, "aluminum", ALUMINUM)
    parts.append(cylinder((length + 0.05 * scale, 0, z), 0.15 * scale, 0.03 * scale, "steel", STEEL * 0.9, axis="x"))
    parts.append(cylinder((-0.04 * scale, 0, z), 0.07 * scale, 0.03 * scale, "steel", 4.0, axis="x"))
    parts += _bolted_on(rng, scale, length, half, top)
    return piece(parts)


def _bolted_on(rng: Rng, scale: float, length: float, half: float, top: float) -> list[Solid]:
    """Alternator, starter, manifolds, filter and pipes on an engine."""
    side = half + 0.06 * scale
    parts = [
        cylinder((0.08 * scale, side, top - 0.1 * scale), 0.06 * scale, 0.13 * scale, "copper", 4.2, axis="x"),
        cylinder((length - 0.12 * scale, -side, 0.16 * scale), 0.045 * scale, 0.2 * scale, "copper", 5.0, axis="x"),
        cylinder((0.45 * length, -side, 0.2 * scale), 0.04 * scale, 0.12 * scale, "steel", 1.6, axis="z"),
        capsule((0.05, side, top + 0.05 * scale), (length - 0.03, side, top + 0.05 * scale), 0.035 * scale, "steel", 3.2),
        capsule((0.05, -side, top + 0.05 * scale), (length, -side, top + 0.07 * scale), 0.04 * scale, "aluminum", 1.0),
    ]
    if rng.random() < 0.5:
        parts.append(
            cylinder((0.6 * length, side + 0.05 * scale, top - 0.04), 0.07 * scale, 0.07 * scale, "steel", 5.0, axis="x")
        )
    return parts


def gearbox(rng: Rng, scale: float = 1.0) -> Piece:
    """A housing with shafts, gears and oil, along x; scale 1 is about 0.6 m long [m]."""
    length, half, high = 0.6 * scale, 0.15 * scale, 0.34 * scale
    cast, dense = ("aluminum", ALUMINUM) if rng.random() < 0.5 and scale < 1.5 else ("steel", IRON)
    parts = shell((0, -half, 0), (length, half, high), 0.012 * scale + 0.004, cast, dense)
    parts.append(box((0.03 * scale, -half * 0.85, 0.02 * scale), (length * 0.97, half * 0.85, 0.1 * scale), "oil", 0.88))
    for z, share in ((0.36, 1.0), (0.68, 0.8)):
        parts.append(
            cylinder((length / 2, 0, z * high), 0.022 * scale, length * (1.25 if z < 0.5 else 1.0), "steel", STEEL, axis="x")
        )
        for x in np.linspace(0.14, 0.86, int(rng.integers(3, 6))):
            radius = share * rng.uniform(0.3, 0.46) * high * (1.0 if x < 0.5 else 0.75)
            parts.append(
                cylinder(
                    (x * length, 0, z * high), min(radius, 0.3 * high), rng.uniform(0.02, 0.05) * scale, "steel", STEEL, "x"
                )
            )
    for x in (0.0, length):
        parts.append(cylinder((x, 0, 0.4 * high), 0.5 * high, 0.03 * scale, cast, dense * 0.9, axis="x"))
    return piece(parts)


def motor(rng: Rng, radius: float, length: float, axis: Axis = "x", foot: bool = True) -> list[Solid]:
    """An electric motor about the origin: ribbed housing, stator with windings, rotor, shaft, fan and terminal box [m]."""
    one, two = OTHERS[axis]
    along = "xyz".index(axis)

    def at(a: float, b: float = 0.0, c: float = 0.0) -> Point:
        point = [0.0, 0.0, 0.0]
        point[along], point[one], point[two] = a, b, c
        return tuple(point)  # type: ignore[return-value]

    parts = [
        cylinder(at(0), radius, length, "steel", IRON * 0.75, axis=axis),
        cylinder(at(0), radius * 0.9, length * 0.93, "steel", 0.0, axis=axis),
        cylinder(at(0), radius * 0.8, length * 0.78, "copper", 2.6, axis=axis),
        cylinder(at(0), radius * 0.9, length * 0.58, "steel", 7.2, axis=axis),
        cylinder(at(0), radius * 0.56, length * 0.8, "steel", 0.0, axis=axis),
        cylinder(at(0), radius * 0.545, length * 0.6, "steel", 7.4, axis=axis),
        cylinder(at(length * 0.08), radius * 0.16, length * 1.28, "steel", STEEL, axis=axis),
        cylinder(at(-length * 0.56), radius * 0.95, length * 0.13, "steel", 0.5, axis=axis),
    ]
    if foot:
        low, high = (
            np.array(at(-0.35 * length, -0.9 * radius, -1.15 * radius)),
            np.array(at(0.35 * length, 0.9 * radius, -0.93 * radius)),
        )
        parts.append(box(tuple(low), tuple(high), "steel", IRON * 0.7))
        low, high = (
            np.array(at(-0.2 * length, -0.35 * radius, 1.0 * radius)),
            np.array(at(0.15 * length, 0.35 * radius, 1.3 * radius)),
        )
        parts += shell(tuple(low), tuple(high), 0.005, "aluminum", ALUMINUM)
    return parts


def radiator(low: Point, high: Point, copper: bool = False) -> list[Solid]:
    """Fins and tubes between two headers, standing across x or y as its thin side says [m]."""
    stuff, dense = ("copper", 1.1) if copper else ("aluminum", 0.5)
    rail = 0.06 * (high[2] - low[2])
    return [
        box((low[0], low[1], low[2] + rail), (high[0], high[1], high[2] - rail), stuff, dense),
        box(low, (high[0], high[1], low[2] + rail), stuff, 2.2 * dense),
        box((low[0], low[1], high[2] - rail), high, stuff, 2.2 * dense),
    ]


def skid(rng: Rng, length: float, depth: float) -> list[Solid]:
    """Timber runners along x with boards across, upper side at z = 0 [m]."""
    foot = float(rng.uniform(0.08, 0.15))
    parts = [box((0, 0, -0.028), (length, depth, 0), "wood", rng.uniform(0.4, 0.6))]
    for y in np.linspace(0, depth - 0.1, 2 if depth < 0.9 else 3):
        parts.append(box((0.02, float(y), -0.028 - foot), (length - 0.02, float(y) + 0.1, -0.028), "wood", 0.55))
    return parts


def crated(rng: Rng, content: Piece, style: str | None = None) -> Piece:
    """A piece in a wooden crate, or on its skid.

    Parameters
    ----------
    rng : Generator
    content : Piece
    style : {"closed", "slatted", "skid"} or None
        None draws one.

    Returns
    -------
    Piece
    """
    style = style or str(rng.choice(["closed", "slatted", "skid"], p=[0.5, 0.25, 0.25]))
    room = rng.uniform(0.02, 0.1, 3)
    length, depth, high = (s + 2 * r for s, r in zip(content.size, room, strict=True))
    parts = skid(rng, length, depth)
    if style == "closed":
        thick = float(rng.uniform(0.012, 0.025))
        parts += shell((0, 0, 0), (length, depth, high + thick), thick, "wood", rng.uniform(0.5, 0.68))
    if style != "skid":
        parts += _battens(rng, length, depth, high, slats=style == "slatted")
    if style == "closed":
        parts.append(box((room[0], room[1], 0.0), (length - room[0], depth - room[1], 0.012), "wood", 0.5))
    inside = [moved(p, (room[0], room[1], 0.012)) for p in content.parts]
    return piece(parts + inside)


def _battens(rng: Rng, length: float, depth: float, high: float, slats: bool) -> list[Solid]:
    """Posts, rails and braces outside a crate, or the boards of an open one."""
    wide, thick = float(rng.uniform(0.07, 0.11)), 0.022
    parts = []
    for y in (-thick, depth):
        for x in np.linspace(0, length - wide, max(2, round(length / 0.9) + 1)):
            parts.append(box((float(x), y, 0.0), (float(x) + wide, y + thick, high), "wood", 0.5))
        levels = np.linspace(0.0, high - wide, max(2, round(high / 0.28) + 1)) if slats else (0.0, high - wide)
        for z in levels:
            near = y - thick if y < 0 else y + thick
            parts.append(box((0.0, near, float(z)), (length, near + thick, float(z) + wide), "wood", 0.5))
    if slats:
        for x in (0.0, length - thick):
            for z in np.linspace(0.0, high - wide, max(2, round(high / 0.35) + 1)):
                parts.append(box((x, 0.0, float(z)), (x + thick, depth, float(z) + wide), "wood", 0.5))
        for x in np.linspace(0.0, length - wide, max(2, round(length / 0.5) + 1)):
            parts.append(box((float(x), 0.0, high), (float(x) + wide, depth, high + thick), "wood", 0.5))
    return parts
