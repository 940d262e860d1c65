"""Score → color, on one fixed scale of probability for every scan and model."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from xrayscan.errors import ShapeError
from xrayscan.network.anomaly import Curve, probability_of

__all__ = ["LEVEL", "STEPS", "blended", "contoured", "heat"]

LEVEL = 0.5
"""Probability below which nothing is drawn: what is colored is more likely right than not, on scans as those it was set on."""

STEPS = (LEVEL, 0.8, 0.95)
"""Probabilities that contours are drawn at."""

FAINTEST, STRONGEST = 0.25, 0.55  # opacity at LEVEL and at 1
CODES = 4096  # scores that a color is kept for
FIRST_COLOR = 40  # of the 256 of the map; the first ones are too dark over a load


@lru_cache(maxsize=8)
def _table(curve: Curve | None) -> np.ndarray:
    """RGBA of `CODES` scores from 0 to 1."""
    chance = probability_of(np.linspace(0, 1, CODES), curve)
    share = np.clip((chance - LEVEL) / (1 - LEVEL), 0, 1)
    index = np.round(FIRST_COLOR + share * (255 - FIRST_COLOR)).astype(np.uint8)
    color = cv2.applyColorMap(index[:, None], cv2.COLORMAP_PLASMA)[:, 0, ::-1]
    alpha = 255 * (FAINTEST + share * (STRONGEST - FAINTEST))
    table = np.round(np.column_stack([color, alpha])).astype(np.uint8)
    table[chance < LEVEL - 1e-9] = 0
    table.setflags(write=False)
    return table


def heat(score: np.ndarray, curve: Curve | None = None) -> np.ndarray:
    """Color and opacity of a score map: nothing below a probability of 0.5, from there plasma (safe for color-blind eyes) to 1.

    The scale is absolute: the same probability has the same color in every scan and of every model, and a clean scan has none.

    Parameters
    ----------
    score : ndarray, shape (rows, columns)
        0 to 1; NaN is drawn as nothing.
    curve : (float, float) or None
        From a score to its probability, of the model's card; None if a score is one.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 4)
        Red, green, blue, opacity.

    Raises
    ------
    ShapeError
        If it is no image.

    Examples
    --------
    >>> heat(np.array([[0.0, 0.49, 0.75]]))[0, :, 3]
    array([  0,   0, 102], dtype=uint8)
    """
    score = np.asarray(score)
    if score.ndim != 2:
        raise ShapeError(f"a score map has shape {score.shape}; expected (rows, columns)", expected=2, actual=score.ndim)
    # Cut, not rounded: 0.49999 is below the level and stays so.
    return _table(curve).take((np.fmin(np.fmax(score, 0), 1) * (CODES - 1)).astype(np.uint16), axis=0)


def blended(image: np.ndarray, score: np.ndarray, opacity: float = 1.0, curve: Curve | None = None) -> np.ndarray:
    """A new picture: ``image`` under the heat of ``score``.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns, 3) [red, green, blue]
    score : ndarray, shape (rows, columns)
    opacity : float
        0 to 1, of the heat's own.
    curve : (float, float) or None
        As `heat` takes it.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)

    Raises
    ------
    ShapeError
        If they differ in size.

    Examples
    --------
    >>> gray = np.full((1, 2, 3), 100, np.uint8)
    >>> blended(gray, np.array([[0.1, 1.0]]))[0].tolist()
    [[100, 100, 100], [177, 182, 63]]
    """
    _check(image, score)
    result = image.copy()
    shown = score >= _score_at(LEVEL, curve)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not rows.size:
        return result
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    color = heat(score[window], curve).astype(np.float32)
    share = color[..., 3:] / 255 * opacity
    result[window] = np.round(result[window] * (1 - share) + color[..., :3] * share).astype(np.uint8)
    return result


def contoured(image: np.ndarray, score: np.ndarray, width: int = 1, curve: Curve | None = None) -> np.ndarray:
    """A new picture: lines around the pixels that reach a probability of 0.5, 0.8 and 0.95, which stay as they are.

    The lines have the colors of the heat.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns, 3) [red, green, blue]
    score : ndarray, shape (rows, columns)
    width : int [px]
    curve : (float, float) or None
        As `heat` takes it.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)

    Raises
    ------
    ShapeError
        If they differ in size.

    Examples
    --------
    >>> gray, score = np.full((9, 9, 3), 100, np.uint8), np.zeros((9, 9))
    >>> score[3:6, 3:6] = 0.5
    >>> drawn = contoured(gray, score)
    >>> drawn[4, 4].tolist(), (drawn[2, 4] == gray[2, 4]).all()
    ([100, 100, 100], np.False_)
    """
    _check(image, score)
    result = image.copy()
    around = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    for level in STEPS:
        inside = (np.nan_to_num(score) >= _score_at(level, curve)).astype(np.uint8)
        if inside.any():
            line = (cv2.dilate(inside, around) > 0) & (inside == 0)
            result[line] = _table(None)[round(level * (CODES - 1)), :3]
    return result


def _score_at(chance: float, curve: Curve | None) -> float:
    """The score that means a probability."""
    if curve is None:
        return chance
    return float(1.0 / (1.0 + np.exp(-(np.log(chance / (1.0 - chance)) - curve[1]) / curve[0])))


def _check(image: np.ndarray, score: np.ndarray) -> None:
    if image.shape[:2] != score.shape:
        raise ShapeError(
            f"drawing a score map of shape {score.shape} over a picture of {image.shape[:2]}; resize it first",
            expected=image.shape[:2],
            actual=score.shape,
        )
