"""Path lengths: against closed forms, and against an independent ray tracer for meshes, curved solids and overlaps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from xrayscan.errors import RecipeError
from xrayscan.simulate.fan import Fan, Rays, Window
from xrayscan.simulate.material import basis
from xrayscan.simulate.render import Hidden, render
from xrayscan.simulate.solid import (
    SACK_ROUNDING,
    Mesh,
    Solid,
    box,
    capsule,
    cylinder,
    ellipsoid,
    mesh_solid,
    moved,
    rotation,
    sack,
    torus,
    turned,
)  # fmt: skip
from xrayscan.simulate.trace import covered_length, spans

DISTANCE, HEIGHT = 3.3, 0.8
TURN = rotation(0.7, 0.4, -0.3)


def _fan(pitch: float = 0.01, *, swaying: bool = False) -> Fan:
    rows, columns = int(1.4 / pitch), int(1.8 / pitch)
    even = Fan.vertical((DISTANCE, HEIGHT), 0.7, -0.9, (rows, columns), (pitch, pitch), skew=0.02)
    if not swaying:
        return even
    along = np.linspace(0, 9, columns)
    return Fan(DISTANCE, HEIGHT, even.slopes, even.xs + 0.02 * np.sin(along), 0.02 * np.cos(along), 0.02, (pitch, pitch))


def _path(solid: Solid, fan: Fan) -> np.ndarray:
    """Path length over the whole picture [m]."""
    rays = Rays(fan)
    enter, leave = spans(solid, rays, Window(0, 0, *fan.shape))
    return ((leave - enter).sum(0) * rays.path / 100).numpy().astype(float)


def _rays(fan: Fan) -> tuple[np.ndarray, np.ndarray]:
    """Origins and unit directions of all rays, shape (rays, 3)."""
    rows, columns = fan.shape
    o = np.stack(
        [fan.xs - fan.skew * fan.source_distance, np.full(columns, -fan.source_distance), fan.source_height + fan.lift], 1
    )
    d = np.stack([np.full(rows, fan.skew), np.ones(rows), fan.slopes], 1)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    return np.tile(o, (rows, 1)), np.repeat(d, columns, 0)


def _turned(points: np.ndarray, solid: Solid) -> np.ndarray:
    return points @ solid.turn.T + np.asarray(solid.center)


def _surface(solid: Solid):  # type: ignore[no-untyped-def]
    """The same solid as another library's mesh, finely faceted with the right volume on average."""
    trimesh = pytest.importorskip("trimesh")
    pytest.importorskip("embreex")
    a, b, c = solid.half
    if solid.shape == "box":
        mesh = trimesh.creation.box((2 * a, 2 * b, 2 * c))
    elif solid.shape == "ellipsoid":
        mesh = trimesh.creation.icosphere(6)
        mesh.vertices *= np.array(solid.half)
    elif solid.shape == "cylinder":
        mesh = trimesh.creation.cylinder(a, 2 * c, sections=720)
        mesh.vertices *= [1, b / a, 1]
    elif solid.shape == "capsule":
        mesh = trimesh.creation.capsule(2 * (c - a), a, count=[512, 512])
        mesh.vertices -= mesh.bounds.mean(0)
    elif solid.shape == "torus":
        mesh = trimesh.creation.torus(a - c, c, major_sections=512, minor_sections=256)
    else:
        assert solid.mesh is not None
        mesh = trimesh.Trimesh(solid.mesh.vertices, solid.mesh.faces, process=False)
    mesh.vertices = _turned(mesh.vertices, solid)
    return mesh


def _crossings(solid: Solid, fan: Fan) -> dict[int, list[float]]:
    """Distances from the source at which each ray crosses the surface, by embree."""
    mesh = _surface(solid)
    origins, directions = _rays(fan)
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    points, ray, _ = RayMeshIntersector(mesh, scale_to_box=False).intersects_location(origins, directions, multiple_hits=True)
    found: dict[int, list[float]] = {}
    for index, distance in zip(ray, np.einsum("ij,ij->i", points - origins[ray], directions[ray]), strict=True):
        found.setdefault(int(index), []).append(float(distance))
    return {index: sorted(values) for index, values in found.items()}


