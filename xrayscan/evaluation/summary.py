"""Records → figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xrayscan.evaluation.curves import (
    areas_under_roc,
    average_precisions,
    calibration_errors,
    false_levels,
    levels_at,
    medians,
    region_overlaps,
    shares_above,
)
from xrayscan.evaluation.difficulty import CLEAN, DIFFICULTIES, difficulty, hidden, holding, is_clean
from xrayscan.evaluation.matching import Region
from xrayscan.evaluation.metrics import Figure, wilson
from xrayscan.evaluation.pixels import dense
from xrayscan.evaluation.records import Record
from xrayscan.evaluation.resampling import Draws
from xrayscan.findings import range_of_persons
from xrayscan.network.anomaly import Kind

__all__ = [
    "CLEAN", "DIFFICULTIES", "FALSE_RATES", "RATES", "by_difficulty_at", "figure_named", "found_at", "in_place_at", "percent",
    "summarize", "things_at",
]  # fmt: skip

RATES = (0.005, 0.01, 0.02, 0.05)  # of clean scans alarmed
FALSE_RATES = (0.05, 0.1, 0.2, 0.5)  # false regions a scan
LEAST_MASS = 5.0  # truth under which a relative error says nothing [kg]


def percent(rate: float) -> str:
    """A rate as it stands in the names of figures.

    Examples
    --------
    >>> percent(0.005), percent(0.05)
    ('0.5%', '5%')
    """
    return f"{100 * rate:g}%"


def found_at(rate: float) -> str:
    """Name of the share of scans found where so many clean scans are alarmed."""
    return f"found at {percent(rate)} of clean scans alarmed"


def in_place_at(rate: float) -> str:
    """Name of the share of scans found by a region that hits what is there, where so many clean scans are alarmed."""
    return f"found in the right place at {percent(rate)} of clean scans alarmed"


def by_difficulty_at(rate: float) -> str:
    """Name of the table of scans with persons found, by difficulty, where so many clean scans are alarmed."""
    return f"found by difficulty at {percent(rate)} of clean scans alarmed"


def things_at(rate: float) -> str:
    """Name of the share of things found at so many false regions a scan."""
    return f"things found at {rate:g} false a scan"


def summarize(
    rows: Sequence[Record],
    thresholds: Mapping[float, float],
    mass_factor: Mapping[str, tuple[float, float]],
    *,
    draws: int = 1000,
) -> dict[str, Any]:
    """Every figure of a model card.

    Parameters
    ----------
    rows : sequence of Record
    thresholds : mapping of float to float
        False-alarm rate → scan score, as set on other scans; empty for what has none.
    mass_factor : mapping of str to (float, float)
        For records that do not hold the intervals of their findings.
    draws : int
        Redrawn sets of scans that the intervals are made from.

    Returns
    -------
    dict
        Nested, of numbers. A share is a dict of "value", "low", "high" (95 %, over scans) and "n"; beside another number
        stands "NAME interval". What the scans do not hold is left out.

    Raises
    ------
    ShapeError
        Without any record.
    """
    sets = Draws.of([row.kind for row in rows], draws)
    person = _of_kind(rows, "person", sets) | _persons(rows, sets) | _numbers(rows)
    person |= {"at thresholds set before": _at_card(rows, thresholds)}
    for rate in (0.01, 0.05):
        if rate in thresholds:
            table = _by_difficulty_at(rows, thresholds[rate])
            person |= {f"found by difficulty at the {100 * rate:g} % threshold": table} if table else {}
    figures: dict[str, Any] = {
        "scans": len(rows),
        "clean scans": sum(map(is_clean, rows)),
        "clean scans with look-alikes": sum(row.kind == "look-alike" for row in rows),
        "person": person | {"mass": _mass(rows, "person", mass_factor, sets)},
    }
    others: tuple[Kind, ...] = ("void", "density")
    for kind in others:
        figures[kind] = _of_kind(rows, kind, sets) | {"mass": _mass(rows, kind, mass_factor, sets)}
    return figures | {"driver": _driver(rows), "unfamiliar": _unfamiliar(rows)}


def figure_named(figure: Figure, name: str) -> dict[str, Any]:
    """A share under its name, nothing if it rests on nothing."""
    if not figure.n:
        return {}
    values = {"value": round(figure.value, 4), "low": round(figure.low, 4), "high": round(figure.high, 4), "n": figure.n}
    return {name: values}


def _number(figure: Figure, name: str) -> dict[str, Any]:
    """A number under its name, and its interval beside it."""
    if not figure.n:
        return {}
    return {name: round(figure.value, 4), f"{name} interval": [round(figure.low, 4), round(figure.high, 4)]}


def _split(rows: Sequence[Record], kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the scans that hold a kind, and of the clean ones."""
    held = {id(row) for row in holding(rows, kind)}
    return (
        np.array([k for k, row in enumerate(rows) if id(row) in held], int),
        np.array([k for k, row in enumerate(rows) if is_clean(row)], int),
    )


