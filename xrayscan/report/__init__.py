"""What goes to the reviewer: ``report.json`` for systems, ``overlay.png`` and ``report.html`` for people."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import cv2
import numpy as np

import xrayscan
from xrayscan.errors import ReportError, ShapeError
from xrayscan.explain.explanation import Explanation
from xrayscan.findings import Finding, range_of_persons
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.quality.fitness import at_a_glance
from xrayscan.report.folder import FORMS, write_folder
from xrayscan.report.layers import Layers
from xrayscan.report.page import page
from xrayscan.report.pixels import Pixels
from xrayscan.report.record import record, schema
from xrayscan.report.tdr import ThreatReport, read_tdr
from xrayscan.scan import Radiograph, Scan, Source, Step
from xrayscan.zoo import ModelCard

__all__ = ["PRIORITIES", "Priority", "Report", "ThreatReport", "read_tdr", "schema"]

Priority = Literal["high", "opaque", "poor", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "opaque", "poor", "medium", "low")
"""In the order to look at them."""

HALF = 0.5
UNLIKE = (
    "unlike what the model knows, more so than 99 of 100 scans it was calibrated on: its scores mean less here; "
    "look, and see docs/site.md to adapt it to this scanner and its loads"
)


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """One screened scan, for a person to review.

    Parameters
    ----------
    scan : Scan
        Only its source and date are kept, not its pixels.

    Attributes
    ----------
    findings : tuple of Finding
        Highest probability first.
    explanations : tuple of Explanation
        One a finding, in the same order.
    radiograph : Radiograph
    anomaly : AnomalyMap
    card : ModelCard
        Of the model that made the anomaly map.
    score : float
        Of the whole scan.
    threshold : float
        Score at which ``false_alarm_rate`` of clean scans was alarmed.
    false_alarm_rate : float
    timings : mapping of str to float [s]
    source : Source
    acquired_at : datetime or None

    Raises
    ------
    ReportError
        If explanations and findings do not belong together, the card is of another model, or a number makes no sense.
    ShapeError
        If anomaly map or findings are of another scan.

    Examples
    --------
    >>> card = ModelCard("small", "1", Path(), "2026-01-01", "small.toml", "abc", 0, 0.01, {}, {0.01: 0.6, 0.1: 0.3},
    ...     "200 simulated scans, 2026-01-01", {"person": (1.0, 0.0)}, {"person": (0.6, 1.5)}, {})
    >>> from xrayscan.network.anomaly import ModelId
    >>> zero, ones = np.zeros((80, 120), np.float32), np.ones((80, 120), bool)
    >>> scan = Scan.from_array(zero + 900, air=np.full(80, 1000.0), pixel_pitch=0.01)
    >>> radiograph = Radiograph(zero[None] + 0.1, ones, ~ones, (0.01, 0.01), inspected=0.9)
    >>> anomaly = AnomalyMap(zero, zero, zero, zero, zero, ModelId("small", "1", ""))
    >>> report = Report(scan, (), (), radiograph=radiograph, anomaly=anomaly, card=card,
    ...     score=0.4, threshold=0.6, false_alarm_rate=0.01)
    >>> report
    Report(medium: score 0.4000, threshold 0.6000 at 0.01 false alarms; 0 findings; 90% of the load penetrated)
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     sorted(path.name for path in report.save(Path(parent) / "0412").iterdir())
    ['overlay.png', 'report.html', 'report.json']
    """

    scan: InitVar[Scan]
    findings: tuple[Finding, ...]
    explanations: tuple[Explanation, ...]
    _: KW_ONLY
    radiograph: Radiograph
    anomaly: AnomalyMap
    card: ModelCard
    score: float
    threshold: float
    false_alarm_rate: float
    timings: Mapping[str, float] = field(default_factory=dict)
    source: Source = field(init=False)
    acquired_at: datetime | None = field(init=False)

    def __post_init__(self, scan: Scan) -> None:
        made: tuple[tuple[str, object], ...] = (
            ("findings", tuple(self.findings)),
            ("explanations", tuple(self.explanations)),
            ("timings", MappingProxyType({step: float(seconds) for step, seconds in self.timings.items()})),
            ("source", scan.source),
            ("acquired_at", scan.acquired_at),
        )
        for name, part in made:
            object.__setattr__(self, name, part)
        for name in ("score", "threshold", "false_alarm_rate"):
            value = float(getattr(self, name))
            if not math.isfinite(value):
                raise ReportError(f"composing a report: {name} is {value}; expected a finite number")
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        found, told = [f.id for f in self.findings], [e.finding for e in self.explanations]
        if found != told or len(set(found)) != len(found):
            raise ReportError(
                f"composing a report: findings are {found}, explanations are of {told}; "
                "pass one explanation a finding, in the same order, and every id once"
            )
        model = self.anomaly.model
        if (model.name, model.version) != (self.card.name, self.card.version):
            raise ReportError(
                f"composing a report: the anomaly map was made by {model.name} {model.version}, the card is of "
                f"{self.card.name} {self.card.version}; pass the card of the model that made it"
            )
        shape = self.radiograph.shape
        outside = [f.id for f in self.findings if f.box.bottom > shape[0] or f.box.right > shape[1]]
        if self.anomaly.shape != shape or outside:
            other = f"finding {outside[0]} lies outside of it" if outside else f"the anomaly map has {self.anomaly.shape}"
            raise ShapeError(
                f"composing a report of a scan of {shape} (rows, columns): {other}; pass parts of the same scan",
                expected=shape,
                actual=self.anomaly.shape,
            )

    @property
    def priority(self) -> Priority:
        """How soon a person should look: "high" above the threshold; "opaque" up to it, but with less than half of
        the load penetrated; "poor" where the scan itself is too poor to screen; "medium" above the model's laxest
        threshold, where the scan is unlike what the model knows, and where a band of it was not measured; else "low", which is
        not a clearance.
        """
        if self.score > self.threshold:
            return "high"
        if self.inspected < HALF:
            return "opaque"
        if self.problems:
            return "poor"
        thresholds = self.card.thresholds
        laxest = thresholds[max(thresholds)] if thresholds else math.inf
        blind = any(step.name == "bands" for step in self.radiograph.history)
        return "medium" if self.score > laxest or self.anomaly.unfamiliar or blind else "low"

    @property
    def inspected(self) -> float:
        """Share of the load that was penetrated, 0 to 1."""
        return self.radiograph.inspected

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reviewer must know of the scan and of how it was made."""
        poor = (f"too poor to screen: {problem}" for problem in self.problems)
        return (*poor, *((UNLIKE,) if self.anomaly.unfamiliar else ()), *self.radiograph.warnings)

    @property
    def persons(self) -> tuple[int, int]:
        """How many of the findings that are consistent with a person are right, as a 90 % range by their probabilities.

        It says nothing of anyone who was not seen.
        """
        return range_of_persons([f.probability for f in self.findings if f.kind == "person"])

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Why the scan is too poor to screen; empty if it is not."""
        return at_a_glance(self.radiograph)

    @property
    def stopped(self) -> bool:
        """Whether it is of a part of the scan, or not all findings are explained, as a time budget was over."""
        return self.anomaly.answered is not None or not all(one.complete for one in self.explanations)

    @property
    def history(self) -> tuple[Step, ...]:
        """What was done to the data."""
        return self.radiograph.history

    @property
    def model(self) -> dict[str, str]:
        """Name, version and SHA-256 of the weights that made the anomaly map."""
        model = self.anomaly.model
        return {"name": model.name, "version": model.version, "sha256": model.sha256}

    @property
    def versions(self) -> dict[str, str]:
        """Of xrayscan and what it computes with."""
        return dict(_versions())

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data: JSON-safe, without NaN, as `schema` says."""
        return record(self)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``overlay.png``, ``report.html`` and ``report.json`` into a folder of its own, as a whole or not at all.

        Parameters
        ----------
        folder : path
            Made with its parents; an older report in it is replaced.

        Returns
        -------
        Path
            The folder, absolute.

        Raises
        ------
        ReportError
            If the folder holds something that is not a report, or cannot be written.
        """
        # Most of the time goes into deflating, which leaves the interpreter free: numbers and pictures are packed side by side.
        with ThreadPoolExecutor(1) as pool:
            pixels = pool.submit(Pixels.of, self.radiograph, self.explanations)
            layers = Layers.of(self.radiograph, self.anomaly, self.findings, self.explanations)
            told = self.to_dict()
        text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
        shown = page(told, layers, pixels.result())
        contents = (layers.overlay, shown.encode("utf-8"), text.encode("utf-8"))
        return write_folder(Path(folder), dict(zip(FORMS, contents, strict=True)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "timings": dict(self.timings)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, timings=MappingProxyType(state["timings"]))

    def __repr__(self) -> str:
        plural = "" if len(self.findings) == 1 else "s"
        return (
            f"Report({self.priority}: score {self.score:.4f}, threshold {self.threshold:.4f} at {self.false_alarm_rate:.3g} "
            f"false alarms; {len(self.findings)} finding{plural}; {self.inspected:.0%} of the load penetrated)"
        )


@lru_cache(maxsize=1)
def _versions() -> tuple[tuple[str, str], ...]:
    try:
        runtime = metadata.version("onnxruntime")
    except metadata.PackageNotFoundError:
        runtime = "not installed"
    return (
        ("xrayscan", xrayscan.__version__),
        ("numpy", np.__version__),
        ("onnxruntime", runtime),
        ("opencv", cv2.__version__),
    )
