"""Uploads on their way to the disk: a scan as the body, or a form with the scan, its sidecar and its calibration.

Nothing that a client sends is held in memory beyond one block, and none of its names becomes a path.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from xrayscan.batch.names import printable
from xrayscan.io.limits import MAX_SIDECAR_BYTES
from xrayscan.service.problem import RefusedError, disk_full, too_large
from xrayscan.service.settings import Limits
from xrayscan.service.worker import CALIBRATION, SIDECAR

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["BODIES", "PARTS", "Upload", "clean_name", "receive"]

BODIES = (
    "application/octet-stream",
    "application/dicom",
    "application/zip",
    "application/x-hdf5",
    "image/tiff",
    "image/png",
    "image/jpeg",
)
"""Media types of a scan that is the whole body; what it really is, its first bytes tell."""

PARTS = ("scan", "sidecar", *CALIBRATION)
"""Names of the parts of a form."""

_FORM = "multipart/form-data"
_BLOCK = 1 << 18  # bytes that are gathered before they are written
_LONGEST_NAME = 200
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_NOT_SUFFIXES = (".toml", ".json")


@dataclass(frozen=True)
class Upload:
    """What came.

    Attributes
    ----------
    file : str
        Name of the scan in its folder; ours.
    name : str
        What the client calls it, on one line.
    bytes : int [B]
    sha256, whole : str
        Of the scan's file, and of everything that came.
    """

    file: str
    name: str
    bytes: int
    sha256: str
    whole: str


def clean_name(name: str) -> str:
    r"""What a client calls a scan, as it is shown: on one line, short, and with nothing that steers a terminal.

    Examples
    --------
    >>> print(clean_name("C:\\lane 3\\0412.tif\r\nSet-Cookie: a"))
    C:\lane 3\0412.tif\r\nSet-Cookie: a
    """
    return printable(name)[:_LONGEST_NAME]


async def receive(chunks: AsyncIterator[bytes], content_type: str, folder: Path, name: str | None, limits: Limits) -> Upload:
    """Write an upload into a folder.

    Parameters
    ----------
    chunks : async iterator of bytes
        The request's body.
    content_type : str
    folder : Path
        Empty, and there.
    name : str or None
        What the client calls the scan; None takes the name of the form's file.
    limits : Limits

    Raises
    ------
    RefusedError
        If it is too large, too slow, of an unknown form, or broken, or the disk is full.
    """
    sink: _Sink | None = None
    try:
        sink = await asyncio.to_thread(_sink, content_type, folder)
        async for block in _blocks(_in_time(chunks, limits), limits.upload_bytes):
            await asyncio.to_thread(sink.write, block)
        upload = await asyncio.to_thread(sink.finish)
    except FormParserError as error:
        raise RefusedError(
            "malformed", f"the form cannot be read: {clean_name(str(error))}; send multipart/form-data"
        ) from error
    except OSError as error:
        raise disk_full() from error
    finally:
        if sink is not None:
            sink.close()
    return upload if name is None else replace(upload, name=clean_name(name))


async def _in_time(chunks: AsyncIterator[bytes], limits: Limits) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.upload_seconds
    while True:
        left = min(limits.idle_seconds, end - loop.time())
        try:
            async with asyncio.timeout(max(left, 0.0)):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise RefusedError(
                "too-slow",
                f"an upload may take {limits.upload_seconds:g} s, and {limits.idle_seconds:g} s without a byte; send it again",
                headers={"connection": "close"},
            ) from error
        if chunk is None:
            return
        yield chunk


async def _blocks(chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """The body in larger pieces, and no more of it than is taken."""
    gathered, total = bytearray(), 0
    async for chunk in chunks:
        total += len(chunk)
        if total > most:
            raise too_large(most)
        gathered += chunk
        if len(gathered) >= _BLOCK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


class _Sink(Protocol):
    def write(self, block: bytes) -> None: ...
    def finish(self) -> Upload: ...
    def close(self) -> None: ...


def _sink(content_type: str, folder: Path) -> _Sink:
    kind, options = parse_options_header(content_type)
    media = kind.decode("latin-1").lower()
    if media == _FORM:
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise RefusedError(
                "malformed", "the form's Content-Type names no boundary; let your HTTP library write that header"
            )
        return _Form(boundary, folder)
    if not media or media in BODIES:
        return _Body(folder)
    raise RefusedError(
        "unknown-form",
        f"a scan is sent as {_FORM} or as a body of {', '.join(BODIES)}; the request says {clean_name(media)!r}",
    )


@dataclass
class _File:
    """A file that is being written."""

    path: Path
    most: int | None = None
    size: int = 0
    head: bytes = b""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    stream: BinaryIO = field(init=False)

    def __post_init__(self) -> None:
        self.stream = self.path.open("xb")

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self.most is not None and self.size > self.most:
            raise RefusedError(
                "too-large", f"the sidecar is larger than {self.most} bytes; send long lines as parts of their own"
            )
        self.head = self.head or data[:64]
        self.digest.update(data)
        self.stream.write(data)

    def close(self) -> None:
        self.stream.close()


class _Body:
    """A scan that is the whole body."""

    def __init__(self, folder: Path) -> None:
        self._file = _File(folder / "scan")

    def write(self, block: bytes) -> None:
        self._file.write(block)

    def finish(self) -> Upload:
        self._file.close()
        if not self._file.size:
            raise RefusedError("malformed", "the body is empty; send the bytes of a scan")
        sha256 = self._file.digest.hexdigest()
        return Upload("scan", "scan", self._file.size, sha256, sha256)

    def close(self) -> None:
        self._file.close()


class _Form:
    """A form whose parts are a scan and what belongs to it."""

    def __init__(self, boundary: bytes, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._name = "scan"
        self._current: _File | None = None
        self._header, self._value = bytearray(), bytearray()
        self._headers: dict[str, bytes] = {}
        self._is_whole = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._into(self._header),
            "on_header_value": self._into(self._value),
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_file,
            "on_part_data": self._data,
            "on_part_end": self._end_file,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def write(self, block: bytes) -> None:
        self._parser.write(block)

    def finish(self) -> Upload:
        self._parser.finalize()
        if not self._is_whole:
            raise RefusedError("malformed", "the form ends before its last boundary; send it again")
        scan = self._files.get("scan")
        if scan is None or not scan.size:
            raise RefusedError(
                "malformed", "the form has no part 'scan' with the bytes of a scan; see the description at /openapi.json"
            )
        sidecar = self._files.get("sidecar")
        if sidecar is not None:
            kind = "json" if sidecar.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "toml"
            sidecar.path.rename(self._folder / f"{SIDECAR}.{kind}")
        whole = hashlib.sha256(repr(sorted((part, file.digest.digest()) for part, file in self._files.items())).encode())
        return Upload(scan.path.name, self._name, scan.size, scan.digest.hexdigest(), whole.hexdigest())

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    @staticmethod
    def _into(buffer: bytearray) -> Callable[[bytes, int, int], None]:
        def gather(data: bytes, start: int, end: int) -> None:
            buffer.extend(data[start:end])

        return gather

    def _end_header(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _begin_file(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        part = options.get(b"name", b"").decode("utf-8", "replace")
        if part not in PARTS:
            raise RefusedError("invalid", f"the form has a part {clean_name(part)!r}; its parts are {', '.join(PARTS)}")
        if part in self._files:
            raise RefusedError("invalid", f"the form has two parts {part!r}; send a request for each scan")
        path = self._folder / (f"{part}.npy" if part in CALIBRATION else part)
        if part == "scan":
            named = options.get(b"filename", b"").decode("utf-8", "replace")
            self._name = clean_name(named) or "scan"
            path = path.with_name(f"scan{_suffix(named)}")
        self._current = self._files[part] = _File(path, MAX_SIDECAR_BYTES if part == "sidecar" else None)

    def _data(self, data: bytes, start: int, end: int) -> None:
        assert self._current is not None
        self._current.write(data[start:end])

    def _end_file(self) -> None:
        if self._current is not None:
            self._current.close()

    def _end(self) -> None:
        self._is_whole = True


def _suffix(name: str) -> str:
    """The suffix of a client's name, where it is an ordinary one: some formats are told by it."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if _SUFFIX.fullmatch(suffix) and suffix not in _NOT_SUFFIXES else ""
