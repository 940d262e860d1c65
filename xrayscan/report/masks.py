"""Masks as plain numbers, in COCO's way, and their outlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

__all__ = ["borders", "mask_of", "run_lengths"]

FINE = 4  # parts of a pixel that outlines are traced in
STRAIGHT = 0.75  # an outline is simplified by less than this [px]


def run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """A mask as COCO's uncompressed run lengths.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)

    Returns
    -------
    dict
        ``size``: [rows, columns]; ``counts``: lengths of the runs down the columns, zeros first.

    Raises
    ------
    AttributeError
        If it is no array.

    Examples
    --------
    >>> run_lengths(np.array([[0, 1, 1], [0, 0, 1]], bool))
    {'size': [2, 3], 'counts': [2, 1, 1, 2]}
    """
    flat = np.concatenate([[False], mask.ravel(order="F")])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], changes, [flat.size - 1]]))
    return {"size": list(mask.shape), "counts": counts.tolist()}


def mask_of(runs: Mapping[str, Any]) -> np.ndarray:
    """The mask that `run_lengths` wrote.

    Parameters
    ----------
    runs : mapping
        ``size`` and ``counts``.

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Raises
    ------
    ValueError
        If the counts do not fill the size.

    Examples
    --------
    >>> mask_of({"size": [2, 3], "counts": [2, 1, 1, 2]}).astype(int)
    array([[0, 1, 1],
           [0, 0, 1]])
    """
    counts = np.asarray(runs["counts"], np.int64)
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(runs["size"], order="F")


def borders(mask: np.ndarray, corner: Sequence[float] = (0, 0)) -> tuple[list[np.ndarray], bool]:
    """Outer borders of a mask along the edges of its pixels, and whether it has holes.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    corner : (float, float)
        Column and row of the mask's upper left corner [px].

    Returns
    -------
    list of ndarray of float64, shape (points, 2)
        (column, row); a pixel reaches from its index to the next, less an eighth. Simplified by less than a pixel.
    bool
        Whether a hole lies in one of them.

    Raises
    ------
    cv2.error
        If it is no image.

    Examples
    --------
    >>> lines, holes = borders(np.ones((3, 4), bool), (20, 10))
    >>> lines[0].tolist(), holes
    ([[20.125, 10.125], [20.125, 12.875], [23.875, 12.875], [23.875, 10.125]], False)
    """
    fine = np.pad(mask.astype(np.uint8).repeat(FINE, axis=0).repeat(FINE, axis=1), 1)
    found, levels = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not found:
        return [], False
    outer = [line for line, level in zip(found, levels[0], strict=True) if level[3] < 0]
    lines = [cv2.approxPolyDP(line, STRAIGHT * FINE, True).reshape(-1, 2) for line in outer]
    return [(line - 0.5) / FINE + np.asarray(corner, float) for line in lines], len(outer) < len(found)
