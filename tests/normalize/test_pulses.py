"""Dose of pulses and its drift: taken out with the air that each column sees, and no load with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn import draw_scene
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import measure_with_truth, residuals

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.pulses import correct_pulses, find_blocks
from xrayscan.simulate.scanner import Pulses, Scanner

ROWS, COLUMNS = 300, 900
NOISE = 0.003


def beam_of(transmission: np.ndarray) -> Beam:
    image = transmission.astype(np.float32)[None].copy()
    line = np.full(image.shape[:2], 1e-5, np.float32)
    return Beam(image, np.ones(image.shape[1:], bool), line, 3 * line, ())


def noisy(depth: np.ndarray, noise: float = NOISE, seed: int = 0) -> np.ndarray:
    clean = np.exp(-depth)
    return clean + noise * np.sqrt(clean) * np.random.default_rng(seed).standard_normal(depth.shape)


@pytest.fixture(scope="module")
def scene():
    return draw_scene(ROWS, COLUMNS).depth


def shots(size: int, rms: float, phase: int = 0, seed: int = 1, columns: int = COLUMNS) -> np.ndarray:
    return np.repeat(1.0 + rms * np.random.default_rng(seed).standard_normal(columns // size + 2), size)[
        phase : phase + columns
    ]


def left_of(beam: Beam, depth: np.ndarray) -> np.ndarray:
    """Relative error of each column, shape (columns,)."""
    return (beam.transmission[0] / np.exp(-depth)).mean(axis=0) - 1.0


@given(size=st.integers(1, 12), phase=st.integers(0, 11), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_blocks_are_found_whatever_their_width_and_first_column(size, phase, seed):
    dose = shots(size, 0.003, phase % size, seed)
    level = dose + 0.0007 * np.random.default_rng(seed + 1).standard_normal(COLUMNS)
    assert find_blocks([(level, np.full(COLUMNS, 0.0007**2))]) == (size, (-phase) % size if size > 1 else 0)


def test_no_blocks_in_noise():
    level = 1.0 + 0.001 * np.random.default_rng(0).standard_normal(COLUMNS)
    assert find_blocks([(level, np.full(COLUMNS, 1e-6))]) == (1, 0)
    assert find_blocks([(np.ones(COLUMNS), np.full(COLUMNS, np.inf))]) == (1, 0)


@pytest.mark.parametrize("size", [1, 4, 12])
def test_columns_of_one_pulse_share_a_surer_factor(scene, size):
    dose = shots(size, 0.004, 2 % size)
    beam = correct_pulses(beam_of(noisy(scene) * dose))
    (step,) = beam.steps
    assert step.parameters["columns"] == size
    assert step.parameters["pulse_rms"] == pytest.approx(0.004, rel=0.3)
    # Twenty rows of air above the load, each pixel with 0.3 % of noise; the mean over 300 rows has some of its own.
    assert left_of(beam, scene).std() < 1.2 * NOISE * np.sqrt(1 / 18 / size + 1 / 250)


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("rms", [0.01, 0.03])
def test_a_source_without_reference_detector(scene, rms, size):
    before = noisy(scene) * shots(size, rms)
    beam = correct_pulses(beam_of(before))
    assert (before / np.exp(-scene)).mean(axis=0).std() > 0.9 * rms
    assert left_of(beam, scene).std() < 0.0008


@pytest.mark.parametrize("lost", [0.15, 0.6])
@pytest.mark.parametrize("end", ["first", "last"])
def test_a_dose_that_is_lost_towards_one_end(scene, lost, end):
    ramp = 1.0 - lost * np.clip((np.linspace(0.0, 1.0, COLUMNS) - 0.7) / 0.3, 0.0, 1.0) ** 2
    ramp = ramp[::-1] if end == "first" else ramp
    before = beam_of(noisy(scene) * ramp)
    least = before.least.copy()
    beam = correct_pulses(before)
    assert np.abs(left_of(beam, scene)).max() < 0.006
    assert beam.steps[0].is_warning
    assert f"the dose fell to {1.0 - lost:.0%}" in beam.steps[0].note
    np.testing.assert_allclose(beam.least, least / (1.0 - lost), rtol=0.02)


def test_slow_drift(scene):
    drift = 1.0 + 0.02 * np.sin(np.linspace(0.0, 9.0, COLUMNS))
    beam = correct_pulses(beam_of(noisy(scene) * drift))
    assert left_of(beam, scene).std() < 5e-4
    assert beam.steps[0].parameters["drift_rms"] == pytest.approx(0.014, rel=0.2)


def test_a_drift_inside_the_blocks(scene):
    lost = 1.0 - 0.5 * np.clip(np.linspace(-2.0, 1.0, COLUMNS), 0.0, 1.0) ** 2
    beam = correct_pulses(beam_of(noisy(scene) * shots(12, 0.003) * lost))
    assert left_of(beam, scene).std() < 8e-4


def test_air_is_used_as_far_down_as_each_column_sees_it():
    depth = np.zeros((ROWS, COLUMNS))
    depth[16:, 150:450] = 0.7
    depth[150:, 450:750] = 0.7
    beam = correct_pulses(beam_of(noisy(depth) * shots(1, 0.004)))
    left = left_of(beam, depth)
    assert left[460:740].std() < 0.6 * left[160:440].std()


def test_columns_without_air_keep_their_stripes_and_say_so():
    depth = np.zeros((ROWS, COLUMNS))
    depth[30:, 100:800] = 0.7
    depth[:, 300:500] = 0.9
    dose = shots(1, 0.004) * np.linspace(0.99, 1.01, COLUMNS)
    before = beam_of(noisy(depth) * dose)
    beam = correct_pulses(beam_of(noisy(depth) * dose))
    factor = before.transmission[0] / beam.transmission[0]
    assert np.ptp(np.diff(factor[0, 320:480])) < 1e-5  # drift alone, a straight line
    assert np.abs(left_of(beam, depth)[320:480].mean()) < 0.002
    assert beam.steps[0].parameters["without_air"] >= 200
    assert "columns see no air: only the drift was interpolated there" in beam.steps[0].note


def test_air_below_where_none_is_above():
    depth = np.zeros((ROWS, COLUMNS))
    depth[:240, 150:750] = 0.8 + 0.5 * np.random.default_rng(0).random((240, 600))
    beam = correct_pulses(beam_of(noisy(depth) * shots(1, 0.005)))
    assert left_of(beam, depth)[170:730].std() < 0.001


def test_both_energies_have_their_own_dose(scene):
    doses = shots(3, 0.004, seed=1), shots(3, 0.006, seed=2)
    image = np.stack([noisy(scene) * doses[0], noisy(1.2 * scene, seed=5) * doses[1]]).astype(np.float32)
    line = np.zeros(image.shape[:2], np.float32)
    beam = correct_pulses(Beam(image, np.ones(image.shape[1:], bool), line, line, ()))
    assert [step.parameters["energy"] for step in beam.steps] == [0, 1]
    assert (beam.transmission[1] / np.exp(-1.2 * scene)).mean(axis=0).std() < 0.001


def upright() -> dict[str, np.ndarray]:
    """Loads with much that stands upright, some of it up to the picture's edge."""
    x = np.arange(COLUMNS)
    empty = np.zeros((ROWS, COLUMNS))
    posts, walls, high, tarpaulin, roof = (empty.copy() for _ in range(5))
    posts[40:, 200:700] += 0.3
    posts[:, 250:700:50] += 0.5
    walls[30:, 150:750] = 0.1 + 0.03 * np.sign(np.sin(x[150:750] / 4.0))
    high[:, 150:750] = 0.1 + 0.03 * np.sign(np.sin(x[150:750] / 4.0))
    tarpaulin[:, 200:700] = 0.03
    tarpaulin[80:, 200:700] += 0.3
    y = np.arange(ROWS)[:, None]
    roof[:] = 0.012 * np.sqrt(np.clip(140.0**2 - (y - 140.0) ** 2 - ((x - 450) * 0.35) ** 2, 0.0, None))
    return {"posts": posts, "walls": walls, "walls to the edge": high, "tarpaulin": tarpaulin, "tank": roof}


