import json
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest

from xrayscan.errors import RecipeError
from xrayscan.simulate import body as bodies
from xrayscan.simulate.bodies_mesh import Collapse, closed, covered, volume, winding
from xrayscan.simulate.body import POSTURES, Body, body_size, body_solids, draw_body, flesh_mesh, shaped_solid
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.render import render

PIXEL = 0.0125


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(11)


def bare(rng, posture):
    return replace(draw_body(rng, posture), clothes=0.0, shoes=False, belongings=())


def weighed(solids):
    """Mass [kg] from the areal density that rays from far away meet; as water, of which every share is mass."""
    fan = Fan.vertical((60.0, 1.0), 2.5, -1.3, (208, 208), (PIXEL, PIXEL))
    areal = render(fan, [], [replace(solid, material="water") for solid in solids])
    return float(areal.water.sum()) * (100 * PIXEL) ** 2 / 1e3


@pytest.mark.parametrize("posture", POSTURES[::2] + POSTURES[-1:])
def test_a_body_weighs_what_it_says_from_any_side(posture, rng):
    body = bare(rng, posture)
    for yaw in (0.3, 1.9):
        facing = replace(body, yaw=yaw)
        assert weighed(body_solids(facing, (0, 0, 0))) == pytest.approx(body.mass, rel=0.02)


def test_clothes_and_belongings_add_to_the_mass(rng):
    plain = replace(bare(rng, "squatting"), breath=0.2)
    dressed = replace(plain, clothes=0.01, shoes=True, belongings=("bag", "phone", "bottle", "keys"))
    assert 1.0 < weighed(body_solids(dressed, (0, 0, 0))) - weighed(body_solids(plain, (0, 0, 0))) < 12.0


def test_breath_changes_the_lungs_and_not_the_mass(rng):
    out, full = (replace(bare(rng, "kneeling"), breath=breath, person=5) for breath in (0.0, 1.0))
    held = bodies.library().people[5]
    out, full = (replace(b, sex=held["sex"], mass=held["mass"], stature=held["stature"], scale=1.0) for b in (out, full))
    lungs = [[s for s in body_solids(b, (0, 0, 0)) if s.material == "lung"] for b in (out, full)]
    assert all(small.half[2] < large.half[2] for small, large in zip(*lungs, strict=True))
    assert all(small.density > large.density for small, large in zip(*lungs, strict=True))
    assert weighed(body_solids(full, (0, 0, 0))) == pytest.approx(out.mass, rel=0.02)


def test_the_library_spans_sexes_ages_masses_and_postures():
    held = bodies.library()
    masses = [one["mass"] for one in held.people]
    assert len(held.people) >= 28
    assert len(held.postures) >= 14
    assert {one["sex"] for one in held.people} == {"female", "male"}
    assert {one["age"] for one in held.people} == {"child", "youth", "adult", "old"}
    assert min(masses) == pytest.approx(15, abs=0.5)
    assert max(masses) == pytest.approx(120, abs=0.5)
    assert set(POSTURES) == set(held.postures) | {"lying on right side", "fetal on right side"}
    assert bodies.LIBRARY.stat().st_size < 4e6


def test_every_skin_is_one_closed_surface_that_faces_outward():
    held = bodies.library()
    for faces in (held.faces, held.shoes):
        edges = Counter((int(f[i]), int(f[(i + 1) % 3])) for f in faces for i in range(3))
        assert set(edges.values()) == {1}
        assert all((b, a) in edges for a, b in edges)
    assert held.vertices.dtype == np.int16
    assert (held.vertices[..., 2].min(axis=-1) == 0).all()
    for person in range(0, len(held.people), 5):
        for posture in range(len(held.postures)):
            points = held.vertices[person, posture] * bodies.UNIT
            assert volume(points, held.faces) > 0.98 * held.volume[person, posture]
            assert np.abs(points).max() < 2.6


def test_the_stated_volume_counts_what_lies_in_two_limbs_once():
    held = bodies.library()
    for person, posture in ((0, 7), (1, 9), (8, 19), (20, 13)):
        points = held.vertices[person, posture] * bodies.UNIT
        assert covered(points, held.faces, 0.006) == pytest.approx(held.volume[person, posture], rel=0.004)
        assert held.volume[person, posture] > 0.90 * volume(points, held.faces)
    assert held.volume * 1010 == pytest.approx(np.array([[p["mass"]] * len(held.postures) for p in held.people]), rel=0.01)


