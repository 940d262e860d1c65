"""A first look at a scan that is still arriving: what is found in its last meters, told once, before there is a report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from xrayscan.assembly import SAME, shifted
from xrayscan.errors import CalibrationError
from xrayscan.findings import Finding, find, position_of
from xrayscan.network import Model
from xrayscan.network.runtime import BACKENDS
from xrayscan.normalize import normalize
from xrayscan.scan import Box, Scan

__all__ = ["FirstLook", "hop_columns", "light"]

LOGGER = logging.getLogger(__name__)
HOP = 1.85  # m of travel after which what has arrived is looked at; with WHOLE it is what a first look may be late: under 2 m
BACK = 3.2  # m of what has arrived that is then looked at: ten of the network's coarsest cells
PIXEL = 0.01  # it is looked at in pixels of about this size, the network's own [m]
LEFT_OUT = ("channels", "veil", "containers", "sway")  # steps that cost much and change little of what is found
WHOLE = 0.1  # m behind the beam at which a finding must have ended to be told


def light(model: Model) -> Model:
    """The model that first looks are taken with: in int8 on a processor, if it holds that; else itself.

    What is looked at twice in passing may be rounded; the report has the last word.
    """
    if model.backend != "onnx" or model.device != "cpu" or BACKENDS["onnx-int8"] not in model.card.sha256:
        return model
    return Model(model.card, backend="onnx-int8", threads=model.threads, device="cpu", tile_pixels=model.tile_pixels)


def hop_columns(pitch: float) -> int:
    """Columns from one look to the next, at a pitch [m]: a whole number of the pixels that are looked at."""
    joined = _joined(pitch)
    return joined * max(1, round(HOP / pitch / joined))


def _joined(pitch: float) -> int:
    """Pixels of a pitch [m] that make one of those that are looked at."""
    return max(1, round(PIXEL / pitch))


class FirstLook:
    """Every 1.85 m the last 3.2 m are looked at; each finding is told once, in columns of the whole scan.

    What is looked at is coarser than the scan, where that is finer than the network's grid: columns are averaged, and of rows
    some are left out, as a channel that failed would spoil the mean with its neighbors.

    Parameters
    ----------
    model : Model
    scan : callable
        Gives the scan of the columns from one to another, half open, of the last meters that have arrived.
    pitch : float [m]
        From column to column.

    Examples
    --------
    >>> import numpy as np
    >>> from xrayscan.zoo import load_model
    >>> def columns(start, stop):
    ...     return Scan.from_array(np.full((200, stop - start), 52000, np.uint16), air=np.full(200, 6e4), pixel_pitch=0.01)
    >>> first = FirstLook(light(load_model()), columns, 0.01)
    >>> first.is_due(184), first.is_due(185), first.look(), first.looked
    (False, True, (), 185)
    """

    def __init__(self, model: Model, scan: Callable[[int, int], Scan], pitch: float) -> None:
        self._model, self._scan = model, scan
        self._columns = _joined(pitch)
        self._hop, self._whole = hop_columns(pitch), round(WHOLE / pitch)
        self._back = round(BACK / pitch / self._columns) * self._columns
        self.looked = 0  # columns before which it has looked
        self._told: list[Finding] = []  # as far back as it may be found again
        self._count = 0

    @property
    def begin(self) -> int:
        """The first column that it may ask for again."""
        return max(0, self.looked - self._back)

    def is_due(self, columns: int) -> bool:
        """Whether so many columns are enough for the next look."""
        return self.looked + self._hop <= columns

    def skip(self, columns: int) -> None:
        """Leave out the looks that are due, but for the last one: so many columns have arrived."""
        self.looked += max(0, (columns - self.looked) // self._hop - 1) * self._hop

    def look(self) -> tuple[Finding, ...]:
        """What the next look finds that was not told before, with ids "E1", "E2" and so on."""
        self.looked += self._hop
        return tuple(self._look(self.looked))

    def _look(self, stop: int) -> Iterator[Finding]:
        start = self.begin
        shown = self._scan(start, stop)
        assert shown.view.pixel_pitch is not None  # lines are scanned at a stated pitch
        pitch = shown.view.pixel_pitch
        rows = _joined(pitch[0])
        try:
            radiograph = normalize(_coarser(shown, rows, self._columns), without=LEFT_OUT)
        except CalibrationError as error:
            LOGGER.warning("no first look at columns %d to %d: %s", start, stop, error)
            return
        whole = stop - self._whole
        for found in find(self._model(radiograph), radiograph):
            finding = _finer(found, rows, self._columns, shown.view.shape)
            box = shifted(finding.box, start)
            known = (f.box.common(box) for f in self._told if f.kind == finding.kind)
            # What was told as a part of it, such as a head, does not stand for the whole; the whole does for its parts.
            if box.right > whole or max(known, default=0) > SAME * box.height * box.width:
                continue
            # Of a container the last meters show no end: places are told from where the scan began.
            place = position_of(box, finding.mask, (), pitch, shown.view.shape[0])
            told = replace(finding, id=f"E{self._count + 1}", box=box, position=place)
            self._count += 1
            self._told = [*(f for f in self._told if f.box.right > start), told]
            yield told


def _coarser(scan: Scan, rows: int, columns: int) -> Scan:
    """A scan of one row of so many, and of the means of so many columns; what is left over at its end is left out."""
    view, calibration = scan.view, scan.calibration
    if rows == columns == 1 or view.pixel_pitch is None:
        return scan
    kept = view.pixels[:, ::rows]
    width = kept.shape[2] // columns * columns
    parts = kept[:, :, :width].reshape(*kept.shape[:2], -1, columns)
    mean = parts.mean(axis=3, dtype=np.float32)
    pixels = mean if view.pixels.dtype.kind == "f" else np.rint(mean).astype(view.pixels.dtype)
    lines = {name: getattr(calibration, name) for name in ("dark", "air", "bad_pixels")}
    some = {name: None if line is None else line[:, ::rows] for name, line in lines.items()}
    pitch = view.pixel_pitch[0] * rows, view.pixel_pitch[1] * columns
    return replace(
        scan, calibration=replace(calibration, **some), views=(replace(view, pixels=pixels, pixel_pitch=pitch),)
    )  # fmt: skip


def _finer(finding: Finding, rows: int, columns: int, shape: tuple[int, int]) -> Finding:
    """A finding of a coarser scan in the rows and columns of the scan of that shape."""
    if rows == columns == 1:
        return finding
    box = finding.box
    box = Box(box.top * rows, box.left * columns, min(box.bottom * rows, shape[0]), min(box.right * columns, shape[1]))
    mask = finding.mask.repeat(rows, axis=0).repeat(columns, axis=1)[: box.height, : box.width]
    return replace(finding, box=box, mask=mask)
