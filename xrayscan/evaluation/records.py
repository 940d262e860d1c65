"""One record a scan: what was in it, what was found, how it scored. Every figure is made from these."""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from xrayscan.errors import CorruptScanError
from xrayscan.evaluation.matching import Marks, Region, faint, found, matched
from xrayscan.evaluation.pixels import pixel_counts
from xrayscan.findings import Finding, find, scan_score
from xrayscan.network.anomaly import KINDS, AnomalyMap, Kind, ModelId
from xrayscan.scan import Radiograph
from xrayscan.simulate.packed import BITS

__all__ = ["Maps", "Packed", "Record", "Region", "from_json", "open_packed", "record", "records", "to_json"]

GRID = 0.01  # of packed scans, for a model that has no card to say it [m]


class Maps(Protocol):
    """What can be measured: a model, or any other callable from a radiograph to an anomaly map that has an `id`."""

    id: ModelId

    def __call__(self, radiograph: Radiograph, /) -> AnomalyMap:
        """What does not belong, on the scan's own pixels."""


@dataclass(frozen=True)
class Record:
    """One scan.

    Attributes
    ----------
    kind, load, quantity : str
        Kinds of load are joined by "+".
    score : mapping of str to float
        Scan score of each kind.
    regions : tuple of Region
        Its findings.
    found : mapping of str to tuple of float
        For each kind and each thing that is there, the highest score of a finding that hits it, 0 if none.
    instances : tuple of dict
        The things' kind, label, place, mass [kg], load [g/cm²], contrast and hidden_share.
    reached : mapping of str to tuple of float
        As ``found``, of findings and of fainter regions.
    faint : mapping of str to tuple of float
        Scores of fainter regions where there is nothing; see `xrayscan.evaluation.matching.Faint`.
    pixels : mapping of str to mapping
        Histograms of scores; see `xrayscan.evaluation.pixels.pixel_counts`.
    scan, content : str
        Folder and name of the scan, and the SHA-256 of its files.
    model : mapping of str to str
        "name", "version", "sha256", "calibrated": the kinds whose probabilities are, and "reading": the hash of how scores
        are read.
    vehicle, scanner : str
    lookalikes : tuple of str
    driver : bool
        Whether who drives is seen.
    seconds : float [s]
        The model's time from radiograph to anomaly map.
    unfamiliar : bool or None
        Whether the model said that the scan is unlike what it knows; None of a model that cannot tell.
    """

    kind: str
    load: str
    quantity: str
    score: Mapping[Kind, float]
    regions: tuple[Region, ...]
    found: Mapping[Kind, tuple[float, ...]]
    instances: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    reached: Mapping[Kind, tuple[float, ...]] = field(default_factory=dict)
    faint: Mapping[Kind, tuple[float, ...]] = field(default_factory=dict)
    pixels: Mapping[Kind, Mapping[str, Any]] = field(default_factory=dict)
    scan: str = ""
    content: str = ""
    model: Mapping[str, str] = field(default_factory=dict)
    vehicle: str = ""
    scanner: str = ""
    lookalikes: tuple[str, ...] = ()
    driver: bool = False
    seconds: float = 0.0
    unfamiliar: bool | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two records the same: the scan, its content, and the model with the way its scores are read."""
        return self.scan, self.content, self.model.get("reading", "")


@dataclass(frozen=True, eq=False)
class Packed:
    """A packed scan, opened.

    Attributes
    ----------
    radiograph : Radiograph
        On the grid of the pack.
    marks : Marks
    about : mapping of str to object
        What is in it.
    bits : ndarray of uint8, shape (rows, columns)
    """

    radiograph: Radiograph
    marks: Marks
    about: Mapping[str, Any]
    bits: np.ndarray


def open_packed(path: Path, grid: float = GRID) -> Packed:
    """Open a packed scan and what is said of it.

    Parameters
    ----------
    path : Path
        NAME.npz, with NAME.json beside it.
    grid : float [m]
        Its pixel pitch.

    Raises
    ------
    CorruptScanError
        If either file is missing or is no such file.
    """
    try:
        # numpy leaves a file that is no archive open, if it opened it itself
        with path.open("rb") as file, np.load(file) as held:
            packed = held["packed"].astype(np.float32)
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        bits = packed[4].astype(np.uint8)
        dual = bool((bits & BITS["dual"]).any())
        radiograph = Radiograph(
            packed[: 2 if dual else 1], packed[2] > 0.3, packed[3] > 0.5, (grid, grid),
            energies=("high", "low")[: 2 if dual else 1], quantity=about["quantity"],
        )  # fmt: skip
        return Packed(radiograph, Marks.of(packed, radiograph), about, bits)
    except (OSError, KeyError, IndexError, ValueError, zipfile.BadZipFile) as error:
        raise CorruptScanError(
            f"opening {path} as a packed scan: {error!r}; expected an array of 7 planes and a .json beside it, as "
            "'xrayscan train' writes them into its cache: that command makes again what is missing there; scans of your own "
            "are screened, not evaluated"
        ) from error


def reading(model: ModelId) -> str:
    """Hash of the weights, their calibration and the code that reads their scores: records of another one are not mixed in."""
    import xrayscan.evaluation.matching as matching
    import xrayscan.evaluation.pixels as pixels
    import xrayscan.findings as findings

    own = hashlib.sha256(
        json.dumps(
            [model.name, model.version, model.sha256, sorted(model.calibration.items()), sorted(model.mass_factor.items())]
        ).encode()
    )
    for module in (findings, matching, pixels):
        own.update(Path(str(module.__file__)).read_bytes())
    own.update(Path(__file__).read_bytes())
    return own.hexdigest()[:16]


def name_of(path: Path) -> str:
    """Folder and name of a packed scan, such as "test/000012"."""
    return f"{path.parent.name}/{path.stem}"


def content(path: Path) -> str:
    """Hash of a packed scan's two files; of the first alone where the second is missing."""
    own = hashlib.sha256(path.read_bytes())
    beside = path.with_suffix(".json")
    own.update(beside.read_bytes() if beside.exists() else b"")
    return own.hexdigest()[:16]


