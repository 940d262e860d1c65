"""NumPy ``.npz`` archives: ``pixels``, and what belongs to it, by name."""

from __future__ import annotations

import difflib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from xrayscan.errors import CorruptScanError
from xrayscan.io import npy
from xrayscan.io.contents import Contents
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import DEFLATE_RATIO, MAX_ENERGIES, MAX_PIXELS
from xrayscan.scan import QUANTITIES

__all__ = ["KEYS", "MANIFESTS", "NEEDS", "broken_archive", "can_read", "from_arrays", "read"]

NEEDS: tuple[str, ...] = ()
KEYS = ("pixels", "air", "dark", "pixel_pitch", "quantity", "energies", "endpoints", "bad_pixels", "saturation")
"""What is read of an archive; ``pixels`` is required. Arrays of other names are left alone."""

MANIFESTS = ("manifest.toml", "manifest.json")
"""Names of a manifest: an archive that holds one is a bundle, whatever else is in it (see `xrayscan.io.bundle`)."""

DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    EOFError,
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
    struct.error,
    zlib.error,
)
"""What the archive's own modules raise on one that is damaged."""


def can_read(file: ScanFile) -> bool:
    """Whether it is a zip archive without a manifest whose first member is an array, or one named ``.npz``."""
    if not file.head.startswith(b"PK\x03\x04"):
        return False
    length = int.from_bytes(file.head[26:28], "little")
    return (file.suffix == ".npz" or file.head[30 : 30 + length].endswith(b".npy")) and not _has_manifest(file)


def _has_manifest(file: ScanFile) -> bool:
    """Whether an archive's directory names a manifest; one that is cut off has no directory, and its suffix tells."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
    except DAMAGE:
        return file.suffix == ".zip"
    return any(name.rpartition("/")[2] in MANIFESTS for name in names)


def broken_archive(file: ScanFile, error: Exception) -> CorruptScanError:
    """The error for an archive that zipfile cannot read, in words that say what is wrong with it."""
    what = str(error) or type(error).__name__
    if "not a zip file" in what:
        what = "it begins as a ZIP archive and has no directory at its end: it was cut off, or is something else"
    elif isinstance(error, EOFError):
        what = "it ends within a member: it was cut off"
    return file.corrupt(f"the archive is damaged ({what}); copy it again")


def read(file: ScanFile) -> Contents:
    """The scan of an ``.npz`` archive.

    Raises
    ------
    CorruptScanError
        If it is damaged, has no ``pixels``, claims more than it holds, or has a name that looks like a slip of one of
        `KEYS`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            found = {key: _member(file, archive, info) for key, info in _members(file, archive).items()}
    except DAMAGE as error:
        raise broken_archive(file, error) from error
    return from_arrays(file, found)


def from_arrays(file: ScanFile, found: Mapping[str, np.ndarray]) -> Contents:
    """The scan that arrays make which are named by `KEYS`; ``pixels`` must be one of them.

    Raises
    ------
    CorruptScanError
        If one is not what its name says: a quantity that is none, a pitch of three numbers.
    """
    return Contents(
        pixels=found["pixels"],
        quantity=_quantity(file, found.get("quantity")),
        pixel_pitch=_numbers(file, "pixel_pitch", found.get("pixel_pitch"), (1, 2)),
        energies=_names(file, found.get("energies")),
        endpoints=_endpoints(file, found.get("endpoints")),
        air=found.get("air"),
        dark=found.get("dark"),
        bad_pixels=found.get("bad_pixels"),
        saturation=_numbers(file, "saturation", found.get("saturation"), (1,)),
    )


def _members(file: ScanFile, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Members by key, each bounded before it is read."""
    chosen: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1, 0.8)
            if near:
                raise file.corrupt(f"it holds {key!r}, which looks like a slip of {near[0]!r}; rename it")
            continue
        if key in chosen:
            raise file.corrupt(f"it holds {key!r} twice")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise file.corrupt(f"its {key!r} is encrypted or of an unusual compression; save it with numpy.savez_compressed")
        if info.compress_size > file.size or info.file_size > DEFLATE_RATIO * info.compress_size + 1024:
            raise file.corrupt(
                f"its {key!r} claims {info.file_size} bytes from {info.compress_size}; no deflate stream can do so"
            )
        if info.file_size > 8 * MAX_PIXELS + npy.MAX_HEADER:
            raise file.corrupt(
                f"its {key!r} claims {info.file_size} bytes; up to {MAX_PIXELS} values are read: "
                "copy the file again, or cut the scan into parts"
            )
        chosen[key] = info
    if "pixels" not in chosen:
        names = ", ".join(repr(info.filename) for info in archive.infolist()[:8]) or "nothing"
        raise file.corrupt(f"it holds {names}; expected an array named 'pixels', as in numpy.savez(path, pixels=...)")
    if sum(info.file_size for info in chosen.values()) > 16 * MAX_PIXELS:
        raise file.corrupt("its arrays together claim more than is read of one scan")
    return chosen


def _member(file: ScanFile, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """One array; its header is held against its size before the rest is inflated."""
    key = info.filename.removesuffix(".npy")
    what, kinds = f"its {key!r}", npy.TEXT if key in ("quantity", "energies") else npy.NUMBERS
    with archive.open(info) as stream:
        head = stream.read(min(info.file_size, npy.MAX_HEADER + 12))
        npy.parse_header(file, head, info.file_size, what, kinds)
        return npy.parse(file, head + stream.read(), what, kinds)


def _quantity(file: ScanFile, value: Any) -> Any:
    if value is None:
        return None
    text = ", ".join(_names(file, value) or ())
    if text not in QUANTITIES:
        raise file.corrupt(f"its 'quantity' is {text!r}; expected one of {', '.join(QUANTITIES)}")
    return text


def _names(file: ScanFile, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if value.size > MAX_ENERGIES:
        raise file.corrupt(f"it names {value.size} energies; up to {MAX_ENERGIES} are read")
    return tuple(name.decode("latin1") if isinstance(name, bytes) else str(name) for name in value.reshape(-1))


def _endpoints(file: ScanFile, value: Any) -> tuple[float, ...] | None:
    numbers = _numbers(file, "endpoints", value, tuple(range(1, MAX_ENERGIES + 1)))
    return (numbers,) if isinstance(numbers, float) else numbers


def _numbers(file: ScanFile, key: str, value: Any, sizes: tuple[int, ...]) -> Any:
    if value is None:
        return None
    if value.dtype.kind not in "uif" or value.size not in sizes:
        raise file.corrupt(f"its {key!r} has shape {value.shape} of {value.dtype}; expected {_counts(sizes)} numbers")
    numbers = tuple(float(number) for number in value.reshape(-1))
    return numbers[0] if len(numbers) == 1 else numbers


def _counts(sizes: tuple[int, ...]) -> str:
    return f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 2 else " or ".join(map(str, sizes))
