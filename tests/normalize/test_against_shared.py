"""Pictures and scans that are not ours: looked at where they are, never copied here."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from xrayscan.normalize import normalize
from xrayscan.scan import Box, Scan

SHARED = Path(__file__).parents[2] / ".." / "shared"
REAL, INDEPENDENT = SHARED / "real_scans", SHARED / "independent"


@pytest.mark.skipif(not REAL.exists(), reason="no real scans here")
def test_boxes_of_real_pictures():
    truth: dict[str, list[Box]] = {}
    with (REAL / "boxes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            box = Box(*(int(float(row[name])) for name in ("y0", "x0", "y1", "x1")))
            truth.setdefault(row["file"], []).append(box)
    overlaps, counts = [], []
    for name, boxes in sorted(truth.items()):
        picture = cv2.imread(str(REAL / "images" / name), cv2.IMREAD_GRAYSCALE)
        found = normalize(Scan.from_array(picture, quantity="display")).containers
        overlaps.append(np.mean([max((box.iou(other) for other in found), default=0.0) for box in boxes]))
        counts.append(len(found) == len(boxes))
    assert np.mean(overlaps) >= 0.92
    assert np.mean(counts) >= 0.98


@pytest.mark.skipif(not INDEPENDENT.exists(), reason="no independent scans here")
@pytest.mark.parametrize("name", [f"p{k:04d}" for k in range(6)])
def test_dead_channels_of_another_renderer(name):
    tifffile = pytest.importorskip("tifffile")
    meta = json.loads((INDEPENDENT / "meta" / f"{name}.json").read_text(encoding="utf-8"))
    pixels = tifffile.imread(INDEPENDENT / "scans" / f"{name}.tif")
    raw = meta["format"] == "raw"
    lines = {}
    if raw:
        lines = {kind: np.load(INDEPENDENT / "cal" / f"{name}_{kind}.npy") for kind in ("air", "dark")}
    for given in ({}, lines) if raw else ({},):
        radiograph = normalize(Scan.from_array(pixels, quantity="counts" if raw else "transmission", **given))
        bad = set(np.flatnonzero(~radiograph.valid.any(axis=1)).tolist())
        told = {
            row
            for row in meta["dead_channels"]
            if raw
            or np.ptp(pixels[max(0, row - 1) : row + 2].astype(int)) > 0.05 * 65535  # filled in within clipped air: no trace
        }
        assert bad == told
        assert len(radiograph.containers) == 1
        assert radiograph.pixel_pitch[1] == pytest.approx(meta["dx_mm"] / 1e3, rel=0.03)
