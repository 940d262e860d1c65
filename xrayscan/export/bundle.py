"""A model → a folder that a host embeds without Python: ONNX, exact description, golden vectors, example, hashes."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

import xrayscan
from xrayscan import findings
from xrayscan._onnxruntime import onnx_runtime
from xrayscan.errors import ModelError
from xrayscan.export.golden import GIVEN, STEPS, Case, cases, vectors
from xrayscan.network.anomaly import KINDS, UNFAMILIAR
from xrayscan.network.grid import CHANNELS, DEPTH_FLOOR, DEPTH_LIMIT, MULTIPLE, SHOWN, grid_shape, padded_shape
from xrayscan.network.model import AMOUNTS, Model
from xrayscan.network.novelty import Novelty
from xrayscan.network.runtime import BACKENDS, open_backend
from xrayscan.zoo import ModelCard, load_card

__all__ = ["DESCRIPTION", "FORMAT", "SUMS", "write_bundle"]

FORMAT = 1
DESCRIPTION = "bundle.json"
SUMS = "SHA256SUMS"
NOVELTY_PARTS = ("center", "scale", "axes", "variance", "residual", "known")
CASES = ("name", "energies", "rows", "columns", "row pitch", "column pitch", "grid", "place area", "grid rows", "grid columns",
         "padded rows", "padded columns")  # fmt: skip


def write_bundle(model: str | Path | None, folder: Path) -> str:
    """Write the folder that a host embeds, whole or not at all.

    The same model, written with the same versions on the same kind of processor, gives the same bytes.

    Parameters
    ----------
    model : str, Path or None
        As for `xrayscan.load_model`.
    folder : Path
        New, or empty.

    Returns
    -------
    str
        SHA-256 of the list of all files' hashes: it names the bundle's content.

    Raises
    ------
    FileExistsError
        If the folder holds anything.
    UnknownModelError, WeightsError, ModelError
    """
    card = load_card(model)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"writing a bundle: {folder} is there and is not empty; name a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as making:
        made = Path(making) / "bundle"
        made.mkdir()
        _fill(made, card)
        sums = "".join(f"{digest}  {name}\n" for name, digest in _hashes(made)).encode()
        (made / SUMS).write_bytes(sums)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    return hashlib.sha256(sums).hexdigest()


def _fill(made: Path, card: ModelCard) -> None:
    files = [name for name in BACKENDS.values() if name.endswith(".onnx") and name in card.sha256]
    if BACKENDS["onnx"] not in files:
        raise ModelError(
            f"exporting model {card.name}: its folder holds no {BACKENDS['onnx']}; take a model that was trained here"
        )
    for name in files:
        shutil.copyfile(card.file(name), made / name)
    for name in ("card.toml", "card.md"):
        if (card.folder / name).is_file():
            shutil.copyfile(card.folder / name, made / name)
    (made / "LICENSE").write_bytes(_license())
    example = resources.files("xrayscan.export") / "cpp"
    (made / "cpp").mkdir()
    for source in sorted(example.iterdir(), key=lambda one: one.name):
        (made / "cpp" / source.name).write_bytes(source.read_bytes())
    # One thread: how sums are divided among threads must not reach the last bits of the vectors.
    ready = Model(card, device="cpu", threads=1)
    if ready.known is not None:
        (made / "novelty").mkdir()
        for part in NOVELTY_PARTS:
            _write_array(made / "novelty" / part, getattr(ready.known, part))
    description = _description(card, ready, files) | {"golden": _write_golden(made / "golden", card, ready)}
    (made / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8", newline="\n")
    template = (resources.files("xrayscan.export") / "README.md").read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    (made / "README.md").write_text(environment.from_string(template).render(description), encoding="utf-8", newline="\n")


def _license() -> bytes:
    """The license, from the installed package or the checkout."""
    try:
        parts = metadata.files("xrayscan") or []
    except metadata.PackageNotFoundError:
        parts = []
    installed = [Path(str(part.locate())) for part in parts if part.name == "LICENSE"]
    for path in (*installed, Path(xrayscan.__file__).parents[1] / "LICENSE"):
        if path.is_file():
            return path.read_bytes()
    raise FileNotFoundError("exporting a model: the package has no LICENSE to put beside it; reinstall xrayscan")


def _hashes(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file's name and SHA-256, in the order of the names."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()


def _write_array(stem: Path, array: np.ndarray) -> None:
    """The same values twice: raw, and as a NumPy file that carries its shape."""
    values = np.ascontiguousarray(array, "<f4")
    stem.with_suffix(".f32").write_bytes(values.tobytes())
    held = io.BytesIO()
    np.save(held, values, allow_pickle=False)
    stem.with_suffix(".npy").write_bytes(held.getvalue())


def _write_golden(folder: Path, card: ModelCard, model: Model) -> dict[str, Any]:
    """The golden vectors of every case, and what is to be said of them."""
    run = open_backend(card, "onnx", "cpu", threads=1)
    told, lines = [], ["\t".join(CASES).replace(" ", "_")]
    for case in cases(card.grid):
        made = vectors(model, run, case.radiograph)
        (folder / case.name).mkdir(parents=True)
        for name, array in made.items():
            _write_array(folder / case.name / name, array)
        told.append(_told(case, made, card.grid))
        lines.append("\t".join(str(value) for value in _line(case, card)))
    (folder / "cases.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    there = told[0]["shapes"]
    steps = [
        {
            "name": step.name,
            "text": step.text,
            "planes": list(step.planes),
            "absolute": step.absolute,
            "relative": step.relative,
        }
        for step in STEPS
        if step.name in there
    ]
    return {"dtype": "float32, little-endian, last axis fastest", "given": list(GIVEN), "steps": steps, "cases": told}


def _line(case: Case, card: ModelCard) -> tuple[Any, ...]:
    radiograph = case.radiograph
    shape = grid_shape(radiograph, card.grid)
    known = *radiograph.shape, *radiograph.pixel_pitch, card.grid, card.score_area
    sizes = len(radiograph.energies), *known, *shape, *padded_shape(shape)
    return case.name, *sizes


def _told(case: Case, made: Mapping[str, np.ndarray], grid: float) -> dict[str, Any]:
    shape = grid_shape(case.radiograph, grid)
    return {
        "name": case.name,
        "energies": list(case.radiograph.energies),
        "pixel_pitch_m": list(case.radiograph.pixel_pitch),
        "grid_shape": list(shape),
        "padded_shape": list(padded_shape(shape)),
        "shapes": {name: list(array.shape) for name, array in made.items()},
    }


def _description(card: ModelCard, model: Model, files: list[str]) -> dict[str, Any]:
    """What a host must know, but for the golden vectors; `README.md` says the same in words."""
    return {
        "format": FORMAT,
        "made_with": {"xrayscan": xrayscan.__version__, "onnxruntime": onnx_runtime().__version__},
        "model": {
            "name": card.name,
            "version": card.version,
            "created": card.created,
            "revision": card.revision,
            "license": "Apache-2.0",
            "files": {name: card.sha256[name] for name in files},
        },
        "network": {
            "channels": list(CHANNELS),
            "display": SHOWN if card.tells_display else 0.0,
            "planes": [*KINDS, *AMOUNTS],
            "multiple": MULTIPLE,
            "reach_px": model.reach,
        },
        "preprocessing": {"grid_m": card.grid, "optical_depth_limits": [DEPTH_FLOOR, DEPTH_LIMIT]},
        "postprocessing": {
            "places": {"edge": findings.SHADE, "area_m2": card.score_area, "least_m2": findings.CORE},
            "thresholds": [{"false_alarm_rate": rate, "scan_score": card.thresholds[rate]} for rate in sorted(card.thresholds)],
            "thresholds_set_on": card.thresholds_set_on,
            "regions": {
                "edge": findings.EDGE,
                "core_m2": findings.CORE,
                "peak": findings.PEAK,
                "smallest_m2": dict(findings.SMALLEST),
                "faintest_g_cm2": findings.FAINTEST,
                "least_probability": findings.LEAST,
            },
            "calibration": {kind: {"slope": a, "intercept": b} for kind, (a, b) in card.calibration.items()},
            "probabilities_set_on": card.probabilities_set_on,
            "mass_factor": {kind: {"low": min(a, 1.0), "high": max(b, 1.0)} for kind, (a, b) in card.mass_factor.items()},
            "mass_factor_unmeasured": {"low": findings.UNMEASURED[0], "high": findings.UNMEASURED[1]},
        },
        "novelty": None if model.known is None else _known(model.known),
    }


def _known(known: Novelty) -> dict[str, Any]:
    shapes = {part: list(getattr(known, part).shape) for part in NOVELTY_PARTS}
    return {"unfamiliar_from": 1.0 - UNFAMILIAR, "shapes": shapes}
