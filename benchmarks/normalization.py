"""How true normalization is: simulated scans with known truth, through the library's own steps, against the bars.

    python benchmarks/normalization.py [--count 48] [--seed 4040] [--processes 2] [--real ../shared/real_scans]

Draws scans of every scanner preset, vehicle and kind of scene as raw counts at the scanner's own pitch (needs
xrayscan[train]), and prints for each quantity the quantiles of its error and the share of scans within the bar. ``--real``
adds the container boxes of a folder of real pictures (images/ and boxes.csv: file,x0,y0,x1,y1), which no step was fitted to.

What is measured:

- columns, channels: what columns (channels) have in common beyond the truth: in air as rms of T, in the load as the rms of
  (T - truth)/sigma with only that error added to photon noise. Truth is the same chain (energy drift, blur, veil, cross-talk,
  afterglow) without noise, dose and gain errors; "as delivered" is T by the stated air and dark alone.
- dead: channels that give nothing, found among all rows; false: good rows that are marked (hot and flickering ones apart).
- sway: rms of lift against its truth over the bodies' columns, both less a parabola for each body, where the truth has 0.2
  rows rms or more; of each scan, and of all scans together as the root of the mean of their squares [rows].
- tilt, row and column pitch (not stated), stretch (pitch stated as the scanner believes it): ISO containers alone. The true
  column pitch is the mean from the first container's end to the last one's; travel is uneven. Counted is what is said to be
  measured; the lines "measured" tell in what share of the scans it is. A row pitch whose 90 % interval is wider than 2 %
  either way is not; sway that is not measured counts with all of its error.
- lateness of the low energy, of scanners with two.
- agreement: optical depth of the same measurement delivered as counts and as 16 and 12 bits: the largest over bins of one
  unit of optical depth, 1 to 7 (12 bits: to 4), of the median of the relative difference where both penetrate.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing as mp
import re
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "normalize"))

SURE_ROW = 0.02  # half of the stated 90 % interval up to which a row pitch counts as measured
KINDS = ("clean", "person", "look-alike", "void", "density", "clean")
BARS = {
    "air columns [% rms]": 0.3, "air channels [% rms]": 0.3, "load columns [x noise]": 1.2, "load channels [x noise]": 1.2,
    "dead missed [%]": 0.0, "dead false [%]": 0.1, "sway left [%]": 15.0, "tilt [degree]": 0.1, "row pitch [%]": 1.0,
    "column pitch [%]": 1.0, "stretch [%]": 2.0, "lateness [columns]": 0.1, "agreement 16 bits [%]": 1.0,
    "agreement 12 bits [%]": 1.0,
}  # fmt: skip


def one(task: tuple[int, int]) -> dict[str, float]:
    """All errors of one scan, by name; those that it cannot show are left out."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    from measured import measure_with_truth, residuals

    from xrayscan.simulate.beam import Beam, optical_depth
    from xrayscan.simulate.record import draw_record
    from xrayscan.simulate.run import _shown
    from xrayscan.simulate.scanner import PRESETS

    seed, number = task
    presets = (None, *PRESETS)
    record = draw_record((seed, number), KINDS[number % len(KINDS)], preset=presets[number % len(presets)], delivery="counts")
    scene, areal, truth, _ = _shown(record, "cpu")
    scanner = record.scanner
    beams = [Beam(endpoint, scanner.filter_iron, scanner.detector.crystal_depth) for endpoint in scanner.endpoints]
    depth = np.maximum(torch.stack([optical_depth(beam, areal.water, areal.iron) for beam in beams]).numpy(), 0.0)
    high = replace(scanner, endpoints=scanner.endpoints[:1])
    known = measure_with_truth(high, depth[0], number)
    found = _leveling(known, residuals)
    found |= _radiograph(known, scene.fan, truth, scanner.detector.seam > 0, record)
    found |= _agreement(known.measurement)
    if len(beams) == 2:
        found |= _lateness(scanner, depth, number)
    return found


def _leveling(known, residuals) -> dict[str, float]:
    from xrayscan.normalize.channels import level_channels
    from xrayscan.normalize.pulses import correct_pulses

    before = residuals(known.beam(), known)
    after = residuals(correct_pulses(level_channels(known.beam())), known)
    return {
        "air columns as delivered [% rms]": 100 * before.columns,
        "air channels as delivered [% rms]": 100 * before.channels,
        "load columns as delivered [x noise]": before.load_columns,
        "load channels as delivered [x noise]": before.load_channels,
        "air columns [% rms]": 100 * after.columns,
        "air channels [% rms]": 100 * after.channels,
        "load columns [x noise]": after.load_columns,
        "load channels [x noise]": after.load_channels,
    }


