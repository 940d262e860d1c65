"""What a lane takes in memory, before the first column comes."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

import xrayscan as xs
from xrayscan import rehearsal
from xrayscan.errors import CalibrationError

AIR = 60000.0


@pytest.fixture
def like():
    return xs.Scan.from_array(np.zeros((40, 1), np.uint16), air=np.full(40, AIR), pixel_pitch=0.05)


@pytest.fixture
def looks(monkeypatch):
    """Columns that first looks were taken at; what takes them is not asked."""
    taken = []

    def normalized(scan, **_):
        taken.append(scan.view.shape[1])
        raise CalibrationError("there is nothing to see")

    monkeypatch.setattr("xrayscan.first_look.normalize", normalized)
    return taken


class TestMadeUp:
    def test_its_load_stands_on_the_ground_with_air_around(self, like):
        pixels = rehearsal.made_up(like, 400).view.pixels[0]
        assert pixels.shape == (40, 400)
        assert (pixels[:8] == AIR).all()
        assert (pixels[:, :20] == AIR).all()
        assert pixels[8:, 20:380].max() < AIR / 1.9
        assert len(np.unique(pixels[8:, 20:380])) > 500

    def test_it_is_the_same_every_time(self, like):
        one, other = (rehearsal.made_up(like, 400).view.pixels for _ in range(2))
        np.testing.assert_array_equal(one, other)


class TestRehearsed:
    def test_first_looks_are_taken_until_the_stretch_is_screened(self, like, looks):
        scan = rehearsal.made_up(like, 100)  # 5 m: two looks, and again from the beginning

        def screen(shown):
            assert shown is scan
            while len(looks) < 7:
                threading.Event().wait(0.001)

        rehearsal.rehearsed(scan, screen, SimpleNamespace())
        assert len(looks) >= 7
        assert set(looks) == {37, 64}  # 1.85 m, and the last 3.2 m

    def test_a_stretch_that_fails_says_so(self, like, looks):
        def screen(_):
            raise CalibrationError("air is not above dark")

        with pytest.raises(CalibrationError, match="air is not above dark"):
            rehearsal.rehearsed(rehearsal.made_up(like, 100), screen, SimpleNamespace())
