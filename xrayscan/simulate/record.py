"""What a simulated scan was drawn from: enough to make it again, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.delivery import Delivery, DeliveryPlan, draw_delivery
from xrayscan.simulate.scanner import Scanner, draw_scanner

__all__ = ["KINDS", "Choices", "Kind", "Record", "draw_record"]

Kind = Literal["clean", "look-alike", "person", "void", "density"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STREAMS = ("scanner", "delivery", "vehicle", "load", "sites", "hidden", "travel", "detector")
"""Each part of a scan has random numbers of its own, so that changing one leaves the others as they were."""


@dataclass(frozen=True)
class Choices:
    """What may be drawn. An empty tuple: anything there is.

    Attributes
    ----------
    vehicles, loads, places, lookalikes, postures : tuple of str
        Names.
    persons : tuple of float
        Shares of scenes with one, two, three ... persons.
    """

    vehicles: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    postures: tuple[str, ...] = ()
    persons: tuple[float, ...] = (0.42, 0.22, 0.12, 0.08, 0.05, 0.05, 0.03, 0.03)

    def __post_init__(self) -> None:
        if not self.persons or min(self.persons) < 0 or sum(self.persons) <= 0:
            raise RecipeError(f"the shares of scenes with one, two ... persons are {self.persons}; expected some above 0")


@dataclass(frozen=True)
class Record:
    """One scan's parameters.

    Attributes
    ----------
    seed : tuple of int
    kind : {"clean", "look-alike", "person", "void", "density"}
    scanner : Scanner
    delivery : DeliveryPlan
    choices : Choices
    pitch : (float, float) or None [m]
        Row and column pitch in the middle of the load; None: the scanner's own.
    states_pitch : bool
        Whether the scan says its pitch.
    mirrored : bool
        Whether the vehicle's rear comes first.
    hides : bool
        False leaves out what is hidden, with its hole and cover: the same scan without it.

    Examples
    --------
    >>> record = draw_record(7, "person")
    >>> Record.from_json(record.to_json()) == record
    True
    """

    seed: tuple[int, ...]
    kind: Kind
    scanner: Scanner
    delivery: DeliveryPlan
    choices: Choices = field(default_factory=Choices)
    pitch: tuple[float, float] | None = None
    states_pitch: bool = True
    mirrored: bool = False
    hides: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise RecipeError(f"there is no kind of scene {self.kind!r}; known are {', '.join(KINDS)}")

    def rng(self, stream: str, attempt: int = 0) -> np.random.Generator:
        """The random numbers of one of `STREAMS`."""
        return np.random.default_rng((*self.seed, STREAMS.index(stream), attempt))

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The record that `to_json` wrote.

        Raises
        ------
        RecipeError
            If it is not one.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            values["scanner"] = Scanner.from_record(values["scanner"])
            values["delivery"] = DeliveryPlan.from_record(values["delivery"])
            values["choices"] = Choices(**{key: tuple(value) for key, value in values["choices"].items()})
            pitch = values["pitch"]
            return cls(**{**values, "seed": tuple(values["seed"]), "pitch": tuple(pitch) if pitch else None})
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            known = ", ".join(f.name for f in fields(cls))
            raise RecipeError(f"this is no record of a simulated scan: {error}; a record holds {known}") from error


def draw_record(
    seed: int | tuple[int, ...],
    kind: Kind = "clean",
    *,
    preset: str | None = None,
    delivery: Delivery | None = None,
    pitch: float | tuple[float, float] | None = None,
    choices: Choices | None = None,
) -> Record:
    """Draw what a scan is made from.

    Parameters
    ----------
    seed : int or tuple of int
    kind : {"clean", "look-alike", "person", "void", "density"}
    preset : str or None
        Of the scanner; None: any, and mixes of them.
    delivery : {"counts", "transmission", "display"} or None
        None draws one.
    pitch : float, (float, float) or None [m]
        Row and column pitch in the middle of the load; None: the scanner's own.
    choices : Choices or None
        What may be drawn; None: everything.

    Returns
    -------
    Record

    Raises
    ------
    RecipeError
        For an unknown kind or preset.
    """
    seeds = (seed,) if isinstance(seed, int) else tuple(int(value) for value in seed)
    blank = Record(seeds, kind, Scanner(), DeliveryPlan("counts"), choices or Choices())
    how = blank.rng("delivery")
    plan = draw_delivery(how, delivery)
    both = (pitch, pitch) if isinstance(pitch, float | int) else pitch
    return replace(
        blank,
        scanner=draw_scanner(blank.rng("scanner"), preset),
        delivery=plan,
        pitch=both,
        states_pitch=bool(plan.delivery != "display"),
        mirrored=bool(how.random() < 0.5),
    )


def check_names(what: str, names: tuple[str, ...], known: Mapping[str, Any] | tuple[str, ...]) -> None:
    """Raise an error that names the nearest right one for the first name that is not known."""
    import difflib

    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.3)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise RecipeError(f"there is no {what} {name!r}; {hint}")
