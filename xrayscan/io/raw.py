"""Raw binary: numbers without a header, described by a sidecar."""

from __future__ import annotations

import difflib
import math
from typing import Any

import numpy as np

from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_ENERGIES
from xrayscan.io.lost import unmeasured

__all__ = ["DTYPES", "NEEDS", "SUFFIXES", "can_read", "read"]

NEEDS: tuple[str, ...] = ()
SUFFIXES = (".raw", ".bin", ".dat", ".img")
"""Suffixes of raw files."""

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
"""What a sidecar may name as ``dtype``."""

_LINES, _LONGEST = 48, 1024
_FAR, _MANY = 0.25, 0.1
_REQUIRED = ("rows", "columns", "dtype")
_CHOICES = {"byte_order": ("little", "big"), "order": ("rows", "columns"), "interleave": ("planes", "lines", "pixels")}


def can_read(file: ScanFile) -> bool:
    """Whether the name ends as that of a raw file and a sidecar describes it."""
    return file.suffix in SUFFIXES and any(key in file.settings for key in _REQUIRED)


def read(file: ScanFile) -> Contents:
    """The numbers of a raw file, as its sidecar lays them out.

    ``rows``, ``columns`` and ``dtype`` are required. ``energies`` names the images in it. ``byte_order`` is "little" or "big";
    ``order`` is "rows" (row after row of the picture) or "columns" (detector line after detector line, as scanned);
    ``interleave`` says what alternates between energies: whole "planes", "lines" or "pixels"; ``header_bytes`` are passed
    over. The first of each is what counts where nothing is said. ``lost_columns`` is a list of [first, last + 1]: columns that
    the detector did not deliver, whose numbers mean nothing. They are marked as not measured, with a warning in the report.

    Raises
    ------
    ReadError
        If the layout is incomplete or says what cannot be, or the other byte order makes a picture of what is noise.
    CorruptScanError
        If the file has not exactly the bytes that the layout needs.
    """
    settings = file.settings
    missing = [key for key in _REQUIRED if key not in settings]
    if missing:
        raise file.refused(f"its sidecar does not say {', '.join(missing)}; a raw file needs {', '.join(_REQUIRED)}")
    rows, columns = (_whole(file, key, settings[key], 1) for key in ("rows", "columns"))
    header = _whole(file, "header_bytes", settings.get("header_bytes", 0), 0)
    named = settings.get("energies", ["high"])
    energies = len(named) if isinstance(named, list) else 1
    if not 1 <= energies <= MAX_ENERGIES:
        raise file.refused(f"its sidecar names {energies} energies; expected 1 to {MAX_ENERGIES} names")
    choices = {key: _choice(file, key, settings.get(key, allowed[0]), allowed) for key, allowed in _CHOICES.items()}
    dtype = np.dtype(_choice(file, "dtype", settings["dtype"], DTYPES)).newbyteorder(
        ">" if choices["byte_order"] == "big" else "<"
    )
    check_claim(file, energies, rows, columns)
    needed = header + math.prod((energies, rows, columns)) * dtype.itemsize
    if needed != file.size:
        raise file.corrupt(
            f"its sidecar lays out {energies} x {rows} x {columns} values of {dtype} after {header} bytes, that is {needed} "
            f"bytes; the file has {file.size}: correct the sidecar, or copy the file again"
        )
    flat = np.frombuffer(file.data, dtype, offset=header)
    pixels = _arranged(flat, (energies, rows, columns), choices)
    if _is_swapped(pixels):
        other = "little" if choices["byte_order"] == "big" else "big"
        said = f"says byte_order = {choices['byte_order']!r}"
        if "byte_order" not in settings:
            said = f"says no byte_order, which stands for {choices['byte_order']!r}"
        raise file.refused(
            f"its sidecar {said}: so its pixels are noise, and a picture in the other order; say byte_order = {other!r} there"
        )
    lost = _lost(file, columns)
    if not lost.any():
        return Contents(pixels)
    if not settings.get("quantity"):  # it is guessed from the numbers, and those are no longer the same
        raise file.refused("its sidecar says lost_columns and no quantity; say quantity = 'counts' there, or what it is")
    floats, step = unmeasured(pixels, lost, settings["quantity"], settings.get("saturation"))
    return Contents(floats, steps=(step,))


