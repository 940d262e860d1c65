"""False color: the curve through RGB on which a picture's colors lie, and each pixel's place on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

__all__ = ["Palette", "find_palette", "index_on", "known_palettes"]

LEVELS = 256
_NAMES = (
    *("autumn", "bone", "cividis", "cool", "deepgreen", "hot", "hsv", "inferno", "jet", "magma", "ocean", "parula", "pink"),
    *("plasma", "rainbow", "spring", "summer", "turbo", "viridis", "winter"),
)
GRAY = "gray"
_BINS = 16  # of each channel, 16 levels wide: finer than the width of a JPEG's noise, coarse enough to be few
_FEWEST = 24  # colors that a curve is told from
_FLAT = 24  # largest range of a channel over 3 x 3 pixels where chroma at half resolution is still its own
_FAR = 48.0
_NEAR, _ON = 20.0, 0.92  # distance in RGB within which a color lies on a known curve, and the share that must
_WALKED, _ALL = 16.0, 0.95  # the same of a curve that was walked, which bends to its colors
_BACK = 3.0  # gray levels that luma may fall by along a palette that brightens
_GRAY = 12.0  # distance from the gray axis that JPEG's rounding of chroma leaves
_SMALL = 256 * 1024
_CHUNK = 16384


@dataclass(frozen=True, eq=False)
class Palette:
    """A curve through RGB, one color a gray level.

    Attributes
    ----------
    name : str
        "gray", a name of OpenCV, or "unknown".
    colors : ndarray of float32, shape (256, 3)
        Red, green, blue of index 0 to 255.
    monotone : bool
        Whether luma rises with the index all along: luma then tells the index, and more finely.
    share : float
        Of the picture's colors that lie on it.
    """

    name: str
    colors: np.ndarray
    monotone: bool
    share: float


@cache
def known_palettes() -> dict[str, np.ndarray]:
    """Gray and OpenCV's palettes, which are those of MATLAB and Matplotlib; float32 (256, 3), red, green, blue."""
    ramp = np.arange(LEVELS, dtype=np.uint8)
    found = {GRAY: np.repeat(ramp[:, None], 3, axis=1).astype(np.float32)}
    for name in _NAMES:
        code = getattr(cv2, f"COLORMAP_{name.upper()}")
        found[name] = cv2.applyColorMap(ramp[None], code)[0, :, ::-1].astype(np.float32)
    for table in found.values():
        table.setflags(write=False)
    return found


def find_palette(image: np.ndarray) -> Palette | None:
    """The palette of a picture in false color; None where its colors lie on no curve, or are too few to tell.

    Only smooth places are looked at: burnt-in marks, and edges whose chroma JPEG has smeared, have colors of no palette.
    White and black belong to many and decide nothing. A known palette is taken where 92 % of the colors lie within 20 of
    255 of it, the nearest of them. Else the curve is walked: a tree of shortest steps from one end of the colors to the
    other; it is one where colors equally far along the walk are alike.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns, 3)
        Red, green, blue.

    Returns
    -------
    Palette or None

    Examples
    --------
    >>> gray = np.tile(np.arange(256, dtype=np.uint8), (40, 2))
    >>> find_palette(cv2.applyColorMap(gray, cv2.COLORMAP_JET)[..., ::-1]).name
    'jet'
    """
    colors, weights = _smooth_colors(image)
    gray = known_palettes()[GRAY]
    if len(colors) == 0:
        return None
    on = float(weights[_nearest(colors, gray)[1] < _GRAY].sum() / weights.sum())
    if on >= _ON or len(colors) < _FEWEST:
        return Palette(GRAY, gray, True, on) if on >= _ON else None
    best = None
    for name, table in known_palettes().items():
        distance = _nearest(colors, table)[1]
        mean = float(np.average(np.minimum(distance, _FAR), weights=weights))
        if best is None or mean < best[0]:
            best = mean, name, float(weights[distance < _NEAR].sum() / weights.sum())
    if best is not None and best[2] >= _ON:
        table = known_palettes()[best[1]]
        return Palette(best[1], table, _is_monotone(table), best[2])
    return _walked(colors, weights)


