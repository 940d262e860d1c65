"""What swings: tones at a few frequencies in a line that is measured with gaps, beside each body's own place, tilt and bow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Swing", "find_swing"]

SAMPLES = 1200  # in which the tones are looked for
SLOWEST = 0.75  # periods over the line: what is slower may be the body's bow
FASTEST = 0.35  # periods per sample
FEWEST_COLUMNS = 6  # of a period
PEAK = 20.0  # power of a tone over that around it from which it counts
LEAST_SHARE = 0.004  # of the strongest tone's power
MOST = 8  # tones
APART = 0.7  # periods over the line by which two tones have to differ
AROUND = 8  # periods over the line to either side with which a tone is compared
RIDGE = 1e-3
CLIP = 3.0
TURNS = 3
UNSTEADY, BETTER = (
    0.15,
    2.0,
)  # rms left over, as a share of the tones', from which cosines are tried; how much better they have to be
UNSTEADY = 0.15  # rms that tones leave, as a share of their own, from which cosines are tried
BETTER, MUCH_BETTER = 2.0, 4.0  # times less that cosines have to leave; the second where it lies outside the tones' bands
OWN, NEARBY = 0.8, 0.4  # share of what they add that lies in the tones' bands; half width of these as a share
COSINES, CLEAR, SLOWEST_COSINE = 40, 10.0, 3
BOW = 0.5  # share of the strongest tone's frequency under which a tone is the body's form


@dataclass(frozen=True, eq=False)
class Swing:
    """Tones that were found.

    Attributes
    ----------
    line : ndarray of float64, shape (columns,)
        Their sum in each column of the picture, also where nothing was measured.
    rest : float
        Rms of what is left over.
    narrow : float
        Share of the line's power that lies in its two strongest bands.
    period : float [columns]
        Of the strongest tone; NaN where there is none.
    """

    line: np.ndarray
    rest: float
    narrow: float
    period: float


def find_swing(shifts: np.ndarray, body: np.ndarray, good: np.ndarray) -> Swing:
    """Tones that stand out of a line, one after the other, the strongest first.

    Each is refined together with all others and with a parabola for each body (place, tilt and bow), by least squares in
    which what fits badly counts less; few frequencies that are known well go on rightly where nothing was measured. A tone
    far slower than the strongest is taken for a body's form and left out.

    Parameters
    ----------
    shifts : ndarray, shape (columns,)
    body : ndarray of int, shape (columns,)
        Number of the body in each column; -1 for none.
    good : ndarray of bool, shape (columns,)
        Where the shifts can be trusted; False outside the bodies.

    Returns
    -------
    Swing

    References
    ----------
    Högbom (1974), Aperture synthesis with a non-regular distribution of interferometer baselines (one tone after the other).

    Examples
    --------
    >>> columns = np.arange(600)
    >>> true = np.sin(2 * np.pi * columns / 75.0)
    >>> swing = find_swing(true + 5.0, np.zeros(600, int), (columns > 90) & (columns < 500))
    >>> bool(np.abs(swing.line - true).max() < 0.02)
    True
    """
    inside = np.flatnonzero(body >= 0)
    first, count = int(inside[0]), int(inside[-1] - inside[0]) + 1
    by = max(1, count // SAMPLES)
    part = slice(first, first + count // by * by)
    weight = _grouped(good[part], by)
    line = _grouped(np.where(good, shifts, 0.0)[part], by) / np.maximum(weight, 1.0 / by)
    owner = body[part][by // 2 :: by][: line.size]
    shapes = _parabolas(owner)
    weight = np.where(owner >= 0, weight, 0.0)
    fastest = min(FASTEST, by / FEWEST_COLUMNS)
    freqs, waves, rest = _tones(line, weight, shapes, fastest)
    at = (np.arange(shifts.size) + 0.5 - first) / by - 0.5 * line.size
    x = np.arange(line.size) + 0.5 - 0.5 * line.size
    if freqs.size == 0:
        return _unsteady(line, weight, shapes, rest, fastest, (at, x))
    kept = freqs >= BOW * freqs[0]
    waves = waves[:, kept] / np.sinc(freqs[kept])  # a sample is the mean of some columns
    angle = 2.0 * np.pi * np.outer(at, freqs[kept])
    swing = np.cos(angle) @ waves[0] + np.sin(angle) @ waves[1]
    if rest > UNSTEADY * swing[first : first + count].std():
        fit, left = _cosines(line, weight, shapes, fastest)
        own = _in_bands(fit - np.interp(x, at, swing), freqs[kept])
        if left < rest / (BETTER if own > OWN else MUCH_BETTER) and own > OWN / 2.0:
            swing, rest = np.interp(at, x, fit), left
    within = swing[first : first + count]
    swing -= within.mean()
    return Swing(swing, rest, _in_two_bands(within[::by]), by / float(freqs[0]))


def _parabolas(owner: np.ndarray) -> np.ndarray:
    """Each body's place, tilt and bow, shape (samples, 3 bodies)."""
    powers = np.linspace(-0.5, 0.5, owner.size)[:, None] ** np.arange(3)
    return np.concatenate([(owner == number)[:, None] * powers for number in range(int(owner.max()) + 1)], axis=1)


