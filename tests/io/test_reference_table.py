"""The reference table: one file of every format and number type, what must come back of it, bit for bit.

The table of `reference` holds the common kinds; here are the extremes of every type, the readers that need an extra, and what a
file says beside its pixels. A new reader adds rows.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from xrayscan.io import bundle, hdf5, jpeg, npy, npz, png, raw, sidecar, tiff
from xrayscan.io.contents import Contents, checked_pixels
from xrayscan.io.file import ScanFile
from xrayscan.plugin import check_reader

ROWS, COLUMNS = 24, 31
EXTREMES = {
    "uint8": (0, 1, 127, 128, 255),
    "int8": (-128, -1, 0, 1, 127),
    "uint16": (0, 1, 255, 256, 4095, 4096, 32768, 65534, 65535),
    "int16": (-32768, -1, 0, 1, 32767),
    "uint32": (0, 1, 65536, 2**31, 2**32 - 2, 2**32 - 1),
    "int32": (-(2**31), -1, 0, 2**31 - 1),
    "uint64": (0, 2**32, 2**53 + 1, 2**64 - 1),
    "int64": (-(2**63), -1, 2**53 + 1, 2**63 - 1),
    "float16": (-1.5, 0.0, 6.1e-5, 1.0, 65504.0),
    "float32": (-1e-7, 0.0, 1e-7, 1.0000001, 3.4e38),
    "float64": (-1e-300, 0.0, 1e-7, 1.0 + 2.0**-52, 1.7e308),
}


def image(kind: str, energies: int = 1) -> np.ndarray:
    """All bit patterns that chance gives, finite, with the extremes at the beginning, in the middle and at the end."""
    chance = np.random.default_rng(len(kind) + energies)
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        pixels = chance.uniform(0, 1, (energies, ROWS, COLUMNS)).astype(dtype)
    else:
        info = np.iinfo(dtype)
        pixels = chance.integers(info.min, info.max, (energies, ROWS, COLUMNS), dtype, endpoint=True)
    values = np.array(EXTREMES[kind], dtype)
    for start in (0, pixels.size // 2, pixels.size - len(values)):
        pixels.reshape(-1)[start : start + len(values)] = values
    return pixels


@dataclass(frozen=True)
class File:
    """One row: how a file is written, by which reader it is read, and what must come back."""

    name: str
    reader: Any
    write: Callable[[Path], Any]
    pixels: np.ndarray
    said: dict[str, Any] = field(default_factory=dict)
    needs: str = "numpy"


def tiff_file(name: str, pixels: np.ndarray, needs: str = "numpy", **options: Any) -> File:
    def write(path: Path) -> None:
        opened = {key: options[key] for key in ("bigtiff", "byteorder") if key in options}
        chosen = {key: value for key, value in options.items() if key not in opened}
        with tifffile.TiffWriter(path, **opened) as tif:
            for page in pixels:
                tif.write(page, **{"photometric": "minisblack", **chosen})

    return File(f"{name}.tif", tiff, write, pixels, needs=needs)


def h5_file(name: str, pixels: np.ndarray, **options: Any) -> File:
    def write(path: Path) -> None:
        import h5py

        with h5py.File(path, "w") as store:
            store.create_dataset("pixels", data=pixels, **options)
            store["air"] = np.full(ROWS, 52_900.0)
            store.attrs["quantity"] = "counts"
            store.attrs["pixel_pitch"] = 0.005
            store.attrs["endpoints"] = [6.0, 4.0][: len(pixels)]

    said = {"quantity": "counts", "pixel_pitch": 0.005, "endpoints": (6.0, 4.0)[: len(pixels)], "air": np.full(ROWS, 52_900.0)}
    return File(f"{name}.h5", hdf5, write, pixels, said, "h5py")


def npz_file(name: str, pixels: np.ndarray) -> File:
    def write(path: Path) -> None:
        np.savez_compressed(
            path, pixels=pixels, energies=["high", "low"][: len(pixels)], saturation=65535, pixel_pitch=[0.005, 0.004]
        )

    said = {"energies": ("high", "low")[: len(pixels)], "saturation": 65535.0, "pixel_pitch": (0.005, 0.004)}
    return File(f"{name}.npz", npz, write, pixels, said)


def raw_file(name: str, pixels: np.ndarray) -> File:
    def write(path: Path) -> None:
        path.write_bytes(pixels.astype(pixels.dtype.newbyteorder(">")).tobytes())
        layout = f"rows = {ROWS}\ncolumns = {COLUMNS}\ndtype = '{pixels.dtype.name}'\nbyte_order = 'big'"
        path.with_suffix(".xrayscan.toml").write_text(layout)

    return File(f"{name}.raw", raw, write, pixels)


def bundle_file(name: str, pixels: np.ndarray) -> File:
    def write(path: Path) -> None:
        members = {"a.npy": pixels, "air.npy": np.full(ROWS, 52_900.0)}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(
                "manifest.toml", "xrayscan = 1\nscan = 'a.npy'\nair = 'air.npy'\nquantity = 'counts'\npixel_pitch = 0.005"
            )
            for member, values in members.items():
                stream = io.BytesIO()
                np.save(stream, values)
                archive.writestr(member, stream.getvalue())

    said = {"quantity": "counts", "pixel_pitch": (0.005, 0.005), "air": np.full(ROWS, 52_900.0)}
    return File(f"{name}.zip", bundle, write, pixels, said)


def picture(name: str, reader: Any, pixels: np.ndarray) -> File:
    said = {"quantity": "display"} if reader is jpeg else {}
    return File(name, reader, lambda path: cv2.imwrite(str(path), pixels[0]), pixels, said)


NUMBERS = tuple(EXTREMES)
# tifffile writes differences of these by itself; of the others it does so with imagecodecs.
DIFFERENCED = ("uint8", "int8", "uint16", "int16", "uint32", "int32")
TABLE = (
    *(tiff_file(f"{kind}", image(kind, 2)) for kind in NUMBERS),
    *(tiff_file(f"{kind}-deflate", image(kind), compression="zlib", predictor=kind in DIFFERENCED) for kind in NUMBERS),
    *(tiff_file(f"{kind}-tiles", image(kind, 2), tile=(16, 16), byteorder=">", compression="zlib") for kind in NUMBERS),
    *(tiff_file(f"{kind}-big", image(kind), bigtiff=True, rowsperstrip=5) for kind in NUMBERS),
    *(
        tiff_file(f"uint16-{codec}", image("uint16", 2), "imagecodecs", compression=codec)
        for codec in ("lzw", "zstd", "packbits")
    ),
    *(h5_file(kind, image(kind, 2), compression="gzip", shuffle=True, chunks=(1, 16, 16)) for kind in NUMBERS),
    *(h5_file(f"{kind}-plain", image(kind)) for kind in NUMBERS),
    h5_file("uint16-lzf", image("uint16", 2), compression="lzf", chunks=(2, 10, 10)),
    *(File(f"{kind}.npy", npy, lambda path, kind=kind: np.save(path, image(kind, 2)), image(kind, 2)) for kind in NUMBERS),
    *(npz_file(kind, image(kind, 2)) for kind in NUMBERS),
    *(raw_file(kind, image(kind)) for kind in raw.DTYPES),
    *(bundle_file(kind, image(kind, 2)) for kind in NUMBERS),
    picture("uint8.png", png, image("uint8")),
    picture("uint16.png", png, image("uint16")),
    picture("uint8.jpg", jpeg, np.full((1, ROWS, COLUMNS), 200, np.uint8)),
)


def opened(path: Path) -> ScanFile:
    return ScanFile.open(path, sidecar.find(path))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_file_of_the_table(tmp_path, row):
    pytest.importorskip(row.needs)
    path = tmp_path / row.name
    row.write(path)
    file = opened(path)
    assert row.reader.can_read(file)
    others = [reader for reader in (tiff, png, jpeg, npy, npz, hdf5, bundle, raw) if reader is not row.reader]
    assert not any(reader.can_read(file) for reader in others)
    contents = row.reader.read(file)
    pixels = checked_pixels(file, np.asarray(contents.pixels))
    assert pixels.dtype == row.pixels.dtype
    assert pixels.shape == row.pixels.shape
    assert pixels.dtype.isnative
    # Bit for bit: also the sign of a zero and the last digit of a float.
    assert pixels.tobytes() == row.pixels.tobytes()
    for name, value in row.said.items():
        assert np.array_equal(getattr(contents, name), value), name
    silent = set(vars(contents)) - set(row.said) - {"pixels", "ids", "steps", "others"}
    assert {name: getattr(contents, name) for name in silent} == dict.fromkeys(silent)
    assert contents.others == ()


def test_the_extremes_are_where_the_table_says(tmp_path):
    row = next(row for row in TABLE if row.name == "uint16-deflate.tif")
    row.write(tmp_path / row.name)
    pixels = np.asarray(tiff.read(opened(tmp_path / row.name)).pixels)
    assert pixels[0, 0, :9].tolist() == [0, 1, 255, 256, 4095, 4096, 32768, 65534, 65535]
    assert pixels[0, -1, -9:].tolist() == [0, 1, 255, 256, 4095, 4096, 32768, 65534, 65535]
    row = next(row for row in TABLE if row.name == "float32.h5")
    pytest.importorskip("h5py")
    row.write(tmp_path / row.name)
    pixels = np.asarray(hdf5.read(opened(tmp_path / row.name)).pixels)
    assert pixels[0, 0, :4].tolist() == [np.float32(value).item() for value in (-1e-7, 0.0, 1e-7, 1.0000001)]


def test_16_bits_in_16_bits_kept(tmp_path):
    """All 65,536 levels through every format that can hold them: none is lost, none is moved."""
    levels = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256)
    writers = {
        "a.tif": (tiff, lambda path: tifffile.imwrite(path, levels[0], compression="zlib", predictor=True)),
        "a.png": (png, lambda path: cv2.imwrite(str(path), levels[0])),
        "a.npy": (npy, lambda path: np.save(path, levels)),
        "a.npz": (npz, lambda path: np.savez(path, pixels=levels)),
    }
    for name, (reader, write) in writers.items():
        write(tmp_path / name)
        contents = reader.read(opened(tmp_path / name))
        assert isinstance(contents, Contents)
        assert np.asarray(contents.pixels).tobytes() == levels.tobytes(), name


@pytest.mark.parametrize("name", ["uint16-tiles.tif", "float32.h5", "uint32.zip", "int16.npz", "uint16.raw", "uint16.png"])
def test_files_of_the_table_pass_the_contract_test(tmp_path, name):
    row = next(row for row in TABLE if row.name == name)
    pytest.importorskip(row.needs)
    row.write(tmp_path / name)
    report = check_reader(row.reader, good={tmp_path / name: row.pixels})
    assert report.passed, str(report)
