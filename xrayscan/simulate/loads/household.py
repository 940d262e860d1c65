"""Furniture, removals, appliances, and boxes that are empty or nearly so."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from xrayscan.simulate.loads.arrange import (
    STEEL,
    Ground,
    Loader,
    LoadKind,
    Size,
    bare,
    disorder,
    hollow,
    inset,
    leaning,
    middle,
    spread,
    stack,
    steps,
    toppled,
    triple,
    within,
)
from xrayscan.simulate.loads.carton import carton
from xrayscan.simulate.loads.fixings import tied_down
from xrayscan.simulate.loads.pallets import on_pallets, pallet, per_pallet
from xrayscan.simulate.solid import Room, Solid, box, capsule, cylinder, ellipsoid, moved, sack, torus

__all__ = ["KINDS"]

Rng = np.random.Generator
Thing = Callable[[Rng, Room], list[Solid]]


def _cupboard(rng: Rng, room: Room) -> list[Solid]:
    """Panels around air, with shelves, and things left on them."""
    wood = float(rng.uniform(0.45, 0.75))
    solids = hollow(room, 0.019, "wood", wood)
    for z in steps(room.z0 + 0.019, room.z1 - 0.1, rng.uniform(0.25, 0.45))[1:]:
        solids.append(bare(Room(room.x0 + 0.02, room.x1 - 0.02, room.y0 + 0.02, room.y1 - 0.02, z, z + 0.018), "wood", wood))
        if rng.random() < 0.4:
            wide = rng.uniform(0.2, 0.8) * room.size[0]
            x = room.x0 + 0.03 + rng.random() * max(room.size[0] - wide - 0.06, 0.0)
            top = min(z + rng.uniform(0.08, 0.24), room.z1 - 0.03)
            stuff, bulk = [("cellulose", 0.5), ("textile", 0.15), ("ceramic", 0.4)][rng.integers(3)]
            solids.append(bare(Room(x, x + wide, room.y0 + 0.05, room.y1 - 0.05, z + 0.019, max(top, z + 0.03)), stuff, bulk))
    return within(solids, room)


def _table(rng: Rng, room: Room) -> list[Solid]:
    """A top on four legs, or upside down."""
    wood, flipped = float(rng.uniform(0.5, 0.75)), rng.random() < 0.4
    thick, leg = float(rng.uniform(0.02, 0.045)), float(rng.uniform(0.03, 0.07))
    top = replace(room, z0=room.z1 - thick) if not flipped else replace(room, z1=room.z0 + thick)
    low, high = (room.z0, room.z1 - thick) if not flipped else (room.z0 + thick, room.z1)
    solids = [bare(top, "wood", wood)]
    for x in (room.x0 + 0.04, room.x1 - 0.04 - leg):
        for y in (room.y0 + 0.04, room.y1 - 0.04 - leg):
            solids.append(box((x, y, low), (x + leg, y + leg, high), "wood", wood))
    return solids


def _chairs(rng: Rng, room: Room) -> list[Solid]:
    """Chairs: seat, back, legs of wood or tube, two stacked seat to seat."""
    solids: list[Solid] = []
    metal = rng.random() < 0.4
    stuff, dense, r = ("steel", 2.0, 0.011) if metal else ("wood", 0.6, 0.017)
    seat = room.z0 + 0.48 * room.size[2]
    solids.append(bare(Room(room.x0, room.x1, room.y0, room.y1, seat, seat + 0.04), "wood", 0.4))
    for x in (room.x0 + r, room.x1 - r):
        for y in (room.y0 + r, room.y1 - r):
            top = room.z1 if x < middle(room)[0] else seat
            solids.append(capsule((x, y, room.z0 + r), (x, y, top - r), r, stuff, dense))
    if room.z1 - seat > 0.2:
        solids.append(
            bare(Room(room.x0, room.x0 + 0.025, room.y0 + 0.03, room.y1 - 0.03, room.z1 - 0.18, room.z1), "wood", 0.5)
        )
    return solids


def _sofa(rng: Rng, room: Room) -> list[Solid]:
    """Wooden frame, springs, cushions, arms and back."""
    length, depth, height = room.size
    seat = room.z0 + 0.45 * height
    solids = [
        bare(Room(room.x0, room.x1, room.y0, room.y1, room.z0 + 0.06, room.z0 + 0.13), "wood", 0.35),
        bare(Room(room.x0 + 0.1, room.x1 - 0.1, room.y0, room.y1 - 0.15, room.z0 + 0.13, seat), "steel", 0.04),
        bare(Room(room.x0, room.x1, room.y1 - 0.18, room.y1, room.z0 + 0.13, room.z1), "foam", 0.06),
    ]
    for x in (room.x0, room.x1 - 0.16):
        solids.append(bare(Room(x, x + 0.16, room.y0, room.y1 - 0.18, room.z0 + 0.13, room.z0 + 0.7 * height), "foam", 0.07))
    count = max(int(length / 0.75), 1)
    for k in range(count):
        wide = (length - 0.34) / count
        x = room.x0 + 0.17 + (k + 0.5) * wide
        solids.append(sack((x, room.y0 + 0.42 * depth, seat + 0.08), (wide / 2, 0.4 * depth, 0.08), "textile", 0.06))
    for x in (room.x0 + 0.05, room.x1 - 0.05):
        solids.append(cylinder((x, room.y0 + 0.06, room.z0 + 0.03), 0.025, 0.06, "wood", 0.7))
    return solids


def _bed(rng: Rng, room: Room) -> list[Solid]:
    """A bed taken apart: boards, slats and head, standing on edge."""
    solids, x = [], room.x0
    for _ in range(int(rng.integers(2, 6))):
        thick = rng.uniform(0.02, 0.06)
        if x + thick > room.x1:
            break
        board = bare(
            Room(x, x + thick, room.y0, room.y1, room.z0, room.z0 + room.size[2] * rng.uniform(0.4, 1.0)), "wood", 0.55
        )
        solids.append(board)
        x += thick + rng.uniform(0.0, 0.04)
    return leaning(solids, rng.normal(0.0, 0.04))


def _washer(rng: Rng, room: Room) -> list[Solid]:
    """A washing machine: sheet steel, tub, motor, counterweight of concrete; or a dryer without it."""
    x, y, z = middle(room)
    radius = 0.4 * min(room.size)
    solids = [
        *hollow(room, 0.0015, "steel", STEEL),
        cylinder((x, y, z + 0.03), radius, room.size[1] * 0.6, "polyethylene", 0.9, axis="y"),
        cylinder((x, y, z + 0.03), radius - 0.01, room.size[1] * 0.58, "steel", 0.12, axis="y"),
        cylinder((x + 0.05, y, room.z0 + 0.1), 0.07, 0.2, "steel", 3.0, axis="y"),
    ]
    if rng.random() < 0.7:
        solids.append(box((x - 0.2, y - 0.1, room.z1 - 0.2), (x + 0.2, y + 0.1, room.z1 - 0.09), "cement", 2.2))
    solids.append(
        box((x - 0.25, room.y0 + 0.02, room.z1 - 0.08), (x + 0.25, room.y0 + 0.08, room.z1 - 0.03), "electronics", 0.4)
    )
    return within(solids, room)


def _fridge(rng: Rng, room: Room) -> list[Solid]:
    """A refrigerator: foamed walls, shelves of glass, compressor at the foot, pipes at the back."""
    x, y, _ = middle(room)
    inner = inset(replace(room, z0=room.z0 + 0.22), 0.06, 0.06, 0.06)
    solids = [bare(room, "foam", 0.07)]
    solids.append(bare(replace(room, x1=room.x0 + 0.003), "steel", 2.0))
    solids.append(bare(replace(room, x0=room.x1 - 0.003), "steel", 2.0))
    if min(inner.size) > 0.05:
        solids.append(bare(inner, "foam", 0.0))
        for z in steps(inner.z0, inner.z1, rng.uniform(0.25, 0.4))[1:]:
            solids.append(bare(Room(inner.x0, inner.x1, inner.y0, inner.y1, z, z + 0.004), "glass", 2.5))
        if inner.size[2] > 0.8 and rng.random() < 0.6:
            split = inner.z0 + 0.4 * inner.size[2]
            solids.append(bare(Room(inner.x0, inner.x1, inner.y0, inner.y1, split, split + 0.06), "foam", 0.09))
    solids.append(ellipsoid((x + 0.1, y, room.z0 + 0.12), (0.1, 0.09, 0.09), "steel", 4.0))
    for k in range(4):
        px = room.x0 + (k + 1) * room.size[0] / 5
        solids.append(box((px, room.y1 - 0.012, room.z0 + 0.3), (px + 0.006, room.y1 - 0.004, room.z1 - 0.2), "copper", 4.0))
    return within(solids, room)


def _stove(rng: Rng, room: Room) -> list[Solid]:
    """A stove: sheet steel around an oven, plates or burners on top."""
    oven = inset(replace(room, z0=room.z0 + 0.2, z1=room.z1 - 0.12), 0.06, 0.08)
    solids = [bare(room, "steel", float(rng.uniform(0.06, 0.15)))]
    if min(oven.size) > 0.1:
        solids.append(bare(oven, "steel", 0.0))
        for z in np.linspace(oven.z0, oven.z1, 4)[1:-1]:
            solids.append(bare(replace(oven, z0=float(z), z1=float(z) + 0.006), "steel", 1.0))
    for x in (0.3, 0.7):
        at = (room.x0 + x * room.size[0], middle(room)[1], room.z1 - 0.02)
        solids.append(cylinder(at, 0.09, 0.03, "steel", 3.0))
    return solids


def _air_conditioner(rng: Rng, room: Room) -> list[Solid]:
    """An air conditioner's outdoor unit: fan, fins, compressor."""
    x, y, z = middle(room)
    return [
        *hollow(room, 0.002, "steel", 4.0, 0.01),
        bare(
            Room(room.x0 + 0.01, room.x1 - 0.01, room.y1 - 0.05, room.y1 - 0.02, room.z0 + 0.05, room.z1 - 0.02),
            "aluminum",
            0.7,
        ),
        bare(
            Room(room.x0 + 0.01, room.x0 + 0.04, room.y0 + 0.05, room.y1 - 0.05, room.z0 + 0.05, room.z1 - 0.02), "copper", 0.6
        ),
        cylinder((x - 0.1 * room.size[0], y, z), 0.06, 0.1, "copper", 3.0, axis="y"),
        torus((x - 0.1 * room.size[0], y, z), 0.33 * room.size[2], 0.012, "polyethylene", 0.9, axis="y"),
        cylinder((room.x1 - 0.16, y, room.z0 + 0.19), 0.07, 0.28, "steel", 4.0),
    ]


