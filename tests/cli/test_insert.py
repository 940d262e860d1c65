"""``xrayscan insert``: the files that it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import xrayscan as xs
from tests.simulate.yards import Yard, counts_yard, display_yard, transmission_yard
from xrayscan.cli.console import messages, results
from xrayscan.cli.main import app
from xrayscan.simulate.insertion import InsertionPlan, insert


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "width", 200)
    monkeypatch.setattr(messages, "width", 200)


@pytest.fixture(scope="module")
def counts() -> Yard:
    return counts_yard()


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], terminal_width=120)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def flat(text: str) -> str:
    return " ".join(text.split())


def written(folder: Path, name: str, one: Yard) -> Path:
    """The yard's scan as a file of the format that the name says."""
    path, view, lines = folder / name, one.scan.view, one.scan.calibration
    folder.mkdir(parents=True, exist_ok=True)
    said = {"quantity": view.quantity, "scanner": "lane 3"}
    if view.pixel_pitch:
        said["pixel_pitch"] = list(view.pixel_pitch)
    if path.suffix == ".npz":
        np.savez(path, pixels=view.pixels, air=lines.air, dark=lines.dark, pixel_pitch=np.array(view.pixel_pitch))
        return path
    if path.suffix in (".png", ".jpg"):
        cv2.imwrite(str(path), view.pixels[0])
        return path
    if path.suffix == ".raw":
        view.pixels.astype(">u2").tofile(path)
        rows, columns = view.shape
        said |= {"rows": rows, "columns": columns, "dtype": "uint16", "byte_order": "big"}
    else:
        tifffile.imwrite(path, view.pixels[0])
    if lines.air is not None:
        np.save(folder / f"{path.stem}_air.npy", lines.air)
        np.save(folder / f"{path.stem}_dark.npy", lines.dark)
        said |= {"air": f"{path.stem}_air.npy", "dark": f"{path.stem}_dark.npy", "saturation": 65535}
    path.with_suffix(".toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items()))
    return path


def mask_of(truth: dict) -> np.ndarray:
    runs = truth["masks_run_lengths"]["person"]
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(truth["shape"])


@pytest.mark.parametrize(("name", "made"), [
    ("0412.tif", counts_yard), ("0412.npz", counts_yard), ("0412.raw", counts_yard), ("0412.tif", transmission_yard),
    ("0412.png", display_yard),
])  # fmt: skip
def test_each_format_comes_back_as_it_was(name: str, made: object, tmp_path: Path) -> None:
    path = written(tmp_path / "in", name, made())  # type: ignore[operator]
    status, output, _ = invoke("insert", path, "--out", tmp_path / "out", "--seed", 3)
    assert status == 0
    new = tmp_path / "out" / f"0412-insert-0001{path.suffix}"
    before, after = xs.read(path), xs.read(new)
    assert (after.view.quantity, after.view.pixel_pitch) == (before.view.quantity, before.view.pixel_pitch)
    assert (after.view.pixels.dtype, after.view.pixels.shape) == (before.view.pixels.dtype, before.view.pixels.shape)
    for line in ("air", "dark"):
        assert np.array_equal(getattr(after.calibration, line), getattr(before.calibration, line))
    assert after.calibration.saturation == before.calibration.saturation
    assert after.source.scanner == before.source.scanner
    truth = json.loads((tmp_path / "out/0412-insert-0001.truth.json").read_text())
    assert truth["made_from"] == {"file": path.name, "sha256": before.source.sha256}
    mask = mask_of(truth)
    changed = (before.view.pixels != after.view.pixels)[0]
    assert changed[mask].mean() > 0.9
    (person,) = truth["instances"]
    top, left, bottom, right = person["box"]
    assert mask[top:bottom, left:right].sum() == mask.sum() > 500
    assert 5 < person["mass_kg"] < 160
    assert person["label"] in output
    again = insert(before, plan=InsertionPlan.from_record(truth["plan"]))
    assert np.array_equal(again.scan.view.pixels, after.view.pixels)
    assert np.array_equal(again.mask, mask)


def test_the_same_seed_gives_the_same_bytes(counts: Yard, tmp_path: Path) -> None:
    path = written(tmp_path / "in", "0412.npz", counts)
    copy = written(tmp_path / "copy", "other name.npz", counts)
    for out, source, seed in (("a", path, 3), ("b", path, 3), ("c", path, 4), ("d", copy, 3)):
        assert invoke("insert", source, "--out", tmp_path / out, "--seed", seed, "--count", 2)[0] == 0
    files = {out: sorted((tmp_path / out).iterdir()) for out in "abcd"}
    assert [path.name for path in files["a"]] == [
        "0412-insert-0001.npz", "0412-insert-0001.truth.json", "0412-insert-0002.npz", "0412-insert-0002.truth.json",
    ]  # fmt: skip
    bytes_ = {out: [path.read_bytes() for path in found] for out, found in files.items()}
    assert bytes_["a"] == bytes_["b"]
    assert bytes_["a"][0] != bytes_["c"][0]
    assert bytes_["a"][0] != bytes_["a"][2]
    assert bytes_["a"][::2] == bytes_["d"][::2]


def test_wishes_reach_the_plan(counts: Yard, tmp_path: Path) -> None:
    path = written(tmp_path / "in", "0412.tif", counts)
    status, _, _ = invoke(
        "insert", path, "--out", tmp_path / "out", "--seed", 1, "--posture", "squatting", "--x", 4, "--z", 0.2, "--beam", 9,
        "--source-distance", 4.5, "--source-height", 0.6, "--no-hole", "--iron", 0.25,
    )  # fmt: skip
    assert status == 0
    plan = json.loads((tmp_path / "out/0412-insert-0001.truth.json").read_text())["plan"]
    (person,) = plan["persons"]
    assert (person["body"]["posture"], person["at"][0], person["at"][2], person["cavity"]) == ("squatting", 4, 0.2, "")
    assert (plan["beams"], plan["iron_share"], plan["source_distance"]) == ([9.0], 0.25, 4.5)
    assert (plan["source_height"], plan["source_from"], plan["warnings"]) == (0.6, "given", [])


def test_a_folder_keeps_its_order_and_names_what_failed(counts: Yard, tmp_path: Path) -> None:
    written(tmp_path / "in/lane 1", "a.npz", counts)
    written(tmp_path / "in/lane 2", "a.npz", counts)
    written(tmp_path / "in/lane 2", "a.tif", counts)
    noise = np.random.default_rng(0).normal(50_000, 100, (200, 400)).astype(np.uint16)
    np.save(tmp_path / "in/blank.npy", noise)
    status, output, errors = invoke("insert", tmp_path / "in", "--out", tmp_path / "out", "--seed", 1, "--persons", 2)
    assert status == 1
    scans = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.npz"))
    assert scans == ["lane 1/a-insert-0001.npz", "lane 2/a-insert-0001.npz"]
    assert [path.name for path in (tmp_path / "out").rglob("*.tif")] == ["a-tif-insert-0001.tif"]
    assert "1 could not be used" in output
    assert "blank.npy: no container was found in the scan" in flat(output)
    assert "3 written to" in output
    assert "2 scans: the beam is not known" in flat(errors)
    assert len(json.loads((tmp_path / "out/lane 1/a-insert-0001.truth.json").read_text())["instances"]) == 2


def test_what_cannot_be_written_back_is_written_otherwise_and_said(tmp_path: Path) -> None:
    path = written(tmp_path / "in", "export.jpg", display_yard())
    status, _, errors = invoke("insert", path, "--out", tmp_path / "out", "--seed", 1)
    assert status == 0
    assert "a JPEG cannot be changed in one place only; written as PNG" in flat(errors)
    assert "every density put into it is approximate" in flat(errors)
    after, before = xs.read(tmp_path / "out/export-insert-0001.png"), xs.read(path)
    truth = json.loads((tmp_path / "out/export-insert-0001.truth.json").read_text())
    assert truth["notes"] == ["a JPEG cannot be changed in one place only; written as PNG, all other pixels as they were"]
    far = np.ones(mask_of(truth).shape, bool)
    top, left, bottom, right = truth["instances"][0]["box"]
    far[max(0, top - 60) : bottom + 60, max(0, left - 60) : right + 60] = False
    assert np.array_equal(after.view.pixels[0][far], before.view.pixels[0][far])


def test_low_energy_first_stays_low_first(tmp_path: Path) -> None:
    one = counts_yard(beams=(6.0, 4.0))
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in/a.tif", one.scan.view.pixels[::-1], photometric="minisblack")
    for name in ("air", "dark"):
        np.save(tmp_path / f"in/a_{name}.npy", getattr(one.scan.calibration, name)[::-1])
    (tmp_path / "in/a.xrayscan.toml").write_text(
        'energies = ["low", "high"]\nair = "a_air.npy"\ndark = "a_dark.npy"\npixel_pitch = 0.01\n[ids]\nlane = "3"\n'
        '[manifest]\ngoods = ["timber"]\nmass = 900\n'
    )
    status, _, _ = invoke("insert", tmp_path / "in/a.tif", "--out", tmp_path / "out", "--seed", 1, "--beam", 6, "--beam", 4)
    assert status == 0
    assert 'energies = ["low", "high"]' in (tmp_path / "out/a-insert-0001.xrayscan.toml").read_text()
    before, after = xs.read(tmp_path / "in/a.tif"), xs.read(tmp_path / "out/a-insert-0001.tif")
    assert after.view.energies == ("high", "low")
    assert np.array_equal(after.calibration.air, before.calibration.air)
    assert np.array_equal(after.view.pixels[:, :40], before.view.pixels[:, :40])
    assert (dict(after.source.ids), after.manifest) == ({"lane": "3"}, before.manifest)


@pytest.mark.parametrize(("arguments", "said"), [
    (["{in}/a.npz", "--out", "{out}"], "Missing option '--seed'"),
    (["{in}/nothing", "--out", "{out}", "--seed", "1"], "there is no such file or folder"),
    (["{empty}", "--out", "{out}", "--seed", "1"], "there are none; name files that hold scans"),
    (["{in}", "--out", "{in}/out", "--seed", "1"], "would be taken for benign scans by the next run"),
    (["{in}/a.npz", "--out", "{out}", "--seed", "1", "--source-distance", "0.5"], "expected 2 to 60 m"),
    (["{in}/a.npz", "--out", "{out}", "--seed", "1", "--persons", "0"], "equal to 1"),
    (["{in}/a.npz", "--out", "{out}", "--seed", "1", "--posture", "flying"], "there is no posture 'flying'; known are"),
    (["{in}/a.npz", "--out", "{out}", "--seed", "1", "--beam", "900"], "the beams are 900 MV; expected one or two"),
])  # fmt: skip
def test_wrong_use_is_one_clear_line_and_2(arguments: list[str], said: str, counts: Yard, tmp_path: Path) -> None:
    written(tmp_path / "in", "a.npz", counts)
    (tmp_path / "empty").mkdir()
    places = {"{in}": str(tmp_path / "in"), "{out}": str(tmp_path / "out"), "{empty}": str(tmp_path / "empty")}
    for mark, place in places.items():
        arguments = [argument.replace(mark, place) for argument in arguments]
    status, output, errors = invoke("insert", *arguments)
    assert status == 2
    assert said in flat(errors)
    assert "Traceback" not in errors + output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("arguments", "said"), [
    (["--x", "30"], "its middle has to be"),
    (["--beam", "6", "--beam", "4"], "2 beams given for a scan of 1 energies"),
])  # fmt: skip
def test_what_does_not_fit_a_scan_is_said_of_it(arguments: list[str], said: str, counts: Yard, tmp_path: Path) -> None:
    path = written(tmp_path / "in", "a.npz", counts)
    status, output, _ = invoke("insert", path, "--out", tmp_path / "out", "--seed", 1, *arguments)
    assert status == 1
    assert "a.npz: " in output
    assert said in flat(output)
