"""Look-alikes among goods: sacks, vessels, bundles, clothes, boxes, fruit, rubbish.

All are drawn about the origin and standing on z ≈ 0 [m]; `lookalike` sets them down.
"""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.extent import spun
from xrayscan.simulate.solid import Solid, box, capsule, cylinder, ellipsoid, rotation, sack, torus, turned

__all__ = [
    "backpacks", "boxes_like_a_person", "bundle", "carpet", "clothes", "demijohns", "drum", "duvets", "gas_bottles",
    "jerrycans", "keg", "mattress", "melons", "pots", "rubbish", "sack_heap", "sitting_sacks", "suitcases", "tires",
    "water_bags",
]  # fmt: skip

Rng = np.random.Generator
BAGGED = (
    ("grain", 0.7, 0.85), ("food", 0.5, 0.8), ("sugar", 0.75, 0.9), ("cement", 1.1, 1.4), ("fertilizer", 0.85, 1.05),
    ("polyethylene", 0.5, 0.6), ("salt", 1.0, 1.25), ("cellulose", 0.2, 0.45), ("textile", 0.12, 0.35), ("sand", 1.4, 1.6),
)  # fmt: skip
"""What sacks hold, and its bulk density [g/cm³]."""


def _bagged(rng: Rng) -> tuple[str, float]:
    name, low, high = BAGGED[int(rng.integers(len(BAGGED)))]
    return name, float(rng.uniform(low, high))


