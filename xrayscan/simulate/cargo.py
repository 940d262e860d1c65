"""Loads: each kind fills a room with solids, in the disorder of real loads. Bulk densities [g/cm³] are drawn widely."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from xrayscan.simulate.container import Room
from xrayscan.simulate.geometry import Solid, box, cylinder, ellipsoid, rotation
from xrayscan.simulate.material import material

__all__ = ["LOADS", "fill"]

Rng = np.random.Generator
Loader = Callable[[Rng, Room], list[Solid]]
STEEL = material("steel").density


def _steps(start: float, end: float, size: float, gap: float = 0.0) -> np.ndarray:
    """Starts of the pieces of ``size`` that fit between two places."""
    count = int((end - start + gap + 1e-9) // (size + gap))
    return start + np.arange(max(count, 0)) * (size + gap)


def _height(rng: Rng, room: Room, low: float = 0.3, piece: float = 0.0) -> float:
    """Up to where a load reaches: often nearly the roof, never less than one piece."""
    top = room.z0 + room.size[2] * float(rng.uniform(0.8, 0.97) if rng.random() < 0.5 else rng.uniform(low, 0.9))
    return max(top, room.z0 + piece)


def _turned(part: Solid, degrees: float) -> Solid:
    return Solid(
        part.shape, part.center, part.half, part.material, part.density, rotation(pitch=np.deg2rad(degrees)) @ part.turn
    )


def _cartons(rng: Rng, room: Room) -> list[Solid]:
    dx, dy, dz = rng.uniform(0.25, 0.75), rng.uniform(0.3, 0.78), rng.uniform(0.2, 0.6)
    stuff, bulk = rng.choice(["cellulose", "textile", "food", "polyethylene"]), rng.uniform(0.06, 0.6)
    spread, wall, top = rng.uniform(0.0, 0.25), rng.random() < 0.6, _height(rng, room)
    shift, parts = rng.uniform(0.0, 0.02), []
    for x in _steps(room.x0, room.x1, dx, rng.uniform(0.0, 0.02)):
        column_top = top - (rng.uniform(0, 0.5) if rng.random() < 0.15 else 0.0)
        for y in _steps(room.y0, room.y1, dy, 0.01):
            for z in _steps(room.z0, column_top, dz):
                a, b = rng.normal(0, shift, 2)
                density = float(bulk * np.exp(rng.normal(0, spread)))
                lower, upper = (x + a, y + b, z + 0.003), (x + a + dx - 0.006, y + b + dy - 0.006, z + dz)
                parts.append(box(lower, upper, stuff, density))
                if wall and rng.random() < 0.5:
                    inner = rng.uniform(0.1, 0.4)
                    low, high = (
                        np.asarray(lower) + inner * 0.5 * np.array([dx, dy, dz]),
                        np.asarray(upper) - inner * 0.5 * np.array([dx, dy, dz]),
                    )
                    parts.append(box(tuple(low), tuple(high), stuff, float(density * rng.uniform(-0.6, 1.2))))
    return parts


def _pallets(rng: Rng, room: Room) -> list[Solid]:
    parts = []
    length, gap, stuff = 1.2, rng.uniform(0.02, 0.2), rng.choice(["cellulose", "food", "polyethylene", "textile", "ceramic"])
    heavy = stuff == "ceramic"
    for x in _steps(room.x0, room.x1, length, gap):
        for y in _steps(room.y0, room.y1, 1.0 if rng.random() < 0.5 else 0.8, 0.05):
            for z in np.arange(0.0, 0.13, 0.1):
                parts.append(box((x, y, room.z0 + z), (x + length, y + 0.8, room.z0 + z + 0.022), "wood", 0.55))
            for k in np.linspace(0, length - 0.1, 3):
                parts.append(box((x + k, y, room.z0 + 0.022), (x + k + 0.1, y + 0.8, room.z0 + 0.1), "wood", 0.55))
            stack = Room(
                x, x + length, y, y + 0.8, room.z0 + 0.13, room.z0 + (rng.uniform(0.4, 0.9) if heavy else rng.uniform(0.7, 2.1))
            )
            stack = Room(stack.x0, stack.x1, stack.y0, stack.y1, stack.z0, min(stack.z1, room.z1 - 0.05))
            size, bulk = rng.uniform(0.2, 0.6, 3), rng.uniform(0.6, 1.6) if heavy else rng.uniform(0.08, 0.7)
            parts += _grid(stack, size, str(stuff), float(bulk), rng)
    return parts


def _grid(room: Room, size: np.ndarray, stuff: str, bulk: float, rng: Rng) -> list[Solid]:
    """Equal boxes, close together, that fill a room."""
    counts = [max(1, round(extent / s)) for extent, s in zip(room.size, size, strict=True)]
    dx, dy, dz = (extent / count for extent, count in zip(room.size, counts, strict=True))
    parts = []
    for i in range(counts[0]):
        for j in range(counts[1]):
            for k in range(counts[2]):
                x, y, z = room.x0 + i * dx, room.y0 + j * dy, room.z0 + k * dz
                parts.append(
                    box(
                        (x + 0.004, y, z + 0.004),
                        (x + dx - 0.004, y + dy, z + dz - 0.004),
                        stuff,
                        bulk * float(np.exp(rng.normal(0, 0.04))),
                    )
                )
    return parts


def _sacks(rng: Rng, room: Room) -> list[Solid]:
    length, width, height = rng.uniform(0.5, 0.95), rng.uniform(0.35, 0.6), rng.uniform(0.12, 0.28)
    stuff, bulk, top = rng.choice(["food", "cellulose", "polyethylene", "ceramic"]), rng.uniform(0.4, 0.85), _height(rng, room)
    parts = []
    for k, z in enumerate(_steps(room.z0, top, height * 0.86)):
        along = (length, width) if k % 2 == 0 else (width, length)
        for x in _steps(room.x0 + rng.uniform(0, 0.1), room.x1, along[0] * 0.96):
            for y in _steps(room.y0, room.y1, along[1] * 0.96):
                center = (x + along[0] / 2, y + along[1] / 2 + rng.normal(0, 0.02), z + height / 2 + rng.normal(0, 0.008))
                # Flat in the middle, round at the ends: an ellipsoid a little larger, cut by its neighbors' overlap in density.
                parts.append(
                    ellipsoid(
                        center,
                        (along[0] * 0.54, along[1] * 0.54, height * 0.56),
                        str(stuff),
                        float(bulk * rng.uniform(0.95, 1.05)),
                    )
                )
    return parts


def _drums(rng: Rng, room: Room) -> list[Solid]:
    radius, height = rng.uniform(0.2, 0.3), rng.uniform(0.6, 0.95)
    stuff, bulk = rng.choice(["water", "polyethylene", "food"]), rng.uniform(0.5, 1.1)
    steel, level, parts = rng.random() < 0.6, rng.uniform(0.7, 0.97), []
    layers = rng.integers(1, 3)
    for z in _steps(room.z0, min(room.z1, room.z0 + layers * (height + 0.03) + 0.01), height, 0.02):
        for x in _steps(room.x0 + rng.uniform(0, 0.15), room.x1, 2 * radius, 0.015):
            for y in _steps(room.y0, room.y1, 2 * radius, 0.01):
                at = (x + radius, y + radius)
                if steel:
                    parts.append(cylinder((*at, z + height / 2), radius, height, "steel", STEEL))
                    parts.append(cylinder((*at, z + height / 2), radius - 0.0012, height - 0.0024, "steel", -STEEL))
                filled = height * level * rng.uniform(0.95, 1.0)
                parts.append(cylinder((*at, z + filled / 2), radius - 0.0015, filled - 0.003, str(stuff), float(bulk)))
    return parts


def _ibcs(rng: Rng, room: Room) -> list[Solid]:
    parts, stuff, bulk = [], rng.choice(["water", "food", "polyethylene"]), rng.uniform(0.8, 1.2)
    for z in _steps(room.z0, min(room.z1, room.z0 + (1.2 if rng.random() < 0.5 else 2.4)), 1.16):
        for x in _steps(room.x0, room.x1, 1.2, 0.03):
            for y in _steps(room.y0, room.y1, 1.0, 0.04):
                level = rng.uniform(0.6, 0.98)
                parts.append(
                    box((x + 0.03, y + 0.03, z + 0.15), (x + 1.17, y + 0.97, z + 0.15 + level), str(stuff), float(bulk))
                )
                parts.append(box((x, y, z + 0.02), (x + 1.2, y + 1.0, z + 0.12), "wood", 0.25))
                for k in np.linspace(0.05, 1.15, 7):
                    parts.append(box((x + k - 0.008, y, z + 0.15), (x + k + 0.008, y + 0.016, z + 1.14), "steel", STEEL * 0.2))
    return parts


def _bales(rng: Rng, room: Room) -> list[Solid]:
    size = rng.uniform([0.6, 0.5, 0.4], [1.5, 1.15, 1.1])
    stuff, bulk, top, parts = (
        rng.choice(["textile", "cellulose", "polyethylene", "rubber"]),
        rng.uniform(0.12, 0.65),
        _height(rng, room, piece=size[2]),
        [],
    )
    for x in _steps(room.x0 + rng.uniform(0, 0.1), room.x1, size[0], rng.uniform(0.005, 0.06)):
        for y in _steps(room.y0, room.y1, size[1], 0.02):
            for z in _steps(room.z0, top, size[2], 0.005):
                lower = np.array([x, y, z]) + rng.normal(0, 0.01, 3)
                parts.append(
                    _turned(
                        box(tuple(lower), tuple(lower + size), str(stuff), float(bulk * np.exp(rng.normal(0, 0.1)))),
                        rng.normal(0, 1.0),
                    )
                )
    return parts


def _rolls(rng: Rng, room: Room) -> list[Solid]:
    """Paper, film and cloth on end or lying across, with a hollow core."""
    radius, upright = rng.uniform(0.15, 0.62), rng.random() < 0.5
    stuff, bulk, parts = rng.choice(["cellulose", "polyethylene", "textile", "rubber"]), rng.uniform(0.25, 0.95), []
    length = rng.uniform(0.6, 1.4) if upright else rng.uniform(1.6, 2.3)
    core = rng.uniform(0.03, 0.08)
    if upright:
        for z in _steps(room.z0, room.z1, length, 0.01)[: rng.integers(1, 3)]:
            for x in _steps(room.x0, room.x1, 2 * radius, 0.01):
                for y in _steps(room.y0, room.y1, 2 * radius, 0.01):
                    for r, sign in ((radius, 1.0), (core, -1.0)):
                        parts.append(
                            cylinder((x + radius, y + radius, z + length / 2), r, length, str(stuff), float(sign * bulk))
                        )
        return parts
    for k, z in enumerate(_steps(room.z0, _height(rng, room, piece=1.75 * radius), 1.75 * radius)):
        for x in _steps(room.x0 + (k % 2) * radius, room.x1, 2 * radius, 0.005):
            for r, sign in ((radius, 1.0), (core, -1.0)):
                parts.append(
                    cylinder((x + radius, rng.normal(0, 0.03), z + radius), r, length, str(stuff), float(sign * bulk), axis="y")
                )
    return parts


def _tires(rng: Rng, room: Room) -> list[Solid]:
    radius, width, parts = rng.uniform(0.28, 0.55), rng.uniform(0.17, 0.32), []
    density, top = rng.uniform(0.5, 1.1), _height(rng, room)
    for x in _steps(room.x0, room.x1, 2 * radius, 0.01):
        for y in _steps(room.y0, room.y1, 2 * radius, 0.01):
            for z in _steps(room.z0, top, width, 0.005):
                at = (x + radius + rng.normal(0, 0.015), y + radius + rng.normal(0, 0.015), z + width / 2)
                for r, h, sign in ((radius, width, 1.0), (radius * 0.55, width, -1.0)):
                    parts.append(cylinder(at, r, h, "rubber", float(sign * density)))
    return parts


def _timber(rng: Rng, room: Room) -> list[Solid]:
    bulk, top, parts = rng.uniform(0.4, 0.75), _height(rng, room), []
    length, stack, height = rng.uniform(1.8, 5.5), rng.uniform(0.5, 1.1), rng.uniform(0.3, 1.0)
    top = max(top, room.z0 + height + 0.08)
    board = rng.uniform(0.02, 0.12)
    for x in _steps(room.x0, room.x1, length, 0.1):
        for y in _steps(room.y0, room.y1, stack, 0.03):
            for z in _steps(room.z0, top, height + 0.08):
                long = length * rng.uniform(0.85, 1.0)
                for b in _steps(z + 0.08, z + 0.08 + height, board, 0.003):
                    parts.append(box((x + rng.uniform(0, 0.03), y, b), (x + long, y + stack, b + board), "wood", float(bulk)))
                for k in np.linspace(0.2, long - 0.2, 3):
                    parts.append(box((x + k, y, z), (x + k + 0.08, y + stack, z + 0.08), "wood", 0.5))
    return parts


def _pipes(rng: Rng, room: Room) -> list[Solid]:
    radius, thick = rng.uniform(0.03, 0.25), rng.uniform(0.003, 0.012)
    stuff = rng.choice(["steel", "polyethylene", "aluminum", "copper"])
    density, length, top, parts = material(stuff).density, rng.uniform(2.5, 5.7), room.z0 + rng.uniform(0.2, 1.3), []
    for x in _steps(room.x0, room.x1, length, 0.1):
        for k, z in enumerate(_steps(room.z0, top, 1.74 * radius)):
            for y in _steps(room.y0 + (k % 2) * radius, room.y1, 2 * radius):
                at = (x + length / 2 + rng.normal(0, 0.03), y + radius, z + radius)
                for r, sign in ((radius, 1.0), (radius - min(thick, radius * 0.3), -1.0)):
                    parts.append(cylinder(at, r, length, str(stuff), float(sign * density), axis="x"))
    return parts


def _machines(rng: Rng, room: Room) -> list[Solid]:
    """Engines, gearboxes, presses: cast and sheet steel, on skids."""
    parts, x = [], room.x0 + rng.uniform(0.1, 0.5)
    while x < room.x1 - 0.8:
        length, depth, height = rng.uniform(0.6, min(3.0, room.x1 - x)), rng.uniform(0.6, 2.0), rng.uniform(0.5, 2.0)
        y = rng.uniform(room.y0, max(room.y1 - depth, room.y0 + 0.01))
        body = Room(x, x + length, y, min(y + depth, room.y1), room.z0 + 0.1, min(room.z0 + height, room.z1))
        parts.append(box((x, body.y0, room.z0), (x + length, body.y1, room.z0 + 0.1), "wood", 0.4))
        parts.append(box((body.x0, body.y0, body.z0), (body.x1, body.y1, body.z1), "steel", rng.uniform(0.04, 0.5)))
        for _ in range(rng.integers(3, 12)):
            at = rng.uniform([body.x0, body.y0, body.z0], [body.x1, body.y1, body.z1])
            size = rng.uniform(0.05, 0.3)
            stuff, dense = str(rng.choice(["steel", "aluminum", "copper"])), rng.uniform(0.1, 0.6)
            bulk = float(dense * material(stuff).density)
            if rng.random() < 0.5:
                reach = size * rng.uniform(0.5, 3.0)
                parts.append(cylinder(tuple(at), size, reach, stuff, bulk, axis=rng.choice(["x", "y", "z"])))
            else:
                parts.append(box(tuple(at - size / 2), tuple(at + size * rng.uniform(0.3, 1.2, 3)), stuff, bulk))
        x += length + rng.uniform(0.1, 0.9)
    return parts


def _household(rng: Rng, room: Room) -> list[Solid]:
    """Furniture, boxes, mattresses, appliances and bags, in no order."""
    parts, x = [], room.x0
    while x < room.x1 - 0.4:
        length, z = rng.uniform(0.35, 1.2), room.z0
        while z < room.z1 - 0.35 and rng.random() < 0.88:
            height = rng.uniform(0.2, min(1.2, room.z1 - z))
            y = room.y0
            while y < room.y1 - 0.3:
                depth = rng.uniform(0.3, 1.0)
                upper = (
                    min(x + length * rng.uniform(0.7, 1.0), room.x1),
                    min(y + depth, room.y1),
                    z + height * rng.uniform(0.8, 1.0),
                )
                parts += _piece(rng, (x, y, z), upper)
                y += depth
            z += height
        x += length
    return parts


def _piece(rng: Rng, lower: tuple[float, float, float], upper: tuple[float, float, float]) -> list[Solid]:
    """One household item in a box of space."""
    low, high = np.asarray(lower), np.asarray(upper)
    center, half = tuple((low + high) / 2), tuple((high - low) / 2)
    kind = rng.integers(0, 5)
    if kind == 0:
        return [ellipsoid(center, half, "textile", rng.uniform(0.05, 0.3))]
    if kind == 1:  # a cupboard: panels around air
        inner = 0.02
        wood = rng.uniform(0.4, 0.75)
        return [
            box(lower, upper, "wood", wood),
            box(tuple(low + inner), tuple(np.maximum(high - inner, low + inner + 0.01)), "wood", -wood * 0.93),
        ]
    if kind == 2:  # an appliance: sheet steel, a motor
        motor = low + (high - low) * rng.uniform(0.2, 0.7, 3)
        size = min(half) * 0.5
        return [
            box(lower, upper, "steel", rng.uniform(0.04, 0.2)),
            box(tuple(motor), tuple(motor + size), "steel", rng.uniform(1.0, 4.0)),
        ]
    stuff = rng.choice(["cellulose", "textile", "food", "polyethylene", "glass"])
    return [box(lower, upper, str(stuff), rng.uniform(0.03, 0.6))]


def _crates(rng: Rng, room: Room) -> list[Solid]:
    """Fruit, bottles and cans in crates: a fine regular texture."""
    dx, dz, top = rng.uniform(0.3, 0.6), rng.uniform(0.15, 0.4), _height(rng, room, 0.5)
    stuff, bulk, parts = rng.choice(["food", "glass", "water", "aluminum"]), rng.uniform(0.25, 0.8), []
    for x in _steps(room.x0, room.x1, dx, 0.01):
        for y in _steps(room.y0, room.y1, 1.1, 0.05):
            for z in _steps(room.z0, top, dz, 0.004):
                parts.append(box((x, y, z), (x + dx, y + 1.1, z + 0.012), "wood", 0.5))
                fill_to = dz * rng.uniform(0.75, 0.95)
                parts.append(
                    box((x + 0.01, y, z + 0.012), (x + dx - 0.01, y + 1.1, z + fill_to), str(stuff), float(bulk * 0.6))
                )
                for k in _steps(x + 0.01, x + dx - 0.01, 0.09):
                    parts.append(
                        cylinder((k + 0.045, y + 0.55, z + fill_to / 2), 0.04, 1.0, str(stuff), float(bulk * 0.4), axis="y")
                    )
    return parts


def _hanging(rng: Rng, room: Room) -> list[Solid]:
    """Carcasses on hooks below the roof."""
    parts, step = [], rng.uniform(0.3, 0.5)
    for x in _steps(room.x0 + 0.1, room.x1, step):
        for y in _steps(room.y0 + 0.1, room.y1, rng.uniform(0.35, 0.6)):
            length, radius = rng.uniform(0.5, 0.8), rng.uniform(0.1, 0.2)
            at = (x + step / 2 + rng.normal(0, 0.03), y + 0.2, room.z1 - 0.25 - length)
            parts.append(ellipsoid(at, (radius, radius * rng.uniform(0.5, 1.0), length), "soft tissue", rng.uniform(0.8, 1.05)))
    parts.append(box((room.x0, -0.8, room.z1 - 0.1), (room.x1, 0.8, room.z1 - 0.08), "steel", STEEL * 0.1))
    return parts


def _slabs(rng: Rng, room: Room) -> list[Solid]:
    """Tiles, stone, metal plates: low and dense."""
    stuff = rng.choice(["ceramic", "steel", "aluminum", "glass", "copper"])
    parts, heavy = [], material(stuff).density
    for x in _steps(room.x0 + rng.uniform(0, 0.5), room.x1, rng.uniform(0.9, 1.6), rng.uniform(0.05, 0.6)):
        for y in _steps(room.y0, room.y1, 1.0, 0.1):
            top = room.z0 + 0.1 + rng.uniform(0.08, 0.5 if heavy > 5 else 1.0)
            parts.append(box((x, y, room.z0 + 0.1), (x + 0.9, y + 1.0, top), str(stuff), heavy * rng.uniform(0.4, 0.9)))
            parts.append(box((x, y, room.z0), (x + 0.9, y + 1.0, room.z0 + 0.1), "wood", 0.3))
    return parts


def _scrap(rng: Rng, room: Room) -> list[Solid]:
    parts, length = [], room.size[0]
    stuff, top = rng.choice(["steel", "aluminum", "copper", "polyethylene"]), room.z0 + rng.uniform(0.4, 1.6)
    parts.append(
        box((room.x0, room.y0, room.z0), (room.x1, room.y1, room.z0 + (top - room.z0) * 0.7), str(stuff), rng.uniform(0.1, 0.7))
    )
    for _ in range(int(length * rng.uniform(6, 18))):
        at, half = rng.uniform([room.x0, room.y0, room.z0], [room.x1, room.y1, top]), rng.uniform(0.02, 0.28, 3)
        piece = box(tuple(at - half), tuple(at + half), str(stuff), rng.uniform(0.05, 0.35) * material(stuff).density)
        parts.append(_turned(piece, rng.uniform(0, 180)))
    return parts


def _empty(rng: Rng, room: Room) -> list[Solid]:
    parts = []
    for _ in range(rng.integers(0, 4)):
        x, y = rng.uniform(room.x0, room.x1 - 0.5), rng.uniform(room.y0, room.y1 - 0.5)
        parts += _piece(
            rng, (x, y, room.z0), (x + rng.uniform(0.1, 1.2), y + rng.uniform(0.1, 0.9), room.z0 + rng.uniform(0.03, 0.4))
        )
    return parts


LOADS: Mapping[str, Loader] = MappingProxyType({
    "cartons": _cartons, "pallets": _pallets, "sacks": _sacks, "drums": _drums, "IBCs": _ibcs, "bales": _bales, "rolls": _rolls,
    "tires": _tires, "timber": _timber, "pipes": _pipes, "machines": _machines, "household": _household, "crates": _crates,
    "hanging meat": _hanging, "slabs": _slabs, "scrap": _scrap, "empty": _empty,
})  # fmt: skip


def fill(rng: Rng, room: Room) -> tuple[str, list[Solid]]:
    """Draw a load for a room: one kind, or two one behind the other, often not to the end.

    Returns
    -------
    kinds : str
        Names joined by "+".
    solids : list of Solid
    """
    kinds = [str(rng.choice(list(LOADS))) for _ in range(2 if rng.random() < 0.3 else 1)]
    end = room.x1 if rng.random() < 0.6 else room.x0 + room.size[0] * rng.uniform(0.4, 0.98)
    edges = np.linspace(room.x0, end, len(kinds) + 1)
    solids = []
    for kind, start, stop in zip(kinds, edges[:-1], edges[1:], strict=True):
        solids += LOADS[kind](rng, Room(start, stop, room.y0, room.y1, room.z0, room.z1))
    return "+".join(kinds), [part for part in solids if _inside(part, room)]


def _inside(part: Solid, room: Room) -> bool:
    x, _, z = part.center
    return room.x0 <= x <= room.x1 and room.z0 - 0.01 <= z <= room.z1
