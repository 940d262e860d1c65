"""Pictures of the worst scans: what the reviewer would see, cut to the place, with the truth around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from xrayscan.evaluation.records import Maps, Record, grid_of, open_packed
from xrayscan.explain.overlay import overlay
from xrayscan.explain.picture import Frame
from xrayscan.findings import find
from xrayscan.network.anomaly import KINDS, AnomalyMap
from xrayscan.scan import Radiograph

__all__ = ["draw_worst"]

WIDE = 9.0  # of a scan that a picture shows [m]
TRUTH = (0, 170, 90)


def draw_worst(row: Record, path: Path, model: Maps, picture: Path) -> Path:
    """Draw a scan as a small PNG, cut to 9 m around its persons, or else around its highest score.

    Heat, outlines and labels are those of `xrayscan.explain.overlay`; a green line runs around what is truly a person.

    Parameters
    ----------
    row : Record
    path : Path
        The packed scan.
    model : Maps
    picture : Path
        To write.

    Returns
    -------
    Path
        ``picture``.

    Raises
    ------
    CorruptScanError
    """
    packed = open_packed(path, grid_of(model))
    anomaly = model(packed.radiograph)
    persons = packed.marks.labels["person"] > 0
    columns = np.flatnonzero(persons.any(0)) if persons.any() else np.array([int(anomaly.person.max(0).argmax())])
    radiograph, anomaly, persons = _cut(packed.radiograph, anomaly, persons, round(float(columns.mean())))
    frame = Frame.of(radiograph)
    drawn = overlay(radiograph, anomaly, [f for f in find(anomaly, radiograph) if f.kind == "person"])
    # Without the legend: what it says of the load that was not penetrated is not known of a packed scan.
    drawn = np.ascontiguousarray(drawn[: frame.rows, : frame.columns])
    _truth(drawn, frame, persons)
    picture.parent.mkdir(parents=True, exist_ok=True)
    data = cv2.imencode(".png", drawn[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    picture.write_bytes(data.tobytes())
    return picture


def _cut(
    radiograph: Radiograph, anomaly: AnomalyMap, persons: np.ndarray, middle: int
) -> tuple[Radiograph, AnomalyMap, np.ndarray]:
    """The columns around the middle, of everything."""
    rows, columns = radiograph.shape
    wide = min(columns, round(WIDE / radiograph.pixel_pitch[1]))
    left = min(max(middle - wide // 2, 0), columns - wide)
    place = (slice(0, rows), slice(left, left + wide))
    planes = {name: getattr(anomaly, name)[place] for name in (*KINDS, "added", "missing")}
    part = replace(
        radiograph, optical_depth=radiograph.optical_depth[(slice(None), *place)], valid=radiograph.valid[place],
        opaque=radiograph.opaque[place],
    )  # fmt: skip
    return part, replace(anomaly, **planes), persons[place]


def _truth(drawn: np.ndarray, frame: Frame, persons: np.ndarray) -> None:
    mask = (frame.resized(persons.astype(np.float32)) > 0.5).astype(np.uint8)
    lines, _ = cv2.findContours(cv2.dilate(mask, np.ones((7, 7), np.uint8)), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, lines, -1, TRUTH, 1, cv2.LINE_AA)
