"""The network: Radiograph → AnomalyMap. The runtime is ONNX Runtime; torch only when asked."""

from __future__ import annotations

from xrayscan.network.anomaly import AnomalyMap, ModelId

__all__ = ["AnomalyMap", "ModelId"]
