"""``xrayscan simulate``: a recipe into a folder of scans with truth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Optional

import typer

from xrayscan.cli.console import clear_errors, messages, results, shown_path

__all__ = ["simulate"]


def simulate(
    recipe: Path = typer.Argument(
        help="The recipe, a TOML file; or NAME.record.json, to make that scan again.", metavar="RECIPE"
    ),
    out: Path = typer.Option(..., "--out", "-o", help="Folder for the scans; the same folder resumes."),
    count: int = typer.Option(10, "--count", "-n", min=1, help="Number of scans."),
    seed: Optional[int] = typer.Option(None, "--seed", min=0, help="Instead of the recipe's own."),  # noqa: UP045
    start: int = typer.Option(0, "--start", min=0, help="Number of the first scan."),
    workers: int = typer.Option(1, "--workers", "-w", min=1, help="Processes."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Simulate scans in the formats that scanners deliver, each with its truth and its record. Needs xrayscan[train].

    A scan's truth is NAME.truth.json (masks, masses, difficulty), its record NAME.record.json (what it was drawn from).
    """
    with clear_errors(debug):
        import xrayscan.simulate  # noqa: F401  says which extra is missing
        from xrayscan.errors import RecipeError
        from xrayscan.simulate.produce import produce, reproduce
        from xrayscan.simulate.recipe import SceneRecipe
        from xrayscan.simulate.record import Record

        if recipe.name.endswith(".record.json"):
            if seed is not None or start:
                raise RecipeError(f"{recipe.name} is one scan's record, which has its seed: leave --seed and --start out")
            made = reproduce(Record.load(recipe), out, recipe.name.removesuffix(".record.json"))
            results.print(f"{shown_path(made.path)}: {made.kind}, {made.vehicle}, {made.load}", soft_wrap=True)
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        plan = SceneRecipe.load(recipe)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        kinds: Counter[str] = Counter()
        with Bar(*columns, console=messages) as bar:
            task = bar.add_task(f"simulating {plan.name}", total=count)
            for made in produce(plan, out, count, seed=seed, start=start, workers=workers):
                kinds[made.kind] += 1
                bar.advance(task)
        said = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
        results.print(f"{count} simulated scans in {shown_path(out)}: {said}", soft_wrap=True)
