"""Sidecars: which file is one, what it may say, and that it leads nowhere else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from reference import ROWS, ramp

import xrayscan.io
from xrayscan.errors import CalibrationError, CorruptScanError, ReadError, ShapeError
from xrayscan.io import sidecar

FULL = """
xrayscan = 1
quantity = "counts"
pixel_pitch = [0.004, 0.005]
energies = ["high"]
air = "cal/air.npy"
dark = 120
bad_pixels = [3, 5]
saturation = 65535
vendor = "Maker"
scanner = "Portal 9"
acquired_at = 2026-04-12T08:30:00Z

[ids]
container = "ABCU1234567"
lane = 3

[manifest]
goods = ["tiles", "cement"]
mass = 21000
empty = false
"""


@pytest.fixture
def scan_file(tmp_path):
    path = tmp_path / "0412.npy"
    np.save(path, ramp())
    (tmp_path / "cal").mkdir()
    np.save(tmp_path / "cal" / "air.npy", np.full(ROWS, 60000.0))
    return path


def beside(path, text, suffix=".xrayscan.toml"):
    path.with_name(path.stem + suffix).write_text(text, encoding="utf-8")
    return path


def test_everything_a_sidecar_may_say(scan_file):
    scan = xrayscan.io.read(beside(scan_file, FULL))
    assert scan.view.pixel_pitch == (0.004, 0.005)
    assert scan.calibration.air[0, 0] == 60000.0
    assert scan.calibration.dark.tolist() == [[120.0] * ROWS]
    assert np.flatnonzero(scan.calibration.bad_pixels[0]).tolist() == [3, 5]
    assert scan.calibration.saturation == 65535.0
    assert (scan.source.vendor, scan.source.scanner) == ("Maker", "Portal 9")
    assert dict(scan.source.ids) == {"container": "ABCU1234567", "lane": "3"}
    assert scan.acquired_at == datetime(2026, 4, 12, 8, 30, tzinfo=UTC)
    assert (scan.manifest.goods, scan.manifest.mass, scan.manifest.empty) == (("tiles", "cement"), 21000.0, False)


def test_the_names_are_those_that_are_read(scan_file):
    names = sidecar.names(scan_file)
    assert len(set(names)) == 6
    for name in names:
        file = scan_file.with_name(name)
        file.write_text('{"pixel_pitch": 0.004}' if name.endswith(".json") else "pixel_pitch = 0.004", encoding="utf-8")
        assert sidecar.find(scan_file) == {"pixel_pitch": 0.004}, name
        file.unlink()


def test_json_says_the_same(scan_file):
    said = {
        "pixel_pitch": 0.004,
        "air": [60000] * ROWS,
        "acquired_at": "2026-04-12T08:30:00+00:00",
        "manifest": {"empty": True},
    }
    scan = xrayscan.io.read(beside(scan_file, json.dumps(said), ".xrayscan.json"))
    assert scan.view.pixel_pitch == (0.004, 0.004)
    assert scan.calibration.air.shape == (1, ROWS)
    assert scan.acquired_at == datetime(2026, 4, 12, 8, 30, tzinfo=UTC)
    assert scan.manifest.empty is True


def test_keywords_win_over_sidecar_over_file(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, pixels=ramp(np.float32), quantity="display", pixel_pitch=[0.001, 0.002], saturation=7.0, energies=["high"])
    view = xrayscan.io.read(path).view
    assert (view.quantity, view.pixel_pitch) == ("display", (0.001, 0.002))
    beside(path, "quantity = 'transmission'\npixel_pitch = 0.003")
    scan = xrayscan.io.read(path)
    assert (scan.view.quantity, scan.view.pixel_pitch, scan.calibration.saturation) == ("transmission", (0.003, 0.003), 7.0)
    view = xrayscan.io.read(path, quantity="counts", pixel_pitch=0.004).view
    assert (view.quantity, view.pixel_pitch) == ("counts", (0.004, 0.004))


# Which file is one


def test_folder_sidecar_holds_for_every_scan_and_loses_to_the_own_one(scan_file):
    (scan_file.parent / "xrayscan.toml").write_text("pixel_pitch = 0.006\nvendor = 'Maker'")
    assert xrayscan.io.read(scan_file).view.pixel_pitch == (0.006, 0.006)
    scan = xrayscan.io.read(beside(scan_file, "pixel_pitch = 0.004"))
    assert (scan.view.pixel_pitch, scan.source.vendor) == ((0.004, 0.004), "Maker")


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_plain_name_is_a_sidecar_if_it_has_a_mark(scan_file, suffix):
    text = "pixel_pitch = 0.004" if suffix == ".toml" else '{"pixel_pitch": 0.004}'
    assert xrayscan.io.read(beside(scan_file, text, suffix)).view.pixel_pitch == (0.004, 0.004)


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "p0000", "kind": "raw_counts", "energies": [6.0], "vendor": 3, "pages": ["high"]}',
        "[1, 2, 3]",
        "7",
        "",
        "{broken",
        '{"many": ' + "[" * 100_000,
    ],
)
def test_somebody_elses_json_is_not_looked_at(scan_file, text):
    scan = xrayscan.io.read(beside(scan_file, text, ".json"))
    assert scan.source.vendor is None


def test_plain_name_is_not_looked_at_beside_an_explicit_sidecar(scan_file):
    beside(scan_file, '{"pixel_pitch": "5 mm", "what": 1}', ".json")
    with pytest.raises(ReadError, match="there is no key 'what'"):
        xrayscan.io.read(scan_file)
    assert xrayscan.io.read(beside(scan_file, "pixel_pitch = 0.004")).view.pixel_pitch == (0.004, 0.004)


def test_two_sidecars_of_the_same_rank_are_an_error(scan_file):
    beside(scan_file, "pixel_pitch = 0.004")
    beside(scan_file, '{"pixel_pitch": 0.005}', ".xrayscan.json")
    with pytest.raises(ReadError, match="they are of the same scan; keep one of them"):
        xrayscan.io.read(scan_file)


# Strict


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pixelpitch = 0.004", "there is no key 'pixelpitch'; perhaps 'pixel_pitch' is meant"),
        ("quantitty = 'counts'", "perhaps 'quantity' is meant"),
        ("zzz = 1", "there is no key 'zzz'; expected xrayscan, quantity, pixel_pitch"),
        ("xrayscan = 2", "it is of version 2, this xrayscan reads 1; update xrayscan"),
        ("pixel_pitch = ", "it is no TOML .*; correct it there"),
        ("quantity = 'hounsfield'", "quantity = 'hounsfield'; expected one of counts, transmission, display"),
        ("pixel_pitch = '5 mm'", "pixel_pitch = '5 mm'; expected meters"),
        ("pixel_pitch = [1, 2, 3]", "expected meters"),
        ("energies = 'high'", "expected a list of names"),
        ("air = [1, 'two']", "air = .* expected the name of a .npy file, a number, or a list"),
        ("air = [[1, 2], [3]]", "expected the name of a .npy file, a number, or a list"),
        ("air = []", "expected the name of a .npy file, a number, or a list"),
        ("dark = nan", "expected the name of a .npy file, a number, or a list"),
        ("bad_pixels = [-1]", "expected numbers of detector rows"),
        ("bad_pixels = [37]", "bad_pixels names row 37; the scan has rows 0 to 36"),
        ("saturation = true", "expected a number"),
        ("vendor = 3", "expected text"),
        ("ids = 3", "expected a table"),
        ("acquired_at = 'yesterday'", "expected date and time"),
        ("acquired_at = 3", "expected date and time"),
        ("manifest = 3", "expected a table with goods, mass, empty"),
        ("manifest = {gods = 'x'}", "there is no key 'gods'; perhaps 'goods' is meant"),
        ("manifest = {empty = 'no'}", "expected true or false"),
        ("manifest = {mass = 'heavy'}", "manifest.mass = 'heavy'; expected a number"),
    ],
)
def test_what_is_wrong_is_named(scan_file, text, message):
    with pytest.raises(ReadError, match=message):
        xrayscan.io.read(beside(scan_file, text))


def test_values_that_do_not_fit_the_scan_are_named(scan_file):
    with pytest.raises(CalibrationError, match=r"reading .*0412.npy: pixel_pitch is \(5, 5\) m"):
        xrayscan.io.read(beside(scan_file, "pixel_pitch = 5"))
    with pytest.raises(ShapeError, match=r"reading .*0412.npy: air has shape \(3,\)"):
        xrayscan.io.read(beside(scan_file, "air = [1, 2, 3]"))


def test_sidecar_that_is_too_large_or_no_table(scan_file):
    beside(scan_file, "[1]", ".xrayscan.json")
    with pytest.raises(ReadError, match="holds a list; expected a table"):
        xrayscan.io.read(scan_file)
    beside(scan_file, " " * (4 * 1024**2 + 1), ".xrayscan.json")
    with pytest.raises(ReadError, match="larger than 4194304 bytes"):
        xrayscan.io.read(scan_file)


# Raw layouts


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("rows = 37\ncolumns = 53", "does not say dtype; a raw file needs rows, columns, dtype"),
        ("rows = 37\ncolumns = 53\ndtype = 'uint_16'", r"dtype = 'uint_16'; .*\(perhaps 'uint16'\)"),
        ("rows = 37\ncolumns = 54\ndtype = 'uint16'", "that is 3996 bytes; the file has 3922: correct the sidecar"),
        ("rows = 100000\ncolumns = 100000\ndtype = 'uint16'", "it claims 1 x 100000 x 100000 pixels in 3922 bytes"),
        ("rows = -37\ncolumns = 53\ndtype = 'uint16'", "rows = -37; expected a whole number of 1 or more"),
        ("rows = 37.0\ncolumns = 53\ndtype = 'uint16'", "rows = 37.0; expected a whole number"),
        ("rows = 37\ncolumns = 53\ndtype = 'object'", "dtype = 'object'; expected one of uint8"),
        ("rows = 37\ncolumns = 53\ndtype = 'uint16'\norder = 'fortran'", "order = 'fortran'; expected one of rows, columns"),
        ("rows = 37\ncolumns = 53\ndtype = 'uint16'\nenergies = []", "names 0 energies"),
    ],
)
def test_raw_layout_is_checked(tmp_path, layout, message):
    path = tmp_path / "a.raw"
    path.write_bytes(ramp().tobytes())
    with pytest.raises(ReadError, match=message):
        xrayscan.io.read(beside(path, layout))


# No way out of the scan's folder


@pytest.mark.parametrize("name", ["../secret.npy", "cal/../../secret.npy", "{absolute}", "link.npy"])
def test_no_path_leads_out_of_the_folder(tmp_path, name):
    secret = tmp_path / "secret.npy"
    np.save(secret, np.full(ROWS, 1.0))
    folder = tmp_path / "lane3"
    (folder / "cal").mkdir(parents=True)
    np.save(folder / "a.npy", ramp())
    (folder / "link.npy").symlink_to(secret)
    beside(folder / "a.npy", f"air = {json.dumps(name.format(absolute=secret))}")
    with pytest.raises(ReadError, match="which leads out of the scan's folder; move that file in there"):
        xrayscan.io.read(folder / "a.npy")


def test_calibration_files_that_are_missing_or_damaged(scan_file):
    with pytest.raises(ReadError, match=r"air = 'no.npy'; .*there is no such file"):
        xrayscan.io.read(beside(scan_file, "air = 'no.npy'"))
    (scan_file.parent / "hurt.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(CorruptScanError, match=r"air = 'hurt.npy'; .*cut off in its header"):
        xrayscan.io.read(beside(scan_file, "air = 'hurt.npy'"))
    with pytest.raises(ReadError, match=r"expected the name of a .npy file"):
        xrayscan.io.read(beside(scan_file, 'air = "a\\u0000b"'))


def test_every_key_is_documented():
    for key in sidecar.KEYS:
        assert f"``{key}``" in sidecar.__doc__, key
    assert set(sidecar.MARKS) <= set(sidecar.KEYS)


def test_a_name_too_long_for_a_sidecar_has_none(tmp_path):
    path = tmp_path / ("a" * 247 + ".npy")
    np.save(path, np.full((4, 5), 900, np.uint16))
    assert xrayscan.io.read(path).view.shape == (4, 5)
