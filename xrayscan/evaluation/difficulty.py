"""How hard the persons of a scan are to see, named openly.

A scan is as hard as its easiest person: the one with the least areal density of everything else over it. A person of
whom nine tenths or more cannot be seen through is left out of that; a scan that holds no other is "beyond", and so is one
under 120 g/cm² or more. What is beyond is counted apart and never left out of the count of all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from xrayscan.evaluation.records import Record
from xrayscan.network.anomaly import Kind

__all__ = ["BOUNDS", "CLEAN", "DIFFICULTIES", "difficulty", "easiest", "hidden", "holding", "is_clean"]

CLEAN = ("clean", "look-alike")
# Areal density of everything else over the person, at the easiest person of a scan [g/cm²].
DIFFICULTIES = {"easy": (0.0, 20.0), "medium": (20.0, 60.0), "hard": (60.0, 120.0), "beyond": (120.0, math.inf)}
BOUNDS = {
    "easy": "under 20 g/cm²", "medium": "20 to 60 g/cm²", "hard": "60 to 120 g/cm²",
    "beyond": "over 120 g/cm², or not penetrated", "all but beyond": "under 120 g/cm²",
}  # fmt: skip
HIDDEN = 0.9  # share of a person that cannot be seen through, from which nobody could find it


def is_clean(row: Record) -> bool:
    """Whether nothing is hidden in a scan; look-alikes may be."""
    return row.kind in CLEAN


def holding(rows: Sequence[Record], kind: Kind) -> list[Record]:
    """The scans that hold something of a kind."""
    return [row for row in rows if any(thing["kind"] == kind for thing in row.instances)]


def hidden(thing: Mapping[str, Any]) -> bool:
    """Whether so much of a thing cannot be seen through that nobody could find it."""
    return bool(thing.get("hidden_share", 0.0) > HIDDEN)


def easiest(row: Record) -> dict[str, Any] | None:
    """The person with the least over it, of those that can be seen through at all; None if there is none."""
    seen = [i for i in row.instances if i["kind"] == "person" and not hidden(i)]
    return min(seen, key=lambda person: person["load"], default=None)


def difficulty(row: Record) -> str:
    """Which of `DIFFICULTIES` a scan with persons is.

    Examples
    --------
    >>> person = {"kind": "person", "load": 35.0, "hidden_share": 0.0}
    >>> scan = Record("person", "cartons", "counts", {}, (), {}, (person,))
    >>> difficulty(scan)
    'medium'
    >>> difficulty(Record("person", "cartons", "counts", {}, (), {}, ({**person, "hidden_share": 0.95},)))
    'beyond'
    """
    person = easiest(row)
    load = math.inf if person is None else float(person["load"])
    return next((name for name, (low, high) in DIFFICULTIES.items() if low <= load < high), "beyond")