def _television(rng: Rng, room: Room) -> list[Solid]:
    """A flat screen in its carton: glass, sheet steel, boards, foam corners."""
    thin = 0.06
    y = middle(room)[1]
    screen = Room(room.x0 + 0.06, room.x1 - 0.06, y - thin / 2, y + thin / 2, room.z0 + 0.06, room.z1 - 0.06)
    if min(screen.size) < 0.03:
        return hollow(room, 0.005, "cellulose", 0.2)
    board = rng.uniform(0.2, 0.5) * screen.size[0]
    return [
        *hollow(room, 0.005, "cellulose", 0.2),
        bare(replace(room, x0=room.x0 + 0.005, x1=room.x0 + 0.1, z0=room.z0 + 0.006, z1=room.z1 - 0.006), "foam", 0.03),
        bare(replace(room, x0=room.x1 - 0.1, x1=room.x1 - 0.005, z0=room.z0 + 0.006, z1=room.z1 - 0.006), "foam", 0.03),
        bare(screen, "glass", 0.35),
        bare(
            replace(screen, x0=screen.x0 + 0.2, x1=screen.x0 + 0.2 + board, z0=screen.z0 + 0.1, z1=middle(room)[2]),
            "electronics",
            0.7,
        ),
    ]


def _bag(rng: Rng, room: Room) -> list[Solid]:
    half = triple(s / 2 for s in room.size)
    stuff = str(rng.choice(["textile", "textile", "food", "cellulose"]))
    return leaning(
        [sack(middle(room), half, stuff, float(rng.uniform(0.06, 0.3)))], rng.normal(0.0, 0.2), 0.0, rng.normal(0.0, 0.4)
    )


