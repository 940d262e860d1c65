"""The pixels of a DICOM or DICOS image, as they are stored: every bit kept, nothing that only serves display applied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.io.color import luminance
from xrayscan.io.contents import check_claim
from xrayscan.io.dicom_elements import BIG, DEFLATED, EXPLICIT, EXTENDED, IMPLICIT, Dataset
from xrayscan.io.dicom_frames import Coded, decode_frame, split_frames
from xrayscan.io.file import ScanFile
from xrayscan.scan import Step

__all__ = ["Layout", "Lookup", "has_pixels", "layout_of", "lookup_of", "stored_frames"]

_PIXELS = 0x7FE00010
_TYPED = {0x7FE00008: "f4", 0x7FE00009: "f8", 0x7FE00011: "u4", 0x7FE00012: "u8", 0x7FE00013: "f4"}
"""Elements whose tag says the type: DICOM's float and double, DICOS's 32 bits, 64 bits and float."""

_NATIVE = ("", IMPLICIT, EXPLICIT, BIG, DEFLATED, EXTENDED)
_COLORS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
MAX_FRAMES = 65_536


@dataclass(frozen=True)
class Layout:
    """How the pixels are stored.

    Attributes
    ----------
    tag : int
        Of the element that holds them.
    frames, rows, columns, samples : int
    allocated, stored, high : int
        Bits of a sample: in the file, in use, and the highest in use.
    signed : bool
    photometric : str
    planar : int
        1: one color after another.
    """

    tag: int
    frames: int
    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high: int
    signed: bool
    photometric: str
    planar: int

    @property
    def values(self) -> int:
        """Samples of all frames."""
        return self.frames * self.rows * self.columns * self.samples

    @property
    def is_color(self) -> bool:
        """Whether a pixel has three samples or stands for a color."""
        return self.samples > 1 or self.photometric == "PALETTE COLOR"


@dataclass(frozen=True, eq=False)
class Lookup:
    """A look-up table: value ``first`` and below take the first entry, those above the last take the last."""

    first: int
    entries: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The entry of each value."""
        index = values.astype(np.int64)
        index -= self.first
        np.clip(index, 0, len(self.entries) - 1, out=index)
        return self.entries[index]


def has_pixels(data: Dataset) -> bool:
    """Whether there is an element with pixels."""
    return _PIXELS in data or any(tag in data for tag in _TYPED)


def layout_of(file: ScanFile, data: Dataset) -> Layout:
    """How the pixels are stored, checked against the bounds and against what the file really holds.

    Raises
    ------
    CorruptScanError
        If the description is incomplete, contradicts itself, or claims more or less than there is.
    ReadError
        If it is sound, and not read.
    """
    tag = next((tag for tag in _TYPED if tag in data), _PIXELS)
    frames, samples = data.integer(0x00280008), data.integer(0x00280002)
    rows, columns = data.integer(0x00280010), data.integer(0x00280011)
    if rows is None or columns is None:
        raise file.corrupt("it has pixels and does not say how many Rows and Columns; it is damaged, copy it again")
    frames = 1 if frames is None else frames
    samples = 1 if samples is None else samples
    photometric = (data.text(0x00280004) or "MONOCHROME2").upper()
    check_claim(file, frames, rows, columns, samples)
    if frames > MAX_FRAMES:
        raise file.refused(f"it holds {frames} frames; up to {MAX_FRAMES} are read: cut it into parts")
    if (samples, photometric) not in {(1, "MONOCHROME1"), (1, "MONOCHROME2"), (1, "PALETTE COLOR")} and not (
        samples == 3 and photometric in _COLORS
    ):
        raise file.refused(
            f"its pixels have {samples} samples in the colors {photometric!r}; MONOCHROME1, MONOCHROME2 and PALETTE COLOR with "
            "one sample, and RGB with three are read: export each energy as an image of its own"
        )
    bits = _bits(file, data, tag)
    layout = Layout(
        tag, frames, rows, columns, samples, *bits, data.integer(0x00280103) == 1, photometric, data.integer(0x00280006) or 0
    )
    _check_size(file, data, layout)
    return layout


