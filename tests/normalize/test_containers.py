"""Containers drawn, simulated and real, where they are known to be."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import draw_chassis, draw_container, draw_scene
from scenes import seen

from xrayscan.geometry import Box
from xrayscan.normalize.beam import Beam
from xrayscan.normalize.containers import find_containers, with_air
from xrayscan.normalize.display import from_display
from xrayscan.normalize.opacity import depth_and_opacity
from xrayscan.normalize.outline import shrink


def found(depth: np.ndarray) -> tuple[Box, ...]:
    noisy = depth + np.random.default_rng(0).normal(0, 0.003, depth.shape).astype(np.float32)
    return find_containers(noisy, np.ones(depth.shape, bool))[0]


def best(box: Box, boxes: tuple[Box, ...]) -> float:
    return max((box.iou(other) for other in boxes), default=0.0)


@pytest.mark.parametrize("chassis", [True, False])
@pytest.mark.parametrize("load", [0.0, 0.8, 6.0])
@pytest.mark.parametrize("size", [(300, 700), (799, 2600)])
def test_one_container(chassis, load, size):
    scene = draw_scene(*size, load=load, chassis=chassis)
    boxes = found(scene.depth)
    assert len(boxes) == 1
    assert boxes[0].iou(scene.boxes[0]) > 0.95


@pytest.mark.parametrize("gap", [0, 4, 30])
def test_two_containers(gap):
    depth = np.zeros((400, 1600), np.float32)
    truth = [Box(60, 200, 300, 760), Box(60, 760 + gap, 300, 1320 + gap)]
    for box in truth:
        draw_container(depth, box)
    draw_chassis(depth, Box(60, 200, 300, 1320 + gap))
    boxes = found(depth)
    assert len(boxes) == 2
    assert all(a.iou(b) > 0.93 for a, b in zip(boxes, truth, strict=True))


def test_every_container_of_a_train():
    depth = np.zeros((200, 6000), np.float32)
    truth = [Box(40, 100 + 720 * k, 150, 760 + 720 * k) for k in range(8)]
    for box in truth:
        draw_container(depth, box)
    draw_chassis(depth, Box(40, 100, 150, 5800))
    boxes = found(depth)
    assert len(boxes) == 8
    assert all(a.iou(b) > 0.88 for a, b in zip(boxes, truth, strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_boxes_lie_in_any_picture(seed):
    random = np.random.default_rng(seed)
    shape = tuple(int(n) for n in random.integers(1, 500, 2))
    blocks = random.gamma(0.3, 2.0, (shape[0] // 30 + 1, shape[1] // 30 + 1))
    depth = np.kron(blocks, np.ones((30, 30)))[: shape[0], : shape[1]].astype(np.float32)
    valid = random.random(shape) > random.choice([0.0, 0.2, 0.9])
    boxes, _ = find_containers(np.where(valid, depth, np.nan).astype(np.float32), valid)
    assert all(box.bottom <= shape[0] and box.right <= shape[1] for box in (*boxes, *with_air(boxes, shape[1])))


def test_pillars_are_no_joint():
    depth = np.zeros((400, 1600), np.float32)
    draw_container(depth, Box(60, 200, 300, 1400), load=0.0)
    for x in (500, 800, 1100):
        depth[60:300, x - 6 : x + 6] += 1.5
    assert len(found(depth)) == 1


@pytest.mark.parametrize("degrees", [-1.5, 1.0])
def test_a_tilted_container(degrees):
    scene = draw_scene(400, 1000)
    turn = cv2.getRotationMatrix2D((500.0, 200.0), degrees, 1.0)
    box = scene.boxes[0]
    corners = np.array([[x, y, 1.0] for x in (box.left, box.right) for y in (box.top, box.bottom)]) @ turn.T
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    boxes = found(cv2.warpAffine(scene.depth, turn, (1000, 400)))
    assert boxes[0].iou(Box(top, left, bottom, right)) > 0.93


def test_walls_that_are_not_seen():
    # A curtain-sider: roof rail, posts and floor, and nothing between them.
    depth = np.zeros((400, 1200), np.float32)
    depth[40:48, 150:1050] = 0.4
    depth[280:300, 150:1050] = 1.0
    for x in (150, 1040):
        depth[40:300, x : x + 10] = 0.8
    assert found(depth)[0].iou(Box(40, 150, 300, 1050)) > 0.95


def test_a_frame_is_found_by_its_ends():
    depth = np.zeros((400, 1000), np.float32)
    depth[110:290, 220:780] = 2.0
    depth[290:300, 200:800] = 1.0
    for x in (200, 790):
        depth[60:300, x : x + 10] = 1.5
    assert found(depth)[0].iou(Box(60, 200, 300, 800)) > 0.95


def test_no_container():
    depth = np.zeros((300, 900), np.float32)
    depth[260:] = 1.0
    boxes, step = find_containers(depth, np.ones(depth.shape, bool))
    assert boxes == ()
    assert step.name == "containers"
    assert step.note == "warning: no container found; the whole picture is taken as load"


@pytest.mark.parametrize("shape", [(8, 8), (48, 48), (64, 64), (64, 4000), (500, 60), (1000, 60)])
@pytest.mark.parametrize("level", [0.0, 1.0, 12.0])
def test_any_size_of_picture_without_edges(shape, level):
    boxes, _ = find_containers(np.full(shape, level, np.float32), np.ones(shape, bool))
    assert boxes == ()


def test_nothing_valid():
    boxes, step = find_containers(np.full((200, 300), np.nan, np.float32), np.zeros((200, 300), bool))
    assert boxes == ()
    assert step.is_warning


def test_dead_channels_and_dead_pulses_do_not_move_the_box():
    scene = draw_scene()
    valid = np.ones(scene.depth.shape, bool)
    valid[[40, 41, 150]] = False
    valid[:, 300:302] = False
    boxes, _ = find_containers(np.where(valid, scene.depth, np.nan), valid)
    assert boxes[0].iou(scene.boxes[0]) > 0.95


@pytest.mark.parametrize(("first", "wide"), [(350, 100), (240, 12), (160, 80)])
def test_a_band_that_was_not_measured_cuts_no_container_in_two(first, wide):
    scene = draw_scene(400, 1000)
    valid = np.ones(scene.depth.shape, bool)
    valid[:, first : first + wide] = False
    boxes, _ = find_containers(np.where(valid, scene.depth, np.nan).astype(np.float32), valid)
    assert len(boxes) == len(scene.boxes) == 1
    assert boxes[0].iou(scene.boxes[0]) > 0.85


def test_padding_is_no_container():
    scene = draw_scene()
    depth = np.concatenate([np.full((300, 200), np.nan, np.float32), scene.depth], axis=1)
    boxes, _ = find_containers(depth, np.isfinite(depth))
    box = scene.boxes[0]
    assert len(boxes) == 1
    assert boxes[0].iou(Box(box.top, box.left + 200, box.bottom, box.right + 200)) > 0.95


def test_the_grid_may_be_at_hand():
    scene = draw_scene()
    valid = np.ones(scene.depth.shape, bool)
    assert find_containers(scene.depth, valid) == find_containers(scene.depth, valid, shrink(scene.depth, valid))


def test_rim_of_air():
    boxes = (Box(50, 100, 350, 500), Box(50, 504, 350, 904))
    first, second = with_air(boxes, 906)
    assert (first.top, first.left, first.bottom) == (44, 94, 350)
    assert first.right == second.left == 502
    assert second.right == 906
    assert with_air((), 100) == ()


@pytest.mark.parametrize(
    ("seed", "vehicle", "least"),
    [(2, "20 ft dry", 0.9), (5, "curtain trailer", 0.9), (8, "box truck", 0.9), (10, "tank container", 0.85)],
)
def test_simulated_vehicles(seed, vehicle, least):
    scene = seen(seed, vehicle)
    boxes, _ = find_containers(scene.depth, np.ones(scene.depth.shape, bool))
    assert len(boxes) == len(scene.boxes)
    assert min(best(box, boxes) for box in scene.boxes) > least


def real_boxes(folder: Path) -> dict[str, list[Box]]:
    truth: dict[str, list[Box]] = {}
    with (folder / "boxes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            truth.setdefault(row["file"], []).append(Box(*(int(row[name]) for name in ("y0", "x0", "y1", "x1"))))
    return truth


def test_real_pictures(shared):
    truth = real_boxes(shared / "real_scans")
    overlaps, counts = [], []
    for name in sorted(truth)[::5]:
        picture = cv2.imread(str(shared / "real_scans" / "images" / name), cv2.IMREAD_GRAYSCALE)
        beam: Beam = from_display(picture[None])
        depth, _, _ = depth_and_opacity(beam)
        boxes = with_air(find_containers(depth[0], beam.valid)[0], picture.shape[1])
        overlaps += [best(box, boxes) for box in truth[name]]
        counts.append(len(boxes) == len(truth[name]))
    assert np.mean(overlaps) >= 0.94
    assert min(overlaps) >= 0.8
    assert all(counts)
