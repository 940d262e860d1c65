"""Quality of whole scans: figures against what was made, and scans too poor to screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import xrayscan as xs
from xrayscan.errors import ShapeError
from xrayscan.geometry import Box
from xrayscan.normalize import normalize
from xrayscan.quality import Figure, Quality, measure
from xrayscan.quality.fitness import at_a_glance, limb_depth, look_at, problems_of
from xrayscan.scan import Radiograph, Scan, Step

SAMPLES = Path(__file__).parents[2] / "datasets/samples"
ROWS, COLUMNS, FULL, DARK = 300, 800, 50_000.0, 300.0


def load(depth: float = 2.0) -> np.ndarray:
    """Noise-free transmission: a container with something dense, and air around it."""
    through = np.ones((ROWS, COLUMNS))
    through[60:260, 80:720] = 0.8
    through[150:250, 100:700] = np.exp(-depth)
    through[200:250, 400:500] = 2e-4
    return through


def counts(
    through: np.ndarray,
    *,
    noise: float = 0.003,
    floor: float = 5e-5,
    dose: float = 0.001,
    gain: float = 0.0005,
    block: int = 1,
    seed: int = 0,
    **given: object,
) -> Scan:
    """Raw counts: noise of air and of the dark, pulses of some columns, gains that drifted since the air line was taken."""
    rng = np.random.default_rng(seed)
    rows, columns = through.shape
    shots = 1 + np.repeat(rng.normal(0, dose, -(-columns // block)), block)[:columns]
    signal = through * shots * (1 + rng.normal(0, gain, (rows, 1)))
    signal = signal + rng.normal(0, 1, through.shape) * np.sqrt(floor**2 + noise**2 * through)
    pixels = np.clip(np.rint(DARK + FULL * signal), 0, 65_535).astype(np.uint16)
    lines = {"air": np.full(rows, DARK + FULL), "dark": np.full(rows, DARK)}
    return Scan.from_array(pixels, **{"pixel_pitch": 0.008, **lines, **given})  # type: ignore[arg-type]


def near(figure: Figure, true: float, share: float = 0.02) -> bool:
    assert figure.value is not None, figure
    return abs(figure.value - true) <= 4 * (figure.uncertainty or 0.0) + share * abs(true)


def test_figures_are_those_that_were_made():
    quality = measure(counts(load(), block=3, endpoints=(6.0,)))
    assert quality.fit
    assert quality.problems == ()
    assert near(quality.pulse_rms, 0.1)
    assert quality.pulse_columns.value == 3
    assert near(quality.air_channels, 0.05, 0.1)
    assert near(quality.air_noise, 0.3, 0.03)
    assert quality.dead_channels.value == 0
    assert quality.valid_share.value > 99.5
    dark = np.sqrt(5e-5**2 + 0.003**2 * 2e-4 + (1 / FULL) ** 2 / 12)
    assert near(quality.noise_floor, dark, 0.05)
    assert 8.0 < quality.penetration_depth.value <= -np.log(3 * dark) + 0.2
    assert "6 MV, narrow beam" in quality.penetration_steel.where
    assert quality.penetration_areal.value == pytest.approx(0.785 * quality.penetration_steel.value)
    assert quality.pitch_row.value == 8.0
    assert quality.pitch_row.where == "stated"
    assert quality.codes.value > 1000
    assert 14 < quality.bits.value <= 16
    assert all(figure.where for _, figure in quality.figures() if figure.value is None)


def test_the_radiograph_may_be_given_and_must_be_of_the_view():
    scan = counts(load())
    assert measure(scan, normalize(scan)) == measure(scan)
    with pytest.raises(ShapeError, match=r"the radiograph has \(100, 200\) .*, the view \(300, 800\)"):
        measure(scan, normalize(counts(load()[:100, :200])))
    with pytest.raises(ShapeError, match="the scan has 1 view, asked for number 1; pass 0 to 0"):
        measure(scan, view=1)
    with pytest.raises(ShapeError, match="the view has 1 energy, asked for number 2"):
        measure(scan, energy=2)


def test_dead_channels_are_counted():
    bad = np.zeros(ROWS, bool)
    bad[[20, 90, 91, 92]] = True
    quality = measure(counts(load(), bad_pixels=bad))
    assert quality.dead_channels.value == 4
    assert quality.dead_share.value == pytest.approx(400 / ROWS)
    assert quality.dead_run.value == pytest.approx(24.0)
    assert quality.fit


def _blurred(scan_through: np.ndarray) -> np.ndarray:
    return cv2.resize(scan_through, (200, 75), interpolation=cv2.INTER_AREA)


def noisy(noise: float) -> Scan:
    signal = load() + np.random.default_rng(0).normal(0, noise, (ROWS, COLUMNS)) * np.sqrt(load() + 0.01)
    return Scan.from_array(signal.astype(np.float32), quantity="transmission", pixel_pitch=0.008)


def _with_bad(count: int, run: bool) -> np.ndarray:
    bad = np.zeros(ROWS, bool)
    bad[slice(100, 100 + count) if run else slice(3, 3 + 5 * count, 5)] = True
    return bad


POOR: dict[str, tuple[Callable[[], Scan], str]] = {
    "blank": (
        lambda: Scan.from_array(np.full((200, 300), 300, np.uint16), dark=np.full(200, 300.0)),
        "could not be turned into",
    ),
    "open beam": (lambda: counts(np.ones((ROWS, COLUMNS))), "no matter in view"),
    "noise": (
        lambda: noisy(0.6),
        r"an arm or leg \(10 g/cm²\) stands out only up to an optical depth of [01]\.\d; a light load has 2",
    ),
    "coarse": (lambda: counts(_blurred(load()), pixel_pitch=0.032), "32.0 mm from row to row: a head has under 8 pixels"),
    "small": (lambda: counts(load()[100:150]), "only 50 rows x 800 columns"),
    "dead": (lambda: counts(load(), bad_pixels=_with_bad(40, False)), "13 % of the detector channels are dead"),
    "gap": (lambda: counts(load(), bad_pixels=_with_bad(12, True)), "a gap of 96 mm of dead channels"),
    "opaque": (lambda: counts(np.where(load() < 0.9, 1e-7, 1.0)), r"only \d+ % of the load was penetrated"),
    "saturated": (lambda: counts(load(), saturation=40_000.0), r"only \d+ % of the picture holds a measurement"),
    "few grays": (
        lambda: Scan.from_array((load() * 12).astype(np.uint8) * 20, quantity="display", pixel_pitch=0.008),
        "only 8 gray levels|only 9 gray levels|only .. gray levels|only . gray levels",
    ),
}


@pytest.mark.parametrize("name", POOR)
def test_scans_too_poor_to_screen_are_called_so(name):
    make, words = POOR[name]
    quality = measure(make())
    assert not quality.fit
    assert any(re.search(words, problem) for problem in quality.problems), quality.problems


SEEN_IN_A_RADIOGRAPH = sorted(set(POOR) - {"blank", "noise", "few grays"})


@pytest.mark.parametrize("name", SEEN_IN_A_RADIOGRAPH)
def test_screening_calls_them_so_in_the_same_words(name):
    scan = POOR[name][0]()
    radiograph = normalize(scan)
    assert at_a_glance(radiograph)
    assert set(at_a_glance(radiograph)) <= set(measure(scan, radiograph).problems)


def _radiograph(valid: np.ndarray, depth: float = 1.0, **given: object) -> Radiograph:
    plane = np.full((1, *valid.shape), depth, np.float32)
    return Radiograph(plane, valid, ~valid, **{"pixel_pitch": (0.01, 0.01), **given})  # type: ignore[arg-type]


def test_a_channel_is_dead_where_under_a_tenth_of_it_is_valid():
    valid = np.ones((100, 400), bool)
    valid[20:32, 30:] = False  # 7.5 %
    valid[60:90:2, 50:] = False  # 12.5 %
    glance = look_at(_radiograph(valid))
    assert (int(glance.dead.sum()), glance.run, glance.gap) == (12, 12, 120.0)
    assert at_a_glance(_radiograph(valid))[:2] == (
        "12 % of the detector channels are dead or wrong",
        "a gap of 120 mm of dead channels: half a head falls into it",
    )


def test_columns_that_were_not_scanned_do_not_count():
    valid = np.ones((100, 400), bool)
    valid[:, 100:] = False
    glance = look_at(_radiograph(valid))
    assert (glance.scanned, glance.valid, glance.dead_share) == (100, 100.0, 0.0)
    nothing = look_at(_radiograph(np.zeros((100, 400), bool)))
    assert (nothing.scanned, nothing.valid, nothing.dead_share, nothing.blank) == (0, 0.0, 100.0, False)


def test_a_band_amid_the_picture_counts_as_not_measured():
    ones = np.ones((100, 400), bool)
    valid = ones.copy()
    valid[:, :50], valid[:, 200:235] = False, False
    glance = look_at(Radiograph(np.ones((1, 100, 400), np.float32), valid, ~ones, (0.005, 0.005)))
    assert (glance.scanned, glance.valid) == (350, pytest.approx(90.0))
    assert glance.dead_share == 0.0


def test_margins_around_the_picture_are_no_dead_channels():
    valid = np.ones((100, 400), bool)
    valid[:30] = valid[80:] = False
    valid[50] = False
    margin = Step("margins", "30 at the top, 20 at the bottom", {"left": 0, "right": 0, "top": 30, "bottom": 20})
    glance = look_at(_radiograph(valid, history=(margin,)))
    assert (glance.dead_share, glance.run, glance.valid) == (2.0, 1, pytest.approx(98.0))
    assert at_a_glance(_radiograph(valid, history=(margin,))) == ()


def test_one_pixel_in_a_hundred_is_matter():
    for share, blank in ((0.005, True), (0.015, False)):
        few = np.zeros((1, 200, 200), np.float32)
        few.flat[:: round(1 / share)] = 0.5
        assert look_at(Radiograph(few, few[0] >= 0, few[0] < 0, (0.01, 0.01))).blank is blank


def _estimated(pitch: float, error: float, *, box: bool = True) -> Radiograph:
    step = Step("pixel pitch", "warning: guessed", {"row": pitch, "column": pitch, "row_error": error, "column_error": error})
    boxes = (Box(10, 10, 90, 390),) if box else ()
    return _radiograph(np.ones((100, 400), bool), pixel_pitch=(pitch, pitch), history=(step,), containers=boxes)


def test_an_estimated_pitch_is_judged_by_the_least_it_may_be_and_says_so():
    assert at_a_glance(_estimated(0.0265, 0.35)) == ()
    row, column = at_a_glance(_estimated(0.0283, 0.35))
    assert row == "28.3 mm from row to row, estimated within 35 %: even if it is 21.0 mm a head has under 8 pixels"
    assert column.startswith("28.3 mm from column to column, estimated within 35 %")
    assert len(at_a_glance(_estimated(0.0212, 0.05))) == 2  # surely measured
    assert at_a_glance(_estimated(0.05, 0.35, box=False)) == ()  # a mere guess
    stated = _radiograph(np.ones((100, 400), bool), pixel_pitch=(0.0283, 0.01))
    assert at_a_glance(stated) == ("28.3 mm from row to row: a head has under 8 pixels",)


def test_both_commands_agree_on_files_of_another_toolkit(shared: Path):
    for path in sorted((shared / "dicos").rglob("*DX.dcs")):
        scan = xs.read(path)
        radiograph = normalize(scan)
        assert set(at_a_glance(radiograph)) <= set(measure(scan, radiograph).problems), path.name
        assert measure(scan, radiograph).fit or at_a_glance(radiograph), path.name


def test_warnings_of_normalization_are_repeated():
    scan = counts(load())
    radiograph = normalize(scan)
    told = Step("pixel pitch", "warning: by the container a column is 9.1 mm: sizes may be wrong by that much", {})
    quality = measure(scan, replace(radiograph, history=(*radiograph.history, told, told)))
    assert quality.warnings[-1] == "by the container a column is 9.1 mm: sizes may be wrong by that much"
    assert len(set(quality.warnings)) == len(quality.warnings)
    assert not any("% " not in warning and "%" in warning for warning in quality.warnings if "clipped" in warning)


def test_words_fit_their_numbers():
    bad = np.zeros(ROWS, bool)
    bad[20] = True
    quality = measure(counts(load(), bad_pixels=bad))
    assert quality.dead_run.where == "1 channel at a pitch of 8.0 mm"
    assert quality.codes.where == quality.bits.where
    assert re.fullmatch(r"codes \d+ to \d+, in steps of 1", quality.codes.where)
    (one,) = problems_of(replace(look_at(normalize(counts(load()))), shape=(1, 90)))
    assert one == "only 1 row x 90 columns: under 64 there is nothing to compare with"
    assert problems_of(look_at(normalize(counts(load()))), {"codes": 1.0}) == ("only 1 gray level",)
    clipped = measure(Scan.from_array(np.minimum(noisy(0.003).view.pixels[0], 1.0), quantity="transmission", pixel_pitch=0.008))
    assert any(re.match(r"\d+\.\d % of the pixels are clipped", warning) for warning in clipped.warnings)


def test_what_is_only_at_best_says_so():
    light = np.where(load() < 0.9, 0.5, 1.0)
    quality = measure(counts(light))
    for figure in (quality.penetration_depth, quality.penetration_steel, quality.penetration_areal, quality.limb_steel):
        assert figure.where.startswith("at best"), figure
    known = measure(counts(load()))
    assert not any(figure.where.startswith("at best") for _, figure in known.figures())


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.03])
@pytest.mark.parametrize("depth", [1.0, 5.0])
def test_hard_but_honest_scans_are_not(noise, depth):
    assert measure(counts(load(depth), noise=noise, floor=noise / 30)).problems == ()


def test_a_scan_that_cannot_be_normalized_has_no_figures_and_says_why():
    quality = measure(POOR["blank"][0]())
    assert isinstance(quality, Quality)
    assert not quality.fit
    assert all(figure.value is None and figure.where == "could not be normalized" for _, figure in quality.figures())


def test_display_pictures_say_what_they_cannot():
    texture = cv2.GaussianBlur(np.random.default_rng(0).normal(1, 0.3, (ROWS, COLUMNS)), (0, 0), 3)
    picture = (255 * (load() * np.where(load() < 1, texture, 1.0)) ** 0.4).clip(0, 255).astype(np.uint8)
    quality = measure(Scan.from_array(picture, quantity="display"))
    assert quality.penetration_steel.value is None
    assert "gray curve" in quality.penetration_steel.where
    assert quality.air_noise.value is None
    assert re.search("clipped|gray curve", quality.air_noise.where)
    assert quality.fit, quality.problems
    assert any("display picture" in warning for warning in quality.warnings)
    assert any("pixel pitch is estimated" in warning for warning in quality.warnings)
    assert quality.clipped_high.value > 20
    assert quality.bits.value < 8.01


def test_clipped_air_has_no_noise_to_speak_of():
    clipped = np.minimum(noisy(0.003).view.pixels[0], 1.0)
    for scan in (
        Scan.from_array(clipped, quantity="transmission", pixel_pitch=0.008),
        Scan.from_array((clipped * 60_000).clip(0).astype(np.uint16), pixel_pitch=0.008),
    ):
        quality = measure(scan)
        assert quality.air_noise.where == "air is clipped at the highest code"
        assert quality.limb_depth.value is None


def test_the_end_point_that_is_not_stated_makes_steel_less_sure():
    known, assumed = measure(counts(load(), endpoints=(6.0,))), measure(counts(load()))
    assert known.penetration_steel.value == pytest.approx(assumed.penetration_steel.value)
    assert assumed.penetration_steel.uncertainty > 1.5 * known.penetration_steel.uncertainty
    assert "6 MV assumed" in assumed.penetration_steel.where
    assert any("end-point energy is not stated" in warning for warning in assumed.warnings)


def test_floats_and_dual_energy():
    through = np.stack([load(), load() ** 1.2])
    rng = np.random.default_rng(0)
    scan = Scan.from_array(
        (through + rng.normal(0, 0.002, through.shape)).astype(np.float32), quantity="transmission", pixel_pitch=0.008
    )
    high, low = measure(scan, energy=0), measure(scan, energy=1)
    assert (high.energy, low.energy) == ("high", "low")
    assert near(high.air_noise, 0.2)
    assert near(low.air_noise, 0.2)
    assert high.codes.value is None
    assert high.codes.where == "floats"


def test_limb_depth_grows_as_the_scan_gets_better():
    depths = [limb_depth(noise, 1e-4, (0.002, 0.002), (0.005, 0.005)) for noise in (0.5, 0.1, 0.02, 0.004)]
    assert depths == sorted(depths)
    floors = [limb_depth(0.01, floor, (0.0, 0.0), (0.005, 0.005)) for floor in (1e-2, 1e-3, 1e-4)]
    assert floors == sorted(floors)
    assert floors[2] - floors[1] < np.log(10)  # photons take over from what is left in the dark
    assert limb_depth(0.01, 1e-4, (0.0, 0.06), (0.005, 0.005), 40) < limb_depth(0.01, 1e-4, (0.0, 0.06), (0.005, 0.005), 1)


def test_limb_depth_against_drawn_areas():
    """At that depth, the contrast of drawn areas is five times the scatter of what is compared."""
    noise, floor, side = 0.02, 4e-4, 40
    depth = limb_depth(noise, floor, (0.0, 0.0), (0.005, 0.005))
    level = np.exp(-depth)
    rng = np.random.default_rng(0)
    sigma = np.sqrt(floor**2 + (noise**2 - floor**2) * level)
    means = level + rng.normal(0, sigma, (400, 2, side, side)).mean(axis=(2, 3))
    assert 0.3 * level / (means[:, 0] - means[:, 1]).std() == pytest.approx(5.0, rel=0.12)


@pytest.mark.parametrize("name", ["01-counts.tif", "04-export.png", "03-dual-energy.npz", "05-forty-foot.tif", "12-wagon.npz"])
def test_the_samples_are_fit(name):
    scan = xs.read(SAMPLES / name)
    quality = measure(scan)
    assert quality.fit, quality.problems
    assert quality.shape == scan.view.shape


def test_pulses_of_a_simulated_scan():
    pytest.importorskip("torch")
    from xrayscan.simulate import simulate

    scan, truth = simulate(8, "clean", preset="rail 9 MV", delivery="counts", pitch=0.01)
    quality = measure(scan)
    pulses = truth.record.scanner.pulses
    assert quality.pulse_columns.value == pulses.columns
    assert near(quality.pulse_rms, 100 * pulses.rms, 0.15)


def test_real_pictures_are_measured(shared: Path):
    for path in sorted((shared / "real_scans/images").iterdir())[::25]:
        quality = measure(xs.read(path))
        assert quality.quantity == "display"
        assert quality.fit, (path.name, quality.problems)


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (3, 5), (40, 7), (7, 400), (64, 64), (128, 6000)])
@pytest.mark.parametrize("kind", ["counts", "transmission", "display", "floats"])
def test_any_size_and_kind_is_measured(shape, kind):
    rng = np.random.default_rng(shape[1])
    if kind == "counts":
        scan = Scan.from_array(rng.integers(200, 60_000, shape).astype(np.uint16), saturation=65_535.0)
    elif kind == "floats":
        pixels = rng.random(shape).astype(np.float32)
        pixels.flat[:: max(1, pixels.size // 3)] = np.nan
        pixels.flat[-1] = 0.7
        scan = Scan.from_array(pixels, quantity="transmission")
    else:
        dtype = np.uint16 if kind == "transmission" else np.uint8
        scan = Scan.from_array(rng.integers(0, np.iinfo(dtype).max, shape).astype(dtype), quantity=kind)
    quality = measure(scan)
    assert quality.fit == (not quality.problems)
    assert quality.fit is False or min(shape) >= 64
    for name, figure in quality.figures():
        assert (figure.value is None) or np.isfinite(figure.value), name
        assert figure.value is not None or figure.where, name
