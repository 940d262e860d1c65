"""The container's own rails and corner castings as a measuring rod: where its near and far edges are seen.

A source close by sees four horizontal edges: near and far roof rail, near and far floor rail. The scale along the array goes
with 1/distance, so the near wall is seen larger than the far wall by their magnification. Along the travel the scale does not
depend on depth. ISO corner castings at the container's ends are 178 mm long: they tell its length, and so both scales. Where
posts are as dark as the castings on them, what ends there may be either: then only 20 and 40 ft come into question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from xrayscan.normalize.section import (
    EDGE_STEP,
    Line,
    Section,
    Sight,
    edge_votes,
    far_lines,
    fit_line,
    solve_section,
    waves,
)
from xrayscan.scan import Box, Step

__all__ = ["HEIGHTS", "LENGTHS", "Rails", "filled", "find_rails"]

LENGTHS = (6.058, 12.192, 13.716)
HEIGHTS = (2.591, 2.896)
CASTING = 0.178
CASTING_SPREAD = 0.08
CASTING_DARK = 1.45
"""Optical depth of a casting over that of the post below from which on it is surely one."""
CASTING_SPAN, BESIDE_SPAN = (0.03, 0.15), (0.20, 0.30)
"""Columns within a casting and beside it, from the end of the container [m]."""
POST_SPREAD, POST_ALIKE = 0.24, 1.06
SPEEDS = 0.08
"""By how much the column pitch may differ between two containers; a length misread differs by an eighth or more."""
SAMPLES = 1000
BLOCKS = 64
TINY = 64
EDGE_DEPTH = 0.06
SEEN = 0.35
WEAK = 0.2
LEAST_AGREEMENT, MOST_ERROR = 1.4, 0.32
CLEAR_AGREEMENT, BETTER = 1.6, 0.15
"""Below it other lines are tried as the far roof rail; by how much they have to agree better."""
EDGE_SHARES = (0.7, 0.35)
_Array = np.ndarray
_Grid = tuple[int, float]
"""First row of a grid of samples, and rows to a sample."""


@dataclass(frozen=True)
class Rails:
    """Where a container's edges are seen, refined to parts of a pixel.

    Rows hold in the middle column of the container; NaN where an edge was not seen.

    Attributes
    ----------
    near_roof, far_roof, near_floor, far_floor : float [row]
        Outer faces of the roof and undersides of the floor, at the wall near the source and at the far one.
    left, right : float [column]
        Ends of the container.
    near_slope, far_slope : Line or None
        Lines along the near and the far roof rail.
    length, height : float [m]
        ISO size that the corner castings tell; NaN where there are none.
    magnification : float or None
        Near wall's scale over the far wall's.
    magnification_error : float
        Half of its 90 % interval.
    middle_rows : float [row]
        Rows that the container's height would take with the scale in the middle of the load; NaN where not measured.
    middle_error : float
        Half of its 90 % interval as a share of it.
    near_scale, far_scale : float [rows per meter]
        At the near and at the far roof rail, which an array's horizontal arm may see in another scale; NaN where not measured.
    column_pitch : float [m]
        Of this container and of another beside it whose castings tell its length too: no vehicle passes at an even speed.
        NaN where none do.
    """

    near_roof: float
    far_roof: float
    near_floor: float
    far_floor: float
    left: float
    right: float
    near_slope: Line | None = None
    far_slope: Line | None = None
    length: float = np.nan
    height: float = np.nan
    magnification: float | None = None
    magnification_error: float = np.nan
    middle_rows: float = np.nan
    middle_error: float = np.nan
    near_scale: float = np.nan
    far_scale: float = np.nan
    column_pitch: float = np.nan

    @property
    def width(self) -> float:
        """Columns from end to end."""
        return self.right - self.left

    @property
    def middle_scale(self) -> float:
        """In the middle of the load [rows per meter]; NaN where not measured."""
        return self.middle_rows / self.height

    @property
    def middle(self) -> float:
        """Column in which the rows hold."""
        return 0.5 * (self.left + self.right)


def find_rails(depth: _Array, valid: _Array, boxes: Sequence[Box], corner: float | None = None) -> tuple[Rails | None, Step]:
    """Edges of the container that shows most of them, and the magnification.

    The roof line and the ends are refined at full resolution. Where corner castings are seen at the ends, their length
    (178 mm, ISO 1161) tells which ISO length it is; then far roof rail, near and far floor rail are found together, as
    the cross-section of an ISO container seen from a point (see `solve_section`).

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Optical depth of the high energy; NaN where not valid.
    valid : ndarray of bool, shape (rows, columns)
    boxes : sequence of Box
        Containers, as found roughly.
    corner : float or None [row]
        Where the array has its corner, from `find_corner`.

    Returns
    -------
    rails : Rails or None
        None where no roof line is seen.
    step : Step

    References
    ----------
    ISO 668:2020, Table 2 (lengths, heights, width); ISO 1161:2016 (castings 178 x 162 x 118 mm).
    """
    tried = (_measured(depth, valid, boxes, index, corner) for index in range(min(2, len(boxes))))
    found = [rails for rails in tried if rails is not None]
    if not found:
        return None, Step("rails", "no straight roof line of a container is seen: nothing was measured")
    best = min(found, key=lambda rails: (rails.magnification is None, np.nan_to_num(rails.middle_error, nan=9.0)))
    best = replace(best, column_pitch=_column_pitch(best, found))
    return best, _step(best)


def _column_pitch(best: Rails, found: Sequence[Rails]) -> float:
    """Meters to a column over all containers that agree with the best one; NaN where its length is not known."""
    pitch = best.length / best.width
    alike = [rails for rails in found if abs(rails.length / rails.width / pitch - 1.0) < SPEEDS]
    return sum(rails.length for rails in alike) / sum(rails.width for rails in alike) if alike else float("nan")


def _step(rails: Rails) -> Step:
    values = {"near_roof": rails.near_roof, "left": rails.left, "right": rails.right}
    if np.isnan(rails.length):
        return Step("rails", "no corner castings are seen: no ISO container, its size is not known", values)
    size = f"container {rails.length:.2f} m long (castings or posts at its ends)"
    if rails.magnification is None:
        return Step("rails", f"{size}; far rails are not seen, the magnification is not measured", values)
    values |= {
        "far_roof": rails.far_roof,
        "near_floor": rails.near_floor,
        "far_floor": rails.far_floor,
        "magnification": rails.magnification,
        "magnification_error": rails.magnification_error,
        "length": rails.length,
        "height": rails.height,
    }
    note = f"{size}, {rails.height:.2f} m high; near wall {rails.magnification:.2f} times as large as the far wall"
    return Step("rails", f"{note} (+- {rails.magnification_error:.2f}, 90 %)", values)


def _measured(depth: _Array, valid: _Array, boxes: Sequence[Box], index: int, corner: float | None) -> Rails | None:
    box = boxes[index]
    if min(box.height, box.width) < TINY:
        return None
    top = max(0, box.top - int(0.08 * box.height))
    bottom = min(depth.shape[0], box.bottom + int(0.45 * box.height))
    size = max(TINY, round((bottom - top) * min(1.0, SAMPLES / box.height)))
    grid = (top, (bottom - top) / size)
    blocks = _block_means(depth[top:bottom, box.left : box.right], size)
    rows = _roof_rows(blocks, box, grid)
    inner = slice(BLOCKS // 24, BLOCKS - BLOCKS // 24)
    places = _block_columns(box) - 0.5 * (box.left + box.right)
    roof = fit_line(places[inner], rows[inner])
    if roof is None:
        return None
    ends = [_end(depth, valid, boxes, index, right, roof) for right in (False, True)]
    (left, *first), (right, *last) = ends
    if not TINY < right - left < 1.2 * box.width:
        left, right = float(box.left), float(box.right)
    near = replace(roof, at=roof.at + roof.slope * 0.5 * (left + right - box.left - box.right))
    bare = Rails(float(near.at), np.nan, np.nan, np.nan, left, right, near)
    length = _iso_length(right - left, [first, last])
    if length is None:
        return bare
    bare = replace(bare, length=length)
    sight = _sight(depth, valid, blocks, bare, box, (grid, rows, near))
    if corner is not None:
        sight = replace(sight, corner=(corner - grid[0] + 0.5) / grid[1] - 0.5)
    return _solved(bare, sight, grid, box.height / grid[1])


def filled(strip: _Array, good: _Array) -> _Array:
    """A copy in which each pixel that is not good has the value of the last good one above it, or 0.

    Parameters
    ----------
    strip : ndarray of float32, shape (rows, columns)
    good : ndarray of bool, shape (rows, columns)
    """
    if good.all():
        return strip
    last = np.where(good, np.arange(strip.shape[0])[:, None], 0)
    np.maximum.accumulate(last, axis=0, out=last)
    return np.nan_to_num(np.take_along_axis(strip, last, axis=0), nan=0.0)


def _block_means(part: _Array, size: int) -> _Array:
    """Means over even blocks of columns, shape (size, BLOCKS)."""
    wide = part.shape[1] // BLOCKS
    means = np.einsum("ijk->ij", part[:, : BLOCKS * wide].reshape(part.shape[0], BLOCKS, wide)) * np.float32(1.0 / wide)
    means = filled(means, np.isfinite(means))
    return means if size == part.shape[0] else cv2.resize(means, (BLOCKS, size), interpolation=cv2.INTER_AREA)


def _block_columns(box: Box) -> _Array:
    """Middle column of each block."""
    wide = box.width // BLOCKS
    return box.left + (np.arange(BLOCKS) + 0.5) * wide - 0.5


def _roof_rows(blocks: _Array, box: Box, grid: _Grid) -> _Array:
    """Upper edge of the near roof rail in each block [row]; NaN where there is none.

    The edge is where the optical depth reaches half of its greatest value within the next 3 % of the height.
    """
    smooth = cv2.blur(blocks, (1, 3), borderType=cv2.BORDER_REPLICATE)[: max(8, int(0.3 * box.height / grid[1]))]
    matter = smooth > EDGE_DEPTH
    solid = matter[:-2] & matter[1:-1] & matter[2:]
    first, columns = solid.argmax(axis=0), np.arange(blocks.shape[1])
    window = first[None] + np.arange(max(3, int(0.03 * box.height / grid[1])))[:, None]
    window = np.minimum(window, smooth.shape[0] - 1)
    values = smooth[window, columns[None]]
    level = 0.5 * values.max(axis=0)
    offset = (values > level).argmax(axis=0)
    at = first + offset
    before, here = smooth[np.maximum(at - 1, 0), columns], smooth[at.clip(0, smooth.shape[0] - 1), columns]
    part = np.clip((level - before) / np.maximum(here - before, 1e-6), 0.0, 1.0)
    rows = np.where(solid.any(axis=0) & (at > 0), at - 1 + part, np.nan)
    return np.asarray(grid[0] + (rows + 0.5) * grid[1] - 0.5)


def _end(depth: _Array, valid: _Array, boxes: Sequence[Box], index: int, right: bool, roof: Line) -> tuple[float, float, float]:
    """Column where the near upper casting ends outside, its columns (NaN: none), its optical depth over that of its post."""
    box = boxes[index]
    edge = box.right if right else box.left
    reach = int(0.05 * box.width) + 8
    start, stop = max(0, edge - reach), min(depth.shape[1], edge + reach)
    row = roof.at + roof.slope * (edge - 0.5 * (box.left + box.right))
    top = max(0, int(row + 2))
    band = np.s_[top : max(top + 3, int(row + 2 + 0.03 * box.height)), start:stop]
    if depth[band].shape[0] < 3:
        return float(edge), float("nan"), float("nan")
    profile = np.median(filled(depth[band], valid[band] & np.isfinite(depth[band])), axis=0)
    profile = cv2.blur(profile[None], (3, 1), borderType=cv2.BORDER_REPLICATE)[0]
    if right:
        profile = profile[::-1]
    first = _gap_end(profile, boxes, index, right, (start, stop))
    level = 0.5 * float(np.quantile(profile[first:], 0.9))
    above = np.flatnonzero(profile[first:] > level)
    if level < EDGE_DEPTH / 2 or not above.size or first + above[0] == 0:
        return float(edge), float("nan"), float("nan")
    k = first + int(above[0])
    place = k - 1 + (level - profile[k - 1]) / max(float(profile[k] - profile[k - 1]), 1e-6)
    falls = np.diff(profile)[k + int(0.008 * box.width) : k + int(0.045 * box.width)]
    length = float("nan")
    if falls.size > 2 and -falls.min() > WEAK * level:
        length = k + int(0.008 * box.width) + float(np.argmin(falls)) + 0.5 - place
    outside = stop - 1 - place if right else start + place
    return outside, length, _darker(depth, (outside, length), right, row, box.height)


def _darker(depth: _Array, casting: tuple[float, float], right: bool, row: float, tall: int) -> float:
    """Median optical depth of what may be a casting over that of the post below it; NaN where there is none."""
    outside, length = casting
    if not np.isfinite(length):
        return float("nan")
    columns = sorted((int(outside - 0.85 * length), int(outside - 0.15 * length)))
    if not right:
        columns = sorted((int(outside + 0.15 * length), int(outside + 0.85 * length)))
    parts = [depth[max(0, int(row + a)) : int(row + b), columns[0] : columns[1]] for a, b in _bands(tall)]
    upper, lower = (float(np.median(part[np.isfinite(part)])) if np.isfinite(part).any() else 0.0 for part in parts)
    return upper / lower if lower > EDGE_DEPTH else float("nan")


def _bands(tall: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Rows below the roof line: of a casting, and of the post under it."""
    return (2.0, 2.0 + 0.03 * tall), (0.09 * tall, 0.14 * tall)


