"""Compressed frames of a DICOM file → samples, through whichever decoder of pydicom is installed.

What a frame claims of itself is held against the file's header before a decoder sees it: decoders are C libraries that take
the memory which the coded header asks for.
"""

from __future__ import annotations

import struct
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from xrayscan.errors import MissingDependencyError
from xrayscan.io.file import ScanFile

__all__ = ["Coded", "decode_frame", "split_frames"]

RLE = "1.2.840.10008.1.2.5"
_JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_WAVELET = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
# What is installed for each, by preference: plain C libraries with bounds before GDCM, which decodes everything.
_PACKAGES = {
    **dict.fromkeys(_JPEG, "python-gdcm"),
    **dict.fromkeys(_LS, "pyjpegls"),
    **dict.fromkeys(_WAVELET, "pylibjpeg pylibjpeg-openjpeg"),
}
_PREFERRED = ("pydicom", "pylibjpeg", "pyjpegls", "pillow", "gdcm")

# Most pixels that one coded byte can stand for: RLE repeats 128 bytes with two; a lossless JPEG has a bit for each sample,
# a lossy one a bit for 64. JPEG-LS and JPEG 2000 code an even picture in next to nothing: no scan is that even.
_PIXELS_PER_BYTE = {RLE: 64, _JPEG[0]: 1024, _JPEG[1]: 1024, _JPEG[2]: 16, _JPEG[3]: 16}
_EVEN, _FREE = 4096, 1 << 16

_LOCK = threading.Lock()
"""Filters of warnings belong to the process: one thread at a time may set them."""


@dataclass(frozen=True)
class Coded:
    """What the header says of each compressed frame.

    Attributes
    ----------
    syntax : str
        Transfer syntax UID.
    shape : (int, int, int)
        Rows, columns and samples of a pixel.
    bits : (int, int)
        Allocated and stored.
    signed : bool
    photometric : str
    planar : int
    """

    syntax: str
    shape: tuple[int, int, int]
    bits: tuple[int, int]
    signed: bool
    photometric: str
    planar: int

    @property
    def name(self) -> str:
        """The transfer syntax in words and as UID."""
        from pydicom.uid import UID_dictionary

        known = UID_dictionary.get(self.syntax)
        return f"{known[0]} ({self.syntax})" if known else f"the unknown transfer syntax {self.syntax[:64]!r}"


