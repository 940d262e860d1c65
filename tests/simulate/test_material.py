"""Mass attenuation and materials against published figures."""

from __future__ import annotations

import numpy as np
import pytest

from xrayscan.errors import RecipeError
from xrayscan.simulate.material import MATERIALS, attenuation, basis, material
from xrayscan.simulate.xcom import ELEMENTS, TABLE

ENERGIES = np.array([1, 2, 3, 4, 6, 8, 10.0])
# NIST, mu/rho [cm2/g] of water and iron at these energies [MeV].
WATER = (0.07072, 0.04942, 0.03969, 0.03403, 0.02770, 0.02429, 0.02219)
IRON = (0.05995, 0.04265, 0.03621, 0.03312, 0.03057, 0.02991, 0.02994)
# Beyond the pair of water and iron, which is good to 3 % from 0.4 to 9 MeV for all others.
HEAVY = {"lead", "tungsten", "lead battery", "CdWO4", "CsI"}


def _column(symbol: str) -> tuple[np.ndarray, np.ndarray]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    values = np.array([[float(x) for x in line.split(",")] for line in lines[2:]])
    return values[:, 0], values[:, 1 + list(ELEMENTS).index(symbol)]


class TestTable:
    def test_water_is_nist(self) -> None:
        np.testing.assert_allclose(attenuation("water", ENERGIES), WATER, rtol=2e-3)

    def test_iron_is_nist(self) -> None:
        grid, iron = _column("Fe")
        np.testing.assert_allclose(np.interp(ENERGIES, grid, iron), IRON, rtol=2e-3)

    def test_steel_is_nearly_iron(self) -> None:
        np.testing.assert_allclose(attenuation("steel", ENERGIES), IRON, rtol=4e-3)

    def test_from_50_kev_to_10_mev(self) -> None:
        grid, _ = _column("H")
        assert (grid[0], grid[-1]) == (0.05, 10.0)
        # NIST, lead at 0.1 MeV: above its K edge of 88 keV.
        assert attenuation("lead", np.array([0.1]))[0] == pytest.approx(5.549, rel=5e-3)

    def test_energies_outside_the_table_are_refused(self) -> None:
        with pytest.raises(RecipeError, match="asked for 20 to 20 MeV; the table holds 0.05 to 10 MeV"):
            attenuation("water", np.array([20.0]))


class TestMaterials:
    def test_mass_fractions_add_up(self) -> None:
        for each in MATERIALS.values():
            assert sum(each.elements.values()) == pytest.approx(1.0, abs=2e-3), each.name

    @pytest.mark.parametrize("name", sorted(set(MATERIALS) - HEAVY))
    def test_water_and_iron_stand_for_any(self, name: str) -> None:
        energy = np.geomspace(0.4, 9, 30)
        water, iron = basis(name)
        mixed = water * attenuation("water", energy) + iron * attenuation("steel", energy)
        np.testing.assert_allclose(mixed, attenuation(name, energy), rtol=0.03)

    @pytest.mark.parametrize("name", sorted(HEAVY))
    def test_heavy_elements_are_stood_for_where_thick_ones_are_seen(self, name: str) -> None:
        """What comes through a thick piece lies between 1.5 and 9 MeV."""
        energy = np.geomspace(1.5, 9, 30)
        water, iron = basis(name)
        mixed = water * attenuation("water", energy) + iron * attenuation("steel", energy)
        np.testing.assert_allclose(mixed, attenuation(name, energy), rtol=0.25)

    def test_water_and_iron_are_themselves(self) -> None:
        assert basis("water") == pytest.approx((1.0, 0.0), abs=1e-9)
        assert basis("steel") == pytest.approx((0.0, 1.0), abs=0.01)

    def test_an_unknown_material_is_named(self) -> None:
        with pytest.raises(RecipeError, match="no material 'unobtainium'; known are water"):
            material("unobtainium")