def _suitcase(rng: Rng, room: Room) -> list[Solid]:
    solids = [
        *hollow(room, 0.004, "polyethylene", 0.9),
        bare(inset(room, 0.02, 0.02, 0.02), "textile", float(rng.uniform(0.1, 0.3))),
    ]
    x, _, z = middle(room)
    shoe = rng.uniform(0.02, 0.05)
    for _ in range(int(rng.integers(1, 4))):
        at = (x + rng.uniform(-0.25, 0.25) * room.size[0], middle(room)[1], z + rng.uniform(-0.25, 0.25) * room.size[2])
        solids.append(ellipsoid(at, (0.09, 0.06, float(shoe)), "leather", 0.6))
    return solids


def _bicycle(rng: Rng, room: Room) -> list[Solid]:
    """Two wheels, frame, handlebar."""
    y, r = middle(room)[1], min(0.33, 0.45 * room.size[2], 0.24 * room.size[0])
    a, b = room.x0 + r + 0.03, room.x1 - r - 0.03
    z, top = room.z0 + r + 0.025, room.z0 + min(2.6 * r, room.size[2] - 0.03)
    m = (a + b) / 2 - 0.05
    solids: list[Solid] = [torus((x, y, z), r, 0.016, "rubber", 1.2, axis="y") for x in (a, b)]
    for start, end in (((a, z), (m, z)), ((m, z), (m - 0.1, top)), ((m, z), (b - 0.15, top)), ((b, z), (b - 0.15, top)), ((m - 0.1, top), (b - 0.15, top)), ((a, z), (m - 0.1, top))):  # fmt: skip  # noqa: E501
        solids.append(capsule((start[0], y, start[1]), (end[0], y, end[1]), 0.015, "steel", 1.4))
    solids.append(capsule((b - 0.15, y - 0.25, top), (b - 0.15, y + 0.25, top), 0.013, "steel", 2.0))
    return within(solids, room)


