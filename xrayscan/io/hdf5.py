r"""HDF5: ``pixels``, and what belongs to it, by name, at the root or in one group, as datasets or attributes.

h5py finds the structure. The numbers are decoded here from the bytes that were read, each chunk held against what it may
become, so that nothing the file claims takes memory, no chunk that is missing turns into a stripe of the fill value, and no
filter plug-in of the machine is ever loaded. What would lead out of the file is refused: external links and storage, virtual
datasets, references.

References
----------
.. [1] The HDF Group, "HDF5 File Format Specification Version 3.0", IV.A.2.l (filter pipeline) and III.A (B-trees).
"""

from __future__ import annotations

import difflib
import io
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from xrayscan.errors import ReadError
from xrayscan.io import npz
from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import DEFLATE_RATIO, MAX_PIXELS, inflate
from xrayscan.io.workers import each
from xrayscan.scan import Step

__all__ = ["NEEDS", "can_read", "read"]

NEEDS: tuple[str, ...] = ("h5py",)
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_OBJECTS = 1000
"""Most groups and datasets that are looked at."""
MAX_DEPTH = 8

_PLACES = (0, 512, 1024, 2048)
_MATLAB = b"MATLAB 7.3 MAT-file"
_HEAP = b"GCOL\x01"
_LEAST_HEAP = 4096
_SMALL = 64
_MAX_TEXT = 1024
_DEFLATE, _SHUFFLE, _LZF = 1, 2, 32000
# LZF: a reference of three bytes repeats up to 264.
_RATIOS = {_DEFLATE: DEFLATE_RATIO, _LZF: 88, _SHUFFLE: 1}
_TEXTS = ("quantity", "energies")


def can_read(file: ScanFile) -> bool:
    """Whether the HDF5 signature stands at the start, or after a user block (MATLAB 7.3 has one)."""
    return any(file.head[at : at + 8] == SIGNATURE for at in _PLACES)


def read(file: ScanFile) -> Contents:
    """The scan of an HDF5 file.

    Datasets or attributes with the names of `xrayscan.io.npz.KEYS` are read from the root, or from the one group that holds
    ``pixels``; attributes may also stand at ``pixels`` itself or at the root. A file without that name is read if it holds
    exactly one array of two or three axes; a step says so. MATLAB 7.3 files are stored by columns and turned.

    Raises
    ------
    CorruptScanError
        If it is damaged, cut off, claims more than it holds, or does not tell which array is the scan.
    ReadError
        If an array lies outside the file or is of a filter or number type that is not read.
    """
    import h5py

    _check_sizes(file)
    _check_heaps(file)
    stream = _Metered(file.data)
    try:
        with h5py.File(stream, "r") as store:
            return _contents(file, store)
    except ReadError:
        raise
    except Exception as error:  # h5py turns libhdf5's errors into a dozen kinds, up to MemoryError and SystemError
        what = str(error).strip("'\"")[:200] or type(error).__name__
        raise file.corrupt(f"its HDF5 structure is damaged or cut off ({what}); copy it again") from error


def _check_sizes(file: ScanFile) -> None:
    """Addresses and lengths of 8 bytes, which is what every writer of today makes."""
    start = next((at for at in _PLACES if file.head[at : at + 8] == SIGNATURE), None)
    if start is None:
        raise file.corrupt("it has no HDF5 signature; copy it again")
    block = file.head[start : start + 16].ljust(16, b"\0")
    sizes = block[13:15] if block[8] < 2 else block[9:11]
    if sizes != b"\x08\x08":
        raise file.corrupt(
            f"its HDF5 superblock is damaged (addresses of {sizes[0]} and lengths of {sizes[1]} bytes); copy it again"
        )


def _check_heaps(file: ScanFile) -> None:
    """Every global heap leads from object to object to its end: libhdf5 would go round forever at one of no size."""
    steps_left = 10_000 + file.size // 16
    at = file.data.find(_HEAP)
    while at >= 0:
        size = int.from_bytes(file.data[at + 8 : at + 16], "little")
        # Of any other size it is no heap for libhdf5 either, but pixels that happen to read so.
        place, end = at + 16, at + size if _LEAST_HEAP <= size <= file.size - at else at
        while place + 16 <= end:
            index, size = file.data[place : place + 2], int.from_bytes(file.data[place + 8 : place + 16], "little")
            step = size if index == b"\0\0" else 16 + (size + 7) // 8 * 8
            steps_left -= 1
            if not 16 <= step <= end - place or steps_left < 0:
                raise file.corrupt("its HDF5 structure is damaged (a heap without end); copy it again")
            place += step
        at = file.data.find(_HEAP, at + 4)


