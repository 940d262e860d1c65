from dataclasses import replace

import numpy as np
import pytest

from xrayscan.network.grid import MULTIPLE, SHOWN, from_grid, padded, to_grid
from xrayscan.scan import Radiograph


def radiograph(depth, pitch=(0.005, 0.005), valid=None, opaque=None):
    depth = np.asarray(depth, np.float32)
    depth = depth[None] if depth.ndim == 2 else depth
    shape = depth.shape[1:]
    valid = np.ones(shape, bool) if valid is None else valid
    opaque = np.zeros(shape, bool) if opaque is None else opaque
    return Radiograph(np.where(valid, depth, np.nan), valid, opaque, pitch, energies=("high", "low")[: len(depth)])


def test_the_grid_is_physical():
    assert to_grid(radiograph(np.ones((100, 240)), (0.005, 0.0025)), 0.01).shape == (5, 50, 60)


def test_a_uniform_scan_stays_uniform():
    stack = to_grid(radiograph(np.full((90, 130), 1.7), (0.0047, 0.0061)), 0.01)
    np.testing.assert_allclose(stack[0], 1.7, rtol=1e-5)


def test_areal_density_is_kept_on_average():
    depth = np.random.default_rng(0).random((200, 300))
    assert to_grid(radiograph(depth), 0.01)[0].mean() == pytest.approx(depth.mean(), rel=1e-4)


def test_one_energy_is_repeated_and_said():
    stack = to_grid(radiograph(np.ones((40, 40))), 0.01)
    assert (stack[0] == stack[1]).all()
    assert (stack[2] == 0).all()


def test_a_display_picture_is_said_to_be_one_where_the_network_knows():
    shown = replace(radiograph(np.ones((40, 40))), quantity="display")
    assert (to_grid(shown, 0.01)[2] == 0).all()
    assert (to_grid(shown, 0.01, tells_display=True)[2] == SHOWN).all()
    assert (to_grid(radiograph(np.ones((40, 40))), 0.01, tells_display=True)[2] == 0).all()


def test_two_energies_are_said():
    stack = to_grid(radiograph(np.stack([np.ones((40, 40)), np.full((40, 40), 1.2)])), 0.01)
    assert stack[1].mean() == pytest.approx(1.2)
    assert (stack[2] == 1).all()


def test_dead_rows_are_filled_from_their_neighbors_and_marked():
    valid = np.ones((60, 40), bool)
    valid[20:24] = False
    depth = np.repeat(np.linspace(0, 3, 60)[:, None], 40, axis=1)
    stack = to_grid(radiograph(depth, (0.01, 0.01), valid), 0.01)
    assert np.isfinite(stack).all()
    assert (stack[3][20:24] == 0).all()
    assert abs(stack[0] - depth)[20:24].max() < 0.25


def test_what_is_added_is_marked_as_not_valid():
    stack = padded(to_grid(radiograph(np.ones((50, 70)), (0.01, 0.01)), 0.01))
    assert stack.shape[1] % MULTIPLE == stack.shape[2] % MULTIPLE == 0
    assert (stack[3, 50:] == 0).all()
    assert (stack[3, :, 70:] == 0).all()
    assert (stack[3, :50, :70] == 1).all()


def test_back_on_the_scans_own_pixels():
    scan = radiograph(np.zeros((97, 211)), (0.0047, 0.0061))
    plane = np.full((64, 160), 0.4, np.float32)
    assert from_grid(plane, scan, 0.01).shape == (97, 211)
    np.testing.assert_allclose(from_grid(plane, scan, 0.01), 0.4, rtol=1e-6)
