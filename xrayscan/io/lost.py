"""Columns of a scan that did not arrive: marked as not measured, and told."""

from __future__ import annotations

import numpy as np

from xrayscan.scan import Step

__all__ = ["unmeasured"]


def unmeasured(pixels: np.ndarray, lost: np.ndarray, quantity: str, full: float | None = None) -> tuple[np.ndarray, Step]:
    """A copy of the pixels as floats, not a number where columns were lost, and the step that tells a reviewer.

    No bit of what was measured is lost. Integers of transmission, whose full scale stands for 1, become fractions of it;
    ``full`` is that scale where it is not the largest number of their type.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns)
    lost : ndarray of bool, shape (columns,)
    quantity : {"counts", "transmission", "display"}

    Examples
    --------
    >>> pixels, step = unmeasured(np.array([[[0, 65535, 9]]], np.uint16), np.array([False, False, True]), "transmission")
    >>> pixels.tolist(), step.note
    ([[[0.0, 1.0, nan]]], 'warning: 1 of 3 columns did not arrive whole and are marked as not measured')
    """
    floats = pixels.astype(np.result_type(pixels.dtype, np.float32))
    if quantity == "transmission" and pixels.dtype.kind != "f":
        floats /= full or np.iinfo(pixels.dtype).max
    floats[:, :, lost] = np.nan
    note = f"warning: {int(lost.sum())} of {len(lost)} columns did not arrive whole and are marked as not measured"
    return floats, Step("lines", note, {"lost_columns": int(lost.sum())})
