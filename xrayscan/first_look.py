"""A first look at a scan that is still arriving: what is found in its last meters, told once, before there is a report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from xrayscan.assembly import SAME, common, shifted
from xrayscan.errors import CalibrationError
from xrayscan.findings import Finding, find
from xrayscan.network import Model
from xrayscan.normalize import normalize
from xrayscan.scan import Scan

__all__ = ["FirstLook", "hop_columns"]

LOGGER = logging.getLogger(__name__)
HOP = 1.0  # m of travel after which what has arrived is looked at
BACK = 5.0  # m of what has arrived that is then looked at
WHOLE = 0.1  # m behind the beam at which a finding must have ended to be told


def hop_columns(pitch: float) -> int:
    """Columns from one look to the next, at a pitch [m]."""
    return max(1, round(HOP / pitch))


class FirstLook:
    """Every meter the last five are looked at; each finding is told once, in columns of the whole scan.

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
    >>> first = FirstLook(load_model(), columns, 0.01)
    >>> first.is_due(99), first.is_due(100), first.look(), first.looked
    (False, True, (), 100)
    """

    def __init__(self, model: Model, scan: Callable[[int, int], Scan], pitch: float) -> None:
        self._model, self._scan = model, scan
        self._hop, self._back, self._whole = hop_columns(pitch), round(BACK / pitch), round(WHOLE / pitch)
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
        try:
            radiograph = normalize(self._scan(start, stop), without=("sway",))
        except CalibrationError as error:
            LOGGER.warning("no first look at columns %d to %d: %s", start, stop, error)
            return
        whole = stop - start - self._whole
        for finding in find(self._model(radiograph), radiograph, start=start):
            box = shifted(finding.box, start)
            known = (common(f.box, box) for f in self._told if f.kind == finding.kind)
            # What was told as a part of it, such as a head, does not stand for the whole; the whole does for its parts.
            if finding.box.right > whole or max(known, default=0) > SAME * box.height * box.width:
                continue
            told = replace(finding, id=f"E{self._count + 1}", box=box)
            self._count += 1
            self._told = [*(f for f in self._told if f.box.right > start), told]
            yield told
