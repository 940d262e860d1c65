"""Folder names for reports: safe on every file system, and never the same for two scans."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import PurePath

__all__ = ["Names", "folder_name", "printable"]

_LONGEST_PART = 80  # [bytes] well under the 255 of file systems: partial folders carry the name and more
_LONGEST_NAME = 160  # [characters] leaves room below the 260 of Windows
_FORBIDDEN = frozenset('<>:"/\\|?*')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")})


def printable(text: str) -> str:
    r"""``text`` on one line, control characters, direction marks and undecodable bytes escaped.

    Examples
    --------
    >>> print(printable("a\x1b[31m b\nc\u202e\udcff"))
    a\x1b[31m b\nc\u202e\udcff
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def folder_name(relative: PurePath, salt: str = "") -> str:
    """Name of the report folder for a scan, with ``/`` between the parts.

    Ordinary names stay as they are. A part that some file system would refuse or change is cleaned and gets a short hash
    of what it was, so that two names never become one.

    Parameters
    ----------
    relative : PurePath
        The scan's path below the folder that was given.
    salt : str
        Not empty: the name becomes one part with a hash of ``salt``, for a scan whose own name is taken.

    Examples
    --------
    >>> folder_name(PurePath("lane 3/0412.tif"))
    'lane 3/0412.tif'
    >>> folder_name(PurePath("lane?/nul.tif"))
    'lane_~.../_nul~....tif'
    >>> folder_name(PurePath("lane 3/0412.tif"), salt="/other/lane 3/0412.tif")
    '0412~....tif'
    """
    if salt:
        return _marked(relative.name, salt)
    parts = [_safe_part(part) for part in relative.parts]
    name = "/".join(parts)
    return name if len(name) <= _LONGEST_NAME else _marked(relative.name, str(relative))


def _safe_part(raw: str) -> str:
    clean = _clean(raw)
    if clean == raw and len(clean.encode()) <= _LONGEST_PART:
        return raw
    return _marked(raw, raw)


def _clean(raw: str) -> str:
    text = "".join("_" if c in _FORBIDDEN or not c.isprintable() else c for c in unicodedata.normalize("NFC", raw))
    text = text.strip(" ").rstrip(".")
    if text.startswith("."):
        text = "_" + text[1:]
    if text.lower().endswith(".tmp"):
        text = text[:-4] + "_tmp"
    if text.lower().partition(".")[0].rstrip(" ") in _DEVICES:
        text = "_" + text
    return text or "_"


def _marked(raw: str, salt: str) -> str:
    """The cleaned name with a hash of ``salt`` before its suffix."""
    mark = hashlib.sha256(salt.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    clean = PurePath(_clean(raw))
    suffix = clean.suffix if len(clean.suffix.encode()) <= 16 else ""
    stem = clean.name.removesuffix(suffix).encode()[: _LONGEST_PART - 28].decode("utf-8", "ignore").rstrip(". ")
    return f"{stem or '_'}~{mark}{suffix}"


class Names:
    """The folder names given out so far, told apart as the pickiest file system would.

    A report folder may not be, hold or lie in another report folder.

    Examples
    --------
    >>> names = Names()
    >>> names.take("lane/0412.tif"), names.take("lane/0413.tif")
    (True, True)
    >>> names.take("Lane/0412.TIF"), names.take("lane/0412.tif/part"), names.take("lane")
    (False, False, False)
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._parents: set[str] = set()

    def take(self, name: str) -> bool:
        """Whether ``name`` was free; it is taken from now on."""
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())
        parts = key.split("/")
        parents = ["/".join(parts[:n]) for n in range(1, len(parts))]
        if key in self._taken or key in self._parents or any(parent in self._taken for parent in parents):
            return False
        self._taken.add(key)
        self._parents.update(parents)
        return True
