"""The numbers that a report's page shows: optical depth in 16 bits, what is expected without the findings, kinds of material.

A page cannot read a PNG of 16 bits, for browsers make 8 of them. So codes travel as differences along the rows, folded to small
positive numbers, their upper bytes before their lower ones, as a zlib stream: every browser can undo that by itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.explain.explanation import Explanation
from xrayscan.normalize.areal import areal_density, endpoint_of
from xrayscan.normalize.materials import find_materials
from xrayscan.report.packing import deflated
from xrayscan.scan import Box, Radiograph

__all__ = ["FIRST", "PER_UNIT", "UNMEASURED", "Patch", "Pixels", "decoded", "encoded"]

FIRST, PER_UNIT, UNMEASURED = -0.5, 4500, 65535
"""Code = (optical depth − FIRST) · PER_UNIT: steps of 0.0002, up to 14; the last code is a pixel that was not measured."""

LONGEST, MOST = 16384, 8_000_000  # longest side [px] that browsers draw; most pixels that a page carries
COARSE = 4  # pixels of the scan that share a kind of material
NUMBERS = (5.0, 30.0)  # effective atomic numbers of codes 1 and 255
CURVE = np.arange(0.0, 14.01, 0.25)  # optical depths whose areal density the page is told


@dataclass(frozen=True, repr=False)
class Patch:
    """What is expected instead of a finding.

    Attributes
    ----------
    box : Box
        Of the page's pixels.
    codes : bytes
    """

    box: Box
    codes: bytes


@dataclass(frozen=True, repr=False)
class Pixels:
    """What the page decodes.

    Attributes
    ----------
    rows, columns : int
        Of the codes: the scan's own, or fewer where a browser could not draw so many.
    share : float
        Page pixels per scan pixel, 1 or less.
    codes : bytes
        Optical depth of the high energy, `encoded`.
    patches : tuple of Patch
    numbers : bytes
        Effective atomic number of squares of `COARSE` pixels, deflated; code 0 is not known. Empty without two energies.
    opaque : bytes
        1 where any of those pixels was not penetrated, deflated.
    areal : tuple of float [g/cm²]
        Areal density of water-like matter at optical depths of 0, 0.25, ... 14.
    """

    rows: int
    columns: int
    share: float
    codes: bytes
    patches: tuple[Patch, ...]
    numbers: bytes
    opaque: bytes
    areal: tuple[float, ...]

    @classmethod
    def of(cls, radiograph: Radiograph, explanations: Sequence[Explanation]) -> Pixels:
        """Encode a radiograph and what its explanations expect.

        Parameters
        ----------
        radiograph : Radiograph
        explanations : sequence of Explanation

        Returns
        -------
        Pixels
        """
        rows, columns = radiograph.shape
        share = min(1.0, LONGEST / max(rows, columns), (MOST / (rows * columns)) ** 0.5)
        size = max(1, round(rows * share)), max(1, round(columns * share))
        depth = np.where(radiograph.valid, radiograph.optical_depth[0], np.nan)
        patches = []
        for why in explanations:
            if why.expected is not None:
                box = _scaled(why.expected.box, size[0] / rows, size[1] / columns)
                patches.append(Patch(box, encoded(_resized(why.expected.depth[0], (box.height, box.width)))))
        areal = tuple(round(float(v), 1) for v in areal_density(CURVE, endpoint=endpoint_of(radiograph)))
        opaque = deflated((_coarse(radiograph.opaque, size) > 0).astype(np.uint8))
        return cls(*size, share, encoded(_resized(depth, size)), tuple(patches), _numbers(radiograph, size), opaque, areal)


def _scaled(box: Box, down: float, across: float) -> Box:
    top, left = int(box.top * down), int(box.left * across)
    return Box(top, left, max(top + 1, round(box.bottom * down)), max(left + 1, round(box.right * across)))


def _resized(depth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return depth if depth.shape == size else cv2.resize(depth.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)


def encoded(depth: np.ndarray) -> bytes:
    """Optical depth as the page reads it.

    Parameters
    ----------
    depth : ndarray, shape (rows, columns)
        NaN where it was not measured.

    Returns
    -------
    bytes

    Examples
    --------
    >>> depth = np.array([[0.0, 1.25, np.nan], [13.0, 40.0, -3.0]])
    >>> decoded(encoded(depth), (2, 3)).astype(float).round(2).tolist()
    [[0.0, 1.25, nan], [13.0, 14.06, -0.5]]
    """
    # The lowest code stands in for NaN until it is marked: which number a NaN becomes is up to the processor.
    steps = np.fmax((depth - FIRST) * PER_UNIT + 0.5, 0.0)
    codes = np.minimum(steps, UNMEASURED - 1, out=steps).astype(np.uint16)
    codes[np.isnan(depth)] = UNMEASURED
    differences = np.diff(codes, axis=1, prepend=np.uint16(0)).view(np.int16)
    folded = ((differences << 1) ^ (differences >> 15)).view(np.uint16)
    return deflated((folded >> 8).astype(np.uint8), folded.astype(np.uint8))


def decoded(codes: bytes, shape: tuple[int, int]) -> np.ndarray:
    """What `encoded` made, as the page undoes it; shape (rows, columns), NaN where it was not measured."""
    planes = np.frombuffer(zlib.decompress(codes), np.uint8).reshape(2, *shape).astype(np.uint16)
    folded = (planes[0] << 8) | planes[1]
    steps = ((folded >> 1) ^ (np.uint16(0) - (folded & 1))).astype(np.uint16)
    found = np.cumsum(steps, axis=1, dtype=np.uint16)
    return np.where(found == UNMEASURED, np.nan, found / PER_UNIT + FIRST).astype(np.float32)


def _coarse(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Means over squares of `COARSE` of the page's pixels: of row and column it reads row // COARSE and column // COARSE."""
    shown = np.pad(_resized(plane.astype(np.float32), size), [(0, -side % COARSE) for side in size], mode="edge")
    return cv2.resize(shown, (shown.shape[1] // COARSE, shown.shape[0] // COARSE), interpolation=cv2.INTER_AREA)


def _numbers(radiograph: Radiograph, size: tuple[int, int]) -> bytes:
    """Effective atomic numbers on a coarse grid; nothing where the scan does not tell them."""
    if len(radiograph.energies) != 2:
        return b""
    pitches = zip(radiograph.pixel_pitch, radiograph.shape, size, strict=True)
    row_pitch, column_pitch = (side * COARSE * own / shown for side, own, shown in pitches)
    depth = np.stack([_coarse(np.nan_to_num(plane), size) for plane in radiograph.optical_depth])
    valid, opaque = _coarse(radiograph.valid, size) > 0.99, _coarse(radiograph.opaque, size) > 0
    try:
        coarse = Radiograph(
            depth, valid, opaque, (row_pitch, column_pitch), energies=radiograph.energies, endpoints=radiograph.endpoints
        )
        number = find_materials(coarse).effective_number
    except CalibrationError:  # no end points, or pixels so coarse that kinds of material mean nothing
        return b""
    low, high = NUMBERS
    codes = np.clip(1 + (np.nan_to_num(number) - low) / (high - low) * 254, 1, 255).round().astype(np.uint8)
    codes[np.isnan(number)] = 0
    return zlib.compress(codes.tobytes(), 6)
