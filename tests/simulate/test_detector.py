from dataclasses import replace

import numpy as np
import pytest

from xrayscan.errors import RecipeError
from xrayscan.simulate.detector import (
    SWANK,
    afterglow,
    blurred,
    cross_talk,
    dose,
    draw_channels,
    later,
    measure,
    opaque_pixels,
    primary,
    quanta,
    slow,
    veil,
)
from xrayscan.simulate.scanner import MODULE, Detector, Geometry, Pulses, Scanner, Scatter, draw_scanner

PITCH = (0.005, 0.005)
GEOMETRY = Geometry(detector_pitch=0.005, column_pitch=0.005, speed=0.5)
STEADY = Pulses(quanta=2e5, rms=0.0, drift=0.0, energy_drift=0.0)
CLEAN = Detector(
    full_scale=50_000.0, dark=400.0, dark_spread=0.0, dark_drift=0.0, read_noise=3.0, module_noise=0.0, gain_spread=0.0,
    module_step=0.0, gain_drift=0.0, column_spread=0.0, dead=0.0, hot=0.0, flicker=0.0, blur_row=0.0, blur_column=0.0,
    cross_talk=0.0, afterglow=0.0,
)  # fmt: skip
NO_VEIL = Scatter(share=0.0, leak=0.0)
PLAIN = Scanner(geometry=GEOMETRY, pulses=STEADY, detector=CLEAN, scatter=NO_VEIL)


def detector(**changes):
    return replace(PLAIN, detector=replace(CLEAN, **changes))


def flat(through, rows=256, columns=700, energies=1):
    return np.full((energies, rows, columns), -np.log(through), np.float32)


def scan(scanner, depth, seed=1):
    return measure(np.random.default_rng(seed), scanner, depth, PITCH)


def corrected(found, energy=0, true=False):
    air, dark = (found.true_air, found.true_dark) if true else (found.air, found.dark)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (found.counts[energy] - dark[energy][:, None]) / (air - dark)[energy][:, None]


class TestNoise:
    @pytest.mark.parametrize("through", [1.0, 0.3, 0.05, 5e-3, 5e-4, 1e-4])
    def test_its_variance_is_that_of_theory(self, through):
        found = scan(PLAIN, flat(through))
        variance = corrected(found, true=True).var()
        theory = SWANK * through / 2e5 + (3.0**2 + 1 / 12) / 50_000**2
        assert variance == pytest.approx(theory, rel=0.03)
        assert (found.sigma.astype(float) ** 2).mean() == pytest.approx(theory, rel=1e-4)

    @pytest.mark.parametrize("through", [0.8, 0.02])
    def test_sigma_knows_cross_talk_afterglow_gain_and_module_noise(self, through):
        scanner = detector(
            cross_talk=0.04, afterglow=0.05, gain_spread=0.1, module_step=0.05, module_noise=0.4, read_noise=20.0
        )
        found = scan(scanner, flat(through, columns=1500))
        variance = corrected(found, true=True).var(axis=1)
        ratio = variance / (found.sigma[0] ** 2).mean(axis=1)
        assert ratio.mean() == pytest.approx(1.0, abs=0.01)
        assert ratio.std() < 0.06  # of 1,500 samples: 0.037

    @pytest.mark.parametrize("events", [0.5, 5.0, 45.0, 60.0])
    def test_few_quanta_are_quanta(self, events):
        photons = 1e4
        level = events * SWANK / photons
        drawn = quanta(np.random.default_rng(2), np.full((400, 800), level, np.float32), photons)
        assert drawn.mean() == pytest.approx(level, rel=0.01)
        assert drawn.var() == pytest.approx(SWANK * level / photons, rel=0.02)
        if events < 50:
            assert drawn.min() >= 0
            steps = drawn / (SWANK / photons)
            assert abs(steps - np.rint(steps)).max() < 1e-3

    def test_more_area_means_more_photons(self):
        fine, coarse = (measure(np.random.default_rng(0), PLAIN, flat(0.5), (p, p)).sigma.mean() for p in (0.005, 0.02))
        assert fine / coarse == pytest.approx(4.0, rel=0.02)

    def test_modules_differ_in_noise(self):
        found = scan(detector(module_noise=0.5, read_noise=200.0), flat(0.001, rows=320))
        level = corrected(found).std(axis=1).reshape(10, MODULE)
        assert level.std(axis=1).mean() < 0.5 * level.mean(axis=1).std()
        assert level.mean(axis=1).std() / level.mean() > 0.2


