"""Pixel pitch and stretch: stated, measured on an ISO container, or guessed, and said so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_rails import SIZES, draw

from xrayscan.normalize.pitch import find_pitch
from xrayscan.normalize.rails import Rails, find_rails
from xrayscan.scan import Box

BOX = Box(100, 200, 700, 2638)
RAILS = Rails(
    100.0, 280.0, 700.0, 640.0, 200.0, 2638.4, length=12.192, height=2.591,
    magnification=1.6, magnification_error=0.02, middle_rows=518.2, middle_error=0.01, column_pitch=0.005,
)  # fmt: skip


@pytest.mark.parametrize(("length", "height"), SIZES)
@pytest.mark.parametrize("column", [0.004, 0.008])
def test_pitch_from_a_container_alone(length, height, column):
    drawn = draw(length, height, column=column)
    rails, _ = find_rails(drawn.depth, np.ones(drawn.depth.shape, bool), [drawn.box])
    pitch, stretch, step = find_pitch(None, [drawn.box], drawn.depth.shape, rails)
    assert pitch == pytest.approx(drawn.pitch, rel=0.01)
    assert stretch is None
    assert step.parameters["column_error"] < 0.02


def test_a_stated_pitch_is_used_and_checked():
    pitch, stretch, step = find_pitch((0.005, 0.005), [BOX], (850, 2800), RAILS)
    assert pitch == (0.005, 0.005)
    assert stretch == pytest.approx(1.0, abs=1e-3)
    assert not step.is_warning


@pytest.mark.parametrize("stated", [0.0045, 0.0056])
def test_stretch_says_how_far_a_stated_pitch_is_off(stated):
    pitch, stretch, step = find_pitch((0.005, stated), [BOX], (850, 2800), RAILS)
    assert pitch == (0.005, stated)
    assert stretch == pytest.approx(0.005 / stated, rel=1e-3)
    assert step.is_warning
    assert "may be wrong by that much" in step.note


@pytest.mark.parametrize("stated", [0.0025, 0.01])
def test_a_pitch_of_another_picture_is_not_used(stated):
    pitch, stretch, step = find_pitch((stated, stated), [BOX], (850, 2800), RAILS)
    assert pitch == pytest.approx((0.005, 0.005), rel=0.01)
    assert stretch is None
    assert "that is another picture's pitch, and the container's is used" in step.note


def test_a_row_pitch_that_contradicts_the_height_is_said():
    _, _, step = find_pitch((0.0062, 0.005), [BOX], (850, 2800), RAILS)
    assert step.is_warning
    assert "by its height a row 5.00 mm" in step.note


def test_nothing_to_check_it_with():
    pitch, stretch, step = find_pitch((0.004, 0.005), [], (850, 2800), None)
    assert (pitch, stretch) == ((0.004, 0.005), None)
    assert step.note == "stated pixel pitch 4.00 x 5.00 mm; no ISO container in view to check it"


def test_castings_alone_are_no_proof():
    bare = replace(RAILS, magnification=None, middle_rows=np.nan)
    assert find_pitch((0.005, 0.0035), [BOX], (850, 2800), bare)[1] is None
    assert find_pitch((0.005, 0.0049), [BOX], (850, 2800), bare)[1] == pytest.approx(1.0203, abs=1e-3)


def test_an_assumed_magnification_is_said():
    bare = replace(RAILS, magnification=None, middle_rows=np.nan)
    pitch, _, step = find_pitch(None, [BOX], (850, 2800), bare)
    assert pitch[1] == pytest.approx(0.005, rel=1e-3)
    assert step.is_warning
    assert "magnification 1.8 assumed" in step.note
    assert step.parameters["row_error"] > 0.2


def test_a_wide_interval_is_a_warning():
    unsure = replace(RAILS, middle_error=0.08)
    assert find_pitch(None, [BOX], (850, 2800), unsure)[2].is_warning
    assert not find_pitch(None, [BOX], (850, 2800), RAILS)[2].is_warning


def test_a_body_of_unknown_size_is_a_guess():
    bare = replace(RAILS, length=np.nan, column_pitch=np.nan, magnification=None, middle_rows=np.nan)
    _, stretch, step = find_pitch(None, [BOX], (850, 2800), bare)
    assert stretch is None
    assert step.note.startswith("warning: pixel pitch guessed, as if this were a truck's body 13.62 m long")
    assert step.parameters["column_error"] > 0.3


def test_no_container_falls_back_to_a_stated_guess():
    pitch, _, step = find_pitch(None, [], (850, 2570), None)
    assert pitch == pytest.approx((0.005, 0.005))
    assert "estimated without a container: 5.0 mm" in step.note
