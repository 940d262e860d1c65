"""Bundles: an archive or a folder is one scan, and nothing leads out of it."""

from __future__ import annotations

import contextlib
import io
import json
import stat
import struct
import time
import zipfile

import numpy as np
import pytest
import tifffile
from reader_tests import peak_of_reading
from reference import ramp

import xrayscan.io
from xrayscan.errors import CorruptScanError, ReadError
from xrayscan.io import bundle, find_scans, npz
from xrayscan.io.file import ScanFile

ONE, TWO = ramp(), ramp(energies=2)
MANIFEST = """
xrayscan = 1
scan = "0412.tif"
air = "cal/air.npy"
dark = [{dark}]
bad_pixels = [3]
pixel_pitch = [0.005, 0.004]
scanner = "Portal 9"
ids = {{ scan = "0412" }}

[manifest]
goods = ["plywood"]
mass = 18000
""".format(dark=", ".join(["100"] * 37))


def tiff(pixels, **options):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for page in pixels:
            writer.write(page, photometric="minisblack", **options)
    return stream.getvalue()


def array(values):
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def whole(manifest=MANIFEST):
    return {
        "manifest.toml": manifest.encode(),
        "0412.tif": tiff(TWO),
        "cal/air.npy": array(np.full(37, 60000.0)),
        "photo.jpg": b"no scan",
    }


