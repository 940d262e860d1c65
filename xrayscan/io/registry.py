"""The readers, built in and plugged in, and which of them reads a file.

A reader is a module (or any object) with three names:

``NEEDS`` : tuple of str
    Modules that must be importable.
``can_read(file)`` : bool
    Whether it knows the `ScanFile`, from its first bytes and without decoding.
``read(file)`` : Contents
    What the file holds; raises `ReadError` and `CorruptScanError`.

Another package adds one under the entry-point group ``xrayscan.readers``::

    [project.entry-points."xrayscan.readers"]
    uff = "vendor_uff.reader"

Plugged-in readers are asked before those built in, because a vendor's format may itself be TIFF. One that does not load or
breaks while it is asked is passed over with a warning; it never stops the reading of other files.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Protocol, cast

from xrayscan.errors import MissingDependencyError, UnknownFormatError
from xrayscan.io import raw
from xrayscan.io.contents import Contents
from xrayscan.io.file import ScanFile

__all__ = ["BUILT_IN", "GROUP", "Reader", "choose", "readers"]

GROUP = "xrayscan.readers"
"""Entry-point group of plugged-in readers."""

BUILT_IN = MappingProxyType(
    {
        "raw": "xrayscan.io.raw",
        "dicom": "xrayscan.io.dicom",
        "tiff": "xrayscan.io.tiff",
        "png": "xrayscan.io.png",
        "jpeg": "xrayscan.io.jpeg",
        "npy": "xrayscan.io.npy",
        "npz": "xrayscan.io.npz",
        "hdf5": "xrayscan.io.hdf5",
        "bundle": "xrayscan.io.bundle",
    }
)
"""Name → module of the readers that come with xrayscan, in the order in which they are asked."""


class Reader(Protocol):
    """The three names of a reader."""

    @property
    def NEEDS(self) -> tuple[str, ...]:  # noqa: N802
        """Modules that must be importable."""

    def can_read(self, file: ScanFile) -> bool:
        """Whether it knows the file."""

    def read(self, file: ScanFile) -> Contents:
        """What the file holds."""


def readers() -> dict[str, Reader]:
    """All readers by name, in the order in which they are asked: plugged in, then built in.

    Examples
    --------
    >>> list(readers())[-9:]
    ['raw', 'dicom', 'tiff', 'png', 'jpeg', 'npy', 'npz', 'hdf5', 'bundle']
    """
    built_in = {name: cast(Reader, import_module(module)) for name, module in BUILT_IN.items()}
    return {**_plugged_in(), **built_in}


def choose(file: ScanFile) -> tuple[str, Reader]:
    """Name and reader for a file.

    Raises
    ------
    UnknownFormatError
        If no reader knows it; the message lists those that were asked.
    MissingDependencyError
        If the reader that knows it needs a module that is not installed.
    """
    asked = readers()
    for name, reader in asked.items():
        if not _knows(name, reader, file):
            continue
        missing = [module for module in reader.NEEDS if not _is_installed(module)]
        if missing:
            raise MissingDependencyError(
                f"reading {file.path}: the reader {name!r} needs {', '.join(missing)}, which is not installed; "
                f"run: pip install {' '.join(missing)}"
            )
        return name, reader
    hint = "; export it from the scanner as 16-bit TIFF, or install the plug-in of its maker"
    if file.suffix in raw.SUFFIXES:
        hint = (
            f"; a {file.suffix} file needs a sidecar {file.path.stem}.xrayscan.toml that gives rows, columns and dtype "
            "(docs/formats.md says how)"
        )
    raise UnknownFormatError(
        f"reading {file.path}: its first bytes {file.head[:8]!r} are of no format that is known by the "
        f"readers {', '.join(asked)}{hint}"
    )


def _knows(name: str, reader: Reader, file: ScanFile) -> bool:
    try:
        return bool(reader.can_read(file))
    except Exception as error:
        if name in BUILT_IN:
            raise
        # A plug-in is somebody else's code: whatever it raises must not stop files of other formats.
        _warn(name, "was passed over: it broke while it was asked for a file", error)
        return False


@cache
def _plugged_in() -> dict[str, Reader]:
    found: dict[str, Reader] = {}
    for entry in entry_points(group=GROUP):
        if entry.name in BUILT_IN:
            warnings.warn(
                f"the plugged-in reader {entry.value!r} has the built-in name {entry.name!r}; rename it", stacklevel=3
            )
            continue
        reader = _load(entry)
        if reader is not None:
            found[entry.name] = reader
    return found


def _load(entry: EntryPoint) -> Reader | None:
    try:
        reader: Any = entry.load()
    except Exception as error:  # noqa: BLE001  a plug-in is somebody else's code: importing it may raise anything
        _warn(entry.name, "could not be loaded", error)
        return None
    lacking = [name for name in ("NEEDS", "can_read", "read") if not hasattr(reader, name)]
    if lacking:
        _warn(entry.name, "could not be loaded", AttributeError(f"it has no {', '.join(lacking)}"))
        return None
    return cast(Reader, reader)


def _warn(name: str, what: str, error: Exception) -> None:
    warnings.warn(f"the plugged-in reader {name!r} {what}: {error!r}; update or remove it", RuntimeWarning, stacklevel=3)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
