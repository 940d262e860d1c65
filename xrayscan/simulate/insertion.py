"""Threat image projection (TIP): a simulated body, with its hole, put into a real benign scan.

First everything that is not in the scan is drawn or taken as given and written down (`draw_plan`), then it is acted on
(`insert_plan`), so that any insertion can be made again from its record. Where things stand: x [m] from the left end of the
container in the picture, y across away from the source with the middle of the load at 0, z [m] from the container's floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.normalize import normalize
from xrayscan.normalize.beam import code_step
from xrayscan.scan import Box, Radiograph, Scan, View
from xrayscan.simulate.fan import Window
from xrayscan.simulate.insertion_matter import Base, Matter, base_of, coarse, ratios_of, trace
from xrayscan.simulate.insertion_plan import InsertionPlan
from xrayscan.simulate.insertion_site import Wishes, draw_places, find_site
from xrayscan.simulate.sharpness import edge_spread, noise_curve

__all__ = ["Insertion", "InsertionPlan", "Person", "Wishes", "draw_plan", "insert", "insert_plan", "signal_of"]

PERSON_EDGE = 1.0  # areal density from which a pixel belongs to a person [g/cm²]
DEFAULT_BEAMS = (6.0, 4.0)  # [MV]
DEFAULT_SPREAD = 0.8  # [px]
UNEVEN = 1.5  # one axis against the other
CROWDED = 0.01  # share of pixels at the top of the scale from which it was clipped
LIFTED = 92.0  # most of a load from which a hole is cut: 0.4 g/cm³ over the width [g/cm²]
_TRACKS = 0.9


@dataclass(frozen=True)
class Person:
    """One body as it is seen in the scan.

    Attributes
    ----------
    label : str
        Posture.
    place : str
    box : Box
        Around its pixels.
    mass : float [kg]
        Sum of its areal density over its pixels, in the plane of the middle of the load.
    removed : float [kg]
        Of the load, for its hole.
    load : float [g/cm²]
        Mean areal density of everything else over its pixels.
    contrast : float
        Mean change of the signal over its pixels as a multiple of the noise there; negative where it became brighter.
    opaque : float
        Share of its pixels in which nothing is penetrated, so that nothing of it is to be seen.
    """

    label: str
    place: str
    box: Box
    mass: float
    removed: float
    load: float
    contrast: float
    opaque: float


@dataclass(frozen=True, eq=False)
class Insertion:
    """A scan with persons put into it, and the truth about them.

    Attributes
    ----------
    scan : Scan
        Of the same kind, shape and type as it was; pixels outside of ``changed`` are the same bytes.
    plan : InsertionPlan
    mask : ndarray of bool, shape (rows, columns)
        The persons' pixels: where they add 1 g/cm² or more.
    changed : ndarray of bool, shape (rows, columns)
        Where pixels may differ.
    added, removed : ndarray of float32, shape (rows, columns) [g/cm²]
        Of the persons, and of the load for their holes.
    persons : tuple of Person
    """

    scan: Scan
    plan: InsertionPlan
    mask: np.ndarray
    changed: np.ndarray
    added: np.ndarray
    removed: np.ndarray
    persons: tuple[Person, ...]

    @property
    def contrast(self) -> float:
        """Mean contrast to noise over the persons' pixels."""
        return float(np.average([p.contrast for p in self.persons], weights=[p.box.area for p in self.persons]))

    @property
    def load(self) -> float:
        """Mean areal density of everything else over the persons' pixels [g/cm²]."""
        return float(np.average([p.load for p in self.persons], weights=[p.box.area for p in self.persons]))


