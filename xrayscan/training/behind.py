"""Another load behind that of a crop: optical depths add up along a ray.

A few thousand simulated scans show every person, look-alike and load before a few others only, and a network learns them by
heart. With a second scan's load behind it each is seen as often as there are pairs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from xrayscan.simulate.packed import BITS

__all__ = ["Behind"]

Rng = np.random.Generator
CLEAN = ("clean", "look-alike")
SHARE = (0.25, 1.0)  # of the second load's optical depth that is added: a thinner one of its kind
SEEN = 0.6  # of the crop that must still be penetrated afterwards
LIMIT = (5.0, 7.0)  # optical depth from which on the sum counts as opaque
NOISE = (0.002, 0.008)  # of optical depth in the open beam: photons that the second load takes are missing in the sum
AWAY = 20.0  # rows by which the second load lies higher or lower than where it stood, about
TRIES = 4
SECRET = BITS["person"] | BITS["void"] | BITS["density"] | BITS["driver"] | BITS["display"]


class Behind:
    """The packed scans in which nothing is hidden, and whose optical depths are not those of a display picture.

    Parameters
    ----------
    paths : sequence of Path
        Packed scans with what is in them beside.
    load : callable
        Path → packed scan, shape (7, rows, columns).
    """

    def __init__(self, paths: Sequence[Path], load: Callable[[Path], np.ndarray]) -> None:
        self.load = load
        self.known = [path for path in paths if _is_plain(path.with_suffix(".json"))]

    def add(self, rng: Rng, patch: np.ndarray, below: int = 0) -> bool:
        """Put a part of one of them behind a crop, in place; False where none fits, or the crop is of a display picture.

        Labels and areal densities of what is hidden stay as they are. Of a scan of two energies the second is left, unless both
        have it.

        Parameters
        ----------
        rng : Generator
        patch : ndarray of float32, shape (7, rows, columns)
            As `xrayscan.simulate.packed` orders the planes.
        below : int
            Rows of the crop's scan below it: wheels stay near the ground.
        """
        bits = patch[4].astype(np.uint8)
        if not self.known or (bits & (BITS["display"] | BITS["driver"])).any():
            return False
        share = np.float32(rng.uniform(*SHARE))
        limit = rng.uniform(*LIMIT)
        for _ in range(TRIES):
            other = self._part(rng, patch.shape[1:], below)
            if other is None:
                continue
            depths = patch[:2] + share * other[:2]
            opaque = np.maximum(patch[3], other[3])
            opaque[depths[0] > limit] = 1.0
            if (opaque > 0.5).mean() > 1.0 - SEEN:
                continue
            size = np.float32(rng.uniform(*NOISE))
            for depth, before in zip(depths, patch[:2], strict=True):
                lost = np.exp(np.minimum(depth, 8.0)) - np.exp(np.minimum(before, 8.0))
                depth += size * np.sqrt(np.maximum(lost, 0.0)) * rng.standard_normal(depth.shape, np.float32)
            patch[:2] = np.minimum(depths, np.float32(limit))
            patch[2], patch[3] = np.minimum(patch[2], other[2]), opaque
            if not (other[4].astype(np.uint8) & BITS["dual"]).any():
                patch[4] = bits & (255 - BITS["dual"])
            return True
        return False

    def _part(self, rng: Rng, size: tuple[int, ...], below: int) -> np.ndarray | None:
        """A part of a scan, left or right way round; None where it shows a driver, or the scan is too small."""
        scan = self.load(self.known[rng.integers(len(self.known))])
        free = [have - want for have, want in zip(scan.shape[1:], size, strict=True)]
        if min(free) < 0:
            return None
        row = free[0] - int(np.clip(below + rng.normal(0.0, AWAY), 0, free[0]))
        column = int(rng.integers(free[1] + 1))
        part = np.asarray(scan[:, row : row + size[0], column : column + size[1]], np.float32)
        if (part[4].astype(np.uint8) & SECRET).any():
            return None
        return part[:, :, ::-1] if rng.random() < 0.5 else part


def _is_plain(about: Path) -> bool:
    told = json.loads(about.read_text(encoding="utf-8"))
    return told["kind"] in CLEAN and told["quantity"] != "display"
