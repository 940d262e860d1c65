"""The whole chain as one object: a file, an array or a scan in, a report out; or columns as they arrive."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from xrayscan.arriving import Arriving, Gaps
from xrayscan.assembly import Assembly, is_kept
from xrayscan.errors import CalibrationError, ReportError, ShapeError, StoppedError
from xrayscan.explain import Explanation, explain, explainer
from xrayscan.explain.attribution import check_method
from xrayscan.findings import Finding, find, scan_score
from xrayscan.first_look import FirstLook, hop_columns, light
from xrayscan.io import read
from xrayscan.network import Model
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.normalize import normalize
from xrayscan.normalize.opacity import inspected_share
from xrayscan.quality.fitness import STOPPED
from xrayscan.rehearsal import made_up, rehearsed
from xrayscan.report import Report
from xrayscan.scan import Box, Manifest, Quantity, Radiograph, Scan, Source, Step
from xrayscan.stop import Stop
from xrayscan.stretches import HALO, LONGEST, Stretch, next_stretch, part, stretches
from xrayscan.zoo import ModelCard, load_model

__all__ = ["LineScanner", "Screener"]

Result = TypeVar("Result")


class Screener:
    """Screens scans with one model at one false-alarm rate.

    It holds no state between scans, and may be called from several threads at once.

    Parameters
    ----------
    model : str, Path, Model or None
        A shipped model's name, a model folder, or a model; None is the default one.
    false_alarm_rate : float
        Share of clean scans that may be alarmed; one of those that the model's card holds.
    threads : int or None
        Threads within one inference; None leaves it to the backend.
    attribution : str or None
        As `xrayscan.explain.explain` takes it: seconds a finding, for what its score rests on.

    Raises
    ------
    UnknownModelError, WeightsError, ModelError, MissingDependencyError

    Examples
    --------
    >>> import numpy as np
    >>> screener = Screener(false_alarm_rate=0.05)
    >>> thin = Scan.from_array(np.full((200, 400), 52000, np.uint16), air=np.full(200, 60000.0), pixel_pitch=0.01)
    >>> report = screener(thin)
    >>> report.priority, len(report.findings)  # it is like no scan that the model knows
    ('medium', 0)
    """

    def __init__(
        self, model: str | Path | Model | None = None, *, false_alarm_rate: float = 0.01, threads: int | None = None,
        attribution: str | None = None,
    ) -> None:  # fmt: skip
        self.model = model if isinstance(model, Model) else load_model(model, threads=threads)
        if attribution is not None:
            check_method(attribution, self.model.card)
        self.attribution = attribution
        self.false_alarm_rate = false_alarm_rate
        self.threshold = self.model.card.threshold(false_alarm_rate)
        self._rehearsed = 0  # pixels of the largest made-up scan that was screened
        self._rehearsing = Lock()

    @cached_property
    def light(self) -> Model:
        """What `LineScanner` takes first looks with; loaded when it is first asked for."""
        return light(self.model)

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.model.card

    def __call__(self, scan: str | PathLike[str] | Scan, *, stop: Stop | None = None) -> Report:
        """Screen one scan.

        A scan of more than 23 m, such as a train's, is screened in stretches of 12 to 20 m and what lies 3 m beside them; the
        false-alarm rate then is that of a stretch.

        Parameters
        ----------
        scan : path or Scan
            For an array, ``Scan.from_array(...)``.
        stop : Stop or None
            When it is due, the report is of what was seen until then: the rest counts as not inspected, a warning says so, and
            the priority is not "low".

        Returns
        -------
        Report
            With the seconds of each step in ``timings``.

        Raises
        ------
        TypeError
            If it is neither a path nor a scan.
        ReadError
            If the file can not be read; nothing is found in what was not seen.
        ShapeError
            If the scan has several views; screen each as a scan of its own.
        CalibrationError
            If it can not be normalized.
        StoppedError
            If it was to stop before it was normalized: then nothing at all is known of it.
        OSError
            If the temporary files of a scan in stretches can not be written.
        """
        if not isinstance(scan, str | PathLike | Scan):
            raise TypeError(
                f"screening {type(scan).__name__} is not known; give a path or a Scan: of an array, "
                "xs.Scan.from_array(array, air=..., pixel_pitch=...)"
            )
        start = time.perf_counter()
        given = scan if isinstance(scan, Scan) else read(Path(scan))
        seconds = {} if given is scan else {"read": time.perf_counter() - start}
        if len(given.views) > 1:
            raise ShapeError(
                f"screening {given.source.path or 'a scan'}: it has {len(given.views)} views; screen "
                "each as a scan of its own: scan = xs.read(path), then screener(scan.only(0)), screener(scan.only(1)) ...",
                expected=1,
                actual=len(given.views),
            )
        cut = stretches(given)
        if len(cut) == 1:
            return self.stretch(given, timings=seconds, stop=stop)
        with closing(Assembly()) as assembly:
            for one in cut:
                shown = part(given, one)
                try:
                    report = self.stretch(shown, one, timings=seconds, stop=stop)
                except StoppedError as error:
                    if one is cut[0]:
                        raise
                    report = self._unseen(shown, str(error))
                assembly.add(one, report)
                seconds = {}
            return assembly.report(given)

    def stretch(
        self, scan: Scan, cut: Stretch | None = None, *, timings: Mapping[str, float] | None = None, stop: Stop | None = None
    ) -> Report:
        """Screen one scan as it is, however long; or a stretch of a longer one.

        Parameters
        ----------
        scan : Scan
            Of one view.
        cut : Stretch or None
            Where it lies in the longer scan: positions of findings are told in that, and what was found beside what is kept of
            the stretch is left to its neighbors.
        timings : mapping of str to float or None [s]
            Of steps that were done before.
        stop : Stop or None
            As `__call__` takes it.

        Returns
        -------
        Report

        Raises
        ------
        CalibrationError, StoppedError
            As `__call__` raises them.
        """
        seconds = dict(timings or {})
        doing = f"screening {scan.source.path or 'a scan'}"

        def timed(name: str, step: Callable[[], Result]) -> Result:
            began = time.perf_counter()
            result = step()
            seconds[name] = time.perf_counter() - began
            return result

        if stop is not None:
            stop.check(doing)
        radiograph = timed("normalize", lambda: normalize(scan))
        if stop is not None:
            stop.check(doing)
        anomaly = timed("network", lambda: self.model(radiograph) if stop is None else self.model(radiograph, stop=stop))
        if stop is not None and anomaly.answered is not None:
            radiograph = _seen_in_part(radiograph, anomaly.answered, stop.reason)
        every = timed("findings", lambda: find(anomaly, radiograph, start=0 if cut is None else cut.start))
        findings = tuple(one for one in every if cut is None or is_kept(one.box, cut, radiograph.pixel_pitch[1]))
        given: dict[str, Any] = {"anomaly": anomaly, "attribution": self.attribution, "stop": stop}

        def explained() -> tuple[Explanation, ...]:
            if cut is None:
                return explain(self.model, radiograph, findings, **given)
            # In one thread: beside a stretch the next one is arriving, and looked at.
            return tuple(map(explainer(self.model, radiograph, every, **given), findings))

        explanations = timed("explain", explained)
        return Report(
            scan, findings, explanations, radiograph=radiograph, anomaly=anomaly, card=self.card,
            score=scan_score(anomaly, radiograph), threshold=self.threshold,
            false_alarm_rate=self.false_alarm_rate, timings=seconds,
        )  # fmt: skip

    def rehearse(self, like: Scan, columns: int) -> None:
        """Screen a made-up stretch of a lane, unless one as large was: the process then holds the memory that such ones take.

        First looks are taken beside it. Where another thread is at it, it is waited for.

        Parameters
        ----------
        like : Scan
            Of one column: what it is like but for its pixels.
        columns : int
            As many as there will be at most.

        Raises
        ------
        CalibrationError
            If it can not be normalized.
        """
        with self._rehearsing:
            energies, rows, _ = like.view.pixels.shape
            if energies * rows * columns > self._rehearsed:
                cut = Stretch(0, columns, 0, columns)
                rehearsed(made_up(like, columns), lambda scan: self.stretch(scan, cut), self.light)
                self._rehearsed = energies * rows * columns

    def _unseen(self, scan: Scan, why: str) -> Report:
        """The report of a stretch that was not looked at."""
        shape, view = scan.view.shape, scan.view
        zero, none = np.zeros(shape, np.float32), np.zeros(shape, bool)
        assert view.pixel_pitch is not None  # what it is not known of is not cut into stretches
        radiograph = Radiograph(
            np.full(view.pixels.shape, np.nan, np.float32), none, none, view.pixel_pitch, inspected=0.0, energies=view.energies,
            quantity=view.quantity, history=(Step(STOPPED, f"warning: {why}"),), endpoints=view.endpoints,
        )  # fmt: skip
        anomaly = AnomalyMap(zero, zero, zero, zero, zero, self.model.id, answered=none)
        return Report(
            scan, (), (), radiograph=radiograph, anomaly=anomaly, card=self.card, score=0.0, threshold=self.threshold,
            false_alarm_rate=self.false_alarm_rate,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Screener({self.card!r}, {self.false_alarm_rate:.1%} of clean scans alarmed)"


def _seen_in_part(radiograph: Radiograph, answered: np.ndarray, reason: str) -> Radiograph:
    """A radiograph of which the network saw a part: the rest counts as not measured, and so as not inspected."""
    valid = radiograph.valid & answered
    # Without a container it is the columns that were scanned, whether they were answered or not.
    scanned = np.flatnonzero(radiograph.valid.any(axis=0))
    whole = [Box(0, int(scanned[0]), radiograph.shape[0], int(scanned[-1]) + 1)] if scanned.size else []
    share, inspected = inspected_share(
        radiograph.optical_depth[0], radiograph.opaque & answered, valid, radiograph.containers or whole
    )
    note = f"warning: screened in part only, as {reason}: the network saw {answered.mean():.0%} of the picture"
    return replace(
        radiograph, valid=valid, inspected=share,
        history=(*(step for step in radiograph.history if step.name != inspected.name), inspected, Step(STOPPED, note)),
    )  # fmt: skip


class LineScanner:
    """Screens a scan while its columns are still arriving.

    Every 1.85 m the last 3.2 m are looked at, and what is found there is told at once. Stretches of 12 to 20 m are then
    screened as the whole scan's are, in a thread of their own, so that the report is the one of the whole scan, whatever
    blocks it came in. What is held in memory does not grow with the scan; of a scan of more than 23 m the report's planes lie
    in temporary files, 27 bytes a pixel of one energy.

    The first one of a `Screener` takes a second or two to open: it screens a made-up stretch, so that what a lane takes in
    memory is taken before the first column comes. One thread pushes at a time. As a context manager it is closed or, after an
    error, given up.

    Parameters
    ----------
    screener : Screener
    rows : int
        Detector channels.
    pixel_pitch : (float, float) or float [m]
        Row and column pitch at the load.
    quantity : {"counts", "transmission", "display"}
    air, dark, bad_pixels : array_like or None, shape (rows,) or (energies, rows)
        As `xrayscan.scan.Scan.from_array` takes them. Without air it is looked for in each stretch.
    saturation : float or None [counts]
    energies : tuple of str
        Names, high first.
    endpoints : tuple of float or None [MV]
    gaps : {"error", "mask"}
        What becomes of missing, repeated or short blocks: an error, or columns that are marked as not measured, with a
        warning in the report. Nothing is shifted.
    source, acquired_at, manifest
        As of a `Scan`.

    Raises
    ------
    ShapeError, CalibrationError
        If what is given does not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> screener = Screener(false_alarm_rate=0.05)
    >>> with LineScanner(screener, rows=200, pixel_pitch=0.01, air=np.full(200, 60000.0)) as lines:
    ...     for _ in range(40):
    ...         early = lines.push(np.full((200, 10), 52000, np.uint16))
    ...     report = lines.close()
    >>> report.priority, report.radiograph.shape
    ('medium', (200, 400))
    """

    def __init__(  # noqa: PLR0913  every part of a scan by its name, as Scan.from_array takes them
        self, screener: Screener, *, rows: int, pixel_pitch: tuple[float, float] | float, quantity: Quantity = "counts",
        air: npt.ArrayLike | None = None, dark: npt.ArrayLike | None = None, bad_pixels: npt.ArrayLike | None = None,
        saturation: float | None = None, energies: tuple[str, ...] = ("high",), endpoints: tuple[float, ...] | None = None,
        gaps: Gaps = "error", source: Source | None = None, acquired_at: datetime | None = None,
        manifest: Manifest | None = None,
    ) -> None:  # fmt: skip
        self.screener = screener
        like = Scan.from_array(
            np.zeros((len(energies), rows, 1), np.uint16), quantity=quantity, air=air, dark=dark, pixel_pitch=pixel_pitch,
            energies=tuple(energies), endpoints=endpoints, bad_pixels=bad_pixels, saturation=saturation, source=source,
            acquired_at=acquired_at, manifest=manifest,
        )  # fmt: skip
        if like.view.pixel_pitch is None:
            raise CalibrationError(
                "lines were to be scanned without pixel_pitch; give the row and column pitch at the load [m]"
            )
        self._pitch = like.view.pixel_pitch[1]
        longest = round((LONGEST + 2 * HALO) / self._pitch)
        # What a stretch takes is taken before the first column comes, so that a host sees it at once. If a made-up one can not
        # be normalized, neither can the first, which then says so.
        with suppress(CalibrationError):
            screener.rehearse(like, longest)
        self._held = Arriving(like, gaps, room=longest + hop_columns(self._pitch))
        self._first = FirstLook(screener.light, self._held.scan, self._pitch)
        self._assembly = Assembly()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="xrayscan-stretch")
        self._running: deque[Future[None]] = deque()
        self._next = 0  # first column of the next stretch
        self._failed: Exception | None = None
        self._closed = False

    @property
    def columns(self) -> int:
        """Columns that have arrived, those marked as not measured included."""
        return self._held.count

    def push(self, block: npt.ArrayLike, *, at: int | None = None) -> tuple[Finding, ...]:
        """Take in the next columns.

        Parameters
        ----------
        block : array_like, shape (rows,), (rows, columns) or (energies, rows, columns)
            Of one dtype throughout.
        at : int or None
            The detector's own count of the columns before the block, to notice what got lost or came twice.

        Returns
        -------
        tuple of Finding
            A first look: what was not told before, in columns of the whole scan, with ids "E1", "E2" and so on. The report has
            the last word.

        Raises
        ------
        ShapeError, GapError
            The block is then not taken in, and the next one may be pushed.
        CalibrationError, OSError
            If a stretch can not be normalized, or its planes can not be written. There is no report of the scan then: whatever
            is called next raises the same.
        ReportError
            If the scan is closed.
        """
        self._check_open()
        self._held.push(block, at)
        found: list[Finding] = []
        while self._first.is_due(self._held.count):
            found += self._first.look()
            self._cut(self._first.looked)
        return tuple(found)

    def close(self) -> Report:
        """The report of everything that has arrived.

        Raises
        ------
        ReportError
            If nothing has arrived, or the scan is closed already.
        CalibrationError, OSError
            If it can not be normalized, or its planes can not be written.
        """
        try:
            self._check_open()
            self._closed = True
            return self._report()
        finally:
            self._end()

    def _report(self) -> Report:
        count, held = self._held.count, self._held
        if count == 0:
            raise ReportError("closing a scan of which no column has arrived: there is nothing to report; push columns first")
        self._cut(count)
        if self._next == 0 and (cut := self._stretch(count, ended=True)) and cut.last == count:
            return self.screener.stretch(held.scan(0, count))
        while self._next < count:
            cut = self._stretch(count, ended=True)
            assert cut is not None
            self._start(cut)
        self._wait(0)
        return self._assembly.report(held.like)

    def _check_open(self) -> None:
        if self._failed is not None:
            raise self._failed
        if self._closed:
            raise ReportError("the scan is closed: its report was given; start another LineScanner for the next one")

    def _stretch(self, count: int, *, ended: bool) -> Stretch | None:
        bright = self._held.bright(self._next)[: count - self._next]
        return next_stretch(bright, self._next, self._pitch, ended=ended)

    def _cut(self, count: int) -> None:
        """Begin with the stretches that are complete within so many columns, and forget what nobody will look at again."""
        while (cut := self._stretch(count, ended=False)) is not None:
            self._start(cut)
        halo = round(HALO / self._pitch)
        self._held.forget(min(self._next - halo, self._first.begin))

    def _start(self, cut: Stretch) -> None:
        self._wait(1)  # stretches are of unequal lengths: one may wait for its turn
        self._running.append(self._pool.submit(self._add, cut, self._held.scan(cut.start, cut.stop)))
        self._next = cut.last

    def _add(self, cut: Stretch, scan: Scan) -> None:
        self._assembly.add(cut, self.screener.stretch(scan, cut))

    def _wait(self, left: int) -> None:
        """Until so many stretches are left to be screened."""
        while len(self._running) > left:
            try:
                self._running.popleft().result()
            except Exception as error:
                self._failed = error
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failed: object) -> None:
        if not self._closed:
            self._closed = True
            self._end()

    def _end(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._assembly.close()

    def __repr__(self) -> str:
        return f"LineScanner({self.columns} columns of {self._held.like.view.shape[0]} rows, {self.screener!r})"
