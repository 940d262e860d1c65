"""What lies where in a scan: container, load, cab and chassis, found from optical depth and the container boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.geometry import Box, Region
from xrayscan.normalize.outline import Grid, roof_line, shrink, upper_outline
from xrayscan.scan import Step

__all__ = ["find_regions"]

ENDS = 0.03
"""Share of a container's length at each end that posts and doors take."""
WALLS = 0.45
"""Largest optical depth that is taken for a container's two side walls; insulated ones of reefers have up to 0.4."""
LEAST_LOAD = 0.12
"""Least optical depth above that of the walls that is called load: 4 g/cm² of goods at 6 MV."""
FLOOR_ZONE = 0.25
"""In this lowest share of a container the floor is seen, from its far to its near edge."""
PILLAR = 0.08
"""Width of the widest pillar or post that is no load, as a share of the container's height."""
CAB_TALL = 0.3
"""A cab reaches at least this share of the container's height above its floor."""
CAB_LONG = 1.6
"""A cab with its hood is at most this many container heights long."""
CAB_SHORT = 0.25
"""A cab is at least this many container heights long."""
DENSE = 0.5
"""Optical depth that engine, frame and axles under a cab have in most of its columns."""


@dataclass(frozen=True)
class _Place:
    """A box on the grid, half open."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def find_regions(
    depth: np.ndarray, valid: np.ndarray, boxes: Sequence[Box], grid: Grid | None = None
) -> tuple[tuple[Region, ...], np.ndarray, Step]:
    """Containers, their loads, the cab and the chassis.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Optical depth of the high energy; NaN where not valid.
    valid : ndarray of bool, shape (rows, columns)
    boxes : sequence of Box
        The containers' outlines, from `find_containers`.
    grid : Grid or None
        From `xrayscan.normalize.outline.shrink`, where it is at hand.

    Returns
    -------
    regions : tuple of Region
        For each box the container, then its load and its chassis where there are any; the cab last.
    load_line : ndarray of float32, shape (columns,) [rows]
        Row where the load begins; NaN where there is none, where it is not told from floor or posts, or outside of containers.
    step : Step
    """
    load_line = np.full(depth.shape[1], np.nan, np.float32)
    if not boxes:
        return (), load_line, Step("regions", "no container, so no regions")
    grid = grid or shrink(depth, valid)
    regions: list[Region] = []
    for box in boxes:
        place = _on_grid(box, grid)
        line = _load_line(grid, place)
        regions.append(Region("container", box))
        _spread(line, place, grid, load_line)
        load = _load_box(line, place, box, grid)
        regions += [Region("load", load)] if load else []
        chassis = _chassis(grid, place, box, depth.shape)
        regions += [Region("chassis", chassis)] if chassis else []
    cab = _cab(grid, [_on_grid(box, grid) for box in boxes], depth.shape)
    regions += [Region("cab", cab)] if cab else []
    count = {kind: sum(region.kind == kind for region in regions) for kind in ("container", "load", "cab", "chassis")}
    found = [f"{n} {kind}{'s' if n > 1 and kind != 'chassis' else ''}" for kind, n in count.items() if n]
    return tuple(regions), load_line, Step("regions", f"found {', '.join(found)}", count)


def _on_grid(box: Box, grid: Grid) -> _Place:
    rows, columns = grid.depth.shape
    top, left = min(int(box.top / grid.row), rows - 1), min(int(box.left / grid.column), columns - 1)
    return _Place(
        top,
        left,
        max(top + 1, min(rows, round(box.bottom / grid.row))),
        max(left + 1, min(columns, round(box.right / grid.column))),
    )


def _load_line(grid: Grid, place: _Place) -> np.ndarray:
    """First row of load in each of the place's columns, on the grid; NaN where there is none."""
    line = np.full(place.right - place.left, np.nan, np.float32)
    margin = max(2, round(ENDS * line.size))
    roof = roof_line(upper_outline(grid.matter), place.left, place.right)
    inside, shift = _level(grid, place, margin, roof.slope)
    if inside.shape[0] < 12 or inside.shape[1] < 12:
        return line
    walls = _walls(inside)
    excess = inside - walls[:, None]
    thick = max(2, round(0.025 * place.height))
    more = cv2.blur(excess, (3, 1)) > LEAST_LOAD
    solid = cv2.erode(more.view(np.uint8), np.ones((thick, 1), np.uint8), anchor=(0, 0), borderValue=0)
    end = _floor_edge(inside)
    solid[max(0, end - thick) :] = 0
    solid[: max(1, round(0.02 * place.height))] = 0
    narrow = max(5, round(PILLAR * place.height * grid.row / grid.column))
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((1, narrow), np.uint8))
    first = solid.argmax(axis=0).astype(np.float32)
    first[~solid.any(axis=0)] = np.nan
    line[margin:-margin] = first + place.top + shift
    return line


def _level(grid: Grid, place: _Place, margin: int, slope: float) -> tuple[np.ndarray, np.ndarray]:
    """The container's inner columns with its tilt taken out, and how many rows lower each really lies."""
    inside = grid.depth[place.top : place.bottom, place.left + margin : place.right - margin]
    shift = slope * (np.arange(inside.shape[1]) - (inside.shape[1] - 1) / 2.0)
    turn = np.array([[1.0, 0.0, 0.0], [slope, 1.0, shift[0] if shift.size else 0.0]], np.float32)
    if min(inside.shape) < 12 or np.abs(shift).max() < 1.0:
        return inside, np.zeros(inside.shape[1])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(inside, turn, inside.shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE), shift


