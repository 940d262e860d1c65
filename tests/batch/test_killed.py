"""kill -9 at any moment, again and again: in the end everything is as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.fakes import FakeFactory
from xrayscan.batch import screen_many

ROOT = Path(__file__).parents[2]
# What a shell starts in the background does not hear of Ctrl-C, unless it asks to.
SCRIPT = """
import signal, sys
from tests.batch.fakes import FakeFactory
from xrayscan.batch import screen_many
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    screen_many([sys.argv[1]], sys.argv[2], workers=int(sys.argv[3]), screener_factory=FakeFactory())
"""
FILES = ("results.jsonl", "results.csv", "index.html")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for number in range(12):
        path = folder / f"lane {number % 3}" / f"{number:04}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("corrupt" if number == 7 else f"score 0.{number:02}")
    return folder


def start(scans: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "FAKE_SECONDS": "0.02", "FAKE_SAVE_SECONDS": "0.05"}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(scans), str(out), str(workers)], env=environment)


def count(out: Path) -> int:
    """Finished reports; folders may come and go meanwhile."""
    return sum("report.json" in files for folder, _, files in os.walk(out / "scans") if ".partial-" not in folder)


def tree(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again(workers: int, scans: Path, tmp_path: Path) -> None:
    screen_many([scans], tmp_path / "calm", workers=1, screener_factory=FakeFactory())
    out, chance, seen = tmp_path / "out", random.Random(workers), 0
    for _ in range(20):
        process = start(scans, out, workers)
        began = count(out)
        end = time.monotonic() + 30
        while process.poll() is None and count(out) < min(began + 3, 11):
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.12))
        process.kill()
        process.wait()
        for name in FILES:
            if (out / name).exists():
                assert (out / name).read_bytes().endswith(b"\n")
        # A worker may outlive its killed parent for a moment: what it still writes is partial, and is not counted.
        finished = sorted(p for p in out.glob("scans/**/report.json") if not p.parent.name.startswith("."))
        assert len(finished) >= seen, "a finished report was lost"
        assert all(json.loads(path.read_text())["source"] for path in finished)
        seen = len(finished)
        if seen == 11:
            break
    batch = screen_many([scans], out, workers=1, screener_factory=FakeFactory())
    assert (batch.resumed, len(batch.failed)) == (11, 1)
    assert tree(out) == tree(tmp_path / "calm")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches a whole console there")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_results_of_what_is_done(workers: int, scans: Path, tmp_path: Path) -> None:
    process = start(scans, tmp_path / "out", workers)
    end = time.monotonic() + 30
    while not count(tmp_path / "out"):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    listed = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert listed
    assert len(listed) < 12
