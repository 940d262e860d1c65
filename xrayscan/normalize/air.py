"""Air in the scan itself: where it is seen, and air and dark of a scan that came without them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.normalize.beam import blocks, sparse
from xrayscan.scan import Step

__all__ = ["OpenBeam", "clipped", "dark_from_scan", "find_air", "open_beam"]

DARK_SHARE = 0.02
DARK_MOST = 0.1
SPREAD = 1.1  # of counts that are all dark, about their least
AIR_LIKE = 0.96
NOT_AIR = 1.06
LEAST_COLUMNS = 4
LEAST_ROWS = 8
AIR_BAND = (0.94, 1.06)
FAINTEST = 0.2
STEP = (0.005, 0.04)
NEAR = (0.004, 0.03)
DRIFT_MOST = 0.05
SAG = 0.004
SAG_UNLEVELED = 0.03
ROW_GAIN_MOST = 0.2
MOST_PULSES = 0.1
CLIPPED = 0.05
_SIDE = 12
_ENDS = 100
_CELL = (3, 12)


def dark_from_scan(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, Step]:
    """The closed beam of a scan that came without it, energy by energy.

    The dark level lies between 0 and the least counts seen. Where those are under 2 % of the brightest, they are taken
    as dark, and that whole amount is held as unsure, so that nothing below it is called penetrated. Else 0 is taken; up to 10 %
    what lies at the least counts may still be dark and nothing more, and is held as unsure.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns) [counts]

    Returns
    -------
    dark : ndarray of float32, shape (energies, rows) [counts]
    unsure : ndarray of float32, shape (energies, 1) [counts]
    step : Step
    """
    levels, unsure = np.zeros((2, len(pixels)), np.float32)
    for energy, few in enumerate(sparse(pixels)):
        few = few[np.isfinite(few)] if few.dtype.kind == "f" else few.ravel()
        low, high = (float(v) for v in np.quantile(few, [0.001, 0.99])) if few.size else (0.0, 0.0)
        levels[energy] = low if 0.0 < low < DARK_SHARE * high else 0.0
        unsure[energy] = low if levels[energy] else (SPREAD * low if 0.0 < low < DARK_MOST * high else 0.0)
    told = " and ".join(f"{level:g}" for level in levels)
    why = "the least counts seen" if levels.any() else "0"
    note = f"warning: no dark given; {why} ({told} counts) taken as dark, so dense parts are uncertain"
    dark = np.repeat(levels[:, None], pixels.shape[1], axis=1)
    return dark, unsure[:, None], Step("dark from scan", note, {"dark": float(levels[0])})


def find_air(pixels: np.ndarray, dark: np.ndarray) -> tuple[np.ndarray, Step]:
    """The open beam of each channel, found in the scan.

    Columns before and after the vehicle: those where nearly every channel is near its own level in the brightest columns,
    and no channel is brighter elsewhere. Where there are fewer than four of them, each channel's own bright level counts,
    and a channel that never sees air takes the level of the bright channels.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns) [counts]
    dark : ndarray, shape (energies, rows) or (energies, rows, columns) [counts]

    Returns
    -------
    air : ndarray of float32, shape (energies, rows) [counts]
    step : Step

    Raises
    ------
    CalibrationError
        If no channel ever counts more than its dark: the scan is blank.

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.full((1, 50, 80), 900.0)
    >>> counts[:, 10:40, 20:60] = 200.0
    >>> air, step = find_air(counts, np.zeros((1, 50)))
    >>> float(air.min()), float(air.max())
    (900.0, 900.0)
    >>> step.note
    'warning: no air given; taken from 40 columns before and after the vehicle, sure to 0.00% in each channel'
    """
    base = dark if dark.ndim == 2 else dark.mean(axis=2)
    counts = pixels if pixels.dtype.kind != "f" else np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
    bright = _brightest(counts)
    if not (bright > base).any():
        raise CalibrationError(
            f"looking for air in the scan: no channel counts more than its dark (brightest {bright.max():g} counts); "
            "the scan is blank, pass the air line or scan again"
        )
    for level in (_of_brightest_columns(counts), bright):
        columns = np.flatnonzero(_air_columns(counts, base, np.maximum(level - base, np.finfo(np.float32).tiny)))
        # Where a channel is brighter elsewhere than in these columns, they are not air.
        if columns.size >= LEAST_COLUMNS and np.mean(bright - base > NOT_AIR * (level - base)) < 0.03:
            return _from_columns(counts, base, columns)
    span = np.maximum(bright - base, 0.0)
    level = base + np.quantile(span, 0.9, axis=1, keepdims=True)
    seen = bright >= base + 0.9 * (level - base)
    air = np.where(seen, bright, level).astype(np.float32)
    note = (
        f"warning: no air given and no column free of the vehicle; the brightest counts of each channel taken as air, "
        f"and for {int((~seen).sum())} channels those of the others: every density is approximate"
    )
    return air, Step("air from scan", note, {"columns": 0})


def _brightest(counts: np.ndarray) -> np.ndarray:
    """Bright counts of each channel, of one column in 200 or at least four; shape (energies, rows)."""
    few = sparse(counts)
    most = max(1, round(max(LEAST_COLUMNS / counts.shape[2], 1 / 200) * few.shape[2]))
    place = max(few.shape[2] - most, few.shape[2] // 2)
    bright: np.ndarray = np.partition(few, place, axis=2)[..., place].astype(np.float32)
    return bright


def _of_brightest_columns(counts: np.ndarray) -> np.ndarray:
    """Counts of each channel in the columns that are the brightest in the mean, shape (energies, rows)."""
    mean = counts[0, :: max(1, counts.shape[1] // 64)].mean(axis=0, dtype=np.float32)
    most = min(counts.shape[2], max(2 * LEAST_COLUMNS, counts.shape[2] // 100))
    columns = np.argpartition(mean, -most)[-most:]
    level: np.ndarray = np.median(counts[:, :, columns], axis=2).astype(np.float32)
    return level


def _from_columns(counts: np.ndarray, base: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, Step]:
    """Air of each channel as the mean over columns, and how sure that is."""
    seen = counts[:, :, columns].astype(np.float32)
    air = seen.mean(axis=2)
    some = seen[:, :: max(1, seen.shape[1] // 64)]
    doubt = float(np.median(some.std(axis=2) / np.maximum(some.mean(axis=2), 1.0))) / np.sqrt(columns.size)
    note = (
        f"warning: no air given; taken from {columns.size} columns before and after the vehicle, "
        f"sure to {doubt:.2%} in each channel"
    )
    return air, Step("air from scan", note, {"columns": int(columns.size), "doubt": doubt})


def _air_columns(counts: np.ndarray, base: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Columns in which half of all channels, and nearly all with some slack, are at their own bright level."""
    good = span > 0.2 * np.median(span, axis=1, keepdims=True)
    columns = np.ones(counts.shape[2], bool)
    for energy in range(counts.shape[0]):
        rows = np.flatnonzero(good[energy])[:: max(1, int(good[energy].sum()) // 128)]
        ratio = (counts[energy, rows] - base[energy, rows, None]) / span[energy, rows, None]
        columns &= (np.median(ratio, axis=0) > AIR_LIKE) & (np.quantile(ratio, 0.03, axis=0) > AIR_LIKE - 0.1)
    return columns


@dataclass(frozen=True, eq=False)
class OpenBeam:
    """Where one energy of a scan sees nothing but air.

    Attributes
    ----------
    rows : ndarray of intp, shape (columns,)
        Every row above this one sees air in that column (as far as it is valid); 0 where none surely does.
    level : ndarray of float32, shape (columns,)
        Transmission of the air there, from the uppermost rows; between such columns it is a straight line. It is
        1 where dose and calibration are right.
    whole : ndarray of bool, shape (columns,)
        Sees air in all rows but 3 %, be they faulty or shaded.
    first : int
        The uppermost row that is valid.
    """

    rows: np.ndarray
    level: np.ndarray
    whole: np.ndarray
    first: int


def open_beam(transmission: np.ndarray, valid: np.ndarray, band: tuple[float, float] = AIR_BAND) -> OpenBeam | None:
    """Where the picture sees air, from its upper edge down.

    Air is what the uppermost eight rows see when they all see the same, and when that stands

    - at the level of the brightest columns that see it from top to bottom, which must not be above ``band``; of 1 where no
      column does, or only such as are below it, as where the dose is lost at an end; how near depends on how much columns
      differ anyway, 0.4 to 3 %;
    - or at one that is reached from there without a step. The dose may drift far, but it does so smoothly, while a load has
      edges; and where it is lost by more than 5 % it does not come back before the picture ends.

    From there down air ends where means of 3 rows by 12 columns differ by more than their noise and 0.4 %.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
    valid : ndarray of bool, shape (rows, columns)
    band : (float, float)

    Returns
    -------
    OpenBeam or None
        None where no air is seen.

    Examples
    --------
    >>> image = np.ones((60, 300), np.float32)
    >>> image[24:, 60:240] = 0.4
    >>> seen = open_beam(image, np.ones((60, 300), bool))
    >>> seen.rows[[0, 150]].tolist()
    [60, 21]
    """
    columns = transmission.shape[1]
    usable = np.flatnonzero(cv2.reduce(valid.view(np.uint8), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] > 0.5 * columns)
    if usable.size < LEAST_ROWS or columns < LEAST_ROWS:
        return None
    top = usable[:LEAST_ROWS]
    scanned: np.ndarray = np.asarray(valid[top].all(axis=0))
    if scanned.sum() < LEAST_ROWS:
        return None
    profile, even = _top(transmission[top], scanned)
    cells = _cells(transmission, usable, profile, even)
    sure = even & _at_air(profile, even, cells.whole, band)
    if sure.sum() < LEAST_ROWS:
        return None
    place = np.arange(columns)
    level = np.interp(place, place[sure], profile[sure]).astype(np.float32)
    sure |= _between(profile, level, even, sure)
    level[sure] = profile[sure]
    return OpenBeam(_reach(cells, usable, sure, transmission.shape[0]), level, cells.whole & sure, int(top[0]))


def clipped(transmission: np.ndarray, where: OpenBeam) -> bool:
    """Whether air stands at the highest number of the delivery, so that its fluctuation is cut off and tells nothing.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
    where : OpenBeam

    Returns
    -------
    bool
        More than 5 % of the air is at exactly its highest value.
    """
    columns = np.flatnonzero(where.rows > where.first)
    columns = columns[:: max(1, columns.size // 256)]
    rows = np.arange(where.first, transmission.shape[0])
    rows = rows[:: max(1, rows.size // 128)] if where.rows.min() > 128 else rows[:128]
    air = transmission[np.ix_(rows, columns)][rows[:, None] < where.rows[columns]]
    return bool(air.size and np.mean(air == air.max()) > CLIPPED)


def _top(band: np.ndarray, scanned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the uppermost rows in each column, and where they all see the same, but for their gains."""
    rough = band.mean(axis=0)
    bright = scanned & (rough >= np.quantile(rough[scanned], 0.7))
    gain = band[:, bright].mean(axis=1, keepdims=True)
    band = band * (gain.mean() / np.maximum(gain, np.finfo(np.float32).tiny))
    profile: np.ndarray = band.mean(axis=0)
    half = len(band) // 2
    slant = (band[:half].mean(axis=0) - band[half:].mean(axis=0)) / np.maximum(np.abs(profile), 0.05)
    slant = cv2.blur(slant[None], (5, 1), borderType=cv2.BORDER_REPLICATE)[0]
    noise = 1.4826 * float(np.median(np.abs(slant[bright])))
    return profile, scanned & (np.abs(slant) < max(0.005, 5.0 * noise)) & (profile > FAINTEST)


@dataclass(frozen=True, eq=False)
class _Cells:
    """Means of 3 rows by 12 columns over what the uppermost rows see in their columns, and over the gain of their rows."""

    ratio: np.ndarray
    tolerance: np.ndarray  # of each column of cells
    whole: np.ndarray  # of each column: it sees the same from top to bottom


def _cells(transmission: np.ndarray, usable: np.ndarray, profile: np.ndarray, even: np.ndarray) -> _Cells:
    columns = profile.size
    high, wide = max(1, usable.size // _CELL[0]), max(1, columns // _CELL[1])
    level = _coarse(profile[None], 1, wide)
    ratio = _coarse_rows(transmission, usable, high, wide) / np.maximum(level, 0.01)
    free = _coarse(even.astype(np.float32)[None], 1, wide)[0] > 0.99
    free &= (np.abs(ratio - 1.0) < ROW_GAIN_MOST).mean(axis=0) > 0.97
    tolerance = SAG_UNLEVELED
    if free.sum() >= 2:
        # Load is darker than air: in each row the brighter columns are the free ones.
        gain = np.maximum(np.quantile(ratio[:, free], 0.95, axis=1, keepdims=True), 1e-6)
        away = ratio[:, free] / gain
        noise = float(np.median(np.abs(np.diff(away, axis=0)))) if len(away) > 1 else 0.0
        free[free] = (np.abs(away - 1.0) < max(0.01, 5.0 * noise)).mean(axis=0) > 0.97
    if free.sum() >= 2:
        ratio /= np.maximum(np.median(ratio[:, free], axis=1, keepdims=True), 1e-6)
        tolerance = max(SAG, 5.0 * 1.4826 * float(np.median(np.abs(ratio[:, free] - 1.0))))
    else:
        free[:] = False
    # What sees air nearly everywhere ends only where it surely does: gains may have moved since.
    limit = np.where(free, max(SAG_UNLEVELED, tolerance), tolerance)
    return _Cells(ratio, limit, free[_cell_of(columns, wide)])


def _cell_of(columns: int, wide: int) -> np.ndarray:
    return np.minimum(np.arange(columns) // _CELL[1], wide - 1)


def _coarse_rows(transmission: np.ndarray, usable: np.ndarray, high: int, wide: int) -> np.ndarray:
    """Means of cells of the usable rows, shape (high, wide)."""
    each, out = max(1, min(_CELL[0], usable.size // high)), np.empty((high, wide), np.float32)
    for cells in blocks(high, each * transmission.shape[1]):
        rows = usable[cells.start * each : cells.stop * each]
        whole = rows[-1] - rows[0] == rows.size - 1
        held = transmission[rows[0] : rows[-1] + 1] if whole else transmission[rows]
        out[cells] = _coarse(held, cells.stop - cells.start, wide)
    return out


def _coarse(image: np.ndarray, high: int, wide: int) -> np.ndarray:
    """Means of cells of whole pixels; what is left over at the right and lower edge is left out."""
    rows, columns = max(1, min(_CELL[0], image.shape[0] // high)), max(1, min(_CELL[1], image.shape[1] // wide))
    return cv2.resize(image[: high * rows, : wide * columns], (wide, high), interpolation=cv2.INTER_AREA)


def _at_air(profile: np.ndarray, even: np.ndarray, whole: np.ndarray, band: tuple[float, float]) -> np.ndarray:
    """Columns of those stretches between two steps that stand, somewhere, at the level of air."""
    steps = _steps(profile)
    spread, most = _usual(steps, whole)
    edge = np.abs(steps) > min(max(5.0 * spread, STEP[0]), max(STEP[1], most))
    peak = edge & (np.abs(steps) >= cv2.dilate(np.abs(steps)[None], np.ones((1, 2 * _SIDE + 1)))[0])
    doubt = cv2.morphologyEx((~even).astype(np.uint8)[None], cv2.MORPH_OPEN, np.ones((1, 4), np.uint8))[0] > 0
    beside = cv2.dilate((peak[:-1] | peak[1:]).astype(np.uint8)[None], np.ones((1, 5), np.uint8))[0] > 0
    free = ~(beside | doubt)
    near = min(max(4.0 * spread, NEAR[0]), max(NEAR[1], most))
    smooth = cv2.blur(profile[None], (_SIDE, 1), borderType=cv2.BORDER_REPLICATE)[0]
    air = float(np.quantile(smooth[whole], 0.98)) if whole.any() else 0.0
    if air > band[1]:
        return np.zeros(profile.size, bool)
    if air < band[0]:  # none, or only where the dose is lost
        air, near = 1.0, NEAR[1]
    inside = np.zeros(profile.size, bool)
    for start, end in np.flatnonzero(np.diff(np.concatenate([[0], free.astype(np.int8), [0]]))).reshape(-1, 2):
        middle = (
            smooth[start + _SIDE // 2 : end - _SIDE // 2] if end - start > 2 * _SIDE else profile[start:end].mean(keepdims=True)
        )
        if end - start >= LEAST_COLUMNS and (np.abs(middle - air) <= near).any():
            inside[start:end] = _not_coming_back(
                smooth[start:end] < air - max(DRIFT_MOST, near), start == 0, end == profile.size
            )
    return inside


def _between(profile: np.ndarray, level: np.ndarray, even: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Columns left out beside a step with air on both sides of them, which do not differ by more than pulses do."""
    usual = 1.4826 * float(np.median(np.abs(profile - cv2.blur(level[None], (2 * _SIDE + 1, 1))[0])[sure]))
    closed = cv2.morphologyEx(sure.astype(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, _SIDE), np.uint8))[0] > 0
    kept: np.ndarray = closed & even & (np.abs(profile - level) < max(0.01, 4.0 * usual))
    return kept


def _not_coming_back(low: np.ndarray, first: bool, last: bool) -> np.ndarray:
    """Columns that are not low, and those that are and stay so until the first or last column of the picture."""
    fine = np.flatnonzero(~low)
    kept = ~low
    if fine.size:
        kept[: fine[0]] |= first
        kept[fine[-1] + 1 :] |= last
    return kept


def _usual(steps: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """How large steps are without a load, and how large they may be: as the columns show that see air from top to bottom.

    These are the first and the last hundred. Where they are few it is the median of all columns, and no more than dose
    usually fluctuates is believed.
    """
    inside = cv2.erode(whole.astype(np.uint8)[None], np.ones((1, 2 * _SIDE + 1), np.uint8), borderValue=0)[0] > 0
    inside[:_SIDE] = inside[inside.size - _SIDE :] = False
    # Only before and after the vehicle: walls may stand from top to bottom as well.
    place = np.flatnonzero(whole)
    if place.size:
        inside[place[0] + _ENDS : max(place[-1] - _ENDS, place[0] + _ENDS)] = False
    usual = 1.4826 * float(np.median(np.abs(steps)))
    if inside.sum() < 2 * _SIDE:
        return usual, 0.0
    return float(np.sqrt(np.mean(steps[:-1][inside] ** 2))), MOST_PULSES


def _steps(profile: np.ndarray) -> np.ndarray:
    """By what log T steps before each column, of one more than there are.

    A straight line through the columns from there on, less one through those before, each where they meet.
    """
    line = np.log(np.maximum(profile, 1e-3))
    away = np.arange(_SIDE) + 0.5
    weight = 1.0 / _SIDE - away.mean() * (away - away.mean()) / ((away - away.mean()) ** 2).sum()
    steps = np.zeros(line.size + 1)
    if line.size > 2 * _SIDE:
        steps[_SIDE : line.size - _SIDE + 1] = np.convolve(line, np.concatenate([weight[::-1], -weight]), "valid")
    return steps


def _reach(cells: _Cells, usable: np.ndarray, sure: np.ndarray, rows: int) -> np.ndarray:
    """Row at which air ends in each column; one cell before it differs, and no deeper than in the cells beside."""
    high, wide = cells.ratio.shape
    away = (np.abs(cells.ratio - 1.0) > cells.tolerance).astype(np.uint8)
    away = cv2.dilate(away, np.ones((1, 3), np.uint8)) > 0
    end = np.where(away.any(axis=0), np.argmax(away, axis=0) - 1, high).clip(0)
    last = np.where(end >= high, rows, np.append(usable, rows)[np.minimum(end * _CELL[0], usable.size)])
    cell = _cell_of(sure.size, wide)
    return np.where(sure & (end[cell] > 0), last[cell], 0)
