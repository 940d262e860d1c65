"""Vehicles: dimensions, rooms, niches, masses and drawing."""

import numpy as np
import pytest
import torch

from xrayscan.errors import RecipeError
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.material import MATERIALS
from xrayscan.simulate.render import render
from xrayscan.simulate.solid import Room, Solid, box, capsule
from xrayscan.simulate.vehicles import VEHICLES, Niche, Vehicle, draw_vehicle, liquid
from xrayscan.simulate.vehicles.chassis import skeletal
from xrayscan.simulate.vehicles.container import BASE, SIZES, dry, flat_rack, open_top
from xrayscan.simulate.vehicles.parts import both_sides, girder, mirrored, strut, tube, wheel
from xrayscan.simulate.vehicles.rail import underframe
from xrayscan.simulate.vehicles.reefer import reefer
from xrayscan.simulate.vehicles.tank import tank_container
from xrayscan.simulate.vehicles.tractor import tractor
from xrayscan.simulate.vehicles.vehicle import ROOM_KINDS

KINDS = list(VEHICLES)
NICHES = {
    "wind deflector", "under floor", "cab bunk", "spare wheel", "tool box", "reefer machinery", "axle", "roof space",
    "front gap",
}  # fmt: skip


def mass(solids):
    """Of everything [kg], seen from afar and from above, so that hardly any plate lies along a ray."""
    center, reach = np.array([s.center for s in solids]), np.array([s.reach for s in solids])
    low, high = (center - reach).min(0), (center + reach).max(0)
    pitch, skew = 0.02, 0.3
    top, bottom = high[2] + 0.6, low[2] - 0.6
    shape = (int((top - bottom) / pitch), int((high[0] - low[0] + 2) / pitch))
    fan = Fan.vertical((200.0, 50.0), top, low[0] - 1, shape, (pitch, pitch), skew)
    areal = render(fan, solids)
    across = pitch**2 / np.sqrt(1 + fan.slopes**2 + skew**2)
    return 10.0 * float(((areal.water + areal.iron).numpy() * across[:, None]).sum())


def inside(solid: Solid, points):
    """Which points lie in a solid; a mesh counts as the box around it."""
    own = (points - np.asarray(solid.center)) @ solid.turn
    x, y, z = (own / np.asarray(solid.half)).T
    within = (np.abs(x) <= 1) & (np.abs(y) <= 1) & (np.abs(z) <= 1)
    if solid.shape == "ellipsoid":
        return x**2 + y**2 + z**2 <= 1
    if solid.shape == "cylinder":
        return within & (x**2 + y**2 <= 1)
    return within


def density_at(solids, points):
    """Density [g/cm³] where later solids take the place of earlier ones."""
    found = np.zeros(len(points))
    for solid in solids:
        found[inside(solid, points)] = solid.density
    return found


def in_room(rng, room, kind, count=1500):
    """Points of a room but for its upper corners, where corner fittings reach in; of a tank's, those in its vessel."""
    low, high = np.array([room.x0, room.y0, room.z0]), np.array([room.x1, room.y1, room.z1])
    points = rng.uniform(low + 1e-3, high - 1e-3, (count, 3))
    if kind == "tank":
        middle, radius = (room.z0 + room.z1) / 2, (room.z1 - room.z0) / 2
        ends = (points[:, 0] > room.x0 + 0.5 * radius) & (points[:, 0] < room.x1 - 0.5 * radius)
        return points[ends & (np.hypot(points[:, 1], points[:, 2] - middle) < radius - 1e-3)]
    ends = np.minimum(points[:, 0] - room.x0, room.x1 - points[:, 0]) < 0.1
    return points[~(ends & (np.abs(points[:, 1]) > 1.04) & (points[:, 2] > room.z1 - 0.12))]


