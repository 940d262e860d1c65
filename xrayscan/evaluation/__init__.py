"""What the network finds and misses: counts, metrics with intervals, and the records they come from."""

from __future__ import annotations

from xrayscan.evaluation.metrics import Figure, auroc, average_precision, bootstrap, detection_at, threshold_at, wilson

__all__ = ["Figure", "auroc", "average_precision", "bootstrap", "detection_at", "threshold_at", "wilson"]