def _rolled(rng: Rng, room: Room) -> list[Solid]:
    x, y, _ = middle(room)
    radius = min(room.size[1:]) / 2
    return [
        cylinder((x, y, room.z0 + radius), radius, room.size[0], "textile", float(rng.uniform(0.2, 0.35)), axis="x"),
        cylinder((x, y, room.z0 + radius), 0.25 * radius, room.size[0], "textile", 0.0, axis="x"),
    ]


def _carton_box(rng: Rng, room: Room) -> list[Solid]:
    return carton(rng).make(rng, room)


def _mattress(rng: Rng, room: Room) -> list[Solid]:
    return [bare(room, "textile", 0.06), bare(inset(room, 0.01, 0.02, 0.02), "steel", float(rng.uniform(0.02, 0.03)))]


@dataclass(frozen=True)
class _Thing:
    """What makes a thing, its least and largest size [m], and how common it is in a household."""

    make: Thing
    low: Size
    high: Size
    share: float


_THINGS: dict[str, _Thing] = {
    "cupboard": _Thing(_cupboard, (0.5, 0.4, 0.8), (1.2, 0.6, 2.1), 0.14),
    "table": _Thing(_table, (0.6, 0.6, 0.45), (1.6, 0.9, 0.78), 0.09),
    "chair": _Thing(_chairs, (0.42, 0.42, 0.8), (0.5, 0.5, 1.0), 0.1),
    "sofa": _Thing(_sofa, (0.8, 0.75, 0.75), (2.2, 0.95, 0.95), 0.08),
    "bed": _Thing(_bed, (0.12, 1.4, 0.7), (0.3, 2.1, 1.1), 0.05),
    "washing machine": _Thing(_washer, (0.6, 0.55, 0.85), (0.61, 0.6, 0.86), 0.05),
    "refrigerator": _Thing(_fridge, (0.55, 0.55, 0.85), (0.75, 0.7, 1.9), 0.05),
    "stove": _Thing(_stove, (0.5, 0.6, 0.85), (0.6, 0.62, 0.9), 0.03),
    "television": _Thing(_television, (0.7, 0.14, 0.5), (1.5, 0.18, 0.95), 0.04),
    "bag": _Thing(_bag, (0.4, 0.35, 0.25), (0.9, 0.7, 0.5), 0.12),
    "suitcase": _Thing(_suitcase, (0.45, 0.22, 0.6), (0.75, 0.32, 0.8), 0.05),
    "bicycle": _Thing(_bicycle, (1.5, 0.55, 0.95), (1.75, 0.6, 1.05), 0.03),
    "carpet": _Thing(_rolled, (1.6, 0.2, 0.2), (2.4, 0.35, 0.35), 0.03),
    "box": _Thing(_carton_box, (0.3, 0.3, 0.25), (0.6, 0.5, 0.5), 0.3),
    "mattress": _Thing(_mattress, (0.18, 1.9, 0.9), (0.24, 2.0, 1.6), 0.04),
    "air conditioner": _Thing(_air_conditioner, (0.8, 0.32, 0.55), (0.95, 0.4, 0.75), 0.02),
}
"""Things of a household."""


