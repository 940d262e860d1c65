"""AnomalyMap → Findings: regions for a person to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from xrayscan.errors import ShapeError
from xrayscan.scan import Box, frozen_array

__all__ = ["Finding", "Mass", "Position", "Size"]

Kind = Literal["person", "void", "density"]


@dataclass(frozen=True)
class Mass:
    """A mass with its interval [kg]."""

    value: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"Mass({self.value:.0f} kg, {self.low:.0f} to {self.high:.0f} kg)"


@dataclass(frozen=True)
class Position:
    """The middle of a finding [m]: along the travel from the container's front, and above its floor.

    Without a container box both are measured from the picture's left and lower edge.
    """

    from_front: float
    above_floor: float

    def __repr__(self) -> str:
        return f"Position({self.from_front:.2f} m from the front, {self.above_floor:.2f} m above the floor)"


@dataclass(frozen=True)
class Size:
    """Extent of a finding [m], in the middle of the load."""

    height: float
    width: float

    def __repr__(self) -> str:
        return f"Size({self.height:.2f} m high, {self.width:.2f} m wide)"


@dataclass(frozen=True, eq=False, repr=False)
class Finding:
    """One region for a person to look at.

    Attributes
    ----------
    id : str
        Unique in its report: "P1", "V1", "D1".
    kind : {"person", "void", "density"}
        What it is consistent with.
    probability : float
        0 to 1, calibrated on the data that the model's card names.
    box : Box
    mask : ndarray of bool, shape (box.height, box.width)
    position : Position [m]
    size : Size [m]
    mass : Mass [kg]
        Of what was added ("person", "density") or taken away ("void").
    evidence : mapping of str to float
        Measured quantities, each name ending in its unit, such as ``added_g_cm2``.

    Raises
    ------
    ShapeError
    """

    id: str
    kind: Kind
    probability: float
    box: Box
    mask: np.ndarray
    position: Position
    size: Size
    mass: Mass
    evidence: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mask = frozen_array(self.mask, bool)
        if mask.shape != (self.box.height, self.box.width):
            raise ShapeError(
                f"mask has shape {mask.shape}, its box is {self.box.height} x {self.box.width}",
                expected=(self.box.height, self.box.width),
                actual=mask.shape,
            )
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "evidence", MappingProxyType({k: float(v) for k, v in self.evidence.items()}))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "evidence": dict(self.evidence)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, evidence=MappingProxyType(state["evidence"]))

    def __repr__(self) -> str:
        return f"Finding({self.id}: {self.kind}, probability {self.probability:.2f}, {self.position!r}, {self.mass!r})"
