"""Figures of one or more models on the same scans → ``docs/benchmark.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xrayscan.evaluation.breakdown import alarmed_by, found_by, level_of, worst_alarms, worst_misses
from xrayscan.evaluation.curves import PRO_LIMIT
from xrayscan.evaluation.difficulty import BOUNDS, difficulty, easiest
from xrayscan.evaluation.metrics import Figure
from xrayscan.evaluation.penetration_curve import Curve, table
from xrayscan.evaluation.records import Record
from xrayscan.evaluation.summary import (
    FALSE_RATES,
    RATES,
    by_difficulty_at,
    found_at,
    in_place_at,
    percent,
    summarize,
    things_at,
)
from xrayscan.network.anomaly import KINDS

__all__ = ["Measured", "benchmark", "share"]

NOTHING = "–"
LEGEND = (
    "In the pictures color is the score from 0.2 on, orange outlines are findings, the green line runs around what is truly a "
    "person, and what is hatched was not penetrated. Each is cut to 9 m of the scan."
)
AT = 0.01  # share of clean scans alarmed at which families are compared


@dataclass(frozen=True, eq=False)
class Measured:
    """A model's records and figures.

    Attributes
    ----------
    rows : tuple of Record
        One a scan.
    thresholds : mapping of float to float
        The card's; empty for what has no card.
    figures : dict
        As `xrayscan.evaluation.summary.summarize` made them.
    set_on : str
        The scans that thresholds and probabilities were set on.
    """

    rows: tuple[Record, ...]
    thresholds: Mapping[float, float] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    set_on: str = ""

    @classmethod
    def of(cls, rows: Sequence[Record], thresholds: Mapping[float, float] | None = None, set_on: str = "") -> Measured:
        """Make the figures of records; of a kind of which the model never says anything there are none.

        Raises
        ------
        ShapeError
            Without any record.
        """
        thresholds = dict(thresholds or {})
        figures = dict(summarize(rows, thresholds, {}))
        for kind in KINDS[1:]:
            if not any(row.score[kind] > 0 for row in rows):
                figures[kind] = {}
        return cls(tuple(rows), thresholds, figures, set_on)

    @property
    def name(self) -> str:
        """Name and version of the model."""
        model = self.rows[0].model
        return f"{model.get('name', 'a model')} {model.get('version', '')}".strip()

    @property
    def level(self) -> float:
        """Scan score at which `AT` of these clean scans are alarmed."""
        return level_of(self.rows, AT)


def share(figure: Mapping[str, float] | Figure | None) -> str:
    """A share with its interval, for a table.

    Examples
    --------
    >>> share({"value": 0.5, "low": 0.25, "high": 0.751, "n": 8})
    '50.0 % [25.0, 75.1]'
    >>> share(None)
    '–'
    """
    if not figure:
        return NOTHING
    value, low, high = _parts(figure)
    return f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def _plain(figure: Mapping[str, float] | None) -> str:
    """A figure that is no share of scans."""
    if not figure:
        return NOTHING
    value, low, high = _parts(figure)
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _parts(figure: Mapping[str, float] | Figure) -> tuple[float, float, float]:
    if isinstance(figure, Figure):
        return figure.value, figure.low, figure.high
    return figure["value"], figure["low"], figure["high"]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


Names = tuple[str, ...]


def _at(figures: Mapping[str, Any], path: Names) -> Any:
    """What lies in a nested dictionary under these names; None if nothing."""
    held: Any = figures
    for name in path:
        held = held.get(name) if isinstance(held, Mapping) else None
    return held


def _rows(
    models: Sequence[Measured], picks: Sequence[tuple[str, Names]], text: Callable[[Any], str] = share
) -> list[list[str]]:
    """A row for each figure that any model has: its name, n, and one cell a model."""
    rows = []
    for name, path in picks:
        found = [_at(model.figures, path) for model in models]
        known = [figure for figure in found if figure]
        if known:
            rows.append([name, str(known[0]["n"]), *(text(figure) for figure in found)])
    return rows


def _head(models: Sequence[Measured], *first: str) -> list[str]:
    return [*first, *(model.name for model in models)]


def benchmark(
    models: Sequence[Measured],
    *,
    command: str,
    pictures: Mapping[str, str] | None = None,
    curves: Sequence[Curve] | None = None,
    drawn: str = "",
) -> str:
    """The page.

    Parameters
    ----------
    models : sequence of Measured
        On the same scans; the worst scans shown are the first one's.
    command : str
        That wrote it.
    pictures : mapping of str to str or None
        Scan → path of its picture from the page.
    curves : sequence of Curve or None
        Person-penetration curves.
    drawn : str
        Path of their picture from the page.

    Returns
    -------
    str
        Markdown.
    """
    first = models[0]
    title = f"Benchmark: {', '.join(model.name for model in models)}" if models[1:] else "Benchmark"
    lines = [
        f"# {title}", "",
        f"Written by `{command}`: change the command, not this page.",
        "**Simulated scans only. A finding is for a person to look at, and no finding is never a clearance.**", "",
        *_scans(first), *_rules(), *_side_by_side(models), *_detection(models), *_card(models), *_findings(models),
        *_reliability(models), *_driver(models), *_penetration(curves, drawn), *_families(models),
        *_worst(first, pictures or {}),
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _scans(first: Measured) -> list[str]:
    rows = first.rows
    counts = {
        "kind of scene": Counter(row.kind for row in rows),
        "scanner": Counter(row.scanner or "not said" for row in rows),
        "quantity": Counter(row.quantity for row in rows),
        "vehicle": Counter(row.vehicle or "not said" for row in rows),
        "scans with persons": Counter(difficulty(row) for row in rows if any(i["kind"] == "person" for i in row.instances)),
    }
    table = [[name, ", ".join(f"{n} {what}" for what, n in found.most_common())] for name, found in counts.items()]
    return ["## The scans", "", f"{len(rows)} packed scans.", "", *_table(["", "scans"], table)]


def _rules() -> list[str]:
    return [
        "## How it is counted", "",
        "- **Clean** scans hide nothing; about half of them hold look-alikes, which count as clean.",
        "- **Found** scans with persons have a scan score above the threshold that alarms the stated share of the clean scans;",
        "  a tie finds nothing. Set *on these scans* it compares detectors; *set before* tells what a promised rate is worth.",
        "  A scan is found *in the right place* if a region that hits what is there exceeds the threshold too.",
        "- **Difficulty** is that of a scan's easiest person, by the areal density of everything else over it: easy,",
        f"  {BOUNDS['easy']}; medium, {BOUNDS['medium']}; hard, {BOUNDS['hard']}; beyond, {BOUNDS['beyond']} (of every",
        "  person 90 % or more). What is beyond is shown apart, and is in the count of all.",
        "- A **thing** is what is seen of a person, a void or a density anomaly. Persons that touch in the picture are one,",
        "  and so are parts of a void up to 0.1 m apart. A finding hits with a tenth of its area or of the thing's. One that",
        "  lies on something of another kind, or on the hole made for a person, is neither right nor wrong; one on a driver is",
        "  wrong.",
        "- **FROC**: share of the things hit where all regions above one score give so many false ones a scan. Regions too",
        "  faint to be findings are taken in for this alone.",
        f"- **AUPRO** is the mean overlap of regions over the share of wrong pixels, up to {PRO_LIMIT:g} (Bergmann et al.",
        "  2021, <https://doi.org/10.1007/s11263-020-01400-4>); pixel figures are made from histograms of 200 bins.",
        "- **Baselines**, where there are any, are fitted on the clean scans behind `--fit`: a matched filter with bodies as",
        "  templates; PatchCore and PaDiM, which say that something is unlike clean scans and not what it is: their one score",
        "  is measured for every kind.",
        "- The **number of persons** is given as the 90 % range of how many findings are right, by their probabilities.",
        "- **Intervals** are 95 %, from redrawing the scans 1000 times within their kind of scene; those of shares also span",
        "  Wilson's. Shares at a fixed threshold, and those by family, have Wilson's alone.", "",
    ]  # fmt: skip


def _side_by_side(models: Sequence[Measured]) -> list[str]:
    head = ["model", "found at 1 %", "AUROC", "hit at 0.1 false a scan", "pixel AP", "AUPRO", "median time of the network part"]
    rows = []
    for model in models:
        person = model.figures["person"]
        seconds = sorted(row.seconds for row in model.rows)[len(model.rows) // 2]
        name = f"{model.name} (`{model.rows[0].model.get('sha256', '')[:12]}`)"
        rows.append([
            name, share(person.get(found_at(AT))), _plain(person.get("auroc")), share(person.get(things_at(0.1))),
            _plain(person.get("pixel average precision")), _plain(person.get("AUPRO")), f"{1e3 * seconds:.0f} ms",
        ])  # fmt: skip
    note = "Persons. The time is that of this run's machine, whatever else it did; see `benchmarks/` for speed."
    return ["## Side by side", "", *_table(head, rows), note, ""]


def _detection(models: Sequence[Measured]) -> list[str]:
    picks = [(f"{kind}, {percent(rate)}", (kind, found_at(rate))) for kind in KINDS for rate in RATES]
    picks += [(f"{kind}, {percent(AT)}, and in the right place", (kind, in_place_at(AT))) for kind in KINDS]
    areas = [(f"{kind}, AUROC", (kind, "auroc")) for kind in KINDS]
    lines = ["## Scans found", "", "By the share of these clean scans that is alarmed.", ""]
    lines += _table(_head(models, "scans that hold", "n"), [*_rows(models, picks), *_rows(models, areas, _plain)])
    by = [
        (f"{name} ({BOUNDS[name]}), {percent(rate)}", ("person", by_difficulty_at(rate), name))
        for name in BOUNDS
        for rate in RATES
    ]
    return [*lines, "Scans with persons, by difficulty:", "", *_table(_head(models, "difficulty", "n"), _rows(models, by))]


def _card(models: Sequence[Measured]) -> list[str]:
    rows = []
    for model in models:
        for rate, level in sorted(model.thresholds.items()):
            row = model.figures["person"]["at thresholds set before"].get(f"{rate:g}", {})
            alarmed, found = row.get("clean scans alarmed"), row.get("scans with persons found")
            rows.append([model.name, percent(rate), f"{level:.3f}", share(alarmed), share(found)])
    if not rows:
        return []
    head = ["model", "wanted", "scan score", "clean scans alarmed", "scans with persons found"]
    said = [f"Thresholds and probabilities of {model.name} were set on {model.set_on}." for model in models if model.set_on]
    return ["## At thresholds that were set before", "", *said, "", *_table(head, rows)]


def _findings(models: Sequence[Measured]) -> list[str]:
    lines = ["## Findings", "", "Things hit, and the price in false regions.", ""]
    picks: list[tuple[str, Names]] = []
    for kind in KINDS:
        picks += [(f"{kind}, {rate:g} false a scan", (kind, things_at(rate))) for rate in FALSE_RATES]
        picks.append((f"{kind}, the findings as they are", (kind, "things found")))
    lines += _table(_head(models, "things hit", "n"), _rows(models, picks))
    names = ("pixel average precision", "pixel intersection over union", "AUPRO")
    pixels = [(f"{kind}, {name}", (kind, name)) for kind in KINDS for name in names]
    lines += ["Pixels (n: scans):", "", *_table(_head(models, "", "n"), _rows(models, pixels, _plain))]
    lines += _table(_head(models, ""), _numbers(models))
    inside: list[tuple[str, Names]] = [
        (f"{kind}, true mass within the stated 90 % interval", (kind, "mass", "share in the 90 % interval")) for kind in KINDS
    ]
    for name in ("clean scans", "scans with persons"):
        inside.append((f"{name}, true number of persons within the range", ("person", "number in range", name)))
    return [*lines, *_table(_head(models, "", "n"), _rows(models, inside))]


def _numbers(models: Sequence[Measured]) -> list[list[str]]:
    """Rows of figures that are no shares."""
    rows = []
    for label, path, scale in (
        ("false findings a scan", ("false findings a scan",), 1),
        ("mass, median relative error [%]", ("mass", "median relative error"), 100),
        ("calibration error (ECE) [%]", ("calibration error",), 100),
    ):
        for kind in KINDS:
            held = [_at(model.figures, (kind, *path[:-1])) or {} for model in models]
            rows.append([f"{kind}, {label}", *(_spanned(one, path[-1], scale) for one in held)])
    return [row for row in rows if set(row[1:]) != {NOTHING}]


def _spanned(held: Mapping[str, Any], name: str, scale: float) -> str:
    if name not in held:
        return NOTHING
    low, high = held[f"{name} interval"]
    return f"{scale * held[name]:.3g} [{scale * low:.3g}, {scale * high:.3g}]"


def _reliability(models: Sequence[Measured]) -> list[str]:
    lines = ["## Probabilities", "", "What findings say, and the share of them that is right.", ""]
    rows = []
    for model in models:
        for kind in KINDS:
            for name, row in model.figures[kind].get("reliability", {}).items():
                rows.append([model.name, kind, name, str(row["n"]), f"{100 * row['said']:.1f} %", share(row)])
    return [*lines, *_table(["model", "kind", "probability", "findings", "said, mean", "right"], rows)] if rows else []


def _driver(models: Sequence[Measured]) -> list[str]:
    picks: list[tuple[str, Names]] = [("driver taken for a person", ("driver", "taken for a person"))]
    for group in ("clean scans", "scans with persons", "all scans"):
        picks.append((f"called unlike what it knows: {group}", ("unfamiliar", group)))
    rows = _rows(models, picks)
    return ["## Drivers, and unfamiliar scans", "", *_table(_head(models, "", "n"), rows)] if rows else []


def _penetration(curves: Sequence[Curve] | None, drawn: str) -> list[str]:
    if not curves:
        return []
    return [
        "## Person-penetration curve", "",
        "Staged scenes, of no split: a seated adult in an aisle between two even walls of goods in a 20 ft container, scanned",
        "with and without the person. The load is the areal density of everything else over the person. Shares found with 95 %",
        "intervals; where a fitted curve falls to 90 % and 50 %, from redrawing the scenes. *Ideal*: a matched filter that",
        "knows the scene and meets nothing but photon noise; no detector can do better.", "",
        *([f"![detection against areal density]({drawn})", ""] if drawn else []), table(curves),
    ]  # fmt: skip


def _families(models: Sequence[Measured]) -> list[str]:
    lines = [
        "## By family",
        "",
        f"Scans with persons found at {percent(AT)} of these clean scans alarmed. A scan counts in every",
    ]
    lines += ["group that one of its loads or persons belongs to.", ""]
    lines += _groups(models, [found_by(model.rows, model.level) for model in models])
    lines += ["## Clean scans alarmed, by family", "", f"At the same thresholds, which alarm {percent(AT)} of them all.", ""]
    return [*lines, *_groups(models, [alarmed_by(model.rows, model.level) for model in models])]


def _groups(models: Sequence[Measured], found: Sequence[Mapping[str, Mapping[str, Figure]]]) -> list[str]:
    lines = []
    for axis, groups in found[0].items():
        rows = [[name, str(first.n), *(share(one[axis].get(name)) for one in found)] for name, first in groups.items()]
        lines += _table(_head(models, axis, "n"), rows)
    return lines


def _worst(model: Measured, pictures: Mapping[str, str]) -> list[str]:
    """The ten worst scans of both sorts, with what can be said of them."""
    misses, alarms = worst_misses(model.rows, model.level), worst_alarms(model.rows)
    lines = ["## The worst misses", "", f"Of {model.name}, at {percent(AT)} of these clean scans alarmed (a scan score of "]
    lines[-1] += f"{model.level:.3f}): the easiest first, then the lowest score."
    lines += ["", *_table(["scan", "score", "difficulty", "load", "hidden", "over it", "contrast"], [_miss(r) for r in misses])]
    lines += [LEGEND, ""] if pictures else []
    lines += _shown(misses, pictures)
    lines += ["## The worst false alarms", "", "The clean scans with the highest scores.", ""]
    lines += _table(["scan", "score", "load", "look-alikes", "vehicle", "on the driver"], [_alarm(r) for r in alarms])
    return [*lines, *_shown(alarms, pictures)]


def _load(row: Record) -> str:
    return row.load.replace("+", ", ")


def _miss(row: Record) -> list[str]:
    person = easiest(row) or {}
    who = f"{person.get('label', '')}, {person.get('place', '')}"
    return [
        row.scan, f"{row.score['person']:.3f}", difficulty(row), _load(row), who, f"{person.get('load', 0):.0f} g/cm²",
        f"{person.get('contrast', 0):.0f} × noise",
    ]  # fmt: skip


def _alarm(row: Record) -> list[str]:
    highest = max((r for r in row.regions if r.kind == "person"), key=lambda r: r.score, default=None)
    on_driver = "yes" if highest is not None and highest.driver else "no"
    looks = ", ".join(sorted(set(row.lookalikes))) or "none"
    return [row.scan, f"{row.score['person']:.3f}", _load(row), looks, row.vehicle, on_driver]


def _shown(rows: Sequence[Record], pictures: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        if row.scan in pictures:
            lines += [f"![{row.scan}: {_load(row)}]({pictures[row.scan]})", ""]
    return lines
