"""What stands below a load: girders, cross members, axles, wheels, legs, locks, boxes and tanks of trailers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xrayscan.simulate.solid import Axis, Room, Solid, cylinder
from xrayscan.simulate.vehicles.coupling import coupler
from xrayscan.simulate.vehicles.parts import (
    STEEL,
    Span,
    both_sides,
    girder,
    mirrored,
    pipe,
    rod,
    shell,
    slab,
    strut,
    tube,
    wheel,
)
from xrayscan.simulate.vehicles.vehicle import Niche

__all__ = ["Carrier", "Frame", "air_tank", "axle", "locks", "skeletal", "tool_box", "trailer"]


@dataclass(frozen=True)
class Frame:
    """The two main girders of a trailer.

    Attributes
    ----------
    x : (float, float) [m]
    bend : float [m]
        Where the neck ends.
    neck, beam : (float, float) [m]
        Lower and upper z in front of the bend and behind it.
    side : float [m]
        y of the girders.
    ground : float [m]
        z of the road.
    """

    x: Span
    bend: float
    neck: Span
    beam: Span
    side: float
    ground: float

    @property
    def pin(self) -> float:
        """Where the king pin is along x [m]."""
        return self.x[0] + 0.9


@dataclass(frozen=True, eq=False)
class Carrier:
    """Solids and niches below a load, and what a tractor has to fit."""

    solids: tuple[Solid, ...]
    niches: tuple[Niche, ...]
    frame: Frame


def frame(rng: np.random.Generator, x: Span, top: float, neck: Span | None = None) -> Frame:
    """Draw a trailer's girders below z = top; a neck that reaches into a container's tunnel may be given."""
    deep = float(rng.uniform(0.34, 0.5))
    neck = neck or (top - float(rng.uniform(0.14, 0.2)), top)
    ground = neck[0] - float(rng.uniform(1.1, 1.25))
    return Frame(x, x[0] + float(rng.uniform(2.9, 3.6)), neck, (top - deep, top), float(rng.uniform(0.44, 0.52)), ground)


def skeletal(rng: np.random.Generator, fronts: Sequence[float], ends: Sequence[float], base: float, tunnel: bool) -> Carrier:
    """A container trailer.

    Parameters
    ----------
    rng : numpy.random.Generator
    fronts, ends : sequence of float [m]
        x of the front and of the rear of each container on it.
    base : float [m]
        z of the underside of the corner fittings.
    tunnel : bool
        Whether the neck may reach into the tunnel of the container's floor.

    Returns
    -------
    Carrier
    """
    start = fronts[0] - float(rng.choice([rng.uniform(0.05, 0.4), rng.uniform(0.6, 3.0)], p=[0.75, 0.25]))
    rear = ends[-1] + float(rng.choice([rng.uniform(-0.3, 0.2), rng.uniform(0.3, 3.0)], p=[0.75, 0.25]))
    rear = max(rear, start + 7.5)
    neck = (base - float(rng.uniform(0.1, 0.16)), base + 0.1) if tunnel and start > fronts[0] - 0.6 else None
    plan = frame(rng, (start, rear), base - 0.02, neck)
    plan = replace(plan, side=0.44) if neck else plan
    rests = [x for a, b in zip(fronts, ends, strict=True) for x in (a + 0.09, b - 0.09)]
    solids = locks(rng, plan, rests, base)
    gear, niches = trailer(rng, plan)
    if rng.random() < 0.18:
        solids += _guides(rng, rests, base)
    return Carrier((*gear, *solids), niches, plan)


def locks(rng: np.random.Generator, plan: Frame, rests: Sequence[float], base: float) -> list[Solid]:
    """Bolsters with twist locks where containers rest, at x [m], and unused ones in between."""
    parts = []
    high = base - 0.02
    spare = [float(rng.uniform(*plan.x)) for _ in range(rng.integers(0, 3))]
    for x in [*rests, *(s for s in spare if all(abs(s - r) > 0.4 for r in rests))]:
        low = plan.neck[0] if x < plan.bend else high - 0.16
        parts += tube((x - 0.08, x + 0.08), (-1.2, 1.2), (max(low, high - 0.16), high), 0.006)
        lock = [
            slab((x - 0.09, x + 0.09), (1.05, 1.22), (high - 0.17, high + 0.018), "steel", STEEL * 0.45),
            cylinder((x, 1.135, high - 0.22), 0.03, 0.1, "steel", STEEL),
            rod((x, 1.135, high - 0.26), (x + float(rng.uniform(-0.12, 0.12)), 1.2, high - 0.28), 0.009),
        ]
        parts += both_sides(lock)
    return parts


def _guides(rng: np.random.Generator, rests: Sequence[float], base: float) -> list[Solid]:
    """Upright guide plates on both sides, which rise beside the container."""
    parts = []
    high, thick = base + float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.006, 0.012))
    for x in np.linspace(rests[0] + 0.8, rests[-1] - 0.8, int(rng.integers(2, 5))):
        parts.append(slab((x - 0.35, x + 0.35), (1.225, 1.225 + thick), (base - 0.35, high)))
        for edge in (x - 0.33, x, x + 0.3):
            parts.append(slab((edge, edge + 0.03), (1.225 + thick, 1.265), (base - 0.35, base + 0.02)))
    parts += [slab((rests[0] - 0.2, rests[0] - 0.19), (0.3, 1.1), (base - 0.1, high))]
    return both_sides(parts)


def trailer(rng: np.random.Generator, plan: Frame) -> tuple[list[Solid], tuple[Niche, ...]]:
    """Everything below a trailer's deck.

    Parameters
    ----------
    rng : numpy.random.Generator
    plan : Frame

    Returns
    -------
    solids : list of Solid
    niches : tuple of Niche
    """
    (start, rear), low = plan.x, plan.beam[0]
    radius, count = float(rng.uniform(0.47, 0.53)), int(rng.choice([2, 3, 3]))
    spread = 2 * radius + float(rng.uniform(0.2, 0.4))
    last = max(rear - float(rng.uniform(0.9, 2.6)), start + 6.0)
    axles = [last - i * spread for i in range(count)][::-1]
    dual = bool(rng.random() < 0.5)
    solids = _girders(rng, plan)
    for x in axles:
        solids += axle(rng, (x, plan.ground + radius), radius, low, dual=dual)
    solids += coupler(rng, plan.pin, plan.x[0], plan.neck) + _landing_legs(rng, plan) + _tail(rng, plan)
    solids += _mudguards(rng, axles, radius, plan.ground)
    free = (plan.bend + 1.2, axles[0] - radius - 0.15)
    hung, niches = _hung(rng, plan, free, radius)
    over = plan.ground + 1.35 * radius
    room = Room(axles[0] - 0.4, axles[-1] + 0.4, -0.5, 0.5, over, max(low, over + 0.4))
    return solids + hung, (*niches, Niche("axle", room))


def _girders(rng: np.random.Generator, plan: Frame) -> list[Solid]:
    """Main girders, cross members, outriggers and lines along them."""
    (start, rear), (low, high) = plan.x, plan.beam
    slope = float(rng.uniform(0.4, 1.3))
    taper = rear - float(rng.uniform(0.3, 2.0))
    stations = [(start, *plan.neck), (plan.bend, *plan.neck), (plan.bend + slope, low, high)]
    stations += [(taper, low, high), (rear, low + float(rng.uniform(0.0, 0.6)) * (high - low), high)]
    flange = (float(rng.uniform(0.13, 0.18)), float(rng.uniform(0.014, 0.020)))
    web = float(rng.uniform(0.006, 0.010))
    parts = girder(stations, plan.side, web, flange)
    for x in np.arange(plan.bend + slope + 0.3, taper, float(rng.uniform(0.8, 2.0))):
        if rng.random() < 0.5:  # a hole that lightens the web
            parts.append(cylinder((x, plan.side, (low + high) / 2), 0.3 * (high - low) * 0.9, web, "steel", 0.0, "y"))
    parts = both_sides(parts)
    inner = plan.side - web / 2
    step, wide = float(rng.uniform(0.7, 1.5)), float(rng.uniform(0.05, 0.1))
    for x in np.arange(start + 0.15, rear - 0.1, step):
        z = plan.neck if x < plan.bend else (high - 0.2, high - 0.02)
        shrink = 0.02 if x < plan.bend else 0.0
        parts.append(slab((x, x + 0.007), (-inner, inner), (z[0] + shrink, z[1] - shrink)))
        parts.append(slab((x + 0.007, x + wide), (-inner, inner), (z[0] + shrink, z[0] + shrink + 0.008)))
    for x in np.arange(plan.bend + slope, taper, 2 * step):
        parts += both_sides([slab((x, x + 0.006), (plan.side + web, 1.1), (high - 0.12, high - 0.02))])
    long, y = taper - plan.bend - slope, plan.side - 0.06
    for line in (low + 0.06, low + 0.1):
        parts.append(cylinder((taper - long / 2, y, line), 0.008, long, "polyethylene", 0.94, "x"))
    return parts


def axle(rng: np.random.Generator, at: tuple[float, float], radius: float, beam: float, *, dual: bool) -> list[Solid]:
    """An axle with wheels, brakes, springs or air bags and dampers.

    Parameters
    ----------
    rng : numpy.random.Generator
    at : (float, float) [m]
        x and z of its middle.
    radius : float [m]
        Of the tires.
    beam : float [m]
        z of the underside of the girders.
    dual : bool
        Two tires on each side.

    Returns
    -------
    list of Solid
    """
    x, z = at
    half = []
    if dual:
        half += wheel((x, 1.10, z), (radius, 0.27)) + wheel((x, 0.77, z), (radius, 0.27), brake=-0.2)
    else:
        half += wheel((x, 1.04, z), (radius, 0.37), brake=-0.24)
    half += [
        cylinder((x + 0.18, 0.38, z + 0.05), 0.085, 0.2, "steel", STEEL * 0.18, "y"),
        slab((x - 0.06, x + 0.06), (0.46, 0.54), (z + 0.07, z + 0.13), "steel", STEEL * 0.8),
    ]
    top = max(beam, z + 0.2)
    if rng.random() < 0.6:
        half += [
            strut((x - 0.5, z + 0.02), (x + 0.4, z + 0.1), (0.46, 0.54), 0.04),
            slab((x - 0.58, x - 0.44), (0.44, 0.56), (z - 0.05, top), "steel", STEEL * 0.2),
            cylinder((x + 0.38, 0.5, (z + 0.12 + top) / 2), 0.14, max(top - z - 0.12, 0.08), "rubber", 0.35),
            rod((x - 0.3, 0.42, top), (x + 0.05, 0.42, z), 0.03, "steel", STEEL * 0.4),
        ]
    else:
        for i in range(4):
            long, rise = 0.55 - 0.1 * i, 0.014 * (3 - i)
            for a, b in ((x - long, x), (x, x + long)):
                ends = (a, z + rise + (0.16 if a < x else 0.08)), (b, z + rise + (0.08 if a < x else 0.16))
                half.append(strut(*ends, (0.46, 0.54), 0.012))
        for hanger in (x - 0.58, x + 0.58):
            half.append(slab((hanger - 0.04, hanger + 0.04), (0.45, 0.55), (z + 0.2, top + 0.02), "steel", STEEL * 0.2))
    return [*both_sides(half), *pipe((x, 0.0, z), (0.068, 1.28), 0.018, "y")]


def _landing_legs(rng: np.random.Generator, plan: Frame) -> list[Solid]:
    """Two legs with feet, the shaft between them and their braces."""
    x, out = plan.bend - float(rng.uniform(-0.3, 0.7)), float(rng.uniform(0.55, 0.85))
    top, foot = plan.neck[1] - 0.05, plan.ground + float(rng.uniform(0.25, 0.5))
    leg = tube((x - 0.075, x + 0.075), (out - 0.075, out + 0.075), (foot + 0.2, top), 0.007)
    leg += tube((x - 0.055, x + 0.055), (out - 0.055, out + 0.055), (foot, foot + 0.2), 0.008)
    leg.append(slab((x - 0.14, x + 0.14), (out - 0.13, out + 0.13), (foot - 0.02, foot)))
    leg.append(strut((x + 0.05, foot + 0.5), (x + 0.75, plan.beam[0] + 0.05), (out - 0.09, out - 0.083), 0.05))
    leg.append(slab((x - 0.09, x + 0.09), (out - 0.17, out - 0.075), (top - 0.35, top - 0.1), "steel", STEEL * 0.5))
    return [*both_sides(leg), cylinder((x, 0.0, top - 0.2), 0.016, 2 * out - 0.35, "steel", STEEL, "y")]


def _tail(rng: np.random.Generator, plan: Frame) -> list[Solid]:
    """Rear beam, bumper and lights, at times a ladder."""
    rear, high, bar = plan.x[1], plan.beam[1], plan.ground + float(rng.uniform(0.4, 0.55))
    x = rear - float(rng.uniform(0.05, 0.3))
    parts = [
        *tube((rear, rear + 0.1), (-1.15, 1.15), (high - 0.18, high), 0.006),
        *tube((x, x + 0.1), (-1.15, 1.15), (bar, bar + 0.1), 0.004),
    ]
    support = [strut((rear - 0.4, high - 0.2), (x + 0.05, bar + 0.1), (0.45, 0.53), 0.05, "steel", STEEL * 0.25)]
    support.append(slab((x + 0.1, x + 0.16), (0.75, 1.1), (bar - 0.02, bar + 0.12), "polyethylene", 0.3))
    support.append(slab((rear + 0.1, rear + 0.15), (0.8, 1.1), (high - 0.16, high - 0.03), "polyethylene", 0.3))
    if rng.random() < 0.3:
        ladder = rear - float(rng.uniform(0.6, 1.6))
        for edge in (ladder, ladder + 0.35):
            parts.append(rod((edge, 1.15, plan.ground + 0.5), (edge, 1.15, high), 0.014, "steel", STEEL * 0.4))
        for z in np.arange(plan.ground + 0.6, high, 0.28):
            parts.append(cylinder((ladder + 0.175, 1.15, z), 0.01, 0.35, "steel", STEEL * 0.5, "x"))
    return parts + both_sides(support)


def _mudguards(rng: np.random.Generator, axles: Sequence[float], radius: float, ground: float) -> list[Solid]:
    kind, density = ("steel", STEEL) if rng.random() < 0.4 else ("polyethylene", 0.94)
    z, parts = ground + 2 * radius + 0.09, []
    if rng.random() < 0.3:
        return []
    for x in axles:
        edge = radius * 0.6
        parts.append(slab((x - edge, x + edge), (0.7, 1.25), (z, z + 0.003), kind, density))
        for end in (-1, 1):
            near, far = sorted(((x + end * edge, z), (x + end * (radius + 0.06), z - 0.3)))
            parts.append(strut(near, far, (0.7, 1.25), 0.003, kind, density))
    flap = axles[-1] + radius + 0.12
    parts.append(slab((flap, flap + 0.006), (0.75, 1.2), (ground + 0.2, ground + radius + 0.3), "rubber"))
    return both_sides(parts)


def air_tank(at: tuple[float, float, float], radius: float, length: float, axis: Axis = "x") -> list[Solid]:
    """A pressure vessel of steel, closed at its ends."""
    return [
        cylinder(at, radius, length, "steel", STEEL, axis),
        cylinder(at, radius - 0.004, length - 0.01, "steel", 0.0, axis),
    ]


def tool_box(rng: np.random.Generator, x: Span, y: Span, z: Span) -> tuple[list[Solid], Niche]:
    """A closed box of thin steel or plastic with a few tools, and the niche in it."""
    kind, wall = ("steel", 0.002) if rng.random() < 0.6 else ("polyethylene", 0.005)
    parts = shell(x, y, z, wall, kind)
    for _ in range(rng.integers(0, 4)):
        a = x[0] + float(rng.uniform(0.05, 0.5)) * (x[1] - x[0])
        b, high = a + 0.3 * (x[1] - x[0]), z[0] + float(rng.uniform(0.08, 0.3))
        parts.append(slab((a, b), (y[0] + 0.05, y[1] - 0.05), (z[0] + 0.01, high), "steel", rng.uniform(0.1, 0.7)))
    inside = Room(x[0] + wall, x[1] - wall, y[0] + wall, y[1] - wall, z[0] + wall, z[1] - wall)
    return parts, Niche("tool box", inside)


def _hung(rng: np.random.Generator, plan: Frame, free: Span, radius: float) -> tuple[list[Solid], list[Niche]]:
    """What hangs below the girders between the legs and the wheels: spare wheel, boxes, tanks, side guards."""
    parts: list[Solid] = []
    niches: list[Niche] = []
    low, ground = plan.beam[0], plan.ground
    if free[1] - free[0] < 0.8:
        return parts, niches
    if rng.random() < 0.75:
        for _ in range(rng.integers(1, 3)):
            at = (float(rng.uniform(*free)), float(rng.choice([-0.25, 0.25])), low - 0.02)
            parts += air_tank(
                at, float(rng.uniform(0.13, 0.2)), float(rng.uniform(0.35, 0.8)), "x" if rng.random() < 0.5 else "y"
            )
    slots = list(np.arange(free[0], free[1] - 1.1, 1.25))
    rng.shuffle(slots)
    bottom = max(low - 0.62, ground + 0.35)
    if slots and rng.random() < 0.5:
        x = slots.pop() + 0.55
        parts += wheel((x, 0.0, bottom + 0.16), (radius, 0.29), "z")
        parts += [slab((x + s, x + s + 0.03), (-0.7, 0.7), (bottom - 0.03, bottom), "steel", STEEL * 0.4) for s in (-0.4, 0.37)]
        niches.append(Niche("spare wheel", Room(x - 0.5, x + 0.5, -0.5, 0.5, bottom + 0.3, max(low, bottom + 0.65))))
    if slots and rng.random() < 0.5:
        x, side = slots.pop(), float(rng.choice([-1.0, 1.0]))
        made, niche = tool_box(rng, (x, x + float(rng.uniform(0.6, 1.1))), (0.62, 1.2), (bottom, bottom + 0.55))
        parts += made if side > 0 else [mirrored(p, "y") for p in made]
        room = niche.room if side > 0 else replace(niche.room, y0=-niche.room.y1, y1=-niche.room.y0)
        niches.append(Niche(niche.name, room))
    if rng.random() < 0.35:
        guard = [slab(free, (1.19, 1.215), (ground + z, ground + z + 0.1), "aluminum", 0.8) for z in (0.5, 0.8)]
        guard += [slab((x, x + 0.05), (1.15, 1.19), (ground + 0.45, low), "steel", STEEL * 0.2) for x in np.linspace(*free, 4)]
        parts += both_sides(guard)
    niches.append(Niche("under floor", Room(free[0], free[1], -0.42, 0.42, low, max(plan.beam[1], low + 0.35))))
    return parts, niches
