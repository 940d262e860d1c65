"""The cross-section of an ISO container, seen from a point: where its near and far rails and castings must appear.

With the source at distance d from the near wall and W the container's width, a point at height z and at the share u of
the width from the near wall is seen in row c + (r - c)/(1 + u (M - 1)), where r is the row in which the near wall shows that
height, c the row of the horizontal ray, and M = (d + W)/d the magnification of the near wall over the far one: rays
from a point onto an even upright array. So the rows of all edges follow from three numbers: the container's height in rows
at the near wall, M, and the row of the near roof rail. The far roof rail, a line that is seen from end to end above nearly
every load, ties two of them together; the rest is a search for the best agreement with the edges of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Line", "Section", "Sight", "edge_votes", "far_line", "fit_line", "solve_section"]

WIDTH = 2.438
CASTING_WIDE, CASTING_HIGH = 0.162, 0.118
RAIL, SILL = 0.06, 0.165
BELOW_TOP = 0.006
FLANGE = 0.0465
MAGNIFICATIONS = (1.2, 2.6)
HORIZON = (-0.22, 0.75)
TALLEST, SHORTEST = 1.25, 0.8
EDGE_STEP = 0.15
TEMPERATURE = 0.06
CLEAR = 1.2
FINE = 4
LEAST_ERROR = 0.005
STARTS = 3
BENT = 1e-4
WEIGHT = 5.5
FEW = 8
SEEN = 0.35
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
    """

    rails: _Array
    places: _Array
    castings: _Array
    ends: _Array

    def along(self, slope: float) -> tuple[_Array, _Array]:
        """Mean edges of rails and of castings along a slope [samples per column], shape (samples,) each."""
        return _leaning(self.rails, slope * self.places), _leaning(self.castings, slope * self.ends)


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
        Mean share of the edges that were found in their places; under 0.25 it is little better than chance.
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
    first, second = np.triu_indices(x.size, max(1, x.size // 8))
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


def far_line(sight: Sight, near: Line, tall: float) -> Line | None:
    """The far roof rail: the strongest long line in the upper part of the container, less steep than the near one.

    Parameters
    ----------
    sight : Sight
    near : Line
        The near roof rail [samples].
    tall : float [samples]
        Rough height of the container.

    Returns
    -------
    Line or None
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


def _refined(sight: Sight, start: float, slope: float, reach: int) -> Line | None:
    """Line through the strongest rising edge of each block within ``reach`` samples of a rough line."""
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
    return fit_line(sight.places, found)


def _at(profile: _Array, rows: _Array) -> _Array:
    """Values of a profile at fractions of rows; 0 beyond its ends."""
    return np.interp(rows, np.arange(profile.size), profile, left=0.0, right=0.0)


def solve_section(sight: Sight, lines: tuple[Line, Line], heights: Sequence[float], tall: float) -> Section:
    """Height at the near wall, magnification and horizon with which the container's edges agree best with the picture.

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
    near = lines[0]
    profiles = [_finer(part) for line in lines for part in sight.along(line.slope)]
    rows = np.arange(SHORTEST * tall, TALLEST * tall, 2.0)
    ratios = np.exp(np.arange(np.log(MAGNIFICATIONS[0]), np.log(MAGNIFICATIONS[1]), 0.008))
    grids = [_agreement(profiles, lines, height, rows, ratios) for height in heights]
    found = [_refine(profiles, lines, heights[k], start) for k, start in _starts(grids, rows, ratios)]
    _, height, *place = max(found)
    agreement, height, count, ratio = _refine(profiles, lines, height, (place[0], place[1]), 0.6)
    # Where few edges are found in their places, what agrees less is hardly less likely.
    softness = TEMPERATURE * min(max((CLEAR / max(agreement, 0.1)) ** 2, 1.0), 9.0)
    weight = np.exp((np.stack(grids) - max(grid.max() for grid in grids)) / softness)
    middle = 2.0 * count / (1.0 + ratio)
    tallness = height / np.array(heights)[:, None, None]
    spans = tallness * (2.0 / middle * rows[:, None] / (1.0 + ratios))
    middle_error = LEAST_ERROR + _half_interval(spans, weight, 1.0)
    ratio_error = LEAST_ERROR * ratio + _half_interval(np.broadcast_to(ratios, weight.shape), weight, float(ratio))
    horizon = _horizon(lines, np.array([ratio]))[0]
    base = near.at - BELOW_TOP * count / height + count
    share = lambda row: horizon + (row - horizon) / ratio  # noqa: E731
    return Section(
        far_roof=float(share(base - count)),
        near_floor=float(base),
        far_floor=float(share(base)),
        height=height,
        magnification=float(ratio),
        magnification_error=float(ratio_error),
        middle_rows=float(middle),
        middle_error=middle_error,
        agreement=agreement,
    )


def _starts(grids: Sequence[_Array], rows: _Array, ratios: _Array) -> list[tuple[int, tuple[float, float]]]:
    """The best places of all grids that are not beside each other: (which grid, (rows, ratio))."""
    left, starts = np.stack(grids), []
    for _ in range(STARTS):
        k, i, j = (int(v) for v in np.unravel_index(int(np.argmax(left)), left.shape))
        starts.append((k, (float(rows[i]), float(ratios[j]))))
        left[k, max(0, i - 3) : i + 4, max(0, j - 3) : j + 4] = -9.0
    return starts


def _refine(
    profiles: Sequence[_Array],
    lines: tuple[Line, Line],
    height: float,
    start: tuple[float, float],
    reach: float = 3.0,
) -> tuple[float, float, float, float]:
    """(agreement, height, rows, ratio) at the best place within ``reach`` samples of a rough one."""
    rows = start[0] + reach * np.linspace(-1.0, 1.0, 13)
    ratios = start[1] * np.exp(0.004 * reach * np.linspace(-1.0, 1.0, 13))
    grid = _agreement(profiles, lines, height, rows, ratios)
    i, j = np.unravel_index(int(np.argmax(grid)), grid.shape)
    return float(grid[i, j]), height, float(rows[i]), float(ratios[j])


def _half_interval(values: _Array, weight: _Array, center: float) -> float:
    """Half of the 90 % interval of weighted values around ``center``, to a thousandth."""
    bins = np.minimum(np.abs(values - center) * 1000.0, 2000.0).astype(np.int32)
    total = np.cumsum(np.bincount(bins.ravel(), weight.ravel()))
    return float(np.searchsorted(total, 0.9 * total[-1]) + 1) / 1000.0


def _horizon(lines: tuple[Line, Line], ratios: _Array) -> _Array:
    """Row of the horizontal ray: the far rail's inner upper edge is the near rail's outer one, shrunk towards it."""
    shrink = 1.0 + (1.0 - RAIL / WIDTH) * (ratios - 1.0)
    return (shrink * lines[1].at - lines[0].at) / (shrink - 1.0)


def _edges(height: float) -> tuple[tuple[int, float, float, float, float, float, float], ...]:
    """(profile, u from, u to, z from, z to [m above the castings' underside], weights of upper and lower edge)."""
    flange, rail, wide = FLANGE / WIDTH, RAIL / WIDTH, CASTING_WIDE / WIDTH
    top = height - BELOW_TOP
    near, far = (0.0, flange), (1.0 - flange, 1.0)
    return (
        (0, *near, SILL - 0.005, SILL, 1.0, 0.7),
        (0, *near, 0.007, 0.012, 0.8, 1.0),
        (0, 0.0, rail, top - RAIL, top, 0.0, 0.7),
        (1, 0.0, wide, 0.0, CASTING_HIGH, 0.7, 0.5),
        (2, *far, SILL - 0.005, SILL, 0.7, 0.0),
        (2, *far, 0.007, 0.012, 0.8, 1.0),
        (2, 1.0 - rail, 1.0, top - RAIL, top, 0.0, 1.2),
        (3, 1.0 - wide, 1.0, 0.0, CASTING_HIGH, 0.9, 0.3),
        (3, 1.0 - wide, 1.0, height - CASTING_HIGH, height, 0.0, 1.0),
    )


def _agreement(profiles: Sequence[_Array], lines: tuple[Line, Line], height: float, rows: _Array, ratios: _Array) -> _Array:
    """Mean vote of all edges, shape (rows, ratios), less what speaks against each of them.

    Against it speak a source far from 0.2 of the height above the floor (mildly; where the horizontal ray would pass far above
    or below the container, the agreement is -9), and a magnification that is not that of the slopes.
    """
    near, top = lines[0].at, height - BELOW_TOP
    horizon = _horizon(lines, ratios)
    votes = np.zeros((rows.size, ratios.size), np.float32)
    for profile, start, end, low, high, upper, lower in _edges(height):
        for z, weight, pick in ((high, upper, np.minimum), (low, -lower, np.maximum)):
            if not weight:
                continue  # an edge that loads, floors or the view from inside hide more often than not
            below = (rows * ((top - z) / height)).astype(np.float32)
            first, last = (_seen_at(near, horizon, ratios, below, share) for share in (start, end))
            index = pick(first, last, out=first).astype(np.int32)
            votes += np.float32(weight / WEIGHT) * np.take(profiles[profile], index, mode="clip")
    above = (near + rows[:, None] * (top / height) - horizon[None]) / rows[:, None]
    votes -= 0.1 * ((above - 0.18) / 0.25) ** 2 + _slope_doubt(lines, ratios)[None]
    return np.where((above > HORIZON[0]) & (above < HORIZON[1]), votes, -9.0)


def _slope_doubt(lines: tuple[Line, Line], ratios: _Array) -> _Array:
    """What speaks against each magnification: a tilted container's near rail is steeper than its far one by just that."""
    near, far = lines
    errors = [np.hypot(1.5 * line.error, BENT) for line in lines]
    if abs(far.slope) < 6.0 * errors[1] or abs(near.slope) < 6.0 * errors[0]:
        return np.zeros_like(ratios)
    measured = near.slope / far.slope
    error = abs(measured) * np.hypot(errors[1] / far.slope, errors[0] / near.slope) + 0.02
    return np.asarray(0.12 * np.minimum(((ratios - measured) / error) ** 2, 4.0))


def _seen_at(near: float, horizon: _Array, ratios: _Array, below: _Array, share: float) -> _Array:
    """Where points are seen that lie ``below`` the near roof rail at a share of the width, in steps of `_finer`."""
    shrink = FINE / (1.0 + share * (ratios - 1.0))
    base = FINE * (horizon + 0.5 / FINE) + (near - horizon) * shrink
    return base.astype(np.float32)[None] + below[:, None] * shrink.astype(np.float32)[None]


def _finer(profile: _Array) -> _Array:
    """A profile at four times as many samples, 0 at both ends."""
    fine = np.interp(np.arange(FINE * profile.size) / FINE, np.arange(profile.size), profile).astype(np.float32)
    fine[0] = fine[-1] = 0.0
    return fine
