"""Hiding places: found where they should be, within the room, on something, enclosed but free inside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from probe import density_at, points_in

from xrayscan.errors import RecipeError
from xrayscan.simulate.extent import room_of
from xrayscan.simulate.places import PLACES, Site, Surroundings, draw_site, largest
from xrayscan.simulate.solid import Room, Solid, box, sack

ROOM = Room(0.0, 8.0, -1.17, 1.17, 0.0, 2.39)
HUDDLED, LYING = (0.6, 0.55, 0.85), (1.6, 0.5, 0.3)


@dataclass(frozen=True)
class Niche:
    """A space outside of the room, as vehicles have them."""

    name: str
    room: Room


NICHES = tuple(
    Niche(name, Room(10.0 + 3 * k, 12.0 + 3 * k, -0.9, 0.9, -0.6, 0.4))
    for k, name in enumerate(
        (
            "wind deflector",
            "under floor",
            "cab bunk",
            "tool box",
            "spare wheel",
            "reefer machinery",
            "axle",
            "roof space",
            "front gap",
        )
    )
)


def cartons(x0: float, x1: float, top: float = 1.5) -> list[Solid]:
    """Cartons in columns, each a board box with goods in it."""
    parts = []
    for x in np.arange(x0, x1 - 0.49, 0.5):
        for y in np.arange(-1.16, 0.8, 0.39):
            for z in np.arange(0.0, top - 0.29, 0.3):
                low, high = np.array([x, y, z]), np.array([x + 0.495, y + 0.385, z + 0.3])
                parts.append(box(tuple(low), tuple(high), "cellulose", 0.2))
                parts.append(box(tuple(low + 0.006), tuple(high - 0.006), "food", 0.3))
    return parts


def sacks(x0: float, x1: float) -> list[Solid]:
    """Sacks in layers on the floor."""
    return [
        sack((x + 0.4, y + 0.25, z + 0.09), (0.4, 0.25, 0.09), "grain", 0.75)
        for x in np.arange(x0, x1 - 0.79, 0.8)
        for y in np.arange(-1.1, 0.6, 0.5)
        for z in np.arange(0.0, 1.4, 0.18)
    ]


def slabs(x0: float, x1: float) -> list[Solid]:
    """Blocks of stone that nobody can move or cut."""
    return [box((x, -1.0, 0.0), (x + 0.9, 1.0, 0.9), "stone", 2.6) for x in np.arange(x0, x1 - 0.89, 1.0)]


LOADS = {
    "cartons": (*cartons(0.2, 3.3), *cartons(4.2, 6.3)),
    "sacks": tuple(sacks(0.3, 6.4)),
    "stone": tuple(slabs(0.8, 6.5)),
}
EMPTY = Surroundings((ROOM,), (), NICHES)
LOADED = {name: Surroundings((ROOM,), load, NICHES) for name, load in LOADS.items()}
IN_LOAD = ("among the load", "tight among the load")


def size_for(name: str) -> tuple[float, float, float]:
    return LYING if name in ("under a false floor", "in a rolled carpet", "between mattresses") else HUDDLED


def sites(name: str, around: Surroundings, count: int = 12) -> list[Site]:
    found = [draw_site(np.random.default_rng(seed), around, size_for(name), [name]) for seed in range(count)]
    return [site for site in found if site is not None]


def free_room(site: Site) -> Room:
    (x, y, z), (long, deep, high) = site.at, site.size
    return Room(x - long / 2, x + long / 2, y - deep / 2, y + deep / 2, z, z + high)


def within(inner: Room, outer: Room, by: float = 0.012) -> bool:
    low = inner.x0 >= outer.x0 - by and inner.y0 >= outer.y0 - by and inner.z0 >= outer.z0 - by
    return low and inner.x1 <= outer.x1 + by and inner.y1 <= outer.y1 + by and inner.z1 <= outer.z1 + by


def around_of(name: str) -> Surroundings:
    return EMPTY if name == "on the open floor" else LOADED["cartons"]


def test_there_are_many_places():
    assert len(PLACES) >= 24
    for needed in (
        "among the load", "on top of the load", "behind a false wall", "in the gap at the front", "in the gap at the doors",
        "in a crate", "behind a row of boxes", "on the open floor", "in the wind deflector", "under the floor",
        "between machines", "under a vehicle or furniture", "tight among the load", "inside a stack of cartons",
        "covered by sacks",
    ):  # fmt: skip
        assert needed in PLACES


@pytest.mark.parametrize("name", PLACES)
def test_each_place_is_found_and_large_enough(name):
    found = sites(name, around_of(name))
    assert len(found) >= 9
    for site in found:
        assert site.place == name
        assert all(side >= own - 1e-6 for own, side in zip(size_for(name), site.size, strict=True))


@pytest.mark.parametrize("load", ["cartons", "sacks", "stone", "none"])
@pytest.mark.parametrize("name", [name for name, kind in PLACES.items() if kind.family != "niche"])
def test_site_hole_and_cover_are_within_the_room(name, load):
    for site in sites(name, EMPTY if load == "none" else LOADED[load], 8):
        assert within(free_room(site), ROOM)
        assert all(within(room_of([part]), ROOM) for part in (*site.hole, *site.cover))
        assert all(part.density == 0.0 for part in site.hole)
        assert within(free_room(site), site.space)


@pytest.mark.parametrize("load", ["cartons", "sacks", "stone", "none"])
@pytest.mark.parametrize("name", [name for name, kind in PLACES.items() if kind.family != "niche"])
def test_what_is_hidden_stands_on_something(name, load):
    around = EMPTY if load == "none" else LOADED[load]
    for site in sites(name, around, 8):
        free = free_room(site)
        if abs(free.z0 - ROOM.z0) < 0.005:
            continue
        below = points_in(replace(free, z0=free.z0 - 0.02, z1=free.z0 - 0.001), np.random.default_rng(0), 800)
        held = density_at((*around.load, *site.hole, *site.cover), below)
        assert (held > 0).mean() > 0.08


@pytest.mark.parametrize("load", ["cartons", "sacks", "none"])
@pytest.mark.parametrize("name", [name for name, kind in PLACES.items() if kind.family != "niche"])
def test_the_free_space_is_free(name, load):
    around = EMPTY if load == "none" else LOADED[load]
    for site in sites(name, around, 6):
        points = points_in(free_room(site), np.random.default_rng(0))
        assert (density_at(site.cover, points) > 0).mean() < 0.25
        if name != "tight among the load":
            assert (density_at((*around.load, *site.hole, *site.cover), points) > 0).mean() < 0.25


@pytest.mark.parametrize("name", [name for name, kind in PLACES.items() if kind.family == "niche"])
def test_niches_hold_what_fits_and_only_that(name):
    niches = [need.removeprefix("niche:") for need in PLACES[name].needs]
    room = next(niche.room for niche in NICHES if niche.name in niches)
    for site in sites(name, EMPTY, 6):
        assert within(free_room(site), room)
        assert site.hole == ()
    assert draw_site(np.random.default_rng(0), EMPTY, (0.5, 0.5, 1.2), [name]) is None
    assert draw_site(np.random.default_rng(0), Surroundings((ROOM,)), HUDDLED, [name]) is None
    assert largest(EMPTY, name) == pytest.approx((2.0, 1.8, 1.0))


def test_cartons_go_out_whole_with_what_is_in_them():
    around = LOADED["cartons"]
    for site in sites("among the load", around):
        points = points_in(ROOM, np.random.default_rng(0), 4000)
        shells = density_at([part for part in (*around.load, *site.hole) if part.material in ("cellulose", "water")], points)
        both = density_at((*around.load, *site.hole), points)
        assert not ((shells == 0.0) & (both > 0)).any()


def test_nothing_is_left_hanging_where_cartons_went_out():
    around = LOADED["cartons"]
    for site in sites("covered by sacks", around) + sites("in the gap at the front", around):
        centers = np.array([part.center for part in around.load if part.material == "cellulose"])
        left = centers[density_at(site.hole, centers) < 0]
        for part in site.hole:
            if part.material == "cellulose":
                over = np.abs(left - np.add(part.center, (0.0, 0.0, 0.3))).max(axis=1)
                assert over.min() > 0.01


def test_stone_is_neither_cut_nor_carried_away():
    for name in (*IN_LOAD, "in a crate", "covered by sacks", "in the gap at the front", "behind a false wall"):
        for site in sites(name, LOADED["stone"], 8):
            points = points_in(ROOM, np.random.default_rng(0), 4000)
            stone = density_at(LOADED["stone"].load, points) > 0
            assert not (stone & (density_at(site.hole, points) >= 0)).any()


@pytest.mark.parametrize(
    ("room", "enclosed"),
    [
        (Room(1.0, 2.0, -0.5, 0.5, 0.0, 1.0), True),
        (Room(1.0, 2.0, -1.0, 1.0, 0.5, 1.0), True),
        (Room(0.2, 1.2, -0.5, 0.5, 0.0, 1.0), False),
        (Room(2.8, 3.8, -0.5, 0.5, 0.0, 1.0), False),
        (Room(1.0, 2.0, -0.5, 0.5, 1.0, 2.0), False),
        (Room(4.2, 5.2, -0.5, 0.5, 0.0, 1.0), False),
        (Room(1.0, 2.0, -1.1, -1.05, 0.0, 1.0), False),
    ],
    ids=["on the floor", "from wall to wall", "left end", "right end", "to the top", "no load", "beside the load"],
)
def test_a_room_is_enclosed_by_load_above_it_and_at_both_ends(room, enclosed):
    around = Surroundings((ROOM,), (box((0.2, -1.0, 0.0), (3.8, 1.0, 2.0), "grain", 0.4),))
    assert around.encloses(room) == enclosed


@pytest.mark.parametrize("load", ["cartons", "none"])
def test_sites_keep_clear_of_each_other(load):
    for seed in range(12):
        rng, around = np.random.default_rng(seed), (EMPTY if load == "none" else LOADED[load])
        spaces: list[Room] = []
        for _ in range(6):
            site = draw_site(rng, replace(around, taken=tuple(spaces)), HUDDLED)
            if site is None:
                continue
            for other in spaces:
                apart = (
                    site.space.x0 >= other.x1 - 1e-5 or other.x0 >= site.space.x1 - 1e-5 or site.space.y0 >= other.y1 - 1e-5
                    or other.y0 >= site.space.y1 - 1e-5 or site.space.z0 >= other.z1 - 1e-5 or other.z0 >= site.space.z1 - 1e-5
                )  # fmt: skip
                assert apart, (site.place, site.space, other)
            spaces.append(site.space)
        assert len(spaces) >= 3


def test_places_vary_with_the_load():
    rng = np.random.default_rng(5)
    loaded = {site.place for site in (draw_site(rng, LOADED["cartons"], HUDDLED) for _ in range(150)) if site}
    empty = {site.place for site in (draw_site(rng, EMPTY, HUDDLED) for _ in range(80)) if site}
    assert len(loaded) >= 15
    assert "on the open floor" in empty - loaded
    assert not set(IN_LOAD) & empty


def test_a_seed_replays_a_site():
    one, other = (draw_site(np.random.default_rng(8), LOADED["cartons"], HUDDLED) for _ in range(2))
    assert (one.place, one.at, one.size, one.space) == (other.place, other.at, other.size, other.space)
    assert [part.center for part in one.cover] == [part.center for part in other.cover]


def test_what_is_too_large_finds_no_place():
    assert draw_site(np.random.default_rng(0), LOADED["cartons"], (0.5, 2.6, 0.5)) is None
    assert draw_site(np.random.default_rng(0), Surroundings(()), HUDDLED) is None
    assert draw_site(np.random.default_rng(0), replace(EMPTY, niches=(), room_kind="tank"), HUDDLED) is None


def test_an_unknown_place_names_the_nearest():
    with pytest.raises(RecipeError, match=r"no hiding place 'in the crate'; did you mean 'in a crate'\? Known are among"):
        draw_site(np.random.default_rng(0), EMPTY, HUDDLED, ["in the crate"])
    with pytest.raises(RecipeError, match="no hiding place 'attic'; did you mean"):
        largest(EMPTY, "attic")
    with pytest.raises(RecipeError, match=r"a site for a size of \(0.5, 0.0, 1.0\) m was asked for; expected all above 0"):
        draw_site(np.random.default_rng(0), EMPTY, (0.5, 0.0, 1.0))