class TestBeam:
    def test_a_pulse_covers_its_columns(self):
        scanner = replace(PLAIN, pulses=replace(STEADY, columns=3, rms=0.02))
        line = corrected(scan(scanner, flat(1.0, columns=600)))[0:].mean(axis=0).reshape(200, 3)
        assert np.ptp(line, axis=1).max() < 0.002
        assert line.mean(axis=1).std() == pytest.approx(0.02, rel=0.15)

    @pytest.mark.parametrize("columns", [1, 4, 12])
    def test_dose_changes_from_pulse_to_pulse_only(self, columns):
        level = dose(np.random.default_rng(0), Pulses(columns=columns, rms=0.01, drift=0.0), 600)
        assert (np.flatnonzero(np.diff(level)) % columns == columns - 1).all()

    def test_the_dose_can_fade_at_the_end(self):
        level = dose(np.random.default_rng(0), Pulses(rms=0.0, drift=0.0, ramp=0.5, ramp_length=0.2), 500)
        assert (level[:399] == 1).all()
        assert level[-1] == pytest.approx(0.5)
        assert (np.diff(level[401:]) < 0).all()

    def test_slow_is_slow_and_of_rms_one(self):
        waves = np.stack([slow(np.random.default_rng(k), 400) for k in range(400)])
        assert np.sqrt((waves**2).mean()) == pytest.approx(1.0, abs=0.05)
        assert abs(np.diff(waves, axis=1)).max() < 0.1

    def test_energy_drift_does_what_another_endpoint_does(self):
        torch = pytest.importorskip("torch")
        from xrayscan.simulate.beam import Beam, optical_depth

        steel = torch.linspace(20.0, 200.0, 10)
        before, after = (optical_depth(Beam(e), torch.zeros(10), steel).numpy()[:, None] for e in (6.0, 6.3))
        drifted = -np.log(primary(before, np.array([0.05], np.float32)))
        moved = (before - after).mean()
        assert (before - drifted).mean() == pytest.approx(moved, rel=0.3)
        assert moved > 0

    def test_blur_has_its_sigmas_along_rows_and_columns(self):
        point = np.zeros((101, 121), np.float32)
        point[50, 60] = 1.0
        spread = blurred(point, (0.005, 0.004), 0.012, 0.006)
        rows, columns = spread.sum(axis=1), spread.sum(axis=0)
        assert spread.sum() == pytest.approx(1.0, abs=1e-4)
        assert np.sqrt((rows * (np.arange(101) - 50) ** 2).sum()) == pytest.approx(2.4, rel=0.02)
        assert np.sqrt((columns * (np.arange(121) - 60) ** 2).sum()) == pytest.approx(1.5, rel=0.02)

    def test_blur_in_one_direction_leaves_the_other(self):
        step = np.zeros((60, 80), np.float32)
        step[:, 40:] = 1.0
        np.testing.assert_allclose(blurred(step, PITCH, 0.01, 0.0), step, atol=1e-5)


class TestVeil:
    @pytest.mark.parametrize("share", [0.008, 0.025])
    def test_a_light_load_has_one_to_five_percent(self, share):
        through = np.full((400, 100), 0.5, np.float32)
        ratio = veil(through, Scatter(share, 0.75, 2e-4), 0.005) / through
        assert 0.01 < ratio.mean() < 0.05

    def test_it_is_half_of_what_is_read_and_more_where_hardly_anything_comes_through(self):
        through = np.full((500, 60), 1.0, np.float32)
        through[150:] = 1e-5
        scattered = veil(through, Scatter(0.015, 0.75, 1e-4), 0.005)
        deep = scattered[260:480]
        assert (deep / (deep + through[260:480]) > 0.5).all()

    def test_it_grows_with_thickness(self):
        ratios = [
            float((veil(np.full((300, 8), t, np.float32), Scatter(0.01, 0.7, 0.0), 0.005) / t).mean()) for t in (1.0, 0.1, 1e-3)
        ]
        np.testing.assert_allclose(ratios, 0.01 * (1 - np.log([1.0, 0.1, 1e-3])), rtol=1e-3)

    def test_it_stays_in_its_column_and_reaches_along_the_rows(self):
        through = np.zeros((400, 60), np.float32)
        through[195:205, 30] = 1.0
        scattered = veil(through, Scatter(0.02, 0.8, 0.0), 0.005)
        assert scattered[:, :30].max() == scattered[:, 31:].max()
        assert scattered[:, 30].max() > 1e-4
        lit = np.flatnonzero(scattered[:, 30] > 0.05 * scattered[:, 30].max())
        assert 0.5 < np.ptp(lit) * 0.005 < 1.0

    def test_transmission_never_reaches_zero_behind_steel(self):
        depth = flat(1.0, 300, 200)
        depth[:, 100:, :] = 40.0
        found = scan(replace(PLAIN, scatter=Scatter(0.01, 0.75, 5e-4)), depth)
        level = corrected(found)[200:].mean()
        assert 1e-4 < level < 5e-4

    def test_air_is_air_with_the_veil(self):
        found = scan(replace(PLAIN, scatter=Scatter(0.025, 0.75, 1e-3)), flat(1.0))
        assert corrected(found).mean() == pytest.approx(1.0, abs=1e-4)


