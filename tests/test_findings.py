import pickle
from dataclasses import replace

import numpy as np
import pytest

from xrayscan.errors import ShapeError
from xrayscan.findings import Finding, Mass, Position, Size, find, is_contained, place_scores, scan_score
from xrayscan.network.anomaly import AnomalyMap, ModelId
from xrayscan.scan import Box, Radiograph

SHAPE = (200, 400)
PITCH = (0.01, 0.01)


def maps(model=None, **planes):
    empty = {name: np.zeros(SHAPE, np.float32) for name in ("person", "void", "density", "added", "missing")}
    return AnomalyMap(**{**empty, **planes}, model=model or ModelId("m", "1", "", {}, {"person": (0.8, 1.3)}))


def plane(*patches):
    out = np.zeros(SHAPE, np.float32)
    for top, left, bottom, right, value in patches:
        out[top:bottom, left:right] = value
    return out


CONTAINERS = (Box(20, 40, 180, 380),)


def radiograph(containers=CONTAINERS, opaque=None, depth=1.0):
    ones = np.ones(SHAPE, bool)
    opaque = ~ones if opaque is None else opaque
    return Radiograph(np.full((1, *SHAPE), depth), ones, opaque, PITCH, containers)


def test_a_clean_map_has_no_finding():
    assert find(maps(), radiograph()) == ()


def test_a_region_is_found_where_it_is():
    (finding,) = find(maps(person=plane((60, 100, 140, 150, 0.9)), added=plane((60, 100, 140, 150, 20.0))), radiograph())
    assert (finding.id, finding.kind) == ("P1", "person")
    assert finding.box == Box(60, 100, 140, 150)
    assert finding.mask.all()
    assert finding.size == Size(pytest.approx(0.8), pytest.approx(0.5))
    assert finding.position.from_left == pytest.approx(0.85, abs=0.01)
    assert finding.position.above_floor == pytest.approx(0.80, abs=0.01)
    assert finding.mass.value == pytest.approx(80 * 50 * 1e-4 * 20 * 10)
    assert (finding.mass.low, finding.mass.high) == (
        pytest.approx(0.8 * finding.mass.value),
        pytest.approx(1.3 * finding.mass.value),
    )


@pytest.mark.parametrize("factor", [(1.1, 9.0), (0.2, 0.9)])
def test_the_interval_of_a_mass_holds_it(factor):
    """Where nearly all were heavier than estimated, or lighter, the factors alone would leave the estimate out."""
    model = ModelId("m", "1", "", {}, {"person": factor})
    person, added = plane((60, 100, 140, 150, 0.9)), plane((60, 100, 140, 150, 20.0))
    (finding,) = find(maps(model, person=person, added=added), radiograph())
    assert finding.mass.low <= finding.mass.value <= finding.mass.high
    assert finding.mass.low == pytest.approx(min(factor[0], 1.0) * finding.mass.value)


def test_outside_of_a_container_it_is_told_from_the_pictures_edges():
    (finding,) = find(maps(person=plane((60, 5, 140, 35, 0.9))), radiograph())
    assert finding.position.from_left == pytest.approx(0.195, abs=0.01)
    assert finding.position.above_floor == pytest.approx(1.005, abs=0.01)
    assert not is_contained(finding.box, finding.mask, CONTAINERS)


def test_the_most_probable_comes_first_and_kinds_are_numbered_apart():
    person = plane((20, 50, 60, 90, 0.7), (100, 200, 150, 260, 0.95))
    found = find(maps(person=person, void=plane((20, 300, 60, 360, 0.8))), radiograph())
    assert [f.id for f in found] == ["P1", "V1", "P2"]
    assert [round(f.probability, 2) for f in found] == [0.95, 0.8, 0.7]


def test_specks_are_not_findings():
    assert find(maps(person=plane((60, 100, 66, 106, 0.99))), radiograph()) == ()


def test_a_weak_region_that_peaks_nowhere_is_none():
    assert find(maps(person=plane((60, 100, 120, 160, 0.35))), radiograph()) == ()


def test_hysteresis_takes_the_whole_of_what_peaks_somewhere():
    (finding,) = find(maps(person=plane((60, 100, 120, 160, 0.35), (80, 120, 100, 140, 0.9))), radiograph())
    assert finding.box == Box(60, 100, 120, 160)


def test_probability_is_calibrated():
    model = ModelId("m", "1", "", {"person": (1.0, -2.0)})
    (finding,) = find(maps(model, person=plane((60, 100, 120, 160, 0.9))), radiograph())
    assert finding.probability == pytest.approx(1 / (1 + np.exp(-(np.log(9) - 2))), abs=1e-4)
    assert finding.evidence["score"] == pytest.approx(0.9, abs=1e-5)


