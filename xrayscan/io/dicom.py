"""DICOM and DICOS: radiographs for processing as counts, everything that is made for eyes as display.

What the numbers are is taken from the file and the standard alone, by the first line that holds:

============================================================  =================================================
the file says                                                 the pixels are
============================================================  =================================================
PALETTE COLOR, RGB or YBR colors                              ``display``, the luminance
a SOP class of CT, or of anything but radiography             ``display``, with a warning: slices are no radiographs
For Presentation (SOP class or (0008,0068)), or DISP          ``display``
Image Type names a derived quantity (Z effective, density)    ``display``, with a warning
relationship LOG with a Modality LUT                          ``counts``, through the table (PS3.3, C.8.7.1.1.2)
relationship LOG without one                                  refused: the scale of the logarithm is nowhere told
relationship LIN, or For Processing                           ``counts`` (floats: told from their range)
none of these (plain CR and others)                           ``display``
============================================================  =================================================

Bright is air afterwards, as far as the file tells: pixels of which (0028,1041) says that higher values mean less beam are
turned round at full scale. A picture without that word is turned round if it is MONOCHROME1, so that its numbers run as they
are shown; whether that makes air bright, normalization finds. Turning is exact, and a `Step` says so. Windows
and VOI tables are for eyes and are not applied; rescale slope and intercept are, to counts.

Nothing of a person is read: of group 0010 only the identifier of the object of inspection in DICOS, and not where that
object is a person.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from xrayscan.io.contents import Contents
from xrayscan.io.dicom_elements import Dataset, looks_like_dicom, open_dicom
from xrayscan.io.dicom_header import acquired_at, identifiers, maker, pitch, sop_class
from xrayscan.io.dicom_pixels import Layout, has_pixels, layout_of, lookup_of, stored_frames
from xrayscan.io.file import ScanFile
from xrayscan.scan import Quantity, Step

__all__ = ["NEEDS", "can_read", "read"]

NEEDS: tuple[str, ...] = ("pydicom",)

_REPORT = "1.2.840.10008.5.1.4.1.1.501.3"
_PRESENTATION = ("1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.501.2.1")
_PROCESSING = ("1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.501.2.2")
_CT = ("1.2.840.10008.5.1.4.1.1.501.1", "1.2.840.10008.5.1.4.1.1.2")
_RADIOGRAPHY = ("DX", "XRAY", "CR", "DR", "RF", "XA", "RG", "IO", "MG", "PX", "")
_DERIVED = ("Z_EFFECTIVE", "Z EFFECTIVE", "ZEFF", "DENSITY", "MU", "COMPTON", "PHOTOELECTRIC")
_LEAST_MEGAVOLT = 1000.0


def can_read(file: ScanFile) -> bool:
    """Whether the file is DICOM, with its preamble or surely without."""
    return looks_like_dicom(file.head)


def read(file: ScanFile) -> Contents:
    """The image of a DICOM or DICOS file; further frames are further views.

    Two frames of which the file says that one is of high and one of low energy are the energies of one view.

    Raises
    ------
    CorruptScanError
        If it is damaged, cut off, or claims more than it holds.
    ReadError
        If it is sound, and no image that can be read: a threat detection report, a logarithm of unknown scale.
    MissingDependencyError
        If its compression needs a decoder that is not installed; the message names it.
    """
    data = open_dicom(file)
    if sop_class(data).startswith(_REPORT):
        raise file.refused("it is a DICOS threat detection report, which has no pixels; read it with xrayscan.report.read_tdr")
    if not has_pixels(data):
        raise file.refused(
            f"it is a DICOM file without pixels (SOP class {sop_class(data) or 'missing'}); name the file that holds the image"
        )
    layout = layout_of(file, data)
    quantity, steps = _quantity(file, data, layout)
    stored, unused = stored_frames(file, data, layout)
    pixels, done = _brought_up(file, data, layout, stored, quantity)
    spacing, told = pitch(data)
    steps = (*unused, *steps, *done, *told)
    energies = _energies(data, layout.frames)
    vendor, scanner = maker(data)
    first = Contents(
        pixels[:1],
        quantity=_told(pixels, quantity),
        pixel_pitch=spacing,
        energies=energies if layout.frames == 1 else None,
        vendor=vendor,
        scanner=scanner,
        ids=identifiers(data),
        acquired_at=acquired_at(data),
        endpoints=_endpoints(data),
        steps=steps,
    )
    if layout.frames == 1:
        return first
    if layout.frames == 2 and energies in (("high", "low"), ("low", "high")):
        return replace(first, pixels=pixels, energies=energies, endpoints=None)
    others = tuple(
        Contents(pixels[n : n + 1], quantity=first.quantity, pixel_pitch=spacing, endpoints=first.endpoints, steps=steps)
        for n in range(1, layout.frames)
    )
    return replace(first, others=others)


def _told(pixels: np.ndarray, quantity: Quantity | None) -> Quantity | None:
    """Counts that are floats may be transmission: their range tells, where it is judged for every format."""
    return None if quantity == "counts" and pixels.dtype.kind == "f" else quantity


def _quantity(file: ScanFile, data: Dataset, layout: Layout) -> tuple[Quantity, tuple[Step, ...]]:
    """What the numbers are, by the table above."""
    modality = (data.text(0x00080060) or "").upper()
    relation = (data.text(0x00281040) or "").upper()
    intent = (data.text(0x00080068) or "").upper().replace("_", " ")
    kind = sop_class(data)
    for_eyes = intent == "FOR PRESENTATION" or kind in _PRESENTATION or relation == "DISP"
    for_processing = intent == "FOR PROCESSING" or kind.startswith(_PROCESSING)
    derived = [part for part in data.texts(0x00080008) if part.upper() in _DERIVED]
    if layout.is_color:
        return "display", (Step("dicom", f"pixels in {layout.photometric} were turned into their luminance"),)
    if modality not in _RADIOGRAPHY or kind.startswith(_CT):
        note = f"warning: modality {modality or 'CT'}: slices and other images that are no radiographs hold no optical depth"
        return "display", (Step("dicom", note),)
    if for_eyes:
        return "display", (Step("dicom", "the file says that its pixels are for presentation"),)
    if derived:
        note = f"warning: Image Type says {derived[0]}: a derived image, no radiograph; taken as a picture"
        return "display", (Step("dicom", note),)
    if relation == "LOG" and not data.items(0x00283000):
        raise file.refused(
            "its pixels are logarithms of the beam (Pixel Intensity Relationship LOG), and no Modality LUT tells their "
            "scale; export it with the relationship LIN, or as transmission in TIFF"
        )
    if relation in ("LIN", "LOG") or for_processing:
        return "counts", (Step("dicom", f"the file says {relation or 'for processing'}: proportional to the beam"),)
    return "display", (Step("dicom", "nothing in the file says that its pixels are proportional to the beam: a picture"),)


def _brought_up(
    file: ScanFile, data: Dataset, layout: Layout, stored: np.ndarray, quantity: Quantity
) -> tuple[np.ndarray, tuple[Step, ...]]:
    """Pixels of which bright is air, on the file's own scale, without padding."""
    pixels = stored
    steps: list[Step] = []
    padding = None if layout.is_color else _padding(data, stored)
    if quantity == "counts":
        falls, table = data.number(0x00281041) == -1, bool(data.items(0x00283000))
        if falls and not table:  # the sign is of the stored values (PS3.3, C.8.7.1.1.2)
            pixels = _beam_up(file, pixels, layout)
        pixels, steps = _scaled(file, data, pixels)
        if falls:
            pixels = _turned(pixels, layout) if table else pixels
            note = "warning: higher values mean less beam in this file: turned round at full scale, where no beam is assumed"
            steps.append(Step("dicom", note))
    else:
        sign = None if layout.is_color else data.number(0x00281041)
        if sign == -1:
            pixels = _turned(pixels, layout)
            steps.append(Step("dicom", "higher values mean less beam in this file: turned round, every bit kept"))
        elif layout.photometric == "MONOCHROME1" and sign != 1:
            pixels = _turned(pixels, layout)
            steps.append(Step("dicom", "MONOCHROME1 shows high values dark: turned round, every bit kept"))
    if padding is not None:
        pixels = pixels.astype(np.float64 if pixels.dtype.itemsize > 2 and pixels.dtype != np.float32 else np.float32)
        pixels[padding] = np.nan
        share = float(padding.mean())
        steps.append(Step("dicom", f"{share:.2%} of the pixels are padding by the file's own word: marked", {"share": share}))
    return pixels, tuple(steps)


