"""The reference table: files that the tests write, and what every reader must make of them.

A row has a name, how the file is written, and the dtype, shape and a few exact values that must come back.
A new reader adds its rows here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

ROWS, COLUMNS = 37, 53


def ramp(dtype: Any = np.uint16, energies: int = 1, top: float | None = None) -> np.ndarray:
    """All levels of the dtype's range in a pattern that no transposition, flip or loss of bits leaves alone."""
    kind = np.dtype(dtype)
    top = top if top is not None else (np.iinfo(kind).max if kind.kind in "ui" else 1.0)
    steps = np.arange(energies * ROWS * COLUMNS, dtype=np.float64).reshape(energies, ROWS, COLUMNS)
    return (steps * (top / steps.max())).astype(kind)


@dataclass(frozen=True)
class Row:
    """One file of the table."""

    name: str
    write: Callable[[Path], Any]
    pixels: np.ndarray
    quantity: str

    @property
    def values(self) -> dict[tuple[int, int, int], float]:
        """A few pixels, from the file's beginning, middle and end."""
        last = self.pixels.shape[0] - 1
        return {at: self.pixels[at].item() for at in ((0, 0, 0), (0, 1, 2), (last, 20, 31), (last, ROWS - 1, COLUMNS - 1))}

    def make(self, folder: Path) -> Path:
        path = folder / self.name
        self.write(path)
        return path


def _tiff(name: str, pixels: np.ndarray, quantity: str = "counts", **options: Any) -> Row:
    def write(path: Path) -> None:
        with tifffile.TiffWriter(path, bigtiff=options.get("bigtiff", False), byteorder=options.get("byteorder", "<")) as tif:
            for page in pixels:
                chosen = {key: value for key, value in options.items() if key not in ("bigtiff", "byteorder")}
                tif.write(page, **{"photometric": "minisblack", **chosen})

    return Row(name, write, pixels, quantity)


def _pack_bits(path: Path, image: np.ndarray) -> None:
    """A PackBits strip, with runs, literals and a no-operation; tifffile needs imagecodecs to write one."""
    stored = bytearray(b"\x80")
    for line in image.astype("<u2"):
        data, at = line.tobytes(), 0
        while at < len(data):
            run = 1
            while at + run < len(data) and run < 128 and data[at + run] == data[at]:
                run += 1
            stored += bytes([257 - run, data[at]]) if run > 1 else bytes([0, data[at]])
            at += run
    tifffile.imwrite(path, image, photometric="minisblack")
    start = path.stat().st_size
    with path.open("ab") as stream:
        stream.write(stored)
    with tifffile.TiffFile(path, mode="r+") as tif:
        for code, value in ((273, start), (279, len(stored)), (259, 32773)):
            tif.pages[0].tags[code].overwrite(value)


def _array(name: str, pixels: np.ndarray, quantity: str, stored: np.ndarray | None = None) -> Row:
    return Row(name, lambda path: np.save(path, pixels if stored is None else stored), pixels, quantity)


def _raw(name: str, stored: np.ndarray, pixels: np.ndarray, layout: str, header: bytes = b"") -> Row:
    def write(path: Path) -> None:
        path.write_bytes(header + stored.tobytes())
        path.with_suffix(".toml").write_text(f"rows = {ROWS}\ncolumns = {COLUMNS}\n{layout}", encoding="utf-8")

    return Row(name, write, pixels, "counts")


def _cv2(name: str, stored: np.ndarray, pixels: np.ndarray, quantity: str) -> Row:
    return Row(name, lambda path: path.write_bytes(cv2.imencode(path.suffix, stored)[1].tobytes()), pixels, quantity)


