"""Machine tools, each with its castings, spindles, motors and cavities, and the cabinets of their electrics."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.loads.assemblies import framed, motor, pipe, shell
from xrayscan.simulate.loads.stow import Piece, piece
from xrayscan.simulate.solid import Solid, box, cylinder, moved

__all__ = ["cabinet_parts", "injection", "lathe", "machining_center", "mill", "press"]

Rng = np.random.Generator
IRON, STEEL = 7.1, 7.85


def lathe(rng: Rng) -> Piece:
    """A lathe: bed on two feet, headstock with spindle, chuck, carriage, tailstock, electrics."""
    long, scale = float(rng.uniform(1.5, 3.2)), float(rng.uniform(0.8, 1.15))
    deep, bed = 0.45 * scale, 0.75 * scale
    parts = []
    for x in (0.0, long - 0.5):
        parts += shell((x, 0, 0), (x + 0.5, deep, bed - 0.25), 0.02, "steel", IRON)
    parts += shell((0.05, 0.03, bed - 0.25), (long, deep - 0.03, bed), 0.03, "steel", IRON)
    parts += [box((0.5, y, bed), (long, y + 0.05, bed + 0.05), "steel", IRON) for y in (0.06, deep - 0.11)]
    parts += shell((0, 0, bed), (0.55, deep, bed + 0.42 * scale), 0.03, "steel", IRON)
    z = bed + 0.25 * scale
    parts += [
        cylinder((0.3, deep / 2, z), 0.05, 0.75, "steel", STEEL, "x"),
        cylinder((0.3, deep / 2, z), 0.02, 0.76, "steel", 0.0, "x"),
    ]
    for x in np.linspace(0.1, 0.45, 4):
        parts.append(cylinder((x, deep / 2, z), rng.uniform(0.06, 0.13), 0.035, "steel", STEEL, "x"))
        parts.append(cylinder((x, deep * 0.7, z - 0.12), rng.uniform(0.04, 0.08), 0.035, "steel", STEEL, "x"))
    parts.append(cylinder((0.64, deep / 2, z), 0.12 * scale, 0.1, "steel", 7.0, "x"))
    at = float(rng.uniform(0.9, long - 0.55))
    parts += shell((at, -0.1, bed - 0.15), (at + 0.35, deep + 0.05, bed + 0.12), 0.025, "steel", IRON)
    parts.append(box((at + 0.08, 0.1, bed + 0.12), (at + 0.26, deep - 0.1, bed + 0.24), "steel", 6.0))
    parts += shell((long - 0.32, 0.08, bed + 0.05), (long - 0.02, deep - 0.08, bed + 0.36 * scale), 0.04, "steel", IRON)
    parts.append(cylinder((long - 0.25, deep / 2, z), 0.035, 0.5, "steel", STEEL, "x"))
    parts += [moved(p, (0.25, deep / 2, 0.2)) for p in motor(rng, 0.12, 0.3)]
    parts += [cylinder((long / 2, -0.03, bed - 0.12), 0.016, long * 0.9, "steel", STEEL, "x")]
    return piece(parts)


def mill(rng: Rng) -> Piece:
    """A milling machine or drill press: foot, column, knee, table, head with spindle and motor."""
    high, scale = float(rng.uniform(1.5, 1.95)), float(rng.uniform(0.8, 1.2))
    wide, deep = 0.6 * scale, 0.9 * scale
    parts = shell((0, 0, 0), (wide, deep, 0.16), 0.03, "steel", IRON)
    parts += shell((0.1 * wide, 0, 0.16), (0.9 * wide, 0.45 * deep, high - 0.35), 0.03, "steel", IRON)
    parts += shell((0.15 * wide, 0.45 * deep, 0.45), (0.85 * wide, 0.85 * deep, 0.8), 0.025, "steel", IRON)
    parts.append(cylinder((wide / 2, 0.65 * deep, 0.3), 0.035, 0.5, "steel", STEEL))
    parts.append(box((-0.35 * scale, 0.5 * deep, 0.8), (wide + 0.35 * scale, 0.5 * deep + 0.28, 0.88), "steel", IRON * 0.85))
    parts.append(cylinder((wide / 2, 0.5 * deep + 0.14, 0.77), 0.02, wide + 0.8 * scale, "steel", STEEL, "x"))
    parts += shell((0.2 * wide, 0.05 * deep, high - 0.35), (0.8 * wide, 0.9 * deep, high - 0.08), 0.03, "steel", IRON)
    parts += [
        cylinder((wide / 2, 0.7 * deep, high - 0.42), 0.09, 0.35, "steel", IRON),
        cylinder((wide / 2, 0.7 * deep, high - 0.42), 0.03, 0.5, "steel", STEEL),
    ]
    for y in (0.25, 0.5, 0.7):
        parts.append(cylinder((wide / 2, y * deep, high - 0.2), rng.uniform(0.05, 0.11), 0.05, "steel", STEEL))
    parts += [moved(p, (wide / 2, 0.25 * deep, high + 0.1)) for p in motor(rng, 0.11, 0.3, "z", foot=False)]
    parts += cabinet_parts(rng, (-0.35, 0.0, 0.5), (-0.05, 0.5, 1.4))
    return piece(parts)


def press(rng: Rng) -> Piece:
    """A press: C frame or four columns, ram with cylinder, flywheel, bed."""
    wide, deep, high = rng.uniform([0.9, 0.8, 1.5], [1.5, 1.2, 2.05])
    parts = [box((0, 0, 0), (wide, deep, 0.2), "steel", IRON * 0.7)]
    side = float(rng.uniform(0.03, 0.06))
    if rng.random() < 0.5:
        parts += [box((x, 0, 0.2), (x + side, deep, high - 0.3), "steel", STEEL) for x in (0.05, wide - 0.05 - side)]
    else:
        parts += [
            cylinder((x, y, high / 2), 0.06, high - 0.4, "steel", STEEL)
            for x in (0.12, wide - 0.12)
            for y in (0.12, deep - 0.12)
        ]
    parts.append(box((0.1, 0.1, 0.5), (wide - 0.1, deep - 0.1, 0.62), "steel", IRON))
    parts += shell((0.0, 0.0, high - 0.3), (wide, deep, high), 0.05, "steel", IRON)
    ram = float(rng.uniform(0.85, high - 0.6))
    parts.append(box((0.2, 0.15, ram), (wide - 0.2, deep - 0.15, ram + 0.18), "steel", IRON))
    middle = (wide / 2, deep / 2, (ram + 0.18 + high) / 2)
    parts += pipe(middle, 0.14, high - ram - 0.1, 0.035, "z", ("steel", STEEL))
    parts.append(cylinder(middle, 0.08, high - ram - 0.14, "steel", STEEL))
    if rng.random() < 0.5:
        parts.append(cylinder((wide + 0.06, deep / 2, high - 0.35), 0.36, 0.1, "steel", IRON * 0.8, "x"))
        parts.append(cylinder((wide / 2 + 0.1, deep / 2, high - 0.35), 0.05, wide + 0.2, "steel", STEEL, "x"))
    return piece(parts)


def machining_center(rng: Rng) -> Piece:
    """An enclosed tool machine: sheet enclosure with windows, inside column, table, spindle, chip tray, tool wheel."""
    wide, deep, high = rng.uniform([1.6, 1.4, 1.7], [2.6, 1.9, 2.15])
    parts = shell((0, 0, 0.1), (wide, deep, high), 0.003, "steel", STEEL)
    parts += shell((0.2, 0.2, 0.12), (wide - 0.4, deep - 0.2, 0.6), 0.04, "steel", IRON)
    x = float(rng.uniform(0.5, 0.9))
    parts += shell((x, deep - 0.75, 0.6), (x + 0.55, deep - 0.25, high - 0.15), 0.04, "steel", IRON)
    parts.append(box((x - 0.2, 0.35, 0.68), (x + 0.8, 0.85, 0.78), "steel", IRON))
    parts += shell((x + 0.1, 0.35, 1.15), (x + 0.45, deep - 0.75, 1.6), 0.03, "steel", IRON)
    parts += [cylinder((x + 0.27, 0.55, 1.2), 0.07, 0.5, "steel", STEEL)]
    parts += [moved(p, (x + 0.27, 0.55, min(1.62, high - 0.25))) for p in motor(rng, 0.1, 0.2, "z", foot=False)]
    parts.append(cylinder((x + 0.9, 0.8, 1.3), 0.28, 0.08, "steel", 2.5, "x"))
    for a in np.linspace(0, 2 * np.pi, 12)[:-1]:
        parts.append(cylinder((x + 0.9, 0.8 + 0.24 * np.cos(a), 1.3 + 0.24 * np.sin(a)), 0.03, 0.2, "steel", 6.5, "x"))
    parts += cabinet_parts(rng, (wide, 0.1, 0.2), (wide + 0.45, deep - 0.1, high - 0.1))
    parts.append(box((0.05, 0.05, 0.105), (wide - 0.05, deep - 0.05, 0.115), "steel", 4.0))
    return piece(parts)


def injection(rng: Rng) -> Piece:
    """A long machine of plates on tie bars with a heated barrel: for plastics or die casting."""
    long, high = float(rng.uniform(2.6, 4.2)), float(rng.uniform(1.3, 1.7))
    parts = shell((0, 0, 0), (long, 0.9, 0.55), 0.012, "steel", STEEL)
    parts += framed((0.02, 0.02, 0.02), (long - 0.02, 0.88, 0.53), 0.06, 3.0)
    for x, thick in ((0.1, 0.18), (0.65, 0.2), (1.25, 0.25)):
        parts.append(box((x, 0.05, 0.56), (x + thick, 0.85, min(high, 1.35)), "steel", IRON * 0.8))
    for y in (0.17, 0.73):
        for z in (0.72, 1.2):
            parts.append(cylinder((0.82, y, z), 0.045, 1.4, "steel", STEEL, "x"))
    parts += pipe((long * 0.62 + 0.2, 0.45, 0.95), 0.09, long * 0.4, 0.045, "x", ("steel", STEEL))
    parts.append(cylinder((long * 0.62 + 0.2, 0.45, 0.95), 0.03, long * 0.38, "steel", 6.5, "x"))
    parts += shell((long - 0.6, 0.15, 0.6), (long - 0.05, 0.75, 1.2), 0.03, "steel", IRON)
    parts += [moved(p, (long - 0.9, 0.45, 0.28)) for p in motor(rng, 0.15, 0.4)]
    parts += [box((1.7, 0.08, 0.05), (2.3, 0.82, 0.45), "oil", 0.85)]
    return piece(parts)


def cabinet_parts(rng: Rng, low: tuple[float, float, float], high: tuple[float, float, float]) -> list[Solid]:
    """An electric cabinet: sheet steel, a plate with rows of devices, wires, a transformer at its foot."""
    parts = shell(low, high, 0.002, "steel", STEEL)
    (x0, y0, z0), (x1, y1, z1) = low, high
    parts.append(box((x0 + 0.03, y1 - 0.07, z0 + 0.08), (x1 - 0.03, y1 - 0.066, z1 - 0.05), "steel", STEEL))
    for z in np.arange(z0 + 0.3, z1 - 0.2, rng.uniform(0.25, 0.4)):
        x = x0 + 0.04
        while x < x1 - 0.08 and rng.random() < 0.9:
            wide = float(rng.uniform(0.06, 0.3))
            device = ("copper", 2.2) if rng.random() < 0.2 else ("electronics", rng.uniform(0.4, 1.1))
            parts.append(
                box(
                    (x, y1 - 0.17, z),
                    (min(x + wide, x1 - 0.03), y1 - 0.07, min(z + rng.uniform(0.06, 0.15), z1 - 0.01)),
                    *device,
                )
            )
            x += wide + float(rng.uniform(0.01, 0.06))
    width, depth = x1 - x0, y1 - y0
    parts.append(
        box((x0 + 0.1 * width, y0 + 0.3 * depth, z0 + 0.03), (x0 + 0.6 * width, y0 + 0.75 * depth, z0 + 0.2), "copper", 4.5)
    )
    return parts