def _unsteady(
    line: np.ndarray, weight: np.ndarray, shapes: np.ndarray, rest: float, fastest: float, places: tuple[np.ndarray, np.ndarray]
) -> Swing:
    """Where no tone stands out by itself: cosines, if nearly all that there is lies in few of them."""
    at, x = places
    fit, left = _cosines(line, weight, shapes, fastest)
    if MUCH_BETTER * left > rest:
        return Swing(np.zeros(at.size), rest, 0.0, np.nan)
    fit -= fit.mean()
    strongest = int(np.argmax(np.abs(np.fft.rfft(fit))[1:])) + 1
    return Swing(np.interp(at, x, fit), left, _in_two_bands(fit), at.size / (at[-1] - at[0]) * line.size / strongest)


def _grouped(line: np.ndarray, by: int) -> np.ndarray:
    return line.reshape(-1, by).mean(axis=1)


def _tones(line: np.ndarray, weight: np.ndarray, shapes: np.ndarray, fastest: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Frequencies [periods per sample], the strongest first; cosines' and sines' amplitudes, shape (2, tones); rms left."""
    count, good = line.size, weight > 0.0
    x = np.arange(count) + 0.5 - 0.5 * count
    size = cv2.getOptimalDFTSize(2 * count)
    step = size / count  # lines of the spectrum to a period over the line
    slow, fast = int(np.ceil(SLOWEST * step)), int(fastest * size)
    freqs, trust, strongest = np.zeros(0), weight, 0.0
    waves = np.zeros((2, 0))
    rest = np.where(good, line - shapes @ _solved(shapes, line, weight, 0), 0.0)
    for _ in range(MOST):
        power = np.abs(np.fft.rfft(rest * trust, size)) ** 2
        free = power[: fast + 1].copy()
        free[:slow] = 0.0
        for known in freqs:
            free[max(0, int((known - APART / count) * size)) : int((known + APART / count) * size) + 2] = 0.0
        peak = int(np.argmax(free))
        around = np.abs(peak + np.round(step * np.r_[-AROUND:-1, 2 : AROUND + 1]).astype(int)).clip(0, power.size - 1)
        if free[peak] < max(PEAK * float(np.median(power[around])) / np.log(2.0), LEAST_SHARE * strongest, 1e-12):
            break
        strongest = max(strongest, float(free[peak]))
        freqs, waves, trend = _refined(x, line, trust, shapes, np.append(freqs, peak / size))
        rest = np.where(good, line - trend, 0.0)
        trust = weight / (1.0 + (rest / (CLIP * 1.4826 * float(np.median(np.abs(rest[good]))) + 1e-9)) ** 2)
    return freqs, waves, float(rest[good].std())


def _refined(
    x: np.ndarray, line: np.ndarray, weight: np.ndarray, shapes: np.ndarray, freqs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies moved to where the least squares are (Gauss and Newton), amplitudes, and the whole fit."""
    span, many = x.size, freqs.size
    for turn in range(TURNS + 1):
        angle = 2.0 * np.pi * np.outer(x, freqs)
        cosine, sine = np.cos(angle), np.sin(angle)
        every = np.concatenate([cosine, sine, shapes], axis=1)
        found = _solved(every, line, weight, 2 * many)
        waves = found[: 2 * many].reshape(2, many)
        if turn == TURNS:
            break
        turned = x[:, None] / span * (waves[1] * cosine - waves[0] * sine)
        size = np.sqrt((turned**2).mean(axis=0)) + 1e-12
        step = _solved(np.concatenate([turned / size, every], axis=1), line, weight, 3 * many)[:many] / size
        step = np.clip(step / (2.0 * np.pi), -0.3, 0.3)
        freqs = np.abs(freqs + step / span)
        if np.abs(step).max() < 0.003:
            break
    return freqs, waves, every @ found


def _solved(shapes: np.ndarray, line: np.ndarray, weight: np.ndarray, damped: int) -> np.ndarray:
    """Weighted least squares; the first ``damped`` shapes, which two tones close to each other would make large, are damped."""
    weighted = shapes * weight[:, None]
    damping = np.full(shapes.shape[1], 1e-9 * float(weight.sum()) + 1e-12)
    damping[:damped] *= RIDGE / 2e-9
    return np.linalg.solve(weighted.T @ shapes + np.diag(damping), weighted.T @ line)


def _cosines(line: np.ndarray, weight: np.ndarray, shapes: np.ndarray, fastest: float) -> tuple[np.ndarray, float]:
    """The same for what swings in its own bands, but not steadily: all cosines that stand out of the noise; rms left over."""
    count, good = line.size, weight > 0.0
    swing = np.where(good, line - shapes @ _solved(shapes, line, weight, 0), 0.0)
    fit = np.zeros(count)
    cosine = np.cos(np.pi / (2 * count) * np.arange(4 * count))
    for _ in range(2):
        power = np.abs(np.fft.rfft(np.concatenate([swing, swing[::-1]]))) ** 2
        noise = float(np.median(power[power.size // 3 :])) / np.log(2.0)
        power[:SLOWEST_COSINE], power[int(2.0 * fastest * count) :] = 0.0, 0.0
        order = np.argsort(power)[::-1][:COSINES]
        strong = np.zeros(power.size, np.uint8)
        strong[order[power[order] > CLEAR * noise]] = 1
        kept = np.flatnonzero(cv2.dilate(strong[None], np.ones((1, 3), np.uint8))[0][1:]) + 1
        if kept.size == 0:
            return fit, np.inf
        # cos(pi (n + 1/2) k / count), of which there are 4 count different ones.
        waves = cosine[np.outer(2 * np.arange(count) + 1, kept) % (4 * count)]
        found = _solved(np.concatenate([waves, shapes], axis=1), line, weight, kept.size)
        fit = waves @ found[: kept.size]
        swing = np.where(good, line - shapes @ found[kept.size :], fit)
    return fit, float((swing - fit)[good].std())


def _in_bands(line: np.ndarray, freqs: np.ndarray) -> float:
    """Share of a line's power near some frequencies."""
    power = np.abs(np.fft.rfft((line - line.mean()) * np.hanning(line.size))) ** 2
    away = np.abs(np.arange(power.size)[:, None] / line.size - freqs)
    return float(power[(away < NEARBY * freqs + 1.0 / line.size).any(axis=1)].sum()) / max(float(power.sum()), 1e-12)


def _in_two_bands(line: np.ndarray) -> float:
    left = np.abs(np.fft.rfft(np.concatenate([line, line[::-1]]))) ** 2
    left[0] = 0.0
    whole, taken = max(float(left.sum()), 1e-12), 0.0
    for _ in range(2):
        peak = int(np.argmax(cv2.blur(left[None], (9, 1))[0]))
        width = max(5, peak // 5)
        band = slice(max(0, peak - width), peak + width + 1)
        taken += float(left[band].sum())
        left[band] = 0.0
    return taken / whole
