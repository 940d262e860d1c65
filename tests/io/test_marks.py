"""Marks in color: all of them, and nothing where there are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xrayscan.io.color import to_gray
from xrayscan.io.marks import colored_marks


@pytest.fixture
def picture():
    gray = np.full((300, 500), 252, np.uint8)
    gray[80:260, 60:440] = np.linspace(40, 200, 380).astype(np.uint8)
    gray[:, 100:104] = 20
    return np.repeat(
        np.clip(gray + np.random.default_rng(1).normal(0, 2, gray.shape), 0, 255).astype(np.uint8)[..., None], 3, 2
    )


def compressed(picture, quality):
    code = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("quality", [0, 60, 90])
@pytest.mark.parametrize("color", [(255, 0, 0), (255, 255, 0), (0, 255, 0)])
def test_a_box_in_color_is_covered(picture, color, quality):
    truth = np.zeros(picture.shape[:2], np.uint8)
    for canvas, ink in ((picture, color), (truth, 255)):
        cv2.rectangle(canvas, (150, 120), (300, 220), ink, 2)
        cv2.putText(canvas, "17", (150, 112), cv2.FONT_HERSHEY_SIMPLEX, 0.6, ink, 1)
    plane = to_gray(compressed(picture, quality) if quality else picture)
    assert plane.covered[truth > 0].mean() > 0.95
    near = cv2.dilate(truth, np.ones((35, 35), np.uint8)) > 0  # a block of chroma at half resolution
    assert not plane.covered[~near].any()
    assert plane.steps[0].is_warning
    assert "gray with marks in color" in plane.steps[0].note
    assert plane.steps[0].parameters["covered"] == plane.covered.sum()


@pytest.mark.parametrize("quality", [0, 60, 90])
def test_gray_stored_in_color_has_none(picture, quality):
    plane = to_gray(compressed(picture, quality) if quality else picture)
    assert plane.covered is None
    assert plane.steps == ()


def test_single_pixels_off_are_no_marks():
    distance = np.zeros((60, 60), np.uint8)
    distance[::9, ::9] = 255
    assert not colored_marks(distance).any()
