"""The kinds of vehicles, and drawing one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.solid import Room, Solid, cylinder
from xrayscan.simulate.vehicles.chassis import Frame, frame, skeletal, trailer
from xrayscan.simulate.vehicles.container import SIZES, Size, dry, flat_rack, open_top
from xrayscan.simulate.vehicles.parts import STEEL, both_sides, slab, strut
from xrayscan.simulate.vehicles.rail import container_wagon, covered_wagon, hopper_wagon, open_wagon, tank_wagon
from xrayscan.simulate.vehicles.reefer import reefer
from xrayscan.simulate.vehicles.tank import DOME, fittings, tank_container, vessel
from xrayscan.simulate.vehicles.tractor import tractor
from xrayscan.simulate.vehicles.trailer import LOW, box_body, cooled_body, curtain_body
from xrayscan.simulate.vehicles.van import rigid, van
from xrayscan.simulate.vehicles.vehicle import Niche, Unit, Vehicle, VehicleKind, assembled

__all__ = ["VEHICLES", "draw_vehicle"]

Maker = Callable[[np.random.Generator, Size], Unit]


Below = tuple[Sequence[Solid], Sequence[Niche]]


def _towed(rng: np.random.Generator, name: str, units: Sequence[Unit], plan: Frame, below: Below) -> Vehicle:
    """A trailer's bodies and what carries them, with a tractor in two of three; half of these without its cab."""
    solids, niches = below
    if any(niche.name == "under floor" for niche in niches):
        units = [_without(u, "under floor") for u in units]
    if rng.random() > 0.65:
        return assembled(name, units, solids, niches)
    first = [s.center[0] - s.reach[0] for u in units for s in u.solids]
    front = min([plan.x[0] - 0.16, *first])
    pulled = tractor(rng, plan.pin, plan.neck[0] - 0.01, plan.ground, front)
    whole = assembled(name, units, [*solids, *pulled.solids], [*niches, *pulled.niches], pulled.driver)
    if rng.random() < 0.5:
        return whole
    return whole.without_cab(pulled.back + float(rng.uniform(0.0, 0.9)) * (min(front, plan.pin) - pulled.back))


def _without(unit: Unit, niche: str) -> Unit:
    return replace(unit, niches=tuple(n for n in unit.niches if n.name != niche))


def _carried(rng: np.random.Generator, name: str, units: Sequence[Unit], tunnel: bool) -> Vehicle:
    """Containers on the ground, on a trailer, or on a trailer behind a tractor."""
    if len(units) == 1 and rng.random() < 0.12:
        return assembled(name, [_without(u, "under floor") for u in units])
    ends = [u.start + u.length for u in units]
    below = skeletal(rng, [u.start for u in units], ends, units[0].low, tunnel)
    return _towed(rng, name, units, below.frame, (below.solids, below.niches))


def _container(make: Maker, size: str, name: str) -> Callable[[np.random.Generator], Vehicle]:
    def build(rng: np.random.Generator) -> Vehicle:
        unit = make(rng, SIZES[size])
        if rng.random() < (0.5 if make is reefer else 0.12):
            unit = unit.turned_round()
        return _carried(rng, name, [unit], make is dry and unit.length > 9)

    return build


def _double(rng: np.random.Generator) -> Vehicle:
    """Two 20 ft containers on one trailer, not always alike."""
    return _carried(rng, "double 20 ft", _pair(rng), False)


def _pair(rng: np.random.Generator) -> list[Unit]:
    units = []
    for _ in range(2):
        unit = dry(rng, SIZES["20 ft"])
        units.append(unit.turned_round() if rng.random() < 0.3 else unit)
    gap = float(rng.choice([0.076, rng.uniform(0.05, 0.9)]))
    return [units[0], units[1].at(units[0].length + gap)]


def _rail_containers(rng: np.random.Generator) -> Vehicle:
    if rng.random() < 0.5:
        return container_wagon(rng, _pair(rng))
    size = str(rng.choice(["40 ft", "40 ft high cube"]))
    return container_wagon(rng, [dry(rng, SIZES[size])])


def _semitrailer(make: Callable[..., Unit], name: str, rng: np.random.Generator) -> Vehicle:
    """A trailer body with its own frame."""
    length, high = float(rng.choice([13.6, 13.6, 12.2, 15.5])), float(rng.uniform(2.45, 2.85))
    unit = make(rng, length, high)
    plan = frame(rng, (0.4, length - 0.15), LOW)
    gear, niches = trailer(rng, plan)
    return _towed(rng, name, [unit], plan, (gear, niches))


