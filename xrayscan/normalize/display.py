"""Pictures made for eyes → approximate transmission: inversion, air level and black level are found."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam
from xrayscan.scan import Step

__all__ = ["from_display"]

LEVELS = 256
DARK_LEVELS = 2.5
_STRIP = 0.025
_PILE = 0.02
_DARKEST = 0.1
_AIR_SPREAD = 0.9
_LEAST_SPAN = 16.0


def from_display(pixels: np.ndarray) -> Beam:
    """Approximate transmission T = (v − black)/(air − black) of a picture whose gray curve is not known.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns)
        8 or 16 bits, or floats; air bright or dark.

    Returns
    -------
    Beam
        Its ``least`` is two and a half gray levels of 256: what lies there stands for nothing.
    """
    transmission = np.empty(pixels.shape, np.float32)
    step = np.empty(pixels.shape[:2], np.float32)
    least = np.empty(pixels.shape[:2], np.float32)
    valid = np.ones(pixels.shape[1:], bool)
    steps: list[Step] = []
    for energy, picture in enumerate(pixels):
        gray, finite, one = _gray(picture)
        valid &= finite
        inverted, sure = _is_inverted(gray)
        if inverted:
            gray = np.subtract(np.float32(LEVELS - 1), gray)
        air, black = _levels(gray)
        span = air - black
        np.subtract(gray, np.float32(black), out=transmission[energy])
        transmission[energy] *= np.float32(1.0 / span)
        step[energy], least[energy] = one / span, DARK_LEVELS / span
        note = f"air found at gray {air:.1f} of 255, black at {black:.1f}" + ("; the picture was inverted" if inverted else "")
        if not sure:
            note = f"warning: no air at the top edge of the picture, so its inversion is a guess; {note}"
        steps.append(Step("gray levels", note, {"air": air, "black": black, "inverted": inverted}))
    note = "warning: made from a display picture with an unknown gray curve: every density is approximate"
    steps.append(Step("display", note))
    return Beam(transmission, valid, step, least, tuple(steps))


def _gray(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The picture on a scale of 0 to 255 (float32), which pixels are finite, and the size of one code on that scale.

    Full scale is the 99.95 % quantile, so that a few hot pixels do not press 12 bits into the dark end of 16.
    """
    finite = np.ones(picture.shape, bool)
    if picture.dtype == np.uint8:
        return picture.astype(np.float32), finite, 1.0
    if picture.dtype.kind == "f":
        finite = np.isfinite(picture)
        picture = np.where(finite, picture, 0.0)
    low, high = min(float(picture.min()), 0.0), float(np.quantile(picture[::3, ::3], 0.9995))
    one = (LEVELS - 1) / (high - low) if high > low else 1.0
    gray = picture.astype(np.float32)
    gray -= np.float32(low)
    gray *= np.float32(one)
    np.minimum(gray, np.float32(LEVELS - 1), out=gray)
    return gray, finite, one if picture.dtype.kind != "f" else 0.0


def _is_inverted(gray: np.ndarray) -> tuple[bool, bool]:
    """Whether air is dark, and whether that is sure: air lies along the upper edge, else before and after the vehicle."""
    rows, columns = gray.shape
    deep, wide = max(1, int(rows * _STRIP)), max(1, int(columns * _STRIP / 2))
    low, high = (float(v) for v in np.quantile(gray[::4, ::4], [0.005, 0.995]))
    if high - low < _LEAST_SPAN:
        return high < LEVELS / 2, False
    for strip in (gray[:deep], np.concatenate([gray[:, :wide].ravel(), gray[:, -wide:].ravel()])):
        level = (strip - low) / (high - low)
        bright, dark = float((level > 0.75).mean()), float((level < 0.25).mean())
        if max(bright, dark) > 0.5:
            return dark > bright, True
    return False, False


def _levels(gray: np.ndarray) -> tuple[float, float]:
    """Air: the bright mode at the upper edge. Black: where values pile up at the dark end, else 0."""
    counts = cv2.calcHist([gray], [0], None, [LEVELS], [0.0, float(LEVELS)]).ravel()
    share = counts / max(float(counts.sum()), 1.0)
    strip = gray[: max(1, int(gray.shape[0] * _STRIP))]
    bright = strip[strip > LEVELS / 2]
    above = np.cumsum(share[::-1])[::-1]
    if bright.size >= strip.size // 10:
        mode = int(np.argmax(np.bincount(bright.astype(np.int64), minlength=LEVELS)[:LEVELS]))
        air = float(np.median(bright[bright > _AIR_SPREAD * mode]))
        beyond = float(above[min(mode + 6, LEVELS - 1)]) if mode + 6 < LEVELS else 0.0
    else:
        air, beyond = 0.0, 1.0
    if beyond > 0.02:
        top = int(np.flatnonzero(above >= 0.01)[-1]) if (above >= 0.01).any() else LEVELS - 1
        air = float(top) + 0.5 if top < LEVELS - 1 else float(LEVELS - 1)
    return max(air, _black(share, air) + _LEAST_SPAN), _black(share, air)


def _black(share: np.ndarray, air: float) -> float:
    """The level at which dark values pile up, with hardly anything below and less above; 0 where none do."""
    dark = share[: max(8, int(_DARKEST * air))]
    mode = int(np.argmax(dark))
    pile, below = float(dark[max(0, mode - 2) : mode + 3].sum()), float(dark[: max(0, mode - 2)].sum())
    above = float(share[mode + 4 : mode + 9].sum())
    return float(mode) if pile > max(_PILE, 4.0 * below, 2.0 * above) else 0.0
