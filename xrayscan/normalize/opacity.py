"""What was penetrated: the noise floor, the opaque part, optical depth, and the share of the load that was inspected."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam, blocks
from xrayscan.scan import Box, Step

__all__ = ["depth_and_opacity", "inspected_share", "noise_floor"]

FLOORS = 4.0 / 3.0
LEAST_TRANSMISSION = 1e-5
WALL_MOST = 0.35
LOAD_ABOVE_WALL = 0.1
HARDLY = 0.1
CELL = 16
NEAR = 5
_LOW = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02)
_ENOUGH = 400
_MOST = 200_000
_MODULE = 33
_FEWEST_OF_ROW = 200.0
_SQUARE = np.ones((3, 3), np.uint8)


def noise_floor(transmission: np.ndarray, mean: np.ndarray, valid: np.ndarray) -> float:
    """Rms noise of T where little gets through, from the data themselves; 0 where nothing is that dense.

    The median of the absolute difference between T and the mean of its left and right neighbor, over the pixels whose local
    mean is under 0.05 % (0.1 to 2 %, where too few are), as rms of a normal distribution: divided by 0.6745 (median absolute
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
    return _noise(transmission, mean, valid)[0]


def _noise(transmission: np.ndarray, mean: np.ndarray, valid: np.ndarray) -> tuple[float, np.ndarray]:
    """`noise_floor`, and how much more or less noise each row and those within half a module have, shape (rows,)."""
    rows, columns = transmission.shape
    even = np.ones(rows, np.float32)
    dark = mean < np.float32(_LOW[-1])
    dark &= valid
    place = np.flatnonzero(dark)
    place = place[:: 1 + place.size // _MOST]
    column = place % columns
    place = place[(column > 0) & (column < columns - 1)]
    local = mean.ravel()[place]
    level = next((low for low in _LOW if np.count_nonzero(local < low) >= _ENOUGH), None)
    if level is None:
        return 0.0, even
    place = place[local < level]
    flat = transmission.ravel()
    off = np.abs(flat[place] - 0.5 * (flat[place - 1] + flat[place + 1]))
    noise = float(np.median(off)) / 0.6745 / np.sqrt(1.5)
    # A few pixels of a row say little: as many of the whole are added to them.
    row, whole = place // columns, max(float(off.mean()), 1e-12)
    count = np.bincount(row, minlength=rows).astype(np.float32)
    total = np.bincount(row, weights=off, minlength=rows).astype(np.float32)
    count, total = (cv2.boxFilter(v[:, None], -1, (1, _MODULE), normalize=False).ravel() for v in (count, total))
    share = (total / whole + _FEWEST_OF_ROW) / (count + _FEWEST_OF_ROW)
    return noise, share.clip(0.5, 2.0).astype(np.float32)


def depth_and_opacity(beam: Beam) -> tuple[np.ndarray, np.ndarray, Step]:
    """Optical depth τ = −ln T, and where the beam did not get through.

    A pixel is opaque where T of the high energy, averaged over 3 x 3 valid pixels, is under the limit, and where it is
    itself under the limit beside such pixels (the edge of what is opaque). The limit is the largest of four times the
    noise of such a mean, a third of the noise floor of one pixel, which differs along the array; the least T that the delivery
    can tell from none (three counts, two gray levels) or from the veil of scattered rays; and 1e-5, the dynamic range of
    the best detectors. No optical depth is above that of this limit. Each energy has its own limit, but what is opaque is
    decided by the high energy alone: the low one may end at its limit before.

    Parameters
    ----------
    beam : Beam
        Its transmission is used up: the optical depth takes its place.

    Returns
    -------
    optical_depth : ndarray of float32, shape (energies, rows, columns)
        NaN where not valid.
    opaque : ndarray of bool, shape (rows, columns)
    step : Step
    """
    depth = beam.transmission
    opaque = np.zeros(beam.valid.shape, bool)
    noted: dict[str, float] = {}
    for energy, transmission in enumerate(beam.transmission):
        mean = _mean(transmission, beam.valid)
        noise, share = _noise(transmission, mean, beam.valid)
        limit = np.maximum(np.maximum(FLOORS * noise * share, beam.least[energy]), LEAST_TRANSMISSION)
        limit = limit.astype(np.float32)[:, None]
        if energy == 0:
            core = ((mean < limit) & beam.valid).view(np.uint8)
            beside = cv2.dilate(core, _SQUARE)
            # A single pixel over the limit amid what is opaque is noise: closing takes it along.
            closed = cv2.erode(beside, _SQUARE).view(bool)
            opaque = (closed | (beside.view(bool) & (transmission < limit))) & beam.valid
            noted = {"noise_rms": noise, "limit": float(np.median(limit))}
        _to_depth(transmission, limit, opaque if energy == 0 else None, beam.valid)
    blocked = cv2.countNonZero(opaque.view(np.uint8)) / opaque.size
    note = (
        f"noise floor T = {noted['noise_rms']:.2g}, opaque under T = {noted['limit']:.2g}: {blocked:.1%} of the picture, "
        f"where the optical depth is a lower bound of {-np.log(noted['limit']):.1f}"
    )
    return depth, opaque, Step("opacity", note, noted)


def _to_depth(transmission: np.ndarray, limit: np.ndarray, opaque: np.ndarray | None, valid: np.ndarray) -> None:
    """T to −ln T in place: of the limit where T is below it or opaque, NaN where not valid."""
    for rows in blocks(*valid.shape):
        part = np.maximum(transmission[rows], limit[rows], out=transmission[rows])
        if opaque is not None:
            np.copyto(part, limit[rows], where=opaque[rows])
        np.negative(np.log(part, out=part), out=part)
        if not valid[rows].all():
            np.copyto(part, np.float32(np.nan), where=~valid[rows])


def _mean(transmission: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Mean over 3 x 3 pixels of those that are valid, 0 where none is; T is set to 0 where it is not valid, in place."""
    if valid.all():
        return cv2.blur(transmission, (3, 3))
    bad = (~valid).view(np.uint8)
    np.copyto(transmission, np.float32(0.0), where=bad.view(bool))
    # Only beside what is not valid is the mean to be taken over fewer than nine.
    mean: np.ndarray = cv2.blur(transmission, (3, 3))
    missing = cv2.boxFilter(bad, -1, (3, 3), normalize=False)
    place = np.flatnonzero(missing > 0)  # twenty times as fast as of bytes
    left = 9.0 - missing.ravel()[place].astype(np.float32)
    mean.ravel()[place] *= np.divide(np.float32(9.0), left, out=np.zeros_like(left), where=left > 0.0)
    return mean


def inspected_share(depth: np.ndarray, opaque: np.ndarray, valid: np.ndarray, boxes: Sequence[Box]) -> tuple[float, Step]:
    """Share of the load that was seen and penetrated, 0 to 1.

    The load is looked for inside the container boxes (less 2 % of their width and height on each side; in every scanned
    column when there is no box). It is every valid pixel whose optical depth is more than 0.1 above that of the empty
    container's walls, taken as the 5 % quantile inside the boxes, at most 0.35 (two walls of 2 mm steel stay under it);
    and of the pixels that are not valid as many as the load takes up of the valid ones around: they were not seen.
    Where such pixels are under 10 % of the area there is hardly any load, and the whole area counts.
    The share is 1 − (opaque + not seen) / load, all in pixels.

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
    area = _area(valid, boxes)
    seen = area & valid
    total, whole = int(np.count_nonzero(seen)), int(np.count_nonzero(area))
    if total == 0:
        return 0.0, Step("inspected", "warning: nothing of the load is valid", {"inspected": 0.0})
    few = np.s_[:: max(1, valid.shape[0] // 400), :: max(1, valid.shape[1] // 500)]
    some = depth[few][seen[few]]
    wall = min(float(np.quantile(some if some.size else depth[seen], 0.05)), WALL_MOST)
    loaded = (depth > np.float32(wall + LOAD_ABOVE_WALL)) & seen
    load = int(np.count_nonzero(loaded))
    hardly = load < HARDLY * total
    unseen = whole - total if hardly else round(_not_seen(loaded, seen, area))
    load = whole if hardly else load + unseen
    blocked = int(np.count_nonzero(opaque & area))
    share = float(np.clip(1.0 - (blocked + unseen) / load, 0.0, 1.0))
    what = "container, hardly loaded," if hardly else "load"
    note = f"{share:.1%} of the {what} was penetrated (walls at optical depth {max(wall, 0.0):.2f})"
    if unseen > 0.001 * load:
        note = f"{note}; {unseen / load:.1%} of it lies on channels or pixels that measured nothing"
    if blocked + unseen > 0.01 * load:
        note = f"warning: {note}; nothing can be said of the {'opaque ' if blocked > unseen else ''}rest"
    counts = {"load_pixels": load, "opaque_pixels": blocked, "unseen_pixels": unseen}
    return share, Step("inspected", note, {"inspected": share, "wall": wall, **counts})


def _area(valid: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """Where the load is looked for, valid or not, shape (rows, columns)."""
    area = np.zeros(valid.shape, bool)
    for box in boxes:
        dy, dx = int(0.02 * box.height), int(0.02 * box.width)
        area[box.top + dy : box.bottom - dy, box.left + dx : box.right - dx] = True
    scanned = np.flatnonzero(valid.any(axis=0))
    if not boxes and scanned.size:
        area[:, scanned[0] : scanned[-1] + 1] = True
    return area


def _not_seen(loaded: np.ndarray, seen: np.ndarray, area: np.ndarray) -> float:
    """How many pixels of the area that were not seen are load [px], as the load's share of those seen within 40 pixels."""
    missing = int(np.count_nonzero(area)) - int(np.count_nonzero(seen))
    everywhere = float(np.count_nonzero(loaded)) / max(float(np.count_nonzero(seen)), 1.0)
    rows, columns = (size // CELL for size in area.shape)
    if missing == 0 or rows == 0 or columns == 0:
        return missing * everywhere
    # Whole cells only: those left over at the lower and right edge are as the rest.
    whole = np.s_[: rows * CELL, : columns * CELL]
    full = (mask[whole].view(np.uint8) * np.uint8(255) for mask in (loaded, seen, area))
    parts = [cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) for mask in full]
    load, known = (cv2.blur(part, (NEAR, NEAR), borderType=cv2.BORDER_CONSTANT) for part in parts[:2])
    share = np.divide(load, known, out=np.full_like(load, everywhere), where=known > 0.1)
    gap = parts[2] - parts[1]
    return missing * float((gap * share).sum()) / float(gap.sum()) if gap.any() else missing * everywhere