def packed(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def laid_out(folder, members):
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def read(path):
    """As `xrayscan.io.read` does, from the reader itself."""
    file = bundle.open_folder(path) if path.is_dir() else ScanFile.open(path)
    return bundle.read(file)


@pytest.mark.parametrize("form", ["archive", "stored", "in a folder of the archive", "folder"])
def test_a_bundle_is_one_scan(tmp_path, form):
    if form == "folder":
        path = laid_out(tmp_path / "0412", whole())
    else:
        top = "0412/" if "of the" in form else ""
        members = {**{top + name: data for name, data in whole().items()}, "__MACOSX/._0412.tif": b"left behind"}
        path = packed(tmp_path / "a.zip", members, zipfile.ZIP_STORED if form == "stored" else zipfile.ZIP_DEFLATED)
    contents = read(path)
    np.testing.assert_array_equal(contents.pixels, TWO)
    assert contents.pixels.dtype == np.uint16
    assert contents.air.tolist() == [60000.0] * 37
    assert contents.dark.tolist() == [100.0] * 37
    assert np.flatnonzero(contents.bad_pixels).tolist() == [3]
    assert contents.pixel_pitch == (0.005, 0.004)
    assert contents.scanner == "Portal 9"
    assert contents.ids == {"scan": "0412"}
    assert contents.manifest.goods == ("plywood",)
    assert contents.manifest.mass == 18000


def test_several_views_and_what_each_says(tmp_path):
    manifest = {
        "xrayscan": 1,
        "views": ["side.tif", {"scan": "top.npy", "air": "top_air.npy", "pixel_pitch": 0.01}],
        "air": 60000,
        "pixel_pitch": 0.005,
        "quantity": "counts",
    }
    members = {
        "manifest.json": json.dumps(manifest),
        "side.tif": tiff(ONE),
        "top.npy": array(TWO),
        "top_air.npy": array(np.ones(37)),
    }
    contents = read(packed(tmp_path / "a.zip", members))
    assert len(contents.others) == 1
    top = contents.others[0]
    assert (contents.pixels.shape, top.pixels.shape) == ((1, 37, 53), (2, 37, 53))
    assert (contents.pixel_pitch, top.pixel_pitch) == ((0.005, 0.005), (0.01, 0.01))
    assert contents.air.tolist() == [60000.0]
    assert top.air.tolist() == [1.0] * 37
    assert top.quantity == "counts"


def test_a_raw_scan_in_a_bundle(tmp_path):
    manifest = "xrayscan = 1\nscan = '0412.raw'\nrows = 37\ncolumns = 53\ndtype = 'uint16'\nbyte_order = 'big'"
    members = {"manifest.toml": manifest, "0412.raw": ONE.astype(">u2").tobytes()}
    np.testing.assert_array_equal(read(packed(tmp_path / "a.zip", members)).pixels, ONE)


def test_read_takes_a_folder_and_its_hash_is_of_its_files(tmp_path):
    if "bundle" not in xrayscan.io.readers():
        pytest.skip("bundles are not registered")
    first, second = laid_out(tmp_path / "a", whole()), laid_out(tmp_path / "b", whole())
    one, two = xrayscan.io.read(first), xrayscan.io.read(f"{second}/")
    assert one.source.sha256 == two.source.sha256
    np.testing.assert_array_equal(one.view.pixels, TWO)
    assert one.calibration.air.shape == (2, 37)
    (second / "0412.tif").write_bytes(tiff(TWO + np.uint16(1)))
    assert xrayscan.io.read(second).source.sha256 != two.source.sha256
    archive = xrayscan.io.read(packed(tmp_path / "a.zip", whole()))
    np.testing.assert_array_equal(archive.view.pixels, TWO)
    assert archive.source.path.endswith("a.zip")


def test_find_scans_sees_a_bundle_folder_as_one_scan(tmp_path):
    laid_out(tmp_path / "lane" / "0412", whole())
    laid_out(tmp_path / "lane" / "plain", {"manifest.json": b'{"scan": "x"}', "a.tif": b"", "b.tif": b""})
    laid_out(tmp_path / "lane" / "broken", {"manifest.toml": b"xrayscan = = 1", "a.tif": b""})
    packed(tmp_path / "lane" / "0413.zip", whole())
    names = [path.relative_to(tmp_path / "lane").as_posix() for path in find_scans(tmp_path)]
    assert names == ["0412", "0413.zip", "broken", "plain/a.tif", "plain/b.tif"]
    flat = [path.name for path in find_scans(tmp_path / "lane", recursive=False)]
    assert flat == ["0412", "0413.zip", "broken"]
    assert find_scans(tmp_path / "lane" / "0412") == [tmp_path / "lane" / "0412"]
    assert find_scans(tmp_path / "lane" / "0412" / "0412.tif") == [tmp_path / "lane" / "0412" / "0412.tif"]
    with pytest.raises(ReadError, match=r"its manifest\.toml is no TOML .*correct it there"):
        read(tmp_path / "lane" / "broken")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("scan = '0412.tif'", "does not say xrayscan = 1"),
        ("xrayscan = 2\nscan = '0412.tif'", r"manifest\.toml is of version 2, this xrayscan reads 1; update xrayscan"),
        ("xrayscan = '1'\nscan = '0412.tif'", "says xrayscan = '1', a str; expected the number 1"),
        ("xrayscan = true\nscan = '0412.tif'", "says xrayscan = 'True', a bool; expected the number 1"),
        ("xrayscan = 1", "must name either scan, a file, or views"),
        ("xrayscan = 1\nscan = 'a'\nviews = ['b']", "must name either scan"),
        ("xrayscan = 1\nscan = 3", "names the scan as .*; expected the name of a file"),
        ("xrayscan = 1\nviews = []", "names the scan as .*; expected the name of a file"),
        ("xrayscan = 1\nscan = 'gone.tif'", "names 'gone.tif', which is not there; it holds 'manifest.toml', '0412.tif'"),
        (
            "xrayscan = 1\nscan = '../0412.tif'",
            r"names '\.\./0412\.tif', which leads out of the bundle; move that file in there",
        ),
        ("xrayscan = 1\nscan = '/etc/passwd'", "names '/etc/passwd', which leads out of the bundle"),
        ("xrayscan = 1\nscan = '0412.tif'\nairs = 3", "in its manifest there is no key 'airs'; perhaps 'air' is meant"),
        ("xrayscan = 1\nviews = [{scan = '0412.tif', vendor = 'x'}]", "in its manifest there is no key 'vendor'"),
        ("xrayscan = 1\nscan = '0412.tif'\nair = 'photo.jpg'", "its member 'photo.jpg' is no .npy data"),
        ("xrayscan = 1\nscan = 'photo.jpg'", r"its member 'photo\.jpg' could not be read; its first bytes .*of no format"),
        ("xrayscan = 1\nscan = '0412.tif'\npixel_pitch = 'x'", "the bundle's manifest says pixel_pitch = 'x'"),
        ("xrayscan = 1\nscan = 'manifest.toml'", "its member 'manifest.toml' could not be read"),
        ("[" * 5000, "is no TOML"),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path, manifest, message):
    path = packed(tmp_path / "a.zip", whole(manifest))
    with pytest.raises(ReadError, match=rf"^reading .*a\.zip: .*{message}") as caught:
        read(path)
    assert str(caught.value).count("reading ") == 1


