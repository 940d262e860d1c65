"""Arranging pieces: stacks, rows and heaps, and the disorder of real loads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xrayscan.simulate.solid import Room, Solid, box, moved, rotation, turned

__all__ = [
    "STEEL", "Disorder", "Ground", "LoadKind", "Loader", "Size", "bare", "bounds", "disorder", "heap", "hollow", "inset",
    "leaning", "middle", "row", "skyline", "spread", "stack", "steps", "toppled", "triple", "weighed", "within",
]  # fmt: skip

Loader = Callable[[np.random.Generator, Room], list[Solid]]
"""Fills a room. Whatever fills a carton, a pallet's place or a whole wagon is one."""
STEEL = 7.85
Size = tuple[float, float, float]
"""Along, across, up [m]."""
LEAST = 1e-3  # thinner solids are dropped [m]


@dataclass(frozen=True)
class LoadKind:
    """A kind of load.

    Attributes
    ----------
    name : str
    family : str
        Kinds of one family are of one trade; a draw takes families first.
    fill : callable of (numpy.random.Generator, Room) to list of Solid
    rooms : tuple of str
        Kinds of room it goes into: "box", "open", "tank", "bulk".
    """

    name: str
    family: str
    fill: Loader
    rooms: tuple[str, ...] = ("box",)


@dataclass(frozen=True)
class Disorder:
    """How far a load is from a perfect grid.

    Attributes
    ----------
    shift : float [m]
        Standard deviation of a piece's distance from its place.
    lean : float
        Standard deviation of the slope of leaning stacks, along the travel.
    missing : float
        Share of pieces that are not there.
    crush : float
        Share of its height that the lowest piece of a high stack loses.
    tilt : float [rad]
        Standard deviation of the tilt of the pieces that are tilted at all.
    tilted : float
        Share of pieces that are tilted.
    lanes : float
        How far lanes side by side are shifted against each other, as a share of a piece's length.
    collapse : float
        How likely it is that the last stacks have fallen over.
    level : bool
        Stacked to the full height everywhere, but for a few pieces of the top layer; otherwise as `skyline` draws it.
    """

    shift: float = 0.004
    lean: float = 0.0
    missing: float = 0.0
    crush: float = 0.0
    tilt: float = 0.05
    tilted: float = 0.0
    lanes: float = 0.0
    collapse: float = 0.0
    level: bool = False


def disorder(rng: np.random.Generator, mess: float = 1.0) -> Disorder:
    """Draw a disorder: ``mess`` 0.3 for careful shippers, 1 for most, 3 for loads after a rough voyage."""
    leans = rng.random() < 0.35 * mess
    return Disorder(
        shift=mess * rng.uniform(0.002, 0.015),
        lean=min(mess, 2.0) * rng.uniform(0.01, 0.06) if leans else 0.002,
        missing=mess * rng.uniform(0.0, 0.03),
        crush=min(mess, 2.0) * rng.uniform(0.0, 0.08),
        tilt=min(mess, 2.0) * rng.uniform(0.02, 0.12),
        tilted=min(0.3, mess * rng.uniform(0.0, 0.08)),
        collapse=0.12 * mess,
        lanes=float(rng.choice([0.0, rng.uniform(0.0, 0.2), rng.uniform(0.1, 0.6)])),
    )


def spread(rng: np.random.Generator, share: float) -> float:
    """A factor about 1, log-normal, with this relative standard deviation."""
    return float(np.exp(rng.normal(0.0, share)))


def steps(low: float, high: float, size: float, gap: float = 0.0) -> list[float]:
    """Lower edges of as many pieces as fit between two places [m]."""
    count = int((high - low + gap + 1e-9) / (size + gap)) if size + gap > 0 else 0
    return [low + k * (size + gap) for k in range(max(count, 0))]


def weighed(rng: np.random.Generator, room: Room, bulk: float) -> Room:
    """A room made so low that a load of this bulk density [g/cm³] is not too heavy for what carries it.

    A van takes about half a tonne for each meter of its length, a container or trailer up to 4.4 t, 27 t in all, a wagon more.
    """
    length, depth, height = room.size
    limit = 0.6 * length if depth < 2.0 else min(4.4 * length, 27.0) if length < 13.9 else 4.2 * length
    fitting = limit * rng.uniform(0.8, 1.2) / max(length * depth * bulk, 1e-6)
    return replace(room, z1=room.z0 + min(height, max(fitting, 0.3)))