@pytest.mark.parametrize("name", [*upright(), "uniform, thin", "uniform, dense", "empty", "drawn", "full", "cut off"])
@pytest.mark.parametrize("noise", [NOISE, 0.0])
def test_a_scan_without_faults_stays_as_it_is(scene, name, noise):
    depths = upright() | {
        "uniform, thin": np.full((ROWS, COLUMNS), 0.04),
        "uniform, dense": np.full((ROWS, COLUMNS), 1.5),
        "empty": np.zeros((ROWS, COLUMNS)),
        "drawn": scene,
        "full": scene[60:200, 200:700],
        "cut off": scene[60:],
    }
    before = noisy(depths[name], noise)
    after = correct_pulses(beam_of(before))
    np.testing.assert_array_equal(after.transmission[0], before.astype(np.float32))
    assert after.steps == ()


@pytest.mark.parametrize("name", upright())
def test_what_stands_upright_is_not_taken_for_pulses(name):
    depth = upright()[name]
    after = correct_pulses(beam_of(noisy(depth) * shots(1, 0.003)))
    # Where no air is seen the stripes stay, so errors are those of the dose at most; nothing of the load is gone.
    assert left_of(after, depth).std() < 0.0035
    assert np.abs(left_of(after, depth)).max() < 0.014


def test_padding_is_not_dose(scene):
    before = noisy(scene) * shots(1, 0.003)
    before[:, :60] = 0.0
    beam = beam_of(before)
    beam.valid[:, :60] = False
    after = correct_pulses(beam)
    assert np.isfinite(after.transmission).all()
    assert (after.transmission[0, :, 60:] / np.exp(-scene[:, 60:])).mean(axis=0).std() < 0.0012


def test_a_detector_with_many_columns_against_truth(scene):
    scanner = Scanner(pulses=Pulses(columns=8, rms=0.01, drift=0.01, energy_drift=0.003))
    scanner = replace(scanner, detector=replace(scanner.detector, gain_drift=0.0, column_spread=0.0))
    truth = measure_with_truth(scanner, scene, 3)
    assert residuals(truth.beam(), truth).columns > 0.008
    left = residuals(correct_pulses(truth.beam()), truth)
    assert left.columns < 0.0015
    assert left.load_columns < 1.05


@pytest.mark.parametrize("shape", [(8, 8), (64, 64), (1000, 30), (30, 3000)])
def test_any_size(shape):
    rng = np.random.default_rng(0)
    beam = correct_pulses(beam_of(rng.normal(1.0, 0.01, shape) * rng.normal(1.0, 0.02, shape[1])))
    assert np.isfinite(beam.transmission).all()
    assert correct_pulses(beam_of(np.zeros(shape))).steps == ()
