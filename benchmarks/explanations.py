"""How faithful explanations are: measured on findings that are right, in packed scans of the test split, and on clean scans.

    python benchmarks/explanations.py DATA [--model NAME|DIR] [--findings 300] [--records FILE] [--docs docs/explanations.md]

DATA holds packed scans, as `xrayscan train` makes them (`CACHE/RECIPE/test`). A finding is right if most of its mask lies on
what is there. Each is explained by every method, and by drawn numbers and by the scan's own edges for comparison; its map is
then tested on the model: deletion and insertion with areal density, the pointing game, and, for every fifth finding, against
the map of a network with random weights, of other ones each time: one network's maps may follow what is there, or its negative,
by accident. The finding's part of the scan is replaced by what is expected without it, and screened again. Of scans with
persons it is told, right or not, where the hottest place of the first person that is found lies. Two processes share the scans
(--workers), with one core each. Every line of FILE is one scan, so that the same command goes on where it was. With --docs the
table is written between its marks. With --noise the noise of what was replaced is measured alone, which takes minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from xrayscan._threads import limit_threads
from xrayscan.evaluation.metrics import bootstrap, wilson
from xrayscan.evaluation.records import open_packed
from xrayscan.explain.attribution import METHODS, attribute
from xrayscan.explain.expected import expected_depth, taken_by
from xrayscan.explain.faithfulness import agreement, curves, points_at
from xrayscan.explain.heat import STEPS
from xrayscan.explain.probe import Probe, without
from xrayscan.findings import Finding, find, scan_score
from xrayscan.network.anomaly import AnomalyMap, probability_of
from xrayscan.network.model import Model
from xrayscan.simulate.packed import BITS, load_packed
from xrayscan.zoo import ModelCard, load_model

MARKS = ("<!-- measured -->", "<!-- /measured -->")
SEED = 20261128
RIGHT = 0.5  # share of a finding's mask that lies on what is there
RANDOMIZED = 0.2  # share of the findings
# Neither slopes nor edges along rows or columns add to what these leave. By the first, of Immerkaer (1996), the filling is
# scaled; the second asks whether it holds for another one.
NOISE_FILTERS = {
    "second differences": np.outer((1, -2, 1), (1, -2, 1)).astype(np.float32),
    "first differences": np.array([[1, -1], [-1, 1]], np.float32),
}
Clean, Findings = "clean", "findings"
_held: dict[str, Any] = {}  # of a worker process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--findings", type=int, default=300)
    parser.add_argument("--clean", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--records", type=Path, default=Path("explanations.jsonl"))
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--noise", action="store_true")
    asked = parser.parse_args()
    lines = measured(asked)
    if asked.noise:
        print(*noise(lines), sep="\n")
        return
    text = table(lines, load_model(asked.model).card)
    print(text)
    if asked.docs:
        whole = asked.docs.read_text(encoding="utf-8")
        before, after = whole.split(MARKS[0])[0], whole.split(MARKS[1])[1]
        asked.docs.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


def measured(asked: argparse.Namespace) -> list[dict]:
    """One line a scan, of scans in the order of their names, until there are findings and clean scans enough."""
    records = asked.records
    lines = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()] if records.exists() else []
    known = {line["scan"] for line in lines}
    kinds = {
        path: json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["kind"]
        for path in sorted(asked.data.glob("*.npz"))
    }
    clean = [path for path, kind in kinds.items() if kind in ("clean", "look-alike")][: asked.clean]
    others = [path for path, kind in kinds.items() if kind not in ("clean", "look-alike")]
    tasks = [(path, kinds[path]) for path in (*clean, *others) if path.name not in known]
    context = get_context("spawn")
    with (
        context.Pool(asked.workers, initializer=_prepare, initargs=(asked.model, asked.noise)) as pool,
        records.open("a", encoding="utf-8") as file,
    ):
        done = pool.imap(_one, tasks)
        while tasks and sum(len(line.get(Findings, ())) for line in lines) < asked.findings:
            try:
                lines.append(next(done))
            except StopIteration:
                break
            file.write(json.dumps(lines[-1]) + "\n")
            file.flush()
        pool.terminate()
    return lines


def _prepare(model: str | None, noise_alone: bool) -> None:
    """The model of a worker process, on one core, and what is measured."""
    limit_threads(1)
    _held.update(model=load_model(model), noise_alone=noise_alone)


def _one(task: tuple[Path, str]) -> dict:
    """The line of a scan."""
    path, kind = task
    return {"scan": path.name, "kind": kind} | (of_found if kind not in ("clean", "look-alike") else of_clean)(
        _held["model"], path
    )


def randomized(card: ModelCard, folder: Path, seed: int) -> Model:
    """The same network with weights that were never trained."""
    import torch
    from torch import nn

    from xrayscan.network.designs import load_weights, save_weights

    file = "weights.safetensors"
    network = load_weights(card.file(file))
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.reset_parameters()
    save_weights(network, json.loads(_design(card.file(file)))["design"], folder / file)
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    return Model(replace(card, folder=folder, sha256={file: digest}), backend="torch")


def _design(path: Path) -> str:
    import safetensors

    with safetensors.safe_open(str(path), "pt") as held:
        return json.dumps({"design": "unet-large"} | dict(held.metadata() or {}))


def of_clean(model: Model, path: Path) -> dict:
    means = probability_of(model(open_packed(path).radiograph).person, model.card.calibration.get("person"))
    return {Clean: {f"above_{level:g}_m2": float((means >= level).sum()) * 1e-4 for level in STEPS[:2]}}


def of_found(model: Model, path: Path) -> dict:
    radiograph = open_packed(path).radiograph
    bits = load_packed(path)[4].astype(np.uint8)
    anomaly = model(radiograph)
    findings = find(anomaly, radiograph)
    told: list[dict] = []
    drawn = np.random.default_rng((SEED, int(path.stem)))
    for finding in findings:
        truth = (bits & BITS[finding.kind]) > 0
        if (truth[finding.box.slices] & finding.mask).sum() < RIGHT * finding.mask.sum():
            continue
        expected = expected_depth(finding, radiograph, findings)
        rough = roughness(radiograph, expected, taken_by(findings, radiograph))
        if _held["noise_alone"]:
            told.append({"id": finding.id, "kind": finding.kind, "rough": rough})
            continue
        probe = Probe(model, radiograph, finding, expected)
        on_it = truth[expected.box.slices]
        maps = {}
        seconds = {}
        for method in METHODS:
            start = time.perf_counter()
            maps[method] = attribute(probe, method, model.card)
            seconds[method] = time.perf_counter() - start
        maps |= {"drawn numbers": drawn.random(probe.region.shape), "edges": edges(probe)}
        one = {
            "id": finding.id, "kind": finding.kind, "score": probe.score(), "left": probe.score(0.0), "seconds": seconds,
            "alarm": _scene(model, radiograph, expected, finding), "rough": rough,
            "curves": {name: curves(probe, heat, steps=8).areas for name, heat in maps.items()},
            "points": {name: points_at(probe.smooth(heat), on_it) for name, heat in maps.items()},
        }  # fmt: skip
        if drawn.random() < RANDOMIZED:
            with tempfile.TemporaryDirectory() as folder:
                blind = randomized(model.card, Path(folder), int(drawn.integers(2**31)))
                one["randomized"] = against_random(probe, blind, radiograph, finding, expected, maps, on_it)
        told.append(one)
    return {Findings: told, "top": top(anomaly, findings, bits, scan_score(anomaly, radiograph))}


def top(anomaly: AnomalyMap, findings: Sequence[Finding], bits: np.ndarray, score: float) -> dict | None:
    """Whether the hottest place of the first person that is found is one, in a scan with somebody; and the scan's score."""
    persons = [finding for finding in findings if finding.kind == "person"]
    truth = (bits & BITS["person"]) > 0
    if not truth.any():
        return None
    if not persons:
        return {"score": score, "found": False, "points": False}
    box = persons[0].box
    heat = np.where(persons[0].mask, anomaly.person[box.slices], 0.0)
    return {"score": score, "found": True, "points": points_at(heat, truth[box.slices])}


