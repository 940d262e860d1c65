"""Evidence in words and numbers: what was measured in a finding, how it compares with a body, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.explain.expected import Expected
from xrayscan.findings import Finding, is_contained, probability_text
from xrayscan.network.anomaly import AnomalyMap
from xrayscan.normalize.areal import areal_density, endpoint_of
from xrayscan.scan import Box, Radiograph, Region
from xrayscan.zoo import ModelCard

__all__ = ["Measured", "measure", "sentences"]

BODY = (
    (10.0, "a limb"),
    (16.0, "a chest from the front"),
    (19.0, "a head"),
    (23.0, "an abdomen"),
    (36.0, "a pelvis from the side"),
)
"""Areal densities of parts of a body along the beam [g/cm²]."""

WHAT = {
    "person": "a concealed person",
    "void": "a void made in the load",
    "density": "a density that does not belong to the load",
}
MANY = {"person": "concealed persons", "void": "voids made in loads", "density": "such densities"}
LIGHTEST_BALANCE = 5.0  # [kg] less than a small child by half
LIGHTEST, HEAVIEST = 6.0, 50.0  # [g/cm²] less than a child's limb; more than a pelvis from the side with clothing and bags
HEAD, TALLEST = 0.15, 2.1  # [m] smallest side that is still a head; longest person lying
PERSON_AREA = 1.2  # [m²] twice a person lying (1.70 m x 0.35 m)
ROOM = (0.70, 0.55)  # [m] a person seated
CHILD, HEAVY = 8.0, 150.0  # [kg]
NEAR_OPAQUE = 7.0  # optical depth: less than 0.1 % comes through
ALIKE = 1.3  # an areal density within this factor of a part of a body is near it
NOTEWORTHY = 3.0  # [g/cm²] below this an areal density is within the load's own variation


@dataclass(frozen=True)
class Measured:
    """What was measured inside a finding's mask.

    Attributes
    ----------
    added, added_most, missing, missing_most : float [g/cm²]
        Mean and 95th percentile of the areal density above and below what the load around suggests.
    depth : float
        Median optical depth of the high energy; NaN if no pixel is valid.
    area : float [m²]
        Of the mask, in the middle of the load.
    opaque : float
        Share of the mask that was not penetrated, 0 to 1.
    touches_opaque : bool
        Whether anything within 3 pixels of the mask was not penetrated.
    unmeasured : float
        Share of the mask without a valid pixel, 0 to 1.
    """

    added: float
    added_most: float
    missing: float
    missing_most: float
    depth: float
    area: float
    opaque: float
    touches_opaque: bool
    unmeasured: float


def measure(finding: Finding, radiograph: Radiograph, anomaly: AnomalyMap) -> Measured:
    """What was measured inside the finding's mask (the whole box, should the mask be empty).

    Parameters
    ----------
    finding : Finding
    radiograph : Radiograph
    anomaly : AnomalyMap

    Returns
    -------
    Measured

    Raises
    ------
    IndexError
        If the box lies outside the scan; `xrayscan.explain.explain` checks it first.
    """
    window = finding.box.slices
    mask = finding.mask if finding.mask.any() else np.ones_like(finding.mask)
    valid = radiograph.valid[window][mask]
    depth = radiograph.optical_depth[0][window][mask][valid]
    added, missing = anomaly.added[window][mask], anomaly.missing[window][mask]
    around = finding.box.grown(3, radiograph.shape)
    near = np.zeros((around.height, around.width), np.uint8)
    near[finding.box.top - around.top :, finding.box.left - around.left :][: mask.shape[0], : mask.shape[1]] = mask
    near = cv2.dilate(near, np.ones((7, 7), np.uint8))
    row_pitch, column_pitch = radiograph.pixel_pitch
    return Measured(
        added=float(added.mean()),
        added_most=float(np.percentile(added, 95)),
        missing=float(missing.mean()),
        missing_most=float(np.percentile(missing, 95)),
        depth=float(np.median(depth)) if depth.size else float("nan"),
        area=float(mask.sum()) * row_pitch * column_pitch,
        opaque=float(radiograph.opaque[window][mask].mean()),
        touches_opaque=bool(radiograph.opaque[around.slices][near.astype(bool)].any()),
        unmeasured=float(1 - valid.mean()),
    )


def sentences(
    finding: Finding, radiograph: Radiograph, anomaly: AnomalyMap, card: ModelCard, expected: Expected | None = None
) -> tuple[str, ...]:
    """The evidence for a finding, one fact a sentence, what speaks against it last.

    Parameters
    ----------
    finding : Finding
    radiograph : Radiograph
    anomaly : AnomalyMap
    card : ModelCard
        Of the model that made the anomaly map: says what its probabilities were calibrated on.
    expected : Expected or None
        The scan without the finding, which the network has no part in: what the finding adds on balance is measured against it.

    Returns
    -------
    tuple of str
        Sentences that speak against the finding start with "Against it: ", those that ask for care with "With care: ".

    Raises
    ------
    IndexError
        If the box lies outside the scan; `xrayscan.explain.explain` checks it first.
    """
    measured = measure(finding, radiograph, anomaly)
    balance = _balance(finding, radiograph, expected)
    said = [
        _probability(finding, anomaly, card),
        place(finding, radiograph.containers, radiograph.regions),
        *_densities(finding, measured),
        *_balance_told(balance, radiograph, expected),
        *_transmission(measured),
        *_comparison(finding, measured),
        *(f"Against it: {reason}." for reason in _against(finding, measured)),
        *(f"With care: {reason}." for reason in (*_contrary(finding, balance), *_care(finding, measured, radiograph))),
    ]
    return tuple(said)


def _probability(finding: Finding, anomaly: AnomalyMap, card: ModelCard) -> str:
    if finding.kind not in anomaly.model.calibration:
        return f"Consistent with {WHAT[finding.kind]}: score {probability_text(finding.probability)}, not calibrated."
    chance = f"Consistent with {WHAT[finding.kind]}: probability {probability_text(finding.probability)}"
    if not card.probabilities_set_on:
        return f"{chance}; on which scans it was calibrated the model's card does not say."
    return f"{chance}, calibrated on {card.probabilities_set_on.rstrip('. ')}. Where {MANY[finding.kind]} are rarer it is less."


def place(finding: Finding, containers: Sequence[Box], regions: Sequence[Region] = ()) -> str:
    """Where a finding is and how large, as a sentence; front and rear are told where a cab is seen."""
    position, size = finding.position, finding.size
    if is_contained(finding.box, finding.mask, containers):
        left, floor = f"the container's left end{_which_end(_container(finding, containers), regions)}", "its floor"
    else:
        why = "it lies in no container" if containers else "no container was found"
        left, floor = "the picture's left edge", f"its lower edge ({why})"
    return (
        f"Its middle is {position.from_left:.2f} m from {left} and {position.above_floor:.2f} m above {floor}; "
        f"it is {size.height:.2f} m high and {size.width:.2f} m wide."
    )


def _container(finding: Finding, containers: Sequence[Box]) -> Box:
    """The container that holds a finding."""
    return next(one for one in containers if is_contained(finding.box, finding.mask, [one]))


def _which_end(box: Box, regions: Sequence[Region]) -> str:
    """What a container's left end is, by the nearest cab."""
    cabs = [region.box for region in regions if region.kind == "cab"]
    if not cabs:
        return ""
    # Of the cab that is nearest to the container itself: another truck's may be nearer to what lies in its rear.
    near = min(cabs, key=lambda cab: max(cab.left - box.right, box.left - cab.right))
    return " (its rear, as the cab is on the right)" if near.middle[1] > box.middle[1] else " (its front, where the cab is)"


