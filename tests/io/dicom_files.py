"""Small DICOM and DICOS files, written with pydicom for the tests."""

from __future__ import annotations

import functools
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

PROCESSING = "1.2.840.10008.5.1.4.1.1.501.2.2"
PRESENTATION = "1.2.840.10008.5.1.4.1.1.501.2.1"
CR = "1.2.840.10008.5.1.4.1.1.1"
REPORT = "1.2.840.10008.5.1.4.1.1.501.3"
SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
}
WIDE = {"u4": (0x7FE00011, "OL"), "u8": (0x7FE00012, "OV"), "f4": (0x7FE00013, "OF")}


def ramp(dtype: Any = np.uint16, shape: tuple[int, ...] = (11, 14)) -> np.ndarray:
    top = np.iinfo(dtype).max if np.dtype(dtype).kind in "ui" else 900.0
    steps = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    return (steps * (0.999 * top / steps.max())).astype(dtype)


def quiet(make):
    """The function without pydicom's warnings: some of these files break rules on purpose."""

    @functools.wraps(make)
    def made(*args, **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make(*args, **kwargs)

    return made


@quiet
def image(pixels: np.ndarray, *, sop: str = PROCESSING, wide: bool = False, **said: Any) -> Dataset:
    """A data set with these pixels: (rows, columns), or (frames, rows, columns), or (rows, columns, 3)."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = sop, "1846.00012.0099"
    data.Modality = "DX"
    color = pixels.ndim == 3 and pixels.shape[2] == 3
    data.SamplesPerPixel = 3 if color else 1
    data.PhotometricInterpretation = "RGB" if color else "MONOCHROME2"
    if color:
        data.PlanarConfiguration = 0
    if pixels.ndim == 3 and not color:
        data.NumberOfFrames = pixels.shape[0]
    data.Rows, data.Columns = pixels.shape[:2] if color else pixels.shape[-2:]
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in said.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data._pixels, data._wide = pixels, wide
    return data


@quiet
def encoded(data: Dataset, syntax: str = "explicit", *, preamble: bool = True) -> bytes:
    """The bytes of a file."""
    uid = SYNTAXES[syntax]
    pixels, wide = getattr(data, "_pixels", None), getattr(data, "_wide", False)
    if pixels is not None:
        order = ">" if syntax == "big" else "<"
        raw = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        raw += b"\0" * (len(raw) % 2)
        if wide:
            tag, vr = WIDE[pixels.dtype.str[1:]]
            data.add_new(tag, vr, raw)
        elif syntax == "rle":
            frames = pixels if pixels.ndim == 3 and pixels.shape[2] != 3 else pixels[None]
            encoder = pydicom.pixels.get_encoder(RLELossless)
            options = {
                "rows": data.Rows, "columns": data.Columns, "samples_per_pixel": data.SamplesPerPixel, "number_of_frames": 1,
                "bits_allocated": data.BitsAllocated, "bits_stored": data.BitsStored,
                "pixel_representation": data.PixelRepresentation, "photometric_interpretation": data.PhotometricInterpretation,
                **({"planar_configuration": 0} if data.SamplesPerPixel == 3 else {}),
            }  # fmt: skip
            data.PixelData = encapsulate([encoder.encode(frame, **options) for frame in frames])
        elif pixels.dtype.kind == "f":
            keyword = "FloatPixelData" if pixels.dtype.itemsize == 4 else "DoubleFloatPixelData"
            setattr(data, keyword, raw)
        else:
            data.add_new(0x7FE00010, "OB" if pixels.dtype.itemsize == 1 else "OW", raw)
        if syntax == "rle":
            data["PixelData"].VR = "OB"
            data["PixelData"].is_undefined_length = True
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = uid, "1.2.3"
    stream = io.BytesIO()
    plain = Dataset({element.tag: element for element in data})
    plain.file_meta, plain.preamble = meta, bytes(128)
    pydicom.dcmwrite(stream, plain, enforce_file_format=True)
    written = stream.getvalue()
    return written if preamble else written[132:]


def without_meta(data: bytes) -> bytes:
    """The data set alone, as old archives keep it."""
    length = int.from_bytes(data[140:144], "little")
    return data[144 + length :]


def saved(folder: Path, data: Dataset, syntax: str = "explicit", name: str = "a.dcm") -> Path:
    path = folder / name
    path.write_bytes(encoded(data, syntax))
    return path
