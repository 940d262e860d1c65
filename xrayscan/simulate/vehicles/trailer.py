"""Bodies of trailers and trucks: box, curtain and refrigerated."""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.solid import Room, Solid, cylinder
from xrayscan.simulate.vehicles.container import door_gear
from xrayscan.simulate.vehicles.parts import STEEL, both_sides, shell, slab, tube
from xrayscan.simulate.vehicles.reefer import insulated, machinery, t_floor
from xrayscan.simulate.vehicles.vehicle import Niche, Unit

__all__ = ["HALF", "LOW", "box_body", "cooled_body", "curtain_body"]

HALF = 1.275
"""Half of a trailer's outside width [m]."""
LOW = -0.16
"""z of the underside of a trailer's floor frame [m]."""


def _floor(rng: np.random.Generator, length: float) -> list[Solid]:
    """Boards on cross members between side rails."""
    thick = float(rng.uniform(0.024, 0.032))
    parts = [slab((0.03, length - 0.03), (-1.21, 1.21), (-thick, 0.0), "wood", float(rng.uniform(0.6, 0.75)))]
    for x in np.arange(0.2, length - 0.1, float(rng.uniform(0.3, 0.5))):
        parts.append(slab((x, x + 0.005), (-1.21, 1.21), (-thick - 0.1, -thick)))
        parts.append(slab((x + 0.005, x + 0.05), (-1.21, 1.21), (-thick - 0.1, -thick - 0.094)))
    rail = [
        slab((0.0, length), (HALF - 0.005, HALF), (LOW, 0.0)),
        slab((0.0, length), (HALF - 0.06, HALF - 0.005), (LOW, LOW + 0.005)),
    ]
    return parts + both_sides(rail)


def _rear_doors(rng: np.random.Generator, length: float, top: float, kind: str) -> list[Solid]:
    """Two door leaves of aluminum or plywood in a steel frame."""
    x, high = length - 0.07, top - 0.1
    parts = both_sides(tube((length - 0.1, length), (HALF - 0.09, HALF), (LOW, top), 0.005))
    parts += tube((length - 0.1, length), (-HALF + 0.09, HALF - 0.09), (high, top), 0.004)
    for y in ((-1.18, -0.005), (0.005, 1.18)):
        if kind == "wood":
            parts.append(slab((x, x + 0.025), y, (0.02, high), "wood", 0.7))
            parts.append(slab((x + 0.025, x + 0.027), y, (0.02, high), "aluminum"))
        else:
            parts += [slab((x, x + 0.03), y, (0.02, high), "aluminum", 0.35)]
        for edge in ((y[0], y[0] + 0.05), (y[1] - 0.05, y[1])):
            parts.append(slab((x + 0.027, x + 0.045), edge, (0.02, high), "aluminum", 1.2))
    return parts + door_gear(rng, length - 0.025, high)


def box_body(rng: np.random.Generator, length: float, high: float, below: Niche | None = None) -> Unit:
    """A box: sandwich panels, or sheets of aluminum on posts.

    Parameters
    ----------
    rng : numpy.random.Generator
    length, high : float [m]
        Outside length; height of the inside.
    below : Niche, optional
        A place under the floor.

    Returns
    -------
    Unit
    """
    top, thick = high + 0.05, float(rng.uniform(0.018, 0.03))
    x, z = (0.06, length - 0.1), (0.0, high)
    parts = _floor(rng, length)
    face = HALF - thick
    if rng.random() < 0.6:
        wood = rng.random() < 0.5
        skin = 0.0015
        wall = [
            slab(x, (HALF - skin, HALF), z, "polyethylene", 1.6),
            slab(x, (face + skin, HALF - skin), z, "wood" if wood else "foam", 0.65 if wood else 0.06),
            slab(x, (face, face + skin), z, "polyethylene", 1.6),
        ]
    else:
        wall = [slab(x, (HALF - 0.0014, HALF), z, "aluminum"), slab(x, (face, face + 0.006), (0.0, 1.2), "wood", 0.65)]
        for at in np.arange(0.4, length - 0.2, float(rng.choice([0.41, 0.61]))):
            wall.append(slab((at, at + 0.03), (HALF - 0.013, HALF - 0.0014), z, "aluminum", 1.4))
    for at in (0.62, 1.24):  # a track to lash to
        if rng.random() < 0.5:
            wall.append(slab(x, (face - 0.006, face), (at, at + 0.12), "steel", STEEL * 0.3))
    wall += tube(x, (HALF - 0.07, HALF), (high, top), 0.003, "aluminum")
    parts += both_sides(wall)
    parts.append(slab(x, (-HALF + 0.07, HALF - 0.07), (top - 0.02, top - 0.018), "aluminum"))
    for at in np.arange(0.5, length - 0.3, float(rng.uniform(0.5, 0.7))):
        parts.append(slab((at, at + 0.03), (-HALF + 0.07, HALF - 0.07), (top - 0.045, top - 0.02), "aluminum", 0.6))
    parts += [
        slab((0.0, 0.03), (-HALF + 0.08, HALF - 0.08), (0.0, top), "wood", 0.65),
        *both_sides(tube((0.0, 0.06), (HALF - 0.08, HALF), (LOW, top), 0.005)),
    ]
    parts += _rear_doors(rng, length, top, "wood" if rng.random() < 0.5 else "aluminum")
    room = Room(0.07, length - 0.11, -face + 0.007, face - 0.007, 0.0, high - 0.01)
    return Unit(tuple(parts), room, "box", length, LOW, top, (below,) if below else ())


