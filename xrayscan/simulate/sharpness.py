"""Sharpness and noise of a scan, measured in the scan itself: what is put into it has to have the same."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

__all__ = ["edge_spread", "noise_curve"]

FEWEST_EDGES = 40
SHARPEST = 0.2  # share of the strong edges that are as sharp as the scanner lets them be
_REACH = 12  # [px]
_APART = 5  # [px] from one edge to the next of the other sign
_STRONG = 0.06  # contrast of a strong edge, as a share of the open beam
_NOISES = 12.0  # and in rms of the noise
_BINS = 14
_FEWEST = 600
_SMOOTHEST = 0.3
_KEPT = 0.95
_TRIMMED = 0.7588  # variance of a normal distribution whose largest 5 % are left out
_DOUBLE = 2.25  # variance of x − (mean of two neighbors), taken along both axes


def noise_curve(signal: np.ndarray, usable: np.ndarray, *, physical: bool) -> tuple[tuple[float, float], ...]:
    """Variance of a pixel's noise against its signal.

    What neighbors along the rows and along the columns do not explain: a second difference along the travel, in which channel
    gains cancel, of one along the array, in which pulses cancel. In each of fourteen ranges of the signal only the 30 % of the
    pixels count whose surroundings change least, and of those the 5 % largest differences do not, so that the load's texture
    is not taken for noise.

    Parameters
    ----------
    signal : ndarray of float32, shape (rows, columns)
        Above its zero level, in the scan's own numbers; finite.
    usable : ndarray of bool, shape (rows, columns)
    physical : bool
        Whether the signal is proportional to transmission. Then variance = a + b signal, electronics and photons, is fitted to
        the ranges, those with the least variance counting most; else the ranges are joined by lines.

    Returns
    -------
    tuple of (float, float)
        (signal, variance) points, the signal rising, between which the variance is linear. Empty if nothing could be measured.
    """
    across = signal[:, 1:-1] - 0.5 * (signal[:, :-2] + signal[:, 2:])
    double = (across[1:-1] - 0.5 * (across[:-2] + across[2:])).ravel()
    mean = cv2.blur(signal, (5, 5))
    slope = np.abs(cv2.Sobel(mean, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(mean, cv2.CV_32F, 0, 1))
    good = cv2.erode(usable.astype(np.uint8), np.ones((5, 5), np.uint8))[1:-1, 1:-1].ravel() > 0
    keep = np.flatnonzero(good)[:: max(1, int(good.sum()) // 600_000)]
    level, slope, double = mean[1:-1, 1:-1].ravel()[keep], slope[1:-1, 1:-1].ravel()[keep], double[keep]
    if level.size < _FEWEST:
        return ()
    points = []
    edges = np.unique(np.quantile(level, np.linspace(0.0, 1.0, _BINS + 1)))
    for low, high in pairwise(edges):
        chosen = np.flatnonzero((level >= low) & (level <= high))
        if chosen.size < _FEWEST:
            continue
        chosen = chosen[slope[chosen] <= np.quantile(slope[chosen], _SMOOTHEST)]
        size = np.sort(np.abs(double[chosen]))
        size = size[: max(1, int(_KEPT * size.size))]
        points.append((float(level[chosen].mean()), float((size.astype(np.float64) ** 2).mean() / _TRIMMED / _DOUBLE)))
    if not points:
        return ()
    return _line(points) if physical else tuple(sorted(points))


def _line(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Variance = a + b signal, both at least 0, through two of the points: ranges above it may hold texture, below it none."""
    s, v = (np.array(values) for values in zip(*points, strict=True))
    s, v = np.maximum(s, 0.0), np.maximum(v, 1e-12)
    best, chosen = np.inf, (float(v.min()), 0.0)
    pairs = [(i, j) for i in range(s.size) for j in range(s.size) if s[j] > s[i] and v[j] >= v[i]]
    slopes = [(v[j] - v[i]) / (s[j] - s[i]) for i, j in pairs] + [v[i] / s[i] for i in range(s.size) if s[i] > 0]
    starts = [v[i] - slope * s[i] for (i, _), slope in zip(pairs, slopes, strict=False)] + [0.0] * (len(slopes) - len(pairs))
    for a, b in zip(starts, slopes, strict=True):
        if a < 0:
            continue
        off = np.log(v / (a + b * s + 1e-12))
        loss = float(np.where(off > 0, np.minimum(off, 0.3) ** 2, 4.0 * off**2).sum())
        if loss < best:
            best, chosen = loss, (float(a), float(b))
    top = float(s.max())
    return (0.0, chosen[0]), (top, chosen[0] + chosen[1] * top)


