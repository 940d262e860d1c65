"""`calibrate`: thresholds from a site's own clean scans, with the runtime alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import xrayscan as xs
from xrayscan.batch.errors import BusyError
from xrayscan.batch.lock import locked
from xrayscan.errors import UnknownModelError
from xrayscan.training import site_scores
from xrayscan.training.site import calibrate
from xrayscan.training.site_errors import SiteError
from xrayscan.training.site_folder import write_card_table
from xrayscan.training.site_scores import Scored, data_hash, distinct
from xrayscan.training.site_thresholds import USUAL_RATES, far_above, level, levels, needed, rate_interval

ROOT = Path(__file__).parents[2]


class TestThresholds:
    @pytest.mark.parametrize(("n", "rate"), [(99, 0.01), (100, 0.01), (250, 0.02), (60, 0.05)])
    def test_further_scans_are_alarmed_no_more_often_than_wanted(self, n, rate):
        """Of uniform scores the share beyond a threshold is known: 1 less it."""
        rng = np.random.default_rng(n)
        found = [level(rng.random(n).tolist(), rate) for _ in range(800)]
        beyond = np.array([1.0 - one.score for one in found])
        assert beyond.mean() <= rate * 1.05
        assert beyond.mean() == pytest.approx(found[0].expected.value, rel=0.1)
        inside = (beyond >= found[0].expected.low) & (beyond <= found[0].expected.high)
        assert inside.mean() == pytest.approx(0.95, abs=0.025)

    def test_the_scans_that_set_it_are_alarmed_less_often_than_wanted(self):
        scores = np.linspace(0, 1, 500).tolist()
        for one in levels(scores):
            assert sum(score >= one.score for score in scores) == one.alarmed <= one.rate * len(scores)

    def test_ties_never_alarm_more(self):
        assert level([0.5] * 99, 0.01).alarmed == 0

    def test_a_stricter_rate_has_a_higher_threshold(self):
        found = levels(np.random.default_rng(0).random(400).tolist(), 0.03)
        assert [one.rate for one in found] == [0.005, 0.01, 0.02, 0.03, 0.05, 0.1]
        assert all(a.score >= b.score for a, b in pairwise(found))

    @pytest.mark.parametrize("rate", USUAL_RATES)
    def test_one_scan_less_than_needed_is_too_few(self, rate):
        n = needed(rate)
        assert level([0.1] * n, rate).expected.n == n
        with pytest.raises(SiteError, match=rf"{n - 1} clean scans do not support it; give at least {n}$"):
            level([0.1] * (n - 1), rate)

    def test_only_supported_rates_are_set(self):
        assert [one.rate for one in levels([0.1] * 60)] == [0.02, 0.05, 0.1]

    def test_the_interval_shrinks_with_the_scans(self):
        widths = [high - low for low, high in (rate_interval(n // 100, n) for n in (100, 400, 1600))]
        assert widths[0] > 1.5 * widths[1] > 2.25 * widths[2]
        low, high = rate_interval(1, 1)
        assert (low, high) == pytest.approx((0.025, 0.975))

    def test_a_person_among_clean_scans_stands_out(self):
        rng = np.random.default_rng(3)
        scores = (1 / (1 + np.exp(4 - 0.5 * rng.standard_normal(150)))).tolist()
        assert far_above(scores) == ()
        assert far_above([*scores[:70], 0.96, *scores[70:], 0.99]) == (151, 70)

    def test_scores_all_over_have_none_that_stands_out(self):
        assert far_above(np.random.default_rng(1).random(150).tolist()) == ()

    def test_of_no_scans_none_stands_out(self):
        assert far_above([]) == ()


class TestScored:
    def test_a_copy_counts_once(self):
        one, two = Scored("a.tif", "1" * 64, 0.2), Scored("b.tif", "2" * 64, 0.3)
        kept, copies = distinct([one, two, replace(one, path="c.tif"), Scored("d.tif", "", error="broken")])
        assert (kept, [c.path for c in copies]) == ([one, two], ["c.tif"])

    def test_the_hash_of_the_data_knows_no_names_and_no_order(self):
        one, two = Scored("a.tif", "1" * 64, 0.2), Scored("b.tif", "2" * 64, 0.3)
        assert data_hash([one, two]) == data_hash([two, replace(one, path="z.tif")]) != data_hash([one])


def test_a_card_is_read_back_as_it_was_written(tmp_path):
    table = {
        "name": 'a "quoted" nâme\n\x7f', "seed": 3, "yes": True, "thresholds": {"0.01": 0.1 + 0.2},
        "calibration": {"person": [1.5, -2.0]}, "figures": {}, "site": {"parts": {"two words": 1}, "crop": (320, 384)},
    }  # fmt: skip
    write_card_table(table, tmp_path)
    expected = {**table, "name": 'a "quoted" nâme\\n\\x7f', "site": {"parts": {"two words": 1}, "crop": [320, 384]}}
    assert tomllib.loads((tmp_path / "card.toml").read_text(encoding="utf-8")) == expected


@pytest.fixture(scope="module")
def benign(tmp_path_factory):
    """Twenty-two small plain scans in two formats, one of them twice, a broken one, a text and a sidecar."""
    folder = tmp_path_factory.mktemp("lane 3")
    rng = np.random.default_rng(5)
    (folder / "night").mkdir()
    for number in range(22):
        scan = 900 - 300 * (np.indices((60, 90))[1] > 15 + number) + rng.integers(-9, 9, (60, 90))
        place = folder / "night" if number % 3 else folder
        if number % 2:
            np.savez(place / f"{number:02d}.npz", pixels=scan.astype(np.uint16), air=np.full(60, 1000.0), pixel_pitch=0.04)
        else:
            np.save(place / f"{number:02d}.npy", scan.astype(np.uint16))
            (place / f"{number:02d}.toml").write_text("pixel_pitch = 0.04\nair = 1000.0\n")
    shutil.copy(folder / "night" / "01.npz", folder / "again.npz")
    (folder / "cut.tif").write_bytes(b"II*\x00cut")
    (folder / "notes.txt").write_text("night shift")
    return folder


@pytest.fixture(scope="module")
def calibrated(benign, tmp_path_factory):
    """Made where there is no torch."""
    out = tmp_path_factory.mktemp("models") / "lane3"
    code = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['albumentations'] = None\n"
        "from xrayscan.training.site import calibrate\n"
        "done = calibrate(sys.argv[1], sys.argv[2], false_alarm_rate=0.05)\n"
        "print(len(done.used), len(done.failed), len(done.copies))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(benign), str(out)], check=True, cwd=ROOT, capture_output=True, text=True
    )
    assert run.stdout.split() == ["22", "1", "1"]
    return out


class TestCalibrate:
    def test_it_is_a_model_like_any_other(self, calibrated, benign):
        old, new = xs.load_model(), xs.load_model(calibrated)
        assert dict(new.card.sha256) == dict(old.card.sha256)
        assert set(new.card.thresholds) == {0.05, 0.1}
        assert (new.card.name, new.card.version.partition("+site.")[0]) == ("lane3", old.card.version.partition("+")[0])
        screener = xs.Screener(calibrated, false_alarm_rate=0.05)
        assert screener(benign / "00.npy").card.name == "lane3"

    def test_scores_are_those_of_screening(self, calibrated, benign):
        rows = [json.loads(line) for line in (calibrated / "clean-scans.jsonl").read_text().splitlines()]
        screener = xs.Screener(calibrated, false_alarm_rate=0.05)
        for row in rows[:2] + rows[20:22]:
            assert screener(benign / row["path"]).score == pytest.approx(row["score"], abs=1e-6)

    def test_at_the_threshold_no_more_of_the_clean_scans_are_alarmed_than_wanted(self, calibrated):
        rows = [json.loads(line) for line in (calibrated / "clean-scans.jsonl").read_text().splitlines()]
        card = xs.load_model(calibrated).card
        for rate, score in card.thresholds.items():
            assert np.mean([row["score"] >= score for row in rows if row["score"] is not None]) <= rate

    def test_the_card_says_on_what_and_when(self, calibrated):
        table = tomllib.loads((calibrated / "card.toml").read_text(encoding="utf-8"))
        site = table["site"]
        assert (site["scans"], site["could_not_be_screened"], site["copies"]) == (22, 1, 1)
        assert site["parent"]["name"] == xs.load_model().card.name
        assert site["data_sha256"][:12] in table["thresholds_set_on"]
        assert site["date"] in table["thresholds_set_on"]
        of_model = xs.load_model().card.probabilities_set_on
        assert re.match(r"\d+ simulated scans, \d+ of them with persons, ", of_model)
        assert table["probabilities_set_on"] == of_model
        assert site["thresholds"]["0.05"]["high"] > 0.05
        assert "threshold" not in json.dumps(table["figures"])

    def test_the_page_for_people(self, calibrated):
        text = (calibrated / "card.md").read_text(encoding="utf-8")
        assert "says nothing of how many persons are found" in text
        assert "No finding is not a clearance" in text
        assert "| 0.05 |" in text
        assert "## The model that it was made from" in text

    def test_nothing_else_is_left(self, calibrated):
        assert [path.name for path in calibrated.parent.iterdir()] == ["lane3"]

    def test_what_was_calibrated_can_be_calibrated_again(self, calibrated, benign, tmp_path, faked):
        done = calibrate(benign, tmp_path / "again", false_alarm_rate=0.05, model=calibrated)
        assert done.card.version.count("+site") == 1
        assert (tmp_path / "again" / "card.md").is_file()


@pytest.fixture
def faked(monkeypatch):
    """Scores by name, with no network: quick, and known."""
    calls = []

    def score(path, model):
        calls.append(path.name)
        if path.suffix == ".tif":
            return Scored("", "", error=f"reading {path}: it is cut off")
        return Scored("", "", 0.01 + 0.001 * int(path.stem.replace("again", "1").replace("odd", "960")), 1.0)

    monkeypatch.setattr(site_scores, "_score", score)
    return calls


class TestRuns:
    def test_what_stands_out_is_named_with_what_it_changes(self, benign, tmp_path, faked):
        shutil.copytree(benign, tmp_path / "lane")
        np.save(tmp_path / "lane" / "odd.npy", np.full((60, 90), 900, np.uint16))
        done = calibrate(tmp_path / "lane", tmp_path / "out", false_alarm_rate=0.05)
        assert [one.path for one in done.suspects] == ["odd.npy"]
        assert done.levels[0].score > 0.9 > 0.1 > done.without_suspects[0].score
        assert done.unsupported == (0.005, 0.01, 0.02)
        assert [one.path for one in done.failed] == ["cut.tif"]

    def test_interrupted_it_leaves_no_model_and_goes_on(self, benign, tmp_path, faked, monkeypatch):
        score = site_scores._score

        def dies(path, model):
            if len(faked) == 10:
                raise KeyboardInterrupt("killed")
            return score(path, model)

        with monkeypatch.context() as patch:
            patch.setattr(site_scores, "_score", dies)
            with pytest.raises(KeyboardInterrupt, match="killed"):
                calibrate(benign, tmp_path / "out", false_alarm_rate=0.05)
        assert not (tmp_path / "out").exists()
        journal = tmp_path / "out.partial" / "scores.jsonl"
        journal.write_text(journal.read_text() + '{"path": "cut of')  # killed while it wrote
        before = len(faked)
        done = calibrate(benign, tmp_path / "out", false_alarm_rate=0.05)
        assert len(set(faked[before:]) & set(faked[:before]) - {"cut.tif"}) == 0
        assert done.levels == calibrate(benign, tmp_path / "whole", false_alarm_rate=0.05).levels
        assert not (tmp_path / "out.partial").exists()

    def test_another_models_scores_do_not_count(self, benign, tmp_path, faked):
        (tmp_path / "out.partial").mkdir()
        row = Scored("00.npy", "0" * 64, 0.9)
        (tmp_path / "out.partial" / "scores.jsonl").write_text(f'{{"model": "another"}}\n{json.dumps(row.__dict__)}\n')
        calibrate(benign, tmp_path / "out", false_alarm_rate=0.05)
        assert "00.npy" in faked

    def test_a_broken_card_is_never_put_in_place(self, benign, tmp_path, faked, monkeypatch):
        def fails(*_):
            raise OSError("the disk is full")

        monkeypatch.setattr("xrayscan.training.site.write_card_table", fails)
        with pytest.raises(OSError, match="the disk is full"):
            calibrate(benign, tmp_path / "out", false_alarm_rate=0.05)
        assert not (tmp_path / "out").exists()

    def test_too_few_scans_are_told_before_any_is_scored(self, benign, tmp_path, faked):
        with pytest.raises(
            SiteError,
            match=r"rate of 0\.01 needs at least 99 clean scans, there are 24; add 75, or take --false-alarm-rate 0\.05",
        ):
            calibrate(benign, tmp_path / "out")
        assert not faked
        assert not list(tmp_path.iterdir())

    def test_too_few_that_can_be_used(self, benign, tmp_path, faked):
        with pytest.raises(SiteError, match=r"needs at least 24 clean scans, there are 22 \(2 more could not be used\); add 2"):
            calibrate(benign, tmp_path / "out", false_alarm_rate=0.04)

    def test_a_lax_rate_needs_scans_too(self, tmp_path, faked):
        (tmp_path / "few").mkdir()
        np.save(tmp_path / "few" / "1.npy", np.zeros((9, 9), np.uint16))
        with pytest.raises(SiteError, match="rate of 0.4 needs at least 19 clean scans, there are 1"):
            calibrate(tmp_path / "few", tmp_path / "out", false_alarm_rate=0.4)

    @pytest.mark.parametrize("rate", [0.0, -1.0, 0.6, 5.0])
    def test_no_rate(self, benign, tmp_path, rate):
        with pytest.raises(SiteError, match="expected one above 0 and up to 0.5"):
            calibrate(benign, tmp_path / "out", false_alarm_rate=rate)

    def test_a_model_is_never_replaced(self, benign, tmp_path, faked):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "card.toml").touch()
        with pytest.raises(SiteError, match="there is something already"):
            calibrate(benign, tmp_path / "out", false_alarm_rate=0.05)

    def test_an_empty_folder_is_taken(self, benign, tmp_path, faked):
        (tmp_path / "out").mkdir()
        calibrate(benign, tmp_path / "out", false_alarm_rate=0.05)
        assert xs.load_model(tmp_path / "out").card.name == "out"

    def test_not_among_the_scans(self, benign, faked):
        with pytest.raises(SiteError, match="it lies among the scans"):
            calibrate(benign, benign / "model", false_alarm_rate=0.05)
        assert not (benign / "model.partial").exists()

    def test_not_by_a_shipped_models_name(self, benign, tmp_path, faked):
        name = xs.load_model().card.name
        with pytest.raises(SiteError, match="a shipped model has that name"):
            calibrate(benign, tmp_path / name, false_alarm_rate=0.05)

    def test_no_folder_and_no_scans(self, benign, tmp_path):
        with pytest.raises(SiteError, match="it is no folder"):
            calibrate(benign / "00.npy", tmp_path / "out")
        with pytest.raises(SiteError, match="there are none"):
            calibrate(tmp_path, tmp_path.parent / "out")

    def test_no_model(self, benign, tmp_path):
        with pytest.raises(UnknownModelError, match="there is no model 'none'"):
            calibrate(benign, tmp_path / "out", false_alarm_rate=0.05, model="none")

    def test_one_run_at_a_time(self, benign, tmp_path, faked):
        (tmp_path / "out.partial").mkdir()
        with locked(tmp_path / "out.partial"), pytest.raises(BusyError, match="another run"):
            calibrate(benign, tmp_path / "out", false_alarm_rate=0.05)
