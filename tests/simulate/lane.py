"""Small simulated scans that several tests look at, each made once; not itself a test."""

from __future__ import annotations

from functools import cache

from xrayscan.scan import Scan
from xrayscan.simulate.delivery import Delivered
from xrayscan.simulate.record import Choices, Record, draw_record
from xrayscan.simulate.run import simulate_delivered
from xrayscan.simulate.truth import Truth

VAN = Choices(vehicles=("van",), loads=("mattresses", "furniture"), persons=(1.0,))
PITCH = 0.03

RECIPE = """
name = "few"
seed = 3
mix = { clean = 0.5, person = 0.5 }
[draw]
vehicles = ["van"]
loads = ["mattresses"]
persons = [1.0]
[scan]
pitch = 0.03
"""


def of_van(seed: int = 4, kind: str = "person", **asked: object) -> Record:
    """A record of a van, which is simulated in half a second."""
    return draw_record(seed, kind, **{"pitch": PITCH, "choices": VAN, **asked})  # type: ignore[arg-type]


@cache
def delivered(record: Record) -> tuple[Delivered, Truth]:
    """What left the scanner, with its truth."""
    return simulate_delivered(record)


def made(record: Record) -> tuple[Scan, Truth]:
    """Scan and truth."""
    found, truth = delivered(record)
    return found.scan, truth
