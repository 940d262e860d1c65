import numpy as np
import pytest

pytest.importorskip("torch")

from xrayscan.normalize import normalize
from xrayscan.simulate import simulate
from xrayscan.simulate.cargo import LOADS
from xrayscan.simulate.container import CONTAINERS, Room
from xrayscan.simulate.lookalike import LOOKALIKES
from xrayscan.simulate.render import render
from xrayscan.simulate.scanner import Scanner, deliver
from xrayscan.simulate.scene import KINDS, draw_fan, draw_scene

TWENTY = CONTAINERS[0]
CLEAN = Scanner((6.0,), 1e7, 60_000.0, 300.0, 1.0, 0.05, 0.02, 0.0005, 0.003, 1e-4, 0.0)


def small(seed, kind, **options):
    return simulate(seed, kind, pitch=0.02, container=TWENTY, **options)


@pytest.mark.parametrize("kind", KINDS)
class TestTruth:
    def test_it_is_on_the_scans_own_pixels(self, kind):
        scan, truth = small(3, kind)
        assert all(mask.shape == scan.view.shape for mask in truth.masks.values())
        assert truth.added.shape == truth.missing.shape == truth.ignore.shape == scan.view.shape

    def test_it_holds_what_was_asked_for_and_nothing_else(self, kind):
        _, truth = small(4, kind)
        for name, mask in truth.masks.items():
            assert mask.any() == (name == kind), name
        assert {i.kind for i in truth.instances} == ({kind} & {"person", "void", "density"})

    def test_the_same_seed_gives_the_same_bytes(self, kind):
        first, second = small(5, kind), small(5, kind)
        assert (first[0].view.pixels == second[0].view.pixels).all()
        assert (first[1].added == second[1].added).all()
        assert (small(6, kind)[0].view.shape != first[0].view.shape) or (
            small(6, kind)[0].view.pixels != first[0].view.pixels
        ).any()


class TestDeliveries:
    def test_the_same_scene_reads_the_same_in_each(self):
        """Counts with air and dark and normalized 16 bit agree where the beam gets through."""
        depths = {}
        for delivery in ("counts", "transmission"):
            scan, _ = small(11, "clean", delivery=delivery, scanner=CLEAN)
            depths[delivery] = normalize(scan)
        seen = ~(depths["counts"].opaque | depths["transmission"].opaque) & (depths["counts"].optical_depth[0] < 3)
        gap = depths["counts"].optical_depth[0] - depths["transmission"].optical_depth[0]
        assert np.median(abs(gap[seen])) < 0.01

    def test_a_display_picture_keeps_the_order(self):
        exact, _ = small(12, "clean", delivery="counts", scanner=CLEAN)
        shown, _ = small(12, "clean", delivery="display", scanner=CLEAN)
        assert shown.view.pixels.dtype == np.uint8
        one, other = normalize(exact).optical_depth[0], normalize(shown).optical_depth[0]
        seen = np.isfinite(one) & np.isfinite(other) & (one > 0.1) & (one < 2.5)
        ranks = [np.argsort(np.argsort(d[seen])) for d in (one, other)]
        assert np.corrcoef(*ranks)[0, 1] > 0.99

    def test_two_energies_give_two_planes(self):
        dual = Scanner((6.0, 4.0), 1e6, 60_000.0, 300.0, 1.0, 0.05, 0.02, 0.001, 0.003, 1e-3, 0.0)
        scan, _ = small(13, "clean", delivery="counts", scanner=dual)
        assert scan.view.energies == ("high", "low")
        depth = normalize(scan).optical_depth
        seen = np.isfinite(depth).all(0) & (depth[0] > 0.2) & (depth[0] < 3)
        assert (depth[1] - depth[0])[seen].mean() > 0.02

    def test_noise_is_that_of_the_photons(self):
        scanner = Scanner((6.0,), 2e5, 60_000.0, 300.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        depth = np.full((1, 400, 600), 1.0, np.float32)
        scan = deliver(np.random.default_rng(0), scanner, depth, (0.005, 0.005))
        through = (scan.view.pixels[0] - scan.calibration.dark[0][:, None]) / (scan.calibration.air - scan.calibration.dark)[0][
            :, None
        ]
        expected = 1.4 * np.exp(-1.0) / (2e5 * 0.25)
        assert (through - through.mean(1, keepdims=True)).var() == pytest.approx(expected, rel=0.03)


class TestKinds:
    @pytest.mark.parametrize("name", LOADS)
    def test_every_load_stays_in_its_room(self, name):
        room = Room(0.05, 5.9, -1.15, 1.15, 0.0, 2.3)
        for seed in range(3):
            solids = LOADS[name](np.random.default_rng(seed), room)
            assert solids or name == "empty"
            for solid in solids:
                assert -0.6 < solid.center[0] < 6.6, name
                assert -0.1 < solid.center[2] < 2.9, name

    @pytest.mark.parametrize("name", LOOKALIKES)
    def test_every_look_alike_attenuates_and_is_no_person(self, name):
        rng = np.random.default_rng(1)
        thing = LOOKALIKES[name](rng, (2.0, 0.0, 0.0))
        assert thing.kind == "look-alike"
        fan = draw_fan(rng, TWENTY, 0.02, False)
        areal = render(fan, [], (), (thing,)).hidden[0]
        assert areal.max() > 0.3

    def test_persons_are_hidden_in_many_places(self):
        places = {p for seed in range(40) for p in draw_scene(np.random.default_rng(seed), "person", 0.02).places}
        assert len(places) >= 5

    @pytest.mark.parametrize("name", ["bales", "rolls", "timber", "cartons"])
    def test_a_load_is_never_lower_than_one_piece(self, name):
        room = Room(0.05, 5.9, -1.15, 1.15, 0.0, 2.3)
        assert all(LOADS[name](np.random.default_rng(seed), room) for seed in range(60))
