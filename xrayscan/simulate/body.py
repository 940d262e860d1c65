"""Bodies: people of both sexes, child to old, in the postures of those who hide, with lungs, bones, clothes and belongings.

The shapes are a library of compact meshes, ``bodies.npz``; ``bodies.md`` says how it was made. A body stands on z = 0; before
its yaw it faces +x, with y to its left. It becomes an ordered list of solids, in which the later take the place of the
earlier: belongings, clothes, shoes, flesh, then what is in it. The flesh's density is set so that flesh and organs weigh what
the body does.

References
----------
ICRP Publication 89 (2002), https://doi.org/10.1016/S0146-6453(03)00002-2: masses of organs and skeleton.
ICRU Report 44 (1989), https://doi.org/10.1093/jicru/os23.1.Report44: densities of tissues.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.solid import Mesh, Point, Solid, box, capsule, mesh_solid, moved, rotation

__all__ = [
    "BELONGINGS", "POSTURES", "Body", "body_size", "body_solids", "check_posture", "draw_body", "flesh_mesh", "seat_solids",
    "shaped_solid",
]  # fmt: skip

POSTURES: tuple[str, ...] = (
    "standing", "standing, arms bent", "standing, arms raised", "leaning forward", "sitting", "sitting, legs out",
    "sitting, hugging knees", "sitting, head on knees", "sitting cross-legged", "squatting", "kneeling", "kneeling on heels",
    "kneeling on one knee", "kneeling, bent forward", "on all fours", "lying on back", "lying on back, knees up",
    "lying on front", "lying on left side", "lying on right side", "fetal on left side", "fetal on right side",
)  # fmt: skip
BELONGINGS: tuple[str, ...] = ("bag", "phone", "bottle", "keys")

LIBRARY = Path(__file__).with_name("bodies.npz")
UNIT = 2e-4  # of the library's coordinates [m]
STATURE = 1.70  # at which the organs' sizes below are given [m]
LUNG = 0.26  # at half a breath [g/cm³]
_UPRIGHT = ("standing", "leaning", "kneeling")  # postures in which a bag is worn on the back
SEAT, BOARD = 0.16, 0.015  # half width of a crate to sit on, and thickness of its boards [m]


@dataclass(frozen=True)
class Organ:
    """Something within the flesh.

    Attributes
    ----------
    name : str
    points : tuple of str
        Two of the body's points: a capsule between them. One: an ellipsoid about it, whose half axes end at its points
        "front", "left" and "top".
    radius : float [m]
        Of a capsule, for a stature of 1.70 m; of an ellipsoid, what its half axes are longer by.
    material : str
    density : float [g/cm³]
    within : str
        The organ it lies in; empty for the flesh.
    """

    name: str
    points: tuple[str, ...]
    radius: float
    material: str
    density: float
    within: str = ""


def _organs() -> tuple[Organ, ...]:
    """In the order in which they take each other's place. Bones with their marrow: 1.2 to 1.45 g/cm³ (ICRU 44), skull 1.61."""
    sides = ("left", "right")
    out = [Organ(f"{s} ribs", (f"{s} lung",), 0.005, "bone", 1.25) for s in sides]
    out += [Organ(f"{s} lung", (f"{s} lung",), 0.0, "lung", LUNG, f"{s} ribs") for s in sides]
    spine = ("sacrum", "lumbar", "waist", "thorax", "upper chest", "neck", "skull base")
    for a, b, radius in zip(spine, spine[1:], (0.022, 0.021, 0.019, 0.017, 0.014, 0.012), strict=False):
        out.append(Organ(f"spine {a}", (a, b), radius, "bone", 1.30))
    for s in sides:
        out.append(Organ(f"{s} pelvis back", ("sacrum", f"{s} ilium"), 0.015, "bone", 1.30))
        out.append(Organ(f"{s} pelvis side", (f"{s} ilium", f"{s} hip"), 0.015, "bone", 1.30))
        out.append(Organ(f"{s} pelvis front", (f"{s} hip", "pubis"), 0.012, "bone", 1.30))
        out.append(Organ(f"{s} clavicle", ("upper chest", f"{s} shoulder"), 0.008, "bone", 1.40))
        out.append(Organ(f"{s} femur", (f"{s} hip", f"{s} knee"), 0.0155, "bone", 1.40))
        out.append(Organ(f"{s} shin", (f"{s} knee", f"{s} ankle"), 0.0145, "bone", 1.40))
        out.append(Organ(f"{s} heel", (f"{s} ankle", f"{s} heel"), 0.014, "bone", 1.25))
        out.append(Organ(f"{s} foot", (f"{s} ankle", f"{s} toe"), 0.011, "bone", 1.20))
        out.append(Organ(f"{s} humerus", (f"{s} shoulder", f"{s} elbow"), 0.0120, "bone", 1.40))
        out.append(Organ(f"{s} forearm", (f"{s} elbow", f"{s} wrist"), 0.0105, "bone", 1.40))
        out.append(Organ(f"{s} hand", (f"{s} wrist", f"{s} hand"), 0.007, "bone", 1.25))
    out.append(Organ("jaw", ("jaw",), 0.0, "bone", 1.20))
    out.append(Organ("skull", ("skull",), 0.0, "bone", 1.61))
    out.append(Organ("brain", ("skull",), -0.0075, "soft tissue", 1.04, "skull"))
    return tuple(out)


