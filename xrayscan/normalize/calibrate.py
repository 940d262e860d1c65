"""Counts and delivered transmissions → transmission T = (counts − dark)/(air − dark)."""

from __future__ import annotations

import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.normalize.air import dark_from_scan, find_air
from xrayscan.normalize.beam import Beam, code_step, sparse
from xrayscan.scan import Calibration, Step

__all__ = ["from_counts", "from_transmission"]

LEAST_SPAN = 0.02
LEAST_CODES = 3.0
_AIR_BAND = (0.93, 1.07)


def from_counts(pixels: np.ndarray, calibration: Calibration) -> Beam:
    """Transmission from raw counts, each energy with its own air and dark.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns) [counts]
        Integers or floats; what is not finite is not valid.
    calibration : Calibration
        Air or dark that is missing is estimated from the scan, with a warning in the steps.

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
    dark, unsure = calibration.dark, 0.0
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
            + (f"; {dead} channels have no air above dark and are not valid" if dead else ""),
            {"channels_without_air": dead},
        )
    )
    if finite is not None:
        _drop(transmission, valid, finite)
    return Beam(transmission, valid, code * per_count, max(LEAST_CODES * code, unsure) * per_count, tuple(steps))


def from_transmission(pixels: np.ndarray) -> Beam:
    """Transmission as the machine delivered it.

    Integers are shares of their full scale (65535 is T = 1 for uint16; a vendor's 12-bit steps inside 16 bits are
    found and used as the quantization step); floats are taken as they are.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns)

    Returns
    -------
    Beam
    """
    finite = _finite(pixels)
    full = 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)
    transmission = pixels.astype(np.float32)
    if full != 1.0:
        transmission *= np.float32(1.0 / full)
    code = code_step(pixels) / full if pixels.dtype.kind != "f" else 0.0
    valid = np.ones(pixels.shape[1:], bool)
    if finite is not None:
        _drop(transmission, valid, finite)
    steps = [Step("transmission", f"delivered as transmission, full scale {full:g} taken as 1", {"full_scale": full})]
    top = float(np.quantile(sparse(transmission[0]), 0.995))
    if not _AIR_BAND[0] <= top <= _AIR_BAND[1]:
        note = f"warning: the brightest parts stand at T = {top:.2f}, not near 1; it was not rescaled: no air may be in view"
        steps.append(Step("air level", note, {"brightest": top}))
    step = np.full(pixels.shape[:2], code, np.float32)
    return Beam(transmission, valid, step, LEAST_CODES * step, tuple(steps))


def _finite(pixels: np.ndarray) -> np.ndarray | None:
    """Mask of finite pixels (energies, rows, columns), or None when all are."""
    if pixels.dtype.kind != "f":
        return None
    finite = np.isfinite(pixels)
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
    transmission = np.subtract(pixels, dark, dtype=np.float32)
    transmission *= gain
    return transmission, span, usable
