"""Small scans drawn in memory, with known truth: a container with walls, rails, posts, floor and a load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.scan import Box

WALL = 0.15


@dataclass(frozen=True)
class Drawn:
    depth: np.ndarray
    boxes: tuple[Box, ...]


def draw_container(depth: np.ndarray, box: Box, load: float = 0.8, loaded: float = 0.5) -> None:
    """Add walls, roof rails, posts, floor and a load with gaps to an optical depth image, in place."""
    depth[box.slices] += WALL
    rail, post = max(2, box.height // 60), max(2, box.width // 70)
    depth[box.top : box.top + rail, box.left : box.right] += 0.4
    depth[box.bottom - rail : box.bottom, box.left : box.right] += 0.6
    for left in (box.left, box.right - post):
        depth[box.top : box.bottom, left : left + post] += 1.5
    floor = box.bottom - box.height // 10
    depth[floor : box.bottom, box.left : box.right] += 0.55
    top = int(floor - loaded * box.height)
    for k, left in enumerate(range(box.left + 3 * post, box.right - 4 * post, max(4, box.width // 8))):
        right = min(left + int(0.9 * box.width / 8), box.right - 3 * post)
        depth[top + 3 * (k % 3) : floor, left:right] += load


def draw_chassis(depth: np.ndarray, box: Box) -> None:
    """A beam under the container that reaches beyond it, with holes, and wheels."""
    rows, columns = depth.shape
    bottom = min(rows, box.bottom + box.height // 12)
    left, right = max(0, box.left - box.width // 8), min(columns, box.right + box.width // 8)
    depth[box.bottom : bottom, left:right] += 0.25
    for hole in range(left, right, max(8, box.width // 6)):
        depth[box.bottom : bottom, hole : hole + box.width // 25] = 0.0
    for wheel in (0.15, 0.75, 0.85):
        x = int(box.left + wheel * box.width)
        depth[bottom : min(rows, bottom + box.height // 6), x : x + box.width // 14] += 2.0


def draw_scene(rows: int = 300, columns: int = 700, load: float = 0.8, chassis: bool = True) -> Drawn:
    """One container; air above, before and behind it."""
    depth = np.zeros((rows, columns), np.float32)
    box = Box(rows // 10, columns // 6, int(0.78 * rows), int(0.88 * columns))
    draw_container(depth, box, load)
    if chassis:
        draw_chassis(depth, box)
    return Drawn(depth, (box,))


@dataclass(frozen=True)
class Counts:
    counts: np.ndarray
    air: np.ndarray
    dark: np.ndarray


def make_counts(depth: np.ndarray, seed: int = 0, *, level: float = 50_000.0, noise: float = 5.0, pulse: float = 0.0) -> Counts:
    """Counts of a detector whose channels differ in gain and dark level; noise is quantum-like and electronic."""
    rng = np.random.default_rng(seed)
    rows, columns = depth.shape
    air = (level * rng.normal(1.0, 0.05, rows)).astype(np.float32)
    dark = rng.normal(400.0, 30.0, rows).astype(np.float32)
    signal = (air - dark)[:, None] * np.exp(-depth) * rng.normal(1.0, pulse, columns) if pulse else None
    if signal is None:
        signal = (air - dark)[:, None] * np.exp(-depth)
    noisy = signal + rng.normal(0.0, 1.0, depth.shape) * np.sqrt(0.2 * signal + noise**2) + dark[:, None]
    return Counts(np.clip(np.rint(noisy), 0, 65535).astype(np.uint16), air, dark)
