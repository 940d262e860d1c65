"""Scan → Radiograph: whatever the machine delivered becomes optical depth, with what of it can be trusted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from xrayscan._callable import call_by_own_name
from xrayscan.errors import ShapeError
from xrayscan.io.contents import TRANSMISSION_TOP
from xrayscan.normalize.beam import Beam, sparse
from xrayscan.normalize.calibrate import from_counts, from_transmission
from xrayscan.normalize.channels import level_channels
from xrayscan.normalize.containers import find_containers, with_air
from xrayscan.normalize.corner import find_corner
from xrayscan.normalize.display import find_inversion, from_display
from xrayscan.normalize.faults import mask_faults
from xrayscan.normalize.interlace import align_energies, check_order
from xrayscan.normalize.opacity import depth_and_opacity, inspected_share
from xrayscan.normalize.outline import shrink
from xrayscan.normalize.pitch import find_pitch
from xrayscan.normalize.pulses import correct_pulses
from xrayscan.normalize.rails import find_rails
from xrayscan.normalize.regions import find_regions
from xrayscan.normalize.sway import find_sway
from xrayscan.normalize.tilt import MOST_DOUBT, find_tilt
from xrayscan.normalize.veil import remove_veil
from xrayscan.scan import Box, Calibration, Geometry, Radiograph, Region, Scan, Step, View

__all__ = ["STEPS", "normalize"]

STEPS = ("faults", "channels", "pulses", "veil", "interlace", "containers", "sway")
"""What may be left out of `normalize`, in the order in which it is done; with the containers all that is told from them."""

DARK_EDGES = -1.5  # both edges are of the dark end: -2 at most
LEAST_SIDE = 48  # pixels without which nothing is said of a picture's direction
CORNER_NOTE = "channels around row {:.0f} are weak in the open beam: the corner of an L-shaped array, if the rails agree"
SURE_MAGNIFICATION = 0.3  # half of the 90 % interval


def normalize(scan: Scan, *, view: int = 0, without: Collection[str] = ()) -> Radiograph:
    """Optical depth of one view, with validity, opacity, container boxes, the vehicle's regions, geometry and pitch.

    Counts become transmission with air and dark (found in the scan, with a warning, when they are missing);
    transmissions are taken as delivered; of display pictures inversion, air and black are found, and every density is
    approximate. Faulty channels are masked, what was not penetrated is marked, and every step is in ``history``.

    Parameters
    ----------
    scan : Scan
    view : int
        Which of the scan's views.
    without : collection of str
        Steps of `STEPS` to leave out.

    Returns
    -------
    Radiograph

    Raises
    ------
    ShapeError
        If the scan has no such view.
    CalibrationError
        If air is not above dark in any channel.
    ValueError
        If there is no such step.

    Examples
    --------
    >>> import numpy as np
    >>> from xrayscan.scan import Scan
    >>> counts = np.full((200, 600), 60000, np.uint16)
    >>> counts[40:160, 100:500] = 22073
    >>> radiograph = normalize(Scan.from_array(counts, air=np.full(200, 60000), dark=np.zeros(200), pixel_pitch=0.02))
    >>> round(float(radiograph.optical_depth[0, 100, 300]), 3)
    1.0
    """
    if not isinstance(scan, Scan):
        raise TypeError(
            f"normalize was given a {type(scan).__name__}; pass a Scan: xs.read(path), or xs.Scan.from_array(array)"
        )
    without = _checked_steps(without)
    one = _view_of(scan, view)
    calibration, steps = _calibration_of(scan, one)
    beam = _delivered(one, calibration)
    corner = find_corner(beam.step[0])
    if "faults" not in without:
        beam = mask_faults(beam, one.pixels, calibration, one.quantity)
    # The unknown curve of a display picture turns a factor into something else.
    if one.quantity != "display" and "channels" not in without:
        beam = level_channels(beam)
    if one.quantity != "display" and "pulses" not in without:
        beam = correct_pulses(beam)
    if one.quantity != "display" and "veil" not in without:
        beam = remove_veil(beam)
    if "interlace" not in without:
        beam = align_energies(beam)
    beam = check_order(beam)
    depth, opaque, step = depth_and_opacity(beam)
    boxes, regions, load_line, parts = ((), (), None, ()) if "containers" in without else _parts(depth[0], beam.valid)
    pitch, geometry, measured = _geometry(depth[0], beam.valid, boxes, one.pixel_pitch, without, corner)
    share, inspected = inspected_share(depth[0], opaque, beam.valid, boxes)
    for array in (depth, opaque, beam.valid):
        array.setflags(write=False)
    left_out = tuple(Step(name, "warning: left out, as asked") for name in STEPS if name in without)
    return Radiograph(
        depth,
        beam.valid,
        opaque,
        pitch,
        # People who draw boxes on pictures leave a rim of air; whoever compares the two expects it.
        containers=with_air(boxes, one.shape[1]) if one.quantity == "display" else boxes,
        regions=regions,
        load_line=load_line,
        inspected=share,
        energies=one.energies,
        quantity=one.quantity,
        history=(*one.steps, *steps, *left_out, *_named(beam.steps, one.energies), step, *parts, *measured, inspected),
        endpoints=one.endpoints,
        geometry=geometry,
    )


def _parts(
    depth: np.ndarray, valid: np.ndarray
) -> tuple[tuple[Box, ...], tuple[Region, ...], np.ndarray | None, tuple[Step, ...]]:
    """Containers, regions, load line, and what was done."""
    grid = shrink(depth, valid)
    boxes, found = find_containers(depth, valid, grid)
    regions, load_line, told = find_regions(depth, valid, boxes, grid)
    return boxes, regions, load_line, (found, told)


def _geometry(
    depth: np.ndarray,
    valid: np.ndarray,
    boxes: Sequence[Box],
    stated: tuple[float, float] | None,
    without: Collection[str],
    corner: float | None = None,
) -> tuple[tuple[float, float], Geometry, tuple[Step, ...]]:
    """Pixel pitch, and how the picture lies."""
    bent = () if corner is None else (Step("corner", CORNER_NOTE.format(corner), {"row": corner}),)
    rails, railed = find_rails(depth, valid, boxes, corner)
    pitch, stretch, measured = find_pitch(stated, boxes, valid.shape, rails)
    tilt, lean, doubt, tilted = find_tilt(depth, valid, boxes, rails, pitch, corner)
    steps = [*bent, railed, measured, tilted]
    known = rails is not None and rails.magnification_error < SURE_MAGNIFICATION
    magnification = rails.magnification if rails is not None and known else None
    lift = None
    if "sway" not in without:
        ratio = np.nan if rails is None else rails.middle_scale / rails.near_scale
        slope = 0.0 if rails is None or rails.near_slope is None else rails.near_slope.slope
        scale = float(ratio) if np.isfinite(ratio) else None
        doubtful = 0.0 if rails is None or scale is None else rails.middle_error / 1.645  # half of a 90 % interval
        arm = None if corner is None else any(box.top < corner for box in boxes)
        lift, swayed = find_sway(depth, boxes, pitch[0], slope, scale, doubtful, arm)
        steps.append(swayed)
    seen = bool(doubt <= MOST_DOUBT)  # not if it is NaN
    leans = lean if np.isfinite(doubt) else None
    geometry = Geometry(tilt if seen else None, leans, magnification, stretch, lift)
    return pitch, geometry, tuple(steps)


def _checked_steps(without: Collection[str]) -> frozenset[str]:
    """Names of steps to leave out; one name may come by itself."""
    names = {without} if isinstance(without, str) else without
    if not isinstance(names, Collection) or not set(names) <= set(STEPS):
        unknown = sorted(set(names) - set(STEPS)) if isinstance(names, Collection) else without
        raise ValueError(f"normalize was asked to leave out {unknown}; what can be left out is {', '.join(STEPS)}")
    return frozenset(names)


def _named(steps: Sequence[Step], energies: Sequence[str]) -> tuple[Step, ...]:
    """Steps that were done to one energy of several say which."""
    named = []
    for step in steps:
        energy = step.parameters.get("energy")
        if energy is not None and len(energies) > 1:
            begin = "warning: " if step.is_warning else ""
            step = Step(step.name, f"{begin}{energies[energy]} energy: {step.note.removeprefix(begin)}", step.parameters)
        named.append(step)
    return tuple(named)


def _view_of(scan: Scan, view: int) -> View:
    if not 0 <= view < len(scan.views):
        raise ShapeError(
            f"normalize was asked for view {view}, the scan has {len(scan.views)} views; pass 0 to {len(scan.views) - 1}",
            expected=f"0 to {len(scan.views) - 1}",
            actual=view,
        )
    return scan.views[view]


def _calibration_of(scan: Scan, view: View) -> tuple[Calibration, tuple[Step, ...]]:
    """The view's own calibration, else the scan's, as far as it fits the view's detector."""
    if view.calibration is not None:
        return view.calibration, ()
    energies, rows, columns = view.pixels.shape
    lines = {name: getattr(scan.calibration, name) for name in ("dark", "air", "bad_pixels")}
    odd = [
        n for n, line in lines.items() if line is not None and line.shape not in {(energies, rows), (energies, rows, columns)}
    ]
    if not odd:
        return scan.calibration, ()
    note = f"warning: {' and '.join(odd)} belong to another view's detector and were not used"
    return replace(scan.calibration, **dict.fromkeys(odd)), (Step("calibration", note),)


