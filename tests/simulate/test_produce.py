"""Folders of simulated scans: resumed, claimed, and the same however many make them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import xrayscan as xs
from tests.simulate.lane import RECIPE
from xrayscan.errors import RecipeError
from xrayscan.simulate import produce as module
from xrayscan.simulate.produce import produce, reproduce
from xrayscan.simulate.recipe import SceneRecipe
from xrayscan.simulate.record import Record

COUNT = 3


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(RECIPE)
    return SceneRecipe.load(path)


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "scans"
    return folder, list(produce(recipe, folder, COUNT))


@pytest.fixture
def copy(whole, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in whole[0].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def held(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name[0] == "0"}


def test_every_scan_is_there_with_truth_and_record(recipe, whole):
    folder, made = whole
    assert [one.path.stem for one in made] == ["000000", "000001", "000002"]
    for index, one in enumerate(made):
        truth = json.loads((folder / f"{index:06d}.truth.json").read_text())
        assert xs.read(one.path).view.shape == tuple(truth["shape"])
        assert (one.kind, one.vehicle, one.load) == (truth["kind"], truth["vehicle"], truth["load"])
        assert one.persons == (one.kind == "person")
        assert Record.load(folder / f"{index:06d}.record.json") == recipe.record(index)
    about = json.loads((folder / "dataset.json").read_text())
    assert (about["recipe"]["name"], about["seed"], about["xrayscan"]) == ("few", 3, xs.__version__)


def test_two_workers_make_the_same_bytes(recipe, whole, tmp_path):
    found = list(produce(recipe, tmp_path / "two", COUNT, workers=2))
    assert [one.kind for one in found] == [one.kind for one in whole[1]]
    assert held(tmp_path / "two") == held(whole[0])


def test_what_is_there_is_kept(recipe, whole, copy, monkeypatch):
    def never(*_):
        raise AssertionError("made again")

    monkeypatch.setattr(module, "simulate_delivered", never)
    before = times(copy)
    found = list(produce(recipe, copy, COUNT))
    assert times(copy) == before
    assert [replace(one, path=one.path.name) for one in found] == [replace(one, path=one.path.name) for one in whole[1]]


@pytest.mark.parametrize("part", ["record", "truth", "scan", "half a record"])
def test_a_scan_that_is_not_whole_is_made_again(recipe, whole, copy, part):
    scan = next(path for path in copy.glob("000001.*") if path.suffix in (".tif", ".raw", ".npz", ".png", ".jpg"))
    if part == "half a record":
        record = copy / "000001.record.json"
        record.write_text(record.read_text()[:50])
    else:
        (scan if part == "scan" else copy / f"000001.{part}.json").unlink()
    before = times(copy)
    list(produce(recipe, copy, COUNT))
    assert held(copy) == held(whole[0])
    after = times(copy)
    assert all(after[name] == before[name] for name in after if not name.startswith("000001"))


def test_a_later_start_gives_the_same_scans(recipe, whole, tmp_path):
    (one,) = produce(recipe, tmp_path / "later", 1, start=2)
    assert one.path.name == whole[1][2].path.name
    assert one.path.read_bytes() == whole[1][2].path.read_bytes()


class TestClaims:
    def test_another_seed(self, recipe, copy):
        with pytest.raises(RecipeError, match=r"holds scans of another recipe or seed \(seed 3, now 4\); name another folder"):
            list(produce(recipe, copy, 1, seed=4))

    def test_another_recipe_says_what_differs(self, recipe, copy):
        other = replace(recipe, name="more", draw=replace(recipe.draw, vehicles=("box truck",)))
        with pytest.raises(RecipeError, match=r"draw.vehicles \['van'\], now \['box truck'\]; name 'few', now 'more'"):
            list(produce(other, copy, 1))

    def test_a_note_makes_no_other_recipe(self, recipe, copy):
        assert list(produce(replace(recipe, note="for a talk"), copy, 1))

    def test_a_folder_without_scans_can_be_claimed_again(self, recipe, tmp_path):
        other = replace(recipe, draw=replace(recipe.draw, vehicles=("tank trailer",)))
        with pytest.raises(RecipeError, match="none of the loads"):
            list(produce(other, tmp_path / "new", 1))
        assert list(produce(recipe, tmp_path / "new", 1))

    @pytest.mark.parametrize("text", ["", "{}", "[1]", '{"recipe": 5, "seed": 3}'])
    def test_a_folder_that_does_not_say_what_it_holds(self, recipe, copy, text):
        (copy / "dataset.json").write_text(text)
        with pytest.raises(RecipeError, match=r"reading .*dataset.json: it does not say what .* holds"):
            list(produce(recipe, copy, 1))

    def test_a_file(self, recipe, tmp_path):
        (tmp_path / "out").write_text("")
        with pytest.raises(RecipeError, match="out is a file; name a folder"):
            list(produce(recipe, tmp_path / "out", 1))

    def test_none_at_all(self, recipe, tmp_path):
        with pytest.raises(RecipeError, match="asked for 0 scans from number 0; expected at least 1"):
            list(produce(recipe, tmp_path / "out", 0))


def test_a_record_makes_its_scan_again(whole, tmp_path):
    folder, made = whole
    again = reproduce(Record.load(folder / "000001.record.json"), tmp_path / "again", "000001")
    assert again.path.read_bytes() == made[1].path.read_bytes()
    assert (tmp_path / "again/000001.truth.json").read_bytes() == (folder / "000001.truth.json").read_bytes()


def test_a_damaged_scan_is_made_again(recipe, whole, copy):
    scan = copy / whole[1][1].path.name
    sound = scan.read_bytes()
    scan.write_bytes(sound[: len(sound) // 2])
    list(produce(recipe, copy, COUNT))
    assert scan.read_bytes() == sound
