"""The scan without a finding: the load goes on as elsewhere, with its own noise; nothing is made up where nothing is known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from xrayscan.explain.expected import expected_depth
from xrayscan.findings import Finding, Mass, Position, Size
from xrayscan.scan import Box, Radiograph

SHAPE, PITCH, BOX = (160, 600), (0.01, 0.01), Box(50, 280, 110, 330)
INNER = np.s_[5:-5, 5:-5]  # of an expectation's box: what the finding's mask covers


def finding(box: Box = BOX, mask: np.ndarray | None = None) -> Finding:
    mask = np.ones((box.height, box.width), bool) if mask is None else mask
    return Finding("P1", "person", 0.9, box, mask, Position(1.0, 1.0), Size(0.6, 0.5), Mass(60, 40, 90))


def noisy(depth: np.ndarray, seed: int = 1) -> np.ndarray:
    """With noise that grows as photons are lost."""
    rng = np.random.default_rng(seed)
    return (depth + 0.01 * np.exp(depth / 2.0) * rng.standard_normal(depth.shape)).astype(np.float32)


def cartons() -> np.ndarray:
    """A load that repeats every 60 columns, on a floor that runs along."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depth = 1.5 + 1.0 * (columns // 30 % 2) + 0.5 * (rows // 40 % 2)
    depth[140:] = 4.0
    return depth.astype(np.float64)


def scan(depth: np.ndarray, change: float = 0.9, box: Box = BOX, **changed) -> Radiograph:
    put = depth.copy()
    put[..., box.top : box.bottom, box.left : box.right] += change
    planes = np.stack([noisy(plane, seed) for seed, plane in enumerate(np.atleast_3d(put.T).T, 1)])
    ones = np.ones(SHAPE, bool)
    energies = ("high", "low")[: len(planes)]
    return Radiograph(planes, **{"valid": ones, "opaque": ~ones, "pixel_pitch": PITCH, "energies": energies} | changed)


def short_scan(depth: np.ndarray, box: Box) -> Radiograph:
    """Of any width, with something added in a box."""
    put = depth.copy()
    put[box.slices] += 0.9
    ones = np.ones(depth.shape, bool)
    return Radiograph(noisy(put)[None], ones, ~ones, PITCH)


def roughness(plane: np.ndarray) -> float:
    """Noise: what neighbors along the rows differ by, robust against edges."""
    return float(1.4826 * np.median(np.abs(np.diff(plane, axis=1))) / np.sqrt(2.0))


@pytest.mark.parametrize("change", [0.9, -0.9], ids=["something added", "something taken away"])
def test_a_load_that_repeats_goes_on(change):
    depth = cartons()
    expected = expected_depth(finding(), scan(depth, change))
    assert expected.box == Box(45, 275, 115, 335)
    assert expected.shift is not None
    assert expected.shift[1] % 60 == 0
    error = (expected.depth[0] - depth[expected.box.slices])[INNER]
    assert abs(error.mean()) < 0.02
    assert np.sqrt((error**2).mean()) < 1.3 * 0.01 * np.exp(1.25)


def test_a_load_that_is_the_same_everywhere_goes_on_with_noise_of_its_own_size():
    expected = expected_depth(finding(), scan(np.full(SHAPE, 3.0)))
    assert expected.depth[0][INNER].mean() == pytest.approx(3.0, abs=0.01)
    assert roughness(expected.depth[0][INNER]) == pytest.approx(0.01 * np.exp(1.5), rel=0.1)


def test_where_nothing_is_alike_the_edges_are_drawn_together_with_noise():
    """A slope that no other part of a short scan has."""
    depth = np.tile(np.linspace(0.5, 5.0, SHAPE[1]) ** 1.5 / 2.0, (SHAPE[0], 1))
    short = np.s_[:, 220:400]
    whole = scan(depth)
    cut = Radiograph(whole.optical_depth[:, *short], whole.valid[short], whole.opaque[short], PITCH)
    box = Box(BOX.top, BOX.left - 220, BOX.bottom, BOX.right - 220)
    expected = expected_depth(finding(box), cut)
    assert expected.shift is None
    truth = depth[short][expected.box.slices]
    assert np.abs((expected.depth[0] - truth)[INNER].mean(axis=0)).max() < 0.15
    own = roughness(noisy(truth)[INNER])
    assert roughness(expected.depth[0][INNER]) == pytest.approx(own, rel=0.1)


