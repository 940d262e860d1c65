"""One flat row a scan, for ``results.jsonl`` and ``results.csv``.

A row never lies about a failure: a scan that could not be screened has ``status`` "failed", no score and no priority. Warnings
are a list; in a CSV file, which holds text only, they are one line (`Sentences`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ROW_COLUMNS", "Sentences", "inert_path", "inert_text", "row_of_failure", "row_of_report"]

ROW_COLUMNS = (
    "path",
    "status",
    "score",
    "threshold",
    "false_alarm_rate",
    "priority",
    "inspected",
    "opaque_fraction",
    "persons",
    "voids",
    "densities",
    "persons_low",
    "persons_high",
    "novelty",
    "top_probability",
    "warnings",
    "acquired_at",
    "sha256",
    "model",
    "model_sha256",
    "xrayscan",
    "report",
    "error_kind",
    "error",
)
"""The columns, in order."""

_FORMULA = frozenset("=+-@|%\t\r\n＝＋－＠")


class Sentences(list[str]):
    """A list of sentences that reads as one line: `json` writes the list, `csv` the line, inert in a spreadsheet.

    Examples
    --------
    >>> import csv, io, json
    >>> said = Sentences(["no dark given", "pitch estimated"])
    >>> json.dumps(said)
    '["no dark given", "pitch estimated"]'
    >>> cell = io.StringIO()
    >>> _ = csv.writer(cell).writerow([said])
    >>> cell.getvalue().strip()
    'no dark given; pitch estimated'
    """

    def __str__(self) -> str:
        return inert_text("; ".join(self))


def inert_text(text: str) -> str:
    r"""The text on one line, so that no spreadsheet takes it for a formula.

    Line breaks and control characters become spaces; a first character that starts a formula gets an apostrophe before
    it, which spreadsheets read as "this is text".

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If it is no text.

    References
    ----------
    OWASP, CSV Injection.

    Examples
    --------
    >>> inert_text("=HYPERLINK(1)")
    "'=HYPERLINK(1)"
    >>> inert_text("two\nlines")
    'two lines'
    """
    line = "".join(c if c.isprintable() else " " for c in text).strip()
    return "'" + line if line[:1] in _FORMULA and line else line


def inert_path(path: str) -> str:
    """The path, still a name of the same file, so that no spreadsheet takes it for a formula.

    A relative path whose first character starts a formula gets ``./`` before it.

    Parameters
    ----------
    path : str

    Returns
    -------
    str
        ``pathlib.Path`` of it equals ``pathlib.Path`` of what was given.

    Raises
    ------
    TypeError
        If it is no text.

    Examples
    --------
    >>> inert_path("=cmd.tif")
    './=cmd.tif'
    >>> inert_path("lane3/0412.tif")
    'lane3/0412.tif'
    """
    return "./" + path if path[:1] in _FORMULA and path else path


def row_of_report(report: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """The row of a scan that was screened.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` gives, or a ``report.json`` read back.
    folder : str
        Where the report was saved; becomes the column ``report``.

    Returns
    -------
    dict
        With the keys of `ROW_COLUMNS`, in order. Text is inert in a spreadsheet.

    Raises
    ------
    KeyError
        If it is not a report.

    Examples
    --------
    >>> report = {
    ...     "source": {"path": "lane3/0412.tif", "sha256": "ab12"}, "score": 0.91, "priority": "high", "inspected": 0.83,
    ...     "opaque_fraction": 0.17, "findings": [{"kind": "person", "probability": 0.87}], "warnings": ["pitch estimated"],
    ...     "persons": {"low": 0, "high": 1}, "novelty": None, "acquired_at": None, "threshold": 0.6, "false_alarm_rate": 0.01,
    ...     "model": {"name": "small", "version": "1", "sha256": "cd34"}, "versions": {"xrayscan": "0.1.0"},
    ... }
    >>> row = row_of_report(report, "out/0412")
    >>> row["status"], row["persons"], row["top_probability"], row["warnings"], row["report"]
    ('screened', 1, 0.87, ['pitch estimated'], 'out/0412')
    """
    findings = report["findings"]
    kinds = [finding["kind"] for finding in findings]
    values = {
        "path": inert_path(report["source"]["path"] or ""),
        "status": "screened",
        "score": report["score"],
        "threshold": report["threshold"],
        "false_alarm_rate": report["false_alarm_rate"],
        "priority": report["priority"],
        "inspected": report["inspected"],
        "opaque_fraction": report["opaque_fraction"],
        "persons": kinds.count("person"),
        "voids": kinds.count("void"),
        "densities": kinds.count("density"),
        "persons_low": report["persons"]["low"],
        "persons_high": report["persons"]["high"],
        "novelty": report["novelty"],
        "top_probability": max((one["probability"] for one in findings if one["kind"] == "person"), default=None),
        "warnings": Sentences(inert_text(warning) for warning in report["warnings"]),
        "acquired_at": report["acquired_at"] or "",
        "sha256": inert_text(report["source"]["sha256"] or ""),
        "model": inert_text(f"{report['model']['name']} {report['model']['version']}"),
        "model_sha256": inert_text(report["model"]["sha256"]),
        "xrayscan": inert_text(report["versions"]["xrayscan"]),
        "report": inert_path(folder),
        "error_kind": "",
        "error": "",
    }
    return {name: values[name] for name in ROW_COLUMNS}


def row_of_failure(path: str, error: str, kind: str) -> dict[str, Any]:
    """The row of a scan that could not be screened.

    Parameters
    ----------
    path : str
        The file, as it was named.
    error : str
        The whole message.
    kind : str
        Class of the exception, such as "CorruptScanError".

    Returns
    -------
    dict
        With the keys of `ROW_COLUMNS`, in order; numbers that do not exist are None. Text is inert in a spreadsheet.

    Raises
    ------
    TypeError
        If one of them is no text.

    Examples
    --------
    >>> row = row_of_failure("lane3/0413.tif", "reading lane3/0413.tif: truncated", "CorruptScanError")
    >>> row["status"], row["score"], row["error_kind"]
    ('failed', None, 'CorruptScanError')
    """
    empty = dict.fromkeys(ROW_COLUMNS)
    texts = dict.fromkeys(("priority", "acquired_at", "sha256", "model", "model_sha256", "xrayscan", "report"), "")
    failure = {"path": inert_path(path), "status": "failed", "error_kind": inert_text(kind), "error": inert_text(error)}
    return {**empty, **texts, "warnings": Sentences(), **failure}
