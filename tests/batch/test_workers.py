"""Worker processes: they die, they do not start, they leave with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.fakes import FakeFactory
from xrayscan.batch import BatchError, screen_many
from xrayscan.batch.task import Task
from xrayscan.batch.workers import LocalWorkers
from xrayscan.errors import UnknownModelError

ROOT = Path(__file__).parents[2]


def tasks(folder: Path, *contents: str) -> list[Task]:
    result = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.npy"
        path.write_text(content)
        result.append(Task(path, folder / "out" / path.name, f"scans/{path.name}"))
    return result


def test_a_worker_that_dies_costs_only_its_own_scan(tmp_path: Path) -> None:
    with LocalWorkers(FakeFactory(), 2, 1) as workers:
        todo = tasks(tmp_path, "score 0.1", "die", "score 0.2", "score 0.3", "die", "score 0.4")
        done = {item.task.path.name: item for item in workers.run(todo)}
    assert len(done) == 6
    assert [name for name in sorted(done) if done[name].failed] == ["1.npy", "4.npy"]
    row = done["1.npy"].row
    assert (row["error_kind"], row["path"]) == ("WorkerDied", str(tmp_path / "1.npy"))
    assert "exit status 9" in row["error"]
    assert "use fewer workers" in row["error"]


def test_no_worker_waits_while_a_result_is_written(tmp_path: Path) -> None:
    with LocalWorkers(FakeFactory(), 1, 1) as workers:
        done = workers.run(tasks(tmp_path, "score 0.1", "score 0.2"))
        assert next(done).task.path.name == "0.npy"
        _until((tmp_path / "out" / "1.npy" / "report.json").exists)
        assert [item.task.path.name for item in done] == ["1.npy"]


def test_workers_can_be_given_more_when_they_are_done(tmp_path: Path) -> None:
    with LocalWorkers(FakeFactory(), 1, 1) as workers:
        for _ in range(2):
            assert [item.failed for item in workers.run(tasks(tmp_path, "score 0.1"))] == [False]


def test_a_scan_whose_worker_died_is_tried_once_more_alone(tmp_path: Path) -> None:
    with LocalWorkers(FakeFactory(), 2, 1) as workers:
        done = list(workers.run(tasks(tmp_path, f"once {tmp_path / 'flag'}", "score 0.2")))
    assert [item.row["error_kind"] for item in done if item.failed] == ["CorruptScanError"]
    assert "alive this time" in done[-1].row["error"]


def test_a_scan_that_kills_its_process_fails_by_default_and_the_call_lives(tmp_path: Path) -> None:
    tasks(tmp_path, "die")
    batch = screen_many([tmp_path / "0.npy"], tmp_path / "results", screener_factory=FakeFactory())
    assert [row["error_kind"] for row in batch.failed] == ["WorkerDied"]


def test_a_screener_that_cannot_be_made_in_a_worker_stops_the_batch(tmp_path: Path) -> None:
    todo = tasks(tmp_path, "score 0.1", "score 0.2")
    factory = FakeFactory(broken="raises in worker", main_process=os.getpid())
    with LocalWorkers(factory, 2, 1) as workers, pytest.raises(UnknownModelError, match="there is no model 'y'"):
        list(workers.run(todo))


def test_workers_that_die_at_the_start_stop_the_batch(tmp_path: Path) -> None:
    todo = tasks(tmp_path, "score 0.1", "score 0.2")
    factory = FakeFactory(broken="dies in worker", main_process=os.getpid())
    with LocalWorkers(factory, 2, 1) as workers, pytest.raises(BatchError, match=r"ended at once \(exit status 3\); run with"):
        list(workers.run(todo))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_workers_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    tasks(folder, *["score 0.1"] * 4)
    script = tmp_path / "slow.py"
    script.write_text(
        "import sys\nfrom tests.batch.fakes import FakeFactory\nfrom xrayscan.batch import screen_many\n"
        "if __name__ == '__main__':\n"
        "    screen_many([sys.argv[1]], sys.argv[2], workers=2, screener_factory=FakeFactory())\n"
    )
    log = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": _path(), "FAKE_LOG": str(log), "FAKE_SECONDS": "60"}
    process = subprocess.Popen([sys.executable, str(script), str(folder), str(tmp_path / "out")], env=environment)
    try:
        _until(lambda: log.exists() and len(log.read_text().split()) == 2)
        children = _children(process.pid)
        assert len(children) >= 2
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    _until(lambda: not any(_alive(child) for child in children))


def _path() -> str:
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def _until(true: object, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if fields.get("PPid") == str(parent):
            found.append(int(status.parent.name))
    return found


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
