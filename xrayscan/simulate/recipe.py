"""Recipes: one TOML file that says everything of a set of simulated scans, read strictly."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.simulate.body import POSTURES
from xrayscan.simulate.delivery import DELIVERIES
from xrayscan.simulate.loads import LOADS
from xrayscan.simulate.lookalike import LOOKALIKES
from xrayscan.simulate.places import PLACES
from xrayscan.simulate.record import KINDS, Choices, Record, check_names, check_pitch, check_texts, draw_record
from xrayscan.simulate.scanner import PRESETS
from xrayscan.simulate.vehicles import VEHICLES

__all__ = ["Scanning", "SceneRecipe", "read_table", "strict"]

SHARES = {"counts": 0.5, "transmission": 0.33, "display": 0.17}


@dataclass(frozen=True)
class Scanning:
    """How the scenes are scanned.

    Attributes
    ----------
    presets : tuple of str
        Scanners to draw from, each as often; empty: any, and mixes of them.
    deliveries : mapping of str to float
        Share of scans that leave the scanner as counts, transmission and display.
    pitch : float, (float, float) or None [m]
        Row and column pitch in the middle of the load; None: the scanner's own.
    """

    presets: tuple[str, ...] = ()
    deliveries: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    pitch: float | tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "presets", tuple(self.presets) if isinstance(self.presets, list) else self.presets)
        check_texts("presets", self.presets)
        check_shares("deliveries", self.deliveries)
        check_names("scanner", self.presets, PRESETS)
        check_names("delivery", tuple(self.deliveries), DELIVERIES)
        object.__setattr__(self, "pitch", tuple(self.pitch) if isinstance(self.pitch, list) else self.pitch)
        check_pitch("pitch", self.pitch)


@dataclass(frozen=True)
class SceneRecipe:
    """A set of simulated scans.

    Attributes
    ----------
    name : str
    seed : int
    mix : mapping of str to float
        Share of each kind of scene.
    draw : Choices
    scan : Scanning
    note : str
        What the set is for.
    """

    name: str
    seed: int
    mix: Mapping[str, float]
    draw: Choices = field(default_factory=Choices)
    scan: Scanning = field(default_factory=Scanning)
    note: str = ""

    def __post_init__(self) -> None:
        if type(self.seed) is not int or self.seed < 0:
            raise RecipeError(f"seed is {self.seed!r}; expected a whole number of 0 or more")
        check_shares("mix", self.mix)
        check_names("kind of scene", tuple(self.mix), KINDS)
        for what, names, known in (
            ("vehicle", self.draw.vehicles, VEHICLES),
            ("load", self.draw.loads, LOADS),
            ("place", self.draw.places, PLACES),
            ("look-alike", self.draw.lookalikes, LOOKALIKES),
            ("posture", self.draw.postures, POSTURES),
            ("scanner", self.draw.scanners, PRESETS),
        ):
            check_names(what, names, known)

    @classmethod
    def load(cls, path: str | Path) -> SceneRecipe:
        """Read a recipe.

        Raises
        ------
        RecipeError
            If the file is not TOML, a key or a name is unknown (the nearest right one is named), or something is missing.
        """
        table = read_table(path)
        if isinstance(table.get("draw"), dict):
            lists = {key: tuple(value) if isinstance(value, list) else value for key, value in table["draw"].items()}
            table["draw"] = lists
        if "draw" in table:
            table["draw"] = strict(Choices, table["draw"], f"{path}, [draw]")
        if "scan" in table:
            table["scan"] = strict(Scanning, table["scan"], f"{path}, [scan]")
        recipe: SceneRecipe = strict(cls, table, str(path))
        return recipe

    def record(self, index: int, seed: int | None = None) -> Record:
        """What the scan of that number is drawn from.

        Parameters
        ----------
        index : int
        seed : int or None
            Instead of the recipe's own.

        Returns
        -------
        Record
        """
        seeds = (self.seed if seed is None else seed, index)
        rng = np.random.default_rng((*seeds, 1_000_003))
        kind = _drawn(rng, self.mix)
        delivery = _drawn(rng, self.scan.deliveries)
        preset = str(rng.choice(self.scan.presets)) if self.scan.presets else None
        return draw_record(
            seeds, kind, preset=preset, delivery=delivery, pitch=self.scan.pitch, choices=self.draw  # type: ignore[arg-type]
        )  # fmt: skip


def _drawn(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    values = np.array(list(shares.values()), float)
    return str(rng.choice(list(shares), p=values / values.sum()))


def check_shares(what: str, shares: Any) -> None:
    """Raise an error unless something is a table of shares that add up to 1."""
    values: list[Any] = list(shares.values()) if isinstance(shares, Mapping) else [None]
    if not all(isinstance(value, float | int) and value >= 0 for value in values):
        raise RecipeError(f"{what} is {shares!r}; expected a table of shares of 0 or more, such as 0.5")
    if abs(sum(values) - 1.0) > 1e-6:
        raise RecipeError(f"the shares of {what} add up to {sum(values):g}; expected 1")


def read_table(path: str | Path) -> dict[str, Any]:
    """A TOML file's table.

    Raises
    ------
    RecipeError
        If there is none.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"reading the recipe {path}: {error.strerror}; expected a TOML file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"reading the recipe {path}: it is not TOML: {error}") from error


def strict(kind: type, table: Any, where: str) -> Any:
    """A dataclass from a table; every key must be one of its fields.

    Raises
    ------
    RecipeError
        For an unknown key, with the nearest right one, or a missing one.
    """
    if not isinstance(table, dict):
        raise RecipeError(f"reading the recipe {where}: expected a table, got {table!r}")
    known = [f.name for f in fields(kind)]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            raise RecipeError(f"reading the recipe {where}: unknown key {key!r}; the nearest known is {near[0]!r}")
    missing = [f.name for f in fields(kind) if f.name not in table and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise RecipeError(f"reading the recipe {where}: {', '.join(missing)} is missing")
    try:
        return kind(**table)
    except RecipeError as error:
        raise RecipeError(f"reading the recipe {where}: {error}") from error
    except (TypeError, AttributeError) as error:
        raise RecipeError(f"reading the recipe {where}: {error}") from error
