"""DICOS threat detection reports (TDR) read back: what a machine, an operator or the ground truth said of a scan.

The words are the standard's: a report holds potential threat objects (PTO), each with representations (where it lies in which
scan) and assessments (what it is taken for). They are not this library's findings: nothing says how they were found.

References
----------
.. [1] NEMA IIC 1 v03, Digital Imaging and Communications in Security (DICOS), threat detection report.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from xrayscan.errors import ShapeError
from xrayscan.io.dicom_elements import Dataset, looks_like_dicom, open_dicom
from xrayscan.io.dicom_header import identifiers, maker, moment, sop_class
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_PIXELS
from xrayscan.scan import Box, frozen_array

__all__ = ["Assessment", "PotentialThreatObject", "Reference", "Representation", "ThreatReport", "read_tdr"]

_REPORT = "1.2.840.10008.5.1.4.1.1.501.3"
MAX_OBJECTS = 10_000


class Reference(NamedTuple):
    """A scan that is spoken of: UIDs of its SOP class and SOP instance."""

    sop_class: str
    sop_instance: str


@dataclass(frozen=True)
class Assessment:
    """What an object is taken for.

    Attributes
    ----------
    category : str or None
        "EXPLOSIVE", "PI", "CONTRABAND", "ANOMALY", "LAPTOP", "PHARMACEUTICAL", "OTHER"; the standard has none for a person.
    ability : str or None
        "NO_INTERFERENCE", or "SHIELD": nothing can be seen there.
    flag : str or None
        "HIGH_THREAT", "THREAT", "NO_THREAT", "UNKNOWN".
    probability : float or None
        Confidence, 0 to 1; None where it is not given.
    description : str or None
    """

    category: str | None = None
    ability: str | None = None
    flag: str | None = None
    probability: float | None = None
    description: str | None = None


@dataclass(frozen=True, eq=False)
class Representation:
    """Where an object lies in one scan, and what was measured there; None is "not said".

    Attributes
    ----------
    references : tuple of Reference
        The scans in which it lies there.
    base, extents : (float, float, float) or None [px]
        First corner and size of the region of interest, in columns, rows and slices.
    bitmap : ndarray of bool or None, shape (slices, rows, columns)
        Which voxels of the region belong to the object; None: not said.
    polygon : ndarray of float32, shape (points, 3)
        Bounding polygon as it is stored: x, y, z of each point.
    mass : float or None [g]
    density : float or None [kg/m³]
    z_effective : float or None
    volume : float or None
    center, center_of_mass : (float, float, float) or None
    location : str or None
        In words.
    """

    references: tuple[Reference, ...] = ()
    base: tuple[float, float, float] | None = None
    extents: tuple[float, float, float] | None = None
    bitmap: np.ndarray | None = None
    polygon: np.ndarray = field(default_factory=lambda: np.empty((0, 3), np.float32))
    mass: float | None = None
    density: float | None = None
    z_effective: float | None = None
    volume: float | None = None
    center: tuple[float, float, float] | None = None
    center_of_mass: tuple[float, float, float] | None = None
    location: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "polygon", frozen_array(self.polygon, np.float32))
        if self.bitmap is not None:
            object.__setattr__(self, "bitmap", frozen_array(self.bitmap, bool))

    @property
    def is_flat(self) -> bool:
        """Whether the region is one of a radiograph: one slice, or none."""
        return self.base is not None and self.extents is not None and self.extents[2] <= 1

    def box(self) -> Box:
        """The region of interest in pixels of the scan, cut at its upper and left edge.

        Raises
        ------
        ShapeError
            If there is no region, it has no area, or it spans several slices of a volume.
        """
        left, top, right, bottom = self._edges()
        return Box(max(top, 0), max(left, 0), bottom, right)

    def mask(self) -> np.ndarray:
        """Which pixels of `box` belong to the object: the bitmap, or all where there is none.

        Returns
        -------
        ndarray of bool, shape (box.height, box.width)

        Raises
        ------
        ShapeError
            As `box`.
        """
        left, top, right, bottom = self._edges()
        whole = np.ones((bottom - top, right - left), bool)
        if self.bitmap is not None:
            flat = self.bitmap[0]
            whole[:] = False
            whole[: flat.shape[0], : flat.shape[1]] = flat[: whole.shape[0], : whole.shape[1]]
        return frozen_array(whole[max(-top, 0) :, max(-left, 0) :])

    def _edges(self) -> tuple[int, int, int, int]:
        if self.base is None or self.extents is None or not self.is_flat:
            what = "there is none" if self.base is None or self.extents is None else f"it spans {self.extents[2]:g} slices"
            raise ShapeError(
                f"a box needs a region of interest in one slice, and {what}; use base, extents and bitmap",
                expected=1,
                actual=None if self.extents is None else self.extents[2],
            )
        left, top = math.floor(self.base[0]), math.floor(self.base[1])
        right, bottom = math.ceil(self.base[0] + self.extents[0]), math.ceil(self.base[1] + self.extents[1])
        if right <= max(left, 0) or bottom <= max(top, 0):
            raise ShapeError(
                f"the region of interest at {self.base} with extents {self.extents} covers no pixel of a scan",
                expected="an area",
                actual=self.extents,
            )
        return left, top, right, bottom


@dataclass(frozen=True, eq=False, repr=False)
class PotentialThreatObject:
    """One object of a report: an identifier, where it lies and what it is taken for.

    Attributes
    ----------
    id : int or None
    representations : tuple of Representation
    assessments : tuple of Assessment
    began_at, ended_at : datetime or None
        When the object was processed.
    """

    id: int | None
    representations: tuple[Representation, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    began_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def representation(self) -> Representation:
        """The first representation; one that says nothing if there is none."""
        return self.representations[0] if self.representations else Representation()

    @property
    def assessment(self) -> Assessment:
        """The first assessment; one that says nothing if there is none."""
        return self.assessments[0] if self.assessments else Assessment()

    @property
    def category(self) -> str | None:
        """Of the first assessment."""
        return self.assessment.category

    @property
    def ability(self) -> str | None:
        """Of the first assessment; "SHIELD": nothing can be seen there."""
        return self.assessment.ability

    @property
    def flag(self) -> str | None:
        """Of the first assessment."""
        return self.assessment.flag

    @property
    def probability(self) -> float | None:
        """Of the first assessment."""
        return self.assessment.probability

    @property
    def description(self) -> str | None:
        """Of the first assessment."""
        return self.assessment.description

    @property
    def polygon(self) -> np.ndarray:
        """Of the first representation."""
        return self.representation.polygon

    @property
    def bitmap(self) -> np.ndarray | None:
        """Of the first representation."""
        return self.representation.bitmap

    def box(self) -> Box:
        """Of the first representation, see `Representation.box`."""
        return self.representation.box()

    def mask(self) -> np.ndarray:
        """Of the first representation, see `Representation.mask`."""
        return self.representation.mask()

    def __repr__(self) -> str:
        where = self.representation
        region = f", region at {where.base} of {where.extents} px" if where.base else ""
        chance = "" if self.probability is None else f", probability {self.probability:.2f}"
        return f"PotentialThreatObject({self.id}: {self.category}, {self.ability}, {self.flag}{chance}{region})"


@dataclass(frozen=True, eq=False, repr=False)
class ThreatReport:
    """One threat detection report.

    Attributes
    ----------
    tdr_type : str or None
        "MACHINE", "OPERATOR", "GROUND_TRUTH", or another term of the standard.
    alarm_decision : str or None
        "ALARM", "CLEAR", "UNKNOWN".
    findings : tuple of PotentialThreatObject
        In the file's order.
    algorithm : tuple of str
        Name, version and parameters of the algorithm.
    vendor, machine : str or None
        Maker and model of what made the report.
    created_at, decided_at : datetime or None
        When the report was made and when the alarm was decided.
    references : tuple of Reference
        The scans that the report is about.
    ids : mapping of str to str
        Identifiers of report and object of inspection; none of a person.
    total_objects, alarm_objects : int or None
        As the report counts them.
    aborted : bool or None
        Whether the machine gave up: then no object is no finding at all.
    abort_reasons : tuple of str
    processing_time : float or None [s]
    scan_type : str or None
        "OPERATIONAL", ...
    """

    tdr_type: str | None = None
    alarm_decision: str | None = None
    findings: tuple[PotentialThreatObject, ...] = ()
    algorithm: tuple[str, ...] = ()
    vendor: str | None = None
    machine: str | None = None
    created_at: datetime | None = None
    decided_at: datetime | None = None
    references: tuple[Reference, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    total_objects: int | None = None
    alarm_objects: int | None = None
    aborted: bool | None = None
    abort_reasons: tuple[str, ...] = ()
    processing_time: float | None = None
    scan_type: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", MappingProxyType(dict(self.ids)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "ids": dict(self.ids)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, ids=MappingProxyType(state["ids"]))

    def __repr__(self) -> str:
        return f"ThreatReport({self.tdr_type}, {self.alarm_decision}, {len(self.findings)} objects)"


def read_tdr(path: str | Path) -> ThreatReport:
    """The threat detection report of a DICOS file.

    Raises
    ------
    ReadError
        If the file is not there (`MissingScanError`), may not be read, or is no threat detection report.
    CorruptScanError
        If it is damaged, cut off, or claims more than it holds.
    """
    file = ScanFile.open(Path(path))
    if not looks_like_dicom(file.head):
        raise file.refused("it is no DICOM file; a threat detection report is one: pass the .dcs file of the report")
    data = open_dicom(file)
    if not sop_class(data).startswith(_REPORT):
        raise file.refused(
            f"it is no threat detection report (SOP class {sop_class(data) or 'missing'}); read scans with xrayscan.read"
        )
    zone = data.text(0x00080201)
    threats = data.items(0x40101011)
    if len(threats) > MAX_OBJECTS:
        raise file.corrupt(f"it holds {len(threats)} objects; up to {MAX_OBJECTS} are read: it is damaged")
    vendor, machine = maker(data)
    milliseconds = data.number(0x40101069)
    abort = data.text(0x40101024)
    return ThreatReport(
        tdr_type=data.text(0x40101027),
        alarm_decision=data.text(0x40101031),
        findings=tuple(_object(file, item, zone) for item in threats),
        algorithm=tuple(data.texts(0x40101029)),
        vendor=vendor,
        machine=machine,
        created_at=_moment(data, 0x00080023, 0x00080033, zone) or _moment(data, 0x00080012, 0x00080013, zone),
        decided_at=moment(data.text(0x4010102B), zone),
        references=_references(data, 0x00081110),
        ids=identifiers(data),
        total_objects=data.integer(0x40101033),
        alarm_objects=data.integer(0x40101034),
        aborted=None if abort is None else abort != "SUCCESS",
        abort_reasons=tuple(reason for reason in data.texts(0x40101021) if reason),
        processing_time=None if milliseconds is None else milliseconds / 1000.0,
        scan_type=data.text(0x40101048),
    )


def _moment(data: Dataset, date: int, time: int, zone: str | None) -> datetime | None:
    return moment((data.text(date) or "") + (data.text(time) or ""), zone)


def _object(file: ScanFile, item: Dataset, zone: str | None) -> PotentialThreatObject:
    return PotentialThreatObject(
        id=item.integer(0x40101010),
        representations=tuple(_representation(file, inner) for inner in item.items(0x40101037)),
        assessments=tuple(_assessment(inner) for inner in item.items(0x40101038)),
        began_at=moment(item.text(0x40101080), zone),
        ended_at=moment(item.text(0x40101081), zone),
    )


def _assessment(item: Dataset) -> Assessment:
    chance = item.number(0x40101016)
    return Assessment(
        category=item.text(0x40101012),
        ability=item.text(0x40101014),
        flag=item.text(0x40101015),
        probability=chance if chance is not None and 0.0 <= chance <= 1.0 else None,
        description=item.paragraph(0x40101013),
    )


def _representation(file: ScanFile, item: Dataset) -> Representation:
    base = extents = bitmap = None
    for region in item.items(0x40101001)[:1]:
        base, extents = _triple(region, 0x40101004), _triple(region, 0x40101005)
        bitmap = _bitmap(file, region, extents)
    points = np.asarray(item.numbers(0x4010101D), np.float32)
    if len(points) % 3:
        raise file.corrupt(f"a bounding polygon has {len(points)} numbers, expected three a point; it is damaged")
    return Representation(
        references=_references(item, 0x0008114A),
        base=base,
        extents=extents,
        bitmap=bitmap,
        polygon=points.reshape(-1, 3),
        mass=item.number(0x40101017),
        density=item.number(0x40101018),
        z_effective=item.number(0x40101019),
        volume=item.number(0x40101023),
        center=_triple(item, 0x4010101C),
        center_of_mass=_triple(item, 0x4010101B),
        location=item.paragraph(0x40101078),
    )


def _bitmap(file: ScanFile, region: Dataset, extents: tuple[float, float, float] | None) -> np.ndarray | None:
    """The bitmap, unpacked: columns fastest, then rows, then slices; the lowest bit of each byte first."""
    packed = region.raw(0x40101006)
    if not packed:
        return None
    if extents is None:
        raise file.corrupt("a region of interest has a bitmap and no extents; it is damaged, copy it again")
    # A flat region may say 0 or 1 slices.
    columns, rows, slices = (max(1, side) for side in extents)
    sides = [int(side) for side in (slices, rows, columns)]
    voxels = math.prod(sides)
    if sides != [slices, rows, columns] or voxels > MAX_PIXELS or not voxels <= 8 * len(packed) <= voxels + 15:
        raise file.corrupt(
            f"a region of interest of {columns:g} x {rows:g} x {slices:g} voxels has a bitmap of {8 * len(packed)} bits; "
            "it is damaged, copy it again"
        )
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=voxels, bitorder="little")
    return bits.reshape(sides).astype(bool)


def _triple(data: Dataset, tag: int) -> tuple[float, float, float] | None:
    found = data.numbers(tag)
    if len(found) != 3 or not all(math.isfinite(number) and abs(number) < 1e9 for number in found):
        return None
    return found[0], found[1], found[2]


def _references(data: Dataset, tag: int) -> tuple[Reference, ...]:
    pairs = [(item.text(0x00081150) or "", item.text(0x00081155) or "") for item in data.items(tag)]
    return tuple(Reference(kind, instance) for kind, instance in pairs if instance)