def index_on(image: np.ndarray, palette: Palette) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's place on a palette, and how far its color is from it.

    Distances are taken in luma and chroma, chroma weighing half: JPEG keeps luma at full resolution and chroma at half.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns, 3)
        Red, green, blue.
    palette : Palette

    Returns
    -------
    index : ndarray of uint8, shape (rows, columns)
    distance : ndarray of uint8, shape (rows, columns)
        In RGB, at most 255.
    """
    code = image[..., 0].astype(np.uint32)
    for channel in (1, 2):
        code <<= 8
        code |= image[..., channel]
    seen = np.zeros(1 << 24, bool)
    seen[code.ravel()] = True
    codes = np.flatnonzero(seen)
    colors = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.float32)
    opponent = np.array([[0.299, 0.587, 0.114], [-0.084, -0.166, 0.25], [0.25, -0.209, -0.041]], np.float32).T
    nearest = _nearest(colors @ opponent, palette.colors @ opponent)[0]
    distance = np.linalg.norm(colors - palette.colors[nearest], axis=1)
    table = np.zeros((2, 1 << 24), np.uint8)
    table[0, codes], table[1, codes] = nearest, np.minimum(distance, 255.0)
    return table[0][code], table[1][code]


def _smooth_colors(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean color of each small cube of RGB that occurs in smooth places, and its weight: the root of its pixels."""
    while image.shape[0] * image.shape[1] > 4 * _SMALL:
        # Blocks and not single pixels are left out, so that smoothness can be told from what stays.
        image = image[:, : image.shape[1] // 2] if image.shape[0] > image.shape[1] else _every_other(image)
    image = np.ascontiguousarray(image)
    kernel = np.ones((3, 3), np.uint8)
    spread = cv2.subtract(cv2.dilate(image, kernel), cv2.erode(image, kernel)).max(axis=2)
    low, high = image.min(axis=2), image.max(axis=2)
    chosen = (spread <= _FLAT) & (low < 245) & (high > 10)
    pixels = image[chosen]
    if len(pixels) == 0:
        return np.empty((0, 3), np.float32), np.empty(0)
    cube = (pixels // (LEVELS // _BINS)).astype(np.int32) @ np.array([_BINS**2, _BINS, 1], np.int32)
    count = np.bincount(cube, minlength=_BINS**3)
    sums = np.stack([np.bincount(cube, pixels[:, k], minlength=_BINS**3) for k in range(3)], axis=1)
    kept = count >= max(3.0, 1e-4 * len(pixels))
    return (sums[kept] / count[kept, None]).astype(np.float32), np.sqrt(count[kept])


def _every_other(image: np.ndarray) -> np.ndarray:
    """Every other block of 32 columns."""
    columns = np.arange(image.shape[1])
    return image[:, columns // 32 % 2 == 0]


def _nearest(colors: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row of ``table`` nearest to each color, and the distance to it."""
    squares = (table**2).sum(axis=1)
    nearest = np.empty(len(colors), np.intp)
    for at in range(0, len(colors), _CHUNK):
        nearest[at : at + _CHUNK] = np.argmin(squares - 2.0 * (colors[at : at + _CHUNK] @ table.T), axis=1)
    return nearest, np.linalg.norm(colors - table[nearest], axis=1)


def _luma(colors: np.ndarray) -> np.ndarray:
    luma: np.ndarray = colors @ np.array([0.299, 0.587, 0.114])
    return luma


def _is_monotone(table: np.ndarray) -> bool:
    luma = _luma(table)
    back = float((np.maximum.accumulate(luma) - luma).max())
    return back <= _BACK and float(luma[-1] - luma[0]) > LEVELS * 0.45


def _walked(colors: np.ndarray, weights: np.ndarray) -> Palette | None:
    """The curve on which the colors lie, walked from one of its ends; index 255 is its brighter end.

    Colors are joined by the tree whose squared steps are least, so that the way keeps to the curve. Its far end, seen from
    any color, is one end of the curve; the place of a color is its way from there.
    """
    first = _ways(colors, int(np.argmax(_luma(colors))))
    place = _ways(colors, int(np.argmax(first)))
    length = float(place.max())
    knots = np.linspace(0.0, length, LEVELS)
    kernel = weights * np.exp(-0.5 * ((knots[:, None] - place) / 12.0) ** 2)
    total = kernel.sum(axis=1, keepdims=True)
    # Where no color is near along the walk, the line between its neighbors.
    held = total[:, 0] > 1e-3 * float(np.median(weights))
    if not held.any() or length < LEVELS * 0.5:
        return None
    table = np.divide(kernel @ colors, total, out=np.zeros((LEVELS, 3)), where=total > 0)
    table = np.stack([np.interp(knots, knots[held], table[held, k]) for k in range(3)], axis=1).astype(np.float32)
    if _luma(table[-1]) < _luma(table[0]):
        table = table[::-1].copy()
    off = np.linalg.norm(colors - table[_nearest(colors, table)[0]], axis=1)
    # A surface also has a walk over it: its colors lie beside the walk, and more places hold them than a line has.
    share = float(weights[off < _WALKED].sum() / weights.sum())
    if share < _ALL or len(colors) > 4.0 * length * _BINS / LEVELS:
        return None
    return Palette("unknown", table, _is_monotone(table), share)


def _ways(colors: np.ndarray, start: int) -> np.ndarray:
    """Length of the way from ``start`` to each color along steps whose squares add up to the least (Dijkstra)."""
    count = len(colors)
    cost, way = np.full(count, np.inf), np.zeros(count)
    cost[start] = 0.0
    open_: np.ndarray = np.ones(count, bool)
    for _ in range(count):
        at = int(np.argmin(np.where(open_, cost, np.inf)))
        open_[at] = False
        step = np.linalg.norm(colors - colors[at], axis=1)
        better = open_ & (cost[at] + step**2 < cost)
        cost[better] = cost[at] + step[better] ** 2
        way[better] = way[at] + step[better]
    return way
