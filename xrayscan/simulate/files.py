"""Simulated scans as files: in the formats that scanners deliver, with sidecar, truth and record beside them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

from xrayscan.errors import RecipeError
from xrayscan.scan import Scan
from xrayscan.simulate.delivery import Delivered
from xrayscan.simulate.truth import Truth

__all__ = ["FORMATS", "suffix_for", "write", "write_scan"]

FORMATS = {"counts": (".tif", ".npz", ".raw"), "transmission": (".tif", ".png", ".npz"), "display": (".jpg", ".png")}
"""Endings of the files in which each delivery is written."""
ONE_ENERGY = (".png", ".raw")
SOURCE = {"scanner": "xrayscan simulator", "vendor": "xrayscan"}


def suffix_for(truth: Truth, delivered: Delivered) -> str:
    """Ending of the file in which a scan leaves its scanner, drawn from its record; a JPEG stays one."""
    kind = truth.record.delivery.delivery
    if delivered.encoded is not None:
        return ".jpg"
    if kind == "display":
        return ".png"
    held = FORMATS[kind] if len(delivered.scan.view.pixels) == 1 else [s for s in FORMATS[kind] if s not in ONE_ENERGY]
    return held[int(truth.record.rng("delivery", 1).integers(len(held)))]


def write(folder: Path, name: str, delivered: Delivered, truth: Truth, suffix: str | None = None) -> Path:
    """Write a scan with its truth and its record.

    Parameters
    ----------
    folder : Path
    name : str
        Without ending.
    delivered : Delivered
    truth : Truth
    suffix : str or None
        Ending, which says the format; None: `suffix_for`.

    Returns
    -------
    Path
        Of the scan; ``NAME.truth.json`` and ``NAME.record.json`` lie beside it.
    """
    path = folder / f"{name}{suffix or suffix_for(truth, delivered)}"
    record = folder / f"{name}.record.json"
    record.unlink(missing_ok=True)  # it is written last: where it lies, the scan is whole
    write_scan(path, delivered.scan, color=delivered.color, encoded=delivered.encoded)
    said = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **truth.to_dict()}
    (folder / f"{name}.truth.json").write_text(json.dumps(said) + "\n", encoding="utf-8")
    record.write_text(truth.record.to_json() + "\n", encoding="utf-8")
    return path


def write_scan(path: Path, scan: Scan, *, color: np.ndarray | None = None, encoded: bytes | None = None) -> None:
    """Write a scan in the format that its ending says, with what the file cannot hold in a sidecar.

    Parameters
    ----------
    path : Path
        Ending in ``.tif``, ``.npz``, ``.raw``, ``.png`` or ``.jpg``.
    scan : Scan
    color : ndarray of uint8, shape (rows, columns, 3), or None
        Red, green, blue: instead of gray.
    encoded : bytes or None
        A JPEG file as the scanner wrote it.

    Raises
    ------
    RecipeError
        If the format can not hold the scan.
    """
    view = scan.view
    if path.suffix == ".jpg" and view.quantity != "display":
        raise RecipeError(f"writing {path}: a JPEG holds 8 bits, which {view.quantity} do not fit in; take .tif or .npz")
    if path.suffix in (".png", ".jpg"):
        _write_picture(path, view.pixels, color, encoded)
        if view.quantity == "display" and view.pixel_pitch is None:
            return
    elif path.suffix == ".npz":
        _write_archive(path, scan)
        return
    elif path.suffix == ".tif":
        # Deflate with the horizontal predictor: the smallest lossless form that needs no extra codec.
        for page, image in enumerate(view.pixels):
            tifffile.imwrite(
                path, image, append=page > 0, compression="zlib", compressionargs={"level": 9}, predictor=True, metadata=None
            )
    elif path.suffix == ".raw":
        if view.pixels.shape[0] > 1:
            raise RecipeError(
                f"writing {path}: raw lines hold one energy, the scan has {view.pixels.shape[0]}; take .tif or .npz"
            )
        view.pixels[0].astype("<u2").tofile(path)
    else:
        raise RecipeError(f"writing {path}: unknown ending {path.suffix!r}; expected .tif, .npz, .raw, .png or .jpg")
    _write_sidecar(path, scan)


def _write_picture(path: Path, pixels: np.ndarray, color: np.ndarray | None, encoded: bytes | None) -> None:
    if path.suffix == ".jpg" and encoded is not None:
        path.write_bytes(encoded)
        return
    if len(pixels) > 1 and color is None:
        raise RecipeError(f"writing {path}: a picture holds one energy, the scan has {len(pixels)}; take .tif or .npz")
    image = pixels[0] if color is None else color[..., ::-1]
    best = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 9]
    _, code = cv2.imencode(path.suffix, image, best)
    path.write_bytes(code.tobytes())


def _write_archive(path: Path, scan: Scan) -> None:
    view, lines = scan.view, scan.calibration
    arrays: dict[str, Any] = {"pixels": view.pixels, "quantity": np.array(view.quantity), "energies": np.array(view.energies)}
    said = {"air": lines.air, "dark": lines.dark, "bad_pixels": lines.bad_pixels, "saturation": lines.saturation}
    for name, value in (*said.items(), ("pixel_pitch", view.pixel_pitch), ("endpoints", view.endpoints)):
        if value is not None:
            arrays[name] = np.asarray(value)
    np.savez_compressed(path, **arrays)


def _write_sidecar(path: Path, scan: Scan) -> None:
    view, lines = scan.view, scan.calibration
    sidecar: dict[str, Any] = {"quantity": view.quantity, **SOURCE}
    if view.pixel_pitch is not None:
        sidecar["pixel_pitch"] = [round(value, 7) for value in view.pixel_pitch]
    if len(view.energies) > 1:
        sidecar["energies"] = list(view.energies)
    if view.endpoints is not None:
        sidecar["endpoints"] = list(view.endpoints)
    if path.suffix == ".raw":
        sidecar |= {"rows": view.shape[0], "columns": view.shape[1], "dtype": "uint16", "byte_order": "little"}
    if lines.saturation is not None:
        sidecar["saturation"] = lines.saturation
    for name, line in (("air", lines.air), ("dark", lines.dark), ("bad_pixels", lines.bad_pixels)):
        if line is not None:
            np.save(path.with_name(f"{path.stem}_{name}.npy"), line)
            sidecar[name] = f"{path.stem}_{name}.npy"
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in sidecar.items())
    path.with_name(f"{path.stem}.toml").write_text(text, encoding="utf-8")
