"""A report as plain data: what ``report.json`` holds."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from xrayscan.explain.attribution import METHODS
from xrayscan.explain.drawing import outline
from xrayscan.explain.explanation import Explanation
from xrayscan.explain.legend import DISCLAIMER
from xrayscan.findings import Finding
from xrayscan.report.masks import run_lengths
from xrayscan.scan import Box

if TYPE_CHECKING:
    from xrayscan.report import Report

__all__ = ["SCHEMA_VERSION", "finding_record", "plain", "polygons", "record", "schema", "share_of_opaque"]

SCHEMA_VERSION = "1.4"
DIGITS = 6  # significant; the network knows fewer
LARGEST = 64  # values of an array that are kept in the history


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) that every ``report.json`` of this version obeys.

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        If the installation is incomplete.

    Examples
    --------
    >>> schema()["$id"]
    'urn:xrayscan:report:1.4'
    """
    text = resources.files("xrayscan.report").joinpath("report.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def plain(value: Any) -> Any:
    r"""A value of a history or a timing as JSON: numbers to six digits, nothing that is not a number, text that is UTF-8.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool, int, float, str, list, dict or None
        NaN and infinity become None; what JSON does not know becomes text.

    Raises
    ------
    RecursionError
        If it holds itself.

    Examples
    --------
    >>> plain({"rms": np.float32(0.1), "dead": (3, float("nan")), "name": "caf\udce9"})
    {'rms': 0.1, 'dead': [3, None], 'name': 'caf\\udce9'}
    """
    if isinstance(value, np.ndarray):
        return plain(value.tolist()) if value.size <= LARGEST else f"array of shape {value.shape}"
    if isinstance(value, np.generic):
        value = value.item() if not isinstance(value, np.floating) else float(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def share_of_opaque(opaque: np.ndarray) -> float:
    """Share of a picture's pixels that were not penetrated, 0 to 1.

    Parameters
    ----------
    opaque : ndarray of bool, shape (rows, columns)

    Returns
    -------
    float

    Raises
    ------
    ZeroDivisionError
        If the picture is empty.

    Examples
    --------
    >>> share_of_opaque(np.eye(4, dtype=bool))
    0.25
    """
    return int(np.count_nonzero(opaque)) / opaque.size


def polygons(finding: Finding) -> list[list[list[float]]]:
    """Outer borders of a finding's mask as polygons.

    Parameters
    ----------
    finding : Finding

    Returns
    -------
    list of list of [column, row]
        In pixels of the scan on the scale of its box: the middle of pixel (row 0, column 0) is [0.5, 0.5]. Simplified by
        less than a pixel.

    Raises
    ------
    AttributeError
        If it is no finding.

    Examples
    --------
    >>> from xrayscan.findings import Mass, Position, Size
    >>> mask = np.ones((3, 4), bool)
    >>> polygons(Finding("P1", "person", 0.9, Box(10, 20, 13, 24), mask, Position(1, 1), Size(1, 1), Mass(62, 40, 95)))
    [[[20.5, 10.5], [20.5, 12.5], [23.5, 12.5], [23.5, 10.5]]]
    """
    corner = np.array([finding.box.left, finding.box.top]) + 0.5
    lines = (cv2.approxPolyDP(line.astype(np.int32), 0.75, True).reshape(-1, 2) for line in outline(finding.mask))
    return [(line + corner).tolist() for line in lines]


def record(report: Report) -> dict[str, Any]:
    """The whole report as plain data that obeys `schema`.

    Parameters
    ----------
    report : Report

    Returns
    -------
    dict

    Raises
    ------
    AttributeError
        If it is no report.
    """
    radiograph, source = report.radiograph, report.source
    row_pitch, column_pitch = radiograph.pixel_pitch
    whole = {
        "schema_version": SCHEMA_VERSION,
        "disclaimer": DISCLAIMER,
        "source": {
            "path": source.path,
            "sha256": source.sha256,
            "vendor": source.vendor,
            "scanner": source.scanner,
            "ids": source.ids,
        },
        "acquired_at": report.acquired_at.isoformat() if report.acquired_at else None,
        "priority": report.priority,
        "score": report.score,
        "threshold": report.threshold,
        "false_alarm_rate": report.false_alarm_rate,
        "inspected": report.inspected,
        "opaque_fraction": share_of_opaque(radiograph.opaque),
        "opaque": run_lengths(radiograph.opaque),
        "findings": [_finding(*pair) for pair in zip(report.findings, report.explanations, strict=True)],
        "persons": dict(zip(("low", "high"), report.persons, strict=True)),
        "novelty": report.anomaly.novelty,
        "warnings": report.warnings,
        "scan": {
            "rows": radiograph.shape[0],
            "columns": radiograph.shape[1],
            "energies": radiograph.energies,
            "quantity": radiograph.quantity,
            "pixel_pitch_m": {"row": row_pitch, "column": column_pitch},
            "containers": [_box(box) for box in radiograph.containers],
        },
        "model": {
            **report.model,
            "thresholds": {f"{rate:g}": score for rate, score in sorted(report.card.thresholds.items())},
            "thresholds_set_on": report.card.thresholds_set_on,
            "probabilities_set_on": report.card.probabilities_set_on,
        },
        "history": [{"name": s.name, "note": s.note, "parameters": s.parameters} for s in report.history],
        "versions": report.versions,
        "timings_s": report.timings,
    }
    # As they were compared: rounded, a score above the threshold could be told as equal to it.
    return {**plain(whole), "score": report.score, "threshold": report.threshold}


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding as in ``report.json``, without its explanation and its mask.

    Examples
    --------
    >>> from xrayscan.findings import Mass, Position, Size
    >>> mask = np.ones((3, 4), bool)
    >>> made = Finding("P1", "person", 0.9, Box(10, 20, 13, 24), mask, Position(1, 1), Size(1, 1), Mass(62, 40, 95))
    >>> finding_record(made)["box"]
    {'top': 10, 'left': 20, 'bottom': 13, 'right': 24}
    """
    return {
        "id": finding.id,
        "kind": finding.kind,
        "probability": finding.probability,
        "box": _box(finding.box),
        "position_m": {"from_left": finding.position.from_left, "above_floor": finding.position.above_floor},
        "size_m": {"height": finding.size.height, "width": finding.size.width},
        "mass_kg": {"value": finding.mass.value, "low": finding.mass.low, "high": finding.mass.high},
        "evidence": dict(finding.evidence),
    }


def _finding(finding: Finding, explanation: Explanation) -> dict[str, Any]:
    return {
        **finding_record(finding),
        "sentences": explanation.sentences,
        "method": explanation.method,
        "faithfulness": explanation.faithfulness,
        "heatmap": None if explanation.method == METHODS["score"] else _encoded(explanation.heatmap),
        "polygons": polygons(finding),
        "mask": run_lengths(finding.mask),
    }


def _encoded(heatmap: np.ndarray) -> str:
    """Row by row a byte a pixel, 0 to 255 for 0 to 1, as Base64."""
    codes = np.round(255 * np.clip(np.nan_to_num(heatmap), 0.0, 1.0)).astype(np.uint8)
    return base64.b64encode(codes.tobytes()).decode("ascii")


def _box(box: Box) -> dict[str, int]:
    return {"top": box.top, "left": box.left, "bottom": box.bottom, "right": box.right}
