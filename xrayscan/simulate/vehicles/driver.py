"""The driver: a person in the cab who is not concealed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xrayscan.simulate.body import body_solids, draw_body
from xrayscan.simulate.solid import Point, Solid

__all__ = ["driver_solids"]


def driver_solids(rng: np.random.Generator, at: Point) -> tuple[Solid, ...]:
    """A seated adult who faces −x, hands free.

    Parameters
    ----------
    rng : numpy.random.Generator
    at : (float, float, float) [m]
        The middle of the figure's extent along x and y, and the soles of its feet.

    Returns
    -------
    tuple of Solid
    """
    body = draw_body(rng, posture="sitting")
    while body.age not in ("adult", "old"):
        body = draw_body(rng, posture="sitting")
    return body_solids(replace(body, yaw=float(np.pi + rng.normal(0.0, 0.1)), belongings=()), at)