def _of_kind(rows: Sequence[Record], kind: Kind, sets: Draws) -> dict[str, Any]:
    """What is measured of every kind: scans, things, pixels, probabilities."""
    scores = np.array([row.score.get(kind, 0.0) for row in rows])
    if not scores.any():
        return {}  # a detector that says nothing of this kind
    held, clean = _split(rows, kind)
    p_weights, n_weights = sets.weights[:, held], sets.weights[:, clean]
    areas = areas_under_roc(scores[held], scores[clean], p_weights, n_weights)
    out = figure_named(sets.figure(areas, len(held)), "auroc")
    # A scan can exceed the threshold at the driver, and nobody would look where the person is.
    hits = np.array([max(_reached(rows[k], kind), default=0.0) for k in held])
    for rate in RATES:
        levels = levels_at(scores[clean], n_weights, rate)
        for name, values in ((found_at(rate), scores[held]), (in_place_at(rate), np.minimum(scores[held], hits))):
            out |= figure_named(sets.figure(shares_above(values, p_weights, levels), len(held), share=True), name)
    return out | _things(rows, kind, sets) | _pixels(rows, kind, sets) | _probabilities(rows, kind, sets)


def _persons(rows: Sequence[Record], sets: Draws) -> dict[str, Any]:
    """Scans with persons found, by difficulty, at thresholds set on these scans."""
    scores = np.array([row.score["person"] for row in rows])
    held, clean = _split(rows, "person")
    names = np.array([difficulty(rows[k]) for k in held])
    out = {}
    for rate in RATES:
        levels = levels_at(scores[clean], sets.weights[:, clean], rate)
        table: dict[str, Any] = {}
        for name in (*DIFFICULTIES, "all but beyond"):
            own = held[names != "beyond"] if name == "all but beyond" else held[names == name]
            shares = shares_above(scores[own], sets.weights[:, own], levels)
            table |= figure_named(sets.figure(shares, len(own), share=True), name)
        if table:
            out[by_difficulty_at(rate)] = table
    return out


def _at_card(rows: Sequence[Record], thresholds: Mapping[float, float]) -> dict[str, Any]:
    """Thresholds that were set on other scans, on these."""
    clean = [row.score["person"] for row in rows if is_clean(row)]
    held = [row.score["person"] for row in holding(rows, "person")]
    out = {}
    for rate, level in sorted(thresholds.items()):
        out[f"{rate:g}"] = {"scan score": level} | figure_named(
            wilson(sum(s > level for s in clean), len(clean)), "clean scans alarmed"
        )
        out[f"{rate:g}"] |= figure_named(wilson(sum(s > level for s in held), len(held)), "scans with persons found")
    return out


def _by_difficulty_at(rows: Sequence[Record], level: float) -> dict[str, Any]:
    held = holding(rows, "person")
    names = [difficulty(row) for row in held]
    out: dict[str, Any] = {}
    for name in (*DIFFICULTIES, "all but beyond"):
        own = [
            row
            for row, said in zip(held, names, strict=True)
            if said == name or (name == "all but beyond" and said != "beyond")
        ]
        out |= figure_named(wilson(sum(row.score["person"] > level for row in own), len(own)), name)
    return out


def _things(rows: Sequence[Record], kind: Kind, sets: Draws) -> dict[str, Any]:
    """Recall of things by the findings, and at so many false regions a scan (FROC)."""
    owners, scores = _flat([row.found.get(kind, ()) for row in rows])
    weights = sets.weights[:, owners]
    out = figure_named(
        sets.figure(shares_above(scores, weights, np.zeros(len(weights))), len(scores), share=True), "things found"
    )
    wrong = [[r.score for r in row.regions if r.kind == kind and not r.hit and not r.foreign] for row in rows]
    a_scan = (sets.weights @ np.array([len(found) for found in wrong], float)) / sets.weights.sum(1)
    out |= _number(sets.figure(a_scan, len(rows)), "false findings a scan")
    all_wrong = _flat([[*found, *row.faint.get(kind, ())] for found, row in zip(wrong, rows, strict=True)])
    levels = false_levels(all_wrong[1], all_wrong[0], sets.weights, FALSE_RATES)
    owners, scores = _flat([_reached(row, kind) for row in rows])
    for rate, level in zip(FALSE_RATES, levels, strict=True):
        shares = shares_above(scores, sets.weights[:, owners], level)
        out |= figure_named(sets.figure(shares, len(scores), share=True), things_at(rate))
    return out


def _reached(row: Record, kind: Kind) -> Sequence[float]:
    """For each thing the highest score of a region that hits it; of its findings, where fainter regions were not kept."""
    return row.reached.get(kind) or row.found.get(kind, ())


