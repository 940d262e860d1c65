"""How far the load's picture moves where that of the edge nearest to the source moves by one row.

What is farther from the source moves less, and on the horizontal arm of an L-shaped array, where the edge is seen, rows have
another scale than below it. Neither is stated. But the load's own horizontal structures move, and by how much is read from the
picture: D(row, column) = D0(row - scale * sway(column)), so that column differences are -scale * sway differences * dD/drow.
What is seen moving lies somewhere between the near and the far wall; the scale of the middle follows from where all of it lies.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from xrayscan.scan import Box

__all__ = ["EVEN", "find_parallax"]

MAGNIFICATION = 1.8  # near walls are 1.3 to 2.2 times as large as far ones, most of them nearer to 2
EVEN = 2.0 / (1.0 + MAGNIFICATION)  # of an upright array
EVEN_SPREAD, OTHER, OTHER_SPREAD = 0.08, 0.8, 0.25  # of its logarithm; the second of L-shaped arrays
ARM, ARM_SPREAD = 0.95, 0.17  # where the upper edges are seen by an arm
# Where it is known that an arm sees them: s² d / (b D) for a ray of slope s, a corner at b, distances d and D of edge and
# middle, is 0.65 within a factor of 1.5 over sources 1.6 to 5.5 m from edges that lie 1.6 to 3.2 m higher.
BY_ARM, BY_ARM_SPREAD = 0.65, 0.4
FASTER, FEWEST, SHARE = 1.4, 3, 0.2  # than the near edge: what lies behind it moves more on an arm alone
NEAR, FAR = (1.0 + MAGNIFICATION) / 2.0, (1.0 + 1.0 / MAGNIFICATION) / 2.0
GRID = np.linspace(np.log(0.15), np.log(2.5), 240)
MISTAKEN = 0.2  # odds that rails are taken for what they are not
UPPER = 0.4  # share of a body's height over which an L-shaped array may have its arm
MARGIN = 0.05  # of its length
FLOOR = 0.88  # share of the height below which both walls' rails are seen
DEEPEST = 2.5
PER_PERIOD, WIDEST = 8, 24  # samples to a period; columns of one
COLUMNS, MOST_SAMPLES = 4, 300  # of which a sample is the mean
ALIKE = 0.4  # share by which slopes may differ that are taken for one structure's
CLEAR = 2.0  # of the noise
ROWS, PERIODS = 3, 3  # of one finding
FILLED = 0.3  # share of its pixels that have to take part
SURE = 0.2  # standard error with which a finding counts
SPREAD = 0.08  # of a finding's logarithm beside its standard error: rows in which more than one thing is seen
PLACED = 0.1  # of the logarithm: as much nearer or farther than the middle may be all that is seen
STRAY = 0.1  # share of findings that mean nothing
MOST = 10  # findings that count as independent ones
STILL = 3.0  # log likelihood by which a load that does not move has to be likelier
_Array = np.ndarray


def find_parallax(
    depth: _Array,
    boxes: Sequence[Box],
    sway: _Array,
    period: float,
    slope: float,
    rails: tuple[float, float] | None = None,
    arm: bool | None = None,
) -> tuple[float, float] | None:
    """Rows in the middle of the load for each row at the near upper edge, and its standard error as a share of it.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        NaN where not valid.
    boxes : sequence of Box
    sway : ndarray, shape (columns,) [rows]
        Of the near upper edge.
    period : float [columns]
        Of its strongest part.
    slope : float [rows per column]
        Of horizontals.
    rails : (float, float) or None
        The same scale and its standard error as a share of it, if other means tell it.
    arm : bool or None
        Whether the upper edge is seen by the arm of an L-shaped array; None: not known.

    Returns
    -------
    (float, float) or None
        None if the load stands still while the edge moves: then that is the edge's form.
    """
    found = [_findings(*thin, slope, period) for box in boxes if (thin := _thin(depth, box, sway, period)) is not None]
    scales, errors, heights = (np.concatenate([one[k] for one in found]) if found else np.zeros(0) for k in range(3))
    upper = scales[(heights < UPPER) & (errors < SURE) & (np.abs(scales) < 3.0)]
    on_arm = (upper > FASTER).sum() >= max(FEWEST, SHARE * upper.size)
    sure = (heights >= UPPER) & (errors < SURE) & (np.abs(scales) < 3.0)
    fit, still = _likelihood(scales[sure], errors[sure], heights[sure] > FLOOR)
    if rails is None and sure.sum() >= MOST and still > fit.max() + STILL:
        return None
    seen = cv2.GaussianBlur(
        np.exp(fit - fit.max())[None], (0, 0), PLACED / (GRID[1] - GRID[0]), borderType=cv2.BORDER_REPLICATE
    )[0]
    chance = _expected(rails, bool(on_arm), arm) * seen
    chance /= chance.sum()
    middle = float(GRID[np.searchsorted(np.cumsum(chance), 0.5)])
    return float(np.exp(middle)), float(np.sqrt(chance @ (GRID - middle) ** 2))


def _expected(rails: tuple[float, float] | None, on_arm: bool, arm: bool | None) -> _Array:
    """Density of the scale over the grid before the load is looked at; ``on_arm``: what lies behind moves more."""

    def bell(scale: float, spread: float) -> _Array:
        return np.exp(-0.5 * ((GRID - np.log(scale)) / spread) ** 2) / spread

    if rails is None and arm is not None:
        return bell(BY_ARM, BY_ARM_SPREAD) if arm else bell(EVEN, EVEN_SPREAD)
    if rails is None and on_arm:
        return bell(ARM, ARM_SPREAD)
    if rails is None:
        return bell(EVEN, EVEN_SPREAD) + bell(OTHER, OTHER_SPREAD)
    return bell(rails[0], max(rails[1], 0.01)) + MISTAKEN * bell(rails[0], OTHER_SPREAD)


def _thin(depth: _Array, box: Box, sway: _Array, period: float) -> tuple[_Array, _Array, float] | None:
    """A body with few columns, its sway, and how many columns one of them is."""
    margin = int(MARGIN * box.width)
    left, right = box.left + margin, box.right - margin
    count = int(min(MOST_SAMPLES, (right - left) / min(period / PER_PERIOD, WIDEST)))
    if count < 2 * PER_PERIOD or box.height < 8 * ROWS:
        return None
    some = slice(left, right, max(1, (right - left) // (COLUMNS * count)))
    part = np.minimum(depth[box.top : box.bottom, some], np.float32(DEEPEST))
    size = (count, part.shape[0])
    line = cv2.resize(sway[None, left:right].astype(np.float32), (count, 1), interpolation=cv2.INTER_AREA)[0]
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA), line, (right - left) / count


def _findings(thin: _Array, sway: _Array, by: float, slope: float, period: float) -> tuple[_Array, _Array, _Array]:
    """Scales of single structures, their standard errors, and how far down the body they lie, 0 to 1."""
    rows, columns = thin.shape
    down = (slope * by * (np.arange(columns) - 0.5 * columns)).astype(np.float32)
    across = np.broadcast_to(np.arange(columns, dtype=np.float32), thin.shape)
    along = np.arange(rows, dtype=np.float32)[:, None] + down
    level = cv2.remap(thin, np.ascontiguousarray(across), along, cv2.INTER_LINEAR, borderValue=np.nan)
    rise = np.full_like(level, np.nan)
    rise[1:-1] = 0.5 * (level[2:] - level[:-2])
    lag = max(1, round(0.5 * period / by))
    both = [_short(level, rise, sway, lag), _long(level, rise, sway)]
    return tuple(np.concatenate(parts) for parts in zip(*both, strict=True))  # type: ignore[return-value]


def _short(level: _Array, rise: _Array, sway: _Array, lag: int) -> tuple[_Array, _Array, _Array]:
    """From structures that are half a period long or longer: the middle against both sides."""
    if sway.size <= 4 * lag:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    mid, one, other = slice(lag, -lag), slice(None, -2 * lag), slice(2 * lag, None)
    swing = sway[mid] - 0.5 * (sway[one] + sway[other])
    moved = 0.5 * (level[:, one] + level[:, other]) - level[:, mid]
    steep = 0.5 * rise[:, mid] + 0.25 * (rise[:, one] + rise[:, other])
    size = np.abs(steep)
    noise = np.abs(np.diff(level[:, :: max(1, sway.size // 100)], axis=1))
    noise = 1.05 * np.median(np.nan_to_num(noise), axis=1, keepdims=True)
    alike = size > CLEAR * noise
    for beside in (one, mid, other):
        alike &= np.abs(rise[:, beside] - steep) < ALIKE * size
    many = max(1, swing.size // (2 * PERIODS * lag))
    shape = (level.shape[0] // ROWS, ROWS, many, swing.size // many)
    cut = np.s_[: shape[0] * ROWS, : many * shape[3]]

    def grouped(image: _Array) -> _Array:
        return image[cut].reshape(shape).transpose(0, 2, 1, 3).reshape(shape[0] * many, 1, -1)

    weight = grouped(alike & np.isfinite(moved))[:, 0]
    some = weight.mean(axis=1) > FILLED
    shapes, line = (np.where(weight[:, None], np.nan_to_num(grouped(image)), 0.0)[some] for image in (steep * swing, moved))
    scale, error = _slopes(shapes, line[:, 0], weight[some].astype(np.float32))
    heights = np.repeat((np.arange(shape[0]) + 0.5) * ROWS / len(level), many)[some]
    return scale, np.sqrt(2.0) * error, heights  # neighbors are not independent


def _long(level: _Array, rise: _Array, sway: _Array) -> tuple[_Array, _Array, _Array]:
    """From structures that go all along the body: each row against its own median."""
    some = slice(None, None, max(1, sway.size // 100))
    middle = np.median(np.nan_to_num(level[:, some], nan=1e3), axis=1)[:, None]
    steep = np.zeros_like(middle)
    steep[1:-1] = 0.5 * (middle[2:] - middle[:-2])
    size, swing = np.abs(steep), sway - np.median(sway)
    moved = middle - level
    alike = np.abs(rise - steep) < 1.25 * ALIKE * size
    alike &= (np.abs(moved) < 3.0 * size * np.abs(swing).max()) & (middle < 1e2)
    used = np.flatnonzero(alike.mean(axis=1) > FILLED + 0.1)
    u = np.linspace(-1.0, 1.0, sway.size)
    shapes = (steep[used, :, None] * np.stack([swing, np.ones_like(u), u, u**2])[None]).astype(np.float32)
    weight = alike[used].astype(np.float32)
    scale, error = _slopes(shapes * weight[:, None], np.where(alike[used], moved[used], 0.0), weight)
    return scale, 2.0 * error, used / len(level)


def _slopes(shapes: _Array, lines: _Array, weight: _Array) -> tuple[_Array, _Array]:
    """Each line over the first of its shapes, shape (findings, shapes, pixels), and the standard error, robustly."""
    trust = weight
    damping = 1e-9 * np.eye(shapes.shape[1], dtype=np.float64)
    inverse, found = np.zeros((len(lines), *damping.shape)), np.zeros((len(lines), damping.shape[0]))
    rest = lines
    for _ in range(4):
        weighted = shapes * trust[:, None]
        normal = (weighted @ shapes.transpose(0, 2, 1)).astype(np.float64)
        inverse = np.linalg.inv(normal + damping)
        found = (inverse @ (weighted @ lines[:, :, None]).astype(np.float64))[:, :, 0]
        rest = lines - (found[:, None].astype(np.float32) @ shapes)[:, 0]
        spread = 1.25 * (trust * np.abs(rest)).sum(axis=1) / np.maximum(trust.sum(axis=1), 1e-9) + 1e-6
        last, trust = trust, weight / (1.0 + (rest / (2.0 * spread[:, None])) ** 2)
    pulled = shapes * (last * rest)[:, None]
    cover = inverse @ (pulled @ pulled.transpose(0, 2, 1)).astype(np.float64) @ inverse
    return found[:, 0], np.sqrt(np.maximum(cover[:, 0, 0], 0.0))


def _likelihood(scales: _Array, errors: _Array, floor: _Array) -> tuple[_Array, float]:
    """Log likelihood of each middle scale of the grid, and that of a load that stands still.

    What is seen may lie anywhere from the near to the far wall; at the floor it is a wall's rail more often than not.
    """
    if scales.size == 0:
        return np.zeros(GRID.size), -np.inf
    places = 1.0 / np.linspace(1.0 / NEAR, 1.0 / FAR, 9)
    ends = np.where(floor[:, None], [[0.5, 0.2]], [[0.1, 0.1]])
    among = np.repeat((1.0 - ends.sum(axis=1, keepdims=True)) / 7.0, 9, axis=1)
    among[:, [0, -1]] = ends
    expected = np.exp(GRID)[:, None] * places
    chance = np.zeros((GRID.size, scales.size))
    for k, share in enumerate(among.T):
        width = np.sqrt(errors**2 + (SPREAD * expected[:, k, None]) ** 2)
        chance += share * np.exp(-0.5 * ((scales - expected[:, k, None]) / width) ** 2) / width
    width = np.sqrt(errors**2 + SPREAD**2)
    still = np.exp(-0.5 * (scales / width) ** 2) / width
    part = min(1.0, MOST / scales.size)
    return (
        part * np.log((1 - STRAY) * chance + STRAY).sum(axis=1),
        part * float(np.log((1 - STRAY) * still + STRAY).sum()),
    )
