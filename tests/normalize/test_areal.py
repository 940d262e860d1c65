"""Optical depth and areal density: one is the other's inverse, and both are those of the simulator's beam."""

import numpy as np
import pytest

from xrayscan.errors import CalibrationError
from xrayscan.normalize.areal import areal_density, endpoint_of
from xrayscan.scan import Radiograph

DEPTHS = np.linspace(0.05, 11.0, 60)


@pytest.mark.parametrize("endpoint", [2.5, 4.7, 6.0, 9.0])
@pytest.mark.parametrize("material", ["water", "steel"])
def test_deeper_is_more_and_hardens(endpoint, material):
    areal = areal_density(DEPTHS, endpoint=endpoint, material=material)
    slopes = np.diff(areal) / np.diff(DEPTHS)
    assert (slopes > 0).all()
    assert slopes[-1] > 1.15 * slopes[0]


def test_a_harder_beam_needs_more_for_the_same_depth():
    three, six, nine = (areal_density(DEPTHS, endpoint=endpoint) for endpoint in (3.0, 6.0, 9.0))
    assert (three < six).all()
    assert (six < nine).all()


def test_it_is_the_beam_of_the_simulator():
    torch = pytest.importorskip("torch")
    from xrayscan.simulate.beam import Beam, optical_depth

    water = torch.linspace(1.0, 250.0, 40)
    for endpoint in (3.0, 6.0, 9.0):
        depth = optical_depth(Beam(endpoint), water, torch.zeros(40)).numpy()
        np.testing.assert_allclose(areal_density(depth, endpoint=endpoint), water.numpy(), rtol=0.01, atol=0.1)


def test_not_a_number_stays_one():
    assert np.isnan(areal_density(np.array([np.nan])))[0]


@pytest.mark.parametrize(("options", "said"), [
    ({"endpoint": 1.0}, "a beam of 1 MV was asked for; known are 2.5 to 9 MV"),
    ({"material": "lead"}, "areal density of 'lead' was asked for; known are water, steel"),
])  # fmt: skip
def test_what_is_not_known_is_refused(options, said):
    with pytest.raises(CalibrationError, match=said):
        areal_density(DEPTHS, **options)


@pytest.mark.parametrize(("told", "expected"), [(None, None), ((6.0,), 6.0), ((15.0, 9.0), 9.0), ((0.3,), 2.5)])
def test_the_end_point_of_a_scan_is_one_that_is_known(told, expected):
    zero = np.zeros((2 if told and len(told) > 1 else 1, 4, 5), np.float32)
    energies = ("high", "low")[: len(zero)]
    radiograph = Radiograph(zero, zero[0] == 0, zero[0] > 0, (0.01, 0.01), energies=energies, endpoints=told)
    assert endpoint_of(radiograph) == expected