def _densities(finding: Finding, measured: Measured) -> list[str]:
    mass = finding.mass
    weight = f"about {_short(mass.value)} kg ({_short(mass.low)} to {_short(mass.high)} kg)"
    gone, more = (measured.missing, measured.missing_most), (measured.added, measured.added_most)
    less = finding.kind == "void" or (finding.kind == "density" and measured.missing > measured.added)
    main, verb, other, also = (gone, "lacks", more, "adds") if less else (more, "adds", gone, "lacks")
    amount = f"{_short(main[0])} g/cm² on average (up to {_short(main[1])} g/cm²)"
    said = [f"Compared with the load around it {verb} {amount}, {weight} in all."]
    if other[1] >= NOTEWORTHY:
        said.append(f"Within the same outline it {also} up to {_short(other[1])} g/cm².")
    return said


def _balance(finding: Finding, radiograph: Radiograph, expected: Expected | None) -> float | None:
    """What is there, less what is expected [kg]; a hole that was made for something counts against it."""
    if expected is None or not expected.replaced.any():
        return None
    endpoint = endpoint_of(radiograph)
    there, gone_on = (
        areal_density(depth[expected.replaced], endpoint=endpoint)
        for depth in (radiograph.optical_depth[0][expected.box.slices], expected.depth[0])
    )
    row_pitch, column_pitch = radiograph.pixel_pitch
    return float((there - gone_on).sum()) * row_pitch * column_pitch * 10.0  # g/cm² times m² times 10 is kg


def _balance_told(mass: float | None, radiograph: Radiograph, expected: Expected | None) -> list[str]:
    if mass is None or expected is None:
        return []
    if expected.shift is None:
        alike = "as its edges suggest it"
    else:
        far = abs(expected.shift[1]) * radiograph.pixel_pitch[1]
        way = "right" if expected.shift[1] > 0 else "left"
        alike = f"as {far:.2f} m farther to the {way}, where it is most alike"
    verb = "adds" if mass >= 0 else "lacks"
    return [f"On balance it {verb} {_short(abs(mass))} kg, if the load goes on in its place {alike}."]


