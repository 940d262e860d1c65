"""The shipped models: what a model is, where it lies, and that it is the one its card names.

A model is a folder ``models/NAME`` with ``card.toml`` (this module's `ModelCard`), ``card.md`` (for people),
``model.onnx`` (the runtime's), ``weights.safetensors`` (for training on) and, where it was made with them, ``model-int8.onnx``
(smaller and faster) and ``novelty.npz`` (the scans that it knows).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xrayscan import _resources
from xrayscan.errors import ModelError, UnknownModelError, WeightsError
from xrayscan.network.anomaly import SCORE_AREA

if TYPE_CHECKING:
    from xrayscan.network import Model

__all__ = ["ModelCard", "load_card", "load_model", "models"]


@dataclass(frozen=True, repr=False)
class ModelCard:
    """Everything that is needed to use a weight file rightly.

    Attributes
    ----------
    name, version : str
    folder : Path
        Where the model's files lie.
    created : str
        Date of the training, YYYY-MM-DD.
    recipe, revision, seed
        What made it: the recipe, the git revision and the seed.
    grid : float [m]
        Pixel pitch that the network sees.
    sha256 : mapping of str to str
        Hash of each file that the model runs on.
    thresholds : mapping of float to float
        False-alarm rate (share of clean scans alarmed) → scan score at which it was reached.
    thresholds_set_on : str
        The data and the date of the thresholds.
    calibration : mapping of str to (float, float)
        Kind → (slope, intercept) of the logistic curve from a region's logit score to its probability.
    mass_factor : mapping of str to (float, float)
        Kind → low and high factor of the 90 % interval of an estimated mass, where it was measured.
    figures : mapping of str to object
        What was measured, with intervals and on what.
    score_area : float [m²]
        Over which the score of a place is a mean, at most; see `xrayscan.findings.scan_score`.
    probabilities_set_on : str
        The data and the date of `calibration`, with the number of scans with persons: where fewer hold somebody, a probability
        promises too much. Empty in cards of older versions.
    tells_display : bool
        Whether the network is told that a scan is a display picture, as `xrayscan.network.grid.SHOWN`; older ones are not.
    """

    name: str
    version: str
    folder: Path
    created: str
    recipe: str
    revision: str
    seed: int
    grid: float
    sha256: Mapping[str, str]
    thresholds: Mapping[float, float]
    thresholds_set_on: str
    calibration: Mapping[str, tuple[float, float]]
    mass_factor: Mapping[str, tuple[float, float]]
    figures: Mapping[str, Any]
    score_area: float = SCORE_AREA
    probabilities_set_on: str = ""
    tells_display: bool = False

    @classmethod
    def load(cls, folder: Path) -> ModelCard:
        """Read ``card.toml`` of a model folder.

        Raises
        ------
        ModelError
            If the card is missing, is not TOML or lacks a field.
        """
        path = folder / "card.toml"
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            if "place_m2" not in data and "thresholds" in data:
                raise ModelError(
                    f"reading the model card {path}: its thresholds are levels of a scan score that this version does not "
                    "compute any more; take a model that this version ships, or train or calibrate yours again"
                )
            return cls(
                name=data["name"],
                version=data["version"],
                folder=folder,
                created=data["created"],
                recipe=data["recipe"],
                revision=data["revision"],
                seed=int(data["seed"]),
                grid=float(data["grid_m"]),
                sha256=MappingProxyType(dict(data["sha256"])),
                thresholds=MappingProxyType({float(rate): float(score) for rate, score in data["thresholds"].items()}),
                thresholds_set_on=data["thresholds_set_on"],
                calibration=MappingProxyType({kind: (float(a), float(b)) for kind, (a, b) in data["calibration"].items()}),
                mass_factor=MappingProxyType({kind: (float(a), float(b)) for kind, (a, b) in data["mass_factor"].items()}),
                figures=MappingProxyType(data.get("figures", {})),
                score_area=float(data["place_m2"]),
                probabilities_set_on=str(data.get("probabilities_set_on", "")),
                tells_display=bool(data.get("tells_display", False)),
            )
        except FileNotFoundError as error:
            raise ModelError(f"reading the model in {folder}: it has no card.toml; pass a model folder") from error
        except (KeyError, TypeError, ValueError, tomllib.TOMLDecodeError) as error:
            raise ModelError(f"reading the model card {path}: {error!r}; take a card that this version wrote") from error

    def threshold(self, false_alarm_rate: float) -> float:
        """Scan score at which that share of clean scans was alarmed.

        Raises
        ------
        ModelError
            If the card has no threshold for that rate; rates are never guessed.
        """
        if not isinstance(false_alarm_rate, (int, float)):
            raise TypeError(
                f"the false-alarm rate is {false_alarm_rate!r}; pass a number, such as 0.01 for one scan in a hundred"
            )
        for rate, score in self.thresholds.items():
            if abs(rate - false_alarm_rate) < 1e-9:
                return score
        known = ", ".join(f"{rate:g}" for rate in sorted(self.thresholds))
        raise ModelError(
            f"model {self.name} has no threshold for a false-alarm rate of {false_alarm_rate:g}; it was measured at {known}"
        )

    def file(self, name: str) -> Path:
        """A file of the model, its hash checked.

        Raises
        ------
        WeightsError
            If it is missing or its SHA-256 is not the card's.
        """
        path = self.folder / name
        if name not in self.sha256 or not path.is_file():
            raise WeightsError(f"model {self.name} has no {name} in {self.folder}; reinstall xrayscan or copy the whole folder")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256[name]:
            raise WeightsError(
                f"{path} has SHA-256 {found[:16]}..., its card says {self.sha256[name][:16]}...; "
                "the file is damaged or was replaced: reinstall it"
            )
        return path

    def __reduce__(self) -> tuple[Any, ...]:
        values = [getattr(self, part.name) for part in fields(self)]
        return (ModelCard, tuple(dict(value) if isinstance(value, Mapping) else value for value in values))

    def __repr__(self) -> str:
        return (
            f"ModelCard({self.name} {self.version}, {self.grid * 1e3:g} mm grid, {self.created}, revision {self.revision[:10]})"
        )


def models() -> tuple[str, ...]:
    """Names of the shipped models, the default first."""
    index = tomllib.loads((_resources.root("models") / "index.toml").read_text(encoding="utf-8"))
    return (index["default"], *sorted(name for name in index["models"] if name != index["default"]))


def load_model(
    name: str | Path | None = None, *, backend: str = "onnx", threads: int | None = None, device: str = "auto"
) -> Model:
    """A model, ready to be called with a `Radiograph`.

    Parameters
    ----------
    name : str, Path or None
        A shipped model's name, or the path of a model folder; None is the default model.
    backend : {"onnx", "onnx-int8", "torch"}
        ONNX Runtime needs no extra, in float or, where the model holds it, in int8; torch needs ``xrayscan[train]``.
    threads : int or None
        Threads within one inference; None leaves it to the backend.
    device : {"auto", "cpu", "cuda"}
        "auto" is CUDA where the installed runtime has it (``onnxruntime-gpu`` in the place of ``onnxruntime``) and a device
        answers, else the processor.

    Raises
    ------
    UnknownModelError, WeightsError, ModelError, MissingDependencyError
    """
    from xrayscan.network import Model

    return Model(load_card(name), backend=backend, threads=threads, device=device)


def load_card(name: str | Path | None = None) -> ModelCard:
    """What is known of a model, without loading it.

    Parameters
    ----------
    name : str, Path or None
        As for `load_model`.

    Raises
    ------
    UnknownModelError, ModelError

    Examples
    --------
    >>> load_card().grid
    0.01
    """
    available = models()
    chosen = str(available[0] if name is None else name)
    folder = _resources.root("models") / chosen if chosen in available else Path(chosen)
    if not folder.is_dir():
        raise UnknownModelError(
            f"there is no model {chosen!r}; shipped are {', '.join(available)}, or pass the path of a model folder",
            available=available,
        )
    return ModelCard.load(folder)
