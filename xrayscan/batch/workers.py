"""Worker processes on this machine.

Each worker is one process with its own pipe, so that a process that dies (out of memory, a crash in a decoder) takes
nothing with it but the scan it had, and it is known which one that was. Workers are spawned, never forked: threads and
locks of the libraries below would not survive a fork.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Protocol

from xrayscan.batch.errors import BatchError
from xrayscan.batch.task import Done, ScreenerFactory, Screens, Task, failed, screen_one

__all__ = ["InProcess", "LocalWorkers", "Workers", "cores", "leave_with_parent"]

logger = logging.getLogger(__name__)


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers(Protocol):
    """Something that screens tasks, in any order; the place where another engine fits in."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """One `Done` for every task, or for those in hand when `finish` was called."""

    def finish(self) -> None:
        """Give out no more scans; those in hand come to their end."""

    def close(self) -> None:
        """Stop, at once."""


class InProcess:
    """Screens one scan after the other in this process."""

    def __init__(self, screener: Screens) -> None:
        self._screener = screener
        self._finishing = False

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """One `Done` for every task, in their order."""
        for task in tasks:
            if self._finishing:
                return
            yield screen_one(self._screener, task)

    def finish(self) -> None:
        """No more scans after the one in hand."""
        self._finishing = True

    def close(self) -> None:
        """Nothing to stop."""


class LocalWorkers:
    """Screens in several processes of this machine.

    Parameters
    ----------
    factory : callable
        Makes the screener, once in each process.
    count : int
        Processes.
    threads : int
        Threads that each process may use.
    """

    def __init__(self, factory: ScreenerFactory, count: int, threads: int) -> None:
        self._factory = factory
        self._count = count
        self._threads = threads
        self._workers: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._finishing = False

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """One `Done` for every task, as they finish.

        A scan whose process died, or that found no memory, is tried once more at the end with nothing beside it.

        Raises
        ------
        BatchError
            If a process cannot start.
        """
        alone: list[Task] = []
        for done in self._run(tasks, self._count):
            if done.try_alone:
                logger.warning("%s: %s; trying it again alone", done.task.name, done.row.get("error"))
                alone.append(done.task)
            else:
                yield done
        if alone and not self._finishing:
            self.close()
            yield from self._run(alone, 1)

    def finish(self) -> None:
        """No more scans after those in hand; one that was to be tried again stays without a result."""
        self._finishing = True
        self._waiting.clear()

    def close(self) -> None:
        """Stop every process, at once; reports are written whole or not at all."""
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def _run(self, tasks: Iterable[Task], count: int) -> Iterator[Done]:
        waiting = self._waiting = deque(tasks)
        while waiting or any(worker.task for worker in self._workers):
            while len(self._workers) < min(count, len(waiting) + sum(bool(w.task) for w in self._workers)):
                self._workers.append(_Worker(self._factory, self._threads))
            self._give_out()
            heard = wait([worker.connection for worker in self._workers])
            said = [self._hear(worker) for worker in [w for w in self._workers if w.connection in heard]]
            self._give_out()  # before the results are handed on: nobody waits while they are written
            yield from (done for done in said if done is not None)

    def _give_out(self) -> None:
        """A scan for everybody who is free."""
        for worker in self._workers:
            if self._waiting and worker.task is None and worker.ready:
                worker.give(self._waiting.popleft())

    def _hear(self, worker: _Worker) -> Done | None:
        """What a worker has to say; None if only that it is ready."""
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            self._workers.remove(worker)
            return worker.died()
        if isinstance(said, BaseException):
            raise said
        worker.ready = True
        worker.task = None
        return said if isinstance(said, Done) else None


class _Worker:
    """One process and the scan it has."""

    def __init__(self, factory: ScreenerFactory, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.ready = False
        self.task: Task | None = None
        self._process = context.Process(target=_serve, args=(theirs, factory, threads), daemon=True, name="xrayscan-worker")
        self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    def give(self, task: Task) -> None:
        """Hand it a scan; if it has just died, the pipe says so when it is next listened to."""
        self.task = task
        try:
            self.connection.send(task)
        except OSError:
            logger.debug("worker %s is gone before %s", self._process.pid, task.name)

    def died(self) -> Done | None:
        """The failed row of the scan it had.

        Raises
        ------
        BatchError
            If it had not even started.
        """
        self._process.join()
        code = self._process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        self.connection.close()
        if not self.ready:
            raise BatchError(
                f"starting a worker process: it ended at once ({how}); run with workers=1 to see why. In a script, start the "
                "batch below 'if __name__ == \"__main__\":'"
            )
        if self.task is None:
            return None
        reason = (
            f"the worker process died while screening it ({how}), most often for want of memory; "
            "use fewer workers, or a machine with more memory, and run again"
        )
        return failed(self.task, reason, "WorkerDied", try_alone=True)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def _serve(connection: Connection, factory: ScreenerFactory, threads: int) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent alone answers it
    threading.Thread(target=leave_with_parent, daemon=True).start()
    try:
        from xrayscan._threads import limit_threads

        limit_threads(threads)
        screener = factory()
    except Exception as error:  # noqa: BLE001  whatever it is, the parent raises it
        connection.send(_portable(error))
        return
    connection.send(None)
    try:
        while True:
            connection.send(screen_one(screener, connection.recv()))
    except (EOFError, OSError):
        return


def leave_with_parent() -> None:
    """End this process when the parent is gone, even by kill -9, so that no orphan writes into a later run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _portable(error: Exception) -> Exception:
    if type(error).__module__.startswith(("xrayscan.", "builtins")):
        return error
    return BatchError(f"starting a worker process: {type(error).__name__}: {error}; run with workers=1 to see more")
