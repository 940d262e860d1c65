"""Things that look like a person, or nearly so, and are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from xrayscan.simulate.body import draw_body, figure
from xrayscan.simulate.geometry import Solid, box, cylinder, ellipsoid, rotation
from xrayscan.simulate.material import material
from xrayscan.simulate.render import Hidden

__all__ = ["LOOKALIKES", "draw_lookalike"]

Rng = np.random.Generator
Point = tuple[float, float, float]
STEEL = material("steel").density


def _hidden(label: str, solids: list[Solid]) -> Hidden:
    loose = tuple(Solid(s.shape, s.center, s.half, s.material, s.density, s.turn, False) for s in solids)
    return Hidden("look-alike", label, solids=loose)


def _shaped(rng: Rng, at: Point, label: str, stuff: str, factor: float) -> Hidden:
    body = figure(draw_body(rng, str(rng.choice(["standing", "sitting", "lying on back"]))))
    return Hidden("look-alike", label, figure=body, at=at, density_factor=factor, material=stuff)


def _mannequin(rng: Rng, at: Point) -> Hidden:
    return _shaped(rng, at, "mannequin", "polyethylene", rng.uniform(0.04, 0.14))


def _statue(rng: Rng, at: Point) -> Hidden:
    return _shaped(rng, at, "statue", str(rng.choice(["ceramic", "aluminum"])), rng.uniform(1.9, 2.6))


def _animal(rng: Rng, at: Point) -> Hidden:
    """Four legs, a barrel of a trunk, a neck and a head."""
    x, y, z = at
    length, leg = rng.uniform(0.5, 1.4), rng.uniform(0.25, 0.7)
    girth = length * rng.uniform(0.16, 0.24)
    turn = rotation(pitch=np.pi / 2)
    parts = [Solid("capsule", (x, y, z + leg + girth), (girth, girth, length / 2 + girth * 0.6), "soft tissue", 1.0, turn)]
    for dx in (-0.4, 0.4):
        for dy in (-0.5, 0.5):
            parts.append(
                cylinder((x + dx * length, y + dy * girth, z + leg / 2), 0.05 * length + 0.015, leg, "soft tissue", 1.1)
            )
    head = (x + length * 0.72, y, z + leg + girth * rng.uniform(1.2, 2.6))
    parts.append(ellipsoid(head, (0.16 * length, 0.09 * length, 0.10 * length), "soft tissue", 1.1))
    return _hidden("animal", parts)


def _carcass(rng: Rng, at: Point) -> Hidden:
    x, y, z = at
    half = (rng.uniform(0.12, 0.2), rng.uniform(0.1, 0.2), rng.uniform(0.4, 0.75))
    turn = rotation(pitch=rng.uniform(-0.3, 0.3) + (np.pi / 2 if rng.random() < 0.5 else 0.0))
    reach = float((np.abs(turn) @ np.asarray(half))[2])
    return _hidden("carcass", [Solid("ellipsoid", (x, y, z + reach), half, "soft tissue", rng.uniform(0.8, 1.05), turn)])


def _sack_heap(rng: Rng, at: Point) -> Hidden:
    parts, stuff, bulk = [], str(rng.choice(["food", "cellulose", "polyethylene"])), rng.uniform(0.3, 0.85)
    for k in range(rng.integers(1, 8)):
        half = rng.uniform([0.22, 0.18, 0.07], [0.45, 0.32, 0.16])
        center = np.asarray(at) + [rng.normal(0, 0.25), rng.normal(0, 0.15), half[2] + 0.16 * (k // 2)]
        parts.append(
            Solid(
                "ellipsoid", tuple(center), tuple(half), stuff, bulk, rotation(yaw=rng.uniform(0, 3), pitch=rng.normal(0, 0.2))
            )
        )
    return _hidden("heap of sacks", parts)


def _drum(rng: Rng, at: Point) -> Hidden:
    x, y, z = at
    radius, height = rng.uniform(0.15, 0.32), rng.uniform(0.4, 1.0)
    level = height * rng.uniform(0.4, 1.0)
    parts = [cylinder((x, y, z + level / 2), radius, level, str(rng.choice(["water", "food"])), rng.uniform(0.7, 1.1))]
    if rng.random() < 0.5:
        parts += [
            cylinder((x, y, z + height / 2), radius + 0.0015, height, "steel", STEEL),
            cylinder((x, y, z + height / 2), radius, height, "steel", -STEEL),
        ]
    return _hidden("drum", parts)


def _carpet(rng: Rng, at: Point) -> Hidden:
    parts = []
    for _ in range(rng.integers(1, 5)):
        radius, length = rng.uniform(0.08, 0.2), rng.uniform(1.2, 2.6)
        turn = rotation(yaw=rng.normal(0, 0.3), pitch=np.pi / 2 - abs(rng.normal(0, 0.35)))
        center = np.asarray(at) + [
            rng.normal(0, 0.2),
            rng.normal(0, 0.3),
            float((np.abs(turn) @ np.array([radius, radius, length / 2]))[2]),
        ]
        parts.append(Solid("cylinder", tuple(center), (radius, radius, length / 2), "textile", rng.uniform(0.3, 0.6), turn))
    return _hidden("rolled carpet", parts)


def _bottles(rng: Rng, at: Point) -> Hidden:
    x, y, z = at
    radius, height, steel = rng.uniform(0.07, 0.17), rng.uniform(0.5, 1.5), rng.random() < 0.6
    parts: list[Solid] = []
    for k in range(rng.integers(1, 6)):
        center = (x + k * 2.1 * radius, y, z + height / 2)
        stuff, dense = ("steel", STEEL) if steel else ("water", 1.0)
        parts.append(Solid("capsule", center, (radius, radius, height / 2), stuff, dense))
        if steel:
            inner = radius - rng.uniform(0.003, 0.008)
            parts.append(Solid("capsule", center, (inner, inner, height / 2 - 0.006), "steel", -STEEL))
    return _hidden("gas bottles" if steel else "water bottles", parts)


def _jerrycans(rng: Rng, at: Point) -> Hidden:
    x, y, z = at
    parts = []
    for k in range(rng.integers(1, 9)):
        low = np.array([x + 0.32 * (k % 4), y, z + 0.4 * (k // 4)])
        parts.append(box(tuple(low), tuple(low + [0.28, 0.2, 0.36]), "water", rng.uniform(0.6, 1.0)))
    return _hidden("jerrycans", parts)


def _mattress(rng: Rng, at: Point) -> Hidden:
    x, y, z = at
    long, high, thick = rng.uniform(1.6, 2.1), rng.uniform(0.7, 1.6), rng.uniform(0.12, 0.3)
    flat = rng.random() < 0.5
    size = (long, 1.4, thick) if flat else (long, thick, high)
    return _hidden(
        "mattress",
        [box((x, y - size[1] / 2, z), (x + size[0], y + size[1] / 2, z + size[2]), "textile", rng.uniform(0.04, 0.15))],
    )


def _clothes(rng: Rng, at: Point) -> Hidden:
    parts = []
    for _ in range(rng.integers(3, 12)):
        half = rng.uniform([0.15, 0.15, 0.08], [0.5, 0.5, 0.3])
        center = np.asarray(at) + rng.normal(0, 0.25, 3) * [1, 1, 0.4] + [0, 0, half[2]]
        parts.append(ellipsoid(tuple(center), tuple(half), "textile", rng.uniform(0.05, 0.22)))
    return _hidden("heap of clothes", parts)


def _furniture(rng: Rng, at: Point) -> Hidden:
    """A sofa: a seat, a back, two arms."""
    x, y, z = at
    long, bulk = rng.uniform(0.8, 2.1), rng.uniform(0.06, 0.25)
    parts = [
        box((x, y - 0.4, z + 0.1), (x + long, y + 0.4, z + 0.45), "textile", bulk),
        box((x, y + 0.25, z + 0.45), (x + long, y + 0.45, z + 0.9), "textile", bulk),
    ]
    parts += [box((s, y - 0.4, z + 0.45), (s + 0.18, y + 0.25, z + 0.62), "wood", bulk) for s in (x, x + long - 0.18)]
    return _hidden("furniture", parts)


def _tank(rng: Rng, at: Point) -> Hidden:
    """Refrigeration machinery and the like: compressor, boiler, motor."""
    x, y, z = at
    parts = [cylinder((x, y, z + 0.25), rng.uniform(0.1, 0.25), 0.5, "steel", STEEL * rng.uniform(0.1, 0.5))]
    for _ in range(rng.integers(2, 7)):
        c = np.asarray(at) + rng.uniform([-0.4, -0.2, 0.1], [0.4, 0.2, 1.0])
        parts.append(
            cylinder(
                tuple(c),
                rng.uniform(0.02, 0.12),
                rng.uniform(0.1, 0.8),
                "steel",
                STEEL * rng.uniform(0.1, 0.8),
                axis=rng.choice(["x", "z"]),
            )
        )
    return _hidden("machinery", parts)


LOOKALIKES: Mapping[str, Callable[[Rng, Point], Hidden]] = MappingProxyType({
    "mannequin": _mannequin, "statue": _statue, "animal": _animal, "carcass": _carcass, "sack heap": _sack_heap, "drum": _drum,
    "carpet": _carpet, "bottles": _bottles, "jerrycans": _jerrycans, "mattress": _mattress, "clothes": _clothes,
    "furniture": _furniture, "machinery": _tank,
})  # fmt: skip


def draw_lookalike(rng: Rng, at: Point) -> Hidden:
    """Draw one look-alike that stands at a place [m]."""
    return LOOKALIKES[str(rng.choice(list(LOOKALIKES)))](rng, at)
