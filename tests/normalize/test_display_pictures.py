"""Pictures made for eyes: inverted or not, 8 or 16 bits, the same approximate answer."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_scene

from xrayscan.normalize import normalize
from xrayscan.scan import Scan


@pytest.fixture(scope="module")
def scene():
    return draw_scene(load=1.0)


@pytest.fixture(scope="module")
def picture(scene):
    return np.rint(250.0 * np.exp(-scene.depth)).astype(np.uint8)


def of(pixels):
    return normalize(Scan.from_array(pixels, quantity="display"))


def test_depth_is_right_for_a_linear_curve(scene, picture):
    radiograph = of(picture)
    assert np.abs(radiograph.optical_depth[0] - scene.depth)[scene.depth < 2].max() < 0.03
    assert any("every density is approximate" in text for text in radiograph.warnings)


def test_an_inverted_picture_gives_the_same(picture):
    upright, inverted = of(picture), of(255 - picture)
    np.testing.assert_allclose(inverted.optical_depth, upright.optical_depth, atol=1e-5)
    assert inverted.containers == upright.containers
    assert any("the picture was inverted" in step.note for step in inverted.history)
    assert not any("the picture was inverted" in step.note for step in upright.history)


def test_16_bits_and_floats_stay_fine(scene):
    smooth = np.exp(-scene.depth)
    for pixels in (np.rint(smooth * 60_000).astype(np.uint16), smooth.astype(np.float32)):
        assert np.abs(of(pixels).optical_depth[0] - scene.depth)[scene.depth < 3].max() < 0.01


def test_a_black_level_above_zero_is_found():
    scene = draw_scene(load=9.0)
    picture = np.rint(20.0 + 230.0 * np.exp(-scene.depth)).astype(np.uint8)
    radiograph = of(picture)
    assert radiograph.opaque[scene.depth > 8].all()
    assert np.abs(radiograph.optical_depth[0] - scene.depth)[scene.depth < 1].max() < 0.03


def test_the_dark_end_is_opaque():
    scene = draw_scene(load=9.0)
    radiograph = of(np.rint(250.0 * np.exp(-scene.depth)).astype(np.uint8))
    assert radiograph.opaque[scene.depth > 8].all()
    assert radiograph.optical_depth.max() == pytest.approx(np.log(250 / 2.5), abs=0.01)


def test_no_air_at_the_edges_is_a_guess():
    rng = np.random.default_rng(0)
    radiograph = of(rng.integers(0, 256, (100, 140)).astype(np.uint8))
    assert any("inversion is a guess" in text for text in radiograph.warnings)


def test_a_few_hot_pixels_do_not_move_the_scale(scene):
    pixels = np.rint(4000 * np.exp(-scene.depth)).astype(np.uint16)
    pixels[150, 300:305] = 65535
    radiograph = of(pixels)
    assert (
        np.abs(np.delete(radiograph.optical_depth[0] - scene.depth, 150, axis=0))[np.delete(scene.depth, 150, axis=0) < 3].max()
        < 0.02
    )