ORGANS = _organs()


@dataclass(frozen=True)
class Body:
    """A person as drawn. ``Body(**dataclasses.asdict(body))`` is the same person again.

    Attributes
    ----------
    person : int
        Number in the library.
    sex : {"female", "male"}
    age : {"child", "youth", "adult", "old"}
    stature : float [m]
    mass : float [kg]
        Of the body itself, without clothes and belongings.
    posture : str
        One of `POSTURES`.
    yaw : float [rad]
        The way it faces, about the vertical, from +x.
    scale : float
        Size, against the library's.
    mirrored : bool
        Left and right exchanged.
    breath : float
        0 breathed out, 1 in.
    clothes : float [m]
        Thickness; 0 for none.
    shoes : bool
    belongings : tuple of str
        Of `BELONGINGS`.
    """

    person: int
    sex: str
    age: str
    stature: float
    mass: float
    posture: str
    yaw: float
    scale: float = 1.0
    mirrored: bool = False
    breath: float = 0.5
    clothes: float = 0.008
    shoes: bool = True
    belongings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "belongings", tuple(self.belongings))  # a record read from JSON holds a list
        check_posture(self.posture)
        for what, value, low, high in (
            ("breath", self.breath, 0.0, 1.0), ("clothes", self.clothes, 0.0, 0.05), ("scale", self.scale, 0.9, 1.1),
        ):  # fmt: skip
            if not low <= value <= high:
                raise RecipeError(f"a body has {what} {value:g}; expected {low:g} to {high:g}")
        unknown = set(self.belongings) - set(BELONGINGS)
        if unknown:
            raise RecipeError(f"a body carries {', '.join(sorted(unknown))}; known are {', '.join(BELONGINGS)}")


@dataclass(frozen=True, eq=False)
class Library:
    """The library's contents, as `library` reads them.

    Attributes
    ----------
    people : tuple of dict
        Sex, age, stature [m] and mass [kg] of each.
    postures, points : tuple of str
        Names along the arrays' axes.
    faces, shoes : ndarray of int, shape (faces, 3)
        Of the skin, and of both feet alone, closed.
    dressed : ndarray, shape (vertices,)
        Share of the clothes' thickness at each vertex; 0 at head, hands and feet.
    vertices : ndarray of int16, shape (people, postures, vertices, 3) [0.2 mm]
    places : ndarray of int16, shape (people, postures, points, 3) [0.2 mm]
    room : ndarray of uint8, shape (people, postures, organs) [%]
        How large each organ may be so that it stays in the flesh.
    volume : ndarray, shape (people, postures) [m³]
        Within the skin, what lies in two limbs at once counted once.
    about : dict
        Seed, versions and licenses it was made with.
    """

    people: tuple[dict[str, object], ...]
    postures: tuple[str, ...]
    points: tuple[str, ...]
    faces: np.ndarray
    shoes: np.ndarray
    dressed: np.ndarray
    vertices: np.ndarray
    places: np.ndarray
    room: np.ndarray
    volume: np.ndarray
    about: dict[str, object]


