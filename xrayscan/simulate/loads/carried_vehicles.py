"""Vehicles as loads: cars, motorcycles, bicycles, tractors, diggers, forklifts, boats, and parts of cars that were cut up."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.loads.arrange import LoadKind
from xrayscan.simulate.loads.assemblies import (
    engine,
    framed,
    gearbox,
    hollow_box,
    motor,
    radiator,
    shell,
    tube,
    wheel,
)  # fmt: skip
from xrayscan.simulate.loads.passenger_car import half_cut, passenger_car, seat
from xrayscan.simulate.loads.stow import Piece, Plan, lofted, payload, piece, scattered, spun, stow, tilted
from xrayscan.simulate.solid import Room, Solid, box, capsule, cylinder, ellipsoid, moved, rotation, torus

__all__ = ["KINDS"]

Rng = np.random.Generator
STEEL, IRON = 7.85, 7.1


def _lashed(rng: Rng, thing: Piece) -> Piece:
    """The piece with chocks of wood and lashings down to the floor at its ends."""
    length, depth, high = thing.size
    parts = [
        box((x, y, 0.0), (x + 0.12, y + 0.3, 0.1), "wood", 0.5)
        for x in (0.02, length - 0.14)
        for y in (0.05, max(depth - 0.35, 0.06))
    ]
    for x in (0.1, length - 0.1):
        end = float(np.clip(x + rng.normal(0, 0.3), 0.02, length - 0.02))
        for y in (0.1, depth - 0.1):
            parts.append(capsule((x, y, min(0.45, 0.4 * high)), (end, y, 0.03), 0.008, "PET", 1.0))
    return piece([*parts, *thing.parts])


def _fitting(rng: Rng, room: Room, thing: Piece) -> Piece:
    """The piece, a quarter turn of it, or a motor where neither fits into the room."""
    for degrees in (0.0, 90.0):
        own = spun(thing, degrees) if degrees else thing
        if all(a <= b for a, b in zip(own.size, room.size, strict=True)) and own.mass < 1.3 * payload(room):
            return own
    spare = spun(engine(rng, 0.9), float(rng.choice([0.0, 90.0])))
    return spare if all(a <= b for a, b in zip(spare.size, room.size, strict=True)) else piece(motor(rng, 0.1, 0.25))


def _cars(rng: Rng, room: Room) -> list[Solid]:
    """Cars on the floor, one behind the other, nose or tail ahead; where none fits, what is cut from them."""
    if room.size[0] < 3.6 or room.size[1] < 1.85 or room.size[2] < 1.55:
        return _car_parts(rng, room)
    return stow(
        rng,
        room,
        lambda rng: _fitting(rng, room, _lashed(rng, passenger_car(rng))),
        Plan(across=1, share=(0.9, 1.0), bracing=0.1),
    )


def _two_levels(rng: Rng, room: Room) -> list[Solid]:
    """Cars on a rack above cars, or, below a low roof, every other one tilted over the hood of the one before it."""
    if room.size[0] < 3.6 or room.size[1] < 1.85 or room.size[2] < 2.2:
        return _cars(rng, room)

    def make(rng: Rng) -> Piece:
        low, high = passenger_car(rng, "astern"), passenger_car(rng)
        if rng.random() < 0.35:
            return _fitting(rng, room, _lashed(rng, high))
        deck = low.size[2] + float(rng.uniform(0.08, 0.15))
        longest = max(low.size[0], high.size[0])
        if deck + 0.06 + high.size[2] < room.size[2]:
            parts = [
                box((0.1, y, deck), (longest - 0.1, y + 0.35, deck + 0.05), "steel", 1.4) for y in (0.1, low.size[1] - 0.45)
            ]
            parts += [
                box((x, y, 0), (x + 0.07, y + 0.07, deck + 0.3), "steel", 2.5)
                for x in (0.1, longest - 0.2)
                for y in (0.0, low.size[1] - 0.07)
            ]
            parts += [moved(p, (rng.uniform(0, 0.1), 0, 0)) for p in low.parts] + [
                moved(p, (0, 0, deck + 0.05)) for p in high.parts
            ]
            return _fitting(rng, room, piece(parts))
        angle = float(np.radians(rng.uniform(13, 21)))
        up = tilted(high, rotation(pitch=angle))
        while up.size[2] > room.size[2] - 0.05 and angle > 0.02:
            angle *= 0.85
            up = tilted(high, rotation(pitch=angle))
        over = max((high.size[0] * np.sin(angle) - 0.98) / np.tan(angle), 0.0)
        post = high.size[0] * np.sin(angle) * 0.75
        x = low.size[0] - over
        parts = [
            *low.parts,
            *(box((x + 0.6, y, 0.0), (x + 0.67, y + 0.07, post), "steel", 2.5) for y in (0.0, low.size[1] - 0.07)),
        ]
        pair = piece([*parts, *(moved(p, (x, 0, 0)) for p in up.parts)])
        return pair if pair.size[0] <= room.size[0] and pair.size[1] <= room.size[1] else _fitting(rng, room, low)

    return stow(rng, room, make, Plan(across=1, share=(0.9, 1.0), gap=0.05, bracing=0.1))


def _panel(rng: Rng) -> Piece:
    """A door, a hood, a bumper or a seat."""
    kind = rng.integers(0, 4)
    if kind == 0:
        low, high = (0, 0, 0), (float(rng.uniform(0.9, 1.2)), 0.13, float(rng.uniform(0.6, 0.75)))
        parts = shell(low, high, 0.0012, "steel", STEEL)
        parts.append(box((0.08, 0.04, 0.3), (high[0] - 0.08, 0.08, 0.36), "steel", 2.0))
    elif kind == 1:
        parts = [box((0, 0, 0), (1.1, 0.9, 0.003), "steel", STEEL), *framed((0.05, 0.05, 0.0), (1.05, 0.85, 0.05), 0.03, 0.8)]
    elif kind == 2:
        parts = [
            box((0, 0, 0), (0.12, 1.6, 0.18), "polyethylene", 0.35),
            box((0.03, 0.2, 0.05), (0.08, 1.4, 0.12), "steel", 1.2),
        ]
    else:
        parts = seat(0.0, 0.0, 0.5)
    return tilted(piece(parts), rotation(*rng.normal(0, (1.0, 0.4, 0.4))))


def _car_parts(rng: Rng, room: Room) -> list[Solid]:
    """Cut cars, engines, gearboxes, axles, wheels, doors and seats in a heap."""
    draw = [
        lambda: tilted(engine(rng, float(rng.uniform(0.8, 1.1)), 4), rotation(*rng.normal(0, (1, 0.3, 0.3)))),
        lambda: tilted(gearbox(rng, 0.7), rotation(*rng.normal(0, (1, 0.3, 0.3)))),
        lambda: tilted(piece(wheel((0, 0, 0), 0.3, 0.2, "z")), rotation(*rng.normal(0, (0.5, 0.5, 0.3)))),
        lambda: _panel(rng),
        lambda: piece(
            [
                cylinder((0, 0, 0.1), 0.025, 1.4, "steel", STEEL, "y"),
                *wheel((0, 0.6, 0.1), 0.14, 0.04),
                *wheel((0, -0.6, 0.1), 0.14, 0.04),
            ]
        ),
        lambda: half_cut(rng),
    ]
    weights = np.array([0.25, 0.12, 0.25, 0.28, 0.04, 0.06 if room.size[0] > 2.5 and room.size[1] > 1.9 else 0.0])
    area, things, count = room.size[0] * room.size[1], [], 0
    weight = 0.0
    for _ in range(int(area * rng.uniform(4, 9))):
        thing = draw[int(rng.choice(6, p=weights / weights.sum()))]()
        weight, count = weight + thing.mass, count + len(thing.parts)
        if weight > 900.0 * area or count > 1150:
            break
        things.append(thing)
    things.sort(key=lambda t: -t.mass * rng.uniform(0.2, 1.0))
    return scattered(rng, room, things, packing=0.55)


def _motorcycle(rng: Rng) -> Piece:
    """A motorcycle: wheels, fork, frame, engine with barrel, tank, seat, exhaust."""
    base, radius = float(rng.uniform(1.25, 1.5)), float(rng.uniform(0.28, 0.33))
    parts = []
    for x, wide in ((0.0, 0.05), (base, 0.07)):
        parts += [
            torus((x, 0, radius), radius - wide, wide, "rubber", 0.55, "y"),
            cylinder((x, 0, radius), radius - 1.9 * wide, 0.03, "aluminum", 0.35, "y"),
        ]
        parts += [
            cylinder((x, 0, radius), 0.06, 0.12, "steel", 3.0, "y"),
            cylinder((x, 0.06, radius), 0.12, 0.006, "steel", STEEL, "y"),
        ]
    head = (0.38, 0.0, 0.88)
    parts += [tube((0, s * 0.09, radius), (head[0], s * 0.09, head[2] + 0.05), 0.024, density=4.0) for s in (-1, 1)]
    parts += [tube((head[0] + 0.05, -0.36, 1.02), (head[0] + 0.05, 0.36, 1.02), 0.012, density=3.0)]
    parts += [
        tube(head, (0.48, 0, 0.3), 0.022, density=3.0),
        tube(head, (base * 0.72, 0, 0.7), 0.022, density=3.0),
        tube((base * 0.72, 0, 0.7), (base * 0.65, 0, 0.3), 0.022, density=3.0),
    ]
    parts += [tube((base * 0.65, s * 0.08, 0.34), (base, s * 0.08, radius), 0.022, density=3.0) for s in (-1, 1)]
    parts += shell((0.45, -0.14, 0.24), (base * 0.62, 0.14, 0.5), 0.02, "aluminum", 2.7)
    parts += [cylinder((0.6, 0, 0.36), 0.09, 0.2, "steel", 6.5, "y"), cylinder((0.75, 0, 0.36), 0.06, 0.2, "steel", 6.5, "y")]
    for y in (-0.08, 0.08) if rng.random() < 0.5 else (0.0,):
        parts += [
            cylinder((0.56, y, 0.58), 0.055, 0.2, "aluminum", 1.7),
            cylinder((0.56, y, 0.56), 0.035, 0.05, "aluminum", 2.5),
        ]
    parts += [
        ellipsoid((0.62, 0, 0.82), (0.26, 0.14, 0.12), "steel", STEEL),
        ellipsoid((0.62, 0, 0.82), (0.2585, 0.1385, 0.1185), "oil", float(rng.choice([0.0, 0.0, 0.3]))),
    ]
    parts += [
        box((0.85, -0.13, 0.74), (base + 0.1, 0.13, 0.83), "foam", 0.15),
        box((0.95, -0.08, 0.5), (1.1, 0.08, 0.66), "lead battery", 1.8),
    ]
    parts += [
        capsule((0.8, 0.2, 0.28), (base + 0.15, 0.22, 0.42), 0.05, "steel", 0.9),
        tube((0.5, 0.1, 0.5), (0.62, 0.2, 0.24), 0.02),
    ]
    parts.append(capsule((base * 0.8, 0.12, radius + 0.05), (base * 0.72, 0.12, 0.66), 0.035, "steel", 2.0))
    return piece(parts)


def _motorcycles(rng: Rng, room: Room) -> list[Solid]:
    """Motorcycles or scooters side by side, in steel frames or lashed to the floor."""
    racks, turn = rng.random() < 0.5, 0.0 if rng.random() < 0.6 or room.size[1] < 2.15 else 90.0

    def make(rng: Rng) -> Piece:
        thing = _motorcycle(rng)
        thing = tilted(thing, rotation(roll=rng.normal(0, 0.05), pitch=rng.normal(0, 0.02)))
        if racks:
            size = tuple(v + 0.06 for v in thing.size)
            thing = piece([*framed((0, 0, 0), size, 0.03, 1.6), *(moved(p, (0.03, 0.03, 0.05)) for p in thing.parts)])  # type: ignore[arg-type]
        thing = spun(thing, 180.0 if rng.random() < 0.5 else 0.0)
        return _fitting(rng, room, spun(thing, turn))

    return stow(rng, room, make, Plan(levels=2 if racks else 1, share=(0.2, 0.45), gap=0.08))


def _bicycle(rng: Rng) -> Piece:
    """A bicycle: frame, rims with tires, crank, saddle, handlebar; used or new."""
    radius, base = float(rng.uniform(0.26, 0.35)), float(rng.uniform(0.95, 1.08))
    parts = []
    for x in (0.0, base):
        parts += [
            cylinder((x, 0, radius), radius, 0.04, "rubber", 0.9, "y"),
            cylinder((x, 0, radius), radius - 0.045, 0.042, "rubber", 0.0, "y"),
        ]
        parts.append(cylinder((x, 0, radius), 0.025, 0.09, "steel", 4.0, "y"))
    head, crank, seat = (0.2, 0, 0.8), (0.55, 0, 0.3), (0.68, 0, 0.75)
    ends = [
        ((0, 0, radius), head),
        (head, crank),
        (head, seat),
        (crank, seat),
        (crank, (base, 0, radius)),
        (seat, (base, 0, radius)),
    ]
    parts += [tube(a, b, 0.016, density=1.5) for a, b in ends]
    parts += [cylinder(crank, 0.09, 0.01, "steel", 5.0, "y"), ellipsoid((0.7, 0, 0.86), (0.13, 0.07, 0.03), "foam", 0.3)]
    parts.append(tube((0.18, -0.28, 0.95), (0.18, 0.28, 0.95), 0.013, density=1.5))
    return piece(parts)


def _bicycles(rng: Rng, room: Room) -> list[Solid]:
    """Bicycles upright beside each other, heads this way and that, or thrown on a heap."""
    if rng.random() < 0.35:
        things = [
            tilted(_bicycle(rng), rotation(0, rng.normal(0, 0.2), rng.choice([0.0, 1.4]) + rng.normal(0, 0.15)))
            for _ in range(int(room.size[0] * rng.uniform(5, 8)))
        ]
        return scattered(rng, room, things, packing=0.3)
    turn = 90.0 if rng.random() < 0.4 and room.size[1] > 1.9 else 0.0

    def make(rng: Rng) -> Piece:
        pair: list[Solid] = []
        for k in range(2):
            one = spun(_bicycle(rng), 180.0 * float((k + (rng.random() < 0.2)) % 2))
            pair += [moved(p, (rng.uniform(0, 0.1), 0.3 * k, 0.0)) for p in one.parts]
        both = tilted(piece(pair), rotation(roll=rng.normal(0, 0.04)))
        return _fitting(rng, room, spun(both, turn))

    return stow(rng, room, make, Plan(levels=2, share=(0.08, 0.16), gap=0.05, missing=0.02, tight=True))


def _tractor(rng: Rng) -> Piece:
    """A tractor: engine, transmission and axle as its backbone, large wheels, hood, cabin or bar, ballast."""
    big, small = float(rng.uniform(0.55, 0.82)), float(rng.uniform(0.34, 0.48))
    core = engine(rng, 1.35, int(rng.choice([3, 4])))
    base, half = core.size[0] + 1.35, float(rng.uniform(0.7, 0.95))
    start, top = 0.25 + core.size[0] - 0.05, small + core.size[2] + 0.1
    hood = shell((0.0, -0.42, small + 0.35), (start + 0.1, 0.42, top), 0.002, "steel", STEEL) if rng.random() < 0.8 else []
    parts = hood + [moved(p, (0.25, -core.size[1] / 2, small)) for p in core.parts]
    parts += shell((start, -0.2, big - 0.2), (base + 0.25, 0.2, big + 0.25), 0.025, "steel", IRON)
    for x in np.linspace(start + 0.2, base - 0.1, 5):
        parts.append(cylinder((x, 0, big), rng.uniform(0.08, 0.17), 0.05, "steel", STEEL, "x"))
    parts += [
        cylinder((base, 0, big), 0.12, 2 * half - 0.3, "steel", 5.0, "y"),
        cylinder((0.45, 0, small), 0.06, 2 * half - 0.5, "steel", 6.0, "y"),
    ]
    for side in (-1, 1):
        parts += wheel((base, side * (half - 0.05), big), big, 0.38) + wheel((0.45, side * (half - 0.15), small), small, 0.24)
    parts += radiator((0.08, -0.28, small + 0.15), (0.16, 0.28, top - 0.05)) + [
        box((-0.25, -0.25, small), (0.0, 0.25, small + 0.35), "steel", IRON)
    ]
    parts += seat(base - 0.25, 0.0, 0.5)
    parts += [
        tube((start + 0.2, 0, big + 0.2), (start + 0.35, 0, big + 0.75), 0.02, density=4.0),
        torus((start + 0.35, 0, big + 0.75), 0.19, 0.015, "steel", 2.0),
    ]
    if rng.random() < 0.6:
        roof = big + 1.55
        parts += framed((start + 0.1, -0.55, big + 0.25), (base + 0.4, 0.55, roof), 0.05, 1.8) + [
            box((start + 0.05, -0.6, roof), (base + 0.45, 0.6, roof + 0.05), "steel", 0.8)
        ]
    parts += hollow_box((start, 0.25, big - 0.3), (start + 0.6, 0.5, big), 0.004, ("oil", 0.4)) + [
        tube((0.6, 0.25, top), (0.6, 0.25, top + 0.6), 0.04, density=0.9)
    ]
    parts += [tube((base + 0.2, s * 0.3, big - 0.2), (base + 0.85, s * 0.35, big - 0.35), 0.03, density=STEEL) for s in (-1, 1)]
    return piece(parts)


def _digger(rng: Rng) -> Piece:
    """A small excavator: tracks with rollers, turntable, engine, counterweight, cabin, boom, arm and bucket."""
    scale, folded = float(rng.uniform(0.8, 1.25)), float(rng.uniform(0.2, 0.7))
    long, half = 1.7 * scale, 0.72 * scale
    parts = []
    for side in (-1, 1):
        y0, y1 = sorted((side * half, side * (half - 0.28 * scale)))
        parts += shell((0.0, y0, 0.0), (long, y1, 0.42 * scale), 0.03, "rubber", 1.6)
        for x in np.linspace(0.2 * scale, long - 0.2 * scale, 5):
            parts.append(
                cylinder(
                    (x, (y0 + y1) / 2, 0.2 * scale),
                    (0.15 if 0.3 < x < long - 0.3 else 0.18) * scale,
                    0.2 * scale,
                    "steel",
                    4.0,
                    "y",
                )
            )
    parts += [
        box((0.3 * scale, -half + 0.2, 0.2 * scale), (long - 0.3 * scale, half - 0.2, 0.4 * scale), "steel", 2.5),
        cylinder((long / 2, 0, 0.47 * scale), 0.36 * scale, 0.14 * scale, "steel", 5.0),
    ]
    z = 0.55 * scale
    parts += shell((0.2 * scale, -half, z), (1.75 * scale, half, z + 0.12 * scale), 0.02, "steel", STEEL)
    parts.append(box((1.6 * scale, -0.6 * scale, z + 0.1), (1.95 * scale, 0.6 * scale, z + 0.6 * scale), "steel", 6.5))
    core = spun(engine(rng, 0.85 * scale, 3), 90.0)
    parts += [moved(p, (1.05 * scale, -core.size[1] / 2, z + 0.14 * scale)) for p in core.parts]
    parts += framed((0.25 * scale, -half, z + 0.12 * scale), (1.05 * scale, -0.02, z + 1.4 * scale), 0.045, 2.0) + _moved(
        seat(0.45 * scale, -0.35 * scale, 0.45), (0, 0, z - 0.1)
    )
    a, b = (
        np.array([0.2 * scale, 0.25 * scale, z + 0.1]),
        np.array([(-0.7 - 0.5 * (1 - folded)) * scale, 0.25 * scale, z + (0.5 + 0.8 * folded) * scale]),
    )
    c = np.array([(-1.1 - 0.2 * folded) * scale, 0.25 * scale, 0.45 * scale])
    for start, end, thick in ((a, b, 0.1), (b, c, 0.08)):
        parts += [
            capsule(tuple(start), tuple(end), thick * scale, "steel", STEEL),
            capsule(tuple(start), tuple(end), (thick - 0.012) * scale, "steel", 0.0),
        ]
        parts.append(
            capsule(
                tuple(start + (0, 0, 0.17 * scale)),
                tuple((start + end) / 2 + (0, 0, 0.15 * scale)),
                0.035 * scale,
                "steel",
                6.0,
            )
        )
    bucket = [[(0, y, 0), (0.4, y, 0.05), (0.45, y, 0.3), (0.1, y, 0.4)] for y in (-0.25, 0.25)]
    parts += [
        lofted((np.array(bucket) * k + (0.02 * (1 - k) * 10, 0, 0.01)) * scale + c - (0.2 * scale, 0, 0.42 * scale), "steel", d)
        for k, d in ((1.0, STEEL), (0.95, 0.0))
    ]
    return piece(parts)


def _moved(parts: list[Solid], shift: tuple[float, float, float]) -> list[Solid]:
    return [moved(p, shift) for p in parts]


def _forklift(rng: Rng) -> Piece:
    """A forklift: counterweight, battery or engine, mast, forks, overhead guard."""
    scale = float(rng.uniform(0.85, 1.15))
    parts = [
        lofted(
            np.array(
                [
                    [(1.5, -0.5, 0.25), (2.0, -0.4, 0.25), (2.0, 0.4, 0.25), (1.5, 0.5, 0.25)],
                    [(1.5, -0.5, 1.0), (1.9, -0.45, 0.95), (1.9, 0.45, 0.95), (1.5, 0.5, 1.0)],
                ]
            )
            * scale,
            "steel",
            IRON,
        )
    ]
    parts += shell((0.4 * scale, -0.5 * scale, 0.2 * scale), (1.5 * scale, 0.5 * scale, 0.75 * scale), 0.012, "steel", STEEL)
    if rng.random() < 0.5:
        parts.append(
            box((0.6 * scale, -0.42 * scale, 0.24 * scale), (1.4 * scale, 0.42 * scale, 0.72 * scale), "lead battery", 2.3)
        )
    else:
        parts += [moved(p, (0.75 * scale, -0.25, 0.24 * scale)) for p in engine(rng, 0.75, 4).parts]
    high = float(rng.uniform(1.9, 2.1)) * scale
    parts += [
        box((x * scale, y * scale, 0.08), ((x + 0.09) * scale, (y + 0.1) * scale, high), "steel", 4.5)
        for x in (0.1, 0.2)
        for y in (-0.35, 0.25)
    ]
    parts += [cylinder((0.25 * scale, y * scale, high / 2), 0.04, high * 0.9, "steel", 6.0) for y in (-0.12, 0.12)]
    parts += [box((-1.0 * scale, y, 0.06), (0.1 * scale, y + 0.1, 0.1), "steel", STEEL) for y in (-0.3, 0.2)] + [
        box((0.02, -0.45 * scale, 0.1), (0.07, 0.45 * scale, 0.55), "steel", 4.0)
    ]
    parts += framed((0.45 * scale, -0.48 * scale, 0.75 * scale), (1.5 * scale, 0.48 * scale, 2.05 * scale), 0.05, 2.5) + _moved(
        seat(0.85 * scale, 0.0, 0.45), (0, 0, 0.45 * scale)
    )
    for x, radius in ((0.3, 0.32), (1.65, 0.25)):
        for side in (-1, 1):
            parts += [
                cylinder((x * scale, side * 0.46 * scale, radius * scale), radius * scale, 0.2, "rubber", 1.2, "y"),
                cylinder((x * scale, side * 0.46 * scale, radius * scale), 0.55 * radius * scale, 0.2, "steel", 3.0, "y"),
            ]
    return piece(parts)


def _work_machines(rng: Rng, room: Room) -> list[Solid]:
    """Tractors, diggers, forklifts, with loose wheels and buckets between them."""
    chosen = [[_tractor], [_digger], [_forklift], [_tractor, _digger, _forklift]][int(rng.integers(0, 4))]

    def make(rng: Rng) -> Piece:
        thing = chosen[int(rng.integers(len(chosen)))](rng)
        return _fitting(rng, room, _lashed(rng, spun(thing, 180.0) if rng.random() < 0.5 else thing))

    return stow(rng, room, make, Plan(share=(0.6, 1.0), gap=0.1, bracing=0.4))


def _boat(rng: Rng) -> Piece:
    """A boat on a cradle: hull, deck, benches, tank, outboard motor."""
    long, half, high = rng.uniform([2.8, 0.6, 0.55], [5.6, 1.05, 1.0])
    thin = float(rng.uniform(0.005, 0.009))
    stuff, dense = ("aluminum", 2.7) if rng.random() < 0.25 else ("PET", 1.7)
    parts = [box((x, -0.7 * half, 0), (x + 0.08, 0.7 * half, 0.12), "wood", 0.5) for x in (0.25 * long, 0.7 * long)]
    for density, t in ((dense, 0.0), (0.0, thin)):
        rings = []
        for along, wide, keel, top in (
            (0.0, 0.9, 0.0, 0.9),
            (0.4, 1.0, 0.0, 0.9),
            (0.75, 0.8, 0.04, 0.95),
            (1.0, 0.06, 0.45, 1.0),
        ):
            w, z0, z1 = max(half * wide - t, 0.01), high * keel + 0.12 + 1.5 * t, high * top + 0.12 + (t > 0) * 0.001
            x = min(max(along * long, t), long - 2 * t)
            rings.append(
                [(x, 0, z0), (x, 0.75 * w, z0 + 0.3 * (z1 - z0)), (x, w, z1), (x, -w, z1), (x, -0.75 * w, z0 + 0.3 * (z1 - z0))]
            )
        parts.append(lofted(rings, stuff, density))
    for x in rng.uniform(0.15, 0.65, 2):
        parts.append(
            box((x * long, -0.75 * half, 0.45 * high + 0.12), (x * long + 0.3, 0.75 * half, 0.45 * high + 0.15), "wood", 0.6)
        )
    parts.append(
        box(
            (0.1 * long, -0.3 * half, 0.14), (0.25 * long, 0.3 * half, 0.14 + 0.3 * high), "oil", float(rng.choice([0.02, 0.5]))
        )
    )
    if rng.random() < 0.5:
        parts += [
            capsule((-0.15, 0, high + 0.15), (-0.15, 0, high + 0.3), 0.14, "aluminum", 1.1),
            cylinder((-0.15, 0, 0.5 * high), 0.05, high, "aluminum", 2.0),
            cylinder((-0.2, 0, 0.2), 0.12, 0.06, "aluminum", 2.0, "x"),
        ]
    else:
        parts += [moved(p, (0.3, -0.25, 0.2)) for p in engine(rng, 0.7, 4).parts]
    return piece(parts)


def _boats(rng: Rng, room: Room) -> list[Solid]:
    def make(rng: Rng) -> Piece:
        thing = _boat(rng)
        thing = spun(thing, 180.0) if rng.random() < 0.5 else thing
        if all(a <= b for a, b in zip(thing.size, room.size, strict=True)):
            return thing
        edge = tilted(thing, rotation(roll=1.2))
        return _fitting(rng, room, edge)

    return stow(rng, room, make, Plan(share=(0.2, 0.5), gap=0.1))


KINDS: tuple[LoadKind, ...] = (
    LoadKind("cars", "vehicles", _cars, ("box", "open")),
    LoadKind("cars on two levels", "vehicles", _two_levels, ("box", "open")),
    LoadKind("car parts", "vehicle parts", _car_parts),
    LoadKind("motorcycles", "vehicles", _motorcycles),
    LoadKind("bicycles", "vehicles", _bicycles),
    LoadKind("tractors and diggers", "vehicles", _work_machines, ("box", "open")),
    LoadKind("boats", "vehicles", _boats, ("box", "open")),
)
