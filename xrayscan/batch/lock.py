"""One run at a time in an output folder.

The operating system holds the lock on an open file and lets go of it when the process ends, however it ends: a run that
was killed never blocks the next one.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xrayscan.batch.errors import BusyError

__all__ = ["locked"]

logger = logging.getLogger(__name__)

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCKED_BYTE = 1 << 20  # beyond the text: Windows keeps others from reading a locked byte
_HELD = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK}


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the output folder ``out`` until the block ends.

    Parameters
    ----------
    out : Path
        An existing folder; its ``.lock`` file stays there.

    Raises
    ------
    BusyError
        If another process (or another thread of this one) holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder)):
    ...     with locked(Path(folder)):
    ...         pass
    Traceback (most recent call last):
    xrayscan.batch.errors.BusyError: screening into ...: another run (process ... on ...) is writing there; ...
    """
    descriptor = os.open(out / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            _take(descriptor)
        except OSError as error:
            if error.errno in _HELD:
                raise _busy(out, descriptor) from None
            logger.warning("%s cannot be locked (%s); do not start a second run into it", out, error)
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode("utf-8", "replace"))
        yield
    finally:
        os.close(descriptor)


def _busy(out: Path, descriptor: int) -> BusyError:
    os.lseek(descriptor, 0, os.SEEK_SET)
    holder = os.read(descriptor, 200).decode("utf-8", "replace") or "its process is unknown"
    return BusyError(
        f"screening into {out}: another run ({holder}) is writing there; wait until it has ended, "
        "or choose another output folder"
    )
