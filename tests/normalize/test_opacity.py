"""The noise floor along the array, the limit of what is opaque, and how much of the load was seen."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import draw_scene

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.opacity import depth_and_opacity, inspected_share
from xrayscan.scan import Box


def beam_of(transmission: np.ndarray, valid: np.ndarray | None = None, least: float = 0.0) -> Beam:
    rows = transmission.shape[0]
    valid = np.ones(transmission.shape, bool) if valid is None else valid
    line = np.full((1, rows), least, np.float32)
    return Beam(transmission[None].astype(np.float32), valid, line, line, ())


def noisy(level: np.ndarray, noise: np.ndarray, seed: int = 0) -> np.ndarray:
    return level + noise * np.random.default_rng(seed).standard_normal(level.shape)


def test_noisy_modules_have_a_higher_limit():
    noise = np.repeat([1e-4, 4e-4, 1e-4], 100)[:, None]
    transmission = noisy(np.full((300, 600), 3e-4), noise)
    _, opaque, _ = depth_and_opacity(beam_of(transmission))
    assert opaque[120:180].mean() > 0.9
    assert opaque[:60].mean() < 0.1
    assert opaque[240:].mean() < 0.1


@pytest.mark.parametrize(("level", "expected"), [(0.0, 1.0), (0.5, 1.0), (3.0, 0.0)])
def test_the_limit_is_four_times_the_noise_of_a_mean(level, expected):
    noise = 1e-4
    _, opaque, step = depth_and_opacity(beam_of(noisy(np.full((200, 400), level * noise), np.array(noise))))
    assert opaque.mean() == pytest.approx(expected, abs=0.03)
    assert step.parameters["limit"] == pytest.approx(4 / 3 * noise, rel=0.1)


def test_what_lies_under_the_least_of_the_delivery_is_opaque():
    transmission = np.full((100, 200), 0.3)
    transmission[:, 100:] = 2e-4
    depth, opaque, _ = depth_and_opacity(beam_of(transmission, least=7e-4))
    assert opaque[:, 101:].all()
    assert not opaque[:, :99].any()
    assert depth[0, 50, 150] == pytest.approx(-np.log(7e-4), abs=1e-4)


def test_faulty_pixels_change_nothing_beside_them():
    transmission = noisy(np.exp(-draw_scene(200, 400, load=2.0).depth), np.array(1e-4))
    valid = np.ones(transmission.shape, bool)
    valid[50] = valid[:, 70] = valid[120:123, 200:203] = False
    spoiled = transmission.copy()
    spoiled[~valid] = -50.0
    depth, opaque, _ = depth_and_opacity(beam_of(spoiled, valid))
    clean, clear, _ = depth_and_opacity(beam_of(transmission))
    np.testing.assert_array_equal(np.isnan(depth[0]), ~valid)
    np.testing.assert_allclose(depth[0][valid], clean[0][valid], rtol=1e-5)
    assert (opaque != clear).mean() < 1e-3
    assert not opaque[~valid].any()


class TestInspected:
    def load(self) -> tuple[np.ndarray, list[Box]]:
        depth = np.zeros((400, 800), np.float32)
        depth[50:350, 100:700] = 0.15
        depth[200:350, 100:700] = 1.5
        return depth, [Box(50, 100, 350, 700)]

    def share(self, depth: np.ndarray, bad: np.ndarray, boxes: list[Box], opaque: np.ndarray | None = None):
        seen = np.where(bad, np.nan, depth).astype(np.float32)
        return inspected_share(seen, np.zeros(bad.shape, bool) if opaque is None else opaque, ~bad, boxes)

    def test_dead_channels_in_the_load_were_not_seen(self):
        depth, boxes = self.load()
        bad = np.zeros(depth.shape, bool)
        bad[240:272] = True
        share, step = self.share(depth, bad, boxes)
        rows = 344 - 200
        assert share == pytest.approx(1 - 32 / rows, abs=0.03)
        assert step.is_warning
        assert "on channels or pixels that measured nothing" in step.note

    def test_dead_channels_beside_the_load_do_not_count(self):
        depth, boxes = self.load()
        bad = np.zeros(depth.shape, bool)
        bad[:40] = bad[70:80] = bad[390:] = True
        share, step = self.share(depth, bad, boxes)
        assert share == pytest.approx(1.0, abs=0.002)
        assert not step.is_warning

    @pytest.mark.parametrize("count", [1, 5, 20])
    def test_single_rows_count_by_their_area(self, count):
        depth, boxes = self.load()
        bad = np.zeros(depth.shape, bool)
        bad[215 : 215 + 6 * count : 6] = True
        share, step = self.share(depth, bad, boxes)
        assert share == pytest.approx(1 - count / 144, abs=0.01)
        assert step.parameters["unseen_pixels"] > 0

    def test_opaque_and_not_seen_add_up(self):
        depth, boxes = self.load()
        bad, opaque = np.zeros(depth.shape, bool), np.zeros(depth.shape, bool)
        bad[240:272] = True
        opaque[300:344] = True
        share, step = self.share(depth, bad, boxes, opaque)
        assert share == pytest.approx(1 - (32 + 44) / 144, abs=0.03)
        assert "nothing can be said of the opaque rest" in step.note

    def test_in_an_empty_container_all_of_its_area_counts(self):
        depth, boxes = self.load()
        depth[200:350, 100:700] = 0.15
        bad = np.zeros(depth.shape, bool)
        bad[200:230] = True
        share, step = self.share(depth, bad, boxes)
        assert share == pytest.approx(1 - 30 / 288, abs=0.02)
        assert "hardly loaded" in step.note

    def test_what_was_not_scanned_is_no_load_without_boxes(self):
        depth, _ = self.load()
        bad = np.zeros(depth.shape, bool)
        bad[:, :60] = bad[:, 760:] = True
        share, _ = self.share(depth, bad, [])
        assert share == pytest.approx(1.0, abs=0.002)

    @pytest.mark.parametrize("shape", [(5, 7), (10, 300), (64, 64)])
    def test_small_pictures(self, shape):
        depth = np.full(shape, 1.0, np.float32)
        bad = np.zeros(shape, bool)
        bad[2] = True
        share, _ = self.share(depth, bad, [])
        assert share == pytest.approx(1 - 1 / shape[0], abs=0.03)
