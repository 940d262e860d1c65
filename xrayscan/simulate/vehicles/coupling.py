"""What joins a trailer to its tractor: coupler plate and king pin, fifth wheel on its stand, the end of the tractor's frame.

Seen by a near source, which looks down on them, these plates lie over one another and make the darkest part below a floor.

References
----------
ISO 337:1981, king pin of 50 mm. ISO 3842:2006, fifth wheels. Thicknesses are common practice.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from xrayscan.simulate.solid import Solid, cylinder
from xrayscan.simulate.vehicles.parts import STEEL, Span, both_sides, rod, slab, strut, tube

__all__ = ["coupler", "fifth_wheel", "frame_end", "guards"]

Rng = np.random.Generator


def coupler(rng: Rng, pin: float, front: float, neck: Span) -> list[Solid]:
    """The trailer's side: rubbing plate with a turned-up nose, its box of cross members, king pin, end beam and connections.

    Parameters
    ----------
    rng : numpy.random.Generator
    pin : float [m]
        x of the king pin.
    front : float [m]
        x of the trailer's foremost part.
    neck : (float, float) [m]
        Lower and upper z of the girders there.

    Returns
    -------
    list of Solid
    """
    low, high = neck
    half, thick = float(rng.uniform(0.5, 0.62)), float(rng.uniform(0.008, 0.012))
    x0, x1 = max(front, pin - float(rng.uniform(0.7, 0.9))), pin + float(rng.uniform(0.55, 0.8))
    parts = [
        slab((x0, x1), (-half, half), (low - thick, low)),
        slab((pin - 0.25, pin + 0.25), (-0.25, 0.25), (low, low + 0.016)),
        cylinder((pin, 0.0, low - 0.05), 0.0254, 0.084, "steel", STEEL),
        cylinder((pin, 0.0, low + 0.02), 0.1, 0.025, "steel", STEEL),
    ]
    deep = min(high - low - 0.02, float(rng.uniform(0.08, 0.14)))
    if rng.random() < 0.75:  # a second plate closes the box
        cover = float(rng.uniform(0.005, 0.008))
        parts.append(slab((x0 + 0.05, x1 - float(rng.uniform(0.0, 0.3))), (-0.42, 0.42), (low + deep - cover, low + deep)))
    for x in np.arange(x0 + 0.06, x1 - 0.05, float(rng.uniform(0.16, 0.3))):
        parts.append(slab((x, x + 0.008), (-half, half), (low, low + deep)))
        parts.append(slab((x + 0.008, x + 0.06), (-half, half), (low + deep - 0.008, low + deep)))
    if x0 - front < 0.4:
        rise = float(rng.uniform(0.03, 0.1))
        parts.append(strut((front - 0.06, low + rise), (x0, low - thick / 2), (-half, half), thick))
    wall, deep = float(rng.uniform(0.005, 0.01)), float(rng.uniform(0.12, 0.2))
    parts += tube((front - 0.12, front), (-1.15, 1.15), (high - 0.02 - deep, high - 0.02), wall)
    parts.append(slab((front - 0.18, front - 0.12), (-0.2, 0.2), (high - 0.12, high - 0.05), "aluminum", 1.2))
    if rng.random() < 0.3:  # a headboard's foot, or a stop for the container
        parts += both_sides([strut((front - 0.16, high - 0.1), (front + 0.05, high + 0.28), (0.9, 1.18), 0.012)])
    return parts


def fifth_wheel(rng: Rng, pin: float, plate: float, frame: float) -> list[Solid]:
    """The tractor's side: a ribbed top plate with skids, its two stands, and the plate that they are bolted to.

    Parameters
    ----------
    rng : numpy.random.Generator
    pin : float [m]
        x of the king pin.
    plate : float [m]
        z of the underside of the trailer's rubbing plate.
    frame : float [m]
        z of the upper side of the tractor's frame.

    Returns
    -------
    list of Solid
    """
    top = max(plate - 0.002, frame + 0.12)
    half, rib = float(rng.uniform(0.42, 0.5)), min(float(rng.uniform(0.06, 0.11)), top - frame - 0.05)
    casting = float(rng.uniform(0.2, 0.4)) * STEEL
    parts = [
        slab((pin - 0.38, pin + 0.3), (-half, half), (top - 0.018, top)),
        slab((pin - 0.32, pin + 0.26), (-half + 0.06, half - 0.06), (top - rib, top - 0.018), "steel", casting),
        cylinder((pin, 0.0, top - 0.05), 0.07, 0.07, "steel", STEEL * 0.8),
        rod((pin - 0.1, 0.0, top - rib), (pin - 0.1, half + 0.08, top - rib), 0.012),
    ]
    slope = float(rng.uniform(0.06, 0.12))
    skid = [strut((pin + 0.28, top - 0.012), (pin + float(rng.uniform(0.5, 0.62)), top - slope), (0.08, half), 0.022)]
    low = frame + float(rng.choice([0.012, 0.012, rng.uniform(0.02, 0.09)]))
    hub = top - rib - 0.01
    stand = [
        cylinder((pin - 0.02, half - 0.12, hub), 0.05, 0.12, "steel", STEEL * 0.8, "y"),
        *(
            strut((pin - 0.02 + s * 0.04, hub), (pin - 0.02 + s * 0.2, low + 0.02), (half - 0.17, half - 0.07), 0.03)
            for s in (-1, 1)
        ),
        slab((pin - 0.28, pin + 0.24), (half - 0.2, half), (low, low + 0.02)),
        slab((pin - 0.45, pin + 0.45), (0.43, 0.44), (frame - 0.08, low)),
    ]
    parts += both_sides([*skid, *stand])
    kind = rng.random()
    if kind < 0.6:  # a plate over both rails, flat or ribbed
        reach = float(rng.uniform(0.3, 0.5))
        parts.append(slab((pin - reach, pin + reach), (-0.46, 0.46), (low - 0.011, low)))
        if kind < 0.3:
            parts.append(slab((pin - reach, pin + reach), (-0.46, 0.46), (frame - 0.03, low - 0.011), "steel", STEEL * 0.15))
    return parts


def frame_end(rng: Rng, end: float, ground: float, rails: Span) -> list[Solid]:
    """The last of a tractor's frame: cross member, tow hook and lights, at times ramps, an air vessel and a bent guard rail.

    Parameters
    ----------
    rng : numpy.random.Generator
    end : float [m]
        x of the rails' end.
    ground : float [m]
        z of the road.
    rails : (float, float) [m]
        Lower and upper z of the rails.

    Returns
    -------
    list of Solid
    """
    low, high = rails
    parts = [
        slab((end - 0.08, end - 0.07), (-0.42, 0.42), (low + 0.03, high)),
        slab((end - 0.07, end), (-0.42, 0.42), (low + 0.03, low + 0.042)),
        slab((end - 0.05, end + 0.02), (-0.06, 0.06), (low + 0.06, low + 0.18), "steel", STEEL * 0.6),
    ]
    bar = low - float(rng.uniform(-0.1, 0.12))
    lamp = [
        slab((end, end + 0.08), (0.55, 1.0), (bar, bar + 0.14), "polyethylene", 0.35),
        slab((end - 0.02, end), (0.3, 1.05), (bar + 0.02, bar + 0.1), "steel", STEEL * 0.3),
    ]
    if rng.random() < 0.5:  # ramps that a trailer's plate climbs on
        lamp.append(strut((end - float(rng.uniform(0.4, 0.7)), high + 0.06), (end + 0.02, high - 0.06), (0.36, 0.46), 0.02))
    if rng.random() < 0.35:
        a, b = end - float(rng.uniform(0.7, 1.1)), end + float(rng.uniform(-0.1, 0.1))
        points = [(a, high + 0.12), ((a + b) / 2, high + 0.22), (b - 0.08, high + 0.14), (b, high - 0.05), (b, low + 0.02)]
        lamp += [rod((p[0], 0.95, p[1]), (q[0], 0.95, q[1]), 0.014, "steel", STEEL * 0.5) for p, q in pairwise(points)]
    if rng.random() < 0.4:
        lamp.append(cylinder((end - 0.2, 0.2, low + 0.02), 0.1, 0.32, "steel", STEEL * 0.08, "y"))
    return [*parts, *both_sides(lamp)]


def guards(rng: Rng, x: float, z: float, radius: float) -> list[Solid]:
    """Mudguards of plastic around the upper half of a drive axle's wheels, whole or in parts.

    Parameters
    ----------
    rng : numpy.random.Generator
    x, z, radius : float [m]
        The wheels' middle and radius.

    Returns
    -------
    list of Solid
    """
    if rng.random() < 0.3:
        return []
    r, thick = radius + float(rng.uniform(0.06, 0.12)), float(rng.uniform(0.003, 0.006))
    first, last = (0.0, np.pi) if rng.random() < 0.5 else (float(rng.uniform(0.1, 0.5)), float(rng.uniform(2.6, 3.0)))
    angles = np.linspace(first, last, 8)
    points = [(x + r * float(np.cos(a)), z + r * float(np.sin(a))) for a in angles]
    arc = [strut(a, b, (0.62, 1.24), thick, "polyethylene", 0.95) for b, a in pairwise(points)]
    for at in (points[1], points[-2]):
        arc.append(rod((at[0], 0.45, at[1]), (at[0], 1.2, at[1]), 0.018, "steel", STEEL * 0.4))
    return both_sides(arc)
