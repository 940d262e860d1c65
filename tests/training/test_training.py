import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("albumentations")

import itertools
import json
from dataclasses import replace
from pathlib import Path

from xrayscan.errors import RecipeError
from xrayscan.evaluation.records import Record, Region, records
from xrayscan.evaluation.summary import summarize
from xrayscan.network.designs import build
from xrayscan.network.grid import SHOWN
from xrayscan.network.model import Model
from xrayscan.simulate import lookalike
from xrayscan.simulate.body import library
from xrayscan.simulate.loads import LOADS, UNNAMED
from xrayscan.simulate.packed import BITS, load_packed
from xrayscan.simulate.record import Choices, draw_record
from xrayscan.simulate.run import replay
from xrayscan.simulate.scanner import PRESETS
from xrayscan.training import crops as crops_module
from xrayscan.training import loop
from xrayscan.training.calibration import logistic, mass_factor, probabilities, thresholds
from xrayscan.training.crops import DRIVER, EXPORTED, Crops, _example, _places, _weight
from xrayscan.training.examples import make
from xrayscan.training.loop import loss_of, train
from xrayscan.training.recipe import SPLITS, Data, HeldOut, Network, Recipe, Schedule, Start
from xrayscan.training.ship import export
from xrayscan.zoo import load_model

