"""Counts first, metrics second: every figure is a function of plain lists of scores, and comes with its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xrayscan.errors import ShapeError

__all__ = ["Figure", "auroc", "average_precision", "bootstrap", "detection_at", "threshold_at", "wilson"]


@dataclass(frozen=True)
class Figure:
    """A measured value with its 95 % interval and the number of cases it rests on."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.n}"


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive scores above a negative; ties count half.

    Raises
    ------
    ShapeError
        If either is empty.

    References
    ----------
    J.A. Hanley, B.J. McNeil, Radiology 143 (1982) 29, https://doi.org/10.1148/radiology.143.1.7063747

    Examples
    --------
    >>> auroc([0.9, 0.8], [0.1, 0.8])
    0.875
    """
    p, n = np.asarray(positives, float), np.sort(np.asarray(negatives, float))
    if not len(p) or not len(n):
        raise ShapeError(
            f"AUROC of {len(p)} positives and {len(n)} negatives; expected at least one of each", expected=1, actual=0
        )
    below, upto = np.searchsorted(n, p, "left"), np.searchsorted(n, p, "right")
    return float((below + upto).mean() / 2 / len(n))


def threshold_at(negatives: Sequence[float], rate: float) -> float:
    """Smallest score that at most a share ``rate`` of the negatives exceeds.

    Examples
    --------
    >>> threshold_at([0.1, 0.2, 0.3, 0.4], 0.25)
    0.3
    """
    ordered = np.sort(np.asarray(negatives, float))[::-1]
    if not len(ordered):
        raise ShapeError("a threshold was asked for with no negative scan; expected at least one", expected=1, actual=0)
    return float(ordered[min(int(np.floor(rate * len(ordered) + 1e-9)), len(ordered) - 1)])


def detection_at(positives: Sequence[float], negatives: Sequence[float], rate: float) -> float:
    """Share of positives above the threshold that alarms at most ``rate`` of the negatives; ties find nothing."""
    return float((np.asarray(positives, float) > threshold_at(negatives, rate)).mean())


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the precision-recall curve of pixels, by its step sum.

    Parameters
    ----------
    scores : ndarray of float, any shape
    labels : ndarray of bool, same shape
    """
    order = np.argsort(-scores.ravel(), kind="stable")
    hits = labels.ravel()[order]
    if not hits.any():
        return float("nan")
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def wilson(found: int, n: int) -> Figure:
    """A share with Wilson's 95 % interval.

    References
    ----------
    E.B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209, https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> print(wilson(0, 100))
    0.000 [0.000, 0.037], n = 100
    """
    if n == 0:
        return Figure(float("nan"), 0.0, 1.0, 0)
    z, share = 1.959964, found / n
    middle, spread = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return Figure(share, float(np.clip(low, 0.0, share)), float(np.clip(high, share, 1.0)), n)


def bootstrap(
    figure: Callable[[np.ndarray, np.ndarray], float], positives: Sequence[float], negatives: Sequence[float], seed: int = 0
) -> Figure:
    """A figure of positives and negatives, its 95 % interval by drawing scans anew 1000 times."""
    p, n = np.asarray(positives, float), np.asarray(negatives, float)
    rng = np.random.default_rng(seed)
    draws = [figure(p[rng.integers(len(p), size=len(p))], n[rng.integers(len(n), size=len(n))]) for _ in range(1000)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return Figure(figure(p, n), float(low), float(high), len(p))
