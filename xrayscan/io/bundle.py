"""Bundles: a ZIP archive or a folder with a scan, its calibration and a manifest, read as one scan.

The manifest is ``manifest.toml`` or ``manifest.json``, at the root of the archive or in its one folder::

    xrayscan = 1                      # required: it makes the folder or archive a bundle
    scan = "0412.tif"                 # or views = ["side.tif", "top.tif"]
    air = "air.npy"
    dark = "dark.npy"
    pixel_pitch = 0.005

    [manifest]
    goods = ["plywood"]

Beside ``scan`` or ``views`` it has the keys of a sidecar (see `xrayscan.io.sidecar`), with the same meaning. A view may be a
table of its own, whose keys win over those outside::

    [[views]]
    scan = "top.tif"
    air = "top_air.npy"

Calibration outside the tables is of the first view; quantity, pitch, energies and end-points are of every view that does not
say its own. Names are of files of the bundle, in the manifest's folder or below.

Nothing is unpacked to the disk. An archive is refused as a whole if a member has a name that leads out of it, is a link, is
encrypted or is there twice; members are inflated in memory, and none to more than its stored bytes can become.
"""

from __future__ import annotations

import difflib
import io
import json
import stat
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from xrayscan.errors import CorruptScanError, MissingDependencyError, ReadError
from xrayscan.io import npy, npz, sidecar
from xrayscan.io.contents import Contents, checked_pixels
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import DEFLATE_RATIO, MAX_FILE_BYTES, MAX_SIDECAR_BYTES

__all__ = ["MANIFESTS", "NEEDS", "can_read", "is_bundle", "open_folder", "read"]

NEEDS: tuple[str, ...] = ()
MANIFESTS = npz.MANIFESTS
"""Names of a manifest."""

MAX_MEMBERS = 10_000
MAX_VIEWS = 8

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_FILES = ("air", "dark", "bad_pixels")
_SHARED = ("quantity", "pixel_pitch", "energies", "endpoints")
_VIEW_KEYS = ("scan", *_FILES, *_SHARED, "saturation", "pages", "align", *sidecar.LAYOUT)
# A compressed scan hardly shrinks in an archive; one that does would become large twice.
_PACKED_RATIO, _PACKED_FREE = 16, 65_536
_PLAIN_READERS = ("npy", "raw")
_DAMAGE = (*npz.DAMAGE, OSError)


def can_read(file: ScanFile) -> bool:
    """Whether it is a ZIP archive and no ``.npz``."""
    return file.head.startswith(_ZIP) and not npz.can_read(file)


