"""``xrayscan train``: a recipe into a model folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from xrayscan.cli.console import clear_errors, messages, results, shown_path

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["train"]


def train(
    recipe: Path = typer.Argument(help="The recipe, a TOML file.", metavar="RECIPE"),
    out: Path = typer.Option(..., "--out", "-o", help="Model folder to write."),
    cache: Path = typer.Option(Path("cache"), help="Folder for simulated scans and the checkpoint; the same folder resumes."),
    workers: int = typer.Option(2, min=1, help="Processes that simulate and measure."),
    device: str = typer.Option("cpu", help="Where the network is trained: cpu or cuda."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Simulate, train, set thresholds, measure and write the model with its card. Needs xrayscan[train].

    Stopped anywhere, the same command goes on where it was.
    """
    with clear_errors(debug):
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        from xrayscan.training.examples import make
        from xrayscan.training.loop import train as run
        from xrayscan.training.recipe import SPLITS, Recipe
        from xrayscan.training.ship import ship

        plan = Recipe.load(recipe)
        folder = cache / plan.name
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Bar(*columns, console=messages) as bar:
            for split in SPLITS:
                task = bar.add_task(f"simulating, {split}", total=getattr(plan.data, split))
                for _ in make(plan, split, folder, workers):
                    bar.advance(task)
            task = bar.add_task("training", total=plan.schedule.steps)
            network = run(plan, folder / "train", folder, device=device, progress=_step(bar, task), workers=workers)
        card = ship(network, plan, folder, out, recipe=recipe, workers=workers, note=messages.print)
        results.print(f"{card!r} in {shown_path(out)}")


def _step(bar: Progress, task: TaskID) -> Callable[[int, int, float], None]:
    def step(done: int, steps: int, loss: float) -> None:
        bar.update(task, completed=done, description=f"training, loss {loss:.3f}")

    return step
