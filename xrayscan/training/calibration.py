"""Records of the calibration split → thresholds, probabilities and mass intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.evaluation.metrics import threshold_at
from xrayscan.evaluation.records import Record
from xrayscan.evaluation.summary import CLEAN
from xrayscan.zoo import ModelCard

__all__ = ["FEWEST_CLEAN", "RATES", "logistic", "mass_factor", "probabilities", "thresholds", "with_settings"]

RATES = (0.005, 0.01, 0.02, 0.05, 0.10)
FEWEST = 20  # regions that a curve or an interval must rest on
FEWEST_CLEAN = 200
"""Clean scans that thresholds must rest on."""


def thresholds(rows: Sequence[Record]) -> dict[float, float]:
    """Scan score at which each share of the clean scans is alarmed.

    Raises
    ------
    RecipeError
        With fewer than `FEWEST_CLEAN`: a rate of 0.5 % would rest on no scan at all.
    """
    clean = [row.score["person"] for row in rows if row.kind in CLEAN]
    if len(clean) < FEWEST_CLEAN:
        raise RecipeError(f"thresholds were asked for on {len(clean)} clean scans; 0.5 % needs at least {FEWEST_CLEAN}")
    return {rate: threshold_at(clean, rate) for rate in RATES}


def logistic(score: np.ndarray, hit: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the logistic curve from logit score to the share of hits (Platt).

    Newton's method with a weak prior at slope 1 and intercept 0, so that few or separable cases stay sane.

    References
    ----------
    J. Platt, Probabilistic Outputs for Support Vector Machines, in Advances in Large Margin Classifiers (1999) 61.
    """
    score = np.clip(score, 1e-4, 1 - 1e-4)
    x = np.stack([np.log(score / (1 - score)), np.ones_like(score)], axis=1)
    prior, curve = np.array([1.0, 0.0]), np.array([1.0, 0.0])

    def cost(at: np.ndarray) -> float:
        z = x @ at
        return float((np.logaddexp(0.0, z) - hit * z).sum() + 0.25 * ((at - prior) ** 2).sum())

    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(x @ curve, -60, 60)))
        gradient = x.T @ (chance - hit) + 0.5 * (curve - prior)
        hessian = (x * (chance * (1 - chance))[:, None]).T @ x + 0.5 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # A full step can overshoot where all scores are alike and hits are rare: it is halved until the cost falls.
        while cost(curve - step) > cost(curve) and abs(step).max() > 1e-12:
            step = step / 2
        curve = curve - step
        if abs(step).max() < 1e-8:
            break
    return float(max(curve[0], 0.05)), float(curve[1])


def probabilities(rows: Sequence[Record]) -> dict[str, tuple[float, float]]:
    """Kind → curve of the probability that a region is what it is flagged as; kinds with fewer than 20 regions are left out."""
    curves = {}
    for kind in ("person", "void", "density"):
        pairs = [(r.score, float(r.hit)) for row in rows for r in row.regions if r.kind == kind and not r.foreign]
        if len(pairs) >= FEWEST:
            score, hit = np.array(pairs, float).T
            curves[kind] = logistic(score, hit)
    return curves


def mass_factor(rows: Sequence[Record]) -> dict[str, tuple[float, float]]:
    """Kind → 5th and 95th percentile of true over estimated mass of what was found; kinds with fewer than 20 are left out."""
    factors = {}
    for kind in ("person", "void", "density"):
        hits = [r for row in rows for r in row.regions if r.kind == kind and r.hit and row.quantity != "display"]
        ratio = [r.truth_mass / r.mass for r in hits if r.truth_mass > 5 and r.mass > 1]
        if len(ratio) >= FEWEST:
            low, high = np.percentile(ratio, [5, 95])
            factors[kind] = (round(float(low), 3), round(float(high), 3))
    return factors


def with_settings(card: ModelCard, rows: Sequence[Record], said: str) -> ModelCard:
    """The card with thresholds, probabilities and intervals of masses as these records give them.

    Regions that a card's own curve had left out as too unlikely do no harm: how often a region of some score is right does not
    hang on which others there are.

    Parameters
    ----------
    card : ModelCard
    rows : sequence of Record
        Of this model.
    said : str
        What the scans are.

    Raises
    ------
    RecipeError
        As `thresholds`.
    """
    clean, persons = sum(row.kind in CLEAN for row in rows), sum(row.kind == "person" for row in rows)
    return replace(
        card, thresholds=thresholds(rows), calibration=probabilities(rows), mass_factor=mass_factor(rows),
        thresholds_set_on=f"{clean} clean simulated scans, half with look-alikes, {said}, {card.created}",
        probabilities_set_on=f"{len(rows)} simulated scans, {persons} of them with persons, {said}, {card.created}",
    )  # fmt: skip
