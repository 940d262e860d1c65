"""Interlaced energies are brought onto the same columns, and left alone where nothing is known."""

from dataclasses import replace

import numpy as np
import pytest

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.interlace import align_energies, check_order, lateness
from xrayscan.simulate.record import Choices, draw_record
from xrayscan.simulate.run import replay


def _pair(late: float, *, noise: float = 0.003, columns: int = 700) -> np.ndarray:
    """Two energies of random boxes with soft ends, the low one ``late`` columns further on."""
    rng = np.random.default_rng(5)
    rows, count = 120, 60
    left, width = rng.uniform(0, columns, count), rng.uniform(5, 80, count)
    strength, height = rng.uniform(0.1, 0.8, count), rng.integers(0, rows, (count, 2))
    x = np.arange(columns, dtype=float)
    depth = np.zeros((2, rows, columns))
    for energy, (shift, share) in enumerate([(0.0, 1.0), (late, 1.25)]):
        for k in range(count):
            edge = np.tanh((x + shift - left[k]) / 1.6) - np.tanh((x + shift - left[k] - width[k]) / 1.6)
            depth[energy, min(height[k]) : max(height[k]) + 1] += 0.5 * share * strength[k] * edge
    return (np.exp(-depth) + rng.normal(0, noise, depth.shape)).astype(np.float32)


def _beam(transmission: np.ndarray) -> Beam:
    line = np.zeros(transmission.shape[:2], np.float32)
    return Beam(transmission, np.ones(transmission.shape[1:], bool), line, line, ())


@pytest.mark.parametrize("late", [-1.3, 0.0, 0.25, 0.5, 4.0])
def test_lateness_is_measured_to_a_few_hundredths_of_a_column(late):
    high, low = _pair(late)
    got, error = lateness(high, low, np.ones(high.shape, bool))
    assert got == pytest.approx(late, abs=0.03)
    assert error < 0.03


def test_the_low_picture_is_moved_back():
    beam = align_energies(_beam(_pair(0.5)))
    together, _ = lateness(*beam.transmission, beam.valid)
    assert abs(together) < 0.06
    assert beam.steps[-1].note == "the low energy came 0.50 columns late and was moved back"
    assert not beam.valid[:, 0].any()
    assert beam.valid[:, 1:].all()


def test_what_is_aligned_or_cannot_be_known_stays_as_it_is():
    for transmission, note in (
        (_pair(0.0), "both energies lie on the same columns"),
        (np.ones((2, 50, 300), np.float32), "the low energy's lateness could not be measured: it is left as it is"),
    ):
        before = _beam(transmission)
        after = align_energies(before)
        assert after.transmission is before.transmission
        assert after.steps[-1].note == note
    alone = _beam(_pair(0.5)[:1])
    assert align_energies(alone) is alone


def test_of_a_simulated_portal_with_eight_columns_a_pulse():
    choices = Choices(vehicles=("40 ft dry",))
    record = draw_record((3, 9), "clean", preset="gantry 6/4 MV", delivery="counts", pitch=0.008, choices=choices)
    record = replace(record, scanner=replace(record.scanner, pulses=replace(record.scanner.pulses, columns=8, interlace=0.5)))
    scan, _ = replay(record)
    air, dark = scan.calibration.air, scan.calibration.dark
    through = ((scan.view.pixels - dark[..., None]) / np.maximum(air - dark, 1.0)[..., None]).astype(np.float32)
    late, _ = lateness(*through, ((air - dark) > 1000).all(axis=0)[:, None].repeat(through.shape[2], 1))
    assert late == pytest.approx(4.0, abs=0.1)


def test_energies_in_the_wrong_order_are_said():
    transmission = _pair(0.0)
    assert check_order(_beam(transmission)).steps == ()
    turned = check_order(_beam(transmission[::-1].copy()))
    assert turned.steps[-1].is_warning
    assert "the second energy is penetrated better than the first" in turned.steps[-1].note
    twice = check_order(_beam(transmission[[0, 0]]))
    assert "shows the same as the first" in twice.steps[-1].note


def test_what_was_not_measured_moves_with_the_low_energy():
    beam = _beam(_pair(4.0))
    valid = beam.valid.copy()
    valid[:, 300] = valid[40:80, 400] = False
    transmission = beam.transmission.copy()
    transmission[:, ~valid] = 1e-3
    moved = align_energies(replace(beam, transmission=transmission, valid=valid))
    whole = align_energies(beam)
    assert not moved.valid[:, [300, 304]].any()
    assert not moved.valid[40:80, [400, 404]].any()
    seen = moved.valid & whole.valid
    np.testing.assert_allclose(moved.transmission[1][seen], whole.transmission[1][seen], atol=0.02)
    assert moved.valid.mean() > 0.98
