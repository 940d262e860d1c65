"""From optical depth to the numbers that a scanner writes.

The effects come in the order in which they happen: the beam (energy drift, attenuation), its way to the crystal (blur, scatter
veil, and for the low energy another moment), the photons (dose, quanta), the crystal (cross-talk, afterglow), the channel
(gain, drift, faults, dark, read noise) and the converter (whole numbers, saturation). Signals are shares of the open beam.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.scanner import MODULE, Pulses, Scanner, Scatter

__all__ = [
    "Channels",
    "Measurement",
    "afterglow",
    "blurred",
    "cross_talk",
    "dose",
    "draw_channels",
    "later",
    "measure",
    "opaque_pixels",
    "primary",
    "quanta",
    "slow",
    "veil",
]

Rng = np.random.Generator

SWANK = 1.4  # variance of the energy deposited, over that of counting: 1/I of Swank for a bremsstrahlung spectrum
FEW = 50.0  # events below which a normal distribution is no longer one of quanta
HARDENING = 0.3  # relative loss of optical depth per relative gain of the endpoint
_COARSE = 0.05  # [m]


@dataclass(frozen=True, eq=False)
class Channels:
    """What one detector is like on one day, channel by channel.

    Attributes
    ----------
    gain : ndarray of float32, shape (rows,)
        1 is that of ``full_scale``; 0 where dead.
    calibrated_gain : ndarray of float32, shape (rows,)
        The gain when the air line was taken.
    dark, dark_drift : ndarray of float32, shape (rows,) [counts]
        In the middle of the scan, and what it moves from the first column to the last.
    read_noise : ndarray of float32, shape (rows,) [counts]
    columns : ndarray of float32, shape (rows, columns of a pulse)
        Gain of each detector column over the channel's.
    dead, hot, flicker, seam : ndarray of intp
        Rows: dead or stuck; hot; jumping between two gains; in the corner of an L (those missing are also dead).
    """

    gain: np.ndarray
    calibrated_gain: np.ndarray
    dark: np.ndarray
    dark_drift: np.ndarray
    read_noise: np.ndarray
    columns: np.ndarray
    dead: np.ndarray
    hot: np.ndarray
    flicker: np.ndarray
    seam: np.ndarray


@dataclass(frozen=True, eq=False)
class Measurement:
    """What the machine wrote, and the truth about it.

    Attributes
    ----------
    counts : ndarray of uint16, shape (energies, rows, columns)
    true_air, true_dark : ndarray of float32, shape (energies, rows) [counts]
        Open and closed beam in the middle of the scan.
    air, dark : ndarray of float32, shape (energies, rows) [counts]
        As measured before the scan: averaged frames, and drift since.
    channels : Channels
    sigma : ndarray of float32, shape (energies, rows, columns)
        Rms noise of a pixel as a share of the open beam: quanta, read noise and whole numbers. What whole columns or
        channels have in common (dose, drift, gain) is not in it.
    opaque : ndarray of bool, shape (rows, columns)
        See `opaque_pixels`.
    saturation : int [counts]
    """

    counts: np.ndarray
    true_air: np.ndarray
    true_dark: np.ndarray
    air: np.ndarray
    dark: np.ndarray
    channels: Channels
    sigma: np.ndarray
    opaque: np.ndarray
    saturation: int


def slow(rng: Rng, columns: int, longest: float = 4.0) -> np.ndarray:
    """A slow fluctuation of expected rms 1, shape (columns,): three sines, half a scan to ``longest`` scans long."""
    periods = np.exp(rng.uniform(np.log(0.5), np.log(longest), 3))
    phase = rng.uniform(0, 2 * np.pi, 3)
    place = np.linspace(0.0, 2 * np.pi, columns)
    waves = np.sin(place[:, None] / periods + phase) * np.sqrt(2 / 3)
    return waves.sum(axis=1).astype(np.float32)


def dose(rng: Rng, pulses: Pulses, columns: int) -> np.ndarray:
    """Dose of each column as a share of the nominal one, shape (columns,).

    The same for all columns of one pulse. What is left after the reference detector, a slow drift, and on some machines a loss
    towards the end of the scan.
    """
    count = -(-columns // pulses.columns)
    shots = np.repeat(1.0 + pulses.rms * rng.standard_normal(count), pulses.columns)[:columns]
    place = np.linspace(0.0, 1.0, columns)
    lost = pulses.ramp * np.clip((place - 1.0) / pulses.ramp_length + 1.0, 0.0, 1.0) ** 2
    level = shots * (1.0 + pulses.drift * slow(rng, columns)) * (1.0 - lost)
    return level.clip(0.0).astype(np.float32)


def primary(depth: np.ndarray, drift: np.ndarray) -> np.ndarray:
    """Transmission when the endpoint drifts along the columns.

    A beam of another endpoint has another optical depth: τ' = τ (1 − 0.3 ε) with ε the relative change of the endpoint. The
    constant is that of the tabulated transmissions of 100 to 300 mm of steel between 3, 6 and 9 MV (0.21 to 0.32); for water
    it is up to 0.45.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
    drift : ndarray of float32, shape (columns,)
        ε.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    through: np.ndarray = depth * (HARDENING * drift - 1.0)[None].astype(np.float32)
    cv2.exp(through, through)
    return through