def _gap_end(profile: _Array, boxes: Sequence[Box], index: int, right: bool, span: tuple[int, int]) -> int:
    """Where to start from outside: past the neighboring container, in the gap between both."""
    box = boxes[index]
    edge = box.right if right else box.left
    for other in boxes:
        between = other.left - edge if right else edge - other.right
        if other is not box and -0.03 * box.width < between < 0.08 * box.width:
            shared = edge + (between if right else -between) / 2.0
            at = int(span[1] - 1 - shared if right else shared - span[0])
            low = max(0, at - int(0.02 * box.width) - 4)
            high = min(profile.size - 1, at + int(0.02 * box.width) + 4)
            return low + int(np.argmin(profile[low : high + 1])) if high > low else 0
    return 0


def _iso_length(width: float, ends: Sequence[Sequence[float]]) -> float | None:
    """ISO length [m] whose castings would be as long as those seen, each within 8 % and alike; None where none fits.

    Posts are 130 to 180 mm wide, and 45 ft (13.7 m) are rare: without a casting that is darker than its post, what is seen
    may be posts, and 45 ft do not come into question.
    """
    seen = np.array([length for length, _ in ends if np.isfinite(length)])
    if not seen.size or seen.max() > 1.2 * seen.min():
        return None
    sure = any(dark > CASTING_DARK for _, dark in ends)
    lengths = LENGTHS if sure else LENGTHS[:2]
    away = {length: float(np.log(seen.mean() * length / width / CASTING)) for length in lengths}
    best = min(away, key=lambda length: abs(away[length]))
    if abs(away[best]) < CASTING_SPREAD:
        return best
    best = min(LENGTHS[:2], key=lambda length: abs(away[length]))
    posts = seen.size == 2 and seen.max() < POST_ALIKE * seen.min() and -POST_SPREAD < away[best] < 0.0
    return best if posts else None


