"""Pixels and whole columns that hold no measurement: full converter, lost or copied pulses, single shouting pixels, padding."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.geometry import bands
from xrayscan.normalize.beam import Beam
from xrayscan.scan import Calibration, Step

__all__ = ["blind_bands", "filled_in", "hot_pixels", "lost_columns", "saturated", "unscanned"]

PILE = 4.0
FEWEST_PILED = 30
BELOW_FULL = 64
EMPTY_SHARE = 0.9
VOID_SHARE = 0.98
NOTHING = 0.012
VOID = 0.03
BESIDE_VOID = 0.05
LONGEST_LOSS = 64
HOT_STEP = 0.1
HOT_RATIO = 10.0
MOST_HOT = 0.1
FILLED_SHARE = 0.97
FILLED_RUNS = 0.03
_ROWS = 96
_BLOCK = 32
_FLOAT_STEP = 2e-6
_TELLING = 6.0
MOST_COUNTED = 65535  # by a converter of 16 bits
_RING = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x)


def saturated(pixels: np.ndarray, calibration: Calibration, valid: np.ndarray) -> Step | None:
    """Mark in ``valid``, in place, where the converter was full; what was found, or None.

    Full is what the calibration says; else the highest number that occurs, if so many pixels hold it that it is not the
    tail of a distribution: four times as many as hold any of the 64 numbers below.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns) [counts]
    calibration : Calibration
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Step or None
    """
    full = calibration.saturation
    given = full is not None
    if full is None:
        full = _pile_up(pixels)
        if full is None:
            return None
    over = (pixels >= full).any(axis=0)
    count = int(over.sum())
    valid &= ~over
    air = calibration.air
    clipped = int((air >= full).reshape(*air.shape[:2], -1).any(axis=(0, 2)).sum()) if air is not None else 0
    note = f"{count} pixels at or above {full:g} counts" + ("" if given else ", where they pile up: the converter was full")
    if clipped:
        note = f"warning: {note}; so is the air of {clipped} channels, whose gain is not known"
    elif not given and count > 0.05 * valid.size:
        note = f"warning: {note}"
    return Step("saturation", note, {"pixels": count, "level": float(full), "given": given, "channels": clipped})


def _pile_up(pixels: np.ndarray) -> float | None:
    """The highest number, if it is where the converter was full."""
    if pixels.dtype.kind == "f":  # counts are, once columns of them were lost
        pixels = pixels[np.isfinite(pixels)]
        if pixels.size == 0 or pixels.max() > MOST_COUNTED or not np.array_equal(pixels, np.rint(pixels)):
            return None
    top = int(pixels.max())
    high = pixels[pixels > top - BELOW_FULL - 1]
    counts = np.bincount((top - high).astype(np.int64), minlength=BELOW_FULL + 1)
    below = counts[1:]
    if counts[0] < FEWEST_PILED or counts[0] < PILE * below.max() or np.count_nonzero(below) < 3:
        return None
    # A picture without noise has plateaus of its own; only a converter's last number is one for certain.
    is_last = any(top == ((1 << bits) - 1) << shift for bits in range(8, 17) for shift in range(17 - bits))
    return float(top) if is_last else None


def unscanned(beam: Beam, valid: np.ndarray) -> Step | None:
    """Mark columns that hold nothing from top to bottom, in place: padding at either end, or a beam that was off meanwhile.

    An opaque load has the noise of a closed beam, and leaves air above it. What is empty within the picture lies between
    columns with signal in half of their rows.

    Parameters
    ----------
    beam : Beam
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Step or None
    """
    rows = _some_rows(valid)
    some = beam.transmission[0][rows]
    if some.size == 0:
        return None
    limit = np.maximum(beam.least[0][rows], NOTHING)[:, None]
    # Padding has one number along each row; the noise of a closed beam, behind an opaque load too, has not.
    steps = np.abs(np.diff(some, axis=1)) <= 1.5 * beam.step[0][rows][:, None]
    same = np.pad(steps, ((0, 0), (1, 0))) | np.pad(steps, ((0, 0), (0, 1)))  # as its left or its right neighbor
    share = ((some <= limit) & same).mean(axis=0, dtype=np.float32)[None]
    empty = cv2.blur(share, (5, 1), borderType=cv2.BORDER_REPLICATE)[0] > EMPTY_SHARE
    if empty.all():
        return None
    lit = np.asarray((some > BESIDE_VOID).mean(axis=0) > 0.5)
    for first, last in bands(share <= EMPTY_SHARE):
        if lit[first - 1] and lit[last]:
            valid[:, first:last] = False
    if not (empty[0] or empty[-1]):
        return None
    left, right = (_reach(line, share) for line, share in ((empty, share[0]), (empty[::-1], share[0, ::-1])))
    valid[:, :left] = False
    valid[:, valid.shape[1] - right :] = False
    where = f"{left} columns at the left and {right} at the right edge"
    note = f"warning: {where} hold nothing from top to bottom: not scanned, not valid"
    return Step("unscanned", note, {"left": left, "right": right})


def blind_bands(valid: np.ndarray) -> Step | None:
    """What is to be said of bands of columns within the picture that hold no measurement."""
    found = bands(valid)
    if not found:
        return None
    # No places: the columns of one stretch of a train are none of the train's.
    widths = [last - first for first, last in found]
    what = f"a band of {widths[0]} columns" if len(found) == 1 else f"{len(found)} bands of {sum(widths)} columns in all"
    note = f"warning: {what} within the picture held no measurement from top to bottom: what passed there was not seen"
    return Step("bands", note, {"bands": len(found), "columns": sum(widths)})


def _some_rows(valid: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(valid.any(axis=1))
    return rows[:: max(1, rows.size // _ROWS)]


def _reach(empty: np.ndarray, share: np.ndarray) -> int:
    """Columns from the start that are empty in the mean of five, and those right after that are so by themselves."""
    end = int(np.argmin(empty))
    if end:
        end += int(np.argmin(np.append(share[end : end + 3] > EMPTY_SHARE, False)))
    return end


def lost_columns(beam: Beam, valid: np.ndarray) -> Step | None:
    """Mark in ``valid``, in place, columns inside the picture whose pulse was lost or was copied from its neighbors.

    Lost: hardly anything (T < 0.03) from top to bottom, right beside columns with signal in half of their rows. Every
    thing in the load has softer edges, or leaves air above it.

    Parameters
    ----------
    beam : Beam
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Step or None
    """
    rows = _some_rows(valid)
    if rows.size < 16 or valid.shape[1] < 16:
        return None
    lost, copied = np.zeros(valid.shape[1], bool), np.zeros(valid.shape[1], bool)
    for energy, transmission in enumerate(beam.transmission):
        some = transmission[rows]
        lost |= _voids(some)
        step = np.full(valid.shape[1], float(np.median(beam.step[energy])), np.float32)
        copied |= filled_in(cv2.transpose(some), step)
    copied &= ~lost
    if not (lost.any() or copied.any()):
        return None
    valid[:, lost | copied] = False
    note = f"{int(lost.sum())} columns hold nothing and {int(copied.sum())} are copied from their neighbors: pulses lost"
    return Step("lost columns", note, {"lost": int(lost.sum()), "copied": int(copied.sum())})


def _voids(some: np.ndarray) -> np.ndarray:
    void = (some < VOID).mean(axis=0) > VOID_SHARE
    out = np.zeros(void.size, bool)
    if void.all() or not void.any():
        return out
    lit = (some > BESIDE_VOID).mean(axis=0) > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[0], void.astype(np.int8), [0]])))
    for first, last in edges.reshape(-1, 2):
        inside = first > 0 and last < void.size
        out[first:last] = inside and last - first <= LONGEST_LOSS and lit[first - 1] and lit[last]
    return out


def hot_pixels(beam: Beam, valid: np.ndarray) -> Step | None:
    """Mark in ``valid``, in place, single pixels that no point spread explains.

    Such a pixel differs from the median of its eight neighbors by 0.1 and ten times more than any of those does: the
    image of even a point spreads over more than one pixel, a hit of the electronics does not.

    Parameters
    ----------
    beam : Beam
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Step or None
    """
    hot: list[np.ndarray] = []
    for transmission in beam.transmission:
        place = _places(_peaks(transmission).ravel())
        if not 0 < len(place) <= MOST_HOT * valid.size:
            continue
        rows, columns = np.divmod(place, valid.shape[1])
        inner = valid[rows, columns] & (rows > 0) & (rows < valid.shape[0] - 1)
        rows, columns = rows[inner], columns[inner]
        own = transmission[rows, columns]
        # An upright edge differs from one side only.
        differs = np.abs(own - transmission[rows - 1, columns]) > HOT_STEP
        differs &= np.abs(own - transmission[rows + 1, columns]) > HOT_STEP
        rows, columns = rows[differs], columns[differs]
        around = np.stack([transmission[rows + y, columns + x] for y, x in _RING])
        known = np.stack([valid[rows + y, columns + x] for y, x in _RING])
        middle = np.median(around, axis=0)
        spread = np.where(known, np.abs(around - middle), 0.0).max(axis=0)
        alone = np.abs(transmission[rows, columns] - middle) > HOT_STEP + HOT_RATIO * spread
        hot.append(np.stack([rows[alone], columns[alone]]))
    spots = np.unique(np.concatenate(hot, axis=1), axis=1) if hot else np.zeros((2, 0), np.intp)
    if spots.shape[1] == 0:
        return None
    valid[spots[0], spots[1]] = False
    note = f"{spots.shape[1]} single pixels stand out from all around them and are not valid"
    return Step("hot pixels", note, {"pixels": int(spots.shape[1])})


def _peaks(transmission: np.ndarray) -> np.ndarray:
    """Mask of bytes: pixels that differ from both their neighbors along the travel."""
    peaks = np.zeros(transmission.shape, np.uint8)
    if transmission.shape[1] < 3:
        return peaks
    for first in range(0, len(transmission), _BLOCK):  # as much as a processor keeps at hand
        part = transmission[first : first + _BLOCK]
        jumped = cv2.compare(cv2.absdiff(part[:, 1:], part[:, :-1]), HOT_STEP, cv2.CMP_GT)
        peaks[first : first + _BLOCK, 1:-1] = cv2.bitwise_and(jumped[:, 1:], jumped[:, :-1])
    return peaks


def _places(mask: np.ndarray) -> np.ndarray:
    """Where a flat mask of bytes is set; eight of them are looked at at a time, for hardly any are."""
    whole = mask.size // 8 * 8
    words = np.flatnonzero(mask[:whole].view(np.uint64))
    near = np.concatenate([(8 * words[:, None] + np.arange(8)).ravel(), np.arange(whole, mask.size)])
    return near[mask[near] > 0]


def filled_in(lines: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Lines that are a copy of a neighbor, or lie straight between their two neighbors, nearly everywhere.

    A run of lines filled in straight between its ends obeys the same, line by line; at the picture's edge fillings
    are copies. A picture that was made larger has such lines everywhere, and one without noise has equal ones: they are
    told by their number, and nothing is said of them.

    Parameters
    ----------
    lines : ndarray of float32, shape (lines, pixels)
        Rows, or columns turned into rows.
    step : ndarray, shape (lines,)
        Quantization step, 0 where unknown.

    Returns
    -------
    ndarray of bool, shape (lines,)

    Examples
    --------
    >>> import numpy as np
    >>> lines = np.random.default_rng(1).normal(0.5, 0.1, (40, 300)).astype(np.float32)
    >>> lines[0], lines[21], lines[22] = lines[1], (2 * lines[20] + lines[23]) / 3, (lines[20] + 2 * lines[23]) / 3
    >>> np.flatnonzero(filled_in(lines, np.zeros(40))).tolist()
    [0, 21, 22]
    """
    count, pixels = lines.shape
    tolerance = np.maximum(1.01 * step, _FLOAT_STEP).astype(np.float32)[:, None]
    enough = max(16, pixels // 50)
    filled = np.zeros(count, bool)
    # Only where a line varies along itself, and its neighbors are not at an end of the scale, can it tell anything.
    telling = _exceeds(cv2.absdiff(lines[:, 1:], lines[:, :-1]), tolerance, _TELLING)
    top = float(np.nextafter(lines.max(), np.float32(-np.inf)))
    inner = cv2.inRange(lines[:, 1:], float(np.finfo(np.float32).tiny), top)
    told = cv2.bitwise_and(telling[1:-1], cv2.bitwise_and(inner[:-2], inner[2:]))
    middle = cv2.addWeighted(lines[:-2, 1:], 0.5, lines[2:, 1:], 0.5, 0.0)
    off = _exceeds(cv2.absdiff(middle, lines[1:-1, 1:], dst=middle), tolerance[1:-1])
    count_told, count_off = _count(told), _count(cv2.bitwise_and(off, told))
    straight = (count_told >= enough) & (count_off <= (1.0 - FILLED_SHARE) * count_told)
    if 2 * straight.sum() <= (count_told >= enough).sum() + count // 8:
        filled[1:-1] = straight
    copies = _copies(lines, tolerance, _count(telling)[:-1], enough)
    copies[1:-1] &= ~filled[:-2]  # the end of a straight run is hardly different from the last of its fillings
    filled |= copies
    runs = int((np.diff(filled.astype(np.int8), prepend=0) > 0).sum())
    return filled if runs <= max(2, FILLED_RUNS * count) else np.zeros(count, bool)


def _exceeds(distance: np.ndarray, tolerance: np.ndarray, times: float = 1.0) -> np.ndarray:
    """Mask of bytes, 255 where a distance is more than so many times its line's tolerance; ``distance`` is used up."""
    distance /= tolerance
    mask: np.ndarray = cv2.compare(distance, times, cv2.CMP_GT)
    return mask


def _count(mask: np.ndarray) -> np.ndarray:
    """How many bytes of each line are set."""
    count: np.ndarray = cv2.reduce(mask, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] // 255
    return count


def _copies(lines: np.ndarray, tolerance: np.ndarray, telling: np.ndarray, enough: int) -> np.ndarray:
    """Lines that equal the one before, or at the first edge the one after; only where lines vary along themselves."""
    copies = np.zeros(len(lines), bool)
    varied = telling >= enough
    differing = _count(_exceeds(cv2.absdiff(lines[1:], lines[:-1]), tolerance[1:]))
    same = varied & (differing <= (1.0 - FILLED_SHARE) * telling)
    if not same.any() or 2 * same.sum() > varied.sum() + len(lines) // 8:
        return copies
    copies[1:] = same
    # Equal lines at the first edge are copies of the last of them.
    first = int(np.argmin(np.append(same, False)))
    if first:
        copies[0], copies[first] = True, False
    return copies
