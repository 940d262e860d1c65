"""Soft goods: sacks, big bags, bales, rolls of cloth, carpet, paper and insulation, clothes, mattresses."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from xrayscan.simulate.loads.arrange import (
    STEEL,
    Disorder,
    Loader,
    LoadKind,
    Size,
    bare,
    bounds,
    disorder,
    heap,
    inset,
    leaning,
    skyline,
    spread,
    stack,
    steps,
    weighed,
    within,
)
from xrayscan.simulate.loads.carton import carton
from xrayscan.simulate.loads.fixings import tied_down
from xrayscan.simulate.loads.pallets import PALLET, on_pallets, pallet, per_pallet
from xrayscan.simulate.solid import Room, Solid, box, capsule, cylinder, ellipsoid, sack

__all__ = ["KINDS"]

_SACKED = (
    ("grain", 0.78), ("sugar", 0.85), ("food", 0.65), ("cement", 1.3), ("fertilizer", 0.95), ("polyethylene", 0.55),
    ("salt", 1.15), ("food", 0.45), ("sand", 1.45), ("cellulose", 0.3), ("grain", 0.4), ("gypsum", 0.9),
)  # fmt: skip
"""What is sold in sacks, and how dense it lies in them [g/cm³]: cereals, sugar, flour, cement, granulate, coffee, charcoal."""


def _one_sack(stuff: str, bulk: float, vary: float) -> Loader:
    """A full sack: flattened where it lies, its filling slid to one end now and then."""

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        length, depth, height = room.size
        middle = ((room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2, (room.z0 + room.z1) / 2)
        half = (length / 2 * rng.uniform(0.97, 1.06), depth / 2 * 1.03, height / 2 * rng.uniform(1.0, 1.18))
        whole = sack(middle, half, stuff, bulk * spread(rng, vary))
        if rng.random() > 0.12:
            return [whole]
        slid = rng.choice([-1.0, 1.0]) * 0.25 * length
        part = ellipsoid(
            (middle[0] + slid, middle[1], room.z0 + 0.4 * height), (0.25 * length, 0.45 * depth, 0.35 * height), stuff, bulk
        )
        return [replace(whole, density=bulk * 0.85), part]

    return make


def _sack_size(rng: np.random.Generator) -> Size:
    length = float(rng.uniform(0.45, 0.95))
    return length, length * float(rng.uniform(0.55, 0.7)), length * float(rng.uniform(0.18, 0.28))


def _sacks(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Sacks laid in bond from the floor up, the layers sagging."""
    stuff, bulk = _SACKED[rng.integers(len(_SACKED))]
    size = _sack_size(rng)
    if rng.random() < 0.5:
        size = (size[1], size[0], size[2])
    mess = replace(disorder(rng, 1.5), crush=rng.uniform(0.02, 0.15), tilted=rng.uniform(0.0, 0.15))
    return stack(
        rng, weighed(rng, room, bulk * 0.85), size, _one_sack(stuff, bulk, 0.05), mess, most=700, bond=rng.random() < 0.7
    )


