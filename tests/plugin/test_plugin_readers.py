"""The surface for vendors: the contract test finds what is wrong, and every reader of ours passes it."""

from __future__ import annotations

import io
import os
import random
import re
import struct
import sys
import time
import types
import warnings
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import xrayscan.plugin
from xrayscan.io import bundle, hdf5, jpeg, npy, npz, png, raw, tiff
from xrayscan.plugin import Contents, check_reader

DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"
PIXELS = (np.arange(40 * 60).reshape(40, 60) * 27).astype(np.uint16)


def write_h5(path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as store:
        store.create_dataset("pixels", data=PIXELS, chunks=(16, 16), compression="gzip", shuffle=True)
        store.attrs["quantity"] = "counts"


def write_bundle(path):
    stream = io.BytesIO()
    np.save(stream, PIXELS)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.toml", "xrayscan = 1\nscan = '0412.npy'\npixel_pitch = 0.005")
        archive.writestr("0412.npy", stream.getvalue())


def write_raw(path):
    path.write_bytes(PIXELS.tobytes())
    path.with_suffix(".xrayscan.toml").write_text("rows = 40\ncolumns = 60\ndtype = 'uint16'")


BUILT_IN = {
    "0412.tif": (tiff, lambda path: tifffile.imwrite(path, PIXELS, compression="zlib", predictor=True), PIXELS),
    "0412.png": (png, lambda path: cv2.imwrite(str(path), PIXELS), PIXELS),
    "0412.jpg": (jpeg, lambda path: cv2.imwrite(str(path), np.full((40, 60), 90, np.uint8)), np.full((40, 60), 90, np.uint8)),
    "0412.npy": (npy, lambda path: np.save(path, PIXELS), PIXELS),
    "0412.npz": (npz, lambda path: np.savez_compressed(path, pixels=PIXELS), PIXELS),
    "0412.raw": (raw, write_raw, PIXELS),
    "0412.h5": (hdf5, write_h5, PIXELS),
    "0412.zip": (bundle, write_bundle, PIXELS),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_reader_keeps_the_contract(tmp_path, name):
    reader, write, pixels = BUILT_IN[name]
    path = tmp_path / name
    write(path)
    broken = tmp_path / f"broken{path.suffix}"
    broken.write_bytes(path.read_bytes()[:100])
    report = check_reader(reader, good={path: pixels}, bad=[broken])
    assert report.passed, str(report)
    assert report.checked > 60
    assert str(report).startswith("the reader keeps the contract: ")


# Readers that break one point each


def sample(folder):
    path = folder / "0412.abc"
    path.write_bytes(struct.pack("<4sII", b"ABC1", 40, 60) + PIXELS.tobytes())
    return path


def sound_read(file):
    if file.size < 12:
        raise file.corrupt("it ends within its header")
    rows, columns = struct.unpack("<II", file.data[4:12])
    xrayscan.plugin.check_claim(file, rows, columns)
    if file.size != 12 + 2 * rows * columns:
        raise file.corrupt(f"it has {file.size} bytes")
    return Contents(np.frombuffer(file.data, "<u2", offset=12).reshape(rows, columns))


def reader_of(**changed):
    names = {"NEEDS": (), "can_read": lambda file: file.head.startswith(b"ABC1"), "read": sound_read}
    return types.SimpleNamespace(**{name: value for name, value in {**names, **changed}.items() if value is not None})


def points(report):
    return {problem.point for problem in report.problems}


def test_the_reader_that_the_faulty_ones_are_made_of_is_sound(tmp_path):
    report = check_reader(reader_of(), good={sample(tmp_path): PIXELS})
    assert report.passed, str(report)


@pytest.mark.parametrize("which", ["good", "bad"])
def test_one_path_is_no_list(tmp_path, which):
    given = {"good": [sample(tmp_path)], which: str(sample(tmp_path))}
    with pytest.raises(TypeError, match=rf"check_reader was given {which}='.*'; pass a list of paths: {which}=\['"):
        check_reader(reader_of(), **given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"NEEDS": None}, "it has no NEEDS; a reader has NEEDS, can_read and read"),
        ({"NEEDS": ["numpy"]}, r"NEEDS is \['numpy'\]; expected a tuple of module names"),
        ({"NEEDS": ("nowhere_to_be_found",)}, "NEEDS names nowhere_to_be_found, which is not installed here"),
        ({"read": 3}, "read cannot be called"),
    ],
)
def test_names_are_looked_at_first(tmp_path, changed, message):
    report = check_reader(reader_of(**changed), good=[sample(tmp_path)])
    assert points(report) == {"names"}
    assert re.search(message, str(report))


