"""Scans that lie elsewhere: anything that fsspec has a URL for, such as ``s3://scans/lane3``, ``sftp://host/scans/*.tif``.

A scan is fetched with its sidecars and calibration by the process that screens it, into a folder that is gone afterwards. What
counts as a scan follows the rules of `xrayscan.io.find_scans`. Needs fsspec, the extra ``remote``, and for most protocols
another package, which the error names.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from xrayscan.batch.errors import BatchError
from xrayscan.errors import MissingDependencyError, ReadError, XrayscanError
from xrayscan.io import MAX_FILE_BYTES, MissingScanError, bundle, read, sidecar
from xrayscan.io.folder import has_name_of_scan
from xrayscan.scan import Scan

__all__ = ["Remote", "find_remote", "is_url", "opened"]

logger = logging.getLogger(__name__)

_URL = re.compile(r"[a-z][a-z0-9+.-]+(://|::)", re.IGNORECASE)  # two letters and more: one is a drive of Windows
_PASSWORD = re.compile(r"://[^/@]*:[^/@]*@")
_MAGIC = re.compile(r"[*?\[]")
_SIDECARS = (".xrayscan.toml", ".xrayscan.json", ".toml", ".json")
_OF_FOLDER = ("xrayscan.toml", "xrayscan.json")
_VERSION = frozenset({
    "size", "etag", "mtime", "modified", "last_modified", "lastmodified", "created", "updated", "md5hash", "content_md5",
    "crc", "crc32c", "checksum", "generation", "versionid", "version_id",
})  # fmt: skip
"""What the file systems call that by which one version of a file is told from another."""


@dataclass(frozen=True)
class Remote:
    """A scan that lies elsewhere.

    Attributes
    ----------
    url : str
    relative : str
        Its path below the folder that was named, with ``/``.
    beside : tuple of str
        Names of its sidecars, in its folder.
    mark : str
        Another one means that the scan, a sidecar or its calibration changed.
    """

    url: str
    relative: str
    beside: tuple[str, ...]
    mark: str


def is_url(named: str) -> bool:
    """Whether it is a URL and no path.

    Examples
    --------
    >>> [is_url(named) for named in ("s3://scans/lane3", "zip://*.tif::s3://scans.zip", "lane3/0412.tif", "C:/scans")]
    [True, True, False, False]
    """
    return _URL.match(named) is not None


def find_remote(url: str) -> list[Remote]:
    """The scans of a file, a folder or a pattern, in a stable order.

    Raises
    ------
    MissingDependencyError
        If fsspec, or what it needs for this protocol, is not installed.
    BatchError
        If there is no such protocol, or the URL holds a password.
    MissingScanError, ReadError
        If nothing is there, or it cannot be listed.
    """
    if _PASSWORD.search(url):
        raise BatchError(
            f"looking for scans in {_PASSWORD.sub('://...@', url)}: the URL holds a password, which every report would show; "
            "put it into the environment or fsspec's configuration"
        )
    place = _Place.of(url)
    try:
        return place.scans()
    except XrayscanError:
        raise
    except Exception as error:  # the packages below fsspec raise what they like
        raise ReadError(
            f"looking for scans in {url}: {type(error).__name__}: {error}; check the address and your access"
        ) from error


@contextmanager
def opened(scan: Remote) -> Iterator[Scan]:
    """The scan of a remote file, fetched with all that belongs to it; it names the URL.

    Raises
    ------
    ReadError
        If it cannot be fetched, or is no scan.
    """
    with tempfile.TemporaryDirectory(prefix="xrayscan-") as folder:
        try:
            path = _fetch(scan, Path(folder))
            found = read(path)
        except XrayscanError as error:
            _name_url(error, folder, scan.url)
            raise
        except Exception as error:  # the packages below fsspec raise what they like
            raise ReadError(
                f"fetching {scan.url}: {type(error).__name__}: {error}; check your access, and run again"
            ) from error
        yield replace(found, source=replace(found.source, path=scan.url))


def _name_url(error: Exception, folder: str, url: str) -> None:
    """Let the message name where the file lies, and not where it was read."""
    parent = _split(url)[0].rpartition("/")[0]
    error.args = tuple(arg.replace(folder, parent) if isinstance(arg, str) else arg for arg in error.args)


def _fetch(scan: Remote, folder: Path) -> Path:
    system, path = _open(scan.url)
    target = folder / PurePosixPath(path).name
    if system.isdir(path):
        system.get(path, str(target), recursive=True)
        return target
    size = system.info(path).get("size") or 0
    if size > MAX_FILE_BYTES:
        raise ReadError(
            f"reading {target}: it has {size} bytes; files up to {MAX_FILE_BYTES} bytes are read: cut the scan into parts"
        )
    system.get_file(path, str(target))
    for beside in scan.beside:
        system.get_file(_beside(path, beside), str(folder / beside))
    for named in [file for beside in scan.beside for file in sidecar.references(folder / beside)]:
        if _below(named, str(folder)) and not named.exists():
            named.parent.mkdir(parents=True, exist_ok=True)
            there = _beside(path, named.relative_to(folder).as_posix())
            if system.exists(there):  # if not, reading says what is missing
                system.get_file(there, str(named))
    return target


def _open(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingDependencyError(
            f'opening {url} needs fsspec ({error}); pip install "xrayscan[remote]"', extra="remote"
        ) from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise MissingDependencyError(
            f'opening {url}: {error}; pip install that beside "xrayscan[remote]"', extra="remote"
        ) from error
    except ValueError as error:
        raise BatchError(f"opening {url}: {error}; name a path, or a URL of a protocol that fsspec knows") from error
    return system, str(path)


def _split(url: str) -> tuple[str, str]:
    """A URL, and what it is chained to: the archive or cache that it leads through."""
    head, colons, chain = url.partition("::")
    return head, colons + chain


@dataclass(frozen=True)
class _Place:
    """What a URL names: its file system, the folder to list, and how the URLs of files in it begin and end."""

    url: str
    system: Any
    base: str
    start: str
    chain: str

    @classmethod
    def of(cls, url: str) -> _Place:
        head, chain = _split(url)
        magic = _MAGIC.search(head)
        named = head[: magic.start()].rpartition("/")[0] if magic else head
        start = named.rstrip("/") + "/"
        if start.endswith(":/"):  # of a whole file system, such as zip:// or file:///
            start += "//" if named.startswith(f"{start}//") else "/"
        system, base = _open(start + chain)
        return cls(url, system, base.rstrip("/"), start, chain)

    def scans(self) -> list[Remote]:
        """Every scan there is; a file that was named itself is one, whatever it is."""
        named = _open(self.url)[1]
        if not _MAGIC.search(_split(self.url)[0]) and not self.system.isdir(self.base or named):
            return self._named_one(named)
        files = self._listed(self.base)
        wanted = set(files)
        if _MAGIC.search(_split(self.url)[0]):
            matches = set(self.system.glob(named))
            wanted = {path for path in files if matches.intersection((path, *map(str, PurePosixPath(path).parents)))}
        bundles = [folder for folder in self._bundles(files) if any(path.startswith(f"{folder}/") for path in wanted)]
        inside = {path for path in files for folder in bundles if path.startswith(f"{folder}/")}
        scans = [*bundles, *(path for path in wanted - inside if self._is_scan(path, files))]
        if any(path.lower().endswith(".npy") for path in scans):
            calibration = self._named([path for path in files if sidecar.is_sidecar_name(path)], files)
            scans = [path for path in scans if path not in calibration]
        if not wanted:
            raise MissingScanError(f"looking for scans in {self.url}: there is no such file or folder, and no file matches it")
        return [self.remote(path, files) for path in sorted(scans)]

    def _named_one(self, path: str) -> list[Remote]:
        if not self.system.exists(path):
            raise MissingScanError(f"looking for scans in {self.url}: there is no such file or folder")
        folder = path.rpartition("/")[0]
        parent = _Place(self.url, self.system, folder, self.start.rstrip("/").rpartition("/")[0] + "/", self.chain)
        return [parent.remote(path, {path: self.system.info(path), **self._listed(folder, depth=1)})]

    def remote(self, path: str, files: Mapping[str, Mapping[str, Any]]) -> Remote:
        """A scan of these files."""
        pure = PurePosixPath(path)
        names = (*(pure.stem + suffix for suffix in _SIDECARS), *_OF_FOLDER)
        beside = [name for name in names if _beside(path, name) in files and name != pure.name]
        sidecars = [_beside(path, name) for name in beside]
        pieces = [piece for piece in files if piece == path or piece.startswith(f"{path}/")]
        pieces += [*sidecars, *(named for named in self._named(sidecars, files) if named in files)]
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(json.dumps([piece, self._version(piece, files[piece])]).encode())
        relative = path.removeprefix(self.base).lstrip("/")
        return Remote(f"{self.start}{relative}{self.chain}", relative, tuple(beside), digest.hexdigest())

    def _listed(self, folder: str, depth: int | None = None) -> dict[str, Mapping[str, Any]]:
        found = self.system.find(folder, maxdepth=depth, detail=True)
        return {str(path): info for path, info in sorted(found.items())}

    def _is_scan(self, path: str, files: Mapping[str, object]) -> bool:
        below = PurePosixPath(path.removeprefix(self.base).lstrip("/"))
        of_a_report = below.name == "overlay.png" and _beside(path, "report.json") in files
        return has_name_of_scan(below) and not of_a_report

    def _bundles(self, files: Mapping[str, object]) -> list[str]:
        """Folders with a manifest that makes them one scan."""
        found = []
        for path in files:
            folder, _, name = path.rpartition("/")
            if name in bundle.MANIFESTS:
                with tempfile.TemporaryDirectory(prefix="xrayscan-") as here:
                    Path(here, name).write_bytes(self.system.cat_file(path))
                    if bundle.is_bundle(Path(here)):
                        found.append(folder)
        return found

    def _named(self, sidecars: Sequence[str], files: Mapping[str, object]) -> list[str]:
        """Files that sidecars name; they are read only where there is an array that they may mean."""
        if not any(path.lower().endswith(".npy") for path in files):
            return []
        named = []
        with tempfile.TemporaryDirectory(prefix="xrayscan-") as here:
            for path in sidecars:
                copy = Path(here, PurePosixPath(path).name)
                copy.write_bytes(self.system.cat_file(path))
                files_named = [file.relative_to(here).as_posix() for file in sidecar.references(copy) if _below(file, here)]
                named += [_beside(path, name) for name in files_named]
        return named

    def _version(self, path: str, info: Mapping[str, Any]) -> list[str]:
        """By what one version of a file is told from another; its content, where the file system has nothing else."""
        known = sorted(f"{key}={value}" for key, value in info.items() if key.lower() in _VERSION and value is not None)
        if any(not item.lower().startswith("size=") for item in known):
            return known
        logger.info("%s says no version of %s; reading it to know it", self.url, path)
        return [hashlib.sha256(self.system.cat_file(path)).hexdigest()]


def _beside(path: str, name: str) -> str:
    """The path of another file in the folder of one, or below it."""
    return path[: len(path) - len(path.rpartition("/")[2])] + name


def _below(file: Path, folder: str) -> bool:
    return file.is_relative_to(folder) and ".." not in file.parts
