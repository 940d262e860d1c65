"""MTF from edges: against apertures and spreads that are known."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from xrayscan.geometry import Box
from xrayscan.quality.edge import FREQUENCY, Mtf, edge_mtf, edges_in_scan, sharpness

FINER = 16


def edge(slant: float, sigma: float, *, noise: float = 0.004, lines: int = 100, width: int = 48, seed: int = 0) -> np.ndarray:
    """An upright edge, seen with an aperture of one pixel and a normal spread [px]."""
    picture = _without_noise(slant, sigma, lines, width)
    return picture + np.random.default_rng(seed).normal(0.0, noise, picture.shape)


@cache
def _without_noise(slant: float, sigma: float, lines: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[: lines * FINER, : width * FINER] / FINER
    sharp = 0.4 + 0.5 * (columns - width / 2 - 0.3 > np.tan(np.radians(slant)) * (rows - lines / 2))
    if sigma:
        sharp = cv2.GaussianBlur(sharp, (0, 0), sigma * FINER)
    return cv2.resize(sharp, (width, lines), interpolation=cv2.INTER_AREA)


def truth(sigma: float, level: float) -> float:
    f = np.linspace(1e-3, 1.2, 6000)
    return float(f[np.argmax(np.abs(np.sinc(f)) * np.exp(-2 * (np.pi * sigma * f) ** 2) < level)])


def measured(picture: np.ndarray, axis: str = "columns") -> Mtf | None:
    return edge_mtf(picture, np.ones(picture.shape, bool), Box(0, 0, *picture.shape), axis)  # type: ignore[arg-type]


@pytest.mark.parametrize("slant", [1.5, -3.0, 6.0])
@pytest.mark.parametrize("sigma", [0.0, 0.6, 1.6])
def test_the_mtf_is_that_of_aperture_and_spread(slant, sigma):
    picture = edge(slant, sigma)
    for axis, image in (("columns", picture), ("rows", np.ascontiguousarray(picture.T))):
        mtf = measured(image, axis)
        assert mtf is not None
        assert mtf.slant == pytest.approx(slant, abs=0.15)
        for level, within in ((0.5, 0.03), (0.1, 0.05)):
            found = mtf.frequency_at(level)
            assert found is not None
            assert found[0] == pytest.approx(truth(sigma, level), rel=within)


def test_it_does_not_matter_which_side_is_bright():
    picture = edge(4.0, 1.0)
    one, other = measured(picture), measured(1.3 - picture)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.modulation[:40], other.modulation[:40], atol=1e-6)


def test_the_error_is_that_of_repeated_measurements():
    found = [measured(edge(3.0, 1.0, noise=0.01, seed=seed)) for seed in range(24)]
    halves = np.array([mtf.frequency_at(0.5) for mtf in found if mtf is not None])
    assert len(halves) == 24
    assert halves[:, 0].std(ddof=1) == pytest.approx(halves[:, 1].mean(), rel=0.5)


def test_noise_does_not_make_it_sharper():
    quiet, noisy = (
        np.mean([measured(edge(3.0, 1.2, noise=n, seed=s)).frequency_at(0.1)[0] for s in range(8)]) for n in (0.0, 0.01)
    )
    assert noisy == pytest.approx(quiet, rel=0.05)


def test_dead_lines_are_left_out():
    picture = edge(3.0, 1.0)
    valid = np.ones(picture.shape, bool)
    valid[::7] = False
    broken = np.where(valid, picture, 9.0)
    mtf = edge_mtf(broken, valid, Box(0, 0, *picture.shape), "columns")
    assert mtf is not None
    assert mtf.frequency_at(0.5)[0] == pytest.approx(truth(1.0, 0.5), rel=0.04)


@pytest.mark.parametrize(
    "picture",
    [
        np.full((100, 48), 0.5),
        np.random.default_rng(0).normal(0.5, 0.1, (100, 48)),
        edge(0.0, 0.8),  # on the axis: all places within a pixel are the same
        edge(3.0, 0.8) * np.linspace(0.3, 1.0, 48),  # no flat sides
        edge(3.0, 0.8)[:20],  # too few lines
        edge(3.0, 0.8)[:, 18:34],  # no room beside it
        np.minimum(edge(3.0, 0.8), edge(3.0, 0.8)[:, ::-1]),  # two edges
        edge(3.0, 0.8, noise=0.2),
    ],
    ids=["flat", "noise", "not slanted", "sloping", "short", "narrow", "two", "noisy"],
)
def test_what_is_no_slanted_edge_gives_none(picture):
    assert measured(picture) is None


def test_edges_of_a_scan_are_found_and_the_sharpest_count():
    scan = np.ones((300, 400), np.float32)
    scan[20:120, 40:88] = edge(3.0, 0.6, noise=0.0) / 0.9
    scan[20:120, 88:] = 1.0
    scan[160:260, 200:248] = edge(-2.5, 2.0, noise=0.0) / 0.9
    scan += np.random.default_rng(1).normal(0, 0.003, scan.shape).astype(np.float32)
    found = edges_in_scan(scan, np.ones(scan.shape, bool), "columns")
    assert found
    best = sharpness(found)
    assert best is not None
    assert best.frequency_at(0.5)[0] == pytest.approx(truth(0.6, 0.5), rel=0.05)
    assert all(box.left < 100 for box in best.boxes)


def test_nothing_is_found_where_there_is_nothing():
    assert edges_in_scan(np.ones((200, 200), np.float32), np.ones((200, 200), bool), "rows") == []
    assert edges_in_scan(np.ones((10, 12), np.float32), np.ones((10, 12), bool), "rows") == []
    assert sharpness([]) is None


def test_a_modulation_that_never_falls_has_no_frequency():
    always = Mtf("rows", FREQUENCY, np.ones(FREQUENCY.size), np.zeros(FREQUENCY.size), (), 0.0)
    assert always.frequency_at(0.5) is None
