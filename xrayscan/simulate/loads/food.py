"""Food and drink: bottles, cans, grain, fruit, vegetables, frozen goods, meat, fish, plants, and liquids in bulk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xrayscan.simulate.loads.arrange import (
    STEEL,
    Disorder,
    Loader,
    LoadKind,
    Size,
    bare,
    disorder,
    heap,
    hollow,
    inset,
    leaning,
    spread,
    stack,
    steps,
    weighed,
    within,
)
from xrayscan.simulate.loads.carton import carton
from xrayscan.simulate.loads.pallets import PALLET, on_pallets, per_pallet, snug
from xrayscan.simulate.solid import Room, Solid, box, capsule, cylinder, ellipsoid, mesh_solid, sack

__all__ = ["KINDS", "heaped", "liquid"]


def _bottle_rank(rng: np.random.Generator, room: Room, shape: Size, glass: float) -> list[Solid]:
    """A rank of bottles behind each other: body, neck, and the air above the liquid; shares of width, body and neck."""
    wide, body, neck = shape
    pitch = room.size[0]
    side = pitch * (1.0 - wide) / 2
    low = Room(room.x0 + side, room.x1 - side, room.y0, room.y1, room.z0, room.z0 + body * room.size[2])
    thin = pitch * (1.0 - neck) / 2
    top = Room(room.x0 + thin, room.x1 - thin, room.y0, room.y1, low.z1, room.z1)
    full = replace(low, z1=low.z0 + low.size[2] * rng.uniform(0.9, 1.0))
    return [
        bare(full, "glass" if glass > 0.3 else "water", 0.785 + 0.6 * glass),
        bare(top, "glass" if glass > 0.3 else "polyethylene", 0.25 + 0.5 * glass),
    ]


def _bottle_crate(rng: np.random.Generator) -> tuple[Size, Loader]:
    """Bottles in an open crate: size [m] of the crate, and what makes one."""
    pitch = float(rng.uniform(0.065, 0.1))
    count, height = int(rng.integers(3, 6)), float(rng.uniform(0.2, 0.34))
    shape = (float(rng.uniform(0.8, 0.95)), float(rng.uniform(0.5, 0.75)), float(rng.uniform(0.25, 0.5)))
    glass, returned = float(rng.uniform(0.3, 1.0)), rng.random() < 0.15
    crated = rng.random() < 0.7

    def make(rng: np.random.Generator, room: Room) -> list[Solid]:
        inner = inset(room, 0.01)
        solids = [bare(replace(room, z1=room.z0 + 0.01), "polyethylene", 0.7)]
        if crated:
            for x in (room.x0, room.x1 - 0.01):
                solids.append(bare(Room(x, x + 0.01, room.y0, room.y1, room.z0 + 0.01, room.z1 - 0.01), "polyethylene", 0.6))
        wide = inner.size[0] / count
        for k in range(count):
            if rng.random() < 0.02:
                continue
            rank = Room(inner.x0 + k * wide, inner.x0 + (k + 1) * wide, room.y0, room.y1, room.z0 + 0.011, room.z1 - 0.012)
            bottles = _bottle_rank(rng, rank, shape, glass)
            solids += [replace(s, density=0.3 * s.density) for s in bottles] if returned else bottles
        return solids

    return (count * pitch + 0.02, float(rng.uniform(0.3, 0.42)), height), make


def _bottles(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Crates or trays of bottles on pallets, or from the floor up."""
    size, make = _bottle_crate(rng)
    low = weighed(rng, room, 0.7)
    if rng.random() < 0.75:
        load = lambda r, p: stack(r, p, snug(size, p), make, Disorder(0.004, level=True), per_pallet(room))  # noqa: E731
        return on_pallets(rng, room, load, (0.8 * low.size[2], max(1.1 * low.size[2], 0.6)))
    return stack(rng, low, size, make, replace(disorder(rng, 0.7), level=rng.random() < 0.5), most=1100)


