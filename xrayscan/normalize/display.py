"""Pictures made for eyes → approximate transmission: inversion, air level, black level and clipping are found and said."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.normalize.beam import Beam
from xrayscan.normalize.display_marks import burnt_in, scanned_part
from xrayscan.scan import Box, Step

__all__ = ["Inversion", "find_inversion", "from_display"]

LEVELS = 256
DARK_LEVELS = 2.5
_STRIP = 0.025
_PILE = 0.02
_DARKEST = 0.1
_AIR_SPREAD = 0.9
_LEAST_SPAN = 16.0
_ROWS = 240  # of the small picture that inversion is told from
_DECIDED = 1.2  # of 2: how far both edges must agree
_CLIPPED = 0.02
_PADDED = 0.9
_AIR_SAME = 3.0
_GAPS = 8
_FILLED = 20


@dataclass(frozen=True)
class Inversion:
    """Whether air is dark.

    Attributes
    ----------
    inverted : bool
    sure : bool
        False: a guess.
    edges : float
        Bright less dark share of the upper edge, and of both sides, added: −2 to 2.
    details : float
        Below 0: thin bright structure outweighs thin dark structure, or the bright part is the busier one.
    """

    inverted: bool
    sure: bool
    edges: float
    details: float


def from_display(pixels: np.ndarray) -> Beam:
    """Approximate transmission T = (v − black)/(air − black) of a picture whose gray curve is not known.

    Whatever the curve was, the order of the gray levels is kept: a brighter pixel (in an inverted picture a darker one)
    never gets the lower transmission. What is no measurement is marked as not valid: margins and padding around the
    picture, and boxes and text burnt into it in white or black.

    Parameters
    ----------
    pixels : ndarray, shape (energies, rows, columns)
        8 or 16 bits, or floats; air bright or dark.

    Returns
    -------
    Beam
        Its ``least`` is two and a half gray levels of 256: what lies there stands for nothing.
    """
    transmission = np.empty(pixels.shape, np.float32)
    step = np.empty(pixels.shape[:2], np.float32)
    least = np.empty(pixels.shape[:2], np.float32)
    valid = np.ones(pixels.shape[1:], bool)
    steps: list[Step] = []
    for energy, picture in enumerate(pixels):
        gray, one = _gray(picture, valid)
        eight = gray if gray.dtype == np.uint8 else cv2.convertScaleAbs(gray)
        box = scanned_part(eight)
        part = np.ascontiguousarray(eight[box.top : box.bottom, box.left : box.right])
        turn = find_inversion(part)
        if turn.inverted:
            gray = np.subtract(np.asarray(LEVELS - 1, gray.dtype), gray)
            part = cv2.bitwise_not(part)
        share = cv2.calcHist([part], [0], None, [LEVELS], [0.0, float(LEVELS)]).ravel() / part.size
        inner = gray[box.top : box.bottom, box.left : box.right]
        air, black = _levels(inner, share)
        _scale(gray, air, black, out=transmission[energy])
        step[energy], least[energy] = one / (air - black), DARK_LEVELS / (air - black)
        steps.append(_level_step(turn, share, air, black))
        box = _with_air(eight, box, LEVELS - 1 - air if turn.inverted else air)
        steps.extend(_covered(np.ascontiguousarray(eight[box.top : box.bottom, box.left : box.right]), box, valid))
        if picture.dtype == np.uint8:
            steps.extend(_stretched(share))
    steps.append(_caution(steps))
    return Beam(transmission, valid, step, least, tuple(steps))


def find_inversion(gray: np.ndarray) -> Inversion:
    """Whether air is dark in a picture.

    Air lies along the upper edge, and before and after the vehicle: a strip of 2.5 % of the rows, and one of 1.25 % of the
    columns at either side, without the lower third, are the brighter or the darker end of the picture. Loads may fill a
    picture to its edges, so a second sign is asked: in air's direction thin structure is rare, for rails, posts and walls
    only ever darken, and the end of the scale where air lies is the smoother one. Where the two disagree, or an edge is of
    neither end, the answer is a guess.

    Parameters
    ----------
    gray : ndarray of uint8, shape (rows, columns)

    Returns
    -------
    Inversion

    Examples
    --------
    >>> picture = np.full((200, 300), 250, np.uint8)
    >>> picture[60:, 40:260], picture[100:, 90:100] = 80, 40
    >>> find_inversion(255 - picture).inverted
    True
    """
    few = gray[:: max(1, gray.shape[0] // _ROWS), :: max(1, gray.shape[0] // _ROWS)]
    low, high = (float(v) for v in np.quantile(few, [0.005, 0.995]))
    if high - low < _LEAST_SPAN:
        return Inversion(high < LEVELS / 2, False, 0.0, 0.0)
    level = ((few - np.float32(low)) * np.float32(1.0 / (high - low))).astype(np.float32).clip(0.0, 1.0)
    level = _without_padding(level)
    rows, columns = level.shape
    deep, wide = max(1, int(rows * _STRIP)), max(1, int(columns * _STRIP / 2))
    upper = level[: max(1, 2 * rows // 3)]
    top, sides = _brightness(level[:deep]), _brightness(np.concatenate([upper[:, :wide], upper[:, -wide:]]))
    kernel = np.ones((7, 7), np.uint8)
    dark_lines = float(cv2.morphologyEx(level, cv2.MORPH_BLACKHAT, kernel).mean())
    bright_lines = float(cv2.morphologyEx(level, cv2.MORPH_TOPHAT, kernel).mean())
    busy = np.abs(cv2.Laplacian(level, cv2.CV_32F))
    dark, bright = (float(busy[part].mean()) if part.any() else 0.0 for part in (level < 1 / 3, level > 2 / 3))
    details = 2.0 * (dark_lines - bright_lines) / max(dark_lines + bright_lines, 1e-9) + 3.0 * (dark - bright)
    edges = top + sides
    sure = abs(edges) >= _DECIDED and top * sides >= 0.0 and edges * details > 0.0
    return Inversion(edges + details < 0.0, sure, edges, details)


def _without_padding(level: np.ndarray) -> np.ndarray:
    """Without columns at the edges that are of one end of the scale all along, if what is left has air of the other end.

    Such columns may be air as well as padding. They are padding where the upper edge between them is at the other end.
    """
    deep = max(1, int(level.shape[0] * _STRIP))
    for sign, plain in ((1.0, (level < 0.15).mean(axis=0) > _PADDED), (-1.0, (level > 0.85).mean(axis=0) > _PADDED)):
        inner = np.flatnonzero(~plain)
        if not inner.size or inner[-1] + 1 - inner[0] == len(plain):
            continue
        part = level[:, inner[0] : inner[-1] + 1]
        if part.shape[1] > 0.5 * len(plain) and sign * _brightness(part[:deep]) > 0.5:
            return np.ascontiguousarray(part)
    return level


def _brightness(level: np.ndarray) -> float:
    """Share at the bright end less share at the dark end."""
    return float((level > 0.85).mean() - (level < 0.15).mean())


def _gray(picture: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, float]:
    """The picture on a scale of 0 to 255 (8 bits as they are, else float32), and the size of one code on that scale.

    Full scale is the 99.95 % quantile, so that a few hot pixels do not press 12 bits into the dark end of 16. Pixels that
    are not finite become not ``valid``.
    """
    if picture.dtype == np.uint8:
        return picture, 1.0
    if picture.dtype.kind == "f":
        finite = np.isfinite(picture)
        valid &= finite
        picture = np.where(finite, picture, 0.0)
    low, high = min(float(picture.min()), 0.0), float(np.quantile(picture[::3, ::3], 0.9995))
    one = (LEVELS - 1) / (high - low) if high > low else 1.0
    gray = picture.astype(np.float32)
    gray -= np.float32(low)
    gray *= np.float32(one)
    np.minimum(gray, np.float32(LEVELS - 1), out=gray)
    return gray, one if picture.dtype.kind != "f" else 0.0


def _scale(gray: np.ndarray, air: float, black: float, *, out: np.ndarray) -> None:
    if gray.dtype == np.uint8:
        cv2.LUT(gray, ((np.arange(LEVELS) - black) / (air - black)).astype(np.float32), out)
        return
    np.subtract(gray, np.float32(black), out=out)
    out *= np.float32(1.0 / (air - black))


def _levels(gray: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """Air: the bright mode at the upper edge. Black: where values pile up at the dark end, else 0."""
    strip = gray[: max(1, int(gray.shape[0] * _STRIP))]
    bright = strip[strip > LEVELS // 2]
    above = np.cumsum(share[::-1])[::-1]
    if bright.size >= max(1, strip.size // 10):
        mode = int(np.argmax(np.bincount(bright.astype(np.int64), minlength=LEVELS)[:LEVELS]))
        air = float(np.median(bright[bright > _AIR_SPREAD * mode]))
        beyond = float(above[min(mode + 6, LEVELS - 1)]) if mode + 6 < LEVELS else 0.0
    else:
        air, beyond = 0.0, 1.0
    if beyond > 0.02:
        top = int(np.flatnonzero(above >= 0.01)[-1]) if (above >= 0.01).any() else LEVELS - 1
        air = float(top) + 0.5 if top < LEVELS - 1 else float(LEVELS - 1)
    black = _black(share, air)
    return max(air, black + _LEAST_SPAN), black


def _black(share: np.ndarray, air: float) -> float:
    """The level at which dark values pile up, with hardly anything below and less above; 0 where none do."""
    dark = share[: max(8, int(_DARKEST * air))]
    mode = int(np.argmax(dark))
    pile, below = float(dark[max(0, mode - 2) : mode + 3].sum()), float(dark[: max(0, mode - 2)].sum())
    above = float(share[mode + 4 : mode + 9].sum())
    return float(mode) if pile > max(_PILE, 4.0 * below, 2.0 * above) else 0.0


def _with_air(gray: np.ndarray, box: Box, air: float) -> Box:
    """The scanned part with the margins that have air's own gray: clipped air, or a page that stands for it as well."""
    edges = {"top": gray[0], "left": gray[:, 0], "bottom": gray[-1], "right": gray[:, -1]}
    own = {side: abs(float(np.median(line)) - air) <= _AIR_SAME for side, line in edges.items()}
    rows, columns = gray.shape
    top, left = 0 if own["top"] else box.top, 0 if own["left"] else box.left
    return Box(top, left, rows if own["bottom"] else box.bottom, columns if own["right"] else box.right)