def split_frames(file: ScanFile, fragments: tuple[memoryview, ...], frames: int) -> list[bytes]:
    """The bytes of each compressed frame.

    Raises
    ------
    CorruptScanError
        If the fragments are not those of so many frames.

    References
    ----------
    .. [1] DICOM PS3.5, section A.4: the first item is the offset table; a frame is one fragment or more.
    """
    table, parts = (fragments[0], fragments[1:]) if fragments else (memoryview(b""), ())
    if len(parts) == frames:
        return [bytes(part) for part in parts]
    if frames == 1 and parts:
        return [b"".join(parts)]
    offsets = [start for (start,) in struct.iter_unpack("<I", table[: len(table) // 4 * 4])]
    if len(offsets) == frames and frames > 1 and offsets[0] == 0:
        joined: list[list[memoryview]] = [[] for _ in range(frames)]
        at, frame = 0, 0
        for part in parts:
            while frame + 1 < frames and at >= offsets[frame + 1]:
                frame += 1
            joined[frame].append(part)
            at += 8 + len(part)
        if all(joined):
            return [b"".join(pieces) for pieces in joined]
    raise file.corrupt(
        f"its compressed pixels are in {len(parts)} fragment{'' if len(parts) == 1 else 's'}, and Number of Frames says "
        f"{frames}; it is damaged, copy it again"
    )


def decode_frame(file: ScanFile, frame: bytes, coded: Coded) -> tuple[np.ndarray, str]:
    """Samples of one compressed frame, and the photometric interpretation that they now have.

    Parameters
    ----------
    file : ScanFile
        For errors.
    frame : bytes
    coded : Coded

    Returns
    -------
    ndarray, shape (rows, columns) or (rows, columns, samples)
    str

    Raises
    ------
    CorruptScanError
        If it is damaged, or claims another size than the header.
    MissingDependencyError
        If no decoder for its transfer syntax is installed; the message names the package.
    ReadError
        If the transfer syntax is none for pictures.
    """
    rows, columns, samples = coded.shape
    decoder = _decoder(file, coded)
    most = _PIXELS_PER_BYTE.get(coded.syntax, _EVEN) * len(frame) + (0 if coded.syntax == RLE else _FREE)
    if rows * columns > most:
        raise file.corrupt(
            f"it claims {rows} x {columns} pixels in {len(frame)} bytes of {coded.name}; no picture is that even: it is damaged"
        )
    _check_header(file, frame, coded)
    padded = frame + b"\0" * (len(frame) % 2)
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(padded)) + padded
    source = b"\xfe\xff\x00\xe0\0\0\0\0" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    plugin = next((name for name in _PREFERRED if name in decoder.available_plugins), "")
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image, changes = decoder.as_array(
                source,
                decoding_plugin=plugin,
                rows=rows,
                columns=columns,
                samples_per_pixel=samples,
                number_of_frames=1,
                bits_allocated=coded.bits[0],
                bits_stored=coded.bits[1],
                pixel_representation=int(coded.signed),
                photometric_interpretation=coded.photometric,
                pixel_keyword="PixelData",
                **({"planar_configuration": coded.planar} if samples > 1 else {}),
            )
        except Exception as error:  # a damaged frame makes the decoders raise whatever they like, up to MemoryError
            what = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            raise file.corrupt(f"its pixels cannot be decoded from {coded.name} ({what}); copy it again") from error
    if image.shape not in ((rows, columns), (rows, columns, samples)):
        raise file.corrupt(f"its pixels decode to shape {image.shape}; the header says {(rows, columns, samples)}")
    return image, str(changes.get("photometric_interpretation", coded.photometric))


def _decoder(file: ScanFile, coded: Coded) -> Any:
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID_dictionary

    try:
        decoder = get_decoder(coded.syntax) if coded.syntax in UID_dictionary else None
    except NotImplementedError:
        decoder = None
    if decoder is None:
        raise file.refused(
            f"its pixels are coded as {coded.name}, which is not read; export it uncompressed or as JPEG 2000 lossless"
        )
    if decoder.is_available:
        return decoder
    package = _PACKAGES.get(coded.syntax, "python-gdcm")
    raise MissingDependencyError(
        f"reading {file.path}: its pixels are coded as {coded.name}, for which no decoder is installed; "
        f"run: pip install {package}",
        extra="dicom",
    )


def _check_header(file: ScanFile, frame: bytes, coded: Coded) -> None:
    """That the coded header claims the size that the file's header claims."""
    claimed: tuple[int, int] | None
    if coded.syntax == RLE:
        return
    if coded.syntax in _WAVELET:
        claimed = _wavelet_size(frame)
    else:
        claimed = _jpeg_size(frame)
    if claimed is None:
        raise file.corrupt(f"its pixels do not begin as {coded.name}; it is damaged, copy it again")
    if claimed != coded.shape[:2]:
        raise file.corrupt(
            f"its coded pixels claim {claimed[0]} x {claimed[1]}, its header {coded.shape[0]} x {coded.shape[1]}; it is damaged"
        )


def _wavelet_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG 2000 code stream, also within a JP2 file (ISO/IEC 15444-1, A.5.1)."""
    at = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at < 0 or at + 24 > len(frame):
        return None
    width, height, left, top = struct.unpack_from(">IIII", frame, at + 8)
    return height - top, width - left


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) of the first frame header of a JPEG or JPEG-LS (ITU-T T.81, B.2.2; T.87, C.2.2)."""
    if frame[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
        elif (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows, columns = struct.unpack_from(">HH", frame, at + 5)
            return rows, columns
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
