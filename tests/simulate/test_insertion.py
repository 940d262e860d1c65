"""Insertions: the right mass at the right place, with the scan's own noise, and nothing else changed."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
import torch

from tests.simulate.yards import (
    AIR,
    PHOTONS,
    PITCH,
    READ,
    SOURCE,
    Yard,
    counts_yard,
    display_yard,
    light_load,
    made,
    transmission_yard,
    walls,
)
from xrayscan.errors import RecipeError
from xrayscan.normalize import normalize
from xrayscan.scan import Radiograph, Scan, Step, View
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.body import body_solids
from xrayscan.simulate.insertion import Insertion, InsertionPlan, Wishes, draw_plan, insert, insert_plan
from xrayscan.simulate.insertion_site import Placed, find_site
from xrayscan.simulate.render import render
from xrayscan.simulate.sharpness import edge_spread, noise_curve
from xrayscan.simulate.solid import box

GIVEN = Wishes(source_distance=SOURCE[0], source_height=SOURCE[1])


@cache
def yard(kind: str = "counts", seed: int = 0) -> tuple[Yard, Radiograph]:
    makers = {"counts": counts_yard, "transmission": transmission_yard, "display": display_yard}
    one = makers[kind](seed)
    return one, normalize(one.scan)


def bare(plan: InsertionPlan, at: tuple[float, float, float], *, cavity: str = "", margin: float = 0.0) -> InsertionPlan:
    """The plan with its first body naked, elsewhere."""
    body = replace(plan.persons[0].body, clothes=0.0, shoes=False, belongings=())
    return replace(plan, persons=(Placed(body, at, "given", cavity, margin),))


def planned(kind: str = "counts", seed: int = 1, wishes: Wishes = GIVEN) -> InsertionPlan:
    one, radiograph = yard(kind)
    return draw_plan(np.random.default_rng(seed), one.scan, radiograph, wishes)


def areal_of(depth: np.ndarray, wall: float = 4.7) -> np.ndarray:
    """Water behind the yard's steel walls that has an optical depth [g/cm²]."""
    grid = torch.linspace(0.0, 200.0, 2000)
    tau = optical_depth(Beam(6.0), grid, torch.full_like(grid, wall)).numpy()
    # Below no water the line goes on, so that noise stays without bias.
    first = (grid[20].item() - grid[0].item()) / (tau[20] - tau[0])
    return np.where(depth < tau[0], (depth - tau[0]) * first, np.interp(depth, tau, grid.numpy()))


@pytest.mark.parametrize("x", [4.2, 1.7])
def test_mass_comes_back_from_the_optical_depth(x: float) -> None:
    one, radiograph = yard()
    # From far away nothing is larger than anything else.
    far = replace(bare(planned(), (x, 0.0, 0.15)), source_distance=60.0)
    made_ = insert_plan(one.scan, far, radiograph)
    after = normalize(made_.scan).optical_depth[0]
    added = areal_of(after) - areal_of(radiograph.optical_depth[0])
    body = made_.plan.persons[0].body
    found = float(added[made_.changed].sum()) * PITCH * PITCH * 10.0
    assert found == pytest.approx(body.mass, rel=0.05)
    assert made_.persons[0].mass == pytest.approx(body.mass, rel=0.03)
    assert made_.persons[0].removed == 0.0


def test_it_looks_as_if_the_body_had_been_there() -> None:
    """The yard scanned with the body in it, against the body put into the scan of the yard."""
    one, radiograph = yard()
    plan = bare(planned(), (4.2, 0.3, 0.0))
    person = plan.persons[0]
    areal = render(one.fan, walls(), [*light_load(), *body_solids(person.body, person.at)])
    through = torch.exp(-optical_depth(Beam(6.0), areal.water, areal.iron)).numpy()
    true = np.log(one.through[0] / cv2.GaussianBlur(through, (0, 0), 0.7))
    found = normalize(insert_plan(one.scan, plan, radiograph).scan).optical_depth[0] - radiograph.optical_depth[0]
    there, here = true > 0.12, cv2.medianBlur(found.astype(np.float32), 3) > 0.12
    assert (there & here).sum() / (there | here).sum() > 0.8
    assert found[there | here].sum() == pytest.approx(true[there | here].sum(), rel=0.05)
    lowest = [int(np.flatnonzero(mask.any(1))[-1]) for mask in (there, here)]
    assert abs(lowest[0] - lowest[1]) <= 3


