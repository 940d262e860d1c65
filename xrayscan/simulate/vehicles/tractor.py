"""Tractor units and cabs: frame, engine, gearbox, tanks, axles, cab with seats, bunk, deflector and driver."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from xrayscan.simulate.solid import Room, Solid, cylinder, ellipsoid, torus, turned
from xrayscan.simulate.solid import rotation as _rotation
from xrayscan.simulate.vehicles.chassis import air_tank, axle, tool_box
from xrayscan.simulate.vehicles.coupling import fifth_wheel, frame_end, guards
from xrayscan.simulate.vehicles.driver import driver_solids
from xrayscan.simulate.vehicles.parts import STEEL, Span, both_sides, pipe, rod, shell, slab, strut, tube, wheel
from xrayscan.simulate.vehicles.vehicle import Niche

__all__ = ["Cab", "Tractor", "cab_of", "engine", "fuel_tank", "seat", "tractor"]

OUT = 1.2  # half of a cab's width [m]


@dataclass(frozen=True, eq=False)
class Tractor:
    """A tractor unit; ``back`` is x of its cab's rear wall [m]."""

    solids: tuple[Solid, ...]
    niches: tuple[Niche, ...]
    driver: tuple[Solid, ...]
    back: float


@dataclass(frozen=True)
class Cab:
    """Where a cab stands.

    Attributes
    ----------
    x, z : (float, float) [m]
    bunk : float [m]
        Depth of the bunk behind the seats; 0 is none.
    deflector : float [m]
        Height of the wind deflector on the roof; 0 is none.
    ground : float [m]
        z of the road.
    """

    x: Span
    z: Span
    bunk: float
    deflector: float
    ground: float


def tractor(rng: np.random.Generator, pin: float, plate: float, ground: float, front: float) -> Tractor:
    """A tractor unit under a trailer.

    Parameters
    ----------
    rng : numpy.random.Generator
    pin : float [m]
        x of the trailer's king pin.
    plate : float [m]
        z of the underside of the trailer's rubbing plate.
    ground : float [m]
        z of the road.
    front : float [m]
        x of the foremost part of the trailer or of what it carries.

    Returns
    -------
    Tractor
    """
    hood = float(rng.uniform(1.2, 1.7)) if rng.random() < 0.3 else 0.0
    bunk = float(rng.choice([0.0, 0.7, 0.8]))
    back = min(front - float(rng.uniform(0.45, 1.0)), pin - 1.35)
    start = back - (1.5 if hood else 1.55) - bunk
    floor = ground + (float(rng.uniform(0.95, 1.05)) if hood else float(rng.uniform(1.05, 1.4)))
    roof = floor + float(rng.choice([1.65, 2.0, 2.2]))
    tall = min(float(rng.uniform(0.45, 0.9)), ground + 4.0 - roof)
    deflector = tall if rng.random() < 0.6 and tall > 0.3 else 0.0
    cab = Cab((start, back), (floor, roof), bunk, deflector, ground)
    nose = start - hood
    solids, niches, driver = cab_of(rng, cab)
    radius = float(rng.uniform(0.48, 0.53))
    drives = [pin + 0.1] if rng.random() < 0.55 else [pin - 0.65, pin + 0.65]
    end = drives[-1] + float(rng.uniform(0.55, 0.8))
    solids = _chassis(nose, end, ground, radius) + solids
    solids += engine(rng, nose + (0.5 if hood else 0.75), ground)
    if hood:
        solids += _hood((nose, start), ground, floor + 0.55)
    solids += _steer_axle(rng, nose + (1.0 if hood else 1.35), ground, radius)
    for x in drives:
        solids += axle(rng, (x, ground + radius), radius, ground + 0.92, dual=True)
        solids.append(ellipsoid((x, 0.0, ground + radius), (0.27, 0.24, 0.24), "steel", STEEL * 0.55))
        solids += guards(rng, x, ground + radius, radius)
    solids += fifth_wheel(rng, pin, plate, ground + 0.94) + frame_end(rng, end, ground, (ground + 0.68, ground + 0.94))
    tanks, boxes = _sides(rng, (nose + (1.0 if hood else 1.35) + radius + 0.1, drives[0] - radius - 0.1), ground)
    gap = Niche("front gap", Room(back + 0.02, front - 0.02, -1.1, 1.1, ground + 1.1, ground + 2.9))
    if rng.random() < 0.6:
        solids += _hoses(rng, (back, front), ground + 1.9)
    return Tractor((*solids, *tanks), (*niches, *boxes, gap), driver, back)


