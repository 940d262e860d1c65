"""What things are made of, and how MeV photons are attenuated in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.xcom import TABLE

__all__ = ["MATERIALS", "Material", "attenuation", "basis", "element_attenuation", "material"]


@dataclass(frozen=True)
class Material:
    """A material.

    Attributes
    ----------
    name : str
    density : float [g/cm³]
        Of the solid or liquid itself; loads use their own bulk densities.
    elements : mapping of str to float
        Mass fractions, which add up to 1.
    """

    name: str
    density: float
    elements: Mapping[str, float]


def _materials() -> dict[str, Material]:
    rows = {
        "water": (1.0, {"H": 0.1119, "O": 0.8881}),
        # ICRU 44: adult soft tissue, lung, adipose tissue and cortical bone, rounded to the elements in the table.
        "soft tissue": (1.05, {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.708, "Na": 0.002, "P": 0.003, "S": 0.003,
                               "Cl": 0.002, "K": 0.003}),
        "lung": (0.26, {"H": 0.103, "C": 0.105, "N": 0.031, "O": 0.749, "Na": 0.002, "P": 0.002, "S": 0.003, "Cl": 0.003,
                        "K": 0.002}),
        "fat": (0.95, {"H": 0.114, "C": 0.598, "N": 0.007, "O": 0.278, "Na": 0.001, "S": 0.001, "Cl": 0.001}),
        "bone": (1.85, {"H": 0.034, "C": 0.155, "N": 0.042, "O": 0.435, "Na": 0.001, "Mg": 0.002, "P": 0.103,
                        "S": 0.003, "Ca": 0.225}),
        "leather": (0.9, {"H": 0.08, "C": 0.50, "N": 0.16, "O": 0.24, "S": 0.02}),
        "textile": (1.4, {"H": 0.058, "C": 0.53, "N": 0.05, "O": 0.362}),
        # Plastics and what comes from oil.
        "polyethylene": (0.94, {"H": 0.1437, "C": 0.8563}),
        "PET": (1.38, {"H": 0.042, "C": 0.625, "O": 0.333}),
        "PVC": (1.38, {"H": 0.048, "C": 0.384, "Cl": 0.568}),
        "foam": (0.03, {"H": 0.0774, "C": 0.9226}),
        "rubber": (1.15, {"H": 0.10, "C": 0.84, "O": 0.03, "S": 0.015, "Zn": 0.015}),
        "oil": (0.88, {"H": 0.137, "C": 0.863}),
        "alcohol": (0.79, {"H": 0.131, "C": 0.521, "O": 0.348}),
        # What grows, and what is eaten.
        "cellulose": (1.5, {"H": 0.0622, "C": 0.4444, "O": 0.4934}),
        "wood": (0.6, {"H": 0.06, "C": 0.50, "O": 0.44}),
        "grain": (1.35, {"H": 0.072, "C": 0.40, "N": 0.019, "O": 0.501, "P": 0.004, "K": 0.004}),
        "food": (1.0, {"H": 0.10, "C": 0.20, "N": 0.02, "O": 0.67, "P": 0.003, "K": 0.007}),
        "fruit": (0.95, {"H": 0.107, "C": 0.06, "N": 0.002, "O": 0.829, "K": 0.002}),
        "meat": (1.05, {"H": 0.103, "C": 0.16, "N": 0.032, "O": 0.698, "P": 0.002, "S": 0.002, "K": 0.003}),
        "sugar": (1.59, {"H": 0.065, "C": 0.421, "O": 0.514}),
        "salt": (2.16, {"Na": 0.3934, "Cl": 0.6066}),
        # Mineral.
        "glass": (2.5, {"O": 0.46, "Na": 0.10, "Mg": 0.02, "Si": 0.34, "Ca": 0.08}),
        "ceramic": (2.3, {"O": 0.50, "Al": 0.12, "Si": 0.32, "K": 0.03, "Fe": 0.03}),
        "stone": (2.7, {"O": 0.49, "Na": 0.02, "Mg": 0.02, "Al": 0.07, "Si": 0.29, "K": 0.03, "Ca": 0.05, "Fe": 0.03}),
        "cement": (3.1, {"O": 0.37, "Mg": 0.01, "Al": 0.03, "Si": 0.10, "Ca": 0.46, "Fe": 0.03}),
        "sand": (2.65, {"O": 0.5326, "Si": 0.4674}),
        "gypsum": (2.32, {"H": 0.0234, "O": 0.5576, "S": 0.1862, "Ca": 0.2328}),
        "fertilizer": (1.7, {"H": 0.05, "N": 0.30, "O": 0.53, "P": 0.05, "K": 0.07}),
        # Metals and what is made of them.
        "aluminum": (2.70, {"Al": 1.0}),
        "titanium": (4.5, {"Ti": 1.0}),
        "steel": (7.85, {"C": 0.002, "Mn": 0.008, "Fe": 0.99}),
        "copper": (8.96, {"Cu": 1.0}),
        "brass": (8.5, {"Cu": 0.63, "Zn": 0.37}),
        "zinc": (7.14, {"Zn": 1.0}),
        "lead": (11.34, {"Pb": 1.0}),
        "tungsten": (19.3, {"W": 1.0}),
        "electronics": (2.0, {"H": 0.03, "C": 0.35, "O": 0.18, "Si": 0.12, "Cu": 0.17, "Fe": 0.10, "Al": 0.05}),
        "lead battery": (2.6, {"H": 0.03, "C": 0.10, "O": 0.17, "S": 0.05, "Pb": 0.65}),
        # Detectors.
        "CdWO4": (7.9, {"O": 0.1777, "Cd": 0.3120, "W": 0.5103}),
        "CsI": (4.51, {"I": 0.4885, "Cs": 0.5115}),
    }  # fmt: skip
    return {name: Material(name, density, elements) for name, (density, elements) in rows.items()}


MATERIALS: Mapping[str, Material] = _materials()


def material(name: str) -> Material:
    """The material of that name.

    Raises
    ------
    RecipeError
        If there is none.
    """
    if name not in MATERIALS:
        raise RecipeError(f"there is no material {name!r}; known are {', '.join(MATERIALS)}")
    return MATERIALS[name]


@cache
def _table() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    names = lines[1].split(",")[1:]
    values = np.array([[float(x) for x in line.split(",")] for line in lines[2:]])
    return values[:, 0], {name: values[:, i + 1] for i, name in enumerate(names)}


def attenuation(name: str, energy: np.ndarray) -> np.ndarray:
    """Total mass attenuation coefficient μ/ρ of a material.

    Parameters
    ----------
    name : str
    energy : ndarray [MeV]
        0.05 to 10; interpolated in both logarithms.

    Returns
    -------
    ndarray, shape as ``energy`` [cm²/g]

    Raises
    ------
    RecipeError
        For an unknown material or an energy outside the table.

    Examples
    --------
    >>> attenuation("water", np.array([1.0, 6.0])).round(4)
    array([0.0707, 0.0277])
    """
    grid, elements = _table()
    energy = np.asarray(energy, float)
    if energy.size and (energy.min() < grid[0] or energy.max() > grid[-1]):
        raise RecipeError(
            f"attenuation of {name} asked for {energy.min():g} to {energy.max():g} MeV; the table holds 0.05 to 10 MeV"
        )
    total = sum(fraction * elements[symbol] for symbol, fraction in material(name).elements.items())
    return np.exp(np.interp(np.log(energy), np.log(grid), np.log(total)))


@cache
def basis(name: str) -> tuple[float, float]:
    """Shares of water and iron that attenuate as 1 g/cm² of the material does.

    Between 0.3 and 9 MeV, where Compton scattering and pair production are all that counts, the μ/ρ of any material is nearly
    a mix of two. The shares are the least-squares fit over that range, in which water gives (1, 0) and iron (0, 1).

    References
    ----------
    R.E. Alvarez, A. Macovski, Phys. Med. Biol. 21 (1976) 733, https://doi.org/10.1088/0031-9155/21/5/002

    Examples
    --------
    >>> tuple(round(abs(share), 3) for share in basis("water"))
    (1.0, 0.0)
    """
    energy = np.geomspace(0.3, 9.0, 60)
    pair = np.stack([attenuation("water", energy), element_attenuation("Fe", energy)], axis=1)
    target = attenuation(name, energy)
    weight = (1.0 / target)[:, None]
    shares, *_ = np.linalg.lstsq(pair * weight, np.ones_like(energy), rcond=None)
    return float(shares[0]), float(shares[1])


def element_attenuation(symbol: str, energy: np.ndarray) -> np.ndarray:
    """μ/ρ of a pure element of the table [cm²/g], energies as in `attenuation`."""
    grid, elements = _table()
    return np.exp(np.interp(np.log(energy), np.log(grid), np.log(elements[symbol])))
