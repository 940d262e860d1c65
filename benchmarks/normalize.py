"""Time to read and normalize a 2570 x 850 16-bit scan, and what each step of it costs.

    python benchmarks/normalize.py [--runs 15]

Makes the scan with the simulator (needs xrayscan[train]), as `benchmarks/chain.py` does: raw counts with air, dark, deflated
Prints medians and the range over the runs, in one process on two cores, the first run left out. The bar is 120 ms for both.
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chain import make

BAR = 0.120


def timed(module: object, spent: dict[str, list[float]]) -> None:
    """Wrap every step function that `normalize` composes."""
    for name, function in list(vars(module).items()):
        where = getattr(function, "__module__", "")
        if inspect.isfunction(function) and where.startswith("xrayscan.normalize.") and not name.startswith("_"):
            setattr(module, name, _watched(name, function, spent))


def _watched(name: str, function, spent: dict[str, list[float]]):
    def watched(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent.setdefault(name, []).append(time.perf_counter() - start)

    return watched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    import cv2

    import xrayscan as xs

    cv2.setNumThreads(2)
    spent: dict[str, list[float]] = {}
    timed(sys.modules["xrayscan.normalize"] if "xrayscan.normalize" in sys.modules else _loaded(), spent)
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder))
        whole = []
        for run in range(runs + 1):
            if run == 1:
                spent.clear()
            start = time.perf_counter()
            scan = xs.read(path)
            read = time.perf_counter() - start
            xs.normalize(scan)
            total = time.perf_counter() - start
            if run:
                spent.setdefault("read", []).append(read)
                spent.setdefault("normalize", []).append(total - read)
                whole.append(total)
    print("| step | median [ms] | range [ms] |\n| --- | ---: | ---: |")
    for name, seconds in sorted(spent.items(), key=lambda item: -statistics.median(item[1])):
        print(f"| {name} | {_ms(statistics.median(seconds))} | {_ms(min(seconds))} to {_ms(max(seconds))} |")
    middle = statistics.median(whole)
    print(f"\nread + normalize: {_ms(middle)} ms ({_ms(min(whole))} to {_ms(max(whole))}); bar {_ms(BAR)} ms")


def _loaded() -> object:
    import xrayscan.normalize

    return sys.modules[xrayscan.normalize.__name__]


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}"


if __name__ == "__main__":
    main()