def _walls(inside: np.ndarray) -> np.ndarray:
    """Optical depth of the empty container in each row: what all columns share, as far as walls and rails can be it."""
    common = np.partition(inside, inside.shape[1] // 12, axis=1)[:, inside.shape[1] // 12]
    size = max(3, inside.shape[0] // 16) | 1
    padded = np.pad(common, size // 2, mode="edge")
    level = np.median(np.lib.stride_tricks.sliding_window_view(padded, size), axis=1)
    rails = np.maximum(common - level, 0.0)
    most = min(WALLS, 2.0 * max(float(np.quantile(level, 0.1)), 0.05))
    walls = np.minimum(level, most) + rails
    # What all columns share above a row that is bare hangs there: the roof, seen from below, and its far rail.
    bare = np.flatnonzero(level[: int(0.9 * level.size)] <= most)
    roof = slice(0, int(bare[-1]) if bare.size else 0)
    walls[roof] = common[roof]
    return walls.astype(np.float32)


def _floor_edge(inside: np.ndarray) -> int:
    """Row from which on all columns are dense, in the lowest quarter: the floor's far edge; without it, the last row."""
    start = int((1.0 - FLOOR_ZONE) * inside.shape[0])
    common = np.partition(inside[start:], inside.shape[1] // 20, axis=1)[:, inside.shape[1] // 20]
    step = max(2, inside.shape[0] // 50)
    rise = common[step:] - common[:-step]
    edges = np.flatnonzero(rise > max(LEAST_LOAD, 0.3 * float(np.median(common))))
    return start + int(edges[0]) + step // 2 if edges.size else inside.shape[0]


def _spread(line: np.ndarray, place: _Place, grid: Grid, load_line: np.ndarray) -> None:
    """Write a line of the grid into the scan's own columns and rows."""
    columns = np.arange(int(place.left * grid.column), min(load_line.size, round(place.right * grid.column)))
    cells = np.clip((columns / grid.column).astype(int) - place.left, 0, line.size - 1)
    load_line[columns] = line[cells] * np.float32(grid.row)


def _load_box(line: np.ndarray, place: _Place, box: Box, grid: Grid) -> Box | None:
    known = np.flatnonzero(np.isfinite(line))
    if known.size < max(3, line.size // 100):
        return None
    top = max(box.top, int(np.quantile(line[known], 0.01) * grid.row))
    left = max(box.left, int((place.left + known[0]) * grid.column))
    right = min(box.right, int((place.left + known[-1] + 1) * grid.column))
    return Box(top, left, box.bottom, right) if top < box.bottom and left < right else None


def _chassis(grid: Grid, place: _Place, box: Box, shape: tuple[int, int]) -> Box | None:
    """What carries the container, below its floor."""
    below = grid.matter[place.bottom :, place.left : place.right]
    filled = np.flatnonzero(below.mean(axis=1) > 0.05) if below.size else np.zeros(0, int)
    if filled.size < 2:
        return None
    bottom = min(shape[0], round((place.bottom + int(filled[-1]) + 1) * grid.row))
    return Box(box.bottom, box.left, bottom, box.right) if bottom > box.bottom else None


def _cab(grid: Grid, places: Sequence[_Place], shape: tuple[int, int]) -> Box | None:
    """The cab before or behind the containers; None where none is wholly told from other things."""
    first = upper_outline(grid.matter)
    height = max(place.height for place in places)
    floor = max(place.bottom for place in places)
    found = []
    for start, end, nearest in ((0, places[0].left, -1), (places[-1].right, first.size, 0)):
        tall = first[start:end] <= floor - 0.05 * height
        runs = (
            _runs(cv2.morphologyEx(tall.view(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, 9), np.uint8))[0] > 0)
            if tall.size
            else []
        )
        runs = [(a + start, b + start) for a, b in runs if b - a >= CAB_SHORT * height * grid.row / grid.column]
        runs = [run for run in runs if _is_cab(grid, run, floor, height)]
        found += [runs[nearest]] if runs else []
    if not found:
        return None
    left, right = max(found, key=lambda run: run[1] - run[0])
    dense = np.flatnonzero(grid.matter[:, left:right].mean(axis=1) > 0.05)
    top = int(first[left:right].min() * grid.row)
    bottom = min(shape[0], round((int(dense[-1]) + 1) * grid.row))
    return Box(top, int(left * grid.column), max(bottom, top + 1), min(shape[1], round(right * grid.column)))


def _is_cab(grid: Grid, run: tuple[int, int], floor: int, height: int) -> bool:
    """Thin sheet metal and glass above, engine, frame and axle below, and no longer than a cab."""
    left, right = run
    if (right - left) * grid.column > CAB_LONG * height * grid.row:
        return False
    body = slice(max(0, floor - int(CAB_TALL * height)), max(1, floor - int(0.05 * height)))
    filled = grid.matter[body, left:right].mean(axis=0) > 0.6
    if filled.sum() < CAB_SHORT * height * grid.row / grid.column:
        return False
    above = grid.depth[max(0, floor - int(0.6 * height)) : floor - int(0.1 * height), left:right]
    below = grid.depth[floor : floor + max(3, int(0.25 * height)), left:right]
    if below.shape[0] < 3 or not above.size:
        return False
    return bool(np.quantile(above, 0.35) < DENSE < np.median(below.max(axis=0)))


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
