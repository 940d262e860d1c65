"""Scans a second of ``xrayscan screen``: in one process and in worker processes, on one core and on more; memory of a worker.

    python benchmarks/batch.py [--scans 200] [--cores 2] [--folder SCANS] [--recipe RECIPE]

Simulates so many scans (needs xrayscan[train]; or takes those of a folder) and screens them again and again, each time in a
fresh process that is pinned to its cores. Prints scans a second of each, per core, and the efficiency: what two cores do
against twice what one does. The cores of a machine share its caches, its memory and often, as threads of one core, its units of
arithmetic; so the last line tells what it has to give: as many commands as cores, each with one process and its own part of the
scans, which know nothing of each other. The first scan of each run, in which models are loaded, is not counted. On Linux the
memory that a worker has for itself and what it shares is told as well. Run it on a machine that does nothing else: it warns if
that is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xrayscan.io import find_scans

ROOT = Path(__file__).parents[1]
RECIPE = ROOT / "datasets" / "any-lane" / "recipe.toml"
IDLE = 0.3  # load, in cores, that others may take


def simulate(folder: Path, recipe: Path, count: int, workers: int) -> None:
    command = ["simulate", str(recipe), "--out", str(folder), "--count", str(count), "--workers", str(workers)]
    subprocess.run([sys.executable, "-m", "xrayscan", *command], check=True, stdout=subprocess.DEVNULL)


def memory(parent: int) -> tuple[float, float]:
    """Of the worker processes of one: the most that one has for itself, and that it shares with others [MB]."""
    own, shared = 0.0, 0.0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[1]) != parent:
                continue
            lines = (status.parent / "smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        mine = (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) / 1024
        if mine > own:
            own, shared = mine, (kilobytes["Shared_Clean"] + kilobytes["Shared_Dirty"]) / 1024
    return own, shared


def measure(scans: list[Path], out: Path, workers: int, cores: list[int]) -> dict[str, float]:
    """One run on these cores: scans a second from the first result to the last, and what a worker takes [MB]."""
    command = [sys.executable, "-m", "xrayscan", "screen", *map(str, scans), "--out", str(out), "--workers", str(workers)]
    process = subprocess.Popen(
        [*command, "--progress", "json"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    most = [0.0, 0.0]

    def look() -> None:
        while process.poll() is None:
            found = memory(process.pid)
            if found[0] > most[0]:
                most[:] = found
            time.sleep(0.5)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    assert process.stderr is not None
    times = [time.perf_counter() for line in process.stderr if line.startswith("{") and json.loads(line)["row"]]
    if process.wait() not in (0, 1) or len(times) < 2:
        raise SystemExit(f"screening into {out} ended with status {process.returncode} after {len(times)} scans")
    # With several workers the first of each are loading at the same time: as many results are left out.
    counted = times[workers - 1 :]
    return {"rate": (len(counted) - 1) / (counted[-1] - counted[0]), "own_mb": most[0], "shared_mb": most[1]}


def apart(scans: list[Path], out: Path, cores: list[int]) -> dict[str, float]:
    """A command a core, each with every so many-th scan: the sum of their scans a second."""
    with ThreadPoolExecutor(len(cores)) as pool:
        runs = [
            pool.submit(measure, scans[k :: len(cores)], out.with_name(f"{out.name}-{k}"), 1, [core])
            for k, core in enumerate(cores)
        ]
        return {"rate": sum(run.result()["rate"] for run in runs)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--cores", type=int, default=2, help="the most that are used at a time")
    parser.add_argument("--folder", type=Path, help="scans of your own, in place of simulated ones")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    options = parser.parse_args()
    allowed = sorted(os.sched_getaffinity(0))[: options.cores]
    with tempfile.TemporaryDirectory() as folder:
        scans = options.folder or Path(folder) / "scans"
        if options.folder is None:
            simulate(scans, options.recipe, options.scans, len(allowed))
            time.sleep(60)  # for the load of the simulation to be forgotten
        busy = os.getloadavg()[0]
        if busy > IDLE:
            print(f"WARNING: others keep {busy:.1f} cores busy; these figures say nothing of an idle machine")
        names = find_scans(scans)
        runs = [("1 process, 1 core", 1, 1)]
        runs += [(f"{n} workers, {n} cores", n, n) for n in range(2, len(allowed) + 1) if n in (2, len(allowed)) or not n % 4]
        runs += [(f"1 process, {len(allowed)} cores", 1, len(allowed))]
        runs += [(f"{len(allowed)} commands apart", 0, len(allowed))]
        one = 0.0
        print(f"{'':24}{'scans/s':>9}{'per core':>10}{'efficiency':>12}{'own MB':>9}{'shared MB':>11}")
        for number, (name, workers, count) in enumerate(runs):
            out, cores = Path(folder) / f"out{number}", allowed[:count]
            found = measure(names, out, workers, cores) if workers else apart(names, out, cores)
            one = one or found["rate"]
            own = f"{found['own_mb']:9.0f}{found['shared_mb']:11.0f}" if workers > 1 else ""
            print(
                f"{name:24}{found['rate']:9.2f}{found['rate'] / count:10.2f}{found['rate'] / (count * one):12.0%}{own}",
                flush=True,
            )


if __name__ == "__main__":
    main()