def _reference(solids: list[Solid], fan: Fan) -> list[np.ndarray]:
    """Each solid's own path [m]: between neighboring crossings, the last of the solids that are there."""
    crossings = [_crossings(solid, fan) for solid in solids]
    paths = [np.zeros(fan.shape[0] * fan.shape[1]) for _ in solids]
    for ray in {ray for each in crossings for ray in each}:
        own = [each.get(ray, []) for each in crossings]
        cuts = np.unique(np.concatenate([np.asarray(values) for values in own]))
        for first, last in pairwise(cuts):
            middle = (first + last) / 2
            there = [k for k, values in enumerate(own) if np.searchsorted(values, middle) % 2]
            if there:
                paths[there[-1]][ray] += last - first
    return [path.reshape(fan.shape) for path in paths]


def _agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert theirs.max() > 0
    assert abs(ours.sum() / theirs.sum() - 1) < 1e-3
    # A ray that grazes an edge may be in on one side and out on the other; such rays are few.
    assert np.sqrt(((ours - theirs)[(ours > 0) | (theirs > 0)] ** 2).mean()) < 5e-4


SHAPES = {
    "box": Solid("box", (0.1, -0.4, 0.1), (0.4, 0.3, 0.2), "water", 1.0, TURN),
    "ellipsoid": Solid("ellipsoid", (0.1, 0.4, 0.1), (0.4, 0.3, 0.2), "water", 1.0, TURN),
    "cylinder": Solid("cylinder", (0.0, -0.2, 0.1), (0.3, 0.3, 0.35), "water", 1.0, TURN),
    "capsule": Solid("capsule", (0.0, -0.2, 0.1), (0.15, 0.15, 0.45), "water", 1.0, TURN),
    "torus": Solid("torus", (0.0, 0.2, 0.1), (0.4, 0.4, 0.12), "water", 1.0, TURN),
    "torus on edge": torus((0.0, 0.2, 0.1), 0.3, 0.1, "water", 1.0, "y"),
}


def _star() -> Solid:
    """A surface with deep folds: rays enter and leave it several times."""
    trimesh = pytest.importorskip("trimesh")
    ball = trimesh.creation.icosphere(4)
    angle = np.arctan2(ball.vertices[:, 1], ball.vertices[:, 0])
    return mesh_solid(ball.vertices * (0.35 + 0.15 * np.sin(7 * angle))[:, None] + [0, 0.3, 0.1], ball.faces, "water", 1.0)


class TestAgainstAnotherTracer:
    @pytest.mark.parametrize("swaying", [False, True])
    @pytest.mark.parametrize("name", SHAPES)
    def test_shapes(self, name: str, swaying: bool) -> None:
        fan = _fan(0.012, swaying=swaying)
        _agree(_path(SHAPES[name], fan), _reference([SHAPES[name]], fan)[0])

    @pytest.mark.parametrize("swaying", [False, True])
    def test_a_folded_mesh(self, swaying: bool) -> None:
        solid, fan = _star(), _fan(0.012, swaying=swaying)
        assert len(spans(solid, Rays(fan), Window(0, 0, *fan.shape))[0]) > 2
        _agree(_path(solid, fan), _reference([solid], fan)[0])

    def test_overlaps_of_all_shapes(self) -> None:
        """Materials with water alone, so that each solid's own areal density can be told from the others by rendering twice."""
        fan = _fan(0.012)
        solids = [
            Solid("box", (0.0, 0.0, 0.1), (0.7, 0.6, 0.4), "water", 1.0, rotation(yaw=0.1)),
            *SHAPES.values(), _star(),
            Solid("ellipsoid", (0.2, 0.1, 0.0), (0.3, 0.5, 0.3), "water", 1.0),
        ]  # fmt: skip
        theirs = _reference(solids, fan)
        for index in range(len(solids)):
            marked = [
                Solid(s.shape, s.center, s.half, "water", float(k == index), s.turn, s.mesh) for k, s in enumerate(solids)
            ]
            _agree(render(fan, marked).water.numpy() / 100, theirs[index])


