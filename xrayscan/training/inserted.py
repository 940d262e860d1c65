"""Persons of one packed scan inserted into a crop of another: areal densities add up along a ray, and so do optical depths.

A simulated scan shows its persons before one load only. Inserted, each is seen before many, every other time in a hole in it,
and no load is known by heart as one without persons. Rays are level, so a picture of somebody who stands, turned by a quarter,
is one of somebody who lies. It is what `xrayscan.simulate.insertion` does, without its care for beam,
noise and scatter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from xrayscan.simulate.packed import BITS
from xrayscan.simulate.truth import VOID_EDGE
from xrayscan.training.holes import HOLE, thin_out

__all__ = ["ATTENUATION", "THERE", "Persons", "free_place"]

Rng = np.random.Generator
ATTENUATION = (0.034, 0.055)  # cm²/g of a body, from 9 MV behind a load to 3 MV in the open
SEEN = 3.0  # largest mean optical depth of what a person is inserted into: more hides everything
OPEN, IN_OPEN = 0.02, 0.5  # mean optical depth of the open air, and how often somebody stays there: as in curtain trailers
LAID, LEANING = 0.3, 8.0  # share of persons that are turned by a quarter, and standard deviation of the angle of all [°]
FAINT = 0.3  # areal density below which a turned body's edge is left out [g/cm²]
SMALL = (15.0, 35.0, 50.0), (6.0, 5.0, 1.0)  # how often somebody of such a mass [kg] is drawn: children are missed most
TRIES = 8
CLUTTERED = 0.5  # how often the place where the picture is least even is taken: axles, frames, machines, edges of stacks
THERE = BITS["person"] | BITS["void"] | BITS["density"] | BITS["driver"]


class Persons:
    """The persons of packed scans that are seen whole and apart from others.

    Parameters
    ----------
    paths : sequence of Path
        Packed scans with what is in them beside.
    load : callable
        Path → packed scan, shape (7, rows, columns).
    """

    def __init__(self, paths: Sequence[Path], load: Callable[[Path], np.ndarray]) -> None:
        self.load = load
        found = [(path, *one) for path in paths for one in _apart(path.with_suffix(".json"))]
        self.known = [(path, box) for path, box, _ in found]
        chances = np.interp([mass for _, _, mass in found], *SMALL)
        self.chances = np.cumsum(chances) / max(chances.sum(), 1e-9)

    def insert(self, rng: Rng, patch: np.ndarray) -> bool:
        """Insert one of them into a crop, in place; False where no place was found, or the crop is of a display picture.

        Of a scan of two energies one is left, as how much more a body takes of the other depends on the scanner.

        Parameters
        ----------
        rng : Generator
        patch : ndarray of float32, shape (7, rows, columns)
            As `xrayscan.simulate.packed` orders the planes.
        """
        bits = patch[4].astype(np.uint8)
        if not self.known or (bits & BITS["display"]).any():
            return False
        body = self.draw(rng)
        factor = rng.uniform(*ATTENUATION)
        place = free_place(rng, patch, bits, body > 0)
        if place is None:
            return False
        there = np.zeros(bits.shape, bool)
        there[place] = body > 0
        if rng.random() < HOLE:
            _make_room(rng, patch, bits, there, factor)
        patch[(slice(0, 2), *place)] += np.float32(factor) * body
        patch[(5, *place)] += body
        patch[4] = (bits & (255 - BITS["dual"])) | (BITS["person"] * there).astype(np.uint8)
        return True

    def draw(self, rng: Rng) -> np.ndarray:
        """Areal density of one of them in another attitude, shape (rows, columns) [g/cm²]; there has to be one."""
        path, (top, left, bottom, right) = self.known[
            min(int(np.searchsorted(self.chances, rng.random())), len(self.known) - 1)
        ]
        there = np.asarray(self.load(path)[:, top:bottom, left:right], np.float32)
        body = np.where(there[4].astype(np.uint8) & BITS["person"], there[5], 0.0).astype(np.float32)
        return _turned(rng, body[:, ::-1] if rng.random() < 0.5 else body)


def free_place(rng: Rng, patch: np.ndarray, bits: np.ndarray, mask: np.ndarray) -> tuple[slice, slice] | None:
    """Where in a crop somebody of such an outline could be, rows and columns; None where no such place was found.

    Every other time it is the least even of a few such places: in those persons are missed, and most of a scan is even.

    Parameters
    ----------
    rng : Generator
    patch : ndarray of float32, shape (7, rows, columns)
    bits : ndarray of uint8, shape (rows, columns)
        Its labels.
    mask : ndarray of bool, shape (rows, columns) of the place
    """
    free = [have - want for have, want in zip(bits.shape, mask.shape, strict=True)]
    if min(free) < 0 or not mask.any():
        return None
    cluttered, fit = rng.random() < CLUTTERED, []
    for _ in range(TRIES):
        row, column = (int(rng.integers(size + 1)) for size in free)
        place = slice(row, row + mask.shape[0]), slice(column, column + mask.shape[1])
        if _fits(rng, patch[(slice(None), *place)], bits[place], mask):
            if not cluttered:
                return place
            fit.append(place)
    return max(fit, key=lambda place: float(patch[(0, *place)][mask].std()), default=None)


def _make_room(rng: Rng, patch: np.ndarray, bits: np.ndarray, there: np.ndarray, factor: float) -> None:
    """A hole in the load for a person, in place; the labels say where, as those of simulated scans do."""
    before = patch[0].copy()
    thin_out(rng, patch[:2], there, bits & THERE > 0)
    missing = (before - patch[0]) / np.float32(factor)
    patch[6] += missing
    bits[(missing > VOID_EDGE) & ~there] |= BITS["ignore"]


def _turned(rng: Rng, body: np.ndarray) -> np.ndarray:
    """A body's areal density in another attitude, its mass kept, as large as it needs."""
    angle = float(rng.normal(0.0, LEANING)) + (90.0 * rng.choice([-1, 1]) if rng.random() < LAID else 0.0)
    high, wide = body.shape
    cosine, sine = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
    size = int(np.ceil(wide * cosine + high * sine)), int(np.ceil(wide * sine + high * cosine))
    turn = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), angle, 1.0)
    turn[:, 2] += (size[0] - wide) / 2, (size[1] - high) / 2
    turned = np.asarray(cv2.warpAffine(body, turn, size), np.float32)
    return np.where(turned > FAINT, turned, np.float32(0.0))


def _fits(rng: Rng, planes: np.ndarray, bits: np.ndarray, mask: np.ndarray) -> bool:
    """Whether a place could show a person, is not the open air for most, and nothing is there that is looked for."""
    if (bits & THERE).any() or planes[2].mean() < 0.8:
        return False
    depth = planes[0][mask].mean()
    if depth < OPEN and rng.random() >= IN_OPEN:
        return False
    return bool(depth < SEEN and planes[3][mask].mean() < 0.2)


def _apart(about: Path) -> list[tuple[tuple[int, int, int, int], float]]:
    """Box and mass [kg] of persons that are seen and overlap with no other person's."""
    persons = [one for one in json.loads(about.read_text(encoding="utf-8"))["instances"] if one["kind"] == "person"]
    boxes = [tuple(one["box"]) for one in persons]
    return [
        (box, float(one["mass"])) for one, box in zip(persons, boxes, strict=True)
        if one["hidden_share"] < 0.02 and one["mass"] > 10 and sum(_overlap(box, other) for other in boxes) == 1
    ]  # fmt: skip


def _overlap(one: Sequence[int], other: Sequence[int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
