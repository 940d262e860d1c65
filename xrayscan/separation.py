"""Touching persons told apart: one region of the map, cut where it is narrow into parts that could each be a person."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["separate"]

RISE = 0.05  # by how much two cores must be thicker than the neck between them [m]
STEP = 0.01  # of the thickness at which cores are looked for [m]
LIGHTEST = 20.0  # what each part must weigh to be somebody of its own [kg]
SMOOTH = 0.02  # [m]


def separate(mask: np.ndarray, added: np.ndarray, pitch: tuple[float, float]) -> list[np.ndarray]:
    """Parts of a region, each thicker in its core than at the neck to the next, and heavy enough to be a person.

    Thickness is the distance to the region's edge. From its edge inwards the region is looked at in steps of 10 mm: where
    it falls apart into cores that go on rising by 50 mm each, it is cut, every pixel going to the nearest core. Parts under
    20 kg go back to their neighbor: a head, an arm or a bag is nobody of its own.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
        One connected region.
    added : ndarray of float32, shape (rows, columns) [g/cm²]
    pitch : (float, float) [m]

    Returns
    -------
    list of ndarray of bool, shape (rows, columns)
        They do not overlap, and make up the region; one where nothing is to be cut.

    Examples
    --------
    >>> region = np.zeros((80, 120), bool)
    >>> region[10:70, 10:50] = region[10:70, 60:110] = region[35:45, 50:60] = True
    >>> parts = separate(region, np.full(region.shape, 20.0, np.float32), (0.01, 0.01))
    >>> sorted(int(part.sum()) for part in parts)
    [2450, 3050]
    """
    square = min(pitch)
    shape = tuple(max(1, round(side * own / square)) for side, own in zip(mask.shape, pitch, strict=True))
    even = cv2.resize(mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST)
    thick = cv2.distanceTransform(np.pad(even, 1), cv2.DIST_L2, 5)[1:-1, 1:-1] * np.float32(square)
    thick = cv2.GaussianBlur(thick, (0, 0), SMOOTH / square) * even
    cores = _cores(thick, even.astype(bool), STEP)
    if len(cores) < 2:
        return [mask]
    away = np.stack([cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5) for core in cores])
    owner = cv2.resize(away.argmin(axis=0).astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    parts = [mask & (owner == number) for number in range(len(cores))]
    return _heavy_enough([part for part in parts if part.any()], added, pitch[0] * pitch[1] * 10.0)


def _cores(thick: np.ndarray, inside: np.ndarray, level: float) -> list[np.ndarray]:
    """Where a region falls apart on the way from its edge to its thickest places."""
    while True:
        count, labels = cv2.connectedComponents((inside & (thick > level)).astype(np.uint8))
        parts = [labels == label for label in range(1, count)]
        rising = [part for part in parts if thick[part].max() - level >= RISE]
        if len(rising) > 1:
            return [core for part in rising for core in _cores(thick, part, level + STEP)]
        if not rising:
            return [inside]
        level += STEP


def _heavy_enough(parts: list[np.ndarray], added: np.ndarray, cell: float) -> list[np.ndarray]:
    """Parts with those that weigh too little joined to the nearest other; ``cell`` is kg per pixel and g/cm²."""
    while len(parts) > 1:
        masses = [float(added[part].sum()) * cell for part in parts]
        lightest = int(np.argmin(masses))
        if masses[lightest] >= LIGHTEST:
            break
        light = parts.pop(lightest)
        gaps = [cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5)[light].min() for part in parts]
        parts[int(np.argmin(gaps))] |= light
    return parts
