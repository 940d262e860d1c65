"""Golden vectors: small synthetic radiographs, and what the library makes of each, step by step.

They are no pictures of anything. They hold what hosts get wrong: pixels that are not valid, alone, in columns and in patches
wider than the network's cells; opaque parts; uneven pixel pitches, finer and coarser than the grid; one energy and two;
optical depths beyond the limits; sizes that need padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xrayscan.findings import scan_score
from xrayscan.network.anomaly import KINDS, AnomalyMap
from xrayscan.network.grid import CHANNELS, from_grid, grid_shape, padded_shape, planes, window
from xrayscan.network.model import AMOUNTS, Model
from xrayscan.network.runtime import Backend
from xrayscan.scan import ENERGIES, Radiograph

__all__ = ["GIVEN", "STEPS", "Case", "Step", "cases", "vectors"]

GIVEN = ("optical_depth", "valid", "opaque", "drawn")
"""Files of a case that a host begins with: a radiograph, and an answer on its padded grid."""


@dataclass(frozen=True)
class Step:
    """One step that a host computes and the checker compares.

    Attributes
    ----------
    name : str
        The files' name, without its ending.
    text : str
        What it is.
    planes : tuple of str
        Names along its axis of planes; empty where it has none.
    absolute, relative : float
        A value agrees if it differs by no more than ``absolute + relative * abs(expected)``.
    """

    name: str
    text: str
    planes: tuple[str, ...]
    absolute: float
    relative: float


STEPS = (
    Step("input", "the network's input, padded", CHANNELS, 1e-4, 1e-4),
    Step("output", "the network's first output, on the padded grid", (*KINDS, *AMOUNTS), 1e-3, 1e-3),
    Step("features", "the network's second output, by cells of the padded grid", (), 1e-3, 1e-3),
    Step("maps", "the answer on the scan's own pixels, masked", (*KINDS, *AMOUNTS), 1e-3, 1e-3),
    Step("score", "the scan score", (), 1e-3, 0.0),
    Step("drawn-maps", "maps, with drawn in the place of the network's first output", (*KINDS, *AMOUNTS), 1e-3, 1e-3),
    Step("drawn-score", "the scan score of these", (), 1e-3, 0.0),
    Step("novelty", "share of the known scans that are less unlike", (), 0.01, 0.0),
)


@dataclass(frozen=True)
class Case:
    """A synthetic radiograph and its name."""

    name: str
    radiograph: Radiograph


def cases(grid: float) -> tuple[Case, ...]:
    """The synthetic radiographs for a network's grid.

    Parameters
    ----------
    grid : float [m]

    Examples
    --------
    >>> for case in cases(0.01):
    ...     print(case.name, case.radiograph.shape, len(case.radiograph.energies))
    one-energy (70, 90) 1
    finer-two-energies (170, 150) 2
    coarser (41, 53) 1
    finer-and-coarser (150, 61) 2
    """
    return (
        Case("one-energy", _radiograph((70, 90), (1.0, 1.0), 1, grid, holes=False)),
        Case("finer-two-energies", _radiograph((170, 150), (0.4, 0.77), 2, grid)),
        Case("coarser", _radiograph((41, 53), (1.6, 1.31), 1, grid)),
        Case("finer-and-coarser", _radiograph((150, 61), (0.53, 1.45), 2, grid)),
    )


def _radiograph(
    shape: tuple[int, int], pitch: tuple[float, float], energies: int, grid: float, holes: bool = True
) -> Radiograph:
    """Boxes and a lying ellipse under noise; ``pitch`` in pixels of the grid, so that every grid gets the same pictures."""
    rng = np.random.default_rng((*shape, energies))
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    down, along = rows / shape[0], columns / shape[1]
    load = 0.4 + 1.1 * (down > 0.3) + 0.7 * ((down > 0.55) & (along > 0.35))
    load += 0.9 * (((down - 0.5) / 0.28) ** 2 + ((along - 0.4) / 0.12) ** 2 < 1.0)
    load[(down > 0.7) & (along > 0.75)] = 12.0  # beyond the upper limit, and opaque
    load[(down < 0.1) & (along < 0.15)] = -0.5  # beyond the lower
    depth = np.stack([load * factor + 0.05 * rng.random(shape) for factor in (1.0, 1.25)[:energies]])
    valid = np.ones(shape, bool)
    if holes:
        valid &= rng.random(shape) > 0.02
        valid[:, shape[1] // 5] = False
        valid[: shape[0] // 4, -shape[1] // 4 :] = False  # wider than the cells, to the corner
        valid[shape[0] // 2 : shape[0] * 3 // 4, shape[1] // 2 : shape[1] * 2 // 3] = False
    opaque = load > 8.0
    pitch_m = pitch[0] * grid, pitch[1] * grid
    depth[:, ~valid] = np.nan
    return Radiograph(depth, valid, opaque, pitch_m, energies=ENERGIES[:energies])


def vectors(model: Model, run: Backend, radiograph: Radiograph) -> Mapping[str, np.ndarray]:
    """What goes in and what comes out, step by step.

    Parameters
    ----------
    model : Model
    run : Backend
        Of the same model.
    radiograph : Radiograph

    Returns
    -------
    mapping of str to ndarray of float32
        By the names of `GIVEN` and of `STEPS`, as far as the model has them: optical_depth (energies, rows, columns), NaN where
        not valid; valid and opaque (rows, columns), 0 or 1; drawn, input and output (1, 5, rows, columns) of the padded grid;
        features (1, features, rows / 32, columns / 32); maps (5, rows, columns); score and novelty (1,).
    """
    rows, columns = padded_shape(grid_shape(radiograph, model.card.grid))
    given = planes(radiograph, model.card.grid, tells_display=model.card.tells_display)
    shown = window(given, slice(0, rows), slice(0, columns))[None]
    answered, anomaly = run(shown), model(radiograph)
    drawn = _drawn(rows, columns)
    on_scan = _on_scan(drawn, radiograph, model)
    made = {name: getattr(radiograph, name) for name in GIVEN if name != "drawn"}
    made |= {"drawn": drawn, "input": shown, "output": answered.planes}
    if answered.features is not None:
        made["features"] = answered.features
    for prefix, one in (("", anomaly), ("drawn-", on_scan)):
        made[f"{prefix}maps"] = np.stack([getattr(one, name) for name in (*KINDS, *AMOUNTS)])
        made[f"{prefix}score"] = np.array([scan_score(one, radiograph)])
    if anomaly.novelty is not None:
        made["novelty"] = np.array([anomaly.novelty])
    return {name: np.ascontiguousarray(array, "<f4") for name, array in made.items()}


def _drawn(rows: int, columns: int) -> np.ndarray:
    """An answer that no network gave: whatever the weights say, what comes after them is tried on high scores and low."""
    rng = np.random.default_rng((rows, columns))
    down, along = np.mgrid[:rows, :columns] / np.array([rows, columns]).reshape(2, 1, 1)
    middle = 0.4 if columns > rows else 0.0  # at the edge too, where half of the place is missing
    bump = 1.0 / (1.0 + ((down - 0.45) / 0.2) ** 4 + ((along - middle) / 0.1) ** 4)
    planes = [bump * (0.9 + 0.1 * rng.random(bump.shape)), *rng.random((2, *bump.shape))]
    return np.stack([*planes, 30.0 * bump, 20.0 * rng.random(bump.shape)])[None].astype(np.float32)


def _on_scan(answer: np.ndarray, radiograph: Radiograph, model: Model) -> AnomalyMap:
    seen = radiograph.valid & ~radiograph.opaque
    person, void, density, added, missing = (from_grid(plane, radiograph, model.card.grid) * seen for plane in answer[0])
    return AnomalyMap(person, void, density, added, missing, model.id)
