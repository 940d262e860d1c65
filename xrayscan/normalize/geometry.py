"""Container boxes, found from optical depth alone.

A container is what is taller than the vehicle that carries it: its columns hold matter without a gap from the roof rail
down. Its roof line gives the tilt. Along the rows its floor is the lowest band that is dense over most of its length; below it
the chassis is a thin web with holes, or there is air.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.normalize.beam import local_mean
from xrayscan.scan import Box, Step

__all__ = ["find_containers"]

ROWS, COLUMNS = 270, 720
AIR_DEPTH = (0.03, 0.08)
TALL = 0.25
LEAST_PIXELS = 48
SUSTAINED = 0.6
SAME_TOP = 0.14
SECOND = 0.55
FLOOR_DEPTH = 0.65
FLOOR_SHARE = 0.6
FLOOR_FROM = 0.65
FLOOR_GAP = 0.034
FEWEST_COLUMNS = 0.08
_STEEPEST = 0.06


@dataclass(frozen=True, eq=False)
class _Small:
    """The optical depth on a coarse grid, and where there is matter."""

    depth: np.ndarray
    matter: np.ndarray
    row: float
    column: float


def find_containers(depth: np.ndarray, valid: np.ndarray) -> tuple[tuple[Box, ...], Step]:
    """Boxes of 0, 1 or 2 containers, front first.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Optical depth of the high energy; NaN where not valid.
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    boxes : tuple of Box
        Upright rectangles around the containers, which may be tilted by some degrees. None where no side of it is in view.
    step : Step
    """
    boxes: tuple[Box, ...] = ()
    if min(depth.shape) >= LEAST_PIXELS:
        small = _shrunk(depth, valid)
        first = _first_rows(small.matter)
        boxes = tuple(_box(small, first, left, right, depth.shape) for left, right in _runs_of_containers(small, first))
        boxes = tuple(box for box in boxes if (box.top, box.left, box.bottom, box.right) != (0, 0, *depth.shape))
    note = f"{len(boxes)} container boxes found" if boxes else "warning: no container found; the whole picture is taken as load"
    return boxes, Step("geometry", note, {"containers": len(boxes)})


def _shrunk(depth: np.ndarray, valid: np.ndarray) -> _Small:
    """The grid of about 270 rows x 720 columns that all of this is done on."""
    by_row, by_column = max(1, round(depth.shape[0] / ROWS)), max(1, round(depth.shape[1] / COLUMNS))
    size = (max(1, depth.shape[1] // by_column), max(1, depth.shape[0] // by_row))
    filled = depth
    if not valid.all():
        filled = np.where(valid, depth, np.float32(0.0))
        filled = np.where(valid, filled, local_mean(filled, valid, 9))
    small = cv2.resize(filled, size, interpolation=cv2.INTER_AREA)
    top = small[: max(2, size[1] // 40)]
    air = float(np.clip(1.2 * np.quantile(top, 0.9), *AIR_DEPTH))
    return _Small(small, small > air, depth.shape[0] / size[1], depth.shape[1] / size[0])


def _first_rows(matter: np.ndarray) -> np.ndarray:
    """First row of each column that has matter in most of the quarter picture below it; the picture's height where none."""
    rows = matter.shape[0]
    depth = max(2, int(TALL * rows))
    total = np.concatenate([np.zeros((1, matter.shape[1]), np.int32), np.cumsum(matter, axis=0, dtype=np.int32)])
    share = (total[depth:] - total[:-depth]) / depth
    few = max(2, rows // 60)
    solid = (total[few:] - total[:-few] == few)[: share.shape[0]]
    good = (share >= SUSTAINED) & solid
    return np.where(good.any(axis=0), good.argmax(axis=0), rows)


def _runs_of_containers(small: _Small, first: np.ndarray) -> list[tuple[int, int]]:
    """Column ranges of at most two containers, from left to right."""
    rows, columns = small.matter.shape
    tops = np.sort(first)
    reference = tops[min(columns - 1, int(FEWEST_COLUMNS * columns))]
    if reference > 0.6 * rows:
        return []
    runs = _runs(_without_specks(first <= reference + SAME_TOP * rows))
    longest = max((right - left for left, right in runs), default=0)
    if longest < FEWEST_COLUMNS * columns:
        return []
    runs = sorted(sorted((r for r in runs if r[1] - r[0] >= SECOND * longest), key=lambda r: r[0] - r[1])[:2])
    if len(runs) == 1:
        middle = _joint(small, first, *runs[0])
        if middle is not None:
            return [(runs[0][0], middle), (middle, runs[0][1])]
    return runs


def _joint(small: _Small, first: np.ndarray, left: int, right: int) -> int | None:
    """Column where two containers touch: the corner posts of both, a narrow dense line in the middle of the run."""
    width = right - left
    top = int(np.median(first[left:right]))
    height = small.matter.shape[0] - top
    band = small.depth[top + height // 12 : top + height // 3, left:right]
    if width < 40 or band.shape[0] < 4:
        return None
    line = np.quantile(band, 0.3, axis=0)
    edge = max(2, width // 40)
    posts = min(float(line[:edge].max()), float(line[-edge:].max()))
    wall = float(np.median(line))
    middle = slice(int(0.44 * width), int(0.56 * width))
    peak = int(np.argmax(line[middle])) + middle.start
    strong = line > wall + 0.5 * (line[peak] - wall)
    narrow = strong[middle].sum() <= max(4, 0.03 * width)
    if narrow and line[peak] > max(3.0 * wall, 0.5 * posts):
        near = np.flatnonzero(strong[middle]) + middle.start
        return left + round(float(near.mean()))
    return None


def _box(small: _Small, first: np.ndarray, left: int, right: int, shape: tuple[int, int]) -> Box:
    """The upright box around one container."""
    slope, roof = _roof(first, left, right)
    rise = abs(slope) * (right - left) / 2.0
    ends = max(1, (right - left) // 60)
    castings = min(float(np.median(first[left : left + ends])), float(np.median(first[right - ends : right])))
    top = max(0.0, min(roof - rise, castings))
    bottom = _floor(small, slope, left, right, roof) + rise
    return Box(
        int(top * small.row),
        int(left * small.column),
        min(shape[0], max(int(bottom * small.row + 0.5), int(top * small.row) + 1)),
        min(shape[1], int(right * small.column + 0.5)),
    )


def _roof(first: np.ndarray, left: int, right: int) -> tuple[float, float]:
    """Slope of the roof line [rows per column] and its row in the middle: a line through the first rows, outliers left out."""
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
    if abs(slope) > _STEEPEST:
        slope = 0.0
    return slope, float(np.median((rows - slope * columns)[keep]))


def _floor(small: _Small, slope: float, left: int, right: int, roof: float) -> float:
    """Row of the container's lower edge in its middle, on the coarse grid.

    With nothing below or beside it and no holes in it, that is where matter ends. On a chassis it is where the floor
    ends: the first dense band in the lower third. Dense means in nine tenths of the columns; the chassis' web and its
    holes are less.
    """
    middle = 0.5 * (left + right - 1)
    shift = np.array([[1.0, 0.0, 0.0], [-slope, 1.0, slope * middle]], np.float32)
    level = cv2.warpAffine(small.depth, shift, small.depth.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    margin = max(2, (right - left) // 16)
    inside = level[:, left + margin : right - margin]
    rows = level.shape[0]
    start = int(roof + FLOOR_FROM * (rows - roof))
    gone = np.flatnonzero(np.median(inside[start:], axis=1) < AIR_DEPTH[1])
    end = start + int(gone[0]) if gone.size else rows
    beside = np.concatenate(
        [small.matter[start:end, : max(0, left - margin)], small.matter[start:end, right + margin :]], axis=1
    )
    below = small.matter[min(rows, end + 3) :]
    holes = np.quantile(inside[start:end], 0.1, axis=1) < AIR_DEPTH[0] if end > start else np.zeros(1, bool)
    carried = (below.size > 0 and below.mean() > 0.01) or (beside.size > 0 and beside.mean() > 0.03)
    if not carried and holes.sum() <= max(3, rows // 50):
        return float(end)
    profile = np.quantile(inside[start : start + int(0.8 * (rows - start)) + 1], 0.1, axis=1)
    dense = start + np.flatnonzero(profile >= min(FLOOR_DEPTH, FLOOR_SHARE * float(profile.max())))
    gaps = np.flatnonzero(np.diff(dense) > max(2, int(FLOOR_GAP * rows)))
    return float((dense[gaps[0]] if gaps.size else dense[-1]) + 1)


def _without_specks(flags: np.ndarray) -> np.ndarray:
    """Gaps and islands of one column taken out."""
    line = flags.astype(np.uint8)[None]
    kernel = np.ones((1, 2), np.uint8)
    return cv2.morphologyEx(cv2.morphologyEx(line, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)[0].astype(bool)


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
