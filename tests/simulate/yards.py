"""Benign scans of clean boxes, for insertions: a steel container, sharp known edges, known noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from xrayscan.scan import Scan
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.fan import Fan
from xrayscan.simulate.render import render
from xrayscan.simulate.solid import Solid, box

SOURCE = (4.5, 0.6)
PITCH = 0.01
PHOTONS = 20_000.0
AIR = 50_000.0
READ = 6.0  # [counts]
LENGTH, HEIGHT, HALF = 6.06, 2.59, 1.219


@dataclass(frozen=True)
class Yard:
    """A scan, and the noise-free transmission that it was made from, shape (energies, rows, columns)."""

    scan: Scan
    through: np.ndarray
    fan: Fan


def walls() -> list[Solid]:
    low, high = -0.15, HEIGHT - 0.15
    steel = [
        box((0, -HALF, low), (LENGTH, -HALF + 0.003, high), "steel", 7.85),
        box((0, HALF - 0.003, low), (LENGTH, HALF, high), "steel", 7.85),
        box((0, -HALF, high - 0.003), (LENGTH, HALF, high), "steel", 7.85),
        box((0, -HALF, low), (LENGTH, HALF, 0.0), "wood", 0.25),
    ]
    for x in (0.0, LENGTH - 0.1):
        for y in (-HALF, HALF - 0.1):
            steel.append(box((x, y, low), (x + 0.1, y + 0.1, high), "steel", 1.5))
    for y in (-HALF, HALF - 0.06):
        steel += [box((0, y, z), (LENGTH, y + 0.06, z + 0.08), "steel", 1.5) for z in (low, high - 0.08)]
    # Corner castings of ISO 1161, without which nobody could tell that this is a container.
    for x in (0.0, LENGTH - 0.178):
        for y in (-HALF, HALF - 0.162):
            steel += [box((x, y, z), (x + 0.178, y + 0.162, z + 0.118), "steel", 3.2) for z in (low, high - 0.118)]
    return steel


def light_load() -> list[Solid]:
    """Boxes on the left half, 1.9 m high and 25 g/cm² thick."""
    return [box((0.5 + 0.6 * k, -1.1, 0.0), (1.08 + 0.6 * k, 1.1, 1.9), "wood", 0.115) for k in range(4)]


def made(
    seed: int = 0,
    load: list[Solid] | None = None,
    *,
    beams: tuple[float, ...] = (6.0,),
    spread: float = 0.7,
    stripes: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Fan]:
    """Counts above dark, gains, noise-free transmission and fan."""
    rng = np.random.default_rng(seed)
    fan = Fan.vertical(SOURCE, 3.5, -0.6, (420, 730), (PITCH, PITCH))
    areal = render(fan, walls(), load if load is not None else light_load())
    depth = torch.stack([optical_depth(Beam(e), areal.water, areal.iron) for e in beams])
    through = np.stack([cv2.GaussianBlur(plane, (0, 0), spread) for plane in torch.exp(-depth).numpy()])
    quanta = rng.poisson(through * PHOTONS) / PHOTONS
    gain = 1.0 + stripes * rng.standard_normal((1, through.shape[1], 1))
    signal = quanta * gain * AIR + READ * rng.standard_normal(through.shape)
    return signal, np.broadcast_to(gain[..., 0], through.shape[:2]), through, fan


def counts_yard(
    seed: int = 0, load: list[Solid] | None = None, *, beams: tuple[float, ...] = (6.0,), pitch: bool = True
) -> Yard:
    signal, gain, through, fan = made(seed, load, beams=beams, stripes=0.03)
    dark = np.full(gain.shape, 400.0)
    counts = np.rint(signal + 400.0).clip(0, 65535).astype(np.uint16)
    scan = Scan.from_array(counts, air=dark + AIR * gain, dark=dark, pixel_pitch=PITCH if pitch else None, saturation=65535.0)
    return Yard(scan, through, fan)


def transmission_yard(seed: int = 0, load: list[Solid] | None = None) -> Yard:
    """12 bits in the upper part of 16."""
    signal, _, through, fan = made(seed, load)
    steps = np.rint(signal / AIR * 4095 * 0.97).clip(0, 4095).astype(np.uint16) * 16
    return Yard(Scan.from_array(steps, quantity="transmission", pixel_pitch=PITCH), through, fan)


def display_yard(seed: int = 0, load: list[Solid] | None = None, *, inverted: bool = False) -> Yard:
    signal, _, through, fan = made(seed, load)
    gray = np.rint(255 * (signal / AIR).clip(0, 0.97) / 0.97).clip(0, 255).astype(np.uint8)
    return Yard(Scan.from_array(255 - gray if inverted else gray, quantity="display"), through, fan)
