"""A report's folder is whole or not there, and nobody else's files are touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from yard import Yard

from xrayscan.errors import ReportError
from xrayscan.report import folder as folders
from xrayscan.report.folder import FORMS, PARTIAL, write_folder

OLD = dict.fromkeys(FORMS, b"old")
NEW = dict.fromkeys(FORMS, b"new")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def leftovers(parent: Path) -> list[str]:
    return [path.name for path in parent.iterdir() if path.name.startswith(PARTIAL)]


def test_a_saved_report_is_read_back(tmp_path):
    report = Yard().report()
    folder = report.save(tmp_path / "deep" / "0412")
    assert sorted(path.name for path in folder.iterdir()) == sorted(FORMS)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == report.to_dict()
    picture = cv2.imdecode(np.fromfile(folder / "overlay.png", np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[1] == 900
    assert leftovers(folder.parent) == []


def test_saving_again_replaces_it(tmp_path):
    write_folder(tmp_path / "a", OLD)
    write_folder(tmp_path / "a", NEW)
    assert content(tmp_path / "a") == NEW
    assert leftovers(tmp_path) == []


def test_a_relative_folder_and_an_empty_one_are_fine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    assert write_folder(Path("a"), NEW) == (tmp_path / "a").resolve()
    assert content(tmp_path / "a") == NEW


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    write_folder(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == NEW


def test_others_files_are_never_replaced(tmp_path):
    write_folder(tmp_path / "a", OLD)
    (tmp_path / "a" / "my notes.txt").write_text("keep")
    with pytest.raises(ReportError, match=r"it holds 'my notes.txt', which is not part of a report, and would be lost"):
        write_folder(tmp_path / "a", NEW)
    assert content(tmp_path / "a") == {**OLD, "my notes.txt": b"keep"}


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(ReportError, match="that is a file; pass a folder of its own"):
        write_folder(tmp_path / "a", NEW)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(ReportError, match=r"saving the report in .*b: .*; free space, check the rights"):
        write_folder(tmp_path / "a" / "b", NEW)


@pytest.mark.parametrize("at", range(len(FORMS)))
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt("stopped")])
def test_a_failure_while_writing_leaves_the_old_one(tmp_path, monkeypatch, at, error):
    write_folder(tmp_path / "a", OLD)
    write, calls = Path.write_bytes, []

    def failing(path, data):
        calls.append(path)
        if len(calls) > at:
            raise error
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    expected = (ReportError, "No space left on device") if isinstance(error, OSError) else (KeyboardInterrupt, "stopped")
    with pytest.raises(expected[0], match=expected[1]):
        write_folder(tmp_path / "a", NEW)
    assert content(tmp_path / "a") == OLD
    assert leftovers(tmp_path) == []


def test_a_failure_while_swapping_puts_the_old_one_back(tmp_path, monkeypatch):
    write_folder(tmp_path / "a", OLD)
    rename, calls = os.rename, []

    def failing(old, new):
        calls.append(new)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        return rename(old, new)

    monkeypatch.setattr(folders.os, "rename", failing)
    with pytest.raises(ReportError, match="Input/output error"):
        write_folder(tmp_path / "a", NEW)
    assert content(tmp_path / "a") == OLD
    assert leftovers(tmp_path) == []


def test_what_a_killed_run_left_is_swept_by_the_next_and_others_are_not(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(folders.shutil, "rmtree", lambda *args, **kwargs: None)
        patch.setattr(folders.os, "rename", lambda *args: (_ for _ in ()).throw(OSError(5, "killed")))
        for name in ("a", "b"):
            with pytest.raises(ReportError, match="killed"):
                write_folder(tmp_path / name, OLD)
    assert len(leftovers(tmp_path)) == 2
    write_folder(tmp_path / "a", NEW)
    assert len(leftovers(tmp_path)) == 1
    assert content(tmp_path / "a") == NEW


WRITER = """
import itertools, sys
from pathlib import Path
from xrayscan.report.folder import FORMS, write_folder
print("ready", flush=True)
for n in itertools.count():
    write_folder(Path(sys.argv[1]), {name: str(n).encode() * 20000 for name in FORMS})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_leaves_a_whole_report_or_a_marked_folder(tmp_path):
    root = Path(folders.__file__).parents[2]
    for pause in (0.02, 0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "a")], stdout=subprocess.PIPE, cwd=root) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        if (tmp_path / "a").exists():
            files = content(tmp_path / "a")
            assert set(files) == set(FORMS)
            assert len(set(files.values())) == 1
        else:
            assert leftovers(tmp_path)
    write_folder(tmp_path / "a", NEW)
    assert content(tmp_path / "a") == NEW
    assert leftovers(tmp_path) == []
