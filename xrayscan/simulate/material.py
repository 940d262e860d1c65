"""What things are made of, and how MeV photons are attenuated in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.xcom import TABLE

__all__ = ["MATERIALS", "Material", "attenuation", "basis", "material"]


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
        # ICRU 44, adult soft tissue and cortical bone, rounded to the elements in the table.
        "soft tissue": (1.05, {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.708, "Na": 0.002, "P": 0.003, "S": 0.003,
                               "Cl": 0.002, "K": 0.003}),
        "bone": (1.85, {"H": 0.034, "C": 0.155, "N": 0.042, "O": 0.435, "Na": 0.001, "Mg": 0.002, "P": 0.103,
                        "S": 0.003, "Ca": 0.225}),
        "polyethylene": (0.94, {"H": 0.1437, "C": 0.8563}),
        "cellulose": (1.5, {"H": 0.0622, "C": 0.4444, "O": 0.4934}),
        "wood": (0.6, {"H": 0.06, "C": 0.50, "O": 0.44}),
        "textile": (1.4, {"H": 0.058, "C": 0.53, "N": 0.05, "O": 0.362}),
        "food": (1.0, {"H": 0.10, "C": 0.20, "N": 0.02, "O": 0.67, "P": 0.003, "K": 0.007}),
        "rubber": (1.15, {"H": 0.10, "C": 0.84, "O": 0.03, "S": 0.015, "Zn": 0.015}),
        "glass": (2.5, {"O": 0.46, "Na": 0.10, "Mg": 0.02, "Si": 0.34, "Ca": 0.08}),
        "ceramic": (2.3, {"O": 0.50, "Al": 0.12, "Si": 0.32, "K": 0.03, "Fe": 0.03}),
        "aluminum": (2.70, {"Al": 1.0}),
        "steel": (7.85, {"C": 0.002, "Mn": 0.008, "Fe": 0.99}),
        "copper": (8.96, {"Cu": 1.0}),
        "lead": (11.34, {"Pb": 1.0}),
        "tungsten": (19.3, {"W": 1.0}),
        "CdWO4": (7.9, {"O": 0.1777, "Cd": 0.3120, "W": 0.5103}),
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
    pair = np.stack([attenuation("water", energy), _iron(energy)], axis=1)
    target = attenuation(name, energy)
    weight = (1.0 / target)[:, None]
    shares, *_ = np.linalg.lstsq(pair * weight, np.ones_like(energy), rcond=None)
    return float(shares[0]), float(shares[1])


def _iron(energy: np.ndarray) -> np.ndarray:
    grid, elements = _table()
    return np.exp(np.interp(np.log(energy), np.log(grid), np.log(elements["Fe"])))
