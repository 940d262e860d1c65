"""Exact spans: where each ray of a fan is inside a solid."""

from __future__ import annotations

import numpy as np
import torch

from xrayscan.simulate.fan import Rays, Window
from xrayscan.simulate.mesh import mesh_spans
from xrayscan.simulate.solid import SACK_ROUNDING, Solid

__all__ = ["Spans", "covered_length", "spans"]

Spans = tuple[torch.Tensor, torch.Tensor]
"""Enter and leave, each shape (parts, rows, columns) [m], as y measured from the source; equal where a ray misses."""
FAR = 1e6


def spans(solid: Solid, rays: Rays, window: Window) -> Spans:
    """Where each ray of a window enters and leaves a solid.

    Parameters
    ----------
    solid : Solid
    rays : Rays
    window : Window

    Returns
    -------
    enter, leave : Tensor, shape (parts, rows, columns) [m]
        y measured from the source. Parts are in order along the ray: one for a convex solid, two for a torus, as many as needed
        for a mesh. Where a ray misses, both are 0. The path in a part is (leave − enter) √(1 + slope² + skew²).
    """
    if solid.shape == "mesh":
        return mesh_spans(solid, rays, window)
    start, o, d = _local(solid, rays, window)
    half = [float(value) for value in solid.half]
    if solid.shape == "torus":
        return _torus(o, d, half, start, window)
    if solid.shape == "capsule":
        enter, leave = _capsule(o, d, half)
    else:
        pieces = _pieces(solid.shape, o, d, half)
        enter, leave = pieces[0]
        for other in pieces[1:]:
            enter, leave = torch.maximum(enter, other[0]), torch.minimum(leave, other[1])
    hit = (leave > enter).expand(window.shape)
    return torch.where(hit, enter + start, 0.0)[None], torch.where(hit, leave + start, 0.0)[None]


def _local(solid: Solid, rays: Rays, window: Window) -> tuple[float, list[torch.Tensor], list[torch.Tensor]]:
    """Rays in the solid's own axes: t where they start, origins and directions, each broadcast to (rows, columns).

    Each ray starts where it crosses the solid's own plane of y, which keeps single precision exact at any distance.
    """
    fan, (rows, columns) = rays.fan, window.slices
    x0, y0, z0 = (float(value) for value in solid.center)
    start = fan.source_distance + y0
    slopes = rays.slopes[rows]
    across = rays.xs[:, columns] + (fan.skew * y0 - x0)
    above = slopes * start + (fan.source_height - z0)
    if rays.lift is not None:
        above = above + rays.lift[:, columns]
    o, d = [], []
    for k in range(3):
        tx, ty, tz = (float(value) for value in solid.turn[:, k])
        if tz == 0.0:
            o.append(tx * across)
            d.append(torch.tensor(tx * fan.skew + ty, device=rays.device))
        else:
            o.append(tz * above if tx == 0.0 else tx * across + tz * above)
            d.append(tz * slopes + (tx * fan.skew + ty))
    return start, o, d


def _pieces(shape: str, o: list[torch.Tensor], d: list[torch.Tensor], half: list[float]) -> list[Spans]:
    """Spans whose common part is the solid."""
    if shape == "box":
        return [_slab(o[k], d[k], half[k]) for k in range(3)]
    if shape == "ellipsoid":
        return [_quadric(o, d, half)]
    if shape == "sack":
        return [*(_slab(o[k], d[k], half[k]) for k in range(3)), _quadric(o, d, [SACK_ROUNDING * h for h in half])]
    return [_quadric(o[:2], d[:2], half[:2]), _slab(o[2], d[2], half[2])]


def _slab(o: torch.Tensor, d: torch.Tensor, half: float) -> Spans:
    d = torch.where(d.abs() < 1e-7, 1e-7, d)
    middle, reach = -o / d, half / d.abs()
    return middle - reach, middle + reach


def _quadric(o: list[torch.Tensor], d: list[torch.Tensor], half: list[float]) -> Spans:
    """Roots of |(o + t d)/half|² = 1 over the given axes; a ray that misses leaves where it enters."""
    p, q = ([v / h for v, h in zip(vs, half, strict=True)] for vs in (o, d))
    a, b, c = _dot(q, q) + 1e-12, _dot(p, q), _dot(p, p) - 1.0
    root = (b * b - a * c).clamp(min=0.0).sqrt() / a
    middle = -b / a
    return middle - root, middle + root


def _dot(p: list[torch.Tensor], q: list[torch.Tensor]) -> torch.Tensor:
    total = p[0] * q[0]
    for a, b in zip(p[1:], q[1:], strict=True):
        total = total + a * b
    return total


def _capsule(o: list[torch.Tensor], d: list[torch.Tensor], half: list[float]) -> Spans:
    """Union of a cylinder and its two round ends, which is convex: first entry to last exit."""
    radius, length = half[0], max(half[2] - half[0], 1e-6)
    sides, ends = _quadric(o[:2], d[:2], [radius, radius]), _slab(o[2], d[2], length)
    parts = [(torch.maximum(sides[0], ends[0]), torch.minimum(sides[1], ends[1]))]
    parts += [_quadric([o[0], o[1], o[2] + shift], d, [radius] * 3) for shift in (-length, length)]
    enter, leave = torch.full_like(parts[0][0], FAR), torch.full_like(parts[0][0], -FAR)
    for first, last in parts:
        hit = last > first
        enter = torch.where(hit, torch.minimum(enter, first), enter)
        leave = torch.where(hit, torch.maximum(leave, last), leave)
    return enter, leave


