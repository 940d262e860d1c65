"""Records → figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xrayscan.evaluation.metrics import Figure, auroc, bootstrap, detection_at, wilson
from xrayscan.evaluation.records import Record
from xrayscan.network.anomaly import Kind

__all__ = ["CLEAN", "DIFFICULTIES", "summarize"]

CLEAN = ("clean", "look-alike")
# Areal density of everything else over the person, at the easiest person of a scan [g/cm²].
DIFFICULTIES = {"easy": (0.0, 20.0), "medium": (20.0, 60.0), "hard": (60.0, 120.0), "beyond": (120.0, np.inf)}


def _as_dict(figure: Figure) -> dict[str, float]:
    return {"value": round(figure.value, 4), "low": round(figure.low, 4), "high": round(figure.high, 4), "n": figure.n}


def _scan_level(rows: Sequence[Record], kind: Kind) -> dict[str, Any]:
    """Detection of the scans that hold a kind against clean ones and look-alikes."""
    positives = [r.score[kind] for r in rows if any(i["kind"] == kind for i in r.instances)]
    negatives = [r.score[kind] for r in rows if r.kind in CLEAN]
    out: dict[str, Any] = {"auroc": _as_dict(bootstrap(lambda p, n: auroc(p.tolist(), n.tolist()), positives, negatives))}
    for rate in (0.01, 0.05, 0.10):
        figure = bootstrap(lambda p, n, rate=rate: detection_at(p.tolist(), n.tolist(), rate), positives, negatives)  # type: ignore[misc]
        out[f"found at {rate:.0%} of clean scans alarmed"] = _as_dict(figure)
    return out


def _instances(rows: Sequence[Record], kind: Kind) -> dict[str, Any]:
    """Recall of things, and findings of that kind where there is nothing."""
    things = [score for row in rows for score in row.found[kind]]
    false = [sum(1 for region in row.regions if region.kind == kind and not region.hit and not region.foreign) for row in rows]
    return {
        "things found": _as_dict(wilson(sum(score > 0 for score in things), len(things))),
        "false findings a scan": round(float(np.mean(false)), 3),
    }


def _mass(rows: Sequence[Record], factor: tuple[float, float]) -> dict[str, Any]:
    pairs = [
        (r.mass, r.truth_mass)
        for row in rows
        for r in row.regions
        if r.kind == "person" and r.hit and r.truth_mass > 5 and row.quantity != "display"
    ]
    if not pairs:
        return {}
    estimate, truth = np.array(pairs).T
    inside = (truth >= estimate * factor[0]) & (truth <= estimate * factor[1])
    return {
        "median relative error": round(float(np.median(abs(estimate - truth) / truth)), 3),
        "share in the 90 % interval": _as_dict(wilson(int(inside.sum()), len(inside))),
    }


def _difficulty(rows: Sequence[Record], threshold: float) -> dict[str, Any]:
    out = {}
    for name, (low, high) in DIFFICULTIES.items():
        group = [
            r
            for r in rows
            if r.kind == "person" and r.instances and low <= min(i["load"] for i in r.instances if i["kind"] == "person") < high
        ]
        if group:
            out[name] = _as_dict(wilson(sum(r.score["person"] > threshold for r in group), len(group)))
    return out


def _calibration_error(rows: Sequence[Record]) -> float:
    """Expected calibration error of the findings' probabilities, ten equal bins."""
    pairs = np.array(
        [(r.probability, float(r.hit)) for row in rows for r in row.regions if r.kind == "person" and not r.foreign]
        or [(0.0, 0.0)]
    )
    bins = np.minimum((pairs[:, 0] * 10).astype(int), 9)
    gaps = [abs(pairs[bins == b].mean(0) @ np.array([1.0, -1.0])) * (bins == b).mean() for b in range(10) if (bins == b).any()]
    return round(float(sum(gaps)), 4)


def summarize(
    rows: Sequence[Record], thresholds: dict[float, float], mass_factor: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    """Every figure of a model card.

    Parameters
    ----------
    rows : sequence of Record
    thresholds : dict
        False-alarm rate → scan score, as set on other scans.
    mass_factor : mapping of str to (float, float)

    Returns
    -------
    dict
        Nested, of numbers, each share with its 95 % interval and its n.
    """
    clean = [r.score["person"] for r in rows if r.kind in CLEAN]
    holding = [r.score["person"] for r in rows if r.kind == "person" and r.instances]
    at_card = {
        f"{rate:g}": {
            "clean scans alarmed": _as_dict(wilson(sum(s > t for s in clean), len(clean))),
            "scans with persons found": _as_dict(wilson(sum(s > t for s in holding), len(holding))),
        }
        for rate, t in sorted(thresholds.items())
    }
    person = (
        _scan_level(rows, "person")
        | _instances(rows, "person")
        | {"mass": _mass(rows, mass_factor.get("person", (0.0, np.inf)))}
    )
    person |= {"at the card's thresholds": at_card, "calibration error": _calibration_error(rows)}
    if 0.05 in thresholds:
        person["found by difficulty at the 5 % threshold"] = _difficulty(rows, thresholds[0.05])
    kinds: tuple[Kind, ...] = ("void", "density")
    others: dict[str, Any] = {kind: _scan_level(rows, kind) | _instances(rows, kind) for kind in kinds}
    return {"scans": len(rows), "clean scans": len(clean), "person": person, **others}
