"""What a network finds and misses: counts, metrics with intervals, and the records they come from.

Records (`xrayscan.evaluation.records`) are made by running a model over packed scans (`xrayscan.evaluation.runs`); figures
(`summary`, `breakdown`) and the benchmark's page (`page`) are made from records alone.
"""

from __future__ import annotations

from xrayscan.evaluation.metrics import (
    Figure,
    auroc,
    average_precision,
    bootstrap,
    detection_at,
    threshold_at,
    wilson,
)

__all__ = [
    "Figure",
    "auroc",
    "average_precision",
    "bootstrap",
    "detection_at",
    "threshold_at",
    "wilson",
]