def test_can_read_must_say_no_to_others_and_never_raise(tmp_path):
    path = sample(tmp_path)
    assert "takes b'GIF89a" in str(check_reader(reader_of(can_read=lambda file: True), good=[path]))
    assert "it does not know this sound file" in str(check_reader(reader_of(can_read=lambda file: False), good=[path]))
    report = check_reader(reader_of(can_read=lambda file: file.data[3] == ord("1")), good=[path])
    assert "can_read (foreign.bin): it raised IndexError" in str(report)
    report = check_reader(reader_of(can_read=lambda file: 1 if file.head[:4] == b"ABC1" else 0), good=[path])
    assert "it answered 1; expected True or False" in str(report)


def test_contents_must_be_contents_and_make_a_scan(tmp_path):
    path = sample(tmp_path)
    for made, message in (
        (lambda file: PIXELS, "gave a ndarray on a sound file; expected xrayscan.plugin.Contents"),
        (lambda file: Contents(np.ones(5)), r"make no scan: .*shape \(5,\)"),
        (
            lambda file: Contents(PIXELS, quantity="hounsfield"),
            "gave quantity as 'hounsfield' .*expected one of counts, transmission, display",
        ),
        (lambda file: Contents(PIXELS, pixel_pitch=5.0), "make no scan: pixel_pitch is"),
        (lambda file: Contents(PIXELS, air=np.ones(9)), r"make no scan: air has shape \(9,\)"),
        (lambda file: Contents(PIXELS, others=(Contents(np.ones((2, 2), complex)),)), "make no scan: .*complex128"),
        (
            lambda file: Contents(PIXELS, manifest={"driver": "x"}),
            r"gave manifest as a dict; expected an xrayscan\.scan\.Manifest",
        ),
        (
            lambda file: Contents(PIXELS, acquired_at="yesterday"),
            r"gave acquired_at as 'yesterday' \(str\); expected a datetime",
        ),
        (lambda file: Contents(PIXELS, vendor=7), r"read \(0412\.abc\): .*gave vendor as 7 \(int\); expected text"),
        (lambda file: Contents(PIXELS, saturation="x"), r"gave saturation as 'x' \(str\); expected a number"),
        (lambda file: Contents(PIXELS, ids={"scan": 412}), "gave ids as a dict; expected a mapping of text to text"),
        (lambda file: Contents(PIXELS, endpoints="6 MV"), r"gave endpoints as '6 MV' \(str\); expected megavolts"),
        (lambda file: Contents(PIXELS, steps=("read",)), r"gave steps as a tuple; expected a tuple of xrayscan\.scan\.Step"),
    ):
        assert re.search(message, str(check_reader(reader_of(read=made), good=[path])), re.DOTALL)


def test_lost_bits_are_seen(tmp_path):
    path = sample(tmp_path)
    eight = reader_of(read=lambda file: Contents((sound_read(file).pixels >> 8).astype(np.uint8)))
    assert "its pixels are uint8, the file's are uint16; keep every bit" in str(check_reader(eight, good={path: PIXELS}))
    low = reader_of(read=lambda file: Contents(sound_read(file).pixels & 0xFFF0))
    assert "pixels differ from what the file holds" in str(check_reader(low, good={path: PIXELS}))
    turned = reader_of(read=lambda file: Contents(sound_read(file).pixels.T))
    assert "its pixels have shape (60, 40), the file's have (40, 60)" in str(check_reader(turned, good={path: PIXELS}))


