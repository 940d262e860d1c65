"""Scan quality: what a scan is worth, figure by figure, and the measures of a test-object scan.

Indicative, not a certified measurement: figures are computed from the picture alone. What each is, where it comes from and what
it can not say stands in ``docs/quality.md``.
"""

from xrayscan.quality.figure import Figure
from xrayscan.quality.layout import Layout, LayoutError
from xrayscan.quality.measure import Quality, measure
from xrayscan.quality.objects import Result, measure_test_object

__all__ = ["Figure", "Layout", "LayoutError", "Quality", "Result", "measure", "measure_test_object"]
