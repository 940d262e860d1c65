"""The nouns of a scan: what the machine delivered and what it means in physics.

Image axes everywhere: energies (high first), rows (along the detector array, top first), columns (along the travel).
Lengths are in meters, areal densities in g/cm², optical depth is dimensionless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from xrayscan.errors import CalibrationError, ShapeError
from xrayscan.geometry import Box, Geometry, Region, bands, frozen_array

__all__ = [
    "Box",
    "Calibration",
    "Geometry",
    "Manifest",
    "Radiograph",
    "Region",
    "Scan",
    "Source",
    "Step",
    "View",
    "frozen_array",
]

Quantity = Literal["counts", "transmission", "display"]
QUANTITIES: tuple[Quantity, ...] = ("counts", "transmission", "display")
ENERGIES = ("high", "low")


def _frozen_mapping(mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return MappingProxyType(dict(mapping or {}))


@dataclass(frozen=True)
class Source:
    """Where a scan came from: file and machine, never a person.

    Attributes
    ----------
    path : str or None
        The file, as it was named.
    sha256 : str or None
        Hash of the file's bytes, in hexadecimal.
    vendor, scanner : str or None
        Maker and machine, where the file names them.
    ids : mapping of str to str
        The file's own identifiers.
    """

    path: str | None = None
    sha256: str | None = None
    vendor: str | None = None
    scanner: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", _frozen_mapping(self.ids))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Source, (self.path, self.sha256, self.vendor, self.scanner, dict(self.ids)))


@dataclass(frozen=True)
class Manifest:
    """What was declared: goods, mass [kg] and whether the container should be empty."""

    goods: tuple[str, ...] = ()
    mass: float | None = None
    empty: bool | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """What turns counts into physics.

    Attributes
    ----------
    dark, air : ndarray or None, shape (energies, rows) or (energies, rows, columns) [counts]
        Closed beam and open beam I₀.
    bad_pixels : ndarray of bool or None, shape (energies, rows)
        Channels known to be dead or wrong.
    saturation : float or None [counts]
        Level at and above which the converter is full.
    """

    dark: np.ndarray | None = None
    air: np.ndarray | None = None
    bad_pixels: np.ndarray | None = None
    saturation: float | None = None

    def __post_init__(self) -> None:
        if self.bad_pixels is not None:
            object.__setattr__(self, "bad_pixels", _mask(self.bad_pixels))
        for name in ("dark", "air"):
            value = getattr(self, name)
            if value is not None:
                # What is too large for a float32 becomes infinite, and is refused as such.
                with np.errstate(over="ignore"):
                    value = frozen_array(value, np.float32)
                if value.ndim not in (2, 3):
                    raise ShapeError(
                        f"{name} has shape {value.shape}; expected (energies, rows) or (energies, rows, columns)",
                        expected="(energies, rows)",
                        actual=value.shape,
                    )
                value = _without_bad(value, self.bad_pixels)
                if not np.isfinite(value).all():
                    raise CalibrationError(f"{name} holds values that are not finite; mark those channels in bad_pixels")
                object.__setattr__(self, name, value)
        if self.saturation is not None and not 0.0 < self.saturation < np.inf:
            raise CalibrationError(f"saturation is {self.saturation:g} counts; expected a number above 0")

    def __repr__(self) -> str:
        known = [f"{n} {getattr(self, n).shape}" for n in ("dark", "air", "bad_pixels") if getattr(self, n) is not None]
        if self.saturation is not None:
            known.append(f"saturation {self.saturation:g} counts")
        return f"Calibration({', '.join(known) or 'none'})"


def _mask(bad: npt.ArrayLike) -> np.ndarray:
    """A mask of channels; any one number beside 0 marks, as in a mask that was kept as a picture."""
    array = np.asarray(bad)
    marks = [] if array.dtype.kind == "b" else np.unique(array).tolist()
    if array.dtype.kind not in "buif" or len([mark for mark in marks if mark != 0]) > 1:
        shown = ", ".join(map(str, marks[:4])) if array.dtype.kind in "uif" else str(array.dtype)
        raise CalibrationError(
            f"bad_pixels holds {shown}; expected true or false for each channel, not the numbers of channels: fill a mask, "
            "mask[numbers] = True"
        )
    return frozen_array(array, bool)


def _without_bad(line: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The line with 0 in channels that are marked bad: what is there is not used."""
    if mask is None or np.isfinite(line).all():
        return line
    if mask.ndim < line.ndim:
        mask = mask[..., None]
    elif mask.ndim > line.ndim:
        mask = np.all(mask, axis=-1)
    try:
        return frozen_array(np.where(np.broadcast_to(mask, line.shape), np.float32(0.0), line))
    except ValueError:  # of another detector, which is told elsewhere
        return line


