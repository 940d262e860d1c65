"""Marks in color that were burnt into a picture."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["colored_marks"]

_SURE = 72  # distance from the picture's own colors that JPEG does not move gray by
_TAIL, _TIMES = 0.98, 4.0  # nor the edges of false color by four times what it moves 98 % of the pixels by
_EDGE = 24
_EXACT = 8
_CLEAN = 0.002  # share of pixels off their colors, in a picture that was not compressed, that only marks are
_LEAST = 12


def colored_marks(distance: np.ndarray, *, smeared: bool = False) -> np.ndarray:
    """Pixels of marks, from each pixel's distance to the nearest color that the picture itself has.

    In a picture that was never compressed every pixel off its colors is burnt over. JPEG moves colors: there a mark has a
    core far off, its rim is what adjoins it and is still off, and one pixel more for the ringing of luma around it.

    Parameters
    ----------
    distance : ndarray of uint8, shape (rows, columns)
    smeared : bool
        The picture is in false color: its own edges are off too where JPEG has kept chroma at half resolution.

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Examples
    --------
    >>> distance = np.zeros((40, 60), np.uint8)
    >>> distance[10, 5:50] = 200
    >>> int(colored_marks(distance).sum())
    45
    """
    off = distance > _EXACT
    slight = float(((distance > 2) & (distance <= _EDGE)).mean())
    if slight < _CLEAN:
        return _kept(off, distance > _EDGE)
    kernel = np.ones((3, 3), np.uint8)
    sure = max(_SURE, _TIMES * float(np.quantile(distance[::3, ::3], _TAIL))) if smeared else float(_SURE)
    found = _kept(distance > sure / 3.0, distance > sure)
    return cv2.dilate(found.view(np.uint8), kernel).view(bool)


def _kept(candidates: np.ndarray, cores: np.ndarray) -> np.ndarray:
    """The connected candidates that hold a core of several pixels."""
    count, label = cv2.connectedComponents(candidates.astype(np.uint8), connectivity=8)
    held = np.bincount(label[cores], minlength=count) >= _LEAST
    held[0] = False
    kept: np.ndarray = held[label]
    return kept
