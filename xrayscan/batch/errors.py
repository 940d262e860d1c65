"""What can be wrong with a whole batch, as against one scan of it: those are failed rows, never exceptions."""

from __future__ import annotations

from xrayscan.errors import XrayscanError

__all__ = ["BatchError", "BusyError"]


class BatchError(XrayscanError, ValueError):
    """A batch cannot be started or go on: no scans, an output folder inside the input, workers that do not start."""


class BusyError(BatchError):
    """Another run is writing into the same output folder."""
