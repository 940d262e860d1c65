"""Scans behind fsspec URLs: the same scans, reports and rules as in a folder."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xrayscan.batch import Batch, BatchError, preview, screen_many
from xrayscan.batch.remote import find_remote, is_url
from xrayscan.errors import MissingDependencyError, ReadError
from xrayscan.io import MissingScanError, find_scans

pytest.importorskip("fsspec")

SAMPLES = Path(__file__).parents[2] / "datasets" / "samples"


def scan(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = np.full((60, 120), 50000.0)
    counts[20:50, 30:90] *= 0.4
    np.save(path, np.random.default_rng(seed).poisson(counts).astype(np.uint16))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    scan(folder / "a.npy")
    scan(folder / "lane 3/b.npy", 1)
    np.save(folder / "beam.npy", np.full(60, 60000.0))
    (folder / "a.xrayscan.toml").write_text('pixel_pitch = 0.02\nair = "beam.npy"')
    for name in ("a_dark.npy", "README.txt", ".hidden.npy", "c.npy.part"):
        (folder / name).write_text("no scan")
    return folder


def url(path: Path) -> str:
    return f"file://{path}"


def rows(batch: Batch, of: str) -> list[dict[str, Any]]:
    return [{**row, "path": row["path"].removeprefix(of)} for row in batch.rows]


def test_what_is_a_scan_is_the_same_as_in_a_folder(scans: Path) -> None:
    expected = [path.relative_to(scans).as_posix() for path in find_scans(scans)]
    assert sorted(scan.relative for scan in find_remote(url(scans))) == sorted(expected) == ["a.npy", "lane 3/b.npy"]
    assert [scan.url for scan in find_remote(url(scans / "*.npy"))] == [url(scans / "a.npy")]
    assert [scan.relative for scan in find_remote(url(scans / "**/*.npy"))] == ["a.npy", "lane 3/b.npy"]
    (named,) = find_remote(url(scans / "README.txt"))  # a file that is named is always taken
    assert (named.url, named.relative) == (url(scans / "README.txt"), "README.txt")


def test_a_folder_that_is_a_bundle_is_one_scan(scans: Path) -> None:
    scan(scans / "0412/scan.npy")
    (scans / "0412/manifest.toml").write_text("xrayscan = 1\nscan = 'scan.npy'")
    assert "0412" in [scan.relative for scan in find_remote(url(scans))]
    assert "0412/scan.npy" not in [scan.relative for scan in find_remote(url(scans))]


def test_reports_and_rows_are_those_of_a_folder_and_resume(scans: Path, tmp_path: Path) -> None:
    (scans / "bad.npy").write_bytes(b"")
    near = screen_many([scans], tmp_path / "near", workers=1)
    far = screen_many([url(scans)], tmp_path / "far", workers=1)

    def told(batch: Batch, start: str) -> list[dict[str, Any]]:
        return [{**row, "path": row["path"].removeprefix(start), "error": ""} for row in batch.rows]

    assert told(far, f"{url(scans)}/") == told(near, f"{scans}/")
    assert far.failed[0]["error"] == f"reading {url(scans)}/bad.npy: the file is empty; copy it again from the scanner"
    report = json.loads((tmp_path / "far/scans/lane 3/b.npy/report.json").read_text())
    assert report["source"]["path"] == f"{url(scans)}/lane 3/b.npy"
    assert screen_many([url(scans)], tmp_path / "far", workers=1).resumed == 2


def test_what_changed_is_fetched_again(scans: Path, tmp_path: Path) -> None:
    def waiting() -> list[str]:
        return [task.link for task in preview([url(scans)], tmp_path / "out").waiting]

    screen_many([url(scans)], tmp_path / "out", workers=1)
    assert waiting() == []
    os.utime(scans / "lane 3/b.npy", (1, 1))
    assert waiting() == ["scans/lane 3/b.npy"]
    os.utime(scans / "beam.npy", (1, 1))
    assert waiting() == ["scans/a.npy", "scans/lane 3/b.npy"]


def test_a_url_may_lead_through_an_archive(scans: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for path in (scans / "a.npy", scans / "a.xrayscan.toml", scans / "beam.npy", scans / "lane 3/b.npy"):
            archive.write(path, path.relative_to(scans))
    chain = f"::file://{tmp_path / 'scans.zip'}"
    found = find_remote(f"zip://{chain}")
    assert [scan.url for scan in found] == [f"zip://a.npy{chain}", f"zip://lane 3/b.npy{chain}"]
    assert found[0].beside == ("a.xrayscan.toml",)
    batch = screen_many([f"zip://lane 3/*.npy{chain}"], tmp_path / "out", workers=1)
    assert [row["path"] for row in batch.rows] == [f"zip://lane 3/b.npy{chain}"]
    assert not batch.failed


def test_a_scan_that_vanishes_is_a_row(scans: Path, tmp_path: Path) -> None:
    def remove(_: object) -> None:
        (scans / "a.npy").unlink(missing_ok=True)

    batch = screen_many([url(scans)], tmp_path / "out", workers=1, progress=remove)
    assert [row["error_kind"] for row in batch.failed] == ["ReadError"]
    assert f"fetching {url(scans)}/a.npy: FileNotFoundError" in batch.failed[0]["error"]


def test_memory_says_no_time_so_that_the_content_counts(tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/lane/a.npy", b"one")
    (before,) = find_remote("memory://lane")
    assert before.url == "memory://lane/a.npy"
    memory.pipe("/lane/a.npy", b"two")
    (after,) = find_remote("memory://lane")
    memory.rm("/lane", recursive=True)
    assert before.mark != after.mark


@pytest.mark.parametrize(
    ("named", "kind", "said"),
    [
        ("file:///no/such/folder", MissingScanError, "there is no such file or folder"),
        ("file:///no/such/*.npy", MissingScanError, "no file matches it"),
        ("nonsense://a", BatchError, "name a path, or a URL of a protocol that fsspec knows"),
        ("ftp://me:secret@host/a", BatchError, r"looking for scans in ftp://\.\.\.@host/a: the URL holds a password"),
    ],
)
def test_wrong_use(named: str, kind: type[Exception], said: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=said):
        screen_many([named], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_go_to_a_folder(scans: Path) -> None:
    with pytest.raises(BatchError, match="results go to a disk or a mounted share"):
        screen_many([scans], "s3://bucket/out")


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingDependencyError, match=r'needs fsspec .*pip install "xrayscan\[remote\]"'):
        find_remote("s3://bucket")


def test_a_server_that_breaks_is_a_read_error(monkeypatch: pytest.MonkeyPatch, scans: Path) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no route")

    monkeypatch.setattr(LocalFileSystem, "find", broken)
    with pytest.raises(ReadError, match="RuntimeError: no route; check the address and your access"):
        find_remote(url(scans))


def test_a_drive_is_no_url() -> None:
    assert not is_url("C:/scans")
    assert not is_url("lane:3/a.tif")
