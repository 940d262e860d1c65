"""The folder that accepted scans live in, so that they outlive a kill of the service.

::

    SPOOL/incoming/ID/          an upload that goes on; removed at the next start
    SPOOL/scans/ID/record.json  the `Record`; where it is, the scan was accepted
    SPOOL/scans/ID/input/       the scan and what came with it, until it is screened
    SPOOL/scans/ID/report/      the report's files

An upload is written and flushed to the disk under ``incoming`` and then renamed: a scan is accepted as a whole or not at all.
All names are ours.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import shutil
from pathlib import Path

from xrayscan.batch.whole import write_whole
from xrayscan.service.record import Record

__all__ = ["Spool", "flush"]

logger = logging.getLogger(__name__)

_RECORD = "record.json"
_ID = re.compile(r"[0-9a-f]{32}")


class Spool:
    """Scans on the disk.

    Parameters
    ----------
    folder : Path
        Made if it is not there, for this user only.

    Examples
    --------
    >>> import tempfile
    >>> from xrayscan.service.record import now
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     spool = Spool(Path(folder))
    ...     upload = spool.incoming()
    ...     _ = (upload / "input" / "scan.tif").write_bytes(b"II*")
    ...     spool.accept(Record(upload.name, "0412.tif", "scan.tif", None, 3, "", now()))
    ...     [record.name for record in Spool(Path(folder)).records()]
    ['0412.tif']
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming, self._scans = folder / "incoming", folder / "scans"
        for path in (folder, self._incoming, self._scans):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def records(self) -> list[Record]:
        """Every accepted scan, the first received first; what a kill left half done is removed."""
        for left in self._incoming.iterdir():
            if _ID.fullmatch(left.name):
                shutil.rmtree(left, ignore_errors=True)
            else:
                logger.error("%s is no upload of this service, it stays as it is: give the service a spool of its own", left)
        found = []
        for entry in self._scans.iterdir():
            record = self.read(entry.name)
            if record is not None:
                found.append(record)
            elif _ID.fullmatch(entry.name) and not (entry / _RECORD).exists():
                shutil.rmtree(entry, ignore_errors=True)  # its removal was cut short
            else:
                logger.error("%s cannot be read as a scan's record; it is left as it is", entry / _RECORD)
        return sorted(found, key=lambda record: record.received_at)

    def incoming(self) -> Path:
        """A new folder for an upload, with a folder ``input``; its name is the scan's id."""
        folder = self._incoming / secrets.token_hex(16)
        (folder / "input").mkdir(parents=True)
        return folder

    def discard(self, incoming: Path) -> None:
        """Remove an upload that was not accepted."""
        shutil.rmtree(incoming, ignore_errors=True)

    def accept(self, record: Record) -> None:
        """Make an upload an accepted scan: on the disk, whatever happens next.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        incoming = self._incoming / record.id
        for path in (incoming / "input").iterdir():
            flush(path)
        flush(incoming / "input")
        write_whole(incoming / _RECORD, record.to_text())
        os.rename(incoming, self._scans / record.id)
        flush(self._scans)

    def write(self, record: Record) -> None:
        """Replace a scan's record.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        write_whole(self._scans / record.id / _RECORD, record.to_text())

    def read(self, scan: str) -> Record | None:
        """A scan's record; None if there is none."""
        if not _ID.fullmatch(scan):
            return None
        try:
            return Record.from_text((self._scans / scan / _RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            logger.error("the record of scan %s cannot be read: %s", scan, error)
            return None

    def input(self, scan: str) -> Path:
        """Folder of the scan and what came with it."""
        return self._scans / scan / "input"

    def report(self, scan: str) -> Path:
        """Folder of its report."""
        return self._scans / scan / "report"

    def clear_input(self, scan: str) -> None:
        """Remove the scan itself, when it is screened: its sender has it."""
        shutil.rmtree(self.input(scan), ignore_errors=True)

    def size(self, scan: str) -> int:
        """Bytes that a scan takes on the disk."""
        total = 0
        for folder, _, files in os.walk(self._scans / scan):
            for name in files:
                with contextlib.suppress(OSError):  # it may just be removed
                    total += os.path.getsize(os.path.join(folder, name))
        return total

    def remove(self, scan: str) -> None:
        """Remove a scan and its report; its record goes first, so that half a removal is none."""
        (self._scans / scan / _RECORD).unlink(missing_ok=True)
        shutil.rmtree(self._scans / scan, ignore_errors=True)

    def free(self) -> int:
        """Bytes that are free on its disk."""
        return shutil.disk_usage(self.folder).free


def flush(path: Path) -> None:
    """Have the system write a file or folder to the disk now.

    Raises
    ------
    OSError
        If it cannot.
    """
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return  # Windows flushes folders by itself
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