def _bits(file: ScanFile, data: Dataset, tag: int) -> tuple[int, int, int]:
    """Bits allocated, bits stored and high bit."""
    if tag in _TYPED:
        whole = 8 * np.dtype(_TYPED[tag]).itemsize
        return whole, whole, whole - 1
    allocated = data.integer(0x00280100)
    stored, high = data.integer(0x00280101), data.integer(0x00280102)
    if allocated not in (8, 16, 32, 64):
        raise file.refused(f"its pixels have {allocated} bits allocated; 8, 16, 32 and 64 are read: export it again with 16")
    stored = allocated if stored is None else stored
    high = stored - 1 if high is None else high
    if not (1 <= stored <= allocated and stored - 1 <= high < allocated):
        raise file.corrupt(f"it claims {stored} bits stored up to bit {high} in {allocated} bits allocated; it is damaged")
    return allocated, stored, high


def _check_size(file: ScanFile, data: Dataset, layout: Layout) -> None:
    """That uncompressed pixels are as many bytes as the header says; one byte may be added to make them even."""
    found = data.elements[layout.tag]
    if found.fragments is not None:
        if data.syntax in _NATIVE:
            raise file.corrupt(
                f"its pixels are in compressed fragments, its transfer syntax is {data.syntax or 'missing'}; it is damaged"
            )
        return
    if data.syntax not in _NATIVE:
        raise file.corrupt(
            f"its transfer syntax is {data.syntax[:64]!r}, and its pixels are not compressed; it is damaged: "
            "copy it again, or export it as explicit little endian"
        )
    expected, there = layout.values * layout.allocated // 8, len(found.value)
    if there not in (expected, expected + expected % 2):
        raise file.corrupt(
            f"its header says {layout.frames} x {layout.rows} x {layout.columns} x {layout.samples} (frames, rows, columns, "
            f"samples) of {layout.allocated} bits, that is {expected} bytes, and there are {there}; it was cut off or is "
            "damaged, copy it again"
        )


def stored_frames(file: ScanFile, data: Dataset, layout: Layout) -> tuple[np.ndarray, tuple[Step, ...]]:
    """All frames with one number a pixel, in the byte order of this machine.

    Returns
    -------
    ndarray, shape (frames, rows, columns)
        Sample values of monochrome frames; luminance of colors and palettes.
    tuple of Step
        What was found in bits that are not in use.

    Raises
    ------
    CorruptScanError, MissingDependencyError, ReadError
    """
    found = data.elements[layout.tag]
    if found.fragments is None:
        images, photometric = _native(file, data, layout), layout.photometric
    else:
        images, photometric = _decoded(file, found.fragments, data.syntax, layout)
    if layout.samples == 1:
        images, steps = _in_use(images, data, layout)
        return _through_palette(file, data, images) if photometric == "PALETTE COLOR" else images, steps
    if photometric.startswith("YBR_FULL"):
        return np.ascontiguousarray(images[..., 0]), ()
    return np.stack([luminance(image) for image in images]), ()


