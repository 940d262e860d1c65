"""Many scans at once, from folders or as they arrive: worker processes, resumable, with one page on top for the reviewer."""

from xrayscan.batch.arrivals import Settling
from xrayscan.batch.cluster import Cluster
from xrayscan.batch.engine import Batch, ModelScreener, Preview, Progress, preview, screen_many
from xrayscan.batch.errors import BatchError, BusyError
from xrayscan.batch.forms import check_forms, write_forms
from xrayscan.batch.watching import watch, watch_preview

__all__ = [
    "Batch",
    "BatchError",
    "BusyError",
    "Cluster",
    "ModelScreener",
    "Preview",
    "Progress",
    "Settling",
    "check_forms",
    "preview",
    "screen_many",
    "watch",
    "watch_preview",
    "write_forms",
]
