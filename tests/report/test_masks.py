"""Masks as run lengths and polygons, as pycocotools draws them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xrayscan.report.masks import borders, mask_of, polygons_without_holes, run_lengths

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
coco_mask = pytest.importorskip("pycocotools.mask")


def blob(seed: int) -> np.ndarray:
    """A connected region with holes and ragged borders."""
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(20, 120)), int(rng.integers(20, 120))
    noise = cv2.GaussianBlur(rng.normal(size=shape).astype(np.float32), (0, 0), float(rng.uniform(1.5, 6)))
    _, labels, stats, _ = cv2.connectedComponentsWithStats((noise > -0.4 * noise.std()).astype(np.uint8))
    return labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])


def drawn(lines: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    runs = coco_mask.frPyObjects([line.ravel().tolist() for line in lines], *shape)
    return coco_mask.decode(coco_mask.merge(runs)).astype(bool)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return np.logical_and(one, other).sum() / np.logical_or(one, other).sum()


@pytest.mark.parametrize("seed", range(20))
def test_run_lengths_are_those_of_pycocotools(seed):
    mask = blob(seed)
    runs = run_lengths(mask)
    np.testing.assert_array_equal(mask_of(runs), mask)
    theirs = coco_mask.frPyObjects(runs, *mask.shape)
    np.testing.assert_array_equal(coco_mask.decode(theirs).astype(bool), mask)
    assert coco_mask.area(theirs) == mask.sum()


@pytest.mark.parametrize("seed", range(40))
def test_polygons_say_what_the_mask_says(seed):
    mask = blob(seed)
    assert overlap(drawn(polygons_without_holes(mask), mask.shape), mask) > 0.9


def test_a_box_is_exact_and_has_four_corners():
    (line,) = polygons_without_holes(np.ones((70, 55), bool), (100, 80))
    assert len(line) == 4
    assert drawn([line], (200, 300))[80:150, 100:155].all()
    assert drawn([line], (200, 300)).sum() == 70 * 55


def test_a_hole_stays_a_hole():
    mask = np.ones((60, 90), bool)
    mask[10:20, 10:30] = mask[30:50, 40:80] = mask[12:15, 70:73] = False
    lines = polygons_without_holes(mask)
    assert len(lines) == 1
    assert overlap(drawn(lines, mask.shape), mask) > 0.98


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_thin_masks_keep_an_area(shape):
    mask = np.ones(shape, bool)
    (line,) = polygons_without_holes(mask)
    assert len(line) >= 3
    assert drawn([line], shape).all()


def test_parts_are_apart_and_nothing_is_none():
    mask = np.zeros((20, 20), bool)
    mask[2:6, 2:6] = mask[10:15, 8:19] = True
    assert len(polygons_without_holes(mask)) == len(borders(mask)) == 2
    assert polygons_without_holes(np.zeros((3, 3), bool)) == borders(np.zeros((3, 3), bool)) == []


def test_run_lengths_that_do_not_fit_are_errors():
    with pytest.raises(ValueError, match="cannot reshape"):
        mask_of({"size": [3, 3], "counts": [4, 4]})
