"""Packaged goods: cartons, parcels, drums, canisters, containers for liquids, crates and empty pallets."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xrayscan.simulate.loads.arrange import (
    STEEL,
    Disorder,
    Loader,
    LoadKind,
    bare,
    disorder,
    heap,
    hollow,
    inset,
    leaning,
    middle,
    row,
    skyline,
    spread,
    stack,
    steps,
    toppled,
    triple,
    weighed,
    within,
)
from xrayscan.simulate.loads.carton import Carton, carton
from xrayscan.simulate.loads.fixings import air_bags, separators
from xrayscan.simulate.loads.pallets import PALLET, on_pallets, pallet, per_pallet, snug
from xrayscan.simulate.solid import Room, Solid, box, cylinder, ellipsoid, sack

__all__ = ["KINDS"]


def _floor_loaded(rng: np.random.Generator, room: Room, goods: Sequence[str | None] = (None,)) -> list[Solid]:
    """Cartons from the floor up: one to three products in sections, sheets between them, a few fallen at the end."""
    count = int(rng.integers(1, 4)) if room.size[0] > 3 else 1
    edges = room.x0 + room.size[0] * np.concatenate([[0.0], np.sort(rng.uniform(0.15, 0.9, count - 1)), [1.0]])
    mess, solids = disorder(rng), []
    product = carton(rng, goods[int(rng.integers(len(goods)))])
    for start, end in itertools.pairwise(edges):
        product = carton(rng, goods[int(rng.integers(len(goods)))])
        cell = weighed(rng, replace(room, x0=float(start), x1=float(end)), product.bulk)
        most = 1300 * cell.size[0] / room.size[0]
        solids += stack(rng, cell, product.size, product.make, mess, most, bond=rng.random() < 0.3)
    if rng.random() < 0.25:
        solids += separators(rng, room)
    return solids + _fallen(rng, room, product)


def _fallen(rng: np.random.Generator, room: Room, product: Carton) -> list[Solid]:
    """Cartons that fell from the last row, if any."""
    solids: list[Solid] = []
    if rng.random() > 0.3 or room.size[0] < 2.0:
        return solids
    end = replace(room, x0=max(room.x0, room.x1 - rng.uniform(0.6, 1.5)))
    for _ in range(int(rng.integers(1, 5))):
        piece = product.make(rng, Room(0.0, product.size[0], 0.0, product.size[1], 0.0, product.size[2]))
        solids += toppled(rng, piece, end)
    return solids


def _goods(*names: str) -> Loader:
    return lambda rng, room: _floor_loaded(rng, room, names)


def _palletized(rng: np.random.Generator, room: Room, goods: Sequence[str | None] = (None,)) -> list[Solid]:
    """Cartons on pallets: one product a pallet, few products a load."""
    products = [carton(rng, goods[int(rng.integers(len(goods)))]) for _ in range(int(rng.integers(1, 4)))]
    mess = replace(disorder(rng, 0.5), level=True)
    most = per_pallet(room)

    def load(rng: np.random.Generator, place: Room) -> list[Solid]:
        product = products[rng.integers(len(products))]
        return stack(rng, place, snug(product.size, place), product.make, mess, most, bond=rng.random() < 0.2)

    bulk = max(product.bulk for product in products) * 0.8
    height = weighed(rng, room, bulk).size[2]
    return on_pallets(rng, room, load, (0.5 * height, height))


def _parcels(rng: np.random.Generator, room: Room) -> list[Solid]:
    """What couriers carry: boxes of all sizes, bags, tubes, in walls that have slid, or thrown in."""
    drawn = [carton(rng) for _ in range(60)]
    cell = Room(0.0, 0.4, 0.0, 0.4, 0.0, 0.3)
    products = [product for product in drawn if len(product.make(rng, cell)) <= 5][:14] or drawn[:1]
    larger = float(np.clip((room.size[0] * room.size[1] * room.size[2] / 30.0) ** (1 / 3), 0.8, 1.35))
    bag = float(rng.uniform(0.05, 0.3))

    def piece(rng: np.random.Generator, place: Room) -> list[Solid]:
        kind = rng.random()
        if kind < 0.15:
            return [sack(middle(place), triple(s / 2 for s in place.size), "textile", bag * spread(rng, 0.4))]
        if kind < 0.2:
            x, y, _ = middle(place)
            return [cylinder((x, y, place.z0 + 0.05), 0.05, place.size[1], "cellulose", 0.3, axis="y")]
        solids = products[rng.integers(len(products))].make(rng, place)
        return leaning(solids, rng.normal(0.0, 0.15), 0.0, rng.normal(0.0, 0.2)) if rng.random() < 0.15 else solids

    def draw(rng: np.random.Generator) -> tuple[float, float, float]:
        size = rng.uniform(0.14, 0.45, 3) * larger * rng.choice([0.8, 1.0, 1.4, 2.0], p=[0.25, 0.4, 0.25, 0.1])
        return float(size[0]), float(size[1] * 1.3), float(size[2] * 0.8)

    low = inset(replace(room, z1=room.z0 + room.size[2] * rng.uniform(0.5, 1.0)), 0.02)
    return heap(rng, low, draw, piece, 480, sink=0.45, most=1400)


def _barrel(rng: np.random.Generator, steel: bool, content: tuple[str, float], level: float) -> Loader:
    """One drum: shell, content to a level, rolling hoops and lid."""
    stuff, bulk = content

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        radius = min(room.size[0], room.size[1]) / 2 - 0.003
        x, y = (room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2
        height = room.size[2] - 0.004
        wall = 0.0012 if steel else 0.004
        shell, dense = ("steel", STEEL) if steel else ("polyethylene", 0.94)
        filled = (height - 2 * wall - 0.02) * min(level * spread(rng, 0.02), 1.0)
        middle = (x, y, room.z0 + height / 2)
        solids = [
            cylinder(middle, radius, height, shell, dense),
            cylinder((x, y, middle[2] - 0.004), radius - wall, height - 2 * wall - 0.016, shell, 0.0),
            cylinder((x, y, room.z0 + 0.014 + filled / 2), radius - wall, filled, stuff, bulk * spread(rng, 0.01)),
        ]
        if steel:
            for share in (1 / 3, 2 / 3):
                hoop = replace(solids[0], center=(x, y, room.z0 + share * height), half=(radius + 0.002, radius + 0.002, 0.006))
                solids.insert(0, replace(hoop, density=2.5))
        return solids

    return make


_LIQUIDS = (("water", 1.0), ("oil", 0.9), ("alcohol", 0.8), ("food", 1.1), ("polyethylene", 0.6), ("salt", 1.2), ("water", 1.2))


def _drums(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Drums of 200 l in layers on pallets or on boards, or kegs of 30 to 60 l."""
    large = rng.random() < 0.75
    radius, height = (0.29, 0.88) if large else (rng.uniform(0.17, 0.2), rng.uniform(0.4, 0.6))
    content = _LIQUIDS[rng.integers(len(_LIQUIDS))]
    barrel = _barrel(rng, rng.random() < 0.6, content, float(rng.uniform(0.6, 0.96)))
    empty = _barrel(rng, True, content, 0.03)
    share = rng.uniform(0.0, 0.15)

    def piece(rng: np.random.Generator, place: Room) -> list[Solid]:
        return (empty if rng.random() < share else barrel)(rng, place)

    size = (2 * radius + 0.01, 2 * radius + 0.01, height)
    low = weighed(rng, room, content[1] * 0.62)
    mess = replace(disorder(rng), tilted=0.0, crush=0.0, lean=0.0)
    if rng.random() < 0.5:
        level = replace(mess, level=True)

        def layer(rng: np.random.Generator, place: Room) -> list[Solid]:
            return stack(rng, replace(place, z1=min(place.z1, place.z0 + height + 0.01)), size, piece, level, 1e9)

        tall = height + PALLET + 0.03
        return on_pallets(rng, replace(low, z1=min(room.z1, max(low.z1, room.z0 + tall))), layer, (tall, tall + 0.05))
    tall = height * max(int(low.size[2] / height), 1) + 0.02
    return stack(rng, replace(room, z1=min(room.z1, room.z0 + tall)), size, piece, mess, 1e9)


