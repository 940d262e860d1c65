"""Fine-tuning of a network on a site's own scans. Needs ``xrayscan[train]``.

References
----------
Z. Li, D. Hoiem, Learning without Forgetting, IEEE TPAMI 40 (2018) 2935, https://doi.org/10.1109/TPAMI.2017.2773081
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from xrayscan.training.crops import Crop, Crops
from xrayscan.training.loop import Progress, loss_of
from xrayscan.training.precision import mixed
from xrayscan.training.recipe import Data, Network, Recipe, Schedule
from xrayscan.training.site_errors import SiteError

__all__ = ["Tuning", "tune"]

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Tuning:
    """How a network is fine-tuned.

    Attributes
    ----------
    steps : int
    seed : int
    insertions : int
        With bodies put into it, for each scan.
    rate : float
        Learning rate, a tenth of a training's.
    batch : int
        Crops a step.
    crop : (int, int)
        Rows and columns of a crop, multiples of 32.
    average : float
        Decay of the running mean of the weights, which is what is kept.
    mixed : float
        Share of crops from simulated scans, if there are any.
    anchor : float
        Weight of staying with what the old network says of voids, density and areal density.
    save_every : int
        Steps between checkpoints.
    """

    steps: int = 300
    seed: int = 0
    insertions: int = 3
    rate: float = 2e-4
    batch: int = 4
    crop: tuple[int, int] = (320, 384)
    average: float = 0.98
    mixed: float = 0.5
    anchor: float = 1.0
    save_every: int = 25

    def __post_init__(self) -> None:
        if self.steps < 1 or self.insertions < 1 or self.seed < 0:
            raise SiteError(
                f"adapting with {self.steps} steps, {self.insertions} insertions and seed {self.seed}: expected at least one "
                "step and one insertion, and a seed of 0 or more"
            )


def tune(
    network: nn.Module,
    tuning: Tuning,
    work: Path,
    *,
    seen: Network,
    simulated: Path | None = None,
    device: str = "cpu",
    progress: Progress = lambda *_: None,
) -> nn.Module:
    """A network adapted to packed scans of a site, going on from a checkpoint if there is one.

    The statistics of its batch normalization stay as they are, its rate is low, and where the site's scans say nothing (voids,
    density anomalies, areal densities outside of the bodies) it is held to what the old network says.

    Parameters
    ----------
    network : Module
        The old one; it is not changed.
    tuning : Tuning
    work : Path
        Holds the packed scans, clean and with insertions, in ``train``, and the checkpoint.
    seen : Network
        What the network is shown: its grid, and whether it is told that a scan is a display picture.
    simulated : Path or None
        Packed simulated scans, which keep the old skill.
    device : str
    progress : callable

    Returns
    -------
    Module
        The running mean of the weights.
    """
    run = _Run(network, tuning, work / "checkpoint.pt", device)
    sources = [_crops(tuning, folder, seen) for folder in (work / "train", simulated) if folder is not None]
    losses: list[float] = []
    progress(run.step, tuning.steps, float("nan"))
    while run.step < tuning.steps:
        losses.append(run.update(*_batch(sources, tuning, run.step)))
        if run.step % tuning.save_every == 0 or run.step == tuning.steps:
            run.save()
        if run.step % 5 == 0 or run.step == tuning.steps:
            progress(run.step, tuning.steps, float(np.mean(losses)))
            losses.clear()
    return run.mean.eval().cpu()


def _crops(tuning: Tuning, folder: Path, seen: Network) -> Crops:
    count = len(list(folder.glob("*.npz")))
    if not count:
        raise SiteError(f"adapting on the packed scans of {folder}: there are none; give a folder that holds NNNNNN.npz")
    data = Data(train=count, calibration=0, test=0, mix={"clean": 1.0})
    schedule = Schedule(tuning.steps, tuning.batch, tuning.crop, tuning.rate)
    return Crops(Recipe("site", "1", tuning.seed, data, seen, schedule), folder)


def _batch(sources: list[Crops], tuning: Tuning, step: int) -> tuple[Batch, torch.Tensor]:
    """Crops, and which of them are the site's; drawn from the seed and the step, so that a run goes on as it was."""
    rng = np.random.default_rng((tuning.seed, 11, step))
    own = rng.random(tuning.batch) >= (tuning.mixed if len(sources) > 1 else 0.0)
    crops = [sources[0 if mine else 1].crop(step, place) for place, mine in enumerate(own)]
    names = [part.name for part in fields(Crop)]
    batch = {name: torch.from_numpy(np.stack([np.asarray(getattr(crop, name)) for crop in crops])) for name in names}
    return batch, torch.from_numpy(own)


