"""A simulated scan of test objects, with their layout: ``python -m xrayscan.simulate.testobject OUT``.

Steel blocks with a blind step behind them, wires, foils behind steel, slanted edges, line pairs and a square plate stand in the
middle plane of an ordinary scanner, as the test objects of ANSI N42.46-2008 and IEC 62523:2010 do; sizes are ours. What is
measured of it (``xrayscan quality OUT/test-object.tif --layout OUT/test-object.layout.toml``) can be checked: without scatter,
cross-talk and afterglow the noise-free picture and the noise of every pixel are known.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from xrayscan.errors import RecipeError
from xrayscan.scan import Scan, Source
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.detector import blurred, measure
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.files import SOURCE, write_scan
from xrayscan.simulate.render import render
from xrayscan.simulate.scanner import Detector, Geometry, Pulses, Scanner, Scatter
from xrayscan.simulate.solid import Solid, box, cylinder, mesh_solid, rotation, turned

__all__ = ["BLOCKS", "FOILS", "PERIODS", "WIRES", "TestScan", "clean_scanner", "main", "simulate_test_object", "write"]

BLOCKS = (50.0, 100.0, 200.0, 300.0)
"""Thicknesses of the steel blocks; the step behind each has a fifth of it [mm]."""
WIRES = (2.0, 4.0, 8.0)
"""Diameters of the wires [mm]."""
FOILS = (1.0, 3.0)
"""Thicknesses of the foils, in front of 100 mm of steel [mm]."""
PERIODS = (40.0, 24.0, 16.0)
"""Periods of the line pairs [mm]."""

LENGTH, HEIGHT = 2.9, 1.7
SOURCE_DISTANCE, SOURCE_HEIGHT = 8.0, 0.75
SLANT = 4.0
PLATE, BAR_DEPTH = 20.0, 20.0
SQUARE = 240.0
STEEL = 7.85
_FINER = 6


@dataclass(frozen=True, eq=False)
class TestScan:
    """A simulated test-object scan and the truth about it.

    Attributes
    ----------
    scan : Scan
    layout : mapping
        As a layout file says it, boxes in pixels.
    transmission : ndarray of float32, shape (rows, columns)
        Without noise: after aperture and blur, before scatter, cross-talk and afterglow.
    sigma : ndarray of float32, shape (rows, columns)
        Rms noise of each pixel, as a share of the open beam.
    scanner : Scanner
    """

    __test__ = False  # not for pytest

    scan: Scan
    layout: Mapping[str, Any]
    transmission: np.ndarray
    sigma: np.ndarray
    scanner: Scanner


def clean_scanner(endpoint: float = 6.0, blur: float = 0.004, pitch: float = 0.005, quanta: float = 2e5) -> Scanner:
    """A scanner without scatter, cross-talk, afterglow, drift and faults: what it measures is known.

    Parameters
    ----------
    endpoint : float [MV]
    blur : float [m]
        Sigma of its spread, both ways; the aperture of one pixel comes on top.
    pitch : float [m]
        Of channels and columns.
    quanta : float
        Photons detected by a pixel in the open beam.

    Returns
    -------
    Scanner
    """
    detector = Detector(
        blur_row=blur, blur_column=blur, cross_talk=0.0, afterglow=0.0, dead=0.0, hot=0.0, flicker=0.0, gain_drift=0.0,
        dark_drift=0.0, column_spread=0.0, frames=100_000,
    )  # fmt: skip
    geometry = Geometry(detector_pitch=pitch, column_pitch=pitch, tilt=(0.0, 0.0), yaw=(0.0, 0.0))
    pulses = Pulses(quanta=quanta, rms=0.0, drift=0.0, energy_drift=0.0)
    return Scanner((endpoint,), geometry=geometry, pulses=pulses, detector=detector, scatter=Scatter(0.0, 0.75, 0.0))


class _Bench:
    """Solids and their layout, as they are put up."""

    def __init__(self, fan: Fan) -> None:
        self.fan = fan
        self.solids: list[Solid] = []
        self.objects: list[dict[str, Any]] = []

    def row(self, z: float, y: float = 0.0) -> float:
        """Row of a height [m], measured from the upper edge of the first."""
        return self.fan.row_of(y, z) + 0.5

    def column(self, x: float) -> float:
        """Column of a place [m], measured from the left edge of the first."""
        return self.fan.column_of(x) + 0.5

    def pixels(self, room: Sequence[float], grow: float = 0.0) -> list[float]:
        """Box in pixels of x0, x1, z0, z1 [m], larger by ``grow`` [px] on each side."""
        x0, x1, z0, z1 = room
        top, bottom, left, right = self.row(z1), self.row(z0), self.column(x0), self.column(x1)
        return [round(v, 2) for v in (top - grow, left - grow, bottom + grow, right + grow)]

    def plate(self, room: Sequence[float], thickness: float, front: float = 0.0) -> Solid:
        """Put up a steel plate over x0, x1, z0, z1 [m], of a thickness [mm], centered or starting at y = ``front`` [m]."""
        x0, x1, z0, z1 = room
        depth = 1e-3 * thickness
        start = front if front else -depth / 2
        solid = box((x0, start, z0), (x1, start + depth, z1), "steel", STEEL)
        self.solids.append(solid)
        return solid

    def add(self, name: str, kind: str, area: Sequence[float], **keys: Any) -> None:
        """Note an object of the layout."""
        self.objects.append({"name": name, "kind": kind, "box": list(area), **keys})


def _blocks(bench: _Bench) -> None:
    """Steel blocks side by side, each with an arrow of a fifth of its thickness behind it."""
    for k, thickness in enumerate(BLOCKS):
        x, z, side, step = 0.1 + 0.7 * k, 1.2, 0.4, 0.2 * thickness
        bench.plate((x, x + side, z, z + side), thickness)
        back = 0.5e-3 * thickness
        corners = ((x + 0.08, z + 0.08), (x + 0.08, z + 0.32), (x + 0.32, z + 0.2))
        bench.solids.append(_arrow(corners, back, back + 1e-3 * step))
        middle = back + 0.5e-3 * step
        target = [[round(bench.row(high, middle), 2), round(bench.column(along), 2)] for along, high in corners]
        # Upper and lower sides of a thick block are seen slanted: the box stays off them.
        off = 3.0 + 0.5 * abs(bench.row(z + side, back) - bench.row(z + side, -back)) + 4.0
        bench.add(
            f"steel {thickness:g} mm", "steel-step", bench.pixels((x, x + side, z, z + side), -off), target=target,
            thickness=thickness, target_thickness=step, limits={"cnr_area": 5.0},
        )  # fmt: skip


def _arrow(corners: Sequence[tuple[float, float]], front: float, back: float) -> Solid:
    """A triangular steel plate with corners (x, z) between two depths y [m]."""
    points = [(x, y, z) for y in (front, back) for x, z in corners]
    faces = [[0, 1, 2], [3, 5, 4], [0, 3, 1], [1, 3, 4], [1, 4, 2], [2, 4, 5], [2, 5, 0], [0, 5, 3]]
    solid = mesh_solid(np.array(points), np.array(faces), "steel", STEEL)
    if solid.mesh is not None and solid.mesh.volume < 0:
        solid = mesh_solid(np.array(points), np.array(faces)[:, ::-1], "steel", STEEL)
    return solid


def _wires(bench: _Bench) -> None:
    """Steel wires in air, three degrees off the upright."""
    for k, diameter in enumerate(WIRES):
        x, z, length = 0.15 + 0.22 * k, 0.8, 0.5
        wire = cylinder((x, 0.0, z), 0.5e-3 * diameter, length, "steel", STEEL)
        lean = np.radians(3.0)
        bench.solids.append(turned(wire, rotation(pitch=lean)))
        ends = []
        for end in (0.9, -0.9):
            up, aside = end * length / 2 * np.cos(lean), end * length / 2 * np.sin(lean)
            ends.append([round(bench.row(z + up), 2), round(bench.column(x + aside), 2)])
        area = bench.pixels((x - 0.1, x + 0.1, z - 0.225, z + 0.225))
        bench.add(f"wire {diameter:g} mm", "wire", area, ends=ends, diameter=diameter, thickness=0, limits={"snr": 5.0})


def _foils(bench: _Bench) -> None:
    """Foils in front of steel plates of 100 mm."""
    for k, thickness in enumerate(FOILS):
        x, z, side = 0.8 + 0.45 * k, 0.6, 0.4
        bench.plate((x, x + side, z, z + side), 100.0)
        foil = (x + 0.12, x + 0.28, z + 0.12, z + 0.28)
        bench.plate(foil, thickness, front=-0.05 - 1e-3 * thickness)
        target = [
            round(v, 2)
            for v in (bench.row(foil[3], -0.05), bench.column(foil[0]), bench.row(foil[2], -0.05), bench.column(foil[1]))
        ]
        bench.add(
            f"foil {thickness:g} mm on 100 mm", "foil", bench.pixels((x, x + side, z, z + side), -8.0), target=target,
            thickness=100.0, target_thickness=thickness, limits={"cnr_area": 5.0},
        )  # fmt: skip


def _edges(bench: _Bench) -> None:
    """A plate turned by four degrees: two slanted edges."""
    x, z, side = 2.05, 0.75, 0.4
    plate = turned(
        bench.plate((x - side / 2, x + side / 2, z - side / 2, z + side / 2), PLATE), rotation(pitch=np.radians(SLANT))
    )
    bench.solids[-1] = plate
    reach = 0.35 * side
    half = 0.09
    upright = (x - side / 2 - half, x - side / 2 + half, z - reach, z + reach)
    level = (x - reach, x + reach, z + side / 2 - half, z + side / 2 + half)
    bench.add("upright edge", "edge", bench.pixels(upright), axis="columns", limits={"mtf10": 40.0})
    bench.add("level edge", "edge", bench.pixels(level), axis="rows", limits={"mtf10": 40.0})


def _line_pairs(bench: _Bench) -> None:
    """Bars and gaps of equal width, upright and level, with an open and a solid area beside them."""
    solid_room = (2.5, 2.62, 0.94, 1.06)
    bench.plate(solid_room, BAR_DEPTH)
    levels = {"open": bench.pixels((2.7, 2.85, 0.95, 1.05)), "solid": bench.pixels(solid_room, -5.0)}
    for k, period in enumerate(PERIODS):
        step, z = 1e-3 * period, 0.72 - 0.2 * k
        count = int(0.24 / step)
        for bar in range(count):
            start = 2.5 + bar * step
            bench.plate((start, start + step / 2, z, z + 0.14), BAR_DEPTH)
        area = bench.pixels((2.5 + step, 2.5 + (count - 1) * step, z + 0.02, z + 0.12))
        bench.add(f"upright pairs {period:g} mm", "line-pairs", area, axis="columns", period=period, **levels)
    step = 1e-3 * PERIODS[0]
    for bar in range(6):
        z = 0.15 + bar * step
        bench.plate((1.9, 2.1, z, z + step / 2), BAR_DEPTH)
    area = bench.pixels((1.92, 2.08, 0.15 + step, 0.15 + 5 * step))
    bench.add(f"level pairs {PERIODS[0]:g} mm", "line-pairs", area, axis="rows", period=PERIODS[0], **levels)


def _square(bench: _Bench) -> None:
    side = 1e-3 * SQUARE
    x, z = 1.4, 0.2
    bench.plate((x, x + side, z, z + side), PLATE)
    area = bench.pixels((x, x + side, z, z + side), 10.0)
    bench.add("square", "square", area, width=SQUARE, height=SQUARE, limits={"aspect_error": 5.0})


def simulate_test_object(seed: int = 1, scanner: Scanner | None = None, *, stretch: float = 1.0) -> TestScan:
    """A simulated scan of test objects.

    The scanner's blur acts on 6 x 6 rays a pixel, whose mean is the pixel: its aperture. What follows is that of
    `xrayscan.simulate.detector`.

    Parameters
    ----------
    seed : int
        Of noise and channels.
    scanner : Scanner or None
        With one energy; None: `clean_scanner`.
    stretch : float
        True column pitch over the stated one.

    Returns
    -------
    TestScan

    Raises
    ------
    RecipeError
        If the scanner has two energies, or its pitch is over 10 mm.
    """
    scanner = scanner or clean_scanner()
    if len(scanner.endpoints) != 1:
        raise RecipeError(f"the test objects are scanned with one energy, got endpoints {scanner.endpoints}")
    stated = scanner.geometry.detector_pitch, scanner.geometry.column_pitch
    if max(stated) > 0.01:
        raise RecipeError(f"the pitch is {max(stated) * 1e3:g} mm; the test objects are made for 10 mm and less")
    true = stated[0], stated[1] * stretch
    shape = int(HEIGHT / true[0]), int(LENGTH / true[1])
    source = (SOURCE_DISTANCE, SOURCE_HEIGHT)
    bench = _Bench(Fan.vertical(source, HEIGHT, 0.0, shape, true))
    for put_up in (_blocks, _wires, _foils, _edges, _line_pairs, _square):
        put_up(bench)
    air = bench.pixels((0.1, 1.3, 0.08, 0.45))
    bench.add("open beam", "air", air, limits={"channels": 1.0, "noise": 2.0})
    depth = _depth(bench.solids, scanner, source, shape, true)
    seen = replace(scanner, detector=replace(scanner.detector, blur_row=0.0, blur_column=0.0))
    measured = measure(np.random.default_rng(seed), seen, depth[None], stated)
    scan = Scan.from_array(
        measured.counts,
        air=measured.air,
        dark=measured.dark,
        saturation=measured.saturation,
        pixel_pitch=stated,
        endpoints=scanner.endpoints,
        source=Source(vendor=SOURCE["vendor"], scanner=SOURCE["scanner"]),
    )
    layout = {"name": f"simulated test objects, {scanner.endpoints[0]:g} MV", "unit": "px", "objects": bench.objects}
    return TestScan(scan, layout, np.exp(-depth), measured.sigma[0], scanner)


def _depth(
    solids: Sequence[Solid], scanner: Scanner, source: tuple[float, float], shape: tuple[int, int], pitch: tuple[float, float]
) -> np.ndarray:
    """Optical depth of the mean of each pixel's 6 x 6 rays after blur, shape (rows, columns)."""
    finer = shape[0] * _FINER, shape[1] * _FINER
    fan = Fan.vertical(source, HEIGHT, 0.0, finer, (pitch[0] / _FINER, pitch[1] / _FINER))
    areal = render(fan, solids)
    beam = Beam(scanner.endpoints[0], scanner.filter_iron, scanner.detector.crystal_depth)
    through = torch.exp(-optical_depth(beam, areal.water, areal.iron)).numpy()
    through = blurred(through, fan.pitch, scanner.detector.blur_row, scanner.detector.blur_column)
    mean: np.ndarray = cv2.resize(through, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return -np.log(np.clip(mean, 1e-12, 1.0))


def write(made: TestScan, folder: Path, name: str = "test-object") -> Path:
    """Write scan, air, dark and layout.

    Parameters
    ----------
    made : TestScan
    folder : Path
        Made if needed.
    name : str
        Of the files, without ending.

    Returns
    -------
    Path
        Of the scan; ``NAME.layout.toml`` lies beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.tif"
    write_scan(path, made.scan)
    sidecar = folder / f"{name}.toml"
    said = sidecar.read_text(encoding="utf-8")
    if "endpoints" not in said:
        sidecar.write_text(f"endpoints = {json.dumps(list(made.scanner.endpoints))}\n{said}", encoding="utf-8")
    lines = [f"name = {json.dumps(made.layout['name'])}", f"unit = {json.dumps(made.layout['unit'])}", ""]
    for item in made.layout["objects"]:
        lines += ["[[objects]]", *(f"{key} = {_toml(value)}" for key, value in item.items()), ""]
    (folder / f"{name}.layout.toml").write_text("\n".join(lines), encoding="utf-8")
    return path


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate the test objects and write them, as the command line says.

    Raises
    ------
    SystemExit
        0 after the help, 2 for wrong use.
    """
    parser = argparse.ArgumentParser(
        prog="python -m xrayscan.simulate.testobject",
        description="Simulate a scan of test objects. OUT/test-object.tif is the scan, with its air and dark; "
        "OUT/test-object.layout.toml says what stands where, for xrayscan quality --layout.",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write to; made if needed")
    parser.add_argument("--seed", type=int, default=1, help="of noise and channels, 0 or more (default: 1)")
    parser.add_argument("--scatter", action="store_true", help="add the veil of scattered rays; without it the truth is known")
    given = parser.parse_args(arguments)
    if given.seed < 0:
        parser.error(f"--seed is {given.seed}; expected 0 or more")
    if given.out.exists() and not given.out.is_dir():
        parser.error(f"{given.out} is a file; name a folder to write to")
    scanner = replace(clean_scanner(), scatter=Scatter()) if given.scatter else clean_scanner()
    write(simulate_test_object(given.seed, scanner), given.out)


if __name__ == "__main__":
    main()
