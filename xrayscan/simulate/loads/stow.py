"""Stowing heavy goods: pieces of known mass, stacked, set side by side and spread along a floor that bears so much and no more.

A piece is a list of solids that stands on z = 0 with its lower corner in the origin. Everything a load is built of is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.solid import Point, Room, Solid, box, mesh_solid, moved, rotation, turned

__all__ = [
    "Make", "Piece", "Plan", "along", "beside", "bounds", "dropped", "lofted", "mass", "on_bearers", "on_pallet", "payload",
    "piece", "scattered", "shaken", "spun", "stacked", "stow", "tilted",
]  # fmt: skip

Rng = np.random.Generator
SACK_SHARE = 0.738  # of its box
LEAST = 0.3  # smallest room that can be filled [m]
MOST = 1250  # solids, after which no more is stowed


@dataclass(frozen=True, eq=False)
class Piece:
    """Solids that are handled as one.

    Attributes
    ----------
    parts : tuple of Solid
        In order, with the lower corner of what they reach in the origin.
    size : (float, float, float) [m]
    weigh : callable
        Its mass [kg], worked out when it is asked for: much of what is drawn fits nowhere, and is never weighed.
    """

    parts: tuple[Solid, ...]
    size: Point
    weigh: Callable[[], float]

    @cached_property
    def mass(self) -> float:
        """In kg."""
        return self.weigh()


Make = Callable[[Rng], Piece]


@dataclass(frozen=True)
class Plan:
    """How pieces are stowed.

    Attributes
    ----------
    levels : int
        Stacked so many at most.
    across : int
        Side by side so many at most.
    share : (float, float)
        Of what the floor bears, drawn between these.
    gap : float [m]
        Between neighbors, at most.
    missing : float
        Share of places left empty.
    bracing : float
        Chance of timber between a row and the next one.
    tight : bool
        Rows always stand close, from the front: cartons, not machines.
    """

    levels: int = 1
    across: int = 99
    share: tuple[float, float] = (0.55, 1.0)
    gap: float = 0.05
    missing: float = 0.02
    bracing: float = 0.3
    tight: bool = False


def bounds(parts: Sequence[Solid]) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner of what solids reach [m], each shape (3,)."""
    center, reach = np.array([p.center for p in parts]), np.array([p.reach for p in parts])
    return (center - reach).min(0), (center + reach).max(0)


def volume(solid: Solid) -> float:
    """Volume of a solid [m³]."""
    a, b, c = solid.half
    if solid.mesh is not None:
        return solid.mesh.volume
    if solid.shape == "ellipsoid":
        return 4.0 / 3.0 * np.pi * a * b * c
    if solid.shape == "cylinder":
        return 2.0 * np.pi * a * b * c
    if solid.shape == "capsule":
        return np.pi * a * a * (2.0 * (c - a) + 4.0 / 3.0 * a)
    if solid.shape == "torus":
        return 2.0 * np.pi**2 * (a - c) * c * c
    return 8.0 * a * b * c * (SACK_SHARE if solid.shape == "sack" else 1.0)


def _holds(solid: Solid, point: np.ndarray) -> bool:
    """Whether a point is in a solid; a mesh counts as its box."""
    own = solid.turn.T @ (point - np.asarray(solid.center))
    if solid.shape == "torus":
        tube = solid.half[2]
        return bool((np.hypot(own[0], own[1]) - (solid.half[0] - tube)) ** 2 + own[2] ** 2 <= tube**2)
    own = own / np.asarray(solid.half)
    if solid.shape == "ellipsoid":
        return bool(own @ own <= 1.0)
    if solid.shape in ("cylinder", "capsule"):
        return bool(own[0] ** 2 + own[1] ** 2 <= 1.0 and abs(own[2]) <= 1.0)
    return bool(np.abs(own).max() <= 1.0)


def mass(parts: Sequence[Solid]) -> float:
    """Mass of solids [kg], each taking the place of the last earlier one that holds its middle.

    Exact for solids that are nested or apart; those that overlap in part are counted as if the later lay within the earlier.
    """
    if not parts:
        return 0.0
    center, reach = np.array([p.center for p in parts]), np.array([p.reach for p in parts])
    total = 0.0
    for i, part in enumerate(parts):
        point = center[i] + (part.turn[:, 0] * (part.half[0] - part.half[2]) if part.shape == "torus" else 0.0)
        near = np.flatnonzero(np.all(np.abs(center[:i] - point) <= reach[:i], axis=1))
        host = next((parts[j].density for j in near[::-1] if _holds(parts[j], point)), 0.0)
        total += 1000.0 * volume(part) * (part.density - host)
    return float(total)


