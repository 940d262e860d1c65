"""Trained network → model folder: ONNX, weights, thresholds, figures and card."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import onnx
import torch
from torch import nn

from xrayscan.errors import MissingDependencyError, ModelError
from xrayscan.evaluation.records import records, to_json
from xrayscan.evaluation.summary import summarize
from xrayscan.network import Model
from xrayscan.network.designs import Answer, save_weights
from xrayscan.training.calibration import mass_factor, probabilities, thresholds
from xrayscan.training.card import write_card
from xrayscan.training.recipe import Recipe
from xrayscan.zoo import ModelCard

__all__ = ["export", "ship"]

PARITY = 1e-4  # largest difference between torch and ONNX Runtime in a score


def export(network: nn.Module, design: str, folder: Path) -> dict[str, str]:
    """Write ``model.onnx`` and ``weights.safetensors`` and check that both give the same answer.

    Returns
    -------
    dict
        File name → SHA-256.

    Raises
    ------
    ModelError
        If the two differ by more than 1e-4 in a score.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = network.eval().to("cpu", memory_format=torch.contiguous_format)
    save_weights(network, design, folder / "weights.safetensors")
    answer, sample = Answer(network).eval(), torch.rand(2, 5, 128, 192)
    height, width = torch.export.Dim("h", min=1, max=512), torch.export.Dim("w", min=1, max=4096)
    program = torch.onnx.export(
        answer, (sample,), dynamo=True, optimize=True, input_names=["radiograph"], output_names=["anomaly"], verbose=False,
        dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1, max=64), 2: 32 * height, 3: 32 * width}},
    )  # fmt: skip
    if program is None:
        raise ModelError("torch.onnx.export gave nothing; install the versions of constraints.txt")
    program.save(str(folder / "model.onnx"), include_initializers=True, external_data=False)
    _without_traces(folder / "model.onnx")
    _check_parity(answer, folder / "model.onnx")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("model.onnx", "weights.safetensors")}


def _without_traces(path: Path) -> None:
    """Take out the exporter's notes on each node: stack traces with the paths of the machine it ran on."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.save(model, str(path))


def _check_parity(answer: Answer, path: Path) -> None:
    try:
        import onnxruntime
    except ImportError as error:  # pragma: no cover
        raise MissingDependencyError("the parity check needs onnxruntime; install xrayscan", extra="") from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    sample = torch.rand(1, 5, 320, 416) * torch.tensor([6.0, 6.0, 1.0, 1.0, 1.0])[None, :, None, None]
    with torch.inference_mode():
        expected = answer(sample).numpy()
    actual = session.run(None, {session.get_inputs()[0].name: sample.numpy()})[0]
    gap = float(abs(actual - expected)[:, :3].max())
    if not gap <= PARITY:
        raise ModelError(f"{path} differs from torch by {gap:g} in a score; expected at most {PARITY:g}")


def _revision() -> str:
    """The git revision, with a plus where files differ from it; "unknown" outside a checkout."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--", "xrayscan"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed.strip() else "")


def ship(
    network: nn.Module, plan: Recipe, data: Path, folder: Path, *, recipe: Path, note: Callable[[str], None] = lambda _: None
) -> ModelCard:
    """Export a network, set its thresholds on the calibration split, measure it on the test split, write its card.

    Parameters
    ----------
    network : Module
    plan : Recipe
    data : Path
        Folder with the packed splits "calibration" and "test".
    folder : Path
        The model folder, made if needed.
    recipe : Path
        The recipe's file, which is copied beside the card.
    note : callable
        Told what is being done.

    Returns
    -------
    ModelCard
    """
    note("exporting to ONNX and checking parity")
    hashes = export(network, plan.network.design, folder)
    shutil.copyfile(recipe, folder / "recipe.toml")
    now = datetime.now(UTC).strftime("%Y-%m-%d")
    card = ModelCard(
        plan.name, plan.version, folder, now, "recipe.toml", _revision(), plan.seed, plan.network.grid, hashes,
        {}, "", {}, {}, {},
    )  # fmt: skip
    note("setting thresholds and probabilities on the calibration split")
    rows = list(records(data / "calibration", Model(card)))
    clean = sum(row.kind in ("clean", "look-alike") for row in rows)
    card = replace(
        card, thresholds=thresholds(rows), calibration=probabilities(rows), mass_factor=mass_factor(rows),
        thresholds_set_on=f"{clean} clean simulated scans, half with look-alikes, of recipe.toml's calibration split, {now}",
    )  # fmt: skip
    note("measuring on the test split")
    rows = list(records(data / "test", Model(card)))
    card = replace(card, figures=summarize(rows, dict(card.thresholds), card.mass_factor))
    write_card(card)
    (data / "records.jsonl").write_text(to_json(rows), encoding="utf-8")
    return card
