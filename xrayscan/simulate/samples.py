"""Makes the shipped samples: ``python -m xrayscan.simulate.samples OUT``.

A few small scans in the formats and deliveries that scanners have. Beside each lie its truth, ``NAME.truth.json``, and what it
was drawn from, ``NAME.record.json``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from xrayscan.simulate.delivery import DeliveryPlan, Mark
from xrayscan.simulate.files import write
from xrayscan.simulate.record import Choices, Kind, Record, draw_record
from xrayscan.simulate.run import simulate_delivered

__all__ = ["SAMPLES", "Sample", "make", "record_of"]

PITCH = 0.01  # [m]; coarser than real scanners, so that the samples stay small
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


COUNTS = DeliveryPlan("counts", tells_saturation=True)
NORMALIZED = DeliveryPlan("transmission", stripes=0.002)
TWELVE_BITS = DeliveryPlan("transmission", steps=4095, stripes=0.001)
PICTURE = DeliveryPlan("display", curve="gamma", strength=0.5)
JPEG = DeliveryPlan("display", curve="s-shaped", strength=5.0, quality=85)
FALSE_COLOR = DeliveryPlan("display", curve="log", strength=2.5, palette="jet")
INVERTED = DeliveryPlan(
    "display", curve="gamma", strength=0.6, inverted=True, quality=75,
    marks=(Mark("box", (0.2, 0.3, 0.55, 0.42)), Mark("text", (0.02, 0.02, 0.07, 0.35), text="LANE 4  881204")),
)  # fmt: skip

SAMPLES = (
    Sample("01-counts.tif", 401, "person", "mobile 3 MV", COUNTS, _only(vehicle="20 ft dry", load="machine parts in crates"),
           "16-bit TIFF of raw counts with air and dark lines"),
    Sample("02-normalized.tif", 502, "look-alike", "portal 4.5 MV", TWELVE_BITS,
           _only(vehicle="box truck", load="household removal"), "16-bit TIFF, normalized, 12-bit steps, 12 mm pulses"),
    Sample("03-dual-energy.npz", 703, "person", "gantry 6/4 MV", COUNTS, _only(vehicle="20 ft dry", load="fruit in crates"),
           "NumPy archive, two interlaced energies with air and dark"),
    Sample("04-export.png", 604, "person", "gantry 6/4 MV", PICTURE, _only(vehicle="20 ft reefer", load="frozen boxes"),
           "8-bit picture with an unknown curve, pitch not stated"),
    Sample("05-forty-foot.tif", 5, "clean", "portal 4.5 MV", NORMALIZED, _only(vehicle="40 ft dry", load="machine tools"),
           "16-bit TIFF, normalized by the vendor"),
    Sample("06-raw-lines.raw", 706, "void", "mobile 3 MV", COUNTS, _only(vehicle="20 ft dry", load="sacks on the floor"),
           "raw 16-bit counts with a sidecar"),
    Sample("07-export.jpg", 407, "clean", "gantry 6/4 MV", JPEG, _only(vehicle="tank container", load="tank liquid"),
           "8-bit JPEG, pitch not stated"),
    Sample("08-normalized.tif", 808, "density", "mobile 3 MV", NORMALIZED,
           _only(vehicle="20 ft dry", load="cartons on the floor"), "16-bit TIFF, normalized by the vendor"),
    Sample("09-false-color.png", 809, "person", "portal 4.5 MV", FALSE_COLOR, _only(vehicle="box truck", load="textile rolls"),
           "8-bit picture in false color, pitch not stated"),
    Sample("10-inverted.jpg", 310, "look-alike", "gantry 6/4 MV", INVERTED, _only(vehicle="20 ft dry", load="tires in stacks"),
           "8-bit JPEG, inverted, with burnt-in marks"),
    Sample("11-van.tif", 811, "person", "portal 4.5 MV", COUNTS, _only(vehicle="van", load="parcels"),
           "16-bit TIFF of raw counts, a van with its driver"),
    Sample("12-wagon.npz", 412, "clean", "rail 9 MV", COUNTS, _only(vehicle="rail covered wagon", load="sawn timber"),
           "NumPy archive of raw counts, a covered wagon, pulses several columns wide"),
)  # fmt: skip


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