class _Metered(io.RawIOBase):
    """The bytes of a file for libhdf5, which damaged structure may lead in circles: so reads are counted."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = memoryview(data)
        self._at = 0
        self._reads_left = 10_000 + len(data) // 64
        self._bytes_left = 16_000_000 + 16 * len(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        piece = self._data[self._at : self._at + len(target)]
        self._reads_left -= 1
        self._bytes_left -= len(piece)
        if min(self._reads_left, self._bytes_left) < 0:
            raise OSError("its structure leads in circles")
        if not piece and len(target):
            raise OSError("its structure points behind its end")
        target[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _contents(file: ScanFile, store: Any) -> Contents:
    """The scan, from the group that holds it."""
    group, name, steps = _place(file, store)
    names = _names(file, group)
    for other in names:
        near = difflib.get_close_matches(other, npz.KEYS, 1, 0.8)
        if near and other not in npz.KEYS and other != name:
            raise file.corrupt(f"it holds {other!r}, which looks like a slip of {near[0]!r}; rename it")
    pixels = _object(file, group, name)
    found = {"pixels": _array(file, pixels, name)}
    for key in npz.KEYS[1:]:
        value = _value(file, key, (group, pixels, store), names)
        if value is not None:
            found[key] = value
    if file.head.startswith(_MATLAB):
        image = found["pixels"].shape[-2:]
        for key in ("pixels", "air", "dark", "bad_pixels"):
            if key in found and found[key].shape[-2:] == image:
                found[key] = np.swapaxes(found[key], -1, -2)
        steps += (Step("hdf5", "the file is of MATLAB, which stores by columns: rows and columns were turned back"),)
    contents = npz.from_arrays(file, found)
    return Contents(**{**vars(contents), "steps": steps})


def _place(file: ScanFile, store: Any) -> tuple[Any, str, tuple[Step, ...]]:
    """Group and name of the scan's array, and what was assumed to find it."""
    if "pixels" in _names(file, store):
        return store, "pixels", ()
    holders, arrays = [], []
    for group, path, name in _walk(file, store):
        if name == "pixels":
            holders.append((group, path))
        elif name not in npz.KEYS and _is_image(group, name):
            arrays.append((group, name, path))
    if len(holders) == 1:
        return holders[0][0], "pixels", ()
    if len(holders) > 1:
        raise file.corrupt(
            f"it holds several scans: {_listed([path for _, path in holders])}; save each in a file of its own, or the one "
            "that is meant as 'pixels' at the root"
        )
    if len(arrays) == 1:
        group, name, path = arrays[0]
        return group, name, (Step("hdf5", f"{path} was taken for the pixels: it is the only image of the file"),)
    listed = (
        _listed([f"{path} {_own_shape(group[name]) or 'in other files'}" for group, name, path in arrays])
        or "no array of two or three axes"
    )
    raise file.corrupt(f"it holds {listed}; expected one, or one that is named 'pixels'")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _walk(file: ScanFile, store: Any) -> Iterator[tuple[Any, str, str]]:
    """(group, path, name) of every dataset that hard links lead to, each object once."""
    import h5py

    seen: set[int] = set()
    waiting = [(store, "", 0)]
    while waiting:
        group, above, depth = waiting.pop(0)
        for name in _names(file, group):
            if not _is_hard(group, name):
                continue
            info = h5py.h5o.get_info(group.id, name.encode())
            if info.addr in seen:
                continue
            seen.add(info.addr)
            if len(seen) > MAX_OBJECTS:
                raise file.refused(f"it holds more than {MAX_OBJECTS} objects; save the scan in a file of its own")
            if info.type == h5py.h5o.TYPE_DATASET:
                yield group, f"{above}/{name}", name
            elif info.type == h5py.h5o.TYPE_GROUP and depth < MAX_DEPTH:
                waiting.append((group[name], f"{above}/{name}", depth + 1))