class TestCrystal:
    def test_cross_talk_moves_its_share_and_loses_nothing(self):
        one = np.zeros((96, 5), np.float32)
        one[40] = 1.0
        moved = cross_talk(one, 0.03)
        np.testing.assert_allclose(moved[[39, 40, 41], 0], [0.03, 0.94, 0.03], rtol=1e-5)
        noise = np.random.default_rng(0).random((96, 50), np.float32)
        np.testing.assert_allclose(cross_talk(noise, 0.05).sum(axis=0), noise.sum(axis=0), rtol=1e-5)

    def test_cross_talk_stays_in_its_module(self):
        one = np.zeros((96, 2), np.float32)
        one[31] = 1.0
        np.testing.assert_allclose(cross_talk(one, 0.03)[30:33, 0], [0.03, 0.97, 0.0], rtol=1e-5, atol=1e-7)

    @pytest.mark.parametrize("columns", [1, 3])
    def test_the_afterglows_tail_has_its_constant(self, columns):
        step = np.zeros((4, 300 * columns), np.float32)
        step[:, : 30 * columns] = 1.0
        tail = afterglow(step, 0.05, np.exp(-1 / 12.0), columns)[0, 30 * columns :: columns]
        fit = np.polyfit(np.arange(60), np.log(tail[:60]), 1)
        assert -1 / fit[0] == pytest.approx(12.0, rel=0.01)
        assert np.exp(fit[1]) == pytest.approx(0.05, rel=0.01)

    def test_afterglow_loses_nothing_and_leaves_air_alone(self):
        flash = np.zeros((1, 400), np.float32)
        flash[0, 100] = 1.0
        assert afterglow(flash, 0.1, 0.9).sum() == pytest.approx(1.0, abs=1e-4)
        np.testing.assert_allclose(afterglow(np.ones((3, 50), np.float32), 0.1, 0.9), 1.0, rtol=1e-6)

    def test_a_slow_crystal_smears_a_scan_along_the_travel(self):
        depth = flat(1.0, 64, 400)
        depth[:, :, 200:] = 12.0
        line = corrected(scan(detector(afterglow=0.02, afterglow_time=0.1), depth)).mean(axis=0)
        # A pulse each 5 mm at 0.5 m/s: 10 ms.
        assert line[200] == pytest.approx(0.02, rel=0.05)
        assert line[210] == pytest.approx(0.02 * np.exp(-1), rel=0.05)


class TestInterlace:
    @pytest.mark.parametrize("columns", [0.5, 1.0, 2.0, 1.5])
    def test_later_is_later(self, columns):
        wave = np.sin(np.arange(200) / 7.0).astype(np.float32)[None]
        np.testing.assert_allclose(later(wave, columns)[0, :190], np.sin((np.arange(190) + columns) / 7.0), atol=0.004)

    @pytest.mark.parametrize("columns", [1, 4])
    def test_the_low_picture_is_half_a_pulse_late(self, columns):
        rng = np.random.default_rng(0)
        pulses = replace(STEADY, columns=columns, interlace=0.5, quanta=1e7)
        scanner = replace(PLAIN, endpoints=(6.0, 4.0), pulses=pulses, detector=replace(CLEAN, blur_column=0.004))
        rough = np.repeat(blurred(rng.random((1, 900)).astype(np.float32) * 8, PITCH, 0.0, 0.02), 64, axis=0)
        found = scan(scanner, np.stack([rough, rough]))
        high, low = (np.fft.rfft(corrected(found, e).mean(axis=0) - corrected(found, e).mean()) for e in (0, 1))
        cross = np.fft.irfft(low * np.conj(high), 900)
        # The low picture sees earlier what the high one sees later: its features lie further left.
        peak = int(cross.argmax())
        around = cross[[peak - 1, peak, (peak + 1) % 900]]
        exact = peak + 0.5 * (around[0] - around[2]) / (around[0] - 2 * around[1] + around[2])
        assert (900 - exact) % 900 == pytest.approx(columns / 2, abs=0.1)

    def test_the_low_beam_is_weaker(self):
        pulses = replace(STEADY, low_level=0.5)
        found = scan(replace(PLAIN, endpoints=(6.0, 4.0), pulses=pulses), flat(0.5, energies=2))
        assert (found.true_air - found.true_dark)[1] / (found.true_air - found.true_dark)[0] == pytest.approx(0.5)
        assert (found.sigma[1] / found.sigma[0]).mean() == pytest.approx(np.sqrt(2), rel=0.01)


