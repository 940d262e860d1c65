"""The veil of scattered rays: found where nothing comes straight through, and taken off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam
from xrayscan.scan import Step

__all__ = ["remove_veil"]

CELLS = 64
REACHES = (3, 5, 7, 9, 13)
LEAKS = (0.0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
DARK = 0.02
FEWEST_DARK = 48
FEWEST_COLUMNS = 6
FLOOR = (0.03, 0.12, 0.25)
TIGHT = 1.3
LEAST_SEEN = 1.5e-4
MOST_CELLS = 1500
SPAN = 5.0
MOST_SHARE = 0.04
MOST_LEAK = 0.004
UNSURE = 0.25
USUAL = 0.02
_PICKED = 256
_BLOCKS = 320
_TINY = 1e-9


@dataclass(frozen=True)
class _Veil:
    """V = share (A + leak B): A what comes through within ``reach`` cells, grown with its thickness, B a column's mean."""

    share: float
    leak: float
    reach: int
    tight: float
    span: float

    @property
    def sure(self) -> bool:
        """Whether the darkest parts are veil and not load: they follow it closely, and far enough."""
        likely = 0.0 < self.share <= MOST_SHARE and self.share * self.leak <= MOST_LEAK
        return likely and self.tight <= TIGHT and self.span >= SPAN


def remove_veil(beam: Beam) -> Beam:
    """The beam less the scattered rays that reach each pixel, where the scan itself shows how many they are.

    Only one column of the load is in the fan at a time, so scattered rays come from above and below. They are modeled as
    V = s A + l B. A is the running mean along the rows of T (1 + τ), the linear form of a build-up factor; B the mean T of
    the column, which fills even what is large and opaque. In the darkest parts V is all that is seen. The scan tells s, l
    and the reach of A if the lower envelope of its dark parts follows V within 30 % while V itself changes
    fivefold; a dense load that is still penetrated varies e-fold with every unit of its optical depth, and does not. Where
    they do not, nothing is taken off.

    T (1 + s + l) − V is what came straight through; what is left where it is under a quarter of V is not told from nothing,
    and ``least`` is raised to that. Where nothing is taken off, all that is as dark as the veil that the darkest parts
    allow, or that is usual (s = 2 %), may be veil: ``least`` rises to it.

    Parameters
    ----------
    beam : Beam
        With faulty channels marked; its transmission is changed in place.

    Returns
    -------
    Beam

    References
    ----------
    A.B. Chilton, J.K. Shultis, R.E. Faw, Principles of Radiation Shielding (1984), on the linear build-up factor.
    """
    steps, least = list(beam.steps), beam.least.copy()
    for energy, transmission in enumerate(beam.transmission):
        coarse, rows = _coarse(transmission, beam.valid)
        if coarse is None:
            continue
        dark = _dark_cells(coarse)
        if dark is None:
            steps.append(Step("veil", "nothing is dark enough to show the scattered rays; none taken off", {"energy": energy}))
            continue
        veil, scattered = _fitted(coarse, dark)
        if veil is None:
            continue
        note = f"{veil.share:.1%} of what comes through nearby and {veil.share * veil.leak:.2g} of each column"
        if veil.sure:
            transmission *= np.float32(1.0 + veil.share * (1.0 + veil.leak))
            transmission -= cv2.resize(scattered, transmission.shape[::-1], interpolation=cv2.INTER_LINEAR)
            note = f"scattered rays taken off: {note}, seen where nothing else comes through"
        else:
            note = f"the darkest parts do not show how many rays are scattered, {note} at most; none taken off"
        unsure = UNSURE if veil.sure else min(1.0, USUAL / max(veil.share, _TINY))
        floor = unsure * _in_dark(scattered, dark)
        least[energy] = np.maximum(least[energy], np.interp(np.arange(transmission.shape[0]), rows, floor))
        found = {"share": veil.share, "leak": veil.share * veil.leak, "tight": veil.tight, "span": veil.span}
        steps.append(Step("veil", note, {"energy": energy, "removed": veil.sure, **found}))
    return replace(beam, least=least, steps=tuple(steps))


