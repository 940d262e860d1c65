"""A screener without a model: what a file says decides what happens. Importable by worker processes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import xrayscan
from xrayscan.errors import CorruptScanError, UnknownModelError
from xrayscan.explain.attribution import METHODS
from xrayscan.report.record import SCHEMA_VERSION
from xrayscan.zoo import ModelCard

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090"
    "7753de0000000c4944415408d763606060000000040001a3f2b1d30000000049454e44ae426082"
)


def card(name: str = "fake", weights: str = "weights") -> ModelCard:
    return ModelCard(
        name=name,
        version="1",
        folder=Path("fake"),
        created="2026-01-01",
        recipe="none",
        revision="0" * 40,
        seed=0,
        grid=0.01,
        sha256=MappingProxyType({"model.onnx": hashlib.sha256(weights.encode()).hexdigest()}),
        thresholds=MappingProxyType({0.01: 0.5, 0.05: 0.3}),
        thresholds_set_on="nothing",
        calibration=MappingProxyType({}),
        mass_factor={},
        figures=MappingProxyType({}),
    )


FINDING = {"id": "P1", "kind": "person", "method": METHODS["score"], "faithfulness": None}


@dataclass
class FakeReport:
    content: dict[str, Any]

    def save(self, folder: Path) -> Path:
        partial = folder.parent / f".partial-{folder.name}-{os.getpid()}"
        partial.mkdir(parents=True)
        (partial / "report.html").write_text("<p>report</p>", encoding="utf-8")
        (partial / "overlay.png").write_bytes(PIXEL)
        if delay := os.environ.get("FAKE_SAVE_SECONDS"):
            time.sleep(float(delay))
        (partial / "report.json").write_text(json.dumps(self.content), encoding="utf-8")
        if folder.exists():
            (folder / "report.json").unlink(missing_ok=True)
            for file in partial.iterdir():
                os.replace(file, folder / file.name)
            partial.rmdir()
        else:
            os.rename(partial, folder)
        return folder


class FakeScreener:
    """Files say "score 0.7", "corrupt", "fault", "memory", "die", "interrupt" or "once FILE": die if FILE is not there yet."""

    def __init__(self, weights: str, rate: float) -> None:
        self.card = card(weights=weights)
        self._rate = rate

    def __call__(self, path: Path) -> FakeReport:
        log = os.environ.get("FAKE_LOG")
        if log:
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"{path.name}\n")
        if delay := os.environ.get("FAKE_SECONDS"):
            time.sleep(float(delay))
        data = path.read_bytes()
        word, _, rest = data.decode("utf-8", "replace").strip().partition(" ")
        self._misbehave(path, word, rest)
        return FakeReport(
            {
                "schema_version": SCHEMA_VERSION,
                "acquired_at": None,
                "source": {
                    "path": str(path).encode("utf-8", "backslashreplace").decode(),
                    "sha256": hashlib.sha256(data).hexdigest(),
                },
                "score": float(rest),
                "priority": "high" if float(rest) >= 0.5 else "low",
                "inspected": 0.75,
                "opaque_fraction": 0.25,
                "persons": {"low": 0, "high": 1},
                "novelty": None,
                "findings": [{**FINDING, "probability": float(rest)}] if float(rest) >= 0.5 else [],
                "warnings": ["pitch estimated"],
                "model": {"name": "fake", "version": "1", "sha256": self.card.sha256["model.onnx"]},
                "threshold": self.card.threshold(0.01),
                "versions": {"xrayscan": xrayscan.__version__},
                "false_alarm_rate": self._rate,
            }
        )

    def _misbehave(self, path: Path, word: str, rest: str) -> None:
        if word == "die" or (word == "once" and not Path(rest).exists()):
            if word == "once":
                Path(rest).touch()
            os._exit(9)
        if word == "once":
            raise CorruptScanError(f"reading {path}: alive this time, but corrupt; scan again")
        if word == "memory":
            raise MemoryError
        if word == "interrupt":
            raise KeyboardInterrupt("Ctrl-C was pressed")
        if word == "fault":
            raise ZeroDivisionError("division by zero")
        if word != "score":
            raise CorruptScanError(f"reading {path}: no score in it; scan again")


@dataclass(frozen=True)
class FakeFactory:
    weights: str = "weights"
    rate: float = 0.01
    broken: str = ""
    main_process: int = 0

    def __call__(self) -> FakeScreener:
        elsewhere = os.getpid() != self.main_process
        if self.broken == "unknown":
            raise UnknownModelError("there is no model 'x'; shipped are small", available=("small",))
        if self.broken == "raises in worker" and elsewhere:
            raise UnknownModelError("there is no model 'y'; shipped are small", available=("small",))
        if self.broken == "dies in worker" and elsewhere:
            os._exit(3)
        return FakeScreener(self.weights, self.rate)


@dataclass(frozen=True)
class Elsewhere:
    """Makes another screener in the actors than here."""

    here: int
    breaks: bool = False

    def __call__(self) -> FakeScreener:
        if os.getpid() == self.here:
            return FakeScreener("weights", 0.01)
        if self.breaks:
            raise RuntimeError("no such processor")
        return FakeScreener("other weights", 0.01)