def test_the_rays_agree_with_another_library():
    trimesh = pytest.importorskip("trimesh")
    held = bodies.library()
    mesh = trimesh.Trimesh(held.vertices[3, 0] * bodies.UNIT, held.faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(volume(mesh.vertices, held.faces), rel=1e-6)


@pytest.mark.parametrize("posture", POSTURES)
def test_organs_lie_in_the_flesh(posture, rng):
    body = bare(rng, posture)
    solids = body_solids(body, (0, 0, 0))
    flesh = solids[0]
    skin = flesh.mesh.vertices + np.asarray(flesh.center)
    assert sum(solid.material == "lung" for solid in solids) == 2
    assert sum(solid.material == "bone" for solid in solids) >= 26
    for solid in solids[1:]:
        ends = np.concatenate([np.eye(3), -np.eye(3)]) * np.array(solid.half) * 0.999
        places = ends @ solid.turn.T + np.asarray(solid.center)
        assert (winding(places, skin, flesh.mesh.faces) > 0).all(), f"{solid.shape} of {solid.material} in {posture}"
    assert 0.96 < flesh.density < 1.09


def test_the_head_is_as_dense_as_heads_are():
    held = bodies.library().people[2]
    body = Body(2, held["sex"], held["age"], held["stature"], held["mass"], "standing", np.pi / 2, clothes=0.0, shoes=False)
    fan = Fan.vertical((60.0, 1.0), 2.0, -0.5, (200, 100), (0.01, 0.01))
    areal = render(fan, [], body_solids(body, (0, 0, 0)))
    seen = (areal.water + areal.iron).numpy()
    head = seen[int((2.0 - held["stature"] + 0.09) / 0.01)]
    assert 16 < head.max() < 26  # front to back [g/cm²]
    assert 14 < np.median(seen[70:85][seen[70:85] > 12]) < 28  # chest and abdomen


def test_a_body_stands_where_it_is_put_and_has_the_size_it_says(rng):
    for _ in range(6):
        body = draw_body(rng)
        solids = body_solids(body, (3.0, -0.4, 1.2))
        low = np.min([np.asarray(s.center) - s.reach for s in solids], axis=0)
        high = np.max([np.asarray(s.center) + s.reach for s in solids], axis=0)
        assert high - low == pytest.approx(body_size(body), abs=1e-9)
        assert (low + high)[:2] / 2 == pytest.approx([3.0, -0.4], abs=1e-9)
        assert low[2] == pytest.approx(1.2, abs=1e-9)


def test_the_right_side_mirrors_the_left(rng):
    left = replace(bare(rng, "fetal on left side"), yaw=0.0)
    right = replace(left, posture="fetal on right side")
    a, b = flesh_mesh(left), flesh_mesh(right)
    assert a.vertices * [1, -1, 1] == pytest.approx(b.vertices, abs=1e-9)
    assert b.volume == pytest.approx(a.volume)
    assert weighed(body_solids(right, (0, 0, 0))) == pytest.approx(left.mass, rel=0.02)


def test_a_statue_has_the_same_shape(rng):
    body = draw_body(rng, "standing")
    statue = shaped_solid(body, (1.0, 2.0, 0.5), "stone", 2.6)
    mesh = flesh_mesh(body)
    assert statue.mesh.volume == pytest.approx(mesh.volume)
    assert statue.center == pytest.approx((1.0, 2.0, 0.5 + statue.half[2]))


def test_draws_repeat_and_survive_a_record(rng):
    first, again = (draw_body(np.random.default_rng(5)) for _ in range(2))
    assert first == again
    back = Body(**json.loads(json.dumps(asdict(first))))
    assert back == first
    assert [s.center for s in body_solids(back, (0, 0, 0))] == [s.center for s in body_solids(first, (0, 0, 0))]


def test_two_thirds_are_grown_and_all_postures_occur():
    rng = np.random.default_rng(3)
    drawn = [draw_body(rng) for _ in range(600)]
    assert np.mean([b.age in ("adult", "old") for b in drawn]) == pytest.approx(2 / 3, abs=0.06)
    assert {b.posture for b in drawn} == set(POSTURES)
    assert min(b.mass for b in drawn) >= 14.99
    assert max(b.mass for b in drawn) <= 120.01
    assert 0.05 < np.mean(["bag" in b.belongings for b in drawn]) < 0.4


def test_a_drawn_body_fits_its_room(rng):
    room = (0.8, 0.7, 1.1)
    for _ in range(5):
        assert (np.array(body_size(draw_body(rng, size_limit=room))) <= room).all()


def test_errors_say_what_to_do(rng):
    with pytest.raises(RecipeError, match="no posture 'flying'; known are: standing; "):
        draw_body(rng, "flying")
    with pytest.raises(
        RecipeError, match=r"no body standing fits in 0\.20 x 0\.20 x 0\.20 m after 400 draws; make the room larger"
    ):
        draw_body(rng, "standing", (0.2, 0.2, 0.2))
    body = draw_body(rng, "standing")
    with pytest.raises(RecipeError, match="has breath 2; expected 0 to 1"):
        replace(body, breath=2.0)
    with pytest.raises(RecipeError, match="carries piano; known are bag, phone"):
        replace(body, belongings=("piano",))
    with pytest.raises(RecipeError, match="body 999 is not in the library"):
        body_size(replace(body, person=999))
    with pytest.raises(RecipeError, match="in this version's library; draw it anew"):
        body_size(replace(body, mass=body.mass * 2))


def test_a_missing_library_is_said_to_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(bodies, "LIBRARY", tmp_path / "none.npz")
    bodies.library.cache_clear()
    try:
        with pytest.raises(RecipeError, match=r"library of bodies none\.npz is missing; reinstall xrayscan"):
            bodies.library()
    finally:
        bodies.library.cache_clear()


def test_holes_are_closed_and_edges_collapse_without_opening_the_surface():
    grid = [(u, v) for u in range(9) for v in range(16)]
    angle = [(np.pi * (u + 1) / 10, 2 * np.pi * v / 16) for u, v in grid]
    ball = np.array([[np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)] for t, p in angle])
    at = {cell: i for i, cell in enumerate(grid)}
    quads = [(at[u, v], at[u + 1, v], at[u + 1, (v + 1) % 16], at[u, (v + 1) % 16]) for u in range(8) for v in range(16)]
    faces = closed(np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]))
    keep, few = Collapse(ball[None], faces, np.ones(len(ball))).down_to(60)
    assert len(keep) == 60
    assert volume(ball, faces) == pytest.approx(4.0, abs=0.25)
    assert volume(ball[keep], few) > 0.85 * volume(ball, faces)
    assert winding(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 2.0]]), ball[keep], few).tolist() == [1.0, 0.0]
    assert covered(ball[keep], few, 0.02) == pytest.approx(volume(ball[keep], few), rel=0.01)
