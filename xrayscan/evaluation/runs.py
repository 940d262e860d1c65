"""A model over folders of packed scans: resumable, in one process or several."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO

from xrayscan._threads import limit_threads
from xrayscan.errors import CorruptScanError, ModelError, RecipeError
from xrayscan.evaluation.difficulty import CLEAN
from xrayscan.evaluation.records import Maps, Record, content, from_json, name_of, reading, record, to_json

__all__ = ["fitted", "load_subject", "measure", "packed_scans", "read_records"]


def load_subject(name: str, threads: int | None = None) -> Maps:
    """What is to be measured: a model, or what a function makes.

    Parameters
    ----------
    name : str
        A shipped model's name; the path of a model folder; NAME.npz, a fitted baseline; or "module:function": the function
        is called without arguments and returns a callable from `Radiograph` to `AnomalyMap` with an ``id`` (`ModelId`).
    threads : int or None
        Of a model.

    Raises
    ------
    ModelError, WeightsError
    """
    from xrayscan.zoo import load_model

    if name.endswith(".npz"):
        from xrayscan.evaluation import baselines

        return baselines.load(Path(name))
    module, _, function = name.partition(":")
    if not function or Path(name).exists() or "/" in name or "\\" in name:
        return load_model(name or None, threads=threads)
    try:
        made: Maps = getattr(importlib.import_module(module), function)()
    except (ModuleNotFoundError, AttributeError) as error:
        raise ModelError(f"loading {name}: {error}; pass a model's name or folder, or module:function") from error
    if not callable(made) or not hasattr(made, "id"):
        raise ModelError(
            f"loading {name}: it made {type(made).__name__}, which has no id or cannot be called; expected a callable from "
            "Radiograph to AnomalyMap with an id of type ModelId"
        )
    return made


def fitted(name: str, folder: Path, place: Path) -> str:
    """A baseline fitted on the clean scans of a folder, kept in ``place``, and taken from there if it is kept.

    Parameters
    ----------
    name : str
        One of `xrayscan.evaluation.baselines.BASELINES`.
    folder : Path
        Packed scans, such as the training split; those with anything hidden in them are left out.
    place : Path
        Folder, made if needed. The file is named by the baseline, its scans and its code, so that one fitted on others
        is not taken.

    Returns
    -------
    str
        As `load_subject` takes it.

    Raises
    ------
    ModelError, MissingDependencyError, RecipeError
    """
    from xrayscan.evaluation import baselines

    clean = [path for path in packed_scans([folder]) if _kind(path) in CLEAN]
    kept = place / f"{name}-{_told_apart(clean, Path(baselines.__file__))}.npz"
    if not kept.exists():
        place.mkdir(parents=True, exist_ok=True)
        baselines.fit(name, clean).save(kept)
    return str(kept)


def _told_apart(paths: Sequence[Path], code: Path) -> str:
    """Hash of packed scans' names, sizes and what is in them, and of code; to read all their pixels takes as long as a fit."""
    own = hashlib.sha256(code.read_bytes())
    for path in paths:
        own.update(f"{path.name} {path.stat().st_size} ".encode() + path.with_suffix(".json").read_bytes())
    return own.hexdigest()[:8]


def _kind(path: Path) -> str:
    try:
        return str(json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["kind"])
    except (OSError, KeyError, ValueError) as error:
        raise CorruptScanError(f"reading what is in the packed scan {path}: {error!r}; it needs its .json beside it") from error


def packed_scans(folders: Sequence[Path], count: int | None = None) -> list[Path]:
    """The packed scans of folders, in order; of each the first ``count``.

    Raises
    ------
    RecipeError
        If a folder holds none, or two folders of one name would give scans one name.
    """
    names = [folder.resolve().name for folder in folders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RecipeError(
            f"two of the folders are named {twice!r}, and records name a scan by its folder and file; rename one of them"
        )
    paths: list[Path] = []
    for folder in folders:
        own = sorted(folder.resolve().glob("*.npz"))
        if not own:
            raise RecipeError(
                f"looking for packed scans in {folder}: there are none; pass a split that 'xrayscan train' made, such as "
                "cache/NAME/test"
            )
        paths += own[:count]
    return paths


def read_records(path: Path) -> tuple[Record, ...]:
    """The records of a file, none if there is no such file; a last line that was cut off is left out.

    Raises
    ------
    RecipeError
        If it holds something else.
    """
    if not path.exists():
        return ()
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    try:
        return from_json(whole)
    except (ValueError, TypeError, KeyError) as error:
        raise RecipeError(
            f"reading the records {path}: {error!r}; they are not of this version: delete the file, or name another one"
        ) from error


def measure(
    paths: Sequence[Path],
    subject: str,
    *,
    kept: Path | None = None,
    workers: int = 1,
    done: Callable[[Record], None] = lambda _: None,
) -> tuple[Record, ...]:
    """A record of each packed scan.

    Parameters
    ----------
    paths : sequence of Path
    subject : str
        As `load_subject` takes it; every worker process loads its own.
    kept : Path or None
        File of records: what it holds of this model and these scans is taken from it, the rest is added to it, one line
        as each scan is done. Records of other models stay in it.
    workers : int
        Processes.
    done : callable
        Told each record, those that were kept first.

    Returns
    -------
    tuple of Record
        In the order of ``paths``.

    Raises
    ------
    CorruptScanError, ModelError, RecipeError
    """
    model = load_subject(subject, threads=1 if workers > 1 else None)
    how = reading(model.id)
    before = {row.key: row for row in (read_records(kept) if kept else ())}
    keys = {path: (name_of(path), content(path), how) for path in paths}
    rows = {path: before[key] for path, key in keys.items() if key in before}
    for row in rows.values():
        done(row)
    left = [path for path in paths if path not in rows]
    with _Log(kept) as log:
        for path, row in zip(left, _made(left, model, subject, workers), strict=True):
            log.add(row)
            rows[path] = row
            done(row)
    return tuple(rows[path] for path in paths)


def _made(paths: Sequence[Path], model: Maps, subject: str, workers: int) -> Iterator[Record]:
    if workers == 1 or len(paths) < 2:
        yield from (record(path, model) for path in paths)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start, initargs=(subject,))
    try:
        yield from pool.map(_one, paths)
    finally:
        # Stopped in between, what is not begun is not waited for.
        pool.shutdown(cancel_futures=True)


_own: list[Maps] = []  # the model of a worker process


def _start(subject: str) -> None:
    limit_threads(1)
    _own.append(load_subject(subject, threads=1))


def _one(path: Path) -> Record:
    return record(path, _own[0])


@dataclass
class _Log:
    """A file of records that grows by whole lines."""

    path: Path | None
    file: IO[bytes] | None = None

    def __enter__(self) -> _Log:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("ab+")
            self.file.seek(0)
            # A run that was killed may have left half a line.
            self.file.truncate(self.file.read().rfind(b"\n") + 1)
        return self

    def add(self, row: Record) -> None:
        if self.file is not None:
            self.file.write(to_json([row]).encode())
            self.file.flush()

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()
