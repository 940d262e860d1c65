"""Recipes: one TOML file that says everything of a training, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xrayscan.errors import RecipeError
from xrayscan.network.anomaly import SCORE_AREA
from xrayscan.simulate import loads, lookalike
from xrayscan.simulate.body import library
from xrayscan.simulate.places import PLACES
from xrayscan.simulate.recipe import read_table, strict
from xrayscan.simulate.record import Choices, check_names
from xrayscan.simulate.scanner import PRESETS

__all__ = ["SPLITS", "Data", "HeldOut", "Network", "Recipe", "Schedule", "Start"]

_HELD = ("held_out", "calibrated_on")
SPLITS = ("train", "calibration", "test")


@dataclass(frozen=True)
class HeldOut:
    """Families that the network never meets in training, and of which alone the test split, or the calibration split, is made.

    Attributes
    ----------
    loads, lookalikes, places, scanners : tuple of str
        Names.
    people : tuple of int
        Numbers of bodies in the library of bodies.
    """

    loads: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    scanners: tuple[str, ...] = ()
    people: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, known in _families().items():
            held = tuple(getattr(self, name))
            object.__setattr__(self, name, held)
            if name == "people":
                odd = [number for number in held if number not in known]
                if odd:
                    raise RecipeError(f"there is no body {odd[0]!r} in the library; it holds {len(known)}, from 0 on")
            else:
                check_names(name, held, known)
            if held and len(set(held)) == len(known):
                raise RecipeError(f"all {name} are held out: nothing is left to train on")

    def __or__(self, other: HeldOut) -> HeldOut:
        """The families of both.

        Raises
        ------
        RecipeError
            If a family is in both.
        """
        for name in _families():
            both = set(getattr(self, name)) & set(getattr(other, name))
            if both:
                raise RecipeError(
                    f"data.held_out and data.calibrated_on both name {min(both)!r} of {name}; what thresholds are set on "
                    "is not what they are tested on: leave it in one"
                )
        return HeldOut(**{name: (*getattr(self, name), *getattr(other, name)) for name in _families()})

    def others(self) -> HeldOut:
        """Everything else; empty where nothing is held out, which means all there is."""
        left = {
            name: tuple(one for one in known if one not in getattr(self, name)) if getattr(self, name) else ()
            for name, known in _families().items()
        }
        return HeldOut(**left)


def _families() -> dict[str, tuple[Any, ...]]:
    return {
        "loads": tuple(name for name in loads.LOADS if name not in loads.UNNAMED),
        "lookalikes": tuple(name for name in lookalike.LOOKALIKES if name not in lookalike.UNNAMED),
        "places": tuple(PLACES), "scanners": tuple(PRESETS),
        "people": tuple(range(len(library().people))),
    }  # fmt: skip


@dataclass(frozen=True)
class Data:
    """The simulated scans.

    Attributes
    ----------
    train, calibration, test : int
        Number of scans of each split; the splits differ in their seeds, and the test split in its families.
    mix : mapping of str to float
        Share of each kind of scene in the training split.
    pitch : float [m]
    held_out : HeldOut
        Of which the test split is made.
    calibrated_on : HeldOut
        Of which the calibration split is made: thresholds and probabilities that were set on families that the network knows
        promise too much of others. Where it names none of a sort, that split has those of training.
    first : int
        Number of the first training scan. A recipe that goes on from another's weights takes other scans with it: those
        before are the other's.
    unnamed : float
        Share of the training scans whose loads are drawn anew for each, and are of no kind; see
        `xrayscan.simulate.loads.UNNAMED`.
    unnamed_lookalikes : float
        Share of the training scans whose look-alikes are so; see `xrayscan.simulate.lookalike.UNNAMED`.
    set_on : tuple of str
        Splits that thresholds, probabilities and the intervals of masses are set on in the end: "calibration", or that and
        "test". What is measured on the test split is measured before, with what the calibration split alone gave.
    """

    train: int
    calibration: int
    test: int
    mix: Mapping[str, float]
    pitch: float = 0.01
    held_out: HeldOut = field(default_factory=HeldOut)
    calibrated_on: HeldOut = field(default_factory=HeldOut)
    first: int = 0
    unnamed: float = 0.0
    unnamed_lookalikes: float = 0.0
    set_on: tuple[str, ...] = ("calibration",)

    def __post_init__(self) -> None:
        self._trained()
        for name in ("unnamed", "unnamed_lookalikes"):
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"data.{name} is {getattr(self, name):g}; expected a share, from 0 to 1")
        if self.first < 0:
            raise RecipeError(f"data.first is {self.first}; expected the number of a scan, from 0 on")
        object.__setattr__(self, "set_on", tuple(self.set_on))
        if self.set_on not in (SPLITS[1:2], SPLITS[1:]):
            raise RecipeError(
                f'data.set_on is {list(self.set_on)}; thresholds are set on ["calibration"] or on ["calibration", "test"]'
            )
        if abs(sum(self.mix.values()) - 1.0) > 1e-6:
            raise RecipeError(f"the shares of data.mix add up to {sum(self.mix.values()):g}; expected 1")

    def choices(self, split: str, chances: tuple[float, float] = (1.0, 1.0)) -> Choices:
        """What a scan of a split may be drawn from.

        Parameters
        ----------
        split : str
        chances : (float, float)
            From 0 to 1, drawn for a training scan: its load is of no kind where the first is under ``unnamed``, its look-alikes
            are where the second is under ``unnamed_lookalikes``.
        """
        families = asdict(self.held_out if split == "test" else self._trained())
        if split == "calibration":
            families |= {name: held for name, held in asdict(self.calibrated_on).items() if held}
        if split == "train" and chances[0] < self.unnamed:
            families["loads"] = loads.UNNAMED
        if split == "train" and chances[1] < self.unnamed_lookalikes:
            families["lookalikes"] = lookalike.UNNAMED
        return Choices(**families)

    def _trained(self) -> HeldOut:
        return (self.held_out | self.calibrated_on).others()


@dataclass(frozen=True)
class Network:
    """The network's design and size.

    Attributes
    ----------
    grid : float [m]
    width : int
        Channels of the first stage.
    design : str
        One of `xrayscan.network.designs.DESIGNS`.
    score_area : float [m²]
        Over which the score of a place is a mean, at most; see `xrayscan.findings.scan_score`.
    tells_display : bool
        Whether the network is told that a crop is of a display picture: what there looks as if it weighed more than a body may
        be a person all the same.
    """

    grid: float = 0.01
    width: int = 24
    design: str = "unet-large"
    score_area: float = SCORE_AREA
    tells_display: bool = False


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
    cosine : int
        Steps of the half cosine along which the rate falls; 0 for as many as there are.
    cool : int
        Last steps, over which the rate falls in a straight line to 0 besides.
    inserted : float
        Share of the crops without a person that one of another scan is inserted into.
    behind : float
        Share of the crops that another scan's load is put behind.
    solids : float
        Share of the crops that solids of random shapes are put into.
    figures : float
        Share of the crops that a person's form of other stuff is put into; see `xrayscan.training.figures`.
    hollows : float
        Share of the crops that a void is cut into where the load has room for one; most have none.
    spliced : float
        Share of the crops that a part of another crop is put into; see `xrayscan.training.spliced`.
    hard : float
        Share of the crops that are cut where the weights of `Start` were wrong; see `xrayscan.training.hard`.
    core : int [px²]
        The loss of a whole crop is that of the mean of so many pixels, the highest.
    """

    steps: int
    batch: int = 8
    crop: tuple[int, int] = (320, 384)
    rate: float = 2e-3
    average: float = 0.998
    save_every: int = 250
    cosine: int = 0
    cool: int = 0
    inserted: float = 0.0
    behind: float = 0.0
    solids: float = 0.0
    figures: float = 0.0
    hollows: float = 0.0
    spliced: float = 0.0
    hard: float = 0.0
    core: int = 640

    def __post_init__(self) -> None:
        object.__setattr__(self, "crop", tuple(self.crop))


