"""Solids of no family put into a crop: lumps of any shape and size, alone, in rows and in heaps, none of which is a person.

A simulator knows some dozens of kinds of goods, and a network learns what these look like; the next kind, such as a heap of
melons, is taken for heads. Solids are drawn anew for every crop, from a family of shapes that holds balls, sacks, boxes, plates
and rollers and whatever lies between them, filled or hollow, even or grained. Solids of different sizes
are never joined: by chance they would make a body. Around half of them the load is thinned out, as it is around somebody whom a
hole was made for: a hole with something in it is not yet a person. Every other time they are piled up around somebody, with
room for him or without, where a crop shows somebody, and else around an outline of nobody: a stack cuts a body into stripes,
which is a person all the same; a hole in a stack alone is none.

References
----------
A. H. Barr, Superquadrics and Angle-Preserving Transformations, IEEE Computer Graphics and Applications 1 (1981) 11: the shapes.
J. Tobin et al., Domain Randomization for Transferring Deep Neural Networks from Simulation to the Real World, IROS (2017) 23:
why shapes drawn at random help with shapes never seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from xrayscan.simulate.packed import BITS
from xrayscan.training.holes import HOLE, thin_out
from xrayscan.training.inserted import ATTENUATION

__all__ = ["SOLID", "Solid", "add_solids", "areal_density"]

Rng = np.random.Generator
SOLID = 128
"""Label bit of a pixel that a solid was added to, beside those of `xrayscan.simulate.packed.BITS`."""
ACROSS = (3.5, 45.0)  # half the width of a solid as it is seen, and half its height [cm]
ALONG = (3.5, 30.0)  # half its depth along the rays [cm]
DENSITY = ((0.75, 1.15), (0.15, 1.6))  # of two in three, much like a body's; of the others [g/cm³]
MOST = 60.0  # areal density of all solids of a crop together [g/cm²]; a body has up to some 35
SHAPES = (2.0, 2.0, 2.0, 2.5, 3.0, 4.0, 8.0)  # exponents: 2 is round, 8 a box with rounded edges
HOLLOW = 0.25  # share that is
PILED, OVER = 0.5, (5.0, 40.0)  # how often they are piled up around somebody, and the most that then lies over him [g/cm²]
ROOM = (0.0, 0.9)  # share of them that is missing where he is: they are before and behind him alone
MANY = 24  # most rows and columns of a pile
NOBODY = (10.0, 45.0), (15.0, 90.0)  # half the width and height of an outline of nobody [cm]
SEEN = 0.8  # least share of the pixels below that was measured and is penetrated
TRIES = 4
TARGETS = BITS["person"] | BITS["void"] | BITS["density"]


Placed = tuple["Solid", tuple[float, float]]  # and the row and column of its center [px]


@dataclass(frozen=True)
class Solid:
    """A superellipsoid: |x/a|ᵖ + |y/b|ᵖ + |z/c|𐞥 ≤ 1, turned in the plane of the picture.

    Attributes
    ----------
    half : (float, float, float) [cm]
        b, a and c: half its height, width and depth along the rays, before it is turned.
    corners : float
        p, of the outline: 2 an ellipse, large a rectangle.
    edges : float
        q, of the profile along the rays: 2 round, large flat.
    turned : float [rad]
    density : float [g/cm³]
    wall : float
        Share of each half that is wall; 1 is filled.
    """

    half: tuple[float, float, float]
    corners: float = 2.0
    edges: float = 2.0
    turned: float = 0.0
    density: float = 1.0
    wall: float = 1.0


def areal_density(solid: Solid, center: tuple[float, float], shape: tuple[int, int], grid: float) -> np.ndarray:
    """What a solid adds along each ray, rays taken as parallel.

    Parameters
    ----------
    solid : Solid
    center : (float, float) [px]
        Row and column.
    shape : (int, int)
    grid : float [m]

    Returns
    -------
    ndarray of float32, shape (rows, columns) [g/cm²]

    Examples
    --------
    A ball of water of 10 cm radius weighs 4.2 kg:

    >>> ball = areal_density(Solid((10.0, 10.0, 10.0)), (30.0, 30.0), (61, 61), 0.01)
    >>> round(float(ball.max()), 1), round(float(ball.sum()) / 1000, 1)
    (20.0, 4.2)
    """
    amount = np.zeros(shape, np.float32)
    _add(amount, solid, center, grid * 100)
    return amount


def _add(amount: np.ndarray, solid: Solid, center: tuple[float, float], pixel: float) -> None:
    """Add a solid to an areal density, in place; nothing is computed where it cannot lie."""
    farthest = float(np.hypot(*solid.half[:2])) / pixel
    inside = [
        slice(max(0, int(middle - farthest)), max(0, min(size, int(middle + farthest) + 2)))
        for middle, size in zip(center, amount.shape, strict=True)
    ]
    down, across = np.ogrid[inside[0], inside[1]]
    down, across = (down - center[0]) * pixel, (across - center[1]) * pixel
    cosine, sine = np.cos(solid.turned), np.sin(solid.turned)
    offsets = np.abs(cosine * down - sine * across), np.abs(sine * down + cosine * across)
    thick = _chord(solid, offsets, 1.0)
    if solid.wall < 1.0:
        thick = thick - _chord(solid, offsets, 1.0 - solid.wall)
    amount[inside[0], inside[1]] += (solid.density * thick).astype(np.float32)


def _chord(solid: Solid, offsets: tuple[np.ndarray, np.ndarray], size: float) -> np.ndarray:
    """Length of the rays [cm] in the solid of so many times its size."""
    b, a, c = (half * size for half in solid.half)
    p = solid.corners
    left = 1.0 - (offsets[0] / b) ** p - (offsets[1] / a) ** p
    return 2.0 * c * np.maximum(left, 0.0) ** (1.0 / solid.edges)


def add_solids(rng: Rng, patch: np.ndarray, grid: float) -> bool:
    """Put some into a crop, in place; False where none fits, or the crop is of a display picture.

    Labels and areal densities of what is hidden stay as they are; where solids lie `SOLID` is added to the label bits: nobody
    can say whether a lump of some density is an anomaly there. Of a scan of two energies one is left, as how much more a solid
    takes of the other depends on what it is.

    Parameters
    ----------
    rng : Generator
    patch : ndarray of float32, shape (7, rows, columns)
        As `xrayscan.simulate.packed` orders the planes.
    grid : float [m]
    """
    bits = patch[4].astype(np.uint8)
    if (bits & BITS["display"]).any():
        return False
    factor = np.float32(rng.uniform(*ATTENUATION))
    piled = rng.random() < PILED
    for _ in range(TRIES):
        amount = _piled_up(rng, _outline(rng, bits, grid), grid) if piled else _drawn(rng, patch.shape[1:], grid)
        there = amount > 0.5
        if not there.any() or (bits[there] & BITS["driver"]).any():
            continue
        if min(patch[2][there].mean(), 1.0 - patch[3][there].mean()) < SEEN:
            continue
        changed = there
        if rng.random() < HOLE and not (bits[there] & TARGETS).any():
            changed = there | (thin_out(rng, patch[:2], there, bits & TARGETS > 0) > 0.02)
        patch[:2] += factor * amount
        patch[4] = (bits & (255 - BITS["dual"])) + np.float32(SOLID) * changed
        return True
    return False


def _outline(rng: Rng, bits: np.ndarray, grid: float) -> np.ndarray:
    """Where the person is who is seen best in a crop, shape (rows, columns); an ellipse anywhere if nobody is there."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((bits & BITS["person"]).astype(np.uint8))
    if count > 1:
        return np.asarray(parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))
    center = [int(rng.integers(size)) for size in bits.shape[::-1]]
    half = [max(1, round(rng.uniform(*ends) / (100 * grid))) for ends in NOBODY]
    ellipse = cv2.ellipse(np.zeros(bits.shape, np.uint8), center, half, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return np.asarray(ellipse > 0)


def _piled_up(rng: Rng, body: np.ndarray, grid: float) -> np.ndarray:
    """Areal density of a pile of solids around somebody [g/cm²]."""
    pixel = grid * 100
    left, top, wide, high = cv2.boundingRect(body.astype(np.uint8))
    solid = replace(_solid(rng), turned=0.0)
    step = rng.uniform(0.85, 1.15, 2) * [2.0 * half / pixel for half in solid.half[:2]]
    rows, columns = np.clip(np.ceil(rng.uniform(0.7, 1.8, 2) * (high, wide) / step), 1, MANY).astype(int)
    pile = _rows_of(rng, solid, (top + high / 2, left + wide / 2), (rows, columns), step)
    amount = _summed(rng, pile, (body.shape[0], body.shape[1]), pixel)
    room = cv2.GaussianBlur(body.astype(np.float32), (0, 0), float(rng.uniform(1.0, 8.0)))
    amount *= 1.0 - np.float32(rng.uniform(*ROOM)) * room
    return amount * np.float32(min(1.0, rng.uniform(*OVER) / max(float(amount[body].max()), 1e-6)))


def _drawn(rng: Rng, shape: tuple[int, ...], grid: float) -> np.ndarray:
    """Areal density of one to a few dozen solids [g/cm²]."""
    size = shape[0], shape[1]
    pixel = grid * 100
    solid = _solid(rng)
    high, wide = (2.0 * half / pixel for half in solid.half[:2])
    first = rng.uniform(0, size[0]), rng.uniform(0, size[1])
    way = str(rng.choice(["alone", "row", "stack", "layers", "heap"], p=[0.2, 0.2, 0.15, 0.15, 0.3]))
    if way == "alone":
        placed = [(solid, first)]
    elif way != "heap":
        placed = _in_rows(rng, solid, first, (high, wide), way)
    else:
        count = int(rng.integers(2, 13))
        spread = rng.uniform(0.3, 0.8) * np.sqrt(count) * np.array([high, wide])
        placed = [(_like(rng, solid, 0.2), tuple(first + spread * rng.normal(0, 0.5, 2))) for _ in range(count)]
    return _summed(rng, placed, size, pixel)


def _summed(rng: Rng, placed: Iterable[Placed], shape: tuple[int, ...], pixel: float) -> np.ndarray:
    """Areal density of solids at their centers, even or grained [g/cm²]."""
    size = shape[0], shape[1]
    amount = np.zeros(size, np.float32)
    for one, center in placed:
        _add(amount, one, (float(center[0]), float(center[1])), pixel)
    if rng.random() < 0.4:  # grained, as rice, cloth or melons' flesh are not quite even
        grain = cv2.GaussianBlur(rng.standard_normal(size, np.float32), (0, 0), float(rng.uniform(0.8, 4.0)))
        amount *= 1.0 + rng.uniform(0.02, 0.15) * grain / max(float(grain.std()), 1e-6)
    amount = np.clip(amount, 0.0, MOST)
    return np.asarray(cv2.GaussianBlur(amount, (0, 0), float(rng.uniform(0.3, 0.9))))


def _solid(rng: Rng) -> Solid:
    b, a = ACROSS[0] * (ACROSS[1] / ACROSS[0]) ** rng.random(2)
    depth = np.clip(np.sqrt(a * b) * np.exp(rng.normal(0.0, 0.4)), *ALONG)
    density = rng.uniform(*DENSITY[0 if rng.random() < 2 / 3 else 1])
    wall = float(rng.uniform(0.04, 0.5)) if rng.random() < HOLLOW else 1.0
    turned = 0.0 if rng.random() < 0.4 else float(rng.uniform(0.0, np.pi))
    corners, edges = (float(rng.choice(SHAPES)) for _ in range(2))
    return Solid((float(b), float(a), float(depth)), corners, edges, turned, float(density), wall)


def _like(rng: Rng, solid: Solid, spread: float) -> Solid:
    """Another one of its kind: sizes differ by such a share, and it lies another way."""
    b, a, c = (half * float(np.exp(rng.normal(0.0, spread))) for half in solid.half)
    return replace(solid, half=(b, a, c), turned=solid.turned + float(rng.normal(0.0, 3.0 * spread)))


def _in_rows(rng: Rng, solid: Solid, middle: tuple[float, float], size: tuple[float, float], way: str) -> list[Placed]:
    """Side by side, one upon another, or both; nearly touching or apart."""
    rows = 1 if way == "row" else int(rng.integers(2, 6))
    columns = 1 if way == "stack" else int(rng.integers(2, 9))
    return _rows_of(rng, solid, middle, (rows, columns), rng.uniform(0.85, 1.4, 2) * size)


def _rows_of(rng: Rng, solid: Solid, middle: tuple[float, float], count: tuple[int, int], step: np.ndarray) -> list[Placed]:
    """So many rows and columns of solids, a step apart [px], all alike or nearly."""
    rows, columns = count
    spread, jitter = rng.choice([0.0, 0.05, 0.15]), rng.choice([0.0, 0.03, 0.1]) * step
    offset = rng.choice([0.0, 0.5])  # of every other row, as balls lie in the hollows of those below
    half = (rows - 1) / 2, (columns - 1) / 2
    return [
        (
            _like(rng, solid, spread),
            tuple(middle + step * (row - half[0], column - half[1] + offset * (row % 2)) + jitter * rng.normal(0, 1, 2)),
        )
        for row in range(rows) for column in range(columns)
    ]  # fmt: skip
