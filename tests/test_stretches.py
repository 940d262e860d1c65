import itertools

import numpy as np
import pytest

from xrayscan.scan import Scan
from xrayscan.stretches import HALO, LONGEST, SHORTEST, Stretch, brightness, next_stretch, part, stretches

PITCH = 0.05


def long_scan(meters=100.0, seed=1):
    """A train as far as cutting sees it: wagons with gaps between, at irregular places."""
    rng = np.random.default_rng(seed)
    pixels = np.full((40, round(meters / PITCH)), 12000, np.uint16) + rng.integers(
        0, 200, (40, round(meters / PITCH)), np.uint16
    )
    at = 0
    while (at := at + int(rng.uniform(11, 22) / PITCH)) < pixels.shape[1]:
        pixels[:, at : at + 12] = 60000
    return Scan.from_array(pixels, air=np.full(40, 60000), pixel_pitch=PITCH)


class TestStretches:
    def test_what_is_kept_lies_side_by_side_and_is_all(self):
        cut = stretches(long_scan())
        assert cut[0].first == cut[0].start == 0
        assert cut[-1].last == cut[-1].stop == 2000
        assert all(one.last == other.first for one, other in itertools.pairwise(cut))

    def test_sizes_in_meters(self):
        for one in stretches(long_scan())[:-1]:
            assert SHORTEST <= (one.last - one.first) * PITCH <= LONGEST
            assert one.stop - one.last == round(HALO / PITCH)
            assert one.first - one.start == min(one.first, round(HALO / PITCH))

    def test_it_is_cut_between_the_wagons(self):
        scan = long_scan()
        for one in stretches(scan)[:-1]:
            assert scan.view.pixels[0, :, one.last].min() == 60000

    def test_a_truck_is_not_cut(self):
        assert stretches(long_scan(LONGEST + HALO)) == (Stretch(0, 460, 0, 460),)
        assert len(stretches(long_scan(LONGEST + HALO + 2 * PITCH))) == 2

    def test_without_a_pitch_nothing_is_cut(self):
        scan = Scan.from_array(np.full((40, 3000), 900, np.uint16), air=np.full(40, 1000))
        assert stretches(scan) == (Stretch(0, 3000, 0, 3000),)

    @pytest.mark.parametrize("step", [1, 7, 333])
    def test_an_arriving_scan_is_cut_as_the_whole(self, step):
        scan = long_scan()
        bright, cut = brightness(scan.view.pixels), []
        for have in range(step, 2000 + step, step):
            first = cut[-1].last if cut else 0
            while (one := next_stretch(bright[first : min(have, 2000)], first, PITCH, ended=False)) is not None:
                cut.append(one)
                first = one.last
        while (first := cut[-1].last) < 2000:
            cut.append(next_stretch(bright[first:], first, PITCH, ended=True))
        assert tuple(cut) == stretches(scan)


class TestBrightness:
    @pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
    def test_of_a_column_alone_as_of_many(self, dtype):
        pixels = (np.random.default_rng(3).random((2, 333, 2100)) * 60000).astype(dtype)
        alone = [brightness(pixels[:, :, k : k + 1])[0] for k in range(0, 2100, 50)]
        np.testing.assert_array_equal(alone, brightness(pixels)[::50])

    def test_what_is_not_a_number_is_dark(self):
        pixels = np.ones((1, 4, 3), np.float32)
        pixels[0, :, 1] = np.nan
        assert list(brightness(pixels)) == [4, 0, 4]


class TestPart:
    def test_pixels_and_what_is_told_of_each_column(self):
        air = np.arange(2 * 30, dtype=np.float32).reshape(1, 2, 30) + 1000
        scan = Scan.from_array(np.arange(60, dtype=np.uint16).reshape(2, 30), air=air, dark=np.zeros(2), pixel_pitch=0.01)
        shown = part(scan, Stretch(5, 12, 6, 11))
        np.testing.assert_array_equal(shown.view.pixels[0, 0], np.arange(5, 12))
        np.testing.assert_array_equal(shown.calibration.air, air[:, :, 5:12])
        assert shown.calibration.dark.shape == (1, 2)
