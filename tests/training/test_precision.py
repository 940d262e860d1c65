"""bfloat16 only where the processor computes in it."""

from __future__ import annotations

import pytest
import torch

from xrayscan.training import precision

CASES = [("cpu", True, torch.bfloat16), ("cpu", False, torch.float32)]


@pytest.mark.parametrize(("device", "native", "expected"), CASES, ids=["with units for matrices", "without them"])
def test_a_processor_without_units_for_matrices_computes_in_single_precision(monkeypatch, device, native, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: native, raising=False)
    with precision.mixed(device):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is expected


def test_an_older_torch_computes_in_single_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    with precision.mixed("cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