def _flat(lists: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """The number of the list that each value is of, and the values."""
    owners = np.repeat(np.arange(len(lists)), [len(values) for values in lists])
    return owners, np.array([value for values in lists for value in values], float)


def _pixels(rows: Sequence[Record], kind: Kind, sets: Draws) -> dict[str, Any]:
    own = [k for k, row in enumerate(rows) if kind in row.pixels]
    if not own:
        return {}
    held, weights = [rows[k].pixels[kind] for k in own], sets.weights[:, own]
    inside, outside, overlap = (weights @ np.stack([dense(h[name]) for h in held]) for name in ("inside", "outside", "overlap"))
    things, both, either = (weights @ np.array([h[name] for h in held], float) for name in ("things", "both", "either"))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = both / either
    return (
        figure_named(sets.figure(average_precisions(inside, outside), len(own)), "pixel average precision")
        | figure_named(sets.figure(shares, len(own)), "pixel intersection over union")
        | figure_named(sets.figure(region_overlaps(overlap, things, outside), len(own)), "AUPRO")
    )


def _probabilities(rows: Sequence[Record], kind: Kind, sets: Draws) -> dict[str, Any]:
    """Calibration error of the findings' probabilities, and the reliability table it sums up; ten equal bins."""
    if kind not in rows[0].model.get("calibrated", kind).split():
        return {}  # it has scores, and no probabilities
    judged = [[r for r in row.regions if r.kind == kind and not r.foreign] for row in rows]
    owners, chances = _flat([[r.probability for r in regions] for regions in judged])
    hits = np.array([r.hit for regions in judged for r in regions], bool)
    if not len(hits):
        return {}
    errors = calibration_errors(chances, hits, sets.weights[:, owners])
    table = {}
    number = np.minimum((chances * 10).astype(int), 9)
    for b in sorted(set(number.tolist())):
        own = number == b
        weights = sets.weights[:, owners[own]]
        share = sets.figure(shares_above(hits[own].astype(float), weights, np.zeros(len(weights))), int(own.sum()), share=True)
        said = {"said": round(float(chances[own].mean()), 4)}
        table[f"{b / 10:.1f} to {(b + 1) / 10:.1f}"] = said | figure_named(share, "_")["_"]
    return _number(sets.figure(errors, len(hits)), "calibration error") | {"reliability": table}


def _numbers(rows: Sequence[Record]) -> dict[str, Any]:
    """How often the range that the findings give for the number of persons holds those that can be seen at all."""
    if "person" not in rows[0].model.get("calibrated", "person").split():
        return {}
    out: dict[str, Any] = {}
    for name, own in (("clean scans", [r for r in rows if is_clean(r)]), ("scans with persons", holding(rows, "person"))):
        held = 0
        for row in own:
            low, high = range_of_persons([r.probability for r in row.regions if r.kind == "person"])
            held += low <= sum(i["kind"] == "person" and not hidden(i) for i in row.instances) <= high
        out |= figure_named(wilson(held, len(own)), name)
    return {"number in range": out} if out else {}


def _mass(rows: Sequence[Record], kind: Kind, factor: Mapping[str, tuple[float, float]], sets: Draws) -> dict[str, Any]:
    """How far the masses of what was found are off; display pictures state no areal density, and are left out."""
    held: list[list[Region]] = [
        [r for r in row.regions if r.kind == kind and r.hit and r.truth_mass > LEAST_MASS and row.quantity != "display"]
        for row in rows
    ]
    flat = [region for regions in held for region in regions]
    if not any(region.mass for region in flat):
        return {}
    owners = np.repeat(np.arange(len(rows)), [len(regions) for regions in held])
    weights = sets.weights[:, owners]
    errors = np.array([abs(r.mass - r.truth_mass) / r.truth_mass for r in flat])
    low, high = factor.get(kind, (0.0, np.inf))
    inside = np.array([_holds(r.interval or (r.mass * low, r.mass * high), r.truth_mass) for r in flat], float)
    return _number(sets.figure(medians(errors, weights), len(flat)), "median relative error") | figure_named(
        sets.figure(shares_above(inside, weights, np.zeros(len(weights))), len(flat), share=True), "share in the 90 % interval"
    )


def _holds(interval: tuple[float, float], value: float) -> bool:
    return interval[0] <= value <= interval[1]


def _driver(rows: Sequence[Record]) -> dict[str, Any]:
    """How often who drives is taken for someone concealed."""
    seen = [row for row in rows if row.driver]
    taken = sum(any(r.kind == "person" and r.driver for r in row.regions) for row in seen)
    return {"scans": len(seen)} | figure_named(wilson(taken, len(seen)), "taken for a person")


def _unfamiliar(rows: Sequence[Record]) -> dict[str, Any]:
    """How many scans the model calls unlike what it knows."""
    told = [row for row in rows if row.unfamiliar is not None]
    groups = {"clean scans": [r for r in told if is_clean(r)], "scans with persons": holding(told, "person"), "all scans": told}
    out: dict[str, Any] = {}
    for name, own in groups.items():
        out |= figure_named(wilson(sum(bool(row.unfamiliar) for row in own), len(own)), name)
    return out
