from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.evaluation.test_summary import false_region, person_scan, scan
from xrayscan.errors import RecipeError
from xrayscan.evaluation.records import Region
from xrayscan.training.crosswise import crosswise, read_again


def with_persons(rng, count, ratio=lambda k: 1.2, clean=1000):
    """Scans whose findings are right as often as the square of their score, and whose masses are off by a factor."""
    rows = [scan("clean", float(score)) for score in rng.permutation(clean) / clean]
    for k in range(count):
        score = float(rng.uniform(0.3, 0.99))
        right = bool(rng.random() < score**2)
        row = person_scan(score)
        mass = 50.0 * ratio(k) * float(rng.uniform(0.9, 1.1))
        region = Region("person", score, score, right, False, 50.0, mass if right else 0.0, (1.0, 2.0))
        rows.append(replace(row, regions=(region,)))
    return rows


@pytest.fixture(scope="module")
def told():
    return crosswise(with_persons(np.random.default_rng(2), 3000), draws=50)


def test_probabilities_mean_what_they_say(told):
    assert told["person"]["calibration error"] < 0.05
    for row in told["person"]["reliability"].values():
        assert row["value"] == pytest.approx(row["said"], abs=0.12)


def test_nine_of_ten_masses_lie_in_their_intervals(told):
    assert told["person"]["mass"]["share in the 90 % interval"]["value"] == pytest.approx(0.9, abs=0.03)


def test_thresholds_alarm_what_they_promise(told):
    for rate, row in told["thresholds"].items():
        assert row["clean scans alarmed"]["n"] == 1000
        assert row["clean scans alarmed"]["value"] == pytest.approx(float(rate), abs=0.012)


def test_everything_counts_once(told):
    assert (told["scans"], told["clean scans"]) == (4000, 1000)
    assert sum(row["n"] for row in told["person"]["reliability"].values()) == 3000
    assert told["void"] == {}


def test_no_scan_is_measured_by_what_it_set_itself():
    """One half's masses are twice what is estimated, the other's a half: each interval holds its own half alone."""
    rows = with_persons(np.random.default_rng(3), 400, ratio=lambda k: 2.0 if k % 2 else 0.5)
    assert crosswise(rows, draws=20)["person"]["mass"]["share in the 90 % interval"]["value"] == 0.0


def test_halves_that_are_too_small_are_refused():
    with pytest.raises(RecipeError, match=r"thresholds were asked for on 150 clean scans; 0\.5 % needs at least 200"):
        crosswise(with_persons(np.random.default_rng(4), 100, clean=300), draws=20)


def test_a_record_is_read_again_with_other_settings():
    row = scan("person", 0.9, regions=(false_region(0.9), false_region(0.2)))
    again = read_again(row, {"person": (1.0, -2.0)}, {"person": (0.5, 3.0)})
    (region,) = again.regions  # of the other nothing worth a look is left
    assert region.probability == pytest.approx(1 / (1 + np.exp(2.0) / 9.0))
    assert (region.score, region.interval) == (0.9, (10.0, 60.0))
    assert again.model["calibrated"] == "person"
    assert replace(again, regions=row.regions, model=row.model) == row


def test_without_settings_of_a_kind_it_stays_as_it_was():
    row = scan("person", 0.9, regions=(false_region(0.9),))
    again = read_again(row, {}, {})
    assert again.regions == row.regions
    assert again.model["calibrated"] == ""
