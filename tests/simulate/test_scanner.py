import json
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from xrayscan.errors import RecipeError
from xrayscan.simulate.scanner import PRESETS, Detector, Geometry, Pulses, Scanner, Scatter, draw_scanner, travel


def drawn(count=300, preset=None):
    rng = np.random.default_rng(7)
    return [draw_scanner(rng, preset) for _ in range(count)]


STILL = Geometry(
    wobble_amplitude=0.0, speed_error=0.0, speed_ripple=0.0, braking=0.0, tilt=(0.0, 0.0), column_pitch=0.005, speed=0.5
)


class TestDrawing:
    @pytest.mark.parametrize(
        ("name", "endpoints", "columns"),
        [
            ("mobile 3 MV", {(3.0,)}, {1}),
            ("gantry 6/4 MV", {(6.0, 4.0), (6.0, 3.5)}, {1}),
            ("portal 4.5 MV", {(4.5,)}, {2, 3, 4}),
            ("fixed 9/6 MV", {(9.0, 6.0)}, {1}),
            ("rail 9 MV", {(9.0,)}, {4, 6, 8, 12}),
        ],
    )
    def test_a_preset_is_what_its_name_says(self, name, endpoints, columns):
        scanners = drawn(60, name)
        assert {s.endpoints for s in scanners} == endpoints
        assert {s.pulses.columns for s in scanners} == columns
        assert {s.name for s in scanners} == {name}
        steps = [s.pulses.columns * s.geometry.column_pitch for s in scanners]
        least, most = PRESETS[name].pulse_step
        assert least <= min(steps)
        assert max(steps) <= most * (1 + 1e-9)

    def test_a_portals_pulses_are_12_mm_apart(self):
        steps = [s.pulses.columns * s.geometry.column_pitch for s in drawn(100, "portal 4.5 MV")]
        assert np.mean(steps) == pytest.approx(0.012, abs=0.0005)

    def test_without_a_preset_all_scanners_are_spanned(self):
        scanners = drawn()
        assert {s.name for s in scanners} == {*PRESETS, "mixed"}
        highs = [s.endpoints[0] for s in scanners]
        assert min(highs) == 2.5
        assert max(highs) == 9.0
        assert len(set(highs)) >= 7
        assert {len(s.endpoints) for s in scanners} == {1, 2}
        assert {s.detector.bits for s in scanners} == {12, 14, 16}
        near = [s.geometry.source_distance[0] for s in scanners]
        assert min(near) < 1.7
        assert max(near) > 4.5
        assert {s.geometry.array for s in scanners} == {"vertical", "L"}

    def test_an_l_has_a_seam_and_a_straight_array_none(self):
        assert all((s.detector.seam > 0) == (s.geometry.array == "L") for s in drawn(80))

    def test_the_strongest_channels_fit_the_converter(self):
        for scanner in drawn(80):
            d = scanner.detector
            assert d.full_scale * (1 + 2.5 * np.hypot(d.gain_spread, d.module_step)) + d.dark < d.saturation

    def test_the_same_seed_draws_the_same_scanner(self):
        assert draw_scanner(np.random.default_rng(3)) == draw_scanner(np.random.default_rng(3))
        assert draw_scanner(np.random.default_rng(3)) != draw_scanner(np.random.default_rng(4))

    def test_every_number_is_a_plain_one(self):
        for scanner in drawn(20):
            for part in (scanner.geometry, scanner.pulses, scanner.detector, scanner.scatter):
                for entry in fields(part):
                    value = getattr(part, entry.name)
                    assert type(value) in (int, float, str, tuple), entry.name


class TestRecords:
    @pytest.mark.parametrize("name", [None, *PRESETS])
    def test_a_scanner_comes_back_from_its_record(self, name):
        for scanner in drawn(10, name):
            assert Scanner.from_record(json.loads(json.dumps(asdict(scanner)))) == scanner

    def test_unknown_keys_are_named(self):
        with pytest.raises(RecipeError, match="Pulses has no 'colour'; it has columns, drift"):
            Scanner.from_record({"pulses": {"colour": 1}})
        with pytest.raises(RecipeError, match="Scanner has no 'laser'"):
            Scanner.from_record({"laser": 1})


