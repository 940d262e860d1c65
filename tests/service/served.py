"""A service to talk to, in this process or in one of its own, with worker processes that have no model. Importable by them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from xrayscan.errors import CorruptScanError
from xrayscan.service import crew
from xrayscan.service.desk import Desk
from xrayscan.service.server import Server, listening, run
from xrayscan.service.settings import Access, Binding, Limits
from xrayscan.service.spool import Spool
from xrayscan.service.worker import Job, Outcome, screen_one

TOKEN = "correct-horse-battery-staple"
BEARER = {"authorization": f"Bearer {TOKEN}"}
TDR_REPORT = {
    "schema_version": "1.3",
    "source": {"path": None, "sha256": "ab" * 32, "vendor": None, "scanner": None, "ids": {}},
    "acquired_at": None,
    "priority": "high",
    "threshold": 0.5,
    "false_alarm_rate": 0.01,
    "inspected": 0.75,
    "opaque_fraction": 0.0,
    "opaque": {"size": [2, 2], "counts": [4]},
    "findings": [],
    "scan": {"pixel_pitch_m": {"row": 0.01, "column": 0.01}},
    "model": {"name": "fake", "version": "1", "sha256": "cd" * 32},
    "versions": {"xrayscan": "0"},
    "timings_s": {},
}


@dataclass
class FakeReport:
    content: dict[str, Any]

    def save(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        (folder / "report.html").write_text("<p>report</p>", encoding="utf-8")
        (folder / "overlay.png").write_bytes(b"\x89PNG")
        (folder / "report.json").write_text(json.dumps(self.content), encoding="utf-8")
        return folder


@dataclass(frozen=True)
class FakeScreens:
    """Files say "score 0.7", "fault", "memory", "hang", "die", "sleep SECONDS" or "once FILE": die if FILE is not there yet."""

    log: Path | None = None

    def __call__(self) -> Any:
        return self._screen

    def _screen(self, scan: Path, name: str, view: int | None) -> FakeReport:
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{scan.parent.parent.name}\n")
        word, _, rest = scan.read_bytes()[:100].decode("utf-8", "replace").partition(" ")
        _misbehave(word, rest)
        if word not in ("score", "sleep", "once"):
            raise CorruptScanError(f"reading {scan}: no score in it; scan again")
        settings = scan.with_name(f"{scan.stem}.xrayscan.json")
        beside = json.loads(settings.read_text()) if settings.exists() else {}
        source = {**TDR_REPORT["source"], "path": name}
        content = {**TDR_REPORT, "source": source, "score": 0.7, "view": view, "beside": beside, "file": scan.name}
        return FakeReport(content)


def _misbehave(word: str, rest: str) -> None:
    if word == "die" or (word == "once" and not Path(rest).exists()):
        if word == "once":
            Path(rest).touch()
        os._exit(9)
    if word == "memory":
        raise MemoryError
    if word == "fault":
        raise ZeroDivisionError("division by zero")
    if word == "hang":
        time.sleep(600)
    if word == "sleep":
        time.sleep(float(rest))


@dataclass(frozen=True)
class FakeLooks:
    """First looks that tell how far they saw; scans are named "die", "fault" or "sleep SECONDS" for what then happens."""

    def __call__(self) -> Any:
        return self._look

    def _look(self, sight: Any) -> tuple[dict[str, Any], ...]:
        word, _, rest = sight.lines.name.partition(" ")
        _misbehave(word, rest)
        seen = sight.lines.scan(sight.file, 0, sight.columns, sight.lost).view.pixels
        return ({"scan": sight.scan, "shape": list(seen.shape), "pid": os.getpid()},)


@dataclass(frozen=True)
class BrokenScreens:
    """A model that cannot be loaded."""

    dies: bool = False

    def __call__(self) -> Any:
        if self.dies:
            os._exit(3)
        raise CorruptScanError("loading the model: its weights are damaged; download them again")


class ThreadWorker:
    """In place of a worker process: screens in its keeper's thread, for what is no matter of processes."""

    is_alive = is_idle = True
    pid = 0

    def __init__(self, factory: Any, threads: int, answer: Any) -> None:
        self._screens = factory()

    def problem(self, stopping: threading.Event) -> None:
        return None

    def ask(self, job: Job, seconds: float, hurry: Callable[[], bool]) -> Outcome:
        return screen_one(self._screens, job)

    def stop(self) -> None:
        pass


@dataclass
class Service:
    """A service that runs in a thread."""

    address: str
    desk: Desk
    server: Server

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.address, headers=BEARER, timeout=30, **more)


@contextlib.contextmanager
def served(
    spool: Path,
    factory: Any = None,
    *,
    tokens: tuple[str, ...] = (TOKEN,),
    workers: int = 1,
    looks: Any = None,
    in_threads: bool = False,
    binding: Binding | None = None,
    **limits: Any,
) -> Iterator[Service]:
    """A service on a free port, stopped in order at the end."""
    binding = binding or Binding(port=0)
    taken = Limits(**{"drain_seconds": 5.0, "free_bytes": 1, **limits})
    desk = Desk(Spool(spool), factory or FakeScreens(), taken, workers, looks)
    server, problems = Server(desk, Access.of(tokens), binding), []

    def live(opened: Any, started: Callable[[], None]) -> None:
        try:
            asyncio.run(run(server, opened, started))
        except Exception as error:  # noqa: BLE001  whatever it is, the test's own thread raises it
            problems.append(error)
            started()

    instead = mock.patch.object(crew, "Worker", ThreadWorker) if in_threads else contextlib.nullcontext()
    with instead, listening(binding) as opened:
        up = threading.Event()
        thread = threading.Thread(target=live, args=(opened, up.set))
        thread.start()
        assert up.wait(60)
        try:
            if problems:
                raise problems[0]
            scheme = "https" if binding.speaks_tls else "http"
            yield Service(f"{scheme}://127.0.0.1:{opened.getsockname()[1]}", desk, server)
        finally:
            server.should_exit = True
            thread.join(60)
    assert not thread.is_alive()
    if problems:
        raise problems[0]


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
