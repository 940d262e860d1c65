"""Raw files in the wrong byte order are noise, and refused; sound ones never are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xrayscan.errors import ReadError
from xrayscan.io import raw
from xrayscan.io.file import ScanFile

ROWS, COLUMNS = 90, 160


def scan(dtype=np.uint16, air=52_900.0, gains=0.0, noise=60.0):
    """Counts of a box in air, by channels of unequal gain."""
    chance = np.random.default_rng(7)
    counts = np.full((ROWS, COLUMNS), air)
    counts[20:80, 30:130] *= np.exp(-np.linspace(0.2, 3, 100))
    counts *= 1 + gains * chance.normal(0, 1, (ROWS, 1))
    return np.clip(counts + chance.normal(0, noise, counts.shape), 1, np.iinfo(np.uint16).max).astype(dtype)


def read(pixels, stored, said, **settings):
    layout = {"rows": pixels.shape[-2], "columns": pixels.shape[-1], "dtype": pixels.dtype.name}
    if pixels.ndim == 3:
        layout["energies"] = ["high", "low"]
    if said is not None:
        layout["byte_order"] = said
    data = pixels.astype(pixels.dtype.newbyteorder("<" if stored == "little" else ">")).tobytes()
    return raw.read(ScanFile(Path("a.raw"), data, {**layout, **settings})).pixels


SCANS = {
    "16 bits": scan(),
    "signed": (scan() >> 1).astype(np.int16),
    "12 bits": scan(air=3500.0, noise=4.0),
    "32 bits": scan(np.uint32) * np.uint32(40),
    "16 in 32 bits": scan(np.uint32),
    "unequal gains": scan(air=40_000.0, gains=0.2),
    "nothing but air": scan()[:15],
    "two energies": np.stack([scan(), scan(air=30_000.0)]),
    "transmission": scan(np.float32) / np.float32(52_900),
    "doubles": scan(np.float64),
    "one row": scan()[:1],
}


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize(("stored", "other"), [("little", "big"), ("big", "little")])
def test_the_wrong_order_is_refused_and_the_right_one_is_not(name, stored, other):
    pixels = SCANS[name]
    np.testing.assert_array_equal(read(pixels, stored, stored).reshape(pixels.shape), pixels)
    with pytest.raises(ReadError, match=rf"sidecar says byte_order = '{other}': .*say byte_order = '{stored}' there"):
        read(pixels, stored, other)


def test_an_order_that_was_not_said_is_named():
    with pytest.raises(ReadError, match="says no byte_order, which stands for 'little': .*say byte_order = 'big' there"):
        read(SCANS["16 bits"], "big", None)


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((40, 60), 52_900, np.uint16),
        np.random.default_rng(1).integers(0, 65536, (40, 60)).astype(np.uint16),
        (scan() >> 8 << 8).astype(np.uint16),  # 8 bits in the upper byte
        ((scan() >> 8) * 257).astype(np.uint16),
        (scan() >> 4 << 4).astype(np.uint16),
        np.arange(40 * 60, dtype=np.uint16).reshape(40, 60),
        np.zeros((40, 60), np.float32),
        np.ones((1, 1), np.uint16),
        np.full((40, 60), np.nan, np.float32),
    ],
    ids=str,
)
def test_odd_pictures_in_the_right_order_are_read(pixels):
    for order in ("little", "big"):
        np.testing.assert_array_equal(read(pixels, order, order)[0], pixels)


@pytest.mark.parametrize("layout", [{"order": "columns"}, {"interleave": "lines"}])
def test_other_layouts_are_looked_at_too(layout):
    pixels = np.stack([scan(), scan(air=30_000.0)])
    stored = pixels.transpose(0, 2, 1) if "order" in layout else pixels.transpose(1, 0, 2)
    settings = {"rows": ROWS, "columns": COLUMNS, "dtype": "uint16", "energies": ["high", "low"], **layout}
    np.testing.assert_array_equal(raw.read(ScanFile(Path("a.raw"), stored.tobytes(), settings)).pixels, pixels)
    with pytest.raises(ReadError, match="say byte_order = 'little' there"):
        raw.read(ScanFile(Path("a.raw"), stored.tobytes(), {**settings, "byte_order": "big"}))