def insert(
    scan: Scan,
    radiograph: Radiograph | None = None,
    *,
    seed: int | tuple[int, ...] = 0,
    plan: InsertionPlan | None = None,
    wishes: Wishes | None = None,
) -> Insertion:
    """Put one or more simulated bodies into a benign scan.

    Parameters
    ----------
    scan : Scan
        Of one view.
    radiograph : Radiograph or None
        What ``normalize(scan)`` gave, where it is at hand.
    seed : int or tuple of int
        The same seed and scan give the same bytes on the same machine.
    plan : InsertionPlan or None
        To act on again; nothing is drawn then.
    wishes : Wishes or None
        What is not left to the seed.

    Returns
    -------
    Insertion

    Raises
    ------
    RecipeError
        If there is no container in the scan, no place for the body, or the scan is too small.
    """
    radiograph = normalize(scan) if radiograph is None else radiograph
    if plan is None:
        plan = draw_plan(np.random.default_rng(seed), scan, radiograph, wishes or Wishes())
    return insert_plan(scan, plan, radiograph)


def draw_plan(rng: np.random.Generator, scan: Scan, radiograph: Radiograph, wishes: Wishes | None = None) -> InsertionPlan:
    """Draw who is put where, and measure what the scan says of its own geometry, sharpness and noise.

    Parameters
    ----------
    rng : Generator
    scan : Scan
    radiograph : Radiograph
        Of this scan.
    wishes : Wishes or None

    Returns
    -------
    InsertionPlan

    Raises
    ------
    RecipeError
    """
    wishes = wishes or Wishes()
    if len(scan.views) > 1:
        raise RecipeError(
            f"the scan has {len(scan.views)} views of one load; a body put into one of them would be missing in the others: "
            "give a scan of one view"
        )
    beams = _beams(radiograph, wishes)
    site = find_site(rng, radiograph, wishes)
    persons = draw_places(rng, site, wishes)
    spread, noise, notes = _quality(scan.view, radiograph, signal_of(scan, radiograph)[0])
    if radiograph.quantity == "display":
        notes.append("made from a display picture with an unknown gray curve: every density put into it is approximate")
    if not (wishes.beams or radiograph.endpoints):
        notes.append(f"the beam is not known: {', '.join(f'{e:g}' for e in beams)} MV taken")
    return InsertionPlan(
        persons=persons,
        source_distance=site.source[0],
        source_height=site.source[1],
        source_from=site.source_from,
        pitch=site.pitch,
        top=site.top,
        left=site.left,
        rise=site.rise,
        container=(site.box.top, site.box.left, site.box.bottom, site.box.right),
        beams=beams,
        iron_share=wishes.iron_share,
        spread=spread,
        noise=noise,
        noise_seed=int(rng.integers(2**31)),
        warnings=(*site.warnings, *notes),
    )


def _beams(radiograph: Radiograph, wishes: Wishes) -> tuple[float, ...]:
    energies = len(radiograph.energies)
    given = wishes.beams or radiograph.endpoints or DEFAULT_BEAMS[:energies]
    if len(given) != energies:
        raise RecipeError(
            f"{len(given)} beam{'s' if len(given) > 1 else ''} given for a scan of {energies} energies; "
            "give the endpoint [MV] of each, high first"
        )
    return tuple(float(e) for e in given)


def signal_of(scan: Scan, radiograph: Radiograph) -> tuple[np.ndarray, np.ndarray]:
    """What of the scan's own numbers is proportional to transmission.

    Counts less their dark; delivered transmissions as they are; gray values less the black level, negative where the picture is
    inverted.

    Parameters
    ----------
    scan : Scan
    radiograph : Radiograph

    Returns
    -------
    signal, zero : ndarray of float32, broadcastable to (energies, rows, columns)
        Pixels are ``zero`` + ``signal``.
    """
    pixels = scan.view.pixels
    steps = [step.parameters for step in radiograph.history if step.name == "gray levels"]
    zero = np.zeros((pixels.shape[0], 1, 1), np.float32)
    if radiograph.quantity == "counts":
        dark = scan.calibration.dark
        if dark is None:
            levels = [step.parameters["dark"] for step in radiograph.history if step.name == "dark from scan"]
            dark = np.full(pixels.shape[:2], levels[0] if levels else 0.0, np.float32)
        zero = dark if dark.ndim == 3 else dark[..., None]
    elif radiograph.quantity == "display":
        zero = np.array([_black(picture, step) for picture, step in zip(pixels, steps, strict=True)], np.float32)[:, None, None]
    signal = np.nan_to_num(pixels.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0) - zero
    return signal, zero


