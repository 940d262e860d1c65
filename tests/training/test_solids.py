"""Solids drawn into crops: their mass and outline by geometry, depths that add up, and no label that moves."""

import numpy as np
import pytest

from xrayscan.simulate.packed import BITS
from xrayscan.training import solids
from xrayscan.training.holes import THINNED
from xrayscan.training.inserted import ATTENUATION
from xrayscan.training.solids import MOST, OVER, SOLID, Solid, add_solids, areal_density

GRID = 0.01
SHAPE = (120, 160)


def scan(depth=0.5, bits=0, shape=SHAPE):
    array = np.zeros((7, *shape), np.float32)
    array[:2], array[2], array[4] = depth, 1.0, bits
    return array


def mass(solid, center=(60.0, 80.0)):
    return float(areal_density(solid, center, SHAPE, GRID).sum()) / 1000


class TestArealDensity:
    def test_an_ellipsoid_weighs_four_thirds_pi_abc(self):
        assert mass(Solid((20.0, 30.0, 15.0))) == pytest.approx(4 / 3 * np.pi * 20 * 30 * 15 / 1000, rel=0.01)

    def test_with_large_exponents_it_becomes_a_box(self):
        assert mass(Solid((20.0, 30.0, 15.0), 60.0, 60.0)) == pytest.approx(8 * 20 * 30 * 15 / 1000, rel=0.05)

    def test_a_shell_weighs_what_is_left(self):
        assert mass(Solid((30.0, 30.0, 30.0), wall=0.5)) == pytest.approx(7 / 8 * mass(Solid((30.0, 30.0, 30.0))), rel=0.01)

    def test_turned_it_weighs_the_same_and_lies_across(self):
        lying = areal_density(Solid((10.0, 40.0, 10.0), turned=np.pi / 2), (60.0, 80.0), SHAPE, GRID)
        rows, columns = np.nonzero(lying)
        assert np.ptp(rows) > 3 * np.ptp(columns)
        assert lying.sum() / 1000 == pytest.approx(mass(Solid((10.0, 40.0, 10.0))), rel=0.01)

    def test_on_a_grid_of_half_the_size_it_is_the_same_solid(self):
        solid = Solid((20.0, 30.0, 15.0))
        fine = areal_density(solid, (120.0, 160.0), (240, 320), GRID / 2)
        assert fine.sum() / 4000 == pytest.approx(mass(solid), rel=0.01)
        assert fine.max() == pytest.approx(30.0)


class TestAddSolids:
    def test_both_depths_grow_alike_and_nothing_else_changes(self):
        for seed in range(40):
            patch = scan(bits=BITS["person"])
            patch[5] = 20.0
            assert add_solids(np.random.default_rng(seed), patch, GRID)
            more = patch[0] - 0.5
            assert 0.01 < more.max() <= ATTENUATION[1] * MOST * 1.001
            assert more.min() > -1e-6
            np.testing.assert_array_equal(patch[0], patch[1])
            np.testing.assert_array_equal(patch[4].astype(int) & 127, BITS["person"])
            assert (more[patch[4] < SOLID] < 0.55 * ATTENUATION[1]).all()
            np.testing.assert_array_equal(patch[5], 20.0)

    def test_around_some_of_them_the_load_is_thinner(self):
        thinner = 0
        for seed in range(40):
            patch = scan(1.5)
            assert add_solids(np.random.default_rng(seed), patch, GRID)
            less = patch[0] < 1.5 - 1e-3
            thinner += less.any()
            assert patch[0].min() > 1.5 - 1.3 * THINNED[1] - 1e-3
            assert (patch[4][patch[0] < 1.5 - 0.05] >= SOLID).all()  # what is a hole is not called a load without one
        assert 10 < thinner < 30

    def test_walls_stay(self):
        for seed in range(20):
            patch = scan(0.2)
            add_solids(np.random.default_rng(seed), patch, GRID)
            assert patch[0].min() > 0.2 - 1e-6

    def test_no_two_draws_are_alike(self):
        drawn = []
        for seed in range(20):
            patch = scan(0.0)
            add_solids(np.random.default_rng(seed), patch, GRID)
            drawn.append(patch[0] / max(patch[0].max(), 1e-6))
        same = [np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.98 for i, a in enumerate(drawn) for b in drawn[:i]]
        assert not any(same)

    def test_the_second_energy_is_not_believed_any_more(self):
        patch = scan(bits=BITS["dual"])
        assert add_solids(np.random.default_rng(1), patch, GRID)
        assert not (patch[4].astype(int) & BITS["dual"]).any()

    @pytest.mark.parametrize("bits", [BITS["display"], BITS["driver"]], ids=["display", "a driver"])
    def test_where_none_is_put(self, bits):
        patch = scan(bits=bits)
        kept = patch.copy()
        assert not add_solids(np.random.default_rng(1), patch, GRID)
        np.testing.assert_array_equal(patch, kept)

    def test_none_where_nothing_was_measured_or_penetrated(self):
        for plane, value in ((2, 0.0), (3, 1.0)):
            patch = scan()
            patch[plane] = value
            assert not add_solids(np.random.default_rng(1), patch, GRID)


class TestPiledUp:
    BODY = (slice(40, 100), slice(60, 80))

    @pytest.fixture
    def piled(self, monkeypatch):
        monkeypatch.setattr(solids, "PILED", 1.0)

    def added(self, bits, seed):
        patch = scan()
        patch[(4, *self.BODY)] = bits
        if not add_solids(np.random.default_rng(seed), patch, GRID):
            return np.zeros(SHAPE, np.float32), patch
        return patch[0] - 0.5, patch

    @pytest.mark.usefixtures("piled")
    def test_they_lie_over_somebody_who_stays_one(self):
        over = 0
        for seed in range(40):
            more, patch = self.added(BITS["person"], seed)
            person = patch[4].astype(int) & BITS["person"] > 0
            assert person.sum() == 60 * 20
            assert person[self.BODY].all()
            over += (more[self.BODY] > 0.02).mean() > 0.3
            assert more[self.BODY].max() <= OVER[1] * ATTENUATION[1] * 1.001
        assert over > 30

    @pytest.mark.usefixtures("piled")
    def test_they_have_room_for_him(self, monkeypatch):
        monkeypatch.setattr(solids, "ROOM", (0.9, 0.9))
        inner = (slice(60, 80), slice(68, 72))  # farther from what is beside him than a soft edge is wide
        deep = []
        for seed in range(40):
            roomy, _ = self.added(BITS["person"], seed)
            monkeypatch.setattr(solids, "ROOM", (0.0, 0.0))
            full, _ = self.added(BITS["person"], seed)
            monkeypatch.setattr(solids, "ROOM", (0.9, 0.9))
            if roomy.max() > 0 and full.max() > 0:
                deep.append((roomy[inner].mean() / roomy.max(), full[inner].mean() / full.max()))
        with_room, without = np.array(deep).mean(axis=0)
        assert with_room < 0.6 * without

    @pytest.mark.usefixtures("piled")
    def test_without_anybody_they_have_room_for_nobody(self):
        for seed in range(40):
            _, patch = self.added(0, seed)
            assert not (patch[4].astype(int) & 127).any()
            assert not patch[5:].any()

    def test_every_other_time(self, monkeypatch):
        calls = []
        monkeypatch.setattr(
            solids, "_piled_up", lambda rng, body, grid: calls.append(1) or np.full(body.shape, 2.0, np.float32)
        )
        for seed in range(200):
            self.added(BITS["person"], seed)
        assert 70 < len(calls) < 130
