"""Postures: how far each joint is turned, and where that takes the skin. To make the library of bodies, not at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["POSES", "Pose", "Skeleton", "base_pose", "drawn_pose", "skinned", "turn"]

Pose = dict[str, float]

# Degrees. pitch, roll: the pelvis, forward and about the way it faces. spine, neck: bent forward; twist: of the spine; turn,
# tilt: of the head, to the left. thigh, shin: 0 straight down, 90 forward; foot: toes below the level. out, spin: the thigh
# spread and turned outward. arm: 0 straight down, 90 forward, 180 up; away: from the body; inward: turned about itself; elbow:
# bent; palm: turned inward; hand: bent back. "left " and "right " before a name: that side only.
POSES: Mapping[str, Pose] = {
    "standing": {"spine": 4, "thigh": 3, "shin": -3, "arm": 2, "away": 8, "inward": 15, "elbow": 15},
    "standing, arms bent": {"spine": 8, "neck": 8, "thigh": 3, "shin": -3, "arm": 30, "away": 12, "inward": 50, "elbow": 100},
    "standing, arms raised": {"thigh": 3, "shin": -2, "arm": 155, "away": 14, "inward": 20, "elbow": 45},
    "leaning forward": {"pitch": 38, "spine": 30, "neck": -10, "thigh": 12, "shin": -14, "arm": 15, "away": 8, "inward": 10,
                        "elbow": 25, "out": 4},
    "sitting": {"pitch": -6, "spine": 16, "neck": 8, "thigh": 88, "out": 9, "arm": 30, "away": 6, "inward": 35, "elbow": 55},
    "sitting, legs out": {"pitch": -14, "spine": 30, "neck": 8, "thigh": 93, "shin": 84, "foot": -66, "out": 5, "arm": 20,
                          "away": 8, "inward": 30, "elbow": 40},
    "sitting, hugging knees": {"pitch": -26, "spine": 42, "neck": 15, "thigh": 140, "shin": 26, "out": 4, "arm": 48, "away": 20,
                               "inward": 52, "elbow": 66, "palm": 30},
    "sitting, head on knees": {"pitch": -22, "spine": 52, "neck": 38, "thigh": 136, "shin": 24, "out": 6, "arm": 34, "away": 24,
                               "inward": 50, "elbow": 80, "palm": 30},
    "sitting cross-legged": {"pitch": -8, "spine": 26, "neck": 10, "thigh": 86, "shin": -32, "out": 40, "spin": 82, "foot": 60,
                             "arm": 28, "away": 12, "inward": 30, "elbow": 50},
    "squatting": {"pitch": 8, "spine": 42, "neck": 0, "thigh": 113, "shin": -26, "out": 14, "arm": 45, "away": 0, "inward": 30,
                  "elbow": 70},
    "kneeling": {"spine": 8, "thigh": 6, "shin": -88, "foot": 150, "out": 5, "arm": 12, "away": 8, "inward": 30, "elbow": 50},
    "kneeling on heels": {"pitch": 2, "spine": 22, "neck": 10, "thigh": 64, "shin": -86, "foot": 158, "out": 7, "arm": 28,
                          "away": 6, "inward": 35, "elbow": 55},
    "kneeling on one knee": {"pitch": 8, "spine": 20, "left thigh": 88, "left shin": -4, "right thigh": -4, "right shin": -86,
                             "right foot": 82, "out": 5, "arm": 30, "away": 8, "inward": 30, "elbow": 60},
    "kneeling, bent forward": {"pitch": 58, "spine": 48, "neck": 14, "thigh": 46, "shin": -86, "foot": 158, "out": 7, "arm": 26,
                               "away": 12, "inward": 10, "elbow": 62, "palm": 40},
    "on all fours": {"pitch": 74, "spine": 10, "neck": -25, "thigh": 4, "shin": -89, "foot": 152, "out": 6, "arm": 2,
                     "away": 6, "inward": 40, "elbow": 8, "palm": 50, "hand": 60},
    "lying on back": {"pitch": -88, "spine": -8, "neck": -10, "thigh": 90, "shin": 87, "foot": -62, "out": 7, "arm": 84,
                      "away": 16, "elbow": 14},
    "lying on back, knees up": {"pitch": -90, "spine": -4, "thigh": 146, "shin": 14, "out": 5, "arm": 90, "away": 14,
                                "inward": 60, "elbow": 75},
    "lying on front": {"pitch": 90, "spine": -4, "turn": 60, "thigh": -88, "shin": -94, "foot": 150, "out": 7,
                       "left arm": -94, "left away": 88, "left inward": -90, "left elbow": 85, "right arm": -92,
                       "right away": 20, "right elbow": 8, "right inward": 60},
    "lying on left side": {"roll": -90, "spine": 18, "neck": 12, "tilt": 12, "thigh": 38, "shin": -18, "foot": 20,
                           "right thigh": 55, "right out": -9, "left arm": 62, "left away": -9, "left elbow": 75,
                           "right arm": 22, "right elbow": 50, "inward": 25},
    "fetal on left side": {"roll": -90, "spine": 52, "neck": 28, "tilt": 8, "thigh": 112, "shin": -22, "foot": 30,
                           "right out": -4, "arm": 10, "left arm": 26, "away": 4, "left away": -8, "inward": 20,
                           "elbow": 105},
}  # fmt: skip
WHOLE = ("pitch", "roll", "spine", "twist", "neck", "turn", "tilt")
LIMBS = ("thigh", "shin", "foot", "out", "spin", "arm", "away", "inward", "elbow", "palm", "hand")
SPREAD = {"pitch": 4.0, "roll": 4.0, "shin": 4.0, "foot": 5.0, "tilt": 5.0, "turn": 14.0, "twist": 6.0, "out": 4.0}  # else 7°
OPENED = {"spine", "neck", "thigh", "shin", "elbow", "inward"}  # what is bent less, or turned less inward, where limbs collide


def turn(axis: int, degrees: float) -> np.ndarray:
    """Rotation about x, y or z."""
    a = np.deg2rad(degrees)
    out = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[i, i] = out[j, j] = np.cos(a)
    out[j, i], out[i, j] = np.sin(a), -np.sin(a)
    return out


def base_pose(name: str) -> Pose:
    """Angles of a posture as the table has them."""
    base = POSES[name]
    out: Pose = {key: base.get(key, 0.0) for key in WHOLE}
    for key in LIMBS:
        for side in ("left", "right"):
            out[f"{side} {key}"] = base.get(f"{side} {key}", base.get(key, 0.0))
    return out


def drawn_pose(rng: np.random.Generator, name: str, ease: float) -> Pose:
    """Angles of a posture, varied; ``ease`` opens what is bent, 0 to 1."""
    base = POSES[name]
    flat = base.get("pitch", 0) ** 2 > 6400 or base.get("roll", 0) ** 2 > 6400
    out: Pose = {}
    for key in WHOLE:
        out[key] = base.get(key, 0.0) + rng.normal(0.0, SPREAD.get(key, 7.0))
    for key in LIMBS:
        common = rng.normal(0.0, 0.7)
        for side in ("left", "right"):
            value = base.get(f"{side} {key}", base.get(key, 0.0))
            sd = SPREAD.get(key, 7.0) * (0.4 if flat and key in ("thigh", "shin") else 1.0)
            out[f"{side} {key}"] = value + sd * (common + rng.normal(0.0, 0.7))
    for key in out:
        part = key.split()[-1]
        if part in OPENED:
            rest = -base.get("pitch", 0.0) if part in ("thigh", "shin") else 0.0
            rest = (out[key.replace("shin", "thigh")] + rest) / 2 if part == "shin" else rest
            out[key] += ease * 0.35 * (rest - out[key]) if part != "shin" or out[key] < rest else 0.0
        if part == "away":
            value = base.get(key, base.get("away", 0.0))
            out[key] = max(out[key], min(value, 2.0)) + (8.0 * ease if value > 0 else 0.0)
        if part == "elbow":
            out[key] = max(out[key], 3.0)
    return out


def _aligned(direction: np.ndarray, hinge: np.ndarray | None = None) -> np.ndarray:
    """Rotation that turns ``direction`` straight down, and the hinge, if any, to where a left-right hinge lies."""
    third = -direction / np.linalg.norm(direction)
    second = np.array([0.0, 1.0, 0.0]) if hinge is None else hinge
    first = np.cross(second, third)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(third, first), third])


class Skeleton:
    """Bones by name, and how the angles of a posture turn them."""

    def __init__(self, bones: Sequence[str], parents: Sequence[int]) -> None:
        self.bones, self.parents = list(bones), list(parents)
        self.index = {name: i for i, name in enumerate(bones)}

    def turned(self, heads: np.ndarray, pose: Pose) -> np.ndarray:
        """Rotation of each bone from rest, shape (bones, 3, 3), in the world."""
        out: dict[str, np.ndarray] = {"root": turn(0, pose["roll"]) @ turn(1, pose["pitch"])}
        at = out["root"]
        step = turn(1, pose["spine"] / 5) @ turn(2, pose["twist"] / 5)
        for k in range(5, 0, -1):
            at = at @ step
            out[f"spine0{k}"] = at
        chest = at
        for name in ("neck01", "neck02", "neck03", "head"):
            at = at @ turn(1, pose["neck"] / 4) @ turn(0, -pose["tilt"] / 4) @ turn(2, pose["turn"] / 4)
            out[name] = at
        for side, sign in (("left", 1.0), ("right", -1.0)):
            mine = {key.split()[1]: value for key, value in pose.items() if key.startswith(side)}
            self._leg(out, heads, mine, (side[0].upper(), sign, pose["pitch"]))
            self._arm(out, heads, mine, (side[0].upper(), sign, pose["pitch"] + pose["spine"]), chest)
        rotations = np.empty((len(self.bones), 3, 3))
        for i, name in enumerate(self.bones):
            rotations[i] = out[name] if name in out else rotations[self.parents[i]]
        return rotations

    def _leg(self, out: dict[str, np.ndarray], heads: np.ndarray, pose: Pose, where: tuple[str, float, float]) -> None:
        side, sign, pitch = where
        hip, knee, ankle = (heads[self.index[f"{name}.{side}"]] for name in ("upperleg01", "lowerleg01", "foot"))
        bend = float(np.clip(pose["thigh"] + pitch, -12, 126))
        spread = turn(0, sign * pose["out"]) @ turn(2, sign * pose["spin"])
        thigh = out["root"] @ turn(1, -bend) @ spread
        shin = thigh @ turn(1, float(np.clip(pose["thigh"] - pose["shin"], 0, 152)))
        foot = shin @ turn(1, float(np.clip(pose["foot"] + pose["shin"], -32, 68)))
        out[f"pelvis.{side}"] = out["root"] @ turn(1, -0.12 * bend)
        for name in ("upperleg01", "upperleg02"):
            out[f"{name}.{side}"] = thigh @ _aligned(knee - hip)
        for name in ("lowerleg01", "lowerleg02"):
            out[f"{name}.{side}"] = shin @ _aligned(ankle - knee)
        out[f"foot.{side}"] = foot

    def _arm(
        self, out: dict[str, np.ndarray], heads: np.ndarray, pose: Pose, where: tuple[str, float, float], chest: np.ndarray
    ) -> None:
        side, sign, pitch = where
        names = ("upperarm01", "lowerarm01", "wrist")
        shoulder, elbow, wrist = (heads[self.index[f"{name}.{side}"]] for name in names)
        bend = pose["arm"] + pitch
        hinge = -np.cross(elbow - shoulder, wrist - elbow)
        raised = max(0.0, max(bend, pose["away"]) - 60.0)
        girdle = chest @ turn(0, sign * 0.28 * raised) @ turn(2, -sign * 0.10 * float(np.clip(bend, 0, 90)))
        out[f"clavicle.{side}"] = girdle
        out[f"shoulder01.{side}"] = girdle
        upper = chest @ turn(1, -bend) @ turn(0, sign * pose["away"])
        rest = _aligned(elbow - shoulder, hinge)
        out[f"upperarm01.{side}"] = upper @ turn(2, -sign * 0.4 * pose["inward"]) @ rest
        upper = upper @ turn(2, -sign * pose["inward"])
        out[f"upperarm02.{side}"] = upper @ rest
        fore, rest = upper @ turn(1, -pose["elbow"]), _aligned(wrist - elbow, hinge)
        out[f"lowerarm01.{side}"] = fore @ rest
        out[f"lowerarm02.{side}"] = fore @ turn(2, -sign * pose["palm"] / 2) @ rest
        out[f"wrist.{side}"] = fore @ turn(2, -sign * pose["palm"]) @ turn(1, pose["hand"]) @ rest

    def moved(self, heads: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """Bone heads [m] after turning, shape (bones, 3)."""
        out = np.zeros_like(heads)
        for i, p in enumerate(self.parents):
            if i:
                out[i] = out[p] + rotations[p] @ (heads[i] - heads[p])
        return out


def skinned(points: np.ndarray, weights: np.ndarray, heads: np.ndarray, moved: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Points that follow the bones by their weights: linear blend skinning."""
    shift = moved - np.einsum("bij,bj->bi", rotations, heads)
    return np.einsum("pb,bij,pj->pi", weights, rotations, points, optimize=True) + weights @ shift
