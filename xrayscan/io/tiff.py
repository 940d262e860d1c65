"""TIFF and BigTIFF: one page is one energy, two pages are high then low.

tifffile knows the structure; the pixels are decoded in `xrayscan.io.tiff_segments`, which takes no more memory than the page
needs and nothing for granted: a missing or short strip is an error there and never a dark stripe.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from xrayscan.errors import ReadError
from xrayscan.io.color import Plane, to_gray
from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile
from xrayscan.io.tiff_segments import Page, decode_pages
from xrayscan.scan import Step

__all__ = ["NEEDS", "can_read", "read"]

NEEDS: tuple[str, ...] = ("tifffile",)
MAGICS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
MAX_PAGES = 64
MAX_OFFSET = 256
"""Most columns by which two pages may differ to be laid upon each other by what they show."""

_THUMBNAIL_OR_MASK = 0b101  # NewSubfileType, TIFF 6.0 section 8
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_PACKED = (10, 12, 14)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_SURE = 0.6
_DEPTHS = (10, 12, 14, 16, 20, 24, 32, 64)
"""Bits of a converter: the fewest of these that hold all values are those in use."""


def can_read(file: ScanFile) -> bool:
    """Whether the file starts as TIFF or BigTIFF, of either byte order."""
    return file.head.startswith(MAGICS)


def read(file: ScanFile) -> Contents:
    """The pages of a TIFF file.

    Thumbnails and masks are passed over. Of more than two further pages the sidecar must say which are the scan
    (``pages = [0, 1]``, high first). Two pages of unequal width are cut to the edge that they share: the one that the sidecar
    names as ``align``, else the one at which their pictures agree beyond doubt, and a step says so. Gray pages keep the
    numbers that are stored. Only where the tag says WhiteIsZero they may be turned round, without losing a bit: 8 bits always,
    wider unsigned integers if the border, where air is, is dark; a step says what was done. Samples of 10, 12 and 14 bits,
    packed bit by bit, keep their numbers too, and the largest of them is the ``saturation``. RGB becomes one gray plane (see
    `xrayscan.io.color.to_gray`) and ``display``. Resolution tags are not believed: they are mostly those of a printer.

    Raises
    ------
    CorruptScanError
        If it is damaged or cut off.
    ReadError
        If it is sound, and not a scan as described above.
    MissingDependencyError
        If its compression needs the package ``imagecodecs``.
    """
    pages, tags = _pages(file)
    chosen = _chosen(file, pages)
    images, planes = [], []
    for page, image in zip(chosen, decode_pages(file, chosen), strict=True):
        image = _upright(image, page.orientation)
        if image.ndim == 3:
            planes.append(to_gray(image))
            image = planes[-1].pixels
        images.append(image)
    images, turned = _brightened(images, chosen)
    images, steps = _aligned(file, images)
    packed = any(page.bits in _PACKED for page in chosen)
    return Contents(
        _stack(file, images),
        quantity="display" if planes else None,
        bad_pixels=_covered(planes, images),
        saturation=float((1 << max(page.bits for page in chosen)) - 1) if packed else None,
        steps=(*(step for plane in planes for step in plane.steps), *turned, *steps),
        vendor=tags.get("vendor"),
        scanner=tags.get("scanner"),
    )


def _upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Rows from the top and columns from the left, whichever way the file stores them (TIFF 6.0, tag 274)."""
    turned = image.swapaxes(0, 1) if orientation > 4 else image
    down, across = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return np.ascontiguousarray(turned[:: -1 if down else 1, :: -1 if across else 1])


def _covered(planes: list[Plane], images: list[np.ndarray]) -> np.ndarray | None:
    """What is burnt over in any page in color, shape (pages, rows, columns); None where nothing is, or pages were cut since."""
    covered = [plane.covered for plane in planes if plane.covered is not None]
    if not covered or any(mask.shape != image.shape for mask in covered for image in images):
        return None
    return np.repeat(np.any(covered, axis=0)[None], len(images), axis=0)


def _brightened(images: list[np.ndarray], pages: list[Page]) -> tuple[list[np.ndarray], tuple[Step, ...]]:
    """Gray pages that the tag calls WhiteIsZero with air bright, and the step that says what was done.

    The tag is about display. Some writers store the beam and set it to have dense things shown bright, others store the
    negative. Which of them it is, the border tells: there is air above and beside a vehicle.
    """
    marked = [number for number, page in enumerate(pages) if page.white_is_zero and images[number].dtype.kind == "u"]
    if not marked:
        return images, ()
    if images[marked[0]].dtype == np.uint8:
        top, note = 255, "WhiteIsZero with 8 bits: turned round at 255, every bit kept"
    else:
        place = float(np.median([_border(images[number]) for number in marked]))
        if not place < 1 - _SURE:
            unsure = "warning: WhiteIsZero, and the border tells not whether air is dark or bright: numbers kept as stored"
            sure = "WhiteIsZero, but the border is bright, as air is: numbers kept as stored"
            return images, (Step("tiff", sure if place > _SURE else unsure, {"turned": False}),)
        used = max(int(images[number].max()).bit_length() for number in marked)
        packed = max(pages[number].bits for number in marked if pages[number].bits in _PACKED or number == marked[0])
        top = (1 << (packed if packed in _PACKED else next(bits for bits in _DEPTHS if bits >= used))) - 1
        note = f"warning: WhiteIsZero and a dark border: turned round at {top}, where no beam is assumed, every bit kept"
    turned = [np.subtract(image.dtype.type(top), image) if n in marked else image for n, image in enumerate(images)]
    return turned, (Step("tiff", note, {"turned": True, "full_scale": top}),)


