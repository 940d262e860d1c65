"""Holes in the load of a crop, around what was put there: somebody who hides in a load has made room first."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["HOLE", "WALLS", "thin_out"]

Rng = np.random.Generator
HOLE, THINNED = 0.5, (0.15, 0.8)  # share of what is put into crops that lies in a hole, and of the load that is gone there
WALLS = np.float32(0.2)  # optical depth of what is not load: walls, roof and floor stay
AROUND = (2, 20)  # pixels by which a hole is larger than what is in it


def thin_out(rng: Rng, depths: np.ndarray, there: np.ndarray, spared: np.ndarray) -> np.ndarray:
    """Take some of the load around something away, in place: in a box around it, or all that is near it.

    Parameters
    ----------
    rng : Generator
    depths : ndarray of float32, shape (energies, rows, columns)
        Optical depths.
    there : ndarray of bool, shape (rows, columns)
        Where it lies.
    spared : ndarray of bool, shape (rows, columns)
        Where the load stays.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Share of the load that is gone.

    Examples
    --------
    >>> depths, there = np.full((1, 60, 60), 1.2, np.float32), np.zeros((60, 60), bool)
    >>> there[25:35, 25:35] = True
    >>> gone = thin_out(np.random.default_rng(1), depths, there, ~there)
    >>> bool(np.allclose(depths[0], 1.2 - gone * (1.2 - WALLS))), bool(gone[~there].any())
    (True, False)
    """
    size = int(rng.integers(*AROUND))
    near = cv2.dilate(there.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1)))
    if rng.random() < 0.5:
        left, top, wide, high = cv2.boundingRect(near)
        near[top : top + high, left : left + wide] = 1
    hole = np.asarray(cv2.GaussianBlur(near.astype(np.float32), (0, 0), float(rng.uniform(0.4, 2.0))))
    gone: np.ndarray = hole * np.float32(rng.uniform(*THINNED)) * ~spared
    depths -= gone * np.maximum(depths - WALLS, 0.0)
    return gone
