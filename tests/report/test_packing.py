"""PNG files and deflated bytes: what other readers make of them, to the bit."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xrayscan.errors import ReportError
from xrayscan.report.packing import deflated, png

SIDE = st.integers(1, 9)


def opened(file: bytes) -> np.ndarray:
    """Red, green, blue and opacity as OpenCV reads them; it makes color of gray and opacity."""
    image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)


@given(arrays(np.uint8, st.tuples(SIDE, SIDE) | st.tuples(SIDE, SIDE, st.sampled_from([3, 4]))))
def test_a_png_is_the_image(image):
    np.testing.assert_array_equal(opened(png(image)), image)


def test_gray_with_opacity_is_that():
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 2), np.uint8)
    np.testing.assert_array_equal(opened(png(image)), image[..., [0, 0, 0, 1]])


def test_a_part_of_an_image_is_no_more_than_that():
    image = np.random.default_rng(2).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(opened(png(image[3:9, 5:21])), image[3:9, 5:21])


def test_chunks_have_their_sums():
    file, at = png(np.zeros((5, 7), np.uint8)), 8
    while at < len(file):
        (size,) = struct.unpack(">I", file[at : at + 4])
        assert struct.unpack(">I", file[at + 8 + size : at + 12 + size]) == (zlib.crc32(file[at + 4 : at + 8 + size]),)
        at += 12 + size


@pytest.mark.parametrize(
    "image", [np.zeros((3, 4), np.uint16), np.zeros((3, 4, 5), np.uint8), np.zeros(3, np.uint8), np.zeros((0, 4), np.uint8)]
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ReportError, match=r"encoding a picture of shape \(.*\) and type uint\d+ as PNG; expected uint8"):
        png(image)


@given(st.lists(arrays(np.uint8, st.tuples(SIDE, SIDE)), max_size=3))
def test_parts_are_one_stream(parts):
    assert zlib.decompress(deflated(*parts)) == b"".join(part.tobytes() for part in parts)


def test_noise_is_stored_and_what_is_not_becomes_smaller():
    noise = np.random.default_rng(3).integers(0, 256, (400, 500), np.uint8)
    packed = deflated(noise, np.zeros_like(noise), noise % 16)
    assert zlib.decompress(packed) == b"".join(part.tobytes() for part in (noise, np.zeros_like(noise), noise % 16))
    assert 1.5 * noise.size < len(packed) < 1.55 * noise.size


def test_parts_may_have_gaps_or_lie_by_columns():
    part = np.arange(81, dtype=np.uint8).reshape(9, 9)
    assert zlib.decompress(deflated(part[:, ::2], part.T)) == part[:, ::2].tobytes() + part.T.tobytes()


def test_what_is_even_is_small():
    assert len(png(np.full((1000, 1000, 3), 90, np.uint8))) < 20_000
    assert len(deflated(np.zeros(10**6, np.uint8))) < 5_000