def irregular(columns: int) -> np.ndarray:
    """A short load of cartons of every width, height and density, none like another."""
    rng = np.random.default_rng(7)
    depth = np.full((SHAPE[0], columns), 0.5)
    left = 0
    while left < columns:
        wide = int(rng.integers(8, 30))
        top = 0
        while top < SHAPE[0]:
            tall = int(rng.integers(8, 30))
            depth[top : top + tall, left : left + wide] = rng.uniform(0.8, 3.0)
            top += tall
        left += wide
    return depth


def test_edges_of_the_load_around_are_no_noise():
    box = Box(50, 60, 110, 110)
    expected = expected_depth(finding(box), short_scan(irregular(180), box))
    assert expected.shift is None
    inside = expected.depth[0][INNER]
    off_neighbors = (inside[:, 2:] - 2 * inside[:, 1:-1] + inside[:, :-2]) / np.sqrt(6.0)
    size = 1.4826 * np.median(np.abs(off_neighbors))
    assert size == pytest.approx(0.01 * np.exp(np.median(inside) / 2.0), rel=0.15)


def mixed_differences(plane: np.ndarray) -> np.ndarray:
    """What neighbors along rows and columns do not have in common: twice the size of noise that they do not share."""
    return plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1]


def test_what_is_drawn_from_the_edge_has_no_bends_that_show_in_a_quiet_scan():
    """Round goods of every size: noise of both measures is of one size, as if nothing but noise had been drawn."""
    box, quiet = Box(40, 50, 120, 130), 0.0005
    rng = np.random.default_rng(2)
    depth = np.full((SHAPE[0], 180), 0.5, np.float32)
    for _ in range(60):
        at = (int(rng.integers(180)), int(rng.integers(160)))
        cv2.circle(depth, at, int(rng.integers(6, 20)), float(rng.uniform(0.8, 4.0)), -1)
    depth = depth + quiet * np.exp(depth / 2.0) * rng.standard_normal(depth.shape)
    depth[box.slices] += 0.9
    ones = np.ones(depth.shape, bool)
    expected = expected_depth(finding(box), Radiograph(depth[None].astype(np.float32), ones, ~ones, PITCH))
    assert expected.shift is None
    once = mixed_differences(expected.depth[0][INNER])
    assert np.median(np.abs(once)) / 2.0 == pytest.approx(np.median(np.abs(mixed_differences(once))) / 6.0, rel=0.1)


def test_neighbors_share_as_much_of_the_noise_drawn_as_of_the_noise_around():
    box = Box(50, 60, 110, 110)
    rng = np.random.default_rng(5)
    depth = np.tile(np.linspace(0.5, 3.0, 180) ** 1.5, (SHAPE[0], 1))
    shared = cv2.GaussianBlur(rng.standard_normal(depth.shape), (0, 0), 0.6)
    depth += 0.02 * np.exp(depth / 2.0) * shared
    depth[box.slices] += 0.9
    ones = np.ones(depth.shape, bool)
    expected = expected_depth(finding(box), Radiograph(depth[None].astype(np.float32), ones, ~ones, PITCH))
    assert expected.shift is None
    inside, columns = expected.depth[0][INNER], slice(expected.box.left + 5, expected.box.right - 5)
    for how in (mixed_differences, lambda plane: mixed_differences(mixed_differences(plane))):
        wanted = np.median(np.abs(how(depth[:45, columns])))
        assert np.median(np.abs(how(inside))) == pytest.approx(wanted, rel=0.1)


