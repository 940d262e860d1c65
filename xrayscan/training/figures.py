"""Figures put into a crop: the form of a person, but not of what persons are made of, and so nobody.

A statue and a mannequin have a person's outline. What tells them from one is how much matter is in it: stone, plaster and metal
weigh two to eight times as much as a body of the same size, a shell of plastic or card hardly anything. A network that has seen
nobody but persons in this form knows the outline alone.
"""

from __future__ import annotations

import numpy as np

from xrayscan.simulate.packed import BITS
from xrayscan.training.holes import HOLE, thin_out
from xrayscan.training.inserted import ATTENUATION, THERE, Persons, free_place
from xrayscan.training.solids import SOLID

__all__ = ["add_figure"]

Rng = np.random.Generator
# Times the optical depth of a body in the beam that a body takes most of, and least: which beam it is nobody says, and
# what could be a body in another one is no figure. From plaster to stone, more would let nothing through; foam, straw, cloth.
HEAVY, LIGHT = (1.5, 3.0), (0.08, 0.5)
SHELL = (1.0, 5.0)  # areal density of both walls of a shell [g/cm²]


def add_figure(rng: Rng, patch: np.ndarray, persons: Persons) -> bool:
    """Put one into a crop, in place; False where no place was found, or the crop is of a display picture.

    Labels and areal densities of what is hidden stay as they are; where it lies `SOLID` is added to the label bits: nobody can
    say whether it is an anomaly of density there. Of a scan of two energies one is left, as how much more a figure takes of the
    other depends on what it is.

    Parameters
    ----------
    rng : Generator
    patch : ndarray of float32, shape (7, rows, columns)
        As `xrayscan.simulate.packed` orders the planes.
    persons : Persons
        Whose form it has.
    """
    bits = patch[4].astype(np.uint8)
    if not persons.known or (bits & BITS["display"]).any():
        return False
    figure = _of_other_stuff(rng, persons.draw(rng))
    place = free_place(rng, patch, bits, figure > 0)
    if place is None:
        return False
    changed = np.zeros(bits.shape, bool)
    changed[place] = figure > 0
    if rng.random() < HOLE:
        changed |= thin_out(rng, patch[:2], changed, bits & THERE > 0) > 0.02
    patch[(slice(0, 2), *place)] += figure
    patch[4] = (bits & (255 - BITS["dual"])) | (SOLID * changed).astype(np.uint8)
    return True


def _of_other_stuff(rng: Rng, body: np.ndarray) -> np.ndarray:
    """Optical depth of a figure in the form of a body [g/cm²]: heavy every other time, else light, or a shell."""
    least, most = (np.float32(factor) for factor in ATTENUATION)
    way = rng.random()
    if way < 0.5:
        return np.asarray(most * body * np.float32(np.exp(rng.uniform(*np.log(HEAVY)))))
    if way < 0.75:
        return np.asarray(least * body * np.float32(np.exp(rng.uniform(*np.log(LIGHT)))))
    return np.float32(rng.uniform(*ATTENUATION)) * np.minimum(body, np.float32(rng.uniform(*SHELL)))
