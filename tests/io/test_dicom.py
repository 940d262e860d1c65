"""DICOM and DICOS images: what is stored comes back, and what the numbers are is what the file says."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from dicom_files import CR, PRESENTATION, PROCESSING, encoded, image, ramp, without_meta
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from xrayscan.errors import CorruptScanError, MissingDependencyError, ReadError
from xrayscan.io import dicom
from xrayscan.io.file import ScanFile


def read(data, syntax="explicit"):
    raw = data if isinstance(data, bytes) else encoded(data, syntax)
    file = ScanFile(Path("a.dcm"), raw)
    assert dicom.can_read(file)
    return dicom.read(file)


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big", "deflated", "rle"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int16])
def test_every_bit_comes_back_in_every_encoding(syntax, dtype):
    if (syntax, dtype) == ("rle", np.uint32):
        pytest.skip("the standard has no RLE of 32 bits")
    contents = read(image(ramp(dtype)), syntax)
    np.testing.assert_array_equal(contents.pixels, ramp(dtype)[None])
    assert contents.pixels.dtype == dtype
    assert contents.quantity == "counts"


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big"])
@pytest.mark.parametrize("dtype", [np.uint32, np.uint64, np.float32])
def test_wide_pixels_of_dicos(syntax, dtype):
    sop = {"u4": ".1", "u8": ".2", "f4": ".3"}[np.dtype(dtype).str[1:]]
    contents = read(image(ramp(dtype), sop=PROCESSING + sop, wide=True), syntax)
    np.testing.assert_array_equal(contents.pixels[0], ramp(dtype))
    assert contents.pixels.dtype == dtype
    assert contents.quantity == (None if dtype == np.float32 else "counts")


@pytest.mark.parametrize("implicit", [False, True])
def test_lengths_of_64_bits_that_a_toolkit_writes(implicit):
    pixels = ramp(np.uint64)
    data = encoded(image(ramp(np.uint16), BitsAllocated=64, BitsStored=64, HighBit=63), "implicit" if implicit else "explicit")
    at = data.rindex(b"\xe0\x7f\x10\x00")
    header = b"\xe0\x7f\x12\x00" + (b"" if implicit else b"OD") + pixels.nbytes.to_bytes(8, "little")
    np.testing.assert_array_equal(read(data[:at] + header + pixels.tobytes()).pixels[0], pixels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_pixels_of_dicom(dtype):
    np.testing.assert_array_equal(read(image(ramp(dtype))).pixels[0], ramp(dtype))


@pytest.mark.parametrize("syntax", ["implicit", "explicit"])
def test_without_preamble_only_when_surely_dicom(syntax):
    data = encoded(image(ramp(np.uint16)), syntax)
    for bare in (data[132:], without_meta(data)):
        np.testing.assert_array_equal(read(bare).pixels[0], ramp(np.uint16))
    for other in (
        b"",
        b"\x08\x00",
        bytes(4096),
        b"\x08\x00\x05\x00" * 99,
        b"II*\x00" + bytes(200),
        b"\x08\x00\x16\x00UI\xff\x00abc",
    ):
        assert not dicom.can_read(ScanFile(Path("a"), other))


def test_bits_not_in_use_are_taken_off():
    pixels = ramp(np.uint16) >> 4
    noisy = (pixels << 2) | 0x8001
    data = image(noisy.astype(np.uint16), BitsStored=12, HighBit=13)
    np.testing.assert_array_equal(read(data).pixels[0], pixels)
    signed = ramp(np.int16) >> 4
    data = image((signed & 0xFFF).astype(np.uint16), BitsStored=12, HighBit=11, PixelRepresentation=1)
    np.testing.assert_array_equal(read(data).pixels[0], signed)


def test_values_over_the_bits_stored_are_told():
    pixels = ramp(np.uint16) >> 4
    over = pixels.copy()
    over[3, 4], over[5, 6], over[7, 8] = 4096, 5000, 40000
    found = read(image(over, BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(found.pixels[0], over & 0xFFF)
    step = next(step for step in found.steps if "bits set" in step.note)
    assert step.is_warning
    assert step.note.startswith(
        "warning: 3 of 154 pixels have bits set above the 12 that the file says are in use, and no over"
    )
    assert step.note.endswith("export it with 16 bits stored")
    assert not any("bits set" in step.note for step in read(image(pixels, BitsStored=12, HighBit=11)).steps)
    overlay = image(over, BitsStored=12, HighBit=11)
    overlay.add_new(0x60000102, "US", 12)
    step = next(step for step in read(overlay).steps if "bits set" in step.note)
    assert not step.is_warning
    assert step.note.endswith(": overlays, which were taken off")


def test_copies_of_the_sign_are_no_values():
    signed = ramp(np.int16) >> 4
    signed[0, :4] = -1, -2, -2048, 2047
    for stored in (signed, signed & 0xFFF):
        found = read(image(stored.astype(np.int16), BitsStored=12, HighBit=11))
        np.testing.assert_array_equal(found.pixels[0], signed)
        assert not any("bits set" in step.note for step in found.steps)
    strange = (signed & 0xFFF).astype(np.int16)
    strange[2, 2] |= 0x1000
    strange[2, 3] = -4096
    assert any(step.note.startswith("warning: 2 of 154") for step in read(image(strange, BitsStored=12, HighBit=11)).steps)


@pytest.mark.parametrize(
    ("said", "quantity"),
    [
        ({}, "counts"),
        ({"PixelIntensityRelationship": "LIN"}, "counts"),
        ({"sop": CR, "PixelIntensityRelationship": "LIN"}, "counts"),
        ({"sop": CR}, "display"),
        ({"sop": PRESENTATION, "PixelIntensityRelationship": "LIN"}, "display"),
        ({"PresentationIntentType": "FOR PRESENTATION"}, "display"),
        ({"sop": CR, "PresentationIntentType": "FOR PROCESSING"}, "counts"),
        ({"PixelIntensityRelationship": "DISP"}, "display"),
        ({"Modality": "CT"}, "display"),
        ({"ImageType": ["DERIVED", "Z_EFFECTIVE"]}, "display"),
    ],
)
def test_quantity_is_what_the_file_says(said, quantity):
    contents = read(image(ramp(np.uint16), **said))
    assert contents.quantity == quantity
    assert contents.steps[0].note


def test_a_logarithm_of_unknown_scale_is_refused_and_a_table_is_used():
    with pytest.raises(ReadError, match=r"logarithms of the beam .*relationship LIN"):
        read(image(ramp(np.uint16), PixelIntensityRelationship="LOG"))
    pixels = (ramp(np.uint16) >> 8).astype(np.uint16)
    curve = np.rint(65535 * np.exp(np.arange(256) / 40 - 255 / 40)).astype(np.uint16)
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 16], curve.tobytes()
    table["LUTData"].VR = "OW"
    contents = read(image(pixels, PixelIntensityRelationship="LOG", ModalityLUTSequence=Sequence([table])))
    np.testing.assert_array_equal(contents.pixels[0], curve[pixels])
    assert contents.quantity == "counts"


def test_monochrome1_is_turned_without_losing_bits():
    pixels = (ramp(np.uint16) >> 4).astype(np.uint16)
    data = {"sop": CR, "PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    contents = read(image(pixels, **data))
    np.testing.assert_array_equal(contents.pixels[0], 4095 - pixels)
    assert any("MONOCHROME1" in step.note for step in contents.steps)
    told = read(image(pixels, **data, PixelIntensityRelationshipSign=1))
    np.testing.assert_array_equal(told.pixels[0], pixels)
    falling = read(image(pixels, BitsStored=12, HighBit=11, PixelIntensityRelationshipSign=-1))
    np.testing.assert_array_equal(falling.pixels[0], 4095 - pixels)
    assert any(step.is_warning for step in falling.steps)
    signed = read(image(ramp(np.int16), sop=CR, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(signed.pixels[0], -1 - ramp(np.int16))


def test_rescale_is_applied_to_counts_and_not_to_pictures():
    scaled = read(image(ramp(np.uint16), RescaleSlope="0.5", RescaleIntercept="-20"))
    np.testing.assert_array_equal(scaled.pixels[0], ramp(np.uint16) * np.float32(0.5) - 20)
    picture = read(image(ramp(np.uint16), sop=CR, RescaleSlope="0.5", RescaleIntercept="-20"))
    np.testing.assert_array_equal(picture.pixels[0], ramp(np.uint16))
    with pytest.raises(CorruptScanError, match="rescale slope is 0"):
        read(image(ramp(np.uint16), RescaleSlope="0", RescaleIntercept="3"))


def test_padding_is_marked():
    pixels = ramp(np.uint16)
    pixels[:, -2:] = 7
    contents = read(image(pixels, PixelPaddingValue=7))
    assert np.isnan(contents.pixels[0][:, -2:]).all()
    np.testing.assert_array_equal(contents.pixels[0][:, :-2], pixels[:, :-2])


@pytest.mark.parametrize("syntax", ["explicit", "rle"])
def test_color_becomes_luminance(syntax):
    gray = ramp(np.uint8)
    contents = read(image(np.repeat(gray[..., None], 3, axis=2)), syntax)
    assert contents.quantity == "display"
    np.testing.assert_array_equal(contents.pixels[0], gray)


@pytest.mark.parametrize(("bits", "double"), [(8, False), (8, True), (16, True)])
def test_palettes(bits, double):
    pixels = (ramp(np.uint8) // 4).astype(np.uint8)
    levels = (np.arange(64) * (3 if bits == 8 else 900)).astype(np.uint16 if double else np.uint8)
    data = image(pixels, PhotometricInterpretation="PALETTE COLOR")
    for color in ("Red", "Green", "Blue"):
        setattr(data, f"{color}PaletteColorLookupTableDescriptor", [64, 0, bits])
        setattr(data, f"{color}PaletteColorLookupTableData", levels.tobytes())
    contents = read(data)
    assert contents.quantity == "display"
    np.testing.assert_array_equal(contents.pixels[0], levels[pixels])


@pytest.mark.parametrize("syntax", ["explicit", "rle"])
def test_frames_are_views(syntax):
    frames = ramp(np.uint16, (3, 11, 14))
    contents = read(image(frames), syntax)
    assert contents.energies is None
    np.testing.assert_array_equal(contents.pixels, frames[:1])
    np.testing.assert_array_equal(np.stack([other.pixels[0] for other in contents.others]), frames[1:])


def frame_types(*energies):
    groups = []
    for energy in energies:
        inner, item = Dataset(), Dataset()
        inner.FrameType = ["ORIGINAL", energy]
        item.CTImageFrameTypeSequence = Sequence([inner])
        groups.append(item)
    return Sequence(groups)


def test_two_frames_are_energies_only_where_the_file_says_so():
    frames = ramp(np.uint16, (2, 11, 14))
    told = read(image(frames, PerFrameFunctionalGroupsSequence=frame_types("LOW ENERGY", "HIGH ENERGY")))
    assert told.energies == ("low", "high")
    assert told.pixels.shape == (2, 11, 14)
    same = read(image(frames, PerFrameFunctionalGroupsSequence=frame_types("LOW ENERGY", "LOW ENERGY")))
    assert (same.pixels.shape, len(same.others)) == ((1, 11, 14), 1)
    assert read(image(ramp(np.uint16), ImageType=["ORIGINAL", "LOW ENERGY"])).energies == ("low",)


@pytest.mark.parametrize(
    ("said", "pitch", "note"),
    [
        ({"PixelSpacing": [5, 4]}, (0.005, 0.004), "Pixel Spacing"),
        ({"ImagerPixelSpacing": [6, 6], "EstimatedRadiographicMagnificationFactor": 1.5}, (0.004, 0.004), "0018,1114"),
        (
            {"ImagerPixelSpacing": [6, 6], "DistanceSourceToDetector": 9000, "DistanceSourceToPatient": 6000},
            (0.004, 0.004),
            "dist",
        ),
        ({"ImagerPixelSpacing": [6, 6]}, None, "warning: the file gives the pitch at the detector, 6 x 6 mm"),
        ({"ImagerPixelSpacing": [6, 6], "PixelSpacing": [6, 6]}, None, "warning"),
        ({"ImagerPixelSpacing": [6, 6], "PixelSpacing": [4, 4]}, (0.004, 0.004), "Pixel Spacing"),
        ({"PixelSpacing": ["0.00001", "0.00001"]}, None, "which no scanner has"),
        ({"PixelSpacing": [0, 0]}, None, ""),
    ],
)
def test_pitch_is_that_of_the_load(said, pitch, note):
    contents = read(image(ramp(np.uint16), **said))
    assert contents.pixel_pitch == (None if pitch is None else pytest.approx(pitch))
    assert note in contents.steps[-1].note


def test_header():
    data = image(ramp(np.uint16), KVP="6000", Manufacturer="Maker", ManufacturerModelName="Gate 6")
    data.AcquisitionDateTime = "20260102030405.25+0200"
    data.PatientName, data.PatientID, data.PatientBirthDate = "Doe^Jo", "MSKU1234567", "19700101"
    data.add_new(0x40101042, "CS", "CARGO")
    data.StudyID = "lane 3"
    contents = read(data)
    assert (contents.vendor, contents.scanner, contents.endpoints) == ("Maker", "Gate 6", (6.0,))
    assert contents.acquired_at == datetime(2026, 1, 2, 1, 4, 5, 250000, UTC)
    assert contents.acquired_at.utcoffset() == timedelta(hours=2)
    assert contents.ids["ooi"] == "MSKU1234567"
    assert contents.ids["scan"] == "lane 3"
    assert "Doe" not in repr(contents)
    assert "1970" not in repr(contents)


@pytest.mark.parametrize(("sop", "kind"), [(CR, None), (PROCESSING, "PERSON"), (PROCESSING, None)])
def test_nothing_of_a_person_is_read(sop, kind):
    data = image(ramp(np.uint16), sop=sop, PatientName="Doe^Jo", PatientID="secret")
    if kind:
        data.add_new(0x40101042, "CS", kind)
    assert "secret" not in repr(read(data))


def test_the_scan_s_time_without_a_zone_stays_without():
    contents = read(image(ramp(np.uint16), ContentDate="20260102", ContentTime="030405", KVP="150"))
    assert contents.acquired_at == datetime(2026, 1, 2, 3, 4, 5)
    assert contents.endpoints is None
    zoned = read(image(ramp(np.uint16), ContentDate="20260102", ContentTime="0304", TimezoneOffsetFromUTC="-0330"))
    assert zoned.acquired_at.isoformat() == "2026-01-02T03:04:00-03:30"


def test_a_missing_decoder_is_named(monkeypatch):
    unknown = encoded(image(ramp(np.uint16)), "rle").replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.4.")
    with pytest.raises(ReadError, match=r"unknown transfer syntax .*export it uncompressed"):
        read(unknown)
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.is_available", property(lambda self: False))
    with pytest.raises(MissingDependencyError, match=r"RLE Lossless \(1\.2\.840\.10008\.1\.2\.5\), for which no decoder .*pip"):
        read(encoded(image(ramp(np.uint16)), "rle"))


def test_a_report_is_sent_to_its_reader():
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.501.3", "1.2"
    with pytest.raises(ReadError, match=r"xrayscan\.report\.read_tdr"):
        read(encoded(data))


def test_real_files_open_or_name_what_is_missing(shared):
    paths = sorted((shared / "dicos").rglob("*.dcs")) + sorted((shared / "dicom").glob("*.dcm"))
    assert len(paths) >= 10
    opened, missing, refused = {}, {}, {}
    for path in paths:
        file = ScanFile.open(path)
        assert dicom.can_read(file), path
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                opened[path.name] = dicom.read(file)
        except MissingDependencyError as error:
            missing[path.name] = str(error)
        except ReadError as error:
            refused[path.name] = str(error)
    assert all("pip install" in said and "1.2.840.10008.1.2.4" in said for said in missing.values())
    assert all("TDR" in name and "read_tdr" in said for name, said in refused.items())
    counts = opened["SimpleProcessingDX.dcs"]
    assert counts.quantity == "counts"
    np.testing.assert_array_equal(counts.pixels[0], np.arange(128 * 256, dtype=np.uint16).reshape(128, 256))
    volume = opened["SimpleCT0000.dcs"]
    assert (len(volume.others), volume.quantity) == (39, "display")
    assert volume.steps[0].is_warning


def test_real_lossless_pictures(shared):
    pytest.importorskip("gdcm", reason="no decoder for lossless JPEG here")
    picture = dicom.read(ScanFile.open(shared / "dicos" / "DXFiles" / "SimplePresentationDX.dcs"))
    assert picture.quantity == "display"
    np.testing.assert_array_equal(picture.pixels[0], np.arange(128 * 256, dtype=np.uint16).reshape(128, 256))


def test_the_sign_is_of_the_stored_values_and_not_of_the_rescaled_ones():
    falling = read(image(65535 - ramp(np.uint16), PixelIntensityRelationshipSign=-1, RescaleSlope="2", RescaleIntercept="5"))
    np.testing.assert_array_equal(falling.pixels[0], ramp(np.uint16) * np.float32(2) + 5)
    signed = read(image(32767 - ramp(np.int16), PixelIntensityRelationshipSign=-1))
    np.testing.assert_array_equal(signed.pixels[0], ramp(np.int16))
    with pytest.raises(ReadError, match="at which value no beam is, it does not say; export it as integers"):
        read(image(ramp(np.float32), wide=True, PixelIntensityRelationshipSign=-1))


@pytest.mark.parametrize("syntax", ["implicit", "explicit"])
def test_a_table_of_signed_pixels_starts_below_zero(syntax):
    pixels = np.arange(-32768, 32768, 512, dtype=np.int16).reshape(8, 16)
    table = Dataset()
    table.add_new(0x00283002, "SS", [0, -32768, 16])
    table.add_new(0x00283006, "OW", np.arange(65536, dtype=np.uint16).tobytes())
    contents = read(image(pixels, ModalityLUTSequence=Sequence([table])), syntax)
    np.testing.assert_array_equal(contents.pixels[0], pixels.astype(int) + 32768)
