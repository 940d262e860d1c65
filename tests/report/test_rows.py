"""One flat row a scan."""

from __future__ import annotations

import csv
import io
import json
import pickle
from pathlib import Path

import pytest

from xrayscan.report.rows import ROW_COLUMNS, inert_path, inert_text, row_of_failure, row_of_report

REPORT = {
    "source": {"path": "a.tif", "sha256": None},
    "acquired_at": "2026-01-02T03:04:05+01:00",
    "score": 0.1,
    "threshold": 0.6,
    "false_alarm_rate": 0.01,
    "priority": "low",
    "inspected": 1.0,
    "opaque_fraction": 0.0,
    "persons": {"low": 0, "high": 1},
    "novelty": None,
    "findings": [],
    "warnings": [],
    "model": {"name": "small", "version": "1", "sha256": "ab"},
    "versions": {"xrayscan": "0.1.0"},
}


def test_columns_are_the_same_and_in_order_for_reports_and_failures():
    assert tuple(row_of_report(REPORT, "out/a")) == ROW_COLUMNS
    assert tuple(row_of_failure("a.tif", "broken", "CorruptScanError")) == ROW_COLUMNS


def test_a_failure_has_no_score_and_no_priority():
    row = row_of_failure("a.tif", "broken", "CorruptScanError")
    assert row["status"] == "failed"
    assert row["score"] is None
    assert row["priority"] == ""
    assert row["persons"] is None


def test_a_row_names_model_hash_version_and_threshold():
    row = row_of_report(REPORT, "out/a")
    assert (row["model"], row["model_sha256"], row["xrayscan"]) == ("small 1", "ab", "0.1.0")
    assert (row["threshold"], row["false_alarm_rate"]) == (0.6, 0.01)
    assert row["acquired_at"] == "2026-01-02T03:04:05+01:00"


def test_no_finding_has_no_top_probability():
    assert row_of_report(REPORT, "out/a")["top_probability"] is None


def test_a_path_that_is_not_known_is_empty():
    assert row_of_report({**REPORT, "source": {"path": None, "sha256": None}}, "out/a")["path"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "|", "%", "＝"])
def test_no_cell_starts_a_formula(start):
    hostile = start + "cmd|' /C calc'!A0"
    report = {**REPORT, "source": {"path": hostile, "sha256": hostile}, "warnings": [hostile]}
    report |= {"model": {"name": hostile, "version": "1", "sha256": hostile}, "versions": {"xrayscan": hostile}}
    for row in (row_of_report(report, hostile), row_of_failure(hostile, hostile, hostile)):
        for name in ("path", "warnings", "sha256", "model", "model_sha256", "xrayscan", "report", "error", "error_kind"):
            assert str(row[name])[:1] not in set("=+-@|%\t\r\n＝"), (name, row[name])


@pytest.mark.parametrize("name", ["=a.tif", "-a.tif", "@x/y.tif", "a.tif", "/abs/=a.tif", ""])
def test_an_inert_path_names_the_same_file(name):
    assert Path(inert_path(name)) == Path(name)


def test_text_stays_on_one_line():
    assert inert_text("a\r\nb\x00c\u2028d") == "a  b c d"
    assert inert_text("") == ""


def test_warnings_are_a_list_in_json_and_one_line_in_csv():
    row = row_of_report({**REPORT, "warnings": ["no air; taken from the scan", "=1+1", "two\nlines"]}, "out/a")
    assert json.loads(json.dumps(row))["warnings"] == ["no air; taken from the scan", "'=1+1", "two lines"]
    stream = io.StringIO()
    csv.DictWriter(stream, ROW_COLUMNS).writerow(row)
    assert "no air; taken from the scan; '=1+1; two lines" in stream.getvalue()
    assert pickle.loads(pickle.dumps(row)) == row
    assert str(pickle.loads(pickle.dumps(row))["warnings"]) == str(row["warnings"])
    assert row_of_failure("a.tif", "broken", "ReadError")["warnings"] == []


def test_rows_go_through_csv_and_json():
    rows = [row_of_report(REPORT, "out/a"), row_of_failure("b,\"'.tif", "line\nbreak", "ReadError")]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ROW_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    back = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [r["status"] for r in back] == ["screened", "failed"]
    assert back[1]["path"] == "b,\"'.tif"
    assert [json.loads(json.dumps(r)) for r in rows] == rows


def test_the_top_probability_is_that_of_a_person():
    findings = [{"kind": "void", "probability": 0.87}, {"kind": "person", "probability": 0.4}]
    assert row_of_report({**REPORT, "findings": findings}, "out/a")["top_probability"] == 0.4
    assert row_of_report({**REPORT, "findings": findings[:1]}, "out/a")["top_probability"] is None
