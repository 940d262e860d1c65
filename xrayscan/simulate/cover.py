"""Covers: what encloses, hides or surrounds something that is hidden. Every cover leaves its free room free.

Each function gives solids in order, the later in the place of the earlier; those that enclose end with the air inside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xrayscan.simulate.site import Surroundings, grown, void_box
from xrayscan.simulate.solid import Room, Solid, box, capsule, cylinder, ellipsoid, moved, rotation, sack, torus, turned

__all__ = [
    "SNUG", "Goods", "bed", "blanket", "carton_ring", "carton_row", "case", "case_walls", "filling", "goods_like",
    "lying_tube", "planks", "sack_cave", "sheet", "table", "tank_walls", "tarpaulin", "tire_stack",
]  # fmt: skip

Rng = np.random.Generator
SNUG = 0.56
"""Half axes of an oval that is wrapped around a room, as shares of the room's sides."""
Walls = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Goods:
    """What cartons or sacks of a cover hold: like the load, so that they do not stand out."""

    size: tuple[float, float, float]
    material: str
    density: float


def goods_like(rng: Rng, around: Surroundings) -> Goods:
    """Goods like a piece of the load, or any where there is none of a fitting size."""
    low, high = around.corners
    size = high - low
    fit = np.flatnonzero((size.min(axis=1) > 0.12) & (size.max(axis=1) < 0.95)) if len(size) else np.array([], int)
    fit = np.array([i for i in fit if around.stuff[i].density < 1.5], int)
    if fit.size and rng.random() < 0.8:
        i = int(rng.choice(fit))
        return Goods(tuple(float(v) for v in size[i]), around.stuff[i].material, around.stuff[i].density)  # type: ignore[arg-type]
    stuff, low_bulk, high_bulk = [
        ("cellulose", 0.1, 0.5), ("textile", 0.1, 0.3), ("food", 0.2, 0.6), ("polyethylene", 0.05, 0.3),
        ("electronics", 0.15, 0.35),
        ("fruit", 0.4, 0.6),
    ][int(rng.integers(6))]  # fmt: skip
    sides = rng.uniform([0.3, 0.3, 0.2], [0.6, 0.55, 0.5])
    return Goods(tuple(float(v) for v in sides), stuff, float(rng.uniform(low_bulk, high_bulk)))  # type: ignore[arg-type]


def _starts(low: float, high: float, step: float) -> tuple[np.ndarray, float]:
    """Starts of equal pieces that fill a stretch, and how long they are [m]."""
    count = min(max(1, round((high - low) / step)), 12)
    return low + (high - low) / count * np.arange(count), (high - low) / count


def carton_row(rng: Rng, room: Room, goods: Goods, missing: float = 0.04) -> list[Solid]:
    """Cartons that fill a room, a few of them missing from its top."""
    xs, dx = _starts(room.x0, room.x1, max(goods.size[0], 0.28))
    ys, dy = _starts(room.y0, room.y1, max(goods.size[1], 0.28))
    zs, dz = _starts(room.z0, room.z1, max(goods.size[2], 0.28))
    parts: list[Solid] = []
    for x in xs:
        for y in ys:
            for k, z in enumerate(zs):
                if k == len(zs) - 1 and rng.random() < missing * 3:
                    continue
                bulk = goods.density * float(np.exp(rng.normal(0, 0.06)))
                gap = np.minimum(rng.uniform(0.001, 0.012, 3), 0.05 * np.array([dx, dy, dz]))
                gap[2] = 0.0
                low, high = np.array([x, y, z]) + gap, np.array([x + dx, y + dy, z + dz]) - gap
                parts.append(box(tuple(low), tuple(high), goods.material, bulk))
    return parts


def carton_ring(rng: Rng, free: Room, walls: Walls, goods: Goods) -> list[Solid]:
    """Cartons on all sides and over a room, as left of a stack whose inner ones were taken out, and the air in it."""
    outer = grown(free, walls)
    shell = [
        Room(outer.x0, free.x0, outer.y0, outer.y1, outer.z0, free.z1),
        Room(free.x1, outer.x1, outer.y0, outer.y1, outer.z0, free.z1),
        Room(free.x0, free.x1, outer.y0, free.y0, outer.z0, free.z1),
        Room(free.x0, free.x1, free.y1, outer.y1, outer.z0, free.z1),
        Room(outer.x0, outer.x1, outer.y0, outer.y1, free.z1 + 0.02, outer.z1),
    ]
    parts = [box((outer.x0, outer.y0, free.z1), (outer.x1, outer.y1, free.z1 + 0.02), "wood", 0.55)]
    for side in shell:
        if min(side.size) > 0.05:
            parts += carton_row(rng, side, goods, missing=0.0)
    if walls[4] > 0.05:
        parts += _pallet(Room(outer.x0, outer.x1, outer.y0, outer.y1, outer.z0, free.z0))
    return parts


