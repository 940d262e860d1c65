"""The card of a model: ``card.toml`` for programs, ``card.md`` for people, both from the same figures."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from xrayscan.evaluation.difficulty import BOUNDS
from xrayscan.evaluation.summary import FALSE_RATES, RATES, by_difficulty_at, found_at, in_place_at, things_at
from xrayscan.zoo import ModelCard

__all__ = ["write_card"]

KINDS = ("person", "void", "density")


def write_card(card: ModelCard) -> None:
    """Write ``card.toml`` and ``card.md`` into the card's folder.

    Parameters
    ----------
    card : ModelCard
        Figures that it does not hold, as those of older versions, are left out of the page.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    (card.folder / "card.toml").write_text(_toml(card), encoding="utf-8")
    (card.folder / "card.md").write_text(_markdown(card), encoding="utf-8")


def _toml(card: ModelCard) -> str:
    text = json.dumps  # a JSON string is a TOML string
    lines = [f"{key} = {text(getattr(card, key))}" for key in ("name", "version", "created", "recipe", "revision")]
    lines += [f"seed = {card.seed}", f"grid_m = {card.grid!r}", f"place_m2 = {card.score_area!r}"]
    lines += [f"tells_display = {text(card.tells_display)}"]
    lines += [f"{key} = {text(getattr(card, key))}" for key in ("thresholds_set_on", "probabilities_set_on")]
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
    """A nested dictionary of numbers as TOML tables; a figure with its interval is one line."""
    inner = {k: v for k, v in table.items() if isinstance(v, Mapping) and not _is_figure(v)}
    lines = [f"[{name}]", *(f"{json.dumps(k)} = {_value(v)}" for k, v in table.items() if k not in inner)]
    for key, value in inner.items():
        lines += _tables(f"{name}.{json.dumps(key)}", value)
    return lines


def _is_figure(table: Mapping[str, Any]) -> bool:
    return "value" in table and "n" in table


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {json.dumps(part)}" for key, part in value.items()) + " }"
    return json.dumps(value)


def _share(figure: Mapping[str, float] | None) -> str:
    if not figure:
        return "not measured"
    return f"{figure['value']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}], n = {figure['n']}"


def _plain(figure: Mapping[str, float] | None) -> str:
    if not figure:
        return "not measured"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _markdown(card: ModelCard) -> str:
    figures = card.figures
    lines = [
        f"# {card.name} {card.version}", "",
        "A network that scores each pixel of a normalized scan as consistent with a concealed person, a void or a density",
        "anomaly, and estimates the areal density that is added or missing.",
        "**Trained and measured on simulated scans only. No finding is not a clearance.**", "",
        f"Made on {card.created} by `xrayscan train models/{card.name}/recipe.toml --out models/{card.name}`,",
        f"seed {card.seed}, revision `{card.revision}`.",
        f"Grid {card.grid * 1e3:g} mm. Files: {', '.join(f'`{f}`' for f in card.sha256)}.", "",
    ]  # fmt: skip
    if figures.get("person"):
        lines += _measured(card, figures) + _thresholds(card, figures["person"]) + _things(figures) + _probabilities(figures)
        lines += _crosswise(figures.get("crosswise", {}))
    return "\n".join(lines + _limits(figures)) + "\n"


def _measured(card: ModelCard, figures: Mapping[str, Any]) -> list[str]:
    person, clean = figures["person"], figures["clean scans"]
    looks = figures.get("clean scans with look-alikes")
    lines = ["## Measured", ""]
    lines += [f"On {figures['scans']} simulated scans of the recipe's test split, {clean} of them clean"]
    lines[-1] += f" ({looks} with look-alikes)." if looks is not None else "."
    lines += [
        *_held_out(card),
        "Intervals are 95 %, from redrawing the scans.",
        "",
        "| scans with persons | found |",
        "| --- | --- |",
    ]
    lines += [f"| {key} | {_share(person[key])} |" for key in _ordered(person)]
    lines += ["", f"AUROC {_plain(person.get('auroc'))}.", ""]
    for key, rows in person.items():
        if key == by_difficulty_at(0.01):
            lines += _difficulty("at the threshold that alarms 1 % of these clean scans", rows)
        elif key in ("found by difficulty at the 1 % threshold", "found by difficulty at the 5 % threshold"):
            lines += _difficulty(key.removeprefix("found by difficulty ") + " set before", rows)
    return lines


def _ordered(person: Mapping[str, Any]) -> list[str]:
    known = [found_at(rate) for rate in RATES] + [in_place_at(rate) for rate in RATES]
    others = [key for key in person if key.startswith("found at") and key not in known]
    return [key for key in (*known, *others) if key in person]


def _held_out(card: ModelCard) -> list[str]:
    """Which families the test split is made of, as the recipe beside the card says it."""
    path = card.folder / card.recipe
    table = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    held = {name: families for name, families in table.get("data", {}).get("held_out", {}).items() if families}
    if not held:
        return [
            "They differ from the training scans in their seeds, not in their kinds of load, bodies and scanners:",
            "**these figures say nothing of other loads and scanners.**",
        ]
    names = {"lookalikes": "look-alikes", "people": "bodies"}
    counts = ", ".join(f"{len(families)} {names.get(name, name)}" for name, families in held.items())
    return [
        f"They are drawn from families alone that the network never met: {counts}, named in `recipe.toml`.",
        "The simulator is the same: **of real scans these figures say nothing.**",
    ]


