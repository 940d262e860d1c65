"""The scanner's rays: what is in view, how columns follow each other, and that windows hold what they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from xrayscan.errors import RecipeError
from xrayscan.simulate.fan import Fan, Rays, Window
from xrayscan.simulate.scanner import PRESETS, draw_scanner
from xrayscan.simulate.solid import Room, box, capsule, cylinder, ellipsoid, rotation, sack, torus, turned
from xrayscan.simulate.trace import spans
from xrayscan.simulate.view import draw_fan, pitch_of

TRUCK = Room(-6.5, 13.6, -1.3, 1.3, -1.35, 2.75)
PITCH = (0.02, 0.025)


def scanner_of(seed=0, preset=None, **geometry):
    drawn = draw_scanner(np.random.default_rng(seed), preset)
    return replace(drawn, geometry=replace(drawn.geometry, **geometry))


def fan_of(seed=0, preset=None, pitch=PITCH, extent=TRUCK, **geometry):
    return draw_fan(np.random.default_rng(seed), scanner_of(seed, preset, **geometry), extent, pitch)


@pytest.mark.parametrize("preset", [*PRESETS, None])
@pytest.mark.parametrize("seed", range(3))
def test_slopes_fall_columns_follow_and_the_load_is_in_view(preset, seed):
    fan = fan_of(seed, preset)
    assert (np.diff(fan.slopes) < 0).all()
    assert (np.diff(fan.xs) > 0).all()
    assert fan.pitch == PITCH
    rise = np.abs(fan.lift).max()
    for x in (TRUCK.x0, 0.0, TRUCK.x1):
        for y in (TRUCK.y0, TRUCK.y1):
            assert 0 < fan.column_of(x, y) < fan.shape[1] - 1
            for z in (-0.2 + rise, TRUCK.z1 - rise):
                assert 0 < fan.row_of(y, z) < fan.shape[0] - 1


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_a_vertical_array_are_even_and_about_a_pitch_apart(seed):
    fan = fan_of(seed, "rail 9 MV")
    z = fan.source_height + fan.slopes * fan.source_distance
    assert np.allclose(np.diff(z), -PITCH[0])


@pytest.mark.parametrize("seed", range(6))
def test_an_l_array_is_finer_where_it_lies_along_the_travel_of_the_rays(seed):
    scanner = scanner_of(seed, "mobile 3 MV")
    assert scanner.geometry.array == "L"
    assert scanner.detector.seam > 0
    fan = draw_fan(np.random.default_rng(seed), scanner, TRUCK, PITCH)
    steps = -np.diff(fan.slopes) * fan.source_distance
    upright = np.isclose(steps, PITCH[0])
    corner = int(np.flatnonzero(upright)[0])
    assert upright[corner:].all()
    assert corner / steps.size == pytest.approx(scanner.detector.seam, abs=0.03)
    assert (np.diff(steps[: corner - 1]) < 0).all(), "further up the arm's channels are further apart, seen from the source"


def test_without_errors_the_travel_is_even():
    fan = fan_of(1, speed_error=0.0, speed_ripple=0.0, braking=0.0, wobble_amplitude=0.0, tilt=(0.0, 0.0))
    assert np.allclose(np.diff(fan.xs), PITCH[1])
    assert not fan.lift.any()


def test_speed_errors_move_the_columns():
    still = {"speed_ripple": 0.0, "braking": 0.0}
    even = fan_of(1, speed_error=0.0, **still)
    assert np.allclose(np.diff(even.xs).mean(), PITCH[1])
    off = [np.diff(fan_of(seed, speed_error=0.05, **still).xs).mean() / PITCH[1] - 1 for seed in range(20)]
    assert 0.02 < np.std(off) < 0.09
    rippled = fan_of(1, speed_error=0.0, braking=0.0, speed_ripple=0.05)
    assert np.diff(rippled.xs).std() > 10 * np.diff(even.xs).std()
    assert (fan_of(1, speed_error=0.9, speed_ripple=0.9).xs[1:] > fan_of(1, speed_error=0.9, speed_ripple=0.9).xs[:-1]).all()


def test_tilt_lifts_evenly_along_the_travel():
    fan = fan_of(2, tilt=(1.0, 1.0), wobble_amplitude=0.0)
    slope = np.polyfit(np.arange(fan.shape[1]) * PITCH[1], fan.lift, 1)[0]
    assert abs(slope) == pytest.approx(np.tan(np.radians(1.0)), rel=0.1)


def test_yaw_is_the_skew():
    fan = fan_of(2, yaw=(3.0, 3.0))
    assert fan.skew == pytest.approx(np.tan(np.radians(3.0)))


def test_the_pitch_is_the_scanner_s_own_unless_asked():
    scanner = scanner_of(3, "fixed 9/6 MV")
    own = (scanner.geometry.detector_pitch, scanner.geometry.column_pitch)
    assert pitch_of(scanner, None) == own
    assert pitch_of(scanner, PITCH) == PITCH
    assert draw_fan(np.random.default_rng(0), scanner, Room(0, 1, -1, 1, 0, 1), None).pitch == own


def things():
    """Solids of every shape, upright, turned, near the source, and beyond every edge of the picture."""
    rolled = rotation(0.7, 0.4, 0.2)
    return [
        box((1.0, -1.1, 0.2), (2.0, -0.4, 1.1), "wood", 0.5),
        turned(box((3.0, -0.5, 0.2), (4.0, 0.5, 1.1), "wood", 0.5), rolled),
        ellipsoid((5.0, 0.6, 1.4), (0.4, 0.3, 0.5), "water", 1.0),
        turned(sack((6.0, 0.0, 0.3), (0.4, 0.3, 0.1), "cellulose", 0.7), rolled),
        cylinder((7.0, -0.8, 0.8), 0.3, 1.2, "steel", 7.8, axis="z"),
        turned(cylinder((8.0, 0.8, 0.8), 0.3, 1.2, "steel", 7.8, axis="x"), rolled),
        capsule((9.0, 0.2, 0.3), (9.6, 0.9, 2.0), 0.15, "water", 1.0),
        torus((10.5, 0.0, 0.4), 0.3, 0.1, "rubber", 1.1, axis="y"),
        box((-9.0, -1.0, -0.3), (-6.9, 1.0, 1.0), "wood", 0.5),
        box((12.0, -1.0, 2.0), (20.0, 1.0, 6.0), "wood", 0.5),
        box((11.0, -1.0, -4.0), (11.5, 1.0, 0.1), "wood", 0.5),
    ]


@pytest.mark.parametrize("array", ["vertical", "L"])
@pytest.mark.parametrize("still", [True, False])
def test_a_solid_is_nowhere_outside_of_its_window(array, still):
    lifts = {"wobble_amplitude": 0.0, "tilt": (0.0, 0.0)} if still else {"wobble_amplitude": 0.03, "tilt": (0.5, 1.0)}
    scanner = scanner_of(4, "mobile 3 MV" if array == "L" else "rail 9 MV", yaw=(4.0, 4.0), **lifts)
    fan = draw_fan(np.random.default_rng(4), scanner, TRUCK, (0.06, 0.08))
    assert bool(fan.lift.any()) != still
    rays, whole = Rays(fan), Window(0, 0, *fan.shape)
    solids = things()
    center, reach = np.array([s.center for s in solids]), np.array([s.reach for s in solids])
    for solid, row in zip(solids, fan.windows(center - reach, center + reach).tolist(), strict=True):
        window = Window(*row)
        enter, leave = spans(solid, rays, whole)
        seen = (leave - enter).clamp(min=0).sum(0)
        outside = torch.ones(fan.shape, dtype=torch.bool)
        outside[window.slices] = False
        assert float(seen[outside].max()) < 1e-6, solid.shape
        if not window.empty:
            enter, leave = spans(solid, rays, window)
            assert torch.allclose((leave - enter).clamp(min=0).sum(0), seen[window.slices], atol=1e-5)


def test_windows_share_and_nest():
    one, other = Window(2, 3, 10, 20), Window(5, 1, 30, 9)
    assert one.shared(other) == Window(5, 3, 10, 9)
    assert one.shared(Window(40, 40, 50, 50)).empty
    array = np.arange(40 * 40).reshape(40, 40)
    assert (array[one.slices][one.shared(other).within(one)] == array[5:10, 3:9]).all()


def test_a_fan_that_cannot_be_is_refused():
    good = Fan.vertical((3.0, 1.0), 2.0, 0.0, (10, 20), (0.1, 0.1))
    with pytest.raises(RecipeError, match="slopes have to fall"):
        replace(good, slopes=good.slopes[::-1])
    with pytest.raises(RecipeError, match="columns to follow each other"):
        replace(good, xs=good.xs[::-1])
    with pytest.raises(RecipeError, match="3 lifts for 20 columns"):
        replace(good, lift=np.zeros(3))
