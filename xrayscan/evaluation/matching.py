"""Findings against the truth of a packed scan: which hit, which miss, and what was there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from xrayscan.findings import CORE, EDGE, SMALLEST, Finding
from xrayscan.network.anomaly import KINDS, Kind
from xrayscan.scan import Radiograph
from xrayscan.simulate.packed import BITS

__all__ = ["Faint", "Marks", "Region", "faint", "found", "matched"]

HEAD = 30  # truth components smaller than this are cut-off remains [px]
ENOUGH = 0.1  # share of a finding, or of what is there, that has to overlap
LEVELS = tuple(EDGE / 2**step for step in range(6))  # edges of ever fainter regions
RISE = 4 / 3  # a faint region's highest score over its edge
MOST = 40  # faint false regions that are kept of a scan and kind
# Parts of one thing, seen between slats, tubes or opaque bars, are at most twice this apart [m]. Persons sit close together.
JOINED: Mapping[str, float] = MappingProxyType({"person": 0.02, "void": 0.05, "density": 0.05})


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
    interval : (float, float) or None [kg]
        Of the mass, as the finding states it.
    driver : bool
        It misses, and lies on who drives.
    box : (int, int, int, int) or None
        Top, left, bottom, right [px].
    """

    kind: str
    score: float
    probability: float
    hit: bool
    foreign: bool
    mass: float
    truth_mass: float
    interval: tuple[float, float] | None = None
    driver: bool = False
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, eq=False)
class Marks:
    """The truth of a packed scan, where it can be seen.

    Attributes
    ----------
    labels : mapping of str to ndarray of int32, shape (rows, columns)
        Number of the thing of each kind, 0 for none; parts less than twice `JOINED` apart are one thing.
    other : ndarray of bool, shape (rows, columns)
        Something of any kind, a hole made for one, or what was not scanned.
    driver : ndarray of bool, shape (rows, columns)
    seen : ndarray of bool, shape (rows, columns)
        Valid and seen through.
    areal : mapping of str to ndarray of float32, shape (rows, columns) [g/cm²]
        What a mass of each kind is the sum of.
    """

    labels: Mapping[Kind, np.ndarray]
    other: np.ndarray
    driver: np.ndarray
    seen: np.ndarray
    areal: Mapping[Kind, np.ndarray]

    @classmethod
    def of(cls, packed: np.ndarray, radiograph: Radiograph) -> Marks:
        """The truth of a packed scan, shape (7, rows, columns); see `xrayscan.simulate.packed`."""
        bits = packed[4].astype(np.uint8)
        # What lies behind opaque pixels can not be found, and is counted apart by the share that was penetrated.
        seen = radiograph.valid & ~radiograph.opaque
        pitch = radiograph.pixel_pitch[0]
        labels = {kind: _labels(((bits & BITS[kind]) > 0) & seen, round(JOINED[kind] / pitch)) for kind in KINDS}
        other = (bits & (BITS["person"] | BITS["void"] | BITS["density"] | BITS["ignore"])) > 0
        added, missing = packed[5].astype(np.float32), packed[6].astype(np.float32)
        areal: dict[Kind, np.ndarray] = {"person": added, "void": missing, "density": abs(added - missing)}
        return cls(labels, other, (bits & BITS["driver"]) > 0, seen, areal)

    def judged(self, kind: Kind) -> np.ndarray:
        """Where a score of that kind is right or wrong, shape (rows, columns)."""
        return self.seen & ((self.labels[kind] > 0) | ~self.other)

    def things(self, kind: Kind) -> dict[int, int]:
        """Number and size [px] of each thing that is no cut-off remain."""
        sizes = np.bincount(self.labels[kind].ravel())
        return {label: int(size) for label, size in enumerate(sizes) if label and size >= HEAD}


def _labels(mask: np.ndarray, reach: int) -> np.ndarray:
    """Number of each thing, whose parts are at most twice ``reach`` pixels apart, shape (rows, columns)."""
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    grown = cv2.dilate(mask.astype(np.uint8), brush) if reach else mask.astype(np.uint8)
    labels: np.ndarray = cv2.connectedComponents(grown, connectivity=8)[1]
    labels[~mask] = 0
    return labels


def matched(findings: Sequence[Finding], marks: Marks, cell: float) -> tuple[Region, ...]:
    """Findings of any kind against the truth, in their order.

    Parameters
    ----------
    findings : sequence of Finding
    marks : Marks
    cell : float [kg per g/cm²]
        Mass of a pixel of 1 g/cm².
    """
    owned: dict[int, np.ndarray] = {}
    for kind in KINDS:
        own = [finding for finding in findings if finding.kind == kind]
        owned |= dict(zip(map(id, own), _owned(own, marks.labels[kind]), strict=True))
    return tuple(_region(finding, marks, owned[id(finding)], cell) for finding in findings)


