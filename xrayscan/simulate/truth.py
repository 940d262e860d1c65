"""What a simulated scan holds, pixel by pixel and thing by thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import torch

from xrayscan.scan import Box, frozen_array
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.delivery import Delivered
from xrayscan.simulate.fan import Window
from xrayscan.simulate.record import Record
from xrayscan.simulate.render import Areal, Patch, render
from xrayscan.simulate.scene import Placed, Scene

__all__ = ["Draft", "Instance", "Truth", "driver_seen", "measured", "run_lengths", "truth_of"]

PERSON_EDGE = 1.0  # areal density from which a pixel belongs to a person [g/cm²]
VOID_EDGE = 3.0  # missing areal density from which a pixel belongs to a void [g/cm²]
DENSITY_EDGE = 3.0  # difference from which a pixel belongs to a density anomaly [g/cm²]
LEAST_SEEN = 0.5  # kg of a person, void or insert that a scene has to show to be one
BESIDE = 0.2  # within and beyond a void's outline, where both are compared [m]
DARKER = 0.3  # by how much what lies beyond has to be more: a share of what is missing, and no less than a void's edge
WHOLE = 0.1  # parts of a void that are no further apart are one [m]


@dataclass(frozen=True, eq=False)
class Instance:
    """One thing that does not belong.

    Attributes
    ----------
    kind : {"person", "void", "density"}
    label : str
        Posture of a person, material of a density anomaly.
    place : str
    box : Box
    mass : float [kg]
        Of what is there (person, density) or of what is missing (void), as seen in the plane of the middle of the load.
    body_mass : float or None [kg]
        Of a person, clothes and belongings apart.
    load : float [g/cm²]
        Mean areal density of everything else over its pixels.
    front : float [g/cm²]
        Mean areal density between the source and it.
    contrast : float
        Mean over its pixels of the change of the high energy's signal over its rms noise.
    hidden_share : float
        Share of its pixels that cannot be seen through.
    """

    kind: str
    label: str
    place: str
    box: Box
    mass: float
    body_mass: float | None
    load: float
    front: float
    contrast: float = 0.0
    hidden_share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with units in the keys."""
        return {
            "kind": self.kind, "label": self.label, "place": self.place,
            "box": [self.box.top, self.box.left, self.box.bottom, self.box.right],
            "mass_kg": round(self.mass, 2),
            "body_mass_kg": None if self.body_mass is None else round(self.body_mass, 2),
            "load_g_cm2": round(self.load, 2), "front_g_cm2": round(self.front, 2),
            "contrast_to_noise": round(self.contrast, 3), "opaque_share": round(self.hidden_share, 4),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Truth:
    """What a simulated scan holds.

    Attributes
    ----------
    record : Record
        What it was drawn from.
    vehicle, load : str
        Kinds of load are joined by "+".
    masks : mapping of str to ndarray of bool, shape (rows, columns)
        "person", "void", "density".
    ignore : ndarray of bool, shape (rows, columns)
        Holes made for something hidden, and what is burnt over or was not scanned: a finding there is neither right nor wrong.
    driver : ndarray of bool, shape (rows, columns)
        Who drives, in the cab: a finding there is wrong, for everybody expects a driver.
    added, missing : ndarray of float32, shape (rows, columns) [g/cm²]
        Of persons and inserts, and of the load whose place was taken.
    opaque : ndarray of bool, shape (rows, columns)
        What cannot be seen through in this scan.
    instances : tuple of Instance
    others : tuple of (str, str, str)
        Kind, label and place of look-alikes and of gaps that loads just have.
    sites : tuple of Box
        Where something was, or in a clean scene could have been, hidden.
    """

    record: Record
    vehicle: str
    load: str
    masks: Mapping[str, np.ndarray]
    ignore: np.ndarray
    driver: np.ndarray
    added: np.ndarray
    missing: np.ndarray
    opaque: np.ndarray
    instances: tuple[Instance, ...]
    others: tuple[tuple[str, str, str], ...] = ()
    sites: tuple[Box, ...] = ()

    @property
    def kind(self) -> str:
        """Of the scene."""
        return self.record.kind

    def to_dict(self) -> dict[str, Any]:
        """As JSON: masks as run lengths, row by row, starting with what is outside."""
        return {
            "kind": self.kind, "vehicle": self.vehicle, "load": self.load, "seed": list(self.record.seed),
            "shape": list(self.added.shape),
            "instances": [instance.to_dict() for instance in self.instances],
            "others": [list(other) for other in self.others],
            "opaque_share": round(float(self.opaque.mean()), 5),
            "masks_run_lengths": {kind: run_lengths(mask) for kind, mask in self.masks.items() if mask.any()},
        }  # fmt: skip


def run_lengths(mask: np.ndarray) -> list[int]:
    """A mask, row by row, as lengths of what is outside, inside, outside ...

    Examples
    --------
    >>> run_lengths(np.array([[0, 1, 1], [1, 0, 0]], bool))
    [1, 3, 2]
    """
    flat = np.concatenate([[False], mask.ravel(), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    runs: list[int] = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    return runs


class Draft:
    """Truth, while it is being put together."""

    def __init__(self, scene: Scene, areal: Areal) -> None:
        shape = tuple(areal.water.shape)
        self.masks = {kind: np.zeros(shape, bool) for kind in ("person", "void", "density")}
        self.added, self.missing = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.ignore = np.zeros(shape, bool)
        self.total = (areal.water + areal.iron).numpy(force=True)
        self.pitch = scene.fan.pitch
        self.cell = self.pitch[0] * self.pitch[1] * 10.0  # kg per pixel and g/cm²
        self.found: list[tuple[Instance, Window, np.ndarray, Patch]] = []

    def note(self, placed: Placed, patch: Patch) -> None:
        """Take in one hidden thing."""
        added, removed, front = (t.numpy(force=True) for t in (patch.added, patch.removed, patch.front))
        place, kind = patch.window.slices, placed.hidden.kind
        if kind in ("look-alike", "gap"):
            if kind == "look-alike":
                self.ignore[place] |= removed > VOID_EDGE
            return
        self.missing[place] += removed
        if kind == "void":
            amount, edge = removed, VOID_EDGE
        elif kind == "person":
            amount, edge = added, PERSON_EDGE
            self.added[place] += added
            self.ignore[place] |= removed > VOID_EDGE
        else:
            amount, edge = abs(added - removed), DENSITY_EDGE
            self.added[place] += (added - removed).clip(0)
            self.missing[place] -= np.minimum(added, removed)
        mask = amount > edge
        mass = float(amount[mask].sum()) * self.cell
        if mass < LEAST_SEEN or (kind == "void" and not self._closed(removed, patch.window)):
            return
        self.masks[kind][place] |= mask
        rows, columns = np.flatnonzero(mask.any(1)) + patch.window.top, np.flatnonzero(mask.any(0)) + patch.window.left
        box = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        around = float((self.total[place] - added)[mask].mean())
        instance = Instance(
            kind, placed.hidden.label, placed.place, box, mass, placed.body.mass if placed.body else None, around,
            float(front[mask].mean()) if kind != "void" else 0.0,
        )  # fmt: skip
        self.found.append((instance, patch.window, mask, patch))

    def _closed(self, removed: np.ndarray, window: Window) -> bool:
        """Whether the load goes on around a void: what is open at a side is a load of another shape, and nobody can tell.

        At both ends of it and above it what lies next to it has to be darker, by its median, than the void's own border there.
        """
        tall, wide = (round(BESIDE / pitch) + 1 for pitch in self.pitch)
        seen = window.grown(max(tall, wide)).shared(Window(0, 0, *self.total.shape))
        total, missing = self.total[seen.slices], np.zeros(seen.shape, np.float32)
        missing[window.within(seen)] = removed
        void = (missing > VOID_EDGE).astype(np.uint8)
        void = cv2.morphologyEx(void, cv2.MORPH_CLOSE, np.ones([round(WHOLE / pitch) + 1 for pitch in self.pitch], np.uint8))
        for reach, turned in ((wide, np.asarray), (wide, np.fliplr), (tall, np.transpose)):  # left end, right end, above
            shown, load, gone = (np.ascontiguousarray(turned(plane)) for plane in (void, total, missing))
            line = np.ones((1, reach), np.uint8)
            outer = cv2.dilate(shown, line, anchor=(0, 0)) > shown
            inner = cv2.erode(shown, line, anchor=(reach - 1, 0)) < shown
            if not (outer.any() and inner.any()):
                return False
            if np.median(load[outer]) < np.median(load[inner]) + max(DARKER * np.median(gone[inner]), VOID_EDGE):
                return False
        return True


def driver_seen(scene: Scene, device: str = "cpu") -> np.ndarray:
    """Where the driver in the cab is seen, shape (rows, columns) bool."""
    if not scene.vehicle.driver:
        return np.zeros(scene.fan.shape, bool)
    seen = render(scene.fan, scene.vehicle.driver, device=device)
    found: np.ndarray = (seen.water + seen.iron).numpy(force=True) > PERSON_EDGE
    return found


def truth_of(record: Record, scene: Scene, areal: Areal, driver: np.ndarray) -> tuple[Truth, Draft]:
    """Truth of a scene, before it is known what the detector made of it.

    Parameters
    ----------
    record : Record
    scene : Scene
    areal : Areal
    driver : ndarray of bool, shape (rows, columns)
        Where the driver in the cab is seen.

    Returns
    -------
    Truth
        Without contrast and opaque pixels, which `measured` adds.
    Draft
    """
    draft = Draft(scene, areal)
    for placed, patch in zip(scene.placed, areal.patches, strict=True):
        draft.note(placed, patch)
    masks = {kind: frozen_array(mask) for kind, mask in draft.masks.items()}
    others = tuple(
        (p.hidden.kind, p.hidden.label, p.place) for p in scene.placed if p.hidden.kind in ("look-alike", "gap")
    )  # fmt: skip
    low = np.array([(r.x0, r.y0, r.z0) for r in scene.sites]).reshape(-1, 3)
    high = np.array([(r.x1, r.y1, r.z1) for r in scene.sites]).reshape(-1, 3)
    windows = [Window(*map(int, row)) for row in scene.fan.windows(low, high)]
    sites = tuple(Box(w.top, w.left, w.bottom, w.right) for w in windows if not w.empty)
    nothing = frozen_array(np.zeros(draft.ignore.shape, bool))
    truth = Truth(
        record, scene.vehicle.name, "+".join(scene.loads), MappingProxyType(masks),
        frozen_array(draft.ignore & ~draft.masks["person"]), frozen_array(driver), frozen_array(draft.added),
        frozen_array(draft.missing.clip(0)), nothing, tuple(instance for instance, *_ in draft.found), others, sites,
    )  # fmt: skip
    return truth, draft


def measured(truth: Truth, draft: Draft, areal: Areal, sigma: np.ndarray, delivered: Delivered) -> Truth:
    """Truth with what the detector could tell: contrast to noise, and the pixels that cannot be seen through.

    Parameters
    ----------
    truth, draft
        As `truth_of` gave them.
    areal : Areal
    sigma : ndarray, shape (rows, columns)
        Rms noise of the high energy's signal as a share of the open beam.
    delivered : Delivered

    Returns
    -------
    Truth
    """
    beam = Beam(truth.record.scanner.endpoints[0], truth.record.scanner.filter_iron)
    instances = []
    for instance, window, mask, patch in draft.found:
        place = window.slices
        water, iron = areal.water[place], areal.iron[place]
        without = (water - patch.added + patch.removed).clamp(min=0.0)
        change = torch.exp(-optical_depth(beam, water, iron)) - torch.exp(-optical_depth(beam, without, iron))
        ratio = change.abs().numpy(force=True)[mask] / np.maximum(sigma[place][mask], 1e-9)
        share = float(delivered.opaque[place][mask].mean())
        instances.append(replace(instance, contrast=float(ratio.mean()), hidden_share=share))
    ignore = frozen_array(truth.ignore | delivered.covered)
    return replace(truth, instances=tuple(instances), ignore=ignore, opaque=frozen_array(delivered.opaque))
