"""Sites: spots in, on or beside a load where something can be put, and what has to be taken out of the load for it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from xrayscan.simulate.extent import reach_of, room_of
from xrayscan.simulate.solid import IDENTITY, Point, Room, Solid, box

__all__ = ["Site", "Spot", "Surroundings", "carved_spot", "end_spot", "free_spot", "grown", "site_at", "void_box"]

Rng = np.random.Generator
SKIN = 0.02  # what overlaps by less than this along one axis only touches [m]
CARRIED = 0.5  # least share of a footprint that has to rest on something
HALF_CARRIED = 0.3  # the same for each half of it
AROUND = 0.3  # how far the load has to go on around what it encloses [m]
SHOWN = 0.3  # by how much there has to be more of it: a share of what is gone
WITHIN = 0.65  # least share of a spot within the load that the load fills
SINKING = 0.07  # how far a round or slanted top may lie below what rests on it [m]
LARGEST = (1.35, 0.75)  # longest side [m] and volume [m³] of a piece that is taken out whole
BIG_BAG = 1.7  # largest bag that is taken out whole [m³]: none is cut, what is in it would run out
CUTTABLE = 1.2  # densest goods that a hole may cut through [g/cm³]
HEAVIEST = 150.0  # of a single piece that people move [kg]
UNLOADED = 6000.0  # of all pieces that are taken out for one place [kg], boxes within boxes counted twice
MOST = 80  # pieces taken out whole that reach out of a gap


class Niche(Protocol):
    """A named space outside of the load rooms."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def room(self) -> Room:
        """Where it is [m]."""


# The same load is looked at again and again while places are sought; what follows from it is computed once.
@lru_cache(maxsize=4)
def _without_air(load: tuple[Solid, ...]) -> tuple[Solid, ...]:
    return tuple(solid for solid in load if solid.density > 0)