def piece(parts: Sequence[Solid]) -> Piece:
    """A piece of solids, moved into the corner that it starts from."""
    low, high = bounds(parts)
    size = tuple(float(v) for v in high - low)
    return Piece(tuple(moved(p, -low) for p in parts), size, lambda: mass(parts))  # type: ignore[arg-type]


def tilted(thing: Piece, turn: np.ndarray) -> Piece:
    """The piece turned by a rotation matrix, put down again."""
    about = np.asarray(thing.size) / 2
    parts = [turned(p, turn, about) for p in thing.parts]
    low, high = bounds(parts)
    size = tuple(float(v) for v in high - low)
    return Piece(tuple(moved(p, -low) for p in parts), size, lambda: thing.mass)  # type: ignore[arg-type]


def spun(thing: Piece, degrees: float) -> Piece:
    """The piece turned on the floor; quarter turns are exact."""
    turn = rotation(np.radians(degrees))
    return tilted(thing, np.round(turn) if degrees % 90 == 0 else turn)


def shaken(rng: Rng, thing: Piece, degrees: float = 1.0) -> Piece:
    """The piece put down a little askew."""
    return tilted(thing, rotation(np.radians(rng.normal(0.0, degrees))))


def _together(placed: Sequence[tuple[Piece, Sequence[float]]]) -> Piece:
    """Pieces at given places as one piece, which starts in the origin."""
    parts = tuple(moved(p, np.asarray(at, float)) for thing, at in placed for p in thing.parts)
    size = tuple(float(max(at[k] + thing.size[k] for thing, at in placed)) for k in range(3))
    return Piece(parts, size, lambda: sum(thing.mass for thing, _ in placed))  # type: ignore[arg-type]


def stacked(rng: Rng, things: Sequence[Piece], slip: float = 0.02) -> Piece:
    """Pieces on top of each other, the first one below, each slipped a little [m]."""
    places, z = [], 0.0
    widest = max(t.size[0] for t in things), max(t.size[1] for t in things)
    for thing in things:
        free = [max(w - s, 0.0) for w, s in zip(widest, thing.size, strict=False)]
        places.append((thing, (free[0] / 2 + rng.uniform(0, slip), free[1] / 2 + rng.uniform(0, slip), z)))
        z += thing.size[2]
    return _together(places)


def beside(rng: Rng, things: Sequence[Piece], width: float, gap: float = 0.05) -> Piece:
    """Pieces side by side across a width [m], as near together as the gap says, somewhere in it."""
    free = max(width - sum(t.size[1] for t in things), 0.0)
    step = min(free / max(len(things), 1), gap)
    y, places = rng.uniform(0.2, 0.8) * (free - step * (len(things) - 1)), []
    longest = max(t.size[0] for t in things)
    for thing in things:
        x = rng.uniform(0, 1) * min(longest - thing.size[0], 0.04) if rng.random() < 0.8 else (longest - thing.size[0]) / 2
        places.append((thing, (x, y, 0.0)))
        y += thing.size[1] + rng.uniform(0, step)
    return _together(places)


def along(rng: Rng, rows: Sequence[Piece], room: Room, bracing: float = 0.3, tight: bool = False) -> list[Solid]:
    """Rows one behind the other in a room: from the front, about the middle, or evenly spread.

    Parameters
    ----------
    rng : Generator
    rows : sequence of Piece
        No longer together than the room, and no wider.
    room : Room [m]
    bracing : float
        Chance of timber in a gap.
    tight : bool
        From the front in any case.

    Returns
    -------
    list of Solid
    """
    slack = max(room.size[0] - sum(r.size[0] for r in rows), 0.0)
    weights = rng.uniform(0.2, 1.0, len(rows) + 1)
    heavy = slack > 0.35 * room.size[0]  # what fills little of the floor is spread over it, or stands about its middle
    mode = 0 if tight else rng.choice(3, p=[0.12, 0.4, 0.48] if heavy else [0.5, 0.2, 0.3])
    if mode == 0:
        weights[:-1] *= min(0.05 * len(rows) / max(slack, 1e-3), 1.0)
    elif mode == 1:
        weights[1:-1] *= min(0.05 * len(rows) / max(slack, 1e-3), 1.0)
    gaps = slack * weights / weights.sum()
    parts, x = [], room.x0
    for row, gap in zip(rows, gaps, strict=False):
        x += gap
        parts += [moved(p, (x, room.y0, room.z0)) for p in row.parts]
        if gap > 0.12 and rng.random() < bracing:
            size = rng.uniform(0.06, min(gap * 0.9, 0.12), 2)
            for up in (0.0, float(min(0.5 * row.size[2], room.size[2] - 0.2)))[: rng.integers(1, 3)]:
                lower = (x - size[0] - 0.005, room.y0 + 0.03, room.z0 + up)
                parts.append(box(lower, (x - 0.005, room.y1 - 0.03, lower[2] + size[1]), "wood", 0.5))
        x += row.size[0]
    return parts


