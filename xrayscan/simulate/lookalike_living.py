"""Look-alikes that live or lived: animals, carcasses, fish; and what is shaped like them.

All are drawn about the origin and standing on z ≈ 0 [m]; `lookalike` sets them down.
"""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.extent import spun
from xrayscan.simulate.solid import Solid, box, capsule, cylinder, ellipsoid, moved, rotation, turned

__all__ = [
    "animal_head",
    "animal_trunk",
    "calf",
    "carcasses",
    "dog",
    "fish",
    "hanging_meat",
    "pig",
    "plush_toy",
    "poultry_crates",
    "sheep",
]

Rng = np.random.Generator
FLESH = "soft tissue"


def animal_trunk(length: float, radius: float, height: float) -> list[Solid]:
    """Flesh along x with lungs, guts and a spine in it."""
    end = length / 2 - radius
    parts = [capsule((-end, 0.0, height), (end, 0.0, height), radius, FLESH, 1.04)]
    parts.append(ellipsoid((0.5 * end + 0.1 * length, 0.0, height), (0.2 * length, 0.62 * radius, 0.62 * radius), "lung", 0.32))
    parts.append(
        ellipsoid((-0.22 * length, 0.0, height - 0.1 * radius), (0.18 * length, 0.6 * radius, 0.6 * radius), FLESH, 0.92)
    )
    spine = height + 0.72 * radius
    parts.append(capsule((-end, 0.0, spine), (end, 0.0, spine), 0.09 * radius + 0.006, "bone", 1.35))
    return parts


def _legs(rng: Rng, length: float, radius: float, leg: float, lying: bool) -> list[Solid]:
    parts: list[Solid] = []
    thick = 0.16 * radius + 0.018
    for x in (-0.36 * length, 0.36 * length):
        for y in (-0.55 * radius, 0.55 * radius):
            if lying:
                start, end = (x, 1.7 * y, thick), (x + float(rng.choice([-1.0, 1.0])) * 0.6 * leg, 2.0 * y, thick)
            else:
                start, end = (x, y, leg + 0.4 * radius), (x + float(rng.normal(0, 0.05)) * leg, y, thick)
            parts.append(capsule(start, end, thick, FLESH, 1.06))
            parts.append(capsule(start, end, 0.35 * thick, "bone", 1.5))
    return parts


def animal_head(rng: Rng, start: tuple[float, float, float], neck: float, skull: tuple[float, float]) -> list[Solid]:
    """Neck, skull with its brain, and snout; ``skull`` is its half length and half width."""
    rise, side = rng.uniform(-0.4, 1.1), rng.uniform(-0.8, 0.8)
    away = np.array([np.cos(rise) * np.cos(side), np.cos(rise) * np.sin(side), np.sin(rise)]) * neck
    x, y, z = (float(a + b) for a, b in zip(start, away, strict=True))
    z = max(z, 1.1 * skull[1])
    snout = (x + 1.1 * skull[0], y + 0.5 * side * skull[0], max(z - 0.45 * skull[0], 0.6 * skull[1]))
    return [
        capsule(start, (x, y, z), 0.75 * skull[1], FLESH, 1.05),
        ellipsoid((x, y, z), (skull[0], skull[1], skull[1]), "bone", 1.35),
        ellipsoid((x, y, z), (0.86 * skull[0], 0.84 * skull[1], 0.84 * skull[1]), FLESH, 1.04),
        capsule((x, y, z), snout, 0.55 * skull[1], FLESH, 1.1),
    ]


def _four_legs(rng: Rng, mass: float, length: float, leg: float, skull: tuple[float, float]) -> list[Solid]:
    """An animal of that mass [kg]; standing, or lying on its legs."""
    radius = float(np.sqrt(0.78 * mass / 1000.0 / (np.pi * 0.82 * length)))
    lying = bool(rng.random() < 0.5)
    height = radius * rng.uniform(0.9, 1.0) if lying else leg + radius
    parts = animal_trunk(length, radius, float(height))
    parts += _legs(rng, length, radius, leg, lying)
    parts += animal_head(
        rng, (0.44 * length, 0.0, float(height) + 0.35 * radius), float(rng.uniform(0.15, 0.3)) * length, skull
    )
    return spun(parts, float(rng.uniform(-np.pi, np.pi)))


def dog(rng: Rng) -> list[Solid]:
    """A dog of 12 to 45 kg."""
    mass = float(rng.uniform(12, 45))
    scale = (mass / 30.0) ** (1 / 3)
    parts = _four_legs(rng, mass, 0.72 * scale, float(rng.uniform(0.3, 0.4)) * scale, (0.10 * scale, 0.075 * scale))
    return parts


