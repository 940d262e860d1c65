"""Executes the notebooks and writes them back with what came out: ``python notebooks/execute.py [NAME ...] [--out FOLDER]``.

Pictures become PNG with a palette, so that the whole folder stays small; what differs from machine to machine and from day to
day is left out. Needs ``xrayscan[notebooks]``, and for those that simulate ``xrayscan[train]``.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

import xrayscan
from xrayscan.zoo import load_model

HERE = Path(__file__).resolve().parent
COLORS = 256  # of a picture's palette
SECONDS = 300  # that a cell may take


def notebooks() -> list[Path]:
    """All of them, in their order."""
    return sorted(HERE.glob("*.ipynb"))


def made_of(notebook: Any) -> dict[str, str]:
    """What the outputs of a notebook rest on: its code, the version of xrayscan, and the default model."""
    card = load_model().card
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code = "\0".join((*cells, (HERE / "figures.py").read_text(encoding="utf-8")))
    return {
        "code": hashlib.sha256(code.encode()).hexdigest()[:16],
        "version": xrayscan.__version__,
        "model": f"{card.name} {card.version}",
    }


def execute(path: Path) -> Any:
    """A notebook, run from its first cell to its last in a fresh kernel, with small pictures and nothing of this machine."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"IPYTHONDIR": place, "PYTHONHASHSEED": "0"}  # nobody's own start-up files
        client = NotebookClient(
            notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(HERE)}}, record_timing=False
        )
        client.execute()
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        for output in cell.get("outputs", ()):
            output.get("metadata", {}).clear()
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = small(data["image/png"])
                data.pop("text/plain", None)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "xrayscan": made_of(notebook),
    }
    return notebook


def small(picture: str) -> str:
    """A PNG in base64 with a palette, where that makes it smaller."""
    given = base64.b64decode(picture)
    flat = Image.open(io.BytesIO(given)).convert("RGB")
    out = io.BytesIO()
    flat.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    best = min(given, out.getvalue(), key=len)
    return base64.b64encode(best).decode("ascii")


def main() -> None:
    """Execute those that are named, or all."""
    parser = argparse.ArgumentParser(description="Execute the notebooks and write them back with their outputs.")
    parser.add_argument("names", nargs="*", help="such as 02-counts-to-density; all if none is named")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to; by default where they lie")
    given = parser.parse_args()
    known = {path.stem: path for path in notebooks()}
    odd = [name for name in given.names if name.removesuffix(".ipynb") not in known]
    if odd:
        parser.error(f"there is no notebook {odd[0]!r}; there are {', '.join(known)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name in [name.removesuffix(".ipynb") for name in given.names] or list(known):
        nbformat.write(execute(known[name]), given.out / f"{name}.ipynb")
        print(f"{name}.ipynb is executed", flush=True)


if __name__ == "__main__":
    main()
