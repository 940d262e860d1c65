"""What every way of delivery is brought to first: transmission, with what is known of its validity and its steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from xrayscan.scan import Step

__all__ = ["Beam", "blocks", "code_step", "local_mean", "sparse"]

_COLUMNS = 640
_CODES = 200_000
_FEWEST_CODES = 64
_BLOCK = 200_000


@dataclass(frozen=True, eq=False)
class Beam:
    """Transmission before its optical depth is taken; a working value inside `normalize`.

    Attributes
    ----------
    transmission : ndarray of float32, shape (energies, rows, columns)
        T, finite everywhere; any value where not ``valid``.
    valid : ndarray of bool, shape (rows, columns)
    step : ndarray of float32, shape (energies, rows)
        The least difference in T that the delivery can hold: one count, one gray level; 0 when it is not known.
    least : ndarray of float32, shape (energies, rows)
        The least T that can be told from none, before noise is looked at.
    steps : tuple of Step
        What was done so far.
    """

    transmission: np.ndarray
    valid: np.ndarray
    step: np.ndarray
    least: np.ndarray
    steps: tuple[Step, ...]

    def with_step(self, step: Step, **changed: np.ndarray) -> Beam:
        """The beam after one more step, with the arrays that it changed."""
        return replace(self, steps=(*self.steps, step), **changed)


def code_step(pixels: np.ndarray) -> float:
    """Distance of neighboring codes: 1 for plain integers, 16 for 12 bits in the upper part of 16, 0 for real floats.

    Where fewer than 64 codes occur nothing is concluded from them: 1 for integers, 0 for floats.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns)

    Returns
    -------
    float
        Greatest common divisor of the differences of all codes that occur in an even sample of the pixels.

    Examples
    --------
    >>> import numpy as np
    >>> code_step(np.arange(0, 4096, 16, dtype=np.uint16).reshape(1, 16, 16))
    16.0
    """
    sample = pixels.reshape(-1)[:: max(1, pixels.size // _CODES)]
    if pixels.dtype.kind == "f":
        sample = sample[np.isfinite(sample)]
        if sample.size == 0 or np.abs(sample).max() > 2**31 or not np.array_equal(sample, np.rint(sample)):
            return 0.0
    # Counting is twenty times as fast as sorting, where there are not too many levels to count.
    counted = pixels.dtype in (np.uint8, np.uint16)
    codes = np.flatnonzero(np.bincount(sample)) if counted else np.unique(sample.astype(np.int64))
    if codes.size < _FEWEST_CODES:
        return 1.0 if pixels.dtype.kind != "f" else 0.0
    return float(np.gcd.reduce(np.diff(codes)))


def blocks(count: int, size: int) -> Iterator[slice]:
    """Slices of ``count`` lines of ``size`` pixels, each as much as a processor keeps at hand and a heap hands out again.

    Examples
    --------
    >>> list(blocks(5, 100_000))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    each = max(1, _BLOCK // max(1, size))
    for first in range(0, count, each):
        yield slice(first, min(count, first + each))


def sparse(image: np.ndarray) -> np.ndarray:
    """Every n-th column, about 640 of them: enough for statistics of rows, at a fraction of the time."""
    return image[..., :: max(1, image.shape[-1] // _COLUMNS)]


def local_mean(image: np.ndarray, valid: np.ndarray, size: int = 5) -> np.ndarray:
    """Mean over ``size`` x ``size`` pixels that leaves out what is not valid.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        Finite everywhere.
    valid : ndarray of bool, shape (rows, columns)
    size : int
        Odd [px].

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        0 where no valid pixel is near.
    """
    if valid.all():
        return cv2.blur(image, (size, size))
    weight = valid.astype(np.float32)
    mean = cv2.blur(image * weight, (size, size))
    share = cv2.blur(weight, (size, size))
    return np.divide(mean, share, out=np.zeros_like(mean), where=share > 0.5 / size**2)