class TestClosedForms:
    def test_ball(self) -> None:
        fan, center, radius = _fan(), np.array([0.05, 0.3, 0.1]), 0.25
        origins, directions = _rays(fan)
        off = np.linalg.norm(np.cross(center - origins, directions), axis=1)
        chord = 2 * np.sqrt(np.clip(radius**2 - off**2, 0, None)).reshape(fan.shape)
        assert _path(ellipsoid(tuple(center), (radius,) * 3, "water", 1.0), fan) == pytest.approx(chord, abs=2e-4)

    def test_slab(self) -> None:
        fan = _fan()
        depth = _path(box((-5, 0.1, -5), (5, 0.4, 5), "water", 1.0), fan)
        expected = 0.3 * np.sqrt(1 + fan.slopes**2 + fan.skew**2)
        assert depth == pytest.approx(np.repeat(expected[:, None], fan.shape[1], 1), abs=1e-5)

    def test_ring_cut_through_its_middle(self) -> None:
        """A ray along a diameter of the ring passes its tube twice."""
        fan = Fan.vertical((50.0, 0.0), 0.005, -0.005, (1, 1), (0.01, 0.01))
        enter, leave = spans(torus((0, 0, 0), 0.3, 0.1, "water", 1.0), Rays(fan), Window(0, 0, 1, 1))
        assert (leave - enter).flatten().tolist() == pytest.approx([0.2, 0.2], abs=1e-5)
        assert enter.flatten().tolist() == pytest.approx([49.6, 50.2], abs=1e-5)

    def test_sack_is_the_common_part_of_a_box_and_an_ellipsoid(self) -> None:
        fan, half = Fan.vertical((50.0, 0.1), 0.3, -0.5, (40, 100), (0.01, 0.01)), (0.4, 0.25, 0.12)
        bag = sack((0.0, 0.1, 0.1), half, "food", 1.0)
        block = box((-0.4, -0.15, -0.02), (0.4, 0.35, 0.22), "food", 1.0)
        inner, outer = _path(bag, fan), _path(block, fan)
        assert np.all(inner <= outer + 1e-5)
        assert inner[20, 50] == pytest.approx(outer[20, 50], abs=1e-3)
        points = np.random.default_rng(0).uniform(-1, 1, (200_000, 3))
        share = (np.linalg.norm(points, axis=1) < SACK_ROUNDING).mean()
        assert inner.sum() / outer.sum() == pytest.approx(share, rel=0.01)

    def test_mesh_volume_and_winding(self) -> None:
        """Two balls in one surface, partly in each other, count once where they meet."""
        trimesh = pytest.importorskip("trimesh")
        ball = trimesh.creation.icosphere(5, radius=0.2)
        both = np.concatenate([ball.vertices, ball.vertices + [0.1, 0, 0]])
        faces = np.concatenate([ball.faces, ball.faces + len(ball.vertices)])
        far = Fan.vertical((200.0, 0.0), 0.25, -0.25, (300, 360), (0.5 / 300, 0.6 / 360))
        volume = _path(mesh_solid(both, faces, "water", 1.0), far).sum() * far.pitch[0] * far.pitch[1]
        radius, gap = 0.2, 0.1
        lens = np.pi * (4 * radius + gap) * (2 * radius - gap) ** 2 / 12
        assert volume == pytest.approx(2 * 4 / 3 * np.pi * radius**3 - lens, rel=2e-3)
        assert Mesh(ball.vertices, ball.faces).volume == pytest.approx(4 / 3 * np.pi * 0.2**3, rel=2e-3)


