"""Crops at mistakes: which places and scans these are, and how often they are drawn."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("albumentations")

from xrayscan.errors import RecipeError
from xrayscan.evaluation.records import Record, Region
from xrayscan.training import hard
from xrayscan.training.crops import Crops
from xrayscan.training.hard import Hard, hard_places
from xrayscan.training.recipe import Data, Network, Recipe, Schedule, Start

PATHS = [Path("train/0.npz"), Path("train/1.npz")]
PLAN = Recipe("a", "1", 1, Data(2, 1, 1, {"clean": 1.0}), Network(), Schedule(9, hard=0.5), Start("some", "ab"))


def region(score, kind="person", box=(10, 20, 30, 60), **told):
    return Region(kind, score, score, **{"hit": False, "foreign": False, "mass": 0.0, "truth_mass": 0.0, "box": box} | told)


def row(regions=(), reached=None):
    return Record("clean", "cartons", "counts", {}, tuple(regions), {}, reached=reached or {})


class TestMistakes:
    def test_false_findings_weigh_by_their_score_and_persons_twice(self):
        found = Hard([row(), row([region(0.9), region(0.5, "void", (0, 0, 10, 10))])], PATHS)
        (first, middle, weight), (second, other, less) = found.false
        assert first == second == PATHS[1]
        assert (middle, other) == ((20, 40), (5, 5))
        assert (weight, less) == (pytest.approx(2 * 0.81), pytest.approx(0.25))

    @pytest.mark.parametrize("told", [{"hit": True}, {"foreign": True}, {"score": 0.1}, {"box": None}])
    def test_what_is_no_mistake_or_lies_nowhere(self, told):
        assert Hard([row(), row([region(**{"score": 0.9} | told)])], PATHS).false == []

    def test_a_scan_weighs_by_what_was_missed_in_it(self):
        found = Hard([row(reached={"person": (0.9, 0.5), "void": (0.0,)}), row(reached={"person": (0.85,)})], PATHS)
        assert found.missed == [(PATHS[0], pytest.approx(2 * 0.25 + 1.0))]


class TestDraw:
    def test_every_other_one_is_of_either_sort(self):
        found = Hard([row([region(0.9), region(0.3, box=(0, 0, 2, 2))]), row(reached={"person": (0.0,)})], PATHS)
        rng = np.random.default_rng(1)
        drawn = Counter(found.draw(rng) for _ in range(2000))
        assert drawn[PATHS[1], None] == pytest.approx(1000, rel=0.1)
        assert drawn[PATHS[0], (20, 40)] == pytest.approx(9 * drawn[PATHS[0], (1, 1)], rel=0.3)

    def test_of_one_sort_alone(self):
        rng = np.random.default_rng(1)
        assert {Hard([row([region(0.9)])], PATHS[:1]).draw(rng) for _ in range(20)} == {(PATHS[0], (20, 40))}
        assert {Hard([row(reached={"void": (0.0,)})], PATHS[:1]).draw(rng) for _ in range(20)} == {(PATHS[0], None)}
        assert Hard([row()], PATHS[:1]).draw(rng) is None


class TestInCrops:
    @pytest.fixture
    def crops(self, tmp_path, monkeypatch):
        """Two empty scans; only pixel (400, 900) of the second differs."""
        scans = {}
        for name, mark in (("0", 0.0), ("1", 3.0)):
            (tmp_path / f"{name}.npz").touch()
            (tmp_path / f"{name}.json").write_text('{"kind": "clean", "quantity": "counts", "instances": []}', encoding="utf-8")
            scans[name] = np.zeros((7, 800, 1200), np.float32)
            scans[name][2], scans[name][0, 395:405, 895:905] = 1.0, mark
        monkeypatch.setattr("xrayscan.training.crops._load", lambda path: scans[path.stem])
        paths = sorted(tmp_path.glob("*.npz"))

        def made(share):
            places = Hard([row(), row([region(0.9, box=(390, 890, 410, 910))])], paths)
            return Crops(replace(PLAN, schedule=replace(PLAN.schedule, hard=share, crop=(96, 128))), tmp_path, places)

        return made

    def test_as_often_as_asked_they_show_the_mistake(self, crops):
        shown = {share: sum(crops(share).crop(step, 0).input[0].max() > 1.5 for step in range(60)) for share in (0.0, 0.5, 1.0)}
        assert shown[0.0] < 4
        assert 18 < shown[0.5] < 42
        assert shown[1.0] > 55


class TestMeasured:
    def test_the_start_is_run_over_the_training_scans(self, tmp_path, monkeypatch):
        asked = {}

        def measure(paths, subject, **options):
            asked.update(options, paths=paths, subject=subject)
            return [row([region(0.9)]) for _ in paths]

        for number in range(3):
            (tmp_path / f"{number}.npz").touch()
        monkeypatch.setattr(hard, "measure", measure)
        found = hard_places(PLAN, tmp_path, tmp_path / "records.jsonl", 2)
        assert asked == {
            "paths": [tmp_path / "0.npz", tmp_path / "1.npz"],
            "subject": "some",
            "kept": tmp_path / "records.jsonl",
            "workers": 2,
        }
        assert len(found.false) == 2

    def test_a_recipe_without_weights_to_start_from_has_no_mistakes(self):
        with pytest.raises(
            RecipeError, match=r"schedule\.hard is the share of crops where the weights of \[start\] were wrong"
        ):
            replace(PLAN, start=None)
