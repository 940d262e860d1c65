"""What is kept of a picture whatever its curve: the order of densities; and which way round it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn import draw_scene
from hypothesis import given, settings
from hypothesis import strategies as st

from xrayscan.normalize.display import find_inversion, from_display
from xrayscan.simulate.delivery import CURVES, DeliveryPlan, gray_curve


@pytest.fixture(scope="module")
def through():
    return np.exp(-draw_scene(load=1.5).depth).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 90),
    columns=st.integers(1, 120),
    dtype=st.sampled_from(["u1", "u2", "f4"]),
)
def test_a_brighter_pixel_never_has_the_lower_transmission(seed, rows, columns, dtype):
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (rows, columns))
    picture[: rows // 3] = rng.integers(0, 256)
    picture = picture.astype(dtype) * (257 if dtype == "u2" else 1)
    beam = from_display(picture[None].astype(dtype))
    sign = -1.0 if beam.steps[0].parameters["inverted"] else 1.0
    order = np.argsort(picture, axis=None, kind="stable")
    assert np.isfinite(beam.transmission).all()
    assert (np.diff(sign * beam.transmission[0].ravel()[order]) >= 0).all()


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("inverted", [False, True])
def test_every_curve_keeps_the_order_of_what_is_not_clipped(through, curve, inverted):
    strength = {"gamma": 0.5, "log": 2.5, "s-shaped": 5.0, "stretched": 0.5}.get(curve, 1.0)
    plan = DeliveryPlan("display", curve=curve, strength=strength, black=0.002, white=0.95)
    tone = np.rint(gray_curve(plan, through) * 255).astype(np.uint8)
    beam = from_display((255 - tone if inverted else tone)[None])
    told = beam.steps[0].parameters
    assert told["inverted"] == inverted
    shown = (tone > 0) & (tone < 255)
    order = np.argsort(through[shown], kind="stable")
    assert (np.diff(beam.transmission[0][shown][order]) >= 0).all()
    assert told["air"] == pytest.approx(255, abs=1)


def test_what_was_found_is_said(through):
    noise = np.random.default_rng(0).normal(0, 0.02, through.shape)
    tone = np.rint((through / 0.9 + noise).clip(0, 1) * 255).astype(np.uint8)
    stretched = np.rint((tone // 4) * (255 / 63)).astype(np.uint8)
    cv2.rectangle(stretched, (150, 120), (260, 200), 0, 2)
    beam = from_display((255 - stretched)[None])
    caution = beam.steps[-1].note
    assert beam.steps[-1].is_warning
    for word in ("unknown gray curve", "inversion", "air clipped at white", "stretched contrast", "burnt-in marks"):
        assert word in caution
    assert any("gray levels between others never occur" in step.note for step in beam.steps)


def test_padding_does_not_turn_a_picture_round(through):
    tone = np.rint(through * 250).astype(np.uint8)
    rng = np.random.default_rng(0)
    padded = cv2.copyMakeBorder(tone, 0, 0, 120, 90, cv2.BORDER_CONSTANT, value=0)
    padded[:, :120] = rng.integers(0, 5, (tone.shape[0], 120))
    padded[::60] = np.maximum(padded[::60], 200)
    assert not find_inversion(padded).inverted
    assert find_inversion(255 - padded).inverted


def test_real_pictures_are_the_right_way_round(shared):
    for path in sorted((shared / "real_scans" / "images").glob("*.jpg"))[::4]:
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        for picture, inverted in ((gray, False), (255 - gray, True)):
            beam = from_display(picture[None])
            assert beam.steps[0].parameters["inverted"] == inverted, path.name
            assert not any(step.name == "marks" for step in beam.steps), path.name