def grid_of(model: Maps) -> float:
    """Pixel pitch of the packed scans that a model is measured on [m]."""
    card = getattr(model, "card", None)
    return GRID if card is None else float(card.grid)


def record(path: Path, model: Maps, *, grid: float | None = None) -> Record:
    """Run a model over a packed scan and compare with its truth.

    Parameters
    ----------
    path : Path
    model : Maps
    grid : float or None [m]
        Pixel pitch of the pack; None: the model's own, 10 mm for one without a card.

    Raises
    ------
    CorruptScanError
    """
    grid = grid_of(model) if grid is None else grid
    packed = open_packed(path, grid)
    radiograph, marks, about = packed.radiograph, packed.marks, packed.about
    start = time.perf_counter()
    anomaly = model(radiograph)
    seconds = time.perf_counter() - start
    findings = find(anomaly, radiograph)
    hits = {kind: found(findings, marks, kind) for kind in KINDS}
    best = {kind: tuple(round(score, 6) for score in hits[kind].values()) for kind in KINDS}
    reached, false, pixels = {}, {}, {}
    for kind in KINDS:
        covered = _covered(findings, kind, radiograph.shape)
        fainter = faint(getattr(anomaly, kind), kind, covered, marks, grid**2)
        reached[kind] = tuple(round(max(own, fainter.reached.get(label, 0.0)), 6) for label, own in hits[kind].items())
        false[kind] = fainter.false
        pixels[kind] = pixel_counts(getattr(anomaly, kind), marks.labels[kind], marks.judged(kind), covered)
    return Record(
        about["kind"], about["load"], about["quantity"],
        {kind: round(scan_score(anomaly, radiograph, kind), 7) for kind in KINDS},
        matched(findings, marks, grid**2 * 10.0), best, tuple(about["instances"]), reached, false, pixels,
        name_of(path), content(path), _said_of(model.id),
        about.get("vehicle", ""), about.get("scanner", ""), tuple(about.get("look-alikes", ())), bool(marks.driver.any()),
        round(seconds, 4), _unfamiliar(anomaly),
    )  # fmt: skip


def _said_of(model: ModelId) -> dict[str, str]:
    said = {"name": model.name, "version": model.version, "sha256": model.sha256, "reading": reading(model)}
    return {**said, "calibrated": " ".join(sorted(model.calibration))}


def _unfamiliar(anomaly: AnomalyMap) -> bool | None:
    return None if anomaly.novelty is None else anomaly.unfamiliar


def _covered(findings: Iterable[Finding], kind: Kind, shape: tuple[int, int]) -> np.ndarray:
    covered = np.zeros(shape, bool)
    for finding in findings:
        if finding.kind == kind:
            covered[finding.box.slices] |= finding.mask
    return covered


def records(folder: Path, model: Maps) -> Iterator[Record]:
    """Records of every packed scan of a folder, in order."""
    for path in sorted(folder.glob("*.npz")):
        yield record(path, model)


def to_json(rows: Iterable[Record]) -> str:
    """Records as JSON Lines.

    Examples
    --------
    >>> row = Record("clean", "empty", "counts", {"person": 0.1}, (), {})
    >>> from_json(to_json([row])) == (row,)
    True
    """
    return "".join(json.dumps(asdict(row), separators=(",", ":")) + "\n" for row in rows)


def from_json(text: str) -> tuple[Record, ...]:
    """The records of JSON Lines.

    Raises
    ------
    ValueError, TypeError, KeyError
        If a line is no record.
    """
    rows = []
    for line in text.splitlines():
        held = json.loads(line)
        for name in ("found", "reached", "faint"):
            held[name] = {kind: tuple(scores) for kind, scores in held[name].items()}
        for name in ("instances", "lookalikes"):
            held[name] = tuple(held[name])
        held["regions"] = tuple(_region(region) for region in held["regions"])
        rows.append(Record(**held))
    return tuple(rows)


def _region(held: Mapping[str, Any]) -> Region:
    tuples = {name: tuple(held[name]) if held[name] else None for name in ("interval", "box")}
    return Region(**{**held, **tuples})
