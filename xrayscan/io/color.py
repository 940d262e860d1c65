"""Pictures in color, brought to one plane of the same depth."""

from __future__ import annotations

import numpy as np

__all__ = ["luminance"]

_WEIGHTS = (0.299, 0.587, 0.114)


def luminance(image: np.ndarray) -> np.ndarray:
    """One plane of a picture in RGB or RGBA; gray stored as RGB comes back exactly.

    Parameters
    ----------
    image : ndarray, shape (rows, columns, 3 or 4)
        Red, green, blue; a fourth channel (transparency) is left off.

    Returns
    -------
    ndarray, shape (rows, columns)
        Of the same dtype: 16 bits stay 16 bits.

    References
    ----------
    .. [1] ITU-R BT.601-7, section 2.5.1: luma is 0.299 R + 0.587 G + 0.114 B.

    Examples
    --------
    >>> luminance(np.array([[[7, 7, 7], [255, 0, 0]]], np.uint8))
    array([[ 7, 76]], dtype=uint8)
    """
    red, green, blue = (image[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.ascontiguousarray(red)
    wide = np.dtype(np.float64 if image.dtype.itemsize > 2 else np.float32)
    plane: np.ndarray = image[..., :3].astype(wide) @ np.asarray(_WEIGHTS, wide)
    return (plane if image.dtype.kind == "f" else np.rint(plane)).astype(image.dtype)