def _pallet(room: Room) -> list[Solid]:
    """A pallet that fills a room: deck, blocks, skids."""
    parts = [box((room.x0, room.y0, room.z1 - 0.022), (room.x1, room.y1, room.z1), "wood", 0.45)]
    for y in np.linspace(room.y0, room.y1 - 0.1, 3):
        parts.append(box((room.x0, float(y), room.z0), (room.x1, float(y) + 0.1, room.z1 - 0.022), "wood", 0.35))
    return parts


def case_walls(rng: Rng) -> tuple[str, float, Walls]:
    """Material, density [g/cm³] and wall thicknesses [m] of a crate, carton, cabinet or chest."""
    name, density, low, high = [
        ("wood", 0.6, 0.009, 0.026), ("wood", 0.55, 0.009, 0.026), ("cellulose", 0.2, 0.006, 0.014),
        ("steel", 7.85, 0.0008, 0.002),
        ("polyethylene", 0.95, 0.003, 0.006),
    ][int(rng.integers(5))]  # fmt: skip
    wall = float(rng.uniform(low, high))
    floor = float(rng.uniform(0.08, 0.14)) if rng.random() < 0.4 and name != "steel" else max(wall, 0.004)
    return name, density, (wall, wall, wall, wall, floor, wall)


def case(rng: Rng, free: Room, walls: Walls, material: str, density: float) -> list[Solid]:
    """A box around a room, on a pallet where its floor is thick, with battens where it is of wood, and the air in it."""
    outer = grown(free, walls)
    parts: list[Solid] = []
    bottom = outer.z0
    if walls[4] > 0.05:
        bottom = free.z0 - walls[0]
        parts += _pallet(replace(outer, z1=bottom))
    parts.append(box((outer.x0, outer.y0, bottom), (outer.x1, outer.y1, outer.z1), material, density))
    parts.append(void_box(free))
    if material == "wood" and outer.size[0] > 0.5:
        wide = float(rng.uniform(0.06, 0.1))
        for x in np.linspace(outer.x0, outer.x1 - wide, 3):
            for y0, y1 in ((outer.y0, free.y0), (free.y1, outer.y1)):
                parts.append(box((float(x), y0, bottom), (float(x) + wide, y1, outer.z1), "wood", 2 * density))
    return parts


def tank_walls(rng: Rng, free: Room, room: Room) -> list[Solid]:
    """A plastic tank in a cage on its pallet around a room, as an IBC without its liquid."""
    wall = 0.003
    outer = grown(free, (wall, wall, wall, wall, wall, wall))
    parts = [box((outer.x0, outer.y0, outer.z0), (outer.x1, outer.y1, outer.z1), "polyethylene", 0.95), void_box(free)]
    tube, (long, deep, high) = 0.012, outer.size
    for x in np.linspace(outer.x0 + 0.02, outer.x1 - 0.02, max(3, int(long / 0.2))):
        for y in (outer.y0 - tube, outer.y1):
            parts.append(box((float(x) - tube / 2, y, outer.z0), (float(x) + tube / 2, y + tube, outer.z1), "steel", 2.0))
    for z in np.linspace(outer.z0 + 0.02, outer.z1 - 0.02, max(3, int(high / 0.25))):
        for y in (outer.y0 - 2 * tube, outer.y1 + tube):
            parts.append(box((outer.x0, y, float(z)), (outer.x1, y + tube, float(z) + tube), "steel", 2.0))
    below = Room(outer.x0, outer.x1, outer.y0, outer.y0 + deep, room.z0, outer.z0)
    return [*_pallet(below), *parts]


def planks(rng: Rng, room: Room, material: str = "wood") -> list[Solid]:
    """Boards side by side that fill a flat room."""
    xs, dx = _starts(room.x0, room.x1, float(rng.uniform(0.15, 1.2)))
    return [
        box(
            (float(x), room.y0, room.z0),
            (float(x) + dx - 0.004, room.y1, room.z1),
            material,
            0.6 if material == "wood" else 7.85,
        )
        for x in xs
    ]


def sheet(rng: Rng, room: Room, x: float, inward: float) -> list[Solid]:
    """A false wall over a room's whole section, its inner face at x, with battens or ribs toward ``inward`` (−1 or 1)."""
    material, density, thick = [
        ("wood", 0.65, 0.012), ("wood", 0.65, 0.018), ("steel", 7.85, 0.0015), ("steel", 7.85, 0.002), ("aluminum", 2.7, 0.003)
    ][int(rng.integers(5))]  # fmt: skip
    far = x + inward * thick
    parts = [box((min(x, far), room.y0, room.z0), (max(x, far), room.y1, room.z1), material, density)]
    rib, deep = (0.05, 0.04) if material == "wood" else (0.03, 0.025)
    end = far + inward * deep
    for y in np.linspace(room.y0, room.y1 - rib, 5):
        low, high = (min(far, end), float(y), room.z0), (max(far, end), float(y) + rib, room.z1)
        parts.append(box(low, high, "wood" if material == "wood" else material, 0.5 if material == "wood" else 1.2))
    return parts


