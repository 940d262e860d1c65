"""AnomalyMap → Findings: regions for a person to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from xrayscan.errors import ShapeError
from xrayscan.network.anomaly import KINDS, AnomalyMap, Kind, probability_of
from xrayscan.scan import Box, Radiograph, frozen_array
from xrayscan.separation import separate

__all__ = [
    "Finding",
    "Mass",
    "Position",
    "Size",
    "find",
    "is_contained",
    "place_scores",
    "position_of",
    "probability_text",
    "range_of_persons",
    "scan_score",
]


EDGE = 0.30  # score at which a region ends
SHADE = 0.10  # score from which on a pixel belongs to a place whose score may be the scan's
PEAK = 0.40  # score that a region must reach somewhere
CORE = 0.02  # a region's score is the mean of its highest 0.02 m², about the area of a head [m²]
SMALLEST: Mapping[str, float] = MappingProxyType({"person": 0.015, "void": 0.03, "density": 0.01})  # [m²]
UNMEASURED = (0.2, 5.0)  # factors of a mass whose interval the model's card does not hold: its order of magnitude
FAINTEST = 3.0  # a density anomaly differs from the load around by at least this [g/cm²]
LEAST = 0.05  # probability under which a region is not worth a look


@dataclass(frozen=True)
class Mass:
    """A mass with its interval [kg]."""

    value: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"Mass({self.value:.0f} kg, {self.low:.0f} to {self.high:.0f} kg)"


@dataclass(frozen=True)
class Position:
    """The middle of a finding [m]: along the travel from the container's left end in the picture, and above its floor.

    Which end that is, front or rear, depends on the way the vehicle went; where a cab is seen, the evidence says it.

    Without a container box both are measured from the picture's left and lower edge.
    """

    from_left: float
    above_floor: float

    def __repr__(self) -> str:
        return f"Position({self.from_left:.2f} m from the left end, {self.above_floor:.2f} m above the floor)"


@dataclass(frozen=True)
class Size:
    """Extent of a finding [m], in the middle of the load."""

    height: float
    width: float

    def __repr__(self) -> str:
        return f"Size({self.height:.2f} m high, {self.width:.2f} m wide)"


@dataclass(frozen=True, eq=False, repr=False)
class Finding:
    """One region for a person to look at.

    Attributes
    ----------
    id : str
        Unique in its report: "P1", "V1", "D1".
    kind : {"person", "void", "density"}
        What it is consistent with.
    probability : float
        0 to 1, calibrated on the data that the model's card names.
    box : Box
    mask : ndarray of bool, shape (box.height, box.width)
    position : Position [m]
    size : Size [m]
    mass : Mass [kg]
        Of what was added ("person", "density") or taken away ("void").
    evidence : mapping of str to float
        Measured quantities, each name ending in its unit, such as ``added_g_cm2``.

    Raises
    ------
    ShapeError
    """

    id: str
    kind: Kind
    probability: float
    box: Box
    mask: np.ndarray
    position: Position
    size: Size
    mass: Mass
    evidence: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mask = frozen_array(self.mask, bool)
        if mask.shape != (self.box.height, self.box.width):
            raise ShapeError(
                f"mask has shape {mask.shape}, its box is {self.box.height} x {self.box.width}",
                expected=(self.box.height, self.box.width),
                actual=mask.shape,
            )
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "evidence", MappingProxyType({k: float(v) for k, v in self.evidence.items()}))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "evidence": dict(self.evidence)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, evidence=MappingProxyType(state["evidence"]))

    def __repr__(self) -> str:
        return f"Finding({self.id}: {self.kind}, probability {self.probability:.2f}, {self.position!r}, {self.mass!r})"


def probability_text(probability: float) -> str:
    """A probability as it is shown to people: never rounded to certainty.

    Examples
    --------
    >>> probability_text(0.874), probability_text(0.998), probability_text(0.001)
    ('0.87', '>0.99', '<0.01')
    """
    if probability > 0.99:
        return ">0.99"
    return "<0.01" if probability < 0.01 else f"{probability:.2f}"


def find(anomaly: AnomalyMap, radiograph: Radiograph, *, start: int = 0) -> tuple[Finding, ...]:
    """Regions for a person to look at, the highest probability first.

    A region is connected, above `EDGE` everywhere and above `PEAK` somewhere, and not smaller than anything of its kind
    could be seen. Touching persons are told apart where the region is narrow between them
    (`xrayscan.separation.separate`). What is opaque or not valid belongs to none.

    Parameters
    ----------
    anomaly : AnomalyMap
    radiograph : Radiograph
        The one that the map was made from.
    start : int
        Columns of the scan that lie before the radiograph, if it is a part of one; positions are told in the whole.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    ShapeError
        If the two are of different scans.
    """
    if not (isinstance(anomaly, AnomalyMap) and isinstance(radiograph, Radiograph)):
        given = f"a {type(anomaly).__name__} and a {type(radiograph).__name__}"
        raise TypeError(f"find was given {given}; pass an AnomalyMap, model(radiograph), and then the Radiograph")
    if anomaly.shape != radiograph.shape:
        raise ShapeError(
            f"the anomaly map has shape {anomaly.shape}, the radiograph {radiograph.shape}; pass the pair of one scan",
            expected=radiograph.shape,
            actual=anomaly.shape,
        )
    findings = []
    for kind in KINDS:
        regions = [_finding(kind, *part, anomaly, radiograph, start) for part in _regions(kind, anomaly, radiograph)]
        regions = sorted((r for r in regions if r.probability >= LEAST), key=lambda r: -r.probability)
        findings += [replace(region, id=f"{kind[0].upper()}{rank}") for rank, region in enumerate(regions, 1)]
    return tuple(sorted(findings, key=lambda finding: -finding.probability))


def scan_score(anomaly: AnomalyMap, radiograph: Radiograph, kind: Kind = "person") -> float:
    """How much the most suspicious place of a scan stands out, 0 to 1.

    A place is connected and scores `SHADE` or more everywhere. Its score is the mean of its highest pixels, as many as make
    the model's area, which is about that of a person; of a smaller place all of them, and at least those of a head: what it
    lacks of that counts as 0. The thresholds of a model's card are levels of the highest.

    Examples
    --------
    >>> from xrayscan.network.anomaly import ModelId
    >>> person = np.zeros((100, 100), np.float32)
    >>> person[:50, :50], person[60:62, 60:62] = 0.6, 1.0  # 0.25 m², and a few bright pixels
    >>> zero = np.zeros_like(person)
    >>> anomaly = AnomalyMap(person, zero, zero, zero, zero, ModelId("m", "1", "", score_area=0.2))
    >>> scan = Radiograph(zero[None], np.ones((100, 100), bool), np.zeros((100, 100), bool), (0.01, 0.01))
    >>> round(scan_score(anomaly, scan), 3)
    0.6
    """
    score, least = getattr(anomaly, kind), _least(anomaly, radiograph)
    faintest = np.max(score, where=score < SHADE, initial=0.0) / least
    return float(np.float32(max(faintest, *(height for _, _, height in _places(anomaly, radiograph, kind)), 0.0)))


def place_scores(anomaly: AnomalyMap, radiograph: Radiograph, kind: Kind = "person") -> np.ndarray:
    """The score of the place that each pixel belongs to, float32 of shape (rows, columns): the highest is the `scan_score`.

    What is fainter than any place is a place of one pixel.
    """
    scores = np.asarray(getattr(anomaly, kind) / np.float32(_least(anomaly, radiograph)))
    for box, mask, height in _places(anomaly, radiograph, kind):
        scores[box.slices][mask] = height
    return scores


def _places(anomaly: AnomalyMap, radiograph: Radiograph, kind: Kind) -> Iterator[tuple[Box, np.ndarray, float]]:
    """Box, mask and score of each place."""
    score, most, least = getattr(anomaly, kind), _most(anomaly, radiograph), _least(anomaly, radiograph)
    for box, mask in _connected(score >= SHADE):
        highest = np.sort(score[box.slices][mask])[-most:]
        yield box, mask, float(highest.sum(dtype=np.float64)) / max(len(highest), least)


def _most(anomaly: AnomalyMap, radiograph: Radiograph) -> int:
    """Pixels of the model's area."""
    return max(1, round(anomaly.model.score_area / (radiograph.pixel_pitch[0] * radiograph.pixel_pitch[1])))