def sheep(rng: Rng) -> list[Solid]:
    """A sheep or goat of 30 to 80 kg, with or without wool."""
    mass = float(rng.uniform(30, 80))
    scale = (mass / 55.0) ** (1 / 3)
    parts = _four_legs(rng, mass, 0.92 * scale, float(rng.uniform(0.28, 0.38)) * scale, (0.11 * scale, 0.07 * scale))
    if rng.random() < 0.5:
        trunk, fleece = parts[0], float(rng.uniform(0.02, 0.06))
        half = tuple(h + fleece for h in trunk.half)
        wool = Solid("capsule", trunk.center, half, "textile", float(rng.uniform(0.05, 0.12)), trunk.turn)  # type: ignore[arg-type]
        parts = [wool, *parts]
    return parts


def pig(rng: Rng) -> list[Solid]:
    """A pig of 25 to 120 kg."""
    mass = float(rng.uniform(25, 120))
    scale = (mass / 70.0) ** (1 / 3)
    return _four_legs(rng, mass, 1.0 * scale, float(rng.uniform(0.16, 0.24)) * scale, (0.14 * scale, 0.11 * scale))


def calf(rng: Rng) -> list[Solid]:
    """A calf of 45 to 130 kg."""
    mass = float(rng.uniform(45, 130))
    scale = (mass / 80.0) ** (1 / 3)
    return _four_legs(rng, mass, 1.0 * scale, float(rng.uniform(0.45, 0.55)) * scale, (0.15 * scale, 0.10 * scale))


def _half(rng: Rng, length: float) -> list[Solid]:
    """Half a carcass along z, hung by its hind leg: a thick ham above, a thin wall of ribs below."""
    width, thick = 0.15 * length * rng.uniform(0.9, 1.25), 0.085 * length * rng.uniform(0.8, 1.2)
    ham, chest = 0.68 * length, 0.30 * length
    meat = "meat"
    parts = [
        capsule((0.0, 0.0, ham), (0.0, 0.0, length - 0.04), 0.045 * length, meat, 1.05),
        ellipsoid((0.0, 0.0, ham), (float(width), float(thick), 0.2 * length), meat, 1.05),
        ellipsoid((0.02, 0.0, chest), (float(1.15 * width), float(0.8 * thick), 0.3 * length), meat, 1.05),
        ellipsoid((0.04, float(0.3 * thick), chest), (float(0.8 * width), float(0.45 * thick), 0.22 * length), "water", 0.0),
    ]
    back = float(-0.85 * width)
    parts.append(capsule((back, 0.0, 0.06 * length), (0.6 * back, 0.0, ham), 0.014 * length, "bone", 1.5))
    return parts


def hanging_meat(rng: Rng) -> list[Solid]:
    """One to three halves of a carcass on the hooks of a rack."""
    length, count = float(rng.uniform(0.95, 1.45)), int(rng.integers(1, 4))
    step = 0.36 * length * float(rng.uniform(0.8, 1.2))
    rail = length + float(rng.uniform(0.12, 0.3))
    span = (count - 1) * step + 0.5
    parts = [box((-span / 2, -0.02, rail), (span / 2, 0.02, rail + 0.04), "steel", 2.2)]
    for x in (-span / 2, span / 2 - 0.035):
        parts.append(box((x, -0.02, 0.0), (x + 0.035, 0.02, rail), "steel", 2.2))
        parts.append(box((x, -0.3, 0.0), (x + 0.035, 0.3, 0.03), "steel", 2.2))
    for k in range(count):
        x = (k - (count - 1) / 2) * step
        lift = rail - length - 0.06
        half = spun(_half(rng, length), float(rng.normal(0, 0.5)))
        parts += [moved(s, (x, 0.0, lift)) for s in half]
        parts.append(cylinder((x, 0.0, rail - 0.05), 0.006, 0.12, "steel", 7.85))
    return spun(parts, float(rng.choice([0.0, np.pi / 2])))


