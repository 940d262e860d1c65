"""What a reader found in a file, before keywords and sidecar have their say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_ENERGIES, MAX_PIXELS
from xrayscan.scan import Manifest, Quantity, Step

__all__ = ["Contents", "check_claim", "checked_pixels", "cut_off_at", "default_quantity"]

TRANSMISSION_TOP = 1.5
COUNTS_FLOOR = 100.0
CUT_OFF, LEAST_CUT, MOST_CUT = 0.999, 0.05, 0.99
TOPS = tuple((1 << bits) - 1 for bits in (10, 12, 14))


@dataclass(frozen=True, eq=False)
class Contents:
    """What one file holds; None is "the file does not say".

    Attributes
    ----------
    pixels : ndarray, shape (rows, columns) or (energies, rows, columns)
        As stored, high energy first unless ``energies`` says otherwise.
    quantity : {"counts", "transmission", "display"} or None
    pixel_pitch : (float, float), float or None [m]
    energies : tuple of str or None
        Names in the order of ``pixels``.
    air, dark : ndarray or None [counts]
    bad_pixels : ndarray of bool or None
    saturation : float or None [counts]
    vendor, scanner : str or None
    ids : mapping of str to str
    acquired_at : datetime or None
    manifest : Manifest or None
    endpoints : sequence of float or None [MV]
        End-point energy of each image's beam, in the order of ``pixels``.
    steps : tuple of Step
        What the reader did to the pixels; the first of the scan's history.
    others : tuple of Contents
        Further views, each with its own pixels, calibration, pitch and energies; the rest holds for the whole scan.
    """

    pixels: np.ndarray
    quantity: Quantity | None = None
    pixel_pitch: Any = None
    energies: tuple[str, ...] | None = None
    air: Any = None
    dark: Any = None
    bad_pixels: Any = None
    saturation: float | None = None
    vendor: str | None = None
    scanner: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    acquired_at: datetime | None = None
    manifest: Manifest | None = None
    endpoints: Any = None
    steps: tuple[Step, ...] = ()
    others: tuple[Contents, ...] = ()


def check_claim(file: ScanFile, *shape: int) -> None:
    """Nothing, if an array of that shape may be read.

    Raises
    ------
    CorruptScanError
        If a side is not positive, or there are more than ``MAX_PIXELS`` values.
    """
    claimed = 1
    for side in shape:
        claimed *= side
    what = " x ".join(str(side) for side in shape)
    if not shape or min(shape) <= 0:
        raise file.corrupt(f"it claims {what or 'no'} pixels; every side must be 1 or more")
    if claimed > MAX_PIXELS:
        raise file.corrupt(
            f"it claims {what} pixels in {file.size} bytes; up to {MAX_PIXELS} are read: "
            "copy the file again, or cut the scan into parts"
        )


def checked_pixels(file: ScanFile, pixels: np.ndarray) -> np.ndarray:
    """Pixels of shape (energies, rows, columns), row after row and in the byte order of this machine.

    Raises
    ------
    CorruptScanError
        If they are no image, not numbers, or hold no finite value.
    """
    if pixels.dtype.kind not in "uif":
        raise file.corrupt(f"its pixels are {pixels.dtype}; expected integers or real floats")
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise file.corrupt(f"its pixels have shape {pixels.shape}; expected (rows, columns) or (energies, rows, columns)")
    if pixels.shape[0] > MAX_ENERGIES:
        raise file.corrupt(
            f"its pixels have shape {pixels.shape}, that is {pixels.shape[0]} energies; expected (energies, rows, columns) "
            f"with up to {MAX_ENERGIES} energies"
        )
    if pixels.dtype.itemsize > 8:
        pixels = pixels.astype(np.float64)
    native = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
    if native.dtype.kind == "f" and not np.isfinite(native).any():
        raise file.corrupt("none of its pixels is a finite number")
    return native


def default_quantity(file: ScanFile, pixels: np.ndarray, *, has_air: bool) -> Quantity:
    """What the numbers of a file that does not say so must be taken for.

    Numbers with an air line are counts: no picture for eyes has one. Without, 8 bits are a picture (``display``), integers
    of 16 bits and more are ``counts``, unless air stands at the very top of 10, 12, 14 or 16 bits (see `cut_off_at`), where a
    vendor's normalization cuts it off, and a converter would have lost it: then they are ``transmission``; floats up to 1.5
    are ``transmission`` and floats above 100 are ``counts``. Floats between may be optical depths, in which bright is dense,
    so they are not guessed at.

    Raises
    ------
    ReadError
        If floats lie where nothing can be told from them.

    Examples
    --------
    >>> from pathlib import Path
    >>> default_quantity(ScanFile(Path("a.npy"), b"x"), np.full((1, 2, 2), 0.8), has_air=False)
    'transmission'
    """
    if has_air:
        return "counts"
    if pixels.dtype.kind in "ui" and pixels.dtype.itemsize == 1:
        return "display"
    if pixels.dtype.kind in "ui":
        return "counts" if cut_off_at(pixels) is None else "transmission"
    thinned = pixels[:, :: max(1, pixels.shape[1] // 1024), :: max(1, pixels.shape[2] // 1024)]
    finite = thinned[np.isfinite(thinned)]
    if finite.size == 0:
        finite = pixels[np.isfinite(pixels)]
    top = float(np.percentile(finite.astype(np.float64), 99.9))
    low = float(finite.min())
    if top <= TRANSMISSION_TOP and low >= -TRANSMISSION_TOP:
        return "transmission"
    if top > COUNTS_FLOOR:
        return "counts"
    raise file.refused(
        f"its floats run from {low:.4g} to {top:.4g}: neither transmission (0 to {TRANSMISSION_TOP}) nor counts "
        f'(above {COUNTS_FLOOR:g}); if it is one of them, say so in a sidecar beside it (quantity = "transmission" or '
        '"counts"; docs/formats.md), or with quantity=... in Python; optical depth must be turned into transmission first, '
        "exp(-depth)"
    )


def cut_off_at(pixels: np.ndarray) -> int | None:
    """Highest code of 10, 12, 14 or 16 bits, if air stands there, a twentieth of all, and a load does not; else None.

    Examples
    --------
    >>> cut_off_at(np.array([[[9, 4095, 4095]]], np.uint16)), cut_off_at(np.array([[[9, 4000, 4000]]], np.uint16))
    (4095, None)
    """
    if pixels.dtype != np.uint16:
        return None
    few = pixels[:, :: max(1, pixels.shape[1] // 256), :: max(1, pixels.shape[2] // 512)]
    top, full = int(few.max()), np.iinfo(np.uint16).max
    share = float((few == top).mean())
    if not (MOST_CUT > share >= LEAST_CUT):
        return None
    return top if top in TOPS else full if top >= CUT_OFF * full else None
