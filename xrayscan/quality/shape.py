"""Known shapes in noise: an area in a block, a wire, bars, the sides of a plate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.errors import CalibrationError

__all__ = ["Bars", "Contrast", "Wire", "bars", "contrast", "sides", "wire_response"]

GUARD = 3
BLOCK = 8
LEAST_PIXELS = 30
LEAST_BLOCKS = 12
_LEAST_NOISE = 1e-7
_WIDTHS = (0.4, 0.7, 1.0, 1.5)
_SEARCH = np.arange(-2.0, 2.01, 0.5)


@dataclass(frozen=True)
class Contrast:
    """An area against what surrounds it.

    Attributes
    ----------
    step : float
        Mean inside less what a plane through the surroundings has there [T].
    level : float
        Mean of that plane inside [T].
    noise : float
        Rms of a pixel about that plane [T].
    error : float
        Standard error of ``step``, with the noise as correlated as it is [T].
    inside, outside : int
        Pixels.
    """

    step: float
    level: float
    noise: float
    error: float
    inside: int
    outside: int

    @property
    def cnr(self) -> float:
        """Contrast to noise of one pixel."""
        return abs(self.step) / self.noise

    @property
    def cnr_area(self) -> float:
        """Contrast to noise of the whole area."""
        return abs(self.step) / self.error


def contrast(image: np.ndarray, valid: np.ndarray, target: np.ndarray) -> Contrast:
    """An area against the rest of the picture, which is even but for noise and a slope.

    Three pixels on both sides of the area's outline are left out. Noise of neighbors that goes together is found from means of
    8 x 8 pixels: where their variance is more than 1/64 of a pixel's, the error is that much larger.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    valid, target : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Contrast

    Raises
    ------
    CalibrationError
        If fewer than 30 pixels are left inside or around it, or there is no noise.

    Examples
    --------
    >>> flat = np.random.default_rng(0).normal(0.5, 0.01, (80, 80))
    >>> target = np.zeros((80, 80), bool)
    >>> target[30:50, 30:50] = True
    >>> found = contrast(flat - 0.03 * target, np.ones((80, 80), bool), target)
    >>> round(found.cnr, 1)
    3.0
    """
    kernel = np.ones((2 * GUARD + 1, 2 * GUARD + 1), np.uint8)
    inside = cv2.erode(target.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(bool) & valid
    outside = ~cv2.dilate(target.astype(np.uint8), kernel).astype(bool) & valid
    if min(int(inside.sum()), int(outside.sum())) < LEAST_PIXELS:
        raise CalibrationError(
            f"{int(inside.sum())} pixels are left inside the target and {int(outside.sum())} around it, {GUARD} pixels off its "
            f"outline; {LEAST_PIXELS} of each are needed"
        )
    rows, columns = (axis / max(axis.size, 1) for axis in np.ogrid[: image.shape[0], : image.shape[1]])
    planes = np.stack([np.ones(image.shape), rows + 0 * columns, columns + 0 * rows], axis=-1)
    plane = planes @ np.linalg.lstsq(planes[outside], image[outside].astype(np.float64), rcond=None)[0]
    off = image - plane
    noise = float(off[outside].std(ddof=3))
    if noise < _LEAST_NOISE:
        raise CalibrationError("the area around the target has no noise at all: it is clipped, or painted")
    spread = noise * float(np.sqrt(_together(off, outside, noise) * (1.0 / inside.sum() + 1.0 / outside.sum())))
    return Contrast(
        float(off[inside].mean()), float(plane[inside].mean()), noise, spread, int(inside.sum()), int(outside.sum())
    )


def _together(off: np.ndarray, outside: np.ndarray, noise: float) -> float:
    """Variance of means of 8 x 8 pixels over that of independent ones; 1 where that cannot be told from 1."""
    rows, columns = (size // BLOCK * BLOCK for size in off.shape)
    if not rows or not columns:
        return 1.0
    tiles = (rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    whole = outside[:rows, :columns].reshape(tiles).all(axis=(1, 3))
    means = off[:rows, :columns].reshape(tiles).mean(axis=(1, 3))[whole]
    if means.size < LEAST_BLOCKS:
        return 1.0
    ratio = float(means.var(ddof=1)) * BLOCK**2 / noise**2
    return ratio if ratio > 1.0 + 2.0 * np.sqrt(2.0 / (means.size - 1)) else 1.0


@dataclass(frozen=True)
class Wire:
    """A wire behind its matched filter.

    Attributes
    ----------
    snr : float
        Amplitude over its standard error.
    amplitude : float
        What the middle of the unblurred wire takes away [T].
    beside : int
        Places beside the wire at which the filter's noise was tried.
    unsure : float
        Relative standard error of the noise.
    sides : (float, float)
        Median on either side of it [T].
    sides_error : float
        Standard error of their difference [T].
    """

    snr: float
    amplitude: float
    beside: int
    unsure: float
    sides: tuple[float, float]
    sides_error: float


def wire_response(
    image: np.ndarray, valid: np.ndarray, ends: tuple[tuple[float, float], tuple[float, float]], diameter: float
) -> Wire:
    """Signal to noise of a straight wire of known diameter.

    The filter is the chord of a cylinder, blurred by one of four widths, whichever fits best, on top of a sloping background;
    its ends may be up to two pixels off what was said. Its noise is that of independent pixels, or what the same filter gives
    beside the wire, where that is clearly more. As the best place is taken, a wire that is not there has a signal to noise
    of about 2.5.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    valid : ndarray of bool, shape (rows, columns)
    ends : ((float, float), (float, float))
        Row and column of both ends [px].
    diameter : float [px]

    Returns
    -------
    Wire

    Raises
    ------
    CalibrationError
        If the wire lies outside, or there is too little beside it.

    References
    ----------
    G.L. Turin, IRE Trans. Inf. Theory 6 (1960) 311, https://doi.org/10.1109/TIT.1960.1057571 (matched filter).
    """
    along, across, use = _wire_coordinates(image.shape, valid, ends)
    values = image[use].astype(np.float64)
    reach = diameter / 2 + 4.0
    near = np.abs(across) <= reach + 2.0
    if near.sum() < LEAST_PIXELS or (~near).sum() < 2 * LEAST_PIXELS:
        raise CalibrationError(
            f"too few pixels on the wire ({int(near.sum())}) or beside it ({int((~near).sum())}): widen its box"
        )
    ground = np.stack([np.ones(along.size), along, across, across**2], axis=1)
    rest = values - ground @ np.linalg.lstsq(ground[~near], values[~near], rcond=None)[0]
    noise = float(rest[~near].std(ddof=4))
    if noise < _LEAST_NOISE:
        raise CalibrationError("there is no noise beside the wire: the picture is clipped there, or painted")
    best = (0.0, 0.0, 0.0, 0.0)
    for blur in _WIDTHS:
        for first in _SEARCH:
            for second in _SEARCH:
                shape = _chord(across - first * (1 - along) - second * along, diameter, blur)
                power = float(shape @ shape)
                value = float(shape @ rest) / power if power > 0 else 0.0
                if abs(value) * np.sqrt(power) > abs(best[0]) * np.sqrt(best[1]):
                    best = (value, power, blur, 0.5 * (first + second))
    amplitude, power, blur, middle = best
    beside = _beside(rest, across - middle, (diameter, blur, reach))
    excess = float(np.mean(beside**2)) * power / noise**2 if beside.size >= 6 else 1.0
    clearly = excess > 1.0 + 2.0 * np.sqrt(2.0 / max(beside.size, 1))
    sigma = noise / np.sqrt(power) * (np.sqrt(excess) if clearly else 1.0)
    unsure = 1.0 / np.sqrt(2.0 * (beside.size if clearly else (~near).sum()))
    levels, error = _sides(values, across, ~near, noise)
    return Wire(abs(amplitude) / sigma, -amplitude, int(beside.size), float(unsure), levels, error)


def _sides(values: np.ndarray, across: np.ndarray, beside: np.ndarray, noise: float) -> tuple[tuple[float, float], float]:
    """Medians on both sides of the wire, and the standard error of their difference; the same where only one is in the box."""
    parts = [values[beside & side] for side in (across < 0, across > 0)]
    parts = [part for part in parts if part.size >= LEAST_PIXELS] or [values[beside]]
    error = noise * 1.2533 * float(np.sqrt(sum(1.0 / part.size for part in parts)))
    return (float(np.median(parts[0])), float(np.median(parts[-1]))), error


def _wire_coordinates(
    shape: tuple[int, ...], valid: np.ndarray, ends: tuple[tuple[float, float], tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place along the wire (0 to 1), distance from it [px], and which pixels lie beside its length."""
    start, stop = (np.array(end) for end in ends)
    length = float(np.hypot(*(stop - start)))
    if length < 8:
        raise CalibrationError(f"the wire is {length:.1f} pixels long; 8 or more are needed")
    direction = (stop - start) / length
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    down, right = rows + 0.5 - start[0], columns + 0.5 - start[1]
    along = (down * direction[0] + right * direction[1]) / length
    across = right * direction[0] - down * direction[1]
    use = (along >= 0.0) & (along <= 1.0) & valid
    return along[use], across[use], use


