"""The record of an insertion: everything that it needs beside the scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.body import Body
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.insertion_site import Placed

__all__ = ["InsertionPlan"]


@dataclass(frozen=True)
class InsertionPlan:
    """Everything that an insertion needs beside the scan. `record` and `from_record` go to JSON and back.

    Attributes
    ----------
    persons : tuple of Placed
    source_distance, source_height : float [m]
        From the source to the middle of the load, and above the container's floor.
    source_from : {"given", "rails", "pitch", "drawn"}
        Whether the source's place was given, seen in the scan, computed from the stated pitch (its height drawn), or drawn.
    pitch : (float, float) [m]
        Row and column pitch in the middle of the load.
    top, left : float [m]
        z of the upper edge of the first row in the middle of the load, and x of the left edge of the first column.
    rise : float
        z by which the vehicle falls from column to column [m], in the middle of the load.
    container : (int, int, int, int)
        Top, left, bottom, right of its box.
    beams : tuple of float [MV]
        Endpoint for each energy.
    iron_share : float
        Of the load, by areal density, that is iron; the rest is water.
    spread : (float, float) [px]
        Sigma of the scan's point spread, rows and columns, detector aperture included.
    noise : tuple of tuples of (float, float)
        For each energy points of variance against signal, in the scan's own numbers.
    noise_seed : int
    warnings : tuple of str
        What is not as sure as it should be.
    """

    persons: tuple[Placed, ...]
    source_distance: float
    source_height: float
    source_from: str
    pitch: tuple[float, float]
    top: float
    left: float
    rise: float
    container: tuple[int, int, int, int]
    beams: tuple[float, ...]
    iron_share: float
    spread: tuple[float, float]
    noise: tuple[tuple[tuple[float, float], ...], ...]
    noise_seed: int
    warnings: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The plan as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> InsertionPlan:
        """The plan that `record` wrote, after JSON or not.

        Raises
        ------
        RecipeError
            If a key is missing or not known.
        """
        known = {f.name for f in fields(cls)}
        odd = sorted(known.symmetric_difference(record) - {"warnings"})
        if odd:
            raise RecipeError(f"a plan of an insertion has the keys {', '.join(sorted(known))}; this one differs in {odd[0]!r}")
        values = {key: _tuples(value) for key, value in record.items() if key != "persons"}
        persons = tuple(_placed(person) for person in record["persons"])
        return cls(persons=persons, **values)

    def fan(self, columns: np.ndarray, rows: np.ndarray) -> Fan:
        """The rays at rows and columns, which may be fractions: 0 is the middle of the first."""
        z = self.top - (rows + 0.5) * self.pitch[0]
        xs = self.left + (columns + 0.5) * self.pitch[1]
        middle = 0.5 * (self.container[1] + self.container[3])
        lift = (columns + 0.5 - middle) * self.rise
        slopes = (z - self.source_height) / self.source_distance
        return Fan(self.source_distance, self.source_height, slopes, xs, lift, 0.0, self.pitch)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def _tuples_in(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _tuples(value) for key, value in record.items()}


def _placed(record: Mapping[str, Any]) -> Placed:
    values = _tuples_in(record)
    return Placed(**{**values, "body": Body(**_tuples_in(record["body"]))})
