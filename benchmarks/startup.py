"""Time of ``import xrayscan``, of ``xrayscan --help`` and from a cold start to the first report.

    python benchmarks/startup.py [--runs 9]

Each figure is the wall time of a whole fresh process, less that of a Python that does nothing for the first.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

FIRST_REPORT = (
    "import sys, xrayscan as xs\n"
    "from xrayscan import _resources\n"
    "xs.Screener()(_resources.root('datasets') / 'samples' / '01-counts.tif').save(sys.argv[1] + '/report')\n"
)


def wall(command: list[str], runs: int) -> float:
    """Median wall time of a command [ms], after one run that is not counted."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    bare = wall([sys.executable, "-c", "pass"], runs)
    loaded = wall([sys.executable, "-c", "import xrayscan"], runs)
    print(f"import xrayscan            {loaded - bare:6.0f} ms over a bare Python of {bare:.0f} ms")
    print(f"xrayscan --help            {wall([sys.executable, '-m', 'xrayscan', '--help'], runs):6.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        print(f"cold start to first report {wall([sys.executable, '-c', FIRST_REPORT, folder], runs):6.0f} ms")


if __name__ == "__main__":
    main()