def against_random(probe, blind, radiograph, finding, expected, maps, on_it) -> dict:
    """The maps of a network with random weights, tested on the trained one."""
    without_training = Probe(blind, radiograph, finding, expected)
    found = {}
    for method in METHODS:
        heat = attribute(without_training, method, blind.card)
        found[method] = {
            "agreement": agreement(probe.smooth(maps[method]), probe.smooth(heat), probe.region),
            "curves": curves(probe, heat, steps=8).areas,
            "points": points_at(probe.smooth(heat), on_it),
        }
    return found


def _scene(model: Model, radiograph, expected, finding) -> dict:
    """Scores of the finding's place in the whole scan, before and after: those that thresholds are levels of."""
    changed = without(radiograph, [expected])
    rows, columns = expected.box.slices
    inside = {}
    for name, shown in (("before", radiograph), ("after", changed)):
        anomaly = model(shown)
        only = np.zeros(anomaly.shape, np.float32)
        only[rows, columns] = getattr(anomaly, finding.kind)[rows, columns] * expected.replaced
        inside[name] = scan_score(replace(anomaly, **{finding.kind: only}), radiograph, finding.kind)
    return inside


def roughness(radiograph, expected, findings: np.ndarray) -> dict[str, float] | None:
    """Noise of what was replaced over that of its surroundings, but for other findings, at like depth, by each filter."""
    rows, columns = (round(0.25 / side) for side in radiograph.pixel_pitch)
    box, shape = expected.box, radiograph.shape
    view = np.s_[
        max(0, box.top - rows) : min(shape[0], box.bottom + rows),
        max(0, box.left - columns) : min(shape[1], box.right + columns),
    ]
    depth = np.array(without(radiograph, [expected]).optical_depth[0][view])
    inside = np.zeros(shape, bool)
    inside[box.slices] = cv2.erode(expected.replaced.astype(np.uint8), np.ones((3, 3))).astype(bool)
    seen = (radiograph.valid & ~radiograph.opaque)[view]
    taken = cv2.dilate(findings.astype(np.uint8), np.ones((5, 5))).astype(bool)
    seen = cv2.erode(seen.astype(np.uint8), np.ones((3, 3))).astype(bool)
    here, around = inside[view] & seen, ~taken[view] & seen
    if here.sum() < 200 or around.sum() < 200:
        return None
    depth = np.nan_to_num(depth)
    ratios = {}
    for name, kernel in NOISE_FILTERS.items():
        # Noise grows as exp(depth / 2), which is taken out.
        off = cv2.filter2D(depth, cv2.CV_32F, kernel) * np.exp(-np.clip(cv2.blur(depth, (3, 3)), 0, 6) / 2)
        inner, outer = (float(np.median(np.abs(off[part]))) for part in (here, around))
        if outer == 0:
            return None
        ratios[name] = inner / outer
    return ratios