class TestKinds:
    def test_names(self):
        assert len(KINDS) >= 16
        wanted = (
            "20 ft dry", "40 ft dry", "40 ft high cube", "45 ft high cube", "double 20 ft", "20 ft reefer", "40 ft reefer",
            "tank container", "40 ft open top", "40 ft flat rack", "box trailer", "curtain trailer", "refrigerated trailer",
            "van", "box truck", "rail covered wagon", "rail container wagon", "rail open wagon", "rail hopper wagon",
        )  # fmt: skip
        assert set(wanted) <= set(KINDS)
        assert all(name == kind.name and kind.family and kind.weight > 0 for name, kind in VEHICLES.items())

    def test_the_mapping_cannot_be_changed(self):
        with pytest.raises(TypeError, match="does not support item assignment"):
            VEHICLES["van"] = VEHICLES["box truck"]

    @pytest.mark.parametrize("name", KINDS)
    def test_builds(self, name):
        for seed in range(6):
            vehicle = VEHICLES[name].build(np.random.default_rng(seed))
            assert vehicle.name == name
            assert vehicle.room_kind in ROOM_KINDS
            assert len(vehicle.rooms) == len(vehicle.containers)
            assert {s.material for s in vehicle.solids} <= set(MATERIALS)
            assert all(np.isfinite([*s.center, *s.half]).all() for s in vehicle.solids)
            assert all(s.density <= 12 for s in vehicle.solids)
            fronts = [c[0] for c in vehicle.containers]
            assert abs(fronts[0]) < 1e-9
            assert fronts == sorted(fronts)
            assert abs(vehicle.rooms[0].z0) < 1e-9

    @pytest.mark.parametrize("name", KINDS)
    def test_rooms_are_empty_and_within_the_body(self, name):
        for seed in range(3):
            vehicle = VEHICLES[name].build(np.random.default_rng(seed))
            half = max(abs(s.center[1]) + s.reach[1] for s in vehicle.solids)
            for room, (x0, x1, z0, z1) in zip(vehicle.rooms, vehicle.containers, strict=True):
                spare = 0.35 if vehicle.room_kind == "open" else 0.0
                assert x0 <= room.x0 < room.x1 <= x1
                assert z0 <= room.z0 < room.z1 <= z1 + spare
                assert max(-room.y0, room.y1) <= half
                assert room.size[0] > 2
                assert room.size[1] > 1.6
                assert room.size[2] > 1
                points = in_room(np.random.default_rng(seed), room, vehicle.room_kind)
                assert density_at(vehicle.solids, points).max() == 0.0

    @pytest.mark.parametrize("name", KINDS)
    def test_niches_are_within_the_vehicle_and_outside_of_the_rooms(self, name):
        for seed in range(6):
            vehicle = VEHICLES[name].build(np.random.default_rng(seed))
            x0, x1, z0, z1 = vehicle.extent
            for niche in vehicle.niches:
                room = niche.room
                assert niche.name in NICHES
                assert min(room.size) > 0.15
                assert max(room.size) > 0.55
                assert x0 - 0.05 <= room.x0 < room.x1 <= x1 + 0.05, niche.name
                assert z0 - 0.05 <= room.z0 < room.z1 <= z1 + 0.8, niche.name
                for load in vehicle.rooms:
                    shared = [min(room.x1, load.x1) - max(room.x0, load.x0), min(room.z1, load.z1) - max(room.z0, load.z0)]
                    assert vehicle.room_kind != "box" or min(shared) < 0.02, niche.name

    def test_every_niche_occurs(self):
        found = {
            n.name for name in KINDS for seed in range(8) for n in VEHICLES[name].build(np.random.default_rng(seed)).niches
        }
        assert found == NICHES

    def test_with_and_without_a_tractor_and_a_driver(self):
        drawn = [VEHICLES["40 ft dry"].build(np.random.default_rng(seed)) for seed in range(30)]
        lengths = [v.length for v in drawn]
        assert min(lengths) < 12.5
        assert max(lengths) > 15
        assert 0 < sum(bool(v.driver) for v in drawn) < 30
        assert all(v.extent[0] < -2 for v in drawn if v.driver)

    def test_where_the_cab_is_left_out_nobody_hides_before_the_beam_is_on(self):
        made = [draw_vehicle(np.random.default_rng(seed), ["40 ft dry", "box trailer"]) for seed in range(40)]
        started = [vehicle for vehicle in made if vehicle.start is not None]
        assert 5 <= len(started) <= 25
        for vehicle in started:
            assert vehicle.extent[0] < vehicle.start < max(vehicle.containers[0][0], 1.5)
            assert not vehicle.driver
            assert all(niche.room.x0 > vehicle.start for niche in vehicle.niches)

    def test_a_seed_replays_a_vehicle(self):
        for name in KINDS:
            one, two = (VEHICLES[name].build(np.random.default_rng(5)) for _ in range(2))
            key = [[(s.shape, s.center, s.half, s.material, s.density) for s in (*v.solids, *v.driver)] for v in (one, two)]
            assert key[0] == key[1]
            assert one.rooms == two.rooms
            assert one.niches == two.niches

    @pytest.mark.parametrize("name", ["40 ft dry", "van", "rail covered wagon"])
    def test_both_sides_are_seen(self, name):
        vehicle = VEHICLES[name].build(np.random.default_rng(1))
        x0, x1, z0, z1 = vehicle.extent
        fan = Fan.vertical(
            (7.0, 0.3), z1 + 0.5, x0 - 0.2, (int((z1 - z0 + 1) / 0.05), int((x1 - x0 + 0.4) / 0.05)), (0.05, 0.05)
        )
        areal = render(fan, vehicle.solids)
        assert torch.isfinite(areal.iron).all()
        assert (areal.iron > 0.5).float().mean() > 0.3


