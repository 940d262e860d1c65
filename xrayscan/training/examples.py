"""The simulated scans of a recipe, normalized, packed and kept in a folder: one array a scan, and what is in it beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xrayscan._threads import limit_threads
from xrayscan.geometry import Box
from xrayscan.normalize import normalize
from xrayscan.scan import Scan
from xrayscan.simulate.packed import pack, save_packed
from xrayscan.simulate.record import draw_record
from xrayscan.simulate.run import replay
from xrayscan.simulate.truth import Truth
from xrayscan.training.recipe import SPLITS, Recipe

__all__ = ["EVALUATION_MIX", "kind_of", "make", "packed_box"]

# Half clean (plain and look-alike): thresholds and figures are set on these.
EVALUATION_MIX = {"clean": 0.25, "look-alike": 0.25, "person": 0.34, "void": 0.08, "density": 0.08}


def kind_of(recipe: Recipe, split: str, index: int) -> str:
    """Which kind of scene a scan of a split is, drawn from the split's mix."""
    mix = recipe.data.mix if split == "train" else EVALUATION_MIX
    rng = np.random.default_rng((recipe.seed, SPLITS.index(split), index, 1))
    return str(rng.choice(list(mix), p=list(mix.values())))


def _make_one(task: tuple[Recipe, str, int, str]) -> str:
    recipe, split, index, folder = task
    path = Path(folder) / f"{index:06d}.npz"
    if path.exists():
        return str(path)
    torch.set_num_threads(1)
    kind = kind_of(recipe, split, index)
    seed = (recipe.seed, SPLITS.index(split), index)
    load, lookalike = (float(chance) for chance in np.random.default_rng((*seed, 2)).random(2))
    choices = recipe.data.choices(split, (load, lookalike))
    record = draw_record(seed, kind, pitch=recipe.data.pitch, choices=choices)  # type: ignore[arg-type]
    scan, truth = replay(replace(record, states_pitch=True))
    radiograph = normalize(scan, without=("sway",))
    if scan.view.pixel_pitch is not None:
        # The scale is given, not measured: how well it is measured is a figure of its own.
        radiograph = replace(radiograph, pixel_pitch=scan.view.pixel_pitch)
    array = pack(radiograph, truth, recipe.network.grid)
    path.with_suffix(".json").write_text(json.dumps(_about(scan, truth, array.shape[1:])), encoding="utf-8")
    save_packed(array, path)
    return str(path)


def _about(scan: Scan, truth: Truth, shape: tuple[int, ...]) -> dict[str, Any]:
    """What figures are told apart by, and where crops are cut; boxes are of the packed array, whose shape is given."""
    own = truth.added.shape
    return {
        "kind": truth.kind, "vehicle": truth.vehicle, "load": truth.load, "scanner": truth.record.scanner.name,
        "quantity": scan.view.quantity, "look-alikes": [label for kind, label, _ in truth.others if kind == "look-alike"],
        "instances": [
            {
                "kind": i.kind, "label": i.label, "place": i.place, "mass": round(i.mass, 2), "load": round(i.load, 2),
                "contrast": round(i.contrast, 3), "hidden_share": round(i.hidden_share, 4),
                "box": packed_box(i.box, own, shape),
            }
            for i in truth.instances
        ],
        "sites": [packed_box(site, own, shape) for site in truth.sites],
    }  # fmt: skip


def packed_box(box: Box, shape: tuple[int, ...], packed: tuple[int, ...]) -> list[int]:
    """Top, left, bottom and right of a box in a scan of a shape (rows, columns), in its packed array of another."""
    down, across = (new / old for new, old in zip(packed, shape, strict=True))
    return [round(down * box.top), round(across * box.left), round(down * box.bottom), round(across * box.right)]


def make(recipe: Recipe, split: str, folder: Path, workers: int = 2) -> Iterator[str]:
    """Simulate and pack a split; scans that are already there are kept, so it resumes where it was stopped.

    Yields
    ------
    str
        The path of each packed scan, as it is done.
    """
    folder = folder / split
    folder.mkdir(parents=True, exist_ok=True)
    first = recipe.data.first if split == "train" else 0
    tasks = [(recipe, split, first + index, str(folder)) for index in range(getattr(recipe.data, split))]
    context = get_context("spawn")  # threads and locks of the libraries below do not survive a fork
    with ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=limit_threads, initargs=(1,)) as pool:
        yield from pool.map(_make_one, tasks, chunksize=4)
