"""Seed or record → scan with truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from xrayscan.errors import RecipeError
from xrayscan.scan import Scan
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.delivery import Delivered, Delivery, deliver
from xrayscan.simulate.detector import measure
from xrayscan.simulate.fan import Fan, Window
from xrayscan.simulate.record import Choices, Kind, Record, draw_record
from xrayscan.simulate.render import Areal, Patch, render
from xrayscan.simulate.scene import Scene, build
from xrayscan.simulate.truth import Draft, Truth, driver_seen, measured, truth_of

__all__ = ["replay", "simulate", "simulate_delivered"]

ATTEMPTS = 400


def simulate(
    seed: int | tuple[int, ...],
    kind: Kind = "clean",
    *,
    preset: str | None = None,
    delivery: Delivery | None = None,
    pitch: float | tuple[float, float] | None = None,
    choices: Choices | None = None,
    device: str = "cpu",
) -> tuple[Scan, Truth]:
    """Draw a scene and scan it. The same arguments give the same bytes on the same machine.

    Parameters
    ----------
    seed : int or tuple of int
    kind : {"clean", "look-alike", "person", "void", "density"}
    preset : str or None
        Of the scanner, one of `xrayscan.simulate.scanner.PRESETS`; None: any, and mixes of them.
    delivery : {"counts", "transmission", "display"} or None
        None draws one.
    pitch : float, (float, float) or None [m]
        Row and column pitch in the middle of the load; None: the scanner's own.
    choices : Choices or None
        What may be drawn; None: everything.
    device : str
        Where the rays are traced.

    Returns
    -------
    scan : Scan
    truth : Truth
        On the scan's own pixels.

    Raises
    ------
    RecipeError

    Examples
    --------
    >>> scan, truth = simulate(1, "person", pitch=0.02)
    >>> scan.view.shape == truth.added.shape and truth.masks["person"].any()
    np.True_
    """
    return replay(draw_record(seed, kind, preset=preset, delivery=delivery, pitch=pitch, choices=choices), device=device)


def replay(record: Record, *, device: str = "cpu") -> tuple[Scan, Truth]:
    """The scan of a record, again: ``replay(truth.record)`` gives the same bytes.

    Parameters
    ----------
    record : Record
        Changed with `dataclasses.replace`, the same scene on another scanner, or without what is hidden.
    device : str

    Returns
    -------
    scan : Scan
    truth : Truth
    """
    delivered, truth = simulate_delivered(record, device=device)
    return delivered.scan, truth


def simulate_delivered(record: Record, *, device: str = "cpu") -> tuple[Delivered, Truth]:
    """As `replay`, with what left the scanner as a file would hold it: color, and bytes of a JPEG."""
    scene, areal, truth, draft = _shown(record, device)
    scanner = record.scanner
    if record.delivery.delivery == "display" and record.delivery.palette != "material":
        scanner = replace(scanner, endpoints=scanner.endpoints[:1])
    beams = [Beam(endpoint, scanner.filter_iron, scanner.detector.crystal_depth) for endpoint in scanner.endpoints]
    depth = torch.stack([optical_depth(beam, areal.water, areal.iron) for beam in beams]).numpy(force=True)
    measurement = measure(record.rng("detector"), scanner, np.maximum(depth, 0.0), scene.fan.pitch)
    delivered = deliver(record.delivery, measurement, scene.fan.pitch if record.states_pitch else None)
    if record.delivery.delivery != "display":  # a picture says nothing of its beam
        view = replace(delivered.scan.view, endpoints=scanner.endpoints)
        delivered = replace(delivered, scan=replace(delivered.scan, views=(view,)))
    return delivered, measured(truth, draft, areal, measurement.sigma[0], delivered)


_Seen = tuple[Scene, Areal, Truth, Draft]


def _shown(record: Record, device: str) -> _Seen:
    """The first of the seed's scenes that shows what the record asks for; without it, if the record hides nothing."""
    if record.kind in ("clean", "look-alike"):
        return _seen(record, build(record, 0), device)
    whole = replace(record, hides=True)
    for attempt in range(ATTEMPTS):
        scene = build(whole, attempt)
        if not any(placed.hidden.kind == record.kind for placed in scene.placed):
            continue
        seen = _seen(whole, scene, device)
        # A void that is open at a side is none, a person behind the picture's edge is not seen: such a scene is drawn again.
        if seen[2].instances:
            return seen if record.hides else _seen(record, build(record, attempt), device)
    raise RecipeError(
        f"seed {record.seed} gave no scene that shows a {record.kind} in {ATTEMPTS} attempts; allow more vehicles, loads "
        "or places"
    )


def _seen(record: Record, scene: Scene, device: str) -> _Seen:
    areal = render(scene.fan, scene.fixed, scene.load, scene.hidden, device)
    driver = driver_seen(scene, device)
    if record.mirrored:
        areal, scene, driver = _mirrored(areal), _reversed(scene), driver[:, ::-1]
    return scene, areal, *truth_of(record, scene, areal, driver)


def _mirrored(areal: Areal) -> Areal:
    """The same rays, last column first."""
    columns = areal.water.shape[1]
    patches = []
    for patch in areal.patches:
        w = patch.window
        window = Window(w.top, columns - w.right, w.bottom, columns - w.left)
        patches.append(Patch(window, *(t.flip(1) for t in (patch.added, patch.removed, patch.front))))
    return Areal(areal.water.flip(1), areal.iron.flip(1), tuple(patches))


def _reversed(scene: Scene) -> Scene:
    """The scene with x the other way round, as far as truth needs it."""
    fan = scene.fan
    seen = Fan(fan.source_distance, fan.source_height, fan.slopes, -fan.xs[::-1], fan.lift[::-1], -fan.skew, fan.pitch)
    return replace(scene, fan=seen, sites=tuple(replace(site, x0=-site.x1, x1=-site.x0) for site in scene.sites))
