"""Crops of packed scans, augmented.

Every crop is drawn from (seed, step, place in the batch), so that a run can be resumed anywhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xrayscan.errors import MissingDependencyError, RecipeError
from xrayscan.simulate.packed import BITS, load_packed
from xrayscan.training.recipe import Recipe

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import would look up the network otherwise
try:
    import albumentations
except ImportError as error:  # pragma: no cover
    raise MissingDependencyError("training needs albumentations; install xrayscan[train]", extra="train") from error

__all__ = ["Crop", "Crops"]

Rng = np.random.Generator
TARGETS = BITS["person"] | BITS["void"] | BITS["density"]


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
        Of the packed scans of one split.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.paths = sorted(folder.glob("*.npz"))[: recipe.data.train]
        self.recipe, self.size = recipe, recipe.schedule.crop
        if len(self.paths) < recipe.data.train:
            raise RecipeError(
                f"{folder} holds {len(self.paths)} packed scans, the recipe asks for {recipe.data.train}; make the rest first"
            )
        self.geometry = albumentations.Compose([
            albumentations.HorizontalFlip(p=0.5),
            albumentations.Affine(
                scale={"x": (0.85, 1.2), "y": (0.85, 1.2)}, rotate=(-2.5, 2.5), shear={"x": (-2, 2), "y": (-2, 2)}, p=0.7
            ),
        ])  # fmt: skip

    def crop(self, step: int, place: int) -> Crop:
        """The crop of a step at a place in its batch."""
        rng = np.random.default_rng((self.recipe.seed, 7, step, place))
        scan = load_packed(self.paths[rng.integers(len(self.paths))])
        window = self._window(rng, scan)
        patch = np.asarray(scan[(slice(None), *window)], np.float32)
        missing = [(0, want - got) for want, got in zip(self.size, patch.shape[1:], strict=True)]
        patch = np.pad(patch, ((0, 0), *missing))
        patch[2] = np.pad(np.ones([s - m[1] for s, m in zip(self.size, missing, strict=True)], np.float32), missing) * patch[2]
        self.geometry.set_random_seed(int(rng.integers(2**31)))
        image = np.ascontiguousarray(patch[[0, 1, 2, 3, 5, 6]].transpose(1, 2, 0))
        turned = self.geometry(image=image, mask=patch[4].astype(np.uint8))
        planes, bits = turned["image"].transpose(2, 0, 1), turned["mask"]
        return _example(rng, planes, bits)

    def _window(self, rng: Rng, scan: np.ndarray) -> tuple[slice, slice]:
        """Where to cut: mostly around what is looked for, if it is there."""
        rows, columns = scan.shape[1:]
        height, width = self.size
        target = None
        if rng.random() < 0.8:
            # Every 4th pixel finds whatever is large enough to be learned.
            hits = np.argwhere(np.asarray(scan[4, ::4, ::4]).astype(np.uint8) & TARGETS)
            if len(hits):
                target = hits[rng.integers(len(hits))] * 4
        if target is None:
            target = (rng.integers(rows), rng.integers(columns))
        top = int(target[0] - rng.integers(height // 8, height - height // 8))
        left = int(target[1] - rng.integers(width // 8, width - width // 8))
        top, left = min(max(top, 0), max(rows - height, 0)), min(max(left, 0), max(columns - width, 0))
        return slice(top, top + height), slice(left, left + width)


def _example(rng: Rng, planes: np.ndarray, bits: np.ndarray) -> Crop:
    high, low, valid, opaque, added, missing = planes
    dual = bool((bits & BITS["dual"]).any()) and rng.random() < 0.7
    display = bool((bits & BITS["display"]).any())
    if not dual:
        low = high
    high, low, opaque, display = _physics(rng, high, low, opaque, display)
    if rng.random() < 0.15:  # a dead channel or two
        for row in rng.integers(0, len(valid), rng.integers(1, 3)):
            valid[row] = 0.0
            high[row], low[row] = high[row - 1], low[row - 1]
    labels = np.stack([(bits & BITS[k]) > 0 for k in ("person", "void", "density")]).astype(np.float32)
    usable = ((opaque < 0.5) & (valid > 0.3)).astype(np.float32)
    weight = np.stack([usable, usable * ((bits & BITS["ignore"]) == 0), usable])
    flags = np.full_like(high, float(dual))
    stack = np.stack([high, low, flags, valid, opaque]).astype(np.float32)
    return Crop(stack, labels, weight, np.stack([added, missing]), usable * (0.0 if display else 1.0))


def _physics(
    rng: Rng, high: np.ndarray, low: np.ndarray, opaque: np.ndarray, display: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Another beam, more clutter, more noise, less penetration, an unknown display curve."""
    if rng.random() < 0.5:  # another effective energy
        factor = rng.uniform(0.88, 1.14)
        high, low = high * factor, low * factor * rng.uniform(0.97, 1.03)
    if rng.random() < 0.3:  # noise that grows with optical depth
        sigma = rng.uniform(0.002, 0.02) * np.exp(np.minimum(high, 6.0) / 2.0)
        noise = rng.standard_normal(high.shape, np.float32)
        high, low = high + sigma * noise, low + sigma * (noise if low is high else rng.standard_normal(high.shape, np.float32))
    if rng.random() < 0.2:  # a weaker machine: less is penetrated
        limit = rng.uniform(3.0, 6.5)
        blind = high > limit
        high, low, opaque = np.minimum(high, limit), np.minimum(low, limit), np.maximum(opaque, blind)
    if rng.random() < 0.12:  # a display export: 8 bits and a curve of its own
        gamma = rng.uniform(0.45, 1.1)
        value = np.floor(np.exp(-gamma * high.clip(0)) * 255) / 255
        high = -np.log(np.maximum(value, 1 / 255)).astype(np.float32)
        opaque, display, low = np.maximum(opaque, value < 2.5 / 255), True, high
    return high.clip(-0.2, 8.0), low.clip(-0.2, 8.0), opaque, display
