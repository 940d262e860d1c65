"""Batches with the shipped model: every kind of bad file, and a kill in the middle."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tests.batch.test_killed import count
from xrayscan.batch import screen_many

ROOT = Path(__file__).parents[2]


def write_scan(path: Path, seed: int) -> None:
    """A picture of a loaded box with some noise [counts]."""
    rng = np.random.default_rng(seed)
    counts = np.full((200, 480), 60000.0)
    counts[40:180, 60:420] *= 0.7
    counts[100:180, 80 : 300 + 20 * seed] *= 0.2
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, rng.poisson(counts).clip(0, 65535).astype(np.uint16))
    (path.parent / "xrayscan.toml").write_text("pixel_pitch = 0.01")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for seed in range(5):
        write_scan(folder / f"lane {seed % 2}" / f"scan{seed}.tif", seed)
    return folder


def told(out: Path) -> dict[str, Any]:
    """Everything in an output folder, times left out."""
    files: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = str(path.relative_to(out))
        if path.name == "report.json":
            files[name] = {
                key: value for key, value in json.loads(path.read_text(encoding="utf-8")).items() if key != "timings_s"
            }
        elif path.name == "report.html":
            files[name] = "there"  # it shows the times
        elif path.is_file() and path.name != ".lock":
            files[name] = path.read_bytes()
    return files


def test_every_kind_of_bad_file_is_a_row_and_the_others_are_screened(scans: Path, tmp_path: Path) -> None:
    good = (scans / "lane 0/scan0.tif").read_bytes()
    (scans / "empty.tif").touch()
    (scans / "cut off.tif").write_bytes(good[: len(good) // 2])
    (scans / "text.tif").write_text("this is no picture")
    (scans / "unknown.xyz").write_bytes(os.urandom(1000))
    np.save(scans / "words.npy", np.array(["a", "b"]))
    header = b"{'descr': '<u2', 'fortran_order': False, 'shape': (2000000, 2000000), }".ljust(117) + b"\n"
    (scans / "huge claim.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    batch = screen_many([scans], tmp_path / "out", workers=2)
    failed = {Path(row["path"]).name: row for row in batch.failed}
    assert sorted(failed) == ["cut off.tif", "empty.tif", "huge claim.npy", "text.tif", "unknown.xyz", "words.npy"]
    for name, row in failed.items():
        assert str(scans / name) in row["error"]
        assert row["error_kind"] in {"CorruptScanError", "UnknownFormatError", "ReadError"}
        assert row["score"] is None
    assert len(batch.rows) == 11
    assert all((tmp_path / "out" / row["report"] / "overlay.png").exists() for row in batch.rows[:5])
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert all(name in page for name in failed)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_in_the_middle_and_resumed(scans: Path, tmp_path: Path) -> None:
    screen_many([scans], tmp_path / "calm", workers=1)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "xrayscan", "screen", str(scans), "--out", str(out), "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while process.poll() is None and count(out) < 2:
        assert time.monotonic() < end
        time.sleep(0.005)
    process.kill()
    process.wait()
    done = count(out)
    assert done >= 2
    batch = screen_many([scans], out, workers=1)
    assert (len(batch.rows), batch.failed) == (5, ())
    assert 1 <= batch.resumed <= 5
    assert told(out) == told(tmp_path / "calm")


def test_an_unknown_model_and_rate_are_said_in_one_line(scans: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    for option, said in (
        (("--model", "nothing"), "there is no model 'nothing'"),
        (("--false-alarm-rate", "0.3"), "has no threshold"),
    ):
        command = [sys.executable, "-m", "xrayscan", "screen", str(scans), "--out", str(tmp_path / "out"), *option]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert said in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "out").exists()