@cache
def library() -> Library:
    """The library of bodies, read once.

    Raises
    ------
    RecipeError
        If the file is missing.
    """
    if not LIBRARY.is_file():
        raise RecipeError(f"the library of bodies {LIBRARY.name} is missing; reinstall xrayscan, or make it as bodies.md says")
    with np.load(LIBRARY) as held:
        head = json.loads(bytes(held["head"]).decode())
        count = (len(head["people"]), len(head["postures"]))
        steps = held["steps_high"].astype(np.int16) * 256 + held["steps_low"]  # (axis, vertex, person, posture)
        steps += held["usual"][:, :, None]
        vertices = np.cumsum(steps, axis=1, dtype=np.int16).transpose(2, 3, 1, 0)
        return Library(
            tuple(head["people"]),
            tuple(head["postures"]),
            tuple(head["points"]),
            held["faces"].astype(np.int64),
            held["shoes"].astype(np.int64),
            held["dressed"] / 100.0,
            np.ascontiguousarray(vertices),
            held["places"].reshape(*count, -1, 3),
            held["room"].reshape(*count, -1),
            held["volume"].reshape(count).astype(float),
            head["about"],
        )


def draw_body(
    rng: np.random.Generator, posture: str | None = None, size_limit: Point | None = None, people: Sequence[int] = ()
) -> Body:
    """Draw a person: two thirds adults, one third younger, in any posture, facing anywhere.

    Parameters
    ----------
    rng : numpy.random.Generator
    posture : str, optional
        One of `POSTURES`.
    size_limit : (float, float, float), optional [m]
        What the body has to fit in, along x, y and z.
    people : sequence of int, optional
        Numbers of the library's bodies to draw from; empty: all of them.

    Returns
    -------
    Body

    Raises
    ------
    RecipeError
        For an unknown posture or number, or if none of 400 bodies drawn fits.
    """
    if posture is not None:
        check_posture(posture)
    for _ in range(400):
        body = _drawn(rng, posture, people)
        if size_limit is None:
            return body
        bare = np.ptp(_skin(body), axis=0)
        if (bare <= size_limit).all() and (np.array(body_size(body)) <= size_limit).all():
            return body
    what = "body" if posture is None else f"body {posture}"
    room = " x ".join(f"{side:.2f}" for side in size_limit or ())
    raise RecipeError(f"no {what} fits in {room} m after 400 draws; make the room larger or name another posture")


def _drawn(rng: np.random.Generator, posture: str | None, among: Sequence[int]) -> Body:
    people = library().people
    numbers = range(len(people)) if len(among) == 0 else among
    if max(numbers) >= len(people):
        raise RecipeError(f"there is no body {max(numbers)} in the library; it holds {len(people)}, from 0 on")
    grown = rng.random() < 2 / 3
    choices = [i for i in numbers if (people[i]["age"] in ("adult", "old")) == grown] or list(numbers)
    person = int(rng.choice(choices))
    name = posture or str(rng.choice(POSTURES))
    one, likely = people[person], {"bag": 0.2, "phone": 0.5, "bottle": 0.2, "keys": 0.25}
    least, most = ((limit / _number(one, "mass")) ** (1 / 3) for limit in (15.0, 120.0))
    scale = float(np.clip(rng.uniform(0.97, 1.03), max(least, 0.97), min(most, 1.03)))
    return Body(
        person=person,
        sex=str(one["sex"]),
        age=str(one["age"]),
        stature=_number(one, "stature") * scale,
        mass=_number(one, "mass") * scale**3,
        posture=name,
        yaw=float(rng.uniform(-np.pi, np.pi)),
        scale=scale,
        mirrored=bool(rng.random() < 0.5),
        breath=float(rng.random()),
        clothes=float(np.clip(np.exp(rng.normal(np.log(0.008), 0.6)), 0.002, 0.03)) if rng.random() < 0.97 else 0.0,
        shoes=bool(rng.random() < 0.85),
        belongings=tuple(thing for thing in BELONGINGS if rng.random() < likely[thing]),
    )


def body_size(body: Body) -> Point:
    """Extent along x, y and z [m] with clothes, shoes and belongings, as it faces."""
    return _built(body)[1]


def body_solids(body: Body, at: Point) -> tuple[Solid, ...]:
    """The body as solids; the later take the place of the earlier.

    Parameters
    ----------
    body : Body
    at : (float, float, float) [m]
        The middle of its extent along x and y, and its lowest point.

    Returns
    -------
    tuple of Solid
        Belongings, clothes, shoes, flesh, then what is in the flesh.

    Raises
    ------
    RecipeError
        If the body is not in this version's library.
    """
    return tuple(moved(part, at) for part in _built(body)[0])


