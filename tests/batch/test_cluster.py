"""Ray in place of local processes: the same results, and a worker that dies costs only time. Skipped where there is no ray."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.fakes import Elsewhere, FakeFactory
from xrayscan.batch import BatchError, Cluster, screen_many
from xrayscan.batch.cluster import _task, _text
from xrayscan.batch.remote import Remote
from xrayscan.batch.task import Task
from xrayscan.errors import MissingDependencyError

FILES = ("results.jsonl", "results.csv", "index.html")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.npy").write_text("corrupt" if number == 3 else f"score 0.{number}")
    return folder


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    """One small cluster for all tests: to start one takes longer than they do."""
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [path])])  # for its workers
    with warnings.catch_warnings(action="ignore"):
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000)
    yield
    ray.shutdown()
    os.environ.pop("PYTHONPATH")
    os.environ.update({"PYTHONPATH": path} if path else {})


pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own, about Ray's own


@pytest.mark.usefixtures("_ray")
def test_results_and_reports_are_those_of_local_processes(scans: Path, tmp_path: Path) -> None:
    near = screen_many([scans], tmp_path / "near", workers=1, screener_factory=FakeFactory())
    far = screen_many([scans], tmp_path / "far", workers=2, cluster=Cluster(), screener_factory=FakeFactory())
    assert far.rows == near.rows
    assert len(far.failed) == 1
    for name in FILES:
        assert (tmp_path / "far" / name).read_bytes() == (tmp_path / "near" / name).read_bytes()
    assert sorted(path.relative_to(tmp_path / "far") for path in (tmp_path / "far").rglob("*")) == sorted(
        path.relative_to(tmp_path / "near") for path in (tmp_path / "near").rglob("*")
    )
    assert screen_many([scans], tmp_path / "far", workers=1, cluster=Cluster(), screener_factory=FakeFactory()).resumed == 5


@pytest.mark.usefixtures("_ray")
def test_a_worker_that_dies_costs_time_and_a_scan_that_kills_it_again_and_again_is_a_row(scans: Path, tmp_path: Path) -> None:
    (scans / "0.npy").write_text(f"once {tmp_path / 'flag'}")
    (scans / "1.npy").write_text("die")
    batch = screen_many([scans], tmp_path / "out", workers=1, cluster=Cluster(), screener_factory=FakeFactory())
    failed = {Path(row["path"]).name: row for row in batch.failed}
    assert {name: row["error_kind"] for name, row in failed.items()} == {
        "0.npy": "CorruptScanError",  # it was tried again, and says so
        "1.npy": "WorkerDied",
        "3.npy": "CorruptScanError",
    }
    assert "died 3 times while screening it" in failed["1.npy"]["error"]
    assert sorted(row["score"] for row in batch.rows if row["status"] != "failed") == [0.2, 0.4, 0.5]
    assert not (tmp_path / "out/.cluster").exists()


@pytest.mark.usefixtures("_ray")
@pytest.mark.parametrize(("breaks", "said"), [(False, "install the same on every node"), (True, "no such processor")])
def test_a_node_that_would_screen_otherwise_ends_the_batch(breaks: bool, said: str, scans: Path, tmp_path: Path) -> None:
    factory = Elsewhere(os.getpid(), breaks)
    with pytest.raises(BatchError, match=f"screening on Ray: the worker on .*{said}"):
        screen_many([scans], tmp_path / "out", workers=1, cluster=Cluster(), screener_factory=factory)


@pytest.mark.usefixtures("_ray")
def test_a_worker_that_fits_nowhere(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(BatchError, match=r"no worker of 1 cores and 4 graphics processors fits"):
        screen_many([scans], tmp_path / "out", cluster=Cluster(gpus=4), screener_factory=FakeFactory())


def test_ray_that_is_missing_names_its_extra(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingDependencyError, match=r'needs ray .*pip install "xrayscan\[ray\]"'):
        screen_many([scans], tmp_path / "out", cluster=Cluster(), screener_factory=FakeFactory())
    assert not (tmp_path / "out").exists()


def test_a_worker_has_a_core() -> None:
    with pytest.raises(BatchError, match="with 0 cores and 0.0 graphics processors a worker: expected 1 core"):
        Cluster(cpus=0)


def test_a_task_travels_as_ascii(tmp_path: Path) -> None:
    task = Task(tmp_path / "lane\udcff.npy", tmp_path / "out/scans/x", "scans/x", Remote("s3://b/x", "x", ("x.toml",), "m"))
    assert _text(task).isascii()
    assert _task(_text(task)) == task
    assert json.loads(_text(Task(task.path, task.folder, task.link)))["remote"] is None
