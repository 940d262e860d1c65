"""A model folder that is made in a moment: two outputs, known scans, and an answer that changes with every channel."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from xrayscan.network.novelty import NOVELTY, fit
from xrayscan.network.runtime import REACH

CARD = """
name = "tiny"
version = "0"
created = "2026-01-01"
recipe = "none"
revision = "none"
seed = 0
grid_m = {grid}
place_m2 = 0.05
thresholds_set_on = "nothing"
[sha256]
{hashes}
[thresholds]
"0.01" = 0.9
[calibration]
person = [1.0, 0.5]
[mass_factor]
person = [0.5, 2.0]
"""


def tiny_model(folder: Path, *, grid: float = 0.01, tells: bool = True) -> Path:
    """A convolution, its scores and amounts, and the means of its input over cells; ``tells`` gives it novelty."""
    onnx = pytest.importorskip("onnx")
    helper, rng = onnx.helper, np.random.default_rng(0)
    shape = ["batch", 5, "rows", "columns"]
    weights = onnx.numpy_helper.from_array(rng.normal(0, 0.4, (5, 5, 3, 3)).astype(np.float32), "weights")
    nodes = [
        helper.make_node("Conv", ["radiograph", "weights"], ["felt"], pads=[1, 1, 1, 1]),
        helper.make_node("Split", ["felt"], ["shown", "amounts"], axis=1, num_outputs=2),
        helper.make_node("Sigmoid", ["shown"], ["scores"]),
        helper.make_node("Relu", ["amounts"], ["positive"]),
        helper.make_node("Concat", ["scores", "positive"], ["planes"], axis=1),
        helper.make_node("AveragePool", ["radiograph"], ["features"], kernel_shape=[32, 32], strides=[32, 32]),
    ]
    cells = ["batch", 5, "cell_rows", "cell_columns"]
    outputs = [("planes", shape), ("features", cells)] if tells else [("planes", shape)]
    value, real = helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, "tiny", [value("radiograph", real, shape)], [value(name, real, of) for name, of in outputs], [weights]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(made, {REACH: "1"})
    folder.mkdir()
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    if tells:
        scans = rng.normal(0.7, 0.5, (200, 10))
        fit(scans[:100], 3).calibrated(scans[100:]).save(folder / NOVELTY)
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    card = CARD.format(grid=grid, hashes="\n".join(f'"{name}" = "{digest}"' for name, digest in hashes.items()))
    (folder / "card.toml").write_text(card, encoding="utf-8")
    return folder
