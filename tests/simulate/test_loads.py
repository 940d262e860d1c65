"""Loads: every kind in rooms of several sizes, what they weigh, and the disorder they are in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xrayscan.errors import RecipeError
from xrayscan.simulate.loads import LOADS, UNNAMED, fill, food, household, packaged, soft
from xrayscan.simulate.loads.arrange import (
    Disorder,
    Ground,
    bare,
    bounds,
    disorder,
    heap,
    hollow,
    leaning,
    skyline,
    stack,
    steps,
    toppled,
    weighed,
    within,
)
from xrayscan.simulate.loads.carton import GOODS, carton
from xrayscan.simulate.loads.food import heaped, liquid
from xrayscan.simulate.loads.pallets import PALLET, on_pallets, pallet
from xrayscan.simulate.material import MATERIALS
from xrayscan.simulate.solid import SACK_ROUNDING, Room, Solid, box, cylinder

ROOMS = {
    "20 ft": Room(0.0, 5.9, -1.17, 1.17, 0.0, 2.39),
    "40 ft high cube": Room(0.0, 12.0, -1.17, 1.17, 0.0, 2.69),
    "van": Room(0.5, 3.7, -0.85, 0.85, 0.1, 1.95),
}
TWENTY = ROOMS["20 ft"]
SOFT = [*(kind.name for module in (packaged, soft, food, household) for kind in module.KINDS), *UNNAMED]
NONE_OFTEN = {"empty"}  # these may be nothing at all


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def inside(solid: Solid, points: np.ndarray) -> np.ndarray:
    """Which points (n, 3) lie in a solid; a mesh counts as all of its box that is filled, on average, by its volume."""
    local = (points - solid.center) @ solid.turn / np.asarray(solid.half)
    square = local**2
    if solid.shape == "box":
        return np.all(square <= 1, axis=1)
    if solid.shape == "ellipsoid":
        return square.sum(1) <= 1
    if solid.shape == "sack":
        return np.all(square <= 1, axis=1) & (square.sum(1) <= SACK_ROUNDING**2)
    if solid.shape == "cylinder":
        return (square[:, 0] + square[:, 1] <= 1) & (square[:, 2] <= 1)
    if solid.shape == "capsule":
        radius, half = solid.half[0], solid.half[2] - solid.half[0]
        own = local * np.asarray(solid.half)
        own[:, 2] -= np.clip(own[:, 2], -half, half)
        return (own**2).sum(1) <= radius**2
    if solid.shape == "torus":
        tube, ring = solid.half[2], solid.half[0] - solid.half[2]
        own = local * np.asarray(solid.half)
        return (np.hypot(own[:, 0], own[:, 1]) - ring) ** 2 + own[:, 2] ** 2 <= tube**2
    share = solid.mesh.volume / (8 * np.prod(solid.half))
    return np.all(square <= 1, axis=1) & (rng(len(points)).random(len(points)) < share)


def tonnes(solids: list[Solid], room: Room, count: int = 25_000) -> float:
    """Mass by random points, each of the density of the last solid that it lies in."""
    points = rng(5).uniform([room.x0, room.y0, room.z0], [room.x1, room.y1, room.z1], (count, 3))
    points = points[points[:, 0].argsort()]
    density = np.zeros(count)
    for solid in solids:
        reach = solid.reach
        part = slice(*np.searchsorted(points[:, 0], [solid.center[0] - reach[0], solid.center[0] + reach[0]]))
        near = np.flatnonzero(np.all(np.abs(points[part] - solid.center) <= reach + 1e-9, axis=1)) + part.start
        density[near[inside(solid, points[near])]] = solid.density
    return float(density.mean() * np.prod(room.size))


@pytest.mark.parametrize("place", ROOMS)
@pytest.mark.parametrize("name", SOFT)
def test_every_kind_fills_every_room(name: str, place: str) -> None:
    room, counts = ROOMS[place], []
    for seed in range(2):
        names, solids = fill(rng(seed), room, kinds=[name])
        assert names == (name,)
        counts.append(len(solids))
        for solid in solids:
            numbers = np.concatenate([solid.center, solid.half, [solid.density], solid.turn.ravel()])
            assert np.isfinite(numbers).all()
            assert solid.material in MATERIALS
            low, high = np.asarray(solid.center) - solid.reach, np.asarray(solid.center) + solid.reach
            assert np.all(low >= np.array([room.x0, room.y0, room.z0]) - 0.01), (name, seed, solid)
            assert np.all(high <= np.array([room.x1, room.y1, room.z1]) + 0.01), (name, seed, solid)
    assert max(counts) < 2600
    assert max(counts) > 0 or name in NONE_OFTEN or place == "van"


@pytest.mark.parametrize("name", SOFT)
def test_masses_are_believable(name: str) -> None:
    room = ROOMS["40 ft high cube"]
    masses = [tonnes(fill(rng(seed), room, kinds=[name])[1], room) for seed in range(2)]
    # A lying tank's whole room is taken here, which is larger than any tank container's.
    assert max(masses) < (100.0 if "tank" in LOADS[name].rooms and name != "empty" else 45.0)
    assert max(masses) / np.prod(room.size) < 1.2
    assert max(masses) > 0.02 or name in NONE_OFTEN


@pytest.mark.parametrize("name", SOFT)
def test_seeds_differ_and_replay(name: str) -> None:
    def shape(seed: int) -> np.ndarray:
        return np.array([[*s.center, *s.half, s.density] for s in fill(rng(seed), TWENTY, kinds=[name])[1]]).reshape(-1, 7)

    first, again = shape(4), shape(4)
    assert np.array_equal(first, again)
    others = [shape(seed) for seed in (5, 6)]
    assert any(other.shape != first.shape or not np.array_equal(other, first) for other in others)


def test_there_are_many_kinds_of_many_families() -> None:
    assert len(SOFT) >= 40
    assert len(LOADS) > len(SOFT)
    assert len({kind.family for kind in LOADS.values()}) >= 12
    assert all(name == kind.name for name, kind in LOADS.items())
    rooms = {room for kind in LOADS.values() for room in kind.rooms}
    assert {"box", "open", "tank", "bulk"} <= rooms


def test_fill_draws_what_goes_into_the_room() -> None:
    for room_kind in ("box", "open", "tank", "bulk"):
        drawn = {name for seed in range(5) for name in fill(rng(seed), TWENTY, room_kind=room_kind)[0]}
        assert all(room_kind in LOADS[name].rooms for name in drawn)
    drawn = [fill(rng(seed), TWENTY, allowed=["cans", "bales"])[0] for seed in range(12)]
    assert {name for names in drawn for name in names} == {"cans", "bales"}


def test_what_is_of_no_kind_is_drawn_only_where_it_is_named() -> None:
    drawn = {name for seed in range(60) for name in fill(rng(seed), Room(0, 2, -1, 1, 0, 2), room_kind="box")[0]}
    assert not drawn & set(UNNAMED)
    assert set(fill(rng(1), TWENTY, allowed=UNNAMED)[0]) <= set(UNNAMED)


@pytest.mark.parametrize("name", UNNAMED)
def test_no_two_scans_hold_the_same_of_no_kind(name: str) -> None:
    made = []
    for seed in range(12):
        solids = fill(rng(seed), TWENTY, kinds=[name])[1]
        made.append({(solid.material, round(solid.density, 3)) for solid in solids if solid.density})
    shared = [len(a & b) / max(min(len(a), len(b)), 1) for i, a in enumerate(made) for b in made[:i]]
    assert np.mean(shared) < 0.35


def test_fill_draws_one_kind_or_more_and_not_always_to_the_end() -> None:
    loads = [fill(rng(seed), ROOMS["40 ft high cube"]) for seed in range(16)]
    assert {1, 2} <= {len(names) for names, _ in loads}
    ends = np.array([bounds(solids).x1 for _, solids in loads if solids])
    assert ends.min() < 10.0
    assert ends.max() > 11.5


def test_kinds_stand_one_behind_the_other_in_the_order_asked_for() -> None:
    _, solids = fill(rng(1), ROOMS["40 ft high cube"], kinds=["hygiene paper", "books and magazines"])
    density = np.array([s.density for s in solids])
    along = np.array([s.center[0] for s in solids])
    books = density > 0.45
    assert along[books].mean() > along[~books].mean()


def test_an_unknown_kind_is_told_what_was_meant() -> None:
    with pytest.raises(RecipeError, match=r"there is no load 'sacks on the flor'; did you mean 'sacks on the floor'\?"):
        fill(rng(), TWENTY, kinds=["sacks on the flor"])
    with pytest.raises(RecipeError, match=r"there is no load 'qqqqq'; known are cartons on the floor, "):
        fill(rng(), TWENTY, allowed=["qqqqq"])


def test_a_room_for_which_there_is_no_load_is_named() -> None:
    with pytest.raises(
        RecipeError, match=r"none of the 1 loads to draw from goes into a room of the kind 'tank'; they go into box"
    ):
        fill(rng(), TWENTY, allowed=["parcels"], room_kind="tank")


def test_within_cuts_boxes_pushes_others_in_and_drops_what_is_outside() -> None:
    room = Room(0, 1, 0, 1, 0, 1)
    cut, pushed = within(
        [
            box((0.5, 0.2, 0.2), (1.5, 0.4, 0.4), "wood", 0.5),
            cylinder((0.5, 0.5, 0.95), 0.1, 0.2, "wood", 0.5),
            cylinder((0.5, 0.5, 1.3), 0.1, 0.2, "wood", 0.5),
            cylinder((0.5, 0.5, 0.5), 0.1, 3.0, "wood", 0.5),
            box((2.0, 0.2, 0.2), (2.5, 0.4, 0.4), "wood", 0.5),
        ],
        room,
    )
    kept = bounds([cut])
    assert [kept.x0, kept.x1, kept.y0, kept.y1, kept.z0, kept.z1] == pytest.approx([0.5, 1.0, 0.2, 0.4, 0.2, 0.4])
    assert bounds([pushed]).z1 == pytest.approx(1.0)


def test_weighed_rooms_hold_what_their_carrier_bears() -> None:
    heavy = [weighed(rng(seed), TWENTY, 1.4) for seed in range(20)]
    masses = np.array([1.4 * np.prod(room.size) for room in heavy])
    assert masses.max() < 33.0
    assert masses.min() > 15.0
    assert weighed(rng(), TWENTY, 0.05) == TWENTY
    van = ROOMS["van"]
    assert 0.7 * np.prod(weighed(rng(), van, 0.7).size) < 2.4


def test_skylines_are_of_many_shapes_within_the_room() -> None:
    tops = np.array([skyline(rng(seed), TWENTY, 14, 0.3) for seed in range(60)])
    assert tops.min() >= TWENTY.z0
    assert tops.max() <= TWENTY.z1 + 1e-9
    level = np.ptp(tops, axis=1) < 1e-9
    assert 0.1 < level.mean() < 0.7
    falling = tops[:, 0] - tops[:, -1] > 0.5
    assert 0.05 < falling.mean() < 0.6


def make_block(generator: np.random.Generator, room: Room) -> list[Solid]:
    return [bare(room, "wood", 0.5)]


def test_a_stack_without_disorder_is_a_grid_and_with_it_is_not() -> None:
    size = (0.5, 0.4, 0.3)
    neat = stack(rng(), TWENTY, size, make_block, Disorder(shift=0.0, level=True), most=1e9)
    assert len({round(s.center[0], 6) for s in neat}) == len(steps(TWENTY.x0, TWENTY.x1, 0.5))
    messy = stack(rng(), TWENTY, size, make_block, replace(disorder(rng(2), 2.0), level=True, collapse=0.0), most=1e9)
    assert len({round(s.center[0], 4) for s in messy}) > 50


def test_a_stack_keeps_to_its_solids_and_its_volume() -> None:
    size = (0.3, 0.3, 0.3)
    calm = Disorder(shift=0.0, level=True)
    many, few = (stack(rng(), TWENTY, size, make_block, calm, most=most) for most in (1e9, 150))
    assert len(few) <= 180
    assert len(many) > 600
    volumes = [sum(8 * np.prod(s.half) for s in solids) for solids in (many, few)]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.2)


def test_the_last_stacks_fall_over() -> None:
    size = (0.5, 0.4, 0.3)
    standing = stack(rng(3), TWENTY, size, make_block, Disorder(shift=0.0, level=True))
    fallen = stack(rng(3), TWENTY, size, make_block, Disorder(shift=0.0, level=True, collapse=1.0))
    tilted = [s for s in fallen if abs(s.turn[2, 2]) < 0.999]
    assert not [s for s in standing if abs(s.turn[2, 2]) < 0.999]
    assert tilted
    assert min(s.center[0] for s in tilted) > 3.0


def test_leaning_turns_together_about_the_foot() -> None:
    tower = [box((0, 0, k), (1, 1, k + 1), "wood", 0.5) for k in range(3)]
    lean = leaning(tower, 0.1)
    middles = np.array([s.center for s in lean])
    assert np.diff(middles[:, 0]) == pytest.approx(np.full(2, np.sin(0.1)))
    assert leaning([], 0.1) == []


def test_toppled_things_lie_on_the_floor() -> None:
    room = Room(0, 4, -1, 1, 0, 3)
    for seed in range(10):
        fallen = toppled(rng(seed), hollow(Room(0, 0.4, 0, 0.4, 0, 1.0), 0.01, "wood", 0.6), room)
        assert bounds(fallen).z0 == pytest.approx(0.0, abs=0.02)
    assert toppled(rng(), [], room) == []


def test_heaps_rise_as_things_are_thrown_in() -> None:
    room = Room(0, 2, 0, 2, 0, 2)
    low, high = (heap(rng(), room, lambda r: (0.4, 0.4, 0.2), make_block, count) for count in (10, 150))
    assert bounds(low).z1 < bounds(high).z1 <= 2.0
    ground = Ground(Room(0, 1, 0, 1, 0, 1))
    places = [ground.lay(rng(), (1.0, 1.0, 0.4)) for _ in range(3)]
    assert places[1] is not None
    assert places[1].z0 == pytest.approx(0.4)
    assert places[2] is None


def test_pallets_stand_in_lanes_with_their_load_on_top() -> None:
    solids = pallet(rng(), Room(0, 1.2, 0, 0.8, 0, 2))
    assert bounds(solids).z1 == pytest.approx(PALLET)
    room = ROOMS["40 ft high cube"]
    load = on_pallets(rng(1), room, make_block, (1.0, 1.2), missing=0.0)
    cargo = [s for s in load if s.half[2] > 0.3 and s.material == "wood"]
    assert len(cargo) >= 18
    assert min(s.center[2] - s.reach[2] for s in cargo) == pytest.approx(PALLET, abs=0.03)


@pytest.mark.parametrize("goods", GOODS)
def test_cartons_of_a_product_are_alike_and_can_be_carried(goods: str) -> None:
    for seed in range(4):
        product = carton(rng(seed), goods)
        room = Room(0, product.size[0], 0, product.size[1], 0, product.size[2])
        one, other = (product.make(rng(k), room) for k in (1, 2))
        assert abs(len(one) - len(other)) <= 2
        assert 1000 * tonnes(one, room, 4000) < 60.0
        kept = bounds(one)
        assert kept.z1 <= room.z1 + 0.05


def test_poured_goods_keep_their_angle_of_repose() -> None:
    room = Room(0, 6, -1.1, 1.1, 0, 1.5)
    (heap_of_grain,) = heaped(rng(), room, "grain", 0.76, 0.45, 2)
    assert heap_of_grain.mesh is not None
    assert 0.2 * np.prod(room.size) < heap_of_grain.mesh.volume < np.prod(room.size)
    assert heaped(rng(), Room(0, 1, 0, 1, 0, 0.01), "grain", 0.76, 0.45, 2) == []


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
def test_liquid_in_a_vessel_has_the_volume_of_its_section(level: float) -> None:
    room = Room(0, 6, -1.1, 1.1, 0.2, 2.4)
    (body,) = liquid(room, level, "water", 1.0)
    assert body.mesh is not None
    angle = 2 * np.arccos(1 - 2 * level)
    section = 1.1**2 / 2 * (angle - np.sin(angle))
    assert body.mesh.volume == pytest.approx(section * 6, rel=0.12)
    assert bounds([body]).z1 == pytest.approx(0.2 + 2.2 * level, abs=0.01)
