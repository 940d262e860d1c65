"""Noise power and noise floor."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xrayscan.errors import ShapeError
from xrayscan.quality.noise import noise_floor, noise_power


@pytest.mark.parametrize("shape", [(64, 64), (40, 300), (333, 217)])
def test_the_integral_of_the_power_is_the_variance(shape):
    image = np.random.default_rng(3).normal(0.3, 0.02, shape)
    spectrum = noise_power(image, (0.004, 0.006))
    assert spectrum.integral == pytest.approx(spectrum.variance, rel=1e-9)
    assert spectrum.variance == pytest.approx(0.02**2, rel=0.06)


def test_white_noise_is_white_and_in_its_unit():
    spectrum = noise_power(np.random.default_rng(0).normal(1.0, 0.01, (512, 512)), (0.005, 0.004))
    for axis, highest in (("columns", 125.0), ("rows", 100.0)):
        frequency, power = spectrum.along(axis)
        assert 0 < frequency[0] < frequency[-1] < highest
        np.testing.assert_allclose(power.mean(), 0.01**2 * 5 * 4, rtol=0.05)


def test_blur_takes_the_high_frequencies_along_its_axis():
    white = np.random.default_rng(0).normal(1.0, 0.01, (512, 512))
    spectrum = noise_power(cv2.GaussianBlur(white, (9, 1), 1.2), (0.005, 0.005))
    along, across = (spectrum.along(axis)[1] for axis in ("columns", "rows"))
    assert along[-1] < 0.01 * along[0]
    np.testing.assert_allclose(across[-5:].mean(), across[:5].mean(), rtol=0.2)
    gauss = np.exp(-((2 * np.pi * 1.2 * spectrum.along("columns")[0] * 0.005) ** 2))
    np.testing.assert_allclose(along[:8] / along[0], gauss[:8] / gauss[0], atol=0.1)


def test_a_slope_is_no_noise():
    slope = np.add.outer(np.linspace(0, 1, 128), np.linspace(0, 2, 128))
    assert noise_power(slope, (0.005, 0.005)).variance < 1e-20


def test_too_small_an_area_is_refused():
    with pytest.raises(ShapeError, match="10 x 200 pixels; expected 16 or more on both sides"):
        noise_power(np.zeros((10, 200)), (0.005, 0.005))


@pytest.mark.parametrize("sigma", [2e-5, 3e-4])
def test_the_noise_floor_is_the_noise_in_the_dark(sigma):
    image = np.ones((120, 200), np.float32)
    image[:, 100:] = 1e-3 + np.random.default_rng(2).normal(0, sigma, (120, 100))
    rms, error, pixels, level = noise_floor(image, np.ones(image.shape, bool))
    assert abs(rms - sigma) < 4 * error
    assert error < 0.05 * sigma
    assert pixels > 9000
    assert level == 0.005


def test_without_dense_parts_there_is_no_noise_floor():
    assert noise_floor(np.full((100, 100), 0.3, np.float32), np.ones((100, 100), bool)) is None
    dark = np.zeros((100, 100), np.float32)
    assert noise_floor(dark, np.zeros((100, 100), bool)) is None
    assert noise_floor(dark[:, :5], np.ones((100, 5), bool)) is None
