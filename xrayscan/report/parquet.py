"""Results as Parquet: the columns of ``results.csv`` with their types, and the findings nested in their scan's row.

Needs pyarrow, the extra ``parquet``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from xrayscan.errors import MissingDependencyError
from xrayscan.report.record import SCHEMA_VERSION
from xrayscan.report.rows import ROW_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["check_parquet", "columns", "parquet"]

GROUP = 10_000  # rows
SHARES = ("score", "threshold", "false_alarm_rate", "inspected", "opaque_fraction", "novelty", "top_probability")
COUNTS = ("persons", "voids", "densities", "persons_low", "persons_high")


def check_parquet() -> None:
    """Say now, and not after hours of screening, that a package is missing.

    Raises
    ------
    MissingDependencyError
        If pyarrow cannot be imported.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f'writing Parquet needs pyarrow ({error}); pip install "xrayscan[parquet]"', extra="parquet"
        ) from error


def columns() -> pa.Schema:
    """The columns, in order, with their types; units stand in the names.

    Those of ``results.csv`` come first. ``acquired_at`` is what the scanner's clock said, ``utc_offset_min`` its time zone
    where the file told it.

    Raises
    ------
    MissingDependencyError
        If pyarrow cannot be imported.
    """
    check_parquet()
    import pyarrow as pa

    special = {
        **dict.fromkeys(SHARES, pa.float64()),
        **dict.fromkeys(COUNTS, pa.int32()),
        "warnings": pa.list_(pa.string()),
        "acquired_at": pa.timestamp("us"),
    }
    box = {side: pa.int32() for side in ("top", "left", "bottom", "right")}
    sizes = ("from_left_m", "above_floor_m", "height_m", "width_m", "mass_kg", "mass_low_kg", "mass_high_kg")
    finding = {"id": pa.string(), "kind": pa.string(), "probability": pa.float64(), **box, **dict.fromkeys(sizes, pa.float64())}
    return pa.schema(
        [
            *((name, special.get(name, pa.string())) for name in ROW_COLUMNS),
            ("utc_offset_min", pa.int16()),
            ("vendor", pa.string()),
            ("scanner", pa.string()),
            ("ids", pa.map_(pa.string(), pa.string())),
            ("versions", pa.map_(pa.string(), pa.string())),
            ("thresholds", pa.map_(pa.float64(), pa.float64())),
            ("thresholds_set_on", pa.string()),
            ("probabilities_set_on", pa.string()),
            ("findings", pa.list_(pa.struct(list(finding.items())))),
        ],
        metadata={"xrayscan.report_schema": SCHEMA_VERSION},
    )


def parquet(results: Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]]) -> bytes:
    """A Parquet file of results, one row a scan, in the order they come.

    Parameters
    ----------
    results : iterable of (mapping, mapping or None)
        A row (`xrayscan.report.rows`) and its report, as ``report.json`` has it; None of a scan that could not be screened.

    Returns
    -------
    bytes
        The same for the same results.

    Raises
    ------
    MissingDependencyError
        If pyarrow cannot be imported.
    KeyError
        If something is no row or no report.

    Examples
    --------
    >>> import io, pyarrow.parquet
    >>> from xrayscan.report.rows import row_of_failure
    >>> data = parquet([(row_of_failure("lane3/0413.tif", "truncated", "CorruptScanError"), None)])
    >>> pyarrow.parquet.read_table(io.BytesIO(data), columns=["path", "status", "score"]).to_pylist()
    [{'path': 'lane3/0413.tif', 'status': 'failed', 'score': None}]
    """
    schema = columns()
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    stream, waiting = io.BytesIO(), iter(results)
    with ParquetWriter(stream, schema, compression="zstd") as writer:
        while group := [_typed(row, report) for row, report in islice(waiting, GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
    return stream.getvalue()


def _typed(row: Mapping[str, Any], report: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a row of the table holds: null in place of empty text, time as time, the findings."""
    typed = {name: _text(row[name]) if isinstance(row[name], str) else row[name] for name in ROW_COLUMNS}
    typed["warnings"] = [_text(warning) for warning in row["warnings"]]
    if report is None:
        return {**typed, "findings": None}
    source, model = report["source"], report["model"]
    at = datetime.fromisoformat(report["acquired_at"]) if report["acquired_at"] else None
    offset = at.utcoffset() if at else None
    return {
        **typed,
        "acquired_at": at.replace(tzinfo=None) if at else None,
        "utc_offset_min": None if offset is None else round(offset.total_seconds() / 60),
        "vendor": source["vendor"],
        "scanner": source["scanner"],
        "ids": source["ids"],
        "versions": report["versions"],
        "thresholds": {float(rate): score for rate, score in model["thresholds"].items()},
        "thresholds_set_on": model["thresholds_set_on"],
        "probabilities_set_on": model["probabilities_set_on"],
        "findings": [_finding(finding) for finding in report["findings"]],
    }


def _text(text: str) -> str | None:
    """Bytes of a file name that are no text become backslash escapes, as everywhere."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8") or None


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    mass = finding["mass_kg"]
    return {
        **{name: finding[name] for name in ("id", "kind", "probability")},
        **finding["box"],
        **{f"{name}_m": value for part in ("position_m", "size_m") for name, value in finding[part].items()},
        **{"mass_kg": mass["value"], "mass_low_kg": mass["low"], "mass_high_kg": mass["high"]},
    }
