"""The scanner: how it looks at the vehicle, its beam and its detector, as numbers that are drawn once and can be kept.

Every parameter is in the unit that its docstring says. `Scanner` goes to a record with `dataclasses.asdict` and comes back
with `Scanner.from_record`, so that any scan can be made again. What the numbers do is in `xrayscan.simulate.detector`.

The ranges: 2.5 to 9 MV, 2.5 to 5 mm detectors in modules of 32, 0.2 to 17 m/s and steel penetration of 200 to 450 mm are
those of published cargo scanners (IEC 62523:2010 and ANSI N42.46-2008 say how they are measured). Gains, drifts, faults,
wobble and veil are not published; they are drawn widely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from xrayscan.errors import RecipeError

__all__ = ["MODULE", "PRESETS", "Detector", "Geometry", "Preset", "Pulses", "Scanner", "Scatter", "draw_scanner", "travel"]

Array = Literal["vertical", "L"]
Range = tuple[float, float]
Rng = np.random.Generator

MODULE = 32  # channels of one detector module
SOURCES = (2.5, 3.0, 3.8, 4.0, 4.5, 6.0, 6.0, 7.5, 9.0)  # endpoints of linacs that are built into scanners [MeV]
MIXED = 0.5  # share of scanners that are no preset
SINGLE = 0.4  # share of dual-energy scanners that are used with one energy


def _check(what: str, value: float, low: float, high: float, unit: str = "") -> None:
    if not low <= value <= high:
        raise RecipeError(f"{what} is {value:g}{unit}; expected {low:g} to {high:g}{unit}")


def _check_range(what: str, span: Range, low: float, high: float, unit: str) -> None:
    if len(span) != 2 or not low <= span[0] <= span[1] <= high:
        raise RecipeError(f"{what} is {tuple(span)}{unit}; expected (least, most) between {low:g} and {high:g}{unit}")


@dataclass(frozen=True)
class Geometry:
    """How the scanner looks at the vehicle. Ranges hold for its scans: no two vehicles stand alike.

    Attributes
    ----------
    source_distance : (float, float) [m]
        Range of the distance from the source to the near wall of the load.
    source_height : (float, float) [m]
        Range of the source's height above the ground.
    array : {"vertical", "L"}
        An L has its upper channels on a horizontal arm, with a seam in the corner.
    detector_pitch, column_pitch : float [m]
        Of one channel and of one detector column, in the middle of the load.
    speed : float [m/s]
        Of the travel.
    wobble_amplitude, wobble_frequency : float [m], [Hz]
        Of the boom's or the vehicle's sway, up and down.
    speed_error : float
        Relative rms over scans of the mean speed against the speed that the scanner believes.
    speed_ripple, ripple_length : float, float [m]
        Relative rms of the speed within a scan, and the wavelength of its changes.
    braking : float
        Relative change of the speed from the first column to the last; negative: the vehicle brakes.
    tilt, yaw : (float, float) [degree]
        Ranges of the vehicle's rise along the travel, and of its turn about the vertical.
    """

    source_distance: Range = (2.0, 2.3)
    source_height: Range = (1.8, 2.1)
    array: Array = "vertical"
    detector_pitch: float = 0.0047
    column_pitch: float = 0.0047
    speed: float = 0.4
    wobble_amplitude: float = 0.001
    wobble_frequency: float = 1.2
    speed_error: float = 0.005
    speed_ripple: float = 0.003
    ripple_length: float = 2.0
    braking: float = 0.0
    tilt: Range = (-0.5, 0.5)
    yaw: Range = (-1.0, 1.0)

    def __post_init__(self) -> None:
        _check_range("source_distance", self.source_distance, 0.2, 60.0, " m")
        _check_range("source_height", self.source_height, -2.0, 10.0, " m")
        _check_range("tilt", self.tilt, -10.0, 10.0, " degrees")
        _check_range("yaw", self.yaw, -30.0, 30.0, " degrees")
        if self.array not in ("vertical", "L"):
            raise RecipeError(f"the detector array is {self.array!r}; expected 'vertical' or 'L'")
        _check("detector_pitch", self.detector_pitch, 1e-4, 0.2, " m")
        _check("column_pitch", self.column_pitch, 1e-4, 0.2, " m")
        _check("speed", self.speed, 0.001, 40.0, " m/s")
        _check("ripple_length", self.ripple_length, 0.01, 1e4, " m")


@dataclass(frozen=True)
class Pulses:
    """The linac's pulses. What a scanner sums into one column counts as one pulse.

    Attributes
    ----------
    quanta : float
        Photons of the high energy detected by one channel in one pulse, in the open beam.
    columns : int
        Detector columns, which are columns of the picture that one pulse makes.
    rms : float
        Relative rms of the dose from pulse to pulse that the reference detector leaves.
    drift : float
        Relative rms of the dose's slow drift.
    energy_drift : float
        Relative rms of the slow drift of the endpoint.
    ramp, ramp_length : float
        Share of the dose that is lost towards the last column, and the share of the scan over which that happens.
    low_level : float
        Open-beam signal, and photons, of the low energy as a share of the high one's.
    interlace : float
        Periods of one energy's pulses by which the low picture comes late: 0.5 where every second pulse is low.
    """

    quanta: float = 2e5
    columns: int = 1
    rms: float = 0.002
    drift: float = 0.002
    energy_drift: float = 0.003
    ramp: float = 0.0
    ramp_length: float = 0.2
    low_level: float = 0.6
    interlace: float = 0.0

    def __post_init__(self) -> None:
        _check("quanta", self.quanta, 1.0, 1e12)
        _check("columns of one pulse", self.columns, 1, 64)
        _check("low_level", self.low_level, 0.01, 2.0)
        _check("interlace", self.interlace, -1.0, 1.0)
        _check("ramp", self.ramp, 0.0, 0.99)
        _check("ramp_length", self.ramp_length, 1e-3, 1.0)


@dataclass(frozen=True)
class Detector:
    """Crystals, channels and converter.

    Attributes
    ----------
    crystal_depth : float [cm]
        Of the scintillator along the ray.
    bits : int
        Of the converter, which is full at 2**bits − 1 counts.
    full_scale : float [counts]
        Signal of the open beam in a channel of gain 1, over the dark.
    dark, dark_spread, dark_drift : float [counts]
        Closed beam, its rms over channels, and the rms of what it moves from the calibration to the end of a scan.
    read_noise : float [counts]
        Rms of a pixel in the dark.
    module_noise : float
        Spread of the read noise over modules, as rms of its logarithm.
    gain_spread, module_step, gain_drift, column_spread : float
        Relative rms of the gain over channels, over modules of 32 channels, since the calibration, and between the detector
        columns of one channel.
    dead, hot, flicker : float
        Share of channels that give nothing or one level, that shout, and that jump between two gains.
    seam, seam_rows, seam_gap : float, int, int
        Where the corner of an L lies as a share of the rows from the top (0: none), the rows that see less there, and
        how many of them are missing.
    blur_row, blur_column : float [m]
        Sigma of focal spot and detector aperture together, at the load.
    cross_talk : float
        Share of a channel's signal that goes to each neighbor in its module.
    afterglow, afterglow_time : float, float [s]
        Share of the signal that comes late, and the time constant with which it comes.
    frames : int
        Pulses averaged into each calibration line.
    """

    crystal_depth: float = 3.0
    bits: int = 16
    full_scale: float = 55_000.0
    dark: float = 400.0
    dark_spread: float = 40.0
    dark_drift: float = 0.5
    read_noise: float = 3.0
    module_noise: float = 0.15
    gain_spread: float = 0.05
    module_step: float = 0.03
    gain_drift: float = 0.0005
    column_spread: float = 0.002
    dead: float = 0.001
    hot: float = 0.0005
    flicker: float = 0.0005
    seam: float = 0.0
    seam_rows: int = 4
    seam_gap: int = 1
    blur_row: float = 0.002
    blur_column: float = 0.0025
    cross_talk: float = 0.02
    afterglow: float = 0.005
    afterglow_time: float = 0.02
    frames: int = 256

    def __post_init__(self) -> None:
        _check("bits", self.bits, 8, 16)
        for name in ("full_scale", "frames"):
            _check(name, getattr(self, name), 1.0, 1e6)
        for name in ("dark", "dark_spread", "dark_drift", "read_noise"):
            _check(name, getattr(self, name), 0.0, self.saturation, " counts")
        for name in ("dead", "hot", "flicker", "afterglow", "seam"):
            _check(f"{name} share", getattr(self, name), 0.0, 1.0)
        _check("cross_talk", self.cross_talk, 0.0, 0.3)
        _check("afterglow_time", self.afterglow_time, 1e-6, 100.0, " s")

    @property
    def saturation(self) -> int:
        """The highest number that the converter writes [counts]."""
        return 2**self.bits - 1


@dataclass(frozen=True)
class Scatter:
    """The veil of scattered rays.

    Attributes
    ----------
    share : float
        Of the primary around a pixel, in a thin load; it grows with the load's thickness.
    reach : float [m]
        Length along the rows over which "around" is.
    leak : float
        Of the mean primary of the whole column, everywhere: what is left where nothing is penetrated.
    """

    share: float = 0.015
    reach: float = 0.75
    leak: float = 1e-4

    def __post_init__(self) -> None:
        _check("scatter share", self.share, 0.0, 0.5)
        _check("scatter reach", self.reach, 0.01, 20.0, " m")
        _check("scatter leak", self.leak, 0.0, 0.1)


@dataclass(frozen=True)
class Scanner:
    """A scanner's beam, geometry and faults. Without arguments: an ordinary 6 MV gantry.

    Attributes
    ----------
    endpoints : tuple of float [MeV]
        One energy, or high then low.
    filter_iron : float [cm]
        Steel in the beam.
    geometry : Geometry
    pulses : Pulses
    detector : Detector
    scatter : Scatter
    name : str
        The preset it was drawn from, "mixed", or "".

    Raises
    ------
    RecipeError

    Examples
    --------
    >>> from dataclasses import asdict
    >>> scanner = Scanner(endpoints=(6.0, 4.0))
    >>> Scanner.from_record(asdict(scanner)) == scanner
    True
    """

    endpoints: tuple[float, ...] = (6.0,)
    filter_iron: float = 1.0
    geometry: Geometry = field(default_factory=Geometry)
    pulses: Pulses = field(default_factory=Pulses)
    detector: Detector = field(default_factory=Detector)
    scatter: Scatter = field(default_factory=Scatter)
    name: str = ""

    def __post_init__(self) -> None:
        if len(self.endpoints) not in (1, 2) or list(self.endpoints) != sorted(self.endpoints, reverse=True):
            raise RecipeError(f"the endpoints are {self.endpoints} MeV; expected one energy, or high then low")
        for endpoint in self.endpoints:
            _check("the endpoint", endpoint, 1.0, 10.0, " MeV")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Scanner:
        """The scanner that ``dataclasses.asdict`` made a record of, after JSON or not.

        Raises
        ------
        RecipeError
            If a key is not known.
        """
        parts = {"geometry": Geometry, "pulses": Pulses, "detector": Detector, "scatter": Scatter}
        made = {key: _from_record(parts[key], value) if key in parts else value for key, value in record.items()}
        return _from_record(cls, made)


def _from_record(kind: type, record: Mapping[str, Any]) -> Any:
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(record) - known)
    if unknown:
        raise RecipeError(f"{kind.__name__} has no {unknown[0]!r}; it has {', '.join(sorted(known))}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in record.items()})


@dataclass(frozen=True)
class Preset:
    """Ranges from which scanners of one kind are drawn: (least, most), or a tuple of choices where it says so.

    Attributes
    ----------
    high, low : tuple of float [MeV]
        Choices of the endpoints; no low ones: one energy.
    source_distance, source_height : (float, float) [m]
    arrays : tuple of str
        Choices.
    detector_pitch : (float, float) [m]
    speed : (float, float) [m/s]
    pulse_step : (float, float) [m]
        Travel from one pulse to the next of the same energy.
    columns : tuple of int
        Choices of the detector columns that share this step.
    quanta : (float, float)
    bits : tuple of int
        Choices.
    wobble : (float, float) [m]
    speed_error : (float, float)
    """

    high: tuple[float, ...]
    low: tuple[float, ...]
    source_distance: Range
    source_height: Range
    arrays: tuple[Array, ...]
    detector_pitch: Range
    speed: Range
    pulse_step: Range
    columns: tuple[int, ...]
    quanta: Range
    bits: tuple[int, ...]
    wobble: Range
    speed_error: Range


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "mobile 3 MV": Preset(
            (3.0,), (), (1.6, 3.0), (1.2, 2.2), ("L",), (0.003, 0.005), (0.2, 0.6), (0.003, 0.006), (1,), (3e4, 2e5),
            (14, 16), (0.001, 0.008), (0.003, 0.02),
        ),
        "gantry 6/4 MV": Preset(
            (6.0,), (3.5, 4.0), (1.9, 3.6), (1.3, 2.4), ("vertical", "L"), (0.003, 0.005), (0.2, 0.8), (0.003, 0.006),
            (1,), (1e5, 6e5), (16,), (0.0002, 0.002), (0.001, 0.006),
        ),
        "portal 4.5 MV": Preset(
            (4.5,), (), (2.0, 3.5), (1.2, 2.2), ("L", "vertical"), (0.0035, 0.0055), (1.4, 3.6), (0.010, 0.014), (2, 3, 4),
            (4e4, 2e5), (14, 16), (0.001, 0.005), (0.01, 0.05),
        ),
        "fixed 9/6 MV": Preset(
            (9.0,), (6.0,), (2.5, 5.5), (1.0, 2.2), ("vertical", "L"), (0.0025, 0.0045), (0.2, 0.6), (0.0025, 0.005),
            (1,), (1.2e5, 1e6), (16,), (0.0, 0.0005), (0.001, 0.004),
        ),
        "rail 9 MV": Preset(
            (9.0,), (), (3.0, 5.5), (1.5, 2.5), ("vertical",), (0.0035, 0.0055), (5.0, 16.7), (0.018, 0.056), (4, 6, 8, 12),
            (8e4, 4e5), (16,), (0.0005, 0.004), (0.003, 0.02),
        ),
    }
)  # fmt: skip


def _log(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _pick(rng: Rng, choices: tuple[Any, ...]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _mixed(rng: Rng, names: tuple[str, ...]) -> Preset:
    """A scanner that nobody sells: the beam of any linac, and geometry, travel and detector each of another preset."""
    kinds = [PRESETS[name] for name in names]
    looks, moves, counts = (kinds[int(k)] for k in rng.integers(len(kinds), size=3))
    high = _pick(rng, SOURCES)
    low = tuple(round(share * high, 1) for share in (0.55, 0.67)) if rng.random() < 0.35 else ()
    return replace(
        looks,
        high=(high,),
        low=low,
        speed=moves.speed,
        pulse_step=moves.pulse_step,
        columns=moves.columns,
        wobble=moves.wobble,
        speed_error=moves.speed_error,
        quanta=(0.6 * counts.quanta[0], 1.5 * counts.quanta[1]),
        bits=(12, 14, 16, 16),
    )


def draw_scanner(rng: Rng, preset: str | None = None, among: tuple[str, ...] = ()) -> Scanner:
    """Draw a scanner.

    Parameters
    ----------
    rng : Generator
    preset : str or None
        A name of `PRESETS`. None draws any of them, or a mix of several with the beam of any linac between 2.5 and 9 MV,
        and uses some of the dual-energy ones with their high energy alone.
    among : tuple of str
        Without a preset, the presets to draw and mix; empty: all of them.

    Returns
    -------
    Scanner

    Raises
    ------
    RecipeError
        If there is no such preset.
    """
    for known in (*among, preset):
        if known is not None and known not in PRESETS:
            raise RecipeError(f"no scanner {known!r}; known are {', '.join(PRESETS)}")
    name, names = preset, among or tuple(PRESETS)
    if name is None:
        name = "mixed" if rng.random() < MIXED else _pick(rng, names)
    kind = _mixed(rng, names) if name == "mixed" else PRESETS[name]
    if preset is None and kind.low and rng.random() < SINGLE:
        kind = replace(kind, low=())
    high = _pick(rng, kind.high)
    endpoints = (high, _pick(rng, kind.low)) if kind.low else (high,)
    # One machine is well kept and another is not: faults come together.
    wear = float(np.clip(np.exp(rng.normal(0.0, 0.6)), 0.3, 4.0))
    columns = _pick(rng, kind.columns)
    geometry = _draw_geometry(rng, kind, columns)
    return Scanner(
        endpoints=endpoints,
        filter_iron=_pick(rng, (0.5, 1.0, 1.0, 1.5, 2.0)),
        geometry=geometry,
        pulses=_draw_pulses(rng, kind, columns, wear),
        detector=_draw_detector(rng, kind, geometry, wear),
        scatter=Scatter(rng.uniform(0.008, 0.025), rng.uniform(0.5, 1.0), _log(rng, 1e-5, 2e-3)),
        name=name,
    )


def _draw_geometry(rng: Rng, kind: Preset, columns: int) -> Geometry:
    speed = rng.uniform(*kind.speed)
    near, height = rng.uniform(*kind.source_distance), rng.uniform(*kind.source_height)
    steepest = rng.uniform(0.1, 2.0)
    # Vehicles that drive themselves do not keep their speed; a gantry does.
    braking = rng.normal(0.0, 0.1) if speed > 1.0 and rng.random() < 0.5 else 0.0
    return Geometry(
        source_distance=(near - 0.1, near + rng.uniform(0.05, 0.4)),
        source_height=(height - 0.02, height + 0.02),
        array=_pick(rng, kind.arrays),
        detector_pitch=rng.uniform(*kind.detector_pitch),
        column_pitch=rng.uniform(*kind.pulse_step) / columns,
        speed=speed,
        wobble_amplitude=rng.uniform(*kind.wobble),
        wobble_frequency=rng.uniform(0.5, 3.0),
        speed_error=rng.uniform(*kind.speed_error),
        speed_ripple=rng.uniform(0.2, 1.0) * kind.speed_error[1],
        ripple_length=_log(rng, 0.5, 8.0),
        braking=float(np.clip(braking, -0.25, 0.25)),
        tilt=(-steepest, steepest),
        yaw=(-1.0, 1.0) if kind.speed[1] <= 1.0 else (-2.5, 2.5),
    )


def _draw_pulses(rng: Rng, kind: Preset, columns: int, wear: float) -> Pulses:
    fast = kind.speed[1] > 1.0
    return Pulses(
        quanta=_log(rng, *kind.quanta),
        columns=columns,
        rms=min(0.01, wear * _log(rng, 4e-4, 3e-3)),
        drift=wear * _log(rng, 3e-4, 5e-3),
        energy_drift=wear * _log(rng, 5e-4, 6e-3),
        ramp=rng.uniform(0.05, 0.6) if rng.random() < 0.03 else 0.0,
        ramp_length=rng.uniform(0.05, 0.4),
        low_level=rng.uniform(0.4, 0.9),
        interlace=0.5 if fast else rng.uniform(0.0, 0.5),
    )


def _draw_detector(rng: Rng, kind: Preset, geometry: Geometry, wear: float) -> Detector:
    bits = _pick(rng, kind.bits)
    gain_spread, module_step = rng.uniform(0.02, 0.08), rng.uniform(0.0, 0.06)
    # Installers set the gain so that the strongest channels just fit.
    full = 2**bits * rng.uniform(0.65, 0.93) / (1 + 2.5 * float(np.hypot(gain_spread, module_step)))
    dark = 2**bits * _log(rng, 0.0015, 0.015)
    aperture = geometry.detector_pitch * rng.uniform(0.3, 0.6)
    return Detector(
        crystal_depth=_pick(rng, (2.0, 2.5, 3.0, 3.0, 3.5, 4.0)),
        bits=bits,
        full_scale=full,
        dark=dark,
        dark_spread=dark * rng.uniform(0.02, 0.2),
        dark_drift=min(0.1 * dark, wear * full * _log(rng, 2e-6, 5e-5)),
        read_noise=max(0.5, full * _log(rng, 1.5e-5, 2.5e-4)),
        module_noise=rng.uniform(0.05, 0.35),
        gain_spread=gain_spread,
        module_step=module_step,
        gain_drift=wear * _log(rng, 1e-4, 2e-3),
        column_spread=wear * _log(rng, 3e-4, 3e-3),
        dead=float(rng.choice([0.0, 0.001, 0.003])) * wear,
        hot=float(rng.choice([0.0, 0.0, 0.001])) * wear,
        flicker=float(rng.choice([0.0, 0.0, 0.001])) * wear,
        seam=rng.uniform(0.04, 0.3) if geometry.array == "L" else 0.0,
        seam_rows=int(rng.integers(2, 7)),
        seam_gap=int(rng.integers(0, 3)),
        blur_row=aperture,
        blur_column=float(np.hypot(aperture * rng.uniform(0.7, 1.1), rng.uniform(0.0, 0.0025))),
        cross_talk=rng.uniform(0.01, 0.05),
        # Who scans fast buys fast crystals.
        afterglow=_log(rng, 5e-4, 0.004 if geometry.speed > 1.0 else 0.02),
        afterglow_time=_log(rng, 0.002, 0.02 if geometry.speed > 1.0 else 0.08),
        frames=int(_log(rng, 64, 1024)),
    )


def travel(rng: Rng, scanner: Scanner, columns: int, pitch: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Errors of the travel: what each step along it is too long, and how high each column looks.

    The columns of one pulse are made at one moment by a rigid array: they share one lift, and the speed error shows between
    pulses only, as a strip that is left out or seen twice. Sway is two modes of the boom (or of the vehicle's springs), with
    the amplitude and at the frequency that the geometry says and a weaker one above it. Tilt is a rise along the travel.

    Parameters
    ----------
    rng : Generator
    scanner : Scanner
    columns : int
    pitch : float or None [m]
        Column pitch of the picture; None: the scanner's own.

    Returns
    -------
    dx : ndarray of float64, shape (columns,) [m]
        Error of the step that leads to each column; the first is 0. Columns lie at ``nominal + dx.cumsum()``.
    lift : ndarray of float64, shape (columns,) [m]
        Height by which the vehicle stands above its nominal place, its mean near 0.

    Raises
    ------
    RecipeError
        If there is no column.
    """
    if columns < 1:
        raise RecipeError(f"a scan of {columns} columns; expected at least 1")
    geometry, block = scanner.geometry, scanner.pulses.columns
    step = geometry.column_pitch if pitch is None else pitch
    first = np.arange(columns) // block * block  # the column with which each pulse starts
    x = first * step
    length = max(float(columns * step), 1e-9)
    phase = rng.uniform(0, 2 * np.pi, 4)
    ripple = np.sin(2 * np.pi * x / geometry.ripple_length + phase[0])
    ripple = ripple + np.sin(2 * np.pi * x / (2.7 * geometry.ripple_length) + phase[1])
    relative = geometry.speed_error * rng.standard_normal() + geometry.speed_ripple * ripple
    relative = np.clip(relative + geometry.braking * (x / length - 0.5), -0.6, 1.5)
    dx = np.where(np.arange(columns) == first, relative * block * step, 0.0)
    dx[0] = 0.0
    turns = 2 * np.pi * geometry.wobble_frequency * x / geometry.speed
    sway = 0.8 * np.sin(turns + phase[2]) + 0.2 * np.sin(2.6 * turns + phase[3])
    rise = np.tan(np.radians(rng.uniform(*geometry.tilt)))
    return dx, geometry.wobble_amplitude * sway + rise * (x - length / 2)
