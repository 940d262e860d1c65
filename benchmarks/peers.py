"""Models and baselines on one 40 ft scan, from file to map, in time and memory.

    python benchmarks/peers.py [MODEL ...] [--runs 7]

MODEL is the name or the folder of a model, or NAME.npz, a baseline that `xrayscan evaluate --fit` fitted and kept beside
its records (needs xrayscan[baselines]); none: the default model. The scan is that of chain.py, 2570 x 850 pixels of 16 bits,
made by the simulator (needs xrayscan[train]); every network works on the same grid of 10 mm. Each subject runs in a process of
its own on two cores: once to warm up, then ``--runs`` times. Printed: median time (minimum to maximum) from file to map and of
the map alone, the peak memory, and all three against the first subject.
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

THREADS = 2


def once(path: Path, subject: str, runs: int) -> dict:
    """Seconds from file to map and of the map alone, for each run, and the peak memory [MB]."""
    from xrayscan._threads import limit_threads

    limit_threads(THREADS)
    import xrayscan as xs
    from xrayscan.evaluation.runs import load_subject

    if subject.endswith(".npz"):
        import torch

        torch.set_num_threads(THREADS)
    model = load_subject(subject, threads=THREADS)
    whole, map_alone = [], []
    for _ in range(runs + 1):
        start = time.perf_counter()
        radiograph = xs.normalize(xs.read(path))
        read = time.perf_counter()
        model(radiograph)
        end = time.perf_counter()
        whole.append(end - start)
        map_alone.append(end - read)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"name": model.id.name, "whole": whole[1:], "map": map_alone[1:], "peak": peak}


def row(found: dict, first: dict) -> str:
    """One line of the table."""
    times = [[1e3 * second for second in found[part]] for part in ("whole", "map")]
    cells = [f"{statistics.median(t):.0f} ({min(t):.0f} to {max(t):.0f})" for t in times]
    slower = statistics.median(found["whole"]) / statistics.median(first["whole"])
    slower_map = statistics.median(found["map"]) / statistics.median(first["map"])
    return (
        f"| {found['name']} | {cells[0]} | {cells[1]} | {found['peak']:.0f} MB | {slower:.2f} | {slower_map:.2f} "
        f"| {found['peak'] / first['peak']:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[""])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--once", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.once:
        print(json.dumps(once(Path(asked.once[0]), asked.once[1], asked.runs)))
        return
    print("| subject | file to map [ms] | map alone [ms] | peak memory | times the first: file to map | map | memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    first: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        # Not in this process: those it starts would inherit the simulator's peak memory as their own.
        chain = [sys.executable, str(Path(__file__).with_name("chain.py")), "--make", folder]
        path = json.loads(subprocess.run(chain, check=True, capture_output=True, text=True).stdout)
        for subject in asked.models:
            command = [sys.executable, __file__, "--runs", str(asked.runs), "--once", path, subject]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
            first = first or found
            print(row(found, first), flush=True)


if __name__ == "__main__":
    main()
