"""TIFF of every ordinary kind: packed samples, codecs of other packages, pages of unequal width, many strips at once."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from reference import ramp

import xrayscan.io
from xrayscan.errors import CorruptScanError, ReadError
from xrayscan.io import tiff
from xrayscan.io.file import ScanFile
from xrayscan.io.workers import each

ROWS, COLUMNS = 120, 300


def scene(columns=COLUMNS, seed=3):
    """A picture with edges that are at no other place the same."""
    chance = np.random.default_rng(seed)
    depth = np.zeros((ROWS, columns))
    for _ in range(40):
        row, column = chance.integers(0, ROWS), chance.integers(0, columns)
        depth[row : row + 30, column : column + int(chance.integers(4, 40))] += chance.uniform(0.1, 0.6)
    return depth


def counts(depth, strength, seed):
    noise = np.random.default_rng(seed).normal(0, 60, depth.shape)
    return np.clip(52_900 * np.exp(-strength * depth) + noise, 0, 65535).astype(np.uint16)


def written(path, *pages, **options):
    with tifffile.TiffWriter(path) as tif:
        for page in pages:
            tif.write(page, **{"photometric": "minisblack", **options})
    return path


def read(path, **settings):
    return tiff.read(ScanFile.open(path, settings))


# Packed samples


def packed_tiff(path, image, bits, byte_order="<"):
    """Samples of ``bits`` bits, highest first, rows from a full byte on: by hand, from the text of the standard."""
    lines = b""
    for row in image:
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text = text.ljust(-(-len(text) // 8) * 8, "0")
        lines += int(text, 2).to_bytes(len(text) // 8, "big")
    entries = [(256, 4, image.shape[1]), (257, 4, image.shape[0]), (258, 3, bits), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 200), (277, 3, 1), (278, 4, image.shape[0]), (279, 4, len(lines))]
    body = struct.pack(f"{byte_order}H", len(entries))
    for tag, kind, value in entries:
        stored = struct.pack(f"{byte_order}HH", value, 0) if kind == 3 else struct.pack(f"{byte_order}I", value)
        body += struct.pack(f"{byte_order}HHI", tag, kind, 1) + stored
    head = (b"II" if byte_order == "<" else b"MM") + struct.pack(f"{byte_order}HI", 42, 8) + body + bytes(4)
    path.write_bytes(head.ljust(200, b"\0") + lines)
    return path


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("columns", [52, 53, 1])
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_packed_samples_keep_their_numbers(tmp_path, bits, columns, byte_order):
    image = (np.arange(37 * columns).reshape(37, columns) * 101 % (1 << bits)).astype(np.uint16)
    image[0, 0], image[-1, -1] = (1 << bits) - 1, 0
    path = packed_tiff(tmp_path / "a.tif", image, bits, byte_order)
    contents = read(path)
    assert contents.pixels.dtype == np.uint16
    np.testing.assert_array_equal(contents.pixels[0], image)
    assert contents.saturation == (1 << bits) - 1
    data = path.read_bytes()
    with pytest.raises(CorruptScanError, match="missing or lies outside the file"):
        tiff.read(ScanFile(path, data[:-1]))
    with pytest.raises(CorruptScanError, match=r"strip 0 holds \d+ of \d+ bytes|its compression cannot do so"):
        tiff.read(ScanFile(path, data.replace(struct.pack(f"{byte_order}HHII", 279, 4, 1, len(data) - 200),
                                              struct.pack(f"{byte_order}HHII", 279, 4, 1, len(data) - 202))))  # fmt: skip


@pytest.mark.parametrize("bits", [1, 4, 11, 24])
def test_other_depths_are_refused_by_name(tmp_path, bits):
    path = packed_tiff(tmp_path / "a.tif", np.ones((37, 53), np.uint16), bits)
    with pytest.raises(ReadError, match=rf"its pixels have {bits} bits of sample format 1; 8, 10, 12, 14, 16, 32 or 64-bit"):
        read(path)


# Codecs of the package imagecodecs


@pytest.mark.parametrize("compression", ["lzw", "zstd", "packbits"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_codecs_of_imagecodecs(tmp_path, compression, predictor, dtype):
    pytest.importorskip("imagecodecs")
    pages = ramp(dtype, energies=2)
    path = written(tmp_path / "a.tif", *pages, compression=compression, predictor=predictor, rowsperstrip=7)
    np.testing.assert_array_equal(read(path).pixels, pages)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[1]
    data[start : start + 12] = b"\xff" * 12
    with contextlib.suppress(CorruptScanError):
        tiff.read(ScanFile(path, bytes(data)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_predictor_in_tiles(tmp_path, dtype):
    pytest.importorskip("imagecodecs")
    pages = ramp(dtype, energies=2)
    path = written(tmp_path / "a.tif", *pages, compression="zlib", predictor=3, tile=(16, 32))
    np.testing.assert_array_equal(read(path).pixels, pages)


# Pages of unequal width


def test_pages_that_share_their_right_edge_are_known_by_what_they_show(tmp_path):
    depth = scene()
    high, low = counts(depth, 1.0, 1), counts(depth, 1.5, 2)[:, 12:]
    contents = read(written(tmp_path / "a.tif", high, low))
    np.testing.assert_array_equal(contents.pixels, np.stack([high[:, 12:], low]))
    step = contents.steps[0]
    assert step.note.startswith("pages of 300 and 288 columns were cut to their right edge, where they agree: correlation ")
    assert step.parameters == {"align": "right", "columns": 288}
    left = read(written(tmp_path / "b.tif", high, counts(depth, 1.5, 2)[:, :-9]))
    np.testing.assert_array_equal(left.pixels[0], high[:, :-9])
    assert left.steps[0].parameters["align"] == "left"
    wider = read(written(tmp_path / "c.tif", low, high))
    np.testing.assert_array_equal(wider.pixels, np.stack([low, high[:, 12:]]))


def test_pages_of_unequal_width_are_not_guessed_at(tmp_path):
    depth = scene()
    high = counts(depth, 1.0, 1)
    message = r"its pages have the shapes \[\(120, 300\), \(120, 288\)\]; .*say in a sidecar"
    for second in (
        counts(depth, 1.5, 2)[:, 6:-6],  # in the middle
        counts(scene(seed=8), 1.5, 2)[:, 12:],  # of another scan
        counts(0 * depth, 1.5, 2)[:, 12:],  # nothing but air
        high.max() - high[:, 12:],  # of the other sign
    ):
        with pytest.raises(ReadError, match=message):
            read(written(tmp_path / "a.tif", high, second))
    flat = np.full((120, 300), 9, np.uint16)
    with pytest.raises(ReadError, match=message):
        read(written(tmp_path / "b.tif", flat, flat[:, 12:]))
    assert read(written(tmp_path / "c.tif", flat, flat[:, 12:]), align="left").steps[0].note.endswith("as the sidecar says")


def test_the_sidecar_says_more_than_the_pictures(tmp_path):
    depth = scene()
    path = written(tmp_path / "a.tif", counts(depth, 1.0, 1), counts(depth, 1.5, 2)[:, 12:])
    (tmp_path / "a.xrayscan.toml").write_text("align = 'left'")
    scan = xrayscan.io.read(path)
    assert scan.view.steps[0].parameters["align"] == "left"


def test_three_pages_of_a_vendor_are_named_by_the_sidecar(tmp_path):
    depth = scene()
    high, low = counts(depth, 1.0, 1), counts(depth, 1.5, 2)[:, 12:]
    path = written(tmp_path / "a.tif", high, low, np.zeros((4, 4), np.uint16))
    with pytest.raises(ReadError, match="it holds 3 pages"):
        read(path)
    np.testing.assert_array_equal(read(path, pages=[0, 1]).pixels, np.stack([high[:, 12:], low]))


# Many strips


@pytest.mark.parametrize("options", [{"rowsperstrip": 16}, {"tile": (64, 64)}, {"rowsperstrip": 850}])
def test_a_large_scan_is_the_same_decoded_in_threads(tmp_path, options):
    pages = np.random.default_rng(5).integers(0, 65536, (2, 850, 700)).astype(np.uint16)
    path = written(tmp_path / "a.tif", *pages, compression="zlib", predictor=True, **options)
    np.testing.assert_array_equal(read(path).pixels, pages)


def test_the_broken_strip_is_named_from_a_thread(tmp_path):
    path = written(tmp_path / "a.tif", np.zeros((2000, 700), np.uint16), compression="zlib", rowsperstrip=100)
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[7]
    data = bytearray(path.read_bytes())
    data[start + 4 : start + 9] = b"\xff" * 5
    with pytest.raises(CorruptScanError, match="strip 7: its compressed data are damaged"):
        tiff.read(ScanFile(Path(path), bytes(data)))


def test_each_does_every_piece_once_and_raises_the_error():
    done = []
    each(done.append, list(range(9)), 10**7)
    assert sorted(done) == list(range(9))

    def fail(piece):
        if piece == 4:
            raise ValueError(f"piece {piece}")

    with pytest.raises(ValueError, match="piece 4"):
        each(fail, list(range(9)), 10**7)


# White is zero


def transmission(depth, air=52_900):
    """A lorry's counts: air above and beside it."""
    counts_ = np.full((ROWS, COLUMNS), float(air))
    counts_[20:110, 25:-25] *= np.exp(-0.3 - depth[20:110, 25:-25])
    return np.clip(counts_ + np.random.default_rng(2).normal(0, 60, counts_.shape), 1, 65535).astype(np.uint16)


