"""Detector channels and pixels that do not tell the truth: dead, stuck, hot, flickering, filled in, saturated, lost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.pixels import blind_bands, filled_in, hot_pixels, lost_columns, saturated, unscanned
from xrayscan.scan import Calibration, Step

__all__ = ["dying_channels", "faulty_channels", "mask_faults"]

WINDOWS = 32
WIDTH = 20
WIDEST = 64
STUCK_SHARE = 0.06
LEAST_CONTRAST = 0.001
LEAST_STEPS = 8.0
LIVING_NOISE = 0.4
SAME_LEVEL = 0.1
DARK = 0.03
BRIGHT = 0.3
CALM_ROWS = 0.04
STEADY = 0.001
CLIPPED_SHARE = 0.02
NEAR_CLIPPED = 0.97
NOISY_RATIO = 2.5
NOISY_AGAIN = 1.8
LEAST_NOISE = 1e-4
LEAST_LEVEL = 0.02
RESTLESS = 1.6
UNEVEN = 8.0
FLICKER_RATIO = 3.5
FLICKER_STEP = 0.005
FLICKER_DARKEST = 0.1
TWO_GAINS = 0.4
AGREEING = 0.05
SWITCHED = 0.75
FEWEST_SWITCHES = 3
WRONG_AIR = 0.2
BESIDE_WRONG = 0.95
FEWEST_ROWS = 16
FEWEST_COLUMNS = 16
EDGE_DROP = 0.85
FEWEST_WINDOWS = 8
_LAST = 3


@dataclass(frozen=True, eq=False)
class _Sample:
    """Even windows of a picture, and what each channel does in them.

    ``values`` is (rows, windows, columns of a window), ``level`` and ``noise`` (rows, windows): mean, and rms from pixel to
    pixel; ``places`` the first column of each window; ``clipped`` (rows, windows) where the scale ends, so that nothing
    follows from the noise; ``calmest`` (rows,) the variance of the noise over T in the calmest tenth of the other windows,
    infinite where there are too few.
    """

    values: np.ndarray
    level: np.ndarray
    noise: np.ndarray
    places: np.ndarray
    clipped: np.ndarray
    calmest: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray) -> _Sample:
        rows, columns = image.shape
        width = int(np.clip(columns // WINDOWS, FEWEST_COLUMNS, WIDTH))
        count = min(WINDOWS, columns // width)
        pitch = (columns - width) // max(1, count - 1)
        places = np.arange(count) * pitch
        strides = (image.strides[0], pitch * image.strides[1], image.strides[1])
        seen = np.lib.stride_tricks.as_strided(image, (rows, count, width), strides, writeable=False)
        values = np.ascontiguousarray(seen)
        lines = values.reshape(-1, width)
        jump = cv2.addWeighted(lines[:, :-2], 0.5, lines[:, 2:], 0.5, 0.0)
        jump = cv2.absdiff(jump, lines[:, 1:-1], dst=jump)
        level = _row_mean(lines).reshape(rows, count)
        # Mean absolute difference to rms of a normal distribution: √(π/2), and √1.5 for the difference's own variance.
        noise = _row_mean(jump).reshape(rows, count) * np.float32(np.sqrt(np.pi / 3.0))
        ceiling = float(lines.max())
        clipped = np.zeros((rows, count), bool)
        if cv2.countNonZero(cv2.compare(lines, ceiling, cv2.CMP_GE)) > CLIPPED_SHARE * lines.size:
            clipped = level > NEAR_CLIPPED * ceiling
        return cls(values, level, noise, places, clipped, _calmest(level, noise, clipped))

    def backwards(self) -> _Sample:
        """The same with the windows in reverse; ``values`` and ``places`` stay as they are."""
        return replace(self, level=self.level[:, ::-1], noise=self.noise[:, ::-1], clipped=self.clipped[:, ::-1])


def _row_mean(lines: np.ndarray) -> np.ndarray:
    mean: np.ndarray = cv2.reduce(lines, 1, cv2.REDUCE_AVG)[:, 0]
    return mean


def _calmest(level: np.ndarray, noise: np.ndarray, clipped: np.ndarray) -> np.ndarray:
    share = np.where(clipped, np.float32(np.inf), noise**2 / np.maximum(level, LEAST_LEVEL))
    few = min(max(2, share.shape[1] // 10), share.shape[1])
    calmest: np.ndarray = np.partition(share, few - 1, axis=1)[:, :few].mean(axis=1)
    return calmest


def _floor(sample: _Sample, known: np.ndarray) -> float:
    """Variance of the noise over T where nothing but photons makes it: that of the calmest rows.

    Over the load every edge adds to what changes from pixel to pixel, the more the coarser the picture. Rows without any
    noise have no photons either.
    """
    told = known & (sample.calmest > 0.0) & np.isfinite(sample.calmest) & (sample.level.max(axis=1) > BRIGHT)
    return float(np.quantile(sample.calmest[told], CALM_ROWS)) if told.any() else 0.0


def mask_faults(beam: Beam, pixels: np.ndarray, calibration: Calibration, quantity: str = "counts") -> Beam:
    """The beam with faulty channels, columns and pixels marked as not valid.

    Only what surely is no measurement is marked: what the calibration calls bad; pixels at which the converter is full, as
    the calibration says or, in counts, as a pile-up at their highest number shows; channels that `faulty_channels` finds,
    and of those that die during the scan the part from there on (`dying_channels`); columns in which nothing arrived
    between columns where it did, or which are copies of their neighbors; single pixels that shout or fail; and columns that
    were not scanned, at either end or while the beam was off.

    Parameters
    ----------
    beam : Beam
    pixels : ndarray, shape (energies, rows, columns)
        As delivered, for saturation.
    calibration : Calibration
        Its ``bad_pixels`` and, to counts, ``saturation`` are applied.
    quantity : {"counts", "transmission", "display"}

    Returns
    -------
    Beam
    """
    valid = beam.valid.copy()
    steps = list(beam.steps)
    rows_known: np.ndarray = np.asarray(valid.any(axis=1))
    if calibration.bad_pixels is not None:
        bad = np.asarray(calibration.bad_pixels.any(axis=0))
        valid &= ~(bad if bad.ndim == 2 else bad[:, None])
        steps.append(Step("bad pixels", f"{int(bad.sum())} marked by the calibration", {"marked": int(bad.sum())}))
    if quantity == "counts":
        full = saturated(pixels, calibration, valid)
        steps += [full] if full else []
    found = _mask_channels(beam, valid, rows_known, quantity)
    if quantity != "display":
        for step in (lost_columns(beam, valid), hot_pixels(beam, valid)):
            steps += [step] if step else []
    for step in (unscanned(beam, valid), blind_bands(valid)):
        steps += [step] if step else []
    words = ", ".join(f"{count} {kind}" for kind, count in found.items() if count)
    share = float((~valid.any(axis=1)).mean())
    note = f"channels found faulty: {words or 'none'}; {share:.1%} of all rows are not valid"
    steps.append(Step("faults", f"warning: {note}" if share > 0.05 else note, found))
    return Beam(beam.transmission, valid, beam.step, beam.least, tuple(steps))


def _mask_channels(beam: Beam, valid: np.ndarray, known: np.ndarray, quantity: str) -> dict[str, int]:
    """Mark faulty channels in ``valid``, in place; how many of each kind were found."""
    found: dict[str, np.ndarray] = {}
    if valid.shape[0] < FEWEST_ROWS or valid.shape[1] < FEWEST_COLUMNS:
        return {}
    samples = [_Sample.of(transmission) for transmission in beam.transmission]
    for energy, sample in enumerate(samples):
        for kind, rows in _faulty(sample, beam.step[energy], known).items():
            if kind == "filled in" and quantity == "display":
                continue
            found[kind] = found.get(kind, np.zeros(known.size, bool)) | rows
    certain = np.zeros(known.size, bool)
    for kind in ("dead or stuck", "filled in", "wrong in air"):
        certain |= found.get(kind, certain)
    dying: dict[int, tuple[int, int]] = {}
    # The black of a display picture is whatever it was set to: a part of a row that is black tells nothing.
    for energy, transmission in enumerate(beam.transmission if quantity != "display" else ()):
        dying |= _dying(samples[energy], transmission, beam.step[energy], known & ~certain)
    for rows in found.values():
        rows[list(dying)] = False  # a channel that dies seems to jump
        valid[rows] = False
    for row, (first, last) in dying.items():
        valid[row, first:last] = False
    return {**{kind: int(rows.sum()) for kind, rows in found.items()}, "dead in part of the scan": len(dying)}


def faulty_channels(transmission: np.ndarray, step: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """Rows that do not behave as the rows around them do, by what is wrong with them.

    What a channel does is looked at in 32 windows along the travel. Around means the rows within 64: a whole module of 32
    may be dead, a few channels may be so at the edge of the picture.

    Parameters
    ----------
    transmission : ndarray of float32, shape (rows, columns)
    step : ndarray, shape (rows,)
        Quantization step in T, 0 where unknown.
    known : ndarray of bool, shape (rows,)
        Rows to look at; the others are known to be bad and are not used as neighbors.

    Returns
    -------
    dict of str to ndarray of bool, shape (rows,)
        "dead or stuck": hardly changes along the travel while the rows around do, and is without the noise of photons or
        shows nothing where they show something. "noisy": changes from pixel to pixel several times more than they do, in
        the calmest windows, too. "flickering": jumps against both its neighbors at once, which do not jump against each
        other, where nothing changes in them. "wrong in air": off by more than 20 % where the rows around see air. "filled
        in": a copy of its neighbor or on the straight line between its two everywhere, so that nothing was measured there.

    Examples
    --------
    >>> import numpy as np
    >>> scan = np.random.default_rng(1).normal(1, 0.01, (40, 600)).astype(np.float32)
    >>> scan[:, 200:400] *= 0.2
    >>> scan[7] = 0.0
    >>> faults = faulty_channels(scan, np.zeros(40), np.ones(40, bool))
    >>> {kind: np.flatnonzero(rows).tolist() for kind, rows in faults.items() if rows.any()}
    {'dead or stuck': [7]}
    """
    if transmission.shape[0] < FEWEST_ROWS or transmission.shape[1] < FEWEST_COLUMNS:
        return {}
    return _faulty(_Sample.of(transmission), step, known)


def _faulty(sample: _Sample, step: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    stuck = known & _stuck(sample, step, known)[:, 0]
    good = known & ~stuck
    wrong = good & _wrong_in_air(sample, good)
    good &= ~wrong
    filled = good & filled_in(sample.values.reshape(len(good), -1), step)
    good &= ~filled
    noisy = good & _noisy(sample, step, good)
    good &= ~noisy
    flicker = good & _flickering(sample, step, good)
    return {"dead or stuck": stuck, "noisy": noisy, "flickering": flicker, "wrong in air": wrong, "filled in": filled}


def dying_channels(transmission: np.ndarray, step: np.ndarray, known: np.ndarray) -> dict[int, tuple[int, int]]:
    """Channels that are dead in the last, or in the first, part of the scan.

    Parameters
    ----------
    transmission, step, known
        See `faulty_channels`.

    Returns
    -------
    dict of int to (int, int)
        Row to the columns, half open, in which it is dead.
    """
    if transmission.shape[0] < FEWEST_ROWS or transmission.shape[1] < FEWEST_COLUMNS:
        return {}
    return _dying(_Sample.of(transmission), transmission, step, known)


def _dying(sample: _Sample, transmission: np.ndarray, step: np.ndarray, known: np.ndarray) -> dict[int, tuple[int, int]]:
    columns = transmission.shape[1]
    dead: dict[int, tuple[int, int]] = {}
    for backwards in (False, True):
        one = sample.backwards() if backwards else sample
        last = replace(one, level=one.level[:, -_LAST:], noise=one.noise[:, -_LAST:], clipped=one.clipped[:, -_LAST:])
        if not _Life.of(last, step, known).is_doubtful(known):
            continue
        ends = _stuck(one, step, known) & known[:, None]
        ends[:, -_LAST + 1 :] = False
        if not ends.any():
            continue
        air = _closed(one.level, known)[:, -1] > 0.9
        rows = [row for row in np.flatnonzero(ends.any(axis=1)) if _is_channel(one.level, ends, int(row), bool(air[row]))]
        for row in rows:
            window = int(np.argmax(ends[row])) + 1  # it may have died within the first
            line = transmission[row, ::-1] if backwards else transmission[row]
            start = int(sample.places[window])
            if backwards:
                start = columns - int(sample.places[-1 - window]) - sample.values.shape[2]
            first = _since(line, start, float(step[row]))
            dead[int(row)] = (0, columns - first) if backwards else (first, columns)
    return dead


def _since(line: np.ndarray, start: int, step: float) -> int:
    """The column from which on a channel stays at the level that it has from ``start``."""
    level, spread = float(np.median(line[start:])), float(np.abs(line[start:] - np.median(line[start:])).mean())
    away = np.flatnonzero(np.abs(line[:start] - level) > 6.0 * spread + 2.0 * step)
    return int(away[-1]) + 1 if away.size else 0


def _is_channel(level: np.ndarray, ends: np.ndarray, row: int, air: bool) -> bool:
    """Whether what looks dead towards the end of a scan is no thing in the load.

    A thing fades in from above and below, as it does behind any focal spot. More than three rows are believed only
    where the rows around see air at the end of the scan.
    """
    gone: np.ndarray = np.asarray(ends.any(axis=1))
    top, bottom = _run_of(gone, row)
    if bottom - top > 3 and not air:
        return False
    where = slice(int(np.argmax(ends[row])), None)
    sides = [
        np.median(level[near, where]) < EDGE_DROP * np.median(level[far, where])
        for near, far in ((top - 1, top - 3), (bottom, bottom + 2))
        if 0 <= far < gone.size
    ]
    return not (sides and all(sides))


def _run_of(flags: np.ndarray, row: int) -> tuple[int, int]:
    """The rows, half open, of the run of flags that ``row`` is in."""
    top = row - int(np.argmin(np.append(flags[: row + 1][::-1], False)))
    return top + 1, row + int(np.argmin(np.append(flags[row:], False)))


def _closed(values: np.ndarray, known: np.ndarray, widest: int = WIDEST) -> np.ndarray:
    """Values of the rows around: what is left when narrow peaks, and then valleys of up to ``widest`` rows, are leveled.

    A gray-scale opening of three rows, so that one or two shouting channels are nobody's reference, then a closing.
    """
    lines = np.ascontiguousarray(values[known])
    if lines.shape[0] < 3:
        return np.zeros_like(values)
    flat = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((3, 1), np.uint8))
    around = cv2.morphologyEx(flat, cv2.MORPH_CLOSE, np.ones((min(widest, 2 * lines.shape[0]) + 1, 1), np.uint8))
    place = np.searchsorted(np.flatnonzero(known), np.arange(values.shape[0])).clip(0, lines.shape[0] - 1)
    out: np.ndarray = around[place]
    return out


def _tail_mean(values: np.ndarray) -> np.ndarray:
    """Mean over this window and all after it, shape (rows, windows)."""
    count = values.shape[1]
    weights = np.tril(np.ones((count, count))) / np.arange(count, 0, -1)
    mean: np.ndarray = values.astype(np.float64) @ weights
    return mean


def _stuck(sample: _Sample, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Where a row hardly changes from this window to the last, shape (rows, windows).

    It changes less than 6 % of what the rows around do; and its noise is less than photons leave at its level, or, where it
    is too dark to tell, it shows nothing while the rows around are not as dark. Rows that see nothing but air change as
    little, but have the noise of its photons.
    """
    # A channel whose own air is wrong has steps of its own; those of its neighbors count.
    step = np.minimum(step, 3.0 * np.median(step[known])) if known.any() else step
    life = _Life.of(sample, step, known)
    likely = (life.quiet | life.dark) & known[:, None]
    if not likely.any():
        return likely
    around = _closed(life.spread, known)
    likely &= (around > LEAST_CONTRAST + LEAST_STEPS * step[:, None]) & (life.spread < STUCK_SHARE * around)
    if not likely.any():
        return likely
    beside = _closed(sample.level, known)
    same = _tail_mean(np.abs(sample.level - beside) <= SAME_LEVEL * beside + 4.0 * step[:, None]) > 0.9
    darker = (life.mean < 0.1 * _tail_mean(beside)) & ~same
    result: np.ndarray = likely & (life.quiet | (life.dark & darker))
    return result


