"""The cross-section of an ISO container, seen from a point: where its near and far rails and castings must appear.

With the source at distance d from the near wall and W the container's width, a point at height z and at the share u of
the width from the near wall is seen in row c + (r - c)/(1 + u (M - 1)), where r is the row in which the near wall shows that
height, c the row of the horizontal ray, and M = (d + W)/d the magnification of the near wall over the far one: rays
from a point onto an even upright array. On an L-shaped array the upper channels lie on a horizontal arm, evenly spaced
towards the source: they see slopes s steeper than that of the corner, b, at b + 1 - b/s instead of s, in units of the upright
distance from source to array; so the roof's rows may be spaced quite otherwise than the floor's. Near and far roof rail, two
lines that are seen from end to end above nearly every load, give the scale and the row of the horizontal ray. What is left,
the source's height, M, b and the container's height, is a search for the best agreement with the edges of the picture: first
on a coarse grid with edges as wide as its cells, then in ever smaller parts of the best cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

__all__ = ["Line", "Section", "Sight", "edge_votes", "far_line", "fit_line", "solve_section"]

WIDTH = 2.438
CASTING_WIDE, CASTING_HIGH = 0.162, 0.118
RAIL, SILL = 0.06, 0.165
BELOW_TOP = 0.006
NEAR_TOP, FAR_TOP = 0.0105, 0.006
"""By how much the roof rails' edges, as found at half of their depth, lie below the castings' tops [m]."""
FLANGE = 0.0465
MAGNIFICATIONS = (1.2, 2.6)
HORIZON = (-0.22, 0.75)
TALLEST, SHORTEST = 1.25, 0.8
EDGE_STEP = 0.15
WAVE = 6.0
TEMPERATURE = 0.06
CLEAR = 2.4
FINE = 4
LEAST_ERROR = 0.005
COARSE_RATIO, COARSE_ABOVE, COARSE_BEND = 0.04, 0.025, 0.26
BENDS = (np.inf, 0.27, 0.35, 0.45, 0.58, 0.75, 0.97)
LEVELS = ((500, 6.0), (250, 3.0), (150, 1.5))
"""How many of the best cells are looked into, and how far an edge reaches there [samples]."""
SHARP_REACH = 3.0
BENT_DOUBT, SLOPE_DOUBT = 0.06, 0.12
WEIGHT = 5.5
FEW = 8
_Array = np.ndarray


@dataclass(frozen=True)
class Line:
    """A straight line through edges: ``row = at + slope * (column - middle)``.

    Attributes
    ----------
    slope, at : float [rows per column], [row]
    error : float [rows per column]
        Standard error of the slope.
    seen : float
        Share of the columns in which the edge was found on the line.
    """

    slope: float
    at: float
    error: float
    seen: float


@dataclass(frozen=True, eq=False)
class Sight:
    """Vertical edges of one container, sampled evenly along the rows.

    Attributes
    ----------
    rails : ndarray of float32, shape (samples, blocks)
        Edges between the castings, -1 to 1, positive where matter begins; one column for each block of columns.
    places : ndarray of float64, shape (blocks,) [column]
        Middle of each block, from the middle of the container.
    castings : ndarray of float32, shape (samples, 2)
        Edges within the castings at both ends.
    ends : ndarray of float64, shape (2,) [column]
        Where those are, from the middle of the container.
    waves : ndarray of float64, shape (2, blocks) [sample]
        By how much the near and the far roof rail lie lower in each block than their straight lines: sway, dents.
    """

    rails: _Array
    places: _Array
    castings: _Array
    ends: _Array
    waves: _Array

    def along(self, slope: float, side: int | None = None) -> tuple[_Array, _Array]:
        """Mean edges of rails and of castings along a slope [samples per column], shape (samples,) each.

        ``side``: 0 follows the near, 1 the far roof rail's waves, None neither.
        """
        wave = np.zeros(self.places.size) if side is None else self.waves[side]
        ends = np.array([wave[:3].mean(), wave[-3:].mean()])
        return _leaning(self.rails, slope * self.places + wave), _leaning(self.castings, slope * self.ends + ends)


@dataclass(frozen=True)
class Section:
    """What the agreement of all edges tells.

    Attributes
    ----------
    far_roof, near_floor, far_floor : float [sample]
    height : float [m]
    magnification, magnification_error : float
        And half of its 90 % interval.
    middle_rows, middle_error : float [sample]
        Height of the container at mid-depth, and half of its 90 % interval as a share.
    agreement : float
        Weighted sum of the edges that were found in their places, 3 at most; under 0.7 it is little better than chance.
    scales : (float, float) [samples per meter]
        At the near and at the far roof rail.
    """

    far_roof: float
    near_floor: float
    far_floor: float
    height: float
    magnification: float
    magnification_error: float
    middle_rows: float
    middle_error: float
    agreement: float
    scales: tuple[float, float]


def edge_votes(depth: _Array, step: float) -> _Array:
    """Change of the optical depth over two rows, as a share of ``step``, cut at -1 and 1 so that no edge outvotes the others.

    Parameters
    ----------
    depth : ndarray of float32, shape (samples, columns)
    step : float
        Change of the optical depth that counts as a whole edge.

    Returns
    -------
    ndarray of float32, shape (samples, columns)
    """
    smooth = cv2.blur(depth, (1, 3), borderType=cv2.BORDER_REPLICATE)
    votes = np.zeros_like(smooth)
    np.subtract(smooth[2:], smooth[:-2], out=votes[1:-1])
    votes *= 1.0 / step
    return np.clip(votes, -1.0, 1.0, out=votes)


def _leaning(votes: _Array, shift: _Array) -> _Array:
    """Mean over columns, each taken from the row that lies ``shift`` lower."""
    whole = np.rint(shift).astype(np.intp)
    if not whole.any():
        return votes.mean(axis=1)
    rows = np.arange(votes.shape[0])[:, None] + whole[None]
    np.clip(rows, 0, votes.shape[0] - 1, out=rows)
    return np.take_along_axis(votes, rows, axis=0).mean(axis=1)


def fit_line(columns: _Array, rows: _Array) -> Line | None:
    """Robust straight line: the median of all slopes (Theil-Sen), then biweight least squares.

    Parameters
    ----------
    columns : ndarray, shape (n,)
    rows : ndarray, shape (n,)
        NaN where nothing was found.

    Returns
    -------
    Line or None
        None of fewer than eight points. ``at`` holds where ``columns`` is 0.

    References
    ----------
    Sen (1968), doi:10.1080/01621459.1968.10480934; Beaton and Tukey (1974), doi:10.1080/00401706.1974.10489171.
    """
    good = np.isfinite(rows)
    x, y = columns[good].astype(float), rows[good].astype(float)
    if x.size < FEW:
        return None
    first, second = _pairs(x.size)
    slope = float(np.median((y[second] - y[first]) / (x[second] - x[first])))
    at = float(np.median(y - slope * x))
    weight, scale = np.ones_like(x), 1.0
    for _ in range(5):
        away = y - at - slope * x
        scale = max(1.4826 * float(np.median(np.abs(away))), 0.15)
        weight = np.clip(1.0 - (away / (4.5 * scale)) ** 2, 0.0, None) ** 2
        total = weight.sum()
        center = (weight * x).sum() / total
        spread = (weight * (x - center) ** 2).sum()
        slope = float((weight * (x - center) * y).sum() / max(spread, 1e-9))
        at = float((weight * y).sum() / total) - slope * float(center)
    held = weight > 0
    # Neighbors share the sway of the boom: about every third point counts.
    error = scale * np.sqrt(3.0 / max(held.sum(), 1)) / max(float(x[held].std()), 1e-9)
    return Line(slope, at, float(error), float(held.sum() / columns.size))


@lru_cache(maxsize=64)
def _pairs(count: int) -> tuple[_Array, _Array]:
    """All pairs of points that are not close neighbors."""
    first, second = np.triu_indices(count, max(1, count // 8))
    return first, second


def far_line(sight: Sight, near: Line, tall: float) -> tuple[Line, _Array] | None:
    """The far roof rail, and its waves: the strongest long line in the container's upper part, less steep than the near one.

    Parameters
    ----------
    sight : Sight
    near : Line
        The near roof rail [samples].
    tall : float [samples]
        Rough height of the container.

    Returns
    -------
    (Line, ndarray of shape (blocks,)) or None
        None where no such line is seen in enough of the blocks.
    """
    reach = float(np.ptp(sight.places))
    shares = (1.5, 1.8, 2.1) if abs(near.slope) * reach > 3.0 else (1.8,)
    best, start, slope = -1.0, 0.0, 0.0
    rows = np.arange(near.at + 0.06 * tall, min(near.at + 0.62 * tall, sight.rails.shape[0] - 0.04 * tall), 0.5)
    if rows.size < FEW:
        return None
    for share in shares:
        rails, castings = sight.along(near.slope / share)
        falls = [_at(rails, rows + tall * width) for width in (0.008, 0.011, 0.014, 0.017, 0.02)]
        line = 1.5 * _at(rails, rows) + 0.5 * _at(castings, rows) - 0.7 * np.minimum.reduce(falls)
        k = int(np.argmax(line))
        if line[k] > best:
            best, start, slope = float(line[k]), float(rows[k]), near.slope / share
    if abs(near.slope) * reach > 2.0:
        slopes = np.linspace(near.slope / 2.6, near.slope / 1.15, 25)
        slope = float(slopes[int(np.argmax(_strengths(sight, start, slopes)))])
    return _refined(sight, start, slope, 3 + int(0.025 * abs(near.slope) * reach))


def _strengths(sight: Sight, start: float, slopes: _Array) -> _Array:
    """Mean vote along lines of several slopes through one point."""
    rows = np.clip(start + slopes[:, None] * sight.places[None], 0.0, sight.rails.shape[0] - 1.001)
    low = rows.astype(np.intp)
    part, blocks = rows - low, np.arange(sight.places.size)[None]
    return np.asarray((sight.rails[low, blocks] * (1.0 - part) + sight.rails[low + 1, blocks] * part).mean(axis=1))


def _refined(sight: Sight, start: float, slope: float, reach: int) -> tuple[Line, _Array] | None:
    """Line through the strongest rising edge of each block within ``reach`` samples of a rough line, and its waves."""
    rows, blocks = np.rint(start + slope * sight.places).astype(np.intp), np.arange(sight.places.size)
    window = np.clip(rows[None] + np.arange(-reach, reach + 1)[:, None], 0, sight.rails.shape[0] - 1)
    votes = np.clip(sight.rails[window, blocks[None]], 0.0, None)
    top = votes.argmax(axis=0)
    near = np.clip(top[None] + np.arange(-2, 3)[:, None], 0, 2 * reach)
    weight = votes[near, blocks[None]]
    total = weight.sum(axis=0)
    found = np.where(
        votes[top, blocks] > 0.3, (weight * window[near, blocks[None]]).sum(axis=0) / np.maximum(total, 1e-6), np.nan
    )
    line = fit_line(sight.places, found)
    return None if line is None else (line, waves(line, sight.places, found))


def waves(line: Line, columns: _Array, rows: _Array) -> _Array:
    """Smoothed distance of found rows from a line, 0 where nothing was found: sway, dents.

    Parameters
    ----------
    line : Line
    columns, rows : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n,) [row]
    """
    away = rows - line.at - line.slope * columns
    away = np.pad(np.where(np.isfinite(away) & (np.abs(away) < WAVE), away, 0.0), 2, mode="edge")
    return np.asarray(np.median(np.stack([away[i : i + rows.size] for i in range(5)]), axis=0))


def _at(profile: _Array, rows: _Array) -> _Array:
    """Values of a profile at fractions of rows; 0 beyond its ends."""
    return np.interp(rows, np.arange(profile.size), profile, left=0.0, right=0.0)


def solve_section(sight: Sight, lines: tuple[Line, Line], heights: Sequence[float], tall: float) -> Section:
    """Source, array and height with which the container's edges agree best with the picture.

    Parameters
    ----------
    sight : Sight
    lines : (Line, Line)
        Near and far roof rail [samples].
    heights : sequence of float [m]
        ISO heights that come into question.
    tall : float [samples]
        Rough height of the container, within a quarter.

    Returns
    -------
    Section
    """
    profiles = [_finer(part) for k, line in enumerate(lines) for part in sight.along(line.slope, k)]
    views = _coarse(heights, lines, tall)
    for level, (cells, reach) in enumerate(LEVELS):
        wide = [(_wider(profile, True, reach), _wider(profile, False, reach)) for profile in profiles]
        found = _agreement(wide, lines, views)
        count = min(cells, found.size)
        views = _within(views.pick(np.sort(np.argpartition(-found, count - 1)[:count])), 0.5**level)
    sharp = [(_sharper(profile, True), _sharper(profile, False)) for profile in profiles]
    fine = _agreement(sharp, lines, views)
    best = int(np.argmax(fine))
    closer = _around(views, best, 0.5 ** len(LEVELS))
    last = _agreement(sharp, lines, closer)
    k = int(np.argmax(last))
    return _section(lines, closer.pick(k), float(last[k]), (views, fine))


def _section(lines: tuple[Line, Line], view: _Views, agreement: float, all_views: tuple[_Views, _Array]) -> Section:
    """What the best view tells, and how far others that agree nearly as well differ from it."""
    views, values = all_views
    # Where few edges are found in their places, what agrees less is hardly less likely.
    softness = TEMPERATURE * min(max((CLEAR / max(agreement, 0.1)) ** 2, 1.0), 9.0)
    weight = np.exp((values - values.max()) / softness)
    middle, ratio = float(_middle_rows(view, lines)[0]), float(view.ratio[0])
    spans = _middle_rows(views, lines) / views.height * (view.height[0] / middle)
    place = lambda z, u: float(_seen_at(view, lines, (z,), u)[0][0])  # noqa: E731
    top = float(view.height[0]) - BELOW_TOP
    return Section(
        far_roof=place(top, 1.0),
        near_floor=place(0.0, 0.0),
        far_floor=place(0.0, 1.0),
        height=round(float(view.height[0]), 3),
        magnification=ratio,
        magnification_error=LEAST_ERROR * ratio + _half_interval(views.ratio, weight, ratio),
        middle_rows=middle,
        middle_error=LEAST_ERROR + _half_interval(spans, weight, 1.0),
        agreement=agreement,
        scales=(float(_scale(view, lines, top, 0.0)[0]), float(_scale(view, lines, top, 1.0)[0])),
    )


@dataclass(frozen=True, eq=False)
class _Views:
    """Ways in which the container may be seen, shape (n,) each.

    Attributes
    ----------
    bend : slope of the ray to the corner of an L-shaped array; infinite for upright ones, which come first
    height : of the container [m]
    above : source above the underside of its castings [m]
    ratio : near wall's scale over the far wall's
    """

    bend: _Array
    height: _Array
    above: _Array
    ratio: _Array

    def pick(self, index: int | _Array) -> _Views:
        """Some of them."""
        return _Views(*(np.atleast_1d(part[index]) for part in (self.bend, self.height, self.above, self.ratio)))

    def shrink(self, u: float) -> _Array:
        """Slope per meter of height at a share u of the width from the near wall."""
        return (self.ratio - 1.0) / (WIDTH * (1.0 + u * (self.ratio - 1.0)))

    def slope(self, z: float | _Array, u: float) -> _Array:
        """Slope of the ray to height z [m above the castings] at a share u of the width from the near wall."""
        return (z - self.above) * self.shrink(u)

    def channel(self, slope: _Array) -> _Array:
        """Place on the array that a ray of a slope meets, in units of the upright distance from source to array."""
        upright = int(np.isinf(self.bend).sum())
        if upright == slope.size:
            return slope
        bend, part = self.bend[upright:], slope[upright:]
        on_arm = 1.0 - bend / np.maximum(part, bend)
        return np.concatenate([slope[:upright], np.minimum(part, bend) + on_arm])


@lru_cache(maxsize=8)
def _grid(heights: tuple[float, ...]) -> tuple[_Views, _Array]:
    """A coarse grid over all views, and the container's height over the distance of its roof rails in each."""
    least, most = (float(np.log(ratio - 1.0)) for ratio in MAGNIFICATIONS)
    ratios = 1.0 + np.exp(np.arange(least, most, COARSE_RATIO))
    above = np.arange(-0.6, 2.1, COARSE_ABOVE)
    grid = np.meshgrid(np.array(BENDS), np.array(heights), above, ratios, indexing="ij")
    views = _Views(*(part.astype(np.float32).ravel() for part in grid))
    share = views.above / views.height
    good = (share > HORIZON[0]) & (share < HORIZON[1])
    # An arm that is not reached is the same as none; and it lies above the vehicle, its corner not far below the far roof rail.
    arm = np.isfinite(views.bend)
    good &= ~(arm & (views.slope(views.height, 0.0) < 1.03 * views.bend))
    good &= ~(arm & (views.slope(0.65 * views.height, 0.5) > views.bend))
    views = views.pick(good)
    whole = views.channel(views.slope(views.height, 0.0)) - views.channel(views.slope(np.zeros_like(views.above), 0.0))
    return views, whole / np.maximum(_roof_span(views), 1e-6)


