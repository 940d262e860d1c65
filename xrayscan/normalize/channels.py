"""Gain of each channel since its calibration: leveled with the air that the scan itself sees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xrayscan.normalize.air import OpenBeam, clipped, open_beam
from xrayscan.normalize.beam import Beam, sparse
from xrayscan.scan import Step

__all__ = ["Modules", "find_modules", "level_channels"]

MOST_COLUMNS = 1536
MOST_PERIOD = 16
SURE = 5.0
SURE_PATTERN = 8.0
SURE_MODULES = 10.0
FEWEST = 4
ENOUGH = 16
AFTERGLOW = 24
MOST_CHANGE = 0.5
LEAST_CHANGE = 1e-4
ROUNDING = 1e-5
MOST_STEP = 0.03
PENETRATED = 0.02
_SIZES = range(8, 129, 4)
_OUTLIER = 5.0
_CHUNKS = 8


@dataclass(frozen=True)
class Modules:
    """How channels are grouped.

    Attributes
    ----------
    size : int
        Channels of a module; 0: no modules show.
    phase : int
        The first row with which a module starts.
    """

    size: int
    phase: int

    def of(self, rows: int) -> np.ndarray:
        """Number of each row's module from 0, shape (rows,)."""
        if not self.size:
            return np.zeros(rows, np.intp)
        number = (np.arange(rows) - self.phase) // self.size
        return number - number[0]


@dataclass(frozen=True, eq=False)
class _Gains:
    """What the air says of each row.

    Attributes
    ----------
    gain, variance : ndarray, shape (rows,)
        Gain less 1, and the variance of its noise; infinite where the row sees no air.
    rise, rise_variance, ends : ndarray of shape (rows,), float, (float, float)
        What the gain rose from the first half of the air to the last, its noise, and the columns where these lie.
    pattern, pattern_variance : ndarray of shape (rows, period), float
        Gain of each detector column of a pulse less the row's.
    columns : int
        Columns of air that were used.
    """

    gain: np.ndarray
    variance: np.ndarray
    rise: np.ndarray
    rise_variance: float
    ends: tuple[float, float]
    pattern: np.ndarray
    pattern_variance: float
    columns: int


def level_channels(beam: Beam) -> Beam:
    """The beam with each channel divided by the gain that the air in the scan shows it to have.

    Air is where columns see it from top to bottom, before and after the vehicle and between vehicles, or as far down as
    they do (`open_beam`). The dose of each column is taken out first. A gain is what its module has in common (size and
    first row are found) and what the channel differs from it, counted as far as it is surer than noise: by s²/(s² + v), s²
    the variance of gains and v that of the mean of the air. Where detector columns of one pulse differ within a channel, each
    has its gain. Where gains before and after the vehicle differ by more than noise they move in a straight line.
    Modules that never see air are leveled to their neighbors where the picture jumps between them by the same
    factor everywhere. Where all is within noise nothing is changed.

    Parameters
    ----------
    beam : Beam

    Returns
    -------
    Beam
        Its transmission is changed in place; the quantization step and the least T follow.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> image = np.ones((1, 64, 300), np.float32)
    >>> image[:, 20:, 60:240] = 0.3
    >>> image *= rng.normal(1.0, 0.01, (64, 1)).astype(np.float32)
    >>> image *= rng.normal(1.0, 0.002, image.shape).astype(np.float32)
    >>> line = np.zeros((1, 64), np.float32)
    >>> done = level_channels(Beam(image, np.ones((64, 300), bool), line, line, ()))
    >>> bool(done.transmission[0, 20:, 60:240].mean(axis=1).std() < 2e-4)
    True
    """
    steps, step, least = list(beam.steps), beam.step.copy(), beam.least.copy()
    for energy, transmission in enumerate(beam.transmission):
        where = open_beam(transmission, beam.valid)
        if where is not None and clipped(transmission, where):
            continue
        found = None if where is None else _gains(transmission, beam.valid, where)
        seen = np.zeros(len(beam.valid), bool) if found is None else np.isfinite(found.variance)
        modules = _modules(found, seen, beam.step[energy])
        base, chained = _between_modules(transmission, beam.valid, found, modules)
        told = {"energy": energy, "module": modules.size, "first": modules.phase, "chained": chained, "rms": float(base.std())}
        told["unseen"] = int((beam.valid.any(axis=1) & ~seen).sum())
        change, pattern, rise = (base, None, None) if found is None else _shrunk(found, base, told)
        if told["rms"] < LEAST_CHANGE and pattern is None and rise is None:
            continue
        mean = _divide(transmission, change, pattern, rise, found)
        step[energy] /= mean
        least[energy] /= mean
        steps.append(_told(told, found))
    return replace(beam, step=step, least=least, steps=tuple(steps))