@lru_cache(maxsize=4)
def _corners_of(stuff: tuple[Solid, ...]) -> tuple[np.ndarray, np.ndarray]:
    center = np.array([s.center for s in stuff]).reshape(-1, 3)
    reach = np.array([s.half if s.turn is IDENTITY else reach_of(s) for s in stuff]).reshape(-1, 3)
    return center - reach, center + reach


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a place looks at.

    Attributes
    ----------
    rooms : tuple of Room [m]
        Spaces for the load.
    load : tuple of Solid
    niches : tuple
        Spaces outside of the rooms, each with a ``name`` and a ``room``.
    taken : tuple of Room [m]
        Spaces of what is hidden already.
    room_kind : str
        "box", "open" or "tank".
    """

    rooms: tuple[Room, ...]
    load: tuple[Solid, ...] = ()
    niches: tuple[Niche, ...] = ()
    taken: tuple[Room, ...] = ()
    room_kind: str = "box"

    @property
    def stuff(self) -> tuple[Solid, ...]:
        """The load without the air in it."""
        return _without_air(self.load)

    @property
    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corners of the boxes around the load's solids [m], each shape (solids, 3)."""
        return _corners_of(self.stuff)

    def meeting(self, room: Room, by: float = SKIN) -> np.ndarray:
        """Index of the load's solids that reach into a room by more than that along every axis [m]."""
        low, high = self.corners
        bottom, top = _corners(room)
        return np.flatnonzero(((low < top - by) & (high > bottom + by)).all(axis=1))

    def top(self, room: Room) -> float:
        """Upper end of the load above a room's footprint [m]; −inf without any."""
        over = self.meeting(replace(room, z0=-99.0, z1=99.0))
        return float(self.corners[1][over, 2].max(initial=-np.inf))

    def carries(self, room: Room, gone: AbstractSet[int] = frozenset()) -> bool:
        """Whether a room's footprint rests well enough on the load below it, apart from pieces that are gone.

        Probed at 8 × 6 points: enough of them have to rest on something, over all and in each half along either axis.
        """
        x = room.x0 + (np.arange(8) + 0.5) / 8 * (room.x1 - room.x0)
        y = room.y0 + (np.arange(6) + 0.5) / 6 * (room.y1 - room.y0)
        points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
        low, high = self.corners
        resting = np.zeros(len(points), bool)
        for i in self.meeting(replace(room, z0=room.z0 - 0.06, z1=room.z0 + 0.06), by=0.0):
            if int(i) in gone or high[i, 2] < room.z0 - 0.02:
                continue
            over = np.flatnonzero(((points > low[i, :2]) & (points < high[i, :2])).all(axis=1))
            if high[i, 2] < room.z0 + 0.003:
                over = over[_height(self.stuff[i], points[over]) > room.z0 - SINKING]
            resting[over] = True
        grid = resting.reshape(8, 6)
        halves = (grid[:4], grid[4:], grid[:, :3], grid[:, 3:])
        return bool(grid.mean() >= CARRIED and min(half.mean() for half in halves) >= HALF_CARRIED)

    def filled(self, room: Room) -> float:
        """Share of a room that the boxes around the load's solids fill, probed at 5 × 5 × 5 points."""
        bottom, top = _corners(room)
        points = ((np.arange(5) + 0.5) / 5)[:, None] * (top - bottom) + bottom
        near = self.meeting(room, by=0.0)
        low, high = self.corners[0][near][:, None], self.corners[1][near][:, None]
        x, y, z = np.moveaxis((points > low) & (points < high), -1, 0)
        return float((x[:, :, None, None] & y[:, None, :, None] & z[:, None, None, :]).any(axis=0).mean())

    def encloses(self, room: Room) -> bool:
        """Whether a room that is emptied shows from the side as a hole: with more load above it and at both ends of it.

        Probed at points over the whole width of the load, by the boxes around its solids; where several are, the last counts.
        """
        x = np.linspace(room.x0 - AROUND, room.x1 + AROUND, 16)
        z = np.linspace(room.z0 + 0.02, room.z1 + AROUND, 12)
        y = np.linspace(min(r.y0 for r in self.rooms), max(r.y1 for r in self.rooms), 24)
        density = np.zeros((x.size, y.size, z.size))
        near = self.meeting(Room(x[0], x[-1], y[0], y[-1], z[0], z[-1]), by=0.0)
        low, high = (corner[near].T for corner in self.corners)
        first = [np.searchsorted(axis, edge, side="right") for axis, edge in zip((x, y, z), low, strict=True)]
        last = [np.searchsorted(axis, edge, side="left") for axis, edge in zip((x, y, z), high, strict=True)]
        stuff = self.stuff
        for k, i in enumerate(near):
            filled = tuple(slice(int(a[k]), int(b[k])) for a, b in zip(first, last, strict=True))
            density[filled] = stuff[i].density
        inner = ((x > room.x0) & (x < room.x1))[:, None] & (z < room.z1)
        gone = density[:, (y > room.y0) & (y < room.y1)].sum(axis=1)
        total = density.sum(axis=1)
        least = (total - gone)[inner].mean() + SHOWN * gone[inner].mean()
        sides = (total[x < room.x0][:, z < room.z1], total[x > room.x1][:, z < room.z1], total[:, z > room.z1])
        return bool(gone[inner].any() and all((side > least).mean() > 0.5 for side in sides))

    def untaken(self, room: Room) -> bool:
        """Whether a room keeps clear of everything hidden already, and of what that stands on."""
        bottom, top = _corners(room)
        clear = np.array([0.0, 0.0, 0.04])
        for other in self.taken:
            low, high = _corners(other)
            if ((low < top + clear - 1e-6) & (high > bottom - clear + 1e-6)).all():
                return False
        return True


@dataclass(frozen=True, eq=False)
class Site:
    """A spot, drawn before it is known what goes there.

    Attributes
    ----------
    place : str
        One of `places.PLACES`.
    at : (float, float, float) [m]
        Middle of the footprint of what goes there, on its floor.
    size : (float, float, float) [m]
        Free space about it: length, depth, height.
    hole : tuple of Solid
        Taken out of the load; shapes only.
    cover : tuple of Solid
        What encloses or hides it.
    space : Room [m]
        What all of it takes up.
    """

    place: str
    at: Point
    size: tuple[float, float, float]
    hole: tuple[Solid, ...]
    cover: tuple[Solid, ...]
    space: Room


