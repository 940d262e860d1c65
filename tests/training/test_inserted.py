"""Persons of one packed scan in a crop of another: depths and areal densities add up, and only where a person could be."""

import json

import numpy as np
import pytest

from tests.training.patches import BODY, person, scan
from xrayscan.simulate.packed import BITS
from xrayscan.simulate.truth import VOID_EDGE
from xrayscan.training import inserted
from xrayscan.training.holes import THINNED, WALLS
from xrayscan.training.inserted import ATTENUATION, Persons


def persons(folder, boxes=(BODY,), hidden=0.0, mass=70.0):
    about = [{"kind": "person", "box": list(box), "hidden_share": hidden, "mass": mass} for box in boxes]
    (folder / "0.json").write_text(json.dumps({"instances": about}), encoding="utf-8")
    return Persons([folder / "0.npz"], lambda path: person())


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def upright(monkeypatch):
    monkeypatch.setattr(inserted, "LAID", 0.0)
    monkeypatch.setattr(inserted, "LEANING", 0.0)


@pytest.mark.usefixtures("upright")
class TestInsert:
    @pytest.fixture(autouse=True)
    def no_hole(self, monkeypatch):
        monkeypatch.setattr(inserted, "HOLE", 0.0)

    def test_depth_grows_by_what_a_body_takes_away(self, tmp_path, rng):
        patch = scan()
        assert persons(tmp_path).insert(rng, patch)
        there = patch[4].astype(int) & BITS["person"] > 0
        assert np.count_nonzero(there) == 30 * 16
        np.testing.assert_array_equal(patch[5], 20.0 * there)
        more = patch[0] - 0.5
        assert (more[~there] == 0).all()
        assert ATTENUATION[0] * 20 <= more[there].min() == pytest.approx(more[there].max())
        assert more.max() <= ATTENUATION[1] * 20 + 1e-6

    def test_the_second_energy_is_not_believed_any_more(self, tmp_path, rng):
        patch = scan(bits=BITS["dual"])
        assert persons(tmp_path).insert(rng, patch)
        assert not (patch[4].astype(int) & BITS["dual"]).any()

    @pytest.mark.parametrize(
        "patch",
        [
            scan(5.0), scan(bits=BITS["display"]), scan(bits=BITS["person"]), scan(bits=BITS["void"]),
            scan(bits=BITS["driver"]), scan(shape=(20, 80)),
        ],
        ids=["too dense", "display", "a person", "a void", "a driver", "too small"],
    )  # fmt: skip
    def test_where_nobody_is_put(self, tmp_path, rng, patch):
        kept = patch.copy()
        assert not persons(tmp_path).insert(rng, patch)
        np.testing.assert_array_equal(patch, kept)

    def test_in_the_open_air_only_some_stay(self, tmp_path, monkeypatch):
        monkeypatch.setattr(inserted, "TRIES", 1)
        known = persons(tmp_path)
        stayed = sum(known.insert(np.random.default_rng(seed), scan(0.0)) for seed in range(200))
        assert stayed / 200 == pytest.approx(inserted.IN_OPEN, abs=0.1)


class TestFreePlace:
    MASK = np.ones((10, 8), bool)

    def spread(self, seed):
        patch = scan()
        patch[0, :, 40:] += np.random.default_rng(0).normal(0.0, 0.2, (60, 40)).astype(np.float32)
        place = inserted.free_place(np.random.default_rng(seed), patch, np.zeros((60, 80), np.uint8), self.MASK)
        return patch[(0, *place)].std()

    @pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0.35, 0.75), (1.0, 0.95, 1.0)], ids=["any", "cluttered"])
    def test_it_is_where_the_picture_is_least_even(self, share, least, most, monkeypatch):
        monkeypatch.setattr(inserted, "CLUTTERED", share)
        assert least <= np.mean([self.spread(seed) > 0.1 for seed in range(100)]) <= most

    def test_none_where_nothing_fits(self, monkeypatch):
        monkeypatch.setattr(inserted, "CLUTTERED", 1.0)
        assert inserted.free_place(np.random.default_rng(1), scan(5.0), np.zeros((60, 80), np.uint8), self.MASK) is None


class TestTurned:
    @pytest.mark.parametrize("laid", [0.0, 1.0])
    def test_mass_stays_and_a_quarter_turn_lays_down(self, laid, monkeypatch):
        monkeypatch.setattr(inserted, "LAID", laid)
        body = np.zeros((160, 60), np.float32)
        body[5:155, 10:50] = 20.0
        for seed in range(10):
            turned = inserted._turned(np.random.default_rng(seed), body)
            assert turned.sum() == pytest.approx(body.sum(), rel=0.01)
            high, wide = (np.flatnonzero(turned.max(axis)).size for axis in (1, 0))
            assert (wide > high) == bool(laid)

    @pytest.mark.usefixtures("upright")
    def test_upright_nothing_is_changed(self, rng):
        body = np.linspace(1, 30, 40 * 16, dtype=np.float32).reshape(40, 16)
        np.testing.assert_allclose(inserted._turned(rng, body), body, rtol=1e-5)


@pytest.mark.usefixtures("upright")
class TestInHoles:
    @pytest.fixture
    def patch(self, tmp_path, rng, monkeypatch):
        monkeypatch.setattr(inserted, "HOLE", 1.0)
        patch = scan(2.0)
        assert persons(tmp_path).insert(rng, patch)
        return patch

    def test_the_load_around_is_thinner_and_none_of_it_is_a_person(self, patch):
        there = patch[4].astype(int) & BITS["person"] > 0
        assert np.count_nonzero(there) == 30 * 16
        np.testing.assert_array_equal(patch[5], 20.0 * there)
        gone = 2.0 - patch[0][~there]
        assert 0.5 * THINNED[0] < gone.max() <= THINNED[1] * (2.0 - WALLS) + 1e-5

    def test_what_is_missing_is_told_and_nothing_is_learned_of_voids_there(self, patch):
        there = patch[4].astype(int) & BITS["person"] > 0
        np.testing.assert_array_equal(patch[4].astype(int) & BITS["ignore"] > 0, (patch[6] > VOID_EDGE) & ~there)
        ratio = (2.0 - patch[0])[~there & (patch[6] > 1)] / patch[6][~there & (patch[6] > 1)]
        assert ratio.min() == pytest.approx(ratio.max(), rel=1e-4)
        assert ATTENUATION[0] * 0.999 < ratio.mean() < ATTENUATION[1] * 1.001

    def test_half_of_them_are_in_one(self, tmp_path):
        known, holes = persons(tmp_path), 0
        for seed in range(100):
            patch = scan(2.0)
            assert known.insert(np.random.default_rng(seed), patch)
            holes += (patch[4].astype(int) & BITS["ignore"]).any()
        assert 35 < holes < 65


class TestKnown:
    def test_whoever_is_seen_whole_and_apart(self, tmp_path):
        assert [box for _, box in persons(tmp_path).known] == [BODY]

    @pytest.mark.parametrize(
        "other",
        [{"hidden": 0.5}, {"mass": 4.0}, {"boxes": (BODY, (12, 30, 50, 60))}],
        ids=["half hidden", "a hand", "touching"],
    )
    def test_nobody_else(self, tmp_path, other):
        assert persons(tmp_path, **other).known == []
