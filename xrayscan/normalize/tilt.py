"""Tilt and lean: how the container's horizontals and uprights lie in the picture [degree]."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from xrayscan.normalize.rails import Rails, filled, find_rails
from xrayscan.normalize.section import fit_line
from xrayscan.scan import Box, Step

__all__ = ["MOST_DOUBT", "find_tilt"]

ASSUMED = (1.8, 0.35)
"""Magnification where it is not measured, and half of its 90 % interval: sources 2 to 6 m from the load."""
SQUARE_DOUBT = 0.5
ARM_DOUBT = 0.6
"""Half of the 90 % interval as a share of the tilt, where the roof line is seen by an arm and its scale is not measured."""
MOST_DOUBT = 0.2
"""Half of a 90 % interval [degree] beyond which the tilt counts as not measured."""
NORMAL_90 = 1.645
LEAST_DOUBT = 0.02
AGREE = 0.06
POST_GROUPS = 32
POST_SPAN = (0.45, 0.85)
POST_DEPTH = 0.1


def find_tilt(
    depth: np.ndarray,
    valid: np.ndarray,
    boxes: Sequence[Box],
    rails: Rails | None = None,
    pitch: tuple[float, float] | None = None,
    corner: float | None = None,
) -> tuple[float, float, float, Step]:
    """Rise of the container's horizontals along the columns, and lean of its uprights.

    The slope of a rail in the picture is the tilt times the row scale at that rail. With near and far rails known from
    `find_rails` both scales are known, on the arm of an L-shaped array too; the slopes have to agree, and where they do not
    the far one counts. Without them the scale at the near wall is that of the middle of the load, made smaller by an assumed
    magnification; where an arm sees the roof line, that says little.

    Parameters
    ----------
    depth : ndarray of float32, shape (rows, columns)
        Optical depth of the high energy; NaN where not valid.
    valid : ndarray of bool, shape (rows, columns)
    boxes : sequence of Box
        Containers.
    rails : Rails or None
        None: measured here.
    pitch : (float, float) or None [m]
        Row and column pitch in the middle of the load, as stated or estimated; needed only where the rails do not tell it.
    corner : float or None [row]
        Where an L-shaped array has its corner, from `find_corner`.

    Returns
    -------
    tilt : float [degree]
        Positive where the right end is higher; 0 where no roof line is seen.
    lean : float [degree]
        Positive where the upper ends lie to the right; 0 where nothing was measured.
    uncertainty : float [degree]
        Half of the 90 % interval of the tilt; NaN where no roof line is seen. Beyond `MOST_DOUBT` the tilt
        counts as not measured.
    step : Step
    """
    if rails is None:
        rails, _ = find_rails(depth, valid, boxes)
    if rails is None or rails.near_slope is None:
        return 0.0, 0.0, float("nan"), Step("tilt", "not measured: no straight roof line of a container is seen")
    tilt, doubt, how = _tilt(rails, pitch, corner is not None and corner > rails.near_roof)
    lean, posts = _lean(depth, valid, rails, pitch)
    upright = f"uprights lean by {lean:.2f} degrees" if posts else "lean of the uprights not measured"
    note = f"right end {abs(tilt):.2f} degrees {'higher' if tilt >= 0 else 'lower'} (+- {doubt:.2f}, 90 %; {how}); {upright}"
    if doubt > MOST_DOUBT:
        note = f"not measured: {tilt:.2f} degrees are known to +- {doubt:.2f} only (90 %; {how}); {upright}"
    values = {
        "tilt": tilt,
        "lean": lean,
        "uncertainty": doubt,
        "slope": rails.near_slope.slope,
        "posts": posts,
    }
    return tilt, lean, doubt, Step("tilt", note, values)


def _tilt(rails: Rails, pitch: tuple[float, float] | None, on_arm: bool) -> tuple[float, float, str]:
    """Tilt, half of its 90 % interval [degree], and what they are from."""
    near, far = rails.near_slope, rails.far_slope
    if near is None:
        return 0.0, float("nan"), "nothing"
    if far is not None and rails.magnification is not None:
        column = rails.length / rails.width
        scale_near, scale_far = (1.0 / (rows * column) for rows in _scales(rails))
        first, second = _degrees(-near.slope * scale_near), _degrees(-far.slope * scale_far)
        doubts = [NORMAL_90 * np.degrees(near.error * scale_near), NORMAL_90 * np.degrees(far.error * scale_far)]
        # Both rails' scales are off by the error of the middle one, and by how unsure the magnification is.
        share = (rails.middle_error + rails.magnification_error / (1.0 + rails.magnification)) * abs(second)
        if abs(first - second) > AGREE + doubts[0] + doubts[1]:
            return second, float(max(doubts[1] + share, 0.5 * abs(first - second))), "far roof rail; the near one disagrees"
        weights = 1.0 / (np.square(doubts) + 1e-4)
        both = float((weights * [first, second]).sum() / weights.sum())
        return both, float(LEAST_DOUBT + share + min(doubts)), "near and far roof rail"
    if pitch is None:
        column = rails.length / rails.width if np.isfinite(rails.length) else 1.0
        return (
            _degrees(-near.slope),
            abs(_degrees(near.slope)) * SQUARE_DOUBT + LEAST_DOUBT,
            "roof line, as if pixels were square",
        )
    column = rails.length / rails.width if np.isfinite(rails.length) else pitch[1]
    scale = 2.0 / (1.0 + ASSUMED[0]) * pitch[0] / column
    tilt = _degrees(-near.slope * scale)
    share = ARM_DOUBT if on_arm else ASSUMED[1] / (1.0 + ASSUMED[0])
    error = NORMAL_90 * float(np.degrees(near.error * scale))
    how = "roof line, seen by an array's arm" if on_arm else "roof line, magnification assumed"
    return tilt, LEAST_DOUBT + error + share * abs(tilt), how


def _scales(rails: Rails) -> tuple[float, float]:
    """Rows per meter at the near and at the far roof rail."""
    if np.isfinite(rails.near_scale):
        return rails.near_scale, rails.far_scale
    return (rails.near_floor - rails.near_roof) / rails.height, (rails.far_floor - rails.far_roof) / rails.height


def _degrees(slope: float) -> float:
    return float(np.degrees(np.arctan(slope)))


def _lean(depth: np.ndarray, valid: np.ndarray, rails: Rails, pitch: tuple[float, float] | None) -> tuple[float, int]:
    """Lean [degree] of the outermost edges of the end posts, and how many ends it was measured on."""
    tall = rails.near_floor - rails.near_roof if np.isfinite(rails.near_floor) else 0.25 * rails.width
    rows = [int(rails.near_roof + share * tall) for share in POST_SPAN]
    rows = [max(0, rows[0]), min(depth.shape[0], rows[1])]
    if rows[1] - rows[0] < 2 * POST_GROUPS:
        return 0.0, 0
    slopes = []
    for right in (False, True):
        line = _post(depth, valid, (rows[0], rows[1]), rails, right)
        if line is not None:
            slopes.append(line)
    if not slopes:
        return 0.0, 0
    scale = pitch[1] / pitch[0] if pitch else 1.0
    if np.isfinite(rails.middle_rows):
        scale = rails.length / rails.width * rails.middle_rows / rails.height
    return _degrees(-float(np.mean(slopes)) * scale), len(slopes)


def _post(depth: np.ndarray, valid: np.ndarray, rows: tuple[int, int], rails: Rails, right: bool) -> float | None:
    """Slope [columns per row] of the outer edge of the posts at one end; None where it is not a straight line."""
    end = rails.right if right else rails.left
    reach = max(8, int(0.015 * rails.width))
    part = np.s_[rows[0] : rows[1], max(0, int(end) - reach) : int(end) + reach]
    strip = filled(depth[part], valid[part] & np.isfinite(depth[part]))
    if strip.shape[1] < reach + 4:
        return None
    strip = cv2.resize(strip, (strip.shape[1], POST_GROUPS), interpolation=cv2.INTER_AREA)
    strip = np.ascontiguousarray(strip[:, ::-1]) if right else strip
    strip = cv2.blur(strip, (3, 1), borderType=cv2.BORDER_REPLICATE)
    level = np.maximum(0.5 * np.quantile(strip, 0.9, axis=1), POST_DEPTH)
    at = (strip > level[:, None]).argmax(axis=1)
    groups = np.arange(POST_GROUPS)
    before, here = strip[groups, np.maximum(at - 1, 0)], strip[groups, at]
    place = at - 1 + (level - before) / np.maximum(here - before, 1e-6)
    place[at == 0] = np.nan
    middle = (groups + 0.5) * ((rows[1] - rows[0]) / POST_GROUPS)
    line = fit_line(middle - middle.mean(), place)
    if line is None or line.seen < 0.5 or line.error * (rows[1] - rows[0]) > 2.0:
        return None
    return -line.slope if right else line.slope
