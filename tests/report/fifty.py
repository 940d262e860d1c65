"""Fifty reports that differ in all that a report can say, made in memory."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
from yard import CARD, SHA

from xrayscan.explain.explanation import Explanation
from xrayscan.findings import Finding, Mass, Position, Size
from xrayscan.network.anomaly import KINDS, AnomalyMap, ModelId
from xrayscan.report import Report
from xrayscan.scan import Box, Radiograph, Scan, Source, Step

COUNT = 50
SOURCES = (
    Source("lane3/0412.tif", "b" * 64, "Vendor", "S1", {"scan": "0412"}),
    Source(
        "C:\\lane\\überfahrt.dcs",
        "c" * 64,
        None,
        None,
        {"sop_instance": "0163.5.7", "sop_class": "1.2.3", "ooi": "MSKU1234567"},
    ),
    Source(None, None),
    Source("caf\udce9\\=1+1.png", "d" * 64),
)


@functools.cache
def fifty() -> tuple[Report, ...]:
    """Reports with none to nine findings of every kind and shape, with and without opaque places."""
    return tuple(report(seed) for seed in range(COUNT))


def report(seed: int) -> Report:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(40, 160)), int(rng.integers(40, 300))
    pitch = (0.01, 0.01) if seed % 3 else (0.004, 0.0075)
    opaque = _blob(rng, shape, rng.choice([-3.0, 0.5, 2.0])) if seed % 4 else np.zeros(shape, bool)
    radiograph = Radiograph(
        np.full((1 + seed % 2, *shape), 3, np.float32), np.ones(shape, bool), opaque, pitch,
        energies=("high", "low")[: 1 + seed % 2],
        containers=(Box(2, 3, shape[0] - 2, shape[1] - 3),) if seed % 5 else (),
        inspected=float(rng.choice([0.0, 0.3, 0.83, 1.0])), quantity=str(rng.choice(["counts", "transmission", "display"])),
        history=(Step("pulses", "warning: much noise; of 2 %", {"rms": np.float32(0.02), "gap": np.nan}),)[: seed % 2],
    )  # fmt: skip
    findings = _findings(rng, shape, pitch, seed % 10)
    maps = {name: np.full(shape, 0.1, np.float32) for name in ("person", "void", "density", "added", "missing")}
    novelty = None if seed % 2 else float(rng.random())
    anomaly = AnomalyMap(**maps, model=ModelId("small", "1.0", SHA, CARD.calibration), novelty=novelty)
    scan = Scan.from_array(
        np.full(shape, 900, np.uint16), air=np.full(shape[0], 60000.0), pixel_pitch=pitch, source=SOURCES[seed % len(SOURCES)],
        acquired_at=(None, datetime(2026, 3, 4, 5, 6, 7), datetime(2026, 3, 4, tzinfo=timezone(timedelta(hours=-5))))[seed % 3],
    )  # fmt: skip
    return Report(
        scan, findings, tuple(_explanation(finding) for finding in findings), radiograph=radiograph, anomaly=anomaly, card=CARD,
        score=float(rng.random()), threshold=0.6, false_alarm_rate=0.01,
        timings={"normalize": 0.21, "network": float("nan") if seed == 7 else 1.4},
    )  # fmt: skip


def _explanation(finding: Finding) -> Explanation:
    said = (f"Consistent with a {finding.kind}; 18 g/cm², that is \\ 5 %.", "Against it: it is 0.1 m high.")
    heat = np.full(finding.mask.shape, finding.probability, np.float32)
    return Explanation(finding.id, said, heat, "score", faithfulness=None if finding.kind == "void" else 0.5)


def _blob(rng: np.random.Generator, shape: tuple[int, int], level: float) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.normal(size=shape).astype(np.float32), (0, 0), float(rng.uniform(1, 8)))
    return noise > level * noise.std()


def _findings(rng: np.random.Generator, shape: tuple[int, int], pitch: tuple[float, float], count: int) -> tuple[Finding, ...]:
    made = []
    for rank in range(count):
        height, width = int(rng.integers(1, shape[0])), int(rng.integers(1, shape[1]))
        top, left = int(rng.integers(0, shape[0] - height + 1)), int(rng.integers(0, shape[1] - width + 1))
        mask = _blob(rng, (height, width), -0.5) if rank % 2 else np.ones((height, width), bool)
        mask[0] = mask[-1] = mask[:, 0] = mask[:, -1] = True  # fills its box, often with holes
        kind = KINDS[int(rng.integers(3))]
        value = float(rng.uniform(0, 300))
        made.append(
            Finding(
                f"{kind[0].upper()}{rank + 1}",
                kind,
                float(rng.uniform(0.05, 1)),
                Box(top, left, top + height, left + width),
                mask,
                Position(float(rng.uniform(0, 12)), float(rng.uniform(0, 3))),
                Size(height * pitch[0], width * pitch[1]),
                Mass(value, value / 5, value * 5) if rank % 3 else Mass(float("nan"), 1, float("inf")),
                {"added_g_cm2": value / 10},
            )
        )
    return tuple(sorted(made, key=lambda finding: -finding.probability))
