"""``xrayscan evaluate``: models over packed scans into records, figures and the benchmark's page."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from xrayscan.cli.console import clear_errors, messages, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.evaluation.page import Measured
    from xrayscan.evaluation.penetration_curve import Curve
    from xrayscan.evaluation.records import Record

__all__ = ["evaluate"]

CURVES = "penetration.svg"
"""The picture of the penetration curves, beside the page."""


def evaluate(  # noqa: PLR0913  one argument an option
    models: Optional[list[str]] = typer.Argument(  # noqa: UP045  typer reads it
        None,
        help="Models, side by side: a shipped model's name, a model folder, a baseline's name or NAME.npz, or module:function. "
        "The default model if none is named.",
        metavar="[MODEL]...",
    ),
    scans: list[Path] = typer.Option(
        ..., "--scans", "-s", help="Folder of packed scans, such as cache/NAME/test of `xrayscan train`; several are allowed."
    ),
    out: Optional[Path] = typer.Option(None, "--out", "-o", help="Page to write, such as docs/benchmark.md."),  # noqa: UP045
    records: Optional[Path] = typer.Option(  # noqa: UP045
        None, "--records", "-r", help="JSON Lines, one a scan and model; what it holds already is not measured again."
    ),
    pictures: Optional[Path] = typer.Option(  # noqa: UP045
        None, "--pictures", help="Folder for pictures of the first model's ten worst misses and false alarms."
    ),
    fit: Optional[Path] = typer.Option(  # noqa: UP045
        None, "--fit", help="Folder of packed scans on whose clean ones baselines are fitted, such as cache/NAME/train."
    ),
    set_on: Optional[Path] = typer.Option(  # noqa: UP045
        None, "--set-on",
        help="Folder of packed scans, such as cache/NAME/calibration, on which thresholds, probabilities and intervals of "
        "masses are set for this measurement, in the place of the card's: for a card set on the scans it is measured on.",
    ),
    penetration: Optional[int] = typer.Option(  # noqa: UP045
        None, "--penetration", min=1,
        help="Also stage so many scenes of a seated adult behind goods: detection against areal density, beside the ideal "
        "observer. The curves are drawn beside the page.",
    ),
    count: Optional[int] = typer.Option(None, "--count", "-n", min=1, help="Of each folder, the first so many."),  # noqa: UP045
    workers: int = typer.Option(1, "--workers", "-w", min=1, help="Processes."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:  # fmt: skip
    """Measure models on packed scans with truth: what they find, at which price, and where they fail. Needs xrayscan[train].

    With --records, a command that was stopped goes on where it was.
    """
    with clear_errors(debug):
        import xrayscan.simulate  # noqa: F401  says which extra is missing
        from xrayscan.evaluation.runs import packed_scans

        paths = packed_scans(scans, count)
        measured, subjects = [], []
        for name in models or [""]:
            subject = _subject(name, fit, (records or Path("records.jsonl")).parent)
            if set_on is not None:
                subject = _set_anew(subject, set_on, records or Path("records.jsonl"), workers)
            subjects.append(subject)
            measured.append(_measured(subject, paths, records, workers))
        drawn = {} if pictures is None else _drawn(measured[0], subjects[0], paths, pictures)
        for one in measured:
            _show(one)
        curves = None if penetration is None else _curves(subjects, penetration, (records or Path("records.jsonl")).parent)
        if out is not None:
            options = {
                "--fit": fit, "--set-on": set_on, "--out": out, "--pictures": pictures, "--penetration": penetration,
                "--count": count,
            }  # fmt: skip
            _write(measured, out, drawn, _command(models or [], scans, options), curves)


def _subject(name: str, fit: Path | None, place: Path) -> str:
    """What a name on the command line is; a baseline is fitted first."""
    from xrayscan.errors import ModelError
    from xrayscan.evaluation.runs import fitted

    if name not in _baselines():
        return name
    if fit is None:
        raise ModelError(f"{name} is a baseline, which is fitted on clean scans first; name a folder of them with --fit")
    messages.print(f"fitting {name} on the clean scans of {shown_path(fit)}")
    return fitted(name, fit, place)


def _set_anew(subject: str, folder: Path, records: Path, workers: int) -> str:
    """A copy of a model folder, beside the records, that is set on other scans; what has no card stays as it is."""
    import shutil
    from dataclasses import replace

    from xrayscan.evaluation.runs import load_subject, measure, packed_scans
    from xrayscan.training.calibration import with_settings
    from xrayscan.training.card import write_card

    card = getattr(load_subject(subject), "card", None)
    if card is None:
        return subject
    # Two versions of a model may have one name.
    place = records.parent / "set-on" / f"{card.name}-{min(card.sha256.values())[:8]}"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(card.folder, place)
    bare = replace(card, folder=place, thresholds={}, thresholds_set_on="", calibration={}, mass_factor={}, figures={})
    write_card(bare)
    paths = packed_scans([folder])
    messages.print(f"setting {card.name} on {shown_path(folder)}")
    with _shown(len(paths)) as step:
        rows = measure(paths, str(place), kept=records, workers=workers, done=step)
    write_card(with_settings(bare, rows, f"of {_told(folder)}, for this measurement"))
    return str(place)


def _baselines() -> Sequence[str]:
    from xrayscan.evaluation.baselines import BASELINES

    return tuple(BASELINES)


def _measured(subject: str, paths: Sequence[Path], records: Path | None, workers: int) -> Measured:
    from xrayscan.evaluation.page import Measured
    from xrayscan.evaluation.runs import load_subject, measure

    card = getattr(load_subject(subject), "card", None)
    with _shown(len(paths)) as step:
        rows = measure(paths, subject, kept=records, workers=workers, done=step)
    return Measured.of(rows) if card is None else Measured.of(rows, card.thresholds, card.thresholds_set_on)


@contextmanager
def _shown(total: int) -> Iterator[Callable[[Record], None]]:
    """How far it is: a bar on a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task("measuring", total=total)
        yield lambda row: bar.update(task, advance=1, description=f"measuring {row.model.get('name', '')}")