@dataclass(frozen=True, eq=False)
class Spot:
    """Where something can stand, before it is covered.

    Attributes
    ----------
    free : Room [m]
        As large as asked for.
    gap : Room [m]
        The whole gap around it.
    hole : tuple of Solid
    room : Room [m]
        The load room that it is in.
    lids : tuple of Room [m]
        Flat rooms for boards under pieces of the load that stood on what was taken out.
    """

    free: Room
    gap: Room
    hole: tuple[Solid, ...]
    room: Room
    lids: tuple[Room, ...] = ()


def _height(solid: Solid, points: np.ndarray) -> np.ndarray:
    """Top of a solid at points (x, y) within the box around it [m], shape (points,); −inf beside it."""
    x, y, z = solid.center
    if solid.mesh is not None:
        return _mesh_height(solid.mesh.vertices @ solid.turn.T + np.asarray(solid.center), solid.mesh.faces, points)
    top = np.full(len(points), z + float(reach_of(solid)[2]))
    upright = abs(float(solid.turn[2, 2])) > 0.9999
    if upright and solid.shape in ("cylinder", "torus", "ellipsoid"):
        away = (((points - (x, y)) @ solid.turn[:2, :2] / np.asarray(solid.half[:2])) ** 2).sum(axis=1)
        if solid.shape == "ellipsoid":
            return np.asarray(z + solid.half[2] * np.sqrt((1.0 - away).clip(min=0.0)))
        return np.where(away <= 1.0, top, -np.inf)
    if upright:
        return top
    axis = solid.turn[:, 2]
    if solid.shape in ("cylinder", "capsule") and abs(axis[2]) < 0.05:
        away = (points - (x, y)) @ np.array([-axis[1], axis[0]])
        return np.asarray(z + np.sqrt((solid.half[0] ** 2 - away**2).clip(min=0.0)))
    # The plane of the face that looks up most.
    k = int(np.abs(solid.turn[2]).argmax())
    normal = solid.turn[:, k] * np.sign(solid.turn[2, k])
    face = np.asarray(solid.center) + normal * solid.half[k]
    return np.minimum(top, face[2] - (points - face[:2]) @ normal[:2] / normal[2])


