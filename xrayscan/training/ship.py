"""Trained network → model folder: ONNX, weights, thresholds, figures and card."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from xrayscan.errors import MissingDependencyError, ModelError
from xrayscan.evaluation.difficulty import is_clean
from xrayscan.evaluation.records import Record, open_packed
from xrayscan.evaluation.runs import measure, packed_scans
from xrayscan.evaluation.summary import summarize
from xrayscan.network import Model
from xrayscan.network.designs import rounded, save_weights
from xrayscan.network.exported import Exported, reach_of
from xrayscan.network.grid import padded, to_grid
from xrayscan.network.novelty import NOVELTY, fit
from xrayscan.network.quantized import quantize
from xrayscan.network.runtime import BACKENDS, REACH
from xrayscan.training.calibration import FEWEST_CLEAN, with_settings
from xrayscan.training.card import write_card
from xrayscan.training.crosswise import crosswise
from xrayscan.training.recipe import HeldOut, Recipe
from xrayscan.zoo import ModelCard

__all__ = ["export", "ship"]

ROUNDED_ON = 32  # scans whose range of values sets the steps of int8
KNOWN_BY = 400  # scans of each split that tell what is known
PARITY = 1e-4  # largest difference between torch and ONNX Runtime in a score


def export(network: nn.Module, design: str, folder: Path) -> dict[str, str]:
    """Write ``model.onnx`` and ``weights.safetensors`` and check that both give the same answer.

    The ONNX file has two outputs, what `xrayscan.network.exported.Exported` gives, and says how far the network looks.

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
    network = rounded(network).eval().to("cpu", memory_format=torch.contiguous_format)
    save_weights(network, design, folder / "weights.safetensors")
    exported, sample = Exported(network).eval(), torch.rand(2, 5, 128, 192)
    height, width = torch.export.Dim("h", min=1, max=512), torch.export.Dim("w", min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own insides
        program = torch.onnx.export(
            exported, (sample,), dynamo=True, optimize=True, input_names=["radiograph"], output_names=["anomaly", "features"],
            verbose=False, dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1, max=64), 2: 32 * height, 3: 32 * width}},
        )  # fmt: skip
    if program is None:
        raise ModelError("torch.onnx.export gave nothing; install the versions of constraints.txt")
    program.save(str(folder / "model.onnx"), include_initializers=True, external_data=False)
    reach = reach_of(network)
    _noted(folder / "model.onnx", {} if reach is None else {REACH: str(reach)})
    _check_parity(exported, folder / "model.onnx")
    return {name: _hash(folder / name) for name in ("model.onnx", "weights.safetensors")}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _noted(path: Path, properties: dict[str, str]) -> None:
    """Write properties in the place of the exporter's notes: stack traces with the paths of the machine it ran on."""
    model = onnx.load(str(path))
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, str(path))


def _check_parity(exported: Exported, path: Path) -> None:
    try:
        import onnxruntime
    except ImportError as error:  # pragma: no cover
        raise MissingDependencyError("the parity check needs onnxruntime; install xrayscan", extra="") from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    sample = torch.rand(1, 5, 320, 416) * torch.tensor([6.0, 6.0, 1.0, 1.0, 1.0])[None, :, None, None]
    with torch.inference_mode():
        expected = exported(sample)[0].numpy()
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


def with_int8(card: ModelCard, scans: Path, count: int = ROUNDED_ON) -> ModelCard:
    """The card of the same model with ``model-int8.onnx`` beside the float one, rounded as scans of the training need it."""
    paths = _evenly(sorted(scans.glob("*.npz")), count)
    radiographs = (open_packed(path, card.grid).radiograph for path in paths)
    stacks = [padded(to_grid(scan, card.grid, tells_display=card.tells_display))[None] for scan in radiographs]
    file = BACKENDS["onnx-int8"]
    quantize(card.folder / BACKENDS["onnx"], card.folder / file, stacks)
    return replace(card, sha256={**card.sha256, file: _hash(card.folder / file)})


def with_novelty(card: ModelCard, data: Path, count: int = KNOWN_BY) -> ModelCard:
    """The card of the same model with ``novelty.npz``: what it knows, of the training split, and how far known scans of the
    calibration split lie from that.
    """
    model = Model(card)
    felt = {}
    for split in ("train", "calibration"):
        paths = _evenly(sorted((data / split).glob("*.npz")), count)
        summaries = [model.features(open_packed(path, card.grid).radiograph) for path in paths]
        felt[split] = np.array([summary for summary in summaries if summary is not None])
    known = fit(felt["train"]).calibrated(felt["calibration"])
    known.save(card.folder / NOVELTY)
    return replace(card, sha256={**card.sha256, NOVELTY: _hash(card.folder / NOVELTY)})


def _evenly(paths: list[Path], count: int) -> list[Path]:
    return paths[:: max(1, len(paths) // count)][:count]


def ship(
    network: nn.Module, plan: Recipe, data: Path, folder: Path, *, recipe: Path, workers: int = 1,
    note: Callable[[str], None] = lambda _: None,
) -> ModelCard:  # fmt: skip
    """Export a network, set its thresholds on the calibration split, measure it on the test split, write its card.

    Parameters
    ----------
    network : Module
    plan : Recipe
    data : Path
        Folder with the packed splits "calibration" and "test". What was measured on them is kept in its ``records.jsonl``, from
        which ``xrayscan evaluate --records`` takes it, and the same call after it was stopped.
    folder : Path
        The model folder, made if needed.
    recipe : Path
        The recipe's file, which is copied beside the card.
    workers : int
        Processes that measure.
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
        {}, "", {}, {}, {}, plan.network.score_area, tells_display=plan.network.tells_display,
    )  # fmt: skip
    note("rounding to int8")
    card = with_int8(card, data / "train")
    note("learning which scans it knows")
    card = with_novelty(card, data)
    return finish(card, plan, data, workers=workers, note=note)


def finish(
    card: ModelCard, plan: Recipe, data: Path, *, workers: int = 1, note: Callable[[str], None] = lambda _: None
) -> ModelCard:
    """The card of an exported model with its thresholds, probabilities and figures, written; arguments as those of `ship`.

    The figures are those of what was set on the calibration split alone, whatever the recipe sets in the end. Where that is on
    both splits, and these are large enough, `xrayscan.training.crosswise` tells what it is worth, under "crosswise".
    """
    note("setting thresholds and probabilities on the calibration split")
    rows = _measured(card, data, "calibration", workers)
    unknown = ", of families that it never met" if plan.data.calibrated_on != HeldOut() else ""
    card = with_settings(card, rows, f"of recipe.toml's calibration split{unknown}")
    note("measuring on the test split")
    tested = _measured(card, data, "test", workers)
    card = replace(card, figures=summarize(tested, dict(card.thresholds), card.mass_factor))
    if "test" in plan.data.set_on:
        every = [*rows, *tested]
        if sum(map(is_clean, every)) >= 2.5 * FEWEST_CLEAN:  # enough for either half
            card = replace(card, figures={**card.figures, "crosswise": crosswise(every)})
        card = with_settings(card, every, f"of recipe.toml's calibration and test splits{unknown}")
    write_card(card)
    return card


def _measured(card: ModelCard, data: Path, split: str, workers: int) -> Sequence[Record]:
    """Of every scan of a split; worker processes read the model from its folder."""
    write_card(card)
    return measure(packed_scans([data / split]), str(card.folder), kept=data / "records.jsonl", workers=workers)
