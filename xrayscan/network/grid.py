"""Radiograph → what the network sees, at its fixed physical grid; and its answer back on the scan's own pixels."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.scan import Radiograph

__all__ = ["CHANNELS", "MULTIPLE", "from_grid", "grid_shape", "to_grid"]

CHANNELS = ("optical depth, high", "optical depth, low", "low present", "valid", "opaque")
DEPTH_LIMIT = 8.0  # optical depth beyond which no scanner sees anything
MULTIPLE = 32  # the network halves the grid five times


def grid_shape(radiograph: Radiograph, grid: float) -> tuple[int, int]:
    """Rows and columns of the network's grid for a radiograph; ``grid`` in meters."""
    rows, columns = (
        max(1, round(size * pitch / grid)) for size, pitch in zip(radiograph.shape, radiograph.pixel_pitch, strict=True)
    )
    return rows, columns


def _resized(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if image.shape == shape:
        return image
    shrinks = shape[0] <= image.shape[0] and shape[1] <= image.shape[1]
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def to_grid(radiograph: Radiograph, grid: float) -> np.ndarray:
    """The network's input: optical depths, which energies there are, and what can be trusted.

    Pixels that are not valid are filled from their neighbors, weighted by distance, and marked as such; the low energy repeats
    the high one where a scan has only one.

    Parameters
    ----------
    radiograph : Radiograph
    grid : float [m]
        Pitch of the network's grid.

    Returns
    -------
    ndarray of float32, shape (5, rows, columns)
        In the order of `CHANNELS`.
    """
    shape = grid_shape(radiograph, grid)
    weight = radiograph.valid.astype(np.float32)
    complete = bool(radiograph.valid.all())
    share = np.ones(shape, np.float32) if complete else _resized(weight, shape)
    planes = []
    for depth in radiograph.optical_depth[:2]:
        if complete:
            plane = _resized(depth, shape)
        else:
            plane = _filled(_resized(np.where(radiograph.valid, depth, 0.0).astype(np.float32), shape), share)
        planes.append(np.clip(plane, -0.2, DEPTH_LIMIT))
    dual = len(planes) > 1
    opaque = _resized(radiograph.opaque.astype(np.float32), shape)
    return np.stack([planes[0], planes[-1], np.full(shape, float(dual), np.float32), share, opaque])


def _filled(sums: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Weighted means where anything valid was in the cell, and the neighbors' where nothing was."""
    mean = sums / np.maximum(share, 1e-3)
    empty = share < 1e-3
    reach = 3
    while empty.any() and reach < 2 * max(share.shape):
        near = cv2.blur(sums, (reach, reach)) / np.maximum(cv2.blur(share, (reach, reach)), 1e-6)
        known = cv2.blur(share, (reach, reach)) > 1e-4
        mean = np.where(empty & known, near, mean)
        empty &= ~known
        reach = reach * 2 + 1
    return mean


def padded(stack: np.ndarray) -> np.ndarray:
    """The stack with rows and columns up to the next multiple of `MULTIPLE`, shape (channels, rows, columns).

    What is added is the picture's own edge, marked as not valid.
    """
    rows, columns = stack.shape[1:]
    below, right = -rows % MULTIPLE, -columns % MULTIPLE
    out = np.pad(stack, ((0, 0), (0, below), (0, right)), mode="edge")
    out[3, rows:] = 0.0
    out[3, :, columns:] = 0.0
    return out


def from_grid(plane: np.ndarray, radiograph: Radiograph, grid: float) -> np.ndarray:
    """A plane of the network's grid on the scan's own pixels, shape (rows, columns)."""
    rows, columns = grid_shape(radiograph, grid)
    cut = np.ascontiguousarray(plane[:rows, :columns], np.float32)
    return cv2.resize(cut, radiograph.shape[::-1], interpolation=cv2.INTER_LINEAR)
