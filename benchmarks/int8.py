"""How alike the rounded network's answers are to the float one's, on packed scans of the test split.

    python benchmarks/int8.py DATA [--count 200] [--workers 2]

DATA holds packed scans, as `xrayscan train` makes them (`CACHE/RECIPE/test`). Findings are the same if there are as many,
each of a kind and place (intersection over union above 0.5) that the other has too. The bar is 99.5 % of the scans.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

import numpy as np

LEAST = (0.05, 0.2, 0.5, 0.8)  # probability of the findings that are compared


def compared(paths: Sequence[Path]) -> list[tuple[float, ...]]:
    """Of each scan both scores, and whether the findings of each least probability are the same."""
    import xrayscan as xs
    from xrayscan.evaluation.records import open_packed
    from xrayscan.findings import scan_score

    exact, rounded = (xs.load_model(None, threads=1, backend=name) for name in ("onnx", "onnx-int8"))
    rows = []
    for path in paths:
        radiograph = open_packed(path).radiograph
        maps = exact(radiograph), rounded(radiograph)
        found = [xs.find(one, radiograph) for one in maps]
        rows.append((*(scan_score(one, radiograph) for one in maps), *(float(_same(*found, least)) for least in LEAST)))
    return rows


def _same(one: Sequence, other: Sequence, least: float) -> bool:
    first, second = ([finding for finding in found if finding.probability >= least] for found in (one, other))
    there = (any(a.kind == b.kind and a.box.iou(b.box) > 0.5 for b in second) for a in first)
    return len(first) == len(second) and all(there)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    from xrayscan.zoo import load_card

    paths = sorted(options.data.glob("*.npz"))[: options.count]
    with get_context("spawn").Pool(options.workers) as pool:
        rows = np.array([row for part in pool.map(compared, [paths[i::20] for i in range(20)]) for row in part])
    card, off = load_card(), abs(rows[:, 0] - rows[:, 1])
    print(f"{card.name}, {len(rows)} scans: scores differ by {np.median(off):.4f} in the median, {off.max():.4f} at most")
    for least, share in zip(LEAST, rows[:, 2:].mean(axis=0), strict=True):
        print(f"  same findings of probability {least:g} and more: {share:.1%}")
    for rate, level in sorted(card.thresholds.items()):
        print(f"  same alarm at {rate:.1%}: {((rows[:, 0] > level) == (rows[:, 1] > level)).mean():.1%}")


if __name__ == "__main__":
    main()
