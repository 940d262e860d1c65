"""A radiograph as an even passage of an upright vehicle would have given it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from xrayscan.scan import Box, Radiograph, Region, Step

__all__ = ["straighten"]

WHOLE = 0.999  # share of valid pixels that an interpolated one needs
ANY = 0.01  # share of opaque pixels that makes an interpolated one opaque


def straighten(radiograph: Radiograph) -> Radiograph:
    """The radiograph with sway, tilt and lean taken out, as far as they were measured, on a grid of the same shape and pitch.

    `normalize` leaves a scan on its own grid, where every finding can be laid over the picture that the scanner showed; this is
    for those who measure or compare. What has moved in from beyond the edge is not valid.

    Parameters
    ----------
    radiograph : Radiograph

    Returns
    -------
    Radiograph
        The same object where nothing was measured. Its ``geometry`` keeps magnification and stretch only.

    Examples
    --------
    >>> import numpy as np
    >>> from xrayscan.scan import Geometry
    >>> lift = 2.0 * (np.arange(40) % 2)
    >>> depth = (np.arange(30)[:, None] > 10 + lift).astype(np.float32)[None]
    >>> clear = np.zeros((30, 40), bool)
    >>> swaying = Radiograph(depth, ~clear, clear, (0.01, 0.01), geometry=Geometry(lift=lift))
    >>> bool((straighten(swaying).optical_depth[0, 12] == 1.0).all())
    True
    """
    if not isinstance(radiograph, Radiograph):
        raise TypeError(f"straighten was given a {type(radiograph).__name__}; pass a Radiograph: xs.normalize(scan)")
    geometry = radiograph.geometry
    slope, lean = _slopes(radiograph)
    if geometry.lift is None and slope == 0.0 and lean == 0.0:
        return radiograph
    rows, columns = radiograph.shape
    lift = np.zeros(columns, np.float32) if geometry.lift is None else geometry.lift
    row, column = np.arange(rows, dtype=np.float32)[:, None], np.arange(columns, dtype=np.float32)[None]
    from_column = column + np.float32(lean) * (row - np.float32(rows / 2))
    from_row = row + np.interp(from_column, column[0], lift).astype(np.float32)
    from_row += np.float32(slope) * (from_column - np.float32(columns / 2))
    valid = _moved(radiograph.valid.astype(np.float32), from_column, from_row) > WHOLE
    opaque = (_moved(radiograph.opaque.astype(np.float32), from_column, from_row) > ANY) & valid
    depth = np.stack([_moved(np.nan_to_num(one), from_column, from_row) for one in radiograph.optical_depth])
    depth[:, ~valid] = np.nan
    tilt, leaning = geometry.tilt or 0.0, geometry.lean or 0.0
    swayed = "sway, " if geometry.lift is not None else ""
    note = f"{swayed}tilt {tilt:.2f} and lean {leaning:.2f} degrees taken out"
    step = Step("straighten", note, {"tilt": tilt, "lean": leaning})
    upright = [_upright(box, radiograph.shape, slope, lean) for box in radiograph.containers]
    regions = [(region.kind, _upright(region.box, radiograph.shape, slope, lean)) for region in radiograph.regions]
    load_line = radiograph.load_line
    if load_line is not None:
        load_line = load_line - lift - np.float32(slope) * (column[0] - np.float32(columns / 2))
    return replace(
        radiograph,
        optical_depth=depth,
        valid=valid,
        opaque=opaque,
        containers=tuple(box for box in upright if box is not None),
        regions=tuple(Region(kind, box) for kind, box in regions if box is not None),
        load_line=load_line,
        geometry=replace(geometry, tilt=None, lean=None, lift=None),
        history=(*radiograph.history, step),
    )


def _slopes(radiograph: Radiograph) -> tuple[float, float]:
    """Fall of the horizontals [rows per column], and by how many columns a row further down an upright lies further right."""
    row, column = radiograph.pixel_pitch
    tilt, lean = radiograph.geometry.tilt or 0.0, radiograph.geometry.lean or 0.0
    return -float(np.tan(np.radians(tilt))) * column / row, -float(np.tan(np.radians(lean))) * row / column


def _moved(image: np.ndarray, from_column: np.ndarray, from_row: np.ndarray) -> np.ndarray:
    return cv2.remap(image, from_column, from_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0)


def _upright(box: Box, shape: tuple[int, int], slope: float, lean: float) -> Box | None:
    """The box of what the given one was drawn around, which was tilted and is not any more; None where it left the picture."""
    rise, run = abs(slope) * box.width / 2, abs(lean) * box.height / 2
    down = -slope * (0.5 * (box.left + box.right) - shape[1] / 2)
    right = -lean * (0.5 * (box.top + box.bottom) - shape[0] / 2)
    top, bottom = (max(0, min(shape[0], round(edge + down))) for edge in (box.top + rise, box.bottom - rise))
    left, end = (max(0, min(shape[1], round(edge + right))) for edge in (box.left + run, box.right - run))
    return Box(top, left, bottom, end) if top < bottom and left < end else None
