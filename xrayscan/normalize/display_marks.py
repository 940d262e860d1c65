"""What in a display picture is no measurement: margins and padding around it, boxes and text burnt into it in gray."""

from __future__ import annotations

import cv2
import numpy as np

from xrayscan.scan import Box

__all__ = ["burnt_in", "scanned_part"]

_SAME = 3  # gray levels that JPEG moves a plain margin by
_PLAIN = 0.985  # share of a line that has its one value
_LEAST_LINES = 4
_MOST_MARGIN = 0.45
_PEELS = 4
_AIR_RANGE = 12.0  # gray levels that air differs by from edge to edge
_INSIDE = 0.02  # share of the picture that may have the gray of the page around it
_BESIDE, _GOES_ON = 5, 0.3
_EIGHTH, _OUTERMOST = 8, 80
_JUMP = 8  # gray levels from a margin to the air beside it; a slow loss of gain has no such step
_RINGING, _BLOCK = 24, 8
_EXTREME = 20  # gray levels from either end that a burnt-in stroke has after JPEG
_CONTRAST, _STRAIGHT = 96, 32  # to both of its sides: of a letter, and of a straight line
_LINE = 15  # length of the shortest side of a box [px]
_STROKE = 7  # widest stroke + 2 [px]: a detector's blur leaves nothing so thin at full contrast
_FEWEST = 24
_ROW_SHARE = 0.5
_CLOSED = 0.85
_LETTERS = 4
_INK = 0.75  # share of its frame that a letter fills at most
_VARIED = 0.4  # different letters of a text
_ALIKE = 24  # areas are told apart in this part of the letter's height squared


