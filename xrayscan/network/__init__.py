"""The network: Radiograph → AnomalyMap. The runtime is ONNX Runtime; torch only when asked."""

from __future__ import annotations

from xrayscan.network.anomaly import KINDS, AnomalyMap, ModelId
from xrayscan.network.model import Model

__all__ = ["KINDS", "AnomalyMap", "Model", "ModelId"]
