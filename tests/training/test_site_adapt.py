"""`adapt`: parts that never mix, bodies where the truth says, a resumable fine-tuning, and an honest verdict."""

from __future__ import annotations

import json
import re
import shutil
import tomllib

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("albumentations")

from dataclasses import replace

import xrayscan as xs
from tests.simulate.lane import made, of_van
from xrayscan.evaluation.metrics import Figure
from xrayscan.network.designs import build, load_weights
from xrayscan.simulate.packed import BITS, load_packed
from xrayscan.training import site_adapt, site_tune
from xrayscan.training.recipe import Network
from xrayscan.training.ship import export
from xrayscan.training.site_adapt import adapt
from xrayscan.training.site_errors import SiteError
from xrayscan.training.site_folder import write_card_table
from xrayscan.training.site_parts import PARTS, prepare, split
from xrayscan.training.site_scores import Scored
from xrayscan.training.site_trial import Held, Trial, compare, held_out
from xrayscan.training.site_tune import Tuning, tune

GRID = 0.04
SEEN = Network(grid=GRID)
TUNING = Tuning(steps=4, insertions=1, batch=2, crop=(64, 96), save_every=2, rate=1e-2)
# torch's exporter warns of its own insides.
pytestmark = pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")


@pytest.fixture(scope="module")
def benign(tmp_path_factory):
    """Six clean vans, one of them with nothing that a body could be put into."""
    folder = tmp_path_factory.mktemp("lane")
    for seed in range(6):
        scan = made(of_van(seed, "clean"))[0]
        view, lines = scan.view, scan.calibration
        held = {"air": lines.air, "dark": lines.dark, "pixel_pitch": np.array([0.03, 0.03]), "quantity": view.quantity}
        arrays = {key: np.asarray(value) for key, value in held.items() if value is not None}
        np.savez(folder / f"{seed}.npz", pixels=view.pixels, energies=np.array(view.energies), **arrays)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model folder of a network that is quick, and knows nothing."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    hashes = export(build("unet", 4).eval(), "unet", folder)
    card = {
        "name": "tiny", "version": "1", "created": "2026-01-01", "recipe": "recipe.toml", "revision": "abc", "seed": 0,
        "grid_m": GRID, "place_m2": 0.02, "thresholds_set_on": "nothing", "sha256": hashes, "thresholds": {"0.01": 0.5},
        "calibration": {"person": [1.0, 0.0], "void": [1.0, 0.0]}, "mass_factor": {}, "figures": {"person": {"auroc": 0.5}},
    }  # fmt: skip
    write_card_table(card, folder)
    return folder


@pytest.fixture(scope="module")
def packed(benign, tmp_path_factory):
    """The scans of three of the vans, clean and with bodies, in the place of the training part."""
    work = tmp_path_factory.mktemp("work")
    files = {f"{number}" * 64: benign / f"{number}.npz" for number in range(3)}
    parts = {"train": tuple(Scored(path.name, mark, 0.1) for mark, path in files.items())}
    short = prepare(parts, files, work, grid=GRID, tuning=TUNING)
    return work, short


class TestSplit:
    SCANS = tuple(Scored(f"{k}.tif", f"{k * 7919:064x}", 0.1) for k in range(100))

    def test_every_scan_is_in_one_part(self):
        parts = split(self.SCANS, seed=3)
        assert tuple(parts) == PARTS
        assert sorted(one.sha256 for part in parts.values() for one in part) == sorted(one.sha256 for one in self.SCANS)
        assert {len(part) for part in parts.values()} == {33, 34}

    def test_neither_names_nor_order_matter_but_the_seed_does(self):
        renamed = [replace(one, path="x" + one.path) for one in reversed(self.SCANS)]
        first, again, other = (split(scans, s) for scans, s in ((self.SCANS, 3), (renamed, 3), (self.SCANS, 4)))
        assert {one.sha256 for one in first["holdout"]} == {one.sha256 for one in again["holdout"]}
        assert {one.sha256 for one in first["holdout"]} != {one.sha256 for one in other["holdout"]}


