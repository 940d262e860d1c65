"""The report: its checks, its priority, its data and its schema."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import cv2
import jsonschema
import numpy as np
import pytest
from fifty import fifty
from hypothesis import given, settings
from hypothesis import strategies as st
from yard import CARD, SHA, Yard

from xrayscan.errors import ReportError, ShapeError
from xrayscan.findings import Mass
from xrayscan.report import PRIORITIES, Report, schema
from xrayscan.report.masks import mask_of
from xrayscan.report.record import plain
from xrayscan.report.rows import ROW_COLUMNS, row_of_report
from xrayscan.scan import Box, Source, Step

VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_a_schema_and_names_its_version():
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["$id"].endswith(Yard().report().to_dict()["schema_version"])


@pytest.mark.parametrize("kind", ["person", "void", "density"])
def test_every_report_obeys_the_schema(kind):
    VALIDATOR.validate(Yard(kind=kind).report().to_dict())
    VALIDATOR.validate(Yard(kind=kind).report(findings=(), explanations=()).to_dict())


def test_fifty_varied_reports_obey_the_schema():
    for report in fifty():
        VALIDATOR.validate(json.loads(json.dumps(report.to_dict(), allow_nan=False)))
    assert {report.priority for report in fifty()} == set(PRIORITIES)


def test_what_was_not_penetrated_is_listed_pixel_by_pixel():
    told = Yard(opaque=Box(10, 20, 60, 90)).report().to_dict()
    opaque = mask_of(told["opaque"])
    assert opaque.shape == (200, 400)
    assert opaque[10:60, 20:90].all()
    assert opaque.mean() == pytest.approx(told["opaque_fraction"], rel=1e-5)


def test_the_schema_allows_nothing_else():
    told = Yard().report().to_dict()
    for hostile in ({**told, "more": 1}, {**told, "priority": "clear"}, {k: v for k, v in told.items() if k != "inspected"}):
        with pytest.raises(jsonschema.ValidationError, match=r"more|clear|inspected"):
            VALIDATOR.validate(hostile)


def test_every_object_of_the_schema_is_closed_or_a_mapping():
    def walk(part):
        if isinstance(part, dict):
            if part.get("type") == "object" and "properties" in part:
                assert part["additionalProperties"] is False
                assert sorted(part["required"]) == sorted(part["properties"])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(schema())


def test_the_data_says_what_was_screened_with_what():
    told = Yard(history=(Step("pulses", "warning: much noise", {"rms": np.float32(0.02)}),)).report().to_dict()
    assert told["source"]["path"] == "lane3/0412.tif"
    assert told["model"]["sha256"] == SHA
    assert told["model"]["thresholds"] == {"0.01": 0.6, "0.05": 0.45, "0.1": 0.3}
    assert told["warnings"] == ["much noise"]
    assert told["history"][0]["parameters"] == {"rms": 0.02}
    assert set(told["versions"]) == {"xrayscan", "numpy", "onnxruntime", "opencv"}
    assert told["timings_s"] == {"normalize": 0.21, "network": 1.4}
    assert told["disclaimer"] == "No finding is not a clearance. A person decides."


def test_polygon_and_run_lengths_are_the_mask():
    yard = Yard()
    mask = np.zeros((70, 55), np.uint8)
    cv2.ellipse(mask, (27, 35), (20, 30), 20, 0, 360, 1, -1)
    report = yard.report(findings=(replace(yard.finding, mask=mask.astype(bool)),))
    told = report.to_dict()["findings"][0]
    counts, size = told["mask"]["counts"], told["mask"]["size"]
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    assert (flat.reshape(size, order="F") == mask.astype(bool)).all()
    drawn = np.zeros_like(mask)
    for polygon in told["polygons"]:
        points = np.floor(np.array(polygon) - [yard.box.left, yard.box.top]).astype(np.int32)
        cv2.fillPoly(drawn, [points], 1)
    both, either = np.logical_and(drawn, mask).sum(), np.logical_or(drawn, mask).sum()
    assert both / either > 0.97


def test_a_mask_that_starts_at_the_first_pixel_starts_with_no_zeros():
    assert Yard().report().to_dict()["findings"][0]["mask"] == {"size": [70, 55], "counts": [0, 3850]}


def test_what_is_not_a_number_becomes_null():
    finding = replace(Yard().finding, mass=Mass(float("nan"), 1, float("inf")), evidence={"depth": float("nan")})
    told = Yard().report(findings=(finding,), timings={"network": float("nan")}).to_dict()
    assert told["findings"][0]["mass_kg"] == {"value": None, "low": 1.0, "high": None}
    VALIDATOR.validate(told)
    json.dumps(told, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5) | st.binary(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    )
)
def test_anything_in_a_history_becomes_json(value):
    told = plain({"value": value})
    assert json.loads(json.dumps(told, allow_nan=False, ensure_ascii=False).encode("utf-8")) == told


def test_arrays_in_a_history_stay_short():
    assert plain(np.zeros(3)) == [0.0, 0.0, 0.0]
    assert plain(np.zeros((100, 100))) == "array of shape (100, 100)"


@pytest.mark.parametrize(
    ("score", "inspected", "priority"),
    [
        (0.61, 1.0, "high"),
        (0.60, 1.0, "medium"),
        (0.99, 0.1, "high"),
        (0.59, 0.49, "opaque"),
        (0.0, 0.0, "opaque"),
        (0.59, 0.5, "medium"),
        (0.31, 1.0, "medium"),
        (0.30, 1.0, "low"),
        (0.29, 1.0, "low"),
        (0.0, 0.5, "low"),
    ],
)
def test_priority(score, inspected, priority):
    assert Yard(inspected=inspected).report(score=score).priority == priority


def test_without_thresholds_nothing_is_medium():
    assert Yard().report(score=0.5, card=replace(CARD, thresholds={})).priority == "low"


def test_its_parts_are_those_of_the_radiograph():
    report = Yard(inspected=0.7, history=(Step("a", "warning: b"),)).report()
    assert report.inspected == 0.7
    assert report.warnings == ("b",)
    assert report.history[0].name == "a"
    assert report.source.scanner == "S1"
    assert report.model == {"name": "small", "version": "1.0", "sha256": SHA}
    told = "score 0.8700, threshold 0.6000 at 0.01 false alarms; 1 finding; 70% of the load penetrated"
    assert repr(report) == f"Report(high: {told})"


def test_it_keeps_no_counts():
    assert not any(type(part).__name__ == "Scan" for part in vars(Yard().report()).values())


def test_it_pickles():
    report = Yard().report()
    again = pickle.loads(pickle.dumps(report))
    assert isinstance(again, Report)
    assert again.to_dict() == report.to_dict()
    with pytest.raises(TypeError, match="does not support item assignment"):
        again.timings["network"] = 0.0


def test_it_is_a_row():
    row = row_of_report(Yard().report().to_dict(), "out/0412")
    assert tuple(row) == ROW_COLUMNS
    assert (row["persons"], row["top_probability"], row["model"]) == (1, 0.87, "small 1.0")


def test_every_finding_needs_its_explanation():
    with pytest.raises(ReportError, match=r"findings are \['P1'\], explanations are of \[\]; pass one explanation a finding"):
        Yard().report(explanations=())


def test_an_id_may_stand_once_only():
    report = Yard().report()
    with pytest.raises(ReportError, match=r"\['P1', 'P1'\].*every id once"):
        Yard().report(findings=report.findings * 2, explanations=report.explanations * 2)


def test_the_card_is_of_the_model_that_answered():
    with pytest.raises(ReportError, match=r"made by small 1\.0, the card is of small 2\.0"):
        Yard().report(card=replace(CARD, version="2.0"))


def test_the_anomaly_map_is_of_the_same_scan():
    with pytest.raises(ShapeError, match=r"a scan of \(200, 400\).*the anomaly map has \(160, 400\)"):
        Yard().report(anomaly=Yard(shape=(160, 400)).anomaly)


def test_findings_are_of_the_same_scan():
    with pytest.raises(ShapeError, match="finding P1 lies outside of it"):
        Yard().report(findings=(replace(Yard().finding, box=Box(180, 100, 250, 155)),))


@pytest.mark.parametrize("name", ["score", "threshold", "false_alarm_rate"])
def test_numbers_are_numbers(name):
    with pytest.raises(ReportError, match=f"{name} is nan; expected a finite number"):
        Yard().report(**{name: float("nan")})


def test_a_name_that_is_not_utf8_is_still_told():
    told = Yard().report(source=Source("caf\udce9.tif")).to_dict()
    assert told["source"]["path"] == "caf\\udce9.tif"
    VALIDATOR.validate(told)


def test_an_unfamiliar_scan_is_said_to_be_one_and_never_low():
    yard = Yard()
    unlike = replace(yard.clean, novelty=0.995)
    report = yard.report(score=0.1, anomaly=unlike, findings=(), explanations=())
    assert report.priority == "medium"
    assert any(warning.startswith("unlike what the model knows") for warning in report.warnings)
    assert report.to_dict()["novelty"] == 0.995
    known = yard.report(score=0.1, anomaly=replace(yard.clean, novelty=0.98), findings=(), explanations=())
    assert known.priority == "low"
    assert not known.warnings


def test_a_scan_with_a_band_that_was_not_measured_is_never_low():
    yard = Yard()
    seen = replace(yard.radiograph, history=(*yard.radiograph.history, Step("bands", "warning: a band of 90 columns")))
    report = yard.report(score=0.1, anomaly=yard.clean, radiograph=seen, findings=(), explanations=())
    assert report.priority == "medium"
    assert "a band of 90 columns" in report.warnings


def test_persons_are_told_as_a_range():
    report = Yard(probability=0.87).report()
    assert report.persons == (0, 1)
    assert report.to_dict()["persons"] == {"low": 0, "high": 1}
    assert Yard(probability=0.99).report().persons == (1, 1)
    assert Yard(kind="void").report().persons == (0, 0)


def test_a_score_just_above_the_threshold_is_told_as_that():
    report = Yard().report(score=0.60000049, threshold=0.6)
    told = report.to_dict()
    assert report.priority == "high"
    assert told["score"] > told["threshold"] == 0.6