def _least(anomaly: AnomalyMap, radiograph: Radiograph) -> int:
    """Pixels of a head, and no more than of the model's area."""
    return min(_most(anomaly, radiograph), max(1, round(CORE / (radiograph.pixel_pitch[0] * radiograph.pixel_pitch[1]))))


def _connected(above: np.ndarray) -> Iterator[tuple[Box, np.ndarray]]:
    """Connected regions of a mask, over corners too: box, and mask of that size."""
    # Only where there are any: to label a whole scan takes far longer than to see that most of it is empty.
    left, top, wide, tall = cv2.boundingRect(above.view(np.uint8))
    if not wide:
        return
    part = above[top : top + tall, left : left + wide].view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    for label in range(1, count):
        column, row, width, height, _ = (int(value) for value in stats[label])
        inner = Box(row, column, row + height, column + width)
        yield Box(top + row, left + column, top + inner.bottom, left + inner.right), labels[inner.slices] == label


def range_of_persons(probabilities: Sequence[float], confidence: float = 0.9) -> tuple[int, int]:
    """Range of the number of findings that are right, if each is so with its probability and independent of the others.

    Parameters
    ----------
    probabilities : sequence of float
        Of the findings that are consistent with a person.
    confidence : float

    Returns
    -------
    (int, int)
        Quantiles of the Poisson binomial distribution.

    References
    ----------
    L. Le Cam, Pacific J. Math. 10 (1960) 1181, https://doi.org/10.2140/pjm.1960.10.1181

    Examples
    --------
    >>> range_of_persons([0.99, 0.97, 0.4]), range_of_persons([])
    ((2, 3), (0, 0))
    """
    chances = np.ones(1)
    for p in probabilities:
        chances = np.convolve(chances, [1 - p, p])
    upto, tail = np.cumsum(chances), (1 - confidence) / 2
    return int(np.searchsorted(upto, tail + 1e-12)), int(np.searchsorted(upto, 1 - tail - 1e-12))