def _mesh_height(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Height of the uppermost triangle over each point [m]; −inf beside all of them."""
    a, b, c = (vertices[faces[:, k]][None] for k in range(3))
    p = points[:, None, :]

    def side(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return (v[..., 0] - u[..., 0]) * (p[..., 1] - u[..., 1]) - (v[..., 1] - u[..., 1]) * (p[..., 0] - u[..., 0])

    weights = np.stack([side(b, c), side(c, a), side(a, b)])
    total = weights.sum(axis=0)
    inside = ((weights >= 0).all(axis=0) | (weights <= 0).all(axis=0)) & (np.abs(total) > 1e-12)
    z = (weights * np.stack([a[..., 2], b[..., 2], c[..., 2]])).sum(axis=0) / np.where(inside, total, 1.0)
    return np.asarray(np.where(inside, z, -np.inf).max(axis=1, initial=-np.inf))


def _corners(room: Room) -> tuple[np.ndarray, np.ndarray]:
    return np.array([room.x0, room.y0, room.z0]), np.array([room.x1, room.y1, room.z1])


def grown(room: Room, by: Sequence[float], limit: Room | None = None) -> Room:
    """A room larger by (x0, x1, y0, y1, z0, z1) outward [m], as far as the limit."""
    wider = Room(room.x0 - by[0], room.x1 + by[1], room.y0 - by[2], room.y1 + by[3], room.z0 - by[4], room.z1 + by[5])
    if limit is None:
        return wider
    return Room(
        max(wider.x0, limit.x0), min(wider.x1, limit.x1), max(wider.y0, limit.y0), min(wider.y1, limit.y1),
        max(wider.z0, limit.z0), min(wider.z1, limit.z1),
    )  # fmt: skip


def void_box(room: Room) -> Solid:
    """A room's shape, to be taken out."""
    return box((room.x0, room.y0, room.z0), (room.x1, room.y1, room.z1), "water", 0.0)


def site_at(place: str, free: Room, hole: Sequence[Solid] = (), cover: Sequence[Solid] = ()) -> Site:
    """A site with a room as its free space."""
    at = ((free.x0 + free.x1) / 2, (free.y0 + free.y1) / 2, free.z0)
    space = room_of([*hole, *cover, void_box(free)])
    return Site(place, at, free.size, tuple(hole), tuple(cover), space)


def _drawn_room(rng: Rng, around: Surroundings, need: tuple[float, float, float]) -> Room | None:
    """One of the rooms that are large enough, the longer the more likely."""
    fit = [r for r in around.rooms if all(n <= s - 0.01 for n, s in zip(need, r.size, strict=True))]
    if not fit:
        return None
    lengths = np.array([room.size[0] for room in fit])
    return fit[int(rng.choice(len(fit), p=lengths / lengths.sum()))]


def _footprint(rng: Rng, room: Room, need: tuple[float, float, float], by_wall: float = 0.3) -> Room:
    """A footprint somewhere in a room, sometimes against a side wall; its height is the room's."""
    x0 = float(rng.uniform(room.x0, room.x1 - need[0]))
    y0 = float(rng.uniform(room.y0, room.y1 - need[1]))
    if rng.random() < by_wall:
        play = min(0.06, room.size[1] - need[1])
        y0 = room.y0 + float(rng.uniform(0, play)) if rng.random() < 0.5 else room.y1 - need[1] - float(rng.uniform(0, play))
    return Room(x0, x0 + need[0], y0, y0 + need[1], room.z0, room.z1)


def free_spot(
    rng: Rng, around: Surroundings, need: tuple[float, float, float], *, on_load: bool, tries: int = 30
) -> Spot | None:
    """A spot where nothing is in the way: on the floor, or on top of the load.

    Parameters
    ----------
    rng : Generator
    around : Surroundings
    need : (float, float, float) [m]
    on_load : bool
    tries : int

    Returns
    -------
    Spot or None
    """
    room = _drawn_room(rng, around, need)
    if room is None or (on_load and not around.stuff):
        return None
    for _ in range(tries):
        foot = _footprint(rng, room, need)
        floor = room.z0
        if on_load:
            floor = around.top(foot)
            if not room.z0 + 0.1 < floor < room.z1 - need[2] - 0.005:
                continue
        free = replace(foot, z0=floor, z1=floor + need[2])
        if not around.untaken(free) or around.meeting(free, by=0.002).size:
            continue
        if not on_load or around.carries(free):
            return Spot(free, free, (), room)
    return None


def _taken_out(around: Surroundings, gap: Room, room: Room, share: float) -> set[int] | None:
    """Index of pieces that go out whole for a gap; None if something is in the way that nobody can move or cut."""
    low, high = around.corners
    size = high - low
    bottom, top = _corners(gap)
    limit = _corners(grown(room, [0.005] * 6))
    found: set[int] = set()
    deep = set(around.meeting(gap).tolist())
    for i in around.meeting(gap, by=0.003):
        solid, bulk = around.stuff[i], float(size[i].prod())
        bag = solid.shape == "sack"
        large = size[i].max() > LARGEST[0] or bulk > (BIG_BAG if bag else LARGEST[1])
        if large or (low[i] < limit[0]).any() or (high[i] > limit[1]).any():
            if solid.density > CUTTABLE or (bag and bulk > BIG_BAG):
                return None
            continue
        if i not in deep:
            continue
        within = np.flatnonzero(((low >= low[i] - 1e-3) & (high <= high[i] + 1e-3)).all(axis=1))
        hollow = any(size[k].prod() > 0.5 * bulk and around.stuff[k].density < 0.7 * solid.density for k in within if k != i)
        if not hollow and solid.density * bulk * 1000 > HEAVIEST and solid.density > CUTTABLE:
            return None
        common = (np.minimum(high[i], top) - np.maximum(low[i], bottom)).prod() / bulk
        if common >= share:
            found.update(within.tolist())
    return found


@lru_cache(maxsize=4)
def _contacts(load: tuple[Solid, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which piece stands on which, and on how much of it: indices above, indices below, common area of the footprints [m²]."""
    low, high = _corners_of(load)
    order = np.argsort(high[:, 2])
    first = np.searchsorted(high[order, 2], low[:, 2] - 0.04, side="right")
    last = np.searchsorted(high[order, 2], low[:, 2] + 0.06, side="left")
    count = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(low)), count)
    place = np.arange(above.size) - np.repeat(np.cumsum(count) - count, count)
    below = order[np.repeat(first, count) + place]
    area = (
        (np.minimum(high[below, :2], high[above, :2]) - np.maximum(low[below, :2], low[above, :2])).clip(min=0.0).prod(axis=1)
    )
    real = (low[below, 2] < low[above, 2] - 0.01) & (area > 0)
    return above[real], below[real], area[real]


def _unsupported(around: Surroundings, gone: set[int]) -> list[int]:
    """Index of pieces that stood on what is gone more than on what is left."""
    left = np.ones(len(around.stuff), bool)
    left[sorted(gone)] = False
    above, below, area = _contacts(around.stuff)
    lost = np.bincount(above, np.where(left[below], 0.0, area), len(left))
    kept = np.bincount(above, np.where(left[below], area, 0.0), len(left))
    found: list[int] = np.flatnonzero(left & (lost > kept)).tolist()
    return found


def _opened(around: Surroundings, gone: set[int]) -> set[int] | None:
    """The same pieces and all that stood on them; None if those are too many, too large or too heavy."""
    low, high = around.corners
    size = high - low
    gone = set(gone)
    while more := _unsupported(around, gone):
        for i in more:
            heavy = around.stuff[i].density > CUTTABLE and size[i].prod() * around.stuff[i].density * 1000 > HEAVIEST
            if heavy or size[i].max() > LARGEST[0]:
                return None
            gone.update(np.flatnonzero(((low >= low[i] - 1e-3) & (high <= high[i] + 1e-3)).all(axis=1)).tolist())
    return gone


def _lids(around: Surroundings, gone: set[int], free: Room, room: Room) -> tuple[Room, ...] | None:
    """Boards that carry what stood on pieces that are gone, at most four; None if they would reach into the free room."""
    low, high = around.corners
    found: list[Room] = []
    for i in _unsupported(around, gone):
        z = float(low[i, 2])
        x0, x1, y0, y1 = (float(v) for v in (low[i, 0] - 0.1, high[i, 0] + 0.1, low[i, 1] - 0.1, high[i, 1] + 0.1))
        over = x0 < free.x1 and x1 > free.x0 and y0 < free.y1 and y1 > free.y0
        if over and z < free.z1 + 0.003:
            return None
        for k, lid in enumerate(found):
            if abs(lid.z1 - z) < 0.01 and lid.x0 <= x1 and x0 <= lid.x1:
                x0, x1, y0, y1 = min(lid.x0, x0), max(lid.x1, x1), min(lid.y0, y0), max(lid.y1, y1)
                del found[k]
                break
        under = max(z - 0.018, free.z1) if z > free.z1 else z - 0.018
        found.append(grown(Room(x0, x1, y0, y1, under, z), [0.0] * 6, room))
    return tuple(found) if len(found) <= 4 else None


def _holes(around: Surroundings, gone: set[int], gap: Room) -> list[Solid] | None:
    """Shapes of pieces that are gone and of the gap, which takes those within it by itself; None if that is too much."""
    low, high = around.corners
    bottom, top = _corners(gap)
    found = [replace(around.stuff[i], density=0.0) for i in sorted(gone) if (low[i] < bottom).any() or (high[i] > top).any()]
    mass = sum(around.stuff[i].density * float((high[i] - low[i]).prod()) * 1000 for i in gone)
    return [*found, void_box(gap)] if len(found) <= MOST and mass <= UNLOADED else None


def _levels(around: Surroundings, foot: Room, need: float, room: Room) -> np.ndarray:
    """Heights within the load on which something can stand [m]."""
    over = around.meeting(replace(foot, z0=-99.0, z1=99.0))
    tops = around.corners[1][over, 2]
    tops = np.unique(np.round(tops[(tops > room.z0 + 0.02) & (tops < tops.max(initial=0.0) - 0.5 * need)], 3))
    return np.concatenate([[room.z0] * max(1, len(tops) // 2), tops])


def carved_spot(
    rng: Rng,
    around: Surroundings,
    need: tuple[float, float, float],
    slack: tuple[float, float],
    share: float = 0.0,
    boards: float = 0.0,
) -> Spot | None:
    """A spot within the load: a gap around it, and the pieces that go out whole for it.

    Parameters
    ----------
    rng : Generator
    around : Surroundings
    need : (float, float, float) [m]
    slack : (float, float) [m]
        Least and most that the gap is wider by, on each side.
    share : float
        Pieces of which the gap takes less are cut, not taken out.
    boards : float
        How often boards carry what stood on pieces that are gone; else that is taken out as well.

    Returns
    -------
    Spot or None
    """
    room = _drawn_room(rng, around, need)
    if room is None or not around.stuff:
        return None
    for _ in range(24):
        foot = _footprint(rng, room, need, 0.15)
        levels = _levels(around, foot, need[2], room)
        floor = float(levels[int(rng.integers(len(levels)))])
        free = replace(foot, z0=floor, z1=floor + need[2])
        if free.z1 > room.z1 - 0.005 or around.filled(free) < WITHIN:
            continue
        by = [float(rng.uniform(*slack)) for _ in range(6)]
        if rng.random() < 0.06:
            by[2] = by[3] = 9.0
        by[4] = 0.0
        gap = grown(free, by, room)
        whole = _taken_out(around, gap, room, share)
        if whole is None:
            continue
        boarded = rng.random() < boards
        lids = _lids(around, whole, free, room) if boarded else ()
        gone = whole if boarded else _opened(around, whole)
        if lids is None or gone is None or (floor > room.z0 and not around.carries(free, gone)):
            continue
        hole = _holes(around, gone, gap)
        if hole is not None and around.untaken(room_of(hole)):
            return Spot(free, gap, tuple(hole), room, lids)
    return None


def end_spot(
    rng: Rng,
    around: Surroundings,
    need: tuple[float, float, float],
    at_front: bool,
    extra: tuple[float, float],
    narrow: float = 0.0,
) -> Spot | None:
    """A gap at an end of a room, over the full section or a part of its width, and a spot on the floor in it.

    Parameters
    ----------
    rng : Generator
    around : Surroundings
    need : (float, float, float) [m]
    at_front : bool
        At low x; else at the doors.
    extra : (float, float) [m]
        Least and most that the gap is longer by.
    narrow : float
        How often the gap is hardly wider than needed, with load left beside it.

    Returns
    -------
    Spot or None
    """
    room = _drawn_room(rng, around, need)
    if room is None:
        return None
    for _ in range(6):
        length = min(need[0] + float(rng.uniform(*extra)), room.size[0] - 0.02)
        gap = replace(room, x1=room.x0 + length) if at_front else replace(room, x0=room.x1 - length)
        if rng.random() < narrow:
            wide = min(need[1] + float(rng.uniform(0.01, 0.3)), room.size[1])
            y0 = float(rng.uniform(room.y0, room.y1 - wide))
            gap = replace(gap, y0=y0, y1=y0 + wide)
        whole = _taken_out(around, gap, room, 0.0)
        whole = None if whole is None else _opened(around, whole)
        if whole is None:
            continue
        hole = _holes(around, whole, gap)
        if hole is None or not around.untaken(room_of(hole)):
            continue
        foot = _footprint(rng, gap, need, 0.5)
        return Spot(replace(foot, z1=foot.z0 + need[2]), gap, tuple(hole), room)
    return None
