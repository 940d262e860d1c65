"""DICOS threat detection reports read back, those of another toolkit and those made here."""

from __future__ import annotations

import io
import pickle
import warnings
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from xrayscan.errors import CorruptScanError, ReadError, ShapeError
from xrayscan.report.tdr import Reference, Representation, read_tdr
from xrayscan.scan import Box

REPORT = "1.2.840.10008.5.1.4.1.1.501.3"
DX = "1.2.840.10008.5.1.4.1.1.501.2.2"


def item(**said):
    data = Dataset()
    for name, value in said.items():
        setattr(data, name, value)
    return data


def reference(uid="1.2.3"):
    return item(ReferencedSOPClassUID=DX, ReferencedSOPInstanceUID=uid)


def region(base, extents, mask=None):
    said = {"ThreatROIBase": base, "ThreatROIExtents": extents}
    if mask is not None:
        packed = np.packbits(mask.ravel(), bitorder="little").tobytes()
        said["ThreatROIBitmap"] = packed + b"\0" * (len(packed) % 2)
    return item(**said)


def threat(number, **representation):
    return item(
        PotentialThreatObjectID=number,
        PTORepresentationSequence=[item(ReferencedInstanceSequence=[reference()], **representation)],
        ATDAssessmentSequence=[
            item(
                ThreatCategory="ANOMALY", ThreatCategoryDescription="consistent with a concealed person\\head",
                ATDAbilityAssessment="SHIELD", ATDAssessmentFlag="THREAT", ATDAssessmentProbability=0.75,
            )
        ],
    )  # fmt: skip


def saved(path, threats, syntax=ExplicitVRLittleEndian, **said):
    data = item(
        SOPClassUID=REPORT, SOPInstanceUID="1.2.99", Modality="TDR", ContentDate="20260102", ContentTime="030405",
        TimezoneOffsetFromUTC="+0000", Manufacturer="Maker", ManufacturerModelName="Screener", PatientName="Doe^Jo",
        PatientID="MSKU1234567", OOIType="CARGO", TDRType="MACHINE", AlarmDecision="ALARM",
        AlarmDecisionTime="20260102030406+0000",
        ThreatDetectionAlgorithmAndVersion=["xrayscan", "1.0", "rate=0.01"], AbortFlag="SUCCESS", TotalProcessingTime=250.0,
        NumberOfTotalObjects=len(threats), NumberOfAlarmObjects=1, ScanType="OPERATIONAL",
        ReferencedStudySequence=[reference()], ThreatSequence=threats,
    )  # fmt: skip
    for name, value in said.items():
        setattr(data, name, value)
    data.file_meta, data.preamble = FileMetaDataset(), bytes(128)
    data.file_meta.TransferSyntaxUID, data.file_meta.MediaStorageSOPClassUID = syntax, REPORT
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.99"
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(stream, data, enforce_file_format=True)
    path.write_bytes(stream.getvalue())
    return path


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("kind", ["MACHINE", "OPERATOR", "GROUND_TRUTH"])
def test_a_report_reads_back(tmp_path, syntax, kind):
    mask = np.random.default_rng(1).random((1, 7, 5)) < 0.5
    polygon = [0.0, 1, 0, 5, 1, 0, 5, 8, 0]
    threats = [
        threat(3, ThreatROIVoxelSequence=[region([20, 10, 0], [5, 7, 1], mask)], BoundingPolygon=polygon, Mass=71000.0),
        threat(4, ThreatROIVoxelSequence=[region([1, 2, 0], [30, 40, 1])]),
    ]
    report = read_tdr(saved(tmp_path / "a.dcs", threats, syntax, TDRType=kind))
    assert (report.tdr_type, report.alarm_decision, report.aborted) == (kind, "ALARM", False)
    assert report.algorithm == ("xrayscan", "1.0", "rate=0.01")
    assert (report.vendor, report.machine, report.processing_time) == ("Maker", "Screener", 0.25)
    assert report.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert report.decided_at == datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    assert report.references == (Reference(DX, "1.2.3"),)
    assert (report.total_objects, report.alarm_objects) == (2, 1)
    assert report.ids["ooi"] == "MSKU1234567"
    assert "Doe" not in repr(report.__dict__)
    first, second = report.findings
    assert (first.id, first.category, first.ability, first.flag, first.probability) == (3, "ANOMALY", "SHIELD", "THREAT", 0.75)
    assert first.description == "consistent with a concealed person\\head"
    np.testing.assert_array_equal(first.polygon, np.reshape(polygon, (3, 3)))
    np.testing.assert_array_equal(first.bitmap, mask)
    assert first.box() == Box(10, 20, 17, 25)
    np.testing.assert_array_equal(first.mask(), mask[0])
    assert first.representation.mass == 71000.0
    assert first.representation.references == (Reference(DX, "1.2.3"),)
    assert second.box() == Box(2, 1, 42, 31)
    assert second.bitmap is None
    assert second.mask().all()