def edges(probe: Probe) -> np.ndarray:
    """How steep the scan is."""
    depth = np.nan_to_num(probe.part.optical_depth[0])
    return np.hypot(cv2.Sobel(depth, cv2.CV_32F, 1, 0), cv2.Sobel(depth, cv2.CV_32F, 0, 1))[probe.inner]


def figure(values: list[float], form: str = "{:.2f}") -> str:
    """Mean, and its 95 % interval by drawing findings anew."""
    if not values:
        return "none"
    found = bootstrap(lambda drawn, _: float(drawn.mean()), values, values)
    return f"{form} ({form} to {form})".format(found.value, found.low, found.high)


def share(hits: Sequence[bool]) -> str:
    """Share of what is true, and Wilson's 95 % interval."""
    if not hits:
        return "none"
    found = wilson(sum(hits), len(hits))
    return f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%})"


def rows(told: list[dict]) -> Iterator[str]:
    names = list(told[0]["curves"])
    for name in names:
        out, put = ([one["curves"][name][k] for one in told] for k in (0, 1))
        points = [one["points"][name] for one in told]
        seconds = f"{np.median([one['seconds'][name] for one in told]):.2f}" if name in METHODS else ""
        yield (
            f"| {name} | {figure(out)} | {figure(put)} | {figure([b - a for a, b in zip(out, put, strict=True)])} "
            f"| {share(points)} | {seconds} |"
        )


