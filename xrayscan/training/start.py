"""The network as it is before the first step: random, or what a model's weights make of it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from xrayscan.errors import RecipeError
from xrayscan.network.designs import build, load_weights
from xrayscan.network.runtime import BACKENDS
from xrayscan.training.recipe import Recipe
from xrayscan.zoo import load_card

__all__ = ["blended", "first_network", "grown"]

Tensors = Mapping[str, torch.Tensor]
ENCODER = ("stem.", "down.", "context.")  # what networks of several designs have in common
DEEPER = "deeper."  # what changes nothing before it is trained
ADDING = "pyramid"  # designs whose layers never lie side by side: an old channel is the same one in a wider network


def first_network(recipe: Recipe) -> nn.Module:
    """The network that a training begins with.

    Of a model of the same design and width, with or without residual blocks, it takes everything; of a narrower pyramid
    everything too, in its first channels; of another design with the same encoder that.

    Raises
    ------
    RecipeError
        If the model's weights are not the ones that the recipe names, or do not fit; or if a share of them is to be kept and
        the network has others besides.
    """
    network = build(recipe.network.design, recipe.network.width)
    if recipe.start is None:
        return network
    card = load_card(recipe.start.model)
    held = card.sha256.get(BACKENDS["torch"])
    if held != recipe.start.sha256:
        raise RecipeError(
            f"starting from the weights of {recipe.start.model}: the recipe names those of SHA-256 {recipe.start.sha256}, the "
            f"model holds {held}; name the ones that are meant"
        )
    known = load_weights(card.file(BACKENDS["torch"]))
    given, wanted = known.state_dict(), network.state_dict()
    fit = {name for name, value in given.items() if name in wanted and wanted[name].shape == value.shape}
    encoder = {name for name in wanted if name.startswith(ENCODER)}
    if recipe.start.kept and fit != set(wanted):
        raise RecipeError(
            f"keeping a share of the weights of {recipe.start.model} (start.kept = {recipe.start.kept}): it is no "
            f"{recipe.network.design} of width {recipe.network.width}, and what it lacks would begin at random; give the "
            "recipe's [network] the design and width of that model, or leave out start.kept"
        )
    fresh = {name for name in wanted if name.startswith(DEEPER)} - set(given)
    same = fresh | set(given) == set(wanted)
    if same and known.width < network.width and recipe.network.design.startswith(ADDING):
        network.load_state_dict(grown(given, wanted))
    elif not encoder or not encoder <= fit:
        raise RecipeError(
            f"starting from the weights of {recipe.start.model}: they do not fit the encoder of a {recipe.network.design} of "
            f"width {recipe.network.width}; give the recipe's [network] the design and width of that model"
        )
    else:
        whole = same and fit | fresh == set(wanted)
        network.load_state_dict(wanted | {name: given[name] for name in (fit if whole else encoder)})
    return network.train()


@torch.no_grad()
def blended(trained: nn.Module, recipe: Recipe) -> nn.Module:
    """The trained network, its weights averaged with those it started from as far as the recipe keeps them (``start.kept``)."""
    if recipe.start is not None and recipe.start.kept:
        first = first_network(recipe).to(next(trained.parameters()).device).state_dict()
        for name, value in trained.state_dict().items():
            if value.is_floating_point():
                value.lerp_(first[name], recipe.start.kept)
    return trained


def grown(given: Tensors, wanted: Tensors) -> dict[str, torch.Tensor]:
    """The weights of a wider network that says what a narrower one does.

    Its first channels are those of the other. What is added is random and reaches no old channel, and so no output, before it
    is trained.

    Parameters
    ----------
    given, wanted : mapping of str to Tensor
        The narrower network's, and the wider one's as it was built.

    References
    ----------
    T. Chen, I. Goodfellow, J. Shlens, Net2Net, ICLR 2016: wider networks from trained ones.
    """
    out = {}
    for name, fresh in wanted.items():
        out[name] = value = fresh.clone()
        if name not in given:
            continue
        old = given[name]
        part = tuple(slice(size) for size in old.shape)
        if value.ndim > 1:
            value[: old.shape[0]] = 0.0
        value[part] = old
    return out
