"""Lets torchvision be imported where its build does not fit torch's."""

from __future__ import annotations

try:
    import torch
except ImportError:
    pass
else:
    # The registry's torchvision is a CUDA build: beside a CPU build of torch it misses two operators, and cannot be imported
    # until somebody declares them.
    TORCHVISION = torch.library.Library("torchvision", "FRAGMENT")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        TORCHVISION.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        TORCHVISION.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except ImportError:
        pass