def _regions(kind: Kind, anomaly: AnomalyMap, radiograph: Radiograph) -> list[tuple[Box, np.ndarray]]:
    score = getattr(anomaly, kind)
    cell = radiograph.pixel_pitch[0] * radiograph.pixel_pitch[1]
    regions = []
    for box, mask in _connected(score >= EDGE):
        if np.count_nonzero(mask) * cell < SMALLEST[kind]:
            continue
        if score[box.slices][mask].max() < PEAK or (kind == "density" and _faint(box, mask, anomaly)):
            continue
        parts = separate(mask, anomaly.added[box.slices], radiograph.pixel_pitch) if kind == "person" else [mask]
        regions += [_trimmed(box, part) for part in parts]
    return regions


def _trimmed(box: Box, mask: np.ndarray) -> tuple[Box, np.ndarray]:
    """A mask without empty rows and columns around it, and its box."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inner = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    sides = rows[0] + box.top, columns[0] + box.left, rows[-1] + box.top + 1, columns[-1] + box.left + 1
    return Box(*(int(side) for side in sides)), mask[inner]


def _faint(box: Box, mask: np.ndarray, anomaly: AnomalyMap) -> bool:
    """Whether the network itself sees no difference in areal density where it flags one."""
    difference = abs(anomaly.added[box.slices] - anomaly.missing[box.slices])[mask]
    return float(difference.mean()) < FAINTEST


def _finding(
    kind: Kind, box: Box, mask: np.ndarray, anomaly: AnomalyMap, radiograph: Radiograph, start: int
) -> Finding:  # fmt: skip
    pitch = radiograph.pixel_pitch
    cell = pitch[0] * pitch[1]
    score, added, missing = (getattr(anomaly, name)[box.slices][mask] for name in (kind, "added", "missing"))
    core = np.sort(score)[-max(1, round(CORE / cell)) :]
    height = float(core.mean())
    amount = {"person": added, "void": missing, "density": abs(added - missing)}[kind]
    mass = float(amount.sum() * cell * 10.0)  # g/cm² times m² times 10 is kg
    low, high = anomaly.model.mass_factor.get(kind, UNMEASURED)
    depth = radiograph.optical_depth[0][box.slices][mask]
    opaque = radiograph.opaque[box.grown(3, radiograph.shape).slices]
    evidence = {
        "score": height,
        "area_m2": float(mask.sum() * cell),
        "added_g_cm2": float(added.mean()),
        "missing_g_cm2": float(missing.mean()),
        "optical_depth": float(np.nanmedian(depth)),
        "transmission": float(np.exp(-np.nanmedian(depth))),
        "opaque_share_around": float(opaque.mean()),
    }
    position = position_of(box, mask, radiograph.containers, pitch, radiograph.shape[0], start)
    size = Size(box.height * pitch[0], box.width * pitch[1])
    chance = float(probability_of(height, anomaly.model.calibration.get(kind)))
    return Finding(
        "?", kind, chance, box, mask, position, size, Mass(mass, mass * min(low, 1.0), mass * max(high, 1.0)), evidence
    )


def position_of(
    box: Box, mask: np.ndarray, containers: Sequence[Box], pitch: tuple[float, float], rows: int, start: int = 0
) -> Position:  # fmt: skip
    """Middle of a region, from the left end and the floor of the container that holds it; else from the picture's edges.

    Parameters
    ----------
    box, mask
        As of a `Finding`.
    containers : sequence of Box
    pitch : (float, float) [m]
    rows : int
        Of the picture.
    start : int
        Columns that lie before the picture, if it is a part of one.
    """
    row, column = _middle(box, mask)
    holding = _holding(containers, row, column)
    left, bottom = (-start, rows) if holding is None else (holding.left, holding.bottom)
    return Position((column - left) * pitch[1], (bottom - row) * pitch[0])


def is_contained(box: Box, mask: np.ndarray, containers: Sequence[Box]) -> bool:
    """Whether a region's position is told from a container, as `position_of` does."""
    return _holding(containers, *_middle(box, mask)) is not None


def _middle(box: Box, mask: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return box.top + float(rows.mean()) + 0.5, box.left + float(columns.mean()) + 0.5


def _holding(containers: Sequence[Box], row: float, column: float) -> Box | None:
    """The container around a place, or the one above or below which it lies; of two upon each other the right one."""
    over = [one for one in containers if one.left <= column < one.right]
    return next((one for one in over if one.top <= row < one.bottom), over[0] if over else None)
