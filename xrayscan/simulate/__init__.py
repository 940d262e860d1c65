"""The simulator: beam, matter, bodies, loads, vehicles and scanner; a scan with its truth from a seed.

Needs ``xrayscan[train]``. What it makes is simulated, and everything trained or measured on it says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xrayscan.errors import MissingDependencyError

try:
    import torch  # noqa: F401
except ImportError as error:  # pragma: no cover  the runtime has no torch, and no simulator
    raise MissingDependencyError("the simulator needs torch; install xrayscan[train]", extra="train") from error

if TYPE_CHECKING:
    from xrayscan.simulate.recipe import SceneRecipe
    from xrayscan.simulate.record import Record
    from xrayscan.simulate.run import replay, simulate
    from xrayscan.simulate.truth import Instance, Truth

__all__ = ["Instance", "Record", "SceneRecipe", "Truth", "replay", "simulate"]

_HOME = {"Instance": "truth", "Record": "record", "SceneRecipe": "recipe", "Truth": "truth", "replay": "run", "simulate": "run"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
