"""Dose of each pulse and its slow drift, taken out with the air that every column sees for itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xrayscan.normalize.air import OpenBeam, clipped, open_beam
from xrayscan.normalize.beam import Beam
from xrayscan.scan import Step

__all__ = ["correct_pulses", "find_blocks"]

MOST_ROWS = 256
MOST_COLUMNS = 16
SURE = 4.0
LEAST_CHANGE = 3e-4
RAMP = 0.1
ROUNDING = 1e-5
EMPTY = 0.95
BLIND = 0.02
DRIFT_COLUMNS = (33, 40)
_SURE_BLOCKS = 12.0
_OUTLIER = 5.0


@dataclass(frozen=True, eq=False)
class _Seen:
    """Mean of the air in each column and the variance of that mean; 1 and infinity where no air is seen."""

    mean: np.ndarray
    variance: np.ndarray
    rows: int


def correct_pulses(beam: Beam) -> Beam:
    """The beam with each column divided by the dose of its pulse, as the air in that column tells it.

    The air is what is above the load, as far down as each column sees it (`open_beam`). The dose is a slow drift, a straight
    line fitted to the columns around, and what the pulses differ from it; columns of one pulse share one factor. A pulse's
    difference is counted as far as it is surer than noise: by s²/(s² + v), s² the variance of the pulses and v that of
    the mean of the air (Wiener). Where pulses and drift are within noise nothing is changed. Of columns that see no air
    only the drift is known, as a straight line between those that do: the stripes there are left, because posts and rails
    of a container stand upright as well. What sets in without an edge over hundreds of columns, at the picture's very edge
    and with no more than 5 %, cannot be told from drift.

    Parameters
    ----------
    beam : Beam

    Returns
    -------
    Beam
        Its transmission is changed in place.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> image = np.ones((1, 60, 400), np.float32)
    >>> image[:, 30:, 100:300] = 0.2
    >>> image *= rng.normal(1.0, 0.01, 400).astype(np.float32)
    >>> image *= rng.normal(1.0, 0.001, image.shape).astype(np.float32)
    >>> line = np.zeros((1, 60), np.float32)
    >>> done = correct_pulses(Beam(image, np.ones((60, 400), bool), line, line, ()))
    >>> bool(done.transmission[0, 40:, 110:290].mean(axis=0).std() < 1e-4)
    True
    """
    seen = {}
    for energy, transmission in enumerate(beam.transmission):
        air = _air_seen(transmission, beam.valid)
        if air is not None:
            seen[energy] = air
    if not seen:
        return beam
    size, phase = find_blocks([(air.mean, air.variance) for air in seen.values()])
    steps, least, step = list(beam.steps), beam.least.copy(), beam.step.copy()
    for energy, air in seen.items():
        factor, done = _factor(air, size, phase)
        if factor is None:
            continue
        beam.transmission[energy] /= factor
        lowest = float(factor.min())
        if lowest < 1.0 - RAMP:
            # One count is a larger share of a weaker beam; the least T is told for the picture's weakest columns.
            least[energy] /= lowest
            step[energy] /= lowest
        steps.append(_told(energy, air, size, factor, done))
    return replace(beam, least=least, step=step, steps=tuple(steps))


def _air_seen(transmission: np.ndarray, valid: np.ndarray) -> _Seen | None:
    """The air above the load, and below it in columns that see none above."""
    air, empty = _one_side(transmission, valid)
    blind = valid.any(axis=0) if air is None else np.isinf(air.variance) & valid.any(axis=0)
    if not empty and blind.mean() > BLIND:
        below, empty = _one_side(np.ascontiguousarray(transmission[::-1]), valid[::-1])
        if air is None:
            air = below
        elif below is not None:
            mean, variance = np.where(blind, below.mean, air.mean), np.where(blind, below.variance, air.variance)
            air = _Seen(mean, variance, air.rows)
    if air is not None and empty:
        # Nothing but one level in the whole picture: it may be a thin load. What is common to all columns is kept.
        common = float(np.average(air.mean, weights=1.0 / air.variance))
        air = _Seen(air.mean / common, air.variance / common**2, air.rows)
    return air


def _one_side(transmission: np.ndarray, valid: np.ndarray) -> tuple[_Seen | None, bool]:
    """The air from the upper edge down; and whether there is nothing else in the picture."""
    where = open_beam(transmission, valid)
    if where is None or clipped(transmission, where):
        return None, False
    return _air_of(transmission, valid, where), bool(np.mean(where.rows >= transmission.shape[0]) > EMPTY)


def _told(energy: int, air: _Seen, size: int, factor: np.ndarray, done: dict[str, float]) -> Step:
    blind = int(np.isinf(air.variance).sum())
    block = f" of {size} columns" if size > 1 else ""
    note = (
        f"columns divided by the dose that the air above the load shows (up to {air.rows} rows): pulses{block} differed by "
        f"{done['pulse_rms']:.2%} rms, the slow drift was {done['drift_rms']:.2%} rms; left: {done['left']:.2%} rms"
    )
    if blind:
        note += f"; {blind} columns see no air: only the drift was interpolated there"
    if factor.min() < 1.0 - RAMP:
        note = f"warning: the dose fell to {factor.min():.0%}, so noise is higher there; {note}"
    return Step("pulses", note, {"energy": energy, "columns": size, "rows": air.rows, "without_air": blind, **done})


def _air_of(transmission: np.ndarray, valid: np.ndarray, where: OpenBeam) -> _Seen | None:
    """Means over the air above the load, gains of the rows and what lies off by itself left out."""
    stop = min(where.first + MOST_ROWS, int(where.rows.max()))
    rows = np.arange(where.first, stop)
    rows = rows[valid[where.first : stop].any(axis=1)]
    inside = (rows[:, None] < where.rows) & valid[rows]
    count = inside.sum(axis=0)
    if (count > 0).sum() < 2:
        return None
    weight = inside.astype(np.float32)
    total = weight.sum(axis=0)
    air = transmission[rows]
    mean = np.einsum("rc,rc->c", air, weight) / np.maximum(total, 1.0)
    mean[total == 0] = 1.0
    away = air * (1.0 / mean)
    away -= 1.0
    # Rows differ in gain and in veil, and not every column has the same rows: what is left of a row is no dose.
    away -= (np.einsum("rc,rc->r", away, weight) / np.maximum(weight.sum(axis=1), 1.0))[:, None]
    square = away * away
    spread = float(np.sqrt(np.vdot(square, weight) / max(float(total.sum()), 1.0)))
    weight *= square <= max(_OUTLIER * spread, ROUNDING) ** 2
    total = weight.sum(axis=0)
    mean *= 1.0 + np.einsum("rc,rc->c", away, weight) / np.maximum(total, 1.0)
    lacking = total < 1
    freedom = max(float(total.sum() - (~lacking).sum() - rows.size), 1.0) / max(float(total.sum()), 1.0)
    variance = np.maximum(spread * mean, ROUNDING) ** 2 / np.maximum(total, 1.0) / freedom
    mean[lacking], variance[lacking] = 1.0, np.inf
    return _Seen(mean.astype(np.float64), variance.astype(np.float64), rows.size)


def find_blocks(lines: list[tuple[np.ndarray, np.ndarray]], most: int = MOST_COLUMNS) -> tuple[int, int]:
    """Columns that one pulse makes, and the first column with which a pulse starts.

    Neighbors of one pulse differ by noise alone, neighbors of two pulses by their dose as well. The block is the one
    for which two variances, one inside and one at the borders, make the differences of all neighbors the most likely.

    Parameters
    ----------
    lines : list of (ndarray, ndarray), each of shape (columns,)
        Level of each column and the variance of its noise, of each energy; infinite where nothing is known.
    most : int

    Returns
    -------
    size : int
        1 where no larger block is sure.
    phase : int
        0 to ``size`` − 1.

    Examples
    --------
    >>> dose = np.repeat(np.random.default_rng(2).normal(1.0, 0.01, 100), 4)[3:]
    >>> noisy = dose + np.random.default_rng(3).normal(0.0, 0.003, dose.size)
    >>> find_blocks([(noisy, np.full(dose.size, 0.003**2))])
    (4, 1)
    """
    best, gain = (1, 0), _SURE_BLOCKS
    jumps = []
    for level, variance in lines:
        noise = variance[1:] + variance[:-1]
        known = np.isfinite(noise) & (noise > 0)
        jump = np.divide(np.diff(level) ** 2, noise, out=np.zeros(known.size), where=known)
        # A single edge must not outweigh all the others.
        jumps.append((np.minimum(jump, 25.0 * max(float(np.median(jump[known])), 1.0) if known.any() else 1.0), known))
    for size in range(2, most + 1):
        told = np.zeros(size)
        for jump, known in jumps:
            count, total = (_folded(values, size) for values in (known.astype(np.float64), np.where(known, jump, 0.0)))
            inner, inner_total = count.sum() - count, total.sum() - total
            if (count < 3).any() or (inner < 3).any():
                told -= 1e9
                continue
            tiny = 1e-12
            border, within = total / count + tiny, inner_total / inner + tiny
            one = total.sum() / count.sum() + tiny
            likely = count * np.log(border) + inner * np.log(within) - count.sum() * np.log(one)
            told += np.where(border > within, -0.5 * likely, 0.0)
        place = int(np.argmax(told))
        if told[place] > gain:
            # The jump at place c is that between the columns c and c + 1.
            best, gain = (size, (place + 1) % size), float(told[place])
    return best


def _folded(values: np.ndarray, size: int) -> np.ndarray:
    padded = np.zeros(-(-values.size // size) * size)
    padded[: values.size] = values
    folded: np.ndarray = padded.reshape(-1, size).sum(axis=0)
    return folded


def _factor(air: _Seen, size: int, phase: int) -> tuple[np.ndarray | None, dict[str, float]]:
    """Dose of each column, or None where it is within noise of 1; and what was found."""
    block = (np.arange(air.mean.size) - phase) // size
    block -= block[0]
    weight = np.bincount(block, 1.0 / air.variance)
    known = weight > 0
    level = np.bincount(block, air.mean / air.variance) / np.where(known, weight, 1.0)
    level[~known] = 1.0
    variance = np.where(known, 1.0 / np.where(known, weight, 1.0), np.inf)
    pulse, sure = _pulse_variance(level, variance)
    slow, doubt = _drift(level, np.where(known, 1.0 / (variance + pulse), 0.0), size)
    away = np.where(known, level - slow, 0.0)
    far = np.abs(away) > _OUTLIER * np.sqrt(np.where(known, variance, 1.0) + pulse)
    kept = np.where(far & known, 1.0, pulse / (pulse + variance))
    drift_rms = float(np.sqrt(np.mean((slow - 1.0) ** 2)))
    moved = sure or drift_rms > max(LEAST_CHANGE, SURE * doubt)
    if not (moved or kept.any()):
        return None, {}
    factor = (slow + kept * away)[block] if moved else (1.0 + kept * away)[block]
    if size > 1 and moved:
        factor += _within(air, slow, block)
    found = {
        "pulse_rms": float(np.sqrt(pulse)),
        "drift_rms": drift_rms if moved else 0.0,
        "left": float(np.sqrt((kept[known] * variance[known]).mean())),
    }
    return factor.astype(np.float32), found


def _within(air: _Seen, slow: np.ndarray, block: np.ndarray) -> np.ndarray:
    """The drift inside the blocks, as far as columns of one pulse surely show it: between none and all of it."""
    start = np.searchsorted(block, np.arange(slow.size + 1))
    middle = 0.5 * (start[1:] + start[:-1] - 1)
    # Beyond the middle of the first and the last block the line goes on.
    middle = np.concatenate([[2 * middle[0] - middle[1]], middle, [2 * middle[-1] - middle[-2]]])
    line = np.concatenate([[2 * slow[0] - slow[1]], slow, [2 * slow[-1] - slow[-2]]])
    way = np.interp(np.arange(block.size), middle, line) - slow[block]
    weight = 1.0 / air.variance
    total = np.bincount(block, weight)
    mean = np.bincount(block, weight * air.mean) / np.where(total > 0, total, 1.0)
    alike = float((weight * way * (air.mean - mean[block])).sum())
    share = alike / (float((weight * way**2).sum()) + 1.0)
    inside: np.ndarray = way * float(np.clip(share, 0.0, 1.0))
    return inside


def _pulse_variance(level: np.ndarray, variance: np.ndarray) -> tuple[float, bool]:
    """Variance of the dose from pulse to pulse, less that of noise; and whether it is surely there.

    From each block's difference to the mean of both neighbors, whose variance is 3/2 that of one block.
    """
    bend = level[1:-1] - 0.5 * (level[:-2] + level[2:])
    noise = variance[1:-1] + 0.25 * (variance[:-2] + variance[2:])
    known = np.isfinite(noise)
    if known.sum() < 8:
        return 0.0, False
    bend, noise = bend[known], noise[known]
    # The median of n squares of normal values, over its own expectation, is sure to 2.33/sqrt(n).
    if float(np.median(bend**2 / noise)) / 0.455 - 1.0 <= SURE * 2.33 / np.sqrt(noise.size):
        return 0.0, False
    low, high = 0.0, float((bend**2).max()) / 0.455
    for _ in range(24):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(np.median(bend**2 / (noise + middle))) > 0.455 else (low, middle)
    return 0.5 * (low + high) / 1.5, True


def _drift(level: np.ndarray, weight: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """The slow part: in each block the straight line, by least squares, through those around it; and its rms noise.

    Where nothing is known it is interpolated, and held beyond the last.
    """
    count = level.size
    half = max(2, max(DRIFT_COLUMNS[0], count * size // DRIFT_COLUMNS[1]) // size // 2)
    place = np.arange(count, dtype=np.float64)

    def around(values: np.ndarray) -> np.ndarray:
        total = np.concatenate([[0.0], np.cumsum(values)])
        low, high = np.maximum(np.arange(count) - half, 0), np.minimum(np.arange(count) + half + 1, count)
        part: np.ndarray = total[high] - total[low]
        return part

    scale = float(weight.max()) or 1.0
    w = weight / scale
    number = around((w > 0).astype(np.float64))
    total = around(w)
    known = (number >= 3) & (w > 0)
    safe = np.where(known, total, 1.0)
    middle, mean = around(w * place) / safe, around(w * level) / safe
    spread = around(w * place**2) / safe - middle**2
    slope = (around(w * place * level) / safe - middle * mean) / np.maximum(spread, 0.25)
    fitted = mean + slope * (place - middle)
    variance = (1.0 + (place - middle) ** 2 / np.maximum(spread, 0.25)) / (safe * scale)
    if not known.any():
        return np.ones(count), 0.0
    slow = np.interp(place, place[known], fitted[known])
    return slow, float(np.sqrt(variance[known].mean()))
