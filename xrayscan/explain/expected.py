"""The scan as it would be without a finding."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.findings import Finding
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.scan import Radiograph

__all__ = ["MU_OVER_RHO", "expected_depth"]

MU_OVER_RHO = 0.049
"""μ/ρ of water at 2 MeV [cm²/g] (NIST), near the effective energy of a 6 MV beam: an approximation for every machine."""

EDGE = 0.03  # [m] width of the soft edge: about the resolution of the network's grid
MIN_WEIGHT = 1e-3


def expected_depth(finding: Finding, radiograph: Radiograph, anomaly: AnomalyMap) -> np.ndarray:
    """Optical depth over the finding's box as it would be without the finding.

    ``τ − μ/ρ · (added − missing)``, never below 0. The areal density that is taken out is smoothed inside the mask and
    fades over about 3 cm at its edge. Where the beam did not come through, τ stays as it is: nothing is known there.

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

    References
    ----------
    Hubbell and Seltzer, NIST SRD 126, DOI 10.18434/T4D01F: μ/ρ of water is 0.0494 cm²/g at 2 MeV.

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
    2.02
    """
    rows, columns = finding.box.slices
    depth = radiograph.optical_depth[0, rows, columns]
    mask = finding.mask.astype(np.float32)
    net = anomaly.added[rows, columns] - anomaly.missing[rows, columns]
    sigma = (EDGE / radiograph.pixel_pitch[1], EDGE / radiograph.pixel_pitch[0])
    weight = _smooth(mask, sigma)
    inside = _smooth(net * mask, sigma) / np.maximum(weight, MIN_WEIGHT)
    change = MU_OVER_RHO * inside * np.clip(2 * weight, 0, 1)
    change[radiograph.opaque[rows, columns]] = 0
    return np.where(depth > 0, np.maximum(depth - change, 0), depth).astype(np.float32)


def _smooth(image: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """Gaussian, (column, row) sigma in pixels; the edge value goes on beyond the border."""
    return cv2.GaussianBlur(
        image, (0, 0), sigmaX=max(sigma[0], 0.3), sigmaY=max(sigma[1], 0.3), borderType=cv2.BORDER_REPLICATE
    )