def _jerrycans(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Canisters of 10 to 30 l: liquid to a level that differs, a handle and a neck above."""
    size = (float(rng.uniform(0.22, 0.36)), float(rng.uniform(0.2, 0.3)), float(rng.uniform(0.3, 0.45)))
    stuff, bulk = _LIQUIDS[rng.integers(4)]
    level, vary = rng.uniform(0.7, 0.95), rng.uniform(0.01, 0.15)

    def piece(rng: np.random.Generator, room: Room) -> list[Solid]:
        body = replace(room, z1=room.z0 + 0.87 * room.size[2])
        neck = (room.x0 + 0.22 * room.size[0], (room.y0 + room.y1) / 2, room.z1 - 0.065 * room.size[2])
        top = body.z0 + 0.003 + (body.size[2] - 0.006) * min(level * spread(rng, vary), 1.0)
        grip = Room(
            room.x0 + 0.4 * room.size[0], room.x1 - 0.03, neck[1] - 0.015, neck[1] + 0.015, room.z1 - 0.03, room.z1 - 0.005
        )
        inner = inset(body, 0.003, 0.003, 0.003)
        return [
            *hollow(body, 0.003, "polyethylene", 0.94),
            bare(replace(inner, z1=min(top, inner.z1)), stuff, bulk),
            cylinder(neck, 0.028, 0.11 * room.size[2], "polyethylene", 0.5),
            bare(grip, "polyethylene", 0.7),
        ]

    low = weighed(rng, room, bulk * 0.75)
    if rng.random() < 0.5:
        height = (size[2], min(low.size[2], 4 * size[2]) + PALLET + 0.02)
        return on_pallets(
            rng, room, lambda r, p: stack(r, p, size, piece, Disorder(0.004, level=True), per_pallet(room)), height
        )
    return stack(rng, low, size, piece, disorder(rng))


def _ibc(level: float, stuff: str, bulk: float) -> Loader:
    """An IBC: pallet, bottle, liquid with its surface, cage of tubes, lid."""

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        foot = room.z0 + PALLET
        bottle = Room(room.x0 + 0.03, room.x1 - 0.03, room.y0 + 0.03, room.y1 - 0.03, foot, room.z1 - 0.06)
        inner = inset(bottle, 0.003, 0.003, 0.003)
        own = level * spread(rng, 0.03) if rng.random() > 0.05 else rng.uniform(0.0, 1.0)
        solids = [*pallet(rng, room), *hollow(bottle, 0.003, "polyethylene", 0.94)]
        solids.append(bare(replace(inner, z1=inner.z0 + max(inner.size[2] * min(own, 0.98), 0.01)), stuff, bulk))
        middle = ((room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2, room.z1 - 0.04)
        solids.append(cylinder(middle, 0.09, 0.04, "polyethylene", 0.6))
        for x in np.linspace(room.x0 + 0.01, room.x1 - 0.01, 6):
            for y in (room.y0, room.y1 - 0.018):
                solids.append(box((float(x) - 0.009, y, foot), (float(x) + 0.009, y + 0.018, room.z1 - 0.05), "steel", 1.6))
        for z in np.linspace(foot + 0.12, room.z1 - 0.06, 4):
            solids.append(box((room.x0, room.y0, float(z)), (room.x1, room.y0 + 0.016, float(z) + 0.018), "steel", 1.6))
        return solids

    return make


def _ibcs(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Intermediate bulk containers, in one or two layers, some emptied."""
    stuff, bulk = _LIQUIDS[rng.integers(len(_LIQUIDS))]
    make = _ibc(float(rng.uniform(0.3, 0.97)), stuff, bulk)
    size = (1.2, 1.0, 1.16) if rng.random() < 0.6 or room.size[1] < 2.0 else (1.0, 1.15, 1.16)
    low = weighed(rng, room, bulk * 0.75)
    two = low.size[2] >= 2 * size[2] or (bulk * 0.75 > 0.3 and rng.random() < 0.1)
    space = replace(room, z1=min(room.z1, room.z0 + (2 if two else 1) * size[2] + 0.02))
    return stack(rng, space, size, make, Disorder(rng.uniform(0.003, 0.02), missing=rng.uniform(0.0, 0.08)))


def _empty_pallets(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Empty pallets in stacks, one on the other, none quite above the next."""

    def pile(rng: np.random.Generator, place: Room) -> list[Solid]:
        solids: list[Solid] = []
        for z in steps(place.z0, place.z1, PALLET):
            dx, dy = rng.normal(0.0, 0.012, 2)
            solids += pallet(rng, Room(place.x0 + dx, place.x1 + dx, place.y0 + dy, place.y1 + dy, z, z + PALLET))
        return solids

    along = float(rng.choice([0.8, 1.0, 1.2]))
    lanes = steps(room.y0, room.y1, 2.0 - along + 0.1)
    solids: list[Solid] = []
    for y in lanes:
        lane = replace(room, y0=y, y1=y + 2.0 - along)
        for x, top in zip(
            xs := steps(room.x0, room.x1, along, float(rng.uniform(0.0, 0.1))), skyline(rng, room, len(xs) or 1), strict=False
        ):
            solids += pile(rng, replace(lane, x0=x, x1=x + along, z1=float(top)))
    return within(solids, room)


def _crate(stuff: str, dense: float) -> Loader:
    """An open crate of plastic or slats: floor, four walls, air."""

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        walls = [
            Room(room.x0, room.x1, room.y0, room.y1, room.z0, room.z0 + 0.012),
            Room(room.x0, room.x0 + 0.012, room.y0, room.y1, room.z0 + 0.012, room.z1),
            Room(room.x1 - 0.012, room.x1, room.y0, room.y1, room.z0 + 0.012, room.z1),
            Room(room.x0 + 0.012, room.x1 - 0.012, room.y0, room.y0 + 0.012, room.z0 + 0.012, room.z1),
        ]
        return [bare(wall, stuff, dense) for wall in walls]

    return make


def _empty_crates(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Returned crates, empty, stacked or thrown in."""
    stuff, dense = ("polyethylene", 0.5) if rng.random() < 0.6 else ("wood", 0.4)
    size = (float(rng.uniform(0.4, 1.2)), float(rng.uniform(0.4, 1.0)), float(rng.uniform(0.15, 0.6)))
    make = _crate(stuff, dense)

    def thrown(rng: np.random.Generator, place: Room) -> list[Solid]:
        return leaning(make(rng, place), rng.normal(0.0, 0.2), 0.0, rng.normal(0.0, 0.3))

    if rng.random() < 0.25:
        count = int(room.size[0] * room.size[1] * room.size[2] * 0.35 / np.prod(size))
        return heap(rng, room, lambda r: size, thrown, min(count, 150))
    return stack(rng, room, size, make, disorder(rng))


def _gas_bottles(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Steel bottles of gas, upright in cages, or small ones for cooking."""
    tall = rng.random() < 0.5
    radius, height, wall = (0.115, 1.5, 0.007) if tall else (0.15, 0.55, 0.003)

    def bottle(rng: np.random.Generator, place: Room) -> list[Solid]:
        x, y = (place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2
        middle = place.z0 + (height - 0.1) / 2
        solids = [
            ellipsoid((x, y, place.z0 + height - 0.14), (radius, radius, 0.09), "steel", STEEL * 0.5),
            cylinder((x, y, middle), radius, height - 0.22, "steel", STEEL),
            cylinder((x, y, middle), radius - wall, height - 0.24, "steel", 0.0),
            cylinder((x, y, place.z0 + height - 0.05), 0.025, 0.09, "brass", 5.0),
        ]
        if not tall:
            filled = rng.uniform(0.0, 0.35)
            solids.append(cylinder((x, y, place.z0 + 0.08 + filled / 2), radius - wall, filled + 0.01, "oil", 0.55))
        return solids

    size = (2 * radius + 0.02, 2 * radius + 0.02, height)
    low = weighed(rng, room, 0.5)
    each = 4.0 * np.prod(room.size[:2]) / np.prod(size[:2])
    layers = 1 if tall else max(min(int(low.size[2] / height), int(1500 / each)), 1)
    space = replace(room, z1=min(room.z1, room.z0 + layers * height + 0.01))
    return stack(rng, space, size, bottle, replace(disorder(rng), crush=0.0, lean=0.0), 1e9)


def _mixed_pallets(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Groupage: every pallet another shipper's, with air bags between."""

    def load(rng: np.random.Generator, place: Room) -> list[Solid]:
        kind = rng.random()
        if kind < 0.55:
            product = carton(rng)
            return stack(
                rng,
                place,
                snug(product.size, place),
                product.make,
                replace(disorder(rng, 0.7), level=rng.random() < 0.8),
                per_pallet(room),
            )
        if kind < 0.7:
            return hollow(inset(place, 0.05, 0.05), 0.015, "wood", 0.5) + [
                ellipsoid(
                    ((place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2, place.z0 + 0.35 * place.size[2]),
                    (0.3 * place.size[0], 0.3 * place.size[1], 0.25 * place.size[2]), "steel", float(rng.uniform(0.3, 2.0)),
                )
            ]  # fmt: skip
        if kind < 0.85:
            barrel = _barrel(rng, rng.random() < 0.6, _LIQUIDS[rng.integers(len(_LIQUIDS))], float(rng.uniform(0.5, 0.95)))
            return stack(
                rng,
                replace(place, z1=min(place.z1, place.z0 + 0.9)),
                (0.58, 0.58, 0.88),
                barrel,
                Disorder(0.005, level=True),
                1e9,
            )
        product = carton(rng)
        size = lambda r: (float(r.uniform(0.2, 0.5)), float(r.uniform(0.2, 0.5)), float(r.uniform(0.15, 0.4)))  # noqa: E731
        return heap(rng, place, size, product.make, 22, most=int(per_pallet(room)))

    solids = on_pallets(rng, weighed(rng, room, 0.3), load, (0.6, 2.2), missing=0.08)
    if rng.random() < 0.3:
        x = rng.uniform(room.x0, max(room.x1 - 0.4, room.x0))
        solids += air_bags(rng, replace(room, x0=x, x1=min(x + rng.uniform(0.15, 0.4), room.x1)))
    return solids


def _wooden_cases(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Cases of boards with battens, each with something else in it."""

    def case(rng: np.random.Generator, place: Room) -> list[Solid]:
        depth, height = rng.uniform(0.5, 1.0) * place.size[1], rng.uniform(0.3, 0.95) * place.size[2]
        y = place.y0 + rng.random() * (place.size[1] - depth)
        own = Room(place.x0, place.x1, y, y + depth, place.z0, place.z0 + height)
        inner = inset(replace(own, z0=own.z0 + 0.1), 0.022, 0.022, 0.022)
        solids = [*pallet(rng, own), *hollow(replace(own, z0=own.z0 + PALLET), 0.02, "wood", 0.5)]
        for x in np.linspace(own.x0, own.x1 - 0.08, int(rng.integers(2, 5))):
            solids.append(box((float(x), own.y0 - 0.018, own.z0 + PALLET), (float(x) + 0.08, own.y0, own.z1), "wood", 0.5))
        product = carton(rng, str(rng.choice(["machine parts", "electronics", "ceramics", "toys"])))
        inner = replace(inner, z0=own.z0 + PALLET + 0.021)
        if min(inner.size) > 0.15:
            solids += stack(rng, inner, snug(product.size, inner), product.make, Disorder(0.004, level=rng.random() < 0.5), 60)
        return solids

    return row(rng, weighed(rng, room, 0.45), (0.6, 2.4), case, (0.02, 0.4))


KINDS: tuple[LoadKind, ...] = (
    LoadKind("cartons on the floor", "cartons", _floor_loaded),
    LoadKind("cartons on pallets", "cartons", _palletized),
    LoadKind("parcels", "cartons", _parcels),
    LoadKind("mixed pallets", "cartons", _mixed_pallets),
    LoadKind("books and magazines", "cartons", _goods("books")),
    LoadKind("cosmetics", "cartons", _goods("cosmetics")),
    LoadKind("shoes", "cartons", _goods("shoes")),
    LoadKind("toys and plastics", "cartons", _goods("toys", "household plastics")),
    LoadKind("hygiene paper", "cartons", _goods("hygiene")),
    LoadKind("electronics", "cartons", _goods("electronics")),
    LoadKind("ceramics in cartons", "cartons", _goods("ceramics")),
    LoadKind("drums", "liquids", _drums, ("box", "open")),
    LoadKind("jerrycans", "liquids", _jerrycans),
    LoadKind("IBCs", "liquids", _ibcs, ("box", "open")),
    LoadKind("gas bottles", "liquids", _gas_bottles, ("box", "open")),
    LoadKind("wooden cases", "cases", _wooden_cases, ("box", "open")),
    LoadKind("empty pallets", "empties", _empty_pallets, ("box", "open")),
    LoadKind("empty crates", "empties", _empty_crates),
)
