"""Whether a scan shows what its layout says: limits kept on the layout of another scan would mean nothing."""

from __future__ import annotations

import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.quality.shape import Contrast, Wire
from xrayscan.quality.steel import ASSUMED_ENDPOINT, optical_depth_of_steel, steel_thickness

__all__ = ["check_open", "check_steel", "check_target", "check_wire", "shown_steel"]

TOLERANCE = 0.3
LEAST_TOLERANCE = 2.0
VEIL = 2e-3
ENDPOINTS = (3.0, 9.0)
OPEN = 0.1
MOST_TARGET = 2.0
DENSEST = 3.0
MOST_SLOPE = 0.1
SURE = 4.0
SEEN = 5.0
_LEAST = 1e-6
_ASK = "is this the layout of this scan?"


def shown_steel(level: float, endpoint: float | None) -> float:
    """Steel that a transmission stands for, at the stated end-point or 6 MV [mm]; 0 in air."""
    return steel_thickness(max(0.0, -float(np.log(max(level, _LEAST)))), endpoint or ASSUMED_ENDPOINT)


def check_steel(level: float, thickness: float, endpoint: float | None, *, opaque: bool = False) -> None:
    """See that a block is as thick as the layout says, within 30 %, or 2 mm.

    Parameters
    ----------
    level : float
        Transmission of the block.
    thickness : float [mm]
        As the layout says it; 0 in air.
    endpoint : float or None [MV]
        None: anything from 3 to 9.
    opaque : bool
        The scan shows only that it is at least so thick. Scattered rays can hide thickness as well: up to 0.2 % of the open
        beam are granted to them.

    Raises
    ------
    CalibrationError
        If it is not.

    Examples
    --------
    >>> check_steel(0.0335, 100.0, 6.0)
    >>> check_steel(0.62, 200.0, 6.0)
    Traceback (most recent call last):
    xrayscan.errors.CalibrationError: the layout says 200 mm of steel, the scan shows 12 mm: is this the layout of this scan?
    """
    beams = ENDPOINTS if endpoint is None else (endpoint,)
    off = max(TOLERANCE * thickness, LEAST_TOLERANCE)
    least = min(shown_steel(level, beam) for beam in beams)
    most = float("inf") if opaque or level <= VEIL else max(shown_steel(level - VEIL, beam) for beam in beams)
    if most < thickness - off or least > thickness + off:
        said = f"{thickness:g} mm of steel" if thickness else "nothing behind it"
        shown = shown_steel(level, endpoint)
        raise CalibrationError(
            f"the layout says {said}, the scan shows {shown:.0f} mm{'' if thickness else ' of steel'}: {_ASK}"
        )


def check_open(level: float) -> None:
    """See that a box of air holds air, within a tenth of the open beam.

    Raises
    ------
    CalibrationError
        If it does not.
    """
    if abs(level - 1.0) > OPEN:
        raise CalibrationError(f"the layout says air, the scan shows {100 * level:.0f} % of the open beam: {_ASK}")


def check_target(found: Contrast, thickness: float | None, endpoint: float | None) -> None:
    """See that a target takes something away, and not over twice what it can.

    Parameters
    ----------
    found : Contrast
    thickness : float or None [mm]
        Of steel; None: it is not known.
    endpoint : float or None [MV]

    Raises
    ------
    CalibrationError
        If it does not, surely.
    """
    if found.step > SURE * found.error:
        raise CalibrationError(f"the target is brighter than what is around it, and steel takes rays away: {_ASK}")
    if thickness is None or found.level <= 0:
        return
    beam = endpoint or ENDPOINTS[1]  # the beam that makes it the thickest
    least = found.level + found.step + SURE * found.error
    added = shown_steel(least, beam) - shown_steel(found.level, beam)
    if added > max(MOST_TARGET * thickness, thickness + LEAST_TOLERANCE):
        raise CalibrationError(
            f"the layout says a target of {thickness:g} mm of steel, the scan shows {added:.0f} mm or more: {_ASK}"
        )


def check_wire(found: Wire, diameter: float | None, endpoint: float | None) -> None:
    """See that a wire lies on even ground and takes away no more than a wire of its diameter can.

    Both sides may differ by a tenth. Tungsten, the densest wire in use, weighs 2.5 times as much as steel.

    Parameters
    ----------
    found : Wire
    diameter : float or None [mm]
        None: the gray curve is not known, so that what it takes away is not either.
    endpoint : float or None [MV]

    Raises
    ------
    CalibrationError
        If it does not, surely.
    """
    left, right = found.sides
    if abs(left - right) > MOST_SLOPE * max(left, right) + SURE * found.sides_error:
        raise CalibrationError(
            f"one side of the wire has T = {left:.2g}, the other {right:.2g}: it lies on a rim, not on even ground; {_ASK}"
        )
    if found.snr < SEEN:
        return
    if found.amplitude < 0:
        raise CalibrationError(f"what runs there is brighter than what is beside it, and a wire takes rays away: {_ASK}")
    level = 0.5 * (left + right)
    if diameter is not None and level > 0:
        most = level * (1.0 - np.exp(-DENSEST * optical_depth_of_steel(diameter, endpoint or ENDPOINTS[0])))
        if found.amplitude * (1.0 - SURE / found.snr) > most:
            raise CalibrationError(
                f"what runs there takes away {100 * found.amplitude / level:.0f} %, a wire of {diameter:g} mm at most "
                f"{100 * most / level:.0f} %: {_ASK}"
            )
