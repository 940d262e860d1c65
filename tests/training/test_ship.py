"""What `ship` puts beside the weights: two outputs, the reach, an int8 form, and the scans that the network knows."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("albumentations")
pytest.importorskip("onnx")

import json
from dataclasses import replace

import typer
from typer.testing import CliRunner

from xrayscan.cli.evaluate import evaluate
from xrayscan.errors import RecipeError
from xrayscan.evaluation import runs
from xrayscan.evaluation.runs import measure, packed_scans, read_records
from xrayscan.network.designs import build
from xrayscan.network.model import Model
from xrayscan.network.novelty import NOVELTY
from xrayscan.scan import Radiograph
from xrayscan.simulate.packed import BITS, save_packed
from xrayscan.training.recipe import SPLITS, Data, HeldOut, Recipe
from xrayscan.training.ship import export, finish, with_int8, with_novelty
from xrayscan.zoo import ModelCard, load_card

GRID = 0.02


def depth_of(rng, columns):
    depth = rng.normal(0.4, 0.01, (70, columns)).astype(np.float32)
    for _ in range(columns // 14):
        top, left = rng.integers(0, 50), rng.integers(0, columns - 20)
        depth[top : top + 20, left : left + 20] += rng.uniform(0.1, 1.0)
    return depth


def packed_scan(rng, path):
    depth = depth_of(rng, 150 + int(rng.integers(40)))
    array = np.zeros((7, *depth.shape), np.float16)
    array[0] = array[1] = depth
    array[2] = 1.0
    save_packed(array, path)
    path.with_suffix(".json").write_text('{"kind": "clean", "load": "cartons", "quantity": "counts", "instances": []}')


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("calibration", 20)):
        (data / split).mkdir()
        for number in range(count):
            packed_scan(rng, data / split / f"{number:06d}.npz")
    torch.manual_seed(1)
    network = build("unet", 8)
    with torch.no_grad():  # of a network that says something
        network.head.bias[:3] = 0.0
        network.head.weight[:3] *= 30.0
        network.train()
        for _ in range(3):
            network(torch.rand(2, 5, 64, 96) * 2)
    hashes = export(network.eval(), "unet", folder)
    card = ModelCard("small", "1", folder, "2026-11-24", "recipe.toml", "r" * 40, 1, GRID, hashes, {}, "", {}, {}, {})
    return with_novelty(with_int8(card, data / "train"), data)


def scene(columns=700, seed=0):
    depth = depth_of(np.random.default_rng(1000 + seed), columns)
    return Radiograph(depth[None], np.ones(depth.shape, bool), np.zeros(depth.shape, bool), (GRID, GRID))


def small_scan(rng, path, person):
    """A scan of one block in the open, or of what is called a person."""
    array = np.zeros((7, 40, 64), np.float16)
    array[:2], array[2] = rng.normal(0.4, 0.01, (40, 64)), 1.0
    top, left = rng.integers(4, 16), rng.integers(4, 40)
    place = np.s_[top : top + 18, left : left + 18]
    array[(slice(0, 2), *place)] += rng.uniform(0.3, 1.0)
    instances = []
    if person:
        array[(4, *place)], array[(5, *place)] = BITS["person"], 20.0
        box = [int(top), int(left), int(top) + 18, int(left) + 18]
        instances = [
            {"kind": "person", "label": "sitting", "place": "load", "box": box, "mass": 25.0, "load": 10.0,
             "contrast": 9.0, "hidden_share": 0.0}
        ]  # fmt: skip
    save_packed(array, path)
    about = {"kind": "person" if person else "clean", "load": "cartons", "quantity": "counts", "instances": instances}
    path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """A calibration and a test split, and their recipe."""
    data, rng = tmp_path_factory.mktemp("splits"), np.random.default_rng(4)
    for split, count in (("calibration", 220), ("test", 30)):
        (data / split).mkdir()
        for number in range(count):
            small_scan(rng, data / split / f"{number:06d}.npz", person=number % 15 == 0)
    return data, Recipe("small", "1", 1, Data(8, 220, 30, {"clean": 0.9, "person": 0.1}, 0.02))


class TestFinish:
    def test_what_was_set_and_measured_is_in_the_card(self, shipped, splits):
        data, plan = splits
        said = []
        card = finish(shipped, plan, data, note=said.append)
        assert said[-1] == "measuring on the test split"
        assert set(card.thresholds) >= {0.005, 0.01, 0.02, 0.05}
        assert card.thresholds_set_on == (
            "205 clean simulated scans, half with look-alikes, of recipe.toml's calibration split, 2026-11-24"
        )
        told = "220 simulated scans, 15 of them with persons, of recipe.toml's calibration split, 2026-11-24"
        assert card.probabilities_set_on == told
        said = f"Probabilities are set on {told}: where persons are rarer they are less."
        assert said in (card.folder / "card.md").read_text()
        assert card.figures["scans"] == 30
        held = load_card(str(card.folder))
        assert held.thresholds == card.thresholds
        assert held.figures == card.figures

    def test_what_was_measured_is_kept_and_not_measured_again(self, shipped, splits, monkeypatch):
        data, plan = splits
        card = finish(shipped, plan, data)
        kept = read_records(data / "records.jsonl")
        assert sorted({row.scan.split("/")[0] for row in kept}) == ["calibration", "test"]
        assert len(kept) == 250
        monkeypatch.setattr(runs, "record", None)
        assert finish(shipped, plan, data) == card
        assert measure(packed_scans([data / "test"]), str(card.folder), kept=data / "records.jsonl") == kept[220:]

    def test_thresholds_of_unknown_families_are_told_as_such(self, shipped, splits):
        data, plan = splits
        unknown = replace(plan, data=replace(plan.data, calibrated_on=HeldOut(loads=("scrap",))))
        assert ", of families that it never met, " in finish(shipped, unknown, data).thresholds_set_on


@pytest.fixture(scope="module")
def both(shipped, splits):
    """Set on the calibration split alone, and in the end on the test split too."""
    data, plan = splits
    return finish(shipped, plan, data), finish(shipped, replace(plan, data=replace(plan.data, set_on=SPLITS[1:])), data)


class TestSetOnBoth:
    def test_what_is_set_is_of_both_and_what_is_measured_of_the_first(self, both, splits):
        data, _ = splits
        first, last = both
        assert last.thresholds_set_on.startswith("233 clean simulated scans")
        assert "of recipe.toml's calibration and test splits, " in last.thresholds_set_on
        assert last.figures == first.figures
        rows = [row for row in read_records(data / "records.jsonl") if row.kind == "clean"]
        assert sum(row.score["person"] > last.thresholds[0.05] for row in rows) / len(rows) <= 0.05
        assert last.thresholds != first.thresholds
        page = (last.folder / "card.md").read_text(encoding="utf-8")
        assert f"| 5.0% | {last.thresholds[0.05]:.3f} | {first.thresholds[0.05]:.3f} |" in page

    def test_it_is_measured_as_if_it_were_set_on_the_first_alone(self, both, splits, tmp_path, monkeypatch):
        data, _ = splits
        first, last = both
        app = typer.Typer()
        app.command()(evaluate)
        monkeypatch.setattr(runs, "record", None)  # all of it was measured
        asked = [
            str(last.folder),
            "--scans",
            data / "test",
            "--set-on",
            data / "calibration",
            "--records",
            data / "records.jsonl",
        ]
        done = CliRunner().invoke(app, [*map(str, asked), "--out", str(tmp_path / "page.md")])
        assert done.exception is None
        page = (tmp_path / "page.md").read_text(encoding="utf-8")
        assert f"| small 1 | 5% | {first.thresholds[0.05]:.3f} |" in page
        assert "were set on 205 clean simulated scans" in page
        assert "--set-on splits0/calibration --out" in page
        assert load_card(str(last.folder)).thresholds == last.thresholds

    def test_a_split_that_is_none_of_these_is_refused(self, splits):
        with pytest.raises(RecipeError, match=r"data\.set_on is \['train'\]; thresholds are set on"):
            replace(splits[1].data, set_on=["train"])


class TestTiles:
    def test_the_seams_do_not_show(self, shipped):
        whole, tiled = Model(shipped), Model(shipped, tile_pixels=96 * 480)
        assert whole.reach == 187
        one, two = whole(scene()), tiled(scene())
        for name in ("person", "void", "density"):
            assert np.ptp(getattr(one, name)) > 0.01
            assert abs(getattr(one, name) - getattr(two, name)).max() < 1e-5
        for name in ("added", "missing"):
            assert abs(getattr(one, name) - getattr(two, name)).max() < 1e-4
        assert one.novelty == two.novelty

    def test_several_scans_get_the_same_answers_as_one_by_one(self, shipped):
        model = Model(shipped)
        scenes = [scene(columns, seed) for seed, columns in enumerate((300, 300, 200, 300, 700))]
        for given, answer in zip(scenes, model.map(scenes, batch=3), strict=True):
            alone = model(given)
            assert answer.shape == given.shape
            assert abs(answer.person - alone.person).max() < 1e-5
            assert answer.novelty == pytest.approx(alone.novelty, abs=0.06)


class TestInt8:
    def test_it_is_smaller_and_says_nearly_the_same(self, shipped):
        files = {name: (shipped.folder / name).stat().st_size for name in ("model.onnx", "model-int8.onnx")}
        assert files["model-int8.onnx"] < 0.6 * files["model.onnx"]
        rounded, whole = Model(shipped, backend="onnx-int8"), Model(shipped)
        assert rounded.reach == whole.reach
        for seed in range(3):
            gap = abs(rounded(scene(seed=seed)).person - whole(scene(seed=seed)).person)
            assert gap.mean() < 0.01

    def test_its_hash_is_in_the_card(self, shipped):
        assert set(shipped.sha256) == {"model.onnx", "model-int8.onnx", "weights.safetensors", NOVELTY}


class TestNovelty:
    def test_what_was_known_is_not_new_and_noise_is(self, shipped):
        model = Model(shipped)
        known = [model(scene(180, seed)).novelty for seed in range(6)]
        assert np.median(known) < 0.95
        rng = np.random.default_rng(9)
        noise = Radiograph(
            rng.uniform(0, 6, (1, 80, 300)).astype(np.float32),
            np.ones((80, 300), bool),
            np.zeros((80, 300), bool),
            (GRID, GRID),
        )
        assert model(noise).unfamiliar

    def test_a_model_without_it_says_nothing(self, shipped):
        plain = replace(shipped, sha256={k: v for k, v in shipped.sha256.items() if k != NOVELTY})
        anomaly = Model(plain)(scene(200))
        assert anomaly.novelty is None
        assert not anomaly.unfamiliar


def test_torch_gives_the_same_answer(shipped):
    one, two = Model(shipped)(scene(300)), Model(shipped, backend="torch")(scene(300))
    assert abs(one.person - two.person).max() < 1e-4
    assert one.novelty == pytest.approx(two.novelty, abs=0.06)
