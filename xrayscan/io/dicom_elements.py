"""The elements of a DICOM file, found by one walk over its bytes and read on demand.

pydicom's own parser inflates without a bound, follows sequences as deep as they go, and warns through a process-wide filter
about every value that breaks a rule. DICOS files break several: their UIDs are no valid UIDs, and their 64-bit types have
headers of their own. So the walk is here: it takes no memory (values stay where they are), its depth and count are bounded,
and its only outcome beside elements is an error that names the file. What the tags are is asked of pydicom's dictionary.

References
----------
.. [1] DICOM PS3.5, sections 7.1 (data elements), 7.5 (sequences), A.4 (encapsulated pixels), A.5 (deflated).
.. [2] DICOM PS3.10, section 7.1 (preamble, file meta information).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from xrayscan.errors import CorruptScanError
from xrayscan.io.file import ScanFile
from xrayscan.io.limits import DEFLATE_RATIO, MAX_PIXELS

__all__ = ["DEFLATED", "Dataset", "Element", "looks_like_dicom", "open_dicom"]

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXTENDED = "1.2.840.10008.1.2.1.64"

MAX_DEPTH = 32
MAX_ELEMENTS = 1_000_000
MAX_VALUES = 100_000
LONG_TEXT = 10_000

_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS, _WIDE = 0x7FE00010, 0x7FE00012
_TRANSFER_SYNTAX = 0x00020010
_TEXTS = frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI"))
_SHORT = _TEXTS | {"AT", "FL", "FD", "SL", "SS", "UL", "US"}
_BULK = frozenset(("OB", "OD", "OF", "OL", "OV", "OW"))
_LONG = _BULK | {"SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
_TYPES = {"US": "u2", "SS": "i2", "UL": "u4", "SL": "i4", "UV": "u8", "SV": "i8", "FL": "f4", "FD": "f8", "AT": "u2"}
_FIRST_INFLATED = 1 << 20
_SLACK = 1 << 16


@dataclass(frozen=True, eq=False)
class Element:
    """One data element: where its value lies.

    Attributes
    ----------
    vr : str
        Value representation; "" where the transfer syntax leaves it out.
    value : memoryview
        The value's bytes; empty for a sequence or encapsulated pixels of undefined length.
    items : tuple of Dataset or None
        Of a sequence of undefined length; others are read when asked for.
    fragments : tuple of memoryview or None
        Of encapsulated pixels, the offset table first.
    """

    vr: str
    value: memoryview
    items: tuple[Dataset, ...] | None = None
    fragments: tuple[memoryview, ...] | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Elements by tag, with the values of each on demand; what is missing or cannot be understood is None.

    Attributes
    ----------
    file : ScanFile
        For errors.
    little, explicit : bool
        Byte order, and whether elements name their VR.
    syntax : str
        Transfer syntax UID, or "" where the file does not say.
    elements : dict of int to Element
        By group << 16 | element.
    """

    file: ScanFile = field(repr=False)
    little: bool
    explicit: bool
    syntax: str
    elements: dict[int, Element] = field(default_factory=dict, repr=False)

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements

    def raw(self, tag: int) -> bytes:
        """The value's bytes; empty if there is none."""
        found = self.elements.get(tag)
        return bytes(found.value) if found else b""

    def texts(self, tag: int) -> tuple[str, ...]:
        """The values of a text, without padding; empty ones stay, so that places keep their meaning."""
        found = self.elements.get(tag)
        if found is None or not len(found.value):
            return ()
        text = _text(bytes(found.value[:LONG_TEXT]))
        return tuple(part.strip() for part in text.split("\\"))

    def text(self, tag: int) -> str | None:
        """The first value of a text, None if there is none or it is empty."""
        found = self.texts(tag)
        return found[0] if found and found[0] else None

    def paragraph(self, tag: int) -> str | None:
        """A text in which a backslash is a backslash (VR LT, ST, UT)."""
        found = self.elements.get(tag)
        text = _text(bytes(found.value[:LONG_TEXT])).strip() if found else ""
        return text or None

    def numbers(self, tag: int, *, signed: bool | None = None) -> tuple[float, ...]:
        """The values of a number, in whichever VR the file or else the standard gives; empty if they are none."""
        found = self.elements.get(tag)
        if found is None or not len(found.value):
            return ()
        vr = found.vr if found.vr not in ("", "UN") else _vr_of(tag)
        if vr == "US or SS":
            own = self.integer(0x00280103) == 1 if tag != 0x00280103 else False
            vr = "SS" if (own if signed is None else signed) else "US"
        if vr in _TYPES:
            dtype = np.dtype(("<" if self.little else ">") + _TYPES[vr])
            value = found.value[: MAX_VALUES * dtype.itemsize]
            whole = value[: len(value) // dtype.itemsize * dtype.itemsize]
            return tuple(np.frombuffer(whole, dtype).tolist())
        if vr in ("DS", "IS"):
            try:
                return tuple(float(part) for part in _text(bytes(found.value[:LONG_TEXT])).split("\\"))
            except ValueError:
                return ()
        return ()

    def number(self, tag: int) -> float | None:
        """The first value of a number, if it is finite."""
        found = self.numbers(tag)
        return float(found[0]) if found and np.isfinite(found[0]) else None

    def integer(self, tag: int) -> int | None:
        """The first value of a whole number."""
        found = self.number(tag)
        return int(found) if found is not None and found == int(found) else None

    def items(self, tag: int) -> tuple[Dataset, ...]:
        """The items of a sequence; none if it is missing or empty.

        Raises
        ------
        CorruptScanError
            If it is damaged.
        """
        found = self.elements.get(tag)
        if found is None:
            return ()
        if found.items is not None:
            return found.items
        if not len(found.value):
            return ()
        explicit = self.explicit and found.vr != "UN"
        walk = _Walk(self.file, found.value, self.little, explicit, self.syntax)
        return walk.items(0, len(found.value), 1)[0]


def looks_like_dicom(head: bytes) -> bool:
    r"""Whether a file that starts so is DICOM: by its magic, or without it by elements that only DICOM has.

    A file without preamble must begin with the group length of its file meta information, or with elements of group 0008 in
    rising order up to a SOP class of DICOM's own root.

    Examples
    --------
    >>> looks_like_dicom(bytes(128) + b"DICM"), looks_like_dicom(b"MM\x00*")
    (True, False)
    """
    if head[128:132] == b"DICM" or head.startswith((b"\x02\x00\x00\x00UL\x04\x00", b"\x02\x00\x01\x00OB\x00\x00")):
        return True
    if head[:2] not in (b"\x08\x00", b"\x00\x08"):
        return False
    little = head[:2] == b"\x08\x00"
    order = "<" if little else ">"
    at, before = 0, -1
    explicit = head[4:6].decode("latin-1") in _SHORT | _LONG
    while at + 12 <= len(head):
        group, element = struct.unpack_from(order + "HH", head, at)
        if group != 8 or element <= before:
            return False
        before = element
        if explicit and head[at + 4 : at + 6].decode("latin-1") in _SHORT:
            length, at = struct.unpack_from(order + "H", head, at + 6)[0], at + 8
        elif explicit:
            length, at = struct.unpack_from(order + "I", head, at + 8)[0], at + 12
        else:
            length, at = struct.unpack_from(order + "I", head, at + 4)[0], at + 8
        if element == 0x16:
            return head[at : at + 14] == b"1.2.840.10008." and length <= 64
        at += length
    return False


def open_dicom(file: ScanFile) -> Dataset:
    """All elements of a DICOM file, with or without preamble, up to and with its pixels.

    Raises
    ------
    CorruptScanError
        If it is damaged, cut off, or claims more than it holds.
    """
    view = memoryview(file.data)
    at = 132 if file.data[128:132] == b"DICM" else 0
    meta = _Walk(file, view, True, True, EXPLICIT)
    try:
        at = meta.group_two(at)
        syntax = Dataset(file, True, True, EXPLICIT, meta.found).text(_TRANSFER_SYNTAX) or ""
        if syntax == DEFLATED:
            view, at = memoryview(_inflated(file, view[at:])), 0
        walk = _walk_over(file, view, at, syntax)
        walk.dataset(at, len(view))
    except _PastEndError as past:
        raise _cut(file, past.tag, past.end, len(view)) from past
    return Dataset(file, walk.little, walk.explicit, syntax, {**meta.found, **walk.found})


def _walk_over(file: ScanFile, view: memoryview, at: int, syntax: str) -> _Walk:
    """The walk in the encoding that the first element shows, whatever the file says of it."""
    first = bytes(view[at : at + 6])
    if len(first) < 6:
        raise file.corrupt("it ends after its file meta information: it was cut off; copy it again")
    little = syntax != BIG if (first[0] == 0) == (first[1] == 0) else first[1] == 0
    explicit = first[4:6].decode("latin-1") in _SHORT | _LONG
    return _Walk(file, view, little, explicit, syntax)


def _inflated(file: ScanFile, data: memoryview) -> bytes:
    """The inflated data set: its first part tells how long its pixels are, and no more than that is taken."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        out = stream.decompress(data, _FIRST_INFLATED)
        if not stream.eof:
            most = min(_length_told(file, out) + _SLACK, DEFLATE_RATIO * len(data) + _SLACK)
            out += stream.decompress(stream.unconsumed_tail, max(1, most - len(out)))
            if not stream.eof and (stream.decompress(stream.unconsumed_tail, 1) or not stream.eof):
                raise file.corrupt("its deflated data do not end where its pixels do; it is cut off or damaged, copy it again")
    except zlib.error as error:
        raise file.corrupt(f"its deflated data are damaged ({error}); copy it again") from error
    return out


def _length_told(file: ScanFile, first: bytes) -> int:
    """Bytes up to the end of the pixels, as the first part of the data set tells; checked against the bounds."""
    walk = _walk_over(file, memoryview(first), 0, EXPLICIT)
    try:
        walk.dataset(0, len(first))
    except _PastEndError as past:
        said = Dataset(file, walk.little, walk.explicit, EXPLICIT, walk.found)
        sides = [said.integer(tag) for tag in (0x00280010, 0x00280011, 0x00280100)]
        more = [said.integer(tag) or 1 for tag in (0x00280002, 0x00280008)]
        claimed = math.prod(max(side or 0, 0) for side in (*sides, *more)) // 8
        if past.tag >> 16 == 0x7FE0 and past.end <= len(first) + claimed + 1 and claimed <= 8 * MAX_PIXELS:
            return past.end
        raise file.corrupt(
            f"its deflated element {_named(past.tag)} reaches to byte {past.end}, its pixels are {claimed} bytes; it is damaged"
        ) from past
    return len(first)


class _PastEndError(Exception):
    """An element that reaches past the end of what is there."""

    def __init__(self, tag: int, end: int) -> None:
        super().__init__(tag, end)
        self.tag, self.end = tag, end


class _Walk:
    """One walk over encoded elements; ``found`` holds those of the outermost data set."""

    def __init__(self, file: ScanFile, view: memoryview, little: bool, explicit: bool, syntax: str) -> None:
        self.file, self.view, self.little, self.explicit, self.syntax = file, view, little, explicit, syntax
        self.found: dict[int, Element] = {}
        self.count = 0
        order = "<" if little else ">"
        self._tag, self._u2, self._u4 = struct.Struct(order + "HH"), struct.Struct(order + "H"), struct.Struct(order + "I")

    def group_two(self, at: int) -> int:
        """Read the file meta information; where the data set begins."""
        while at + 8 <= len(self.view) and self._u2.unpack_from(self.view, at)[0] == 2:
            tag, vr, length, start = self._header(at, len(self.view), self.explicit)
            self._check_end(tag, start, length, len(self.view))
            self.found[tag] = Element(vr, self.view[start : start + length])
            at = start + length
        return at

    def dataset(self, at: int, end: int) -> None:
        """Read the outermost data set, up to the end or to what follows the pixels."""
        for tag, element, _ in self._elements(at, end, self.explicit, 0):
            self.found[tag] = element

    def items(self, at: int, end: int, depth: int, *, open_ended: bool = False) -> tuple[tuple[Dataset, ...], int]:
        """Items of a sequence that begins at ``at``, and where it ends."""
        found: list[Dataset] = []
        if depth > MAX_DEPTH:
            raise self.file.corrupt(f"its sequences are nested more than {MAX_DEPTH} deep; no scan needs that: it is damaged")
        while at < end:
            self._counted()
            if at + 8 > end:
                raise self.file.corrupt("a sequence ends within an item: it was cut off; copy it again")
            tag, length = self._tag_at(at), self._u4.unpack_from(self.view, at + 4)[0]
            at += 8
            if tag == _SEQUENCE_END:
                return tuple(found), at
            if tag != _ITEM:
                raise self.file.corrupt(
                    f"a sequence holds {_named(tag)} where an item must begin; it is damaged, copy it again"
                )
            item = Dataset(self.file, self.little, self.explicit, self.syntax)
            stop = end if length == _UNDEFINED else at + length
            if stop > end:
                raise _cut(self.file, tag, stop, end)
            try:
                at = self._item(item, at, stop, depth, length == _UNDEFINED)
            except _PastEndError as past:
                raise _cut(self.file, past.tag, past.end, end) from past
            found.append(item)
        if open_ended:
            raise self.file.corrupt("a sequence has no end: the file was cut off; copy it again")
        return tuple(found), at

    def _item(self, item: Dataset, at: int, stop: int, depth: int, open_ended: bool) -> int:
        for tag, element, after in self._elements(at, stop, self.explicit, depth):
            if tag == _ITEM_END:
                return after
            item.elements[tag] = element
        if open_ended:
            raise self.file.corrupt("an item of a sequence has no end: the file was cut off; copy it again")
        return stop

    def _elements(self, at: int, end: int, explicit: bool, depth: int) -> Iterator[tuple[int, Element, int]]:
        """Tag, element and where the next begins."""
        while at + 8 <= end:
            self._counted()
            tag = self._tag_at(at)
            if tag == _ITEM_END:
                yield tag, Element("", self.view[at:at]), at + 8
                return
            if depth == 0 and (tag >> 16 == 0 or tag >> 16 > 0x7FE0):
                return  # padding after the last element, a signature, or an annotation: nothing that is read
            tag, vr, length, start = self._header(at, end, explicit)
            if length == _UNDEFINED:
                element, at = self._open_ended(tag, vr, start, end, depth)
            else:
                self._check_end(tag, start, length, end)
                element, at = Element(vr, self.view[start : start + length]), start + length
            yield tag, element, at
        if at < end and depth == 0 and any(self.view[at:end]):
            raise self.file.corrupt("it ends within an element: it was cut off; copy it again")

    def _header(self, at: int, end: int, explicit: bool) -> tuple[int, str, int, int]:
        """Tag, VR, length and start of the value of the element at ``at``."""
        tag = self._tag_at(at)
        if not explicit or tag >> 16 == 0xFFFE:
            length = self._u4.unpack_from(self.view, at + 4)[0]
            if tag == _WIDE and at + 8 + length != end and at + 12 + length == end and not any(self.view[at + 8 : at + 12]):
                return tag, "", length, at + 12  # the same toolkit's 64-bit length, without a VR
            return tag, "", length, at + 8
        vr = bytes(self.view[at + 4 : at + 6]).decode("latin-1")
        if vr in _SHORT:
            return tag, vr, self._u2.unpack_from(self.view, at + 6)[0], at + 8
        if vr not in _LONG and not (vr.isascii() and vr.isalpha() and vr.isupper()):
            raise self.file.corrupt(f"its element {_named(tag)} has the type {vr!r}; it is damaged, copy it again")
        if at + 12 > end:
            raise _PastEndError(tag, at + 12)
        length = self._u4.unpack_from(self.view, at + 8)[0]
        if vr in _BULK and at + 16 <= end and tag >> 16 != 2:
            wide = self._wide(vr, at, length, end)
            if wide is not None:
                return tag, vr, *wide
        return tag, vr, length, at + 12

    def _wide(self, vr: str, at: int, length: int, end: int) -> tuple[int, int] | None:
        """Length of 64 bits and start of the value, where a DICOS toolkit writes one.

        In the transfer syntax with extended lengths, all bulk types have it after their two reserved bytes; type OD has it in
        every explicit transfer syntax, in place of the reserved bytes and the length.
        """
        if vr == "OD":
            told = int.from_bytes(self.view[at + 6 : at + 14], "little" if self.little else "big")
            fits = at + 14 + told <= end
            if fits and (at + 14 + told == end or self.view[at + 6] or self.view[at + 7]) and at + 12 + length != end:
                return told, at + 14
        elif self.syntax == EXTENDED:
            told = int.from_bytes(self.view[at + 8 : at + 16], "little" if self.little else "big")
            if told != (1 << 64) - 1:
                return min(told, 1 << 62), at + 16
            return _UNDEFINED, at + 16
        return None

    def _open_ended(self, tag: int, vr: str, start: int, end: int, depth: int) -> tuple[Element, int]:
        """A sequence or encapsulated pixels of undefined length, and where the next element begins."""
        empty = self.view[start:start]
        if tag >> 16 == 0x7FE0 and vr != "SQ":
            fragments, at = self._fragments(start, end)
            return Element(vr, empty, fragments=fragments), at
        if vr in ("", "SQ"):
            items, at = self.items(start, end, depth + 1, open_ended=True)
            return Element(vr, empty, items=items), at
        if vr != "UN":
            raise self.file.corrupt(f"its element {_named(tag)} of type {vr} has no length; it is damaged, copy it again")
        # PS3.5, 6.2.2 note 4: an unknown sequence is implicit and little endian, whatever the file is.
        inner = _Walk(self.file, self.view, True, False, self.syntax)
        inner.count = self.count
        items, at = inner.items(start, end, depth + 1, open_ended=True)
        self.count = inner.count
        return Element(vr, empty, items=items), at

    def _fragments(self, at: int, end: int) -> tuple[tuple[memoryview, ...], int]:
        fragments: list[memoryview] = []
        while at + 8 <= end:
            self._counted()
            tag, length = self._tag_at(at), self._u4.unpack_from(self.view, at + 4)[0]
            at += 8
            if tag == _SEQUENCE_END:
                return tuple(fragments), at
            if tag != _ITEM:
                raise self.file.corrupt(
                    f"its compressed pixels hold {_named(tag)} between them; they are damaged, copy it again"
                )
            if at + length > end:
                raise _PastEndError(_PIXELS, at + length)
            fragments.append(self.view[at : at + length])
            at += length
        raise self.file.corrupt("its compressed pixels have no end: the file was cut off; copy it again")

    def _tag_at(self, at: int) -> int:
        group, element = self._tag.unpack_from(self.view, at)
        return group << 16 | element

    def _counted(self) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise self.file.corrupt(f"it holds more than {MAX_ELEMENTS} elements and items; no scan needs that: it is damaged")

    def _check_end(self, tag: int, start: int, length: int, end: int) -> None:
        if start + length > end:
            raise _PastEndError(tag, start + length)


def _cut(file: ScanFile, tag: int, end: int, there: int) -> CorruptScanError:
    return file.corrupt(
        f"its element {_named(tag)} reaches to byte {end} of {there}: it was cut off or is damaged; copy it again"
    )


def _named(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _text(data: bytes) -> str:
    """A text without its padding: UTF-8 where it is, else Latin-1, which never fails; control signs are left out."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "".join(sign for sign in text.strip(" \0") if sign.isprintable() or sign in "\n\t")


@cache
def _vr_of(tag: int) -> str:
    """The VR that the standard gives a tag."""
    from pydicom.datadict import dictionary_VR

    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return "UN"
