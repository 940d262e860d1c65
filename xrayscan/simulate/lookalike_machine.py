"""Look-alikes among machines and furniture.

All are drawn about the origin and standing on z ≈ 0 [m]; `lookalike` sets them down.
"""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.extent import spun
from xrayscan.simulate.solid import Solid, box, capsule, cylinder, ellipsoid, rotation, sack, torus, turned

__all__ = [
    "armchair",
    "cable_drum",
    "car_seat",
    "cushions",
    "motor",
    "punching_bag",
    "reefer_machinery",
    "stove",
    "water_heater",
]

Rng = np.random.Generator


def _drawn(rng: Rng, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _quarter(rng: Rng, parts: list[Solid]) -> list[Solid]:
    return spun(parts, float(rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2])))


def _goods_on(rng: Rng, x: float, z: float) -> list[Solid]:
    """Things left on a seat: a bag, a round bundle on it."""
    half = (_drawn(rng, 0.13, 0.19), _drawn(rng, 0.15, 0.2), _drawn(rng, 0.12, 0.25))
    stuff, bulk = [("textile", 0.3), ("food", 0.7), ("grain", 0.75), ("cellulose", 0.5)][int(rng.integers(4))]
    parts = [sack((x, 0.0, z + half[2]), half, stuff, bulk)]
    if rng.random() < 0.6:
        ball = _drawn(rng, 0.09, 0.13)
        parts.append(ellipsoid((x, 0.0, z + 2 * half[2] + 0.9 * ball), (ball, ball, ball), stuff, bulk))
    return parts


def armchair(rng: Rng) -> list[Solid]:
    """An armchair, often with things on it."""
    wide, bulk = _drawn(rng, 0.75, 0.95), _drawn(rng, 0.05, 0.12)
    arm = 0.16
    parts = [
        box((-0.4, -wide / 2, 0.08), (0.4, wide / 2, 0.4), "textile", bulk),
        box((-0.4, -wide / 2, 0.4), (-0.2, wide / 2, _drawn(rng, 0.8, 1.05)), "textile", bulk),
        box((-0.37, -wide / 2 + 0.03, 0.1), (0.37, wide / 2 - 0.03, 0.14), "wood", 0.55),
        box((-0.35, -wide / 2 + 0.04, 0.22), (0.35, wide / 2 - 0.04, 0.32), "steel", 0.035),
    ]
    for y in (-wide / 2, wide / 2 - arm):
        parts.append(box((-0.2, y, 0.4), (0.4, y + arm, 0.62), "textile", bulk))
        for x in (-0.38, 0.33):
            parts.append(box((x, y + 0.04, 0.0), (x + 0.05, y + 0.09, 0.08), "wood", 0.6))
    if rng.random() < 0.75:
        parts += _goods_on(rng, 0.02, 0.4)
    return _quarter(rng, parts)


def cushions(rng: Rng) -> list[Solid]:
    """A sofa's cushions, a heap of them, with something heavier within."""
    parts: list[Solid] = []
    for k in range(int(rng.integers(4, 10))):
        half = (_drawn(rng, 0.25, 0.4), _drawn(rng, 0.2, 0.35), _drawn(rng, 0.06, 0.1))
        row, place = divmod(k, 2)
        center = ((place - 0.5) * 0.5 + float(rng.normal(0, 0.04)), float(rng.normal(0, 0.06)), 0.08 + 0.15 * row)
        piece = sack(center, half, "foam", _drawn(rng, 0.02, 0.08))
        parts.append(turned(piece, rotation(float(rng.normal(0, 0.4)))))
    if rng.random() < 0.6:
        top = max(p.center[2] for p in parts) + 0.08
        parts += _goods_on(rng, _drawn(rng, -0.2, 0.2), top)
    return _quarter(rng, parts)


def car_seat(rng: Rng) -> list[Solid]:
    """One or two car seats: foam on a frame of steel; things on them."""
    parts: list[Solid] = []
    lean, bulk = _drawn(rng, 0.1, 0.4), _drawn(rng, 0.06, 0.1)
    for k in range(int(rng.integers(1, 3))):
        y = k * 0.56
        back = turned(sack((-0.24, y, 0.62), (0.07, 0.25, 0.32), "foam", bulk), rotation(pitch=-lean), (-0.24, y, 0.3))
        parts += [sack((0.0, y, 0.26), (0.26, 0.25, 0.08), "foam", bulk), back]
        head = (-0.24 - 0.72 * np.sin(lean), y, 0.3 + 0.72 * np.cos(lean))
        parts.append(ellipsoid(tuple(float(v) for v in head), (0.05, 0.13, 0.09), "foam", 0.12))  # type: ignore[arg-type]
        for side in (-0.22, 0.22):
            top = (float(-0.24 - 0.6 * np.sin(lean)), y + side, float(0.3 + 0.6 * np.cos(lean)))
            parts.append(capsule((-0.24, y + side, 0.2), top, 0.012, "steel", 4.0))
            parts.append(box((-0.25, y + side - 0.02, 0.0), (0.25, y + side + 0.02, 0.05), "steel", 3.0))
            parts.append(box((-0.2, y + side - 0.015, 0.05), (-0.15, y + side + 0.015, 0.19), "steel", 3.0))
            parts.append(box((0.15, y + side - 0.015, 0.05), (0.2, y + side + 0.015, 0.19), "steel", 3.0))
        if rng.random() < 0.4:
            parts += [
                Solid(s.shape, (s.center[0], y, s.center[2]), s.half, s.material, s.density) for s in _goods_on(rng, 0.03, 0.33)
            ]
    return _quarter(rng, parts)