def seat_solids(body: Body, at: Point) -> tuple[Solid, ...]:
    """A wooden crate to sit on, for who sits as on a chair; nothing for others.

    Parameters
    ----------
    body : Body
    at : (float, float, float) [m]
        As for `body_solids`.

    Returns
    -------
    tuple of Solid
        The crate, then the air in it.
    """
    if body.posture != "sitting":
        return ()
    skin, sacrum = _skin(body), _points(body)["sacrum"]
    below = skin[np.hypot(*(skin - sacrum)[:, :2].T) < SEAT]
    flesh = next(part for part in _built(body)[0] if part.shape == "mesh" and part.material == "soft tissue")
    shift = np.asarray(flesh.center) - (skin.min(0) + skin.max(0)) / 2 + np.asarray(at)
    x, y, _ = sacrum + shift
    floor, top = at[2], float(below[:, 2].min() + shift[2])
    if top - floor < 4 * BOARD:
        return ()
    outer = box((x - SEAT, y - SEAT, floor), (x + SEAT, y + SEAT, top), "wood", 0.55)
    low, high = (x - SEAT + BOARD, y - SEAT + BOARD, floor + BOARD), (x + SEAT - BOARD, y + SEAT - BOARD, top - BOARD)
    return outer, box(low, high, "wood", 0.0)


def flesh_mesh(body: Body) -> Mesh:
    """The skin [m], as it faces: its lowest point at z = 0, the middle of its extent at x = y = 0."""
    skin = _skin(body)
    return Mesh(skin - _stand(skin.min(0), skin.max(0)), _faces(body, library().faces))


def shaped_solid(body: Body, at: Point, material: str, density: float) -> Solid:
    """A solid of the body's shape: a mannequin, a statue, the water of a phantom.

    Parameters
    ----------
    body : Body
    at : (float, float, float) [m]
        The middle of its extent along x and y, and its lowest point.
    material : str
    density : float [g/cm³]

    Returns
    -------
    Solid
    """
    mesh = flesh_mesh(body)
    return mesh_solid(mesh.vertices + np.asarray(at, float), mesh.faces, material, density)


def check_posture(posture: str) -> None:
    """Refuse, with a `RecipeError`, what is none of `POSTURES`."""
    if posture not in POSTURES:
        raise RecipeError(f"there is no posture {posture!r}; known are: {'; '.join(POSTURES)}")


def _number(one: dict[str, object], key: str) -> float:
    return float(str(one[key]))


def _entry(body: Body) -> tuple[int, int, bool]:
    """Person and posture in the library, and whether left and right are exchanged."""
    held = library()
    if not 0 <= body.person < len(held.people):
        raise RecipeError(f"body {body.person} is not in the library, which holds 0 to {len(held.people) - 1}; draw it anew")
    one = held.people[body.person]
    if abs(_number(one, "mass") * body.scale**3 - body.mass) > 1e-3 * body.mass or one["sex"] != body.sex:
        raise RecipeError(
            f"body {body.person} of {body.mass:.1f} kg, {body.sex}, is {_number(one, 'mass') * body.scale**3:.1f} kg, "
            f"{one['sex']}, in this version's library; draw it anew"
        )
    if "right side" in body.posture:
        return body.person, held.postures.index(body.posture.replace("right", "left")), True
    return body.person, held.postures.index(body.posture), body.mirrored and "left side" not in body.posture


def _turned(body: Body, points: np.ndarray) -> np.ndarray:
    """Library points [m], mirrored, scaled and facing as the body does."""
    flip = np.array([1.0, -1.0 if _entry(body)[2] else 1.0, 1.0])
    return points * (UNIT * body.scale) * flip @ rotation(yaw=body.yaw).T


def _skin(body: Body) -> np.ndarray:
    person, posture, _ = _entry(body)
    return _turned(body, library().vertices[person, posture])


def _faces(body: Body, faces: np.ndarray) -> np.ndarray:
    return faces[:, ::-1] if _entry(body)[2] else faces


def _points(body: Body) -> dict[str, np.ndarray]:
    person, posture, _ = _entry(body)
    held = library()
    return dict(zip(held.points, _turned(body, held.places[person, posture]), strict=True))


def _stand(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """What stands at the origin when the extent from ``low`` to ``high`` stands on it."""
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])


