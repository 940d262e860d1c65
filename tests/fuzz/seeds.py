"""Small sound files of every format, whose damage the fuzzers read."""

from __future__ import annotations

import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "io"))

from dicom_files import SYNTAXES, encoded, image
from reference import TABLE, ramp

__all__ = ["Seed", "seeds"]

Seed = dict[str, bytes]
"""Files by name; the first is the scan, the others lie beside it."""


def seeds() -> dict[str, Seed]:
    """The reference table's files, and those that it has no row for: by name."""
    found: dict[str, Seed] = {}
    with tempfile.TemporaryDirectory() as name:
        for number, row in enumerate(TABLE):
            folder = Path(name) / str(number)
            folder.mkdir()
            path = row.make(folder)
            files = {path.name: path.read_bytes()} if path.is_file() else {}
            files.update({p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file() and p != path})
            if files:
                found[f"{number:02d} {row.name}"] = files
    found["sidecar.toml"] = {"a.npy": _npy(ramp()[0]), "a.xrayscan.toml": _SIDECAR, "air.npy": _npy(np.full(37, 60000.0))}
    found["sidecar.json"] = {"a.npy": _npy(ramp()[0]), "a.xrayscan.json": _JSON}
    found["bundle.zip"] = {"a.zip": _bundle()}
    found.update(_hdf5())
    found.update(_dicom())
    return found


_SIDECAR = b"""quantity = "counts"
pixel_pitch = [0.005, 0.004]
endpoints = [6.0]
air = "air.npy"
dark = 400
saturation = 65535
bad_pixels = [3, 17]
acquired_at = 2026-04-12T08:30:00+02:00
[ids]
scan = 412
[manifest]
goods = ["shoes"]
mass = 18200
empty = false
"""
_JSON = (
    b'{"xrayscan": 1, "quantity": "counts", "pixel_pitch": 0.005, "air": [' + b"60000, " * 36 + b'60000], "energies": ["high"]}'
)


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _bundle() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("manifest.toml", 'xrayscan = 1\nscan = "scan.npy"\nair = "air.npy"\npixel_pitch = 0.005\n')
        target.writestr("scan.npy", _npy(ramp()[0]))
        target.writestr("air.npy", _npy(np.full(37, 60000.0)))
    return stream.getvalue()


def _hdf5() -> dict[str, Seed]:
    try:
        import h5py
    except ImportError:
        return {}
    made = {}
    for name, options in (("plain.h5", {}), ("deflate.h5", {"compression": "gzip", "shuffle": True, "chunks": (16, 16)})):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            file.create_dataset("pixels", data=ramp()[0], **options)
            file["air"] = np.full(37, 60000.0)
            file["pixels"].attrs["quantity"] = "counts"
        made[name] = {f"a-{name}": stream.getvalue()}
    return made


def _dicom() -> dict[str, Seed]:
    pixels = ramp()[0]
    made = {f"{name}.dcm": {f"a-{name}.dcm": encoded(image(pixels), name)} for name in SYNTAXES}
    made["wide.dcm"] = {"a-wide.dcm": encoded(image(ramp(np.uint32)[0], wide=True), "explicit")}
    made["frames.dcm"] = {"a-frames.dcm": encoded(image(ramp(np.uint16, 3)), "explicit")}
    return made
