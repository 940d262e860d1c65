"""Containers of corrugated steel: dry, open top and flat rack.

References
----------
ISO 668:2020, series 1 freight containers: outside dimensions. ISO 1161:2016: corner fittings. Plate thicknesses are common
practice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.simulate.solid import Room, Solid, cylinder
from xrayscan.simulate.vehicles.parts import STEEL, Span, both_sides, rod, slab, tube
from xrayscan.simulate.vehicles.vehicle import Niche, Unit

__all__ = ["BASE", "HALF", "SIZES", "Size", "corner_castings", "door_gear", "dry", "flat_rack", "open_top", "under_floor"]

HALF = 1.219
"""Half of a container's outside width [m]."""
BASE = -0.165
"""z of the underside of the corner fittings where the floor is z = 0 [m]."""
POST = 0.09  # along the travel, at each end [m]
RAIL = 0.06


@dataclass(frozen=True)
class Size:
    """Outside length and height [m]."""

    name: str
    length: float
    height: float

    @property
    def top(self) -> float:
        """Upper side of the upper corner fittings [m]."""
        return BASE + self.height


SIZES = {
    size.name: size
    for size in (
        Size("20 ft", 6.058, 2.591),
        Size("40 ft", 12.192, 2.591),
        Size("40 ft high cube", 12.192, 2.896),
        Size("45 ft high cube", 13.716, 2.896),
    )
}


def dry(rng: np.random.Generator, size: Size) -> Unit:
    """A dry container, its doors at the rear."""
    length, top = size.length, size.top
    wear = float(rng.uniform(0.9, 1.1))
    solids = [
        *under_floor(rng, length),
        *_side_walls(rng, (POST, length - POST), (0.0, top - 0.066), wear),
        *_roof(rng, (RAIL, length - RAIL), top, wear),
        *_front_wall(rng, (0.0, top - 0.066)),
        *_frame(length, top),
        *_doors(rng, length, top),
        *corner_castings(length, BASE, top),
        *_fittings(rng, length, top),
    ]
    room = Room(POST, length - POST, -1.16, 1.16, 0.0, top - 0.068)
    return Unit(tuple(solids), room, "box", length, BASE, top, (_below(length),))


def _below(length: float) -> Niche:
    return Niche("under floor", Room(0.25 * length, 0.75 * length, -1.0, 1.0, BASE - 0.4, BASE + 0.02))


def under_floor(rng: np.random.Generator, length: float, deep: float = 0.122) -> list[Solid]:
    """Plywood, cross members, side rails, and the tunnel or the fork pockets of a floor at z = 0."""
    low = -0.028 - deep
    thick = float(rng.uniform(0.0038, 0.0045))
    parts = [slab((0.02, length - 0.03), (-1.165, 1.165), (-0.028, 0.0), "wood", float(rng.uniform(0.72, 0.88)))]
    tunnel = 3.3 if length > 9 else 0.0
    step = float(rng.uniform(0.27, 0.33))
    pockets = [length / 2 + s * 1.025 for s in (-1, 1)] if length < 9 and rng.random() < 0.8 else []
    for x in np.arange(0.2, length - 0.12, step):
        if any(abs(x - p) < 0.22 for p in pockets):
            continue
        sides: list[Span] = [(-1.165, -0.53), (0.53, 1.165)] if x < tunnel else [(-1.165, 1.165)]
        for side in sides:
            parts.append(slab((x, x + thick), side, (low, -0.028)))
            parts.append(slab((x + thick, x + 0.045), side, (low, low + 0.006)))
    for p in pockets:
        parts += tube((p - 0.18, p + 0.18), (-1.165, 1.165), (low, -0.04), 0.006)
    if tunnel:
        parts.append(slab((0.02, tunnel), (-0.52, 0.52), (-0.033, -0.029)))
        parts += both_sides([slab((0.02, tunnel), (0.52, 0.524), (low, -0.034))])
        parts.append(slab((tunnel, tunnel + 0.09), (-0.6, 0.6), (low, -0.04), "steel", STEEL * 0.2))
    rail = [
        slab((0.16, length - 0.16), (HALF - 0.008, HALF - 0.0035), (-0.158, 0.0)),
        slab((0.16, length - 0.16), (HALF - 0.05, HALF - 0.008), (-0.158, -0.153)),
        slab((0.16, length - 0.16), (HALF - 0.05, HALF - 0.008), (-0.005, 0.0)),
    ]
    return parts + both_sides(rail)