def _level_step(turn: Inversion, share: np.ndarray, air: float, black: float) -> Step:
    """What was found of the gray levels."""
    white, nothing = float(share[-1]), float(share[: int(black) + 1].sum())
    note = f"air found at gray {air:.1f} of 255, black at {black:.1f}" + ("; the picture was inverted" if turn.inverted else "")
    if not turn.sure:
        note = f"warning: air is not plain to see at the picture's edges, so its inversion is a guess; {note}"
    if white > _CLIPPED and air > LEVELS - 2:
        note += f"; {white:.1%} of the picture is clipped at white: thin matter, such as walls, may be drawn as air"
    if nothing > _CLIPPED:
        note += f"; {nothing:.1%} is clipped at black"
    told = {"air": air, "black": black, "inverted": turn.inverted, "sure": turn.sure, "white": white, "nothing": nothing}
    return Step("gray levels", note, told)


def _caution(steps: list[Step]) -> Step:
    """That densities are approximate, with all that was found to make them so."""
    found = ["an unknown gray curve"]
    levels = [step.parameters for step in steps if step.name == "gray levels"]
    if any(level["inverted"] for level in levels):
        found.append("inversion")
    if any(level["white"] > _CLIPPED and level["air"] > LEVELS - 2 for level in levels):
        found.append("air clipped at white")
    if any(level["nothing"] > _CLIPPED for level in levels):
        found.append("black clipped")
    said = {"stretch": "stretched contrast", "marks": "burnt-in marks", "margins": "margins"}
    found += [said[name] for name in dict.fromkeys(step.name for step in steps) if name in said]
    words = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    return Step("display", f"warning: made from a display picture with {words}: every density is approximate")


