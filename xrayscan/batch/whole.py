"""Files that are whole at any moment, whatever kills the process."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["TEMPORARY", "write_whole"]

TEMPORARY = ".xrayscan-tmp"
"""How the name of a file ends that is not whole yet."""


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` so that ``path`` is always the old or the new file, never half of one.

    Undecodable bytes of file names are written as backslash escapes.
    """
    temporary = path.with_name(f".{path.name}{TEMPORARY}")
    with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
