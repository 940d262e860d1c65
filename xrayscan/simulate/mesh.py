"""Exact spans of rays within closed surfaces of triangles."""

from __future__ import annotations

import numpy as np
import torch

from xrayscan.simulate.fan import Rays, Window
from xrayscan.simulate.solid import Solid

__all__ = ["mesh_spans"]

CHUNK = 300_000  # pairs of ray and triangle that are looked at together


def mesh_spans(solid: Solid, rays: Rays, window: Window) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each ray of a window is inside a closed surface, that is, where its winding number is above 0.

    Parameters
    ----------
    solid : Solid
        With a mesh.
    rays : Rays
    window : Window

    Returns
    -------
    enter, leave : Tensor, shape (parts, rows, columns) [m]
        As `trace.spans` gives them.
    """
    assert solid.mesh is not None
    points = solid.mesh.vertices @ solid.turn.T + np.asarray(solid.center)
    triangles = points[solid.mesh.faces]
    boxes = rays.fan.windows(triangles.min(1), triangles.max(1))
    boxes[:, 0::2] = boxes[:, 0::2].clip(window.top, window.bottom)
    boxes[:, 1::2] = boxes[:, 1::2].clip(window.left, window.right)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    seen = np.flatnonzero(area)
    order = seen[np.argsort(area[seen], kind="stable")]
    cuts = np.searchsorted(np.cumsum(area[order]) // CHUNK, np.arange(1, area.sum() // CHUNK + 1))
    hits = [
        _hits(triangles[part], solid.mesh.faces[part], boxes[part], rays, window)
        for part in np.split(order, cuts) if part.size
    ]  # fmt: skip
    if not hits:
        return torch.zeros((1, *window.shape), device=rays.device), torch.zeros((1, *window.shape), device=rays.device)
    pixel, t, sign = (torch.cat(parts) for parts in zip(*hits, strict=True))
    return _paired(pixel, t, sign, window)


def _hits(
    triangles: np.ndarray, faces: np.ndarray, boxes: np.ndarray, rays: Rays, window: Window
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pixel within the window, y from the source [m], and +1 where the ray enters or −1 where it leaves, of every crossing.

    A ray through an edge that two triangles share crosses exactly one of them: the edge's side is computed from the same
    products with the opposite sign, and a ray in the very plane of an edge goes by the order of its vertices.
    """
    fan, device = rays.fan, rays.device
    height, width = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    of = np.repeat(np.arange(len(boxes)), height * width)
    local = np.arange(of.size) - np.repeat(np.cumsum(height * width) - height * width, height * width)
    rows, columns = boxes[of, 0] + local // width[of], boxes[of, 1] + local % width[of]
    slope = torch.from_numpy(fan.slopes[rows]).to(device)
    origin = np.stack([fan.xs[columns] - fan.skew * fan.source_distance, np.full(of.size, -fan.source_distance)])
    origin = np.concatenate([origin, (fan.source_height + fan.lift[columns])[None]])
    o = torch.from_numpy(origin).to(device)
    corners = torch.from_numpy(triangles.transpose(1, 2, 0).copy()).to(device)
    index = torch.from_numpy(of).to(device)
    corner = [corners[k][:, index] - o for k in range(3)]
    edges = []
    for a, b in ((0, 1), (1, 2), (2, 0)):
        (ax, ay, az), (bx, by, bz) = corner[a], corner[b]
        side = fan.skew * (ay * bz - az * by) + (az * bx - ax * bz) + slope * (ax * by - ay * bx)
        rank = torch.from_numpy(np.where(faces[:, a] < faces[:, b], 1.0, -1.0)).to(device)
        edges.append(torch.where(side == 0, rank[index], side))
    hit = ((edges[0] > 0) & (edges[1] > 0) & (edges[2] > 0)) | ((edges[0] < 0) & (edges[1] < 0) & (edges[2] < 0))
    kept = hit.nonzero()[:, 0]
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (c[:, kept] for c in corner)
    n = torch.linalg.cross(torch.stack([bx - ax, by - ay, bz - az]), torch.stack([cx - ax, cy - ay, cz - az]), dim=0)
    facing = fan.skew * n[0] + n[1] + slope[kept] * n[2]
    t = (n[0] * ax + n[1] * ay + n[2] * az) / facing
    pixel = torch.from_numpy((rows - window.top) * window.shape[1] + (columns - window.left)).to(device)
    return pixel[kept], t, torch.where(facing < 0, 1, -1)


def _paired(pixel: torch.Tensor, t: torch.Tensor, sign: torch.Tensor, window: Window) -> tuple[torch.Tensor, torch.Tensor]:
    """Crossings → spans in which the winding number is above 0, in order along each ray."""
    order = t.argsort()
    order = order[pixel[order].argsort(stable=True)]
    pixel, t, sign = pixel[order], t[order], sign[order]
    size = window.shape[0] * window.shape[1]
    balance = torch.zeros(size, dtype=torch.long, device=t.device).index_add_(0, pixel, sign)
    whole = balance[pixel] == 0
    pixel, t, sign = pixel[whole], t[whole], sign[whole]
    winding = sign.cumsum(0)
    starts, ends = (winding > 0) & (winding - sign <= 0), (winding <= 0) & (winding - sign > 0)
    pixel, enter, leave = pixel[starts], t[starts], t[ends]
    if pixel.numel() == 0:
        return torch.zeros((1, *window.shape), device=t.device), torch.zeros((1, *window.shape), device=t.device)
    count = torch.arange(pixel.numel(), device=t.device)
    part = count - torch.searchsorted(pixel, pixel)
    parts = int(part.max()) + 1
    both = torch.zeros((2, parts, size), device=t.device)
    both[0, part, pixel], both[1, part, pixel] = enter.float(), leave.float()
    return both[0].reshape(parts, *window.shape), both[1].reshape(parts, *window.shape)