def _drawn(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _tilted(part: Solid, rng: Rng, yaw: float, lean: float) -> Solid:
    return turned(part, rotation(float(rng.normal(0, yaw)), float(rng.normal(0, lean)), float(rng.normal(0, lean))))


def sack_heap(rng: Rng) -> list[Solid]:
    """Two to eight sacks thrown onto each other, about as much as a person: 30 to 250 kg."""
    stuff, bulk = _bagged(rng)
    half = (_drawn(rng, 0.24, 0.4), _drawn(rng, 0.17, 0.27), _drawn(rng, 0.06, 0.11))
    parts: list[Solid] = []
    count, z = int(rng.integers(2, 9)), 0.0
    while count > 0:
        row = min(count, int(rng.choice([1, 2], p=[0.6, 0.4])))
        for k in range(row):
            x = (k - (row - 1) / 2) * 1.6 * half[0] + float(rng.normal(0, 0.04))
            piece = sack((x, float(rng.normal(0, 0.05)), z + half[2]), half, stuff, bulk * _drawn(rng, 0.93, 1.07))
            parts.append(_tilted(piece, rng, 0.3, 0.05))
        z += 1.9 * half[2]
        count -= row
    return spun(parts, _drawn(rng, -np.pi, np.pi))


def sitting_sacks(rng: Rng) -> list[Solid]:
    """Sacks as somebody sits: one flat, one leaning upright behind it, something round on top."""
    stuff, bulk = _bagged(rng)
    flat = (_drawn(rng, 0.3, 0.45), _drawn(rng, 0.18, 0.26), _drawn(rng, 0.08, 0.13))
    tall = (_drawn(rng, 0.11, 0.16), _drawn(rng, 0.18, 0.25), _drawn(rng, 0.28, 0.42))
    parts = [sack((0.0, 0.0, flat[2]), flat, stuff, bulk)]
    back = turned(sack((-flat[0] * 0.7, 0.0, 0.05 + tall[2]), tall, stuff, bulk), rotation(pitch=_drawn(rng, -0.05, 0.25)))
    parts.append(back)
    if rng.random() < 0.75:
        ball, top = _drawn(rng, 0.09, 0.13), 0.05 + 2 * tall[2]
        inside, dense = [("fruit", 0.92), ("textile", 0.2), ("water", 1.0), ("food", 0.6)][int(rng.integers(4))]
        parts.append(ellipsoid((-flat[0] * 0.65, 0.0, top + 0.7 * ball), (ball, ball, ball * 1.1), inside, dense))
    for y in (-0.6, 0.6):
        if rng.random() < 0.5:
            arm = _drawn(rng, 0.05, 0.08)
            parts.append(
                capsule((-0.1, y * flat[1], 2 * flat[2] + arm), (flat[0], y * flat[1], 2 * flat[2] + arm), arm, stuff, bulk)
            )
    return spun(parts, _drawn(rng, -np.pi, np.pi))


def bundle(rng: Rng) -> list[Solid]:
    """A soft bundle of 15 to 100 kg in blankets or film, round as a person: three to six lobes nearly as dense as water."""
    rows = [("meat", 0.95), ("food", 0.8), ("fruit", 0.6), ("leather", 0.55), ("water", 0.95), ("rubber", 0.6)]
    stuff, bulk = rows[int(rng.integers(6))]
    along = bool(rng.random() < 0.6)
    count, radius = int(rng.integers(3, 7)), _drawn(rng, 0.1, 0.17)
    step = _drawn(rng, 1.0, 1.6) * radius
    parts: list[Solid] = []
    for k in range(count):
        r = radius * _drawn(rng, 0.75, 1.2)
        x, z = (k * step, r) if along else (float(rng.normal(0, 0.06)), r + k * step)
        parts.append(ellipsoid((x, float(rng.normal(0, 0.03)), z), (1.15 * r, r, r), stuff, bulk * _drawn(rng, 0.9, 1.1)))
    wrap = _drawn(rng, 0.008, 0.03)
    around = [ellipsoid(p.center, (p.half[0] + wrap, p.half[1] + wrap, p.half[2] + wrap), "textile", 0.15) for p in parts]
    return spun([*around, *parts], _drawn(rng, -np.pi, np.pi))


def drum(rng: Rng) -> list[Solid]:
    """A drum of steel or plastic, 30 to 220 l, full, half full or empty."""
    radius = _drawn(rng, 0.16, 0.3)
    height = radius * _drawn(rng, 2.6, 3.2)
    steel = bool(rng.random() < 0.5)
    wall = 0.0011 if steel else 0.004
    shell = ("steel", 7.85) if steel else ("polyethylene", 0.95)
    stuff, bulk = [("water", 1.0), ("oil", 0.88), ("food", 1.0), ("fruit", 0.98), ("alcohol", 0.79), ("salt", 1.15)][
        int(rng.integers(6))
    ]
    lying = bool(rng.random() < 0.3)
    level = (height - 2 * wall) * (1.0 if lying else _drawn(rng, 0.3, 0.98))
    parts = [
        cylinder((0.0, 0.0, height / 2), radius, height, *shell),
        cylinder((0.0, 0.0, height / 2), radius - wall, height - 2 * wall, "water", 0.0),
        cylinder((0.0, 0.0, wall + level / 2), radius - wall, level, stuff, bulk),
    ]
    if steel:
        parts.append(torus((0.0, 0.0, 0.66 * height), radius, 0.004, "steel", 7.85))
    if lying:
        return spun([turned(s, rotation(pitch=np.pi / 2), (0.0, 0.0, 0.0)) for s in parts], float(rng.choice([0.0, np.pi / 2])))
    return parts


def keg(rng: Rng) -> list[Solid]:
    """A wooden barrel of wine, brine or nothing, its belly wider than its ends."""
    radius, height = _drawn(rng, 0.2, 0.33), _drawn(rng, 0.6, 0.95)
    slope, wall = 1.35, 0.027
    full = ellipsoid((0.0, 0.0, height / 2), (radius, radius, slope * height / 2), "wood", 0.7)
    parts = [sack((0.0, 0.0, height / 2), (radius, radius, height / 2), "wood", 0.7)]
    inner = (radius - wall, radius - wall, height / 2 - wall)
    parts.append(sack(full.center, inner, *[("water", 0.98), ("water", 1.02), ("water", 0.0)][int(rng.integers(3))]))
    for z in (0.25, 0.4, 0.6, 0.75):
        parts.append(torus((0.0, 0.0, z * height), 0.985 * radius, 0.004, "steel", 7.85))
    if rng.random() < 0.4:
        return spun([turned(s, rotation(pitch=np.pi / 2), (0.0, 0.0, 0.0)) for s in parts], _drawn(rng, 0, np.pi))
    return parts


def gas_bottles(rng: Rng) -> list[Solid]:
    """One to six steel bottles, for welding or for the kitchen."""
    slim = bool(rng.random() < 0.5)
    radius, height = (
        (_drawn(rng, 0.09, 0.13), _drawn(rng, 0.9, 1.6)) if slim else (_drawn(rng, 0.14, 0.18), _drawn(rng, 0.42, 0.62))
    )
    wall, level = (0.006, 0.0) if slim else (0.003, _drawn(rng, 0.0, 0.8))
    parts: list[Solid] = []
    for k in range(int(rng.integers(1, 7))):
        x, y = (k // 2) * 2.05 * radius, (k % 2) * 2.05 * radius
        parts.append(capsule((x, y, radius), (x, y, height - radius), radius, "steel", 7.85))
        parts.append(capsule((x, y, radius), (x, y, height - radius), radius - wall, "water", 0.0))
        if level:
            deep = level * (height - 2 * radius)
            parts.append(cylinder((x, y, radius + deep / 2), radius - wall, deep, "oil", 0.54))
        parts.append(cylinder((x, y, height + 0.03), 0.018, 0.07, "brass", 6.0))
        parts.append(cylinder((x, y, 0.02), 0.8 * radius, 0.04, "steel", 2.0))
    if slim and rng.random() < 0.4:
        parts = [turned(s, rotation(pitch=np.pi / 2), (0.0, 0.0, 0.0)) for s in parts]
    return spun(parts, float(rng.choice([0.0, np.pi / 2])))


def jerrycans(rng: Rng) -> list[Solid]:
    """A stack of jerrycans of water, oil or fuel, about as high as somebody who sits or stands."""
    size = (_drawn(rng, 0.24, 0.34), _drawn(rng, 0.16, 0.24), _drawn(rng, 0.3, 0.42))
    steel = bool(rng.random() < 0.3)
    shell, wall = (("steel", 7.85), 0.001) if steel else (("polyethylene", 0.95), 0.002)
    stuff, bulk = [("water", 1.0), ("oil", 0.9), ("oil", 0.78), ("alcohol", 0.8)][int(rng.integers(4))]
    wide, high = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    parts: list[Solid] = []
    for i in range(wide):
        for j in range(int(rng.integers(1, 3))):
            for k in range(high):
                low = np.array([i * (size[0] + 0.008), j * (size[1] + 0.008), k * (size[2] + 0.012)]) + [
                    0.0,
                    rng.normal(0, 0.008),
                    0.0,
                ]
                top, level = low + size, _drawn(rng, 0.55, 0.97)
                inner, fill = low + wall, np.array([top[0] - wall, top[1] - wall, low[2] + wall + level * (size[2] - 2 * wall)])
                parts.append(box(tuple(low), tuple(top), *shell))
                parts.append(box(tuple(inner), tuple(top - wall), "water", 0.0))
                parts.append(box(tuple(inner), tuple(fill), stuff, bulk))
    return parts


def demijohns(rng: Rng) -> list[Solid]:
    """Glass demijohns of 10 to 50 l with wine or oil, or plastic bottles for water dispensers."""
    glass = bool(rng.random() < 0.5)
    radius = _drawn(rng, 0.13, 0.2)
    parts: list[Solid] = []
    for k in range(int(rng.integers(1, 6))):
        x, y, z = (k % 3) * 2.05 * radius, (k // 3) * 2.05 * radius, 1.08 * radius
        shell, wall = (("glass", 2.5), 0.005) if glass else (("PET", 1.38), 0.001)
        half, full = 1.08 * radius, bool(rng.random() < 0.8)
        parts.append(sack((x, y, z), (radius, radius, half), *shell))
        inside = ("water", 0.98) if glass else ("water", 1.0)
        parts.append(sack((x, y, z), (radius - wall, radius - wall, half - wall), inside[0], inside[1] if full else 0.0))
        parts.append(cylinder((x, y, 2 * half + 0.05), 0.03, 0.1, shell[0], 0.8))
    return parts


def water_bags(rng: Rng) -> list[Solid]:
    """Flexible bags of water, oil or wine, slack and round, 20 to 150 kg."""
    parts: list[Solid] = []
    stuff, bulk = [("water", 1.0), ("oil", 0.9), ("water", 0.98)][int(rng.integers(3))]
    half = (_drawn(rng, 0.2, 0.45), _drawn(rng, 0.17, 0.3), _drawn(rng, 0.09, 0.16))
    for k in range(int(rng.integers(1, 4))):
        z = half[2] * (1 + 1.7 * k)
        center = (float(rng.normal(0, 0.05)), float(rng.normal(0, 0.04)), z)
        shape = sack if rng.random() < 0.6 else ellipsoid
        parts.append(_tilted(shape(center, half, stuff, bulk), rng, 0.3, 0.02))
    return spun(parts, _drawn(rng, -np.pi, np.pi))


def carpet(rng: Rng) -> list[Solid]:
    """One to four rolled carpets, lying or leaning upright, on cardboard cores."""
    stuff, bulk = ("textile", _drawn(rng, 0.25, 0.5)) if rng.random() < 0.8 else ("PVC", _drawn(rng, 0.7, 1.1))
    length, upright = _drawn(rng, 1.1, 2.2), bool(rng.random() < 0.4)
    parts: list[Solid] = []
    y, lean = 0.0, _drawn(rng, 0.0, 0.12)
    for _ in range(int(rng.choice([1, 1, 2, 3, 4]))):
        radius = _drawn(rng, 0.09, 0.2)
        core, long = _drawn(rng, 0.025, 0.045), min(length * _drawn(rng, 0.9, 1.0), 1.9 if upright else 9.0)
        y += radius
        turn = rotation(pitch=lean) if upright else rotation(float(rng.normal(0, 0.04)), np.pi / 2)
        z = long / 2 if upright else radius
        for r, dense in ((radius, bulk), (core, 0.0)):
            parts.append(Solid("cylinder", (0.0, y, z), (r, r, long / 2), stuff, dense, turn))
        y += radius + 0.01
    return spun(parts, float(rng.choice([0.0, np.pi / 2])))


def mattress(rng: Rng) -> list[Solid]:
    """A mattress folded over or rolled up, of foam or with springs."""
    long, thick, wide = _drawn(rng, 1.7, 2.0), _drawn(rng, 0.1, 0.2), _drawn(rng, 0.7, 1.2)
    bulk, springs = _drawn(rng, 0.025, 0.09), bool(rng.random() < 0.4)
    parts: list[Solid] = []
    if rng.random() < 0.5:
        radius = float(np.sqrt(long * thick / np.pi)) * 1.08
        parts.append(cylinder((0.0, 0.0, radius), radius, wide, "foam", bulk, axis="x"))
        parts.append(cylinder((0.0, 0.0, radius), _drawn(rng, 0.02, 0.07), wide, "foam", 0.0, axis="x"))
        return spun(parts, float(rng.choice([0.0, np.pi / 2])))
    for k in range(2):
        z = k * thick
        parts.append(box((-long / 4, -wide / 2, z), (long / 4, wide / 2, z + thick - 0.004), "textile", bulk))
        if springs:
            low, high = (-long / 4 + 0.03, -wide / 2 + 0.03, z + 0.025), (long / 4 - 0.03, wide / 2 - 0.03, z + thick - 0.029)
            parts.append(box(low, high, "steel", _drawn(rng, 0.03, 0.06)))
    parts.append(capsule((long / 4, -wide / 2 + thick, thick), (long / 4, wide / 2 - thick, thick), thick, "textile", bulk))
    if rng.random() < 0.4:
        parts = [turned(s, rotation(roll=np.pi / 2), (0.0, 0.0, 0.0)) for s in parts]
    return spun(parts, float(rng.choice([0.0, np.pi / 2])))


def duvets(rng: Rng) -> list[Solid]:
    """Rolled duvets, sleeping bags and blankets in a heap."""
    parts: list[Solid] = []
    for k in range(int(rng.integers(3, 9))):
        radius, long = _drawn(rng, 0.11, 0.22), _drawn(rng, 0.25, 0.8)
        row, place = divmod(k, 3)
        turn = rotation(float(rng.normal(0, 0.3)), np.pi / 2)
        center = (float(rng.normal(0, 0.05)), (place - 1) * 0.36, 0.19 + 0.3 * row)
        parts.append(Solid("capsule", center, (radius, radius, long / 2 + radius), "textile", _drawn(rng, 0.05, 0.2), turn))
    return spun(parts, _drawn(rng, -np.pi, np.pi))


def clothes(rng: Rng) -> list[Solid]:
    """A heap of clothes or rags, 10 to 80 kg."""
    parts: list[Solid] = []
    spread, bulk = _drawn(rng, 0.15, 0.3), _drawn(rng, 0.1, 0.35)
    for _ in range(int(rng.integers(4, 14))):
        half = tuple(float(v) for v in rng.uniform([0.12, 0.12, 0.06], [0.3, 0.3, 0.16]))
        x, y = (float(v) for v in rng.normal(0, spread, 2).clip(-0.6, 0.6))
        z = half[2] + max(0.0, 0.5 - np.hypot(x, y)) * _drawn(rng, 0.0, 1.0)
        piece = ellipsoid((x, y, float(z)), half, "textile", bulk * _drawn(rng, 0.7, 1.3))  # type: ignore[arg-type]
        parts.append(turned(piece, rotation(_drawn(rng, 0, 3.1))))
    return parts


def suitcases(rng: Rng) -> list[Solid]:
    """Suitcases and travel bags, packed, two to six, standing or stacked."""
    parts: list[Solid] = []
    z, x = 0.0, 0.0
    flat = bool(rng.random() < 0.5)
    for _ in range(int(rng.integers(2, 7))):
        long, wide, thick = _drawn(rng, 0.5, 0.8), _drawn(rng, 0.35, 0.52), _drawn(rng, 0.2, 0.32)
        bulk = _drawn(rng, 0.14, 0.32)
        low, size = ((0.0, 0.0, z), (long, wide, thick)) if flat else ((x, 0.0, 0.0), (thick, wide, long))
        top = tuple(a + b for a, b in zip(low, size, strict=True))
        center = tuple((a + b) / 2 for a, b in zip(low, top, strict=True))
        half = tuple(b / 2 for b in size)
        inner = tuple(h - 0.004 for h in half)
        parts.append(sack(center, half, "polyethylene", 0.9))  # type: ignore[arg-type]
        parts.append(sack(center, inner, "textile", bulk))  # type: ignore[arg-type]
        if rng.random() < 0.4:
            spot = tuple(c + float(rng.uniform(-0.4, 0.4)) * h for c, h in zip(center, inner, strict=True))
            parts.append(ellipsoid(spot, (0.06, 0.05, 0.08), "food", 0.9))  # type: ignore[arg-type]
        z, x = z + thick + 0.004, x + thick + 0.01
        if z > 1.4:
            break
    return parts


def backpacks(rng: Rng) -> list[Solid]:
    """One to four full backpacks, a bedroll on top of some."""
    parts: list[Solid] = []
    for k in range(int(rng.integers(1, 5))):
        half = (_drawn(rng, 0.11, 0.17), _drawn(rng, 0.15, 0.2), _drawn(rng, 0.22, 0.38))
        x = k * 0.34
        parts.append(sack((x, float(rng.normal(0, 0.05)), half[2]), half, "textile", _drawn(rng, 0.15, 0.35)))
        parts.append(ellipsoid((x, 0.0, 0.6 * half[2]), (0.7 * half[0], 0.7 * half[1], 0.1), "food", _drawn(rng, 0.4, 0.9)))
        if rng.random() < 0.6:
            top = 2 * half[2] + 0.09
            parts.append(capsule((x, -0.18, top), (x, 0.18, top), 0.1, "textile", _drawn(rng, 0.06, 0.15)))
    return spun(parts, _drawn(rng, -np.pi, np.pi))


def tires(rng: Rng) -> list[Solid]:
    """A stack of tires, or two or three standing, of cars or trucks; on rims or not."""
    truck = bool(rng.random() < 0.35)
    radius, width = (
        (_drawn(rng, 0.46, 0.53), _drawn(rng, 0.24, 0.31)) if truck else (_drawn(rng, 0.28, 0.36), _drawn(rng, 0.17, 0.24))
    )
    rim = radius * 0.56
    rims, parts = bool(rng.random() < 0.3), []
    for k in range(int(rng.integers(2, 5 if truck else 8))):
        x, y = (float(v) for v in rng.normal(0, 0.02, 2))
        z = (k + 0.5) * width
        parts.append(cylinder((x, y, z), radius, width, "rubber", 1.12))
        parts.append(cylinder((x, y, z), radius - 0.03, 0.86 * width, "rubber", 0.0))
        parts.append(cylinder((x, y, z), rim, width, "rubber", 0.0))
        if rims:
            parts.append(cylinder((x, y, z), rim, 0.8 * width, "steel", 7.85))
            parts.append(cylinder((x, y, z), rim - 0.005, 0.8 * width, "steel", 0.0))
            parts.append(cylinder((x, y, z + 0.2 * width), rim, 0.006, "steel", 7.85))
    if rng.random() < 0.35:
        parts = [turned(s, rotation(pitch=np.pi / 2), (0.0, 0.0, 0.0)) for s in parts]
        return spun(parts, float(rng.choice([0.0, np.pi / 2])))
    return parts


def boxes_like_a_person(rng: Rng) -> list[Solid]:
    """Cartons of wine, cans or books stacked as somebody sits: a low row in front, a high one behind, a small one on top."""
    stuff, bulk = [("alcohol", 0.75), ("food", 0.8), ("cellulose", 0.7), ("oil", 0.7), ("fruit", 0.5)][int(rng.integers(5))]
    size = (_drawn(rng, 0.24, 0.34), _drawn(rng, 0.3, 0.45), _drawn(rng, 0.16, 0.3))
    parts: list[Solid] = []
    for column, count in enumerate((int(rng.integers(1, 3)), int(rng.integers(2, 5)))):
        for k in range(count):
            low = np.array([-column * (size[0] + 0.006), rng.normal(0, 0.012), k * size[2]])
            parts.append(box(tuple(low), tuple(low + size), "cellulose", 0.6))
            wall = 0.004
            parts.append(box(tuple(low + wall), tuple(low + np.array(size) - wall), stuff, bulk))
            if stuff == "alcohol":
                parts += _bottles(low + wall, np.array(size) - 2 * wall)
    top = parts[-1].center[2] + size[2] / 2 if stuff != "alcohol" else max(p.center[2] + p.half[2] for p in parts)
    if rng.random() < 0.7:
        cube = _drawn(rng, 0.18, 0.24)
        x, y = -size[0] + 0.3 * size[0], size[1] / 2
        parts.append(box((x - cube / 2, y - cube / 2, top), (x + cube / 2, y + cube / 2, top + cube), stuff, bulk))
    return spun(parts, float(rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2])))


def _bottles(low: np.ndarray, size: np.ndarray) -> list[Solid]:
    """Two rows of bottles in a carton, their glass and wine smeared into one."""
    parts: list[Solid] = [box(tuple(low), tuple(low + size), "glass", 0.0)]
    radius = float(min(size[0] / 4, size[1] / 6)) - 0.001
    for i in range(2):
        for j in range(3):
            x, y = low[0] + (2 * i + 1) * size[0] / 4, low[1] + (2 * j + 1) * size[1] / 6
            parts.append(cylinder((float(x), float(y), float(low[2] + size[2] / 2)), radius, float(size[2]), "glass", 1.25))
    return parts


def melons(rng: Rng) -> list[Solid]:
    """A heap of melons, pumpkins or cabbages: round, and of nearly the density of flesh."""
    radius = _drawn(rng, 0.09, 0.15)
    parts: list[Solid] = []
    layers = int(rng.integers(1, 4))
    wide = int(rng.integers(2, 5))
    for k in range(layers):
        for i in range(max(1, wide - k)):
            for j in range(max(1, 3 - k)):
                r = radius * _drawn(rng, 0.85, 1.0)
                x, y = (i + 0.5 * k) * 2 * radius, (j + 0.5 * k) * 2 * radius
                z = radius * (1 + 1.45 * k)
                parts.append(ellipsoid((x, y, z), (r, r, r * _drawn(rng, 0.9, 1.0)), "fruit", _drawn(rng, 0.85, 0.97)))
    return spun(parts, _drawn(rng, -np.pi, np.pi))


def pots(rng: Rng) -> list[Solid]:
    """Big ceramic pots or amphoras with earth in some, or washbasins on columns."""
    parts: list[Solid] = []
    radius, high = _drawn(rng, 0.15, 0.27), _drawn(rng, 0.4, 0.9)
    for k in range(int(rng.integers(1, 4))):
        x, wall = k * 2.1 * radius, _drawn(rng, 0.012, 0.025)
        half = (radius, radius, high / 2)
        parts.append(sack((x, 0.0, high / 2), half, "ceramic", 2.0))
        parts.append(sack((x, 0.0, high / 2), tuple(h - wall for h in half), "ceramic", 0.0))  # type: ignore[arg-type]
        if rng.random() < 0.4:
            soil = high * 0.45
            parts.append(cylinder((x, 0.0, wall + soil / 2), 0.7 * radius, soil, "sand", 1.2))
        parts.append(cylinder((x, 0.0, high + 0.03), 0.5 * radius, 0.08, "ceramic", 1.0))
        parts.append(cylinder((x, 0.0, high + 0.03), 0.45 * radius, 0.08, "ceramic", 0.0))
    return spun(parts, float(rng.choice([0.0, np.pi / 2])))


def rubbish(rng: Rng) -> list[Solid]:
    """What is left in an 'empty' box: full rubbish bags, broken pallets, cardboard, a bucket, bottles."""
    parts: list[Solid] = []
    for k in range(int(rng.integers(1, 6))):
        r = _drawn(rng, 0.2, 0.33)
        x, y = (k % 3) * 0.5 + float(rng.normal(0, 0.04)), (k // 3) * 0.5 + float(rng.normal(0, 0.04))
        bag = ellipsoid((x, y, 1.0 * r), (r, 0.9 * r, r), "cellulose", _drawn(rng, 0.05, 0.25))
        parts.append(bag)
        for _ in range(int(rng.integers(0, 4))):
            spot = tuple(float(c + d) for c, d in zip(bag.center, rng.uniform(-0.45, 0.45, 3) * r, strict=True))
            stuff, bulk = [("food", 0.8), ("water", 1.0), ("glass", 0.8), ("steel", 0.8)][int(rng.integers(4))]
            size = r * _drawn(rng, 0.15, 0.3)
            parts.append(ellipsoid(spot, (size, size, size), stuff, bulk))  # type: ignore[arg-type]
    if rng.random() < 0.6:
        for k in range(int(rng.integers(1, 5))):
            low = (-0.75, -0.3 + float(rng.normal(0, 0.04)), k * 0.024)
            parts.append(box(low, (low[0] + 0.45, low[1] + 0.8, low[2] + 0.02), "cellulose", 0.25))
    if rng.random() < 0.5:
        parts.append(cylinder((-0.4, 0.75, 0.15), 0.14, 0.3, "polyethylene", 0.95))
        parts.append(cylinder((-0.4, 0.75, 0.153), 0.137, 0.3, "polyethylene", 0.0))
        parts.append(cylinder((-0.4, 0.75, 0.07), 0.137, 0.13, "water", 1.0))
    return spun(parts, _drawn(rng, -np.pi, np.pi))
