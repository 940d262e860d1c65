"""Where the weights that a training goes on from were wrong on its scans: what was taken for something, and what was missed.

At one alarm in a hundred clean scans everything hangs on the few places that look most like a person, and a crop drawn at
random hardly ever shows one.

References
----------
A. Shrivastava, A. Gupta, R. Girshick, Training Region-based Object Detectors with Online Hard Example Mining, CVPR (2016) 761:
why the rare mistakes are worth most of the training. Here they are looked for once, before it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xrayscan.evaluation.records import Record
from xrayscan.evaluation.runs import measure, packed_scans
from xrayscan.training.recipe import Recipe

__all__ = ["Hard", "hard_places"]

Rng = np.random.Generator
Place = tuple[int, int]
FALSE = 0.2  # least score of a false finding that is worth a crop
MISSED = 0.8  # score under which what is there counts as missed
PERSON = 2.0  # how much more a mistake about a person counts than one about a void or an anomaly of density


class Hard:
    """Mistakes on packed scans, drawn the more often the worse they are.

    Parameters
    ----------
    rows : sequence of Record
        One for each of ``paths``.
    paths : sequence of Path

    Attributes
    ----------
    false : list of (Path, (int, int), float)
        Scan, middle [px] and weight of a place where nothing is.
    missed : list of (Path, float)
        Scan and weight of one in which something was missed.
    """

    def __init__(self, rows: Sequence[Record], paths: Sequence[Path]) -> None:
        self.false = [
            (path, _middle(region.box), _worth(region.kind) * region.score**2)
            for path, row in zip(paths, rows, strict=True) for region in row.regions
            if region.box is not None and region.score >= FALSE and not (region.hit or region.foreign)
        ]  # fmt: skip
        losses = ((path, sum(map(_loss, row.reached, row.reached.values()))) for path, row in zip(paths, rows, strict=True))
        self.missed = [(path, loss) for path, loss in losses if loss > 0]

    def draw(self, rng: Rng) -> tuple[Path, Place | None] | None:
        """Half the time a scan and the place to look at, else a scan in which something was missed; None if there is none."""
        if self.false and (rng.random() < 0.5 or not self.missed):
            path, place, _ = self.false[_pick(rng, [weight for *_, weight in self.false])]
            return path, place
        if self.missed:
            return self.missed[_pick(rng, [weight for *_, weight in self.missed])][0], None
        return None


def _middle(box: tuple[int, int, int, int]) -> Place:
    top, left, bottom, right = box
    return (top + bottom) // 2, (left + right) // 2


def _worth(kind: str) -> float:
    return PERSON if kind == "person" else 1.0


def _loss(kind: str, scores: Sequence[float]) -> float:
    return _worth(kind) * sum((1.0 - score) ** 2 for score in scores if score < MISSED)


def _pick(rng: Rng, weights: Sequence[float]) -> int:
    steps = np.cumsum(weights)
    return min(int(np.searchsorted(steps, rng.random() * steps[-1])), len(steps) - 1)


def hard_places(recipe: Recipe, data: Path, kept: Path, workers: int = 1) -> Hard:
    """The mistakes of the model that a recipe starts from, on its training scans.

    Parameters
    ----------
    recipe : Recipe
    data : Path
        Folder with the packed training scans.
    kept : Path
        File of records: what it holds is not measured again.
    workers : int
        Processes that measure.
    """
    assert recipe.start is not None  # as Recipe has checked
    paths = packed_scans([data], recipe.data.train)
    return Hard(measure(paths, recipe.start.model, kept=kept, workers=workers), paths)
