"""Scans behind fsspec URLs: the same scans, reports and rules as in a folder."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xrayscan.batch import Batch, BatchError, preview, remote, screen_many
from xrayscan.batch.remote import find_remote, is_url, opened, sidecars_beside
from xrayscan.errors import MissingDependencyError, ReadError
from xrayscan.io import MissingScanError, find_scans, sidecar
from xrayscan.io.limits import MAX_SIDECAR_BYTES
from xrayscan.scan import Scan

fsspec = pytest.importorskip("fsspec")

SAMPLES = Path(__file__).parents[2] / "datasets" / "samples"


def scan(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = np.full((60, 120), 50000.0)
    counts[20:50, 30:90] *= 0.4
    np.save(path, np.random.default_rng(seed).poisson(counts).astype(np.uint16))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    scan(folder / "a.npy")
    scan(folder / "lane 3/b.npy", 1)
    np.save(folder / "beam.npy", np.full(60, 60000.0))
    (folder / "a.xrayscan.toml").write_text('pixel_pitch = 0.02\nair = "beam.npy"')
    for name in ("a_dark.npy", "README.txt", ".hidden.npy", "c.npy.part"):
        (folder / name).write_text("no scan")
    return folder


def url(path: Path) -> str:
    return f"file://{path}"


def rows(batch: Batch, of: str) -> list[dict[str, Any]]:
    return [{**row, "path": row["path"].removeprefix(of)} for row in batch.rows]


def test_what_is_a_scan_is_the_same_as_in_a_folder(scans: Path) -> None:
    expected = [path.relative_to(scans).as_posix() for path in find_scans(scans)]
    assert sorted(scan.relative for scan in find_remote(url(scans))) == sorted(expected) == ["a.npy", "lane 3/b.npy"]
    assert [scan.url for scan in find_remote(url(scans / "*.npy"))] == [url(scans / "a.npy")]
    assert [scan.relative for scan in find_remote(url(scans / "**/*.npy"))] == ["a.npy", "lane 3/b.npy"]
    (named,) = find_remote(url(scans / "README.txt"))  # a file that is named is always taken
    assert (named.url, named.relative) == (url(scans / "README.txt"), "README.txt")


def test_a_folder_that_is_a_bundle_is_one_scan(scans: Path) -> None:
    scan(scans / "0412/scan.npy")
    (scans / "0412/manifest.toml").write_text("xrayscan = 1\nscan = 'scan.npy'")
    assert "0412" in [scan.relative for scan in find_remote(url(scans))]
    assert "0412/scan.npy" not in [scan.relative for scan in find_remote(url(scans))]


def test_reports_and_rows_are_those_of_a_folder_and_resume(scans: Path, tmp_path: Path) -> None:
    (scans / "bad.npy").write_bytes(b"")
    near = screen_many([scans], tmp_path / "near", workers=1)
    far = screen_many([url(scans)], tmp_path / "far", workers=1)

    def told(batch: Batch, start: str) -> list[dict[str, Any]]:
        return [{**row, "path": row["path"].removeprefix(start), "error": ""} for row in batch.rows]

    assert told(far, f"{url(scans)}/") == told(near, f"{scans}/")
    assert far.failed[0]["error"] == f"reading {url(scans)}/bad.npy: the file is empty; copy it again from the scanner"
    report = json.loads((tmp_path / "far/scans/lane 3/b.npy/report.json").read_text())
    assert report["source"]["path"] == f"{url(scans)}/lane 3/b.npy"
    assert screen_many([url(scans)], tmp_path / "far", workers=1).resumed == 2


def test_what_changed_is_fetched_again(scans: Path, tmp_path: Path) -> None:
    def waiting() -> list[str]:
        return [task.link for task in preview([url(scans)], tmp_path / "out").waiting]

    screen_many([url(scans)], tmp_path / "out", workers=1)
    assert waiting() == []
    os.utime(scans / "lane 3/b.npy", (1, 1))
    assert waiting() == ["scans/lane 3/b.npy"]
    os.utime(scans / "beam.npy", (1, 1))
    assert waiting() == ["scans/a.npy", "scans/lane 3/b.npy"]


def test_a_url_may_lead_through_an_archive(scans: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for path in (scans / "a.npy", scans / "a.xrayscan.toml", scans / "beam.npy", scans / "lane 3/b.npy"):
            archive.write(path, path.relative_to(scans))
    chain = f"::file://{tmp_path / 'scans.zip'}"
    found = find_remote(f"zip://{chain}")
    assert [scan.url for scan in found] == [f"zip://a.npy{chain}", f"zip://lane 3/b.npy{chain}"]
    assert found[0].beside == ("a.xrayscan.toml",)
    batch = screen_many([f"zip://lane 3/*.npy{chain}"], tmp_path / "out", workers=1)
    assert [row["path"] for row in batch.rows] == [f"zip://lane 3/b.npy{chain}"]
    assert not batch.failed


def test_a_scan_that_vanishes_is_a_row(scans: Path, tmp_path: Path) -> None:
    def remove(_: object) -> None:
        (scans / "a.npy").unlink(missing_ok=True)

    batch = screen_many([url(scans)], tmp_path / "out", workers=1, progress=remove)
    assert [row["error_kind"] for row in batch.failed] == ["ReadError"]
    assert f"fetching {url(scans)}/a.npy: FileNotFoundError" in batch.failed[0]["error"]


@pytest.fixture
def memory() -> Iterator[Any]:
    """The file system behind ``memory://``, empty before and after."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def array(*shape: int, dtype: type = np.uint16) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.full(shape, 50000, dtype))
    return stream.getvalue()


