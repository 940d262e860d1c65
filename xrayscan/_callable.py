"""Packages that are named like their one verb.

``xs.normalize(scan)`` is the promise, and ``xrayscan/normalize/`` is the room where it lives. Python binds the name
``xrayscan.normalize`` to the package as soon as anything in it is imported, so the package itself answers the call.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__ = ["call_by_own_name"]


class _Verb(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


def call_by_own_name(name: str) -> None:
    """Let the package ``name`` be called: ``a.b(x)`` is then ``a.b.b(x)``."""
    sys.modules[name].__class__ = _Verb