def inset(room: Room, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Room:
    """A room made smaller by so much on either side [m], and above and below."""
    return Room(room.x0 + x, room.x1 - x, room.y0 + y, room.y1 - y, room.z0 + z, room.z1 - z)


def middle(room: Room) -> Size:
    """Its middle [m]."""
    return (room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2, (room.z0 + room.z1) / 2


def triple(values: Iterable[float]) -> Size:
    """Three numbers as a tuple."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def bounds(solids: Sequence[Solid]) -> Room:
    """The upright box that holds solids."""
    center = np.array([s.center for s in solids])
    reach = np.array([s.reach for s in solids])
    (x0, y0, z0), (x1, y1, z1) = (center - reach).min(0), (center + reach).max(0)
    return Room(*(float(v) for v in (x0, x1, y0, y1, z0, z1)))


def hollow(outer: Room, wall: float, material: str, density: float, inside: float = 0.0) -> list[Solid]:
    """A box with walls of a thickness [m], and what is bulk inside it: air, or the same material at another density [g/cm³]."""
    inner = inset(outer, wall, wall, wall)
    solids = [bare(outer, material, density)]
    if min(inner.size) > LEAST:
        solids.append(bare(inner, material, inside))
    return solids


def bare(room: Room, material: str, density: float) -> Solid:
    """A box that fills a room; density in g/cm³."""
    return box((room.x0, room.y0, room.z0), (room.x1, room.y1, room.z1), material, density)


def within(solids: Sequence[Solid], room: Room, slack: float = 0.005) -> list[Solid]:
    """Solids as far as they are within a room.

    Upright boxes are cut. What else sticks out is pushed in where it fits, made smaller where it is a little too large, and
    dropped otherwise.

    Parameters
    ----------
    solids : sequence of Solid
    room : Room
    slack : float [m]
        How far a solid may stick out without being touched.

    Returns
    -------
    list of Solid
    """
    low = np.array([room.x0, room.y0, room.z0])
    high = np.array([room.x1, room.y1, room.z1])
    found = []
    for solid in solids:
        center, reach = np.asarray(solid.center), solid.reach
        if np.all(center - reach >= low - slack) and np.all(center + reach <= high + slack):
            found.append(solid)
            continue
        if solid.shape == "box" and np.array_equal(solid.turn, np.eye(3)):
            lower, upper = np.maximum(center - reach, low), np.minimum(center + reach, high)
            if np.all(upper - lower > LEAST):
                found.append(box(tuple(lower), tuple(upper), solid.material, solid.density))
            continue
        fitting = _pushed(solid, low, high)
        if fitting is not None:
            found.append(fitting)
    return found


def _pushed(solid: Solid, low: np.ndarray, high: np.ndarray) -> Solid | None:
    """A solid moved into a box, made smaller by up to a fifth; None where that is not enough or its middle was outside."""
    center = np.asarray(solid.center)
    if np.any(center < low) or np.any(center > high):
        return None
    scale = float(np.min((high - low) / (2 * solid.reach)))
    if scale < 1.0:
        if scale < 0.8 or solid.shape == "mesh":
            return None
        solid = replace(solid, half=triple(scale * 0.999 * h for h in solid.half))
    reach = solid.reach
    center = np.minimum(np.maximum(center, low + reach), high - reach)
    return replace(solid, center=triple(center))


def skyline(rng: np.random.Generator, room: Room, columns: int, least: float = 0.0) -> np.ndarray:
    """How high a load stands, along the travel.

    Level, half-height, sloping, stairs towards one end, ragged, in humps, or with a stack taken out; under the roof mostly.

    Parameters
    ----------
    rng : numpy.random.Generator
    room : Room
    columns : int
        Places along the travel.
    least : float [m]
        Height of a piece: less is never asked for, except where a stack is missing.

    Returns
    -------
    ndarray, shape (columns,) [m]
        z of the top.
    """
    at, height = np.linspace(0.0, 1.0, columns), room.size[2]
    floor = min(room.z0 + least + 1e-6, room.z1)
    full = rng.choice([rng.uniform(0.82, 1.0), rng.uniform(0.45, 0.85), rng.uniform(0.2, 0.5)], p=[0.6, 0.28, 0.12])
    tops = np.full(columns, float(full))
    outline = rng.choice(["level", "ragged", "stairs", "slope", "humps", "taken"], p=[0.34, 0.24, 0.14, 0.08, 0.1, 0.1])
    if outline == "ragged":
        tops -= np.abs(rng.normal(0.0, rng.uniform(0.03, 0.12), columns))
    elif outline == "stairs":
        start, end = rng.uniform(0.4, 0.9), rng.uniform(0.1, 0.7) * full
        tops -= np.clip((at - start) / max(1.0 - start, 0.05), 0.0, 1.0) * (full - end)
    elif outline == "slope":
        tops *= 1.0 - rng.uniform(0.1, 0.6) * (at if rng.random() < 0.7 else 1.0 - at)
    elif outline == "humps":
        wave = np.sin(at * rng.uniform(2.0, 5.0) * np.pi + rng.uniform(0.0, 6.0))
        tops *= 1.0 - rng.uniform(0.05, 0.25) * (1.0 + wave)
    tops = np.maximum(room.z0 + height * tops, floor)
    if outline == "taken":
        first, wide = rng.uniform(0.1, 0.9), rng.uniform(0.02, 0.12)
        tops = np.where(np.abs(at - first) < wide, room.z0 + (tops - room.z0) * rng.uniform(0.0, 0.6), tops)
    return tops


def stack(
    rng: np.random.Generator,
    room: Room,
    size: Size,
    make: Loader,
    mess: Disorder | None = None,
    most: float = 1000,
    bond: bool = False,
) -> list[Solid]:
    """Pieces of one size, stacked from the floor.

    Parameters
    ----------
    rng : numpy.random.Generator
    room : Room
    size : (float, float, float) [m]
        Of a piece: along, across, up.
    make : Loader
        Makes one piece in its place.
    mess : Disorder, optional
        Drawn where not given.
    most : float
        Solids at most: where more would be needed, several pieces behind each other across become one, then several along.
    bond : bool
        Every other layer shifted by half a piece, as bricks are.

    Returns
    -------
    list of Solid
    """
    mess = disorder(rng) if mess is None else mess
    if any(s > 1.7 * r for s, r in zip(size, room.size, strict=True)) or min(room.size) < 0.03:
        return []
    size = _merged(rng, room, size, make, most)
    gap = float(mess.shift * rng.uniform(0.3, 1.5))
    xs, ys = steps(room.x0, room.x1, size[0], gap), steps(room.y0, room.y1, size[1], 0.3 * gap)
    if not xs or not ys:
        return []
    tops = np.full(len(xs), room.z1) if mess.level else skyline(rng, room, len(xs), size[2])
    falls = len(xs) > 4 and rng.random() < mess.collapse
    upright = len(xs) - (int(rng.integers(1, 2 + len(xs) // 6)) if falls else 0)
    slack = room.size[1] - len(ys) * (size[1] + 0.3 * gap)
    lanes = size[0] * mess.lanes * rng.uniform(-0.5, 1.0, len(ys)) * (len(ys) > 1)
    solids: list[Solid] = []
    for x, top, slope in zip(xs[:upright], tops, _slopes(rng, len(xs), mess.lean), strict=False):
        left = slack
        for y, lane in zip(ys, lanes, strict=True):
            left -= left * rng.random() * 0.5
            start = y + slack - left
            if not room.x0 - 1e-6 <= x + lane <= room.x1 - size[0] + 1e-6:
                continue
            own = top - (size[2] if rng.random() < 0.08 else 0.0)
            column = Room(float(x + lane), float(x + lane + size[0]), start, start + size[1], room.z0, float(own))
            solids += _column(rng, column, size, make, mess, (float(slope), 0.5 * size[0] if bond else 0.0))
    if upright < len(xs):
        end = replace(room, x0=xs[upright - 1] + size[0], z1=float(room.z0 + 0.8 * (tops[upright] - room.z0)))
        solids += _fallen(rng, end, size, make, (len(xs) - upright) * len(ys))
    return within(solids, room)


def _fallen(rng: np.random.Generator, room: Room, size: Size, make: Loader, stacks: int) -> list[Solid]:
    """What stacks at the end of a load have become that fell over."""

    def tumbled(rng: np.random.Generator, place: Room) -> list[Solid]:
        return leaning(make(rng, place), rng.normal(0.0, 0.3), rng.normal(0.0, 0.1), rng.normal(0.0, 0.4))

    if min(room.size) < 0.1:
        return []
    count = int(stacks * max(room.size[2] / size[2], 1.0) * 0.7) + 1
    return heap(rng, room, lambda rng: size, tumbled, min(count, 40), sink=0.3)


def _merged(rng: np.random.Generator, room: Room, size: Size, make: Loader, most: float) -> Size:
    """A size, no larger than the room, of which no more fit than make so many solids."""
    length, depth, height = (min(s, 0.999 * r) for s, r in zip(size, room.size, strict=True))
    sample = Room(room.x0, room.x0 + length, room.y0, room.y0 + depth, room.z0, room.z0 + height)
    pieces = most / max(len(make(rng, sample)), 1)
    counts = [max(int(r / s), 1) for r, s in zip(room.size, (length, depth, height), strict=True)]
    along = across = 1
    while np.prod(counts) / (along * across) > pieces:
        if across < min(counts[1], 3 if along < 2 else counts[1]):
            across += 1
        elif along < counts[0]:
            along += 1
        else:
            break
    whole = [
        min(own * count / -(-count // merged), space / -(-count // merged) - 0.012) if merged > 1 else own
        for own, count, merged, space in zip((length, depth), counts, (along, across), room.size, strict=False)
    ]
    return whole[0], whole[1], height


def _slopes(rng: np.random.Generator, count: int, lean: float) -> np.ndarray:
    """Slopes of neighboring stacks: groups lean together."""
    slopes, first = np.zeros(count), 0
    while first < count:
        length = int(rng.integers(1, 9))
        slopes[first : first + length] = rng.normal(0.0, lean)
        first += length
    return slopes


def _column(
    rng: np.random.Generator,
    column: Room,
    size: Size,
    make: Loader,
    mess: Disorder,
    lean: tuple[float, float],
) -> list[Solid]:
    """One stack, piece upon piece: slope of its lean, and shift of every other layer."""
    solids: list[Solid] = []
    slope, bond = lean
    count = int((column.size[2] + 1e-6) / size[2])
    z = column.z0
    for k in range(count):
        height = size[2] * (1.0 - mess.crush * (count - 1 - k) / max(count, 6) * rng.uniform(0.5, 1.5))
        if k + 1 < count or count == 1 or rng.random() > mess.missing * 4:
            dx = slope * (z - column.z0) + rng.normal(0.0, mess.shift) + (bond if k % 2 else 0.0)
            dy = rng.normal(0.0, mess.shift)
            cell = Room(column.x0 + dx, column.x0 + dx + size[0], column.y0 + dy, column.y1 + dy, z, z + height)
            if rng.random() >= mess.missing:
                piece = make(rng, cell)
                if rng.random() < mess.tilted:
                    piece = leaning(piece, rng.normal(0.0, mess.tilt))
                solids += piece
        z += height
    return solids


def leaning(solids: Sequence[Solid], pitch: float, roll: float = 0.0, yaw: float = 0.0) -> list[Solid]:
    """Solids turned together about the middle of what they stand on [rad]."""
    if not solids:
        return []
    room = bounds(solids)
    foot = ((room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2, room.z0)
    turn = rotation(yaw, pitch, roll)
    return [turned(s, turn, foot) for s in solids]


def toppled(rng: np.random.Generator, solids: Sequence[Solid], room: Room) -> list[Solid]:
    """Solids turned together by any angle, fallen to the floor of a room at a place in it."""
    if not solids:
        return []
    fallen = leaning(solids, rng.uniform(-1.6, 1.6), rng.normal(0.0, 0.3), rng.uniform(-1.6, 1.6))
    now = bounds(fallen)
    shift = [
        rng.uniform(low, max(high, low)) - own
        for low, high, own in ((room.x0, room.x1 - now.size[0], now.x0), (room.y0, room.y1 - now.size[1], now.y0))
    ]
    return within([moved(s, (shift[0], shift[1], room.z0 - now.z0)) for s in fallen], room)


def row(
    rng: np.random.Generator, room: Room, lengths: tuple[float, float], make: Loader, gaps: tuple[float, float] = (0.0, 0.05)
) -> list[Solid]:
    """Pieces one behind the other along the travel, each as long as drawn, over the room's whole depth and height [m]."""
    solids: list[Solid] = []
    x = room.x0 + rng.uniform(*gaps)
    while True:
        length = rng.uniform(*lengths)
        if x + length > room.x1:
            return within(solids, room)
        solids += make(rng, replace(room, x0=x, x1=x + length))
        x += length + rng.uniform(*gaps)


class Ground:
    """How high a room is filled, place by place, while things are thrown in one after the other.

    Parameters
    ----------
    room : Room
    pitch : float [m]
        Of the grid on which heights are kept.
    """

    def __init__(self, room: Room, pitch: float = 0.1) -> None:
        self.room, self.pitch = room, pitch
        self.top = np.full((max(int(room.size[0] / pitch), 1), max(int(room.size[1] / pitch), 1)), float(room.z0))

    def lay(self, rng: np.random.Generator, size: Size, sink: float = 0.0, tries: int = 8) -> Room | None:
        """The place where a piece of a size comes to lie: the lowest of a few; None where it is too high for all of them.

        ``sink`` is 0 for hard pieces, which rest on the highest point below, and 1 for soft ones, which sink to the mean.
        """
        length, depth, height = (min(s, r) for s, r in zip(size, self.room.size, strict=True))
        cells = [max(int(np.ceil(s / self.pitch - 0.25)), 1) for s in (length, depth)]
        found: tuple[float, slice, slice] | None = None
        for _ in range(tries):
            i, j = (int(rng.integers(0, max(n - c, 0) + 1)) for n, c in zip(self.top.shape, cells, strict=True))
            place = slice(i, i + cells[0]), slice(j, j + cells[1])
            below = (1.0 - sink) * float(self.top[place].max()) + sink * float(self.top[place].mean())
            if found is None or below < found[0]:
                found = below, *place
        assert found is not None
        z, along, across = found
        if z + height > self.room.z1 + 1e-6:
            return None
        x = min(self.room.x0 + along.start * self.pitch + rng.uniform(0.0, 0.05), self.room.x1 - length)
        y = min(self.room.y0 + across.start * self.pitch + rng.uniform(0.0, 0.05), self.room.y1 - depth)
        self.top[along, across] = z + height
        return Room(float(x), float(x + length), float(y), float(y + depth), z, z + height)


def heap(
    rng: np.random.Generator,
    room: Room,
    draw: Callable[[np.random.Generator], Size],
    make: Loader,
    count: int,
    sink: float = 0.0,
    most: int = 1200,
) -> list[Solid]:
    """Pieces thrown in one after the other, each where it comes to lie lowest of a few places.

    Parameters
    ----------
    rng : numpy.random.Generator
    room : Room
    draw : callable
        Draws the size of a piece [m].
    make : Loader
        Makes it in its place.
    count : int
        Pieces at most; fewer where the room is full before.
    sink : float
        As `Ground.lay` has it.
    most : int
        Solids at most.

    Returns
    -------
    list of Solid
    """
    ground, solids, failed = Ground(room), list[Solid](), 0
    for _ in range(count):
        place = ground.lay(rng, draw(rng), sink)
        if place is not None:
            solids += make(rng, place)
            failed = 0
        elif (failed := failed + 1) > 40:
            break
        if len(solids) >= most:
            break
    return within(solids, room)