def _cans(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Cans on trays under film, layer upon layer: fine teeth at every edge, lids as lines."""
    height, pitch = float(rng.uniform(0.08, 0.17)), float(rng.uniform(0.065, 0.11))
    stuff, bulk = [("water", 0.85), ("food", 0.9), ("fruit", 0.8), ("meat", 0.85)][rng.integers(4)]
    lid = 1.2 if rng.random() < 0.5 else 0.4
    bond = rng.random() < 0.5

    def layer(rng: np.random.Generator, place: Room) -> list[Solid]:
        solids = [bare(replace(place, z0=place.z1 - 0.006), "steel" if lid > 1 else "aluminum", lid)]
        low = replace(place, z1=place.z1 - 0.007)
        shift = pitch / 2 if bond else 0.0
        count = int(np.clip(low.size[0] / pitch, 1, 6))
        wide, gap = (low.size[0] - shift) / count, rng.uniform(0.003, 0.007)
        for k in range(count):
            x = low.x0 + shift + k * wide
            solids.append(bare(replace(low, x0=x, x1=x + wide - gap), stuff, bulk * 0.78))
        return solids

    def load(rng: np.random.Generator, place: Room) -> list[Solid]:
        size = (place.size[0] / 2 * 0.99, place.size[1] * 0.99, height)
        return stack(rng, place, size, layer, Disorder(0.005, missing=0.01, level=True), per_pallet(room))

    low = weighed(rng, room, 0.65)
    low = replace(low, z1=min(low.z1, room.z0 + 0.5 * room.size[2] + 0.4))
    return on_pallets(rng, room, load, (max(low.size[2], 0.6), 0.51 * room.size[2]))


def heaped(
    rng: np.random.Generator,
    room: Room,
    material: str,
    bulk: float,
    angle: float,
    humps: int,
    columns: tuple[int, int] = (15, 5),
) -> list[Solid]:
    """What was poured into a room: humps with slopes no steeper than an angle of repose.

    Parameters
    ----------
    rng : numpy.random.Generator
    room : Room
    material : str
    bulk : float [g/cm³]
    angle : float [rad]
        Of repose.
    humps : int
        Places where it was poured; 0 for a level surface.
    columns : (int, int)
        Points of the surface, along and across.

    Returns
    -------
    list of Solid
        One mesh, or nothing where the room is too flat.
    """
    if min(room.size) < 0.05:
        return []
    xs, ys = np.linspace(room.x0, room.x1, columns[0]), np.linspace(room.y0, room.y1, columns[1])
    gx, gy = np.meshgrid(xs, ys, indexing="ij")
    slope = np.tan(angle)
    top = np.full(gx.shape, room.z0 + 0.02 + room.size[2] * rng.uniform(0.25, 0.75) * (humps == 0))
    for k in range(humps):
        x = room.x0 + room.size[0] * (k + rng.uniform(0.35, 0.65)) / humps
        y = rng.normal((room.y0 + room.y1) / 2, 0.15 * room.size[1])
        peak = room.z0 + room.size[2] * rng.uniform(0.75, 1.0)
        top = np.maximum(top, peak - slope * np.hypot(gx - x, 0.7 * (gy - y)))
    top = np.clip(top + rng.normal(0.0, 0.02, top.shape), room.z0 + 0.01, room.z1)
    return [_under(gx, gy, top, room.z0, (material, bulk))]


def _under(gx: np.ndarray, gy: np.ndarray, top: np.ndarray, floor: float, stuff: tuple[str, float]) -> Solid:
    """All between a surface on a grid and the floor."""
    m, n = gx.shape
    upper = np.stack([gx, gy, top], -1).reshape(-1, 3)
    rim = [(i, 0) for i in range(m)] + [(m - 1, j) for j in range(1, n)]
    rim += [(i, n - 1) for i in range(m - 2, -1, -1)] + [(0, j) for j in range(n - 2, 0, -1)]
    around = np.array([i * n + j for i, j in rim])
    lower = upper[around].copy()
    lower[:, 2] = floor
    middle = np.array([[gx.mean(), gy.mean(), floor]])
    base, last = len(upper), len(upper) + len(lower)
    faces = []
    for i in range(m - 1):
        for j in range(n - 1):
            a, b, c, d = i * n + j, (i + 1) * n + j, (i + 1) * n + j + 1, i * n + j + 1
            faces += [(a, b, c), (a, c, d)]
    for k in range(len(around)):
        follow = (k + 1) % len(around)
        a, b, c, d = around[k], around[follow], base + follow, base + k
        faces += [(d, c, b), (d, b, a), (last, c, d)]
    return mesh_solid(np.concatenate([upper, lower, middle]), np.array(faces), *stuff)


_POURED = (
    ("grain", 0.76, 0.45), ("grain", 0.65, 0.4), ("sugar", 0.85, 0.6), ("salt", 1.15, 0.6), ("sand", 1.55, 0.6),
    ("fertilizer", 0.95, 0.5), ("polyethylene", 0.56, 0.55), ("cellulose", 0.28, 0.7), ("stone", 1.5, 0.65),
)  # fmt: skip
"""What is poured: material, bulk density [g/cm³] and angle of repose [rad]: wheat, seeds, sugar, salt, sand, fertilizer,
granulate, wood chips, gravel."""


def _bulk(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Grain, sand or granulate, poured through hatches or shoveled; lumps here and there; a board at the end in boxes."""
    stuff, bulk, angle = _POURED[rng.integers(len(_POURED))]
    low = weighed(rng, room, bulk * 0.7)
    humps = int(rng.integers(0, max(int(room.size[0] / 2.0), 1) + 1))
    points = (int(np.clip(room.size[0] * 2.5, 8, 26)), 5)
    solids = heaped(rng, low, stuff, bulk * spread(rng, 0.05), angle, humps, points)
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(2, 12))):
            x, y = rng.uniform(low.x0 + 0.2, low.x1 - 0.2), rng.uniform(low.y0 + 0.2, low.y1 - 0.2)
            half = rng.uniform(0.05, 0.2, 3)
            solids.append(ellipsoid((x, y, low.z0 + 0.2), tuple(half), stuff, bulk * rng.uniform(1.03, 1.2)))
    if rng.random() < 0.4:
        board = box((low.x1 - 0.05, low.y0, low.z0), (low.x1 - 0.025, low.y1, min(low.z1 + 0.2, room.z1)), "wood", 0.55)
        solids.append(board)
    return within(solids, room)


