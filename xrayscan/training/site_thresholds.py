"""Scores of a site's clean scans → thresholds, how sure they are, and which scans to look at first. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xrayscan.evaluation.metrics import Figure
from xrayscan.training.site_errors import SiteError

__all__ = ["USUAL_RATES", "Level", "far_above", "level", "levels", "needed", "rate_interval"]

USUAL_RATES = (0.005, 0.01, 0.02, 0.05, 0.10)
"""False-alarm rates that are set beside the wanted one, as far as the number of scans supports them."""

_FLAT = 0.25  # smallest scale of the tail, in logits: the scores of scans that are all alike still differ by that
_RARE = 3.7  # one set of clean scans in forty has a scan beyond the limit: -ln(1/40)


@dataclass(frozen=True)
class Level:
    """A threshold and what is known of it.

    Attributes
    ----------
    rate : float
        Share of clean scans that may be alarmed.
    score : float
        Scan score from which a scan is alarmed.
    alarmed : int
        Of the scans it was set on, those at or above it.
    expected : Figure
        Share of further clean scans that will be alarmed, with its 95 % interval and the number of scans it rests on.
    """

    rate: float
    score: float
    alarmed: int
    expected: Figure


def needed(rate: float) -> int:
    """The fewest clean scans that a false-alarm rate can be set with.

    Examples
    --------
    >>> needed(0.01), needed(0.05), needed(0.005)
    (99, 19, 199)
    """
    return math.ceil(1.0 / rate - 1e-9) - 1


def level(scores: Sequence[float], rate: float) -> Level:
    """The threshold at which, on average over sets of clean scans, at most a share ``rate`` of further ones is alarmed.

    Of n scores it lies just above the k-th highest, k being the whole part of ``rate`` times n + 1: a further scan of the same
    kind exceeds that with probability k / (n + 1). The share that exceeds it varies from one set of n scans to the
    next as a beta variable with the parameters k and n + 1 - k, which gives the interval.

    Parameters
    ----------
    scores : sequence of float
        Scan scores of clean scans.
    rate : float

    Returns
    -------
    Level

    Raises
    ------
    SiteError
        If there are too few scans for the rate.

    References
    ----------
    V. Vovk, Conditional validity of inductive conformal predictors, Machine Learning 92 (2013) 349,
    https://doi.org/10.1007/s10994-013-5355-6

    Examples
    --------
    >>> found = level([k / 200 for k in range(199)], 0.01)
    >>> found.score > 197 / 200, found.alarmed
    (True, 1)
    >>> print(found.expected)
    0.010 [0.001, 0.028], n = 199
    """
    ordered = np.sort(np.asarray(scores, float))[::-1]
    n = len(ordered)
    k = math.floor(rate * (n + 1) + 1e-9)
    if k < 1:
        raise SiteError(
            f"setting the threshold of a false-alarm rate of {rate:.3g}: {n} clean scans do not support it; give at least "
            f"{needed(rate)}"
        )
    # A scan is alarmed at or above its threshold, and the k-th highest itself must not be.
    score = float(np.nextafter(ordered[k - 1], np.inf))
    low, high = rate_interval(k, n)
    return Level(rate, score, int((ordered >= score).sum()), Figure(k / (n + 1), low, high, n))


def levels(scores: Sequence[float], wanted: float | None = None) -> tuple[Level, ...]:
    """The wanted rate and all of `USUAL_RATES` that the number of scans supports, the smallest first."""
    rates = {rate for rate in USUAL_RATES if len(scores) >= needed(rate)} | ({wanted} if wanted else set())
    return tuple(level(scores, rate) for rate in sorted(rates))


def rate_interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the share that exceeds the k-th highest of n independent scores.

    It holds the middle of the beta distribution with the parameters k and n + 1 - k, found by halving on its relation to the
    binomial: the share is at most p with the probability that k or more of n exceed at p.

    References
    ----------
    C.J. Clopper, E.S. Pearson, Biometrika 26 (1934) 404, https://doi.org/10.1093/biomet/26.4.404

    Examples
    --------
    >>> low, high = rate_interval(1, 99)
    >>> f"{low:.5f} {high:.4f}"
    '0.00026 0.0366'
    """
    tail = (1.0 - confidence) / 2.0
    return _beta_quantile(k, n, tail), _beta_quantile(k, n, 1.0 - tail)


def _beta_quantile(k: int, n: int, chance: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _or_more(k, n, middle) < chance:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _or_more(k: int, n: int, p: float) -> float:
    """Probability of k or more out of n, each with probability p."""
    logs = [
        math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) + j * math.log(p) + (n - j) * math.log1p(-p)
        for j in range(k)
    ]
    return 1.0 - math.fsum(math.exp(value) for value in logs)


def far_above(scores: Sequence[float]) -> tuple[int, ...]:
    """Which scans score so far above the rest that they may not be clean, the highest first.

    On the logit of the score, the upper half of the scans is taken to fall off exponentially, as fast as from its median to its
    90th percentile. A scan counts as far above where fewer than one set of so many clean scans in forty would hold one there.

    Parameters
    ----------
    scores : sequence of float

    Returns
    -------
    tuple of int
        Places in ``scores``.

    Examples
    --------
    >>> far_above([0.01 + 0.0004 * k for k in range(99)] + [0.97])
    (99,)
    >>> far_above([0.01 + 0.0098 * k for k in range(100)])
    ()
    """
    clipped = np.clip(np.asarray(scores, float), 1e-4, 1.0 - 1e-4)
    if not len(clipped):
        return ()
    logit = np.log(clipped / (1.0 - clipped))
    middle, high = np.percentile(logit, [50, 90])
    scale = max((high - middle) / math.log(5.0), _FLAT)
    limit = middle + scale * (math.log(max(len(logit) / 2.0, 1.0)) + _RARE)
    order = np.argsort(-logit, kind="stable")
    return tuple(int(place) for place in order if logit[place] > limit)
