"""Scans that come line by line over a WebSocket: first looks while they come, and in the end a scan like any other.

Lines are written to the disk as they come, and read no faster than that. When the sender closes the scan it is accepted as an
upload is; when the sender vanishes before, there was no scan.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from xrayscan.first_look import hop_columns
from xrayscan.service.description import status_of
from xrayscan.service.desk import Desk
from xrayscan.service.lines import Lines, LinesFile
from xrayscan.service.look import Seen, Sight
from xrayscan.service.lookers import Looker
from xrayscan.service.problem import RefusedError, disk_full
from xrayscan.service.record import Record
from xrayscan.service.upload import Upload

__all__ = ["PATH", "add_lines"]

PATH = "/v1/lines"
_ROOM_EVERY = 1 << 24  # bytes that are written until the room on the disk is looked at again


def add_lines(app: FastAPI, desk: Desk) -> None:
    """Let scans come line by line."""

    @app.websocket(PATH)
    async def lines(socket: WebSocket) -> None:
        async with desk.stream() as (folder, looker):
            await socket.accept()
            record = await _Stream(socket, desk, folder, looker).scan()
        await socket.send_json({"scan": status_of(record)})
        await socket.close()

    @app.get(PATH, include_in_schema=False)
    async def no_lines(request: Request) -> Response:
        headers = {"upgrade": "websocket", "connection": "upgrade"}
        raise RefusedError("upgrade", "lines come over a WebSocket; open one at this address: docs/service.md", headers=headers)


class _Stream:
    """One scan that comes.

    Parameters
    ----------
    socket : WebSocket
        Accepted.
    desk : Desk
    folder : Path
        Of its upload; its name is the scan's id.
    looker : Looker or None
        What takes first looks.
    """

    def __init__(self, socket: WebSocket, desk: Desk, folder: Path, looker: Looker | None) -> None:
        self._socket, self._desk, self._folder, self._looker = socket, desk, folder, looker
        self._limits = desk.limits
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + self._limits.stream_seconds
        self._looking: asyncio.Future[Seen] | None = None
        self._looked = 0  # columns of the last look
        self._roomy = 0  # bytes that were there when the room was looked at

    async def scan(self) -> Record:
        """The record of the scan, once it is closed and accepted.

        Raises
        ------
        RefusedError
            If what comes is not taken.
        WebSocketDisconnect
            If the sender vanishes.
        """
        text = (await self._message()).get("text")
        if text is None:
            raise RefusedError("malformed", "the first message is binary; send what the scan is first, as JSON text")
        lines = await asyncio.to_thread(Lines.from_text, text)
        key = hashlib.sha256(lines.key.encode("utf-8", "surrogatepass")).hexdigest() if lines.key else ""
        with self._desk.once(key) as known:
            upload: Upload | None = None
            try:
                with contextlib.closing(LinesFile(lines, self._folder / "input", self._limits.upload_bytes)) as file:
                    while upload is None:
                        message = await self._message()
                        upload = await self._taken(file, message)
            except OSError as error:
                raise disk_full() from error
            return await self._desk.submit(self._folder.name, upload, None, key, known)

    async def _taken(self, file: LinesFile, message: dict[str, Any]) -> Upload | None:
        """The upload, if this message is its end."""
        try:
            if message.get("bytes") is None:
                _check_close(message["text"])
                return await asyncio.to_thread(file.finish)
            file.add(message["bytes"])
        except RefusedError as refusal:
            if refusal.kind != "gap":
                raise
            await self._socket.send_json(refusal.told)  # those lines were not taken in; they may come again
            return None
        due = self._is_due(file)
        if file.is_full or due:
            await self._check_room(file)
            await asyncio.to_thread(file.write)
        if due:
            self._look(file)
        return None

    async def _message(self) -> dict[str, Any]:
        """The next message; what first looks find meanwhile is told."""
        end = min(self._end, self._loop.time() + self._limits.line_seconds)
        receiving: asyncio.Future[Any] = asyncio.ensure_future(self._socket.receive())
        try:
            while not receiving.done():
                left = end - self._loop.time()
                if left <= 0:
                    raise _too_slow(self._limits.stream_seconds, self._limits.line_seconds)
                awaited = {receiving} if self._looking is None else {receiving, self._looking}
                await asyncio.wait(awaited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if self._looking is not None and self._looking.done():
                    seen, self._looking = self._looking.result(), None
                    await self._tell(seen)
        finally:
            receiving.cancel()
        message: dict[str, Any] = receiving.result()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"], message.get("reason"))
        return message

    async def _tell(self, seen: Seen) -> None:
        if not seen.problem:  # where nothing was found, that too is told: the sender knows that it is looked at
            await self._socket.send_json({"early": seen.findings, "columns": self._looked})
        else:
            self._looker = None
            said = f"there are no first looks any more: {seen.problem}; the stream goes on, and the report has the last word"
            await self._socket.send_json({"notice": said})

    def _is_due(self, file: LinesFile) -> bool:
        """Whether it is time for a first look, and the last one is done: what comes too fast is looked at later, at once."""
        hop = hop_columns(file.lines.pitch)
        return self._looker is not None and self._looking is None and file.columns >= (self._looked // hop + 1) * hop

    def _look(self, file: LinesFile) -> None:
        assert self._looker is not None
        self._looked = file.written
        self._looking = self._looker.look(Sight(self._folder.name, file.path, file.lines, file.written, list(file.lost)))

    async def _check_room(self, file: LinesFile) -> None:
        """Refuse what would leave too little room on the disk."""
        size = file.columns * file.lines.line_bytes
        if size - self._roomy >= _ROOM_EVERY:
            self._roomy = size
            if await asyncio.to_thread(self._desk.spool.free) - file.pending < self._limits.free_bytes:
                raise disk_full()


def _check_close(text: str) -> None:
    """Refuse a text message that is not the end.

    Raises
    ------
    RefusedError
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if said != {"close": True}:
        raise RefusedError("malformed", 'a text message came that is no {"close": true}; lines come as binary messages')


def _too_slow(whole: float, line: float) -> RefusedError:
    return RefusedError("too-slow", f"a stream may take {whole:g} s, and {line:g} s without a message; send the scan again")
