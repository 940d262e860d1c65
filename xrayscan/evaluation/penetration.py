"""The person-penetration curve: how often a seated adult is found, against the areal density of the load around.

Staged scenes say it without anything else changing: a 20 ft container with even goods, in two walls of boxes along an aisle in
which one adult sits or nobody, on a shelf so high that every ray through the person passes both walls; the areal density of the
two together is drawn evenly, the scanner from a preset. Each scene is scanned twice with the same noise, with the person and
without. The threshold is set on the scans without. Beside it stands the ideal observer (`xrayscan.evaluation.observer`), the
physical limit. Simulated, and to be read as such.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.evaluation import observer
from xrayscan.findings import place_scores
from xrayscan.network import AnomalyMap
from xrayscan.normalize import normalize
from xrayscan.scan import Radiograph
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.body import Body, body_size, body_solids, draw_body, library
from xrayscan.simulate.delivery import DeliveryPlan, deliver
from xrayscan.simulate.detector import measure
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.render import Areal, Hidden, render
from xrayscan.simulate.scanner import Scanner, draw_scanner
from xrayscan.simulate.solid import Room, Solid, box
from xrayscan.simulate.vehicles.container import SIZES, dry
from xrayscan.simulate.vehicles.vehicle import assembled
from xrayscan.simulate.view import draw_fan

__all__ = ["FARTHEST", "GOODS", "Look", "Plan", "Stage", "look", "looks", "stage"]

Detector = Callable[[Radiograph], AnomalyMap]

GOODS = {"cartons": "cellulose", "water": "water", "steel": "steel"}
"""Goods of the staged scenes → material."""

SEATED = ("sitting, legs out", "sitting, hugging knees", "sitting, head on knees", "sitting cross-legged")
SHELF = 0.03  # thickness of what the person sits on [m]
FOOT = 0.05  # above the floor, where the lowest ray through the person may leave the goods [m]
EASE = 0.04  # free space across the aisle, more than the person is deep [m]
FARTHEST = tuple(range(0, 451, 25))  # loads at which the limit is computed; the beam's tables end at 500 [g/cm²]


@dataclass(frozen=True)
class Plan:
    """Which scenes are staged. The first n of a longer plan are the scenes of a shorter one.

    Attributes
    ----------
    seed : int
    goods : tuple of str
        Of `GOODS`.
    scanners : tuple of str
        Presets of `xrayscan.simulate.scanner.PRESETS`.
    most : float [g/cm²]
        Largest areal density of the goods.
    pitch : float [m]
        Row and column pitch in the middle of the load.

    Raises
    ------
    RecipeError
    """

    seed: int = 20261124
    goods: tuple[str, ...] = ("cartons", "steel")
    scanners: tuple[str, ...] = ("mobile 3 MV", "portal 4.5 MV", "gantry 6/4 MV", "fixed 9/6 MV")
    most: float = 200.0
    pitch: float = 0.01

    def __post_init__(self) -> None:
        for name in self.goods:
            if name not in GOODS:
                raise RecipeError(f"a penetration curve through {name!r} was asked for; known goods are {', '.join(GOODS)}")
        if not self.goods or not self.scanners:
            raise RecipeError("a penetration curve was asked for without goods or without scanners; name at least one of each")
        if not 0 < self.most <= 400:
            raise RecipeError(f"a penetration curve up to {self.most:g} g/cm² was asked for; expected 1 to 400")


@dataclass(frozen=True, eq=False)
class Stage:
    """One scene, with a person and without.

    Attributes
    ----------
    goods : str
    scanner : Scanner
    body : Body
    fan : Fan
    fixed, load : tuple of Solid
    person : Hidden
    rng_seed : tuple of int
        Of the detector's noise, the same for both scans.
    """

    goods: str
    scanner: Scanner
    body: Body
    fan: Fan
    fixed: tuple[Solid, ...]
    load: tuple[Solid, ...]
    person: Hidden
    rng_seed: tuple[int, ...]

    @cached_property
    def _holding(self) -> Areal:
        return render(self.fan, self.fixed, self.load, [self.person])

    @cached_property
    def _without(self) -> Areal:
        return render(self.fan, self.fixed, self.load)

    def areal(self, person: bool) -> Areal:
        """What the rays pass through."""
        return self._holding if person else self._without

    @property
    def added(self) -> np.ndarray:
        """The person's own areal density, shape (rows, columns) of the whole scan [g/cm²]."""
        patch = self._holding.patches[0]
        whole = np.zeros(self.fan.shape, np.float32)
        whole[patch.window.slices] = patch.added.numpy(force=True)
        return whole

    def radiograph(self, person: bool) -> Radiograph:
        """What the scanner delivers, normalized; its pitch as stated."""
        areal = self.areal(person)
        beams = [Beam(e, self.scanner.filter_iron, self.scanner.detector.crystal_depth) for e in self.scanner.endpoints]
        depth = np.stack([optical_depth(beam, areal.water, areal.iron).numpy(force=True) for beam in beams])
        measured = measure(np.random.default_rng(self.rng_seed), self.scanner, np.maximum(depth, 0.0), self.fan.pitch)
        scan = deliver(DeliveryPlan("counts"), measured, self.fan.pitch).scan
        return replace(normalize(scan, without=("sway",)), pixel_pitch=self.fan.pitch)

    def detectability(self) -> float:
        """d′ of the ideal observer, who knows this very scene; photon noise only."""
        beam = self.scanner, self.fan.pitch
        without, holding = self.areal(False), self.areal(True)
        through, scattered = observer.expected(beam[0], without.water, without.iron, beam[1])
        behind, _ = observer.expected(beam[0], holding.water, holding.iron, beam[1])
        variance = observer.photon_variance((through + behind) / 2 + scattered, observer.photons(*beam))
        return observer.detectability(through, behind, variance)


