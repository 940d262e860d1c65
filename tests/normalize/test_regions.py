"""Load, cab and chassis, drawn and simulated."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_chassis, draw_container, draw_scene
from scenes import seen

from xrayscan.geometry import Box
from xrayscan.normalize.containers import find_containers
from xrayscan.normalize.regions import find_regions

FLOOR = Box(240, 150, 265, 1050)


def empty_container() -> tuple[np.ndarray, Box]:
    depth = np.zeros((400, 1200), np.float32)
    box = Box(40, 150, 265, 1050)
    depth[box.slices] = 0.12
    depth[40:45, 150:1050] = 0.5
    depth[FLOOR.slices] = 0.7
    for x in (150, 1038):
        depth[40:265, x : x + 12] = 1.5
    return depth, box


def regions_of(depth: np.ndarray, *boxes: Box) -> tuple[dict[str, list[Box]], np.ndarray]:
    noisy = depth + np.random.default_rng(0).normal(0, 0.003, depth.shape).astype(np.float32)
    regions, line, _ = find_regions(noisy, np.ones(depth.shape, bool), boxes)
    kinds: dict[str, list[Box]] = {}
    for region in regions:
        kinds.setdefault(region.kind, []).append(region.box)
    return kinds, line


def test_an_empty_container_has_no_load():
    depth, box = empty_container()
    kinds, line = regions_of(depth, box)
    assert kinds == {"container": [box]}
    assert np.isnan(line).all()
    assert line.dtype == np.float32
    assert line.shape == (1200,)


@pytest.mark.parametrize("top", [60, 120, 200])
def test_load_line(top):
    depth, box = empty_container()
    depth[top:245, 400:900] += 1.0
    kinds, line = regions_of(depth, box)
    assert np.nanmedian(np.abs(line[410:890] - top)) <= 3
    assert np.isnan(line[:395]).all()
    assert np.isnan(line[905:]).all()
    assert kinds["load"][0].iou(Box(top, 400, 265, 900)) > 0.95


def test_a_full_container_is_load_to_the_roof():
    depth, box = empty_container()
    depth[50:245, 165:1035] += 3.0
    _, line = regions_of(depth, box)
    assert np.isfinite(line[200:1000]).all()
    assert np.nanmax(line) < 70


def test_a_tilted_load():
    depth, box = empty_container()
    depth[120:245, 300:900] += 1.0
    rows = np.arange(400)[:, None] - np.round(0.02 * (np.arange(1200) - 600)).astype(int)[None]
    tilted = np.take_along_axis(depth, np.clip(rows, 0, 399), axis=0)
    _, line = regions_of(tilted, Box(box.top - 9, box.left, box.bottom + 9, box.right))
    columns = np.arange(320, 880)
    assert np.median(np.abs(line[columns] - 120 - 0.02 * (columns - 600))) <= 3


def test_pillars_are_no_load():
    depth, box = empty_container()
    for x in (350, 600, 850):
        depth[45:240, x : x + 10] += 1.0
    kinds, line = regions_of(depth, box)
    assert "load" not in kinds
    assert np.isnan(line).all()


def test_chassis_lies_below_the_floor():
    depth, box = empty_container()
    depth[265:300, 100:1100] = 0.35
    depth[300:360, 300:360] = 3.0
    kinds, _ = regions_of(depth, box)
    (chassis,) = kinds["chassis"]
    assert (chassis.top, chassis.left, chassis.right) == (box.bottom, box.left, box.right)
    assert 355 <= chassis.bottom <= 363


def with_cab(depth: np.ndarray) -> np.ndarray:
    depth = depth.copy()
    depth[110:290, 10:120] = 0.15
    depth[270:340, 10:150] = 2.5
    return depth


@pytest.mark.parametrize("mirrored", [False, True])
def test_cab_on_either_side(mirrored):
    depth, box = empty_container()
    depth = with_cab(depth)
    truth = Box(110, 10, 340, 120)
    if mirrored:
        depth = depth[:, ::-1].copy()
        box, truth = (Box(b.top, 1200 - b.right, b.bottom, 1200 - b.left) for b in (box, truth))
    (cab,) = regions_of(depth, box)[0]["cab"]
    assert cab.iou(truth) > 0.85


def test_a_spare_wheel_and_a_dense_block_are_no_cab():
    depth, box = empty_container()
    depth[235:265, 60:120] = 1.5
    assert "cab" not in regions_of(depth, box)[0]
    depth[80:340, 10:120] = 4.0
    assert "cab" not in regions_of(depth, box)[0]


def test_two_containers_have_two_loads():
    depth = np.zeros((400, 1600), np.float32)
    boxes = Box(60, 200, 300, 760), Box(60, 790, 300, 1350)
    for box in boxes:
        draw_container(depth, box)
    draw_chassis(depth, Box(60, 200, 300, 1350))
    kinds, _ = regions_of(depth, *boxes)
    assert {kind: len(found) for kind, found in kinds.items()} == {"container": 2, "load": 2, "chassis": 2}


def test_no_container():
    depth = np.ones((100, 200), np.float32)
    regions, line, step = find_regions(depth, np.ones(depth.shape, bool), ())
    assert regions == ()
    assert np.isnan(line).all()
    assert step.note == "no container, so no regions"


def test_step_counts_what_was_found():
    scene = draw_scene()
    _, _, step = find_regions(scene.depth, np.ones(scene.depth.shape, bool), scene.boxes)
    assert step.name == "regions"
    assert step.note == "found 1 container, 1 load, 1 chassis"
    assert step.parameters["load"] == 1


@pytest.mark.parametrize("shape", [(50, 50), (60, 400), (400, 60)])
def test_small_boxes_are_no_trouble(shape):
    depth = np.ones(shape, np.float32)
    for box in (Box(0, 0, 1, 1), Box(shape[0] - 1, shape[1] - 1, *shape), Box(0, 0, *shape)):
        regions, line, _ = find_regions(depth, np.ones(shape, bool), (box,))
        assert regions[0].box == box
        assert line.shape == (shape[1],)


@pytest.mark.parametrize(("seed", "vehicle"), [(2, "20 ft dry"), (5, "curtain trailer"), (8, "box truck")])
def test_simulated_scenes(seed, vehicle):
    scene = seen(seed, vehicle)
    valid = np.ones(scene.depth.shape, bool)
    boxes, _ = find_containers(scene.depth, valid)
    regions, line, _ = find_regions(scene.depth, valid, boxes)
    both = np.isfinite(line) & np.isfinite(scene.load_line)
    if both.sum() > 50:
        assert np.median(np.abs(line - scene.load_line)[both]) < 0.06 * boxes[0].height
    cab = np.zeros(scene.depth.shape, bool)
    for region in regions:
        if region.kind == "cab":
            cab[region.box.slices] = True
    if scene.driver.any():
        assert cab[scene.driver].mean() > 0.95