def _coarse(heights: Sequence[float], lines: tuple[Line, Line], tall: float) -> _Views:
    """Those of a coarse grid over all views that make the container about as tall as it is."""
    views, share = _grid(tuple(heights))
    distance = lines[1].at - lines[0].at
    return views.pick(np.flatnonzero((share > SHORTEST * tall / distance) & (share < TALLEST * tall / distance)))


def _roof_span(views: _Views) -> _Array:
    """From the near roof rail's outer to the far one's inner upper edge, in units of `_Views.channel`."""
    near = views.slope(views.height - NEAR_TOP, 0.0)
    return views.channel(near) - views.channel(views.slope(views.height - FAR_TOP, 1.0 - RAIL / WIDTH))


def _scale_of(views: _Views, lines: tuple[Line, Line]) -> _Array:
    """Samples of a unit of `_Views.channel`."""
    return np.float32(lines[1].at - lines[0].at) / np.maximum(_roof_span(views), np.float32(1e-6))


def _seen_at(views: _Views, lines: tuple[Line, Line], heights: Sequence[float | _Array], u: float) -> list[_Array]:
    """Samples at which points at several heights [m] are seen."""
    scale = _scale_of(views, lines)
    first = lines[0].at + scale * views.channel(views.slope(views.height - NEAR_TOP, 0.0))
    return [first - scale * views.channel(views.slope(z, u)) for z in heights]


