"""A batch that is killed again and again with SIGKILL, held against one that was left alone.

    python benchmarks/kills.py [--scans 1000] [--kills 20] [--workers 2] [--seed 0] [--keep FOLDER]

Makes small scans (drawn boxes with noise, so that nothing but the runtime is needed), screens them undisturbed, and screens
them again into another folder while the process is killed at random moments, each time going on with the same command. In the
end both output folders must be the same but for times. Ends with status 1 if they are not, or if a finished report was lost.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROWS, COLUMNS = 120, 200


def make(folder: Path, count: int) -> None:
    """So many small scans of counts, in folders of a hundred; every fiftieth is cut off and cannot be read."""
    for number in range(count):
        rng = np.random.default_rng(number)
        counts = np.full((ROWS, COLUMNS), 60000.0)
        counts[20:100, 20:180] *= 0.6
        top, left = rng.integers(30, 70), rng.integers(30, 120)
        counts[top : top + 30, left : left + 40] *= rng.uniform(0.1, 0.6)
        path = folder / f"{number // 100:03}" / f"{number:06}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "xrayscan.toml").write_text("pixel_pitch = 0.02\nair = 60000.0")
        np.save(path, rng.poisson(counts).clip(0, 65535).astype(np.uint16))
        if number % 50 == 49:
            path.write_bytes(path.read_bytes()[:1000])


def start(scans: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "xrayscan", "screen", str(scans), "--out", str(out), "--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished(out: Path) -> int:
    """Whole reports."""
    return sum("report.json" in files for folder, _, files in os.walk(out / "scans") if ".partial-" not in folder)


def told(out: Path) -> dict[str, Any]:
    """Everything in an output folder but times."""
    files: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.name == "report.json":
            report = json.loads(path.read_text(encoding="utf-8"))
            files[name] = {key: value for key, value in report.items() if key != "timings_s"}
        elif path.name == "report.html":
            files[name] = "there"  # it shows the times
        elif path.is_file() and path.name != ".lock":
            files[name] = path.read_bytes()
    return files


def kill_again_and_again(scans: Path, out: Path, workers: int, moments: list[int], chance: random.Random) -> list[str]:
    """Screen, killed when so many reports are there and a little later, then once to the end; what went wrong."""
    wrong, seen, kills = [], 0, 0
    for moment in moments:
        process = start(scans, out, workers)
        while process.poll() is None and finished(out) < moment:
            time.sleep(0.02)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.5))
        kills += process.poll() is None
        process.kill()
        process.wait()
        there = finished(out)
        print(f"kill {kills}: {there} reports are there", flush=True)
        if there < seen:
            wrong.append(f"after kill {kills} there were {there} reports, before it {seen}")
        seen = there
    if kills < len(moments):
        wrong.append(f"only {kills} of {len(moments)} kills met a running process; take more scans")
    process = start(scans, out, workers)
    if process.wait() not in (0, 1):
        wrong.append(f"the last run ended with status {process.returncode}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder)
        make(place / "in", options.scans)
        began = time.monotonic()
        start(place / "in", place / "calm", options.workers).wait()
        seconds = time.monotonic() - began
        whole = finished(place / "calm")
        print(f"undisturbed: {whole} reports of {options.scans} scans in {seconds:.0f} s", flush=True)
        chance = random.Random(options.seed)
        moments = sorted(chance.randrange(whole) for _ in range(options.kills))
        wrong = kill_again_and_again(place / "in", place / "killed", options.workers, moments, chance)
        calm, killed = told(place / "calm"), told(place / "killed")
        wrong += [f"{name} differs" for name in sorted(calm.keys() | killed.keys()) if calm.get(name) != killed.get(name)]
    for line in wrong[:20]:
        print(line)
    print(f"{len(calm)} files compared, {options.kills} kills: " + (f"{len(wrong)} differences" if wrong else "all the same"))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