@lru_cache(maxsize=64)
def _built(body: Body) -> tuple[tuple[Solid, ...], Point]:
    """The solids about the origin, and their extent [m]."""
    skin, points = _skin(body), _points(body)
    normals = _normals(skin, _faces(body, library().faces))
    outer = _worn(body, skin, normals, points)
    organs = _placed(body, points)
    flesh = mesh_solid(skin, _faces(body, library().faces), "soft tissue", _flesh_density(body, organs))
    solids = [*outer, flesh, *(solid for _, solid in organs)]
    solids = _carried(body, solids, points) + solids
    low = np.min([np.asarray(part.center) - part.reach for part in solids], axis=0)
    high = np.max([np.asarray(part.center) + part.reach for part in solids], axis=0)
    x, y, z = (float(value) for value in high - low)
    return tuple(moved(part, -_stand(low, high)) for part in solids), (x, y, z)


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals of the vertices, shape (vertices, 3); each face counts by its area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    out = np.stack([np.bincount(faces.ravel(), np.repeat(across[:, k], 3), len(vertices)) for k in range(3)], axis=1)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def _worn(body: Body, skin: np.ndarray, normals: np.ndarray, points: dict[str, np.ndarray]) -> list[Solid]:
    """Clothes and shoes: the skin, pushed outward."""
    held, out = library(), []
    if body.clothes > 0:
        density = 0.18 + 0.12 * float(np.exp(-body.clothes / 0.008))  # thin clothes lie closer
        push = normals * (held.dressed * body.clothes)[:, None]
        out.append(mesh_solid(skin + push, _faces(body, held.faces), "textile", density))
    if body.shoes:
        faces = _faces(body, held.shoes)
        used = np.unique(faces)
        push = 0.006 * normals
        for side in ("left", "right"):
            ankle, heel, toe = (points[f"{side} {name}"] for name in ("ankle", "heel", "toe"))
            ahead = (toe - heel) / np.linalg.norm(toe - heel)
            down = (heel - ankle) - ahead * np.dot(heel - ankle, ahead)
            down /= np.linalg.norm(down)
            near = np.linalg.norm(skin - (heel + toe) / 2, axis=1) < np.linalg.norm(toe - heel)
            push[near & (normals @ down > 0.5)] += 0.014 * body.scale * down
        out.append(mesh_solid((skin + push)[used], np.searchsorted(used, faces), "rubber", 0.6))
    return out


def _placed(body: Body, points: dict[str, np.ndarray]) -> list[tuple[Organ, Solid]]:
    """The organs that have room, each as a solid."""
    person, posture, _ = _entry(body)
    room = dict(zip((o.name for o in ORGANS), library().room[person, posture] / 100.0, strict=True))
    out = []
    for organ in ORGANS:
        share = room[organ.within or organ.name]
        if share > 0:
            out.append((organ, organ_solid(organ, points, body.stature, share, body.breath)))
    return out


def organ_solid(organ: Organ, points: dict[str, np.ndarray], stature: float, share: float, breath: float = 0.5) -> Solid:
    """An organ as a solid.

    Parameters
    ----------
    organ : Organ
    points : dict of str to ndarray, shape (3,) [m]
        The body's points.
    stature : float [m]
    share : float
        Of its full size.
    breath : float
        0 breathed out, 1 in: lungs and ribs change, the lungs' mass does not.

    Returns
    -------
    Solid
    """
    size = stature / STATURE
    if len(organ.points) == 2:
        start, end = (points[name] for name in organ.points)
        return capsule(tuple(start), tuple(end), organ.radius * size * share, organ.material, organ.density)
    name = organ.points[0]
    center = points[name]
    front, left, top = (points[f"{name} {axis}"] - center for axis in ("front", "left", "top"))
    swell = 0.94 + 0.12 * breath if "lung" in name else 1.0
    wall = organ.radius * size * (share if organ.radius > 0 else 1.0)
    half = [float(np.linalg.norm(axis)) * share * swell + wall for axis in (front, left, top)]
    third = top / np.linalg.norm(top)
    first = front - third * np.dot(front, third)
    first /= np.linalg.norm(first)
    turn = np.stack([first, np.cross(third, first), third], axis=1)
    density = organ.density / swell**3 if organ.material == "lung" else organ.density
    x, y, z = (float(value) for value in center)
    return Solid("ellipsoid", (x, y, z), (half[0], half[1], half[2]), organ.material, density, turn)