def tops(lines: list[dict], threshold: float) -> Iterator[str]:
    """Where the first person that is found lies, of all scans with somebody and of those that are alarmed."""
    seen = [line["top"] for line in lines if line.get("top")]
    alarmed, found = [one for one in seen if one["score"] > threshold], [one for one in seen if one["found"]]
    for name, those in (
        ("alarmed at 1 %", alarmed),
        ("in which a person is found at all", found),
        ("with somebody, found or not", seen),
    ):
        right = share([one["points"] for one in those])
        yield f"- The first person's hottest place is on a body, scans {name}: {right} of {len(those)}."


def noise(lines: list[dict]) -> Iterator[str]:
    """How like its surroundings what was replaced is in noise."""
    rough = [one["rough"] for line in lines for one in line.get(Findings, ()) if one["rough"]]
    for name in NOISE_FILTERS:
        those = [one[name] for one in rough]
        yield (
            f"- Noise of what was replaced, over that of its surroundings, by {name}: median {np.median(those):.2f}, "
            f"{share([abs(one - 1) <= 0.1 for one in those])} of {len(those)} within 10 %."
        )


def table(lines: list[dict], card: ModelCard) -> str:
    told = [one for line in lines for one in line.get(Findings, ())]
    persons = [one for one in told if one["kind"] == "person"]
    random = [one for one in told if "randomized" in one]
    kinds = ", ".join(f"{sum(one['kind'] == kind for one in told)} {kind}" for kind in ("person", "void", "density"))
    threshold = card.threshold(0.01)
    above = [one for one in persons if one["alarm"]["before"] > threshold]
    text = [
        f"{len(told)} findings that are right ({kinds}), model {card.name} {card.version} ({card.sha256['model.onnx'][:12]}).",
        "",
        "| heat | deletion | insertion | insertion less deletion | points at it | seconds |",
        "| --- | --- | --- | --- | --- | ---: |",
        *rows(told),
        "",
        f"With random weights, {len(random)} findings:",
        "",
        "| heat | agreement with the trained one's | insertion less deletion | points at it |",
        "| --- | --- | --- | --- |",
    ]
    for name in METHODS:
        those = [one["randomized"][name] for one in random]
        faith = figure([one["curves"][1] - one["curves"][0] for one in those])
        points = share([one["points"] for one in those])
        text.append(f"| {name} | {figure([one['agreement'] for one in those])} | {faith} | {points} |")
    text += [
        "",
        f"- Persons above the threshold of 1 % that fall below it without the finding: "
        f"{share([one['alarm']['after'] <= threshold for one in above])} of {len(above)}.",
        f"- Of all findings, score left: {figure([one['left'] for one in told])}, of {figure([one['score'] for one in told])}.",
        *noise(lines),
        *tops(lines, threshold),
        *(
            f"- {name} with heat of a probability of {level:g} or more anywhere: "
            f"{share([line[Clean][f'above_{level:g}_m2'] > 0 for line in of])} of {len(of)}."
            for name, kind in (("Clean scans", "clean"), ("Clean scans with a look-alike", "look-alike"))
            for level in STEPS[:2]
            if (of := [line for line in lines if Clean in line and line["kind"] == kind])
        ),
    ]
    return "\n".join(text)


if __name__ == "__main__":
    main()
