"""DICOM files that lie: the answer is an image or an error of our tree, soon and with little memory."""

from __future__ import annotations

import contextlib
import random
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_files import CR, encoded, image, ramp

from xrayscan.errors import CorruptScanError, MissingDependencyError, ReadError
from xrayscan.io import dicom
from xrayscan.io.file import ScanFile
from xrayscan.report.tdr import ThreatReport, read_tdr

META = encoded(image(ramp(np.uint16)))
START = 144 + int.from_bytes(META[140:144], "little")


def outcome(data):
    """The contents, or the error, with the seconds and the bytes that it took."""
    tracemalloc.start()
    began = time.perf_counter()
    try:
        found = dicom.read(ScanFile(Path("a.dcm"), bytes(data)))
    except (ReadError, MissingDependencyError) as error:
        found = error
    seconds, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, seconds, peak


def claiming(**said):
    return encoded(image(ramp(np.uint16), **said))


def nested(depth, length):
    """Sequences in each other, of undefined length or of the length that is there."""
    if length is None:
        return b"\x09\x00\x10\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * depth
    body = b""
    for _ in range(depth):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(body)) + body
        body = b"\x09\x00\x10\x00SQ\0\0" + struct.pack("<I", len(item)) + item
    return body


def deflated(data_set):
    whole = encoded(image(ramp(np.uint16)), "deflated")
    start = 144 + int.from_bytes(whole[140:144], "little")
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return whole[:start] + stream.compress(data_set) + stream.flush()


LONG = b"\x09\x00\x10\x10OB\0\0"
BOMB = META[START:-320] + b"\xe0\x7f\x10\x00OW\0\0"
ROWS = [struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, rows) for rows in (11, 65000)]
LIARS = {
    "rows": (claiming(Rows=60000, Columns=60000), "claims 1 x 60000 x 60000"),
    "frames": (claiming(NumberOfFrames=2_000_000_000), "up to 400000000 are read"),
    "more": (claiming(Rows=12), "that is 336 bytes, and there are 308"),
    "less": (claiming(Rows=10), "that is 280 bytes, and there are 308"),
    "none": (claiming(Rows=0), "every side must be 1 or more"),
    "bits": (claiming(BitsAllocated=12), "12 bits allocated"),
    "stored": (claiming(BitsStored=17), "17 bits stored"),
    "long": (META[:START] + LONG + b"\xff\xff\xff\x7f" + bytes(99), "reaches to byte"),
    "endless": (META[:START] + LONG + b"\xff\xff\xff\xff" + bytes(99), "of type OB has no length"),
    "deep": (META[:START] + nested(5000, None), "nested more than 32 deep"),
    "deflate bomb": (deflated(BOMB + b"\xff\xff\xff\x7f" + bytes(80_000_000)), "deflated element .* reaches to byte"),
    "deflate tail": (deflated(META[START:] + bytes(80_000_000)), "do not end where its pixels do|it is damaged"),
    "no pixels": (META[: START + 60], "reaches to byte|without pixels|ends within"),
    "meta": (META[:150], "reaches to byte|cut off|ends"),
    "rle": (encoded(image(ramp(np.uint16)), "rle").replace(ROWS[0], ROWS[1]), "no picture is that even"),
}


@pytest.mark.parametrize("name", LIARS)
def test_liars_are_found_out_soon_and_with_little_memory(name):
    data, message = LIARS[name]
    found, seconds, peak = outcome(data)
    assert isinstance(found, ReadError)
    with pytest.raises(ReadError, match=message):
        raise found
    assert str(found).startswith("reading a.dcm: ")
    assert seconds < 5
    assert peak < 12e6 + len(data)


def test_deep_sequences_of_known_length_are_passed_over():
    found, _, _ = outcome(META[:START] + nested(3000, 0) + META[START:])
    np.testing.assert_array_equal(found.pixels[0], ramp(np.uint16))


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big", "deflated", "rle"])
def test_cut_off_anywhere_is_an_error(syntax):
    data = encoded(image(ramp(np.uint16)), syntax)
    for length in range(132, len(data), 3):
        found, _, _ = outcome(data[:length])
        assert isinstance(found, ReadError), length


def seeds():
    made = [encoded(image(ramp(np.uint16)), syntax) for syntax in ("explicit", "implicit", "big", "deflated", "rle")]
    made.append(encoded(image(ramp(np.uint16, (3, 11, 14))), "rle"))
    made.append(encoded(image(ramp(np.float32), wide=True)))
    palette = image(ramp(np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for color in ("Red", "Green", "Blue"):
        setattr(palette, f"{color}PaletteColorLookupTableDescriptor", [64, 0, 8])
        setattr(palette, f"{color}PaletteColorLookupTableData", bytes(64))
    made.append(encoded(palette))
    said = {"RescaleSlope": "2", "RescaleIntercept": "1", "PixelPaddingValue": 3, "ImagerPixelSpacing": [5, 5], "KVP": "6000"}
    made.append(encoded(image(ramp(np.int16), PhotometricInterpretation="MONOCHROME1", **said)))
    made.append(encoded(image(np.repeat(ramp(np.uint8)[..., None], 3, 2), sop=CR), "implicit"))
    return made


def mutated(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(132, len(data))
        data[at] = chance.choice((0, 1, 127, 255, data[at] ^ (1 << chance.randrange(8)), chance.randrange(256)))
    if chance.random() < 0.2:
        at, length = chance.randrange(132, len(data)), chance.randrange(40)
        data[at : at + length] = b"" if chance.random() < 0.5 else data[at : at + length] * 2
    return bytes(data)


def test_mutated_files_are_images_or_read_errors():
    chance, made = random.Random(20260102), seeds()
    opened = 0
    for number in range(4000):
        data = mutated(made[number % len(made)], chance)
        began = time.perf_counter()
        try:
            found = dicom.read(ScanFile(Path("a.dcm"), data))
        except (ReadError, MissingDependencyError) as error:
            found = error
        if isinstance(found, Exception):
            assert str(found).startswith("reading a.dcm: ")
        else:
            opened += 1
            assert found.pixels.nbytes < 1_000_000
        assert time.perf_counter() - began < 2
    assert 400 < opened < 3600


def test_mutated_reports_are_reports_or_read_errors(tmp_path, shared):
    originals = [path.read_bytes() for path in sorted((shared / "dicos").rglob("*TDR*.dcs"))]
    assert originals
    chance, path = random.Random(7), tmp_path / "a.dcs"
    for number in range(800):
        path.write_bytes(mutated(originals[number % len(originals)], chance))
        with contextlib.suppress(ReadError):
            assert isinstance(read_tdr(path), ThreatReport)


def test_errors_name_what_to_do():
    with pytest.raises(CorruptScanError, match="copy it again"):
        dicom.read(ScanFile(Path("a.dcm"), META[:-40]))
