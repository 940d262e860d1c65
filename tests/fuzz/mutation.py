"""Damage that files suffer, and that attackers do: the same seed gives the same damage."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib

__all__ = ["damaged", "deep", "mutated"]

EXTREMES = (0, 1, 2, 7, 8, 9, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (
    b"../../etc/passwd", b"\x00", b"nan", b"inf", b"-1", b"1e999", b"9" * 30, b"[" * 400, b"{" * 400, b"\xff" * 64,
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>&b;", b"cos\nsystem\n(S'true'\ntR.", b"0x7fffffff", b"\n[", b'"""',
)  # fmt: skip


def damaged(data: bytes, rng: random.Random, others: tuple[bytes, ...] = ()) -> bytes:
    """One to six kinds of damage to a file's bytes."""
    out = bytearray(data)
    for _ in range(min(6, 1 + int(rng.expovariate(0.8)))):
        if not out:
            break
        at = rng.randrange(len(out))
        if rng.random() < 0.5:
            at = min(at, rng.randrange(1, 600))  # headers lie at the beginning, and are what readers believe
        at = min(at, len(out) - 1)
        _KINDS[rng.randrange(len(_KINDS))](out, at, rng, others)
    return bytes(out)


def deep(data: bytes, rng: random.Random, others: tuple[bytes, ...] = ()) -> bytes:
    """Damage behind a checksum: members of an archive before they are packed, chunks of a PNG with their sums set right."""
    if data.startswith(b"PK\x03\x04"):
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
            chosen = rng.choice(source.namelist())
            for name in source.namelist():
                content = source.read(name)
                if name == chosen:
                    content = damaged(content, rng, others)
                    name = rng.choice((name, name, name, name, "../" + name, "/" + name, name.upper()))
                target.writestr(name, content)
        return stream.getvalue()
    if data.startswith(b"\x89PNG"):
        out = bytearray(damaged(data, rng, others))
        at = 8
        while at + 12 <= len(out):
            length = int.from_bytes(out[at : at + 4], "big")
            end = at + 8 + length
            if end + 4 > len(out):
                break
            out[end : end + 4] = struct.pack(">I", zlib.crc32(out[at + 4 : end]))
            at = end + 4
        return bytes(out)
    return damaged(data, rng, others)


def mutated(seed: dict[str, bytes], rng: random.Random, others: tuple[bytes, ...] = ()) -> dict[str, bytes]:
    """A seed with one of its files damaged, mostly the scan itself."""
    names = list(seed)
    chosen = names[0] if len(names) == 1 or rng.random() < 0.5 else rng.choice(names)
    harm = deep if rng.random() < 0.5 else damaged
    return {name: harm(data, rng, others) if name == chosen else data for name, data in seed.items()}


def _bit(out: bytearray, at: int, rng: random.Random, _others: tuple[bytes, ...]) -> None:
    out[at] ^= 1 << rng.randrange(8)


def _byte(out: bytearray, at: int, rng: random.Random, _others: tuple[bytes, ...]) -> None:
    out[at] = rng.randrange(256)


def _number(out: bytearray, at: int, rng: random.Random, _others: tuple[bytes, ...]) -> None:
    """An extreme number over 2, 4 or 8 bytes, of either byte order."""
    code = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    size = struct.calcsize(code)
    value = rng.choice(EXTREMES) % (1 << (8 * size))
    out[at : at + size] = struct.pack(code, value)[: max(0, len(out) - at)]


def _cut(out: bytearray, at: int, _rng: random.Random, _others: tuple[bytes, ...]) -> None:
    del out[at:]


def _drop(out: bytearray, at: int, rng: random.Random, _others: tuple[bytes, ...]) -> None:
    del out[at : at + rng.choice((1, 2, 4, 8, 64, 512))]


def _repeat(out: bytearray, at: int, rng: random.Random, _others: tuple[bytes, ...]) -> None:
    part = bytes(out[at : at + rng.choice((1, 4, 16, 64, 512))])
    out[at:at] = part * rng.choice((1, 2, 16))


def _fill(out: bytearray, at: int, rng: random.Random, _others: tuple[bytes, ...]) -> None:
    size = min(rng.choice((4, 16, 128)), len(out) - at)
    out[at : at + size] = bytes([rng.choice((0, 255, 0x41))]) * size


def _word(out: bytearray, at: int, rng: random.Random, _others: tuple[bytes, ...]) -> None:
    word = rng.choice(WORDS)
    if rng.random() < 0.5:
        out[at : at + len(word)] = word
    else:
        out[at:at] = word


def _splice(out: bytearray, at: int, rng: random.Random, others: tuple[bytes, ...]) -> None:
    """A part of another file, which may be of another format."""
    if others:
        other = rng.choice(others)
        start = rng.randrange(len(other))
        out[at : at + 256] = other[start : start + rng.choice((8, 64, 256))]


_KINDS = (_bit, _byte, _byte, _number, _number, _number, _cut, _drop, _repeat, _fill, _word, _splice)
