"""Voids cut into crops: what is missing by arithmetic, and only where a load has room for one."""

import numpy as np
import pytest

from xrayscan.simulate.packed import BITS
from xrayscan.simulate.truth import VOID_EDGE
from xrayscan.training.holes import WALLS
from xrayscan.training.hollows import SHARE, cut_void
from xrayscan.training.inserted import ATTENUATION

GRID = 0.01
SHAPE = (320, 384)


def scan(depth=1.5, bits=0):
    array = np.zeros((7, *SHAPE), np.float32)
    array[:2], array[2], array[4] = depth, 1.0, bits
    return array


def cut(seed, patch):
    return cut_void(np.random.default_rng(seed), patch, GRID)


class TestCutVoid:
    def test_what_is_missing_is_what_the_depth_fell_by(self):
        """Beside its boards, by the attenuation of one material, and at most the share that a void can be."""
        for seed in range(40):
            patch = scan()
            assert cut(seed, patch)
            np.testing.assert_array_equal(patch[0], patch[1])
            gone, missing = 1.5 - patch[0], patch[6]
            plain = gone > 0.05
            low, high = np.quantile(gone[plain] / missing[plain], [0.5, 0.9])
            assert ATTENUATION[0] <= low * 1.001
            assert high <= ATTENUATION[1] * 1.001
            assert gone.max() <= SHARE[1] * (1.5 - WALLS) + 1e-5
            assert not patch[5].any()

    def test_the_label_is_where_the_truth_of_a_simulated_scan_has_one(self):
        for seed in range(40):
            patch = scan()
            cut(seed, patch)
            np.testing.assert_array_equal(patch[4].astype(int) & BITS["void"] > 0, patch[6] > VOID_EDGE)
            assert (patch[4].astype(int) & BITS["void"] > 0).any()

    def test_some_carry_a_board_and_are_not_believed_the_second_energy(self):
        boards = 0
        for seed in range(40):
            patch = scan(bits=BITS["dual"])
            cut(seed, patch)
            board = (patch[0] > 1.5 + 1e-4).any()
            boards += board
            if board:
                assert not (patch[4].astype(int) & BITS["dual"]).any()
        assert 5 < boards < 35

    def test_it_is_closed_on_all_sides(self):
        """A load that ends in the picture: its void keeps off the edge, whichever side that is."""
        for seed in range(30):
            patch = scan(0.1)
            patch[:2, 60:280, 40:340] = 1.5
            if cut(seed, patch):
                rows, columns = np.nonzero(patch[6] > VOID_EDGE)
                assert min(rows.min() - 60, columns.min() - 40) >= 5
                assert max(rows.max() - 280, columns.max() - 340) < -5

    @pytest.mark.parametrize(
        "patch",
        [scan(bits=BITS["display"]), scan(bits=BITS["person"]), scan(bits=BITS["ignore"]), scan(0.3)],
        ids=["display", "where a person is", "where a hole is", "an empty container"],
    )
    def test_where_none_is_cut(self, patch):
        kept = patch.copy()
        assert not any(cut(seed, patch) for seed in range(10))
        np.testing.assert_array_equal(patch, kept)

    def test_none_where_nothing_was_measured_or_penetrated(self):
        for plane, value in ((2, 0.0), (3, 1.0)):
            patch = scan()
            patch[plane] = value
            assert not cut(1, patch)