@dataclass(frozen=True)
class Start:
    """The weights that a training goes on from, on other scans.

    Of a network of another design it takes the encoder, if the two have the same; of the same one without some of its
    residual blocks, and of a narrower pyramid, everything: the network starts from what that one says. See
    `xrayscan.training.start`.

    Attributes
    ----------
    model : str
        A shipped model's name, or the path of a model folder.
    sha256 : str
        Of its ``weights.safetensors``: from others the same recipe would give another network.
    kept : float
        Share of these weights in what is shipped: the trained ones are averaged with them, for which the network has to be of
        that model's design and width. What new scans teach is then had without all that is forgotten over them.

    Raises
    ------
    RecipeError
        If the share is not 0 or more and under 1.

    References
    ----------
    M. Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022.
    """

    model: str
    sha256: str
    kept: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.kept < 1.0:
            raise RecipeError(f"start.kept is {self.kept!r}; expected a share of 0 or more and under 1, such as 0.5")


@dataclass(frozen=True)
class Recipe:
    """Everything that a training needs: name, version, seed, data, network and schedule; and weights to start from, if any."""

    name: str
    version: str
    seed: int
    data: Data
    network: Network = field(default_factory=Network)
    schedule: Schedule = field(default_factory=lambda: Schedule(1000))
    start: Start | None = None

    def __post_init__(self) -> None:
        if self.schedule.hard and self.start is None:
            raise RecipeError(
                "schedule.hard is the share of crops where the weights of [start] were wrong; name weights there, or leave it 0"
            )

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe.

        Raises
        ------
        RecipeError
            If the file is not TOML, or a key is unknown (the nearest right one is named) or missing.
        """
        table = read_table(path)
        data = table.get("data")
        if isinstance(data, dict):
            held = {key: strict(HeldOut, data[key], f"{path}, [data.{key}]") for key in _HELD if key in data}
            table["data"] = {**data, **held}
        parts = {"data": Data, "network": Network, "schedule": Schedule, "start": Start}
        values = {key: strict(parts[key], value, f"{path}, [{key}]") if key in parts else value for key, value in table.items()}
        recipe: Recipe = strict(cls, values, str(path))
        return recipe