def test_a_folder_does_not_lead_out(tmp_path):
    (tmp_path / "secret.tif").write_bytes(tiff(ONE))
    for name, scan in (("a", "../secret.tif"), ("b", str(tmp_path / "secret.tif")), ("c", "link.tif")):
        folder = laid_out(tmp_path / name, whole(f"xrayscan = 1\nscan = '{scan}'"))
        (folder / "link.tif").symlink_to(tmp_path / "secret.tif")
        with pytest.raises(ReadError, match="which leads out of the bundle; move that file in there"):
            read(folder)
    folder = laid_out(tmp_path / "d", whole("xrayscan = 1\nscan = 'gone.tif'"))
    with pytest.raises(ReadError, match=r"gone\.tif: there is no such file"):
        read(folder)
    (folder / "manifest.json").write_text('{"xrayscan": 1}')
    with pytest.raises(ReadError, match="it holds two manifests; keep one of them"):
        read(folder)


@pytest.mark.parametrize("name", ["../x.npy", "/x.npy", "a/../../x.npy", "a\\x.npy", "C:x.npy"])
def test_names_that_lead_out_refuse_the_archive(tmp_path, name):
    path = packed(tmp_path / "a.zip", {**whole(), name: b"x"})
    with pytest.raises(CorruptScanError, match="has a name that leads out of the archive; pack it again"):
        read(path)


def test_links_doubles_and_locks_are_refused(tmp_path):
    link = zipfile.ZipInfo("0413.tif")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = packed(tmp_path / "a.zip", whole())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(CorruptScanError, match=r"its member '0413\.tif' is a link; pack the file itself"):
        read(path)
    path = packed(tmp_path / "b.zip", whole())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("0412.tif", b"another")
    with pytest.raises(CorruptScanError, match=r"it holds '0412\.tif' twice"):
        read(path)
    path = packed(tmp_path / "c.zip", whole())
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"0412.tif"))
    data[at + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ReadError, match="is encrypted or of an unusual compression"):
        read(path)
    path = packed(tmp_path / "d.zip", whole(), zipfile.ZIP_LZMA)
    with pytest.raises(ReadError, match="is encrypted or of an unusual compression"):
        read(path)


def test_archives_in_archives_are_refused(tmp_path):
    inner = packed(tmp_path / "inner.zip", whole()).read_bytes()
    stream = io.BytesIO()
    np.savez_compressed(stream, pixels=ONE)
    for name, data in (("inner.zip", inner), ("0412.npz", stream.getvalue())):
        path = packed(tmp_path / "a.zip", {"manifest.toml": f"xrayscan = 1\nscan = '{name}'", name: data})
        with pytest.raises(ReadError, match=rf"its member '{name}' is an archive itself; pack the scan as TIFF or .npy"):
            read(path)


def test_an_archive_without_a_manifest_says_what_it_holds(tmp_path):
    path = packed(tmp_path / "a.zip", {"0412.tif": tiff(ONE), "notes.txt": b""})
    with pytest.raises(ReadError, match=r"holds '0412\.tif', 'notes\.txt' and no manifest; a bundle is described by manifest"):
        read(path)
    with pytest.raises(ReadError, match="holds nothing and no manifest"):
        read(packed(tmp_path / "b.zip", {}))


def bomb_twice():
    """64 MB of zeros in a TIFF strip, deflated, in an archive that deflates them again."""
    return tiff(np.zeros((1, 4000, 8000), np.uint16))


