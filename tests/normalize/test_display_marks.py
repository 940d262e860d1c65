"""What in a display picture is no measurement: margins, boxes and text; and what looks like it and is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xrayscan.normalize.display import from_display
from xrayscan.normalize.display_marks import burnt_in, scanned_part
from xrayscan.scan import Box


@pytest.fixture
def picture():
    """A container with a load and posts, blurred as a detector does, with noise."""
    image = np.full((400, 900), 250.0)
    image[80:340, 90:820] = 205.0
    image[78:84, 90:820] = image[334:340, 90:820] = 90.0
    image[78:340, 90:96] = image[78:340, 814:820] = 30.0
    image[180:334, 200:600] = 110.0
    image[180:334, 260:264] = image[180:334, 400:404] = 160.0
    image += np.random.default_rng(4).normal(0, 1.0, image.shape)
    return np.rint(cv2.GaussianBlur(image, (0, 0), 1.0).clip(0, 253)).astype(np.uint8)


def jpeg(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize("quality", [0, 75, 90])
@pytest.mark.parametrize("ink", [0, 255])
def test_a_box_in_black_or_white_is_found(picture, ink, quality):
    truth = np.zeros(picture.shape, np.uint8)
    for canvas, value in ((picture, ink), (truth, 255)):
        cv2.rectangle(canvas, (300, 200), (420, 290), value, 2)
    marks = burnt_in(jpeg(picture, quality) if quality else picture)
    assert marks[truth > 0].mean() > 0.95
    assert not marks[cv2.dilate(truth, np.ones((7, 7), np.uint8)) == 0].any()


def test_text_is_found(picture):
    truth = np.zeros(picture.shape, np.uint8)
    for canvas, value in ((picture, 0), (truth, 255)):
        cv2.putText(canvas, "LANE 4 718293", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.9, value, 2)
    marks = burnt_in(picture)
    assert marks[truth > 0].mean() > 0.7
    assert not marks[cv2.dilate(truth, np.ones((7, 7), np.uint8)) == 0].any()


def test_a_container_has_no_marks(picture):
    for image in (picture, 255 - picture, jpeg(picture, 60)):
        assert burnt_in(image) is None
    picture[150] = 0
    picture[:, 333] = 255
    assert burnt_in(picture) is None, "a dead row and a lost pulse are faults, no marks"


@pytest.mark.parametrize(
    ("page", "edges"), [(0, (20, 30, 12, 16)), (255, (20, 30, 12, 16)), (0, (0, 30, 0, 16)), (0, (20, 0, 0, 0))]
)
def test_a_margin_around_the_picture_is_not_valid(picture, page, edges):
    top, left, bottom, right = edges
    whole = cv2.copyMakeBorder(np.minimum(picture, 240), top, bottom, left, right, cv2.BORDER_CONSTANT, value=page)
    beam = from_display(whole[None])
    valid = np.zeros(whole.shape, bool)
    valid[top : top + 400, left : left + 900] = True
    np.testing.assert_array_equal(beam.valid, valid)
    step = next(step for step in beam.steps if step.name == "margins")
    assert dict(step.parameters) == {"left": left, "right": right, "top": top, "bottom": bottom}


def test_padding_survives_jpeg(picture):
    whole = jpeg(cv2.copyMakeBorder(picture, 0, 0, 40, 56, cv2.BORDER_CONSTANT, value=0), 80)
    box = scanned_part(whole)
    assert (box.left, box.right) == pytest.approx((40, 940), abs=4)
    assert (box.top, box.bottom) == (0, 400)


def test_clipped_air_is_no_margin(picture):
    clipped = np.where(picture > 240, 255, picture).astype(np.uint8)
    for image in (clipped, 255 - clipped):
        beam = from_display(image[None])
        assert beam.valid.all()


def test_a_slow_loss_of_gain_is_no_margin(picture):
    loss = np.clip(1.0 - 0.003 * np.maximum(np.arange(900) - 700, 0), 0, 1)
    assert scanned_part((picture * loss).astype(np.uint8)) == Box(0, 0, 400, 900)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (9, 2), (64, 64), (700, 3)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_plain_pictures_of_any_size_are_whole(shape, value):
    plain = np.full(shape, value, np.uint8)
    assert scanned_part(plain) == Box(0, 0, *shape)
    assert burnt_in(plain) is None
    assert from_display(plain[None]).valid.all()
