"""Tones in a line with gaps: found through the gaps, followed where they wander, and not made of noise or of a roof's form."""

import numpy as np
import pytest

from xrayscan.normalize.swing import find_swing

COLUMNS = np.arange(2400)
BODY = np.where((COLUMNS > 200) & (COLUMNS < 2200), 0, -1)


def _wandering(period: float, quality: float, seed: int) -> np.ndarray:
    """What a resonance of some quality makes of noise, rms 1."""
    turn = 2 * np.pi / period
    keep = np.exp(-turn / (2 * quality))
    rng, line = np.random.default_rng(seed), np.zeros(COLUMNS.size + 4000)
    for k in range(2, line.size):
        line[k] = 2 * keep * np.cos(turn) * line[k - 1] - keep**2 * line[k - 2] + rng.normal()
    return line[4000:] / line[4000:].std()


def _left(line: np.ndarray, true: np.ndarray) -> float:
    x, inside = np.linspace(-1.0, 1.0, COLUMNS.size), BODY >= 0
    error = (line - true)[inside]
    return float((error - np.polyval(np.polyfit(x[inside], error, 2), x[inside])).std() / true[inside].std())


@pytest.mark.parametrize("period", [7.5, 61.0, 400.0])
def test_two_steady_tones_are_found_through_gaps_and_noise(period):
    true = np.sin(2 * np.pi * COLUMNS / period) + 0.3 * np.sin(2 * np.pi * COLUMNS / (period * 1.7) + 1.0)
    noise = np.random.default_rng(1).normal(0.0, 0.15, true.size)
    good = (BODY == 0) & ~((COLUMNS > 900) & (COLUMNS < 1150)) & (COLUMNS > 260) & (COLUMNS < 2140)
    swing = find_swing(true + noise + 3e-6 * (COLUMNS - 900.0) ** 2, BODY, good)
    assert _left(swing.line, true) < 0.08
    assert swing.period == pytest.approx(period, rel=0.02)
    assert swing.narrow > 0.8


@pytest.mark.parametrize(("period", "seed"), [(150.0, 0), (150.0, 1), (300.0, 3)])
def test_what_wanders_in_its_band_is_followed(period, seed):
    true = _wandering(period, 20.0, seed)
    noise = np.random.default_rng(9).normal(0.0, 0.03, true.size)
    assert _left(find_swing(true + noise, BODY, BODY == 0).line, true) < 0.25


def test_noise_and_a_bow_do_not_swing():
    x = np.linspace(-1.0, 1.0, COLUMNS.size)
    swing = find_swing(np.random.default_rng(2).normal(0.0, 0.1, x.size) + 4.0 * x**2, BODY, BODY == 0)
    assert swing.line.std() < 0.02


def test_two_bodies_swing_together():
    body = np.where(COLUMNS < 1150, 0, np.where(COLUMNS < 1250, -1, 1))
    true = np.sin(2 * np.pi * COLUMNS / 310.0)
    swing = find_swing(true + np.where(COLUMNS < 1200, 5.0, -3.0), body, body >= 0)
    assert np.abs(swing.line - true).max() < 0.05
