"""One file → `Scan`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xrayscan.errors import CalibrationError, MisfitError, MissingDependencyError, ReadError, ShapeError
from xrayscan.io import bundle, registry, sidecar
from xrayscan.io.contents import Contents, checked_pixels, cut_off_at, default_quantity
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_ENERGIES
from xrayscan.scan import QUANTITIES, Manifest, Quantity, Scan, Source, Step

__all__ = ["checked_contents", "opened", "read"]


def read(
    path: str | Path,
    *,
    quantity: Quantity | None = None,
    pixel_pitch: tuple[float, float] | float | None = None,
    energies: Sequence[str] | None = None,
    endpoints: Sequence[float] | None = None,
    air: npt.ArrayLike | None = None,
    dark: npt.ArrayLike | None = None,
) -> Scan:
    """The scan of a file: TIFF, PNG, JPEG, ``.npy``, ``.npz``, HDF5, raw with a sidecar, a bundle, or what a plug-in reads.

    The format is known by the file's first bytes. 16 bits stay 16 bits. Keywords win over the sidecar (see
    `xrayscan.io.sidecar`), which wins over the file.

    Parameters
    ----------
    path : str or Path
    quantity : {"counts", "transmission", "display"} or None
        None takes what sidecar or file say. If they say nothing: numbers with an air line are counts; JPEG, color and 8 bits
        are ``display``; integers of 16 bits are ``counts``, also in PNG, unless air is cut off at the top of 10, 12, 14 or 16
        bits, which makes them ``transmission``; floats up to 1.5 are ``transmission`` and floats above 100 ``counts``. Other
        floats may be optical depths and are refused until the quantity is said.
    pixel_pitch : (float, float), float or None [m]
        (row, column) pitch at the load.
    energies : sequence of str or None
        Names of the images as the file orders them. ``("low", "high")`` turns images and calibration round: a `Scan` has
        high first.
    endpoints : sequence of float or None [MV]
        End-point energy of each image's beam, in the file's order.
    air, dark : array_like or None, shape (rows,), (energies, rows), (rows, columns) or (energies, rows, columns) [counts]
        Open and closed beam, in the file's order of energies; one number holds for every channel.

    Raises
    ------
    ReadError
        If the file is not there (`MissingScanError`, also a `FileNotFoundError`), of no known format (`UnknownFormatError`),
        damaged, cut off or claiming more than it can hold (`CorruptScanError`), or no scan; or if its sidecar is wrong.
    MisfitError
        If air, dark, pitch or energies do not fit the pixels; also a `ShapeError` and a `CalibrationError`.
    MissingDependencyError
        If a package is needed that is not installed; the message names it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "0412.npy"
    ...     np.save(path, np.full((300, 600), 52000, np.uint16))
    ...     read(path, pixel_pitch=0.01, air=60000.0).view
    View(counts, high, 300 rows x 600 columns, uint16, pitch 10.00 x 10.00 mm)
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"read was given a {type(path).__name__}; pass a path, or make a scan of an array with xs.Scan.from_array"
        )
    said = Contents(
        np.empty(0),
        quantity=quantity,
        pixel_pitch=pixel_pitch,
        energies=(energies,) if isinstance(energies, str) else (None if energies is None else tuple(energies)),
        endpoints=None if endpoints is None else tuple(np.atleast_1d(np.asarray(endpoints, float))),
        air=air,
        dark=dark,
    )
    return _composed(str(path), said)


def opened(named: str | Path) -> ScanFile:
    """The bytes of a file or of a bundle's folder, with what its sidecars say.

    Raises
    ------
    ReadError
        If nothing was named, it is not there or cannot be read, or a sidecar cannot be parsed.
    """
    if not str(named).strip():
        raise ReadError("reading a scan: no file was named; give the path of a scan")
    path = Path(named)
    settings = sidecar.find(path)
    if os.path.isdir(path) and bundle.is_bundle(path):
        return bundle.open_folder(path, settings)
    return ScanFile.open(path, settings)


def _composed(named: str, said: Contents) -> Scan:
    """The scan of the file that is so named: what was said, over its sidecar, over what is in it."""
    path = Path(named)
    file = opened(named)
    contents = _contents(file)
    contents = _over(_over(contents, sidecar.checked(file, file.settings, contents.pixels.shape[1])), said)
    try:
        return _scan(file, contents, named)
    except ShapeError as error:
        raise MisfitError(f"reading {path}: {error}", expected=error.expected, actual=error.actual) from error
    except CalibrationError as error:
        raise MisfitError(f"reading {path}: {error}") from error