@dataclass(frozen=True)
class Step:
    """One step that was done to the data.

    Attributes
    ----------
    name : str
        The function.
    note : str
        What it did, for a person; starts with "warning: " where the reader should be careful.
    parameters : mapping of str to float, int, str or bool
    """

    name: str
    note: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in self.parameters.items()}
        object.__setattr__(self, "parameters", _frozen_mapping(plain))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Step, (self.name, self.note, dict(self.parameters)))

    @property
    def is_warning(self) -> bool:
        """Whether a reviewer must know of it."""
        return self.note.startswith("warning: ")


@dataclass(frozen=True, eq=False, repr=False)
class View:
    """One projection as the detector delivered it.

    Attributes
    ----------
    pixels : ndarray, shape (energies, rows, columns)
        Integers or floats, in the unit that ``quantity`` says. 16 bits stay 16 bits.
    quantity : {"counts", "transmission", "display"}
        Raw counts, I/I₀ (integers: full scale is 1), or a picture made for eyes whose curve is unknown.
    pixel_pitch : (float, float) or None [m]
        Row and column pitch in the middle of the load.
    energies : tuple of str
        Names, high first.
    endpoints : tuple of float or None [MV]
        End-point energy of the beam of each image, as far as known.
    calibration : Calibration or None
        Of this view's own detector; None: that of the scan.
    steps : tuple of Step
        What was done to the pixels while they were read.

    Raises
    ------
    ShapeError, CalibrationError
    """

    pixels: np.ndarray
    quantity: Quantity = "counts"
    pixel_pitch: tuple[float, float] | None = None
    energies: tuple[str, ...] = ("high",)
    endpoints: tuple[float, ...] | None = None
    calibration: Calibration | None = None
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        pixels = frozen_array(self.pixels)
        if pixels.ndim != 3 or 0 in pixels.shape:
            raise ShapeError(
                f"pixels have shape {pixels.shape}; expected (energies, rows, columns), none of them 0",
                expected="(energies, rows, columns)",
                actual=pixels.shape,
            )
        if pixels.dtype.kind not in "uif":
            raise ShapeError(
                f"pixels have dtype {pixels.dtype}; expected integers or real floats",
                expected="uint or float",
                actual=pixels.dtype,
            )
        if self.quantity not in QUANTITIES:
            raise CalibrationError(f"quantity is {self.quantity!r}; expected one of {', '.join(QUANTITIES)}")
        energies = tuple(self.energies)
        if len(energies) != pixels.shape[0] or len(set(energies)) != len(energies):
            raise ShapeError(
                f"energies are {energies}, pixels hold {pixels.shape[0]} images; name each energy once, high first",
                expected=pixels.shape[0],
                actual=len(energies),
            )
        if energies == ENERGIES[::-1]:
            raise ShapeError(
                "the energies are ('low', 'high'): a scan holds the high energy first; turn pixels, endpoints, air and dark "
                "round (pixels[::-1]), or read the file with xs.read, which does so",
                expected=ENERGIES,
                actual=energies,
            )
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "energies", energies)
        object.__setattr__(self, "pixel_pitch", _checked_pitch(self.pixel_pitch))
        object.__setattr__(self, "endpoints", _checked_endpoints(self.endpoints, energies))
        object.__setattr__(self, "steps", tuple(self.steps))
        _check_detector(self.calibration, self)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def __repr__(self) -> str:
        return (
            f"View({self.quantity}, {'+'.join(self.energies)}, {self.shape[0]} rows x {self.shape[1]} columns, "
            f"{self.pixels.dtype}, pitch {_pitch_text(self.pixel_pitch)})"
        )