@dataclass(frozen=True, eq=False)
class _Life:
    """Signs of life of each row from a window to the last, each (rows, windows).

    ``mean`` and ``spread`` of T; ``quiet`` where there is less noise than photons leave at that level, ``dark`` where there
    is neither level nor change.
    """

    mean: np.ndarray
    spread: np.ndarray
    quiet: np.ndarray
    dark: np.ndarray

    @classmethod
    def of(cls, sample: _Sample, step: np.ndarray, known: np.ndarray) -> _Life:
        level, noise = sample.level.astype(np.float64), sample.noise.astype(np.float64) ** 2
        mean, floor = _tail_mean(level), _floor(sample, known)
        spread = np.sqrt(np.maximum(_tail_mean(level**2 + noise) - mean**2, 0.0)).astype(np.float32)
        living = floor * np.maximum(mean, 0.0)
        if sample.clipped.any():
            noise = np.where(sample.clipped, floor * np.maximum(level, 0.0), noise)
        quiet = (_tail_mean(noise) < LIVING_NOISE**2 * living) & (living > step[:, None] ** 2)
        dark = (mean < DARK) & (spread < STEADY + 4.0 * step[:, None])
        return cls(mean, spread, quiet, dark)

    def is_doubtful(self, known: np.ndarray) -> bool:
        return bool(((self.quiet | self.dark)[:, 0] & known).any())


