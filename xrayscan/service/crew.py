"""Worker processes and the threads that keep them: a process that dies or hangs is replaced, and costs only its own scan.

A keeper thread has one process with a pipe of its own, so that it is known which scan a process had. Processes are spawned,
never forked: threads and locks of the libraries below would not survive a fork.
"""

from __future__ import annotations

import logging
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from xrayscan.service.errors import ServiceError
from xrayscan.service.worker import Job, Outcome, ScreensFactory, live, screen_one

__all__ = ["Crew", "Ended", "Foreman", "Worker"]

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)

_START_SECONDS = 120.0  # for loading a model on a busy machine
_LOOK = 0.25  # [s] how often a keeper looks up
_LONGEST_PAUSE = 30.0
_AGAIN = 1.0  # [s] until a record that could not be written is tried again


@dataclass(frozen=True)
class Ended:
    """A worker process that ended while it had a scan.

    Attributes
    ----------
    why : {"died", "timeout", "stopping"}
    how : str
        In words.
    """

    why: Literal["died", "timeout", "stopping"]
    how: str


class Foreman(Protocol):
    """Who knows what is to be done; called from the keepers' threads."""

    def begin(self, scan: str) -> Job | None:
        """The job for a scan, from now on being screened; None if it is no longer wanted."""

    def finish(self, scan: str, outcome: Outcome | Ended) -> None:
        """What came of it."""

    def replaced(self, why: str) -> None:
        """A worker process had to be replaced."""


class Crew:
    """Some worker processes that screen what is put before them.

    Parameters
    ----------
    factory : callable
        Makes what screens, once in each process.
    foreman : Foreman
    count : int
        Processes.
    threads : int
        Threads that each may use.
    seconds : float [s]
        For one scan.
    """

    def __init__(self, factory: ScreensFactory, foreman: Foreman, *, count: int, threads: int, seconds: float) -> None:
        self._hire: Callable[[], Worker[Job, Outcome]] = lambda: Worker(factory, threads, screen_one)
        self._foreman, self._count, self._seconds = foreman, count, seconds
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping, self._hurry = threading.Event(), threading.Event()
        self._keepers: list[threading.Thread] = []
        self._ready: dict[int, int] = {}

    @property
    def ready(self) -> int:
        """How many processes are ready or at work."""
        return len(self._ready)

    @property
    def processes(self) -> tuple[int, ...]:
        """Their process ids."""
        return tuple(self._ready.values())

    def start(self) -> None:
        """Start the processes; returns when the first is ready, so that a model that cannot be loaded is told at once.

        Raises
        ------
        XrayscanError
            What the first process raised, or `ServiceError` if it ended.
        """
        first = self._hire()
        problem = first.problem(self._stopping)
        if problem is not None:
            first.stop()
            raise problem
        for place in range(self._count):
            worker = first if place == 0 else None
            keeper = threading.Thread(target=self._keep, args=(place, worker), name=f"xrayscan-keeper-{place}", daemon=True)
            self._keepers.append(keeper)
            keeper.start()

    def put(self, scan: str) -> None:
        """Have a scan screened, after those that were put before."""
        self._waiting.put(scan)

    def stop(self, seconds: float) -> None:
        """Take no further scan, wait for those in hand, and end what is not done in time."""
        self._stopping.set()
        end = time.monotonic() + seconds
        for keeper in self._keepers:
            keeper.join(max(0.0, end - time.monotonic()))
        self._hurry.set()
        for keeper in self._keepers:
            keeper.join()

    def _keep(self, place: int, worker: Worker[Job, Outcome] | None) -> None:
        """The life of a keeper."""
        while not self._stopping.is_set():
            worker = worker or self._hired()
            if worker is None:
                return
            self._ready[place] = worker.pid
            try:
                self._oversee(worker)
            finally:
                del self._ready[place]
                worker.stop()
            worker = None

    def _hired(self) -> Worker[Job, Outcome] | None:
        """A process that is ready; None if the service stops before there is one."""
        pause = 1.0
        while not self._stopping.is_set():
            worker: Worker[Job, Outcome] | None = None
            problem: Exception | None
            try:
                worker = self._hire()
                problem = worker.problem(self._stopping)
            except OSError as error:  # the system has no memory or no handle left for a process: it may have later
                problem = error
            if worker is not None:
                if problem is None:
                    return worker
                worker.stop()
            if not self._stopping.is_set():
                logger.error("a worker process could not start; trying again in %.0f s: %s", pause, problem)
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return None

    def _oversee(self, worker: Worker[Job, Outcome]) -> None:
        """Hand it scans until it ends or the service stops."""
        while worker.is_alive and not self._stopping.is_set():
            try:
                scan = self._waiting.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if not worker.is_alive:  # it died while it waited, and not of this scan
                self._waiting.put(scan)
                break
            if not self._one(worker, scan):
                return
        if not self._stopping.is_set():
            self._replaced("died")

    def _one(self, worker: Worker[Job, Outcome], scan: str) -> bool:
        """Whether the process goes on after this scan."""
        try:
            job = self._foreman.begin(scan)
        except OSError as error:
            self._unwritten(scan, error)
            self._waiting.put(scan)
            return True
        if job is None:
            return True
        came = worker.ask(job, self._seconds, self._hurry.is_set)
        while True:
            try:
                self._foreman.finish(scan, came)
                break
            except OSError as error:
                self._unwritten(scan, error)
                if self._stopping.is_set():
                    break  # the disk still says that it is not finished, and so it is screened after the next start
        if isinstance(came, Ended) and came.why != "stopping":
            self._replaced(came.why)
        return isinstance(came, Outcome)

    def _unwritten(self, scan: str, error: OSError) -> None:
        """The disk is full, or gone: the scan stays, and so does its keeper."""
        logger.error("scan %s: its record cannot be written (%s); trying again", scan, error)
        self._stopping.wait(_AGAIN)

    def _replaced(self, why: str) -> None:
        logger.warning("a worker process is replaced: %s", why)
        self._foreman.replaced(why)


