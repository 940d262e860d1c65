"""The designs of networks that were compared, by name; and the answer that each is exported with. Needs ``xrayscan[train]``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType

from xrayscan.errors import MissingDependencyError, ModelError
from xrayscan.network.lraspp import LRASPP
from xrayscan.network.unet import AREAL_SCALE, Pyramid, UNet, functional, nn, torch

__all__ = ["DESIGNS", "Answer", "build", "load_weights", "rounded", "save_weights"]

DESIGNS: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {
        "unet": lambda width: UNet(width, "none"),
        "unet-large": lambda width: UNet(width, "large kernels"),
        "unet-strips": lambda width: UNet(width, "strips"),
        "pyramid": Pyramid,
        "pyramid-deep": lambda width: Pyramid(width, deeper=(0, 1, 3, 0)),
        "lraspp": LRASPP,
    }
)
"""Name → a network of a width: channels of its first stage."""


def build(design: str, width: int) -> nn.Module:
    """A network with random weights.

    Raises
    ------
    ModelError
        If there is no such design.
    """
    if design not in DESIGNS:
        raise ModelError(f"there is no design {design!r}; known are {', '.join(DESIGNS)}")
    return DESIGNS[design](width)


def rounded(network: nn.Module) -> nn.Module:
    """A copy of a network whose kernels hold numbers of half precision, as `save_weights` writes them; still of float32."""
    network = deepcopy(network)
    network.load_state_dict({name: _kept(tensor) for name, tensor in network.state_dict().items()})
    return network


def _kept(tensor: torch.Tensor) -> torch.Tensor:
    """Kernels in half precision: half the file, and 0.05 % of a weight at most. Statistics and offsets as they are."""
    return tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor


def save_weights(network: nn.Module, design: str, path: Path) -> None:
    """Write weights as safetensors, kernels in half precision, with the design and width that they belong to.

    What is loaded again is `rounded` of the network. The same weights make the same file, byte for byte.

    Parameters
    ----------
    network : Module
    design : str
        The one of `DESIGNS` that it was built by.
    path : Path
    """
    tensors = {name: _kept(tensor).contiguous() for name, tensor in network.state_dict().items()}
    data = _safetensors().torch.save(tensors, {"design": design, "width": str(network.width)})
    path.write_bytes(_in_order(data))


def _in_order(data: bytes) -> bytes:
    """A safetensors file with its metadata sorted: the package writes them in an order that changes from process to process."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return data[:8] + text.ljust(size) + data[8 + size :]


def load_weights(path: Path) -> nn.Module:
    """The network that `save_weights` wrote, ready to answer.

    Raises
    ------
    ModelError
        If the weights name no design that is known, or are not of it.
    """
    with _safetensors().safe_open(str(path), "pt") as held:
        about = held.metadata() or {}
        tensors = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118  it is no mapping
    # The first weights that were shipped do not name their design.
    design, width = about.get("design", "unet-large"), int(about.get("width", 0)) or tensors["stem.0.weight"].shape[0]
    network = build(design, width)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(f"{path} holds no weights of the design {design!r} of width {width}: {error}") from error
    return network.eval()


def _safetensors():  # type: ignore[no-untyped-def]
    try:
        import safetensors
        import safetensors.torch
    except ImportError as error:
        raise MissingDependencyError("weights are kept with safetensors; install xrayscan[train]", extra="train") from error
    return safetensors


class Answer(nn.Module):
    """A network with its outputs in physical terms, as it is exported.

    Probability-like scores of person, void and density, and added and missing areal density [g/cm²], shape
    (batch, 5, rows, columns).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of an input of shape (batch, 5, rows, columns)."""
        y = self.network(x)
        return torch.cat([torch.sigmoid(y[:, :3]), functional.softplus(y[:, 3:]) * AREAL_SCALE], dim=1)
