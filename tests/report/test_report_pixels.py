"""The numbers of a report's page: 16 bits there and back, and what a browser can not draw."""

from __future__ import annotations

import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from yard import FakeModel, Yard

from xrayscan.explain import explain
from xrayscan.report import pixels
from xrayscan.report.pixels import FIRST, PER_UNIT, UNMEASURED, Pixels, decoded, encoded
from xrayscan.scan import Box, Radiograph

MOST = (UNMEASURED - 1) / PER_UNIT + FIRST
DEPTHS = st.floats(-3, 40, width=32) | st.just(np.float32("nan"))


@given(arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 17)), elements=DEPTHS))
def test_they_come_back_within_half_a_step(depth):
    back = decoded(encoded(depth), depth.shape)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(depth))
    np.testing.assert_allclose(back, depth.clip(FIRST, MOST), atol=0.51 / PER_UNIT, rtol=1e-6)


def test_a_whole_report_is_encoded():
    yard = Yard(opaque=Box(20, 300, 60, 340))
    told = explain(FakeModel(yard.anomaly), yard.radiograph, (yard.finding,), anomaly=yard.anomaly)
    made = Pixels.of(yard.radiograph, told)
    assert (made.rows, made.columns, made.share) == (200, 400, 1.0)
    np.testing.assert_allclose(decoded(made.codes, (200, 400)), 3.0, atol=1e-3)
    opaque = np.frombuffer(zlib.decompress(made.opaque), np.uint8).reshape(50, 100)
    assert opaque.sum() == 10 * 10
    assert opaque[5:15, 75:85].all()
    assert made.numbers == b""  # one energy
    assert made.areal[0] == 0.0
    assert list(made.areal) == sorted(made.areal)
    (patch,) = made.patches
    assert patch.box == yard.finding.box.grown(5, yard.shape)


@pytest.mark.parametrize(("longest", "most"), [(100, 8_000_000), (16384, 5000)])
def test_a_scan_too_large_for_a_browser_is_shown_smaller(monkeypatch, longest, most):
    monkeypatch.setattr(pixels, "LONGEST", longest)
    monkeypatch.setattr(pixels, "MOST", most)
    yard = Yard()
    told = explain(FakeModel(yard.anomaly), yard.radiograph, (yard.finding,), anomaly=yard.anomaly)
    made = Pixels.of(yard.radiograph, told)
    assert made.rows * made.columns <= most
    assert max(made.rows, made.columns) <= longest
    assert made.rows / made.columns == pytest.approx(0.5, rel=0.02)
    (patch,) = made.patches
    assert decoded(patch.codes, (patch.box.height, patch.box.width)).shape == (patch.box.height, patch.box.width)


def test_kinds_of_material_need_two_energies_and_their_end_points():
    shape = (40, 80)
    depth = np.stack([np.full(shape, 2.0), np.full(shape, 2.4)]).astype(np.float32)
    ones = np.ones(shape, bool)
    told = Radiograph(depth, ones, ~ones, (0.01, 0.01), energies=("high", "low"), endpoints=(6.0, 4.0))
    untold = Radiograph(depth, ones, ~ones, (0.01, 0.01), energies=("high", "low"))
    assert len(np.frombuffer(zlib.decompress(Pixels.of(told, ()).numbers), np.uint8)) == 10 * 20
    assert Pixels.of(untold, ()).numbers == b""


def as_the_page_reads(made):
    """Which of the page's pixels its script calls not penetrated."""
    coarse = np.frombuffer(zlib.decompress(made.opaque), np.uint8)
    across = -(-made.columns // pixels.COARSE)
    rows, columns = np.mgrid[: made.rows, : made.columns] // pixels.COARSE
    return coarse[rows * across + columns] > 0


@pytest.mark.parametrize(
    ("shape", "longest"), [((85, 257), 16384), ((203, 301), 16384), ((16, 2000), 1600), ((41, 399), 130), ((1, 7), 16384)]
)
def test_no_opaque_pixel_is_told_as_penetrated_whatever_the_scans_size(monkeypatch, shape, longest):
    monkeypatch.setattr(pixels, "LONGEST", longest)
    rng = np.random.default_rng(3)
    opaque = np.zeros(shape, bool)
    opaque[rng.integers(0, shape[0], 30), rng.integers(0, shape[1], 30)] = True
    opaque[:, shape[1] - 2] = True
    made = Pixels.of(Radiograph(np.full((1, *shape), 3, np.float32), np.ones(shape, bool), opaque, (0.01, 0.01)), ())
    read = as_the_page_reads(made)
    shown = [(np.arange(size) + 0.5) * to / size for size, to in zip(shape, (made.rows, made.columns), strict=True)]
    rows, columns = np.ix_(*(middle.astype(int) for middle in shown))
    assert read[rows, columns][opaque].all()
    far = cv2.dilate(opaque.astype(np.uint8), np.ones((2 * pixels.COARSE * shape[0] // made.rows + 3,) * 2, np.uint8)) == 0
    assert not read[rows, columns][far].any()
