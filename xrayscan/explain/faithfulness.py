"""Whether a heatmap tells what the network goes by: take out what it calls important, and the score must fall at once.

References
----------
V. Petsiuk, A. Das, K. Saenko, RISE, BMVC 2018, https://arxiv.org/abs/1806.07421
J. Zhang et al., Top-down neural attention by excitation backprop, 2016, https://doi.org/10.1007/978-3-319-46493-0_33
J. Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, https://arxiv.org/abs/1810.03292
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.explain.probe import Probe

__all__ = ["Curves", "agreement", "curves", "points_at"]

SEED = 20261128


@dataclass(frozen=True)
class Curves:
    """Scores while a finding is taken out, and while it is put in, the hottest places first.

    Attributes
    ----------
    deletion, insertion : tuple of float
        From nothing to all of it in equal shares of its area.
    """

    deletion: tuple[float, ...]
    insertion: tuple[float, ...]

    @property
    def areas(self) -> tuple[float, float]:
        """Areas under both curves, as shares of the whole finding's score: of a good map small and large.

        Examples
        --------
        >>> Curves((0.9, 0.3, 0.0), (0.0, 0.6, 0.9)).areas
        (0.42, 0.58)
        """
        whole = max(self.deletion[0], 1e-6)
        out, put = (float(np.trapezoid(scores, dx=1 / (len(scores) - 1)) / whole) for scores in (self.deletion, self.insertion))
        return round(out, 2), round(put, 2)

    @property
    def faithfulness(self) -> float:
        """Insertion less deletion, −1 to 1: 0 of a map that tells nothing.

        Examples
        --------
        >>> round(Curves((0.9, 0.3, 0.0), (0.0, 0.6, 0.9)).faithfulness, 2)
        0.16
        """
        out, put = self.areas
        return put - out


def curves(probe: Probe, heat: np.ndarray, steps: int = 10) -> Curves:
    """Take a finding out of its scan and put it in again, the hottest places first.

    Parameters
    ----------
    probe : Probe
    heat : ndarray, shape (expected.box.height, expected.box.width)
    steps : int

    Returns
    -------
    Curves
    """
    inside = np.flatnonzero(probe.region)
    # Where a map says nothing the order is drawn, so that it is not the order of the pixels.
    drawn = np.random.default_rng(SEED).permutation(inside.size)
    order = inside[np.lexsort((drawn, -probe.smooth(heat).ravel()[inside]))]
    out, put = [], []
    for step in range(steps + 1):
        hot = np.zeros(probe.region.shape, np.float32)
        hot.flat[order[: round(inside.size * step / steps)]] = 1.0
        out.append(probe.score(1.0 - hot))
        put.append(probe.score(hot))
    return Curves(tuple(out), tuple(put))


def points_at(heat: np.ndarray, truth: np.ndarray) -> bool:
    """Whether the hottest place of a map lies on what is there: the pointing game.

    Parameters
    ----------
    heat : ndarray, shape (rows, columns)
    truth : ndarray of bool, shape (rows, columns)

    Examples
    --------
    >>> points_at(np.eye(3) * [1, 2, 3], np.eye(3) > 0), points_at(np.eye(3), np.eye(3) == 0)
    (True, False)
    """
    return bool(truth.ravel()[int(np.argmax(heat))])


def agreement(one: np.ndarray, other: np.ndarray, region: np.ndarray) -> float:
    """Rank correlation of two maps over a region, −1 to 1: 0 where they have nothing in common.

    Examples
    --------
    >>> heat = np.arange(12.0).reshape(3, 4)
    >>> agreement(heat, heat**2, heat > 2), agreement(heat, -heat, heat > 2)
    (1.0, -1.0)
    """
    first, second = (np.argsort(np.argsort(heat[region])).astype(np.float64) for heat in (one, other))
    if len(first) < 2:
        return 0.0
    return round(float(np.corrcoef(first, second)[0, 1]), 6)
