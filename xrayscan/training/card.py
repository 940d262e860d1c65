"""The card of a model: ``card.toml`` for programs, ``card.md`` for people, both from the same figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from xrayscan.zoo import ModelCard

__all__ = ["write_card"]


def write_card(card: ModelCard) -> None:
    """Write ``card.toml`` and ``card.md`` into the card's folder."""
    (card.folder / "card.toml").write_text(_toml(card), encoding="utf-8")
    (card.folder / "card.md").write_text(_markdown(card), encoding="utf-8")


def _toml(card: ModelCard) -> str:
    text = json.dumps  # a JSON string is a TOML string
    lines = [f"{key} = {text(getattr(card, key))}" for key in ("name", "version", "created", "recipe", "revision")]
    lines += [f"seed = {card.seed}", f"grid_m = {card.grid!r}", f"thresholds_set_on = {text(card.thresholds_set_on)}"]
    lines += ["", "[sha256]", *(f"{text(name)} = {text(value)}" for name, value in card.sha256.items())]
    lines += ["", "# share of clean scans alarmed = scan score", "[thresholds]"]
    lines += [f"{text(f'{rate:g}')} = {score!r}" for rate, score in card.thresholds.items()]
    lines += ["", "# slope and intercept from logit score to probability", "[calibration]"]
    lines += [f"{kind} = [{slope!r}, {shift!r}]" for kind, (slope, shift) in card.calibration.items()]
    lines += ["", "# low and high factor of the 90 % interval of an estimated mass", "[mass_factor]"]
    lines += [f"{kind} = [{low!r}, {high!r}]" for kind, (low, high) in card.mass_factor.items()]
    lines += ["", *_tables("figures", card.figures)]
    return "\n".join(lines) + "\n"


def _tables(name: str, table: Mapping[str, Any]) -> list[str]:
    """A nested dictionary of numbers as TOML tables."""
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping)}
    lines = [f"[{name}]", *(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in plain.items())]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _tables(f"{name}.{json.dumps(key)}", value)
    return lines


def _share(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}], n = {figure['n']}"


def _markdown(card: ModelCard) -> str:
    figures = card.figures
    person = figures["person"]
    clean, scans, command = figures["clean scans"], figures["scans"], f"xrayscan train models/{card.name}/recipe.toml"
    lines = [
        f"# {card.name} {card.version}",
        "",
        "A U-Net that scores each pixel of a normalized scan as consistent with a concealed person, a void or a density",
        "anomaly, and estimates the areal density that is added or missing.",
        "**Trained and measured on simulated scans only. No finding is not a clearance.**",
        "",
        f"Made on {card.created} by `{command} --out models/{card.name}`, seed {card.seed}, revision",
        f"`{card.revision}`. Grid {card.grid * 1e3:g} mm. Files: {', '.join(f'`{f}`' for f in card.sha256)}.",
        "",
        "## Measured",
        "",
        f"On {scans} simulated scans of the recipe's test split, {clean} of them clean (half of those with look-alikes).",
        "They differ from the training scans in their seeds, not in their kinds of load, bodies and scanners:",
        "**these figures say nothing of other loads and scanners.** Intervals are 95 %, over scans.",
        "",
        "| scans with persons | found |",
        "| --- | --- |",
    ]
    lines += [f"| {key} | {_share(person[key])} |" for key in person if key.startswith("found at")]
    auroc = person["auroc"]
    lines += ["", f"AUROC {auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}].", ""]
    lines += _thresholds(card, person) + _difficulty(person) + _things(figures) + _limits()
    return "\n".join(lines) + "\n"


def _thresholds(card: ModelCard, person: Mapping[str, Any]) -> list[str]:
    lines = ["## Thresholds", "", f"Set on {card.thresholds_set_on}; then, on the test split:", ""]
    lines += ["| wanted | scan score | clean scans alarmed | scans with persons found |", "| --- | --- | --- | --- |"]
    for rate, score in sorted(card.thresholds.items()):
        row = person["at the card's thresholds"][f"{rate:g}"]
        lines.append(
            f"| {rate:.1%} | {score:.3f} | {_share(row['clean scans alarmed'])} | {_share(row['scans with persons found'])} |"
        )
    return [*lines, ""]


def _difficulty(person: Mapping[str, Any]) -> list[str]:
    rows = person.get("found by difficulty at the 5 % threshold", {})
    bounds = {"easy": "under 20", "medium": "20 to 60", "hard": "60 to 120", "beyond": "over 120"}
    lines = ["By the areal density of everything else over the scan's easiest person, at the 5 % threshold:", ""]
    lines += ["| g/cm² | found |", "| --- | --- |"]
    return [*lines, *(f"| {bounds[name]} | {_share(figure)} |" for name, figure in rows.items()), ""]


def _things(figures: Mapping[str, Any]) -> list[str]:
    lines = ["## Findings", "", "| kind | things found | false findings a scan | AUROC of scans |", "| --- | --- | --- | --- |"]
    for kind in ("person", "void", "density"):
        part = figures[kind]
        auroc = f"{part['auroc']['value']:.3f} [{part['auroc']['low']:.3f}, {part['auroc']['high']:.3f}]"
        lines.append(f"| {kind} | {_share(part['things found'])} | {part['false findings a scan']:.2f} | {auroc} |")
    person = figures["person"]
    mass = person["mass"]
    lines += ["", f"Calibration error of the persons' probabilities: {person['calibration error']:.3f}."]
    if mass:
        interval, error = _share(mass["share in the 90 % interval"]), mass["median relative error"]
        lines.append(f"Mass of the persons found: median relative error {error:.0%}; in the 90 % interval: {interval}.")
    return [*lines, ""]


def _limits() -> list[str]:
    return [
        "## Where it fails",
        "",
        "- Under dense loads: see the table by difficulty.",
        "- Void and density anomalies: see the table of findings.",
        "- Not tried, because its simulator lacks them: drivers in their cabs, reefers, tanks, wagons, torn loads, wobble.",
        "- Display pictures: densities and masses are approximate, and the scale when the pitch is not stated.",
        "- What was not penetrated scores 0: nothing is said there, and the report says how much that is.",
    ]
