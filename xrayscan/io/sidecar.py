"""Sidecars: small TOML or JSON files that say of a scan what its own file does not.

Which file is a sidecar. For the scan ``0412.tif``:

1. ``0412.xrayscan.toml`` or ``0412.xrayscan.json`` beside it is its sidecar.
2. If there is none, ``0412.toml`` or ``0412.json`` is, if it has one of the keys `MARKS`. Any other file of that name is
   somebody else's and is not looked at.
3. ``xrayscan.toml`` or ``xrayscan.json`` in the scan's folder holds for every scan of that folder (not of folders below);
   what 1 or 2 says wins, key by key.

A sidecar is strict: a key that is not of `KEYS` is an error that names the nearest right one, and so are two sidecars of the
same rank. All keys are optional:

======================  ======================================================================================================
``xrayscan``            1, the version of this list
``quantity``            "counts", "transmission" or "display"
``pixel_pitch``         meters at the load: a number or [row, column]
``energies``            names of the images, in the file's order: ["high", "low"]
``endpoints``           megavolts: end-point energy of each image's beam, in the file's order: [6.0, 4.0]
``air``, ``dark``       counts of the open and the closed beam: name of a ``.npy`` file in the scan's folder or below, a list
                        with one number for each detector row, a list of such lists for each energy, or one number
``bad_pixels``          numbers of the dead detector rows, or name of a ``.npy`` mask
``saturation``          counts at which the converter is full
``vendor``, ``scanner`` names
``ids``                 table of the scan's own numbers
``acquired_at``         date and time, ISO 8601
``manifest``            table of what was declared: ``goods`` (names), ``mass`` [kg], ``empty`` (true, false)
``pages``, ``align``    TIFF only, see `xrayscan.io.tiff.read`
``rows``, ``columns``, ``dtype``, ``byte_order``, ``order``, ``interleave``, ``header_bytes``, ``lost_columns``
                        raw files only, see `xrayscan.io.raw.read`
======================  ======================================================================================================
"""

from __future__ import annotations

import difflib
import errno
import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from xrayscan.errors import CorruptScanError, ReadError
from xrayscan.io import npy
from xrayscan.io.contents import Contents
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_SIDECAR_BYTES
from xrayscan.scan import QUANTITIES, Manifest

__all__ = ["KEYS", "MARKS", "checked", "find", "is_sidecar_name", "names", "references"]

LAYOUT = ("rows", "columns", "dtype", "byte_order", "order", "interleave", "header_bytes", "lost_columns")
KEYS = (
    "xrayscan",
    "quantity",
    "pixel_pitch",
    "energies",
    "endpoints",
    "air",
    "dark",
    "bad_pixels",
    "saturation",
    "vendor",
    "scanner",
    "ids",
    "acquired_at",
    "manifest",
    "pages",
    "align",
    *LAYOUT,
)
"""Every key that a sidecar may have."""

MARKS = ("xrayscan", "quantity", "pixel_pitch", "air", "dark", "dtype")
"""The keys by which a plain ``NAME.toml`` or ``NAME.json`` is known as a sidecar: they give the numbers their meaning."""

_SUFFIXES = (".toml", ".json")
_FOLDER = "xrayscan"


def is_sidecar_name(name: str) -> bool:
    """Whether a file of that name may be a sidecar.

    Examples
    --------
    >>> is_sidecar_name("0412.xrayscan.toml"), is_sidecar_name("0412.tif")
    (True, False)
    """
    return name.lower().endswith(_SUFFIXES)


def names(path: PurePath) -> tuple[str, ...]:
    """Names that the sidecars of a scan may have, in its folder: its own, then those of the whole folder.

    Examples
    --------
    >>> names(PurePath("lane3/0412.tif"))
    ('0412.xrayscan.toml', '0412.xrayscan.json', '0412.toml', '0412.json', 'xrayscan.toml', 'xrayscan.json')
    """
    return tuple(stem + suffix for stem in _stems(path) for suffix in _SUFFIXES)


def _stems(path: PurePath) -> tuple[str, str, str]:
    """Names of the scan's own sidecar, of a plain one and of the folder's, without their suffixes."""
    return f"{path.stem}.{_FOLDER}", path.stem, _FOLDER


def find(path: Path) -> dict[str, Any]:
    """What the sidecars of a scan say, names checked and values not; empty if there is none.

    Raises
    ------
    ReadError
        If one cannot be parsed, has an unknown key, or two of the same rank lie there.
    """
    folder = path.parent
    own_stem, plain_stem, folder_stem = _stems(path)
    settings = _only(folder, folder_stem, lambda found: found)
    if path.name in {folder_stem + suffix for suffix in _SUFFIXES}:
        return {}
    own = _only(folder, own_stem, lambda found: found)
    if not own and path.suffix.lower() not in _SUFFIXES:
        own = _only(folder, plain_stem, lambda found: found if any(mark in found for mark in MARKS) else {}, plain=True)
    return {**settings, **own}