def test_several_representations_and_assessments(tmp_path):
    one = threat(1, ThreatROIVoxelSequence=[region([0, 0, 0], [4, 4, 0])])
    one.PTORepresentationSequence = [*one.PTORepresentationSequence, item(ReferencedInstanceSequence=[reference("1.2.4")])]
    one.ATDAssessmentSequence = [*one.ATDAssessmentSequence, item(ThreatCategory="OTHER", ATDAssessmentProbability=-1.0)]
    (found,) = read_tdr(saved(tmp_path / "a.dcs", [one])).findings
    assert [view.references[0].sop_instance for view in found.representations] == ["1.2.3", "1.2.4"]
    assert found.assessments[1].category == "OTHER"
    assert found.assessments[1].probability is None
    assert found.box() == Box(0, 0, 4, 4)


def test_boxes_are_cut_at_the_scan_with_their_masks():
    mask = np.arange(20).reshape(1, 4, 5) % 3 == 0
    flat = Representation(base=(-2.0, -1.0, 0.0), extents=(5.0, 4.0, 1.0), bitmap=mask)
    assert flat.box() == Box(0, 0, 3, 3)
    np.testing.assert_array_equal(flat.mask(), mask[0, 1:, 2:])
    half = Representation(base=(0.5, 0.5, 0.0), extents=(2.0, 2.0, 1.0))
    assert half.box() == Box(0, 0, 3, 3)
    with pytest.raises(ShapeError, match="spans 9 slices"):
        Representation(base=(0.0, 0.0, 0.0), extents=(5.0, 4.0, 9.0)).box()
    with pytest.raises(ShapeError, match="there is none"):
        Representation().mask()
    with pytest.raises(ShapeError, match="covers no pixel"):
        Representation(base=(0.0, 0.0, 0.0), extents=(0.0, 4.0, 1.0)).box()


def test_a_report_without_objects(tmp_path):
    report = read_tdr(saved(tmp_path / "a.dcs", [], AlarmDecision="CLEAR", AbortFlag="ABORT", AbortReason=["TIMEOUT"]))
    assert (report.alarm_decision, report.findings) == ("CLEAR", ())
    assert (report.aborted, report.abort_reasons) == (True, ("TIMEOUT",))
    again = pickle.loads(pickle.dumps(report))
    assert (again.ids, again.created_at) == (report.ids, report.created_at)


def test_bitmaps_that_do_not_fit_are_errors(tmp_path):
    wrong = region([0, 0, 0], [50, 70, 1], np.ones((1, 7, 5), bool))
    with pytest.raises(CorruptScanError, match="50 x 70 x 1 voxels has a bitmap of 48 bits"):
        read_tdr(saved(tmp_path / "a.dcs", [threat(1, ThreatROIVoxelSequence=[wrong])]))
    huge = region([0, 0, 0], [1e7, 1e7, 1e7], np.ones((1, 7, 5), bool))
    with pytest.raises(CorruptScanError, match="damaged"):
        read_tdr(saved(tmp_path / "b.dcs", [threat(1, ThreatROIVoxelSequence=[huge])]))
    crooked = threat(1, BoundingPolygon=[1.0] * 7)
    with pytest.raises(CorruptScanError, match="bounding polygon has 7 numbers"):
        read_tdr(saved(tmp_path / "c.dcs", [crooked]))


def test_what_is_no_report_is_told(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0" + bytes(300))
    with pytest.raises(ReadError, match=r"a\.tif: it is no DICOM file"):
        read_tdr(tmp_path / "a.tif")
    with pytest.raises(ReadError, match="there is no such file"):
        read_tdr(tmp_path / "none.dcs")
    with pytest.raises(ReadError, match=r"no threat detection report .*xrayscan\.read"):
        read_tdr(saved(tmp_path / "b.dcs", [], SOPClassUID=DX))


def test_reports_of_another_toolkit(shared):
    reports = {path.name: read_tdr(path) for path in (shared / "dicos").rglob("*TDR*.dcs")}
    none, one, several = (reports[f"{name}TDR.dcs"] for name in ("SimpleBaggageNoThreat", "SimpleBaggage", "MultiplePTOs"))
    assert (none.alarm_decision, none.findings, none.tdr_type) == ("CLEAR", (), "MACHINE")
    assert none.algorithm == ("Alchemy", "0.999", "-random=true", "-magic=true")
    (found,) = one.findings
    assert (found.id, found.category, found.description, found.ability) == (9001, "PI", "Flammable Liquid", "NO_INTERFERENCE")
    slices, rows, columns = np.ogrid[:100, :50, :50]
    drawn = ((slices <= 30) | (slices >= 70)) & ((rows <= 10) | (slices >= 40)) & ((columns <= 10) | (columns >= 20))
    np.testing.assert_array_equal(found.bitmap, drawn)
    assert [thing.flag for thing in several.findings] == ["NO_THREAT", "HIGH_THREAT"]
    assert several.findings[0].polygon.shape == (3, 3)
    assert several.findings[0].representation.extents == (22.0, 33.0, 444.0)
    linked = reports["TDR.dcs"].findings
    assert linked[0].probability == pytest.approx(0.98)
    assert [thing.representation.location for thing in linked] == ["Corner Object"] * 2
