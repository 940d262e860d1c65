"""What holds a load: bands, stretch wrap, lashings, air bags, sheets and timber frames."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.loads.arrange import STEEL, leaning, steps, within
from xrayscan.simulate.solid import Room, Solid, box, capsule, sack

__all__ = ["air_bags", "braced", "separators", "strapped", "tied_down", "wrapped"]


def strapped(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Steel or plastic bands around what stands in a room, and edge boards under them."""
    steel = rng.random() < 0.4
    stuff, dense = ("steel", STEEL * 0.35) if steel else ("PET", 0.5)
    solids = []
    for x in np.linspace(room.x0, room.x1, int(rng.integers(2, 4)) + 2)[1:-1]:
        a, b = float(x - 0.009), float(x + 0.009)
        solids.append(box((a, room.y0, room.z1), (b, room.y1, room.z1 + 0.003), stuff, dense))
        for y in (room.y0, room.y1):
            solids.append(box((a, y - 0.0015, room.z0), (b, y + 0.0015, room.z1), stuff, dense))
    return solids


def wrapped(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Stretch wrap around what stands in a room: a few layers of film, seen edge-on at both ends, thicker at the foot."""
    solids = []
    thick = float(rng.uniform(0.0015, 0.003))
    middle = room.z0 + room.size[2] * 0.15
    for x in (room.x0 - thick, room.x1):
        for low, high, dense in ((room.z0, middle, 0.25), (middle, room.z1, 0.1)):
            solids.append(box((x, room.y0, low), (x + thick, room.y1, high), "polyethylene", dense))
    return solids


def tied_down(rng: np.random.Generator, room: Room, chains: bool = False) -> list[Solid]:
    """Lashings over what stands in a room, slanting to the floor on either side: webbing, or chains [m]."""
    solids: list[Solid] = []
    radius, stuff, dense = (0.009, "steel", 4.0) if chains else (0.006, "PET", 0.6)
    for x in steps(room.x0 + rng.uniform(0.2, 0.6), room.x1, rng.uniform(0.8, 2.0)):
        aside = rng.normal(0.0, 0.1)
        left, right = (x, room.y0 + 0.02, room.z1), (x + rng.normal(0.0, 0.05), room.y1 - 0.02, room.z1)
        solids.append(capsule(left, right, radius, stuff, dense))
        solids.append(capsule((x + aside, room.y0 + 0.01, room.z0 + 0.02), left, radius, stuff, dense))
        solids.append(capsule(right, (x - aside, room.y1 - 0.01, room.z0 + 0.02), radius, stuff, dense))
    return solids


def air_bags(rng: np.random.Generator, gap: Room) -> list[Solid]:
    """Paper or plastic bags blown up in a gap between pieces: a thin skin around air."""
    solids: list[Solid] = []
    for z in steps(gap.z0 + 0.05, gap.z1, rng.uniform(0.8, 1.2), 0.1)[:2]:
        high = min(z + 1.1, gap.z1)
        center = ((gap.x0 + gap.x1) / 2, (gap.y0 + gap.y1) / 2, (z + high) / 2)
        half = (gap.size[0] / 2, gap.size[1] / 2 * 0.8, (high - z) / 2)
        if min(half) > 0.03:
            solids.append(sack(center, half, "cellulose", 0.25))
            solids.append(sack(center, (half[0] - 0.004, half[1] - 0.004, half[2] - 0.004), "cellulose", 0.0))
    return solids


def separators(rng: np.random.Generator, room: Room, every: tuple[float, float] = (0.8, 2.5)) -> list[Solid]:
    """Sheets of cardboard or plywood that stand across between pieces, not quite upright."""
    solids = []
    plywood = rng.random() < 0.4
    x = room.x0 + rng.uniform(*every)
    while x < room.x1 - 0.02:
        thick = rng.uniform(0.009, 0.018) if plywood else rng.uniform(0.004, 0.008)
        stuff, dense = ("wood", 0.55) if plywood else ("cellulose", 0.25)
        sheet = box((x, room.y0, room.z0), (x + thick, room.y1, room.z0 + room.size[2] * rng.uniform(0.7, 0.98)), stuff, dense)
        solids += leaning([sheet], rng.normal(0.0, 0.02))
        x += rng.uniform(*every)
    return solids


def braced(rng: np.random.Generator, room: Room, x: float) -> list[Solid]:
    """A frame of squared timber across the room at x [m], against which the load leans."""
    side = float(rng.uniform(0.06, 0.1))
    solids = []
    for y in np.linspace(room.y0, room.y1 - side, int(rng.integers(2, 4))):
        top = room.z0 + room.size[2] * rng.uniform(0.4, 0.95)
        solids.append(box((x, float(y), room.z0), (x + side, float(y) + side, top), "wood", 0.5))
    for z in np.linspace(room.z0 + 0.2, room.z0 + room.size[2] * 0.7, int(rng.integers(2, 4))):
        solids.append(box((x + side, room.y0, float(z)), (x + 1.5 * side, room.y1, float(z) + side), "wood", 0.5))
    return within(solids, room)
