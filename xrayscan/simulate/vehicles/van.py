"""Vans and rigid trucks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.simulate.solid import Room, Solid, cylinder
from xrayscan.simulate.vehicles.chassis import axle, tool_box
from xrayscan.simulate.vehicles.driver import driver_solids
from xrayscan.simulate.vehicles.parts import STEEL, Span, both_sides, mirrored, pipe, slab, strut, tube, wheel
from xrayscan.simulate.vehicles.tractor import Cab, Tractor, cab_of, engine, fuel_tank, seat
from xrayscan.simulate.vehicles.trailer import LOW
from xrayscan.simulate.vehicles.vehicle import Niche, Vehicle, assembled
from xrayscan.simulate.vehicles.vehicle import Unit as _Unit

__all__ = ["rigid", "van"]


@dataclass(frozen=True)
class _Lines:
    """A van's main lines [m]: its load room from x = 0 to ``rear``, its nose, half its width, roof and road."""

    nose: float
    rear: float
    half: float
    roof: float
    ground: float


def van(rng: np.random.Generator) -> Vehicle:
    """A panel van: the cab and its engine at negative x, the load room behind a bulkhead."""
    rear = float(rng.uniform(2.4, 4.3))
    lines = _Lines(
        nose=-float(rng.uniform(2.3, 2.6)),
        rear=rear,
        half=float(rng.uniform(0.93, 1.02)),
        roof=float(rng.uniform(1.4, 2.1)),
        ground=-float(rng.uniform(0.7, 0.8)),
    )
    solids = [*_van_body(rng, lines), *_van_nose(rng, lines), *_van_below(rng, lines)]
    side = float(rng.choice([-1.0, 1.0]))
    for y in (-0.45, 0.45):
        solids += seat((-0.75, y, -0.12))
    solids += [
        slab((-1.6, -1.3), (-0.85, 0.85), (0.35, 0.62), "polyethylene", 0.18),
        slab((-1.5, -1.35), (-0.3, 0.6), (0.4, 0.55), "electronics", 0.2),
        strut((-1.4, 0.2), (-1.15, 0.6), (side * 0.45 - 0.03, side * 0.45 + 0.03), 0.04, "steel", STEEL * 0.4),
    ]
    driver = driver_solids(rng, (-1.02, side * 0.45, -0.11)) if rng.random() < 0.7 else ()
    room = Room(0.04, rear - 0.07, -lines.half + 0.09, lines.half - 0.09, 0.0, lines.roof - 0.06)
    unit = _Unit(tuple(solids), room, "box", rear, -0.15, lines.roof)
    below = Niche("under floor", Room(0.3, rear - 0.3, -0.5, 0.5, lines.ground + 0.25, -0.05))
    return assembled("van", [unit], (), (below,), driver)


def _van_body(rng: np.random.Generator, lines: _Lines) -> list[Solid]:
    """Panels with ribs, lining, roof, floor, bulkhead and rear doors."""
    rear, half, roof = lines.rear, lines.half, lines.roof
    sheet = 0.0011
    side = [slab((0.0, rear), (half - sheet, half), (-0.2, roof - 0.05))]
    side.append(slab((0.05, rear - 0.1), (half - 0.08, half - 0.076), (0.0, 0.6 * roof), "wood", 0.65))
    for x in np.arange(0.05, rear, float(rng.uniform(0.55, 0.9))):
        side += tube((x, x + 0.09), (half - 0.07, half - sheet), (0.0, roof - 0.06), 0.0014)
    for z in (0.45 * roof, 0.75 * roof):
        side.append(slab((0.0, rear), (half - 0.05, half - 0.04), (z, z + 0.06), "steel", STEEL * 0.12))
    side.append(strut((0.0, roof - 0.03), (rear, roof - 0.03), (half - 0.12, half), 0.05, "steel", STEEL * 0.1))
    parts = both_sides(side)
    parts.append(slab((-0.9, rear), (-half + 0.12, half - 0.12), (roof - 0.0012, roof)))
    for x in np.arange(0.3, rear, 0.55):
        parts.append(slab((x, x + 0.06), (-half + 0.12, half - 0.12), (roof - 0.04, roof - 0.0012), "steel", STEEL * 0.1))
    parts.append(slab((0.0, rear), (-half + 0.09, half - 0.09), (-0.012, 0.0), "wood", 0.7))
    parts.append(slab((0.0, rear), (-half + 0.05, half - 0.05), (-0.017, -0.0155), "steel"))
    if rng.random() < 0.75:
        parts.append(slab((0.0, 0.03), (-half + 0.1, half - 0.1), (0.0, roof - 0.06), "steel", STEEL * 0.06))
    x = rear - 0.06
    parts += [slab((rear - 0.002, rear), (-half + 0.02, half - 0.02), (0.0, roof - 0.06))]
    for y in (-half + 0.02, -0.07, 0.005, half - 0.09):
        parts += tube((x, rear - 0.002), (y, y + 0.065), (0.0, roof - 0.06), 0.0015)
    parts.append(slab((rear, rear + 0.12), (-half, half), (-0.35, -0.15), "polyethylene", 0.12))
    return parts


