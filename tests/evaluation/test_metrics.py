import numpy as np
import pytest

from xrayscan.errors import ShapeError
from xrayscan.evaluation import auroc, average_precision, bootstrap, detection_at, threshold_at, wilson


def test_auroc_of_pairs_counted_by_hand():
    rng = np.random.default_rng(0)
    p, n = rng.normal(1, 1, 40).round(1), rng.normal(0, 1, 60).round(1)
    pairs = (p[:, None] > n).mean() + 0.5 * (p[:, None] == n).mean()
    assert auroc(p, n) == pytest.approx(pairs)


def test_auroc_needs_both():
    with pytest.raises(ShapeError, match="AUROC of 0 positives and 1 negatives"):
        auroc([], [0.1])


def test_no_more_than_the_asked_share_is_alarmed():
    rng = np.random.default_rng(1)
    for n in (50, 99, 200):
        scores = rng.random(n).round(2)
        for rate in (0.0, 0.01, 0.05, 0.5):
            assert (scores > threshold_at(scores, rate)).mean() <= rate


def test_ties_find_nothing_for_free():
    assert detection_at([0.5] * 10, [0.5] * 10, 0.1) == 0


def test_a_threshold_needs_a_negative():
    with pytest.raises(ShapeError, match="with no negative scan"):
        threshold_at([], 0.01)


def test_average_precision_of_a_known_ranking():
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])) == pytest.approx(
        (1 + 2 / 3) / 2
    )


def test_zero_of_n_is_bounded():
    """About 3/n at 95 %, one-sided; Wilson's two-sided bound lies near 3.8/n."""
    assert wilson(0, 300).high == pytest.approx(3.8 / 300, rel=0.02)


@pytest.mark.parametrize(("found", "n"), [(0, 10), (5, 10), (10, 10), (3, 400)])
def test_the_interval_holds_the_share(found, n):
    figure = wilson(found, n)
    assert 0 <= figure.low <= figure.value <= figure.high <= 1


def test_bootstrap_intervals_hold_the_figure():
    rng = np.random.default_rng(2)
    figure = bootstrap(lambda p, n: auroc(p, n), rng.normal(1, 1, 80), rng.normal(0, 1, 80))
    assert figure.low < figure.value < figure.high
    assert figure.n == 80
