"""Metal: pipes, beams, bars, sheets, coils, ingots, scrap, cable drums, gas bottles, parts in drums and bins."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from xrayscan.simulate.loads.arrange import LoadKind
from xrayscan.simulate.loads.assemblies import framed, shell
from xrayscan.simulate.loads.stow import (
    Piece,
    Plan,
    lofted,
    on_bearers,
    on_pallet,
    payload,
    piece,
    shaken,
    spun,
    stacked,
    stow,
    tilted,
)  # fmt: skip
from xrayscan.simulate.material import material
from xrayscan.simulate.solid import Axis, Room, Solid, box, capsule, cylinder, ellipsoid, moved, rotation, torus, turned

__all__ = ["KINDS"]

Rng = np.random.Generator
STEEL = 7.85


def _bar_length(rng: Rng, room: Room) -> float:
    """A usual length of bars and pipes that fits [m]."""
    usual = [v for v in (2.0, 3.0, 4.0, 5.8, 6.0, 11.8) if v < room.size[0] - 0.05]
    return float(rng.choice(usual)) * rng.uniform(0.93, 1.0) if usual else room.size[0] * 0.95


def _honeycomb(rng: Rng, radius: float, width: float, rows: int) -> list[tuple[float, float]]:
    """Middles (y, z) of circles in rows on each other, each row between those below."""
    first = max(int(width / (2 * radius)), 1)
    found = []
    for k in range(rows):
        count = first - (k % 2) if first > 1 else 1
        for j in range(count):
            found.append((radius * (1 + (k % 2) * (first > 1)) + 2 * radius * j, radius + k * 1.735 * radius))
    return found


def _pipes(rng: Rng, room: Room) -> list[Solid]:
    """Pipes or tubes in bundles, one size or two in each other, their ends not in line."""
    stuff = str(rng.choice(["steel", "steel", "steel", "polyethylene", "PVC", "copper", "aluminum"]))
    radius, length = float(np.exp(rng.uniform(np.log(0.025), np.log(0.28)))), _bar_length(rng, room)
    radius = min(radius, room.size[1] / 4)
    wall = max(0.0025, radius * rng.uniform(0.03, 0.14))
    width = min(float(rng.uniform(0.5, 1.1)), room.size[1] / 2 - 0.03)
    rows = max(int(min(rng.uniform(0.25, 0.8), room.size[2] - 0.15) / (1.735 * radius)), 1)
    nested = radius > 0.12 and rng.random() < 0.3
    while width / radius * rows > 56:
        rows, width = max(rows - 1, 1), width * 0.93
    dense = material(stuff).density

    def make(rng: Rng) -> Piece:
        parts = []
        for y, z in _honeycomb(rng, radius, width, rows):
            own, x = length * rng.uniform(0.985, 1.0), rng.normal(0, 0.012)
            for r, share in ((radius, 1.0), (radius - wall, 0.0)) + (
                ((0.6 * radius, 1.0), (0.6 * radius - wall, 0.0)) if nested else ()
            ):
                down = radius - r - wall if r < 0.7 * radius else 0.0
                parts.append(
                    cylinder((x, y, z - max(down, 0)), r * (0.997 if share else 1.0), own, stuff, dense * share, axis="x")
                )
        return on_bearers(rng, shaken(rng, piece(parts), 0.15), 0.07)

    return stow(rng, room, make, Plan(levels=3, share=(0.5, 1.0), gap=0.08))


def _beam(kind: str, length: float, high: float, wide: float, thick: float) -> list[Solid]:
    """An I, a U, an L or a square tube along x."""
    if kind == "I":
        web = box((0, wide / 2 - thick / 2, thick), (length, wide / 2 + thick / 2, high - thick), "steel", STEEL)
        return [
            box((0, 0, 0), (length, wide, thick), "steel", STEEL),
            web,
            box((0, 0, high - thick), (length, wide, high), "steel", STEEL),
        ]
    if kind == "U":
        ends = [box((0, 0, z), (length, wide, z + thick), "steel", STEEL) for z in (0.0, high - thick)]
        return [*ends, box((0, 0, thick), (length, thick, high - thick), "steel", STEEL)]
    if kind == "L":
        return [
            box((0, 0, 0), (length, wide, thick), "steel", STEEL),
            box((0, 0, thick), (length, thick, high), "steel", STEEL),
        ]
    inner = box((-0.001, thick, thick), (length + 0.001, wide - thick, high - thick), "steel", 0.0)
    return [box((0, 0, 0), (length, wide, high), "steel", STEEL), inner]


def _beams(rng: Rng, room: Room) -> list[Solid]:
    kind, length = str(rng.choice(["I", "I", "U", "L", "tube"])), _bar_length(rng, room)
    high = float(rng.uniform(0.08, 0.36))
    wide, thick = high * rng.uniform(0.45, 1.0), high * rng.uniform(0.03, 0.06) + 0.002
    across = max(int(rng.uniform(0.4, 1.0) / wide), 1)
    layers = max(int(rng.uniform(0.15, 0.7) / high), 1)
    each = 1000 * STEEL * length * thick * 2.5 * (high + wide) / 2
    across = max(min(across, int(0.4 * payload(room) / each)), 1)
    layers = max(min(layers, int(0.4 * payload(room) / (each * across))), 1)

    def make(rng: Rng) -> Piece:
        parts = []
        for k in range(layers):
            lay = k * (high + 0.002)
            for j in range(across):
                own = length * rng.uniform(0.9 if mixed else 0.985, 1.0)
                shift = (rng.normal(0, 0.02), j * (wide + 0.004), lay)
                parts += [moved(p, shift) for p in _beam(kind, own, high, wide, thick)]
        bundle = piece(parts)
        if kind in "IU" and rng.random() < 0.3:
            bundle = tilted(bundle, np.round(rotation(roll=np.pi / 2)))
        return on_bearers(rng, bundle, 0.08)

    mixed = rng.random() < 0.3
    return stow(rng, room, make, Plan(levels=3, share=(0.5, 1.0), gap=0.15, bracing=0.6))


def _rebar(rng: Rng, room: Room) -> list[Solid]:
    """Bundles of bars, wire rod or profiles, tied, sagging between the timbers."""
    stuff = str(rng.choice(["steel", "steel", "aluminum", "copper", "brass"]))
    length, dense, radius = _bar_length(rng, room), material(stuff).density * 0.75, float(rng.uniform(0.05, 0.14))
    bars = int(rng.integers(3, 8))

    def make(rng: Rng) -> Piece:
        parts = []
        for y, z in _honeycomb(rng, radius * 0.42, 2 * radius, bars // 2 + 1)[: bars + 3]:
            own = length * rng.uniform(0.97, 1.0)
            bar = cylinder((rng.normal(0, 0.03), y, z), radius * 0.41, own, stuff, dense, axis="x")
            parts.append(turned(bar, rotation(rng.normal(0, 0.004), rng.normal(0, 0.003))))
        for x in np.linspace(-0.4, 0.4, 3) * length:
            parts.append(cylinder((x, radius, radius * 0.9), radius * 1.04, 0.012, "steel", 1.0, axis="x"))
        return on_bearers(rng, piece(parts[-3:] + parts[:-3]), 0.06)

    return stow(rng, room, make, Plan(levels=4, share=(0.5, 1.0), gap=0.1))


def _sheets(rng: Rng, room: Room) -> list[Solid]:
    """Packs of sheet or plate on skids, some wrapped, low."""
    stuff = str(rng.choice(["steel", "steel", "steel", "aluminum", "copper", "zinc"]))
    size = (
        min(float(rng.choice([2.0, 2.5, 3.0])), room.size[0] - 0.1),
        min(float(rng.choice([1.0, 1.25, 1.5])), room.size[1] - 0.1),
    )
    usual = min(rng.uniform(1500, 4500), 0.5 * payload(room)) / (1000 * material(stuff).density * size[0] * size[1])

    def make(rng: Rng) -> Piece:
        cut = (size[0] * rng.uniform(0.6, 1.0), size[1]) if rng.random() < 0.2 else size
        high, z, parts = usual * rng.uniform(0.5, 1.0), 0.0, []
        for part in rng.dirichlet(np.full(int(rng.integers(1, 4)), 4.0)) * high:
            x, y = np.abs(rng.normal(0, 0.01, 2))
            parts.append(box((x, y, z), (x + cut[0], y + cut[1], z + part), stuff, material(stuff).density * 0.97))
            z += part
        return on_bearers(rng, piece(parts), 0.1)

    return stow(rng, room, make, Plan(levels=2, gap=0.25, bracing=0.8))


def _coil(rng: Rng, radius: float, bore: float, width: float, stuff: str, axis: Axis) -> list[Solid]:
    """A coil of strip: telescoped windings around an open eye, with straps."""
    dense = material(stuff).density * 0.97
    along = "xyz".index(axis)
    parts = []
    for share in (1.0, rng.uniform(0.75, 0.9)):
        shift = [0.0, 0.0, 0.0]
        shift[along] = float(rng.normal(0, 0.008)) if share < 1 else 0.0
        parts.append(cylinder(tuple(shift), radius * share, width, stuff, dense, axis=axis))  # type: ignore[arg-type]
    parts.append(cylinder((0, 0, 0), bore, width + 0.1, stuff, 0.0, axis=axis))
    return parts


def _coil_sizes(rng: Rng, room: Room) -> Callable[[Rng], tuple[float, float, float, str]]:
    """Draws coils of one order: radius, bore, width [m] and what of."""
    stuff = str(rng.choice(["steel", "steel", "steel", "aluminum", "copper"]))
    most = min(payload(room) * 0.45, 11000.0)
    target = float(np.exp(rng.uniform(np.log(min(900.0, most * 0.5)), np.log(most))))
    width = float(rng.uniform(0.12, 0.4) if target < 1500 else rng.uniform(0.6, 1.5))
    width = min(width, room.size[1] - 0.3, room.size[2] - 0.35)
    bore = float(rng.choice([0.203, 0.254, 0.305]))

    def draw(rng: Rng) -> tuple[float, float, float, str]:
        own = target * rng.uniform(0.8, 1.0)
        radius = float(np.sqrt(own / (1000 * material(stuff).density * np.pi * width) + bore**2))
        return min(radius, room.size[1] / 2 - 0.06, room.size[0] / 2 - 0.05, room.size[2] / 2 - 0.1), bore, width, stuff

    return draw


def _coils_up(rng: Rng, room: Room) -> list[Solid]:
    """Coils eye to the sky on pallets, narrow ones on each other with timbers between."""
    draw = _coil_sizes(rng, room)
    piles = int(rng.integers(1, 5))

    def make(rng: Rng) -> Piece:
        radius, bore, width, stuff = draw(rng)
        count = piles if width < 0.35 else 1
        things = []
        for _ in range(count):
            things.append(on_bearers(rng, piece(_coil(rng, radius, bore, width, stuff, "z")), 0.04))
        pile = stacked(rng, things, 0.02)
        return on_pallet(rng, pile) if rng.random() < 0.8 else pile

    return stow(rng, room, make, Plan(levels=1, gap=0.3, bracing=0.7))


def _coils_side(rng: Rng, room: Room) -> list[Solid]:
    """Coils eye to the side or along the travel, in cradles of squared timber."""
    draw = _coil_sizes(rng, room)
    axis: Axis = "y" if rng.random() < 0.6 else "x"

    def make(rng: Rng) -> Piece:
        radius, bore, width, stuff = draw(rng)
        coil = piece(_coil(rng, radius, bore, width, stuff, axis))
        lift, parts = float(rng.uniform(0.06, 0.12)), []
        length, depth, _ = coil.size
        for side in (-1, 1):
            wedge = np.array([(0.25, 0), (0.75, 0), (0.78, 0.42), (0.25, 0.02)]) * radius * (side, 1)
            if axis == "y":
                rings = [[(length / 2 + a, y, lift + b) for a, b in wedge] for y in (0.0, depth)]
            else:
                rings = [[(x, depth / 2 + a, lift + b) for a, b in wedge] for x in (0.0, length)]
            parts.append(lofted(rings, "wood", 0.6))
        for at in (0.1, 0.9):
            low = (0.0, at * depth - 0.05, 0.0) if axis == "y" else (at * length - 0.05, 0.0, 0.0)
            high = (length, at * depth + 0.05, lift) if axis == "y" else (at * length + 0.05, depth, lift)
            parts.append(box(low, high, "wood", 0.55))
        return piece([*parts, *(moved(p, (0, 0, lift + 0.03)) for p in coil.parts)])

    return stow(rng, room, make, Plan(levels=1, gap=0.3, bracing=0.9))


def _wire_rod(rng: Rng, room: Room) -> list[Solid]:
    """Coils of wire rod: loose turns, out of round, lying or on edge."""
    radius = min(float(rng.uniform(0.5, 0.66)), room.size[1] / 2 - 0.12, room.size[2] / 2 - 0.1)
    stuff = str(rng.choice(["steel", "steel", "aluminum", "copper"]))
    bore, dense = radius * rng.uniform(0.6, 0.75), material(stuff).density * rng.uniform(0.28, 0.5)
    width, axis = float(rng.uniform(0.5, 1.3)), str(rng.choice(["x", "x", "z"]))
    width = min(width, room.size[0] - 0.2, room.size[2] - 0.1)

    def make(rng: Rng) -> Piece:
        turns = int(rng.integers(3, 6))
        step = width / turns
        parts = []
        for k in range(turns):
            at, wobble = (rng.normal(0, 0.012), rng.normal(0, 0.012), (k + 0.5) * step), rng.uniform(0.96, 1.0)
            parts.append(cylinder(at, radius * wobble, step * 0.97, stuff, dense * rng.uniform(0.85, 1.15)))
        for k in range(turns + 1):
            tube = min(0.03, 0.2 * step)
            parts.append(
                torus((rng.normal(0, 0.015), rng.normal(0, 0.015), k * step), (radius + bore) / 2, tube, stuff, dense * 1.3)
            )
        parts.append(cylinder((0, 0, width / 2), bore, width + 0.2, stuff, 0.0))
        coil = piece(parts)
        if axis == "x":
            return tilted(coil, rotation(pitch=np.pi / 2))
        return on_bearers(rng, coil, 0.06)

    return stow(rng, room, make, Plan(levels=2, gap=0.1, share=(0.5, 1.0)))


def _ingot_stack(rng: Rng, bar: tuple[float, float, float], courses: int, stuff: str) -> Piece:
    """Bars of trapezoid section laid crosswise in courses: about one tonne, banded."""
    long, wide, high = bar
    count = max(round(long / (wide * 1.05)), 1)
    parts = []
    for k in range(max(courses - int(rng.random() < 0.15), 1)):
        z = k * high
        for j in range(count - (0 < k == courses - 1 and rng.random() < 0.3)):
            at, taper = j * long / count, 0.06 * wide
            low = (0.0, at + taper) if k % 2 else (at + taper, 0.0)
            own = (long, wide - taper) if k % 2 else (wide - taper, long)
            x, y = low[0] + rng.normal(0, 0.004), low[1] + rng.normal(0, 0.004)
            parts.append(box((x, y, z), (x + own[0], y + own[1], z + high * 0.985), stuff, material(stuff).density))
    return piece(parts)


def _ingots(rng: Rng, room: Room) -> list[Solid]:
    """Aluminum, copper, zinc or lead: stacks of about a tonne, single on the floor."""
    stuff = str(rng.choice(["aluminum", "aluminum", "copper", "zinc", "lead"]))
    cathodes = stuff in ("copper", "zinc") and rng.random() < 0.4
    bar = (float(rng.uniform(0.55, 0.8)), float(rng.uniform(0.09, 0.16)), float(rng.uniform(0.06, 0.1)))
    target = float(rng.uniform(700, 1300)) if payload(room) > 5000 else 350.0
    course = material(stuff).density * 1000 * bar[0] ** 2 * 0.93 * bar[2]
    courses = max(round(target / course), 1)

    def make(rng: Rng) -> Piece:
        if cathodes:
            sheets = [
                box(
                    (*np.abs(rng.normal(0, 0.006, 2)), k * 0.03),
                    (0.95, 0.98, k * 0.03 + 0.027),
                    stuff,
                    material(stuff).density * 0.9,
                )
                for k in range(int(target / 240) + 1)
            ]
            return piece(sheets)
        return shaken(rng, _ingot_stack(rng, bar, courses, stuff), 1.5)

    return stow(rng, room, make, Plan(levels=1, gap=0.4, bracing=0.5, missing=0.05))


def _small_part(rng: Rng, at: np.ndarray, size: float, stuff: str, dense: float) -> Solid:
    """A casting, a bolt, a ring or a flange."""
    kind = rng.integers(0, 4)
    if kind == 0:
        part: Solid = box(tuple(at - size / 2), tuple(at + size * rng.uniform(0.1, 0.5, 3)), stuff, dense)
    elif kind == 1:
        part = cylinder(tuple(at), size * 0.35, size, stuff, dense)
    elif kind == 2:
        part = ellipsoid(tuple(at), tuple(size * rng.uniform(0.25, 0.5, 3)), stuff, dense)
    else:
        part = cylinder(tuple(at), size * 0.5, size * 0.25, stuff, dense)
    return turned(part, rotation(*rng.uniform(-1.5, 1.5, 3)))


def _filling(rng: Rng, room: Room, count: int, stuff: str, bulk: float, size: float) -> list[Solid]:
    """Parts thrown into a bin or a drum: an uneven bulk with larger ones seen in it."""
    low, high = np.array([room.x0, room.y0, room.z0]), np.array([room.x1, room.y1, room.z1])
    dense = min(material(stuff).density * 0.8, bulk * 4)
    reach = 0.9 * size
    parts = []
    for _ in range(count):
        at = rng.uniform(low + reach, np.maximum(high - reach, low + reach + 0.001))
        parts.append(_small_part(rng, at, size * rng.uniform(0.5, 1.0), stuff, dense))
    return parts


def _drums(rng: Rng, room: Room) -> list[Solid]:
    """Steel drums of screws, castings, turnings or powder, four to a pallet."""
    stuff, bulk = [("steel", 2.2), ("zinc", 2.0), ("copper", 2.4), ("steel", 1.2), ("aluminum", 0.8), ("brass", 2.0)][
        int(rng.integers(0, 6))
    ]
    radius, high = float(rng.uniform(0.24, 0.295)), float(rng.uniform(0.45, 0.88))
    high = min(high, room.size[2] - 0.2)
    level = float(rng.uniform(0.45, 0.95))

    def make(rng: Rng) -> Piece:
        parts = []
        for x, y in ((0, 0), (1, 0), (0, 1), (1, 1)):
            at = np.array([x, y]) * 2.05 * radius + radius
            top = high * np.clip(level * rng.uniform(0.85, 1.1), 0.2, 0.97)
            parts.append(cylinder((*at, high / 2), radius, high, "steel", STEEL))
            parts.append(cylinder((*at, high / 2), radius - 0.0015, high - 0.004, "steel", 0.0))
            parts.append(cylinder((*at, top / 2 + 0.002), radius - 0.0015, top, stuff, bulk * rng.uniform(0.9, 1.1)))
            inner = Room(at[0] - 0.6 * radius, at[0] + 0.6 * radius, at[1] - 0.6 * radius, at[1] + 0.6 * radius, 0.05, top)
            parts += _filling(rng, inner, 3, stuff, bulk, 0.12)
        return on_pallet(rng, piece(parts))

    return stow(rng, room, make, Plan(levels=2, gap=0.08))


def _bins(rng: Rng, room: Room) -> list[Solid]:
    """Wire or sheet bins of castings and forgings, stacked."""
    size = (min(float(rng.uniform(1.0, 1.3)), room.size[0] - 0.05), 0.8, min(float(rng.uniform(0.6, 0.95)), room.size[2] - 0.1))
    stuff, bulk = str(rng.choice(["steel", "aluminum", "brass"])), float(rng.uniform(0.35, 1.3))
    coarse, count = float(rng.uniform(0.1, 0.22)), int(rng.integers(4, 8))

    def make(rng: Rng) -> Piece:
        top = 0.12 + (size[2] - 0.12) * rng.uniform(0.4, 0.95)
        parts = shell((0, 0, 0.1), (size[0], size[1], size[2]), 0.006, "steel", 1.2) if rng.random() < 0.5 else []
        steps = np.linspace(0.02, size[0] - 0.02, 4)
        for a, b in pairwise(steps):
            parts.append(
                box((a, 0.02, 0.11), (b, size[1] - 0.02, 0.11 + (top - 0.11) * rng.uniform(0.7, 1.0)), stuff, bulk * 0.6)
            )
        room = Room(0.01, size[0] - 0.01, 0.01, size[1] - 0.01, 0.1, top)
        parts += _filling(rng, room, count, stuff, bulk, coarse)
        return piece(parts + framed((0, 0, 0), size, 0.04, 2.5))

    return stow(rng, room, make, Plan(levels=3, gap=0.06, tight=True))


def _scrap_piece(rng: Rng, stuff: str) -> Piece:
    """A cut beam, a tube, a sheet, a ring or a lump."""
    kind, dense = (
        rng.choice(["beam", "tube", "sheet", "lump", "wire"], p=[0.15, 0.2, 0.25, 0.25, 0.15]),
        material(stuff).density,
    )
    long = float(np.exp(rng.uniform(np.log(0.15), np.log(1.1))))
    if kind == "beam":
        parts = _beam(str(rng.choice(["I", "U", "L"])), long, *rng.uniform([0.05, 0.05, 0.005], [0.18, 0.15, 0.012]))
    elif kind == "tube":
        parts = [
            cylinder((0, 0, 0), r := float(rng.uniform(0.015, 0.07)), long, stuff, dense),
            cylinder((0, 0, 0), 0.85 * r, long, stuff, 0.0),
        ]
    elif kind == "sheet":
        parts = [box((0, 0, 0), (long, long * rng.uniform(0.3, 1.0), rng.uniform(0.004, 0.02)), stuff, dense * 0.6)]
    elif kind == "lump":
        parts = [ellipsoid((0, 0, 0), tuple(min(long, 0.5) * rng.uniform(0.1, 0.4, 3)), stuff, dense * rng.uniform(0.1, 0.6))]
    else:
        ends = rng.normal(0, 0.3, (3, 3)) * min(long, 0.6)
        parts = [capsule(tuple(ends[k]), tuple(ends[k + 1]), rng.uniform(0.008, 0.025), stuff, dense * 0.5) for k in range(2)]
    return tilted(piece(parts), rotation(*rng.normal(0, 0.7, 3)))


def _ground(rng: Rng, room: Room, tops: np.ndarray, stuff: tuple[str, float]) -> list[Solid]:
    """What fills a heap up to a line of heights [m], and clumps of more and of less in it."""
    edges = np.linspace(room.x0, room.x1, tops.size)
    parts: list[Solid] = []
    for x0, x1, a, b in zip(edges[:-1], edges[1:], tops[:-1], tops[1:], strict=True):
        rings = [[(x, room.y0, room.z0), (x, room.y1, room.z0), (x, room.y1, room.z0 + z * 0.93), (x, room.y0, room.z0 + z)]
                 for x, z in ((x0, a), (x1, b))]  # fmt: skip
        parts.append(lofted(rings, stuff[0], stuff[1] * float(np.exp(rng.normal(0, 0.04)))))
    for _ in range(int(room.size[0] * 14)):
        half = np.exp(rng.uniform(np.log(0.06), np.log(0.35), 3))
        x = float(rng.uniform(room.x0 + half[0], max(room.x1 - half[0], room.x0 + half[0] + 0.01)))
        high = float(np.interp(x, edges, tops)) * 0.95 - 2 * half[2]
        if high > 0 and min(room.size[1] - 2 * half[1], room.size[0] - 2 * half[0]) > 0:
            at = (x, rng.uniform(room.y0 + half[1], room.y1 - half[1]), room.z0 + half[2] + rng.uniform(0, high))
            parts.append(ellipsoid(at, tuple(half), stuff[0], stuff[1] * float(np.exp(rng.normal(0, 0.6)))))
    return parts


def _scrap(rng: Rng, room: Room) -> list[Solid]:
    """A heap of scrap: fine stuff of uneven density, and larger pieces through it and on it."""
    stuff = str(rng.choice(["steel", "steel", "aluminum", "copper"]))
    top = room.size[2] * rng.uniform(0.3, 0.9)
    columns = max(int(room.size[0] / 0.4), 2)
    outline = np.cumsum(rng.normal(0, 0.06, columns))
    outline += np.linspace(0, rng.choice([0.0, 0.0, -0.6]) * top, columns) - outline.mean()
    tops = np.clip(top * 0.75 + outline, 0.15, room.size[2] * 0.9)
    count = int(min(room.size[0] * 45, 500))
    pieces = [p for p in (_scrap_piece(rng, stuff) for _ in range(count)) if min(np.subtract(room.size, p.size)) > 0]
    left = payload(room) * rng.uniform(0.5, 0.95) - sum(p.mass for p in pieces)
    bulk = min(max(left, 500.0) / (1000.0 * float(tops.mean()) * room.size[0] * room.size[1]), 1.5)
    parts = _ground(rng, room, tops, (stuff, bulk))
    for thing in pieces:
        x = rng.uniform(room.x0, room.x1 - thing.size[0])
        under = tops[int(np.clip((x + thing.size[0] / 2 - room.x0) / room.size[0] * columns, 0, columns - 1))]
        free = min(under + rng.uniform(-0.3, 0.25), room.size[2]) - thing.size[2]
        z = max(free, 0.0) * (1.0 if rng.random() < 0.4 else rng.random())
        shift = (x, rng.uniform(room.y0, room.y1 - thing.size[1]), room.z0 + min(z, room.size[2] - thing.size[2]))
        parts += [moved(p, shift) for p in thing.parts]
    return parts


def _scrap_bales(rng: Rng, room: Room) -> list[Solid]:
    """Pressed cubes of scrap: cans, sheet, cuttings, cables."""
    stuff, bulk = [("steel", 1.9), ("aluminum", 0.9), ("copper", 2.4), ("steel", 1.1)][int(rng.integers(0, 4))]
    usual = rng.uniform(0.35, 0.9, 3)

    def make(rng: Rng) -> Piece:
        size = np.minimum(usual * rng.uniform(0.85, 1.1, 3), np.array(room.size) * 0.95)
        parts: list[Solid] = [box((0, 0, 0), tuple(size), stuff, bulk * rng.uniform(0.8, 1.1))]
        for _ in range(int(rng.integers(2, 6))):
            low = rng.uniform(0, 0.6, 3) * size
            parts.append(box(tuple(low), tuple(low + rng.uniform(0.1, 0.4, 3) * size), stuff, bulk * rng.uniform(0.4, 1.7)))
        return tilted(piece(parts), rotation(*rng.normal(0, (0.06, 0.025, 0.025))))

    return stow(rng, room, make, Plan(levels=3, gap=0.06, missing=0.1))


def _cable_drum(rng: Rng, radius: float, width: float, wooden: bool, core: tuple[str, float]) -> Piece:
    """Two flanges, a barrel, and the cable wound on it."""
    flange, thick = (("wood", 0.6), 0.05 + 0.03 * radius) if wooden else (("steel", 3.5), 0.02)
    thick = min(thick, 0.2 * width)
    full, barrel = radius * rng.uniform(0.55, 0.92), radius * rng.uniform(0.3, 0.45)
    parts = [
        cylinder((0, 0, 0), full, width - 2 * thick, *core, axis="y"),
        cylinder((0, 0, 0), barrel, width, "wood", 0.5, axis="y"),
    ]
    parts.append(cylinder((0, 0, 0), barrel - 0.03, width - 2 * thick, "wood", 0.0, axis="y"))
    parts += [cylinder((0, s * (width - thick) / 2, 0), radius, thick, *flange, axis="y") for s in (-1, 1)]
    parts.append(cylinder((0, 0, 0), 0.04, width + 0.002, "steel", 0.0, axis="y"))
    return piece(parts)


def _cables(rng: Rng, room: Room) -> list[Solid]:
    """Cable drums on edge with chocks, or lying; small ones of wire on pallets."""
    most = min(room.size[2] / 2 - 0.06, room.size[1] / 2 - 0.03, 1.1)
    usual, wooden = float(rng.uniform(min(0.3, 0.8 * most), most)), rng.random() < 0.7
    core = [("copper", 2.6), ("aluminum", 1.5), ("steel", 4.2), ("polyethylene", 0.5)][int(rng.integers(0, 4))]
    lying, across = rng.random() < 0.25, rng.random() < 0.3

    def make(rng: Rng) -> Piece:
        radius = usual * rng.choice([1.0, 1.0, rng.uniform(0.6, 1.0)])
        drum = _cable_drum(rng, radius, float(rng.uniform(0.6, 1.2)) * min(radius * 1.2, 1.0), wooden, core)
        if lying:
            return tilted(drum, np.round(rotation(roll=np.pi / 2)))
        wedges = []
        for side in (-1, 1):
            x = radius * (1 + 0.62 * side) - (0.12 if side < 0 else 0.0)
            wedges.append(box((x, 0.0, 0.0), (x + 0.12, drum.size[1], 0.06), "wood", 0.5))
        chocked = piece([*wedges, *drum.parts])
        return spun(chocked, 90.0) if across else chocked

    return stow(rng, room, make, Plan(levels=2 if lying else 1, gap=0.15, bracing=0.5))


def _bottle(rng: Rng, radius: float, high: float) -> list[Solid]:
    """A gas bottle: a steel shell, gas, neck, valve, cap."""
    wall = 0.006 + 0.01 * radius
    return [
        capsule((0, 0, radius), (0, 0, high - radius - 0.1), radius, "steel", STEEL),
        capsule(
            (0, 0, radius + 0.01), (0, 0, high - radius - 0.105), radius - wall, "water", float(rng.choice([0.05, 0.2, 0.5]))
        ),
        cylinder((0, 0, high - 0.08), 0.035, 0.16, "brass", 4.0),
    ]


def _gas_bottles(rng: Rng, room: Room) -> list[Solid]:
    """Gas bottles upright in racks of twelve or sixteen, or short ones in layers."""
    tall = rng.random() < 0.65
    radius, high = (
        (float(rng.uniform(0.1, 0.118)), float(rng.uniform(1.3, 1.65)))
        if tall
        else (float(rng.uniform(0.14, 0.19)), float(rng.uniform(0.45, 0.75)))
    )
    high = min(high, room.size[2] - 0.2)
    across, deep = (4, int(rng.integers(3, 5))) if tall else (3, 3)

    def make(rng: Rng) -> Piece:
        pitch = 2 * radius + 0.015
        size = (across * pitch + 0.08, deep * pitch + 0.08, high + 0.12)
        parts = []
        for i in range(across):
            for j in range(deep):
                if rng.random() < 0.05:
                    continue
                at = (0.04 + (i + 0.5) * pitch, 0.04 + (j + 0.5) * pitch, 0.08)
                parts += [moved(p, at) for p in _bottle(rng, radius, high)]
        parts += framed((0, 0, 0), size, 0.035, 2.5)
        for z in (0.4 * high, 0.75 * high):
            parts += [box((0, y, z), (size[0], y + 0.02, z + 0.05), "steel", 3.0) for y in (0.0, size[1] - 0.02)]
        return piece(parts)

    return stow(rng, room, make, Plan(levels=1 if tall else 2, across=2, share=(0.4, 0.9), gap=0.1))


def _castings(rng: Rng, room: Room) -> list[Solid]:
    """Large castings and forgings: rings, rolls, flanges, counterweights, on timbers."""

    def make(rng: Rng) -> Piece:
        kind = rng.choice(["roll", "ring", "weight", "gear"])
        if kind == "roll":
            radius, long = rng.uniform(0.12, 0.3), rng.uniform(0.8, 2.2)
            parts = [
                cylinder((0, 0, 0), radius, long, "steel", 7.2, axis="x"),
                cylinder((0, 0, 0), radius * 0.5, long * 1.4, "steel", 7.8, axis="x"),
            ]
        elif kind == "weight":
            rings = np.array(
                [
                    [(0, 0, 0), (1.0, 0, 0), (1.0, 0.9, 0), (0, 0.9, 0)],
                    [(0.1, 0.05, 0.5), (0.8, 0.05, 0.5), (0.8, 0.8, 0.5), (0.1, 0.8, 0.5)],
                ]
            )
            parts = [lofted(rings * rng.uniform(0.5, 0.9), "steel", 7.1)]
        else:
            radius, thick = rng.uniform(0.25, 0.55), rng.uniform(0.06, 0.25)
            parts = [
                cylinder((0, 0, 0), radius, thick, "steel", 7.2),
                cylinder((0, 0, 0), radius * 0.8, thick + 0.002, "steel", 0.0),
            ]
            if kind == "gear":
                parts += [
                    cylinder((0, 0, 0), radius * 0.8, thick * 0.3, "steel", 7.2),
                    cylinder((0, 0, 0), radius * 0.25, thick, "steel", 7.2),
                ]
                parts.append(cylinder((0, 0, 0), radius * 0.13, thick + 0.002, "steel", 0.0))
            if rng.random() < 0.3:
                return on_bearers(rng, tilted(piece(parts), np.round(rotation(roll=np.pi / 2))), 0.1)
        thing = on_bearers(rng, piece(parts), 0.1)
        fits = max(np.array(thing.size[:2]) - room.size[:2]) < 0 and thing.mass < 0.6 * payload(room)
        return thing if fits else on_bearers(rng, piece([cylinder((0, 0, 0), 0.2, 0.2, "steel", 7.2)]))

    return stow(rng, room, make, Plan(share=(0.4, 0.9), gap=0.2, bracing=0.6))


KINDS: tuple[LoadKind, ...] = (
    LoadKind("pipes", "long metal", _pipes, ("box", "open")),
    LoadKind("steel beams", "long metal", _beams, ("box", "open")),
    LoadKind("bars in bundles", "long metal", _rebar, ("box", "open")),
    LoadKind("sheet metal", "coils and sheets", _sheets, ("box", "open")),
    LoadKind("coils eye to the sky", "coils and sheets", _coils_up, ("box", "open")),
    LoadKind("coils on their side", "coils and sheets", _coils_side, ("box", "open")),
    LoadKind("wire rod", "coils and sheets", _wire_rod, ("box", "open")),
    LoadKind("ingots", "ingots and scrap", _ingots),
    LoadKind("scrap", "ingots and scrap", _scrap, ("box", "open")),
    LoadKind("scrap bales", "ingots and scrap", _scrap_bales, ("box", "open")),
    LoadKind("drums of metal parts", "metal parts", _drums),
    LoadKind("bins of metal parts", "metal parts", _bins),
    LoadKind("castings", "metal parts", _castings, ("box", "open")),
    LoadKind("cable drums", "metal parts", _cables, ("box", "open")),
    LoadKind("gas bottles in racks", "metal parts", _gas_bottles, ("box", "open")),
)
