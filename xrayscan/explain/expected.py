"""The scan as it would be without a finding."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.findings import Finding
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.normalize.areal import depth_without
from xrayscan.scan import Radiograph

__all__ = ["expected_depth"]

EDGE = 0.03  # [m] width of the soft edge: about the resolution of the network's grid
MIN_WEIGHT = 1e-3
ENDPOINTS = (2.5, 9.0)  # [MV] of the table


def expected_depth(finding: Finding, radiograph: Radiograph, anomaly: AnomalyMap) -> np.ndarray:
    """Optical depth over the finding's box as it would be without the finding.

    ``added − missing`` is taken out as water-like matter, beam hardening included; nothing falls below 0. It is smoothed inside
    the mask and fades over about 3 cm at its edge. Where the beam did not come through, τ stays as it is: nothing is known
    there.

    Parameters
    ----------
    finding : Finding
    radiograph : Radiograph
    anomaly : AnomalyMap

    Returns
    -------
    ndarray of float32, shape (box.height, box.width)
        NaN where the radiograph is not valid.

    Raises
    ------
    ShapeError
        If the box lies outside the scan (raised by `xrayscan.explain.explain`, which checks it first).

    Examples
    --------
    >>> from xrayscan.findings import Finding, Mass, Position, Size
    >>> from xrayscan.network.anomaly import AnomalyMap, ModelId
    >>> from xrayscan.scan import Box
    >>> zero, ones = np.zeros((80, 80), np.float32), np.ones((80, 80), bool)
    >>> anomaly = AnomalyMap(zero, zero, zero, zero + 20, zero, ModelId("m", "1", ""))
    >>> radiograph = Radiograph(zero[None] + 3, ones, ~ones, (0.01, 0.01))
    >>> finding = Finding("P1", "person", 0.9, Box(10, 10, 70, 70), ones[10:70, 10:70],
    ...     Position(0.4, 0.4), Size(0.6, 0.6), Mass(72, 50, 100))
    >>> round(float(expected_depth(finding, radiograph, anomaly)[30, 30]), 2)
    2.16
    """
    rows, columns = finding.box.slices
    depth = radiograph.optical_depth[0, rows, columns]
    mask = finding.mask.astype(np.float32)
    net = anomaly.added[rows, columns] - anomaly.missing[rows, columns]
    sigma = (EDGE / radiograph.pixel_pitch[1], EDGE / radiograph.pixel_pitch[0])
    weight = _smooth(mask, sigma)
    inside = _smooth(net * mask, sigma) / np.maximum(weight, MIN_WEIGHT)
    change = inside * np.clip(2 * weight, 0, 1)
    change[radiograph.opaque[rows, columns]] = 0
    return depth_without(depth, change, endpoint=endpoint_of(radiograph))


def endpoint_of(radiograph: Radiograph) -> float | None:
    """End-point energy of the high energy [MV], where the scan tells one that the table of areal densities holds."""
    told = radiograph.endpoints[0] if radiograph.endpoints else None
    return None if told is None else float(np.clip(told, *ENDPOINTS))


def _smooth(image: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """Gaussian, (column, row) sigma in pixels; the edge value goes on beyond the border."""
    return cv2.GaussianBlur(
        image, (0, 0), sigmaX=max(sigma[0], 0.3), sigmaY=max(sigma[1], 0.3), borderType=cv2.BORDER_REPLICATE
    )
