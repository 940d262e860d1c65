"""Crops of packed scans, augmented.

Every crop is drawn from (seed, the recipe's name, step, place in the batch), so that a run can be resumed anywhere, and one
that goes on with another's scans is shown other crops of them.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from xrayscan.errors import MissingDependencyError, RecipeError
from xrayscan.network.grid import DEPTH_LIMIT, SHOWN
from xrayscan.simulate.delivery import draw_delivery, toned
from xrayscan.simulate.packed import BITS, map_packed
from xrayscan.training.behind import Behind
from xrayscan.training.figures import add_figure
from xrayscan.training.hard import Hard, Place
from xrayscan.training.hollows import cut_void
from xrayscan.training.inserted import Persons
from xrayscan.training.recipe import Recipe
from xrayscan.training.solids import SOLID, add_solids
from xrayscan.training.spliced import splice

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import would look up the network otherwise
try:
    import albumentations
except ImportError as error:  # pragma: no cover
    raise MissingDependencyError("training needs albumentations; install xrayscan[train]", extra="train") from error

__all__ = ["Crop", "Crops"]

Rng = np.random.Generator
Box = Sequence[int]  # top, left, bottom, right
HARDER = (10.0, 40.0, 90.0, 150.0), (1.0, 3.0, 4.0, 2.0)
"""Areal density over the easiest person of a scan [g/cm²], and how often such a scan is drawn, against any other."""
CHILDREN = (25.0, 45.0), (3.0, 1.0)
"""Mass of the heaviest person of a scan [kg], and how many times as often it is drawn."""
EXPORTED = 0.3
"""Share of the crops that become display pictures: archives hold little else, and nobody is inserted into those of a scan."""
DRIVER = 0.25
"""Weight of a driver's pixels: a person in plain sight who is none to be found. Only the cab tells, and there are more of them
in the training scans than of those who are in plain sight somewhere else."""


@dataclass(frozen=True)
class Crop:
    """One training example.

    Attributes
    ----------
    input : ndarray of float32, shape (5, rows, columns)
    labels : ndarray of float32, shape (3, rows, columns)
        Person, void, density.
    weight : ndarray of float32, shape (3, rows, columns)
        0 where nothing can or should be learned.
    areal : ndarray of float32, shape (2, rows, columns) [g/cm²]
        Added, missing.
    areal_weight : ndarray of float32, shape (rows, columns)
    """

    input: np.ndarray
    labels: np.ndarray
    weight: np.ndarray
    areal: np.ndarray
    areal_weight: np.ndarray


class Crops:
    """Random access to augmented crops.

    Parameters
    ----------
    recipe : Recipe
    folder : Path
        Of the packed scans of one split; they are unpacked into ``unpacked`` in it as they are needed.
    hard : Hard or None
        Where mistakes were made before, if some of the crops shall show these.
    """

    def __init__(self, recipe: Recipe, folder: Path, hard: Hard | None = None) -> None:
        self.hard = hard
        self.paths = sorted(folder.glob("*.npz"))[: recipe.data.train]
        self.recipe, self.size = recipe, recipe.schedule.crop
        self.stream = zlib.crc32(recipe.name.encode())
        if len(self.paths) < recipe.data.train:
            raise RecipeError(
                f"{folder} holds {len(self.paths)} packed scans, the recipe asks for {recipe.data.train}; make the rest first"
            )
        told = [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in self.paths]
        self.places = {path: _places(about) for path, about in zip(self.paths, told, strict=True)}
        weights = np.array([_weight(about) for about in told])
        self.chances = np.cumsum(weights / weights.sum())
        self.persons = Persons(self.paths if recipe.schedule.inserted or recipe.schedule.figures else [], _load)
        self.behind = Behind(self.paths if recipe.schedule.behind else [], _load)
        self.geometry = albumentations.Compose([
            albumentations.HorizontalFlip(p=0.5),
            albumentations.Affine(
                scale={"x": (0.7, 1.35), "y": (0.7, 1.35)}, rotate=(-2.5, 2.5), shear={"x": (-2, 2), "y": (-2, 2)}, p=0.7
            ),
        ])  # fmt: skip

    def crop(self, step: int, place: int) -> Crop:
        """The crop of a step at a place in its batch."""
        rng = np.random.default_rng((self.recipe.seed, self.stream, step, place))
        patch, mistake, below = self._cut(rng)
        if self.recipe.schedule.spliced and rng.random() < self.recipe.schedule.spliced:
            splice(rng, patch, self._cut(rng)[0])
        # A mistake about nothing stays one: with a person put before it there would be somebody.
        if mistake is None and rng.random() < self.recipe.schedule.inserted and not _shows_person(patch):
            self.persons.insert(rng, patch)
        if self.recipe.schedule.hollows and rng.random() < self.recipe.schedule.hollows:
            cut_void(rng, patch, self.recipe.network.grid)
        if self.behind.known and rng.random() < self.recipe.schedule.behind:
            self.behind.add(rng, patch, below=below)
        if self.recipe.schedule.solids and rng.random() < self.recipe.schedule.solids:
            add_solids(rng, patch, self.recipe.network.grid)
        asked = self.recipe.schedule.figures
        figure = bool(asked) and rng.random() < asked and add_figure(rng, patch, self.persons)
        self.geometry.set_random_seed(int(rng.integers(2**31)))
        image = cv2.merge([patch[plane] for plane in (0, 1, 2, 3, 5, 6)])
        turned = self.geometry(image=image, mask=patch[4].astype(np.uint8))
        planes, bits = turned["image"].transpose(2, 0, 1), turned["mask"]
        return _example(rng, planes, bits, weighed=figure, tells_display=self.recipe.network.tells_display)

    def _cut(self, rng: Rng) -> tuple[np.ndarray, Place | None, int]:
        """A part of a scan, where in the scan a mistake was made if it is there for that, and the scan's rows below it."""
        path, mistake = self._drawn(rng)
        scan = _load(path)
        window = self._window(rng, scan.shape[1:], mistake, self.places[path])
        patch = np.asarray(scan[(slice(None), *window)], np.float32)
        if patch.shape[1:] != self.size:
            patch = np.pad(patch, ((0, 0), *((0, want - got) for want, got in zip(self.size, patch.shape[1:], strict=True))))
        return patch, mistake, scan.shape[1] - window[0].stop

    def _drawn(self, rng: Rng) -> tuple[Path, Place | None]:
        """A scan, and where in it a mistake was made, if it is there for that."""
        if self.hard is not None and rng.random() < self.recipe.schedule.hard:
            drawn = self.hard.draw(rng)
            if drawn is not None:
                return drawn
        return self.paths[min(int(np.searchsorted(self.chances, rng.random())), len(self.paths) - 1)], None

    def _window(self, rng: Rng, shape: tuple[int, ...], target: Place | None, places: Sequence[Box]) -> tuple[slice, slice]:
        """Where to cut: around a place that is given, else mostly around one of the scan's own."""
        (rows, columns), (height, width) = shape, self.size
        if target is None and places and rng.random() < 0.8:
            top, left, bottom, right = places[int(rng.integers(len(places)))]
            target = int(rng.integers(top, max(bottom, top + 1))), int(rng.integers(left, max(right, left + 1)))
        if target is None:
            target = int(rng.integers(rows)), int(rng.integers(columns))
        top = target[0] - int(rng.integers(height // 8, height - height // 8))
        left = target[1] - int(rng.integers(width // 8, width - width // 8))
        top, left = min(max(top, 0), max(rows - height, 0)), min(max(left, 0), max(columns - width, 0))
        return slice(top, top + height), slice(left, left + width)


def _places(about: dict[str, Any]) -> list[Box]:
    """What is looked for in a scan; else where it could have been: there is a look-alike, or the load as it is there."""
    return [thing["box"] for thing in about["instances"] if "box" in thing] or about.get("sites", [])


def _shows_person(patch: np.ndarray) -> bool:
    return bool((patch[4].astype(np.uint8) & BITS["person"]).any())


@lru_cache(maxsize=256)
def _load(path: Path) -> np.ndarray:
    return map_packed(path, path.parent / "unpacked")


def _weight(about: dict[str, Any]) -> float:
    """How often a scan is drawn: persons under dense loads and children are rare, and the hardest to learn."""
    persons = [(thing["load"], thing["mass"]) for thing in about["instances"] if thing["kind"] == "person"]
    if not persons:
        return 1.0
    loads, masses = zip(*persons, strict=True)
    return float(np.interp(min(loads), *HARDER) * np.interp(max(masses), *CHILDREN))


def _example(rng: Rng, planes: np.ndarray, bits: np.ndarray, *, weighed: bool = False, tells_display: bool = False) -> Crop:
    """The training example; no display picture where something is told by its weight alone, which no such picture shows."""
    high, low, valid, opaque, added, missing = planes
    dual = bool((bits & BITS["dual"]).any()) and rng.random() < 0.7
    display = bool((bits & BITS["display"]).any())
    high, low = _another_machine(rng, high, low if dual else None)
    if rng.random() < 0.2:  # a weaker one: less is penetrated
        limit = rng.uniform(3.0, 6.5)
        opaque = np.maximum(opaque, high > limit)
        high, low = np.minimum(high, limit), None if low is None else np.minimum(low, limit)
    if rng.random() < EXPORTED and not weighed:
        high, black = _exported(rng, high)
        opaque, display, low = np.maximum(opaque, black), True, None
    high = high.clip(-0.2, DEPTH_LIMIT)
    low = high if low is None else low.clip(-0.2, DEPTH_LIMIT)
    if rng.random() < 0.15:  # a dead channel or two
        for row in rng.integers(0, len(valid), rng.integers(1, 3)):
            valid[row] = 0.0
            beside = row - 1 if row else 1
            high[row], low[row] = high[beside], low[beside]
    labels = np.stack([(bits & BITS[k]) > 0 for k in ("person", "void", "density")]).astype(np.float32)
    usable = ((opaque < 0.5) & (valid > 0.3)).astype(np.float32)
    person = usable * np.where(bits & BITS["driver"], np.float32(DRIVER), np.float32(1.0))
    known = usable * ((bits & SOLID) == 0)
    weight = np.stack([person, known * ((bits & BITS["ignore"]) == 0), known])
    second = SHOWN if display and tells_display else float(dual and not display)
    stack = np.stack([high, low, np.full_like(high, second), valid, opaque]).astype(np.float32)
    return Crop(stack, labels, weight, np.stack([added, missing]), usable * (0.0 if display else 1.0))


def _another_machine(rng: Rng, high: np.ndarray, low: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Another beam and sharpness, gains that differ, more noise: the same for both energies, but for their noise."""
    depths = [high] if low is None else [high, low]
    if rng.random() < 0.5:  # another effective energy
        factors = rng.uniform(0.8, 1.2) * np.array([1.0, rng.uniform(0.97, 1.03)])
        depths = [depth * np.float32(factor) for depth, factor in zip(depths, factors, strict=False)]
    if rng.random() < 0.25:  # a coarser detector, a larger focal spot
        sharpness = float(rng.uniform(0.4, 1.6))
        depths = [cv2.GaussianBlur(depth, (0, 0), sharpness) for depth in depths]
    if rng.random() < 0.2:  # what leveling left of gains, of channels or of pulses
        shape = (high.shape[0], 1) if rng.random() < 0.4 else (1, high.shape[1])
        stripes = rng.normal(0.0, rng.uniform(0.001, 0.02), shape).astype(np.float32)
        depths = [depth + stripes for depth in depths]
    if rng.random() < 0.3:  # noise that grows with optical depth
        size = rng.uniform(0.002, 0.02)
        depths = [d + size * np.exp(np.minimum(d, 6.0) / 2.0) * rng.standard_normal(d.shape, np.float32) for d in depths]
    return depths[0], depths[1] if len(depths) > 1 else None


def _exported(rng: Rng, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As a display picture of 8 bits with an unknown curve, read again as if its gray were linear; and where it is black."""
    tones = toned(draw_delivery(rng, "display"), np.exp(-high.clip(0.0)))
    value = np.maximum(tones, 1).astype(np.float32) / 255
    return -np.log(value), tones < 3
