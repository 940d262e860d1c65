"""Scenes: drawn alike for every kind, and as the choices say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulate.lane import of_van
from xrayscan.errors import RecipeError
from xrayscan.simulate.places import PLACES
from xrayscan.simulate.record import KINDS, Choices, draw_record
from xrayscan.simulate.scanner import draw_scanner
from xrayscan.simulate.scene import build

LIGHT = Choices(
    vehicles=("van", "box truck", "20 ft dry", "rail open wagon"),
    loads=("mattresses", "logs", "drums", "furniture"),
)
SEEDS = range(5)


def solids_of(parts):
    return [(s.shape, s.center, s.half, s.material, s.density) for s in parts]


def kinds_of(scene):
    return [placed.hidden.kind for placed in scene.placed]


@pytest.fixture(scope="module", params=SEEDS)
def alike(request):
    """Scenes of every kind from one seed."""
    records = {kind: draw_record(request.param, kind, pitch=0.03, choices=LIGHT) for kind in KINDS}
    return {kind: build(record) for kind, record in records.items()}


class TestAlike:
    def test_vehicle_load_and_sites_do_not_tell_the_kind(self, alike):
        clean = alike["clean"]
        for scene in alike.values():
            assert (scene.vehicle.name, scene.loads, scene.sites) == (clean.vehicle.name, clean.loads, clean.sites)
            assert solids_of(scene.fixed) == solids_of(clean.fixed)
            assert solids_of(scene.load) == solids_of(clean.load)

    def test_nor_do_the_rays(self, alike):
        clean = alike["clean"].fan
        for scene in alike.values():
            fan = scene.fan
            assert (fan.source_distance, fan.source_height, fan.skew) == (
                clean.source_distance,
                clean.source_height,
                clean.skew,
            )
            assert (fan.slopes == clean.slopes).all()
            assert (fan.xs == clean.xs).all()
            assert (fan.lift == clean.lift).all()

    def test_nor_do_the_gaps_that_loads_just_have(self, alike):
        gaps = [
            [solids_of(p.hidden.hole) for p in scene.placed if p.hidden.kind == "gap"] for scene in alike.values()
        ]  # fmt: skip
        assert all(found == gaps[0] for found in gaps)

    def test_each_kind_hides_what_it_says(self, alike):
        for kind, scene in alike.items():
            hidden = set(kinds_of(scene)) - {"gap", "look-alike"}
            assert hidden <= {kind}
            if kind in ("person", "look-alike"):
                assert kind in kinds_of(scene)

    def test_a_look_alike_has_the_hole_and_cover_that_a_person_has(self, alike):
        person = [p.hidden for p in alike["person"].placed if p.hidden.kind == "person"]
        instead = [p.hidden for p in alike["look-alike"].placed if p.hidden.kind == "look-alike"][: len(person)]
        for one, other in zip(person, instead, strict=True):
            assert solids_of(one.hole) == solids_of(other.hole)
            assert solids_of(one.cover)[: len(other.cover)] == solids_of(other.cover)


class TestChoices:
    def test_without_what_is_hidden_the_rest_stays(self):
        for kind in KINDS:
            whole, bare = build(of_van(2, kind)), build(replace(of_van(2, kind), hides=False))
            assert set(kinds_of(bare)) <= {"gap"}
            assert solids_of(bare.load) == solids_of(whole.load)
            assert bare.sites == whole.sites
            assert (bare.fan.xs == whole.fan.xs).all()

    def test_another_scanner_sees_the_same_scene(self):
        record = of_van(2)
        rng = record.rng("scanner", 9)
        other = build(replace(record, scanner=draw_scanner(rng, "rail 9 MV")))
        assert solids_of(other.load) == solids_of(build(record).load)
        assert [p.body for p in other.placed] == [p.body for p in build(record).placed]

    @pytest.mark.parametrize("posture", ["standing", "fetal on left side"])
    def test_posture(self, posture):
        choices = Choices(("van",), ("mattresses",), postures=(posture,), persons=(1.0,))
        persons = [p for p in build(draw_record(3, "person", pitch=0.03, choices=choices)).placed if p.body]
        assert [p.hidden.label for p in persons] == [posture]
        assert persons[0].body.posture == posture

    def test_a_cab_that_is_left_out_is_not_seen(self):
        for seed in range(60):
            record = draw_record(seed, "clean", pitch=0.03, choices=Choices(vehicles=("box trailer",), loads=("empty",)))
            scene = build(record)
            if scene.vehicle.start is not None:
                break
        first = float(scene.fan.xs[0])
        assert scene.vehicle.start - 1.1 < first < scene.vehicle.start
        assert first > scene.vehicle.extent[0]

    def test_place(self):
        choices = Choices(("20 ft dry",), ("furniture", "drums"), places=("on the open floor",), persons=(1.0,))
        persons = [p for p in build(draw_record(3, "person", pitch=0.03, choices=choices)).placed if p.body]
        assert [p.place for p in persons] == ["on the open floor"]

    def test_look_alikes(self):
        choices = Choices(("van",), ("mattresses",), lookalikes=("dog", "tires"), persons=(1.0,))
        for seed in range(4):
            scene = build(draw_record(seed, "look-alike", pitch=0.03, choices=choices))
            assert {p.hidden.label for p in scene.placed if p.hidden.kind == "look-alike"} <= {"dog", "tires"}

    def test_number_of_persons(self):
        choices = Choices(("20 ft dry",), ("furniture",), persons=(0.0, 0.0, 1.0))
        counts = [kinds_of(build(draw_record(s, "person", pitch=0.03, choices=choices))).count("person") for s in range(4)]
        assert max(counts) == 3
        assert min(counts) >= 1

    def test_places_are_known(self):
        for seed in range(4):
            scene = build(of_van(seed))
            assert {p.place for p in scene.placed if p.body} <= set(PLACES)
            assert all(room.size > (0, 0, 0) for room in scene.sites)


class TestErrors:
    def test_a_load_that_goes_into_no_vehicle(self):
        choices = Choices(("tank trailer",), ("parcels", "drums"))
        with pytest.raises(RecipeError, match=r"none of the loads \(parcels, drums\) goes into the vehicles \(tank trailer\)"):
            build(draw_record(1, choices=choices))

    def test_no_place_to_hide(self):
        choices = Choices(("van",), ("empty",), places=("in the reefer machinery",), persons=(1.0,))
        with pytest.raises(
            RecipeError, match=r"no place to hide was found in 60 loads of seed \(1,\) \(van; empty\); allow more"
        ):
            build(draw_record(1, choices=choices))
