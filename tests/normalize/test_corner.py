"""The corner of an L-shaped array, read from the open beam: found where it is, and not made of ordinary channels."""

import numpy as np
import pytest

from xrayscan.normalize.corner import find_corner
from xrayscan.simulate.detector import draw_channels
from xrayscan.simulate.scanner import draw_scanner


def _gain(seed: int, spread: float = 0.05) -> np.ndarray:
    """Channels in modules of 32, of some spread each."""
    rng = np.random.default_rng(seed)
    modules = np.repeat(rng.normal(1.0, 0.03, 40), 32)
    return modules * rng.normal(1.0, spread, modules.size)


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.06])
@pytest.mark.parametrize(("first", "last"), [(60, 62), (333, 339), (700, 704)])
def test_a_run_of_weak_channels_is_found(first, last, spread):
    gain = _gain(3, spread)
    gain[first:last] *= 0.55
    assert find_corner(1.0 / gain) == pytest.approx(0.5 * (first + last - 1), abs=2.0)


def test_channels_that_are_missing_in_it_do_not_hide_it():
    per_count = 1.0 / _gain(4)
    per_count[[200, 203]] *= 2.0
    per_count[201:203] = 0.0
    assert find_corner(per_count) == pytest.approx(201.5, abs=2.0)


def test_one_weak_channel_or_a_dead_one_is_no_corner():
    per_count = 1.0 / _gain(5)
    per_count[100], per_count[300], per_count[500:503] = 3.0, 1e6, 0.0
    assert find_corner(per_count) is None


@pytest.mark.parametrize("line", [np.ones(900), np.zeros(900), np.full(900, np.inf), np.r_[np.zeros(880), np.ones(20)]])
def test_where_nothing_is_told_nothing_is_found(line):
    assert find_corner(line) is None


def test_most_simulated_corners_are_found_and_few_are_made_up():
    rng, found, made_up = np.random.default_rng(12), [], []
    for _ in range(200):
        scanner, rows = draw_scanner(rng), int(rng.integers(900, 1900))
        channels = draw_channels(rng, scanner, rows)
        gain = channels.calibrated_gain
        row = find_corner(np.divide(1.0, gain, out=np.zeros_like(gain), where=gain > 0))
        if channels.seam.size:
            found.append(row is not None and abs(row - channels.seam.mean()) < 8)
        else:
            made_up.append(row is not None)
    assert np.mean(found) > 0.8
    assert np.mean(made_up) < 0.1
