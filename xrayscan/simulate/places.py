"""Places: where people hide, and how each is hollowed out, enclosed and covered.

A place is drawn before it is known what goes there: a person, a look-alike or nothing. So nothing about it gives that away.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate import cover as covers
from xrayscan.simulate.site import Site, Spot, Surroundings, carved_spot, end_spot, free_spot, grown, site_at, void_box
from xrayscan.simulate.solid import Room, Solid, box, cylinder, sack, torus

__all__ = ["PLACES", "PlaceKind", "Site", "Surroundings", "draw_site", "largest"]

Rng = np.random.Generator
Size = tuple[float, float, float]
Walls = tuple[float, float, float, float, float, float]
Finder = Callable[[Rng, Surroundings, Size], Site | None]
IN_LOAD = 0.55  # how often a case or cover is put within the load, even where there is room beside it
EMPTY = 0.06  # share of the rooms that a load fills at most in what is declared empty


@dataclass(frozen=True)
class PlaceKind:
    """A kind of hiding place.

    Attributes
    ----------
    name, family : str
    weight : float
        How often it is tried first, relative to others.
    needs : tuple of str
        "load", "no load", "room" (any that is no tank), or "niche:" and the name of one.
    find : callable
        (rng, surroundings, size [m]) → Site or None where there is none.
    """

    name: str
    family: str
    weight: float
    needs: tuple[str, ...]
    find: Finder


def _eased(rng: Rng, size: Size, low: float = 0.005, high: float = 0.04) -> Size:
    """A size with a little play on all sides [m]."""
    more = rng.uniform(low, high, 3)
    return size[0] + float(more[0]), size[1] + float(more[1]), size[2] + float(more[2])


def _more(size: Size, walls: Walls) -> Size:
    return size[0] + walls[0] + walls[1], size[1] + walls[2] + walls[3], size[2] + walls[4] + walls[5]


def _less(room: Room, walls: Walls) -> Room:
    return grown(room, [-wall for wall in walls])


def _anywhere(rng: Rng, around: Surroundings, need: Size, on_load: float = 0.2) -> Spot | None:
    """A spot in the load, on the floor or on the load, in this or another order."""
    ways = ["floor", "carved", "top"]
    rng.shuffle(ways)
    if rng.random() > on_load:
        ways.sort(key="top".__eq__)
    if rng.random() < IN_LOAD:
        ways.sort(key="carved".__ne__)
    for way in ways:
        spot = (
            carved_spot(rng, around, need, (0.0, 0.06))
            if way == "carved"
            else free_spot(rng, around, need, on_load=way == "top")
        )
        if spot is not None:
            return spot
    return None


def _roofed(rng: Rng, around: Surroundings, spot: Spot) -> tuple[tuple[Solid, ...], list[Solid]]:
    """A gap's hole and its roof: boards where there is load above, or everything above taken out as well."""
    gap = spot.gap
    if spot.lids:
        return spot.hole, [box((lid.x0, lid.y0, lid.z0), (lid.x1, lid.y1, lid.z1), "wood", 0.6) for lid in spot.lids]
    above = replace(gap, z0=gap.z1, z1=min(gap.z1 + 0.3, spot.room.z1))
    if above.size[2] < 0.03 or around.filled(above) < 0.2:
        return spot.hole, []
    thick = float(rng.uniform(0.009, 0.022))
    lid = grown(
        replace(gap, z0=gap.z1, z1=gap.z1 + thick), [float(v) for v in (*rng.uniform(0.02, 0.2, 4), 0.0, 0.0)], spot.room
    )
    if rng.random() < 0.75:
        material = "wood" if rng.random() < 0.85 else "cellulose"
        if around.untaken(lid):
            return spot.hole, [
                box((lid.x0, lid.y0, lid.z0), (lid.x1, lid.y1, lid.z1), material, 0.6 if material == "wood" else 0.2)
            ]
    return spot.hole, []