def _thing(rng: Rng, place: Room, name: str) -> list[Solid]:
    """A thing at the foot of a place, as large as there is room for."""
    thing = _THINGS[name]
    length, depth, height = (float(v) for v in np.minimum(rng.uniform(thing.low, thing.high), place.size))
    own = Room(place.x0, place.x0 + length, place.y0, place.y0 + depth, place.z0, place.z0 + height)
    return within(thing.make(rng, own), own, 0.02)


def _piled(rng: Rng, room: Room, names: tuple[str, ...], count: int, mess: float = 0.12) -> list[Solid]:
    """Things on each other as they found room, the large ones mostly below."""
    weights = np.array([_THINGS[name].share for name in names])
    order = [str(name) for name in rng.choice(list(names), count, p=weights / weights.sum())]
    order.sort(key=lambda name: -float(np.prod(_THINGS[name].high)) * rng.uniform(0.1, 1.0))
    ground, solids = Ground(room), list[Solid]()
    for name in order:
        thing = _THINGS[name]
        length, depth, height = (float(v) for v in rng.uniform(thing.low, thing.high))
        if name in ("box", "bag", "suitcase", "mattress", "bed") and rng.random() < 0.5:
            length, depth = depth, length
        place = ground.lay(rng, (length, depth, height), sink=0.25, tries=6)
        if place is None:
            continue
        parts = within(thing.make(rng, place), place, 0.02)
        solids += leaning(parts, rng.normal(0.0, 0.1), 0.0, rng.normal(0.0, 0.15)) if rng.random() < mess else parts
    return within(solids, room)


def _removal(rng: Rng, room: Room) -> list[Solid]:
    """A household that moves: furniture, boxes, appliances, bags, a bicycle, tied here and there."""
    count = int(min(room.size[0] * room.size[1] * rng.uniform(2.5, 6.5), 130))
    solids = _piled(rng, room, tuple(_THINGS), max(count, 3))
    return solids + (tied_down(rng, room) if rng.random() < 0.15 else [])


def _furniture(rng: Rng, room: Room) -> list[Solid]:
    """New furniture: a few models in series, in stacks, in film and board, or flat in cartons."""
    models = [
        str(name)
        for name in rng.choice(
            ["cupboard", "table", "chair", "sofa", "bed", "mattress"], int(rng.integers(1, 2 + min(int(room.size[0] / 2.5), 2)))
        )
    ]
    solids: list[Solid] = []
    edges = np.linspace(room.x0, room.x1, len(models) + 1)
    mess = replace(disorder(rng), crush=0.0)
    for name, start, end in zip(models, edges[:-1], edges[1:], strict=True):
        thing = _THINGS[name]
        part = replace(room, x0=float(start), x1=float(end))
        size = np.minimum(rng.uniform(thing.low, thing.high), part.size)
        if rng.random() < 0.25:
            solids += stack(rng, part, (0.8, 0.6, 0.12), _flat_pack, mess, most=400)
        else:
            solids += stack(rng, part, (float(size[0]), float(size[1]), float(size[2])), thing.make, mess, most=500)
    return within(solids, room)


