"""A scene: vehicle, load, what is hidden in it and where; built from a record.

Vehicle, load and sites are drawn in the same way for every kind of scene, and a draw without room for its sites is drawn again
for every kind: what a scene holds shows at the site alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.body import Body, body_size, body_solids, draw_body, seat_solids
from xrayscan.simulate.extent import room_of
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.inserts import draw_compartment, draw_insert, draw_void, legitimate_void
from xrayscan.simulate.loads import LOADS, fill
from xrayscan.simulate.lookalike import draw_lookalike
from xrayscan.simulate.places import PLACES, Site, Surroundings, draw_site, largest
from xrayscan.simulate.record import Choices, Record
from xrayscan.simulate.render import Hidden
from xrayscan.simulate.solid import Room, Solid
from xrayscan.simulate.vehicles import Vehicle, draw_vehicle
from xrayscan.simulate.view import draw_fan

__all__ = ["Placed", "Scene", "build"]

ATTEMPTS = 60
NICHE = 0.2  # share of lone persons for whom a narrow place outside of the load is tried first
TOGETHER = 0.7  # share of groups that hide in one place
COMPARTMENT = 0.3  # share of density anomalies that are a hidden compartment
TRIALS = 18  # of a void or an insert in one load
MISSES = 3  # of them that may find no room for a void: another load is drawn sooner than all is tried in such a one
WITHIN = ("among the load", "tight among the load")
Rng = np.random.Generator
Size = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Placed:
    """Something hidden, and what is known of it.

    Attributes
    ----------
    hidden : Hidden
    place : str
    body : Body or None
    """

    hidden: Hidden
    place: str
    body: Body | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that a scan shows, before any ray is traced.

    Attributes
    ----------
    vehicle : Vehicle
    loads : tuple of str
        Kinds of load, room by room.
    load : tuple of Solid
    placed : tuple of Placed
    sites : tuple of Room [m]
        Where something was or could have been hidden.
    fan : Fan
    """

    vehicle: Vehicle
    loads: tuple[str, ...]
    load: tuple[Solid, ...]
    placed: tuple[Placed, ...]
    sites: tuple[Room, ...]
    fan: Fan

    @property
    def fixed(self) -> tuple[Solid, ...]:
        """Vehicle and driver."""
        return (*self.vehicle.solids, *self.vehicle.driver)

    @property
    def hidden(self) -> tuple[Hidden, ...]:
        """What is hidden, in the order of ``placed``."""
        return tuple(placed.hidden for placed in self.placed)


@dataclass(frozen=True, eq=False)
class _Spot:
    """A site and the bodies that fit into it, with where each one's footprint has its middle."""

    site: Site
    bodies: tuple[tuple[Body, tuple[float, float, float]], ...]


def build(record: Record, attempt: int = 0) -> Scene:
    """The scene of a record.

    Parameters
    ----------
    record : Record
    attempt : int
        Which of the scenes that the seed gives: a scene whose void or insert turns out to hide nothing is drawn again.

    Returns
    -------
    Scene

    Raises
    ------
    RecipeError
        If the record's choices leave no room for what it asks for.
    """
    fits = False
    for trial in range(attempt * ATTEMPTS, (attempt + 1) * ATTEMPTS):
        vehicle = draw_vehicle(record.rng("vehicle", trial), record.choices.vehicles or None)
        if not _fits(vehicle, record.choices):
            continue
        fits = True
        names, load = _loaded(record.rng("load", trial), vehicle, record.choices)
        around = Surroundings(vehicle.rooms, tuple(load), vehicle.niches, (), vehicle.room_kind)
        spots = _spots(record.rng("sites", trial), around, record.choices)
        if spots:
            break
    else:
        raise RecipeError(_nowhere(record, fits))
    rng = record.rng("hidden", trial)
    around = replace(around, taken=tuple(spot.site.space for spot in spots))
    gaps, around = _legitimate(rng, around)
    placed = [*gaps, *_furnished(rng, record, around, spots)] if record.hides else gaps
    fan = draw_fan(record.rng("travel", trial), record.scanner, _extent(vehicle), record.pitch)
    return Scene(vehicle, names, tuple(load), tuple(placed), tuple(spot.site.space for spot in spots), fan)


