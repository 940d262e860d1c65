"""Every notebook runs from its first cell to its last in a fresh kernel, and what is committed is what comes out."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
LARGEST = 2_000_000  # bytes of the whole folder
LOCAL = ("/home/", "/root/", "/tmp/", "/Users/", "/var/folders/", ":\\\\Users", "site-packages", str(ROOT), sys.prefix)
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
ABOUT = 0.05  # by which a figure may differ on another machine


def held(folder, name):
    return json.loads((folder / f"{name}.ipynb").read_text(encoding="utf-8"))


def shown(notebook):
    """Texts and number of pictures of each code cell."""
    out = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            data = [output.get("data", {"text/plain": output.get("text", "")}) for output in cell["outputs"]]
            texts = ["".join(part["text/plain"]) for part in data if "text/plain" in part]
            out.append((texts, sum("image/png" in part for part in data)))
    return out


def alike(one, other):
    """Whether two texts have the same words, and figures that are as good as the same."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(_close(*(float(text.replace(",", "").rstrip(".")) for text in pair), pair[0]) for pair in pairs)


def _close(one, other, text):
    last = 10.0 ** -len(text.partition(".")[2].partition("e")[0])  # a unit of the last digit that is shown
    return abs(one - other) <= ABOUT * max(abs(one), abs(other)) + (last if "e" not in text else 0.0)


def test_the_comparison_of_texts():
    assert alike("12.0% of 3,400 scans, +0.31", "12.1% of 3,401 scans, +0.32")
    assert not alike("12.0% of the load", "14.0% of the load")
    assert not alike("no finding", "1 finding")


def test_there_are_five_and_the_readme_lists_them():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name[:2] for name in NAMES] == ["01", "02", "03", "04", "05"]
    for name in NAMES:
        assert f"(notebooks/{name}.ipynb)" in readme


def test_the_folder_is_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_kept_and_are_of_this_code_version_and_model(name):
    spec = importlib.util.spec_from_file_location("notebooks_execute", FOLDER / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    notebook = module.nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    again = f"run: python notebooks/execute.py {name}"
    assert notebook.metadata.get("xrayscan") == module.made_of(notebook), again


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_machine_is_inside(name):
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert [place for place in LOCAL if place in text] == []
    assert {output["output_type"] for cell in held(FOLDER, name)["cells"] for output in cell.get("outputs", ())} <= {
        "display_data",
        "execute_result",
    }


@pytest.mark.notebook
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_through_and_shows_what_is_committed(name, tmp_path):
    command = [sys.executable, str(FOLDER / "execute.py"), name, "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    text = (tmp_path / f"{name}.ipynb").read_text(encoding="utf-8")
    assert [place for place in LOCAL if place in text] == []
    before, after = shown(held(FOLDER, name)), shown(held(tmp_path, name))
    for number, (old, new) in enumerate(zip(before, after, strict=True), 1):
        same = old[1] == new[1] and len(old[0]) == len(new[0]) and all(map(alike, old[0], new[0]))
        assert same, (
            f"{name}, code cell {number}, shows {new[0]} and {new[1]} pictures; committed are {old[0]} and {old[1]}. "
            f"Run: python notebooks/execute.py {name}, and read it again"
        )