def _scaled(file: ScanFile, data: Dataset, pixels: np.ndarray) -> tuple[np.ndarray, list[Step]]:
    """Pixels through the Modality LUT, or times rescale slope plus intercept; as they are where that changes nothing."""
    tables = data.items(0x00283000)
    if tables:
        table = lookup_of(file, tables[0], 0x00283002, 0x00283006, signed=pixels.dtype.kind == "i")
        return table(pixels), [Step("dicom", "the file's Modality LUT was applied", {"entries": len(table.entries)})]
    slope, intercept = data.number(0x00281053), data.number(0x00281052)
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if (slope, intercept) == (1.0, 0.0):
        return pixels, []
    if slope == 0 or not 1e-30 < abs(slope) < 1e30 or abs(intercept) > 1e30:
        raise file.corrupt(f"its rescale slope is {slope:g} and its intercept {intercept:g}; it is damaged, copy it again")
    exact = pixels.dtype.itemsize <= 2 or pixels.dtype == np.float32
    kind = np.float32 if exact else np.float64
    scaled = np.multiply(pixels, kind(slope), dtype=kind)
    np.add(scaled, kind(intercept), out=scaled)
    note = f"rescaled by the file's slope {slope:g} and intercept {intercept:g}"
    return scaled, [Step("dicom", note, {"slope": slope, "intercept": intercept})]


