"""Pixel pitch along both axes, and stretch along the travel: as stated, or from the ISO size of the container."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xrayscan.normalize.rails import HEIGHTS, LENGTHS, Rails
from xrayscan.scan import Box, Step

__all__ = ["find_pitch"]

FIELD_OF_VIEW = 4.25
MAGNIFICATION = 1.8
ASSUMED_ERROR = 0.16
"""Half of the 90 % interval of the row pitch where the magnification is assumed."""
CONTRADICTION = 0.03
NOT_BELIEVED = 0.2
"""Logarithm of the factor by which both axes have to be off for a stated pitch to be that of another picture."""
COLUMN_ERROR = 0.005
ENDS_OF_BOX = 0.03
UNSURE_STRETCH = 0.08
"""Beyond it, castings alone are no proof that the container is one: its rails have to agree."""
UNSURE_COLUMN = 0.15
SURE_ERROR = 0.1
_RARE_LENGTH = {13.716: 0.15}
_BODIES, _BODY_HEIGHT = {6.1: 0.2, 13.62: 0.0}, 2.75
"""Outside lengths [m] of bodies without castings, small trucks and semi-trailers, which are the most common; their height."""


def find_pitch(
    stated: tuple[float, float] | None, boxes: Sequence[Box], shape: tuple[int, int], rails: Rails | None
) -> tuple[tuple[float, float], float | None, Step]:
    """Row and column pitch in the middle of the load [m], and the stretch along the travel.

    A stated pitch is used as it is, unless both axes of a surely measured container contradict it by a fifth or more: then it
    is that of another picture, of another binning or in other units, and the container's is used. An ISO container in view
    (its corner castings tell its length) gives the stretch, its true column pitch over the stated one, and a warning where
    it contradicts what is stated by more than 3 %. Without a stated pitch the container gives it: its length over its
    columns (of two containers together, where both are measured), and its height over the rows that it takes at mid-depth,
    which near and far rails tell together. Where far rails are not seen the magnification is assumed; where no castings are
    seen, the size of the box is a guess. Both are said, with the 90 % interval.

    Parameters
    ----------
    stated : (float, float) or None [m]
        The scanner's own (row, column) pitch.
    boxes : sequence of Box
    shape : (int, int)
        (rows, columns).
    rails : Rails or None
        From `find_rails`.

    Returns
    -------
    pitch : (float, float) [m]
    stretch : float or None
        True column pitch over the stated one; None where one of them is not known.
    step : Step
        With ``row``, ``column`` [m] and ``row_error``, ``column_error``, halves of their 90 % intervals as shares.

    References
    ----------
    ISO 668:2020, Table 2: lengths 6.058 (1CC), 12.192 (1AA), 13.716 m (1EEE); heights 2.591, 2.896 m.

    Examples
    --------
    >>> rows = {"height": 2.591, "middle_rows": 518.2, "middle_error": 0.01}
    >>> rails = Rails(100.0, 300.0, 700.0, 650.0, 200.0, 2638.4, length=12.192, column_pitch=0.005, **rows)
    >>> pitch, stretch, step = find_pitch((0.005, 0.0049), [Box(100, 200, 700, 2638)], (850, 2800), rails)
    >>> pitch, round(stretch, 3)
    ((0.005, 0.0049), 1.02)
    """
    column = rails.column_pitch if rails is not None and np.isfinite(rails.column_pitch) else None
    row = rails.height / rails.middle_rows if rails is not None and np.isfinite(rails.middle_rows) else None
    if stated is not None:
        return _checked(stated, row, column, rails)
    if rails is None or column is None:
        pitch, step = _guess(_refined(boxes, rails), shape, rails is not None)
        errors = {"row_error": 0.35, "column_error": 0.35}
        return pitch, None, Step(step.name, step.note, {**step.parameters, **errors})
    if row is None:
        return _assumed(boxes, column, rails)
    pitch = (float(np.clip(row, 2e-4, 0.19)), float(np.clip(column, 2e-4, 0.19)))
    error, wide = rails.middle_error, COLUMN_ERROR if _is_sure(rails) else UNSURE_COLUMN
    note = (
        f"from a container {rails.length:.2f} m long and {rails.height:.2f} m high, seen from its near and far rails: "
        f"{row * 1e3:.2f} (rows, +- {error:.0%}) x {column * 1e3:.2f} mm (columns, +- {wide:.1%})"
    )
    note = f"warning: pixel pitch {note}" if error > CONTRADICTION else f"pixel pitch {note}"
    return pitch, None, Step("pixel pitch", note, _values(pitch, (error, wide), rails))


def _values(pitch: tuple[float, float], errors: tuple[float, float], rails: Rails) -> dict[str, float]:
    named = {"row": pitch[0], "column": pitch[1], "row_error": errors[0], "column_error": errors[1]}
    return {**named, "length": rails.length, "height": rails.height}


def _checked(
    stated: tuple[float, float], row: float | None, column: float | None, rails: Rails | None
) -> tuple[tuple[float, float], float | None, Step]:
    """The stated pitch, and what the container says of it."""
    note = f"stated pixel pitch {stated[0] * 1e3:.2f} x {stated[1] * 1e3:.2f} mm"
    if rails is None or column is None or (abs(column / stated[1] - 1.0) > UNSURE_STRETCH and not _is_sure(rails)):
        return stated, None, Step("pixel pitch", f"{note}; no ISO container in view to check it", {})
    stretch = column / stated[1]
    values = {"stretch": stretch, "stretch_error": COLUMN_ERROR, "length": rails.length}
    note += f"; by the container's {rails.length:.2f} m a column is {column * 1e3:.2f} mm (stretch {stretch:.3f})"
    odd = abs(stretch - 1.0) > CONTRADICTION
    if row is not None:
        values |= {"row": row, "row_error": rails.middle_error}
        if abs(row / stated[0] - 1.0) > CONTRADICTION + 2.0 * rails.middle_error:
            odd = True
            note += f" and by its height a row {row * 1e3:.2f} mm"
    if row is not None and _is_sure(rails) and _is_another(stated, (row, column)):
        note = f"warning: {note}: that is another picture's pitch, and the container's is used; correct what is stated"
        return (row, column), None, Step("pixel pitch", note, values)
    if odd:
        note = f"warning: {note}: sizes along the travel or the array may be wrong by that much"
    return stated, stretch, Step("pixel pitch", note, values)


def _is_another(stated: tuple[float, float], measured: tuple[float, float]) -> bool:
    """Whether both axes are off, the same way and by so much that no speed error explains it."""
    off = np.log(np.asarray(measured) / np.asarray(stated))
    return bool((np.abs(off) > NOT_BELIEVED).all() and off[0] * off[1] > 0)


def _is_sure(rails: Rails) -> bool:
    """Whether its rails agree with each other well enough to prove that it is an ISO container."""
    return bool(np.isfinite(rails.middle_rows) and rails.middle_error < SURE_ERROR)


def _assumed(boxes: Sequence[Box], column: float, rails: Rails) -> tuple[tuple[float, float], None, Step]:
    """Pitch of a container whose castings are seen, but not its far rails."""
    near = float(np.mean([box.height for box in boxes]))
    tall = {LENGTHS[0]: HEIGHTS[0], LENGTHS[2]: HEIGHTS[1]}.get(rails.length, 0.5 * sum(HEIGHTS))
    row = float(np.clip(tall * (1.0 + MAGNIFICATION) / (2.0 * near), 2e-4, 0.19))
    pitch = (row, float(np.clip(column, 2e-4, 0.19)))
    note = (
        f"warning: pixel pitch from a container {rails.length:.2f} m long whose far rails are not seen: "
        f"{row * 1e3:.2f} (rows, magnification {MAGNIFICATION:g} assumed, +- {2 * ASSUMED_ERROR:.0%}) x "
        f"{column * 1e3:.2f} mm (columns, +- {UNSURE_COLUMN:.0%}: only its castings tell its length)"
    )
    return pitch, None, Step("pixel pitch", note, _values(pitch, (2 * ASSUMED_ERROR, UNSURE_COLUMN), rails))


def _refined(boxes: Sequence[Box], rails: Rails | None) -> Sequence[Box]:
    """The one box with its refined ends."""
    if rails is None or len(boxes) != 1 or abs(rails.width / boxes[0].width - 1.0) > ENDS_OF_BOX:
        return boxes
    return [Box(boxes[0].top, max(0, round(rails.left)), boxes[0].bottom, round(rails.right))]


def _guess(boxes: Sequence[Box], shape: tuple[int, int], bare: bool) -> tuple[tuple[float, float], Step]:
    """Pitch from the size of the boxes alone, as if they were ISO containers; of the picture, where there are none.

    A ``bare`` body, whose roof line is seen and castings are not, is rather a semi-trailer or a swap body.

    Along the travel the scale does not depend on depth: a box is as long as the container. Along the array it does: the box
    is drawn around the near wall, which is (1 + M)/2 times as large as the middle of the load when it is M times as large as
    the far wall.
    """
    if not boxes:
        size = FIELD_OF_VIEW / max(shape[0], 43)
        size = float(np.clip(size, 5e-4, 0.1))
        note = f"warning: pixel pitch estimated without a container: {size * 1e3:.1f} mm, as if {FIELD_OF_VIEW} m were in view"
        return (size, size), Step("pixel pitch", note, {"row": size, "column": size})
    width = float(np.mean([box.width for box in boxes]))
    height = float(np.mean([box.height for box in boxes])) * 2.0 / (1.0 + MAGNIFICATION)
    body = bare and len(boxes) == 1
    length, tall = _iso_size(width, height, LENGTHS[:1] if len(boxes) > 1 else LENGTHS)
    if body:
        tall = _BODY_HEIGHT
        length = min(_BODIES, key=lambda long: abs(float(np.log(long / width / (tall / height)))) + _BODIES[long])
    row, column = float(np.clip(tall / height, 2e-4, 0.19)), float(np.clip(length / width, 2e-4, 0.19))
    kind = "truck's body" if body else "container"
    note = (
        f"warning: pixel pitch guessed, as if this were a {kind} {length:.2f} m long and {tall:.2f} m high: "
        f"{row * 1e3:.2f} (rows) x {column * 1e3:.2f} mm (columns), within 35 %"
    )
    return (row, column), Step("pixel pitch", note, {"row": row, "column": column, "length": length, "height": tall})


def _iso_size(width: float, height: float, lengths: Sequence[float]) -> tuple[float, float]:
    """Length and height [m] that make the pixels most nearly square; 45 ft is rare, and 20 ft are not made high."""
    choices = [
        (abs(float(np.log(length / width / (tall / height)))) + _RARE_LENGTH.get(length, 0.0), length, tall)
        for length in lengths
        for tall in HEIGHTS
        if not (length == LENGTHS[0] and tall == HEIGHTS[1])
    ]
    _, length, tall = min(choices)
    return length, tall
