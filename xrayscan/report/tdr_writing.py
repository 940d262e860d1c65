"""A report as a DICOS threat detection report (TDR), for the systems that a checkpoint already has.

The standard's words are kept and never stretched: an alarm is "ALARM", anything else "UNKNOWN", because no finding is not a
clearance; "CLEAR" and "NO_THREAT" are never written. The standard has no category for a person: findings are "ANOMALY", with
what they are consistent with in the description. What was not penetrated is listed beside them, with the ability "SHIELD".

References
----------
.. [1] NEMA IIC 1 v03, Digital Imaging and Communications in Security (DICOS), threat detection report.
.. [2] ISO/IEC 9834-8 and DICOM PS3.5, B.2: UIDs made from a UUID.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from pydicom import DataElement, Dataset, config, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from xrayscan.errors import ReportError
from xrayscan.findings import is_contained
from xrayscan.report.masks import borders, mask_of
from xrayscan.report.tdr import MAX_OBJECTS
from xrayscan.scan import Box

__all__ = ["tdr", "write_tdr"]

REPORT = "1.2.840.10008.5.1.4.1.1.501.3"
SCAN = "1.2.840.10008.5.1.4.1.1.501.2.2"  # DX for processing, where the scan does not say what it is
HEAD = 0.02  # opaque places of this area stand alone, smaller ones together [m²]
MOST_PLACES = 1000  # opaque places that stand alone
WORDS = {"person": "consistent with a concealed person", "void": "void in the load", "density": "density anomaly"}
LONG, SHORT = 64, 16  # characters that the standard gives a long and a short string
PARAGRAPH, REMARK = 10240, 1024
MOST_POINTS = 65534 // 12  # of a polygon: three floats each in 64 kB, as explicit VR has it

Inspected = Literal["CARGO", "BAGGAGE"]
Elements = list[tuple[int, str, Any]]  # tag, value representation, value


def write_tdr(
    report: Mapping[str, Any], path: str | os.PathLike[str], made_at: datetime, inspected: Inspected = "CARGO"
) -> Path:
    """Write a report as a threat detection report.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` gives, or a ``report.json`` read back.
    path : path
        The file, by custom ``.dcs``.
    made_at : datetime
        When the report was made.
    inspected : {"CARGO", "BAGGAGE"}
        What kind of object the file calls the scanned one; some toolkits read regions of baggage only.

    Returns
    -------
    Path

    Raises
    ------
    KeyError
        If it is not a report.
    ReportError
        If it holds more objects than a threat detection report, or the file cannot be written.
    """
    path = Path(path)
    try:
        path.write_bytes(tdr(report, made_at, inspected))
    except OSError as error:
        raise ReportError(f"writing {path}: {error.strerror or error}; free space or check the rights") from error
    return path


def tdr(report: Mapping[str, Any], made_at: datetime, inspected: Inspected = "CARGO") -> bytes:
    """A report as the bytes of a threat detection report: the same for the same report.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` gives, or a ``report.json`` read back.
    made_at : datetime
        When the report was made.
    inspected : {"CARGO", "BAGGAGE"}
        What kind of object the file calls the scanned one; some toolkits read regions of baggage only.

    Returns
    -------
    bytes
        A DICOS file, explicit VR little endian.

    Raises
    ------
    KeyError
        If it is not a report.
    ReportError
        If it holds more objects than a threat detection report.
    """
    mark = hashlib.sha256(json.dumps(report, sort_keys=True).encode()).hexdigest()
    data = _head(report, made_at.astimezone(UTC), mark, inspected)
    threats = _threats(report, _reference(report, mark), _spent(report, made_at.astimezone(UTC)))
    if len(threats) > MAX_OBJECTS:
        raise ReportError(
            f"writing a threat detection report: there are {len(threats)} objects, up to {MAX_OBJECTS} are written"
        )
    alarms = sum(item[0x40101038].value[0][0x40101015].value == "THREAT" for item in threats)
    _add(data, 0x40101011, "SQ", threats)
    _add(data, 0x40101033, "US", len(threats))
    _add(data, 0x40101034, "US", alarms)
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = REPORT, data[0x00080018].value
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _add(data.file_meta, 0x00020004, "CS", "V03")
    stream = io.BytesIO()
    dcmwrite(stream, data, enforce_file_format=True)
    return stream.getvalue()


def _add(data: Dataset, tag: int, kind: str, value: Any) -> None:
    """Put a value in as it is: DICOS files have UIDs and tags that DICOM does not know."""
    data[tag] = DataElement(tag, kind, Items(value) if kind == "SQ" else value, validation_mode=config.IGNORE)


def _item(*elements: tuple[int, str, Any]) -> Dataset:
    data = Dataset()
    for element in elements:
        _add(data, *element)
    return data


def _line(text: str, longest: int = LONG) -> str:
    """Text of one value: without the backslash, which divides values, and cut to what the standard gives it."""
    return "".join(c if c.isprintable() and c != "\\" else " " for c in text)[:longest].strip()


def _uid(mark: str, what: str) -> str:
    """A UID made from a hash: the same for the same report."""
    return f"2.25.{int(hashlib.sha256(f'{what} {mark}'.encode()).hexdigest()[:32], 16)}"


def _reference(report: Mapping[str, Any], mark: str) -> Dataset:
    """The scan: its own UIDs, or one made from its hash where it is no DICOM file."""
    ids, sha256 = report["source"]["ids"], report["source"]["sha256"] or mark
    instance = ids.get("sop_instance") or _uid(sha256, "scan")
    return _item((0x00081150, "UI", ids.get("sop_class") or SCAN), (0x00081155, "UI", instance))


def _head(report: Mapping[str, Any], made_at: datetime, mark: str, inspected: str) -> Dataset:
    source, ids, model = report["source"], report["source"]["ids"], report["model"]
    sha256 = source["sha256"] or mark
    date, time = f"{made_at:%Y%m%d}", f"{made_at:%H%M%S.%f}"
    scanned = datetime.fromisoformat(report["acquired_at"]) if report["acquired_at"] else made_at
    scanned = scanned.astimezone(UTC) if scanned.tzinfo else scanned  # the file's times are UTC
    name = Path((source["path"] or "unknown").replace("\\", "/")).name
    return _item(
        (0x00080005, "CS", "ISO_IR 192"),
        (0x00080012, "DA", date), (0x00080013, "TM", time),
        (0x00080016, "UI", REPORT), (0x00080018, "UI", _uid(mark, "report")),
        (0x00080020, "DA", f"{scanned:%Y%m%d}"), (0x00080030, "TM", f"{scanned:%H%M%S.%f}"),
        (0x00080021, "DA", date), (0x00080031, "TM", time),
        (0x00080023, "DA", date), (0x00080033, "TM", time),
        (0x00080060, "CS", "TDR"),
        (0x00080070, "LO", "xrayscan"),
        (0x00080080, "LO", "unknown"), (0x00080081, "ST", "unknown"),
        (0x00080201, "SH", "+0000"),
        (0x00081010, "SH", _line(ids.get("station") or source["scanner"] or "unknown", SHORT)),
        (0x00081090, "LO", _line(f"{model['name']} {model['version']}")),
        (0x00081110, "SQ", [_reference(report, mark)]),
        (0x00100020, "LO", _line(ids.get("ooi") or name)), (0x00100021, "LO", "unknown"), (0x00100022, "CS", "TEXT"),
        (0x00181000, "LO", _line(model["sha256"])),
        (0x00181020, "LO", [_line(f"{part} {version}") for part, version in report["versions"].items()]),
        (0x00181200, "DA", date), (0x00181201, "TM", time),
        (0x0020000D, "UI", ids.get("study") or _uid(sha256, "study")),
        (0x0020000E, "UI", _uid(mark, "series")),
        (0x00200010, "SH", _line(ids.get("scan") or sha256, SHORT)),
        (0x00200013, "IS", "1"),
        (0x00200052, "UI", _uid(sha256, "frame")), (0x00201040, "LO", ""),
        *_outcome(report),
        (0x40101027, "CS", "MACHINE"),
        (0x40101029, "LO", _algorithm(report)),
        (0x4010102B, "DT", _stamp(made_at)),
        (0x4010103A, "CS", "V03"),
        (0x40101042, "CS", inspected),
        (0x40101044, "CS", "SUCCESSFUL"),
        (0x40101048, "CS", "OPERATIONAL"),
        (0x40101069, "FL", _seconds(report) * 1e3),
        (0x4010106D, "CS", "NO"),
        (0x40101075, "FD", 1.0),
    )  # fmt: skip


def _outcome(report: Mapping[str, Any]) -> Elements:
    """A scan too poor to screen is no answer: the standard's word is an abort."""
    alarm = (0x40101031, "CS", "ALARM" if report["priority"] == "high" else "UNKNOWN")
    if report["priority"] == "poor":
        return [(0x40101021, "CS", "NOT_REVIEWED"), (0x40101024, "CS", "ABORT"), alarm]
    return [(0x40101024, "CS", "SUCCESS"), alarm]


