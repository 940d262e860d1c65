"""Mixed precision where the processor has it. Needs ``xrayscan[train]``."""

from __future__ import annotations

import torch

__all__ = ["mixed"]


def mixed(device: str) -> torch.autocast:
    """A context in which convolutions are computed in bfloat16, if the device does so by itself.

    A processor without the instructions (Intel before Cooper Lake, AMD before Zen 4) imitates them, at three times the time of
    single precision: there the context changes nothing.

    Parameters
    ----------
    device : str
        "cpu" or "cuda", with or without its number.
    """
    kind = device.split(":")[0]
    return torch.autocast(kind, torch.bfloat16, enabled=kind != "cpu" or _native())


def _native() -> bool:
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch keeps the name to itself
    return bool(probe()) if probe else False
