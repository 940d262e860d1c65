"""Raw binary: numbers without a header, described by a sidecar."""

from __future__ import annotations

import difflib
import math
from typing import Any

import numpy as np

from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_ENERGIES

__all__ = ["DTYPES", "NEEDS", "SUFFIXES", "can_read", "read"]

NEEDS: tuple[str, ...] = ()
SUFFIXES = (".raw", ".bin", ".dat", ".img")
"""Suffixes of raw files."""

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
"""What a sidecar may name as ``dtype``."""

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
    over. The first of each is what counts where nothing is said.

    Raises
    ------
    ReadError
        If the layout is incomplete or says what cannot be.
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
        raise file.refused(f"its sidecar names {energies} energies; expected 1 to {MAX_ENERGIES}")
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
    return Contents(_arranged(flat, (energies, rows, columns), choices))


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