def _van_nose(rng: np.random.Generator, lines: _Lines) -> list[Solid]:
    """Cab and hood: doors, panes, pillars, windshield, engine and bumper."""
    nose, half, roof, ground = lines.nose, lines.half, lines.roof, lines.ground
    sill, head = 0.55, min(1.25, roof - 0.1)
    side = [
        slab((-1.35, 0.0), (half - 0.0016, half), (-0.2, sill)),
        slab((-1.25, -0.1), (half - 0.05, half - 0.045), (-0.1, sill), "polyethylene"),
        slab((-1.1, -0.15), (half - 0.03, half - 0.026), (sill, head), "glass"),
        slab((-0.15, 0.0), (half - 0.09, half), (-0.15, roof - 0.05), "steel", STEEL * 0.1),
        slab((nose + 0.15, -1.35), (half - 0.0011, half), (-0.05, 0.45)),
        strut((-1.55, 0.5), (-0.95, head + 0.05), (half - 0.1, half - 0.02), 0.05, "steel", STEEL * 0.25),
        slab((-0.95, 0.0), (half - 0.0012, half), (head, roof - 0.05)),
        slab((nose + 0.2, 0.5), (0.4, 0.5), (-0.3, -0.18), "steel", STEEL * 0.14),
    ]
    parts = both_sides(side)
    across = (-half + 0.1, half - 0.1)
    parts += [
        strut((-1.55, 0.5), (-0.95, head + 0.05), across, 0.006, "glass"),
        strut((-0.95, head + 0.05), (-0.6, roof), across, 0.0015),
        strut((nose, 0.25), (-1.5, 0.52), across, 0.0012),
        slab((-1.35, 0.0), across, (-0.14, -0.13), "steel", STEEL * 0.4),
        slab((-1.5, -1.47), across, (-0.25, 0.45), "steel", STEEL * 0.15),
        slab((nose - 0.1, nose + 0.05), (-half, half), (-0.3, 0.05), "polyethylene", 0.14),
        slab((nose + 0.02, nose + 0.1), (-half + 0.1, half - 0.1), (-0.15, -0.05), "steel", STEEL * 0.2),
    ]
    parts += engine(rng, nose + 0.5, ground - 0.25, 0.55)
    parts += both_sides([slab((nose + 0.05, nose + 0.25), (half - 0.35, half - 0.08), (0.05, 0.22), "polyethylene", 0.25)])
    parts.append(slab((nose + 0.4, nose + 0.65), (0.45, 0.65), (0.1, 0.28), "lead battery"))
    return parts


def _van_below(rng: np.random.Generator, lines: _Lines) -> list[Solid]:
    """Wheels, axles, springs, rails, exhaust, fuel tank, spare wheel."""
    ground, half = lines.ground, lines.half
    radius = min(float(rng.uniform(0.33, 0.36)), -ground / 2 - 0.015)
    front, back = lines.nose + 0.85, lines.rear - float(rng.uniform(0.75, 1.1))
    z = ground + radius
    parts: list[Solid] = []
    for x in (front, back):
        parts += both_sides([
            *wheel((x, half - 0.13, z), (radius, 0.21), brake=-0.1),
            cylinder((x, half - 0.35, z + 0.2), 0.06, 0.3, "steel", STEEL * 0.3),
            slab((x - 0.25, x + 0.25), (half - 0.42, half - 0.36), (z - 0.06, z), "steel", STEEL * 0.3),
        ])  # fmt: skip
    parts += pipe((back, 0.0, z), (0.05, 2 * (half - 0.3)), 0.008, "y")
    for i in range(2):
        parts += both_sides([strut((back - 0.6, z + 0.1 + 0.012 * i), (back + 0.6, z + 0.1 + 0.012 * i), (0.55, 0.62), 0.01)])
    parts += both_sides(tube((-1.3, lines.rear), (0.42, 0.5), (-0.15, -0.03), 0.003))
    for x in np.arange(-0.8, lines.rear, 0.6):
        parts.append(slab((x, x + 0.05), (-half + 0.1, half - 0.1), (-0.06, -0.018), "steel", STEEL * 0.08))
    parts += fuel_tank(rng, (0.1, 0.95), (-0.4, 0.15), (ground + 0.22, -0.16))
    parts += pipe((1.0, 0.28, ground + 0.3), (0.03, 2.6), 0.0015, "x")
    parts += [cylinder((min(1.6, lines.rear - 0.8), 0.28, ground + 0.32), 0.09, 0.5, "steel", STEEL * 0.15, "x")]
    if rng.random() < 0.7:
        parts += wheel((lines.rear - 0.45, 0.0, ground + 0.33), (radius, 0.2), "z")
    return parts


