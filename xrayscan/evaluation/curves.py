"""Detection, FROC, pixel and calibration figures, each for many sets of scans at once.

``weights`` says how often each scan counts, shape (sets, scans); see `xrayscan.evaluation.resampling.Draws`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "areas_under_roc", "average_precisions", "calibration_errors", "false_levels", "levels_at", "medians", "region_overlaps",
    "shares_above",
]  # fmt: skip

PRO_LIMIT = 0.3  # share of wrong pixels up to which the overlap of regions is integrated


def levels_at(scores: np.ndarray, weights: np.ndarray, rate: float) -> np.ndarray:
    """Smallest score that at most a share ``rate`` of the scans exceeds, for each set.

    Parameters
    ----------
    scores : ndarray of float, shape (scans,)
        Of clean scans.
    weights : ndarray of float, shape (sets, scans)
    rate : float

    Returns
    -------
    ndarray of float, shape (sets,)
        Not a number where a set has no scan.

    Examples
    --------
    >>> levels_at(np.array([0.1, 0.2, 0.3, 0.4]), np.ones((1, 4)), 0.25)
    array([0.3])
    """
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(-scores, kind="stable")
    above = np.cumsum(weights[:, order], axis=1)
    allowed = np.floor(rate * above[:, -1:] + 1e-9)
    levels = scores[order][np.argmax(above > allowed, axis=1)]
    return np.where(above[:, -1] > allowed[:, 0], levels, np.nan)


def shares_above(scores: np.ndarray, weights: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Share of the cases that exceed each set's level; ties find nothing.

    Parameters
    ----------
    scores : ndarray of float, shape (cases,)
    weights : ndarray of float, shape (sets, cases)
    levels : ndarray of float, shape (sets,)

    Returns
    -------
    ndarray of float, shape (sets,)
    """
    total = weights.sum(1)
    found = np.where(scores > levels[:, None], weights, 0.0).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isfinite(levels), found / total, np.nan)


