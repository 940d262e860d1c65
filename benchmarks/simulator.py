"""How fast scans are simulated: ``python benchmarks/simulator.py`` (40 ft containers, one process a core)."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

SEED = 20261123


def make(task: tuple[int, float, str]) -> tuple[float, float, tuple[int, int]]:
    """Seconds of processor time, peak memory [MB] of this process so far, and shape of one scan."""
    import torch

    from xrayscan.simulate import simulate
    from xrayscan.simulate.record import Choices

    index, pitch, device = task
    torch.set_num_threads(1)
    kind = ("clean", "person", "look-alike", "void", "density")[index % 5]
    start = time.process_time()
    choices = Choices(vehicles=("40 ft dry",))
    scan, _ = simulate((SEED, index), kind, pitch=pitch, choices=choices, device=device)  # type: ignore[arg-type]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.process_time() - start, peak, scan.view.shape


def measure(count: int, pitch: float, workers: int, device: str) -> str:
    """One line of figures."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(make, [(10_000 + i, 0.03, device) for i in range(2 * workers)]))  # imports and tables
        start = time.perf_counter()
        made = list(pool.map(make, [(i, pitch, device) for i in range(count)], chunksize=1))
        wall = time.perf_counter() - start
    seconds = sorted(row[0] for row in made)
    shape = sorted(row[2] for row in made)[count // 2]
    return (
        f"{pitch * 1000:g} mm, {shape[0]} x {shape[1]}: {count / wall:.2f} scans/s with {workers} processes on {device}; "
        f"a scan takes {seconds[count // 2]:.2f} s of one core in the median, {seconds[-1]:.2f} s at most; "
        f"peak memory {max(row[1] for row in made):.0f} MB a process"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description="How fast scans are simulated.")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--fine", type=int, default=30, help="scans at 5 mm")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args(arguments)
    print(measure(asked.count, 0.01, asked.workers, asked.device))
    print(measure(asked.fine, 0.005, asked.workers, asked.device))


if __name__ == "__main__":
    main()