def read(file: ScanFile) -> Contents:
    """The scan of a bundle, its first view with the further ones in ``others``.

    Raises
    ------
    CorruptScanError
        If the archive is damaged, or a member claims more than it can hold or has a name that leads out.
    ReadError
        If there is no manifest, or it says what cannot be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            return _contents(file, _Members(file, archive))
    except ReadError:
        raise
    except _DAMAGE as error:
        raise npz.broken_archive(file, error) from error


def is_bundle(folder: Path) -> bool:
    """Whether a folder has a manifest that makes it one scan.

    A manifest that is broken and names ``xrayscan`` does too: reading it then says what is wrong.
    """
    for name in MANIFESTS:
        try:
            with open(folder / name, "rb") as stream:
                data = stream.read(MAX_SIDECAR_BYTES)
        except (OSError, ValueError):
            continue
        try:
            found = _parsed(name, data)
        except (ValueError, RecursionError):
            return b"xrayscan" in data
        if isinstance(found, dict) and "xrayscan" in found:
            return True
    return False


def open_folder(path: Path, settings: Mapping[str, Any] | None = None) -> ScanFile:
    """The files that a bundle folder's manifest names, as one `ScanFile`: a ZIP archive in memory, the same for the same files.

    Raises
    ------
    ReadError
        If a file is not there, leads out of the folder, or all are more than is read.
    """
    home = path.resolve()
    found: dict[str, bytes] = {}
    for name in MANIFESTS:
        if (path / name).is_file():
            found[name] = ScanFile.open(path / name).data
    whole = ScanFile(path, b"")
    manifest = _manifest(whole, found)
    for name in sorted(_named(whole, manifest)):
        try:
            member = (home / name).resolve()
            inside = member.is_relative_to(home)
        except (OSError, ValueError, RuntimeError) as error:
            raise whole.refused(f"its manifest names {name!r}; expected the name of a file of the bundle") from error
        if not inside:
            raise whole.refused(f"its manifest names {name!r}, which leads out of the bundle; move that file in there")
        found[str(PurePosixPath(name))] = ScanFile.open(member).data
        if sum(map(len, found.values())) > MAX_FILE_BYTES:
            raise whole.refused(f"its files have more than {MAX_FILE_BYTES} bytes together; cut the scan into parts")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in sorted(found.items()):
            archive.writestr(zipfile.ZipInfo(name), data)
    return ScanFile(path, stream.getvalue(), dict(settings or {}))


class _Members:
    """The members of an archive by name, below the manifest's folder; each bounded before it is inflated."""

    def __init__(self, file: ScanFile, archive: zipfile.ZipFile) -> None:
        self._file, self._archive = file, archive
        infos = [info for info in archive.infolist() if not info.filename.startswith("__MACOSX/")]
        if len(infos) > MAX_MEMBERS:
            raise file.refused(f"it holds {len(infos)} files; a bundle holds a scan, its calibration and a manifest")
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            self._check(info)
            if not info.is_dir():
                self._infos[info.filename] = info
        if sum(info.compress_size for info in self._infos.values()) > file.size:
            raise file.corrupt("its members claim more bytes than the archive has; copy it again")
        home = next((name for name in sorted(self._infos, key=len) if PurePosixPath(name).name in MANIFESTS), "")
        self._home = home.rpartition("/")[0] + "/" if "/" in home else ""

    def _check(self, info: zipfile.ZipInfo) -> None:
        # zipfile cuts a name at a zero byte and turns backslashes round on some systems; what stands there counts.
        name, file = info.orig_filename, self._file
        if "\\" in name or "\0" in name or name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
            raise file.corrupt(f"its member {name[:80]!r} has a name that leads out of the archive; pack it again")
        if info.filename in self._infos:
            raise file.corrupt(f"it holds {name[:80]!r} twice; pack it again")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise file.corrupt(f"its member {name[:80]!r} is a link; pack the file itself")

    def manifests(self) -> dict[str, bytes]:
        """The manifests that are there, by name."""
        return {name: self.get(name) for name in MANIFESTS if self._home + name in self._infos}

    def listed(self) -> str:
        names = list(self._infos)
        return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "nothing"

    def packed(self, name: str) -> tuple[int, int]:
        """Bytes of a member, and as how many they are stored."""
        info = self._info(name)
        return info.file_size, info.compress_size

    def _info(self, name: str) -> zipfile.ZipInfo:
        if name.startswith("/") or ".." in name.split("/"):
            raise self._file.refused(f"its manifest names {name!r}, which leads out of the bundle; move that file in there")
        info = self._infos.get(self._home + str(PurePosixPath(name)))
        if info is None:
            raise self._file.refused(f"its manifest names {name!r}, which is not there; it holds {self.listed()}")
        return info

    def get(self, name: str, most: int = MAX_FILE_BYTES) -> bytes:
        """The bytes of a member, or the first of them."""
        file, info = self._file, self._info(name)
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise file.refused(f"its member {name!r} is encrypted or of an unusual compression; pack it as a plain ZIP")
        ratio = DEFLATE_RATIO if info.compress_type == zipfile.ZIP_DEFLATED else 1
        if info.file_size > ratio * info.compress_size or info.file_size > MAX_FILE_BYTES:
            raise file.corrupt(f"its member {name!r} claims {info.file_size} bytes from {info.compress_size}; it cannot do so")
        with self._archive.open(info) as stream:
            data = stream.read(min(info.file_size + 1, most))
        if len(data) != min(info.file_size, most) or not data:
            raise file.corrupt(f"its member {name!r} holds {len(data)} of {info.file_size} bytes; copy the bundle again")
        return data


def _parsed(name: str, data: bytes) -> Any:
    text = data.decode("utf-8-sig")
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


def _manifest(file: ScanFile, found: Mapping[str, bytes]) -> dict[str, Any]:
    """What the one manifest says, its keys checked."""
    if len(found) != 1:
        what = "two manifests; keep one of them" if found else "no manifest"
        raise file.refused(f"it holds {what}; a bundle is described by {' or '.join(MANIFESTS)} (see xrayscan.io.bundle)")
    name, data = next(iter(found.items()))
    if len(data) > MAX_SIDECAR_BYTES:
        raise file.refused(f"its {name} is larger than {MAX_SIDECAR_BYTES} bytes; put long lines in .npy files")
    try:
        manifest = _parsed(name, data)
    except (ValueError, RecursionError) as error:
        raise file.refused(f"its {name} is no {name[-4:].upper()} ({error}); correct it there") from error
    if not isinstance(manifest, dict) or "xrayscan" not in manifest:
        raise file.refused(
            f"its {name} does not say xrayscan = 1, so it is not known to describe a scan; see xrayscan.io.bundle"
        )
    version = manifest["xrayscan"]
    if type(version) is not int:
        raise file.refused(
            f"its {name} says xrayscan = {str(version)[:80]!r}, a {type(version).__name__}; expected the number 1"
        )
    if version != 1:
        raise file.refused(f"its {name} is of version {version}, this xrayscan reads 1; update xrayscan")
    if ("scan" in manifest) == ("views" in manifest):
        raise file.refused(f"its {name} must name either scan, a file, or views, a list of files or tables")
    _check_keys(file, manifest, (*sidecar.KEYS, "scan", "views"))
    for view in _views(file, manifest):
        _check_keys(file, view, _VIEW_KEYS)
    return manifest


