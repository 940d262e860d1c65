import numpy as np
import pytest

from xrayscan.arriving import Arriving
from xrayscan.errors import GapError, ShapeError
from xrayscan.normalize import normalize
from xrayscan.scan import Scan

ROWS = 60


def like():
    return Scan.from_array(np.zeros((ROWS, 1), np.uint16), air=np.full(ROWS, 60000.0), dark=np.zeros(ROWS), pixel_pitch=0.02)


def columns(start, stop):
    """Counts that tell their column."""
    return (np.arange(start, stop) + 40000).astype(np.uint16)[None].repeat(ROWS, axis=0)


class TestBlocks:
    def test_they_are_held_in_order(self):
        held = Arriving(like(), "error")
        for start, stop in ((0, 1), (1, 50), (50, 300)):
            held.push(columns(start, stop), start)
        assert held.count == 300
        np.testing.assert_array_equal(held.scan(20, 260).view.pixels[0], columns(20, 260))

    def test_what_is_forgotten_makes_room(self):
        held = Arriving(like(), "error")
        for start in range(0, 5000, 10):
            held.push(columns(start, start + 10), None)
            held.forget(start - 100)
        assert held._pixels.shape[2] < 500
        np.testing.assert_array_equal(held.scan(4900, 5000).view.pixels[0], columns(4900, 5000))
        np.testing.assert_array_equal(held.bright(4990), columns(4990, 5000).sum(axis=0))

    def test_room_is_taken_with_the_first_block(self):
        held = Arriving(like(), "error", room=400)
        held.push(columns(0, 10), None)
        first = held._pixels
        for start in range(10, 5000, 10):
            held.push(columns(start, start + 10), None)
            held.forget(start - 380)
        assert held._pixels is first
        np.testing.assert_array_equal(held.scan(4700, 5000).view.pixels[0], columns(4700, 5000))

    def test_one_column_may_be_a_line(self):
        held = Arriving(like(), "error")
        held.push(columns(0, 1)[:, 0], None)
        assert held.count == 1

    @pytest.mark.parametrize(
        ("block", "message"),
        [
            (np.zeros((ROWS + 1, 4), np.uint16), r"shape \(1, 61, 4\); expected .* with 60 rows and 1 energies"),
            (np.zeros((2, ROWS, 4), np.uint16), r"shape \(2, 60, 4\)"),
            (np.zeros((ROWS, 4), np.float32), "have dtype float32, those before uint16; push one dtype throughout"),
            (np.zeros((ROWS, 4), complex), "have dtype complex128; expected integers or real floats"),
        ],
    )
    def test_odd_ones_are_refused_and_nothing_is_lost(self, block, message):
        held = Arriving(like(), "error")
        held.push(columns(0, 5), None)
        with pytest.raises(ShapeError, match=message):
            held.push(block, None)
        held.push(columns(5, 9), 5)
        np.testing.assert_array_equal(held.scan(0, 9).view.pixels[0], columns(0, 9))

    def test_a_choice_that_is_none(self):
        with pytest.raises(ValueError, match="gaps is 'skip'; expected one of error, mask"):
            Arriving(like(), "skip")


class TestGaps:
    def test_a_lost_block_is_an_error(self):
        held = Arriving(like(), "error")
        held.push(columns(0, 10), 0)
        with pytest.raises(
            GapError, match="columns 10 to 14 did not arrive; push every column once and in order, or choose"
        ) as e:
            held.push(columns(14, 20), 14)
        assert (e.value.expected, e.value.actual) == (10, 14)
        held.push(columns(10, 20), 10)
        assert held.count == 20

    def test_a_repeated_block_is_an_error(self):
        held = Arriving(like(), "error")
        held.push(columns(0, 10), 0)
        with pytest.raises(GapError, match="columns 6 to 10 arrived twice"):
            held.push(columns(6, 12), 6)

    def test_masked_nothing_shifts(self):
        held = Arriving(like(), "mask")
        held.push(columns(0, 200), 0)
        held.push(columns(230, 300), 230)  # 30 lost
        held.push(columns(290, 400), 290)  # 10 of them again
        held.push(np.zeros((ROWS - 5, 20), np.uint16), 400)  # short
        held.push(columns(420, 600), 420)
        scan = held.scan(0, 600)
        lost = np.isnan(scan.view.pixels[0]).all(axis=0)
        np.testing.assert_array_equal(np.flatnonzero(lost), [*range(200, 230), *range(400, 420)])
        np.testing.assert_array_equal(scan.view.pixels[0][:, ~lost], columns(0, 600)[:, ~lost])
        radiograph = normalize(scan)
        assert not radiograph.valid[:, lost].any()
        assert radiograph.valid[:, ~lost].mean() > 0.9
        assert any("50 of 600 columns did not arrive whole" in warning for warning in radiograph.warnings)

    def test_without_a_gap_bits_are_kept(self):
        held = Arriving(like(), "mask")
        held.push(columns(0, 20), 0)
        assert held.scan(0, 20).view.pixels.dtype == np.uint16

    def test_a_counter_that_jumps_is_not_believed(self):
        held = Arriving(like(), "mask")
        held.push(columns(0, 10), 0)
        with pytest.raises(
            GapError, match="columns 10 to 4000000 did not arrive; no gap so wide is believed: check the counter"
        ):
            held.push(columns(0, 10), 4_000_000)
        assert held.count == 10

    @pytest.mark.parametrize("dtype", [np.uint16, np.float32])
    def test_all_of_it_again(self, dtype):
        held = Arriving(like(), "mask")
        held.push(columns(0, 30).astype(dtype), 0)
        held.push(columns(10, 20).astype(dtype), 10)
        assert held.count == 30