def _coarse(transmission: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """Means of every column over 64 groups of valid rows, shape (64, columns), and the middle row of each group."""
    rows = np.flatnonzero(valid.any(axis=1))
    if rows.size < CELLS:
        return None, rows
    each = max(1, min(_PICKED, rows.size) // CELLS)
    picked = rows[np.linspace(0, rows.size - 1, CELLS * each).astype(np.intp)]
    groups = transmission[picked].reshape(CELLS, each, -1)
    coarse: np.ndarray = groups.mean(axis=1) if each > 1 else groups[:, 0]
    return coarse, picked.reshape(CELLS, each).mean(axis=1)


def _blocks(values: np.ndarray) -> np.ndarray:
    """Means over blocks of neighboring columns, about 320 of them."""
    width = max(1, values.shape[1] // _BLOCKS)
    count = values.shape[1] // width
    mean: np.ndarray = values[:, : count * width].reshape(values.shape[0], count, width).mean(axis=2)
    return mean


def _dark_cells(coarse: np.ndarray) -> np.ndarray | None:
    """Which blocks are dark enough to show a veil, shape (64, blocks); None when too few are."""
    dark = _blocks(coarse) < DARK
    empty = dark.mean(axis=0) > 0.9  # not scanned
    dark[:, empty] = False
    enough = dark.sum() >= FEWEST_DARK and np.count_nonzero(dark.sum(axis=0) >= 2) >= FEWEST_COLUMNS
    return dark if enough else None


def _grown(primary: np.ndarray) -> np.ndarray:
    """T (1 + τ)."""
    through = np.clip(primary, _TINY, 1.0)
    grown: np.ndarray = through - through * cv2.log(through)
    return grown


def _around(grown: np.ndarray, reach: int) -> np.ndarray:
    """Two running means along the rows: near things count more than far ones."""
    for _ in range(2):
        grown = cv2.blur(grown, (1, reach), borderType=cv2.BORDER_REPLICATE)
    return grown


def _fitted(coarse: np.ndarray, dark: np.ndarray) -> tuple[_Veil | None, np.ndarray]:
    """The veil that the lower envelope of the dark cells follows most closely, and its value, shape (64, columns)."""
    blocks = _blocks(coarse)
    cells = np.flatnonzero((dark & (blocks > LEAST_SEEN)).ravel())
    cells = cells[:: 1 + cells.size // MOST_CELLS]
    best, scattered = None, np.zeros_like(coarse)
    if cells.size < FEWEST_DARK:
        return best, scattered
    seen, primary = blocks.ravel()[cells], coarse
    for _ in range(2):
        grown, mean = _grown(primary), primary.mean(axis=0, keepdims=True)
        small, column = _blocks(grown), np.broadcast_to(_blocks(mean), dark.shape).ravel()[cells]
        best = None
        for reach in REACHES:
            near = _around(small, reach).ravel()[cells]
            for leak in LEAKS:
                found = _envelope(seen, near + np.float32(leak) * column, leak, reach)
                if found and (best is None or (-found.sure, found.tight) < (-best.sure, best.tight)):
                    best = found
        if best is None:
            break
        scattered = _around(grown, best.reach) + np.float32(best.leak) * mean
        scattered *= np.float32(best.share)
        if not best.sure:
            break
        primary = np.maximum(coarse * np.float32(1.0 + best.share * (1.0 + best.leak)) - scattered, 0.0)
    return best, scattered


def _envelope(seen: np.ndarray, model: np.ndarray, leak: float, reach: int) -> _Veil | None:
    """How closely the low quantiles of seen over model lie together."""
    ratio = seen / np.maximum(model, _TINY)
    places = [int(share * (ratio.size - 1)) for share in FLOOR]
    low, middle, high = np.partition(ratio, places)[places]
    if low <= 0.0:
        return None
    touching = model[ratio <= high]
    ends = [int(share * (touching.size - 1)) for share in (0.05, 0.95)]
    least, most = np.partition(touching, ends)[ends]
    return _Veil(float(middle), leak, reach, float(high / low), float(most / max(float(least), _TINY)))


def _in_dark(scattered: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """Median veil over the dark blocks of each row of cells, 0 where there are none, shape (64,)."""
    blocks = np.sort(np.where(dark, _blocks(scattered), np.float32(np.inf)), axis=1)
    count, row = dark.sum(axis=1), np.arange(dark.shape[0])
    # numpy.nanmedian takes each row by itself, five times as long
    middle = 0.5 * (blocks[row, np.maximum(count - 1, 0) // 2] + blocks[row, np.minimum(count // 2, blocks.shape[1] - 1)])
    return np.where(count > 0, middle, 0.0)
