"""Loads: what stands, lies, hangs and flows in containers, trailers, vans and wagons.

Each kind of load is a function that fills a room; `fill` draws one, or two or three behind or on each other, in the disorder of
real loads.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.loads import carried_vehicles, food, hard, household, machines, metal, packaged, soft, unnamed
from xrayscan.simulate.loads.arrange import Loader, LoadKind, bounds, within
from xrayscan.simulate.loads.fixings import air_bags, braced, tied_down
from xrayscan.simulate.solid import Room, Solid

__all__ = ["LOADS", "UNNAMED", "LoadKind", "Loader", "fill"]

_MODULES = (packaged, soft, food, household, hard, metal, machines, carried_vehicles, unnamed)


def _kinds() -> dict[str, LoadKind]:
    found: dict[str, LoadKind] = {}
    for kind in (kind for module in _MODULES for kind in module.KINDS):
        if kind.name in found:
            raise RecipeError(f"two kinds of load are named {kind.name!r}; give the later one another name")
        found[kind.name] = kind
    return found


LOADS: Mapping[str, LoadKind] = MappingProxyType(_kinds())
"""Name to kind of load."""
UNNAMED: tuple[str, ...] = tuple(kind.name for kind in unnamed.KINDS)
"""Those that are nothing that is shipped, but drawn anew for every scan, for training; filled in only where they are named."""
_LIGHT = ("cartons", "textiles", "light", "household", "empties")  # families that are put on other loads


def fill(
    rng: np.random.Generator,
    room: Room,
    kinds: Sequence[str] | None = None,
    allowed: Sequence[str] | None = None,
    room_kind: str = "box",
) -> tuple[tuple[str, ...], list[Solid]]:
    """A load for a room: one kind, or two or three behind or on each other, often not to the end.

    Parameters
    ----------
    rng : numpy.random.Generator
    room : Room [m]
        Space inside the walls.
    kinds : sequence of str, optional
        These, one behind the other in this order. Otherwise they are drawn.
    allowed : sequence of str, optional
        What to draw from. Otherwise all that go into this kind of room, but for `UNNAMED`.
    room_kind : str
        "box" for a closed box, container, trailer, van or wagon, "open" for an open wagon, an open top or a flat rack, "tank"
        for a vessel, "bulk" for a hopper.

    Returns
    -------
    names : tuple of str
    solids : list of Solid
        All within the room, in order: a later one takes the place of an earlier one.

    Raises
    ------
    RecipeError
        For a kind of load that does not exist, or when none is left to draw from.

    Examples
    --------
    >>> names, solids = fill(np.random.default_rng(0), Room(0, 5.9, -1.17, 1.17, 0, 2.39), ["sacks on the floor"])
    >>> names
    ('sacks on the floor',)
    """
    names = tuple(kinds) if kinds is not None else _drawn(rng, allowed, room_kind)
    for name in names:
        _known(name)
    part = _loaded_part(rng, room) if kinds is None else room
    stackable = len(names) == 2 and LOADS[names[1]].family in _LIGHT
    if stackable and kinds is None and room.size[2] > 1.6 and rng.random() < 0.4:
        solids = _on_top(rng, part, names)
    else:
        solids = _behind(rng, part, names)
    if kinds is None and solids and rng.random() < 0.2:
        solids += _secured(rng, room, bounds(solids), room_kind)
    return names, within(solids, room)


def _secured(rng: np.random.Generator, room: Room, load: Room, room_kind: str) -> list[Solid]:
    """What holds the load as a whole: lashings, a frame at its end, air bags in the gap at the doors."""
    if room_kind == "tank":
        return []
    choice, gap = rng.random(), room.x1 - load.x1
    if room_kind == "open" or choice < 0.3:
        return tied_down(rng, load, chains=room_kind == "open" and rng.random() < 0.5)
    if gap > 0.3 and choice < 0.75:
        return braced(rng, replace(room, x0=load.x1, z1=max(load.z1, room.z0 + 0.5 * room.size[2])), load.x1 + 0.01)
    if 0.1 < gap < 0.6:
        return air_bags(rng, replace(room, x0=load.x1, z1=load.z1))
    return []


def _known(name: str) -> None:
    if name in LOADS:
        return
    near = difflib.get_close_matches(name, LOADS, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(LOADS)}"
    raise RecipeError(f"there is no load {name!r}; {hint}")


def _drawn(rng: np.random.Generator, allowed: Sequence[str] | None, room_kind: str) -> tuple[str, ...]:
    """One kind mostly, sometimes two or three; families first, so that no family with many kinds crowds out the others."""
    names = [name for name in LOADS if name not in UNNAMED] if allowed is None else list(allowed)
    for name in names:
        _known(name)
    fitting = [name for name in names if room_kind in LOADS[name].rooms]
    if not fitting:
        known = sorted({kind for name in names for kind in LOADS[name].rooms})
        raise RecipeError(
            f"none of the {len(names)} loads to draw from goes into a room of the kind {room_kind!r}; "
            f"they go into {', '.join(known)}"
        )
    count = min(int(rng.choice([1, 2, 3], p=[0.68, 0.24, 0.08])), len(fitting))
    families = sorted({LOADS[name].family for name in fitting})
    weights = np.array([sum(LOADS[name].family == family for name in fitting) for family in families]) ** 0.7
    drawn: list[str] = []
    while len(drawn) < count:
        family = rng.choice(families, p=weights / weights.sum())
        members = [name for name in fitting if LOADS[name].family == family]
        name = str(rng.choice(members))
        if name not in drawn or rng.random() < 0.1:
            drawn.append(name)
    return tuple(drawn)


def _loaded_part(rng: np.random.Generator, room: Room) -> Room:
    """The part of the room that is loaded: mostly all of it, else with room left at one end or at both."""
    length, draw = room.size[0], rng.random()
    if draw < 0.55 or length < 1.5:
        return room
    if draw < 0.85:
        return replace(room, x1=room.x0 + length * rng.uniform(0.45, 0.98))
    if draw < 0.93:
        return replace(room, x0=room.x0 + length * rng.uniform(0.05, 0.4))
    return replace(room, x1=room.x0 + max(length * rng.uniform(0.08, 0.4), 1.0))


def _behind(rng: np.random.Generator, room: Room, names: Sequence[str]) -> list[Solid]:
    """Loads one behind the other, with a gap now and then."""
    shares = rng.dirichlet(np.full(len(names), 3.0)) if len(names) > 1 else np.ones(1)
    edges = room.x0 + room.size[0] * np.concatenate([[0.0], np.cumsum(shares)])
    solids: list[Solid] = []
    for name, start, end in zip(names, edges[:-1], edges[1:], strict=True):
        gap = rng.uniform(0.02, 0.5) if end < room.x1 - 0.05 and end - start > 1.5 else 0.0
        cell = replace(room, x0=float(start), x1=float(end - gap))
        if cell.size[0] > 0.3:
            solids += within(LOADS[name].fill(rng, cell), cell)
    return solids


def _on_top(rng: np.random.Generator, room: Room, names: Sequence[str]) -> list[Solid]:
    """The second load on the first, which is kept low."""
    low = replace(room, z1=room.z0 + room.size[2] * rng.uniform(0.25, 0.55))
    solids = within(LOADS[names[0]].fill(rng, low), low)
    if not solids:
        return within(LOADS[names[1]].fill(rng, room), room)
    tops = np.array([s.center[2] + s.reach[2] for s in solids])
    high = [s for s, top in zip(solids, tops, strict=True) if top > tops.max() - 0.3]
    start = max(min(s.center[0] - s.reach[0] for s in high), room.x0)
    end = min(max(s.center[0] + s.reach[0] for s in high), room.x1)
    above = Room(float(start), float(end), room.y0, room.y1, float(tops.max()), room.z1)
    if above.size[0] < 0.5 or above.size[2] < 0.4:
        return solids
    return solids + within(LOADS[names[1]].fill(rng, above), above)
