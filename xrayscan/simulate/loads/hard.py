"""Hard goods: timber, boards, doors, tires, tiles, stone, bricks, cement, glass, sanitary ware and concrete parts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from xrayscan.simulate.loads.arrange import LoadKind
from xrayscan.simulate.loads.assemblies import shell
from xrayscan.simulate.loads.stow import (
    Piece,
    Plan,
    dropped,
    lofted,
    on_bearers,
    on_pallet,
    payload,
    piece,
    scattered,
    shaken,
    spun,
    stow,
    tilted,
)  # fmt: skip
from xrayscan.simulate.solid import Room, Solid, box, cylinder, ellipsoid, moved, rotation, sack, torus, turned

__all__ = ["KINDS"]

Rng = np.random.Generator


def _lengths(rng: Rng, room: Room, least: float, most: float) -> float:
    """A length that divides the room's with little left over where it can [m]."""
    drawn = float(rng.uniform(least, most))
    count = max(round(room.size[0] / (drawn + 0.08)), 1)
    fitted = room.size[0] / count - rng.uniform(0.02, 0.1)
    return float(fitted) if rng.random() < 0.7 and least <= fitted <= most else min(drawn, room.size[0] * 0.96)


def _sawn_pack(rng: Rng, size: tuple[float, float, float], board: float, sticks: float, density: float) -> Piece:
    """A pack of boards in layers, with sticks between them or without, its ends more or less even."""
    length, depth, height = size
    ragged = rng.choice([0.005, 0.03, 0.15]) * length
    parts, z = [], 0.0
    while z + board <= height:
        cuts = [0.0, float(rng.uniform(0.3, 0.7)) * depth, depth]
        for a, b in pairwise(cuts) if ragged > 0.02 * length else [(0.0, depth)]:
            start, end = np.sort(rng.uniform(0, 1, 2)) * ragged * (0.15, 1.0)
            shade = density * float(np.exp(rng.normal(0, 0.05)))
            parts.append(box((start, a, z), (length - end, b - 0.004, z + board), "wood", shade))
        z += board
        if sticks and z + board + sticks <= height:
            for x in np.linspace(0.08 * length, 0.9 * length - 0.03, 3):
                parts.append(box((x, 0.0, z), (x + 0.03, depth, z + sticks), "wood", 0.5))
            z += sticks
    return piece(parts)


def _sawn(rng: Rng, room: Room) -> list[Solid]:
    length, depth = _lengths(rng, room, 2.0, 6.0), room.size[1] / max(round(room.size[1] / rng.uniform(0.75, 1.2)), 1) - 0.02
    height = min(float(rng.uniform(0.45, 1.15)), room.size[2] - 0.1)
    board, density = max(float(rng.choice([0.022, 0.032, 0.05, 0.075, 0.1])), height / 14), rng.uniform(0.4, 0.62)
    sticks = float(rng.choice([0.0, 0.0, 0.018]))

    def make(rng: Rng) -> Piece:
        own = (length * rng.uniform(0.93, 1.0), depth * rng.uniform(0.97, 1.0), height * rng.choice([1.0, 1.0, 0.85]))
        return on_bearers(rng, shaken(rng, _sawn_pack(rng, own, board, sticks, density), 0.15), float(rng.uniform(0.06, 0.1)))

    return stow(rng, room, make, Plan(levels=4, share=(0.6, 1.0)))


