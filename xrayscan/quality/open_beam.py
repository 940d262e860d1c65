"""The open beam of a scan: where air is seen, how even it is over channels and columns, and how much pulses differ."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Evenness", "air_mask", "evenness", "pulse_block", "pulse_spread", "trimmed_rms"]

NEAR_AIR = 0.04
MOST_OFF = 0.2
AWAY = 5
LEAST_AIR = 2000
LEAST_IN_ROW = 40
LEAST_IN_COLUMN = 8
LEAST_LINES = 16
MOST_BLOCK = 16
_TELLING = 12.0


@dataclass(frozen=True, eq=False)
class Evenness:
    """Air taken apart: T = 1 + channel + column + noise.

    Attributes
    ----------
    channels : ndarray, shape (rows,)
        What each channel is off; NaN where it does not see enough air.
    columns : ndarray, shape (columns,)
        What each column is off; NaN where it holds not enough air.
    noise : float
        Rms of the rest: of one pixel.
    channel_noise, column_noise : float
        Rms that pixel noise alone gives to ``channels`` and ``columns``.
    pixels : int
        Of air, used.
    """

    channels: np.ndarray
    columns: np.ndarray
    noise: float
    channel_noise: float
    column_noise: float
    pixels: int

    @property
    def channel_rms(self) -> tuple[float, float, int] | None:
        """Rms over channels, its standard error and their number; pixel noise is taken off. None: too few see air."""
        return _rms(self.channels, self.channel_noise)

    @property
    def column_rms(self) -> tuple[float, float, int] | None:
        """Rms over columns, its standard error and their number; pixel noise is taken off. None: too few hold air."""
        return _rms(self.columns, self.column_noise)


def _rms(values: np.ndarray, noise: float) -> tuple[float, float, int] | None:
    known = values[np.isfinite(values)]
    if known.size < LEAST_LINES:
        return None
    variance = float(known.var(ddof=1))
    rms, error = _without_noise(variance, variance * float(np.sqrt(2.0 / (known.size - 1))), noise)
    return rms, error, int(known.size)


def air_mask(transmission: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Pixels that see air, at least five pixels away from anything else.

    Where the mean of 7 x 7 pixels is within 4 % of the open beam; in noise that is too strong for that, the mean of 21 x 21
    within four of its own rms.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
        After normalization, so that faults of the scanner are not taken for matter.
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        In a scan of fewer than 2000 such pixels: none.
    """
    filled = np.where(valid, transmission, np.float32(1.0))
    size = 7
    mean = cv2.blur(filled, (size, size))
    bright = mean[::4, ::4] > 0.8
    noise = 1.48 * float(np.median(np.abs(filled - mean)[::4, ::4][bright])) if bright.any() else 0.0
    if 4.0 * noise / size > NEAR_AIR:
        size = 21
        mean = cv2.blur(filled, (size, size))
    air = (np.abs(mean - 1.0) < max(NEAR_AIR, min(4.0 * noise / size, MOST_OFF))).astype(np.uint8)
    far = cv2.erode(air, np.ones((2 * AWAY + 1, 2 * AWAY + 1), np.uint8)).astype(bool) & valid
    return far if int(far.sum()) >= LEAST_AIR else np.zeros_like(far)


def evenness(transmission: np.ndarray, air: np.ndarray) -> Evenness | None:
    """Air taken apart into what channels and what columns have in common.

    Means of rows and of columns over the air, in turn, each of what the other leaves (three times), so that a column that sees
    air through other channels than its neighbor is not called uneven for that.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
    air : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Evenness or None
        None without air.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> gain, dose = rng.normal(0, 0.02, (100, 1)), rng.normal(0, 0.01, (1, 300))
    >>> even = evenness((1 + gain + dose + rng.normal(0, 0.005, (100, 300))).astype(np.float32), np.ones((100, 300), bool))
    >>> [round(rms[0], 3) for rms in (even.channel_rms, even.column_rms)], round(even.noise, 3)
    ([0.019, 0.01], 0.005)
    """
    if not air.any():
        return None
    weight = air.astype(np.float32)
    off = np.where(air, transmission - np.float32(1.0), np.float32(0.0))
    in_row, in_column = weight.sum(axis=1, dtype=np.float64), weight.sum(axis=0, dtype=np.float64)
    by_row, by_column = off.sum(axis=1, dtype=np.float64), off.sum(axis=0, dtype=np.float64)
    channels, columns = np.zeros(in_row.size), np.zeros(in_column.size)
    for _ in range(3):
        channels = _mean(by_row - weight @ columns, in_row)
        columns = _mean(by_column - channels @ weight, in_column)
    off -= channels[:, None].astype(np.float32)
    off -= columns[None].astype(np.float32)
    rest = off[air]
    # What was fitted to the noise is given back: one degree of freedom a row and a column.
    fitted = int((in_row > 0).sum() + (in_column > 0).sum())
    noise = trimmed_rms(rest) * float(np.sqrt(rest.size / max(rest.size - fitted, 1)))
    enough_rows, enough_columns = in_row >= LEAST_IN_ROW, in_column >= LEAST_IN_COLUMN
    return Evenness(
        np.where(enough_rows, channels, np.nan),
        np.where(enough_columns, columns, np.nan),
        noise,
        _line_noise(noise, in_row[enough_rows]),
        _line_noise(noise, in_column[enough_columns]),
        int(air.sum()),
    )


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    mean: np.ndarray = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return mean