def _contents(file: ScanFile) -> Contents:
    name, reader = registry.choose(file)
    try:
        contents = reader.read(file)
    except (ReadError, MissingDependencyError):
        raise
    except MemoryError as error:
        raise file.refused("there is not enough memory for it") from error
    except Exception as error:
        if name in registry.BUILT_IN:
            raise
        # A plug-in is somebody else's code: what it raises must still name the file and be a ReadError.
        raise file.refused(f"the plugged-in reader {name!r} broke ({error!r}); ask its maker") from error
    if not isinstance(contents, Contents):
        raise file.refused(f"the plugged-in reader {name!r} gave a {type(contents).__name__}; expected xrayscan.io.Contents")
    return checked_contents(file, contents, name)


def checked_contents(file: ScanFile, contents: Contents, reader: str) -> Contents:
    """What a reader gave, each field of the type that it must have, with pixels of shape (energies, rows, columns).

    Raises
    ------
    ReadError
        If a field is of another type; the message names the reader and the field.
    CorruptScanError
        If the pixels are no image.
    """
    for name, (is_sound, expected) in _FIELDS.items():
        value = getattr(contents, name)
        if (value is not None or name in _NEVER_NONE) and not is_sound(value):
            raise file.refused(f"the reader {reader!r} gave {name} as {_told(value)}; expected {expected}; ask its maker")
    return replace(
        contents,
        pixels=checked_pixels(file, np.asarray(contents.pixels)),
        energies=None if contents.energies is None else tuple(contents.energies),
        saturation=None if contents.saturation is None else float(np.asarray(contents.saturation).item()),
        steps=tuple(contents.steps),
        others=tuple(checked_contents(file, other, reader) for other in contents.others),
    )


def _told(value: Any) -> str:
    """A value of a wrong type: text and numbers as they are, of anything larger only the kind, for it may name a person."""
    kind = type(value).__name__
    if isinstance(value, (list, tuple)) and value and not all(isinstance(item, type(value[0])) for item in value):
        return f"{kind} of {', '.join(sorted({type(item).__name__ for item in value}))}"
    return f"{value!r:.60} ({kind})" if isinstance(value, (str, int, float)) else f"a {kind}"


def _are(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (tuple, list)) and all(isinstance(item, kind) for item in value)


def _numbers(sizes: Sequence[int]) -> Callable[[Any], bool]:
    def are_numbers(value: Any) -> bool:
        return _is_even(value) and np.asarray(value).dtype.kind in "uif" and np.size(value) in sizes

    return are_numbers


def _is_even(value: Any) -> bool:
    """Whether it is an array, or becomes one: of what kind is told elsewhere."""
    try:
        np.asarray(value)
    except (TypeError, ValueError):  # lists of unequal length
        return False
    return value is not None


def _is_plain(value: Any) -> bool:
    """Whether it is an array of numbers, or becomes one."""
    return _is_even(value) and np.asarray(value).dtype.kind in "?buif"


def _is_manifest(value: Any) -> bool:
    return (
        isinstance(value, Manifest)
        and _are(str)(value.goods)
        and (value.mass is None or _numbers([1])(value.mass))
        and (value.empty is None or isinstance(value.empty, bool))
    )


def _are_ids(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for pair in value.items() for item in pair)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_NEVER_NONE = ("pixels", "ids", "steps", "others")
_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "pixels": (_is_even, "an array of numbers"),
    "quantity": (lambda value: isinstance(value, str) and value in QUANTITIES, f"one of {', '.join(QUANTITIES)}"),
    "pixel_pitch": (_numbers([1, 2]), "meters: a number or (row, column)"),
    "energies": (_are(str), "a tuple of names"),
    "air": (_is_plain, "an array of numbers"),
    "dark": (_is_plain, "an array of numbers"),
    "bad_pixels": (_is_plain, "an array of booleans"),
    "saturation": (_numbers([1]), "a number"),
    "vendor": (_is_text, "text"),
    "scanner": (_is_text, "text"),
    "ids": (_are_ids, "a mapping of text to text"),
    "acquired_at": (lambda value: isinstance(value, datetime), "a datetime.datetime"),
    "manifest": (_is_manifest, "an xrayscan.scan.Manifest of goods (names), mass (a number) and empty (true or false)"),
    "endpoints": (_numbers(range(1, MAX_ENERGIES + 1)), "megavolts: a number for each image"),
    "steps": (_are(Step), "a tuple of xrayscan.scan.Step"),
    "others": (_are(Contents), "a tuple of xrayscan.io.Contents"),
}
"""Field of `Contents` → whether a value is sound, and what is expected."""


