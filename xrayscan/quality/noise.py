"""Noise: its power spectrum, and its rms where little gets through."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.errors import ShapeError

__all__ = ["NoisePower", "noise_floor", "noise_power"]

ROI = 64
LEAST_SIDE = 16
DARK = (0.005, 0.01, 0.02)
ENOUGH = 400
_SPREAD_OF_MEDIAN = 1.6  # variance of a normal distribution's median deviation over that of its rms: 37 % efficiency


@dataclass(frozen=True, eq=False)
class NoisePower:
    """Noise power spectrum of a flat area.

    Attributes
    ----------
    rows, columns : ndarray, shape (frequencies,) [line pairs/m]
        Frequencies along the array and along the travel, from 0.
    power : ndarray, shape (row frequencies, column frequencies) [mm² of T²]
        Of both signs of the column frequency and of the row frequency, as ``numpy.fft.fft2`` orders them.
    variance : float
        Of the detrended pixels, in T²; the integral of the power over all frequencies.
    pieces : int
        Pieces of which it is the mean.
    """

    rows: np.ndarray
    columns: np.ndarray
    power: np.ndarray
    variance: float
    pieces: int

    @property
    def integral(self) -> float:
        """Power summed over frequencies: the variance again [T²]."""
        step = abs(self.rows[1] - self.rows[0]) * abs(self.columns[1] - self.columns[0])
        return float(self.power.sum() * step * 1e-6)

    def along(self, axis: str) -> tuple[np.ndarray, np.ndarray]:
        """Frequency [line pairs/m] and power [mm² of T²] along one axis: the mean over the lines next to the axis.

        The axis itself is left out, and so are the lines of the other's lowest frequency, which hold stripes.
        """
        power = self.power if axis == "columns" else self.power.T
        frequency = self.columns if axis == "columns" else self.rows
        keep = np.arange(1, frequency.size // 2)
        lines = [k for k in (2, 3, 4, -2, -3, -4) if abs(k) < power.shape[0] // 2]
        return frequency[keep], power[lines][:, keep].mean(axis=0)


def noise_power(image: np.ndarray, pitch: tuple[float, float], *, size: int = ROI) -> NoisePower:
    """Noise power spectrum of a flat area, from half-overlapping square pieces, a plane taken off each.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        Transmission; flat but for noise.
    pitch : (float, float) [m]
        Row and column pitch.
    size : int
        Side of a piece [px]; less where the area is smaller.

    Returns
    -------
    NoisePower

    Raises
    ------
    ShapeError
        If the area is under 16 pixels high or wide.

    References
    ----------
    IEC 62220-1-1:2015, clause 6.3.2 (NNPS: overlapping pieces, trend removed).

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(1.0, 0.01, (256, 256))
    >>> spectrum = noise_power(white, (0.005, 0.005))
    >>> round(spectrum.integral / spectrum.variance, 3), round(float(spectrum.power.mean() / (0.01**2 * 5 * 5)), 2)
    (1.0, 1.0)
    """
    side = min(size, *image.shape)
    if side < LEAST_SIDE:
        raise ShapeError(
            f"a noise power spectrum of {image.shape[0]} x {image.shape[1]} pixels; "
            f"expected {LEAST_SIDE} or more on both sides",
            expected=(LEAST_SIDE, LEAST_SIDE),
            actual=image.shape,
        )
    down, across = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side), indexing="ij")
    plane = np.stack([np.ones(side * side), down.ravel(), across.ravel()], axis=1)
    total, variance, pieces = np.zeros((side, side)), 0.0, 0
    for top in range(0, image.shape[0] - side + 1, max(1, side // 2)):
        for left in range(0, image.shape[1] - side + 1, max(1, side // 2)):
            piece = np.asarray(image[top : top + side, left : left + side], np.float64).ravel()
            rest = piece - plane @ np.linalg.lstsq(plane, piece, rcond=None)[0]
            total += np.abs(np.fft.fft2(rest.reshape(side, side))) ** 2
            variance += float((rest**2).mean())
            pieces += 1
    area = pitch[0] * pitch[1] * 1e6
    rows, columns = (np.fft.fftfreq(side, step) for step in pitch)
    return NoisePower(rows, columns, total / pieces * area / side**2, variance / pieces, pieces)


def noise_floor(transmission: np.ndarray, valid: np.ndarray) -> tuple[float, float, int, float] | None:
    """Rms noise of T where little gets through.

    The median deviation of T from the mean of its left and right neighbor, over pixels whose local mean is under 0.5 % (1, 2 %
    where too few are), as the rms of a normal distribution.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
        Not cut off at any floor.
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    rms, error : float
    pixels : int
    level : float
        T under which they lie. None instead of all four where nothing is that dense.

    References
    ----------
    Hampel (1974), doi:10.1080/01621459.1974.10482962 (0.6745).
    """
    if transmission.shape[1] < 8:
        return None
    filled = np.where(valid, transmission, np.float32(1.0))
    mean = cv2.blur(filled, (3, 3))[:, 1:-1]
    good = valid[:, 1:-1] & valid[:, 2:] & valid[:, :-2]
    for level in DARK:
        rows, columns = np.nonzero((mean < level) & good)
        if rows.size >= ENOUGH:
            sides = 0.5 * (transmission[rows, columns] + transmission[rows, columns + 2])
            off = np.abs(transmission[rows, columns + 1] - sides)
            rms = float(np.median(off)) / 0.6745 / np.sqrt(1.5)
            error = rms * _SPREAD_OF_MEDIAN / np.sqrt(2.0 * rows.size / 1.5)
            return float(rms), float(error), int(rows.size), level
    return None
