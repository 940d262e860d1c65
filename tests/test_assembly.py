"""Reports of two stretches → the report of the whole: what the seam cuts is one again, and what was not seen weighs."""

import numpy as np
import pytest

from xrayscan.assembly import Assembly, is_kept
from xrayscan.explain.evidence import place
from xrayscan.explain.explanation import Explanation
from xrayscan.findings import find, position_of
from xrayscan.network.anomaly import AnomalyMap, ModelId
from xrayscan.report import Report
from xrayscan.scan import Box, Radiograph, Scan, Step
from xrayscan.stretches import Stretch
from xrayscan.zoo import load_card

ROWS, PITCH = 100, (0.02, 0.1)
CARD = load_card()
FIRST, SECOND = Stretch(0, 130, 0, 100), Stretch(70, 230, 100, 230)
CONTAINER = Box(20, 40, 80, 180)  # of the whole, which the seam at column 100 cuts
PERSON = Box(40, 158, 70, 162)


def report_of(stretch, *, inspected=1.0, load=None, seen=True):
    """Of a stretch that shows its part of the container, and the person if it is there."""
    shape = ROWS, stretch.stop - stretch.start
    ones, score = np.full(shape, seen), np.zeros(shape, np.float32)
    left, right = max(CONTAINER.left, stretch.start), min(CONTAINER.right, stretch.stop)
    containers = (Box(CONTAINER.top, left - stretch.start, CONTAINER.bottom, right - stretch.start),) if seen else ()
    if seen and PERSON.right <= stretch.stop:
        score[PERSON.top : PERSON.bottom, PERSON.left - stretch.start : PERSON.right - stretch.start] = 0.95
    history = (Step("inspected", "told", {} if load is None else {"load_pixels": load}),)
    radiograph = Radiograph(
        np.ones((1, *shape), np.float32), ones, ~ones & False, PITCH, containers, inspected=inspected, history=history
    )
    zero = np.zeros(shape, np.float32)
    anomaly = AnomalyMap(score, zero, zero, zero, zero, ModelId(CARD.name, CARD.version, ""), answered=None if seen else ones)
    findings = find(anomaly, radiograph, start=stretch.start)
    why = [Explanation(f.id, ("First.", place(f, containers)), np.zeros(f.mask.shape, np.float32), "score") for f in findings]
    scan = Scan.from_array(np.ones(shape, np.uint16), quantity="transmission", pixel_pitch=PITCH)
    return Report(
        scan, findings, tuple(why), radiograph=radiograph, anomaly=anomaly, card=CARD, score=float(score.max()),
        threshold=0.9, false_alarm_rate=0.01,
    )  # fmt: skip


def assembled(*parts):
    assembly = Assembly()
    for stretch, report in parts:
        assembly.add(stretch, report)
    scan = Scan.from_array(np.ones((ROWS, 1), np.uint16), quantity="transmission", pixel_pitch=PITCH)
    return assembly.report(scan)


class TestAContainerThatTheSeamCuts:
    REPORT = property(lambda self: assembled((FIRST, report_of(FIRST)), (SECOND, report_of(SECOND))))

    def test_it_is_one(self):
        assert self.REPORT.radiograph.containers == (CONTAINER,)

    def test_a_finding_is_told_from_its_front(self):
        (person,), (why,) = self.REPORT.findings, self.REPORT.explanations
        assert person.box == PERSON
        assert person.position == position_of(PERSON, person.mask, (CONTAINER,), PITCH, ROWS)
        assert person.position.from_left == pytest.approx((160 - 40) * 0.1)
        assert why.sentences == ("First.", place(person, (CONTAINER,)))
        assert "12.00 m from the container's left end" in why.sentences[1]


@pytest.mark.parametrize(("left", "kept"), [(28, True), (20, False), (124, True), (132, True), (140, False)])
def test_what_is_found_beside_a_stretch_is_its_neighbors(left, kept):
    """But for what lies at the seam, which both may find."""
    assert is_kept(Box(40, left, 70, left + 4), Stretch(70, 230, 100, 200), PITCH[1]) == kept


def test_a_reviewer_is_told_what_the_rate_is_of():
    whole = assembled((FIRST, report_of(FIRST)), (SECOND, report_of(SECOND)))
    assert any("screened in 2 stretches" in one and "that of one stretch" in one for one in whole.warnings)


class TestWhatWasInspected:
    def test_stretches_weigh_by_their_load(self):
        whole = assembled(
            (FIRST, report_of(FIRST, inspected=1.0, load=1300)), (SECOND, report_of(SECOND, inspected=0.5, load=4800))
        )
        # Of the load, as much as is kept of the stretch's columns: 100 of 130, 130 of 160.
        assert whole.inspected == pytest.approx((1000 + 0.5 * 3900) / 4900)

    def test_one_that_was_not_looked_at_holds_as_much_as_the_others(self):
        whole = assembled(
            (FIRST, report_of(FIRST, inspected=1.0, load=1300)), (SECOND, report_of(SECOND, inspected=0.0, seen=False))
        )
        assert whole.inspected == pytest.approx(100 / 230)
        assert whole.priority == "opaque"
