"""Small scans, anomaly maps and findings, made in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xrayscan.explain import explain
from xrayscan.findings import Finding, Mass, Position, Size
from xrayscan.network.anomaly import AnomalyMap, ModelId
from xrayscan.report import Report
from xrayscan.scan import Box, Radiograph, Scan, Source, Step
from xrayscan.zoo import ModelCard

SHA = "a" * 64
CARD = ModelCard(
    name="small",
    version="1.0",
    folder=Path("models/small"),
    created="2026-05-01",
    recipe="small.toml",
    revision="abcdef",
    seed=7,
    grid=0.01,
    sha256={"model.onnx": SHA},
    thresholds={0.01: 0.6, 0.05: 0.45, 0.10: 0.3},
    thresholds_set_on="400 clean simulated scans, 2026-05-01",
    probabilities_set_on="800 simulated scans, 300 of them with persons, 2026-05-01",
    calibration={"person": (1.0, 0.0), "void": (1.0, 0.0)},
    mass_factor={"person": (0.6, 1.6)},
    figures={},
)


@dataclass
class FakeModel:
    """A model that gives what it was told, and counts how often it was asked."""

    anomaly: AnomalyMap
    card: ModelCard = CARD
    asked: int = 0

    def __call__(self, radiograph: Radiograph) -> AnomalyMap:
        self.asked += 1
        return self.anomaly


@dataclass
class Yard:
    """A load of optical depth 3 with one block added, taken away or both; every part can be told otherwise."""

    shape: tuple[int, int] = (200, 400)
    pitch: tuple[float, float] = (0.01, 0.01)
    box: Box = field(default_factory=lambda: Box(80, 100, 150, 155))
    kind: Any = "person"
    probability: float = 0.87
    mass: Mass = field(default_factory=lambda: Mass(62, 40, 95))
    added: float = 18.0
    missing: float = 0.0
    depth: float = 3.0
    opaque: Box | None = None
    inspected: float = 0.83
    quantity: Any = "counts"
    history: tuple[Step, ...] = ()
    containers: bool = True

    @property
    def radiograph(self) -> Radiograph:
        depth = np.full((1, *self.shape), self.depth, np.float32)
        opaque = np.zeros(self.shape, bool)
        if self.opaque:
            opaque[self.opaque.slices] = True
        containers = (Box(5, 5, self.shape[0] - 5, self.shape[1] - 5),) if self.containers else ()
        return Radiograph(
            depth,
            np.ones(self.shape, bool),
            opaque,
            self.pitch,
            containers=containers,
            inspected=self.inspected,
            quantity=self.quantity,
            history=self.history,
        )

    @property
    def anomaly(self) -> AnomalyMap:
        maps = {name: np.zeros(self.shape, np.float32) for name in ("person", "void", "density", "added", "missing")}
        maps[self.kind][self.box.slices] = self.probability
        maps["added"][self.box.slices] = self.added
        maps["missing"][self.box.slices] = self.missing
        return AnomalyMap(**maps, model=ModelId("small", "1.0", SHA, CARD.calibration))

    @property
    def clean(self) -> AnomalyMap:
        zero = np.zeros(self.shape, np.float32)
        return AnomalyMap(zero + 0.19, zero, zero, zero, zero, ModelId("small", "1.0", SHA, CARD.calibration))

    @property
    def finding(self) -> Finding:
        mask = np.ones((self.box.height, self.box.width), bool)
        size = Size(self.box.height * self.pitch[0], self.box.width * self.pitch[1])
        evidence = {"added_g_cm2": self.added}
        name = {"person": "P1", "void": "V1", "density": "D1"}[self.kind]
        return Finding(name, self.kind, self.probability, self.box, mask, Position(1.2, 0.8), size, self.mass, evidence)

    def report(self, source: Source | None = None, **changed: Any) -> Report:
        """A report of the one finding."""
        radiograph, anomaly, findings = self.radiograph, self.anomaly, (self.finding,)
        scan = Scan.from_array(
            np.full(self.shape, 900, np.uint16),
            air=np.full(self.shape[0], 60000.0),
            pixel_pitch=self.pitch,
            source=source or Source("lane3/0412.tif", "b" * 64, "Vendor", "S1", {"scan": "0412"}),
        )
        parts = {
            "findings": findings,
            "explanations": explain(FakeModel(anomaly), radiograph, findings, anomaly=anomaly),
            "radiograph": radiograph,
            "anomaly": anomaly,
            "card": CARD,
            "score": 0.87,
            "threshold": 0.6,
            "false_alarm_rate": 0.01,
            "timings": {"normalize": 0.21, "network": 1.4},
        }
        return Report(scan, **{**parts, **changed})