class TestOrder:
    """Where two solids overlap, the later one takes the place of the earlier."""

    def test_a_hollow_box(self) -> None:
        fan = _fan()
        shell = [
            box((-0.4, -0.4, -0.2), (0.4, 0.4, 0.4), "steel", 7.85),
            box((-0.38, -0.38, -0.18), (0.38, 0.38, 0.38), "water", 0.0),
        ]
        areal = render(fan, shell)
        row, column = 60, 90
        slant = np.sqrt(1 + fan.slopes[row] ** 2 + fan.skew**2)
        assert areal.iron[row, column].item() == pytest.approx(4 * 7.85 * slant * basis("steel")[1], rel=1e-3)

    def test_mass_does_not_depend_on_who_is_later(self) -> None:
        fan = _fan()
        one, two = SHAPES["box"], moved(SHAPES["ellipsoid"], (0.0, -0.6, 0.05))
        forth, back = render(fan, [one, two]).water, render(fan, [two, one]).water
        assert torch.allclose(forth, back, atol=2e-2)
        assert forth.sum() < render(fan, [one]).water.sum() + render(fan, [two]).water.sum()

    def test_crowds_are_split_without_a_seam(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng, fan = np.random.default_rng(3), _fan()
        crowd = [box((-0.8, -0.5, -0.4), (0.8, 0.5, 0.5), "water", 0.5)]
        for _ in range(40):
            center = tuple(rng.uniform([-0.6, -0.4, -0.3], [0.6, 0.4, 0.4]))
            crowd.append(turned(box(tuple(np.subtract(center, 0.1)), tuple(np.add(center, 0.15)), "water", 1.0), TURN))
        whole = render(fan, crowd).water
        monkeypatch.setattr("xrayscan.simulate.render.CROWD", 2000)
        assert torch.allclose(render(fan, crowd).water, whole, atol=1e-3)


class TestHidden:
    def test_what_is_taken_and_what_is_put_in(self) -> None:
        fan = _fan(0.02)
        load = [box((-0.6, -0.5, -0.3), (0.6, 0.5, 0.6), "water", 0.5)]
        hole = Solid("box", (0, 0, 0.1), (0.3, 0.3, 0.3), "water", 0.0)
        thing = Solid("box", (0, 0, 0.1), (0.2, 0.2, 0.2), "water", 1.0)
        patch = render(fan, [], load, [Hidden("person", "test", (thing,), (hole,))]).patches[0]
        cut = patch.window.slices
        assert patch.added.numpy() == pytest.approx(100 * _path(thing, fan)[cut], abs=1e-2)
        assert patch.removed.numpy() == pytest.approx(50 * _path(hole, fan)[cut], abs=1e-2)
        seen = patch.added.numpy() > 5
        # In front: the load from its near face to the hole, 0.2 m of it.
        assert np.median(patch.front.numpy()[seen]) == pytest.approx(10.0, rel=0.1)

    def test_holes_leave_the_vehicle_alone(self) -> None:
        fan = _fan(0.02)
        wall = [box((-0.6, -0.5, -0.3), (0.6, -0.45, 0.6), "steel", 7.85)]
        hole = Solid("box", (0, 0, 0.1), (0.3, 0.6, 0.3), "water", 0.0)
        with_hole = render(fan, wall, [], [Hidden("void", "void", (), (hole,))])
        assert torch.equal(with_hole.iron, render(fan, wall).iron)

    def test_a_thing_in_the_load_without_a_hole_takes_its_place(self) -> None:
        fan = _fan(0.02)
        load = [box((-0.6, -0.5, -0.3), (0.6, 0.5, 0.6), "water", 0.5)]
        thing = Solid("ellipsoid", (0, 0, 0.1), (0.2, 0.2, 0.2), "water", 1.0)
        areal = render(fan, [], load, [Hidden("density", "water", (thing,))])
        assert torch.allclose(areal.patches[0].removed * 2, areal.patches[0].added, atol=1e-2)
        assert areal.water.sum() == pytest.approx(
            (render(fan, [], load).water.sum() + areal.patches[0].removed.sum()).item(), rel=1e-5
        )


def test_union_of_intervals() -> None:
    enter, leave = torch.tensor([[0.0, 1.0, 1.5, 9.0, 3.0]] * 6).T, torch.tensor([[2.0, 3.0, 1.8, 9.5, 3.5]] * 6).T
    assert covered_length(enter[..., None], leave[..., None]).flatten().tolist() == pytest.approx([4.0] * 6)


class TestErrors:
    def test_solids(self) -> None:
        with pytest.raises(RecipeError, match=r"box of steel has half extents .* expected all above 0"):
            box((0, 0, 0), (1, 0, 1), "steel", 1.0)
        with pytest.raises(RecipeError, match=r"density -1.0 g/cm³; expected 0 or more"):
            ellipsoid((0, 0, 0), (1, 1, 1), "steel", -1.0)
        with pytest.raises(RecipeError, match="tube of 2 m in a ring of 1 m; expected a thinner tube"):
            torus((0, 0, 0), 1, 2, "rubber", 1.0)
        with pytest.raises(RecipeError, match="a mesh lacks a surface; use mesh_solid"):
            Solid("mesh", (0, 0, 0), (1, 1, 1), "water", 1.0)
        with pytest.raises(RecipeError, match=r"vertices of shape \(3, 2\)"):
            Mesh(np.zeros((3, 2)), np.zeros((1, 3), int))

    def test_fans(self) -> None:
        with pytest.raises(RecipeError, match="2 lifts for 3 columns"):
            Fan(5.0, 1.0, np.array([0.1, 0.0]), np.arange(3.0), np.zeros(2), 0.0, (0.1, 0.1))
        with pytest.raises(RecipeError, match="slopes have to fall from row to row"):
            Fan(5.0, 1.0, np.array([0.0, 0.1]), np.arange(3.0), np.zeros(3), 0.0, (0.1, 0.1))


def test_capsule_and_cylinder_between_points() -> None:
    rod = capsule((0, 0, 0), (1, 0, 0), 0.1, "steel", 1.0)
    assert rod.reach == pytest.approx([0.6, 0.1, 0.1])
    assert cylinder((0, 0, 0), 0.1, 1.0, "steel", 1.0, "y").reach == pytest.approx([0.1, 0.5, 0.1])
