"""Pictures in color, brought to one plane of the same depth: what the colors meant is undone as far as it can be told."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.io.marks import colored_marks
from xrayscan.io.palette import GRAY, Palette, find_palette, index_on
from xrayscan.scan import Step

__all__ = ["Plane", "luminance", "to_gray"]

_WEIGHTS = (0.299, 0.587, 0.114)
_TINT = 12  # largest difference of the channels that JPEG's rounding of chroma leaves in gray


@dataclass(frozen=True, eq=False)
class Plane:
    """What a picture in color says as gray.

    Attributes
    ----------
    pixels : ndarray, shape (rows, columns)
    covered : ndarray of bool, shape (rows, columns), or None
        Burnt over in a color that the picture does not have; None: nowhere.
    steps : tuple of Step
        What was found and undone.
    """

    pixels: np.ndarray
    covered: np.ndarray | None = None
    steps: tuple[Step, ...] = ()


def luminance(image: np.ndarray) -> np.ndarray:
    """One plane of a picture in RGB or RGBA; gray stored as RGB comes back exactly.

    Parameters
    ----------
    image : ndarray, shape (rows, columns, 3 or 4)
        Red, green, blue; a fourth channel (transparency) is left off.

    Returns
    -------
    ndarray, shape (rows, columns)
        Of the same dtype: 16 bits stay 16 bits.

    References
    ----------
    .. [1] ITU-R BT.601-7, section 2.5.1: luma is 0.299 R + 0.587 G + 0.114 B.

    Examples
    --------
    >>> luminance(np.array([[[7, 7, 7], [255, 0, 0]]], np.uint8))
    array([[ 7, 76]], dtype=uint8)
    """
    red, green, blue = (image[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.ascontiguousarray(red)
    wide = np.dtype(np.float64 if image.dtype.itemsize > 2 else np.float32)
    plane: np.ndarray = image[..., :3].astype(wide) @ np.asarray(_WEIGHTS, wide)
    return (plane if image.dtype.kind == "f" else np.rint(plane)).astype(image.dtype)


def to_gray(image: np.ndarray) -> Plane:
    """One plane of a picture in RGB: gray as it is, false color as the index of its palette, else its lightness.

    A picture in color is one of four things. Gray stored as RGB, where JPEG may have left a trace of chroma. Gray with marks
    in color, which are covered. False color, a curve through RGB: the place on the curve is the gray level that was colored,
    as it came or the other way round. Or material color, where the hue tells the material and the lightness the
    attenuation: the lightness is kept, in the measure of it that changes least where the hue alone changes.

    Parameters
    ----------
    image : ndarray, shape (rows, columns, 3 or 4)
        Red, green, blue; a fourth channel (transparency) is left off.

    Returns
    -------
    Plane
        Of the same dtype, but of 8 bits where it is the index of a palette of 256 colors.

    Examples
    --------
    >>> gray = np.tile(np.arange(256, dtype=np.uint8), (40, 2))
    >>> plane = to_gray(cv2.applyColorMap(gray, cv2.COLORMAP_VIRIDIS)[..., ::-1])
    >>> int(cv2.absdiff(plane.pixels, gray).max()), plane.steps[0].parameters["palette"]
    (1, 'viridis')
    """
    plane = luminance(image)
    eight = _eight_bits(image)
    chroma = _chroma(eight)
    if chroma.max() <= _TINT:
        return Plane(plane)
    palette = find_palette(eight)
    if palette is None:
        return _material(image, eight, plane)
    if palette.name == GRAY:
        covered = colored_marks(chroma)
        note = f"warning: gray with marks in color: {int(covered.sum())} pixels are burnt over and not valid"
        return Plane(plane, covered, (Step("marks", note, {"covered": int(covered.sum())}),))
    return _false_color(eight, plane, palette)


def _eight_bits(image: np.ndarray) -> np.ndarray:
    """Red, green, blue as 8 bits, to tell what the colors mean."""
    rgb = image[..., :3]
    if rgb.dtype == np.uint8:
        return np.ascontiguousarray(rgb)
    finite = np.nan_to_num(rgb.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(finite.max())
    if rgb.dtype.kind == "u" and top > np.iinfo(rgb.dtype).max / 4:
        top = float(np.iinfo(rgb.dtype).max)
    return np.rint(np.clip(finite, 0.0, top) * (255.0 / max(top, 1e-30))).astype(np.uint8)


def _chroma(eight: np.ndarray) -> np.ndarray:
    """Largest less smallest channel."""
    red, green, blue = cv2.split(eight)
    low = cv2.min(cv2.min(red, green), blue)
    return cv2.subtract(cv2.max(cv2.max(red, green), blue), low)


def _false_color(eight: np.ndarray, plane: np.ndarray, palette: Palette) -> Plane:
    index, distance = index_on(eight, palette)
    covered = colored_marks(distance, smeared=True)
    if palette.monotone and palette.name == "unknown" and plane.dtype == np.uint8:
        index, how = plane, "an unknown palette that brightens all along: its luma was taken"
    elif palette.name == "unknown":
        how = "an unknown palette: the place along its colors was taken, from the darker to the brighter end"
    else:
        how = f"the palette {palette.name!r}: its index was taken"
    marked = int(covered.sum())
    note = f"warning: false color in {how}" + (f"; {marked} pixels are burnt over and not valid" if marked else "")
    step = Step("false color", note, {"palette": palette.name, "share": round(palette.share, 4), "covered": marked})
    return Plane(index, covered if marked else None, (step,))


def _material(image: np.ndarray, eight: np.ndarray, plane: np.ndarray) -> Plane:
    """Lightness of a picture whose hue stands for something else, such as the material of dual energy.

    Of luma, the largest channel, and the mean of largest and smallest, the one is taken that varies least from pixel to
    pixel for its range: hue is noisier than attenuation, and a measure that hue leaks into is noisy with it.
    """
    red, green, blue = (image[..., k] for k in range(3))
    high = np.maximum(np.maximum(red, green), blue)
    low = np.minimum(np.minimum(red, green), blue)
    middle = (high.astype(np.float64) + low) / 2.0
    measures = {"luma": plane, "largest channel": high, "mean of largest and smallest channel": middle.astype(image.dtype)}
    hued = _chroma(eight) > _TINT
    name = min(measures, key=lambda key: _unrest(measures[key], hued)) if hued.sum() > 1000 else "luma"
    note = f"warning: color that lies on no palette, as of materials: only its lightness was kept ({name})"
    return Plane(np.ascontiguousarray(measures[name]), None, (Step("color", note, {"lightness": name}),))


def _unrest(measure: np.ndarray, hued: np.ndarray) -> float:
    """Median change from pixel to pixel where there is hue, as a share of the spread there."""
    wide = measure.astype(np.float32)
    change = np.abs(cv2.Laplacian(wide, cv2.CV_32F))[hued]
    low, high = np.quantile(wide[hued][:: max(1, change.size // 100_000)], [0.05, 0.95])
    quiet = float(np.quantile(change, 0.75))
    return float(np.minimum(change, quiet).mean()) / max(float(high - low), 1e-12)