def _side_walls(rng: np.random.Generator, x: Span, z: Span, wear: float) -> list[Solid]:
    """Corrugated walls: thicker panels at the ends, and more steel on the slanted flanks of each wave."""
    middle, ends = 0.0016 * wear, 0.0020 * wear
    reach = float(rng.uniform(1.0, 1.9))
    wave, flank = float(rng.choice([0.278, 0.278, 0.25, 0.34])), 0.068
    extra = float(rng.uniform(0.13, 0.35))
    parts = []
    for side in (-1.0, 1.0):
        face = side * 1.196
        for start, end, thick in ((x[0], x[0] + reach, ends), (x[0] + reach, x[1] - reach, middle), (x[1] - reach, x[1], ends)):
            parts.append(slab((start, end), _rising(face, face + side * thick), z))
        phase = float(rng.uniform(0.0, wave))
        for start in np.arange(x[0] + 0.1 + phase, x[1] - 0.2, wave / 2):
            thin = extra * middle
            parts.append(slab((start, start + flank), _rising(face, face - side * thin), (z[0] + 0.03, z[1] - 0.02)))
    return parts


def _rising(a: float, b: float) -> Span:
    return (a, b) if a < b else (b, a)


def _roof(rng: np.random.Generator, x: Span, top: float, wear: float) -> list[Solid]:
    """A sheet with stamped cross waves, whose edges a ray from below meets at a grazing angle."""
    thick, z = 0.0020 * wear, top - 0.03
    parts = [slab(x, (-1.159, 1.159), (z, z + thick))]
    wave, gap = float(rng.uniform(0.24, 0.45)), float(rng.uniform(0.35, 0.5))
    more = thick * float(rng.uniform(0.5, 1.2))
    for start in np.arange(x[0] + 0.45, x[1] - 0.5, wave):
        for edge in (start, start + wave * gap):
            parts.append(slab((edge, edge + 0.014), (-1.09, 1.09), (z - more, z)))
    for start in (x[0], x[1] - 0.35):
        parts.append(slab((start, start + 0.35), (-1.159, 1.159), (z + thick, z + thick + 0.003)))
    return parts


def _panel(x: Span, y: Span, z: Span, sheet: float) -> list[Solid]:
    """A corrugated wall across the travel: its flats lie at both faces, its flanks in between."""
    return [
        slab((x[0], x[0] + sheet), y, z, "steel", STEEL * 0.45),
        slab((x[0] + sheet, x[1] - sheet), y, z, "steel", STEEL * 0.65 * sheet / (x[1] - x[0])),
        slab((x[1] - sheet, x[1]), y, z, "steel", STEEL * 0.45),
    ]


def _front_wall(rng: np.random.Generator, z: Span) -> list[Solid]:
    return [
        *_panel((0.018, 0.056), (-1.1, 1.1), z, float(rng.uniform(0.0018, 0.0022))),
        *tube((0.0, RAIL), (-1.05, 1.05), (z[1], z[1] + RAIL), 0.004),
        *tube((0.0, 0.07), (-1.05, 1.05), (-0.158, -0.03), 0.005),
    ]


def _frame(length: float, top: float) -> list[Solid]:
    """Corner posts and upper side rails."""
    low = BASE + 0.118
    parts = []
    rear = (length - POST, length)
    for x, flange, wall in (((0.0, POST), (POST, 0.19), 0.006), (rear, (length - 0.19, rear[0]), 0.008)):
        parts += tube(x, (1.1, HALF), (low, top - 0.118), wall)
        parts.append(slab(flange, (1.198, 1.203), (0.0, top - 0.12)))
    parts += tube((0.178, length - 0.178), (HALF - RAIL, HALF), (top - 0.066, top - 0.006), 0.003)
    return both_sides(parts)


