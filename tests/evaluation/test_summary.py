import json

import numpy as np
import pytest

pytest.importorskip("torch")

from dataclasses import replace

from tests.evaluation.scans import THING
from xrayscan.errors import ShapeError
from xrayscan.evaluation.breakdown import alarmed_by, found_by, level_of, worst_alarms, worst_misses
from xrayscan.evaluation.page import Measured, benchmark
from xrayscan.evaluation.records import Record, Region
from xrayscan.evaluation.summary import by_difficulty_at, found_at, in_place_at, summarize, things_at

RNG = np.random.default_rng(3)
ONE = {"name": "one", "version": "2", "sha256": "ab" * 32, "calibrated": "person"}


def scan(kind, score, *, regions=(), things=(), reached=(), faint=(), **more):
    scores = {"person": score, "void": 0.0, "density": 0.0}
    found = {"person": tuple(r if r > 0.3 else 0.0 for r in reached)}
    held = Record(
        kind, more.pop("load", "cartons"), "counts", scores, tuple(regions), found, tuple(things), {"person": tuple(reached)},
        {"person": tuple(faint)}, model=ONE, vehicle="van", scanner="one",
    )  # fmt: skip
    return replace(held, **more)


def person_scan(score, load=10.0, best=None, **more):
    best = score if best is None else best
    region = Region("person", best, best, True, False, 50.0, 60.0, (40.0, 80.0))
    return scan("person", score, regions=(region,), things=({**THING, "load": load},), reached=(best,), **more)


def false_region(score, **more):
    return Region("person", score, score, False, False, 20.0, 0.0, (10.0, 40.0), **more)


@pytest.fixture(scope="module")
def rows():
    clean = [scan("clean" if k % 2 else "look-alike", k / 200, lookalikes=("drum",) * (k % 2 == 0)) for k in range(100)]
    easy = [person_scan(0.9, scan=f"test/{k:06d}") for k in range(30)]
    hard = [person_scan(0.4 if k < 5 else 0.8, load=80.0, scan=f"test/hard{k}") for k in range(20)]
    hidden = [scan("person", 0.1, things=({**THING, "hidden_share": 1.0},)) for _ in range(10)]
    return [*clean, *easy, *hard, *hidden]


class TestScans:
    def test_by_difficulty(self, rows):
        person = summarize(rows, {}, {})["person"]
        table = person[by_difficulty_at(0.01)]
        assert {name: (row["value"], row["n"]) for name, row in table.items()} == {
            "easy": (1.0, 30), "hard": (0.75, 20), "beyond": (0.0, 10), "all but beyond": (0.9, 50),
        }  # fmt: skip
        assert person[found_at(0.01)]["value"] == pytest.approx(45 / 60, abs=1e-4)

    def test_intervals_are_honest_where_all_are_found(self, rows):
        easy = summarize(rows, {}, {})["person"][by_difficulty_at(0.01)]["easy"]
        assert easy["low"] < 0.9
        assert easy["high"] == 1

    def test_at_the_cards_thresholds(self, rows):
        at = summarize(rows, {0.05: 0.4, 0.01: 0.85}, {})["person"]["at thresholds set before"]
        assert at["0.05"]["clean scans alarmed"]["value"] == pytest.approx(0.19)
        assert at["0.01"]["scans with persons found"]["value"] == pytest.approx(0.5)

    def test_a_scan_that_exceeds_it_at_the_driver_is_not_found_in_place(self):
        at_driver = [
            person_scan(0.95, best=0.1, driver=True) for _ in range(10)
        ]  # fmt: skip
        taken = [replace(row, regions=(false_region(0.95, driver=True),)) for row in at_driver]
        figures = summarize([scan("clean", 0.2)] * 20 + taken, {}, {})
        assert figures["person"][found_at(0.01)]["value"] == 1
        assert figures["person"][in_place_at(0.01)]["value"] == 0
        assert figures["driver"]["taken for a person"]["value"] == 1

    def test_no_scan(self):
        with pytest.raises(ShapeError, match="with no scan"):
            summarize([], {}, {})

    def test_what_is_not_there_is_left_out(self):
        figures = summarize([scan("clean", 0.2)], {}, {})
        assert found_at(0.01) not in figures["person"]
        assert figures["void"] == {"mass": {}}
        assert "NaN" not in json.dumps(figures)


class TestFroc:
    def test_counted_by_hand(self):
        """Ten scans: at 0.1 false a scan one false region may exceed the level, so it is the second one's score."""
        rows = [scan("clean", 0.5, regions=(false_region(0.9), false_region(0.6)), faint=(0.25,))]
        rows += [scan("clean", 0.1)] * 5
        rows += [person_scan(0.9, best=best) for best in (0.95, 0.7, 0.5, 0.2)]
        person = summarize(rows, {}, {})["person"]
        assert person[things_at(0.05)]["value"] == pytest.approx(0.25)
        assert person[things_at(0.1)]["value"] == pytest.approx(0.5)
        assert person[things_at(0.2)]["value"] == pytest.approx(0.75)
        assert person[things_at(0.5)]["value"] == pytest.approx(1.0)
        assert person["things found"]["value"] == pytest.approx(0.75)
        assert person["false findings a scan"] == pytest.approx(0.2)

    def test_more_false_regions_never_find_less(self, rows):
        person = summarize(rows, {}, {})["person"]
        shares = [person[things_at(rate)]["value"] for rate in (0.05, 0.1, 0.2, 0.5)]
        assert shares == sorted(shares)