@pytest.mark.parametrize(
    ("dtype", "full_scale", "air"),
    [(np.uint16, 65535, 52_900), (np.uint16, 4095, 3500), (np.uint32, 2**20 - 1, 60_000)],
)
def test_a_negative_is_turned_round_without_losing_a_bit(tmp_path, dtype, full_scale, air):
    true = transmission(scene() * 3, air).astype(dtype)
    contents = read(written(tmp_path / "a.tif", (full_scale - true).astype(dtype), photometric="miniswhite"))
    assert contents.pixels.dtype == dtype
    np.testing.assert_array_equal(contents.pixels[0], true)
    (step,) = contents.steps
    assert step.note == (
        f"warning: WhiteIsZero and a dark border: turned round at {full_scale}, where no beam is assumed, every bit kept"
    )
    assert step.parameters == {"turned": True, "full_scale": full_scale}


def test_both_energies_of_a_negative_are_turned_alike(tmp_path):
    pages = np.stack([transmission(scene() * 2), transmission(scene() * 3, 40_000)])
    path = written(tmp_path / "a.tif", *(65535 - pages), photometric="miniswhite")
    np.testing.assert_array_equal(read(path).pixels, pages)


def test_a_packed_negative_is_turned_at_the_top_of_its_bits(tmp_path):
    true = transmission(scene(), 3500)
    path = packed_tiff(tmp_path / "a.tif", (4095 - true).astype(np.uint16), 12)
    path.write_bytes(path.read_bytes().replace(struct.pack("<HHIHH", 262, 3, 1, 1, 0), struct.pack("<HHIHH", 262, 3, 1, 0, 0)))
    contents = read(path)
    np.testing.assert_array_equal(contents.pixels[0], true)
    assert contents.saturation == 4095


