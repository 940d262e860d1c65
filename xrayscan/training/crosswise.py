"""What settings that rest on all scans of two splits are worth: set on one half of these scans, measured on the other.

Thresholds, probabilities and intervals of masses that were set on families of their own tell how far they carry to others;
what is shipped was set on both splits, and no scan is left to measure it on. Each half of the scans, read as the other half
sets it, is: the scans are others, the families the same, and the network met none of them.

References
----------
M. Stone, Cross-validatory choice and assessment of statistical predictions, J. R. Stat. Soc. B 36 (1974) 111,
https://doi.org/10.1111/j.2517-6161.1974.tb00994.x
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from xrayscan.evaluation.difficulty import holding, is_clean
from xrayscan.evaluation.metrics import wilson
from xrayscan.evaluation.records import Record, Region
from xrayscan.evaluation.summary import figure_named, summarize
from xrayscan.findings import LEAST
from xrayscan.network.anomaly import Curve, probability_of
from xrayscan.training.calibration import mass_factor, probabilities, thresholds

__all__ = ["crosswise", "read_again"]

Factor = tuple[float, float]
HELD = ("calibration error", "calibration error interval", "reliability", "mass", "number in range")
"""Figures of a kind that hang on settings."""


def read_again(row: Record, curves: Mapping[str, Curve], factors: Mapping[str, Factor]) -> Record:
    """A record whose findings say what other settings make of their scores and masses.

    Parameters
    ----------
    row : Record
    curves : mapping of str to (float, float)
        Kind → curve of the probability; a kind without one keeps its score.
    factors : mapping of str to (float, float)
        Kind → low and high factor of a mass's interval; a kind without one keeps its interval.

    Returns
    -------
    Record
        Less the findings that are too unlikely then.
    """
    regions = [_read(region, curves.get(region.kind), factors.get(region.kind)) for region in row.regions]
    model = {**row.model, "calibrated": " ".join(sorted(curves))}
    return replace(row, regions=tuple(region for region in regions if region.probability >= LEAST), model=model)


def _read(region: Region, curve: Curve | None, factor: Factor | None) -> Region:
    interval = region.interval if factor is None else (region.mass * factor[0], region.mass * factor[1])
    return replace(region, probability=float(probability_of(region.score, curve)), interval=interval)


def crosswise(rows: Sequence[Record], *, draws: int = 1000) -> dict[str, Any]:
    """Figures of probabilities, masses and thresholds, each half of the scans read as the other half sets them.

    Parameters
    ----------
    rows : sequence of Record
        Of one model; every other one makes the first half. No two of the same scan.
    draws : int
        As in `xrayscan.evaluation.summary.summarize`, whose figures these are.

    Returns
    -------
    dict
        "scans", "clean scans", for each kind its figures, and under "thresholds" for each rate the shares of clean scans
        alarmed and of scans with persons found.

    Raises
    ------
    RecipeError
        If a half holds fewer than `xrayscan.training.calibration.FEWEST_CLEAN` clean scans.
    """
    halves = (rows[::2], rows[1::2])
    again: list[Record] = []
    alarmed: dict[float, list[bool]] = {}
    found: dict[float, list[bool]] = {}
    for own, other in (halves, halves[::-1]):
        curves, factors = probabilities(other), mass_factor(other)
        again += [read_again(row, curves, factors) for row in own]
        for rate, level in thresholds(other).items():
            alarmed.setdefault(rate, []).extend(row.score["person"] > level for row in own if is_clean(row))
            found.setdefault(rate, []).extend(row.score["person"] > level for row in holding(own, "person"))
    figures = summarize(again, {}, {}, draws=draws)
    kinds = {kind: figures[kind] for kind in ("person", "void", "density")}
    return {
        "scans": figures["scans"],
        "clean scans": figures["clean scans"],
        **{kind: {name: told[name] for name in HELD if told.get(name)} for kind, told in kinds.items()},
        "thresholds": {
            f"{rate:g}": figure_named(wilson(sum(alarmed[rate]), len(alarmed[rate])), "clean scans alarmed")
            | figure_named(wilson(sum(found[rate]), len(found[rate])), "scans with persons found")
            for rate in alarmed
        },
    }
