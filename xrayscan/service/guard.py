"""The door: every request and every stream passes it. Whoever has no token gets nothing; what goes wrong becomes a problem."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from xrayscan.service.metrics import Metrics
from xrayscan.service.problem import RefusedError
from xrayscan.service.settings import Access, is_loopback

__all__ = ["Guard"]

logger = logging.getLogger(__name__)

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_SEND_SECONDS = 60.0  # for a client to take the next piece of an answer
_REST = 16 << 20, 1.0  # bytes and seconds for the body of a request that is not let in
_CLOSE = 4000  # of a WebSocket: this and the status that HTTP would give
_RESTART = 1012  # the close code of a service that stops (IANA's list of close codes)
_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY"})


class Guard:
    """Asks for the token, counts, logs, and turns what nobody expected into a problem.

    Log lines hold the route and never what a client wrote.

    Parameters
    ----------
    app : ASGI application
    access : Access
    metrics : Metrics
    """

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics) -> None:
        self._app, self._access, self._metrics = app, access, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let one stream in.

        Raises
        ------
        ValueError
            If a connection is of any other kind: nobody asks it for a token.
        """
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            raise ValueError(f"a connection of kind {scope['type']!r} came; expected http or websocket, others are not let in")
        began = time.perf_counter()
        answer = _Answer(send) if scope["type"] == "http" else _SocketAnswer(send, scope)
        try:
            self._admit(scope)
            await self._app(scope, receive, answer)
        except RefusedError as refusal:
            if scope["type"] == "http" and "connection" in refusal.headers:
                await _let_go(scope, receive)
            await answer.refuse(refusal)
        except (ClientDisconnect, WebSocketDisconnect, _NotTakenError) as gone:
            if getattr(gone, "code", None) == _RESTART:
                answer.status = _RESTART  # it was this service that went
            else:
                self._metrics.vanished.inc()
        except Exception:  # a fault of ours must be one answer and one line of the log, and never end the service
            self._metrics.faults.inc()
            logger.exception("a request to %s failed", _route(scope))
            await answer.refuse(
                RefusedError("fault", "the service is at fault, and its log says more; tell its operator the time")
            )
        seconds = time.perf_counter() - began
        said = scope.get("method", "GET")
        method = said if said in _METHODS else "other"
        self._metrics.requests.labels(_route(scope), method, str(answer.status)).observe(seconds)
        if answer.kind:
            self._metrics.refused.labels(answer.kind).inc()
        logger.info("%s %s: %s, %.0f ms", method, _route(scope), answer.status or "client gone", 1e3 * seconds)

    def _admit(self, scope: Scope) -> None:
        """Let a request in.

        Raises
        ------
        RefusedError
            If it has no token and needs one; or none is needed, and it comes by way of a web page of somebody else.
        """
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if self._access:
            if not self._access.allows(headers.get(b"authorization", "")):
                raise RefusedError(
                    "unauthorized",
                    "send the header 'Authorization: Bearer TOKEN' with the token that the operator of this service gave you",
                    headers={"www-authenticate": 'Bearer realm="xrayscan"', "connection": "close"},
                )
            return
        # Without a token only this machine may come, and a browser on it could be made to: by another page, or another name.
        if not _is_at_home(headers.get(b"host", ""), headers.get(b"origin")):
            raise RefusedError(
                "foreign-origin",
                "without a token the service answers programs of its own machine only; ask for http://127.0.0.1, or set one",
                headers={"connection": "close"},
            )


async def _let_go(scope: Scope, receive: Receive) -> None:
    """Take what is left of a request's body, within limits.

    A connection that is closed before all of it was taken is reset, and who still sends never sees why (RFC 9112, 9.6). Whoever
    asks first whether to send is told not to.
    """
    if any(name == b"expect" for name, _ in scope["headers"]):
        return
    most, seconds = _REST
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            more = True
            while more and most > 0:
                message = await receive()
                more = bool(message.get("more_body", False))
                most -= len(message.get("body", b""))


def _is_at_home(host: str, origin: str | None) -> bool:
    """Whether a request asks this machine by its own name, and comes from no page but its own."""
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "") and (origin is None or urlsplit(origin).netloc == host)
    except ValueError:  # what is no address is no address of ours
        return False


class _NotTakenError(Exception):
    """A client does not take its answer."""


class _Answer:
    """What is sent, its status and the kind of its problem."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.kind = ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kinds = [value.decode("latin-1") for name, value in message["headers"] if name == b"x-problem"]
            self.kind = kinds[0] if kinds else ""
            kept = [pair for pair in message["headers"] if pair[0] != b"x-problem"]
            message = {**message, "headers": [*kept, *_HEADERS]}
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._send(message)
        except TimeoutError as error:
            raise _NotTakenError from error

    async def refuse(self, refusal: RefusedError) -> None:
        """Answer with a problem, if nothing was answered yet."""
        if self.status:
            return
        headers = {**refusal.headers, "content-length": str(len(refusal.body)), "x-problem": refusal.kind}
        raw: Any = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self({"type": "http.response.start", "status": refusal.status, "headers": raw})
        await self._send({"type": "http.response.body", "body": refusal.body})


class _SocketAnswer(_Answer):
    """What is sent over a WebSocket: a problem is an answer in HTTP before it is opened, then a message and a close code."""

    def __init__(self, send: Send, scope: Scope) -> None:
        super().__init__(send)
        self._can_answer = "websocket.http.response" in scope.get("extensions", {})

    async def __call__(self, message: Message) -> None:
        if message["type"] == "websocket.close" and not self.status:
            detail = "there is no WebSocket at this address; lines of a scan go to /v1/lines"
            await self.refuse(RefusedError("not-found", detail))
            return
        if message["type"] == "websocket.accept":
            self.status = 101
        elif message["type"] == "websocket.close":
            self.status = message.get("code", 1000)
        try:
            await super().__call__(message)
        except OSError as error:  # the client went away before it was let in
            raise _NotTakenError from error

    async def refuse(self, refusal: RefusedError) -> None:
        """Tell a problem, and close."""
        if self.status not in (0, 101):
            return
        with contextlib.suppress(OSError, _NotTakenError):  # whoever is gone does not hear it
            if self.status == 0:
                await self._deny(refusal)
                return
            self.kind = refusal.kind
            await self({"type": "websocket.send", "text": json.dumps(refusal.told)})
            await self({"type": "websocket.close", "code": _CLOSE + refusal.status, "reason": refusal.kind})

    async def _deny(self, refusal: RefusedError) -> None:
        self.status, self.kind = refusal.status, refusal.kind
        if not self._can_answer:
            await self._send({"type": "websocket.close", "code": _CLOSE + refusal.status, "reason": refusal.kind})
            return
        headers = {**refusal.headers, "content-length": str(len(refusal.body)), "connection": "close"}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        start = {"type": "websocket.http.response.start", "status": refusal.status, "headers": [*raw, *_HEADERS]}
        await self._send(start)
        await self._send({"type": "websocket.http.response.body", "body": refusal.body})


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unknown"))
