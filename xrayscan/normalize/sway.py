"""Sway: the boom or the vehicle moves up and down while it is scanned, and every straight line along the travel shows it.

The line used is the upper edge of the container or body, a straight rail against air. Where it lies in each column is measured
against its own profile, to a few hundredths of a row, and only what swings is taken for sway: a vehicle's roof may be bowed,
or broken by corner castings, but it does not swing through several periods at one or two frequencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.scan import Box, Step

__all__ = ["find_sway"]

SCALE = 2.0 / (1.0 + 1.8)  # near walls are 1.3 to 2.2 times as large as far ones, most of them nearer to 2
ENDS = 0.015  # share of a body's length at either end that is left out: corner castings, doors
SEARCH, AROUND = 0.35, 0.10  # around the box's upper edge [m]: where the rail is looked for, and how much of it is compared
DEEPEST = 2.0  # optical depth beyond which nothing is compared: it is noise there
EDGE = 0.3  # share of the steepest rise along the profile that makes an edge
ROUNDS = 3
SOME = 240  # columns of which a profile is the median
THINNED = 1200  # columns in which the swing is looked for
OUTLIER = 3.0
PEAK = 10.0  # power of a frequency over the noise's from which it counts
FASTEST = 0.25  # share of all frequencies above which nothing sways
SLOWEST = 3  # half periods over the body: what is slower may be its bow
MOST = 40  # frequencies
RIDGE = 0.001
LEAST = 0.1  # [rows] rms under which sway does no harm
LARGEST = 0.008  # [m] rms over which it is none
SWINGS = 0.8  # share of the movement's power that lies in its two strongest bands
UNEXPLAINED = 0.5  # rms that is left over, as a share of the sway
FEWEST_COLUMNS = 100
LEAST_ABOVE = 4.0  # [rows] of air that have to be seen above the edge


@dataclass(frozen=True, eq=False)
class _Edge:
    """Shifts of one body's upper edge [rows], down positive, from column ``left`` on, and where they can be trusted."""

    left: int
    shift: np.ndarray
    good: np.ndarray


def find_sway(
    depth: np.ndarray,
    boxes: Sequence[Box],
    row_pitch: float,
    slope: float = 0.0,
    scale: float | None = None,
) -> tuple[np.ndarray | None, Step]:
    """How much lower than even travel would have it each column's picture lies.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Optical depth of the high energy; NaN where not valid.
    boxes : sequence of Box
        Of containers or bodies.
    row_pitch : float [m]
        In the middle of the load.
    slope : float [rows per column]
        Of the bodies' upper edges, down positive: their tilt.
    scale : float or None
        Rows for each meter in the middle of the load over those at the bodies' upper edge, whose picture moves farther: it is
        that of the near wall, and on the arm of an L-shaped array it is another again. None: 0.71, of a near wall 1.8 times as
        large as the far one.

    Returns
    -------
    lift : ndarray of float32, shape (columns,), or None [rows in the middle of the load]
        None where no straight edge is seen, or none that swings by 0.1 rows rms or more.
    step : Step
    """
    near = scale or SCALE
    step_near = row_pitch * near
    edges = [_edge(depth, box, step_near, slope) for box in boxes]
    seen = [edge for edge in edges if edge is not None and edge.good.sum() >= FEWEST_COLUMNS]
    if not seen:
        return None, Step("sway", "not measured: no straight upper edge of a container or body against air")
    sway, rest, swings = _swinging(seen, depth.shape[1])
    rms = float(np.sqrt(np.mean([np.mean(sway[e.left : e.left + e.shift.size] ** 2) for e in seen])))
    if rms < LEAST:
        return None, Step("sway", f"none: under {LEAST:g} rows rms", {"rows_rms": rms * near})
    if swings < SWINGS or rest > UNEXPLAINED * rms or rms * step_near > LARGEST:
        return None, Step("sway", "not measured: the upper edge is not straight", {"swings": swings})
    lift = (sway * near).astype(np.float32)
    known = "" if scale else ", the edge's scale assumed"
    note = f"the picture sways by {rms * near:.2f} rows rms ({rms * near * row_pitch * 1e3:.1f} mm{known})"
    return lift, Step("sway", note, {"rows_rms": rms * near, "mm_rms": rms * near * row_pitch * 1e3})


