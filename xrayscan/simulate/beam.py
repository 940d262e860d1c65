"""A linac's beam and an energy-integrating detector: from areal density to transmission."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from xrayscan.errors import RecipeError
from xrayscan.simulate.material import attenuation, material

__all__ = ["ENDPOINTS", "Beam", "optical_depth", "signal_weights"]

ENDPOINTS = 1.0, 10.0  # of the beams that can be simulated [MV]
# Water and iron in front of the detector [g/cm²], denser where T is large. Materials lighter than water, such as plastics,
# carry a little negative iron (see material.basis).
_WATER = np.linspace(0.0, 1.0, 65) ** 2 * 500.0
_IRON = np.concatenate([-(np.linspace(1.0, 0.1, 10) ** 2) * 40.0, _WATER])


@dataclass(frozen=True)
class Beam:
    """A bremsstrahlung beam and its detector.

    Attributes
    ----------
    endpoint : float [MeV]
        Kinetic energy of the electrons, 1 to 10.
    filter_iron : float [cm]
        Steel in the beam: target, flattening filter and window.
    detector_depth : float [cm]
        Depth of the CdWO4 crystals along the ray.
    """

    endpoint: float
    filter_iron: float = 1.0
    detector_depth: float = 3.0

    def __post_init__(self) -> None:
        low, high = ENDPOINTS
        if not low <= self.endpoint <= high:
            raise RecipeError(f"the beam's endpoint is {self.endpoint:g} MeV; expected {low:g} to {high:g} MeV")


def signal_weights(beam: Beam, bins: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Photon energies and the share of the open-beam signal that each carries.

    Thick-target bremsstrahlung after Kramers, number per energy ∝ (E₀ − E)/E, behind the filter; the detector adds up
    energy, E times the share of photons that interact in its crystals.

    Returns
    -------
    energy : ndarray, shape (bins,) [MeV]
    weight : ndarray, shape (bins,)
        Adds up to 1.

    References
    ----------
    H.A. Kramers, Phil. Mag. 46 (1923) 836, https://doi.org/10.1080/14786442308565244
    """
    edges = np.linspace(0.1, beam.endpoint, bins + 1)
    energy = (edges[:-1] + edges[1:]) / 2
    number = (beam.endpoint - energy) / energy
    number = number * np.exp(-attenuation("steel", energy) * material("steel").density * beam.filter_iron)
    caught = 1.0 - np.exp(-attenuation("CdWO4", energy) * material("CdWO4").density * beam.detector_depth)
    weight = number * caught * energy
    return energy, weight / weight.sum()


@cache
def _table(beam: Beam) -> torch.Tensor:
    """Optical depth over (water, iron) on the fixed axes."""
    energy, weight = signal_weights(beam)
    exponent = -np.multiply.outer(_WATER, attenuation("water", energy))[:, None]
    exponent = exponent - np.multiply.outer(_IRON, attenuation("steel", energy))[None]
    return torch.from_numpy(-np.log(np.exp(exponent) @ weight)).float()


def _place(value: torch.Tensor, axis: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Index of the interval that holds each value, and the share of the way through it."""
    edges = torch.from_numpy(axis).to(value)
    value = value.clamp(float(axis[0]), float(axis[-1]))
    index = torch.searchsorted(edges, value.contiguous(), right=True).sub_(1).clamp_(0, len(axis) - 2)
    return index, (value - edges[index]) / (edges[index + 1] - edges[index])


def optical_depth(beam: Beam, water: torch.Tensor, iron: torch.Tensor) -> torch.Tensor:
    """Optical depth τ = −ln T behind a mix of water and iron, beam hardening included.

    Parameters
    ----------
    beam : Beam
    water, iron : Tensor, any equal shape [g/cm²]
        Water from 0, iron from −40, both to 500; more is cut at 500, where nothing is left of any beam.

    Returns
    -------
    Tensor, shape as ``water``

    Examples
    --------
    >>> steel = torch.tensor([78.5, 157.0])             # 100 and 200 mm
    >>> torch.exp(-optical_depth(Beam(6.0), torch.zeros(2), steel)).numpy().round(4)
    array([0.0335, 0.0019], dtype=float32)
    """
    table = _table(beam).to(water.device)
    i, p = _place(water, _WATER)
    j, q = _place(iron, _IRON)
    first = table[i, j] * (1 - q) + table[i, j + 1] * q
    second = table[i + 1, j] * (1 - q) + table[i + 1, j + 1] * q
    return first * (1 - p) + second * p
