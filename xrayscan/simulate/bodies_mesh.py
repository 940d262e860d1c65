"""Meshes of triangles: volume, holes closed, edges collapsed. Used to make the library of bodies, not at run time.

References
----------
M. Garland, P. Heckbert, Proc. SIGGRAPH 1997, 209, https://doi.org/10.1145/258734.258849: quadric error.
A. Jacobson et al., ACM Trans. Graph. 32 (2013) 33, https://doi.org/10.1145/2461912.2461916: winding number as inside.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

__all__ = ["Collapse", "closed", "covered", "normals", "smoothed", "volume", "winding"]


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume [m³] by the divergence theorem; parts that lie in one another count twice."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.sum(np.cross(a, b) * c) / 6)


def normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals of the vertices, the faces' weighted by their area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    out = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(out, faces[:, k], across)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def smoothed(field: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Mean with the neighbors along the mesh's edges, again and again."""
    for _ in range(rounds):
        total, count = field.copy(), np.ones(len(field))
        for i, j in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)):
            np.add.at(total, faces[:, i], field[faces[:, j]])
            np.add.at(count, faces[:, i], 1.0)
        field = total / count[:, None]
    return field


def closed(faces: np.ndarray) -> np.ndarray:
    """Faces with each hole closed by a zigzag across its rim."""
    edges = {(int(f[i]), int(f[(i + 1) % 3])) for f in faces for i in range(3)}
    following = {b: a for a, b in edges if (b, a) not in edges}
    patches = []
    while following:
        start = min(following)
        loop, at = [start], following.pop(start)
        while at != start:
            loop.append(at)
            at = following.pop(at)
        patches += zigzag(loop)
    return np.concatenate([faces, np.array(patches, int).reshape(-1, 3)])


def zigzag(loop: Sequence[int]) -> list[tuple[int, int, int]]:
    """Triangles that fill a loop, wound as the loop is."""
    left, right, out, turn = 0, len(loop) - 1, [], True
    while right - left >= 2:
        if turn:
            out.append((loop[left], loop[left + 1], loop[right]))
            left += 1
        else:
            out.append((loop[left], loop[right - 1], loop[right]))
            right -= 1
        turn = not turn
    return out