def test_a_reader_that_is_not_the_same_twice(tmp_path):
    count = iter(range(10**6))
    report = check_reader(
        reader_of(read=lambda file: Contents(sound_read(file).pixels, ids={"n": str(next(count))})), good=[sample(tmp_path)]
    )
    assert points(report) >= {"same twice", "threads"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: os.environ.update(ABC_SEEN=str(time.monotonic_ns())), "it changed the environment"),
        (lambda file: random.seed(time.monotonic_ns()), "it changed the state of random"),
        (lambda file: np.random.seed(int(time.monotonic_ns() % 2**31)), "it changed the state of numpy.random"),
        (lambda file: sys.stdout.write("hello"), "it printed 'hello"),
        (lambda file: file.path.with_suffix(".idx").write_bytes(b""), r"opened .*0412\.idx"),
        (lambda file: os.listdir(file.path.parent), "it listed"),
        (lambda file: warnings.warn("odd", stacklevel=1), "it warned 'odd'"),
        (lambda file: file.path.write_bytes(file.data + b"!"), "the file is changed on the disk"),
    ],
)
def test_side_effects_are_seen(tmp_path, monkeypatch, spoil, message):
    monkeypatch.setenv("ABC_SEEN", "0")

    def read(file):
        spoil(file)
        return sound_read(file)

    path = sample(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = check_reader(reader_of(read=read), good=[path])
    assert "side effects" in points(report)
    assert re.search(message, str(report))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda: np.seterr(all="ignore"), "it changed the error state of NumPy"),
        (lambda: np.random.seed(0), r"it changed the state of numpy\.random"),
        (lambda: random.seed(0), "it changed the state of random"),
        (lambda: os.environ.update(ABC_SEEN="1"), "it changed the environment"),
        (lambda: os.chdir("/"), "it changed the working folder"),
        (lambda: sys.path.insert(0, "/abc"), "it changed the module search path"),
        (lambda: np.set_printoptions(precision=3), "it changed the print options of NumPy"),
    ],
)
@pytest.mark.parametrize("once", [False, True])
def test_what_is_changed_at_the_first_reading_is_seen_and_undone(tmp_path, spoil, message, once):
    """Each of these leaves the same state at every reading: after the first there is nothing to see."""
    left = [1 if once else 10**6]

    def read(file):
        if left[0]:
            left[0] -= 1
            spoil()
        return sound_read(file)

    before = os.getcwd(), dict(os.environ), list(sys.path), np.geterr(), np.get_printoptions()
    report = check_reader(reader_of(read=read), good={sample(tmp_path): PIXELS})
    assert [problem.point for problem in report.problems].count("side effects") == 1
    assert re.search(message, str(report))
    assert before == (os.getcwd(), dict(os.environ), list(sys.path), np.geterr(), np.get_printoptions())


def test_prints_are_told_and_kept_off_the_terminal(tmp_path, capsys):
    def can_read(file):
        sys.stderr.write("asked")
        return file.head.startswith(b"ABC1")

    def read(file):
        sys.stdout.write(f"reading {file.size} bytes\n")
        return sound_read(file)

    broken = tmp_path / "broken.abc"
    broken.write_bytes(b"ABC1")
    report = check_reader(reader_of(can_read=can_read, read=read), good=[sample(tmp_path)], bad=[broken])
    assert capsys.readouterr() == ("", "")
    assert "side effects: it printed 'asked" in str(report)
    assert re.search(r"side effects \(0412\.abc\): it printed 'askedreading 4812 bytes", str(report))


def test_one_problem_is_one_point(tmp_path):
    report = check_reader(reader_of(read=3), good=[sample(tmp_path)])
    assert str(report).startswith("the reader breaks the contract in 1 point:\n")


def test_what_a_reader_needs_must_load(tmp_path, monkeypatch):
    (tmp_path / "abc_decoder.py").write_text("raise RuntimeError('no license')")
    monkeypatch.syspath_prepend(tmp_path)
    report = check_reader(reader_of(NEEDS=("abc_decoder",)), good=[sample(tmp_path)])
    assert re.search(r"NEEDS names abc_decoder, which cannot be imported here: RuntimeError\('no license'\)", str(report))


def test_a_bundle_in_a_folder_is_a_sound_file_too(tmp_path):
    np.save(tmp_path / "0412.npy", PIXELS)
    (tmp_path / "manifest.toml").write_text("xrayscan = 1\nscan = '0412.npy'")
    report = check_reader(bundle, good={tmp_path: PIXELS})
    assert report.passed, str(report)


