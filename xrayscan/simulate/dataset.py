"""Simulated scans, made while they are asked for: for training without files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from xrayscan.scan import Scan
from xrayscan.simulate.recipe import SceneRecipe
from xrayscan.simulate.run import replay
from xrayscan.simulate.truth import Truth

__all__ = ["LiveScans"]


class LiveScans(IterableDataset[Any]):
    """Scans of a recipe, one after the other, never the same twice.

    In a `torch.utils.data.DataLoader` with several workers each worker makes its own share: scan ``i`` comes from worker
    ``i % workers``, so that the set does not depend on how many there are.

    Parameters
    ----------
    recipe : SceneRecipe
    start : int
        Number of the first scan; a training that goes on starts where it stopped.
    count : int or None
        How many; None: without end.
    transform : callable or None
        What to make of a scan and its truth, such as packed arrays; None: the pair itself.
    device : str
        Where the rays are traced.

    Examples
    --------
    >>> from xrayscan.simulate.recipe import Scanning
    >>> recipe = SceneRecipe("few", 1, {"clean": 1.0}, scan=Scanning(pitch=0.03))
    >>> [truth.kind for _, truth in LiveScans(recipe, count=2)]
    ['clean', 'clean']
    """

    def __init__(
        self,
        recipe: SceneRecipe,
        start: int = 0,
        count: int | None = None,
        transform: Callable[[Scan, Truth], Any] | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__()
        self.recipe, self.start, self.count = recipe, start, count
        self.transform, self.device = transform, device

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        step, index = (1, 0) if worker is None else (worker.num_workers, worker.id)
        if worker is not None:
            torch.set_num_threads(1)
        while self.count is None or index < self.count:
            scan, truth = replay(self.recipe.record(self.start + index), device=self.device)
            yield self.transform(scan, truth) if self.transform else (scan, truth)
            index += step