def _border(image: np.ndarray) -> float:
    """Where between dark (0) and bright (1) the picture's border lies: middle one of top rows, left and right columns."""
    rows, columns = image.shape
    thinned = image[:: max(1, rows // 512), :: max(1, columns // 1024)]
    low, high = (float(level) for level in np.percentile(thinned, (2, 98)))
    if not high > low:
        return 0.5
    down, across = max(1, rows // 50), max(1, columns // 50)
    strips = (image[:down], image[:, :across], image[:, -across:])
    level = float(np.median([np.median(strip[:: max(1, strip.shape[0] // 256)]) for strip in strips]))
    return (level - low) / (high - low)


def _pages(file: ScanFile) -> tuple[list[Page], dict[str, str]]:
    """What the file says of its full pages, and who made it."""
    import tifffile

    try:
        with _listening(tifffile.logger()) as complaints, tifffile.TiffFile(io.BytesIO(file.data)) as tif:
            found = list(_walk(file, tif))
            pages = [_page(file, page) for page in found if not int(page.subfiletype) & _THUMBNAIL_OR_MASK]
            tags = _tags(found[0]) if found else {}
    except ReadError:
        raise
    except Exception as error:  # a damaged file makes tifffile raise a dozen kinds, up to MemoryError
        raise file.corrupt(
            f"its TIFF structure is damaged ({str(error)[:200] or type(error).__name__}); copy it again"
        ) from error
    if complaints:
        raise file.corrupt(f"its TIFF structure is damaged ({complaints[0][:200]}); copy it again")
    if not pages:
        raise file.corrupt("it holds no page")
    return pages, tags


def _walk(file: ScanFile, tif: Any) -> Iterator[Any]:
    for index in range(MAX_PAGES + 1):
        try:
            page = tif.pages[index]
        except IndexError:
            return
        if index == MAX_PAGES:
            raise file.refused(f"it holds more than {MAX_PAGES} pages; a scan has one, or two: high then low")
        yield page


class _Listener(logging.Filter):
    """Keeps what one thread's tifffile complains of, and keeps it off the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.complaints: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self.thread:
            return True
        if record.levelno >= logging.ERROR:
            self.complaints.append(record.getMessage())
        return False


@contextmanager
def _listening(logger: logging.Logger) -> Iterator[list[str]]:
    listener = _Listener()
    logger.addFilter(listener)
    try:
        yield listener.complaints
    finally:
        logger.removeFilter(listener)


def _page(file: ScanFile, page: Any) -> Page:
    """The numbers of a page that decoding needs, checked."""
    rows, columns, samples = int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel)
    check_claim(file, rows, columns, samples)
    bits, kind = _one(page.bitspersample), _KINDS.get(_one(page.sampleformat), "")
    if not (bits in (8, 16, 32, 64) and kind and (kind, bits) != ("f", 8)) and not (bits in _PACKED and kind == "u"):
        raise file.refused(
            f"its pixels have {page.bitspersample} bits of sample format {page.sampleformat}; "
            "8, 10, 12, 14, 16, 32 or 64-bit integers and 16, 32 or 64-bit floats are read: save it again with 16 bits"
        )
    photometric = int(page.photometric)
    if not (photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) and samples == 1) and not (
        photometric == _RGB and samples in (3, 4)
    ):
        raise file.refused(
            f"its pixels have {samples} samples in the colors {getattr(page.photometric, 'name', photometric)}; gray with one "
            "sample and RGB are read, and each energy needs its own page"
        )
    if int(page.imagedepth) != 1 or int(page.fillorder) != 1:
        raise file.refused("it is a volume or has its bits reversed; save it again as plain pages")
    tiled = bool(page.is_tiled)
    return Page(
        rows=rows,
        columns=columns,
        samples=samples,
        dtype=np.dtype(f"{page.parent.byteorder}{kind}{2 if bits in _PACKED else bits // 8}"),
        bits=bits,
        compression=int(page.compression),
        predictor=int(page.predictor),
        planar=int(page.planarconfig) == 2 and samples > 1,
        segment=(int(page.tilelength), int(page.tilewidth)) if tiled else (min(int(page.rowsperstrip), rows), columns),
        tiled=tiled,
        offsets=tuple(int(offset) for offset in page.dataoffsets),
        counts=tuple(int(count) for count in page.databytecounts),
        white_is_zero=photometric == _WHITE_IS_ZERO,
        orientation=int(page.tags.valueof(274) or 1),
    )


def _one(value: Any) -> int:
    """The common value of a tag that has one for each sample, else 0."""
    values = set(value) if isinstance(value, (tuple, list)) else {value}
    return int(values.pop()) if len(values) == 1 else 0


def _tags(page: Any) -> dict[str, str]:
    """Vendor and scanner: the tags Make and Model."""
    found = {}
    for name, code in (("vendor", 271), ("scanner", 272)):
        value = page.tags.valueof(code)
        if isinstance(value, str) and value.strip():
            found[name] = value.strip()[:200]
    return found


def _chosen(file: ScanFile, pages: list[Page]) -> list[Page]:
    named = file.settings.get("pages")
    if named is not None:
        if not isinstance(named, list) or not named or not all(type(n) is int and 0 <= n < len(pages) for n in named):
            raise file.refused(f"its sidecar says pages = {named!r}; expected a list of numbers from 0 to {len(pages) - 1}")
        return [pages[number] for number in named]
    if len(pages) > 2:
        raise file.refused(
            f"it holds {len(pages)} pages; a scan has one, or two: high then low. Name the scan's pages in a sidecar, "
            "such as pages = [0, 1], high first"
        )
    return pages


def _aligned(file: ScanFile, images: list[np.ndarray]) -> tuple[list[np.ndarray], tuple[Step, ...]]:
    """Pages of unequal width cut to the edge that they share, and the step that says so."""
    shapes = [image.shape for image in images]
    width = min(columns for _, columns in shapes)
    if len({rows for rows, _ in shapes}) > 1 or all(columns == width for _, columns in shapes):
        return images, ()
    align, why = file.settings.get("align"), "as the sidecar says"
    if align not in ("left", "right"):
        align, why = _shared_edge(images) if len(images) == 2 else (None, "")
    if align is None:
        raise file.refused(
            f"its pages have the shapes {shapes}; expected the same in each. If they share one edge, say in a sidecar "
            "align = 'left' or align = 'right', and what is over at the other edge is left off"
        )
    note = f"pages of {' and '.join(str(columns) for _, columns in shapes)} columns were cut to their {align} edge, {why}"
    cut = [image[:, :width] if align == "left" else image[:, -width:] for image in images]
    return cut, (Step("tiff", note, {"align": align, "columns": width}),)


def _shared_edge(images: list[np.ndarray]) -> tuple[str | None, str]:
    """The edge at which two pages of unequal width show the same, if that is beyond doubt.

    Compared are the changes along the columns, which are the same at all energies in place and sign: at every offset that the
    widths allow. The best offset must be at one edge, and the other edge must be far worse.
    """
    narrow, wide = sorted((_changes(image) for image in images), key=lambda changes: changes.shape[1])
    width = narrow.shape[1]
    over = wide.shape[1] - width
    if width < 64 or over > min(width // 4, MAX_OFFSET):
        return None, ""
    scores = [_correlation(narrow, wide[:, offset : offset + width]) for offset in range(over + 1)]
    best = int(np.argmax(scores))
    other = scores[over - best] if best in (0, over) else 1.0
    if scores[best] < 0.7 or scores[best] - other < 0.3:
        return None, ""
    return (
        "left" if best == 0 else "right"
    ), f"where they agree: correlation {scores[best]:.2f}, {other:.2f} at the other edge"


def _changes(image: np.ndarray) -> np.ndarray:
    """Changes of the logarithm along the columns, of up to 32 bands of rows that quiet the noise."""
    bands = np.array_split(image, min(32, image.shape[0]))
    means = np.stack([band[:: max(1, len(band) // 16)].mean(0, dtype=np.float64) for band in bands])
    return np.diff(np.log(np.maximum(np.nan_to_num(means), 1e-6)), axis=1)


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    scale = float(np.sqrt((one * one).sum() * (two * two).sum()))
    return float((one * two).sum()) / scale if scale > 0 else 0.0


def _stack(file: ScanFile, images: list[np.ndarray]) -> np.ndarray:
    """Pages of one detector as (energies, rows, columns)."""
    if len({image.dtype for image in images}) > 1:
        raise file.refused(
            f"its pages have the types {', '.join(str(i.dtype) for i in images)}; expected the same type in each"
        )
    shapes = [image.shape for image in images]
    if len({rows for rows, _ in shapes}) > 1:
        raise file.refused(f"its pages have the shapes {shapes}; expected the same detector rows in each")
    check_claim(file, len(images), *images[0].shape)
    return images[0][None] if len(images) == 1 else np.stack(images)
