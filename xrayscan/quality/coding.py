"""How a scan is coded: codes in use, clipping, and the blocks of JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.normalize.beam import code_step

__all__ = ["Coding", "coding_of", "jpeg_blocks"]

_SAMPLE = 2_000_000
_BLOCK = 8
_BLOCKY = (1.1, 1.3)
_PILE = 1e-3


@dataclass(frozen=True)
class Coding:
    """How one image is coded.

    Attributes
    ----------
    codes : int or None
        Different numbers that occur; None for floats that are no whole numbers.
    step : float
        Distance of neighboring codes; 0 for floats.
    bits : float or None
        log₂ of the codes that fit between the least and the highest one.
    lowest, highest : float
        The ends of the range that is used.
    at_lowest, at_highest : float
        Share of the pixels there, 0 to 1.
    """

    codes: int | None
    step: float
    bits: float | None
    lowest: float
    highest: float
    at_lowest: float
    at_highest: float

    @property
    def clips_low(self) -> bool:
        """Whether more than 0.1 % of the pixels pile up at the lower end."""
        return self.at_lowest > _PILE

    @property
    def clips_high(self) -> bool:
        """Whether more than 0.1 % of the pixels pile up at the upper end."""
        return self.at_highest > _PILE


def coding_of(image: np.ndarray, full: float | None = None) -> Coding:
    """How one image is coded.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        As delivered.
    full : float or None
        Level at and above which the converter is full; None: the highest that occurs.

    Returns
    -------
    Coding

    Examples
    --------
    >>> coding = coding_of(np.minimum(np.arange(4000, dtype=np.uint16).reshape(50, 80), 3000))
    >>> coding.codes, coding.step, round(coding.bits, 1), coding.clips_high
    (3001, 1.0, 11.6, True)
    """
    values = image.ravel()[:: max(1, image.size // _SAMPLE)]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
        if values.size == 0:
            return Coding(None, 0.0, None, 0.0, 0.0, 0.0, 0.0)
    lowest, highest = float(values.min()) + 0.0, float(values.max()) + 0.0  # no -0
    top = highest if full is None else min(full, highest)
    shares = float((values <= lowest).mean()), float((values >= top).mean()) if full is None or highest >= full else 0.0
    step = code_step(image[None])
    if step == 0.0:
        return Coding(None, 0.0, None, lowest, highest, *shares)
    codes = int(np.unique(values).size)
    return Coding(codes, step, float(np.log2((highest - lowest) / step + 1.0)), lowest, highest, *shares)


def jpeg_blocks(image: np.ndarray) -> bool:
    """Whether an 8-bit picture shows the 8 x 8 blocks of JPEG: steps at every eighth pixel that are larger than those between.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)

    Returns
    -------
    bool
    """
    if min(image.shape) < 8 * _BLOCK or image.dtype != np.uint8:
        return False
    ratios = []
    for picture in (image, image.T):
        # Edges of the load are left out: steps of more than twice what four fifths of all are under.
        line = picture[:: max(1, picture.shape[0] // 512)].astype(np.float32)
        jump = np.abs(np.diff(line, axis=1))
        limit = max(2.0, float(np.quantile(jump, 0.8)))
        size = np.where(jump <= 2.0 * limit, jump, np.nan)
        at = [float(np.nanmean(size[:, k::_BLOCK])) for k in range(_BLOCK)]
        inside = float(np.median(at))
        if inside <= 0:
            return False
        ratios.append(max(at) / inside if int(np.argmax(at)) == _BLOCK - 1 else 1.0)
    return min(ratios) > _BLOCKY[0] or max(ratios) > _BLOCKY[1]
