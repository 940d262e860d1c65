"""The picture a reviewer sees: the scan, the heat on a fixed scale, outlines, labels and what they mean.

Finding and drawing are apart: this module changes no finding and makes no score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from xrayscan.errors import ReportError, ShapeError
from xrayscan.explain.drawing import BLACK, COLORS, WHITE, Pen, outline, place
from xrayscan.explain.heat import blended, contoured
from xrayscan.explain.legend import GROUND, hatched, legend
from xrayscan.explain.picture import Frame, materials_picture, picture
from xrayscan.findings import Finding, probability_text
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.scan import Box, Radiograph

__all__ = ["Style", "label_of", "overlay", "picture"]

NARROWEST = 900  # [px] a legend needs this much
CONTAINER = (90, 90, 90)
WIDEST = 10.0  # high over low of a mass that is worth a number on a picture


@dataclass(frozen=True)
class Style:
    """How a picture is drawn; what the colors mean is the same in each.

    Attributes
    ----------
    heat : {"filled", "contours", "none"}
        Contours run around the pixels that they speak of and cover none of them.
    opacity : float
        Of filled heat, 0 to 1.
    materials : bool
        Whether kinds of material are colored, of two energies.
    beside : bool
        Whether the picture stands there once more, above, with nothing drawn on it.
    """

    heat: Literal["filled", "contours", "none"] = "filled"
    opacity: float = 1.0
    materials: bool = False
    beside: bool = False

    def __post_init__(self) -> None:
        if self.heat not in ("filled", "contours", "none"):
            raise ReportError(f"heat is drawn {self.heat!r}; known are 'filled', 'contours' and 'none'")
        if not 0.0 <= self.opacity <= 1.0:
            raise ReportError(f"the heat's opacity is {self.opacity}; expected 0 to 1")


PLAIN = Style()


def overlay(
    radiograph: Radiograph,
    anomaly: AnomalyMap,
    findings: Sequence[Finding],
    *,
    gray: np.ndarray | None = None,
    style: Style = PLAIN,
) -> np.ndarray:
    """The scan with everything a reviewer needs to see, as a new color picture.

    Heat: the probability of "consistent with a concealed person" on a fixed scale that starts at 0.5, so that a clean scan has
    no color at all. Outlines run around findings, not over them. What nothing can be said of (`Radiograph.unseen`) is
    hatched; a thin gray line is the container. Below stands a legend with a scale bar.

    Parameters
    ----------
    radiograph : Radiograph
    anomaly : AnomalyMap
    findings : sequence of Finding
    gray : ndarray of uint8 or None, shape (rows, columns)
        ``picture(radiograph)``, where it is at hand.
    style : Style

    Returns
    -------
    ndarray of uint8, shape (picture rows + legend rows, columns, 3) [red, green, blue]
        The picture is at the upper left, below a plain one if the style has both; pictures narrower than 900 pixels have a
        margin on their right.

    Raises
    ------
    ShapeError
        If the anomaly map is of another scan, or materials are asked of one energy.
    CalibrationError
        If materials are asked for, and the end points of the energies are not known.

    Examples
    --------
    >>> from xrayscan.network.anomaly import ModelId
    >>> zero, ones = np.zeros((300, 1000), np.float32), np.ones((300, 1000), bool)
    >>> radiograph = Radiograph(zero[None] + 1, ones, ~ones, (0.005, 0.005))
    >>> drawn = overlay(radiograph, AnomalyMap(zero, zero, zero, zero, zero, ModelId("m", "1", "")), ())
    >>> drawn[:300].min(), drawn[:300].max()
    (np.uint8(196), np.uint8(196))
    """
    if anomaly.shape != radiograph.shape:
        raise ShapeError(
            f"drawing a scan of {radiograph.shape} (rows, columns): the anomaly map has {anomaly.shape}; "
            "pass the map that the model made of this radiograph",
            expected=radiograph.shape,
            actual=anomaly.shape,
        )
    frame = Frame.of(radiograph)
    pen = Pen.of(frame.rows)
    plain = materials_picture(radiograph) if style.materials else _colored(picture(radiograph) if gray is None else gray)
    image = plain.copy()
    hatched(image, frame.resized(radiograph.unseen.astype(np.float32)) > 0, pen)
    score, curve = frame.resized(anomaly.person), anomaly.model.calibration.get("person")
    if style.heat == "filled":
        image = blended(image, score, style.opacity, curve)
    elif style.heat == "contours":
        image = contoured(image, score, pen.line, curve)
    for box in radiograph.containers:
        _rectangle(image, frame.box(box), CONTAINER)
    for finding in findings:
        _contour(image, finding, frame, pen)
    _labels(image, findings, frame, pen)
    image = np.vstack([plain, image]) if style.beside else image
    width = max(frame.columns, NARROWEST)
    image = cv2.copyMakeBorder(image, 0, 0, 0, width - frame.columns, cv2.BORDER_CONSTANT, value=(GROUND,) * 3)
    return np.vstack([image, legend(width, frame.pitch, radiograph.inspected, pen)])


def _colored(gray: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)


def label_of(finding: Finding) -> str:
    """What stands beside a finding: its id, probability and mass [kg].

    Parameters
    ----------
    finding : Finding

    Returns
    -------
    str
        Such as "P1 0.87, 62 kg"; a void's mass is what it lacks, and none is told whose 90 % interval spans a factor of
        ten and more.

    Raises
    ------
    AttributeError
        If it is no finding.

    Examples
    --------
    >>> from xrayscan.findings import Mass, Position, Size
    >>> label_of(Finding("P1", "person", 0.87, Box(0, 0, 1, 1), [[True]], Position(1, 1), Size(1, 1), Mass(62, 40, 95)))
    'P1 0.87, 62 kg'
    """
    mass, said = finding.mass, f"{finding.id} {probability_text(finding.probability)}"
    if mass.high > WIDEST * mass.low:
        return said
    return f"{said}, {'-' if finding.kind == 'void' else ''}{mass.value:.0f} kg"


def _rectangle(image: np.ndarray, box: Box, color: tuple[int, int, int]) -> None:
    cv2.rectangle(image, (box.left, box.top), (box.right - 1, box.bottom - 1), color, 1)


def _contour(image: np.ndarray, finding: Finding, frame: Frame, pen: Pen) -> None:
    """A line around the mask in the color of its kind, with a dark rim so that it is seen on white and on black."""
    where = frame.box(finding.box)
    mask = cv2.resize(finding.mask.astype(np.uint8), (where.width, where.height), interpolation=cv2.INTER_NEAREST)
    corner = np.array([where.left, where.top])
    lines = [(points + corner).astype(np.int32) for points in outline(mask, gap=2 * pen.line + 1)]
    cv2.polylines(image, lines, True, BLACK, 3 * pen.line, cv2.LINE_AA)
    cv2.polylines(image, lines, True, COLORS[finding.kind], pen.line, cv2.LINE_AA)


def _labels(image: np.ndarray, findings: Sequence[Finding], frame: Frame, pen: Pen) -> None:
    shape = image.shape[0], image.shape[1]
    boxes = [frame.box(finding.box).grown(4 * pen.line, shape) for finding in findings]
    taken = list(boxes)
    for finding, box in zip(findings, boxes, strict=True):
        text = label_of(finding)
        room = pen.height // 3
        size = min(pen.height + 2 * room, shape[0]), min(pen.width(text) + 2 * room, shape[1])
        spot = place(size, box, taken, shape)
        taken.append(spot)
        _leader(image, spot, box, COLORS[finding.kind], pen)
        cv2.rectangle(image, (spot.left, spot.top), (spot.right - 1, spot.bottom - 1), BLACK, -1)
        _rectangle(image, spot, COLORS[finding.kind])
        pen.write(image, text, (spot.left + room, spot.bottom - room), WHITE)


def _leader(image: np.ndarray, spot: Box, box: Box, color: tuple[int, int, int], pen: Pen) -> None:
    """A line from the label to its finding, where the label could not stand right beside it."""
    near_column = min(max((spot.left + spot.right) // 2, box.left), box.right)
    near_row = min(max((spot.top + spot.bottom) // 2, box.top), box.bottom)
    start = min(max(near_column, spot.left), spot.right), min(max(near_row, spot.top), spot.bottom)
    if abs(start[0] - near_column) + abs(start[1] - near_row) > pen.height:
        cv2.line(image, start, (near_column, near_row), BLACK, 3, cv2.LINE_AA)
        cv2.line(image, start, (near_column, near_row), color, 1, cv2.LINE_AA)
