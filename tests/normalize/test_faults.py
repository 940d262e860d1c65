"""Faults in every place and delivery: rows, modules, edges, the middle of a scan, columns and single pixels."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_scene, make_counts

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.calibrate import from_counts, from_transmission
from xrayscan.normalize.faults import dying_channels, faulty_channels, mask_faults
from xrayscan.normalize.pixels import filled_in
from xrayscan.scan import Calibration

ROWS, COLUMNS = 300, 700
GROUPS = {
    "one": [130],
    "two": [130, 131],
    "three": [130, 131, 132],
    "module": list(range(128, 160)),
    "top": [0],
    "top three": [0, 1, 2],
    "bottom": [299],
    "bottom two": [298, 299],
    "top module": list(range(32)),
}


@pytest.fixture(scope="module")
def made():
    return make_counts(draw_scene(ROWS, COLUMNS, load=1.5).depth, 3)


def masked(counts: np.ndarray, air=None, dark=None, quantity: str = "counts", **known) -> Beam:
    lines = {name: None if line is None else line[None] for name, line in (("air", air), ("dark", dark))}
    calibration = Calibration(**lines, **known)
    beam = from_counts(counts[None], calibration) if quantity == "counts" else from_transmission(counts[None])
    return mask_faults(beam, counts[None], calibration, quantity)


def bad_rows(beam: Beam) -> list[int]:
    return np.flatnonzero(~beam.valid.any(axis=1)).tolist()


def note_of(beam: Beam, name: str) -> str:
    return next(step.note for step in beam.steps if step.name == name)


def filled(transmission: np.ndarray, rows: list[int]) -> np.ndarray:
    good = np.setdiff1d(np.arange(len(transmission)), rows)
    out = transmission.copy()
    for row in rows:
        after = int(np.searchsorted(good, row))
        above, below = good[max(0, after - 1)], good[min(after, good.size - 1)]
        share = (row - above) / (below - above) if 0 < after < good.size else 0.0
        out[row] = (1 - share) * transmission[above] + share * transmission[below]
    return out


@pytest.mark.parametrize("rows", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.parametrize("level", ["dark", "stuck"])
@pytest.mark.parametrize("calibrated", [True, False])
def test_dead_rows_anywhere(made, rows, level, calibrated):
    counts = made.counts.copy()
    noise = np.random.default_rng(2).normal(0.0, 2.0, (len(rows), COLUMNS))
    counts[rows] = np.rint(made.dark[rows, None] + noise) if level == "dark" else 17_000
    lines = {"air": made.air, "dark": made.dark} if calibrated else {}
    assert bad_rows(masked(counts, **lines)) == rows


@pytest.mark.parametrize("rows", [GROUPS[k] for k in ("one", "two", "three", "top")])
@pytest.mark.parametrize("part", ["load", "air"])
def test_dead_rows_where_only_load_or_only_air_is_seen(made, rows, part):
    columns = np.s_[140:600] if part == "load" else np.s_[:100]
    counts = made.counts[:, columns].copy()
    counts[rows] = np.rint(made.dark[rows, None] + np.random.default_rng(2).normal(0, 2, (len(rows), counts.shape[1])))
    assert bad_rows(masked(counts, made.air, made.dark)) == rows


@pytest.mark.parametrize("row", [0, 20, 63])
def test_dead_rows_of_small_pictures(row):
    made = make_counts(draw_scene(64, 150).depth, 1)
    counts = made.counts.copy()
    counts[row] = np.rint(made.dark[row])
    assert bad_rows(masked(counts, made.air, made.dark)) == [row]


@pytest.mark.parametrize("rows", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.parametrize("steps", [65535, 4095])
def test_rows_filled_in_from_their_neighbors(made, rows, steps):
    through = filled((made.counts - made.dark[:, None]) / (made.air - made.dark)[:, None], rows)
    codes = np.rint(through * steps).clip(0, steps).astype(np.uint32) * (65536 // (steps + 1))
    assert bad_rows(masked(codes.astype(np.uint16), quantity="transmission")) == rows


def test_an_l_arrays_corner_that_sees_less_is_not_dead(made):
    gain = np.ones(ROWS)
    gain[140:144] = (0.5, 0.4, 0.7, 0.9)
    air = made.dark + gain * (made.air - made.dark)
    counts = np.rint(made.dark[:, None] + gain[:, None] * (made.counts - made.dark[:, None])).astype(np.uint16)
    assert bad_rows(masked(counts, air.astype(np.float32), made.dark)) == []


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("late", [False, True])
def test_a_channel_that_dies_is_masked_from_there_on(made, share, late):
    first = int(share * COLUMNS)
    counts = made.counts.copy()
    counts[150, slice(0, first) if late else slice(first, None)] = 420
    beam = masked(counts, made.air, made.dark)
    dead = np.flatnonzero(~beam.valid[150])
    expected = (0, first - 1) if late else (first, COLUMNS - 1)
    assert (dead[0], dead[-1]) == pytest.approx(expected, abs=2)
    assert beam.valid[np.arange(ROWS) != 150].all()
    assert "1 dead in part of the scan" in note_of(beam, "faults")


def test_a_channel_between_two_gains_is_found(made):
    counts = made.counts.astype(np.float64)
    gains = np.where((np.arange(COLUMNS) // 90) % 2, 1.1, 1.0)
    counts[200] = made.dark[200] + (counts[200] - made.dark[200]) * gains
    assert bad_rows(masked(np.rint(counts).astype(np.uint16), made.air, made.dark)) == [200]


def test_lost_and_copied_columns(made):
    counts = made.counts.copy()
    counts[:, [50, 300, 301]] = np.rint(made.dark[:, None])
    counts[:, 500] = counts[:, 499]
    beam = masked(counts, made.air, made.dark)
    assert np.flatnonzero(~beam.valid.any(axis=0)).tolist() == [50, 300, 301, 500]
    assert note_of(beam, "lost columns").startswith("3 columns hold nothing and 1 are copied")


@pytest.mark.parametrize("lost", ["not a number", "zero", "dark"])
def test_a_band_that_was_not_measured_is_told(made, lost):
    """The beam was off for a hundred columns amid the load: that is no opaque load, and nothing is known of what passed."""
    counts = made.counts.astype(np.float32 if lost == "not a number" else np.uint16)
    counts[:, 300:400] = {"not a number": np.nan, "zero": 0, "dark": np.rint(made.dark[:, None])}[lost]
    beam = masked(counts, made.air, made.dark)
    assert np.flatnonzero(~beam.valid.any(axis=0)).tolist() == list(range(300, 400))
    assert note_of(beam, "bands") == (
        "warning: a band of 100 columns within the picture held no measurement from top to bottom: "
        "what passed there was not seen"
    )


def test_an_opaque_load_from_top_to_bottom_is_no_band(made):
    """It has the noise of a closed beam: nothing comes through, and that was measured."""
    rng, counts = np.random.default_rng(8), made.counts.copy()
    closed = made.dark[:, None] + rng.normal(0.0, 3.0, (ROWS, 100))
    counts[:, 300:400] = np.rint(closed.clip(0)).astype(counts.dtype)
    beam = masked(counts, made.air, made.dark)
    assert beam.valid[:, 300:400].mean() > 0.9
    assert not [step for step in beam.steps if step.name == "bands"]


def test_several_bands_are_counted_and_a_few_lost_pulses_are_none(made):
    counts = made.counts.astype(np.float32)
    counts[:, 200:230], counts[:, 300:310], counts[:, 400:407] = np.nan, np.nan, np.nan
    assert note_of(masked(counts, made.air, made.dark), "bands").startswith("warning: 2 bands of 40 columns in all within the")
    counts = made.counts.astype(np.float32)
    counts[:, :40], counts[:, 400:407] = np.nan, np.nan
    assert not [step for step in masked(counts, made.air, made.dark).steps if step.name == "bands"]


def test_single_pixels_that_shout_or_fail(made):
    counts = made.counts.copy()
    counts[[20, 250], [30, 60]] = (65000, 400)
    beam = masked(counts, made.air, made.dark)
    assert np.argwhere(~beam.valid).tolist() == [[20, 30], [250, 60]]
    assert "2 single pixels" in note_of(beam, "hot pixels")


def test_a_full_converter_is_found_where_its_numbers_pile_up(made):
    bright = made.counts.astype(np.float64) * (65535 / 49_800)
    counts = np.clip(np.rint(bright), 0, 65535).astype(np.uint16)
    beam = masked(counts, np.minimum(made.air * (65535 / 49_800), 65535).astype(np.float32), made.dark)
    full = counts == 65535
    assert full.sum() > 1000
    assert not beam.valid[full].any()
    assert "pile up" in note_of(beam, "saturation")


def test_plateaus_of_a_picture_without_noise_are_no_full_converter():
    counts = np.full((200, 600), 60_000, np.uint16)
    counts[40:160, 100:500] = 22_073
    beam = masked(counts, np.full(200, 60_000, np.float32), np.zeros(200, np.float32))
    assert beam.valid.all()


def test_a_picture_made_larger_says_nothing_of_fillings():
    lines = np.random.default_rng(1).normal(0.5, 0.1, (200, 300)).astype(np.float32)
    lines[1:-1:2] = 0.5 * (lines[:-2:2] + lines[2::2])
    assert not filled_in(lines, np.zeros(200)).any()


@pytest.mark.parametrize("shape", [(8, 600), (200, 8), (1, 1), (16, 16)])
def test_pictures_too_small_to_tell(shape):
    image = np.ones(shape, np.float32)
    rows = np.ones(shape[0], bool)
    assert not any(found.any() for found in faulty_channels(image, np.zeros(shape[0]), rows).values())
    assert dying_channels(image, np.zeros(shape[0]), rows) == {}


def coarse_scene(seed: int) -> np.ndarray:
    """Optical depth with air above and below, sheeting with narrow ribs, thin bars and one that lies askew."""
    rng = np.random.default_rng(seed)
    depth = np.zeros((220, 640), np.float32)
    depth[40:180, 60:580] += 0.3 + 0.15 * (np.arange(520) % 3 == 0)
    depth[40, 60:580] += 0.4
    depth[178, 60:580] += 0.8 * (rng.random(520) < 0.5)
    depth[181:186, 100:540] += 2.0 * np.repeat(rng.random(110) < 0.6, 4)
    depth[186:190, 90:560] += 7.0
    for column in range(200, 560):
        depth[int(120 + 0.01 * column), column] += 4.0
    return depth


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("delivery", ["counts", "counts alone", 65535, 4095])
def test_good_rows_of_a_coarse_picture_stay(seed, delivery):
    made = make_counts(coarse_scene(seed), seed)
    lines = {"air": made.air, "dark": made.dark} if delivery == "counts" else {}
    beam = masked(made.counts, **lines)
    if isinstance(delivery, int):
        through = (made.counts - made.dark[:, None]) / (made.air - made.dark)[:, None]
        codes = np.rint(through * delivery).clip(0, delivery) * (65536 // (delivery + 1))
        beam = masked(codes.astype(np.uint16), quantity="transmission")
    assert bad_rows(beam) == []
    assert (~beam.valid).mean(axis=1).max() < 0.02


@pytest.mark.parametrize("rows", [[2], [10, 11], [100], [188], [215], [219]])
@pytest.mark.parametrize("level", ["dark", "stuck"])
def test_dead_rows_of_a_coarse_picture(rows, level):
    made = make_counts(coarse_scene(7), 7)
    counts = made.counts.copy()
    noise = np.random.default_rng(2).normal(0.0, 2.0, (len(rows), counts.shape[1]))
    counts[rows] = np.rint(made.dark[rows, None] + noise) if level == "dark" else 17_000
    assert bad_rows(masked(counts, made.air, made.dark)) == rows


def test_air_above_the_load_has_the_noise_of_air():
    depth = np.zeros((120, 640), np.float32)
    depth[40:, 40:600] = 1.5
    beam = masked(make_counts(depth, 5).counts)
    assert bad_rows(beam) == []


def test_a_thin_bar_within_the_load_is_no_flickering_channel():
    depth = draw_scene(ROWS, COLUMNS).depth
    depth[60, 116:616] += 0.1
    made = make_counts(depth, 4)
    assert 60 not in bad_rows(masked(made.counts, made.air, made.dark))


def test_noise_of_the_electronics_is_there_in_air_too(made):
    counts = made.counts.astype(np.float64)
    counts[[77, 170]] += np.random.default_rng(3).normal(0.0, 1500.0, (2, COLUMNS))
    assert bad_rows(masked(np.rint(counts.clip(0, 65535)).astype(np.uint16), made.air, made.dark)) == [77, 170]


class TestSimulated:
    @pytest.mark.parametrize("seed", range(6))
    def test_every_dead_channel_and_no_other(self, seed):
        pytest.importorskip("torch", reason="the simulator needs it")
        from xrayscan.simulate.detector import measure
        from xrayscan.simulate.scanner import Detector, Scanner

        depth = np.repeat(draw_scene(320, 640, load=1.0 + seed).depth[None], 1 + seed % 2, axis=0)
        detector = Detector(full_scale=45_000.0, dead=0.02, hot=0.0, flicker=0.0, seam=0.1 * (seed % 3))
        scanner = Scanner(endpoints=(6.0, 4.0)[: 1 + seed % 2], detector=detector)
        measured = measure(np.random.default_rng(seed), scanner, depth, (0.01, 0.01))
        beam = from_counts(measured.counts, Calibration(air=measured.air, dark=measured.dark))
        found = bad_rows(mask_faults(beam, measured.counts, Calibration(air=measured.air, dark=measured.dark)))
        assert found == sorted(measured.channels.dead.tolist())
