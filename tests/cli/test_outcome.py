"""What a batch came to: scans too poor to screen are not said to hold nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xrayscan.batch import Batch
from xrayscan.cli.console import results
from xrayscan.cli.outcome import show_outcome


def row(name: str, priority: str, score: float) -> dict[str, Any]:
    counts = {"persons": 0, "voids": 0, "densities": 0}
    return {"path": name, "status": "screened", "priority": priority, "score": score, "inspected": 1.0, **counts}


def test_poor_scans_come_after_the_highs_and_are_not_called_screened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "width", 160)
    rows = (row("h.tif", "high", 0.9), row("m.tif", "medium", 0.3), row("l.tif", "low", 0.1), row("p.tif", "poor", 0.0))
    with results.capture() as shown:
        show_outcome(Batch(tmp_path, rows, (), 0, 1.0))
    said = shown.get()
    assert [said.index(name) for name in ("h.tif", "p.tif", "m.tif", "l.tif")] == sorted(
        said.index(name) for name in ("h.tif", "p.tif", "m.tif", "l.tif")
    )
    line = next(line for line in said.splitlines() if "p.tif" in line)
    assert "not screened: too poor" in line
    assert "not known" in line
    assert "%" not in line
    assert "3 screened, 1 too poor to screen, 0 failed" in said