def areas_under_roc(positives: np.ndarray, negatives: np.ndarray, p_weights: np.ndarray, n_weights: np.ndarray) -> np.ndarray:
    """Probability that a positive scores above a negative, for each set; ties count half.

    Parameters
    ----------
    positives, negatives : ndarray of float, shape (scans of that sort,)
    p_weights, n_weights : ndarray of float, shape (sets, scans of that sort)

    References
    ----------
    J.A. Hanley, B.J. McNeil, Radiology 143 (1982) 29, https://doi.org/10.1148/radiology.143.1.7063747
    """
    if not len(positives) or not len(negatives):
        return np.full(len(p_weights), np.nan)
    order = np.argsort(negatives)
    counted = np.concatenate([np.zeros((len(n_weights), 1)), np.cumsum(n_weights[:, order], axis=1)], axis=1)
    below, upto = (np.searchsorted(negatives[order], positives, side) for side in ("left", "right"))
    pairs = (p_weights * (counted[:, below] + counted[:, upto]) / 2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pairs / (p_weights.sum(1) * counted[:, -1])


def false_levels(scores: np.ndarray, scans: np.ndarray, weights: np.ndarray, rates: Sequence[float]) -> np.ndarray:
    """Smallest region score with at most so many false regions a scan, for each set.

    Parameters
    ----------
    scores : ndarray of float, shape (false regions,)
    scans : ndarray of int, shape (false regions,)
        The scan of each.
    weights : ndarray of float, shape (sets, scans)
    rates : sequence of float
        False regions a scan.

    Returns
    -------
    ndarray of float, shape (rates, sets)
        0 where there are fewer than that in all.

    References
    ----------
    P.C. Bunch et al., Proc. SPIE 127 (1977) 124, https://doi.org/10.1117/12.955926

    Examples
    --------
    >>> false_levels(np.array([0.9, 0.5]), np.array([0, 1]), np.ones((1, 2)), [0.5])
    array([[0.5]])
    """
    order = np.argsort(-scores, kind="stable")
    ordered, owners = np.append(scores[order], 0.0), scans[order]
    levels = np.zeros((len(rates), len(weights)))
    for number, row in enumerate(weights):
        counted = np.cumsum(row[owners])
        allowed = np.floor(np.asarray(rates) * row.sum() + 1e-9)
        levels[:, number] = ordered[np.searchsorted(counted, allowed, side="right")]
    return levels


def average_precisions(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Area under the precision-recall curve of pixels, for each set, from histograms of their scores.

    Pixels of one bin count as tied.

    Parameters
    ----------
    inside, outside : ndarray of float, shape (sets, bins)
        Pixels in what is sought and elsewhere, lowest scores first.

    Returns
    -------
    ndarray of float, shape (sets,)
        Not a number without any pixel inside.

    Examples
    --------
    >>> average_precisions(np.array([[1, 0, 0, 1]]), np.array([[1, 0, 1, 0]]))
    array([0.75])
    """
    hits, wrong = (np.cumsum(np.asarray(counts, float)[:, ::-1], axis=1) for counts in (inside, outside))
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(hits > 0, hits / (hits + wrong), 0.0)
        return (np.diff(hits, axis=1, prepend=0.0) * precision).sum(1) / hits[:, -1]


def region_overlaps(overlap: np.ndarray, regions: np.ndarray, outside: np.ndarray, limit: float = PRO_LIMIT) -> np.ndarray:
    """AUPRO: mean share of a true region that is marked, over the share of wrong pixels up to a limit, for each set.

    Parameters
    ----------
    overlap : ndarray of float, shape (sets, bins)
        Sum over true regions of the share of their pixels in each bin of scores, lowest first.
    regions : ndarray of float, shape (sets,)
        Number of true regions.
    outside : ndarray of float, shape (sets, bins)
        Pixels that belong to none.
    limit : float

    Returns
    -------
    ndarray of float, shape (sets,)
        0 to 1; not a number without any region.

    References
    ----------
    P. Bergmann et al., The MVTec Anomaly Detection Dataset, Int. J. Comput. Vis. 129 (2021) 1038, section 5.1,
    https://doi.org/10.1007/s11263-020-01400-4

    Examples
    --------
    >>> region_overlaps(np.array([[0.0, 1.0]]), np.array([1.0]), np.array([[100, 0]]))
    array([1.])
    """
    areas = np.full(len(overlap), np.nan)
    for number in range(len(overlap)):
        if regions[number] <= 0 or outside[number].sum() <= 0:
            continue
        marked = np.concatenate([[0.0], np.cumsum(overlap[number, ::-1]) / regions[number]])
        wrong = np.concatenate([[0.0], np.cumsum(outside[number, ::-1]) / outside[number].sum()])
        kept = wrong <= limit
        at_limit = np.interp(limit, wrong, marked)
        x, y = np.append(wrong[kept], limit), np.append(marked[kept], at_limit)
        areas[number] = float(((y[1:] + y[:-1]) / 2 * np.diff(x)).sum() / limit)
    return areas


def calibration_errors(probability: np.ndarray, hit: np.ndarray, weights: np.ndarray, bins: int = 10) -> np.ndarray:
    """Expected calibration error in equal bins of probability, for each set.

    Parameters
    ----------
    probability : ndarray of float, shape (regions,)
    hit : ndarray of bool, shape (regions,)
    weights : ndarray of float, shape (sets, regions)
    bins : int

    Returns
    -------
    ndarray of float, shape (sets,)

    References
    ----------
    M.P. Naeini, G.F. Cooper, M. Hauskrecht, Proc. AAAI 29 (2015) 2901, https://doi.org/10.1609/aaai.v29i1.9602

    Examples
    --------
    >>> calibration_errors(np.array([0.8, 0.8]), np.array([True, False]), np.ones((1, 2))).round(3)
    array([0.3])
    """
    number = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = np.zeros(len(weights))
    for own in (number == b for b in range(bins)):
        gaps += abs(weights[:, own] @ (probability[own] - hit[own]))
    with np.errstate(invalid="ignore", divide="ignore"):
        return gaps / weights.sum(1)


def medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted median for each set, shape (sets,); not a number for a set without any value.

    Examples
    --------
    >>> medians(np.array([3.0, 1.0, 2.0]), np.array([[1, 1, 1], [5, 1, 1]]))
    array([2., 3.])
    """
    if not len(values):
        return np.full(len(weights), np.nan)
    order = np.argsort(values)
    counted = np.cumsum(weights[:, order], axis=1)
    half = counted[:, -1:] / 2
    low, high = values[order][np.argmax(counted >= half, axis=1)], values[order][np.argmax(counted > half, axis=1)]
    return np.where(counted[:, -1] > 0, (low + high) / 2, np.nan)