def scanned_part(gray: np.ndarray) -> Box:
    """The part of a picture that was scanned: without plain margins and padding at its edges.

    A line along an edge is a margin where 98.5 % of its pixels have one value: no beam's noise is that even. Air that the
    display has clipped is as even, but goes on into the picture above and beside the vehicle, and a margin does not: less
    than 30 % of the lines beside it have its value. A margin of air's own value cannot be told from air, and need not be.

    Parameters
    ----------
    gray : ndarray of uint8, shape (rows, columns)

    Returns
    -------
    Box
        The whole picture where nothing is off.

    Examples
    --------
    >>> picture = np.random.default_rng(0).integers(60, 200, (50, 90)).astype(np.uint8)
    >>> picture[:, :12] = 0
    >>> scanned_part(picture)
    Box(top=0, left=12, bottom=50, right=90)
    """
    framed = _framed(gray)
    if framed is not None:
        return framed
    top, left, bottom, right = 0, 0, *gray.shape
    for _ in range(_PEELS):
        before = top, left, bottom, right
        few = gray[top:bottom, left:right]
        few = few[:: max(1, few.shape[0] // 160)]
        upper = np.arange(few.shape[0]) < max(1, few.shape[0] // _EIGHTH)
        lead, tail = _margin(few.T, upper), _margin(few.T[::-1], upper)
        left, right = left + lead, right - tail
        few = gray[top:bottom, left:right]
        few = few[:, :: max(1, few.shape[1] // 160)]
        sides = np.arange(few.shape[1]) < max(1, few.shape[1] // _OUTERMOST)
        sides |= sides[::-1]
        lead, tail = _margin(few, sides), _margin(few[::-1], sides)
        top, bottom = top + lead, bottom - tail
        if (top, left, bottom, right) == before:
            break
    return Box(top, left, bottom, right)


def _framed(gray: np.ndarray) -> Box | None:
    """The picture inside a page of one value on all four sides, which inside it hardly occurs."""
    page = int(gray[0, 0])
    for line in (gray[0], gray[-1], gray[:, 0], gray[:, -1]):
        if (np.abs(line.astype(np.int16) - page) > _SAME).mean() > 1 - _PLAIN:
            return None
    off = cv2.absdiff(gray, np.full_like(gray, page)) > _SAME
    across, down = np.flatnonzero(off.mean(axis=0) > 1 - _PLAIN), np.flatnonzero(off.mean(axis=1) > 1 - _PLAIN)
    if not across.size or not down.size:
        return None
    box = Box(int(down[0]), int(across[0]), int(down[-1]) + 1, int(across[-1]) + 1)
    margins = box.top, box.left, gray.shape[0] - box.bottom, gray.shape[1] - box.right
    inside = np.s_[box.top : box.bottom, box.left : box.right]
    if min(margins) < _LEAST_LINES or off[inside].mean() < 1.0 - _INSIDE:
        return None
    # Inside a page lies air again; inside clipped air lie the rails and posts that end it.
    picture = gray[inside].astype(np.float32)
    if min(picture.shape) < 4:
        return None
    edges = (picture[1:3].T, picture[: max(1, len(picture) // 2), 1:3], picture[: max(1, len(picture) // 2), -3:-1])
    levels = np.array([np.quantile(edge, [0.2, 0.5, 0.8]) for edge in edges])
    return box if np.ptp(levels) <= _AIR_RANGE else None


def _margin(lines: np.ndarray, air: np.ndarray) -> int:
    """How many lines from the first on are a margin; 0 where they are fewer than four, or nearly half of all.

    ``air`` are the places along a line where the picture beside it would show air.
    """
    value = int(np.median(lines[0]))
    reach = int(_MOST_MARGIN * len(lines))
    lines = lines[: reach + _BESIDE + 1]
    off = cv2.absdiff(np.ascontiguousarray(lines), np.full(lines.shape, value, np.uint8))
    plain = np.count_nonzero(off <= _SAME, axis=1) >= _PLAIN * lines.shape[1]
    count = int(np.argmin(plain)) if not plain.all() else len(plain)
    if count < _LEAST_LINES:
        return 0
    # A slow loss of gain is as even across, but not along. JPEG's ringing reaches into the margin's last block.
    if np.ptp(np.median(lines[:count], axis=1)) > 2:
        return 0
    rung = np.count_nonzero(off[count : count + _BLOCK] <= _RINGING, axis=1) >= _PLAIN * lines.shape[1]
    count += int(np.argmin(np.append(rung, False)))
    beside = off[count : count + _BESIDE]
    if count > reach or not beside[:, air].size:
        return 0
    goes_on = max(float((beside <= _SAME).mean()), float((beside[:, air] <= _SAME).mean()))
    step = float(np.median(beside[:, air])) - float(np.median(off[count - 1, air]))
    return count if goes_on < _GOES_ON and step >= _JUMP else 0


def burnt_in(gray: np.ndarray) -> np.ndarray | None:
    """Pixels of boxes and text that were burnt in white or black; None where there are none.

    Their strokes are a few pixels wide, at the very end of the scale, and sharp on both sides, which nothing is that a
    detector saw through its blur. Rows and columns that are so over half of the picture are faulty channels or
    pulses. What is left must be a rectangle, or four and more shapes of one height in a line.

    Parameters
    ----------
    gray : ndarray of uint8, shape (rows, columns)

    Returns
    -------
    ndarray of bool, shape (rows, columns), or None

    Examples
    --------
    >>> picture = np.full((200, 300), 120, np.uint8)
    >>> burnt_in(picture) is None
    True
    >>> _ = cv2.rectangle(picture, (50, 40), (149, 99), 255, 2)
    >>> bool(burnt_in(picture)[40, 52:148].all())
    True
    """
    found: np.ndarray | None = None
    if min(gray.shape) < _LINE:
        return None
    for picture in (gray, cv2.bitwise_not(gray)):
        marks = _marks_in(picture)
        if marks is not None:
            found = marks if found is None else found | marks
    return found


def _marks_in(gray: np.ndarray) -> np.ndarray | None:
    """Strokes at the bright end that make a box or a text."""
    bright = cv2.compare(gray, 255 - _EXTREME, cv2.CMP_GE)
    # What no square of the kernel fits into: strokes and where they meet.
    strokes = _thin(gray, (_STROKE, _STROKE), _CONTRAST, bright, np.empty_like(gray))
    lines, work = np.zeros_like(gray), np.empty_like(gray)
    for across, along in (((1, _STROKE), (_LINE, 1)), ((_STROKE, 1), (1, _LINE))):
        _thin(gray, across, _STRAIGHT, bright, work)
        cv2.morphologyEx(work, cv2.MORPH_OPEN, np.ones(along, np.uint8), dst=work)
        cv2.bitwise_or(lines, work, dst=lines)
    marks = None
    for picture, found in ((lines, _boxes), (strokes, _texts)):
        if cv2.countNonZero(picture) < _FEWEST:
            continue
        for axis in (0, 1):
            full = cv2.reduce(picture, axis, cv2.REDUCE_AVG).ravel() > _ROW_SHARE * 255
            picture[(slice(None), full) if axis == 0 else full] = 0
        more = found(picture, bright)
        if more is not None:
            marks = more if marks is None else marks | more
    # The pixel of JPEG's ringing and of a soft stroke's edge.
    return None if marks is None else cv2.dilate(marks.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)


def _thin(gray: np.ndarray, size: tuple[int, int], contrast: int, bright: np.ndarray, work: np.ndarray) -> np.ndarray:
    """What stands out by ``contrast`` and is narrower than ``size``, where ``bright``; in ``work``."""
    cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, np.ones(size, np.uint8), dst=work, borderType=cv2.BORDER_REPLICATE)
    cv2.compare(work, contrast, cv2.CMP_GE, dst=work)
    return cv2.bitwise_and(work, bright, dst=work)


def _boxes(lines: np.ndarray, bright: np.ndarray) -> np.ndarray | None:
    """Straight lines that close to a rectangle."""
    marks = None
    for x, y, width, height in _frames(cv2.dilate(lines, np.ones((3, 3), np.uint8))):
        frame = np.s_[y : y + height, x : x + width]
        if min(width, height) >= _LINE and _closes(lines[frame] > 0, bright[frame] > 0):
            marks = np.zeros(lines.shape, bool) if marks is None else marks
            marks[frame] |= lines[frame] > 0
    return marks


def _texts(strokes: np.ndarray, bright: np.ndarray) -> np.ndarray | None:
    """Shapes of one height in a line."""
    frames = _frames(strokes)
    x, y, width, height = frames.T
    frames = frames[(height >= 5) & (height <= 80) & (width <= 1.6 * height)]
    area = np.array([cv2.countNonZero(strokes[y : y + h, x : x + w]) for x, y, w, h in frames], np.int64)
    marks = None
    for x, y, w, h in frames[_letters(frames, area)]:
        frame = np.s_[y : y + h, x : x + w]
        marks = np.zeros(strokes.shape, bool) if marks is None else marks
        # What is as bright beside a stroke is a thicker part of it.
        marks[frame] |= bright[frame] > 0
    return marks


def _frames(picture: np.ndarray) -> np.ndarray:
    """(left, top, width, height) of each connected shape; (n, 4)."""
    shapes, _ = cv2.findContours(picture, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.array([cv2.boundingRect(shape) for shape in shapes], np.int64).reshape(-1, 4)


def _closes(strokes: np.ndarray, bright: np.ndarray) -> bool:
    """Whether strokes run along the four sides of their frame and hardly inside; a side may vanish in what is as bright."""
    depth = 4
    sides = [(a[:depth], b[:depth]) for a, b in ((strokes, bright), (strokes[::-1], bright[::-1]))]
    sides += [(a[:, :depth].T, b[:, :depth].T) for a, b in ((strokes, bright), (strokes[:, ::-1], bright[:, ::-1]))]
    drawn = [float((a > 0).any(axis=0).mean()) for a, _ in sides]
    lit = [float((b > 0).any(axis=0).mean()) for _, b in sides]
    inside = strokes[depth:-depth, depth:-depth]
    hollow = np.count_nonzero(inside) < 0.1 * inside.size if inside.size else False
    return bool(hollow and min(lit) >= _CLOSED and sorted(drawn)[-2] >= _CLOSED and sorted(drawn)[-3] >= 0.5)


def _letters(frames: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Which shapes of one height stand in a line, close together and not all alike: a text of four letters and more.

    What repeats in a vehicle (cross members, treads, bars) has equal shapes, or wider gaps than letters have.
    """
    x, y, width, height = frames.T
    inked = (area >= height) & (area <= _INK * width * height)
    kept = np.zeros(len(frames), bool)
    for tall, foot in {(int(h), int(b)) for h, b in zip(height[inked], (y + height)[inked], strict=True)}:
        line = np.flatnonzero(inked & (np.abs(height - tall) <= 1) & (np.abs(y + height - foot) <= 1))
        line = line[np.argsort(x[line])]
        gaps = x[line][1:] - (x + width)[line][:-1] > 0.8 * tall
        for run in np.split(line, np.flatnonzero(gaps) + 1):
            kinds = len({(int(a) * _ALIKE // (tall * tall), int(w)) for a, w in zip(area[run], width[run], strict=True)})
            kept[run] |= len(run) >= _LETTERS and kinds >= max(_LETTERS - 1, _VARIED * len(run))
    return kept
