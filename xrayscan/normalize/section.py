"""The cross-section of an ISO container, seen from a point: where its near and far rails and castings must appear.

Near and far roof rail, two lines that are seen from end to end above nearly every load, give the scale and the row of the
horizontal ray. What is left, the source's height, the magnification, the array's bend (`Views`) and the container's height, is
a search for the best agreement with the edges of the picture: first on a coarse grid with edges as wide as its cells, then in
ever smaller parts of the best cells. A steel container's side rails at the floor are 165 mm high, an insulated one's are lower
and its roof rails taller: whichever of both agrees better counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from xrayscan.normalize.views import RAIL, WIDTH, Views, coarse_views

__all__ = ["Line", "Section", "Sight", "edge_votes", "far_lines", "fit_line", "solve_section"]

CASTING_WIDE, CASTING_HIGH, CASTING_WALL = 0.162, 0.118, 0.028
SILL, INSULATED_SILL = 0.165, 0.11
BELOW_TOP = 0.006
FLANGE = 0.0465
EDGE_STEP = 0.15
WAVE = 6.0
TEMPERATURE = 0.045
"""How much less agreement makes a view e times less likely: stated 90 % intervals of the row pitch held the truth in 96 % of 46
simulated scans whose array was upright in view or whose corner was known, and in 76 % of 34 whose corner was not."""
CLEAR = 3.0
FINE = 4
LEAST_ERROR = 0.005
LEVELS = ((350, 8.0), (200, 5.0), (150, 3.0), (120, 1.5))
"""How many of the best cells are looked into, and how far an edge reaches there [samples]."""
NEAR_EDGE, FAR_FROM_EDGE = 2.0, 4.0
"""Votes count less the farther they lie from the middle of an edge: rms, and the end of its reach [samples]."""
EDGE_GAIN = 1.2
SOURCE_HEIGHT, SOURCE_SPREAD, SOURCE_DOUBT = 0.3, 0.25, 0.03
BENT_DOUBT, SLOPE_DOUBT = 0.06, 0.12
STRAIGHT_DOUBT = 0.2
"""What speaks against an upright array whose open beam shows a corner between the container's rails."""
INSULATED_DOUBT, LOW_DOUBT = 0.03, 0.3
"""What speaks against an insulated container; and against a low one of those that are built in two heights, which are rare."""
OTHER_LINES, WEAKER_LINE = 3, 0.4
WEIGHT = 5.5
FEW = 8
LEAST_REACH = 3.0
"""By how much a tilted rail has to fall from end to end for its slope to matter [samples]."""
_Array = np.ndarray
_Profiles = Sequence[tuple[_Array, _Array]]
"""Votes for upper and for lower edges along near rails, near castings, far rails and far castings."""


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
    castings : ndarray of float32, shape (samples, strips)
        Edges within the castings at both ends.
    ends : ndarray of float64, shape (strips,) [column]
        Where those are, from the middle of the container.
    waves : ndarray of float64, shape (2, blocks) [sample]
        By how much the near and the far roof rail lie lower in each block than their straight lines: sway, dents.
    corner : float or None [sample]
        Where the array has its corner, if that is known.
    """

    rails: _Array
    places: _Array
    castings: _Array
    ends: _Array
    waves: _Array
    corner: float | None = None

    def along(self, slope: float, side: int | None = None) -> tuple[_Array, _Array]:
        """Mean edges of rails and of castings along a slope [samples per column], shape (samples,) each.

        ``side``: 0 follows the near, 1 the far roof rail's waves, None neither.
        """
        wave = np.zeros(self.places.size) if side is None else self.waves[side]
        ends = np.where(self.ends > 0.0, wave[-3:].mean(), wave[:3].mean())
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
    most = int(np.abs(whole).max())
    longer = np.ascontiguousarray(cv2.copyMakeBorder(votes, most, most, 0, 0, cv2.BORDER_REPLICATE).T)
    total = np.zeros(votes.shape[0])
    for column, first in zip(longer, (most + whole).tolist(), strict=True):
        total += column[first : first + total.size]
    return (total / whole.size).astype(votes.dtype)


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


def far_lines(sight: Sight, near: Line, tall: float) -> list[tuple[Line, _Array]]:
    """Where the far roof rail may be: the strongest long lines in the container's upper part, less steep than the near one.

    The best is nearly always the rail's upper edge; where that is hidden it may be the rail's lower plate or the load's top.

    Parameters
    ----------
    sight : Sight
    near : Line
        The near roof rail [samples].
    tall : float [samples]
        Rough height of the container.

    Returns
    -------
    list of (Line, ndarray of shape (blocks,))
        Lines with their waves, best first; empty where no such line is seen in enough of the blocks.
    """
    reach = abs(near.slope) * float(np.ptp(sight.places))
    arm = sight.corner is not None and sight.corner > near.at
    shares = [1.2, 1.5, 1.8, 2.1, 2.6, 3.2, 4.0] if arm else [1.5, 1.8, 2.1]
    shares = shares if reach > LEAST_REACH else [1.8]
    rows = np.arange(near.at + 0.06 * tall, min(near.at + 0.62 * tall, sight.rails.shape[0] - 0.04 * tall), 0.5)
    if rows.size < FEW:
        return []
    votes = np.stack([_far_votes(sight, near.slope / share, rows, tall) for share in shares])
    best, apart = float(votes.max()), int(0.02 * tall)
    lines = []
    for _ in range(OTHER_LINES):
        kind, k = np.unravel_index(int(np.argmax(votes)), votes.shape)
        if votes[kind, k] < WEAKER_LINE * best:
            break
        votes[:, max(0, int(k) - apart) : int(k) + apart + 1] = -np.inf
        start, slope = float(rows[k]), near.slope / shares[int(kind)]
        if reach > 2.0:
            slopes = near.slope * np.linspace(*((0.22, 1.0) if arm else (1.0 / 2.6, 1.0 / 1.15)), 25)
            slope = float(slopes[int(np.argmax(_strengths(sight, start, slopes)))])
        line = _refined(sight, start, slope, 3 + int(0.025 * reach))
        if line is not None:
            lines.append(line)
    return lines


def _far_votes(sight: Sight, slope: float, rows: _Array, tall: float) -> _Array:
    """How well each row fits the upper edge of a rail: matter begins there, and ends a rail's height below."""
    rails, castings = sight.along(slope)
    falls = [_at(rails, rows + tall * width) for width in (0.008, 0.011, 0.014, 0.017, 0.02)]
    return np.asarray(1.5 * _at(rails, rows) + 0.5 * _at(castings, rows) - 0.7 * np.minimum.reduce(falls))


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
    profiles = [_finer(part) for part in (*_along_near_wall(sight, lines), *sight.along(lines[1].slope, 1))]
    views = coarse_views(heights, (lines[0].at, lines[1].at), tall, sight.corner)
    for level, (cells, reach) in enumerate(LEVELS):
        wide = [(_wider(profile, True, reach), _wider(profile, False, reach)) for profile in profiles]
        found = _agreement(wide, lines, views)
        count = min(cells, found.size)
        views = views.pick(np.sort(np.argpartition(-found, count - 1)[:count])).quarters(0.5**level)
    sharp = [(_sharper(profile, True), _sharper(profile, False)) for profile in profiles]
    fine = _agreement(sharp, lines, views)
    closer = views.around(int(np.argmax(fine)), 0.5 ** len(LEVELS))
    last = _agreement(sharp, lines, closer)
    k = int(np.argmax(last))
    return _section(lines, closer.pick(k), float(last[k]), (views, fine))


