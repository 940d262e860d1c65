"""Cartons: a product is drawn once, and every carton of it looks nearly the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from xrayscan.simulate.loads.arrange import Loader, Size, bare, hollow, inset, spread
from xrayscan.simulate.solid import Room, Solid, box, cylinder, ellipsoid, sack

__all__ = ["GOODS", "Carton", "carton"]

WALL = 0.005


@dataclass(frozen=True)
class Carton:
    """A product in its carton.

    Attributes
    ----------
    size : (float, float, float) [m]
    make : Loader
        Makes one in its place.
    bulk : float [g/cm³]
        Of the carton as a whole, nearly.
    """

    size: Size
    make: Loader
    bulk: float


Content = Callable[[np.random.Generator, str, float], Loader]
"""Draws how a product lies in its carton: generator, material, bulk density [g/cm³] of the carton's inside."""


def _filled(rng: np.random.Generator, stuff: str, bulk: float) -> Loader:
    """One block up to a level; two, where a heavier part lies below."""
    level, vary = rng.uniform(0.7, 1.0), rng.uniform(0.01, 0.08)
    share = rng.uniform(0.3, 0.7) if rng.random() < 0.4 else 0.0
    ratio = rng.uniform(1.3, 3.0)

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        height = room.size[2] * min(1.0, level * spread(rng, vary))
        own = bulk * spread(rng, vary)
        if share == 0.0:
            return [bare(replace(room, z1=room.z0 + height), stuff, own)]
        z = room.z0 + share * height
        low, high = replace(room, z1=z), replace(room, z0=z, z1=room.z0 + height)
        unit = own / (share * ratio + 1.0 - share)
        return [bare(low, stuff, unit * ratio), bare(high, stuff, unit)]

    return make


def _ranks(rng: np.random.Generator, stuff: str, bulk: float) -> Loader:
    """Bottles or jars in ranks behind each other, with less in the layer of their necks."""
    count, wide = int(rng.integers(3, 7)), rng.uniform(0.7, 0.92)
    body, neck = rng.uniform(0.55, 0.85), rng.uniform(0.1, 0.5)

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        pitch, top = room.size[0] / count, room.z0 + room.size[2] * body
        own = bulk / (wide * body)
        solids = [bare(replace(room, z0=top, z1=room.z1 - 0.01), stuff, own * neck * wide)]
        for k in range(count):
            if rng.random() > 0.01:
                x = room.x0 + (k + 0.5 - wide / 2) * pitch
                solids.append(bare(Room(x, x + pitch * wide, room.y0, room.y1, room.z0, top), stuff, own * spread(rng, 0.03)))
        return solids

    return make


def _core(rng: np.random.Generator, stuff: str, bulk: float) -> Loader:
    """A dense thing in light packing: a motor, a pump, a fitting."""
    part = rng.uniform(0.3, 0.7, 3)
    at = rng.uniform(0.35, 0.65, 3)
    shape, light = rng.integers(3), rng.uniform(0.02, 0.08)

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        low, size = np.array([room.x0, room.y0, room.z0]), np.array(room.size)
        half = size * part * 0.5 * rng.uniform(0.95, 1.0)
        middle = low + np.clip(at * size + rng.normal(0.0, 0.01, 3), half, size - half)
        share = np.prod(part) * (1.0, 0.785, 0.524)[shape]
        dense = min(float(bulk / share) * spread(rng, 0.03), 5.0)
        if shape == 0:
            thing = box(tuple(middle - half), tuple(middle + half), stuff, dense)
        elif shape == 1:
            radius = float(min(half[0], half[2]))
            thing = cylinder(tuple(middle), radius, float(2 * half[1]), stuff, dense, axis="y")
        else:
            thing = ellipsoid(tuple(middle), tuple(half), stuff, dense)
        return [bare(room, "foam", light), thing]

    return make


def _slabs(rng: np.random.Generator, stuff: str, bulk: float) -> Loader:
    """Books, tiles, folded cloth: stacks side by side, of their own heights."""
    count, gap, vary = int(rng.integers(2, 5)), rng.uniform(0.004, 0.02), rng.uniform(0.02, 0.2)

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        width = (room.size[0] - gap * (count - 1)) / count
        solids = []
        for k in range(count):
            x = room.x0 + k * (width + gap)
            height = room.size[2] * rng.uniform(1.0 - vary, 1.0)
            solids.append(
                bare(Room(x, x + width, room.y0, room.y1, room.z0, room.z0 + height), stuff, bulk * spread(rng, 0.06))
            )
        return solids

    return make