def _scale(views: _Views, lines: tuple[Line, Line], z: float | _Array, u: float) -> _Array:
    """Samples per meter of height at one point."""
    upper, lower = _seen_at(views, lines, (z + 0.01, z - 0.01), u)
    return (lower - upper) / 0.02


def _middle_rows(views: _Views, lines: tuple[Line, Line]) -> _Array:
    """Samples that the height would take with the scale in the middle of the load."""
    return views.height * _scale(views, lines, views.height / 2.0, 0.5)


def _within(cells: _Views, size: float) -> _Views:
    """Quarters of cells of the grid, each ``size`` of a coarse one."""
    above, span, bend = (part.ravel() for part in np.meshgrid((-0.25, 0.25), (-0.25, 0.25), (-0.33, 0.0, 0.33), indexing="ij"))
    keep = np.isfinite(cells.bend)[:, None] | (bend == 0.0)[None]
    parts = (
        cells.bend[:, None] * np.exp(COARSE_BEND * size * bend),
        np.broadcast_to(cells.height[:, None], keep.shape),
        cells.above[:, None] + COARSE_ABOVE * size * above,
        1.0 + (cells.ratio - 1.0)[:, None] * np.exp(COARSE_RATIO * size * span),
    )
    return _Views(*(part[keep].astype(np.float32) for part in parts))