def _native(file: ScanFile, data: Dataset, layout: Layout) -> np.ndarray:
    """Uncompressed samples: (frames, rows, columns), or (frames, rows, columns, 3)."""
    found = data.elements[layout.tag]
    kind = _TYPED.get(layout.tag) or f"{'i' if layout.signed else 'u'}{layout.allocated // 8}"
    order = "<" if data.little else ">"
    samples = np.frombuffer(found.value, np.dtype(order + kind), layout.values) if layout.allocated > 8 else None
    if samples is None:
        octets = np.frombuffer(found.value, np.uint8)
        if not data.little and found.vr == "OW":  # PS3.5, annex A.3: two octets make a big-endian word
            octets = octets[: len(octets) // 2 * 2].reshape(-1, 2)[:, ::-1].reshape(-1)
        samples = octets[: layout.values].view(np.int8 if layout.signed else np.uint8)
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    frame = (layout.frames, layout.rows, layout.columns)
    if layout.samples == 1:
        return samples.reshape(frame)
    if layout.photometric == "YBR_FULL_422":
        raise file.refused("its colors are stored at half width (YBR_FULL_422); export it in gray or RGB")
    if layout.planar == 1:
        return np.moveaxis(samples.reshape(layout.frames, layout.samples, layout.rows, layout.columns), 1, -1)
    return samples.reshape(*frame, layout.samples)


def _decoded(file: ScanFile, fragments: tuple[memoryview, ...], syntax: str, layout: Layout) -> tuple[np.ndarray, str]:
    coded = Coded(
        syntax,
        (layout.rows, layout.columns, layout.samples),
        (layout.allocated, layout.stored),
        layout.signed,
        layout.photometric,
        layout.planar,
    )
    images, photometric = [], layout.photometric
    for frame in split_frames(file, fragments, layout.frames):
        image, photometric = decode_frame(file, frame, coded)
        images.append(image)
    if len({image.dtype for image in images}) > 1:
        raise file.corrupt("its frames decode to different types; it is damaged, copy it again")
    return (images[0][None] if len(images) == 1 else np.stack(images)), photometric


def _in_use(images: np.ndarray, data: Dataset, layout: Layout) -> tuple[np.ndarray, tuple[Step, ...]]:
    """Values of the bits in use: what other bits hold is taken off and told, and the sign is brought up.

    A reader may assume nothing of unused bits. They may hold an overlay (retired), copies of the sign, or what was left in
    memory. So a value that runs over its Bits Stored is no value by the standard, and comes out as its lower bits.

    References
    ----------
    .. [1] DICOM PS3.5, section 8.1.1 (pixel cells and their unused bits); PS3.3, C.9.2 (Overlay Bit Position).
    """
    if layout.tag in _TYPED or layout.stored == layout.allocated or images.dtype.kind == "f":
        return images, ()
    bits = 8 * images.dtype.itemsize
    low = layout.high + 1 - layout.stored if bits == layout.allocated else 0
    if low == 0 and not layout.signed and int(images.max()) >> layout.stored == 0:
        return images, ()
    shifted = images << (bits - layout.stored - low)
    values = shifted >> (bits - layout.stored)
    if low + layout.stored == bits:
        return values, ()
    above = images >> (low + layout.stored)
    over = int(np.count_nonzero((above != 0) & ((above != -1) | (values >= 0)) if layout.signed else above))
    if not over:
        return values, ()
    planes = [data.integer(group << 16 | 0x0102) or 0 for group in range(0x6000, 0x6020, 2)]
    what = f"{over} of {images.size} pixels have bits set above the {layout.stored} that the file says are in use"
    if any(plane >= low + layout.stored for plane in planes):
        note = f"{what}: overlays, which were taken off"
    else:
        note = (
            f"warning: {what}, and no overlay is there: by the standard they mean nothing and were taken off; if they belong "
            f"to the values, these came out too low: export it with {layout.allocated} bits stored"
        )
    return values, (Step("dicom", note, {"pixels": over, "stored": layout.stored}),)


def _through_palette(file: ScanFile, data: Dataset, images: np.ndarray) -> np.ndarray:
    """Luminance of the colors that the values stand for."""
    if 0x00281221 in data:
        raise file.refused("its palette is segmented, which is not read; export it as RGB or in gray")
    tables = [lookup_of(file, data, 0x00281101 + color, 0x00281201 + color) for color in range(3)]
    if len({(table.first, len(table.entries), table.entries.dtype) for table in tables}) > 1:
        raise file.corrupt("its palettes for red, green and blue are of different length; it is damaged")
    gray = luminance(np.stack([table.entries for table in tables], axis=-1)[None])[0]
    return Lookup(tables[0].first, gray)(images)


def lookup_of(file: ScanFile, data: Dataset, descriptor: int, entries: int, *, signed: bool | None = None) -> Lookup:
    """The look-up table that two elements describe.

    Raises
    ------
    CorruptScanError
        If one is missing or they contradict each other.

    References
    ----------
    .. [1] DICOM PS3.3, C.7.6.3.1.5 and C.11.1.1: 0 entries mean 65536; entries of 8 bits may lie in words of 16.
    """
    told, raw = data.numbers(descriptor, signed=signed), data.raw(entries)
    if len(told) != 3:
        raise file.corrupt("its look-up table is not described by three numbers; it is damaged, copy it again")
    count, first, bits = (int(number) for number in told)
    count = count & 0xFFFF or 65536
    order = "<" if data.little else ">"
    if bits not in range(8, 17):
        raise file.corrupt(f"its look-up table has entries of {bits} bits; expected 8 to 16: it is damaged")
    if len(raw) >= 2 * count:
        table = np.frombuffer(raw, order + "u2", count).astype(np.uint16)
        # Some writers repeat the 8 bits in the upper half of the word.
        table = (table & 0xFF).astype(np.uint8) if bits == 8 else table
    elif bits == 8 and len(raw) >= count:
        table = np.frombuffer(raw, np.uint8, count)
    else:
        raise file.corrupt(f"its look-up table says {count} entries of {bits} bits and has {len(raw)} bytes; it is damaged")
    return Lookup(first, table)
