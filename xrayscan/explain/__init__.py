"""Findings → Explanations: why each finding was made, in numbers a reviewer can check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from xrayscan._callable import call_by_own_name
from xrayscan.errors import ShapeError
from xrayscan.explain.evidence import sentences
from xrayscan.explain.expected import expected_depth
from xrayscan.explain.explanation import Explanation
from xrayscan.findings import Finding
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.scan import Radiograph
from xrayscan.zoo import ModelCard

__all__ = ["ExplainableModel", "Explanation", "explain"]

METHOD = "the network's own score over the finding's box, absolute"


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
) -> tuple[Explanation, ...]:
    r"""Why each finding was made: evidence in words and numbers, its heatmap, and the scan without it.

    Parameters
    ----------
    model : Model
        Its card says what the probabilities were calibrated on.
    radiograph : Radiograph
    findings : iterable of Finding
    anomaly : AnomalyMap or None
        The map the findings were made from; without it ``model(radiograph)`` is run again.

    Returns
    -------
    tuple of Explanation
        One a finding, in the same order.

    Raises
    ------
    ShapeError
        If the anomaly map or a finding is of another scan.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from types import SimpleNamespace
    >>> from xrayscan.findings import Mass, Position, Size
    >>> from xrayscan.network.anomaly import ModelId
    >>> from xrayscan.scan import Box
    >>> card = ModelCard("small", "1", Path(), "2026-01-01", "small.toml", "abc", 0, 0.01, {}, {0.01: 0.6},
    ...     "200 simulated scans, 2026-01-01", {"person": (1.0, 0.0)}, {"person": (0.6, 1.5)}, {})
    >>> zero, ones = np.zeros((80, 120), np.float32), np.ones((80, 120), bool)
    >>> radiograph = Radiograph(zero[None] + 3, ones, ~ones, (0.01, 0.01), containers=(Box(0, 0, 80, 120),))
    >>> anomaly = AnomalyMap(zero + 0.9, zero, zero, zero + 18, zero, ModelId("small", "1", "", card.calibration))
    >>> finding = Finding("P1", "person", 0.87, Box(10, 10, 70, 60), ones[10:70, 10:60],
    ...     Position(0.35, 0.4), Size(0.6, 0.5), Mass(54, 35, 80))
    >>> why, = explain(SimpleNamespace(card=card), radiograph, [finding], anomaly=anomaly)
    >>> print(*why.sentences, sep="\n")
    Consistent with a concealed person: probability 0.87, calibrated on 200 simulated scans, 2026-01-01.
    Its middle is 0.35 m from the container's front and 0.40 m above its floor; it is 0.60 m high and 0.50 m wide.
    Compared with the load around it adds 18 g/cm² on average (up to 18 g/cm²), about 54 kg (35 to 80 kg) in all.
    The beam comes through to 5 % there (optical depth 3.0).
    18 g/cm² is near a head (19 g/cm²).
    """
    findings = tuple(findings)
    if not findings:
        return ()
    if anomaly is None:
        anomaly = model(radiograph)
    _check(radiograph, anomaly, findings)
    return tuple(
        Explanation(
            finding=finding.id,
            sentences=sentences(finding, radiograph, anomaly, model.card),
            heatmap=getattr(anomaly, finding.kind)[finding.box.slices],
            method=METHOD,
            expected=expected_depth(finding, radiograph, findings),
        )
        for finding in findings
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
