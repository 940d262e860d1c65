"""Optical depth and areal density: one is the other's inverse, and both are those of the simulator's beam."""

import numpy as np
import pytest

from xrayscan.errors import CalibrationError
from xrayscan.normalize.areal import areal_density, depth_without

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


def test_what_is_taken_out_comes_back_when_it_is_put_in():
    taken = depth_without(DEPTHS, np.full(60, 0.4), endpoint=6.0)
    np.testing.assert_allclose(depth_without(taken, np.full(60, -0.4), endpoint=6.0), DEPTHS, atol=1e-3)


def test_nothing_is_taken_below_nothing():
    assert depth_without(np.array([0.3, -0.01]), np.array([50.0, 50.0])).tolist() == pytest.approx([0.0, -0.01])
    untouched = np.array([2.0, -0.02, np.nan])
    np.testing.assert_array_equal(depth_without(untouched, np.zeros(3)), untouched.astype(np.float32))


def test_not_a_number_stays_one():
    assert np.isnan(areal_density(np.array([np.nan])))[0]


@pytest.mark.parametrize(("options", "said"), [
    ({"endpoint": 1.0}, "a beam of 1 MV was asked for; known are 2.5 to 9 MV"),
    ({"material": "lead"}, "areal density of 'lead' was asked for; known are water, steel"),
])  # fmt: skip
def test_what_is_not_known_is_refused(options, said):
    with pytest.raises(CalibrationError, match=said):
        areal_density(DEPTHS, **options)
