"""How many threads the libraries of a worker process use."""

from __future__ import annotations

import cv2
import numpy as np  # noqa: F401  its linear algebra must be loaded to be limited
from threadpoolctl import threadpool_limits

__all__ = ["limit_threads"]


def limit_threads(count: int) -> None:
    """Let OpenCV, linear algebra and OpenMP of this process use so many threads each, from now on.

    Left alone, the worker processes of a machine with n cores start n threads each for every small system of equations, which
    wait for each other in busy loops.

    Not for a process that was forked from one that had such threads: it would wait for them without end.

    Parameters
    ----------
    count : int
        At least 1.
    """
    cv2.setNumThreads(count)
    threadpool_limits(count)
