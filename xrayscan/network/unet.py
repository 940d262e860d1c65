"""U-Nets and a feature pyramid in torch, with several ways to look around at their coarsest stage. Needs ``xrayscan[train]``.

References
----------
O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI 2015, https://doi.org/10.1007/978-3-319-24574-4_28
Q. Hou et al., Strip Pooling, CVPR 2020, https://doi.org/10.1109/CVPR42600.2020.00406
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from xrayscan.errors import MissingDependencyError, ModelError

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:  # pragma: no cover  the runtime has no torch
    raise MissingDependencyError("the torch backend and training need torch; install xrayscan[train]", extra="train") from error

__all__ = ["AREAL_SCALE", "CONTEXTS", "OUTPUTS", "Encoder", "Pyramid", "UNet", "features", "finer"]

OUTPUTS = ("person", "void", "density", "added", "missing")
AREAL_SCALE = 10.0  # added and missing are learned in tens of g/cm²
FEATURES = 6
RARE = -4.0  # logit that the heads start from: what is looked for is rare


def features(x: torch.Tensor) -> torch.Tensor:
    """What every design sees of its five channels: optical depth, transmission, the energies' difference, and the flags."""
    high, low = x[:, 0:1], x[:, 1:2]
    return torch.cat([high / 3.0, torch.exp(-high), (low - high) * 2.0, x[:, 2:5]], dim=1)


def finer(x: torch.Tensor) -> torch.Tensor:
    """Twice as many rows and columns."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
    )  # fmt: skip


class Residual(nn.Module):
    """Two convolutions beside a way straight through. As it is built it changes nothing of what is not negative: put into a
    network that was trained, it starts from what that one says.

    References
    ----------
    K. He et al., Deep Residual Learning for Image Recognition, CVPR 2016, https://doi.org/10.1109/CVPR.2016.90
    T. Chen, I. Goodfellow, J. Shlens, Net2Net, ICLR 2016: deeper networks from trained ones.

    Examples
    --------
    >>> x = torch.rand(1, 8, 6, 6)
    >>> bool((Residual(8).eval()(x) == x).all())
    True
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(self.first(x)))


