"""HDF5: where the scan is found, what of it is kept, and what is refused."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from reader_tests import peak_of_reading
from reference import ramp

from xrayscan.errors import CorruptScanError, ReadError
from xrayscan.io import hdf5
from xrayscan.io.file import ScanFile

h5py = pytest.importorskip("h5py")

TWO = ramp(energies=2)


def made(path, fill, **options):
    with h5py.File(path, "w", **options) as store:
        fill(store)
    return path


def read(path):
    return hdf5.read(ScanFile.open(path))


def everything(holder, **options):
    holder.create_dataset("pixels", data=TWO, **options)
    holder["air"] = np.full((2, 37), 60000.0)
    holder["quantity"] = "counts"
    holder["energies"] = ["high", "low"]
    holder["bad_pixels"] = np.arange(37) == 5
    holder.attrs["pixel_pitch"] = [0.005, 0.004]
    holder["pixels"].attrs["saturation"] = 65535.0
    holder.attrs["endpoints"] = [6.0, 4.0]


STORAGE = {
    "plain": {},
    "chunks": {"chunks": (1, 16, 16)},
    "deflate": {"chunks": (2, 16, 20), "compression": "gzip"},
    "deflate and shuffle": {"chunks": (1, 9, 53), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (1, 16, 16), "compression": "lzf", "shuffle": True},
    "growing": {"chunks": (1, 16, 16), "compression": "gzip", "maxshape": (None, None, None)},
    "one chunk": {"chunks": (2, 37, 53), "compression": "gzip"},
}


@pytest.mark.parametrize("storage", STORAGE)
@pytest.mark.parametrize("options", [{}, {"libver": "latest"}, {"userblock_size": 1024}])
@pytest.mark.parametrize("place", ["", "scan", "lane/3"])
def test_everything_is_found_however_it_is_stored(tmp_path, storage, options, place):
    def fill(store):
        everything(store.create_group(place) if place else store, **STORAGE[storage])

    contents = read(made(tmp_path / "a.h5", fill, **options))
    assert contents.pixels.dtype == np.uint16
    np.testing.assert_array_equal(contents.pixels, TWO)
    assert contents.quantity == "counts"
    assert contents.energies == ("high", "low")
    assert contents.pixel_pitch == (0.005, 0.004)
    assert contents.saturation == 65535.0
    assert contents.endpoints == (6.0, 4.0)
    assert contents.air.shape == (2, 37)
    assert contents.bad_pixels.dtype == bool
    assert np.flatnonzero(contents.bad_pixels).tolist() == [5]
    assert contents.steps == ()


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<i2", "<u4", ">i4", "<u8", "<f2", "<f4", ">f8"])
def test_every_number_type_is_kept(tmp_path, dtype):
    pixels = ramp(np.dtype(dtype).newbyteorder("="), top=2.0**40 if dtype == "<u8" else None)[0].astype(dtype)
    path = made(tmp_path / "a.h5", lambda store: store.create_dataset("pixels", data=pixels, compression="gzip", shuffle=True))
    contents = read(path)
    assert contents.pixels.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(contents.pixels, pixels)


def test_the_only_image_is_taken_and_said(tmp_path):
    def fill(store):
        store["entry/data/image"] = TWO[0]
        store["entry/time"] = np.arange(53.0)
        store["entry/air"] = np.full((2, 37), 9.0)
        store["entry/data"].attrs["quantity"] = np.bytes_("transmission")

    contents = read(made(tmp_path / "a.h5", fill))
    np.testing.assert_array_equal(contents.pixels, TWO[0])
    assert contents.quantity == "transmission"
    assert contents.steps[0].note == "/entry/data/image was taken for the pixels: it is the only image of the file"


def test_several_candidates_are_listed(tmp_path):
    def fill(store):
        store["a"], store["b/c"] = TWO[0], TWO

    with pytest.raises(
        CorruptScanError, match=r"it holds /a \(37, 53\), /b/c \(2, 37, 53\); expected one, or one that is named"
    ):
        read(made(tmp_path / "a.h5", fill))
    with pytest.raises(CorruptScanError, match=r"several scans: /a/pixels, /b/pixels; save each in a file of its own"):
        read(made(tmp_path / "b.h5", lambda s: [s.create_dataset(f"{n}/pixels", data=TWO) for n in "ab"]))
    with pytest.raises(CorruptScanError, match="it holds no array of two or three axes; expected one"):
        read(made(tmp_path / "c.h5", lambda s: s.create_dataset("line", data=np.arange(9))))
    with pytest.raises(CorruptScanError, match="'saturaton', which looks like a slip of 'saturation'"):
        read(made(tmp_path / "d.h5", lambda s: [s.create_dataset("pixels", data=TWO), s.create_dataset("saturaton", data=1.0)]))


def test_matlab_files_are_turned(tmp_path):
    def fill(store):
        store["pixels"] = TWO.transpose(0, 2, 1)
        store["quantity"] = np.array([[ord(letter)] for letter in "counts"], np.uint16)

    path = made(tmp_path / "a.mat", fill, userblock_size=512)
    data = bytearray(path.read_bytes())
    data[:24] = b"MATLAB 7.3 MAT-file, Pla"
    path.write_bytes(data)
    contents = read(path)
    np.testing.assert_array_equal(contents.pixels, TWO)
    assert contents.quantity == "counts"
    assert "rows and columns were turned back" in contents.steps[0].note


def test_full_frames_of_matlab_are_turned_too(tmp_path):
    square = np.arange(900, dtype=np.uint16).reshape(30, 30)
    air, bad = np.full((30, 30), 60000.0), np.zeros((30, 30), np.uint8)
    air[5], bad[7, 3] = 50000.0, 1

    def fill(store):
        store["pixels"], store["air"], store["bad_pixels"] = square.T, air.T, bad.T

    path = made(tmp_path / "a.mat", fill, userblock_size=512)
    data = bytearray(path.read_bytes())
    data[:24] = b"MATLAB 7.3 MAT-file, Pla"
    path.write_bytes(data)
    contents = read(path)
    np.testing.assert_array_equal(np.squeeze(contents.pixels), square)
    np.testing.assert_array_equal(np.squeeze(contents.air), air)
    np.testing.assert_array_equal(np.squeeze(contents.bad_pixels), bad)


# What leads elsewhere


def external(store):
    store["pixels"] = h5py.ExternalLink("other.h5", "/pixels")


def soft(store):
    store["there"] = TWO
    store["pixels"] = h5py.SoftLink("/there")


def virtual(store):
    layout = h5py.VirtualLayout((37, 53), "u2")
    layout[...] = h5py.VirtualSource("other.h5", "pixels", (37, 53))
    store.create_virtual_dataset("pixels", layout)


def virtual_without_a_name(store):
    virtual(store)
    store.move("pixels", "entry")


def elsewhere(store):
    store.create_dataset("pixels", (37, 53), "u2", external=[("other.bin", 0, h5py.h5f.UNLIMITED)])


def unwritten(store):
    store.create_dataset("pixels", (37, 53), "u2")


def half_written(store):
    store.create_dataset("pixels", (37, 53), "u2", chunks=(16, 16))[:32] = 7


def huge(store):
    store.create_dataset("pixels", (400_000, 1_000_000), "u2", chunks=(1000, 1000), compression="gzip", fillvalue=7)


def many_chunks(store):
    store.create_dataset("pixels", (10_000, 30_000), "u1", chunks=(1, 1))


def odd_filter(store):
    store.create_dataset("pixels", data=TWO, chunks=(1, 16, 16), scaleoffset=0)


def checked_filter(store):
    store.create_dataset("pixels", data=TWO, chunks=(1, 16, 16), fletcher32=True)


def compound(store):
    store["pixels"] = np.zeros((37, 53), [("a", "u2"), ("b", "u2")])


def references(store):
    store.create_dataset("pixels", (37, 53), h5py.ref_dtype)


def ragged(store):
    store.create_dataset("pixels", (37, 53), h5py.vlen_dtype(np.uint16))


def odd_integers(store):
    kind = h5py.h5t.NATIVE_UINT16.copy()
    kind.set_precision(12)
    space = h5py.h5s.create_simple((37, 53))
    h5py.h5d.create(store.id, b"pixels", kind, space).write(h5py.h5s.ALL, h5py.h5s.ALL, TWO[0].copy())


def group(store):
    store.create_group("pixels")


def crowd(store):
    for number in range(1001):
        store.create_group(f"g{number}")


def long_text(store):
    store["pixels"], store["quantity"] = TWO, "counts" * 1000


def many_texts(store):
    store["pixels"], store["energies"] = TWO, ["high"] * 100


def text_of_references(store):
    store["pixels"] = TWO
    store.attrs.create("quantity", store["pixels"].ref, dtype=h5py.ref_dtype)


REFUSED = {
    "external": (external, "'pixels' is a link to another place or file, and those are not followed"),
    "soft": (soft, "'pixels' is a link to another place"),
    "virtual": (virtual, "'pixels' lies in other files, and those are not read"),
    "virtual, not named": (virtual_without_a_name, "'entry' lies in other files"),
    "elsewhere": (elsewhere, "'pixels' lies in other files"),
    "unwritten": (unwritten, "was never written"),
    "half written": (half_written, "lacks 4 of 12 chunks: it was not written to its end"),
    "huge": (huge, r"claims 400000 x 1000000 pixels in \d+ bytes"),
    "many chunks": (many_chunks, r"in 300000000 chunks of 1 bytes from \d+; its compression cannot do so"),
    "filter": (odd_filter, r"the HDF5 filters \[6\]; deflate \(gzip\), shuffle and lzf are read"),
    "checksum": (checked_filter, r"the HDF5 filters \[3\]"),
    "compound": (compound, "expected integers or real floats"),
    "references": (references, "expected integers or real floats"),
    "ragged": (ragged, "expected integers or real floats"),
    "12 bits": (odd_integers, "of an unusual number type"),
    "group": (group, "its 'pixels' is a group; expected a dataset"),
    "crowd": (crowd, "more than 1000 objects"),
    "long text": (long_text, "'quantity' claims a text of 6000 bytes"),
    "many texts": (many_texts, r"'energies' claims texts of shape \(100,\)"),
    "text of references": (text_of_references, "its attribute 'quantity' is of type object; expected numbers or text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path, monkeypatch, capfd, name):
    """Soon, with little memory, and without looking at the other files, which are there and sound."""
    fill, message = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    made(Path("other.h5"), lambda store: store.create_dataset("pixels", data=TWO[0]))
    Path("other.bin").write_bytes(TWO[0].tobytes())
    path = made(tmp_path / "a.h5", fill)
    began = time.monotonic()
    with pytest.raises(ReadError, match=rf"^reading .*a\.h5: .*{message}"):
        read(path)
    assert time.monotonic() - began < 3
    assert peak_of_reading(path) < 8e6 + 4 * path.stat().st_size
    assert capfd.readouterr() == ("", "")


def test_two_chunks_that_share_their_bytes_are_refused(tmp_path):
    """One small deflate stream, named by many chunks, would become large."""
    path = made(
        tmp_path / "a.h5",
        lambda store: store.create_dataset("pixels", data=np.zeros((4000, 4000), np.uint16), chunks=(500, 4000), compression=9),
    )
    sound = path.read_bytes()
    with h5py.File(path) as store:
        infos = [store["pixels"].id.get_chunk_info(number) for number in range(8)]
    hurt = bytearray(sound)
    for info in infos[1:]:
        place = sound.find(info.byte_offset.to_bytes(8, "little"))
        hurt[place : place + 8] = infos[0].byte_offset.to_bytes(8, "little")
    size, largest = infos[0].size.to_bytes(4, "little"), len(sound).to_bytes(4, "little")
    path.write_bytes(bytes(hurt).replace(size + bytes(4), largest + bytes(4)))
    with pytest.raises(CorruptScanError, match="lies outside the file: it was cut off"):
        read(path)


def test_a_heap_that_never_ends_is_found_before_libhdf5_goes_round_in_it(tmp_path):
    path = made(tmp_path / "a.h5", everything)
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL\x01")
    for stored in ((0, 0), (1, 2**64 - 8)):
        data[heap + 16 : heap + 18] = stored[0].to_bytes(2, "little")
        data[heap + 24 : heap + 32] = stored[1].to_bytes(8, "little")
        with pytest.raises(CorruptScanError, match="a heap without end"):
            hdf5.read(ScanFile(path, bytes(data)))


def test_a_text_that_claims_four_gigabytes(tmp_path):
    for name, fill in (("dataset", everything), ("attribute", lambda s: [s.create_dataset("pixels", data=TWO), say(s)])):
        path = made(tmp_path / f"{name}.h5", fill)
        data = bytearray(path.read_bytes())
        heap = data.index(b"GCOL\x01").to_bytes(8, "little")
        place = data.index(heap + b"\x01\0\0\0") - 4
        data[place : place + 4] = b"\xff" * 4
        path.write_bytes(data)
        with pytest.raises(CorruptScanError, match="'quantity' claims a text of 4294967295 bytes"):
            read(path)
        assert peak_of_reading(path) < 8e6


def say(store):
    store.attrs["quantity"] = "counts"


def test_signature_without_a_superblock(tmp_path):
    with pytest.raises(CorruptScanError, match="superblock is damaged"):
        hdf5.read(ScanFile(tmp_path / "a.h5", hdf5.SIGNATURE + bytes(100)))
    with pytest.raises(CorruptScanError, match="no HDF5 signature"):
        hdf5.read(ScanFile(tmp_path / "a.h5", bytes(100)))
    assert not hdf5.can_read(ScanFile(tmp_path / "a.h5", b""))


def test_threads_read_the_same(tmp_path):
    path = made(tmp_path / "a.h5", lambda store: everything(store, chunks=(1, 16, 16), compression="gzip"))
    came = []
    threads = [threading.Thread(target=lambda: came.append(read(path).pixels)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came) == 4
    assert all(np.array_equal(one, TWO) for one in came)


def test_a_large_scan_is_decoded_in_threads(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 60000, (850, 1200)).astype(np.uint16)
    options = {"chunks": (64, 300), "compression": 1, "shuffle": True}
    path = made(tmp_path / "a.h5", lambda store: store.create_dataset("pixels", data=pixels, **options))
    np.testing.assert_array_equal(read(path).pixels, pixels)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    with pytest.raises(CorruptScanError, match="a chunk of its 'pixels': its compressed data (are damaged|go on|end)"):
        hdf5.read(ScanFile(path, bytes(data)))
