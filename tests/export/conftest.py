"""A bundle of a tiny model, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import tiny_model

from xrayscan.export import write_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def bundle(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    write_bundle(tiny, folder)
    return folder
