"""A watched folder with a fake screener: once per content, across restarts, changes and failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.fakes import FakeFactory
from xrayscan.batch import Batch, BatchError, BusyError, Progress, Settling, screen_many, watch, watch_preview
from xrayscan.batch.lock import locked
from xrayscan.batch.results import Results

ROOT = Path(__file__).parents[2]
QUICK = Settling(seconds=0.05, patience=0.3, poll=0.02)


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    folder = tmp_path / "hot"
    folder.mkdir()
    (folder / "a.npy").write_text("score 0.9")
    (folder / "b.npy").write_text("corrupt")
    return folder


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("FAKE_LOG", str(path))
    return path


def run(
    hot: Path, out: Path, act: Callable[[int], bool], factory: FakeFactory | None = None, most: float = 60
) -> Batch:  # fmt: skip
    """Watch; after each scan, and at the start, ``act`` with how many came in this run, until it says that this is all."""
    stop, count = threading.Event(), 0

    def told(state: Progress) -> None:
        nonlocal count
        count += state.row is not None
        if act(count):
            stop.set()

    end = threading.Timer(most, stop.set)
    end.start()
    try:
        return watch(hot, out, settling=QUICK, stop=stop, progress=told, screener_factory=factory or FakeFactory())
    finally:
        end.cancel()


class SomeLooks(threading.Event):
    """Stops when the folder has been looked at for longer than a scan takes to settle."""

    def __init__(self) -> None:
        super().__init__()
        self.first = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.first = self.first or time.monotonic()
        if time.monotonic() - self.first > 3 * QUICK.patience:
            self.set()
        return super().wait(timeout)


def for_a_while(hot: Path, out: Path) -> Batch:
    """Watch when nothing is to come."""
    return watch(hot, out, settling=QUICK, stop=SomeLooks(), screener_factory=FakeFactory())


def told(batch: Batch) -> dict[str, Any]:
    return {Path(row["path"]).name: row["score"] for row in batch.rows}


def listed(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def test_scans_are_screened_as_they_arrive_and_once_across_restarts(hot: Path, tmp_path: Path, log: Path) -> None:
    seen = []

    def act(count: int) -> bool:
        if count == 2:
            (hot / "lane").mkdir()
            (hot / "lane/c.npy").write_text("score 0.2")
        if count == 3:
            seen.extend(listed(tmp_path / "out"))
        return count == 3

    batch = run(hot, tmp_path / "out", act)
    assert told(batch) == {"a.npy": 0.9, "b.npy": None, "c.npy": 0.2}
    assert len(seen) >= 2, "the results were not kept up to date"
    assert listed(tmp_path / "out") == [dict(row) for row in batch.rows]
    assert (tmp_path / "out/scans/lane/c.npy/report.html").exists()
    again = for_a_while(hot, tmp_path / "out")
    assert (again.rows, again.resumed) == (batch.rows, 3)
    assert sorted(log.read_text().split()) == ["a.npy", "b.npy", "c.npy"]


def test_the_results_are_those_of_screen(hot: Path, tmp_path: Path) -> None:
    run(hot, tmp_path / "out", lambda count: count == 2)
    screen_many([hot], tmp_path / "calm", workers=1, screener_factory=FakeFactory())
    for name in ("results.jsonl", "results.csv", "index.html"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()


def test_new_content_is_screened_and_the_earlier_report_kept(hot: Path, tmp_path: Path, log: Path) -> None:
    def act(count: int) -> bool:
        if count == 2:
            (hot / "a.npy").write_text("score 0.95")
            (hot / "b.npy").write_text("score 0.3")
        return count == 4

    batch = run(hot, tmp_path / "out", act)
    assert [(Path(row["path"]).name, row["score"]) for row in batch.rows] == [("a.npy", 0.95), ("a.npy", 0.9), ("b.npy", 0.3)]
    assert [json.loads((tmp_path / "out" / row["report"] / "report.json").read_text())["score"] for row in batch.rows] == [
        0.95,
        0.9,
        0.3,
    ]
    assert batch.rows[0]["report"] == "scans/a.npy"
    assert for_a_while(hot, tmp_path / "out").rows == batch.rows
    assert len(log.read_text().split()) == 4


def test_the_same_content_written_again_is_not(hot: Path, tmp_path: Path, log: Path) -> None:
    run(hot, tmp_path / "out", lambda count: count == 2)
    os.utime(hot / "a.npy", (1, 1))
    os.utime(hot / "b.npy", (1, 1))  # failed, and changed: tried again
    assert len(run(hot, tmp_path / "out", lambda count: count == 1).rows) == 2
    assert sorted(log.read_text().split()) == ["a.npy", "b.npy", "b.npy"]


def test_scans_that_leave_the_folder_stay_in_the_results(hot: Path, tmp_path: Path) -> None:
    batch = run(hot, tmp_path / "out", lambda count: count == 2)
    (hot / "a.npy").unlink()
    (hot / "b.npy").unlink()
    assert for_a_while(hot, tmp_path / "out").rows == batch.rows


def test_a_journal_that_is_lost_or_cut_off_costs_no_report(hot: Path, tmp_path: Path, log: Path) -> None:
    batch = run(hot, tmp_path / "out", lambda count: count == 2)
    journal = tmp_path / "out/watch.jsonl"
    journal.write_text(journal.read_text()[:-9])
    (hot / "a.npy").unlink()
    assert run(hot, tmp_path / "out", lambda count: count == 1).rows == batch.rows
    journal.unlink()
    (hot / "b.npy").unlink()
    assert told(for_a_while(hot, tmp_path / "out")) == {"a.npy": 0.9}


def test_a_folder_that_moved_is_known_again(hot: Path, tmp_path: Path, log: Path) -> None:
    run(hot, tmp_path / "out", lambda count: count == 2)
    moved = hot.rename(tmp_path / "moved")
    batch = for_a_while(moved, tmp_path / "out")
    assert [row["path"] for row in batch.rows] == [str(moved / "a.npy"), str(moved / "b.npy")]
    assert len(log.read_text().split()) == 2


def test_another_model_screens_anew_what_is_there(hot: Path, tmp_path: Path, log: Path) -> None:
    run(hot, tmp_path / "out", lambda count: count == 2)
    (hot / "a.npy").unlink()
    (hot / "c.npy").write_text("score 0.1")
    batch = run(hot, tmp_path / "out", lambda count: count == 2, FakeFactory(weights="other"))
    assert told(batch) == {"a.npy": 0.9, "b.npy": None, "c.npy": 0.1}
    assert log.read_text().split()[2:] == ["b.npy", "c.npy"]


def test_a_scan_that_vanishes_in_hand_is_a_row_and_is_tried_when_it_is_back(
    hot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After each scan, however long that takes: as a rule they are written as far as that costs little.
    monkeypatch.setattr(Results, "write_now_and_then", lambda self, **_: self.write())
    (hot / "c.npy").write_text("score 0.4")
    away = tmp_path / "c.npy"

    def act(count: int) -> bool:
        if count == 1:
            (hot / "c.npy").rename(away)
        if count == 3:
            seen.update(told_by(tmp_path / "out"))
            away.rename(hot / "c.npy")
        return count == 4

    def told_by(out: Path) -> dict[str, Any]:
        return {Path(row["path"]).name: row["error_kind"] for row in listed(out)}

    seen: dict[str, Any] = {}
    batch = run(hot, tmp_path / "out", act)
    assert seen == {"a.npy": "", "b.npy": "CorruptScanError", "c.npy": "FileNotFoundError"}
    assert told(batch) == {"a.npy": 0.9, "b.npy": None, "c.npy": 0.4}


def test_a_scan_that_kills_its_process_is_a_row_and_is_tried_after_a_restart(hot: Path, tmp_path: Path, log: Path) -> None:
    (hot / "b.npy").write_text("die")
    batch = run(hot, tmp_path / "out", lambda count: count == 2)
    assert batch.failed[0]["error_kind"] == "WorkerDied"
    before = log.read_text().split().count("b.npy")
    run(hot, tmp_path / "out", lambda count: count == 1)
    assert log.read_text().split().count("b.npy") > before


def test_what_screen_has_finished_is_not_screened_again(hot: Path, tmp_path: Path, log: Path) -> None:
    (hot / "b.npy").write_text("score 0.2")
    screen_many([hot], tmp_path / "out", workers=1, screener_factory=FakeFactory())
    assert for_a_while(hot, tmp_path / "out").resumed == 2
    assert len(log.read_text().split()) == 2


def test_a_report_that_was_taken_away_is_made_again(hot: Path, tmp_path: Path) -> None:
    run(hot, tmp_path / "out", lambda count: count == 2)
    (tmp_path / "out/scans/a.npy/report.json").unlink()
    assert told(run(hot, tmp_path / "out", lambda count: count == 1)) == {"a.npy": 0.9, "b.npy": None}


def test_a_preview_says_what_is_to_come_and_writes_nothing(hot: Path, tmp_path: Path) -> None:
    seen = watch_preview(hot, tmp_path / "out", screener_factory=FakeFactory())
    assert ([task.path.name for task in seen.waiting], seen.done) == (["a.npy", "b.npy"], ())
    assert not (tmp_path / "out").exists()
    run(hot, tmp_path / "out", lambda count: count == 2)
    (hot / "c.npy").write_text("score 0.4")
    before = (tmp_path / "out/watch.jsonl").read_bytes()
    seen = watch_preview(hot, tmp_path / "out", screener_factory=FakeFactory())
    assert [[task.path.name for task in tasks] for tasks in (seen.waiting, seen.done)] == [["c.npy"], ["a.npy", "b.npy"]]
    assert (tmp_path / "out/watch.jsonl").read_bytes() == before


def test_wrong_use(hot: Path, tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="there is no such folder; make it"):
        watch(tmp_path / "none", tmp_path / "out")
    with pytest.raises(BatchError, match="it is no folder; make it"):
        watch(hot / "a.npy", tmp_path / "out")
    with pytest.raises(BatchError, match="the output folder lies inside the input"):
        watch(hot, hot / "out")
    with pytest.raises(BatchError, match="watching with 0 workers"):
        watch(hot, tmp_path / "out", workers=0)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"), pytest.raises(BusyError, match="another run"):
        watch(hot, tmp_path / "out", screener_factory=FakeFactory())


SCRIPT = """
import sys
import xrayscan.batch.watching as watching
from tests.batch.fakes import FakeFactory
def factory(*a, **k):
    return FakeFactory()