def blanket(rng: Rng, free: Room, limit: Room) -> list[Solid]:
    """Blankets or clothes laid closely over a room, and the air under them; what is larger reaches through."""
    thick, close = float(rng.uniform(0.004, 0.02)), float(rng.uniform(0.0, 0.1))
    under = grown(free, [-close * side for side in (free.size[0], free.size[0], free.size[1], free.size[1])] + [0.0, 0.0])
    wide = grown(under, (thick, thick, thick, thick, 0.0, thick), limit)
    return [_pillow(wide, "textile", float(rng.uniform(0.08, 0.2))), _pillow(under, "textile", 0.0)]


def _pillow(room: Room, material: str, density: float) -> Solid:
    center = ((room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2, (room.z0 + room.z1) / 2)
    return sack(center, tuple(side / 2 for side in room.size), material, density)  # type: ignore[arg-type]


def tarpaulin(rng: Rng, free: Room, limit: Room) -> list[Solid]:
    """A sheet of PVC or cardboard over a room, and the air under it."""
    thick, material, density = [(0.0008, "PVC", 1.35), (0.005, "cellulose", 0.18), (0.0003, "polyethylene", 0.93)][
        int(rng.integers(3))
    ]
    wide = grown(free, (thick, thick, thick, thick, 0.0, thick), limit)
    return [box((wide.x0, wide.y0, wide.z0), (wide.x1, wide.y1, wide.z1), material, density), void_box(free)]


def lying_tube(free: Room, wall: float, material: str, density: float, along: int) -> list[Solid]:
    """An oval tube about a room along x (0) or y (1), as a carpet rolled around something: the room's edges reach into it."""
    length, across, high = free.size[along], free.size[1 - along], free.size[2]
    half = (SNUG * across, SNUG * high)
    # Its own third axis lies along x or y; its first then points down, or stays x.
    turn = rotation(pitch=np.pi / 2) if along == 0 else rotation(roll=np.pi / 2)
    inner = (half[1], half[0]) if along == 0 else half
    center = ((free.x0 + free.x1) / 2, (free.y0 + free.y1) / 2, (free.z0 + free.z1) / 2)
    parts = []
    for more, dense in ((wall, density), (0.0, 0.0)):
        own = (float(inner[0] + more), float(inner[1] + more), length / 2)
        parts.append(Solid("cylinder", center, own, material, dense, turn))
    return parts


def bed(rng: Rng, free: Room) -> list[Solid]:
    """Mattresses around a room: one below, one above, one beside; its walls are those of `places`."""
    thick, bulk = float(rng.uniform(0.1, 0.18)), float(rng.uniform(0.03, 0.08))
    parts = []
    for z0, z1 in ((free.z0 - thick, free.z0), (free.z1, free.z1 + thick)):
        parts.append(box((free.x0, free.y0, z0), (free.x1, free.y1 + thick, z1), "textile", bulk))
    parts.append(box((free.x0, free.y1, free.z0), (free.x1, free.y1 + thick, free.z1), "textile", bulk))
    return parts


def table(rng: Rng, free: Room, limit: Room, goods: Goods) -> list[Solid]:
    """A table, bench or bed frame over a room, with goods on it."""
    thick = float(rng.uniform(0.02, 0.04))
    top = grown(free, (0.06, 0.06, 0.03, 0.03, 0.0, thick), limit)
    parts = [box((top.x0, top.y0, free.z1), (top.x1, top.y1, top.z1), "wood", 0.65)]
    for x0, x1 in ((top.x0, free.x0), (free.x1, top.x1)):
        for y in (top.y0, top.y1 - 0.05):
            if x1 - x0 > 0.01:
                parts.append(box((x0, y, free.z0), (x1, y + 0.05, free.z1), "wood", 0.65))
    over = min(limit.z1 - 0.03, top.z1 + float(rng.uniform(0.1, 1.0)))
    if over > top.z1 + 0.12 and rng.random() < 0.85:
        end = top.x0 + (top.x1 - top.x0) * float(rng.uniform(0.5, 1.0))
        parts += carton_row(rng, Room(top.x0, end, top.y0, top.y1, top.z1, over), goods, 0.15)
    return parts


def sack_cave(rng: Rng, free: Room, walls: Walls, goods: Goods) -> list[Solid]:
    """Sacks or bales heaped around and over a room; boards carry those over it."""
    outer = grown(free, walls)
    board = free.z1 + 0.018
    sides = [
        Room(outer.x0, free.x0, outer.y0, outer.y1, outer.z0, free.z1),
        Room(free.x1, outer.x1, outer.y0, outer.y1, outer.z0, free.z1),
        Room(free.x0, free.x1, outer.y0, free.y0, outer.z0, free.z1),
        Room(free.x0, free.x1, free.y1, outer.y1, outer.z0, free.z1),
        Room(outer.x0, outer.x1, outer.y0, outer.y1, board, outer.z1),
    ]
    parts = [box((outer.x0, outer.y0, free.z1), (outer.x1, outer.y1, board), "wood", 0.5)] if outer.z1 > board else []
    for side in sides:
        if min(side.size) < 0.06:
            continue
        axes = [_starts(low, high, step) for low, high, step in (
            (side.x0, side.x1, 0.65), (side.y0, side.y1, 0.45), (side.z0, side.z1, 0.19))]  # fmt: skip
        half = tuple(step / 2 for _, step in axes)
        for x in axes[0][0]:
            for y in axes[1][0]:
                for z in axes[2][0]:
                    middle = (float(x) + half[0], float(y) + half[1], float(z) + half[2])
                    bulk = goods.density * float(np.exp(rng.normal(0, 0.04)))
                    parts.append(sack(middle, half, goods.material, bulk))  # type: ignore[arg-type]
    return parts


def tire_stack(free: Room, ring: float, tube: float) -> list[Solid]:
    """Tires on each other around a room."""
    x, y = (free.x0 + free.x1) / 2, (free.y0 + free.y1) / 2
    count = max(1, int(free.size[2] / (2 * tube) + 0.5))
    parts: list[Solid] = []
    for k in range(count):
        at = (x, y, free.z0 + (2 * k + 1) * tube)
        parts.append(torus(at, ring, tube, "rubber", 1.1))
        parts.append(torus(at, ring, 0.8 * tube, "rubber", 0.0))
    return parts


def filling(rng: Rng, free: Room, gap: Room) -> list[Solid]:
    """What is left in a gap beside its free room: bottles, food, a bucket, bags, blankets, small boxes, all on its floor."""
    strips = [
        Room(gap.x0, free.x0, gap.y0, gap.y1, free.z0, gap.z1), Room(free.x1, gap.x1, gap.y0, gap.y1, free.z0, gap.z1),
        Room(free.x0, free.x1, gap.y0, free.y0, free.z0, gap.z1), Room(free.x0, free.x1, free.y1, gap.y1, free.z0, gap.z1),
    ]  # fmt: skip
    parts: list[Solid] = []
    for strip in strips:
        for _ in range(int(rng.integers(0, 4))):
            parts += _thing(rng, strip)
    return parts


def _thing(rng: Rng, strip: Room) -> list[Solid]:
    """One thing on the floor of a strip; nothing where it does not fit."""
    kind = int(rng.integers(5))
    wide, deep, high = [
        (0.09, 0.09, 0.31), (0.28, 0.28, 0.3), (0.3, 0.25, 0.16), (0.34, 0.3, 0.24), (0.24, 0.2, 0.1)
    ][kind]  # fmt: skip
    if strip.size[0] < wide + 0.005 or strip.size[1] < deep + 0.005 or strip.size[2] < high + 0.005:
        return []
    x = float(rng.uniform(strip.x0 + wide / 2, strip.x1 - wide / 2))
    y = float(rng.uniform(strip.y0 + deep / 2, strip.y1 - deep / 2))
    at = (x, y, strip.z0)
    if kind == 0:
        full = float(rng.uniform(0.02, 0.28))
        parts = [cylinder((0, 0, 0.15), 0.045, 0.3, "PET", 1.3), cylinder((0, 0, 0.15), 0.0445, 0.299, "water", 0.0)]
        parts.append(cylinder((0, 0, full / 2), 0.0445, full, "water", 1.0))
    elif kind == 1:
        full = float(rng.uniform(0.02, 0.2))
        parts = [cylinder((0, 0, 0.15), 0.14, 0.3, "polyethylene", 0.95), cylinder((0, 0, 0.152), 0.1375, 0.296, "water", 0.0)]
        parts.append(cylinder((0, 0, 0.004 + full / 2), 0.1375, full, "water", 1.0))
    elif kind == 2:
        parts = [turned(capsule((-0.06, 0, 0.08), (0.06, 0, 0.08), 0.08, "textile", 0.15), rotation(float(rng.normal(0, 0.2))))]
    elif kind == 3:
        parts = [ellipsoid((0, 0, 0.12), (0.16, 0.14, 0.12), "cellulose", float(rng.uniform(0.04, 0.2)))]
    else:
        parts = [box((-0.12, -0.1, 0.0), (0.12, 0.1, 0.1), "food", float(rng.uniform(0.2, 0.7)))]
    return [moved(part, at) for part in parts]