def _drawn(measured: Measured, subject: str, paths: Sequence[Path], folder: Path) -> dict[str, Path]:
    """Scan → picture of the worst of the first model; those of an earlier run are taken away."""
    from xrayscan.evaluation.breakdown import worst_alarms, worst_misses
    from xrayscan.evaluation.pictures import draw_worst
    from xrayscan.evaluation.records import name_of
    from xrayscan.evaluation.runs import load_subject

    model, where = load_subject(subject), {name_of(path): path for path in paths}
    drawn = {}
    for old in (*folder.glob("miss-[0-9][0-9]-*.png"), *folder.glob("alarm-[0-9][0-9]-*.png")):
        old.unlink()
    for sort, rows in (("miss", worst_misses(measured.rows, measured.level)), ("alarm", worst_alarms(measured.rows))):
        for number, row in enumerate(rows, 1):
            picture = folder / f"{sort}-{number:02d}-{row.scan.replace('/', '-')}.png"
            drawn[row.scan] = draw_worst(row, where[row.scan], model, picture)
    return drawn


def _curves(subjects: Sequence[str], scenes: int, place: Path) -> list[Curve]:
    """Person-penetration curves of all; the looks are kept in ``place``."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from xrayscan.evaluation.penetration import looks
    from xrayscan.evaluation.penetration_curve import curves
    from xrayscan.evaluation.runs import load_subject

    detectors = {}
    for model in map(load_subject, subjects):
        detectors[f"{model.id.name} {model.id.version} ({model.id.sha256[:8]})"] = model
    columns = (TextColumn("staging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task("staging", total=scenes)
        seen = looks(detectors, scenes, place / "penetration", note=lambda _: bar.update(task, advance=1))
    found = [curve for name in detectors for curve in curves(seen, name)]
    for curve in found:
        if curve.group == "all":
            results.print(
                text(f"{curve.detector}: half of the seated adults found up to {curve.at_half.value:.0f} ")
                .append_text(text(f"[{curve.at_half.low:.0f}, {curve.at_half.high:.0f}] g/cm², {scenes} staged scenes")),
                soft_wrap=True,
            )  # fmt: skip
    return found


def _show(measured: Measured) -> None:
    """The figures that matter most."""
    from rich.table import Table

    from xrayscan.evaluation.page import share
    from xrayscan.evaluation.summary import RATES, by_difficulty_at, found_at, percent, things_at

    person = measured.figures["person"]
    counts = f"{measured.figures['scans']} scans, {measured.figures['clean scans']} of them clean"
    table = Table(title=f"{measured.name}: {counts}", title_justify="left", header_style="bold")
    table.add_column("persons", overflow="fold")
    table.add_column("found [95 %]", justify="right")
    for rate in RATES:
        table.add_row(f"scans, at {percent(rate)} of clean scans alarmed", share(person.get(found_at(rate))))
    for name, figure in person.get(by_difficulty_at(0.01), {}).items():
        table.add_row(f"scans, {name}, at 1%", share(figure))
    for kind in ("person", "void", "density"):
        table.add_row(f"things, {kind}, at 0.1 false a scan", share(measured.figures[kind].get(things_at(0.1))))
    results.print(table)


def _write(
    measured: Sequence[Measured], out: Path, drawn: dict[str, Path], command: str, curves: Sequence[Curve] | None
) -> None:
    import os

    from xrayscan.evaluation.page import benchmark
    from xrayscan.evaluation.penetration_curve import figure

    out.parent.mkdir(parents=True, exist_ok=True)
    links = {scan: Path(os.path.relpath(path, out.parent)).as_posix() for scan, path in drawn.items()}
    if curves:
        out.with_name(CURVES).write_text(figure(curves), encoding="utf-8")
    out.write_text(benchmark(measured, command=command, pictures=links, curves=curves, drawn=CURVES), encoding="utf-8")
    results.print(text("written to ").append_text(text(shown_path(out), "bold")), soft_wrap=True)


def _command(models: Sequence[str], scans: Sequence[Path], options: Mapping[str, Path | int | None]) -> str:
    """The command that writes the same page again; of what lies elsewhere only the last two names are told."""
    words = ["xrayscan", "evaluate", *(_told(name) if "/" in name else name for name in models)]
    for folder in scans:
        words += ["--scans", _told(folder)]
    for name, value in options.items():
        if value is not None:
            words += [name, _told(value) if isinstance(value, Path) else str(value)]
    return shlex.join(words)


def _told(path: str | Path) -> str:
    """A path as a page names it: of what lies elsewhere, the last two names."""
    shown = Path(shown_path(Path(path).absolute()))
    return Path(*shown.parts[-2:]).as_posix() if shown.is_absolute() else shown.as_posix()
