"""Pallets, and what stands on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xrayscan.simulate.loads.arrange import Loader, Size, bare, bounds, inset, leaning, within
from xrayscan.simulate.loads.fixings import strapped, wrapped
from xrayscan.simulate.solid import Room, Solid

__all__ = ["PALLET", "on_pallet", "on_pallets", "pallet", "per_pallet", "snug"]

PALLET = 0.144
"""Height of a pallet [m]."""


def pallet(rng: np.random.Generator, place: Room) -> list[Solid]:
    """A pallet at the foot of a place [m]: deck, three rows of blocks or boards, runners; `PALLET` high."""
    plastic = rng.random() < 0.12
    stuff, dense = ("polyethylene", rng.uniform(0.35, 0.6)) if plastic else ("wood", rng.uniform(0.42, 0.6))
    z, (length, depth, _) = place.z0, place.size
    along = length < depth
    solids = [Room(place.x0, place.x1, place.y0, place.y1, z, z + 0.022), replace(place, z0=z + PALLET - 0.024, z1=z + PALLET)]
    parts = [bare(solids[0], stuff, dense * 0.45), bare(solids[1], stuff, dense * 0.85)]
    wide = rng.uniform(0.08, 0.13)
    for k in (0.0, 0.5, 1.0):
        low = k * ((depth if along else length) - wide)
        if along:
            block = Room(place.x0, place.x1, place.y0 + low, place.y0 + low + wide, z + 0.022, z + PALLET - 0.024)
        else:
            block = Room(place.x0 + low, place.x0 + low + wide, place.y0, place.y1, z + 0.022, z + PALLET - 0.024)
        parts.append(bare(block, stuff, dense * (0.5 if along else 1.0)))
    return parts


def on_pallet(rng: np.random.Generator, place: Room, make: Loader) -> list[Solid]:
    """A pallet and what stands on it, sometimes leaning, strapped, or with a board on top."""
    above = replace(place, z0=place.z0 + PALLET)
    if above.size[2] < 0.1:
        return pallet(rng, place)
    over = float(np.clip(rng.normal(0.0, 0.012), -0.03, 0.0))
    cargo = make(rng, inset(above, -over, -over))
    if rng.random() < 0.12:
        cargo = leaning(cargo, rng.normal(0.0, 0.02), rng.normal(0.0, 0.015))
    solids = pallet(rng, place) + within(cargo, above)
    if cargo and rng.random() < 0.3:
        solids += strapped(rng, bounds(cargo))
    if cargo and rng.random() < 0.35:
        solids += wrapped(rng, inset(bounds(cargo), -0.003, -0.003))
    return solids


def on_pallets(
    rng: np.random.Generator, room: Room, make: Loader, heights: tuple[float, float] = (0.7, 2.0), missing: float = 0.04
) -> list[Solid]:
    """Pallets in lanes along the travel.

    Parameters
    ----------
    rng : numpy.random.Generator
    room : Room
    make : Loader
        Fills the place on one pallet.
    heights : (float, float) [m]
        Of a loaded pallet, of which the usual one is drawn; each differs a little, a few by much.
    missing : float
        Share of places that are empty.

    Returns
    -------
    list of Solid
    """
    usual = min(rng.uniform(min(heights), max(heights)), room.size[2])
    double = room.size[2] > 2 * usual + 0.02 and rng.random() < 0.6
    solids: list[Solid] = []
    lanes = _lanes(rng, room)
    free = room.size[1] - sum(across for _, across in lanes)
    y = room.y0 + free * rng.uniform(0.0, 0.4)
    for along, across in lanes:
        for x in _places(rng, room, along):
            z = room.z0
            for _ in range(2 if double and rng.random() < 0.9 else 1):
                height = usual * (rng.uniform(0.35, 0.9) if rng.random() < 0.12 else rng.uniform(0.94, 1.0))
                place = Room(x, x + along, y, y + across, z, z + max(height, PALLET + 0.05))
                dy = rng.normal(0.0, 0.01)
                place = replace(place, y0=place.y0 + dy, y1=place.y1 + dy)
                if rng.random() >= missing and place.z1 <= room.z1 + 1e-6:
                    solids += on_pallet(rng, place, make)
                    z = place.z1
        y += across + free * rng.uniform(0.1, 0.5) / max(len(lanes), 1)
    return within(solids, room)


def _lanes(rng: np.random.Generator, room: Room) -> list[tuple[float, float]]:
    """Lanes of pallets that fit side by side: (along, across) of each [m]."""
    short = float(rng.choice([0.8, 1.0, 1.1]))
    long = 1.2 if short < 1.1 else 1.1
    choices = [[(short, long), (long, short)], [(long, short)] * 2, [(short, long)] * 2, [(long, short)] * 3]
    fitting = [c for c in choices if sum(w for _, w in c) <= room.size[1]]
    if fitting:
        return fitting[int(rng.integers(len(fitting)))]
    across = min(long, room.size[1])
    return [(min(short, room.size[0]), across)]


def _places(rng: np.random.Generator, room: Room, along: float) -> list[float]:
    """Where the pallets of a lane begin: close behind each other, with what is left spread unevenly."""
    count = max(int(room.size[0] / along), 1 if room.size[0] >= along else 0)
    left = room.size[0] - count * along
    gaps = rng.dirichlet(np.full(count + 1, 0.4)) * left * rng.uniform(0.2, 1.0)
    gaps = np.minimum(gaps, rng.uniform(0.03, 0.3))
    return [room.x0 + float(gaps[: k + 1].sum()) + k * along for k in range(count)]


def per_pallet(room: Room, solids: float = 900) -> float:
    """How many solids each pallet of a room may have, so that all have no more than so many."""
    return max(solids / max(2.2 * room.size[0], 1.0), 20)


def snug(size: Size, place: Room) -> Size:
    """A size so changed that whole pieces fill a place."""
    along, across = (max(round(p / s), 1) for p, s in zip(place.size, size[:2], strict=False))
    return 0.985 * place.size[0] / along, 0.985 * place.size[1] / across, min(size[2], place.size[2])
