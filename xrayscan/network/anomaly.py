"""The network's answer on the scan's own grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from xrayscan.errors import ModelError, ShapeError
from xrayscan.scan import frozen_array

__all__ = ["KINDS", "SCORE_AREA", "AnomalyMap", "Curve", "Kind", "ModelId", "probability_of"]

Kind = Literal["person", "void", "density"]
KINDS: tuple[Kind, ...] = ("person", "void", "density")
UNFAMILIAR = 0.01  # share of known scans that are called unfamiliar


SCORE_AREA = 0.3
"""About that of a person's silhouette [m²]."""

Curve = tuple[float, float]
"""Slope and intercept of the logistic curve from a logit score to its probability."""


def probability_of(score: float | np.ndarray, curve: Curve | None) -> np.ndarray:
    """What a score means, as a model's card says; itself where nothing was calibrated.

    Examples
    --------
    >>> probability_of(np.array([0.5, 0.9]), (1.0, -1.0)).round(2).tolist(), float(probability_of(0.3, None))
    ([0.27, 0.77], 0.3)
    """
    share = np.asarray(score, float)
    if curve is None:
        return share
    share = np.clip(share, 1e-4, 1 - 1e-4)
    return np.asarray(1.0 / (1.0 + np.exp(-(curve[0] * np.log(share / (1.0 - share)) + curve[1]))))


@dataclass(frozen=True)
class ModelId:
    """Which model said it, and how its scores are to be read.

    Attributes
    ----------
    name, version, sha256 : str
        The hash is of the weights that ran.
    calibration : mapping of str to (float, float)
        Kind → (slope, intercept) of the logistic curve from a region's logit score to its probability; a kind that is not
        in it is not calibrated.
    mass_factor : mapping of str to (float, float)
        Kind → low and high factor of the 90 % interval of an estimated mass, where it was measured.
    score_area : float [m²]
        Over which the score of a place is a mean, at most; see `xrayscan.findings.scan_score`.
    """

    name: str
    version: str
    sha256: str
    calibration: Mapping[str, Curve] = field(default_factory=dict)
    mass_factor: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    score_area: float = SCORE_AREA

    def __post_init__(self) -> None:
        object.__setattr__(self, "calibration", dict(self.calibration))
        object.__setattr__(self, "mass_factor", dict(self.mass_factor))


@dataclass(frozen=True, eq=False, repr=False)
class AnomalyMap:
    """What does not belong there, pixel by pixel.

    Attributes
    ----------
    person, void, density : ndarray of float32, shape (rows, columns)
        The network's score, 0 to 1, that the pixel belongs to something consistent with a concealed person, to a void
        in the load, or to a density anomaly.
    added, missing : ndarray of float32, shape (rows, columns) [g/cm²]
        Areal density above and below what the load around suggests.
    model : ModelId
    novelty : float or None
        Share of known scans that are less unlike the scans of the training than this one, 0 to 1: known are the clean and
        other scans on which the model was calibrated. None of a model that can not tell. See `unfamiliar`.
    answered : ndarray of bool, shape (rows, columns), or None
        Where the network was run, if it was stopped before it had seen the whole scan; scores elsewhere are 0 and say nothing.

    Raises
    ------
    ShapeError
    ModelError
        If the novelty is no share.
    """

    person: np.ndarray
    void: np.ndarray
    density: np.ndarray
    added: np.ndarray
    missing: np.ndarray
    model: ModelId
    novelty: float | None = None
    answered: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in (*KINDS, "added", "missing"):
            array = frozen_array(getattr(self, name), np.float32)
            if array.ndim != 2 or (name != "person" and array.shape != self.person.shape):
                raise ShapeError(
                    f"{name} has shape {array.shape}; expected (rows, columns) as person has, {self.person.shape}",
                    expected=self.person.shape,
                    actual=array.shape,
                )
            object.__setattr__(self, name, array)
        if self.answered is not None:
            object.__setattr__(self, "answered", frozen_array(self.answered, bool))
            if self.answered.shape != self.person.shape:
                raise ShapeError(
                    f"answered has shape {self.answered.shape}; expected (rows, columns) as person has, {self.person.shape}",
                    expected=self.person.shape,
                    actual=self.answered.shape,
                )
        if self.novelty is not None and not 0 <= self.novelty <= 1:
            raise ModelError(f"an anomaly map was given the novelty {self.novelty:g}; expected a share of known scans, 0 to 1")

    @property
    def unfamiliar(self) -> bool:
        """Whether the scan is unlike what the model knows, as 1 in 100 known scans are: its scores then mean little."""
        return self.novelty is not None and self.novelty >= 1.0 - UNFAMILIAR

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.person.shape[0], self.person.shape[1]

    def __repr__(self) -> str:
        peaks = ", ".join(f"{kind} up to {getattr(self, kind).max():.2f}" for kind in KINDS)
        return f"AnomalyMap({self.shape[0]} rows x {self.shape[1]} columns; {peaks}; {self.model.name} {self.model.version})"
