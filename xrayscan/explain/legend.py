"""The strip under a picture: what its colors and lines mean, how long a meter is, and what it does not say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xrayscan.explain.drawing import COLORS, Pen
from xrayscan.explain.heat import LEVEL, STEPS, blended

__all__ = ["DISCLAIMER", "GROUND", "hatched", "legend", "unseen"]

DISCLAIMER = "No finding is not a clearance. A person decides."

GROUND, INK = 32, (235, 235, 235)
LENGTHS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # [m] of the scale bar


@dataclass(frozen=True)
class _Item:
    """Something that takes ``width`` pixels and draws itself with its lower left end at (column, row)."""

    width: int
    draw: Callable[[np.ndarray, int, int], None]


def legend(width: int, pitch: float, inspected: float, pen: Pen) -> np.ndarray:
    """The strip that goes under a picture.

    Parameters
    ----------
    width : int [px]
    pitch : float [m]
        Side of the picture's pixels.
    inspected : float
        Share of the load that was penetrated.
    pen : Pen

    Returns
    -------
    ndarray of uint8, shape (rows, width, 3)
        As many rows as it needs.

    Raises
    ------
    ValueError
        If the width is not positive.

    Examples
    --------
    >>> legend(1200, 0.005, 0.83, Pen(14)).shape[1:]
    (1200, 3)
    """
    items = [
        _scale_bar(pitch, width, pen),
        _heat_scale(pen),
        *(
            _swatch(text, COLORS[kind], pen)
            for kind, text in (("person", "P person-like"), ("void", "V void"), ("density", "D density"))
        ),
        _hatch_swatch(pen),
        _text(f"{unseen(inspected)} of the load could not be seen through", pen),
        _text(DISCLAIMER, pen),
    ]
    gap, step = 2 * pen.height, 2 * pen.height
    spots: list[tuple[_Item, int, int]] = []
    column, row = gap, step
    for item in items:
        if column > gap and column + item.width + gap > width:
            column, row = gap, row + step
        spots.append((item, column, row))
        column += item.width + gap
    strip = np.full((row + pen.height, width, 3), GROUND, np.uint8)
    for item, left, bottom in spots:
        item.draw(strip, left, bottom)
    return strip


def hatched(image: np.ndarray, mask: np.ndarray, pen: Pen) -> None:
    """Hatch ``image`` in place where ``mask`` is True: gray diagonals, so that black regions are seen to be marked."""
    if not mask.any():
        return
    period, line = pen.height, max(2, pen.line)
    rows, columns = np.indices((period, period))
    tile = (rows + columns) % period < line
    times = -(-mask.shape[0] // period), -(-mask.shape[1] // period)
    lines = np.tile(tile, times)[: mask.shape[0], : mask.shape[1]]
    image[mask & lines] = 150


def unseen(inspected: float) -> str:
    """The share of the load that could not be seen through, in words that never round something to nothing.

    Parameters
    ----------
    inspected : float
        Share of the load that was penetrated, 0 to 1.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is not a number.

    Examples
    --------
    >>> unseen(0.83), unseen(0.999), unseen(1.0), unseen(0.001)
    ('17 %', '<1 %', '0 %', '>99 %')
    """
    share = 100 * (1 - inspected)
    if 0 < share < 1:
        return "<1 %"
    if 99 < share < 100:
        return ">99 %"
    return f"{round(share)} %"


def _text(text: str, pen: Pen) -> _Item:
    return _Item(pen.width(text), lambda canvas, left, bottom: pen.write(canvas, text, (left, bottom), INK))


def _beside(width: int, text: str, pen: Pen, paint: Callable[[np.ndarray], None]) -> _Item:
    """A painted patch of so many pixels with a text after it."""
    space = pen.height // 2

    def draw(canvas: np.ndarray, left: int, bottom: int) -> None:
        paint(canvas[bottom - pen.height : bottom, left : left + width])
        pen.write(canvas, text, (left + width + space, bottom), INK)

    return _Item(width + space + pen.width(text), draw)


def _scale_bar(pitch: float, width: int, pen: Pen) -> _Item:
    length = next((m for m in LENGTHS if m / pitch >= 5 * pen.height), LENGTHS[-1])
    if length / pitch > width / 3:
        length = max((m for m in LENGTHS if m / pitch <= width / 3), default=LENGTHS[0])

    def paint(patch: np.ndarray) -> None:
        end = max(2, pen.line)
        middle = patch.shape[0] // 2
        patch[middle : middle + end] = INK
        patch[:, :end] = patch[:, -end:] = INK

    return _beside(max(1, round(length / pitch)), f"{length:g} m", pen, paint)


def _heat_scale(pen: Pen) -> _Item:
    width, low = 8 * pen.height, f"probability {LEVEL:g}"
    space = pen.height // 2

    def paint(patch: np.ndarray) -> None:
        score = np.tile(np.linspace(LEVEL, 1, patch.shape[1], dtype=np.float32), (patch.shape[0], 1))
        patch[:] = blended(np.full(patch.shape, 150, np.uint8), score)
        for step in STEPS[1:]:
            column = round((step - LEVEL) / (1 - LEVEL) * patch.shape[1])
            patch[:, column : column + max(1, pen.line // 2)] = INK

    steps = ", ".join(f"{step:g}" for step in STEPS[1:])
    bar = _beside(width, f"1 (lines at {steps})  consistent with a concealed person", pen, paint)

    def draw(canvas: np.ndarray, left: int, bottom: int) -> None:
        pen.write(canvas, low, (left, bottom), INK)
        bar.draw(canvas, left + pen.width(low) + space, bottom)

    return _Item(pen.width(low) + space + bar.width, draw)


def _swatch(text: str, color: tuple[int, int, int], pen: Pen) -> _Item:
    def paint(patch: np.ndarray) -> None:
        line = pen.line
        patch[:line] = patch[-line:] = color
        patch[:, :line] = patch[:, -line:] = color

    return _beside(2 * pen.height, text, pen, paint)


def _hatch_swatch(pen: Pen) -> _Item:
    def paint(patch: np.ndarray) -> None:
        patch[:] = 0
        hatched(patch, np.ones(patch.shape[:2], bool), pen)

    return _beside(3 * pen.height, "not penetrated: nothing can be said there", pen, paint)
