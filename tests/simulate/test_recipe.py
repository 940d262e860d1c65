"""Recipes: read strictly, and drawn from as they say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.simulate.lane import RECIPE
from xrayscan.errors import RecipeError
from xrayscan.simulate.body import POSTURES
from xrayscan.simulate.loads import LOADS
from xrayscan.simulate.lookalike import LOOKALIKES
from xrayscan.simulate.places import PLACES
from xrayscan.simulate.recipe import Scanning, SceneRecipe, read_table, strict
from xrayscan.simulate.record import Choices
from xrayscan.simulate.scanner import PRESETS
from xrayscan.simulate.vehicles import VEHICLES

DATASETS = Path(__file__).parents[2] / "datasets"
MIX = {"clean": 0.25, "look-alike": 0.25, "person": 0.36, "void": 0.07, "density": 0.07}


@pytest.fixture
def read(tmp_path):
    def reading(text):
        path = tmp_path / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        return SceneRecipe.load(path)

    return reading


def within(count, total, share):
    return abs(count - total * share) < 4 * np.sqrt(total * share * (1 - share)) + 1e-9


class TestReading:
    def test_a_whole_recipe(self, read):
        recipe = read(RECIPE)
        assert (recipe.name, recipe.seed, recipe.mix) == ("few", 3, {"clean": 0.5, "person": 0.5})
        assert recipe.draw == Choices(vehicles=("van",), loads=("mattresses",), persons=(1.0,))
        assert recipe.scan == Scanning(pitch=0.03)

    def test_two_pitches_and_presets(self, read):
        recipe = read(RECIPE.replace("pitch = 0.03", 'pitch = [0.01, 0.02]\npresets = ["rail 9 MV"]'))
        assert recipe.scan.pitch == (0.01, 0.02)
        assert recipe.scan.presets == ("rail 9 MV",)
        assert recipe.record(0).pitch == (0.01, 0.02)

    @pytest.mark.parametrize(("old", "new", "said"), [
        ("seed = 3", "sead = 3", r"recipe.toml: unknown key 'sead'; the nearest known is 'seed'"),
        ("pitch", "pich", r"\[scan\]: unknown key 'pich'; the nearest known is 'pitch'"),
        ("loads", "load", r"\[draw\]: unknown key 'load'; the nearest known is 'loads'"),
        ('name = "few"', "", "name is missing"),
        ('"van"', '"vans"', "recipe.toml: there is no vehicle 'vans'; did you mean 'van'"),
        ('"mattresses"', '"matress"', "there is no load 'matress'; did you mean 'mattresses'"),
        ("persons = [1.0]", 'places = ["under floor"]', "there is no place 'under floor'; did you mean 'under the floor'"),
        ("persons = [1.0]", 'postures = ["stand"]', "there is no posture 'stand'; did you mean 'standing'"),
        ("persons = [1.0]", 'lookalikes = ["dogs"]', "there is no look-alike 'dogs'; did you mean 'dog'"),
        ("persons = [1.0]", "persons = [0.0]", r"\[draw\]: persons is \(0.0,\); expected shares of scenes with one, two"),
        ("persons = [1.0]", "persons = 1.0", "expected shares of scenes with one, two"),
        ('["van"]', '"van"', r"\[draw\]: vehicles is 'van'; expected a list of names"),
        ("clean = 0.5", "cleen = 0.5", "there is no kind of scene 'cleen'; did you mean 'clean'"),
        ("clean = 0.5", "clean = 0.6", "the shares of mix add up to 1.1; expected 1"),
        ("clean = 0.5", "clean = -0.5", "mix is .*; expected a table of shares of 0 or more"),
        ("clean = 0.5", 'clean = "half"', "mix is .*; expected a table of shares of 0 or more"),
        ("mix = {", "mix = 1 #", "mix is 1; expected a table of shares"),
        ("seed = 3", "seed = -3", "seed is -3; expected a whole number of 0 or more"),
        ("seed = 3", 'seed = "three"', "seed is 'three'; expected a whole number"),
        ("seed = 3", "seed 3", "recipe.toml: it is not TOML: .*line 3"),
        ("pitch = 0.03", "pitch = 0.3", r"\[scan\]: pitch is 0.3; expected 0.0005 to 0.1 m"),
        ("pitch = 0.03", "pitch = [0.01, 0.02, 0.03]", "one number or two"),
        ("pitch = 0.03", 'pitch = "fine"', "pitch is fine; expected 0.0005 to 0.1 m"),
        ("pitch = 0.03", 'presets = ["portal"]', "there is no scanner 'portal'; did you mean 'portal 4.5 MV'"),
        ("pitch = 0.03", 'presets = "rail 9 MV"', "presets is 'rail 9 MV'; expected a list of names"),
        ("pitch = 0.03", "deliveries = { count = 1.0 }", "there is no delivery 'count'; did you mean 'counts'"),
        ("pitch = 0.03", "deliveries = { counts = 0.9 }", "the shares of deliveries add up to 0.9; expected 1"),
    ])  # fmt: skip
    def test_a_slip_is_told(self, read, old, new, said):
        assert old in RECIPE
        with pytest.raises(RecipeError, match=said):
            read(RECIPE.replace(old, new))

    @pytest.mark.parametrize("part", ["draw", "scan"])
    def test_a_part_is_a_table(self, read, part):
        with pytest.raises(RecipeError, match=rf"\[{part}\]: expected a table, got 5"):
            read(f'name = "a"\nseed = 1\nmix = {{ clean = 1.0 }}\n{part} = 5\n')

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(RecipeError, match=r"none.toml: No such file or directory; expected a TOML file"):
            SceneRecipe.load(tmp_path / "none.toml")
        with pytest.raises(RecipeError, match="Is a directory"):
            read_table(tmp_path)
        (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
        with pytest.raises(RecipeError, match="it is not TOML"):
            read_table(tmp_path / "latin.toml")

    def test_strict_names_what_is_missing(self):
        with pytest.raises(RecipeError, match="here: name, seed, mix is missing"):
            strict(SceneRecipe, {}, "here")


class TestDrawing:
    RECIPE = SceneRecipe("many", 9, MIX)

    def test_a_number_gives_the_same_record(self):
        assert self.RECIPE.record(5) == self.RECIPE.record(5)
        assert self.RECIPE.record(5) != self.RECIPE.record(6)
        assert self.RECIPE.record(5, seed=1) == replace(self.RECIPE, seed=1).record(5)
        assert self.RECIPE.record(5).seed == (9, 5)

    def test_the_mix_and_the_deliveries_are_respected(self):
        total = 2000
        drawn = [self.RECIPE.record(index) for index in range(total)]
        kinds = Counter(record.kind for record in drawn)
        deliveries = Counter(record.delivery.delivery for record in drawn)
        assert all(within(kinds[kind], total, share) for kind, share in MIX.items()), kinds
        assert all(within(deliveries[name], total, share) for name, share in self.RECIPE.scan.deliveries.items()), deliveries

    def test_what_is_not_wanted_never_comes(self):
        recipe = SceneRecipe(
            "some", 1, {"clean": 0.0, "person": 1.0}, scan=Scanning(deliveries={"counts": 1.0, "display": 0.0})
        )
        drawn = [recipe.record(index) for index in range(200)]
        assert {record.kind for record in drawn} == {"person"}
        assert {record.delivery.delivery for record in drawn} == {"counts"}

    def test_presets_take_turns_by_chance(self):
        names = ("portal 4.5 MV", "rail 9 MV")
        recipe = SceneRecipe("some", 1, {"clean": 1.0}, scan=Scanning(presets=names))
        ends = Counter(recipe.record(index).scanner.endpoints[0] for index in range(300))
        assert set(ends) == {PRESETS[name].high[0] for name in names}
        assert within(ends[9.0], 300, 0.5)

    def test_the_kind_says_nothing_of_the_scanner(self):
        drawn = [self.RECIPE.record(index) for index in range(2000)]
        high = {kind: np.mean([r.scanner.endpoints[0] for r in drawn if r.kind == kind]) for kind in ("clean", "person")}
        assert abs(high["clean"] - high["person"]) < 0.4

    def test_choices_and_pitch_go_to_the_record(self):
        recipe = replace(self.RECIPE, draw=Choices(loads=("parcels",)), scan=Scanning(pitch=0.02))
        assert recipe.record(0).choices.loads == ("parcels",)
        assert recipe.record(0).pitch == (0.02, 0.02)


class TestShipped:
    @pytest.mark.parametrize("name", ["any-lane", "portal-trucks"])
    def test_a_shipped_recipe_is_what_its_card_says(self, name):
        recipe = SceneRecipe.load(DATASETS / name / "recipe.toml")
        card = (DATASETS / name / "card.md").read_text(encoding="utf-8")
        assert recipe.name == name
        assert recipe.mix["clean"] + recipe.mix["look-alike"] == pytest.approx(0.5)
        assert f"xrayscan simulate datasets/{name}/recipe.toml --out" in card
        assert "Simulated: no real load, no real person" in card
        assert f'"{name}"' in (DATASETS / "index.toml").read_text(encoding="utf-8")

    def test_any_lane_is_everything(self):
        recipe = SceneRecipe.load(DATASETS / "any-lane/recipe.toml")
        assert recipe.draw == Choices()
        assert recipe.scan.presets == ()
        assert set(recipe.scan.deliveries) == {"counts", "transmission", "display"}

    def test_portal_trucks_is_one_lane(self):
        recipe = SceneRecipe.load(DATASETS / "portal-trucks/recipe.toml")
        drawn = [recipe.record(index) for index in range(40)]
        assert {r.scanner.endpoints for r in drawn} == {(4.5,)}
        assert {r.delivery.delivery for r in drawn} == {"counts", "transmission"}


def test_the_manual_lists_every_name() -> None:
    manual = " ".join((Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8").split())
    for names in (VEHICLES, LOADS, PLACES, LOOKALIKES, POSTURES, PRESETS):
        assert [name for name in names if name not in manual] == []