def _radiograph(known, fan, truth, arm: bool, record) -> dict[str, float]:
    """Faults, sway, tilt, pitch and stretch, through the public function."""
    import xrayscan as xs

    held = known.measurement
    given = {"quantity": "counts", "air": held.air, "dark": held.dark}
    radiograph = xs.normalize(xs.Scan.from_array(held.counts, **given))
    marked = ~radiograph.valid.any(axis=1)
    channels = held.channels
    dead = np.zeros(marked.size, bool)
    dead[channels.dead] = True
    good = ~dead
    good[np.concatenate([channels.hot, channels.flicker]).astype(int)] = False
    found = {"good rows": float(good.sum()), "good rows marked": float((marked & good).sum())}
    if dead.any():
        found |= {"dead rows": float(dead.sum()), "dead rows missed": float((dead & ~marked).sum())}
    bodies = [slice(box.left + box.width // 20, box.right - box.width // 20) for box in radiograph.containers]
    bodies = [body for body in bodies if body.stop - body.start >= 200]
    if not bodies:
        return found
    columns = np.zeros(radiograph.shape[1], bool)
    columns[bodies[0].start : bodies[-1].stop] = True
    where = "" if not arm else " on an L array"
    middle = slice(radiograph.shape[0] // 2, radiograph.shape[0] // 2 + 40)
    row = fan.source_distance * float(-np.diff(fan.slopes[middle]).mean())
    sway = _without_parabolas(fan.lift / row, bodies)
    if sway.std() >= 0.2:
        lift = radiograph.geometry.lift
        left = sway if lift is None else _without_parabolas(lift, bodies) - sway
        found[f"sway left{where} [%]"] = 100 * float(left.std() / sway.std())
        found |= {f"sway power{where}": float(sway.var()), f"sway power left{where}": float(left.var())}
        found[f"sway left, measured{where}"] = float(lift is not None)
    if not any(word in truth.vehicle for word in (" ft", "container wagon")) or "flat" in truth.vehicle:
        return found
    first, last = radiograph.containers[0].left, radiograph.containers[-1].right - 1
    column = float(fan.xs[last] - fan.xs[first]) / (last - first)
    stated = xs.normalize(xs.Scan.from_array(held.counts, pixel_pitch=fan.pitch, **given)).geometry
    if stated.tilt is not None:
        tilt = -np.degrees(np.arctan(np.polyfit(fan.xs[columns], fan.lift[columns], 1)[0]))
        found[f"tilt{where} [degree]"] = abs(stated.tilt - tilt)
    if stated.stretch is not None:
        found["stretch [%]"] = 100 * abs(stated.stretch / (column / fan.pitch[1]) - 1)
    told = next(step for step in radiograph.history if step.name == "pixel pitch").parameters.get("row_error", 1.0) <= SURE_ROW
    if told:
        found[f"row pitch{where} [%]"] = 100 * abs(radiograph.pixel_pitch[0] / row - 1)
    found[f"row pitch, guesses too{where} [%]"] = 100 * abs(radiograph.pixel_pitch[0] / row - 1)
    found["column pitch [%]"] = 100 * abs(radiograph.pixel_pitch[1] / column - 1)
    measured = {f"tilt, measured{where}": stated.tilt, f"row pitch, measured{where}": row if told else None}
    found |= {name: float(value is not None) for name, value in {**measured, "stretch, measured": stated.stretch}.items()}
    return found


def _without_parabolas(line: np.ndarray, bodies: list[slice]) -> np.ndarray:
    """What is left in the bodies when each one's place, tilt and bow are taken out."""
    parts = []
    for body in bodies:
        x = np.linspace(-1.0, 1.0, body.stop - body.start)
        parts.append(line[body] - np.polyval(np.polyfit(x, line[body], 2), x))
    return np.concatenate(parts)


def _agreement(measurement) -> dict[str, float]:
    import xrayscan as xs
    from xrayscan.simulate.delivery import DeliveryPlan, deliver

    plans = {
        "counts": DeliveryPlan("counts"),
        "16 bits": DeliveryPlan("transmission", steps=65535),
        "12 bits": DeliveryPlan("transmission", steps=4095),
    }
    made = {name: xs.normalize(deliver(plan, measurement).scan) for name, plan in plans.items()}
    found = {}
    for name, deepest in (("16 bits", 7), ("12 bits", 4)):
        one, other = made["counts"], made[name]
        both = one.valid & other.valid & ~one.opaque & ~other.opaque
        inner = cv2.erode(both.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        first, second = (
            -np.log(cv2.blur(np.exp(-np.where(both, r.optical_depth[0], 0.0)).astype(np.float32), (3, 3)))[inner]
            for r in (one, other)
        )
        off = np.abs(first - second) / np.maximum(first, 0.5)
        bins = [(first > deep) & (first <= deep + 1) for deep in range(1, deepest)]
        medians = [float(np.median(off[there])) for there in bins if there.sum() >= 200]
        if medians:
            found[f"agreement {name} [%]"] = 100 * max(medians)
    return found


def _lateness(scanner, depth: np.ndarray, seed: int) -> dict[str, float]:
    from xrayscan.normalize.interlace import lateness
    from xrayscan.simulate.detector import measure

    pitch = (scanner.geometry.detector_pitch, scanner.geometry.column_pitch)
    both = measure(np.random.default_rng(seed), scanner, depth, pitch)
    span = np.maximum(both.air - both.dark, 1.0)[..., None]
    through = ((both.counts - both.dark[..., None]) / span).astype(np.float32)
    valid = np.ones(depth.shape[1:], bool)
    valid[np.concatenate([both.channels.dead, both.channels.hot]).astype(int)] = False
    late, _ = lateness(through[0], through[1], valid)
    true = scanner.pulses.interlace * scanner.pulses.columns
    return {"lateness before [columns]": abs(true), "lateness [columns]": abs(late - true)}


def real_boxes(folder: Path) -> list[float]:
    """IoU of each drawn box with the best found one."""
    import xrayscan as xs

    drawn = defaultdict(list)
    with (folder / "boxes.csv").open() as file:
        for row in csv.DictReader(file):
            drawn[row["file"]].append(xs.Box(int(row["y0"]), int(row["x0"]), int(row["y1"]), int(row["x1"])))
    overlaps = []
    for name, boxes in sorted(drawn.items()):
        found = xs.normalize(xs.read(folder / "images" / name)).containers
        overlaps += [max((box.iou(other) for other in found), default=0.0) for box in boxes]
    return overlaps


def table(results: list[dict[str, float]]) -> str:
    """Quantiles of every quantity over the scans that show it."""
    values = defaultdict(list)
    for result in results:
        for name, value in result.items():
            values[name].append(value)
    power = [f"sway power{left}{where}" for where in ("", " on an L array") for left in ("", " left")]
    counted = {
        name: sum(values.pop(name, [0.0]))
        for name in ("good rows", "good rows marked", "dead rows", "dead rows missed", *power)
    }
    lines = ["| quantity | scans | median | 90 % | worst | bar | within |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name in sorted(values, key=_order):
        line = np.array(values[name])
        if ", measured" in name:
            lines.append(f"| {name} | {line.size} | | | | | {line.mean():.0%} |")
            continue
        middle, high = np.quantile(line, [0.5, 0.9])
        bar = BARS.get(name.replace(" on an L array", ""))
        within = "" if bar is None else f"{(line <= bar).mean():.0%}"
        figures = f"{middle:.3g} | {high:.3g} | {line.max():.3g}"
        lines.append(f"| {name} | {line.size} | {figures} | {'' if bar is None else f'{bar:g}'} | {within} |")
    missed, dead = counted["dead rows missed"], counted["dead rows"]
    false, good = counted["good rows marked"], counted["good rows"]
    lines.append(f"\ndead channels: {dead - missed:.0f} of {dead:.0f} found; {false:.0f} of {good:.0f} good rows marked")
    lines.append(f"({100 * false / max(good, 1):.4f} %, bar 0.1 %)")
    for where in ("", " on an L array"):
        cut = 1.0 - (counted[f"sway power left{where}"] / max(counted[f"sway power{where}"], 1e-12)) ** 0.5
        lines.append(f"\nsway of all scans together{where}: its rms is cut by {100 * cut:.1f} % (bar 85 %)")
    return "\n".join(lines)


def _order(name: str) -> tuple[int, str]:
    places = [bar.split(" [")[0] for bar in BARS]
    plain = re.sub(r" on an L array| as delivered| before|, measured|, guesses too| \[.*", "", name)
    return (places.index(plain) if plain in places else len(places), name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=4040)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--real", type=Path, help="folder of real pictures with boxes.csv")
    parser.add_argument("--out", type=Path, help="JSON Lines of all scans' errors")
    options = parser.parse_args()
    tasks = [(options.seed, number) for number in range(options.count)]
    with mp.get_context("spawn").Pool(options.processes) as pool:
        results = list(pool.imap(one, tasks))
    if options.out:
        options.out.write_text("".join(json.dumps(result) + "\n" for result in results), encoding="utf-8")
    print(f"{options.count} scans, seed {options.seed}\n\n{table(results)}")
    if options.real:
        overlaps = np.array(real_boxes(options.real))
        print(
            f"\ncontainer boxes of {options.real.name}: mean IoU {overlaps.mean():.4f}, least {overlaps.min():.4f} "
            f"of {overlaps.size}; bars 0.95 and 0.80"
        )


if __name__ == "__main__":
    main()