def _black(picture: np.ndarray, step: Mapping[str, Any]) -> float:
    """Pixel value that `normalize` took as black."""
    gray = 255.0 - step["black"] if step["inverted"] else step["black"]
    if picture.dtype == np.uint8:
        return float(gray)
    values = np.nan_to_num(picture.astype(np.float32))
    low, high = min(float(values.min()), 0.0), float(np.quantile(values[::3, ::3], 0.9995))
    return low + gray / 255.0 * max(high - low, 1e-9)


def _quality(
    view: View, radiograph: Radiograph, signal: np.ndarray
) -> tuple[tuple[float, float], tuple[tuple[tuple[float, float], ...], ...], list[str]]:
    """The scan's point spread [px] and noise, and what could not be measured."""
    physical = radiograph.quantity != "display"
    notes = []
    noise = []
    for plane in signal:
        usable = radiograph.valid & ~_full(plane, radiograph.valid)
        curve = noise_curve(np.abs(plane), usable, physical=physical)
        if not curve:
            notes.append("the scan's noise could not be measured: none was added")
            curve = ((0.0, 0.0),)
        noise.append(curve)
    through = np.exp(-np.where(radiograph.valid, radiograph.optical_depth[0], 0.0))
    air = float(np.quantile(np.abs(signal[0][::3, ::3]), 0.98))
    rms = float(np.sqrt(_at(noise[0], np.array(air)))) / max(air, 1e-9)
    row, column = edge_spread(through, radiograph.valid & ~radiograph.opaque, rms)
    if row is None or column is None:
        axis = "rows and columns" if row is None and column is None else "rows" if row is None else "columns"
        taken = row or column or DEFAULT_SPREAD
        notes.append(f"too few edges to measure the scan's sharpness along its {axis}: {taken:.2f} pixels taken")
        row, column = row or taken, column or taken
    # Edges may be soft in themselves, those along the travel because the fan sees them slanted: neither axis is taken to be
    # much less sharp than the other, in meters.
    shape = radiograph.pixel_pitch[1] / radiograph.pixel_pitch[0]
    row, column = min(row, UNEVEN * column * shape), min(column, UNEVEN * row / shape)
    return (row, column), tuple(noise), notes


def _at(curve: tuple[tuple[float, float], ...], signal: np.ndarray) -> np.ndarray:
    """Variance at a signal; beyond its ends the curve stays as it ends."""
    s, v = (np.array(values, np.float32) for values in zip(*curve, strict=True))
    return np.interp(signal, s, v).astype(np.float32)