def _torus(o: list[torch.Tensor], d: list[torch.Tensor], half: list[float], start: float, window: Window) -> Spans:
    """Roots of (|p|² + R² − r²)² = 4 R² (p₁² + p₂²), p = o + t d, by Ferrari's closed form, on the rays that come near it."""
    tube = half[2]
    ring = half[0] - tube
    enter, leave = (torch.zeros((2, *window.shape), device=o[0].device) for _ in range(2))
    hull, flat = _quadric(o[:2], d[:2], half[:2]), _slab(o[2], d[2], tube)
    near = (torch.minimum(hull[1], flat[1]) > torch.maximum(hull[0], flat[0])).expand(window.shape)
    if not near.any():
        return enter, leave
    p, q = ([(v.expand(window.shape)[near].double() / ring) for v in vs] for vs in (o, d))
    length = torch.sqrt(_dot(q, q))
    q = [v / length for v in q]
    # Start at the point nearest the center, where the coefficients are smallest.
    ahead = -_dot(p, q)
    p = [a + ahead * b for a, b in zip(p, q, strict=True)]
    k = _dot(p, p) + 1.0 - (tube / ring) ** 2
    flat_dd, flat_pd, flat_pp = q[0] ** 2 + q[1] ** 2, p[0] * q[0] + p[1] * q[1], p[0] ** 2 + p[1] ** 2
    roots = _quartic(2.0 * k - 4.0 * flat_dd, -8.0 * flat_pd, k * k - 4.0 * flat_pp)
    real = (roots.imag.abs() < 1e-6) & (roots.real.abs() < 10.0)
    t = torch.where(real, roots.real, torch.inf).sort(0).values
    t = torch.where(torch.isinf(t), t, (t + ahead) / length)
    paired = torch.isfinite(t[1::2])
    enter[:, near] = torch.where(paired, t[0::2] + start, 0.0).float()
    leave[:, near] = torch.where(paired, t[1::2] + start, 0.0).float()
    return enter, leave


def _quartic(p: torch.Tensor, q: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
    """Roots of t⁴ + p t² + q t + r, shape (4, ...), complex, polished by Newton's method."""
    # The resolvent cubic m³ + p m² + (p²/4 − r) m − q²/8 has a root that is not 0; the largest is the safest.
    b, c, d = p, p * p / 4.0 - r, -q * q / 8.0
    e0, e1 = (b * b - 3.0 * c).to(torch.complex128), (2.0 * b**3 - 9.0 * b * c + 27.0 * d).to(torch.complex128)
    root = torch.sqrt(e1 * e1 - 4.0 * e0**3)
    first, second = (e1 + root) / 2.0, (e1 - root) / 2.0
    cube = torch.where(first.abs() >= second.abs(), first, second) ** (1.0 / 3.0)
    thirds = 2j * np.pi / 3.0 * torch.arange(3, dtype=torch.float64, device=p.device)
    turns = torch.exp(thirds).reshape(3, *[1] * p.dim())
    each = turns * cube
    m = -(b + each + torch.where(each.abs() > 0, e0 / each, 0.0)) / 3.0
    m = m.gather(0, m.abs().argmax(0, keepdim=True))[0]
    s = torch.sqrt(2.0 * m)
    pairs = []
    for sign in (1.0, -1.0):
        half = torch.sqrt(-(2.0 * p + 2.0 * m + sign * 2.0 * q / s))
        pairs += [(sign * s + half) / 2.0, (sign * s - half) / 2.0]
    t = torch.stack(pairs)
    for _ in range(2):
        value, slope = ((t * t + p) * t + q) * t + r, (4.0 * t * t + 2.0 * p) * t + q
        t = t - torch.where(slope.abs() > 1e-9, value / slope, 0.0)
    return t


def covered_length(enter: torch.Tensor, leave: torch.Tensor) -> torch.Tensor:
    """Length of the union of intervals along the first axis: overlaps count once.

    Parameters
    ----------
    enter, leave : Tensor, shape (parts, rows, columns)

    Returns
    -------
    Tensor, shape (rows, columns)

    Examples
    --------
    >>> covered_length(torch.tensor([0.0, 1.0, 5.0])[:, None, None], torch.tensor([2.0, 3.0, 6.0])[:, None, None]).item()
    4.0
    """
    if len(enter) == 0:
        return enter.sum(0)
    if len(enter) == 1:
        return leave[0] - enter[0]
    if len(enter) == 2:
        both = torch.minimum(leave[0], leave[1]) - torch.maximum(enter[0], enter[1])
        return (leave[0] - enter[0]) + (leave[1] - enter[1]) - both.clamp_(min=0.0)
    shape = enter.shape[1:]
    enter, order = enter.flatten(1).T.contiguous().sort(1)
    leave = leave.flatten(1).T.gather(1, order)
    reached = leave.cummax(1).values
    before = torch.cat([torch.full_like(reached[:, :1], -FAR), reached[:, :-1]], 1)
    return (leave - torch.maximum(enter, before)).clamp_(min=0.0).sum(1).reshape(shape)
