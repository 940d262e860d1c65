"""Sway: what swings along the upper edge of a container, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from xrayscan.normalize import normalize
from xrayscan.normalize.sway import find_sway
from xrayscan.scan import Box
from xrayscan.simulate.record import Choices, draw_record
from xrayscan.simulate.run import replay
from xrayscan.simulate.scene import build

PITCH = 0.004


def _picture(lift: np.ndarray, *, noise: float = 0.01, top: float = 60.0) -> tuple[np.ndarray, Box]:
    """A container 200 rows high over all but 100 columns at either end; ``lift`` moves each column down [rows]."""
    rng = np.random.default_rng(7)
    rows = np.arange(300, dtype=np.float64)[:, None]
    edge = top + lift[None]
    depth = 0.25 / (1 + np.exp(-(rows - edge) / 0.7)) + 0.5 / (1 + np.exp(-(rows - edge - 14) / 0.7))
    depth -= 0.4 / (1 + np.exp(-(rows - edge - 30) / 0.7))
    depth[:, :100] = depth[:, -100:] = 0.0
    depth = depth + rng.normal(0.0, noise, depth.shape)
    return depth.astype(np.float32), Box(int(top) - 4, 100, 280, lift.size - 100)


def _apart_from_a_parabola(line: np.ndarray) -> np.ndarray:
    x = np.arange(line.size)
    return line - np.polyval(np.polyfit(x, line, 2), x)


@pytest.mark.parametrize(("period", "amplitude"), [(60, 0.5), (240, 1.5), (700, 0.8)])
def test_sway_is_measured_to_a_tenth_of_itself(period, amplitude):
    columns = np.arange(1600)
    near = amplitude * np.sin(2 * np.pi * columns / period)
    depth, box = _picture(near + 0.004 * columns)
    lift, step = find_sway(depth, [box], PITCH, slope=0.004, scale=0.8)
    inside = slice(180, 1420)
    truth = near * 2.0 / 2.5
    left = _apart_from_a_parabola((lift - truth)[inside])
    assert left.std() < 0.1 * truth.std()
    assert step.note.startswith("the picture sways by ")
    assert "assumed" not in step.note
    assert step.parameters["rows_rms"] == pytest.approx(amplitude * 0.8 / np.sqrt(2), rel=0.1)


def test_an_edge_that_an_arm_sees_much_larger_is_followed_as_elsewhere():
    columns = np.arange(1600)
    near = 1.5 * np.sin(2 * np.pi * columns / 60)
    depth, box = _picture(near + 0.01 * columns)
    depth[100:280] += 0.4 / (1 + np.exp(-(np.arange(100, 280)[:, None] - 120 + 0.8 * near[None]) / 0.7)).astype(np.float32)
    lift, step = find_sway(depth, [box], PITCH, slope=0.01, scale=0.3, arm=True)
    assert lift is not None, step.note
    assert _apart_from_a_parabola((lift - 0.3 * near)[180:1420]).std() < 0.1 * 0.3 * near.std()


def test_a_still_picture_does_not_sway():
    depth, box = _picture(np.zeros(1600))
    lift, step = find_sway(depth, [box], PITCH)
    assert lift is None
    assert step.note == "none: under 0.1 rows rms"


def test_a_bowed_roof_is_no_sway():
    x = np.linspace(-1, 1, 1600)
    depth, box = _picture(4.0 * x**2)
    assert find_sway(depth, [box], PITCH)[0] is None


def test_a_broken_edge_is_no_sway():
    steps = np.repeat(np.random.default_rng(3).normal(0.0, 2.0, 40), 40)
    depth, box = _picture(steps)
    lift, step = find_sway(depth, [box], PITCH)
    assert lift is None
    assert step.note == "not measured: the upper edge is not straight"


def test_without_a_body_or_air_above_it_nothing_is_measured():
    depth, _box = _picture(np.zeros(1600))
    for boxes, picture in (([], depth), ([Box(0, 100, 200, 1500)], depth[110:])):
        lift, step = find_sway(picture, boxes, PITCH)
        assert lift is None
        assert step.note.startswith(("not measured", "none"))


def test_rows_that_are_not_valid_do_not_mislead():
    near = 0.8 * np.sin(2 * np.pi * np.arange(1600) / 200)
    depth, box = _picture(near)
    depth[[50, 58, 63]] = np.nan
    lift, _ = find_sway(depth, [box], PITCH, scale=1.0)
    assert _apart_from_a_parabola((lift - near)[180:1420]).std() < 0.15 * near.std()


def test_of_a_simulated_boom_most_of_the_sway_is_found():
    record = draw_record((77, 3), "clean", preset="mobile 3 MV", delivery="counts", choices=Choices(vehicles=("40 ft dry",)))
    geometry = replace(record.scanner.geometry, array="vertical", wobble_amplitude=0.006, speed=0.4, wobble_frequency=0.7)
    detector = replace(record.scanner.detector, seam=0.0)
    record = replace(record, scanner=replace(record.scanner, geometry=geometry, detector=detector), pitch=(0.005, 0.005))
    fan = build(record).fan
    radiograph = normalize(replay(record)[0])
    (box,) = radiograph.containers
    near = fan.source_distance - 1.22
    lift, _ = find_sway(radiograph.optical_depth[0], [box], 0.005, scale=near / fan.source_distance)
    truth = (-fan.lift if record.mirrored else fan.lift) / 0.005
    truth = truth[::-1] if record.mirrored else truth
    inside = slice(box.left + box.width // 20, box.right - box.width // 20)
    error = _apart_from_a_parabola((lift - truth)[inside])
    assert error.std() < 0.15 * _apart_from_a_parabola(truth[inside]).std()
