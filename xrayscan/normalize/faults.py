"""Detector channels that do not tell the truth: dead, stuck, hot, noisy, or filled in from their neighbors."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam, sparse
from xrayscan.scan import Calibration, Step

__all__ = ["faulty_channels", "mask_faults"]

NEIGHBORS = (-5, -4, -3, -2, 2, 3, 4, 5)
STUCK_SHARE = 0.06
LEAST_CONTRAST = 0.001
LEAST_STEPS = 8.0
NOISY_RATIO = 4.0
WRONG_AIR = 0.2
FILLED_SHARE = 0.97
EMPTY_SHARE = 0.9
NOTHING = 0.012
_FLOAT_STEP = 2e-6


def mask_faults(beam: Beam, pixels: np.ndarray, calibration: Calibration, quantity: str = "counts") -> Beam:
    """The beam with faulty channels and pixels marked as not valid.

    Parameters
    ----------
    beam : Beam
    pixels : ndarray, shape (energies, rows, columns)
        As delivered, for saturation.
    calibration : Calibration
        Its ``bad_pixels`` and, to counts, ``saturation`` are applied.
    quantity : {"counts", "transmission", "display"}

    Returns
    -------
    Beam
    """
    valid = beam.valid.copy()
    steps = list(beam.steps)
    rows_known: np.ndarray = np.asarray(valid.any(axis=1))
    if calibration.bad_pixels is not None:
        bad = np.asarray(calibration.bad_pixels.any(axis=0))
        valid &= ~(bad if bad.ndim == 2 else bad[:, None])
        steps.append(Step("bad pixels", f"{int(bad.sum())} marked by the calibration", {"marked": int(bad.sum())}))
    full = calibration.saturation if quantity == "counts" else None
    if full is not None:
        over = (pixels >= full).any(axis=0)
        valid &= ~over
        steps.append(Step("saturation", f"{int(over.sum())} pixels at or above {full:g} counts", {"pixels": int(over.sum())}))
    found: dict[str, np.ndarray] = {}
    for energy in range(pixels.shape[0]):
        for kind, rows in faulty_channels(beam.transmission[energy], beam.step[energy], rows_known).items():
            if kind == "filled in" and quantity == "display":
                continue
            found[kind] = found.get(kind, np.zeros(valid.shape[0], bool)) | rows
    bad = np.zeros(valid.shape[0], bool)
    for rows in found.values():
        bad |= rows
    valid[bad] = False
    valid, missing = _unscanned(beam, valid)
    if missing is not None:
        steps.append(missing)
    words = ", ".join(f"{int(rows.sum())} {kind}" for kind, rows in found.items() if rows.any())
    share = float((~valid.any(axis=1)).mean())
    note = f"channels found faulty: {words or 'none'}; {share:.1%} of all rows are not valid"
    steps.append(Step("faults", f"warning: {note}" if share > 0.05 else note, {k: int(v.sum()) for k, v in found.items()}))
    return Beam(beam.transmission, valid, beam.step, beam.least, tuple(steps))


def _unscanned(beam: Beam, valid: np.ndarray) -> tuple[np.ndarray, Step | None]:
    """Columns at either end of the picture that hold nothing from top to bottom are padding, not an opaque load."""
    rows = valid.any(axis=1)
    some = beam.transmission[0][rows][:: max(1, int(rows.sum()) // 128)]
    if some.size == 0:
        return valid, None
    limit = np.maximum(beam.least[0][rows][:: max(1, int(rows.sum()) // 128)], NOTHING)[:, None]
    share = (some <= limit).mean(axis=0, dtype=np.float32)[None]
    empty = cv2.blur(share, (5, 1), borderType=cv2.BORDER_REPLICATE)[0] > EMPTY_SHARE
    if empty.all() or not (empty[0] or empty[-1]):
        return valid, None
    left, right = (_reach(line, share) for line, share in ((empty, share[0]), (empty[::-1], share[0, ::-1])))
    valid[:, :left] = False
    valid[:, valid.shape[1] - right :] = False
    note = f"{left} columns at the left and {right} at the right edge hold nothing from top to bottom: not scanned, not valid"
    return valid, Step("unscanned", note, {"left": left, "right": right})


def _reach(empty: np.ndarray, share: np.ndarray) -> int:
    """Columns from the start that are empty in the mean of five, and those right after that are so by themselves."""
    end = int(np.argmin(empty))
    if end:
        end += int(np.argmin(np.append(share[end : end + 3] > EMPTY_SHARE, False)))
    return end


def faulty_channels(transmission: np.ndarray, step: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """Rows that do not behave as their neighbors do, by what is wrong with them.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
    step : ndarray, shape (rows,)
        Quantization step in T, 0 where unknown.
    known : ndarray of bool, shape (rows,)
        Rows to look at; the others are known to be bad and are not used as neighbors.

    Returns
    -------
    dict of str to ndarray of bool, shape (rows,)
        "dead or stuck": hardly changes along the travel while its neighbors do. "noisy": changes from pixel to pixel
        many times more than they do. "wrong in air": off by more than 20 % where its neighbors see air.
        "filled in": the mean of its two neighbors everywhere, so that nothing was measured there.

    Examples
    --------
    >>> import numpy as np
    >>> scan = np.random.default_rng(1).normal(1, 0.01, (40, 600)).astype(np.float32)
    >>> scan[:, 200:400] *= 0.2
    >>> scan[7] = 0.0
    >>> faults = faulty_channels(scan, np.zeros(40), np.ones(40, bool))
    >>> {kind: np.flatnonzero(rows).tolist() for kind, rows in faults.items()}
    {'dead or stuck': [7], 'noisy': [], 'wrong in air': [], 'filled in': []}
    """
    few = np.ascontiguousarray(sparse(transmission))
    if few.shape[0] < 2 * len(NEIGHBORS) or few.shape[1] < 16:
        return {}
    stuck = _stuck(few, step, known)
    good = known & ~stuck
    noisy = _noisy(transmission, step, good) & good
    wrong = _wrong_in_air(few, good & ~noisy) & good & ~noisy
    filled = _filled_in(few, step, good) & good & ~noisy & ~wrong
    return {"dead or stuck": stuck, "noisy": noisy, "wrong in air": wrong, "filled in": filled}


def _beside(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Median of each row's neighbors (per column when 2-D) that are known; NaN where none is."""
    rows = values.shape[0]
    shifted = np.full((len(NEIGHBORS), *values.shape), np.nan, np.float32)
    for k, offset in enumerate(NEIGHBORS):
        inside = np.arange(max(0, -offset), min(rows, rows - offset))
        inside = inside[known[inside + offset]]
        shifted[k, inside] = values[inside + offset]
    shifted.sort(axis=0)
    count = np.isfinite(shifted).sum(axis=0)
    middle = np.maximum(count - 1, 0) // 2
    return np.take_along_axis(shifted, middle[None], axis=0)[0]


