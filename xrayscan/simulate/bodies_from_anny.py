"""Makes ``bodies.npz``, the library of bodies, from the parametric human model anny. Needed only to make it anew.

.. code-block:: console

    $ pip install "xrayscan[bodies]"
    $ python -m xrayscan.simulate.bodies_from_anny bodies.npz --seed 20261123

anny interpolates between MakeHuman's shapes by sex, age, weight and height. From it this script takes the shapes at rest and
the weights by which the skin follows the bones; the postures, the mesh and everything else are its own:

1. *Phenotypes*: a sex, an age, a stature and a mass are drawn; anny's parameters are solved until the mesh has them.
2. *Surface*: eyes, mouth and their cavities are closed; edges are collapsed until one closed mesh of a few faces is left, which
   serves all bodies in all postures (quadric error summed over shapes and postures; vertices are a subset of anny's).
3. *Postures*: joints are turned by angles that vary from body to body. Where the limbs sink into one another too much, the
   angles are drawn again and opened. What rests on the floor is flattened, and the skin is moved outward by the few
   millimeters that give the body its volume back.
4. *Points and organs*: joints and the points that hold lungs and skull follow their bones; each organ is made as much smaller
   as it takes to stay under the skin.

References
----------
R. Brégier et al., Human Mesh Modeling for Anny Body (2025), https://arxiv.org/abs/2511.03589: anny, Apache-2.0; MakeHuman's
data, CC0. anny's ``smplx`` topology, which is not free, is not used.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from xrayscan.errors import MissingDependencyError
from xrayscan.simulate.bodies_mesh import Collapse, closed, covered, normals, smoothed, volume, winding
from xrayscan.simulate.bodies_pose import POSES, Pose, Skeleton, base_pose, drawn_pose, skinned, turn
from xrayscan.simulate.body import ORGANS, UNIT, organ_solid
from xrayscan.simulate.solid import Solid

__all__ = ["main"]

DENSITY = 1.01  # whole body with the air in its lungs, at the volume of the skin [g/cm³]
VERTICES = 1150
PEOPLE = 36
OVERLAP = 0.045  # share of the volume that may lie in two limbs at once


# --- Phenotypes ---------------------------------------------------------------------------------------------------------------


@dataclass
class Rest:
    """A body at rest, facing +x: anny's vertices and bone heads [m], and what it was asked to be."""

    vertices: np.ndarray
    heads: np.ndarray
    sex: str
    age: float
    group: str
    stature: float
    mass: float


# Medians of stature [m] and mass [kg] by age, both sexes: ICRP 89 and WHO growth references, rounded.
GROWTH = np.array([
    [4, 1.03, 16.5], [6, 1.16, 20.5], [8, 1.28, 25.5], [10, 1.38, 32.0], [12, 1.50, 41.0], [14, 1.61, 51.0], [16, 1.68, 59.0],
    [18, 1.71, 63.0],
])  # fmt: skip