class TestChannels:
    def test_modules_step_every_32_rows(self):
        channels = draw_channels(np.random.default_rng(1), detector(module_step=0.05), 320)
        assert (np.flatnonzero(np.diff(channels.gain)) % MODULE == MODULE - 1).all()
        assert channels.gain[::MODULE].std() == pytest.approx(0.05, rel=0.5)

    def test_air_takes_the_gain_away(self):
        found = scan(detector(gain_spread=0.1, module_step=0.1, dark_spread=60.0, frames=4096), flat(1.0, columns=2000))
        raw, level = found.counts[0].mean(axis=1), corrected(found).mean(axis=1)
        assert raw.std() / raw.mean() > 0.08
        # What is left is the noise of 2,000 columns and 4,096 frames.
        assert level.std() < 1.4 * np.sqrt(SWANK / 2e5 * (1 / 2000 + 1 / 4096))

    def test_drift_since_the_calibration_is_left(self):
        found = scan(detector(gain_drift=0.01, frames=4096), flat(1.0, rows=640, columns=1500))
        assert corrected(found).mean(axis=1).std() == pytest.approx(0.01, rel=0.3)
        assert corrected(found, true=True).mean(axis=1).std() < 2e-4

    def test_the_dark_moves_along_the_scan(self):
        found = scan(detector(dark_drift=20.0), flat(1e-12, rows=640, columns=1000))
        start, end = found.counts[0][:, :50].mean(axis=1), found.counts[0][:, -50:].mean(axis=1)
        assert (end - start).std() == pytest.approx(20.0 * 0.95, rel=0.3)
        assert abs(start - found.dark[0]).mean() < 2.0 < abs(end - found.dark[0]).mean()

    def test_the_converter_is_full(self):
        found = scan(detector(full_scale=70_000.0), flat(1.0))
        assert found.saturation == 65535
        assert (found.counts == 65535).all()
        few = scan(detector(bits=12, full_scale=3500.0, dark=30.0, read_noise=1.0), flat(1.0))
        assert few.saturation == 4095
        assert few.counts.max() <= 4095
        assert few.counts.mean() == pytest.approx(3530, rel=0.01)

    def test_faulty_channels_are_told(self):
        depth = flat(1.0, rows=640, columns=800)
        depth[:, :, 300:500] = 2.0
        found = scan(detector(dead=0.02, hot=0.02, flicker=0.02), depth)
        channels = found.channels
        assert len(channels.dead) >= 5
        assert len(channels.hot) >= 5
        assert len(channels.flicker) >= 5
        assert not set(channels.dead) & set(channels.hot)
        assert not set(channels.flicker) & (set(channels.dead) | set(channels.hot))
        change = found.counts[0, :, :300].mean(axis=1) - found.counts[0, :, 300:500].mean(axis=1)
        assert (abs(change[channels.dead]) < 2).all()
        assert np.delete(change, channels.dead).min() > 1e4
        noise = found.counts[0][:, 350:450].std(axis=1)
        good = np.setdiff1d(np.arange(640), np.concatenate([channels.dead, channels.hot, channels.flicker]))
        assert noise[channels.hot].min() > 4 * np.median(noise[good])
        levels = found.counts[0][:, :250].std(axis=1)
        assert np.median(levels[channels.flicker]) > 4 * np.median(levels[good])
        assert np.isinf(found.sigma[0, channels.dead]).all()
        assert np.isfinite(found.sigma[0, good]).all()

    def test_an_l_has_a_seam(self):
        scanner = detector(seam=0.25, seam_rows=5, seam_gap=2)
        found = scan(scanner, flat(1.0, rows=400))
        assert found.channels.seam.tolist() == [100, 101, 102, 103, 104]
        assert found.channels.dead.tolist() == [102, 103]
        assert (found.true_air[0, [100, 101, 104]] < 0.95 * found.true_air[0, 50]).all()
        assert corrected(found)[[100, 101, 104]].mean(axis=1) == pytest.approx(1.0, abs=2e-3)

    def test_detector_columns_leave_a_pattern_of_their_period(self):
        scanner = replace(PLAIN, pulses=replace(STEADY, columns=4), detector=replace(CLEAN, column_spread=0.01))
        level = corrected(scan(scanner, flat(1.0, columns=800))).reshape(256, 200, 4).mean(axis=1)
        assert level.std(axis=1).mean() == pytest.approx(0.01 * np.sqrt(3 / 4), rel=0.15)