def png_bytes(image: np.ndarray, *, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """A gray PNG, written without OpenCV: the reader is not tested with itself."""
    stored = image.astype(image.dtype.newbyteorder(">"))
    passes = [stored]
    if interlaced:
        steps = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
        passes = [stored[top::down, left::across] for top, down, left, across in steps]
    lines = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8 * image.dtype.itemsize, 0, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _tiffs() -> tuple[Row, ...]:
    one, two = ramp(), ramp(energies=2)
    gray8 = ramp(np.uint8)
    as_rgb = np.repeat(gray8[0][..., None], 3, axis=2)
    transmission = ramp(np.float32)
    return (
        _tiff("one.tif", one),
        _tiff("two.tif", two),
        _tiff("deflate.tif", two, compression="zlib", predictor=True),
        _tiff("strips.tif", one, compression="zlib", rowsperstrip=5),
        Row("packbits.tif", lambda path: _pack_bits(path, one[0] & 0xF00F), one & 0xF00F, "counts"),
        _tiff("tiles.tif", one, tile=(16, 16), compression="zlib", predictor=True),
        _tiff("plain_tiles.tif", two, tile=(32, 16)),
        _tiff("big_endian.tif", two, byteorder=">", compression="zlib", predictor=True),
        _tiff("bigtiff.tif", two, bigtiff=True),
        _tiff("bigtiff_big_endian.tif", one, bigtiff=True, byteorder=">"),
        _tiff("white_is_zero.tif", one, photometric="miniswhite"),
        _tiff("uint32.tif", ramp(np.uint32), compression="zlib", predictor=True),
        _tiff("uint64.tif", ramp(np.uint64, top=2.0**40)),
        _tiff("int16.tif", ramp(np.int16)),
        _tiff("uint8.tif", gray8, "display"),
        _tiff("float32.tif", transmission, "transmission"),
        _tiff("float64.tif", ramp(np.float64, top=52000.0), "counts"),
        _tiff("float16.tif", ramp(np.float16), "transmission"),
        Row("rgb.tif", lambda path: tifffile.imwrite(path, as_rgb, photometric="rgb"), gray8, "display"),
        Row(
            "rgb_planes.tif",
            lambda path: tifffile.imwrite(path, as_rgb.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
            gray8,
            "display",
        ),
    )


def _pictures() -> tuple[Row, ...]:
    one, gray8 = ramp(), ramp(np.uint8)
    as_rgb = np.repeat(gray8[0][..., None], 3, axis=2)
    smooth = np.full((1, ROWS, COLUMNS), 90, np.uint8)
    return (
        Row("gray16.png", lambda path: path.write_bytes(png_bytes(one[0])), one, "counts"),
        Row("interlaced.png", lambda path: path.write_bytes(png_bytes(one[0], interlaced=True)), one, "counts"),
        Row("gray8.png", lambda path: path.write_bytes(png_bytes(gray8[0])), gray8, "display"),
        _cv2("filtered16.png", one[0], one, "counts"),
        _cv2("rgb.png", as_rgb, gray8, "display"),
        _cv2("rgb16.png", np.repeat(one[0][..., None], 3, axis=2), one, "display"),
        _cv2("alpha.png", np.dstack([as_rgb, np.full_like(as_rgb[..., 0], 9)]), gray8, "display"),
        _cv2("flat.jpg", smooth[0], smooth, "display"),
        _cv2("flat_rgb.jpg", np.repeat(smooth[0][..., None], 3, axis=2), smooth, "display"),
    )


def _arrays() -> tuple[Row, ...]:
    one, two, gray8, transmission = ramp(), ramp(energies=2), ramp(np.uint8), ramp(np.float32)
    return (
        _array("one.npy", one, "counts", one[0]),
        _array("two.npy", two, "counts"),
        _array("big_endian.npy", two, "counts", two.astype(">u2")),
        _array("fortran.npy", two, "counts", np.asfortranarray(two)),
        _array("transmission.npy", transmission, "transmission", transmission[0]),
        _array("uint8.npy", gray8, "display"),
        Row("one.npz", lambda path: np.savez(path, pixels=one[0]), one, "counts"),
        Row("two.npz", lambda path: np.savez_compressed(path, pixels=two, air=two[..., 0] + 1.0), two, "counts"),
    )


def _raws() -> tuple[Row, ...]:
    one, two = ramp(), ramp(energies=2)
    return (
        _raw("one.raw", one, one, "dtype = 'uint16'"),
        _raw("header.bin", one.astype(">u2"), one, "dtype = 'uint16'\nbyte_order = 'big'\nheader_bytes = 7", b"vendor1"),
        _raw("planes.raw", two, two, "dtype = 'uint16'\nenergies = ['high', 'low']"),
        _raw(
            "lines.raw",
            two.transpose(1, 0, 2),
            two,
            "dtype = 'uint16'\nenergies = ['high', 'low']\ninterleave = 'lines'",
        ),
        _raw(
            "detector_lines.dat",
            two.transpose(2, 0, 1),
            two,
            "dtype = 'uint16'\nenergies = ['high', 'low']\ninterleave = 'lines'\norder = 'columns'",
        ),
        _raw(
            "pixels.img",
            two.transpose(1, 2, 0),
            two,
            "dtype = 'uint16'\nenergies = ['high', 'low']\ninterleave = 'pixels'",
        ),
        _raw("columns.raw", one[0].T, one, "dtype = 'uint16'\norder = 'columns'"),
    )


TABLE = (*_tiffs(), *_pictures(), *_arrays(), *_raws())
