"""Passenger cars: bodies, cabins, seats, engines, wheels, and halves of cars that were cut through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.simulate.loads.assemblies import engine, gearbox, hollow_box, radiator, tube, wheel
from xrayscan.simulate.loads.stow import Piece, lofted, piece, spun
from xrayscan.simulate.solid import Solid, box, capsule, cylinder, ellipsoid, mesh_solid, moved, rotation, torus, turned

__all__ = ["half_cut", "passenger_car", "seat"]

Rng = np.random.Generator
STEEL = 7.85


@dataclass(frozen=True)
class _Car:
    """Measures of a car [m]: length, half width, heights of roof, belt line and hood, places along it, its tires."""

    long: float
    half: float
    roof: float
    belt: float
    hood: float
    cowl: float
    rear: float
    tire: float


def _measures(rng: Rng) -> _Car:
    kind = rng.choice(["small", "sedan", "wagon", "off-road"], p=[0.3, 0.3, 0.2, 0.2])
    long = float({"small": rng.uniform(3.5, 4.05), "sedan": rng.uniform(4.3, 4.85)}.get(str(kind), rng.uniform(4.2, 4.75)))
    roof = float(rng.uniform(1.65, 1.85) if kind == "off-road" else rng.uniform(1.38, 1.52))
    belt = 0.62 * roof
    rear = long * {"small": 0.97, "sedan": 0.83}.get(str(kind), 0.97)
    return _Car(
        long,
        float(rng.uniform(0.8, 0.9)),
        roof,
        belt,
        belt * 0.96,
        long * float(rng.uniform(0.25, 0.29)),
        rear,
        0.29 + 0.05 * (roof > 1.6),
    )


def _body_rings(car: _Car, thin: float) -> np.ndarray:
    """Rings of the lower body from nose to tail, drawn in by so much [m]."""
    shares = [
        (0.0, 0.35, 0.82, 0.72),
        (0.04, 0.24, 0.93, 0.9),
        (0.27, 0.2, 1.0, 1.0),
        (0.75, 0.2, 1.0, 1.03),
        (0.96, 0.26, 0.95, 1.02),
        (1.0, 0.36, 0.85, 0.9),
    ]
    rings = []
    for along, low, wide, top in shares:
        x = along * car.long
        x = min(max(x, thin), car.long - thin)
        w, z0, z1 = car.half * wide - thin, low + thin, (car.hood if along < 0.2 else car.belt) * top - thin
        middle = (z0 + z1) / 2
        rings.append(
            [(x, -0.86 * w, z0), (x, 0.86 * w, z0), (x, w, middle), (x, 0.93 * w, z1), (x, -0.93 * w, z1), (x, -w, middle)]
        )
    return np.array(rings)


def _body(rng: Rng, car: _Car) -> list[Solid]:
    """Skin of the body and of the cabin, glass, pillars, roof, floor, sills, bumpers, doors' beams."""
    skin = float(rng.uniform(0.0024, 0.0034))
    parts = [lofted(_body_rings(car, 0.0), "steel", STEEL), lofted(_body_rings(car, skin), "steel", 0.0)]
    wide, narrow = 0.9 * car.half, 0.7 * car.half
    front, back = car.cowl + 0.62 * (car.roof - car.belt) + 0.35, car.rear - 0.35 * (car.roof - car.belt) - 0.1
    for density, thin in ((2.5, 0.0), (0.0, 0.0045)):
        rings = []
        for start, end, half, z in ((car.cowl, car.rear, wide, car.belt), (front, back, narrow, car.roof)):
            a, b, w = start + thin, end - thin, half - thin
            rings.append([(a, -w, z), (b, -w, z), (b, w, z), (a, w, z)])
        parts.append(lofted(rings, "glass", density))
    parts.append(box((front, -narrow, car.roof - 0.004), (back, narrow, car.roof), "steel", STEEL * 0.5))
    middle = (front + back) / 2
    for side in (-1, 1):
        ends = [((car.cowl, wide), (front, narrow)), ((middle, wide), (middle, narrow)), ((car.rear, wide), (back, narrow))]
        for (x0, y0), (x1, y1) in ends:
            parts.append(capsule((x0, side * y0, car.belt), (x1, side * y1, car.roof - 0.03), 0.028, "steel", 2.2))
        parts.append(
            capsule((front, side * narrow, car.roof - 0.03), (back, side * narrow, car.roof - 0.03), 0.025, "steel", 2.0)
        )
        y = side * 0.88 * car.half
        parts.append(box((0.22 * car.long, y - 0.06, 0.21), (0.76 * car.long, y + 0.06, 0.32), "steel", 1.5))
        parts.append(box((car.cowl + 0.1, y - 0.03, 0.55), (car.rear * 0.92, y + 0.03, 0.6), "steel", 1.2))
        parts.append(box((0.1, side * 0.5 - 0.04, 0.4), (0.28 * car.long, side * 0.5 + 0.04, 0.5), "steel", 2.3))
    parts.append(box((0.25 * car.long, -0.8 * car.half, 0.225), (0.93 * car.long, 0.8 * car.half, 0.23), "steel", STEEL))
    parts.append(
        box((car.cowl - 0.03, -0.85 * car.half, 0.3), (car.cowl - 0.026, 0.85 * car.half, car.belt * 0.95), "steel", STEEL)
    )
    for x in (0.05, car.long - 0.13):
        parts.append(box((x, -0.75 * car.half, 0.42), (x + 0.08, 0.75 * car.half, 0.54), "steel", 0.9))
    return parts