def _sight(depth: _Array, valid: _Array, blocks: _Array, bare: Rails, box: Box, roof: tuple[_Grid, _Array, Line]) -> Sight:
    """Edges of the blocks between the castings, and of those within them; ``roof``: grid, the roof's rows, their line.

    What lies across the castings and goes on beside them, such as the beams of a chassis, counts half: edges are taken of the
    castings, and of what they are darker than the columns beside them.
    """
    grid, roof_rows, line = roof
    meter = bare.width / bare.length
    places = _block_columns(box)
    inner = (places > bare.left + 0.3 * meter) & (places < bare.right - 0.3 * meter)
    ends, strips = [], []
    for right in (False, True):
        part, beside = (
            _strip(depth, valid, (bare, grid, blocks.shape[0]), right, span) for span in (CASTING_SPAN, BESIDE_SPAN)
        )
        strips += [part, part - beside]
        ends += 2 * [(bare.width / 2.0 - 0.5 * sum(CASTING_SPAN) * meter) * (1.0 if right else -1.0)]
    castings, rails = np.concatenate(strips, axis=1), blocks[:, inner]
    row = int((bare.near_roof - grid[0] + 0.5) / grid[1] - 0.5)
    away = waves(line, places[inner] - bare.middle, roof_rows[inner]) / grid[1]
    return Sight(
        edge_votes(rails, _whole_edge(rails, row, EDGE_SHARES[0])),
        places[inner] - bare.middle,
        edge_votes(castings, _whole_edge(castings, row, EDGE_SHARES[1])),
        np.array(ends),
        np.stack([away, away]),
    )


