"""``xrayscan evaluate``: the page, records and pictures that it writes, and what it refuses."""

import cv2
import pytest

pytest.importorskip("torch")

import typer
from typer.testing import CliRunner

from tests.evaluation.scans import OTHER, PERSON, write
from xrayscan.cli.console import messages, results
from xrayscan.cli.evaluate import evaluate
from xrayscan.evaluation.runs import read_records

app = typer.Typer()
app.command()(evaluate)
SUBJECT = "tests.evaluation.scans:sitting_person"


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setattr(results, "width", 200)
    monkeypatch.setattr(messages, "width", 200)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families") / "test"
    for number in range(3):
        write(folder, number, "clean")
    write(folder, 3, "person", persons=[PERSON])
    write(folder, 4, "person", persons=[OTHER])
    return folder


def run(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


def test_a_page_with_records_and_pictures(split, tmp_path):
    page, kept, drawn = tmp_path / "docs" / "benchmark.md", tmp_path / "records.jsonl", tmp_path / "docs" / "benchmark"
    drawn.mkdir(parents=True)
    for name in ("alarm-09-of-before.png", "mine.txt"):
        (drawn / name).touch()
    status, shown, _ = run(SUBJECT, "--scans", split, "--out", page, "--records", kept, "--pictures", drawn)
    assert status == 0
    assert not (drawn / "alarm-09-of-before.png").exists()
    assert (drawn / "mine.txt").exists()
    assert "given 1: 5 scans, 3 of them clean" in shown
    assert len(read_records(kept)) == 5
    text = page.read_text()
    assert str(tmp_path) not in text
    for picture in drawn.glob("*.png"):
        assert f"](benchmark/{picture.name})" in text
        assert cv2.imread(str(picture)).shape == (120, 200, 3)
    assert len(list(drawn.glob("alarm-*.png"))) == 3


def test_the_penetration_curve_is_on_the_page(split, tmp_path):
    page, kept = tmp_path / "docs" / "benchmark.md", tmp_path / "kept" / "records.jsonl"
    kept.parent.mkdir()
    asked = ("--scans", split, "--out", page, "--records", kept, "--penetration", 2)
    status, shown, _ = run(SUBJECT, *asked)
    assert status == 0
    assert "half of the seated adults found up to" in shown
    assert "2 staged scenes" in shown
    text = page.read_text()
    assert "--penetration 2`" in text
    assert "![detection against areal density](penetration.svg)" in text
    assert "| ideal: 50 % at |" in text
    assert "<svg" in (page.parent / "penetration.svg").read_text()
    looks = (kept.parent / "penetration" / "looks.jsonl").read_text()
    assert run(SUBJECT, *asked)[0] == 0
    assert (kept.parent / "penetration" / "looks.jsonl").read_text() == looks


def test_the_first_few_only(split):
    status, shown, _ = run(SUBJECT, "--scans", split, "--count", 2)
    assert status == 0
    assert "2 scans, 2 of them clean" in shown


def test_a_folder_without_scans(tmp_path):
    status, _, said = run(SUBJECT, "--scans", tmp_path)
    assert status == 2
    assert "looking for packed scans in" in said
    assert "pass a split that 'xrayscan train' made" in said


def test_a_model_that_is_not_there(split):
    status, _, said = run("no-such-model", "--scans", split)
    assert status == 2
    assert "there is no model 'no-such-model'" in said


def test_a_baseline_wants_clean_scans(split):
    from xrayscan.evaluation.baselines import BASELINES

    name = next(iter(BASELINES))
    status, _, said = run(name, "--scans", split)
    assert status == 2
    assert f"{name} is a baseline, which is fitted on clean scans first; name a folder of them with --fit" in said


def test_a_baseline_beside_a_model_is_fitted_once_for_the_same_scans(split, tmp_path):
    page, kept = tmp_path / "docs" / "benchmark.md", tmp_path / "records.jsonl"
    asked = (SUBJECT, "matched filter", "--scans", split, "--fit", split, "--out", page, "--records", kept)
    assert run(*asked)[0] == 0
    text = page.read_text()
    assert f"xrayscan evaluate {SUBJECT} 'matched filter' --scans families" in text
    assert text.startswith("# Benchmark: given 1, matched filter 1.0\n")
    assert "--fit families" in text
    assert "| model | found at 1 % |" in text
    assert "\n| matched filter 1.0 (`" in text
    fits = [(path.name, path.stat().st_mtime_ns) for path in tmp_path.glob("matched filter-*.npz")]
    assert len(fits) == 1
    assert run(*asked)[0] == 0
    assert [(path.name, path.stat().st_mtime_ns) for path in tmp_path.glob("matched filter-*.npz")] == fits
    write(tmp_path / "others", 0, "clean")
    assert run(*asked[:4], "--fit", tmp_path / "others", "--records", kept)[0] == 0
    assert len(list(tmp_path.glob("matched filter-*.npz"))) == 2
