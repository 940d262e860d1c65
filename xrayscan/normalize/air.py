"""Air and dark of a scan that came without them: found in the scan itself, and said so."""

from __future__ import annotations

import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.normalize.beam import sparse
from xrayscan.scan import Step

__all__ = ["dark_from_scan", "find_air"]

DARK_SHARE = 0.02
AIR_LIKE = 0.96
LEAST_COLUMNS = 4


def dark_from_scan(pixels: np.ndarray) -> tuple[np.ndarray, float, Step]:
    """The closed beam of a scan that came without it.

    The dark level lies between 0 and the least counts seen. Where those are under 2 % of the brightest, they are taken
    as dark, and that whole amount is held as unsure, so that nothing below it is called penetrated; else 0 is taken.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns) [counts]

    Returns
    -------
    dark : ndarray of float32, shape (energies, rows) [counts]
    unsure : float [counts]
    step : Step
    """
    few = sparse(pixels)
    few = few[np.isfinite(few)] if few.dtype.kind == "f" else few.ravel()
    low, high = (float(v) for v in np.quantile(few, [0.001, 0.99])) if few.size else (0.0, 0.0)
    level = low if 0.0 < low < DARK_SHARE * high else 0.0
    why = "the least counts seen" if level else "0"
    note = f"warning: no dark given; {why} ({level:g} counts) taken as dark, so dense parts are uncertain"
    dark = np.full(pixels.shape[:2], level, np.float32)
    return dark, level, Step("dark from scan", note, {"dark": level})


def find_air(pixels: np.ndarray, dark: np.ndarray) -> tuple[np.ndarray, Step]:
    """The open beam of each channel, found in the scan.

    Columns before and after the vehicle: those where nearly every channel is near its own brightest level. Where there are
    fewer than four of them, each channel's own bright level counts, and a channel that never sees air takes the
    level of the bright channels.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns) [counts]
    dark : ndarray, shape (energies, rows) or (energies, rows, columns) [counts]

    Returns
    -------
    air : ndarray of float32, shape (energies, rows) [counts]
    step : Step

    Raises
    ------
    CalibrationError
        If no channel ever counts more than its dark: the scan is blank.

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.full((1, 50, 80), 900.0)
    >>> counts[:, 10:40, 20:60] = 200.0
    >>> air, step = find_air(counts, np.zeros((1, 50)))
    >>> float(air.min()), float(air.max())
    (900.0, 900.0)
    >>> step.note
    'warning: no air given; taken from 40 columns before and after the vehicle'
    """
    base = dark if dark.ndim == 2 else dark.mean(axis=2)
    counts = pixels if pixels.dtype.kind != "f" else np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
    keep = 1.0 - max(LEAST_COLUMNS, counts.shape[2] // 200) / counts.shape[2]
    bright = np.quantile(counts, max(keep, 0.5), axis=2).astype(np.float32)
    if not (bright > base).any():
        raise CalibrationError(
            f"looking for air in the scan: no channel counts more than its dark (brightest {bright.max():g} counts); "
            "the scan is blank, pass the air line or scan again"
        )
    span = np.maximum(bright - base, np.finfo(np.float32).tiny)
    columns = _air_columns(counts, base, span)
    found = int(columns.sum())
    if found >= LEAST_COLUMNS:
        air = np.median(counts[:, :, columns], axis=2).astype(np.float32)
        note = f"warning: no air given; taken from {found} columns before and after the vehicle"
        return air, Step("air from scan", note, {"columns": found})
    level = base + np.quantile(span, 0.9, axis=1, keepdims=True)
    seen = bright >= base + 0.9 * (level - base)
    air = np.where(seen, bright, level).astype(np.float32)
    note = (
        f"warning: no air given and no column free of the vehicle; the brightest counts of each channel taken as air, "
        f"and for {int((~seen).sum())} channels those of the others: every density is approximate"
    )
    return air, Step("air from scan", note, {"columns": 0})


def _air_columns(counts: np.ndarray, base: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Columns in which half of all channels, and nearly all with some slack, are at their own bright level."""
    good = span > 0.2 * np.median(span, axis=1, keepdims=True)
    columns = np.ones(counts.shape[2], bool)
    for energy in range(counts.shape[0]):
        rows = np.flatnonzero(good[energy])[:: max(1, int(good[energy].sum()) // 128)]
        ratio = (counts[energy, rows] - base[energy, rows, None]) / span[energy, rows, None]
        columns &= (np.median(ratio, axis=0) > AIR_LIKE) & (np.quantile(ratio, 0.03, axis=0) > AIR_LIKE - 0.1)
    return columns