def seat(x: float, y: float, wide: float) -> list[Solid]:
    """A seat at a place, so wide [m]: cushion, back, head rest and the frame in them."""
    back = box((x + 0.42, y - wide / 2, 0.5), (x + 0.54, y + wide / 2, 1.05), "foam", 0.09)
    lean = rotation(pitch=0.25)
    return [
        box((x, y - wide / 2, 0.35), (x + 0.5, y + wide / 2, 0.5), "foam", 0.09),
        box((x + 0.05, y - wide / 2 + 0.04, 0.28), (x + 0.45, y + wide / 2 - 0.04, 0.34), "steel", 0.5),
        turned(back, lean, (x + 0.48, y, 0.5)),
        turned(
            capsule((x + 0.48, y - wide / 2 + 0.05, 0.52), (x + 0.48, y - wide / 2 + 0.05, 1.0), 0.014, "steel", 4.0),
            lean,
            (x + 0.48, y, 0.5),
        ),
        turned(
            capsule((x + 0.48, y + wide / 2 - 0.05, 0.52), (x + 0.48, y + wide / 2 - 0.05, 1.0), 0.014, "steel", 4.0),
            lean,
            (x + 0.48, y, 0.5),
        ),
        ellipsoid((x + 0.62, y, 1.12), (0.05, 0.12, 0.08), "foam", 0.08),
    ]


def _inside(rng: Rng, car: _Car) -> list[Solid]:
    """Engine with gearbox and radiator, seats, dashboard, steering, battery, and what was left in the trunk."""
    core = engine(rng, float(rng.uniform(0.8, 0.95)), int(rng.choice([3, 4, 4])))
    across = rng.random() < 0.7
    core = spun(core, 90.0) if across else core
    at = (max(car.cowl - core.size[0] - 0.1, 0.3), -core.size[1] / 2 + (0.1 if across else 0.0), 0.22)
    scale = min(1.0, (car.hood - 0.25) / core.size[2])
    parts = [moved(p, at) for p in core.parts if p.center[2] + p.reach[2] < (car.hood - 0.24) or scale > 0.8]
    box_ = gearbox(rng, 0.55)
    box_ = spun(box_, 90.0) if across else box_
    place = (at[0] + 0.1, at[1] + core.size[1] - 0.05, 0.25) if across else (at[0] + core.size[0] - 0.1, -0.1, 0.25)
    if place[1] + box_.size[1] < 0.85 * car.half:
        parts += [moved(p, place) for p in box_.parts]
    parts += radiator((0.16, -0.35, 0.3), (0.21, 0.35, 0.68))
    parts.append(box((car.cowl - 0.28, 0.45, 0.5), (car.cowl - 0.05, 0.62, 0.68), "lead battery", 2.1))
    parts.append(
        box((car.cowl + 0.02, -0.8 * car.half, 0.62), (car.cowl + 0.32, 0.8 * car.half, car.belt - 0.02), "polyethylene", 0.22)
    )
    first = car.cowl + 0.65
    for y in (-0.36, 0.36):
        parts += seat(first, y, 0.48)
    if car.long > 3.6:
        parts += seat(first + 0.85, 0.0, 1.2)
    ring = torus((0, 0, 0), 0.18, 0.014, "polyethylene", 1.5)
    parts.append(moved(turned(ring, rotation(pitch=1.1)), (car.cowl + 0.42, -0.36, car.belt + 0.02)))
    parts.append(tube((car.cowl + 0.1, -0.36, 0.6), (car.cowl + 0.42, -0.36, car.belt + 0.02), 0.02, density=4.0))
    for _ in range(int(rng.choice([0, 0, 1, 3, 6]))):
        size = rng.uniform(0.12, 0.4, 3)
        low = np.array([rng.uniform(first + 0.9, 0.93 * car.long - size[0]), rng.uniform(-0.6, 0.6 - size[1]), 0.32])
        stuff = [("textile", 0.15), ("cellulose", 0.2), ("steel", 0.8), ("rubber", 0.5)][int(rng.integers(0, 4))]
        parts.append(box(tuple(low), tuple(low + size), *stuff))
    return parts


