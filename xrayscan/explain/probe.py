"""A finding, asked again with more or less of it in the scan: what attributions and their faithfulness are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import cv2
import numpy as np

from xrayscan.explain.expected import Expected
from xrayscan.findings import CORE, Finding
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.scan import Box, Radiograph

__all__ = ["Probe", "without"]

CONTEXT = 0.8  # of the scan around a finding that the model is shown [m]


def without(radiograph: Radiograph, expected: Iterable[Expected]) -> Radiograph:
    """A radiograph with parts of it as they would be without their findings.

    Parameters
    ----------
    radiograph : Radiograph
    expected : iterable of Expected

    Returns
    -------
    Radiograph

    Raises
    ------
    ValueError
        If an expectation is of a scan of other energies.
    """
    depth = np.array(radiograph.optical_depth)
    for part in expected:
        window = (slice(None), *part.box.slices)
        depth[window] = np.where(part.replaced, part.depth, depth[window])
    return replace(radiograph, optical_depth=depth)


class Probe:
    """A finding and its surroundings, of which any share can be taken out.

    What is taken out is areal density: optical depth goes from what was measured to what is expected without the finding.

    Parameters
    ----------
    model : callable
        Radiograph → anomaly map.
    radiograph : Radiograph
    finding : Finding
    expected : Expected
        Of that finding.

    Attributes
    ----------
    part : Radiograph
        The finding with `CONTEXT` around it.
    inner : (slice, slice)
        The expectation's box in it.
    region : ndarray of bool, shape (expected.box.height, expected.box.width)
        What can be taken out.
    """

    def __init__(
        self, model: Callable[[Radiograph], AnomalyMap], radiograph: Radiograph, finding: Finding, expected: Expected
    ) -> None:
        self.model, self.finding, self.expected, self.region = model, finding, expected, expected.replaced
        rows, columns = (max(1, round(CONTEXT / side)) for side in radiograph.pixel_pitch)
        box = expected.box
        self.window = box.grown((rows, columns), radiograph.shape)
        top, left = box.top - self.window.top, box.left - self.window.left
        self.inner = (slice(top, top + box.height), slice(left, left + box.width))
        self.part = _cut(radiograph, self.window)
        self.change = np.where(self.region, self.part.optical_depth[:, *self.inner] - expected.depth, np.float32(0.0))

    def shown(self, kept: np.ndarray | float) -> Radiograph:
        """The part with a share of the finding kept.

        Parameters
        ----------
        kept : float or ndarray of shape (expected.box.height, expected.box.width)
            0 to 1.
        """
        depth = np.array(self.part.optical_depth)
        depth[:, *self.inner] -= (1.0 - np.asarray(kept, np.float32)) * self.change
        return replace(self.part, optical_depth=depth)

    def score(self, kept: np.ndarray | float = 1.0) -> float:
        """The finding's score with a share of it kept: the mean of the highest `CORE` of its kind's map, where it was."""
        return self.read(getattr(self.model(self.shown(kept)), self.finding.kind)[self.inner])

    def read(self, found: np.ndarray) -> float:
        """The score in a map over the expectation's box."""
        inside = np.sort(found[self.region])
        cell = self.part.pixel_pitch[0] * self.part.pixel_pitch[1]
        return float(inside[-max(1, round(CORE / cell)) :].mean()) if inside.size else 0.0

    def smooth(self, heat: np.ndarray, width: float = 0.03) -> np.ndarray:
        """A map over the box, smoothed by some meters, and 0 outside of the region.

        Means are of the region alone: a map that is the same everywhere stays so, and does not fall off to its edge.
        """
        row, column = (max(width / side, 0.3) for side in self.part.pixel_pitch)
        inside, weight = (
            cv2.GaussianBlur(np.where(self.region, plane, 0.0).astype(np.float32), (0, 0), sigmaX=column, sigmaY=row)
            for plane in (heat, np.ones_like(heat))
        )
        return np.where(self.region, inside / np.maximum(weight, 1e-6), 0.0).astype(np.float32)


def _cut(radiograph: Radiograph, box: Box) -> Radiograph:
    return Radiograph(
        radiograph.optical_depth[:, *box.slices], radiograph.valid[box.slices], radiograph.opaque[box.slices],
        radiograph.pixel_pitch, energies=radiograph.energies, quantity=radiograph.quantity, endpoints=radiograph.endpoints,
    )  # fmt: skip
