"""Reports of the stretches of a long scan, one after the other → the report of the whole."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import IO

import numpy as np

from xrayscan.explain.evidence import place
from xrayscan.explain.explanation import Explanation
from xrayscan.findings import Finding, position_of
from xrayscan.geometry import Box, Region
from xrayscan.network.anomaly import KINDS, AnomalyMap, ModelId
from xrayscan.report import Report
from xrayscan.scan import Quantity, Radiograph, Scan, Step
from xrayscan.stretches import Stretch
from xrayscan.zoo import ModelCard

__all__ = ["SAME", "Assembly", "is_kept", "shifted"]

SEAM = 0.5  # a finding whose middle lies so near to the end of a stretch may be found in the next instead [m]
SAME = 0.3  # share of the smaller box that two findings have in common, if they are one
COLUMNS = 256  # that are turned and written at once
PLANES = (*KINDS, "added", "missing")
ALIGNED = 64  # bytes; an array that is mapped begins at a multiple


@dataclass(frozen=True, eq=False)
class _Found:
    """A finding in columns of the whole scan, why it was made, what was said of its place, whether it is inside its stretch."""

    stretch: Stretch
    finding: Finding
    why: Explanation
    place: str
    inside: bool

    def placed(self, containers: Sequence[Box], regions: Sequence[Region], pitch: tuple[float, float], rows: int) -> _Found:
        """The same with its place in the whole scan's containers, of which its stretch may have shown a part."""
        one = self.finding
        finding = replace(one, position=position_of(one.box, one.mask, containers, pitch, rows))
        said = place(finding, containers, regions)
        sentences = tuple(said if sentence == self.place else sentence for sentence in self.why.sentences)
        return replace(self, finding=finding, why=replace(self.why, sentences=sentences), place=said)


