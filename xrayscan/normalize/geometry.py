"""Container boxes, found from optical depth alone."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.normalize.beam import local_mean
from xrayscan.scan import Box, Step

__all__ = ["find_containers"]

FACTOR = 4


def find_containers(depth: np.ndarray, valid: np.ndarray) -> tuple[tuple[Box, ...], Step]:
    """Boxes of 0, 1 or 2 containers, front first.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Optical depth of the high energy; NaN where not valid.
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    boxes : tuple of Box
    step : Step
    """
    small = _shrunk(depth, valid)
    matter = small > 0.02
    boxes: list[Box] = []
    columns = matter.sum(axis=0)
    full = columns > 0.5 * np.quantile(columns, 0.9)
    runs = _runs(full)
    runs = sorted(runs, key=lambda r: r[0] - r[1])[:2]
    if runs and columns.max() > 0.25 * small.shape[0]:
        longest = runs[0][1] - runs[0][0]
        for left, right in sorted(r for r in runs if r[1] - r[0] > 0.6 * longest):
            rows = matter[:, left:right].mean(axis=1) > 0.8
            spans = _runs(rows)
            if spans:
                top, bottom = max(spans, key=lambda r: r[1] - r[0])
                boxes.append(
                    Box(top * FACTOR, left * FACTOR, min(bottom * FACTOR, depth.shape[0]), min(right * FACTOR, depth.shape[1]))
                )
    note = f"{len(boxes)} container boxes found" if boxes else "warning: no container found; the whole picture is taken as load"
    return tuple(boxes), Step("geometry", note, {"containers": len(boxes)})


def _shrunk(depth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    filled = depth if valid.all() else np.where(valid, depth, local_mean(np.nan_to_num(depth), valid))
    size = (max(1, depth.shape[1] // FACTOR), max(1, depth.shape[0] // FACTOR))
    return cv2.resize(filled, size, interpolation=cv2.INTER_AREA)


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
