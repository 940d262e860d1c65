"""Voids cut into a crop: closed rooms in a load, in which nobody is.

A simulated scan shows its void in one load only, and one scan in eight has one. Cut into crops, a void is seen in every load
that is deep enough. It is what the simulator does with `xrayscan.simulate.inserts.draw_void`, without its care for cartons.
"""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.simulate.packed import BITS
from xrayscan.simulate.truth import VOID_EDGE
from xrayscan.training.holes import WALLS
from xrayscan.training.inserted import ATTENUATION

__all__ = ["cut_void"]

Rng = np.random.Generator
SIZE = (0.4, 1.6), (0.45, 2.0)  # least and largest height and width, those of simulated voids [m]
SHARE = (0.17, 0.7)  # of the load along the rays that is gone: 0.4 to 1.6 m of 2.4 m
ROUND = 0.2  # share of the voids that are no boxes: a cut drum, a nest between sacks
SLANT = 0.25  # m by which the near and the far edge of floor and ceiling lie apart at most, as rays are not level
BOARD, BOARDED = (0.006, 0.024), 0.5  # thickness of the board that carries what is above [m], and share of voids that have one
WOOD = 0.6  # g/cm³
DEPTH = 240.0  # cm, of a load
RIM = 0.1  # m around a void that must be load: what is open to one side is no closed room
EVEN = 0.6, 0.9  # of what is inside: least load at each side, and least share of the pixels that hold load enough
LOAD = 0.3  # least optical depth above that of walls
SEEN = 0.8  # least share of the pixels that was measured and is penetrated
TRIES = 8
FREE = BITS["person"] | BITS["void"] | BITS["density"] | BITS["driver"] | BITS["ignore"]


def cut_void(rng: Rng, patch: np.ndarray, grid: float) -> bool:
    """Cut one into a crop, in place; False where the load has no room for one, or the crop is of a display picture.

    It is labeled where the load that is gone is as much as `xrayscan.simulate.truth` asks for. The areal density of that is
    known as well as its attenuation is.

    Parameters
    ----------
    rng : Generator
    patch : ndarray of float32, shape (7, rows, columns)
        As `xrayscan.simulate.packed` orders the planes.
    grid : float [m]

    Examples
    --------
    >>> patch = np.zeros((7, 320, 384), np.float32)
    >>> patch[:2], patch[2] = 1.5, 1.0
    >>> cut_void(np.random.default_rng(1), patch, 0.01), bool((patch[0] < 1.4).any())
    (True, True)
    """
    bits = patch[4].astype(np.uint8)
    if (bits & BITS["display"]).any():
        return False
    factor, rim = float(rng.uniform(*ATTENUATION)), round(RIM / grid)
    for _ in range(TRIES):
        high, wide = (int(rng.uniform(*one) / grid) for one in SIZE)
        free = patch.shape[1] - high - 2 * rim, patch.shape[2] - wide - 2 * rim
        if min(free) < 0:
            continue
        top, left = (rim + int(rng.integers(size + 1)) for size in free)
        share = float(rng.uniform(*SHARE))
        if not _closed(patch, bits, (top, left, top + high, left + wide), rim, max(LOAD, factor * VOID_EDGE / share)):
            continue
        gone, board = _shapes(rng, (high, wide), grid)
        room = slice(top - rim, top + high + rim), slice(left - rim, left + wide + rim)
        load = np.maximum(patch[(slice(0, 2), *room)] - WALLS, 0.0)
        gone = np.pad(gone, rim) * share
        board = np.pad(board, rim) * (WOOD * DEPTH * share)
        blur = float(rng.uniform(0.4, 1.2))
        gone, board = (cv2.GaussianBlur(one, (0, 0), blur) for one in (gone, board))
        patch[(slice(0, 2), *room)] += np.float32(factor) * board - gone * load
        missing = gone * load[0] / np.float32(factor)
        patch[(6, *room)] += missing
        bits[room] |= (BITS["void"] * (missing > VOID_EDGE)).astype(np.uint8)
        patch[4] = bits & (255 - BITS["dual"]) if board.any() else bits
        return True
    return False


def _closed(patch: np.ndarray, bits: np.ndarray, box: tuple[int, int, int, int], rim: int, least: float) -> bool:
    """Whether a box lies in load deep enough, on all four sides as well, where nothing is that is looked for."""
    top, left, bottom, right = box
    around = slice(top - rim, bottom + rim), slice(left - rim, right + rim)
    if (bits[around] & FREE).any() or min(patch[2][around].mean(), 1.0 - patch[3][around].mean()) < SEEN:
        return False
    load = np.maximum(patch[0][around] - WALLS, 0.0)
    sides = load[:rim, rim:-rim], load[-rim:, rim:-rim], load[rim:-rim, :rim], load[rim:-rim, -rim:]
    inside = float(np.median(load[rim:-rim, rim:-rim]))
    filled = float((load[rim:-rim, rim:-rim] > max(least, 0.4 * inside)).mean())
    return filled > EVEN[1] and min(float(np.median(side)) for side in sides) > EVEN[0] * inside


def _shapes(rng: Rng, size: tuple[int, int], grid: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a void is, 0 to 1, and how much of a board, seen edge on, is over each of its pixels."""
    high, wide = size
    gone, board = np.zeros(size, np.float32), np.zeros(size, np.float32)
    slant = int(min(rng.uniform(0.0, SLANT) / grid, high / 2))
    inner = high - slant
    if rng.random() < ROUND:
        cv2.ellipse(gone, (wide // 2, inner // 2), (wide // 2, inner // 2), 0, 0, 360, 1.0, -1)
    else:
        gone[:inner] = 1.0
        if rng.random() < BOARDED:
            thick = rng.uniform(*BOARD) / grid
            whole = int(thick)
            board[:whole], board[whole] = 1.0, thick - whole
    if slant:
        # The hole's depth along the rays is spread over the rows between where its near and its far edge are seen.
        kernel = np.full((slant + 1, 1), 1.0 / (slant + 1), np.float32)
        gone, board = (
            cv2.filter2D(one, -1, kernel, anchor=(0, slant), borderType=cv2.BORDER_CONSTANT) for one in (gone, board)
        )
    return gone, board