def _check_keys(file: ScanFile, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.5)
            meant = f"perhaps {near[0]!r} is meant" if near else f"expected {', '.join(known)}"
            raise file.refused(f"in its manifest there is no key {key!r}; {meant}")


def _views(file: ScanFile, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A table for each view, with the name of its ``scan``."""
    named = manifest.get("views", [manifest.get("scan")])
    views = [{"scan": view} if isinstance(view, str) else view for view in named] if isinstance(named, list) else []
    sound = all(isinstance(view, dict) and isinstance(view.get("scan"), str) and view["scan"] for view in views)
    if not sound or not 1 <= len(views) <= MAX_VIEWS:
        raise file.refused(
            f"its manifest names the scan as {str(named)[:80]!r}; expected the name of a file, or views with 1 to {MAX_VIEWS} "
            "names or tables that have a scan"
        )
    return views


def _named(file: ScanFile, manifest: Mapping[str, Any]) -> set[str]:
    """Every file that a manifest names."""
    tables: list[Mapping[str, Any]] = [manifest, *_views(file, manifest)]
    return {table[key] for table in tables for key in ("scan", *_FILES) if isinstance(table.get(key), str)}


def _contents(file: ScanFile, members: _Members) -> Contents:
    manifests = members.manifests()
    if not manifests:
        raise file.refused(
            f"it is a ZIP archive that holds {members.listed()} and no manifest; a bundle is described by "
            f"{' or '.join(MANIFESTS)} (see xrayscan.io.bundle), else unpack it and read its files"
        )
    manifest = _manifest(file, manifests)
    whole = {key: value for key, value in manifest.items() if key not in ("scan", "views")}
    shared = {key: whole[key] for key in (*_SHARED, "pages", "align", *sidecar.LAYOUT) if key in whole}
    views = []
    for number, table in enumerate(_views(file, manifest)):
        settings = {**(shared if number else whole), **{key: value for key, value in table.items() if key != "scan"}}
        views.append(_view(file, members, table["scan"], settings))
    return replace(views[0], others=tuple(views[1:]))


def _view(file: ScanFile, members: _Members, name: str, settings: dict[str, Any]) -> Contents:
    """One view: its file's contents, and what the manifest says laid over them."""
    fields = {key: settings.pop(key) for key in _FILES if isinstance(settings.get(key), str)}
    merged = {**file.settings, **settings}
    member_path = file.path / name
    try:
        _check_packed(file, members, name, merged)
        member = ScanFile(member_path, members.get(name), merged)
        contents = _read(file, member)
        pixels = checked_pixels(member, np.asarray(contents.pixels))
        said = sidecar.checked(member, settings, pixels.shape[1])
    except MissingDependencyError:
        raise
    except ReadError as error:
        if str(error).startswith(f"reading {file.path}: "):
            raise  # of the bundle itself, and it says so
        kind = CorruptScanError if isinstance(error, CorruptScanError) else ReadError
        what = str(error).removeprefix(f"reading {member_path}: ").replace("its sidecar says", "the bundle's manifest says")
        raise kind(f"reading {file.path}: its member {name!r} could not be read; {what}") from error
    if contents.others:
        raise file.refused(f"its member {name!r} holds several views itself; read that file by itself")
    values = {key: value for key, value in vars(said).items() if value is not None and key not in ("pixels", "steps", "others")}
    values["ids"] = {**contents.ids, **said.ids}
    for key, named in fields.items():
        values[key] = npy.parse(file, members.get(named), f"its member {named!r}")
    return replace(contents, pixels=pixels, **values)


def _check_packed(file: ScanFile, members: _Members, name: str, settings: Mapping[str, Any]) -> None:
    """Refuse a compressed scan that was compressed a second time to almost nothing, before it is inflated."""
    from xrayscan.io import registry

    size, stored = members.packed(name)
    if size <= _PACKED_RATIO * stored + _PACKED_FREE:
        return
    reader_name, _ = registry.choose(ScanFile(file.path / name, members.get(name, 4096), settings))
    if reader_name not in _PLAIN_READERS:
        raise file.refused(
            f"its member {name!r} has {size} bytes from {stored}: a compressed format that shrinks so much is not read out "
            "of an archive; pack it without compression (zip -0)"
        )


def _read(file: ScanFile, member: ScanFile) -> Contents:
    from xrayscan.io import registry

    if member.head.startswith(_ZIP):
        raise file.refused(f"its member {member.path.name!r} is an archive itself; pack the scan as TIFF or .npy")
    return registry.choose(member)[1].read(member)
