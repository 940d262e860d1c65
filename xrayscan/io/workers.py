"""Pieces of one file decoded side by side: zlib and NumPy let go of the interpreter while they work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["each"]

Piece = TypeVar("Piece")
WORKERS = 2
# Below this a thread costs more than it saves [B].
LEAST_BYTES = 1_000_000


def each(work: Callable[[Piece], None], pieces: Sequence[Piece], total_bytes: int) -> None:
    """Do ``work`` on every piece, in two threads where the pieces are many and together large.

    The first error, in the order of the pieces, is raised; pieces that were not begun by then are left.

    Parameters
    ----------
    work : callable
        Must be safe in threads: each piece writes to its own place.
    pieces : sequence
    total_bytes : int
        Size of what is decoded [B].

    Examples
    --------
    >>> squares = [0, 0, 0]
    >>> each(lambda n: squares.__setitem__(n, n * n), [0, 1, 2], 12)
    >>> squares
    [0, 1, 4]
    """
    if len(pieces) < 2 or total_bytes < LEAST_BYTES:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(WORKERS, "xrayscan-decode") as pool:
        waiting = [pool.submit(_run, work, pieces[start::WORKERS]) for start in range(WORKERS)]
        for future in waiting:
            future.result()


def _run(work: Callable[[Piece], None], pieces: Sequence[Piece]) -> None:
    for piece in pieces:
        work(piece)
