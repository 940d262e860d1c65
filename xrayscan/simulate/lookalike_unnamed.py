"""Look-alikes of no kind: of a person's size, but what they are is itself drawn, anew for every scan, for training.

A network that was trained on a list of things that look like a person knows the list, and takes the next thing for one. Nothing
can be learned of these but that they are no persons. Why things drawn at random help with things never seen: see
`xrayscan.simulate.loads.unnamed`. All are drawn about the origin; `lookalike` sets them down.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xrayscan.simulate.body import draw_body, shaped_solid
from xrayscan.simulate.extent import bounds, scaled, spun
from xrayscan.simulate.loads.unnamed import SHAPES, drawn_stuff, shaped
from xrayscan.simulate.lookalike_living import animal_head, animal_trunk
from xrayscan.simulate.material import MATERIALS
from xrayscan.simulate.solid import Room, Solid, box, capsule, ellipsoid, mesh_solid, rotation, turned

__all__ = ["animal", "figure", "thing"]

Rng = np.random.Generator
SIZES = (0.4, 1.85)  # of the longest side [m]
NARROWEST, HIGHEST = 0.13, 2.2  # [m]
MASSES, DENSER = (3.0, 220.0), 2.0  # [kg]; how much denser goods may become for it
WEIGHTS = (12.0, 160.0)  # of things [kg]
FLESH_LIKE = (0.75, 1.35)  # densities of which a figure would be a person, but for what is in it [g/cm³]
SHARE_OF_BOX = 0.6  # of the box around a part that is full, roughly
WAYS = ("column", "row", "heap", "any", "any")


def thing(rng: Rng) -> list[Solid]:
    """One to fourteen parts, each touching another, of one to three stuffs, some with walls, some wrapped."""
    middle, count, way = float(rng.uniform(0.08, 0.22)), int(rng.choice([1, 2, 3, 3, 4, 5, 7, 10, 14])), str(rng.choice(WAYS))
    stuffs = [drawn_stuff(rng) for _ in range(int(rng.choice([1, 1, 2, 3])))]
    forms = [str(form) for form in rng.choice(SHAPES, int(rng.choice([1, 1, 2, 4])))]
    varied, tilted = float(rng.choice([0.03, 0.2, 0.4])), float(rng.choice([0.0, 0.1, 0.6]))
    wall = drawn_stuff(rng) if rng.random() < 0.3 else None
    wrap = float(rng.uniform(0.005, 0.03)) if rng.random() < 0.3 else 0.0
    usual = middle * np.exp(rng.normal(0.0, 0.3, 3))
    centers, halves = np.zeros((count, 3)), usual * np.exp(rng.normal(0.0, varied, (count, 3)))
    for number in range(1, count):
        on = number - 1 if way in ("column", "row") else int(rng.integers(number))
        toward = _toward(rng, way)
        reach = sum(float(np.linalg.norm(halves[one] * toward)) for one in (on, number))
        centers[number] = centers[on] + toward * reach * rng.uniform(0.7, 1.0)
    outer, parts = [], []
    for center, half in zip(centers, halves, strict=True):
        form, stuff = forms[int(rng.integers(len(forms)))], stuffs[int(rng.integers(len(stuffs)))]
        turn = rotation(*rng.normal(0.0, tilted, 3)) if tilted else None
        if wrap:
            outer.append(ellipsoid(tuple(center), tuple(1.1 * half + wrap), "textile", 0.15))
        layers = [(half, stuff)] if wall is None else [(half, wall), (0.93 * half, stuff)]
        for reached, own in layers:
            part = shaped(form, _room(center, reached), own)
            parts.append(part if turn is None else turned(part, turn))
    return spun(
        _believable([*outer, *parts], float(rng.uniform(*SIZES)), float(np.exp(rng.uniform(*np.log(WEIGHTS))))),
        float(rng.uniform(-np.pi, np.pi)),
    )


def animal(rng: Rng) -> list[Solid]:
    """An animal that there is not: of any slenderness, with any number of legs; standing, lying, or on its side."""
    mass, slender = float(np.exp(rng.uniform(np.log(15.0), np.log(150.0)))), float(rng.uniform(2.8, 7.0))
    radius = (0.78 * mass / 1000.0 / (0.82 * np.pi * slender)) ** (1 / 3)
    length, leg, thick = slender * radius, radius * float(rng.uniform(0.3, 2.6)), radius * float(rng.uniform(0.12, 0.35))
    lying = bool(rng.random() < 0.5)
    height = radius if lying else leg + radius
    parts = animal_trunk(length, radius, height)
    for x in rng.uniform(-0.42, 0.42, int(rng.choice([0, 1, 2, 2, 2, 3, 4]))) * length:
        stride = float(rng.normal(0.0, 0.25)) * leg
        for y in (-0.55 * radius, 0.55 * radius):
            start = (float(x), y, height - 0.4 * radius)
            end = (float(x + (rng.choice([-1.0, 1.0]) * leg if lying else stride)), y * (2.4 if lying else 1.0), thick)
            parts.append(capsule(start, end, thick, "soft tissue", 1.06))
            parts.append(capsule(start, end, 0.35 * thick, "bone", 1.5))
    if rng.random() < 0.85:
        skull = radius * float(rng.uniform(0.45, 1.1)), radius * float(rng.uniform(0.3, 0.65))
        parts += animal_head(rng, (0.44 * length, 0.0, height + 0.35 * radius), length * float(rng.uniform(0.1, 0.4)), skull)
    side = float(rng.choice([-1.0, 1.0])) * np.pi / 2 if rng.random() < 0.3 else 0.0
    return spun(_believable(parts), float(rng.uniform(-np.pi, np.pi)), roll=side)


def figure(rng: Rng) -> list[Solid]:
    """A human form of any stuff, stretched along each axis; small where it is as dense as flesh. Some stand on a plate."""
    body = draw_body(rng)
    stuff, density = drawn_stuff(rng)
    form = shaped_solid(body, (0.0, 0.0, 0.0), stuff, density)
    small = FLESH_LIKE[0] < density < FLESH_LIKE[1]
    stretch = float(rng.uniform(0.3, 0.45) if small else rng.uniform(0.7, 1.15)) * np.exp(rng.normal(0.0, 0.12, 3))
    assert form.mesh is not None
    parts = _believable([mesh_solid((form.mesh.vertices + form.center) * stretch, form.mesh.faces, stuff, density)])
    if rng.random() < 0.4:
        low, high = bounds(parts)
        thick = float(rng.uniform(0.005, 0.1))
        parts = [box((low[0], low[1], low[2] - thick), (high[0], high[1], low[2]), *drawn_stuff(rng)), *parts]
    return parts


def _toward(rng: Rng, way: str) -> np.ndarray:
    """Direction in which the next part lies, of length 1."""
    toward = rng.normal(0.0, 1.0, 3)
    if way == "column":
        toward = toward * 0.2 + (0.0, 0.0, 1.0)
    if way == "row":
        toward = toward * 0.2 + (1.0, 0.0, 0.0)
    if way == "heap":
        toward = toward * (1.0, 1.0, 0.5)
    return np.asarray(toward / np.linalg.norm(toward))


def _room(center: np.ndarray, half: np.ndarray) -> Room:
    low, high = center - half, center + half
    return Room(*(float(value) for pair in zip(low, high, strict=True) for value in pair))


def _believable(parts: list[Solid], longest: float | None = None, mass: float | None = None) -> list[Solid]:
    """The same thing, as long [m] and as heavy [kg] as that, or else nearly as it is; all of it becomes lighter or heavier."""
    size = np.subtract(*bounds(parts)[::-1])
    wanted = float(np.clip(size.max(), *SIZES)) if longest is None else longest
    factor = min(max(wanted / size.max(), NARROWEST / size.min()), HIGHEST / size.max())
    parts = [scaled(part, factor) for part in parts]
    own = sum(_mass(part) for part in parts)
    share = min((float(np.clip(own, *MASSES)) if mass is None else mass) / own, DENSER)
    return [replace(part, density=min(part.density * share, MATERIALS[part.material].density)) for part in parts]


def _mass(solid: Solid) -> float:
    """Roughly, and without what other parts take the place of [kg]."""
    volume = solid.mesh.volume if solid.mesh is not None else 8.0 * float(np.prod(solid.half)) * SHARE_OF_BOX
    return 1000.0 * solid.density * volume
