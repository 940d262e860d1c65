"""The simulated scans of a recipe, normalized, packed and kept in a folder: one array a scan."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xrayscan.normalize import normalize
from xrayscan.simulate.packed import pack
from xrayscan.simulate.record import draw_record
from xrayscan.simulate.run import replay
from xrayscan.training.recipe import Recipe

__all__ = ["SPLITS", "kind_of", "make"]

SPLITS = ("train", "calibration", "test")
# Half clean (plain and look-alike): thresholds and figures are set on these.
EVALUATION_MIX = {"clean": 0.25, "look-alike": 0.25, "person": 0.34, "void": 0.08, "density": 0.08}


def kind_of(recipe: Recipe, split: str, index: int) -> str:
    """Which kind of scene a scan of a split is, drawn from the split's mix."""
    mix = recipe.data.mix if split == "train" else EVALUATION_MIX
    rng = np.random.default_rng((recipe.seed, SPLITS.index(split), index, 1))
    return str(rng.choice(list(mix), p=list(mix.values())))


def _make_one(task: tuple[Recipe, str, int, str]) -> str:
    recipe, split, index, folder = task
    path = Path(folder) / f"{index:06d}.npy"
    if path.exists():
        return str(path)
    torch.set_num_threads(1)
    kind = kind_of(recipe, split, index)
    record = draw_record((recipe.seed, SPLITS.index(split), index), kind, pitch=recipe.data.pitch)  # type: ignore[arg-type]
    scan, truth = replay(replace(record, states_pitch=True))
    array = pack(normalize(scan), truth, recipe.network.grid)
    about: dict[str, Any] = {"kind": kind, "load": truth.load, "quantity": scan.view.quantity}
    about["instances"] = [
        {"kind": i.kind, "label": i.label, "place": i.place, "mass": i.mass, "load": i.load} for i in truth.instances
    ]
    path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)
    return str(path)


def make(recipe: Recipe, split: str, folder: Path, workers: int = 2) -> Iterator[str]:
    """Simulate and pack a split; scans that are already there are kept, so it resumes where it was stopped.

    Yields
    ------
    str
        The path of each packed scan, as it is done.
    """
    folder = folder / split
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(recipe, split, index, str(folder)) for index in range(getattr(recipe.data, split))]
    with ProcessPoolExecutor(max_workers=workers) as pool:
        yield from pool.map(_make_one, tasks, chunksize=4)
