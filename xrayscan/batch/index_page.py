"""The page that a reviewer opens first: every scan of a batch, in the order to look at them.

It is one file without scripts from elsewhere; pictures are those of the report folders beside it. Its content security
policy allows its own style and script by hash and nothing else, so that nothing a file name says can run.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from xrayscan.batch.names import printable
from xrayscan.report import PRIORITIES
from xrayscan.zoo import ModelCard

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["NOT_SCREENED", "Header", "findings_text", "in_order", "index_page", "penetrated_text"]

NOT_SCREENED = "not screened: too poor"


@dataclass(frozen=True)
class Header:
    """What the page says above the list.

    Attributes
    ----------
    total : int
        Scans in the batch, those to come included.
    model : str
        Name and version.
    sha256 : str
        Of its weights.
    false_alarm_rate : float
    threshold : float or None
        Scan score at that rate.
    set_on : str
        The data the threshold was set on.
    """

    total: int
    model: str
    sha256: str
    false_alarm_rate: float
    threshold: float | None
    set_on: str

    @classmethod
    def of(cls, card: ModelCard, false_alarm_rate: float, total: int) -> Header:
        """The header for a model.

        Raises
        ------
        ModelError
            If the model was not measured at that rate.
        """
        sha256 = card.sha256.get("model.onnx", next(iter(card.sha256.values()), ""))
        threshold = card.threshold(false_alarm_rate)
        return cls(total, f"{card.name} {card.version}", sha256, false_alarm_rate, threshold, card.thresholds_set_on)


def in_order(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The rows in the order to look at them: by priority, the highest score first, then by path; failed ones at the end.

    Examples
    --------
    >>> rows = [{"path": p, "status": "screened", "priority": q, "score": v} for p, q, v in
    ...         [("a", "low", 0.2), ("b", "poor", 0.0), ("c", "high", 0.9), ("d", "medium", 0.4)]]
    >>> [row["path"] for row in in_order(rows)]
    ['c', 'b', 'd', 'a']
    """
    return tuple(sorted(rows, key=lambda row: (row["status"] == "failed", _place(row), -(row["score"] or 0.0), row["path"])))


def _place(row: Mapping[str, Any]) -> int:
    return PRIORITIES.index(row["priority"]) if row["priority"] in PRIORITIES else len(PRIORITIES)


def findings_text(row: Mapping[str, Any]) -> str:
    """The findings of a row in words; of a scan too poor to screen only that, where it has none.

    Examples
    --------
    >>> findings_text({"priority": "high", "persons": 1, "voids": 2, "densities": 0})
    '1 person, 2 voids'
    >>> findings_text({"priority": "low", "persons": 0, "voids": 0, "densities": 0})
    'none'
    >>> findings_text({"priority": "poor", "persons": 0, "voids": 0, "densities": 0})
    'not screened: too poor'
    """
    words = (("persons", "person", "persons"), ("voids", "void", "voids"), ("densities", "density", "densities"))
    found = [f"{row[column]} {one if row[column] == 1 else many}" for column, one, many in words if row[column]]
    return ", ".join(found) or (NOT_SCREENED if row["priority"] == "poor" else "none")


def penetrated_text(row: Mapping[str, Any]) -> str:
    """The share of a row's load that was penetrated; "100 %" only if it was all, and none of a scan too poor to tell.

    Examples
    --------
    >>> [penetrated_text({"priority": "low", "inspected": share}) for share in (1.0, 0.999, 0.83, 0.002, 0.0)]
    ['100 %', '>99 %', '83 %', '<1 %', '0 %']
    >>> penetrated_text({"priority": "poor", "inspected": 1.0})
    'not known'
    """
    if row["priority"] == "poor":
        return "not known"
    share = 100 * row["inspected"]
    if 0 < share < 1:
        return "<1 %"
    return ">99 %" if 99 < share < 100 else f"{share:.0f} %"


def index_page(rows: Sequence[Mapping[str, Any]], header: Header) -> str:
    """The whole page as HTML.

    Parameters
    ----------
    rows : sequence of mapping
        In any order.
    header : Header

    Examples
    --------
    >>> page = index_page([], Header(0, "small 1", "ab12", 0.01, 0.5, "simulated"))
    >>> "No finding is not a clearance" in page
    True
    """
    rows = in_order(rows)
    screened = [row for row in rows if row["status"] != "failed"]
    counts = Counter(row["priority"] for row in screened)
    return _template().render(
        header=header,
        lines=list(_lines(screened)),
        failed=[
            {"name": _name(row), "path": printable(row["path"]), **_texts(row)} for row in rows if row["status"] == "failed"
        ],
        counts=[(priority, counts[priority]) for priority in PRIORITIES],
        screened=len(screened) - counts["poor"],
        poor=counts["poor"],
        listed=len(screened),
        pending=header.total - len(rows),
        policy=_policy(),
    )


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for rank, row in enumerate(rows, 1):
        folder = quote(row["report"].encode("utf-8", "surrogateescape"))
        yield {
            "rank": rank,
            "name": _name(row),
            "path": printable(row["path"]),
            "score": row["score"],
            "priority": row["priority"],
            "order": _place(row),
            "findings": findings_text(row),
            "count": row["persons"] * 10000 + row["voids"] * 100 + row["densities"],
            "inspected": -1 if row["priority"] == "poor" else row["inspected"],
            "penetrated": penetrated_text(row),
            "warnings": printable("; ".join(row["warnings"])),
            "link": f"{folder}/report.html",
            "picture": f"{folder}/overlay.png",
        }


def _name(row: Mapping[str, Any]) -> str:
    return printable(PurePath(row["path"]).name)


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: printable(row[name] or "") for name in ("error", "error_kind")}


def _source() -> str:
    return resources.files("xrayscan.batch").joinpath("index.html").read_text(encoding="utf-8")


@functools.cache
def _template() -> Template:
    from jinja2 import Environment

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True).from_string(_source())


@functools.cache
def _policy() -> str:
    """Content security policy: the template's own style and script by their hashes."""

    def sources(tag: str) -> str:
        blocks = re.findall(rf"<{tag}>(.*?)</{tag}>", _source(), re.DOTALL)
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}'" for block in blocks)

    return (
        f"default-src 'none'; img-src 'self' file:; style-src {sources('style')}; script-src {sources('script')}; "
        "base-uri 'none'; form-action 'none'"
    )
