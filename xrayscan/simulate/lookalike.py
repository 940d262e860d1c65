"""Things that look like a person, or nearly so, and are none."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate import lookalike_goods as goods
from xrayscan.simulate import lookalike_living as living
from xrayscan.simulate import lookalike_machine as machine
from xrayscan.simulate import lookalike_unnamed as unnamed
from xrayscan.simulate.body import draw_body, shaped_solid
from xrayscan.simulate.extent import scaled, settled
from xrayscan.simulate.solid import Point, Solid, box, cylinder, moved

__all__ = ["LOOKALIKES", "UNNAMED", "Lookalike", "LookalikeKind", "draw_lookalike"]

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Lookalike:
    """A thing that may be taken for a person; nothing about it is left to chance any more.

    Attributes
    ----------
    name, family : str
    size : (float, float, float) [m]
        Its extent: along the travel, across, and up.
    parts : tuple of Solid
        In order, the middle of the footprint at (0, 0), the lowest point at z = 0.
    """

    name: str
    family: str
    size: tuple[float, float, float]
    parts: tuple[Solid, ...]

    def solids(self, at: Point) -> tuple[Solid, ...]:
        """Its solids, the middle of the footprint at a point on the floor [m]."""
        return tuple(moved(part, at) for part in self.parts)


@dataclass(frozen=True)
class LookalikeKind:
    """A kind of look-alike.

    Attributes
    ----------
    name, family : str
    weight : float
        How often it is drawn, relative to others: more for what has a person's mass, size and roundness.
    draw : callable
        rng → its solids about the origin.
    """

    name: str
    family: str
    weight: float
    draw: Callable[[Rng], list[Solid]]


def _mannequin(rng: Rng) -> list[Solid]:
    """A figure of plastic, hollow: its shell is smeared over its volume. Some stand on a plate."""
    body = draw_body(rng, str(rng.choice(["standing", "standing", "sitting"])))
    parts = [shaped_solid(body, (0.0, 0.0, 0.0), "polyethylene", float(rng.uniform(0.04, 0.2)))]
    if rng.random() < 0.5:
        parts = [moved(parts[0], (0.0, 0.0, 0.008))]
        parts.append(cylinder((0.0, 0.0, 0.004), 0.18, 0.008, *[("steel", 7.85), ("glass", 2.5)][int(rng.integers(2))]))
    return parts


def _statue(rng: Rng) -> list[Solid]:
    """A figure of stone, wood, plaster or hollow bronze, up to life size, on a base."""
    body = draw_body(rng)
    stuff, low, high = [
        ("stone", 2.3, 2.7), ("wood", 0.55, 0.75), ("gypsum", 0.9, 1.2), ("brass", 0.7, 1.6), ("ceramic", 0.8, 1.7),
        ("cement", 2.0, 2.3),
    ][int(rng.integers(6))]  # fmt: skip
    base = float(rng.uniform(0.04, 0.12))
    figure = shaped_solid(body, (0.0, 0.0, base), stuff, float(rng.uniform(low, high)))
    if max(figure.half) < 0.6 and rng.random() < 0.7:
        wide, deep = (0.6 * h for h in figure.half[:2])
        x, y = figure.center[:2]
        return [box((x - wide, y - deep, 0.0), (x + wide, y + deep, base), stuff, 2.2 if stuff != "wood" else 0.65), figure]
    return [moved(figure, (0.0, 0.0, -base))]


def _kinds() -> dict[str, LookalikeKind]:
    rows = [
        ("dog", "animal", 1.2, living.dog), ("sheep or goat", "animal", 1.8, living.sheep), ("pig", "animal", 1.8, living.pig),
        ("calf", "animal", 1.0, living.calf), ("crates of poultry", "animal", 0.6, living.poultry_crates),
        ("carcasses", "meat", 1.6, living.carcasses), ("hanging meat", "meat", 1.2, living.hanging_meat),
        ("frozen fish", "meat", 1.2, living.fish),
        ("heap of sacks", "sacks", 1.8, goods.sack_heap), ("sitting sacks", "sacks", 2.2, goods.sitting_sacks),
        ("bundle", "sacks", 2.4, goods.bundle),
        ("drum", "vessel", 1.2, goods.drum), ("keg", "vessel", 1.0, goods.keg),
        ("gas bottles", "vessel", 0.9, goods.gas_bottles),
        ("jerrycans", "vessel", 1.2, goods.jerrycans), ("demijohns", "vessel", 0.9, goods.demijohns),
        ("water bags", "vessel", 1.8, goods.water_bags),
        ("carpet", "textile", 1.3, goods.carpet), ("mattress", "textile", 0.9, goods.mattress),
        ("duvets", "textile", 0.9, goods.duvets),
        ("clothes", "textile", 1.4, goods.clothes), ("suitcases", "textile", 1.2, goods.suitcases),
        ("backpacks", "textile", 1.2, goods.backpacks), ("plush toy", "figure", 0.6, living.plush_toy),
        ("mannequin", "figure", 1.2, _mannequin), ("statue", "figure", 1.0, _statue),
        ("punching bag", "figure", 1.2, machine.punching_bag),
        ("tires", "goods", 1.0, goods.tires), ("boxes like a person", "goods", 1.6, goods.boxes_like_a_person),
        ("melons", "goods", 1.4, goods.melons), ("pots", "goods", 0.7, goods.pots), ("rubbish", "refuse", 1.4, goods.rubbish),
        ("armchair", "furniture", 1.2, machine.armchair), ("cushions", "furniture", 0.9, machine.cushions),
        ("car seat", "furniture", 1.0, machine.car_seat),
        ("motor", "machine", 0.9, machine.motor), ("water heater", "machine", 0.9, machine.water_heater),
        ("reefer machinery", "machine", 0.8, machine.reefer_machinery), ("household machine", "machine", 0.8, machine.stove),
        ("cable drum", "machine", 0.8, machine.cable_drum),
        ("thing of no kind", "no kind", 2.0, unnamed.thing), ("animal of no kind", "no kind", 0.7, unnamed.animal),
        ("figure of no kind", "no kind", 1.0, unnamed.figure),
    ]  # fmt: skip
    return {name: LookalikeKind(name, family, weight, draw) for name, family, weight, draw in rows}


LOOKALIKES: Mapping[str, LookalikeKind] = MappingProxyType(_kinds())
"""Name to kind of look-alike."""
UNNAMED: tuple[str, ...] = tuple(name for name, kind in LOOKALIKES.items() if kind.family == "no kind")
"""Those that are nothing in particular, but drawn anew for every scan, for training; drawn only where they are named."""


def draw_lookalike(
    rng: Rng, names: Sequence[str] | None = None, size_limit: tuple[float, float, float] | None = None
) -> Lookalike:
    """Draw a look-alike.

    Parameters
    ----------
    rng : Generator
    names : sequence of str, optional
        Kinds to choose from; all but `UNNAMED` by default.
    size_limit : (float, float, float), optional [m]
        What it has to fit in. Of 30 drawn the first that fits is taken, or the last, made smaller until it does.

    Returns
    -------
    Lookalike

    Raises
    ------
    RecipeError
        For a name that is not in `LOOKALIKES`, no name at all, or a limit that is not above 0.

    Examples
    --------
    >>> thing = draw_lookalike(np.random.default_rng(5), ["drum", "keg"])
    >>> thing.name in ("drum", "keg") and thing.size[2] < 1.0
    True
    """
    chosen = [name for name in LOOKALIKES if name not in UNNAMED] if names is None else list(names)
    for name in chosen:
        if name not in LOOKALIKES:
            near = difflib.get_close_matches(name, LOOKALIKES, 1, 0.0)[0]
            raise RecipeError(f"there is no look-alike {name!r}; did you mean {near!r}? Known are {', '.join(LOOKALIKES)}")
    if not chosen:
        raise RecipeError("no kinds of look-alike to choose from; name at least one, or leave the names out for all")
    if size_limit is not None and min(size_limit) <= 0:
        raise RecipeError(f"a look-alike that fits in {size_limit} m was asked for; expected all above 0")
    kinds = [LOOKALIKES[name] for name in chosen]
    weights = np.array([kind.weight for kind in kinds])
    for _ in range(30):
        kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        parts, size = settled(kind.draw(rng))
        if size_limit is None or all(own <= side for own, side in zip(size, size_limit, strict=True)):
            return Lookalike(kind.name, kind.family, size, parts)
    scale = min(side / own for own, side in zip(size, size_limit or size, strict=True))
    parts, size = settled([scaled(part, scale) for part in parts])
    return Lookalike(kind.name, kind.family, size, parts)
