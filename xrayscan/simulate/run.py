"""Seed → scan with truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch

from xrayscan.scan import Box, Scan, frozen_array
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.container import Container
from xrayscan.simulate.render import Areal, render
from xrayscan.simulate.scanner import DELIVERIES, Delivery, Scanner, deliver, draw_scanner
from xrayscan.simulate.scene import Kind, Scene, draw_scene

__all__ = ["Instance", "Truth", "simulate"]

PERSON_EDGE = 1.0  # areal density from which a pixel belongs to a person [g/cm²]
VOID_EDGE = 3.0  # missing areal density from which a pixel belongs to a void [g/cm²]
DENSITY_EDGE = 3.0  # difference from which a pixel belongs to a density anomaly [g/cm²]


@dataclass(frozen=True, eq=False)
class Instance:
    """One thing that does not belong.

    Attributes
    ----------
    kind : {"person", "void", "density"}
    label : str
        Material of a density anomaly.
    place : str
    box : Box
    mass : float [kg]
        Of what is there (person, density) or of what is missing (void), in the plane of the middle of the load.
    load : float [g/cm²]
        Mean areal density of everything else over its pixels.
    """

    kind: str
    label: str
    place: str
    box: Box
    mass: float
    load: float


@dataclass(frozen=True, eq=False)
class Truth:
    """What a simulated scan holds, pixel by pixel.

    Attributes
    ----------
    kind : str
        Of the scene.
    load, container : str
    masks : mapping of str to ndarray of bool, shape (rows, columns)
        "person", "void", "density".
    ignore : ndarray of bool, shape (rows, columns)
        Holes made for something hidden: a void there is neither right nor wrong.
    added, missing : ndarray of float32, shape (rows, columns) [g/cm²]
    instances : tuple of Instance
    """

    kind: str
    load: str
    container: str
    masks: Mapping[str, np.ndarray]
    ignore: np.ndarray
    added: np.ndarray
    missing: np.ndarray
    instances: tuple[Instance, ...]


def _truth(scene: Scene, areal: Areal) -> Truth:
    shape = tuple(areal.water.shape)
    masks = {kind: np.zeros(shape, bool) for kind in ("person", "void", "density")}
    added, missing, ignore = np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, bool)
    total = (areal.water + areal.iron).numpy()
    cell = scene.fan.pitch[0] * scene.fan.pitch[1] * 10.0  # kg per pixel and g/cm²
    found: list[Instance] = []

    def note(kind: str, label: str, place: str, amount: np.ndarray, edge: float) -> None:
        mask = amount > edge
        if not mask.any():
            return
        masks[kind] |= mask
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
        around = float((total - (amount if kind != "void" else 0.0))[mask].mean())
        found.append(Instance(kind, label, place, box, float(amount[mask].sum() * cell), around))

    taken = [part.numpy() for part in areal.removed]
    for cavity, part in zip(scene.cavities, taken, strict=True):
        missing += part
        if cavity.kind == "void":
            note("void", "void", "load", part, VOID_EDGE)
        else:
            ignore |= part > VOID_EDGE
    for thing, own, place in zip(scene.hidden, areal.hidden, scene.places, strict=True):
        amount = own.numpy()
        if thing.kind == "person":
            added += amount
            note("person", thing.label, place, amount, PERSON_EDGE)
        elif thing.kind == "density":
            replaced = sum(
                (t for c, t in zip(scene.cavities, taken, strict=True) if c.solid is thing.solids[0]),
                np.zeros(shape, np.float32),
            )
            difference = amount - replaced
            added += difference.clip(0)
            missing -= np.minimum(amount, replaced)
            note("density", thing.label, place, abs(difference), DENSITY_EDGE)
    arrays = {kind: frozen_array(mask) for kind, mask in masks.items()}
    return Truth(
        scene.kind, scene.load, scene.container.name, MappingProxyType(arrays), frozen_array(ignore & ~masks["person"]),
        frozen_array(added), frozen_array(missing.clip(0)), tuple(found),
    )  # fmt: skip


def simulate(
    seed: int | tuple[int, ...],
    kind: Kind = "clean",
    *,
    pitch: float = 0.005,
    delivery: Delivery | None = None,
    scanner: Scanner | None = None,
    container: Container | None = None,
    state_pitch: bool = True,
) -> tuple[Scan, Truth]:
    """Draw a scene and scan it. The same arguments give the same bytes on the same machine.

    Parameters
    ----------
    seed : int or tuple of int
    kind : {"clean", "look-alike", "person", "void", "density"}
    pitch : float [m]
        Row and column pitch in the middle of the load.
    delivery : {"counts", "transmission", "display"} or None
    scanner : Scanner or None
    container : Container or None
        What is None is drawn.
    state_pitch : bool
        Whether the scan says its pitch.

    Returns
    -------
    scan : Scan
    truth : Truth
        On the scan's own pixels.

    Examples
    --------
    >>> scan, truth = simulate(1, "person", pitch=0.02)
    >>> scan.view.shape == truth.added.shape and truth.masks["person"].any()
    np.True_
    """
    rng = np.random.default_rng(seed)
    machine = scanner or draw_scanner(rng)
    how = delivery or DELIVERIES[rng.choice(3, p=[0.5, 0.35, 0.15])]
    while True:
        scene = draw_scene(rng, kind, pitch, container)
        areal = render(scene.fan, list(scene.solids), scene.cavities, scene.hidden)
        truth = _truth(scene, areal)
        # A void drawn into air took nothing away: such a scene is drawn again.
        if truth.instances or kind in ("clean", "look-alike"):
            break
    endpoints = machine.endpoints if how != "display" else machine.endpoints[:1]
    depth = torch.stack([optical_depth(Beam(e), areal.water, areal.iron) for e in endpoints]).numpy()
    scan = deliver(rng, machine, depth, scene.fan.pitch, how, state_pitch=state_pitch)
    return scan, truth
