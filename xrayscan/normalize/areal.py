"""Optical depth ↔ areal density behind a linac's beam, with its hardening.

The first centimeters of matter take away the soft part of a beam; what follows meets a harder one. A gram per square centimeter
therefore adds less and less optical depth: 0.059 behind nothing, 0.039 behind an optical depth of 4, for water and 6 MV.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from xrayscan.errors import CalibrationError

__all__ = ["MATERIALS", "NOMINAL_ENDPOINT", "areal_density", "depth_without"]

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


def depth_without(optical_depth: np.ndarray, areal: np.ndarray, *, endpoint: float | None = None) -> np.ndarray:
    """Optical depth with an areal density of water-like matter taken out, or put in where it is negative.

    Parameters
    ----------
    optical_depth : ndarray, any shape
        Of the high energy.
    areal : ndarray, same shape [g/cm²]
        To take out.
    endpoint : float or None [MV]
        As in `areal_density`.

    Returns
    -------
    ndarray of float32, same shape
        Never less than 0, but where it was already, for noise.

    Raises
    ------
    CalibrationError
        For an end-point energy that is not known.

    Examples
    --------
    >>> depth_without(np.array([3.0, 0.2]), np.array([20.0, 20.0])).round(2)
    array([2.16, 0.  ], dtype=float32)
    """
    depth, areals = _curve(NOMINAL_ENDPOINT if endpoint is None else float(endpoint), "water")
    given = np.asarray(optical_depth, np.float64)
    left = np.interp(areal_density(given, endpoint=endpoint) - areal, areals, depth)
    untouched = (areal == 0) | ((given <= 0) & (left <= 0))
    return np.where(untouched, given, left).astype(np.float32)
