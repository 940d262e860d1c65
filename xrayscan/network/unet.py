"""U-Nets in torch, with several ways to look around at their coarsest stage. Needs ``xrayscan[train]``.

References
----------
O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI 2015, https://doi.org/10.1007/978-3-319-24574-4_28
H. Wang et al., Axial-DeepLab, ECCV 2020, https://doi.org/10.1007/978-3-030-58548-8_7
"""

from __future__ import annotations

from itertools import pairwise

from xrayscan.errors import MissingDependencyError, ModelError

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:  # pragma: no cover  the runtime has no torch
    raise MissingDependencyError("the torch backend and training need torch; install xrayscan[train]", extra="train") from error

__all__ = ["AREAL_SCALE", "CONTEXTS", "OUTPUTS", "UNet", "features"]

OUTPUTS = ("person", "void", "density", "added", "missing")
AREAL_SCALE = 10.0  # added and missing are learned in tens of g/cm²
FEATURES = 6
RARE = -4.0  # logit that the heads start from: what is looked for is rare


def features(x: torch.Tensor) -> torch.Tensor:
    """What every design sees of its five channels: optical depth, transmission, the energies' difference, and the flags."""
    high, low = x[:, 0:1], x[:, 1:2]
    return torch.cat([high / 3.0, torch.exp(-high), (low - high) * 2.0, x[:, 2:5]], dim=1)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
    )  # fmt: skip


class _LargeKernel(nn.Module):
    """A look around: depthwise 9 x 9 at the coarsest stage, 2.9 m across on a 10 mm grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, 9, 1, 4, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + functional.relu(self.mix(self.norm(self.around(x))))


class _Axial(nn.Module):
    """A look along the whole travel, then along the whole height: self-attention of each row, then of each column.

    A depthwise 5 x 5 before it tells each place from the others, at any size of the picture.
    """

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.size = heads, channels // heads * heads
        self.place = nn.Conv2d(channels, channels, 5, 1, 2, groups=channels)
        self.norm = nn.GroupNorm(1, channels)
        self.asked = nn.ModuleList(nn.Conv2d(channels, 3 * self.size, 1) for _ in range(2))
        self.mix = nn.ModuleList(nn.Conv2d(self.size, channels, 1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.place(x)
        for along, asked, mix in zip((True, False), self.asked, self.mix, strict=True):
            x = x + mix(self._attended(asked(self.norm(x)), along))
        return x

    def _attended(self, asked: torch.Tensor, along: bool) -> torch.Tensor:
        if not along:
            asked = asked.transpose(2, 3)
        batch, _, lines, places = asked.shape
        # One sequence a line: (batch and lines, heads, places, channels of a head).
        parts = asked.reshape(batch, 3, self.heads, self.size // self.heads, lines, places).permute(1, 0, 4, 2, 5, 3)
        query, key, value = parts.reshape(3, batch * lines, self.heads, places, self.size // self.heads).unbind(0)
        out = functional.scaled_dot_product_attention(query, key, value)
        out = out.reshape(batch, lines, self.heads, places, -1).permute(0, 2, 4, 1, 3).reshape(batch, self.size, lines, places)
        return out if along else out.transpose(2, 3)


CONTEXTS = {"none": None, "large kernels": _LargeKernel, "axial attention": _Axial}
"""What a U-Net has at its coarsest stage, three times over."""


class UNet(nn.Module):
    """U-Net over the channels of `xrayscan.network.grid.CHANNELS`, with a stem of stride 2.

    Parameters
    ----------
    width : int
        Channels of the first stage; the stages hold 1, 2, 3, 4.5 and 6 times as many.
    context : str
        One of `CONTEXTS`.

    Examples
    --------
    >>> UNet(8).eval()(torch.zeros(1, 5, 64, 96)).shape
    torch.Size([1, 5, 64, 96])
    """

    def __init__(self, width: int = 24, context: str = "large kernels") -> None:
        super().__init__()
        if context not in CONTEXTS:
            raise ModelError(f"a U-Net has no context {context!r}; known are {', '.join(CONTEXTS)}")
        self.width = width
        sizes = [width, 2 * width, 3 * width, int(4.5 * width), 6 * width]
        self.stem = nn.Sequential(
            nn.Conv2d(FEATURES, sizes[0], 5, 2, 2, bias=False), nn.BatchNorm2d(sizes[0]), nn.ReLU(inplace=True)
        )
        self.down = nn.ModuleList(_block(a, b, 2) for a, b in pairwise(sizes))
        look = CONTEXTS[context]
        self.context = nn.Sequential(*(look(sizes[-1]) for _ in range(3))) if look else nn.Sequential()
        pairs = list(zip(sizes[::-1], sizes[-2::-1], strict=False))
        self.up = nn.ModuleList(_block(deep + skip, skip) for deep, skip in pairs)
        self.head = nn.Conv2d(sizes[0], len(OUTPUTS), 1)
        nn.init.constant_(self.head.bias[:3], RARE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of person, void and density, then added and missing in tens of g/cm² before the softplus."""
        skips = [self.stem(features(x))]
        for stage in self.down:
            skips.append(stage(skips[-1]))
        y = self.context(skips.pop())
        for stage in self.up:
            skip = skips.pop()
            y = stage(
                torch.cat([functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False), skip], dim=1)
            )
        return functional.interpolate(self.head(y), scale_factor=2.0, mode="bilinear", align_corners=False)
