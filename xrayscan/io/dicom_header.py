"""What the header of a DICOM or DICOS file says of the scan: maker, identifiers, time and pitch; nothing of a person."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from xrayscan.io.dicom_elements import Dataset
from xrayscan.scan import Step

__all__ = ["acquired_at", "identifiers", "is_dicos", "maker", "moment", "pitch", "sop_class"]

_DICOS = "1.2.840.10008.5.1.4.1.1.501."
_NAMED_IDS = {
    "sop_class": 0x00080016,
    "sop_instance": 0x00080018,
    "series": 0x0020000E,
    "study": 0x0020000D,
    "instance_number": 0x00200013,
    "station": 0x00081010,
    "serial": 0x00181000,
}
_SAYS_NOTHING = ("", "unknown", "none", "n/a")
_MOMENTS = ((0x00080022, 0x00080032), (0x00080023, 0x00080033), (0x00080021, 0x00080031), (0x00080020, 0x00080030))
_STAMP = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)?(\d\d)?(?:\.(\d{1,6}))?)?([+-]\d{4})?")
_LEAST_PITCH, _MOST_PITCH = 1e-4, 0.2


def sop_class(data: Dataset) -> str:
    """SOP class UID of the data set, or else of the file meta information; "" if there is none."""
    return data.text(0x00080016) or data.text(0x00020002) or ""


def is_dicos(data: Dataset) -> bool:
    """Whether it is a DICOS file: by its SOP class or its DICOS version."""
    return sop_class(data).startswith(_DICOS) or 0x4010103A in data


def maker(data: Dataset) -> tuple[str | None, str | None]:
    """Vendor and scanner, None where the file does not say."""
    vendor, scanner = (_said(data.text(tag)) for tag in (0x00080070, 0x00081090))
    return vendor, scanner


def identifiers(data: Dataset) -> dict[str, str]:
    """Identifiers of scan and object; in DICOS also of the inspected object, unless that is a person."""
    tags = dict(_NAMED_IDS)
    kind = (data.text(0x40101042) or "").upper()
    if is_dicos(data):
        tags |= {"scan": 0x00200010}
        if kind in ("CARGO", "BAGGAGE"):
            tags |= {"ooi": 0x00100020}
    found = {name: _said(data.text(tag)) for name, tag in tags.items()}
    return {name: value[:200] for name, value in found.items() if value} | ({"ooi_type": kind[:16]} if kind else {})


def _said(text: str | None) -> str | None:
    return None if text is None or text.lower() in _SAYS_NOTHING else text[:200]


def acquired_at(data: Dataset) -> datetime | None:
    """When the scan was taken: acquisition, else content, series or study date; with its zone where that is told."""
    zone = data.text(0x00080201)
    found = moment(data.text(0x0008002A), zone)
    for date, time in _MOMENTS:
        if found is None and data.text(date):
            found = moment((data.text(date) or "") + (data.text(time) or ""), zone)
    return found


def moment(stamp: str | None, zone: str | None = None) -> datetime | None:
    """A DICOM date-time (PS3.5, 6.2: YYYYMMDDHHMMSS.FFFFFF&ZZXX); None if it is none.

    Examples
    --------
    >>> moment("20231216090455.12+0100").isoformat()
    '2023-12-16T09:04:55.120000+01:00'
    """
    found = _STAMP.fullmatch((stamp or "").strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, own = found.groups()
    try:
        at = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), min(int(second or 0), 59),
            int((fraction or "").ljust(6, "0")),
        )  # fmt: skip
        offset = own or zone or ""
        if re.fullmatch(r"[+-]\d{4}", offset):
            ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
            at = at.replace(tzinfo=timezone(ahead if offset[0] == "+" else -ahead))
    except ValueError:
        return None
    return at


def pitch(data: Dataset) -> tuple[tuple[float, float] | None, tuple[Step, ...]]:
    """(row, column) pitch at the load [m] and how it was found; None where the file does not give it.

    Pixel Spacing (0028,0030) is taken as it is, unless it only repeats the spacing at the detector without having been
    calibrated. The detector's spacing (0018,1164) is divided by the magnification (0018,1114), or by source-to-detector over
    source-to-object distance. Without a magnification it is no pitch at the load, and that is left to be estimated.

    References
    ----------
    .. [1] DICOM PS3.3, section 10.7.1: pixel spacing and its calibration; C.8.7.5: magnification.
    """
    plane, imager = _pair(data, 0x00280030), _pair(data, 0x00181164)
    if plane and (imager is None or plane != imager or data.text(0x00280A02)):
        return _within(plane, "Pixel Spacing (0028,0030)")
    if imager is None:
        return None, ()
    factor, source = data.number(0x00181114), "magnification (0018,1114)"
    far, near = data.number(0x00181110), data.number(0x00181111)
    if factor is None and far and near and near > 0:
        factor, source = far / near, "source distances (0018,1110) and (0018,1111)"
    if factor is None or not 1.0 <= factor <= 20.0:
        note = (
            f"warning: the file gives the pitch at the detector, {imager[0] * 1e3:.3g} x {imager[1] * 1e3:.3g} mm, and no "
            "magnification: the pitch at the load is not known from it"
        )
        return None, (Step("dicom pitch", note, {"detector_row": imager[0], "detector_column": imager[1]}),)
    at_load = imager[0] / factor, imager[1] / factor
    return _within(at_load, f"Imager Pixel Spacing (0018,1164) over {source}, {factor:.4g}")


def _pair(data: Dataset, tag: int) -> tuple[float, float] | None:
    """A spacing in mm as meters, if it is one."""
    found = data.numbers(tag)
    if len(found) != 2 or not all(0 < number < 1e6 for number in found):
        return None
    return found[0] / 1e3, found[1] / 1e3


def _within(found: tuple[float, float], source: str) -> tuple[tuple[float, float] | None, tuple[Step, ...]]:
    text = f"{source} gives {found[0] * 1e3:.4g} x {found[1] * 1e3:.4g} mm"
    numbers = {"row": found[0], "column": found[1]}
    if not all(_LEAST_PITCH <= side <= _MOST_PITCH for side in found):
        return None, (Step("dicom pitch", f"warning: {text}, which no scanner has: left off", numbers),)
    return found, (Step("dicom pitch", text, numbers),)
