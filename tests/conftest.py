"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

SHARED = Path(__file__).parents[1] / ".." / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder of real and independent scans beside the checkout; tests that need it are skipped without."""
    if not SHARED.is_dir():
        pytest.skip("the folder of shared scans is not beside this checkout")
    return SHARED
