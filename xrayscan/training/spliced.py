"""A part of another crop in the place of a part of this one: what is beside something says little then of what it is.

A network that looks meters around learns where persons lie in simulated scans: between cartons, behind walls, in crates.
Somebody in plain sight on a half-empty floor is nobody to it, and nothing in his own shape says otherwise. Where two scans
meet, the surroundings are those of no load; what is left to tell a person by is the person.

References
----------
S. Yun et al., CutMix, ICCV 2019, https://doi.org/10.1109/ICCV.2019.00612
"""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.packed import BITS

__all__ = ["splice"]

Rng = np.random.Generator
SHARE = (0.25, 0.75)  # of the crop's width, or of its width and height
UPRIGHT = 0.6  # share of the parts that are as high as the crop
TRIES = 6
SEAM = 16  # pixels along a cut in which nothing is learned of voids: a load that ends there is no edge of one
TARGETS = BITS["person"] | BITS["void"] | BITS["density"]
ALONE = BITS["driver"] | BITS["display"]
"""A driver is told from other persons by the cab alone, and a display picture's optical depths are not those of others."""


def splice(rng: Rng, patch: np.ndarray, other: np.ndarray) -> bool:
    """Put a part of another crop, with all that is told of it, into the same place of this one, in place.

    Nothing that is looked for is cut in two, and along the cut nothing is told of voids. The second energy is left where one of
    the two does not have it.

    Parameters
    ----------
    rng : Generator
    patch, other : ndarray of float32, shape (7, rows, columns)
        As `xrayscan.simulate.packed` orders the planes.

    Returns
    -------
    bool
        False where no part fits, or one of the crops shows a driver or is of a display picture.

    Examples
    --------
    >>> here, there = np.zeros((7, 64, 96), np.float32), np.ones((7, 64, 96), np.float32)
    >>> there[4] = 0
    >>> splice(np.random.default_rng(1), here, there), bool(0.2 < here[0].mean() < 0.8)
    (True, True)
    """
    bits, others = (planes[4].astype(np.uint8) for planes in (patch, other))
    if ((bits | others) & ALONE).any():
        return False
    sought = ((bits | others) & TARGETS) > 0
    for _ in range(TRIES):
        part = _part(rng, bits.shape)
        if (_along(part, bits.shape, 1) & sought).any():
            continue
        both = bool((bits & BITS["dual"]).any() and (others & BITS["dual"]).any())
        patch[(slice(None), *part)] = other[(slice(None), *part)]
        joined = patch[4].astype(np.uint8) & (255 if both else 255 - BITS["dual"])
        patch[4] = joined | BITS["ignore"] * _along(part, bits.shape, SEAM).astype(np.uint8)
        return True
    return False


def _part(rng: Rng, shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows, columns = shape
    wide = int(columns * rng.uniform(*SHARE))
    left = int(rng.integers(columns - wide + 1))
    if rng.random() < UPRIGHT:
        return slice(0, rows), slice(left, left + wide)
    high = int(rows * rng.uniform(*SHARE))
    top = int(rng.integers(rows - high + 1))
    return slice(top, top + high), slice(left, left + wide)


def _along(part: tuple[slice, slice], shape: tuple[int, ...], width: int) -> np.ndarray:
    """What lies so near the cut; the edge of the crop itself is none."""
    near = np.zeros(shape, bool)
    near[tuple(slice(max(side.start - width, 0), side.stop + width) for side in part)] = True
    inner = (slice(side.start + (width if side.start else 0), side.stop - (width if side.stop < size else 0))
             for side, size in zip(part, shape, strict=True))  # fmt: skip
    near[tuple(inner)] = False
    return near
