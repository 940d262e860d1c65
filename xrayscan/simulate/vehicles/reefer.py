"""Insulated containers with their refrigeration machinery."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.solid import Room, Solid, cylinder
from xrayscan.simulate.vehicles.container import BASE, HALF, Size, corner_castings, door_gear
from xrayscan.simulate.vehicles.parts import STEEL, Span, both_sides, rod, shell, slab, tube
from xrayscan.simulate.vehicles.vehicle import Niche, Unit

__all__ = ["insulated", "machinery", "reefer", "t_floor"]

MACHINE = 0.42  # depth of the machinery at the front [m]


def insulated(rng: np.random.Generator, x: Span, half: float, z: Span, thick: float) -> list[Solid]:
    """Insulated side walls and roof: skins of steel or aluminum, foam, and posts in it.

    Parameters
    ----------
    rng : numpy.random.Generator
    x : (float, float) [m]
    half : float [m]
        |y| of the outside.
    z : (float, float) [m]
        Of the inside's floor and the outside of the roof.
    thick : float [m]
        Of walls and roof.

    Returns
    -------
    list of Solid
    """
    skin, inner = (("aluminum", 0.0016), ("steel", 0.0011)) if rng.random() < 0.5 else (("steel", 0.0012), ("aluminum", 0.0016))
    low, high = z
    face = half - thick
    step, deep = float(rng.choice([0.6, 0.9, 1.2])), float(rng.uniform(0.02, 0.035))
    posts = half - skin[1] - deep  # the foam between the posts counts to the layer within: nothing overlaps
    foam = 0.045 * (posts + deep - face) / (posts - face)
    wall = [
        slab(x, (half - skin[1], half), (low, high), skin[0]),
        slab(x, (face + inner[1], posts), (low, high - thick), "foam", foam),
        slab(x, (face, face + inner[1]), (low, high - thick), inner[0]),
    ]
    parts = both_sides(wall)
    span = (-half + skin[1], half - skin[1])
    parts += [
        slab(x, span, (high - skin[1], high), skin[0]),
        slab(x, span, (high - thick + inner[1], high - skin[1] - deep), "foam", foam),
        slab(x, (-face, face), (high - thick, high - thick + inner[1]), inner[0]),
    ]
    wide, heavy = float(rng.uniform(0.03, 0.08)), float(rng.uniform(0.25, 0.8))
    for at in np.arange(x[0] + 0.4, x[1] - 0.2, step):
        parts += both_sides([slab((at, at + wide), (posts, half - skin[1]), (low, high - thick), "aluminum", heavy)])
        parts.append(slab((at, at + 0.06), (-face, face), (high - skin[1] - deep, high - skin[1]), "aluminum", 0.25))
    return parts


def t_floor(rng: np.random.Generator, x: Span, half: float, depth: float) -> list[Solid]:
    """A grating of aluminum T-bars, its top at z = 0, on foam, down to z = −depth [m]."""
    bars = 0.0635
    return [
        slab(x, (-half, half), (-0.005, 0.0), "aluminum", 1.5),
        slab(x, (-half, half), (-bars + 0.003, -0.005), "aluminum", float(rng.uniform(0.1, 0.16))),
        slab(x, (-half, half), (-bars, -bars + 0.003), "aluminum"),
        slab(x, (-half, half), (-depth, -bars), "foam", 0.05),
    ]


def reefer(rng: np.random.Generator, size: Size) -> Unit:
    """A refrigerated container, its machinery at the front, its doors at the rear."""
    length, top, thick = size.length, size.top, float(rng.uniform(0.06, 0.08))
    start, end = MACHINE + 0.09, length - 0.1
    half = 1.21
    inside = half - thick
    low = -0.05
    solids = insulated(rng, (MACHINE, length - 0.1), half, (low, top - 0.01), thick)
    solids += t_floor(rng, (start, end), inside, 0.12)
    for x in np.arange(0.3, length - 0.1, float(rng.uniform(0.4, 0.6))):
        solids.append(slab((x, x + 0.006), (-1.13, 1.13), (BASE + 0.015, -0.12)))
        solids.append(slab((x + 0.006, x + 0.07), (-1.13, 1.13), (BASE + 0.015, BASE + 0.025)))
    solids.append(slab((start - 0.09, start), (-inside, inside), (low, top - 0.01 - thick), "foam", 0.09))
    solids.append(slab((start - 0.008, start - 0.004), (-inside, inside), (0.25, top - 0.3), "aluminum"))
    solids += machinery(rng, (0.02, MACHINE), (BASE + 0.12, top - 0.1))
    solids += _ends(rng, length, top)
    solids += corner_castings(length, BASE, top)
    room = Room(start, end, -inside, inside, 0.0, top - 0.012 - thick)
    niche = Niche("reefer machinery", Room(0.04, MACHINE, -1.0, 1.0, BASE + 0.12, 1.3))
    below = Niche("under floor", Room(0.25 * length, 0.75 * length, -1.0, 1.0, BASE - 0.4, -0.12))
    return Unit(tuple(solids), room, "box", length, BASE, top, (niche, below))


def _ends(rng: np.random.Generator, length: float, top: float) -> list[Solid]:
    """Posts, rails, and doors filled with foam."""
    low = BASE + 0.118
    half = []
    for x in ((0.0, 0.1), (length - 0.1, length)):
        half += tube(x, (1.1, HALF), (low, top - 0.118), 0.007)
    half += tube((0.178, length - 0.178), (HALF - 0.08, HALF), (BASE + 0.01, -0.055), 0.006)
    half += tube((0.178, length - 0.178), (HALF - 0.07, HALF), (top - 0.07, top - 0.005), 0.005)
    parts = both_sides(half)
    for x in ((0.0, 0.1), (length - 0.1, length)):
        parts += tube(x, (-1.05, 1.05), (BASE + 0.02, -0.06), 0.005)
        parts += tube(x, (-1.05, 1.05), (top - 0.1, top - 0.006), 0.004)
    z = (-0.05, top - 0.11)
    for y in ((-1.095, -0.006), (0.006, 1.095)):
        parts.append(slab((length - 0.095, length - 0.04), y, z, "foam", 0.06))
        parts.append(slab((length - 0.04, length - 0.037), y, z, "aluminum"))
        parts.append(slab((length - 0.097, length - 0.095), y, z, "aluminum"))
        for edge in ((y[0], y[0] + 0.04), (y[1] - 0.04, y[1])):
            parts.append(slab((length - 0.09, length - 0.045), edge, z, "aluminum", 0.9))
    return parts + door_gear(rng, length - 0.035, top - 0.12)


def machinery(rng: np.random.Generator, x: Span, z: Span) -> list[Solid]:
    """Compressor, condenser, fans, control box, pipes and their frame between x0, the outside, and x1 [m]."""
    (x0, x1), (low, high) = x, z
    deep, tall = x1 - x0, high - low
    side = float(rng.choice([-1.0, 1.0]))
    y, box = side * float(rng.uniform(0.35, 0.7)), -side * 0.5
    parts = [slab((x1 - 0.03, x1 - 0.002), (-1.05, 1.05), (low, high), "aluminum", 0.25)]
    parts += both_sides(tube((x0, x0 + 0.05), (0.95, 1.0), (low, high), 0.004))
    for share in (0.33, 0.66):
        parts.append(slab((x0, x1 - 0.03), (-0.95, 0.95), (low + share * tall, low + share * tall + 0.006), "steel"))
    base = low + 0.08
    parts += [
        slab((x0 + 0.08, x1 - 0.1), (y - 0.22, y + 0.22), (base, base + 0.2), "steel", STEEL * 0.6),
        cylinder(((x0 + x1) / 2, y, base + 0.3), 0.13, 0.46, "steel", STEEL * 0.6, "y"),
        cylinder(((x0 + x1) / 2, -y, base + 0.25), 0.08, 0.5, "steel", STEEL * 0.3, "z"),
        slab((x0 + 0.1, x0 + 0.18), (-0.55, 0.75), (low + 0.36 * tall, low + 0.62 * tall), "copper", rng.uniform(0.5, 0.9)),
        cylinder((x0 + 0.26, 0.1, low + 0.49 * tall), 0.09, 0.18, "copper", 3.0, "x"),
        cylinder((x0 + 0.24, 0.1, low + 0.49 * tall), 0.27, 0.03, "aluminum", 0.4, "x"),
        slab((x0 + 0.05, x0 + 0.28), (box - 0.28, box + 0.28), (low + 0.14 * tall, low + 0.32 * tall), "electronics", 0.6),
        slab((x1 - 0.16, x1 - 0.05), (-0.85, 0.85), (low + 0.7 * tall, low + 0.84 * tall), "copper", 0.55),
    ]
    for place in (-0.45, 0.45):
        at = (x1 - 0.12, place, low + 0.91 * tall)
        parts += [
            cylinder(at, 0.075, 0.16, "copper", 3.0, "x"),
            cylinder((at[0] - 0.1, place, at[2]), min(0.17, 0.085 * tall), 0.03, "aluminum", 0.5, "x"),
        ]
    for _ in range(rng.integers(3, 7)):
        a, b = rng.uniform(-0.9, 0.9, 2)
        height, rise = low + float(rng.uniform(0.1, 0.85)) * tall, float(rng.uniform(0.05, 0.5))
        depth = x0 + float(rng.uniform(0.25, 0.75)) * deep
        parts.append(rod((depth, a, height), (depth, b, min(height + rise, high)), 0.012, "copper", 4.0))
    for i in range(rng.integers(0, 4)):
        parts.append(cylinder((x0 + 0.12, -side * 0.4, low + 0.1 + 0.035 * i), 0.16, 0.03, "copper", 2.2))
    if rng.random() < 0.3:
        parts += shell((x0 - 0.01, x0 + 0.25), (-0.3, 0.4), (low, low + 0.5), 0.002)
    return parts
