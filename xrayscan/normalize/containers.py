"""Container boxes, found from optical depth alone.

A container is the tallest thing in the picture with a straight roof; between the roof and the floor nothing has to be seen but
its own edges, so that empty boxes, curtain-siders and frames of tanks are found like loaded ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from xrayscan.geometry import Box
from xrayscan.normalize.outline import Grid, Roof, floor_row, leveled, roof_line, shrink, upper_outline
from xrayscan.scan import Step

__all__ = ["find_containers", "with_air"]

LEAST_PIXELS = 48
SAME_TOP = 0.14
"""Containers' roofs lie within this share of the picture's rows of each other."""
SECOND = 0.55
"""A second container is at least this share of the longest one's length."""
FEWEST_COLUMNS = 0.08
"""A container takes at least this share of the picture's columns."""
TRUCK = 8.0
"""Pictures of road vehicles are at most this many times as long as high; longer ones are of trains."""
STRAIGHT = 0.04
"""How far the outline may lie off the roof line, as a share of what is below it."""
AIR_MARGIN = 0.02
SAME_POSTS = 0.03
"""The two ends of a frame are as high within this share of the picture's rows."""
SLENDER = 0.12
"""An end of a frame takes at most this share of its length."""


def find_containers(depth: np.ndarray, valid: np.ndarray, grid: Grid | None = None) -> tuple[tuple[Box, ...], Step]:
    """Boxes of the containers, from left to right: their outlines, near wall included, without what carries them.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Optical depth of the high energy; NaN where not valid.
    valid : ndarray of bool, shape (rows, columns)
    grid : Grid or None
        From `xrayscan.normalize.outline.shrink`, where it is at hand.

    Returns
    -------
    boxes : tuple of Box
        Upright rectangles around the containers, which may be tilted by some degrees. None where no edge of one is in view.
    step : Step
    """
    boxes: tuple[Box, ...] = ()
    if min(depth.shape) >= LEAST_PIXELS:
        grid = grid or shrink(depth, valid)
        boxes = tuple(_box(grid, roof, depth.shape) for roof in _roofs(grid))
        boxes = tuple(box for box in boxes if (box.top, box.left, box.bottom, box.right) != (0, 0, *depth.shape))
    count = f"{len(boxes)} container box{'es' if len(boxes) > 1 else ''} found"
    note = count if boxes else "warning: no container found; the whole picture is taken as load"
    return boxes, Step("containers", note, {"containers": len(boxes)})


def with_air(boxes: Sequence[Box], columns: int, margin: float = AIR_MARGIN) -> tuple[Box, ...]:
    """Boxes with a rim of air above, before and behind, as people draw them.

    `find_containers` finds the outline itself, which lengths are measured by. What blur, bent sheets and lock rods put beyond
    it belongs to the container too. Below it is no air but the vehicle that carries it: the floor stays where it is.

    Parameters
    ----------
    boxes : sequence of Box
        From left to right.
    columns : int
        Of the scan.
    margin : float
        Width of the rim as a share of each box's height.

    Returns
    -------
    tuple of Box
        Boxes that stand close share the air between them.

    Examples
    --------
    >>> with_air([Box(100, 50, 600, 1050)], 1055)
    (Box(top=90, left=40, bottom=600, right=1055),)
    """
    grown = []
    for k, box in enumerate(boxes):
        rim = round(margin * box.height)
        before = (boxes[k - 1].right + box.left + 1) // 2 if k else 0
        behind = (box.right + boxes[k + 1].left + 1) // 2 if k + 1 < len(boxes) else columns
        left, right = max(min(box.left, before), box.left - rim), min(max(box.right, behind), box.right + rim)
        grown.append(Box(max(0, box.top - rim), left, box.bottom, right))
    return tuple(grown)


