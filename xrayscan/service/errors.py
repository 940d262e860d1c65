"""What can be wrong with the service as a whole, as against one request (`problem`) or one scan (its `record`)."""

from __future__ import annotations

from xrayscan.errors import XrayscanError

__all__ = ["ServiceError"]


class ServiceError(XrayscanError, ValueError):
    """The service cannot be started: an open door without a token, a token too short, certificates that are not there."""