def _covered(part: np.ndarray, box: Box, valid: np.ndarray) -> list[Step]:
    """Margins and burnt-in marks, marked as not valid in place."""
    steps = []
    rows, columns = valid.shape
    if part.shape != valid.shape:
        outside: np.ndarray = np.ones(valid.shape, bool)
        outside[box.top : box.bottom, box.left : box.right] = False
        valid[outside] = False
        sides = {"left": box.left, "right": columns - box.right, "top": box.top, "bottom": rows - box.bottom}
        words = ", ".join(f"{count} at the {side}" for side, count in sides.items() if count)
        steps.append(Step("margins", f"lines of one value along the picture's edges are not valid: {words}", sides))
    marks = burnt_in(part)
    if marks is not None:
        valid[box.top : box.bottom, box.left : box.right] &= ~marks
        count = int(marks.sum())
        note = f"warning: boxes or text are burnt in: {count} pixels are not valid"
        steps.append(Step("marks", note, {"covered": count}))
    return steps


def _stretched(share: np.ndarray) -> list[Step]:
    """Gray levels that never occur between others that do: the contrast was stretched after the picture had 8 bits."""
    used = np.flatnonzero(share > 0)
    gaps = int(used[-1] - used[0] + 1 - used.size) if used.size else 0
    if gaps < _GAPS or used.size < 4 * _FILLED / 5 or gaps > 0.8 * LEVELS:
        return []
    note = f"warning: {gaps} gray levels between others never occur: contrast was stretched after the picture had 8 bits"
    return [Step("stretch", note, {"gaps": gaps, "levels": int(used.size)})]
