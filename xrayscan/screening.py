"""The whole chain as one object: a file, an array or a scan in, a report out. Composes; holds no logic of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TypeVar

from xrayscan.errors import ShapeError
from xrayscan.explain import explain
from xrayscan.explain.attribution import check_method
from xrayscan.findings import find, scan_score
from xrayscan.io import read
from xrayscan.network import Model
from xrayscan.normalize import normalize
from xrayscan.report import Report
from xrayscan.scan import Scan
from xrayscan.zoo import ModelCard, load_model

__all__ = ["Screener"]

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
    >>> report.priority, len(report.findings)
    ('low', 0)
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

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.model.card

    def __call__(self, scan: str | PathLike[str] | Scan) -> Report:
        """Screen one scan.

        Parameters
        ----------
        scan : path or Scan
            For an array, ``Scan.from_array(...)``.

        Returns
        -------
        Report
            With the seconds of each step in ``timings``.

        Raises
        ------
        ReadError
            If the file can not be read; nothing is found in what was not seen.
        ShapeError
            If the scan has several views; screen each as a scan of its own.
        CalibrationError
            If it can not be normalized.
        """
        timings: dict[str, float] = {}

        def timed(name: str, step: Callable[[], Result]) -> Result:
            start = time.perf_counter()
            result = step()
            timings[name] = time.perf_counter() - start
            return result

        given = scan if isinstance(scan, Scan) else timed("read", lambda: read(Path(scan)))
        if len(given.views) > 1:
            raise ShapeError(
                f"screening {given.source.path or 'a scan'}: it has {len(given.views)} views; screen "
                "each as a scan of its own: scan = xs.read(path), then screener(scan.only(0)), screener(scan.only(1)) ...",
                expected=1,
                actual=len(given.views),
            )
        radiograph = timed("normalize", lambda: normalize(given))
        anomaly = timed("network", lambda: self.model(radiograph))
        findings = timed("findings", lambda: find(anomaly, radiograph))
        explanations = timed(
            "explain",
            lambda: explain(self.model, radiograph, findings, anomaly=anomaly, attribution=self.attribution),
        )
        return Report(
            given, findings, explanations, radiograph=radiograph, anomaly=anomaly, card=self.card,
            score=scan_score(anomaly, radiograph), threshold=self.threshold,
            false_alarm_rate=self.false_alarm_rate, timings=timings,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Screener({self.card!r}, {self.false_alarm_rate:.1%} of clean scans alarmed)"
