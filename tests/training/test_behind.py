"""Another load behind a crop: depths add up, what is hidden stays labeled, nothing is invented where it is not seen."""

import json

import numpy as np
import pytest

from xrayscan.simulate.packed import BITS
from xrayscan.training.behind import LIMIT, NOISE, SHARE, Behind

SHAPE = (60, 80)


def scan(depth, bits=0, shape=SHAPE):
    array = np.zeros((7, *shape), np.float32)
    array[:2], array[2], array[4] = depth, 1.0, bits
    return array


def about(folder, kind="clean", quantity="counts", name="000000"):
    (folder / f"{name}.json").write_text(json.dumps({"kind": kind, "quantity": quantity}), encoding="utf-8")
    return folder / f"{name}.npz"


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def behind(folder, other):
    return Behind([about(folder)], lambda path: other)


class TestBehind:
    def test_depths_add_up_but_for_the_noise_of_what_is_lost(self, tmp_path, rng):
        patch = scan(1.0)
        assert behind(tmp_path, scan(0.8)).add(rng, patch)
        more = patch[0].mean() - 1.0
        assert 0.8 * SHARE[0] - 0.01 < more < 0.8 * SHARE[1] + 0.01
        most = NOISE[1] * np.sqrt(np.exp(1.8) - np.exp(1.0))
        assert 0 < patch[0].std() < 1.2 * most

    def test_labels_and_areal_densities_stay(self, tmp_path, rng):
        patch = scan(0.5)
        patch[4, 20:40, 20:40], patch[5, 20:40, 20:40] = BITS["person"], 22.0
        kept = patch[4:].copy()
        assert behind(tmp_path, scan(0.5)).add(rng, patch)
        np.testing.assert_array_equal(patch[4:], kept)

    def test_what_is_not_penetrated_any_more_is_opaque(self, tmp_path, rng):
        patch, other = scan(4.8), scan(0.0)
        other[:2, :, :30] = 20.0
        assert behind(tmp_path, other).add(rng, patch)
        dark = patch[3] > 0.5
        assert 0 < dark.mean() < 0.5
        assert patch[0].max() <= LIMIT[1]

    def test_a_load_that_would_hide_the_crop_is_not_put_there(self, tmp_path, rng):
        patch = scan(4.0)
        kept = patch.copy()
        assert not behind(tmp_path, scan(40.0)).add(rng, patch)
        np.testing.assert_array_equal(patch, kept)

    def test_the_second_energy_stays_where_both_have_it(self, tmp_path, rng):
        both, one = scan(0.5, BITS["dual"]), scan(0.5, BITS["dual"])
        assert behind(tmp_path, scan(0.5, BITS["dual"])).add(rng, both)
        assert behind(tmp_path, scan(0.5)).add(rng, one)
        assert (both[4].astype(int) & BITS["dual"]).all()
        assert not (one[4].astype(int) & BITS["dual"]).any()

    @pytest.mark.parametrize("kind", ["person", "void", "density", "driver", "display"])
    def test_a_second_load_hides_nothing_itself(self, tmp_path, rng, kind):
        assert not behind(tmp_path, scan(0.5, BITS[kind])).add(rng, scan(0.5))

    @pytest.mark.parametrize("kind", ["driver", "display"])
    def test_crops_that_are_left_alone(self, tmp_path, rng, kind):
        assert not behind(tmp_path, scan(0.5)).add(rng, scan(0.5, BITS[kind]))

    def test_scans_with_anything_hidden_or_of_display_pictures_are_not_taken(self, tmp_path):
        paths = [
            about(tmp_path, "person", name="0"),
            about(tmp_path, "clean", "display", "1"),
            about(tmp_path, "look-alike", name="2"),
        ]
        assert Behind(paths, lambda path: scan(0.5)).known == paths[2:]

    def test_it_stands_as_high_above_the_ground_as_it_stood(self, tmp_path, rng):
        other = scan(0.0, shape=(400, 80))
        other[:2] = np.linspace(0.0, 1.0, 400, dtype=np.float32)[:, None]
        means = []
        for below in (0, 300):
            patch = scan(0.0)
            assert behind(tmp_path, other).add(np.random.default_rng(2), patch, below=below)
            means.append(patch[0].mean())
        assert means[0] > 2.0 * means[1]

    def test_smaller_scans_are_passed_over(self, tmp_path, rng):
        assert not behind(tmp_path, scan(0.5, shape=(30, 80))).add(rng, scan(0.5))
