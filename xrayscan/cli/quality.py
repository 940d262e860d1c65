"""``xrayscan quality``: what scans are worth, and the measures of test-object scans."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from xrayscan.cli.console import FAILED, clear_errors, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.quality import Figure, Layout, Quality, Result
    from xrayscan.scan import Scan

__all__ = ["quality"]

INDICATIVE = "Indicative, not a certified measurement."


class Form(StrEnum):
    """How the figures are printed."""

    table = "table"
    json = "json"


def quality(
    paths: list[Path] = typer.Argument(help="Scans, and folders of scans.", metavar="PATH"),
    layout: Optional[Path] = typer.Option(  # noqa: UP045  typer reads it
        None, "--layout", help="TOML file that says which test object stands where; its measures are added.", metavar="TOML"
    ),
    form: Form = typer.Option(Form.table, "--format", help="A table for people, or a JSON list for programs."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Show what scans are worth: evenness, noise, penetration, sharpness, faults; and whether they are too poor to screen.

    Exit status: 0 all measured, whatever they are worth; 1 some files could not be read; 2 wrong use.
    """
    with clear_errors(debug):
        from xrayscan.batch import BatchError
        from xrayscan.io import find_scans
        from xrayscan.quality import Layout, LayoutError

        plan = None if layout is None else Layout.load(layout)
        scans = find_scans(paths)
        if not scans:
            raise BatchError(f"looking for scans in {', '.join(map(str, paths))}: there are none; name files that hold scans")
        if plan is not None and len(scans) > 1:
            raise LayoutError(
                f"measuring test objects: --layout says where they stand in one scan, and {len(scans)} scans were named; "
                "name the one it was written for"
            )
        facts, poor, failed = [], [], []
        for path in scans:
            measured = _measured(path, plan)
            if isinstance(measured, Exception):
                failed.append(path)
            elif not _is_fit(measured[0]):
                poor.append(path)
            if form is Form.json:
                facts.append(_facts(path, measured))
            else:
                _show(path, measured)
        if form is Form.json:
            results.file.write(json.dumps(facts, indent=2) + "\n")
        elif len(scans) > 1:
            _show_sum(len(scans), poor, failed)
        if failed:
            raise typer.Exit(FAILED)


_Measured = tuple[tuple["Quality", ...], tuple["Result", ...]]


def _measured(path: Path, layout: Layout | None) -> _Measured | Exception:
    """Quality of every image of a scan and the measures of its test objects, or why there are none."""
    from xrayscan.errors import XrayscanError
    from xrayscan.io import read
    from xrayscan.quality import measure_test_object

    try:
        scan = read(path)
        images = tuple(_images(scan))
        return images, () if layout is None else measure_test_object(scan, layout)
    except (XrayscanError, OSError, MemoryError) as error:
        return error


def _images(scan: Scan) -> Iterator[Quality]:
    from xrayscan.errors import CalibrationError
    from xrayscan.normalize import normalize
    from xrayscan.quality import measure

    for number, view in enumerate(scan.views):
        try:
            radiograph = normalize(scan, view=number)
        except CalibrationError:
            radiograph = None  # measure says what is wrong with it
        for energy in range(len(view.energies)):
            yield measure(scan, radiograph, view=number, energy=energy)


def _facts(path: Path, measured: _Measured | Exception) -> dict[str, Any]:
    """For JSON."""
    if isinstance(measured, Exception):
        reason = str(measured) or "there is not enough memory for it"
        return {"path": str(path), "status": "failed", "error_kind": type(measured).__name__, "error": reason}
    images, objects = measured
    facts = {
        "path": str(path),
        "status": "measured",
        "fit": _is_fit(images),
        "images": [_facts_of_image(one) for one in images],
    }
    if not objects:
        return facts
    judged = [one.passed for one in objects if one.passed is not None]
    return {**facts, "limits_kept": all(judged) if judged else None, "test_objects": [_facts_of_result(one) for one in objects]}


def _is_fit(images: Sequence[Quality]) -> bool:
    """Whether the high-energy image of every view is good enough."""
    return all(one.fit for k, one in enumerate(images) if k == 0 or one.view != images[k - 1].view)


def _facts_of_image(one: Quality) -> dict[str, Any]:
    return {
        "view": one.view,
        "energy": one.energy,
        "quantity": one.quantity,
        "rows": one.shape[0],
        "columns": one.shape[1],
        "fit": one.fit,
        "problems": list(one.problems),
        "warnings": list(one.warnings),
        "figures": {f"{name}_{figure.key}".strip("_"): figure.to_dict() for name, figure in one.figures()},
    }


def _facts_of_result(one: Result) -> dict[str, Any]:
    return {
        "object": one.object,
        "kind": one.kind,
        "measure": f"{one.measure}_{one.figure.key}".strip("_"),
        **one.figure.to_dict(),
        "limit": one.limit,
        "limit_is": one.sense,
        "passed": one.passed,
    }


def _show(path: Path, measured: _Measured | Exception) -> None:
    title = text(shown_path(path), "bold")
    if isinstance(measured, Exception):
        reason = str(measured) or "there is not enough memory for it"
        results.print(title.append_text(text(f": {reason.removeprefix(f'reading {path}: ')}", "red")), soft_wrap=True)
        return
    images, objects = measured
    verdict = text(": good enough to screen", "green") if _is_fit(images) else text(": too poor to screen", "bold red")
    results.print(title.append_text(verdict), soft_wrap=True)
    several = len(images) > 1
    said: set[str] = set()
    for one in images:
        _show_image(one, several, said)
        said |= {*one.problems, *one.warnings}
    if objects:
        _show_objects(objects)
    else:
        results.print()