def _chassis(x0: float, x1: float, ground: float, radius: float) -> list[Solid]:
    """Frame rails, cross members, bumper and shaft."""
    low, high = ground + 0.68, ground + 0.94
    rail = [
        slab((x0 + 0.15, x1), (0.42, 0.437), (low, high)),
        slab((x0 + 0.15, x1), (0.35, 0.42), (low, low + 0.016)),
        slab((x0 + 0.15, x1), (0.35, 0.42), (high - 0.016, high)),
    ]
    parts = both_sides(rail)
    for x in np.linspace(x0 + 2.6, x1 - 0.1, 4):
        parts.append(slab((x, x + 0.008), (-0.42, 0.42), (low + 0.02, high - 0.02)))
        parts.append(slab((x + 0.008, x + 0.09), (-0.42, 0.42), (low + 0.02, low + 0.03)))
    parts += tube((x0, x0 + 0.12), (-1.15, 1.15), (ground + 0.35, ground + 0.6), 0.008)
    parts += pipe(((x0 + 2.6 + x1 - 0.8) / 2, 0.0, ground + radius + 0.08), (0.06, max(x1 - 0.8 - x0 - 2.6, 0.3)), 0.005, "x")
    return parts


def engine(rng: np.random.Generator, x: float, ground: float, share: float = 1.0) -> list[Solid]:
    """Engine with radiator and gearbox behind x [m]; share scales its size, 1 for a heavy truck."""
    long, half, low = 1.15 * share, 0.27 * share, ground + 0.5
    mid = low + 0.25 * share
    parts = [
        slab((x, x + long), (-half, half), (mid, mid + 0.55 * share), "steel", STEEL * float(rng.uniform(0.46, 0.56))),
        slab((x, x + long), (-half * 0.8, half * 0.8), (low, mid), "oil", 0.75),
        slab((x, x + long), (-half * 0.7, half * 0.7), (mid + 0.55 * share, mid + 0.75 * share), "aluminum", 1.3),
        slab((x - 0.32, x - 0.26), (-0.4 * share, 0.4 * share), (low + 0.05, low + 0.9 * share), "aluminum", 0.6),
        slab((x - 0.25, x - 0.21), (-0.38 * share, 0.38 * share), (low + 0.05, low + 0.9 * share), "copper", 0.7),
        cylinder((x - 0.14, 0.0, low + 0.5 * share), 0.33 * share, 0.05, "polyethylene", 0.3, "x"),
        cylinder((x + long + 0.07, 0.0, mid + 0.15 * share), 0.26 * share, 0.14, "steel", STEEL * 0.55, "x"),
        cylinder((x + long + 0.14 + 0.38 * share, 0.0, mid + 0.12 * share), 0.19 * share, 0.76 * share, "aluminum", 3.0, "x"),
        cylinder((x + 0.3, half + 0.1, mid + 0.45 * share), 0.09, 0.18, "steel", STEEL * 0.5, "x"),
        cylinder((x + 0.2, -half - 0.09, mid + 0.2 * share), 0.08, 0.2, "copper", 3.5, "x"),
    ]
    for i in range(6 if share > 0.8 else 4):
        at = x + (i + 0.5) * long / (6 if share > 0.8 else 4)
        parts.append(cylinder((at, 0.0, mid + 0.4 * share), 0.062 * share, 0.28 * share, "steel", STEEL * 0.15, "z"))
    return parts


def _hood(x: Span, ground: float, top: float) -> list[Solid]:
    """A hood in front of the cab."""
    skin = [
        slab(x, (0.98, 0.985), (ground + 0.95, top - 0.15), "polyethylene", 1.5),
        strut((x[0], top - 0.25), (x[1], top), (0.0, 0.98), 0.005, "polyethylene", 1.5),
        slab((x[0], x[0] + 0.006), (0.0, 0.95), (ground + 0.6, top - 0.25), "steel", STEEL * 0.5),
    ]
    return both_sides(skin)


def _steer_axle(rng: np.random.Generator, x: float, ground: float, radius: float) -> list[Solid]:
    z = ground + radius
    half = [
        *wheel((x, 1.04, z), (radius, 0.3), brake=-0.18),
        slab((x - 0.05, x + 0.05), (0.0, 0.85), (z - 0.13, z - 0.02), "steel", STEEL),
        *(slab((x - s, x + s), (0.38, 0.46), (z + h, z + h + 0.013)) for s, h in ((0.85, 0.14), (0.75, 0.12), (0.6, 0.1))),
        rod((x - 0.25, 0.5, z + 0.4), (x, 0.5, z), 0.03, "steel", STEEL * 0.4),
        slab((x - 0.55, x + 0.55), (0.85, 1.22), (z + radius + 0.12, z + radius + 0.125), "polyethylene"),
    ]
    return both_sides(half)


