"""Edges of one container on a coarse grid of optical depth: roof line, ends and floor.

Seen from a point, the near and the far wall give a container four horizontal edges; the outermost are those of the near wall.
Its roof is where matter begins; its floor ends where the floor's beams end, below which a chassis is a plain web.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.normalize.beam import blocks

__all__ = ["AIR_DEPTH", "Grid", "Roof", "floor_row", "leveled", "roof_line", "shrink", "upper_outline"]

ROWS, COLUMNS = 270, 720
AIR_DEPTH = (0.03, 0.08)
STEEPEST = 0.06
"""Largest slope that is taken for a tilt [rows per column on the grid]; steeper lines are no roof."""
LOWER = 0.5
"""The floor lies in this lower share of what is below the roof."""
LEAST_WEB = 0.15
"""Optical depth of the thinnest chassis web: two I-beams with webs of 6 mm of steel are 9 g/cm², 0.3 at 4 MV."""
LEAST_STEP = 0.25
"""Least logarithm of floor over web by which a floor is told from its chassis."""
FLAT = 0.03
"""A web is at least this high, as a share of what is below the roof."""
LINES = 0.02
"""Half of the height below which a dense band is a line: a beam's flange, no level."""
DENSER = 2.0
"""Below a floor nothing but lines is this many times as dense as its web, along the whole container."""
TICKS = 0.5
"""What the end of the floor's cross members counts beside the end of its density."""
KNEE = 0.25
"""The floor ends where this share of what it has over the web is left."""
_QUANTILES = (0.15, 0.3, 0.45)
_CAP = 2.0


@dataclass(frozen=True, eq=False)
class Grid:
    """Optical depth on a coarse grid.

    Attributes
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Finite everywhere.
    matter : ndarray of bool, shape (rows, columns)
        More than air.
    row, column : int
        Size of a cell [px]; less than one cell may be left over at the lower and the right edge of the scan.
    """

    depth: np.ndarray
    matter: np.ndarray
    row: int
    column: int


@dataclass(frozen=True)
class Roof:
    """A container's upper edge on the grid: its columns, half open, the row in their middle and the slope [rows per column]."""

    left: int
    right: int
    row: float
    slope: float

    @property
    def middle(self) -> float:
        """Column in the middle."""
        return 0.5 * (self.left + self.right - 1)

    @property
    def rise(self) -> float:
        """How far the ends lie above and below the middle [rows]."""
        return abs(self.slope) * (self.right - self.left) / 2.0


