"""Counts and delivered transmissions become transmission in which air is 1."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_scene, make_counts
from measured import measure_with_truth, residuals

from xrayscan.errors import CalibrationError
from xrayscan.normalize.beam import Beam
from xrayscan.normalize.calibrate import from_counts, from_transmission
from xrayscan.normalize.channels import level_channels
from xrayscan.normalize.pulses import correct_pulses
from xrayscan.scan import Calibration
from xrayscan.simulate.scanner import Scanner

ROWS, COLUMNS = 300, 900


@pytest.fixture(scope="module")
def scene():
    return draw_scene(ROWS, COLUMNS).depth


@pytest.fixture(scope="module")
def truth(scene):
    return measure_with_truth(Scanner(), scene, 5)


def leveled(beam: Beam) -> Beam:
    return correct_pulses(level_channels(beam))


def test_lines_and_full_frames_say_the_same(scene):
    made = make_counts(scene)
    line = from_counts(made.counts[None], Calibration(air=made.air[None], dark=made.dark[None]))
    frame = np.repeat(made.air[:, None], COLUMNS, axis=1)[None]
    both = from_counts(made.counts[None], Calibration(air=frame, dark=np.repeat(made.dark[:, None], COLUMNS, axis=1)[None]))
    mixed = from_counts(made.counts[None], Calibration(air=frame, dark=made.dark[None]))
    np.testing.assert_allclose(both.transmission, line.transmission, rtol=1e-6)
    np.testing.assert_allclose(mixed.transmission, line.transmission, rtol=1e-6)
    np.testing.assert_allclose(both.step, line.step, rtol=1e-5)


def test_each_energy_has_its_own_lines(scene):
    high, low = make_counts(scene, 1), make_counts(1.2 * scene, 2, level=30_000.0)
    calibration = Calibration(air=np.stack([high.air, low.air]), dark=np.stack([high.dark, low.dark]))
    beam = from_counts(np.stack([high.counts, low.counts]), calibration)
    assert beam.transmission[1].max() < 1.1
    assert np.abs(beam.transmission[1] - np.exp(-1.2 * scene)).mean() < 0.005


def test_air_and_dark_exchanged(scene):
    made = make_counts(scene)
    with pytest.raises(CalibrationError, match=r"air is not above dark in any of 300 channels .* exchanged\?"):
        from_counts(made.counts[None], Calibration(air=made.dark[None], dark=made.air[None]))


def test_without_air_the_scan_is_leveled_as_well(truth):
    held = truth.measurement
    beam = leveled(truth.without_faults(from_counts(held.counts, Calibration(dark=held.dark))))
    left = residuals(beam, truth)
    assert left.columns < 0.003
    assert left.channels < 0.003
    assert left.load < 1.1


@pytest.mark.parametrize("dose", [0.7, 0.9, 1.3])
def test_air_that_was_taken_at_another_dose(truth, dose):
    held = truth.measurement
    stale = held.dark + (held.air - held.dark) * np.float32(dose)
    beam = from_counts(held.counts, Calibration(air=stale, dark=held.dark))
    (told,) = (step for step in beam.steps if step.name == "air level")
    assert told.parameters["level"] == pytest.approx(1.0 / dose, rel=0.01)
    left = residuals(leveled(truth.without_faults(beam)), truth)
    assert left.columns < 0.003
    assert left.channels < 0.003
    usual = from_counts(held.counts, Calibration(air=held.air, dark=held.dark))
    np.testing.assert_allclose(beam.step, usual.step, rtol=0.01)


def test_a_load_that_fills_the_picture_keeps_its_level(scene):
    made = make_counts(scene[60:200, 200:700])
    beam = from_counts(made.counts[None], Calibration(air=made.air[None], dark=made.dark[None]))
    assert [step.name for step in beam.steps] == ["calibrate"]
    assert np.abs(leveled(beam).transmission[0] - np.exp(-scene[60:200, 200:700])).mean() < 0.003


def deliver(truth, level: float, steps: int = 65535, stripes: float = 0.002) -> np.ndarray:
    """As a vendor delivers it, with stripes left that its own calibration did not see."""
    held, rng = truth.measurement, np.random.default_rng(3)
    scale = 1.0 + stripes * (0.5 * np.repeat(rng.standard_normal(10), 32)[:ROWS] + 0.8 * rng.standard_normal(ROWS))
    through = (held.counts - held.dark[..., None]) / np.maximum(held.air - held.dark, 1.0)[..., None] * scale[:, None]
    codes = np.clip(np.rint(through * steps * level), 0, steps)
    return (codes * (65536 // (steps + 1))).astype(np.uint16)


@pytest.mark.parametrize("steps", [65535, 4095])
@pytest.mark.parametrize("level", [0.94, 0.97, 0.807])
def test_a_vendors_air_level_and_stripes(truth, level, steps):
    beam = from_transmission(deliver(truth, level, steps))
    (told,) = (step for step in beam.steps if step.name == "air level")
    assert told.parameters["level"] == pytest.approx(level * steps * (65536 // (steps + 1)) / 65535, rel=0.004)
    assert told.is_warning == (level < 0.9)
    assert "rescaled to 1" in told.note
    np.testing.assert_allclose(beam.least, 3.0 * beam.step, rtol=1e-6)
    left = residuals(leveled(truth.without_faults(beam)), truth)
    assert left.columns < 0.003
    assert left.channels < 0.003
    assert left.load < 1.15


def test_air_that_is_cut_off_is_told_and_left(truth):
    beam = from_transmission(deliver(truth, 1.0))
    assert any("air is cut off at T = 1.0000" in step.note for step in beam.steps)
    before = beam.transmission.copy()
    np.testing.assert_array_equal(leveled(beam).transmission, before)


@pytest.mark.parametrize("depth", [0.1, 0.2, 0.5])
def test_a_thin_load_that_fills_the_picture_is_no_air_level(depth):
    noise = np.random.default_rng(0).normal(1.0, 0.002, (200, 400))
    pixels = (np.exp(-depth) * noise * 65535).astype(np.uint16)[None]
    beam = leveled(from_transmission(pixels))
    np.testing.assert_allclose(beam.transmission, pixels / np.float32(65535), rtol=1e-6)


def test_a_picture_without_air_is_not_rescaled(scene):
    inside = np.exp(-scene[60:200, 200:700]) * np.random.default_rng(0).normal(1.0, 0.003, (140, 500))
    beam = leveled(from_transmission((inside * 65535).astype(np.uint16)[None]))
    assert any("it was not rescaled: no air may be in view" in step.note for step in beam.steps)
    np.testing.assert_allclose(beam.transmission[0], inside, atol=2e-5)


def test_floats_that_are_not_finite():
    pixels = np.full((1, 60, 80), 0.9, np.float32)
    pixels[0, 30, 40] = np.nan
    beam = leveled(from_transmission(pixels))
    assert not beam.valid[30, 40]
    assert np.isfinite(beam.transmission).all()
