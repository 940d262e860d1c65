"""Records → what is found and falsely alarmed by family, and the worst scans."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from xrayscan.evaluation.curves import levels_at
from xrayscan.evaluation.difficulty import DIFFICULTIES, difficulty, holding, is_clean
from xrayscan.evaluation.metrics import Figure, wilson
from xrayscan.evaluation.records import Record

__all__ = ["alarmed_by", "found_by", "level_of", "worst_alarms", "worst_misses"]

Groups = dict[str, Figure]
MASSES = {"under 20 kg": 20.0, "20 to 35 kg": 35.0, "35 to 60 kg": 60.0, "60 kg or more": math.inf}


def _loads(row: Record) -> set[str]:
    return set(row.load.split("+"))


def _of_persons(name: str) -> Callable[[Record], set[str]]:
    return lambda row: {str(i[name]) for i in row.instances if i["kind"] == "person"}


def _number_of_persons(row: Record) -> set[str]:
    number = sum(i["kind"] == "person" for i in row.instances)
    return {f"{number}" if number < 4 else "4 or more"}


def _heaviest(row: Record) -> set[str]:
    """Children are small, and missed most; a scan is as easy as its heaviest person."""
    heaviest = max(float(i["mass"]) for i in row.instances if i["kind"] == "person")
    return {next(name for name, most in MASSES.items() if heaviest < most)}


_FOUND: Mapping[str, Callable[[Record], Iterable[str]]] = {
    "load": _loads,
    "place": _of_persons("place"),
    "posture": _of_persons("label"),
    "heaviest person": _heaviest,
    "persons in the scan": _number_of_persons,
    "scanner": lambda row: {row.scanner},
    "vehicle": lambda row: {row.vehicle},
    "quantity": lambda row: {row.quantity},
}
_ALARMED: Mapping[str, Callable[[Record], Iterable[str]]] = {
    "look-alike": lambda row: set(row.lookalikes) or {"none"},
    "load": _loads,
    "scanner": lambda row: {row.scanner},
    "vehicle": lambda row: {row.vehicle},
    "quantity": lambda row: {row.quantity},
}


def level_of(rows: Sequence[Record], rate: float) -> float:
    """Scan score that at most a share ``rate`` of these clean scans exceeds; not a number without any.

    Examples
    --------
    >>> level_of([Record("clean", "empty", "counts", {"person": score}, (), {}) for score in (0.1, 0.4)], 0.01)
    0.4
    """
    clean = np.array([row.score["person"] for row in rows if is_clean(row)])
    return float(levels_at(clean, np.ones((1, len(clean))), rate)[0])


def found_by(rows: Sequence[Record], level: float) -> dict[str, Groups]:
    """Share of the scans with persons found, by load, place, posture, persons' mass and number, scanner, vehicle, quantity.

    A scan counts in every group that one of its loads or persons belongs to.

    Parameters
    ----------
    rows : sequence of Record
    level : float
        Scan score that finds.

    Returns
    -------
    dict of str to dict of str to Figure
        With Wilson's intervals, the most frequent group first.
    """
    return {name: _groups(holding(rows, "person"), of, level) for name, of in _FOUND.items()}


def alarmed_by(rows: Sequence[Record], level: float) -> dict[str, Groups]:
    """Share of the clean scans alarmed, by look-alike, load, scanner, vehicle and quantity; see `found_by`."""
    return {name: _groups([row for row in rows if is_clean(row)], of, level) for name, of in _ALARMED.items()}


def _groups(rows: Sequence[Record], of: Callable[[Record], Iterable[str]], level: float) -> Groups:
    counts: dict[str, list[int]] = {}
    for row in rows:
        for name in of(row):
            counts.setdefault(name or "not said", []).append(int(row.score["person"] > level))
    ordered = sorted(counts.items(), key=lambda item: (-len(item[1]), item[0]))
    return {name: wilson(sum(hits), len(hits)) for name, hits in ordered}


def worst_misses(rows: Sequence[Record], level: float, count: int = 10) -> list[Record]:
    """Scans with persons that stay at or under a level, those that should have been easiest first, and the lowest score.

    What is beyond is no miss; see `xrayscan.evaluation.difficulty`.
    """
    ranks = list(DIFFICULTIES)
    missed = [r for r in holding(rows, "person") if r.score["person"] <= level and difficulty(r) != "beyond"]
    return sorted(missed, key=lambda r: (ranks.index(difficulty(r)), r.score["person"]))[:count]


def worst_alarms(rows: Sequence[Record], count: int = 10) -> list[Record]:
    """The clean scans with the highest scores, highest first."""
    return sorted((r for r in rows if is_clean(r)), key=lambda r: -r.score["person"])[:count]
