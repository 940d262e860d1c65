"""xrayscan: finds what is consistent with concealed people in cargo X-ray scans, for a person to review.

No finding is not a clearance. Names load on first use, so ``import xrayscan`` costs nothing.

Examples
--------
>>> import numpy as np
>>> import xrayscan as xs
>>> scan = xs.Scan.from_array(np.full((300, 600), 52000, np.uint16), air=np.full(300, 60000.0), pixel_pitch=0.01)
>>> scan.view.quantity
'counts'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xrayscan.errors import ReadError, XrayscanError
    from xrayscan.explain import Explanation, explain
    from xrayscan.findings import Finding, find
    from xrayscan.io import read
    from xrayscan.network import AnomalyMap
    from xrayscan.normalize import normalize
    from xrayscan.report import Report
    from xrayscan.scan import Box, Calibration, Radiograph, Scan, View
    from xrayscan.screening import Screener
    from xrayscan.zoo import ModelCard, load_model

__version__ = "0.1.0"

_HOMES = {
    "AnomalyMap": "xrayscan.network",
    "Box": "xrayscan.scan",
    "Calibration": "xrayscan.scan",
    "Explanation": "xrayscan.explain",
    "Finding": "xrayscan.findings",
    "LineScanner": "xrayscan.screening",
    "ModelCard": "xrayscan.zoo",
    "Radiograph": "xrayscan.scan",
    "ReadError": "xrayscan.errors",
    "Report": "xrayscan.report",
    "Scan": "xrayscan.scan",
    "Screener": "xrayscan.screening",
    "View": "xrayscan.scan",
    "XrayscanError": "xrayscan.errors",
    "explain": "xrayscan.explain",
    "find": "xrayscan.findings",
    "load_model": "xrayscan.zoo",
    "normalize": "xrayscan.normalize",
    "read": "xrayscan.io",
}

__all__ = [
    "AnomalyMap",
    "Box",
    "Calibration",
    "Explanation",
    "Finding",
    "LineScanner",
    "ModelCard",
    "Radiograph",
    "ReadError",
    "Report",
    "Scan",
    "Screener",
    "View",
    "XrayscanError",
    "__version__",
    "explain",
    "find",
    "load_model",
    "normalize",
    "read",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'xrayscan' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