class TestPrepare:
    def test_the_clean_one_holds_nothing_and_the_other_a_body(self, packed):
        work, short = packed
        clean = sorted((work / "train").glob("*-0.npz"))
        with_bodies = sorted((work / "train").glob("*-1.npz"))
        assert len(clean) == 3
        assert len(with_bodies) == 3 - len(short)
        for path in clean:
            assert not (load_packed(path)[4].astype(np.uint8) & BITS["person"]).any()
        for path in with_bodies:
            before = load_packed(path.with_name(path.name.replace("-1.", "-0."))).astype(np.float32)
            after = load_packed(path).astype(np.float32)
            body = (after[4].astype(np.uint8) & BITS["person"]) > 0
            about = json.loads(path.with_suffix(".json").read_text())
            assert body.sum() * GRID**2 > 0.05
            assert after[5][body].mean() > 3.0
            rows, columns = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
            tops, lefts, bottoms, rights = zip(*(i["box"] for i in about["instances"]), strict=True)
            assert [min(tops), max(bottoms)] == pytest.approx([rows[0], rows[-1] + 1], abs=2)
            assert [min(lefts), max(rights)] == pytest.approx([columns[0], columns[-1] + 1], abs=2)
            assert after[5][body].sum() * GRID**2 * 10 == pytest.approx(sum(i["mass"] for i in about["instances"]), rel=0.35)
            assert abs(after[0] - before[0])[body].mean() > 3 * abs(after[0] - before[0])[~body].mean()

    def test_what_is_done_is_not_done_again(self, packed, benign):
        work, short = packed
        before = {path: path.stat().st_mtime_ns for path in (work / "train").iterdir()}
        parts = {"train": tuple(Scored(f"{n}.npz", f"{n}" * 64, 0.1) for n in range(3))}
        files = {f"{n}" * 64: benign / f"{n}.npz" for n in range(3)}
        assert prepare(parts, files, work, grid=GRID, tuning=TUNING) == short
        assert {path: path.stat().st_mtime_ns for path in (work / "train").iterdir()} == before


class TestTune:
    @pytest.fixture(autouse=True)
    def _one_thread(self):
        torch.set_num_threads(1)

    def fresh(self, packed, place):
        place.mkdir()
        (place / "train").symlink_to(packed[0] / "train")
        return place

    def test_stopped_and_resumed_gives_the_same_network(self, packed, tmp_path, monkeypatch):
        torch.manual_seed(1)
        old = build("unet", 4).eval()
        whole = tune(old, TUNING, self.fresh(packed, tmp_path / "whole"), seen=SEEN)
        save = site_tune._Run.save

        def save_and_die(run):
            save(run)
            raise KeyboardInterrupt(f"killed at step {run.step}")

        parts = self.fresh(packed, tmp_path / "parts")
        with monkeypatch.context() as patch:
            patch.setattr(site_tune._Run, "save", save_and_die)
            with pytest.raises(KeyboardInterrupt, match="killed at step 2"):
                tune(old, TUNING, parts, seen=SEEN)
        resumed = tune(old, TUNING, parts, seen=SEEN)
        for one, two in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=0)

    def test_weights_move_and_the_statistics_of_the_norms_do_not(self, packed, tmp_path):
        old = build("unet", 4).eval()
        before = {name: value.clone() for name, value in old.state_dict().items()}
        new = tune(old, TUNING, self.fresh(packed, tmp_path / "work"), seen=SEEN).state_dict()
        assert all(torch.equal(before[name], value) for name, value in old.state_dict().items())
        assert not torch.equal(before["stem.0.weight"], new["stem.0.weight"])
        for name in before:
            if "running" in name or "num_batches" in name:
                assert torch.equal(before[name], new[name])

    def test_simulated_scans_can_be_mixed_in(self, packed, tmp_path):
        sources = [site_tune._crops(TUNING, packed[0] / "train", SEEN)] * 2
        drawn = [site_tune._batch(sources, TUNING, step)[1] for step in range(6)]
        assert torch.cat(drawn).any()
        assert not torch.cat(drawn).all()
        batch = site_tune._batch(sources, TUNING, 3)[0]
        assert torch.equal(batch["input"], site_tune._batch(sources, TUNING, 3)[0]["input"])

    def test_nothing_is_taught_of_what_is_not_known(self, packed):
        batch, own = site_tune._batch([site_tune._crops(TUNING, packed[0] / "train", SEEN)], TUNING, 0)
        known = site_tune._known(batch, own)
        assert own.all()
        assert not known["weight"][:, 1:].any()
        assert torch.equal(known["weight"][:, 0], batch["weight"][:, 0])
        assert not known["areal_weight"][batch["labels"][:, 0] == 0].any()

    def test_staying_where_it_was_costs_nothing(self, packed):
        batch, own = site_tune._batch([site_tune._crops(TUNING, packed[0] / "train", SEEN)], TUNING, 0)
        answer = torch.randn(2, 5, 64, 96)
        assert float(site_tune._anchor(answer, answer, batch, own)) == pytest.approx(0.0, abs=1e-6)
        moved = answer.clone()
        moved[:, 1] += 2.0
        assert float(site_tune._anchor(moved, answer, batch, own)) > 0.01
        assert float(site_tune._anchor(moved, answer, batch, ~own)) == 0.0

    def test_no_scans(self, tmp_path):
        (tmp_path / "train").mkdir()
        with pytest.raises(SiteError, match="there are none; give a folder that holds"):
            tune(build("unet", 4), TUNING, tmp_path, seen=SEEN)

    def test_no_steps(self):
        with pytest.raises(SiteError, match="adapting with 0 steps, 3 insertions and seed 0: expected at least one"):
            Tuning(steps=0)


