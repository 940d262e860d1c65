"""What a vendor's host computed, held against the golden vectors of its bundle; and the bundle against its hashes."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from xrayscan.errors import ModelError
from xrayscan.export.bundle import DESCRIPTION, FORMAT, SUMS

__all__ = ["Compared", "compare", "damages"]

Outcome = Literal["agrees", "differs", "missing"]
_NPY_HEADER = 4096  # bytes; more than any that NumPy writes for an array of numbers
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_MOST_NUMBERS = 2**26


@dataclass(frozen=True)
class Compared:
    """One step of one case: whether the host's numbers agree.

    Attributes
    ----------
    case, step : str
    outcome : {"agrees", "differs", "missing"}
    text : str
        How much they differ, where, and what may be the cause.
    """

    case: str
    step: str
    outcome: Outcome
    text: str

    def __str__(self) -> str:
        return f"{self.case}, {self.step}: {self.outcome}: {self.text}"


def damages(bundle: Path) -> tuple[str, ...]:
    """Files of a bundle that are not what was written, each with what is wrong; empty if all are.

    Raises
    ------
    ModelError
        If it has no list of hashes, or one that can not be read.
    """
    try:
        lines = (bundle / SUMS).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError) as error:
        raise ModelError(
            f"checking the bundle {bundle}: it has no {SUMS} that can be read; pass a folder that xrayscan export wrote"
        ) from error
    found = []
    for line in lines:
        digest, _, name = line.partition("  ")
        path = bundle / name
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not path.resolve().is_relative_to(bundle.resolve()):
            raise ModelError(f"checking the bundle {bundle}: {SUMS} holds {line[:80]!r}; copy the whole folder again")
        if not path.is_file():
            found.append(f"{name} is missing; copy the whole folder again")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found.append(f"{name} is not the file that was written (its SHA-256 differs); copy the whole folder again")
    return tuple(found)


def compare(bundle: Path, results: Path) -> tuple[Compared, ...]:
    """What a host wrote, ``RESULTS/CASE/STEP.f32`` or ``.npy``, against the golden vectors, step by step.

    Parameters
    ----------
    bundle, results : Path

    Returns
    -------
    tuple of Compared
        Every step of every case, in their order.

    Raises
    ------
    ModelError
        If the bundle can not be read.
    NotADirectoryError
        If there are no results.
    """
    golden = _golden(bundle)
    if not results.is_dir():
        raise NotADirectoryError(f"checking against {bundle}: {results} is no folder; pass the one that the host wrote")
    return tuple(
        _compared(bundle / "golden" / case["name"], results / case["name"], case, step)
        for case in golden["cases"]
        for step in golden["steps"]
    )


def _golden(bundle: Path) -> Any:
    try:
        described = json.loads((bundle / DESCRIPTION).read_text(encoding="utf-8"))
        form, golden = described["format"], described["golden"]
        names = [one["name"] for one in (*golden["cases"], *golden["steps"])]
        _ = [case["shapes"][step["name"]] for case in golden["cases"] for step in golden["steps"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"checking the bundle {bundle}: its {DESCRIPTION} can not be read ({error!r}); "
            "pass a folder that xrayscan export wrote"
        ) from error
    if form != FORMAT or not all(_NAME.fullmatch(name) for name in names):
        raise ModelError(f"checking the bundle {bundle}: it is of format {form!r}; this version reads format {FORMAT}")
    return golden


def _compared(expected_in: Path, found_in: Path, case: Mapping[str, Any], step: Mapping[str, Any]) -> Compared:
    name, shape = step["name"], tuple(case["shapes"][step["name"]])
    expected = _read(expected_in / f"{name}.f32", shape)
    if isinstance(expected, str):
        raise ModelError(f"checking against {expected_in}: {expected}; copy the whole bundle again")
    path = next((path for ending in ("f32", "npy") if (path := found_in / f"{name}.{ending}").is_file()), None)
    if path is None:
        return Compared(case["name"], name, "missing", f"write {found_in / name}.f32 ({step['text']})")
    found = _read(path, shape)
    if isinstance(found, str):
        return Compared(case["name"], name, "differs", found)
    apart, wrong = _apart(expected, found, step)
    if not wrong.any():
        return Compared(case["name"], name, "agrees", f"within {apart.max():.1e}")
    hints = "".join(f"; {hint}" for hint in _hints(expected, found, step, _Scene(expected_in, case)))
    return Compared(case["name"], name, "differs", _where(expected, found, step) + hints)


def _apart(expected: np.ndarray, found: np.ndarray, step: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """How far each number is off, infinitely if it is none, and whether that is too far."""
    with np.errstate(invalid="ignore", over="ignore"):
        wide = expected.astype(np.float64)
        apart = np.nan_to_num(np.abs(found.astype(np.float64) - wide), nan=np.inf, posinf=np.inf)
    return apart, np.asarray(apart > step["absolute"] + step["relative"] * np.abs(wide))


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray | str:
    """The numbers in single precision, or what is wrong with the file."""
    count, size = math.prod(shape), path.stat().st_size
    axes = " x ".join(str(length) for length in shape)
    if count > _MOST_NUMBERS:
        return f"{path.name} would be {axes} numbers; no bundle has as many"
    if path.suffix == ".f32":
        if size != 4 * count:
            return f"{path.name} has {size} bytes; expected {4 * count}: {axes} numbers of 4 bytes"
        return np.fromfile(path, "<f4").reshape(shape)
    if size > 8 * count + _NPY_HEADER:
        return f"{path.name} has {size} bytes; expected {axes} numbers"
    try:
        held = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (ValueError, EOFError) as error:
        return f"{path.name} can not be read as a NumPy file: {error}"
    if not isinstance(held, np.ndarray) or held.dtype.kind != "f" or held.shape != shape:
        return (
            f"{path.name} holds {getattr(held, 'dtype', 'an archive')} of shape {getattr(held, 'shape', '')}; expected {shape}"
        )
    return held.astype("<f4")


def _where(expected: np.ndarray, found: np.ndarray, step: Mapping[str, Any]) -> str:
    """How many numbers differ, and the worst of them by its place."""
    apart, wrong = _apart(expected, found, step)
    worst = np.unravel_index(int(np.argmax(np.where(wrong, apart, -1.0))), expected.shape)
    places = [int(index) for index in worst]
    text = f"{int(wrong.sum())} of {wrong.size} numbers differ by more than {step['absolute']:g}"
    if step["relative"]:
        text += f" + {step['relative']:g} of the expected"
    at = f"index {tuple(places)}"
    if step["planes"]:
        planes = wrong.reshape(len(step["planes"]), -1)
        text += ", in " + ", ".join(repr(name) for name, plane in zip(step["planes"], planes, strict=True) if plane.any())
        at = f"plane {step['planes'][places[-3]]!r}, row {places[-2]}, column {places[-1]}"
    return f"{text}; the worst at {at}: {found[worst]:.6g}, expected {expected[worst]:.6g}"


@dataclass(frozen=True)
class _Scene:
    """Where a case's radiograph says nothing, on the planes of a step."""

    folder: Path
    case: Mapping[str, Any]

    def padding(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Which pixels of the padded grid were added; None of what is not on it."""
        if list(shape[-2:]) != self.case["padded_shape"]:
            return None
        added = np.ones(shape[-2:], bool)
        added[: self.case["grid_shape"][0], : self.case["grid_shape"][1]] = False
        return added

    def masked(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """Which pixels of the scan are opaque or not valid; None of what is not on these."""
        valid, opaque = (_read(self.folder / f"{name}.f32", tuple(self.case["shapes"][name])) for name in ("valid", "opaque"))
        if isinstance(valid, str) or isinstance(opaque, str) or shape[-2:] != valid.shape:
            return None
        return np.asarray((valid == 0) | (opaque > 0))


def _hints(expected: np.ndarray, found: np.ndarray, step: Mapping[str, Any], scene: _Scene) -> Iterator[str]:
    """Mistakes that these differences look like."""
    if not _apart(expected, found.byteswap(), step)[1].any():
        yield "the bytes are in big-endian order: write little-endian"
        return
    strange = int((~np.isfinite(found)).sum())
    if strange:
        yield f"{strange} are not finite: pixels that are not valid hold NaN, and are replaced first"
    if expected.ndim < 3:
        return
    turned = found.reshape(*expected.shape[:-2], expected.shape[-1], expected.shape[-2]).swapaxes(-1, -2)
    if not _apart(expected, turned, step)[1].any():
        yield "rows and columns are exchanged: columns are the fastest axis"
    anywhere = _apart(expected, found, step)[1].reshape(-1, *expected.shape[-2:]).any(axis=0)
    padding, masked = scene.padding(expected.shape), scene.masked(expected.shape)
    if padding is not None and not (anywhere & ~padding).any():
        yield "all of them lie in the padding: it repeats the edge, and is not valid"
    elif masked is not None and not (anywhere & ~masked).any():
        yield "all of them lie where the scan is opaque or not valid: there the maps are 0"
