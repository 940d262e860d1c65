"""What the pixels of one scan say, as histograms of their scores: small enough to keep for every scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["BINS", "dense", "pixel_counts"]

BINS = 200  # of equal width in logit score
REACH = 9.2  # logit of the last bin: a score of 0.9999


def _bins(scores: np.ndarray) -> np.ndarray:
    """The bin of each score; bins are finest near 0 and 1, where networks put most of their scores."""
    edges = 1.0 / (1.0 + np.exp(-np.linspace(-REACH, REACH, BINS - 1)))
    return np.searchsorted(edges, scores, side="right")


def _sparse(counts: np.ndarray) -> list[list[Any]]:
    (filled,) = np.nonzero(counts)
    return [filled.tolist(), [round(float(c), 6) for c in counts[filled]]]


def dense(pairs: Sequence[Sequence[float]]) -> np.ndarray:
    """The histogram that a record holds as bins and counts, shape (`BINS`,).

    Examples
    --------
    >>> dense([[0, 199], [5, 1]]).sum()
    np.float64(6.0)
    """
    counts = np.zeros(BINS)
    counts[np.asarray(pairs[0], int)] = pairs[1]
    return counts


def pixel_counts(score: np.ndarray, labels: np.ndarray, judged: np.ndarray, marked: np.ndarray) -> dict[str, Any]:
    """Histograms of one kind's scores in one scan.

    Parameters
    ----------
    score : ndarray of float, shape (rows, columns)
    labels : ndarray of int, shape (rows, columns)
        Number of the true thing that a pixel belongs to, 0 for none.
    judged : ndarray of bool, shape (rows, columns)
        Where a score is right or wrong: seen through, and not on something of another kind.
    marked : ndarray of bool, shape (rows, columns)
        What findings of the kind cover.

    Returns
    -------
    dict
        "inside", "outside": bins and counts of pixels; "overlap": the same, each thing's pixels as shares of it; "things":
        their number; "both", "either": pixels of truth and findings, for the intersection over union.
    """
    number = _bins(score)
    inside, outside = judged & (labels > 0), judged & (labels == 0)
    overlap: np.ndarray = np.zeros(BINS)
    things = 0
    if inside.any():
        sizes = np.bincount(labels[inside])
        things = int((sizes > 0).sum())
        overlap = np.bincount(number[inside], 1.0 / sizes[labels[inside]], BINS)
    return {
        "inside": _sparse(np.bincount(number[inside], minlength=BINS)),
        "outside": _sparse(np.bincount(number[outside], minlength=BINS)),
        "overlap": _sparse(overlap),
        "things": things,
        "both": int((inside & marked).sum()),
        "either": int((inside | (marked & judged)).sum()),
    }
