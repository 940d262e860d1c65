"""Optical depth ↔ areal density behind a linac's beam, with its hardening.

The first centimeters of matter take away the soft part of a beam; what follows meets a harder one. A gram per square centimeter
therefore adds less and less optical depth: 0.059 behind nothing, 0.039 behind an optical depth of 4, for water and 6 MV.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.scan import Radiograph

__all__ = ["MATERIALS", "NOMINAL_ENDPOINT", "areal_density", "endpoint_of"]

TABLE = Path(__file__).with_name("areal.npz")
MATERIALS = ("water", "steel")
NOMINAL_ENDPOINT = 6.0
"""End-point energy [MV] that is taken where a scan tells none: the most common one."""


@cache
def _table() -> dict[str, np.ndarray]:
    with np.load(TABLE, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@cache
def _curve(endpoint: float, material: str) -> tuple[np.ndarray, np.ndarray]:
    """Optical depths, and the areal density of each."""
    table = _table()
    if material not in MATERIALS:
        raise CalibrationError(f"the areal density of {material!r} was asked for; known are {', '.join(MATERIALS)}")
    axis = table["endpoint"]
    if not axis[0] <= endpoint <= axis[-1]:
        raise CalibrationError(
            f"the areal density behind a beam of {endpoint:g} MV was asked for; known are {axis[0]:g} to {axis[-1]:g} MV"
        )
    lines = table["areal"][MATERIALS.index(material)]
    return table["depth"], np.array([np.interp(endpoint, axis, lines[:, k]) for k in range(lines.shape[1])])


def areal_density(optical_depth: np.ndarray, *, endpoint: float | None = None, material: str = "water") -> np.ndarray:
    """Areal density that gives an optical depth, were all of it one material.

    Behind a filter of 1 cm of steel and for CdWO₄ crystals of 3 cm: Kramers' spectrum and NIST's attenuation coefficients.

    Parameters
    ----------
    optical_depth : ndarray, any shape
        Of the high energy; NaN stays NaN.
    endpoint : float or None [MV]
        Of that energy, 2.5 to 9; None takes 6.
    material : {"water", "steel"}
        Water stands for people, food, plastics, wood and most goods.

    Returns
    -------
    ndarray of float32, shape as given [g/cm²]
        Beyond an optical depth of 14 that of 14; below 0 in proportion.

    Raises
    ------
    CalibrationError
        For an end-point energy or a material that is not known.

    References
    ----------
    H.A. Kramers, Phil. Mag. 46 (1923) 836, https://doi.org/10.1080/14786442308565244

    Examples
    --------
    >>> areal_density(np.array([1.0, 3.0]), endpoint=6.0).round(1)
    array([18.3, 63.2], dtype=float32)
    >>> areal_density(np.array([3.0]), endpoint=9.0, material="steel").round(1)
    array([77.5], dtype=float32)
    """
    depth, areal = _curve(NOMINAL_ENDPOINT if endpoint is None else float(endpoint), material)
    given = np.asarray(optical_depth, np.float64)
    thin = given * (areal[1] / depth[1])  # noise around no matter at all has both signs
    return np.where(given < 0, thin, np.interp(given, depth, areal)).astype(np.float32)


def endpoint_of(radiograph: Radiograph) -> float | None:
    """End-point energy of a radiograph's high energy [MV], within those that are known; None where it tells none."""
    told = radiograph.endpoints[0] if radiograph.endpoints else None
    return None if told is None else float(np.clip(told, *_table()["endpoint"][[0, -1]]))