def _names(file: ScanFile, group: Any) -> list[str]:
    """Names of a group's links; names that are no text are left alone."""
    found: list[bytes] = []

    def keep(name: bytes) -> bool | None:
        found.append(name)
        return True if len(found) > MAX_OBJECTS else None

    group.id.links.iterate(keep)
    if len(found) > MAX_OBJECTS:
        raise file.refused(f"it holds more than {MAX_OBJECTS} objects; save the scan in a file of its own")
    return [name.decode() for name in found if name.isascii()]


def _is_hard(group: Any, name: str) -> bool:
    import h5py

    return bool(group.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD)


def _is_image(group: Any, name: str) -> bool:
    dataset = group[name]
    shape = _own_shape(dataset)
    # What lies in other files is taken for an image, so that it is refused by name.
    return shape is None or (len(shape) in (2, 3) and min(shape) > 1 and dataset.dtype.kind in "uif")


def _own_shape(dataset: Any) -> tuple[int, ...] | None:
    """The shape of a dataset that lies in the file itself; that of a virtual one may depend on other files and is not asked."""
    import h5py

    if dataset.id.get_create_plist().get_layout() == h5py.h5d.VIRTUAL:
        return None
    return tuple(dataset.shape or ())


def _object(file: ScanFile, group: Any, name: str) -> Any:
    """The dataset of that name, which must lie there itself."""
    import h5py

    if not _is_hard(group, name):
        raise file.refused(
            f"its {name!r} is a link to another place or file, and those are not followed; store it there itself"
        )
    found = group[name]
    if not isinstance(found, h5py.Dataset):
        raise file.corrupt(f"its {name!r} is a {type(found).__name__.lower()}; expected a dataset")
    return found


def _value(file: ScanFile, key: str, places: tuple[Any, Any, Any], names: list[str]) -> np.ndarray | None:
    """What the file says of a key: as a dataset of the group, or as an attribute of group, pixels or root."""
    group = places[0]
    if key in names:
        dataset = _object(file, group, key)
        if _is_text(dataset.dtype):
            return _text(file, dataset, key)
        array = _array(file, dataset, key)
        # MATLAB stores text as the codes of its letters.
        return (
            np.array("".join(map(chr, array.reshape(-1)[:_MAX_TEXT]))) if key in _TEXTS and array.dtype.kind == "u" else array
        )
    for place in places:
        if key.encode() not in _attribute_names(file, place):
            continue
        attribute = place.attrs.get_id(key)
        kind, claimed = attribute.dtype, math.prod(attribute.shape or ())
        if attribute.shape is None or claimed * max(kind.itemsize, 1) > min(file.size, 64 * 2**20):
            raise file.corrupt(f"its attribute {key!r} claims {claimed} values of {kind}, more than the file holds")
        if _is_text(kind):
            return _text(file, attribute, key, place)
        if kind.kind not in "?buif":
            raise file.refused(f"its attribute {key!r} is of type {kind}; expected numbers or text")
        return np.asarray(place.attrs[key])
    return None


def _attribute_names(file: ScanFile, place: Any) -> list[bytes]:
    import h5py

    found: list[bytes] = []

    def keep(name: bytes) -> bool | None:
        found.append(name)
        return True if len(found) > MAX_OBJECTS else None

    h5py.h5a.iterate(place.id, keep)
    if len(found) > MAX_OBJECTS:
        raise file.refused(f"it holds more than {MAX_OBJECTS} attributes; save the scan in a file of its own")
    return found


def _is_text(dtype: np.dtype) -> bool:
    import h5py

    return h5py.check_string_dtype(dtype) is not None


def _text(file: ScanFile, holder: Any, key: str, place: Any = None) -> np.ndarray:
    """A few words, from a dataset or from the attribute ``key`` of ``place``."""
    shape, length = holder.shape, holder.dtype.itemsize
    if shape is None or math.prod(shape) > _SMALL or length > _MAX_TEXT:
        raise file.corrupt(f"its {key!r} claims texts of shape {shape} and {length} bytes; expected a few words")
    if place is None:
        _check_storage(file, holder, key)
        if holder.chunks is not None:
            raise file.refused(f"its {key!r} is a text in chunks; store it plainly")
    if holder.dtype.kind == "O":
        starts = [holder.id.get_offset()] if place is None else _attribute_data(file, key)
        _check_lengths(file, key, starts, math.prod(shape))
    value = holder[()] if place is None else place.attrs[key]
    words = [value] if isinstance(value, (str, bytes)) else np.asarray(value).reshape(-1).tolist()
    return np.array([(word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word))[:_MAX_TEXT] for word in words])


