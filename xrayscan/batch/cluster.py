"""Workers on a Ray cluster, or on this machine by way of Ray.

Scans go out through Ray Data to a pool of actors that each load the model once. Reports are written by the actors into the
output folder, which all nodes must see under the same path; rows come back. An actor or a node that is lost costs only time:
Ray starts what it had anew elsewhere, and what has its report already is not screened again. Needs ray, the extra ``ray``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xrayscan.batch.errors import BatchError
from xrayscan.batch.remote import Remote
from xrayscan.batch.resume import SHARED, MadeBy, finished
from xrayscan.batch.task import Done, ScreenerFactory, Task, failed, screen_one
from xrayscan.batch.workers import cores
from xrayscan.errors import MissingDependencyError
from xrayscan.report.rows import Sentences

__all__ = ["Cluster", "RayWorkers", "check_ray"]

logger = logging.getLogger(__name__)

_ATTEMPTS = 3  # a node that is lost takes an attempt as well, which is no fault of the scan
_PORTION = 16  # scans at most that go to an actor at a time, and that are looked at again if it is lost


@dataclass(frozen=True)
class Cluster:
    """Where Ray screens, and what a worker gets.

    Attributes
    ----------
    address : str or None
        Of a cluster, ``auto`` on one of its nodes; None is the one that this program is connected to, or else one on this
        machine that ends with the batch.
    cpus : int
        Cores of each worker.
    gpus : float
        Graphics processors of each worker, such as 0.5 for two on one.

    Raises
    ------
    BatchError
        If that is no worker.
    """

    address: str | None = None
    cpus: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.cpus < 1 or not 0 <= self.gpus <= 64:
            raise BatchError(
                f"screening on Ray with {self.cpus} cores and {self.gpus} graphics processors a worker: expected 1 core or "
                "more, and 0 or more graphics processors"
            )


def check_ray() -> None:
    """Say before anything is done that a package is missing.

    Raises
    ------
    MissingDependencyError
        If Ray Data cannot be imported.
    """
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f'screening on Ray needs ray ({error}); pip install "xrayscan[ray]"', extra="ray"
        ) from error


class RayWorkers:
    """Screens on Ray.

    Parameters
    ----------
    factory : callable
        Makes the screener, once in each actor.
    made_by : MadeBy
        What the actors must be: the same model and version as here.
    out : Path
        The output folder, locked.
    cluster : Cluster
    count : int or None
        Actors; None takes what the cluster has room for.
    """

    def __init__(self, factory: ScreenerFactory, made_by: MadeBy, out: Path, cluster: Cluster, count: int | None) -> None:
        self._factory = factory
        self._made_by = made_by
        self._out = Path(os.path.abspath(out))
        self._cluster = cluster
        self._count = count
        self._is_ours = False
        self._finishing = False
        self._levels: dict[str, int] = {}

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """One `Done` for every task, as they come back.

        Raises
        ------
        BatchError
            If the cluster cannot be reached, a node has another model or version or does not see the output folder, or scans
            came back without a result.
        """
        waiting = list(tasks)
        count = self._connect(len(waiting))
        alone: list[Task] = []
        for done in self._run(waiting, count):
            if done.try_alone and done.row["error_kind"] == "MemoryError":
                alone.append(done.task)
            else:
                yield done
        if alone and not self._finishing:
            yield from self._run(alone, 1)

    def finish(self) -> None:
        """What is in hand is given up: it has its report when it is asked for again, or is screened then."""
        self._finishing = True

    def close(self) -> None:
        """End what was started here."""
        shutil.rmtree(self._out / SHARED, ignore_errors=True)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        if self._is_ours:
            import ray

            ray.shutdown()
            self._is_ours = False

    def _connect(self, scans: int) -> int:
        """Be connected to Ray; how many actors there may be."""
        import ray
        import ray.data

        for name in ("ray", "ray.data"):  # they tell every step on stderr, where progress is told
            self._levels[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(logging.ERROR)
        wanted = min(self._count or cores() // self._cluster.cpus or 1, scans)
        if not ray.is_initialized():
            try:
                if self._cluster.address:
                    ray.init(self._cluster.address, log_to_driver=False, logging_level=logging.ERROR)
                else:
                    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a cluster of our own nobody is told
                    ray.init(
                        num_cpus=wanted * self._cluster.cpus, include_dashboard=False, log_to_driver=False,
                        logging_level=logging.ERROR,
                    )  # fmt: skip
            except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                where = self._cluster.address or "this machine"
                raise BatchError(
                    f"connecting to Ray at {where}: {error}; check the address, and that the cluster runs"
                ) from error
            self._is_ours = True
        there = ray.cluster_resources()
        room = int(there.get("CPU", 0) // self._cluster.cpus)
        if self._cluster.gpus:
            room = min(room, int(there.get("GPU", 0) / self._cluster.gpus))
        if room < 1:
            raise BatchError(
                f"screening on Ray: no worker of {self._cluster.cpus} cores and {self._cluster.gpus:g} graphics processors "
                f"fits into a cluster of {there.get('CPU', 0):g} and {there.get('GPU', 0):g}; ask for less"
            )
        return min(self._count or room, room, scans)

    def _run(self, tasks: Sequence[Task], count: int) -> Iterator[Done]:
        open_tasks = dict(enumerate(tasks))
        results = self._results(tasks, count)
        try:
            for batch in results:
                for number, text in zip(batch["number"], batch["result"], strict=True):
                    said = json.loads(text)
                    if "wrong" in said:
                        raise BatchError(f"screening on Ray: {said['wrong']}")
                    if int(number) in open_tasks:  # once, whatever was started anew
                        yield _done(open_tasks.pop(int(number)), said)
                if self._finishing:
                    return
        except BatchError:
            raise
        except Exception as error:
            if not type(error).__module__.startswith("ray."):
                raise
            said = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise BatchError(
                f"screening on Ray: {said}; what is done is kept: see that every node has xrayscan, and run the same "
                "command again"
            ) from error
        if open_tasks:
            raise BatchError(
                f"screening on Ray: {len(open_tasks)} scans came back without a result; run the same command again"
            )

    def _results(self, tasks: Sequence[Task], count: int) -> Iterable[Mapping[str, Any]]:
        """What the actors say, batch by batch."""
        import ray.data

        shutil.rmtree(self._out / SHARED, ignore_errors=True)  # of a run that was killed
        (self._out / SHARED).mkdir()
        token = secrets.token_hex(16)
        (self._out / SHARED / "token").write_text(token, encoding="ascii")
        portion = max(1, min(_PORTION, len(tasks) // (8 * count)))
        items = [{"number": number, "task": _text(task)} for number, task in enumerate(tasks)]
        context = ray.data.DataContext.get_current()
        bars, context.enable_progress_bars = context.enable_progress_bars, False
        try:
            dataset = ray.data.from_items(items, override_num_blocks=-(-len(items) // portion)).map_batches(
                _Actor,
                fn_constructor_args=(self._factory, self._made_by, str(self._out), token, self._cluster.cpus),
                batch_size=None,
                batch_format="numpy",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=count, max_tasks_in_flight_per_actor=2),
                num_cpus=self._cluster.cpus,
                num_gpus=self._cluster.gpus or None,
            )
        finally:
            context.enable_progress_bars = bars
        batches: Iterable[Mapping[str, Any]] = dataset.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0)
        return batches


class _Actor:
    """One worker of the pool: makes its screener once."""

    def __init__(self, factory: ScreenerFactory, made_by: MadeBy, out: str, token: str, threads: int) -> None:
        self._made_by = made_by
        self._shared = Path(out) / SHARED
        self._wrong = ""
        try:
            self._check_folder(token)
            from xrayscan._threads import limit_threads

            limit_threads(threads)
            self._screener = factory()
            self._check_maker()
        except Exception as error:  # noqa: BLE001  the driver raises it; Ray would try for ever
            self._wrong = f"the worker on {socket.gethostname()}: {error}"

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        if self._wrong:
            return {"number": [-1], "result": [json.dumps({"wrong": self._wrong})]}
        results = [self._result(_task(text)) for text in batch["task"]]
        return {"number": [int(number) for number in batch["number"]], "result": results}

    def _check_folder(self, token: str) -> None:
        try:
            found = (self._shared / "token").read_text(encoding="ascii")
        except OSError:
            found = ""
        if found != token:
            raise BatchError(
                f"it does not see the output folder {self._shared.parent}; choose one on storage that every node has at "
                "that path"
            )

    def _check_maker(self) -> None:
        here = MadeBy.of(self._screener.card, self._made_by.false_alarm_rate, self._made_by.attribution)
        if here != self._made_by:
            raise BatchError(
                f"it has xrayscan {here.version} and model {self._screener.card.name} {self._screener.card.version}, which is "
                f"not what was asked for (xrayscan {self._made_by.version}); install the same on every node"
            )

    def _result(self, task: Task) -> str:
        (earlier,) = finished([task], self._made_by, threads=1)  # by an actor that was lost before it could say so
        mark = self._shared / hashlib.sha256(task.link.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        done = earlier or self._lost_too_often(task, mark) or screen_one(self._screener, task)
        mark.unlink(missing_ok=True)
        return json.dumps({"row": dict(done.row), "failed": done.failed, "try_alone": done.try_alone, "seconds": done.seconds})

    def _lost_too_often(self, task: Task, mark: Path) -> Done | None:
        """Count an attempt; a scan that took its process with it so often is failed, where Ray would try for ever."""
        before = len(mark.read_bytes()) if mark.exists() else 0
        if before >= _ATTEMPTS:
            reason = (
                f"the worker process died {before} times while screening it, most often for want of memory; "
                "give workers more memory, and run again"
            )
            return failed(task, reason, "WorkerDied")
        with mark.open("ab") as file:
            file.write(b".")
        return None


def _text(task: Task) -> str:
    """A task as ASCII: names of files need not be text."""
    remote = asdict(task.remote) if task.remote else None
    return json.dumps({"path": str(task.path), "folder": os.path.abspath(task.folder), "link": task.link, "remote": remote})


def _task(text: str) -> Task:
    said = json.loads(text)
    remote = said["remote"]
    known = Remote(remote["url"], remote["relative"], tuple(remote["beside"]), remote["mark"]) if remote else None
    return Task(Path(said["path"]), Path(said["folder"]), said["link"], known)


def _done(task: Task, said: Mapping[str, Any]) -> Done:
    row = {**said["row"], "warnings": Sentences(said["row"]["warnings"])}
    return Done(task, row, failed=said["failed"], try_alone=said["try_alone"], seconds=said["seconds"])