def fuel_tank(rng: np.random.Generator, x: Span, y: Span, z: Span) -> list[Solid]:
    """An aluminum or plastic tank with fuel to some height."""
    kind, wall = ("aluminum", 0.003) if rng.random() < 0.7 else ("polyethylene", 0.008)
    level = z[0] + wall + float(rng.uniform(0.1, 0.95)) * (z[1] - z[0] - 2 * wall)
    fuel = slab((x[0] + wall, x[1] - wall), (y[0] + wall, y[1] - wall), (z[0] + wall, level), "oil", 0.84)
    return [*shell(x, y, z, wall, kind), fuel]


def _sides(rng: np.random.Generator, free: Span, ground: float) -> tuple[list[Solid], list[Niche]]:
    """Tanks, batteries and the silencer beside the frame, between the wheels."""
    z = (ground + 0.42, ground + 0.98)
    long = max(free[1] - free[0], 0.5)
    end = free[0] + min(long, float(rng.uniform(0.7, 1.4)))
    parts = fuel_tank(rng, (free[0], end), (0.5, 1.15), z)
    side = (-1.15, -0.5)
    niches: list[Niche] = []
    parts += shell((free[0], free[0] + 0.45 * long), side, z, 0.003)
    parts.append(slab((free[0] + 0.05, free[0] + 0.42 * long), (-1.1, -0.55), (z[0] + 0.05, z[1] - 0.05), "steel", 0.5))
    start = free[0] + 0.5 * long
    if rng.random() < 0.5:
        end = start + min(0.55, 0.48 * long)
        parts.append(slab((start, end), (-1.1, -0.55), (z[0] + 0.1, z[0] + 0.34), "lead battery", 2.2))
    elif long > 1.2:
        made, niche = tool_box(rng, (start, start + 0.48 * long), side, z)
        parts += made
        niches.append(niche)
    if long > 1.0:
        parts += air_tank((free[0] + 0.5 * long, 0.0, ground + 0.55), 0.14, min(0.8, 0.6 * long))
    return parts, niches


def _hoses(rng: np.random.Generator, x: Span, z: float) -> list[Solid]:
    """Coiled air lines and a cable that hang between the cab and the trailer."""
    parts, sag = [], float(rng.uniform(0.3, 0.7))
    for y in (-0.2, 0.0, 0.2):
        t = np.linspace(0.0, 1.0, 6)
        points = np.stack([x[0] + t * (x[1] - x[0]), np.full(6, y), z - 4 * sag * t * (1 - t) - 0.9 * t], axis=1)
        for a, b in pairwise(points):
            parts.append(rod(tuple(a), tuple(b), 0.012, "rubber", 1.0))
    return parts


def cab_of(rng: np.random.Generator, cab: Cab, manned: float = 0.7) -> tuple[list[Solid], list[Niche], tuple[Solid, ...]]:
    """A cab with all that is in it.

    Parameters
    ----------
    rng : numpy.random.Generator
    cab : Cab
    manned : float
        Probability of a driver.

    Returns
    -------
    solids : list of Solid
    niches : list of Niche
    driver : tuple of Solid
    """
    solids = _cab_shell(cab)
    side = float(rng.choice([-1.0, 1.0]))
    place = cab.x[0] + 1.0
    for y in (-0.6, 0.6):
        solids += seat((place, y, cab.z[0]))
    solids += _dashboard(cab, side)
    niches = []
    if cab.bunk:
        x, z = (cab.x[1] - cab.bunk + 0.05, cab.x[1] - 0.03), cab.z[0] + 0.35
        solids.append(slab(x, (-1.1, 1.1), (z, z + 0.015), "wood"))
        solids.append(slab(x, (-1.08, 1.08), (z + 0.015, z + 0.13), "foam", 0.05))
        solids += shell(x, (0.2, 1.1), (cab.z[0] + 0.01, z), 0.002)
        niches.append(Niche("cab bunk", Room(*x, -1.08, 1.08, z + 0.13, cab.z[1] - 0.05)))
        if cab.z[1] - cab.z[0] > 1.9 and rng.random() < 0.6:
            solids.append(slab(x, (-1.1, 1.1), (z + 0.85, z + 0.95), "foam", 0.08))
    if cab.deflector:
        made, niche = _deflector(cab)
        solids += made
        niches.append(niche)
    driver = driver_solids(rng, (place - 0.27, side * 0.6, cab.z[0] + 0.01)) if rng.random() < manned else ()
    return solids, niches, driver