def _around(views: _Views, index: int, size: float) -> _Views:
    """A fine grid around one of them."""
    fine = np.linspace(-0.7, 0.7, 11) * size
    bend = views.bend[index]
    bends = bend * np.exp(COARSE_BEND * size * np.linspace(-1.0, 1.0, 5)) if np.isfinite(bend) else np.array([bend])
    above, ratio = views.above[index] + COARSE_ABOVE * fine, 1.0 + (views.ratio[index] - 1.0) * np.exp(COARSE_RATIO * fine)
    grid = np.meshgrid(bends, views.height[index : index + 1], above, ratio, indexing="ij")
    return _Views(*(part.astype(np.float32).ravel() for part in grid))


def _half_interval(values: _Array, weight: _Array, center: float) -> float:
    """Half of the 90 % interval of weighted values around ``center``, to a thousandth."""
    bins = np.minimum(np.abs(values - center) * 1000.0, 2000.0).astype(np.int32)
    total = np.cumsum(np.bincount(bins.ravel(), weight.ravel()))
    return float(np.searchsorted(total, 0.9 * total[-1]) + 1) / 1000.0


def _edges() -> tuple[tuple[int, float, float, float, bool, float, float], ...]:
    """(profile, u from, u to, z [m], whether from the castings' tops, weight of an upper, of a lower edge).

    Plates seen at a slant end in a ramp: each z is where half of it is reached. Roof edges are hidden by few loads.
    """
    flange, rail, wide = FLANGE / WIDTH, RAIL / WIDTH, CASTING_WIDE / WIDTH
    near, far = (0.0, flange), (1.0 - flange, 1.0)
    return (
        (0, *near, SILL, False, 1.0, 0.0),
        (0, *near, SILL - 0.005, False, 0.0, 0.7),
        (0, *near, 0.012, False, 0.8, 0.0),
        (0, *near, 0.007, False, 0.0, 1.0),
        (0, 0.0, rail, -0.0625, True, 0.0, 2.0),
        (1, 0.0, wide, 0.112, False, 0.7, 0.0),
        (1, 0.0, wide, 0.0, False, 0.0, 0.5),
        (2, *far, SILL, False, 0.7, 0.0),
        (2, *far, 0.0165, False, 0.8, 0.0),
        (2, *far, 0.007, False, 0.0, 1.0),
        (2, 1.0 - rail, 1.0, -0.0635, True, 0.0, 2.4),
        (3, 1.0 - wide, 1.0, CASTING_HIGH, False, 0.9, 0.0),
        (3, 1.0 - wide, 1.0, 0.0, False, 0.0, 0.3),
        (3, 1.0 - wide, 1.0, -0.015, True, 1.6, 0.0),
        (3, 1.0 - wide, 1.0, -0.103, True, 0.0, 2.0),
    )


