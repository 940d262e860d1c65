"""The noun that says why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.explain.expected import Expected
from xrayscan.scan import frozen_array

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why a finding was made.

    Attributes
    ----------
    finding : str
        The finding's id.
    sentences : tuple of str
        The evidence in words and numbers, one fact a sentence; what speaks against it included.
    heatmap : ndarray of float32, shape (box.height, box.width)
        0 to 1, over the finding's box, as ``method`` says: by default its own score, absolute and never stretched.
    method : str
        How the heatmap was made.
    expected : Expected or None
        The scan as it would be without the finding, around it.
    faithfulness : float or None
        How well the heatmap explains the score, where it was measured: see `xrayscan.explain.faithfulness.Curves`.
    complete : bool
        False where there was no time to explain it.
    """

    finding: str
    sentences: tuple[str, ...]
    heatmap: np.ndarray
    method: str
    expected: Expected | None = None
    faithfulness: float | None = None
    complete: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "heatmap", frozen_array(self.heatmap, np.float32))

    def __repr__(self) -> str:
        return f"Explanation({self.finding} by {self.method}: {len(self.sentences)} sentences)"
