"""Effective atomic number: right for pure elements, honest about its error, silent where nothing can be known."""

import numpy as np
import pytest
import torch

from xrayscan.errors import CalibrationError, ShapeError
from xrayscan.normalize.materials import KINDS, MaterialMap, find_materials
from xrayscan.scan import Radiograph
from xrayscan.simulate import dual_energy
from xrayscan.simulate.beam import Beam, optical_depth, signal_weights
from xrayscan.simulate.material import element_attenuation

NUMBERS = {"C": 6, "O": 8, "Al": 13, "Ca": 20, "Fe": 26}


def _depths(name: str, mass: np.ndarray, endpoints: tuple[float, float]) -> np.ndarray:
    """Optical depth (2, ...) behind so much of an element [g/cm²]."""
    both = []
    for endpoint in endpoints:
        energy, weight = signal_weights(Beam(endpoint))
        both.append(-np.log(np.exp(-np.multiply.outer(mass, element_attenuation(name, energy))) @ weight))
    return np.stack(both).astype(np.float32)


def _radiograph(depth: np.ndarray, endpoints: tuple[float, float] | None = None, **more) -> Radiograph:
    clear = np.zeros(depth.shape[1:], bool)
    fields = {"valid": ~clear, "opaque": clear, "pixel_pitch": (0.005, 0.005), **more}
    return Radiograph(depth, energies=("high", "low")[: depth.shape[0]], endpoints=endpoints, **fields)


def _strips(endpoints: tuple[float, float], noise: float = 0.0) -> np.ndarray:
    """Five elements side by side, 10 to 90 g/cm² from top to bottom."""
    mass = np.linspace(10.0, 90.0, 100)[:, None].repeat(60, 1)
    depth = np.concatenate([_depths(name, mass, endpoints) for name in NUMBERS], axis=2)
    return depth + np.random.default_rng(2).normal(0, noise, depth.shape).astype(np.float32)


@pytest.mark.parametrize("endpoints", [(9.0, 6.0), (6.0, 4.0), (6.0, 3.5), (7.0, 4.2)])
def test_elements_show_their_own_number(endpoints):
    found = find_materials(_radiograph(_strips(endpoints), endpoints))
    middle = found.effective_number[20:90]
    for k, number in enumerate(NUMBERS.values()):
        assert np.nanmedian(middle[:, 60 * k + 15 : 60 * k + 45]) == pytest.approx(number, abs=1.2)


def test_the_stated_error_covers_the_noise():
    endpoints = (9.0, 6.0)
    found = find_materials(_radiograph(_strips(endpoints, 0.01), endpoints))
    for k, number in enumerate(NUMBERS.values()):
        part = (slice(25, 90), slice(60 * k + 15, 60 * k + 45))
        within = np.abs(found.effective_number[part] - number) < 2.0 * found.standard_error[part]
        assert np.nanmean(within) > 0.9
    assert np.nanmedian(found.standard_error) < 6.0


def test_kinds_are_named_where_they_are_certain():
    endpoints = (9.0, 6.0)
    found = find_materials(_radiograph(_strips(endpoints), endpoints))
    rows = slice(60, 90)
    assert (found.kind[rows, 15:45] == KINDS.index("organic")).mean() > 0.9
    assert (found.kind[rows, 255:285] == KINDS.index("metal")).mean() > 0.9
    assert (found.probability[found.kind > 0] >= 0.8).all()
    assert found.share("metal") > 0.1
    noisy = find_materials(_radiograph(_strips(endpoints, 0.3), endpoints))
    assert noisy.share("unknown") > 0.9


def test_nothing_is_said_of_air_of_what_is_opaque_or_not_valid():
    endpoints = (6.0, 4.0)
    depth = _strips(endpoints)
    depth[:, :20] = 0.001
    opaque, valid = np.zeros(depth.shape[1:], bool), np.ones(depth.shape[1:], bool)
    opaque[40:50] = True
    valid[60] = False
    depth[:, 60] = np.nan
    found = find_materials(_radiograph(depth, endpoints, opaque=opaque, valid=valid))
    for rows in (slice(0, 18), slice(40, 50), slice(60, 61)):
        assert np.isnan(found.effective_number[rows]).all()
        assert (found.kind[rows] == 0).all()


def test_water_and_iron_together_lie_between():
    endpoints = (6.0, 4.0)
    half = torch.full((60, 60), 20.0)
    depth = np.stack([optical_depth(Beam(endpoint), half, half).numpy() for endpoint in endpoints])
    number = float(np.nanmedian(find_materials(_radiograph(depth, endpoints)).effective_number))
    assert 10 < number < 24


def test_what_is_missing_is_said():
    depth = np.full((2, 40, 40), 1.0, np.float32)
    with pytest.raises(ShapeError, match="materials need a high and a low energy, the radiograph has high"):
        find_materials(_radiograph(depth[:1]))
    with pytest.raises(CalibrationError, match=r"pass endpoints=\(6.0, 4.0\) \[MV, high first\], or write endpoints = "):
        find_materials(_radiograph(depth))
    with pytest.raises(CalibrationError, match="4 and 6 MV; materials are known for 3 to 9 MV"):
        find_materials(_radiograph(depth), (4.0, 6.0))
    with pytest.raises(ShapeError, match=r"kind has shape \(2, 2\); expected \(3, 3\)"):
        MaterialMap(np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((2, 2)), np.zeros((3, 3)), (6.0, 4.0))


def test_the_table_is_what_its_command_makes(tmp_path):
    with np.load(dual_energy.main(tmp_path / "made.npz")) as made, np.load(dual_energy.TABLE) as shipped:
        assert set(made.files) == set(shipped.files)
        for name in made.files:
            np.testing.assert_allclose(made[name], shipped[name], rtol=1e-5, atol=1e-7)


def test_energies_in_the_wrong_order_are_refused():
    endpoints = (6.0, 4.0)
    with pytest.raises(CalibrationError, match="1.04 or more is expected: are the energies in the wrong order"):
        find_materials(_radiograph(_strips(endpoints)[::-1].copy(), endpoints))


def test_wrong_arguments_are_named():
    radiograph = _radiograph(np.full((2, 40, 40), 1.0, np.float32))
    with pytest.raises(CalibrationError, match="'6/4' is no pair of numbers"):
        find_materials(radiograph, "6/4")
    with pytest.raises(ValueError, match="squares of 25 m; expected above 0, up to 1 m"):
        find_materials(radiograph, (6.0, 4.0), size=25)
    with pytest.raises(TypeError, match="find_materials was given a NoneType; pass a Radiograph"):
        find_materials(None)
