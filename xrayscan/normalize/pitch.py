"""Pixel pitch from the ISO size of the container, where the scanner does not tell it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xrayscan.scan import Box, Step

__all__ = ["pixel_pitch"]

LENGTHS = (6.058, 12.192, 13.716)
HEIGHTS = (2.591, 2.896)
FIELD_OF_VIEW = 4.25
MAGNIFICATION = 1.6
_RARE_LENGTH = {13.716: 0.15}


def pixel_pitch(
    given: tuple[float, float] | None, boxes: Sequence[Box], shape: tuple[int, int], magnification: float | None = None
) -> tuple[tuple[float, float], Step]:
    """Row and column pitch in the middle of the load [m].

    Along the travel the scale does not depend on depth: a box is as long as the container. Along the array it does: the box is
    drawn around the near wall, which a source at distance d shows larger than the middle of the load, by
    (1 + M)/2 when the near wall is M times as large as the far wall (rays from a point: the scale goes with 1/d).

    Parameters
    ----------
    given : (float, float) or None [m]
        The scanner's own pitch; used as it is.
    boxes : sequence of Box
    shape : (int, int)
        (rows, columns).
    magnification : float or None
        M, near wall to far wall; None: 1.6, the middle of 1.3 to 2.2.

    Returns
    -------
    pitch : (float, float) [m]
    step : Step

    References
    ----------
    ISO 668:2020, Table 2: lengths 6.058 (1CC), 12.192 (1AA), 13.716 m (1EEE); heights 2.591, 2.896 m.

    Examples
    --------
    >>> pitch, step = pixel_pitch(None, [Box(100, 200, 800, 2638)], (850, 2800))
    >>> round(pitch[1] * 1e3, 2)
    5.0
    >>> step.is_warning
    True
    """
    if given is not None:
        return given, Step("pixel pitch", f"given: {given[0] * 1e3:.2f} x {given[1] * 1e3:.2f} mm")
    if not boxes:
        size = FIELD_OF_VIEW / max(shape[0], 43)
        size = float(np.clip(size, 5e-4, 0.1))
        note = f"warning: pixel pitch estimated without a container: {size * 1e3:.1f} mm, as if {FIELD_OF_VIEW} m were in view"
        return (size, size), Step("pixel pitch", note, {"row": size, "column": size})
    near = magnification or MAGNIFICATION
    width = float(np.mean([box.width for box in boxes]))
    height = float(np.mean([box.height for box in boxes])) * 2.0 / (1.0 + near)
    length, tall = _iso_size(width, height, LENGTHS[:1] if len(boxes) > 1 else LENGTHS)
    row, column = float(np.clip(tall / height, 2e-4, 0.19)), float(np.clip(length / width, 2e-4, 0.19))
    unsure = "10" if magnification else "25"
    note = (
        f"warning: pixel pitch estimated from a container {length:.2f} m long and {tall:.2f} m high: "
        f"{row * 1e3:.2f} (rows, within {unsure} %) x {column * 1e3:.2f} mm (columns, right if the length is)"
    )
    return (row, column), Step("pixel pitch", note, {"row": row, "column": column, "length": length, "height": tall})


def _iso_size(width: float, height: float, lengths: Sequence[float]) -> tuple[float, float]:
    """Length and height [m] that make the pixels most nearly square; 45 ft is rare, and 20 ft are not made high."""
    choices = [
        (abs(float(np.log(length / width / (tall / height)))) + _RARE_LENGTH.get(length, 0.0), length, tall)
        for length in lengths
        for tall in HEIGHTS
        if not (length == LENGTHS[0] and tall == HEIGHTS[1])
    ]
    _, length, tall = min(choices)
    return length, tall
