"""The pictures of a report, each encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.errors import ReportError
from xrayscan.explain.attribution import METHODS
from xrayscan.explain.drawing import Pen
from xrayscan.explain.explanation import Explanation
from xrayscan.explain.heat import blended, heat
from xrayscan.explain.legend import hatched
from xrayscan.explain.overlay import overlay
from xrayscan.explain.picture import Frame, picture
from xrayscan.findings import Finding
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.scan import Radiograph

__all__ = ["Layers", "png"]

COMPRESSION = 1


@dataclass(frozen=True, repr=False)
class Layers:
    """Image files, and the frame they are drawn in.

    Attributes
    ----------
    frame : Frame
    still : bytes
        The scan at half its resolution, as JPEG: what is seen until the page has decoded its numbers, or where it may not.
    heat, hatch, overlay : bytes
        The heat and the opaque regions at half the resolution, transparent elsewhere; all in one with its legend. PNG.
    rests : tuple of (bytes or None)
        Of each finding a PNG of its box under what its score rests on; None where no attribution was asked for.
    """

    frame: Frame
    still: bytes
    heat: bytes
    hatch: bytes
    overlay: bytes
    rests: tuple[bytes | None, ...] = ()

    @classmethod
    def of(
        cls, radiograph: Radiograph, anomaly: AnomalyMap, findings: Sequence[Finding], explanations: Sequence[Explanation] = ()
    ) -> Layers:
        """Draw and encode the pictures of a report.

        Parameters
        ----------
        radiograph : Radiograph
        anomaly : AnomalyMap
        findings : sequence of Finding
        explanations : sequence of Explanation
            One a finding, or none at all.

        Returns
        -------
        Layers

        Raises
        ------
        ShapeError
            If they are not of the same scan.
        """
        frame = Frame.of(radiograph)
        gray = picture(radiograph)
        half = max(1, frame.columns // 2), max(1, frame.rows // 2)
        drawn = overlay(radiograph, anomaly, findings, gray=gray)
        return cls(
            frame,
            still=_jpeg(cv2.resize(gray, half, interpolation=cv2.INTER_AREA)),
            heat=png(
                heat(cv2.resize(anomaly.person, half, interpolation=cv2.INTER_AREA), anomaly.model.calibration.get("person"))
            ),
            hatch=png(_hatch(radiograph.opaque, half)),
            overlay=png(drawn),
            rests=tuple(_rest(gray, frame, *pair) for pair in zip(findings, explanations, strict=bool(explanations))),
        )


def _rest(gray: np.ndarray, frame: Frame, finding: Finding, explanation: Explanation) -> bytes | None:
    """A finding's box under the heat of an attribution."""
    if explanation.method == METHODS["score"]:
        return None
    box = frame.box(finding.box)
    score = cv2.resize(explanation.heatmap, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
    return png(blended(cv2.cvtColor(gray[box.slices], cv2.COLOR_GRAY2RGB), score))


def _hatch(opaque: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Gray diagonals where the scan was not penetrated, transparent elsewhere."""
    mask = cv2.resize(opaque.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0  # any pixel of it: none is lost
    image = np.zeros((*mask.shape, 4), np.uint8)
    hatched(image, mask, Pen.of(mask.shape[0]))
    return image


def _jpeg(image: np.ndarray) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not done:
        raise ReportError(f"encoding a picture of shape {image.shape} as JPEG failed; check the memory that is left")
    return bytes(data)


def png(image: np.ndarray) -> bytes:
    """An image as a PNG file.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns), (rows, columns, 3) or (rows, columns, 4)
        Gray, or red, green, blue and opacity.

    Returns
    -------
    bytes

    Raises
    ------
    ReportError
        If it cannot be encoded.

    Examples
    --------
    >>> png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    options = [cv2.IMWRITE_PNG_COMPRESSION, COMPRESSION]
    if image.ndim == 2:
        options += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]  # smaller by a quarter, as fast
    else:
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", image, options)
    if not done:
        raise ReportError(f"encoding a picture of shape {image.shape} as PNG failed; check the memory that is left")
    return bytes(data)
