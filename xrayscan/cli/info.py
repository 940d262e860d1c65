"""``xrayscan info``: what a file holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from xrayscan.cli.console import FAILED, clear_errors, results, shown_path, text

if TYPE_CHECKING:
    from xrayscan.scan import Scan, View

__all__ = ["info"]


def info(
    paths: list[str] = typer.Argument(help="Scans, and folders of scans.", metavar="PATH"),
    as_json: bool = typer.Option(False, "--json", help="A JSON list, for programs."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:
    """Show what files hold: format, views, quantity, pitch, calibration, manifest, and what was done while reading.

    Exit status: 0 all read, 1 some files could not be read, 2 wrong use.
    """
    with clear_errors(debug):
        from xrayscan.batch import BatchError
        from xrayscan.io import find_scans

        scans = find_scans(paths)
        if not scans:
            raise BatchError(f"looking for scans in {', '.join(paths)}: there are none; name files that hold scans")
        facts = [_facts(path) for path in scans]
        if as_json:
            results.file.write(json.dumps(facts, indent=2) + "\n")
        else:
            for fact in facts:
                _show(fact)
        if any(fact["status"] == "failed" for fact in facts):
            raise typer.Exit(FAILED)


def _facts(path: Path) -> dict[str, Any]:
    """What a file holds, or why that cannot be said."""
    from xrayscan.errors import XrayscanError
    from xrayscan.io import read, registry
    from xrayscan.io.reading import opened

    try:
        scan = read(path)
        file = opened(path)
        form, _ = registry.choose(file)
    except (XrayscanError, OSError, MemoryError) as error:
        reason = str(error) or "there is not enough memory for it"
        return {"path": str(path), "status": "failed", "error_kind": type(error).__name__, "error": reason}
    return {"path": str(path), "status": "read", "format": form, "sidecar": sorted(file.settings), **_facts_of_scan(scan)}


def _facts_of_scan(scan: Scan) -> dict[str, Any]:
    calibration, manifest = scan.calibration, scan.manifest
    lines = {name: getattr(calibration, name) for name in ("dark", "air", "bad_pixels")}
    covered = sum(int(step.parameters.get("covered", 0)) for step in scan.view.steps)
    return {
        "sha256": scan.source.sha256,
        "vendor": scan.source.vendor,
        "scanner": scan.source.scanner,
        "ids": dict(scan.source.ids),
        "acquired_at": scan.acquired_at.isoformat() if scan.acquired_at else None,
        "views": [_facts_of_view(view) for view in scan.views],
        "calibration": {
            **{f"{name}_shape": None if line is None else list(line.shape) for name, line in lines.items()},
            "bad_pixels": None if calibration.bad_pixels is None else int(calibration.bad_pixels.sum()),
            "burnt_in_pixels": covered * len(scan.view.energies),
            "saturation_counts": calibration.saturation,
        },
        "manifest": manifest and {"goods": list(manifest.goods), "mass_kg": manifest.mass, "empty": manifest.empty},
    }


def _facts_of_view(view: View) -> dict[str, Any]:
    import numpy as np

    finite = view.pixels[np.isfinite(view.pixels)] if view.pixels.dtype.kind == "f" else view.pixels
    return {
        "quantity": view.quantity,
        "energies": list(view.energies),
        "rows": view.shape[0],
        "columns": view.shape[1],
        "dtype": str(view.pixels.dtype),
        "minimum": finite.min().item() if finite.size else None,
        "maximum": finite.max().item() if finite.size else None,
        "pixel_pitch_m": list(view.pixel_pitch) if view.pixel_pitch else None,
        "steps": [{"name": step.name, "note": step.note} for step in view.steps],
    }


def _show(fact: Mapping[str, Any]) -> None:
    from rich.table import Table

    title = text(shown_path(fact["path"]), "bold")
    if fact["status"] == "failed":
        # The error names the file, and so does the line.
        error = fact["error"].removeprefix(f"reading {fact['path']}: ")
        results.print(title.append_text(text(f": {error}", "red")), soft_wrap=True)
        return
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, content in _lines(fact):
        table.add_row(name, text(content, "yellow" if content.startswith("warning: ") else ""))
    results.print(table)


def _lines(fact: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The table's rows: name and content."""
    lines = [("format", fact["format"])]
    for number, view in enumerate(fact["views"], 1):
        lines.append(("view" if len(fact["views"]) == 1 else f"view {number}", _view_line(view)))
        lines += [("" if place else "read", step["note"] or step["name"]) for place, step in enumerate(view["steps"])]
    calibration = fact["calibration"]
    known = [f"{name} {tuple(shape)}" for name in ("air", "dark") if (shape := calibration[f"{name}_shape"])]
    if calibration["bad_pixels"] is not None:
        known.append(_bad_pixels(calibration))
    if calibration["saturation_counts"] is not None:
        known.append(f"saturation {calibration['saturation_counts']:g} counts")
    machine = [value for value in (fact["vendor"], fact["scanner"]) if value]
    lines.append(("calibration", ", ".join(known) or "none"))
    lines.append(("machine", ", ".join(machine) or "not named"))
    lines.append(("acquired", fact["acquired_at"] or "not known"))
    if fact["ids"]:
        lines.append(("ids", ", ".join(f"{name} {value}" for name, value in fact["ids"].items())))
    lines.append(("sidecar", ", ".join(fact["sidecar"]) or "none"))
    if fact["manifest"]:
        lines.append(("manifest", _manifest_line(fact["manifest"])))
    lines.append(("SHA-256", fact["sha256"] or "not known"))
    return lines


def _bad_pixels(calibration: Mapping[str, Any]) -> str:
    """How many pixels or channels are bad, and what they are as far as reading told."""
    count, covered = calibration["bad_pixels"], calibration["burnt_in_pixels"]
    noun = "channel" if len(calibration["bad_pixels_shape"]) == 2 else "pixel"
    many = f"{count} {noun}{'' if count == 1 else 's'}"
    return f"{many} under burnt-in marks" if noun == "pixel" and covered == count > 0 else f"{many.replace(' ', ' bad ', 1)}"


def _view_line(view: Mapping[str, Any]) -> str:
    pitch = view["pixel_pitch_m"]
    size = "pitch unknown" if pitch is None else f"pitch {pitch[0] * 1e3:g} x {pitch[1] * 1e3:g} mm"
    span = "no finite value" if view["minimum"] is None else f"{view['minimum']:g} to {view['maximum']:g}"
    energies = "+".join(view["energies"])
    return f"{view['quantity']}, {energies}, {view['rows']} rows x {view['columns']} columns, {view['dtype']}, {span}, {size}"


def _manifest_line(manifest: Mapping[str, Any]) -> str:
    said = [f"goods {', '.join(manifest['goods'])}"] if manifest["goods"] else []
    if manifest["mass_kg"] is not None:
        said.append(f"mass {manifest['mass_kg']:g} kg")
    if manifest["empty"] is not None:
        said.append("empty" if manifest["empty"] else "not empty")
    return "; ".join(said) or "says nothing"
