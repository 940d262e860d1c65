"""Pictures in color through the readers: what the color meant, said in the first steps of the history."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import xrayscan.io
from xrayscan.io import jpeg, png
from xrayscan.io.color import luminance, to_gray
from xrayscan.io.file import ScanFile


@pytest.fixture(scope="module")
def gray():
    picture = np.full((240, 400), 250.0)
    picture[60:220, 50:350] = np.linspace(20, 220, 300)
    picture[150:200, 120:200] *= 0.5
    noise = np.random.default_rng(5).normal(0, 1.5, picture.shape)
    return np.rint((cv2.GaussianBlur(picture, (0, 0), 1.2) + noise).clip(0, 255)).astype(np.uint8)


def contents(tmp_path, reader, ending, bgr, *flags):
    path = tmp_path / f"a{ending}"
    path.write_bytes(cv2.imencode(ending, bgr, list(flags))[1].tobytes())
    return reader.read(ScanFile(path, path.read_bytes()))


def test_false_color_is_undone(tmp_path, gray):
    bgr = cv2.applyColorMap(gray, cv2.COLORMAP_JET)
    whole = contents(tmp_path, png, ".png", bgr)
    assert np.abs(whole.pixels.astype(int) - gray).max() <= 1
    assert "the palette 'jet'" in whole.steps[0].note
    assert whole.steps[0].is_warning
    assert whole.bad_pixels is None
    lossy = contents(tmp_path, jpeg, ".jpg", bgr, cv2.IMWRITE_JPEG_QUALITY, 90)
    assert np.median(np.abs(lossy.pixels.astype(int) - gray)) <= 2
    assert lossy.quantity == whole.quantity == "display"


def test_marks_in_color_become_bad_pixels(tmp_path, gray):
    bgr = np.repeat(gray[..., None], 3, axis=2)
    cv2.rectangle(bgr, (80, 100), (300, 180), (0, 0, 255), 2)
    for reader, ending in ((png, ".png"), (jpeg, ".jpg")):
        found = contents(tmp_path, reader, ending, bgr)
        assert found.bad_pixels.shape == (1, *gray.shape)
        assert found.bad_pixels[0, 100, 85:295].all()
        assert found.bad_pixels.mean() < 0.05


def test_what_was_found_heads_the_history(tmp_path, gray):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), cv2.applyColorMap(gray, cv2.COLORMAP_HOT))
    view = xrayscan.io.read(path).view
    assert [step.name for step in view.steps] == ["false color"]


def test_gray_stored_as_color_is_the_gray(tmp_path, gray):
    bgr = np.repeat(gray[..., None], 3, axis=2)
    plain = contents(tmp_path, jpeg, ".jpg", gray, cv2.IMWRITE_JPEG_QUALITY, 80)
    colored = contents(tmp_path, jpeg, ".jpg", bgr, cv2.IMWRITE_JPEG_QUALITY, 80)
    np.testing.assert_array_equal(plain.pixels, colored.pixels)
    assert colored.steps == ()
    assert colored.bad_pixels is None
    np.testing.assert_array_equal(contents(tmp_path, png, ".png", bgr).pixels, gray)


def test_material_color_keeps_its_lightness(gray):
    hue = np.random.default_rng(2).integers(0, 120, gray.shape).astype(np.uint8)
    hsv = np.stack([hue, np.full_like(gray, 200), gray], axis=-1)
    plane = to_gray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))
    assert "only its lightness was kept (largest channel)" in plane.steps[0].note
    assert np.abs(plane.pixels.astype(int) - gray).max() <= 1


def test_16_bits_stay_16_bits(gray):
    wide = np.repeat((gray.astype(np.uint16) * 200)[..., None], 3, axis=2)
    assert to_gray(wide).pixels.dtype == np.uint16
    wide[100:103, 50:200] = (60_000, 0, 0)
    plane = to_gray(wide)
    np.testing.assert_array_equal(plane.pixels, luminance(wide))
    assert plane.covered[100:103, 50:200].all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 50)])
def test_small_pictures_of_any_color_are_read(shape):
    colors = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert to_gray(colors).pixels.shape == shape
    floats = to_gray(colors.astype(np.float32) / 255)
    assert floats.pixels.dtype == np.float32
