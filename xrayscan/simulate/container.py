"""Containers and what carries them: walls, posts, rails, floor, chassis and wheels.

Dimensions are those of ISO 668:2020 (series 1 freight containers); plate thicknesses are common practice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xrayscan.simulate.geometry import Solid, box, cylinder
from xrayscan.simulate.material import material

__all__ = ["CONTAINERS", "Container", "Room", "chassis", "shell"]

STEEL = material("steel").density
WIDTH = 2.438  # outside [m]
WALL = 0.05  # from the outside to where the load may stand [m]


@dataclass(frozen=True)
class Room:
    """An upright box of space [m]: along the travel, across, and up from the floor."""

    x0: float
    x1: float
    y0: float
    y1: float
    z0: float
    z1: float

    @property
    def size(self) -> tuple[float, float, float]:
        """(length, depth, height) [m]."""
        return self.x1 - self.x0, self.y1 - self.y0, self.z1 - self.z0


@dataclass(frozen=True)
class Container:
    """Outside length and height [m]."""

    name: str
    length: float
    height: float

    def room(self) -> Room:
        """The inside, its floor at z = 0."""
        return Room(WALL, self.length - WALL, -WIDTH / 2 + WALL, WIDTH / 2 - WALL, 0.0, self.height - 0.25)


CONTAINERS = (
    Container("20 ft", 6.058, 2.591),
    Container("40 ft", 12.192, 2.591),
    Container("40 ft high cube", 12.192, 2.896),
    Container("45 ft high cube", 13.716, 2.896),
)


def shell(rng: np.random.Generator, container: Container) -> list[Solid]:
    """Walls, roof, floor, posts and rails of a container; the underside of its floor is at z = −0.15."""
    length, top = container.length, container.height - 0.15
    sheet = rng.uniform(0.0016, 0.0028)
    parts = [
        box((0, s * WIDTH / 2 - sheet / 2, 0), (length, s * WIDTH / 2 + sheet / 2, top), "steel", STEEL) for s in (-1.0, 1.0)
    ]
    # Corrugation: on the slanted flanks of each wave a ray passes more steel.
    wave = rng.uniform(0.20, 0.32)
    for side in (-1.0, 1.0):
        for x in np.arange(0.15, length - 0.2, wave):
            y = side * (WIDTH / 2 - 0.02)
            parts.append(box((x, y - sheet / 4, 0.05), (x + 0.07, y + sheet / 4, top - 0.05), "steel", STEEL))
    parts.append(box((0, -WIDTH / 2, top - sheet), (length, WIDTH / 2, top), "steel", STEEL))
    parts.append(box((0, -WIDTH / 2, -0.028), (length, WIDTH / 2, 0.0), "wood", 0.7))
    for x in np.arange(0.1, length, rng.uniform(0.25, 0.35)):
        parts.append(box((x, -WIDTH / 2 + 0.06, -0.15), (x + 0.006, WIDTH / 2 - 0.06, -0.03), "steel", STEEL))
    for side in (-1.0, 1.0):
        y = side * (WIDTH / 2 - 0.03)
        for low, high, thick in ((top - 0.06, top, 0.25), (-0.15, -0.02, 0.12)):
            parts.append(box((0, y - 0.03, low), (length, y + 0.03, high), "steel", STEEL * thick))
        for x in (0.0, length - 0.12):
            parts.append(box((x, y - 0.05, -0.15), (x + 0.12, y + 0.05, top), "steel", STEEL * 0.2))
            parts.append(box((x, y - 0.05, top - 0.1), (x + 0.16, y + 0.05, top + 0.02), "steel", STEEL * 0.4))
    parts.append(box((0.02, -WIDTH / 2, 0), (0.024, WIDTH / 2, top), "steel", STEEL * 0.6))
    parts.append(box((length - 0.05, -WIDTH / 2, 0), (length - 0.045, WIDTH / 2, top), "steel", STEEL * 0.8))
    for y in (-0.7, -0.25, 0.25, 0.7):
        parts.append(cylinder((length + 0.02, y, top / 2), 0.02, top, "steel", STEEL * 0.6))
    return [_fixed(part) for part in parts]


def chassis(rng: np.random.Generator, container: Container) -> list[Solid]:
    """A trailer below: two beams, cross members, wheels, legs and boxes."""
    length, low = container.length, -0.15
    start, end = -rng.uniform(0, 1.5), length + rng.uniform(0, 1.2)
    parts = []
    for side in (-1.0, 1.0):
        y = side * 0.45
        depth = rng.uniform(0.2, 0.4)
        parts.append(box((start, y - 0.004, low - depth), (end, y + 0.004, low - 0.01), "steel", STEEL))
        for z in (low - depth, low - 0.02):
            parts.append(box((start, y - 0.07, z), (end, y + 0.07, z + 0.012), "steel", STEEL))
    for x in np.arange(start, end, rng.uniform(0.5, 1.2)):
        parts.append(box((x, -1.1, low - 0.15), (x + 0.05, 1.1, low - 0.05), "steel", STEEL * 0.15))
    radius = rng.uniform(0.45, 0.54)
    axles = [rng.uniform(0.6, 0.8) * length + i * (2 * radius + 0.25) for i in range(rng.integers(1, 4))]
    axles += [rng.uniform(-0.05, 0.1) * length + i * (2 * radius + 0.3) for i in range(rng.integers(0, 3))]
    for x in axles:
        for side in (-1.0, 1.0):
            for y in (side * 0.75, side * 1.05):
                parts.append(cylinder((x, y, low - 0.45 - radius), radius, 0.24, "rubber", 1.1, axis="y"))
                parts.append(cylinder((x, y, low - 0.45 - radius), radius * 0.62, 0.24, "rubber", -1.05, axis="y"))
                parts.append(cylinder((x, y, low - 0.45 - radius), radius * 0.55, 0.1, "steel", STEEL * 0.2, axis="y"))
    for _ in range(rng.integers(0, 3)):
        x = rng.uniform(0.2, 0.6) * length
        parts.append(box((x, -0.4, low - 0.9), (x + rng.uniform(0.4, 0.9), 0.4, low - 0.5), "steel", rng.uniform(0.05, 0.5)))
    return [_fixed(part) for part in parts]


def _fixed(part: Solid) -> Solid:
    """The same solid as part of the vehicle: no cavity is cut out of it."""
    return Solid(part.shape, part.center, part.half, part.material, part.density, part.turn, False)