def test_what_lies_below_does_not_rise_into_what_is_drawn_from_the_edge():
    """Somebody in the air over a dense floor: what is left and right of him goes on, and not the floor."""
    depth = np.tile(np.linspace(0.2, 0.6, 180) ** 2, (SHAPE[0], 1))
    depth[112:] += 3.0
    box = Box(60, 60, 110, 130)
    expected = expected_depth(finding(box), short_scan(depth, box))
    assert expected.shift is None
    apart = np.abs(expected.depth[0] - depth[expected.box.slices])
    assert np.median(apart[5:40, 5:-5]) < 0.1
    assert apart[5:40, 5:-5].max() < 0.5


def test_rows_that_nothing_is_seen_of_are_drawn_from_those_above_and_below():
    """Dense goods left and right of somebody: the middle of what is drawn has no neighbor in its own rows, and is no hole."""
    depth = np.tile(np.linspace(1.5, 3.0, 180) ** 1.5, (SHAPE[0], 1))
    box = Box(60, 60, 110, 120)
    radiograph = short_scan(depth, box)
    opaque = np.zeros(depth.shape, bool)
    opaque[40:130, :60] = opaque[40:130, 120:] = True
    expected = expected_depth(finding(box), replace(radiograph, opaque=opaque))
    assert expected.shift is None
    inside = expected.replaced
    assert inside[INNER].all()
    assert np.abs(expected.depth[0] - depth[expected.box.slices])[inside].max() < 1.5


def test_another_place_must_be_clearly_more_alike_than_the_edge():
    """It brings things of its own: here a barrel, from surroundings that have hardly anything of those here."""
    rng = np.random.default_rng(3)
    own, other = (np.kron(rng.standard_normal((24, 22)), np.ones((5, 5))) for _ in range(2))
    depth = np.full(SHAPE, 2.0)
    depth[20:140, 250:360] += 0.2 * own
    depth[20:140, 450:560] += 0.2 * (0.5 * own + 0.8 * other)  # what is left of it is 0.94 of what is here
    depth[BOX.top : BOX.bottom, 480:530] += 1.5
    expected = expected_depth(finding(), scan(depth))
    assert expected.shift is None


def test_an_example_that_is_lifted_brings_the_noise_of_its_new_depth():
    """The load repeats, but thicker from place to place."""
    depth = cartons() + np.tile(np.repeat(np.arange(10) * 0.25, 60), (SHAPE[0], 1))
    expected = expected_depth(finding(), scan(depth))
    assert expected.shift is not None
    truth = depth[expected.box.slices]
    assert roughness(expected.depth[0][INNER]) == pytest.approx(roughness(noisy(truth)[INNER]), rel=0.1)
    assert (expected.depth[0] - truth)[INNER].mean() == pytest.approx(0.0, abs=0.05)


def test_an_example_of_more_noise_brings_that_of_its_new_place():
    """The far half of the scan was taken with a quarter of the photons: the place that repeats is twice as noisy."""
    depth = cartons()
    # What stands near the finding has no like but in the far half.
    pattern = 0.4 * np.kron(np.random.default_rng(5).standard_normal((12, 13)), np.ones((10, 10)))
    depth[20:140, 240:370] = depth[20:140, 440:570] = 2.0 + pattern
    whole = scan(depth)
    planes = whole.optical_depth.copy()
    more = np.random.default_rng(6).standard_normal((160, 200))
    planes[0, :, 400:] += 0.01 * np.sqrt(3.0) * np.exp(depth[:, 400:] / 2.0) * more
    expected = expected_depth(finding(), replace(whole, optical_depth=planes))
    assert expected.shift == (0, 200)
    quiet = np.exp(-depth[expected.box.slices][INNER] / 2.0)
    apart = (expected.depth[0] - depth[expected.box.slices])[INNER] * quiet
    assert roughness(apart) == pytest.approx(0.01, rel=0.25)


