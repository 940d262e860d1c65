"""Goods and machines of no kind: what a load is made of is itself drawn, anew for every scan.

Some dozens of kinds of goods are a short list beside what is shipped, and a network that was trained on a list knows the
list. Here the size, shape, wall and content of a piece, what is fastened to it, and how pieces are stowed are all chance: no
two scans hold the same goods, and nothing can be learned of them but that they are no persons.

References
----------
J. Tobin et al., Domain Randomization for Transferring Deep Neural Networks from Simulation to the Real World, IROS (2017) 23:
why things drawn at random help with things never seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xrayscan.simulate.loads.arrange import LoadKind, inset, spread
from xrayscan.simulate.loads.assemblies import crated, framed, hollow_box, skid, tube, wheel
from xrayscan.simulate.loads.stow import LEAST, Make, Piece, Plan, piece, scattered, shaken, stow
from xrayscan.simulate.solid import Axis, Point, Room, Solid, box, capsule, cylinder, ellipsoid, sack

__all__ = ["KINDS", "SHAPES", "drawn_stuff", "shaped"]

Rng = np.random.Generator
STUFF: tuple[tuple[str, float, float], ...] = (
    ("cellulose", 0.08, 0.9), ("textile", 0.08, 0.6), ("polyethylene", 0.1, 0.95), ("PVC", 0.3, 1.3), ("wood", 0.3, 0.8),
    ("rubber", 0.3, 1.15), ("food", 0.3, 1.05), ("fruit", 0.4, 0.9), ("meat", 0.7, 1.05), ("grain", 0.5, 0.9),
    ("water", 0.9, 1.1), ("oil", 0.75, 0.95), ("salt", 0.8, 1.4), ("sand", 1.2, 1.8), ("ceramic", 0.8, 2.2),
    ("stone", 1.0, 2.6), ("glass", 0.4, 2.3), ("cement", 0.9, 1.6), ("electronics", 0.2, 1.2), ("aluminum", 0.2, 1.6),
    ("steel", 0.3, 3.0), ("copper", 0.5, 3.0),
)  # fmt: skip
"""Material with the bulk densities that its goods may have [g/cm³]."""
METALS = (("steel", 7.85), ("steel", 7.1), ("aluminum", 2.7), ("copper", 8.9), ("polyethylene", 0.94), ("rubber", 1.15))
SKINS = (("cellulose", 0.4, 0.006), ("polyethylene", 0.94, 0.004), ("steel", 7.85, 0.0015), ("aluminum", 2.7, 0.002),
         ("wood", 0.6, 0.014), ("glass", 2.5, 0.004), ("textile", 0.5, 0.003))  # fmt: skip
"""Material, density [g/cm³] and usual thickness [m] of walls."""
SHAPES = ("box", "box", "box", "sack", "ellipsoid", "cylinder x", "cylinder y", "cylinder z", "capsule")
THICK = 0.12  # solid metal is no thicker [m]; larger parts are housings, or so much lighter


def shaped(shape: str, room: Room, stuff: tuple[str, float]) -> Solid:
    """The largest solid of a shape in a room."""
    size = np.array(room.size)
    center = (room.x0 + size[0] / 2, room.y0 + size[1] / 2, room.z0 + size[2] / 2)
    half = (float(size[0] / 2), float(size[1] / 2), float(size[2] / 2))
    if shape == "box":
        return box((room.x0, room.y0, room.z0), (room.x1, room.y1, room.z1), *stuff)
    if shape == "sack":
        return sack(center, half, *stuff)
    if shape == "ellipsoid":
        return ellipsoid(center, half, *stuff)
    if shape == "capsule":
        along = int(np.argmax(size))
        radius = float(np.delete(size, along).min() / 2)
        reach = np.zeros(3)
        reach[along] = max(half[along] - radius, 1e-3)
        return capsule(tuple(np.array(center) - reach), tuple(np.array(center) + reach), radius, *stuff)
    axis: Axis = shape[-1]  # type: ignore[assignment]
    across = np.delete(size, "xyz".index(axis))
    return cylinder(center, float(across.min() / 2), float(size["xyz".index(axis)]), *stuff, axis=axis)


def _smaller(room: Room, wall: float) -> Room:
    """A room within walls [m]; of one that is hardly thicker than they are a tenth is left."""
    return inset(room, *(min(wall, 0.45 * size) for size in room.size))


def drawn_stuff(rng: Rng) -> tuple[str, float]:
    """A material of goods, and the density that they have [g/cm³]."""
    name, low, high = STUFF[int(rng.integers(len(STUFF)))]
    return name, float(rng.uniform(low, high))


def _part(rng: Rng, room: Room) -> Room:
    """Some part of a room, with sides of a twentieth to all of its own."""
    share = 0.05 ** rng.random(3)
    start = rng.random(3) * (1.0 - share)
    low = np.array([room.x0, room.y0, room.z0]) + start * room.size
    high = low + share * room.size
    return Room(*(float(v) for pair in zip(low, high, strict=True) for v in pair))


@dataclass(frozen=True)
class _Kind:
    """What pieces of one kind have in common.

    Attributes
    ----------
    size : (float, float, float) [m]
    shape : str
    skin : (str, float, float) or None
        Material, density [g/cm³] and thickness [m] of a wall.
    content : (str, float)
        Material and bulk density [g/cm³].
    level : float
        Share of its height to which it is filled.
    inside : tuple of (Room, str, (str, float))
        Things in it, in a room of 1 each way, with their shapes and what they are made of.
    varied : float
        Relative standard deviation of the sizes.
    """

    size: Point
    shape: str
    skin: tuple[str, float, float] | None
    content: tuple[str, float]
    level: float
    inside: tuple[tuple[Room, str, tuple[str, float]], ...]
    varied: float

    def __call__(self, rng: Rng) -> Piece:
        length, depth, height = (value * spread(rng, self.varied) for value in self.size)
        room = Room(0.0, length, 0.0, depth, 0.0, height)
        stuff = self.content[0], self.content[1] * spread(rng, 0.05)
        parts: list[Solid] = []
        if self.skin is not None:
            material, density, thick = self.skin
            parts.append(shaped(self.shape, room, (material, density)))
            room = _smaller(room, thick)
            parts.append(shaped(self.shape, room, (material, 0.0)))
        filled = replace(room, z1=room.z0 + self.level * room.size[2]) if self.shape == "box" else room
        parts.append(shaped(self.shape, filled, stuff))
        low, size = np.array([room.x0, room.y0, room.z0]), np.array(room.size)
        for place, shape, own in self.inside:
            corner = low + size * (place.x0, place.y0, place.z0)
            far = low + size * (place.x1, place.y1, place.z1)
            parts.append(shaped(shape, Room(corner[0], far[0], corner[1], far[1], corner[2], far[2]), own))
        return shaken(rng, piece(parts))


def _kind(rng: Rng, least: float, most: float) -> _Kind:
    """A kind of goods, its sides between two sizes [m]."""
    middle = np.exp(rng.uniform(np.log(least), np.log(most)))
    size = np.clip(middle * np.exp(rng.normal(0.0, 0.4, 3)), least, most)
    material, density, thick = SKINS[int(rng.integers(len(SKINS)))]
    skin = (material, density, thick * spread(rng, 0.4)) if rng.random() < 0.6 else None
    whole = Room(0.0, 1.0, 0.0, 1.0, 0.0, 1.0)
    shape = str(rng.choice(SHAPES))
    inside = [(_part(rng, whole), str(rng.choice(SHAPES)), drawn_stuff(rng)) for _ in range(int(rng.choice([0, 0, 1, 2, 4])))]
    level = float(rng.uniform(0.3, 1.0)) if rng.random() < 0.4 else 1.0
    content = drawn_stuff(rng) if skin is None or rng.random() < 0.8 else (material, 0.0)
    # Most of what is shipped is light, and stands high: what is heavy is as much as a floor bears at half a meter.
    content = content[0], content[1] * float(rng.uniform(0.1, 0.5)) if rng.random() < 0.6 else content[1]
    return _Kind(tuple(size), shape, skin, content, level, tuple(inside), float(rng.choice([0.0, 0.03, 0.1, 0.3])))


def _one_of(makers: list[Make] | list[_Kind]) -> Make:
    """Pieces of several kinds, mixed."""
    return lambda rng: makers[int(rng.integers(len(makers)))](rng)


def _plan(rng: Rng) -> Plan:
    return Plan(
        levels=int(rng.choice([1, 3, 12, 12])), share=(0.3, 1.0), gap=float(rng.choice([0.01, 0.06, 0.3])),
        missing=float(rng.choice([0.0, 0.03, 0.15])), bracing=0.2, tight=bool(rng.random() < 0.5),
    )  # fmt: skip


def _goods(rng: Rng, room: Room) -> list[Solid]:
    """Stacks of one to three kinds, each of which nobody has seen before."""
    if min(room.size) < LEAST:
        return []
    most = min(1.3, 0.9 * min(room.size))
    kinds = [_kind(rng, 0.2, max(most, 0.25)) for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15])))]
    return stow(rng, room, _one_of(kinds), _plan(rng))


def _heap(rng: Rng, room: Room) -> list[Solid]:
    """Lumps thrown in, of one kind or of several."""
    if min(room.size) < LEAST:
        return []
    kinds = [_kind(rng, 0.1, min(0.7, 0.8 * min(room.size))) for _ in range(int(rng.choice([1, 1, 2, 5])))]
    heaped = replace(room, z1=room.z0 + room.size[2] * float(rng.uniform(0.25, 1.0)))
    draw = _one_of(kinds)
    return scattered(rng, heaped, [draw(rng) for _ in range(int(rng.integers(20, 220)))], float(rng.uniform(0.6, 0.95)))


def _machine(rng: Rng, most: Point) -> Piece:
    """A frame, bed or housing with vessels, blocks, shafts, pipes and wheels in it and on it [m]."""
    length, depth, height = (float(rng.uniform(min(0.5, m), m)) for m in most)
    room, parts = Room(0.0, length, 0.0, depth, 0.0, height), []
    body = str(rng.choice(["frame", "housing", "bed", "none"]))
    if body == "frame":
        parts += framed((0.0, 0.0, 0.0), (length, depth, height), float(rng.uniform(0.03, 0.09)), float(rng.uniform(1.0, 3.0)))
    elif body == "housing":
        thick, skin = float(rng.uniform(0.001, 0.006)), str(rng.choice(["steel", "aluminum", "polyethylene"]))
        parts += hollow_box((0.0, 0.0, 0.0), (length, depth, height), thick, (skin, 0.0), skin)
    elif body == "bed":
        bed = Room(0.0, length, 0.0, depth, 0.0, height * float(rng.uniform(0.1, 0.4)))
        parts += _metal(rng, "box", bed)
    for _ in range(int(rng.integers(4, 36))):
        parts += _metal(rng, str(rng.choice(SHAPES)), _part(rng, room))
    for _ in range(int(rng.integers(0, 16))):
        start, end = (tuple(float(v) for v in rng.random(3) * room.size) for _ in range(2))
        parts.append(tube(start, end, float(rng.uniform(0.008, 0.05)), "steel", float(rng.uniform(1.0, 6.0))))  # type: ignore[arg-type]
    if rng.random() < 0.4:
        radius, wide = float(rng.uniform(0.1, 0.45)), float(rng.uniform(0.06, 0.25))
        for x in rng.choice([0.15, 0.3, 0.5, 0.7, 0.85], int(rng.integers(1, 4)), replace=False):
            for y in (0.0, depth)[: int(rng.integers(1, 3))]:
                parts += wheel((float(x) * length, y, radius), radius, wide)
    return piece(parts)


def _metal(rng: Rng, shape: str, room: Room) -> list[Solid]:
    """A part of a machine: a housing, or solid where it is thin, else lighter the thicker it is."""
    material, density = METALS[int(rng.integers(len(METALS)))]
    least = min(room.size)
    if least > 0.05 and rng.random() < 0.6:
        inner = _smaller(room, float(rng.uniform(0.003, 0.02)))
        content = drawn_stuff(rng) if rng.random() < 0.3 else (material, 0.0)
        return [shaped(shape, room, (material, density)), shaped(shape, inner, content)]
    return [shaped(shape, room, (material, density * min(1.0, THICK / least) * float(rng.uniform(0.3, 1.0))))]


def _machines(rng: Rng, room: Room) -> list[Solid]:
    """Machines of one make or of several, bare, on skids or in crates."""
    if min(room.size) < 2 * LEAST:
        return []
    most = tuple(min(limit, 0.8 * size) for limit, size in zip((3.0, 2.2, 2.1), room.size, strict=True))
    series = [_machine(rng, most) for _ in range(int(rng.choice([1, 1, 2, 5])))]  # type: ignore[arg-type]
    packed = str(rng.choice(["bare", "skid", "crate"]))

    def make(own: Rng) -> Piece:
        thing = series[int(own.integers(len(series)))]
        if packed == "crate":
            return crated(own, thing)
        if packed == "skid":
            base = skid(own, *thing.size[:2])
            return shaken(own, piece([*base, *thing.parts]))
        return shaken(own, thing, 3.0)

    return stow(rng, room, make, replace(_plan(rng), levels=int(rng.choice([1, 1, 2])), share=(0.4, 1.0)))


KINDS: tuple[LoadKind, ...] = (
    LoadKind("goods of no kind", "no kind", _goods),
    LoadKind("heaps of no kind", "no kind", _heap, ("box", "open")),
    LoadKind("machines of no kind", "no kind", _machines, ("box", "open")),
)
