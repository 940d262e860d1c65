"""Machines: with the castings, shafts, motors, frames and cavities they have inside, in crates, on skids and on pallets."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.loads.arrange import LoadKind
from xrayscan.simulate.loads.assemblies import (
    crated,
    engine,
    framed,
    gearbox,
    hollow_box,
    motor,
    pipe,
    radiator,
    shell,
    tube,
    wheel,
)  # fmt: skip
from xrayscan.simulate.loads.stow import Make, Piece, Plan, on_bearers, on_pallet, payload, piece, spun, stow, tilted
from xrayscan.simulate.loads.tool_machines import cabinet_parts, injection, lathe, machining_center, mill, press
from xrayscan.simulate.solid import Room, Solid, box, capsule, cylinder, ellipsoid, moved, rotation, torus, turned

__all__ = ["KINDS"]

Rng = np.random.Generator
IRON, STEEL = 7.1, 7.85


def _fits(thing: Piece, room: Room) -> Piece | None:
    """The piece, or a quarter turn of it, where it fits into the room and is not too heavy for it."""
    length, width, height = room.size
    for degrees, (long, wide) in ((0.0, thing.size[:2]), (90.0, thing.size[1::-1])):
        # Turned sizes are checked again: they differ by what is rounded.
        if max(long - length, wide - width, thing.size[2] - height) > 1e-6:
            continue
        own = spun(thing, degrees) if degrees else thing
        if all(a <= b for a, b in zip(own.size, room.size, strict=True)):
            return own if thing.mass <= 1.2 * payload(room) else None
    return None


def _either(rng: Rng, room: Room, draw: list[Make], spare: Piece | None = None) -> Piece:
    """A piece of one of several builders that fits into the room, else a small motor."""
    for _ in range(6):
        found = _fits(draw[int(rng.integers(len(draw)))](rng), room)
        if found is not None:
            return found
    return spare or piece(motor(rng, 0.1, 0.25))


def _machine_tools(rng: Rng, room: Room) -> list[Solid]:
    drawn = [[lathe], [mill, press], [machining_center], [injection, lathe], [lathe, mill, press, machining_center]]
    builders = drawn[int(rng.integers(0, 5))]

    def make(rng: Rng) -> Piece:
        return _either(
            rng,
            room,
            [lambda rng: crated(rng, builders[int(rng.integers(len(builders)))](rng))],
            crated(rng, piece(motor(rng, 0.12, 0.3))),
        )

    return stow(rng, room, make, Plan(share=(0.6, 1.0), gap=0.2, bracing=0.5))


def _engines(rng: Rng, room: Room) -> list[Solid]:
    """Engines on pallets or stands, car or truck, often used ones lying any way."""
    truck, used = rng.random() < 0.35, rng.random() < 0.4
    geared = float(rng.choice([0.0, 0.4]))
    count = int(rng.choice([4, 6])) if truck else int(rng.choice([3, 4, 4, 6]))

    def make(rng: Rng) -> Piece:
        motor_ = engine(rng, float(rng.uniform(1.5, 1.8) if truck else rng.uniform(0.85, 1.15)), count)
        if rng.random() < geared:
            box_ = spun(gearbox(rng, 1.5 if truck else 0.9), 0.0)
            motor_ = piece([*motor_.parts, *(moved(p, (motor_.size[0] - 0.05, 0.1, 0.05)) for p in box_.parts)])
        if used:
            motor_ = tilted(motor_, rotation(rng.normal(0, 0.3), *rng.normal(0, 0.12, 2)))
        stand = on_pallet(rng, motor_, 0.04) if rng.random() < 0.75 else crated(rng, motor_)
        return _fits(stand, room) or piece(motor(rng, 0.1, 0.25))

    return stow(rng, room, make, Plan(levels=2 if used else 1, share=(0.4, 0.9), gap=0.08))


def _drives(rng: Rng, room: Room) -> list[Solid]:
    """Gearboxes and electric motors."""

    def a_motor(rng: Rng) -> Piece:
        radius = float(rng.uniform(0.1, 0.35))
        return piece(motor(rng, radius, radius * rng.uniform(1.8, 3.0), "x" if rng.random() < 0.8 else "z"))

    def a_gearbox(rng: Rng) -> Piece:
        return gearbox(rng, float(rng.uniform(0.7, 2.0)))

    builders = [[a_motor], [a_gearbox], [a_motor, a_gearbox]][int(rng.integers(0, 3))]

    def make(rng: Rng) -> Piece:
        thing = builders[int(rng.integers(len(builders)))](rng)
        return _either(rng, room, [lambda rng: on_pallet(rng, thing, 0.05) if rng.random() < 0.6 else crated(rng, thing)])

    return stow(rng, room, make, Plan(levels=2, share=(0.35, 0.85), gap=0.1))


def _genset(rng: Rng) -> Piece:
    """A diesel generator: base frame with tank, engine, radiator, alternator, exhaust, in a canopy or open."""
    scale = float(rng.uniform(1.0, 1.7))
    core = engine(rng, scale, int(rng.choice([4, 6])))
    long = core.size[0] + 1.1 * scale + 0.5
    wide = max(core.size[1] + 0.2, 0.8)
    parts = [box((0, y, 0), (long, y + 0.08, 0.2), "steel", 2.6) for y in (0.0, wide - 0.08)]
    parts += hollow_box((0.1, 0.1, 0.02), (long * 0.7, wide - 0.1, 0.19), 0.003, ("oil", float(rng.choice([0.0, 0.85]))))
    covered = rng.random() < 0.6
    high = 0.25 + core.size[2] + 0.25
    if covered:
        parts += shell((-0.05, -0.02, 0.2), (long + 0.05, wide + 0.02, high + 0.15), 0.0025, "steel", STEEL)
        parts += [box((-0.03, y, 0.3), (long, y + 0.04, high), "foam", 0.05) for y in (0.0, wide - 0.04)]
    parts += radiator((0.02, 0.05, 0.25), (0.14, wide - 0.05, high - 0.02))
    parts += [moved(p, (0.3, (wide - core.size[1]) / 2, 0.25)) for p in core.parts]
    radius = 0.26 * scale
    middle = (0.4 + core.size[0] + 0.35 * scale, wide / 2, 0.28 + radius * 1.15)
    parts += [moved(p, middle) for p in motor(rng, radius, 0.75 * scale)]
    parts += pipe((long * 0.5, wide / 2, high - 0.02), 0.11, 0.6, 0.004, "x", ("steel", STEEL))
    parts += cabinet_parts(rng, (long - 0.3, 0.1, 0.5), (long - 0.02, min(0.7, wide - 0.1), high))
    return piece(parts)


def _generators(rng: Rng, room: Room) -> list[Solid]:
    def make(rng: Rng) -> Piece:
        return _either(rng, room, [lambda rng: crated(rng, _genset(rng), "skid" if rng.random() < 0.7 else None)])

    return stow(rng, room, make, Plan(share=(0.5, 1.0), gap=0.2, bracing=0.5))


def _pump(rng: Rng) -> Piece:
    """A pump on a base with its motor: volute, impeller, flanges, coupling."""
    scale = float(rng.uniform(0.5, 1.5))
    parts = [box((0, 0, 0), (1.25 * scale, 0.45 * scale, 0.08 * scale), "steel", 2.5)]
    z, y = 0.36 * scale, 0.22 * scale
    parts += [moved(p, (0.85 * scale, y, z)) for p in motor(rng, 0.17 * scale, 0.48 * scale)]
    parts += [
        cylinder((0.25 * scale, y, z), 0.2 * scale, 0.16 * scale, "steel", IRON, "x"),
        cylinder((0.25 * scale, y, z), 0.17 * scale, 0.12 * scale, "water", 0.0, "x"),
    ]
    parts += [
        cylinder((0.25 * scale, y, z), 0.14 * scale, 0.07 * scale, "brass", 4.0, "x"),
        cylinder((0.45 * scale, y, z), 0.03 * scale, 0.4 * scale, "steel", STEEL, "x"),
    ]
    for axis, at in (("x", (0.08 * scale, y, z)), ("z", (0.25 * scale, y + 0.1 * scale, z + 0.28 * scale))):
        parts += pipe(at, 0.07 * scale, 0.2 * scale, 0.012, axis, ("steel", IRON))  # type: ignore[arg-type]
        parts += pipe(at, 0.12 * scale, 0.025, 0.05 * scale, axis, ("steel", IRON))  # type: ignore[arg-type]
    return piece(parts)


def _valve(rng: Rng) -> Piece:
    """A valve: body with flanges, bonnet, stem, handwheel."""
    scale = float(rng.uniform(0.5, 1.3))
    parts = [
        ellipsoid((0, 0, 0), (0.22 * scale, 0.18 * scale, 0.2 * scale), "steel", IRON),
        ellipsoid((0, 0, 0), (0.18 * scale, 0.14 * scale, 0.16 * scale), "steel", 0.0),
    ]
    for x in (-0.24, 0.24):
        parts += pipe((x * scale, 0, 0), 0.19 * scale, 0.035, 0.09 * scale, "x", ("steel", IRON))
    parts += [box((-0.02 * scale, -0.12 * scale, -0.12 * scale), (0.02 * scale, 0.12 * scale, 0.12 * scale), "steel", IRON)]
    parts += [
        cylinder((0, 0, 0.35 * scale), 0.02 * scale, 0.5 * scale, "steel", STEEL),
        torus((0, 0, 0.58 * scale), 0.14 * scale, 0.013, "steel", STEEL),
    ]
    return piece(parts)


def _pumps(rng: Rng, room: Room) -> list[Solid]:
    def make(rng: Rng) -> Piece:
        return _either(
            rng,
            room,
            [
                lambda rng: crated(
                    rng, _valve(rng) if rng.random() < share else _pump(rng), None if rng.random() < 0.7 else "skid"
                )
            ],
        )

    share = float(rng.choice([0.0, 0.4]))
    return stow(rng, room, make, Plan(levels=2, share=(0.5, 0.9), gap=0.1))


def _air_conditioner(rng: Rng, scale: float) -> Piece:
    """An outdoor unit: sheet housing, compressor, coil around two sides, fan."""
    wide, deep, high = 0.85 * scale, 0.32 * scale, 0.62 * scale
    parts = shell((0, 0, 0), (wide, deep, high), 0.0012, "steel", STEEL)
    parts += radiator((0.02, deep - 0.05, 0.03), (0.68 * wide, deep - 0.02, high - 0.02), copper=rng.random() < 0.3)
    parts += [
        cylinder((0.33 * wide, 0.45 * deep, 0.5 * high), 0.36 * high, 0.09 * scale, "polyethylene", 0.25, "y"),
        cylinder((0.33 * wide, 0.6 * deep, 0.5 * high), 0.06 * scale, 0.1 * scale, "copper", 3.5, "y"),
    ]
    x = 0.83 * wide
    parts += [
        capsule((x, 0.5 * deep, 0.1 * scale), (x, 0.5 * deep, 0.26 * scale), 0.075 * scale, "steel", STEEL),
        capsule((x, 0.5 * deep, 0.1 * scale), (x, 0.5 * deep, 0.26 * scale), 0.07 * scale, "steel", 2.8),
    ]
    parts += [tube((x, 0.5 * deep, 0.32 * scale), (0.7 * wide, deep - 0.06, 0.5 * scale), 0.009, "copper", 3.0)]
    parts.append(
        box((0.72 * wide, 0.1 * deep, high - 0.15 * scale), (0.95 * wide, 0.7 * deep, high - 0.03), "electronics", 0.6)
    )
    return piece(parts)


def _air_conditioners(rng: Rng, room: Room) -> list[Solid]:
    scale, turn = float(rng.uniform(1.0, 1.7)), 90.0 if rng.random() < 0.4 else 0.0

    def make(rng: Rng) -> Piece:
        unit = _air_conditioner(rng, scale)
        size = tuple(v + 0.06 for v in unit.size)
        parts = shell((0, 0, 0), size, 0.006, "cellulose", 0.25)  # type: ignore[arg-type]
        return spun(piece([*parts, *(moved(p, (0.03, 0.03, 0.03)) for p in unit.parts)]), turn)

    return stow(rng, room, make, Plan(levels=4 if scale < 1.2 else 3, share=(0.2, 0.4), gap=0.03, tight=True))


def _batteries(rng: Rng, room: Room) -> list[Solid]:
    """Lead batteries in layers on pallets, or large cells in steel troughs: low and very dense."""
    used, layers = rng.random() < 0.5, int(rng.integers(2, 4))
    cell = rng.uniform([0.2, 0.16, 0.18], [0.34, 0.18, 0.24])

    def make(rng: Rng) -> Piece:
        parts, count = [], max(int(1.1 / cell[0]), 1)
        for k in range(layers):
            for i in range(count):
                if used and rng.random() < 0.08:
                    continue
                x, z = i * (cell[0] + 0.008), k * (cell[2] + 0.03)
                lower = (x + abs(rng.normal(0, 0.006 if used else 0.001)), 0.0, z)
                own = cell * (1.0, 1.0, rng.uniform(0.8, 1.0) if used else 1.0)
                for y in (0.0, 2.5 * cell[1] + 0.02):
                    upper = (lower[0] + own[0], y + 2.5 * own[1], z + own[2] * 0.86)
                    parts.append(box((lower[0], y, z), upper, "lead battery", rng.uniform(2.0, 2.35)))
                parts.append(box((lower[0], 0.0, z + own[2] * 0.86), (lower[0] + own[0], 0.9, z + own[2]), "polyethylene", 0.3))
                parts.append(box((lower[0] + 0.03, 0.05, z + own[2]), (lower[0] + 0.05, 0.85, z + own[2] + 0.02), "lead", 1.0))
        return on_pallet(rng, piece(parts))

    return stow(rng, room, make, Plan(gap=0.12, missing=0.05, share=(0.6, 1.0)))


def _plow(rng: Rng) -> Piece:
    """A plow, harrow or cultivator: a frame of square tube with rows of tines or shares."""
    long, wide = float(rng.uniform(1.6, 3.0)), float(rng.uniform(1.2, 2.0))
    parts = [
        box((0, y, 0.65), (long, y + 0.1, 0.75), "steel", 3.0) for y in np.linspace(0, wide - 0.1, int(rng.integers(2, 5)))
    ]
    parts += [box((x, 0, 0.75), (x + 0.1, wide, 0.85), "steel", 3.0) for x in (0.1 * long, 0.8 * long)]
    disks = rng.random() < 0.4
    for y in np.linspace(0.05, wide - 0.05, int(rng.integers(3, 5))):
        for x in np.linspace(0.1, long - 0.1, int(rng.integers(4, 8))) + rng.normal(0, 0.02):
            if disks:
                disk = cylinder((x, y, 0.3), 0.28, 0.008, "steel", STEEL, "y")
                parts.append(turned(disk, rotation(yaw=0.35)))
            else:
                parts.append(tube((x, y, 0.65), (x + 0.12, y, 0.25), 0.018, density=STEEL))
                parts.append(tube((x + 0.12, y, 0.25), (x - 0.05, y, 0.02), 0.022, density=STEEL))
    parts += [tube((0.3 * long, wide / 2 + s * 0.3, 0.8), (0.15 * long, wide / 2, 1.3), 0.04, density=4.0) for s in (-1, 1)]
    return piece(parts)


def _mower(rng: Rng) -> Piece:
    """A rotary mower, baler or spreader: sheet body, drum, gearbox, shaft, wheels."""
    long, wide, high = rng.uniform([1.2, 1.0, 0.7], [2.2, 1.7, 1.4])
    parts = shell((0, 0, 0.25), (long, wide, high), 0.005, "steel", STEEL)
    parts += framed((0.01, 0.01, 0.26), (long - 0.01, wide - 0.01, high - 0.01), 0.06, 2.5)
    parts += pipe((long * 0.4, wide / 2, 0.5), 0.16, wide * 0.9, 0.01, "y", ("steel", STEEL))
    for y in np.linspace(0.15, wide - 0.15, 6):
        parts.append(cylinder((long * 0.4, y, 0.5), 0.22, 0.012, "steel", STEEL, "y"))
    box_ = gearbox(rng, 0.7)
    parts += [moved(p, (long * 0.55, wide * 0.4, high - 0.35)) for p in box_.parts]
    parts.append(cylinder((long + 0.3, wide / 2, high - 0.25), 0.04, 0.8, "steel", 5.0, "x"))
    for y in (-0.12, wide + 0.12):
        parts += wheel((long * 0.7, y, 0.3), 0.3, 0.18)
    return piece(parts)


def _farm(rng: Rng, room: Room) -> list[Solid]:
    """Farm implements standing, leaning and in each other, single wheels between."""

    def loose(rng: Rng) -> Piece:
        radius = float(rng.uniform(0.3, 0.6))
        return piece([p for k in range(2) for p in wheel((0, 0, k * 0.3), radius, 0.28, "z")])

    def make(rng: Rng) -> Piece:
        thing = _either(rng, room, [_plow, _plow, _mower, loose])
        if rng.random() < 0.3:
            thing = tilted(thing, rotation(*rng.normal(0, (0.1, 0.05, 0.05))))
        return _fits(thing, room) or piece(motor(rng, 0.1, 0.25))

    return stow(rng, room, make, Plan(share=(0.3, 0.8), gap=0.15))


def _cabinets(rng: Rng, room: Room) -> list[Solid]:
    """Switchgear, control and server cabinets upright on pallets, some in crates."""
    size = rng.uniform([0.6, 0.4, 1.4], [1.2, 0.9, 2.1])
    size = np.minimum(size, np.array(room.size) * 0.85)

    def make(rng: Rng) -> Piece:
        own = size * (rng.choice([1.0, 1.0, 0.6]), 1.0, rng.choice([1.0, 1.0, 0.8]))
        thing = piece(cabinet_parts(rng, (0, 0, 0), tuple(own)) + framed((0, 0, 0), tuple(own), 0.03, 1.5))
        thing = crated(rng, thing) if rng.random() < 0.4 else on_pallet(rng, thing, 0.03)
        return _fits(thing, room) or piece(motor(rng, 0.1, 0.25))

    return stow(rng, room, make, Plan(share=(0.4, 0.8), gap=0.08, tight=True))


def _transformer(rng: Rng) -> Piece:
    """A transformer: oil tank with core and windings, radiators, bushings, conservator, wheels."""
    wide, deep, high = rng.uniform([0.9, 0.5, 0.7], [1.7, 0.85, 1.2])
    parts = hollow_box((0, 0, 0.15), (wide, deep, 0.15 + high), 0.008, ("oil", 0.88))
    limb = 0.09 * high + 0.03
    for x in (0.2, 0.5, 0.8):
        parts += [
            cylinder((x * wide, deep / 2, 0.15 + high * 0.47), min(0.14 * wide, 0.4 * deep), 0.55 * high, "copper", 5.0),
            cylinder((x * wide, deep / 2, 0.15 + high * 0.47), limb, 0.55 * high, "steel", 7.4),
        ]
    parts += [
        box((0.1 * wide, deep / 2 - limb, z), (0.9 * wide, deep / 2 + limb, z + 1.8 * limb), "steel", 7.4)
        for z in (0.2, 0.15 + 0.76 * high)
    ]
    for y in (-0.22, deep):
        for x in np.linspace(0.05 * wide, 0.88 * wide, 8):
            parts.append(hollow_box((x, y, 0.25), (x + 0.025, y + 0.22, 0.05 + high), 0.0015, ("oil", 0.88))[0])
            parts.append(box((x + 0.002, y + 0.002, 0.252), (x + 0.023, y + 0.218, 0.048 + high), "oil", 0.88))
    for x in (0.2, 0.5, 0.8):
        parts.append(cylinder((x * wide, deep * 0.6, 0.15 + high + 0.17), 0.06, 0.34, "ceramic", 1.6))
        parts.append(cylinder((x * wide, deep * 0.6, 0.15 + high + 0.2), 0.015, 0.44, "copper", 8.9))
    parts += hollow_box((0.1 * wide, 0.05, 0.15 + high + 0.2), (0.6 * wide, 0.25, 0.15 + high + 0.4), 0.003, ("oil", 0.5))
    parts += [box((0.1 * wide, y, 0), (0.9 * wide, y + 0.1, 0.15), "steel", 2.5) for y in (0.0, deep - 0.1)]
    return piece(parts)


def _transformers(rng: Rng, room: Room) -> list[Solid]:
    def make(rng: Rng) -> Piece:
        return _either(rng, room, [lambda rng: crated(rng, _transformer(rng), str(rng.choice(["skid", "slatted", "closed"])))])

    return stow(rng, room, make, Plan(share=(0.5, 1.0), gap=0.2, bracing=0.6))


def _exerciser(rng: Rng) -> Piece:
    """A training machine: frame of tubes, weight stack, pulleys, seat."""
    long, high = float(rng.uniform(1.1, 1.9)), float(rng.uniform(1.2, 2.1))
    parts = [box((0, y, 0), (long, y + 0.06, 0.06), "steel", 2.0) for y in (0.0, 0.7)]
    parts += [
        box((x, 0.35, 0.0), (x + 0.07, 0.42, high * s), "steel", 2.0)
        for x, s in ((0.05, 1.0), (0.55 * long, 0.6), (long - 0.1, 0.8))
    ]
    parts += [tube((0.08, 0.38, high - 0.05), (long - 0.06, 0.38, high * 0.8), 0.035)]
    for k in range(int(rng.integers(6, 14))):
        parts.append(box((0.2, 0.25, 0.08 + k * 0.032), (0.5, 0.5, 0.108 + k * 0.032), "steel", IRON))
    parts += [cylinder((x, 0.38, high * 0.9), 0.06, 0.03, "polyethylene", 1.0, "y") for x in (0.3, 0.6 * long)]
    parts += [box((0.5 * long, 0.2, 0.6 * high), (0.5 * long + 0.4, 0.55, 0.6 * high + 0.07), "foam", 0.12)]
    return piece(parts)


def _play_device(rng: Rng) -> Piece:
    """Of a playground: slide, ladder, springs, roof panels, posts."""
    kind = rng.integers(0, 3)
    if kind == 0:
        long = float(rng.uniform(1.4, 2.4))
        parts = [box((0, 0, 0), (long, 0.5, 0.012), "polyethylene", 0.95)]
        parts += [box((0, y, 0.012), (long, y + 0.03, 0.18), "polyethylene", 0.6) for y in (0.0, 0.47)]
        return tilted(piece(parts), rotation(pitch=float(rng.uniform(0.0, 0.5))))
    if kind == 1:
        high = float(rng.uniform(1.4, 2.2))
        parts = [cylinder((x, y, high / 2), 0.05, high, "steel", 2.0) for x in (0.0, 0.9) for y in (0.0, 0.9)]
        parts += [tube((0, 0, z), (0.9, 0, z), 0.018) for z in np.arange(0.2, high, 0.3)]
        parts += [box((-0.05, -0.05, high * 0.5), (0.95, 0.95, high * 0.5 + 0.03), "wood", 0.6)]
        return piece(parts)
    parts = [
        box((0, 0, 0), (0.5, 0.3, 0.02), "steel", STEEL),
        *(torus((0.25, 0.15, 0.06 + 0.05 * k), 0.1, 0.012, "steel", STEEL) for k in range(5)),
    ]
    parts += [ellipsoid((0.25, 0.15, 0.5), (0.4, 0.14, 0.18), "polyethylene", 0.5)]
    return piece(parts)


def _exercise(rng: Rng, room: Room) -> list[Solid]:
    """Training machines, or playground parts; dumbbells and plates in boxes between."""
    play = rng.random() < 0.4

    def weights(rng: Rng) -> Piece:
        parts = [
            cylinder((0, 0, k * 0.035), float(rng.uniform(0.12, 0.22)), 0.03, "steel", IRON)
            for k in range(int(rng.integers(4, 12)))
        ]
        return on_pallet(rng, piece(parts), 0.05)

    def make(rng: Rng) -> Piece:
        thing = _either(rng, room, [_play_device] if play else [_exerciser, _exerciser, _exerciser, weights])
        return thing if rng.random() < 0.6 else _fits(crated(rng, thing), room) or thing

    return stow(rng, room, make, Plan(levels=2 if play else 1, share=(0.3, 0.8), gap=0.1, missing=0.08))


def _part(rng: Rng, size: np.ndarray) -> list[Solid]:
    """Parts of machines within a given size [m]: rolls, housings, arms, plates, bundles of pipe, and much air."""
    parts: list[Solid] = []
    for _ in range(int(rng.integers(2, 6))):
        own = size * rng.uniform((0.25, 0.25, 0.15), (0.85, 0.7, 0.75))
        low = rng.uniform(0, 1, 3) * (size - own) * (1, 1, rng.choice([0.0, 0.0, 0.5]))
        high, middle, kind = low + own, low + own / 2, rng.integers(0, 5)
        radius = float(min(own[1], own[2]) / 2)
        if kind == 0:
            parts += pipe(tuple(middle), radius, own[0], 0.03 + 0.1 * radius, "x", ("steel", IRON))
            parts.append(cylinder(tuple(middle), radius * 0.3, own[0], "steel", STEEL, "x"))
        elif kind == 1:
            parts += shell(tuple(low), tuple(high), float(rng.uniform(0.006, 0.03)), "steel", IRON)
            parts.append(cylinder(tuple(middle), radius * 0.4, own[0] * 0.8, "steel", 6.0, "x"))
        elif kind == 2:
            parts += framed(tuple(low), tuple(high), 0.06, 2.2)
        elif kind == 3:
            parts += [
                box((low[0], low[1], low[2] + k * 0.05), (high[0], high[1], low[2] + k * 0.05 + 0.02), "steel", STEEL)
                for k in range(3)
                if low[2] + k * 0.05 + 0.02 < high[2]
            ]
        else:
            parts += [moved(p, middle) for p in motor(rng, radius * 0.7, float(own[0] * 0.6), foot=False)]
    return parts


def _machine_parts(rng: Rng, room: Room) -> list[Solid]:
    """Large wooden crates with parts of machines, between and in which there is much room."""
    least, most = np.array([1.0, 0.8, 0.8]), np.minimum([4.0, 2.1, 2.2], np.array(room.size) - (0.3, 0.35, 0.4))

    def make(rng: Rng) -> Piece:
        size = rng.uniform(np.minimum(least, most), np.maximum(most, 0.1))
        inside = piece(_part(rng, size))
        return _fits(crated(rng, inside, str(rng.choice(["closed", "closed", "slatted", "skid"]))), room) or piece(
            motor(rng, 0.1, 0.25)
        )

    return stow(rng, room, make, Plan(levels=2, share=(0.4, 0.9), gap=0.25, bracing=0.3))


def _tanks(rng: Rng, room: Room) -> list[Solid]:
    """Empty vessels: boilers, compressor tanks, heat exchangers, hoppers: large hollow bodies with stubs and feet."""

    def make(rng: Rng) -> Piece:
        radius = min(float(rng.uniform(0.25, 0.85)), room.size[1] / 2 - 0.15, room.size[2] / 2 - 0.2)
        long = min(float(rng.uniform(1.0, 3.5)), room.size[0] - 0.4 - 2 * radius * 0.0)
        wall = float(rng.uniform(0.003, 0.012))
        length = max(long - 2 * radius, 0.1)
        ends = (radius, 0.0, radius + 0.12), (radius + length, 0.0, radius + 0.12)
        parts: list[Solid] = [capsule(*ends, radius, "steel", STEEL), capsule(*ends, radius - wall, "steel", 0.0)]
        if rng.random() < 0.4:
            for y, z in [(0.35 * np.cos(a) * radius, 0.35 * np.sin(a) * radius) for a in np.linspace(0, 6, 8)]:
                parts += pipe((radius + length / 2, y, radius + 0.12 + z), 0.03, length, 0.003, "x", ("copper", 8.9))
        for x in (radius, radius + length):
            parts.append(box((x - 0.04, -0.7 * radius, 0), (x + 0.04, 0.7 * radius, 0.3 * radius), "steel", 2.0))
        parts += pipe((radius + 0.3 * length, 0, 2 * radius + 0.16), 0.08, 0.12, 0.006, "z", ("steel", STEEL))
        parts.append(cylinder((radius + 0.3 * length, 0, 2 * radius + 0.23), 0.15, 0.025, "steel", STEEL))
        return _fits(on_bearers(rng, piece(parts), 0.08), room) or piece(motor(rng, 0.1, 0.25))

    return stow(rng, room, make, Plan(share=(0.3, 0.9), gap=0.15, bracing=0.6))


KINDS: tuple[LoadKind, ...] = (
    LoadKind("machine tools", "machines", _machine_tools, ("box", "open")),
    LoadKind("engines", "engines and drives", _engines),
    LoadKind("gearboxes and motors", "engines and drives", _drives),
    LoadKind("generators", "engines and drives", _generators, ("box", "open")),
    LoadKind("pumps and valves", "engines and drives", _pumps),
    LoadKind("transformers", "electric", _transformers, ("box", "open")),
    LoadKind("electric cabinets", "electric", _cabinets),
    LoadKind("batteries", "electric", _batteries),
    LoadKind("air conditioners", "electric", _air_conditioners),
    LoadKind("farm implements", "machines", _farm, ("box", "open")),
    LoadKind("exercise and playground devices", "machines", _exercise),
    LoadKind("machine parts in crates", "machines", _machine_parts, ("box", "open")),
    LoadKind("vessels and boilers", "machines", _tanks, ("box", "open")),
)