class _LargeKernel(nn.Module):
    """A look around: depthwise 9 x 9 at the coarsest stage, 2.9 m across on a 10 mm grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, 9, 1, 4, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + functional.relu(self.mix(self.norm(self.around(x))))


class _Strips(nn.Module):
    """A look along the travel and along the height: depthwise 1 x 21 and 21 x 1, 6.7 m across on a 10 mm grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.along = nn.Conv2d(channels, channels, (1, 21), 1, (0, 10), groups=channels, bias=False)
        self.up = nn.Conv2d(channels, channels, (21, 1), 1, (10, 0), groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + functional.relu(self.mix(self.norm(self.along(x) + self.up(x))))


CONTEXTS = {"none": None, "large kernels": _LargeKernel, "strips": _Strips}
"""What a U-Net has at its coarsest stage, three times over. None looks farther than its kernels do, so that a scan of any
length gets the same answer at each place, whole, in tiles or while it is still arriving."""


class Encoder(nn.Module):
    """A stem of stride 2, four stages that each halve the grid again, and a look around at the coarsest.

    Parameters
    ----------
    width : int
        Channels of the stem; the stages hold 2, 3, 4.5 and 6 times as many.
    context : str
        One of `CONTEXTS`.
    deeper : sequence of int
        `Residual` blocks after each stage.
    """

    def __init__(self, width: int, context: str, deeper: Sequence[int] = (0, 0, 0, 0)) -> None:
        super().__init__()
        if context not in CONTEXTS:
            raise ModelError(f"a U-Net has no context {context!r}; known are {', '.join(CONTEXTS)}")
        self.width = width
        self.sizes = sizes = (width, 2 * width, 3 * width, int(4.5 * width), 6 * width)
        self.stem = nn.Sequential(
            nn.Conv2d(FEATURES, sizes[0], 5, 2, 2, bias=False), nn.BatchNorm2d(sizes[0]), nn.ReLU(inplace=True)
        )
        self.down = nn.ModuleList(_block(a, b, 2) for a, b in pairwise(sizes))
        self.deeper = nn.ModuleList(
            nn.Sequential(*(Residual(size) for _ in range(blocks))) for size, blocks in zip(sizes[1:], deeper, strict=True)
        )
        look = CONTEXTS[context]
        self.context = nn.Sequential(*(look(sizes[-1]) for _ in range(3))) if look else nn.Sequential()

    def encoded(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Stem and stages, the finest first; the last after the look around."""
        felt = [self.stem(features(x))]
        for stage, more in zip(self.down, self.deeper, strict=True):
            felt.append(more(stage(felt[-1])))
        felt[-1] = self.context(felt[-1])
        return felt


class UNet(Encoder):
    """U-Net over the channels of `xrayscan.network.grid.CHANNELS`.

    Parameters
    ----------
    width : int
        Channels of the first stage.
    context : str
        One of `CONTEXTS`.

    Examples
    --------
    >>> UNet(8).eval()(torch.zeros(1, 5, 64, 96)).shape
    torch.Size([1, 5, 64, 96])
    """

    def __init__(self, width: int = 24, context: str = "large kernels") -> None:
        super().__init__(width, context)
        pairs = list(zip(self.sizes[::-1], self.sizes[-2::-1], strict=False))
        self.up = nn.ModuleList(_block(deep + skip, skip) for deep, skip in pairs)
        self.head = _head(self.sizes[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of person, void and density, then added and missing in tens of g/cm² before the softplus."""
        return finer(self.coarse(x))

    def coarse(self, x: torch.Tensor) -> torch.Tensor:
        """The same at every second pixel, before it is interpolated: training reads it there."""
        skips = self.encoded(x)
        y = skips.pop()
        for stage in self.up:
            y = stage(torch.cat([finer(y), skips.pop()], dim=1))
        return torch.as_tensor(self.head(y))


class Pyramid(Encoder):
    """The U-Net's encoder with a feature pyramid in the decoder's place, which ends at a quarter of the grid.

    What is looked for is tens of centimeters large, and the finest stages of a decoder cost the most: without them a step of
    training takes a third of the U-Net's time.

    Parameters
    ----------
    width : int
        Channels of the stem.
    context : str
        One of `CONTEXTS`.
    deeper : sequence of int
        `Residual` blocks after each stage of the encoder.

    References
    ----------
    T.-Y. Lin et al., Feature Pyramid Networks for Object Detection, CVPR 2017, https://doi.org/10.1109/CVPR.2017.106

    Examples
    --------
    >>> Pyramid(8).eval()(torch.zeros(1, 5, 64, 96)).shape
    torch.Size([1, 5, 64, 96])
    """

    def __init__(self, width: int = 24, context: str = "large kernels", deeper: Sequence[int] = (0, 0, 0, 0)) -> None:
        super().__init__(width, context, deeper)
        inner = 2 * width
        self.lateral = nn.ModuleList(nn.Conv2d(size, inner, 1) for size in self.sizes[1:])
        self.merge = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inner, inner, 3, 1, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU(inplace=True))
            for _ in self.sizes[2:]
        )
        self.head = _head(inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `UNet.forward`."""
        return functional.interpolate(self.coarse(x), scale_factor=4.0, mode="bilinear", align_corners=False)

    def coarse(self, x: torch.Tensor) -> torch.Tensor:
        """As `UNet.coarse`, at every fourth pixel."""
        levels = [lateral(felt) for lateral, felt in zip(self.lateral, self.encoded(x)[1:], strict=True)]
        y = levels.pop()
        for merge in self.merge:
            y = merge(finer(y) + levels.pop())
        return torch.as_tensor(self.head(y))


def _head(channels: int) -> nn.Conv2d:
    head = nn.Conv2d(channels, len(OUTPUTS), 1)
    nn.init.constant_(head.bias[:3], RARE)
    return head
