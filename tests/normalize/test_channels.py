"""Gains of channels: leveled with the air of the scan, and nothing else touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn import draw_scene
from measured import measure_with_truth, residuals

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.channels import Modules, find_modules, level_channels
from xrayscan.normalize.pulses import correct_pulses
from xrayscan.simulate.scanner import PRESETS, Pulses, Scanner, draw_scanner

ROWS, COLUMNS = 300, 900


def beam_of(transmission: np.ndarray) -> Beam:
    image = np.atleast_3d(transmission.astype(np.float32).T).T.copy()
    line = np.full(image.shape[:2], 1e-5, np.float32)
    return Beam(image, np.ones(image.shape[1:], bool), line, 3 * line, ())


def noisy(depth: np.ndarray, noise: float = 0.003, seed: int = 0) -> np.ndarray:
    clean = np.exp(-depth)
    return clean + noise * np.sqrt(clean) * np.random.default_rng(seed).standard_normal(depth.shape)


@pytest.fixture(scope="module")
def scene():
    return draw_scene(ROWS, COLUMNS).depth


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("preset", PRESETS)
def test_striping_and_gain_errors_are_under_the_bar(scene, preset, seed):
    drawn = draw_scanner(np.random.default_rng((7, seed)), preset)
    scanner = replace(drawn, endpoints=drawn.endpoints[:1])
    truth = measure_with_truth(scanner, scene, seed)
    left = residuals(correct_pulses(level_channels(truth.beam())), truth)
    assert left.columns < 0.003
    assert left.channels < 0.003
    assert left.load_columns < 1.2
    assert left.load_channels < 1.2
    assert left.load < 1.25  # with what the dark lines' drift and the gains of each detector column leave


def test_gains_that_have_drifted_far(scene):
    truth = measure_with_truth(Scanner(), scene, 1)
    stale = truth.measurement.air * np.random.default_rng(0).normal(1.0, 0.02, (1, ROWS)).astype(np.float32)
    before = residuals(truth.beam(stale), truth)
    beam = level_channels(truth.beam(stale))
    after = residuals(beam, truth)
    assert before.channels > 0.01
    assert after.channels < 0.001
    (step,) = (step for step in beam.steps if step.name == "channels")
    assert step.parameters["rms"] == pytest.approx(0.02, rel=0.2)


def test_modules_are_found_whatever_their_size_and_first_row():
    rng = np.random.default_rng(3)
    for size, phase in ((16, 3), (24, 0), (32, 31), (64, 17)):
        number = (np.arange(600) - phase) // size
        gain = 1.0 + 0.003 * rng.standard_normal(60)[number] + 0.002 * rng.standard_normal(600)
        assert find_modules(gain, np.ones(600, bool)) == Modules(size, phase)
    assert find_modules(rng.normal(1.0, 0.01, 600), np.ones(600, bool)).size == 0
    assert find_modules(np.ones(600), np.ones(600, bool)).size == 0


def test_few_columns_of_air_know_modules_better_than_channels():
    rng = np.random.default_rng(5)
    depth = np.zeros((ROWS, 600))
    depth[:, 24:-24] = 0.8 + np.linspace(0.0, 1.0, 552)
    gain = np.repeat(1.0 + 0.01 * rng.standard_normal(10), 32)[:ROWS]
    leveled = level_channels(beam_of(noisy(depth, 0.01) * gain[:, None])).transmission[0]
    left = (leveled / np.exp(-depth)).mean(axis=1)
    assert left.std() < 0.001  # the 32 columns used would know a channel to 0.01/sqrt(32) = 0.0018


def test_detector_columns_of_one_pulse_have_their_own_gains(scene):
    scanner = Scanner(pulses=Pulses(columns=6, rms=0.0, drift=0.0, energy_drift=0.0))
    scanner = replace(scanner, detector=replace(scanner.detector, column_spread=0.008, gain_drift=0.0))
    truth = measure_with_truth(scanner, scene, 2)
    beam = level_channels(truth.beam())
    assert residuals(truth.beam(), truth).load > 1.5
    assert residuals(beam, truth).load < 1.15
    assert any(step.parameters.get("period") == 6 for step in beam.steps if step.name == "channels")


def test_gains_that_move_during_the_scan():
    rng = np.random.default_rng(2)
    depth = np.zeros((ROWS, 800))
    depth[30:, 150:650] = 0.7
    rise = 0.004 * rng.standard_normal(ROWS)
    moving = 1.0 + rise[:, None] * np.linspace(-0.5, 0.5, 800)
    leveled = level_channels(beam_of(noisy(depth) * moving))
    left = (leveled.transmission[0] / np.exp(-depth))[:, 160:300].mean(axis=1)
    assert left.std() < 0.4 * 0.3 * 0.004  # it was up to 0.3 of the rise off there
    assert any("from the first air to the last" in step.note for step in leveled.steps)


def test_modules_without_air_are_leveled_to_their_neighbors_only_where_steps_are_sure():
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:320, :800]
    depth = np.where(y < 160, 0.0, 0.5 + 0.4 * np.sin(x / 90.0) + (y - 160) / 400.0)
    module = 1.0 + 0.008 * rng.standard_normal(10)
    gain = np.repeat(module, 32)
    before = noisy(depth, 0.002) * gain[:, None]
    leveled = level_channels(beam_of(before)).transmission[0]
    left = (leveled / np.exp(-depth))[165:].mean(axis=1)
    assert left.std() < 0.4 * gain[165:].std()


def test_an_edge_of_the_load_is_no_step_between_modules():
    rng = np.random.default_rng(9)
    depth = np.zeros((320, 800))
    depth[160:] = 0.3
    depth[192:] += 0.02  # a thin floor that begins where a module does
    depth[192:, 300:] += 0.02
    gain = np.repeat(1.0 + 0.008 * rng.standard_normal(10), 32)
    gain[160:] = 1.0
    leveled = level_channels(beam_of(noisy(depth, 0.002) * gain[:, None])).transmission[0]
    np.testing.assert_allclose(leveled[200:].mean(axis=0), np.exp(-depth[200]), rtol=0.012)


def test_a_clean_scan_stays_as_it_is(scene):
    for depth, noise in ((scene, 0.003), (scene, 0.0), (np.zeros((ROWS, 400)), 0.003), (np.full((ROWS, 400), 1.0), 0.003)):
        before = beam_of(noisy(depth, noise))
        after = level_channels(beam_of(noisy(depth, noise)))
        np.testing.assert_array_equal(after.transmission, before.transmission)
        assert after.steps == ()


def test_a_load_without_air_is_not_leveled():
    rng = np.random.default_rng(4)
    full = draw_scene(ROWS, COLUMNS).depth[60:200, 200:700]
    before = noisy(full) * rng.normal(1.0, 0.003, (140, 1))
    np.testing.assert_array_equal(level_channels(beam_of(before)).transmission[0], before.astype(np.float32))


def test_the_least_step_follows_the_gain(scene):
    gain = np.where(np.arange(ROWS) < 150, 0.95, 1.05)[:, None]
    before = beam_of(noisy(scene) * gain)
    step, least = before.step.copy(), before.least.copy()
    after = level_channels(before)
    ratio = (step / after.step)[0]
    assert ratio[150:].mean() / ratio[:150].mean() == pytest.approx(1.05 / 0.95, rel=0.002)
    np.testing.assert_allclose(after.least / after.step, least / step, rtol=1e-6)


def test_air_that_is_cut_off_tells_nothing(scene):
    rng = np.random.default_rng(4)
    before = np.minimum(noisy(scene) * rng.normal(1.0, 0.003, (ROWS, 1)), 1.0)
    np.testing.assert_array_equal(level_channels(beam_of(before)).transmission[0], before.astype(np.float32))


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (1000, 30), (30, 3000)])
def test_any_size(shape):
    rng = np.random.default_rng(0)
    beam = level_channels(beam_of(rng.normal(1.0, 0.01, shape) * rng.normal(1.0, 0.02, (shape[0], 1))))
    assert np.isfinite(beam.transmission).all()
    assert level_channels(beam_of(np.zeros(shape))).steps == ()