def references(path: Path) -> list[Path]:
    """Files that a sidecar at ``path`` names; none if it is no sidecar or cannot be parsed."""
    try:
        found = _parsed(path, plain=False)
    except ReadError:
        return []
    names = [found.get(key) for key in ("air", "dark", "bad_pixels")]
    return [path.parent / name for name in names if isinstance(name, str)]


def _only(
    folder: Path, stem: str, choose: Callable[[dict[str, Any]], dict[str, Any]], *, plain: bool = False
) -> dict[str, Any]:
    """Content of the one sidecar ``stem.toml`` or ``stem.json``, its keys checked; empty if there is none."""
    found = []
    for suffix in _SUFFIXES:
        path = folder / f"{stem}{suffix}"
        try:
            there = path.is_file()
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.ENAMETOOLONG:  # there can be none of that name
                continue
            raise ReadError(f"looking for the sidecar {path}: the system refused it ({error})") from error
        content = choose(_parsed(path, plain=plain)) if there else {}
        if content:
            found.append((path, content))
    if len(found) > 1:
        raise ReadError(f"reading the sidecars {found[0][0]} and {found[1][0]}: they are of the same scan; keep one of them")
    for path, content in found:
        _check_keys(path, content)
        return content
    return {}


def _parsed(path: Path, *, plain: bool) -> dict[str, Any]:
    """Content of a TOML or JSON file. A ``plain`` one that is broken and names no mark is somebody else's: empty."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_SIDECAR_BYTES + 1)
    except OSError as error:
        raise ReadError(f"reading the sidecar {path}: the system refused it ({error}); check its permissions") from error
    if len(data) > MAX_SIDECAR_BYTES:
        if plain:
            return {}
        raise ReadError(
            f"reading the sidecar {path}: it is larger than {MAX_SIDECAR_BYTES} bytes; put long lines in .npy files"
        )
    try:
        text = data.decode("utf-8-sig")
        found = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if plain and not any(mark.encode() in data for mark in MARKS):
            return {}
        raise ReadError(
            f"reading the sidecar {path}: it is no {path.suffix[1:].upper()} ({error}); correct it there"
        ) from error
    if isinstance(found, dict):
        return found
    if plain:
        return {}
    raise ReadError(f"reading the sidecar {path}: it holds a {type(found).__name__}; expected a table of keys and values")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _check_keys(path: Path, content: Mapping[str, Any]) -> None:
    for key in content:
        if key not in KEYS:
            raise ReadError(f"reading the sidecar {path}: {_unknown(key, KEYS)}")
    if content.get("xrayscan", 1) != 1:
        raise ReadError(
            f"reading the sidecar {path}: it is of version {content['xrayscan']!r}, this xrayscan reads 1; update xrayscan"
        )


def _unknown(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, 1, 0.5)
    meant = f"perhaps {near[0]!r} is meant" if near else f"expected {', '.join(known)}"
    return f"there is no key {key!r}; {meant}"


def checked(file: ScanFile, settings: Mapping[str, Any], rows: int) -> Contents:
    """What the sidecars say of a scan of so many detector rows, as values; its ``pixels`` are empty.

    Raises
    ------
    ReadError, CorruptScanError
        If a value is of the wrong kind, or names a file that is not there, is damaged, or lies outside the scan's folder.
    """
    values = {key: check(file, key, settings[key]) for key, check in _CHECKS.items() if settings.get(key) is not None}
    if isinstance(settings.get("bad_pixels"), list):
        values["bad_pixels"] = _mask(file, values["bad_pixels"], rows)
    return Contents(np.empty(0), **values)


def _wrong(file: ScanFile, key: str, value: Any, expected: str) -> ReadError:
    return file.refused(f"its sidecar says {key} = {str(value)[:80]!r}; expected {expected}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e300 < value < 1e300


def _text(file: ScanFile, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(file, key, value, "text")
    return value


def _quantity(file: ScanFile, key: str, value: Any) -> str:
    if value not in QUANTITIES:
        raise _wrong(file, key, value, f"one of {', '.join(QUANTITIES)}")
    return str(value)


def _pitch(file: ScanFile, key: str, value: Any) -> Any:
    pair = value if isinstance(value, list) else [value, value]
    if len(pair) != 2 or not all(map(_is_number, pair)):
        raise _wrong(file, key, value, "meters: a number or [row, column]")
    return tuple(pair)


def _names(file: ScanFile, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise _wrong(file, key, value, "a list of names")
    return tuple(value)


def _endpoints(file: ScanFile, key: str, value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(map(_is_number, values)):
        raise _wrong(file, key, value, "megavolts: a number for each image")
    return tuple(float(one) for one in values)


def _number(file: ScanFile, key: str, value: Any) -> float:
    if not _is_number(value):
        raise _wrong(file, key, value, "a number")
    return float(value)


def _line(file: ScanFile, key: str, value: Any) -> np.ndarray:
    """A calibration line: from a file, a list, lists of each energy, or one number."""
    if isinstance(value, str):
        return _array(file, key, value)
    lines = value if isinstance(value, list) and value and all(isinstance(line, list) for line in value) else [value]
    flat = lines if all(isinstance(line, list) for line in lines) else [[value]]
    if not all(line and all(map(_is_number, line)) for line in flat) or len({len(line) for line in flat}) != 1:
        raise _wrong(file, key, value, "the name of a .npy file, a number, or a list with one number for each detector row")
    array = np.asarray(flat, np.float64)
    return array if isinstance(value, list) and value and isinstance(value[0], list) else array[0]


def _bad_pixels(file: ScanFile, key: str, value: Any) -> np.ndarray:
    if isinstance(value, str):
        return _array(file, key, value)
    if not isinstance(value, list) or not all(type(row) is int and 0 <= row < 2**31 for row in value):
        raise _wrong(file, key, value, "numbers of detector rows, or the name of a .npy mask")
    return np.asarray(value, np.int64)


def _mask(file: ScanFile, bad: np.ndarray, rows: int) -> np.ndarray:
    """Numbers of dead rows as a mask, shape (rows,)."""
    if bad.size and bad.max() >= rows:
        raise file.refused(f"its sidecar's bad_pixels names row {bad.max()}; the scan has rows 0 to {rows - 1}")
    mask = np.zeros(rows, bool)
    mask[bad] = True
    return mask


def _array(file: ScanFile, key: str, name: str) -> np.ndarray:
    """A ``.npy`` file that lies in the scan's folder or below, wherever links lead."""
    home = file.path.parent.resolve()
    try:
        path = (home / name).resolve()
        inside = path.is_relative_to(home)
    except (OSError, ValueError, RuntimeError) as error:
        raise _wrong(file, key, name, "the name of a .npy file") from error
    if not inside:
        raise file.refused(f"its sidecar says {key} = {name!r}, which leads out of the scan's folder; move that file in there")
    try:
        line = ScanFile.open(path)
        return npy.parse(line, line.data)
    except CorruptScanError as error:
        raise CorruptScanError(f"reading {file.path}: its sidecar says {key} = {name!r}; {error}") from error
    except ReadError as error:
        raise file.refused(f"its sidecar says {key} = {name!r}; {error}") from error


