"""Counts and delivered transmissions → transmission T = (counts − dark)/(air − dark)."""

from __future__ import annotations

import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.normalize.air import AIR_BAND, clipped, dark_from_scan, find_air, open_beam
from xrayscan.normalize.beam import Beam, blocks, code_step, sparse
from xrayscan.scan import Calibration, Step

__all__ = ["from_counts", "from_transmission"]

LEAST_SPAN = 0.02
LEAST_CODES = 3.0
MOST_COUNTS = 1e15  # no detector's: float32 sums over neighbors would lose everything beside it
MOST_AIR = 0.9
BRIGHTER = 1.05
LEAST_SHIFT = 0.001
_AIR_BAND = (0.93, 1.07)
_LEVELS = (0.5, 2.0)
_AIR_COLUMNS = 16


def from_counts(pixels: np.ndarray, calibration: Calibration) -> Beam:
    """Transmission from raw counts, each energy with its own air and dark.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns) [counts]
        Integers or floats; what is not finite is not valid.
    calibration : Calibration
        Air or dark that is missing is estimated from the scan, with a warning in the steps. Where air in the scan stands
        more than 6 % off that given, the whole energy is rescaled to it.

    Returns
    -------
    Beam

    Raises
    ------
    CalibrationError
        If air is not above dark in any channel.
    """
    steps: list[Step] = []
    finite = _finite(pixels)
    dark, unsure = calibration.dark, np.zeros((1, 1), np.float32)
    if dark is None:
        dark, unsure, step = dark_from_scan(pixels)
        steps.append(step)
    air = calibration.air
    if air is None:
        air, step = find_air(pixels, dark)
        steps.append(step)
    dark, air = _same_rank(dark, air)
    transmission, span, usable = _divide(pixels, dark, air)
    both = np.asarray(usable.all(axis=0))
    valid = np.broadcast_to(both if both.ndim == 2 else both[:, None], pixels.shape[1:]).copy()
    dead = int((~usable).any(axis=0).sum()) if usable.ndim == 2 else 0
    line = span if span.ndim == 2 else span.mean(axis=2)
    per_count = np.divide(1.0, line, out=np.zeros_like(line), where=line > 0)
    code = code_step(pixels)
    given = "given" if calibration.air is not None and calibration.dark is not None else "partly estimated"
    steps.append(
        Step(
            "calibrate",
            f"T = (counts - dark)/(air - dark), air and dark {given}"
            + (f"; no air above dark in {dead} channel{'s' if dead > 1 else ''}: not valid" if dead else ""),
            {"channels_without_air": dead},
        )
    )
    if finite is not None:
        _drop(transmission, valid, finite)
    for energy, image in enumerate(transmission):
        top = float(np.quantile(sparse(image)[::8], 0.995))
        if AIR_BAND[0] < top < AIR_BAND[1]:
            continue
        # The dose was another when air was taken. Where air is not surely in view, the calibration is believed.
        scale, told = _air_level(image, valid, energy)
        if told is not None and (scale != 1.0 or top > _AIR_BAND[1]):
            image *= np.float32(1.0 / scale)
            per_count[energy] /= scale
            steps.append(told)
    return Beam(transmission, valid, code * per_count, np.maximum(LEAST_CODES * code, unsure) * per_count, tuple(steps))


def from_transmission(pixels: np.ndarray, full_scale: float | None = None) -> Beam:
    """Transmission as the machine delivered it, with air at 1 where air is surely in view.

    Integers are shares of their full scale (65535 is T = 1 for uint16; a vendor's 12-bit steps inside 16 bits are
    found and used as the quantization step); floats are taken as they are.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns)
    full_scale : float or None
        Of integers whose depth is not that of their type, such as 4095 for 12 bits.

    Returns
    -------
    Beam
    """
    finite = _finite(pixels)
    full = 1.0 if pixels.dtype.kind == "f" else float(full_scale or np.iinfo(pixels.dtype).max)
    transmission = pixels.astype(np.float32)
    if full != 1.0:
        transmission *= np.float32(1.0 / full)
    code = code_step(pixels) / full if pixels.dtype.kind != "f" else 0.0
    valid = np.ones(pixels.shape[1:], bool)
    if finite is not None:
        _drop(transmission, valid, finite)
    steps = [Step("transmission", f"delivered as transmission, full scale {full:g} taken as 1", {"full_scale": full})]
    step = np.full(pixels.shape[:2], code, np.float32)
    for energy, image in enumerate(transmission):
        scale, told = _air_level(image, valid, energy)
        if scale != 1.0:
            image *= np.float32(1.0 / scale)
            step[energy] /= scale
        if told is not None:
            steps.append(told)
    return Beam(transmission, valid, step, LEAST_CODES * step, tuple(steps))


