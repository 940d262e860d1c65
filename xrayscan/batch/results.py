"""The results of a batch: ``results.jsonl``, ``results.csv`` and ``index.html``, whole at any moment."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Mapping, Sequence
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
    """

    def __init__(self, out: Path, header: Header) -> None:
        self.out = out
        self._header = header
        self._rows: list[Mapping[str, Any]] = []
        self._written = 0
        self._last = time.monotonic()
        self._cost = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """Ranked."""
        return ranked(self._rows)

    def add(self, done: Done) -> None:
        """Take one more; nothing is written yet."""
        self._rows.append(done.row)

    def write_now_and_then(self) -> None:
        """Write every 50 scans or 10 s, but never spend more than a twentieth of the time on it."""
        since = time.monotonic() - self._last
        if (since > _AFTER or len(self._rows) - self._written >= _EVERY) and since * _SHARE >= self._cost:
            self.write()

    def write(self) -> None:
        """Write all three files."""
        start = time.monotonic()
        rows = self.rows
        write_whole(self.out / "results.jsonl", "".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows))
        write_whole(self.out / "results.csv", _csv(rows))
        write_whole(self.out / "index.html", index_page(rows, self._header))
        self._written = len(rows)
        self._last = time.monotonic()
        self._cost = self._last - start


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ROW_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
