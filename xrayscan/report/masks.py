"""Masks as plain numbers, in COCO's way, and their outlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

__all__ = ["borders", "mask_of", "polygons_without_holes", "run_lengths"]

FINE = 4  # parts of a pixel that outlines are traced in
STRAIGHT = 0.75  # an outline is simplified by less than this [px]
ALIKE = 0.95  # intersection over union of mask and polygon from which on a simplified one is taken


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


def borders(mask: np.ndarray, corner: Sequence[float] = (0, 0)) -> list[np.ndarray]:
    """Outer borders of a mask along the edges of its pixels.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    corner : (float, float)
        Column and row of the mask's upper left corner [px].

    Returns
    -------
    list of ndarray of float64, shape (points, 2)
        (column, row); a pixel reaches from its index to the next, less an eighth. Simplified by less than a pixel.

    Raises
    ------
    cv2.error
        If it is no image.

    Examples
    --------
    >>> borders(np.ones((3, 4), bool), (20, 10))[0].tolist()
    [[20.125, 10.125], [20.125, 12.875], [23.875, 12.875], [23.875, 10.125]]
    """
    return [_placed(_simple(outer), corner) for outer, _ in _traced(mask)]


def polygons_without_holes(mask: np.ndarray, corner: Sequence[float] = (0, 0)) -> list[np.ndarray]:
    """Polygons that say the same as a mask, for formats that know no holes.

    A hole is cut out through a slit of no width between it and the border. Polygons are simplified by less than a pixel where
    they stay the same but for a twentieth.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    corner : (float, float)
        Column and row of the mask's upper left corner [px].

    Returns
    -------
    list of ndarray of float64, shape (points, 2)
        As `borders`; those of one mask do not overlap.

    Raises
    ------
    cv2.error
        If it is no image.

    Examples
    --------
    >>> ring = np.ones((3, 3), bool)
    >>> ring[1, 1] = False
    >>> len(polygons_without_holes(ring)), len(polygons_without_holes(ring)[0])
    (1, 14)
    """
    traced = _traced(mask)
    lines = [_slit(_simple(outer), [_simple(hole) for hole in holes]) for outer, holes in traced]
    if not _alike(lines, mask):
        lines = [_slit(outer, holes) for outer, holes in traced]
    return [_placed(line, corner) for line in lines]


def _traced(mask: np.ndarray) -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """Borders, each with those of its holes, shape (points, 2), in parts of a pixel."""
    fine = np.pad(mask.astype(np.uint8).repeat(FINE, axis=0).repeat(FINE, axis=1), 1)
    found, levels = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(-1, -1))
    lines = [line.reshape(-1, 2) for line in found]
    parents = levels[0][:, 3] if found else ()
    return [
        (line, [hole for hole, owner in zip(lines, parents, strict=True) if owner == place])
        for place, (line, parent) in enumerate(zip(lines, parents, strict=True))
        if parent < 0
    ]


def _simple(line: np.ndarray) -> np.ndarray:
    short = cv2.approxPolyDP(line, STRAIGHT * FINE, True).reshape(-1, 2)
    return short if len(short) >= 3 else line


def _placed(line: np.ndarray, corner: Sequence[float]) -> np.ndarray:
    return (line + 0.5) / FINE + np.asarray(corner, float)


def _slit(line: np.ndarray, holes: Sequence[np.ndarray]) -> np.ndarray:
    """One polygon around what lies between a border and its holes; the nearest hole first, so that no slit crosses another."""
    waiting = [(*_nearest(line, hole), hole) for hole in holes]
    while waiting:
        near = min(range(len(waiting)), key=lambda place: waiting[place][0])
        _, end, there, hole = waiting.pop(near)
        here = int(np.flatnonzero((line == end).all(axis=1))[0])
        line = np.concatenate([line[: here + 1], hole[there:], hole[: there + 1], line[here:]])
        waiting = [min(old, (*_nearest(hole, old[3]), old[3]), key=lambda one: one[0]) for old in waiting]
    return line


def _nearest(line: np.ndarray, hole: np.ndarray) -> tuple[int, np.ndarray, int]:
    """Squared distance of two borders, where it is on the first, and the index of that point of the second."""
    gaps = np.square(line[:, None].astype(np.int64) - hole[None]).sum(axis=2)
    here, there = np.unravel_index(gaps.argmin(), gaps.shape)
    return int(gaps[here, there]), line[here], int(there)


def _alike(lines: Sequence[np.ndarray], mask: np.ndarray) -> bool:
    """Whether polygons, in parts of a pixel, cover what the mask does."""
    fine = np.zeros([side * FINE for side in mask.shape], np.uint8)
    for line in lines:
        cv2.fillPoly(fine, [line.astype(np.int32)], 1)
    drawn = fine[FINE // 2 :: FINE, FINE // 2 :: FINE]
    both, either = np.logical_and(drawn, mask).sum(), np.logical_or(drawn, mask).sum()
    return bool(both >= ALIKE * either)
