"""Sharpness: the modulation transfer function (MTF) from an edge, and the edges of a scan that are fit for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import cv2
import numpy as np

from xrayscan.geometry import Box

__all__ = ["AXES", "Axis", "Mtf", "edge_mtf", "edges_in_scan", "sharpness"]

Axis = Literal["rows", "columns"]
AXES: tuple[Axis, ...] = ("rows", "columns")

HALF_WIDTH = 12
BIN = 0.25
FREQUENCY = np.arange(0.0, 1.2001, 0.01)
LEAST_LINES = 24
LEAST_CONTRAST = 0.08
_NEAR = 5.0
_STEEPEST = 0.3
_STRAIGHT = 0.35
_FLAT = 0.035
_PLATEAU = 6.0
_GAP = 2
_PIECES = (96, 288)
_MOST_PIECES = 120
_FEW = 4
_SHARPEST = 0.75
_FALL = (1.35, 2.5)
_RISE = 0.05
_BEST = 0.25


@dataclass(frozen=True, eq=False)
class Mtf:
    """Modulation transfer along one axis, from one edge or the mean of several.

    Attributes
    ----------
    axis : {"rows", "columns"}
        Along which sharpness was measured: "columns" from an upright edge, "rows" from a level one.
    frequency : ndarray, shape (frequencies,) [cycles/px]
    modulation : ndarray, shape (frequencies,)
        1 at frequency 0; noise is taken off, so it may end at 0.
    error : ndarray, shape (frequencies,)
        One standard error of the modulation, from the noise on both sides of the edge.
    boxes : tuple of Box
        Of the edges.
    slant : float [degree]
        Of the (first) edge against the axis.
    """

    axis: Axis
    frequency: np.ndarray
    modulation: np.ndarray
    error: np.ndarray
    boxes: tuple[Box, ...]
    slant: float

    def frequency_at(self, level: float) -> tuple[float, float] | None:
        """First frequency at which the modulation falls to ``level``, its standard error [cycles/px]; None if beyond 1.2."""
        below = np.flatnonzero(self.modulation < level)
        if below.size == 0 or below[0] == 0:
            return None
        k = int(below[0])
        high, low = float(self.modulation[k - 1]), float(self.modulation[k])
        step = float(self.frequency[k] - self.frequency[k - 1])
        place = float(self.frequency[k - 1]) + step * (high - level) / (high - low)
        around = slice(max(0, k - 4), min(self.frequency.size, k + 4))
        slope = abs(float(np.polyfit(self.frequency[around], self.modulation[around], 1)[0]))
        return place, float(self.error[k]) / max(slope, 1e-3)


@dataclass(frozen=True, eq=False)
class _Spread:
    """An edge spread function: mean signal and its variance in bins of distance from the edge [px]."""

    distance: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    slant: float
    straight: float


def edge_mtf(image: np.ndarray, valid: np.ndarray, box: Box, axis: Axis) -> Mtf | None:
    """MTF from the slanted edge in a box.

    The place of the edge in each line is the centroid of the differences there; a line through them gives each pixel's distance
    from the edge; the signal in bins of 1/4 pixel of that distance is the edge spread function, its difference the line
    spread function, its Fourier transform the MTF. The widths of bin and difference are divided out, the expected power of
    the noise is taken off. The detector's aperture is part of the result.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Proportional to the beam's signal (transmission), as the spread acts on that.
    valid : ndarray of bool, shape (rows, columns)
    box : Box
        With one straight edge through it, from end to end; 24 lines or more, 8 pixels or more on both sides.
    axis : {"rows", "columns"}
        Across the edge.

    Returns
    -------
    Mtf or None
        None where no straight edge with flat sides runs through the box, or its slant does not bring it to all places within
        a pixel.

    References
    ----------
    ISO 12233:2017, clause 6.2 (e-SFR, slanted edge); IEC 62220-1-1:2015, clause 6.3 (presampled MTF from an edge).

    Examples
    --------
    >>> columns, rows = np.meshgrid(np.arange(64), np.arange(100))
    >>> sharp = np.clip(0.5 + columns - 28.3 - 0.0503 * rows, 0.0, 1.0)        # an aperture of one pixel, nothing else
    >>> mtf = edge_mtf(sharp, np.ones(sharp.shape, bool), Box(0, 0, 100, 64), "columns")
    >>> [round(float(mtf.modulation[k]), 2) for k in (25, 50)], [round(float(np.sinc(f)), 2) for f in (0.25, 0.5)]
    ([0.9, 0.63], [0.9, 0.64])
    """
    part, good = image[box.slices], valid[box.slices]
    if axis == "rows":
        part, good = part.T, good.T
    lines = good.all(axis=1)
    if lines.sum() < max(LEAST_LINES, 0.6 * lines.size) or part.shape[1] < 17:
        return None
    spread = _edge_spread(np.asarray(part, np.float64), np.flatnonzero(lines))
    if spread is None or not _is_clean(spread):
        return None
    modulation, error = _transform(spread)
    return Mtf(axis, FREQUENCY, modulation, error, (box,), spread.slant)


def _edge_spread(part: np.ndarray, lines: np.ndarray) -> _Spread | None:
    """Edge spread function of the upright edge in ``part``, using ``lines`` of it; None where it is not straight."""
    signal = part[lines]
    change = np.diff(signal, axis=1)
    smooth = cv2.blur(change, (3, 5), borderType=cv2.BORDER_REPLICATE)
    if smooth.sum() < 0:
        change, smooth, signal = -change, -smooth, -signal
    place = smooth.argmax(axis=1) + 0.5
    slope, start = _line(lines, place)
    if abs(slope) > _STEEPEST or np.median(np.abs(place - start - slope * lines)) > 1.5:
        return None  # no straight edge
    middle = np.arange(change.shape[1]) + 0.5
    for _ in range(4):
        away = middle - (start + slope * lines)[:, None]
        weight = np.where(np.abs(away) < _NEAR, np.cos(np.pi * away / (2 * _NEAR)) ** 2, 0.0) * change
        total = weight.sum(axis=1)
        sure = total > 0.4 * np.quantile(total, 0.75)
        if sure.sum() < LEAST_LINES or np.median(total) <= 0:
            return None
        place = (weight * middle).sum(axis=1)[sure] / total[sure]
        slope, start = _line(lines[sure], place)
    # Lines in which the edge is not there, or not where it should be, are left out: it may begin or end within the box.
    off = np.abs(place - start - slope * lines[sure])
    near = off < max(1.0, 3.0 * float(np.median(off)))
    there = np.flatnonzero(sure)[near]
    if there.size < max(LEAST_LINES, lines.size // 2):
        return None
    straight = float(np.sqrt(np.mean(off[near] ** 2)))
    lines, signal = lines[there], signal[there]
    distance = (np.arange(part.shape[1]) - (start + slope * lines)[:, None]) / np.hypot(1.0, slope)
    reach = min(HALF_WIDTH, float(-distance[:, 0].max()), float(distance[:, -1].min()))
    if reach < _PLATEAU + 2:
        return None
    return _binned(distance, signal, reach, float(np.degrees(np.arctan(slope))), straight)


def _line(at: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Slope and start of a line through most of the points."""
    x, y = at.astype(np.float64), values
    slope = start = 0.0
    for limit in (8.0, 3.0, 1.5):
        middle = x.mean()
        slope = float((x - middle) @ y / max(float((x - middle) @ (x - middle)), 1e-9))
        start = float(y.mean()) - slope * float(middle)
        away = np.abs(values - start - slope * at)
        keep = away <= max(limit, 1.5 * float(np.median(away)))
        x, y = at[keep], values[keep]
    return slope, start


