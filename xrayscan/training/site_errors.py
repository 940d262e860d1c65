"""What goes wrong when a model is fitted to a site."""

from __future__ import annotations

from xrayscan.errors import XrayscanError

__all__ = ["SiteError"]


class SiteError(XrayscanError, ValueError):
    """A site's scans or folders do not allow what was asked for."""