class TestDraw:
    def test_by_weight(self):
        drawn = [draw_vehicle(np.random.default_rng(seed), ["van", "rail tank wagon"]).name for seed in range(60)]
        assert set(drawn) == {"van", "rail tank wagon"}
        assert drawn.count("van") > drawn.count("rail tank wagon")

    def test_all_kinds_by_default(self):
        assert len({draw_vehicle(np.random.default_rng(seed)).name for seed in range(60)}) > 10

    def test_an_unknown_name_names_the_nearest(self):
        with pytest.raises(RecipeError, match="there is no vehicle '40 ft reffer'; the nearest is '40 ft reefer'"):
            draw_vehicle(np.random.default_rng(0), ["van", "40 ft reffer"])

    def test_no_names(self):
        with pytest.raises(RecipeError, match="no names of vehicles were given"):
            draw_vehicle(np.random.default_rng(0), [])


class TestDimensions:
    @pytest.mark.parametrize(
        ("name", "length", "height"),
        [
            ("20 ft", 6.058, 2.591),
            ("40 ft", 12.192, 2.591),
            ("40 ft high cube", 12.192, 2.896),
            ("45 ft high cube", 13.716, 2.896),
        ],
    )
    def test_iso_668(self, name, length, height):
        unit = dry(np.random.default_rng(0), SIZES[name])
        assert (unit.length, round(unit.high - unit.low, 3)) == (length, height)
        solids = [s for s in unit.solids if s.density > 0]
        low = np.min([np.array(s.center) - s.reach for s in solids], axis=0)
        high = np.max([np.array(s.center) + s.reach for s in solids], axis=0)
        assert high[1] - low[1] == pytest.approx(2.438, abs=1e-6)
        assert high[2] - low[2] == pytest.approx(height, abs=1e-6)
        assert high[0] - low[0] == pytest.approx(length, abs=0.01)
        assert unit.room.size[0] == pytest.approx(length - 0.16, abs=0.05)
        assert unit.room.size[1] > 2.3
        assert height - unit.room.size[2] < 0.25

    def test_rooms_reach_from_the_front_of_each_container(self):
        vehicle = VEHICLES["double 20 ft"].build(np.random.default_rng(2))
        (a0, a1, *_), (b0, b1, *_) = vehicle.containers
        assert (a1 - a0, b1 - b0) == pytest.approx((6.058, 6.058))
        assert b0 - a1 > 0.04
        assert vehicle.rooms[1].x0 > b0

    def test_road_vehicles_are_no_wider_and_higher_than_allowed(self):
        for name in ("40 ft high cube", "curtain trailer", "box trailer", "refrigerated trailer", "box truck", "van"):
            for seed in range(4):
                vehicle = VEHICLES[name].build(np.random.default_rng(seed))
                assert max(abs(s.center[1]) + s.reach[1] for s in vehicle.solids) < 1.45  # with mirrors
                assert vehicle.extent[3] - vehicle.extent[2] < 4.9


