"""Detector faults: every one found, none invented."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_scene, make_counts

from xrayscan.normalize import normalize
from xrayscan.scan import Scan

DEAD = [25, 90, 91, 200]


def bad_rows(radiograph) -> list[int]:
    return np.flatnonzero(~radiograph.valid.any(axis=1)).tolist()


@pytest.fixture(params=[0, 1, 2, 3])
def made(request):
    return make_counts(draw_scene(load=0.5 + request.param).depth, request.param)


@pytest.mark.parametrize("calibrated", [True, False])
def test_no_fault_is_invented(made, calibrated):
    lines = {"air": made.air, "dark": made.dark} if calibrated else {}
    assert normalize(Scan.from_array(made.counts, **lines)).valid.all()


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("level", ["dark", 65535, 20_000])
def test_dead_and_stuck_channels_are_found_exactly(made, level, calibrated):
    counts = made.counts.astype(np.float32)
    noise = np.random.default_rng(5).normal(0, 1, (len(DEAD), counts.shape[1]))
    counts[DEAD] = (made.dark[DEAD, None] if level == "dark" else level) + noise
    counts = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    lines = {"air": made.air, "dark": made.dark} if calibrated else {}
    assert bad_rows(normalize(Scan.from_array(counts, **lines))) == DEAD


def test_noisy_channels_are_found(made):
    counts = made.counts.copy()
    counts[[60, 150]] = np.random.default_rng(6).integers(500, 50_000, (2, counts.shape[1]))
    assert bad_rows(normalize(Scan.from_array(counts, air=made.air, dark=made.dark))) == [60, 150]


def test_a_channel_off_in_air_is_found(made):
    counts = made.counts.copy()
    counts[120] = counts[120] // 2
    assert bad_rows(normalize(Scan.from_array(counts, air=made.air, dark=made.dark))) == [120]


def test_channels_filled_in_by_the_vendor_are_found(made):
    transmission = np.clip((made.counts - made.dark[:, None]) / (made.air - made.dark)[:, None], 0, 1)
    rows = [80, 160]
    transmission[rows] = 0.5 * (transmission[[79, 159]] + transmission[[81, 161]])
    codes = (np.rint(transmission * 65535).astype(np.uint16) >> 4) << 4
    assert bad_rows(normalize(Scan.from_array(codes, quantity="transmission"))) == rows


def test_a_picture_made_larger_is_not_all_faulty(made):
    larger = np.repeat(made.counts, 2, axis=0).astype(np.float32)
    larger[1:-1:2] = 0.5 * (larger[:-2:2] + larger[2::2])
    radiograph = normalize(Scan.from_array(larger, air=np.repeat(made.air, 2), dark=np.repeat(made.dark, 2)))
    assert (~radiograph.valid.any(axis=1)).mean() < 0.02


def test_bad_pixels_of_the_calibration(made):
    marked = np.zeros(300, bool)
    marked[[7, 8]] = True
    radiograph = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark, bad_pixels=marked))
    assert bad_rows(radiograph) == [7, 8]
    spots = np.zeros(made.counts.shape, bool)
    spots[100:103, 200] = True
    radiograph = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark, bad_pixels=spots))
    np.testing.assert_array_equal(~radiograph.valid, spots)


def test_saturated_pixels_are_not_valid(made):
    counts = made.counts.copy()
    counts[50:54, 100:110] = 65_000
    radiograph = normalize(Scan.from_array(counts, air=made.air, dark=made.dark, saturation=64_000))
    assert (~radiograph.valid).sum() == 40
    assert not radiograph.valid[50:54, 100:110].any()
    assert any("40 pixels at or above 64000 counts" in step.note for step in radiograph.history)


def test_many_faults_are_a_warning(made):
    marked = np.arange(300) % 10 == 0
    radiograph = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark, bad_pixels=marked))
    assert any("10.0% of all rows are not valid" in text for text in radiograph.warnings)


@pytest.mark.parametrize("quantity", ["transmission", "display"])
def test_padding_is_not_an_opaque_load(quantity):
    picture = np.exp(-draw_scene().depth)
    picture[:, :30] = 0.0
    picture[:, -50:] = 0.0
    radiograph = normalize(Scan.from_array(np.rint(picture * 255).astype(np.uint8), quantity=quantity))
    assert not radiograph.valid[:, :30].any()
    assert not radiograph.valid[:, -50:].any()
    assert radiograph.valid[:, 30:-50].all()
    assert any("30 columns at the left and 50 at the right" in step.note for step in radiograph.history)


@pytest.mark.parametrize(("depth", "opaque"), [(4.8, False), (30.0, True)])
def test_a_dense_load_at_the_pictures_edge_is_no_padding(depth, opaque):
    rng = np.random.default_rng(1)
    scene = np.full((200, 300), 2.0)
    scene[:, :60] = depth
    counts = np.rint(rng.poisson(60_000 * np.exp(-scene)) + rng.normal(100, 5, scene.shape)).clip(0, 65535).astype(np.uint16)
    radiograph = normalize(Scan.from_array(counts, air=np.full(200, 60_100.0), dark=np.full(200, 100.0), pixel_pitch=0.01))
    assert radiograph.valid[:, :60].mean() > 0.98
    assert bool(radiograph.opaque[:, :60].mean() > 0.98) is opaque
    assert bool(radiograph.inspected < 0.85) is opaque


def test_lost_columns_hide_no_full_converter():
    rng = np.random.default_rng(1)
    counts = np.minimum(rng.poisson(65_600 * np.exp(-draw_scene().depth)), 65_535).astype(float)
    lost = counts.copy()
    lost[:, 100] = np.nan
    whole, marked = (normalize(Scan.from_array(one, quantity="counts")) for one in (counts.astype(np.uint16), lost))
    assert any("the converter was full" in step.note for step in marked.history)
    others = np.arange(counts.shape[1]) != 100
    assert (whole.valid == marked.valid)[:, others].mean() > 0.999