def _among(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    slack, share = float(rng.choice([0.05, 0.1, 0.2, 0.35])), float(rng.choice([0.0, 0.3, 0.5]))
    spot = carved_spot(rng, around, _eased(rng, size), (0.0, slack), share, boards=0.6)
    if spot is None:
        return None
    hole, cover = _roofed(rng, around, spot)
    if rng.random() < 0.4:
        cover = cover + covers.filling(rng, spot.free, spot.gap)
    return site_at("among the load", spot.free, hole, cover)


def _tight(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """A gap hardly larger than what is in it: round, or in steps."""
    spot = carved_spot(rng, around, size, (0.0, 0.02), share=0.45, boards=0.5)
    if spot is None:
        return None
    gap, whole = spot.gap, spot.hole[:-1]
    if rng.random() < 0.5:
        center = ((gap.x0 + gap.x1) / 2, (gap.y0 + gap.y1) / 2, (gap.z0 + gap.z1) / 2)
        parts = [sack(center, (gap.size[0] / 2, gap.size[1] / 2, gap.size[2] / 2), "water", 0.0)]
    else:
        step = gap.z0 + gap.size[2] * float(rng.uniform(0.4, 0.65))
        first = gap.x0 + gap.size[0] * float(rng.uniform(0.0, 0.35))
        last = gap.x1 - gap.size[0] * float(rng.uniform(0.0, 0.35))
        parts = [void_box(replace(gap, z1=step)), void_box(replace(gap, x0=first, x1=last, z0=step))]
    return site_at("tight among the load", spot.free, [*whole, *parts], _roofed(rng, around, spot)[1] if spot.lids else ())


def _on_top(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    spot = free_spot(rng, around, _eased(rng, size, 0.005, 0.02), on_load=True)
    if spot is None:
        return None
    draw, cover = rng.random(), list[Solid]()
    if draw < 0.2:
        cover = covers.blanket(rng, spot.free, spot.room)
    elif draw < 0.3:
        cover = covers.tarpaulin(rng, spot.free, spot.room)
    return site_at("on top of the load", spot.free, (), cover)


def _false_wall(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    at_front = bool(rng.random() < 0.6)
    spot = end_spot(rng, around, _eased(rng, size), at_front, (0.07, 0.55))
    if spot is None:
        return None
    gap, deep = spot.gap, 0.06
    face, inward = (gap.x1 - deep, 1.0) if at_front else (gap.x0 + deep, -1.0)
    free = spot.free
    shift = min(0.0, face - free.x1) if at_front else max(0.0, face - free.x0)
    free = replace(free, x0=free.x0 + shift, x1=free.x1 + shift)
    if free.x0 < gap.x0 or free.x1 > gap.x1:
        return None
    cover = covers.sheet(rng, gap, face, inward)
    if rng.random() < 0.3:
        behind = replace(gap, x1=face) if at_front else replace(gap, x0=face)
        cover = covers.filling(rng, free, behind) + cover
    return site_at("behind a false wall", free, spot.hole, cover)


def _end_gap(rng: Rng, around: Surroundings, size: Size, name: str, at_front: bool) -> Site | None:
    spot = end_spot(rng, around, _eased(rng, size), at_front, (0.0, 0.35), 0.6)
    if spot is None:
        return None
    hole, cover = spot.hole, list[Solid]()
    if rng.random() < 0.35:
        cover += covers.filling(rng, spot.free, spot.gap)
    if rng.random() < 0.2:
        cover = covers.blanket(rng, spot.free, spot.gap) + cover
    return site_at(name, spot.free, hole, cover)


def _front_gap(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    return _end_gap(rng, around, size, "in the gap at the front", True)


def _door_gap(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    return _end_gap(rng, around, size, "in the gap at the doors", False)


def _row(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """A gap over the full section behind one or two rows of boxes at the doors, as in reefers."""
    goods = covers.goods_like(rng, around)
    row = float(np.clip(goods.size[0], 0.25, 0.6)) * int(rng.choice([1, 2], p=[0.7, 0.3]))
    length = size[0] + float(rng.uniform(0.03, 0.35))
    spot = end_spot(rng, around, (length + row, size[1] + 0.01, size[2] + 0.01), False, (0.02, 0.08))
    if spot is None:
        return None
    gap = spot.gap
    behind = replace(gap, x1=gap.x1 - row - 0.01)
    free = replace(spot.free, x0=behind.x0 + 0.01, x1=behind.x1 - 0.005)
    top = gap.z0 + gap.size[2] * float(rng.uniform(0.75, 0.97))
    front = Room(behind.x1, gap.x1 - 0.01, gap.y0 + 0.01, gap.y1 - 0.01, gap.z0, max(top, free.z1))
    return site_at("behind a row of boxes", free, spot.hole, covers.carton_row(rng, front, goods))


def _crate(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    material, density, walls = covers.case_walls(rng)
    eased = _eased(rng, size, 0.01, float(rng.choice([0.05, 0.3])))
    spot = _anywhere(rng, around, _more(eased, walls))
    if spot is None:
        return None
    free = _less(spot.free, walls)
    cover = covers.case(rng, free, walls, material, density)
    if rng.random() < 0.25:
        inner = grown(free, (0, 0, 0, 0, 0, 0))
        spare = replace(free, x1=free.x0 + min(size[0] + 0.01, free.size[0]))
        cover = cover + covers.filling(rng, spare, inner)
        free = spare
    return site_at("in a crate", free, spot.hole, cover)


def _stack(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """Within a stack of cartons, on a pallet or not, whose inner rows are gone."""
    goods = covers.goods_like(rng, around)
    thick = rng.uniform(0.12, 0.32, 5)
    pallet = 0.144 if rng.random() < 0.6 else 0.0
    walls = (float(thick[0]), float(thick[1]), float(thick[2]), float(thick[3]), pallet, float(thick[4]) + 0.02)
    spot = _anywhere(rng, around, _more(_eased(rng, size), walls), 0.05)
    if spot is None:
        return None
    free = _less(spot.free, walls)
    cover = covers.carton_ring(rng, free, walls, goods)
    return site_at("inside a stack of cartons", free, [*spot.hole, void_box(free)], cover)


def _sacks(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    goods = covers.goods_like(rng, around)
    if goods.density < 0.1:
        goods = covers.Goods((0.6, 0.4, 0.2), "grain", 0.75)
    sides = [float(v) if rng.random() < 0.8 else 0.0 for v in rng.uniform(0.2, 0.45, 4)]
    walls = (sides[0], sides[1], sides[2], sides[3], 0.0, float(rng.choice([0.0, 0.2, 0.38])))
    spot = _anywhere(rng, around, _more(_eased(rng, size, 0.0, 0.02), walls), 0.3)
    if spot is None:
        return None
    free = _less(spot.free, walls)
    return site_at("covered by sacks", free, spot.hole, covers.sack_cave(rng, free, walls, goods))


def _open_floor(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """On the floor of what is declared empty, near a wall, an end or in a corner."""
    spot = free_spot(rng, around, _eased(rng, size, 0.0, 0.01), on_load=False)
    if spot is None:
        return None
    free, room = spot.free, spot.room
    if rng.random() < 0.6:
        play = float(rng.uniform(0.0, min(0.4, room.size[0] - free.size[0])))
        x0 = room.x0 + play if rng.random() < 0.5 else room.x1 - free.size[0] - play
        moved = replace(free, x0=x0, x1=x0 + free.size[0])
        if around.untaken(moved) and not around.meeting(moved, by=0.002).size:
            free = moved
    draw, cover = rng.random(), list[Solid]()
    if draw < 0.2:
        cover = covers.blanket(rng, free, room)
    elif draw < 0.3:
        cover = covers.tarpaulin(rng, free, room)
    elif draw < 0.5:
        near = grown(free, (0.4, 0.4, 0.4, 0.4, 0.0, 0.0), room)
        cover = covers.filling(rng, free, near) if not around.meeting(near, by=0.0).size and around.untaken(near) else []
    return site_at("on the open floor", free, (), cover)


def _between(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """On the floor in a free gap with load close by on both sides."""
    for _ in range(6):
        spot = free_spot(rng, around, _eased(rng, size, 0.0, 0.02), on_load=False, tries=12)
        if spot is None:
            continue
        f = spot.free
        sides = [
            around.meeting(Room(f.x0 - 0.5, f.x0, f.y0, f.y1, f.z0, f.z1), by=0.0).size,
            around.meeting(Room(f.x1, f.x1 + 0.5, f.y0, f.y1, f.z0, f.z1), by=0.0).size,
            around.meeting(Room(f.x0, f.x1, f.y0 - 0.5, f.y0, f.z0, f.z1), by=0.0).size,
            around.meeting(Room(f.x0, f.x1, f.y1, f.y1 + 0.5, f.z0, f.z1), by=0.0).size,
        ]
        if sum(side > 0 for side in sides) >= 2:
            cover = covers.tarpaulin(rng, f, spot.room) if rng.random() < 0.15 else []
            return site_at("between machines", f, (), cover)
    return None


def _under(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """Under something that stands there already, or under a table or bench that is put there."""
    eased = _eased(rng, size, 0.0, 0.02)
    if around.stuff:
        for _ in range(8):
            spot = free_spot(rng, around, eased, on_load=False, tries=6)
            if spot is not None and around.filled(replace(spot.free, z0=spot.free.z1, z1=spot.free.z1 + 0.5)) > 0.3:
                return site_at("under a vehicle or furniture", spot.free)
    if size[2] > 1.15:
        return None
    walls = (0.06, 0.06, 0.03, 0.03, 0.0, 0.04)
    spot = _anywhere(rng, around, _more(eased, walls), 0.1)
    if spot is None:
        return None
    free = _less(spot.free, walls)
    limit = spot.gap if spot.hole else spot.free
    return site_at(
        "under a vehicle or furniture", free, spot.hole, covers.table(rng, free, limit, covers.goods_like(rng, around))
    )


def _under_floor(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """Under a false floor of boards or steel over the full width; the load stands on it."""
    if size[2] > 0.5:
        return None
    high = size[2] + float(rng.uniform(0.005, 0.04))
    for _ in range(12):
        room = around.rooms[int(rng.integers(len(around.rooms)))]
        long = size[0] + float(rng.uniform(0.1, 1.5))
        if long > room.size[0] or size[1] + 0.02 > room.size[1] or room.size[2] < high + 0.3:
            continue
        x0 = float(rng.uniform(room.x0, room.x1 - long))
        gap = replace(room, x0=x0, x1=x0 + long, z1=room.z0 + high)
        if not around.untaken(replace(gap, z1=gap.z1 + 0.03)) or any(
            around.stuff[i].density > 1.2 for i in around.meeting(gap)
        ):
            continue
        a = float(rng.uniform(gap.x0 + 0.02, gap.x1 - size[0] - 0.02))
        b = float(rng.uniform(gap.y0, gap.y1 - size[1]))
        free = Room(a, a + size[0], b, b + size[1], gap.z0, gap.z1 - 0.001)
        material, thick = ("wood", 0.02) if rng.random() < 0.7 else ("steel", 0.003)
        cover = covers.planks(rng, replace(gap, z0=gap.z1, z1=gap.z1 + thick), material)
        for x in (gap.x0, gap.x1 - 0.02):
            cover.append(box((x, gap.y0, gap.z0), (x + 0.02, gap.y1, gap.z1), "wood", 0.6))
        return site_at("under a false floor", free, (void_box(gap),), cover)
    return None


def _drum(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """In a drum, a vat or a tank in a cage."""
    if rng.random() < 0.4:
        walls: Walls = (0.03, 0.03, 0.03, 0.03, 0.15, 0.005)
        long, deep, high = (float(rng.uniform(least, least + 0.15)) for least in (0.92, 0.92, 0.9))
        inner = (max(size[0] + 0.01, long), max(size[1] + 0.01, deep), max(size[2] + 0.01, high))
        spot = _anywhere(rng, around, _more(inner, walls), 0.0) if max(size) < 1.3 else None
        if spot is None:
            return None
        free = _less(spot.free, walls)
        return site_at("in a drum or tank", free, spot.hole, covers.tank_walls(rng, free, spot.free))
    radius = float(np.hypot(size[0], size[1])) / 2 * float(rng.uniform(0.93, 1.05))
    if radius > 0.72 or size[2] > 1.7:
        return None
    radius, wall = max(radius, 0.27), 0.0015
    height = max(size[2] + 0.012, 2.2 * radius if size[2] < 1.2 else 0.0)
    spot = _anywhere(rng, around, (2 * (radius + 0.012), 2 * (radius + 0.012), height), 0.0)
    if spot is None:
        return None
    f = spot.free
    x, y, middle = (f.x0 + f.x1) / 2, (f.y0 + f.y1) / 2, f.z0 + height / 2
    material, density, wall = [("steel", 7.85, wall), ("polyethylene", 0.95, 0.005), ("wood", 0.7, 0.012)][int(rng.integers(3))]
    cover = [
        cylinder((x, y, middle), radius + wall, height, material, density),
        cylinder((x, y, middle), radius, height - 0.006, material, 0.0),
    ]
    if material == "steel":
        cover.append(torus((x, y, f.z0 + 0.66 * height), radius + 0.004, 0.004, "steel", 7.85))
    free = Room(x - size[0] / 2, x + size[0] / 2, y - size[1] / 2, y + size[1] / 2, f.z0 + 0.003, f.z0 + height - 0.003)
    return site_at("in a drum or tank", free, spot.hole, cover)


def _carpet(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """Wrapped in a rolled carpet that lies, for what is long and low."""
    along = 0 if size[0] >= size[1] else 1
    across = size[1 - along]
    if size[along] < 1.15 or max(across, size[2]) > 0.85:
        return None
    wall = float(rng.uniform(0.015, 0.07))
    more = float(rng.uniform(0.0, 0.5))
    play = wall + (covers.SNUG - 0.5) * across
    rise = wall + (covers.SNUG - 0.5) * size[2]
    walls = (0.0, more, play, play, rise, rise) if along == 0 else (play, play, 0.0, more, rise, rise)
    spot = _anywhere(rng, around, _more(size, walls), 0.5)
    if spot is None:
        return None
    ends: Walls = (0.0, 0.0, *walls[2:]) if along == 0 else (*walls[:2], 0.0, 0.0, *walls[4:])
    tube = _less(spot.free, ends)
    material, density = ("textile", float(rng.uniform(0.25, 0.5))) if rng.random() < 0.8 else ("PVC", 0.9)
    cover = covers.lying_tube(tube, wall, material, density, along)
    return site_at("in a rolled carpet", _less(spot.free, walls), spot.hole, cover)


def _mattress(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    """Between mattresses, for what is low."""
    if size[2] > 0.75:
        return None
    eased = _eased(rng, size, 0.0, 0.02)
    thick = 0.18
    walls = (0.0, 0.0, 0.0, thick, thick, thick)
    spot = _anywhere(rng, around, _more(eased, walls), 0.4)
    if spot is None:
        return None
    free = _less(spot.free, walls)
    bedding = covers.bed(rng, free)
    # The mattresses are as thick as drawn; what they lie on is where the spot's floor is.
    drop = bedding[0].center[2] - bedding[0].half[2] - spot.free.z0
    lowered = [replace(s, center=(s.center[0], s.center[1], s.center[2] - drop)) for s in bedding]
    free = replace(free, z0=free.z0 - drop, z1=free.z1 - drop)
    return site_at("between mattresses", free, spot.hole, lowered)


def _tires(rng: Rng, around: Surroundings, size: Size) -> Site | None:
    radius = float(np.hypot(size[0], size[1])) / 2 * 0.96
    if radius > 0.55 or size[2] > 1.5:
        return None
    tube = float(rng.uniform(0.1, 0.16))
    ring = max(radius, 0.26) + tube
    width = 2 * (ring + tube)
    count = max(1, int(size[2] / (2 * tube) + 0.5))
    spot = _anywhere(rng, around, (width, width, max(size[2] + 0.01, 2 * tube * count + 0.001)), 0.0)
    if spot is None:
        return None
    f = spot.free
    x, y = (f.x0 + f.x1) / 2, (f.y0 + f.y1) / 2
    free = Room(x - size[0] / 2, x + size[0] / 2, y - size[1] / 2, y + size[1] / 2, f.z0, f.z0 + size[2])
    return site_at("in a stack of tires", free, spot.hole, covers.tire_stack(free, ring, tube))


def _across(rng: Rng, free: Room, niche: Room) -> list[Solid]:
    """Two to four boards or bars across a frame that has no floor, for what lies in it."""
    count, thick = int(rng.integers(2, 5)), float(rng.uniform(0.015, 0.03))
    wide = min(float(rng.uniform(0.06, 0.25)), 0.9 * free.size[0] / count)
    material, density = ("wood", 0.6) if rng.random() < 0.7 else ("steel", 2.5)
    starts = np.linspace(free.x0 + 0.03, free.x1 - wide - 0.03, count)
    y0, y1 = niche.y0 - 0.05, niche.y1 + 0.05
    return [box((float(x), y0, free.z0 - thick), (float(x) + wide, y1, free.z0), material, density) for x in starts]


def _niche(place: str, names: tuple[str, ...], blankets: float, boards: bool = False) -> Finder:
    """A finder for a place outside of the rooms."""

    def find(rng: Rng, around: Surroundings, size: Size) -> Site | None:
        fit = [
            n.room for n in around.niches
            if n.name in names and all(own <= side for own, side in zip(size, n.room.size, strict=True))
        ]  # fmt: skip
        for i in rng.permutation(len(fit)):
            room = fit[int(i)]
            for _ in range(8):
                x = float(rng.uniform(room.x0, room.x1 - size[0]))
                y = float(rng.uniform(room.y0, room.y1 - size[1]))
                free = Room(x, x + size[0], y, y + size[1], room.z0, min(room.z0 + size[2] + 0.01, room.z1))
                if around.untaken(free) and not around.meeting(free, by=0.01).size:
                    cover = covers.blanket(rng, free, room) if rng.random() < blankets else []
                    if boards:
                        cover += _across(rng, free, room)
                    return site_at(place, free, (), cover)
        return None

    return find


def _kinds() -> dict[str, PlaceKind]:
    inside = [
        ("among the load", "load", 7.0, "load", _among), ("tight among the load", "load", 6.0, "load", _tight),
        ("on top of the load", "load", 1.5, "load", _on_top), ("behind a false wall", "end", 1.2, "room", _false_wall),
        ("in the gap at the front", "end", 1.0, "load", _front_gap), ("in the gap at the doors", "end", 1.0, "load", _door_gap),
        ("behind a row of boxes", "end", 0.8, "room", _row), ("in a crate", "case", 1.2, "room", _crate),
        ("inside a stack of cartons", "case", 2.0, "room", _stack), ("covered by sacks", "load", 1.5, "room", _sacks),
        ("on the open floor", "floor", 3.0, "no load", _open_floor), ("between machines", "floor", 1.4, "load", _between),
        ("under a vehicle or furniture", "floor", 0.9, "room", _under),
        ("under a false floor", "floor", 0.6, "room", _under_floor),
        ("in a drum or tank", "case", 0.8, "room", _drum), ("in a rolled carpet", "case", 0.8, "room", _carpet),
        ("between mattresses", "case", 0.7, "room", _mattress), ("in a stack of tires", "case", 0.5, "room", _tires),
    ]  # fmt: skip
    outside = [
        ("in the wind deflector", 0.8, ("wind deflector",), 0.1), ("under the floor", 0.7, ("under floor", "chassis box"), 0.1),
        ("in the cab's bunk", 0.8, ("cab bunk",), 0.5), ("in the tool box", 0.4, ("tool box",), 0.1),
        ("at the spare wheel", 0.4, ("spare wheel",), 0.0), ("in the reefer machinery", 0.5, ("reefer machinery",), 0.0),
        ("at the axles", 0.4, ("axle",), 0.0), ("in the roof space", 0.4, ("roof space",), 0.1),
        ("in front of the load", 0.5, ("front gap",), 0.1),
    ]  # fmt: skip
    kinds = {name: PlaceKind(name, family, weight, (needs,), find) for name, family, weight, needs, find in inside}
    for name, weight, niches, blankets in outside:
        needs = tuple(f"niche:{niche}" for niche in niches)
        kinds[name] = PlaceKind(name, "niche", weight, needs, _niche(name, niches, blankets, "under floor" in niches))
    return kinds


PLACES: Mapping[str, PlaceKind] = MappingProxyType(_kinds())


def largest(around: Surroundings, name: str) -> Size | None:
    """The largest that a place can take: what to draw a body or a thing for, since most niches are narrow.

    Parameters
    ----------
    around : Surroundings
    name : str
        One of `PLACES`.

    Returns
    -------
    (float, float, float) or None [m]
        The longest of the niches or rooms in question; None if there is none.

    Raises
    ------
    RecipeError
        For a place that does not exist.
    """
    _check(name)
    niches = {need.removeprefix("niche:") for need in PLACES[name].needs if need.startswith("niche:")}
    rooms = [niche.room for niche in around.niches if niche.name in niches] if niches else list(around.rooms)
    return max((room.size for room in rooms), default=None)


def _check(name: str) -> None:
    if name not in PLACES:
        near = difflib.get_close_matches(name, PLACES, 1, 0.0)[0]
        raise RecipeError(f"there is no hiding place {name!r}; did you mean {near!r}? Known are {', '.join(PLACES)}")


def _met(need: str, around: Surroundings, filled: float) -> bool:
    if need.startswith("niche:"):
        return any(f"niche:{niche.name}" == need for niche in around.niches)
    if around.room_kind == "tank" or not around.rooms:
        return False
    return {"load": filled > 0.01, "no load": filled <= EMPTY}.get(need, True)


def draw_site(rng: Rng, around: Surroundings, size: Size, names: Sequence[str] | None = None) -> Site | None:
    """Draw a site: places are tried in a drawn order until one has room.

    Parameters
    ----------
    rng : Generator
    around : Surroundings
    size : (float, float, float) [m]
        Extent of what goes there: length, depth, height.
    names : sequence of str, optional
        Places to choose from; all by default.

    Returns
    -------
    Site or None
        None if none of the places has room.

    Raises
    ------
    RecipeError
        For a place that does not exist, or a size that is not above 0.

    Examples
    --------
    >>> empty = Surroundings((Room(0.0, 5.9, -1.17, 1.17, 0.0, 2.39),))
    >>> draw_site(np.random.default_rng(1), empty, (0.6, 0.5, 1.0), ["on the open floor"]).place
    'on the open floor'
    """
    chosen = list(PLACES) if names is None else list(names)
    for name in chosen:
        _check(name)
    if min(size) <= 0:
        raise RecipeError(f"a site for a size of {size} m was asked for; expected all above 0")
    volume = sum(float(np.prod(room.size)) for room in around.rooms)
    low, high = around.corners
    filled = float((high - low).prod(axis=1).sum()) / volume if volume else 0.0
    kinds = [PLACES[name] for name in chosen if any(_met(need, around, filled) for need in PLACES[name].needs)]
    weights = np.array([kind.weight for kind in kinds])
    # The first of independent exponential times comes in proportion to the rates.
    for i in np.argsort(rng.exponential(1.0, len(kinds)) / weights):
        site = kinds[int(i)].find(rng, around, size)
        # Lids and what lies beside may reach farther than the gap.
        if site is not None and around.untaken(site.space):
            return site
    return None