def rigid(rng: np.random.Generator, body: _Unit, name: str) -> Vehicle:
    """A truck with a body on its own frame, and a wind deflector on most cabs.

    Parameters
    ----------
    rng : numpy.random.Generator
    body : Unit
        Of a trailer's kind.
    name : str

    Returns
    -------
    Vehicle
    """
    low, length = LOW, body.length
    radius = float(rng.uniform(0.42, 0.5))
    ground = low - 0.3 - 2 * radius - float(rng.uniform(0.0, 0.15))
    bunk = float(rng.choice([0.0, 0.6]))
    back = min(-0.12, min(s.center[0] - s.reach[0] for s in body.solids) - 0.08)
    floor = ground + float(rng.uniform(0.8, 1.05))
    tall = max(body.high - floor - 1.75, 0.0)
    deflector = min(tall, 1.1) if tall > 0.3 and rng.random() < 0.8 else 0.0
    cab = Cab((back - 1.6 - bunk, back), (floor, floor + float(rng.uniform(1.65, 1.8))), bunk, deflector, ground)
    solids, niches, driver = cab_of(rng, cab)
    made = _truck_frame(rng, cab, length, (low - 0.28, low), radius)
    return assembled(name, [body], (*made.solids, *solids), (*niches, *made.niches), driver)


def _truck_frame(rng: np.random.Generator, cab: Cab, length: float, z: Span, radius: float) -> Tractor:
    """Frame, engine, axles, tanks and boxes below a truck's body."""
    nose, ground = cab.x[0], cab.ground
    low, high = z
    rail = [
        slab((nose + 0.3, length - 0.1), (0.4, 0.41), (low, high)),
        slab((nose + 0.3, length - 0.1), (0.33, 0.4), (low, low + 0.01)),
        slab((nose + 0.3, length - 0.1), (0.33, 0.4), (high - 0.01, high)),
    ]
    parts = both_sides(rail)
    for x in np.arange(nose + 2.2, length - 0.1, 0.9):
        parts.append(slab((x, x + 0.06), (-0.33, 0.33), (low + 0.02, high - 0.02), "steel", STEEL * 0.12))
    parts += engine(rng, nose + 0.7, ground - 0.05, float(rng.uniform(0.75, 0.95)))
    parts += tube((nose, nose + 0.12), (-1.1, 1.1), (ground + 0.35, ground + 0.6), 0.004)
    front, back = nose + 1.3, 0.68 * length
    parts += both_sides(wheel((front, 1.02, ground + radius), (radius, 0.28), brake=-0.17))
    hub = ground + radius
    parts.append(slab((front - 0.05, front + 0.05), (-0.85, 0.85), (hub - 0.12, hub - 0.03), "steel", STEEL * 0.8))
    axles = [back] if length < 6.5 else [back, back + 2 * radius + 0.3]
    for x in axles:
        parts += axle(rng, (x, ground + radius), radius, low, dual=True)
    parts += pipe((2.0, 0.0, ground + radius + 0.1), (0.05, 3.0), 0.005, "x")
    parts += fuel_tank(rng, (0.6, 1.5), (0.5, 1.1), (ground + 0.45, low - 0.02))
    parts += [slab((0.5, 1.0), (-1.1, -0.55), (ground + 0.5, ground + 0.78), "lead battery", 2.2)]
    made, niche = tool_box(rng, (1.6, 2.4), (0.5, 1.15), (ground + 0.4, ground + 0.9))
    parts += [mirrored(p, "y") for p in made]
    parts += tube((length - 0.2, length - 0.1), (-1.1, 1.1), (ground + 0.4, ground + 0.5), 0.004)
    for h in (ground + 0.45, ground + 0.75):
        parts += both_sides([slab((0.3, axles[0] - radius - 0.1), (1.18, 1.2), (h, h + 0.1), "aluminum", 0.8)])
    room = niche.room
    box = Niche("tool box", Room(room.x0, room.x1, -room.y1, -room.y0, room.z0, room.z1))
    under = Niche("under floor", Room(1.0, axles[0] - radius, -0.33, 0.33, low - 0.15, high))
    return Tractor(tuple(parts), (box, under), (), cab.x[1])
