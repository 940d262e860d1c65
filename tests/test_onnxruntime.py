"""ONNX Runtime tells nobody what it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import xrayscan as xs
from xrayscan._onnxruntime import OPT_OUT, onnx_runtime

BY_XRAYSCAN = "import os, xrayscan as xs; xs.load_model()"
BARE = "import os, onnxruntime; onnxruntime.InferenceSession(os.environ['MODEL'])"


def left_behind(home: Path, code: str, **said: str) -> list[str]:
    """Names of the files that a process leaves in an empty home; where CI is set the runtime would be quiet by itself."""
    known = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    quiet = (
        "ORT_RUNNING_UNIT_TESTS",
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "TF_BUILD",
        "JENKINS_URL",
        "TRAVIS",
        "CIRCLECI",
        "BUILD_ID",
    )
    env = {name: value for name, value in known.items() if name not in quiet} | {"HOME": str(home)} | said
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "telemetry" not in run.stderr.lower()
    return sorted(path.name for path in home.rglob("*") if path.is_file() and "icrosoft" in str(path))


def test_a_model_leaves_no_identifier_of_the_machine(tmp_path):
    assert left_behind(tmp_path, BY_XRAYSCAN) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the runtime keeps its identifier in other places")
def test_the_bare_runtime_would_leave_one(tmp_path):
    """Else the test above could not fail."""
    found = left_behind(tmp_path, BARE, MODEL=str(xs.load_model().card.file("model.onnx")))
    if not found:
        pytest.skip("this build of ONNX Runtime keeps no identifier")
    assert "deviceid" in found


def test_what_the_user_has_set_is_left_as_it_is(monkeypatch):
    monkeypatch.setenv(OPT_OUT, "0")
    assert hasattr(onnx_runtime(), "InferenceSession")
    assert os.environ[OPT_OUT] == "0"
    monkeypatch.delenv(OPT_OUT)
    onnx_runtime()
    assert os.environ[OPT_OUT] == "1"
