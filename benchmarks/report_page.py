"""How long a report's page takes to open in a browser: from the call to the last pixel, and its size.

    python benchmarks/report_page.py [--runs 7] [--report REPORT.HTML]

Without a report, one is made as `benchmarks/chain.py` makes its scan. Needs playwright and Debian's chromium. A new browser
context each time, no network; ready means that the numbers are decoded and the picture is drawn.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = (asked.report or made(Path(folder))).resolve()
        seconds = opened(path, asked.runs)
        middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
        print(f"{path.stat().st_size / 1e6:.1f} MB, open in {middle:.2f} s ({least:.2f} to {most:.2f}, {asked.runs} runs)")


def made(folder: Path) -> Path:
    from chain import make

    import xrayscan as xs

    return xs.Screener()(make(folder)).save(folder / "report") / "report.html"


def opened(path: Path, runs: int) -> list[float]:
    """Seconds of each run."""
    found = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for _ in range(runs):
            page = browser.new_context(viewport={"width": 1500, "height": 1000}, offline=True).new_page()
            start = time.perf_counter()
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]", state="attached", timeout=60_000)
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            found.append(time.perf_counter() - start)
            page.context.close()
        browser.close()
    return found


if __name__ == "__main__":
    main()