class TestMasses:
    @pytest.mark.parametrize(
        ("make", "size", "expected"),
        [
            (dry, "20 ft", 2250), (dry, "40 ft", 3700), (dry, "40 ft high cube", 3900), (dry, "45 ft high cube", 4700),
            (reefer, "20 ft", 2900), (reefer, "40 ft high cube", 4600), (open_top, "40 ft", 3900), (flat_rack, "40 ft", 5000),
            (tank_container, "20 ft", 3500),
        ],
    )  # fmt: skip
    def test_empty_containers(self, make, size, expected):
        found = [mass(make(np.random.default_rng(seed), SIZES[size]).solids) for seed in range(3)]
        assert np.mean(found) == pytest.approx(expected, rel=0.2)

    def test_trailers_and_tractors(self):
        pulled, towed = [], []
        for seed in range(4):
            rng = np.random.default_rng(seed)
            below = skeletal(rng, [0.0], [12.192], BASE, True)
            plan = below.frame
            towed.append(mass(below.solids))
            pulled.append(mass(tractor(rng, plan.pin, plan.neck[0] - 0.01, plan.ground, min(0.0, plan.x[0] - 0.16)).solids))
        assert np.mean(towed) == pytest.approx(5000, rel=0.2)
        assert np.mean(pulled) == pytest.approx(7500, rel=0.2)

    @pytest.mark.parametrize(("name", "low", "high"), [("van", 1500, 2800), ("rail covered wagon", 10000, 26000)])
    def test_whole_vehicles(self, name, low, high):
        assert low < mass(VEHICLES[name].build(np.random.default_rng(1)).solids) < high

    def test_the_measure_itself(self):
        assert mass([box((0, -1, 0), (2, 1, 1), "steel", 7.85)]) == pytest.approx(31400, rel=0.02)
        assert mass(tube((0, 12), (-1.2, -1.1), (2.3, 2.4), 0.004)) == pytest.approx(7850 * 12 * (0.01 - 0.092**2), rel=0.05)


class TestLiquid:
    ROOM = Room(0.0, 5.8, -1.1, 1.1, 0.0, 2.2)

    def test_volume_grows_with_the_level(self):
        full, half = liquid(self.ROOM, "water", 1.0, 1.0), liquid(self.ROOM, "water", 1.0, 0.5)
        assert full.mesh is not None
        assert half.mesh is not None
        assert full.mesh.volume == pytest.approx(20.5, rel=0.05)
        assert half.mesh.volume == pytest.approx(full.mesh.volume / 2, rel=0.05)
        assert half.center[2] + half.half[2] == pytest.approx(1.1, abs=1e-6)
        assert half.center[2] - half.half[2] == pytest.approx(0.0, abs=0.05)

    def test_it_stays_within_the_vessel(self):
        vehicle = VEHICLES["tank container"].build(np.random.default_rng(3))
        room = vehicle.rooms[0]
        solid = liquid(room, "oil", 0.85, 0.93)
        assert solid.mesh is not None
        points = solid.mesh.vertices + np.asarray(solid.center)
        middle, radius = (room.z0 + room.z1) / 2, room.size[2] / 2
        assert np.hypot(points[:, 1], points[:, 2] - middle).max() <= radius + 1e-6
        assert points[:, 0].min() >= room.x0
        assert points[:, 0].max() <= room.x1

    @pytest.mark.parametrize("level", [0.0, 1.2])
    def test_a_wrong_level(self, level):
        with pytest.raises(RecipeError, match=r"filled to .* of its height; expected 0.02 to 1"):
            liquid(self.ROOM, "water", 1.0, level)