def _checked_pitch(pitch: tuple[float, float] | float | None) -> tuple[float, float] | None:
    if pitch is None:
        return None
    try:
        pair = tuple(np.broadcast_to(np.asarray(pitch, float), (2,))) if np.size(pitch) in (1, 2) else ()
    except (TypeError, ValueError):
        pair = ()
    if len(pair) != 2:
        raise CalibrationError(f"pixel_pitch is {pitch!r}; expected a number, or (row, column), in meters")
    row, column = float(pair[0]), float(pair[1])
    if not (1e-4 <= row <= 0.2 and 1e-4 <= column <= 0.2):
        raise CalibrationError(
            f"pixel_pitch is ({row:g}, {column:g}) m; expected 0.0001 to 0.2 m each: give meters at the load, not millimeters"
        )
    return row, column


def _checked_endpoints(endpoints: tuple[float, ...] | None, energies: tuple[str, ...]) -> tuple[float, ...] | None:
    if endpoints is None:
        return None
    values = tuple(float(value) for value in np.atleast_1d(np.asarray(endpoints, float)))
    if len(values) != len(energies) or not all(0.1 <= value <= 50.0 for value in values):
        raise CalibrationError(
            f"endpoints are {values} MV for the energies {energies}; expected one for each, 0.1 to 50 MV: give megavolts"
        )
    return values


def _check_detector(calibration: Calibration | None, view: View) -> None:
    """Refuse air, dark or a mask of another detector."""
    energies, rows, columns = view.pixels.shape
    for name in ("dark", "air", "bad_pixels"):
        line = getattr(calibration, name, None)
        if line is not None and line.shape not in {(energies, rows), (energies, rows, columns)}:
            raise _other_detector(name, line.shape, view)


def _pitch_text(pitch: tuple[float, float] | None) -> str:
    return "unknown" if pitch is None else f"{pitch[0] * 1e3:.2f} x {pitch[1] * 1e3:.2f} mm"


@dataclass(frozen=True, eq=False, repr=False)
class Scan:
    """One scan as the machine delivered it.

    Attributes
    ----------
    views : tuple of View
    calibration : Calibration
        Of the first view's detector, and of each other one that is of the same shape and has none of its own.
    source : Source
    acquired_at : datetime or None
    manifest : Manifest or None

    Raises
    ------
    ShapeError
        If there is no view, or air and dark are of another detector.
    """

    views: tuple[View, ...]
    calibration: Calibration = field(default_factory=Calibration)
    source: Source = field(default_factory=Source)
    acquired_at: datetime | None = None
    manifest: Manifest | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", tuple(self.views))
        if not self.views:
            raise ShapeError("a scan needs at least one view", expected=">= 1", actual=0)
        _check_detector(self.calibration, self.views[0])

    @classmethod
    def from_array(  # noqa: PLR0913  the promised signature: every part of a scan by its name
        cls,
        pixels: npt.ArrayLike,
        *,
        quantity: Quantity = "counts",
        air: npt.ArrayLike | None = None,
        dark: npt.ArrayLike | None = None,
        pixel_pitch: tuple[float, float] | float | None = None,
        energies: tuple[str, ...] | None = None,
        endpoints: tuple[float, ...] | None = None,
        bad_pixels: npt.ArrayLike | None = None,
        saturation: float | None = None,
        source: Source | None = None,
        acquired_at: datetime | None = None,
        manifest: Manifest | None = None,
        steps: tuple[Step, ...] = (),
    ) -> Scan:
        """A scan from an array in memory.

        Parameters
        ----------
        pixels : array_like, shape (rows, columns) or (energies, rows, columns)
            High energy first. What a masked array masks, or is not a number, was not measured.
        quantity : {"counts", "transmission", "display"}
            Of an array nothing is guessed, as it is of a file that does not say it.
        air, dark : array_like or None, shape (rows,), (energies, rows), (rows, columns) or (energies, rows, columns) [counts]
            Open and closed beam; lines hold for every column.
        pixel_pitch : (float, float), float or None [m]
            (row, column) pitch at the load; None lets ``normalize`` estimate it.
        energies : tuple of str or None
            Names, high first; None: ``("high",)`` or ``("high", "low")``.
        endpoints : tuple of float or None [MV]
            End-point energy of each image's beam.
        bad_pixels : array_like of bool or None, shape as ``air``
        saturation : float or None [counts]
        source, acquired_at, manifest
            See `Scan`.
        steps : tuple of Step
            What was already done to the pixels.

        Raises
        ------
        ShapeError, CalibrationError

        Examples
        --------
        >>> import numpy as np
        >>> Scan.from_array(np.full((4, 6), 900, np.uint16), air=np.full(4, 1000), pixel_pitch=0.005)
        Scan(1 view: View(counts, high, 4 rows x 6 columns, uint16, pitch 5.00 x 5.00 mm); Calibration(air (1, 4)))
        """
        array = _unmasked(pixels)
        if array.ndim == 2:
            array = array[None]
        if energies is None:
            energies = ENERGIES[: array.shape[0]] if array.ndim == 3 else ("high",)
        pitch = _checked_pitch(pixel_pitch)
        view = View(array, quantity, pitch, tuple(energies), endpoints, steps=steps)
        calibration = Calibration(
            dark=_with_energies("dark", dark, view),
            air=_with_energies("air", air, view),
            bad_pixels=_with_energies("bad_pixels", bad_pixels, view),
            saturation=saturation,
        )
        return cls((view,), calibration, source or Source(), acquired_at, manifest)

    @property
    def view(self) -> View:
        """The first view."""
        return self.views[0]

    def only(self, view: int) -> Scan:
        """The scan of one of its views, with that view's calibration.

        Raises
        ------
        ShapeError
            If it has no such view.
        """
        if not 0 <= view < len(self.views):
            raise ShapeError(
                f"asked for view {view} of a scan with {len(self.views)}; pass 0 to {len(self.views) - 1}",
                expected=f"0 to {len(self.views) - 1}",
                actual=view,
            )
        one = self.views[view]
        fits = one.pixels.shape == self.view.pixels.shape
        calibration = one.calibration or (self.calibration if view == 0 or fits else Calibration())
        return replace(self, views=(one,), calibration=calibration)

    def with_source(self, source: Source) -> Scan:
        """The same scan with another `Source`."""
        return replace(self, source=source)

    def __repr__(self) -> str:
        count = f"{len(self.views)} view{'s' if len(self.views) > 1 else ''}"
        where = f" from {self.source.path}" if self.source.path else ""
        return f"Scan({count}{where}: {'; '.join(map(repr, self.views))}; {self.calibration!r})"


