"""Results as Parquet: types, nested findings, order; without pyarrow a clear word."""

from __future__ import annotations

import io
import sys
from datetime import datetime

import pytest
from fifty import fifty
from yard import SHA, Yard

from xrayscan.errors import MissingDependencyError
from xrayscan.report import parquet as module
from xrayscan.report.parquet import check_parquet, columns, parquet
from xrayscan.report.rows import ROW_COLUMNS, row_of_failure, row_of_report

reader = pytest.importorskip("pyarrow.parquet")
FAILED = row_of_failure("caf\udce9.tif", "cut off; copy it again", "CorruptScanError")


def table(results):
    return reader.read_table(io.BytesIO(parquet(results)))


@pytest.fixture(scope="module")
def results():
    reports = [report.to_dict() for report in fifty()]
    return [(row_of_report(report, f"scans/{number}"), report) for number, report in enumerate(reports)] + [(FAILED, None)]


def test_every_column_has_its_type(results):
    schema = table(results).schema
    assert schema.names[: len(ROW_COLUMNS)] == list(ROW_COLUMNS)
    assert schema.equals(columns())
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert (types["score"], types["persons"], types["acquired_at"]) == ("double", "int32", "timestamp[us]")
    assert types["warnings"].startswith("list<")
    assert types["findings"].startswith("list<")
    assert schema.metadata == {b"xrayscan.report_schema": b"1.4"}


def test_rows_and_findings_are_those_of_the_reports_in_order(results):
    read = table(results).to_pylist()
    assert len(read) == 51
    for told, (row, report) in zip(read[:50], results[:50], strict=True):
        assert (told["report"], told["score"], told["persons"]) == (row["report"], row["score"], row["persons"])
        assert told["warnings"] == row["warnings"]
        assert [finding["id"] for finding in told["findings"]] == [finding["id"] for finding in report["findings"]]
        for one, finding in zip(told["findings"], report["findings"], strict=True):
            assert (one["probability"], one["mass_kg"]) == (finding["probability"], finding["mass_kg"]["value"])
            assert {side: one[side] for side in finding["box"]} == finding["box"]
            assert (one["from_left_m"], one["width_m"]) == (finding["position_m"]["from_left"], finding["size_m"]["width"])
    assert dict(read[1]["ids"]) == results[1][1]["source"]["ids"]


def test_times_keep_the_scanners_clock_and_zone(results):
    read = table(results).to_pylist()
    assert (read[0]["acquired_at"], read[0]["utc_offset_min"]) == (None, None)
    assert (read[1]["acquired_at"], read[1]["utc_offset_min"]) == (datetime(2026, 3, 4, 5, 6, 7), None)
    assert (read[2]["acquired_at"], read[2]["utc_offset_min"]) == (datetime(2026, 3, 4), -300)


def test_a_failure_says_so_and_nothing_else(results):
    last = table(results).to_pylist()[-1]
    assert (last["path"], last["status"], last["error_kind"]) == ("caf\\udce9.tif", "failed", "CorruptScanError")
    empty = {name for name, value in last.items() if value is None}
    assert {"score", "priority", "persons", "findings", "model", "acquired_at", "inspected"} <= empty
    assert last["warnings"] == []


def test_it_names_model_hash_versions_and_thresholds():
    report = Yard().report().to_dict()
    (told,) = table([(row_of_report(report, "scans/a"), report)]).to_pylist()
    assert (told["model"], told["model_sha256"], told["threshold"], told["false_alarm_rate"]) == ("small 1.0", SHA, 0.6, 0.01)
    assert dict(told["versions"]) == report["versions"]
    assert told["thresholds"] == [(0.01, 0.6), (0.05, 0.45), (0.1, 0.3)]
    assert told["thresholds_set_on"] == "400 clean simulated scans, 2026-05-01"
    assert told["probabilities_set_on"] == "800 simulated scans, 300 of them with persons, 2026-05-01"


def test_the_same_results_give_the_same_bytes_whatever_the_groups(results, monkeypatch):
    once = parquet(results)
    assert parquet(iter(results)) == once
    monkeypatch.setattr(module, "GROUP", 7)
    assert table(results).equals(reader.read_table(io.BytesIO(once)))


def test_no_results_are_an_empty_table():
    assert table([]).num_rows == 0


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependencyError, match=r'needs pyarrow .*; pip install "xrayscan\[parquet\]"') as caught:
        check_parquet()
    assert caught.value.extra == "parquet"
