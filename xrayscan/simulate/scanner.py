"""The scanner: from transmission to the numbers that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from xrayscan.scan import Scan

__all__ = ["DELIVERIES", "Scanner", "deliver", "draw_scanner"]

Delivery = Literal["counts", "transmission", "display"]
DELIVERIES: tuple[Delivery, ...] = ("counts", "transmission", "display")
Rng = np.random.Generator


@dataclass(frozen=True)
class Scanner:
    """A scanner's beam and faults.

    Attributes
    ----------
    endpoints : tuple of float [MeV]
        One energy, or high then low.
    quanta : float
        Photons detected per square centimeter of load plane in the open beam.
    full_scale : float [counts]
        Air level; the converter is full 8 % above it.
    dark : float [counts]
    read_noise : float [counts]
        Rms of a pixel in the dark.
    gain_spread, module_step : float
        Relative rms over channels, and over modules of 32 channels.
    pulse_rms : float
        Relative rms of the dose from pulse to pulse, after the reference detector.
    blur : float [m]
        Sigma of the point spread at the load.
    scatter : float
        Share of the local mean open-beam signal that reaches every pixel as a veil.
    dead : float
        Share of channels that give nothing.
    """

    endpoints: tuple[float, ...]
    quanta: float
    full_scale: float
    dark: float
    read_noise: float
    gain_spread: float
    module_step: float
    pulse_rms: float
    blur: float
    scatter: float
    dead: float


def draw_scanner(rng: Rng) -> Scanner:
    """Draw a scanner between a mobile 3 MV unit and a fixed 9 MV dual-energy portal."""
    high = float(rng.choice([3.0, 4.0, 4.5, 6.0, 6.0, 7.5, 9.0]))
    endpoints = (high, float(rng.uniform(0.5, 0.7) * high)) if rng.random() < 0.3 else (high,)
    bits = int(rng.choice([12, 13, 14, 16, 16]))
    full = float(2**bits * rng.uniform(0.8, 0.92))
    return Scanner(
        endpoints=endpoints,
        quanta=float(np.exp(rng.uniform(np.log(2e5), np.log(4e6)))),
        full_scale=full,
        dark=float(full * rng.uniform(0.003, 0.02)),
        read_noise=float(max(0.5, full * rng.uniform(2e-5, 3e-4))),
        gain_spread=float(rng.uniform(0.02, 0.15)),
        module_step=float(rng.uniform(0.0, 0.1)),
        pulse_rms=float(rng.uniform(0.0005, 0.006)),
        blur=float(rng.uniform(0.002, 0.006)),
        scatter=float(np.exp(rng.uniform(np.log(1e-4), np.log(0.012)))),
        dead=float(rng.choice([0.0, 0.001, 0.004])),
    )


def _signal(rng: Rng, scanner: Scanner, depth: np.ndarray, pitch: tuple[float, float], dose: np.ndarray) -> np.ndarray:
    """Relative signal with blur, veil and photon noise; 1 in the open beam, shape as ``depth`` (rows, columns)."""
    signal = np.exp(-depth)
    sigma = scanner.blur / pitch[0]
    if sigma > 0.15:
        signal = cv2.GaussianBlur(signal, (0, 0), sigma)
    wide = cv2.blur(cv2.resize(signal, None, fx=0.1, fy=0.1, interpolation=cv2.INTER_AREA), (9, 9))
    signal = signal + scanner.scatter * cv2.resize(wide, signal.shape[::-1], interpolation=cv2.INTER_LINEAR)
    photons = scanner.quanta * pitch[0] * pitch[1] * 1e4
    # Energy-integrating detectors add about 40 % to the variance of counting (Swank factor of a bremsstrahlung spectrum).
    noise = rng.standard_normal(signal.shape, np.float32) * np.sqrt(1.4 * signal / photons)
    return (signal + noise) * dose[None]


def deliver(
    rng: Rng,
    scanner: Scanner,
    depth: np.ndarray,
    pitch: tuple[float, float],
    delivery: Delivery = "counts",
    *,
    state_pitch: bool = True,
) -> Scan:
    """The scan as a scanner writes it.

    Parameters
    ----------
    rng : Generator
    scanner : Scanner
    depth : ndarray of float32, shape (energies, rows, columns)
        Optical depth of each energy.
    pitch : (float, float) [m]
    delivery : {"counts", "transmission", "display"}
        Raw counts with air and dark; normalized 16 bit in steps of 12; or an 8-bit picture with a curve of its own.
    state_pitch : bool
        Whether the scan says its pitch.

    Returns
    -------
    Scan
    """
    energies, rows, columns = (int(size) for size in depth.shape)
    pulses = 1.0 + scanner.pulse_rms * rng.standard_normal(columns)
    dose = pulses.astype(np.float32)
    modules = np.repeat(rng.normal(1.0, scanner.module_step, rows // 32 + 1), 32)[:rows]
    channels: np.ndarray = np.clip(modules * rng.normal(1.0, scanner.gain_spread, rows), 0.4, 1.4)
    gain = (channels * scanner.full_scale / 1.4).astype(np.float32)
    darks = scanner.dark * rng.normal(1.0, 0.1, rows)
    dark = darks.clip(0).astype(np.float32)
    dead = rng.random(rows) < scanner.dead
    counts = np.empty(depth.shape, np.float32)
    for k in range(energies):
        signal = _signal(rng, scanner, depth[k], pitch, dose) * gain[:, None] + dark[:, None]
        counts[k] = signal + scanner.read_noise * rng.standard_normal((rows, columns), np.float32)
    counts[:, dead] = dark[dead, None]
    counts = np.rint(counts).clip(0, scanner.full_scale * 1.08)
    # The calibration frames average some hundred pulses.
    measured_dark = dark + scanner.read_noise * rng.standard_normal(rows) / 16
    measured_air = (gain + dark) * (1 + rng.normal(0, 0.001, rows))
    stated = pitch if state_pitch else None
    if delivery == "counts":
        air, closed = measured_air.astype(np.float32), measured_dark.astype(np.float32)
        return Scan.from_array(counts.astype(np.uint16), quantity="counts", air=air, dark=closed, pixel_pitch=stated)
    transmission = (counts - measured_dark[:, None]) / (measured_air - measured_dark)[:, None]
    transmission[:, dead] = 0.0
    if delivery == "transmission":
        steps = np.rint(transmission.clip(0, 1) * 4095) * 16
        return Scan.from_array(steps.astype(np.uint16), quantity="transmission", pixel_pitch=stated)
    return Scan.from_array(_display(rng, transmission[0]), quantity="display", pixel_pitch=stated)


def _display(rng: Rng, transmission: np.ndarray) -> np.ndarray:
    """An 8-bit export: a curve of its own, air clipped to white, sometimes inverted."""
    gamma, white, black = rng.uniform(0.45, 1.1), rng.uniform(0.85, 1.0), rng.uniform(0.0, 0.01)
    value = (((transmission - black) / (white - black)).clip(0, 1) ** gamma * 255).astype(np.uint8)
    return 255 - value if rng.random() < 0.2 else value
