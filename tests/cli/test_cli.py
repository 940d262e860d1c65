"""The commands: what they say, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import xrayscan
from tests.batch.fakes import FakeFactory
from xrayscan.batch.lock import locked
from xrayscan.cli.console import messages, results
from xrayscan.cli.main import app

ROOT = Path(__file__).parents[2]
DISCLAIMER = "No finding is not a clearance: a person decides."


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "width", 160)
    monkeypatch.setattr(messages, "width", 160)


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def factory(model: object, rate: float, threads: int | None = None, attribution: str | None = None) -> FakeFactory:
        return FakeFactory(rate=rate, broken="unknown" if model else "")

    monkeypatch.setattr("xrayscan.batch.engine.ModelScreener", factory)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "low.npy").write_text("score 0.1")
    (folder / "high [red]x[bold].npy").write_text("score 0.9")
    return folder


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], terminal_width=120)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def shell(*arguments: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "xrayscan", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.usefixtures("fake_model")
def test_screen_shows_the_most_suspicious_first_and_where_to_look(scans: Path, tmp_path: Path) -> None:
    status, output, errors = invoke("screen", scans, "--out", tmp_path / "out", "--workers", 1)
    assert status == 0
    lines = output.splitlines()
    rows = [number for number, line in enumerate(lines) if ".npy" in line]
    assert "high [red]x[bold].npy" in lines[rows[0]]
    assert all(said in lines[rows[0]] for said in ("0.900", "high", "1 person", "75 %"))
    assert "low.npy" in lines[rows[1]]
    assert (tmp_path / "out/index.html").as_uri() in output
    assert DISCLAIMER in output
    assert "2 of 2 done" in errors


@pytest.mark.usefixtures("fake_model")
def test_screen_names_what_failed_and_ends_with_1(scans: Path, tmp_path: Path) -> None:
    (scans / "bad.npy").write_text("corrupt")
    status, output, _ = invoke("screen", scans, "--out", tmp_path / "out", "--workers", 1)
    assert status == 1
    assert "1 could not be screened" in output
    assert "bad.npy: reading " in output
    assert "2 screened, 1 failed" in output
    status, output, errors = invoke("screen", scans, "--out", tmp_path / "out", "--workers", 1)
    assert status == 1
    assert "2 of them by an earlier run" in output
    assert "2 of 3 done, 2 of them by an earlier run" in errors


@pytest.mark.usefixtures("fake_model")
def test_only_twenty_are_shown(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(25):
        (tmp_path / f"in/{number:02}.npy").write_text(f"score 0.{number:02}")
        (tmp_path / f"in/bad{number:02}.npy").write_text("corrupt")
    status, output, _ = invoke("screen", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1)
    assert status == 1
    assert "5 more in results.csv" in output
    assert "and 5 more, all in results.csv" in output


@pytest.mark.usefixtures("fake_model")
def test_progress_for_programs(scans: Path, tmp_path: Path) -> None:
    status, _, errors = invoke("screen", scans, "--out", tmp_path / "out", "--workers", 1, "--progress", "json")
    lines = [json.loads(line) for line in errors.splitlines()]
    assert status == 0
    assert [line["done"] for line in lines] == [0, 1, 2]
    assert lines[1]["row"]["status"] == "screened"


@pytest.mark.usefixtures("fake_model")
def test_a_dry_run_says_what_would_be_screened_and_writes_nothing(scans: Path, tmp_path: Path) -> None:
    status, output, _ = invoke("screen", scans / "low.npy", "--out", tmp_path / "out", "--dry-run")
    assert (status, (tmp_path / "out").exists()) == (0, False)
    assert f"to screen  {scans / 'low.npy'}" in output
    assert "1 to screen, 0 done already; this was a dry run, nothing was written" in output
    invoke("screen", scans / "low.npy", "--out", tmp_path / "out", "--workers", 1)
    status, output, errors = invoke("screen", scans, "--out", tmp_path / "out", "--dry-run", "--progress", "json")
    lines = [json.loads(line) for line in output.splitlines()]
    assert (status, errors) == (0, "")
    assert [(line["report"].endswith("low.npy"), line["state"]) for line in lines] == [(False, "waiting"), (True, "done")]


@pytest.mark.usefixtures("fake_model")
def test_a_dry_run_of_watch(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrayscan.batch.watching.ModelScreener", lambda *_: FakeFactory())
    status, output, _ = invoke("watch", scans, "--out", tmp_path / "out", "--dry-run")
    assert (status, (tmp_path / "out").exists()) == (0, False)
    assert "2 to screen, 0 done already" in output


@pytest.mark.usefixtures("fake_model")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["watch", "{in}/nothing here", "--out", "{out}"], "there is no such folder; make it"),
        (["watch", "{in}", "--out", "{in}/out"], "the output folder lies inside the input"),
        (["watch", "{in}", "--out", "{out}", "--poll", "0"], "watching with poll = 0.0: expected seconds above 0"),
        (["screen", "{in}", "--out", "{out}", "--progress", "xml"], "Invalid value for '--progress'"),
        (["screen", "{in}/nothing here", "--out", "{out}"], "there is no such file or folder"),
        (["screen", "{empty}", "--out", "{out}"], "there are none; name files or folders"),
        (["screen", "{in}", "--out", "{in}/out"], "the output folder lies inside the input"),
        (["screen", "{in}", "--out", "{out}", "--model", "x"], "there is no model 'x'"),
        (["screen", "{in}", "--out", "{out}", "--false-alarm-rate", "0.02", "--workers", "1"], "it was measured at 0.01, 0.05"),
        (["screen", "{in}"], "Missing option"),
        (["screen", "{in}", "--out", "{file}/out"], "the system refused"),
        (["screen", "{in}", "--out", "{out}", "--workers", "0"], "at least 1 is needed"),
        (["info", "{in}/nothing here"], "there is no such file or folder"),
        (["info", "{empty}"], "there are none"),
        (["info", ""], "no file was named; give the path of a scan"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_wrong_use_is_one_clear_line_and_2(arguments: list[str], said: str, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    places = {
        "{file}": str(tmp_path / "file"),
        "{in}": str(scans),
        "{out}": str(tmp_path / "out"),
        "{empty}": str(tmp_path / "empty"),
    }
    for mark, place in places.items():
        arguments = [argument.replace(mark, place) for argument in arguments]
    status, output, errors = invoke(*arguments)
    assert status == 2
    assert said in flat(errors)
    assert "Traceback" not in errors + output
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("fake_model")
def test_a_folder_in_use_is_wrong_use(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"):
        status, _, errors = invoke("screen", scans, "--out", tmp_path / "out")
    assert status == 2
    assert f"another run (process {os.getpid()}" in errors


@pytest.mark.usefixtures("fake_model")
def test_debug_shows_the_traceback(scans: Path, tmp_path: Path) -> None:
    status, _, errors = invoke("screen", scans, "--out", tmp_path / "out", "--model", "x", "--debug")
    assert status == 2
    assert "Traceback" in errors
    assert "there is no model 'x'" in errors


@pytest.mark.usefixtures("fake_model")
def test_ctrl_c_is_130(scans: Path, tmp_path: Path) -> None:
    (scans / "a.npy").write_text("interrupt")
    status, _, errors = invoke("screen", scans, "--out", tmp_path / "out", "--workers", 1)
    assert status == 130
    assert "the same command goes on from there" in errors


@pytest.mark.usefixtures("fake_model")
def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/\x1b]0;owned\x07.npy").write_text("score 0.5")
    (tmp_path / "in/\x1b[2J.npy").write_text("corrupt")
    _, output, errors = invoke("screen", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1)
    assert "\x1b" not in output + errors
    assert r"\x1b]0;owned" in output


@pytest.mark.usefixtures("fake_model")
def test_demo_screens_the_samples(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans.rename(tmp_path / "samples")
    monkeypatch.setattr("xrayscan._resources.root", lambda name: tmp_path)
    status, output, _ = invoke("demo", "--out", tmp_path / "out")
    assert status == 0
    assert "xrayscan's own simulator" in output
    assert (tmp_path / "out/index.html").as_uri() in output
    assert DISCLAIMER in output


def test_info_says_what_a_file_holds(tmp_path: Path) -> None:
    np.save(tmp_path / "0412.npy", np.linspace(100, 50000, 2 * 300 * 600).reshape(2, 300, 600).astype(np.uint16))
    (tmp_path / "0412.xrayscan.toml").write_text(
        'pixel_pitch = [0.005, 0.004]\nair = 60000.0\nsaturation = 65535\nscanner = "lane 3"\n'
        'acquired_at = "2026-04-12T08:30:00+02:00"\n[manifest]\ngoods = ["timber"]\nmass = 21000\n'
    )
    status, output, _ = invoke("info", tmp_path)
    assert status == 0
    for said in (
        "counts, high+low, 300 rows x 600 columns, uint16, 100 to 50000, pitch 5 x 4 mm",
        "air (2, 300), saturation 65535 counts",
        "lane 3",
        "acquired_at, air, manifest, pixel_pitch, saturation, scanner",
        "goods timber; mass 21000 kg",
    ):
        assert said in flat(output)
    status, output, _ = invoke("info", tmp_path / "0412.npy", "--json")
    (fact,) = json.loads(output)
    assert status == 0
    assert (fact["format"], fact["status"], fact["views"][0]["pixel_pitch_m"]) == ("npy", "read", [0.005, 0.004])
    assert fact["manifest"] == {"goods": ["timber"], "mass_kg": 21000.0, "empty": None}
    assert len(fact["sha256"]) == 64


def test_info_names_what_cannot_be_read_and_ends_with_1(tmp_path: Path) -> None:
    np.save(tmp_path / "good.npy", np.full((300, 600), 900, np.uint16))
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY")
    status, output, _ = invoke("info", tmp_path)
    assert status == 1
    assert f"{tmp_path / 'bad.npy'}: it is no .npy data" in output
    assert output.count("bad.npy") == 1
    assert "900 to 900" in output
    status, output, _ = invoke("info", tmp_path, "--json")
    assert [(fact["status"], "error" in fact) for fact in json.loads(output)] == [("failed", True), ("read", False)]


def test_info_reads_a_folder_that_is_a_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "0412"
    folder.mkdir()
    np.save(folder / "scan.npy", np.full((300, 600), 900, np.uint16))
    np.save(folder / "air.npy", np.full(300, 1000.0))
    (folder / "manifest.toml").write_text("xrayscan = 1\nscan = 'scan.npy'\nair = 'air.npy'\nbad_pixels = [7]")
    status, output, _ = invoke("info", folder)
    assert status == 0
    assert "air (1, 300), 1 bad channel " in flat(output)
    status, output, _ = invoke("info", folder, "--json")
    (fact,) = json.loads(output)
    assert (status, fact["format"], fact["views"][0]["steps"]) == (0, "bundle", [])


def test_info_shows_what_the_reader_did(tmp_path: Path) -> None:
    gray = np.tile(np.linspace(20, 230, 600).astype(np.uint8), (300, 1))
    picture = np.repeat(gray[..., None], 3, axis=2)
    picture[40:60, 100:200] = (0, 0, 255)
    cv2.imwrite(str(tmp_path / "0412.png"), picture)
    status, output, _ = invoke("info", tmp_path)
    (fact,) = json.loads(invoke("info", tmp_path, "--json")[1])
    assert status == 0
    (step,) = fact["views"][0]["steps"]
    assert step["name"] == "marks"
    assert step["note"].startswith("warning: gray with marks in color")
    assert f"read │ {step['note']} " in flat(output)
    count = fact["calibration"]["bad_pixels"]
    assert count == fact["calibration"]["burnt_in_pixels"] > 1000
    assert f"{count} pixels under burnt-in marks" in flat(output)


def test_version_and_help() -> None:
    assert invoke("--version") == (0, f"xrayscan {xrayscan.__version__}\n", "")
    status, output, _ = invoke()
    assert status == 0
    assert all(command in output for command in ("demo", "screen", "info"))
    assert DISCLAIMER in flat(output)


def test_help_keeps_the_name_of_an_extra() -> None:
    assert "xrayscan[train]" in flat(invoke("train", "--help")[1])


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom xrayscan.cli.main import app\n"
        "try:\n    app(['screen', '--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'cv2', 'onnxruntime', 'numpy', 'jinja2', 'pydicom', 'tifffile'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True)


def test_as_a_module_and_in_a_plain_locale(tmp_path: Path) -> None:
    (tmp_path / "schlüssel.npy").write_bytes(b"")
    result = shell("info", tmp_path, environment={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict", "LC_ALL": "C"})
    assert result.returncode == 1
    assert "npy: the file is empty" in result.stdout
    assert "Traceback" not in result.stderr
    assert shell("screen", tmp_path / "none", "--out", tmp_path / "out").returncode == 2
    assert shell("--version").stdout == f"xrayscan {xrayscan.__version__}\n"
