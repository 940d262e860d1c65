"""Further forms of a batch's results, with the shipped model on small scans."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.batch.test_real import write_scan
from xrayscan.batch import Batch, BatchError, check_forms, screen_many, write_forms
from xrayscan.batch.forms import FORMS
from xrayscan.cli.main import app
from xrayscan.errors import MissingDependencyError
from xrayscan.report.tdr import read_tdr

parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    for seed in range(2):
        write_scan(folder / f"lane {seed}" / "scan.tif", seed)
    (folder / "broken.tif").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def batch(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    made = screen_many([scans], tmp_path_factory.mktemp("out"), workers=1)
    assert list(write_forms(made, FORMS)) == list(FORMS)
    return made


def content(out: Path) -> dict[str, bytes]:
    """Everything in an output folder."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != ".lock"}


def test_parquet_holds_the_rows_of_the_other_results(batch: Batch) -> None:
    rows = parquet.read_table(batch.out / "results.parquet").to_pylist()
    lines = [json.loads(line) for line in (batch.out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 3
    for row, line in zip(rows, lines, strict=True):
        assert {name: row[name] for name in line if name != "acquired_at"} == {
            name: None if value == "" else value for name, value in line.items() if name != "acquired_at"
        }
    assert [row["findings"] is None for row in rows] == [False, False, True]


def test_pictures_lie_on_the_scans_own_pixels(batch: Batch) -> None:
    data = json.loads((batch.out / "coco/annotations/instances_default.json").read_text(encoding="utf-8"))
    assert sorted(image["file_name"] for image in data["images"]) == ["lane 0/scan.tif.png", "lane 1/scan.tif.png"]
    for image in data["images"]:
        file = batch.out / "coco/images/default" / image["file_name"]
        picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture.shape == (image["height"], image["width"]) == (200, 480)
        assert picture[10, 10] > 240 > picture[150, 200]
    assert data["info"]["not_screened"] == [batch.failed[0]["path"]]
    assert data["info"]["screened_with"][0]["model"]["sha256"] == batch.rows[0]["model_sha256"]


def test_every_report_folder_has_its_threat_report(batch: Batch) -> None:
    for row in batch.rows[:2]:
        folder = batch.out / row["report"]
        told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        read = read_tdr(folder / "report.dcs")
        assert [one.probability is not None for one in read.findings].count(True) == len(told["findings"])
        assert read.created_at == datetime.fromtimestamp((folder / "report.json").stat().st_mtime, UTC)
        assert read.ids["ooi"] == "scan.tif"


def test_the_same_command_again_gives_the_same_files(scans: Path, batch: Batch) -> None:
    before = content(batch.out)
    again = screen_many([scans], batch.out, workers=1)
    write_forms(again, FORMS)
    assert again.resumed == 2
    assert content(batch.out) == before


def test_a_form_that_is_asked_for_later_is_the_same(scans: Path, batch: Batch) -> None:
    before = content(batch.out)
    for path in ("results.parquet", batch.rows[0]["report"] + "/report.dcs", "coco/annotations/instances_default.json"):
        (batch.out / path).unlink()
    (batch.out / "coco/images/default/lane 0/scan.tif.png").unlink()
    for form in FORMS:
        write_forms(screen_many([scans], batch.out, workers=1), [form])
    assert content(batch.out) == before


def test_a_new_report_takes_an_old_threat_report_away(tmp_path: Path) -> None:
    write_scan(tmp_path / "in/scan.tif", 1)
    out = tmp_path / "out"
    write_forms(screen_many([tmp_path / "in"], out, workers=1), ["tdr"])
    assert "-false_alarm_rate=0.01" in read_tdr(out / "scans/scan.tif/report.dcs").algorithm
    stricter = screen_many([tmp_path / "in"], out, workers=1, false_alarm_rate=0.05)
    assert not (out / "scans/scan.tif/report.dcs").exists()
    write_forms(stricter, ["tdr"])
    assert "-false_alarm_rate=0.05" in read_tdr(out / "scans/scan.tif/report.dcs").algorithm


def test_a_scan_that_changed_is_not_drawn(tmp_path: Path) -> None:
    write_scan(tmp_path / "in/scan.tif", 1)
    batch = screen_many([tmp_path / "in"], tmp_path / "out", workers=1)
    write_scan(tmp_path / "in/scan.tif", 0)
    with pytest.raises(BatchError, match=r"drawing .*scan\.tif for labeling: it changed since it was screened; run the same"):
        write_forms(batch, ["coco"])
    assert not (tmp_path / "out/coco/annotations").exists()


def test_a_remote_scan_is_drawn_whatever_its_name(tmp_path: Path) -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    names = ["a.tif", "b1.tif", "b[1].tif", "c[1].tif", "what1.tif", "what?.tif", "all*.tif"]
    try:
        for seed, name in enumerate(names):
            write_scan(tmp_path / "scan.tif", seed)
            memory.pipe(f"/lane/{name}", (tmp_path / "scan.tif").read_bytes())
        memory.pipe("/lane/xrayscan.toml", b"pixel_pitch = 0.01")
        batch = screen_many(["memory://lane"], tmp_path / "out", workers=1)
        assert not batch.failed
        write_forms(batch, ["coco"])
    finally:
        memory.rm("/lane", recursive=True)
    data = json.loads((tmp_path / "out/coco/annotations/instances_default.json").read_text(encoding="utf-8"))
    drawn = [tmp_path / "out/coco/images/default" / image["file_name"] for image in data["images"]]
    assert len({file.read_bytes() for file in drawn}) == len(names)


def test_what_cannot_be_is_said_before_the_screening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BatchError, match="'xml': there is no such form; there are parquet, coco, tdr"):
        check_forms(["xml"])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "xrayscan\[parquet\]"'):
        check_forms(FORMS)
    write_scan(tmp_path / "in/scan.tif", 1)
    result = CliRunner().invoke(app, ["screen", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--parquet"])
    assert result.exit_code == 2
    assert "xrayscan[parquet]" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_command_writes_them_and_says_where(scans: Path, batch: Batch) -> None:
    result = CliRunner().invoke(
        app, ["screen", str(scans), "--out", str(batch.out), "--workers", "1", "--parquet", "--coco", "--tdr"]
    )
    assert result.exit_code == 1  # one scan is broken
    assert f"Parquet: {batch.out / 'results.parquet'}" in result.stdout
    assert f"COCO: {batch.out / 'coco'}" in result.stdout
    assert f"DICOS: report.dcs in each folder of {batch.out / 'scans'}" in result.stdout


def test_a_form_that_cannot_be_written_hides_no_outcome(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object) -> dict[str, Path]:
        raise BatchError("drawing 0412.tif for coco: there is no such file; screen again")

    monkeypatch.setattr("xrayscan.batch.write_forms", lacking)
    done = CliRunner().invoke(app, ["screen", str(scans), "--out", str(tmp_path / "out"), "--coco", "--workers", "1"])
    assert done.exit_code == 2
    assert "broken.tif" in done.output
    assert "2 screened" in done.output
    assert done.output.rstrip().endswith("drawing 0412.tif for coco: there is no such file; screen again")
