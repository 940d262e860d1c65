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

from xrayscan.normalize.parallax import EVEN, find_parallax
from xrayscan.normalize.swing import Swing, find_swing
from xrayscan.scan import Box, Step

__all__ = ["find_sway"]

ENDS = 0.015  # share of a body's length at either end that is left out: corner castings, doors
SEARCH, AROUND = 0.35, 0.10  # around the box's upper edge [m]: where the rail is looked for, and how much of it is compared
DEEPEST = 2.0  # optical depth beyond which nothing is compared: it is noise there
EDGE = 0.3  # share of the steepest rise along the profile that makes an edge
ROUNDS = 3
SOME = 160  # columns of which a profile is the median
OUTLIER = 3.0
LEAST = 0.1  # [rows] rms under which sway does no harm
STEADY = 0.3  # [rows] rms that may be left over where there is none
LARGEST = 0.008  # [m] rms over which it is none
NARROW = 0.8  # share of the movement's power that lies in its two strongest bands
KNOWN = 0.04  # standard error of the scale under which the load is not asked
UNEXPLAINED = 0.5  # rms that is left over, as a share of the sway
FEWEST_COLUMNS, MOST_COLUMNS = 100, 30000  # of a body; that OpenCV moves at once
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
    scale_error: float = 0.0,
    arm: bool | None = None,
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
        Of the bodies' upper edges, down positive: their tilt, in the scale at these edges.
    scale : float or None
        Rows for each meter in the middle of the load over those at the bodies' upper edge, whose picture moves farther: it is
        that of the near wall, and on the arm of an L-shaped array it is another again. None: read from the load's own motion.
    scale_error : float
        Its standard error as a share of it; where it is above 0.04 the load's own motion is read too.
    arm : bool or None
        Whether the upper edges are seen by the arm of an L-shaped array; None: not known.

    Returns
    -------
    lift : ndarray of float32, shape (columns,), or None [rows in the middle of the load]
        None where no straight edge is seen, or none that swings by 0.1 rows rms or more.
    step : Step
    """
    step_near = row_pitch * (scale or EVEN)
    # On an arm that sees the edge much larger, what lies behind it comes closer: no more rows are compared than elsewhere.
    edges = [_edge(depth, box, max(step_near, row_pitch * EVEN), slope) for box in boxes]
    seen = [edge for edge in edges if edge is not None and edge.good.sum() >= FEWEST_COLUMNS]
    if not seen:
        return None, Step("sway", "not measured: no straight upper edge of a container or body against air")
    swing = _swing(seen, depth.shape[1])
    rms = float(np.sqrt(np.mean([np.mean(swing.line[e.left : e.left + e.shift.size] ** 2) for e in seen])))
    if rms < LEAST and swing.rest < STEADY:
        return None, Step("sway", f"none: under {LEAST:g} rows rms", {"rows_rms": rms * (scale or EVEN)})
    if swing.narrow < NARROW or swing.rest > UNEXPLAINED * rms or rms * step_near > LARGEST:
        return None, Step("sway", "not measured: the upper edge is not straight", {"swings": swing.narrow})
    if scale is None or scale_error > KNOWN:
        rails = None if scale is None else (scale, scale_error)
        load = find_parallax(depth, boxes, swing.line, swing.period, slope * (scale or EVEN), rails, arm)
        if load is None:
            return None, Step("sway", "not measured: the upper edge swings, but the load below it does not")
        scale, scale_error = load
    rms *= scale
    known = f", its scale known to {100 * scale_error:.0f} %" if scale_error else ""
    note = f"the picture sways by {rms:.2f} rows rms ({rms * row_pitch * 1e3:.1f} mm{known})"
    values = {"rows_rms": rms, "mm_rms": rms * row_pitch * 1e3, "scale": scale, "scale_error": scale_error}
    return (swing.line * scale).astype(np.float32), Step("sway", note, values)


def _swing(edges: Sequence[_Edge], columns: int) -> Swing:
    """What swings in common over all columns of the picture."""
    shifts, good, body = np.zeros(columns), np.zeros(columns, bool), np.full(columns, -1)
    for number, edge in enumerate(edges):
        place = slice(edge.left, edge.left + edge.shift.size)
        shifts[place], good[place], body[place] = edge.shift, edge.good, number
    return find_swing(shifts, body, good)


def _edge(depth: np.ndarray, box: Box, step: float, slope: float) -> _Edge | None:
    """The upper edge of one body, followed from column to column."""
    ends = max(1, round(ENDS * box.width))
    left, right = box.left + ends, box.right - ends
    if right - left < FEWEST_COLUMNS:
        return None
    line = box.top + abs(slope) * box.width / 2 + slope * (np.arange(left, right) - 0.5 * (box.left + box.right))
    by = max(1, (right - left) // (2 * SOME))
    wide = _strip(depth, line[::by], slice(left, right, by), int(np.ceil(SEARCH / step)))
    reach = int(np.ceil(AROUND / step)) + 3
    line = line + _parabola(_crossings(wide), np.arange(0, right - left, by), right - left)
    if line.min() < LEAST_ABOVE:
        return None
    strip = _strip(depth, line, slice(left, right), reach)
    shift, quality = _followed(strip)
    good = (quality < OUTLIER * np.median(quality)) & (np.abs(shift) < reach / 2)
    return _Edge(left, shift, good)


def _strip(depth: np.ndarray, line: np.ndarray, columns: slice, reach: int) -> np.ndarray:
    """The rows around a line, shape (2 reach + 1, columns); where nothing is valid the row above goes on."""
    top = max(0, int(line.min()) - reach - 1)
    part = np.clip(depth[top : int(line.max()) + reach + 2, columns], -0.1, DEEPEST)
    invalid = np.isnan(part[:, :: max(1, part.shape[1] // SOME)]).any(axis=1)
    if invalid.any() and not invalid.all():
        good = np.flatnonzero(~invalid)
        part = part[good[np.searchsorted(good, np.arange(part.shape[0])).clip(0, good.size - 1)]]
    cv2.patchNaNs(part, 0.0)
    rows = np.arange(-reach, reach + 1, dtype=np.float32)[:, None] + (line - top).astype(np.float32)
    return _moved(part, rows)


def _moved(part: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each column read at rows of its own."""
    if rows.shape[1] > MOST_COLUMNS:
        cuts = range(0, rows.shape[1], MOST_COLUMNS)
        return np.hstack([_moved(part[:, k : k + MOST_COLUMNS], rows[:, k : k + MOST_COLUMNS].copy()) for k in cuts])
    across = np.empty_like(rows)
    across[:] = np.arange(rows.shape[1], dtype=np.float32)
    return cv2.remap(part, across, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _crossings(wide: np.ndarray) -> np.ndarray:
    """Row, against the middle one, at which each column first rises half as high as the first steep edge of their profile."""
    profile = cv2.blur(np.median(wide[:, ::2], axis=1).astype(np.float32)[:, None], (1, 3))[:, 0]
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
        moved = _moved(strip, offsets + shift.astype(np.float32))
    return shift, np.sqrt(weight @ rest**2)