def _line_noise(noise: float, counts: np.ndarray) -> float:
    return noise * float(np.sqrt((1.0 / counts).mean())) if counts.size else 0.0


def trimmed_rms(values: np.ndarray) -> float:
    """Rms about the mean of all but outliers: beyond five times the rms that the median deviation gives."""
    if values.size == 0:
        return 0.0
    few = values[:: max(1, values.size // 400_000)].astype(np.float64)
    middle = float(np.median(few))
    limit = 5.0 * float(np.median(np.abs(few - middle))) / 0.6745
    kept = few[np.abs(few - middle) <= limit] if limit > 0 else few
    return float(kept.std())


def pulse_block(columns: np.ndarray, noise: float) -> tuple[int, int]:
    """How many columns one pulse makes, and the column at which the first whole pulse starts.

    A scanner with several detector columns writes one pulse into as many columns of the picture: they share their dose, so
    that steps from column to column stand on a grid. Found where the median step on such a grid is so much larger than that of
    those between that its square exceeds theirs by five times what chance gives; else 1.

    Parameters
    ----------
    columns : ndarray, shape (columns,)
        What each column is off, NaN where unknown.
    noise : float
        Rms of it that is noise.

    Returns
    -------
    block, first : int

    Examples
    --------
    >>> dose = np.repeat(np.random.default_rng(1).normal(0, 0.01, 100), 4)[1:]
    >>> pulse_block(dose, 0.0)
    (4, 3)
    """
    step = np.diff(columns)
    known = np.isfinite(step)
    if known.sum() < 4 * MOST_BLOCK:
        return 1, 0
    size = np.where(known, np.abs(step), np.nan)
    best, chosen = 0.0, (1, 0)
    for block in range(2, MOST_BLOCK + 1):
        for first in range(block):
            on = (np.arange(step.size) + 1) % block == first
            at, between = size[on & known], size[~on & known]
            if min(at.size, between.size) < LEAST_LINES:
                continue
            # The median of a normal distribution is 0.41 of its upper tenth: where that is more, steps are left out.
            middle, high = np.quantile(between, [0.5, 0.9])
            least = max(float(middle), 0.41 * float(high), 1e-3 * noise, 1e-9)
            telling = ((float(np.median(at)) / least) ** 2 - 1.0) * np.sqrt(at.size)
            if telling > max(_TELLING, 1.1 * best):
                best, chosen = telling, (block, first)
    return chosen


def pulse_spread(columns: np.ndarray, noise: float) -> tuple[float, float, int, int] | None:
    """Relative rms of the dose from pulse to pulse: from differences of pulses that follow each other, which leaves drift out.

    Parameters
    ----------
    columns : ndarray, shape (columns,)
        What each column is off in air, NaN where unknown.
    noise : float
        Rms of it that is noise, taken off.

    Returns
    -------
    rms, error : float
    block : int
        Columns of one pulse.
    pulses : int
        Used. None instead of all four where they are fewer than sixteen.

    References
    ----------
    J. von Neumann, Ann. Math. Statist. 12 (1941) 367, https://doi.org/10.1214/aoms/1177731677 (mean square successive
    difference).
    """
    block, first = pulse_block(columns, noise)
    whole = columns[first:]
    whole = whole[: whole.size // block * block].reshape(-1, block)
    pulses = whole.mean(axis=1)
    step = np.diff(pulses)
    step = step[np.isfinite(step)]
    if step.size < LEAST_LINES:
        return None
    variance = trimmed_rms(step) ** 2 / 2.0
    # A difference of neighbors shares a pulse with the next: 3/2 times the variance of as many independent values.
    rms, error = _without_noise(variance, variance * np.sqrt(3.0 / step.size), noise / np.sqrt(block))
    return rms, error, block, int(step.size) + 1


def _without_noise(variance: float, error: float, noise: float) -> tuple[float, float]:
    """Rms and its standard error, of a variance of which some is noise."""
    left = max(variance - noise**2, 0.0)
    rms = float(np.sqrt(left))
    return rms, float(error / (2.0 * max(rms, np.sqrt(error / 2.0), 1e-12)))