def insert_plan(scan: Scan, plan: InsertionPlan, radiograph: Radiograph | None = None) -> Insertion:
    """Act on a plan: the scan with the persons in it.

    Parameters
    ----------
    scan : Scan
        The one that the plan was drawn for.
    plan : InsertionPlan
    radiograph : Radiograph or None

    Returns
    -------
    Insertion

    Raises
    ------
    RecipeError
        If the plan is of another scan, or no pixel of a person is in view.
    """
    radiograph = normalize(scan) if radiograph is None else radiograph
    if len(plan.beams) != len(radiograph.energies) or plan.container[2] > radiograph.shape[0]:
        raise RecipeError(
            f"the plan is of a scan with {len(plan.beams)} energies and a container in rows {plan.container[0]} to "
            f"{plan.container[2]}; this one has {len(radiograph.energies)} energies and {radiograph.shape[0]} rows"
        )
    matter = trace(plan, radiograph.shape)
    base = base_of(plan, radiograph, matter.window)
    matter = _liftable(matter, base)
    added, removed = np.zeros(radiograph.shape, np.float32), np.zeros(radiograph.shape, np.float32)
    cut = matter.window.slices
    added[cut] = sum(matter.added)
    removed[cut] = coarse(matter.share, matter.fine) * base.load
    signal, zero = signal_of(scan, radiograph)
    pixels = np.array(scan.view.pixels)
    ratios = [_dimmed(ratio, radiograph.opaque[cut]) for ratio in ratios_of(plan, matter, base)]
    alive = _alive(scan, radiograph, signal)
    rng, step = np.random.default_rng(plan.noise_seed), code_step(scan.view.pixels)
    changed = np.zeros(radiograph.shape, bool)
    for energy, ratio in enumerate(ratios):
        touched = (np.abs(ratio - 1.0) > 1e-5) & alive[cut]
        fresh = _with_noise(signal[energy], ratio, plan.noise[energy], matter.window, rng, step)
        _write(pixels[energy], zero[energy], fresh, touched, matter.window, step)
        changed[cut] |= touched
    seen = _Seen(base, ratios[0], signal[0][cut], radiograph.opaque[cut], step)
    persons = _persons(plan, matter, seen)
    return Insertion(_scan_with(scan, pixels), plan, added >= PERSON_EDGE, changed, added, removed, persons)


