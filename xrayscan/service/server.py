"""The process that serves: one event loop, its connections, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from xrayscan.batch.lock import locked
from xrayscan.service.app import create_app
from xrayscan.service.desk import Desk
from xrayscan.service.errors import ServiceError
from xrayscan.service.look import LooksFactory
from xrayscan.service.settings import Access, Binding, Limits
from xrayscan.service.spool import Spool
from xrayscan.service.worker import ScreensFactory

__all__ = ["Server", "listening", "run", "serve"]

logger = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.websocket")
_quiet.setLevel(logging.CRITICAL)  # it takes every refusal for an error; what is one, the guard logs

_HEAD_SECONDS = 20.0  # for a request's head to come, and for what is left of a refused body
_CONNECTIONS = 512
_MESSAGE_BYTES = 16 << 20  # of one message of a stream
_STOPPING = json.dumps({"notice": "the service stops; this scan is not accepted: send it again when the service is back"})
_LEAVE = 10  # [s] for requests that go on when the service stops; waiting ones leave at once


class _Connection(H11Protocol):
    """A connection that is closed when no whole request head comes in time."""

    _timer: asyncio.TimerHandle | None = None
    _is_stream = False

    def connection_made(self, transport: Any) -> None:
        """Begin to count."""
        super().connection_made(transport)
        self._count()

    def data_received(self, data: bytes) -> None:
        """Stop counting while a request is answered."""
        super().data_received(data)
        self._count()

    def on_response_complete(self) -> None:
        """Begin to count again."""
        super().on_response_complete()
        self._count()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Stop counting for good: a stream has limits of its own."""
        self._is_stream = True
        super().handle_websocket_upgrade(event)

    def _count(self) -> None:
        answering = self._is_stream or (self.cycle is not None and not self.cycle.response_complete)
        if answering and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif not answering and self._timer is None:
            self._timer = self.loop.call_later(_HEAD_SECONDS, self._too_slow)

    def _too_slow(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class _Lines(WebSocketsSansIOProtocol):
    """A connection over which lines come, or that is refused at once; what it says is in no log."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # Its lines would hold what clients write, the token among it: the guard has one of its own for each stream.
        self.logger = self.conn.logger = _quiet
        self.conn.debug = False

    def data_received(self, data: bytes) -> None:
        """Let go of whoever sent a head that is none: nobody else would."""
        super().data_received(data)
        if not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def shutdown(self) -> None:
        """Say that the service stops, and close."""
        if self.handshake_complete and not self.close_sent:
            self.conn.send_text(_STOPPING.encode())
        super().shutdown()


class Server(uvicorn.Server):
    """Serves a desk until a signal comes; then scans in hand are finished, and all others stay for the next start.

    Parameters
    ----------
    desk : Desk
    access : Access
    binding : Binding
    """

    def __init__(self, desk: Desk, access: Access, binding: Binding) -> None:
        self.desk = desk
        super().__init__(
            uvicorn.Config(
                create_app(desk, access),
                http=_Connection,
                ws=_Lines,
                ws_max_size=_MESSAGE_BYTES,
                ws_ping_interval=None,  # who does not send is let go by the limits, and who does need not read
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ssl_certfile=str(binding.certificate) if binding.certificate else None,
                ssl_keyfile=str(binding.key) if binding.key else None,
                limit_concurrency=_CONNECTIONS,
                timeout_graceful_shutdown=_LEAVE,
            )
        )

    async def shutdown(self, sockets: Any = None) -> None:
        """Stop: those who wait for a report are told to come back."""
        self.desk.stop_accepting()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and Ctrl-C end the service in order, and are not raised again afterward."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self._stop) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            logger.info("stopping (%s)", signal.Signals(number).name)
        self.should_exit = True


def serve(  # noqa: PLR0913  each part of the service by its name
    spool: Path,
    factory: ScreensFactory,
    *,
    access: Access,
    binding: Binding,
    limits: Limits,
    workers: int,
    looks: LooksFactory | None = None,
    started: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Parameters
    ----------
    spool : Path
        Folder of accepted scans; made if it is not there.
    factory : callable
        Makes what screens, once in each worker process; must pickle.
    access : Access
    binding : Binding
    limits : Limits
    workers : int
        Processes.
    looks : callable or None
        Makes what takes first looks at scans that come line by line, once in each process for them; must pickle.
    started : callable
        Called with the address, once scans are taken.

    Raises
    ------
    ServiceError
        If others could reach the service and no token is asked of them, or it cannot start.
    BusyError
        If another service uses this spool.
    ModelError
        If the model is unknown or damaged, or was not measured at this false-alarm rate.
    """
    binding.check(access)
    folder = Spool(spool)
    with locked(folder.folder), listening(binding) as opened:
        server = Server(Desk(folder, factory, limits, workers, looks), access, binding)
        asyncio.run(run(server, opened, lambda: started(_address(opened, binding))))


@contextlib.contextmanager
def listening(binding: Binding) -> Iterator[socket.socket]:
    """The socket that a service listens on.

    Raises
    ------
    ServiceError
        If the address is not of this machine or the port is taken.
    """
    family = socket.AF_INET6 if ":" in binding.host else socket.AF_INET
    try:
        opened = socket.create_server((binding.host.strip("[]"), binding.port), family=family, backlog=1024)
    except OSError as error:
        raise ServiceError(
            f"listening on {binding.host}, port {binding.port}: {error.strerror or error}; give another --host or --port"
        ) from error
    with opened:
        yield opened


def _address(opened: socket.socket, binding: Binding) -> str:
    host, port = opened.getsockname()[:2]
    return f"{'https' if binding.speaks_tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


async def run(server: Server, opened: socket.socket, started: Callable[[], None] = lambda: None) -> None:
    """Serve on a socket until the server is told to stop.

    Raises
    ------
    XrayscanError
        If no worker process starts.
    """
    async with server.desk.at_work():
        started()
        await server.serve(sockets=[opened])
