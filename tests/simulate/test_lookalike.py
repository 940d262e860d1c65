"""Look-alikes: what they measure, weigh and how they vary; inserts, voids and compartments."""

from __future__ import annotations

import numpy as np
import pytest
from probe import density_at, inside, mass, points_in

from xrayscan.errors import RecipeError
from xrayscan.simulate.extent import bounds, room_of, scaled
from xrayscan.simulate.inserts import COMPARTMENTS, INSERTS, draw_compartment, draw_insert, draw_void, legitimate_void
from xrayscan.simulate.lookalike import LOOKALIKES, UNNAMED, draw_lookalike
from xrayscan.simulate.material import MATERIALS
from xrayscan.simulate.places import Surroundings
from xrayscan.simulate.solid import Room, Solid, box, rotation, sack, turned

ROOM = Room(0.0, 5.9, -1.17, 1.17, 0.0, 2.39)
FIGURES = ("mannequin", "statue", "figure of no kind")


def measured(solid: Solid) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the box around a solid [m], by the points of a lattice that are in it."""
    if solid.mesh is not None:
        points = solid.mesh.vertices @ solid.turn.T + solid.center
        return points.min(axis=0), points.max(axis=0)
    steps = np.linspace(-1.0, 1.0, 25)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    points = (lattice * np.asarray(solid.half) * 0.9999) @ solid.turn.T + solid.center
    points = points[inside(solid, points)]
    return points.min(axis=0), points.max(axis=0)


def weight(parts: tuple[Solid, ...], size: tuple[float, float, float]) -> float:
    """Mass [kg]; figures by the volume of their meshes."""
    figures = [part for part in parts if part.mesh is not None]
    low, high = np.array([-size[0] / 2, -size[1] / 2, 0.0]), np.array([size[0] / 2, size[1] / 2, size[2]])
    rest = [part for part in parts if part.mesh is None]
    total = sum(part.density * part.mesh.volume * 1000 for part in figures)
    return float(total + (mass(rest, low, high, np.random.default_rng(0), 15_000) if rest else 0.0))


def test_there_are_many_kinds_of_many_families():
    assert len(LOOKALIKES) >= 35
    assert {"animal", "meat", "sacks", "vessel", "textile", "figure", "furniture", "machine", "refuse"} <= {
        kind.family for kind in LOOKALIKES.values()
    }


@pytest.mark.parametrize("name", LOOKALIKES)
def test_the_stated_size_is_that_of_the_solids(name):
    for seed in range(4):
        thing = draw_lookalike(np.random.default_rng(seed), [name])
        ends = [measured(part) for part in thing.parts if part.density > 0]
        low, high = np.min([end[0] for end in ends], axis=0), np.max([end[1] for end in ends], axis=0)
        assert high - low == pytest.approx(thing.size, abs=0.03)
        assert low == pytest.approx([-thing.size[0] / 2, -thing.size[1] / 2, 0.0], abs=0.03)


@pytest.mark.parametrize("name", LOOKALIKES)
def test_masses_and_sizes_are_believable(name):
    for seed in range(4):
        thing = draw_lookalike(np.random.default_rng(seed), [name])
        assert 0.8 < weight(thing.parts, thing.size) < 450.0
        assert max(thing.size) < 2.4
        assert min(thing.size) > 0.1
        assert len(thing.parts) <= 60
        assert {part.material for part in thing.parts} <= set(MATERIALS)
        assert all(
            part.density <= MATERIALS[part.material].density * 1.2
            for part in thing.parts
            if part.material not in ("lung", "foam")
        )


def test_most_have_a_persons_mass():
    rng = np.random.default_rng(3)
    things = [draw_lookalike(rng) for _ in range(60)]
    masses = np.array([weight(thing.parts, thing.size) for thing in things if thing.name not in FIGURES])
    assert np.mean((masses > 10) & (masses < 120)) > 0.6


def test_no_two_draws_are_alike():
    for name in LOOKALIKES:
        sizes = {draw_lookalike(np.random.default_rng(seed), [name]).size for seed in range(6)}
        assert len(sizes) >= 5, name


def test_what_is_of_no_kind_is_drawn_only_where_it_is_named():
    drawn = {draw_lookalike(np.random.default_rng(seed)).name for seed in range(300)}
    assert not drawn & set(UNNAMED)
    assert len(drawn) > 30
    assert {draw_lookalike(np.random.default_rng(seed), UNNAMED).name for seed in range(30)} == set(UNNAMED)


def test_things_of_no_kind_have_as_many_stuffs_and_forms_as_there_are():
    things = [draw_lookalike(np.random.default_rng(seed), ["thing of no kind"]) for seed in range(60)]
    assert len({part.material for thing in things for part in thing.parts}) > 15
    assert {"box", "sack", "ellipsoid", "cylinder", "capsule"} <= {part.shape for thing in things for part in thing.parts}
    heights = [thing.size[2] for thing in things]
    assert min(heights) < 0.5
    assert max(heights) > 1.4


def test_a_figure_of_no_kind_that_is_as_dense_as_flesh_is_small():
    """Else it would be a person, but for what is in it."""
    for seed in range(60):
        figure = next(part for part in draw_lookalike(np.random.default_rng(seed), ["figure of no kind"]).parts if part.mesh)
        if 0.75 < figure.density < 1.35:
            assert figure.mesh.volume < 0.015


def test_a_seed_replays_a_lookalike():
    one, other = (draw_lookalike(np.random.default_rng(11)) for _ in range(2))
    assert one.name == other.name
    assert one.size == other.size
    assert [part.center for part in one.parts] == [part.center for part in other.parts]


def test_solids_stand_where_they_are_asked_to():
    thing = draw_lookalike(np.random.default_rng(2), ["bundle"])
    low, high = bounds(thing.solids((3.0, 0.2, 0.5)))
    assert low[2] == pytest.approx(0.5, abs=1e-6)
    assert (low + high)[:2] / 2 == pytest.approx([3.0, 0.2], abs=1e-6)


@pytest.mark.parametrize("limit", [(0.6, 0.6, 0.9), (1.6, 0.5, 0.35), (0.3, 0.3, 0.3)])
def test_a_limit_is_kept(limit):
    for seed in range(10):
        thing = draw_lookalike(np.random.default_rng(seed), size_limit=limit)
        assert all(own <= side + 1e-6 for own, side in zip(thing.size, limit, strict=True))


def test_an_unknown_lookalike_names_the_nearest():
    with pytest.raises(RecipeError, match=r"no look-alike 'manequin'; did you mean 'mannequin'\? Known are dog"):
        draw_lookalike(np.random.default_rng(0), ["manequin"])
    with pytest.raises(RecipeError, match="no kinds of look-alike to choose from; name at least one"):
        draw_lookalike(np.random.default_rng(0), [])
    with pytest.raises(RecipeError, match="expected all above 0"):
        draw_lookalike(np.random.default_rng(0), size_limit=(1.0, 0.0, 1.0))


def test_a_tilted_sack_reaches_as_far_as_measured():
    part = turned(sack((0.0, 0.0, 0.0), (0.4, 0.25, 0.1), "grain", 0.7), rotation(0.4, 0.3, 0.2))
    low, high = bounds([part])
    least, most = measured(part)
    assert high - low == pytest.approx(most - least, abs=0.012)


def test_scaling_keeps_the_shape():
    part = box((0.2, 0.0, 0.0), (0.6, 0.2, 0.1), "wood", 0.6)
    low, high = bounds([scaled(part, 0.5)])
    assert low == pytest.approx([0.1, 0.0, 0.0])
    assert high == pytest.approx([0.3, 0.1, 0.05])


def loaded(density: float = 0.3) -> Surroundings:
    """Cartons from wall to wall, 1.8 m high."""
    parts = [
        box((x, y, z), (x + 0.495, y + 0.385, z + 0.3), "cellulose", density)
        for x in np.arange(0.5, 4.9, 0.5)
        for y in np.arange(-1.16, 1.0, 0.39)
        for z in np.arange(0.0, 1.75, 0.3)
    ]
    return Surroundings((ROOM,), tuple(parts))


@pytest.mark.parametrize("kind", ["dense", "light"])
def test_inserts_change_the_areal_density(kind):
    labels = set()
    for seed in range(24):
        insert = draw_insert(np.random.default_rng(seed), kind)
        labels.add(insert.label)
        points = points_in(room_of(insert.solids((0.0, 0.0, 0.0))), np.random.default_rng(1))
        held = density_at(insert.parts, points)
        mean = held[held >= 0].mean()
        assert mean > 0.6 if kind == "dense" else mean < 0.15, insert.label
        assert max(insert.size) < 2.0
        low, high = bounds(insert.parts)
        assert high - low == pytest.approx(insert.size, abs=1e-6)
    assert labels == {label for label in INSERTS if label.startswith(kind)}


def test_a_kind_of_insert_has_to_exist():
    with pytest.raises(RecipeError, match="no kind of insert 'heavy'; expected 'dense' or 'light'"):
        draw_insert(np.random.default_rng(0), "heavy")


def test_voids_are_as_large_as_persons():
    sizes = np.array([draw_void(np.random.default_rng(seed)) for seed in range(50)])
    assert sizes.min() >= 0.4
    assert sizes.max() <= 2.0


def test_legitimate_voids_take_out_load_and_stay_in_the_room():
    around, found = loaded(), 0
    for seed in range(30):
        hole = legitimate_void(np.random.default_rng(seed), around)
        if not hole:
            continue
        found += 1
        space = room_of(hole)
        assert all(part.density == 0.0 for part in hole)
        assert space.x0 >= ROOM.x0 - 1e-6
        assert space.x1 <= ROOM.x1 + 1e-6
        assert space.y0 >= ROOM.y0 - 1e-6
        assert space.z0 >= ROOM.z0 - 1e-6
        assert around.meeting(space, by=0.0).size > 0
    assert found > 20


def test_legitimate_voids_leave_what_is_hidden_its_support():
    around = Surroundings((ROOM,), loaded().load, taken=(Room(0.0, 5.9, -1.17, 1.17, 1.8, 2.39),))
    assert all(not legitimate_void(np.random.default_rng(seed), around) for seed in range(10))
    assert legitimate_void(np.random.default_rng(0), Surroundings((ROOM,))) == ()


@pytest.mark.parametrize("name", COMPARTMENTS)
def test_compartments_hold_goods_within_the_room(name):
    for seed in range(6):
        found = draw_compartment(np.random.default_rng(seed), loaded(), [name])
        assert found is not None
        assert found.label == name
        assert found.solids
        for part in (*found.hole, *found.cover, *found.solids):
            space = room_of([part])
            assert space.z1 <= ROOM.z1 + 0.05
            assert space.z0 >= ROOM.z0 - 1e-6
            assert space.y0 >= ROOM.y0 - 1e-6
            assert space.y1 <= ROOM.y1 + 1e-6
        goods = room_of(found.solids)
        assert found.space.x0 <= goods.x0
        assert goods.x1 <= found.space.x1


@pytest.mark.parametrize("name", COMPARTMENTS)
def test_compartments_fit_into_the_smallest_rooms(name):
    """Cabins and niches of 0.7 m: what is as wide as the room leaves no choice of where, or less than none by rounding."""
    for seed in range(40):
        x, y = np.random.default_rng((seed, 1)).uniform(-7.0, 7.0, 2)
        tight = Room(x, x + 0.71, y, y + 0.71, 1.1, 1.81)
        found = draw_compartment(np.random.default_rng(seed), Surroundings((tight,)), [name])
        assert found is None or (found.space.x0 >= tight.x0 - 0.05 and found.space.x1 <= tight.x1 + 0.05)


def test_compartments_keep_clear_of_what_is_hidden():
    around = Surroundings((ROOM,), taken=(ROOM,))
    assert draw_compartment(np.random.default_rng(0), around) is None
    with pytest.raises(RecipeError, match="no hidden compartment 'attic'; known are false floor"):
        draw_compartment(np.random.default_rng(0), around, ["attic"])
