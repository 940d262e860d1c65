"""Truth: on the scan's own pixels, of the asked kind only, and of believable amounts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.simulate.lane import made, of_van
from xrayscan.simulate.delivery import DELIVERIES, DeliveryPlan, Mark
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.record import KINDS, Record
from xrayscan.simulate.render import Hidden, render
from xrayscan.simulate.scanner import Scanner
from xrayscan.simulate.scene import Placed, Scene, build
from xrayscan.simulate.solid import Room, box
from xrayscan.simulate.truth import VOID_EDGE, driver_seen, run_lengths, truth_of
from xrayscan.simulate.vehicles import VEHICLES

THINGS = ("person", "void", "density")


def record_of(kind: str, delivery: str = "counts") -> Record:
    """Of a van with its driver."""
    return of_van(8, kind, delivery=delivery)


@pytest.fixture(scope="module", params=KINDS)
def scanned(request):
    return made(record_of(request.param))


class TestOfEveryKind:
    def test_it_is_on_the_scan_s_pixels(self, scanned):
        scan, truth = scanned
        for plane in (*truth.masks.values(), truth.ignore, truth.added, truth.missing, truth.opaque):
            assert plane.shape == scan.view.shape
            assert not plane.flags.writeable
        assert tuple(truth.masks) == THINGS

    def test_masks_are_of_the_asked_kind_only(self, scanned):
        truth = scanned[1]
        for kind, mask in truth.masks.items():
            assert mask.any() == (kind == truth.kind)
        assert {instance.kind for instance in truth.instances} == ({truth.kind} & set(THINGS))

    def test_amounts(self, scanned):
        truth = scanned[1]
        assert truth.added.min() >= 0
        assert truth.missing.min() >= 0
        assert truth.added.max() < 400
        if truth.kind in ("clean", "look-alike"):
            assert not truth.added.any()
            assert not truth.missing.any()
        if truth.kind == "void":
            assert not truth.added.any()
            assert (truth.missing[truth.masks["void"]] > VOID_EDGE).all()

    def test_things(self, scanned):
        truth = scanned[1]
        rows, columns = truth.added.shape
        for thing in truth.instances:
            assert 0 <= thing.box.top < thing.box.bottom <= rows
            assert 0 <= thing.box.left < thing.box.right <= columns
            inside = truth.masks[thing.kind][thing.box.top : thing.box.bottom, thing.box.left : thing.box.right]
            assert inside.any(0)[[0, -1]].all()
            assert inside.any(1)[[0, -1]].all()
            assert thing.mass > 0
            assert thing.load >= 0
            assert 0 <= thing.front <= thing.load
            assert thing.contrast > 0
            assert 0 <= thing.hidden_share <= 1
            assert (thing.body_mass is not None) == (thing.kind == "person")

    def test_sites_are_in_the_picture(self, scanned):
        truth = scanned[1]
        rows, columns = truth.added.shape
        assert truth.sites
        for site in truth.sites:
            assert 0 <= site.top < site.bottom <= rows
            assert 0 <= site.left < site.right <= columns

    def test_what_is_ignored_is_no_person(self, scanned):
        scan, truth = scanned
        dead = (scan.calibration.air <= scan.calibration.dark + 1).any(0)
        assert not (truth.ignore & truth.masks["person"])[~dead].any()

    def test_json(self, scanned):
        truth = scanned[1]
        table = json.loads(json.dumps(truth.to_dict()))
        assert table["kind"] == truth.kind
        assert table["shape"] == list(truth.added.shape)
        assert len(table["instances"]) == len(truth.instances)
        for kind, runs in table["masks_run_lengths"].items():
            back = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(table["shape"])
            assert (back == truth.masks[kind]).all()


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_the_delivery_changes_nothing_but_what_cannot_be_seen(delivery):
    record = record_of("person")
    scan, truth = made(replace(record, delivery=DeliveryPlan(delivery), states_pitch=True))
    _, other = made(record)
    assert scan.view.quantity == delivery
    assert truth.added.shape == scan.view.shape
    assert (truth.masks["person"] == other.masks["person"]).all()
    assert (truth.added == other.added).all()
    assert truth.opaque.shape == scan.view.shape


def test_what_is_burnt_over_or_was_not_scanned_is_ignored():
    marks = (Mark("filled", (0.1, 0.3, 0.2, 0.5)),)
    plan = DeliveryPlan("display", marks=marks, blank=(0.1, 0.0))
    truth = made(replace(record_of("person"), delivery=plan))[1]
    rows, columns = truth.ignore.shape
    assert truth.ignore[round(0.12 * rows) : round(0.18 * rows), round(0.32 * columns) : round(0.48 * columns)].all()
    assert truth.ignore[:, : round(0.1 * columns) - 1].all()


@pytest.mark.parametrize("seed", [4, 5, 8])
def test_a_person_weighs_what_the_magnification_makes_of_it(seed):
    record = of_van(seed)
    truth, scene = made(record)[1], build(record)
    source = scene.fan.source_distance
    for thing, placed in zip(truth.instances, (p for p in scene.placed if p.body), strict=True):
        low = min(s.center[1] - s.reach[1] for s in placed.hidden.solids)
        high = max(s.center[1] + s.reach[1] for s in placed.hidden.solids)
        nearest, farthest = (source / (source + low)) ** 2, (source / (source + high)) ** 2
        assert 0.85 * farthest * thing.body_mass < thing.mass < 1.35 * nearest * thing.body_mass


def mirrored(array: np.ndarray) -> np.ndarray:
    return array[:, ::-1]


@pytest.fixture(scope="module", params=["person", "density"])
def both(request):
    one = replace(record_of(request.param), delivery=DeliveryPlan("transmission"), mirrored=False)
    return made(one)[1], made(replace(one, mirrored=True))[1]


class TestMirrored:
    def test_maps_and_masks_are_the_other_way_round(self, both):
        one, other = both
        assert (mirrored(one.added) == other.added).all()
        assert (mirrored(one.missing) == other.missing).all()
        for kind in THINGS:
            assert (mirrored(one.masks[kind]) == other.masks[kind]).all()

    def test_so_is_the_driver(self, both):
        one, other = both
        assert one.driver.any() or one.kind == "density", "a van with its driver, and one without"
        assert (mirrored(one.driver) == other.driver).mean() > 0.999
        assert (mirrored(one.ignore) == other.ignore).mean() > 0.999

    def test_so_are_boxes_and_sites(self, both):
        one, other = both
        columns = one.added.shape[1]
        for mine, its in zip(one.instances, other.instances, strict=True):
            assert (its.box.left, its.box.right) == (columns - mine.box.right, columns - mine.box.left)
            assert (its.mass, its.load, its.front) == pytest.approx((mine.mass, mine.load, mine.front))
        for mine, its in zip(one.sites, other.sites, strict=True):
            assert (its.top, its.bottom) == (mine.top, mine.bottom)
            assert abs(its.left - (columns - mine.right)) <= 1
            assert abs(its.right - (columns - mine.left)) <= 1


class TestByHand:
    """A slab of known thickness with one thing in it, seen from far away."""

    FAN = Fan.vertical((300.0, 1.0), 2.0, 0.0, (40, 80), (0.05, 0.05))

    def truth(self, kind, hole=(), solids=()):
        load = (box((0.0, -1.0, 0.0), (4.0, 1.0, 2.0), "water", 0.2),)
        placed = (Placed(Hidden(kind, "thing", solids, hole), "load"),)
        vehicle = VEHICLES["20 ft dry"].build(np.random.default_rng(0))
        scene = Scene(vehicle, ("slab",), load, placed, (Room(1, 2, -1, 1, 0, 1),), self.FAN)
        areal = render(self.FAN, (), load, scene.hidden)
        record = Record((1,), "clean", Scanner(), DeliveryPlan("counts"))
        truth, _ = truth_of(record, scene, areal, np.zeros(self.FAN.shape, bool))
        assert torch.isfinite(areal.water).all()
        return truth

    def test_void(self):
        hole = (box((1.0, -0.5, 0.5), (2.0, 0.5, 1.0), "water", 0.0),)
        (thing,) = self.truth("void", hole).instances
        assert thing.mass == pytest.approx(1.0 * 1.0 * 0.5 * 200, rel=0.02)
        assert thing.load == pytest.approx(20.0, rel=0.01)
        assert thing.front == 0.0
        assert (thing.box.bottom - thing.box.top, thing.box.right - thing.box.left) == (10, 20)

    @pytest.mark.parametrize(
        ("low", "high"),
        [((0.0, 0.5), (1.0, 1.0)), ((3.0, 0.5), (4.0, 1.0)), ((1.0, 0.5), (2.0, 2.0)), ((0.0, 1.5), (4.0, 2.0))],
        ids=["left", "right", "top", "a lower load"],
    )
    def test_a_void_that_is_open_at_a_side_is_none(self, low, high):
        hole = (box((low[0], -0.5, low[1]), (high[0], 0.5, high[1]), "water", 0.0),)
        truth = self.truth("void", hole)
        assert truth.missing.max() == pytest.approx(20.0, rel=0.01)
        assert not truth.instances
        assert not truth.masks["void"].any()

    def test_a_void_on_the_floor_is_one(self):
        (thing,) = self.truth("void", (box((1.0, -0.5, 0.0), (2.0, 0.5, 0.7), "water", 0.0),)).instances
        assert thing.mass == pytest.approx(1.0 * 1.0 * 0.7 * 200, rel=0.02)

    def test_a_void_under_less_load_than_is_left_in_it_is_none(self):
        roofed = (box((0.9, -1.0, 1.0), (2.1, 0.8, 2.0), "water", 0.0), box((1.0, -0.5, 0.5), (2.0, 0.5, 1.0), "water", 0.0))
        assert not self.truth("void", roofed).instances

    def test_dense_insert(self):
        truth = self.truth("density", solids=(box((1.0, -0.5, 0.5), (2.0, 0.5, 1.0), "water", 0.7),))
        (thing,) = truth.instances
        assert thing.mass == pytest.approx(0.5 * 500, rel=0.02)
        assert thing.load == pytest.approx(20.0, rel=0.01)
        assert thing.front == pytest.approx(10.0, rel=0.01)
        assert truth.added.max() == pytest.approx(50.0, rel=0.01)
        assert truth.missing.max() == pytest.approx(0.0, abs=1e-3)

    def test_the_load_over_a_light_insert_is_not_less_than_nothing(self):
        truth = self.truth("density", solids=(box((1.0, -0.9, 0.5), (2.0, 0.9, 1.0), "water", 0.02),))
        (thing,) = truth.instances
        assert thing.load == pytest.approx(4.0, rel=0.02)
        assert thing.front == pytest.approx(2.0, rel=0.02)
        assert truth.missing.max() == pytest.approx(180 * 0.18, rel=0.01)
        assert truth.added.max() == pytest.approx(0.0, abs=1e-3)

    def test_a_crumb_is_nothing(self):
        truth = self.truth("void", (box((1.0, -0.01, 0.5), (1.1, 0.01, 0.6), "water", 0.0),))
        assert not truth.instances
        assert not truth.masks["void"].any()

    def test_a_person_s_hole_is_ignored_and_the_person_is_not(self):
        hole = (box((1.0, -1.0, 0.5), (2.0, 1.0, 1.0), "water", 0.0),)
        truth = self.truth("person", hole, (box((1.2, -0.2, 0.6), (1.6, 0.2, 0.9), "water", 1.0),))
        assert truth.masks["person"].sum() == 8 * 6
        assert truth.ignore.sum() == 20 * 10 - 8 * 6
        assert truth.instances[0].load == pytest.approx(0.0, abs=1e-3)

    def test_a_look_alike_is_among_the_others(self):
        truth = self.truth("look-alike", solids=(box((1.0, -0.5, 0.5), (2.0, 0.5, 1.0), "water", 0.9),))
        assert truth.others == (("look-alike", "thing", "load"),)
        assert not truth.instances


def test_without_a_driver_nobody_is_seen():
    scene = build(record_of("clean"))
    assert driver_seen(scene).any()
    assert not driver_seen(replace(scene, vehicle=replace(scene.vehicle, driver=()))).any()


def test_run_lengths_of_nothing_and_everything():
    assert run_lengths(np.zeros((2, 3), bool)) == [6]
    assert run_lengths(np.ones((2, 3), bool)) == [0, 6, 0]