class TestTrial:
    def test_a_person_is_found_at_its_own_place_only(self, packed, tiny):
        model = xs.load_model(tiny)

        class Alarming:
            card = model.card

            def __call__(self, radiograph):
                anomaly = model(radiograph)
                loud = np.zeros_like(anomaly.person)
                loud[:, :8] = 0.9  # at the left edge, where nobody is
                return replace(anomaly, person=loud)

        held = held_out(packed[0] / "train", Alarming())
        assert len(held) == 3
        assert all(one.clean > 0.5 for one in held)
        assert max(score for one in held for score in one.persons) < 0.5

    def test_the_interval_is_over_scans_and_not_over_insertions(self):
        rng = np.random.default_rng(0)
        few = [Held(0.5, (float(rng.random()),)) for _ in range(12)]
        many = [Held(one.clean, one.persons * 50) for one in few]
        one, other = compare(few, few), compare(many, many)
        assert other.before.n == 50 * one.before.n
        assert other.before.high - other.before.low == pytest.approx(one.before.high - one.before.low, abs=0.05)

    def test_the_threshold_is_each_models_own(self):
        """A network that scores everything twice as high has not become better."""
        rng = np.random.default_rng(1)
        before = [Held(float(c), (float(c + d),)) for c, d in zip(0.4 * rng.random(60), 0.3 * rng.random(60), strict=True)]
        after = [Held(2 * one.clean, tuple(2 * score for score in one.persons)) for one in before]
        trial = compare(before, after)
        assert trial.difference == Figure(0.0, 0.0, 0.0, 60)
        assert trial.verdict == "no difference shown"

    def test_worse_is_called_worse(self):
        good, bad = [Held(0.2, (0.9,))] * 30, [Held(0.5, (0.3,))] * 30
        assert compare(good, bad).verdict == "made it worse"
        assert compare(bad, good).verdict == "helped"

    def test_nothing_to_try(self):
        with pytest.raises(SiteError, match="no body could be inserted where it can be seen"):
            compare([Held(0.2, ())], [Held(0.2, ())])


def outcome(verdict):
    low, high = {"helped": (0.1, 0.3), "no difference shown": (-0.1, 0.1), "made it worse": (-0.3, -0.1)}[verdict]
    part = Figure(0.5, 0.4, 0.6, 9)
    return Trial(part, part, Figure((low + high) / 2, low, high, 9), part, part, 9, 0)


