"""A radiograph for eyes: one fixed curve from optical depth to gray, square pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.normalize.materials import find_materials
from xrayscan.scan import Box, Radiograph

__all__ = ["DEPTH_OF_BLACK", "UNMEASURED", "Frame", "materials_picture", "picture"]

DEPTH_OF_BLACK = 8.0
"""Optical depth that is drawn black."""

GAMMA = 0.7
UNMEASURED = 128  # gray of pixels that are not valid
HUES = ((0.55, 0.55, 0.55), (1.0, 0.5, 0.0), (0.1, 0.7, 0.2), (0.15, 0.35, 1.0))
"""Red, green and blue of matter that is not known, organic (effective atomic number below 10), between, metal (18 and more)."""

ALIKE = 0.01  # row and column pitch that differ by less are taken as square
LONGEST, MOST = 16384, 64_000_000  # longest side [px] and most pixels of a picture: what browsers draw


@dataclass(frozen=True)
class Frame:
    """How scan pixels become the square pixels of a picture.

    Attributes
    ----------
    rows, columns : int
        Size of the picture [px].
    row_scale, column_scale : float
        Picture pixels per scan pixel.
    pitch : float
        Side of a picture's pixel in the middle of the load [m].

    Examples
    --------
    >>> ones = np.ones((40, 100), bool)
    >>> frame = Frame.of(Radiograph(np.zeros((1, 40, 100)), ones, ~ones, (0.005, 0.01)))
    >>> frame.rows, frame.columns, frame.pitch
    (40, 200, 0.005)
    """

    rows: int
    columns: int
    row_scale: float
    column_scale: float
    pitch: float

    @classmethod
    def of(cls, radiograph: Radiograph) -> Frame:
        """The frame of a radiograph: the finer pitch is kept, the coarser axis is stretched.

        Parameters
        ----------
        radiograph : Radiograph

        Returns
        -------
        Frame

        Raises
        ------
        AttributeError
            If it is no radiograph.
        """
        rows, columns = radiograph.shape
        row_pitch, column_pitch = radiograph.pixel_pitch
        if abs(row_pitch / column_pitch - 1) <= ALIKE:
            row_pitch = column_pitch = min(row_pitch, column_pitch)
        side = min(row_pitch, column_pitch)
        tall, wide = rows * row_pitch / side, columns * column_pitch / side
        shrink = min(1.0, LONGEST / max(tall, wide), (MOST / (tall * wide)) ** 0.5)
        tall, wide = max(1, round(tall * shrink)), max(1, round(wide * shrink))
        return cls(tall, wide, tall / rows, wide / columns, side / shrink)

    def resized(self, image: np.ndarray) -> np.ndarray:
        """An image of the scan's grid on the picture's grid; uint8 or float32, shape (rows, columns)."""
        if image.shape[:2] == (self.rows, self.columns):
            return image
        shrinks = self.row_scale < 1 or self.column_scale < 1
        return cv2.resize(image, (self.columns, self.rows), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    def box(self, box: Box) -> Box:
        """A box of the scan in pixels of the picture, at least one pixel large."""
        top, left = int(box.top * self.row_scale), int(box.left * self.column_scale)
        bottom, right = round(box.bottom * self.row_scale), round(box.right * self.column_scale)
        return Box(top, left, max(bottom, top + 1), max(right, left + 1))

    def points(self, polygon: np.ndarray) -> np.ndarray:
        """Points (column, row) of the scan, shape (n, 2), as float32 points of the picture."""
        return np.asarray(polygon, np.float32).reshape(-1, 2) * np.array([self.column_scale, self.row_scale], np.float32)


def picture(radiograph: Radiograph) -> np.ndarray:
    """The optical depth of the high energy as a gray picture with square pixels.

    ``gray = 255 · (1 − (τ / 8)^0.7)``, τ cut to 0 … 8: air is white, what lets less than 0.03 % through is black, and the
    same gray is the same optical depth in every scan. Pixels that were not measured are mid-gray (128).

    Parameters
    ----------
    radiograph : Radiograph

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        Of the picture: stretched along the axis with the coarser pitch.

    Raises
    ------
    AttributeError
        If it is no radiograph.

    Examples
    --------
    >>> ones = np.ones((2, 3), bool)
    >>> picture(Radiograph(np.float32([[[0, 1, 2], [4, 8, 9]]]), ones, ~ones, (0.005, 0.005)))
    array([[255, 196, 158],
           [ 98,   0,   0]], dtype=uint8)
    """
    dark = np.fmax(radiograph.optical_depth[0], np.float32(0.0))  # of NaN 0 too
    np.minimum(dark, DEPTH_OF_BLACK, out=dark)
    np.power(dark, GAMMA, out=dark)
    gray = cv2.convertScaleAbs(dark, alpha=-255 / DEPTH_OF_BLACK**GAMMA, beta=255)
    gray[~radiograph.valid] = UNMEASURED
    return Frame.of(radiograph).resized(gray)


def materials_picture(radiograph: Radiograph) -> np.ndarray:
    """The gray picture of a dual-energy radiograph, colored by kind of material: orange organic, green between, blue metal.

    Where the kind can not be told it stays gray. The lightness is that of `picture`.

    Parameters
    ----------
    radiograph : Radiograph
        With two energies and their end points.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3) [red, green, blue]

    Raises
    ------
    ShapeError, CalibrationError
        If it has one energy, or end points that are not known.
    """
    number = find_materials(radiograph).effective_number
    kind = np.where(np.isnan(number), 0, np.digitize(np.nan_to_num(number), (10.0, 18.0)) + 1).astype(np.uint8)
    frame = Frame.of(radiograph)
    kind = cv2.resize(kind, (frame.columns, frame.rows), interpolation=cv2.INTER_NEAREST)
    light = picture(radiograph)[..., None] / 255.0
    hue = np.array(HUES)[kind]
    return np.round(255 * (light * hue + light**2 * (1 - hue))).astype(np.uint8)