def _nowhere(record: Record, fits: bool) -> str:
    """Why nothing can be drawn from a record's choices."""
    vehicles, loads = ", ".join(record.choices.vehicles) or "any vehicle", ", ".join(record.choices.loads)
    if not fits:
        return f"none of the loads ({loads}) goes into the vehicles ({vehicles}); change one of the two"
    return (
        f"no place to hide was found in {ATTEMPTS} loads of seed {record.seed} ({vehicles}; {loads or 'any load'}); allow more "
        "vehicles, loads, places or postures"
    )


def _fits(vehicle: Vehicle, choices: Choices) -> bool:
    return not choices.loads or any(vehicle.room_kind in LOADS[name].rooms for name in choices.loads)


def _extent(vehicle: Vehicle) -> Room:
    """What has to be seen of a vehicle [m]; across, its load and walls."""
    x0, x1, z0, z1 = vehicle.extent
    half = max(max(-room.y0, room.y1) for room in vehicle.rooms) + 0.05
    return Room(x0 if vehicle.start is None else vehicle.start, x1, -half, half, z0, z1)


def _loaded(rng: Rng, vehicle: Vehicle, choices: Choices) -> tuple[tuple[str, ...], list[Solid]]:
    names: list[str] = []
    solids: list[Solid] = []
    for room in vehicle.rooms:
        kinds, parts = fill(rng, room, allowed=choices.loads or None, room_kind=vehicle.room_kind)
        names += kinds
        solids += parts
    return tuple(names), solids


def _spots(rng: Rng, around: Surroundings, choices: Choices) -> list[_Spot]:
    """Sites for as many bodies as drawn, together or each alone."""
    shares = np.asarray(choices.persons) / sum(choices.persons)
    count = int(rng.choice(len(shares), p=shares)) + 1
    outside = _in_niche(rng, around, choices) if count == 1 and rng.random() < NICHE else None
    if outside is not None:
        return [outside]
    bodies = [draw_body(rng, _posture(rng, choices), people=choices.people) for _ in range(count)]
    if count > 1 and rng.random() < TOGETHER:
        size, offsets = _huddled(rng, bodies)
        site = draw_site(rng, around, size, choices.places or None)
        if site is not None:
            return [_Spot(site, tuple((body, _shifted(site.at, by)) for body, by in zip(bodies, offsets, strict=True)))]
    spots: list[_Spot] = []
    for body in bodies:
        site = draw_site(rng, around, body_size(body), choices.places or None)
        if site is not None:
            spots.append(_Spot(site, ((body, site.at),)))
            around = replace(around, taken=(*around.taken, site.space))
    return spots


def _posture(rng: Rng, choices: Choices) -> str | None:
    return str(rng.choice(choices.postures)) if choices.postures else None


def _in_niche(rng: Rng, around: Surroundings, choices: Choices) -> _Spot | None:
    """A body in a narrow place outside of the load: the place is drawn first, then who fits into it."""
    names = [name for name in choices.places or PLACES if PLACES[name].family == "niche"]
    names = [name for name in names if largest(around, name) is not None]
    if not names:
        return None
    place = str(rng.choice(names))
    try:
        body = draw_body(rng, _posture(rng, choices), largest(around, place), choices.people)
    except RecipeError:
        return None  # nobody is that small
    site = draw_site(rng, around, body_size(body), (place,))
    return None if site is None else _Spot(site, ((body, site.at),))


def _shifted(at: Size, by: tuple[float, float]) -> Size:
    return at[0] + by[0], at[1] + by[1], at[2]


def _huddled(rng: Rng, bodies: list[Body]) -> tuple[Size, list[tuple[float, float]]]:
    """Bodies side by side in one or two rows: size of the group, and where each stands from its middle [m]."""
    sizes = np.array([body_size(body) for body in bodies])
    rows = 2 if len(bodies) > 2 and sizes[:, 1].max() < 0.9 else 1
    along, offsets, lengths, depths = [], [], [], []
    for members in np.array_split(np.arange(len(bodies)), rows):
        gaps = rng.uniform(0.0, 0.12, len(members))
        ends = np.cumsum(sizes[members, 0] + gaps)
        along.append(ends - gaps - sizes[members, 0] / 2 - (ends[-1] - gaps[-1]) / 2)
        lengths.append(ends[-1] - gaps[-1])
        depths.append(sizes[members, 1].max())
    gap = float(rng.uniform(0.0, 0.1))
    depth = sum(depths) + gap * (rows - 1)
    front = -depth / 2
    for places, deep in zip(along, depths, strict=True):
        offsets += [(float(x), front + deep / 2) for x in places]
        front += deep + gap
    return (float(max(lengths)), float(depth), float(sizes[:, 2].max())), offsets


