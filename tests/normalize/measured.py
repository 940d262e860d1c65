"""Drawn scenes as a simulated detector measures them, beside what it would have measured without errors of dose and gain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.calibrate import from_counts
from xrayscan.scan import Calibration
from xrayscan.simulate.detector import Measurement, afterglow, blurred, cross_talk, draw_channels, measure, primary, slow, veil
from xrayscan.simulate.scanner import Scanner

NEAR = np.ones((9, 9), np.uint8)


@dataclass(frozen=True)
class Measured:
    """A measurement, the transmission of the same chain without noise, dose and gain errors, and where air is seen."""

    measurement: Measurement
    clean: np.ndarray
    air: np.ndarray
    bad: np.ndarray

    def beam(self, air: np.ndarray | None = None) -> Beam:
        """What the counts say with the calibration given; faulty channels left out, as they are known here."""
        held = self.measurement
        calibration = Calibration(air=held.air if air is None else air, dark=held.dark)
        return self.without_faults(from_counts(held.counts, calibration))

    def without_faults(self, beam: Beam) -> Beam:
        valid = beam.valid & ~(self.measurement.counts >= self.measurement.saturation).any(axis=0)
        valid[self.bad] = False
        return Beam(beam.transmission, valid, beam.step, beam.least, beam.steps)


def measure_with_truth(scanner: Scanner, depth: np.ndarray, seed: int) -> Measured:
    """One energy. The random numbers are those of `measure`: energy drift is part of the truth, as no factor corrects it."""
    detector, scatter = scanner.detector, scanner.scatter
    pitch = (scanner.geometry.detector_pitch, scanner.geometry.column_pitch)
    measurement = measure(np.random.default_rng(seed), scanner, depth[None].astype(np.float32), pitch)
    rng = np.random.default_rng(seed)
    channels = draw_channels(rng, scanner, len(depth))
    through = primary(depth.astype(np.float32), scanner.pulses.energy_drift * slow(rng, depth.shape[1]))
    through = blurred(through, pitch, detector.blur_row, detector.blur_column)
    signal = (through + veil(through, scatter, pitch[0])) / np.float32(1.0 + scatter.share + scatter.leak)
    decay = float(np.exp(-scanner.pulses.columns * pitch[1] / scanner.geometry.speed / detector.afterglow_time))
    clean = afterglow(cross_talk(signal, detector.cross_talk), detector.afterglow, decay, scanner.pulses.columns)
    bad = np.concatenate([channels.dead, channels.hot, channels.flicker])
    return Measured(measurement, clean, depth < 1e-4, bad)


@dataclass(frozen=True)
class Residuals:
    """What is left of errors that columns or channels have in common.

    ``columns`` and ``channels``, in air: rms over columns (rows) of the mean over rows (columns) of T/T_clean − 1, each pixel
    weighted by its (T_clean/σ)²; channels after columns were taken out. ``load``: rms of (T − T_clean)/σ over the penetrated
    pixels of the load, 1 is photon noise alone. ``load_columns`` and ``load_channels``: what that would be with the
    errors of columns (of channels) alone added to photon noise.
    """

    columns: float
    channels: float
    load: float
    load_columns: float
    load_channels: float


def residuals(beam: Beam, truth: Measured) -> Residuals:
    clean, sigma = truth.clean, truth.measurement.sigma[0]
    good = beam.valid & np.isfinite(sigma) & (sigma > 0)
    sigma = np.where(good, sigma, 1.0)
    off = np.clip((beam.transmission[0] - clean) / sigma, -8.0, 8.0)
    near = cv2.erode(truth.air.astype(np.uint8), NEAR) > 0
    beside = cv2.dilate(near.astype(np.uint8), NEAR) > 0
    load = good & ~beside & ~truth.measurement.opaque & (clean > 3.0 * sigma)
    air_columns, air_channels = _common(off, clean / sigma, good & near)
    columns, channels = _common(off, clean / sigma, load)
    known = np.where(load, clean / sigma, 0.0)

    def added(error: np.ndarray, axis: int) -> float:
        weight = (known**2).sum(axis=axis)
        # The mean over a column has photon noise itself, of variance 1/weight.
        own = np.maximum(error**2 - 1.0 / np.maximum(weight, 1e-9), 0.0) * weight
        return float(np.sqrt(1.0 + np.nansum(own) / load.sum()))

    return Residuals(
        float(np.sqrt(np.nanmean(air_columns**2))),
        float(np.sqrt(np.nanmean(air_channels**2))),
        float(np.sqrt(np.mean(off[load] ** 2))),
        added(columns, 0),
        added(channels, 1),
    )


def _common(off: np.ndarray, relative: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weight = np.where(where, relative, 0.0)
    found = []
    for axis in (0, 1):
        total, enough = (weight**2).sum(axis=axis), where.sum(axis=axis) >= 8
        error = np.where(enough, (weight * off).sum(axis=axis) / np.maximum(total, 1e-9), np.nan)
        found.append(error)
        if axis == 0:
            off = off - weight * np.nan_to_num(error)
    return found[0], found[1]