def _along_near_wall(sight: Sight, lines: tuple[Line, Line]) -> tuple[_Array, _Array]:
    """Mean edges of rails and castings along the near wall of a tilted container.

    Below the corner of an L-shaped array it has another slope than its roof rail on the arm: that of the far rail times the
    magnification, of which the one is taken that shows the clearest edges.
    """
    near, far = lines
    whole = sight.along(near.slope, 0)
    if sight.corner is None or sight.corner <= near.at or abs(far.slope) * float(np.ptp(sight.places)) < LEAST_REACH:
        return whole
    start, some = int(sight.corner), slice(None, None, 4)
    thin = Sight(sight.rails[start:, some], sight.places[some], sight.castings[start:], sight.ends, sight.waves[:, some])
    slopes = far.slope * np.linspace(1.2, 2.6, 15)
    edges = [sum(float((part**2).sum()) for part in thin.along(float(slope), 0)) for slope in slopes]
    below = sight.along(float(slopes[int(np.argmax(edges))]), 0)
    rails, castings = (np.concatenate([one[:start], other[start:]]) for one, other in zip(whole, below, strict=True))
    return rails, castings


def _section(lines: tuple[Line, Line], view: Views, agreement: float, all_views: tuple[Views, _Array]) -> Section:
    """What the best view tells, and how far others that agree nearly as well differ from it."""
    views, values = all_views
    roofs = (lines[0].at, lines[1].at)
    # Where few edges are found in their places, what agrees less is hardly less likely.
    softness = TEMPERATURE * min(max((CLEAR / max(agreement, 0.1)) ** 2, 1.0), 9.0)
    weight = np.exp((values - values.max()) / softness)
    middle, ratio = float(view.middle_rows(roofs)[0]), float(view.ratio[0])
    spans = views.middle_rows(roofs) / views.height * (view.height[0] / middle)
    top = float(view.height[0]) - BELOW_TOP
    return Section(
        far_roof=float(view.seen_at(roofs, (top,), 1.0)[0][0]),
        near_floor=float(view.seen_at(roofs, (0.0,), 0.0)[0][0]),
        far_floor=float(view.seen_at(roofs, (0.0,), 1.0)[0][0]),
        height=round(float(view.height[0]), 3),
        magnification=ratio,
        magnification_error=LEAST_ERROR * ratio + _half_interval(views.ratio, weight, ratio),
        middle_rows=middle,
        middle_error=LEAST_ERROR + _half_interval(spans, weight, 1.0),
        agreement=agreement,
        scales=(float(view.scale(roofs, top, 0.0)[0]), float(view.scale(roofs, top, 1.0)[0])),
    )