def _over(below: Contents, above: Contents) -> Contents:
    """``below``, with everything that ``above`` says laid over it; its calibration is of the first view's detector."""
    kept = ("pixels", "ids", "steps", "others")
    said = {item.name: getattr(above, item.name) for item in fields(Contents) if item.name not in kept}
    said = {name: value for name, value in said.items() if value is not None}
    every = {name: said[name] for name in ("quantity", "pixel_pitch", "energies", "endpoints") if name in said}
    others = tuple(replace(other, **every) for other in below.others)
    return replace(below, ids={**below.ids, **above.ids}, others=others, **said)


def _scan(file: ScanFile, contents: Contents, named: str) -> Scan:
    """The scan of all views that a file holds."""
    first = _view(file, contents)
    views = [first.view]
    for other in contents.others:
        one = _view(file, other)
        own = any(getattr(other, name) is not None for name in ("air", "dark", "bad_pixels", "saturation"))
        views.append(replace(one.view, calibration=one.calibration if own else None))
    source = Source(path=named, sha256=file.sha256, vendor=contents.vendor, scanner=contents.scanner, ids=contents.ids)
    return Scan(tuple(views), first.calibration, source, contents.acquired_at, contents.manifest)


def _view(file: ScanFile, contents: Contents) -> Scan:
    """A scan of one view, and its calibration."""
    pixels, energies, endpoints = contents.pixels, contents.energies, contents.endpoints
    if contents.pixel_pitch is not None and np.any(np.asarray(contents.pixel_pitch, float) <= 0):
        raise CalibrationError(f"pixel_pitch is {contents.pixel_pitch} m; it must be above 0: give meters at the load")
    if energies is None and pixels.shape[0] > 2:
        raise file.refused(
            f"it holds {pixels.shape[0]} images of {pixels.shape[1]} x {pixels.shape[2]} pixels; one or two energies are known "
            "by themselves, name more of them: energies=('high', 'middle', 'low')"
        )
    fields_ = {name: _field(getattr(contents, name), pixels) for name in ("air", "dark")}
    fields_["bad_pixels"] = None if contents.bad_pixels is None else np.asarray(contents.bad_pixels)
    if energies is not None and len(energies) == pixels.shape[0] and energies[-1:] == ("high",) and "low" in energies:
        pixels, energies = pixels[::-1], energies[::-1]
        endpoints = None if endpoints is None else tuple(endpoints)[::-1]
        fields_ = {name: _turned(value, contents.pixels) for name, value in fields_.items()}
    quantity, saturation = contents.quantity, contents.saturation
    if quantity is None:
        quantity = default_quantity(file, pixels, has_air=contents.air is not None)
        if quantity == "transmission" and saturation is None:
            saturation = cut_off_at(pixels)
    return Scan.from_array(
        pixels,
        quantity=quantity,
        pixel_pitch=contents.pixel_pitch,
        energies=energies,
        endpoints=endpoints,
        saturation=saturation,
        steps=contents.steps,
        air=fields_["air"],
        dark=fields_["dark"],
        bad_pixels=fields_["bad_pixels"],
    )


def _field(value: Any, pixels: np.ndarray) -> np.ndarray | None:
    """An air or dark field as an array; one number becomes a line."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "?buif":
        raise CalibrationError(f"air and dark must be numbers, got {array.dtype}")
    return np.full(pixels.shape[1], array.item()) if array.size == 1 else array


def _turned(field: np.ndarray | None, pixels: np.ndarray) -> np.ndarray | None:
    """A field in the reverse order of energies, if it has one for each."""
    per_energy = field is not None and field.shape in {pixels.shape, pixels.shape[:2], (*pixels.shape[:2], 1)}
    return field[::-1] if field is not None and per_energy else field