def _logs(rng: Rng, room: Room) -> list[Solid]:
    """Logs along the travel, let fall on each other, with ragged ends; green wood is heavy."""
    usual, spread = rng.uniform(0.09, 0.26), rng.uniform(0.05, 0.3)
    length, density = _lengths(rng, room, 1.8, 11.6), rng.uniform(0.6, 0.95)
    groups, left = max(int(room.size[0] // length), 1), payload(room) * rng.uniform(0.6, 1.0)
    slack = (room.size[0] - groups * length) / groups
    parts: list[Solid] = []
    for group in range(groups):
        radii = np.clip(usual * np.exp(rng.normal(0, spread, 130)), 0.05, 0.4)
        share, height = left / groups, room.size[2] * rng.uniform(0.75, 0.97)
        for y, z, r in dropped(rng, radii, room.size[1], height):
            own = length * rng.uniform(0.8, 1.0)
            weight = np.pi * r * r * own * density * 1000
            if share < weight:
                break
            share -= weight
            x0 = room.x0 + group * (length + slack) + rng.uniform(0, 1) * (length + slack - own)
            log = cylinder(
                (x0 + own / 2, room.y0 + y, room.z0 + z), r * 0.98, own, "wood", density * rng.uniform(0.9, 1.1), axis="x"
            )
            lean = min(0.03, 0.06 * r / own)
            log = turned(log, rotation(rng.normal(0, lean), rng.normal(0, lean)))
            parts.append(_pushed_in(log, room))
    return parts


def _pushed_in(solid: Solid, room: Room) -> Solid:
    """The solid moved back into the room where it reaches out."""
    low, high = np.array([room.x0, room.y0, room.z0]), np.array([room.x1, room.y1, room.z1])
    center = np.asarray(solid.center)
    shift = np.maximum(low - (center - solid.reach), 0.0) - np.maximum(center + solid.reach - high, 0.0)
    return moved(solid, shift)


def _board_pack(rng: Rng, size: tuple[float, float, float], stuff: tuple[str, float]) -> Piece:
    """Sheets on each other, slipped a little in groups."""
    length, depth, height = size
    parts, z = [], 0.0
    while z < height - 0.02:
        thick = min(float(rng.uniform(0.02, 0.15)), height - z)
        at = np.abs(rng.normal(0, 0.006, 2))
        shade = stuff[1] * float(np.exp(rng.normal(0, 0.02)))
        parts.append(box((at[0], at[1], z), (at[0] + length, at[1] + depth, z + thick), stuff[0], shade))
        z += thick + 0.0005
    return piece(parts)


def _boards(rng: Rng, room: Room, stuff: tuple[str, float], height: tuple[float, float], levels: int) -> list[Solid]:
    sheet = (
        min(float(rng.choice([2.0, 2.44, 2.5, 2.8])), room.size[0] * 0.95),
        min(float(rng.choice([1.0, 1.22, 1.25])), room.size[1] / 2 - 0.03),
    )
    if rng.random() < 0.25 and sheet[0] < room.size[1] - 0.05:
        sheet = sheet[1], sheet[0]
    usual = min(float(rng.uniform(*height)), room.size[2] - 0.12)

    def make(rng: Rng) -> Piece:
        pack = _board_pack(rng, (*sheet, usual * float(rng.choice([1.0, 1.0, 1.0, 0.6]))), stuff)
        return on_bearers(rng, pack, 0.08)

    return stow(rng, room, make, Plan(levels=levels, share=(0.6, 1.0), gap=0.12))


def _plywood(rng: Rng, room: Room) -> list[Solid]:
    return _boards(rng, room, ("wood", float(rng.uniform(0.5, 0.78))), (0.35, 1.0), 3)


def _gypsum(rng: Rng, room: Room) -> list[Solid]:
    return _boards(rng, room, ("gypsum", float(rng.uniform(0.65, 0.95))), (0.3, 0.7), 4)


def _window(rng: Rng, width: float, height: float, frame: tuple[str, float]) -> list[Solid]:
    """A frame with panes, standing along x."""
    rail, deep = 0.07, 0.07
    parts = [
        box((0, 0, 0), (width, deep, height), *frame),
        box((rail, -0.001, rail), (width - rail, deep + 0.001, height - rail), "glass", 0.0),
    ]
    for y in (0.02, 0.045):
        parts.append(box((rail, y, rail), (width - rail, y + 0.004, height - rail), "glass", 2.5))
    if width > 1.1:
        parts.append(box((width / 2 - rail / 2, 0, rail), (width / 2 + rail / 2, deep, height - rail), *frame))
    return parts


def _door(rng: Rng, width: float, height: float, frame: tuple[str, float]) -> list[Solid]:
    """A leaf: rails around a light core, a lock, hinges."""
    parts = [
        box((0, 0, 0), (width, 0.04, height), "wood", 0.62),
        box((0.05, 0.004, 0.08), (width - 0.05, 0.036, height - 0.08), "wood", 0.17),
    ]
    parts.append(box((width - 0.07, 0.01, height * 0.45), (width - 0.005, 0.03, height * 0.45 + 0.17), "steel", 3.0))
    return parts


def _joinery(rng: Rng, room: Room) -> list[Solid]:
    """Doors or windows upright against each other, on stillages."""
    frame = [("wood", 0.5), ("PVC", 0.45), ("aluminum", 0.6)][int(rng.integers(0, 3))]
    build = _window if rng.random() < 0.55 else _door
    width, height = float(rng.uniform(0.7, 1.6)), min(float(rng.uniform(1.0, 2.15)), room.size[2] * 0.9 - 0.1)
    mixed = rng.random() < 0.5

    def make(rng: Rng) -> Piece:
        parts, y = [], 0.1
        lean = -rng.uniform(0.02, 0.09)
        for _ in range(int(rng.integers(5, 12))):
            scale = rng.uniform(0.65, 1.0, 2) if mixed else (1.0, 1.0)
            own = build(rng, width * scale[0], height * scale[1], frame)
            parts += [moved(p, (rng.uniform(0, width * (1 - scale[0]) + 0.02), y, 0.0)) for p in own]
            y += 0.08 if build is _window else 0.045
        pack = tilted(piece(parts), rotation(roll=lean))
        posts = [box((x, 0.0, 0.0), (x + 0.06, 0.08, min(height * 0.9, 1.7)), "wood", 0.5) for x in (0.1, width - 0.16)]
        stand = [moved(p, (0, 0.085, 0.1)) for p in pack.parts] + posts + [box((0, 0, 0), (width, y + 0.2, 0.1), "wood", 0.25)]
        return spun(piece(stand), 90.0 if turn else 0.0)

    turn = rng.random() < 0.3
    return stow(rng, room, make, Plan(levels=1, share=(0.8, 1.0), gap=0.15, tight=True))


def _tire_stack(rng: Rng, radius: float, width: float, count: int, bore: float) -> Piece:
    """Tires lying on each other: treads, sidewalls and the open middle."""
    parts = []
    shifts = np.cumsum(rng.normal(0, 0.012, (count, 2)), axis=0) * 0.5
    for k in range(count):
        at = (shifts[k, 0], shifts[k, 1], (k + 0.5) * width)
        parts.append(cylinder(at, radius * rng.uniform(0.985, 1.0), width * 0.93, "rubber", 1.12))
    middle, high = tuple(shifts.mean(0)), count * width
    parts.append(cylinder((*middle, high / 2), radius - 0.022, high - 0.03, "rubber", 0.26))
    parts.append(cylinder((*middle, high / 2), bore * radius, high, "rubber", 0.0))
    return piece(parts)


def _tires_stacked(rng: Rng, room: Room) -> list[Solid]:
    truck = rng.random() < 0.35
    radius, width = (
        (rng.uniform(0.46, 0.55), rng.uniform(0.26, 0.36)) if truck else (rng.uniform(0.28, 0.37), rng.uniform(0.16, 0.25))
    )
    radius, bore = min(radius, room.size[1] / 2 - 0.05), rng.uniform(0.5, 0.62)
    most = max(int(room.size[2] * 0.99 // width), 1)

    def make(rng: Rng) -> Piece:
        return _tire_stack(rng, radius, width, max(most - int(rng.choice([0, 0, 0, 1, 2, 4])), 1), bore)

    return stow(rng, room, make, Plan(share=(0.8, 1.0), gap=0.02, missing=0.04, tight=True))


def _loose_tire(rng: Rng, radius: float, width: float, fine: bool) -> Piece:
    """One tire lying flat, as a torus with air in it or as cylinders."""
    if fine:
        tube, ring = min(0.46 * width, 0.22 * radius), radius - min(0.46 * width, 0.22 * radius)
        return piece([torus((0, 0, 0), ring, tube, "rubber", 1.15), torus((0, 0, 0), ring, tube - 0.013, "rubber", 0.0)])
    return piece([
        cylinder((0, 0, 0), radius, width, "rubber", 1.15),
        cylinder((0, 0, 0), radius - 0.018, width - 0.024, "rubber", 0.0),
        cylinder((0, 0, 0), 0.57 * radius, width, "rubber", 0.0),
    ])  # fmt: skip


def _tires_laced(rng: Rng, room: Room) -> list[Solid]:
    """New tires in herringbone: leaning rows, each the other way than the one below."""
    radius, width = rng.uniform(0.29, 0.52), rng.uniform(0.18, 0.3)
    radius = min(radius, room.size[1] / 2 - 0.02)
    angle = np.radians(rng.uniform(45, 68))
    run, rise = width / np.sin(angle) * 1.02, 2 * radius * np.sin(angle) + width * np.cos(angle)
    lanes = max(int(room.size[1] // (2 * radius + 0.01)), 1)
    reach = radius * np.cos(angle) + width / 2 * np.sin(angle)
    parts: list[Solid] = []
    for layer in range(max(int(room.size[2] * rng.uniform(0.8, 1.0) // rise), 1)):
        for lane in range(lanes):
            y = room.y0 + (lane + 0.5) * room.size[1] / lanes
            x = room.x0 + reach + rng.uniform(0, 0.05)
            while x + reach <= room.x1:
                turn = rotation(pitch=(angle if layer % 2 else -angle) + rng.normal(0, 0.02))
                for p in _loose_tire(rng, radius, width, False).parts:
                    own = turned(moved(p, (-radius, -radius, -width / 2)), turn, (0, 0, 0))
                    place = (x, y + rng.normal(0, 0.004) * (lanes < 2), room.z0 + (layer + 0.5) * rise)
                    parts.append(moved(own, place))
                x += run * rng.choice([1.0, 1.0, 1.0, 1.08])
    return [p for p in parts if p.center[2] + p.reach[2] <= room.z1 + 0.005 and p.center[0] + p.reach[0] <= room.x1 + 0.005
            and p.center[0] - p.reach[0] >= room.x0 - 0.005 and p.center[2] - p.reach[2] >= room.z0 - 0.01]  # fmt: skip


def _tires_heap(rng: Rng, room: Room) -> list[Solid]:
    """Used tires thrown in: flat, leaning and on edge, of all sizes, some on rims."""
    area = room.size[0] * room.size[1]
    things = []
    for _ in range(int(area * rng.uniform(8, 16))):
        radius, width = rng.uniform(0.26, 0.36), rng.uniform(0.15, 0.24)
        if rng.random() < 0.08:
            radius, width = rng.uniform(0.4, 0.54), rng.uniform(0.24, 0.32)
        tire = _loose_tire(rng, radius, width, rng.random() < 0.12)
        if rng.random() < 0.1:
            rim = cylinder((radius, radius, width / 2), 0.55 * radius, 0.8 * width, "steel", 1.0)
            tire = piece([*tire.parts, rim])
        pitch = rng.choice([rng.normal(0, 0.12), rng.normal(0, 0.6), np.pi / 2])
        things.append(tilted(tire, rotation(rng.uniform(-3, 3), pitch)))
    return scattered(rng, room, things, packing=0.5)


def _tile_pallet(rng: Rng, size: tuple[float, float, float], stuff: tuple[str, float]) -> Piece:
    """Boxes of tiles on edge in rows and courses on a pallet."""
    length, depth, height = size
    across, courses = int(rng.integers(3, 8)), int(rng.integers(2, 5))
    parts = []
    for course in range(courses):
        for k in range(across):
            x, wide = k * length / across, length / across - rng.uniform(0.003, 0.012)
            z, high = course * height / courses, height / courses - rng.uniform(0.0, 0.01)
            if course == courses - 1 and rng.random() < 0.06:
                continue
            parts.append(box((x, 0, z), (x + wide, depth - rng.uniform(0, 0.02), z + high), stuff[0], stuff[1]))
    return on_pallet(rng, piece(parts))


def _tiles(rng: Rng, room: Room) -> list[Solid]:
    size = tuple(
        min(float(v), s)
        for v, s in zip(
            rng.uniform([0.75, 0.75, 0.4], [1.15, 1.15, 0.95]),
            (room.size[0] - 0.06, room.size[1] / 2 - 0.08, room.size[2] - 0.2),
            strict=True,
        )
    )
    stuff = ("ceramic", float(rng.uniform(1.5, 1.95)))
    return stow(rng, room, lambda rng: _tile_pallet(rng, size, stuff), Plan(levels=2 if rng.random() < 0.3 else 1, gap=0.1))  # type: ignore[arg-type]


def _bricks(rng: Rng, room: Room) -> list[Solid]:
    """Bricks or blocks in courses, solid or with holes, on pallets."""
    size = (min(float(rng.uniform(0.8, 1.2)), room.size[0] - 0.05), min(float(rng.uniform(0.8, 1.1)), room.size[1] / 2 - 0.06))
    course, stuff = float(rng.choice([0.075, 0.12, 0.19, 0.24])), rng.choice(["ceramic", "stone"])
    density, count = float(rng.uniform(0.8, 1.9)), int(rng.integers(3, 6))
    courses = max(int(min(rng.uniform(0.6, 1.1), room.size[2] - 0.2) / course), 1)

    def make(rng: Rng) -> Piece:
        parts = []
        for k in range(courses - int(rng.random() < 0.1)):
            width = size[0] / count
            shift = width / 2 if k % 2 else 0.0
            edges = np.unique(np.clip(np.arange(-1, count + 1) * width + shift, 0, size[0]))
            for a, b in pairwise(edges):
                z = k * course
                parts.append(
                    box((a + 0.002, rng.uniform(0, 0.01), z), (b - 0.004, size[1], z + course - 0.003), str(stuff), density)
                )
        return on_pallet(rng, piece(parts))

    return stow(rng, room, make, Plan(levels=2, gap=0.08))


def _cement(rng: Rng, room: Room) -> list[Solid]:
    """Sacks of cement, plaster or mortar in layers on pallets."""
    stuff = [("cement", 1.3), ("gypsum", 0.95), ("sand", 1.5), ("salt", 1.05)][int(rng.integers(0, 4))]
    high = float(rng.uniform(0.1, 0.14))
    layers = int(rng.integers(4, 9))

    def make(rng: Rng) -> Piece:
        parts = []
        long, wide = 0.39, 0.55
        for k in range(layers - int(rng.random() < 0.15)):
            along, across = ((3, 2), (2, 3))[k % 2]
            step = (3 * long / along, 2 * wide / across) if k % 2 == 0 else (1.17 / 2, 1.1 / 3)
            for i in range(along):
                for j in range(across if k >= layers - 2 else 1):
                    depth = step[1] if k >= layers - 2 else 1.1
                    at = ((i + 0.5) * step[0] + rng.normal(0, 0.012), (j + 0.5) * depth + rng.normal(0, 0.01), (k + 0.5) * high)
                    parts.append(
                        sack(at, (step[0] * 0.52, depth * 0.51, high * 0.52), stuff[0], stuff[1] * rng.uniform(0.95, 1.05))
                    )
        return spun(on_pallet(rng, piece(parts)), 0.0 if turn or room.size[1] < 1.3 else 90.0)

    turn = rng.random() < 0.5
    return stow(rng, room, make, Plan(levels=1 if layers > 5 else 2, gap=0.08))


def _a_frame(length: float, depth: float, height: float) -> list[Solid]:
    """A steel A-frame along x: base, uprights, ridge."""
    parts = [box((0, y, 0), (length, y + 0.08, 0.1), "steel", 3.0) for y in (0.0, depth - 0.08)]
    for x in np.linspace(0.05, length - 0.13, 3):
        parts.append(box((x, 0, 0.1), (x + 0.08, depth, 0.14), "steel", 2.5))
        for side in (-1, 1):
            post = box((x, depth / 2 - 0.03, 0.14), (x + 0.08, depth / 2 + 0.03, height), "steel", 2.2)
            parts.append(turned(post, rotation(roll=side * 0.09), (x, depth / 2 + side * 0.1, height * 0.95)))
    parts.append(box((0.05, depth / 2 - 0.05, height - 0.06), (length - 0.05, depth / 2 + 0.05, height), "steel", 2.5))
    return parts


def _leaning_sheets(rng: Rng, room: Room, stuff: str, sheet: tuple[float, float], most: float) -> list[Solid]:
    """Slabs or panes against both sides of A-frames."""
    density = {"stone": 2.7, "glass": 2.5}[stuff]
    length, height = min(sheet[0], room.size[0] - 0.1), min(sheet[1], room.size[2] - 0.25)
    depth = min(float(rng.uniform(1.0, 1.6)), room.size[1] - 0.05)
    most = min(most, 0.3 * payload(room) / (1000 * density * length * height))

    def make(rng: Rng) -> Piece:
        parts = _a_frame(length, depth, height * rng.uniform(0.8, 1.05) + 0.14)
        for side in (-1, 1):
            y, used = 0.1, 0.0
            lean = float(rng.uniform(0.05, 0.1))
            while used < most * rng.uniform(0.6, 1.0) and y < depth / 2 - 0.16 * height:
                thick = float(rng.choice([0.02, 0.03])) if stuff == "stone" else float(rng.uniform(0.02, 0.06))
                size = (length * rng.uniform(0.75, 1.0), height * rng.uniform(0.75, 1.0))
                x = float(rng.uniform(0, length - size[0]))
                middle = depth / 2 + side * (y + 0.09 * height)
                slab = box((x, middle - thick / 2, 0.14), (x + size[0], middle + thick / 2, 0.14 + size[1]), stuff, density)
                parts.append(turned(slab, rotation(roll=side * lean), (x, middle, 0.14)))
                y += thick + float(rng.choice([0.001, 0.001, 0.02]))
                used += thick
        return piece(parts)

    return stow(rng, room, make, Plan(levels=1, across=2, gap=0.1, bracing=0.7))


def _slabs(rng: Rng, room: Room) -> list[Solid]:
    return _leaning_sheets(
        rng, room, "stone", (float(rng.uniform(2.2, 3.2)), float(rng.uniform(1.2, 1.9))), float(rng.uniform(0.12, 0.3))
    )


def _glass(rng: Rng, room: Room) -> list[Solid]:
    """Panes on racks, or packs of panes upright in wooden crates."""
    if rng.random() < 0.4:
        return _leaning_sheets(rng, room, "glass", (float(rng.uniform(1.8, 3.3)), float(rng.uniform(1.2, 2.2))), 0.2)
    length, height = (
        min(float(rng.uniform(1.6, 3.3)), room.size[0] - 0.15),
        min(float(rng.uniform(1.1, 2.2)), room.size[2] - 0.3),
    )
    pack = min(float(rng.uniform(0.12, 0.4)), 0.5 * payload(room) / (2300 * length * height))

    def make(rng: Rng) -> Piece:
        deep = pack * rng.uniform(0.7, 1.0)
        parts = [box((0, 0, 0), (length + 0.12, deep + 0.12, 0.1), "wood", 0.5)]
        for x in np.linspace(0, length + 0.05, 4):
            for y in (0.0, deep + 0.08):
                parts.append(box((x, y, 0.1), (x + 0.07, y + 0.04, height + 0.2), "wood", 0.5))
        for z in np.linspace(0.2, height + 0.1, 4):
            for y in (0.0, deep + 0.08):
                parts.append(box((0.07, y, z), (length + 0.05, y + 0.025, z + 0.1), "wood", 0.45))
        cut = (length * rng.uniform(0.85, 1.0), height * rng.uniform(0.85, 1.0))
        parts.append(box((0.06, 0.06, 0.12), (0.06 + cut[0], 0.06 + deep * 0.9, 0.12 + cut[1]), "glass", 2.3))
        return piece(parts)

    return stow(rng, room, make, Plan(across=int(rng.integers(2, 5)), gap=0.35, bracing=0.8))


def _toilet(rng: Rng, scale: float) -> Piece:
    bowl = (0.19 * scale, 0.17 * scale, 0.16 * scale)
    inner = (bowl[0] - 0.02, bowl[1] - 0.02, bowl[2] - 0.02)
    parts = [
        cylinder((0.3, 0, 0.12), 0.11 * scale, 0.24, "ceramic", 2.2),
        cylinder((0.3, 0, 0.1), 0.085 * scale, 0.22, "ceramic", 0.0),
        ellipsoid((0.27, 0, 0.29), bowl, "ceramic", 2.25),
        ellipsoid((0.27, 0, 0.315), inner, "ceramic", 0.0),
    ]
    if rng.random() < 0.6:
        parts += shell((0.46, -0.17, 0.3), (0.64, 0.17, 0.66), 0.013, "ceramic", 2.2)
    return piece(parts)


def _basin(rng: Rng, scale: float) -> Piece:
    half = (0.28 * scale, 0.22 * scale, 0.1 * scale)
    parts = [
        ellipsoid((0, 0, 0.13), half, "ceramic", 2.2),
        ellipsoid((0, 0, 0.155), (half[0] - 0.016, half[1] - 0.016, half[2] - 0.016), "ceramic", 0.0),
    ]
    parts.append(box((-0.25 * scale, 0.17, 0.17), (0.25 * scale, 0.26, 0.22), "ceramic", 1.6))
    return piece(parts)


def _bath(rng: Rng, scale: float) -> Piece:
    low, high = (0.0, 1.4, 0.0, 0.5), (-0.12, 1.55, -0.1, 0.62)
    rings = [[(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)] for (x0, x1, y0, y1), z in ((low, 0.0), (high, 0.45))]
    points = np.array(rings) * (scale, scale, 1.0)
    inner = points * 0.97 + points.reshape(-1, 3).mean(0) * 0.03 + (0, 0, 0.012)
    return piece([lofted(points, "steel", 1.4), lofted(inner, "steel", 0.0)])


def _sanitary(rng: Rng, room: Room) -> list[Solid]:
    """Toilets, basins and baths in cartons on pallets, or nested."""
    kind, boxed = rng.choice(["toilet", "basin", "mixed", "bath"], p=[0.35, 0.25, 0.25, 0.15]), rng.random() < 0.4

    def make(rng: Rng) -> Piece:
        if kind == "bath" or (kind == "mixed" and rng.random() < 0.05):
            bath = _bath(rng, float(rng.uniform(0.9, 1.05)))
            return spun(bath, 90.0 if room.size[1] < 2.0 else 0.0)
        builder = _toilet if kind == "toilet" or (kind == "mixed" and rng.random() < 0.5) else _basin
        thing = builder(rng, float(rng.uniform(0.9, 1.1)))
        thing = spun(thing, float(rng.choice([0, 90, 180, 270])))
        length, depth, high = (v + 0.03 for v in thing.size)
        carton = (
            shell((0, 0, 0), (length, depth, high), 0.006, "cellulose", 0.4)
            if boxed
            else [box((0, 0, 0), (length, depth, 0.01), "wood", 0.5)]
        )
        return piece([*carton, *(moved(p, (0.015, 0.015, 0.012)) for p in thing.parts)])

    return stow(rng, room, make, Plan(levels=4, share=(0.3, 0.7), gap=0.06, missing=0.06, tight=True))


def _blocks(rng: Rng, room: Room) -> list[Solid]:
    """Raw blocks of granite or marble, none quite square, on timbers and braced."""
    least, most = [0.9, 0.8, 0.6], [2.6, min(1.9, room.size[1] - 0.1), min(1.6, room.size[2] - 0.1)]

    def make(rng: Rng) -> Piece:
        size = np.minimum(
            rng.uniform(least, np.maximum(most, least)), (room.size[0] - 0.1, room.size[1] - 0.1, room.size[2] - 0.15)
        )
        size = size * min(1.0, (0.8 * payload(room) / (2700 * size.prod())) ** (1 / 3))
        corners = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)], float)
        points = (corners * size + rng.normal(0, 0.035, (8, 3)) * (size > 0.3)).reshape(2, 4, 3)
        return on_bearers(rng, piece([lofted(points, "stone", 2.68)]), 0.1)

    return stow(rng, room, make, Plan(across=2, share=(0.5, 1.0), bracing=0.9))


def _concrete(rng: Rng, room: Room) -> list[Solid]:
    """Concrete rings and pipes upright or lying, or paving slabs and beams."""
    radius, wall = min(float(rng.uniform(0.25, 0.75)), room.size[1] / 2 - 0.03), float(rng.uniform(0.05, 0.1))
    length, lying = min(float(rng.uniform(0.5, 1.5)), room.size[2] - 0.1), rng.random() < 0.35

    def make(rng: Rng) -> Piece:
        stretch = length * rng.choice([1.0, 1.0, 0.5])
        body = [
            cylinder((0, 0, 0), radius, stretch, "stone", 2.3),
            cylinder((0, 0, 0), radius - wall, stretch + 0.002, "stone", 0.0),
        ]
        collar = [cylinder((0, 0, stretch / 2 - 0.04), radius - wall / 2, 0.08, "stone", 0.0)] if rng.random() < 0.5 else []
        ring = piece(body + collar)
        return on_bearers(rng, tilted(ring, np.round(rotation(roll=np.pi / 2))) if lying else ring, 0.06)

    return stow(rng, room, make, Plan(levels=3, gap=0.08))


KINDS: tuple[LoadKind, ...] = (
    LoadKind("sawn timber", "timber", _sawn, ("box", "open")),
    LoadKind("logs", "timber", _logs, ("box", "open")),
    LoadKind("plywood and boards", "timber", _plywood, ("box", "open")),
    LoadKind("doors and windows", "timber", _joinery),
    LoadKind("gypsum boards", "building", _gypsum),
    LoadKind("tires in stacks", "tires", _tires_stacked),
    LoadKind("tires laced", "tires", _tires_laced),
    LoadKind("used tires", "tires", _tires_heap, ("box", "open")),
    LoadKind("tiles", "building", _tiles),
    LoadKind("bricks and blocks", "building", _bricks, ("box", "open")),
    LoadKind("cement in bags", "building", _cement),
    LoadKind("stone slabs", "stone and glass", _slabs, ("box", "open")),
    LoadKind("stone blocks", "stone and glass", _blocks, ("box", "open")),
    LoadKind("glass", "stone and glass", _glass, ("box", "open")),
    LoadKind("bathroom ceramics", "building", _sanitary),
    LoadKind("concrete rings", "building", _concrete, ("box", "open")),
)