class TestSaid:
    def test_probabilities_that_hold(self):
        chances = RNG.random(4000)
        regions = [Region("person", p, p, bool(RNG.random() < p), False, 1.0, 1.0, (0.0, 2.0)) for p in chances]
        rows = [scan("clean", 0.1, regions=regions[k : k + 4]) for k in range(0, 4000, 4)]
        person = summarize(rows, {}, {}, draws=100)["person"]
        assert person["calibration error"] < 0.03
        assert len(person["reliability"]) == 10
        for row in person["reliability"].values():
            assert row["low"] <= row["said"] + 0.05
            assert row["said"] - 0.05 <= row["high"]

    def test_scores_that_are_no_probabilities_are_not_judged_as_such(self, rows):
        bare = [replace(row, model={**ONE, "calibrated": ""}) for row in rows]
        assert "calibration error" not in summarize(bare, {}, {}, draws=10)["person"]

    def test_masses(self, rows):
        mass = summarize(rows, {}, {})["person"]["mass"]
        assert mass["median relative error"] == pytest.approx(1 / 6, abs=1e-3)
        assert mass["share in the 90 % interval"]["value"] == 1

    def test_a_detector_that_weighs_nothing(self, rows):
        light = [replace(row, regions=tuple(replace(r, mass=0.0) for r in row.regions)) for row in rows]
        assert summarize(light, {}, {}, draws=10)["person"]["mass"] == {}

    def test_the_number_of_persons(self, rows):
        numbers = summarize(rows, {}, {})["person"]["number in range"]
        assert numbers["clean scans"]["value"] == 1
        assert numbers["scans with persons"]["n"] == 60


class TestFamilies:
    def test_a_scan_counts_in_each_of_its_loads(self):
        rows = [person_scan(0.9, load=5.0), replace(person_scan(0.1), load="cartons+drums")]
        loads = found_by(rows, 0.5)["load"]
        assert (loads["cartons"].value, loads["cartons"].n, loads["drums"].value) == (0.5, 2, 0.0)

    def test_a_scan_counts_by_its_heaviest_person(self):
        child, adult = {**THING, "mass": 19.0}, {**THING, "mass": 60.0}
        rows = [scan("person", score, things=things) for score, things in ((0.1, (child,)), (0.9, (child, adult)))]
        masses = found_by(rows, 0.5)["heaviest person"]
        assert {name: (group.value, group.n) for name, group in masses.items()} == {
            "under 20 kg": (0.0, 1), "60 kg or more": (1.0, 1),
        }  # fmt: skip

    def test_false_alarms_by_lookalike(self, rows):
        groups = alarmed_by(rows, 0.25)["look-alike"]
        assert set(groups) == {"drum", "none"}
        assert groups["drum"].n == groups["none"].n == 50

    def test_the_worst_are_the_easiest_and_beyond_is_none(self, rows):
        level = level_of(rows, 0.01)
        assert [row.scan for row in worst_misses(rows, level)] == [f"test/hard{k}" for k in range(5)]
        more = [*rows, person_scan(0.45, load=5.0, scan="test/easy")]
        assert worst_misses(more, level)[0].scan == "test/easy"
        assert [row.score["person"] for row in worst_alarms(rows, 3)] == pytest.approx([0.495, 0.49, 0.485])


class TestPage:
    def test_models_stand_side_by_side(self, rows):
        other = [replace(row, model={**ONE, "name": "other", "calibrated": ""}) for row in rows]
        text = benchmark([Measured.of(rows, {0.01: 0.5}), Measured.of(other, {})], command="xrayscan evaluate --scans test")
        assert "| difficulty | n | one 2 | other 2 |" in text
        assert "`xrayscan evaluate --scans test`" in text
        assert "no finding is never a clearance" in text
        assert "10.1007/s11263-020-01400-4" in text
        assert "nan" not in text
        assert "| one 2 | 1% | 0.500 |" in text
        assert "threat" not in text.lower()
        assert "detection" not in text.lower()

    def test_every_table_is_whole(self, rows):
        text = benchmark([Measured.of(rows, {0.01: 0.5})], command="c")
        tables = [block for block in text.split("\n\n") if block.startswith("|")]
        assert len(tables) > 12
        for block in tables:
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1, block

    def test_pictures_stand_with_their_scans(self, rows):
        text = benchmark([Measured.of(rows, {})], command="c", pictures={"test/hard0": "benchmark/miss.png"})
        assert "![test/hard0: cartons](benchmark/miss.png)" in text
