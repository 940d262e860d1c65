"""Whether an adaptation helped: persons inserted into scans that it never saw, before and after. Needs ``xrayscan[train]``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from xrayscan.evaluation.metrics import Figure, auroc, threshold_at
from xrayscan.findings import scan_score
from xrayscan.network import Model
from xrayscan.scan import Radiograph
from xrayscan.simulate.packed import BITS, load_packed
from xrayscan.training.site_errors import SiteError
from xrayscan.training.site_scores import Step

__all__ = ["ALARMED", "Held", "Trial", "compare", "held_out"]

ALARMED = 0.01
"""Share of the clean hold-out scans that may be alarmed; of fewer than a hundred, none is."""

DRAWS = 1000
NEAR = 0.1  # how far from a person its highest score may lie [m]
UNSEEN = 0.5  # share of a person that is behind what is not penetrated, from which nothing can be asked of a network


@dataclass(frozen=True)
class Held:
    """One hold-out scan.

    Attributes
    ----------
    clean : float
        Scan score as it is.
    persons : tuple of float
        For each insertion that can be seen, the score at its persons.
    """

    clean: float
    persons: tuple[float, ...]


@dataclass(frozen=True)
class Trial:
    """What an adaptation changed on scans that it never saw.

    Attributes
    ----------
    before, after : Figure
        Share of the insertions found with at most 1 % of the clean scans alarmed; n is the number of insertions.
    difference : Figure
        After less before, on the same scans.
    auroc_before, auroc_after : Figure
        Of the scores at the persons against the clean scans'.
    scans : int
        Hold-out scans.
    alarmed : int
        Of them alarmed when clean.
    """

    before: Figure
    after: Figure
    difference: Figure
    auroc_before: Figure
    auroc_after: Figure
    scans: int
    alarmed: int

    @property
    def verdict(self) -> str:
        """In words, by whether the interval of the difference leaves out 0."""
        if self.difference.low > 0:
            return "helped"
        return "made it worse" if self.difference.high < 0 else "no difference shown"

    def to_dict(self) -> dict[str, Any]:
        """For a card."""
        shares = ("before", "after", "difference", "auroc_before", "auroc_after")
        rounded = {name: {k: round(v, 4) for k, v in asdict(getattr(self, name)).items()} for name in shares}
        return {"verdict": self.verdict, "scans": self.scans, "clean scans alarmed": self.alarmed, **rounded}


def held_out(folder: Path, model: Model, step: Step = lambda *_: None) -> list[Held]:
    """The scores of packed hold-out scans, as `xrayscan.training.site_parts.prepare` made them.

    A person counts as found by what the network says at its own place, not by the scan's highest score somewhere else.
    """
    clean = sorted(folder.glob("*-0.npz"))
    found = []
    step(0, len(clean))
    for done, path in enumerate(clean, 1):
        stem = path.name.removesuffix("-0.npz")
        others = sorted(other for other in folder.glob(f"{stem}-*.npz") if other != path)
        persons = [_at_persons(other, model) for other in others if _can_be_seen(other)]
        found.append(Held(_at_persons(path, model), tuple(persons)))
        step(done, len(clean))
    return found


def _can_be_seen(path: Path) -> bool:
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return bool(min(i["hidden_share"] for i in about["instances"]) < UNSEEN)


def _at_persons(path: Path, model: Model) -> float:
    """The highest score at a person of a packed scan; of a clean one its scan score."""
    packed = load_packed(path).astype(np.float32)
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    bits = packed[4].astype(np.uint8)
    energies = ("high", "low") if (bits & BITS["dual"]).any() else ("high",)
    grid = model.card.grid
    radiograph = Radiograph(
        packed[: len(energies)], packed[2] > 0.3, packed[3] > 0.5, (grid, grid), energies=energies, quantity=about["quantity"]
    )
    anomaly = model(radiograph)
    person = (bits & BITS["person"]).astype(np.uint8)
    if about["instances"]:
        reach = 2 * round(NEAR / grid) + 1
        there = cv2.dilate(person, np.ones((reach, reach), np.uint8))
        anomaly = replace(anomaly, person=anomaly.person * there)
    return scan_score(anomaly, radiograph)


def compare(before: Sequence[Held], after: Sequence[Held], seed: int = 0) -> Trial:
    """Two models on the same hold-out scans; intervals of 95 % by drawing scans, with all of theirs, anew.

    Parameters
    ----------
    before, after : sequence of Held
        Of the same scans in the same order.
    seed : int

    Returns
    -------
    Trial

    Raises
    ------
    SiteError
        If no insertion can be seen.

    Examples
    --------
    >>> before = [Held(0.5, (0.4, 0.6))] * 20
    >>> trial = compare(before, [Held(0.2, (0.9, 0.8))] * 20)
    >>> trial.before.value, trial.after.value, trial.verdict
    (0.5, 1.0, 'helped')
    >>> compare(before, before).verdict
    'no difference shown'
    """
    count = sum(len(one.persons) for one in before)
    if not count:
        raise SiteError(
            "trying a model on the hold-out scans: no body could be inserted where it can be seen; give other scans"
        )
    everything = np.arange(len(before))
    rng = np.random.default_rng(seed)
    draws = [draw for draw in rng.integers(len(before), size=(DRAWS, len(before))) if any(before[k].persons for k in draw)]

    def figure(of: Callable[[np.ndarray], float], n: int) -> Figure:
        low, high = np.percentile([of(draw) for draw in draws], [2.5, 97.5])
        return Figure(of(everything), float(low), float(high), n)

    clean = [one.clean for one in after]
    return Trial(
        before=figure(lambda draw: _found(before, draw), count),
        after=figure(lambda draw: _found(after, draw), count),
        difference=figure(lambda draw: _found(after, draw) - _found(before, draw), count),
        auroc_before=figure(lambda draw: _auroc(before, draw), count),
        auroc_after=figure(lambda draw: _auroc(after, draw), count),
        scans=len(before),
        alarmed=sum(score > threshold_at(clean, ALARMED) for score in clean),
    )


def _scores(held: Sequence[Held], draw: np.ndarray) -> tuple[list[float], list[float]]:
    return [score for k in draw for score in held[k].persons], [held[k].clean for k in draw]


def _found(held: Sequence[Held], draw: np.ndarray) -> float:
    persons, clean = _scores(held, draw)
    return float((np.asarray(persons) > threshold_at(clean, ALARMED)).mean())


def _auroc(held: Sequence[Held], draw: np.ndarray) -> float:
    return auroc(*_scores(held, draw))