def _region(finding: Finding, marks: Marks, owned: np.ndarray, cell: float) -> Region:
    box, mask = finding.box, finding.mask
    labels = marks.labels[finding.kind]
    here = labels[box.slices][mask]
    inside = int((here > 0).sum())
    touched = int(np.isin(labels, np.unique(here[here > 0])).sum()) if inside else 0
    hit = bool(inside > 0 and (inside >= ENOUGH * mask.sum() or inside >= ENOUGH * touched))
    foreign = not hit and bool(marks.other[box.slices][mask].sum() >= ENOUGH * mask.sum())
    driver = not hit and bool(marks.driver[box.slices][mask].sum() >= ENOUGH * mask.sum())
    mass = float(marks.areal[finding.kind][owned].sum() * cell) if hit else 0.0
    return Region(
        finding.kind, round(finding.evidence["score"], 6), round(finding.probability, 6), hit, foreign,
        round(finding.mass.value, 3), round(mass, 3), (round(finding.mass.low, 3), round(finding.mass.high, 3)), driver,
        (box.top, box.left, box.bottom, box.right),
    )  # fmt: skip


def _owned(findings: Sequence[Finding], labels: np.ndarray) -> list[np.ndarray]:
    """For each finding the things it overlaps; truth that several overlap goes to the nearest of them."""
    touched = [set(np.unique(labels[f.box.slices][f.mask]).tolist()) - {0} for f in findings]
    owned = [np.isin(labels, list(names)) for names in touched]
    shared = [k for k, names in enumerate(touched) if any(names & other for j, other in enumerate(touched) if j != k)]
    if not shared:
        return owned
    distance = np.full((len(findings), *labels.shape), np.inf, np.float32)
    for k in shared:
        outside = np.ones(labels.shape, np.uint8)
        outside[findings[k].box.slices][findings[k].mask] = 0
        distance[k] = np.where(owned[k], cv2.distanceTransform(outside, cv2.DIST_L2, 5), np.inf)
    nearest = distance.argmin(0)
    return [own & (nearest == k) if k in shared else own for k, own in enumerate(owned)]


def found(findings: Sequence[Finding], marks: Marks, kind: Kind) -> dict[int, float]:
    """For each thing of a kind the highest score of a finding that hits it, 0 if none."""
    labels, best = marks.labels[kind], {}
    for label, size in marks.things(kind).items():
        hits = [
            f.evidence["score"]
            for f in findings
            if f.kind == kind and (labels[f.box.slices][f.mask] == label).sum() >= ENOUGH * min(size, f.mask.sum())
        ]
        best[label] = max((score for score in hits if score > 0), default=0.0)
    return best


@dataclass(frozen=True)
class Faint:
    """Regions too faint to be findings: what the FROC needs beyond the findings' own threshold.

    Attributes
    ----------
    false : tuple of float
        Scores of those where there is nothing, highest first, at most `MOST`.
    reached : mapping of int to float
        Number of a thing → highest score of a region that a tenth or more lies on it.
    """

    false: tuple[float, ...]
    reached: Mapping[int, float]


def faint(score: np.ndarray, kind: Kind, taken: np.ndarray, marks: Marks, cell_area: float) -> Faint:
    """Regions of ever lower edges that touch no finding and no region of a higher edge.

    A wide faint haze hits nothing: unlike a finding, it has to lie on the thing with a tenth of its own area.

    Parameters
    ----------
    score : ndarray of float, shape (rows, columns)
    kind : {"person", "void", "density"}
    taken : ndarray of bool, shape (rows, columns)
        What findings of the kind cover.
    marks : Marks
    cell_area : float [m²]
        Of a pixel.
    """
    taken, labels, things = taken.copy(), marks.labels[kind], marks.things(kind)
    core, smallest = max(1, round(CORE / cell_area)), SMALLEST[kind] / cell_area
    false: list[float] = []
    reached: dict[int, float] = {}
    for level in LEVELS:
        count, names, stats, _ = cv2.connectedComponentsWithStats((score >= level).astype(np.uint8), connectivity=8)
        touching = np.bincount(names[taken], minlength=count) > 0
        for name in np.flatnonzero((stats[:, cv2.CC_STAT_AREA] >= smallest) & ~touching):
            left, top, width, height, area = (int(v) for v in stats[name])
            place = slice(top, top + height), slice(left, left + width)
            own = names[place] == name
            values = score[place][own]
            if name == 0 or values.max() < level * RISE:
                continue
            taken[place] |= own
            peak = float(np.sort(values)[-core:].mean())
            below = np.bincount(labels[place][own])
            hits = [label for label in things if label < len(below) and below[label] >= ENOUGH * area]
            reached.update({label: max(peak, reached.get(label, 0.0)) for label in hits})
            if below[1:].sum() < ENOUGH * area and marks.other[place][own].sum() < ENOUGH * area:
                false.append(round(peak, 6))
    return Faint(tuple(sorted(false, reverse=True)[:MOST]), reached)
