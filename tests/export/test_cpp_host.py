"""The example host in C++, built and held against the golden vectors; with ONNX Runtime where its headers are."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from xrayscan.export import bundle as writing
from xrayscan.export import compare, write_bundle
from xrayscan.export.golden import Case
from xrayscan.scan import Radiograph

HEADER = "onnxruntime_cxx_api.h"
INCLUDES = (
    os.environ.get("ONNXRUNTIME_INCLUDE", ""),
    "/usr/include/onnxruntime",
    "/usr/local/include/onnxruntime",
    "/usr/include",
)
FLAGS = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror")


def built(sources: Path, program: Path, *flags: str) -> Path:
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler is on the path")
    done = subprocess.run(
        [compiler, *FLAGS, str(sources / "host.cpp"), "-o", str(program), *flags], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def without(bundle, tmp_path_factory):
    """The host without a network: what comes before it and after it."""
    return built(bundle / "cpp", tmp_path_factory.mktemp("cpp") / "host", "-DXRAYSCAN_WITHOUT_RUNTIME")


def disagreements(host: Path, bundle: Path, results: Path) -> list[str]:
    subprocess.run([host, bundle, results], check=True, capture_output=True)
    return [str(one) for one in compare(bundle, results) if one.outcome != "agrees"]


def test_what_comes_before_and_after_the_network_agrees(without, bundle, tmp_path):
    assert disagreements(without, bundle, tmp_path) == []


def test_any_radiograph_agrees(without, tiny, tmp_path, monkeypatch):
    """Sizes from one pixel on, any pitch, any share of pixels that are not valid, none of them valid."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(40):
        shape = tuple(int(size) for size in rng.integers(1, 60, 2)) if number % 8 else (1, int(rng.integers(1, 3)))
        depth = rng.normal(1.0, 1.0, (int(rng.integers(1, 3)), *shape))
        valid = rng.random(shape) < rng.choice([0.0, 0.02, 0.3, 0.9, 1.0])
        depth[:, ~valid] = np.nan
        pitch = tuple(float(one) for one in rng.uniform(0.002, 0.03, 2))
        energies = ("high", "low")[: len(depth)]
        made.append(Case(f"case-{number}", Radiograph(depth, valid, rng.random(shape) < 0.1, pitch, energies=energies)))
    monkeypatch.setattr(writing, "cases", lambda grid: tuple(made))
    write_bundle(tiny, tmp_path / "bundle")
    assert disagreements(without, tmp_path / "bundle", tmp_path / "results") == []


def test_the_host_says_what_is_wrong(without, tmp_path):
    done = subprocess.run([without, tmp_path / "nothing", tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert "can not read golden/cases.tsv of" in done.stderr
    assert subprocess.run([without], capture_output=True).returncode == 2


@pytest.fixture(scope="module")
def whole(bundle, tmp_path_factory):
    """The host with ONNX Runtime: Debian's or the release's headers, and the library of the Python package."""
    include = next((folder for folder in INCLUDES if folder and (Path(folder) / HEADER).is_file()), None)
    if include is None:
        pytest.skip(f"{HEADER} is not here: install Debian 13's libonnxruntime-dev, or name its folder in ONNXRUNTIME_INCLUDE")
    library = next(Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*"), None)
    if library is None:
        pytest.skip("the installed onnxruntime has its library under another name")
    folder = tmp_path_factory.mktemp("cpp-whole")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(library)
    return built(
        bundle / "cpp", folder / "host", f"-I{include}", f"-L{folder}", "-lonnxruntime", f"-Wl,-rpath,{folder}"
    )  # fmt: skip


def test_the_whole_host_agrees(whole, bundle, tmp_path):
    assert disagreements(whole, bundle, tmp_path) == []
