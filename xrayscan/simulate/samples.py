"""Makes the shipped samples: ``python -m xrayscan.simulate.samples OUT``.

A few small scans in the formats and deliveries that scanners have, each with its truth beside it as ``NAME.truth.json``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

from xrayscan.scan import Scan
from xrayscan.simulate.container import CONTAINERS
from xrayscan.simulate.run import Truth, simulate
from xrayscan.simulate.scanner import Delivery, Scanner
from xrayscan.simulate.scene import Kind

__all__ = ["SAMPLES", "Sample", "make", "scanner_of"]

PITCH = 0.008  # [m]; coarser than real scanners, so that the samples stay small


@dataclass(frozen=True)
class Sample:
    """One sample: file name (its ending says the format), seed, kind, delivery, beams [MeV] and container."""

    name: str
    seed: int
    kind: Kind
    delivery: Delivery
    endpoints: tuple[float, ...]
    container: int
    note: str


SAMPLES = (
    Sample("01-counts.tif", 3, "person", "counts", (6.0,), 0, "16-bit TIFF of raw counts with air and dark lines"),
    Sample("02-normalized.tif", 4, "look-alike", "transmission", (4.5,), 0, "16-bit TIFF, normalized, 12-bit steps"),
    Sample("03-dual-energy.npz", 5, "person", "counts", (6.0, 4.0), 0, "NumPy archive, two energies with air and dark"),
    Sample("04-export.png", 6, "person", "display", (6.0,), 0, "8-bit picture with an unknown curve, pitch not stated"),
    Sample("05-forty-foot.tif", 7, "clean", "transmission", (9.0,), 1, "16-bit TIFF, normalized by the vendor"),
    Sample("06-raw-lines.raw", 8, "void", "counts", (6.0,), 0, "raw 16-bit counts with a sidecar"),
    Sample("07-export.jpg", 9, "clean", "display", (6.0,), 0, "8-bit JPEG, pitch not stated"),
    Sample("08-normalized.tif", 10, "density", "transmission", (6.0,), 0, "16-bit TIFF, normalized by the vendor"),
)


def scanner_of(sample: Sample) -> Scanner:
    """The scanner of a sample: an ordinary one with its beams."""
    return Scanner(
        endpoints=sample.endpoints, quanta=1.5e6, full_scale=58_000.0, dark=400.0, read_noise=4.0, gain_spread=0.06,
        module_step=0.03, pulse_rms=0.003, blur=0.004, scatter=0.002, dead=0.002 if sample.delivery == "counts" else 0.0,
    )  # fmt: skip


def _write(scan: Scan, sample: Sample, folder: Path) -> None:
    path, view, lines = folder / sample.name, scan.view, scan.calibration
    sidecar: dict[str, Any] = {"quantity": view.quantity, "scanner": "xrayscan simulator", "vendor": "xrayscan"}
    if view.pixel_pitch is not None:
        sidecar["pixel_pitch"] = list(view.pixel_pitch)
    if path.suffix == ".tif":
        # Deflate with the horizontal predictor: the smallest lossless form that needs no extra codec.
        tifffile.imwrite(path, view.pixels[0], compression="zlib", compressionargs={"level": 9}, predictor=True, metadata=None)
    elif path.suffix == ".npz":
        about = {"quantity": np.array(view.quantity), "pixel_pitch": np.array(view.pixel_pitch)}
        np.savez_compressed(path, pixels=view.pixels, air=lines.air, dark=lines.dark, **about)  # type: ignore[arg-type]
        return
    elif path.suffix == ".raw":
        view.pixels[0].astype("<u2").tofile(path)
        sidecar |= {"rows": view.shape[0], "columns": view.shape[1], "dtype": "uint16", "byte_order": "little"}
    else:
        best = [cv2.IMWRITE_JPEG_QUALITY, 92] if path.suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 9]
        _, code = cv2.imencode(path.suffix, view.pixels[0], best)
        path.write_bytes(code.tobytes())
        return
    if lines.air is not None and lines.dark is not None:
        for name, line in (("air", lines.air), ("dark", lines.dark)):
            np.save(folder / f"{path.stem}_{name}.npy", line)
            sidecar[name] = f"{path.stem}_{name}.npy"
    (folder / f"{path.stem}.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in sidecar.items()), encoding="utf-8")


def _truth(truth: Truth, sample: Sample) -> dict[str, Any]:
    """Truth as JSON: masks as run lengths, row by row, starting with what is outside."""
    runs = {}
    for kind, mask in truth.masks.items():
        if mask.any():
            flat = np.concatenate([[False], mask.ravel(), [False]])
            edges = np.flatnonzero(flat[1:] != flat[:-1])
            runs[kind] = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    things = [
        {"kind": i.kind, "label": i.label, "place": i.place, "box": [i.box.top, i.box.left, i.box.bottom, i.box.right],
         "mass_kg": round(i.mass, 2), "load_g_cm2": round(i.load, 2)} for i in truth.instances
    ]  # fmt: skip
    shape = list(truth.added.shape)
    return {
        "kind": truth.kind,
        "load": truth.load,
        "seed": sample.seed,
        "shape": shape,
        "instances": things,
        "masks_run_lengths": runs,
    }


def make(folder: Path) -> None:
    """Write every sample with its truth, and ``index.toml``.

    Parameters
    ----------
    folder : Path
        Made if needed; files of the same names are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# Made by: python -m xrayscan.simulate.samples datasets/samples", ""]
    for sample in SAMPLES:
        scan, truth = simulate(
            (20261123, sample.seed), sample.kind, pitch=PITCH, delivery=sample.delivery, scanner=scanner_of(sample),
            container=CONTAINERS[sample.container], state_pitch=sample.delivery != "display",
        )  # fmt: skip
        _write(scan, sample, folder)
        (folder / f"{Path(sample.name).stem}.truth.json").write_text(json.dumps(_truth(truth, sample)) + "\n", encoding="utf-8")
        said = {"file": sample.name, "holds": sample.kind, "load": truth.load, "note": sample.note}
        lines += ["[[samples]]", *(f"{key} = {json.dumps(value)}" for key, value in said.items()), ""]
    (folder / "index.toml").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