def payload(room: Room) -> float:
    """What may be loaded into a room [kg], by its kind as its size tells it.

    Vans are narrow, wagons are wide; boxes of 20 ft bear as much as those of 40 ft.
    """
    length, width, _ = room.size
    if width < 2.1:
        return 400.0 * length
    if width > 2.6:
        return min(4300.0 * length, 62000.0)
    return min((4000.0 if 5.4 < length < 6.2 else 2150.0) * length, 26000.0)


def stow(rng: Rng, room: Room, make: Make, plan: Plan | None = None) -> list[Solid]:
    """A room filled with pieces until it is full or bears no more.

    Parameters
    ----------
    rng : Generator
    room : Room [m]
    make : callable
        Generator → Piece.
    plan : Plan or None

    Returns
    -------
    list of Solid
        Empty where nothing that is made fits.

    Raises
    ------
    RecipeError
        If the room is too small for anything.
    """
    plan = Plan() if plan is None else plan
    if min(room.size) < LEAST:
        size = " x ".join(f"{v:.2f}" for v in room.size)
        raise RecipeError(f"a room of {size} m cannot be loaded; expected at least {LEAST} m each way")
    budget = payload(room) * rng.uniform(*plan.share)
    rows: list[Piece] = []
    used = misses = 0.0
    levels = 0
    while misses < 6 and budget > 0.0 and sum(len(r.parts) for r in rows) < MOST:
        first = make(rng)
        if levels == 0:
            places = max(room.size[0] // first.size[0], 1.0) * max(min(room.size[1] // first.size[1], plan.across), 1.0)
            levels = int(np.clip(np.ceil(budget / max(places * first.mass, 1.0)), 1, plan.levels))
        row = _row(rng, room, (first, make), plan, (levels, budget, not rows))
        if row is None or used + row.size[0] > room.size[0]:
            misses += 1
            continue
        rows.append(row)
        used += row.size[0] + 0.004
        budget -= row.mass
    return along(rng, rows, room, plan.bracing, plan.tight)


def _row(
    rng: Rng, room: Room, source: tuple[Piece, Make], plan: Plan, limits: tuple[int, float, bool]
) -> Piece | None:  # fmt: skip
    """Stacks side by side, or None where the first piece does not fit."""
    (thing, make), (levels, left, forced) = source, limits
    _, width, height = room.size
    columns: list[Piece] = []
    used = total = 0.0
    while len(columns) < plan.across and used + thing.size[1] <= width and thing.size[0] <= room.size[0]:
        pile: list[Piece] = []
        high = 0.0
        for _ in range(levels):
            fits = thing.size[0] <= room.size[0] and used + thing.size[1] <= width and high + thing.size[2] <= height
            first = forced and not columns and not pile and thing.mass < 1.5 * payload(room)
            if not fits or (total + thing.mass > left and not first):
                break
            pile.append(thing)
            high, total = high + thing.size[2], total + thing.mass
            thing = make(rng)
        if not pile:
            break
        pile = pile[:-1] if len(pile) > 1 and rng.random() < 0.1 else pile
        pile.sort(key=lambda t: -t.size[0] * t.size[1])
        column = stacked(rng, pile, 0.0)
        columns.append(column)
        used += column.size[1] + 0.002
        if rng.random() < plan.missing:
            break
    return beside(rng, columns, width, plan.gap) if columns else None


def on_bearers(rng: Rng, thing: Piece, height: float = 0.08) -> Piece:
    """The piece on timbers laid across below it."""
    length, depth, _ = thing.size
    count = int(np.clip(round(length / rng.uniform(0.7, 1.3)) + 1, 2, 6))
    wide = min(rng.uniform(0.06, 0.11), length / (count + 1))
    parts = []
    for at in np.linspace(0.06 * length, 0.94 * length - wide, count) + rng.normal(0, 0.01, count) * length / 6:
        at = float(np.clip(at, 0.0, length - wide))
        parts.append(box((at, 0.0, 0.0), (at + wide, depth, height), "wood", 0.5))
    return _together([(piece_at(parts, thing.size), (0, 0, 0)), (thing, (0, 0, height))])


def piece_at(parts: Sequence[Solid], size: Point) -> Piece:
    """Solids that are where they should be as a piece of a given size [m]."""
    return Piece(tuple(parts), size, lambda: mass(parts))


def on_pallet(rng: Rng, thing: Piece, over: float = 0.02) -> Piece:
    """The piece on a pallet of its own size: boards, runners, boards."""
    length, depth, _ = thing.size
    foot, thick = rng.uniform(0.08, 0.11), 0.02
    long, wide = length + 2 * over, depth + 2 * over
    parts = [box((0, 0, thick + foot), (long, wide, 2 * thick + foot), "wood", rng.uniform(0.35, 0.55))]
    lengthwise = rng.random() < 0.5
    for at in (0.0, 0.5, 1.0):
        if lengthwise:
            y = at * (wide - 0.1)
            parts.append(box((0, y, 0), (long, y + 0.1, thick), "wood", 0.5))
            for x in np.linspace(0, long - 0.12, 3):
                parts.append(box((x, y, thick), (x + 0.12, y + 0.1, thick + foot), "wood", 0.6))
        else:
            x = at * (long - 0.1)
            parts.append(box((x, 0, 0), (x + 0.1, wide, thick + foot), "wood", 0.5))
    base = piece_at(parts, (long, wide, 2 * thick + foot))
    return _together([(base, (0, 0, 0)), (thing, (over, over, base.size[2]))])


def dropped(rng: Rng, radii: np.ndarray, width: float, height: float) -> list[tuple[float, float, float]]:
    """Circles let fall into a trough one after the other: each finds the lowest of a few places.

    Parameters
    ----------
    rng : Generator
    radii : ndarray, shape (circles,) [m]
    width, height : float [m]
        Of the trough.

    Returns
    -------
    list of (y, z, radius) [m]
        Middles of those that lie wholly below the height.
    """
    found: list[tuple[float, float, float]] = []
    for r in radii:
        if 2 * r > width:
            continue
        ys = np.concatenate([rng.uniform(r, width - r, 24), [r, width - r]])
        zs = np.full(ys.size, r)
        for y, z, other in found:
            near = (r + other) ** 2 - (ys - y) ** 2
            zs = np.maximum(zs, np.where(near > 0, z + np.sqrt(np.maximum(near, 0)), 0))
        best = int(np.argmin(zs))
        if zs[best] + r <= height:
            found.append((float(ys[best]), float(zs[best]), float(r)))
    return found


def scattered(rng: Rng, room: Room, things: Sequence[Piece], packing: float = 0.9) -> list[Solid]:
    """Pieces thrown into a room one after the other, each on the lowest of a few places of a coarse map of heights.

    Parameters
    ----------
    rng : Generator
    room : Room [m]
    things : sequence of Piece
    packing : float
        Share of its height that a piece adds to what lies below it: less where pieces sink into each other.

    Returns
    -------
    list of Solid
    """
    cell = 0.1
    shape = tuple(max(int(np.ceil(room.size[k] / cell)), 1) for k in (0, 1))
    top = np.zeros(shape)
    parts: list[Solid] = []
    for thing in things:
        thing = spun(thing, float(rng.uniform(-180.0, 180.0)))
        free = [room.size[k] - thing.size[k] for k in range(3)]
        if min(free) < 0:
            continue
        tries = []
        for x, y in rng.uniform(0, 1, (6, 2)) * free[:2]:
            span = tuple(slice(int(a / cell), max(int(np.ceil((a + s) / cell)), int(a / cell) + 1))
                         for a, s in zip((x, y), thing.size, strict=False))  # fmt: skip
            tries.append((float(np.quantile(top[span], 0.8)), float(x), float(y), span))
        z, x, y, span = min(tries, key=lambda t: t[0])
        if z > free[2]:
            continue
        top[span] = np.maximum(top[span], z + packing * thing.size[2])
        parts += [moved(p, (room.x0 + x, room.y0 + y, room.z0 + z)) for p in thing.parts]
    return parts


def lofted(rings: Sequence[Sequence[Point]] | np.ndarray, material: str, density: float) -> Solid:
    """A closed surface through convex rings of points, each ring of as many [m]."""
    points = np.asarray(rings, float)
    count, sides, _ = points.shape
    faces = [(0, k + 1, k) for k in range(1, sides - 1)]
    faces += [((count - 1) * sides, (count - 1) * sides + k, (count - 1) * sides + k + 1) for k in range(1, sides - 1)]
    for i in range(count - 1):
        for k in range(sides):
            a, b = i * sides + k, i * sides + (k + 1) % sides
            faces += [(a, b, b + sides), (a, b + sides, a + sides)]
    index = np.array(faces)
    solid = mesh_solid(points.reshape(-1, 3), index, material, density)
    if solid.mesh is not None and solid.mesh.volume < 0:
        return mesh_solid(points.reshape(-1, 3), index[:, ::-1], material, density)
    return solid
