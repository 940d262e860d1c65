"""Where scans are accepted and asked for: what waits, what is in hand, what is finished, and for how long it is kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from xrayscan.batch.workers import cores
from xrayscan.service.crew import Crew, Ended
from xrayscan.service.look import LooksFactory
from xrayscan.service.lookers import Looker, Lookers
from xrayscan.service.metrics import Metrics
from xrayscan.service.problem import RefusedError, disk_full
from xrayscan.service.record import Record, now
from xrayscan.service.settings import Limits
from xrayscan.service.spool import Spool
from xrayscan.service.upload import Upload
from xrayscan.service.worker import Job, Outcome, ScreensFactory

__all__ = ["ATTEMPTS", "STARTS", "Desk"]

logger = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often a scan is tried that ends its worker process."""

STARTS = 5
"""How often a scan is begun when each time the whole service ended: it may be the scan's doing, and most often is not."""

_LONGEST_RETRY = 120  # [s] that a client is asked to stay away


class _Open:
    """A scan that is not finished, and who waits for it."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.done = asyncio.Event()


class _Finished(NamedTuple):
    """A finished scan: when [s], its bytes, and its idempotency key."""

    at: float
    bytes: int
    key: str


class Desk:
    """Accepted scans, from upload to removal.

    Every accepted scan is finished exactly once: its record on the disk goes from waiting to screened or failed, whatever ends
    a process in between. Requests use it on the event loop, keepers of worker processes from their threads.

    Parameters
    ----------
    spool : Spool
    factory : callable
        Makes what screens, once in each worker process.
    limits : Limits
    workers : int
        Processes.
    looks : callable or None
        Makes what takes first looks at streams, once in each process for them.
    """

    def __init__(
        self, spool: Spool, factory: ScreensFactory, limits: Limits, workers: int, looks: LooksFactory | None = None
    ) -> None:
        self.spool, self.limits, self.metrics = spool, limits, Metrics()
        self.stopping = False
        self._workers = workers
        threads = max(1, cores() // workers)
        self._crew = Crew(factory, self, count=workers, threads=threads, seconds=limits.screening_seconds)
        self.lookers = Lookers(looks)
        self._lock = threading.Lock()
        self._open: dict[str, _Open] = {}
        self._finished: dict[str, _Finished] = {}  # in the order they finished
        self._keys: dict[str, str] = {}  # idempotency key → scan
        self._keys_in_use: set[str] = set()
        self._bytes = 0
        self._uploads = 0  # streams included
        self._streams = 0
        self._promised = 0  # [B] of the disk to the uploads that go on; what is written of them counts twice, on the safe side
        self._mean = 1.0  # [s] that a scan takes, lately
        self._loop: asyncio.AbstractEventLoop | None = None
        watch = self.metrics.watch
        watch("xrayscan_scans_open", "Scans that wait or are being screened", lambda: len(self._open))
        watch("xrayscan_uploads", "Uploads that go on", lambda: self._uploads)
        watch("xrayscan_streams", "Scans that come line by line", lambda: self._streams)
        watch("xrayscan_workers_ready", "Worker processes that are ready or at work", lambda: self._crew.ready)
        watch("xrayscan_spool_bytes", "Bytes of finished scans", lambda: self._bytes)

    # On the event loop

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Screen what is accepted until the block ends; then finish the scans in hand, and leave the others for the next start.

        Raises
        ------
        XrayscanError
            If no worker process starts.
        """
        await self._start()
        house = asyncio.create_task(self._keep_house())
        try:
            yield
        finally:
            house.cancel()
            await self._stop()

    async def _start(self) -> None:
        """Start the worker processes, and go on with what an earlier run had accepted and not finished."""
        self._loop = asyncio.get_running_loop()
        records = await asyncio.to_thread(self.spool.records)
        for record in sorted(records, key=lambda record: record.finished_at or record.received_at):
            if record.is_finished:
                self.spool.clear_input(record.id)
                self._keep(record)
        for record in records:
            if not record.is_finished:  # one that was in hand waits again, and may be deleted
                self._open[record.id] = _Open(replace(record, state="waiting", started_at=None))
            if record.key:
                self._keys[record.key] = record.id
        await asyncio.to_thread(self._crew.start)
        if self._open:
            logger.info("%d accepted scans of an earlier run are screened first", len(self._open))
        for scan in self._open:
            self._crew.put(scan)

    def stop_accepting(self) -> None:
        """Refuse further scans, and let those go who wait for a report."""
        self.stopping = True
        for scan in list(self._open.values()):
            scan.done.set()

    async def _stop(self) -> None:
        """Finish the scans in hand; what still waits is on the disk and is screened after the next start."""
        self.stop_accepting()
        await asyncio.to_thread(self.lookers.stop)
        await asyncio.to_thread(self._crew.stop, self.limits.drain_seconds)
        if self._open:
            logger.warning("%d accepted scans are left for the next start", len(self._open))

    @property
    def is_ready(self) -> bool:
        """Whether scans are taken and screened now."""
        return not self.stopping and self._crew.ready > 0

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return self._crew.processes

    @property
    def retry_after(self) -> int:
        """When a place in the queue may be free [s]."""
        return max(1, min(_LONGEST_RETRY, math.ceil(self._mean * max(1, len(self._open)) / self._workers / 4)))

    @contextlib.asynccontextmanager
    async def place(self, claimed: int) -> AsyncIterator[Path]:
        """A place in the queue, room on the disk and a folder for an upload; what was not accepted at the end is removed.

        Parameters
        ----------
        claimed : int [B]
            What may come, at most. So much of the disk is promised to this upload until it ends.

        Raises
        ------
        RefusedError
            If the service stops, the queue is full, or the disk is.
        """
        if self.stopping:
            raise RefusedError("stopping", "the service stops; send the scan again when it is back", retry_after=5)
        if self._uploads >= self.limits.uploads or len(self._open) + self._uploads >= self.limits.queue:
            raise RefusedError(
                "busy",
                f"{len(self._open)} scans wait and {self._uploads} are being sent, of {self.limits.queue} in all and "
                f"{self.limits.uploads} at a time; send this one again later",
                retry_after=self.retry_after,
            )
        self._uploads += 1
        self._promised += claimed
        promised = self._promised  # before the disk is asked: an upload that comes meanwhile counts this one too
        try:
            try:
                if await asyncio.to_thread(self.spool.free) - promised < self.limits.free_bytes:
                    raise disk_full()
                folder = await asyncio.to_thread(self.spool.incoming)
            except OSError as error:
                logger.error("an upload has no place in the spool: %s", error)
                raise disk_full() from error
            try:
                yield folder
            finally:
                await asyncio.shield(asyncio.to_thread(self.spool.discard, folder))
        finally:
            self._uploads -= 1
            self._promised -= claimed

    @contextlib.asynccontextmanager
    async def stream(self) -> AsyncIterator[tuple[Path, Looker | None]]:
        """A place in the queue, a folder and a looker for a scan that comes line by line.

        Raises
        ------
        RefusedError
            If the service stops, there are too many streams, the queue is full, or the disk is.
        """
        if self._streams >= self.limits.streams and not self.stopping:
            detail = (
                f"{self._streams} streams of lines go on, which are all at a time; connect again later, or send a whole scan"
            )
            raise RefusedError("busy", detail, retry_after=self.retry_after)
        self._streams += 1
        try:
            async with self.place(self.limits.upload_bytes) as folder:
                with self.lookers.lent() as looker:
                    yield folder, looker
        finally:
            self._streams -= 1

    async def submit(self, scan: str, upload: Upload, view: int | None, key: str, known: str | None) -> Record:
        """The record of the scan that came into the folder of its id.

        Parameters
        ----------
        scan : str
            Its id.
        upload : Upload
            What came.
        view : int or None
            Which view is screened.
        key : str
            Hash of the idempotency key; empty if it has none.
        known : str or None
            The scan that was accepted under that key; if it is the same, nothing is accepted again.

        Raises
        ------
        RefusedError
            If the key is that of another scan, or the disk is full.
        """
        if known is not None:
            first = await self.record(known)
            if (first.whole, first.view) != (upload.whole, view):
                raise RefusedError(
                    "key-reused", f"this Idempotency-Key is that of scan {known}; give every other scan a new one"
                )
            return first
        record = Record(scan, upload.name, upload.file, view, upload.bytes, upload.sha256, now(), key, upload.whole)
        await self.accept(record)
        return record

    async def accept(self, record: Record) -> None:
        """Accept the scan in the folder of its id; when this returns it is on the disk and in the queue.

        Raises
        ------
        RefusedError
            If the disk is full.
        """
        task = asyncio.ensure_future(asyncio.to_thread(self._accept, record))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await task  # its folder must not be cleared while it is moved
            raise
        except OSError as error:
            logger.error("scan %s could not be written: %s", record.id, error)
            raise disk_full() from error

    @contextlib.contextmanager
    def once(self, key: str) -> Iterator[str | None]:
        """The scan that was accepted under an idempotency key; None if there is none, and then the key is this request's alone.

        Raises
        ------
        RefusedError
            If another request with this key goes on.
        """
        if not key or key in self._keys:
            yield self._keys.get(key) if key else None
            return
        if key in self._keys_in_use:
            raise RefusedError(
                "key-in-use", "the first request with this Idempotency-Key is still being sent; ask again", retry_after=1
            )
        self._keys_in_use.add(key)
        try:
            yield None
        finally:
            self._keys_in_use.discard(key)

    async def wait(self, scan: str, seconds: float) -> None:
        """Wait until a scan is finished, but no longer than ``seconds`` and not while the service stops."""
        waited = self._open.get(scan)
        if waited is not None and not self.stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waited.done.wait()

    async def record(self, scan: str) -> Record:
        """The record of a scan.

        Raises
        ------
        RefusedError
            If there is none.
        """
        known = self._open.get(scan)
        record = known.record if known is not None else await asyncio.to_thread(self.spool.read, scan)
        if record is None:
            raise not_found(scan)
        return record

    async def delete(self, scan: str) -> None:
        """Remove a scan and its report, or take it out of the queue.

        Raises
        ------
        RefusedError
            If there is none, or it is just being screened.
        """
        record = await self.record(scan)
        with self._lock:
            known = self._open.get(scan)
            if known is not None and known.record.state == "screening":
                raise RefusedError("being-screened", f"scan {scan} is being screened; delete it when it is done", retry_after=1)
            self._open.pop(scan, None)
            self._forget(scan, record.key)
        if known is not None:
            known.done.set()
        await asyncio.shield(asyncio.to_thread(self.spool.remove, scan))
        self.metrics.removed.labels("asked").inc()

    async def _keep_house(self) -> None:
        """Remove what is too old, now and then, until it is cancelled."""
        while True:
            await asyncio.to_thread(self.tidy)
            await asyncio.sleep(min(60.0, self.limits.keep_seconds / 4))

    # In other threads

    def _accept(self, record: Record) -> None:
        self.spool.accept(record)
        with self._lock:
            self._open[record.id] = _Open(record)
            if record.key:
                self._keys[record.key] = record.id
        self.metrics.accepted.inc()
        if not self.stopping:
            self._crew.put(record.id)

    def begin(self, scan: str) -> Job | None:
        """The job for a scan; None if it was deleted, or has ended too many processes."""
        with self._lock:
            known = self._open.get(scan)
            if known is None:
                return None
            before, tried = known.record, known.record.attempts
            ends = tried - before.deaths  # of the service
            if ends < STARTS:
                known.record = replace(known.record, state="screening", attempts=tried + 1, started_at=now())
        if ends >= STARTS:
            self._close(known.record, Outcome("failed", error_kind="WorkerDied", error=_gave_up(ends, "the service ended")))
            return None
        record = known.record
        try:
            self.spool.write(record)
        except OSError:
            known.record = before  # it was not tried
            raise
        return Job(scan, self.spool.input(scan) / record.file, self.spool.report(scan), record.name, record.view)

    def finish(self, scan: str, outcome: Outcome | Ended) -> None:
        """Finish a scan, try it once more, or leave it for the next start."""
        record = self._open[scan].record
        if isinstance(outcome, Outcome):
            self._close(record, outcome)
        elif outcome.why == "timeout":
            reason = f"{outcome.how}; it may be damaged, or much larger than usual: send it again or raise the limit"
            self._close(record, Outcome("failed", error_kind="TimedOut", error=reason))
        elif outcome.why == "died" and record.deaths + 1 >= ATTEMPTS:
            self._close(record, Outcome("failed", error_kind="WorkerDied", error=_gave_up(record.deaths + 1, outcome.how)))
        else:
            undone = outcome.why == "stopping"
            again = replace(
                record, state="waiting", attempts=record.attempts - undone, deaths=record.deaths + (not undone), started_at=None
            )
            self.spool.write(again)
            self._open[scan].record = again
            if not undone:
                logger.warning("scan %s ended its worker process (%s); trying it again", scan, outcome.how)
                self._crew.put(scan)

    def replaced(self, why: str) -> None:
        """Count a worker process that was replaced."""
        self.metrics.replaced.labels(why).inc()

    def tidy(self) -> None:
        """Remove finished scans that are too old, and the oldest when they are too many or too large together."""
        oldest = time.time() - self.limits.keep_seconds
        for scan, why in iter(lambda: self._next_to_go(oldest), None):
            try:
                self.spool.remove(scan)
            except OSError as error:  # whoever tidies has other scans to see to
                logger.error(
                    "scan %s is old and cannot be removed (%s); see to the spool: it is tried again at the next start",
                    scan,
                    error,
                )
            else:
                self.metrics.removed.labels(why).inc()

    def _close(self, record: Record, outcome: Outcome) -> None:
        """Write how a scan ended; only from then on it has a report."""
        done = replace(record, finished_at=now(), **vars(outcome))
        self.spool.write(done)
        self.spool.clear_input(done.id)
        self._keep(done)
        with self._lock:
            known = self._open.pop(done.id)
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(known.done.set)
        self.metrics.finished.labels(done.state).inc()
        for since, seconds in _durations(done):
            (self.metrics.screening if since == "started" else self.metrics.turnaround).observe(seconds)
            if since == "started":
                self._mean += 0.1 * (seconds - self._mean)
        logger.info("scan %s: %s%s", done.id, done.state, f" ({done.error_kind})" if done.error_kind else "")
        self.tidy()

    def _keep(self, record: Record) -> None:
        size, finished_at = self.spool.size(record.id), record.finished_at or now()
        with self._lock:
            self._finished[record.id] = _Finished(finished_at.timestamp(), size, record.key)
            self._bytes += size

    def _forget(self, scan: str, key: str) -> None:
        """Leave a scan out of the books; the lock is held."""
        known = self._finished.pop(scan, None)
        self._bytes -= known.bytes if known else 0
        self._keys.pop(key, None)

    def _next_to_go(self, oldest: float) -> tuple[str, str] | None:
        with self._lock:
            scan = next(iter(self._finished), None)
            if scan is None:
                return None
            finished = self._finished[scan]
            if finished.at < oldest:
                why = "age"
            elif self._bytes > self.limits.keep_bytes or len(self._finished) > self.limits.keep_scans:
                why = "room"
            else:
                return None
            self._forget(scan, finished.key)
            return scan, why


def not_found(scan: str) -> RefusedError:
    """There is no such scan."""
    shown = scan if scan.isalnum() and scan.isascii() and len(scan) <= 64 else "of that id"
    return RefusedError(
        "not-found", f"there is no scan {shown}: it never was, was deleted, or is older than reports are kept; send it again"
    )


def _gave_up(times: int, how: str) -> str:
    return (
        f"the process that screened it ended {times} times ({how}), most often for want of memory; "
        "check the file, or give the service more memory or fewer workers, and send it again"
    )


def _durations(record: Record) -> Iterator[tuple[str, float]]:
    """Since it was begun and since it was received [s]."""
    assert record.finished_at is not None
    if record.started_at is not None:
        yield "started", (record.finished_at - record.started_at).total_seconds()
    yield "received", (record.finished_at - record.received_at).total_seconds()