def _half_interval(values: _Array, weight: _Array, center: float) -> float:
    """Half of the 90 % interval of weighted values around ``center``, to a thousandth."""
    bins = np.minimum(np.abs(values - center) * 1000.0, 2000.0).astype(np.int32)
    total = np.cumsum(np.bincount(bins.ravel(), weight.ravel()))
    return float(np.searchsorted(total, 0.9 * total[-1]) + 1) / 1000.0


class _Edge(NamedTuple):
    """A horizontal edge: profile, shares of the width from and to, z [m], whether from the castings' tops, weight.

    Plates seen at a slant end in a ramp: each z is where half of it is reached. Weights are negative for lower edges.
    """

    profile: int
    start: float
    end: float
    z: float
    from_top: bool
    weight: float


_FLANGES = ((0.0, FLANGE / WIDTH), (1.0 - FLANGE / WIDTH, 1.0))
_RAILS = ((0.0, RAIL / WIDTH), (1.0 - RAIL / WIDTH, 1.0))
_CASTINGS = ((0.0, CASTING_WIDE / WIDTH), (1.0 - CASTING_WIDE / WIDTH, 1.0))
_FRAME = (
    _Edge(0, *_FLANGES[0], 0.012, False, 1.0),
    _Edge(0, *_FLANGES[0], 0.007, False, -1.3),
    _Edge(1, *_CASTINGS[0], CASTING_HIGH, False, 0.9),
    _Edge(1, *_CASTINGS[0], 0.0, False, -0.6),
    _Edge(1, *_CASTINGS[0], -CASTING_HIGH, True, -1.2),
    _Edge(2, *_FLANGES[1], 0.0165, False, 1.0),
    _Edge(2, *_FLANGES[1], 0.007, False, -1.3),
    _Edge(3, *_CASTINGS[1], CASTING_HIGH, False, 1.2),
    _Edge(3, *_CASTINGS[1], 0.0, False, -0.4),
    _Edge(3, *_CASTINGS[1], 0.0, True, 1.6),
    _Edge(3, *_CASTINGS[1], -CASTING_HIGH, True, -2.0),
)
"""What every container has. Roof edges are hidden by few loads, and the near castings' tops are the roof line itself."""
_STEEL = (
    _Edge(0, *_FLANGES[0], SILL, False, 1.3),
    _Edge(0, *_FLANGES[0], SILL - 0.005, False, -0.9),
    _Edge(0, *_RAILS[0], -0.0625, True, -2.0),
    _Edge(2, *_FLANGES[1], SILL, False, 0.9),
    _Edge(2, *_RAILS[1], -0.0635, True, -2.4),
)
_INSULATED = (
    _Edge(0, *_FLANGES[0], INSULATED_SILL, False, 1.3),
    _Edge(0, *_RAILS[0], -0.0715, True, -2.0),
    _Edge(2, *_FLANGES[1], INSULATED_SILL, False, 0.9),
    _Edge(2, *_RAILS[1], -0.0715, True, -2.4),
)


def _agreement(profiles: _Profiles, lines: tuple[Line, Line], views: Views) -> _Array:
    """Sum of the votes of all edges, shape (n,), less what speaks against each of the views.

    Against it speak a source far from 0.3 of the height above the floor (mildly), an array with an arm, scales of
    near and far roof rail that are not those of their slopes, and an insulated container that is not a high one.
    """
    roofs = (lines[0].at, lines[1].at)
    horizon = np.float32(FINE) * views.horizon(roofs).astype(np.float32) + np.float32(0.5)
    aim = (horizon, np.float32(FINE) * views.samples(roofs).astype(np.float32))
    shrinks = {u: views.shrink(u) for pair in (*_FLANGES, *_RAILS, *_CASTINGS) for u in pair}
    frame, steel, insulated = (_votes(profiles, edges, views, aim, shrinks) for edges in (_FRAME, _STEEL, _INSULATED))
    insulated -= INSULATED_DOUBT + np.float32(LOW_DOUBT) * (views.height < views.height.max() - 0.1)
    votes = frame + np.maximum(steel, insulated)
    votes -= SOURCE_DOUBT * ((views.above / views.height - SOURCE_HEIGHT) / SOURCE_SPREAD) ** 2
    votes -= _slope_doubt(lines, views)
    straight, bent = (0.0, BENT_DOUBT) if views.corner is None else (STRAIGHT_DOUBT, 0.0)
    votes -= np.where(np.isinf(views.bend), np.float32(straight), np.float32(bent))
    return votes


