"""`read`: quantities, keywords, sidecars' place, errors of the file system."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
import types
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from reference import COLUMNS, ROWS, TABLE, png_bytes, ramp

import xrayscan
import xrayscan.io
from xrayscan.errors import CalibrationError, CorruptScanError, ReadError, ShapeError, UnknownFormatError
from xrayscan.io import Contents, MissingScanError, reading, registry
from xrayscan.scan import Manifest, Step

SHARED = Path(__file__).parents[2] / ".." / "shared"


def saved(folder, pixels, name="a.npy"):
    path = folder / name
    np.save(path, pixels)
    return path


def test_import_loads_nothing_heavy():
    code = "import sys, xrayscan.io; print(sorted({'torch', 'cv2', 'tifffile', 'pydicom', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"


def test_read_is_a_public_name_of_the_library(tmp_path):
    assert xrayscan.read is xrayscan.io.read


# Quantities


@pytest.mark.parametrize(
    ("pixels", "quantity"),
    [
        (ramp(np.uint16), "counts"),
        (ramp(np.int32), "counts"),
        (ramp(np.uint8), "display"),
        (ramp(np.float32), "transmission"),
        (ramp(np.float32, top=1.3) - np.float32(0.02), "transmission"),
        (ramp(np.float64, top=4000.0), "counts"),
        (np.where(ramp() > 9, ramp(np.float32), np.nan).astype(np.float32), "transmission"),
    ],
)
def test_quantity_that_nobody_says(tmp_path, pixels, quantity):
    assert xrayscan.io.read(saved(tmp_path, pixels)).view.quantity == quantity


@pytest.mark.parametrize("top", [3.0, 9.0, 80.0])
def test_floats_that_may_be_optical_depth_are_not_guessed_at(tmp_path, top):
    path = saved(tmp_path, ramp(np.float32, top=top))
    with pytest.raises(ReadError, match=r"floats run from 0 to .*: neither transmission .* nor counts .*say so in a sidecar"):
        xrayscan.io.read(path)
    assert xrayscan.io.read(path, quantity="counts").view.quantity == "counts"


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.uint16])
def test_numbers_with_an_air_line_are_counts(tmp_path, dtype):
    path = saved(tmp_path, ramp(dtype))
    assert xrayscan.io.read(path, air=np.ones(ROWS)).view.quantity == "counts"


# Keywords


def test_energies_low_first_are_turned_with_their_calibration(tmp_path):
    pixels = ramp(energies=2)
    air = np.stack([np.full(ROWS, 1.0), np.full(ROWS, 2.0)])
    scan = xrayscan.io.read(saved(tmp_path, pixels), energies=("low", "high"), air=air, dark=np.zeros(ROWS))
    assert scan.view.energies == ("high", "low")
    np.testing.assert_array_equal(scan.view.pixels, pixels[::-1])
    assert scan.calibration.air[:, 0].tolist() == [2.0, 1.0]


def test_endpoints_follow_the_energies(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.stack([np.full((4, 6), 100, np.uint16), np.full((4, 6), 200, np.uint16)]))
    scan = xrayscan.io.read(path, energies=("low", "high"), endpoints=(4.0, 6.0))
    assert scan.view.energies == ("high", "low")
    assert scan.view.endpoints == (6.0, 4.0)
    with pytest.raises(CalibrationError, match="one for each, 0.1 to 50 MV: give megavolts"):
        xrayscan.io.read(path, endpoints=(6.0,))


def test_more_than_two_energies_must_be_named(tmp_path):
    path = saved(tmp_path, ramp(energies=3))
    with pytest.raises(ReadError, match=r"holds 3 images of 37 x 53 pixels; .* name more of them: energies="):
        xrayscan.io.read(path)
    assert xrayscan.io.read(path, energies=["a", "b", "c"]).view.energies == ("a", "b", "c")


def test_calibration_of_another_detector_names_the_file(tmp_path):
    path = saved(tmp_path, ramp())
    with pytest.raises(
        ShapeError, match=r"reading .*a\.npy: air has shape \(9,\), scan has 1 energies, 37 detector rows"
    ) as caught:
        xrayscan.io.read(path, air=np.ones(9))
    assert caught.value.actual == (9,)
    with pytest.raises(CalibrationError, match=r"reading .*a\.npy: pixel_pitch is .* not millimeters"):
        xrayscan.io.read(path, pixel_pitch=5.0)
    with pytest.raises(CalibrationError, match="must be numbers"):
        xrayscan.io.read(path, air=["much"])
    with pytest.raises(ShapeError, match=r"energies are \('high', 'low'\), pixels hold 1 images"):
        xrayscan.io.read(path, energies=("high", "low"))


def test_pixels_are_read_only(tmp_path):
    assert not xrayscan.io.read(saved(tmp_path, ramp())).view.pixels.flags.writeable


@pytest.mark.parametrize("pitch", [0, -0.005, (0.005, 0.0)])
def test_a_pitch_must_be_above_0(tmp_path, pitch):
    with pytest.raises(CalibrationError, match=r"reading .*a\.npy: pixel_pitch is .* m; it must be above 0"):
        xrayscan.io.read(saved(tmp_path, ramp()), pixel_pitch=pitch)


# What a reader gives


class Person:
    """What must not be shown."""

    def __repr__(self):
        return "Jane Doe"


WRONG = {
    "quantity": "hounsfield",
    "pixel_pitch": "5 mm",
    "energies": ("high", 2),
    "air": [[1], [1, 2]],
    "dark": "none",
    "bad_pixels": Person(),
    "saturation": "x",
    "vendor": 7,
    "scanner": b"lane 3",
    "ids": {"scan": 412},
    "acquired_at": "yesterday",
    "manifest": {"driver": "Jane Doe"},
    "endpoints": "6 MV",
    "steps": ("read",),
    "others": [Person()],
}


def plugged(monkeypatch, **fields):
    reader = types.SimpleNamespace(
        NEEDS=(), can_read=lambda file: True, read=lambda file: Contents(**{"pixels": ramp(), **fields})
    )
    monkeypatch.setattr(registry, "_plugged_in", lambda: {"abc": reader})


@pytest.mark.parametrize("field", WRONG)
def test_a_field_of_a_wrong_type_names_reader_and_field(tmp_path, monkeypatch, field):
    plugged(monkeypatch, **{field: WRONG[field]})
    path = saved(tmp_path, ramp())
    with pytest.raises(ReadError, match=rf"reading .*a\.npy: the reader 'abc' gave {field} as .*; expected .*") as caught:
        xrayscan.io.read(path)
    assert "Jane" not in str(caught.value)


def test_every_field_of_contents_is_looked_at(tmp_path, monkeypatch):
    assert set(WRONG) | {"pixels"} == {item.name for item in dataclasses.fields(Contents)} == set(reading._FIELDS)
    for value in (None, [[1], [1, 2]]):
        plugged(monkeypatch, pixels=value)
        with pytest.raises(ReadError, match="the reader 'abc' gave pixels as .*; expected an array of numbers"):
            xrayscan.io.read(saved(tmp_path, ramp()))
    plugged(monkeypatch, manifest=Manifest(goods="Jane Doe"))
    with pytest.raises(ReadError, match=r"gave manifest as a Manifest; expected an xrayscan\.scan\.Manifest of goods"):
        xrayscan.io.read(saved(tmp_path, ramp()))
    plugged(monkeypatch, others=(Contents(ramp(), vendor=7),))
    with pytest.raises(ReadError, match=r"gave vendor as 7 \(int\); expected text; ask its maker"):
        xrayscan.io.read(saved(tmp_path, ramp()))


def test_what_is_sound_in_another_dress_is_taken(tmp_path, monkeypatch):
    plugged(
        monkeypatch,
        pixels=ramp(energies=2),
        energies=["low", "high"],
        saturation=np.uint16(65535),
        pixel_pitch=np.array([0.005, 0.004]),
        endpoints=np.array([4.0, 6.0]),
        air=60000,
        acquired_at=datetime(2026, 4, 12),
        manifest=Manifest(("timber",), 21000, False),
        steps=[Step("abc", "read")],
    )
    scan = xrayscan.io.read(saved(tmp_path, ramp()))
    assert scan.view.energies == ("high", "low")
    assert scan.view.endpoints == (6.0, 4.0)
    assert (scan.calibration.saturation, scan.view.pixel_pitch) == (65535.0, (0.005, 0.004))


# The file system


@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_is_no_folder(name):
    with pytest.raises(ReadError, match="no file was named; give the path of a scan"):
        xrayscan.io.read(name)


def test_missing_file_is_both_errors(tmp_path):
    for kind in (ReadError, FileNotFoundError, MissingScanError):
        with pytest.raises(kind, match="there is no such file"):
            xrayscan.io.read(tmp_path / "none.tif")


def test_folder_and_pipe_are_refused(tmp_path):
    with pytest.raises(ReadError, match=r"it is a folder; list its scans with xrayscan.io.find_scans"):
        xrayscan.io.read(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ReadError, match="it is a device, pipe or socket"):
            xrayscan.io.read(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["zero\0byte.tif", "x" * 5000])
def test_impossible_names_are_read_errors(name):
    with pytest.raises(ReadError, match="the system refused it"):
        xrayscan.io.read(name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_file_that_may_not_be_read(tmp_path):
    path = saved(tmp_path, ramp())
    path.chmod(0)
    with pytest.raises(ReadError, match=r"the system refused it .*check its name and permissions"):
        xrayscan.io.read(path)


def test_permission_is_a_read_error(tmp_path, monkeypatch):
    path = saved(tmp_path, ramp())

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ReadError, match=r"the system refused it .*Permission denied"):
        xrayscan.io.read(path)


def test_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.tif"
    with path.open("wb") as stream:
        stream.truncate(xrayscan.io.MAX_FILE_BYTES + 1)
    with pytest.raises(ReadError, match="files up to 4294967296 bytes are read"):
        xrayscan.io.read(path)


def test_unknown_bytes_list_what_was_tried(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"GIF89a and so on")
    with pytest.raises(
        UnknownFormatError,
        match=r"b'GIF89a a' are of no format .* raw, dicom, tiff, png, jpeg, npy, npz, hdf5, bundle; export it .* TIFF",
    ):
        xrayscan.io.read(path)
    with pytest.raises(UnknownFormatError, match=r"a\.xrayscan\.toml that gives rows, columns and dtype"):
        xrayscan.io.read(path.rename(tmp_path / "a.raw"))


@pytest.mark.parametrize("kind", [ReadError, MissingScanError, CorruptScanError])
def test_errors_pickle(kind):
    error = pickle.loads(pickle.dumps(kind("reading a.tif: it is gone")))
    assert type(error) is kind
    assert str(error) == "reading a.tif: it is gone"


# Files that are not ours


@pytest.mark.parametrize("folder", ["real_scans/images", "independent/scans"])
def test_every_shared_scan_reads(folder):
    paths = xrayscan.io.find_scans(SHARED / folder) if (SHARED / folder).is_dir() else []
    if not paths:
        pytest.skip("these scans are not on this machine")
    for path in paths:
        view = xrayscan.io.read(path).view
        # The other renderer's transmissions are cut off at air, its counts are not; nothing else says which is which.
        said = path.suffix == ".tif" and json.loads(path.with_suffix(".json").read_text())["kind"]
        assert view.quantity == {False: "display", "raw_counts": "counts", "transmission_u16": "transmission"}[said]
        assert view.pixels.dtype == (np.uint8 if path.suffix == ".jpg" else np.uint16)
        assert min(view.shape) > 100


def test_independent_scans_take_their_calibration(tmp_path):
    home = SHARED / "independent"
    if not home.is_dir():
        pytest.skip("these scans are not on this machine")
    for line in sorted((home / "cal").glob("*_air.npy")):
        name = line.name.removesuffix("_air.npy")
        dark = np.load(home / "cal" / f"{name}_dark.npy")
        scan = xrayscan.io.read(home / "scans" / f"{name}.tif", air=np.load(line), dark=dark)
        assert scan.calibration.air.shape == scan.view.pixels.shape[:2]


def test_the_table_covers_what_the_readers_promise():
    kinds = {np.dtype(row.pixels.dtype).name for row in TABLE}
    assert kinds >= {"uint8", "uint16", "int16", "uint32", "uint64", "float16", "float32", "float64"}
    assert (ROWS, COLUMNS) == (37, 53)
    assert png_bytes(ramp()[0]).startswith(b"\x89PNG")


def test_air_cut_off_at_the_top_of_16_bits_is_a_transmission(tmp_path):
    pixels = np.tile(np.linspace(500, 65000, 120), (100, 1)).astype(np.uint16)
    np.save(tmp_path / "plain.npy", pixels)
    pixels[:, 100:] = 65535
    np.save(tmp_path / "cut.npy", pixels)
    np.save(tmp_path / "full.npy", np.full((100, 120), 65535, np.uint16))
    found = [xrayscan.io.read(tmp_path / f"{name}.npy").view.quantity for name in ("plain", "cut", "full")]
    assert found == ["counts", "transmission", "counts"]
    assert xrayscan.io.read(tmp_path / "cut.npy", quantity="counts").view.quantity == "counts"
    assert xrayscan.io.read(tmp_path / "cut.npy", air=65535.0).view.quantity == "counts"


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_air_at_the_top_of_its_bits_makes_a_transmission(tmp_path, bits):
    top = (1 << bits) - 1
    pixels = np.full((60, 80), top, np.uint16)
    pixels[20:50, 10:60] = np.linspace(0.1 * top, 0.6 * top, 50).astype(np.uint16)
    np.save(tmp_path / "air.npy", pixels)
    scan = xrayscan.read(tmp_path / "air.npy")
    assert scan.view.quantity == "transmission"
    radiograph = xrayscan.normalize(scan)
    assert radiograph.valid.all()
    np.testing.assert_allclose(radiograph.optical_depth[0, 30, 12:58], -np.log(pixels[30, 12:58] / top), atol=2e-2)
    np.save(tmp_path / "lower.npy", (pixels * 0.93).astype(np.uint16))
    assert xrayscan.read(tmp_path / "lower.npy").view.quantity == "counts"
