"""Interlaced energies: the low picture was taken a fraction of a column later than the high one, and is moved back."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam
from xrayscan.scan import Step

__all__ = ["align_energies", "check_order", "lateness"]

ROWS = 96  # rows that are compared
LEAST_COLUMNS = 64
FLOOR = 0.01  # transmission under which noise, and not the load, makes the changes
LONGEST = 16.0  # columns; no scanner interleaves more detector columns than that
LEAST = 0.03  # columns under which nothing is done
SURE = 0.03  # standard error [columns] that the lateness must have
LEAST_COHERENCE = 0.3
LEAST_RATIO = 1.015
FEWEST_PIXELS = 500


def align_energies(beam: Beam) -> Beam:
    """The beam with the low-energy picture moved onto the columns of the high-energy one.

    A linac that changes its energy from pulse to pulse takes the low picture half a period later, when the vehicle has moved
    on: by half a column, or by several where one pulse makes several columns. Ratios of both, and so the effective atomic
    number, are wrong along every upright edge until that is taken back.

    Parameters
    ----------
    beam : Beam

    Returns
    -------
    Beam
        The same where there is one energy, or no sure and visible lateness. Columns that would come from beyond the
        picture are not valid.
    """
    if beam.transmission.shape[0] < 2:
        return beam
    late, error = lateness(beam.transmission[0], beam.transmission[1], beam.valid)
    known = {"columns": late, "standard_error": error}
    if not error <= SURE:
        return beam.with_step(Step("interlace", "the low energy's lateness could not be measured: it is left as it is", known))
    if abs(late) < LEAST:
        return beam.with_step(Step("interlace", "both energies lie on the same columns", known))
    transmission, valid = beam.transmission.copy(), beam.valid.copy()
    move = np.array([[1.0, 0.0, late], [0.0, 1.0, 0.0]], np.float32)
    transmission[1] = cv2.warpAffine(
        transmission[1], move, transmission[1].shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    # What was not measured moves with the picture; what comes from beyond the picture was not measured either.
    gone = cv2.warpAffine(
        (~valid).astype(np.float32), move, valid.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
        borderValue=1.0,
    )  # fmt: skip
    valid &= gone <= 0.0
    note = f"the low energy came {late:.2f} columns late and was moved back"
    return beam.with_step(Step("interlace", note, known), transmission=transmission, valid=valid)


def check_order(beam: Beam) -> Beam:
    """Say so if the second energy is not the lower one: it has to be stopped more than the first, by 4 % at least.

    Behind the same load the optical depth of 6 MV against 9 MV is 1.04 (lead) to 1.2 (plastics) times as large, and more for
    other pairs, whatever the material: Compton scattering alone makes it so.

    Parameters
    ----------
    beam : Beam

    Returns
    -------
    Beam
    """
    if beam.transmission.shape[0] < 2:
        return beam
    high, low = (np.log(np.maximum(one, FLOOR)) for one in beam.transmission[:2, ::4, ::4])
    seen = beam.valid[::4, ::4] & (high < -0.3) & (high > -3.0) & (low > -4.0)
    if np.count_nonzero(seen) < FEWEST_PIXELS:
        return beam
    ratio = float(np.median(low[seen] / high[seen]))
    if ratio >= LEAST_RATIO:
        return beam
    what = "is penetrated better than the first" if ratio < 1.0 / LEAST_RATIO else "shows the same as the first"
    note = (
        f"warning: the second energy {what} (optical depths in a ratio of {ratio:.2f}; 1.04 or more is expected of a low and a "
        "high one): if the low energy comes first, say energies = ['low', 'high']"
    )
    return beam.with_step(Step("energies", note, {"ratio": ratio}))


def lateness(high: np.ndarray, low: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """By how many columns the low picture shows the vehicle further on than the high one, and the standard error.

    The phase of the cross spectrum along the columns grows in proportion to the frequency: its slope is the shift, weighted
    with how coherent both pictures are at each frequency, after Carter (1987), Coherence and time delay estimation,
    doi:10.1109/PROC.1987.13723. Sharp, and not misled by materials, which change the height of an edge but not its place.

    Parameters
    ----------
    high, low : ndarray of float32, shape (rows, columns)
        Transmission.
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    columns, error : float
        Infinite error where nothing can be told.
    """
    rows = np.flatnonzero(valid.all(axis=1) | (valid.mean(axis=1) > 0.98))
    columns = high.shape[1]
    if rows.size < 4 or columns < LEAST_COLUMNS:
        return 0.0, float("inf")
    rows = rows[:: max(1, rows.size // ROWS)]
    spectra = [np.fft.rfft(_changes(image[rows], valid[rows]), axis=1) for image in (high, low)]
    cross = _in_bands((spectra[0].conj() * spectra[1]).sum(axis=0))
    power = [_in_bands((np.abs(one) ** 2).sum(axis=0)).real for one in spectra]
    frequency = _in_bands(2 * np.pi * np.fft.rfftfreq(columns).astype(complex)).real
    coherence = np.clip(np.abs(cross) ** 2 / np.maximum(power[0] * power[1], 1e-30), 0.0, 0.9999)
    weight = np.where((coherence > LEAST_COHERENCE) & (frequency > 0), coherence / (1.0 - coherence), 0.0)
    if (weight > 0).sum() < 4:
        return 0.0, float("inf")
    shift = _coarse(cross, frequency, weight)
    rest = np.angle(cross * np.exp(1j * frequency * shift))
    near = weight * (np.abs(rest) < 1.0)
    spread = float((near * frequency**2).sum())
    if spread <= 0.0:
        return 0.0, float("inf")
    fine = -float((near * frequency * rest).sum()) / spread
    rest = rest + frequency * fine
    count = max(int((near > 0).sum()) - 1, 1)
    error = float(np.sqrt((near * rest**2).sum() / count * near.sum() / max(float((near > 0).sum()), 1.0)))
    error /= float(np.sqrt(spread * near.sum() / max(float((near > 0).sum()), 1.0)))
    # A picture that shows what comes later has moved against the columns: the phase then rises with the frequency.
    return -(shift + fine), error


def _changes(image: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Changes of ln T from column to column, tapered at both ends."""
    depth = np.log(np.maximum(image, FLOOR))
    change = np.diff(depth, axis=1, append=depth[:, -1:])
    change[~(valid & np.roll(valid, -1, axis=1))] = 0.0
    change -= np.median(change, axis=0)
    return change * np.hanning(image.shape[1]).astype(np.float32)


def _in_bands(spectrum: np.ndarray) -> np.ndarray:
    """Means over about 128 bands."""
    width = max(1, spectrum.size // 128)
    count = spectrum.size // width
    return spectrum[: count * width].reshape(count, width).mean(axis=1)


def _coarse(cross: np.ndarray, frequency: np.ndarray, weight: np.ndarray) -> float:
    """The shift at which the spectra agree best, to a quarter of a column."""
    shifts = np.arange(-LONGEST, LONGEST + 0.125, 0.25)
    phase = weight * cross / np.maximum(np.abs(cross), 1e-30)
    agreement = np.real(np.exp(1j * np.outer(shifts, frequency)) @ phase)
    return float(shifts[int(np.argmax(agreement))])
