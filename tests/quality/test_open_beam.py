"""Air taken apart: channels, columns, pulses and noise as they were put in."""

from __future__ import annotations

import numpy as np
import pytest

from xrayscan.quality.open_beam import air_mask, evenness, pulse_block, pulse_spread


def air(rows: int = 200, columns: int = 600, *, gain: float = 0.0, dose: float = 0.0, noise: float = 0.003, block: int = 1):
    rng = np.random.default_rng(5)
    shots = np.repeat(rng.normal(0, dose, -(-columns // block)), block)[:columns]
    image = 1.0 + rng.normal(0, gain, (rows, 1)) + shots + rng.normal(0, noise, (rows, columns))
    return image.astype(np.float32)


@pytest.mark.parametrize(("gain", "dose", "noise"), [(0.01, 0.004, 0.003), (0.0005, 0.0005, 0.005), (0.03, 0.0, 0.001)])
def test_parts_come_out_as_they_went_in(gain, dose, noise):
    even = evenness(air(gain=gain, dose=dose, noise=noise), np.ones((200, 600), bool))
    for found, true in ((even.channel_rms, gain), (even.column_rms, dose)):
        rms, error, _ = found
        assert abs(rms - true) < 4 * error + 0.02 * true
    assert even.noise == pytest.approx(noise, rel=0.02)


def test_a_column_that_sees_other_channels_is_not_uneven():
    image = air(gain=0.05)
    seen = np.ones(image.shape, bool)
    seen[:150, 200:400] = False  # a vehicle: these columns see air through the lower channels only
    assert evenness(image, seen).column_rms[0] < 0.0005


def test_without_air_there_is_nothing():
    assert evenness(air(), np.zeros((200, 600), bool)) is None
    few = np.zeros((200, 600), bool)
    few[:5, :5] = True
    even = evenness(air(), few)
    assert even.channel_rms is None
    assert even.column_rms is None


def test_air_keeps_off_the_vehicle_and_dead_channels():
    image = air()
    image[60:, 100:500] = 0.2
    valid = np.ones(image.shape, bool)
    valid[10] = False
    mask = air_mask(image, valid)
    assert mask[30, 300]
    assert not mask[10].any()
    assert not mask[56:, 96:504].any()
    assert mask[150, 50]
    assert not air_mask(image[:20, :20], valid[:20, :20]).any()


@pytest.mark.parametrize("block", [1, 2, 3, 4, 8, 12])
@pytest.mark.parametrize("noise", [0.002, 0.02])
def test_pulses_of_several_columns_are_found(block, noise):
    columns = 1200
    even = evenness(air(300, columns, dose=0.003, noise=noise, block=block), np.ones((300, columns), bool))
    rms, error, found, count = pulse_spread(even.columns, even.column_noise)
    assert found == block
    assert count == columns // block
    assert abs(rms - 0.003) < 4 * error


def test_drift_is_no_pulse_fluctuation():
    image = air(dose=0.001) * (1 + 0.05 * np.sin(np.linspace(0, 5, 600))).astype(np.float32)
    even = evenness(image, np.ones(image.shape, bool))
    assert pulse_spread(even.columns, even.column_noise)[0] == pytest.approx(0.001, rel=0.15)
    assert even.column_rms[0] > 0.02


def test_few_columns_say_nothing_of_pulses():
    assert pulse_block(np.zeros(30), 0.0) == (1, 0)
    assert pulse_spread(np.zeros(10), 0.0) is None
    assert pulse_spread(np.full(500, np.nan), 0.0) is None


def test_smooth_columns_have_no_pulses():
    smooth = 0.002 * np.sin(np.linspace(0, 7, 900)) + np.random.default_rng(0).normal(0, 2e-4, 900)
    assert pulse_block(smooth, 2e-4)[0] == 1
