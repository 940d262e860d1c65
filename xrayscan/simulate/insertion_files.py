"""Scans with insertions as files: in the format that the benign scan came in, with sidecar and truth beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

from xrayscan import io
from xrayscan.errors import RecipeError, XrayscanError
from xrayscan.io import registry, sidecar
from xrayscan.io.reading import opened
from xrayscan.scan import Scan
from xrayscan.simulate.insertion import Insertion

__all__ = ["form_of", "truth_of", "write_insertion"]

_SUFFIXES = {"tiff": (".tif", ".tiff"), "png": (".png",), "npy": (".npy",), "npz": (".npz",), "raw": io.registry.raw.SUFFIXES}
_LINES = ("air", "dark", "bad_pixels")


def form_of(path: Path) -> tuple[str, dict[str, Any]]:
    """Name of the reader that a file's format has, and what its sidecars say."""
    return registry.choose(opened(path))[0], sidecar.find(path)


def write_insertion(insertion: Insertion, origin: Path, stem: Path, seed: int) -> tuple[Path, tuple[str, ...]]:
    """Write the scan, its sidecar and its truth.

    Parameters
    ----------
    insertion : Insertion
    origin : Path
        The benign scan's file.
    stem : Path
        Where to, without a suffix.
    seed : int

    Returns
    -------
    path : Path
        Of the scan.
    notes : tuple of str
        Where the format could not be kept, which one was taken and why.

    Raises
    ------
    RecipeError
        If what was written does not read as what was meant.
    """
    form, settings = form_of(origin)
    kept, notes = _kept_form(form, origin, insertion.scan)
    path = stem.with_name(stem.name + (origin.suffix if kept == form else f".{kept}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    order = tuple(settings.get("energies", ())) if kept in ("tiff", "npy", "raw") else ()
    turned = len(order) > 1 and order[-1] == "high"
    _write_pixels(insertion.scan, path, kept, turned)
    _write_sidecar(insertion.scan, path, kept, turned)
    _check(insertion.scan, path)
    truth = truth_of(insertion, seed) | {"made_from": {"file": origin.name, "sha256": insertion.scan.source.sha256}}
    if notes:
        truth["notes"] = list(notes)
    stem.with_name(f"{stem.name}.truth.json").write_text(json.dumps(truth) + "\n", encoding="utf-8")
    return path, notes


def _kept_form(form: str, origin: Path, scan: Scan) -> tuple[str, tuple[str, ...]]:
    """The format to write in, and why it is another one."""
    if form == "jpeg":
        return "png", ("a JPEG cannot be changed in one place only; written as PNG, all other pixels as they were",)
    if form not in _SUFFIXES:
        return "npz", (f"files of the reader {form!r} cannot be written; written as a NumPy archive, npz",)
    single = scan.view.pixels.shape[0] == 1 and scan.view.pixels.dtype in (np.uint8, np.uint16)
    if form == "png" and not single:
        return "npz", ("a PNG cannot hold these pixels; written as a NumPy archive, npz",)
    if form == "png" and _is_color(origin):
        return "png", ("the picture is in color, which has no scale; written as its gray values",)
    return form, ()


def _is_color(path: Path) -> bool:
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    return image is not None and image.ndim == 3


def _write_pixels(scan: Scan, path: Path, form: str, turned: bool) -> None:
    pixels = scan.view.pixels[::-1] if turned else scan.view.pixels
    if form == "tiff":
        packed = {"compression": "zlib", "compressionargs": {"level": 9}, "predictor": pixels.dtype.kind != "f"}
        with tifffile.TiffWriter(path) as tif:
            for page in pixels:
                tif.write(page, photometric="minisblack", metadata=None, software="xrayscan", **packed)
    elif form == "png":
        done, code = cv2.imencode(".png", pixels[0], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        if not done:
            raise RecipeError(f"writing {path}: OpenCV cannot encode {pixels.shape} of {pixels.dtype} as PNG")
        path.write_bytes(code.tobytes())
    elif form == "npy":
        np.save(path, np.ascontiguousarray(pixels))
    elif form == "raw":
        path.write_bytes(np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tobytes())
    else:
        view, lines = scan.view, scan.calibration
        held: dict[str, Any] = {name: getattr(lines, name) for name in (*_LINES, "saturation")}
        held |= {"pixel_pitch": view.pixel_pitch, "quantity": view.quantity, "energies": np.array(view.energies)}
        with path.open("wb") as stream:
            arrays: dict[str, Any] = {key: np.asarray(value) for key, value in held.items() if value is not None}
            np.savez_compressed(stream, pixels=pixels, **arrays)


def _write_sidecar(scan: Scan, path: Path, form: str, turned: bool) -> None:
    """What the file itself cannot say, in a sidecar; none where there is nothing to say."""
    view, source = scan.view, scan.source
    said: dict[str, Any] = {"vendor": source.vendor, "scanner": source.scanner, "ids": dict(source.ids) or None}
    if scan.acquired_at is not None:
        said["acquired_at"] = scan.acquired_at.isoformat()
    if scan.manifest is not None:
        about = {"goods": list(scan.manifest.goods), "mass": scan.manifest.mass, "empty": scan.manifest.empty}
        said["manifest"] = {key: value for key, value in about.items() if value is not None}
    if form != "npz":
        energies = view.energies[::-1] if turned else view.energies
        said |= {"quantity": view.quantity, "pixel_pitch": view.pixel_pitch and list(view.pixel_pitch)}
        said |= {"energies": list(energies), "saturation": scan.calibration.saturation}
        for name in _LINES:
            line = getattr(scan.calibration, name)
            if line is not None:
                said[name] = f"{path.stem}_{name}.npy"
                np.save(path.with_name(said[name]), np.ascontiguousarray(line[::-1] if turned else line))
    if form == "raw":
        said |= {"rows": view.shape[0], "columns": view.shape[1], "dtype": str(view.pixels.dtype), "byte_order": "little"}
    said = {key: value for key, value in said.items() if value is not None}
    if said:
        lines = "".join(f"{key} = {_toml(value)}\n" for key, value in said.items())
        path.with_name(f"{path.stem}.xrayscan.toml").write_text(lines, encoding="utf-8")


def _toml(value: Any) -> str:
    """A value as TOML: as JSON, but for tables."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def _check(scan: Scan, path: Path) -> None:
    """Read back what was written."""
    try:
        back = io.read(path)
    except XrayscanError as error:
        raise RecipeError(f"writing {path}: it cannot be read back ({error})") from error
    same = np.array_equal(back.view.pixels, scan.view.pixels, equal_nan=scan.view.pixels.dtype.kind == "f")
    if not same or back.view.quantity != scan.view.quantity or back.view.energies != scan.view.energies:
        raise RecipeError(f"writing {path}: it does not read as it was written ({back.view!r} for {scan.view!r})")


def truth_of(insertion: Insertion, seed: int) -> dict[str, Any]:
    """Truth as plain values, in the layout of the simulator's: masks as run lengths, row by row, starting with what is outside.

    Parameters
    ----------
    insertion : Insertion
    seed : int

    Returns
    -------
    dict
        kind, load, seed, shape, instances, masks_run_lengths; and of insertions alone: warnings, plan.
    """
    flat = np.concatenate([[False], insertion.mask.ravel(), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], edges, [insertion.mask.size]])).tolist()
    things = [
        {"kind": "person", "label": p.label, "place": p.place, "box": [p.box.top, p.box.left, p.box.bottom, p.box.right],
         "mass_kg": round(p.mass, 2), "load_g_cm2": round(p.load, 2), "removed_kg": round(p.removed, 2),
         "contrast_to_noise": round(p.contrast, 2), "opaque": round(p.opaque, 3)} for p in insertion.persons
    ]  # fmt: skip
    return {
        "kind": "person",
        "load": "as scanned",
        "seed": seed,
        "shape": list(insertion.mask.shape),
        "instances": things,
        "masks_run_lengths": {"person": runs},
        "warnings": list(insertion.plan.warnings),
        "plan": insertion.plan.record(),
    }
