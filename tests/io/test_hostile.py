"""Files that lie: whatever is in them, the answer is a scan or a `ReadError`, soon and with little memory."""

from __future__ import annotations

import io
import random
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_tests import peak_of_reading, rows_named
from reference import chunk, png_bytes, ramp

import xrayscan.io
from xrayscan.errors import CorruptScanError, MissingDependencyError, ReadError
from xrayscan.io.limits import inflate

SIDE = 100_000
LITTLE = 8e6


def npy_header(text):
    header = text.ljust(117).encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def claiming_tiff():
    stream = io.BytesIO()
    tifffile.imwrite(stream, ramp()[0], photometric="minisblack", compression="zlib", rowsperstrip=SIDE)
    stream.seek(0)
    with tifffile.TiffFile(stream, mode="r+") as tif:
        for code in (256, 257):
            tif.pages[0].tags[code].overwrite(SIDE)
    return stream.getvalue()


def bomb_tiff():
    """A sound page of 10 x 10 pixels whose strip inflates to 64 MB."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((10, 10), np.uint16), photometric="minisblack", compression="zlib")
    bomb, start = zlib.compress(bytes(64_000_000), 9), len(stream.getvalue())
    stream.seek(start)
    stream.write(bomb)
    stream.seek(0)
    with tifffile.TiffFile(stream, mode="r+") as tif:
        tif.pages[0].tags[273].overwrite(start)
        tif.pages[0].tags[279].overwrite(len(bomb))
    return stream.getvalue()


def archive(compressed=True, **members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as target:
        for name, data in members.items():
            target.writestr(f"{name}.npy", data)
    return stream.getvalue()


CLAIM = f"{{'descr': '<u2', 'fortran_order': False, 'shape': ({SIDE}, {SIDE}), }}"
HUGE_PNG = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 0, 0, 0, 0)
HUGE_JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"
BOMB = zlib.compress(bytes(64_000_000), 9)


LIARS = {
    "claim.tif": (claiming_tiff(), "claims 100000 x 100000"),
    "bomb.tif": (bomb_tiff(), "go on after the 200 bytes expected"),
    "claim.png": (png_bytes(ramp()[0])[:8] + chunk(b"IHDR", HUGE_PNG) + chunk(b"IEND", b""), "claims 100000 x 100000"),
    "bomb.png": (png_bytes(ramp()[0])[:33] + chunk(b"IDAT", BOMB) + chunk(b"IEND", b""), "go on after"),
    "length.png": (png_bytes(ramp()[0])[:33] + b"\xff\xff\xff\xffIDAT" + bytes(200), "cut off"),
    "claim.jpg": (HUGE_JPEG + bytes(1000) + b"\xff\xd9", "claims 65535 x 65535"),
    "claim.npy": (npy_header(CLAIM) + bytes(1000), "claims 100000 x 100000"),
    "less.npy": (npy_header(CLAIM.replace("100000, 100000", "10, 10")) + bytes(199), "that is 200 bytes, and holds 199"),
    "more.npy": (npy_header(CLAIM.replace("100000, 100000", "10, 10")) + bytes(201), "that is 200 bytes, and holds 201"),
    "negative.npy": (npy_header(CLAIM.replace("100000, 100000", "-10, 10")) + bytes(200), "does not describe one array"),
    "object.npy": (npy_header(CLAIM.replace("<u2", "|O")) + bytes(200), "never objects"),
    "complex.npy": (npy_header(CLAIM.replace("<u2", "<c8")) + bytes(200), "holds '<c8'; expected integers or real floats"),
    "code.npy": (npy_header("{'descr': __import__('os').system('true')}"), "does not describe one array"),
    "nested.npy": (npy_header("(" * 100), "does not describe one array"),
    "record.npy": (npy_header("{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (3,), }"), "does not describe"),
    "odd.npy": (npy_header(CLAIM.replace("<u2", "<u3")) + bytes(200), "damaged .npy header"),
    "overflow.npy": (npy_header(CLAIM.replace("100000, 100000", "9" * 30)) + bytes(200), "up to 400000000 are read"),
    "empty.npy": (npy_header(CLAIM.replace("100000, 100000", "0, 10")), "every side must be 1 or more"),
    "line.npy": (npy_header(CLAIM.replace("100000, 100000", "10,")) + bytes(20), r"its pixels have shape \(10,\)"),
    "volume.npy": (npy_header(CLAIM.replace("100000, 100000", "20, 2, 2")) + bytes(160), "that is 20 energies"),
    "nan.npy": (
        npy_header(CLAIM.replace("<u2", "<f4").replace("100000, 100000", "2, 2")) + b"\0\0\xc0\x7f" * 4,
        "none of its pixels",
    ),
    "bool.npy": (npy_header(CLAIM.replace("<u2", "|b1").replace("100000, 100000", "2, 2")) + bytes(4), "its pixels are bool"),
    "claim.npz": (archive(pixels=npy_header(CLAIM) + bytes(1000)), "claims 100000 x 100000"),
    "bomb.npz": (archive(pixels=npy_header(CLAIM) + bytes(64_000_000)), "claims 100000 x 100000"),
    "none.npz": (archive(picture=npy_header(CLAIM)), "expected an array named 'pixels'"),
    "slip.npz": (archive(pixles=npy_header(CLAIM)), "'pixles', which looks like a slip of 'pixels'"),
    "text.npz": (archive(pixels=b"hello there, no array"), "is no .npy data"),
    "short.npz": (archive(pixels=npy_header(CLAIM))[:40], "the archive is damaged"),
}


@pytest.mark.parametrize("name", LIARS)
def test_liars_are_found_out_soon_and_with_little_memory(tmp_path, capfd, name):
    data, message = LIARS[name]
    path = tmp_path / name
    path.write_bytes(data)
    start = time.monotonic()
    with pytest.raises(CorruptScanError, match=message):
        xrayscan.io.read(path)
    assert peak_of_reading(path) < LITTLE + len(data)
    assert time.monotonic() - start < 10
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("quantity", "hounsfield", "'quantity' is 'hounsfield'; expected one of counts"),
        ("quantity", 3, "its 'quantity' holds '<i8'"),
        ("pixel_pitch", [1.0, 2.0, 3.0], r"its 'pixel_pitch' has shape \(3,\)"),
        ("saturation", True, "its 'saturation' has shape .* of bool"),
        ("energies", ["e"] * 40, "it names 40 energies; up to 16 are read"),
        ("air", [None], "never objects"),
    ],
)
def test_npz_values_of_the_wrong_kind(tmp_path, key, value, message):
    path = tmp_path / "a.npz"
    stored = np.array(value, object) if value == [None] else np.array(value)
    np.savez(path, pixels=ramp(), **{key: stored})
    with pytest.raises(CorruptScanError, match=message):
        xrayscan.io.read(path)


def test_npz_leaves_other_arrays_alone(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, truth=np.array([{}], object), pixels=ramp(energies=2), energies=["low", "high"])
    view = xrayscan.io.read(path).view
    np.testing.assert_array_equal(view.pixels, ramp(energies=2)[::-1])


def test_inflate_keeps_its_bounds():
    data = zlib.compress(bytes(100))
    assert inflate(data, least=50, most=100) == bytes(100)
    with pytest.raises(ValueError, match="go on after the 99 bytes expected"):
        inflate(data, least=50, most=99)
    with pytest.raises(ValueError, match="end after 100 of 101 bytes"):
        inflate(data, least=101, most=200)
    with pytest.raises(ValueError, match="are damaged"):
        inflate(data[:-1] + b"?", least=100, most=100)


MUTATED = tuple(
    rows_named("deflate.tif", "tiles.tif", "bigtiff.tif", "interlaced.png", "rgb.png", "flat.jpg", "two.npy", "two.npz")
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    return [row.make(folder).read_bytes() for row in MUTATED]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, len(MUTATED) - 1), seed=st.integers(0, 2**32), head=st.booleans(), cut=st.booleans())
def test_mutated_files_are_scans_or_read_errors(tmp_path, sound, which, seed, head, cut):
    """Bytes are changed, mostly where the structure is; nothing but a `Scan` or an error of our tree may come out."""
    chance = random.Random(seed)
    data = bytearray(sound[which])
    for _ in range(chance.choice((1, 2, 8))):
        data[chance.randrange(min(len(data), 300 if head else len(data)))] = chance.choice(
            (0, 1, 127, 255, chance.randrange(256))
        )
    if cut:
        del data[chance.randrange(len(data)) :]
    path = tmp_path / f"a{MUTATED[which].name[-4:]}"
    path.write_bytes(data)
    try:
        scan = xrayscan.io.read(path)
    except (ReadError, MissingDependencyError):
        return
    assert scan.view.pixels.nbytes < 10_000_000
