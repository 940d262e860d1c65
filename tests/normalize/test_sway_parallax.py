"""How far the load moves: read from the load, blended with what rails tell, and told apart from an edge that swings alone."""

import numpy as np
import pytest

from xrayscan.normalize.parallax import EVEN, find_parallax
from xrayscan.scan import Box

SWAY = 1.5 * np.sin(2 * np.pi * np.arange(1600) / 160.0)
BOX = Box(20, 60, 300, 1540)


def _load(scale: float, seed: int = 5) -> np.ndarray:
    """Layers that lie from the near to the far wall, the middle one moving by ``scale`` rows for each row of the edge."""
    rng = np.random.default_rng(seed)
    rows = np.arange(320, dtype=np.float64)[:, None]
    depth = np.zeros((320, SWAY.size))
    for row in range(40, 300, 12):
        place = rng.uniform(0.8, 1.25)
        depth += rng.choice([-0.2, 0.3]) / (1 + np.exp(-(rows - row - scale * place * SWAY[None]) / 0.8))
    return (1.0 + depth + rng.normal(0.0, 0.01, depth.shape)).astype(np.float32)


@pytest.mark.parametrize("scale", [0.6, 0.75, 1.0])
def test_the_loads_own_motion_tells_its_scale(scale):
    found, error = find_parallax(_load(scale), [BOX], SWAY, 160.0, 0.0)
    assert abs(np.log(found / scale)) < 0.2
    assert error < 0.2


def test_without_structures_the_usual_scale_is_taken_and_said_to_be_unsure():
    depth = np.random.default_rng(0).normal(1.0, 0.01, (320, SWAY.size)).astype(np.float32)
    found, error = find_parallax(depth, [BOX], SWAY, 160.0, 0.0)
    assert found == pytest.approx(EVEN, rel=0.05)
    assert error > 0.1


def test_an_arm_that_sees_the_edge_may_show_it_moving_much_farther_than_the_load():
    found, _ = find_parallax(_load(0.35), [BOX], SWAY, 160.0, 0.0, arm=True)
    assert abs(np.log(found / 0.35)) < 0.2


def test_an_edge_that_is_known_to_be_seen_by_the_upright_has_the_usual_scale():
    depth = np.random.default_rng(0).normal(1.0, 0.01, (320, SWAY.size)).astype(np.float32)
    found, error = find_parallax(depth, [BOX], SWAY, 160.0, 0.0, arm=False)
    assert found == pytest.approx(EVEN, rel=0.02)
    assert error < 0.1


def test_a_load_that_stands_still_under_a_swinging_edge_is_told():
    assert find_parallax(_load(0.0), [BOX], SWAY, 160.0, 0.0) is None


def test_rails_that_are_nearly_sure_outweigh_the_load():
    found, _ = find_parallax(_load(0.75), [BOX], SWAY, 160.0, 0.0, (0.8, 0.01))
    assert found == pytest.approx(0.8, rel=0.03)


def test_pixels_that_are_not_valid_do_not_mislead():
    depth = _load(0.75)
    depth[[100, 101, 177]] = np.nan
    depth[200:220, 500:540] = np.nan
    found, _ = find_parallax(depth, [BOX], SWAY, 160.0, 0.0)
    assert abs(np.log(found / 0.75)) < 0.2