def fetched(url: str) -> Scan:
    """The one scan that is found there."""
    (found,) = find_remote(url)
    with opened(found.url, found.beside) as scan:
        return scan


def say_only(system: Any, keys: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system say no more of a file than its name, its type and these."""

    def less(info: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in info.items() if key in {"name", "type", *keys}}

    def find(self: Any, path: str, **how: Any) -> dict[str, Any]:
        return {file: less(told) for file, told in listed(self, path, **how).items()}

    info, listed = type(system).info, type(system).find
    monkeypatch.setattr(type(system), "info", lambda self, path: less(info(self, path)))
    monkeypatch.setattr(type(system), "find", find)


class Stream(io.BytesIO):
    """A file that says no size, and remembers how much of it was asked for at a time."""

    asked: list[int]

    def read(self, size: int | None = -1) -> bytes:
        self.asked.append(-1 if size is None else size)
        return super().read(size)


def open_as_streams(system: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What will be asked of files at a time [B]."""
    Stream.asked = []
    monkeypatch.setattr(type(system), "open", lambda self, path, mode: Stream(self.store[path].getvalue()))
    return Stream.asked


def test_a_file_of_which_only_the_size_is_said_is_known_by_its_content(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = []
    for content in (b"one", b"two", b"one"):
        memory.pipe("/lane/a.npy", content)
        with monkeypatch.context() as patch:
            say_only(memory, {"size"}, patch)
            asked = open_as_streams(memory, patch)
            marks += [scan.mark for scan in find_remote("memory://lane")]
            assert set(asked) == {remote._BLOCK}, "it was read whole into memory"
    assert marks[0] == marks[2] != marks[1]


def plain(count: int) -> dict[str, bytes]:
    return {f"/lane/{number}.tif": b"scan" for number in range(count)}


def with_sidecars(count: int) -> dict[str, bytes]:
    scans = {f"/lane/{number}.npy": b"scan" for number in range(count)}
    own = {f"/lane/{number}.xrayscan.toml": b'air = "beam.npy"' for number in range(count)}
    return {**scans, **own, "/lane/xrayscan.toml": b'dark = "shut.npy"', "/lane/beam.npy": b"line", "/lane/shut.npy": b"line"}


def bundles(count: int) -> dict[str, bytes]:
    scans = {f"/lane/{number}/scan.tif": b"scan" for number in range(count)}
    return {**scans, **{f"/lane/{number}/manifest.toml": b"xrayscan = 1" for number in range(count)}}


def steps(act: Callable[[], object]) -> int:
    """Calls that the code of `xrayscan.batch.remote` makes and gets, however long they take."""
    count = 0

    def step(frame: Any, *_: object) -> None:
        nonlocal count
        count += frame.f_code.co_filename == remote.__file__

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("folder", [plain, with_sidecars, bundles])
def test_twice_as_many_scans_are_found_in_twice_as_many_steps(folder: Callable[[int], dict[str, bytes]], memory: Any) -> None:
    taken = []
    for count in (50, 100):
        memory.pipe(folder(count))
        assert len(find_remote("memory://lane")) == count
        taken.append(steps(lambda: find_remote("memory://lane")))
    assert taken[1] < 2.1 * taken[0]


def test_a_sidecar_is_read_once_however_many_scans_it_is_of(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    cat_file = type(memory).cat_file
    monkeypatch.setattr(type(memory), "cat_file", lambda self, path: read.append(path) or cat_file(self, path))
    files = with_sidecars(20)
    memory.pipe(files)
    assert len(find_remote("memory://lane")) == 20
    assert sorted(read) == sorted(path for path in files if path.endswith(".toml"))


def test_the_sidecars_of_many_scans_take_one_listing_of_each_folder(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    find = type(memory).find
    monkeypatch.setattr(type(memory), "find", lambda self, path, **how: listed.append(path) or find(self, path, **how))
    memory.pipe({**with_sidecars(20), "/other/a[1].npy": b"scan", "/other/a[1].json": b"{}", "/other/a1.toml": b""})
    found = sidecars_beside([*(f"memory://lane/{number}.npy" for number in range(20)), "memory://other/a[1].npy"])
    assert found["memory://lane/7.npy"] == ("7.xrayscan.toml", "xrayscan.toml")
    assert found["memory://other/a[1].npy"] == ("a[1].json",)
    assert sorted(listed) == ["/lane", "/other"]


def test_sidecars_have_the_names_that_reading_knows(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecar, "names", lambda path: (f"{path.stem}.said",))
    memory.pipe({"/lane/a.npy": b"scan", "/lane/a.said": b"", "/lane/a.toml": b""})
    assert [scan.beside for scan in find_remote("memory://lane/a.npy")] == [("a.said",)]


SCAN = array(60, 120)  # 14,528 bytes
WITH_AIR = {"/lane/a.npy": SCAN, "/lane/a.toml": b"air = 'cal/air.npy'", "/lane/cal/air.npy": array(60, 120, dtype=np.float64)}
BUNDLE = {
    "/lane/0412/manifest.toml": b"xrayscan = 1\nviews = ['a.npy', 'b.npy', 'c.npy']",
    **{f"/lane/0412/{name}.npy": SCAN for name in "abc"},
}


@pytest.mark.parametrize(
    ("files", "most", "said"),
    [
        (
            {"/lane/a.npy": SCAN},
            14_527,
            r"lane/a\.npy: it has 14528 bytes; files up to 14527 bytes are read: copy the file again",
        ),
        (WITH_AIR, 20_000, r"lane/cal/air\.npy: it has 57728 bytes; files up to 20000 bytes are read: copy the file again"),
        (BUNDLE, 14_000, r"lane/0412: its files have 43632 bytes together; bundles up to 14000 bytes are read: cut the scan"),
        (BUNDLE, 43_631, r"lane/0412: its files have 43632 bytes together; .* move out of the folder what does not belong"),
    ],
)
def test_what_is_larger_than_is_read_is_not_fetched(
    files: dict[str, bytes], most: int, said: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe(files)
    assert fetched("memory://lane").view.pixels.shape == (1, 60, 120)
    monkeypatch.setattr(remote, "MAX_FILE_BYTES", most)
    with pytest.raises(ReadError, match=f"^reading memory://{said}"):
        fetched("memory://lane")


@pytest.mark.parametrize(
    ("files", "most", "said"),
    [
        ({"/lane/a.npy": SCAN}, 14_527, r"lane/a\.npy: it has 14528 bytes and more; files up to 14527 bytes are read"),
        (WITH_AIR, 20_000, r"lane/cal/air\.npy: it has 57728 bytes and more; files up to 20000 bytes are read"),
        (BUNDLE, 20_000, r"lane/0412: its files have 29056 bytes together; bundles up to 20000 bytes are read"),
    ],
)
def test_where_no_size_is_said_what_comes_is_counted(
    files: dict[str, bytes], most: int, said: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe(files)
    say_only(memory, {"created"}, monkeypatch)
    open_as_streams(memory, monkeypatch)
    assert fetched("memory://lane").view.pixels.shape == (1, 60, 120)
    monkeypatch.setattr(remote, "MAX_FILE_BYTES", most)
    with pytest.raises(ReadError, match=f"^reading memory://{said}"):
        fetched("memory://lane")


@pytest.mark.parametrize("keys", [{"size", "created"}, {"created"}])
def test_of_a_sidecar_or_manifest_no_more_is_fetched_than_is_read(
    keys: set[str], memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b"#" * (2 * MAX_SIDECAR_BYTES)
    memory.pipe({"/lane/a.npy": SCAN, "/lane/a.xrayscan.toml": large, "/lane/b.npy": SCAN, "/lane/b.toml": large})
    memory.pipe({**BUNDLE, "/lane/0412/manifest.toml": b"xrayscan = 1\n" + large})
    say_only(memory, keys, monkeypatch)
    asked = open_as_streams(memory, monkeypatch)
    found = {scan.relative: scan for scan in find_remote("memory://lane")}
    assert sorted(found) == ["0412", "a.npy", "b.npy"]
    assert asked
    assert -1 not in asked
    assert sum(asked) == 3 * (MAX_SIDECAR_BYTES + 1)
    said = {
        "a.npy": r"^reading the sidecar memory://lane/a\.xrayscan\.toml: it is larger than 4194304 bytes; put long lines",
        "0412": r"^reading memory://lane/0412: its manifest\.toml is larger than 4194304 bytes; put long lines in \.npy files",
    }
    for name, message in said.items():
        with pytest.raises(ReadError, match=message), opened(found[name].url, found[name].beside):
            pass
    with opened(found["b.npy"].url, found["b.npy"].beside) as scan:  # a plain .toml that is no sidecar is somebody else's
        assert scan.view.pixels.shape == (1, 60, 120)


def test_a_bundle_is_fetched_whatever_its_name_and_with_the_sidecar_beside_it(memory: Any) -> None:
    memory.pipe({path.replace("0412", "04[12]*?"): content for path, content in BUNDLE.items()})
    memory.pipe({"/lane/04[12]*?.xrayscan.toml": b"pixel_pitch = 0.005", "/lane/0412/d.tif": b"another"})
    with opened("memory://lane/04[12]*?", ("04[12]*?.xrayscan.toml",)) as scan:
        assert scan.source.path == "memory://lane/04[12]*?"
        assert len(scan.views) == 3
        assert scan.view.pixel_pitch == (0.005, 0.005)


def test_nothing_is_fetched_to_a_place_outside(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe(BUNDLE)
    find = type(memory).find
    more = {"/lane/0412/../../out.npy": {"size": 4}}
    monkeypatch.setattr(type(memory), "find", lambda self, path, **how: {**find(self, path, **how), **more})
    with (
        pytest.raises(ReadError, match=r"its file '\.\./\.\./out\.npy' has a name that leads out of the bundle; rename it"),
        opened("memory://lane/0412", ()),
    ):
        pass


@pytest.mark.parametrize(
    ("named", "kind", "said"),
    [
        ("file:///no/such/folder", MissingScanError, "there is no such file or folder"),
        ("file:///no/such/*.npy", MissingScanError, "no file matches it"),
        ("nonsense://a", BatchError, "name a path, or a URL of a protocol that fsspec knows"),
        ("ftp://me:secret@host/a", BatchError, r"looking for scans in ftp://\.\.\.@host/a: the URL holds a password"),
        ("ftp://me@example.com:secret@host/a", BatchError, r"ftp://\.\.\.@host/a: the URL holds a password"),
    ],
)
def test_wrong_use(named: str, kind: type[Exception], said: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=said):
        screen_many([named], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_go_to_a_folder(scans: Path) -> None:
    with pytest.raises(BatchError, match="results go to a disk or a mounted share"):
        screen_many([scans], "s3://bucket/out")


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingDependencyError, match=r'needs fsspec .*pip install "xrayscan\[remote\]"'):
        find_remote("s3://bucket")


def test_a_server_that_breaks_is_a_read_error(monkeypatch: pytest.MonkeyPatch, scans: Path) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no route")

    monkeypatch.setattr(LocalFileSystem, "find", broken)
    with pytest.raises(ReadError, match="RuntimeError: no route; check the address and your access"):
        find_remote(url(scans))


def test_a_drive_is_no_url() -> None:
    assert not is_url("C:/scans")
    assert not is_url("lane:3/a.tif")