def _wrong_in_air(sample: _Sample, known: np.ndarray) -> np.ndarray:
    """Rows that are off wherever the rows around see air: in half of all windows, or, of few rows, beside rows that see it.

    A thin thing with air above and below takes something from the rows beside it, too.
    """
    level, windows = sample.level, sample.level.shape[1]
    wrong = np.zeros(known.size, bool)
    for widest, fewest in ((WIDEST, windows // 2), (6, windows // 16)):
        beside = _closed(level, known, widest)
        air = (beside > 0.9) & (beside < 1.1)
        count = air.sum(axis=1)
        off = ((np.abs(level - beside) > WRONG_AIR) & air).sum(axis=1) >= 0.9 * count
        off &= known & (count >= max(2, fewest))
        for row in np.flatnonzero(off & ~wrong):
            top, bottom = _run_of(off, int(row))
            sides = [side for side in (top - 1, bottom) if 0 <= side < known.size]
            whole = [np.median(level[side, air[row]]) > BESIDE_WRONG for side in sides if known[side]]
            wrong[row] = all(whole)
    return wrong


def _noisy(sample: _Sample, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows that in a quarter of the windows are several times as noisy as the second noisiest of four neighbors.

    A row along the rim of a thing changes as much; but not where the thing ends, and noise of the electronics is there, as
    much of it, even in the calmest windows. Detector columns of one pulse have gains of their own, which repeat; what is
    still there between columns 6, 8 and 12 apart is noise.
    """
    noise = np.where(sample.clipped, np.float32(0.0), sample.noise)
    loud = _loudness(noise, step, known) > NOISY_RATIO
    noisy = known & _in_a_quarter(loud)
    if noisy.any():
        noisy &= _is_restless(sample, loud, known)
    rows = np.flatnonzero(noisy)
    for apart in (6, 8, 12):
        if rows.size == 0 or apart > sample.values.shape[2] - 4:
            continue
        beside = np.unique(np.clip(rows[:, None] + np.arange(-2, 3), 0, known.size - 1))
        part = sample.values[beside]
        noise = np.zeros_like(sample.noise)
        noise[beside] = np.abs(part[..., apart:] - part[..., :-apart]).mean(axis=2) * np.float32(np.sqrt(np.pi) / 2.0)
        noisy &= _in_a_quarter(_loudness(noise, step, known) > NOISY_AGAIN)
    return noisy


def _loudness(noise: np.ndarray, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Noise over that of the second noisiest of the two rows above and two below."""
    sides = [_moved(noise, known, offset) for offset in (-2, -1, 1, 2)]
    low = [np.minimum(*pair) for pair in (sides[:2], sides[2:])]
    high = [np.maximum(*pair) for pair in (sides[:2], sides[2:])]
    second = np.maximum(np.minimum(*high), np.maximum(*low))
    loudness: np.ndarray = noise / np.maximum(second, np.maximum(step[:, None], LEAST_NOISE).astype(np.float32))
    return loudness


def _in_a_quarter(flags: np.ndarray) -> np.ndarray:
    often: np.ndarray = 4 * np.count_nonzero(flags, axis=1) >= flags.shape[1]
    return often


def _is_restless(sample: _Sample, loud: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows whose noise stands above that of the rows around in the calmest windows, too, and is no greater elsewhere."""
    restless = np.zeros(known.size, bool)
    rows = np.flatnonzero(known)
    if rows.size < FEWEST_ROWS:
        return restless
    # Air that is cut off at the end of the scale is calmer than it was, but in all rows alike.
    own = _calmest(sample.level, sample.noise, np.zeros_like(sample.clipped))[rows]
    around = cv2.medianBlur(np.ascontiguousarray(own[:, None]), 5)[:, 0]
    likely = (around > 0.0) & (own > RESTLESS * around) & _in_a_quarter(loud[rows])
    for row, calm in zip(rows[likely], own[likely], strict=True):
        restless[row] = np.median(sample.noise[row, loud[row]] ** 2) < UNEVEN * calm
    return restless


def _moved(values: np.ndarray, known: np.ndarray, offset: int) -> np.ndarray:
    """Each row's neighbor at ``offset``; 0 where there is none or it is bad."""
    rows = values.shape[0]
    moved = np.zeros_like(values)
    inside = np.arange(max(0, -offset), min(rows, rows - offset))
    inside = inside[known[inside + offset]]
    moved[inside] = values[inside + offset]
    return moved


def _flickering(sample: _Sample, step: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows that jump against the next good row above and below in the same windows by the same amount.

    In each window the smaller of the two changes of log T counts, where both have the same sign; a thing in the load that
    moves against the rows changes two neighboring rows and is seen in them all, a jump of the gain is seen in one.
    """
    flicker = np.zeros(known.size, bool)
    rows = np.flatnonzero(known)
    if rows.size < FEWEST_ROWS or sample.level.shape[1] < FEWEST_WINDOWS:
        return flicker
    level = sample.level[rows]
    seen = level > np.maximum(FLICKER_DARKEST, 50.0 * step[rows])[:, None]
    log = cv2.log(np.maximum(level, 1e-6))
    both = seen[1:] & seen[:-1]
    both &= (both.sum(axis=1) >= max(4, level.shape[1] // 4))[:, None]
    change = np.where(both, log[1:] - log[:-1], np.float32(0.0))
    up, down = change[:-1], -change[1:]
    size = np.where(up * down > 0, np.minimum(np.abs(up), np.abs(down)), np.float32(0.0))
    score = np.zeros(rows.size, np.float32)
    # The largest tenth may be a thing in the load.
    most = size.shape[1] - max(1, size.shape[1] // 10)
    score[1:-1] = np.partition(size, most, axis=1)[:, :most].mean(axis=1)
    around = np.stack([_moved(score, np.ones(rows.size, bool), offset) for offset in (-2, -1, 1, 2)])
    around.sort(axis=0)
    likely = np.flatnonzero((score > FLICKER_STEP) & (score > FLICKER_RATIO * around[2]))
    usable = both[1:] & both[:-1]
    for k in likely:
        rise, fall = up[k - 1], down[k - 1]
        agree = usable[k - 1] & (np.abs(rise - fall) < AGREEING)
        flicker[rows[k]] = _has_two_gains(0.5 * (rise + fall), log[k - 1] + log[k + 1], agree)
    return flicker


def _has_two_gains(peak: np.ndarray, beside: np.ndarray, agree: np.ndarray) -> bool:
    """Whether changes against the rows above and below are those of a channel with two gains.

    All are of one size, and they come and go as often where the rows beside go on as they were as anywhere: those of a thing,
    as thin as it may be, begin and end with the thing. Only windows in which the two rows beside ``agree`` tell anything.
    """
    if agree.sum() < max(FEWEST_WINDOWS, agree.size // 4):
        return False
    peak = peak - np.quantile(peak[agree], 0.5, method="lower")
    size = np.abs(peak[agree])
    jumped = size > 0.5 * np.quantile(size, 0.9)
    if jumped.sum() < max(3, size.size // 10):
        return False
    low, middle, high = np.quantile(size[jumped], [0.25, 0.5, 0.75])
    # In the other state nothing differs; a row of a textured load differs everywhere.
    calm = np.quantile(size[~jumped], 0.6) < TWO_GAINS * middle if not jumped.all() else True
    sign = jumped.mean() > 0.7 or abs(np.sign(peak[agree][jumped]).mean()) > 0.7
    # The window in which it jumps lies in between.
    pairs = agree[2:] & agree[:-2]
    switched = pairs & (np.abs(peak[2:] - peak[:-2]) > SWITCHED * middle)
    still = pairs & (np.abs(beside[2:] - beside[:-2]) < 2.0 * middle)
    unprompted = (switched & still).sum()
    own = unprompted >= FEWEST_SWITCHES and 2 * unprompted * pairs.sum() >= still.sum() * switched.sum()
    return bool(high - low < TWO_GAINS * middle and calm and sign and own)
