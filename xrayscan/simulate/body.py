"""Bodies: jointed figures of ellipsoids and capsules with lungs, bones and clothes, in the postures of people who hide.

A figure stands at the origin: z up, x the way it faces, y to its left. Lengths are shares of the stature.

References
----------
R. Drillis, R. Contini, Body Segment Parameters, New York University, TR 1166-03 (1966): segment lengths.
ICRP Publication 89 (2002): organ masses and densities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch

from xrayscan.errors import RecipeError
from xrayscan.simulate.geometry import Fan, Solid, covered_length, interval, rotation

__all__ = ["POSTURES", "Body", "Figure", "draw_body", "figure"]

DENSITY = 1.04  # whole body without the lungs [g/cm³]
LUNG = 0.26  # [g/cm³]

# Angles in degrees: trunk (bent forward), hip, knee, shoulder, elbow (bent), spread of the thighs, roll of the whole figure
# (0 upright, 90 on the back, -90 on the front) and side (90: on the side).
POSTURES: Mapping[str, tuple[float, ...]] = MappingProxyType({
    # name              trunk  hip  knee shoulder elbow spread lie side
    "standing":         (2,     5,    5,    5,   10,   5,   0,   0),
    "sitting":          (5,    85,   85,   30,   60,  10,   0,   0),
    "sitting legs out": (5,    85,   10,   35,   40,  10,   0,   0),
    "sitting hugging":  (35,   95,  125,   70,   70,   5,   0,   0),
    "squatting":        (40,  105,  135,   60,   60,  15,   0,   0),
    "kneeling":         (20,   30,  120,   30,   50,   8,   0,   0),
    "crouching":        (75,   70,  130,   80,   60,   8,   0,   0),
    "lying on back":    (0,    10,   15,    5,   20,   6,  90,   0),
    "lying on front":   (0,     5,   10,   30,   80,   6, -90,   0),
    "lying on side":    (10,   25,   40,   40,   60,   4,   0,  90),
    "fetal":            (45,  110,  125,   75,  100,   4,   0,  90),
})  # fmt: skip


@dataclass(frozen=True)
class Body:
    """A person's build and posture.

    Attributes
    ----------
    stature : float [m]
    mass : float [kg]
    posture : str
        One of `POSTURES`.
    yaw : float [rad]
        The way the figure faces, about the vertical.
    angles : tuple of float [degrees]
        The posture's angles as drawn.
    clothes : float [m]
        Thickness of the clothes.
    """

    stature: float
    mass: float
    posture: str
    yaw: float
    angles: tuple[float, ...]
    clothes: float = 0.01

    def __post_init__(self) -> None:
        if not (0.9 <= self.stature <= 2.2 and 12 <= self.mass <= 160):
            raise RecipeError(f"a body of {self.stature:g} m and {self.mass:g} kg; expected 0.9 to 2.2 m and 12 to 160 kg")
        if self.posture not in POSTURES:
            raise RecipeError(f"there is no posture {self.posture!r}; known are {', '.join(POSTURES)}")


@dataclass(frozen=True)
class Figure:
    """A body as solids, at the origin, its lowest point at z = 0.

    Attributes
    ----------
    flesh : tuple of Solid
        Overlapping; each ray counts their union once.
    extra : tuple of Solid
        What is denser or lighter than flesh within it (bones, lungs), as a difference.
    clothes : float [m]
    size : (float, float, float) [m]
        Extent along x, y and z.
    """

    flesh: tuple[Solid, ...]
    extra: tuple[Solid, ...]
    clothes: float
    size: tuple[float, float, float]


def draw_body(rng: np.random.Generator, posture: str | None = None) -> Body:
    """Draw a body: two thirds adults of both sexes, one third younger, 15 to 120 kg."""
    if rng.random() < 0.72:
        stature = float(np.clip(rng.normal(1.69, 0.09), 1.45, 2.0))
    else:
        stature = float(rng.uniform(1.0, 1.6))
    index = np.clip(rng.normal(22.5, 3.5), 16.0, 36.0) * min(1.0, 0.55 + 0.45 * (stature - 0.9) / 0.6)
    name = posture or str(rng.choice(list(POSTURES)))
    angles = tuple(float(a + rng.normal(0, 9 if i < 6 else 3)) for i, a in enumerate(POSTURES[name]))
    return Body(
        stature,
        float(np.clip(index * stature**2, 15, 120)),
        name,
        float(rng.uniform(-np.pi, np.pi)),
        angles,
        float(rng.uniform(0.003, 0.02)),
    )


def _bend(down: np.ndarray, degrees: float) -> np.ndarray:
    """Turn a direction in the x-z plane; positive swings a hanging limb forward."""
    return rotation(pitch=-np.deg2rad(degrees)) @ down


def _joints(body: Body) -> dict[str, np.ndarray]:
    """Where the joints are [m], pelvis at the origin, upright figure."""
    trunk, hip, knee, shoulder, elbow, spread = body.angles[:6]
    h, down = body.stature, np.array([0.0, 0.0, -1.0])
    up = _bend(-down, -trunk)
    neck = up * 0.30 * h
    points = {
        "pelvis": np.zeros(3),
        "neck": neck,
        "head": neck + _bend(up, 0.35 * trunk) * 0.115 * h,
        "chest": up * 0.215 * h,
        "belly": up * 0.09 * h,
    }
    for side, sign in (("left", 1.0), ("right", -1.0)):
        outward = np.array([0.0, sign, 0.0])
        jitter = 1.0 if sign > 0 else 0.92
        thigh = _bend(down, hip * jitter) + outward * np.tan(np.deg2rad(spread))
        thigh /= np.linalg.norm(thigh)
        shank = _bend(down, (hip - knee) * jitter)
        points[f"{side} hip"] = outward * 0.052 * h
        points[f"{side} knee"] = points[f"{side} hip"] + thigh * 0.245 * h
        points[f"{side} ankle"] = points[f"{side} knee"] + shank * 0.246 * h
        points[f"{side} toe"] = points[f"{side} ankle"] + _bend(down, (hip - knee) * jitter + 80) * 0.12 * h
        points[f"{side} shoulder"] = neck * 0.95 + outward * 0.112 * h
        upper = _bend(down, shoulder * jitter - trunk) + outward * 0.15
        points[f"{side} elbow"] = points[f"{side} shoulder"] + upper / np.linalg.norm(upper) * 0.172 * h
        fore = _bend(down, (shoulder + elbow) * jitter - trunk) - outward * 0.25
        points[f"{side} hand"] = points[f"{side} elbow"] + fore / np.linalg.norm(fore) * 0.21 * h
    return points


def _aligned(direction: np.ndarray, sideways: np.ndarray | None = None) -> np.ndarray:
    """Axes whose third is ``direction`` and whose second is close to ``sideways``."""
    third = direction / np.linalg.norm(direction)
    second = np.array([0.0, 1.0, 0.0]) if sideways is None else sideways
    first = np.cross(second, third)
    if np.linalg.norm(first) < 1e-3:
        first = np.cross(np.array([1.0, 0.0, 0.0]), third)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(third, first), third], axis=1)


def _limb(start: np.ndarray, end: np.ndarray, radius: float, density: float = DENSITY, name: str = "soft tissue") -> Solid:
    length = float(np.linalg.norm(end - start))
    return Solid(
        "capsule", tuple((start + end) / 2), (radius, radius, length / 2 + radius), name, density, _aligned(end - start), False
    )


def _trunk(
    at: np.ndarray, half: tuple[float, float, float], up: np.ndarray, density: float = DENSITY, name: str = "soft tissue"
) -> Solid:
    return Solid("ellipsoid", tuple(at), half, name, density, _aligned(up), False)


def _flesh(points: dict[str, np.ndarray], h: float, girth: float) -> list[Solid]:
    g, up = girth * h, points["neck"]
    parts = [
        _trunk(points["head"], (0.056 * h, 0.046 * h, 0.068 * h), points["head"] - points["neck"]),
        _limb(points["neck"] * 0.92, points["head"], 0.034 * h),
        _trunk(points["chest"], (0.068 * g, 0.098 * g, 0.125 * h), up),
        _trunk(points["belly"], (0.064 * g, 0.086 * g, 0.105 * h), up),
        _trunk(points["pelvis"] + 0.01 * h * up / np.linalg.norm(up), (0.067 * g, 0.098 * g, 0.075 * h), up),
        _limb(points["left shoulder"], points["right shoulder"], 0.032 * g),
    ]
    for side in ("left", "right"):
        p = {name: points[f"{side} {name}"] for name in ("hip", "knee", "ankle", "toe", "shoulder", "elbow", "hand")}
        middle = (p["hip"] + p["knee"]) / 2
        calf = p["knee"] + 0.35 * (p["ankle"] - p["knee"])
        parts += [
            _limb(p["hip"], middle, 0.050 * g),
            _limb(middle, p["knee"], 0.039 * g),
            _limb(p["knee"], calf, 0.033 * g),
            _limb(calf, p["ankle"], 0.024 * g),
            _limb(p["ankle"], p["toe"], 0.021 * h),
            _limb(p["shoulder"], p["elbow"], 0.028 * g),
            _limb(p["elbow"], p["hand"], 0.021 * g),
        ]
    return parts


def _organs(points: dict[str, np.ndarray], h: float, girth: float) -> list[Solid]:
    """Lungs and bones, as differences from flesh."""
    up = points["neck"] / np.linalg.norm(points["neck"])
    bone = 0.55  # trabecular and cortical bone with marrow, above flesh [g/cm³]
    parts = [
        _limb(points["pelvis"] - 0.02 * h * _aligned(up)[:, 0], points["neck"], 0.011 * h, bone, "bone"),
        _limb(points["left hip"] + 0.02 * h * up, points["right hip"] + 0.02 * h * up, 0.016 * h, bone * 0.6, "bone"),
        _trunk(points["head"], (0.050 * h, 0.040 * h, 0.060 * h), points["head"] - points["neck"], 0.12, "bone"),
    ]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        at = points["chest"] + np.array([0.0, sign * 0.045 * h * girth, 0.0])
        parts.append(_trunk(at, (0.045 * h * girth, 0.032 * h * girth, 0.080 * h), up, LUNG - DENSITY))
        for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "hand")):
            parts.append(_limb(points[f"{side} {start}"], points[f"{side} {end}"], 0.0075 * h, bone, "bone"))
    return parts


def _volume(part: Solid) -> float:
    """Volume of an ellipsoid or capsule [m³]."""
    a, b, c = part.half
    if part.shape == "ellipsoid":
        return 4 / 3 * np.pi * a * b * c
    return np.pi * a * a * (2 * (c - a) + 4 / 3 * a)


def _moved(part: Solid, turn: np.ndarray, shift: np.ndarray) -> Solid:
    center = turn @ np.asarray(part.center) + shift
    return Solid(part.shape, tuple(center), part.half, part.material, part.density, turn @ part.turn, False)


def placed(parts: tuple[Solid, ...], at: tuple[float, float, float], yaw: float = 0.0) -> tuple[Solid, ...]:
    """Solids turned about the vertical and moved [m]."""
    turn = rotation(yaw=yaw)
    return tuple(_moved(part, turn, np.asarray(at, float)) for part in parts)


def _with_mass(points: dict[str, np.ndarray], body: Body, overlap: float) -> tuple[list[Solid], list[Solid]]:
    """Flesh and organs of the girth that gives the body its mass."""
    slim, wide = 0.4, 2.6
    for _ in range(20):
        girth = (slim + wide) / 2
        parts, organs = _flesh(points, body.stature, girth), _organs(points, body.stature, girth)
        mass = 1e3 * (overlap * DENSITY * sum(map(_volume, parts)) + sum(p.density * _volume(p) for p in organs))
        slim, wide = (girth, wide) if mass < body.mass else (slim, girth)
    return parts, organs


def _union_volume(parts: list[Solid]) -> float:
    """Volume [m³] that the parts fill together, by nearly parallel rays 15 mm apart."""
    low = np.min([np.asarray(p.center) - p.reach() for p in parts], axis=0)
    high = np.max([np.asarray(p.center) + p.reach() for p in parts], axis=0)
    step, distance = 0.015, 40.0
    rows, columns = (int(np.ceil((high[k] - low[k]) / step)) + 2 for k in (2, 0))
    fan = Fan(distance, float(low[2] + high[2]) / 2, (step, step), float(high[2]) + step, float(low[0]) - step, rows, columns)
    spans = [interval(part, fan.xs(), fan.slopes(), fan) for part in parts]
    length = covered_length(torch.stack([s[0] for s in spans]), torch.stack([s[1] for s in spans]))
    return float(length.sum()) * step * step


def figure(body: Body) -> Figure:
    """The solids of a body, girth chosen so that it has its mass.

    Parameters
    ----------
    body : Body

    Returns
    -------
    Figure
    """
    points = _joints(body)
    overlap = 0.85  # share of the summed volume that is not in two parts at once; measured below
    for _ in range(2):
        parts, organs = _with_mass(points, body, overlap)
        overlap = _union_volume(parts) / sum(map(_volume, parts))
    parts, organs = _with_mass(points, body, overlap)
    lie, side = np.deg2rad(body.angles[6:8])
    turn = rotation(yaw=body.yaw) @ rotation(pitch=-lie, roll=side)
    flesh = [_moved(part, turn, np.zeros(3)) for part in parts]
    low = np.min([np.asarray(p.center) - p.reach() for p in flesh], axis=0)
    high = np.max([np.asarray(p.center) + p.reach() for p in flesh], axis=0)
    shift = np.array([-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]])
    size = high - low
    none = np.eye(3)
    return Figure(
        tuple(_moved(part, none, shift) for part in flesh),
        tuple(_moved(_moved(part, turn, np.zeros(3)), none, shift) for part in organs),
        body.clothes,
        (float(size[0]), float(size[1]), float(size[2])),
    )
