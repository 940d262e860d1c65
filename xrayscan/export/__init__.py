"""For hosts without Python: a model as a folder that a scanner's software embeds, and the check of what that computes."""

from __future__ import annotations

from xrayscan.export.bundle import write_bundle
from xrayscan.export.check import Compared, compare, damages

__all__ = ["Compared", "compare", "damages", "write_bundle"]
