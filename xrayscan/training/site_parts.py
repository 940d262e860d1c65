"""A site's clean scans in three parts, each clean and with bodies inserted, packed. Needs ``xrayscan[train]``."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xrayscan._threads import limit_threads
from xrayscan.errors import XrayscanError
from xrayscan.normalize import normalize
from xrayscan.scan import Radiograph, Scan
from xrayscan.simulate.insertion import Insertion, Wishes, insert
from xrayscan.simulate.packed import pack, save_packed
from xrayscan.training.examples import packed_box
from xrayscan.training.site_scores import Scored, Step, seen
from xrayscan.training.site_tune import Tuning

__all__ = ["PARTS", "prepare", "split"]

PARTS = ("train", "threshold", "holdout")
HOLE = 3.0  # missing areal density from which a pixel belongs to a hole [g/cm²]


@dataclass(frozen=True)
class _Marks:
    """What `pack` asks of a truth."""

    masks: Mapping[str, np.ndarray]
    ignore: np.ndarray
    driver: np.ndarray
    added: np.ndarray
    missing: np.ndarray


def split(scans: Sequence[Scored], seed: int) -> dict[str, tuple[Scored, ...]]:
    """A third of the scans for each of `PARTS`, drawn by their content: names and order do not matter.

    Examples
    --------
    >>> parts = split([Scored(f"{k}.tif", f"{k:064x}", 0.1) for k in range(31)], seed=1)
    >>> {name: len(part) for name, part in parts.items()}
    {'train': 10, 'threshold': 11, 'holdout': 10}
    """
    order = sorted(scans, key=lambda one: hashlib.sha256(f"{seed} {one.sha256}".encode()).hexdigest())
    third = len(order) // 3
    cuts = (0, third, len(order) - third, len(order))
    return {name: tuple(order[cuts[k] : cuts[k + 1]]) for k, name in enumerate(PARTS)}


@dataclass(frozen=True)
class _Task:
    source: Path
    stem: Path
    sha256: str
    grid: float
    insertions: int
    seed: int


def prepare(
    parts: Mapping[str, Sequence[Scored]],
    files: Mapping[str, Path],
    work: Path,
    *,
    grid: float,
    tuning: Tuning,
    workers: int = 1,
    step: Step = lambda *_: None,
) -> dict[str, str]:
    """Pack each scan as it is and with insertions, to ``WORK/PART/HASH-N.npz``, N being 0 for the clean one.

    Scans that an earlier run has done are kept.

    Parameters
    ----------
    parts : mapping of str to sequence of Scored
    files : mapping of str to Path
        Hash of a scan → its file.
    work : Path
    grid : float [m]
        Of the network.
    tuning : Tuning
        Its seed, and how many insertions of one to three bodies for each scan.
    workers : int
        Processes.
    step : callable

    Returns
    -------
    dict
        Hash of a scan → why it holds fewer insertions than were asked for.
    """
    tasks = []
    for name, part in parts.items():
        (work / name).mkdir(parents=True, exist_ok=True)
        for one in part:
            stem = work / name / one.sha256[:16]
            tasks.append(_Task(files[one.sha256], stem, one.sha256, grid, tuning.insertions, tuning.seed))
    short = {}
    step(0, len(tasks))
    for done, (task, reason) in enumerate(_each(tasks, workers), 1):
        if reason:
            short[task.sha256] = reason
        step(done, len(tasks))
    return short


def _each(tasks: Sequence[_Task], workers: int) -> Iterator[tuple[_Task, str]]:
    count = min(workers, len(tasks))
    if count <= 1:
        yield from ((task, _make(task)) for task in tasks)
        return
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=_one_thread) as pool:
        try:
            yield from zip(tasks, pool.map(_make, tasks), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def _one_thread() -> None:
    limit_threads(1)
    torch.set_num_threads(1)


def _make(task: _Task) -> str:
    """Pack one scan and its insertions; why some are missing, or empty."""
    done = task.stem.with_suffix(".done")
    if done.exists():
        return done.read_text(encoding="utf-8")
    scan, radiograph = seen(task.source)
    _save(task, 0, radiograph, _nothing(radiograph), _about(scan, ()))
    reason = ""
    for number in range(1, task.insertions + 1):
        rng = np.random.default_rng((task.seed, int(task.sha256[:15], 16), number))
        try:
            made = insert(scan, radiograph, seed=(task.seed, int(task.sha256[:15], 16), number), wishes=_wishes(rng))
            again = normalize(made.scan)
        except XrayscanError as error:
            reason = str(error)
            continue
        _save(task, number, again, _marks(made), _about(scan, _instances(made)))
    partial = done.with_suffix(".tmp")
    partial.write_text(reason, encoding="utf-8")
    partial.replace(done)
    return reason


def _wishes(rng: np.random.Generator) -> Wishes:
    return Wishes(persons=int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1])))


def _save(task: _Task, number: int, radiograph: Radiograph, marks: _Marks, about: dict[str, Any]) -> None:
    path = task.stem.with_name(f"{task.stem.name}-{number}.npz")
    packed = pack(radiograph, marks, task.grid)  # type: ignore[arg-type]  # all that it asks of a truth
    for instance in about["instances"]:
        instance["box"] = packed_box(instance["box"], radiograph.shape, packed.shape[1:])
    path.with_suffix(".json").write_text(json.dumps(about), encoding="utf-8")
    save_packed(packed, path)


def _nothing(radiograph: Radiograph) -> _Marks:
    no, zero = np.zeros(radiograph.shape, bool), np.zeros(radiograph.shape, np.float32)
    return _Marks({"person": no, "void": no, "density": no}, no, no, zero, zero)


def _marks(made: Insertion) -> _Marks:
    no = np.zeros(made.mask.shape, bool)
    hole = (made.removed >= HOLE) & ~made.mask
    return _Marks({"person": made.mask, "void": no, "density": no}, hole, no, made.added, made.removed)


def _instances(made: Insertion) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "kind": "person", "label": p.label, "place": p.place, "mass": round(p.mass, 2), "load": round(p.load, 2),
            "contrast": round(p.contrast, 3), "hidden_share": round(p.opaque, 4), "box": p.box,
        }
        for p in made.persons
    )  # fmt: skip


def _about(scan: Scan, instances: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """As beside the packed scans of a recipe; boxes are of the scan."""
    return {
        "kind": "person" if instances else "clean", "vehicle": "as scanned", "load": "as scanned",
        "scanner": scan.source.scanner or "as scanned", "quantity": scan.view.quantity, "look-alikes": [],
        "instances": list(instances),
    }  # fmt: skip