def motor(rng: Rng) -> list[Solid]:
    """An electric motor, a compressor with its tank, or a small engine: 30 to 150 kg."""
    radius, long = _drawn(rng, 0.1, 0.16), _drawn(rng, 0.25, 0.4)
    tank = bool(rng.random() < 0.5)
    base = 2 * _drawn(rng, 0.15, 0.2) + 0.1 if tank else 0.04
    parts: list[Solid] = []
    if tank:
        r = (base - 0.1) / 2
        for radius_in, dense in ((r, 7.85), (r - 0.003, 0.0)):
            parts.append(capsule((-0.4, 0.0, 0.08 + r), (0.4, 0.0, 0.08 + r), radius_in, "steel", dense))
        parts += [box((x, -0.15, 0.0), (x + 0.04, 0.15, 0.09), "steel", 2.0) for x in (-0.35, 0.31)]
    else:
        parts.append(box((-0.3, -0.18, 0.0), (0.3, 0.18, base), "steel", 1.2))
    z = base + radius
    parts.append(cylinder((0.0, 0.0, z), radius, long, "aluminum", 2.2, axis="x"))
    parts.append(cylinder((0.0, 0.0, z), 0.8 * radius, 0.7 * long, "steel", 5.5, axis="x"))
    parts.append(cylinder((0.0, 0.0, z), 0.45 * radius, 0.75 * long, "copper", 4.0, axis="x"))
    parts.append(cylinder((0.1, 0.0, z), 0.02, long + 0.2, "steel", 7.85, axis="x"))
    if rng.random() < 0.6:
        parts.append(cylinder((-long / 2 - 0.1, 0.0, z + 0.5 * radius), 0.07, _drawn(rng, 0.18, 0.3), "aluminum", 1.8))
        parts.append(torus((-long / 2 - 0.22, 0.0, z), 0.15, 0.02, "steel", 6.0, axis="x"))
    return _quarter(rng, parts)


def water_heater(rng: Rng) -> list[Solid]:
    """A boiler tank: foam around steel, empty or full."""
    radius, height = _drawn(rng, 0.19, 0.3), _drawn(rng, 0.7, 1.6)
    foam, full = _drawn(rng, 0.03, 0.06), bool(rng.random() < 0.3)
    inner = radius - foam
    parts = [
        cylinder((0.0, 0.0, height / 2), radius, height, "steel", 7.85),
        cylinder((0.0, 0.0, height / 2), radius - 0.0008, height - 0.0016, "foam", 0.04),
        capsule((0.0, 0.0, foam + inner), (0.0, 0.0, height - foam - inner), inner, "steel", 7.85),
        capsule((0.0, 0.0, foam + inner), (0.0, 0.0, height - foam - inner), inner - 0.0025, "water", 1.0 if full else 0.0),
        cylinder((0.0, 0.0, 0.2), 0.07, 0.3, "copper", 0.6),
    ]
    if rng.random() < 0.4:
        parts = [turned(s, rotation(pitch=np.pi / 2), (0.0, 0.0, 0.0)) for s in parts]
    return _quarter(rng, parts)


def reefer_machinery(rng: Rng) -> list[Solid]:
    """Parts of a cooling unit: compressor, coil, fan, receiver, in a frame."""
    wide, high = _drawn(rng, 0.8, 1.5), _drawn(rng, 0.8, 1.5)
    deep = _drawn(rng, 0.35, 0.5)
    parts: list[Solid] = []
    for x in (-wide / 2, wide / 2 - 0.04):
        for y in (-deep / 2, deep / 2 - 0.04):
            parts.append(box((x, y, 0.0), (x + 0.04, y + 0.04, high), "steel", 2.5))
    parts.append(box((-wide / 2, -deep / 2, 0.0), (wide / 2, deep / 2, 0.012), "steel", 7.85))
    x, r = _drawn(rng, -0.25, 0.25) * wide, _drawn(rng, 0.1, 0.14)
    parts.append(capsule((x, 0.0, 0.02 + r), (x, 0.0, 0.02 + r + _drawn(rng, 0.15, 0.3)), r, "steel", 4.5))
    parts.append(cylinder((-0.3 * wide, 0.0, 0.3), 0.07, 0.55, "steel", 2.2))
    coil = 0.55 * high
    parts.append(
        box(
            (-wide / 2 + 0.06, -deep / 2, coil),
            (wide / 2 - 0.06, -deep / 2 + 0.1, high - 0.03),
            "copper",
            _drawn(rng, 0.5, 0.9),
        )
    )
    fan = (0.1 * wide, deep / 2 - 0.12, coil + 0.5 * (high - coil))
    parts.append(torus(fan, min(0.2, 0.4 * (high - coil)), 0.012, "steel", 3.0, axis="y"))
    parts.append(cylinder(fan, 0.06, 0.16, "steel", 5.0, axis="y"))
    for _ in range(int(rng.integers(2, 6))):
        start = (_drawn(rng, -0.4, 0.4) * wide, _drawn(rng, -0.15, 0.1), _drawn(rng, 0.1, coil))
        end = (_drawn(rng, -0.4, 0.4) * wide, _drawn(rng, -0.15, 0.1), _drawn(rng, 0.1, coil))
        parts.append(capsule(start, end, 0.012, "copper", 4.0))
    return _quarter(rng, parts)


