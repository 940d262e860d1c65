"""The results of a batch: ``results.jsonl``, ``results.csv`` and ``index.html``, whole at any moment."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from xrayscan.batch.index_page import Header, index_page
from xrayscan.batch.task import Done
from xrayscan.batch.whole import write_whole
from xrayscan.report.rows import ROW_COLUMNS

__all__ = ["Results", "ranked"]

_EVERY = 50  # scans
_AFTER = 10.0  # [s]
_SHARE = 0.05  # of the time at most goes into writing


def ranked(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The rows, highest score first, then by path; failed ones at the end.

    Examples
    --------
    >>> rows = [{"path": p, "status": s, "score": v} for p, s, v in
    ...         [("d", "failed", None), ("c", "screened", 0.2), ("b", "screened", 0.9), ("a", "screened", 0.2)]]
    >>> [row["path"] for row in ranked(rows)]
    ['b', 'a', 'c', 'd']
    """
    return tuple(sorted(rows, key=lambda row: (row["status"] == "failed", -(row["score"] or 0.0), row["path"])))


class Results:
    """The rows of a batch, and the files that list them.

    Parameters
    ----------
    out : Path
    header : Header

    Attributes
    ----------
    total : int
        Scans in the batch, those to come included.
    """

    def __init__(self, out: Path, header: Header) -> None:
        self.out = out
        self.total = header.total
        self._header = header
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._written = 0
        self._last = time.monotonic()
        self._cost = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """Ranked."""
        return ranked(list(self._rows.values()))

    @property
    def failed(self) -> int:
        """Rows of scans that could not be screened."""
        return sum(row["status"] == "failed" for row in self._rows.values())

    def add(self, done: Done) -> None:
        """Take one more; nothing is written yet."""
        self.put(done.task.link, done.row)

    def put(self, link: str, row: Mapping[str, Any]) -> None:
        """The row of the scan with that report folder, in place of an earlier one; nothing is written yet."""
        self._rows[link] = row

    def drop(self, link: str) -> None:
        """Forget a row, if there is one; nothing is written yet."""
        self._rows.pop(link, None)

    def write_now_and_then(self, every: int = _EVERY, share: float = _SHARE) -> None:
        """Write after so many scans or 10 s, but never spend more than a twentieth, or another share, of the time on it."""
        since = time.monotonic() - self._last
        if (since > _AFTER or len(self._rows) - self._written >= every) and since * share >= self._cost:
            self.write()

    def write(self) -> None:
        """Write all three files."""
        start = time.monotonic()
        rows = self.rows
        write_whole(self.out / "results.jsonl", "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows))
        write_whole(self.out / "results.csv", _csv(rows))
        header = replace(self._header, total=max(self.total, len(rows)))
        write_whole(self.out / "index.html", index_page(rows, header))
        self._written = len(rows)
        self._last = time.monotonic()
        self._cost = self._last - start


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ROW_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
