"""Hard goods, metal, machines and carried vehicles: they fit, they weigh what such loads weigh, and no two are alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xrayscan.errors import RecipeError
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.loads import assemblies, carried_vehicles, hard, machines, metal, passenger_car, stow
from xrayscan.simulate.loads.arrange import LoadKind
from xrayscan.simulate.material import MATERIALS
from xrayscan.simulate.render import render
from xrayscan.simulate.solid import Room, Solid, box, cylinder, sack, torus

ROOMS = {
    "20 ft": Room(0.05, 5.95, -1.17, 1.17, 0.0, 2.39),
    "40 ft high cube": Room(0.05, 12.08, -1.17, 1.17, 0.0, 2.69),
    "van": Room(1.0, 4.3, -0.88, 0.88, 0.1, 2.0),
}
ODD_ROOMS = {
    "low": Room(1.0, 4.1, -1.17, 1.17, 0.6, 1.2),
    "short": Room(2.0, 2.6, -1.17, 1.17, 0.0, 2.4),
    "wagon": Room(0.0, 12.8, -1.38, 1.38, 0.0, 2.9),
}
ALL = {kind.name: kind for module in (hard, metal, machines, carried_vehicles) for kind in module.KINDS}
Rng = np.random.Generator


def rng(seed: int = 0) -> Rng:
    return np.random.default_rng(seed)


def filled(kind: LoadKind, room: Room, seed: int = 0) -> list[Solid]:
    return kind.fill(rng(seed), room)


def numbers(solids: list[Solid]) -> np.ndarray:
    return np.array([[*s.center, *s.half, s.density, *s.turn.ravel()] for s in solids])


def weight(solids: list[Solid], pitch: tuple[float, float] = (0.004, 0.04)) -> float:
    """Mass [kg], with overlaps resolved: what nearly parallel rays pass through, were it all of the same stuff.

    Rows are close, as rays a few centimeters apart hit or miss flanges and sheets that lie flat, each by chance.
    """
    low, high = stow.bounds(solids)
    shape = tuple(int(np.ceil((high[k] - low[k] + 0.2) / step)) for k, step in zip((2, 0), pitch, strict=True))
    fan = Fan.vertical((500.0, float(low[2] + high[2]) / 2), float(high[2]) + 0.1, float(low[0]) - 0.1, shape, pitch)
    areal = render(fan, [], [replace(s, material="water") for s in solids])
    return float(areal.water.double().sum()) * pitch[0] * pitch[1] * 10.0


def sticks_out(solids: list[Solid], room: Room) -> float:
    low, high = stow.bounds(solids)
    return float(max((np.array([room.x0, room.y0, room.z0]) - low).max(), (high - np.array([room.x1, room.y1, room.z1])).max()))


def test_there_are_many_kinds_with_names_of_their_own():
    assert len(ALL) == sum(len(module.KINDS) for module in (hard, metal, machines, carried_vehicles)) >= 40
    assert all(set(kind.rooms) <= {"box", "open"} and kind.family for kind in ALL.values())
    assert len({kind.family for kind in ALL.values()}) >= 10


@pytest.mark.parametrize("name", ALL)
def test_every_kind_fills_usual_rooms(name: str):
    for label, room in ROOMS.items():
        for seed in range(2):
            solids = filled(ALL[name], room, seed)
            assert solids, (label, seed)
            assert sticks_out(solids, room) < 0.01, (label, seed)
            assert np.isfinite(numbers(solids)).all()
            assert {s.material for s in solids} <= set(MATERIALS)
            assert len(solids) < 2300


@pytest.mark.parametrize("name", ALL)
def test_odd_rooms_are_filled_or_left_empty(name: str):
    for room in ODD_ROOMS.values():
        solids = filled(ALL[name], room, 3)
        assert not solids or sticks_out(solids, room) < 0.01


@pytest.mark.parametrize("name", ALL)
def test_a_load_weighs_no_more_than_a_container_carries(name: str):
    for seed in range(2):
        assert 400.0 < weight(filled(ALL[name], ROOMS["40 ft high cube"], seed)) <= 28_000.0


@pytest.mark.parametrize("name", ["machine tools", "steel beams", "coils on their side", "stone slabs", "cars", "ingots"])
def test_a_van_carries_little(name: str):
    assert all(weight(filled(ALL[name], ROOMS["van"], seed)) < 3_500.0 for seed in range(3))


@pytest.mark.parametrize("name", ALL)
def test_seeds_replay_and_differ(name: str):
    room = ROOMS["20 ft"]
    first, again, others = (numbers(filled(ALL[name], room, seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert first.shape != others.shape or not np.allclose(first, others)


def test_heavy_goods_are_low():
    for name in ("ingots", "sheet metal", "batteries", "tiles"):
        solids = filled(ALL[name], ROOMS["40 ft high cube"], 1)
        center = np.average([s.center[2] for s in solids], weights=[stow.volume(s) * s.density for s in solids])
        assert center < 0.9, name


def test_what_is_too_small_is_refused():
    for name in ("sawn timber", "engines", "gas bottles in racks"):
        with pytest.raises(RecipeError, match=r"a room of 0\.20 x 2\.00 x 2\.00 m cannot be loaded; expected at least 0\.3 m"):
            filled(ALL[name], Room(0.0, 0.2, -1.0, 1.0, 0.0, 2.0))


def test_mass_counts_what_is_nested_once():
    drum = [cylinder((0, 0, 0.45), 0.3, 0.9, "steel", 7.85), cylinder((0, 0, 0.45), 0.298, 0.896, "oil", 0.9)]
    expected = 1000 * np.pi * (0.3**2 * 0.9 * 7.85 - 0.298**2 * 0.896 * (7.85 - 0.9))
    assert stow.mass(drum) == pytest.approx(expected)
    assert stow.mass(drum) == pytest.approx(weight(drum, (0.001, 0.003)), rel=0.02)
    tire = [torus((0, 0, 0), 0.25, 0.1, "rubber", 1.15), torus((0, 0, 0), 0.25, 0.09, "rubber", 0.0)]
    assert stow.mass(tire) == pytest.approx(2000 * np.pi**2 * 0.25 * (0.1**2 - 0.09**2) * 1.15)
    assert stow.mass([sack((0, 0, 0), (0.3, 0.2, 0.1), "sand", 1.5)]) == pytest.approx(
        weight([sack((0, 0, 0), (0.3, 0.2, 0.1), "sand", 1.5)], (0.005, 0.005)), rel=0.02
    )
    assert stow.mass([]) == 0.0


@pytest.mark.parametrize("name", ["steel beams", "pipes", "sheet metal", "sawn timber"])
def test_mass_agrees_with_what_rays_pass_through(name: str):
    solids = filled(ALL[name], ROOMS["20 ft"], 1)
    assert stow.mass(solids) == pytest.approx(weight(solids), rel=0.05)


def test_lofts_are_closed_and_point_outward():
    square = [(0, 0, 0), (1, 0, 0), (1, 2, 0), (0, 2, 0)]
    for rings in ([square, [(x, y, 3) for x, y, _ in square]], [[(x, y, 3) for x, y, _ in square], square]):
        solid = stow.lofted(rings, "steel", 1.0)
        assert solid.mesh is not None
        assert solid.mesh.volume == pytest.approx(6.0)
        edges = {(int(a), int(b)) for face in solid.mesh.faces for a, b in zip(face, np.roll(face, -1), strict=True)}
        assert edges == {(b, a) for a, b in edges}


def test_circles_fall_without_passing_through_each_other():
    found = stow.dropped(rng(), np.full(40, 0.1), 1.0, 1.5)
    assert len(found) > 20
    for i, (y, z, r) in enumerate(found):
        assert r <= y <= 1.0 - r
        assert r - 1e-9 <= z <= 1.5 - r
        assert all(np.hypot(y - b, z - c) > r + q - 1e-6 for b, c, q in found[:i])


def test_stowing_stops_at_the_budget_and_stacks_the_broad_below():
    room = ROOMS["20 ft"]
    make = lambda rng: stow.piece([box((0, 0, 0), (1, float(rng.uniform(0.7, 1.1)), 0.5), "stone", 2.0)])  # noqa: E731
    solids = stow.stow(rng(), room, make, stow.Plan(levels=3, bracing=0.0))
    assert stow.mass(solids) <= stow.payload(room)
    below, above = (max((s.half[1] for s in solids if (s.center[2] < 0.4) == low), default=0.0) for low in (True, False))
    assert below >= above
    assert stow.stow(rng(), room, lambda rng: stow.piece([box((0, 0, 0), (7, 1, 1), "wood", 0.5)])) == []


def test_payload_knows_vans_containers_and_wagons():
    van, twenty, forty, wagon = (
        stow.payload(r) for r in (*(ROOMS[k] for k in ("van", "20 ft", "40 ft high cube")), ODD_ROOMS["wagon"])
    )
    assert van < 1_500.0 < 20_000.0 < twenty < 25_000.0 < forty <= 26_000.0 < wagon < 65_000.0


def test_scattered_things_stay_in_the_room():
    room = Room(1.0, 4.0, -1.0, 1.0, 0.0, 2.0)
    things = [stow.piece([box((0, 0, 0), tuple(rng(k).uniform(0.2, 0.6, 3)), "steel", 1.0)]) for k in range(60)]
    solids = stow.scattered(rng(), room, things, packing=0.8)
    assert len(solids) > 20
    assert sticks_out(solids, room) < 1e-6


def test_assemblies_weigh_what_they_should():
    assert 60.0 < assemblies.engine(rng(1), 0.9).mass < 260.0
    assert 300.0 < assemblies.engine(rng(1), 1.7, 6).mass < 1_800.0
    assert 25.0 < assemblies.gearbox(rng(2)).mass < 250.0
    assert 8.0 < stow.mass(assemblies.wheel((0, 0, 0), 0.31, 0.2)) < 40.0
    for seed in range(4):
        car = passenger_car.passenger_car(rng(seed))
        assert 750.0 < weight(list(car.parts)) < 2_200.0
        assert car.size[0] > 3.4
        assert car.size[1] < 2.0


def test_crates_are_hollow_about_their_content():
    content = stow.piece([box((0, 0, 0), (1, 0.8, 0.7), "steel", 2.0)])
    for style in ("closed", "slatted", "skid"):
        crate = assemblies.crated(rng(3), content, style)
        assert content.mass < crate.mass < content.mass + 250.0
        assert all(a < b for a, b in zip(content.size, crate.size, strict=True))