def _flat_pack(rng: Rng, room: Room) -> list[Solid]:
    """Boards and a bag of fittings in a flat carton."""
    solids = hollow(room, 0.004, "cellulose", 0.2)
    boards = inset(room, 0.01, 0.01, 0.006)
    for z in steps(boards.z0, boards.z1, 0.022, 0.004):
        long = boards.x1 - rng.uniform(0.0, 0.25) * boards.size[0]
        solids.append(bare(Room(boards.x0, long, boards.y0, boards.y1, z, z + 0.02), "wood", 0.65))
    return solids


def _series(*names: str) -> Loader:
    """The same appliance again and again, in its own packing, a second model behind."""

    def fill(rng: Rng, room: Room) -> list[Solid]:
        count = int(rng.integers(1, 4)) if room.size[0] > 5.0 else 1
        cuts = np.concatenate([[0.0], np.sort(rng.uniform(0.1, 0.9, count - 1)), [1.0]]) * room.size[0] + room.x0
        solids: list[Solid] = []
        mess = replace(disorder(rng), crush=0.0)
        for start, end in itertools.pairwise(cuts):
            thing = _THINGS[names[rng.integers(len(names))]]
            length, depth, height = (float(v) for v in rng.uniform(thing.low, thing.high))
            part = replace(room, x0=float(start), x1=float(end))
            size = (min(length + 0.04, part.size[0]), min(depth + 0.04, room.size[1]), min(height + 0.04, room.size[2]))
            solids += stack(rng, part, size, _packed(thing.make), mess, most=900 * part.size[0] / room.size[0])
        return within(solids, room)

    return fill


def _packed(make: Thing) -> Thing:
    """The same in a carton with foam at its foot and top."""

    def packed(rng: Rng, room: Room) -> list[Solid]:
        inner = inset(room, 0.02, 0.02, 0.02)
        if min(inner.size) < 0.1:
            return hollow(room, 0.004, "cellulose", 0.2)
        foam = [bare(replace(inner, z1=inner.z0 + 0.03), "foam", 0.03)]
        return hollow(room, 0.004, "cellulose", 0.18) + foam + within(make(rng, inner), inner, 0.02)

    return packed


def _computers(rng: Rng, room: Room) -> list[Solid]:
    """Servers and computers: sheet steel, boards, drives and power supplies, in cartons on pallets."""
    size = (float(rng.uniform(0.45, 0.8)), float(rng.uniform(0.3, 0.5)), float(rng.uniform(0.2, 0.55)))
    at = rng.uniform(0.2, 0.8, (4, 2))

    def one(rng: Rng, room: Room) -> list[Solid]:
        case = inset(room, 0.05, 0.04, 0.04)
        if min(case.size) < 0.04:
            return hollow(room, 0.005, "cellulose", 0.2)
        solids = [*hollow(room, 0.005, "cellulose", 0.2), *hollow(case, 0.0012, "steel", STEEL, 0.02)]
        solids.append(bare(replace(case, z0=case.z0 + 0.01, z1=case.z0 + 0.016), "electronics", 1.8))
        for k, (u, v) in enumerate(at):
            x, z = case.x0 + u * case.size[0] * 0.8, case.z0 + 0.02 + v * case.size[2] * 0.6
            stuff, dense = [("electronics", 0.8), ("aluminum", 0.9), ("steel", 0.8), ("copper", 0.7)][k]
            part = Room(x, x + 0.2 * case.size[0], case.y0 + 0.03, case.y1 - 0.03, z, z + 0.25 * case.size[2])
            solids.append(bare(part, stuff, dense * spread(rng, 0.1)))
        return within(solids, room)

    return on_pallets(
        rng, room, lambda r, p: stack(r, p, size, one, replace(disorder(r, 0.4), level=True), per_pallet(room)), (0.8, 2.1)
    )


def _luggage(rng: Rng, room: Room) -> list[Solid]:
    """Suitcases and bags, as buses and vans carry them."""
    count = int(min(room.size[0] * room.size[1] * rng.uniform(5.0, 12.0), 240))
    return _piled(rng, room, ("suitcase", "bag", "box"), max(count, 3), mess=0.5)