def _algorithm(report: Mapping[str, Any]) -> list[str]:
    """Maker, version and parameters, as other toolkits write them; what has no place of its own stands here too."""
    told = {
        "threshold": report["threshold"],
        "false_alarm_rate": report["false_alarm_rate"],
        "score": report["score"],
        "priority": report["priority"],
        "inspected": report["inspected"],
        "opaque": report["opaque_fraction"],
        "report_schema": report["schema_version"],
    }
    return ["xrayscan", _line(report["versions"]["xrayscan"]), *(_line(f"-{name}={value}") for name, value in told.items())]


def _spent(report: Mapping[str, Any], made_at: datetime) -> Elements:
    """When processing began and ended, and how long it took: of each object what it was of the whole scan."""
    seconds = _seconds(report)
    began_at = made_at - timedelta(seconds=seconds)
    return [(0x40101080, "DT", _stamp(began_at)), (0x40101081, "DT", _stamp(made_at)), (0x40101082, "FL", seconds * 1e3)]


def _seconds(report: Mapping[str, Any]) -> float:
    return float(sum(value or 0.0 for value in report["timings_s"].values()))


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S.%f}+0000"


def _threats(report: Mapping[str, Any], reference: Dataset, spent: Elements) -> list[Dataset]:
    """The findings in their order, then what was not penetrated, the largest place first."""
    alarmed = report["priority"] == "high"
    told = [_finding(finding, alarmed, report["scan"]["containers"]) for finding in report["findings"]]
    told += [_opaque(mask, corner, said) for mask, corner, said in _places(report)]
    return [
        _item(
            (0x40101010, "US", number),
            (0x40101037, "SQ", [_item((0x0008114A, "SQ", [reference]), *where)]),
            (0x40101038, "SQ", [_item(*what)]),
            *spent,
        )
        for number, (where, what) in enumerate(told, 1)
    ]


