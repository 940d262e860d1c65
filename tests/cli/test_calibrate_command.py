"""``xrayscan calibrate``: what it says and how it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from xrayscan.cli.calibrate import calibrate
from xrayscan.cli.console import messages, results
from xrayscan.training import site_scores
from xrayscan.training.site_scores import Scored

app = typer.Typer()
app.command()(calibrate)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "width", 200)
    monkeypatch.setattr(messages, "width", 200)


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of scans whose scores are known."""
    folder = tmp_path / "lane"
    folder.mkdir()
    for number in range(120):
        np.save(folder / f"{number:03d}.npy", np.full((4, 4), number, np.uint16))
    monkeypatch.setattr(site_scores, "_score", lambda path, _: Scored("", "", 0.02 + 0.0003 * int(path.stem), 1.0))
    return folder


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], terminal_width=120)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.stdout.split()), " ".join(result.stderr.split())


def test_what_it_says(lane: Path, tmp_path: Path) -> None:
    status, output, _ = invoke(lane, "--out", tmp_path / "model", "--workers", 1)
    assert status == 0
    assert "Could not be set with 120 clean scans: 0.005 (needs 199)." in output
    assert "95 % interval" in output
    assert "The strictest thresholds rest on these; be sure that nobody is in them: 0.056 119.npy" in output
    assert "Set on 120 clean scans: model" in output
    assert "--model" in output


def test_suspects_are_to_be_looked_at(lane: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def score(path: Path, _: object) -> Scored:
        return Scored("", "", 0.98 if path.stem == "060" else 0.02 + 0.0003 * int(path.stem), 1.0)

    monkeypatch.setattr(site_scores, "_score", score)
    status, output, _ = invoke(lane, "--out", tmp_path / "model", "--workers", 1)
    assert status == 0
    assert (
        "1 score far above the rest. They may not be clean: look at these before you trust the thresholds: 0.980 060.npy"
        in output
    )
    assert "without them the threshold of 0.01 would be 0.056, not 0.980" in output


def test_what_could_not_be_screened_is_named(lane: Path, tmp_path: Path) -> None:
    (lane / "cut.tif").touch()

    def reads(path: Path, _: object) -> Scored:
        if path.name == "cut.tif":
            return Scored("", "", error=f"reading {path}: the file is empty; copy it again from the scanner")
        return Scored("", "", 0.02, 1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_scores, "_score", reads)
        status, output, _ = invoke(lane, "--out", tmp_path / "model", "--workers", 1)
    assert status == 1
    assert "1 could not be screened and are left out: cut.tif: reading" in output
    assert "Set on 120 clean scans" in output


def test_too_few_is_wrong_use(lane: Path, tmp_path: Path) -> None:
    status, _, errors = invoke(lane, "--out", tmp_path / "model", "--workers", 1, "--false-alarm-rate", 0.005)
    assert status == 2
    assert "needs at least 199 clean scans, there are 120; add 79, or take --false-alarm-rate 0.01" in errors
    assert not (tmp_path / "model").exists()


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    """The real network, on scans small enough for a test."""
    folder, found = tmp_path / "lane", []
    folder.mkdir()
    for number in range(19):
        pixels = np.full((40, 60), 900, np.uint16)
        pixels[:, number : number + 20] = 300
        np.savez(folder / f"{number}.npz", pixels=pixels, air=np.full(40, 1000.0), pixel_pitch=0.04)
    for workers in (1, 2):
        out = tmp_path / f"model-{workers}"
        status, _, _ = invoke(folder, "--out", out, "--workers", workers, "--false-alarm-rate", 0.05)
        assert status == 0
        found.append((out / "clean-scans.jsonl").read_text())
    assert found[0] == found[1]