def _tank_trailer(rng: np.random.Generator) -> Vehicle:
    """A vessel on a trailer's frame, without compartments."""
    length, radius = float(rng.uniform(9.5, 12.5)), float(rng.uniform(0.85, 1.1))
    kind = "aluminum" if rng.random() < 0.5 else "steel"
    wall = 0.0055 if kind == "aluminum" else 0.0045
    x = (0.1, length - 0.1)
    parts = [*fittings(rng, x, radius + wall, radius), *vessel(x, radius, radius, wall, kind)]
    straight = DOME * radius
    rail = [
        slab((x[0] + straight, x[1] - straight), (0.45, 0.8), (-0.03, 0.1), "steel", STEEL * 0.06),
        strut((x[0] + straight, 0.1), (x[1] - straight, 0.1), (1.0, 1.15), 0.02, "aluminum", 1.0),
        cylinder((length / 2, 1.1, -0.12), 0.06, length * 0.5, "rubber", 0.4, "x"),
    ]
    parts = [*both_sides(rail), *parts]
    unit = Unit(tuple(parts), Room(*x, -radius, radius, 0.0, 2 * radius), "tank", length, -0.05, 2 * radius + 0.1)
    plan = frame(rng, (0.3, length), -0.04)
    gear, niches = trailer(rng, plan)
    return _towed(rng, "tank trailer", [unit], plan, (gear, niches))


def _truck(rng: np.random.Generator) -> Vehicle:
    make = [box_body, curtain_body, cooled_body][int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    return rigid(rng, make(rng, float(rng.uniform(5.0, 8.2)), float(rng.uniform(2.1, 2.6))), "box truck")


def _kinds() -> dict[str, VehicleKind]:
    boxes: list[tuple[str, str, float, Maker, str]] = [
        ("20 ft dry", "container", 9, dry, "20 ft"),
        ("40 ft dry", "container", 9, dry, "40 ft"),
        ("40 ft high cube", "container", 14, dry, "40 ft high cube"),
        ("45 ft high cube", "container", 4, dry, "45 ft high cube"),
        ("20 ft reefer", "reefer", 2, reefer, "20 ft"),
        ("40 ft reefer", "reefer", 5, reefer, "40 ft high cube"),
        ("20 ft open top", "open top", 1.5, open_top, "20 ft"),
        ("40 ft open top", "open top", 2, open_top, "40 ft"),
        ("20 ft flat rack", "flat rack", 1, flat_rack, "20 ft"),
        ("40 ft flat rack", "flat rack", 1.5, flat_rack, "40 ft"),
        ("tank container", "tank", 2.5, tank_container, "20 ft"),
    ]
    rest: list[tuple[str, str, float, Callable[[np.random.Generator], Vehicle]]] = [
        ("double 20 ft", "container", 5, _double),
        ("box trailer", "trailer", 7, partial(_semitrailer, box_body, "box trailer")),
        ("curtain trailer", "trailer", 10, partial(_semitrailer, curtain_body, "curtain trailer")),
        ("refrigerated trailer", "trailer", 7, partial(_semitrailer, cooled_body, "refrigerated trailer")),
        ("tank trailer", "tank", 2, _tank_trailer),
        ("van", "van", 6, van),
        ("box truck", "truck", 5, _truck),
        ("rail covered wagon", "rail", 2.5, covered_wagon),
        ("rail container wagon", "rail", 3, _rail_containers),
        ("rail open wagon", "rail", 1.5, open_wagon),
        ("rail hopper wagon", "rail", 1.5, hopper_wagon),
        ("rail tank wagon", "rail", 1, tank_wagon),
    ]
    every = [(name, family, weight, _container(make, size, name)) for name, family, weight, make, size in boxes] + rest
    return {row[0]: VehicleKind(*row) for row in every}


VEHICLES: Mapping[str, VehicleKind] = MappingProxyType(_kinds())
"""Every kind of vehicle by its name."""


def draw_vehicle(rng: np.random.Generator, names: Sequence[str] | None = None) -> Vehicle:
    """Draw a vehicle, its kind by how common it is.

    Parameters
    ----------
    rng : numpy.random.Generator
    names : sequence of str, optional
        Kinds to draw from; all of `VEHICLES` if none are given.

    Returns
    -------
    Vehicle

    Raises
    ------
    RecipeError
        For an unknown name, or if there are no names.

    Examples
    --------
    >>> vehicle = draw_vehicle(np.random.default_rng(0), ["20 ft dry"])
    >>> vehicle.name, [round(v, 3) for v in vehicle.containers[0]]
    ('20 ft dry', [0.0, 6.058, -0.165, 2.426])
    """
    chosen = list(VEHICLES) if names is None else list(names)
    if not chosen:
        raise RecipeError("no names of vehicles were given to draw from; name at least one, or give None for all")
    for name in chosen:
        if name not in VEHICLES:
            near = difflib.get_close_matches(name, VEHICLES, n=1, cutoff=0.0)
            raise RecipeError(f"there is no vehicle {name!r}; the nearest is {near[0]!r}, known are {', '.join(VEHICLES)}")
    weights = np.array([VEHICLES[name].weight for name in chosen])
    return VEHICLES[chosen[int(rng.choice(len(chosen), p=weights / weights.sum()))]].build(rng)
