"""Makes ``normalize/areal.npz``: ``python -m xrayscan.simulate.areal``.

The table holds, for linac beams of several end-point energies, the areal density of water and of steel that gives an optical
depth, beam hardening included: the beam and the detector are those of `xrayscan.simulate.dual_energy`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xrayscan.simulate.beam import Beam, signal_weights
from xrayscan.simulate.dual_energy import NOMINAL
from xrayscan.simulate.material import attenuation

__all__ = ["TABLE", "areal_densities", "main"]

TABLE = Path(__file__).parents[1] / "normalize" / "areal.npz"
ENDPOINTS = np.array([2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 9.0])  # [MV]
MATERIALS = ("water", "steel")
DEPTH = np.concatenate([np.arange(0.0, 2.0, 0.1), np.arange(2.0, 14.01, 0.5)])


def areal_densities(endpoint: float, material: str) -> np.ndarray:
    """Areal density of a material at each of `DEPTH` [g/cm²].

    Examples
    --------
    >>> water = areal_densities(6.0, "water")
    >>> round(float(np.interp(3.0, DEPTH, water)), 1)
    63.2
    """
    mass = np.linspace(0.0, 900.0, 3601)
    energy, weight = signal_weights(Beam(endpoint, *NOMINAL))
    depth = -np.log(np.exp(-np.multiply.outer(mass, attenuation(material, energy))) @ weight)
    return np.interp(DEPTH, depth, mass)


def main(path: Path = TABLE) -> Path:
    """Write the table."""
    areal = np.array([[areal_densities(endpoint, name) for endpoint in ENDPOINTS] for name in MATERIALS], np.float32)
    np.savez_compressed(path, endpoint=ENDPOINTS, depth=DEPTH, material=np.array(MATERIALS), areal=areal)
    return path


if __name__ == "__main__":
    main()
