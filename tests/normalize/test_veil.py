"""The veil of scattered rays: taken off where opaque parts show it, left alone where nothing shows it."""

from __future__ import annotations

import numpy as np
import pytest

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.opacity import depth_and_opacity
from xrayscan.normalize.veil import remove_veil

ROWS, COLUMNS = 400, 640


def made_beam(depth: np.ndarray, share: float, leak: float, noise: float = 2e-5) -> tuple[Beam, np.ndarray]:
    """A beam behind ``depth`` with scattered rays over it, and the veil: a hat-shaped kernel of a quarter of the rows."""
    through = np.exp(-depth)
    kernel = np.convolve(np.ones(50), np.ones(50))
    padded = np.pad(through * (1.0 + depth), ((49, 49), (0, 0)), mode="edge")
    near = np.stack([np.convolve(line, kernel / kernel.sum(), mode="valid") for line in padded.T], axis=1)
    veil = share * near + leak * through.mean(axis=0)
    rng = np.random.default_rng(4)
    seen = (through + veil) / (1.0 + share + leak)
    seen += rng.standard_normal(depth.shape) * np.sqrt(1e-5 * seen + noise**2)
    line = np.full((1, depth.shape[0]), 1e-5, np.float32)
    return Beam(seen[None].astype(np.float32), np.ones(depth.shape, bool), line, 3 * line, ()), veil


def blocks(opaque: float = 30.0) -> np.ndarray:
    """Air above, a load of many depths, and opaque blocks of several sizes."""
    depth = np.zeros((ROWS, COLUMNS))
    depth[60:340, 80:560] = np.linspace(0.5, 6.5, 480)[None]
    for left, width, top in ((100, 60, 100), (200, 120, 160), (380, 40, 200), (450, 80, 80)):
        depth[top:330, left : left + width] = opaque
    return depth


def step_of(beam: Beam):
    return next(step for step in beam.steps if step.name == "veil")


@pytest.mark.parametrize(("share", "leak"), [(0.02, 1e-3), (0.015, 3e-4)])
def test_the_veil_that_opaque_blocks_show_is_taken_off(share, leak):
    depth = blocks()
    beam, _ = made_beam(depth, share, leak)
    before = beam.transmission[0].copy()
    after = remove_veil(beam)
    assert step_of(after).parameters["removed"] == 1.0
    assert step_of(after).parameters["share"] == pytest.approx(share, rel=0.6)
    for tau in (3.0, 4.0, 5.0, 6.0):
        there = np.abs(depth - tau) < 0.1
        truth = np.exp(-depth[there])
        bias = [abs(float(np.log((picture[there] / truth).mean()))) for picture in (before, after.transmission[0])]
        assert bias[1] < 0.6 * bias[0]


def test_what_the_veil_hid_is_opaque_after_it():
    depth = blocks()
    beam, _ = made_beam(depth, 0.02, 1e-3)
    untouched = depth_and_opacity(Beam(beam.transmission.copy(), beam.valid, beam.step, beam.least, ()))[1]
    opaque = depth_and_opacity(remove_veil(beam))[1]
    assert untouched[depth == 30.0].mean() < 0.1
    assert opaque[depth == 30.0].mean() > 0.6
    assert opaque[depth < 6.0].mean() < 0.01


def test_a_light_load_shows_no_veil_and_stays_as_it_is():
    depth = np.zeros((ROWS, COLUMNS))
    depth[60:340, 80:560] = np.linspace(0.2, 2.0, 480)[None]
    beam, _ = made_beam(depth, 0.02, 1e-3)
    before = beam.transmission.copy()
    after = remove_veil(beam)
    np.testing.assert_array_equal(after.transmission, before)
    np.testing.assert_array_equal(after.least, beam.least)
    assert "nothing is dark enough" in step_of(after).note


def test_a_dense_load_without_opaque_parts_is_not_taken_for_a_veil():
    rng = np.random.default_rng(1)
    depth = np.zeros((ROWS, COLUMNS))
    depth[60:340, 80:560] = 5.5 + np.kron(rng.uniform(-1.2, 1.2, (14, 24)), np.ones((20, 20)))
    beam, _ = made_beam(depth, 0.0, 0.0)
    before = beam.transmission.copy()
    after = remove_veil(beam)
    np.testing.assert_array_equal(after.transmission, before)
    assert step_of(after).parameters["removed"] == 0.0
    assert (after.least >= beam.least).all()
    assert (after.least > beam.least).any()
    assert "none taken off" in step_of(after).note


def test_a_uniform_slab_alone_does_not_tell_a_veil():
    depth = np.full((ROWS, COLUMNS), 6.0)
    depth[:, :100] = 0.0
    beam, _ = made_beam(depth, 0.0, 0.0)
    before = beam.transmission.copy()
    np.testing.assert_array_equal(remove_veil(beam).transmission, before)


def test_air_stays_one():
    beam, _ = made_beam(blocks(), 0.02, 1e-3)
    after = remove_veil(beam)
    assert after.transmission[0, :40, :60].mean() == pytest.approx(1.0, abs=0.004)


def test_small_pictures_and_nothing_valid_pass_through():
    line = np.zeros((1, 20), np.float32)
    small = Beam(np.full((1, 20, 30), 0.5, np.float32), np.ones((20, 30), bool), line, line, ())
    assert remove_veil(small).steps == ()
    beam, _ = made_beam(blocks(), 0.02, 1e-3)
    blind = Beam(beam.transmission, np.zeros_like(beam.valid), beam.step, beam.least, ())
    assert remove_veil(blind).steps == ()


def test_faulty_channels_do_not_count():
    beam, _ = made_beam(blocks(), 0.02, 1e-3)
    clean = remove_veil(Beam(beam.transmission.copy(), beam.valid, beam.step, beam.least, ()))
    valid = beam.valid.copy()
    valid[50:82] = False
    beam.transmission[0, 50:82] = -3.0
    holed = remove_veil(Beam(beam.transmission, valid, beam.step, beam.least, ()))
    ratio = step_of(holed).parameters["share"] / step_of(clean).parameters["share"]
    assert ratio == pytest.approx(1.0, abs=0.35)