if __name__ == "__main__":
    watching.ModelScreener = factory
    from xrayscan.cli.main import main
    main()
"""


@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_finish_the_scan_in_hand_and_a_kill_loses_nothing(end: signal.Signals, hot: Path, tmp_path: Path) -> None:
    for number in range(5):
        (hot / f"{number}.npy").write_text(f"score 0.{number}")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    log = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": path, "FAKE_LOG": str(log), "FAKE_SECONDS": "0.3"}
    options = ["--settle", "0.05", "--poll", "0.02", "--progress", "json"]
    command = [sys.executable, "-c", SCRIPT, "watch", str(hot), "--out", str(tmp_path / "out"), *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        due = time.monotonic() + 60
        while not log.exists() or len(log.read_text().split()) < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < due
            time.sleep(0.01)
        process.send_signal(end)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    if end != signal.SIGKILL:
        assert process.returncode in (0, 1), errors
        assert "No finding is not a clearance" in output
        begun = log.read_text().split()
        assert len(listed(tmp_path / "out")) == len(begun) < 7
        assert json.loads(errors.splitlines()[-1])["done"] == len(begun)
    left = 7 - len(list((tmp_path / "out/scans").glob("[!.]*/report.json")))
    stop = threading.Event()

    def told(state: Progress) -> None:
        if state.done == 7:
            stop.set()

    end = threading.Timer(60, stop.set)
    end.start()
    batch = watch(hot, tmp_path / "out", settling=QUICK, stop=stop, progress=told, screener_factory=FakeFactory())
    end.cancel()
    assert left > 0
    assert (len(batch.rows), len(batch.failed)) == (7, 1)
