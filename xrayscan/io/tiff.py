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
from xrayscan.io.color import luminance
from xrayscan.io.contents import Contents, check_claim
from xrayscan.io.file import ScanFile
from xrayscan.io.tiff_segments import Page, decode_page

__all__ = ["NEEDS", "can_read", "read"]

NEEDS: tuple[str, ...] = ("tifffile",)
MAGICS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
MAX_PAGES = 64

_THUMBNAIL_OR_MASK = 0b101  # NewSubfileType, TIFF 6.0 section 8
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2


def can_read(file: ScanFile) -> bool:
    """Whether the file starts as TIFF or BigTIFF, of either byte order."""
    return file.head.startswith(MAGICS)


def read(file: ScanFile) -> Contents:
    """The pages of a TIFF file.

    Thumbnails and masks are passed over. Of more than two further pages the sidecar must say which are the scan
    (``pages = [0, 1]``, high first); pages of unequal width need ``align``, the edge that they share. Gray pages keep the
    numbers that are stored, whichever of them is shown as white, except for 8 bits, where white is made bright. RGB becomes
    luminance and ``display``. Resolution tags are not believed: they are mostly those of a printer.

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
    images, colored = [], False
    for page in chosen:
        image = decode_page(file, page)
        if image.ndim == 3:
            image, colored = luminance(image), True
        elif page.white_is_zero and image.dtype == np.uint8:
            image = np.subtract(255, image, dtype=np.uint8)
        images.append(image)
    return Contents(
        _stack(file, images),
        quantity="display" if colored else None,
        vendor=tags.get("vendor"),
        scanner=tags.get("scanner"),
    )


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
    if bits not in (8, 16, 32, 64) or not kind or (kind == "f" and bits == 8):
        raise file.refused(
            f"its pixels have {page.bitspersample} bits of sample format {page.sampleformat}; "
            "8, 16, 32 or 64-bit integers and 16, 32 or 64-bit floats are read: save it again with 16 bits"
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
        dtype=np.dtype(f"{page.parent.byteorder}{kind}{bits // 8}"),
        compression=int(page.compression),
        predictor=int(page.predictor),
        planar=int(page.planarconfig) == 2 and samples > 1,
        segment=(int(page.tilelength), int(page.tilewidth)) if tiled else (min(int(page.rowsperstrip), rows), columns),
        tiled=tiled,
        offsets=tuple(int(offset) for offset in page.dataoffsets),
        counts=tuple(int(count) for count in page.databytecounts),
        white_is_zero=photometric == _WHITE_IS_ZERO,
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


def _stack(file: ScanFile, images: list[np.ndarray]) -> np.ndarray:
    """Pages of one detector as (energies, rows, columns)."""
    if len({image.dtype for image in images}) > 1:
        raise file.refused(
            f"its pages have the types {', '.join(str(i.dtype) for i in images)}; expected the same type in each"
        )
    shapes = [image.shape for image in images]
    if len({rows for rows, _ in shapes}) > 1:
        raise file.refused(f"its pages have the shapes {shapes}; expected the same detector rows in each")
    width = min(columns for _, columns in shapes)
    if any(columns != width for _, columns in shapes):
        align = file.settings.get("align")
        if align not in ("left", "right"):
            raise file.refused(
                f"its pages have the shapes {shapes}; expected the same in each. If they share one edge, say in a sidecar "
                "align = 'left' or align = 'right', and what is over at the other edge is left off"
            )
        images = [image[:, :width] if align == "left" else image[:, -width:] for image in images]
    check_claim(file, len(images), *images[0].shape)
    return images[0][None] if len(images) == 1 else np.stack(images)