def test_a_void_weighs_what_is_missing():
    (finding,) = find(maps(void=plane((60, 100, 120, 160, 0.9)), missing=plane((60, 100, 120, 160, 30.0))), radiograph())
    assert finding.mass.value == pytest.approx(0.36 * 300, rel=1e-4)


def test_without_a_container_places_are_from_the_pictures_edge():
    (finding,) = find(maps(person=plane((60, 100, 140, 150, 0.9))), radiograph(containers=()))
    assert finding.position == Position(pytest.approx(1.25), pytest.approx(1.0))


def test_of_two_boxes_upon_each_other_the_one_around_it_counts():
    upper, lower = Box(10, 10, 90, 390), Box(110, 10, 190, 390)
    (finding,) = find(maps(person=plane((120, 100, 160, 150, 0.9))), radiograph(containers=(upper, lower)))
    assert finding.position == Position(pytest.approx(1.15), pytest.approx(0.5))


def test_two_scans_do_not_mix():
    small = Radiograph(np.zeros((1, 5, 5)), np.ones((5, 5), bool), np.zeros((5, 5), bool), PITCH)
    with pytest.raises(ShapeError, match=r"anomaly map has shape \(200, 400\), the radiograph \(5, 5\); pass the pair"):
        find(maps(), small)


class TestScanScore:
    def test_one_large_place_counts_and_scattered_pixels_do_not(self):
        scattered = np.zeros(SHAPE, np.float32)
        scattered[::10, ::10] = 1.0
        assert scan_score(maps(person=scattered), radiograph()) < 0.1
        assert scan_score(maps(person=plane((60, 100, 120, 160, 0.9))), radiograph()) == pytest.approx(0.9, abs=1e-3)

    def test_a_place_may_have_any_shape(self):
        bent = np.zeros(SHAPE, np.float32)
        bent[40:160, 100:110] = bent[150:160, 100:240] = 0.9  # 0.25 m², 1.2 m high and 1.4 m wide
        assert scan_score(maps(person=bent), radiograph()) == pytest.approx(0.9, abs=1e-3)

    def test_the_model_says_over_which_area_it_is_a_mean(self):
        person = plane((60, 100, 120, 160, 0.5))
        person[60:80, 100:120] = 0.9  # 0.04 m² of 0.36
        narrow, wide = (replace(maps(), person=person, model=ModelId("m", "1", "", score_area=area)) for area in (0.04, 0.2))
        assert scan_score(narrow, radiograph()) == pytest.approx(0.9, abs=1e-3)
        assert scan_score(wide, radiograph()) == pytest.approx((0.04 * 0.9 + 0.16 * 0.5) / 0.2, abs=1e-3)

    def test_two_places_are_not_one(self):
        two = plane((60, 100, 120, 130, 0.9)) + plane((60, 140, 120, 170, 0.6))
        assert scan_score(maps(person=two), radiograph()) == pytest.approx(0.9, abs=1e-3)
        np.testing.assert_allclose(place_scores(maps(person=two), radiograph())[60:120, 140:170], 0.6, atol=1e-3)

    def test_a_place_smaller_than_a_head_counts_as_filled_up_with_nothing(self):
        small = plane((60, 100, 70, 110, 0.8))  # 0.01 m²
        assert scan_score(maps(person=small), radiograph()) == pytest.approx(0.4, abs=1e-3)

    def test_the_more_the_higher_even_where_nothing_is_a_place(self):
        scores = [scan_score(maps(person=np.full(SHAPE, value, np.float32)), radiograph()) for value in (0.0, 0.03, 0.09, 0.11)]
        assert scores == sorted(scores)
        assert scores[0] == 0 < scores[1] < scores[2] < 0.09

    def test_it_does_not_depend_on_the_pitch(self):
        person = plane((60, 100, 120, 160, 0.8))
        fine = np.repeat(np.repeat(person, 2, 0), 2, 1)
        shape = fine.shape
        zero = np.zeros(shape, np.float32)
        half = Radiograph(zero[None], np.ones(shape, bool), np.zeros(shape, bool), (0.005, 0.005))
        fine_map = AnomalyMap(fine, zero, zero, zero, zero, ModelId("m", "1", ""))
        assert scan_score(fine_map, half) == pytest.approx(scan_score(maps(person=person), radiograph()), abs=1e-3)


class TestNoun:
    def test_a_mask_must_fit_its_box(self):
        with pytest.raises(ShapeError, match=r"mask has shape \(2, 2\), its box is 3 x 4"):
            Finding("P1", "person", 0.5, Box(0, 0, 3, 4), np.ones((2, 2)), Position(0, 0), Size(1, 1), Mass(1, 1, 1))

    def test_it_pickles(self):
        (finding,) = find(maps(person=plane((60, 100, 140, 150, 0.9))), radiograph())
        again = pickle.loads(pickle.dumps(finding))
        assert repr(again) == repr(finding)
        assert dict(again.evidence) == dict(finding.evidence)
