"""Findings → Explanations: why each finding was made, in numbers a reviewer can check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import cv2

from xrayscan._callable import call_by_own_name
from xrayscan.errors import ShapeError
from xrayscan.explain.attribution import METHODS, attribute
from xrayscan.explain.evidence import sentences
from xrayscan.explain.expected import expected_depth, taken_by
from xrayscan.explain.explanation import Explanation
from xrayscan.explain.faithfulness import curves
from xrayscan.explain.probe import Probe
from xrayscan.findings import Finding, probability_text
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.scan import Radiograph
from xrayscan.stop import Stop
from xrayscan.zoo import ModelCard

__all__ = ["ExplainableModel", "Explanation", "explain", "explainer"]


class ExplainableModel(Protocol):
    """Anything with a card that turns a radiograph into an anomaly map."""

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""
        ...

    def __call__(self, radiograph: Radiograph, /) -> AnomalyMap:
        """The anomaly map of the radiograph, on its own grid."""
        ...


def explain(
    model: ExplainableModel,
    radiograph: Radiograph,
    findings: Iterable[Finding],
    *,
    anomaly: AnomalyMap | None = None,
    attribution: str | None = None,
    stop: Stop | None = None,
) -> tuple[Explanation, ...]:
    r"""Why each finding was made: evidence in words and numbers, its heatmap, and the scan without it.

    With an attribution the model is asked again and again with parts of each finding taken out: some seconds a finding. Then
    the evidence says what score is left without it, and how faithful the heatmap is.

    Parameters
    ----------
    model : Model
        Its card says what the probabilities were calibrated on.
    radiograph : Radiograph
    findings : iterable of Finding
    anomaly : AnomalyMap or None
        The map the findings were made from; without it ``model(radiograph)`` is run again.
    attribution : str or None
        One of `xrayscan.explain.attribution.METHODS`; None shows the network's own score and measures nothing.
    stop : Stop or None
        From when it is due on, findings have their score for a heatmap, and a sentence that says why there is nothing more.

    Returns
    -------
    tuple of Explanation
        One a finding, in the same order.

    Raises
    ------
    ShapeError
        If the anomaly map or a finding is of another scan.
    ModelError
        If there is no such attribution, or the model does not ship what it needs.
    MissingDependencyError
        If the attribution needs ``xrayscan[explain]``.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from types import SimpleNamespace
    >>> from xrayscan.findings import Mass, Position, Size
    >>> from xrayscan.network.anomaly import ModelId
    >>> from xrayscan.scan import Box
    >>> card = ModelCard("small", "1", Path(), "2026-01-01", "small.toml", "abc", 0, 0.01, {}, {0.01: 0.6},
    ...     "100 clean scans", {"person": (1.0, 0.0)}, {"person": (0.6, 1.5)}, {}, probabilities_set_on="200 scans")
    >>> zero, ones = np.zeros((80, 120), np.float32), np.ones((80, 120), bool)
    >>> depth = zero[None] + 3
    >>> depth[0, 10:70, 10:60] += 0.8
    >>> radiograph = Radiograph(depth, ones, ~ones, (0.01, 0.01), containers=(Box(0, 0, 80, 120),))
    >>> anomaly = AnomalyMap(zero + 0.9, zero, zero, zero + 18, zero, ModelId("small", "1", "", card.calibration))
    >>> finding = Finding("P1", "person", 0.87, Box(10, 10, 70, 60), ones[10:70, 10:60],
    ...     Position(0.35, 0.4), Size(0.6, 0.5), Mass(54, 35, 80))
    >>> why, = explain(SimpleNamespace(card=card), radiograph, [finding], anomaly=anomaly)
    >>> print(*why.sentences, sep="\n")
    Consistent with a concealed person: probability 0.87, calibrated on 200 scans. Where concealed persons are rarer it is less.
    Its middle is 0.35 m from the container's left end and 0.40 m above its floor; it is 0.60 m high and 0.50 m wide.
    Compared with the load around it adds 18 g/cm² on average (up to 18 g/cm²), about 54 kg (35 to 80 kg) in all.
    On balance it adds 61 kg, if the load goes on in its place as its edges suggest it.
    The beam comes through to 2.2 % there (optical depth 3.8).
    18 g/cm² is near a head (19 g/cm²).
    """
    if isinstance(findings, Finding):
        raise TypeError("explain was given one finding; pass a list of them: [finding]")
    findings = tuple(findings)
    if not findings:
        return ()
    each = explainer(model, radiograph, findings, anomaly=anomaly, attribution=attribution, stop=stop)
    # Side by side, but for attributions: they ask the model, which has threads of its own.
    with ThreadPoolExecutor(max(1, cv2.getNumThreads()) if attribution is None else 1) as pool:
        return tuple(pool.map(each, findings))


def explainer(
    model: ExplainableModel,
    radiograph: Radiograph,
    findings: Iterable[Finding],
    *,
    anomaly: AnomalyMap | None = None,
    attribution: str | None = None,
    stop: Stop | None = None,
) -> Callable[[Finding], Explanation]:
    """What explains those of a scan's findings that it is asked for, in the caller's thread; parameters as those of `explain`.

    All findings are given: none is an example of what is to be expected in the place of another.
    """
    findings = tuple(findings)
    if anomaly is None:
        anomaly = model(radiograph)
    _check(radiograph, anomaly, findings)
    taken = taken_by(findings, radiograph)

    def explained(finding: Finding) -> Explanation:
        if stop is not None and stop.due:
            score = getattr(anomaly, finding.kind)[finding.box.slices]
            said = f"Not explained: {stop.reason}."
            return Explanation(finding.id, (said,), score, METHODS["score"], complete=False)
        expected = expected_depth(finding, radiograph, taken=taken)
        why = Explanation(
            finding=finding.id,
            sentences=sentences(finding, radiograph, anomaly, model.card, expected),
            heatmap=getattr(anomaly, finding.kind)[finding.box.slices],
            method=METHODS["score"],
            expected=expected,
        )
        return why if attribution is None else _attributed(why, model, radiograph, finding, attribution)

    return explained


def _attributed(
    why: Explanation, model: ExplainableModel, radiograph: Radiograph, finding: Finding, attribution: str
) -> Explanation:
    """The explanation with another heatmap, how faithful that is, and what is left without the finding."""
    assert why.expected is not None
    probe = Probe(model, radiograph, finding, why.expected)
    heat = attribute(probe, attribution, model.card)
    top, left = finding.box.top - why.expected.box.top, finding.box.left - why.expected.box.left
    gone, whole = (probability_text(probe.score(kept)) for kept in (0.0, 1.0))
    without = "Taken out of the scan, with the load going on as around it"
    left_over = f"{without}, it leaves a score of {gone} of {whole} in its hottest places."
    at = next((i for i, text in enumerate(why.sentences) if text.startswith(("Against it", "With care"))), len(why.sentences))
    return replace(
        why,
        sentences=(*why.sentences[:at], left_over, *why.sentences[at:]),
        heatmap=heat[top : top + finding.box.height, left : left + finding.box.width],
        method=METHODS[attribution],
        faithfulness=curves(probe, heat).faithfulness,
    )


def _check(radiograph: Radiograph, anomaly: AnomalyMap, findings: tuple[Finding, ...]) -> None:
    if anomaly.shape != radiograph.shape:
        raise ShapeError(
            f"explaining a scan of {radiograph.shape} (rows, columns): the anomaly map has {anomaly.shape}; "
            "pass the map that the model made of this radiograph",
            expected=radiograph.shape,
            actual=anomaly.shape,
        )
    rows, columns = radiograph.shape
    for finding in findings:
        if finding.box.bottom > rows or finding.box.right > columns:
            raise ShapeError(
                f"explaining {finding.id}: its {finding.box} lies outside a scan of {rows} rows x {columns} columns; "
                "pass the findings of this scan",
                expected=radiograph.shape,
                actual=finding.box,
            )


call_by_own_name(__name__)
