"""Radiograph → what the network sees, at its fixed physical grid; and its answer back on the scan's own pixels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from xrayscan.scan import Radiograph

__all__ = ["CHANNELS", "MULTIPLE", "SHOWN", "from_grid", "grid_shape", "padded", "padded_shape", "planes", "to_grid", "window"]

CHANNELS = ("optical depth, high", "optical depth, low", "low present", "valid", "opaque")
SHOWN = -1.0
"""In the place of "low present", of a display picture: its optical depths are those of an unknown curve, and weigh nothing."""
DEPTH_LIMIT = 8.0  # optical depth beyond which no scanner sees anything
DEPTH_FLOOR = -0.2  # below it, it is no noise of the open beam
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


def to_grid(radiograph: Radiograph, grid: float, *, tells_display: bool = False) -> np.ndarray:
    """The network's input: optical depths, which energies there are, and what can be trusted.

    Pixels that are not valid are filled from their neighbors, weighted by distance, and marked as such; the low energy repeats
    the high one where a scan has only one.

    Parameters
    ----------
    radiograph : Radiograph
    grid : float [m]
        Pitch of the network's grid.
    tells_display : bool
        Whether the network knows `SHOWN`; one that was never shown it is told of a display picture what it is told of a scan of
        one energy.

    Returns
    -------
    ndarray of float32, shape (5, rows, columns)
        In the order of `CHANNELS`.
    """
    return np.stack(planes(radiograph, grid, tells_display=tells_display))


def planes(radiograph: Radiograph, grid: float, *, tells_display: bool = False) -> tuple[np.ndarray, ...]:
    """As `to_grid`, plane by plane: one that says the same everywhere, or what another says, takes no memory of its own.

    Returns
    -------
    tuple of ndarray of float32, shape (rows, columns)
        In the order of `CHANNELS`; not to be written to.
    """
    shape = grid_shape(radiograph, grid)
    complete = bool(radiograph.valid.all())
    share = _uniform(1.0, shape) if complete else _resized(radiograph.valid.astype(np.float32), shape)
    depths = []
    for depth in radiograph.optical_depth[:2]:
        if complete:
            plane = _resized(depth, shape)
        else:
            plane = _filled(_resized(np.where(radiograph.valid, depth, 0.0).astype(np.float32), shape), share)
        depths.append(np.clip(plane, DEPTH_FLOOR, DEPTH_LIMIT))
    some = bool(radiograph.opaque.any())
    opaque = _resized(radiograph.opaque.astype(np.float32), shape) if some else _uniform(0.0, shape)
    second = SHOWN if tells_display and radiograph.quantity == "display" else float(len(depths) > 1)
    return depths[0], depths[-1], _uniform(second, shape), share, opaque


def _uniform(value: float, shape: tuple[int, int]) -> np.ndarray:
    return np.broadcast_to(np.float32(value), shape)


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


def padded(stack: np.ndarray, shape: tuple[int, int] | None = None) -> np.ndarray:
    """The stack with rows and columns up to ``shape``, or to the next multiple of `MULTIPLE`; shape (channels, rows, columns).

    What is added is the picture's own edge, marked as not valid.
    """
    return _padded(stack, shape or padded_shape((stack.shape[1], stack.shape[2])))


def _padded(planes: Iterable[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """As `padded`, of planes that need not lie side by side."""
    out = np.empty((len(CHANNELS), *shape), np.float32)
    for plane, whole in zip(planes, out, strict=True):
        rows, columns = plane.shape
        whole[:rows, :columns] = plane
        whole[:rows, columns:] = plane[:, -1:]
        whole[rows:] = whole[rows - 1]
    out[3, rows:] = 0.0
    out[3, :, columns:] = 0.0
    return out


def padded_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns up to the next multiple of `MULTIPLE`."""
    rows, columns = shape
    return rows + -rows % MULTIPLE, columns + -columns % MULTIPLE


def window(given: tuple[np.ndarray, ...], rows: slice, columns: slice) -> np.ndarray:
    """A window of the padded planes, as if all of them had been padded and cut.

    Parameters
    ----------
    given : tuple of ndarray, shape (rows, columns)
        As `planes` gives them.
    rows, columns : slice
        On the padded grid; both begin on the grid itself.

    Returns
    -------
    ndarray of float32, shape (channels, window's rows, window's columns)
    """
    return _padded((plane[rows, columns] for plane in given), (rows.stop - rows.start, columns.stop - columns.start))


def from_grid(plane: np.ndarray, radiograph: Radiograph, grid: float) -> np.ndarray:
    """A plane of the network's grid on the scan's own pixels, shape (rows, columns)."""
    rows, columns = grid_shape(radiograph, grid)
    if (rows, columns) == radiograph.shape:
        return np.array(plane[:rows, :columns], np.float32)
    cut = np.ascontiguousarray(plane[:rows, :columns], np.float32)
    return cv2.resize(cut, radiograph.shape[::-1], interpolation=cv2.INTER_LINEAR)