def _delivered(view: View, calibration: Calibration) -> Beam:
    if view.quantity == "display":
        return from_display(view.pixels)
    if view.quantity == "transmission":
        beam = from_transmission(view.pixels, calibration.saturation)
    else:
        beam = from_counts(view.pixels, calibration)
    return beam if calibration.air is not None else _check_direction(_check_quantity(beam, view), view)


def _check_quantity(beam: Beam, view: View) -> Beam:
    """Say so if what is called counts looks like transmission, as an array may that nobody said anything of."""
    some = sparse(view.pixels[0])
    if view.quantity != "counts" or some.dtype.kind != "f" or not np.isfinite(some).any():
        return beam
    top = float(some[np.isfinite(some)].max())
    if top > TRANSMISSION_TOP:
        return beam
    note = f"warning: no number is above {top:.3g}, and they are taken for counts; of transmission say quantity='transmission'"
    return beam.with_step(Step("quantity", note, {"top": top}))


def _check_direction(beam: Beam, view: View) -> Beam:
    """Say so if bright and dark are exchanged: without an air line nothing else would show it."""
    few = sparse(view.pixels[0])[:: max(1, view.shape[0] // 480)].astype(np.float32)
    some = few[np.isfinite(few)]
    if min(view.shape) < LEAST_SIDE or some.size < few.size / 2 or np.ptp(some) == 0:
        return beam
    low, high = (float(value) for value in np.quantile(some, [0.0, 0.999]))
    gray = np.nan_to_num((few - low) * np.float32(255.0 / max(high - low, 1e-30))).clip(0.0, 255.0).astype(np.uint8)
    found = find_inversion(gray)
    if not (found.inverted and (found.sure or found.edges < DARK_EDGES)):
        return beam
    note = (
        "warning: air seems to be dark and matter bright: the numbers are inverted, and nothing below can be believed; "
        "turn them round (the largest code less each number), or give the air line"
    )
    return beam.with_step(Step("direction", note))


call_by_own_name(__name__)
