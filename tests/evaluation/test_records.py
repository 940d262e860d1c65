import numpy as np
import pytest

pytest.importorskip("torch")

from dataclasses import replace

from tests.evaluation.scans import CAB, OTHER, PERSON, THING, Answers, write
from xrayscan.errors import CorruptScanError, ModelError, RecipeError
from xrayscan.evaluation import runs
from xrayscan.evaluation.difficulty import difficulty
from xrayscan.evaluation.pixels import dense
from xrayscan.evaluation.records import from_json, record, to_json
from xrayscan.evaluation.runs import load_subject, measure, packed_scans, read_records


class TestRecord:
    def test_a_person_found(self, tmp_path):
        path = write(tmp_path / "test", 3, "person", persons=[PERSON])
        row = record(path, Answers((PERSON, 0.9)))
        (region,) = row.regions
        assert region.hit
        assert not region.foreign
        assert row.found["person"] == row.reached["person"] == pytest.approx((0.9,))
        assert row.score["person"] == pytest.approx(0.9)
        assert region.truth_mass == pytest.approx(40 * 30 * 1e-4 * 10 * 10, rel=1e-3)
        assert region.mass == pytest.approx(0.9 * region.truth_mass)
        assert (row.scan, row.vehicle, row.scanner) == ("test/000003", "van", "one")
        pixels = row.pixels["person"]
        assert dense(pixels["inside"]).sum() == pixels["both"] == pixels["either"] == 1200
        assert pixels["things"] == 1
        assert dense(pixels["overlap"]).sum() == pytest.approx(1)

    def test_one_found_and_one_missed(self, tmp_path):
        row = record(write(tmp_path, 0, "person", persons=[PERSON, OTHER]), Answers((PERSON, 0.9)))
        assert sorted(row.found["person"]) == pytest.approx([0, 0.9])

    def test_too_faint_to_be_a_finding_is_still_reached(self, tmp_path):
        row = record(write(tmp_path, 0, "person", persons=[PERSON]), Answers((PERSON, 0.2), (OTHER, 0.1)))
        assert row.regions == ()
        assert row.found["person"] == (0,)
        assert row.reached["person"] == pytest.approx((0.2,))
        assert row.faint["person"] == pytest.approx((0.1,))

    def test_a_haze_over_everything_reaches_nobody(self, tmp_path):
        small = (slice(40, 50), slice(30, 40))
        row = record(write(tmp_path, 0, "person", persons=[small]), Answers((slice(None), 0.2)))
        assert row.reached["person"] == (0,)
        assert len(row.faint["person"]) == 1

    def test_a_finding_on_the_driver_is_wrong(self, tmp_path):
        row = record(write(tmp_path, 0, driver=True), Answers((CAB, 0.9)))
        assert row.driver
        assert [(r.hit, r.foreign, r.driver) for r in row.regions] == [(False, False, True)]

    def test_a_person_behind_slats_is_one(self, tmp_path):
        bars = np.zeros((120, 200), bool)
        bars[:, 36:60:10] = bars[:, 37:60:10] = True
        row = record(write(tmp_path, 0, "person", persons=[PERSON], opaque=(bars,)), Answers((PERSON, 0.9)))
        assert len(row.found["person"]) == 1

    def test_two_findings_share_what_touches(self, tmp_path):
        wide = (slice(40, 80), slice(30, 90))
        halves = (slice(40, 80), slice(30, 58)), (slice(40, 80), slice(62, 90))
        row = record(write(tmp_path, 0, "person", persons=[wide]), Answers(*((half, 0.9) for half in halves)))
        whole = 40 * 60 * 1e-4 * 100
        assert [r.truth_mass for r in row.regions] == pytest.approx([whole / 2] * 2, rel=0.05)
        assert len(row.found["person"]) == 1

    def test_what_is_written_is_read(self, tmp_path):
        row = record(write(tmp_path, 0, "person", persons=[PERSON]), Answers((PERSON, 0.9), (OTHER, 0.1)))
        assert from_json(to_json([row, row])) == (row, row)

    def test_a_damaged_pack(self, tmp_path):
        path = write(tmp_path, 0)
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(CorruptScanError, match="opening .* as a packed scan: .*; scans of your own are screened"):
            record(path, Answers())

    def test_a_pack_of_which_nothing_is_said(self, tmp_path):
        path = write(tmp_path, 0)
        path.with_suffix(".json").unlink()
        with pytest.raises(CorruptScanError, match="opening .* as a packed scan: .*a .json beside it"):
            record(path, Answers())


