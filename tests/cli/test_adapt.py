"""``xrayscan adapt``: what it says and how it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("albumentations")

from xrayscan.cli.adapt import adapt
from xrayscan.cli.console import messages, results
from xrayscan.evaluation.metrics import Figure
from xrayscan.training import site_adapt
from xrayscan.training.site_adapt import Adapted
from xrayscan.training.site_scores import Scored
from xrayscan.training.site_thresholds import levels
from xrayscan.training.site_trial import Trial
from xrayscan.zoo import load_model

app = typer.Typer()
app.command()(adapt)

PART = Figure(0.5, 0.4, 0.6, 90)
HELPED = Trial(PART, replace(PART, value=0.7), Figure(0.2, 0.1, 0.3, 90), PART, PART, 40, 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asks for; what it gets is made up."""
    monkeypatch.setattr(results, "width", 200)
    monkeypatch.setattr(messages, "width", 200)
    held: dict[str, Any] = {"trial": HELPED, "kept": "new", "failed": ()}

    def run(folder: Path, out: Path, **others: Any) -> Adapted:
        held.update(folder=folder, out=out, **others)
        others["running"].note("scoring 120 clean scans")
        others["running"].step(1, 120)
        others["running"].progress(1, 300, 0.5)
        found, short = levels([k / 40 for k in range(40)]), {"0007.tif": "there is no container in it"}
        parts = {"train": 40, "threshold": 40, "holdout": 40}
        return Adapted(load_model().card, held["trial"], held["kept"], found, parts, short, held["failed"], ())

    monkeypatch.setattr(site_adapt, "adapt", run)
    return held


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], terminal_width=120)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.stdout.split()), " ".join(result.stderr.split())


def test_what_it_asks_for(asked: dict[str, Any]) -> None:
    status, _, errors = invoke("lane", "--out", "model", "--steps", 50, "--seed", 9, "--insertions", 2, "--keep-anyway")
    assert status == 0
    assert (asked["folder"], asked["out"], asked["keep_anyway"]) == (Path("lane"), Path("model"), True)
    assert (asked["tuning"].steps, asked["tuning"].seed, asked["tuning"].insertions) == (50, 9, 2)
    assert "scoring 120 clean scans" in errors


def test_what_helped(asked: dict[str, Any]) -> None:
    status, output, _ = invoke("lane", "--out", "model")
    assert status == 0
    assert "50.0% [40.0%, 60.0%]" in output
    assert "+20.0% [+10.0%, +30.0%]" in output
    assert "90 insertions that can be seen, 0 of 40 clean scans alarmed" in output
    assert "It helped: on the hold-out more of the inserted persons are found." in output
    assert "1 scan holds fewer insertions than asked for, such as 0007.tif: there is no container in it" in output


def test_what_did_not(asked: dict[str, Any]) -> None:
    asked |= {"trial": replace(HELPED, difference=Figure(0.02, -0.1, 0.1, 90)), "kept": "old"}
    _, output, _ = invoke("lane", "--out", "model")
    assert "It did not help as far as the hold-out can tell" in output
    assert "The old weights are kept, with thresholds of this site." in output


def test_what_could_not_be_screened_is_named(asked: dict[str, Any]) -> None:
    asked["failed"] = (Scored("cut.tif", "", error="reading cut.tif: the file is empty"),)
    status, output, _ = invoke("lane", "--out", "model")
    assert status == 1
    assert "1 could not be screened and are left out: cut.tif: reading cut.tif: the file is empty" in output


def test_no_folder(tmp_path: Path) -> None:
    status, _, errors = invoke(tmp_path / "none", "--out", tmp_path / "model")
    assert status == 2
    assert "it is no folder" in errors