def _thresholds(card: ModelCard, person: Mapping[str, Any]) -> list[str]:
    """Those that hold, and what those set on the calibration split alone then did on the test split."""
    lines = ["## Thresholds", "", f"Set on {card.thresholds_set_on}.", ""]
    if card.probabilities_set_on:
        lines += [f"Probabilities are set on {card.probabilities_set_on}: where persons are rarer they are less.", ""]
    lines += ["Set on the calibration split alone, on the test split then:", ""]
    lines += ["| wanted | scan score | set on calibration alone | clean scans alarmed | scans with persons found |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for rate, score in sorted(card.thresholds.items()):
        row = person.get("at thresholds set before", {}).get(f"{rate:g}", {})
        alarmed, found = row.get("clean scans alarmed"), row.get("scans with persons found")
        before = row.get("scan score", score)
        lines.append(f"| {rate:.1%} | {score:.3f} | {before:.3f} | {_share(alarmed)} | {_share(found)} |")
    return [*lines, ""]


def _difficulty(where: str, rows: Mapping[str, Any]) -> list[str]:
    lines = [f"By the areal density of everything else over the scan's easiest person, {where}:", ""]
    lines += ["| difficulty | found |", "| --- | --- |"]
    return [*lines, *(f"| {name}, {BOUNDS[name]} | {_share(figure)} |" for name, figure in rows.items()), ""]


def _things(figures: Mapping[str, Any]) -> list[str]:
    kinds = [kind for kind in KINDS if figures.get(kind)]
    lines = ["## Findings", "", "| | " + " | ".join(kinds) + " |", "| --- |" + " --- |" * len(kinds)]
    rows = [("things hit by findings", "things found", _share)]
    rows += [(f"things hit at {rate:g} false regions a scan", things_at(rate), _share) for rate in FALSE_RATES]
    rows += [("AUROC of scans", "auroc", _plain), (f"scans {found_at(0.01)}", found_at(0.01), _share)]
    rows += [(name, name, _plain) for name in ("pixel average precision", "pixel intersection over union", "AUPRO")]
    for label, key, shown in rows:
        if any(key in figures[kind] for kind in kinds):
            lines.append(f"| {label} | " + " | ".join(shown(figures[kind].get(key)) for kind in kinds) + " |")
    false = [_number(figures[kind], "false findings a scan", ".2f") for kind in kinds]
    lines += [f"| false findings a scan | {' | '.join(false)} |", ""]
    driver = figures.get("driver", {}).get("taken for a person")
    if driver:
        lines += [f"Who drives, and is seen to, was taken for someone concealed in {_share(driver)} scans.", ""]
    return lines


def _number(held: Mapping[str, Any], name: str, form: str) -> str:
    """A number with its interval, where that is known."""
    if name not in held:
        return "not measured"
    value = format(held[name], form)
    if f"{name} interval" not in held:
        return value
    low, high = (format(one, form) for one in held[f"{name} interval"])
    return f"{value} [{low}, {high}]"


def _probabilities(figures: Mapping[str, Any]) -> list[str]:
    crossed = "crosswise" in figures
    lines = ["## Probabilities and masses", ""]
    if crossed:
        lines += ["Set on the calibration split alone, on the test split, whose families are others:", ""]
    return lines + _said(figures)


def _crosswise(figures: Mapping[str, Any]) -> list[str]:
    """What all scans together are worth to set things on, where that was measured."""
    if not figures:
        return []
    scans, clean = figures["scans"], figures["clean scans"]
    lines = [
        "## As shipped: set on both splits",
        "",
        f"Of {scans} scans of both splits, {clean} of them clean, each half was read as the other half",
        "sets it: other scans, of families that the network never met. How far what is set on some families carries to",
        "others is told above.",
        "",
        "| wanted | clean scans alarmed | scans with persons found |",
        "| --- | --- | --- |",
    ]
    for rate, row in figures["thresholds"].items():
        alarmed, found = row.get("clean scans alarmed"), row.get("scans with persons found")
        lines.append(f"| {float(rate):.1%} | {_share(alarmed)} | {_share(found)} |")
    return [*lines, "", *_said(figures)]


def _said(figures: Mapping[str, Any]) -> list[str]:
    """How true probabilities, masses and numbers are."""
    person, lines = figures["person"], []
    for kind in KINDS:
        if "calibration error" in figures.get(kind, {}):
            lines.append(f"Calibration error (ECE), {kind}: {_number(figures[kind], 'calibration error', '.3f')}.")
    table = person.get("reliability")
    if table:
        lines += ["", "| probability said, person | findings | mean said | right |", "| --- | --- | --- | --- |"]
        for name, row in table.items():
            lines.append(
                f"| {name} | {row['n']} | {row['said']:.1%} | {row['value']:.1%} [{row['low']:.1%}, {row['high']:.1%}] |"
            )
    mass = person.get("mass")
    if mass:
        lines += [
            "",
            f"Mass of the persons found: median relative error {_number(mass, 'median relative error', '.0%')}; in the",
        ]
        lines[-1] += f" 90 % interval: {_share(mass.get('share in the 90 % interval'))}."
    numbers = person.get("number in range", {})
    if numbers:
        said = "; ".join(f"{name}: {_share(figure)}" for name, figure in numbers.items())
        lines += ["", f"Number of persons within the range that the findings give: {said}."]
    return [*lines, ""]


def _limits(figures: Mapping[str, Any]) -> list[str]:
    lines = ["## Where it fails", ""]
    if "density" in figures:
        lines += [
            "- Under dense loads: see the tables by difficulty.",
            "- Void and density anomalies: see the table of findings.",
        ]
    return [
        *lines,
        "- By load, place, posture, scanner and look-alike, with the worst scans as pictures: `docs/benchmark.md`.",
        "- Display pictures: densities and masses are approximate, and the scale when the pitch is not stated.",
        "- What was not penetrated scores 0: nothing is said there, and the report says how much that is.",
    ]
