"""Threat detection reports: written, and read back by our reader, pydicom and another toolkit."""

from __future__ import annotations

import io
import warnings
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from fifty import fifty
from yard import SHA, Yard

from xrayscan.errors import ReportError
from xrayscan.report import tdr_writing
from xrayscan.report.masks import mask_of, run_lengths
from xrayscan.report.tdr import Reference, read_tdr
from xrayscan.report.tdr_writing import tdr, write_tdr
from xrayscan.scan import Box

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def reports():
    return [report.to_dict() for report in fifty()]


@pytest.fixture(scope="module")
def files(reports, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tdr")
    return [write_tdr(report, folder / f"{number}.dcs", AT) for number, report in enumerate(reports)]


def written(report, path, **said):
    return read_tdr(write_tdr(report, path, AT, **said))


def test_fifty_reports_come_back_with_the_same_findings(reports, files):
    assert len(files) == 50
    for report, file in zip(reports, files, strict=True):
        read = read_tdr(file)
        assert (read.tdr_type, read.total_objects) == ("MACHINE", len(read.findings))
        assert read.alarm_decision == ("ALARM" if report["priority"] == "high" else "UNKNOWN")
        assert read.aborted is (report["priority"] == "poor")
        count = len(report["findings"])
        for finding, object_ in zip(report["findings"], read.findings[:count], strict=True):
            assert object_.box() == Box(**finding["box"])
            np.testing.assert_array_equal(object_.mask(), mask_of(finding["mask"]))
            assert object_.probability == pytest.approx(finding["probability"], rel=1e-6)
            assert (object_.category, object_.ability) == ("ANOMALY", "NO_INTERFERENCE")
            assert object_.description.startswith(f"{finding['id']}: {tdr_writing.WORDS[finding['kind']]}. ")
            assert finding["sentences"][-1] in object_.description
            bounds = np.concatenate([object_.polygon.min(axis=0)[:2], object_.polygon.max(axis=0)[:2]])
            box = finding["box"]
            np.testing.assert_allclose(bounds, [box["left"], box["top"], box["right"], box["bottom"]], atol=1)
            if finding["kind"] != "void" and finding["mass_kg"]["value"] is not None:
                assert object_.representation.mass == pytest.approx(1e3 * finding["mass_kg"]["value"], rel=1e-6)
            else:
                assert object_.representation.mass is None
        unseen = np.zeros((report["scan"]["rows"], report["scan"]["columns"]), bool)
        for object_ in read.findings[count:]:
            assert (object_.ability, object_.flag, object_.probability) == ("SHIELD", "UNKNOWN", None)
            unseen[object_.box().slices] |= object_.mask()
        np.testing.assert_array_equal(unseen, mask_of(report["opaque"]))


def test_fifty_reports_are_read_by_pydicom(reports, files):
    for report, file in zip(reports, files, strict=True):
        data = pydicom.dcmread(file)
        assert data.file_meta.MediaStorageSOPClassUID == data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.501.3"
        assert (data.Modality, data.TDRType, data.OOIType) == ("TDR", "MACHINE", "CARGO")
        items = data.ThreatSequence
        assert [item.PotentialThreatObjectID for item in items] == list(range(1, len(items) + 1))
        assert data.NumberOfAlarmObjects == sum(item.ATDAssessmentSequence[0].ATDAssessmentFlag == "THREAT" for item in items)
        for finding, item in zip(report["findings"], items, strict=False):
            region = item.PTORepresentationSequence[0].ThreatROIVoxelSequence[0]
            columns, rows, slices = (int(side) for side in region.ThreatROIExtents)
            bits = np.unpackbits(np.frombuffer(region.ThreatROIBitmap, np.uint8), bitorder="little")
            mask = bits[: rows * columns].reshape(rows, columns).astype(bool)
            np.testing.assert_array_equal(mask, mask_of(finding["mask"]))
            assert slices == 1


@pytest.mark.parametrize("inspected", ["CARGO", "BAGGAGE"])
def test_fifty_reports_are_read_by_another_toolkit(reports, files, tmp_path, inspected):
    pydicos = pytest.importorskip("pydicos")
    for report, file in zip(reports, files, strict=True):
        file = file if inspected == "CARGO" else write_tdr(report, tmp_path / "a.dcs", AT, inspected)
        data = pydicos.dcsread(str(file)).get_data()
        assert data["ATR"]["manufacturer"] == "xrayscan"
        assert float(data["ATR"]["parameters"]["threshold"]) == report["threshold"]
        for finding, object_ in zip(report["findings"], data["PTOs"], strict=False):
            assert object_["Assessment"]["description"].startswith(f"{finding['id']}: ")
            assert object_["Assessment"]["probability"] == pytest.approx(finding["probability"], rel=1e-6)
            if inspected == "BAGGAGE":  # of cargo it reads no regions
                box, mask = finding["box"], mask_of(finding["mask"])
                assert (object_["Base"]["x"], object_["Base"]["y"]) == (box["left"], box["top"])
                np.testing.assert_array_equal(object_["Bitmap"][0], mask)
                assert len(object_["Polygon"]) >= 3
            else:
                assert object_["Bitmap"].size == 0


def test_another_toolkit_writes_our_report_again_and_keeps_it(reports, tmp_path):
    pydicos = pytest.importorskip("pydicos")
    write_tdr(reports[9], tmp_path / "a.dcs", AT, "BAGGAGE")
    pydicos.TDRLoader(str(tmp_path / "a.dcs")).write(str(tmp_path / "b.dcs"))
    one, other = read_tdr(tmp_path / "a.dcs"), read_tdr(tmp_path / "b.dcs")
    assert (one.alarm_decision, one.algorithm) == (other.alarm_decision, other.algorithm)
    for mine, theirs in zip(one.findings, other.findings, strict=True):
        assert (mine.description, mine.flag, mine.ability) == (theirs.description, theirs.flag, theirs.ability)
        np.testing.assert_array_equal(mine.mask(), theirs.mask())
        np.testing.assert_array_equal(mine.polygon, theirs.polygon)


def test_it_names_model_hash_versions_and_thresholds(tmp_path):
    report = Yard(opaque=Box(10, 10, 60, 90)).report().to_dict()
    read = written(report, tmp_path / "a.dcs")
    assert (read.vendor, read.machine, read.ids["serial"]) == ("xrayscan", "small 1.0", SHA)
    assert read.algorithm[:4] == ("xrayscan", report["versions"]["xrayscan"], "-threshold=0.6", "-false_alarm_rate=0.01")
    assert {"-score=0.87", "-priority=high", "-inspected=0.83", "-opaque=0.05"} <= set(read.algorithm)
    versions = pydicom.dcmread(tmp_path / "a.dcs").SoftwareVersions
    assert list(versions) == [f"{name} {version}" for name, version in report["versions"].items()]
    assert (read.created_at, read.decided_at) == (AT, AT)
    assert (read.alarm_objects, read.total_objects, read.processing_time) == (1, 2, pytest.approx(1.61))
    person, unseen = read.findings
    assert (person.flag, person.representation.location) == (
        "THREAT", "1.20 m from the left end of the container, 0.80 m above its floor; 0.70 m high, 0.55 m wide",
    )  # fmt: skip
    assert unseen.description.startswith("Opaque place of 0.40 m²: not penetrated, nothing can be said")


def test_it_refers_to_the_scan_it_is_about(reports, tmp_path):
    known = written(reports[1], tmp_path / "a.dcs")
    assert known.references == (Reference("1.2.3", "0163.5.7"),)
    assert known.ids["ooi"] == "MSKU1234567"
    assert {one.representation.references for one in known.findings} == {known.references}
    made = written(reports[4], tmp_path / "b.dcs")
    assert made.references[0].sop_instance.startswith("2.25.")
    assert made.ids["ooi"] == "0412.tif"
    again = written(reports[8], tmp_path / "c.dcs")  # another report of the same file
    assert (again.references, again.ids["study"]) == (made.references, made.ids["study"])
    assert again.ids["sop_instance"] != made.ids["sop_instance"]


def test_the_same_report_gives_the_same_bytes(reports):
    assert tdr(reports[9], AT) == tdr(reports[9], AT)


def test_many_small_opaque_places_are_one_object_and_large_ones_stand_alone(tmp_path):
    report = Yard().report()
    opaque = np.zeros((200, 400), bool)
    opaque[5:150:10, 60:290:10] = True
    opaque[:150, 300:] = opaque[160:200, :50] = True
    told = report.to_dict()
    told["opaque"] = run_lengths(opaque)
    objects = written(told, tmp_path / "a.dcs").findings[1:]
    assert [one.box() for one in objects[:2]] == [Box(0, 300, 150, 400), Box(160, 0, 200, 50)]
    assert objects[2].description.startswith("Small opaque places, 345 in all: not penetrated")
    assert len(objects) == 3


def test_what_does_not_fit_is_told(tmp_path, monkeypatch):
    report = Yard().report().to_dict()
    with pytest.raises(ReportError, match=r"writing .*a\.dcs: No such file or directory; free space or check the rights"):
        write_tdr(report, tmp_path / "none" / "a.dcs", AT)
    monkeypatch.setattr(tdr_writing, "MAX_OBJECTS", 0)
    with pytest.raises(ReportError, match="there are 1 objects, up to 0 are written"):
        tdr(report, AT)


def test_without_a_container_places_are_told_from_the_picture(tmp_path):
    (one,) = written(Yard(containers=False).report().to_dict(), tmp_path / "a.dcs").findings
    assert one.representation.location.startswith("1.20 m from the left edge of the picture, 0.80 m above its lower edge;")


def test_what_lacks_has_no_mass_of_its_own(tmp_path):
    report = Yard(kind="density", added=0.0, missing=20.0).report().to_dict()
    report["findings"][0]["evidence"]["missing_g_cm2"] = 20.0
    (one,) = written(report, tmp_path / "a.dcs").findings
    assert one.representation.mass is None


def test_the_scans_time_is_told_in_the_zone_of_the_file():
    report = Yard().report().to_dict()
    report["acquired_at"] = "2026-03-04T23:06:07-05:00"
    file = pydicom.dcmread(io.BytesIO(tdr(report, AT)))
    assert (file.StudyDate, file.StudyTime[:6], file.TimezoneOffsetFromUTC) == ("20260305", "040607", "+0000")


def test_a_ragged_place_has_a_polygon_that_fits_and_its_whole_bitmap(tmp_path):
    rows, columns = 850, 2570
    opaque = np.zeros((rows, columns), bool)
    opaque[30:300] = True
    opaque[:30, ::2] = opaque[300:330, 1::2] = True  # a comb with teeth up and down: some ten thousand corners
    report = Yard().report().to_dict()
    report["opaque"], report["scan"]["rows"], report["scan"]["columns"] = run_lengths(opaque), rows, columns
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pydicom warns of an element too large for its representation
        place = written(report, tmp_path / "a.dcs").findings[1]
    assert 100 < len(place.polygon) <= tdr_writing.MOST_POINTS
    np.testing.assert_array_equal(place.mask(), opaque[:330])