def _ids(file: ScanFile, key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, (str, int)) for item in value.values()):
        raise _wrong(file, key, value, "a table of names and numbers")
    return {name: str(item) for name, item in value.items()}


def _acquired_at(file: ScanFile, key: str, value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError) as error:
        raise _wrong(file, key, value, "date and time, such as 2026-04-12T08:30:00+02:00") from error


def _manifest(file: ScanFile, key: str, value: Any) -> Manifest:
    known = ("goods", "mass", "empty")
    if not isinstance(value, dict):
        raise _wrong(file, key, value, f"a table with {', '.join(known)}")
    for name in value:
        if name not in known:
            raise file.refused(f"in the manifest of its sidecar {_unknown(name, known)}")
    goods = value.get("goods", [])
    empty = value.get("empty")
    if empty is not None and not isinstance(empty, bool):
        raise _wrong(file, "manifest.empty", empty, "true or false")
    return Manifest(
        goods=_names(file, "manifest.goods", [goods] if isinstance(goods, str) else goods) if goods else (),
        mass=_number(file, "manifest.mass", value["mass"]) if value.get("mass") is not None else None,
        empty=empty,
    )


_CHECKS: dict[str, Callable[[ScanFile, str, Any], Any]] = {
    "quantity": _quantity,
    "pixel_pitch": _pitch,
    "energies": _names,
    "endpoints": _endpoints,
    "air": _line,
    "dark": _line,
    "bad_pixels": _bad_pixels,
    "saturation": _number,
    "vendor": _text,
    "scanner": _text,
    "ids": _ids,
    "acquired_at": _acquired_at,
    "manifest": _manifest,
}
