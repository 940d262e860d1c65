"""Makes the shipped samples: ``python -m xrayscan.simulate.samples OUT``.

A few small scans in the formats and deliveries that scanners have, each with its truth in ``NAME.truth.json`` beside it and what
it was drawn from as ``NAME.record.json``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from xrayscan.simulate.delivery import DeliveryPlan
from xrayscan.simulate.files import write
from xrayscan.simulate.record import Choices, Kind, Record, draw_record
from xrayscan.simulate.run import simulate_delivered

__all__ = ["SAMPLES", "Sample", "make", "record_of"]

PITCH = 0.008  # [m]; coarser than real scanners, so that the samples stay small
SEED = 20261123


@dataclass(frozen=True)
class Sample:
    """One sample.

    Attributes
    ----------
    name : str
        Of the file; its ending says the format.
    seed : int
    kind : str
    preset : str
        Of the scanner.
    delivery : DeliveryPlan
    choices : Choices
    note : str
    """

    name: str
    seed: int
    kind: Kind
    preset: str
    delivery: DeliveryPlan
    choices: Choices
    note: str


def _only(*, vehicle: str, load: str, place: str = "", persons: int = 1) -> Choices:
    shares = tuple(float(k == persons - 1) for k in range(persons))
    return Choices(vehicles=(vehicle,), loads=(load,), places=(place,) if place else (), persons=shares)


COUNTS, NORMALIZED = DeliveryPlan("counts", tells_saturation=True), DeliveryPlan("transmission")
SAMPLES: tuple[Sample, ...] = ()


def record_of(sample: Sample) -> Record:
    """What a sample is drawn from: a drawn scanner of its preset, its own delivery, a pitch that keeps it small."""
    drawn = draw_record((SEED, sample.seed), sample.kind, preset=sample.preset, pitch=PITCH, choices=sample.choices)
    return replace(drawn, delivery=sample.delivery, states_pitch=sample.delivery.delivery != "display")


def make(folder: Path) -> None:
    """Write every sample with its truth and record, and ``index.toml``.

    Parameters
    ----------
    folder : Path
        Made if needed; files of the same names are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# Made by: python -m xrayscan.simulate.samples datasets/samples", ""]
    for sample in SAMPLES:
        delivered, truth = simulate_delivered(record_of(sample))
        path = Path(sample.name)
        write(folder, path.stem, delivered, truth, path.suffix)
        said = {
            "file": sample.name, "holds": sample.kind, "scanner": sample.preset, "vehicle": truth.vehicle, "load": truth.load,
            "note": sample.note,
        }  # fmt: skip
        lines += ["[[samples]]", *(f"{key} = {json.dumps(value)}" for key, value in said.items()), ""]
    (folder / "index.toml").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
