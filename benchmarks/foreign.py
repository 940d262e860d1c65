"""Clean scans that nobody of us simulated: how many are alarmed, and how many bodies inserted into them are found.

    python benchmarks/foreign.py FOLDER [--model NAME ...] [--out PICTURES] [--seed 1]

FOLDER holds scans, of a customs archive for example, of which it is known that nobody is in them. Each is screened as it is;
then one simulated body is inserted into it (`xrayscan insert`, needs xrayscan[train]), the same one for each model. A body
counts as found where a finding consistent with a person covers its middle or a fifth of its box, and the score of its place
exceeds the threshold of 1 % false alarms. Prints shares with 95 % intervals (Wilson), by the transmission of the load around
the body; with --out it writes a picture of each clean scan that was alarmed. Last comes what a site gets that sets thresholds
on its own clean scans, as `xrayscan calibrate` does: each scan is judged by thresholds that were set on all the others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

import xrayscan as xs
from xrayscan.errors import RecipeError, XrayscanError
from xrayscan.evaluation.metrics import wilson
from xrayscan.explain.overlay import overlay
from xrayscan.findings import place_scores, scan_score
from xrayscan.io import find_scans
from xrayscan.simulate.insertion import Insertion, insert
from xrayscan.training.site_thresholds import level, needed

RATES = (0.005, 0.01, 0.02, 0.05, 0.10)
THIN = 0.2  # transmission above which the bar of 90 % holds


def text(found: int, n: int) -> str:
    """A share with its interval."""
    if n == 0:
        return "none"
    figure = wilson(found, n)
    return f"{found}/{n} = {figure.value:.1%} [{figure.low:.1%}, {figure.high:.1%}]"


def around(radiograph: xs.Radiograph, box: xs.Box) -> float:
    """Transmission where a body will be: the median over its box."""
    depth = radiograph.optical_depth[0][box.slices]
    return float(np.exp(-np.nanmedian(depth))) if np.isfinite(depth).any() else 0.0


def found_score(model: xs.network.Model, insertion: Insertion) -> float:  # type: ignore[name-defined]
    """The highest score, as scans are scored, of a place with a finding at the body; 0 if there is none."""
    radiograph = xs.normalize(insertion.scan)
    anomaly = model(radiograph)
    findings, places = xs.find(anomaly, radiograph), place_scores(anomaly, radiograph)
    box = insertion.persons[0].box
    middle = (box.top + box.bottom) // 2, (box.left + box.right) // 2
    scores = [0.0]
    for finding in findings:
        own = finding.box
        covers = own.top <= middle[0] < own.bottom and own.left <= middle[1] < own.right
        if finding.kind == "person" and (covers or own.common(box) > 0.2 * box.area):
            scores.append(float(places[own.slices][finding.mask].max()))
    return max(scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", nargs="+", action="extend", metavar="NAME")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    models = [xs.load_model(name) for name in options.model or [None]]
    clean: dict[str, list[float]] = {model.card.name: [] for model in models}
    inserted: dict[str, list[tuple[int, float, float]]] = {model.card.name: [] for model in models}
    refused = 0
    for number, path in enumerate(find_scans([options.folder])[: options.limit]):
        try:
            scan = xs.read(path)
            radiograph = xs.normalize(scan)
        except XrayscanError as error:
            print(f"{path.name}: {error}")
            continue
        try:
            insertion = insert(scan, radiograph, seed=(options.seed, number))
        except RecipeError:
            insertion, refused = None, refused + 1
        for model in models:
            anomaly = model(radiograph)
            score = scan_score(anomaly, radiograph)
            clean[model.card.name].append(score)
            if options.out and score > model.card.threshold(0.01):
                folder = options.out / model.card.name
                folder.mkdir(parents=True, exist_ok=True)
                shown = overlay(radiograph, anomaly, [f for f in xs.find(anomaly, radiograph) if f.kind == "person"])
                cv2.imwrite(str(folder / f"{score:.3f}-{path.stem}.png"), cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))
            if insertion is not None:
                there = around(radiograph, insertion.persons[0].box)
                inserted[model.card.name].append((len(clean[model.card.name]) - 1, there, found_score(model, insertion)))
    for model in models:
        name, card = model.card.name, model.card
        print(f"{name} {card.version}: {len(clean[name])} clean scans, {refused} of them without a place for a body")
        for rate in RATES:
            if rate in card.thresholds:
                print(f"  alarmed at {rate:.1%}: {text(sum(s > card.thresholds[rate] for s in clean[name]), len(clean[name]))}")
        for rate, threshold in sorted(card.thresholds.items()):
            for what, low, high in (("above", THIN, 1.01), ("up to", -1.0, THIN)):
                group = [score for _, there, score in inserted[name] if low < there <= high]
                found = sum(score > threshold for score in group)
                print(f"  bodies found at {rate:.1%}, transmission {what} {THIN}: {text(found, len(group))}")
        as_a_site(clean[name], [(place, score) for place, there, score in inserted[name] if there > THIN])


def as_a_site(clean: list[float], bodies: list[tuple[int, float]]) -> None:
    """Shares at thresholds that were set on all the other clean scans; ``bodies`` have the number of the scan they are in."""
    for rate in RATES:
        if len(clean) <= needed(rate):
            continue
        own = [level([*clean[:place], *clean[place + 1 :]], rate).score for place in range(len(clean))]
        alarmed = sum(score >= threshold for score, threshold in zip(clean, own, strict=True))
        found = sum(score >= own[place] for place, score in bodies)
        print(
            f"  set on the other clean scans at {rate:.1%}, about {np.median(own):.3f}: alarmed {text(alarmed, len(clean))}; "
            f"bodies found, transmission above {THIN}: {text(found, len(bodies))}"
        )


if __name__ == "__main__":
    main()
