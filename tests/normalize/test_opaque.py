"""What was not penetrated is marked, bounded and counted; no value is invented."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_scene, make_counts

from xrayscan.normalize import normalize
from xrayscan.normalize.opacity import inspected_share, noise_floor
from xrayscan.scan import Box, Scan


def radiograph_of(depth: np.ndarray, noise: float = 5.0):
    made = make_counts(depth, noise=noise)
    return normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark))


def limit_of(radiograph) -> float:
    return next(step.parameters["limit"] for step in radiograph.history if step.name == "opacity")


@pytest.mark.parametrize("noise", [2.0, 10.0, 40.0])
def test_the_floor_is_the_noise_of_the_data(noise):
    scene = draw_scene(load=14.0)
    radiograph = radiograph_of(scene.depth, noise)
    measured = next(step.parameters["noise_rms"] for step in radiograph.history if step.name == "opacity")
    assert measured == pytest.approx(noise / 49_600, rel=0.2)
    assert radiograph.opaque[scene.depth > 13].mean() > 0.99
    assert radiograph.opaque[scene.depth < 3].mean() < 0.01


def test_opaque_depth_is_the_floors_and_no_more():
    scene = draw_scene(load=14.0)
    radiograph = radiograph_of(scene.depth)
    depth = radiograph.optical_depth[0]
    made = make_counts(scene.depth)
    highest = -np.log(3.0 / (made.air - made.dark)).astype(np.float32)[:, None]
    assert (depth <= highest + 0.01).all()
    assert depth[radiograph.opaque] == pytest.approx(-np.log(limit_of(radiograph)), abs=0.25)
    assert (depth[radiograph.opaque] <= scene.depth[radiograph.opaque] + 0.7).all()


def test_opaque_is_smooth_not_speckled():
    scene = draw_scene(load=14.0)
    opaque = radiograph_of(scene.depth, 20.0).opaque
    inside = scene.depth > 13
    inner = inside & np.roll(inside, 4, 0) & np.roll(inside, -4, 0) & np.roll(inside, 4, 1) & np.roll(inside, -4, 1)
    assert opaque[inner].all()


def test_less_than_nothing_in_one_pixel_is_noise_not_opacity():
    transmission = np.full((100, 120), 0.05, np.float32)
    transmission[50, 60] = -0.01
    radiograph = normalize(Scan.from_array(transmission, quantity="transmission"))
    assert not radiograph.opaque.any()
    assert np.isfinite(radiograph.optical_depth).all()


def test_inspected_counts_the_load_only():
    scene = draw_scene(load=14.0)
    radiograph = radiograph_of(scene.depth)
    box = scene.boxes[0]
    dy, dx = int(0.02 * box.height), int(0.02 * box.width)
    inside = np.s_[box.top + dy : box.bottom - dy, box.left + dx : box.right - dx]
    truth = 1.0 - (scene.depth > 10)[inside].sum() / (scene.depth > 0.25)[inside].sum()
    assert radiograph.inspected == pytest.approx(truth, abs=0.05)
    assert any("nothing can be said of the opaque rest" in text for text in radiograph.warnings)


def test_inspected_of_a_known_box():
    depth = np.zeros((100, 200), np.float32)
    depth[20:80, 20:180] = 0.15
    depth[40:80, 20:180] = 1.0
    opaque = np.zeros(depth.shape, bool)
    opaque[60:80, 20:180] = True
    valid = np.ones(depth.shape, bool)
    share, step = inspected_share(depth, opaque, valid, [Box(20, 20, 80, 180)])
    assert share == pytest.approx(0.5, abs=0.02)
    assert step.parameters["wall"] == pytest.approx(0.15)


def test_an_empty_container_is_inspected_whole():
    depth = np.full((100, 200), 0.15, np.float32)
    none = np.zeros(depth.shape, bool)
    share, step = inspected_share(depth, none, ~none, [Box(0, 0, 100, 200)])
    assert share == 1.0
    assert "hardly loaded" in step.note


def test_nothing_valid_is_nothing_inspected():
    none = np.zeros((20, 30), bool)
    share, step = inspected_share(np.full((20, 30), np.nan, np.float32), none, none, [])
    assert share == 0.0
    assert step.is_warning


def test_a_light_scan_has_no_measured_floor():
    image = np.full((50, 60), 0.5, np.float32)
    assert noise_floor(image, image, np.ones(image.shape, bool)) == 0.0