def carcasses(rng: Rng) -> list[Solid]:
    """One to four halves of a carcass lying on each other, chilled or frozen, loose or in a bag."""
    parts: list[Solid] = []
    length = float(rng.uniform(0.85, 1.4))
    for k in range(int(rng.integers(1, 5))):
        flat = [turned(s, rotation(pitch=np.pi / 2), (0.0, 0.0, 0.0)) for s in _half(rng, length)]
        flat = spun(
            [turned(s, rotation(roll=np.pi / 2), (0.0, 0.0, 0.0)) for s in flat], float(rng.normal(np.pi * (k % 2), 0.12))
        )
        middle = 0.5 * length * (1 if k % 2 else -1)
        level = 0.09 * length * (1 + 1.55 * k)
        shift = (middle + float(rng.normal(0, 0.04)), float(rng.normal(0, 0.03)), level)
        parts += [moved(s, shift) for s in flat]
    return spun(parts, float(rng.uniform(-np.pi, np.pi)))


def fish(rng: Rng) -> list[Solid]:
    """Whole big fish, frozen: one of 40 to 100 kg, or a heap of smaller ones."""
    count = int(rng.choice([1, 2, 3, 5, 7]))
    length = float(rng.uniform(1.2, 1.7)) if count == 1 else float(rng.uniform(0.7, 1.15))
    deep, wide = length * float(rng.uniform(0.12, 0.15)), length * float(rng.uniform(0.085, 0.11))
    parts: list[Solid] = []
    for k in range(count):
        row, place = divmod(k, 3)
        y, z = (place - 1 + 0.5 * (row % 2)) * 1.9 * deep if count > 2 else (place - 0.5) * 1.9 * deep, wide * (1 + 1.75 * row)
        x = float(rng.normal(0, 0.05))
        head = 1.0 if k % 2 else -1.0
        parts.append(ellipsoid((x, y, z), (0.42 * length, deep, wide), "meat", 1.03))
        parts.append(ellipsoid((x - head * 0.3 * length, y, z), (0.09 * length, 0.62 * deep, 0.7 * wide), "bone", 1.2))
        parts.append(capsule((x - 0.3 * length, y, z), (x + 0.36 * length, y, z), 0.012 * length, "bone", 1.35))
        parts.append(ellipsoid((x + head * 0.46 * length, y, z), (0.05 * length, 0.9 * deep, 0.012), "meat", 1.0))
    return spun(parts, float(rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.1)))


def poultry_crates(rng: Rng) -> list[Solid]:
    """Plastic crates with live hens, or with plucked ones on ice."""
    parts: list[Solid] = []
    wide, deep, high = float(rng.uniform(0.55, 0.9)), float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.24, 0.32))
    for k in range(int(rng.integers(2, 5))):
        z = k * (high + 0.01)
        parts.append(box((-wide / 2, -deep / 2, z), (wide / 2, deep / 2, z + high), "polyethylene", 0.35))
        parts.append(
            box((-wide / 2 + 0.01, -deep / 2 + 0.01, z + 0.012), (wide / 2 - 0.01, deep / 2 - 0.01, z + high), "water", 0.0)
        )
        for x in np.linspace(-wide / 2 + 0.12, wide / 2 - 0.12, max(2, int(wide / 0.2))):
            for y in (-0.25 * deep, 0.25 * deep):
                size = float(rng.uniform(0.075, 0.095))
                parts.append(
                    ellipsoid(
                        (float(x), y, z + 0.015 + size), (1.15 * size, 0.9 * size, size), "meat", float(rng.uniform(0.8, 1.0))
                    )
                )
    return parts


def plush_toy(rng: Rng) -> list[Solid]:
    """A stuffed bear as big as a person, sitting."""
    size = float(rng.uniform(0.8, 1.5))
    stuff, bulk = "textile", float(rng.uniform(0.02, 0.07))
    trunk, head = (0.2 * size, 0.22 * size, 0.27 * size), 0.19 * size
    parts = [ellipsoid((0.0, 0.0, trunk[2]), trunk, stuff, bulk)]
    parts.append(ellipsoid((0.02, 0.0, 2 * trunk[2] + 0.75 * head), (head, 1.05 * head, head), stuff, bulk))
    for y in (-1.0, 1.0):
        parts.append(ellipsoid((0.0, 0.7 * y * head, 2 * trunk[2] + 1.6 * head), (0.03, 0.07 * size, 0.07 * size), stuff, bulk))
        parts.append(
            capsule(
                (0.1, y * trunk[1] * 0.6, 0.1 * size), (0.5 * size, y * trunk[1] * 1.2, 0.1 * size), 0.1 * size, stuff, bulk
            )
        )
        parts.append(
            capsule(
                (0.05, y * trunk[1], 1.5 * trunk[2]),
                (0.25 * size, y * trunk[1] * 1.3, 0.9 * trunk[2]),
                0.075 * size,
                stuff,
                bulk,
            )
        )
    return spun(parts, float(rng.uniform(-np.pi, np.pi)))