class Worker(Generic[Asked, Answer]):
    """One process.

    Parameters
    ----------
    factory : callable
        Makes what it works with, such as what screens; must pickle.
    threads : int
        That it may use.
    answer : callable
        Answers what it is asked, with what the factory made; must pickle, and never raises.
    """

    def __init__(self, factory: Callable[[], Any], threads: int, answer: Callable[[Any, Asked], Answer]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=live, args=(theirs, factory, threads, answer), daemon=True, name="xrayscan-worker"
        )
        self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self.is_idle = True

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def problem(self, stopping: threading.Event) -> Exception | None:
        """Why it could not start; None when it is ready."""
        end = time.monotonic() + _START_SECONDS
        try:
            while not self._connection.poll(_LOOK):
                if time.monotonic() > end or stopping.is_set():
                    return ServiceError(f"starting a worker process: it was not ready within {_START_SECONDS:.0f} s")
            said = self._connection.recv()
        except (EOFError, OSError):
            return ServiceError(f"starting a worker process: it ended at once ({self._how()})")
        return said if isinstance(said, Exception) else None

    def ask(self, asked: Asked, seconds: float, hurry: Callable[[], bool]) -> Answer | Ended:
        """Its answer; the process does not outlive its time limit."""
        self.is_idle = False
        end = time.monotonic() + seconds
        try:
            self._connection.send(asked)
            while not self._connection.poll(_LOOK):
                if hurry():
                    return Ended("stopping", "the service stopped")
                if time.monotonic() > end:
                    return Ended("timeout", f"it was not screened within {seconds:g} s")
            came: Answer = self._connection.recv()
        except (EOFError, OSError):
            return Ended("died", self._how())
        self.is_idle = True
        return came

    def _how(self) -> str:
        self._process.join(5)
        code = self._process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"

    def stop(self) -> None:
        """End it: at once if it is at work, else as it leaves when the pipe closes."""
        self._connection.close()
        if not self.is_idle:
            self._process.kill()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
