"""Which files of a folder are scans."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from xrayscan.io import bundle, sidecar
from xrayscan.io.file import MissingScanError

__all__ = ["NOT_SCANS", "find_scans", "has_name_of_scan"]

# fmt: off
NOT_SCANS = frozenset((
    ".txt", ".md", ".rst", ".pdf", ".csv", ".tsv", ".parquet", ".toml", ".json", ".jsonl",
    ".yaml", ".yml", ".xml", ".ini", ".cfg", ".log", ".html", ".htm", ".css", ".js",
    ".py", ".ipynb", ".sh", ".bat", ".sha256", ".md5", ".db", ".onnx", ".safetensors", ".lock",
    ".tmp", ".part", ".partial", ".crdownload", ".filepart", ".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".ods",
    ".ppt", ".pptx", ".odp",
))
# fmt: on
"""Suffixes that are never taken out of a folder as scans: texts, documents, tables, settings, programs, unfinished copies."""

_CALIBRATION = ("air", "dark", "bad_pixels")
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information"})
_REPORT, _REPORT_PICTURE = "report.json", "overlay.png"


def find_scans(paths: str | Path | Iterable[str | Path], *, recursive: bool = True) -> list[Path]:
    """The scans that files, folders and patterns name, in a stable order and each once.

    A file that is named is always taken, whatever it is. Of a folder, every file is taken, also one that no reader may know
    or that cannot be opened, so that it is a failed scan later and never quietly lost. A folder that is a bundle, because its
    manifest says ``xrayscan = 1`` (see `xrayscan.io.bundle`), is one scan, and nothing in it is another. Left out are only:

    - hidden files and folders (names that start with a dot) and what operating systems leave behind;
    - files with a suffix of `NOT_SCANS`, which sidecars, tables and pages are;
    - calibration: ``air.npy``, ``dark.npy``, ``bad_pixels.npy``, names that end in ``_air.npy``, ``_dark.npy`` or
      ``_bad_pixels.npy``, and every ``.npy`` that a sidecar of the walk names;
    - the picture of one of our own reports: ``overlay.png`` beside a ``report.json`` that xrayscan wrote.

    Parameters
    ----------
    paths : str, Path or iterable of them
        Files, folders, and patterns such as ``lane*/**/*.tif``; a pattern is looked at as a folder is.
    recursive : bool
        Whether folders below are walked too. Links are followed, each folder once.

    Returns
    -------
    list of Path
        In the order in which they are named, sorted within a folder, starting with the name that was given.

    Raises
    ------
    MissingScanError
        If a path does not exist or is empty, or a pattern matches nothing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.tif", "a.png", "a.json", "README.txt", "b_air.npy", ".hidden.tif", "odd.xyz"):
    ...         Path(folder, name).touch()
    ...     [path.name for path in find_scans(folder)]
    ['a.png', 'b.tif', 'odd.xyz']
    """
    named = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if any(not str(name).strip() for name in named):  # pathlib takes an empty name for the folder one is in
        raise MissingScanError("looking for scans: no file was named; give the path of a scan or of a folder of scans")
    walk = _Walk(recursive)
    found: dict[str, Path] = {}
    for name in named:
        for path in _of(Path(name), walk):
            found.setdefault(_identity(path), path)
    explicit = {_identity(Path(name)) for name in named}
    calibration = walk.calibration() if any(path.suffix.lower() == ".npy" for path in found.values()) else set()
    return [path for identity, path in found.items() if identity in explicit or identity not in calibration]


def _of(path: Path, walk: _Walk) -> Iterator[Path]:
    if os.path.lexists(path):
        yield from walk.folder(path) if path.is_dir() else (path,)
        return
    matches = sorted(_matches(str(path))) if glob.has_magic(str(path)) else []
    if not matches:
        raise MissingScanError(f"looking for scans in {path}: there is no such file or folder, and no file matches it")
    yield from walk.entries([Path(match) for match in matches])


def _matches(pattern: str) -> set[str]:
    """What `glob` finds, each folder below a ``**`` once, whatever links lead to it."""
    parts = Path(pattern).parts
    if "**" not in parts:
        return set(glob.glob(pattern))
    at = parts.index("**")
    before, after = os.path.join(*parts[:at] or (os.curdir,)), parts[at + 1 :] or ("*",)
    found, visited = set(), set()
    for top in glob.glob(before):
        for folder, below, _ in os.walk(top, followlinks=True):
            identity = os.path.realpath(folder)
            if identity in visited:
                below.clear()
                continue
            visited.add(identity)
            below[:] = sorted(name for name in below if not name.startswith("."))
            found |= _matches(os.path.join(glob.escape(folder), *after))
    return found


def _identity(path: Path) -> str:
    return os.path.realpath(path)


class _Walk:
    """One walk over folders, that remembers where it was and which sidecars it met."""

    def __init__(self, recursive: bool) -> None:
        self.recursive = recursive
        self._visited: set[str] = set()
        self._sidecars: list[Path] = []

    def folder(self, path: Path) -> Iterator[Path]:
        """Scans of a folder; the folder itself, if it cannot be listed: reading it then says why."""
        identity = _identity(path)
        if identity in self._visited:
            return
        self._visited.add(identity)
        if bundle.is_bundle(path):
            yield path
            return
        try:
            names = sorted(os.listdir(path))
        except OSError:
            yield path
            return
        yield from self.entries([path / name for name in names])

    def entries(self, paths: list[Path]) -> Iterator[Path]:
        """Scans among the entries of a folder, files first."""
        folders = []
        for path in paths:
            if _is_hidden(path.name):
                continue
            if os.path.isdir(path):
                if bundle.is_bundle(path):
                    yield path
                else:
                    folders.append(path)
            elif sidecar.is_sidecar_name(path.name):
                self._sidecars.append(path)
            elif not _is_left_out(path):
                yield path
        if self.recursive:
            for path in folders:
                yield from self.folder(path)

    def calibration(self) -> set[str]:
        """Files that the sidecars of the walk name."""
        return {_identity(named) for path in self._sidecars for named in sidecar.references(path)}


def has_name_of_scan(path: PurePath) -> bool:
    """Whether a file of a folder is taken as a scan, as far as its path below that folder tells; see `find_scans`.

    Examples
    --------
    >>> [has_name_of_scan(PurePath(name)) for name in ("lane3/0412.tif", "0412.toml", "0412.tif.part", ".old/0412.tif")]
    [True, False, False, False]
    """
    return not any(map(_is_hidden, path.parts)) and not _has_other_name(path)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM


def _has_other_name(path: PurePath) -> bool:
    suffix, stem = path.suffix.lower(), path.stem.lower()
    if suffix in NOT_SCANS or path.name.endswith("~"):
        return True
    return suffix == ".npy" and any(stem == name or stem.endswith(f"_{name}") for name in _CALIBRATION)


def _is_left_out(path: Path) -> bool:
    if _has_other_name(path):
        return True
    return path.name == _REPORT_PICTURE and _is_of_a_report(path)


def _is_of_a_report(path: Path) -> bool:
    """Whether a report that xrayscan wrote lies beside a file."""
    try:
        return b'"xrayscan"' in (path.parent / _REPORT).read_bytes()
    except OSError:
        return False
