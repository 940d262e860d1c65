import json
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest

import xrayscan as xs
from xrayscan.errors import RecipeError
from xrayscan.io.color import to_gray
from xrayscan.normalize import normalize
from xrayscan.simulate.delivery import CURVES, DELIVERIES, PALETTES, DeliveryPlan, Mark, deliver, draw_delivery, gray_curve
from xrayscan.simulate.detector import measure
from xrayscan.simulate.scanner import Detector, Geometry, Pulses, Scanner

PITCH = (0.005, 0.005)
SHAPE = (240, 400)
PLAIN = DeliveryPlan("display", curve="gamma", strength=0.7)


def depth(energies=1):
    """A box with a wedge and a round thing in it, air around."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    flat = np.zeros(SHAPE, np.float32)
    flat[50:220, 40:360] = 0.2
    flat[100:210, 60:200] += np.linspace(0.0, 5.0, 140, dtype=np.float32)
    flat += 1.2 * np.sqrt(np.clip(1 - ((rows - 150) / 40) ** 2 - ((columns - 280) / 30) ** 2, 0, None)).astype(np.float32)
    return np.stack([flat, 1.25 * flat])[:energies]


def measured(energies=1, **changes):
    detector = Detector(**{"dead": 0.0, "hot": 0.0, "flicker": 0.0, "gain_drift": 0.0, **changes})
    scanner = Scanner(
        (6.0, 4.0)[:energies], geometry=Geometry(detector_pitch=0.005, column_pitch=0.005), pulses=Pulses(), detector=detector
    )
    return measure(np.random.default_rng(5), scanner, depth(energies), PITCH)


@pytest.fixture(scope="module")
def single():
    return measured()


@pytest.fixture(scope="module")
def dual():
    return measured(2)


class TestPlans:
    @pytest.mark.parametrize("delivery", [None, *DELIVERIES])
    def test_a_plan_comes_back_from_its_record(self, delivery):
        rng = np.random.default_rng(1)
        for _ in range(40):
            plan = draw_delivery(rng, delivery)
            assert plan.delivery == (delivery or plan.delivery)
            assert DeliveryPlan.from_record(json.loads(json.dumps(asdict(plan)))) == plan

    def test_all_ways_are_drawn(self):
        rng = np.random.default_rng(2)
        plans = [draw_delivery(rng) for _ in range(2000)]
        assert {p.delivery for p in plans} == set(DELIVERIES)
        shown = [p for p in plans if p.delivery == "display"]
        assert {p.curve for p in shown} == set(CURVES)
        assert {p.palette for p in shown} == {"", *PALETTES}
        assert {p.inverted for p in shown} == {True, False}
        assert any(p.marks for p in shown)
        assert any(p.blank[0] for p in shown)
        qualities = {p.quality for p in shown} - {0}
        assert min(qualities) >= 60
        assert max(qualities) <= 95
        assert len(qualities) > 20
        assert {p.steps for p in plans} == {4095, 65535}

    def test_the_same_seed_draws_the_same_plan(self):
        first, again = (draw_delivery(np.random.default_rng(9), "display") for _ in range(2))
        assert first == again

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"delivery": "fax"}, "no delivery 'fax'; known are counts, transmission, display"),
            ({"curve": "wavy"}, "no curve 'wavy'; known are linear, gamma"),
            ({"palette": "sepia"}, "no palette 'sepia'; known are hot, jet"),
            ({"steps": 0}, "full scale has 0 steps; expected 1 to 65535"),
            ({"quality": 101}, "quality is 101; expected 1 to 100, or 0 for none"),
            ({"black": 0.98}, "black is T = 0.98 and white T = 0.97; expected 0 <= black < white"),
            ({"strength": 0.0}, "the curve's strength is 0; expected above 0"),
        ],
    )
    def test_nonsense_is_refused(self, wrong, words):
        with pytest.raises(RecipeError, match=words):
            DeliveryPlan(**{"delivery": "display", **wrong})

    def test_wrong_marks_and_keys_are_refused(self):
        with pytest.raises(RecipeError, match="no mark 'star'; known are box, filled, text"):
            Mark("star", (0.1, 0.1, 0.2, 0.2))
        with pytest.raises(RecipeError, match=r"a mark at \(0.5, 0.1, 0.2, 0.2\); expected \(top, left, bottom, right\)"):
            Mark("box", (0.5, 0.1, 0.2, 0.2))
        with pytest.raises(RecipeError, match="a delivery plan has no 'stamp'; it has air_level"):
            DeliveryPlan.from_record({"delivery": "counts", "stamp": 1})


class TestCounts:
    def test_they_are_what_the_machine_wrote(self, single):
        got = deliver(DeliveryPlan("counts"), single, PITCH)
        assert (got.scan.view.pixels == single.counts).all()
        assert got.scan.view.pixels.dtype == np.uint16
        assert (got.scan.calibration.air == single.air).all()
        assert (got.scan.calibration.dark == single.dark).all()
        assert got.scan.view.pixel_pitch == PITCH
        assert got.scan.calibration.bad_pixels is None
        assert (got.opaque == single.opaque).all()
        assert not got.covered.any()
        assert got.color is None
        assert got.encoded is None

    def test_a_machine_may_tell_its_faults(self):
        found = measured(2, dead=0.03, hot=0.03)
        scan = deliver(DeliveryPlan("counts", tells_faults=True, tells_saturation=True), found).scan
        told = np.flatnonzero(scan.calibration.bad_pixels.all(axis=0))
        assert told.tolist() == sorted({*found.channels.dead.tolist(), *found.channels.hot.tolist()})
        assert told.size > 4
        assert scan.calibration.saturation == 65535
        assert scan.view.pixel_pitch is None

    def test_normalize_finds_the_depth_again(self, single):
        got = deliver(DeliveryPlan("counts"), single, PITCH)
        seen = normalize(got.scan).optical_depth[0]
        clear = ~got.opaque & (depth()[0] < 3) & np.isfinite(seen)
        assert np.median(abs(seen - depth()[0])[clear]) < 0.05


class TestTransmission:
    def test_sixteen_bits_and_twelve(self, single):
        full, steps = (deliver(DeliveryPlan("transmission", steps=n), single).scan.view.pixels for n in (65535, 4095))
        assert full.dtype == steps.dtype == np.uint16
        assert (steps % 16 == 0).all()
        assert steps.max() == 65520
        assert len(np.unique(steps)) < 4096 < len(np.unique(full))
        assert abs(full.astype(int) - steps.astype(int)).max() <= 24
        assert np.median(full[0, :40]) / 65535 == pytest.approx(1.0, abs=0.01)

    def test_air_can_lie_lower(self, single):
        pixels = deliver(DeliveryPlan("transmission", air_level=0.95), single).scan.view.pixels
        assert np.median(pixels[0, :40]) / 65535 == pytest.approx(0.95, abs=0.01)

    def test_two_energies_stay_two(self, dual):
        assert deliver(DeliveryPlan("transmission"), dual).scan.view.energies == ("high", "low")

    def test_the_vendor_leaves_stripes(self, single):
        plain, striped = (
            deliver(DeliveryPlan("transmission", stripes=s, air_level=0.9), single).scan.view.pixels[0] / 65535.0
            for s in (0.0, 0.01)
        )
        ratio = striped[:, :30].mean(axis=1) / plain[:, :30].mean(axis=1)
        assert ratio.std() == pytest.approx(0.01, rel=0.35)

    @pytest.mark.parametrize("fills", [True, False])
    def test_dead_channels_are_filled_in_or_black(self, fills):
        found = measured(dead=0.03)
        got = deliver(DeliveryPlan("transmission", fills=fills), found)
        rows = got.scan.view.pixels[0][found.channels.dead] / 65535.0
        assert rows.shape[0] >= 4
        assert (rows.max() == 0) != fills
        assert np.flatnonzero(got.covered.all(axis=1)).tolist() == found.channels.dead.tolist()
        if fills:
            assert rows[:, :30].mean() == pytest.approx(1.0, abs=0.01)

    def test_twelve_bits_lose_what_is_under_their_last_step(self, single):
        full, steps = (deliver(DeliveryPlan("transmission", steps=n), single).opaque for n in (65535, 255))
        assert steps.sum() >= full.sum()
        assert not (full & ~steps).any()


class TestDisplay:
    @pytest.mark.parametrize("curve", CURVES)
    @pytest.mark.parametrize("strength", [0.4, 0.9, 3.0])
    def test_every_curve_rises_from_black_to_white(self, curve, strength):
        if curve == "stretched" and strength > 1:
            strength = 1.0
        plan = DeliveryPlan("display", curve=curve, strength=strength, black=0.01, white=0.9)
        through = np.linspace(-0.1, 1.1, 6000, dtype=np.float32)[None]
        gray = gray_curve(plan, through)[0]
        assert (np.diff(gray) >= -1e-6).all()
        assert gray.min() >= 0
        assert gray.max() <= 1 + 1e-6
        assert abs(gray[through[0] <= 0.01]).max() < 2e-3
        assert gray[through[0] >= 0.9] == pytest.approx(1.0, abs=1e-3)

    def test_air_is_clipped_to_white(self, single):
        pixels = deliver(PLAIN, single).scan.view.pixels
        assert pixels.dtype == np.uint8
        assert pixels.shape == (1, *SHAPE)
        assert (pixels[0, :45] == 255).mean() > 0.99

    def test_inversion_turns_it_round_and_is_noticed(self, single):
        upright, turned = (deliver(replace(PLAIN, inverted=i), single).scan for i in (False, True))
        assert (turned.view.pixels == 255 - upright.view.pixels).all()
        notes = [" ".join(s.note for s in normalize(scan).history) for scan in (upright, turned)]
        assert "was inverted" in notes[1]
        assert "was inverted" not in notes[0]

    @pytest.mark.parametrize("name", ["", "jet"])
    def test_jpeg_is_jpeg(self, single, name, tmp_path):
        raw, kept, poor = (deliver(replace(PLAIN, palette=name, quality=q), single) for q in (0, 95, 60))
        assert raw.encoded is None
        assert kept.encoded[:3] == b"\xff\xd8\xff"
        assert len(poor.encoded) < 0.7 * len(kept.encoded) < 0.35 * SHAPE[0] * SHAPE[1]
        error = [abs(g.scan.view.pixels.astype(int) - raw.scan.view.pixels.astype(int)).mean() for g in (kept, poor)]
        assert 0 < error[0] < error[1] < 6
        (tmp_path / "export.jpg").write_bytes(poor.encoded)
        assert (xs.read(tmp_path / "export.jpg").view.pixels == poor.scan.view.pixels).all()

    @pytest.mark.parametrize("palette", PALETTES)
    def test_false_color_is_a_picture_and_what_a_reader_makes_of_it_a_scan(self, dual, palette, tmp_path):
        got = deliver(replace(PLAIN, palette=palette), dual)
        assert got.color.shape == (*SHAPE, 3)
        assert got.color.dtype == np.uint8
        assert (np.ptp(got.color.astype(int), axis=2) > 20).mean() > 0.02
        assert (got.scan.view.pixels[0] == to_gray(got.color).pixels).all()
        assert got.scan.view.steps[0].is_warning
        cv2.imwrite(str(tmp_path / "export.png"), got.color[..., ::-1])
        assert (xs.read(tmp_path / "export.png").view.pixels == got.scan.view.pixels).all()

    def test_materials_need_two_energies(self, single):
        assert deliver(replace(PLAIN, palette="material"), single).color is None

    def test_what_is_burnt_in_is_told(self, single):
        plan = replace(PLAIN, marks=(Mark("box", (0.2, 0.3, 0.6, 0.5), (255, 255, 255)), Mark("filled", (0.9, 0.0, 1.0, 0.2))))
        got, bare = deliver(plan, single), deliver(PLAIN, single)
        assert (got.color[218:, :70] == (255, 0, 0)).all()
        assert got.covered[218:, :70].all()
        assert got.covered[48, 120:200].all()
        assert not got.covered[70, 140]
        same = ~got.covered
        assert (got.scan.view.pixels[0][same] == bare.scan.view.pixels[0][same]).all()
        white = deliver(replace(PLAIN, marks=(Mark("text", (0.5, 0.1, 0.6, 0.5), (255, 255, 255), "LANE 1"),)), single)
        assert white.color is None
        assert 50 < white.covered.sum() < 5000

    def test_columns_that_were_not_scanned_are_black(self, single):
        got = deliver(replace(PLAIN, blank=(0.05, 0.02)), single)
        assert (got.scan.view.pixels[0][:, :20] == 0).all()
        assert got.covered[:, :20].all()
        assert got.covered[:, -8:].all()
        assert not got.covered[:, 20:-8].any()

    def test_what_is_black_is_lost(self, single):
        clear, dark = (deliver(replace(PLAIN, curve="linear", black=b), single) for b in (0.0, 0.1))
        assert (clear.opaque & ~dark.opaque).sum() == 0
        assert dark.opaque[110:200, 185:195].all()
        assert not clear.opaque[110:200, 140:150].any()

    def test_smoothing_and_sharpening(self, single):
        plain, smooth, sharp = (
            deliver(replace(PLAIN, **change), single).scan.view.pixels[0].astype(float)
            for change in ({}, {"smooth": 0.9}, {"sharpen": 0.8})
        )
        edge = [abs(np.diff(p[120:180, 330:380], axis=1)).max(axis=1).mean() for p in (smooth, plain, sharp)]
        assert edge[0] < edge[1] < edge[2]


class TestReplay:
    @pytest.mark.parametrize("seed", range(12))
    def test_the_same_plan_gives_the_same_bytes(self, dual, seed):
        plan = draw_delivery(np.random.default_rng(seed), DELIVERIES[seed % 3])
        first, again = (deliver(DeliveryPlan.from_record(asdict(plan)), dual, PITCH) for _ in range(2))
        assert (first.scan.view.pixels == again.scan.view.pixels).all()
        assert first.encoded == again.encoded
        assert (first.opaque == again.opaque).all()
        assert (first.covered == again.covered).all()
        assert first.scan.view.quantity == plan.delivery
        assert first.opaque.shape == SHAPE
        normalize(first.scan)

    def test_a_delivery_does_not_change_the_measurement(self, single):
        before = single.counts.copy(), single.opaque.copy()
        for delivery in DELIVERIES:
            deliver(draw_delivery(np.random.default_rng(1), delivery), single)
        assert (single.counts == before[0]).all()
        assert (single.opaque == before[1]).all()