def _contrary(finding: Finding, balance: float | None) -> list[str]:
    """Where the balance has the other sign than what the network says was added or is missing."""
    if balance is None or abs(balance) < LIGHTEST_BALANCE or finding.kind == "density":
        return []
    if finding.kind == "person" and balance < 0:
        return [
            "on balance it lacks matter, where a body adds some: a hole was made for somebody, or the load goes on otherwise"
        ]
    if finding.kind == "void" and balance > 0:
        return ["on balance it adds matter, where a void lacks some: it holds something else, or the load goes on otherwise"]
    return []


def _transmission(measured: Measured) -> list[str]:
    if np.isnan(measured.depth):
        return []
    share = 100 * np.exp(-max(measured.depth, 0.0))
    percent = f"{share:.0f}" if share >= 9.95 else f"{share:.2g}"
    at_most = "at most " if measured.opaque > 0.5 else ""
    at_least = "at least " if measured.opaque > 0.5 else ""
    return [f"The beam comes through to {at_most}{percent} % there (optical depth {at_least}{measured.depth:.1f})."]


def _comparison(finding: Finding, measured: Measured) -> list[str]:
    if finding.kind == "void":
        sides = sorted((finding.size.height, finding.size.width))
        fits = sides[1] >= ROOM[0] and sides[0] >= ROOM[1]
        room = f"a person seated needs about {ROOM[0]:.2f} m x {ROOM[1]:.2f} m"
        return [f"There is room for a person in it: {room}."] if fits else []
    if finding.kind == "density" or measured.added < LIGHTEST:
        return []
    density, part = min(BODY, key=lambda entry: abs(np.log(entry[0] / measured.added)))
    if not 1 / ALIKE < measured.added / density < ALIKE:
        return []
    return [f"{_short(measured.added)} g/cm² is near {part} ({density:.0f} g/cm²)."]


def _against(finding: Finding, measured: Measured) -> list[str]:
    sides = sorted((finding.size.height, finding.size.width))
    if finding.kind == "void":
        small = sides[1] < ROOM[0] or sides[0] < ROOM[1]
        return [f"smaller than the room a person seated needs, {ROOM[0]:.2f} m x {ROOM[1]:.2f} m"] if small else []
    if finding.kind == "density":
        return []
    reasons = []
    if sides[1] < HEAD:
        reasons.append(f"smaller than a head, {HEAD:.2f} m")
    if sides[1] > TALLEST:
        reasons.append(f"longer than a person, {TALLEST:.1f} m: goods, or more than one person")
    elif measured.area > PERSON_AREA:
        reasons.append(f"its outline of {measured.area:.1f} m² is larger than a person's: goods, or more than one person")
    if finding.mass.high < CHILD:
        reasons.append(f"lighter than {CHILD:.0f} kg even at the upper end: goods, or only part of a body stands out")
    if finding.mass.low > HEAVY:
        reasons.append(f"heavier than {HEAVY:.0f} kg even at the lower end: goods, or more than one person")
    if measured.added < LIGHTEST:
        reasons.append(f"adds less than a limb ({BODY[0][0]:.0f} g/cm²) on average, unless load was taken out for it")
    if measured.added > HEAVIEST:
        reasons.append(f"adds more than a pelvis from the side ({BODY[-1][0]:.0f} g/cm²) on average")
    return reasons


def _care(finding: Finding, measured: Measured, radiograph: Radiograph) -> list[str]:
    reasons = []
    cabs = [region.box for region in radiograph.regions if region.kind == "cab"]
    if finding.kind == "person" and any(cab.holds(finding.box.middle) for cab in cabs):
        reasons.append("it lies in the cab, where a driver sits in plain sight")
    if measured.opaque > 0:
        reasons.append(f"{100 * measured.opaque:.0f} % of it was not penetrated, nothing can be said there")
    elif measured.touches_opaque:
        reasons.append("it touches a region that was not penetrated, it may go on there")
    if measured.opaque <= 0.5 and measured.depth > NEAR_OPAQUE:
        reasons.append("the load is nearly opaque there, noise and scatter weigh heavily")
    if measured.unmeasured > 0.05:
        reasons.append(f"{100 * measured.unmeasured:.0f} % of it has no valid pixels")
    if radiograph.quantity == "display":
        reasons.append("made from a display picture, every density and mass is approximate")
    if any(step.is_warning and "pitch" in f"{step.name} {step.note}" for step in radiograph.history):
        reasons.append("the pixel pitch was estimated, every length and mass with it")
    return reasons


def _short(value: float) -> str:
    """Two digits are enough: 62, 4.1, 0.3."""
    return f"{value:.0f}" if abs(value) >= 9.95 else f"{value:.1f}"
