"""A light network: MobileNetV3's blocks and an LR-ASPP head, of torchvision. Needs ``xrayscan[train]``.

References
----------
A. Howard et al., Searching for MobileNetV3, ICCV 2019, https://doi.org/10.1109/ICCV.2019.00140
"""

from __future__ import annotations

from xrayscan.network.unet import FEATURES, OUTPUTS, RARE, features, finer, nn, torch

__all__ = ["LRASPP"]

AROUND = 19  # cells that weights are taken from: 3 m across at the coarsest stage, half of it at the one before

# Kernel, expanded and outgoing channels as multiples of the width, squeeze-and-excite, stride.
_STAGES = (
    ((3, 3, 1.5, False, 2), (3, 4.5, 1.5, False, 1)),
    ((5, 4.5, 2.5, True, 2), (5, 7.5, 2.5, True, 1), (5, 7.5, 2.5, True, 1)),
    ((3, 15, 5, False, 2), (3, 12.5, 5, False, 1), (5, 15, 7, True, 1), (5, 21, 10, True, 1), (5, 30, 10, True, 1)),
)


def _around() -> nn.Sequential:
    """The mean over a window about each cell, of what is within the picture: along rows, then along columns."""
    return nn.Sequential(*(
        nn.AvgPool2d(window, 1, tuple(side // 2 for side in window), count_include_pad=False)
        for window in ((AROUND, 1), (1, AROUND))
    ))  # fmt: skip


class _Squeeze(nn.Module):
    """Squeeze and excite by the surroundings instead of the whole picture, which has no end while a scan is arriving."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            _around(), nn.Conv2d(channels, squeezed, 1), nn.ReLU(inplace=True), nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(inplace=True),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weights(x)


class LRASPP(nn.Module):
    """MobileNetV3's inverted residuals to a sixteenth of the grid, a head that weighs them by their surroundings.

    Parameters
    ----------
    width : int
        Channels of the stem; a multiple of 8.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        from torchvision.models.mobilenetv3 import InvertedResidual, InvertedResidualConfig

        self.width = width
        self.stem = nn.Sequential(
            nn.Conv2d(FEATURES, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.Hardswish(inplace=True)
        )
        stages, size, skips = [], width, []
        for stage in _STAGES:
            blocks = []
            for kernel, wide, out, squeeze, stride in stage:
                config = InvertedResidualConfig(
                    size, kernel, int(wide * width), int(out * width), squeeze, "HS", stride, 1, 1.0
                )
                blocks.append(InvertedResidual(config, nn.BatchNorm2d, _Squeeze))
                size = config.out_channels
            stages.append(nn.Sequential(*blocks))
            skips.append(size)
        self.stages = nn.ModuleList(stages)
        inner = 8 * width
        self.local = nn.Sequential(nn.Conv2d(size, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU(inplace=True))
        # Over windows, not over the whole picture: a scan of any length gives the same answer at each place.
        self.around = nn.Sequential(_around(), nn.Conv2d(size, inner, 1, bias=False), nn.Sigmoid())
        self.heads = nn.ModuleList(nn.Conv2d(c, len(OUTPUTS), 1) for c in (inner, skips[1], skips[0], width))
        nn.init.constant_(self.heads[0].bias[:3], RARE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `UNet.forward`."""
        return finer(self.coarse(x))

    def coarse(self, x: torch.Tensor) -> torch.Tensor:
        """As `UNet.coarse`."""
        parts = [self.stem(features(x))]
        for stage in self.stages:
            parts.append(stage(parts[-1]))
        y = self.heads[0](self.local(parts[3]) * self.around(parts[3]))
        for head, skip in zip(list(self.heads)[1:], parts[2::-1], strict=True):
            y = finer(y) + head(skip)
        return torch.as_tensor(y)
