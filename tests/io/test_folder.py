"""Which files of a folder are scans."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from xrayscan.errors import ReadError
from xrayscan.io import MissingScanError, find_scans, read
from xrayscan.io.folder import NOT_SCANS


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_folder_is_walked_sorted_files_first(tmp_path):
    touch(tmp_path, "b.tif", "a.tif", "lane2/x.png", "lane1/deep/y.npy", "lane1/z.jpg")
    expected = ["a.tif", "b.tif", "lane1/z.jpg", "lane1/deep/y.npy", "lane2/x.png"]
    assert names(find_scans(tmp_path), tmp_path) == expected
    assert names(find_scans(str(tmp_path), recursive=False), tmp_path) == ["a.tif", "b.tif"]


def test_only_what_cannot_be_a_scan_is_left_out(tmp_path):
    touch(
        tmp_path, *(f"x{suffix}" for suffix in NOT_SCANS), ".hidden.tif", ".git/a.tif", "Thumbs.db", "__MACOSX/a.tif", "a.tif~"
    )
    touch(tmp_path, "SCAN.TIF", "odd", "odd.xyz", "broken.dcm", "x.zip", "air.tif", "hair.npy", "air.npy", "a_air.npy")
    touch(tmp_path, "a_dark.npy", "B_AIR.NPY", "bad_pixels.npy")
    assert names(find_scans(tmp_path), tmp_path) == ["SCAN.TIF", "air.tif", "broken.dcm", "hair.npy", "odd", "odd.xyz", "x.zip"]


def test_named_files_are_always_taken_in_their_order_and_once(tmp_path):
    touch(tmp_path, "README.txt", "a_air.npy", "a.tif")
    named = [tmp_path / "README.txt", tmp_path / "a_air.npy", tmp_path / "a.tif", tmp_path, str(tmp_path / "a.tif")]
    assert names(find_scans(named), tmp_path) == ["README.txt", "a_air.npy", "a.tif"]


def test_calibration_that_a_sidecar_names_is_no_scan(tmp_path):
    (tmp_path / "cal").mkdir()
    for name in ("0412.npy", "beam.npy", "cal/closed.npy", "other.npy"):
        np.save(tmp_path / name, np.ones((3, 4), np.uint16))
    (tmp_path / "0412.xrayscan.toml").write_text("air = 'beam.npy'\ndark = 'cal/closed.npy'")
    (tmp_path / "other.json").write_text("{broken")
    assert names(find_scans(tmp_path), tmp_path) == ["0412.npy", "other.npy"]
    assert names(find_scans([tmp_path / "beam.npy", tmp_path]), tmp_path) == ["beam.npy", "0412.npy", "other.npy"]


def test_patterns_are_looked_at_as_folders_are(tmp_path):
    touch(tmp_path, "lane1/a.tif", "lane1/a.json", "lane2/b.tif", "lane2/deep/c.tif", "d[1].tif")
    assert names(find_scans(tmp_path / "lane*"), tmp_path) == ["lane1/a.tif", "lane2/b.tif", "lane2/deep/c.tif"]
    assert names(find_scans(tmp_path / "**" / "*.tif"), tmp_path) == [
        "d[1].tif",
        "lane1/a.tif",
        "lane2/b.tif",
        "lane2/deep/c.tif",
    ]
    assert names(find_scans(tmp_path / "d[1].tif"), tmp_path) == ["d[1].tif"]


@pytest.mark.parametrize("name", ["none.tif", "none*.tif", "zero\0byte"])
def test_what_does_not_exist_is_an_error(tmp_path, name):
    with pytest.raises(MissingScanError, match="there is no such file or folder, and no file matches it"):
        find_scans(tmp_path / name)


def test_links_are_followed_and_loops_end(tmp_path):
    touch(tmp_path, "lane1/a.tif")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "store").symlink_to(tmp_path / "lane1")
    (tmp_path / "dangling.tif").symlink_to(tmp_path / "gone.tif")
    found = find_scans(tmp_path)
    assert names(found, tmp_path) == ["dangling.tif", "lane1/a.tif"]
    with pytest.raises(MissingScanError, match="there is no such file"):
        read(found[0])


def test_patterns_follow_links_and_loops_end(tmp_path):
    touch(tmp_path, "lane1/a.tif", "lane1/.hidden/b.tif", "c.tif")
    for name in ("latest", "today"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "store").symlink_to(tmp_path / "lane1")
    assert names(find_scans(tmp_path / "**" / "*.tif"), tmp_path) == ["c.tif", "lane1/a.tif"]
    assert names(find_scans(tmp_path / "lane*" / "**"), tmp_path) == ["lane1/a.tif"]
    assert len(find_scans(tmp_path / "*" / "**" / "a.tif")) == 1


def test_folder_that_cannot_be_listed_becomes_a_failed_scan(tmp_path, monkeypatch):
    touch(tmp_path, "a.tif", "closed/b.tif")
    listdir = os.listdir

    def refuse(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    found = find_scans(tmp_path)
    assert names(found, tmp_path) == ["a.tif", "closed"]
    with pytest.raises(ReadError, match="it is a folder"):
        read(found[1])


def test_only_the_picture_of_our_own_report_is_left_out(tmp_path):
    touch(tmp_path, "out/0412/overlay.png", "out/0412/report.html", "out/0412/late.tif", "overlay.png")
    report = tmp_path / "out" / "0412" / "report.json"
    report.write_text('{"versions": {"xrayscan": "0.1.0"}}', encoding="utf-8")
    assert names(find_scans(tmp_path), tmp_path) == ["overlay.png", "out/0412/late.tif"]
    report.write_text('{"vendor": "another program"}', encoding="utf-8")
    assert names(find_scans(tmp_path), tmp_path) == ["overlay.png", "out/0412/late.tif", "out/0412/overlay.png"]


def test_documents_are_no_scans_and_archives_are(tmp_path):
    touch(tmp_path, "papers.docx", "list.XLSX", "list.ods", "papers.pdf", "0412.zip")
    assert names(find_scans(tmp_path), tmp_path) == ["0412.zip"]


@pytest.mark.parametrize("named", ["", " ", ["a.tif", ""]])
def test_an_empty_name_is_not_the_folder_one_is_in(named):
    with pytest.raises(MissingScanError, match="no file was named; give the path of a scan or of a folder of scans"):
        find_scans(named)


def test_empty_folder_has_no_scans(tmp_path):
    assert find_scans(tmp_path) == []
    assert find_scans([]) == []
