"""Which part of a finding made the network say so.

Every method asks what the score would be with less of the finding in the scan. Less means less areal density, toward what is
expected without the finding (`xrayscan.explain.expected`): gray paint over a load is itself something that no load has.

References
----------
M.D. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, 2014, https://doi.org/10.1007/978-3-319-10590-1_53
M. Sundararajan, A. Taly, Q. Yan, Axiomatic attribution for deep networks, ICML 2017, https://arxiv.org/abs/1703.01365
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from xrayscan.errors import MissingDependencyError, ModelError
from xrayscan.explain.probe import Probe
from xrayscan.network.grid import from_grid, grid_shape, padded, to_grid
from xrayscan.network.runtime import BACKENDS
from xrayscan.zoo import ModelCard

__all__ = ["METHODS", "attribute", "check_method"]

METHODS = {
    "score": "the network's own score, absolute",
    "occlusion": "what the score loses where areal density is taken out; the highest place has the finding's score",
    "gradients": "gradient times what was added, against the scan without the finding; the highest place has its score",
    "integrated gradients": "integrated gradients from the scan without the finding; the highest place has its score",
}
"""Name → what its heatmap shows."""

WINDOWS = 64  # that are taken out one by one
FINEST = 0.05  # smallest step between them [m]
STEPS = 16  # of the path from the scan without the finding to the scan


GRADIENTS = ("gradients", "integrated gradients")


def check_method(method: str, card: ModelCard | None) -> None:
    """Say before a long screening what would stop it at its first finding.

    Parameters
    ----------
    method : str
    card : ModelCard or None
        Of the model.

    Raises
    ------
    ModelError
        If there is no such method, or gradients are asked of a model without weights.
    MissingDependencyError
        If gradients are asked for, and captum or torch is not installed.
    """
    if method not in METHODS:
        raise ModelError(f"there is no attribution {method!r}; known are {', '.join(METHODS)}")
    if method not in GRADIENTS:
        return
    if card is None:
        raise ModelError(f"attribution by {method!r} needs the weights of the model; pass its card")
    try:
        import captum.attr  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("gradients need captum and torch; install xrayscan[explain]", extra="explain") from error
    if BACKENDS["torch"] not in card.sha256:
        raise ModelError(f"model {card.name} ships no {BACKENDS['torch']}, which gradients are made from; take 'occlusion'")


def attribute(probe: Probe, method: str, card: ModelCard | None = None) -> np.ndarray:
    """Heat of a finding: how much each place of it made the network say so.

    Parameters
    ----------
    probe : Probe
    method : str
        One of `METHODS`. Gradients need ``xrayscan[explain]`` and a model that ships its weights.
    card : ModelCard or None
        Of the model; gradients are those of its weights.

    Returns
    -------
    ndarray of float32, shape (expected.box.height, expected.box.width)
        0 to 1; 0 outside of what was replaced.

    Raises
    ------
    ModelError
        If there is no such method, or gradients are asked of a model without weights.
    MissingDependencyError
        If gradients are asked for, and captum or torch is not installed.
    """
    check_method(method, card)
    if method == "score":
        return np.where(probe.region, getattr(probe.model(probe.part), probe.finding.kind)[probe.inner], 0.0).astype(np.float32)
    if method == "occlusion":
        return _occlusion(probe)
    assert card is not None  # checked
    return _gradients(probe, card, along=method == "integrated gradients")


def _occlusion(probe: Probe) -> np.ndarray:
    """Soft windows over the finding, taken out one by one: each place gets the mean of what was lost with it."""
    rows, columns = probe.region.shape
    tall, wide = (size * side for size, side in zip(probe.region.shape, probe.part.pixel_pitch, strict=True))
    step = max(FINEST, (tall * wide / WINDOWS) ** 0.5)
    y, x = (np.arange(size) * side for size, side in zip((rows, columns), probe.part.pixel_pitch, strict=True))
    whole, lost, weight = probe.score(), np.zeros((rows, columns)), np.full((rows, columns), 1e-6)
    for middle_y in np.arange(step / 2, tall, step):
        for middle_x in np.arange(step / 2, wide, step):
            out = np.outer(np.exp(-(((y - middle_y) / step) ** 2)), np.exp(-(((x - middle_x) / step) ** 2)))
            if (out * probe.region).max() < 0.5:
                continue
            lost += out * max(whole - probe.score(1.0 - out), 0.0)
            weight += out
    return _scaled(np.where(probe.region, lost / weight, 0.0), whole)


def _gradients(probe: Probe, card: ModelCard, along: bool) -> np.ndarray:
    """Gradients of the scan, or all along the straight path from the scan without the finding, times the way."""
    captum, torch, network = _loaded(card)
    given = [padded(to_grid(probe.shown(kept), card.grid, tells_display=card.tells_display)) for kept in (0.0, 1.0)]
    start, end = (torch.from_numpy(stack[None]) for stack in given)
    mask = torch.from_numpy(_on_grid(probe, card.grid))
    kind = ("person", "void", "density").index(probe.finding.kind)

    def said(x: Any) -> Any:
        # The logit, for a probability near 1 has no gradient left.
        return (network(x)[:, kind] * mask).sum((1, 2)) / mask.sum()

    if along:
        method = captum.attr.IntegratedGradients(said)
        told = method.attribute(end, baselines=start, n_steps=STEPS, method="riemann_middle", internal_batch_size=4)
    else:
        told = captum.attr.Saliency(said).attribute(end.requires_grad_(), abs=False) * (end - start)
    flat = told[0, :2].sum(0).detach().numpy()
    heat = probe.smooth(from_grid(flat, probe.part, card.grid)[probe.inner]).clip(0.0, None)
    return _scaled(heat, probe.score())


def _scaled(heat: np.ndarray, score: float) -> np.ndarray:
    """Shares of a score are small and sum up to no more than it: a map of them is read by its places, not by its height."""
    return (heat / max(float(heat.max()), 1e-9) * score).clip(0.0, 1.0).astype(np.float32)


def _on_grid(probe: Probe, grid: float) -> np.ndarray:
    """Where the finding is, on the network's padded grid."""
    mask = np.zeros(probe.part.shape, np.float32)
    mask[probe.inner] = probe.region
    shape = grid_shape(probe.part, grid)
    return padded(np.broadcast_to(cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_AREA), (5, *shape)))[0] > 0.5


def _loaded(card: ModelCard) -> tuple[Any, Any, Any]:
    import captum.attr
    import torch

    from xrayscan.network.designs import load_weights

    return captum, torch, load_weights(card.file(BACKENDS["torch"]))