def stove(rng: Rng) -> list[Solid]:
    """A washing machine, stove or small fridge: sheet steel around a drum, a motor and a counterweight."""
    wide, deep, high = 0.6, _drawn(rng, 0.5, 0.6), _drawn(rng, 0.82, 0.92)
    parts = [
        box((-wide / 2, -deep / 2, 0.0), (wide / 2, deep / 2, high), "steel", 7.85),
        box(
            (-wide / 2 + 0.0008, -deep / 2 + 0.0008, 0.0008),
            (wide / 2 - 0.0008, deep / 2 - 0.0008, high - 0.0008),
            "foam",
            0.01,
        ),
    ]
    if rng.random() < 0.6:
        drum = (0.0, 0.0, 0.52 * high)
        parts.append(cylinder(drum, 0.24, 0.36, "polyethylene", 0.9, axis="y"))
        parts.append(cylinder(drum, 0.237, 0.35, "steel", 2.0, axis="y"))
        parts.append(cylinder(drum, 0.232, 0.34, "steel", 0.0, axis="y"))
        parts.append(box((-0.2, -0.1, high - 0.16), (0.2, 0.1, high - 0.05), "cement", 2.3))
        parts.append(cylinder((0.1, 0.0, 0.1), 0.06, 0.2, "steel", 5.0, axis="y"))
        if rng.random() < 0.5:
            parts.append(ellipsoid((0.0, 0.0, 0.42 * high), (0.17, 0.13, 0.11), "textile", 0.3))
    else:
        parts.append(capsule((0.0, 0.1, 0.13), (0.0, 0.1, 0.2), 0.1, "steel", 4.0))
        parts.append(box((-0.25, -deep / 2 + 0.03, 0.35), (0.25, deep / 2 - 0.04, 0.38), "glass", 0.5))
    return _quarter(rng, parts)


def cable_drum(rng: Rng) -> list[Solid]:
    """A small drum of cable or hose."""
    radius, wide = _drawn(rng, 0.25, 0.45), _drawn(rng, 0.25, 0.5)
    wound, core = radius * _drawn(rng, 0.6, 0.92), radius * 0.35
    stuff, bulk = [("copper", 1.6), ("aluminum", 1.1), ("PVC", 0.7), ("rubber", 0.6)][int(rng.integers(4))]
    if bulk > 1 and radius > 0.35:
        wound = 0.75 * radius
    parts = [
        cylinder((0.0, 0.0, radius), wound, wide - 0.04, stuff, bulk, axis="y"),
        cylinder((0.0, 0.0, radius), core, wide - 0.04, "wood", 0.0, axis="y"),
    ]
    for y in (-wide / 2 + 0.01, wide / 2 - 0.01):
        parts.append(cylinder((0.0, y, radius), radius, 0.02, "wood", 0.6, axis="y"))
    return _quarter(rng, parts)


def punching_bag(rng: Rng) -> list[Solid]:
    """A punching bag, bolster or boxing dummy: a soft column of 20 to 60 kg, lying or upright on a foot."""
    radius, long = _drawn(rng, 0.15, 0.2), _drawn(rng, 0.9, 1.5)
    core = [("textile", 0.35), ("sand", 0.5), ("water", 0.6), ("rubber", 0.4)][int(rng.integers(4))]
    foot = bool(rng.random() < 0.6)
    lift = 0.12 if foot else 0.0
    parts = [capsule((0.0, 0.0, lift + radius), (0.0, 0.0, lift + long - radius), radius, "leather", 0.35)]
    parts.append(capsule((0.0, 0.0, lift + radius), (0.0, 0.0, lift + long - radius), radius - 0.03, *core))
    if foot:
        parts.append(cylinder((0.0, 0.0, 0.07), 0.28, 0.14, "polyethylene", 0.95))
        parts.append(cylinder((0.0, 0.0, 0.07), 0.276, 0.132, "sand", 1.5))
        if rng.random() < 0.7:
            parts.append(ellipsoid((0.0, 0.0, lift + long + 0.1), (0.09, 0.08, 0.12), "foam", 0.25))
        return parts
    return spun([turned(s, rotation(pitch=np.pi / 2), (0.0, 0.0, 0.0)) for s in parts], _drawn(rng, 0, np.pi))