def _volume(part: Solid) -> float:
    """Volume of an ellipsoid or capsule [m³]."""
    a, b, c = part.half
    return float(4 / 3 * np.pi * a * b * c if part.shape == "ellipsoid" else np.pi * a * a * (2 * c - 2 * a + 4 / 3 * a))


def _flesh_density(body: Body, organs: list[tuple[Organ, Solid]]) -> float:
    """Density [g/cm³] of the flesh, with which flesh and organs weigh what the body does."""
    person, posture, _ = _entry(body)
    volume = float(library().volume[person, posture]) * body.scale**3
    mass, density = body.mass / 1e3, {organ.name: solid.density for organ, solid in organs}
    for organ, solid in organs:
        around = density[organ.within] if organ.within else 0.0
        mass -= (solid.density - around) * _volume(solid)
        volume -= 0.0 if organ.within else _volume(solid)
    return mass / volume


def _carried(body: Body, solids: list[Solid], points: dict[str, np.ndarray]) -> list[Solid]:
    """Belongings: a phone and keys in the trousers' pockets, a bottle beside, a bag on the back or beside."""
    turn, out = rotation(yaw=body.yaw), []
    low = np.min([np.asarray(part.center) - part.reach for part in solids], axis=0)
    high = np.max([np.asarray(part.center) + part.reach for part in solids], axis=0)
    for thing, side in (("phone", "right"), ("keys", "left")):
        if thing in body.belongings:
            center, axes = _pocket(body, points, side)
            half = (0.0375, 0.0045, 0.075) if thing == "phone" else (0.018, 0.004, 0.03)
            material, density = ("electronics", 2.0) if thing == "phone" else ("steel", 4.0)
            out.append(Solid("box", center, half, material, density, axes))
    along = 0 if high[0] - low[0] < high[1] - low[1] else 1  # things stand where the body takes the least room
    beside = (low + high) / 2
    if "bottle" in body.belongings:
        beside[along], beside[2] = high[along] + 0.04, low[2] + 0.11
        out.append(Solid("cylinder", (beside[0], beside[1], beside[2]), (0.033, 0.033, 0.11), "water", 0.97))
    if "bag" in body.belongings:
        half = (0.09, 0.15, 0.21)
        if body.posture.startswith(_UPRIGHT) and "forward" not in body.posture:
            up = points["upper chest"] - points["waist"]
            up /= np.linalg.norm(up)
            back = -_across(turn[:, 0], up)
            center = (points["upper chest"] + points["waist"]) / 2
            skin = _skin(body) - center
            near = (np.abs(skin @ up) < 0.15) & (np.abs(skin @ np.cross(up, back)) < 0.10)
            center = center + back * (float(np.max(skin[near] @ back, initial=0.08)) + body.clothes + half[0] - 0.01)
            axes = np.stack([-back, np.cross(up, -back), up], axis=1)
        else:
            center, axes = (low + high) / 2, np.eye(3)
            half = (0.09, 0.15, 0.21) if along == 0 else (0.15, 0.09, 0.21)
            center[along], center[2] = low[along] - 0.10, low[2] + half[2]
        out.append(Solid("sack", (float(center[0]), float(center[1]), float(center[2])), half, "textile", 0.22, axes))
    return out


def _across(vector: np.ndarray, axis: np.ndarray) -> np.ndarray:
    out = vector - axis * np.dot(vector, axis)
    return out / np.linalg.norm(out)


def _pocket(body: Body, points: dict[str, np.ndarray], side: str) -> tuple[Point, np.ndarray]:
    """Middle and axes of what lies flat on the outside of a thigh."""
    hip, knee, other = points[f"{side} hip"], points[f"{side} knee"], points[f"{'left' if side == 'right' else 'right'} hip"]
    down = (knee - hip) / np.linalg.norm(knee - hip)
    outward = _across(hip - other, down)
    middle = hip + 0.4 * (knee - hip)
    skin = _skin(body) - middle
    near = (np.abs(skin @ down) < 0.05) & (np.linalg.norm(skin, axis=1) < 0.16) & (library().dressed > 0.9)  # not a hand
    reach = float(np.clip(np.max(skin[near] @ outward, initial=0.04), 0.04, 0.11))
    center = middle + outward * (reach + body.clothes + 0.002)
    axes = np.stack([np.cross(outward, down), outward, down], axis=1)
    return (float(center[0]), float(center[1]), float(center[2])), axes
