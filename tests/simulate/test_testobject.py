"""The simulated test objects: what they are made of, and that they come back from files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xrayscan as xs
from xrayscan.errors import RecipeError
from xrayscan.geometry import Box
from xrayscan.quality import Layout, measure_test_object
from xrayscan.quality.steel import optical_depth_of_steel
from xrayscan.simulate.scanner import Scanner
from xrayscan.simulate.testobject import BLOCKS, TestScan, clean_scanner, main, simulate_test_object, write

COARSE = clean_scanner(pitch=0.008)


@pytest.fixture(scope="module")
def made() -> TestScan:
    return simulate_test_object(1, COARSE)


def test_the_layout_is_one_that_is_read(made):
    layout = Layout.parse(made.layout)
    assert {item.kind for item in layout.objects} == {"air", "steel-step", "foil", "wire", "edge", "line-pairs", "square"}


def test_blocks_are_as_thick_as_they_say(made):
    for item, thickness in zip([i for i in made.layout["objects"] if i["kind"] == "steel-step"], BLOCKS, strict=True):
        top, left = (round(v) for v in item["box"][:2])
        corner = made.transmission[top : top + 4, left : left + 4].mean()
        # The ray is a little longer than the block is thick, and the shipped table is rounded.
        assert -np.log(corner) == pytest.approx(optical_depth_of_steel(thickness, 6.0), rel=0.02)
        rows, columns = zip(*item["target"], strict=True)
        inside = made.transmission[round(np.mean(rows)), round(np.mean(columns))]
        assert -np.log(inside) == pytest.approx(optical_depth_of_steel(1.2 * thickness, 6.0), rel=0.02)


def test_the_noise_is_what_it_says(made):
    view = made.scan.view
    transmission = (view.pixels[0] - made.scan.calibration.dark[0][:, None]) / (
        made.scan.calibration.air - made.scan.calibration.dark
    )[0][:, None]
    off = (transmission - made.transmission) / made.sigma
    assert float(off.std()) == pytest.approx(1.0, abs=0.02)
    assert abs(float(off.mean())) < 0.02


def test_the_same_seed_gives_the_same_scan(made):
    again = simulate_test_object(1, COARSE)
    assert np.array_equal(again.scan.view.pixels, made.scan.view.pixels)
    other = simulate_test_object(2, COARSE)
    assert not np.array_equal(other.scan.view.pixels, made.scan.view.pixels)
    assert np.array_equal(other.transmission, made.transmission)


def test_stretch_squeezes_the_picture(made):
    stretched = simulate_test_object(1, COARSE, stretch=1.1)
    assert stretched.scan.view.shape[1] == pytest.approx(made.scan.view.shape[1] / 1.1, abs=1)
    assert stretched.scan.view.pixel_pitch == made.scan.view.pixel_pitch


def test_a_file_and_its_layout_come_back(made, tmp_path: Path):
    path = write(made, tmp_path / "out")
    scan, layout = xs.read(path), Layout.load(tmp_path / "out/test-object.layout.toml")
    assert np.array_equal(scan.view.pixels, made.scan.view.pixels)
    assert scan.view.endpoints == (6.0,)
    assert layout.objects == Layout.parse(made.layout).objects
    results = measure_test_object(scan, layout)
    assert all(
        r.passed in (True, None)
        for r in results
        if r.object.startswith(("steel 50", "steel 100", "foil 3", "wire 8", "square", "open"))
    )


def test_targets_lie_within_their_boxes(made):
    shape = made.scan.view.shape
    for item in made.layout["objects"]:
        box = Box(*(round(v) for v in item["box"]))
        assert box.bottom <= shape[0]
        assert box.right <= shape[1]
        points = item.get("target") or item.get("ends") or []
        for row, column in points if points and isinstance(points[0], list) else []:
            assert box.top - 1 <= row <= box.bottom + 1, item["name"]
            assert box.left - 1 <= column <= box.right + 1, item["name"]


def test_scanners_it_is_not_made_for():
    with pytest.raises(RecipeError, match="scanned with one energy, got endpoints"):
        simulate_test_object(1, Scanner(endpoints=(6.0, 4.0)))
    geometry = replace(COARSE.geometry, column_pitch=0.02)
    with pytest.raises(RecipeError, match="the pitch is 20 mm; the test objects are made for 10 mm and less"):
        simulate_test_object(1, replace(COARSE, geometry=geometry))


def test_the_command_says_what_it_wants(capsys, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, code in (([], 2), (["--help"], 0), (["out", "--seed", "-1"], 2), (["--sctter"], 2)):
        with pytest.raises(SystemExit, match=str(code)):
            main(arguments)
    said = capsys.readouterr()
    assert "the following arguments are required: OUT" in said.err
    assert "--seed is -1; expected 0 or more" in said.err
    assert "folder to write to" in said.out
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        main(["file"])
    assert "file is a file; name a folder to write to" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_command_writes_scan_and_layout(tmp_path: Path):
    main([str(tmp_path / "out")])
    results = measure_test_object(
        xs.read(tmp_path / "out/test-object.tif"), Layout.load(tmp_path / "out/test-object.layout.toml")
    )
    assert {result.passed for result in results} == {True, None}