def _sacks_on_pallets(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Sacks in crossed layers on pallets."""
    stuff, bulk = _SACKED[rng.integers(len(_SACKED))]
    thick = float(rng.uniform(0.1, 0.17))
    make = _one_sack(stuff, bulk, 0.04)

    def load(rng: np.random.Generator, place: Room) -> list[Solid]:
        solids: list[Solid] = []
        for k, z in enumerate(steps(place.z0, place.z1, thick)):
            counts = (2, 2) if k % 2 else (3, 1)
            layer = replace(place, z0=z, z1=z + thick)
            size = (layer.size[0] / counts[0] * 0.985, layer.size[1] / counts[1] * 0.985, thick)
            solids += stack(rng, layer, size, make, Disorder(shift=0.008, level=True), most=per_pallet(room) / 8)
        return solids

    height = weighed(rng, room, bulk * 0.7).size[2]
    return on_pallets(rng, room, load, (max(0.5 * height, 0.4), height))


def _sack_heap(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Sacks and bundles thrown in."""
    stuff, bulk = _SACKED[rng.integers(len(_SACKED))] if rng.random() < 0.5 else ("textile", float(rng.uniform(0.1, 0.35)))
    make, base = _one_sack(stuff, bulk, 0.2), np.array(_sack_size(rng)) * [1.0, 1.0, 1.25]

    def draw(rng: np.random.Generator) -> Size:
        size = base * spread(rng, 0.15)
        return (
            (float(size[1]), float(size[0]), float(size[2]))
            if rng.random() < 0.5
            else (float(size[0]), float(size[1]), float(size[2]))
        )

    def thrown(rng: np.random.Generator, place: Room) -> list[Solid]:
        return leaning(make(rng, place), rng.normal(0.0, 0.18), rng.normal(0.0, 0.12), rng.normal(0.0, 0.4))

    low = weighed(rng, room, bulk * 0.8)
    low = replace(low, z1=low.z0 + low.size[2] * rng.uniform(0.45, 1.0))
    count = low.size[0] * low.size[1] * low.size[2] / np.prod(base) * 1.5
    base *= max(count / 420, 1.0) ** (1 / 3)
    return heap(rng, low, draw, thrown, 420, sink=0.5)


def _big_bags(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Big bags of a tonne: bulging, lifting loops and spout on top, on pallets or not, in one or two layers."""
    stuff, bulk = _SACKED[rng.integers(len(_SACKED))]
    side, height = float(rng.uniform(0.9, 1.12)), float(rng.uniform(0.8, 1.35))
    on_wood, loops = rng.random() < 0.5, rng.random() < 0.7

    def bag(rng: np.random.Generator, place: Room) -> list[Solid]:
        solids = pallet(rng, place) if on_wood else []
        z0 = place.z0 + (PALLET if on_wood else 0.0)
        z1 = z0 + (place.z1 - z0) * rng.uniform(0.74, 0.92)
        x, y = (place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2
        half = (place.size[0] / 2, place.size[1] / 2, (z1 - z0) / 2)
        dense = bulk * spread(rng, 0.03)
        body = [sack((x, y, (z0 + z1) / 2), half, stuff, dense)]
        lower = replace(place, z0=z0 + 0.05, z1=z0 + 0.6 * (z1 - z0))
        body.append(bare(inset(lower, 0.035, 0.035), stuff, dense))
        body.append(ellipsoid((x + rng.normal(0, 0.08), y, z1 - 0.06), (0.3 * side, 0.3 * side, 0.13), stuff, dense * 0.95))
        if loops:
            for dx in (-0.42, 0.42):
                foot = (x + dx * place.size[0], y, z1 - 0.12)
                body.append(capsule(foot, (x + dx * 0.6 * place.size[0], y, place.z1 - 0.01), 0.012, "polyethylene", 0.6))
        return solids + leaning(body, rng.normal(0.0, 0.02))

    size = (side, min(side, room.size[1]), height + (PALLET if on_wood else 0.0))
    low = weighed(rng, room, bulk * 0.75)
    layers = max(min(int(low.size[2] / size[2] + 0.4), int(room.size[2] / size[2])), 1)
    space = replace(room, z1=min(room.z1, room.z0 + layers * size[2] + 0.01))
    mess = Disorder(shift=rng.uniform(0.005, 0.03), lean=rng.uniform(0.0, 0.05), missing=rng.uniform(0.0, 0.05))
    return stack(rng, space, size, bag, mess)


_BALED = (
    ("textile", 0.28),
    ("cellulose", 0.14),
    ("cellulose", 0.5),
    ("polyethylene", 0.35),
    ("textile", 0.4),
    ("rubber", 0.75),
)
"""What is pressed into bales [g/cm³]: cotton, hay and straw, waste paper, plastic waste, rags, natural rubber."""


def _bale(stuff: str, bulk: float, wires: int) -> Loader:
    """A bale: leaves of different density pressed together, bulging faces, wires or bands around it."""

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        count = int(rng.integers(3, 6))
        inner = inset(room, 0.06 * room.size[0], 0.05 * room.size[1], 0.03 * room.size[2])
        edges = inner.x0 + inner.size[0] * np.concatenate([[0.0], np.sort(rng.uniform(0.1, 0.9, count - 1)), [1.0]])
        own = bulk * spread(rng, 0.1)
        middle = ((room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2, (room.z0 + room.z1) / 2)
        solids = [sack(middle, tuple(s / 2 for s in room.size), stuff, own)]  # type: ignore[arg-type]
        for left, right in itertools.pairwise(edges):
            if right - left < 0.02:
                continue
            top = inner.z1 + room.size[2] * rng.uniform(-0.05, 0.03)
            solids.append(
                bare(Room(float(left), float(right), inner.y0, inner.y1, inner.z0, top), stuff, own * spread(rng, 0.15))
            )
        for x in room.x0 + room.size[0] * (np.arange(wires) + 0.5) / max(wires, 1):
            solids.append(
                box((float(x) - 0.002, room.y0 - 0.002, room.z0), (float(x) + 0.002, room.y0, room.z1), "steel", STEEL)
            )
        return leaning(solids, rng.normal(0.0, 0.04)) if rng.random() < 0.35 else solids

    return make


def _bales(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Pressed bales of cotton, hay, waste paper, plastic or rags."""
    stuff, bulk = _BALED[rng.integers(len(_BALED))]
    bulk *= spread(rng, 0.15)
    size = tuple(float(s) for s in rng.uniform([0.7, 0.5, 0.4], [1.5, 1.15, 1.15]))
    low = weighed(rng, room, bulk * 0.95)
    mess = replace(disorder(rng, 1.5), shift=rng.uniform(0.01, 0.04))
    solids = stack(rng, low, size, _bale(stuff, bulk, int(rng.integers(0, 5))), mess, most=900)  # type: ignore[arg-type]
    return solids + (tied_down(rng, bounds(solids)) if solids and rng.random() < 0.15 else [])


def _round_bales(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Round bales of hay or straw, wound from the middle outwards, in a row or two on each other."""
    radius, length = float(min(rng.uniform(0.55, 0.8), room.size[1] / 2, room.size[2] / 2)), min(1.2, room.size[1])
    bulk, solids = float(rng.uniform(0.1, 0.22)), []
    for layer in range(int(rng.integers(1, 3))):
        for x in steps(room.x0 + layer * radius, room.x1, 2 * radius, 0.02):
            for y in steps(room.y0, room.y1, length, 0.03):
                z = room.z0 + radius * 0.97 + layer * 1.72 * radius
                at = (x + radius + rng.normal(0.0, 0.02), y + length / 2, z)
                own = bulk * spread(rng, 0.1)
                solids += [
                    cylinder(at, radius * r, length, "cellulose", own * d, axis="y")
                    for r, d in ((0.98, 1.2), (0.75, 1.0), (0.3, 0.7))
                ]
    return within(solids, room)


def _lying_rolls(
    rng: np.random.Generator, room: Room, radius: float, length: float, stuff: tuple[str, float], core: float
) -> list[Solid]:
    """Rolls in layers, each resting in the dips of the one below, of slightly different girth, across or along the travel."""
    radius = min(radius, room.size[2] / 2.02)
    count = max(room.size[0] / length, 1.0) * room.size[1] * room.size[2] / (3.5 * radius**2)
    if count > 450:  # thicker rolls, if there would be too many
        radius *= float(np.sqrt(count / 450))
    across, vary = length <= room.size[1] and rng.random() < 0.6, rng.uniform(0.0, 0.12)
    solids: list[Solid] = []
    tops = skyline(rng, room, 24, 2 * radius)
    along = 2 * radius if across else length
    for layer, z in enumerate(steps(room.z0, room.z1, 1.76 * radius)):
        offset = (layer % 2) * radius
        for x in steps(room.x0 + (offset if across else rng.uniform(0, 0.1)), room.x1, along, 0.004):
            if z + 2 * radius > tops[min(int((x - room.x0) / room.size[0] * 24), 23)] + 0.02:
                continue
            lanes = [0.0] if across else steps(room.y0 + offset, room.y1, 2 * radius)
            for y in lanes:
                own = radius * rng.uniform(1.0 - vary, 1.0)
                middle = (room.y0 + room.y1) / 2 + rng.normal(0, 0.03) if across else y + radius
                at = (x + along / 2 + (0.0 if across else rng.normal(0, 0.03)), middle, z + own)
                long = min(length * rng.uniform(0.85, 1.0), room.size[1] if across else length)
                solids.append(cylinder(at, own, long, stuff[0], stuff[1] * spread(rng, 0.08), axis="y" if across else "x"))
                if core > 0.012:
                    solids.append(cylinder(at, core, long, "cellulose", 0.0, axis="y" if across else "x"))
    return within(solids, room)


def _textile_rolls(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Rolls of cloth or film."""
    radius, length = float(rng.uniform(0.07, 0.17)), float(rng.uniform(1.2, 2.2))
    stuff = [("textile", 0.4), ("PVC", 0.9), ("polyethylene", 0.7)][rng.choice(3, p=[0.7, 0.15, 0.15])]
    low = weighed(rng, room, stuff[1] * 0.8)
    return _lying_rolls(rng, low, radius, length, stuff, 0.02 if rng.random() < 0.5 else 0.0)


def _carpets(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Rolled carpets: longer and thicker, with a wide core, of many lengths."""
    radius, length = float(rng.uniform(0.14, 0.3)), float(rng.uniform(2.0, 4.2))
    length = min(length, max(room.size[0] * 0.9, 0.5))
    return _lying_rolls(rng, weighed(rng, room, 0.3), radius, length, ("textile", float(rng.uniform(0.18, 0.4))), radius * 0.22)


def _insulation(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Insulation in rolls or packs: hardly to be seen, but for bands and labels."""
    if rng.random() < 0.5:
        return _lying_rolls(rng, room, float(rng.uniform(0.22, 0.35)), 1.2, ("glass", float(rng.uniform(0.02, 0.06))), 0.05)
    size = (float(rng.uniform(0.6, 1.3)), 0.6, float(rng.uniform(0.3, 0.6)))
    stuff, bulk = ("foam", 0.03) if rng.random() < 0.6 else ("glass", 0.05)
    boards = int(rng.integers(3, 9))

    def pack(rng: np.random.Generator, place: Room) -> list[Solid]:
        height = place.size[2] / boards
        return [
            bare(
                replace(place, z0=place.z0 + k * height, z1=place.z0 + (k + 1) * height - 0.004),
                stuff,
                bulk * spread(rng, 0.05),
            )
            for k in range(boards)
        ]

    return stack(rng, room, size, pack, disorder(rng))


def _paper_roll(radius: float, stuff: str, bulk: float, core: float) -> Loader:
    """A standing roll: wound paper, core, wrapper with end boards."""

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        middle = tuple((a + b) / 2 for a, b in ((room.x0, room.x1), (room.y0, room.y1), (room.z0, room.z1)))
        own, height = radius * rng.uniform(0.985, 1.0), room.size[2] * rng.uniform(0.985, 1.0)
        return [
            cylinder(middle, own, height, stuff, bulk * spread(rng, 0.02)),  # type: ignore[arg-type]
            cylinder(middle, core, height, stuff, 0.0),  # type: ignore[arg-type]
        ]

    return make


def _paper_rolls(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Paper or board in rolls of up to three tonnes, standing in staggered rows, or lying."""
    radius = float(min(rng.uniform(0.35, 0.64), room.size[1] / 2))
    bulk = float(rng.uniform(0.6, 0.95))
    low = weighed(rng, room, bulk * 0.7)
    if rng.random() < 0.3:
        return _lying_rolls(rng, low, radius, float(rng.uniform(1.0, 2.2)), ("cellulose", bulk), 0.05)
    height = min(float(rng.uniform(0.7, 1.6)), room.size[2])
    layers = max(int(low.size[2] / height + 0.3), 1)
    roll, solids = _paper_roll(radius, "cellulose", bulk, 0.05), []
    pitch = 2 * radius + rng.uniform(0.003, 0.03)
    wide = room.size[1] - 2 * radius
    for k, x in enumerate(steps(room.x0, room.x1, max(pitch * (0.88 if wide < 2 * radius else 1.0), 0.3))):
        sides = [(k % 2) * wide] if wide < 2 * radius else [0.0, wide]
        if x + 2 * radius > room.x1:
            break
        for y in sides:
            for layer in range(layers - (1 if rng.random() < 0.1 else 0)):
                z = room.z0 + layer * height
                if z + height <= room.z1 + 1e-6:
                    place = Room(x, x + 2 * radius, room.y0 + y, room.y0 + y + 2 * radius, z, z + height)
                    solids += roll(rng, place)
    return within(solids, room)


def _hanging_clothes(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Garments on rails below the roof, packed or loose, with boxes on the floor beneath."""
    solids: list[Solid] = []
    bar = room.z1 - rng.uniform(0.1, 0.3)
    lanes = steps(room.y0, room.y1, 0.56, 0.03) or [room.y0]
    below = room.z0
    for y in lanes:
        end = room.x1 - rng.uniform(0.0, 0.3) * room.size[0]
        solids.append(cylinder(((room.x0 + room.x1) / 2, y + 0.27, bar), 0.014, room.size[0], "steel", 5.0, axis="x"))
        x, longest = room.x0 + rng.uniform(0.0, 0.1), min(rng.uniform(0.6, 1.4), room.size[2] - 0.35)
        while x < end - 0.25:
            group = min(rng.uniform(0.1, 0.4), end - x)
            length, bulk = longest * rng.uniform(0.75, 1.0), rng.uniform(0.05, 0.16)
            wide = 0.5 * rng.uniform(0.7, 1.0)
            top = bar - 0.09
            cloth = Room(x, x + group, y + 0.27 - wide / 2, y + 0.27 + wide / 2, top - length, top)
            solids.append(bare(cloth, "textile", bulk))
            solids.append(box((x, cloth.y0 + 0.05, top), (x + group, cloth.y1 - 0.05, top + 0.04), "textile", bulk * 0.5))
            solids.append(box((x, y + 0.265, top + 0.04), (x + group, y + 0.275, bar - 0.014), "steel", 0.6))
            x += group + rng.choice([0.005, 0.02, rng.uniform(0.05, 0.4)], p=[0.5, 0.35, 0.15])
        below = max(below, bar - 0.15 - longest)
    if below - room.z0 > 0.35 and rng.random() < 0.7:
        product = carton(rng, "clothes")
        solids += stack(rng, replace(room, z1=below), product.size, product.make, disorder(rng), most=300)
    return within(solids, room)


def _mattress(rng: np.random.Generator, room: Room, springs: bool) -> list[Solid]:
    """A mattress that fills a room: foam or springs between padding."""
    thin = int(np.argmin(room.size))
    margin = [0.0, 0.0, 0.0]
    margin[thin] = 0.2 * room.size[thin]
    solids = [bare(room, "textile", 0.07)]
    core = inset(room, *margin)
    if springs:
        solids.append(bare(core, "steel", float(rng.uniform(0.02, 0.035))))
    else:
        solids.append(bare(core, "foam", float(rng.uniform(0.03, 0.06))))
    return solids


def _mattresses(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Mattresses on edge one behind the other, or flat in a pile, or rolled."""
    springs, thick = rng.random() < 0.5, float(rng.uniform(0.14, 0.26))
    solids: list[Solid] = []
    if rng.random() < 0.3:
        return _lying_rolls(rng, room, float(rng.uniform(0.14, 0.2)), min(1.6, room.size[1]), ("foam", 0.07), 0.03)
    long, wide = min(2.0, room.size[0]), min(float(rng.choice([0.9, 1.4, 1.6])), room.size[1])
    if rng.random() < 0.5:  # flat

        def piece(rng: np.random.Generator, place: Room) -> list[Solid]:
            return _mattress(rng, place, springs)

        mess = Disorder(shift=0.03, tilt=0.03, tilted=0.2, missing=0.02, crush=0.2)
        return stack(rng, room, (long, wide, thick), piece, mess)
    x = room.x0
    while x + thick < room.x1:
        own = thick * rng.uniform(0.9, 1.0)
        tall = min(rng.choice([2.0, 1.9, wide]), room.size[2])
        y = room.y0 + rng.uniform(0.0, max(room.size[1] - 2.0, 0.0))
        place = Room(x, x + own, y, min(y + 2.0, room.y1), room.z0, room.z0 + tall)
        solids += leaning(_mattress(rng, place, springs), rng.normal(0.0, 0.03))
        x += own + rng.choice([0.01, 0.03, 0.25], p=[0.6, 0.35, 0.05])
    return within(solids, room)


def _rags(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Used clothes in plastic bags, thrown to the roof: no straight line anywhere."""
    bulk = float(rng.uniform(0.08, 0.22))

    def bag(rng: np.random.Generator, place: Room) -> list[Solid]:
        middle = np.array([(place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2, (place.z0 + place.z1) / 2])
        half = np.array(place.size) / 2
        solids = [sack(tuple(middle), tuple(half), "textile", bulk * spread(rng, 0.3))]
        off = rng.uniform(-0.4, 0.4, 3) * half
        if rng.random() < 0.5:
            solids.append(
                ellipsoid(tuple(middle + off), tuple(half * rng.uniform(0.3, 0.5, 3)), "textile", bulk * rng.uniform(1.2, 2.2))
            )
        return leaning(solids, rng.normal(0.0, 0.3), rng.normal(0.0, 0.2), rng.normal(0.0, 0.6))

    def draw(rng: np.random.Generator) -> Size:
        length, depth, height = (float(v) for v in rng.uniform([0.45, 0.5, 0.3], [1.0, 0.95, 0.55]))
        return length, depth, height

    low = replace(room, z1=room.z0 + room.size[2] * rng.uniform(0.35, 1.0))
    return heap(rng, low, draw, bag, 400, sink=0.55)


KINDS: tuple[LoadKind, ...] = (
    LoadKind("sacks on the floor", "sacks", _sacks, ("box", "open")),
    LoadKind("sacks on pallets", "sacks", _sacks_on_pallets),
    LoadKind("heap of sacks", "sacks", _sack_heap, ("box", "open")),
    LoadKind("big bags", "sacks", _big_bags, ("box", "open")),
    LoadKind("bales", "bales", _bales, ("box", "open")),
    LoadKind("round bales", "bales", _round_bales, ("open", "box")),
    LoadKind("used clothes in bags", "textiles", _rags),
    LoadKind("textile rolls", "textiles", _textile_rolls),
    LoadKind("carpets", "textiles", _carpets),
    LoadKind("hanging clothes", "textiles", _hanging_clothes),
    LoadKind("insulation", "light", _insulation),
    LoadKind("mattresses", "light", _mattresses),
    LoadKind("paper rolls", "paper", _paper_rolls),
)