def _legitimate(rng: Rng, around: Surroundings) -> tuple[list[Placed], Surroundings]:
    """Gaps that loads just have, in scenes of every kind; and the surroundings with them taken."""
    found = []
    for _ in range(int(rng.choice([0, 1, 2], p=[0.7, 0.2, 0.1]))):
        holes = legitimate_void(rng, around)
        if holes:
            found.append(Placed(Hidden("gap", "missing goods", hole=tuple(holes)), "load"))
            around = replace(around, taken=(*around.taken, room_of(holes)))
    return found, around


def _furnished(rng: Rng, record: Record, around: Surroundings, spots: list[_Spot]) -> list[Placed]:
    """What goes into the sites for this kind of scene, and look-alikes beside it in scenes of every kind."""
    names = record.choices.lookalikes or None
    placed: list[Placed] = []
    if record.kind == "person":
        for spot in spots:
            placed += _persons(spot)
    elif record.kind == "look-alike":
        for spot in spots:
            placed += _lookalikes(rng, spot, names)
    elif record.kind in ("void", "density"):
        placed += (_void if record.kind == "void" else _insert)(rng, around)
        parts = [part for p in placed for part in (*p.hidden.hole, *p.hidden.cover, *p.hidden.solids)]
        around = replace(around, taken=(*around.taken, room_of(parts))) if parts else around
    for _ in range(int(rng.choice([0, 1, 2], p=[0.7, 0.2, 0.1]))):
        thing = draw_lookalike(rng, names)
        site = draw_site(rng, around, thing.size, record.choices.places or None)
        if site is not None:
            around = replace(around, taken=(*around.taken, site.space))
            placed.append(Placed(Hidden("look-alike", thing.name, thing.solids(site.at), site.hole, site.cover), site.place))
    return placed


def _persons(spot: _Spot) -> list[Placed]:
    """Bodies at a site; hole and cover belong to the first."""
    found = []
    for i, (body, at) in enumerate(spot.bodies):
        hole, cover = (spot.site.hole, spot.site.cover) if i == 0 else ((), ())
        cover = (*cover, *seat_solids(body, at))
        found.append(Placed(Hidden("person", body.posture, body_solids(body, at), hole, cover), spot.site.place, body))
    return found


def _lookalikes(rng: Rng, spot: _Spot, names: tuple[str, ...] | None) -> list[Placed]:
    """Things that fit where bodies would have been, with the same hole and cover."""
    found = []
    for i, (body, at) in enumerate(spot.bodies):
        limit = spot.site.size if len(spot.bodies) == 1 else body_size(body)
        thing = draw_lookalike(rng, names, limit)
        hole, cover = (spot.site.hole, spot.site.cover) if i == 0 else ((), ())
        found.append(Placed(Hidden("look-alike", thing.name, thing.solids(at), hole, cover), spot.site.place))
    return found


def _void(rng: Rng, around: Surroundings) -> list[Placed]:
    """One closed void, if the load has room for one."""
    roomless = 0
    for _ in range(TRIALS):
        site = draw_site(rng, around, draw_void(rng), WITHIN)
        if site is None:
            roomless += 1
            if roomless > MISSES:
                break
        elif site.hole and around.encloses(room_of(site.hole)):
            return [Placed(Hidden("void", "void", (), site.hole, _boards(site)), "load")]
    return []


def _insert(rng: Rng, around: Surroundings) -> list[Placed]:
    """One insert that is much denser or lighter than the load, or a hidden compartment with goods."""
    compartment = rng.random() < COMPARTMENT
    for trial in range(TRIALS):
        if compartment == (trial < TRIALS - 6):  # the other way only where there is no room for the one that was drawn
            found = draw_compartment(rng, around)
            if found is not None:
                return [Placed(Hidden("density", found.label, (*found.cover, *found.solids), found.hole), "compartment")]
        else:
            insert = draw_insert(rng)
            site = draw_site(rng, around, insert.size, WITHIN)
            if site is not None:
                return [Placed(Hidden("density", insert.label, insert.solids(site.at)), "load")]
    return []


def _boards(site: Site) -> tuple[Solid, ...]:
    """Of a site's cover, what carries the load above it: flat and not in the free space."""
    return tuple(solid for solid in site.cover if solid.half[2] < 0.012 and solid.center[2] > site.at[2] + site.size[2])