def _strip(depth: _Array, valid: _Array, where: tuple[Rails, _Grid, int], right: bool, span: tuple[float, float]) -> _Array:
    """Mean over the columns between two distances [m] from one end, shape (samples, 1); ``where``: ends, grid, samples."""
    bare, grid, size = where
    meter = bare.width / bare.length
    start = bare.right - span[1] * meter if right else bare.left + span[0] * meter
    stop = start + (span[1] - span[0]) * meter
    first = max(0, int(start))
    part = np.s_[grid[0] : grid[0] + round(size * grid[1]), first : first + max(2, int(stop - start))]
    return cv2.resize(filled(depth[part], valid[part] & np.isfinite(depth[part])), (1, size), interpolation=cv2.INTER_AREA)


def _whole_edge(depth: _Array, row: int, share: float) -> float:
    """Change of the optical depth that counts as a whole edge: a share of the rise at the roof, on any curve."""
    part = cv2.blur(depth[max(0, row - 8) : row + 12], (1, 3), borderType=cv2.BORDER_REPLICATE)
    if part.shape[0] < 3:
        return EDGE_STEP
    return max(share * float(np.median((part[2:] - part[:-2]).max(axis=0))), EDGE_STEP / 10.0)


def _solved(bare: Rails, sight: Sight, grid: _Grid, tall: float) -> Rails:
    """The rails with what the cross-section tells."""
    roof, step = bare.near_slope, grid[1]
    if roof is None:
        return bare
    near = Line(roof.slope / step, (roof.at - grid[0] + 0.5) / step - 0.5, roof.error / step, roof.seen)
    heights = {LENGTHS[0]: HEIGHTS[:1], LENGTHS[1]: HEIGHTS, LENGTHS[2]: HEIGHTS[1:]}[bare.length]
    best: tuple[Line, Section] | None = None
    for far, wave in far_lines(sight, near, tall):
        if far.seen < SEEN:
            continue
        section = solve_section(replace(sight, waves=np.stack([sight.waves[0], wave])), (near, far), heights, tall)
        if best is None or section.agreement > best[1].agreement + BETTER:
            best = far, section
        if best[1].agreement > CLEAR_AGREEMENT:
            break
    if best is None or best[1].agreement < LEAST_AGREEMENT or best[1].middle_error > MOST_ERROR:
        return bare
    far, section = best

    def row(sample: float) -> float:
        return grid[0] + (sample + 0.5) * step - 0.5

    return replace(
        bare,
        far_roof=row(section.far_roof),
        near_floor=row(section.near_floor),
        far_floor=row(section.far_floor),
        far_slope=Line(far.slope * step, row(far.at), far.error * step, far.seen),
        height=section.height,
        magnification=section.magnification,
        magnification_error=section.magnification_error,
        middle_rows=section.middle_rows * step,
        middle_error=section.middle_error,
        near_scale=section.scales[0] * step,
        far_scale=section.scales[1] * step,
    )
