"""A scene: container, load, what is hidden in it and where, and the scanner's fan; drawn from a seed, then acted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from xrayscan.simulate.body import draw_body, figure
from xrayscan.simulate.cargo import fill
from xrayscan.simulate.container import CONTAINERS, WIDTH, Container, chassis, shell
from xrayscan.simulate.geometry import Fan, Solid, box
from xrayscan.simulate.lookalike import draw_lookalike
from xrayscan.simulate.material import material
from xrayscan.simulate.render import Cavity, Hidden

__all__ = ["KINDS", "PLACES", "Scene", "draw_scene"]

Kind = Literal["clean", "look-alike", "person", "void", "density"]
KINDS: tuple[Kind, ...] = ("clean", "look-alike", "person", "void", "density")
PLACES = ("cavity", "tight", "on the load", "open floor", "false wall", "crate")
Rng = np.random.Generator
Span = tuple[float, float, float, float]  # x0, x1, z0, z1 of what is taken [m]


@dataclass(frozen=True)
class Scene:
    """Everything that a scan shows, before any ray is traced.

    Attributes
    ----------
    kind : {"clean", "look-alike", "person", "void", "density"}
    container : Container
    load : str
        Kinds of load, joined by "+".
    solids : tuple of Solid
    cavities : tuple of Cavity
    hidden : tuple of Hidden
    places : tuple of str
        Where each hidden thing is.
    fan : Fan
    """

    kind: str
    container: Container
    load: str
    solids: tuple[Solid, ...]
    cavities: tuple[Cavity, ...]
    hidden: tuple[Hidden, ...]
    places: tuple[str, ...]
    fan: Fan


class _Draft:
    """A scene being put together."""

    def __init__(self, rng: Rng, container: Container, load: str, solids: list[Solid]) -> None:
        self.rng, self.container, self.room, self.load = rng, container, container.room(), load
        self.solids, self.cavities, self.hidden, self.places = solids, [], [], []  # type: ignore[var-annotated]
        self.taken: list[Span] = []

    def top_at(self, x0: float, x1: float, y: float) -> float:
        """Highest point of the load over a stretch [m]."""
        tops = []
        for solid in self.solids:
            reach, center = solid.reach(), solid.center
            over = center[0] + reach[0] > x0 and center[0] - reach[0] < x1 and abs(center[1] - y) < reach[1] + 0.2
            if over and solid.is_load and solid.density > 0:
                tops.append(float(center[2] + reach[2]))
        return max(tops, default=0.0)

    def spot(self, size: tuple[float, float, float], place: str) -> tuple[float, float, float] | None:
        """Where a thing of that size can stand, on the floor of its place [m], or None."""
        length, depth, height = (min(s, limit - 0.02) for s, limit in zip(size, self.room.size, strict=True))
        for _ in range(12):
            x = self.rng.uniform(self.room.x0 + length / 2, self.room.x1 - length / 2)
            if place == "open floor" or (place == "false wall"):
                x = (
                    self.room.x1 - length / 2 - self.rng.uniform(0.02, 0.3)
                    if self.rng.random() < 0.5
                    else self.room.x0 + length / 2 + self.rng.uniform(0.02, 0.3)
                )
            y = self.rng.uniform(self.room.y0 + depth / 2, self.room.y1 - depth / 2)
            top = self.top_at(x - length / 2, x + length / 2, y)
            low = (
                top
                if place == "on the load"
                else self.rng.uniform(0.0, max(top - height, 0.0))
                if self.rng.random() < 0.4
                else 0.0
            )
            if low + height > self.room.z1:
                continue
            if place in ("open floor", "false wall"):
                low = 0.0
            span = (x - length / 2 - 0.1, x + length / 2 + 0.1, low - 0.1, low + height + 0.1)
            if any(span[0] < b[1] and b[0] < span[1] and span[2] < b[3] and b[2] < span[3] for b in self.taken):
                continue
            self.taken.append(span)
            return float(x), float(y), float(low)
        return None

    def hollow(self, at: tuple[float, float, float], size: tuple[float, float, float], place: str, kind: str) -> None:
        """Cut a hole for something that stands there."""
        slack = self.rng.uniform(0.0, 0.06) if place == "tight" else self.rng.uniform(0.03, 0.35)
        length, depth, height = (s + slack for s in size)
        if place in ("open floor", "false wall"):
            depth, height, length = self.room.size[1], self.room.size[2], length + self.rng.uniform(0.0, 0.5)
        elif self.rng.random() < 0.25:
            depth = self.room.size[1]
        x, y, z = at
        half = (length / 2, depth / 2, height / 2 + 0.01)
        center = (x, y if depth < 2.0 else 0.0, z + height / 2)
        round_hole = place == "tight" and self.rng.random() < 0.5
        if round_hole:
            solid = Solid("ellipsoid", center, (1.25 * half[0], 1.25 * half[1], 1.25 * half[2]), "water", 1.0)
        else:
            solid = Solid("box", center, half, "water", 1.0)
        self.cavities.append(Cavity(solid, kind))
        if place == "crate":
            self._crate(center, half)
        if place == "false wall":
            self._wall(x, length)

    def _crate(self, center: tuple[float, float, float], half: tuple[float, float, float]) -> None:
        stuff, thick = str(self.rng.choice(["wood", "cellulose", "steel"])), self.rng.uniform(0.006, 0.025)
        dense = {"wood": 0.6, "cellulose": 0.5, "steel": 0.8}[stuff]
        low, high = np.subtract(center, half), np.add(center, half)
        outer, inner = box(tuple(low), tuple(high), stuff, dense), box(tuple(low + thick), tuple(high - thick), stuff, -dense)
        self.solids += [replace(part, is_load=False) for part in (outer, inner)]

    def _wall(self, x: float, length: float) -> None:
        at_front = x < self.room.x0 + self.room.size[0] / 2
        wall = x + length / 2 if at_front else x - length / 2
        stuff, thick = ("steel", 0.002) if self.rng.random() < 0.5 else ("wood", 0.02)
        plate = box(
            (wall - thick / 2, -WIDTH / 2 + 0.05, 0),
            (wall + thick / 2, WIDTH / 2 - 0.05, self.room.z1),
            stuff,
            material(stuff).density,
        )
        self.solids.append(replace(plate, is_load=False))

    def person(self) -> bool:
        """Hide one person, if there is room."""
        body = figure(draw_body(self.rng))
        place = str(self.rng.choice(PLACES, p=[0.28, 0.18, 0.2, 0.16, 0.08, 0.10]))
        at = self.spot(body.size, place)
        if at is None:
            return False
        if place != "on the load":
            self.hollow(at, body.size, place, "hole")
        self.hidden.append(Hidden("person", "person", figure=body, at=at))
        self.places.append(place)
        return True

    def void(self) -> bool:
        """Take something away from the load."""
        size = tuple(self.rng.uniform([0.5, 0.5, 0.5], [1.8, 2.2, 1.6]))
        at = self.spot(size, "cavity")
        if at is None:
            return False
        self.hollow(at, size, "crate" if self.rng.random() < 0.3 else "tight", "void")
        return True

    def insert(self) -> bool:
        """Put something much denser or much lighter into the load."""
        size = tuple(self.rng.uniform([0.3, 0.3, 0.2], [1.2, 1.2, 1.0]))
        at = self.spot(size, "cavity")
        if at is None:
            return False
        low, high = np.array(at) - [size[0] / 2, size[1] / 2, 0], np.array(at) + [size[0] / 2, size[1] / 2, size[2]]
        name, dense = [
            ("steel", 3.0),
            ("lead", 4.0),
            ("water", 1.0),
            ("polyethylene", 0.04),
            ("ceramic", 1.8),
            ("aluminum", 1.5),
        ][self.rng.integers(0, 6)]
        block = replace(box(tuple(low), tuple(high), name, dense * self.rng.uniform(0.5, 1.0)), is_load=False)
        self.cavities.append(Cavity(block, "hole"))
        self.hidden.append(Hidden("density", name, solids=(block,)))
        self.places.append("cavity")
        return True

    def lookalike(self) -> bool:
        """Put a thing that looks like a person."""
        place = str(self.rng.choice(PLACES[:4]))
        size = (1.0, 0.7, 0.9)
        at = self.spot(size, place)
        if at is None:
            return False
        if place != "on the load":
            self.hollow(at, size, place, "hole")
        self.hidden.append(draw_lookalike(self.rng, at))
        self.places.append(place)
        return True


def draw_fan(rng: Rng, container: Container, pitch: float, with_chassis: bool) -> Fan:
    """Draw a scanner's geometry: sources from 2 m to 7 m off the near wall, 0.5 m below to 1.8 m above the floor."""
    distance = WIDTH / 2 + float(rng.uniform(1.9, 6.0))
    height = float(rng.uniform(-0.5, 1.8))
    probe = Fan(distance, height, (pitch, pitch), 0.0, 0.0, 1, 1)
    near = -WIDTH / 2
    top = -probe.row_of(near, container.height - 0.15) * pitch if height < container.height else container.height
    below = -0.3 - float(rng.uniform(0.2, 0.9)) if with_chassis else -0.15
    low = -probe.row_of(near, below) * pitch
    top += float(rng.uniform(0.05, 0.4))
    left = -float(rng.uniform(0.1, 0.8))
    columns = int((container.length + 0.1 + float(rng.uniform(0.1, 0.8)) - left) / pitch)
    return Fan(distance, height, (pitch, pitch), top, left, int((top - low + float(rng.uniform(0.0, 0.3))) / pitch), columns)