class TestRefusals:
    def test_unknown_presets(self):
        with pytest.raises(RecipeError, match="no scanner 'airport'; known are mobile 3 MV, gantry 6/4 MV"):
            draw_scanner(np.random.default_rng(0), "airport")

    def test_beams(self):
        with pytest.raises(RecipeError, match="expected one energy, or high then low"):
            Scanner(endpoints=(4.0, 6.0))
        with pytest.raises(RecipeError, match="the endpoint is 90 MeV; expected 1 to 10 MeV"):
            Scanner(endpoints=(90.0,))

    def test_parts(self):
        with pytest.raises(RecipeError, match="detector array is 'ring'; expected 'vertical' or 'L'"):
            Geometry(array="ring")
        with pytest.raises(RecipeError, match=r"source_distance is \(3.0, 2.0\) m; expected \(least, most\)"):
            Geometry(source_distance=(3.0, 2.0))
        with pytest.raises(RecipeError, match="columns of one pulse is 0; expected 1 to 64"):
            Pulses(columns=0)
        with pytest.raises(RecipeError, match="bits is 24; expected 8 to 16"):
            Detector(bits=24)
        with pytest.raises(RecipeError, match="scatter share is 2; expected 0 to 0.5"):
            Scatter(share=2.0)

    def test_a_scan_needs_a_column(self):
        with pytest.raises(RecipeError, match="a scan of 0 columns; expected at least 1"):
            travel(np.random.default_rng(0), Scanner(), 0)


class TestTravel:
    def test_a_perfect_scanner_makes_no_error(self):
        dx, lift = travel(np.random.default_rng(0), Scanner(geometry=STILL), 500)
        assert dx.shape == lift.shape == (500,)
        assert not dx.any()
        assert not lift.any()

    def test_the_sway_has_its_frequency_and_amplitude(self):
        scanner = Scanner(geometry=replace(STILL, wobble_amplitude=0.003, wobble_frequency=2.0))
        _, lift = travel(np.random.default_rng(1), scanner, 2000)
        power = abs(np.fft.rfft(lift)) ** 2
        seconds = 0.005 / 0.5
        assert np.fft.rfftfreq(2000, seconds)[power.argmax()] == pytest.approx(2.0, abs=0.06)
        assert 0.0022 < abs(lift).max() <= 0.003

    def test_tilt_is_a_rise_along_the_travel(self):
        scanner = Scanner(geometry=replace(STILL, tilt=(1.5, 1.5)))
        _, lift = travel(np.random.default_rng(2), scanner, 1000)
        assert (lift[-1] - lift[0]) / (999 * 0.005) == pytest.approx(np.tan(np.radians(1.5)))
        assert abs(lift.mean()) < 1e-4

    def test_the_mean_speeds_error_has_its_rms(self):
        scanner = Scanner(geometry=replace(STILL, speed_error=0.03))
        rng = np.random.default_rng(3)
        stretch = [travel(rng, scanner, 400)[0].sum() / (399 * 0.005) for _ in range(400)]
        assert np.std(stretch) == pytest.approx(0.03, rel=0.1)

    def test_a_braking_truck_is_stretched_at_the_end(self):
        scanner = Scanner(geometry=replace(STILL, braking=-0.2))
        dx, _ = travel(np.random.default_rng(4), scanner, 1000)
        assert dx[1] == pytest.approx(0.1 * 0.005, rel=0.01)
        assert dx[-1] == pytest.approx(-0.1 * 0.005, rel=0.01)

    def test_the_columns_of_a_pulse_are_rigid(self):
        moving = replace(STILL, speed_error=0.05, wobble_amplitude=0.004)
        dx, lift = travel(np.random.default_rng(5), Scanner(geometry=moving, pulses=Pulses(columns=4)), 400)
        assert not dx.reshape(100, 4)[:, 1:].any()
        assert dx[4::4].all()
        assert (np.ptp(lift.reshape(100, 4), axis=1) == 0).all()

    def test_a_coarser_picture_goes_the_same_way(self):
        scanner = Scanner(geometry=replace(STILL, speed_error=0.04))
        fine, coarse = travel(np.random.default_rng(6), scanner, 1000), travel(np.random.default_rng(6), scanner, 250, 0.02)
        assert coarse[0].sum() == pytest.approx(fine[0].sum(), rel=0.01)
