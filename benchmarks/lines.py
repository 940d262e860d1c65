"""A goods train through LineScanner: columns a second, memory, and how far behind the beam findings are told.

    python benchmarks/lines.py [--columns 60000] [--block 16] [--model NAME]

A few simulated wagons (needs xrayscan[train]), some with persons, pass again and again, as raw counts of 850 rows at 5 mm.
They are made before the clock starts, in a process of their own, and pushed as fast as they are taken. Prints the rate after
the first 5,000 columns; the peak memory by then, by 12,000 columns, when the first stretch of up to 23 m has been screened,
and at the end; of each person that the report finds, whether a first look told it, and how many meters of travel lay between
the person's end and the beam when it first did.

It starts itself anew with the two settings of docs/streaming.md, unless they are set.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xrayscan import Finding

# As docs/streaming.md advises; they are read when a process begins.
SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "1048576"}
ROWS, PITCH, OPEN, SETTLED, SCREENED = 850, 0.005, 60000, 5000, 12000
WAGONS = (("person", 3), ("clean", 4), ("person", 5), ("look-alike", 6))


def make(folder: Path) -> None:
    """Wagons as counts with one open beam for all, and where their persons are."""
    from xrayscan.simulate import simulate
    from xrayscan.simulate.record import Choices

    for kind, seed in WAGONS:
        scan, truth = simulate(
            seed, kind, preset="rail 9 MV", delivery="counts", pitch=PITCH,
            choices=Choices(vehicles=("rail covered wagon",)),
        )  # fmt: skip
        counts, lines = scan.view.pixels[0].astype(np.float32), scan.calibration
        share = (counts - lines.dark[0][:, None]) / np.maximum(lines.air[0] - lines.dark[0], 1)[:, None]
        out = np.full((ROWS, share.shape[1]), OPEN, np.uint16)
        rows = min(ROWS, len(share))
        out[-rows:] = np.clip(share[-rows:] * OPEN, 0, 65535)
        boxes = [(i.box.left, i.box.right) for i in truth.instances if i.kind == "person"]
        np.savez(folder / f"{seed}.npz", counts=out, persons=np.array(boxes, int).reshape(-1, 2))


def peak() -> float:
    """The most memory that the process has held [MB]."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def at_persons(findings: Iterable[Finding], ends: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The persons that lie where something is called one."""
    boxes = [finding.box for finding in findings if finding.kind == "person"]
    return [person for person in ends if any(box.left < person[1] and box.right > person[0] for box in boxes)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=60000)
    parser.add_argument("--block", type=int, default=16)
    parser.add_argument("--model", default=None)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--make", folder], check=True)
        held = [np.load(path) for path in sorted(Path(folder).glob("*.npz"))]
        wagons = [(one["counts"], one["persons"]) for one in held]

    import xrayscan as xs

    screener = xs.Screener(options.model, threads=2)
    train = np.concatenate([counts for counts, _ in wagons], axis=1)
    starts = np.cumsum([0] + [counts.shape[1] for counts, _ in wagons])
    rounds = range(math.ceil(options.columns / train.shape[1]))
    ends = [
        (around * train.shape[1] + start + left, around * train.shape[1] + start + right)
        for around in rounds
        for start, (_, persons) in zip(starts, wagons, strict=False)
        for left, right in persons
    ]
    told: dict[tuple[int, int], float] = {}
    settled, screened = (0, 0.0, 0.0), 0.0
    with xs.LineScanner(screener, rows=ROWS, pixel_pitch=PITCH, air=np.full(ROWS, float(OPEN)), dark=np.zeros(ROWS)) as lines:
        began = time.perf_counter()
        while lines.columns < options.columns:
            first = lines.columns % train.shape[1]
            block = train[:, first : first + min(options.block, options.columns - lines.columns)]
            early = lines.push(block)
            for person in at_persons(early, ends):
                told.setdefault(person, (lines.columns - person[1]) * PITCH)
            if settled[0] == 0 and lines.columns >= SETTLED:
                settled = lines.columns, time.perf_counter(), peak()
            if not screened and lines.columns >= SCREENED:
                screened = peak()
        pushed, last = time.perf_counter(), peak()
        report = lines.close()
        closed = time.perf_counter()
    rate = (options.columns - settled[0]) / (pushed - settled[1])
    print(f"{screener.card.name}: {options.columns} columns of {ROWS} rows, blocks of {options.block}")
    seconds = f"{pushed - began:.1f} s in all, {closed - pushed:.1f} s to close"
    print(f"rate       {rate:.0f} columns/s after the first {settled[0]} ({seconds})")
    print(
        f"memory     {settled[2]:.0f} MB at most up to {settled[0]} columns, {screened:.0f} up to {SCREENED}, {last:.0f} in all"
    )
    found = at_persons(report.findings, ends)
    delays = [told[person] for person in found if person in told]
    share = f"first look {len(delays)} of {len(found)} persons that the report finds"
    print(f"{share}, {statistics.median(delays):.2f} m behind their ends, at most {max(delays):.2f} m" if delays else share)
    print(f"report     {len(report.findings)} findings, score {report.score:.3f}")


if __name__ == "__main__":
    if not SETTINGS.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], SETTINGS | os.environ)
    main()
