"""Batches with a fake screener: order, resuming, failures, files."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.batch.fakes import FakeFactory
from xrayscan.batch import Batch, BatchError, Progress, screen_many
from xrayscan.batch.task import SETTINGS, Task, screen_one
from xrayscan.errors import UnknownModelError


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans in"
    for name, content in {
        "a.npy": "score 0.2",
        "b.npy": "score 0.9",
        "deep/c.npy": "score 0.2",
        "deep/er/d.npy": "corrupt",
        "e.npy": "score 0.6",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("FAKE_LOG", str(path))
    return path


def run(scans: Path, out: Path, workers: int = 1, factory: FakeFactory | None = None, **options: Any) -> Batch:
    return screen_many([scans], out, workers=workers, screener_factory=factory or FakeFactory(), **options)


def names(batch: Batch) -> list[str]:
    return [Path(row["path"]).name for row in batch.rows]


def test_most_suspicious_first_then_path_and_failures_last(scans: Path, tmp_path: Path) -> None:
    batch = run(scans, tmp_path / "out")
    assert names(batch) == ["b.npy", "e.npy", "a.npy", "c.npy", "d.npy"]
    assert [row["status"] for row in batch.rows] == ["screened"] * 4 + ["failed"]
    assert batch.failed == (batch.rows[-1],)
    assert batch.failed[0]["path"] == str(scans / "deep/er/d.npy")
    assert batch.failed[0]["error_kind"] == "CorruptScanError"
    assert "scan again" in batch.failed[0]["error"]


def test_reports_lie_at_the_path_of_their_scan(scans: Path, tmp_path: Path) -> None:
    batch = run(scans, tmp_path / "out")
    assert batch.rows[3]["report"] == "scans/deep/c.npy"
    assert sorted(str(p.relative_to(tmp_path / "out/scans")) for p in (tmp_path / "out").rglob("report.json")) == [
        "a.npy/report.json",
        "b.npy/report.json",
        "deep/c.npy/report.json",
        "e.npy/report.json",
    ]


def test_jsonl_and_csv_hold_the_same_rows(scans: Path, tmp_path: Path) -> None:
    batch = run(scans, tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == [dict(row) for row in batch.rows]
    with (tmp_path / "out/results.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["path"] for line in table] == [line["path"] for line in lines]
    assert [line["score"] for line in table] == ["0.9", "0.6", "0.2", "0.2", ""]


def test_results_do_not_depend_on_the_number_of_workers(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "one")
    run(scans, tmp_path / "two", workers=2)
    for name in ("results.jsonl", "results.csv", "index.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_second_run_screens_only_what_failed(scans: Path, tmp_path: Path, log: Path) -> None:
    first = run(scans, tmp_path / "out")
    before = {name: (tmp_path / "out" / name).read_bytes() for name in ("results.jsonl", "results.csv", "index.html")}
    log.write_text("")
    second = run(scans, tmp_path / "out")
    assert log.read_text().split() == ["d.npy"]
    assert (second.resumed, second.rows) == (4, first.rows)
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in before}


def test_a_failed_scan_that_was_mended_is_screened(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "out")
    (scans / "deep/er/d.npy").write_text("score 0.95")
    batch = run(scans, tmp_path / "out")
    assert (names(batch)[0], batch.failed, batch.resumed) == ("d.npy", (), 4)


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ("content", ["a.npy"]),
        ("model", ["a.npy", "b.npy", "c.npy", "e.npy"]),
        ("rate", ["a.npy", "b.npy", "c.npy", "e.npy"]),
        ("attribution", ["b.npy", "e.npy"]),
        ("version", ["a.npy", "b.npy", "c.npy", "e.npy"]),
        ("half a report.json", ["b.npy"]),
        ("no report.json", ["b.npy"]),
        ("a report.json of something else", ["b.npy"]),
        ("an older kind of report.json", ["b.npy"]),
    ],
)
def test_screened_again_when_what_made_the_report_changed(
    change: str, again: list[str], scans: Path, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scans, tmp_path / "out")
    log.write_text("")
    factory, options = FakeFactory(), {}
    report = tmp_path / "out/scans/b.npy/report.json"
    if change == "content":
        (scans / "a.npy").write_text("score 0.3")
    elif change == "model":
        factory = FakeFactory(weights="other")
    elif change == "rate":
        factory, options = FakeFactory(rate=0.05), {"false_alarm_rate": 0.05}
    elif change == "attribution":  # of findings; the other scans have none
        options = {"attribution": "occlusion"}
    elif change == "version":
        monkeypatch.setattr("xrayscan.__version__", "99.0")
    elif change == "half a report.json":
        report.write_bytes(report.read_bytes()[:40])
    elif change == "no report.json":
        report.unlink()
    elif change == "a report.json of something else":
        report.write_text("[1, 2]")
    elif change == "an older kind of report.json":
        report.write_text(json.dumps({"score": 0.5, "source": json.loads(report.read_text())["source"]}))
    batch = run(scans, tmp_path / "out", factory=factory, **options)
    assert sorted(log.read_text().split()) == sorted([*again, "d.npy"])
    assert len(batch.rows) == 5
    assert len(list((tmp_path / "out/scans").rglob("report.json"))) == 4


def test_screened_again_when_a_sidecar_or_its_calibration_changed(scans: Path, tmp_path: Path, log: Path) -> None:
    def screened() -> list[str]:
        log.write_text("")
        assert len(run(scans, tmp_path / "out").rows) == 5
        return sorted(log.read_text().split())

    settings = scans / "a.xrayscan.toml"
    assert len(screened()) == 5
    settings.write_text("pixel_pitch = 0.005")
    assert screened() == ["a.npy", "d.npy"]
    assert screened() == ["d.npy"]
    settings.write_text("# said better\npixel_pitch = 0.005\n")
    assert screened() == ["d.npy"]
    settings.write_text('pixel_pitch = 0.005\nair = "a_air.npy"')
    (scans / "a_air.npy").write_bytes(b"1")
    assert screened() == ["a.npy", "d.npy"]
    (scans / "a_air.npy").write_bytes(b"2")
    assert screened() == ["a.npy", "d.npy"]
    settings.unlink()
    assert screened() == ["a.npy", "d.npy"]
    assert screened() == ["d.npy"]


def test_patterns_keep_the_folders_they_match(scans: Path, tmp_path: Path) -> None:
    batch = screen_many([scans / "d*/**/*.npy"], tmp_path / "out", screener_factory=FakeFactory(), workers=1)
    assert [row["report"] for row in batch.rows] == ["scans/deep/c.npy", ""]


def test_moved_scans_are_known_again_and_named_where_they_are(scans: Path, tmp_path: Path, log: Path) -> None:
    run(scans, tmp_path / "out")
    log.write_text("")
    moved = scans.rename(tmp_path / "moved")
    batch = run(moved, tmp_path / "out")
    assert log.read_text().split() == ["d.npy"]
    assert batch.rows[0]["path"] == str(moved / "b.npy")


def test_scans_of_equal_name_never_share_a_report(tmp_path: Path) -> None:
    for lane, score in (("1", 0.1), ("2", 0.2)):
        (tmp_path / lane / "day").mkdir(parents=True)
        (tmp_path / lane / "day/0001.npy").write_text(f"score {score}")
    roots = [tmp_path / "1/day", tmp_path / "2/day"]
    batch = screen_many(roots, tmp_path / "out", screener_factory=FakeFactory())
    assert sorted(row["score"] for row in batch.rows) == [0.1, 0.2]
    assert len({row["report"] for row in batch.rows}) == 2
    assert screen_many(roots, tmp_path / "out", screener_factory=FakeFactory()).resumed == 2


def test_a_later_batch_does_not_overwrite_the_reports_of_an_earlier_one(tmp_path: Path) -> None:
    for day, content in (("mon", "score 0.1"), ("tue", "score 0.2"), ("wed", "score 0.3")):
        (tmp_path / day).mkdir()
        name = "0001.npy" if day != "wed" else "0001.npy/x.npy"
        (tmp_path / day / name).parent.mkdir(exist_ok=True)
        (tmp_path / day / name).write_text(content)
    for day in ("mon", "tue", "wed"):
        batch = run(tmp_path / day, tmp_path / "out")
        assert len(batch.rows) == 1
    reports = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("report.json")]
    assert sorted(report["score"] for report in reports) == [0.1, 0.2, 0.3]
    for day in ("mon", "tue", "wed"):
        assert run(tmp_path / day, tmp_path / "out").resumed == 1


def test_what_lies_in_the_way_is_kept_and_named_around(scans: Path, tmp_path: Path) -> None:
    top = tmp_path / "out/scans"
    (top / "a.npy").mkdir(parents=True)
    (top / "a.npy/letter.txt").write_text("mine")
    (top / "b.npy").write_text("mine")
    (top / "deep").write_text("mine")
    batch = run(scans, tmp_path / "out")
    assert len(batch.failed) == 1
    assert [(path.read_text()) for path in (top / "a.npy/letter.txt", top / "b.npy", top / "deep")] == ["mine"] * 3
    assert run(scans, tmp_path / "out").resumed == 4


def test_the_same_scan_named_twice_is_screened_once(scans: Path, tmp_path: Path, log: Path) -> None:
    batch = screen_many([scans / "a.npy", scans, scans / "a.npy"], tmp_path / "out", screener_factory=FakeFactory(), workers=1)
    assert sorted(names(batch)) == ["a.npy", "b.npy", "c.npy", "d.npy", "e.npy"]
    assert sorted(log.read_text().split()) == sorted(names(batch))


def test_leftovers_are_cleared_and_other_peoples_files_kept(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "scans/deep/.partial-c.npy-77").mkdir(parents=True)
    (out / "scans/deep/.partial-c.npy-77/overlay.png").write_bytes(b"half")
    (out / ".results.csv.xrayscan-tmp").write_text("half")
    (out / "mine.tmp").write_text("mine")
    run(scans, out)
    assert not [path for path in out.rglob("*") if ".partial-" in path.name or "xrayscan-tmp" in path.name]
    assert (out / "mine.tmp").read_text() == "mine"


def test_killed_while_the_settings_were_written(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = run(scans, out)
    left = out / "scans/a.npy/.settings.sha256.xrayscan-tmp"
    left.write_text("ha")
    (out / "scans/a.npy/report.json").write_text("{}")  # does not count: the scan is screened again
    batch = run(scans, out)
    assert [row["path"] for row in batch.failed] == [row["path"] for row in first.failed]
    assert (len(batch.rows), left.exists()) == (5, False)


def test_progress_counts_every_scan_once(scans: Path, tmp_path: Path) -> None:
    states: list[Progress] = []
    run(scans, tmp_path / "out", progress=states.append)
    assert [state.done for state in states] == [0, 1, 2, 3, 4, 5]
    assert (states[-1].failed, states[-1].total, states[-1].time_left) == (1, 5, 0.0)
    assert states[0].time_left is None
    states.clear()
    run(scans, tmp_path / "out", progress=states.append)
    assert [(state.done, state.resumed) for state in states] == [(4, 4), (5, 4)]


def test_ctrl_c_keeps_what_is_done(scans: Path, tmp_path: Path, log: Path) -> None:
    (scans / "c.npy").write_text("interrupt")
    with pytest.raises(KeyboardInterrupt, match="was pressed"):
        run(scans, tmp_path / "out")
    lines = (tmp_path / "out/results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Path(json.loads(line)["path"]).name for line in lines] == ["b.npy", "a.npy"]
    assert "Not complete: 4 of 6 scans" in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    (scans / "c.npy").write_text("score 0.1")
    log.write_text("")
    assert len(run(scans, tmp_path / "out").rows) == 6
    assert "a.npy" not in log.read_text().split()


@pytest.mark.parametrize("workers", [1, 2])
def test_every_kind_of_failure_is_a_row(workers: int, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    contents = {
        "corrupt.npy": "corrupt",
        "empty.npy": "",
        "fault.npy": "fault",
        "good.npy": "score 0.4",
        "memory.npy": "memory",
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
    batch = run(folder, tmp_path / "out", workers)
    assert {Path(row["path"]).name: row["error_kind"] for row in batch.failed} == {
        "corrupt.npy": "CorruptScanError",
        "empty.npy": "CorruptScanError",
        "fault.npy": "ZeroDivisionError",
        "memory.npy": "MemoryError",
    }
    errors = {Path(row["path"]).name: row["error"] for row in batch.failed}
    assert "use fewer workers" in errors["memory.npy"]
    assert "please report it" in errors["fault.npy"]
    assert names(batch)[0] == "good.npy"


def test_a_scan_that_vanishes_is_a_row(scans: Path, tmp_path: Path) -> None:
    def remove(state: Progress) -> None:
        (scans / "e.npy").unlink(missing_ok=True)

    batch = run(scans, tmp_path / "out", progress=remove)
    assert [row["error_kind"] for row in batch.failed] == ["CorruptScanError", "FileNotFoundError"]
    assert "check that the file can be read" in batch.failed[1]["error"]


def test_wrong_use_is_said_before_anything_is_written(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="no file or folder was given"):
        screen_many([], tmp_path / "out")
    with pytest.raises(BatchError, match="the output folder lies inside the input"):
        run(scans, scans / "out")
    with pytest.raises(BatchError, match="the output folder lies inside the input"):
        run(scans, scans)
    with pytest.raises(BatchError, match="the input lies among the reports"):
        screen_many([tmp_path / "o/scans/a"], tmp_path / "o")
    (tmp_path / "file").touch()
    with pytest.raises(BatchError, match="it is a file; choose a folder"):
        run(scans, tmp_path / "file")
    (tmp_path / "none").mkdir()
    with pytest.raises(BatchError, match="there are none; name files or folders"):
        run(tmp_path / "none", tmp_path / "out")
    with pytest.raises(BatchError, match="at least 1 is needed"):
        run(scans, tmp_path / "out", workers=0)
    with pytest.raises(UnknownModelError, match="there is no model 'x'"):
        run(scans, tmp_path / "out", factory=FakeFactory(broken="unknown"))
    assert not (tmp_path / "out").exists()


def test_a_pattern_does_not_take_results_for_scans(scans: Path, tmp_path: Path) -> None:
    out = scans / "out"
    pictures = out / "coco" / "images" / "default"
    pictures.mkdir(parents=True)
    (pictures / "a.npy.png").write_text("score 0.9")
    (out / "scans" / "b.npy").mkdir(parents=True)
    (out / "scans" / "b.npy" / "report.dcs").write_text("score 0.9")
    batch = screen_many([f"{scans}/*"], out, workers=1, screener_factory=FakeFactory())
    assert names(batch) == ["b.npy", "e.npy", "a.npy", "c.npy", "d.npy"]


def test_a_report_whose_sidecar_is_gone_is_not_finished_by_a_save_that_failed(tmp_path: Path) -> None:
    class Unsaved:
        def save(self, folder: Path) -> Path:
            raise OSError(28, "No space left on device")

    (tmp_path / "a.npy").write_text("score 0.2")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").write_text("{}")
    (folder / SETTINGS).write_text("of a sidecar that was there")
    done = screen_one(lambda _: Unsaved(), Task(tmp_path / "a.npy", folder, "a.npy"))
    assert done.failed
    assert not (folder / "report.json").exists()


def test_an_output_folder_behind_a_link_is_still_inside_the_input(scans: Path, tmp_path: Path) -> None:
    (scans / "real").mkdir()
    (tmp_path / "link").symlink_to(scans / "real")
    with pytest.raises(BatchError, match="the output folder lies inside the input"):
        run(scans, tmp_path / "link")


def test_bytes_that_are_no_text_in_a_file_name(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/lane\xff.npy")).write_text("score 0.5")
    except OSError:
        pytest.skip("this file system wants text")
    batch = run(folder, tmp_path / "out")
    assert len(batch.rows) == 1
    assert not batch.failed
    line = json.loads((tmp_path / "out/results.jsonl").read_text(encoding="utf-8"))
    assert line["path"] == str(folder / "lane\udcff.npy")
    assert (tmp_path / "out" / line["report"] / "report.json").exists()


def test_other_thresholds_screen_anew(scans: Path, tmp_path: Path, log: Path) -> None:
    run(scans, tmp_path / "out")
    for report in (tmp_path / "out").rglob("report.json"):
        held = json.loads(report.read_text(encoding="utf-8"))
        report.write_text(json.dumps({**held, "threshold": 0.9 * held["threshold"]}), encoding="utf-8")
    log.write_text("")
    again = run(scans, tmp_path / "out")
    assert again.resumed == 0
    assert len(log.read_text().split()) == 5
