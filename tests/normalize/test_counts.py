"""Counts and delivered transmissions: calibration that is given, missing, wrong."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_scene, make_counts

from xrayscan.errors import CalibrationError
from xrayscan.normalize import normalize
from xrayscan.normalize.air import find_air
from xrayscan.normalize.beam import code_step, local_mean
from xrayscan.scan import Scan


@pytest.fixture(scope="module")
def scene():
    return draw_scene()


@pytest.fixture(scope="module")
def made(scene):
    return make_counts(scene.depth)


def test_air_is_found_before_and_after_the_vehicle(scene, made):
    radiograph = normalize(Scan.from_array(made.counts, dark=made.dark))
    assert any("no air given; taken from" in text for text in radiograph.warnings)
    assert float(np.quantile(np.abs(radiograph.optical_depth[0] - scene.depth), 0.99)) < 0.03


def test_a_scan_without_any_air_says_so():
    depth = np.full((120, 400), 0.7, np.float32)
    depth[40:90, 50:350] = 2.0
    made = make_counts(depth)
    air, step = find_air(made.counts[None], made.dark[None])
    assert air.shape == (1, 120)
    assert step.is_warning
    inside = depth[:, 100:300]
    cropped = make_counts(np.where(np.arange(200) % 40 < 2, inside, inside + 0.3))
    _, step = find_air(cropped.counts[None], cropped.dark[None])
    assert "every density is approximate" in step.note or "columns before and after" in step.note


def test_no_dark_is_conservative(scene, made):
    radiograph = normalize(Scan.from_array(made.counts, air=made.air))
    assert any("no dark given" in text for text in radiograph.warnings)
    light = scene.depth < 1.0
    assert np.abs(radiograph.optical_depth[0] - scene.depth)[light].max() < 0.05


def test_no_dark_and_a_dense_load_claims_less_penetration():
    scene = draw_scene(load=6.0)
    made = make_counts(scene.depth)
    known = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark))
    unknown = normalize(Scan.from_array(made.counts, air=made.air))
    assert unknown.inspected <= known.inspected
    assert unknown.opaque[scene.depth > 5.5].mean() > 0.95


def test_float_counts(made):
    whole = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark))
    floats = normalize(Scan.from_array(made.counts.astype(np.float64), air=made.air, dark=made.dark))
    np.testing.assert_array_equal(whole.optical_depth, floats.optical_depth)


def test_a_channel_without_air_is_not_valid(made):
    air = made.air.copy()
    air[[20, 111]] = made.dark[[20, 111]]
    counts = made.counts.copy()
    counts[[20, 111]] = np.rint(made.dark[[20, 111], None])
    radiograph = normalize(Scan.from_array(counts, air=air, dark=made.dark))
    assert np.flatnonzero(~radiograph.valid.any(axis=1)).tolist() == [20, 111]
    assert np.isnan(radiograph.optical_depth[0, [20, 111]]).all()
    assert any("no air above dark in 2 channels: not valid" in step.note for step in radiograph.history)


def test_exchanged_air_and_dark(made):
    with pytest.raises(CalibrationError, match=r"air is not above dark in any of 300 channels .* exchanged\?"):
        normalize(Scan.from_array(made.counts, air=made.dark, dark=made.air))


def test_one_energy_without_air(made):
    dark = np.stack([made.dark, made.air + 10])
    air = np.stack([made.air, made.air])
    with pytest.raises(CalibrationError, match="in any channel of one energy"):
        normalize(Scan.from_array(np.stack([made.counts, made.counts]), air=air, dark=dark))


def test_vendor_steps_are_found(made):
    codes = (np.arange(65536, dtype=np.uint16) & 0xFFF0).reshape(1, 256, 256)
    assert code_step(codes) == 16.0
    assert code_step(made.counts[None]) == 1.0
    assert code_step(np.random.default_rng(0).random((1, 50, 50))) == 0.0
    assert code_step(np.array([[[0, 40_000]]], np.uint16)) == 1.0


def test_transmission_full_scale_is_one():
    codes = np.full((60, 80), 65535, np.uint16)
    codes[20:40, 20:60] = 24109
    radiograph = normalize(Scan.from_array(codes, quantity="transmission"))
    assert radiograph.optical_depth[0, 30, 40] == pytest.approx(1.0, abs=1e-4)
    assert radiograph.optical_depth[0, 0, 0] == 0.0


def test_an_air_level_that_is_not_one_is_told():
    radiograph = normalize(Scan.from_array(np.full((60, 80), 52_900, np.uint16), quantity="transmission"))
    assert any("brightest parts stand at T = 0.81" in text for text in radiograph.warnings)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("quantity", ["counts", "transmission", "display"])
def test_what_is_not_finite_is_not_valid(bad, quantity):
    pixels = np.full((60, 80), 0.9, np.float32)
    pixels[30, 40:44] = bad
    air = np.ones(60) if quantity == "counts" else None
    dark = np.zeros(60) if quantity == "counts" else None
    radiograph = normalize(Scan.from_array(pixels, quantity=quantity, air=air, dark=dark))
    assert not radiograph.valid[30, 40:44].any()
    assert (~radiograph.valid).sum() == 4
    assert np.isnan(radiograph.optical_depth[0, 30, 40:44]).all()
    assert np.isfinite(radiograph.optical_depth[0][radiograph.valid]).all()


def test_pulses_are_taken_out_with_the_air_above_the_load(scene):
    made = make_counts(scene.depth, 3, pulse=0.02)
    radiograph = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark))
    assert any(step.name == "pulses" for step in radiograph.history)
    wall = radiograph.optical_depth[0, 45:70, 200:600].mean(axis=0)
    assert wall.std() < 0.004


def test_delivered_transmission_stays_as_it_is_where_steps_are_left_out():
    transmission = np.random.default_rng(0).normal(1.0, 0.02, (1, 200)) * np.full((120, 1), 0.98)
    radiograph = normalize(Scan.from_array(transmission, quantity="transmission"), without=("channels", "pulses"))
    np.testing.assert_allclose(radiograph.optical_depth[0], -np.log(transmission), atol=1e-5)


def test_steady_pulses_are_left_alone(made):
    radiograph = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark))
    assert not any(step.name == "pulses" for step in radiograph.history)


def test_local_mean_leaves_out_what_is_not_valid():
    image = np.ones((9, 9), np.float32)
    image[4] = 100.0
    valid = np.ones((9, 9), bool)
    valid[4] = False
    np.testing.assert_allclose(local_mean(image, valid), 1.0, rtol=1e-5)
    assert local_mean(image, np.zeros((9, 9), bool)).max() == 0.0


def test_a_blank_scan_without_air_is_refused():
    with pytest.raises(CalibrationError, match="no channel counts more than its dark .* the scan is blank"):
        normalize(Scan.from_array(np.zeros((60, 90), np.uint16)))


def test_air_that_was_far_too_weak_is_a_warning():
    depth = np.full((200, 300), 0.3)
    depth[:30], depth[100:160, 100:200] = 0.0, 2.0
    counts = np.random.default_rng(1).poisson(59_000 * np.exp(-depth) + 900).astype(np.uint16)
    dark = np.full(200, 900.0)
    half = normalize(Scan.from_array(counts, air=np.full(200, 30_400.0), dark=dark, pixel_pitch=0.01))
    right = normalize(Scan.from_array(counts, air=np.full(200, 59_900.0), dark=dark, pixel_pitch=0.01))
    assert any("air level" in step.name and step.is_warning for step in half.history)
    assert not any("air level" in step.name and step.is_warning for step in right.history)


@pytest.mark.parametrize("absurd", [3e38, -3e38, 1e30])
@pytest.mark.parametrize("place", [(0, 150), (130, 0), (199, 100)])
def test_a_number_that_no_detector_counts_is_not_measured_and_harms_nothing_else(absurd, place):
    depth = np.zeros((200, 300))
    depth[60:, 50:250], depth[100:160, 100:200] = 0.8, 30.0
    counts = np.random.default_rng(1).normal(59_000 * np.exp(-depth) + 900, 5).astype(np.float32)
    lines = {"air": np.full(200, 59_900.0), "dark": np.full(200, 900.0), "pixel_pitch": 0.01}
    plain = normalize(Scan.from_array(counts, **lines))
    counts[place] = absurd
    radiograph = normalize(Scan.from_array(counts, **lines))
    assert not radiograph.valid[place]
    assert (radiograph.opaque == plain.opaque).mean() > 0.9999
    assert radiograph.inspected == pytest.approx(plain.inspected, abs=1e-3)
    assert np.isfinite(radiograph.optical_depth[0][radiograph.valid]).all()
