"""How a scanner sees a vehicle: its rays, drawn from the scanner's geometry for one passage."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.fan import Fan
from xrayscan.simulate.scanner import Scanner, travel
from xrayscan.simulate.solid import Room

__all__ = ["draw_fan", "pitch_of"]

MOST_ROWS, MOST_COLUMNS = 4000, 40_000


def pitch_of(scanner: Scanner, pitch: tuple[float, float] | None) -> tuple[float, float]:
    """Row and column pitch in the middle of the load [m]: as asked, or the scanner's own."""
    return pitch or (scanner.geometry.detector_pitch, scanner.geometry.column_pitch)


def draw_fan(rng: np.random.Generator, scanner: Scanner, extent: Room, pitch: tuple[float, float] | None = None) -> Fan:
    """Draw where source and array stand, and how the vehicle passes.

    Parameters
    ----------
    rng : Generator
    scanner : Scanner
    extent : Room [m]
        What has to be seen, wheels included: its lower side is the ground.
    pitch : (float, float) or None [m]
        Row and column pitch in the middle of the load; None: the scanner's own.

    Returns
    -------
    Fan
        Its picture holds the load and its roof in full; of what is below the floor, some or all.
    """
    look, steps = scanner.geometry, pitch_of(scanner, pitch)
    near, far = extent.y0, extent.y1
    distance = float(rng.uniform(*look.source_distance)) - near
    height = extent.z0 + float(rng.uniform(*look.source_height))
    top, bottom = extent.z1 + float(rng.uniform(0.05, 0.4)), extent.z0 + float(rng.uniform(0.0, 1.0)) * (-0.25 - extent.z0)
    rise = float(np.tan(np.radians(max(abs(t) for t in look.tilt)))) * extent.size[0] / 2
    ends = [(z - height) / (distance + y) for z in (top + rise, bottom - rise) for y in (near, far)]
    slopes = _slopes(max(ends), min(ends), steps[0] / distance, scanner.detector.seam)
    left = extent.x0 - float(rng.uniform(0.1, 1.0))
    columns = min(int(np.ceil((extent.x1 + float(rng.uniform(0.1, 1.0)) - left) / steps[1])), MOST_COLUMNS)
    errors, lift = travel(rng, scanner, columns, steps[1])
    moved = np.maximum(steps[1] + errors, 0.05 * steps[1])
    xs = left + np.cumsum(moved) - moved[0] / 2
    skew = float(np.tan(np.radians(rng.uniform(*look.yaw))))
    return Fan(distance, height, slopes, xs, -lift, skew, steps)


def _slopes(highest: float, lowest: float, step: float, seam: float) -> np.ndarray:
    """Slopes of the rays, top first.

    On a vertical array they are evenly spaced. On an L the upper channels lie on a horizontal arm, evenly spaced towards the
    source: the slope of the k-th is that of the corner over 1 − k step.
    """
    if seam == 0.0 or highest < 0.05:
        count = min(int(np.ceil((highest - lowest) / step)), MOST_ROWS)
        return highest - (np.arange(count) + 0.5) * step
    low, high = max(lowest, 1e-3), highest
    for _ in range(40):
        corner = (low + high) / 2
        arm, upright = 1.0 - corner / highest, corner - lowest
        low, high = (corner, high) if arm / (arm + upright) > seam else (low, corner)
    arms, uprights = int(np.ceil((1.0 - corner / highest) / step)), int(np.ceil((corner - lowest) / step))
    on_arm = corner / (1.0 - (np.arange(min(arms, MOST_ROWS))[::-1] + 0.5) * step)
    return np.concatenate([on_arm, corner - (np.arange(min(uprights, MOST_ROWS)) + 0.5) * step])
