"""Crops joined from two scans: what is told of each part comes with it, and nothing that is looked for is cut."""

import numpy as np
import pytest

from xrayscan.simulate.packed import BITS
from xrayscan.training.spliced import SEAM, SHARE, splice

SHAPE = (120, 160)


def scan(depth, bits=0):
    array = np.zeros((7, *SHAPE), np.float32)
    array[:2], array[2], array[4] = depth, 1.0, bits
    return array


@pytest.fixture
def rng():
    return np.random.default_rng(11)


class TestSplice:
    def test_a_part_is_of_the_other_crop_with_all_that_is_told_of_it(self, rng):
        for _ in range(20):
            patch, other = scan(0.5), scan(2.0)
            other[5], other[6], other[3] = 30.0, 4.0, 1.0
            assert splice(rng, patch, other)
            taken = patch[0] == 2.0
            assert SHARE[0] ** 2 * 0.9 < taken.mean() < SHARE[1] + 0.01
            for plane, (here, there) in {3: (0.0, 1.0), 5: (0.0, 30.0), 6: (0.0, 4.0)}.items():
                assert (patch[plane][taken] == there).all()
                assert (patch[plane][~taken] == here).all()

    def test_nobody_is_cut_in_two(self, rng):
        joined = 0
        for _ in range(60):
            patch, other = scan(0.5), scan(2.0)
            patch[4, 40:80, 20:50] = other[4, 30:90, 90:120] = BITS["person"]
            if splice(rng, patch, other):
                joined += 1
                persons = (patch[4].astype(int) & BITS["person"]) > 0
                assert persons.sum() in (0, 40 * 30, 60 * 30, 40 * 30 + 60 * 30)
        assert joined > 10

    def test_voids_are_not_learned_along_the_cut_and_are_beside_it(self, rng):
        patch, other = scan(0.5), scan(2.0)
        assert splice(rng, patch, other)
        taken = patch[0] == 2.0
        across = taken[:, 1:] != taken[:, :-1]
        left_out = (patch[4].astype(int) & BITS["ignore"]) > 0
        assert left_out[:, 1:][across].all()
        columns = np.flatnonzero(across.any(axis=0))
        far = np.ones(SHAPE, bool)
        far[:, max(columns.min() - SEAM, 0) : columns.max() + SEAM + 2] = False
        if taken.all(axis=0).any():  # as high as the crop: the cut is along columns alone
            assert not left_out[far].any()

    def test_the_crop_s_own_edge_is_no_cut(self, rng):
        for _ in range(40):
            patch, other = scan(0.5), scan(2.0)
            patch[4, :30, 60:100] = other[4, :30, 60:100] = BITS["person"]
            if splice(rng, patch, other) and (patch[0] == 2.0).all(axis=0).any():
                left_out = (patch[4].astype(int) & BITS["ignore"]) > 0
                assert not left_out.all(axis=1).any()
                return
        pytest.fail("no part as high as the crop in 40 tries")

    @pytest.mark.parametrize(("here", "there", "left"), [(1, 1, True), (1, 0, False), (0, 1, False), (0, 0, False)])
    def test_the_second_energy_stays_where_both_have_it(self, rng, here, there, left):
        patch, other = scan(0.5, BITS["dual"] * here), scan(2.0, BITS["dual"] * there)
        assert splice(rng, patch, other)
        dual = (patch[4].astype(int) & BITS["dual"]) > 0
        assert dual.all() if left else not dual.any()

    @pytest.mark.parametrize("kind", ["driver", "display"])
    @pytest.mark.parametrize("in_the_other", [False, True])
    def test_crops_that_are_left_alone(self, rng, kind, in_the_other):
        patch, other = scan(0.5), scan(2.0)
        (other if in_the_other else patch)[4, 10:20, 10:20] = BITS[kind]
        before = patch.copy()
        assert not splice(rng, patch, other)
        np.testing.assert_array_equal(patch, before)
