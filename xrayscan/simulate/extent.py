"""Extents: the upright box that a thing of several solids fills, and things set down or turned as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xrayscan.simulate.solid import SACK_ROUNDING, Mesh, Point, Room, Solid, moved, rotation, turned

__all__ = ["bounds", "room_of", "scaled", "settled", "spun"]


def reach_of(solid: Solid) -> np.ndarray:
    """Half extents of a solid itself along the scene's axes [m], shape (3,); `Solid.reach` is that of the box around it."""
    turn, half = solid.turn, np.asarray(solid.half, float)
    boxed = np.abs(turn) @ half
    axis = np.abs(turn[:, 2])
    round_about = np.sqrt(np.maximum(1.0 - axis**2, 0.0))
    if solid.mesh is not None:
        return np.abs(solid.mesh.vertices @ turn.T).max(axis=0)
    if solid.shape == "ellipsoid":
        return np.sqrt(((turn * half) ** 2).sum(axis=1))
    if solid.shape == "sack":
        return _sack_reach(np.abs(turn * half))
    if solid.shape == "capsule":
        return axis * (half[2] - half[0]) + half[0]
    if solid.shape == "cylinder":
        return axis * half[2] + np.sqrt(((turn[:, :2] * half[:2]) ** 2).sum(axis=1))
    if solid.shape == "torus":
        return (half[0] - half[2]) * round_about + half[2]
    return boxed


def _sack_reach(weights: np.ndarray) -> np.ndarray:
    """Largest w · q with |q| ≤ rounding and every |qᵢ| ≤ 1, for each row w: q = min(1, t w), t as large as the first allows."""
    low, high = np.zeros(len(weights)), np.full(len(weights), 1e3 / max(float(weights.max()), 1e-9))
    for _ in range(48):
        middle = (low + high) / 2
        fits = (np.minimum(1.0, middle[:, None] * weights) ** 2).sum(axis=1) <= SACK_ROUNDING**2
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return (np.minimum(1.0, low[:, None] * weights) * weights).sum(axis=1)


def bounds(solids: Sequence[Solid]) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner of the upright box that holds solids [m], each shape (3,).

    Parameters
    ----------
    solids : sequence of Solid
        At least one; air among them counts nothing.

    Returns
    -------
    low, high : ndarray, shape (3,) [m]
    """
    stuff = [solid for solid in solids if solid.density > 0] or list(solids)
    center = np.array([solid.center for solid in stuff])
    reach = np.array([reach_of(solid) for solid in stuff])
    return (center - reach).min(axis=0), (center + reach).max(axis=0)


def room_of(solids: Sequence[Solid]) -> Room:
    """The upright box that holds solids, air among them included [m]."""
    center = np.array([solid.center for solid in solids])
    reach = np.array([reach_of(solid) for solid in solids])
    low, high = (center - reach).min(axis=0), (center + reach).max(axis=0)
    return Room(*(float(v) for pair in zip(low, high, strict=True) for v in pair))


def settled(solids: Sequence[Solid]) -> tuple[tuple[Solid, ...], Point]:
    """The same solids, the middle of their footprint at (0, 0) and their lowest point at z = 0, and their extent [m]."""
    low, high = bounds(solids)
    middle = (low + high) / 2
    shift = (-middle[0], -middle[1], -low[2])
    size = high - low
    return tuple(moved(solid, shift) for solid in solids), (float(size[0]), float(size[1]), float(size[2]))


def spun(solids: Sequence[Solid], yaw: float, pitch: float = 0.0, roll: float = 0.0) -> list[Solid]:
    """The same solids, turned as a whole about the origin [rad]."""
    if yaw == 0.0 and pitch == 0.0 and roll == 0.0:
        return list(solids)
    turn = rotation(yaw, pitch, roll)
    return [turned(solid, turn, (0.0, 0.0, 0.0)) for solid in solids]


def scaled(solid: Solid, factor: float) -> Solid:
    """The same solid, larger by a factor about the origin."""
    center, half = (tuple(factor * value for value in values) for values in (solid.center, solid.half))
    mesh = None if solid.mesh is None else Mesh(solid.mesh.vertices * factor, solid.mesh.faces)
    return replace(solid, center=center, half=half, mesh=mesh)  # type: ignore[arg-type]
