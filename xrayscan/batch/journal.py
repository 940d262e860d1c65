"""What was made of a watched folder: a file in the output folder with one line a scan, written when the scan is done.

It holds what report folders do not: scans that failed, scans that have left the folder since, and how a file looked when it was
screened, so that after a restart a hundred thousand files need not be read again to see that they are the same.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xrayscan.batch.arrivals import Stamp
from xrayscan.batch.whole import write_whole
from xrayscan.report.rows import ROW_COLUMNS, Sentences

__all__ = ["JOURNAL", "Entry", "Journal"]

logger = logging.getLogger(__name__)

JOURNAL = "watch.jsonl"
"""Its name, in the output folder."""


@dataclass(frozen=True)
class Entry:
    """What was made of one scan.

    Attributes
    ----------
    link : str
        Its report folder, relative to the output folder.
    name : str
        The scan's path below the watched folder, with ``/``; empty if that name has become another scan's.
    stamp : Stamp
        How it lay there when it was screened; empty if it is to be screened again after a restart.
    made_by : str
        Mark of the model and the settings.
    row : mapping
        Its line in the results.
    """

    link: str
    name: str
    stamp: Stamp
    made_by: str
    row: Mapping[str, Any]


class Journal:
    """The entries of an output folder, which must be locked.

    Parameters
    ----------
    out : Path
    """

    def __init__(self, out: Path) -> None:
        self._path = out / JOURNAL
        self._entries = {entry.link: entry for entry in _read(self._path)}

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def __contains__(self, link: str) -> bool:
        return link in self._entries

    def add(self, *entries: Entry) -> None:
        """Take entries in place of earlier ones with their links; on the disk when this returns."""
        self._entries.update({entry.link: entry for entry in entries})
        lines = "".join(map(_line, entries))
        with self._path.open("a", encoding="ascii") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def forget(self, link: str) -> None:
        """Drop an entry; on the disk with the next `compact`."""
        self._entries.pop(link, None)

    def compact(self) -> None:
        """Write the file anew, with one line for each entry and no half line that a kill has left."""
        write_whole(self._path, "".join(map(_line, self._entries.values())))


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry)) + "\n"


def _read(path: Path) -> Iterator[Entry]:
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        try:
            yield _entry(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            # Most often the last one, cut off by a kill; its report folder, or its scan, is found without it.
            logger.info("line %d of %s is left out: %r", number, path, error)


def _entry(found: Mapping[str, Any]) -> Entry:
    row = {name: found["row"][name] for name in ROW_COLUMNS}
    row["warnings"] = Sentences(row["warnings"])
    stamp = tuple((str(name), int(size), int(time)) for name, size, time in found["stamp"])
    return Entry(found["link"], found["name"], stamp, found["made_by"], row)
