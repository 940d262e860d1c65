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
from xrayscan.report.packing import png
from xrayscan.scan import Radiograph

__all__ = ["Layers", "png"]


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
            hatch=png(_hatch(radiograph.unseen, half)),
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
    image = np.zeros((*mask.shape, 2), np.uint8)  # gray and opacity
    hatched(image, mask, Pen.of(mask.shape[0]))
    return image


def _jpeg(image: np.ndarray) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not done:
        raise ReportError(f"encoding a picture of shape {image.shape} as JPEG failed; check the memory that is left")
    return bytes(data)