def needed(name: str) -> Any:
    """A module of the extra ``bodies``.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingDependencyError(f"making bodies needs {name}; install xrayscan[bodies]", extra="bodies") from error


class Maker:
    """anny, asked for a sex, age, stature and mass."""

    def __init__(self) -> None:
        anny, torch = needed("anny"), needed("torch")
        get_face_segmentation_mask = needed("anny.face_segmentation").get_face_segmentation_mask
        distribution = needed("anny.shape_distribution").SimpleShapeDistribution

        self.torch = torch
        self.model = anny.Anny(extrapolate_phenotypes=True).to(dtype=torch.float64)
        self.age = distribution(self.model).morphological_age_mapping
        inner = ["mouth_cavity", "tongue"]
        inner += [f"eye_{part}.{side}" for part in ("back", "front", "cavity") for side in "LR"]
        self.faces = closed(self.model.faces.numpy()[~get_face_segmentation_mask(self.model, inner)])
        self.bones = list(self.model.bone_labels)
        self.parents = list(self.model.bone_parents)
        weights = np.zeros((len(self.model.template_vertices), len(self.bones)))
        np.add.at(
            weights,
            (np.arange(len(weights))[:, None], self.model.vertex_bone_indices.numpy()),
            self.model.vertex_bone_weights.numpy(),
        )
        self.weights = weights / weights.sum(1, keepdims=True)

    def rest(self, sex: str, age: float, height: float, weight: float, muscle: float) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and bone heads [m] of anny's parameters, facing +x."""
        years = float(self.age.morphological_to_anny_age(self.torch.tensor([age], dtype=self.torch.float64))[0])
        out = self.model(
            phenotype_kwargs={
                "gender": 0.0 if sex == "male" else 1.0,
                "age": years,
                "height": height,
                "weight": weight,
                "muscle": muscle,
                "proportions": 0.5,
            }
        )
        facing = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        return out["rest_vertices"][0].numpy() @ facing.T, out["rest_bone_heads"][0].numpy() @ facing.T

    def solved(self, sex: str, age: float, stature: float, mass: float, muscle: float) -> Rest:
        """The body of that stature and mass: height and weight by secants, what is left over by a layer of fat."""
        height, weight = 0.4, 0.5
        for _ in range(6):
            vertices, heads = self.rest(sex, age, height, weight, muscle)
            taller, _ = self.rest(sex, age, height + 0.05, weight, muscle)
            tall = _stature(vertices)
            height += (stature - tall) / max((_stature(taller) - tall) / 0.05, 0.3)
            vertices, heads = self.rest(sex, age, height, weight, muscle)
            heavier, _ = self.rest(sex, age, height, weight + 0.1, muscle)
            now = self._mass(vertices)
            weight = float(np.clip(weight + (mass - now) / max((self._mass(heavier) - now) / 0.1, 1.0), -0.5, 1.3))
        vertices, heads = self.rest(sex, age, height, weight, muscle)
        vertices = self._layered(vertices, mass)
        group = "child" if age < 13 else "youth" if age < 18 else "adult" if age < 60 else "old"
        return Rest(vertices, heads, sex, age, group, _stature(vertices), self._mass(vertices))

    def _mass(self, vertices: np.ndarray) -> float:
        return 1e3 * DENSITY * volume(vertices, self.faces)

    def _layered(self, vertices: np.ndarray, mass: float) -> np.ndarray:
        """Vertices moved along their normals, most at the trunk and not at head, hands and feet, until the mass is right."""
        share = np.zeros(len(self.bones))
        for i, name in enumerate(self.bones):
            part = name.split(".")[0]
            share[i] = {"root": 1.2, "pelvis": 1.0, "upperleg01": 0.8, "upperleg02": 0.6, "lowerleg01": 0.3, "clavicle": 0.6,
                        "shoulder01": 0.6, "upperarm01": 0.5, "upperarm02": 0.45, "lowerarm01": 0.25}.get(
                            part, 1.2 if part.startswith("spine0") else 0.4 if part == "neck01" else 0.0)  # fmt: skip
        push = smoothed(normals(vertices, self.faces), self.faces, 12) * (self.weights @ share)[:, None]
        depth = 0.0
        for _ in range(5):
            now = self._mass(vertices + depth * push)
            slope = (self._mass(vertices + (depth + 1e-3) * push) - now) / 1e-3
            depth += (mass - now) / slope
        return vertices + depth * push