class TestDifficulty:
    def of(self, tmp_path, *persons):
        path = write(tmp_path, 0, "person", persons=[PERSON], instances=[{**THING, **person} for person in persons])
        return difficulty(record(path, Answers()))

    def test_the_easiest_person_says_it(self, tmp_path):
        assert self.of(tmp_path, {"load": 90.0}, {"load": 5.0}) == "easy"

    def test_one_that_is_not_penetrated_does_not_count(self, tmp_path):
        assert self.of(tmp_path, {"load": 90.0}, {"load": 5.0, "hidden_share": 0.95}) == "hard"
        assert self.of(tmp_path, {"load": 5.0, "hidden_share": 0.95}) == "beyond"


class TestMeasure:
    @pytest.fixture
    def model(self, monkeypatch):
        model = Answers((PERSON, 0.9))
        monkeypatch.setattr(runs, "load_subject", lambda name, threads=None: model)
        return model

    @pytest.fixture
    def paths(self, tmp_path):
        for number in range(4):
            write(tmp_path / "test", number, "person" if number % 2 else "clean", persons=[PERSON] * (number % 2))
        return packed_scans([tmp_path / "test"])

    def test_a_stopped_run_goes_on(self, model, paths, tmp_path):
        kept = tmp_path / "records.jsonl"
        measure(paths[:2], "m", kept=kept)
        with kept.open("a") as file:
            file.write('{"kind": "cl')  # killed here
        rows = measure(paths, "m", kept=kept)
        assert model.calls == 4
        assert [row.scan for row in rows] == [f"test/{n:06d}" for n in range(4)]
        assert sorted(row.scan for row in read_records(kept)) == [row.scan for row in rows]
        assert measure(paths, "m", kept=kept) == rows
        assert model.calls == 4

    def test_another_calibration_is_measured_anew_and_the_first_is_kept(self, model, paths, tmp_path):
        kept = tmp_path / "records.jsonl"
        measure(paths, "m", kept=kept)
        model.id = replace(model.id, calibration={"person": (2.0, 0.0)})
        assert {row.model["reading"] for row in measure(paths, "m", kept=kept)} != {""}
        assert model.calls == 8
        assert len(read_records(kept)) == 8

    def test_another_scan_of_the_same_name_is_measured_anew(self, model, paths, tmp_path):
        kept = tmp_path / "records.jsonl"
        measure(paths, "m", kept=kept)
        write(tmp_path / "test", 0, "look-alike")
        assert measure(paths, "m", kept=kept)[0].kind == "look-alike"
        assert model.calls == 5

    def test_records_of_another_version(self, paths, tmp_path):
        kept = tmp_path / "records.jsonl"
        kept.write_text('{"kind": "clean"}\n')
        with pytest.raises(RecipeError, match="reading the records .*they are not of this version: delete the file"):
            read_records(kept)


def test_processes_give_the_same_records(tmp_path):
    paths = [write(tmp_path / "test", number, "person", persons=[PERSON]) for number in range(3)]
    one, two = (measure(paths, "tests.evaluation.scans:sitting_person", workers=workers) for workers in (1, 2))
    assert [replace(row, seconds=0) for row in one] == [replace(row, seconds=0) for row in two]


class TestSubjects:
    def test_a_function_makes_one(self):
        assert load_subject("tests.evaluation.scans:sitting_person").id.name == "given"

    def test_a_function_that_is_not_there(self):
        with pytest.raises(ModelError, match="loading tests.evaluation.scans:nobody: .*module:function"):
            load_subject("tests.evaluation.scans:nobody")

    def test_something_else(self):
        with pytest.raises(ModelError, match="it made Counter, which has no id or cannot be called"):
            load_subject("collections:Counter")

    def test_folders_of_one_name(self, tmp_path):
        for name in "ab":
            write(tmp_path / name / "test", 0)
        with pytest.raises(RecipeError, match="two of the folders are named 'test'"):
            packed_scans([tmp_path / "a" / "test", tmp_path / "b" / "test"])

    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(RecipeError, match="looking for packed scans in .*there are none"):
            packed_scans([tmp_path])
