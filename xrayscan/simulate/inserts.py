"""Inserts: what is much denser or lighter than the load around it, hidden compartments, and gaps that loads just have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.extent import room_of, settled
from xrayscan.simulate.lookalike_machine import motor
from xrayscan.simulate.site import CUTTABLE, Surroundings, void_box
from xrayscan.simulate.solid import Point, Room, Solid, box, capsule, cylinder, ellipsoid, moved, sack

__all__ = [
    "COMPARTMENTS",
    "INSERTS",
    "Compartment",
    "Insert",
    "draw_compartment",
    "draw_insert",
    "draw_void",
    "legitimate_void",
]

Rng = np.random.Generator
Size = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Insert:
    """Something of another density than the load; nothing about it is left to chance any more.

    Attributes
    ----------
    label : str
        "dense: ..." or "light: ...".
    size : (float, float, float) [m]
    parts : tuple of Solid
        In order, the middle of the footprint at (0, 0), the lowest point at z = 0.
    """

    label: str
    size: Size
    parts: tuple[Solid, ...]

    def solids(self, at: Point) -> tuple[Solid, ...]:
        """Its solids, the middle of the footprint at a point on the floor [m]."""
        return tuple(moved(part, at) for part in self.parts)


@dataclass(frozen=True, eq=False)
class Compartment:
    """A hidden compartment in a room, and the goods in it.

    Attributes
    ----------
    label : str
    hole : tuple of Solid
        Taken out of the load.
    cover : tuple of Solid
        Its walls.
    solids : tuple of Solid
        What is in it.
    space : Room [m]
        What all of it takes up.
    """

    label: str
    hole: tuple[Solid, ...]
    cover: tuple[Solid, ...]
    solids: tuple[Solid, ...]
    space: Room


def _drawn(rng: Rng, low: float, high: float) -> float:
    """A number between two; what just fits into a room leaves none, or less by rounding."""
    return float(rng.uniform(low, max(low, high)))


def _block(rng: Rng) -> list[Solid]:
    """A solid block, ingots or plates of metal or stone, 40 to 600 kg."""
    stuff, density = [
        ("steel", 7.85), ("lead", 11.3), ("copper", 8.9), ("zinc", 7.1), ("aluminum", 2.7), ("stone", 2.7), ("brass", 8.5)
    ][int(rng.integers(7))]  # fmt: skip
    mass = float(np.exp(_drawn(rng, np.log(40), np.log(600))))
    volume = mass / 1000 / density
    shape = rng.uniform(0.5, 1.6, 3)
    sides = shape * (volume / shape.prod()) ** (1 / 3)
    layers = int(rng.integers(1, 5))
    each = sides[2] / layers
    return [
        box(
            (0.0, 0.0, k * (each + 0.004)), (float(sides[0]), float(sides[1]), float(k * (each + 0.004) + each)), stuff, density
        )
        for k in range(layers)
    ]


def _machine(rng: Rng) -> list[Solid]:
    return motor(rng)


def _ceramic(rng: Rng) -> list[Solid]:
    """Tiles or bricks, stacked."""
    stuff, bulk = [("ceramic", 1.9), ("cement", 2.1), ("glass", 2.2), ("stone", 2.6)][int(rng.integers(4))]
    wide, deep, high = _drawn(rng, 0.3, 0.8), _drawn(rng, 0.3, 0.8), _drawn(rng, 0.2, 0.6)
    return [box((0.0, 0.0, 0.0), (wide, deep, high), stuff, bulk)]


def _barrel(rng: Rng) -> list[Solid]:
    radius = _drawn(rng, 0.2, 0.3)
    height = radius * _drawn(rng, 2.4, 3.1)
    stuff, bulk = [("water", 1.0), ("salt", 1.2), ("oil", 0.9), ("sand", 1.6)][int(rng.integers(4))]
    wall = 0.004
    parts = [cylinder((0.0, 0.0, height / 2), radius, height, "polyethylene", 0.95)]
    parts.append(cylinder((0.0, 0.0, height / 2), radius - wall, height - 2 * wall, stuff, bulk))
    return parts


def _metal_boxes(rng: Rng) -> list[Solid]:
    """Small heavy boxes full of brass, steel or lead parts, stacked in a case of wood."""
    nx, ny, nz = (int(v) for v in rng.integers([2, 1, 1], [5, 4, 4]))
    side = (_drawn(rng, 0.16, 0.3), _drawn(rng, 0.14, 0.22), _drawn(rng, 0.1, 0.2))
    stuff = str(rng.choice(["brass", "steel", "lead", "copper"]))
    bulk = _drawn(rng, 1.8, 3.6)
    wall = 0.015
    size = np.array([nx * side[0], ny * side[1], nz * side[2]])
    parts = [box((-wall, -wall, -wall), tuple(size + wall), "wood", 0.6)]
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                low = np.array([i, j, k]) * side
                parts.append(box(tuple(low + 0.002), tuple(low + side - 0.002), stuff, bulk * _drawn(rng, 0.95, 1.05)))
    return parts


def _sandbags(rng: Rng) -> list[Solid]:
    half = (_drawn(rng, 0.22, 0.35), _drawn(rng, 0.15, 0.22), _drawn(rng, 0.06, 0.09))
    stuff, bulk = [("sand", 1.6), ("cement", 1.4), ("salt", 1.3), ("zinc", 2.8)][int(rng.integers(4))]
    return [sack((0.0, 0.0, half[2] * (1 + 1.96 * k)), half, stuff, bulk) for k in range(int(rng.integers(2, 6)))]


def _foam(rng: Rng) -> list[Solid]:
    wide, deep, high = _drawn(rng, 0.5, 1.4), _drawn(rng, 0.5, 1.2), _drawn(rng, 0.4, 1.2)
    return [box((0.0, 0.0, 0.0), (wide, deep, high), "foam", _drawn(rng, 0.012, 0.05))]


def _empty_boxes(rng: Rng) -> list[Solid]:
    """Cartons that look like the others and hold nothing."""
    side = (_drawn(rng, 0.35, 0.6), _drawn(rng, 0.35, 0.55), _drawn(rng, 0.3, 0.5))
    parts: list[Solid] = []
    nx, ny, nz = (int(v) for v in rng.integers([1, 1, 1], [4, 3, 4]))
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                low = np.array([i, j, k]) * side
                wall = 0.006
                parts.append(box(tuple(low), tuple(low + side), "cellulose", 0.18))
                parts.append(box(tuple(low + wall), tuple(low + np.array(side) - wall), "cellulose", 0.0))
    return parts


def _empty_vessel(rng: Rng) -> list[Solid]:
    radius, height = _drawn(rng, 0.25, 0.5), _drawn(rng, 0.7, 1.2)
    stuff, density, wall = [("polyethylene", 0.95, 0.005), ("steel", 7.85, 0.0012)][int(rng.integers(2))]
    return [
        cylinder((0.0, 0.0, height / 2), radius, height, stuff, density),
        cylinder((0.0, 0.0, height / 2), radius - wall, height - 2 * wall, stuff, 0.0),
    ]


def _soft(rng: Rng) -> list[Solid]:
    """Loose fill, down or empty bottles in a big bag."""
    half = (_drawn(rng, 0.3, 0.6), _drawn(rng, 0.3, 0.6), _drawn(rng, 0.3, 0.6))
    stuff, bulk = [("textile", 0.03), ("PET", 0.04), ("foam", 0.015), ("cellulose", 0.05)][int(rng.integers(4))]
    return [sack((0.0, 0.0, half[2]), half, stuff, bulk)]


_DENSE: tuple[tuple[str, Callable[[Rng], list[Solid]]], ...] = (
    ("block", _block), ("machine", _machine), ("ceramic", _ceramic), ("barrel", _barrel), ("metal in boxes", _metal_boxes),
    ("bags", _sandbags),
)  # fmt: skip
_LIGHT: tuple[tuple[str, Callable[[Rng], list[Solid]]], ...] = (
    ("foam", _foam), ("empty boxes", _empty_boxes), ("empty vessel", _empty_vessel), ("soft fill", _soft),
)  # fmt: skip
INSERTS: tuple[str, ...] = (*(f"dense: {name}" for name, _ in _DENSE), *(f"light: {name}" for name, _ in _LIGHT))


def draw_insert(rng: Rng, kind: str | None = None) -> Insert:
    """Draw an insert.

    Parameters
    ----------
    rng : Generator
    kind : {"dense", "light"}, optional
        Three of five are dense by default.

    Returns
    -------
    Insert

    Raises
    ------
    RecipeError
        For another kind.

    Examples
    --------
    >>> draw_insert(np.random.default_rng(2), "light").label.startswith("light")
    True
    """
    if kind not in (None, "dense", "light"):
        raise RecipeError(f"there is no kind of insert {kind!r}; expected 'dense' or 'light'")
    dense = kind == "dense" if kind else bool(rng.random() < 0.6)
    rows = _DENSE if dense else _LIGHT
    name, draw = rows[int(rng.integers(len(rows)))]
    parts, size = settled(draw(rng))
    return Insert(f"{'dense' if dense else 'light'}: {name}", size, parts)


def draw_void(rng: Rng) -> Size:
    """Size of a closed cavity in a load that holds nobody [m], each side 0.4 to 2 m."""
    sides = rng.uniform([0.45, 0.4, 0.4], [2.0, 1.6, 1.6])
    return float(sides[0]), float(sides[1]), float(sides[2])


# What loads just lack ------------------------------------------------------------------------------------------------------


def _pieces(around: Surroundings, gap: Room) -> list[Solid]:
    """Small pieces of the load that are more than half within a gap, with all that is in them."""
    low, high = around.corners
    size = (high - low).prod(axis=1)
    bottom, top = np.array([gap.x0, gap.y0, gap.z0]), np.array([gap.x1, gap.y1, gap.z1])
    common = (np.minimum(high, top) - np.maximum(low, bottom)).clip(min=0.0).prod(axis=1)
    chosen = np.flatnonzero((common > 0.5 * size) & (size < 0.75))
    found: set[int] = set()
    for i in chosen:
        found.update(np.flatnonzero(((low >= low[i] - 1e-3) & (high <= high[i] + 1e-3)).all(axis=1)).tolist())
    return [replace(around.stuff[i], density=0.0) for i in sorted(found)]


def _pick(rng: Rng, around: Surroundings) -> tuple[Room, Room] | None:
    """A piece of the load of a carton's or sack's size, as a room, and the load room it is in."""
    low, high = around.corners
    size = high - low
    fit = np.flatnonzero((size.max(axis=1) < 1.35) & (size.min(axis=1) > 0.08) & (size.prod(axis=1) > 0.004))
    if not fit.size:
        return None
    i = int(rng.choice(fit))
    for room in around.rooms:
        if room.x0 - 0.01 <= low[i, 0] and high[i, 0] <= room.x1 + 0.01:
            return Room(low[i, 0], high[i, 0], low[i, 1], high[i, 1], low[i, 2], high[i, 2]), room
    return None


def _missing(rng: Rng, around: Surroundings) -> list[Solid]:
    """Some neighboring cartons are missing, from the top of their columns down."""
    found = _pick(rng, around)
    if found is None:
        return []
    piece, room = found
    count = rng.integers(1, 4, 2)
    along, across = (float(c - 0.4) * s for c, s in zip(count, piece.size[:2], strict=True))
    return _pieces(around, Room(piece.x0, piece.x0 + along, piece.y0, piece.y0 + across, piece.z0, room.z1))


def _slit(rng: Rng, around: Surroundings) -> list[Solid]:
    """A gap for the air between two rows, over the full section or along the load."""
    room = around.rooms[int(rng.integers(len(around.rooms)))]
    wide = _drawn(rng, 0.04, 0.2)
    if rng.random() < 0.6:
        x = _drawn(rng, room.x0, max(room.x0, room.x1 - wide))
        return [void_box(replace(room, x0=x, x1=min(x + wide, room.x1)))]
    y = _drawn(rng, room.y0 + 0.2, max(room.y0 + 0.2, room.y1 - wide - 0.2))
    x = _drawn(rng, room.x0, room.x0 + 0.6 * room.size[0])
    return [void_box(Room(x, min(room.x1, x + _drawn(rng, 1.0, 5.0)), y, min(y + wide, room.y1), room.z0, room.z1))]


def _pallet_position(rng: Rng, around: Surroundings) -> list[Solid]:
    """No pallet where one could stand: everything that stands there is missing, over half the width or all of it."""
    room = around.rooms[int(rng.integers(len(around.rooms)))]
    wide = min(_drawn(rng, 0.8, 1.25), room.size[0])
    x = _drawn(rng, room.x0, room.x1 - wide)
    middle = (room.y0 + room.y1) / 2
    y0, y1 = [(room.y0, middle), (middle, room.y1), (room.y0, room.y1)][int(rng.integers(3))]
    gap = Room(x, x + wide, y0, y1, room.z0, room.z1)
    return [*_pieces(around, gap), void_box(gap)]


def _emptied(rng: Rng, around: Surroundings) -> list[Solid]:
    """A stretch of the load taken down to some height."""
    room = around.rooms[int(rng.integers(len(around.rooms)))]
    wide = min(_drawn(rng, 0.5, 2.5), room.size[0])
    x = _drawn(rng, room.x0, room.x1 - wide)
    level = room.z0 + room.size[2] * _drawn(rng, 0.25, 0.7)
    deep = room.size[1] if rng.random() < 0.5 else room.size[1] * _drawn(rng, 0.3, 0.8)
    gap = Room(x, x + wide, room.y0, room.y0 + deep, level, room.z1)
    whole = _pieces(around, gap)
    return whole if len(whole) > 3 else [*whole, void_box(gap)]


def legitimate_void(rng: Rng, around: Surroundings) -> tuple[Solid, ...]:
    """A gap that a load just has: missing cartons, a slit for air, an empty pallet position, a stack partly taken down.

    Such gaps belong to scans without anything hidden as well, and carry no label.

    Parameters
    ----------
    rng : Generator
    around : Surroundings
        What is taken keeps its support: no gap reaches into it or below it.

    Returns
    -------
    tuple of Solid
        Shapes to take out of the load; none where there is nothing to take out.
    """
    if not around.stuff or around.room_kind == "tank" or not around.rooms:
        return ()
    ways = (_missing, _missing, _slit, _pallet_position, _emptied)
    for _ in range(6):
        hole = ways[int(rng.integers(len(ways)))](rng, around)
        if not hole or len(hole) > 120:
            continue
        space = room_of(hole)
        low = replace(space, z0=space.z0, z1=max(room.z1 for room in around.rooms))
        if around.untaken(low) and around.meeting(space).size and all(_movable(around, space)):
            return tuple(hole)
    return ()


def _movable(around: Surroundings, space: Room) -> list[bool]:
    """For each piece of the load in a room, whether it may be missing or cut."""
    low, high = around.corners
    size = (high - low).prod(axis=1)
    return [bool(size[i] < 0.75 or around.stuff[i].density < CUTTABLE) for i in around.meeting(space)]


# Hidden compartments -------------------------------------------------------------------------------------------------------


def _goods(rng: Rng, inside: Room) -> list[Solid]:
    """Packets of a compartment, side by side, up to 40."""
    stuff, bulk = [
        ("food", 0.9), ("cellulose", 0.7), ("polyethylene", 0.6), ("sugar", 1.0), ("electronics", 0.6),
        ("steel", 2.5), ("textile", 0.3),
    ][int(rng.integers(7))]  # fmt: skip
    side = rng.uniform([0.15, 0.1, 0.05], [0.4, 0.35, 0.2])
    counts = [min(max(int(extent / s), 1), most) for extent, s, most in zip(inside.size, side, (10, 4, 4), strict=True)]
    step = np.minimum(side, np.array(inside.size) / counts)
    filled = max(1, int(np.prod(counts) * rng.uniform(0.3, 1.0)))
    parts: list[Solid] = []
    for k in range(counts[2]):
        for j in range(counts[1]):
            for i in range(counts[0]):
                low = np.array([inside.x0, inside.y0, inside.z0]) + np.array([i, j, k]) * step
                if len(parts) < min(filled, 40):
                    parts.append(box(tuple(low), tuple(low + step * 0.98), stuff, bulk))
    return parts


def _compartment(label: str, inside: Room, walls: Sequence[Solid], goods: Sequence[Solid]) -> Compartment:
    hole = (void_box(inside),)
    return Compartment(label, hole, tuple(walls), tuple(goods), room_of([*hole, *walls, *goods]))


def _false_floor(rng: Rng, room: Room) -> Compartment:
    high, wide = _drawn(rng, 0.08, 0.3), min(room.size[0], _drawn(rng, 1.0, 6.0))
    x = _drawn(rng, room.x0, room.x1 - wide)
    inside = Room(x, x + wide, room.y0, room.y1, room.z0, room.z0 + high)
    thick, stuff, density = [(0.018, "wood", 0.65), (0.003, "steel", 7.85)][int(rng.integers(2))]
    lid = box((x, room.y0, inside.z1), (x + wide, room.y1, inside.z1 + thick), stuff, density)
    return _compartment("false floor", inside, [lid], _goods(rng, inside))


def _false_end(rng: Rng, room: Room) -> Compartment:
    deep = min(_drawn(rng, 0.1, 0.5), 0.4 * room.size[0])
    inside = replace(room, x1=room.x0 + deep)
    thick, stuff, density = [(0.015, "wood", 0.65), (0.002, "steel", 7.85)][int(rng.integers(2))]
    wall = box((inside.x1, room.y0, room.z0), (inside.x1 + thick, room.y1, room.z1), stuff, density)
    return _compartment("false wall", inside, [wall], _goods(rng, inside))


def _false_roof(rng: Rng, room: Room) -> Compartment:
    high, wide = _drawn(rng, 0.06, 0.2), min(room.size[0], _drawn(rng, 1.0, 5.0))
    x = _drawn(rng, room.x0, room.x1 - wide)
    inside = Room(x, x + wide, room.y0, room.y1, room.z1 - high, room.z1)
    sheet = box((x, room.y0, inside.z0 - 0.002), (x + wide, room.y1, inside.z0), "steel", 7.85)
    return _compartment("false roof", inside, [sheet], _goods(rng, inside))


def _double_box(rng: Rng, room: Room) -> Compartment:
    """A chest with a double bottom."""
    drawn = rng.uniform([0.6, 0.5, 0.5], [1.4, 1.1, 1.1])
    size = [float(v) for v in np.minimum(drawn, np.array(room.size) - 0.02)]
    x, y = _drawn(rng, room.x0, room.x1 - size[0]), _drawn(rng, room.y0, room.y1 - size[1])
    wall = 0.012
    outer = Room(x, x + size[0], y, y + size[1], room.z0, room.z0 + size[2])
    low = _drawn(rng, 0.1, 0.2)
    inside = Room(x + wall, outer.x1 - wall, y + wall, outer.y1 - wall, room.z0 + wall, room.z0 + low)
    above = replace(inside, z0=inside.z1 + wall, z1=outer.z1 - wall)
    stuff, bulk = [("textile", 0.2), ("food", 0.5), ("cellulose", 0.4)][int(rng.integers(3))]
    walls = [
        box((x, y, outer.z0), (outer.x1, outer.y1, outer.z1), "wood", 0.6),
        void_box(inside),
        box((above.x0, above.y0, above.z0), (above.x1, above.y1, above.z1), stuff, bulk),
    ]
    return _compartment("double bottom", inside, walls, _goods(rng, inside))


def _in_goods(rng: Rng, room: Room) -> Compartment:
    """Something put into a sack or a roll among others."""
    long, wide, high = room.size
    half = (
        min(_drawn(rng, 0.3, 0.45), 0.5 * long),
        min(_drawn(rng, 0.22, 0.3), 0.5 * wide),
        min(_drawn(rng, 0.12, 0.2), 0.5 * high),
    )
    x = _drawn(rng, room.x0 + half[0], room.x1 - half[0])
    y = _drawn(rng, room.y0 + half[1], room.y1 - half[1])
    center = (x, y, room.z0 + half[2])
    outer = sack(center, half, "grain", 0.75)
    kernel = [
        capsule((x - 0.1, y, center[2]), (x + 0.1, y, center[2]), 0.07, "steel", 4.0),
        ellipsoid(center, (0.6 * half[0], 0.5 * half[1], 0.5 * half[2]), "cellulose", 0.15),
    ][int(rng.integers(2))]
    return Compartment("within goods", (), (outer,), (kernel,), room_of([outer]))


_COMPARTMENTS: dict[str, Callable[[Rng, Room], Compartment]] = {
    "false floor": _false_floor, "false wall": _false_end, "false roof": _false_roof, "double bottom": _double_box,
    "within goods": _in_goods,
}  # fmt: skip
COMPARTMENTS: tuple[str, ...] = tuple(_COMPARTMENTS)


def draw_compartment(rng: Rng, around: Surroundings, names: Sequence[str] | None = None) -> Compartment | None:
    """Draw a hidden compartment with goods in it, in one of the rooms.

    Parameters
    ----------
    rng : Generator
    around : Surroundings
    names : sequence of str, optional
        Kinds to choose from; all by default.

    Returns
    -------
    Compartment or None
        None if what is taken already, or load that nobody can cut or move, is in the way.

    Raises
    ------
    RecipeError
        For a kind that does not exist.
    """
    chosen = list(COMPARTMENTS) if names is None else list(names)
    for name in chosen:
        if name not in _COMPARTMENTS:
            raise RecipeError(f"there is no hidden compartment {name!r}; known are {', '.join(COMPARTMENTS)}")
    if around.room_kind == "tank" or not around.rooms:
        return None
    for _ in range(12):
        room = around.rooms[int(rng.integers(len(around.rooms)))]
        if min(room.size) < 0.7:
            continue
        name = str(rng.choice(chosen))
        if name == "false roof" and around.room_kind != "box":
            continue
        found = _COMPARTMENTS[name](rng, room)
        heavy = any(around.stuff[i].density > CUTTABLE for i in around.meeting(found.space))
        if not heavy and around.untaken(found.space):
            return found
    return None
