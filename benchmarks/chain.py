"""Time from file to saved report for a 2570 x 850 16-bit scan, step by step, and the peak memory.

    python benchmarks/chain.py [--runs 7]

Makes the scan with the simulator (needs xrayscan[train]); each run is a fresh process on two cores, which first screens a
small sample so that nothing is loaded within the measured part, then screens and saves the scan once. Prints medians, minimum
and maximum; at the end what explaining costs, evidence and overlay (which is drawn again on its own: it is a part of writing).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROWS, COLUMNS = 850, 2570
STEPS = ("read", "normalize", "network", "findings", "explain", "write")


def make(folder: Path) -> Path:
    """A 40 ft scan of raw counts with persons, cut or padded with air to the size."""
    import numpy as np
    import tifffile

    from xrayscan.simulate import simulate
    from xrayscan.simulate.record import Choices

    choices = Choices(vehicles=("40 ft high cube",))
    scan, _ = simulate(40, "person", preset="gantry 6/4 MV", delivery="counts", pitch=0.005, choices=choices)
    pixels, lines = scan.view.pixels[0], scan.calibration
    rows, columns = min(ROWS, pixels.shape[0]), min(COLUMNS, pixels.shape[1])
    air = np.resize(lines.air[0], ROWS)
    out = np.repeat(air[:, None], COLUMNS, 1).astype(np.uint16)
    out[:rows, :columns] = pixels[:rows, :columns]
    path = folder / "scan.tif"
    tifffile.imwrite(path, out, compression="zlib", predictor=True)
    for name, line in (("air", air), ("dark", np.resize(lines.dark[0], ROWS))):
        np.save(folder / f"scan_{name}.npy", line)
    path.with_suffix(".toml").write_text(
        'quantity = "counts"\npixel_pitch = [0.005, 0.005]\nair = "scan_air.npy"\ndark = "scan_dark.npy"\n'
    )
    return path


def once(path: Path) -> dict[str, float]:
    """One run in this process: seconds of each step, and the peak memory [MB]."""
    import xrayscan as xs
    from xrayscan import _resources
    from xrayscan.explain.overlay import overlay

    screener = xs.Screener(threads=2)
    with tempfile.TemporaryDirectory() as folder:
        screener(_resources.root("datasets") / "samples" / "01-counts.tif").save(Path(folder) / "warm")  # it has a finding
        report = screener(path)
        start = time.perf_counter()
        report.save(Path(folder) / "report")
        written = time.perf_counter() - start
        start = time.perf_counter()
        overlay(report.radiograph, report.anomaly, report.findings)
        drawn = time.perf_counter() - start
        size = sum(file.stat().st_size for file in (Path(folder) / "report").iterdir())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    explained = report.timings["explain"] + drawn
    return {
        **report.timings,
        "write": written,
        "explained": explained,
        "peak_mb": peak,
        "report_mb": size / 1e6,
        "findings_n": len(report.findings),
    }


def own_process(*arguments: str) -> Any:
    """What this file prints when it is run with these arguments."""
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        print(json.dumps(str(make(options.make))))
        return
    if options.once:
        print(json.dumps(once(options.once)))
        return
    with tempfile.TemporaryDirectory() as folder:
        # Not in this process: those it starts would inherit the simulator's peak memory as their own.
        path = own_process("--make", folder)
        runs = [own_process("--once", path) for _ in range(options.runs)]
    print(
        f"{COLUMNS} x {ROWS}, 16 bit, {runs[0]['findings_n']:.0f} findings; median (minimum to maximum) of {options.runs} runs"
    )
    for step in STEPS:
        values = [run[step] * 1e3 for run in runs]
        print(f"{step:10s} {statistics.median(values):7.0f} ms   ({min(values):.0f} to {max(values):.0f})")
    totals = [sum(run[step] for step in STEPS) * 1e3 for run in runs]
    print(f"{'in all':10s} {statistics.median(totals):7.0f} ms   ({min(totals):.0f} to {max(totals):.0f})")
    values = [run["explained"] * 1e3 for run in runs]
    print(f"evidence and overlay {statistics.median(values):.0f} ms   ({min(values):.0f} to {max(values):.0f})")
    print(f"peak memory {statistics.median(run['peak_mb'] for run in runs):.0f} MB, report {runs[0]['report_mb']:.1f} MB")


if __name__ == "__main__":
    main()
