"""HTTP for hosts that are not Python: scans in, reports out (``xrayscan serve``, extra ``serve``).

One event loop takes uploads and lines straight to the disk (`upload`, `stream`, `spool`), worker processes read and screen them
(`crew`, `worker`), and the `desk` between them sees to it that every accepted scan gets exactly one report, or one reason why
there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xrayscan.errors import MissingDependencyError
from xrayscan.service.errors import ServiceError

if TYPE_CHECKING:
    from xrayscan.service.app import create_app
    from xrayscan.service.server import serve

__all__ = ["ServiceError", "create_app", "serve"]

_ROOMS = {"create_app": "app", "serve": "server"}


def __getattr__(name: str) -> Any:
    """What needs the extra is loaded on first use.

    Raises
    ------
    MissingDependencyError
        If the extra is not installed.
    """
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"xrayscan.service.{_ROOMS[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("xrayscan"):
            raise
        raise MissingDependencyError(
            f"serving needs {error.name}, which is not installed; run: pip install 'xrayscan[serve]'", extra="serve"
        ) from error
