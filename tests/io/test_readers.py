"""Every reader against the reference table, and what is its own."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from reader_tests import ImageReaderTests, ReaderTests
from reference import COLUMNS, ROWS, TABLE, chunk, png_bytes, ramp

import xrayscan.io
from xrayscan.errors import CorruptScanError, MissingDependencyError, ReadError
from xrayscan.io.color import luminance


class TestTiff(ImageReaderTests):
    reader, sound, suffixes = "tiff", "deflate.tif", (".tif",)


class TestPng(ImageReaderTests):
    reader, sound, suffixes = "png", "gray16.png", (".png",)


class TestJpeg(ImageReaderTests):
    reader, sound, suffixes = "jpeg", "flat.jpg", (".jpg",)


class TestNpy(ImageReaderTests):
    reader, sound, suffixes = "npy", "two.npy", (".npy",)


class TestNpz(ImageReaderTests):
    reader, sound, suffixes = "npz", "two.npz", (".npz",)


class TestRaw(ReaderTests):
    reader, sound, suffixes = "raw", "one.raw", (".raw", ".bin", ".dat", ".img")


def test_every_row_of_the_table_has_a_reader_class():
    suffixes = {s for c in (TestTiff, TestPng, TestJpeg, TestNpy, TestNpz, TestRaw) for s in c.suffixes}
    assert {Path(row.name).suffix for row in TABLE} == suffixes


# TIFF


def write_pages(path, *pages, **options):
    with tifffile.TiffWriter(path) as tif:
        for page in pages:
            tif.write(page, **{"photometric": "minisblack", **options})
    return path


def test_tiff_float_predictor_is_undone(tmp_path):
    """Written by hand: tifffile's own writer needs imagecodecs for it."""
    image = ramp(np.float32)[0]
    planes = image.astype(">f4").view(np.uint8).reshape(ROWS, COLUMNS, 4).transpose(0, 2, 1).reshape(ROWS, -1)
    differences = np.diff(planes, axis=1, prepend=np.zeros((ROWS, 1), np.uint8))
    path = write_pages(tmp_path / "float.tif", image, compression="zlib")
    data = zlib.compress(differences.tobytes())
    with tifffile.TiffFile(path, mode="r+") as tif:
        tags = tif.pages[0].tags
        start = path.stat().st_size
        tags[273].overwrite(start)
        tags[279].overwrite(len(data))
    patched = bytearray(path.read_bytes()) + data
    # The software tag 305 becomes the predictor tag 317: SHORT, one value, 3.
    at = patched.index(struct.pack("<HH", 305, 2))
    patched[at : at + 12] = struct.pack("<HHII", 317, 3, 1, 3)
    path.write_bytes(patched)
    np.testing.assert_array_equal(xrayscan.io.read(path).view.pixels[0], image)


def test_tiff_thumbnails_are_passed_over(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(ramp()[0], photometric="minisblack")
        tif.write(np.zeros((4, 4), np.uint8), photometric="minisblack", subfiletype=1)
    assert xrayscan.io.read(path).view.shape == (ROWS, COLUMNS)


def test_tiff_of_more_than_two_pages_asks_which(tmp_path):
    path = write_pages(tmp_path / "a.tif", *ramp(energies=4))
    with pytest.raises(ReadError, match=r"holds 4 pages; a scan has one, or two: high then low. Name the scan's pages"):
        xrayscan.io.read(path)
    (tmp_path / "a.xrayscan.toml").write_text("pages = [3, 1]")
    np.testing.assert_array_equal(xrayscan.io.read(path).view.pixels, ramp(energies=4)[[3, 1]])
    (tmp_path / "a.xrayscan.toml").write_text("pages = [3, 4]")
    with pytest.raises(ReadError, match=r"expected a list of numbers from 0 to 3"):
        xrayscan.io.read(path)


def test_tiff_pages_of_unequal_width_need_the_edge_they_share(tmp_path):
    high, low = ramp(energies=2)
    path = write_pages(tmp_path / "a.tif", high, low[:, 8:])
    with pytest.raises(ReadError, match=r"shapes \[\(37, 53\), \(37, 45\)\]; expected the same"):
        xrayscan.io.read(path)
    (tmp_path / "a.xrayscan.toml").write_text("align = 'right'")
    np.testing.assert_array_equal(xrayscan.io.read(path).view.pixels, np.stack([high[:, 8:], low[:, 8:]]))


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([np.zeros((4, 5), np.uint16), np.zeros((6, 5), np.uint16)], "expected the same detector rows"),
        ([np.zeros((4, 5), np.uint16), np.zeros((4, 5), np.uint8)], "expected the same type"),
        ([np.zeros((4, 5), np.complex64)], "sample format 6"),
    ],
)
def test_tiff_that_is_sound_and_no_scan_is_refused(tmp_path, pages, message):
    with pytest.raises(ReadError, match=message):
        xrayscan.io.read(write_pages(tmp_path / "a.tif", *pages))


