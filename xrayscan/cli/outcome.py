"""What a batch came to, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table
from rich.text import Text

from xrayscan.cli.console import FAILED, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.batch import Batch

__all__ = ["DISCLAIMER", "show_outcome"]

DISCLAIMER = "No finding is not a clearance: a person decides."

_SHOWN = 20
_STYLES = {"high": "bold red", "medium": "yellow", "opaque": "magenta", "poor": "magenta", "low": "green"}
_FORMS = {"parquet": "Parquet:", "coco": "COCO:", "tdr": "DICOS: report.dcs in each folder of"}


def show_outcome(batch: Batch, forms: Mapping[str, Path] | None = None) -> None:
    """The scans in the order to look at them, what failed, and where to look; ``forms`` are further ones and their places.

    Raises
    ------
    typer.Exit
        1 if a scan failed.
    """
    from xrayscan.batch.index_page import in_order

    screened = [row for row in in_order(batch.rows) if row["status"] != "failed"]
    if screened:
        results.print(_table(screened[:_SHOWN]))
    if len(screened) > _SHOWN:
        results.print(f"{len(screened) - _SHOWN} more in results.csv and index.html", style="dim")
    if batch.failed:
        _show_failed(batch.failed)
    before = f", {batch.resumed} of them by an earlier run" if batch.resumed else ""
    poor = sum(row["priority"] == "poor" for row in screened)
    too_poor = f", {poor} too poor to screen" if poor else ""
    counts = f"{len(screened) - poor} screened{too_poor}{before}, {len(batch.failed)} failed"
    results.print(f"\n{counts}, {batch.seconds:.1f} s")
    for form, path in (forms or {}).items():
        results.print(text(f"{_FORMS[form]} {shown_path(path)}"), soft_wrap=True)
    results.print(Text("Look at ").append_text(text(batch.index.absolute().as_uri(), "bold")), soft_wrap=True)
    results.print(DISCLAIMER, style="bold")
    if batch.failed:
        raise typer.Exit(FAILED)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    from xrayscan.batch.index_page import findings_text, penetrated_text

    table = Table(title="In the order to look at them", title_justify="left", header_style="bold")
    table.add_column("rank", justify="right")
    table.add_column("file", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("priority")
    table.add_column("consistent with")
    table.add_column("penetrated", justify="right")
    for rank, row in enumerate(rows, 1):
        table.add_row(
            str(rank),
            text(shown_path(row["path"])),
            f"{row['score']:.3f}",
            text(row["priority"], _STYLES.get(row["priority"], "")),
            findings_text(row),
            penetrated_text(row),
        )
    return table


def _show_failed(rows: Sequence[Mapping[str, Any]]) -> None:
    results.print(f"\n{len(rows)} could not be screened; nothing is known of them:", style="bold red")
    for row in rows[:_SHOWN]:
        line = Text("  ").append_text(text(shown_path(row["path"]), "bold")).append_text(text(f": {row['error']}"))
        results.print(line, soft_wrap=True)
    if len(rows) > _SHOWN:
        results.print(f"  and {len(rows) - _SHOWN} more, all in results.csv and index.html")
