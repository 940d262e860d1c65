"""What a vehicle is: fixed solids, rooms for the load, and places outside of them where a person can hide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.solid import Room, Solid, moved
from xrayscan.simulate.vehicles.parts import mirrored

__all__ = ["ROOM_KINDS", "Niche", "Unit", "Vehicle", "VehicleKind", "assembled"]

ROOM_KINDS = ("box", "open", "tank")
Container = tuple[float, float, float, float]


@dataclass(frozen=True)
class Niche:
    """A space outside of the load rooms where a person can hide.

    Attributes
    ----------
    name : str
        "wind deflector", "under floor", "cab bunk", "spare wheel", "tool box", "reefer machinery", "axle", "roof space" or
        "front gap".
    room : Room
        Fixed solids may stand in it.
    """

    name: str
    room: Room

    def __post_init__(self) -> None:
        if min(self.room.size) <= 0:
            raise RecipeError(f"the niche {self.name!r} has the size {self.room.size} m; expected all above 0")


@dataclass(frozen=True, eq=False)
class Unit:
    """A body that a vehicle carries, its front outside at x = 0, the floor of its room at z = 0.

    Attributes
    ----------
    solids : tuple of Solid
    room : Room
    room_kind : {"box", "open", "tank"}
    length : float [m]
        Outside.
    low, high : float [m]
        z of its underside and of its top.
    niches : tuple of Niche
    start : float [m]
        x of its front outside.
    """

    solids: tuple[Solid, ...]
    room: Room
    room_kind: str
    length: float
    low: float
    high: float
    niches: tuple[Niche, ...] = ()
    start: float = 0.0

    def turned_round(self) -> Unit:
        """The same with its front and rear exchanged."""
        middle = self.start + self.length / 2
        return replace(
            self,
            solids=tuple(mirrored(s, "x", middle) for s in self.solids),
            room=_room_mirrored(self.room, middle),
            niches=tuple(Niche(n.name, _room_mirrored(n.room, middle)) for n in self.niches),
        )

    def at(self, x: float) -> Unit:
        """The same with its front at x [m]."""
        step = x - self.start
        return replace(
            self,
            solids=tuple(moved(s, (step, 0.0, 0.0)) for s in self.solids),
            room=_room_moved(self.room, step),
            niches=tuple(Niche(n.name, _room_moved(n.room, step)) for n in self.niches),
            start=x,
        )


def _room_mirrored(room: Room, middle: float) -> Room:
    return replace(room, x0=2 * middle - room.x1, x1=2 * middle - room.x0)


def _room_moved(room: Room, step: float) -> Room:
    return replace(room, x0=room.x0 + step, x1=room.x1 + step)


@dataclass(frozen=True, eq=False)
class Vehicle:
    """A vehicle without its load.

    x = 0 is the front outside of its first body or container, z = 0 the floor of its first room; y is centered. A cab has
    negative x, a chassis negative z.

    Attributes
    ----------
    name : str
    solids : tuple of Solid
        Fixed parts in order: later ones take the place of earlier ones.
    rooms : tuple of Room
        Inside spaces for the load, front first, each with its floor at its own z0. A tank's room is the box around its vessel,
        which `liquid` fills.
    room_kind : {"box", "open", "tank"}
        Which loads go in.
    niches : tuple of Niche
    containers : tuple of (float, float, float, float)
        Outside x0, x1, z0, z1 of each container or body [m].
    driver : tuple of Solid
        A driver in the cab, who is not concealed; empty if there is none.
    start : float or None [m]
        x from which on the beam is on; None: from before the vehicle. Portals that are driven through leave the cab out.
    """

    name: str
    solids: tuple[Solid, ...]
    rooms: tuple[Room, ...]
    room_kind: str
    niches: tuple[Niche, ...] = ()
    containers: tuple[Container, ...] = ()
    driver: tuple[Solid, ...] = ()
    start: float | None = None

    def __post_init__(self) -> None:
        if self.room_kind not in ROOM_KINDS:
            raise RecipeError(f"{self.name} has rooms of the kind {self.room_kind!r}; expected one of {', '.join(ROOM_KINDS)}")
        if not self.solids or not self.rooms:
            counts = f"{len(self.solids)} solids and {len(self.rooms)} rooms"
            raise RecipeError(f"{self.name} has {counts}; expected at least one of each")

    @cached_property
    def extent(self) -> tuple[float, float, float, float]:
        """Low and high x, low and high z of everything [m]."""
        solids = [s for s in (*self.solids, *self.driver) if s.density > 0]
        center = np.array([s.center for s in solids])[:, [0, 2]]
        reach = np.array([s.reach for s in solids])[:, [0, 2]]
        low, high = (center - reach).min(0), (center + reach).max(0)
        return float(low[0]), float(high[0]), float(low[1]), float(high[1])

    def without_cab(self, start: float) -> Vehicle:
        """The same, scanned from x = start [m] on: with nobody before it."""
        niches = tuple(niche for niche in self.niches if niche.room.x0 > start)
        return replace(self, niches=niches, driver=(), start=start)

    @property
    def length(self) -> float:
        """From the foremost to the rearmost part [m]."""
        return self.extent[1] - self.extent[0]


@dataclass(frozen=True)
class VehicleKind:
    """A kind of vehicle.

    Attributes
    ----------
    name, family : str
    weight : float
        How common it is.
    build : callable
        Draws one: takes a random generator, gives a `Vehicle`.
    """

    name: str
    family: str
    weight: float
    build: Callable[[np.random.Generator], Vehicle]


def assembled(
    name: str,
    units: Sequence[Unit],
    solids: Sequence[Solid] = (),
    niches: Sequence[Niche] = (),
    driver: Sequence[Solid] = (),
) -> Vehicle:
    """A vehicle of bodies, front first, and what carries them.

    Parameters
    ----------
    name : str
    units : sequence of Unit
    solids : sequence of Solid
        Of the carrier.
    niches : sequence of Niche
    driver : sequence of Solid

    Returns
    -------
    Vehicle
    """
    return Vehicle(
        name,
        (*(s for u in units for s in u.solids), *solids),
        tuple(u.room for u in units),
        units[0].room_kind,
        (*(n for u in units for n in u.niches), *niches),
        tuple((u.start, u.start + u.length, u.low, u.high) for u in units),
        tuple(driver),
    )