@dataclass(frozen=True, eq=False)
class _Piece:
    """What is held of a stretch: everything but its planes."""

    stretch: Stretch
    found: tuple[_Found, ...]
    containers: tuple[Box, ...]
    regions: tuple[Region, ...]
    load_line: np.ndarray
    inspected: float
    load: float | None  # px; None where it is not known
    score: float
    novelty: float | None
    whole: bool  # whether the network has seen all of it
    steps: tuple[Step, ...]
    timings: dict[str, float]

    @classmethod
    def of(cls, stretch: Stretch, report: Report) -> _Piece:
        radiograph = report.radiograph
        kept = (stretch.last - stretch.first) / (stretch.stop - stretch.start)
        load = next((step.parameters.get("load_pixels") for step in radiograph.history if step.name == "inspected"), None)
        line = radiograph.load_line
        regions = ((one.kind, box) for one in radiograph.regions for box in _moved([one.box], stretch))
        return cls(
            stretch, tuple(_set_aside(list(_found(stretch, report)))), tuple(_moved(radiograph.containers, stretch)),
            tuple(Region(kind, box) for kind, box in regions),
            np.full(stretch.last - stretch.first, np.nan, np.float32) if line is None else line[stretch.inner].copy(),
            report.inspected, None if load is None else max(1.0, kept * load), report.score, report.anomaly.novelty,
            report.anomaly.answered is None, radiograph.history,
            dict(report.timings),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Common:
    """What the reports of all stretches have in common."""

    rows: int
    pitch: tuple[float, float]
    energies: tuple[str, ...]
    quantity: Quantity
    endpoints: tuple[float, ...] | None
    model: ModelId
    card: ModelCard
    threshold: float
    false_alarm_rate: float

    @classmethod
    def of(cls, report: Report) -> _Common:
        one = report.radiograph
        return cls(
            one.shape[0], one.pixel_pitch, one.energies, one.quantity, one.endpoints, report.anomaly.model, report.card,
            report.threshold, report.false_alarm_rate,
        )  # fmt: skip


class Assembly:
    """Takes the reports of stretches in their order, and gives the report of the whole.

    Their planes go into temporary files, 27 bytes a pixel of one energy, which the report maps into memory, and so does what
    is shown of their findings: what is held meanwhile does not grow with the scan, but for the findings' words and numbers.
    The files are gone when the report is.
    """

    def __init__(self) -> None:
        self._files: dict[str, IO[bytes]] = {}
        self._pieces: list[_Piece] = []
        self._common: _Common | None = None

    def add(self, stretch: Stretch, report: Report) -> None:
        """The report of the next stretch.

        Raises
        ------
        OSError
            If the temporary files can not be written.
        """
        radiograph, anomaly = report.radiograph, report.anomaly
        planes = {"optical_depth": radiograph.optical_depth, "valid": radiograph.valid[None], "opaque": radiograph.opaque[None]}
        planes |= {name: getattr(anomaly, name)[None] for name in PLANES}
        planes["answered"] = (
            np.broadcast_to(True, planes["valid"].shape) if anomaly.answered is None else anomaly.answered[None]
        )
        for name, plane in planes.items():
            # Column by column, so that what comes next is written behind.
            if name not in self._files:
                self._files[name] = tempfile.TemporaryFile()  # noqa: SIM115  held until it is mapped
            kept = plane[:, :, stretch.inner].transpose(2, 0, 1)
            for first in range(0, len(kept), COLUMNS):
                self._files[name].write(np.ascontiguousarray(kept[first : first + COLUMNS]).data)
        self._pieces.append(_Piece.of(stretch, report))
        self._common = _Common.of(report)  # and not the report, whose planes are large

    def report(self, scan: Scan) -> Report:
        """The report of the whole.

        Parameters
        ----------
        scan : Scan
            Whose source and date it bears; of its pixels nothing is needed.
        """
        assert self._common is not None
        common, pieces = self._common, self._pieces
        planes = self._mapped(len(common.energies), common.rows)
        novelties = [piece.novelty for piece in pieces if piece.novelty is not None]
        pitch, containers = common.pitch, tuple(_joined([piece.containers for piece in pieces]))
        radiograph = Radiograph(
            planes["optical_depth"], planes["valid"][0], planes["opaque"][0], pitch,
            containers=containers, inspected=_inspected(pieces),
            energies=common.energies, quantity=common.quantity, history=tuple(_told(pieces)),
            regions=tuple(_regions(pieces)), load_line=np.concatenate([piece.load_line for piece in pieces]),
            endpoints=common.endpoints,
        )  # fmt: skip
        maps = {name: planes[name][0] for name in PLANES}
        anomaly = AnomalyMap(
            **maps, model=common.model, novelty=max(novelties) if novelties else None,
            answered=None if all(piece.whole for piece in pieces) else planes["answered"][0],
        )  # fmt: skip
        found = _ranked([one.placed(containers, radiograph.regions, pitch, common.rows) for one in _once(pieces)])
        timings = {step: sum(piece.timings.get(step, 0.0) for piece in pieces) for step in pieces[0].timings}
        return Report(
            scan, tuple(one.finding for one in found), tuple(one.why for one in found), radiograph=radiograph, anomaly=anomaly,
            card=common.card, score=max(piece.score for piece in pieces), threshold=common.threshold,
            false_alarm_rate=common.false_alarm_rate, timings=timings,
        )  # fmt: skip

    def _mapped(self, energies: int, rows: int) -> dict[str, np.ndarray]:
        """The planes as they were written, shape (energies or 1, rows, columns), read-only."""
        columns = self._pieces[-1].stretch.last
        planes: dict[str, np.ndarray] = {}
        for name, file in self._files.items():
            file.flush()
            shape = (columns, energies if name == "optical_depth" else 1, rows)
            dtype = np.dtype(bool if name in ("valid", "opaque", "answered") else np.float32)
            planes[name] = np.memmap(file, dtype, "r", shape=shape).transpose(1, 2, 0)
        self.close()  # what is mapped stays
        return planes

    def close(self) -> None:
        """Give up what was written and not mapped."""
        for file in self._files.values():
            file.close()
        self._files.clear()


def _inspected(pieces: Sequence[_Piece]) -> float:
    """Share of the load that was seen; of a stretch in which nothing was seen, as much load is taken as the others hold."""
    known = [piece for piece in pieces if piece.load is not None]
    columns = sum(piece.stretch.last - piece.stretch.first for piece in known)
    a_column = sum(piece.load or 0.0 for piece in known) / columns if columns else 1.0
    weights = [(piece.stretch.last - piece.stretch.first) * a_column if piece.load is None else piece.load for piece in pieces]
    return float(np.average([piece.inspected for piece in pieces], weights=weights))


def shifted(box: Box, columns: int) -> Box:
    """A box so many columns farther to the right."""
    return Box(box.top, box.left + columns, box.bottom, box.right + columns)


def is_kept(box: Box, stretch: Stretch, pitch: float) -> bool:
    """Whether what was found in a stretch is told of it: its middle lies in what is kept, or near to it.

    Parameters
    ----------
    box : Box
        In columns of what is shown.
    stretch : Stretch
    pitch : float [m]
        From column to column.
    """
    middle, seam = stretch.start + box.middle[1], SEAM / pitch
    return stretch.first - seam <= middle < stretch.last + seam


def _found(stretch: Stretch, report: Report) -> Iterator[_Found]:
    for finding, why in zip(report.findings, report.explanations, strict=True):
        if not is_kept(finding.box, stretch, report.radiograph.pixel_pitch[1]):
            continue
        box = shifted(finding.box, stretch.start)
        expected = why.expected
        if expected is not None:
            expected = replace(expected, box=shifted(expected.box, stretch.start))
        inside = stretch.first <= box.middle[1] < stretch.last
        said = place(finding, report.radiograph.containers, report.radiograph.regions)
        yield _Found(stretch, replace(finding, box=box), replace(why, expected=expected), said, inside)


def _set_aside(found: Sequence[_Found]) -> Iterator[_Found]:
    """The same findings, with their masks and pictures in a temporary file that is mapped, instead of in memory."""
    expected = [one.why.expected for one in found]
    arrays = [array for one in found for array in (one.finding.mask, one.why.heatmap)]
    arrays += [array for one in expected if one is not None for array in (one.depth, one.replaced)]
    mapped = iter(_in_a_file(arrays))
    shown = [(next(mapped), next(mapped)) for _ in found]
    for one, (mask, heatmap), known in zip(found, shown, expected, strict=True):
        held = None if known is None else replace(known, depth=next(mapped), replaced=next(mapped))
        yield replace(one, finding=replace(one.finding, mask=mask), why=replace(one.why, heatmap=heatmap, expected=held))


def _in_a_file(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The same arrays, read-only, as parts of one temporary file."""
    *starts, size = accumulate((-(-array.nbytes // ALIGNED) * ALIGNED for array in arrays), initial=0)
    if not size:
        return list(arrays)  # a file of nothing is not mapped
    with tempfile.TemporaryFile() as file:
        for array, start in zip(arrays, starts, strict=True):
            file.seek(start)
            file.write(array.tobytes())
        file.truncate(size)
        file.flush()
        held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return [np.ndarray(array.shape, array.dtype, held, start) for array, start in zip(arrays, starts, strict=True)]


def _moved(boxes: Sequence[Box], stretch: Stretch) -> Iterator[Box]:
    """Boxes in columns of the whole scan, as far as they lie in what is kept of their stretch."""
    for box in boxes:
        moved = shifted(box, stretch.start)
        left, right = max(moved.left, stretch.first), min(moved.right, stretch.last)
        if left < right:
            yield Box(moved.top, left, moved.bottom, right)


def _joined(pieces: Sequence[Sequence[Box]]) -> list[Box]:
    """Boxes of consecutive stretches; one that the seam cuts is one again."""
    whole: list[Box] = []
    for boxes in pieces:
        for box in sorted(boxes, key=lambda one: one.left):
            before = whole[-1] if whole else None
            if before is None or before.right != box.left or _apart(before, box):
                whole.append(box)
            else:
                whole[-1] = Box(min(before.top, box.top), before.left, max(before.bottom, box.bottom), box.right)
    return whole


def _apart(one: Box, other: Box) -> bool:
    """Whether two boxes side by side are of different heights."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared < 0.8 * max(one.height, other.height)


def _regions(pieces: Sequence[_Piece]) -> Iterator[Region]:
    kinds = dict.fromkeys(region.kind for piece in pieces for region in piece.regions)
    for kind in kinds:
        boxes = [[region.box for region in piece.regions if region.kind == kind] for piece in pieces]
        yield from (Region(kind, box) for box in _joined(boxes))


def _told(pieces: Sequence[_Piece]) -> Iterator[Step]:
    """What was done to all stretches alike once, and the rest with the columns that it was done to."""
    alike = {(step.name, step.note) for step in pieces[0].steps}
    alike.intersection_update(*({(step.name, step.note) for step in piece.steps} for piece in pieces[1:]))
    yield Step(
        "stretches",
        f"warning: screened in {len(pieces)} stretches, cut where most of the beam comes through; the rate of false alarms is "
        "that of one stretch",
    )
    yield from (step for step in pieces[0].steps if (step.name, step.note) in alike)
    for piece in pieces:
        for step in piece.steps:
            if (step.name, step.note) not in alike:
                begin = "warning: " if step.is_warning else ""
                where = f"columns {piece.stretch.first} to {piece.stretch.last}"
                yield replace(step, note=f"{begin}{where}: {step.note.removeprefix(begin)}")


def _once(pieces: Sequence[_Piece]) -> list[_Found]:
    """The findings of all stretches; what two of them found at their seam is kept once, of that in which its middle lies."""
    every = [one for piece in pieces for one in piece.found]
    kept: list[_Found] = []
    for one in sorted(every, key=lambda one: not one.inside):
        if not any(one.stretch != other.stretch and _same(one.finding, other.finding) for other in kept):
            kept.append(one)
    return kept


def _same(one: Finding, other: Finding) -> bool:
    smaller = min(f.box.height * f.box.width for f in (one, other))
    return one.kind == other.kind and one.box.common(other.box) > SAME * smaller


def _ranked(found: Sequence[_Found]) -> list[_Found]:
    """Highest probability first, with ids of their own: as `xrayscan.findings.find` gives them."""
    named = []
    for kind in KINDS:
        some = sorted((one for one in found if one.finding.kind == kind), key=lambda one: -one.finding.probability)
        for rank, one in enumerate(some, 1):
            name = f"{kind[0].upper()}{rank}"
            named.append(replace(one, finding=replace(one.finding, id=name), why=replace(one.why, finding=name)))
    return sorted(named, key=lambda one: -one.finding.probability)
