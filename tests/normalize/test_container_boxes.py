"""Containers drawn where they are known to be, and the pitch that follows from them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn import draw_chassis, draw_container, draw_scene

from xrayscan.normalize.geometry import find_containers
from xrayscan.scan import Box


def found(depth: np.ndarray) -> tuple[Box, ...]:
    noisy = depth + np.random.default_rng(0).normal(0, 0.003, depth.shape).astype(np.float32)
    return find_containers(noisy, np.ones(depth.shape, bool))[0]


@pytest.mark.parametrize("chassis", [True, False])
@pytest.mark.parametrize("load", [0.0, 0.8, 6.0])
@pytest.mark.parametrize("size", [(300, 700), (799, 2600)])
def test_one_container(chassis, load, size):
    scene = draw_scene(*size, load=load, chassis=chassis)
    boxes = found(scene.depth)
    assert len(boxes) == 1
    assert boxes[0].iou(scene.boxes[0]) > 0.93


@pytest.mark.parametrize("gap", [0, 30])
def test_two_containers(gap):
    depth = np.zeros((400, 1600), np.float32)
    truth = [Box(60, 200, 300, 760), Box(60, 760 + gap, 300, 1320 + gap)]
    for box in truth:
        draw_container(depth, box)
    draw_chassis(depth, Box(60, 200, 300, 1320 + gap))
    boxes = found(depth)
    assert len(boxes) == 2
    assert all(a.iou(b) > 0.9 for a, b in zip(boxes, truth, strict=True))


@pytest.mark.parametrize("degrees", [-1.5, 1.0])
def test_a_tilted_container(degrees):
    scene = draw_scene(400, 1000)
    turn = cv2.getRotationMatrix2D((500.0, 200.0), degrees, 1.0)
    box = scene.boxes[0]
    corners = np.array([[x, y, 1.0] for x in (box.left, box.right) for y in (box.top, box.bottom)]) @ turn.T
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    boxes = found(cv2.warpAffine(scene.depth, turn, (1000, 400)))
    assert boxes[0].iou(Box(top, left, bottom, right)) > 0.9


def test_no_container():
    depth = np.zeros((300, 900), np.float32)
    depth[260:] = 1.0
    boxes, step = find_containers(depth, np.ones(depth.shape, bool))
    assert boxes == ()
    assert step.note == "warning: no container found; the whole picture is taken as load"


def test_dead_channels_do_not_move_the_box():
    scene = draw_scene()
    valid = np.ones(scene.depth.shape, bool)
    valid[[40, 41, 150]] = False
    boxes, _ = find_containers(np.where(valid, scene.depth, np.nan), valid)
    assert boxes[0].iou(scene.boxes[0]) > 0.93
