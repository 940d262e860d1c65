import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dataclasses import replace

from xrayscan.errors import ShapeError
from xrayscan.evaluation.observer import chance, detectability, expected, limit, photon_variance, photons
from xrayscan.simulate.scanner import Scanner, Scatter

PITCH = (0.01, 0.01)
BODY = np.full((30, 30), 20.0, np.float32)


def test_three_standard_deviations_of_one_pixel_are_three():
    flat = np.full((1, 8, 8), 0.5)
    other = flat.copy()
    other[0, 2, 2] += 0.03
    assert detectability(flat, other, np.full(flat.shape, 0.01**2)) == pytest.approx(3.0)


def test_pixels_add_in_squares():
    flat, variance = np.full((2, 40, 40), 0.5), np.full((2, 40, 40), 1e-4)
    one, four = (detectability(flat, flat + np.pad(np.full((2, n, n), 1e-3), ((0, 0), (0, 40 - n), (0, 40 - n))), variance)
                 for n in (10, 20))  # fmt: skip
    assert four == pytest.approx(2.0 * one)


def test_shapes_have_to_agree():
    with pytest.raises(ShapeError, match="shape"):
        detectability(np.zeros((1, 4, 4)), np.zeros((1, 4, 5)), np.ones((1, 4, 4)))


class TestChance:
    def test_seeing_nothing_is_guessing(self):
        assert chance(0.0, 0.01) == pytest.approx(0.01)

    def test_it_rises_with_what_is_seen_and_falls_with_the_places_to_look_at(self):
        d = np.linspace(0, 8, 30)
        assert (np.diff(chance(d)) > 0).all()
        assert (chance(d[1:], places=100) < chance(d[1:])).all()
        assert chance(8.0) > 0.9999


class TestLimit:
    def test_it_falls_with_the_load(self):
        found = limit(Scanner(), BODY, "water", [0.0, 50.0, 100.0, 200.0, 400.0], PITCH)
        assert (np.diff(found) < 0).all()

    def test_four_times_the_photons_see_twice_as_well(self):
        weak = Scanner()
        strong = replace(weak, pulses=replace(weak.pulses, quanta=4.0 * weak.pulses.quanta))
        one, two = (limit(scanner, BODY, "water", [100.0], PITCH)[0] for scanner in (weak, strong))
        assert two == pytest.approx(2.0 * one, rel=1e-3)

    def test_scattered_rays_hide(self):
        clean = replace(Scanner(), scatter=Scatter(0.0, 0.5, 0.0))
        veiled = replace(Scanner(), scatter=Scatter(0.03, 0.5, 1e-3))
        assert limit(veiled, BODY, "water", [200.0], PITCH)[0] < limit(clean, BODY, "water", [200.0], PITCH)[0]

    def test_a_second_energy_does_not_harm(self):
        one = limit(Scanner(endpoints=(6.0,)), BODY, "cellulose", [100.0], PITCH)[0]
        two = limit(Scanner(endpoints=(6.0, 4.0)), BODY, "cellulose", [100.0], PITCH)[0]
        assert two > one


def test_noise_is_that_of_counted_photons():
    scanner = Scanner()
    flat = torch.zeros(40, 40)
    through, scattered = expected(scanner, flat, flat, PITCH)
    open_beam = photons(scanner, PITCH)
    variance = photon_variance(through + scattered, open_beam)
    # Shares of the open beam: relative variance of one over the photons, times Swank's factor of an energy-weighing detector.
    assert variance.mean() * open_beam[0] == pytest.approx(float((through + scattered).mean()), rel=0.5)
    assert (photon_variance(0.25 * through, open_beam) == 0.25 * photon_variance(through, open_beam)).all()