def _air_level(image: np.ndarray, valid: np.ndarray, energy: int) -> tuple[float, Step | None]:
    """Transmission of air where it is surely in view, else 1; and what is to be said of it.

    Sure is air that at least sixteen columns at an edge of the picture see from top to bottom, beside others that see a load,
    and than which nothing is brighter.
    """
    where = open_beam(image, valid, _LEVELS)
    top = float(np.quantile(sparse(image), 0.995))
    whole = np.zeros(image.shape[1], bool) if where is None else where.whole
    scanned = np.flatnonzero(valid.any(axis=0))
    beside = whole[scanned[:_AIR_COLUMNS]].all() or whole[scanned[-_AIR_COLUMNS:]].all() if scanned.size else False
    level = 1.0
    if beside and whole.sum() >= _AIR_COLUMNS and whole.mean() < MOST_AIR:
        air = image[:, whole][:: max(1, image.shape[0] // 128)]
        level = float(np.median(air[valid[:, whole][:: max(1, image.shape[0] // 128)]]))
    if abs(level - 1.0) >= LEAST_SHIFT and top < BRIGHTER * level:
        much = "warning: " if not _AIR_BAND[0] <= level <= _AIR_BAND[1] else ""
        note = f"{much}air, seen by {int(whole.sum())} columns from top to bottom, stood at T = {level:.4f}; rescaled to 1"
        return level, Step("air level", note, {"energy": energy, "level": level, "columns": int(whole.sum())})
    if not _AIR_BAND[0] <= top <= _AIR_BAND[1]:
        note = f"warning: the brightest parts stand at T = {top:.2f}, not near 1; it was not rescaled: no air may be in view"
        return 1.0, Step("air level", note, {"energy": energy, "brightest": top})
    if where is not None and clipped(image, where):
        note = f"air is cut off at T = {top:.4f}: what differs between channels or pulses cannot be seen in it"
        return 1.0, Step("air level", note, {"energy": energy, "brightest": top})
    return 1.0, None


def _finite(pixels: np.ndarray) -> np.ndarray | None:
    """Mask of finite pixels (energies, rows, columns), or None when all are."""
    if pixels.dtype.kind != "f":
        return None
    finite = np.abs(pixels) < MOST_COUNTS  # False for NaN
    return None if finite.all() else finite


def _drop(transmission: np.ndarray, valid: np.ndarray, finite: np.ndarray) -> None:
    transmission[~finite] = 0.0
    valid &= finite.all(axis=0)


def _same_rank(dark: np.ndarray, air: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if dark.ndim == air.ndim:
        return dark, air
    return (dark[..., None], air) if dark.ndim == 2 else (dark, air[..., None])


def _divide(pixels: np.ndarray, dark: np.ndarray, air: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T, air − dark, and the channels where that is enough to divide by."""
    span = air - dark
    positive = span[span > 0]
    if positive.size == 0:
        raise CalibrationError(
            f"air is not above dark in any of {span[0].shape[0]} channels (in the middle air {np.median(air):g}, "
            f"dark {np.median(dark):g} counts); were air and dark exchanged?"
        )
    least = LEAST_SPAN * np.array([np.median(s[s > 0]) if (s > 0).any() else np.inf for s in span], np.float32)
    usable = span > least.reshape(-1, *([1] * (span.ndim - 1)))
    if not usable.any(axis=tuple(range(1, span.ndim))).all():
        raise CalibrationError(
            "air is not above dark in any channel of one energy; pass air and dark of every energy, high first"
        )
    gain = np.divide(1.0, span, out=np.zeros_like(span), where=usable)
    if span.ndim == 2:
        dark, gain = dark[..., None], gain[..., None]
    transmission = np.empty(pixels.shape, np.float32)
    for rows in blocks(pixels.shape[1], pixels.size // pixels.shape[1]):
        part = np.subtract(pixels[:, rows], dark[:, rows], out=transmission[:, rows], dtype=np.float32)
        part *= gain[:, rows]
    return transmission, span, usable
