"""Scans a second of ``xrayscan screen``: in one process and in worker processes, on one core and on more; memory of a worker.

    python benchmarks/batch.py [--scans 60] [--rounds 5] [--cores 2] [--folder SCANS] [--recipe RECIPE]

Simulates so many scans (needs xrayscan[train]; or takes those of a folder) and screens them again and again, each time in a
fresh process that is pinned to its cores. Machines drift by more than what is looked for, and no core is like another; so the
ways to screen take turns, round by round, the single process on another core each time, and a round's efficiency is of that
round: what n cores do against n times what one does. Prints medians, and the least and the most of a round.

The cores of a machine share its caches, its memory and often, as threads of one core, its units of arithmetic; so "commands
apart" tells what it has to give: as many commands as cores, each with one process and its own part of the scans, which know
nothing of each other. "In steps" is how much of its cores' time a run spends in the steps of a scan, by the reports' own
`timings_s` (reading, normalizing, network, findings, explaining); the rest is writing reports, and waiting. The first scan of
each process, in which models are loaded, is not counted. On Linux the memory that a worker has for itself and what it shares is
told as well. Run it on a machine that does nothing else: it warns if that is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Run:
    """What came of one run on some cores."""

    rate: float  # scans a second, from the first result to the last
    steps: dict[str, float]  # seconds that each step took, the mean of the counted scans
    own_mb: float
    shared_mb: float


def measure(scans: list[Path], out: Path, workers: int, cores: list[int]) -> Run:
    """One run on these cores."""
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
    lines = ((time.perf_counter(), json.loads(line)["row"]) for line in process.stderr if line.startswith("{"))
    results = [(at, row) for at, row in lines if row]
    if process.wait() not in (0, 1) or len(results) < 2 * workers:
        raise SystemExit(f"screening into {out} ended with status {process.returncode} after {len(results)} scans")
    # With several workers the first of each are loading at the same time: as many results are left out.
    began, counted = results[workers - 1][0], results[workers:]
    folders = [out / row["report"] for _, row in counted if row["report"]]
    took = [json.loads((folder / "report.json").read_text(encoding="utf-8"))["timings_s"] for folder in folders]
    steps = {step: statistics.fmean(each[step] for each in took) for step in took[0]}
    return Run(len(counted) / (counted[-1][0] - began), steps, *most)


def apart(scans: list[Path], out: Path, cores: list[int]) -> Run:
    """A command a core, each with every so many-th scan: the sum of their scans a second."""
    with ThreadPoolExecutor(len(cores)) as pool:
        runs = [
            pool.submit(measure, scans[k :: len(cores)], out.with_name(f"{out.name}-{k}"), 1, [core])
            for k, core in enumerate(cores)
        ]
        found = [run.result() for run in runs]
    steps = {step: statistics.fmean(run.steps[step] for run in found) for step in found[0].steps}
    return Run(sum(run.rate for run in found), steps, 0.0, 0.0)


def one_round(number: int, names: list[Path], folder: Path, allowed: list[int]) -> dict[str, tuple[int, Run]]:
    """Every way to screen once: its name, how many cores it had, and what came of it."""
    single, most = allowed[number % len(allowed)], len(allowed)
    found = {"1 process, 1 core": (1, measure(names, folder / f"{number}-single", 1, [single]))}
    for n in range(2, most + 1):
        if n in (2, most) or not n % 4:
            found[f"{n} workers, {n} cores"] = (n, measure(names, folder / f"{number}-{n}", n, allowed[:n]))
    found[f"1 process, {most} cores"] = (most, measure(names, folder / f"{number}-all", 1, allowed))
    found[f"{most} commands apart"] = (most, apart(names, folder / f"{number}-apart", allowed))
    return found


def told(rounds: list[dict[str, tuple[int, Run]]]) -> list[str]:
    """The table, and the steps of a scan."""
    columns = {"scans/s": 9, "per core": 10, "efficiency": 12, "least, most": 14, "in steps": 10, "own MB": 8, "shared MB": 11}
    lines = [" " * 20 + "".join(f"{column:>{wide}}" for column, wide in columns.items())]
    single = next(iter(rounds[0]))
    for name, (cores, _) in rounds[0].items():
        runs = [found[name][1] for found in rounds]
        shares = [found[name][1].rate / (cores * found[single][1].rate) for found in rounds]
        rate = statistics.median(run.rate for run in runs)
        inside = statistics.median(run.rate * sum(run.steps.values()) / cores for run in runs)
        spread = f"{min(shares):.0%}, {max(shares):.0%}"
        own = f"{max(r.own_mb for r in runs):8.0f}{max(r.shared_mb for r in runs):11.0f}" if "workers" in name else ""
        lines.append(
            f"{name:20}{rate:9.2f}{rate / cores:10.2f}{statistics.median(shares):12.0%}{spread:>14}{inside:10.0%}{own}".rstrip()
        )
    for name in rounds[0]:
        steps = rounds[0][name][1].steps
        means = {step: 1e3 * statistics.median(found[name][1].steps[step] for found in rounds) for step in steps}
        lines.append(f"{name}, ms a scan: " + ", ".join(f"{step} {value:.0f}" for step, value in means.items()))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
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
        names = list(find_scans(scans))[: options.scans]
        rounds = []
        for number in range(options.rounds):
            rounds.append(one_round(number, names, Path(folder), allowed))
            print(
                f"round {number + 1}: " + ", ".join(f"{name} {run.rate:.2f}" for name, (_, run) in rounds[-1].items()),
                flush=True,
            )
        print("\n".join(told(rounds)))


if __name__ == "__main__":
    main()