def _cab_shell(cab: Cab) -> list[Solid]:
    """Sheets, pillars and panes."""
    (x0, x1), (z0, z1) = cab.x, cab.z
    sill, head, sheet = z0 + 0.75, min(z0 + 1.5, z1 - 0.15), 0.0032
    door = min(x0 + 1.35, x1 - 0.1)
    foot = max(cab.ground + 0.45, z0 - 0.65)
    slope = 0.18
    side = [
        slab((x0, x1), (OUT - sheet, OUT), (foot if z0 - foot > 0.3 else z0, sill)),
        slab((x0 + slope, x1), (OUT - sheet, OUT), (head, z1)),
        slab((door, x1), (OUT - sheet, OUT), (sill, head)),
        slab((x0 + 0.25, door), (OUT - 0.005, OUT), (sill, head), "glass"),
        slab((x0, door), (OUT - 0.05, OUT - 0.045), (z0, sill), "polyethylene", 1.0),
        slab((door, door + 0.07), (OUT - 0.06, OUT - 0.01), (z0, z1), "steel", STEEL * 0.2),
        strut((x0 + 0.05, sill), (x0 + slope + 0.05, head), (OUT - 0.07, OUT - 0.01), 0.07, "steel", STEEL * 0.2),
        rod((x0 + 0.1, OUT + 0.12, sill + 0.05), (x0 + 0.1, OUT + 0.12, head), 0.05, "polyethylene", 0.6),
    ]
    across = (-OUT + 0.07, OUT - 0.07)
    return [
        *both_sides(side),
        slab((x0 + slope, x1), (-OUT + sheet, OUT - sheet), (z1 - 0.003, z1)),
        slab((x0 + 0.05, x1), across, (z0 - 0.007, z0)),
        slab((x1 - 0.006, x1), across, (z0, z1 - 0.004)),
        slab((x0, x0 + 0.004), across, (max(foot, cab.ground + 0.62), sill)),
        strut((x0, sill), (x0 + slope, head), across, 0.008, "glass"),
        slab((x0 + slope, x0 + slope + 0.004), across, (head, z1 - 0.004)),
    ]


def seat(at: tuple[float, float, float]) -> list[Solid]:
    """A seat with its base, cushion, back and headrest, open to −x."""
    x, y, z = at
    return [
        slab((x - 0.15, x + 0.2), (y - 0.18, y + 0.18), (z, z + 0.25), "steel", 0.5),
        slab((x - 0.27, x + 0.25), (y - 0.25, y + 0.25), (z + 0.25, z + 0.38), "foam", 0.09),
        strut((x + 0.27, z + 0.36), (x + 0.42, z + 1.0), (y - 0.24, y + 0.24), 0.12, "foam", 0.1),
        strut((x + 0.33, z + 0.36), (x + 0.47, z + 1.0), (y - 0.2, y + 0.2), 0.006),
        slab((x + 0.4, x + 0.5), (y - 0.14, y + 0.14), (z + 1.03, z + 1.22), "foam", 0.1),
    ]


def _dashboard(cab: Cab, side: float) -> list[Solid]:
    x, z = cab.x[0], cab.z[0]
    ring = torus((x + 0.55, side * 0.6, z + 0.78), 0.215, 0.016, "steel", 2.2, "z")
    return [
        slab((x + 0.08, x + 0.38), (-1.1, 1.1), (z + 0.45, z + 0.78), "polyethylene", 0.22),
        slab((x + 0.2, x + 0.36), (-0.4, 0.9), (z + 0.55, z + 0.72), "electronics", 0.18),
        rod((x + 0.3, side * 0.6, z + 0.15), (x + 0.53, side * 0.6, z + 0.76), 0.03, "steel", STEEL * 0.4),
        turned(ring, _rotation(pitch=-0.35)),
        slab((x + 0.1, x + 0.16), (-0.4, 0.4), (z + 0.1, z + 0.4), "aluminum", 0.5),
    ]


def _deflector(cab: Cab) -> tuple[list[Solid], Niche]:
    """A wind deflector of glass fiber on the roof, and the space below it."""
    (x0, x1), z = cab.x, cab.z[1]
    top, start, end = z + cab.deflector, x0 + 0.35, x1 - 0.05
    kink = start + 0.75 * (end - start)
    parts = [
        strut((start, z + 0.04), (kink, top), (-OUT + 0.1, OUT - 0.1), 0.004, "polyethylene", 1.6),
        slab((kink, end), (-OUT + 0.1, OUT - 0.1), (top - 0.002, top + 0.002), "polyethylene", 1.6),
        *both_sides([slab((kink - 0.3, end), (OUT - 0.1, OUT - 0.096), (z, top), "polyethylene", 1.6)]),
        *both_sides([rod((end - 0.1, 0.7, z), (end - 0.1, 0.7, top), 0.015, "aluminum", 1.5)]),
    ]
    room = Room(start + 0.45 * (kink - start), end, -OUT + 0.12, OUT - 0.12, z, z + 0.6 * cab.deflector + 0.1)
    return parts, Niche("wind deflector", room)