class _Run:
    """The old network, the one that learns, its running mean, and the step they are at."""

    def __init__(self, network: nn.Module, tuning: Tuning, checkpoint: Path, device: str) -> None:
        torch.manual_seed(tuning.seed)
        self.tuning, self.path, self.device, self.step = tuning, checkpoint, device, 0
        self.old = deepcopy(network).to(device).eval().requires_grad_(False)
        # In eval the statistics of the batch normalization are not touched; its scales and shifts learn all the same.
        self.network = deepcopy(network).to(device).eval().requires_grad_(True)
        self.mean = deepcopy(self.old)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=tuning.rate, weight_decay=1e-4)
        if checkpoint.exists():
            state = torch.load(checkpoint, map_location=device, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.mean.load_state_dict(state["mean"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = int(state["step"])

    def save(self) -> None:
        partial = self.path.with_suffix(".tmp")
        parts = {"network": self.network, "mean": self.mean, "optimizer": self.optimizer}
        torch.save({name: part.state_dict() for name, part in parts.items()} | {"step": self.step}, partial)
        partial.replace(self.path)

    def update(self, batch: Batch, own: torch.Tensor) -> float:
        tuning = self.tuning
        # A plain number: a checkpoint that holds one of NumPy's is refused.
        fall = 0.5 * (1.0 + math.cos(math.pi * self.step / tuning.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = tuning.rate * min(1.0, (self.step + 1) / 20) * fall
        batch, own = {name: tensor.to(self.device) for name, tensor in batch.items()}, own.to(self.device)
        with mixed(self.device):
            output = self.network(batch["input"])
            with torch.no_grad():
                before = self.old(batch["input"])
        loss = loss_of(output, _known(batch, own), Schedule.core)
        loss = loss + tuning.anchor * _anchor(output.float(), before.float(), batch, own)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._average(min(tuning.average, (self.step + 1) / (self.step + 10)))
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        for mean, value in zip(self.mean.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1.0 - decay)


def _known(batch: Batch, own: torch.Tensor) -> Batch:
    """The batch without what is not known of a site's scans: voids and density anomalies, and densities but the bodies'."""
    weight, areal_weight = batch["weight"].clone(), batch["areal_weight"].clone()
    weight[own, 1:] = 0.0
    areal_weight[own] *= batch["labels"][own, 0]
    return {**batch, "weight": weight, "areal_weight": areal_weight}


def _anchor(output: torch.Tensor, before: torch.Tensor, batch: Batch, own: torch.Tensor) -> torch.Tensor:
    """How far the answers that the site's scans say nothing of have moved from the old network's."""
    if not own.any():
        return output.sum() * 0.0
    elsewhere = (batch["weight"][own, :1] > 0).float() * (1.0 - batch["labels"][own, :1])
    chance = torch.sigmoid(before[own, 1:3])
    # Less the entropy of the old answer, so that nothing is asked where nothing has moved.
    cross = functional.binary_cross_entropy_with_logits(output[own, 1:3], chance, reduction="none")
    least = functional.binary_cross_entropy_with_logits(before[own, 1:3], chance, reduction="none")
    areal = functional.smooth_l1_loss(output[own, 3:], before[own, 3:], reduction="none", beta=0.5)
    return ((cross - least) * elsewhere).mean() * 4.0 + (areal * elsewhere).mean()
