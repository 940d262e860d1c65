"""Processes for first looks: one for each stream of lines, started when it is needed first, and kept for the next stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from xrayscan.service.crew import Ended, Worker
from xrayscan.service.look import LooksFactory, Seen, Sight, look_one

__all__ = ["LOOK_SECONDS", "Looker", "Lookers"]

logger = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""For one look in its process, which is ended after that."""


class Looker:
    """A place for one process, and the thread that keeps it.

    Parameters
    ----------
    factory : callable
        Makes what looks, in the process.
    stopping : Event
        Set when the service stops.
    """

    def __init__(self, factory: LooksFactory, stopping: threading.Event) -> None:
        self._factory, self._stopping = factory, stopping
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="xrayscan-looker")
        self._worker: Worker[Sight, Seen] | None = None

    @property
    def pid(self) -> int:
        """Id of its process; 0 if there is none."""
        return 0 if self._worker is None else self._worker.pid

    def look(self, sight: Sight) -> asyncio.Future[Seen]:
        """What will be seen; the loop does not wait for it."""
        return asyncio.get_running_loop().run_in_executor(self._thread, self._look, sight)

    def _look(self, sight: Sight) -> Seen:
        try:
            return self._seen(sight)
        except Exception as error:  # a stream does not fail for want of first looks
            logger.exception("a first look could not be taken")
            return Seen(problem=f"the service could not ask for one ({type(error).__name__})")

    def _seen(self, sight: Sight) -> Seen:
        if self._worker is None:
            worker: Worker[Sight, Seen] = Worker(self._factory, 1, look_one)
            problem = worker.problem(self._stopping)
            if problem is not None:
                worker.stop()
                if not self._stopping.is_set():
                    logger.warning("a process for first looks could not start: %s", problem)
                return Seen(problem="the process that makes them could not start")
            self._worker = worker
        came = self._worker.ask(sight, LOOK_SECONDS, self._stopping.is_set)
        if isinstance(came, Seen):
            return came
        self._worker.stop()
        self._worker = None
        if came.why != "stopping":
            logger.warning("a process for first looks is ended: %s (%s)", came.why, came.how)
        return Seen(problem=_words(came))

    def stop(self) -> None:
        """End its process."""
        self._thread.shutdown(cancel_futures=True)
        if self._worker is not None:
            self._worker.stop()
            self._worker = None


def _words(ended: Ended) -> str:
    if ended.why == "died":
        return f"the process that makes them ended ({ended.how})"
    return f"one took longer than {LOOK_SECONDS:g} s" if ended.why == "timeout" else ended.how


class Lookers:
    """As many lookers as streams go on at the same time.

    Parameters
    ----------
    factory : callable or None
        Makes what looks, once in each process; must pickle. None: there are no first looks.
    """

    def __init__(self, factory: LooksFactory | None) -> None:
        self._factory = factory
        self._stopping = threading.Event()
        self._all: list[Looker] = []
        self._idle: list[Looker] = []

    @contextlib.contextmanager
    def lent(self) -> Iterator[Looker | None]:
        """A looker for one stream; what it still looks at in the end, it finishes for itself."""
        if self._factory is None:
            yield None
            return
        if not self._idle:
            self._all.append(Looker(self._factory, self._stopping))
            self._idle.append(self._all[-1])
        looker = self._idle.pop()
        try:
            yield looker
        finally:
            self._idle.append(looker)

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids."""
        return tuple(looker.pid for looker in self._all if looker.pid)

    def stop(self) -> None:
        """End all of them."""
        self._stopping.set()
        for looker in self._all:
            looker.stop()
