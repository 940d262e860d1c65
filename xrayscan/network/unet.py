"""The network in torch: a U-Net with a stride-2 stem and a wide view at its coarsest stage. Needs ``xrayscan[train]``.

References
----------
O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI 2015, https://doi.org/10.1007/978-3-319-24574-4_28
"""

from __future__ import annotations

from itertools import pairwise

from xrayscan.errors import MissingDependencyError

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:  # pragma: no cover  the runtime has no torch
    raise MissingDependencyError("the torch backend and training need torch; install xrayscan[train]", extra="train") from error

__all__ = ["OUTPUTS", "UNet"]

OUTPUTS = ("person", "void", "density", "added", "missing")
AREAL_SCALE = 10.0  # added and missing are learned in tens of g/cm²


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
    )  # fmt: skip


class _Context(nn.Module):
    """A look around: depthwise 9 x 9 at the coarsest stage, 2.9 m across on a 10 mm grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, 9, 1, 4, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + functional.relu(self.mix(self.norm(self.around(x))))


class UNet(nn.Module):
    """U-Net over the channels of `xrayscan.network.grid.CHANNELS`.

    Parameters
    ----------
    width : int
        Channels of the first stage; the stages hold 1, 2, 3, 4.5 and 6 times as many.

    Examples
    --------
    >>> UNet(8).eval()(torch.zeros(1, 5, 64, 96)).shape
    torch.Size([1, 5, 64, 96])
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.width = width
        sizes = [width, 2 * width, 3 * width, int(4.5 * width), 6 * width]
        self.stem = nn.Sequential(nn.Conv2d(6, sizes[0], 5, 2, 2, bias=False), nn.BatchNorm2d(sizes[0]), nn.ReLU(inplace=True))
        self.down = nn.ModuleList(_block(a, b, 2) for a, b in pairwise(sizes))
        self.context = nn.Sequential(_Context(sizes[-1]), _Context(sizes[-1]), _Context(sizes[-1]))
        pairs = list(zip(sizes[::-1], sizes[-2::-1], strict=False))
        self.up = nn.ModuleList(_block(deep + skip, skip) for deep, skip in pairs)
        self.head = nn.Conv2d(sizes[0], len(OUTPUTS), 1)
        nn.init.constant_(self.head.bias[:3], -4.0)  # what is looked for is rare

    @staticmethod
    def features(x: torch.Tensor) -> torch.Tensor:
        """What the stem sees: optical depth, transmission, the energies' difference, and the flags."""
        high, low = x[:, 0:1], x[:, 1:2]
        return torch.cat([high / 3.0, torch.exp(-high), (low - high) * 2.0, x[:, 2:5]], dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of person, void and density, then added and missing in tens of g/cm² before the softplus."""
        skips = [self.stem(self.features(x))]
        for stage in self.down:
            skips.append(stage(skips[-1]))
        y = self.context(skips.pop())
        for stage in self.up:
            skip = skips.pop()
            y = stage(
                torch.cat([functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False), skip], dim=1)
            )
        return functional.interpolate(self.head(y), scale_factor=2.0, mode="bilinear", align_corners=False)


class Answer(nn.Module):
    """The network with its outputs in physical terms, as it is exported.

    Probability-like scores of person, void and density, and added and missing areal density [g/cm²], shape
    (batch, 5, rows, columns).
    """

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.network(x)
        return torch.cat([torch.sigmoid(y[:, :3]), functional.softplus(y[:, 3:]) * AREAL_SCALE], dim=1)