def _beam_up(file: ScanFile, pixels: np.ndarray, layout: Layout) -> np.ndarray:
    """Stored values with high and low exchanged at their own full scale, where no beam is assumed; each bit is kept."""
    if pixels.dtype.kind == "f":
        raise file.refused(
            "higher values mean less beam in its floats, and at which value no beam is, it does not say; export it as integers"
        )
    size, signed = pixels.dtype.itemsize, pixels.dtype.kind == "i"
    top = (1 << (min(layout.stored, 8 * size) - signed)) - 1
    top = top if int(pixels.max()) <= top else int(np.iinfo(pixels.dtype).max)
    wide = np.dtype(f"i{min(2 * size, 8)}") if signed else pixels.dtype
    return np.subtract(wide.type(top), pixels, dtype=wide)


def _turned(pixels: np.ndarray, layout: Layout) -> np.ndarray:
    """Pixels with high and low exchanged; whole numbers within their own range, so that each bit is kept."""
    if pixels.dtype.kind == "f":
        return np.negative(pixels)
    if pixels.dtype.kind == "i":
        return np.invert(pixels)
    top = (1 << (8 * pixels.dtype.itemsize)) - 1
    stored = (1 << min(layout.stored, 8 * pixels.dtype.itemsize)) - 1
    return np.subtract(pixels.dtype.type(stored if int(pixels.max()) <= stored else top), pixels)


def _padding(data: Dataset, stored: np.ndarray) -> np.ndarray | None:
    """Which pixels are padding (PS3.3, C.7.5.1.1.2), None if there are none."""
    low, high = data.number(0x00280120), data.number(0x00280121)
    if stored.dtype.kind == "f":
        low, high = data.number(0x00280122), data.number(0x00280124)
    if low is None:
        return None
    high = low if high is None else high
    found = (stored >= min(low, high)) & (stored <= max(low, high))
    return found if found.any() and not found.all() else None


def _energies(data: Dataset, frames: int) -> tuple[str, ...] | None:
    """Names of the frames' energies, where Image Type or each Frame Type says HIGH ENERGY or LOW ENERGY."""
    if frames == 1:
        found = _energy(data.texts(0x00080008))
        return (found,) if found else None
    if frames != 2:
        return None
    names = [_energy(tuple(_frame_types(item))) for item in data.items(0x52009230)]
    return tuple(name for name in names if name) if len(names) == frames and all(names) else None


def _frame_types(item: Dataset) -> list[str]:
    """Frame Type (0008,9007) in the functional groups of CT and of projections."""
    return [part for tag in (0x00189329, 0x00189412) for inner in item.items(tag)[:1] for part in inner.texts(0x00089007)]


def _energy(types: tuple[str, ...]) -> str | None:
    for part in types:
        found = re.fullmatch(r"(HIGH|LOW)[ _]ENERGY", part.upper())
        if found:
            return found.group(1).lower()
    return None


def _endpoints(data: Dataset) -> tuple[float] | None:
    """End-point energy [MV] from KVP, where that is a linac's."""
    kilovolt = data.number(0x00180060)
    return (kilovolt / 1000.0,) if kilovolt is not None and _LEAST_MEGAVOLT <= kilovolt <= 20_000 else None