def _dimmed(ratio: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """Less brightening beside opaque pixels, which stay as they are: a hole would end there as if cut out."""
    if not opaque.any():
        return ratio
    near = (2.0 * cv2.blur(cv2.dilate(opaque.astype(np.float32), np.ones((3, 3))), (15, 15))).clip(0.0, 1.0)
    return np.where(ratio > 1.0, 1.0 + (ratio - 1.0) * (1.0 - near), ratio)


def _alive(scan: Scan, radiograph: Radiograph, signal: np.ndarray) -> np.ndarray:
    """Pixels that answer to what is in the beam: not opaque, not missing, and in a channel that follows its neighbors."""
    follows = np.ones(radiograph.shape[0], bool)
    plane = np.abs(signal[0])
    good: np.ndarray = np.asarray(radiograph.valid.any(axis=1))
    for row in map(int, np.flatnonzero(~good)):
        near_by = np.arange(max(0, row - 4), min(good.size, row + 5))
        beside = near_by[good[near_by]]
        near = plane[beside].mean(axis=0) if beside.size else np.zeros(plane.shape[1], np.float32)
        own = plane[row]
        spread = float(own.std() * near.std())
        follows[row] = spread > 0 and float(((own - own.mean()) * (near - near.mean())).mean()) > _TRACKS * spread
    finite = np.isfinite(scan.view.pixels).all(axis=0)
    return follows[:, None] & finite & ~radiograph.opaque


def _with_noise(
    signal: np.ndarray,
    ratio: np.ndarray,
    curve: tuple[tuple[float, float], ...],
    window: Window,
    rng: np.random.Generator,
    step: float,
) -> np.ndarray:
    """The signal times the ratio, with the noise that the scan has at the new signal, shape as ``ratio``.

    Multiplying keeps what channels and pulses have in common, and multiplies the noise too. Photon noise falls with the root of
    the signal, so where the signal falls some noise is missing and is added; where it rises there is too much, and the
    deviation from the mean of five neighbors along the travel is made smaller by as much.
    """
    grown = Box(window.top, window.left, window.bottom, window.right).grown(4, signal.shape)
    part = signal[grown.slices]
    inner = (
        slice(window.top - grown.top, window.top - grown.top + window.shape[0]),
        slice(window.left - grown.left, window.left - grown.left + window.shape[1]),
    )
    level = np.abs(cv2.blur(part, (3, 3))[inner])
    deviation = (part - cv2.blur(part, (5, 1)))[inner]
    before, after = _at(curve, level), _at(curve, level * ratio)
    extra = after - ratio**2 * before - step**2 / 12.0
    # A deviation from a mean of five has 4/5 of the variance: (r − 0.8 d)² + 0.16 d² is what is left after taking d of it.
    target = np.divide(after, before, out=ratio**2, where=before > 0)
    root = np.sqrt((ratio**2 - (ratio**2 - target) / 0.8).clip(0.0))
    less = np.where(extra < 0, (ratio - root).clip(0.0), 0.0)
    drawn = rng.standard_normal(ratio.shape, np.float32)
    return ratio * part[inner] - less * deviation + np.sqrt(extra.clip(0.0)) * drawn


def _write(pixels: np.ndarray, zero: np.ndarray, fresh: np.ndarray, touched: np.ndarray, window: Window, step: float) -> None:
    """Put new signal into the pixels of one energy, in the scan's own steps and within its own range."""
    cut = window.slices
    base = np.broadcast_to(zero, pixels.shape)[cut]
    values = fresh + base
    if pixels.dtype.kind != "f":
        low, high = float(pixels.min()), float(pixels.max())
        values = low + np.rint((values - low) / step) * step
        # A body may be darker than all that is in the scan, never darker than no beam; nothing is brighter than air.
        values = np.clip(values, min(low, max(0.0, float(np.floor(base.min())))), max(high, float(np.ceil(base.max()))))
    view = pixels[cut]
    view[touched] = values.astype(pixels.dtype)[touched]


def _scan_with(scan: Scan, pixels: np.ndarray) -> Scan:
    view = View(pixels, quantity=scan.view.quantity, pixel_pitch=scan.view.pixel_pitch, energies=scan.view.energies)
    return Scan((view,), scan.calibration, scan.source, scan.acquired_at, scan.manifest)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What there is to see in the window, of the high energy."""

    base: Base
    ratio: np.ndarray
    signal: np.ndarray
    opaque: np.ndarray
    step: float


def _full(plane: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Pixels at the top of the scale where that is crowded: air that was clipped there shows no noise."""
    top: np.ndarray = plane >= plane[valid].max(initial=-np.inf)
    return top if (top & valid).sum() > CROWDED * valid.sum() else np.zeros_like(top)


def _liftable(matter: Matter, base: Base) -> Matter:
    """The same with no more taken than of goods that people can lift out: a machine or a stack of steel stays where it is."""
    less = np.minimum(1.0, LIFTED / np.maximum(base.load, 1e-6)).astype(np.float32)
    fine = np.repeat(np.repeat(less, matter.fine[0], axis=0), matter.fine[1], axis=1)
    return replace(matter, share=matter.share * fine, shares=tuple(share * less for share in matter.shares))


def _persons(plan: InsertionPlan, matter: Matter, seen: _Seen) -> tuple[Person, ...]:
    """What of each person is to be seen."""
    cell = plan.pitch[0] * plan.pitch[1] * 10.0  # kg per pixel and g/cm²
    level = np.abs(cv2.blur(seen.signal, (3, 3)))
    # No picture shows less than its own steps.
    least = seen.step**2 / 12.0 + 1e-10 * float(level.max()) ** 2
    change = np.where(seen.opaque, 0.0, level * (1.0 - seen.ratio)) / np.sqrt(np.maximum(_at(plan.noise[0], level), least))
    top, left = matter.window.top, matter.window.left
    found = []
    for number, (placed, amount, share) in enumerate(zip(plan.persons, matter.added, matter.shares, strict=True), 1):
        mask = amount >= PERSON_EDGE
        if not mask.any():
            raise RecipeError(f"no pixel of person {number} lies in the scan; choose another place with x and z")
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        taken = share * seen.base.load
        found.append(
            Person(
                label=placed.body.posture,
                place=placed.place,
                box=Box(top + rows[0], left + columns[0], top + rows[-1] + 1, left + columns[-1] + 1),
                mass=float(amount[mask].sum() * cell),
                removed=float(taken.sum() * cell),
                load=float((seen.base.load + seen.base.wall - taken)[mask].mean()),
                contrast=float(change[mask].mean()),
                opaque=float(seen.opaque[mask].mean()),
            )
        )
    return tuple(found)