def _show_sum(count: int, poor: Sequence[Path], failed: Sequence[Path]) -> None:
    good = count - len(poor) - len(failed)
    results.print(f"{good} good enough to screen, {len(poor)} too poor, {len(failed)} could not be measured")
    for words, paths in (("too poor", poor), ("not measured", failed)):
        for path in paths:
            results.print(text(f"  {words}: ").append_text(text(shown_path(path), "bold")), soft_wrap=True)


def _show_image(one: Quality, several: bool, said: Container[str]) -> None:
    """One image; what was ``said`` of the scan is not said again."""
    from rich.table import Table

    for word, style, sentences in (("problem", "red", one.problems), ("note", "yellow", one.warnings)):
        for sentence in sentences:
            if sentence not in said:
                results.print(text(f"  {word}: {sentence}", style), soft_wrap=True)
    title = f"view {one.view + 1}, {one.energy} energy" if several else None
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("", style="dim")
    table.add_column("value", overflow="fold", min_width=24)
    table.add_column("measured on", overflow="fold", style="dim")
    figures = dict(one.figures())
    missing: dict[str, list[str]] = {}
    for label, names in _ROWS:
        value, where = _row([(words, figures[name]) for name, words in names])
        if value:
            table.add_row(label, text(value), text(where))
        else:
            missing.setdefault(where, []).append(label)
    for reason, labels in missing.items():
        table.add_row("not measured", text("; ".join(labels)), text(reason))
    results.print(table)


# What a row of the table says: its figures, each with a word before it.
_ROWS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("pixel pitch", (("pitch_row", "rows"), ("pitch_column", "columns"))),
    ("evenness in air, as delivered", (("air_channels", "channels"), ("air_columns", "columns"))),
    ("pulse to pulse, as delivered", (("pulse_rms", "rms"), ("pulse_columns", "columns of a pulse"))),
    ("noise of a pixel in air", (("air_noise", ""),)),
    ("stripes left after normalization", (("stripes_rows", "rows"), ("stripes_columns", "columns"))),
    ("dead channels", (("dead_channels", ""), ("dead_share", ""))),
    ("highest gap of dead channels", (("dead_run", ""),)),
    ("pixels that hold a measurement", (("valid_share", ""),)),
    ("noise floor (T)", (("noise_floor", ""),)),
    ("penetration", (("penetration_depth", "optical depth"), ("penetration_steel", "steel"), ("penetration_areal", ""))),
    ("arm or leg would show behind", (("limb_depth", "optical depth"), ("limb_steel", "steel"))),
    ("load that was penetrated", (("inspected", ""),)),
    ("sharpness along the array", (("mtf50_rows", "MTF 50 %"), ("mtf10_rows", "10 %"), ("detail_rows", "detail"))),
    ("sharpness along the travel", (("mtf50_columns", "MTF 50 %"), ("mtf10_columns", "10 %"), ("detail_columns", "detail"))),
    ("container", (("tilt", "tilt"), ("lean", "lean"), ("magnification", "magnification"), ("stretch", "stretch"))),
    ("coding", (("codes", "codes"), ("bits", ""))),
    ("clipped", (("clipped_low", "lowest code"), ("clipped_high", "highest code"))),
)


def _row(parts: Sequence[tuple[str, Figure]]) -> tuple[str, str]:
    """Values and where they were measured; no value and the reasons if there is none."""
    known = [(words, figure) for words, figure in parts if figure.value is not None]
    missing = [(words, figure) for words, figure in parts if figure.value is None]
    said = [f"{words} {figure.text}{_at_best(figure)}".strip() for words, figure in known]
    # "At best" stands beside the value.
    places = (figure.where.removeprefix("at best").lstrip(":; ") for _, figure in known)
    where = list(dict.fromkeys(place for place in places if place))
    reasons = list(dict.fromkeys(figure.where for _, figure in missing))
    if not known:
        return "", "; ".join(reasons)
    for reason in reasons:
        names = ", ".join(words for words, figure in missing if figure.where == reason and words)
        where.append(f"{names}: {reason}" if names else reason)
    return ", ".join(said), "; ".join(where)


def _at_best(figure: Figure) -> str:
    return " at best" if figure.where.startswith("at best") else ""


def _show_objects(objects: Sequence[Result]) -> None:
    from rich.table import Table

    table = Table(title="test objects", title_justify="left", header_style="bold")
    for name, justify in (("object", "left"), ("measure", "left"), ("value", "left"), ("limit", "right"), ("", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    table.add_column("measured on", overflow="fold", style="dim")
    before = ""
    for one in objects:
        limit = "" if one.limit is None else f"{'≥' if one.sense == 'least' else '≤'} {one.limit:g}"
        name = one.object if one.object != before else ""
        where = one.figure.where if one.figure.value is not None else ""
        table.add_row(text(name), one.measure.replace("_", " "), text(one.figure.text), limit, _passed(one), text(where))
        before = one.object
    results.print(table)
    results.print(INDICATIVE)
    results.print(_sum(objects))


def _passed(one: Result) -> Any:
    words: Mapping[bool | None, tuple[str, str]] = {True: ("pass", "green"), False: ("FAIL", "bold red"), None: ("", "")}
    return text(*words[one.passed])


def _sum(objects: Sequence[Result]) -> str:
    judged = [one for one in objects if one.passed is not None]
    kept = sum(bool(one.passed) for one in judged)
    return f"{kept} of {len(judged)} limit{'' if len(judged) == 1 else 's'} kept" if judged else "no limits are given"
