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
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from xrayscan.batch.errors import BatchError
from xrayscan.errors import MissingDependencyError, ReadError, XrayscanError
from xrayscan.io import MAX_FILE_BYTES, MissingScanError, bundle, read, sidecar
from xrayscan.io.folder import has_name_of_scan
from xrayscan.io.limits import MAX_SIDECAR_BYTES
from xrayscan.scan import Scan

__all__ = ["Remote", "find_remote", "is_url", "opened", "sidecars_beside"]

logger = logging.getLogger(__name__)

_URL = re.compile(r"[a-z][a-z0-9+.-]+(://|::)", re.IGNORECASE)  # two letters and more: one is a drive of Windows
_PASSWORD = re.compile(r"://[^/]*:[^/]*@")
_MAGIC = re.compile(r"[*?\[]")
_BLOCK = 1024**2  # read at a time [B]
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
    with (
        tempfile.TemporaryDirectory(prefix="xrayscan-") as here,
        _read_errors(f"looking for scans in {url}", "check the address and your access"),
    ):
        return _Place.of(url, Path(here)).scans()


def sidecars_beside(urls: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Names of the sidecars of scans, by URL. No character of a URL makes it a pattern here; each folder is listed once.

    Raises
    ------
    MissingDependencyError
        If fsspec, or what it needs for a protocol, is not installed.
    BatchError
        If there is no such protocol.
    ReadError
        If a folder cannot be listed.
    """

    @cache
    def listed(system: Any, folder: str) -> frozenset[str]:
        return frozenset(_listed(system, folder, depth=1))

    found = {}
    for url in urls:
        system, path = _open(url)
        with _read_errors(f"looking for the sidecars of {url}", "check your access, and run again"):
            found[url] = _sidecars(path, listed(system, path.rpartition("/")[0]))
    return found


@contextmanager
def opened(url: str, beside: Sequence[str]) -> Iterator[Scan]:
    """The scan of exactly that URL, fetched with its sidecars of these names and its calibration; it names the URL.

    Raises
    ------
    ReadError
        If it cannot be fetched, is larger than what is read, or is no scan.
    """
    with tempfile.TemporaryDirectory(prefix="xrayscan-") as folder:
        try:
            with _read_errors(f"fetching {url}", "check your access, and run again"):
                found = read(_fetch(url, beside, Path(folder)))
        except XrayscanError as error:
            _name_url(error, folder, url)
            raise
        yield replace(found, source=replace(found.source, path=url))


@contextmanager
def _read_errors(doing: str, advice: str) -> Iterator[None]:
    """Make whatever goes wrong an error of ours."""
    try:
        yield
    except XrayscanError:
        raise
    except Exception as error:  # the packages below fsspec raise what they like
        raise ReadError(f"{doing}: {type(error).__name__}: {error}; {advice}") from error


def _name_url(error: Exception, folder: str, url: str) -> None:
    """Let the message name where the file lies, and not where it was read."""
    parent = _split(url)[0].rpartition("/")[0]
    error.args = tuple(arg.replace(folder, parent) if isinstance(arg, str) else arg for arg in error.args)


def _fetch(url: str, beside: Sequence[str], folder: Path) -> Path:
    system, path = _open(url)
    target = folder / PurePosixPath(path).name
    if system.isdir(path):
        _get_bundle(system, path, target)
    else:
        _get(system, path, target)
    for name in beside:
        there = _beside(path, name)
        (folder / name).write_bytes(_head(system, there, system.info(there)))
    for named in [file for name in beside for file in sidecar.references(folder / name)]:
        if _below(named, folder) and not named.exists():
            named.parent.mkdir(parents=True, exist_ok=True)
            there = _beside(path, named.relative_to(folder).as_posix())
            if system.exists(there):  # if not, reading says what is missing
                _get(system, there, named)
    return target


def _get_bundle(system: Any, path: str, target: Path) -> None:
    """Fetch the files of a folder, if all of them together are no more than is read of a bundle."""
    target.mkdir(exist_ok=True)
    files = system.find(path, detail=True)
    total = sum(info.get("size") or 0 for info in files.values())
    for there, info in files.items():
        if total > MAX_FILE_BYTES:
            raise ReadError(
                f"reading {target}: its files have {total} bytes together; bundles up to {MAX_FILE_BYTES} bytes are read: "
                "cut the scan into parts, or move out of the folder what does not belong to it"
            )
        name = str(there).removeprefix(f"{path}/")
        file = target / name
        if not _below(file, target):
            raise ReadError(f"reading {target}: its file {name!r} has a name that leads out of the bundle; rename it")
        file.parent.mkdir(parents=True, exist_ok=True)
        if name in bundle.MANIFESTS:
            file.write_bytes(_head(system, there, info))
        else:
            total += _get(system, there, file) - (info.get("size") or 0)  # not every server says sizes in a listing


def _get(system: Any, path: str, target: Path) -> int:
    """Fetch a file to the disk, if it is no larger than what is read; its size [B]."""
    from fsspec.callbacks import Callback

    def check(size: int | None, so_far: int) -> None:
        if max(size or 0, so_far) > MAX_FILE_BYTES:
            has = f"{size} bytes" if size and size >= so_far else f"{so_far} bytes and more"
            raise ReadError(
                f"reading {target}: it has {has}; files up to {MAX_FILE_BYTES} bytes are read: copy the file again, or cut the "
                "scan into parts"
            )

    check(system.info(path).get("size"), 0)
    # A server may say no size or a wrong one: what comes is counted too.
    system.get_file(path, str(target), callback=Callback(hooks={"size": check}))
    return target.stat().st_size


def _head(system: Any, path: str, info: Mapping[str, Any]) -> bytes:
    """A sidecar or manifest, cut off one byte after the most that is read of one: whoever reads it says what is wrong."""
    size = info.get("size")
    if size is not None and size <= MAX_SIDECAR_BYTES:
        return bytes(system.cat_file(path))
    return b"".join(_blocks(system, path, MAX_SIDECAR_BYTES + 1))


def _blocks(system: Any, path: str, most: int) -> Iterator[bytes]:
    """The first ``most`` bytes of a file, piece by piece, whatever its server says of its size."""
    with system.open(path, "rb") as stream:
        while most > 0 and (block := stream.read(min(most, _BLOCK))):
            most -= len(block)
            yield block


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
    """What a URL names: its file system, the folder to list, and how the URLs of files in it begin and end.

    ``here`` is an empty folder of this machine.
    """

    here: Path
    url: str
    system: Any
    base: str
    start: str
    chain: str

    @classmethod
    def of(cls, url: str, here: Path) -> _Place:
        head, chain = _split(url)
        magic = _MAGIC.search(head)
        named = head[: magic.start()].rpartition("/")[0] if magic else head
        start = named.rstrip("/") + "/"
        if start.endswith(":/"):  # of a whole file system, such as zip:// or file:///
            start += "//" if named.startswith(f"{start}//") else "/"
        system, base = _open(start + chain)
        return cls(here, url, system, base.rstrip("/"), start, chain)

    def scans(self) -> list[Remote]:
        """Every scan there is; a file that was named itself is one, whatever it is."""
        named = _open(self.url)[1]
        is_pattern = _MAGIC.search(_split(self.url)[0]) is not None
        if not is_pattern and not self.system.isdir(self.base or named):
            return self._named_one(named)
        listing = _Listing(self.system, _listed(self.system, self.base), self.here)
        wanted = set(listing.files)
        if is_pattern:
            matches = set(self.system.glob(named))
            wanted = {path for path in wanted if not matches.isdisjoint((path, *_folders(path)))}
        if not wanted:
            raise MissingScanError(f"looking for scans in {self.url}: there is no such file or folder, and no file matches it")
        bundles = listing.bundles() & {folder for path in wanted for folder in _folders(path)}
        loose = [path for path in listing.files if bundles.isdisjoint(_folders(path))]
        scans = bundles.union(path for path in loose if path in wanted and self._is_scan(path, listing.files))
        if any(path.lower().endswith(".npy") for path in scans):
            scans -= {named for path in loose if sidecar.is_sidecar_name(path) for named in listing.named_by(path)}
        return [self.remote(path, listing) for path in sorted(scans)]

    def _named_one(self, path: str) -> list[Remote]:
        if not self.system.exists(path):
            raise MissingScanError(f"looking for scans in {self.url}: there is no such file or folder")
        folder = path.rpartition("/")[0]
        parent = replace(self, base=folder, start=self.start.rstrip("/").rpartition("/")[0] + "/")
        files = {path: self.system.info(path), **_listed(self.system, folder, depth=1)}
        return [parent.remote(path, _Listing(self.system, files, self.here))]

    def remote(self, path: str, listing: _Listing) -> Remote:
        """A scan of these files."""
        beside = _sidecars(path, listing.files)
        sidecars = [_beside(path, name) for name in beside]
        named = [file for one in sidecars for file in listing.named_by(one) if file in listing.files]
        digest = hashlib.sha256()
        for piece in (*listing.at(path), *sidecars, *named):
            digest.update(json.dumps([piece, listing.version(piece)]).encode())
        relative = path.removeprefix(self.base).lstrip("/")
        return Remote(f"{self.start}{relative}{self.chain}", relative, beside, digest.hexdigest())

    def _is_scan(self, path: str, files: Mapping[str, object]) -> bool:
        below = PurePosixPath(path.removeprefix(self.base).lstrip("/"))
        of_a_report = below.name == "overlay.png" and _beside(path, "report.json") in files
        return has_name_of_scan(below) and not of_a_report


class _Listing:
    """Files of a file system. What is asked of one scan goes through no others; what must be read for it is read once.

    Parameters
    ----------
    system : fsspec.AbstractFileSystem
    files : mapping
        Path → what the file system says of it.
    here : Path
        An empty folder of this machine, for what must be read.
    """

    def __init__(self, system: Any, files: Mapping[str, Mapping[str, Any]], here: Path) -> None:
        self.files = files
        self._system = system
        self._here = here
        self._paths = sorted(files)
        self._has_array = any(path.lower().endswith(".npy") for path in files)
        self.named_by = cache(self._named_by)
        self.version = cache(self._version)

    def at(self, path: str) -> list[str]:
        """The file of that path, or the files below it."""
        start, end = bisect_left(self._paths, f"{path}/"), bisect_left(self._paths, f"{path}0")  # "0" comes next to "/"
        return [*([path] if path in self.files else ()), *self._paths[start:end]]

    def bundles(self) -> set[str]:
        """Folders with a manifest that makes them one scan."""
        found = set()
        for path in self.files:
            folder, _, name = path.rpartition("/")
            if name in bundle.MANIFESTS:
                with self._copied(path):
                    if bundle.is_bundle(self._here):
                        found.add(folder)
        return found

    def _named_by(self, path: str) -> tuple[str, ...]:
        """Files that a sidecar names; it is read only where there is an array that it may mean."""
        if not self._has_array:
            return ()
        here = self._here
        with self._copied(path) as copy:
            files = [file.relative_to(here).as_posix() for file in sidecar.references(copy) if _below(file, here)]
        return tuple(_beside(path, name) for name in files)

    @contextmanager
    def _copied(self, path: str) -> Iterator[Path]:
        """A sidecar or manifest, alone in that folder."""
        copy = self._here / path.rpartition("/")[2]
        copy.write_bytes(_head(self._system, path, self.files[path]))
        yield copy
        copy.unlink()

    def _version(self, path: str) -> list[str]:
        """By what one version of a file is told from another; its content, where the file system has nothing else."""
        info = self.files[path]
        known = sorted(f"{key}={value}" for key, value in info.items() if key.lower() in _VERSION and value is not None)
        if any(not item.lower().startswith("size=") for item in known):
            return known
        logger.info("nothing is said of the version of %s; reading it to know it", path)
        digest = hashlib.sha256()
        for block in _blocks(self._system, path, MAX_FILE_BYTES):
            digest.update(block)
        return [digest.hexdigest()]


def _listed(system: Any, folder: str, depth: int | None = None) -> dict[str, Mapping[str, Any]]:
    """The files of a folder, and of the folders below it to that depth."""
    return {str(path): info for path, info in system.find(folder, maxdepth=depth, detail=True).items()}


def _sidecars(path: str, files: Container[str]) -> tuple[str, ...]:
    """Names of the sidecars of a scan, in its folder, of these files."""
    pure = PurePosixPath(path)
    return tuple(name for name in sidecar.names(pure) if name != pure.name and _beside(path, name) in files)


def _folders(path: str) -> Iterator[str]:
    """The folders that a file lies in, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _beside(path: str, name: str) -> str:
    """The path of another file in the folder of one, or below it."""
    return path[: len(path) - len(path.rpartition("/")[2])] + name


def _below(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder) and ".." not in file.parts
