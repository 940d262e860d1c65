"""Text, outlines and where labels go. Colors are red, green, blue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.scan import Box

__all__ = ["COLORS", "Pen", "outline", "place"]

COLORS = {"person": (255, 120, 0), "void": (70, 190, 255), "density": (240, 228, 66)}
"""Color of each kind, apart for color-blind eyes too (after Okabe and Ito)."""

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX
FAR = 6  # label heights that a label may be away from its finding


@dataclass(frozen=True)
class Pen:
    """Sizes of text and lines that fit a picture.

    Attributes
    ----------
    height : int [px]
        Of capital letters.
    """

    height: int

    @classmethod
    def of(cls, rows: int) -> Pen:
        """The pen for a picture of so many rows: letters of 12 to 24 px."""
        return cls(int(np.clip(round(rows * 0.024), 12, 24)))

    @property
    def line(self) -> int:
        """Width of an outline [px]."""
        return max(1, round(self.height / 9))

    @property
    def scale(self) -> float:
        """OpenCV's font scale."""
        return cv2.getFontScaleFromHeight(FONT, self.height, self.line)

    def width(self, text: str) -> int:
        """Width of a text [px]."""
        return int(cv2.getTextSize(_ascii(text), FONT, self.scale, self.line)[0][0])

    def write(self, canvas: np.ndarray, text: str, corner: tuple[int, int], color: tuple[int, int, int]) -> None:
        """Write on ``canvas`` with the lower left end of the letters at ``corner`` (column, row)."""
        cv2.putText(canvas, _ascii(text), corner, FONT, self.scale, color, self.line, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """OpenCV's strokes know ASCII only."""
    return text.encode("ascii", "replace").decode("ascii")


def outline(mask: np.ndarray, gap: int = 0) -> list[np.ndarray]:
    """Outlines of a mask, ``gap`` pixels outside of it, so that they surround and do not cover.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    gap : int [px]

    Returns
    -------
    list of ndarray of int32, shape (points, 2)
        (column, row) of the mask's own grid; may lie ``gap`` outside of it. Outer borders only.

    Raises
    ------
    cv2.error
        If it is no image.

    Examples
    --------
    >>> outline(np.ones((3, 4), bool))[0].tolist()
    [[0, 0], [0, 2], [3, 2], [3, 0]]
    """
    margin = gap + 1
    padded = np.pad(mask.astype(np.uint8), margin)
    if gap:
        padded = cv2.dilate(padded, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * gap + 1, 2 * gap + 1)))
    found, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [contour.reshape(-1, 2) - margin for contour in found]


def place(size: tuple[int, int], box: Box, taken: Sequence[Box], shape: tuple[int, int]) -> Box:
    """Where a label goes: beside its finding, inside the picture, on no finding and no other label.

    Parameters
    ----------
    size : (int, int)
        Height and width of the label [px].
    box : Box
        The finding.
    taken : sequence of Box
        All findings, and the labels that are placed.
    shape : (int, int)
        Of the picture.

    Returns
    -------
    Box
        The nearest free place; where none is free, the one that covers least.

    Raises
    ------
    ShapeError
        If the label has no size.

    Examples
    --------
    >>> place((10, 40), Box(50, 50, 90, 70), [Box(50, 50, 90, 70)], (200, 200))
    Box(top=36, left=50, bottom=46, right=90)
    """
    height, width = size
    best: tuple[float, Box] | None = None
    for step in range(FAR):
        away = 4 + step * height
        lefts = (box.left, box.right - width, (box.left + box.right - width) // 2)
        tops = (box.top, box.bottom - height, (box.top + box.bottom - height) // 2)
        corners = [(top, left) for top in (box.top - away - height, box.bottom + away) for left in lefts]
        corners += [(top, left) for left in (box.right + away, box.left - away - width) for top in tops]
        for top, left in corners:
            top, left = max(0, min(top, shape[0] - height)), max(0, min(left, shape[1] - width))
            spot = Box(top, left, top + height, left + width)
            covered = sum(spot.common(other) for other in taken)
            if covered == 0:
                return spot
            if best is None or covered < best[0]:
                best = covered, spot
    assert best is not None
    return best[1]