def test_tiff_two_samples_a_pixel_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((9, 8, 2), np.uint16), photometric="minisblack", planarconfig="contig", extrasamples=[0])
    with pytest.raises(ReadError, match="each energy needs its own page"):
        xrayscan.io.read(path)


def test_tiff_8_bit_white_is_zero_comes_out_bright(tmp_path):
    path = write_pages(tmp_path / "a.tif", ramp(np.uint8)[0], photometric="miniswhite")
    np.testing.assert_array_equal(xrayscan.io.read(path).view.pixels[0], 255 - ramp(np.uint8)[0])


def test_tiff_make_and_model_are_vendor_and_scanner(tmp_path):
    path = write_pages(tmp_path / "a.tif", ramp()[0], extratags=[(271, 2, 0, "Maker", True), (272, 2, 0, "Portal 9", True)])
    source = xrayscan.io.read(path).source
    assert (source.vendor, source.scanner) == ("Maker", "Portal 9")


@pytest.mark.parametrize(("code", "name"), [(5, "LZW"), (50000, "zstd")])
def test_tiff_compression_that_needs_imagecodecs_says_so(tmp_path, monkeypatch, code, name):
    path = write_pages(tmp_path / "a.tif", ramp()[0], compression="zlib")
    patch_tag(path, 259, code)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingDependencyError, match=f"{name} compression, which needs the package imagecodecs") as caught:
        xrayscan.io.read(path)
    assert caught.value.extra == "imagecodecs"


def test_tiff_jpeg_compression_is_refused(tmp_path):
    path = write_pages(tmp_path / "a.tif", ramp()[0], compression="zlib")
    patch_tag(path, 259, 7)
    with pytest.raises(ReadError, match="TIFF compression 7; none, deflate, PackBits, LZW and zstd are read"):
        xrayscan.io.read(path)


def patch_tag(path, code, value):
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages[0].tags[code].overwrite(value)


@pytest.mark.parametrize(
    ("code", "value", "message"),
    [
        (256, 100_000, r"strip|claims"),
        (257, 100_000, r"claims|incorrect StripByteCounts"),
        (279, 40, r"strip 0: its compressed data"),
        (279, 0, r"missing or lies outside"),
        (273, 10_000_000, r"missing or lies outside"),
        (278, 1, r"incorrect StripByteCounts count"),
    ],
)
def test_tiff_with_a_wrong_tag_is_corrupt(tmp_path, code, value, message):
    path = write_pages(tmp_path / "a.tif", ramp()[0], compression="zlib")
    patch_tag(path, code, value)
    with pytest.raises(CorruptScanError, match=message):
        xrayscan.io.read(path)


def test_tiff_with_a_lost_second_page_is_corrupt_and_silent(tmp_path, capfd, caplog):
    path = write_pages(tmp_path / "a.tif", *ramp(energies=2))
    with tifffile.TiffFile(path) as tif:
        second = tif.pages[1].offset
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<I", second))
    data[at : at + 4] = struct.pack("<I", len(data) + 50)
    path.write_bytes(data)
    with pytest.raises(CorruptScanError, match=r"TIFF structure is damaged .*invalid page offset"):
        xrayscan.io.read(path)
    assert capfd.readouterr().err == ""
    assert not caplog.records


# PNG


