"""Forms of persons of other stuff: an outline with too much or too little in it, which is nobody."""

import json

import numpy as np
import pytest

from tests.training.patches import BODY, person, scan
from xrayscan.simulate.packed import BITS
from xrayscan.training import figures, inserted
from xrayscan.training.figures import HEAVY, LIGHT, SHELL, add_figure
from xrayscan.training.inserted import ATTENUATION, Persons
from xrayscan.training.solids import SOLID


@pytest.fixture
def persons(tmp_path, monkeypatch):
    """One person, upright, of 20 g/cm² everywhere."""
    monkeypatch.setattr(inserted, "LAID", 0.0)
    monkeypatch.setattr(inserted, "LEANING", 0.0)
    monkeypatch.setattr(figures, "HOLE", 0.0)
    about = {"kind": "person", "box": list(BODY), "hidden_share": 0.0, "mass": 70.0}
    (tmp_path / "0.json").write_text(json.dumps({"instances": [about]}), encoding="utf-8")
    return Persons([tmp_path / "0.npz"], lambda path: person())


def test_it_has_the_outline_of_a_person_and_is_nobody(persons):
    patch = scan()
    assert add_figure(np.random.default_rng(1), patch, persons)
    there = patch[0] > 0.5
    assert there.sum() == 30 * 16
    np.testing.assert_array_equal(patch[4].astype(int), SOLID * there)
    assert not patch[5:].any()
    np.testing.assert_array_equal(patch[0], patch[1])


def test_none_is_what_a_body_could_be_in_any_beam(persons):
    depths = []
    for seed in range(300):
        patch = scan()
        assert add_figure(np.random.default_rng(seed), patch, persons)
        depths.append(patch[0].max() - 0.5)
    depths, (least, most) = np.array(depths), 20.0 * np.array(ATTENUATION)
    heavy, light = depths[depths > most], depths[depths < least]
    assert heavy.size + light.size == depths.size
    assert 0.4 < heavy.size / depths.size < 0.6
    assert HEAVY[0] * most < heavy.min() < heavy.max() < HEAVY[1] * most
    assert SHELL[0] * ATTENUATION[0] < light.min() < light.max() < LIGHT[1] * least


def test_a_shell_is_as_thick_in_the_middle_as_beside_it(monkeypatch):
    body = np.linspace(0.0, 30.0, 61, dtype=np.float32)[None]
    made = [figures._of_other_stuff(np.random.default_rng(seed), body) for seed in range(200)]
    flat = [figure for figure in made if np.unique(figure[0, 20:]).size == 1]
    assert 30 < len(flat) < 75
    assert all(SHELL[0] * ATTENUATION[0] <= figure.max() <= SHELL[1] * ATTENUATION[1] for figure in flat)


def test_around_half_of_them_the_load_is_thinned_out_and_of_it_nothing_is_told(persons, monkeypatch):
    monkeypatch.setattr(figures, "HOLE", 1.0)
    patch = scan(2.0)
    assert add_figure(np.random.default_rng(2), patch, persons)
    thinner = patch[0] < 2.0 - 0.05
    assert thinner.any()
    assert (patch[4].astype(int)[thinner] & SOLID).all()
    assert not (patch[4].astype(int) & BITS["ignore"]).any()


def test_what_is_known_of_a_pixel_stays(persons):
    patch = scan(bits=SOLID | BITS["ignore"])
    assert add_figure(np.random.default_rng(3), patch, persons)
    assert (patch[4].astype(int) == SOLID | BITS["ignore"]).all()


def test_of_two_energies_one_is_left(persons):
    patch = scan(bits=BITS["dual"])
    assert add_figure(np.random.default_rng(4), patch, persons)
    assert not (patch[4].astype(int) & BITS["dual"]).any()


@pytest.mark.parametrize(
    "patch",
    [scan(5.0), scan(bits=BITS["display"]), scan(bits=BITS["person"]), scan(bits=BITS["driver"]), scan(shape=(20, 80))],
    ids=["too dense", "display", "a person", "a driver", "too small"],
)
def test_where_none_is_put(persons, patch):
    kept = patch.copy()
    assert not add_figure(np.random.default_rng(5), patch, persons)
    np.testing.assert_array_equal(patch, kept)


def test_without_persons_there_is_no_form():
    assert not add_figure(np.random.default_rng(6), scan(), Persons([], lambda path: scan()))
