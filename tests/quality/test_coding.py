"""Codes, clipping and JPEG."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xrayscan.quality.coding import coding_of, jpeg_blocks


def texture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (256, 320)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3) * 200 + cv2.GaussianBlur(noise, (0, 0), 20) * 800
    return np.clip(smooth + 120, 0, 255).astype(np.uint8)


def test_twelve_bits_within_sixteen():
    coding = coding_of((np.arange(64 * 64, dtype=np.uint16) * 16).reshape(64, 64))
    assert (coding.codes, coding.step, coding.bits) == (4096, 16.0, 12.0)
    assert not coding.clips_low
    assert not coding.clips_high


def test_clipping_is_a_pile_at_the_end():
    image = np.clip(np.random.default_rng(0).normal(50_000, 10_000, (200, 200)), 0, 60_000).astype(np.uint16)
    coding = coding_of(image)
    assert coding.clips_high
    assert not coding.clips_low
    assert coding.at_highest == pytest.approx(0.159, abs=0.01)
    assert coding_of(image, full=65_535.0).at_highest == 0.0
    assert coding_of(image, full=60_000.0).at_highest == coding.at_highest


def test_floats_have_no_codes():
    coding = coding_of(np.random.default_rng(0).random((50, 50)))
    assert coding.codes is None
    assert coding.bits is None
    assert coding.step == 0.0
    assert coding_of(np.full((4, 4), np.nan)).highest == 0.0


@pytest.mark.parametrize("quality", [40, 60, 75])
def test_jpeg_is_seen(quality):
    plain = texture()
    _, encoded = cv2.imencode(".jpg", plain, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert jpeg_blocks(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE))


@pytest.mark.parametrize("seed", range(6))
def test_what_was_no_jpeg_is_not_called_one(seed):
    assert not jpeg_blocks(texture(seed))
    assert not jpeg_blocks(texture(seed).astype(np.uint16))
    assert not jpeg_blocks(np.zeros((200, 200), np.uint8))
    assert not jpeg_blocks(texture(seed)[:40, :40])


def test_there_is_no_minus_zero():
    coding = coding_of(np.array([[-0.0, 1.0, 5.0, 2.0]] * 4))
    assert f"{coding.lowest:g} to {coding.highest:g}" == "0 to 5"
