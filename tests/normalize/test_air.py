"""Air in the scan itself: where it is, how far down, and how sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn import draw_scene, make_counts
from measured import measure_with_truth

from xrayscan.errors import CalibrationError
from xrayscan.normalize import normalize
from xrayscan.normalize.air import clipped, dark_from_scan, find_air, open_beam
from xrayscan.scan import Scan
from xrayscan.simulate.scanner import PRESETS, draw_scanner

ROWS, COLUMNS = 300, 900


@pytest.fixture(scope="module")
def scene():
    return draw_scene(ROWS, COLUMNS)


def noisy(depth: np.ndarray, seed: int = 0) -> np.ndarray:
    clean = np.exp(-depth)
    noise = 0.003 * np.sqrt(clean) * np.random.default_rng(seed).standard_normal(depth.shape)
    return (clean + noise).astype(np.float32)


def everywhere(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape, bool)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("preset", PRESETS)
def test_air_ends_where_the_load_begins(scene, preset, seed):
    drawn = draw_scanner(np.random.default_rng((11, seed)), preset)
    beam = measure_with_truth(replace(drawn, endpoints=drawn.endpoints[:1]), scene.depth, seed).beam()
    seen = open_beam(beam.transmission[0], beam.valid)
    above = np.where((scene.depth == 0).all(axis=0), ROWS, np.argmax(scene.depth > 0, axis=0))
    assert seen is not None
    assert (seen.rows <= above).all()
    assert (seen.rows >= above - 12).mean() > 0.85
    assert seen.whole[: COLUMNS // 16].all()


def test_gains_that_have_drifted_do_not_hide_air(scene):
    gain = np.random.default_rng(1).normal(1.0, 0.02, (ROWS, 1)).astype(np.float32)
    seen = open_beam(noisy(scene.depth) * gain, everywhere(scene.depth))
    assert seen is not None
    assert seen.rows[30] == ROWS
    assert 15 <= seen.rows[450] <= 30


def test_air_over_a_vehicle_counts_where_the_only_columns_beside_it_lose_their_dose(scene):
    depth = np.pad(scene.depth[:, 200:], ((0, 0), (0, 300)))  # from within the load to the air behind the vehicle
    free = np.flatnonzero((depth > 0).any(axis=0))[-1] + 1
    lost = np.linspace(0.0, 1.0, depth.shape[1] - free + 350) ** 1.2
    dose = np.concatenate([np.ones(free - 350), 1.0 - 0.3 * lost]).astype(np.float32)
    seen = open_beam(noisy(depth) * dose, everywhere(depth))
    assert seen is not None
    assert (seen.rows[: free - 400] >= 15).all()
    assert seen.level[[0, -1]] == pytest.approx([1.0, 0.7], abs=0.01)


def test_air_brighter_than_it_may_be_is_none(scene):
    assert open_beam(1.1 * noisy(scene.depth), everywhere(scene.depth)) is None


def test_no_air_in_a_full_picture(scene):
    assert open_beam(noisy(scene.depth[60:200, 200:700]), everywhere(scene.depth[60:200, 200:700])) is None
    assert open_beam(np.zeros((50, 80), np.float32), np.ones((50, 80), bool)) is None
    assert open_beam(np.ones((50, 80), np.float32), np.zeros((50, 80), bool)) is None
    assert open_beam(np.ones((4, 80), np.float32), np.ones((4, 80), bool)) is None


def test_faulty_rows_do_not_end_the_air(scene):
    image, valid = noisy(scene.depth), everywhere(scene.depth)
    image[[3, 12, 200]] = 0.0
    valid[[3, 12, 200]] = False
    seen = open_beam(image, valid)
    assert seen is not None
    assert seen.rows[30] == ROWS
    assert seen.rows[450] > 12


def test_air_that_is_cut_off(scene):
    image = noisy(scene.depth)
    seen = open_beam(image, everywhere(image))
    assert seen is not None
    assert not clipped(image, seen)
    assert clipped(np.minimum(image, np.float32(1.0)), seen)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_air_is_found_before_and_after_the_vehicle_and_how_sure_it_is(scene, dtype):
    made = make_counts(scene.depth)
    air, step = find_air(made.counts[None].astype(dtype), made.dark[None])
    off = air[0] / made.air - 1.0
    assert off.std() < 3e-4
    assert step.is_warning
    assert step.parameters["doubt"] == pytest.approx(float(off.std()), rel=0.5)
    assert f"taken from {step.parameters['columns']} columns before and after the vehicle" in step.note


def test_where_no_column_is_free_the_brightest_counts_are_told_to_be_no_air():
    depth = 0.7 + np.kron(np.random.default_rng(0).random((10, 30)), np.ones((30, 30)))
    depth[:20] = 0.0
    made = make_counts(depth)
    air, step = find_air(made.counts[None], made.dark[None])
    assert step.parameters["columns"] == 0
    assert "every density is approximate" in step.note
    assert np.abs(air[0, :20] / made.air[:20] - 1.0).max() < 0.02


def test_a_blank_scan_has_no_air():
    with pytest.raises(CalibrationError, match="no channel counts more than its dark .* the scan is blank"):
        find_air(np.zeros((1, 40, 60), np.uint16), np.zeros((1, 40)))


def test_dark_is_the_least_seen_or_nothing():
    counts = np.random.default_rng(0).integers(300, 60_000, (1, 100, 200)).astype(np.uint16)
    dark, unsure, step = dark_from_scan(counts)
    assert dark.shape == (1, 100)
    assert 300 <= float(dark[0, 0]) == unsure[0, 0] < 500
    assert step.is_warning
    assert dark_from_scan(np.minimum(counts, 40_000) + 20_000)[1] == 0.0


def test_what_may_be_all_dark_stays_unsure():
    counts = np.random.default_rng(0).integers(300, 40_000, (1, 100, 200)).astype(np.uint16)
    dark, unsure, _ = dark_from_scan(counts + 1500)  # 4 % of the brightest
    assert not dark.any()
    assert 1800 < unsure[0, 0] < 2500


def test_each_energy_has_a_dark_level_of_its_own():
    rng = np.random.default_rng(0)
    depth = np.zeros((200, 300))
    depth[60:, 50:250], depth[100:160, 100:200] = 0.8, 30.0
    strength, darks = np.array([[[59_000]], [[9_000]]]), np.array([[[900]], [[100]]])
    counts = np.rint(rng.normal(strength * np.exp(-depth) + darks, 2)).astype(np.uint16)
    dark, unsure, step = dark_from_scan(counts)
    np.testing.assert_allclose(dark[:, 0], [900, 100], atol=8)
    assert unsure[:, 0].tolist() == dark[:, 0].tolist()
    assert "counts) taken as dark" in step.note
    radiograph = normalize(Scan.from_array(counts, quantity="counts", pixel_pitch=(0.01, 0.01)))
    assert radiograph.opaque[110:150, 110:190].mean() > 0.99
