"""Files that are whole at any moment, whatever kills the process."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["TEMPORARY", "write_whole"]

TEMPORARY = ".xrayscan-tmp"
"""How the name of a file ends that is not whole yet."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write ``content`` so that ``path`` is always the old or the new file, never half of one.

    Text is written as UTF-8, undecodable bytes of file names as backslash escapes.
    """
    temporary = path.with_name(f".{path.name}{TEMPORARY}")
    with temporary.open("wb") as file:
        file.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