def _stuck(few: np.ndarray, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    spread = few.std(axis=1)
    reference = _beside(spread, known)
    rows = known & (reference > LEAST_CONTRAST + LEAST_STEPS * step) & (spread < STUCK_SHARE * reference)
    other = np.flatnonzero(known & ~rows)
    for row in np.flatnonzero(rows):
        after = int(np.searchsorted(other, row))
        nearest = [spread[other[k]] for k in (after - 1, after) if 0 <= k < other.size]
        rows[row] = bool(nearest) and spread[row] < STUCK_SHARE * min(nearest)
    return rows


def _noisy(transmission: np.ndarray, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    stride = max(1, transmission.shape[1] // 640)
    middle = transmission[:, 1:-1:stride]
    jump = np.abs(middle - 0.5 * (transmission[:, :-2:stride] + transmission[:, 2::stride]))
    size = np.median(jump, axis=1)
    reference = np.maximum(step, 1e-4)
    for offset in (-2, -1, 1, 2):
        inside = np.arange(max(0, -offset), min(size.size, size.size - offset))
        inside = inside[known[inside + offset]]
        reference[inside] = np.maximum(reference[inside], size[inside + offset])
    return known & (size > NOISY_RATIO * reference)


def _wrong_in_air(few: np.ndarray, known: np.ndarray) -> np.ndarray:
    few = few[:, ::3]
    reference = _beside(few, known)
    air = (reference > 0.9) & (reference < 1.1)
    count = air.sum(axis=1)
    off = np.where(air, few - reference, np.nan)
    off.sort(axis=1)
    middle = np.take_along_axis(off, np.maximum(count - 1, 0)[:, None] // 2, axis=1)[:, 0]
    enough = count >= max(4, few.shape[1] // 100)
    return known & enough & (np.abs(np.nan_to_num(middle)) > WRONG_AIR)


def _filled_in(few: np.ndarray, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    rows = np.zeros(few.shape[0], bool)
    up, row, down = few[:-2], few[1:-1], few[2:]
    tolerance = np.maximum(1.01 * step[1:-1], _FLOAT_STEP)[:, None]
    telling = np.abs(up - down) > 6.0 * tolerance
    equal = telling & (np.abs(row - 0.5 * (up + down)) <= tolerance)
    count = telling.sum(axis=1)
    share = equal.sum(axis=1) / np.maximum(count, 1)
    usual = _beside(np.concatenate([[0.0], share, [0.0]]).astype(np.float32), known)[1:-1]
    rows[1:-1] = (count >= max(16, few.shape[1] // 50)) & (share >= FILLED_SHARE) & (np.nan_to_num(usual, nan=1.0) < 0.6)
    return rows if rows.mean() < 0.05 else np.zeros_like(rows)
