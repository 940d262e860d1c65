"""Where the shipped models and data sets lie: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

__all__ = ["root"]


def root(name: str) -> Path:
    """Folder of the shipped ``models`` or ``datasets``.

    A wheel carries them as ``xrayscan/models`` and ``xrayscan/datasets``; a checkout and an editable install have them
    beside the package. The one with an ``index.toml`` is the right one.

    Parameters
    ----------
    name : {"models", "datasets"}

    Raises
    ------
    FileNotFoundError
        If neither place holds an ``index.toml``: the installation is broken.
    """
    inside = Path(str(resources.files("xrayscan"))) / name
    beside = inside.parent.parent / name
    for folder in (inside, beside):
        if (folder / "index.toml").is_file():
            return folder
    raise FileNotFoundError(
        f"looking for the shipped {name}: no index.toml in {inside} or {beside}; "
        "the installation is incomplete, reinstall xrayscan"
    )
