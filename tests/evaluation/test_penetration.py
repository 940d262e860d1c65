import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

pytest.importorskip("torch")

from xrayscan.errors import RecipeError
from xrayscan.evaluation.penetration import Look, Plan, looks, stage
from xrayscan.evaluation.penetration_curve import curves, fit, write
from xrayscan.network.anomaly import AnomalyMap, ModelId

COARSE = Plan(pitch=0.03)


def detector(radiograph):
    """What anybody would try first: what is denser than its surroundings."""
    depth = np.nan_to_num(radiograph.optical_depth[0])
    person = np.clip(depth / 8.0, 0, 1).astype(np.float32)
    nothing = np.zeros(person.shape, np.float32)
    return AnomalyMap(person, nothing, nothing, nothing, nothing, ModelId("depth", "1", ""))


class TestStage:
    SCENE = stage(COARSE, 3)

    def test_the_person_is_all_that_differs(self):
        with_, without = self.SCENE.areal(True), self.SCENE.areal(False)
        differs = ((with_.water + with_.iron) - (without.water + without.iron)).numpy()
        # Where the body sinks into its seat it takes that much of the seat away.
        off = self.SCENE.added - differs
        assert off.min() > -0.05
        assert off.max() < 1.5
        assert off.sum() < 0.02 * self.SCENE.added.sum()

    def test_one_adult_is_added(self):
        cell = self.SCENE.fan.pitch[0] * self.SCENE.fan.pitch[1] * 10.0
        assert self.SCENE.body.age in ("adult", "old")
        assert 0.7 < float(self.SCENE.added.sum()) * cell / self.SCENE.body.mass < 1.4

    def test_every_ray_through_the_person_passes_goods(self):
        behind = (self.SCENE.areal(False).water + self.SCENE.areal(False).iron).numpy()[self.SCENE.added > 1.0]
        assert np.percentile(behind, 2) > 0.6 * np.median(behind)

    def test_the_same_plan_stages_the_same_scene(self):
        again = stage(COARSE, 3)
        assert (again.goods, again.scanner, again.body) == (self.SCENE.goods, self.SCENE.scanner, self.SCENE.body)


class TestLooks:
    def test_they_go_on_where_they_were_stopped(self, tmp_path):
        tmp_path.mkdir(exist_ok=True)
        told = []
        first = looks({"depth": detector}, 2, tmp_path, COARSE, told.append)
        both = looks({"depth": detector}, 3, tmp_path, COARSE, told.append)
        assert len(told) == 3
        assert both[:2] == first
        assert both[0].d_prime > 0

    def test_another_plan_is_refused(self, tmp_path):
        looks({"depth": detector}, 1, tmp_path, COARSE)
        with pytest.raises(RecipeError, match="holds the looks of another plan"):
            looks({"depth": detector}, 1, tmp_path, Plan(seed=5, pitch=0.03))

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ({"goods": ("gold",)}, "through 'gold' was asked for; known goods are cartons, water, steel"),
            ({"goods": ()}, "name at least one of each"),
            ({"most": 900.0}, "expected 1 to 400"),
        ],
    )
    def test_a_wrong_plan_is_told(self, asked, message):
        with pytest.raises(RecipeError, match=message):
            Plan(**asked)


def looked(rng, half, count=200):
    """Scenes of a detector that finds half of the persons behind a known load."""
    scenes = []
    for index in range(count):
        load = float(rng.uniform(0, 200))
        score = 0.5 + 0.4 * np.tanh((half - load) / 20.0 + rng.normal(0, 0.5))
        limits = tuple(float(30 * np.exp(-step / 80)) for step in range(0, 451, 25))
        scenes.append(
            Look(index, "cartons", "gantry 6/4 MV", 6.0, load, 70.0, 30.0, limits, {"d": (0.5 * rng.random(), score)})
        )
    return scenes


class TestCurve:
    def test_the_load_at_half_is_found_again(self):
        for half in (60.0, 120.0):
            (curve, *_) = curves(looked(np.random.default_rng(1), half), "d")
            assert curve.at_half.value == pytest.approx(half, abs=12)
            assert curve.at_half.low < half < curve.at_half.high
            assert curve.at_ninety.value < curve.at_half.value
            assert (np.diff(curve.fitted) <= 1e-9).all()

    def test_where_all_is_found_the_curve_stays_finite(self):
        start, slope = fit(np.linspace(0, 200, 50), np.ones(50, bool), 200.0)
        assert np.isfinite([start, slope]).all()

    def test_table_and_picture_are_written(self, tmp_path):
        write(looked(np.random.default_rng(2), 80.0), tmp_path / "out")
        assert "| " in (tmp_path / "out" / "penetration.md").read_text(encoding="utf-8")
        picture = ET.fromstring((tmp_path / "out" / "penetration.svg").read_text(encoding="utf-8"))
        assert picture.tag.endswith("svg")
        assert len(list(picture.iter())) > 50

    def test_a_look_is_read_back(self):
        (one,) = looked(np.random.default_rng(3), 80.0, 1)
        from dataclasses import asdict

        assert Look.from_json(json.dumps(asdict(one))) == one