def _attribute_data(file: ScanFile, key: str) -> list[int | None]:
    """Where the data may lie of attributes so named: after name, datatype and dataspace (format, IV.A.2.m)."""
    name, data = key.encode() + b"\0", file.data
    found: list[int | None] = []
    at = data.find(name)
    while at >= 0 and len(found) < MAX_OBJECTS:
        for version, back in ((1, 8), (2, 8), (3, 9)):
            head = data[max(at - back, 0) : at]
            if len(head) != back or head[0] != version or int.from_bytes(head[2:4], "little") != len(name):
                continue
            sizes = (len(name), int.from_bytes(head[4:6], "little"), int.from_bytes(head[6:8], "little"))
            found.append(at + sum((size + 7) // 8 * 8 if version == 1 else size for size in sizes))
        at = data.find(name, at + 1)
    return found


def _check_lengths(file: ScanFile, key: str, starts: list[int | None], count: int) -> None:
    """Texts of any length say how long they are, and libhdf5 takes the memory without looking at the heap."""
    for start in starts or [None]:
        stored = b"" if start is None else file.data[start : start + 16 * count]
        lengths = [int.from_bytes(stored[at : at + 4], "little") for at in range(0, len(stored), 16)]
        if len(stored) != 16 * count or max(lengths, default=0) > _MAX_TEXT:
            raise file.corrupt(
                f"its {key!r} claims a text of {max(lengths, default=0)} bytes, or is cut off; expected a few words"
            )


def _check_storage(file: ScanFile, dataset: Any, name: str) -> Any:
    """Layout and filters of a dataset that lies within the file."""
    import h5py

    plan = dataset.id.get_create_plist()
    layout = plan.get_layout()
    if layout == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise file.refused(f"its {name!r} lies in other files, and those are not read; store it in the file itself")
    return plan


def _array(file: ScanFile, dataset: Any, name: str) -> np.ndarray:
    """The numbers of a dataset, decoded from the bytes of the file."""
    import h5py

    plan = _check_storage(file, dataset, name)
    shape, stored = dataset.shape, dataset.id.get_type()
    if stored.get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM):
        raise file.refused(f"its {name!r} is of type {dataset.dtype}; expected integers or real floats")
    dtype = dataset.dtype
    if dtype.kind not in "?buif" or not stored.equal(h5py.h5t.py_create(dtype, logical=True)):
        raise file.refused(f"its {name!r} is of an unusual number type ({dtype}); store it as plain integers or floats")
    if shape is None:
        raise file.corrupt(f"its {name!r} is empty")
    if shape:
        check_claim(file, *shape)
    plain = np.dtype(np.uint8) if dtype.kind in "?b" else np.dtype(dtype.str)
    layout = plan.get_layout()
    if layout == h5py.h5d.CHUNKED:
        out = _Chunks(file, dataset, name, plan, plain).read()
    elif layout == h5py.h5d.CONTIGUOUS:
        out = _contiguous(file, dataset, name, plain)
    else:
        if math.prod(shape) * plain.itemsize != dataset.id.get_storage_size():
            raise file.corrupt(f"its {name!r} claims shape {shape}, and holds {dataset.id.get_storage_size()} bytes")
        out = np.asarray(dataset[()]).astype(plain)
    return out != 0 if dtype.kind in "?b" else out


def _contiguous(file: ScanFile, dataset: Any, name: str, dtype: np.dtype) -> np.ndarray:
    start, shape = dataset.id.get_offset(), dataset.shape
    count = math.prod(shape)
    if start is None:
        raise file.corrupt(f"its {name!r} claims shape {shape} and was never written")
    if not 0 <= start <= file.size - count * dtype.itemsize:
        raise file.corrupt(
            f"its {name!r} claims shape {shape} of {dtype}, that is {count * dtype.itemsize} bytes from {start}; the file has "
            f"{file.size}: it was cut off, copy it again"
        )
    return np.frombuffer(file.data, dtype, count, start).reshape(shape)


class _Chunks:
    """A dataset in chunks: what it claims, held against the chunks that are there, then decoded."""

    def __init__(self, file: ScanFile, dataset: Any, name: str, plan: Any, dtype: np.dtype) -> None:
        self.file, self.dataset, self.name, self.dtype = file, dataset, name, dtype
        self.shape, self.chunk = dataset.shape, plan.get_chunk()
        self.filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
        if any(code not in _RATIOS for code in self.filters) or len(self.filters) > 3:
            raise file.refused(
                f"its {name!r} is stored with the HDF5 filters {self.filters}; deflate (gzip), shuffle and lzf are read: "
                "save it again with one of these"
            )
        self.bytes = math.prod(self.chunk) * dtype.itemsize
        self.ratio = math.prod(_RATIOS[code] for code in self.filters)
        if self.filters.count(_DEFLATE) + self.filters.count(_LZF) > 1:
            raise file.refused(f"its {name!r} is compressed twice; save it again with one compression")

    def read(self) -> np.ndarray:
        """The whole dataset."""
        stored = self._stored()
        if _LZF in self.filters:
            return np.asarray(self.dataset[()]).astype(self.dtype, copy=False)
        out = np.empty(self.shape, self.dtype)

        def place(item: tuple[tuple[int, ...], tuple[int, int, int]]) -> None:
            corner, where = item
            target = out[tuple(slice(start, start + side) for start, side in zip(corner, self.chunk, strict=True))]
            target[...] = self._decoded(*where)[tuple(slice(side) for side in target.shape)]

        each(place, list(stored.items()), out.nbytes)
        return out

    def _stored(self) -> dict[tuple[int, ...], tuple[int, int, int]]:
        """(start, size, mask of filters left out) of each chunk, by its corner."""
        file = self.file
        needed = math.prod(-(-side // step) for side, step in zip(self.shape, self.chunk, strict=True))
        if needed > file.size or math.prod(self.chunk) > MAX_PIXELS or needed * self.bytes > self.ratio * file.size:
            raise file.corrupt(
                f"its {self.name!r} claims shape {self.shape} in {needed} chunks of {self.bytes} bytes from {file.size}; its "
                "compression cannot do so"
            )
        found: dict[tuple[int, ...], tuple[int, int, int]] = {}

        def keep(info: Any) -> bool | None:
            found[tuple(info.chunk_offset)] = (info.byte_offset, info.size, info.filter_mask)
            return True if len(found) > needed else None

        self.dataset.id.chunk_iter(keep)
        corners = itertools.product(*(range(0, side, step) for side, step in zip(self.shape, self.chunk, strict=True)))
        missing = sum(corner not in found for corner in corners)
        if missing or len(found) != needed:
            raise file.corrupt(
                f"its {self.name!r} lacks {missing} of {needed} chunks: it was not written to its end; copy it again"
            )
        inside = all(start > 0 and 0 < size <= file.size - start for start, size, _ in found.values())
        if not inside or sum(size for _, size, _ in found.values()) > file.size:
            raise file.corrupt(f"a chunk of its {self.name!r} lies outside the file: it was cut off; copy it again")
        return found

    def _decoded(self, start: int, size: int, mask: int) -> np.ndarray:
        """One chunk, whole, also where it reaches over the edge."""
        data: Any = memoryview(self.file.data)[start : start + size]
        for number, code in reversed(list(enumerate(self.filters))):
            if mask >> number & 1:
                continue
            if code == _DEFLATE:
                try:
                    data = inflate(data, least=self.bytes, most=self.bytes)
                except ValueError as error:
                    raise self.file.corrupt(f"a chunk of its {self.name!r}: {error}; copy the file again") from error
            elif len(data) == self.bytes:
                planes = np.frombuffer(data, np.uint8).reshape(self.dtype.itemsize, -1)
                data = np.ascontiguousarray(planes.T).reshape(-1)
        if len(data) != self.bytes:
            raise self.file.corrupt(
                f"a chunk of its {self.name!r} holds {len(data)} of {self.bytes} bytes; copy the file again"
            )
        return np.frombuffer(data, self.dtype).reshape(self.chunk)
