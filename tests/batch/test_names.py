from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

import pytest

from xrayscan.batch.names import Names, folder_name, printable
from xrayscan.batch.resume import plan

HOSTILE = [
    "a b.tif",
    " lead.tif",
    "trail.tif ",
    "dot.",
    ".hidden.tif",
    ".partial-x",
    "x.tmp",
    "X.TMP",
    "con",
    "NUL.tif",
    "com1.dcm",
    "a:b.tif",
    "a?b*c|d<e>f.tif",
    'quote".tif',
    "back\\slash.tif",
    "new\nline.tif",
    "\x1b[31mred.tif",
    "\u202egnp.tif",
    "grün.tif",
    unicodedata.normalize("NFD", "grün.tif"),
    "扫描.tif",
    "🚚.tif",
    "x" * 255,
    "扫" * 85,
    "x" * 200 + ".tif",
    "lane\udcff.tif",
    "<img src=x onerror=alert(1)>.tif",
    "...",
    "~",
    "=cmd|'!A1",
    "%2e%2e",
    "_.tif",
]
FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]')


@pytest.mark.parametrize("raw", HOSTILE)
def test_a_name_is_safe_everywhere(raw: str) -> None:
    for name in (folder_name(PurePosixPath(raw)), folder_name(PurePosixPath(raw), salt="/somewhere/else")):
        assert not FORBIDDEN.search(name)
        assert 0 < len(name.encode()) <= 100
        assert "/" not in name
        assert name == name.strip() == name.rstrip(".") == unicodedata.normalize("NFC", name)
        assert not name.startswith(".")
        assert not name.lower().endswith(".tmp")
        assert name.partition(".")[0].lower() not in {"con", "nul", "com1"}
        assert name.isprintable()


def test_no_two_names_become_one() -> None:
    names = Names()
    assert all(names.take(folder_name(PurePosixPath(raw))) for raw in HOSTILE if raw != "X.TMP")
    assert folder_name(PurePosixPath("x.tmp")) != folder_name(PurePosixPath("X.TMP"))


@pytest.mark.parametrize("name", ["lane 3/0412.tif", "grün.tif", "扫描/1.tif", "a-b_c~d.tif", "IMG (1).png"])
def test_ordinary_names_stay(name: str) -> None:
    assert folder_name(PurePosixPath(name)) == name


def test_deep_folders_get_a_short_name() -> None:
    deep = PurePosixPath(*["folder of some length"] * 20, "0412.tif")
    assert re.fullmatch(r"0412~[0-9a-f]{10}\.tif", folder_name(deep))


def test_names_that_differ_only_in_case_get_folders_that_differ_more(tmp_path: Path) -> None:
    scans = [tmp_path / "Lane.tif", tmp_path / "lane.tif", tmp_path / "LANE.TIF"]
    links = [task.link for task in plan(scans, [tmp_path], tmp_path / "out")]
    assert links[0] == "scans/Lane.tif"
    assert len({link.casefold() for link in links}) == 3


def test_a_scan_that_is_named_as_another_ones_folder(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2/a.tif").mkdir(parents=True)
    scans = [tmp_path / "1/a.tif", tmp_path / "2/a.tif/b.tif", tmp_path / "2/a.tif/c.tif"]
    links = [task.link for task in plan(scans, [tmp_path / "1", tmp_path / "2"], tmp_path / "out")]
    assert links[0] == "scans/a.tif"
    assert all(re.fullmatch(r"scans/[bc]~[0-9a-f]{10}\.tif", link) for link in links[1:])


def test_the_plan_does_not_depend_on_where_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path)
    here = plan([Path("in/a.tif")], [Path("in")], tmp_path / "out")
    assert here == plan([tmp_path / "in/a.tif"], [tmp_path / "in"], tmp_path / "out")
    assert plan([Path("in/a.tif")], [Path("in/a.tif")], tmp_path / "out")[0].link == "scans/a.tif"


def test_printable_cannot_steer_a_terminal() -> None:
    assert printable("\x1b]0;x\x07\u202e\n" + os.fsdecode(b"\xff")) == r"\x1b]0;x\x07\u202e\n\udcff"
