"""``xrayscan quality``: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from xrayscan.cli.console import messages, results
from xrayscan.cli.main import app

LAYOUT = """
name = "lane 3"
[[objects]]
name = "open"
kind = "air"
box = [0, 0, 30, 300]
limits = { noise = 5, columns = 0.0 }
[[objects]]
name = "foil"
kind = "foil"
box = [60, 60, 140, 240]
target = [80, 100, 120, 200]
limits = { cnr = 3 }
"""


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "width", 180)
    monkeypatch.setattr(messages, "width", 180)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    through = np.ones((200, 400))
    through[50:150, 50:250] = 0.5
    through[80:120, 100:200] = 0.4
    made = tmp_path / "in"
    made.mkdir()
    np.save(made / "a.npy", (through + rng.normal(0, 0.004, through.shape)).astype(np.float32))
    (made / "a.xrayscan.toml").write_text('quantity = "transmission"\npixel_pitch = 0.008\nendpoints = [6.0]\n')
    return made


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["quality", *map(str, arguments)], terminal_width=160)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_table_for_people(folder):
    code, out, _ = invoke(folder / "a.npy")
    assert code == 0
    assert "a.npy: good enough to screen" in out
    for words in (
        "noise of a pixel in air",
        "0.40",
        "penetration",
        "6 MV",
        "sharpness along the travel",
        "stated",
    ):
        assert words in out


def test_json_for_programs(folder):
    code, out, _ = invoke(folder, "--format", "json")
    (fact,) = json.loads(out)
    assert code == 0
    assert fact["status"] == "measured"
    assert fact["fit"] is True
    (image,) = fact["images"]
    assert (image["rows"], image["columns"], image["energy"], image["quantity"]) == (200, 400, "high", "transmission")
    figures = image["figures"]
    assert figures["air_noise_percent"]["value"] == pytest.approx(0.4, rel=0.05)
    assert figures["pitch_row_mm"] == {"value": 8.0, "uncertainty": None, "measured_on": "stated"}
    assert {"penetration_areal_g_cm2", "mtf10_rows_line_pairs_per_m", "tilt_degrees", "codes"} <= set(figures)
    assert "test_objects" not in fact


def test_a_poor_scan_is_called_so_and_is_no_failure(folder):
    np.save(folder / "b.npy", np.full((40, 60), 0.5, np.float32))
    (folder / "b.xrayscan.toml").write_text('quantity = "transmission"\n')
    code, out, _ = invoke(folder)
    assert code == 0
    assert "b.npy: too poor to screen" in out
    assert "problem: only 40 rows x 60 columns" in out
    code, out, _ = invoke(folder, "--format", "json")
    assert code == 0
    assert [fact["fit"] for fact in json.loads(out)] == [True, False]


def test_a_failed_file_is_named_and_the_others_are_measured(folder):
    (folder / "broken.npy").write_bytes(b"\x93NUMPY nothing")
    code, out, _ = invoke(folder)
    assert code == 1
    assert "broken.npy: " in out
    assert "a.npy: good enough" in out
    code, out, _ = invoke(folder, "--format", "json")
    facts = {Path(fact["path"]).name: fact for fact in json.loads(out)}
    assert code == 1
    assert facts["broken.npy"]["status"] == "failed"
    assert facts["broken.npy"]["error"]
    assert facts["a.npy"]["status"] == "measured"


def test_a_folder_ends_with_what_it_came_to(folder):
    (folder / "broken.npy").write_bytes(b"\x93NUMPY nothing")
    np.save(folder / "small.npy", np.full((40, 60), 0.5, np.float32))
    (folder / "small.xrayscan.toml").write_text('quantity = "transmission"\n')
    _, out, _ = invoke(folder)
    end = out[out.index("1 good enough") :]
    assert end.startswith("1 good enough to screen, 1 too poor, 1 could not be measured")
    assert "too poor: " in end.splitlines()[1]
    assert "small.npy" in end.splitlines()[1]
    assert "broken.npy" in end.splitlines()[2]


def test_a_layout_adds_its_measures(folder, tmp_path):
    layout = tmp_path / "layout.toml"
    layout.write_text(LAYOUT)
    code, out, _ = invoke(folder, "--layout", layout)
    assert code == 0
    assert out.splitlines()[-2:] == ["Indicative, not a certified measurement.", "2 of 3 limits kept"]
    assert "pass" in out
    assert "FAIL" in out
    assert "least visible" in out
    code, out, _ = invoke(folder, "--layout", layout, "--format", "json")
    (fact,) = json.loads(out)
    assert fact["limits_kept"] is False
    objects = {(item["object"], item["measure"]): item for item in fact["test_objects"]}
    assert objects["open", "noise_percent"]["passed"] is True
    assert objects["foil", "cnr"]["value"] == pytest.approx(25, rel=0.1)
    assert objects["foil", "cnr"]["limit_is"] == "least"
    assert objects["foil", "contrast_percent"]["passed"] is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LAYOUT.replace('foil"\nbox', 'fiol"\nbox'), "did you mean 'foil'?"),
        (LAYOUT.replace("limits = { cnr", "limit = { cnr"), "unknown key 'limit'; did you mean 'limits'?"),
        ("", "it has no objects"),
    ],
)
def test_a_wrong_layout_is_wrong_use(folder, tmp_path, content, words):
    layout = tmp_path / "layout.toml"
    layout.write_text(content)
    code, _, err = invoke(folder, "--layout", layout)
    assert code == 2
    assert words in err


def test_an_object_outside_one_scan_is_that_scan_s_failure(folder, tmp_path):
    layout = tmp_path / "layout.toml"
    layout.write_text(LAYOUT.replace("[0, 0, 30, 300]", "[0, 0, 30, 3000]"))
    code, out, _ = invoke(folder, "--layout", layout)
    assert code == 1
    assert "object 'open': box ends at row 30, column 3000; the picture has 200 rows and 400 columns" in out


@pytest.mark.parametrize(
    ("limits", "kept", "last"), [("{ noise = 5 }", True, "1 of 1 limit kept"), ("{ }", None, "no limits are given")]
)
def test_a_script_can_tell_whether_limits_are_kept(folder, tmp_path, limits, kept, last):
    layout = tmp_path / "layout.toml"
    layout.write_text(f'[[objects]]\nkind = "air"\nbox = [0, 0, 30, 300]\nlimits = {limits}\n')
    assert invoke(folder, "--layout", layout)[1].splitlines()[-1] == last
    assert json.loads(invoke(folder, "--layout", layout, "--format", "json")[1])[0]["limits_kept"] is kept


def test_a_layout_is_of_one_scan(folder, tmp_path):
    layout = tmp_path / "layout.toml"
    layout.write_text(LAYOUT)
    np.save(folder / "b.npy", np.load(folder / "a.npy"))
    code, out, err = invoke(folder, "--layout", layout)
    assert (code, out) == (2, "")
    assert "--layout says where they stand in one scan, and 2 scans were named; name the one it was written for" in err


def test_a_failed_file_is_named_once(folder):
    (folder / "broken.npy").write_bytes(b"\x93NUMPY nothing")
    _, out, _ = invoke(folder / "broken.npy")
    assert out.count("broken.npy") == 1


def test_what_is_at_best_stands_beside_the_figure(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", (np.ones((200, 300)) + rng.normal(0, 0.004, (200, 300))).astype(np.float32))
    (tmp_path / "a.xrayscan.toml").write_text('quantity = "transmission"\npixel_pitch = 0.008\nendpoints = [6.0]\n')
    _, out, _ = invoke(tmp_path / "a.npy")
    assert " mm at best" in out
    assert "0, 0 %" in out


def test_warnings_are_those_of_normalization_as_well_and_said_once(folder):
    rng = np.random.default_rng(0)
    through = np.ones((2, 200, 400))
    through[:, 50:150, 50:250] = 0.5
    np.save(folder / "a.npy", np.rint(60000 * through + rng.normal(0, 200, through.shape)).clip(0, 65535).astype(np.uint16))
    (folder / "a.xrayscan.toml").write_text('quantity = "counts"\npixel_pitch = 0.008\n')
    _, out, _ = invoke(folder)
    assert out.count("note: no air given") == 1
    (fact,) = json.loads(invoke(folder, "--format", "json")[1])
    assert all(any("no air given" in warning for warning in image["warnings"]) for image in fact["images"])


def test_wrong_use(folder, tmp_path):
    assert invoke(tmp_path / "absent")[0] == 2
    (tmp_path / "empty").mkdir()
    code, _, err = invoke(tmp_path / "empty")
    assert code == 2
    assert "there are none; name files that hold scans" in err
    assert invoke(folder, "--format", "csv")[0] == 2