def _edge(depth: np.ndarray, box: Box, step: float, slope: float) -> _Edge | None:
    """The upper edge of one body, followed from column to column."""
    ends = max(1, round(ENDS * box.width))
    left, right = box.left + ends, box.right - ends
    if right - left < FEWEST_COLUMNS:
        return None
    line = box.top + abs(slope) * box.width / 2 + slope * (np.arange(left, right) - 0.5 * (box.left + box.right))
    thin = slice(None, None, max(1, (right - left) // 320))
    wide = _strip(depth, line[thin], np.arange(left, right)[thin], int(np.ceil(SEARCH / step)))
    reach = int(np.ceil(AROUND / step)) + 3
    line = line + _parabola(_crossings(wide), np.arange(right - left)[thin], right - left)
    if line.min() < LEAST_ABOVE:
        return None
    strip = _strip(depth, line, np.arange(left, right), reach)
    shift, quality = _followed(strip)
    good = (quality < OUTLIER * np.median(quality)) & (np.abs(shift) < reach / 2)
    return _Edge(left, _smooth(shift, good), good)


def _strip(depth: np.ndarray, line: np.ndarray, columns: np.ndarray, reach: int) -> np.ndarray:
    """The rows around a line, shape (2 reach + 1, columns); where nothing is valid the row above goes on."""
    top = max(0, int(line.min()) - reach - 1)
    part = depth[top : int(line.max()) + reach + 2]
    part = np.clip(part, -0.1, DEEPEST)
    invalid = np.isnan(part).any(axis=1)
    if invalid.any():
        good = np.flatnonzero(~invalid)
        if good.size:
            part = part[good[np.searchsorted(good, np.arange(part.shape[0])).clip(0, good.size - 1)]]
        part = np.nan_to_num(part)
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)[:, None]
    rows = offsets + (line - top).astype(np.float32)[None]
    across = np.broadcast_to(columns.astype(np.float32), rows.shape)
    return cv2.remap(part, np.ascontiguousarray(across), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _crossings(wide: np.ndarray) -> np.ndarray:
    """Row, against the middle one, at which each column first rises half as high as the first steep edge of their profile."""
    profile = cv2.blur(np.median(wide, axis=1).astype(np.float32)[:, None], (1, 3))[:, 0]
    rise = np.diff(profile)
    k = int(np.argmax(rise > EDGE * max(float(rise.max()), 1e-6)))
    while k + 1 < rise.size and rise[k + 1] > rise[k]:
        k += 1
    low, high = float(profile[max(0, k - 4)]), float(profile[min(profile.size - 1, k + 4)])
    first = np.argmax(wide > 0.5 * (low + high), axis=0)
    return np.where(wide.max(axis=0) > 0.5 * (low + high), first, k) - (wide.shape[0] - 1) / 2


def _parabola(rows: np.ndarray, columns: np.ndarray, count: int) -> np.ndarray:
    """Parabola through most of the points, at columns 0 to ``count``."""
    x, keep = columns / count - 0.5, np.ones(rows.size, bool)
    for _ in range(4):
        shape = np.polyfit(x[keep], rows[keep], 2)
        away = np.abs(rows - np.polyval(shape, x))
        keep = away <= max(1.5, OUTLIER * float(np.median(away)))
    return np.polyval(shape, np.arange(count) / count - 0.5)


def _followed(strip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift of each column against the profile that all have in common [rows], and how badly it fits.

    Least squares of strip = profile + offset − shift · profile′, rows weighed by how well the columns agree on them,
    repeated with the columns moved back: Lucas and Kanade (1981), An iterative image registration technique.
    """
    count, columns = strip.shape
    some = slice(None, None, max(1, columns // SOME))
    shift = np.zeros(columns)
    offsets = np.arange(count, dtype=np.float32)[:, None]
    across = np.ascontiguousarray(np.broadcast_to(np.arange(columns, dtype=np.float32), strip.shape))
    moved = strip
    for turn in range(ROUNDS + 1):
        profile = np.median(moved[:, some], axis=1)
        rest = moved - profile[:, None]
        rest -= rest.mean(axis=0)
        spread = 1.4826 * np.median(np.abs(rest[:, some]), axis=1)
        weight = 1.0 / (spread**2 + np.median(spread) ** 2 + 1e-6)
        weight /= weight.sum()
        rest -= weight @ rest
        if turn == ROUNDS:
            break
        rise = np.gradient(profile)
        rise -= weight @ rise
        shift -= np.clip((weight * rise) @ rest / max(float(weight @ rise**2), 1e-12), -1.5, 1.5)
        shift -= np.median(shift)
        moved = cv2.remap(strip, across, offsets + shift.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return shift, np.sqrt(weight @ rest**2)


def _smooth(shift: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Shifts with single outliers replaced."""
    x = np.arange(shift.size)
    line = np.interp(x, x[good], shift[good]).astype(np.float32) if good.any() else shift.astype(np.float32)
    for _ in range(2):
        middle = cv2.medianBlur(line[None], 5)[0]
        away = np.abs(line - middle)
        line = np.where(away > OUTLIER * 1.4826 * np.median(away) + 1e-3, middle, line)
    return line.astype(np.float64)


def _swinging(edges: Sequence[_Edge], columns: int) -> tuple[np.ndarray, float, float]:
    """What swings in common over all columns of the picture, the rms that is left over, and the share of its two bands.

    Cosines of those frequencies that stand out of the noise, and for each body a parabola of its own (place, tilt and bow),
    fitted to the trusted columns; where there are none the cosines go on, damped.
    """
    first, last = min(e.left for e in edges), max(e.left + e.shift.size for e in edges)
    count = last - first
    line, good, body = np.zeros(count), np.zeros(count, bool), np.full(count, -1)
    for number, edge in enumerate(edges):
        place = slice(edge.left - first, edge.left - first + edge.shift.size)
        line[place], good[place], body[place] = edge.shift, edge.good, number
    by = max(1, count // THINNED)
    line, good, body = line[::by], good[::by], body[::by]
    count, fastest = line.size, min(1.0, FASTEST * by)
    x = (np.arange(count) - count / 2) / count
    shapes = np.concatenate([(body == n)[:, None] * np.stack([np.ones(count), x, x**2], 1) for n in range(len(edges))], axis=1)
    swing = np.where(good, line - shapes @ np.linalg.lstsq(shapes[good], line[good], rcond=None)[0], 0.0)
    fit = np.zeros(count)
    for _ in range(2):
        power = _power(swing)
        noise = float(np.median(power[power.size // 3 :])) / np.log(2.0)
        power[:SLOWEST], power[int(fastest * power.size) :] = 0.0, 0.0
        order = np.argsort(power)[::-1][:MOST]
        strong = np.zeros(power.size, np.uint8)
        strong[order[power[order] > PEAK * noise]] = 1
        kept = np.flatnonzero(cv2.dilate(strong[None], np.ones((1, 3), np.uint8))[0][1:]) + 1
        if kept.size == 0:
            return np.zeros(columns), float(swing[good].std()), 0.0
        waves = np.cos(np.pi * np.outer(np.arange(count) + 0.5, kept) / count)
        shape = _fitted(waves, shapes, line, good)
        fit = waves @ shape[: kept.size]
        swing = np.where(good, line - shapes @ shape[kept.size :], fit)
    rest = float((swing - fit)[good].std())
    sway = np.interp(np.arange(columns), np.arange(first, last, by), fit - fit.mean())
    return sway, rest, _in_two_bands(_power(swing))


def _fitted(waves: np.ndarray, shapes: np.ndarray, line: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Coefficients of waves, which are damped, and of shapes, which are not."""
    both = np.concatenate([waves, shapes], axis=1)[good]
    some = slice(None, None, max(1, both.shape[0] // 1500))
    part = both[some]
    damping = np.full(part.shape[1], 1e-9 * len(part))
    damping[: waves.shape[1]] = RIDGE * len(part) / 2
    return np.linalg.solve(part.T @ part + np.diag(damping), part.T @ line[good][some])


def _power(line: np.ndarray) -> np.ndarray:
    """Power of the cosines of half periods 0, 1, 2 ... over the line."""
    return np.abs(np.fft.rfft(np.concatenate([line, line[::-1]]))) ** 2


def _in_two_bands(power: np.ndarray) -> float:
    left = power.astype(np.float64)
    left[0] = 0.0
    whole, taken = max(float(left.sum()), 1e-12), 0.0
    for _ in range(2):
        peak = int(np.argmax(cv2.blur(left[None], (9, 1))[0]))
        band = slice(max(0, peak - 5), peak + 6)
        taken += float(left[band].sum())
        left[band] = 0.0
    return taken / whole