def _pouches(rng: np.random.Generator, stuff: str, bulk: float) -> Loader:
    """Bags in two or three layers."""
    layers, across = int(rng.integers(2, 4)), int(rng.integers(1, 3))

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        length, height = room.size[0] / across, room.size[2] / layers
        solids = []
        for k in range(layers * across):
            x, z = room.x0 + (k % across) * length, room.z0 + (k // across) * height
            center = (x + length / 2, (room.y0 + room.y1) / 2, z + height / 2)
            half = (length / 2, room.size[1] / 2, height / 2 * rng.uniform(0.9, 1.0))
            solids.append(sack(center, half, stuff, bulk * 1.15 * spread(rng, 0.05)))
        return solids

    return make


def _cells(rng: np.random.Generator, stuff: str, bulk: float) -> Loader:
    """Smaller boxes inside, in rows and layers, each with something heavier in it or not."""
    along, up = int(rng.integers(2, 4)), int(rng.integers(2, 5))
    gap, off = 0.004, rng.uniform(-0.25, 0.25)

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        length, height = room.size[0] / along, room.size[2] / up
        solids = []
        for k in range(along * up):
            x, z = room.x0 + (k % along) * length, room.z0 + (k // along) * height
            cell = Room(x, x + length - gap, room.y0, room.y1, z, z + height - gap)
            solids.append(bare(cell, stuff, bulk * (1.0 + off * (-1.0) ** k) * spread(rng, 0.12)))
        return solids

    return make


def _rolls(rng: np.random.Generator, stuff: str, bulk: float) -> Loader:
    """Cans, coils or rolls lying across."""
    pitch = rng.uniform(0.1, 0.3)

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        along, up = (int(np.clip(round(s / pitch), 1, 4)) for s in (room.size[0], room.size[2]))
        radius = min(room.size[0] / along, room.size[2] / up) / 2
        middle = (room.y0 + room.y1) / 2
        dense = min(bulk * room.size[0] * room.size[2] / (along * up * np.pi * radius**2), 3.0)
        solids = []
        for k in range(along * up):
            x = room.x0 + (k % along + 0.5) * room.size[0] / along
            at = (float(x), middle, room.z0 + (2 * (k // along) + 1) * radius)
            solids.append(cylinder(at, radius, room.size[1], stuff, float(dense * spread(rng, 0.04)), axis="y"))
        return solids

    return make


_SMALL, _MIDDLE, _LARGE = (
    ((0.25, 0.2, 0.15), (0.45, 0.35, 0.3)),
    ((0.35, 0.3, 0.25), (0.65, 0.5, 0.5)),
    ((0.5, 0.4, 0.4), (1.2, 0.8, 0.9)),
)
GOODS: dict[str, tuple[tuple[Size, Size], tuple[Content, ...], tuple[str, ...], tuple[float, float]]] = {
    "food": (_MIDDLE, (_filled, _ranks, _pouches, _cells), ("food", "sugar", "oil", "grain"), (0.25, 0.75)),
    "bottles": (_SMALL, (_ranks,), ("water", "oil", "glass", "alcohol"), (0.4, 0.8)),
    "cosmetics": (_SMALL, (_ranks, _cells, _filled), ("water", "oil", "alcohol", "polyethylene"), (0.2, 0.6)),
    "books": (_SMALL, (_slabs, _filled), ("cellulose",), (0.55, 0.85)),
    "clothes": (_MIDDLE, (_filled, _slabs, _pouches), ("textile",), (0.12, 0.3)),
    "shoes": (_MIDDLE, (_cells,), ("leather", "rubber", "textile"), (0.1, 0.25)),
    "toys": (_LARGE, (_filled, _core, _cells, _pouches), ("polyethylene", "PVC", "textile"), (0.06, 0.22)),
    "household plastics": (_LARGE, (_filled, _rolls, _cells), ("polyethylene",), (0.06, 0.2)),
    "hygiene": (_LARGE, (_cells, _rolls, _filled), ("cellulose",), (0.06, 0.14)),
    "electronics": (_MIDDLE, (_core, _cells, _filled), ("electronics",), (0.1, 0.35)),
    "machine parts": (_SMALL, (_core, _filled, _rolls), ("steel", "aluminum", "brass"), (0.3, 1.1)),
    "ceramics": (_SMALL, (_cells, _slabs, _rolls), ("ceramic", "glass"), (0.4, 0.9)),
    "frozen": (_MIDDLE, (_filled, _slabs), ("meat", "food", "fat"), (0.32, 0.62)),
    "fruit": (_MIDDLE, (_rolls, _filled, _cells), ("fruit",), (0.35, 0.6)),
}  # fmt: skip
"""Goods: sizes of their cartons [m], how they lie in them, what of, and at which bulk density [g/cm³]."""


def carton(rng: np.random.Generator, goods: str | None = None) -> Carton:
    """Draw a product in cartons.

    Parameters
    ----------
    rng : numpy.random.Generator
    goods : str, optional
        One of `GOODS`; otherwise drawn.

    Returns
    -------
    Carton

    Examples
    --------
    >>> carton(np.random.default_rng(0), "books").bulk > 0.5
    True
    """
    name = str(rng.choice(list(GOODS))) if goods is None else goods
    (low, high), contents, stuffs, (light, heavy) = GOODS[name]
    size = rng.uniform(low, high)
    stuff, bulk = str(rng.choice(stuffs)), float(rng.uniform(light, heavy))
    if bulk * 1000 * np.prod(size) > 35.0:  # nobody lifts more
        size *= float((35.0 / (bulk * 1000 * np.prod(size))) ** (1 / 3))
    inside = contents[rng.integers(len(contents))](rng, stuff, bulk)
    board, walled = float(rng.uniform(0.12, 0.3)), rng.random() < 0.8

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        if not walled:  # shrink film, no board to be seen
            return inside(rng, inset(room, 0.003, 0.003, 0.002))
        return hollow(room, WALL, "cellulose", board) + inside(rng, inset(room, WALL, WALL, WALL))

    length, depth, height = (float(s) for s in size)
    return Carton((length, depth, height), make, bulk)