def test_damage_must_be_our_error_and_name_the_file(tmp_path):
    path = sample(tmp_path)

    def careless(file):
        rows, columns = struct.unpack("<II", file.data[4:12])
        return Contents(np.frombuffer(file.data, "<u2", rows * columns, 12).reshape(rows, columns))

    report = check_reader(reader_of(read=careless), good=[path])
    assert points(report) == {"damage"}
    assert re.search(r"cut off after .* it gave (error|ValueError).*expected a ReadError", str(report))

    def nameless(file):
        try:
            return sound_read(file)
        except xrayscan.plugin.ReadError:
            raise xrayscan.plugin.CorruptScanError("it is broken") from None

    assert "its error does not name the file: 'it is broken'" in str(check_reader(reader_of(read=nameless), good=[path]))

    def filled(file):
        pixels = np.zeros(2400, np.uint16)
        there = np.frombuffer(file.data[12 : 12 + (file.size - 12) // 2 * 2], "<u2")[:2400]
        pixels[: there.size] = there
        return Contents(pixels.reshape(40, 60))

    assert "it was read as if whole; expected a ReadError" in str(check_reader(reader_of(read=filled), good=[path]))


def test_time_and_memory_are_bounded(tmp_path):
    path = sample(tmp_path)

    def greedy(file):
        if file.data[4:12] != struct.pack("<II", 40, 60):
            np.ones(20_000_000)
        return sound_read(file)

    assert re.search(r"bounds .* it took \d+ MB for \d+ bytes", str(check_reader(reader_of(read=greedy), good=[path])))

    def slow(file):
        if file.size < 12 + PIXELS.nbytes:
            time.sleep(0.3)
        return sound_read(file)

    report = check_reader(reader_of(read=slow), good=[path], seconds=0.1)
    assert "it did not return within 0 s" in str(report)


def test_bad_files_must_be_refused_and_a_sound_one_named(tmp_path):
    path = sample(tmp_path)
    assert "was given as a file that must be refused" in str(check_reader(reader_of(), good=[path], bad=[path]))
    assert "name at least one in good" in str(check_reader(reader_of(), good=[]))


# The document


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_the_document_is_sound(tmp_path, monkeypatch):
    example = next(block for block in blocks("python") if "ABC1" in block)
    module = types.ModuleType("vendor_abc.reader")
    exec(compile(example, "vendor_abc/reader.py", "exec"), module.__dict__)
    path = tmp_path / "0412.abc"
    path.write_bytes(struct.pack("<4sIIf", b"ABC1", 40, 60, 60000.0) + zlib.compress(PIXELS.tobytes()))
    broken = tmp_path / "broken.abc"
    broken.write_bytes(b"ABC1")
    report = check_reader(module, good={path: PIXELS}, bad=[broken])
    assert report.passed, str(report)
    from xrayscan.io import registry

    monkeypatch.setattr(registry, "_plugged_in", lambda: {"abc": module})
    scan = xrayscan.read(path)
    np.testing.assert_array_equal(scan.view.pixels[0], PIXELS)
    assert scan.source.vendor == "ABC"
    assert scan.view.steps[0].name == "abc"


def test_the_contract_test_of_the_document_runs(tmp_path, monkeypatch):
    example = next(block for block in blocks("python") if "ABC1" in block)
    package, module = types.ModuleType("vendor_abc"), types.ModuleType("vendor_abc.reader")
    exec(compile(example, "vendor_abc/reader.py", "exec"), module.__dict__)
    package.reader = module
    monkeypatch.setitem(sys.modules, "vendor_abc", package)
    monkeypatch.setitem(sys.modules, "vendor_abc.reader", module)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "0412.abc").write_bytes(
        struct.pack("<4sIIf", b"ABC1", 40, 60, 60000.0) + zlib.compress(PIXELS.tobytes())
    )
    (tmp_path / "samples" / "broken.abc").write_bytes(b"ABC1")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(next(block for block in blocks("python") if "def test_" in block), "test_reader.py", "exec"), names)
    names["test_the_reader_keeps_the_contract"]()


def test_the_document_has_a_stub_for_uff_and_no_layout():
    stub = next(block for block in blocks("python") if "UFF" in block)
    compile(stub, "uff.py", "exec")
    assert 'SIGNATURE = b"..."' in stub


def test_what_a_reader_needs_is_exported():
    for name in xrayscan.plugin.__all__:
        assert getattr(xrayscan.plugin, name) is not None
    example = next(block for block in blocks("python") if "ABC1" in block)
    used = re.search(r"from xrayscan\.plugin import (.*)", example)[1].split(", ")
    assert set(used) <= set(xrayscan.plugin.__all__)
