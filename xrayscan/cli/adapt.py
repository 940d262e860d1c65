"""``xrayscan adapt``: a model fine-tuned to a site, and whether that helped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from xrayscan.cli.calibrate import Shown, show_failed, show_thresholds
from xrayscan.cli.console import FAILED, clear_errors, messages, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.training.site_adapt import Adapted

__all__ = ["adapt"]


def adapt(  # noqa: PLR0913  one argument an option
    folder: Path = typer.Argument(help="Folder of scans of which it is known that nobody is in them.", metavar="BENIGN_DIR"),
    out: Path = typer.Option(..., "--out", "-o", help="Model folder to write.", metavar="MODELDIR"),
    model: str | None = typer.Option(None, help="A shipped model's name, or a model folder.", metavar="NAME|DIR"),
    steps: int = typer.Option(300, min=1, help="Of the fine-tuning."),
    seed: int = typer.Option(0, min=0, help="Of the split, the insertions and the training."),
    insertions: int = typer.Option(3, min=1, max=20, help="With bodies put into it, for each scan."),
    simulated: Path | None = typer.Option(None, help="Packed simulated scans of a training, which keep the old skill."),
    keep_anyway: bool = typer.Option(False, "--keep-anyway", help="Keep the new weights even if they did not help."),
    workers: int = typer.Option(1, min=1, help="Processes that score and insert."),
    device: str = typer.Option("cpu", help="Where the network is trained: cpu or cuda."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:  # fmt: skip
    """Fine-tune a model with bodies inserted into a site's own clean scans, and say whether it helped. Needs xrayscan[train].

    A third of the scans is never trained on and decides. If it did not help, the old weights are kept, with thresholds set on
    these scans. Interrupted or killed, the same command goes on where it was.

    Exit status: 0 done, 1 done but some files could not be screened, 2 wrong use or too few scans, 130 interrupted.
    """
    with clear_errors(debug):
        import xrayscan.simulate  # noqa: F401  says which extra is missing
        from xrayscan.training.site_adapt import Running
        from xrayscan.training.site_adapt import adapt as run
        from xrayscan.training.site_tune import Tuning

        with Shown("adapting") as step:
            running = Running(workers, device, messages.print, step, lambda done, total, _: step(done, total))
            tuning = Tuning(steps=steps, seed=seed, insertions=insertions)
            done = run(
                folder, out, model=model, tuning=tuning, simulated=simulated, keep_anyway=keep_anyway,
                running=running,
            )  # fmt: skip
        _show(done, out)
        if done.failed:
            raise typer.Exit(FAILED)


def _show(done: Adapted, out: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    from xrayscan.training.site_page import share, verdict_text

    trial = done.trial
    table = Table(title=f"On {trial.scans} hold-out scans, never trained on", title_justify="left", header_style="bold")
    for name in ("", "old weights", "new weights", "difference"):
        table.add_column(name)
    table.add_row("insertions found", share(trial.before), share(trial.after), share(trial.difference, signed=True))
    table.add_row("AUROC", *(f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" for f in (trial.auroc_before, trial.auroc_after)))
    results.print(table)
    results.print(
        f"{trial.before.n} insertions that can be seen, {trial.alarmed} of {trial.scans} clean scans alarmed; "
        "95 % intervals, over scans"
    )
    results.print(f"\n{verdict_text(done)}", style="bold green" if trial.verdict == "helped" else "bold yellow")
    if done.levels:
        show_thresholds(done.levels)
    if done.short:
        name, reason = min(done.short.items())
        several = f"{len(done.short)} scans hold" if len(done.short) > 1 else "1 scan holds"
        results.print(text(f"{several} fewer insertions than asked for, such as {name}: {reason}"), soft_wrap=True)
    show_failed(done.failed)
    where = Text(f"\n{done.card.name} {done.card.version} in ").append_text(text(shown_path(out), "bold"))
    results.print(where, soft_wrap=True)
    results.print(text(f"Use it: xrayscan screen SCANS --out DIR --model {shown_path(out)}"), soft_wrap=True)
