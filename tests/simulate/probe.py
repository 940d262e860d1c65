"""Points in solids, and what things weigh; not itself a test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xrayscan.simulate.solid import SACK_ROUNDING, Room, Solid


def inside(solid: Solid, points: np.ndarray) -> np.ndarray:
    """Whether points, shape (n, 3) [m], are in a solid."""
    p = (points - np.asarray(solid.center)) @ solid.turn
    half = np.asarray(solid.half)
    within = (np.abs(p) <= half).all(axis=1)
    if solid.shape == "ellipsoid":
        return ((p / half) ** 2).sum(axis=1) <= 1
    if solid.shape == "sack":
        return within & (((p / half / SACK_ROUNDING) ** 2).sum(axis=1) <= 1)
    if solid.shape == "cylinder":
        return within & (((p[:, :2] / half[:2]) ** 2).sum(axis=1) <= 1)
    if solid.shape == "capsule":
        along = np.clip(p[:, 2], -(half[2] - half[0]), half[2] - half[0])
        return (p[:, 0] ** 2 + p[:, 1] ** 2 + (p[:, 2] - along) ** 2) <= half[0] ** 2
    if solid.shape == "torus":
        ring = half[0] - half[2]
        return (np.hypot(p[:, 0], p[:, 1]) - ring) ** 2 + p[:, 2] ** 2 <= half[2] ** 2
    if solid.shape == "mesh":
        return _in_mesh(solid, p)
    return within


def _in_mesh(solid: Solid, p: np.ndarray) -> np.ndarray:
    """Crossings of a ray upward, counted with the sign of each face."""
    a, b, c = (solid.mesh.vertices[solid.mesh.faces[:, k]] for k in range(3))
    total = np.zeros(len(p))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    for face in np.flatnonzero(np.abs(area) > 1e-12):
        u = ((p[:, 0] - a[face, 0]) * (c[face, 1] - a[face, 1]) - (p[:, 1] - a[face, 1]) * (c[face, 0] - a[face, 0])) / area[
            face
        ]
        v = ((b[face, 0] - a[face, 0]) * (p[:, 1] - a[face, 1]) - (b[face, 1] - a[face, 1]) * (p[:, 0] - a[face, 0])) / area[
            face
        ]
        z = a[face, 2] + u * (b[face, 2] - a[face, 2]) + v * (c[face, 2] - a[face, 2])
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (z > p[:, 2])
        total += hit * np.sign(area[face])
    return total > 0.5


def density_at(solids: Sequence[Solid], points: np.ndarray) -> np.ndarray:
    """Density at points [g/cm³]: that of the last solid there, −1 where there is none."""
    found = np.full(len(points), -1.0)
    for solid in solids:
        found[inside(solid, points)] = solid.density
    return found


def mass(solids: Sequence[Solid], low: np.ndarray, high: np.ndarray, rng: np.random.Generator, count: int = 40_000) -> float:
    """Mass of things in a box of space by chance points [kg]."""
    points = rng.uniform(low, high, (count, 3))
    return float(density_at(solids, points).clip(min=0.0).mean() * np.prod(high - low) * 1000.0)


def points_in(room: Room, rng: np.random.Generator, count: int = 3000) -> np.ndarray:
    """Points anywhere in a room, shape (count, 3) [m]."""
    return rng.uniform([room.x0, room.y0, room.z0], [room.x1, room.y1, room.z1], (count, 3))
