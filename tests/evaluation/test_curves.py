import numpy as np
import pytest

from xrayscan.errors import ShapeError
from xrayscan.evaluation import auroc, average_precision, threshold_at
from xrayscan.evaluation.curves import (
    areas_under_roc,
    average_precisions,
    calibration_errors,
    false_levels,
    levels_at,
    medians,
    region_overlaps,
    shares_above,
)
from xrayscan.evaluation.resampling import Draws
from xrayscan.findings import range_of_persons

RNG = np.random.default_rng(0)


def repeated(values, weights):
    return np.repeat(values, weights.astype(int))


class TestWeighted:
    """A weight is as good as that many copies."""

    scores, others = RNG.random(40).round(2), RNG.random(30).round(2)
    weights, other_weights = RNG.integers(0, 4, (6, 40)), RNG.integers(0, 4, (6, 30))

    @pytest.mark.parametrize("rate", [0.0, 0.01, 0.1, 0.5])
    def test_levels(self, rate):
        found = levels_at(self.scores, self.weights, rate)
        assert found == pytest.approx([threshold_at(repeated(self.scores, w), rate) for w in self.weights])

    def test_areas(self):
        found = areas_under_roc(self.scores, self.others, self.weights, self.other_weights)
        pairs = zip(self.weights, self.other_weights, strict=True)
        assert found == pytest.approx([auroc(repeated(self.scores, p), repeated(self.others, n)) for p, n in pairs])

    def test_medians(self):
        assert medians(self.scores, self.weights) == pytest.approx([np.median(repeated(self.scores, w)) for w in self.weights])

    def test_shares(self):
        found = shares_above(self.scores, self.weights, np.full(6, 0.5))
        assert found == pytest.approx([(repeated(self.scores, w) > 0.5).mean() for w in self.weights])


def test_false_regions_are_as_many_as_asked():
    scans = RNG.integers(0, 100, 400)
    scores = RNG.random(400)
    for rate, level in zip(
        (0.05, 0.1, 0.5, 9), false_levels(scores, scans, np.ones((1, 100)), (0.05, 0.1, 0.5, 9)), strict=True
    ):
        assert (scores > level[0]).sum() == min(100 * rate, 400)


def test_pixels_in_bins_say_what_pixels_say():
    scores = RNG.integers(0, 50, 3000)
    inside = RNG.random(3000) < scores / 100
    counts = [np.bincount(scores[own], minlength=50)[None] for own in (inside, ~inside)]
    spread = scores + RNG.random(3000)  # ties in random order, many times over
    exact = np.mean([average_precision(scores + RNG.permutation(spread - scores), inside) for _ in range(20)])
    assert average_precisions(*counts)[0] == pytest.approx(exact, abs=0.02)


class TestOverlap:
    def test_a_map_that_knows_nothing(self):
        """Marked regions and wrong pixels then grow alike: the area under the diagonal."""
        flat = np.full((1, 100), 0.01)
        assert region_overlaps(flat, np.ones(1), flat * 1000)[0] == pytest.approx(0.15, abs=0.005)

    def test_what_is_beyond_the_limit_does_not_count(self):
        overlap, outside = np.array([[1.0, 0.0, 0.0]]), np.array([[10, 80, 10]])
        assert region_overlaps(overlap, np.ones(1), outside)[0] == 0

    def test_no_region_has_no_overlap(self):
        assert np.isnan(region_overlaps(np.zeros((1, 2)), np.zeros(1), np.ones((1, 2)))[0])


def test_probabilities_that_hold_have_no_error():
    said = RNG.random(200_000)
    hits = RNG.random(200_000) < said
    assert calibration_errors(said, hits, np.ones((1, len(said))))[0] < 0.01
    assert calibration_errors(said, RNG.random(200_000) < said**3, np.ones((1, len(said))))[0] > 0.1


class TestDraws:
    def test_strata_keep_their_size(self):
        sets = Draws.of(["a"] * 7 + ["b"] * 3, 50)
        assert set(sets.weights[:, :7].sum(1)) == {7.0}
        assert set(sets.weights[:, 7:].sum(1)) == {3.0}
        assert (sets.weights[0] == 1).all()

    def test_all_found_is_not_certain(self):
        assert Draws.of(["a"] * 20, 50).figure(np.ones(51), 20, share=True).low == pytest.approx(0.839, abs=0.001)

    def test_intervals_hold_the_truth_nineteen_times_in_twenty(self):
        held = 0
        for seed in range(200):
            values = np.random.default_rng(seed).exponential(size=60)
            sets = Draws.of(["a"] * 60, 300, seed)
            figure = sets.figure(sets.weights @ values / 60, 60)
            held += figure.low <= 1 <= figure.high
        assert 0.88 <= held / 200 <= 0.99

    def test_nothing_is_not_measured(self):
        assert Draws.of(["a"], 5).figure(np.full(6, np.nan), 3).n == 0
        with pytest.raises(ShapeError, match="figures were asked for with no scan"):
            Draws.of([])


def test_the_range_of_persons_holds_their_number():
    held, widths = 0, []
    for _ in range(2000):
        chances = RNG.random(RNG.integers(0, 6))
        low, high = range_of_persons(chances)
        held += low <= (RNG.random(len(chances)) < chances).sum() <= high
        widths.append(high - low)
    assert held / 2000 >= 0.9
    assert np.mean(widths) < 2.2
