"""A network as it is exported: its answer, what it saw on the way, and how far it looks. Needs ``xrayscan[train]``."""

from __future__ import annotations

from xrayscan.errors import ModelError
from xrayscan.network.designs import Answer
from xrayscan.network.grid import MULTIPLE
from xrayscan.network.unet import functional, nn, torch

__all__ = ["Exported", "reach_of", "stages_of"]

FIRST_STRIDE = 4  # of the first of the stages below the stem; each next halves the grid once more
WIDEST = 2048  # px; a network that reaches farther looks everywhere


def stages_of(network: nn.Module) -> nn.ModuleList:
    """The stages below the stem, at a quarter, an eighth, ... of the grid, of any of the designs.

    Raises
    ------
    ModelError
        If the network has none by the names that the designs use.
    """
    for name in ("down", "stages"):
        stages = getattr(network, name, None)
        if isinstance(stages, nn.ModuleList):
            return stages
    raise ModelError(f"{type(network).__name__} has no list of stages named 'down' or 'stages', whose features are to be told")


class Exported(nn.Module):
    """A network with two outputs.

    The first is `xrayscan.network.designs.Answer`. The second is what it felt in each cell of 32 by 32 pixels: for each channel
    of each stage the mean over the cell, and for the stages finer than a cell the mean square; shape (batch, features,
    rows / 32, columns / 32). Means over cells, not over the picture, so that the cells of tiles are the cells of the whole.

    Examples
    --------
    >>> from xrayscan.network.designs import build
    >>> planes, features = Exported(build("unet", 8)).eval()(torch.zeros(1, 5, 64, 96))
    >>> planes.shape, features.shape[2:]
    (torch.Size([1, 5, 64, 96]), torch.Size([2, 3]))
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.answer = Answer(network)
        self._felt: list[torch.Tensor] = []
        for stage in stages_of(network):
            stage.register_forward_hook(self._keep)

    def _keep(self, stage: nn.Module, given: tuple[torch.Tensor, ...], felt: torch.Tensor) -> None:
        self._felt.append(felt)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of an input of shape (batch, 5, rows, columns)."""
        self._felt.clear()
        answer = self.answer(x)
        parts, stride = [], FIRST_STRIDE
        for felt in self._felt:
            side = MULTIPLE // stride
            parts.append(functional.avg_pool2d(felt, side) if side > 1 else felt)
            if side > 1:
                parts.append(functional.avg_pool2d(felt * felt, side))
            stride *= 2
        self._felt.clear()
        return answer, torch.cat(parts, dim=1)


def reach_of(network: nn.Module) -> int | None:
    """How far a network looks [px]: beyond that distance nothing changes its answer; None where it looks everywhere.

    Found by what not-a-number does: everything that is computed of it becomes not-a-number, whatever the weights are. The
    half of a picture that is set to it begins on a coarsest cell, as tiles do.

    Examples
    --------
    >>> from xrayscan.network.designs import build
    >>> reach_of(build("unet", 4)), reach_of(build("unet-strips", 4))
    (187, 1147)
    """
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    farthest = 0
    with torch.inference_mode():
        for shape in ((MULTIPLE, 2 * (WIDEST + MULTIPLE)), (2 * (WIDEST + MULTIPLE), MULTIPLE)):
            along = int(shape[1] > shape[0])
            middle = shape[along] // 2
            for half in (slice(None, middle), slice(middle, None)):
                x = torch.zeros(1, 5, *shape, device=device)
                x[(..., half) if along else (..., half, slice(None))] = torch.nan
                touched = torch.isnan(network(x)).amax(dim=(0, 1, 2 if along else 3)).nonzero().flatten()
                ends = int(touched.min()), int(touched.max())
                farthest = max(farthest, middle - ends[0] if half.start else ends[1] - middle + 1)
    network.train(was_training)
    return farthest if farthest <= WIDEST else None
