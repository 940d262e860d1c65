"""Where an L-shaped array has its corner: a short run of channels that are weaker than their neighbors.

On the horizontal arm rows are spaced otherwise than on the upright, and an array has its corner where the modules of both meet:
some channels there are shaded, stand at a slant or are missing. The picture hardly tells where that is: an upright array leaves
source, distance, scale and horizon, four numbers, to the four edges of a container; the corner is a fifth. The open beam does.
"""

from __future__ import annotations

import numpy as np

__all__ = ["find_corner"]

NEAR = 16  # channels to either side with which one is compared
LEAST_GAIN = 0.02  # of the median, under which a channel is dead and tells nothing
LEAST_SPREAD = 0.03  # of the logarithm of the gain: modules differ by as much
SOME = 8  # channels of which one's neighbors are looked at
WEAK, WEAKEST = 2.0, 6.8  # [standard deviations] under its neighbors from which a channel counts; beyond which no more so
SHORTEST, LONGEST = 2, 8  # channels of a run
DEAD = 0.5  # what a dead channel counts, which may be one that is missing in the corner
CLEAR = 5.0  # sum over a run of what is beyond WEAK [standard deviations]
_Array = np.ndarray


def find_corner(per_count: _Array) -> float | None:
    """Row of the corner.

    Parameters
    ----------
    per_count : ndarray, shape (rows,)
        Transmission that one count is, for each channel: the inverse of its gain. 0 where a channel is dead.

    Returns
    -------
    float or None [row]
        The middle of the run; None where all channels are alike, as in normalized deliveries, or no run stands out. One
        in thirty upright arrays has such a run by chance.

    Examples
    --------
    >>> gain = np.random.default_rng(0).normal(1.0, 0.05, 800)
    >>> find_corner(1.0 / gain) is None
    True
    >>> gain[170:174] *= 0.7
    >>> find_corner(1.0 / gain)
    171.5
    """
    known = (per_count > 0.0) & np.isfinite(per_count)
    alive = known & (per_count < float(np.median(per_count[known])) / LEAST_GAIN) if known.any() else known
    if alive.sum() < 4 * NEAR or np.ptp(per_count[alive]) == 0.0:
        return None
    gain = np.where(alive, -np.log(np.where(alive, per_count, 1.0)), np.nan)
    rows = np.flatnonzero(alive)
    windows = np.lib.stride_tricks.sliding_window_view(gain[rows], 2 * NEAR + 1)[::SOME]
    level = np.interp(rows, rows[NEAR:][: SOME * len(windows) : SOME], np.median(windows, axis=1))
    below = np.full(gain.size, WEAK + DEAD)
    below[alive] = level - gain[alive]
    spread = max(1.4826 * float(np.median(np.abs(below[alive]))), LEAST_SPREAD)
    below[alive] = np.minimum(below[alive] / spread, WEAKEST)
    total = np.concatenate([[0.0], np.cumsum(below - WEAK)])
    best, row = CLEAR, None
    for width in range(SHORTEST, LONGEST + 1):
        sums = total[width:] - total[:-width]
        first = int(np.argmax(sums))
        if sums[first] > best:
            best, row = float(sums[first]), first + 0.5 * (width - 1)
    return row