def shrink(depth: np.ndarray, valid: np.ndarray) -> Grid:
    """The grid of about 270 rows x 720 columns, more for long trains, that containers are looked for on.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        NaN where not valid.
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Grid
        Cells are means of what is valid; cells with nothing valid take the mean of their surroundings.
    """
    by_row = max(1, round(depth.shape[0] / ROWS))
    by_column = max(1, min(round(depth.shape[1] / COLUMNS), 2 * by_row))
    size = (max(1, depth.shape[1] // by_column), max(1, depth.shape[0] // by_row))
    # Whole cells alone: the mean over a whole number of pixels is several times as fast as over parts of them.
    whole = slice(0, size[1] * by_row), slice(0, size[0] * by_column)
    if valid.all():
        small = cv2.resize(depth[whole], size, interpolation=cv2.INTER_AREA)
    else:
        small = _mean_of_valid(depth[whole], valid[whole], size)
    small -= _veil(small)
    top = small[: max(2, size[1] // 40)]
    air = float(np.clip(1.2 * np.quantile(top, 0.9), *AIR_DEPTH))
    return Grid(small, small > air, by_row, by_column)


def _mean_of_valid(depth: np.ndarray, valid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    total, share = np.empty((2, size[1], size[0]), np.float32)
    each = depth.shape[0] // size[1]
    for cells in blocks(size[1], each * depth.shape[1]):
        rows, to = slice(cells.start * each, cells.stop * each), (size[0], cells.stop - cells.start)
        total[cells] = cv2.resize(np.where(valid[rows], depth[rows], np.float32(0.0)), to, interpolation=cv2.INTER_AREA)
        share[cells] = cv2.resize(valid[rows].view(np.uint8) * np.uint8(255), to, interpolation=cv2.INTER_AREA)
    share /= 255.0
    known = share > 0.05
    unscanned = _unscanned(np.asarray(~known.any(axis=0)))
    known |= unscanned
    small = total / np.maximum(share, 1e-3)
    small[:, unscanned] = 0.0
    reach = 3
    while not known.all() and reach < 2 * max(size):
        weight = cv2.blur(known.astype(np.float32), (reach, reach))
        mean = cv2.blur(small * known, (reach, reach))
        new = ~known & (weight > 1e-6)
        small[new] = mean[new] / weight[new]
        known |= new
        reach = 2 * reach + 1
    return small


def _unscanned(empty: np.ndarray) -> np.ndarray:
    """Which of the empty columns lie at either end, shape (columns,): padding, that is taken for air.

    Within the picture the beam was off, or pulses were lost: the vehicle goes on there.
    """
    padding = empty.copy()
    scanned = np.flatnonzero(~empty)
    if scanned.size:
        padding[scanned[0] : scanned[-1]] = False
    return padding


def _veil(small: np.ndarray) -> np.ndarray:
    """What air above the vehicle is too dark by in each column, shape (columns,): drift toward the ends of a scan.

    Only where some air is clear; where the strip along the upper edge is no air, its neighbors' value is taken.
    """
    strip = np.median(small[: max(2, small.shape[0] // 60)], axis=0)
    air = strip < 0.2
    if np.quantile(strip, 0.1) > AIR_DEPTH[0] or air.mean() < 0.5:
        return np.zeros(strip.size, np.float32)
    columns = np.arange(strip.size)
    level = np.interp(columns, columns[air], strip[air]).astype(np.float32)
    wide = max(3, strip.size // 60) | 1
    level = cv2.erode(level[None], np.ones((1, wide), np.uint8))
    return np.maximum(cv2.blur(level, (wide, 1))[0], 0.0)


def upper_outline(matter: np.ndarray, specks: int = 5) -> np.ndarray:
    """First row of each column where matter begins, shape (columns,); the number of rows where there is none.

    It is a median over ``specks`` columns.
    """
    rows = matter.shape[0]
    few = max(1, rows // 130)
    solid = cv2.erode(matter.view(np.uint8), np.ones((few, 1), np.uint8), anchor=(0, 0), borderValue=0)
    first = np.where(solid.any(axis=0), solid.argmax(axis=0), rows).astype(np.uint16)
    return cv2.medianBlur(first[None], specks)[0].astype(np.int64) if first.size > specks > 1 else first.astype(np.int64)


def roof_line(first: np.ndarray, left: int, right: int) -> Roof:
    """Line through the upper outline between two columns, outliers left out."""
    columns = np.arange(left, right, dtype=np.float64) - 0.5 * (left + right - 1)
    rows = first[left:right].astype(np.float64)
    slope, keep = 0.0, np.ones(rows.size, bool)
    for limit in (8.0, 4.0, 2.0):
        away = rows - slope * columns
        keep = np.abs(away - np.median(away)) <= limit
        spread = float((columns[keep] ** 2).sum())
        if keep.sum() > 8 and spread > 0:
            centered = columns[keep] - columns[keep].mean()
            slope = float((centered * rows[keep]).sum() / max(float((centered**2).sum()), 1e-9))
    if abs(slope) > STEEPEST:
        slope = 0.0
    away = rows - slope * columns
    return Roof(left, right, float(np.median(away[keep] if keep.any() else away)), slope)


def leveled(grid: Grid, roof: Roof) -> np.ndarray:
    """The container's inner columns with its tilt taken out, shape (rows, columns)."""
    shift = np.array([[1.0, 0.0, 0.0], [-roof.slope, 1.0, roof.slope * roof.middle]], np.float32)
    width = roof.right - roof.left
    margin = min(max(2, width // 16), (width - 1) // 2)
    level = cv2.warpAffine(grid.depth, shift, grid.depth.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return level[:, roof.left + margin : roof.right - margin]


def floor_row(level: np.ndarray, roof: float, carried: Callable[[int], bool]) -> float:
    """Row where the floor ends: where beams and planks give way to the plain web of a chassis, or matter ends.

    Parameters
    ----------
    level : ndarray of float32, shape (rows, columns)
        From `leveled`.
    roof : float
        Row of the roof.
    carried : function of int
        Whether there is anything beside or below that row: without it what is densest at the lower end is the floor itself.

    Returns
    -------
    float
        On the grid.
    """
    rows = level.shape[0]
    below = rows - roof
    start = int(roof + LOWER * below)
    ordered = np.sort(level[start:], axis=1)
    profile = np.stack([ordered[:, int(q * ordered.shape[1])] for q in _QUANTILES])
    plain = _without_lines(profile, int(LINES * below) | 1)
    ticks = np.median(np.abs(level[start:] - cv2.blur(level[start:], (11, 1))), axis=1)
    width, gap = max(2, round(FLAT * below)), max(1, round(0.02 * below))
    score = _steps(profile, plain, ticks[None], width, gap)
    if not score.size or score.max() < LEAST_STEP:
        return start + _end_of_matter(profile[-1])
    # Of steps that are much the same the lowest counts: a load may end on a floor as sharply as a floor on its chassis.
    last = int(np.flatnonzero(score >= 0.9 * score.max())[-1])
    first = max(0, last - width - gap)
    row = first + int(np.argmax(score[first : last + 1])) + width + gap
    end = _end_of_matter(profile[-1])
    if end < profile.shape[1] - 2 and not carried(start + int(end)):
        return start + end
    middle = plain[1]
    web = float(middle[row : row + width].mean())
    dense = min(float(middle[row - gap - width : row - gap].mean()), _CAP * web)
    while row > 0 and middle[row - 1] <= web + KNEE * (dense - web):
        row -= 1
    return float(start + row)


def _steps(profile: np.ndarray, plain: np.ndarray, ticks: np.ndarray, width: int, gap: int) -> np.ndarray:
    """How much every row looks like the upper end of a web below a floor, from row ``width + gap`` of the profile on.

    The logarithm of what lies above over what lies below, as a mean over the quantiles; and half of that of the beams' ticks,
    the contrast along the row, which a web has not.
    """
    count = profile.shape[1] - 2 * width - gap
    if count <= 0:
        return np.zeros(0)
    after = slice(width + gap, width + gap + count)
    above, below = _means(profile, width)[:, :count], _means(plain, width)[:, after]
    least = np.lib.stride_tricks.sliding_window_view(plain, width, axis=1).min(axis=2)[:, after]
    step = np.log(np.maximum(above, 0.05) / np.maximum(below, 0.05))
    seen = least >= LEAST_WEB
    step = np.where(seen, np.clip(step, 0.0, np.log(_CAP)), 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    densest = np.maximum.accumulate(plain[0, ::-1])[::-1][after]
    step = np.where(seen[1] & (densest <= DENSER * below[0] + 0.1), step, 0.0)
    comb = _means(ticks, width)[0] + 0.02
    fewer = np.clip(np.log(comb[:count] / comb[after]), 0.0, 1.0)
    return step + TICKS * fewer * (step > 0)


def _means(profile: np.ndarray, width: int) -> np.ndarray:
    total = np.cumsum(profile, axis=1, dtype=np.float64)
    total = np.concatenate([np.zeros((profile.shape[0], 1)), total], axis=1)
    return (total[:, width:] - total[:, :-width]) / width


def _without_lines(profile: np.ndarray, size: int) -> np.ndarray:
    """Median along the rows: beams' flanges are lines, no levels."""
    padded = np.pad(profile, ((0, 0), (size // 2, size // 2)), mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, size, axis=1), axis=2)


def _end_of_matter(profile: np.ndarray) -> float:
    """Row after the lowest with matter in half of the columns; the profile's end where there is none."""
    dense = np.flatnonzero(profile >= AIR_DEPTH[1])
    return float(dense[-1] + 1) if dense.size else float(profile.size)