class TestParts:
    def test_a_mirror_image_twice_is_the_same(self):
        web = girder([(0, 0, 0.3), (1, 0.1, 0.3)], 0.4, 0.01, (0.1, 0.01))
        for solid in [capsule((0, 0, 0), (1, 0.4, 0.2), 0.1, "steel", 7.8), strut((0, 0), (1, 0.5), (0, 0.1), 0.01), *web]:
            for axis in ("x", "y"):
                twice = mirrored(mirrored(solid, axis, 0.7), axis, 0.7)
                assert np.allclose(twice.center, solid.center)
                assert np.allclose(twice.turn, solid.turn)

    def test_a_mirrored_strut_leans_the_other_way(self):
        fan = Fan.vertical((50.0, 0.0), 1.2, -1.2, (60, 60), (0.04, 0.04))
        leaning = strut((0.11, 0.1), (1.01, 0.8), (0.0, 0.2), 0.1)
        web = girder([(0.11, -0.4, 0.0), (0.91, -1.0, 0.0)], 0.1, 0.02, (0.1, 0.01))
        one = render(fan, [leaning, *web]).iron
        two = render(fan, [mirrored(p, "x") for p in (leaning, *web)]).iron
        assert torch.allclose(one.flip(1), two, atol=1e-3)

    def test_webs_are_closed_surfaces_turned_outward(self):
        for part in girder([(0, 0, 0.3), (1, 0.1, 0.3), (2, 0.1, 0.3)], 0.4, 0.01, (0.1, 0.01)):
            for solid in (part, mirrored(part, "x"), mirrored(part, "y")):
                assert solid.mesh is None or solid.mesh.volume > 0

    def test_stations_have_to_rise(self):
        with pytest.raises(RecipeError, match=r"a girder has stations at x = \[1, 0\] m; expected them to rise"):
            girder([(1, 0, 0.3), (0, 0, 0.3)], 0.4, 0.01, (0.1, 0.01))

    def test_a_wheel_weighs_what_wheels_weigh(self):
        assert 60 < mass(wheel((0, 0, 0), (0.5, 0.28))) < 140
        assert len(both_sides(wheel((0, 1, 0), (0.5, 0.28), brake=-0.2))) == 16


class TestUnit:
    def test_turned_round(self):
        unit = reefer(np.random.default_rng(0), SIZES["20 ft"])
        turned = unit.turned_round()
        assert turned.room.x0 == pytest.approx(unit.length - unit.room.x1)
        assert turned.niches[0].room.x1 == pytest.approx(unit.length - unit.niches[0].room.x0)
        assert mass(turned.solids) == pytest.approx(mass(unit.solids), rel=0.1)

    def test_at(self):
        unit = dry(np.random.default_rng(0), SIZES["20 ft"]).at(7.0).turned_round().at(3.0)
        assert unit.start == 3.0
        assert min(s.center[0] - s.reach[0] for s in unit.solids) == pytest.approx(3.0, abs=0.03)
        assert 3.0 < unit.room.x0 < unit.room.x1 < 3.0 + unit.length

    def test_bogies_stand_on_the_rails(self):
        solids, niches = underframe(np.random.default_rng(0), (0.0, 13.0), -0.2)
        assert min(s.center[2] - s.reach[2] for s in solids) == pytest.approx(-1.4, abs=0.03)
        assert {n.name for n in niches} == {"axle", "under floor"}


class TestChecks:
    def test_a_niche_without_space(self):
        with pytest.raises(RecipeError, match="the niche 'axle' has the size"):
            Niche("axle", Room(1, 0, 0, 1, 0, 1))

    def test_a_vehicle_without_rooms(self):
        part = box((0, 0, 0), (1, 1, 1), "steel", 1.0)
        with pytest.raises(RecipeError, match="thing has 1 solids and 0 rooms; expected at least one of each"):
            Vehicle("thing", (part,), (), "box")

    def test_a_vehicle_of_an_unknown_kind_of_room(self):
        part = box((0, 0, 0), (1, 1, 1), "steel", 1.0)
        with pytest.raises(RecipeError, match="thing has rooms of the kind 'bag'; expected one of box, open, tank"):
            Vehicle("thing", (part,), (Room(0, 1, 0, 1, 0, 1),), "bag")
