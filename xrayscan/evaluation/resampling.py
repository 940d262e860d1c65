"""Scans drawn anew: every figure as a function of how often each scan counts, and its interval from redrawing the scans.

The scan is the unit: its pixels, its things and its findings are not independent of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xrayscan.errors import ShapeError
from xrayscan.evaluation.metrics import Figure, wilson

__all__ = ["Draws"]


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each scan counts, as measured and in each redrawn set of scans.

    Attributes
    ----------
    weights : ndarray of float, shape (1 + draws, scans)
        The first row is all ones: the scans as they are.
    """

    weights: np.ndarray

    @classmethod
    def of(cls, strata: Sequence[str], count: int = 1000, seed: int = 0) -> Draws:
        """Draw as many scans as there are, with replacement, within each stratum.

        Parameters
        ----------
        strata : sequence of str
            One name a scan, such as its kind of scene: how many there are of each was chosen, not found.
        count : int
            Redrawn sets.
        seed : int

        Raises
        ------
        ShapeError
            Without any scan.

        References
        ----------
        B. Efron, Ann. Stat. 7 (1979) 1, https://doi.org/10.1214/aos/1176344552

        Examples
        --------
        >>> Draws.of(["clean", "clean", "person"]).weights[:, 2].std()
        np.float64(0.0)
        """
        names = np.asarray(strata)
        if not len(names):
            raise ShapeError("figures were asked for with no scan; expected at least one", expected=1, actual=0)
        rng = np.random.default_rng(seed)
        weights = np.ones((1 + count, len(names)))
        for name in sorted(set(names)):
            (own,) = np.nonzero(names == name)
            weights[1:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=count)
        return cls(weights)

    def figure(self, values: np.ndarray, n: int, *, share: bool = False) -> Figure:
        """The first value, with the 95 % interval of the others.

        Parameters
        ----------
        values : ndarray of float, shape (1 + draws,)
            A figure as measured, then for each redrawn set; what a set does not hold is not a number, and left out.
        n : int
            Cases it rests on.
        share : bool
            Whether it is a share of ``n`` cases: the interval then also spans Wilson's, for redrawing 20 hits of 20 gives
            20 hits each time.
        """
        held = values[1:][np.isfinite(values[1:])]
        value = float(values[0])
        if not n or not len(held) or not np.isfinite(value):
            return Figure(float("nan"), 0.0, 1.0, 0)
        low, high = (float(v) for v in np.percentile(held, [2.5, 97.5]))
        if share:
            other = wilson(round(value * n), n)
            low, high = min(low, other.low), max(high, other.high)
        return Figure(value, min(low, value), max(high, value), n)
