"""kill -9 of the whole service, again and again: every accepted scan gets exactly one report."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.service.served import BEARER, TOKEN, until

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from unittest import mock
from tests.service.served import FakeScreens, ThreadWorker
from xrayscan.service import crew, serve
from xrayscan.service.settings import Access, Binding, Limits
if __name__ == "__main__":
    spool, port, log = sys.argv[1:]
    access, binding = Access.found(), Binding(port=int(port))
    limits = Limits(drain_seconds=5.0, free_bytes=1)
    with mock.patch.object(crew, "Worker", ThreadWorker):
        serve(Path(spool), FakeScreens(Path(log)), access=access, binding=binding, limits=limits, workers=1)
"""


def start(spool: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "XRAYSCAN_TOKEN": TOKEN}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(spool), str(port), str(log)], env=environment)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", headers=BEARER, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_again_and_again_no_accepted_scan_is_lost_and_none_reported_twice(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    spool, log, chance, accepted = tmp_path / "spool", tmp_path / "log", random.Random(1), []
    for number in range(3):
        process = start(spool, port, log)
        try:
            until(lambda: answers(port), 60)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=BEARER, timeout=30) as client:
                for scan in range(5):
                    answer = client.post("/v1/scans", content=b"sleep 0.15", params={"name": f"{number}-{scan}"})
                    accepted.append(answer.json()["id"])
            time.sleep(chance.uniform(0, 0.4))
        finally:
            process.kill()
            process.wait()
    process = start(spool, port, log)
    try:
        until(lambda: answers(port), 60)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=BEARER, timeout=60) as client:
            told = [client.get(f"/v1/scans/{scan}", params={"wait": 60}).json() for scan in accepted]
            assert {client.get(one["links"]["report"]["json"]).json()["source"]["path"] for one in told} == {
                f"{number}-{scan}" for number in range(3) for scan in range(5)
            }
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    assert status == 0
    assert [one["state"] for one in told] == ["screened"] * 15
    assert sorted(path.name for path in (spool / "scans").iterdir()) == sorted(accepted)
    begun = Counter(log.read_text().split())
    assert set(begun) == set(accepted)
    assert sum(begun.values()) - 15 <= 3, "only what a kill cut short was screened again"
    records = [json.loads((spool / "scans" / scan / "record.json").read_text()) for scan in accepted]
    assert all(record["finished_at"] for record in records)