def difference(plan: InsertionPlan) -> tuple[Insertion, Insertion, np.ndarray, np.ndarray]:
    """The same body in two scans that differ in their noise: both, half their squared difference, and the mean signal."""
    pair = []
    for seed in (0, 7):
        signal, gain, _, _ = made(seed, _stack())
        counts = np.rint(signal + 400.0).clip(0, 65535).astype(np.uint16)
        dark = np.full(gain.shape, 400.0)
        scan = Scan.from_array(counts, air=dark + AIR * gain, dark=dark, pixel_pitch=PITCH)
        pair.append(insert_plan(scan, replace(plan, noise_seed=seed), normalize(scan)))
    first, second = (i.scan.view.pixels[0].astype(float) - 400.0 for i in pair)
    return pair[0], pair[1], 0.5 * (first - second) ** 2, 0.5 * (first + second)


def _stack() -> list:
    return [box((0.5, -1.1, 0.0), (5.5, 1.1, 1.9), "wood", 0.2)]


@pytest.mark.parametrize("where", ["body", "hole"])
def test_the_noise_is_that_of_the_new_signal(where: str) -> None:
    plan = bare(planned(), (3.0, 0.0, 0.2), cavity="box", margin=0.3)
    made_, _, variance, signal = difference(plan)
    region = made_.added > 3.0 if where == "body" else (made_.removed > 3.0) & (made_.added == 0.0)
    region = cv2.erode(region.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert region.sum() > 1500
    wanted = READ**2 + 1.0 / 12.0 + signal * AIR / PHOTONS
    assert variance[region].mean() == pytest.approx(wanted[region].mean(), rel=0.08)
    outside = ~made_.changed
    outside[:, :80] = outside[:, -80:] = False
    assert variance[outside].mean() == pytest.approx(wanted[outside].mean(), rel=0.05)


def test_a_hole_brightens_and_only_as_far_as_there_is_load() -> None:
    signal, gain, _, _ = made(0, _stack())
    counts = np.rint(signal + 400.0).clip(0, 65535).astype(np.uint16)
    scan = Scan.from_array(counts, air=400.0 + AIR * gain, dark=np.full(gain.shape, 400.0), pixel_pitch=PITCH)
    radiograph = normalize(scan)
    made_ = insert_plan(scan, bare(planned(), (3.0, 0.0, 0.2), cavity="box", margin=0.3), radiograph)
    rim = (made_.removed > 3.0) & (made_.added == 0.0)
    before, after = (s.view.pixels[0].astype(float) for s in (scan, made_.scan))
    assert after[rim].mean() > 1.1 * before[rim].mean()
    load = areal_of(radiograph.optical_depth[0])
    assert (made_.removed[rim] < load[rim] + 3.0).all()
    share = made_.plan.persons[0]
    depth = 2 * (0.3) + np.ptp([s.center[1] for s in body_solids(share.body, (0.0, 0.0, 0.0))])
    assert np.median(made_.removed[rim] / load[rim]) > 0.8 * depth / 2.3
    without = insert_plan(scan, bare(planned(), (3.0, 0.0, 0.2)), radiograph)
    assert not without.removed.any()
    assert made_.scan.view.pixels[0][rim].mean() > without.scan.view.pixels[0][rim].mean()


@pytest.mark.parametrize("kind", ["counts", "transmission", "display"])
def test_nothing_else_changes(kind: str) -> None:
    one, radiograph = yard(kind)
    made_ = insert(one.scan, radiograph, seed=3)
    before, after = one.scan.view, made_.scan.view
    assert (after.pixels.dtype, after.quantity, after.pixel_pitch) == (before.pixels.dtype, before.quantity, before.pixel_pitch)
    assert np.array_equal(after.pixels[:, ~made_.changed], before.pixels[:, ~made_.changed])
    assert not np.array_equal(after.pixels, before.pixels)
    assert made_.changed[made_.mask].mean() > 0.95
    assert made_.scan.calibration is one.scan.calibration
    assert after.pixels.max() <= before.pixels.max()


def test_a_seed_replays_and_seeds_differ() -> None:
    one, radiograph = yard()
    first, second, other = (insert(one.scan, radiograph, seed=seed) for seed in (5, 5, 6))
    assert first.scan.view.pixels.tobytes() == second.scan.view.pixels.tobytes()
    assert first.plan == second.plan
    assert first.scan.view.pixels.tobytes() != other.scan.view.pixels.tobytes()


def test_a_record_replays() -> None:
    one, radiograph = yard()
    made_ = insert(one.scan, radiograph, seed=(1, 2), wishes=Wishes(persons=2))
    record = json.loads(json.dumps(made_.plan.record()))
    plan = InsertionPlan.from_record(record)
    assert plan == made_.plan
    again = insert(one.scan, seed=99, plan=plan)
    assert again.scan.view.pixels.tobytes() == made_.scan.view.pixels.tobytes()
    assert len(again.persons) == 2


def test_twelve_bits_stay_twelve_bits() -> None:
    one, radiograph = yard("transmission")
    made_ = insert(one.scan, radiograph, seed=2)
    assert (made_.scan.view.pixels % 16 == 0).all()
    assert np.unique(made_.scan.view.pixels[0][made_.mask]).size > 50


def test_display_pictures_are_said_to_be_approximate() -> None:
    one, radiograph = yard("display")
    made_ = insert(one.scan, radiograph, seed=2)
    assert made_.scan.view.pixels.dtype == np.uint8
    assert any("unknown gray curve" in warning for warning in made_.plan.warnings)
    before, after = (s.view.pixels[0][made_.mask].astype(float) for s in (one.scan, made_.scan))
    assert after.mean() < 0.8 * before.mean()
    inverted = display_yard(inverted=True)
    dark = insert(inverted.scan, seed=2)
    before, after = (s.view.pixels[0][dark.mask].astype(float) for s in (inverted.scan, dark.scan))
    assert (255 - after).mean() < 0.8 * (255 - before).mean()


def test_two_energies_see_the_same_body() -> None:
    one = counts_yard(beams=(6.0, 4.0))
    radiograph = normalize(one.scan)
    made_ = insert(one.scan, radiograph, seed=4)
    more = (normalize(made_.scan).optical_depth - radiograph.optical_depth)[:, made_.added > 5.0].mean(axis=1)
    assert made_.plan.beams == (6.0, 4.0)
    assert 1.05 < more[1] / more[0] < 1.4


def test_opaque_and_dead_pixels_stay_as_they_are() -> None:
    load = [box((3.0, -1.1, 0.0), (3.4, 1.1, 1.9), "steel", 4.0), *light_load()]
    one = counts_yard(load=load)
    counts = np.array(one.scan.view.pixels)
    counts[0, 300] = 123
    scan = Scan.from_array(counts, air=one.scan.calibration.air, dark=one.scan.calibration.dark, pixel_pitch=PITCH)
    radiograph = normalize(scan)
    plan = bare(draw_plan(np.random.default_rng(1), scan, radiograph, GIVEN), (3.2, 0.0, 0.0))
    made_ = insert_plan(scan, plan, radiograph)
    assert radiograph.opaque[made_.mask].mean() > 0.05
    assert np.array_equal(made_.scan.view.pixels[0][radiograph.opaque], counts[0][radiograph.opaque])
    assert (made_.scan.view.pixels[0, 300] == 123).all()
    assert made_.persons[0].opaque == pytest.approx(radiograph.opaque[made_.mask].mean(), abs=1e-6)


def test_the_scanner_is_found_from_the_rails() -> None:
    """Near and far edges of the container tell where the source stands, and with it the scale."""
    _, radiograph = yard()
    site = find_site(np.random.default_rng(0), radiograph, Wishes())
    assert site.source_from == "rails"
    assert site.source[0] == pytest.approx(SOURCE[0], rel=0.12)
    assert site.source[1] == pytest.approx(SOURCE[1], abs=0.15)
    blind = counts_yard(pitch=False)
    site = find_site(np.random.default_rng(0), normalize(blind.scan), Wishes())
    assert site.pitch == pytest.approx((PITCH, PITCH), rel=0.04)


def test_a_height_that_is_not_known_is_none() -> None:
    """The pitch of a container whose far rails are not seen tells no height."""
    _, radiograph = yard()
    steps = (*(s for s in radiograph.history if s.name != "pixel pitch"), Step("pixel pitch", "", {"height": float("nan")}))
    site = find_site(np.random.default_rng(0), replace(radiograph, history=steps), GIVEN)
    assert np.isfinite([site.ceiling, site.top, *site.pitch]).all()


def test_the_load_is_seen() -> None:
    _, radiograph = yard()
    site = find_site(np.random.default_rng(0), radiograph, GIVEN)
    loaded, empty = site.load_top[site.columns(0.8, 2.6)], site.load_top[site.columns(3.2, 5.4)]
    assert np.median(loaded) == pytest.approx(1.9, abs=0.15)
    assert empty.max() < 0.12


def test_bodies_stand_on_something_and_do_not_meet() -> None:
    one, radiograph = yard()
    site = find_site(np.random.default_rng(0), radiograph, GIVEN)
    places = set()
    for seed in range(12):
        for person in draw_plan(np.random.default_rng(seed), one.scan, radiograph, replace(GIVEN, persons=2)).persons:
            places.add(person.place)
            if person.place in ("floor", "doors"):
                assert person.at[2] == 0.0
            if person.place == "on load":
                assert person.at[2] == pytest.approx(1.9, abs=0.2)
            if person.place == "within load":
                assert np.median(site.load_top[site.columns(person.at[0] - 0.1, person.at[0] + 0.1)]) > 0.2
            assert person.cavity == "" or person.place in ("within load", "doors", "given")
    assert {"floor", "within load"} <= places


def test_a_place_may_be_given() -> None:
    one, radiograph = yard()
    wishes = replace(GIVEN, x=4.0, z=0.5, posture="sitting", beams=(9.0,), hole=False)
    person = insert(one.scan, radiograph, seed=1, wishes=wishes)
    placed = person.plan.persons[0]
    assert (placed.at[0], placed.at[2], placed.body.posture, placed.cavity) == (4.0, 0.5, "sitting", "")
    assert person.plan.beams == (9.0,)
    middle = 0.5 * (person.persons[0].box.left + person.persons[0].box.right)
    assert middle == pytest.approx(radiograph.containers[0].left + 4.0 / PITCH, abs=8)


@pytest.mark.parametrize(("wish", "said"), [
    ({"posture": "flying"}, "there is no posture 'flying'; known are: standing; "),
    ({"beams": (900.0,)}, "the beams are 900 MV; expected one or two end points of 1 to 10 MV, high first"),
    ({"beams": (9.0, 6.0, 4.0)}, "the beams are 9, 6, 4 MV; expected one or two"),
    ({"source_distance": 0.5}, "the source's distance is 0.5 m; expected 2 to 60 m"),
])  # fmt: skip
def test_wishes_that_make_no_sense_are_refused_at_once(wish: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        Wishes(**wish)


@pytest.mark.parametrize(("wishes", "said"), [
    (Wishes(x=20.0), "its middle has to be .* m from the left end, not 20 m"),
    (Wishes(z=2.3, posture="standing"), "has to lie 0 to .* m above the floor, not 2.3 m"),
    (Wishes(beams=(6.0, 4.0)), "2 beams given for a scan of 1 energies"),
    (Wishes(persons=20, posture="lying on back"), "person [0-9]+ of 20 does not fit into the container"),
])  # fmt: skip
def test_what_cannot_be_is_said(wishes: Wishes, said: str) -> None:
    one, radiograph = yard()
    with pytest.raises(RecipeError, match=said):
        insert(one.scan, radiograph, seed=1, wishes=wishes)


@pytest.mark.parametrize(("wrong", "said"), [
    ({"persons": 0}, "0 persons asked for; expected 1 to 20"),
    ({"iron_share": 1.5}, "share of iron is 1.5; expected 0 to 1"),
    ({"source_distance": 0.5}, "distance is 0.5 m; expected 2 to 60 m"),
    ({"source_height": 50.0}, "height is 50 m; expected -3 to 10 m"),
])  # fmt: skip
def test_wishes_are_checked(wrong: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        Wishes(**wrong)


def test_scans_that_cannot_be_used_say_why() -> None:
    noise = np.random.default_rng(0).normal(50_000, 100, (200, 400)).astype(np.uint16)
    blank = Scan.from_array(noise, air=np.full(200, 50_000.0), dark=np.zeros(200))
    with pytest.raises(RecipeError, match="no container was found in the scan"):
        insert(blank, seed=1)
    one, radiograph = yard()
    coarse = Radiograph(
        radiograph.optical_depth, radiograph.valid, radiograph.opaque, (0.15, 0.15), containers=radiograph.containers
    )
    with pytest.raises(RecipeError, match="the scan is too small: .* a pixel is 150 mm"):
        insert(one.scan, coarse, seed=1)
    two = Scan((one.scan.view, View(one.scan.view.pixels)), one.scan.calibration)
    with pytest.raises(RecipeError, match="the scan has 2 views of one load"):
        insert(two, radiograph, seed=1)


def test_plans_of_other_scans_are_refused() -> None:
    one, radiograph = yard()
    plan = planned()
    with pytest.raises(RecipeError, match="the plan is of a scan with 2 energies"):
        insert_plan(one.scan, replace(plan, beams=(6.0, 4.0)), radiograph)
    with pytest.raises(RecipeError, match="this plan is of another scan"):
        insert_plan(one.scan, bare(plan, (400.0, 0.0, 0.0)), radiograph)
    with pytest.raises(RecipeError, match="this one differs in 'extra'"):
        InsertionPlan.from_record({**plan.record(), "extra": 1})


@pytest.mark.parametrize(("row", "column"), [(0.5, 0.5), (0.8, 1.2), (1.5, 2.0)])
def test_sharpness_and_noise_are_measured(row: float, column: float) -> None:
    rng = np.random.default_rng(0)
    fine = 8
    drawn = np.ones((300 * fine, 800 * fine), np.float32)
    for _ in range(60):
        top, left = rng.integers(0, 270 * fine), rng.integers(0, 700 * fine)
        height, width = rng.integers(20 * fine, 60 * fine, 2)
        drawn[top : top + height, left : left + width] *= rng.uniform(0.3, 0.9)
    drawn = cv2.GaussianBlur(drawn, (0, 0), column * fine, sigmaY=row * fine)
    through = cv2.resize(drawn, (800, 300), interpolation=cv2.INTER_AREA)
    signal = 5e4 * through + rng.normal(size=through.shape) * np.sqrt(9.0 + 10.0 * 5e4 * through)
    good = np.ones(through.shape, bool)
    striped = signal * (1 + 0.03 * rng.standard_normal((300, 1))) * (1 + 0.003 * rng.standard_normal((1, 800)))
    curve = noise_curve(striped.astype(np.float32), good, physical=True)
    for level in (1e4, 3e4, 5e4):
        assert np.interp(level, *zip(*curve, strict=True)) == pytest.approx(9.0 + 10.0 * level, rel=0.06)
    found = edge_spread((signal / 5e4).astype(np.float32), good, 0.015)
    assert found == pytest.approx((np.hypot(row, 12**-0.5), np.hypot(column, 12**-0.5)), rel=0.12)


def test_without_edges_a_default_is_taken_with_a_warning() -> None:
    flat = np.full((100, 200), 0.5, np.float32)
    assert edge_spread(flat, np.ones(flat.shape, bool), 0.01) == (None, None)
    assert noise_curve(flat[:10, :10], np.ones((10, 10), bool), physical=True) == ()
    one, radiograph = yard()
    shaded = replace(radiograph, valid=np.zeros(radiograph.shape, bool))
    plan = draw_plan(np.random.default_rng(0), one.scan, shaded, replace(GIVEN, x=4.0, z=0.0))
    assert any("too few edges to measure the scan's sharpness along its rows and columns" in w for w in plan.warnings)
    assert any("noise could not be measured" in w for w in plan.warnings)


def test_no_hole_is_cut_into_what_nobody_can_lift() -> None:
    one, radiograph = yard("counts")
    plan = bare(planned(), (3.0, 0.0, 0.2), cavity="box", margin=0.3)
    heavy = replace(radiograph, optical_depth=np.minimum(radiograph.optical_depth * 8.0, 6.0))
    made_ = insert_plan(one.scan, plan, heavy)
    assert made_.removed.max() <= 92.5