def _chord(distance: np.ndarray, diameter: float, blur: float) -> np.ndarray:
    """Chord of a cylinder across, 1 in the middle, after the pixel's width and a blur, as a sum of strips."""
    strips = np.linspace(-0.5, 0.5, 9) * diameter
    strips = 0.5 * (strips[1:] + strips[:-1])
    height = np.sqrt(1.0 - (2.0 * strips / diameter) ** 2)
    sigma = float(np.hypot(blur, np.sqrt(1.0 / 12.0)))
    reach = np.linspace(-(diameter / 2 + 5 * sigma), diameter / 2 + 5 * sigma, 201)
    width = diameter / strips.size
    profile = sum(
        h * width * np.exp(-0.5 * ((reach - s) / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
        for h, s in zip(height, strips, strict=True)
    )
    return np.interp(distance, reach, np.asarray(profile), left=0.0, right=0.0)


def _beside(rest: np.ndarray, across: np.ndarray, wire: tuple[float, float, float]) -> np.ndarray:
    """The filter's amplitude at places beside the wire, where its whole width lies in the box."""
    diameter, blur, reach = wire
    found = []
    for side in (across.min() + reach, across.max() - reach):
        step = 2.0 * np.sign(-side)
        place = side
        while abs(place) > 2.0 * reach + 2.0 and place * side > 0:
            shape = _chord(across - place, diameter, blur)
            found.append(float(shape @ rest) / float(shape @ shape))
            place += step * max(1.0, diameter / 2)
    return np.array(found)


@dataclass(frozen=True)
class Bars:
    """Bars of one period.

    Attributes
    ----------
    wave : float
        Amplitude of the first harmonic [T].
    error : float
        Its standard error [T].
    level : float
        Mean [T].
    period : float [px]
        That fits best.
    periods : float
        In the box.
    """

    wave: float
    error: float
    level: float
    period: float
    periods: float


def bars(image: np.ndarray, valid: np.ndarray, period: float) -> Bars:
    """First harmonic of upright bars.

    A wave, a level and a slope are fitted to all pixels at once; the period may be 4 % off what was said (an object nearer or
    farther than the middle), and the bars up to about 3 degrees off the upright. Where a whole number of pixels makes a
    period, sharp bars alias: the harmonics next to that number look like the first, by up to 4 % at 8.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    valid : ndarray of bool, shape (rows, columns)
    period : float [px]

    Returns
    -------
    Bars

    Raises
    ------
    CalibrationError
        If a period is under two pixels, or under two periods are in the box.
    """
    if period < 2.0 or image.shape[1] < 2.0 * period:
        raise CalibrationError(
            f"a period of {period:.2f} pixels in a box of {image.shape[1]}: at least two pixels a period, and two periods, "
            "are needed"
        )
    rows, columns = np.nonzero(valid)
    values = image[rows, columns].astype(np.float64)
    rows, columns = rows - rows.mean(), columns - columns.mean()
    ground = np.stack([np.ones(values.size), columns / max(1.0, np.ptp(columns))], axis=1)
    chosen, best = np.zeros(0), (-1.0, period)
    # A window and no mean: what lies between whole periods does not draw the search.
    window = np.cos(np.pi * columns / (np.ptp(columns) + 1.0)) ** 2
    seen = (values - float((values * window).sum() / window.sum())) * window
    finest = 0.2 / max(image.shape[0], 8)
    for frequency in np.linspace(0.96, 1.04, 17) / period:
        for lean in np.arange(-0.05 / period, 0.05 / period + finest, max(finest, 0.1 / period / 40)):
            phase = 2.0 * np.pi * (frequency * columns + lean * rows)
            wave = float(np.hypot(seen @ np.cos(phase), seen @ np.sin(phase)))
            if wave > best[0]:
                best, chosen = (wave, 1.0 / frequency), phase
    # Higher harmonics that the pixels can show are fitted as well, so that none is taken for a slope.
    orders = [k for k in (1, 2, 3) if k == 1 or k / best[1] < 0.45]
    waves = [wave(k * chosen)[:, None] for k in orders for wave in (np.cos, np.sin)]
    terms = np.concatenate([ground, *waves], axis=1)
    fit = np.linalg.lstsq(terms, values, rcond=None)[0]
    rest = values - terms @ fit
    error = float(rest.std() * np.sqrt(2.0 / values.size))
    return Bars(float(np.hypot(fit[2], fit[3])), error, float(fit[0]), best[1], image.shape[1] / best[1])


def sides(image: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """Width of a plate in the middle of a picture, from half level to half level.

    In each line of the middle half of its height, between the two places at which the signal passes half of what is between
    plate and surroundings; the median over lines.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    valid : ndarray of bool, shape (rows, columns)

    Returns
    -------
    width, error : float [px]

    Raises
    ------
    CalibrationError
        If no plate can be told from its surroundings.
    """
    rows, columns = image.shape
    margin = max(2, columns // 40)
    middle = image[
        rows // 2 - max(1, rows // 16) : rows // 2 + max(1, rows // 16), columns // 2 - margin : columns // 2 + margin
    ]
    around = np.concatenate([image[:, :margin].ravel(), image[:, -margin:].ravel()])
    inside, outside = float(np.median(middle)), float(np.median(around))
    share = (image.astype(np.float64) - outside) / (inside - outside) if inside != outside else np.zeros(image.shape)
    level = cv2.blur(share, (1, 5))
    tall = np.flatnonzero(np.median(level[:, columns // 2 - margin : columns // 2 + margin], axis=1) > 0.5)
    if tall.size < 8 or abs(inside - outside) < 0.02:
        raise CalibrationError("no plate that can be told from its surroundings in the middle of the box")
    first, last = int(tall[0] + tall.size // 4), int(tall[-1] - tall.size // 4)
    widths = [_passing(share[row], valid[row]) for row in range(first, last + 1)]
    found = np.array([width for width in widths if width is not None])
    if found.size < 4:
        raise CalibrationError(
            "the plate's sides could not be found in four lines: they lie on dead channels, or under five pixels from the box's"
        )
    return float(np.median(found)), float(1.2533 * found.std(ddof=1) / np.sqrt(found.size))


def _passing(share: np.ndarray, valid: np.ndarray) -> float | None:
    """Distance of the outermost places at which a line passes one half [px]; None where dead pixels lie there."""
    if not valid.all():
        known = np.flatnonzero(valid)
        if known.size < 8:
            return None
        share = np.interp(np.arange(share.size), known, share[known])
    smooth = np.convolve(share, [0.25, 0.5, 0.25], mode="same")
    above = np.flatnonzero(smooth[1:-1] > 0.5) + 1
    if above.size == 0 or above[0] < 2 or above[-1] > share.size - 3:
        return None
    first, last = int(above[0]), int(above[-1])
    if not (valid[first - 2 : first + 2].all() and valid[last - 1 : last + 3].all()):
        return None
    start = first - (smooth[first] - 0.5) / (smooth[first] - smooth[first - 1])
    stop = last + (smooth[last] - 0.5) / (smooth[last] - smooth[last + 1])
    return float(stop - start)
