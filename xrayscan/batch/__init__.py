"""Many scans at once: local worker processes, resumable, with one page on top for the reviewer."""

from xrayscan.batch.engine import Batch, ModelScreener, Progress, screen_many
from xrayscan.batch.errors import BatchError, BusyError
from xrayscan.batch.forms import check_forms, write_forms

__all__ = ["Batch", "BatchError", "BusyError", "ModelScreener", "Progress", "check_forms", "screen_many", "write_forms"]