class Collapse:
    """Collapses edges of a closed mesh into one of their ends, the cheapest first, in several shapes at once.

    Parameters
    ----------
    shapes : ndarray, shape (shapes, vertices, 3)
        The same mesh as different bodies in different postures [m].
    faces : ndarray, shape (faces, 3)
    weight : ndarray, shape (vertices,)
        How much the error at a vertex counts.
    """

    def __init__(self, shapes: np.ndarray, faces: np.ndarray, weight: np.ndarray) -> None:
        self.shapes = shapes.transpose(1, 0, 2).copy()  # (vertices, shapes, 3)
        self.faces = [tuple(int(i) for i in f) for f in faces]
        self.around: list[set[int]] = [set() for _ in range(len(self.shapes))]
        for k, f in enumerate(self.faces):
            for i in f:
                self.around[i].add(k)
        self.quadric = np.zeros((len(self.shapes), shapes.shape[0], 4, 4))
        a, b, c = (self.shapes[faces[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        area = np.linalg.norm(across, axis=-1, keepdims=True)
        unit = across / np.maximum(area, 1e-15)
        plane = np.concatenate([unit, -np.sum(unit * a, -1, keepdims=True)], -1)
        each = plane[..., :, None] * plane[..., None, :] * area[..., None] / 6
        for k in range(3):
            np.add.at(self.quadric, faces[:, k], each * weight[faces[:, k], None, None, None])
        self.weight = weight

    def neighbors(self, i: int) -> set[int]:
        """Vertices that share an edge with vertex i."""
        return {j for k in self.around[i] for j in self.faces[k]} - {i}

    def cost(self, i: int, j: int) -> float:
        """Error of moving vertex i onto vertex j, with a little for the length of the edge."""
        point = np.concatenate([self.shapes[j], np.ones((len(self.shapes[j]), 1))], -1)
        error = np.einsum("si,sij,sj->", point, self.quadric[i] + self.quadric[j], point)
        length = np.sum((self.shapes[i] - self.shapes[j]) ** 2)
        return float(error + 2e-7 * length * min(self.weight[i], self.weight[j]))

    def allowed(self, i: int, j: int) -> bool:
        """Whether the mesh stays a closed surface and no face turns over."""
        if len(self.neighbors(i) & self.neighbors(j)) != 2 or len(self.around[i] & self.around[j]) != 2:
            return False
        kept = np.array([self.faces[k] for k in self.around[i] - self.around[j]])
        if not len(kept):
            return False
        before, after = self.shapes[kept], self.shapes[np.where(kept == i, j, kept)]
        old, new = (np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]) for p in (before, after))
        cosine = np.sum(old * new, -1) / np.maximum(np.linalg.norm(old, axis=-1) * np.linalg.norm(new, axis=-1), 1e-18)
        return bool((np.median(cosine, axis=1) > 0.3).all())

    def down_to(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Collapse until ``count`` vertices are left; their indices, and faces that count from 0."""
        alive = sum(bool(a) for a in self.around)
        version = [0] * len(self.around)
        queue = [(self.cost(i, j), i, j, 0) for i in range(len(self.around)) for j in sorted(self.neighbors(i))]
        heapq.heapify(queue)
        while alive > count and queue:
            _, i, j, stamp = heapq.heappop(queue)
            if stamp != version[i] + version[j] or not self.around[i] or not self.around[j] or j not in self.neighbors(i):
                continue
            if not self.allowed(i, j):
                continue
            for k in list(self.around[i]):
                old = self.faces[k]
                if j in old:
                    for v in old:
                        self.around[v].discard(k)
                else:
                    self.faces[k] = tuple(j if v == i else v for v in old)
                    self.around[j].add(k)
            self.around[i] = set()
            self.quadric[j] += self.quadric[i]
            alive -= 1
            version[j] += len(version)
            for v in sorted(self.neighbors(j)):
                stamp = version[v] + version[j]
                heapq.heappush(queue, (self.cost(v, j), v, j, stamp))
                heapq.heappush(queue, (self.cost(j, v), j, v, stamp))
        faces = np.array([self.faces[k] for k in sorted({k for a in self.around for k in a})])
        return np.unique(faces), np.unique(faces, return_inverse=True)[1].reshape(-1, 3)


def crossings(vertices: np.ndarray, faces: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where vertical rays a ``step`` apart cross the mesh: ray, height [m] and +1 where one enters going up, sorted."""
    tri = vertices[faces]
    low = np.floor(tri[..., :2].min(1) / step).astype(int)
    count = np.floor(tri[..., :2].max(1) / step).astype(int) - low + 1
    total = count[:, 0] * count[:, 1]
    face = np.repeat(np.arange(len(faces)), total)
    nth = np.arange(len(face)) - np.repeat(np.cumsum(total) - total, total)
    cell = low[face] + np.stack([nth // count[face, 1], nth % count[face, 1]], -1)
    p = (cell + np.array([0.4871, 0.5137])) * step
    a, b, c = (tri[face, k, :2] for k in range(3))
    area = _cross2(b - a, c - a)
    flat = np.abs(area) < 1e-16  # seen edge on: no ray meets it
    area = np.where(flat, 1.0, area)
    u, v = _cross2(p - a, c - a) / area, _cross2(b - a, p - a) / area
    hit = (u >= 0) & (v >= 0) & (u + v <= 1) & ~flat
    face, cell, u, v, area = face[hit], cell[hit], u[hit], v[hit], area[hit]
    z = (tri[face, :, 2] * np.stack([1 - u - v, u, v], -1)).sum(-1)
    ray = (cell[:, 0] - low[:, 0].min()) * 100000 + cell[:, 1] - low[:, 1].min()
    order = np.lexsort((z, ray))
    return ray[order], z[order], -np.sign(area[order])


def _cross2(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def covered(vertices: np.ndarray, faces: np.ndarray, step: float = 0.007) -> float:
    """Volume [m³] inside the mesh, where it covers itself counted once."""
    _, z, sign = crossings(vertices, faces, step)
    inside = np.cumsum(sign)[:-1] > 0
    return float(np.sum(np.diff(z)[inside]) * step * step)


def winding(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """How often the mesh winds about each point, by a ray straight up."""
    tri = vertices[faces]
    low, high = points.min(0), points.max(0)
    tri = tri[(tri.min(1)[:, :2] <= high[:2] + 1e-6).all(1) & (tri.max(1) >= low - 1e-6).all(1)]
    out = np.zeros(len(points))
    a, b, c = (tri[:, k, :2] for k in range(3))
    area = _cross2(b - a, c - a)
    flat = np.abs(area) < 1e-14
    area = np.where(flat, 1.0, area)
    for k in range(0, len(points), 256):
        p = points[k : k + 256, None, :]
        q = p[..., :2] + 1.37e-7
        u, v = _cross2(q - a, c - a) / area, _cross2(b - a, q - a) / area
        z = tri[:, 0, 2] * (1 - u - v) + tri[:, 1, 2] * u + tri[:, 2, 2] * v
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & ~flat & (z > p[..., 2])
        out[k : k + 256] = (hit * np.sign(area)).sum(1)
    return out