class TestOpaque:
    def test_thick_steel_is_and_a_load_that_can_be_seen_is_not(self):
        depth = np.broadcast_to(np.linspace(0, 16, 600, dtype=np.float32), (1, 128, 600))
        opaque = scan(replace(PLAIN, scatter=Scatter(0.01, 0.7, 1e-4)), depth).opaque
        first = np.flatnonzero(opaque.mean(axis=0) > 0.5)[0]
        assert not opaque[:, : first - 5].any()
        assert opaque[:, first + 5 :].all()
        assert 1e-6 < np.exp(-depth[0, 0, first]) < 2e-4

    def test_each_floor_alone_makes_it(self):
        level = np.full((20, 20), 1e-3, np.float32)
        none, zero = np.zeros_like(level), np.zeros(20)
        assert not opaque_pixels(level, none, none, zero).any()
        assert opaque_pixels(level, none, level * 3.1, zero).all()
        assert not opaque_pixels(level, none, level * 2.9, zero).any()
        assert opaque_pixels(level, level * 4.1, none, zero).all()
        assert not opaque_pixels(level, level * 3.9, none, zero).any()
        assert opaque_pixels(level, none, none, zero + 1.1e-3).all()
        assert not opaque_pixels(level, none, none, zero + 0.9e-3).any()

    def test_what_afterglow_covers_is_opaque(self):
        depth = flat(1.0, 64, 400)
        depth[:, :, 200:] = 6.5
        slow_crystal, fast_crystal = (scan(detector(afterglow=a, afterglow_time=0.2), depth).opaque for a in (0.02, 0.0))
        assert slow_crystal[:, 203:210].all()
        assert not slow_crystal[:, -100:].any()
        assert not fast_crystal.any()

    def test_dead_channels_are_not_called_opaque(self):
        found = scan(detector(dead=0.05), flat(1.0))
        assert found.channels.dead.size
        assert not found.opaque.any()


class TestMeasuring:
    @pytest.mark.parametrize("name", ["gantry 6/4 MV", "portal 4.5 MV", "mobile 3 MV"])
    def test_the_same_seed_gives_the_same_bytes(self, name):
        scanner = draw_scanner(np.random.default_rng(4), name)
        depth = flat(0.3, 100, 150, len(scanner.endpoints))
        first, again, other = (measure(np.random.default_rng(s), scanner, depth, PITCH) for s in (1, 1, 2))
        for part in ("counts", "air", "dark", "sigma", "opaque"):
            assert (getattr(first, part) == getattr(again, part)).all()
        assert (first.counts != other.counts).any()
        assert not first.counts.flags.writeable
        assert first.counts.dtype == np.uint16

    @pytest.mark.parametrize("seed", range(8))
    def test_any_scanner_reads_a_load_about_right(self, seed):
        scanner = draw_scanner(np.random.default_rng(seed))
        depth = flat(1.0, 200, 300, len(scanner.endpoints))
        depth[:, 60:, 80:220] = 1.5
        level = np.median(corrected(scan(replace(scanner, pulses=replace(scanner.pulses, ramp=0.0)), depth))[100:180, 120:180])
        assert level == pytest.approx(np.exp(-1.5), rel=0.1)

    def test_the_depth_is_left_as_it_was(self):
        depth = flat(0.3, 64, 80)
        before = depth.copy()
        scan(Scanner(), depth)
        assert (depth == before).all()

    def test_other_depths_are_refused(self):
        with pytest.raises(RecipeError, match=r"shape \(2, 64, 80\), the scanner has 1 energies; expected"):
            scan(PLAIN, flat(0.5, 64, 80, 2))
        with pytest.raises(RecipeError, match="optical depth goes from -1 to -1; expected finite values from 0"):
            scan(PLAIN, np.full((1, 8, 8), -1.0, np.float32))
        with pytest.raises(RecipeError, match="optical depth goes from nan to nan"):
            scan(PLAIN, np.full((1, 8, 8), np.nan, np.float32))
        with pytest.raises(RecipeError, match="goes from inf to inf; expected finite values"):
            scan(PLAIN, np.full((1, 8, 8), np.inf, np.float32))
