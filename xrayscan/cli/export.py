"""``xrayscan export``: a model for hosts without Python, and the check of what such a host computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from xrayscan.cli.console import FAILED, clear_errors, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.export import Compared

__all__ = ["export"]

_STYLES = {"agrees": "green", "differs": "bold red", "missing": "yellow"}


def export(
    model: str | None = typer.Argument(None, help="A shipped model's name, or a model folder.", metavar="[MODEL]"),
    bundle: Path | None = typer.Option(None, help="New folder to write: all that a host needs.", metavar="DIR"),
    check: Path | None = typer.Option(None, help="Such a folder, to be checked.", metavar="DIR"),
    found: Path | None = typer.Option(
        None, "--results", help="With --check: what your host wrote, FOLDER/CASE/STEP.f32.", metavar="FOLDER"
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Write a model as a folder that a host without Python embeds; or check such a folder, and what the host computes with it.

    The folder holds the network as ONNX, the exact description of what comes before and after it, golden vectors, and an
    example in C++. Its README.md says how to go on.

    Exit status: 0 written, or all agrees; 1 something differs; 2 wrong use.
    """
    if (bundle is None) == (check is None):
        raise typer.BadParameter("give either --bundle DIR, to write one, or --check DIR")
    if check is None and found is not None:
        raise typer.BadParameter("--results goes with --check DIR")
    if check is not None and model is not None:
        raise typer.BadParameter("--check takes no model: the bundle holds its own")
    with clear_errors(debug):
        from xrayscan.export import compare, damages, write_bundle

        if bundle is not None:
            digest = write_bundle(model, bundle)
            results.print(text(f"{shown_path(bundle)}, SHA-256 {digest}; begin with its README.md"), soft_wrap=True)
        elif check is not None:
            _show_damages(damages(check))
            if found is not None:
                _show(compare(check, found))


def _show_damages(damaged: Sequence[str]) -> None:
    for problem in damaged:
        results.print(text(problem, "bold red"), soft_wrap=True)
    if damaged:
        raise typer.Exit(FAILED)
    results.print("all files of the bundle are as they were written")


def _show(steps: Sequence[Compared]) -> None:
    """Every step, and whether all agree."""
    from rich.text import Text

    for one in steps:
        line = Text(f"{one.case}, {one.step}: ").append(one.outcome, style=_STYLES[one.outcome])
        results.print(line.append_text(text(f", {one.text}")), soft_wrap=True)
    wrong = [one for one in steps if one.outcome != "agrees"]
    if not wrong:
        results.print(f"all {len(steps)} steps agree", style="bold")
        return
    first = wrong[0]
    counts = ", ".join(f"{sum(one.outcome == kind for one in steps)} {kind}" for kind in _STYLES)
    results.print(
        f"{counts}. Begin with the {first.step} of {first.case}: what is wrong there goes on into all that follows it.",
        style="bold",
    )
    raise typer.Exit(FAILED)