def _under(rng: Rng, car: _Car) -> list[Solid]:
    """Wheels, axles, springs, tank, exhaust, spare wheel."""
    parts = []
    base = (0.19 * car.long, 0.8 * car.long)
    alloy = rng.random() < 0.4
    for x in base:
        for side in (-1, 1):
            y = side * (car.half - 0.11)
            parts += wheel((x, y, car.tire), car.tire, 0.2, alloy=alloy)
            parts.append(capsule((x, side * (car.half - 0.27), 0.35), (x, side * (car.half - 0.3), 0.72), 0.05, "steel", 1.6))
        parts.append(cylinder((x, 0, car.tire), 0.022, 2 * car.half - 0.5, "steel", STEEL, "y"))
        parts.append(box((x - 0.12, -0.5, 0.24), (x + 0.12, 0.5, 0.3), "steel", 1.5))
    x = 0.63 * car.long
    parts += hollow_box(
        (x, -0.5, 0.16), (x + 0.45, 0.35, 0.34), 0.004, ("oil", float(rng.choice([0.0, 0.1, 0.6]))), "polyethylene"
    )
    parts.append(tube((0.28 * car.long, 0.15, 0.18), (0.72 * car.long, 0.15, 0.2), 0.026, density=1.2))
    parts.append(capsule((0.8 * car.long, 0.45, 0.25), (0.92 * car.long, 0.45, 0.25), 0.09, "steel", 0.7))
    if rng.random() < 0.6:
        parts += wheel((0.9 * car.long, 0, 0.3), car.tire - 0.02, 0.12, "z")
    return parts


def passenger_car(rng: Rng, nose: str = "any") -> Piece:
    """A passenger car, its nose "ahead" at low x, "astern", or any way: about 150 solids, 0.9 to 1.7 t."""
    car = _measures(rng)
    thing = piece(_body(rng, car) + _under(rng, car) + _inside(rng, car))
    return spun(thing, 180.0) if nose == "astern" or (nose == "any" and rng.random() < 0.5) else thing


def half_cut(rng: Rng) -> Piece:
    """The front or the rear of a car that was cut through, without wheels at times."""
    car = _measures(rng)
    cut, front = car.long * rng.uniform(0.32, 0.5), rng.random() < 0.65
    parts = []
    for p in _body(rng, car) + (_under(rng, car) if rng.random() < 0.6 else []) + _inside(rng, car):
        x0, x1 = p.center[0] - p.reach[0], p.center[0] + p.reach[0]
        if p.mesh is not None and p.reach[0] > 1.2:
            points = p.mesh.vertices + np.asarray(p.center)
            points = points.copy()
            points[:, 0] = np.minimum(points[:, 0], cut) if front else np.maximum(points[:, 0], car.long - cut)
            if np.ptp(points[:, 0]) > 0.2:
                ring = np.unique(points[:, 0]).size
                if ring > 1:
                    parts.append(_remeshed(p, points))
        elif (x1 <= cut) if front else (x0 >= car.long - cut):
            parts.append(p)
    return piece(parts)


def _remeshed(solid: Solid, points: np.ndarray) -> Solid:
    """The solid with its surface through other points [m]."""
    assert solid.mesh is not None
    return mesh_solid(points, solid.mesh.faces, solid.material, solid.density)