def drawn_people(rng: np.random.Generator, count: int) -> list[tuple[str, float, float, float, float]]:
    """Sex, age, stature, mass and muscle: two thirds adults, mostly young; the ends of 15 and 120 kg are always there."""
    people = [("female", 4.0, 1.00, 15.0, 0.5), ("male", 41.0, 1.86, 120.0, 0.6), ("male", 24.0, 1.72, 52.0, 0.3),
              ("female", 33.0, 1.61, 88.0, 0.4)]  # fmt: skip
    for i in range(count - len(people)):
        sex = ("male", "female")[i % 2]
        kind = i % 12
        if kind in (2, 5, 8, 11):
            age = float(4.5 + 1.3 * (i // 3 % 10) + rng.uniform(0.0, 1.3))
            tall, heavy = (np.interp(age, GROWTH[:, 0], GROWTH[:, k]) for k in (1, 2))
            stature = tall * rng.normal(1.0, 0.035) * (1.0 if age < 14 else 1.02 if sex == "male" else 0.96)
            index = heavy / tall**2 * np.clip(rng.normal(1.0, 0.1), 0.82, 1.3)
        else:
            age = float(rng.uniform(62, 78) if kind == 0 else rng.uniform(42, 60) if kind == 7 else rng.uniform(18, 42))
            stature = rng.normal(1.73, 0.07) if sex == "male" else rng.normal(1.61, 0.06)
            index = np.clip(23.0 * np.exp(rng.normal(0.0, 0.15)), 17.0, 36.0)
        people.append((sex, age, float(stature), float(max(index * stature**2, 15.0)), float(rng.uniform(0.3, 0.75))))
    return people


def _stature(vertices: np.ndarray) -> float:
    return float(np.ptp(vertices[:, 2]))


# --- Posed bodies -------------------------------------------------------------------------------------------------------------


def markers(rest: Rest, maker: Maker) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The points that hold the organs: names, places at rest [m] and the bones they follow, shape (points, bones)."""
    heads = {name: rest.heads[i] for i, name in enumerate(maker.bones)}
    k = rest.stature / 1.70
    out: dict[str, tuple[np.ndarray, dict[str, float]]] = {}

    def slab(z: float, half: float, bones: Sequence[str]) -> np.ndarray:
        part = maker.weights[:, [maker.bones.index(b) for b in bones]].sum(1) > 0.5
        return rest.vertices[part & (np.abs(rest.vertices[:, 2] - z) < half)]

    trunk = [b for b in maker.bones if b.startswith(("root", "spine", "pelvis", "clavicle", "shoulder", "upperleg01", "neck"))]

    def spine(name: str, z: float, inset: float, follows: dict[str, float]) -> None:
        near = slab(z, 0.04 * k, trunk)
        near = near[np.abs(near[:, 1]) < 0.03 * k]
        back, front = near[:, 0].min(), near[:, 0].max()
        out[name] = (np.array([back + max(inset * k, 0.27 * (front - back)), 0.0, z]), follows)

    z = {name: heads[name][2] for name in ("spine05", "spine04", "spine03", "spine02", "spine01", "neck01")}
    spine("sacrum", z["spine05"] + 0.04 * k, 0.035, {"root": 1.0})
    spine("lumbar", (z["spine04"] + z["spine03"]) / 2, 0.04, {"spine05": 0.5, "spine04": 0.5})
    spine("waist", (z["spine03"] + z["spine02"]) / 2, 0.04, {"spine03": 1.0})
    spine("thorax", (z["spine02"] + z["spine01"]) / 2, 0.035, {"spine02": 1.0})
    spine("upper chest", 0.35 * z["spine01"] + 0.65 * z["neck01"], 0.03, {"spine01": 1.0})
    out["neck"] = (heads["neck01"], {"neck01": 1.0})
    out["skull base"] = (heads["head"] + np.array([0, 0, 0.015 * k]), {"head": 1.0})
    out["pelvis"] = ((heads["upperleg01.L"] + heads["upperleg01.R"]) / 2, {"root": 1.0})
    out["pubis"] = (out["pelvis"][0] + np.array([0.035, 0, -0.025]) * k, {"root": 1.0})
    _head_points(out, rest, maker)
    _lung_points(out, slab, (z["spine02"] + 0.01 * k, z["neck01"] - 0.055 * k), trunk)
    bones = {"shoulder": "upperarm01", "elbow": "lowerarm01", "wrist": "wrist", "hand": "finger3-1", "hip": "upperleg01",
             "knee": "lowerleg01", "ankle": "foot", "toe": "toe2-1"}  # fmt: skip
    for side in ("left", "right"):
        letter, sign = side[0].upper(), 1.0 if side == "left" else -1.0
        for name, bone in bones.items():
            held = {"finger3-1": "wrist", "toe2-1": "foot"}.get(bone, bone)
            share = {"finger3-1": 0.65, "toe2-1": 0.75}.get(bone, 1.0)  # the rest of hand and foot is too thin for a bone
            at = (1 - share) * heads[f"{held}.{letter}"] + share * heads[f"{bone}.{letter}"]
            out[f"{side} {name}"] = (at, {f"{held}.{letter}": 1.0})
        ankle = heads[f"foot.{letter}"]
        floor = rest.vertices[:, 2].min()
        heel = np.array([ankle[0] - 0.020 * k, ankle[1], floor + 0.034 * k])
        out[f"{side} heel"] = (heel, {f"foot.{letter}": 1.0})
        hip = heads[f"upperleg01.{letter}"]
        ilium = np.array([0.5 * (out["sacrum"][0][0] + hip[0]), hip[1] - sign * 0.014 * k, hip[2] + 0.060 * k])
        out[f"{side} ilium"] = (ilium, {"root": 1.0})
    weights = np.zeros((len(out), len(maker.bones)))
    for i, (_, follows) in enumerate(out.values()):
        for bone, share in follows.items():
            weights[i, maker.bones.index(bone)] = share
    return list(out), np.array([place for place, _ in out.values()]), weights


def _head_points(out: dict[str, tuple[np.ndarray, dict[str, float]]], rest: Rest, maker: Maker) -> None:
    """Skull and jaw, from the extents of the head."""
    head = rest.vertices[maker.weights[:, maker.bones.index("head")] > 0.6]
    top, chin = head[:, 2].max(), head[:, 2].min()
    tall = top - chin
    brow = head[np.abs(head[:, 2] - (top - 0.36 * tall)) < 0.05 * tall]
    middle = brow[np.abs(brow[:, 1]) < 0.03]
    back, front = middle[:, 0].min(), middle[:, 0].max()
    wide = np.quantile(np.abs(brow[:, 1]), 0.97)
    center = np.array([(back + front) / 2, 0.0, top - 0.36 * tall])
    half = ((front - back) / 2 - 0.007, wide - 0.007, 0.36 * tall - 0.008)
    jaw = np.array([front - 0.36 * (front - back), 0.0, top - 0.74 * tall])
    for name, at, size in (("skull", center, half), ("jaw", jaw, (0.22 * (front - back), 0.55 * wide, 0.20 * tall))):
        out[name] = (at, {"head": 1.0})
        for axis, direction, length in zip(("front", "left", "top"), np.eye(3), size, strict=True):
            out[f"{name} {axis}"] = (at + direction * length, {"head": 1.0})
    out["head top"] = (np.array([center[0], 0.0, top]), {"head": 1.0})


def _lung_points(out: dict[str, tuple[np.ndarray, dict[str, float]]], slab: Any, span: tuple[float, float], bones: Any) -> None:
    low, high = span
    chest = slab(low + 0.4 * (high - low), 0.03, [b for b in bones if b.startswith("spine")])
    wide = np.quantile(np.abs(chest[:, 1]), 0.95)
    middle = chest[np.abs(chest[:, 1]) < 0.4 * wide]
    back, front = middle[:, 0].min(), middle[:, 0].max()
    follows = {"spine01": 0.5, "spine02": 0.5}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        at = np.array([(back + front) / 2, sign * 0.50 * wide, (low + high) / 2])
        out[f"{side} lung"] = (at, follows)
        size = (0.36 * (front - back), 0.37 * wide, 0.50 * (high - low))
        for axis, direction, length in zip(("front", "left", "top"), np.eye(3), size, strict=True):
            out[f"{side} lung {axis}"] = (at + direction * length, follows)


@dataclass
class Posed:
    """A body in a posture: vertices and points [m], volume [m³], and how well it turned out."""

    vertices: np.ndarray
    points: np.ndarray
    volume: float
    overlap: float
    floating: float
    pushed: float


class Poser:
    """Puts bodies into postures, on the faces that are kept."""

    def __init__(self, maker: Maker, keep: np.ndarray, faces: np.ndarray) -> None:
        self.maker, self.keep, self.faces = maker, keep, faces
        self.skeleton = Skeleton(maker.bones, maker.parents)
        self.weights = maker.weights[keep]
        parts = [name.split(".")[0] for name in maker.bones]
        soft = {"upperleg01": 1.0, "upperleg02": 0.7, "lowerleg01": 0.4, "lowerleg02": 0.3, "upperarm01": 0.5,
                "upperarm02": 0.4, "lowerarm01": 0.3, "lowerarm02": 0.2, "clavicle": 0.8, "shoulder01": 0.7,
                "neck01": 0.3}  # fmt: skip
        share = [soft.get(p, 1.0 if p.startswith(("root", "pelvis", "spine")) else 0.08) for p in parts]
        self.soft = self.weights @ np.array(share)
        rests_on = {"pelvis": ("root", "pelvis", "upperleg01"), "chest": ("spine01", "spine02", "clavicle", "shoulder01"),
                    "foot": ("foot",), "head": ("head",)}  # fmt: skip
        self.support = {name: self.weights[:, [p in held for p in parts]].sum(1) > 0.5 for name, held in rests_on.items()}

    def best(self, rng: np.random.Generator, rest: Rest, name: str) -> Posed:
        """The first of twenty draws that neither sinks into itself nor floats, or the best of them."""
        best: Posed | None = None
        for attempt in range(20):
            posed = self.posed(rest, drawn_pose(rng, name, max(0.0, (attempt - 1) / 11)), name)
            if best is None or self._badness(posed) < self._badness(best):
                best = posed
            if self._badness(posed) <= 1.0:
                break
        assert best is not None
        return self.filled(best, rest)

    def _badness(self, posed: Posed) -> float:
        return max(posed.overlap / OVERLAP, posed.floating / 0.03)

    def posed(self, rest: Rest, pose: Pose, name: str) -> Posed:
        """A body in a posture, flattened where it lies on the floor."""
        rotations = self.skeleton.turned(rest.heads, pose)
        moved = self.skeleton.moved(rest.heads, rotations)
        vertices = skinned(rest.vertices[self.keep], self.weights, rest.heads, moved, rotations)
        _, places, follows = markers(rest, self.maker)
        points = skinned(places, follows, rest.heads, moved, rotations)
        floor, floating = float(vertices[:, 2].min()), 0.0
        if name.startswith(("lying", "fetal", "sitting,", "sitting c")):
            on = [self.support[part] for part in ("pelvis", "chest" if name.startswith(("lying", "fetal")) else "foot")]
            tilt = settled(vertices, on)
            vertices, points = vertices @ tilt.T, points @ tilt.T
            rests = [float(vertices[part, 2].min()) for part in on]
            floor = max(float(vertices[:, 2].min()), min(rests) - 0.015)  # a hand or foot may give way a little
            floating = max(rests) - floor + (floor - float(vertices[:, 2].min()))
        floor += (0.003 if name.startswith(("standing", "leaning", "kneeling", "on all")) else 0.010) * rest.stature / 1.7
        floor = min(floor, float(vertices[self.support["head"], 2].min()) + 0.003)  # a skull does not give way
        vertices[:, 2] = np.maximum(vertices[:, 2] - floor, 0.0)
        points[:, 2] -= floor
        inside = covered(vertices, self.faces)
        overlap = 1.0 - inside / volume(vertices, self.faces)
        return Posed(vertices, points, inside, overlap, floating, 0.0)

    def filled(self, posed: Posed, rest: Rest) -> Posed:
        """The same body with its skin moved outward, most where it is soft, until it has its volume at rest."""
        goal = 1e-3 * rest.mass / DENSITY
        push = smoothed(normals(posed.vertices, self.faces), self.faces, 1) * self.soft[:, None]
        depth, inside, step = 0.0, posed.volume, 0.002
        vertices = posed.vertices
        for _ in range(6):
            slope = (covered(vertices + step * push, self.faces) - inside) / step
            depth += (goal - inside) / slope
            vertices = posed.vertices + depth * push
            inside = covered(vertices, self.faces)
            if abs(inside - goal) < 1e-3 * goal:
                break
        low, high = vertices.min(0), vertices.max(0)
        stand = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
        overlap = 1.0 - inside / volume(vertices, self.faces)
        return Posed(vertices - stand, posed.points - stand, inside, overlap, posed.floating, depth)


def settled(vertices: np.ndarray, supports: Sequence[np.ndarray]) -> np.ndarray:
    """Rotation that brings the lowest points of two parts to one height, by at most 14° in all."""
    out, left = np.eye(3), np.deg2rad(14.0)
    for _ in range(4):
        now = vertices @ out.T
        a, b = (now[part][np.argmin(now[part][:, 2])] for part in supports)
        ahead = (b - a) * np.array([1.0, 1.0, 0.0])
        reach = float(np.linalg.norm(ahead))
        angle = float(np.clip(np.arctan2(b[2] - a[2], reach), -left, left))
        left -= abs(angle)
        u = ahead / max(reach, 1e-6)
        frame = np.stack([u, np.array([-u[1], u[0], 0.0]), np.array([0.0, 0.0, 1.0])], axis=1)
        out = frame @ turn(1, np.rad2deg(angle)) @ frame.T @ out
    return out


def organ_room(posed: Posed, names: Sequence[str], faces: np.ndarray, stature: float) -> np.ndarray:
    """How large each organ may be to stay in the flesh, shape (organs,) [%]."""
    places = dict(zip(names, posed.points, strict=True))
    room = np.zeros(len(ORGANS), np.uint8)
    waiting = [i for i, organ in enumerate(ORGANS) if not organ.within]
    for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3):
        if not waiting:
            break
        shells = [shell(organ_solid(ORGANS[i], places, stature, share, 1.0), 1.06) for i in waiting]
        held = [bool((winding(points, posed.vertices, faces) > 0).all()) for points in shells]
        for i, fits in zip(waiting, held, strict=True):
            room[i] = round(100 * share) if fits else 0
        waiting = [i for i, fits in zip(waiting, held, strict=True) if not fits]
    return room


def shell(solid: Solid, larger: float) -> np.ndarray:
    """Points on an ellipsoid's or capsule's surface [m], made a little larger."""
    k = np.arange(40) + 0.5
    z, turned = 1 - 2 * k / 40, np.pi * (1 + 5**0.5) * k
    ball = np.stack([np.sqrt(1 - z * z) * np.cos(turned), np.sqrt(1 - z * z) * np.sin(turned), z], axis=1)
    if solid.shape == "ellipsoid":
        local = ball * np.array(solid.half) * larger
    else:
        radius, reach = solid.half[0] * larger, solid.half[2] - solid.half[0]
        local = np.concatenate([ball * radius + np.array([0, 0, at]) for at in np.linspace(-reach, reach, 5)])
    return local @ solid.turn.T + np.asarray(solid.center)


# --- Library ------------------------------------------------------------------------------------------------------------------


def few_faces(maker: Maker, people: Sequence[Rest]) -> tuple[np.ndarray, np.ndarray]:
    """The vertices that are kept, in an order in which neighbors follow one another, and faces between them."""
    skeleton = Skeleton(maker.bones, maker.parents)
    shapes = []
    for rest in people:
        for name in ("standing", "fetal on left side", "squatting"):
            pose = base_pose(name)
            rotations = skeleton.turned(rest.heads, pose)
            moved = skeleton.moved(rest.heads, rotations)
            shapes.append(skinned(rest.vertices, maker.weights, rest.heads, moved, rotations))
    matter = {"wrist": 0.35, "head": 0.6, "eye": 0.6}
    parts = [name.split(".")[0] for name in maker.bones]
    weight = np.array(
        [0.15 if p.startswith(("toe", "finger")) else 0.35 if p.startswith("meta") else matter.get(p, 1.0) for p in parts]
    )
    keep, faces = Collapse(np.array(shapes), maker.faces, maker.weights @ weight).down_to(VERTICES)
    order = nearest_next(people[0].vertices[keep])
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    return keep[order], place[faces]


def nearest_next(points: np.ndarray) -> np.ndarray:
    """A path through all points that always goes on to the nearest that is left."""
    left = np.ones(len(points), bool)
    path = [int(np.argmax(points[:, 2]))]
    left[path[0]] = False
    while left.any():
        distance = np.where(left, np.sum((points - points[path[-1]]) ** 2, axis=1), np.inf)
        path.append(int(np.argmin(distance)))
        left[path[-1]] = False
    return np.array(path)


def dressed(maker: Maker, keep: np.ndarray) -> np.ndarray:
    """Share of the clothes' thickness at each vertex [%]: none at head, hands and feet."""
    bare = ("head", "neck02", "neck03", "eye", "wrist", "finger", "metacarpal", "foot", "toe")
    share = np.array([0.0 if name.startswith(bare) else 0.5 if name.startswith("neck01") else 1.0 for name in maker.bones])
    return np.round(100 * maker.weights[keep] @ share).astype(np.uint8)


def shoe_faces(maker: Maker, keep: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces of both feet, closed above the ankles."""
    out = []
    for letter in "LR":
        bones = [i for i, name in enumerate(maker.bones) if name.startswith(("foot", "toe")) and name.endswith(letter)]
        foot = maker.weights[keep][:, bones].sum(1) > 0.45
        out.append(closed(faces[foot[faces].all(1)]))
    return np.concatenate(out)


def made(seed: int, count: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The library's arrays and what its head says."""
    rng = np.random.default_rng(seed)
    maker = Maker()
    people = [maker.solved(*one) for one in drawn_people(rng, count)]
    keep, faces = few_faces(maker, [people[i] for i in (0, 1, 2, 3)])
    poser = Poser(maker, keep, faces)
    names = markers(people[0], maker)[0]
    posed = [[poser.best(rng, rest, name) for name in POSES] for rest in people]
    room = [[organ_room(body, names, faces, rest.stature) for body in row] for rest, row in zip(people, posed, strict=True)]
    flat = [body for row in posed for body in row]
    points = np.round(np.array([body.vertices for body in flat]) / UNIT).astype(np.int16)
    steps = np.diff(points, axis=1, prepend=np.zeros((len(flat), 1, 3), np.int16))
    steps = steps.transpose(2, 1, 0).reshape(3, len(keep), len(people), len(POSES))
    usual = np.round(steps.mean(2)).astype(np.int16)
    steps -= usual[:, :, None]
    head: dict[str, Any] = {
        "about": {
            "seed": seed,
            "anny": version("anny"),
            "license": "made with anny (Apache-2.0) from MakeHuman's data (CC0-1.0)",
        },
        "people": [
            {"sex": r.sex, "age": r.group, "years": round(r.age, 1), "stature": round(r.stature, 4), "mass": round(r.mass, 3)}
            for r in people
        ],
        "postures": list(POSES),
        "points": names,
    }  # fmt: skip
    arrays = {
        "head": np.frombuffer(json.dumps(head).encode(), np.uint8),
        "usual": usual,
        "steps_high": (steps >> 8).astype(np.int8),  # apart from the low bytes they pack better
        "steps_low": (steps & 255).astype(np.uint8),
        "faces": faces.astype(np.uint16),
        "shoes": shoe_faces(maker, keep, faces).astype(np.uint16),
        "dressed": dressed(maker, keep),
        "places": np.round(np.array([body.points for body in flat]) / UNIT).astype(np.int16),
        "room": np.array(room, np.uint8).reshape(len(flat), -1),
        "volume": np.array([body.volume for body in flat], np.float32),
    }
    head["overlap"] = [[body.overlap for body in row] for row in posed]
    head["pushed"] = [[body.pushed for body in row] for row in posed]
    return arrays, head


def card(head: dict[str, Any], arrays: dict[str, np.ndarray], size: int) -> str:
    """What the library holds and how it was made, as Markdown."""
    people, overlap, pushed = head["people"], 100 * np.array(head["overlap"]), 1e3 * np.array(head["pushed"])
    bodies = len(people) * len(head["postures"])
    lines = [
        "# Library of bodies", "",
        f"{len(people)} people in {len(head['postures'])} postures each: {bodies} bodies of {arrays['steps_low'].shape[1]} "
        f"vertices and {len(arrays['faces'])} faces, one closed surface for all. {size / 1e6:.1f} MB. The people are drawn by "
        "chance and portray no one.", "",
        "```console", '$ pip install "xrayscan[bodies]"',
        f"$ python -m xrayscan.simulate.bodies_from_anny bodies.npz --seed {head['about']['seed']}", "```", "",
        f"Made with anny {head['about']['anny']} (code: Apache-2.0) from MakeHuman's data by way of MPFB2 (CC0-1.0). anny's "
        "`smplx` topology, which is for non-commercial use only, is not used. The library is under xrayscan's own license, "
        "Apache-2.0.", "",
        f"Coordinates are integers of {1e3 * UNIT:g} mm, each vertex from the one before, less the mean of all people in "
        "that posture; z is up, the body faces +x, y is to its left, its lowest point is z = 0. The mass is the volume at rest "
        f"times {DENSITY} g/cm³: the whole body's, with the air in its lungs. Limbs that touch sink into one another a little, "
        "and skin that follows bent joints loses volume; it is moved outward where it is soft until the volume is back: by "
        f"{pushed.mean():.1f} mm on average, {pushed.max():.1f} mm at most. In the end {overlap.mean():.1f} % of the volume "
        f"lies in two limbs at once on average, {overlap.max():.1f} % at most; it counts once.", "",
        "| posture | volume in two limbs at once, mean and largest [%] | skin moved outward, mean [mm] |", "|---|---|---|",
    ]  # fmt: skip
    for k, name in enumerate(head["postures"]):
        lines.append(f"| {name} | {overlap[:, k].mean():.1f}, {overlap[:, k].max():.1f} | {pushed[:, k].mean():.1f} |")
    lines += ["", "| | sex | age | stature [m] | mass [kg] | mass / stature² [kg/m²] |", "|---|---|---|---|---|---|"]
    for i, one in enumerate(people):
        index = one["mass"] / one["stature"] ** 2
        who = f"| {i} | {one['sex']} | {one['years']:.0f}, {one['age']}"
        lines.append(f"{who} | {one['stature']:.2f} | {one['mass']:.1f} | {index:.1f} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the library and, beside it, its card.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line.
    """
    parser = argparse.ArgumentParser(description="Makes the library of bodies. Needs anny: pip install xrayscan[bodies].")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--people", type=int, default=PEOPLE)
    given = parser.parse_args(arguments)
    arrays, head = made(given.seed, given.people)
    np.savez_compressed(given.out, **arrays)  # type: ignore[arg-type]
    given.out.with_suffix(".md").write_text(card(head, arrays, given.out.stat().st_size), encoding="utf-8")


if __name__ == "__main__":
    main()