def _told(told: dict[str, float], found: _Gains | None) -> Step:
    size = int(told["module"])
    by = f", in modules of {size} from row {int(told['first'])}," if size else ""
    if found is None:
        note = f"no air in view; modules of {size} leveled by {int(told['chained'])} steps between them, {told['rms']:.2%} rms"
        return Step("channels", f"warning: {note}", told)
    gains = f"gains{by} were {told['rms']:.2%} rms off" if told["rms"] else "gains were within noise"
    note = f"channels leveled by the air of {found.columns} columns: {gains}"
    if told.get("pattern_rms"):
        note += f"; each of {int(told['period'])} detector columns by its own gain, {told['pattern_rms']:.2%} rms"
    if told.get("rise_rms"):
        note += f"; gains moved by {told['rise_rms']:.2%} rms from the first air to the last"
    if told["unseen"]:
        note += f"; {int(told['unseen'])} rows never see air, {int(told['chained'])} steps between modules were leveled there"
    return Step("channels", note, told)


def _air_columns(where: OpenBeam, rows: int) -> np.ndarray:
    """Columns from which gains are taken: those that see air to the bottom, or, if these are few, all that see some."""
    whole = where.rows >= rows
    edges = np.flatnonzero(np.diff(np.concatenate([[0], whole.astype(np.int8), [0]]))).reshape(-1, 2)
    for start, stop in edges:
        # Crystals still glow of what the vehicle let through; a third of the air at most is given away for that.
        margin = min(AFTERGLOW, (stop - start) // 3)
        whole[start : start + margin * (start > 0)] = False
        whole[stop - margin * (stop < whole.size) : stop] = False
    chosen = np.flatnonzero(whole)
    if chosen.size < ENOUGH:
        chosen = np.flatnonzero(where.rows > where.first)
    # Whole stretches, not every n-th column: patterns along the columns must show.
    if chosen.size > MOST_COLUMNS:
        half = MOST_COLUMNS // 2
        chosen = np.concatenate([chosen[:half], chosen[-half:]])
    return chosen


def _gains(transmission: np.ndarray, valid: np.ndarray, where: OpenBeam) -> _Gains | None:
    rows = transmission.shape[0]
    chosen = _air_columns(where, rows)
    if chosen.size < FEWEST:
        return None
    weight = (np.arange(rows)[:, None] < where.rows[chosen]) & valid[:, chosen]
    weight = weight.astype(np.float32)
    air = transmission[:, chosen] / where.level[chosen]
    gain, spread = np.zeros(rows, np.float32), 0.0
    for _ in range(2):
        count, total = weight.sum(axis=1), weight.sum(axis=0)
        dose = np.einsum("rc,rc->c", air - gain[:, None], weight) / np.maximum(total, 1.0)
        away = air / np.where(total > 0, dose, 1.0) - 1.0
        gain = np.einsum("rc,rc->r", away, weight) / np.maximum(count, 1.0)
        left = away - gain[:, None]
        square = left * left
        spread = float(np.sqrt(np.vdot(square, weight) / max(float(weight.sum()), 1.0)))
        weight *= square <= max(_OUTLIER * spread, ROUNDING) ** 2
    seen = (count >= FEWEST) & (np.abs(gain) < MOST_CHANGE)
    if seen.sum() < ENOUGH:
        return None
    spread = max(spread, ROUNDING)
    freedom = max(1e-3, (1.0 - 1.0 / max(float(np.median(count[seen])), 1.0)))
    variance = np.where(seen, spread**2 / freedom / np.maximum(count, 1.0), np.inf)
    gain = np.where(seen, gain - gain[seen].mean(), 0.0)
    pattern, pattern_variance = _pattern(left * weight, weight, chosen, spread)
    rise, rise_variance, ends = _rise(left * weight, weight, chosen, spread)
    return _Gains(gain, variance, rise, rise_variance, ends, pattern, pattern_variance, int(chosen.size))


def _pattern(left: np.ndarray, weight: np.ndarray, chosen: np.ndarray, spread: float) -> tuple[np.ndarray, float]:
    """Gain less 1 of each detector column of a pulse in each row, shape (rows, period); period 1 where there is none.

    The period is the one by which the residuals repeat the most surely: with the sum of squared means over their noise, which
    is χ² of as many degrees of freedom.
    """
    few = left[:: max(1, left.shape[0] // 128)]
    best, period = SURE_PATTERN, 1
    for size in range(2, min(MOST_PERIOD, chosen.size // 2) + 1):
        phase = np.eye(size, dtype=np.float32)[chosen % size]
        told = float((((few @ phase) ** 2) / np.maximum(phase.sum(axis=0), 1.0)).sum()) / max(spread**2, 1e-14)
        freedom = len(few) * (size - 1)
        sure = (told - freedom) / np.sqrt(2 * freedom)
        if sure > best:
            best, period = sure, size
    phase = np.eye(period, dtype=np.float32)[chosen % period]
    count = weight @ phase
    pattern = np.where(count >= 2, (left @ phase) / np.maximum(count, 1.0), 0.0)
    return pattern, spread**2 / max(float(np.median(count)), 1.0)


def _rise(
    left: np.ndarray, weight: np.ndarray, chosen: np.ndarray, spread: float
) -> tuple[np.ndarray, float, tuple[float, float]]:
    """What each row's gain rose from the first half of the air to the last; the noise of that; and where these lie."""
    first = chosen < 0.5 * (chosen[0] + chosen[-1])
    ends = (float(chosen[first].mean()), float(chosen[~first].mean()))
    counts = np.maximum(weight[:, first].sum(axis=1), 1.0), np.maximum(weight[:, ~first].sum(axis=1), 1.0)
    rise = left[:, ~first].sum(axis=1) / counts[1] - left[:, first].sum(axis=1) / counts[0]
    both = np.minimum(*counts) >= FEWEST
    rise = np.where(both, rise - (rise[both].mean() if both.any() else 0.0), 0.0)
    noise = spread**2 * float(np.median(1.0 / counts[0] + 1.0 / counts[1]))
    return rise, noise if both.any() else np.inf, ends


def find_modules(gain: np.ndarray, known: np.ndarray) -> Modules:
    """Size and first row of the modules that the gains of channels show: 8 to 128 channels, in steps of four.

    Parameters
    ----------
    gain : ndarray, shape (rows,)
    known : ndarray of bool, shape (rows,)

    Returns
    -------
    Modules
        The grouping that makes the gains the most likely, each group normal about its own mean, less one for each mean.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> gain = np.repeat(rng.normal(1.0, 0.003, 12), 32)[5:] + rng.normal(0.0, 0.003, 379)
    >>> find_modules(gain, np.ones(379, bool))
    Modules(size=32, phase=27)
    """
    rows, number = gain.size, int(known.sum())
    if number < 2 * _SIZES[0]:
        return Modules(0, 0)
    value = np.where(known, gain - gain[known].mean(), 0.0)
    total = np.concatenate([[0.0], np.cumsum(value)])
    count = np.concatenate([[0.0], np.cumsum(known)])
    whole = float((value**2).sum())
    best, found = SURE_MODULES, Modules(0, 0)
    for size in _SIZES:
        if 2 * size > rows or whole <= 0:
            break
        phases = np.arange(size)[:, None]
        edges = np.clip(phases + size * np.arange(-1, rows // size + 2), 0, rows)
        inside, sums = np.diff(count[edges], axis=1), np.diff(total[edges], axis=1)
        between = (sums**2 / np.maximum(inside, 1.0)).sum(axis=1)
        within = np.maximum(whole - between, 1e-9 * whole)
        told = 0.5 * number * np.log(whole / within) - (inside > 0).sum(axis=1)
        place = int(np.argmax(told))
        if told[place] > best:
            best, found = float(told[place]), Modules(size, place)
    return found


def _shrunk(found: _Gains, base: np.ndarray, told: dict[str, float]) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Gain less 1 of each row, of each detector column in it, and its rise: each as far as it is surer than noise."""
    seen = np.isfinite(found.variance)
    noise = float(found.variance[seen].mean())
    gain = found.gain
    change = np.where(seen, 0.0, base)
    if _surely(gain[seen], noise):
        own = np.where(seen, gain - base, 0.0)
        spread = max(0.0, float(own[seen].var()) - noise)
        change = base + own * np.divide(spread, spread + found.variance, out=np.zeros(gain.size), where=seen)
    told["rms"] = float(change.std())
    pattern = rise = None
    if found.pattern.shape[1] > 1:
        spread = max(0.0, float(found.pattern.var()) - found.pattern_variance)
        pattern = found.pattern * (spread / (spread + found.pattern_variance))
        told["period"], told["pattern_rms"] = found.pattern.shape[1], float(pattern.std())
    if np.isfinite(found.rise_variance) and _surely(found.rise[seen], found.rise_variance):
        spread = max(0.0, float(found.rise[seen].var()) - found.rise_variance)
        rise = found.rise * (spread / (spread + found.rise_variance))
        told["rise_rms"] = float(rise.std())
    return change, pattern, rise


def _surely(values: np.ndarray, noise: float) -> bool:
    """Whether values differ by more than noise of this variance, by χ²."""
    return bool((values**2).sum() / max(noise, 1e-14) > values.size + SURE * np.sqrt(2.0 * values.size))


def _divide(
    transmission: np.ndarray, change: np.ndarray, pattern: np.ndarray | None, rise: np.ndarray | None, found: _Gains | None
) -> np.ndarray:
    """Divide by the gains in place; returns each row's mean gain."""
    line = (1.0 + change).astype(np.float32)
    if pattern is None and rise is None:
        transmission /= line[:, None]
        return line
    rows, columns = transmission.shape
    for start in range(0, rows, 128):
        part = slice(start, min(rows, start + 128))
        factor = np.repeat(line[part, None], columns, axis=1)
        if pattern is not None:
            own = pattern[part].astype(np.float32)
            factor += np.tile(own, (1, -(-columns // own.shape[1])))[:, :columns]
        if rise is not None and found is not None:
            # Before the first air and after the last the gain is held.
            way = np.interp(np.arange(columns), found.ends, (-0.5, 0.5)).astype(np.float32)
            factor += rise[part, None].astype(np.float32) * way
        transmission[part] /= factor
    return line


def _modules(found: _Gains | None, seen: np.ndarray, step: np.ndarray) -> Modules:
    """Modules as the gains show them: what air shows to be left, else the whole ones, which the quantization step holds."""
    modules = Modules(0, 0) if found is None else find_modules(found.gain, seen)
    if modules.size:
        return modules
    known = step > 0
    return find_modules(np.log(np.where(known, step, 1.0)), known)


def _between_modules(
    transmission: np.ndarray, valid: np.ndarray, found: _Gains | None, modules: Modules
) -> tuple[np.ndarray, int]:
    """What each module has in common as gain less 1, shape (rows,), and how many steps to modules without air were leveled."""
    rows = transmission.shape[0]
    if not modules.size:
        return np.zeros(rows), 0
    seen = np.zeros(rows, bool) if found is None else np.isfinite(found.variance)
    gain = np.zeros(rows) if found is None else found.gain
    number = modules.of(rows)
    count = np.bincount(number, seen)
    level = np.bincount(number, np.where(seen, gain, 0.0)) / np.maximum(count, 1.0)
    blind = (count == 0) & (np.bincount(number, valid.any(axis=1)) > 0)
    if not blind.any():
        return level[number], 0
    borders = np.flatnonzero(np.diff(number)) + 1
    jumps = _jumps(transmission, valid)[borders]
    jumps[~(blind[1:] | blind[:-1])] = 0.0
    return _chained(level, count > 0, jumps)[number], int((jumps != 0).sum())


def _jumps(transmission: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """By what log T jumps from the row above to each row, shape (rows,); 0 where that is no step of gain.

    A step of gain is the same in all eight parts of the picture's width, in dense and in thin ones, it lies between two
    rows and not over more, and it is far above what rows do elsewhere. An edge of the load fails in one of these.
    """
    few = sparse(transmission)
    rows, columns = few.shape
    jumps = np.zeros(rows)
    if rows < 8 or columns < 4 * _CHUNKS:
        return jumps
    line = np.log(np.maximum(few, PENETRATED))
    clear = (few > 1.5 * PENETRATED) & sparse(valid)
    step = np.where(clear[1:] & clear[:-1], np.diff(line, axis=0), 0.0)
    share = (clear[1:] & clear[:-1]).mean(axis=1)
    parts = np.stack([np.median(part, axis=1) for part in np.array_split(step, _CHUNKS, axis=1)])
    # Step before row r, less the mean of the steps before and after it.
    bend = parts[:, 1:-1] - 0.5 * (parts[:, :-2] + parts[:, 2:])
    common = np.median(bend, axis=0)
    spread = 1.4826 * np.median(np.abs(bend - common), axis=0)
    usual = 1.4826 * float(np.median(np.abs(common)))
    beside = np.maximum(np.abs(np.median(parts[:, :-2], axis=0)), np.abs(np.median(parts[:, 2:], axis=0)))
    size = np.abs(common)
    sure = (size < MOST_STEP) & (size > SURE * np.maximum(usual, spread / np.sqrt(_CHUNKS / 2))) & (beside < 0.25 * size)
    sure &= (np.abs(bend - common) < 0.5 * size).all(axis=0) & (share[:-2] > 0.9) & (share[1:-1] > 0.9) & (share[2:] > 0.9)
    jumps[2:-1] = np.where(sure, common, 0.0)
    return jumps


def _chained(level: np.ndarray, known: np.ndarray, jumps: np.ndarray) -> np.ndarray:
    """Levels of modules that see no air from those that do, by the jumps between neighbors; about 0 where none does."""
    whole = np.concatenate([[0.0], np.cumsum(jumps)])
    if not known.any():
        return whole - whole.mean()
    nearest = np.flatnonzero(known)
    nearest = nearest[np.argmin(np.abs(np.arange(level.size)[:, None] - nearest), axis=1)]
    chained: np.ndarray = level[nearest] + whole - whole[nearest]
    return chained
