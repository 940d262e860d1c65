"""The evidence says what was measured, how it compares with a body, and what speaks against it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from yard import CARD, FakeModel, Yard

from xrayscan.errors import ShapeError
from xrayscan.explain import explain, explainer
from xrayscan.explain.evidence import measure, place, sentences
from xrayscan.explain.expected import expected_depth
from xrayscan.findings import Mass
from xrayscan.normalize.areal import areal_density
from xrayscan.scan import Box, Region, Step


def told(yard: Yard) -> str:
    return "\n".join(sentences(yard.finding, yard.radiograph, yard.anomaly, CARD))


def test_a_body_in_a_load_is_told_in_numbers_with_nothing_against_it():
    text = told(Yard())
    scans = "800 simulated scans, 300 of them with persons, 2026-05-01"
    assert f"Consistent with a concealed person: probability 0.87, calibrated on {scans}. " in text
    assert ". Where concealed persons are rarer it is less." in text
    assert "1.20 m from the container's left end and 0.80 m above its floor; it is 0.70 m high and 0.55 m wide." in text
    assert "adds 18 g/cm² on average (up to 18 g/cm²), about 62 kg (40 to 95 kg)" in text
    assert "comes through to 5 % there (optical depth 3.0)" in text
    assert "near a head (19 g/cm²)" in text
    assert "Against it" not in text
    assert "With care" not in text


def test_a_card_that_does_not_say_what_its_probabilities_were_set_on_is_told_as_such():
    yard, old = Yard(), replace(CARD, probabilities_set_on="")
    text = "\n".join(sentences(yard.finding, yard.radiograph, yard.anomaly, old))
    assert "probability 0.87; on which scans it was calibrated the model's card does not say." in text


def test_what_is_rarer_is_named_for_each_kind():
    for kind, many in (("void", "voids made in loads"), ("density", "such densities")):
        yard = Yard()
        anomaly = replace(yard.anomaly, model=replace(yard.anomaly.model, calibration={kind: (1.0, 0.0)}))
        text = "\n".join(sentences(replace(yard.finding, kind=kind), yard.radiograph, anomaly, CARD))
        assert f"Where {many} are rarer it is less." in text


@pytest.mark.parametrize(
    ("kind", "step", "said"),
    [("person", -0.5, "lacks matter, where a body adds some"), ("void", 0.5, "adds matter, where a void lacks some")],
)
def test_a_balance_of_the_other_sign_asks_for_care(kind, step, said):
    yard = Yard()
    finding = replace(yard.finding, kind=kind)
    depth = np.array(yard.radiograph.optical_depth)
    expected = expected_depth(finding, yard.radiograph)
    changed = replace(expected, depth=depth[:, *expected.box.slices] - np.float32(step) * expected.replaced)
    text = "\n".join(sentences(finding, yard.radiograph, yard.anomaly, CARD, expected=changed))
    assert f"With care: on balance it {said}" in text
    same = replace(expected, depth=depth[:, *expected.box.slices] + np.float32(step) * expected.replaced)
    assert "With care: on balance" not in "\n".join(sentences(finding, yard.radiograph, yard.anomaly, CARD, expected=same))


def test_what_lies_in_no_container_is_told_from_the_pictures_edges():
    assert "m from the container's left end" in place(Yard().finding, (Box(0, 0, 200, 390),))
    assert "m above its lower edge (it lies in no container)" in place(Yard().finding, (Box(0, 300, 200, 390),))
    assert "m above its lower edge (no container was found)" in place(Yard().finding, ())


@pytest.mark.parametrize(
    ("left", "told"), [(0, "left end (its front, where the cab is)"), (360, "left end (its rear, as the cab is on the right)")]
)
def test_front_and_rear_are_told_where_a_cab_is_seen(left, told):
    cab = Region("cab", Box(40, left, 160, left + 30))
    assert told in place(Yard().finding, (Box(0, 40, 200, 350),), (cab,))


def test_no_sentence_claims_a_person():
    for kind in ("person", "void", "density"):
        text = told(Yard(kind=kind)).lower()
        for word in ("detected", "threat", "there is a person"):
            assert word not in text


@pytest.mark.parametrize(
    ("yard", "reason"),
    [
        (Yard(box=Box(80, 100, 90, 110)), "smaller than a head, 0.15 m"),
        (Yard(box=Box(80, 100, 120, 350)), "longer than a person, 2.1 m"),
        (Yard(box=Box(20, 100, 180, 220)), "its outline of 1.9 m² is larger than a person's"),
        (Yard(mass=Mass(3, 2, 5)), "lighter than 8 kg even at the upper end"),
        (Yard(mass=Mass(400, 240, 640)), "heavier than 150 kg even at the lower end"),
        (Yard(added=3), "adds less than a limb"),
        (Yard(added=90), "adds more than a pelvis from the side"),
        (Yard(kind="void", added=0, missing=30, box=Box(80, 100, 120, 140)), "smaller than the room a person seated needs"),
    ],
)
def test_what_speaks_against_it_is_said(yard, reason):
    assert f"Against it: {reason}" in told(yard)


@pytest.mark.parametrize(
    ("yard", "reason"),
    [
        (Yard(opaque=Box(80, 100, 150, 155)), "100 % of it was not penetrated"),
        (Yard(opaque=Box(80, 157, 150, 200)), "it touches a region that was not penetrated"),
        (Yard(depth=8), "the load is nearly opaque there"),
        (Yard(quantity="display"), "every density and mass is approximate"),
        (Yard(history=(Step("pixel pitch", "warning: pixel pitch estimated"),)), "the pixel pitch was estimated"),
    ],
)
def test_what_asks_for_care_is_said(yard, reason):
    lines = [line for line in told(yard).splitlines() if reason in line]
    assert len(lines) == 1
    assert lines[0].startswith("With care: ")


def test_a_pitch_that_was_given_asks_for_no_care():
    assert "pitch" not in told(Yard(history=(Step("pixel pitch", "given: 10 x 10 mm"),)))


def test_where_it_is_opaque_the_depth_is_a_bound():
    assert "at most 5 % there (optical depth at least 3.0)" in told(Yard(opaque=Box(80, 100, 150, 155)))


def test_without_a_container_the_picture_is_named():
    assert "from the picture's left edge and 0.80 m above its lower edge (no container was found)" in told(
        Yard(containers=False)
    )


def test_a_kind_without_calibration_has_a_score_and_no_probability():
    text = told(Yard(kind="density"))
    assert "score 0.87, not calibrated" in text
    assert "probability" not in text


def test_a_void_large_enough_says_so():
    assert "There is room for a person in it" in told(Yard(kind="void", missing=30, added=0, box=Box(50, 100, 150, 200)))


def test_a_hole_around_a_body_is_told():
    assert "Within the same outline it lacks up to 12 g/cm²." in told(Yard(missing=12))


def test_pixels_without_a_value_are_counted():
    yard = Yard()
    valid = np.ones(yard.shape, bool)
    valid[80:115] = False
    depth = np.where(valid, 3.0, np.nan)[None]
    radiograph = type(yard.radiograph)(depth, valid, ~valid & False, yard.pitch)
    measured = measure(yard.finding, radiograph, yard.anomaly)
    assert measured.unmeasured == pytest.approx(0.5)
    assert measured.depth == pytest.approx(3.0)
    assert "50 % of it has no valid pixels" in "".join(sentences(yard.finding, radiograph, yard.anomaly, CARD))


class TestBalance:
    """A load that repeats every 0.6 m along the travel, with something in it or a hole."""

    def said(self, change: float) -> str:
        yard = Yard()
        depth = np.tile(2.5 + 0.8 * (np.arange(400) // 30 % 2), (200, 1)).astype(np.float32)
        depth[yard.box.slices] += change
        radiograph = replace(yard.radiograph, optical_depth=depth[None])
        expected = expected_depth(yard.finding, radiograph)
        (text,) = (s for s in sentences(yard.finding, radiograph, yard.anomaly, CARD, expected) if "On balance" in s)
        return text

    @pytest.mark.parametrize(("change", "verb"), [(0.8, "adds"), (-0.8, "lacks")])
    def test_it_is_what_is_there_less_what_is_expected(self, change, verb):
        text = self.said(change)
        mass = float(re.search(rf"it {verb} ([\d.]+) kg", text)[1])
        pixels = areal_density(np.array([2.5, 3.3]) + change) - areal_density(np.array([2.5, 3.3]))
        assert mass == pytest.approx(abs(pixels.mean()) * 0.70 * 0.55 * 10, rel=0.05)

    def test_the_place_that_is_alike_is_named(self):
        far, way = re.search(r"as ([\d.]+) m farther to the (\w+), where it is most alike", self.said(0.8)).groups()
        assert float(far) % 0.6 == pytest.approx(0.0, abs=0.011)
        assert way in ("right", "left")

    def test_where_all_is_opaque_nothing_is_said(self):
        yard = Yard(opaque=Box(60, 80, 170, 175))
        expected = expected_depth(yard.finding, yard.radiograph)
        assert "On balance" not in "".join(sentences(yard.finding, yard.radiograph, yard.anomaly, CARD, expected))


def test_explain_keeps_the_order_and_the_absolute_score():
    yard = Yard()
    explanation = explain(FakeModel(yard.anomaly), yard.radiograph, [yard.finding], anomaly=yard.anomaly)[0]
    assert explanation.finding == "P1"
    assert explanation.heatmap.shape == (70, 55)
    assert float(explanation.heatmap.max()) == pytest.approx(0.87)
    assert not explanation.heatmap.flags.writeable


def test_explain_asks_the_model_only_when_it_must():
    yard = Yard()
    model = FakeModel(yard.anomaly)
    explain(model, yard.radiograph, [yard.finding], anomaly=yard.anomaly)
    explain(model, yard.radiograph, [])
    assert model.asked == 0
    explain(model, yard.radiograph, [yard.finding])
    assert model.asked == 1


def test_what_is_not_to_be_explained_is_no_example_either():
    yard = Yard()
    model, given = FakeModel(yard.anomaly), {"anomaly": yard.anomaly}
    (alone,) = explain(model, yard.radiograph, [yard.finding], **given)
    box, (down, right) = yard.finding.box, alone.expected.shift
    there = Box(box.top + down, box.left + right, box.bottom + down, box.right + right)
    other = replace(yard.finding, id="P2", box=there)
    one = explainer(model, yard.radiograph, [yard.finding, other], **given)(yard.finding)
    both = explain(model, yard.radiograph, [yard.finding, other], **given)
    assert one.sentences == both[0].sentences
    assert one.expected.shift == both[0].expected.shift != alone.expected.shift


def test_the_package_answers_its_own_name():
    import xrayscan.explain

    assert xrayscan.explain(FakeModel(Yard().anomaly), Yard().radiograph, []) == ()


def test_an_anomaly_map_of_another_scan_is_refused():
    yard = Yard()
    other = Yard(shape=(160, 400)).anomaly
    with pytest.raises(ShapeError, match=r"a scan of \(200, 400\).*the anomaly map has \(160, 400\)"):
        explain(FakeModel(other), yard.radiograph, [yard.finding], anomaly=other)


def test_a_finding_of_another_scan_is_refused():
    small = Yard(shape=(100, 100), box=Box(10, 10, 60, 60))
    with pytest.raises(ShapeError, match=r"explaining P1: its Box.* lies outside a scan of 100 rows x 100 columns"):
        explain(FakeModel(small.anomaly), small.radiograph, [Yard().finding])


@pytest.mark.parametrize(("added", "missing", "verb"), [(0.0, 20.0, "lacks 20 g/cm²"), (20.0, 0.0, "adds 20 g/cm²")])
def test_a_density_anomaly_is_told_by_what_differs_most(added, missing, verb):
    text = told(Yard(kind="density", added=added, missing=missing))
    assert f"Compared with the load around it {verb} on average" in text


def test_a_load_that_hides_nothing_lets_all_come_through():
    assert "comes through to 100 % there" in told(Yard(depth=0.003))
    assert "comes through to 12 % there" in told(Yard(depth=2.1))


def test_front_and_rear_are_those_of_the_containers_own_truck():
    containers = Box(10, 100, 150, 400), Box(10, 520, 150, 820)
    cabs = Region("cab", Box(40, 40, 150, 98)), Region("cab", Box(40, 440, 150, 515))
    at_the_back = replace(Yard(shape=(160, 900), box=Box(80, 340, 120, 370)).finding)
    assert "left end (its front, where the cab is)" in place(at_the_back, containers, cabs)


@pytest.mark.parametrize(("kind", "left", "said"), [("person", 0, True), ("person", 400, False), ("void", 0, False)])
def test_a_person_in_the_cab_may_be_its_driver(kind, left, said):
    yard = Yard(kind=kind, shape=(200, 900), box=Box(80, 340, 120, 370))
    radiograph = replace(yard.radiograph, regions=(Region("cab", Box(40, left, 160, left + 380)),))
    (why,) = explain(FakeModel(yard.anomaly), radiograph, (yard.finding,), anomaly=yard.anomaly)
    assert ("With care: it lies in the cab, where a driver sits in plain sight." in why.sentences) is said


@pytest.mark.parametrize(("shape", "pitch"), [((400, 1), (0.01, 0.01)), ((900, 3), (0.004, 0.004)), ((2, 900), (0.005, 0.005))])
def test_a_scan_narrower_than_what_is_compared_is_explained(shape, pitch):
    yard = Yard(shape=shape, pitch=pitch, box=Box(0, 0, shape[0] // 2 or 1, shape[1] // 2 or 1), containers=False)
    (why,) = explain(FakeModel(yard.anomaly), yard.radiograph, (yard.finding,), anomaly=yard.anomaly)
    assert why.sentences