def _empty(rng: Rng, room: Room) -> list[Solid]:
    """Nothing, or what nobody swept out: a board, a strap, a sheet of cardboard."""
    solids: list[Solid] = []
    if rng.random() < 0.55:
        return solids
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(room.x0, room.x1 - 0.3), rng.uniform(room.y0, room.y1 - 0.2)
        length, depth = rng.uniform(0.1, 1.2), rng.uniform(0.08, 0.8)
        stuff, dense = [("wood", 0.5), ("cellulose", 0.2), ("textile", 0.3)][rng.integers(3)]
        scrap = box((x, y, room.z0), (x + length, y + depth, room.z0 + rng.uniform(0.005, 0.06)), stuff, dense)
        solids += leaning([scrap], 0.0, 0.0, rng.normal(0.0, 0.4))
    if rng.random() < 0.3:
        solids += _against_wall(rng, room)
    return within(solids, room)


def _against_wall(rng: Rng, room: Room) -> list[Solid]:
    """A board, a ladder or a few bars left leaning at the front wall."""
    height = min(rng.uniform(0.9, 2.0), 0.9 * room.size[2])
    y = rng.uniform(room.y0, max(room.y1 - 1.0, room.y0))
    solids = []
    for k in range(int(rng.integers(1, 5))):
        x = room.x0 + 0.12 + 0.06 * k
        board = box((x, y, room.z0), (x + 0.025, min(y + rng.uniform(0.1, 1.0), room.y1), room.z0 + height), "wood", 0.5)
        solids += leaning([board], -0.08)
    return within(solids, room)


def _rubbish(rng: Rng, room: Room) -> list[Solid]:
    """Nearly empty: broken pallets, cartons, film, bags, bottles, a tire, blankets, left anywhere."""
    solids = _empty(rng, room)
    names = ("box", "bag", "suitcase", "chair", "carpet", "table")
    for _ in range(int(rng.integers(2, 4 + int(room.size[0] * 1.6)))):
        kind = rng.integers(6)
        floor = replace(room, x0=rng.uniform(room.x0, room.x1 - 0.3), y0=rng.uniform(room.y0, room.y1 - 0.3))
        if kind == 0:
            place = Room(0.0, 1.2, 0.0, 0.8, 0.0, 0.144)
            parts = pallet(rng, place)
            solids += toppled(rng, parts[: rng.integers(2, 6)], room) if rng.random() < 0.4 else within(
                [moved(s, (floor.x0, floor.y0, room.z0)) for s in parts], room
            )  # fmt: skip
        elif kind == 1:
            solids += _thing(rng, floor, str(rng.choice(names)))
        elif kind == 2:
            half = rng.uniform([0.1, 0.1, 0.05], [0.4, 0.3, 0.2])
            at = (floor.x0 + half[0], floor.y0 + half[1], room.z0 + half[2])
            solids.append(sack(at, triple(half), "polyethylene", float(rng.uniform(0.02, 0.15))))
        elif kind == 3:
            at = (floor.x0 + 0.3, floor.y0 + 0.3, room.z0 + 0.09)
            solids.append(torus(at, 0.24, 0.085, "rubber", float(rng.uniform(0.35, 0.6))))
        elif kind == 4:
            for _ in range(int(rng.integers(1, 6))):
                at = (floor.x0 + rng.uniform(0, 0.5), floor.y0 + rng.uniform(0, 0.5), room.z0 + 0.045)
                solids += leaning(
                    [cylinder(at, 0.04, 0.28, "water", float(rng.choice([0.05, 0.8])), axis="x")], 0.0, 0.0, rng.uniform(0, 3)
                )
        else:
            half = rng.uniform([0.3, 0.3, 0.02], [0.9, 0.7, 0.06])
            at = (floor.x0 + half[0], floor.y0 + half[1], room.z0 + half[2])
            solids.append(sack(at, triple(half), "textile", float(rng.uniform(0.1, 0.25))))
    return within(solids, room)


KINDS: tuple[LoadKind, ...] = (
    LoadKind("furniture", "household", _furniture),
    LoadKind("household removal", "household", _removal),
    LoadKind("luggage", "household", _luggage),
    LoadKind("white goods", "appliances", _series("washing machine", "refrigerator", "stove")),
    LoadKind("televisions", "appliances", _series("television")),
    LoadKind("computers", "appliances", _computers),
    LoadKind("empty", "empties", _empty, ("box", "open", "tank", "bulk")),
    LoadKind("rubbish", "empties", _rubbish, ("box", "open")),
)