def _agreement(profiles: Sequence[tuple[_Array, _Array]], lines: tuple[Line, Line], views: _Views) -> _Array:
    """Sum of the votes of all edges, shape (n,), less what speaks against each of the views.

    Against it speak a source far from 0.2 of the height above the floor (mildly), an array with an arm, and scales of
    near and far roof rail that are not those of their slopes.
    """
    votes = np.zeros(views.ratio.shape, np.float32)
    scale = np.float32(FINE) * _scale_of(views, lines)
    base = np.float32(FINE * (lines[0].at + 0.5 / FINE)) + scale * views.channel(views.slope(views.height - NEAR_TOP, 0.0))
    shrink = {u: views.shrink(u) for edge in _edges() for u in edge[1:3]}
    levels = views.height - views.above
    for profile, start, end, z, from_top, upper, lower in _edges():
        over = levels + np.float32(z) if from_top else np.float32(z) - views.above
        first, last = over * shrink[start], over * shrink[end]
        slope = (np.maximum if upper else np.minimum)(first, last, out=first)
        index = (base - scale * views.channel(slope)).astype(np.int32)
        vote = np.take(profiles[profile][0 if upper else 1], index, mode="clip")
        votes += np.float32((upper or -lower) / WEIGHT) * vote
    votes -= 0.1 * ((views.above / views.height - 0.18) / 0.25) ** 2
    votes -= _slope_doubt(lines, views)
    votes -= np.where(np.isinf(views.bend), np.float32(0.0), np.float32(BENT_DOUBT))
    return votes