def corner_castings(length: float, low: float, high: float) -> list[Solid]:
    """Eight corner fittings with their openings."""
    parts = []
    for x in ((0.0, 0.178), (length - 0.178, length)):
        for z in ((low, low + 0.118), (high - 0.118, high)):
            parts.append(slab(x, (HALF - 0.162, HALF), z))
            hollow = (HALF - 0.142, HALF - 0.034), (z[0] + 0.026, z[1] - 0.026)
            parts.append(slab((x[0] + 0.026, x[1] - 0.026), *hollow, "steel", 0.0))
            parts.append(cylinder((sum(x) / 2, HALF - 0.017, sum(z) / 2), 0.035, 0.034, "steel", 0.0, "y"))
    return both_sides(parts)


def _doors(rng: np.random.Generator, length: float, top: float) -> list[Solid]:
    """Two leaves with their frames, header, sill and gear."""
    x, high = length - 0.085, top - 0.12
    sheet = float(rng.uniform(0.0018, 0.0022))
    parts = [
        *tube((length - 0.09, length - 0.01), (-1.05, 1.05), (high, top - 0.006), 0.004),
        *tube((length - 0.15, length), (-1.05, 1.05), (-0.16, -0.03), 0.005),
    ]
    for y in ((-1.095, -0.008), (0.008, 1.095)):
        parts += _panel((x, x + 0.036), (y[0] + 0.1, y[1] - 0.1), (0.02, high - 0.02), sheet)
        for edge in ((y[0], y[0] + 0.1), (y[1] - 0.1, y[1])):
            parts += tube((x, x + 0.05), edge, (0.02, high - 0.02), 0.003)
        for z in (0.02, high - 0.12):
            parts.append(slab((x + 0.036, x + 0.05), (y[0] + 0.1, y[1] - 0.1), (z, z + 0.1), "steel", STEEL * 0.4))
        parts.append(slab((x - 0.004, x), y, (0.0, 0.02), "rubber"))
    return parts + door_gear(rng, length - 0.035, high)


def door_gear(rng: np.random.Generator, x: float, high: float) -> list[Solid]:
    """Locking bars with cams, guides and handles, and hinges, behind x [m]."""
    kind, parts = ("steel", STEEL * 0.35), []
    for y in (-0.87, -0.33, 0.33, 0.87):
        parts.append(cylinder((x + 0.02, y, high / 2), 0.0165, high + 0.06, *kind))
        for z in (0.04, high * float(rng.uniform(0.3, 0.4)), high * float(rng.uniform(0.6, 0.7)), high - 0.05):
            parts.append(slab((x, x + 0.03), (y + 0.0165, y + 0.07), (z - 0.03, z + 0.03), "steel", STEEL * 0.5))
        z = float(rng.uniform(0.75, 1.1))
        parts.append(
            slab(
                (x + 0.005, x + 0.03),
                (y + 0.0165, y + 0.4) if y < 0 else (y - 0.4, y - 0.0165),
                (z, z + 0.03),
                "steel",
                STEEL * 0.5,
            )
        )
    for z in np.linspace(0.15, high - 0.15, 4):
        parts += both_sides([slab((x, x + 0.03), (1.0, 1.15), (z - 0.04, z + 0.04), "steel", STEEL * 0.5)])
    return parts


def _fittings(rng: np.random.Generator, length: float, top: float) -> list[Solid]:
    """Lashing rings along the rails, ventilators, placards and welded patches."""
    parts = []
    if rng.random() < 0.7:
        for x in np.arange(0.5, length - 0.4, float(rng.uniform(0.9, 1.5))):
            for z in (0.03, top - 0.09):
                parts += [cylinder((x, s * 1.175, z), 0.024, 0.009, "steel", STEEL * 0.6, "y") for s in (-1, 1)]
    for side in (-1.0, 1.0):
        face = side * HALF
        for x in [0.5, length - 0.6] if rng.random() < 0.7 else []:
            parts.append(slab((x, x + 0.3), _rising(face - side * 0.02, face), (top - 0.2, top - 0.1), "polyethylene", 0.3))
        for _ in range(rng.integers(0, 4)):
            x, z = float(rng.uniform(0.5, length - 1.2)), float(rng.uniform(0.2, top - 0.7))
            wide, high = float(rng.uniform(0.15, 0.6)), float(rng.uniform(0.1, 0.4))
            thin = float(rng.choice([0.0006, 0.0015, 0.002]))
            parts.append(slab((x, x + wide), _rising(face - side * 0.005, face - side * (0.005 + thin)), (z, z + high)))
    return parts