def _frame(grid: Grid) -> Roof | None:
    """The frame of a tank container or flat rack: two slender ends of one height, taller than all between and beside them."""
    rows, columns = grid.matter.shape
    first = upper_outline(grid.matter, specks=1)
    first[[0, 1, -2, -1]] = rows
    highest = int(np.sort(first)[min(columns - 1, 3)])
    if not 0 < highest <= 0.6 * rows:
        return None
    tall = _runs(cv2.dilate((first <= highest + SAME_POSTS * rows).astype(np.uint8)[None], np.ones((1, 5), np.uint8))[0] > 0)
    if len(tall) < 2:
        return None
    left, right = tall[0][0] + 2, tall[-1][1] - 2
    thickest = min(SLENDER * (right - left), 0.4 * (rows - highest) * grid.row / grid.column)
    slender = all(b - a <= thickest for a, b in tall)
    if not slender or right - left < 2 * FEWEST_COLUMNS * columns:
        return None
    tops = [int(first[slice(*end)].min()) for end in (tall[0], tall[-1])]
    row, slope = sum(tops) / 2.0, (tops[1] - tops[0]) / (right - left)
    middles = [slice((a + b) // 2 - 1, (a + b) // 2 + 2) for a, b in (tall[0], tall[-1])]
    reach = slice(int(row) + 2, int(row + 0.6 * (rows - row)))
    upright = min(float(grid.matter[reach, m].max(axis=1).mean()) for m in middles)
    inside = first[tall[0][1] : tall[-1][0]]
    beside = np.concatenate([first[: tall[0][0]], first[tall[-1][1] :]])
    carries = (inside < row + 0.75 * (rows - row)).mean() > 0.6
    if upright < 0.9 or not carries or (beside.size and np.quantile(beside, 0.02) < np.quantile(inside, 0.25)):
        return None
    return Roof(left, right, row, slope)


def _roofs(grid: Grid) -> list[Roof]:
    """Upper edges of at most two containers, more in the long picture of a train, from left to right."""
    frame = _frame(grid)
    if frame is not None:
        return [frame]
    rows, columns = grid.matter.shape
    first = upper_outline(grid.matter)
    long = columns * grid.column / (rows * grid.row)
    fewest = max(4, int(FEWEST_COLUMNS * columns * min(1.0, TRUCK / long)))
    reference = np.sort(first)[min(columns - 1, fewest)]
    if reference > 0.6 * rows:
        return []
    runs = _runs(_without_specks(first <= reference + SAME_TOP * rows))
    longest = max((right - left for left, right in runs), default=0)
    if longest < fewest:
        return []
    runs = sorted((r for r in runs if r[1] - r[0] >= SECOND * longest), key=lambda r: r[0] - r[1])
    runs = sorted(runs[: 2 if long <= TRUCK else int(long)])
    roofs = [_trimmed(roof_line(first, left, right), first, rows) for left, right in runs]
    if len(roofs) == 1:
        joint = _joint(grid, roofs[0])
        if joint is not None:
            left, right = roofs[0].left, roofs[0].right
            return [roof_line(first, left, joint), roof_line(first, joint, right)]
    return roofs


def _trimmed(roof: Roof, first: np.ndarray, rows: int) -> Roof:
    """Without what stands before or behind it and reaches to another height: a cab that touches, drift at the scan's end."""
    columns = np.arange(roof.left, roof.right)
    near = np.abs(first[columns] - roof.row - roof.slope * (columns - roof.middle)) <= STRAIGHT * (rows - roof.row)
    if near.mean() < 0.6:
        return roof
    edge = np.flatnonzero(cv2.erode(near.astype(np.uint8)[None], np.ones((1, 5), np.uint8))[0])
    if not edge.size:
        return roof
    left, right = max(int(edge[0]) - 2, 0), min(int(edge[-1]) + 3, near.size)
    left, right = (0 if left <= 3 else left), (near.size if near.size - right <= 3 else right)
    return roof_line(first, roof.left + left, roof.left + right)


def _joint(grid: Grid, roof: Roof) -> int | None:
    """Column where two containers touch: the corner posts of both, one narrow dense line in the middle, as dense as the ends.

    Pillars and ribs of trailers and wagons come in rows of like ones; a joint is alone.
    """
    width, top = roof.right - roof.left, int(roof.row)
    height = grid.matter.shape[0] - top
    band = grid.depth[top + height // 12 : top + height // 3, roof.left : roof.right]
    if width < max(40, height) or band.shape[0] < 4:
        return None
    line = np.quantile(band, 0.3, axis=0)
    edge = max(2, width // 40)
    wall = float(np.median(line))
    posts = min(float(line[:edge].max()), float(line[-edge:].max())) - wall
    middle = slice(int(0.44 * width), int(0.56 * width))
    others = np.concatenate([line[int(0.1 * width) : int(0.4 * width)], line[int(0.6 * width) : int(0.9 * width)]])
    peak = float(line[middle].max()) - wall
    strong = line[middle] > wall + 0.5 * peak
    narrow = strong.sum() <= max(4, 0.03 * width)
    alone = float(np.quantile(others, 0.995)) - wall < 0.3 * peak
    if narrow and alone and peak > max(2.0 * wall, 0.6 * posts):
        return roof.left + middle.start + round(float(np.flatnonzero(strong).mean()))
    return None


def _box(grid: Grid, roof: Roof, shape: tuple[int, int]) -> Box:
    """The upright box around one container."""
    top = max(0.0, roof.row - roof.rise)
    bottom = floor_row(leveled(grid, roof), roof.row, lambda end: _is_carried(grid, roof, end)) + roof.rise
    rows, columns = grid.matter.shape
    return Box(
        int(top * grid.row),
        roof.left * grid.column,
        shape[0] if bottom >= rows else max(int(bottom * grid.row + 0.5), int(top * grid.row) + 1),
        shape[1] if roof.right >= columns else roof.right * grid.column,
    )


def _is_carried(grid: Grid, roof: Roof, end: int) -> bool:
    """Whether there is matter below a row, or beside the container in its lower half."""
    rim = 3 + int(roof.rise)
    half = slice(int(0.5 * (roof.row + end)), end)
    beside = np.concatenate([grid.matter[half, : max(0, roof.left - 3)], grid.matter[half, roof.right + 3 :]], axis=1)
    below = grid.matter[min(end + rim, grid.matter.shape[0]) :]
    return bool((below.size and below.mean() > 0.01) or (beside.size and beside.mean() > 0.02))


def _without_specks(flags: np.ndarray) -> np.ndarray:
    """Gaps and islands of one or two columns taken out."""
    line = flags.astype(np.uint8)[None]
    kernel = np.ones((1, 3), np.uint8)
    return cv2.morphologyEx(cv2.morphologyEx(line, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)[0].astype(bool)


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