BOMBS = {
    "bomb": (lambda: {"manifest.toml": "xrayscan = 1\nscan = 'a.tif'", "a.tif": bomb_twice()}, "pack it without compression"),
    "manifest": (lambda: {"manifest.toml": b"#" * 5_000_000}, r"is larger than \d+ bytes"),
    "crowd": (lambda: {f"{n}": b"" for n in range(10_001)}, "holds 10001 files"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path, name):
    members, message = BOMBS[name]
    path = packed(tmp_path / "a.zip", members())
    began = time.monotonic()
    with pytest.raises(ReadError, match=message):
        read(path)
    assert time.monotonic() - began < 5
    assert peak_of_reading(path) < 80e6


def test_a_member_that_claims_what_deflate_cannot_do(tmp_path):
    path = packed(tmp_path / "a.zip", whole())
    data = bytearray(path.read_bytes())
    name = data.rindex(b"0412.tif")
    data[name - 22 : name - 18] = struct.pack("<I", 2**31)
    path.write_bytes(data)
    with pytest.raises(CorruptScanError, match=r"its member '0412\.tif' claims 2147483648 bytes from \d+; it cannot do so"):
        read(path)


def test_damage_is_an_error_of_ours(tmp_path):
    sound = packed(tmp_path / "a.zip", whole()).read_bytes()
    chance = np.random.default_rng(4)
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(int(chance.integers(1, 6))):
            data[int(chance.integers(len(data)))] = int(chance.integers(256))
        file = ScanFile(tmp_path / "a.zip", bytes(data))
        with contextlib.suppress(ReadError):
            bundle.read(file)
    for cut in range(10, len(sound) - 1, len(sound) // 40):
        with pytest.raises(CorruptScanError, match="the archive is damaged .*no directory at its end: it was cut off"):
            bundle.read(ScanFile(tmp_path / "a.zip", sound[:cut]))


def test_an_npz_is_no_bundle(tmp_path):
    np.savez(tmp_path / "a.npz", pixels=ONE)
    assert not bundle.can_read(ScanFile.open(tmp_path / "a.npz"))
    assert not bundle.can_read(ScanFile.open(npz_by_content(tmp_path)))


@pytest.mark.parametrize("first", ["manifest.toml", "air.npy", "scan.npy"])
@pytest.mark.parametrize("top", ["", "0412/"])
def test_an_archive_with_a_manifest_is_a_bundle_whatever_is_first(tmp_path, first, top):
    members = {
        "manifest.toml": "xrayscan = 1\nscan = 'scan.npy'\nair = 'air.npy'",
        "air.npy": array(np.full(37, 60000.0)),
        "scan.npy": array(ONE),
    }
    ordered = {top + name: members[name] for name in sorted(members, key=lambda name: name != first)}
    path = packed(tmp_path / "a.zip", ordered)
    assert not npz.can_read(ScanFile.open(path))
    scan = xrayscan.io.read(path)
    np.testing.assert_array_equal(scan.view.pixels, ONE)
    assert scan.calibration.air.shape == (1, 37)


@pytest.mark.parametrize("name", ["a.npy", "z.npy"])
def test_a_folder_is_a_bundle_wherever_its_scan_sorts(tmp_path, name):
    members = {
        "manifest.toml": f"xrayscan = 1\nscan = '{name}'\nair = 'air.npy'".encode(),
        "air.npy": array(np.full(37, 60000.0)),
        name: array(ONE),
    }
    scan = xrayscan.io.read(laid_out(tmp_path / "0412", members))
    np.testing.assert_array_equal(scan.view.pixels, ONE)
    assert scan.calibration.air.shape == (1, 37)


def npz_by_content(folder):
    path = folder / "scan"
    with path.open("wb") as stream:
        np.savez(stream, pixels=ONE)
    return path


def test_a_member_may_be_named_from_the_folder_it_is_in(tmp_path):
    np.save(tmp_path / "s.npy", np.full((4, 5), 900, np.uint16))
    (tmp_path / "manifest.toml").write_text('xrayscan = 1\nscan = "./s.npy"\n', encoding="utf-8")
    assert xrayscan.io.read(tmp_path).view.shape == (4, 5)