def _binned(distance: np.ndarray, signal: np.ndarray, reach: float, slant: float, straight: float) -> _Spread | None:
    count = 2 * int(reach / BIN)
    index = np.floor(distance / BIN).astype(np.int64) + count // 2
    inside = (index >= 0) & (index < count)
    index, values, away = index[inside], signal[inside], distance[inside]
    number = np.bincount(index, minlength=count)
    filled = number > 0
    if not filled[[0, -1]].all() or np.diff(np.flatnonzero(filled)).max() > _GAP:
        return None
    mean = np.bincount(index, values, count) / np.maximum(number, 1)
    # A bin's pixels need not lie evenly in it.
    place = np.bincount(index, away, count)[filled] / number[filled]
    center = (np.arange(count) - count // 2 + 0.5) * BIN
    mean = np.interp(center, place, mean[filled])
    noise = _pixel_variance(values, index, mean, center)
    return _Spread(center, mean, noise / np.maximum(number, 0.5), slant, straight)


def _pixel_variance(values: np.ndarray, index: np.ndarray, mean: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Variance of a pixel about the edge spread, shape (bins,): that of the nearer side."""
    off = values - mean[index]
    left, right = (off[side] for side in (center[index] < -_PLATEAU, center[index] > _PLATEAU))
    return np.where(center < 0, left.var() if left.size else 0.0, right.var() if right.size else 0.0)


def _is_clean(spread: _Spread) -> bool:
    """Whether both sides are flat, the step stands out, and the edge is straight."""
    left, right = spread.distance < -_PLATEAU, spread.distance > _PLATEAU
    contrast = float(spread.mean[right].mean() - spread.mean[left].mean())
    if contrast <= 0:
        return False
    waves = max(float(np.ptp(cv2.blur(spread.mean[side][None], (5, 1))[0])) for side in (left, right))
    noise = float(np.sqrt(spread.variance.mean()))
    return waves < _FLAT * contrast + 3.0 * noise and noise < 0.03 * contrast and spread.straight < _STRAIGHT


def _transform(spread: _Spread) -> tuple[np.ndarray, np.ndarray]:
    """Modulation and its standard error at the frequencies."""
    line = np.diff(spread.mean)
    place = 0.5 * (spread.distance[1:] + spread.distance[:-1])
    edge = np.abs(place) / (np.abs(place).max() + BIN)
    window = np.where(edge < 0.5, 1.0, 0.5 + 0.5 * np.cos(np.pi * (edge - 0.5) / 0.5))
    total = float((line * window).sum())
    waves = np.exp(-2j * np.pi * FREQUENCY[:, None] * place)
    seen = np.abs(waves @ (line * window)) / total
    # A difference of two bins turns their noise v into 4 sin²(π f δ) v.
    noise = 4.0 * np.sin(np.pi * FREQUENCY * BIN) ** 2 * float((spread.variance[1:] * window**2).sum()) / total**2
    width = np.sinc(FREQUENCY * BIN) ** 2
    modulation = np.sqrt(np.maximum(seen**2 - noise, 0.0)) / width
    return modulation, np.sqrt(noise / 2.0) / width


def edges_in_scan(image: np.ndarray, valid: np.ndarray, axis: Axis) -> list[Mtf]:
    """Every edge of a scan that an MTF can be taken from.

    The picture is looked through in pieces of 96 lines, then of 288 where that gave under four; candidates are the strongest
    changes across, with a contrast of 8 % of the open beam or more. Two edges close to each other, or two things in one edge,
    look like an edge that no scanner makes. So of those measured only these count: modulation that falls without coming back;
    to 50 % at no more than 0.75 cycles/px (the aperture alone gives 0.60); to 10 % at 1.35 to 2.5 times that frequency
    (aperture 1.5, focal spot 1.8).

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        Transmission; any finite value where not valid.
    valid : ndarray of bool, shape (rows, columns)
    axis : {"rows", "columns"}
        Across the edges.

    Returns
    -------
    list of Mtf
    """
    found: list[Mtf] = []
    for length in _PIECES:
        if len(found) >= _FEW:
            break
        for box in islice(_candidates(image, axis, length), _MOST_PIECES):
            mtf = edge_mtf(image, valid, box, axis)
            if mtf is not None and _is_of_a_scanner(mtf):
                found.append(mtf)
    return found


def _is_of_a_scanner(mtf: Mtf) -> bool:
    """Whether a modulation falls as apertures and focal spots make it fall."""
    half, tenth = mtf.frequency_at(0.5), mtf.frequency_at(0.1)
    if half is None or tenth is None or half[1] > 0.1 * half[0] or half[0] > _SHARPEST:
        return False
    falling = mtf.modulation[mtf.frequency <= tenth[0]]
    comes_back = float((falling - np.minimum.accumulate(falling)).max())
    return _FALL[0] < tenth[0] / half[0] < _FALL[1] and comes_back < _RISE


def _candidates(image: np.ndarray, axis: Axis, length: int) -> Iterator[Box]:
    """Boxes around strong changes across pieces of the picture, strongest first."""
    turned = image.T if axis == "rows" else image
    length = min(length, turned.shape[0])
    width = HALF_WIDTH + 4
    if length < LEAST_LINES or turned.shape[1] < 2 * width:
        return
    boxes = []
    for start in range(0, turned.shape[0] - length + 1, max(1, length // 2)):
        profile = np.median(turned[start : start + length : 3], axis=0)
        change = np.abs(profile[4:] - profile[:-4])
        for column in _peaks(change, width):
            boxes.append((float(change[column]), start, column + 2))
    boxes.sort(reverse=True)
    for _, start, column in boxes:
        left, right = max(0, column - width), min(turned.shape[1], column + width + 1)
        yield Box(left, start, right, start + length) if axis == "rows" else Box(start, left, start + length, right)


def _peaks(change: np.ndarray, apart: int) -> Iterator[int]:
    """Places of the strongest changes, some pixels apart from each other and from the ends."""
    left = change.copy()
    for _ in range(12):
        place = int(left.argmax())
        if left[place] < LEAST_CONTRAST:
            return
        if 6 <= place < change.size - 6:
            yield place
        left[max(0, place - apart // 2) : place + apart // 2 + 1] = 0.0


def sharpness(edges: list[Mtf]) -> Mtf | None:
    """Mean of the sharpest quarter of the edges: many edges are soft in themselves, none is sharper than the scanner.

    Parameters
    ----------
    edges : list of Mtf
        Of one axis.

    Returns
    -------
    Mtf or None
        None without edges. Its error is that of the mean, or the edges' scatter where that is larger.
    """
    rated = sorted(((at[0], k) for k, edge in enumerate(edges) if (at := edge.frequency_at(0.5))), reverse=True)
    best = [edges[k] for _, k in rated[: max(1, int(np.ceil(_BEST * len(rated))))]]
    if not best:
        return None
    curves = np.stack([edge.modulation for edge in best])
    known = np.sqrt((np.stack([edge.error for edge in best]) ** 2).mean(axis=0) / len(best))
    scatter = curves.std(axis=0, ddof=1) / np.sqrt(len(best)) if len(best) > 2 else np.zeros(known.size)
    boxes = tuple(box for edge in best for box in edge.boxes)
    return Mtf(best[0].axis, FREQUENCY, curves.mean(axis=0), np.maximum(known, scatter), boxes, best[0].slant)
