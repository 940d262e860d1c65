"""The training loop: stopped anywhere, it goes on from its last checkpoint with the same result."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from xrayscan.network.designs import build
from xrayscan.network.unet import AREAL_SCALE
from xrayscan.training.crops import Crops
from xrayscan.training.hard import hard_places
from xrayscan.training.precision import mixed
from xrayscan.training.recipe import Recipe, Schedule
from xrayscan.training.start import blended, first_network

__all__ = ["Progress", "loss_of", "train"]

Progress = Callable[[int, int, float], None]  # step, steps, loss
Batch = dict[str, torch.Tensor]
RECORDS = "records.jsonl"
CLASS_WEIGHT = (1.0, 0.6, 0.6)


class _Batches(Dataset[Batch]):
    """The batch of each step, made in a process of its own: in a thread it would hold up the network's."""

    def __init__(self, crops: Crops, size: int) -> None:
        self.crops, self.size = crops, size

    def __getitem__(self, step: int) -> Batch:
        examples = [self.crops.crop(step, place) for place in range(self.size)]
        fields = ("input", "labels", "weight", "areal", "areal_weight")
        return {name: torch.from_numpy(np.stack([getattr(e, name) for e in examples])) for name in fields}

    def coming(self, step: int) -> Iterator[Batch]:
        """From a step on, without end."""
        return iter(DataLoader(self, batch_size=None, sampler=count(step), num_workers=1, prefetch_factor=3))


def loss_of(output: torch.Tensor, batch: Batch, core: int) -> torch.Tensor:
    """Cross-entropy, overlap and areal density, over what can be seen.

    Parameters
    ----------
    output : Tensor, shape (batch, 5, rows, columns)
        As a network of `xrayscan.network.designs` gives it, or coarser by a whole factor: then the truth is averaged.
    batch : dict of Tensor
    core : int
        Pixels of a crop that its score is the mean of.

    Returns
    -------
    Tensor, scalar
    """
    step = batch["labels"].shape[-1] // output.shape[-1]
    batch = _averaged(batch, step)
    logits, labels, weight = output[:, :3].float(), batch["labels"], batch["weight"]
    scale = torch.tensor(CLASS_WEIGHT, device=logits.device)
    cross = functional.binary_cross_entropy_with_logits(logits, labels, weight=weight, reduction="none")
    # Where the network is wrong counts most: the rare person, and the look-alike that is taken for one.
    share = torch.sigmoid(logits.detach())
    focus = (share - labels).abs()
    cross = (cross * (0.25 + 3.0 * focus)).mean((0, 2, 3))
    chance = torch.sigmoid(logits) * weight
    hit, total = (chance * labels).sum((0, 2, 3)), (chance + labels * weight).sum((0, 2, 3))
    few = 50.0 / step**2
    overlap = 1.0 - (2.0 * hit + few) / (total + few)
    areal = torch.log1p(functional.softplus(output[:, 3:].float())) - torch.log1p(batch["areal"].clamp(min=0.0) / AREAL_SCALE)
    inside = (labels.amax(1) * 4.0 + 0.25) * batch["areal_weight"]
    amount = (functional.smooth_l1_loss(areal, torch.zeros_like(areal), beta=0.1, reduction="none").sum(1) * inside).mean()
    crop = _of_whole_crops(logits[:, 0], labels[:, 0] * weight[:, 0], weight[:, 0], core // step**2)
    return 4.0 * (cross * scale).sum() + 0.4 * (overlap * scale).sum() + 0.5 * amount + 0.3 * crop


def _of_whole_crops(logits: torch.Tensor, persons: torch.Tensor, weight: torch.Tensor, core: int) -> torch.Tensor:
    """Cross-entropy of the mean of each crop's highest cells against whether a person is in it: what a scan's score is.

    Crops that show less of a person than so many cells are left out.
    """
    core = min(max(core, 1), logits[0].numel())
    highest = (logits - 20.0 * (1.0 - weight)).flatten(1).topk(core, dim=1).values.mean(1)
    seen = persons.flatten(1).sum(1)
    counted = ((seen >= core) | (seen == 0)).float()
    each = functional.binary_cross_entropy_with_logits(highest, (seen > 0).float(), weight=counted, reduction="sum")
    return torch.as_tensor(each / counted.sum().clamp(min=1.0))


def _averaged(batch: Batch, step: int) -> Batch:
    """Means over squares of so many pixels."""
    if step == 1:
        return batch
    planes = {name: tensor if tensor.ndim == 4 else tensor[:, None] for name, tensor in batch.items() if name != "input"}
    pooled = functional.avg_pool2d(torch.cat(list(planes.values()), dim=1), step)
    parts = pooled.split([plane.shape[1] for plane in planes.values()], dim=1)
    return {name: part if batch[name].ndim == 4 else part[:, 0] for name, part in zip(planes, parts, strict=True)}


def _rate(schedule: Schedule, step: int, done: float) -> float:
    """Warm-up over the first 200 steps, then half a cosine down to a hundredth, and a straight line to 0 over the last ones.

    ``done`` is the share of the training that is behind, whether it is one of so many steps or of so many seconds.
    """
    warm = min(1.0, (step + 1) / 200)
    turned = done * schedule.steps / schedule.cosine if schedule.cosine else done
    cold = min(1.0, (1.0 - done) * schedule.steps / schedule.cool) if schedule.cool else 1.0
    return float(schedule.rate * warm * cold * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min(turned, 1.0)))))