def _votes(
    profiles: _Profiles, edges: Sequence[_Edge], views: Views, aim: tuple[_Array, _Array], shrinks: dict[float, _Array]
) -> _Array:
    """Weighted votes for some edges; ``aim``: sample of the horizontal ray, and samples of a unit of `Views.channel`."""
    votes = np.zeros(views.ratio.shape, np.float32)
    levels = views.height - views.above
    for edge in edges:
        over = np.float32(edge.z) + (levels if edge.from_top else -views.above)
        if edge.profile % 2:
            # A ray enters a casting's wall through its thickness, or through its width where it is nearly level.
            ramp = np.minimum(np.abs(over) * shrinks[edge.end] * np.float32(CASTING_WIDE / 2), np.float32(CASTING_WALL / 2))
            over = over - ramp if edge.weight > 0 else over + ramp
        slope = over * shrinks[edge.start]
        (np.maximum if edge.weight > 0 else np.minimum)(slope, over * shrinks[edge.end], out=slope)
        index = (aim[0] - aim[1] * views.channel(slope)).astype(np.int32)
        vote = np.take(profiles[edge.profile][0 if edge.weight > 0 else 1], index, mode="clip")
        votes += np.float32(edge.weight / WEIGHT) * vote
    return votes


def _slope_doubt(lines: tuple[Line, Line], views: Views) -> _Array:
    """What speaks against each view: a tilted container's rails have slopes in the ratio of their scales."""
    near, far = lines
    errors = [np.hypot(1.5 * line.error, 1e-4) for line in lines]
    if abs(far.slope) < 6.0 * errors[1] or abs(near.slope) < 6.0 * errors[0]:
        return np.zeros_like(views.ratio)
    measured = near.slope / far.slope
    error = abs(measured) * np.hypot(errors[1] / far.slope, errors[0] / near.slope) + 0.02
    top = views.height - BELOW_TOP
    roofs = (near.at, far.at)
    expected = views.scale(roofs, top, 0.0) / views.scale(roofs, top, 1.0)
    return np.asarray(SLOPE_DOUBT * np.minimum(((expected - measured) / error) ** 2, 4.0))


def _finer(profile: _Array) -> _Array:
    """A profile at four times as many samples, 0 at both ends."""
    fine = np.interp(np.arange(FINE * profile.size) / FINE, np.arange(profile.size), profile).astype(np.float32)
    fine[0] = fine[-1] = 0.0
    return fine


def _sharper(profile: _Array, upper: bool) -> _Array:
    """A profile in which votes count less the farther they lie from the middle of their edge."""
    sign = np.float32(1.0 if upper else -1.0)
    smooth = cv2.GaussianBlur(sign * profile[None], (0, 0), FINE)[0]
    peaks = 1 + np.flatnonzero((smooth[1:-1] >= smooth[:-2]) & (smooth[1:-1] > smooth[2:]) & (smooth[1:-1] > 0.1))
    away = np.arange(-int(FAR_FROM_EDGE * FINE), int(FAR_FROM_EDGE * FINE) + 1)
    near = np.exp(-0.5 * (away / (FINE * NEAR_EDGE)) ** 2).astype(np.float32)
    votes = np.zeros_like(profile)
    index = np.clip(peaks[:, None] + away, 0, profile.size - 1)
    np.maximum.at(votes, index.ravel(), (np.minimum(EDGE_GAIN * smooth[peaks], 1.0)[:, None] * near).ravel())
    return np.asarray(sign * np.where(votes > 0.0, votes, np.minimum(sign * profile, 0.0)))


def _wider(profile: _Array, upper: bool, reach: float) -> _Array:
    """A profile in which each upper or lower edge reaches as far as a cell of the grid does."""
    kernel = np.ones((1, 2 * int(reach * FINE) + 1), np.uint8)
    wide = cv2.dilate(profile[None], kernel)[0] if upper else cv2.erode(profile[None], kernel)[0]
    wide[0] = wide[-1] = 0.0
    return wide
