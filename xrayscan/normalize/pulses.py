"""Pulse-to-pulse fluctuation of the source, taken out with the air above the load."""

from __future__ import annotations

import numpy as np

from xrayscan.normalize.beam import Beam
from xrayscan.scan import Step

__all__ = ["correct_pulses"]

LEAST_ROWS = 8
MOST_ROWS = 48
MOST_CHANGE = 0.1
_WORTH = 1.5


def correct_pulses(beam: Beam) -> Beam:
    """The beam with each column divided by the air above the load in that column.

    Done only where at least eight valid rows at the top see air in every column, and where the columns differ by more than
    1.5 times what the noise of these rows explains.

    Parameters
    ----------
    beam : Beam

    Returns
    -------
    Beam
    """
    steps = list(beam.steps)
    for energy, transmission in enumerate(beam.transmission):
        rows = _air_rows(transmission, beam.valid)
        if rows.size < LEAST_ROWS:
            continue
        air = transmission[rows]
        factor = np.median(air, axis=0)
        noise = float(np.median(np.abs(air - factor).std(axis=0))) * 1.2533 / np.sqrt(rows.size)
        rms = float(factor.std())
        if rms < max(_WORTH * noise, 1e-3) or np.abs(factor - 1.0).max() > MOST_CHANGE:
            continue
        transmission /= factor
        note = f"columns divided by the air of {rows.size} rows above the load; they differed by {rms:.2%} rms"
        steps.append(Step("pulses", note, {"energy": energy, "rows": int(rows.size), "rms": rms}))
    return Beam(beam.transmission, beam.valid, beam.step, beam.least, tuple(steps))


def _air_rows(transmission: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Rows from the top down to the first that does not see air everywhere."""
    whole = np.flatnonzero(valid[: transmission.shape[0] // 3].all(axis=1))[:MOST_ROWS]
    least = np.quantile(transmission[whole], 0.005, axis=1) if whole.size else np.zeros(0)
    stop = np.flatnonzero(least < 1.0 - MOST_CHANGE)
    return whole[: stop[0]] if stop.size else whole
