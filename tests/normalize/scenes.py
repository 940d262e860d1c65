"""Simulated scenes with what is known of them: optical depth, container outlines, load and driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from xrayscan.geometry import Box
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.record import Choices, draw_record
from xrayscan.simulate.render import render
from xrayscan.simulate.scene import build
from xrayscan.simulate.truth import driver_seen

LOAD = 5.0
"""Areal density that is surely load [g/cm²]."""


@dataclass(frozen=True)
class Seen:
    """What a scene shows: optical depth with noise, outlines, first row of load (NaN: none) and the driver's pixels."""

    depth: np.ndarray
    boxes: tuple[Box, ...]
    load_line: np.ndarray
    driver: np.ndarray


@lru_cache(maxsize=16)
def seen(seed: int, vehicle: str, pitch: float = 0.02) -> Seen:
    """The scene of a seed with one kind of vehicle, driving to the left."""
    record = draw_record(seed, "clean", pitch=pitch, delivery="counts", choices=Choices(vehicles=(vehicle,)))
    scene = build(replace(record, mirrored=False))
    whole = render(scene.fan, scene.fixed, scene.load, (), "cpu")
    load = render(scene.fan, (), scene.load, (), "cpu")
    beam = Beam(record.scanner.endpoints[0], record.scanner.filter_iron, record.scanner.detector.crystal_depth)
    depth = optical_depth(beam, whole.water, whole.iron).numpy()
    depth = depth + np.random.default_rng(seed).normal(0.0, 0.01, depth.shape).astype(np.float32)
    loaded = (load.water + load.iron).numpy() > LOAD
    line = np.where(loaded.any(axis=0), loaded.argmax(axis=0), np.nan)
    half = 1.219 if "ft" in vehicle or "container" in vehicle else 1.275
    boxes = tuple(_outline(scene.fan, container, half) for container in scene.vehicle.containers)
    return Seen(depth, boxes, line, np.asarray(driver_seen(scene, "cpu")))


def _outline(fan: Fan, container: tuple[float, float, float, float], half: float) -> Box:
    """Near and far wall through the fan, as an upright box."""
    x0, x1, z0, z1 = container
    ends = [fan.column_of(x, y) for x in (x0, x1) for y in (-half, half)]
    columns = slice(int(min(ends)), int(max(ends)) + 1)
    rows = []
    for lift in (fan.lift[columns].min(), fan.lift[columns].max()):
        rows += [fan.row_of(y, z - lift) for y in (-half, half) for z in (z0, z1)]
    return Box(max(0, int(min(rows))), columns.start, int(max(rows)) + 1, columns.stop)