class _Run:
    """Network, optimizer, running mean and the step they are at."""

    def __init__(self, recipe: Recipe, folder: Path, device: str) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.folder, self.device, self.step, self.seconds = recipe, folder, device, 0, 0.0
        self.network = first_network(recipe).to(device, memory_format=torch.channels_last)
        self.mean = build(recipe.network.design, recipe.network.width).to(device)
        self.mean.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=recipe.schedule.rate, weight_decay=1e-2)
        if self.path.exists():
            self._load()

    @property
    def path(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _load(self) -> None:
        state = torch.load(self.path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])

    def save(self) -> None:
        partial = self.path.with_suffix(".tmp")
        parts = {"network": self.network, "mean": self.mean, "optimizer": self.optimizer}
        torch.save(
            {name: part.state_dict() for name, part in parts.items()} | {"step": self.step, "seconds": self.seconds}, partial
        )
        partial.replace(self.path)

    def update(self, batch: Batch, done: float) -> float:
        schedule = self.recipe.schedule
        for group in self.optimizer.param_groups:
            group["lr"] = _rate(schedule, self.step, done)
        batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
        with mixed(self.device):
            output = self.network.coarse(batch["input"].contiguous(memory_format=torch.channels_last))
        loss = loss_of(output, batch, schedule.core)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 3.0)
        self.optimizer.step()
        self._average(min(schedule.average, (self.step + 1) / (self.step + 20)))
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        for mean, value in zip(self.mean.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1.0 - decay)
            else:
                mean.copy_(value)


def train(
    recipe: Recipe,
    data: Path,
    folder: Path,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
    seconds: float | None = None,
    workers: int = 1,
) -> nn.Module:
    """Train a network, or go on with one that was stopped.

    Parameters
    ----------
    recipe : Recipe
    data : Path
        Folder with the packed training scans.
    folder : Path
        Where the checkpoint and ``curve.csv`` are kept, and the records of the mistakes to learn from.
    device : str
        "cpu" or "cuda".
    progress : callable or None
        Called with the step, the number of steps and the mean loss since the last call.
    seconds : float or None [s]
        Train for so long, over all runs, instead of for the recipe's steps: to compare designs. Then the result depends on the
        machine's speed.
    workers : int
        Processes that look for mistakes before the first step, if the recipe wants crops of these.

    Returns
    -------
    Module
        The running mean of the weights, blended with those it started from if the recipe asks for it, ready to be exported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run, schedule = _Run(recipe, folder, device), recipe.schedule
    hard = hard_places(recipe, data, folder / RECORDS, workers) if schedule.hard else None
    crops = Crops(recipe, data, hard)
    losses: list[float] = []
    _cut_back(folder / "curve.csv", run.step)
    coming = _Batches(crops, schedule.batch).coming(run.step)
    run.network.train()
    last = time.monotonic()
    while (done := run.seconds / seconds if seconds else run.step / schedule.steps) < 1.0:
        losses.append(run.update(next(coming), done))
        now = time.monotonic()
        run.seconds, last = run.seconds + now - last, now
        if run.step % 50 == 0 or run.step == schedule.steps:
            mean = float(np.mean(losses))
            _note(folder / "curve.csv", run.step, mean, run.seconds)
            losses.clear()
            if progress is not None:
                progress(run.step, schedule.steps, mean)
        if run.step % schedule.save_every == 0:
            run.save()
    run.save()
    (folder / "state.json").write_text(json.dumps({"step": run.step, "steps": schedule.steps}), encoding="utf-8")
    return blended(run.mean, recipe).eval()


def _cut_back(path: Path, step: int) -> None:
    """Take what was noted after the checkpoint out of a curve: it is noted again."""
    if path.exists():
        first, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join([first, *(row for row in rows if int(row.split(",")[0]) <= step)]), encoding="utf-8")


def _note(path: Path, step: int, loss: float, seconds: float) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(["step", "loss", "seconds"])
        writer.writerow([step, f"{loss:.5f}", f"{seconds:.1f}"])
