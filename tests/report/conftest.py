"""The report's tests build on the small scans of ``tests/explain/yard.py``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "explain"))