def edge_spread(transmission: np.ndarray, usable: np.ndarray, noise: float) -> tuple[float | None, float | None]:
    """Sigma of the point spread along the rows and along the columns, from the sharpest edges in the scan.

    An edge is a run of differences of one sign about a strong one; their second moment, less the 1/12 that taking
    differences adds, is the variance of the edge's spread. Many edges are soft in themselves, none is sharper than the
    scanner: the 20 % quantile of all of them counts. The detector's aperture is included.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
        As a share of the open beam.
    usable : ndarray of bool, shape (rows, columns)
    noise : float
        Rms of the noise in air, as a share of the open beam.

    Returns
    -------
    row, column : float or None [px]
        Up and down the array, and along the travel. None where there are fewer than 40 edges.
    """
    return _spread(transmission.T, usable.T, noise), _spread(transmission, usable, noise)


def _spread(picture: np.ndarray, usable: np.ndarray, noise: float) -> float | None:
    """Sigma along the second axis [px]."""
    if min(picture.shape) < 4 * _REACH:
        return None
    # Differences where the neighboring lines have the same edge: it then lies square to the axis.
    mean = cv2.blur(np.ascontiguousarray(picture), (1, 3))
    good = cv2.erode(np.ascontiguousarray(usable).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    steps = np.diff(mean, axis=1)
    size = np.abs(steps)
    inner = size[1:-1, _REACH:-_REACH]
    before, after = size[1:-1, _REACH - 1 : -_REACH - 1], size[1:-1, _REACH + 1 : size.shape[1] - _REACH + 1]
    peak = (inner > _STRONG / 6.0) & (inner >= before) & (inner > after)
    straight = (size[:-2, _REACH:-_REACH] > 0.75 * inner) & (size[2:, _REACH:-_REACH] > 0.75 * inner)
    rows, columns = np.nonzero(peak & straight & good[1:-1, _REACH : -_REACH - 1])
    skip = max(1, rows.size // 60_000)
    rows, columns = rows[::skip] + 1, columns[::skip] + _REACH
    if rows.size == 0:
        return None
    reach = np.arange(-_REACH, _REACH + 1)
    runs = steps[rows[:, None], columns[:, None] + reach]
    runs *= np.sign(runs[:, _REACH : _REACH + 1])
    # A run ends where it falls under a twelfth of its peak: noise, or another edge.
    alive = runs > runs[:, _REACH : _REACH + 1] / 12.0
    right = np.cumprod(alive[:, _REACH:], axis=1)
    left = np.cumprod(alive[:, _REACH::-1], axis=1)[:, ::-1]
    weight = np.where(np.concatenate([left[:, :-1], right], axis=1) > 0, runs, 0.0)
    contrast = weight.sum(axis=1)
    middle = (weight * reach).sum(axis=1) / contrast
    variance = (weight * (reach - middle[:, None]) ** 2).sum(axis=1) / contrast - 1.0 / 12.0
    # Of a line narrower than the spread only the halves of an edge would be seen.
    near = runs[:, _REACH - _APART : _REACH + _APART + 1]
    lone = near.min(axis=1) > -0.2 * runs[:, _REACH]
    strong = (contrast > max(_STRONG, _NOISES * noise)) & lone
    if int(strong.sum()) < FEWEST_EDGES:
        return None
    # The ends that were cut off hold some of the spread: 0.9 is what is left of a normal one, measured on drawn edges.
    sigma = float(np.sqrt(max(float(np.quantile(variance[strong], SHARPEST)), 0.0))) / 0.9
    return float(np.clip(sigma, 0.29, 4.0))