def draw_scene(rng: Rng, kind: Kind, pitch: float = 0.01, container: Container | None = None) -> Scene:
    """Draw a scene.

    Parameters
    ----------
    rng : Generator
    kind : {"clean", "look-alike", "person", "void", "density"}
        What it should hold. A person, void or insert that finds no room in one load gets another load.
    pitch : float [m]
        Row and column pitch in the middle of the load.
    container : Container or None
        None draws one.

    Returns
    -------
    Scene

    Examples
    --------
    >>> scene = draw_scene(np.random.default_rng(3), "person")
    >>> {thing.kind for thing in scene.hidden}
    {'person'}
    """
    box_type = container or CONTAINERS[rng.choice(len(CONTAINERS), p=[0.45, 0.25, 0.25, 0.05])]
    with_chassis = bool(rng.random() < 0.5)
    fixed = shell(rng, box_type) + (chassis(rng, box_type) if with_chassis else [])
    fan = draw_fan(rng, box_type, pitch, with_chassis)
    while True:
        load, solids = fill(rng, box_type.room())
        draft = _Draft(rng, box_type, load, solids)
        if _furnish(draft, kind):
            break
    if rng.random() < 0.3 and kind not in ("look-alike", "clean"):
        draft.lookalike()
    return Scene(
        kind, box_type, load, (*fixed, *draft.solids), tuple(draft.cavities), tuple(draft.hidden), tuple(draft.places), fan
    )


def _furnish(draft: _Draft, kind: Kind) -> bool:
    """Put in what the kind asks for; False if there was no room for any."""
    if kind == "clean":
        return True
    act = {"person": draft.person, "void": draft.void, "density": draft.insert, "look-alike": draft.lookalike}[kind]
    wanted = {
        "person": draft.rng.choice([1, 2, 3, 4, 6], p=[0.45, 0.25, 0.15, 0.1, 0.05]),
        "look-alike": draft.rng.integers(1, 4),
    }.get(kind, 1)
    return sum([act() for _ in range(wanted)]) > 0