def open_top(rng: np.random.Generator, size: Size) -> Unit:
    """A container under a tarpaulin on bows."""
    length, top = size.length, size.top
    solids = [
        *under_floor(rng, length),
        *_side_walls(rng, (POST, length - POST), (0.0, top - 0.066), float(rng.uniform(1.0, 1.25))),
        *_front_wall(rng, (0.0, top - 0.066)),
        *_frame(length, top),
        *_doors(rng, length, top),
        *corner_castings(length, BASE, top),
        *_fittings(rng, length, top),
    ]
    z = top - 0.03
    if rng.random() < 0.85:
        solids.append(slab((0.02, length - 0.02), (-1.159, 1.159), (z, z + 0.001), "PVC", 1.2))
        solids += both_sides([slab((0.18, length - 0.18), (HALF, HALF + 0.002), (top - 0.35, top - 0.02), "PVC", 1.2)])
    for x in np.arange(0.5, length - 0.3, float(rng.uniform(0.5, 0.75))):
        solids.append(cylinder((x, 0.0, z - 0.017), 0.016, 2.31, "steel", STEEL * 0.35, "y"))
    room = Room(POST, length - POST, -1.16, 1.16, 0.0, top - 0.07)
    return Unit(tuple(solids), room, "box", length, BASE, top, (_below(length),))


def flat_rack(rng: np.random.Generator, size: Size) -> Unit:
    """A platform with two end walls."""
    length, deep = size.length, 0.60 if size.length > 9 else 0.34
    low, top = -deep - 0.03, size.height - deep - 0.03
    parts = [slab((0.1, length - 0.1), (-1.13, 1.13), (-0.03, 0.0), "wood", 0.75)]
    beam = [
        slab((0.0, length), (1.14, 1.152), (low + 0.03, -0.02)),
        slab((0.0, length), (1.06, HALF), (low + 0.012, low + 0.03)),
        slab((0.0, length), (1.06, HALF), (-0.02, 0.0)),
        *(slab((x, x + 0.03), (1.155, 1.21), (-0.3, -0.06), "steel", STEEL * 0.6) for x in np.arange(0.6, length - 0.5, 1.2)),
    ]
    parts += both_sides(beam)
    for x in np.arange(0.25, length - 0.2, float(rng.uniform(0.3, 0.45))):
        parts.append(slab((x, x + 0.005), (-1.05, 1.05), (-0.18, -0.03)))
        parts.append(slab((x + 0.005, x + 0.06), (-1.05, 1.05), (-0.18, -0.173)))
    wall = float(rng.uniform(0.0025, 0.004))
    for x in ((0.0, 0.2), (length - 0.2, length)):
        parts += both_sides(tube(x, (1.05, HALF), (0.0, top - 0.118), 0.01))
        parts += tube((x[0] + 0.04, x[1] - 0.04), (-1.05, 1.05), (top - 0.16, top - 0.02), 0.006)
        parts += _panel((sum(x) / 2 - 0.03, sum(x) / 2 + 0.03), (-1.05, 1.05), (0.02, top - 0.16), wall)
    parts += corner_castings(length, low, top)
    if rng.random() < 0.5:
        for x in (0.2, length - 0.2):
            end = x + (0.9 if x < 1 else -0.9)
            parts += both_sides([rod((x, 1.16, 0.9), (end, 1.16, 0.03), 0.02)])
    room = Room(0.22, length - 0.22, -1.15, 1.15, 0.0, top - 0.02)
    below = Niche("under floor", Room(0.2 * length, 0.8 * length, -1.0, 1.0, low, -0.2))
    return Unit(tuple(parts), room, "open", length, low, top, (below,))