def blurred(signal: np.ndarray, pitch: tuple[float, float], row: float, column: float) -> np.ndarray:
    """The signal after focal spot and aperture: a normal point spread of sigma ``row`` and ``column`` [m].

    Spreads of under 0.2 pixels are left out.
    """
    sigmas = [spread / step for spread, step in zip((row, column), pitch, strict=True)]
    if max(sigmas) < 0.2:
        return signal
    sizes = [2 * int(np.ceil(3.5 * s)) + 1 if s >= 0.2 else 1 for s in sigmas]
    return cv2.GaussianBlur(
        signal, (sizes[1], sizes[0]), max(sigmas[1], 1e-3), sigmaY=max(sigmas[0], 1e-3), borderType=cv2.BORDER_REPLICATE
    )


def veil(through: np.ndarray, scatter: Scatter, row_pitch: float) -> np.ndarray:
    """Scattered rays that reach each pixel, as a share of the open beam.

    At any moment only one column of the load is in the beam, so scatter comes from above and below and not from the columns
    beside. Two parts: a share of what comes through within ``reach`` along the rows, growing with the thickness there as a
    build-up factor does in its linear form, B = 1 + τ; and a share of what the whole column lets through, which fills even
    where nothing is penetrated. The second is what limits penetration.

    Parameters
    ----------
    through : ndarray of float32, shape (rows, columns)
        Primary.
    scatter : Scatter
    row_pitch : float [m]

    Returns
    -------
    ndarray of float32, shape (rows, columns)

    References
    ----------
    A.B. Chilton, J.K. Shultis, R.E. Faw, Principles of Radiation Shielding (1984), on the linear build-up factor.
    """
    rows, columns = through.shape
    count = max(1, round(rows * row_pitch / _COARSE))
    coarse = cv2.resize(through, (columns, count), interpolation=cv2.INTER_AREA)
    grown = coarse * (1.0 - np.log(np.clip(coarse, 1e-9, 1.0)))
    # Two running means of half the reach: near things count more than far ones.
    width = 2 * max(0, round(scatter.reach / _COARSE / 4)) + 1
    for _ in range(2):
        grown = cv2.blur(grown, (1, width), borderType=cv2.BORDER_REPLICATE)
    total = scatter.share * grown + scatter.leak * coarse.mean(axis=0)
    return cv2.resize(total.astype(np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR)


def later(signal: np.ndarray, columns: float) -> np.ndarray:
    """The signal as seen ``columns`` later along the travel: out[c] = signal[c + columns], fractions linear, ends repeated."""
    if columns == 0.0:
        return signal
    whole, part = int(np.floor(columns)), float(columns - np.floor(columns))
    place = np.arange(signal.shape[1]) + whole
    first = signal[:, place.clip(0, signal.shape[1] - 1)]
    if part == 0.0:
        return first
    second = signal[:, (place + 1).clip(0, signal.shape[1] - 1)]
    return cv2.addWeighted(first, 1.0 - part, second, part, 0.0)


def quanta(rng: Rng, signal: np.ndarray, photons: float) -> np.ndarray:
    """The signal with the noise of its photons: mean ``signal``, variance 1.4 ``signal`` / ``photons``.

    An energy-integrating detector adds up energies that differ from photon to photon, so its variance is that of counting
    times 1/I, Swank's factor. Under 50 events the distribution is drawn as Poisson's of fewer and larger events, which has
    exactly this mean and variance; above as the normal one.

    Parameters
    ----------
    rng : Generator
    signal : ndarray of float32, shape (rows, columns)
    photons : float
        Detected in the open beam.

    Returns
    -------
    ndarray of float32, shape (rows, columns)

    References
    ----------
    R.K. Swank, J. Appl. Phys. 44 (1973) 4199, https://doi.org/10.1063/1.1662918
    """
    event = np.float32(SWANK / photons)
    noisy: np.ndarray = rng.standard_normal(signal.shape, np.float32)
    noisy *= np.sqrt(signal * event)
    noisy += signal
    few = np.flatnonzero(signal < FEW * event)
    if few.size:
        noisy.ravel()[few] = rng.poisson(signal.ravel()[few] / event) * event
    return noisy


def cross_talk(signal: np.ndarray, share: float) -> np.ndarray:
    """The signal after light and charge have leaked to the neighbors in the same module.

    Each channel gives ``share`` of its signal to each neighbor, none across the gap between modules; nothing is lost.

    Parameters
    ----------
    signal : ndarray of float32, shape (rows, columns)
    share : float

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    if share == 0.0 or signal.shape[0] < 2:
        return signal
    flow = signal[1:] - signal[:-1]
    flow *= np.float32(share)
    flow[MODULE - 1 :: MODULE] = 0.0
    out = signal.copy()
    out[:-1] += flow
    out[1:] -= flow
    return out


def afterglow(signal: np.ndarray, share: float, decay: float, columns: int = 1) -> np.ndarray:
    """The signal of which a share comes late, with an exponential tail along the travel.

    out = (1 − share) signal + share g, where g of a pulse is ``decay`` g + (1 − ``decay``) signal of the pulse before. Each
    detector column has its own crystals, so its past lies ``columns`` columns back. Before the scan was air.

    Parameters
    ----------
    signal : ndarray of float32, shape (rows, columns)
    share, decay : float
        ``decay`` is exp(−Δt/time constant), Δt from pulse to pulse.
    columns : int
        Of one pulse.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    if share == 0.0:
        return signal
    rows, width = signal.shape
    count = -(-width // columns)
    series = np.empty((count * columns, rows), np.float32)
    series[:width] = signal.T
    series[width:] = series[width - 1]
    pulses = series.reshape(count, columns * rows)
    glow, now = pulses[0].copy(), np.empty_like(pulses[0])
    kept, fresh = np.float32(decay), np.float32(1.0 - decay)
    for pulse in pulses:
        np.subtract(glow, pulse, out=now)
        # g + (1 − decay)(pulse − g) is the next tail; pulse + share (g − pulse) is what is read now.
        glow *= kept
        glow += fresh * pulse
        now *= np.float32(share)
        pulse += now
    return np.ascontiguousarray(series[:width].T)


def draw_channels(rng: Rng, scanner: Scanner, rows: int) -> Channels:
    """Draw the channels of a detector: gains, module steps every 32 rows, darks, noise, faults and the seam of an L.

    Parameters
    ----------
    rng : Generator
    scanner : Scanner
    rows : int

    Returns
    -------
    Channels
    """
    detector = scanner.detector
    count = -(-rows // MODULE)

    def by_module(spread: float) -> np.ndarray:
        return np.repeat(spread * rng.standard_normal(count), MODULE)[:rows]

    gain = (1.0 + by_module(detector.module_step)) * (1.0 + detector.gain_spread * rng.standard_normal(rows))
    gain = gain.clip(0.3, 1.5)
    drift = by_module(0.7 * detector.gain_drift) + 0.7 * detector.gain_drift * rng.standard_normal(rows)
    dark = (detector.dark + detector.dark_spread * rng.standard_normal(rows)).clip(0.0)
    dark_drift = by_module(0.7 * detector.dark_drift) + 0.7 * detector.dark_drift * rng.standard_normal(rows)
    spread = by_module(detector.module_noise) + 0.2 * detector.module_noise * rng.standard_normal(rows)
    noise = detector.read_noise * np.exp(spread)
    strips = rng.standard_normal((rows, scanner.pulses.columns)) * detector.column_spread
    strips = 1.0 + strips - strips.mean(axis=1, keepdims=True)
    fault = rng.random((3, rows)) < np.array([[detector.dead], [detector.hot], [detector.flicker]])
    start = round(detector.seam * rows)
    seam = np.arange(start, min(rows, start + detector.seam_rows)) if detector.seam > 0 else np.arange(0)
    gain[seam] *= rng.uniform(0.4, 0.9, seam.size)
    fault[0, seam[seam.size // 2 :][: detector.seam_gap]] = True
    dead = np.flatnonzero(fault[0])
    hot, flicker = np.flatnonzero(fault[1] & ~fault[0]), np.flatnonzero(fault[2] & ~fault[0] & ~fault[1])
    gain[dead] = 0.0
    stuck = dead[rng.random(dead.size) < 0.3]
    dark[stuck] = rng.uniform(0.0, detector.saturation, stuck.size)
    noise[stuck] = dark_drift[stuck] = 0.0
    noise[hot] *= rng.uniform(10.0, 40.0, hot.size)
    noise[hot] += 0.01 * detector.full_scale
    dark[hot] += rng.uniform(0.02, 0.2, hot.size) * detector.full_scale
    exact = (gain, gain / (1.0 + drift), dark, dark_drift, noise, strips)
    lines = [line.astype(np.float32) for line in exact]
    return Channels(lines[0], lines[1], lines[2], lines[3], lines[4], lines[5], dead, hot, flicker, seam)


def opaque_pixels(through: np.ndarray, scattered: np.ndarray, sigma: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Where nothing can be said, because what came straight through is lost in noise, veil or the converter's steps.

    A person takes away about half of what comes through a dense load. That half has to be told from

    - noise: the mean primary of 3 x 3 pixels has to be at least the rms noise of such a mean, σ/3, so that the tens of such
      means in a head differ by three of their own rms in all;
    - the veil, of scatter and of afterglow, which is smooth but known to nobody: over the size of a head it bends by a tenth
      of itself or so, which is what a person takes away when the mean primary is a quarter of the veil; less is lost in it;
    - the converter: the mean primary has to be at least one count.

    A pixel is opaque where any of these fails. It is a property of the measurement, not of any reader: an 8-bit export of the
    same scan loses more (`xrayscan.simulate.delivery`).

    Parameters
    ----------
    through, scattered, sigma : ndarray of float32, shape (rows, columns)
        Primary, veil (scatter and afterglow) and rms noise as shares of the open beam.
    count : ndarray, shape (rows,)
        One count as a share of the open beam.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    limit = np.maximum(sigma / 3.0, 0.25 * scattered)
    np.maximum(limit, np.asarray(count, np.float32)[:, None], out=limit)
    opaque: np.ndarray = cv2.blur(through, (3, 3), borderType=cv2.BORDER_REPLICATE) < limit
    return opaque


def measure(rng: Rng, scanner: Scanner, depth: np.ndarray, pitch: tuple[float, float]) -> Measurement:
    """What the machine writes when it scans a load.

    The picture's rows are the channels and its columns the detector columns. At another pitch than the scanner's own, photons
    are those of that area, and faults stay one row wide.

    Parameters
    ----------
    rng : Generator
        Its own, so that the scan can be made again.
    scanner : Scanner
    depth : ndarray of float32, shape (energies, rows, columns)
        Optical depth in each energy.
    pitch : (float, float) [m]
        Row and column pitch in the middle of the load.

    Returns
    -------
    Measurement

    Raises
    ------
    RecipeError
        If ``depth`` has not the scanner's number of energies, or holds what is no optical depth.
    """
    if depth.ndim != 3 or depth.shape[0] != len(scanner.endpoints) or 0 in depth.shape:
        raise RecipeError(
            f"optical depth has shape {depth.shape}, the scanner has {len(scanner.endpoints)} energies; "
            f"expected (energies, rows, columns) with as many energies"
        )
    least, most = float(depth.min()), float(depth.max())
    if not (least >= -0.01 and np.isfinite(most)):
        raise RecipeError(f"optical depth goes from {least:g} to {most:g}; expected finite values from 0")
    energies, rows, columns = depth.shape
    channels = draw_channels(rng, scanner, rows)
    drift = scanner.pulses.energy_drift * slow(rng, columns)
    counts = np.empty(depth.shape, np.uint16)
    sigma = np.empty(depth.shape, np.float32)
    lines = np.empty((4, energies, rows), np.float32)
    opaque = np.zeros((rows, columns), bool)
    for energy in range(energies):
        level = scanner.pulses.low_level if energy else 1.0
        photons = _photons(scanner, pitch) * level
        through, scattered = _arriving(scanner, np.ascontiguousarray(depth[energy], np.float32), drift, pitch, late=energy > 0)
        signal = through + scattered
        signal *= dose(rng, scanner.pulses, columns)
        sigma[energy] = _noise(scanner, channels, signal, photons, level)
        light = cross_talk(quanta(rng, signal, photons), scanner.detector.cross_talk)
        read = afterglow(light, scanner.detector.afterglow, _decay(scanner, pitch), scanner.pulses.columns)
        if energy == 0:
            gain = np.maximum(channels.gain * scanner.detector.full_scale, 1e-6)
            scattered += np.maximum(read - light, 0.0)  # what a crystal still gives of earlier columns veils as well
            opaque = opaque_pixels(through, scattered, sigma[0], 1.0 / gain)
            opaque[channels.dead] = False
        counts[energy] = _converted(rng, scanner, channels, read, level)
        lines[:, energy] = _calibration(rng, scanner, channels, photons, level)
    for array in (counts, sigma, opaque, lines):
        array.setflags(write=False)
    return Measurement(counts, lines[0], lines[1], lines[2], lines[3], channels, sigma, opaque, scanner.detector.saturation)


def _photons(scanner: Scanner, pitch: tuple[float, float]) -> float:
    """Photons of the high energy that a pixel detects in the open beam."""
    geometry = scanner.geometry
    return scanner.pulses.quanta * pitch[0] * pitch[1] / (geometry.detector_pitch * geometry.column_pitch)


def _decay(scanner: Scanner, pitch: tuple[float, float]) -> float:
    """What is left of the afterglow from one pulse to the next."""
    seconds = scanner.pulses.columns * pitch[1] / scanner.geometry.speed
    return float(np.exp(-seconds / scanner.detector.afterglow_time))


def _arriving(
    scanner: Scanner, depth: np.ndarray, drift: np.ndarray, pitch: tuple[float, float], late: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Primary and veil at the crystals as shares of the open beam, each of shape (rows, columns)."""
    detector, scatter = scanner.detector, scanner.scatter
    through = primary(depth, drift)
    spread = detector.blur_column
    if late:
        columns = scanner.pulses.interlace * scanner.pulses.columns
        through = later(through, columns)
        # The mean of two neighbors is a blur of its own: what it adds is taken off the aperture's.
        part = columns % 1.0
        spread = float(np.sqrt(max(0.0, spread**2 - part * (1 - part) * pitch[1] ** 2)))
    through = blurred(through, pitch, detector.blur_row, spread)
    scattered = veil(through, scatter, pitch[0])
    open_beam = np.float32(1.0 / (1.0 + scatter.share + scatter.leak))
    return through * open_beam, scattered * open_beam


def _kernel_power(scanner: Scanner, rows: int) -> np.ndarray:
    """Share of the photon noise's variance that cross-talk leaves in each channel, shape (rows,)."""
    flow = np.full(rows + 1, scanner.detector.cross_talk)
    flow[::MODULE] = flow[-1] = 0.0
    power: np.ndarray = (1.0 - flow[:-1] - flow[1:]) ** 2 + flow[:-1] ** 2 + flow[1:] ** 2
    return power


def _noise(scanner: Scanner, channels: Channels, signal: np.ndarray, photons: float, level: float) -> np.ndarray:
    """Rms noise of each pixel as a share of the open beam, shape (rows, columns); infinite where a channel is dead."""
    detector = scanner.detector
    kept = (1.0 - detector.afterglow) ** 2 * SWANK / photons
    variance: np.ndarray = signal * (_kernel_power(scanner, signal.shape[0]) * kept).astype(np.float32)[:, None]
    with np.errstate(divide="ignore"):
        read = (channels.read_noise.astype(np.float64) ** 2 + 1 / 12) / (channels.gain * detector.full_scale * level) ** 2
    variance += read.astype(np.float32)[:, None]
    return np.sqrt(variance, out=variance)


def _converted(rng: Rng, scanner: Scanner, channels: Channels, light: np.ndarray, level: float) -> np.ndarray:
    """Counts of one energy as whole numbers (float32), shape (rows, columns)."""
    rows, columns = light.shape
    detector = scanner.detector
    light = light * (channels.gain * np.float32(detector.full_scale * level))[:, None]
    if scanner.pulses.columns > 1:
        light *= np.tile(channels.columns, -(-columns // scanner.pulses.columns))[:, :columns]
    for row in channels.flicker:
        ends = np.cumsum(rng.geometric(1 / 150.0, columns // 50 + 2))
        state = np.searchsorted(ends, np.arange(columns)) % 2
        light[row] *= 1.0 + float(rng.choice([-1, 1]) * rng.uniform(0.03, 0.3)) * state
    noise = rng.standard_normal((rows, columns), np.float32)
    noise *= channels.read_noise[:, None]
    light += noise
    light += channels.dark[:, None]
    light += channels.dark_drift[:, None] * np.linspace(-0.5, 0.5, columns, dtype=np.float32)
    np.rint(light, out=light)
    return np.clip(light, 0.0, detector.saturation, out=light)


def _calibration(rng: Rng, scanner: Scanner, channels: Channels, photons: float, level: float) -> np.ndarray:
    """True air and dark, then air and dark as measured before the scan, shape (4, rows) [counts]."""
    detector, frames, rows = scanner.detector, scanner.detector.frames, channels.gain.size
    full = detector.full_scale * level
    read = channels.read_noise / np.sqrt(frames)
    dark = channels.dark - 0.5 * channels.dark_drift
    measured_dark = dark + read * rng.standard_normal(rows)
    beam = channels.calibrated_gain * full * (1.0 + scanner.pulses.rms / np.sqrt(frames) * rng.standard_normal())
    spread = np.hypot(beam * np.sqrt(SWANK * _kernel_power(scanner, rows) / photons / frames), read)
    measured_air = beam + dark + spread * rng.standard_normal(rows)
    lines = np.stack([channels.gain * full + channels.dark, channels.dark, measured_air, measured_dark])
    return lines.clip(0.0, detector.saturation).astype(np.float32)
