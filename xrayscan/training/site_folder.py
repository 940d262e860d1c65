"""A site's model folder: worked on beside its place, whole when it gets there. Needs no torch."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xrayscan.batch.lock import locked
from xrayscan.batch.names import printable
from xrayscan.training.site_errors import SiteError
from xrayscan.training.site_scores import Scored
from xrayscan.training.site_thresholds import Level
from xrayscan.zoo import ModelCard, models

__all__ = [
    "copy_weights", "finish", "parent_of", "read_card", "scans_text", "threshold_tables", "thresholds_markdown", "workplace",
    "write_card_table",
]  # fmt: skip


@contextmanager
def workplace(folder: Path, out: Path) -> Iterator[Path]:
    """The folder ``OUT.partial`` to work in, held against a second run; what is in it from an earlier run stays.

    Parameters
    ----------
    folder : Path
        Of the clean scans.
    out : Path
        The model folder that will be.

    Raises
    ------
    SiteError
        If the model folder is there already, has a shipped model's name, or lies among the scans.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SiteError(
            f"writing a model to {out}: there is something already, and thresholds that may be in use are never replaced; "
            "choose a new folder"
        )
    if out.name in models():
        raise SiteError(
            f"writing a model to {out}: a shipped model has that name; choose another one, such as {out.name}-lane3"
        )
    if out.resolve().is_relative_to(folder.resolve()):
        raise SiteError(f"writing a model to {out}: it lies among the scans in {folder}; choose a folder outside")
    work = out.with_name(f"{out.name}.partial")
    work.mkdir(parents=True, exist_ok=True)
    with locked(work):
        yield work


def finish(work: Path, out: Path) -> None:
    """Put ``WORK/model`` in its place, whole, and clear the rest away."""
    if out.is_dir():
        out.rmdir()  # an empty one: a folder cannot be renamed onto it everywhere
    os.replace(work / "model", out)
    shutil.rmtree(work, ignore_errors=True)


def copy_weights(card: ModelCard, folder: Path) -> None:
    """A model's files, hashes checked, and its recipe, in a fresh folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in card.sha256:
        shutil.copyfile(card.file(name), folder / name)
    recipe = card.folder / card.recipe
    if recipe.is_file():
        shutil.copyfile(recipe, folder / recipe.name)


def read_card(card: ModelCard) -> dict[str, Any]:
    """Everything that ``card.toml`` of a model says, also what this version does not know of."""
    return tomllib.loads((card.folder / "card.toml").read_text(encoding="utf-8"))


def parent_of(card: ModelCard) -> dict[str, str]:
    """What tells which model this one was made from."""
    weights = card.sha256.get("model.onnx", "")
    return {"name": card.name, "version": card.version, "model_onnx_sha256": weights, "revision": card.revision}


def write_card_table(table: Mapping[str, Any], folder: Path) -> None:
    """Write ``card.toml``.

    Parameters
    ----------
    table : mapping
        Nested, of text, numbers, truth values, and lists of these.
    folder : Path
    """
    text = "\n".join(_toml_lines("", table)).lstrip("\n") + "\n"
    tomllib.loads(text)  # never a card that cannot be read
    (folder / "card.toml").write_text(text, encoding="utf-8")


def _toml_lines(name: str, table: Mapping[str, Any]) -> list[str]:
    lines = ["", f"[{name}]"] if name else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _toml_lines(f"{name}.{_key(key)}" if name else _key(key), value)
    return lines


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML, unlike JSON, wants it escaped


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return _quoted(printable(str(value)))


def threshold_tables(levels: Sequence[Level]) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The card's thresholds, and what is known of each."""
    known = {
        f"{found.rate:g}": {
            "expected": round(found.expected.value, 5), "low": round(found.expected.low, 5),
            "high": round(found.expected.high, 5), "scans": found.expected.n, "alarmed": found.alarmed,
        }
        for found in levels
    }  # fmt: skip
    return {f"{found.rate:g}": found.score for found in levels}, known


def thresholds_markdown(levels: Sequence[Level]) -> list[str]:
    """The thresholds as lines of a page for people."""
    rows = [
        f"| {found.rate:.3g} | {found.score:.3f} | {found.expected.value:.2%} | {found.expected.low:.2%} to "
        f"{found.expected.high:.2%} | {found.alarmed} of {found.expected.n} |"
        for found in levels
    ]
    head = ["| false-alarm rate | scan score | of further clean scans alarmed | 95 % interval | of these alarmed |"]
    return [*head, "| --- | --- | --- | --- | --- |", *rows]


def scans_text(scored: Sequence[Scored]) -> str:
    """Which scans were used and what each scored, as lines of JSON, the highest first."""
    ordered = sorted(scored, key=lambda one: (one.score is None, -(one.score or 0.0), one.path))
    keys = ("path", "sha256", "score", "inspected", "poor", "error")
    return "".join(json.dumps({key: getattr(one, key) for key in keys}, ensure_ascii=False) + "\n" for one in ordered)
