"""Rails, castings and magnification of drawn cross-sections and of simulated scans with known geometry."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from xrayscan.normalize.rails import Rails, filled, find_rails
from xrayscan.normalize.section import fit_line
from xrayscan.scan import Box

WIDTH = 2.438
SIZES = ((6.058, 2.591), (12.192, 2.591), (12.192, 2.896), (13.716, 2.896))


@dataclass(frozen=True)
class Drawn:
    """An empty container seen from a point, with its truth."""

    depth: np.ndarray
    box: Box
    rows: tuple[float, float, float, float]
    pitch: tuple[float, float]
    magnification: float
    corner: float = np.nan


IRON = 28.0
"""Optical depth of a meter of iron."""


def draw(
    length: float,
    height: float,
    distance: float = 2.7,
    *,
    tilt: float = 0.0,
    column: float = 0.005,
    bend: float = np.inf,
    insulated: bool = False,
) -> Drawn:
    """Rails, castings with their hollows, walls and posts as path lengths of rays from a point.

    The array is upright up to where it meets rays of slope ``bend``; what lies above is on an arm towards the source.
    ``insulated``: lower side rails at the floor, taller ones at the roof.
    """
    sill, rail, wall_thick = (0.11, 0.07, 0.005) if insulated else (0.165, 0.066, 0.003)
    rows_to_slope, above, scale = 5.0 / 0.005, 0.7, 1.0 / column
    shape = (round(2.0 * height / distance * rows_to_slope), round((length + 1.0) * scale))
    horizon = 0.12 * shape[0] + (height - above) / distance * rows_to_slope
    depth = np.zeros(shape, np.float32)
    x = (np.arange(shape[1]) + 0.5) / scale - 0.5 - length / 2.0
    lifts = np.tan(np.radians(tilt)) * x
    channels = (horizon - np.arange(shape[0])[:, None] - 0.5) / rows_to_slope + 1e-9
    slopes = np.where(channels > bend, bend / np.maximum(1.0 + bend - channels, 0.1), channels) if bend < 9.0 else channels

    def path(y: tuple[float, float], z: tuple[float, float], lift: np.ndarray) -> np.ndarray:
        ends = np.sort([(v + lift[None] - above) / slopes - distance for v in z], axis=0)
        return np.clip(np.minimum(ends[1], y[1]) - np.maximum(ends[0], y[0]), 0.0, None) * np.sqrt(1.0 + slopes**2)

    def add(x0: float, x1: float, y: tuple[float, float], z: tuple[float, float], hollow: float = 0.0) -> None:
        columns = np.flatnonzero((x >= x0 - length / 2.0) & (x < x1 - length / 2.0))
        lift = lifts[columns] if tilt else np.zeros(1)
        seen = path(y, z, lift)
        if hollow:
            seen = seen - path((y[0] + hollow, y[1] - hollow), (z[0] + hollow, z[1] - hollow), lift)
        depth[:, columns[0] : columns[-1] + 1] += IRON * seen

    for near in (True, False):

        def wall(y0: float, y1: float, near: bool = near) -> tuple[float, float]:
            return (y0, y1) if near else (WIDTH - y1, WIDTH - y0)

        add(0.178, length - 0.178, wall(0.0, 0.06), (height - rail, height - 0.006), wall_thick)
        for z in (0.007, sill - 0.005):
            add(0.16, length - 0.16, wall(0.0, 0.048), (z, z + 0.005))
        add(0.16, length - 0.16, wall(0.0, 0.0045), (0.007, sill))
        add(0.09, length - 0.09, wall(0.02, 0.0217), (sill, height - 0.06))
        for start in (0.0, length - 0.178):
            for z in (0.0, height - 0.118):
                add(start, start + 0.178, wall(0.0, 0.162), (z, z + 0.118), 0.026)
        for start in (0.0, length - 0.09):
            add(start, start + 0.09, wall(0.0, 0.12), (0.118, height - 0.118), 0.006)
    depth += np.random.default_rng(0).normal(0.0, 0.004, shape).astype(np.float32)

    def row(y: float, z: float) -> float:
        slope = (z - above) / (distance + y)
        return horizon - (slope if slope < bend else bend + 1.0 - bend / slope) * rows_to_slope - 0.5

    truth = (row(0.0, height), row(WIDTH, height), row(0.0, 0.0), row(WIDTH, 0.0))
    left = round(0.5 * scale)
    box = Box(int(truth[0]) - 6, left - 4, int(max(truth)) + 14, left + round(length * scale) + 5)
    middle = (distance + WIDTH / 2.0) / rows_to_slope
    corner = horizon - bend * rows_to_slope - 0.5
    return Drawn(depth, box, truth, (middle, column), (distance + WIDTH) / distance, corner)


def measured(drawn: Drawn, corner: float | None = None) -> Rails:
    rails, _ = find_rails(drawn.depth, np.ones(drawn.depth.shape, bool), [drawn.box], corner)
    assert rails is not None
    return rails


@pytest.mark.parametrize(("length", "height"), SIZES)
@pytest.mark.parametrize("distance", [2.1, 3.4])
def test_an_empty_container_tells_its_size_and_its_magnification(length, height, distance):
    drawn = draw(length, height, distance)
    rails = measured(drawn)
    assert (rails.length, rails.height) == (length, height)
    assert rails.magnification == pytest.approx(drawn.magnification, rel=0.02)
    assert rails.height / rails.middle_rows == pytest.approx(drawn.pitch[0], rel=0.01)
    assert rails.width == pytest.approx(length / drawn.pitch[1], rel=0.003)
    found = (rails.near_roof, rails.far_roof, rails.near_floor, rails.far_floor)
    assert found == pytest.approx(drawn.rows, abs=5.5)  # the roof rails lie up to 10 mm below the castings


@pytest.mark.parametrize("slower", [1.03, 1.15])
def test_two_containers_tell_their_column_pitch_together_unless_they_contradict_each_other(slower):
    first, second = draw(6.058, 2.591, column=0.005), draw(6.058, 2.591, column=0.005 / slower)
    start = first.depth.shape[1]
    moved = replace(second.box, left=start + second.box.left, right=start + second.box.right)
    depth = np.hstack([first.depth, second.depth])
    rails, _ = find_rails(depth, np.ones(depth.shape, bool), [first.box, moved])
    both = 2 / (1 / 0.005 + slower / 0.005)
    assert rails.column_pitch == pytest.approx(both if slower < 1.08 else rails.length / rails.width, rel=0.003)
    assert rails.column_pitch != pytest.approx(both, rel=0.01) or slower < 1.08


@pytest.mark.parametrize("height", [2.591, 2.896])
@pytest.mark.parametrize("distance", [2.1, 3.4])
def test_the_lower_side_rails_of_an_insulated_container_do_not_change_its_height(height, distance):
    drawn = draw(12.192, height, distance, insulated=True)
    rails = measured(drawn)
    assert rails.height == height
    assert rails.height / rails.middle_rows == pytest.approx(drawn.pitch[0], rel=0.01)


@pytest.mark.parametrize("below", [0.17, 0.35])
def test_the_beams_of_a_chassis_are_not_taken_for_the_floor(below):
    drawn = draw(12.192, 2.896, 2.4)
    meter = (drawn.rows[2] - drawn.rows[0]) / 2.896
    for row in (drawn.rows[2], drawn.rows[3]):
        start = int(row + below * meter)
        drawn.depth[start : start + 5] += 1.0
        drawn.depth[start + 30 : start + 35] += 1.0
    rails = measured(drawn)
    assert rails.height / rails.middle_rows == pytest.approx(drawn.pitch[0], rel=0.01)


def test_a_line_below_the_far_rail_is_not_taken_for_it():
    drawn = draw(12.192, 2.591)
    row = int(drawn.rows[1] + 0.12 * (drawn.rows[2] - drawn.rows[0]))
    drawn.depth[row : row + 9, drawn.box.left : drawn.box.right] += 1.5
    rails = measured(drawn)
    assert rails.far_roof == pytest.approx(drawn.rows[1], abs=5.5)
    assert rails.magnification == pytest.approx(drawn.magnification, rel=0.02)


@pytest.mark.parametrize(("bend", "height"), [(0.55, 2.591), (0.45, 2.896)])
def test_rows_on_the_arm_of_an_l_shaped_array_are_spaced_otherwise(bend, height):
    drawn = draw(12.192, height, 2.4, bend=bend)
    rails = measured(drawn)
    assert rails.height == height
    assert rails.magnification == pytest.approx(drawn.magnification, rel=0.03)
    assert rails.height / rails.middle_rows == pytest.approx(drawn.pitch[0], rel=0.02)
    assert rails.near_scale / rails.far_scale < 0.95 * drawn.magnification


@pytest.mark.parametrize("off", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize(("bend", "height"), [(0.55, 2.591), (0.65, 2.896), (0.7, 2.591)])
def test_a_known_corner_makes_an_l_shaped_array_as_good_as_an_upright_one(bend, height, off):
    drawn = draw(12.192, height, 2.4, bend=bend)
    rails = measured(drawn, drawn.corner + off)
    assert rails.height == height
    assert rails.height / rails.middle_rows == pytest.approx(drawn.pitch[0], rel=0.01)
    near = (height - 0.006 - 0.7) / 2.4  # slope of the ray to the near roof rail
    scale = 1000.0 * bend / near**2 / 2.4
    assert rails.near_scale == pytest.approx(scale, rel=0.03)


@pytest.mark.parametrize(("tilt", "bend"), [(-1.5, 0.65), (0.8, 0.55), (1.8, 0.7)])
def test_a_tilted_container_has_other_slopes_on_the_arm_than_below_it(tilt, bend):
    drawn = draw(12.192, 2.591, 2.4, tilt=tilt, bend=bend)
    box = Box(max(0, drawn.box.top - 40), drawn.box.left, drawn.box.bottom + 30, drawn.box.right)
    rails, _ = find_rails(drawn.depth, np.ones(drawn.depth.shape, bool), [box], drawn.corner)
    assert rails is not None
    assert rails.height / rails.middle_rows == pytest.approx(drawn.pitch[0], rel=0.01)
    assert rails.magnification == pytest.approx(drawn.magnification, rel=0.03)


@pytest.mark.parametrize("share", [-0.3, 0.3, 0.8])
def test_weak_channels_of_an_upright_array_are_no_corner(share):
    drawn = draw(12.192, 2.591, 2.4)
    roof, far, *_ = drawn.rows
    rails = measured(drawn, roof + share * (far - roof))
    assert rails.height / rails.middle_rows == pytest.approx(drawn.pitch[0], rel=0.01)


def test_dead_channels_and_gaps_do_not_matter():
    drawn = draw(6.058, 2.591)
    valid = np.ones(drawn.depth.shape, bool)
    valid[[150, 151, 300]] = False
    valid[200:210, 300:320] = False
    rails, step = find_rails(np.where(valid, drawn.depth, np.nan), valid, [drawn.box])
    assert rails is not None
    assert rails.magnification == pytest.approx(drawn.magnification, rel=0.02)
    assert "near wall 1." in step.note


@pytest.mark.parametrize("error", [-0.08, 0.12])
def test_the_rough_floor_may_be_wrong(error):
    drawn = draw(12.192, 2.896)
    rough = Box(drawn.box.top, drawn.box.left, round(drawn.box.bottom + error * drawn.box.height), drawn.box.right)
    rails, _ = find_rails(drawn.depth, np.ones(drawn.depth.shape, bool), [rough])
    assert rails is not None
    assert rails.near_floor == pytest.approx(drawn.rows[2], abs=4.0)


def test_a_load_that_hides_the_floor_widens_the_interval():
    drawn = draw(12.192, 2.591)
    free = measured(drawn)
    loaded = drawn.depth.copy()
    floor = int(drawn.rows[2])
    loaded[floor - 190 : floor + 40, drawn.box.left : drawn.box.right] = 8.0
    rails, _ = find_rails(loaded, np.ones(loaded.shape, bool), [drawn.box])
    assert rails is not None
    assert rails.length == 12.192
    assert rails.magnification is None or rails.middle_error > free.middle_error


def test_a_body_without_castings_has_no_size():
    depth = np.zeros((400, 1200), np.float32)
    depth[60:340, 100:1100] = 0.5
    rails, step = find_rails(depth, np.ones(depth.shape, bool), [Box(62, 98, 345, 1104)])
    assert rails is not None
    assert np.isnan(rails.length)
    assert rails.magnification is None
    assert (rails.left, rails.right) == pytest.approx((99.5, 1099.5), abs=1.0)
    assert step.note == "no corner castings are seen: no ISO container, its size is not known"


@pytest.mark.parametrize("boxes", [(), (Box(0, 0, 20, 30),), (Box(0, 0, 64, 64),)])
def test_nothing_to_see_is_said(boxes):
    depth = np.zeros((64, 64), np.float32)
    rails, step = find_rails(depth, np.ones(depth.shape, bool), boxes)
    assert rails is None
    assert "nothing was measured" in step.note


@pytest.mark.parametrize("shape", [(64, 64), (100, 3000), (900, 200)])
def test_noise_of_any_size_is_survived(shape):
    depth = np.random.default_rng(3).uniform(0.0, 3.0, shape).astype(np.float32)
    depth[::7] = np.nan
    find_rails(depth, np.isfinite(depth), [Box(0, 0, *shape)])


def test_a_line_through_outliers():
    x = np.linspace(-100.0, 100.0, 64)
    y = 3.0 + 0.02 * x
    y[::5] += 40.0
    y[3] = np.nan
    line = fit_line(x, y)
    assert line is not None
    assert (line.slope, line.at) == pytest.approx((0.02, 3.0), abs=1e-3)
    assert line.seen < 0.85
    assert fit_line(x[:7], y[:7]) is None


def test_holes_take_the_value_above():
    strip = np.array([[1.0, np.nan], [np.nan, 2.0], [3.0, np.nan]], np.float32)
    np.testing.assert_array_equal(filled(strip, np.isfinite(strip)), [[1.0, 0.0], [1.0, 2.0], [3.0, 2.0]])
