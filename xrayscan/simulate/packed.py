"""A normalized simulated scan with its truth in one array, which can be memory-mapped.

A packed scan is float16, shape (7, rows, columns): optical depth high and low [1], valid, opaque, label bits, added and missing
[g/cm²], on the network's grid.
"""

from __future__ import annotations

import numpy as np

from xrayscan.network.grid import to_grid
from xrayscan.scan import Radiograph
from xrayscan.simulate.run import Truth

__all__ = ["BITS", "pack"]

BITS = {"person": 1, "void": 2, "density": 4, "ignore": 8, "dual": 16, "display": 32}
"""Label bits: what a pixel belongs to; "ignore": a hole made for something hidden; "dual", "display": of the whole scan."""


def pack(radiograph: Radiograph, truth: Truth, grid: float) -> np.ndarray:
    """A packed scan, shape (7, rows, columns); radiograph and truth share the grid's pitch ``grid`` [m]."""
    stack = to_grid(radiograph, grid)
    bits = sum(np.float32(BITS[kind]) * mask for kind, mask in truth.masks.items()) + BITS["ignore"] * truth.ignore
    bits = bits + BITS["dual"] * stack[2] + (BITS["display"] if radiograph.quantity == "display" else 0)
    return np.stack([stack[0], stack[1], stack[3], stack[4], bits, truth.added, truth.missing]).astype(np.float16)
