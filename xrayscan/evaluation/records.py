"""One record a scan: what was in it, what was found, how it scored. Every figure is made from these."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from xrayscan.findings import Finding, find, scan_score
from xrayscan.network import KINDS, Model
from xrayscan.network.anomaly import Kind
from xrayscan.scan import Radiograph
from xrayscan.simulate.packed import BITS, load_packed

__all__ = ["Record", "Region", "record", "records"]

HEAD = 30  # truth components smaller than this are cut-off remains [px]


@dataclass(frozen=True)
class Region:
    """One finding against the truth.

    Attributes
    ----------
    kind : str
    score, probability : float
    hit : bool
        It overlaps truth of its kind: a tenth of it, or a tenth of the truth.
    foreign : bool
        It misses its own kind, and lies on an anomaly of another kind or on a hole made for one.
    mass, truth_mass : float [kg]
    """

    kind: str
    score: float
    probability: float
    hit: bool
    foreign: bool
    mass: float
    truth_mass: float


@dataclass(frozen=True)
class Record:
    """One scan.

    Attributes
    ----------
    kind, load, quantity : str
    score : mapping of str to float
        Scan score of each kind.
    regions : tuple of Region
    found : mapping of str to tuple of float
        For each kind and each thing that is there, the highest score of a region that hits it, 0 if none.
    instances : tuple of dict
        The things' label, place, mass [kg] and load [g/cm²].
    """

    kind: str
    load: str
    quantity: str
    score: Mapping[Kind, float]
    regions: tuple[Region, ...]
    found: Mapping[Kind, tuple[float, ...]]
    instances: tuple[dict[str, Any], ...] = field(default_factory=tuple)


def record(path: Path, model: Model) -> Record:
    """Run a model over a packed scan and compare with its truth."""
    packed = load_packed(path).astype(np.float32)
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    bits = packed[4].astype(np.uint8)
    dual = bool((bits & BITS["dual"]).any())
    pitch = (model.card.grid, model.card.grid)
    radiograph = Radiograph(
        packed[: 2 if dual else 1], packed[2] > 0.3, packed[3] > 0.5, pitch,
        energies=("high", "low")[: 2 if dual else 1], quantity=about["quantity"],
    )  # fmt: skip
    anomaly = model(radiograph)
    # What lies behind opaque pixels can not be found, and is counted apart by the share that was penetrated.
    visible = radiograph.valid & ~radiograph.opaque
    truth = {kind: ((bits & BITS[kind]) > 0) & visible for kind in KINDS}
    anything = (bits & (BITS["person"] | BITS["void"] | BITS["density"] | BITS["ignore"])) > 0
    findings = find(anomaly, radiograph)
    cell = model.card.grid**2 * 10.0
    regions = tuple(_region(finding, truth[finding.kind], anything, packed[5:7], cell) for finding in findings)
    found = {kind: _found(truth[kind], [f for f in findings if f.kind == kind]) for kind in KINDS}
    scores = {kind: scan_score(anomaly, radiograph, kind) for kind in KINDS}
    return Record(about["kind"], about["load"], about["quantity"], scores, regions, found, tuple(about["instances"]))


def records(folder: Path, model: Model) -> Iterator[Record]:
    """Records of every packed scan of a folder, in order."""
    for path in sorted(folder.glob("*.npz")):
        yield record(path, model)


def _region(finding: Finding, truth: np.ndarray, anything: np.ndarray, areal: np.ndarray, cell: float) -> Region:
    inside = truth[finding.box.slices] & finding.mask
    touched = _touched(truth, finding)
    hit = bool(inside.sum() >= 0.1 * finding.mask.sum() or (touched.any() and inside.sum() >= 0.1 * touched.sum()))
    foreign = not hit and bool((anything[finding.box.slices] & finding.mask).sum() >= 0.1 * finding.mask.sum())
    plane = {"person": areal[0], "void": areal[1], "density": abs(areal[0] - areal[1])}[finding.kind]
    truth_mass = float(plane[touched].sum() * cell) if hit else 0.0
    return Region(finding.kind, finding.evidence["score"], finding.probability, hit, foreign, finding.mass.value, truth_mass)


def _touched(truth: np.ndarray, finding: Finding) -> np.ndarray:
    """The connected truth that a finding overlaps, shape (rows, columns)."""
    _, labels = cv2.connectedComponents(truth.astype(np.uint8), connectivity=8)
    names = np.unique(labels[finding.box.slices][finding.mask])
    return np.isin(labels, names[names > 0])


def _found(truth: np.ndarray, findings: list[Finding]) -> tuple[float, ...]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=8)
    best = []
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < HEAD:
            continue
        own = labels == label
        hits = [
            f.evidence["score"] for f in findings if (own[f.box.slices] & f.mask).sum() >= 0.1 * min(own.sum(), f.mask.sum())
        ]
        best.append(max(hits, default=0.0))
    return tuple(best)


def to_json(rows: list[Record]) -> str:
    """Records as JSON Lines."""
    return "\n".join(json.dumps(asdict(row)) for row in rows) + "\n"
