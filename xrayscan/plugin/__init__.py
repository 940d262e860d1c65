"""The stable surface for vendors, in two parts: readers of their own formats, and the engine that their host embeds.

What is named here stays: names are only added within a version of `API`, and what one of them does changes only with the first
number, a release after it was announced in the changelog. Nothing here holds state outside of its objects, prints, or changes
the process; what happens is logged through `logging` under "xrayscan".
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from xrayscan.errors import CorruptScanError, MissingDependencyError, ReadError, UnknownFormatError
from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import MAX_ENERGIES, MAX_FILE_BYTES, MAX_PIXELS, inflate
from xrayscan.io.registry import GROUP, Reader
from xrayscan.plugin.readers import Problem, ReaderReport, check_reader
from xrayscan.scan import Manifest, Step
from xrayscan.stop import Stop

__all__ = [
    "API",
    "GROUP",
    "MAX_ENERGIES",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "Contents",
    "CorruptScanError",
    "Engine",
    "Failure",
    "Manifest",
    "MissingDependencyError",
    "Outcome",
    "Problem",
    "ReadError",
    "Reader",
    "ReaderReport",
    "ScanFile",
    "Step",
    "Stop",
    "UnknownFormatError",
    "check_claim",
    "check_reader",
    "inflate",
]

_ENGINE = frozenset({"API", "Engine", "Failure", "Outcome"})


def __getattr__(name: str) -> Any:
    # A reader needs none of what screens, and is loaded before it.
    if name not in _ENGINE:
        raise AttributeError(f"module 'xrayscan.plugin' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module("xrayscan.plugin.engine"), name)