@pytest.fixture(scope="module")
def adapted(benign, tiny, tmp_path_factory):
    """Once through, with an interruption, for a verdict that is put into its mouth; what came of it, and what it wrote."""
    place = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_adapt, "FEWEST", 6)
        torch.set_num_threads(1)
        with patch.context() as inner:
            inner.setattr(site_adapt, "export", killed)
            with pytest.raises(KeyboardInterrupt, match="killed"):
                adapt(benign, place / "out", model=tiny, tuning=TUNING)
        assert not (place / "out").exists()
        with pytest.raises(SiteError, match="it is of another adaptation, which differs in seed; repeat the command as it was"):
            adapt(benign, place / "out", model=tiny, tuning=replace(TUNING, seed=1))
        patch.setattr(site_adapt, "compare", lambda *_: outcome("helped"))
        done = adapt(benign, place / "out", model=tiny, tuning=TUNING)
    return place, done


def killed(*_):
    raise KeyboardInterrupt("killed")


class TestAdapt:
    def test_it_is_a_model_like_any_other(self, adapted, tiny, benign):
        place, done = adapted
        assert [path.name for path in place.iterdir()] == ["out"]
        assert (done.kept, dict(done.parts)) == ("new", {"train": 2, "threshold": 2, "holdout": 2})
        new = xs.load_model(place / "out")
        old = load_weights(tiny / "weights.safetensors").state_dict()["stem.0.weight"]
        assert not torch.equal(load_weights(new.card.file("weights.safetensors")).state_dict()["stem.0.weight"], old)
        radiograph = xs.normalize(xs.read(benign / "0.npz"))
        by_torch = xs.load_model(place / "out", backend="torch")(radiograph)
        np.testing.assert_allclose(new(radiograph).person, by_torch.person, atol=1e-4)

    def test_the_card_claims_nothing_of_the_old_weights(self, adapted):
        table = tomllib.loads((adapted[0] / "out" / "card.toml").read_text())
        assert table["site"]["parent"]["name"] == "tiny"
        assert table["site"]["tuning"]["steps"] == 4
        assert table["site"]["hold_out"]["verdict"] == "helped"
        assert "void" not in table["calibration"]
        said = table["probabilities_set_on"]
        assert re.fullmatch(r"\d+ scans of a site, \d+ of them with inserted bodies, \d{4}-\d\d-\d\d", said)
        assert list(table["figures"]) == ["hold-out of the site"]
        assert "It helped" in (adapted[0] / "out" / "card.md").read_text()

    @pytest.mark.parametrize("keep", [False, True])
    def test_what_did_not_help_is_said_and_kept_only_when_asked(self, adapted, benign, tiny, tmp_path, monkeypatch, keep):
        def tuned_badly(site, _):
            shutil.copytree(adapted[0] / "out", site.work / "new")
            return outcome("made it worse")

        monkeypatch.setattr(site_adapt, "FEWEST", 6)
        monkeypatch.setattr(site_adapt, "prepare", lambda *_, **__: {})
        monkeypatch.setattr(site_adapt._Site, "tune_and_try", tuned_badly)
        done = adapt(benign, tmp_path / "out", model=tiny, tuning=TUNING, keep_anyway=keep)
        card, page = xs.load_model(tmp_path / "out").card, (tmp_path / "out" / "card.md").read_text()
        assert done.kept == ("new" if keep else "old")
        assert (dict(card.sha256) == dict(xs.load_model(tiny).card.sha256)) != keep
        assert "It made things worse" in page
        assert ("The old weights are kept" in page) != keep
        assert ("because that was asked for" in page) == keep

    def test_no_simulated_scans(self, benign, tiny, tmp_path):
        with pytest.raises(SiteError, match="mixing in the packed simulated scans of .*: there are none"):
            adapt(benign, tmp_path / "out", model=tiny, tuning=TUNING, simulated=tmp_path)

    def test_too_few(self, benign, tiny, tmp_path):
        with pytest.raises(SiteError, match="it needs at least 30 clean scans, there are 6 that can be used of 6; add 24"):
            adapt(benign, tmp_path / "out", model=tiny, tuning=TUNING)
        assert not (tmp_path / "out").exists()
        assert (tmp_path / "out.partial" / "scores.jsonl").exists()
