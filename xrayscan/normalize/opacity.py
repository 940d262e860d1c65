"""What was penetrated: the noise floor, the opaque part, optical depth, and the share of the load that was inspected."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam, local_mean
from xrayscan.scan import Box, Step

__all__ = ["depth_and_opacity", "inspected_share", "noise_floor"]

FLOORS = 3.0
LEAST_TRANSMISSION = 1e-5
WALL_MOST = 0.35
LOAD_ABOVE_WALL = 0.1
HARDLY = 0.1
_LOW = (0.005, 0.01, 0.02)
_ENOUGH = 400


def noise_floor(transmission: np.ndarray, mean: np.ndarray, valid: np.ndarray) -> float:
    """Rms noise of T where little gets through, from the data themselves; 0 where nothing is that dense.

    The median of the absolute difference between T and the mean of its left and right neighbor, over the pixels whose local
    mean is under 0.5 % (1, 2 %, where too few are), as rms of a normal distribution: divided by 0.6745 (median absolute
    deviation) and by √1.5 (variance of that difference).

    Parameters
    ----------
    transmission, mean : ndarray of float32, shape (rows, columns)
        T, and its local mean.
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    float

    References
    ----------
    Hampel (1974), The influence curve and its role in robust estimation, doi:10.1080/01621459.1974.10482962 (0.6745).
    """
    inner = mean[:, 1:-1]
    for level in _LOW:
        rows, columns = np.nonzero((inner < level) & valid[:, 1:-1])
        if rows.size >= _ENOUGH:
            skip = max(1, rows.size // 200_000)
            rows, columns = rows[::skip], columns[::skip] + 1
            sides = 0.5 * (transmission[rows, columns - 1] + transmission[rows, columns + 1])
            return float(np.median(np.abs(transmission[rows, columns] - sides)) / 0.6745 / np.sqrt(1.5))
    return 0.0


def depth_and_opacity(beam: Beam) -> tuple[np.ndarray, np.ndarray, Step]:
    """Optical depth τ = −ln T, and where the beam did not get through.

    A pixel is opaque where T of the high energy, averaged over 3 x 3 valid pixels, is under the limit, and where it is
    itself under the limit beside such pixels (the edge of what is opaque). The limit is the largest of three times the
    noise floor, the least T that the delivery can tell from none (three counts, two gray levels) and 1e-5, the dynamic
    range of the best detectors. No optical depth is above that of this limit. Each energy has its own limit, but what
    is opaque is decided by the high energy alone: the low one may end at its limit before.

    Parameters
    ----------
    beam : Beam

    Returns
    -------
    optical_depth : ndarray of float32, shape (energies, rows, columns)
        NaN where not valid.
    opaque : ndarray of bool, shape (rows, columns)
    step : Step
    """
    depth = np.empty_like(beam.transmission)
    opaque = np.zeros(beam.valid.shape, bool)
    noted: dict[str, float] = {}
    for energy, transmission in enumerate(beam.transmission):
        mean = local_mean(transmission, beam.valid, 3)
        noise = noise_floor(transmission, mean, beam.valid)
        limit = np.maximum(np.maximum(FLOORS * noise, beam.least[energy]), LEAST_TRANSMISSION).astype(np.float32)[:, None]
        np.maximum(transmission, limit, out=depth[energy])
        if energy == 0:
            core = (mean < limit) & beam.valid
            beside = cv2.dilate(core.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
            opaque = core | (beside & (transmission < limit) & beam.valid)
            noted = {"noise_rms": noise, "limit": float(np.median(limit))}
            np.copyto(depth[energy], limit, where=opaque)
        cv2.log(depth[energy], depth[energy])
        np.negative(depth[energy], out=depth[energy])
    if not beam.valid.all():
        depth[:, ~beam.valid] = np.nan
    share = float(opaque.mean())
    note = (
        f"noise floor T = {noted['noise_rms']:.2g}, opaque under T = {noted['limit']:.2g}: {share:.1%} of the picture, "
        f"where the optical depth is a lower bound of {-np.log(noted['limit']):.1f}"
    )
    return depth, opaque, Step("opacity", note, noted)


def inspected_share(depth: np.ndarray, opaque: np.ndarray, valid: np.ndarray, boxes: Sequence[Box]) -> tuple[float, Step]:
    """Share of the load that was penetrated, 0 to 1.

    The load is every valid pixel inside the container boxes (less 2 % of their width and height on each side; the
    whole picture when there is no box) whose optical depth is more than 0.1 above that of the empty container's
    walls, taken as the 5 % quantile inside the boxes, at most 0.35 (two walls of 2 mm steel stay under it).
    Where such pixels are under 10 % of the area there is hardly any load, and the whole area counts.
    The share is 1 − opaque / load, both in pixels.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Of the high energy; NaN where not valid.
    opaque, valid : ndarray of bool, shape (rows, columns)
    boxes : sequence of Box

    Returns
    -------
    share : float
    step : Step
    """
    area = np.zeros(valid.shape, bool)
    for box in boxes or (Box(0, 0, *valid.shape),):
        dy, dx = (int(0.02 * box.height), int(0.02 * box.width)) if boxes else (0, 0)
        area[box.top + dy : box.bottom - dy, box.left + dx : box.right - dx] = True
    area &= valid
    inside = depth[area]
    if inside.size == 0:
        return 0.0, Step("inspected", "warning: nothing of the load is valid", {"inspected": 0.0})
    wall = min(float(np.quantile(inside[:: max(1, inside.size // 100_000)], 0.05)), WALL_MOST)
    load = int((inside > wall + LOAD_ABOVE_WALL).sum())
    hardly = load < HARDLY * inside.size
    load = inside.size if hardly else load
    blocked = int(opaque[area].sum())
    share = float(np.clip(1.0 - blocked / load, 0.0, 1.0))
    what = "container, hardly loaded," if hardly else "load"
    note = f"{share:.1%} of the {what} was penetrated (walls at optical depth {wall:.2f})"
    if blocked > 0.01 * load:
        note = f"warning: {note}; nothing can be said of the opaque rest"
    return share, Step("inspected", note, {"inspected": share, "wall": wall, "load_pixels": load, "opaque_pixels": blocked})
