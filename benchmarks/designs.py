"""Designs of networks compared at equal time: each is trained on the same crops for as many seconds, then measured.

    python benchmarks/designs.py RECIPE DATA [--minutes 30] [--scans 400] [--threads 2] [--designs unet:24 lraspp:32 ...]

DATA holds the packed splits of the recipe, as `xrayscan train` makes them. Every design starts from random weights and sees the
same crops in the same order, as many as it gets through; its rate falls to nothing at the end of its own time, in which reading
and augmenting are counted. Measured on the calibration split, which none of them was trained on, with the running mean of the
weights. Printed: steps, parameters, GFLOP of a 40 ft scan, the share of scans with persons found at 1 and 5 % of the clean
scans alarmed, AUROC, and the AUROC of voids and density anomalies, with 95 % intervals. Each design's checkpoint stays in
DATA/designs, so that the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

COMPARED = ("unet:24", "unet-strips:24", "lraspp:32", "pyramid:24", "pyramid-deep:24")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--scans", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2, help="of torch; 1 where two of these commands share two cores")
    parser.add_argument("--designs", nargs="+", default=COMPARED)
    asked = parser.parse_args()

    import torch

    from xrayscan.training.loop import train
    from xrayscan.training.recipe import Recipe

    torch.set_num_threads(asked.threads)
    recipe = Recipe.load(asked.recipe)
    print("| design | parameters | GFLOP | steps | found at 1 % | at 5 % | AUROC | voids | density |")
    print("| --- | ---: | ---: | ---: | --- | --- | --- | --- | --- |", flush=True)
    for named in asked.designs:
        design, width = named.split(":")
        network = replace(recipe.network, design=design, width=int(width))
        plan = replace(recipe, network=network, schedule=replace(recipe.schedule, hard=0.0), start=None)
        folder = asked.data / "designs" / named.replace(":", "-")
        trained = train(plan, asked.data / "train", folder, seconds=60.0 * asked.minutes)
        steps = json.loads((folder / "state.json").read_text(encoding="utf-8"))["step"]
        print(row(named, trained, steps, asked.data / "calibration", plan, asked.scans), flush=True)


def row(named: str, network, steps: int, folder: Path, plan, count: int) -> str:
    """One line of the table."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from xrayscan.evaluation.metrics import auroc, bootstrap, detection_at
    from xrayscan.network.designs import Answer

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 5, 448, 1312))
    scores = scored(Answer(network).eval(), sorted(folder.glob("*.npz"))[:count], plan.network)
    size = sum(p.numel() for p in network.parameters())
    parts = [named, f"{size / 1e6:.2f} M", f"{counter.get_total_flops() / 1e9:.1f}", str(steps)]
    clean = [s for kind, s in scores if kind in ("clean", "look-alike")]
    for rate in (0.01, 0.05):
        found = bootstrap(
            lambda p, n, rate=rate: detection_at(p.tolist(), n.tolist(), rate),  # type: ignore[misc]
            [s["person"] for kind, s in scores if kind == "person"], [s["person"] for s in clean],
        )  # fmt: skip
        parts.append(f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]")
    for kind in ("person", "void", "density"):
        holding = [s[kind] for k, s in scores if k == kind]
        told = bootstrap(lambda p, n: auroc(p.tolist(), n.tolist()), holding, [s[kind] for s in clean])
        parts.append(f"{told.value:.3f} [{told.low:.3f}, {told.high:.3f}]")
    return "| " + " | ".join(parts) + " |"


def scored(answer, paths: list[Path], design) -> list[tuple[str, dict[str, float]]]:
    """Kind and scan scores of packed scans, on the network's own grid."""
    import torch

    from xrayscan.evaluation.records import open_packed
    from xrayscan.findings import scan_score
    from xrayscan.network.anomaly import KINDS, AnomalyMap, ModelId
    from xrayscan.network.grid import padded, to_grid

    scores = []
    for path in paths:
        packed = open_packed(path, design.grid)
        scan = packed.radiograph
        rows, columns = scan.shape
        with torch.inference_mode():
            given = torch.from_numpy(padded(to_grid(scan, design.grid, tells_display=design.tells_display))[None])
            planes = answer(given)[0, :, :rows, :columns].numpy() * (scan.valid & ~scan.opaque)
        anomaly = AnomalyMap(*planes, ModelId("design", "0", ""))
        scores.append((str(packed.about["kind"]), {kind: scan_score(anomaly, scan, kind) for kind in KINDS}))
    return scores


if __name__ == "__main__":
    main()
