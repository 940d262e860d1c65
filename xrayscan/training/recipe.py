"""Recipes: one TOML file that says everything of a training, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xrayscan.errors import RecipeError
from xrayscan.simulate.recipe import read_table, strict

__all__ = ["Data", "Network", "Recipe", "Schedule"]


@dataclass(frozen=True)
class Data:
    """The simulated scans.

    Attributes
    ----------
    train, calibration, test : int
        Number of scans of each split; the splits differ in their seeds.
    mix : mapping of str to float
        Share of each kind of scene in the training split.
    pitch : float [m]
    """

    train: int
    calibration: int
    test: int
    mix: Mapping[str, float]
    pitch: float = 0.01

    def __post_init__(self) -> None:
        if abs(sum(self.mix.values()) - 1.0) > 1e-6:
            raise RecipeError(f"the shares of data.mix add up to {sum(self.mix.values()):g}; expected 1")


@dataclass(frozen=True)
class Network:
    """The network's size.

    Attributes
    ----------
    grid : float [m]
    width : int
        Channels of the first stage.
    """

    grid: float = 0.01
    width: int = 24


@dataclass(frozen=True)
class Schedule:
    """How it is trained.

    Attributes
    ----------
    steps : int
    batch : int
        Crops a step.
    crop : (int, int)
        Rows and columns of a crop, multiples of 32.
    rate : float
        Highest learning rate.
    average : float
        Decay of the running mean of the weights, which is what is shipped.
    save_every : int
        Steps between checkpoints.
    """

    steps: int
    batch: int = 8
    crop: tuple[int, int] = (320, 384)
    rate: float = 2e-3
    average: float = 0.998
    save_every: int = 250

    def __post_init__(self) -> None:
        object.__setattr__(self, "crop", tuple(self.crop))


@dataclass(frozen=True)
class Recipe:
    """Everything that a training needs: name, version, seed, data, network and schedule."""

    name: str
    version: str
    seed: int
    data: Data
    network: Network = field(default_factory=Network)
    schedule: Schedule = field(default_factory=lambda: Schedule(1000))

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe.

        Raises
        ------
        RecipeError
            If the file is not TOML, or a key is unknown (the nearest right one is named) or missing.
        """
        table = read_table(path)
        parts = {"data": Data, "network": Network, "schedule": Schedule}
        values = {key: strict(parts[key], value, f"{path}, [{key}]") if key in parts else value for key, value in table.items()}
        recipe: Recipe = strict(cls, values, str(path))
        return recipe
