"""The OpenAPI description holds what the service does: schemathesis looks for where it does not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.served import TOKEN, Service, served, until

QUICK = ("--phases", "examples,coverage,fuzzing", "--max-examples", "4", "--seed", "1", "--no-color")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with served(tmp_path_factory.mktemp("openapi"), in_threads=True, wait_seconds=0.2, queue=1000) as running:
        yield running


def test_schemathesis_finds_nothing(service: Service, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run", *QUICK]
    with service.client() as client:
        (tmp_path / "openapi.json").write_bytes(client.get("/openapi.json").content)
    (tmp_path / "schemathesis.toml").write_text(f'[auth.openapi.token]\nbearer = "{TOKEN}"\n')
    command += ["--url", service.address, "openapi.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert counts is not None, done.stdout
    assert int(counts[2]) > 200
    until(lambda: not service.desk._open)
    with service.client() as client:
        assert "xrayscan_faults_total 0.0" in client.get("/metrics").text


def test_every_operation_asks_for_the_token(service: Service) -> None:
    with service.client() as client:
        told = client.get("/openapi.json").json()
    assert told["security"] == [{"token": []}]
    for operations in told["paths"].values():
        for operation in operations.values():
            assert "401" in operation["responses"]
            assert "security" not in operation


def test_links_lead_where_the_description_says(service: Service) -> None:
    with service.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
        here = client.post("/v1/scans", content=b"score 0.7").json()["links"]["self"]
        until(lambda: client.get(here).json()["state"] == "screened")
        told = client.get(here).json()
        links = [told["links"]["self"], *told["links"]["report"].values()]
        for link in links:
            assert link.replace(told["id"], "{scan}") in paths
            assert client.get(link).status_code == 200
    assert [Path(link).suffix for link in links] == ["", ".json", ".png", ".html", ".dcm"]
