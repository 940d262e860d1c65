"""One scan, one answer, whatever way it goes through the house.

Fifty scans take some ten minutes: ``pytest -m slow tests/test_parity.py``. Three of them are always tried.
"""

import json
import sys
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("fastapi")
pytest.importorskip("websockets")

import xrayscan as xs
from xrayscan.batch import screen_many
from xrayscan.network import Model
from xrayscan.service.worker import ModelScreens
from xrayscan.simulate import simulate
from xrayscan.simulate.files import write_scan
from xrayscan.zoo import load_card

sys.path.insert(0, str(Path(__file__).parent / "service"))
from served import served

PITCH = 0.03
RATE = 0.05
KINDS = ("person", "clean", "look-alike", "void", "density")
TOLERANCE = 1e-4  # of a score
SMALL_TILE = 150_000  # px of the grid: then most scans are cut, where the network's reach lets them


@dataclass(frozen=True)
class Answer:
    """What a report says: the scan's score, and of each finding its kind, box and probability."""

    score: float
    findings: list

    @classmethod
    def of(cls, report):
        """Of report.json, or of what it is made of."""
        told = report if isinstance(report, dict) else report.to_dict()
        found = [(f["kind"], f["box"], f["probability"]) for f in told["findings"]]
        return cls(told["score"], sorted(found, key=lambda one: (one[0], str(one[1]))))


def scan_of(number):
    """A simulated scan of coarse pixels; kinds take turns."""
    scan, _ = simulate((number, 71), KINDS[number % len(KINDS)], pitch=PITCH, delivery="counts")
    return scan


def streamed(screener, path):
    scan = xs.read(path)
    view, lines = scan.view, scan.calibration
    about = {"air": lines.air, "dark": lines.dark, "bad_pixels": lines.bad_pixels, "saturation": lines.saturation}
    with xs.LineScanner(
        screener, rows=view.shape[0], pixel_pitch=view.pixel_pitch, energies=view.energies, endpoints=view.endpoints,
        quantity=view.quantity, **about,
    ) as arriving:  # fmt: skip
        for first in range(0, view.shape[1], 61):
            arriving.push(view.pixels[:, :, first : first + 61], at=first)
        return arriving.close()


def batched(paths, out, **how):
    """Answers by the names of files."""
    batch = screen_many(paths, out, false_alarm_rate=RATE, **how)
    assert not batch.failed
    reports = {Path(json.loads(p.read_text())["source"]["path"]).name: p for p in Path(out).glob("scans/*/report.json")}
    return [Answer.of(json.loads(reports[path.name].read_text())) for path in paths]


def over_http(paths, spool):
    with served(spool, ModelScreens(false_alarm_rate=RATE, threads=1), screening_seconds=600.0) as service:
        answers = []
        with service.client() as client:
            for path in paths:
                sent = client.post("/v1/scans", params={"name": path.name}, content=path.read_bytes())
                address = sent.raise_for_status().headers["location"]
                while (got := client.get(f"{address}/report.json", params={"wait": 25})).status_code == 409:
                    pass
                answers.append(Answer.of(got.raise_for_status().json()))
    return answers


def answers_of(folder, count):
    """By way: the answers to each scan, and how many scans the small tiles cut."""
    paths = [folder / f"{number:04d}.npz" for number in range(count)]
    for number, path in enumerate(paths):
        write_scan(path, scan_of(number))
    card = load_card()
    whole, tiled = Model(card), Model(card, tile_pixels=SMALL_TILE)
    screeners = {
        "ONNX Runtime": xs.Screener(whole, false_alarm_rate=RATE),
        "tiled": xs.Screener(tiled, false_alarm_rate=RATE),
        "torch": xs.Screener(Model(card, backend="torch"), false_alarm_rate=RATE),
    }
    ways = {name: [Answer.of(screener(path)) for path in paths] for name, screener in screeners.items()}
    ways["streamed"] = [Answer.of(streamed(screeners["ONNX Runtime"], path)) for path in paths]
    ways["batched"] = batched(paths, folder / "batch", workers=2)
    ways["served"] = over_http(paths, folder / "spool")
    if find_spec("ray") is not None:
        from xrayscan.batch.cluster import Cluster

        with warnings.catch_warnings(action="ignore"):  # of Ray's own, about Ray's own
            ways["Ray"] = batched(paths, folder / "ray", cluster=Cluster())
    return ways


def check(ways):
    reference = ways.pop("ONNX Runtime")
    for way, answers in ways.items():
        for number, (one, other) in enumerate(zip(reference, answers, strict=True)):
            assert other.score == pytest.approx(one.score, abs=TOLERANCE), f"{way}, scan {number}"
            assert [f[:2] for f in other.findings] == [f[:2] for f in one.findings], f"{way}, scan {number}"
            apart = [abs(a[2] - b[2]) for a, b in zip(one.findings, other.findings, strict=True)]
            assert max(apart, default=0.0) <= TOLERANCE, f"{way}, scan {number}"
    return sum(len(one.findings) for one in reference)


def test_every_way_gives_the_same_answer(tmp_path):
    check(answers_of(tmp_path, 3))


@pytest.mark.slow
def test_every_way_gives_the_same_answer_to_fifty(tmp_path):
    assert check(answers_of(tmp_path, 50)) > 20