def _unmasked(pixels: npt.ArrayLike) -> np.ndarray:
    """An array of its own type, or of floats where some of it is masked: not a number there."""
    if not np.ma.is_masked(pixels):
        return np.asarray(pixels)
    data = np.ma.getdata(pixels)
    values = np.array(data, np.result_type(data.dtype, np.float32))
    values[np.ma.getmaskarray(np.ma.asarray(pixels))] = np.nan
    return values


def _with_energies(name: str, line: npt.ArrayLike | None, view: View) -> np.ndarray | None:
    """Bring an air, dark or mask line to (energies, rows) or (energies, rows, columns)."""
    if line is None:
        return None
    array = np.asarray(line)
    energies, rows, columns = view.pixels.shape
    if array.shape in {(energies, rows), (energies, rows, columns)}:
        return array
    if array.shape in {(rows,), (rows, columns)}:
        return np.broadcast_to(array, (energies, *array.shape))
    if array.shape in {(energies, rows, 1), (rows, 1)}:
        return np.broadcast_to(array.reshape(-1, rows), (energies, rows))
    raise _other_detector(name, array.shape, view)


def _other_detector(name: str, shape: tuple[int, ...], view: View) -> ShapeError:
    energies, rows, columns = view.pixels.shape
    return ShapeError(
        f"{name} has shape {shape}, scan has {energies} energies, {rows} detector rows and {columns} columns; "
        f"pass the {name} field of the same detector, shape {(rows,)} or {(energies, rows)}",
        expected=(energies, rows),
        actual=shape,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Radiograph:
    """The normalized view: optical depth, and what of it can be trusted.

    Attributes
    ----------
    optical_depth : ndarray of float32, shape (energies, rows, columns)
        τ = −ln T. NaN where not ``valid``. Where ``opaque`` it is a lower bound, the optical depth of the noise floor.
    valid : ndarray of bool, shape (rows, columns)
        False for dead channels, saturated or missing pixels.
    opaque : ndarray of bool, shape (rows, columns)
        Not penetrated: nothing can be said there.
    pixel_pitch : (float, float) [m]
        Row and column pitch in the middle of the load.
    containers : tuple of Box
        Container boxes, front first.
    regions : tuple of Region
        Containers and their load, the cab, the chassis, as far as found.
    load_line : ndarray of float32, shape (columns,), or None
        Row at which the load begins; NaN where there is none.
    geometry : Geometry
        Tilt, magnification, stretch, sway.
    inspected : float
        Share of the load that was penetrated, 0 to 1.
    energies : tuple of str
    quantity : {"counts", "transmission", "display"}
        What it was made from; from "display" every density is approximate.
    history : tuple of Step
    endpoints : tuple of float or None [MV]
        End-point energy of the beam of each image, as far as known.

    Raises
    ------
    ShapeError, CalibrationError
    """

    optical_depth: np.ndarray
    valid: np.ndarray
    opaque: np.ndarray
    pixel_pitch: tuple[float, float]
    containers: tuple[Box, ...] = ()
    inspected: float = 1.0
    energies: tuple[str, ...] = ("high",)
    quantity: Quantity = "counts"
    history: tuple[Step, ...] = ()
    regions: tuple[Region, ...] = ()
    load_line: np.ndarray | None = None
    geometry: Geometry = field(default_factory=Geometry)
    endpoints: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        depth = frozen_array(self.optical_depth, np.float32)
        if depth.ndim != 3 or depth.shape[0] != len(self.energies):
            raise ShapeError(
                f"optical_depth has shape {depth.shape}, energies are {self.energies}; expected (energies, rows, columns)",
                expected=(len(self.energies), "rows", "columns"),
                actual=depth.shape,
            )
        object.__setattr__(self, "optical_depth", depth)
        for name in ("valid", "opaque"):
            mask = frozen_array(getattr(self, name), bool)
            if mask.shape != depth.shape[1:]:
                raise ShapeError(
                    f"{name} has shape {mask.shape}, optical_depth has {depth.shape[1:]} (rows, columns)",
                    expected=depth.shape[1:],
                    actual=mask.shape,
                )
            object.__setattr__(self, name, mask)
        pitch = _checked_pitch(self.pixel_pitch)
        if pitch is None:
            raise CalibrationError("a radiograph needs its pixel_pitch; estimate it first")
        if not 0.0 <= self.inspected <= 1.0:
            raise CalibrationError(f"inspected is {self.inspected}; expected a share from 0 to 1")
        object.__setattr__(self, "pixel_pitch", pitch)
        object.__setattr__(self, "containers", tuple(self.containers))
        object.__setattr__(self, "energies", tuple(self.energies))
        object.__setattr__(self, "history", tuple(self.history))
        object.__setattr__(self, "regions", tuple(self.regions))
        if self.load_line is not None:
            object.__setattr__(self, "load_line", frozen_array(self.load_line, np.float32))
        for name, line in (("load_line", self.load_line), ("lift", self.geometry.lift)):
            if line is not None and line.shape != depth.shape[2:]:
                raise ShapeError(f"{name} has shape {line.shape}; expected {depth.shape[2:]}", expected=depth.shape[2:])

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.optical_depth.shape[1], self.optical_depth.shape[2]

    @property
    def unseen(self) -> np.ndarray:
        """What nothing can be said of, shape (rows, columns): opaque pixels, and the bands of columns without a measurement
        (`xrayscan.geometry.bands`).
        """
        unseen = self.opaque
        for first, last in bands(self.valid):
            unseen = unseen.copy() if unseen is self.opaque else unseen
            unseen[:, first:last] = True
        return unseen

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reviewer must know of how it was made."""
        return tuple(step.note.removeprefix("warning: ") for step in self.history if step.is_warning)

    def __repr__(self) -> str:
        return (
            f"Radiograph({'+'.join(self.energies)} from {self.quantity}, {self.shape[0]} rows x {self.shape[1]} columns, "
            f"pitch {_pitch_text(self.pixel_pitch)}, {len(self.containers)} container boxes, "
            f"{self.inspected:.0%} of the load penetrated)"
        )
