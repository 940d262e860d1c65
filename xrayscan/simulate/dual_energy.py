"""Makes ``normalize/dual_energy.npz``: ``python -m xrayscan.simulate.dual_energy``.

The table holds, for pairs of linac beams, how many times deeper an element looks to the low-energy beam than to the
high-energy one, and by how much that changes with the steel in the beam and the depth of the crystals, which no scan tells.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xrayscan.simulate.beam import Beam, signal_weights
from xrayscan.simulate.material import element_attenuation
from xrayscan.simulate.xcom import ELEMENTS

__all__ = ["TABLE", "main", "ratios"]

TABLE = Path(__file__).parents[1] / "normalize" / "dual_energy.npz"
HIGH = np.array([3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 9.0])  # end-point energies [MV]
SHARE = np.array([0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75])  # low end-point energy over high
NAMES = ("C", "O", "Mg", "Al", "Si", "S", "K", "Ca", "Ti", "Cr", "Fe", "Cu", "Zn")
DEPTH = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
NOMINAL = (1.0, 3.0)  # steel in the beam [cm], depth of the crystals [cm]
OTHERS = ((0.5, 2.0), (0.5, 4.0), (2.0, 2.0), (2.0, 4.0))


def ratios(high: float, low: float, name: str, filter_iron: float, detector_depth: float) -> np.ndarray:
    """Optical depth of an element at the low energy over that at the high energy, at the high energy's `DEPTH`.

    Parameters
    ----------
    high, low : float [MV]
    name : str
        Symbol of the element.
    filter_iron, detector_depth : float [cm]

    Returns
    -------
    ndarray, shape (depths,)

    Examples
    --------
    >>> carbon, iron = (ratios(6.0, 4.0, name, 1.0, 3.0)[7] for name in ("C", "Fe"))
    >>> round(float(carbon), 3), round(float(iron), 3)
    (1.186, 1.144)
    """
    mass = np.geomspace(0.1, 900.0, 400)
    depths = []
    for endpoint in (high, low):
        energy, weight = signal_weights(Beam(endpoint, filter_iron, detector_depth))
        depths.append(-np.log(np.exp(-np.multiply.outer(mass, element_attenuation(name, energy))) @ weight))
    return np.interp(DEPTH, depths[0], depths[1] / depths[0])


def main(path: Path = TABLE) -> Path:
    """Write the table, for every pair of beams and every element."""
    shape = (len(HIGH), len(SHARE), len(NAMES), len(DEPTH))
    ratio, spread = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for h, high in enumerate(HIGH):
        for s, share in enumerate(SHARE):
            for n, name in enumerate(NAMES):
                low = max(1.0, high * share)
                nominal = ratios(high, low, name, *NOMINAL)
                others = np.stack([ratios(high, low, name, *other) for other in OTHERS])
                ratio[h, s, n], spread[h, s, n] = nominal, np.sqrt(((others - nominal) ** 2).mean(axis=0))
    numbers = np.array([ELEMENTS[name][0] for name in NAMES], np.float32)
    np.savez_compressed(path, high=HIGH, share=SHARE, number=numbers, depth=DEPTH, ratio=ratio, spread=spread)
    return path


if __name__ == "__main__":
    main()
