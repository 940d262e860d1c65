"""The network part of a 40 ft scan at the 10 mm grid, through ONNX Runtime on two cores, against the machine's most.

    python benchmarks/network.py [MODEL ...] [--designs unet:24 unet-large:24 unet-strips:24 lraspp:32] [--runs 9]

MODEL is the name or the folder of a model; none: the default one. ``--designs`` adds designs with random weights, exported for
the occasion. The scan is 12.85 x 4.25 m, 1285 x 425 pixels of the grid, padded to 1312 x 448. Printed: size of the ONNX file,
GFLOP (two for each multiplication and addition of the convolutions), median time and range, FLOP/s over those of a matrix
product of 2048 x 2048 in float32 on the same cores, and the process's peak memory up to then. The bar is 350 ms and 15 MB.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from xrayscan._onnxruntime import onnx_runtime

ROWS, COLUMNS, THREADS = 448, 1312, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[None])
    parser.add_argument("--designs", nargs="*", default=[])
    parser.add_argument("--runs", type=int, default=9)
    asked = parser.parse_args()
    import torch

    from xrayscan import load_model
    from xrayscan.network.designs import build, load_weights
    from xrayscan.training.ship import export
    from xrayscan.zoo import ModelCard

    torch.set_num_threads(THREADS)
    peak = most_flops()
    print(f"peak of {THREADS} cores, float32: {peak / 1e9:.0f} GFLOP/s\n")
    print(
        "| network | ONNX | GFLOP | ms | range | of the peak | peak memory |\n| --- | ---: | ---: | ---: | --- | ---: | ---: |"
    )
    for named in asked.models:
        card = load_model(named).card
        work = flops(load_weights(card.file("weights.safetensors")))
        for backend, file in (("onnx", "model.onnx"), ("onnx-int8", "model-int8.onnx")):
            if file in card.sha256:
                print(row(f"{card.name}, {backend}", card.folder / file, work, peak, asked.runs), flush=True)
    for named in asked.designs:
        design, width = named.split(":")
        with tempfile.TemporaryDirectory() as folder:
            network = build(design, int(width)).eval()
            hashes = export(network, design, Path(folder))
            card = ModelCard(named, "0", Path(folder), "", "", "", 0, 0.01, hashes, {}, "", {}, {}, {})
            print(row(named, card.file("model.onnx"), flops(network), peak, asked.runs), flush=True)


def most_flops() -> float:
    """Of a matrix product, the best of ten."""
    import torch

    one = torch.rand(2048, 2048)
    spent = []
    for _ in range(10):
        start = time.perf_counter()
        one @ one
        spent.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(spent)


def flops(network) -> float:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 5, ROWS, COLUMNS))
    return float(counter.get_total_flops())


def row(named: str, path: Path, work: float, peak: float, runs: int) -> str:
    """One line of the table."""
    onnxruntime = onnx_runtime()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    stack = np.random.default_rng(0).uniform(0, 4, (1, 5, ROWS, COLUMNS)).astype(np.float32)
    stack[:, 2:] = (np.array([0.0, 1.0, 0.0], np.float32))[None, :, None, None]
    spent = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        session.run(None, {session.get_inputs()[0].name: stack})
        spent.append(time.perf_counter() - start)
    spent, size = spent[1:], path.stat().st_size / 1e6
    middle = statistics.median(spent)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {named} | {size:.1f} MB | {work / 1e9:.1f} | {middle * 1e3:.0f} | {min(spent) * 1e3:.0f} to {max(spent) * 1e3:.0f} "
        f"| {work / middle / peak:.0%} | {memory:.0f} MB |"
    )


if __name__ == "__main__":
    main()