def _lost(file: ScanFile, columns: int) -> np.ndarray:
    """Which columns were lost, shape (columns,)."""
    lost = np.zeros(columns, bool)
    spans = file.settings.get("lost_columns", [])
    for span in spans if isinstance(spans, list) else [spans]:
        is_span = isinstance(span, list) and len(span) == 2 and all(type(end) is int for end in span)
        if not is_span or not 0 <= span[0] < span[1] <= columns:
            raise file.refused(
                f"its sidecar says lost_columns = {str(spans)[:80]}; expected a list of [first, last + 1] within its "
                f"{columns} columns"
            )
        lost[span[0] : span[1]] = True
    return lost


def _is_swapped(pixels: np.ndarray) -> bool:
    """Whether the numbers are far smoother with their bytes in the other order.

    Neighbors of a picture differ in their lower bits. In the wrong byte order these are the highest, and everything jumps. The
    smoother direction of each reading counts, because gains of uncorrected detectors make the other one rough.
    """
    if pixels.dtype.itemsize == 1:
        return False
    # Evenly spread blocks of lines, each with the line after it, so that both directions have true neighbors.
    rows = np.unique(np.linspace(0, pixels.shape[1] - 2, _LINES).astype(int)) if pixels.shape[1] > 1 else np.zeros(1, int)
    across = max(1, pixels.shape[2] // _LONGEST)
    first = pixels[:, rows, :]
    pairs = [(first[:, :, :-1:across], first[:, :, 1::across])]
    if pixels.shape[1] > 1:
        pairs.append((first[:, :, ::across], pixels[:, rows + 1, ::across]))
    if pixels.dtype.kind == "f":
        return _odd(first) > _MANY and _odd(first.byteswap()) == 0
    # Where only one byte is in use, both orders give the same picture on another scale.
    in_use = np.ascontiguousarray(first).view(np.uint8).reshape(-1, pixels.dtype.itemsize)
    if np.count_nonzero(np.ptp(in_use, axis=0)) < 2:
        return False
    as_read = min(_roughness(one, two) for one, two in pairs)
    return min(_roughness(one.byteswap(), two.byteswap()) for one, two in pairs) < _FAR * as_read < math.inf


def _roughness(one: np.ndarray, two: np.ndarray) -> float:
    """Median step between neighbors that differ; infinite if none do."""
    steps = np.abs(one.astype(np.float64) - two.astype(np.float64))
    steps = steps[steps > 0]
    return float(np.median(steps)) if steps.size else math.inf


def _odd(values: np.ndarray) -> float:
    """Share of floats that no detector gives: infinite, not a number, or of absurd size."""
    with np.errstate(invalid="ignore"):  # floats in the wrong order may be signaling ones
        size = np.abs(values.astype(np.float64))
        return float(np.mean(~np.isfinite(size) | (size > 1e20) | ((size > 0) & (size < 1e-20))))


def _arranged(flat: np.ndarray, shape: tuple[int, int, int], choices: dict[str, str]) -> np.ndarray:
    """View of the numbers as (energies, rows, columns)."""
    energies, rows, columns = shape
    by_column = choices["order"] == "columns"
    lines, length = (columns, rows) if by_column else (rows, columns)
    if choices["interleave"] == "planes":
        image = flat.reshape(energies, lines, length)
    elif choices["interleave"] == "lines":
        image = flat.reshape(lines, energies, length).transpose(1, 0, 2)
    else:
        image = flat.reshape(lines, length, energies).transpose(2, 0, 1)
    return image.transpose(0, 2, 1) if by_column else image


def _whole(file: ScanFile, key: str, value: Any, least: int) -> int:
    if type(value) is not int or value < least:
        raise file.refused(f"its sidecar says {key} = {value!r}; expected a whole number of {least} or more")
    return value


def _choice(file: ScanFile, key: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, 1)
        hint = f" (perhaps {near[0]!r})" if near else ""
        raise file.refused(f"its sidecar says {key} = {value!r}; expected one of {', '.join(allowed)}{hint}")
    return str(value)
