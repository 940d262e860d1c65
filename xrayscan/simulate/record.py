"""What a simulated scan was drawn from: enough to make it again, byte for byte."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
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
    people : tuple of int
        Numbers of bodies in the library of bodies.
    scanners : tuple of str
        Presets to draw and mix scanners from, where none is named.
    """

    vehicles: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    postures: tuple[str, ...] = ()
    persons: tuple[float, ...] = (0.42, 0.22, 0.12, 0.08, 0.05, 0.05, 0.03, 0.03)
    people: tuple[int, ...] = ()
    scanners: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what in ("vehicles", "loads", "places", "lookalikes", "postures", "scanners"):
            check_texts(what, getattr(self, what))
        if not isinstance(self.people, tuple) or not all(type(number) is int and number >= 0 for number in self.people):
            raise RecipeError(f"people is {self.people!r}; expected a list of numbers of bodies, from 0 on")
        shares = self.persons if isinstance(self.persons, tuple) else ()
        if not all(isinstance(share, float | int) and share >= 0 for share in shares) or sum(shares) <= 0:
            raise RecipeError(
                f"persons is {self.persons!r}; expected shares of scenes with one, two ... persons, such as (0.7, 0.3)"
            )


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
        if not self.seed or not all(type(value) is int and value >= 0 for value in self.seed):
            raise RecipeError(f"the seed is {self.seed}; expected whole numbers of 0 or more")
        check_pitch("the pitch", self.pitch)

    def rng(self, stream: str, attempt: int = 0) -> np.random.Generator:
        """The random numbers of one of `STREAMS`."""
        return np.random.default_rng((*self.seed, STREAMS.index(stream), attempt))

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, path: str | Path) -> Record:
        """The record in a file, ``NAME.record.json``.

        Raises
        ------
        RecipeError
            If there is none.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise RecipeError(f"reading the record {path}: {error.strerror}; name a .record.json file") from error
        except ValueError as error:
            raise RecipeError(f"reading the record {path}: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The record that `to_json` wrote.

        Raises
        ------
        RecipeError
            If it is not one.
        """
        try:
            values = json.loads(text)
            if not isinstance(values, dict):
                raise RecipeError("this is no record of a simulated scan: expected a table")
            values["scanner"] = Scanner.from_record(values["scanner"])
            values["delivery"] = DeliveryPlan.from_record(values["delivery"])
            values["choices"] = Choices(**{key: tuple(value) for key, value in values["choices"].items()})
            pitch = values["pitch"]
            return cls(**{**values, "seed": tuple(values["seed"]), "pitch": tuple(pitch) if pitch else None})
        except RecipeError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            known = ", ".join(f.name for f in fields(cls))
            raise RecipeError(f"this is no record of a simulated scan: {what}; a record holds {known}") from error


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
    seeds = tuple(int(value) for value in np.atleast_1d(seed))
    blank = Record(seeds, kind, Scanner(), DeliveryPlan("counts"), choices or Choices())
    how = blank.rng("delivery")
    plan = draw_delivery(how, delivery)
    both = (pitch, pitch) if isinstance(pitch, float | int) else pitch
    return replace(
        blank,
        scanner=draw_scanner(blank.rng("scanner"), preset, blank.choices.scanners),
        delivery=plan,
        pitch=both,
        states_pitch=bool(plan.delivery != "display"),
        mirrored=bool(how.random() < 0.5),
    )


def check_texts(what: str, names: Any) -> None:
    """Raise an error unless names are a tuple of texts."""
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise RecipeError(f"{what} is {names!r}; expected a list of names")


def check_pitch(what: str, pitch: Any) -> None:
    """Raise an error unless a pitch is None, or one or two numbers of 0.5 mm to 0.1 m."""
    values = pitch if isinstance(pitch, tuple) else (pitch, pitch)
    is_number = [isinstance(value, float | int) and 0.0005 <= value <= 0.1 for value in values]
    if pitch is not None and (len(values) != 2 or not all(is_number)):
        raise RecipeError(f"{what} is {pitch}; expected 0.0005 to 0.1 m, one number or two (rows, columns)")


def check_names(what: str, names: tuple[str, ...], known: Mapping[str, Any] | tuple[str, ...]) -> None:
    """Raise an error that names the nearest right one for the first name that is not known."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.3)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise RecipeError(f"there is no {what} {name!r}; {hint}")