def _finding(finding: Mapping[str, Any], alarmed: bool, containers: Sequence[Mapping[str, int]]) -> tuple[Elements, Elements]:
    box, size, position, mass = (finding[name] for name in ("box", "size_m", "position_m", "mass_kg"))
    mask = mask_of(finding["mask"])
    where = _region(mask, (box["left"], box["top"]))
    # A void takes mass away, and so may a density anomaly; the standard's mass is the object's own.
    told = finding["evidence"]
    lacks = finding["kind"] == "void" or (told.get("missing_g_cm2") or 0.0) > (told.get("added_g_cm2") or 0.0)
    if not lacks and mass["value"] is not None:
        where.append((0x40101017, "FL", 1e3 * mass["value"]))
    contained = is_contained(Box(**box), mask, [Box(**one) for one in containers])
    left, floor = ("left end of the container", "its floor") if contained else ("left edge of the picture", "its lower edge")
    place = (
        f"{_number(position['from_left'])} m from the {left}, {_number(position['above_floor'])} m above "
        f"{floor}; {_number(size['height'])} m high, {_number(size['width'])} m wide"
    )
    where.append((0x40101078, "ST", place[:REMARK]))
    said = " ".join([f"{finding['id']}: {WORDS[finding['kind']]}.", *finding["sentences"]])
    flag = "THREAT" if alarmed and finding["kind"] == "person" else "UNKNOWN"
    return where, [
        (0x40101012, "CS", "ANOMALY"),
        (0x40101013, "LT", said[:PARAGRAPH]),
        (0x40101014, "CS", "NO_INTERFERENCE"),
        (0x40101015, "CS", flag),
        (0x40101016, "FL", finding["probability"]),
    ]


def _opaque(mask: np.ndarray, corner: tuple[int, int], said: str) -> tuple[Elements, Elements]:
    return _region(mask, corner), [
        (0x40101012, "CS", "OTHER"),
        (0x40101013, "LT", f"{said}: not penetrated, nothing can be said of what is here. No finding is not a clearance."),
        (0x40101014, "CS", "SHIELD"),
        (0x40101015, "CS", "UNKNOWN"),
    ]


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _region(mask: np.ndarray, corner: tuple[int, int]) -> Elements:
    """Region of interest with its bitmap, and the bounding polygon: the border, or the hull of several."""
    lines = borders(mask, corner)
    line = lines[0] if len(lines) == 1 else cv2.convexHull(np.concatenate(lines).astype(np.float32)).reshape(-1, 2)
    gap = 1.0
    while len(line) > MOST_POINTS:
        line, gap = cv2.approxPolyDP(line.astype(np.float32), gap, True).reshape(-1, 2), 2 * gap
    packed = np.packbits(mask.ravel(), bitorder="little").tobytes()
    region = _item(
        (0x40101004, "FL", [float(corner[0]), float(corner[1]), 0.0]),
        (0x40101005, "FL", [float(mask.shape[1]), float(mask.shape[0]), 1.0]),
        (0x40101006, "OB", packed + b"\0" * (len(packed) % 2)),
    )
    polygon = np.column_stack([line, np.zeros(len(line))]).ravel().tolist()
    return [(0x40101001, "SQ", [region]), (0x4010101D, "FL", polygon)]


def _places(report: Mapping[str, Any]) -> list[tuple[np.ndarray, tuple[int, int], str]]:
    """Opaque places: those of a head's area or more one by one, the largest first, and all the others together."""
    opaque = mask_of(report["opaque"])
    pitch = report["scan"]["pixel_pitch_m"]
    least = HEAD / (pitch["row"] * pitch["column"])
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opaque.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    large = [int(label) for label in np.argsort(-areas, kind="stable") if label and areas[label] >= least][:MOST_PLACES]
    told = []
    for label in large:
        left, top, width, height, area = (int(number) for number in stats[label])
        mask = labels[top : top + height, left : left + width] == label
        told.append((mask, (left, top), f"Opaque place of {area / least * HEAD:.2f} m²"))
    rest = opaque & ~np.isin(labels, large)
    if rest.any():
        rows, columns = np.flatnonzero(rest.any(axis=1)), np.flatnonzero(rest.any(axis=0))
        mask = rest[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        told.append((mask, (int(columns[0]), int(rows[0])), f"Small opaque places, {len(areas) - 1 - len(large)} in all"))
    return told
