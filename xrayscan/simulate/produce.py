"""A folder of simulated scans from a recipe, made by several processes; stopped anywhere, it goes on where it was."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xrayscan
from xrayscan._threads import limit_threads
from xrayscan.errors import RecipeError
from xrayscan.simulate.files import write
from xrayscan.simulate.recipe import SceneRecipe
from xrayscan.simulate.record import Record
from xrayscan.simulate.run import simulate_delivered

__all__ = ["Made", "produce", "reproduce"]

ABOUT = "dataset.json"


@dataclass(frozen=True)
class Made:
    """One scan that lies in the folder.

    Attributes
    ----------
    path : Path
    kind, vehicle, load : str
    persons : int
    """

    path: Path
    kind: str
    vehicle: str
    load: str
    persons: int


def produce(
    recipe: SceneRecipe, folder: Path, count: int, *, seed: int | None = None, start: int = 0, workers: int = 1
) -> Iterator[Made]:
    """Simulate scans of a recipe into a folder.

    A scan that is there already, made from the same record, is kept.

    Parameters
    ----------
    recipe : SceneRecipe
    folder : Path
        Made if needed.
    count : int
    seed : int or None
        Instead of the recipe's own.
    start : int
        Number of the first scan.
    workers : int
        Processes.

    Yields
    ------
    Made
        In order.

    Raises
    ------
    RecipeError
        If the folder holds scans of another recipe or seed.
    """
    if count < 1 or start < 0:
        raise RecipeError(f"asked for {count} scans from number {start}; expected at least 1, from 0 or more")
    _folder(folder)
    used = recipe.seed if seed is None else seed
    _claim(folder, recipe, used)
    tasks = [(recipe, used, index, str(folder)) for index in range(start, start + count)]
    if workers <= 1:
        yield from map(_make_one, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=limit_threads, initargs=(1,)) as pool:
        yield from pool.map(_make_one, tasks, chunksize=1)


def reproduce(record: Record, folder: Path, name: str) -> Made:
    """Make the scan of a record again.

    Parameters
    ----------
    record : Record
    folder : Path
        Made if needed.
    name : str
        Of the scan's files, without ending.

    Returns
    -------
    Made
    """
    _folder(folder)
    delivered, truth = simulate_delivered(record)
    path = write(folder, name, delivered, truth)
    persons = sum(instance.kind == "person" for instance in truth.instances)
    return Made(path, truth.kind, truth.vehicle, truth.load, persons)


def _folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise RecipeError(f"{folder} is a file; name a folder for the scans")
    folder.mkdir(parents=True, exist_ok=True)


def _claim(folder: Path, recipe: SceneRecipe, seed: int) -> None:
    """Write what the folder holds, or see that it holds the same."""
    about = {"recipe": json.loads(json.dumps(asdict(recipe))), "seed": seed, "xrayscan": xrayscan.__version__}
    path = folder / ABOUT
    if path.exists() and any(folder.glob("*.record.json")):
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
            known = {**_flat(there["recipe"]), "seed": there["seed"]}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RecipeError(f"reading {path}: it does not say what {folder} holds ({error}); name another folder") from error
        asked = {**_flat(about["recipe"]), "seed": seed}
        keys = [key for key in sorted(known | asked) if known.get(key) != asked.get(key)]
        if keys:
            other = "; ".join(f"{key} {known.get(key)!r}, now {asked.get(key)!r}" for key in keys)
            raise RecipeError(f"{folder} holds scans of another recipe or seed ({other}); name another folder")
        return
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's settings by dotted name: what tells one set of scans from another; notes and the recipe's own seed do not."""
    parts = {f"{part}.{key}": value for part in ("mix", "draw", "scan") for key, value in recipe[part].items()}
    return {"name": recipe["name"], **parts}


def _make_one(task: tuple[SceneRecipe, int, int, str]) -> Made:
    import torch

    recipe, seed, index, folder = task
    name = f"{index:06d}"
    torch.set_num_threads(1)
    record = recipe.record(index, seed)
    return _kept(Path(folder), name, record) or reproduce(record, Path(folder), name)


def _kept(folder: Path, name: str, record: Record) -> Made | None:
    """A scan that an earlier call made in full: its record is written last, and its bytes are those that were written."""
    there = folder / f"{name}.record.json"
    if not there.exists() or there.read_text(encoding="utf-8").strip() != record.to_json():
        return None
    said = folder / f"{name}.truth.json"
    try:
        truth = json.loads(said.read_text(encoding="utf-8"))
        path = folder / truth["file"]
        whole = hashlib.sha256(path.read_bytes()).hexdigest() == truth["sha256"]
    except (OSError, ValueError, KeyError):
        return None  # somebody deleted or damaged a part
    if not whole:
        return None
    persons = sum(instance["kind"] == "person" for instance in truth["instances"])
    return Made(path, truth["kind"], truth["vehicle"], truth["load"], persons)