def test_counts_that_are_only_shown_dark_are_kept(tmp_path):
    true = transmission(scene())
    contents = read(written(tmp_path / "a.tif", true, photometric="miniswhite"))
    np.testing.assert_array_equal(contents.pixels[0], true)
    assert contents.steps[0].note == "WhiteIsZero, but the border is bright, as air is: numbers kept as stored"
    plain = read(written(tmp_path / "b.tif", (65535 - true).astype(np.uint16)))
    np.testing.assert_array_equal(plain.pixels[0], 65535 - true)
    assert plain.steps == ()


@pytest.mark.parametrize("image", [np.full((60, 90), 900, np.uint16), ramp()[0]])
def test_a_border_that_tells_nothing_leaves_the_numbers_and_warns(tmp_path, image):
    contents = read(written(tmp_path / "a.tif", image, photometric="miniswhite"))
    np.testing.assert_array_equal(contents.pixels[0], image)
    assert contents.steps[0].note.startswith("warning: WhiteIsZero, and the border tells not whether air is dark or bright")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_only_unsigned_integers_are_turned(tmp_path, dtype):
    image = (-scene()).astype(dtype) if dtype == np.int16 else np.exp(-scene()).astype(dtype)
    contents = read(written(tmp_path / "a.tif", image, photometric="miniswhite"))
    np.testing.assert_array_equal(contents.pixels[0], image)
    assert contents.steps == ()


def test_a_turned_scan_has_bright_air_after_all(tmp_path):
    true = transmission(scene() * 3)
    plain = written(tmp_path / "a.tif", true)
    negative = written(tmp_path / "b.tif", (65535 - true).astype(np.uint16), photometric="miniswhite")
    np.testing.assert_array_equal(xrayscan.io.read(plain).view.pixels, xrayscan.io.read(negative).view.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rows_come_from_the_top_whichever_way_they_are_stored(tmp_path, orientation):
    upright = ramp()[0].astype(np.uint16)
    # TIFF 6.0, tag 274: where row 0 and column 0 of what is stored lie.
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T, 6: upright[:, ::-1].T[::1],
        7: upright[::-1, ::-1].T, 8: upright[::-1].T,
    }[orientation]  # fmt: skip
    if orientation == 6:
        stored = np.rot90(upright, 1)  # row 0 is the right side, column 0 the top
    elif orientation == 8:
        stored = np.rot90(upright, -1)  # row 0 is the left side, column 0 the bottom
    tifffile.imwrite(tmp_path / "a.tif", np.ascontiguousarray(stored), extratags=[(274, "H", 1, orientation, True)])
    np.testing.assert_array_equal(xrayscan.io.read(tmp_path / "a.tif", quantity="counts").view.pixels[0], upright)
