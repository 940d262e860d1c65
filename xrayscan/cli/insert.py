"""``xrayscan insert``: simulated bodies put into real benign scans, for a laboratory's own trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from xrayscan.cli.console import FAILED, clear_errors, messages, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.simulate.insertion import Wishes

__all__ = ["insert"]


def insert(  # noqa: PLR0913  one argument an option
    paths: list[Path] = typer.Argument(help="Benign scans, and folders of them.", metavar="SCAN"),
    out: Path = typer.Option(..., "--out", "-o", help="Folder for the scans with insertions and their truth."),
    seed: int = typer.Option(..., min=0, help="The same seed and scan give the same bytes."),
    count: int = typer.Option(1, min=1, max=9999, help="Insertions for each scan."),
    persons: int = typer.Option(1, min=1, max=20, help="Bodies in each."),
    posture: str = typer.Option(None, help="Such as 'sitting'; drawn if not given."),
    x: float = typer.Option(None, "--x", help="Middle of the body from the container's left end in the picture [m]."),
    z: float = typer.Option(None, "--z", help="Lowest point of the body above the container's floor [m]."),
    beam: list[float] = typer.Option([], "--beam", help="Endpoint of the beam [MV]; twice, high first, for two energies."),
    source_distance: float = typer.Option(None, help="From the source to the middle of the load [m]."),
    source_height: float = typer.Option(None, help="Of the source above the container's floor [m]; may be negative."),
    iron: float = typer.Option(0.0, min=0.0, max=1.0, help="Share of the load, by mass, that attenuates as iron."),
    hole: bool = typer.Option(True, "--hole/--no-hole", help="Whether load is taken away for a body within it."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:  # fmt: skip
    """Put simulated bodies into real benign scans (threat image projection).

    Each becomes NAME-insert-0001 in the format of the scan, with NAME-insert-0001.truth.json beside it. Use scans
    of which it is known that nobody is in them.

    Exit status: 0 all written, 1 some could not be, 2 wrong use.
    """
    with clear_errors(debug):
        from xrayscan.errors import RecipeError
        from xrayscan.io import find_scans
        from xrayscan.simulate.insertion import Wishes

        wishes = Wishes(
            persons=persons, posture=posture, x=x, z=z, beams=tuple(beam), source_distance=source_distance,
            source_height=source_height, hole=hole, iron_share=iron,
        )  # fmt: skip
        _check_apart(paths, out)
        scans = find_scans(paths)
        if not scans:
            raise RecipeError(f"looking for scans in {', '.join(map(str, paths))}: there are none; name files that hold scans")
        stems = _stems(scans, paths, out)
        rows, failed = [], []
        with _Shown(len(scans) * count) as step:
            for path, stem in zip(scans, stems, strict=True):
                done, error = _of_one(path, stem, seed, count, wishes, step)
                rows += done
                if error:
                    failed.append((path, error))
        _show(rows, failed, out)
        if failed:
            raise typer.Exit(FAILED)


def _check_apart(paths: Sequence[Path], out: Path) -> None:
    """Insertions are no benign scans: they may not come to lie where the next run looks for some."""
    from xrayscan.errors import RecipeError

    for path in paths:
        inside = out.resolve().is_relative_to(path.resolve()) if path.is_dir() else out.resolve() == path.resolve().parent
        if inside:
            raise RecipeError(
                f"writing to {out}: it lies with the input {path}, and what is written there would be taken for benign scans "
                "by the next run; choose a folder beside it"
            )


def _stems(scans: Sequence[Path], paths: Sequence[Path], out: Path) -> list[Path]:
    """Where each scan's insertions go, without number and suffix: folders as they are in the input, no name twice."""
    from xrayscan.batch.names import Names, folder_name

    names, stems = Names(), []
    homes = [path for path in paths if path.is_dir()]
    for scan in scans:
        home = next((home for home in homes if scan.is_relative_to(home)), scan.parent)
        relative = scan.relative_to(home)
        choices = [relative.with_suffix(""), relative.with_name(relative.name.replace(".", "-"))]
        chosen = next((name for name in map(folder_name, choices) if names.take(f"{name}-insert")), None)
        if chosen is None:
            chosen = folder_name(relative.with_suffix(""), salt=str(scan.absolute()))
            names.take(f"{chosen}-insert")
        stems.append(out / chosen)
    return stems


def _of_one(path: Path, stem: Path, seed: int, count: int, wishes: Wishes, step: Any) -> tuple[list[dict[str, Any]], str]:
    """The insertions of one scan, and why they ended early."""
    import xrayscan as xs
    from xrayscan.errors import XrayscanError
    from xrayscan.simulate.insertion import insert as insert_into
    from xrayscan.simulate.insertion_files import write_insertion

    rows: list[dict[str, Any]] = []
    try:
        scan = xs.read(path)
        radiograph = xs.normalize(scan)
        # The file's own hash, so that neither its name nor its neighbors change what is drawn.
        own = int((scan.source.sha256 or "0")[:15], 16)
        for number in range(1, count + 1):
            made = insert_into(scan, radiograph, seed=(seed, own, number), wishes=wishes)
            target = stem.with_name(f"{stem.name}-insert-{number:04d}")
            written, notes = write_insertion(made, path, target, seed)
            rows += [{"path": written, "person": p, "notes": (*notes, *made.plan.warnings), "of": path} for p in made.persons]
            step()
    except (XrayscanError, OSError, MemoryError) as error:
        return rows, str(error) or "there is not enough memory for it"
    return rows, ""


class _Shown:
    """How far it is: a bar on a terminal, nothing elsewhere."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("inserting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal)
        self._task = self._bar.add_task("inserting", total=total)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda: self._bar.advance(self._task)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _show(rows: Sequence[dict[str, Any]], failed: Sequence[tuple[Path, str]], out: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    if rows:
        table = Table(title="Inserted", title_justify="left", header_style="bold")
        table.add_column("file", overflow="fold")
        for name in ("posture", "place"):
            table.add_column(name)
        for name in ("mass", "removed", "load", "contrast/noise", "opaque"):
            table.add_column(name, justify="right")
        for row in rows:
            person = row["person"]
            table.add_row(
                text(shown_path(row["path"])), person.label, person.place, f"{person.mass:.0f} kg", f"{person.removed:.1f} kg",
                f"{person.load:.0f} g/cm²", f"{person.contrast:.1f}", f"{person.opaque:.0%}",
            )  # fmt: skip
        results.print(table)
    for note, files in _notes(rows).items():
        of = files[0] if len(files) == 1 else f"{len(files)} scans"
        messages.print(Text(f"{of}: ", style="yellow").append_text(text(note)), soft_wrap=True)
    if failed:
        results.print(f"\n{len(failed)} could not be used:", style="bold red")
        for path, error in failed:
            line = Text("  ").append_text(text(shown_path(path), "bold")).append_text(text(f": {error}"))
            results.print(line, soft_wrap=True)
    written = {row["path"] for row in rows}
    results.print(Text(f"\n{len(written)} written to ").append_text(text(shown_path(out), "bold")), soft_wrap=True)


def _notes(rows: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """What is to be known, each thing once, with the scans that it is said of; drawn numbers are in the truth."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for note in row["notes"]:
            said = note.partition(" drawn")[0].rpartition(":")[0] + ": drawn" if note.endswith(" drawn") else note
            names = found.setdefault(said, [])
            name = str(text(row["of"].name))
            if name not in names:
                names.append(name)
    return found
