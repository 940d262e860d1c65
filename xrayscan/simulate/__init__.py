"""The simulator: beam, matter, bodies, loads, containers and scanner; a scan with its truth from a seed.

Needs ``xrayscan[train]``. What it makes is simulated, and everything trained or measured on it says so.
"""

from __future__ import annotations

from xrayscan.errors import MissingDependencyError

try:
    import torch  # noqa: F401
except ImportError as error:  # pragma: no cover  the runtime has no torch, and no simulator
    raise MissingDependencyError("the simulator needs torch; install xrayscan[train]", extra="train") from error

from xrayscan.simulate.run import Instance, Truth, simulate

__all__ = ["Instance", "Truth", "simulate"]