MIX = {"clean": 0.2, "look-alike": 0.2, "person": 0.4, "void": 0.1, "density": 0.1}
SMALL = Recipe(
    "small",
    "1",
    5,
    Data(4, 2, 2, MIX, pitch=0.04),
    Network(grid=0.04, width=4),
    Schedule(6, batch=2, crop=(64, 96), save_every=3),
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    for split in ("train", "test"):
        assert len(list(make(SMALL, split, folder, workers=1))) == getattr(SMALL.data, split)
    return folder


class TestRecipe:
    def write(self, tmp_path, text):
        path = tmp_path / "recipe.toml"
        path.write_text('name = "a"\nversion = "1"\nseed = 1\n' + text)
        return path

    def test_a_whole_recipe(self, tmp_path):
        text = "[data]\ntrain = 1\ncalibration = 2\ntest = 3\nmix = {clean = 1.0}\n[schedule]\nsteps = 7\ncrop = [64, 96]\n"
        recipe = Recipe.load(self.write(tmp_path, text))
        assert recipe.data.test == 3
        assert recipe.schedule.crop == (64, 96)

    def test_weights_to_start_from(self, tmp_path):
        text = '[data]\ntrain = 1\ncalibration = 2\ntest = 3\nmix = {clean = 1.0}\n[start]\nmodel = "one"\n'
        with pytest.raises(RecipeError, match=r"\[start\]: sha256 is missing"):
            Recipe.load(self.write(tmp_path, text))
        assert Recipe.load(self.write(tmp_path, text + 'sha256 = "ab"\n')).start == Start("one", "ab")

    def test_an_unknown_key_names_the_nearest(self, tmp_path):
        path = self.write(tmp_path, "[data]\ntrain = 1\ncalibration = 2\ntest = 3\nmiks = {clean = 1.0}\n")
        with pytest.raises(RecipeError, match=r"\[data\]: unknown key 'miks'; the nearest known is 'mix'"):
            Recipe.load(path)

    def test_a_missing_key_is_named(self, tmp_path):
        with pytest.raises(RecipeError, match="data is missing"):
            Recipe.load(self.write(tmp_path, ""))

    def test_shares_add_up(self, tmp_path):
        path = self.write(tmp_path, "[data]\ntrain = 1\ncalibration = 2\ntest = 3\nmix = {clean = 0.4}\n")
        with pytest.raises(RecipeError, match="add up to 0.4; expected 1"):
            Recipe.load(path)

    def test_no_file(self, tmp_path):
        with pytest.raises(RecipeError, match="expected a TOML file"):
            Recipe.load(tmp_path / "none.toml")


class TestHeldOut:
    RECIPE = Recipe.load(Path(__file__).parents[2] / "datasets" / "families-1" / "recipe.toml")

    def test_the_splits_share_no_family(self):
        train, calibration, test = (self.RECIPE.data.choices(split) for split in SPLITS)
        assert train == calibration
        for family in ("loads", "lookalikes", "places", "people", "scanners"):
            seen, unseen = set(getattr(train, family)), set(getattr(test, family))
            assert seen
            assert unseen
            assert not seen & unseen

    def test_every_family_is_in_one_of_them(self):
        train, test = (self.RECIPE.data.choices(split) for split in ("train", "test"))
        assert set(train.loads + test.loads) == set(LOADS) - set(UNNAMED)
        assert sorted(train.people + test.people) == list(range(len(library().people)))

    def test_scans_are_drawn_from_them(self):
        for split in ("train", "test"):
            choices = self.RECIPE.data.choices(split)
            for seed in range(3):
                record = draw_record((seed, 3), "person", pitch=0.04, choices=choices)
                truth = replay(record)[1]
                assert set(truth.load.split("+")) <= set(choices.loads)
                assert {i.place for i in truth.instances} <= set(choices.places)
                assert {i.body_mass for i in truth.instances} != {None}
                assert record.scanner.name in {*choices.scanners, "mixed"}

    def test_the_calibration_split_can_have_families_of_its_own(self):
        mine = HeldOut(loads=("drums",), lookalikes=("melons",), people=(3,))
        rest = {
            name: tuple(one for one in held if one not in getattr(mine, name))
            for name, held in vars(self.RECIPE.data.held_out).items()
        }
        data = replace(self.RECIPE.data, held_out=HeldOut(**rest), calibrated_on=mine)
        train, calibration, test = (data.choices(split) for split in SPLITS)
        assert (calibration.loads, calibration.lookalikes, calibration.people) == (("drums",), ("melons",), (3,))
        assert calibration.places == train.places
        assert train == self.RECIPE.data.choices("train")
        assert "drums" not in test.loads + train.loads
        assert set(test.loads) == set(rest["loads"])

    def test_a_family_is_held_out_for_one_of_them_alone(self):
        drums = HeldOut(loads=("drums",))
        with pytest.raises(
            RecipeError, match=r"data.held_out and data.calibrated_on both name 'drums' of loads; what thresholds"
        ):
            Data(1, 1, 1, MIX, held_out=drums, calibrated_on=drums)

    def test_without_any_everything_is_in_both(self):
        data = Data(1, 1, 1, MIX)
        assert data.choices("train") == data.choices("test") == Choices()

    def test_a_share_of_the_training_scans_has_loads_of_no_kind(self):
        data = replace(self.RECIPE.data, unnamed=0.3)
        assert data.choices("train", (0.29, 0.0)).loads == UNNAMED
        assert data.choices("train", (0.3, 0.0)) == self.RECIPE.data.choices("train")
        assert not set(data.choices("train", (0.3, 0.0)).loads) & set(UNNAMED)
        for split in SPLITS[1:]:
            assert data.choices(split, (0.0, 0.0)) == self.RECIPE.data.choices(split)
        with pytest.raises(RecipeError, match=r"data.first is -1; expected the number of a scan, from 0 on"):
            replace(data, first=-1)
        with pytest.raises(RecipeError, match=r"data.unnamed is 1.5; expected a share, from 0 to 1"):
            replace(data, unnamed=1.5)

    def test_a_share_of_the_training_scans_has_look_alikes_of_no_kind(self):
        data = replace(self.RECIPE.data, unnamed_lookalikes=0.3)
        assert data.choices("train", (0.0, 0.29)).lookalikes == lookalike.UNNAMED
        assert data.choices("train", (0.0, 0.3)) == self.RECIPE.data.choices("train")
        assert not set(data.choices("train", (0.0, 0.3)).lookalikes) & set(lookalike.UNNAMED)
        with pytest.raises(RecipeError, match=r"data.unnamed_lookalikes is -0.1; expected a share, from 0 to 1"):
            replace(data, unnamed_lookalikes=-0.1)

    def test_a_recipe_may_go_on_with_other_scans(self, tmp_path):
        other = replace(SMALL, data=replace(SMALL.data, train=1, first=7, unnamed=1.0))
        (path,) = make(other, "train", tmp_path, workers=1)
        assert Path(path).name == "000007.npz"
        load = json.loads(Path(path).with_suffix(".json").read_text())["load"]
        assert set(load.split("+")) <= set(UNNAMED)

    def test_a_wrong_name_is_told(self):
        with pytest.raises(RecipeError, match="there is no loads 'drumms'; did you mean 'drums'"):
            HeldOut(loads=("drumms",))
        with pytest.raises(RecipeError, match="there is no body 99 in the library; it holds 36, from 0 on"):
            HeldOut(people=(99,))

    def test_something_has_to_be_left(self):
        with pytest.raises(RecipeError, match="all scanners are held out: nothing is left to train on"):
            HeldOut(scanners=tuple(PRESETS))


class TestCrops:
    def test_the_same_place_gives_the_same_crop(self, packed):
        one, two = (Crops(SMALL, packed / "train").crop(3, 1) for _ in range(2))
        np.testing.assert_array_equal(one.input, two.input)
        assert (Crops(SMALL, packed / "train").crop(4, 1).input != one.input).any()

    def test_persons_are_inserted_and_loads_put_behind_as_often_as_asked(self, packed):
        plain = Crops(SMALL, packed / "train")
        more = Crops(replace(SMALL, schedule=replace(SMALL.schedule, inserted=1.0, behind=1.0)), packed / "train")
        assert more.persons.known
        assert more.behind.known
        assert not plain.persons.known
        assert not plain.behind.known
        pairs = [(plain.crop(step, 0), more.crop(step, 0)) for step in range(40)]
        assert sum(b.labels[0].sum() > a.labels[0].sum() for a, b in pairs) > 4
        assert sum(b.input[0].mean() > a.input[0].mean() for a, b in pairs) > 20

    def test_figures_are_put_into_as_many_as_asked(self, packed, monkeypatch):
        put = []
        monkeypatch.setattr(crops_module, "add_figure", lambda rng, patch, persons: put.append(len(persons.known)))
        for asked in (0.0, 0.5, 1.0):
            crops = Crops(replace(SMALL, schedule=replace(SMALL.schedule, figures=asked)), packed / "train")
            put.clear()
            for step in range(40):
                crops.crop(step, 0)
            assert len(put) / 40 == pytest.approx(asked, abs=0.2 * (asked == 0.5))
            assert all(put)

    def test_crops_are_joined_from_two_scans_as_often_as_asked(self, packed):
        plain = Crops(SMALL, packed / "train")
        joined = Crops(replace(SMALL, schedule=replace(SMALL.schedule, spliced=1.0)), packed / "train")
        pairs = [(plain.crop(step, 0), joined.crop(step, 0)) for step in range(20)]
        assert sum((a.input != b.input).any() for a, b in pairs) > 4

    def test_another_recipe_shows_other_crops_of_the_same_scans(self, packed):
        one, other = Crops(SMALL, packed / "train"), Crops(replace(SMALL, name="another"), packed / "train")
        assert all((one.crop(step, 0).input != other.crop(step, 0).input).any() for step in range(5))

    def test_a_driver_counts_less_than_what_is_beside_him(self):
        planes, bits = np.zeros((6, 40, 50), np.float32), np.zeros((40, 50), np.uint8)
        planes[2], bits[10:20, 10:20] = 1.0, BITS["driver"]
        drawn = [_example(np.random.default_rng(seed), planes.copy(), bits) for seed in range(5)]
        for crop in drawn:
            on_him = crop.weight[0, 10:20, 10:20]
            assert set(np.unique(on_him)) <= {0.0, np.float32(DRIVER)}
            assert set(np.unique(np.delete(crop.weight[0], np.s_[10:20], axis=0))) <= {0.0, 1.0}
            assert (crop.weight[1:, 10:20, 10:20] == crop.weight[1:, 10:20, 20:30]).mean() > 0.9
            assert not crop.labels.any()

    def test_what_can_not_be_seen_is_not_learned(self, packed):
        crops = Crops(SMALL, packed / "train")
        for step in range(12):
            crop = crops.crop(step, 0)
            assert crop.input.shape == (5, 64, 96)
            assert np.isfinite(crop.input).all()
            assert (crop.weight[0][crop.input[4] >= 0.5] == 0).all()
            assert (crop.weight[0][crop.input[3] <= 0.3] == 0).all()
            assert set(np.unique(crop.labels)) <= {0.0, 1.0}

    def test_crops_are_cut_where_somebody_is_else_where_somebody_could_be(self, packed):
        crops, shape, place = Crops(SMALL, packed / "train"), (400, 900), (300, 700, 320, 730)
        cut = [crops._window(np.random.default_rng(seed), shape, None, [place]) for seed in range(200)]
        shown = [rows.start < 320 and rows.stop > 300 and across.start < 730 and across.stop > 700 for rows, across in cut]
        assert 0.7 < np.mean(shown) < 0.9
        cut = [crops._window(np.random.default_rng(seed), shape, None, []) for seed in range(200)]
        assert np.mean([rows.start < 320 and rows.stop > 300 and across.stop > 700 for rows, across in cut]) < 0.2
        person = {"instances": [{"box": [1, 2, 3, 4]}], "sites": [[5, 6, 7, 8]]}
        assert _places(person) == [[1, 2, 3, 4]]
        assert _places({**person, "instances": []}) == [[5, 6, 7, 8]]

    def test_a_crop_that_becomes_a_display_picture_keeps_its_order_and_loses_its_densities(self):
        planes, bits = np.zeros((6, 40, 400), np.float32), np.zeros((40, 400), np.uint8)
        planes[:2], planes[2] = np.linspace(0.0, 4.0, 400), 1.0
        drawn = [_example(np.random.default_rng(seed), planes.copy(), bits) for seed in range(60)]
        pictures = [crop for crop in drawn if not crop.areal_weight.any()]
        assert 0.5 * EXPORTED < len(pictures) / 60 < 1.5 * EXPORTED
        for crop in pictures:
            middle = crop.input[0][15:25, 5:-5].mean(0)
            assert middle[:20].mean() < middle[-20:].mean()
            assert (crop.input[0] == crop.input[1]).mean() > 0.85
            assert not crop.input[2].any()
        weighed = [_example(np.random.default_rng(seed), planes.copy(), bits, weighed=True) for seed in range(60)]
        assert all(crop.areal_weight.any() for crop in weighed)

    def test_a_network_that_knows_display_pictures_is_told_of_them(self):
        planes, bits = np.zeros((6, 40, 50), np.float32), np.full((40, 50), BITS["dual"], np.uint8)
        planes[2] = 1.0
        drawn = [_example(np.random.default_rng(seed), planes.copy(), bits, tells_display=True) for seed in range(60)]
        seconds = {float(crop.input[2].max()) for crop in drawn if crop.areal_weight.any()}
        assert seconds == {0.0, 1.0}
        assert {float(crop.input[2].max()) for crop in drawn if not crop.areal_weight.any()} == {SHOWN}

    def test_scans_of_children_and_under_dense_loads_are_drawn_more_often(self):
        def weight(*persons):
            return _weight({"instances": [{"kind": "person", "load": load, "mass": mass} for load, mass in persons]})

        assert weight() == weight((5.0, 80.0)) == 1.0
        assert weight((60.0, 80.0)) > 3.0
        assert weight((5.0, 20.0)) == 3.0
        assert weight((5.0, 20.0), (5.0, 80.0)) == 1.0

    def test_too_few_scans_are_noticed(self, packed):
        more = replace(SMALL, data=replace(SMALL.data, train=99))
        with pytest.raises(RecipeError, match="holds 4 packed scans, the recipe asks for 99"):
            Crops(more, packed / "train")


class TestMake:
    def test_what_is_there_is_kept(self, packed):
        first = next(iter(sorted((packed / "train").glob("*.npz"))))
        before = first.stat().st_mtime_ns
        list(make(SMALL, "train", packed, workers=1))
        assert first.stat().st_mtime_ns == before

    def test_boxes_are_within_the_packed_scan(self, packed):
        for path in (packed / "train").glob("*.npz"):
            rows, columns = load_packed(path).shape[1:]
            told = json.loads(path.with_suffix(".json").read_text())
            assert told["sites"]
            for top, left, bottom, right in [*told["sites"], *(thing["box"] for thing in told["instances"])]:
                assert 0 <= top <= bottom <= rows
                assert 0 <= left <= right <= columns

    def test_labels_are_bits(self, packed):
        for path in (packed / "train").glob("*.npz"):
            bits = load_packed(path)[4]
            assert (bits == bits.astype(np.uint8)).all()
            assert bits.max() < 2 * max(BITS.values())


class TestLoop:
    def test_stopped_and_resumed_gives_the_same_network(self, packed, tmp_path, monkeypatch):
        torch.set_num_threads(1)
        whole = train(SMALL, packed / "train", tmp_path / "whole")
        save = loop._Run.save

        def save_and_die(run):
            save(run)
            raise KeyboardInterrupt(f"killed at step {run.step}")

        with monkeypatch.context() as patch:
            patch.setattr(loop._Run, "save", save_and_die)
            with pytest.raises(KeyboardInterrupt, match="killed at step 3"):
                train(SMALL, packed / "train", tmp_path / "parts")
        resumed = train(SMALL, packed / "train", tmp_path / "parts")
        for one, two in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=0)

    def test_the_rate_warms_up_turns_and_cools(self):
        schedule = Schedule(1000, rate=1.0, cosine=2000, cool=200)
        rates = [loop._rate(schedule, step, step / 1000) for step in range(1001)]
        assert rates[0] == pytest.approx(0.005, abs=1e-4)
        assert rates[500] == pytest.approx(0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi / 4)))
        assert rates[1000] == pytest.approx(0.0, abs=1e-12)
        assert all(a > b for a, b in itertools.pairwise(rates[200:]))
        # By time it ends at 0 with the time, however many steps that were.
        assert loop._rate(schedule, 5000, 0.95) == pytest.approx(rates[950])

    def test_what_is_noted_after_the_checkpoint_is_noted_once(self, packed, tmp_path, monkeypatch):
        schedule = replace(SMALL.schedule, steps=200, save_every=100)
        plan = replace(SMALL, schedule=schedule)

        def killed(step, steps, loss):
            if step == 150:
                raise KeyboardInterrupt("killed")

        with pytest.raises(KeyboardInterrupt, match="killed"):
            train(plan, packed / "train", tmp_path, progress=killed)
        train(plan, packed / "train", tmp_path)
        rows = (tmp_path / "curve.csv").read_text().splitlines()
        assert [row.split(",")[0] for row in rows] == ["step", "50", "100", "150", "200"]

    @pytest.mark.parametrize("design", ["unet", "unet-strips"])
    def test_the_loss_is_that_of_the_coarse_answer(self, packed, design):
        """Where the truth has no finer edges: at these the averaged truth is a share, and a coarse answer less wrong."""
        torch.manual_seed(3)
        batch = loop._Batches(Crops(SMALL, packed / "train"), 2)[5]
        for name in ("labels", "weight", "areal", "areal_weight"):
            batch[name] = batch[name][..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2)
        network = build(design, 8).eval()
        with torch.inference_mode():
            coarse, whole = network.coarse(batch["input"]), network(batch["input"])
            assert coarse.shape[2:] == tuple(size // 2 for size in whole.shape[2:])
            assert float(loss_of(coarse, batch, 64)) == pytest.approx(float(loss_of(whole, batch, 64)), rel=0.03)

    def test_a_crops_score_is_that_of_its_highest_cells(self):
        logits, persons, seen = torch.full((3, 8, 8), -6.0), torch.zeros(3, 8, 8), torch.ones(3, 8, 8)
        logits[0, :2, :4], persons[0, :2, :4] = 4.0, 1.0  # found, and as large as the core
        persons[1, 0, 0] = 1.0  # too small to count, and missed
        expected = (np.log1p(np.exp(-4.0)) + np.log1p(np.exp(-6.0))) / 2
        assert float(loop._of_whole_crops(logits, persons, seen, 8)) == pytest.approx(expected, rel=1e-5)
        logits[2, 7, 7], seen[2, 7, 7] = 12.0, 0.0  # an alarm where nothing can be seen
        assert float(loop._of_whole_crops(logits, persons, seen, 8)) == pytest.approx(expected, rel=1e-5)

    def test_it_learns(self, packed, tmp_path):
        # At a rate of 5e-3 rounding, and so the number of threads, decides what it learns.
        longer = replace(SMALL, schedule=replace(SMALL.schedule, steps=400, rate=2e-3))
        told = []
        trained = train(longer, packed / "train", tmp_path / "run", progress=lambda *done: told.append(done[:2]))
        assert told == [(step, 400) for step in range(50, 401, 50)]
        torch.manual_seed(SMALL.seed)
        fresh = build(SMALL.network.design, SMALL.network.width).eval()
        crops = Crops(SMALL, packed / "train")
        same = [loop._Batches(crops, 2)[step] for step in range(1000, 1012)]
        with torch.inference_mode():
            before, after = (sum(float(loss_of(net(b["input"]), b, 16)) for b in same) for net in (fresh, trained))
        assert after < 0.9 * before
        assert (tmp_path / "run" / "curve.csv").read_text().startswith("step,loss,seconds")


def row(kind, score, regions=(), things=()):
    scores = dict.fromkeys(("person", "void", "density"), score)
    found = {k: tuple(r.score for r in regions if r.kind == k) for k in scores}
    return Record(kind, "cartons", "counts", scores, tuple(regions), found, tuple(things))


THING = {"kind": "person", "label": "person", "place": "cavity", "mass": 60.0, "load": 30.0}


class TestCalibration:
    def test_the_curve_finds_a_known_one(self):
        rng = np.random.default_rng(0)
        score = rng.uniform(0.05, 0.95, 20_000)
        chance = 1 / (1 + np.exp(-(1.6 * np.log(score / (1 - score)) - 0.7)))
        slope, shift = logistic(score, (rng.random(20_000) < chance).astype(float))
        assert slope == pytest.approx(1.6, abs=0.08)
        assert shift == pytest.approx(-0.7, abs=0.06)

    def test_separable_cases_stay_sane(self):
        slope, shift = logistic(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
        assert 0 < slope < 20
        assert abs(shift) < 10

    def test_thresholds_hold_their_rate(self):
        rows = [row("clean", s) for s in np.linspace(0, 1, 400)] + [row("person", 0.9, things=(THING,))]
        table = thresholds(rows)
        for rate, level in table.items():
            assert np.mean([r.score["person"] > level for r in rows if r.kind == "clean"]) <= rate

    def test_too_few_clean_scans(self):
        with pytest.raises(RecipeError, match="on 3 clean scans; 0.5 % needs at least 200"):
            thresholds([row("clean", 0.1)] * 3)

    def test_rare_hits_at_like_scores_do_not_blow_up(self):
        """Newton's full step diverged here, and every such region got probability 1."""
        rng = np.random.default_rng(4)
        score = rng.uniform(0.7, 0.95, 120)
        slope, shift = logistic(score, (rng.random(120) < 0.15).astype(float))
        chance = 1 / (1 + np.exp(-(slope * np.log(score / (1 - score)) + shift)))
        assert abs(chance.mean() - 0.15) < 0.1
        assert slope < 10

    def test_few_masses_give_no_interval(self):
        assert mass_factor([]) == {}

    def test_mass_factors_hold_nine_tenths(self):
        rng = np.random.default_rng(1)
        regions = [Region("person", 0.9, 0.9, True, False, 50.0, 50.0 * r) for r in np.exp(rng.normal(0, 0.2, 2000))]
        low, high = mass_factor([row("person", 0.9, regions, (THING,))])["person"]
        assert np.mean([low <= r.truth_mass / r.mass <= high for r in regions]) == pytest.approx(0.9, abs=0.01)

    def test_a_kind_with_few_regions_is_not_calibrated(self):
        regions = [Region("person", 0.5 + 0.01 * k, 0.5, k > 20, False, 50.0, 50.0) for k in range(40)]
        regions += [Region("density", 0.9, 0.5, True, False, 50.0, 50.0)] * 5
        assert set(probabilities([row("person", 0.9, regions, (THING,))])) == {"person"}


class TestFigures:
    def test_records_of_a_model(self, packed):
        shipped = load_model()
        model = Model(replace(shipped.card, grid=SMALL.network.grid))
        rows = list(records(packed / "test", model))
        assert len(rows) == 2
        assert all(0 <= r.score["person"] <= 1 for r in rows)

    def test_a_summary_by_hand(self):
        hit = Region("person", 0.9, 0.9, True, False, 55.0, 60.0)
        false = Region("person", 0.6, 0.5, False, False, 30.0, 0.0)
        rows = [row("person", 0.9, (hit,), (THING,))] * 30 + [row("clean", 0.2)] * 50 + [row("look-alike", 0.6, (false,))] * 10
        rows += [row("void", 0.8, (Region("void", 0.8, 0.8, True, False, 5.0, 6.0),), ({**THING, "kind": "void"},))] * 5
        rows += [
            row("density", 0.8, (Region("density", 0.8, 0.8, True, False, 5.0, 6.0),), ({**THING, "kind": "density"},))
        ] * 5
        figures = summarize(rows, {0.05: 0.65, 0.01: 0.95}, {"person": (0.8, 1.3)})
        assert figures["clean scans"] == 60
        assert figures["person"]["auroc"]["value"] == 1.0
        assert figures["person"]["things found"]["value"] == 1.0
        assert figures["person"]["false findings a scan"] == pytest.approx(0.1)
        assert figures["person"]["at thresholds set before"]["0.05"]["scans with persons found"]["value"] == 1.0
        assert figures["person"]["at thresholds set before"]["0.01"]["scans with persons found"]["value"] == 0.0
        assert figures["person"]["mass"]["median relative error"] == pytest.approx(5 / 60, abs=1e-3)
        assert figures["person"]["found by difficulty at the 5 % threshold"]["medium"]["value"] == 1.0


# torch's exporter warns of its own insides.
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_export_is_checked_against_torch(tmp_path):
    torch.manual_seed(0)
    hashes = export(build("unet-strips", 4).eval(), "unet-strips", tmp_path)
    assert set(hashes) == {"model.onnx", "weights.safetensors"}
    assert b"stack_trace" not in (tmp_path / "model.onnx").read_bytes()
