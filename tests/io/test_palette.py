"""False color: the palette is found from the picture's own colors, and each pixel's place on it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xrayscan.io.palette import find_palette, index_on, known_palettes


@pytest.fixture(scope="module")
def gray():
    """All gray levels, in places smooth and with edges between."""
    rng = np.random.default_rng(3)
    ramp = np.linspace(0, 255, 400)[None].repeat(240, axis=0)
    ramp += 20.0 * np.sin(np.arange(240) / 30.0)[:, None]
    for _ in range(12):
        top, left = rng.integers(0, 200), rng.integers(0, 360)
        ramp[top : top + 30, left : left + 40] *= rng.uniform(0.4, 0.9)
    return np.rint(ramp.clip(0, 255)).astype(np.uint8)


def colored(gray, table, quality=0):
    picture = np.rint(table).astype(np.uint8)[gray]
    if not quality:
        return picture
    code = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.parametrize("name", ["gray", "hot", "jet", "bone", "viridis", "inferno", "turbo", "plasma", "cividis"])
def test_known_palettes_are_named_and_undone_exactly(gray, name):
    table = known_palettes()[name]
    picture = colored(gray, table)
    palette = find_palette(picture)
    assert palette.name == name
    index, distance = index_on(picture, palette)
    assert distance.max() <= 1
    # Neighboring levels may have one color: no more can be told than the color.
    np.testing.assert_array_equal(np.rint(table).astype(np.uint8)[index], picture)


@pytest.mark.parametrize("name", ["hot", "jet", "bone", "viridis"])
@pytest.mark.parametrize("quality", [65, 90])
def test_known_palettes_survive_jpeg(gray, name, quality):
    picture = colored(gray, known_palettes()[name], quality)
    palette = find_palette(picture)
    assert palette.name == name
    off = np.abs(index_on(picture, palette)[0].astype(int) - gray)
    assert np.median(off) <= 3


@pytest.mark.parametrize(
    ("knots", "monotone"),
    [
        ([(0, 0, 0), (90, 20, 140), (60, 160, 90), (255, 255, 255)], True),
        ([(255, 40, 40), (40, 40, 255), (40, 220, 60), (250, 250, 160)], False),
    ],
)
def test_an_unknown_palette_is_walked_in_order(gray, knots, monotone):
    axis = np.linspace(0, 255, len(knots))
    table = np.stack([np.interp(np.arange(256), axis, channel) for channel in zip(*knots, strict=True)], axis=1)
    palette = find_palette(colored(gray, table))
    assert (palette.name, palette.monotone) == ("unknown", monotone)
    index = index_on(colored(gray, table), palette)[0]
    order = np.corrcoef(np.argsort(np.argsort(index.ravel())), np.argsort(np.argsort(gray.ravel())))[0, 1]
    assert abs(order) > 0.98


def test_colors_on_a_surface_are_no_palette(gray):
    hue = np.tile(np.linspace(0, 255, gray.shape[1])[::-1].astype(np.uint8), (gray.shape[0], 1))
    light = cv2.GaussianBlur(gray, (0, 0), 3).T[: gray.shape[0]]
    light = cv2.resize(light, gray.shape[::-1]).astype(np.float32)[..., None] / 255
    picture = np.rint(light * np.stack([hue, 255 - hue, np.full_like(hue, 120)], axis=-1)).astype(np.uint8)
    assert find_palette(picture) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (40, 1)])
def test_a_picture_of_one_color_is_no_palette(shape):
    assert find_palette(np.full((*shape, 3), (200, 30, 90), np.uint8)) is None