def _fruit_crates(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Crates of round fruit on pallets: rows of round shadows behind thin walls; small fruit lies on more of it."""
    large = rng.random() < 0.4
    girth, count = (float(rng.uniform(0.08, 0.14)), 3) if large else (float(rng.uniform(0.035, 0.05)), 5)
    height, dense = float(girth * (2.3 if large else 4.2) + 0.03), float(rng.uniform(0.75, 0.95))
    walled = rng.random() < 0.6

    def crate(rng: np.random.Generator, room: Room) -> list[Solid]:
        solids = [bare(replace(room, z1=room.z0 + 0.012), "wood", 0.45)]
        if walled:
            solids.append(bare(replace(room, x1=room.x0 + 0.009, z0=room.z0 + 0.012), "wood", 0.4))
        pitch, top = (room.size[0] - 0.02) / count, room.z1 - 0.02
        if not large:
            below = replace(room, x0=room.x0 + 0.01, z0=room.z0 + 0.013, z1=top - 2 * girth)
            solids.append(bare(below, "fruit", dense * 0.62))
        for k in range(count):
            own = min(girth, pitch / 2) * rng.uniform(0.85, 1.0)
            at = (room.x0 + 0.01 + (k + 0.5) * pitch, (room.y0 + room.y1) / 2, top - 2 * girth + own)
            solids.append(cylinder(at, own, room.size[1] * 0.96, "fruit", dense * 0.8, axis="y"))
        return solids

    size = (2 * girth * count + 0.03, 1.15, height)
    low = weighed(rng, room, 0.45)
    load = lambda r, p: stack(  # noqa: E731
        r, p, (snug(size, p)[0], p.size[1] * 0.98, height), crate, Disorder(0.006, missing=0.01, level=True), per_pallet(room)
    )
    return on_pallets(rng, room, load, (1.4, max(min(low.size[2], 2.4 if large else 2.0), 1.5)))


def _net_sacks(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Onions, potatoes or cabbage in net sacks: lumpy sacks, piled to the roof and slipping."""
    lump, bulk = float(rng.uniform(0.04, 0.09)), float(rng.uniform(0.5, 0.68))

    def net(rng: np.random.Generator, place: Room) -> list[Solid]:
        length, depth, height = place.size
        middle = ((place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2, (place.z0 + place.z1) / 2)
        solids = [sack(middle, (length / 2, depth / 2, height / 2 * 1.08), "fruit", bulk * spread(rng, 0.05))]
        for _ in range(3):
            at = (rng.uniform(place.x0 + lump, place.x1 - lump), middle[1], rng.uniform(place.z0 + 0.05, place.z1 - 0.03))
            solids.append(cylinder(at, lump, depth * rng.uniform(0.5, 0.95), "fruit", min(bulk * 1.45, 0.95), axis="y"))
        return solids

    size = (float(rng.uniform(0.4, 0.8)), float(rng.uniform(0.4, 0.55)), float(rng.uniform(0.18, 0.28)))
    low = weighed(rng, room, bulk * 0.85)
    mess = replace(disorder(rng, 1.8), crush=rng.uniform(0.05, 0.2), tilted=rng.uniform(0.1, 0.3))
    if rng.random() < 0.3:
        draw = lambda r: (size[0] * spread(r, 0.1), size[1] * spread(r, 0.1), size[2])  # noqa: E731
        return heap(rng, low, draw, net, 260, sink=0.2, most=900)
    return stack(rng, low, size, net, mess, most=900, bond=True)


def _frozen(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Frozen goods: dense boxes from the grating to the red line below the roof, nearly without gaps, or on pallets."""
    low = replace(room, z0=room.z0 + 0.06, z1=room.z1 - 0.15 * room.size[2] * rng.random())
    product = carton(rng, "frozen")
    solids = [
        box((room.x0, y, room.z0), (room.x1, y + 0.03, room.z0 + 0.05), "aluminum", 1.2)
        for y in steps(room.y0, room.y1, 0.03, 0.25)
    ]
    if low.size[2] < 0.3:
        return solids
    low = weighed(rng, low, product.bulk)
    if rng.random() < 0.5:
        mess = Disorder(shift=rng.uniform(0.001, 0.005), missing=rng.uniform(0, 0.01), lanes=rng.uniform(0.0, 0.5))
        return solids + stack(rng, low, product.size, product.make, mess, 1100, bond=rng.random() < 0.4)
    load = lambda r, p: stack(r, p, snug(product.size, p), product.make, Disorder(0.003, level=True), per_pallet(room))  # noqa: E731
    return solids + on_pallets(rng, low, load, (0.7 * low.size[2], low.size[2]), missing=0.02)


def _meat(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Carcasses and quarters on hooks from rails below the roof, close together, swung aside; boxes of offal below."""
    solids: list[Solid] = []
    rails = steps(room.y0 + 0.1, room.y1 - 0.3, rng.uniform(0.4, 0.55)) or [room.y0 + 0.1]
    large, roof = rng.random() < 0.5, room.z1 - 0.12
    long = min(rng.uniform(1.2, 1.9) if large else rng.uniform(0.7, 1.2), room.size[2] - 0.4)
    wide = 0.2 * long + 0.02
    for y in rails:
        solids.append(box((room.x0, y + 0.19, roof), (room.x1, y + 0.21, roof + 0.06), "steel", STEEL * 0.5))
        x = room.x0 + wide + rng.uniform(0.0, 0.2)
        while x < room.x1 - wide:
            own = long * rng.uniform(0.85, 1.0)
            solids += _carcass(rng, (x + rng.normal(0, 0.03), y + 0.2, roof), own, 0.42 * wide)
            x += wide * rng.uniform(0.95, 1.5)
    if rng.random() < 0.3 and room.size[2] - long > 0.8:
        product = carton(rng, "frozen")
        solids += stack(rng, replace(room, z1=room.z0 + 0.5), product.size, product.make, disorder(rng), most=200)
    return within(solids, room)


def _carcass(rng: np.random.Generator, hook: Size, length: float, radius: float) -> list[Solid]:
    """Half a carcass: leg above, trunk with its ribs and hollow, shoulder below, bones within."""
    x, y, z = hook
    top, yaw = z - 0.12, rng.uniform(-1.5, 1.5)
    trunk = (x, y, top - 0.62 * length)
    parts = [
        ellipsoid((x, y, top - 0.24 * length), (0.75 * radius, 0.6 * radius, 0.24 * length), "meat", 1.04),
        ellipsoid(trunk, (1.1 * radius, 0.7 * radius, 0.38 * length), "meat", 1.03),
        ellipsoid((x + 0.25 * radius, y + 0.15 * radius, trunk[2]), (0.6 * radius, 0.5 * radius, 0.28 * length), "meat", 0.35),
        ellipsoid((x - 0.2 * radius, y, top - 0.86 * length), (0.8 * radius, 0.6 * radius, 0.13 * length), "meat", 1.04),
        capsule((x, y, top - 0.05), (x + 0.1 * radius, y, top - 0.42 * length), 0.02, "bone", 1.6),
        capsule((x - 0.8 * radius, y, top - 0.4 * length), (x - 0.7 * radius, y, top - 0.85 * length), 0.018, "bone", 1.5),
    ]
    solids = leaning(parts, rng.normal(0.0, 0.04), rng.normal(0.0, 0.03), yaw)
    return [capsule((x, y, z), (x, y, top - 0.03), 0.007, "steel", STEEL), *solids]


def _fish(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Fish on ice in polystyrene boxes: light walls around dense slabs, gaps between the lids."""
    size = (float(rng.uniform(0.55, 0.8)), 0.4, float(rng.uniform(0.14, 0.25)))
    level, ice = float(rng.uniform(0.5, 0.85)), rng.random() < 0.7

    def one(rng: np.random.Generator, place: Room) -> list[Solid]:
        inner = inset(place, 0.025, 0.025, 0.022)
        fish = replace(inner, z1=inner.z0 + inner.size[2] * level * spread(rng, 0.06))
        solids = [*hollow(inset(place, 0.002, 0.002, 0.001), 0.022, "foam", 0.03), bare(fish, "meat", 0.85)]
        if ice and inner.z1 - fish.z1 > 0.01:
            solids.append(bare(replace(inner, z0=fish.z1, z1=min(fish.z1 + 0.03, inner.z1)), "water", 0.5))
        return solids

    low = weighed(rng, room, 0.45)
    if rng.random() < 0.5:
        return stack(rng, low, size, one, disorder(rng))
    load = lambda r, p: stack(r, p, snug(size, p), one, Disorder(0.008, missing=0.02, level=True), per_pallet(room))  # noqa: E731
    return on_pallets(rng, room, load, (0.6 * low.size[2], low.size[2]))


def _plants(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Pots and cut flowers on trolleys with shelves."""
    shelf = float(rng.uniform(0.25, 0.6))

    def trolley(rng: np.random.Generator, place: Room) -> list[Solid]:
        solids: list[Solid] = []
        for x in (place.x0, place.x1 - 0.03):
            for y in (place.y0, place.y1 - 0.03):
                solids.append(box((x, y, place.z0 + 0.15), (x + 0.03, y + 0.03, place.z1), "steel", 2.0))
        for k, x in enumerate((place.x0 + 0.08, place.x1 - 0.14)):
            solids.append(cylinder((x + 0.03, place.y0 + 0.1 + 0.01 * k, place.z0 + 0.06), 0.06, 0.03, "rubber", 1.3, axis="y"))
        for z in steps(place.z0 + 0.15, place.z1, shelf):
            solids.append(box((place.x0 + 0.03, place.y0, z), (place.x1 - 0.03, place.y1, z + 0.018), "wood", 0.6))
            if rng.random() < 0.08:
                continue
            for x in steps(place.x0 + 0.05, place.x1 - 0.05, rng.uniform(0.14, 0.3), 0.01):
                solids += _pot(rng, Room(x, x + 0.13, place.y0 + 0.03, place.y1 - 0.03, z + 0.019, z + shelf - 0.02))
        return solids

    size = (1.35, 0.565, min(float(rng.uniform(1.5, 2.2)), room.size[2]))
    return stack(rng, replace(room, z1=room.z0 + size[2] + 0.01), size, trolley, Disorder(0.03, missing=0.06), 1300)


def _pot(rng: np.random.Generator, place: Room) -> list[Solid]:
    """A row of pots across, earth in them, leaves above."""
    y = (place.y0 + place.y1) / 2
    deep = min(0.11, 0.5 * place.size[2])
    middle = (place.x0 + place.x1) / 2
    solids: list[Solid] = [bare(replace(place, z1=place.z0 + deep), "sand", float(rng.uniform(0.3, 0.6)))]
    leaf = place.size[2] - deep
    if leaf > 0.04:
        half = (rng.uniform(0.06, 0.12), place.size[1] / 2, leaf / 2 * rng.uniform(0.5, 1.0))
        solids.append(ellipsoid((middle, y, place.z0 + deep + half[2]), half, "fruit", float(rng.uniform(0.02, 0.08))))
    return solids


def liquid(room: Room, level: float, material: str, bulk: float, points: int = 28) -> list[Solid]:
    """Liquid with a level surface in a lying vessel, round in section, that touches the walls of a room.

    Parameters
    ----------
    room : Room
    level : float
        Share of the height.
    material : str
    bulk : float [g/cm³]
    points : int
        Of the section.

    Returns
    -------
    list of Solid
        One mesh.
    """
    reach = np.arccos(np.clip(1.0 - 2.0 * level, -1.0, 1.0))
    angles = np.linspace(-reach, reach, points)
    section = np.stack([np.sin(angles) * room.size[1] / 2, -np.cos(angles) * room.size[2] / 2], 1)
    surface = float(section[0, 1])
    dish = min(0.12 * room.size[2], 0.2 * room.size[0])
    rings = []
    for x, share in ((room.x0, 0.6), (room.x0 + dish, 1.0), (room.x1 - dish, 1.0), (room.x1, 0.6)):
        ring = section * share
        ring[:, 1] = np.minimum(ring[:, 1], surface)
        ring[:, 1] = np.where(np.arange(points) % (points - 1) == 0, surface, ring[:, 1])
        rings.append(np.concatenate([np.full((points, 1), x), ring], 1))
    vertices = np.concatenate(rings) + [0.0, (room.y0 + room.y1) / 2, (room.z0 + room.z1) / 2]
    faces: list[tuple[int, int, int]] = []
    for r in range(3):
        for k in range(points):
            a, b = r * points + k, r * points + (k + 1) % points
            faces += [(a, b, b + points), (a, b + points, a + points)]
    last = 3 * points
    for k in range(1, points - 1):
        faces += [(0, k + 1, k), (last, last + k, last + k + 1)]
    whole = mesh_solid(vertices, np.array(faces), material, bulk)
    assert whole.mesh is not None
    if whole.mesh.volume < 0:
        whole = mesh_solid(vertices, np.array(faces)[:, ::-1], material, bulk)
    return [whole]


_TANKED = (("water", 1.0), ("oil", 0.75), ("oil", 0.92), ("alcohol", 0.8), ("food", 1.05), ("food", 1.4), ("salt", 1.25))


def _tank(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Liquid in a vessel, to a level; baffles."""
    stuff, bulk = _TANKED[rng.integers(len(_TANKED))]
    level = rng.choice([rng.uniform(0.8, 0.97), rng.uniform(0.2, 0.8), rng.uniform(0.02, 0.06)], p=[0.6, 0.25, 0.15])
    inner = inset(room, 0.01, 0.01, 0.01)
    solids = liquid(inner, float(level), stuff, bulk)
    if rng.random() < 0.4:
        middle = ((room.y0 + room.y1) / 2, (room.z0 + room.z1) / 2)
        radius = 0.42 * min(room.size[1:])
        for x in np.linspace(room.x0, room.x1, int(rng.integers(3, 6)))[1:-1]:
            solids.append(cylinder((float(x), *middle), radius, 0.006, "steel", STEEL, axis="x"))
    return solids


def _flexitank(rng: np.random.Generator, room: Room) -> list[Solid]:
    """A flexitank: a bag of 16 to 24 m³ lying on the floor, bulging, behind a bulkhead of boards and bars at the doors."""
    stuff, bulk = _TANKED[rng.integers(len(_TANKED))]
    long = min(room.size[0] - 0.12, 5.85) if room.size[0] > 0.5 else room.size[0] * 0.8
    height = min(rng.uniform(0.9, 1.5), 0.75 * room.size[2])
    y, half = (room.y0 + room.y1) / 2, room.size[1] / 2
    x = room.x0 + 0.02 + long / 2
    gx, gy = np.meshgrid(np.linspace(-1, 1, 15), np.linspace(-1, 1, 9), indexing="ij")
    bulge = height * np.sqrt(np.clip(1.0 - np.abs(gx) ** rng.uniform(5, 12), 0.0, 1.0) * np.clip(1.0 - gy**6, 0.0, 1.0))
    bulge *= 1.0 - rng.uniform(0.0, 0.12) * gx**2 + rng.uniform(0.0, 0.03) * np.sin(5.0 * gx)
    solids = [
        _under(x + gx * long / 2, y + gy * half, room.z0 + 0.01 + 0.96 * bulge, room.z0, (stuff, bulk)),
        cylinder((x + rng.uniform(-0.3, 0.3) * long, y, room.z0 + height), 0.06, 0.1, "polyethylene", 0.9),
    ]
    end = x + long / 2 + 0.02
    for z in steps(room.z0 + 0.15, room.z0 + height + 0.3, 0.3):
        solids.append(box((end + 0.02, room.y0, z), (end + 0.07, room.y1, z + 0.05), "steel", 1.8))
    solids.append(box((end, room.y0, room.z0), (end + 0.018, room.y1, room.z0 + height + 0.2), "wood", 0.55))
    return within(solids, room)


def _kegs(rng: np.random.Generator, room: Room) -> list[Solid]:
    """Beer kegs or milk churns, full or returned, in layers on pallets."""
    radius, height = float(rng.uniform(0.18, 0.205)), float(rng.uniform(0.36, 0.6))
    full = rng.random() < 0.7

    def keg(rng: np.random.Generator, place: Room) -> list[Solid]:
        x, y, z = (place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2, (place.z0 + place.z1) / 2
        own = 1.0 if (full and rng.random() > 0.03) else 0.0
        return [
            cylinder((x, y, place.z1 - 0.025), radius * 0.9, 0.045, "steel", 1.0),
            cylinder((x, y, z - 0.015), radius, place.size[2] - 0.06, "steel", STEEL),
            cylinder((x, y, z - 0.015), radius - 0.0016, place.size[2] - 0.063, "water", own),
        ]

    size = (2 * radius + 0.005, 2 * radius + 0.005, height)
    low = weighed(rng, room, 0.65 if full else 0.2)
    load = lambda r, p: stack(r, p, size, keg, Disorder(0.004, missing=0.01, level=True), 1e9)  # noqa: E731
    return on_pallets(rng, room, load, (height + PALLET + 0.03, max(low.size[2], height + PALLET + 0.05)))


KINDS: tuple[LoadKind, ...] = (
    LoadKind("bottles in crates", "drinks", _bottles),
    LoadKind("cans", "drinks", _cans),
    LoadKind("kegs", "drinks", _kegs),
    LoadKind("bulk goods", "bulk", _bulk, ("box", "open", "bulk")),
    LoadKind("fruit in crates", "produce", _fruit_crates),
    LoadKind("vegetables in net sacks", "produce", _net_sacks, ("box", "open")),
    LoadKind("frozen boxes", "cold", _frozen),
    LoadKind("meat on hooks", "cold", _meat),
    LoadKind("fish in boxes", "cold", _fish),
    LoadKind("plants on trolleys", "produce", _plants),
    LoadKind("flexitank", "liquids", _flexitank),
    LoadKind("tank liquid", "liquids", _tank, ("tank",)),
)
