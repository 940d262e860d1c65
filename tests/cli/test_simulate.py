"""``xrayscan simulate``: what it makes, what it says, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import xrayscan as xs
from tests.simulate.lane import RECIPE
from xrayscan.cli.console import messages, results
from xrayscan.cli.main import app


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "width", 200)
    monkeypatch.setattr(messages, "width", 200)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "few.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def scans(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    folder = tmp_path_factory.mktemp("out") / "scans"
    status, output, errors = invoke("simulate", recipe, "--out", folder, "--count", 2)
    assert status == 0
    return folder, output, errors


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], terminal_width=120)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def flat(text: str) -> str:
    return " ".join(text.split())


def scan_of(folder: Path, name: str) -> Path:
    (path,) = (p for p in folder.glob(f"{name}.*") if p.suffix in (".tif", ".raw", ".npz", ".png", ".jpg"))
    return path


def test_a_recipe_becomes_scans_that_can_be_read(scans: tuple[Path, str, str]) -> None:
    folder, output, errors = scans
    kinds = [json.loads((folder / f"00000{k}.truth.json").read_text())["kind"] for k in range(2)]
    assert f"2 simulated scans in {folder}: " in flat(output)
    assert all(kind in output for kind in kinds)
    assert "simulating few" in errors
    assert "2/2" in errors
    for k in range(2):
        assert xs.read(scan_of(folder, f"00000{k}")).view.shape


def test_the_same_command_goes_on(recipe: Path, scans: tuple[Path, str, str]) -> None:
    folder = scans[0]
    before = {path: path.stat().st_mtime_ns for path in folder.glob("0*")}
    status, output, _ = invoke("simulate", recipe, "--out", folder, "--count", 2)
    assert status == 0
    assert flat(output) == flat(scans[1])
    assert {path: path.stat().st_mtime_ns for path in folder.glob("0*")} == before


def test_a_record_is_made_again(scans: tuple[Path, str, str], tmp_path: Path) -> None:
    folder = scans[0]
    status, output, _ = invoke("simulate", folder / "000001.record.json", "--out", tmp_path / "again")
    assert status == 0
    again = scan_of(tmp_path / "again", "000001")
    assert again.read_bytes() == scan_of(folder, "000001").read_bytes()
    assert str(again) in flat(output)
    assert "van, mattresses" in output


@pytest.mark.parametrize(("old", "new", "said"), [
    ("pitch", "pich", "few.toml, [scan]: unknown key 'pich'; the nearest known is 'pitch'"),
    ("clean = 0.5", "clean = 0.6", "few.toml: the shares of mix add up to 1.1; expected 1"),
    ('"van"', '"vann"', "few.toml: there is no vehicle 'vann'; did you mean 'van'?"),
    ("seed = 3", "seed 3", "few.toml: it is not TOML: "),
    ('"van"', '"tank trailer"', "none of the loads (mattresses) goes into the vehicles (tank trailer); change one of the two"),
])  # fmt: skip
def test_a_slip_in_a_recipe_is_one_clear_line_and_2(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "few.toml"
    path.write_text(RECIPE.replace(old, new))
    status, output, errors = invoke("simulate", path, "--out", tmp_path / "out", "--count", 1)
    assert status == 2
    assert said in flat(errors)
    assert errors.count("xrayscan: ") == 1
    assert "Traceback" not in errors + output


@pytest.mark.parametrize(("name", "text", "said"), [
    ("none.toml", None, "none.toml: No such file or directory; expected a TOML file"),
    ("a.record.json", None, "a.record.json: No such file or directory; name a .record.json file"),
    ("a.record.json", "nonsense", "a.record.json: this is no record of a simulated scan"),
    ("a.record.json", "{}", "it has no 'scanner'; a record holds seed, kind"),
    ("a.truth.json", "{}", "it is not TOML"),
])  # fmt: skip
def test_a_file_that_is_none_is_told(name: str, text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    status, output, errors = invoke("simulate", tmp_path / name, "--out", tmp_path / "out")
    assert status == 2
    assert said in flat(errors)
    assert "Traceback" not in errors + output
    assert not (tmp_path / "out").exists()


def test_another_seed_in_the_same_folder_is_refused(recipe: Path, scans: tuple[Path, str, str]) -> None:
    status, _, errors = invoke("simulate", recipe, "--out", scans[0], "--seed", 8)
    assert status == 2
    assert "holds scans of another recipe or seed (seed 3, now 8); name another folder" in flat(errors)


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "Missing option"),
    (["--out", "out", "--count", "0"], "Invalid value for '--count'"),
    (["--out", "out", "--workers", "0"], "Invalid value for '--workers'"),
    (["--out", "out", "--seed", "-1"], "Invalid value for '--seed'"),
])  # fmt: skip
def test_wrong_options(arguments: list[str], said: str, recipe: Path) -> None:
    status, _, errors = invoke("simulate", recipe, *arguments)
    assert status == 2
    assert said in flat(errors)
