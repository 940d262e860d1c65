"""Uploads in pieces of every size: what arrives on the disk is what was sent, and never more than is taken."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xrayscan.service.problem import RefusedError
from xrayscan.service.settings import Limits
from xrayscan.service.upload import Upload, receive

FORM = "multipart/form-data; boundary=edge"


async def pieces(content: bytes, size: int, pause: float = 0.0) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        await asyncio.sleep(pause)
        yield content[start : start + size]


def received(folder: Path, content: bytes, kind: str = "", size: int = 7, pause: float = 0.0, **limits: float) -> Upload:
    return asyncio.run(receive(pieces(content, size, pause), kind, folder, None, Limits(**limits)))  # type: ignore[arg-type]


def form(**parts: tuple[str, bytes]) -> bytes:
    head = 'Content-Disposition: form-data; name="{}"; filename="{}"\r\n\r\n'
    whole = [b"--edge\r\n" + head.format(part, name).encode() + content + b"\r\n" for part, (name, content) in parts.items()]
    return b"".join(whole) + b"--edge--\r\n"


@given(scan=st.binary(min_size=1, max_size=600), air=st.binary(max_size=300), size=st.integers(1, 1000))
def test_every_byte_arrives_however_it_is_cut(scan: bytes, air: bytes, size: int) -> None:
    if b"--edge" in scan + air:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upload = received(folder, form(air=("a", air), scan=("06.raw", scan)), FORM, size)
        assert (upload.file, upload.name, upload.bytes) == ("scan.raw", "06.raw", len(scan))
        assert upload.sha256 == hashlib.sha256(scan).hexdigest()
        assert (folder / "scan.raw").read_bytes() == scan
        assert (folder / "air.npy").read_bytes() == air


@given(content=st.binary(max_size=2000), size=st.integers(1, 100))
def test_garbage_in_a_form_is_refused(content: bytes, size: int) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.raises(RefusedError, match=r"the form|its parts are"):
        received(Path(name), b"--edge\r\n" + content, FORM, size)


@pytest.mark.parametrize(
    ("named", "file"),
    [
        ("0412.TIF", "scan.tif"), ("../../etc/passwd", "scan"), ("a/b.raw", "scan.raw"), ("x.toml", "scan"), ("x.JSON", "scan"),
        ("x.verylongsuffix", "scan"), ("x.t f", "scan"), ("x.a\u202eb", "scan"), (".hidden", "scan"), ("", "scan"),
    ],
)  # fmt: skip
def test_of_a_clients_name_only_an_ordinary_suffix_is_used(tmp_path: Path, named: str, file: str) -> None:
    upload = received(tmp_path, form(scan=(named, b"1")), FORM)
    assert upload.file == file
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert upload.name.isprintable()


def test_the_limit_holds_to_the_byte(tmp_path: Path) -> None:
    assert received(tmp_path, bytes(100), upload_bytes=100).bytes == 100
    (tmp_path / "scan").unlink()
    with pytest.raises(RefusedError, match="an upload may have 100 bytes"):
        received(tmp_path, bytes(101), upload_bytes=100)


def test_a_sidecar_is_small(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="the sidecar is larger than 4194304 bytes; send long lines as parts of their own"):
        received(tmp_path, form(scan=("a", b"1"), sidecar=("a", bytes(4194305))), FORM, 1 << 20)


def test_slow_writers_are_cut_off_in_the_end(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"an upload may take 0\.2 s, and 5 s without a byte"):
        received(tmp_path, bytes(1000), size=1, pause=0.01, upload_seconds=0.2, idle_seconds=5.0)


def test_memory_does_not_grow_with_the_upload(tmp_path: Path) -> None:
    import tracemalloc

    async def zeros() -> AsyncIterator[bytes]:
        for _ in range(640):
            yield bytes(1 << 16)

    tracemalloc.start()
    try:
        upload = asyncio.run(receive(zeros(), "", tmp_path, None, Limits()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert upload.bytes == 640 << 16
    assert peak < 4 << 20