def curtain_body(rng: np.random.Generator, length: float, high: float, below: Niche | None = None) -> Unit:
    """Curtains on sliding posts with laths, roof bows and a tarpaulin, a bulkhead and doors; as `box_body`."""
    top = high + 0.12
    parts = _floor(rng, length)
    side: list[Solid] = [slab((0.08, length - 0.1), (HALF - 0.0012, HALF), (LOW, top), "PVC", 1.2)]
    for at in np.linspace(0.0, length, int(rng.integers(4, 7)))[1:-1]:
        side += tube((at - 0.06, at + 0.06), (HALF - 0.07, HALF - 0.01), (0.0, high), 0.004)
        side.append(slab((at - 0.08, at + 0.08), (HALF - 0.09, HALF - 0.01), (LOW + 0.02, 0.0), "steel", STEEL * 0.25))
    for z in np.linspace(0.35, high - 0.4, int(rng.integers(2, 6))):
        kind, density = ("wood", 0.6) if rng.random() < 0.4 else ("aluminum", 0.5)
        side.append(slab((0.1, length - 0.12), (HALF - 0.095, HALF - 0.07), (z, z + 0.11), kind, density))
    side += tube((0.08, length - 0.1), (HALF - 0.09, HALF - 0.002), (high, top), 0.003, "aluminum")
    for at in np.arange(0.5, length - 0.3, float(rng.uniform(0.6, 1.1))):  # buckles and straps
        side.append(slab((at, at + 0.045), (HALF, HALF + 0.004), (LOW - 0.05, 0.3), "textile", 0.9))
        side.append(slab((at, at + 0.05), (HALF + 0.004, HALF + 0.02), (LOW, LOW + 0.12), "steel", STEEL * 0.3))
    parts += both_sides(side)
    for at in np.arange(0.6, length - 0.3, float(rng.uniform(0.6, 0.9))):
        parts.append(slab((at, at + 0.04), (-HALF + 0.09, HALF - 0.09), (top - 0.05, top - 0.02), "aluminum", 0.7))
    parts.append(slab((0.05, length - 0.1), (-HALF + 0.09, HALF - 0.09), (top - 0.001, top), "PVC", 1.2))
    parts += [
        slab((0.0, 0.03), (-HALF + 0.1, HALF - 0.1), (0.0, top), "aluminum", 0.4),
        *both_sides(tube((0.0, 0.08), (HALF - 0.1, HALF), (LOW, top), 0.006)),
    ]
    parts += _rear_doors(rng, length, top, "aluminum")
    niches = [below] if below else []
    if rng.random() < 0.35:
        cage, niche = _pallet_cage(0.42 * length)
        parts += cage
        niches.append(niche)
    room = Room(0.085, length - 0.12, -1.17, 1.17, 0.0, high - 0.01)
    return Unit(tuple(parts), room, "box", length, LOW, top, tuple(niches))


def _pallet_cage(x: float) -> tuple[list[Solid], Niche]:
    """A cage for empty pallets under the floor."""
    z = (LOW - 0.72, LOW - 0.02)
    parts = shell((x, x + 1.3), (0.55, 1.24), z, 0.0015)
    for low in (z[0] + 0.02, z[0] + 0.17):
        parts.append(slab((x + 0.05, x + 1.25), (0.6, 1.2), (low, low + 0.13), "wood", 0.18))
    return parts, Niche("tool box", Room(x + 0.01, x + 1.29, 0.56, 1.23, z[0] + 0.01, z[1] - 0.01))


def cooled_body(rng: np.random.Generator, length: float, high: float, below: Niche | None = None) -> Unit:
    """An insulated body with a refrigeration unit on its front wall, which stands before x = 0; as `box_body`."""
    thick = float(rng.uniform(0.05, 0.08))
    top = high + thick
    inside = HALF - thick
    parts = insulated(rng, (0.0, length - 0.12), HALF, (-0.1, top), thick)
    parts += t_floor(rng, (0.1, length - 0.1), inside, 0.12)
    parts.append(slab((0.0, 0.1), (-inside, inside), (0.0, high), "foam", 0.08))
    for x in np.arange(0.25, length - 0.1, float(rng.uniform(0.4, 0.6))):
        parts.append(slab((x, x + 0.006), (-1.2, 1.2), (LOW, -0.12)))
        parts.append(slab((x + 0.006, x + 0.06), (-1.2, 1.2), (LOW, LOW + 0.006)))
    for y in ((-1.2, -0.005), (0.005, 1.2)):
        parts.append(slab((length - 0.11, length - 0.03), y, (0.0, top - 0.08), "foam", 0.07))
        parts.append(slab((length - 0.03, length - 0.028), y, (0.0, top - 0.08), "steel"))
        parts.append(slab((length - 0.112, length - 0.11), y, (0.0, top - 0.08), "steel"))
    parts += both_sides(tube((length - 0.12, length), (HALF - 0.06, HALF), (LOW, top), 0.004))
    parts += door_gear(rng, length - 0.028, top - 0.1)
    z = (float(rng.uniform(0.4, 0.8)), high)
    parts += machinery(rng, (-0.45, -0.01), z)
    parts += [slab((-0.46, -0.452), (-0.95, 0.95), z, "polyethylene", 0.9)]
    if rng.random() < 0.5:
        parts.append(cylinder((0.35, 0.0, high - 0.25), 0.22, 1.2, "copper", 0.25, "y"))
    niches = (Niche("reefer machinery", Room(-0.45, -0.02, -0.9, 0.9, z[0], z[1])), *([below] if below else []))
    room = Room(0.62, length - 0.12, -inside + 0.005, inside - 0.005, 0.0, high - 0.01)
    return Unit(tuple(parts), room, "box", length, LOW, top, niches)
