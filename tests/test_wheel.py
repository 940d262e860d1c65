"""What `pip install xrayscan` really brings: a wheel is built and looked into."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("build")
ROOT = Path(__file__).parents[1]
PARTS = ("xrayscan", "models", "datasets", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    # Built from a copy: a build leaves its own folders behind, from which a renamed file would ship twice.
    folder = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_is_in_it(names):
    there = {str(p.relative_to(ROOT)) for p in (ROOT / "xrayscan").rglob("*.py")}
    assert there == {n for n in names if n.startswith("xrayscan/") and n.endswith(".py")}


def test_every_data_file_is_in_it(names):
    """Models, samples, templates, schema and tables, each where the installed package looks for it.

    Weights that a recipe starts from are for a checkout: their recipe names their place in it.
    """
    for top, inside in (("models", "xrayscan/models"), ("datasets", "xrayscan/datasets"), ("xrayscan", "xrayscan")):
        for path in (ROOT / top).rglob("*"):
            to_start_from = top == "datasets" and path.suffix == ".safetensors"
            if path.is_file() and path.suffix not in (".py", ".pyc") and not to_start_from:
                assert f"{inside}/{path.relative_to(ROOT / top)}" in names


def test_nothing_else_is_in_it(names):
    assert {n.split("/")[0].split("-")[0] for n in names} == {"xrayscan"}