def _slope_doubt(lines: tuple[Line, Line], views: _Views) -> _Array:
    """What speaks against each view: a tilted container's rails have slopes in the ratio of their scales."""
    near, far = lines
    errors = [np.hypot(1.5 * line.error, 1e-4) for line in lines]
    if abs(far.slope) < 6.0 * errors[1] or abs(near.slope) < 6.0 * errors[0]:
        return np.zeros_like(views.ratio)
    measured = near.slope / far.slope
    error = abs(measured) * np.hypot(errors[1] / far.slope, errors[0] / near.slope) + 0.02
    top = views.height - BELOW_TOP
    expected = _scale(views, lines, top, 0.0) / _scale(views, lines, top, 1.0)
    return np.asarray(SLOPE_DOUBT * np.minimum(((expected - measured) / error) ** 2, 4.0))


def _finer(profile: _Array) -> _Array:
    """A profile at four times as many samples, 0 at both ends."""
    fine = np.interp(np.arange(FINE * profile.size) / FINE, np.arange(profile.size), profile).astype(np.float32)
    fine[0] = fine[-1] = 0.0
    return fine


def _sharper(profile: _Array, upper: bool) -> _Array:
    """A profile in which votes count less the farther they lie from the middle of their edge."""
    sign = np.float32(1.0 if upper else -1.0)
    smooth = cv2.GaussianBlur(sign * profile[None], (0, 0), FINE)
    top = cv2.dilate(smooth, np.ones((1, int(SHARP_REACH * FINE) * 2 + 1), np.uint8))
    share = np.clip(smooth / np.maximum(top, 1e-3), 0.0, 1.0)[0]
    return np.where(sign * profile > 0, profile * share, profile).astype(np.float32)


def _wider(profile: _Array, upper: bool, reach: float) -> _Array:
    """A profile in which each upper or lower edge reaches as far as a cell of the grid does."""
    kernel = np.ones((1, 2 * int(reach * FINE) + 1), np.uint8)
    wide = cv2.dilate(profile[None], kernel)[0] if upper else cv2.erode(profile[None], kernel)[0]
    wide[0] = wide[-1] = 0.0
    return wide