def test_png_low_depths_and_palette_are_pictures(tmp_path):
    path = tmp_path / "a.png"
    header = struct.pack(">IIBBBBB", 8, 2, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\xf0\0\x0f")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    scan = xrayscan.io.read(path)
    assert scan.view.quantity == "display"
    assert scan.view.pixels[0].tolist() == [[255] * 4 + [0] * 4, [0] * 4 + [255] * 4]
    header = struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0)
    palette = chunk(b"PLTE", bytes([9, 9, 9, 200, 200, 200]))
    body = chunk(b"IHDR", header) + palette + chunk(b"IDAT", zlib.compress(b"\0\0\1")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert xrayscan.io.read(path).view.pixels[0].tolist() == [[9, 200]]
    path.write_bytes((b"\x89PNG\r\n\x1a\n" + body).replace(palette, b""))
    with pytest.raises(CorruptScanError, match="needs a palette and has none"):
        xrayscan.io.read(path)


def test_png_color_becomes_luminance(tmp_path):
    path = tmp_path / "a.png"
    bgr = np.zeros((2, 3, 3), np.uint16)
    bgr[..., 1], bgr[..., 2] = 10_000, 60_000
    cv2.imwrite(str(path), bgr)
    view = xrayscan.io.read(path).view
    assert view.quantity == "display"
    assert view.pixels.dtype == np.uint16
    assert view.pixels[0, 0, 0] == round(0.299 * 60_000 + 0.587 * 10_000)
    np.testing.assert_array_equal(view.pixels[0], luminance(bgr[..., ::-1]))


def test_png_chunks_that_libpng_warns_of_say_nothing(tmp_path, capfd):
    path = tmp_path / "a.png"
    extra = chunk(b"gAMA", b"\0\0\0\0") + chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile")) + chunk(b"tRNS", b"\1\2\3")
    path.write_bytes(png_bytes(ramp()[0], extra=extra))
    np.testing.assert_array_equal(xrayscan.io.read(path).view.pixels, ramp())
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-12], "it has no end: it was cut off"),
        (lambda data: data[:-20], "it ends within a chunk: it was cut off"),
        (lambda data: data[:200] + b"?" + data[201:], "the checksum of its chunk b'IDAT' is wrong"),
        (lambda data: data[:8] + chunk(b"IEND", b""), "does not start with a PNG header"),
        (
            lambda data: data[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 3, 0, 0, 0, 0)) + data[33:],
            "3 bits of color type 0",
        ),
        (lambda data: data[:33] + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b""), "end after 99 of"),
        (lambda data: data[:33] + chunk(b"IDAT", zlib.compress(bytes(9**6))) + chunk(b"IEND", b""), "go on after the"),
        (
            lambda data: data[:33] + chunk(b"IDAT", zlib.compress(b"\7" * 37 * 107)) + chunk(b"IEND", b""),
            "a filter that PNG does",
        ),
        (lambda data: data[:33] + chunk(b"ABCD", b"") + data[33:], "critical chunk b'ABCD'"),
    ],
)
def test_png_damage_is_named(tmp_path, capfd, change, message):
    path = tmp_path / "a.png"
    path.write_bytes(change(png_bytes(ramp()[0])))
    with pytest.raises(CorruptScanError, match=message):
        xrayscan.io.read(path)
    assert capfd.readouterr().err == ""


# JPEG


def jpeg_bytes(*flags):
    noise = np.random.default_rng(3).integers(0, 256, (90, 120)).astype(np.uint8)
    return cv2.imencode(".jpg", cv2.GaussianBlur(noise, (0, 0), 3), list(flags))[1].tobytes()


@pytest.mark.parametrize("flags", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)])
def test_jpeg_cut_off_is_never_filled_with_gray(tmp_path, capfd, flags):
    path = tmp_path / "a.jpg"
    data = jpeg_bytes(*flags)
    path.write_bytes(data + b"the vendor's own tail")
    assert xrayscan.io.read(path).view.shape == (90, 120)
    for length in range(len(data) // 10, len(data), len(data) // 10):
        path.write_bytes(data[:length])
        with pytest.raises(CorruptScanError, match="it was cut off; copy it again"):
            xrayscan.io.read(path)
        path.write_bytes(data[:length] + bytes(len(data) - length))
        with pytest.raises(CorruptScanError, match=r"cut off|no marker|it ends|frame"):
            xrayscan.io.read(path)
    assert capfd.readouterr().err == ""


def test_jpeg_of_false_color_is_its_luminance(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(cv2.imencode(".jpg", np.full((64, 64, 3), (0, 128, 255), np.uint8))[1].tobytes())
    view = xrayscan.io.read(path).view
    assert view.quantity == "display"
    assert abs(int(view.pixels[0, 30, 30]) - 0.299 * 255 - 0.587 * 128) <= 2


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [(1, 0xC9, "JPEG of 8 bits, process 9"), (4, 12, "JPEG of 12 bits"), (5, 0xFF, "no JPEG can do so"), (5, 0, None)],
)
def test_jpeg_frame_is_checked(tmp_path, at, value, message):
    data = bytearray(jpeg_bytes())
    frame = data.index(b"\xff\xc0")
    data[frame + at] = value
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    if message is None:
        xrayscan.io.read(path)
        return
    with pytest.raises(ReadError, match=message):
        xrayscan.io.read(path)
