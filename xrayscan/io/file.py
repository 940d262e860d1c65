"""A file as the readers get it: its bytes, read once, with its hash."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from xrayscan.errors import CorruptScanError, ReadError
from xrayscan.io.limits import MAX_FILE_BYTES

__all__ = ["MissingScanError", "ScanFile"]


class MissingScanError(ReadError, FileNotFoundError):
    """There is no such file."""


@dataclass(frozen=True, eq=False)
class ScanFile:
    r"""The bytes of one file, read once, so that what is hashed is what is decoded.

    Attributes
    ----------
    path : Path
        As it was named.
    data : bytes
        The whole file.
    settings : mapping of str to object
        What the sidecars say, before checking; for readers of formats that do not describe themselves.

    Examples
    --------
    >>> file = ScanFile(Path("0412.tif"), b"II*\x00")
    >>> file.suffix, file.size, file.head[:2]
    ('.tif', 4, b'II')
    """

    path: Path
    data: bytes = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: Path, settings: Mapping[str, Any] | None = None) -> ScanFile:
        """Read a file whole.

        Raises
        ------
        MissingScanError, ReadError
            If it is not there, is no regular file, may not be read, is larger than ``MAX_FILE_BYTES``, or changes while
            it is read.
        CorruptScanError
            If it is empty.
        """
        try:
            before = os.stat(path)
            if stat.S_ISDIR(before.st_mode):
                raise ReadError(f"reading {path}: it is a folder; list its scans with xrayscan.io.find_scans")
            if not stat.S_ISREG(before.st_mode):
                raise ReadError(f"reading {path}: it is a device, pipe or socket; expected a regular file")
            if before.st_size > MAX_FILE_BYTES:
                raise ReadError(
                    f"reading {path}: it has {before.st_size} bytes; files up to {MAX_FILE_BYTES} bytes are read: "
                    "copy the file again, or cut the scan into parts"
                )
            with open(path, "rb") as stream:
                data = stream.read(before.st_size + 1)
        except FileNotFoundError as error:
            raise MissingScanError(f"reading {path}: there is no such file") from error
        except ReadError:
            raise
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            raise ReadError(f"reading {path}: the system refused it ({error}); check its name and permissions") from error
        if len(data) != before.st_size:
            raise ReadError(f"reading {path}: its size changed while it was read; wait until it is written, then read again")
        if not data:
            raise CorruptScanError(f"reading {path}: the file is empty; copy it again from the scanner")
        return cls(path, data, dict(settings or {}))

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    @property
    def head(self) -> bytes:
        """The first 4096 bytes, to know a format by."""
        return self.data[:4096]

    @property
    def suffix(self) -> str:
        """The last suffix of the name, in lower case."""
        return self.path.suffix.lower()

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def corrupt(self, what: str) -> CorruptScanError:
        """The error for broken content, naming the file."""
        return CorruptScanError(f"reading {self.path}: {what}")

    def refused(self, what: str) -> ReadError:
        """The error for sound content that is not read, naming the file."""
        return ReadError(f"reading {self.path}: {what}")
