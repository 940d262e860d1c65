"""Rail wagons: covered, open, hopper, container flat and tank, with bogies, buffers and couplers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from xrayscan.simulate.solid import Room, Solid, cylinder
from xrayscan.simulate.vehicles.chassis import air_tank
from xrayscan.simulate.vehicles.parts import STEEL, Span, both_sides, girder, mirrored, pipe, slab, strut, tube
from xrayscan.simulate.vehicles.tank import fittings, vessel
from xrayscan.simulate.vehicles.vehicle import Niche, Unit, Vehicle, assembled

__all__ = ["container_wagon", "covered_wagon", "hopper_wagon", "open_wagon", "tank_wagon", "underframe"]

GAUGE = 0.75  # half of the distance between the wheels' treads [m]
FLOOR = 1.2  # above the rails [m]


def _wheelset(x: float, z: float, radius: float) -> list[Solid]:
    """Two solid wheels with flanges on an axle, and its boxes."""
    half = [
        cylinder((x, GAUGE, z), radius, 0.03, "steel", STEEL, "y"),
        cylinder((x, GAUGE + 0.06, z), radius - 0.03, 0.09, "steel", STEEL, "y"),
        cylinder((x, GAUGE + 0.06, z), radius - 0.09, 0.09, "steel", STEEL * 0.45, "y"),
        cylinder((x, GAUGE + 0.06, z), 0.13, 0.13, "steel", STEEL, "y"),
        slab((x - 0.15, x + 0.15), (0.92, 1.1), (z - 0.14, z + 0.14), "steel", STEEL * 0.6),
    ]
    return [*both_sides(half), cylinder((x, 0.0, z), 0.08, 1.42, "steel", STEEL, "y")]


def _bogie(x: float, base: float, top: float, rails: float, *, cast: bool) -> list[Solid]:
    """A bogie of two wheelsets, base apart from its middle, with side frames, springs, bolster and brakes."""
    radius = 0.46
    z = rails + radius
    parts = _wheelset(x - base, z, radius) + _wheelset(x + base, z, radius)
    half: list[Solid] = []
    if cast:  # side frames in one piece, springs in the middle
        half.append(slab((x - base - 0.25, x + base + 0.25), (0.97, 1.07), (z + 0.14, z + 0.26), "steel", STEEL * 0.5))
        for s in (-1, 1):
            ends = sorted(((x + s * 0.2, z - 0.18), (x + s * (base - 0.1), z + 0.14)))
            half.append(strut(ends[0], ends[1], (0.98, 1.06), 0.1, "steel", STEEL * 0.5))
        half.append(slab((x - 0.35, x + 0.35), (0.96, 1.08), (z - 0.28, z - 0.16), "steel", STEEL * 0.5))
        half += [cylinder((x + s, 1.02, z - 0.01), 0.065, 0.3, "steel", STEEL * 0.35) for s in (-0.22, 0.0, 0.22)]
    else:  # pressed frames, springs at the boxes
        half.append(slab((x - base - 0.4, x + base + 0.4), (0.99, 1.01), (z + 0.2, z + 0.42)))
        for at in (x - base, x + base):
            half += [cylinder((at + s, 1.02, z + 0.05), 0.06, 0.26, "steel", STEEL * 0.3) for s in (-0.24, 0.24)]
        half += [slab((x - base - 0.45, x - base - 0.4), (0.6, 1.0), (z + 0.2, z + 0.4), "steel", STEEL * 0.3)]
    for at in (x - base + radius + 0.04, x + base - radius - 0.04):
        half.append(slab((at - 0.03, at + 0.03), (GAUGE - 0.04, GAUGE + 0.1), (z - 0.2, z + 0.12), "steel", STEEL * 0.7))
    parts += both_sides(half)
    parts += tube((x - 0.2, x + 0.2), (-1.1, 1.1), (z + 0.05, max(top - 0.06, z + 0.2)), 0.02)
    return [*parts, cylinder((x, 0.0, top - 0.03), 0.18, 0.06, "steel", STEEL * 0.7)]


def _ends(x: Span, z: float, buffers: bool) -> list[Solid]:
    """Buffers, or a center coupler alone, at both ends; z is their middle [m]."""
    parts: list[Solid] = []
    if buffers:
        parts += both_sides([
            cylinder((x[0] - 0.2, 0.875, z), 0.09, 0.4, "steel", STEEL * 0.45, "x"),
            cylinder((x[0] - 0.42, 0.875, z), 0.05, 0.4, "steel", STEEL * 0.8, "x"),
            cylinder((x[0] - 0.62, 0.875, z), 0.23, 0.025, "steel", STEEL, "x"),
        ])  # fmt: skip
    parts += [
        slab((x[0] - 0.1, x[0] + 0.5), (-0.12, 0.12), (z - 0.12, z + 0.12), "steel", STEEL * 0.4),
        slab((x[0] - (0.4 if buffers else 0.65), x[0] - 0.1), (-0.07, 0.07), (z - 0.08, z + 0.06), "steel", STEEL * 0.5),
    ]
    middle = (x[0] + x[1]) / 2
    return [*parts, *(mirrored(p, "x", middle) for p in parts)]


def underframe(
    rng: np.random.Generator, x: Span, top: float, *, two_axles: bool = False
) -> tuple[list[Solid], tuple[Niche, ...]]:
    """Beams, running gear, brakes and buffers of a wagon below z = top.

    Parameters
    ----------
    rng : numpy.random.Generator
    x : (float, float) [m]
        Over the headstocks.
    top : float [m]
    two_axles : bool
        Two single wheelsets in place of bogies.

    Returns
    -------
    solids : list of Solid
    niches : tuple of Niche
    """
    rails, low = top - FLOOR, top - 0.3
    swell = float(rng.uniform(0.0, 0.35))
    ends = (x[0] + 2.6, x[1] - 2.6)
    stations = [(x[0], low, top), (ends[0], low, top), (ends[0] + 1.0, low - swell - 0.01, top)]
    stations += [(ends[1] - 1.0, low - swell - 0.01, top), (ends[1], low, top), (x[1], low, top)]
    parts = both_sides(girder(stations, float(rng.choice([0.5, 1.15])), 0.012, (0.16, 0.018)))
    parts += both_sides([slab(x, (0.18, 0.19), (top - 0.25, top - 0.02)), slab(x, (1.3, 1.31), (top - 0.2, top))])
    for at in np.arange(x[0] + 0.8, x[1] - 0.5, float(rng.uniform(0.9, 1.6))):
        parts.append(slab((at, at + 0.008), (-1.3, 1.3), (top - 0.18, top - 0.02)))
    for at in (x[0], x[1] - 0.14):
        parts += tube((at, at + 0.14), (-1.3, 1.3), (top - 0.32, top - 0.01), 0.012)
    seats = (x[0] + 2.1, x[1] - 2.1)
    base, cast = float(rng.choice([0.9, 0.925, 1.0])), bool(rng.random() < 0.5)
    if two_axles:
        for at in seats:
            parts += _wheelset(at, rails + 0.46, 0.46)
            leaf = [strut((at - 0.6 + 0.07 * i, rails + 0.64 + 0.014 * i), (at + 0.6 - 0.07 * i, rails + 0.64 + 0.014 * i),
                          (0.96, 1.08), 0.013) for i in range(5)]  # fmt: skip
            guard = [slab((at + s, at + s + 0.012), (1.0, 1.1), (rails + 0.3, low), "steel") for s in (-0.2, 0.19)]
            parts += both_sides([*leaf, *guard])
    else:
        for at in seats:
            parts += _bogie(at, base, low, rails, cast=cast)
    parts += _ends(x, top - 0.2, bool(rng.random() < 0.65))
    middle = (x[0] + x[1]) / 2
    parts += air_tank((middle + 0.8, 0.55, low - 0.15), 0.2, 0.9)
    parts += [cylinder((middle - 0.7, -0.4, low - 0.1), 0.16, 0.35, "steel", STEEL * 0.5, "x")]
    parts += pipe((middle, 0.3, low - 0.05), (0.02, x[1] - x[0] - 1.0), 0.004, "x")
    axle = Room(seats[0] - 0.4, seats[0] + 0.4, -0.5, 0.5, rails + 0.6, top)
    under = Room(seats[0] + 1.6, seats[1] - 1.6, -0.48, 0.48, rails + 0.45, top)
    return parts, (Niche("axle", axle), Niche("under floor", under))


def covered_wagon(rng: np.random.Generator) -> Vehicle:
    """A covered wagon of steel or boards with sliding doors."""
    long, two = float(rng.choice([9.8, 12.8, 13.8, 16.5])), False
    two = long < 14 and rng.random() < 0.6
    half, wall = float(rng.uniform(1.32, 1.5)), float(rng.uniform(1.9, 2.3))
    top = wall + float(rng.uniform(0.3, 0.5))
    frame, niches = underframe(rng, (0.0, long), -0.05, two_axles=two)
    boards = rng.random() < 0.4
    face = half - (0.03 if boards else 0.003)
    side = [slab((0.0, long), (face, half), (0.0, wall), "wood" if boards else "steel", 0.6 if boards else STEEL)]
    for x in np.arange(0.0, long, float(rng.uniform(0.9, 1.5))):
        side.append(slab((x, x + 0.07), (half, half + 0.06), (-0.2, wall), "steel", STEEL * 0.2))
    for z in (0.0, wall - 0.08):
        side.append(slab((0.0, long), (half + 0.06, half + 0.07), (z, z + 0.08)))
    wide = float(rng.uniform(1.2, 2.0))
    side.append(slab((long / 2 - wide, long / 2 + wide), (half + 0.07, half + 0.074), (-0.05, wall)))
    side += [slab((x, x + 0.05), (half + 0.074, half + 0.12), (-0.05, wall), "steel", STEEL * 0.2)
             for x in np.linspace(long / 2 - wide, long / 2 + wide - 0.05, 5)]  # fmt: skip
    parts = [*frame, *both_sides(side)]
    for x in ((0.0, 0.003), (long - 0.003, long)):
        parts.append(slab(x, (-face, face), (0.0, wall)))
        for y in np.linspace(-face, face - 0.08, 5):
            parts.append(
                slab((x[0] - 0.05, x[0]) if x[0] < 1 else (x[1], x[1] + 0.05), (y, y + 0.08), (0.0, wall), "steel", STEEL * 0.2)
            )
    parts.append(slab((0.003, long - 0.003), (-face, face), (-0.045, 0.0), "wood", 0.7))
    steps = np.linspace(0.0, 1.0, 6)
    for share, less in pairwise(steps):  # a vaulted roof
        y0, y1 = half * (1 - less), half * (1 - share)
        z = wall + (top - wall) * (1 - ((y0 + y1) / 2 / half) ** 2)
        parts += both_sides([slab((0.0, long), (y0, y1), (z, z + 0.002))])
    for x in np.arange(0.5, long, 1.1):
        parts.append(slab((x, x + 0.05), (-half + 0.1, half - 0.1), (wall - 0.04, wall), "steel", STEEL * 0.12))
    room = Room(0.01, long - 0.01, -face + 0.01, face - 0.01, 0.0, wall - 0.05)
    loft = Niche("roof space", Room(0.5, long - 0.5, -0.9, 0.9, wall - 0.02, wall + 0.95 * (top - wall)))
    unit = Unit(tuple(parts), room, "box", long, -0.05, top + 0.01, (*niches, loft))
    return assembled("rail covered wagon", [unit])


def open_wagon(rng: np.random.Generator) -> Vehicle:
    """A wagon with high steel sides and no roof."""
    long, half = float(rng.choice([8.8, 12.8, 14.0])), float(rng.uniform(1.38, 1.5))
    wall, sheet = float(rng.uniform(1.2, 2.1)), float(rng.uniform(0.004, 0.006))
    frame, niches = underframe(rng, (0.0, long), -0.01)
    face = half - sheet
    side = [slab((0.0, long), (face, half), (0.0, wall)), *tube((0.0, long), (half, half + 0.1), (wall - 0.1, wall), 0.006)]
    for x in np.arange(0.0, long - 0.05, float(rng.uniform(1.1, 1.6))):
        side += tube((x, x + 0.12), (half, half + 0.1), (-0.25, wall - 0.1), 0.006)
    if rng.random() < 0.6:
        side.append(slab((long / 2 - 0.9, long / 2 + 0.9), (half + 0.1, half + 0.105), (0.0, min(1.7, wall - 0.1))))
    parts = [*frame, *both_sides(side), slab((sheet, long - sheet), (-face, face), (-0.008, 0.0))]
    for x, out in (((0.0, sheet), (-0.08, 0.0)), ((long - sheet, long), (long, long + 0.08))):
        parts.append(slab(x, (-face, face), (0.0, wall)))
        parts += [slab(out, (y, y + 0.1), (0.0, wall), "steel", STEEL * 0.2) for y in np.linspace(-face, face - 0.1, 4)]
    room = Room(sheet, long - sheet, -face, face, 0.0, wall + 0.3)
    unit = Unit(tuple(parts), room, "open", long, -0.01, wall, niches)
    return assembled("rail open wagon", [unit])


def hopper_wagon(rng: np.random.Generator) -> Vehicle:
    """A wagon for bulk goods with slanted ends and chutes; its room is what lies above them."""
    long, half = float(rng.uniform(9.0, 13.5)), float(rng.uniform(1.38, 1.52))
    wall, sheet, deep = float(rng.uniform(1.6, 2.3)), 0.005, 0.75
    frame, niches = underframe(rng, (0.0, long), -deep + 0.35)
    start, end = 1.6, long - 1.6
    face = half - sheet
    side = [slab((0.0, long), (face, half), (0.0, wall)), *tube((0.0, long), (half, half + 0.1), (wall - 0.1, wall), 0.006)]
    side += [
        slab((x, x + 0.1), (half, half + 0.09), (-0.3, wall - 0.1), "steel", STEEL * 0.2)
        for x in np.arange(0.1, long - 0.1, 1.0)
    ]
    parts = [*frame, *both_sides(side)]
    parts.append(strut((0.0, wall), (start, 0.0), (-face, face), sheet))
    parts.append(strut((end, 0.0), (long, wall), (-face, face), sheet))
    count = int(rng.integers(2, 4))
    step = (end - start) / count
    for i in range(count):  # chutes: V-shaped bottoms with gates
        x = start + i * step
        parts.append(strut((x, -0.01), (x + step / 2 - 0.2, -deep + 0.1), (-face, face), sheet))
        parts.append(strut((x + step / 2 + 0.2, -deep + 0.1), (x + step, -0.01), (-face, face), sheet))
        parts.append(
            slab((x + step / 2 - 0.25, x + step / 2 + 0.25), (-0.9, 0.9), (-deep + 0.05, -deep + 0.09), "steel", STEEL * 0.8)
        )
        parts.append(cylinder((x + step / 2, 1.0, -deep), 0.12, 0.1, "steel", STEEL * 0.5, "y"))
    if rng.random() < 0.5:
        parts.append(slab((0.0, long), (-half, half), (wall, wall + 0.003)))
        parts += [cylinder((x, 0.0, wall + 0.05), 0.35, 0.05, "steel", STEEL * 0.3) for x in np.linspace(1.5, long - 1.5, 3)]
    room = Room(start, end, -face, face, 0.0, wall - 0.02)
    slope = Niche("under floor", Room(0.1, start - 0.1, -1.0, 1.0, 0.0, 0.55))
    unit = Unit(tuple(parts), room, "open", long, -0.3, wall, (*niches, slope))
    return assembled("rail hopper wagon", [unit])


def container_wagon(rng: np.random.Generator, units: Sequence[Unit]) -> Vehicle:
    """A flat wagon with containers, front first, each already in its place along x."""
    start, end = units[0].start - 0.6, units[-1].start + units[-1].length + 0.6
    low = min(u.low for u in units)
    frame, niches = underframe(rng, (start, end), low - 0.03)
    for unit in units:
        for x in (unit.start + 0.09, unit.start + unit.length - 0.09):
            frame += both_sides([slab((x - 0.08, x + 0.08), (1.05, 1.22), (low - 0.03, low + 0.015), "steel", STEEL * 0.5)])
    return assembled("rail container wagon", units, frame, niches)


def tank_wagon(rng: np.random.Generator) -> Vehicle:
    """A tank wagon; z = 0 is the lowest point of the vessel's inside."""
    long, radius = float(rng.uniform(9.5, 15.0)), float(rng.uniform(1.2, 1.5))
    wall = float(rng.uniform(0.007, 0.014))
    x = (0.3, long - 0.3)
    frame, niches = underframe(rng, (0.0, long), -0.12)
    parts = [*frame, *fittings(rng, x, radius + wall, radius), *vessel(x, radius, radius, wall)]
    for at in (2.1, long - 2.1):
        parts += both_sides([slab((at - 0.15, at + 0.15), (0.6, 1.1), (-0.1, 0.12), "steel", STEEL * 0.2)])
    room = Room(*x, -radius, radius, 0.0, 2 * radius)
    unit = Unit(tuple(parts), room, "tank", long, -0.12, 2 * radius + wall)
    return assembled("rail tank wagon", [replace(unit, niches=niches)])