def stage(plan: Plan, index: int) -> Stage:
    """Draw a scene of a plan.

    Parameters
    ----------
    plan : Plan
    index : int
        Goods and scanners take turns with it.

    Returns
    -------
    Stage
    """
    goods = plan.goods[index % len(plan.goods)]
    preset = plan.scanners[index // len(plan.goods) % len(plan.scanners)]
    turn, pair = divmod(index, len(plan.goods) * len(plan.scanners))
    rng = np.random.default_rng((plan.seed, index))
    # Multiples of the golden ratio fill the range evenly, however many there are; each pair starts elsewhere.
    areal = plan.most * ((0.618034 * turn + np.random.default_rng((plan.seed, pair, 2)).random()) % 1.0)
    scanner = draw_scanner(rng, preset)
    vehicle = assembled("20 ft dry", [dry(rng, SIZES["20 ft"])])
    room = vehicle.rooms[0]
    body = _adult(rng)
    length, depth, height = body_size(body)
    middle = float(rng.uniform(room.y0 + 0.3 + depth / 2, room.y1 - 0.3 - depth / 2))
    aisle = replace(room, y0=middle - (depth + EASE) / 2, y1=middle + (depth + EASE) / 2)
    x0, x1, z0, z1 = vehicle.extent
    fan = draw_fan(rng, scanner, Room(x0, x1, room.y0 - 0.05, room.y1 + 0.05, z0, z1), (plan.pitch, plan.pitch))
    floor = _high_enough(fan, room, middle)
    floor += float(rng.uniform(0.0, 1.0)) * max(0.0, min(0.3, 0.75 * room.z1 - height - floor))
    shelf = box((room.x0, aisle.y0, floor - SHELF), (room.x1, aisle.y1, floor), "wood", 0.6)
    load = _walls(rng, replace(room, z1=0.98 * room.z1), aisle, GOODS[goods], areal)
    at = (float(rng.uniform(room.x0 + length / 2, room.x1 - length / 2)), middle, floor)
    person = Hidden("person", body.posture, body_solids(body, at))
    return Stage(goods, scanner, body, fan, vehicle.solids, (*load, shelf), person, (plan.seed, index, 1))


def _high_enough(fan: Fan, room: Room, y: float) -> float:
    """Height from which every ray through somebody at depth ``y`` passes both walls of goods, and none below their feet [m]."""
    near, here, far = (fan.source_distance + side for side in (room.y0, y, room.y1))
    height = fan.source_height
    lowest = [height + (FOOT - height) * here / side for side in (near, far)]
    return float(max(SHELF, *lowest) + abs(fan.lift).max())


def _adult(rng: np.random.Generator) -> Body:
    grown = [number for number, one in enumerate(library().people) if one["age"] in ("adult", "old")]
    return draw_body(rng, str(rng.choice(SEATED)), people=grown)


def _walls(rng: np.random.Generator, room: Room, aisle: Room, material: str, areal: float) -> list[Solid]:
    """Boxes before and behind an aisle, which together have an areal density [g/cm²]; none is quite like the other."""
    parts = [(room.y0, aisle.y0), (aisle.y1, room.y1)]
    density = areal / 100.0 / sum(y1 - y0 for y0, y1 in parts)  # g/cm³
    found = []
    for y0, y1 in parts:
        long, high = rng.uniform(0.35, 0.8), rng.uniform(0.25, 0.6)
        spread = rng.uniform(0.0, 0.08)
        xs = np.linspace(room.x0, room.x1, max(2, round((room.x1 - room.x0) / long)) + 1)
        zs = np.linspace(room.z0, room.z1, max(2, round((room.z1 - room.z0) / high)) + 1)
        for left, right in pairwise(xs):
            for low, up in pairwise(zs):
                gap = rng.uniform(0.0, 0.012, 2)
                own = density * float(np.clip(1.0 + spread * rng.standard_normal(), 0.7, 1.3))
                upper = (float(right - gap[0]), y1, float(up - gap[1]))
                found.append(box((float(left), y0, float(low)), upper, material, own))
    return found


@dataclass(frozen=True)
class Look:
    """What detectors said of one scene.

    Attributes
    ----------
    index : int
    goods, scanner : str
        The scanner's preset.
    endpoint : float [MV]
    load : float [g/cm²]
        Mean areal density of everything else over the person.
    mass : float [kg]
        Of the body.
    d_prime : float
        Of the ideal observer on this scene.
    limit : tuple of float
        d′ behind even goods of `FARTHEST`.
    scores : mapping of str to (float, float)
        Detector → highest score anywhere in the scan without the person, and at the person's place in the scan with.
    """

    index: int
    goods: str
    scanner: str
    endpoint: float
    load: float
    mass: float
    d_prime: float
    limit: tuple[float, ...]
    scores: Mapping[str, tuple[float, float]]

    @classmethod
    def from_json(cls, text: str) -> Look:
        """The look that ``json.dumps(asdict(look))`` wrote."""
        values = json.loads(text)
        scores = {name: (float(a), float(b)) for name, (a, b) in values["scores"].items()}
        return cls(**{**values, "limit": tuple(values["limit"]), "scores": scores})


def look(detectors: Mapping[str, Detector], plan: Plan, index: int) -> Look:
    """Stage a scene and show it to detectors, without the person and with.

    Parameters
    ----------
    detectors : mapping of str to callable
        Name → a radiograph's `AnomalyMap`.
    plan : Plan
    index : int

    Returns
    -------
    Look
    """
    scene = stage(plan, index)
    added = scene.added
    here = added > 1.0
    total = (scene.areal(False).water + scene.areal(False).iron).numpy(force=True)
    pair = scene.radiograph(person=False), scene.radiograph(person=True)
    anywhere = np.ones(here.shape, bool)
    scores = {
        name: (_score(detector(pair[0]), pair[0], anywhere), _score(detector(pair[1]), pair[1], here))
        for name, detector in detectors.items()
    }
    rows, columns = np.flatnonzero(here.any(1)), np.flatnonzero(here.any(0))
    window = added[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    limits = observer.limit(scene.scanner, window, GOODS[scene.goods], FARTHEST, scene.fan.pitch)
    return Look(
        index, scene.goods, scene.scanner.name, scene.scanner.endpoints[0], float(total[here].mean()), scene.body.mass,
        scene.detectability(), tuple(float(d) for d in limits), scores,
    )  # fmt: skip


def _score(anomaly: AnomalyMap, radiograph: Radiograph, where: np.ndarray) -> float:
    """The scan score of `xrayscan.findings.scan_score`, as if nothing but some pixels were looked at."""
    return float(place_scores(anomaly, radiograph)[where].max())


def looks(
    detectors: Mapping[str, Detector],
    scans: int,
    folder: Path | None = None,
    plan: Plan | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> list[Look]:
    """Looks at the first scenes of a plan; stopped anywhere, the same call goes on from there.

    Parameters
    ----------
    detectors : mapping of str to callable
    scans : int
        Number of scenes, each scanned without and with the person.
    folder : Path or None
        Where the looks are kept as ``looks.jsonl``, with their plan; None keeps nothing.
    plan : Plan or None
    note : callable
        Told what is being done.

    Returns
    -------
    list of Look

    Raises
    ------
    RecipeError
        If the folder holds looks of another plan.
    """
    plan = plan or Plan()
    known = _kept(folder, plan) if folder else {}
    for index in range(scans):
        missing = {name: detector for name, detector in detectors.items() if name not in _scores(known, index)}
        if not missing:
            continue
        fresh = look(missing, plan, index)
        known[index] = replace(fresh, scores={**_scores(known, index), **fresh.scores})
        if folder:
            with (folder / "looks.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(known[index])) + "\n")
        note(f"scene {index + 1} of {scans}: {fresh.goods}, {fresh.scanner}, {fresh.load:.0f} g/cm²")
    return [known[index] for index in range(scans)]


def _scores(known: Mapping[int, Look], index: int) -> Mapping[str, tuple[float, float]]:
    return known[index].scores if index in known else {}


def _kept(folder: Path, plan: Plan) -> dict[int, Look]:
    """Looks that a folder holds; a line that was cut off is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    stated, held = json.dumps(asdict(plan), indent=1), folder / "plan.json"
    if not held.exists():
        held.write_text(stated, encoding="utf-8")
    elif held.read_text(encoding="utf-8") != stated:
        raise RecipeError(f"{folder} holds the looks of another plan, {held.name}; name another folder, or the same plan")
    path, found = folder / "looks.jsonl", {}
    whole = path.read_text(encoding="utf-8").split("\n") if path.exists() else [""]
    for line in whole[:-1]:
        one = Look.from_json(line)
        found[one.index] = one
    if whole[-1]:  # what was cut off must not run into the next line
        path.write_text("".join(line + "\n" for line in whole[:-1]), encoding="utf-8")
    return found
