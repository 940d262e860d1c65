"""Simulation: the same bytes from the same seed or record, and the same scene whatever else is changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xrayscan.simulate
from tests.simulate.lane import PITCH, VAN, made, of_van
from xrayscan.errors import RecipeError
from xrayscan.simulate import run
from xrayscan.simulate.delivery import DeliveryPlan
from xrayscan.simulate.record import KINDS, Choices, Record
from xrayscan.simulate.run import replay, simulate
from xrayscan.simulate.scanner import PRESETS, draw_scanner
from xrayscan.simulate.scene import build

QUIET = DeliveryPlan("transmission")
# The van that this seed draws first is empty, which has no room for a void: another is taken.
SECOND = of_van(6, "void", choices=Choices(("van",), ("empty", "mattresses"), persons=(1.0,)), delivery="transmission")


def same(one, other):
    (a, s), (b, t) = one, other
    assert a.view.pixels.tobytes() == b.view.pixels.tobytes()
    for name in ("air", "dark"):
        mine, its = getattr(a.calibration, name), getattr(b.calibration, name)
        assert (mine is None and its is None) or mine.tobytes() == its.tobytes()
    assert s.to_dict() == t.to_dict()
    for name in ("ignore", "added", "missing", "opaque"):
        assert getattr(s, name).tobytes() == getattr(t, name).tobytes()


class TestBytes:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_same_seed_gives_the_same_bytes(self, kind):
        record = of_van(2, kind)
        same(simulate(2, kind, pitch=PITCH, choices=VAN), made(record))

    def test_another_seed_gives_other_bytes(self):
        one, other = made(of_van(2, "clean"))[0].view.pixels, made(of_van(4, "clean"))[0].view.pixels
        assert one.shape != other.shape or (one != other).any()

    @pytest.mark.parametrize("seed", [2, 4])
    def test_a_replay_gives_the_same_bytes(self, seed):
        found = made(of_van(seed))
        same(found, replay(found[1].record))

    def test_so_does_one_from_json(self):
        found = made(of_van(4))
        same(found, replay(Record.from_json(found[1].record.to_json())))

    def test_the_record_is_kept(self):
        assert made(of_van(4))[1].record == of_van(4)


def around_sites(truth, by=6):
    """Pixels near a site or a thing; `by` more on each side for the blur of detector and scatter."""
    near = np.zeros(truth.added.shape, bool)
    for b in truth.sites:
        near[max(b.top - by, 0) : b.bottom + by, max(b.left - by, 0) : b.right + by] = True
    return near


class TestWithoutIt:
    def test_a_person_changes_the_scan_at_the_site_alone(self):
        record = replace(of_van(4), delivery=QUIET)
        (scan, truth), (bare, nobody) = made(record), made(replace(record, hides=False))
        change = np.abs(scan.view.pixels[0].astype(float) - bare.view.pixels[0]) / 65535
        assert not nobody.instances
        assert nobody.sites == truth.sites
        assert change[truth.masks["person"]].max() > 0.1
        near = around_sites(truth) | around_sites(nobody)
        assert np.median(change[~near]) < 1e-3
        assert (change[~near] > 0.1).mean() < 0.01

    def test_it_is_the_scene_that_hid_it_also_where_that_was_not_the_first(self):
        second = made(SECOND)[1]
        assert all(placed.hidden.kind != "void" for placed in build(SECOND, 0).placed)
        assert second.instances
        bare = made(replace(SECOND, hides=False))[1]
        assert not bare.instances
        assert (bare.sites, bare.load, bare.added.shape) == (second.sites, second.load, second.added.shape)

    def test_clean_and_person_show_the_same_elsewhere(self):
        clean, person = (made(of_van(4, kind, delivery="transmission")) for kind in ("clean", "person"))
        assert clean[1].sites == person[1].sites
        assert (clean[1].vehicle, clean[1].load) == (person[1].vehicle, person[1].load)
        assert clean[0].view.shape == person[0].view.shape


class TestAnotherScanner:
    @pytest.mark.parametrize("preset", PRESETS)
    def test_sees_the_same_vehicle_and_load(self, preset):
        record = of_van(4)
        other = made(replace(record, scanner=draw_scanner(np.random.default_rng(1), preset)))[1]
        truth = made(record)[1]
        assert (other.vehicle, other.load) == (truth.vehicle, truth.load)
        assert [(i.label, i.place, i.body_mass) for i in other.instances] == [
            (i.label, i.place, i.body_mass) for i in truth.instances
        ]

    def test_two_energies_are_two_images(self):
        scanner = draw_scanner(np.random.default_rng(1), "fixed 9/6 MV")
        scan = made(replace(of_van(4), scanner=scanner, delivery=DeliveryPlan("counts")))[0]
        assert len(scan.view.pixels) == len(scanner.endpoints) == 2
        shown = made(replace(of_van(4), scanner=scanner, delivery=DeliveryPlan("display")))[0]
        assert len(shown.view.pixels) == 1


def test_a_picture_says_its_pitch_only_if_it_is_told_to():
    record = replace(of_van(4), delivery=DeliveryPlan("display"))
    assert made(replace(record, states_pitch=False))[0].view.pixel_pitch is None
    assert made(replace(record, states_pitch=True))[0].view.pixel_pitch == (PITCH, PITCH)


def test_what_an_empty_van_cannot_hide_is_told(monkeypatch):
    monkeypatch.setattr(run, "ATTEMPTS", 2)
    choices = Choices(("van",), ("empty",), persons=(1.0,))
    with pytest.raises(RecipeError, match=r"seed \(2,\) gave no scene that shows a void in 2 attempts; allow more"):
        simulate(2, "void", pitch=PITCH, choices=choices)


def test_the_room_s_names():
    for name in xrayscan.simulate.__all__:
        assert getattr(xrayscan.simulate, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'simulat'"):
        _ = xrayscan.simulate.simulat