def test_no_place_outside_of_the_container_is_an_example_for_what_lies_in_it():
    """A container whose walls look alike: what lies at the right one is not filled from the open air beyond the left one."""
    depth = np.full(SHAPE, 0.01)
    depth[20:150, 100:500] = 1.2 + 0.3 * np.random.default_rng(1).standard_normal((130, 400)).cumsum(axis=1) / 6.0
    depth[20:150, 100:106] = depth[20:150, 494:500] = 6.0
    box = Box(60, 440, 120, 485)
    held = Box(20, 100, 150, 500)
    shifts = [
        expected_depth(finding(box), scan(depth, box=box, containers=containers)).shift
        for containers in ((held,), (Box(0, 0, *SHAPE),))
    ]
    assert shifts[1] is not None
    assert box.left + shifts[1][1] + box.width <= held.left + 6  # else this load would not tell
    assert shifts[0] is None or held.left <= box.left + shifts[0][1] <= held.right - box.width


def test_only_the_mask_and_a_little_around_it_is_replaced():
    mask = np.zeros((BOX.height, BOX.width), bool)
    mask[10:30, 10:30] = True
    radiograph = scan(cartons())
    expected = expected_depth(finding(mask=mask), radiograph)
    own = radiograph.optical_depth[:, *expected.box.slices]
    assert expected.replaced[15:35, 15:35].all()
    assert expected.replaced.sum() < 35 * 35
    np.testing.assert_array_equal(expected.depth[:, ~expected.replaced], own[:, ~expected.replaced])


def test_nothing_is_made_up_where_the_beam_did_not_come_through():
    opaque, valid = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    opaque[50:80, 280:330], valid[:, 300] = True, False
    radiograph = scan(cartons(), opaque=opaque, valid=valid)
    expected = expected_depth(finding(), radiograph)
    assert not expected.replaced[opaque[expected.box.slices] | ~valid[expected.box.slices]].any()
    assert expected.replaced.any()
    own = radiograph.optical_depth[:, *expected.box.slices]
    np.testing.assert_array_equal(expected.depth[:, ~expected.replaced], own[:, ~expected.replaced])


def test_a_finding_that_is_opaque_as_a_whole_stays():
    opaque = np.zeros(SHAPE, bool)
    opaque[30:130, 260:350] = True
    radiograph = scan(cartons(), opaque=opaque)
    expected = expected_depth(finding(), radiograph)
    assert not expected.replaced.any()
    np.testing.assert_array_equal(expected.depth, radiograph.optical_depth[:, *expected.box.slices])


def test_no_other_finding_is_an_example():
    """Two alike in a load that is otherwise not: one must not be put in the other's place."""
    depth = np.full(SHAPE, 2.0)
    second = Box(50, 430, 110, 480)
    depth[second.slices] += 0.9
    expected = expected_depth(finding(), scan(depth), (finding(), finding(second)))
    assert expected.depth[0][INNER].mean() == pytest.approx(2.0, abs=0.03)


def test_both_energies_are_of_one_place():
    depth = np.stack([cartons(), 1.2 * cartons()])
    expected = expected_depth(finding(), scan(depth))
    assert expected.depth.shape == (2, 70, 60)
    np.testing.assert_allclose(np.median(expected.depth[1] / expected.depth[0]), 1.2, atol=0.02)


def test_it_is_the_same_each_time_and_cannot_be_changed():
    radiograph = scan(np.tile(np.linspace(0.5, 4.0, SHAPE[1]), (SHAPE[0], 1)))
    one, other = (expected_depth(finding(), radiograph) for _ in range(2))
    np.testing.assert_array_equal(one.depth, other.depth)
    assert not one.depth.flags.writeable


def test_a_finding_that_fills_the_scan_is_left_as_it_is():
    small = Radiograph(np.full((1, 30, 30), 2.0), np.ones((30, 30), bool), np.zeros((30, 30), bool), PITCH)
    expected = expected_depth(finding(Box(0, 0, 30, 30)), small)
    assert expected.shift is None
    assert not expected.replaced.any()
    assert (expected.depth == 2.0).all()


def test_a_scan_of_uneven_pixels():
    radiograph = replace(scan(cartons()), pixel_pitch=(0.008, 0.004))
    expected = expected_depth(finding(), radiograph)
    assert expected.box == Box(44, 268, 116, 342)
    assert np.isfinite(expected.depth).all()
