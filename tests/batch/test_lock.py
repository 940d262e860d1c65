from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.fakes import FakeFactory
from xrayscan.batch import BusyError, screen_many
from xrayscan.batch.lock import locked

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from xrayscan.batch.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_text("score 0.1")
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"), pytest.raises(BusyError, match=rf"another run \(process {os.getpid()} on .*choose another"):
        screen_many([tmp_path / "a.npy"], tmp_path / "out", screener_factory=FakeFactory())
    assert screen_many([tmp_path / "a.npy"], tmp_path / "out", workers=1, screener_factory=FakeFactory()).failed == ()


def test_a_killed_run_does_not_block(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    assert holder.stdout is not None
    with holder, holder.stdout as output:
        assert output.readline().strip() == b"held"
        with pytest.raises(BusyError, match=f"process {holder.pid} on"), locked(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with locked(tmp_path):
        pass


def test_a_lock_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="division"), locked(tmp_path):
        _ = 1 / 0
    with locked(tmp_path):
        pass
