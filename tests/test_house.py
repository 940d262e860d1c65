"""The shape of the house: public names, what importing does, which way imports point, and what the wheel carries."""

import ast
import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

import xrayscan

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "xrayscan"

PUBLIC = [
    "AnomalyMap", "Box", "Calibration", "Explanation", "Finding", "LineScanner", "ModelCard", "Radiograph", "ReadError",
    "Report", "Scan", "Screener", "View", "XrayscanError", "__version__", "explain", "find", "load_model", "normalize", "read",
]  # fmt: skip

# Left to right: a room may import rooms of its own place or to the left.
CHAIN = [
    "errors",
    "_callable",
    "_resources",
    "_threads",
    "_onnxruntime",
    "geometry",
    "stop",
    "scan",
    "io",
    "stretches",
    "arriving",
    "normalize",
    "quality",
    "zoo",
    "network",
    "separation",
    "findings",
    "explain",
    "report",
    "assembly",
    "first_look",
    "rehearsal",
    "screening",
]
EDGES = {"cli", "batch", "service", "simulate", "training", "evaluation", "plugin", "export"}


def test_the_public_names_are_these():
    assert xrayscan.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(xrayscan, name) is not None


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(AttributeError, match="no attribute 'scrub'; it has AnomalyMap"):
        _ = xrayscan.scrub


def test_verbs_stay_verbs_whatever_was_imported_first():
    code = (
        "import xrayscan.normalize.calibrate, xrayscan.explain.overlay\n"
        "import xrayscan as xs\n"
        "assert callable(xs.normalize) and callable(xs.explain)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_importing_does_nothing():
    code = (
        "import sys, os, socket\n"
        "before = dict(os.environ), len(sys.modules)\n"
        "def no(*a, **k): raise AssertionError('network')\n"
        "socket.socket = no\n"
        "import xrayscan\n"
        "assert dict(os.environ) == before[0]\n"
        "heavy = {'torch', 'cv2', 'numpy', 'onnxruntime', 'pydicom', 'tifffile', 'rich', 'typer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == done.stderr == ""


def test_the_chain_needs_no_torch():
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import numpy as np, xrayscan as xs\n"
        "scan = xs.Scan.from_array(np.full((120, 200), 900, np.uint16), air=np.full(120, 1000.0), pixel_pitch=0.02)\n"
        "assert xs.Screener()(scan).priority\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def _room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def _imports(path: Path, at_run_time: bool = True) -> set[str]:
    """Rooms of xrayscan that a module imports, leaving out what only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set()
    for node in ast.walk(tree):
        if at_run_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped |= {id(inner) for inner in ast.walk(node)}
    rooms = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("xrayscan."):
            rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "xrayscan":
            rooms |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("xrayscan.")}
    return rooms


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    room = _room(path)
    if room in EDGES or room.startswith("__"):
        return
    assert room in CHAIN, f"{room} has no place in the chain"
    for other in _imports(path) - {room, "__version__"}:
        if room == "zoo" and other == "network":
            continue  # load_model hands out the runtime, on call
        assert other in CHAIN, f"{path.name} of the chain imports the edge {other}"
        assert CHAIN.index(other) <= CHAIN.index(room), f"{room} imports {other}, which lies right of it"


def test_no_edge_is_imported_by_the_runtime_edges():
    for room in ("cli", "batch"):
        for path in (PACKAGE / room).rglob("*.py"):
            top = {n for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.ImportFrom)}
            assert not {n.module for n in top if n.module and n.module.split(".")[1:2] in (["simulate"], ["training"])}, path


@pytest.mark.parametrize(
    ("room", "right_of_it"), [("simulate", {"evaluation", "training", "cli"}), ("evaluation", {"training", "cli"})]
)
def test_the_makers_build_on_each_other_one_way(room, right_of_it):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not _imports(path) & right_of_it, path


def test_every_package_is_in_the_wheel():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    named = set(config["options"]["packages"].split()) - {"xrayscan.models", "xrayscan.datasets"}
    there = {".".join(p.parent.relative_to(ROOT).parts) for p in PACKAGE.rglob("*.py")}
    assert named == there
    assert not list((ROOT / "models").rglob("__init__.py"))
    assert not list((ROOT / "datasets").rglob("__init__.py"))


@pytest.mark.parametrize("folder", ["models", "datasets", "xrayscan"])
def test_every_data_file_has_a_pattern_that_ships_it(folder):
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    shipped = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True)
    if shipped.returncode or not shipped.stdout:
        pytest.skip("not a git checkout")
    endings = {
        e.rsplit(".", 1)[-1].strip()
        for key in config["options.package_data"]
        for e in config["options.package_data"][key].split(",")
    }
    missing = {f for f in shipped.stdout.split() if f.rsplit(".", 1)[-1] not in endings | {"py"}}
    assert not missing


def test_functions_and_modules_keep_their_size():
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 600, f"{path} is two modules"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                assert lines <= 60, f"{path}:{node.name} has {lines} lines"


def test_every_raises_checks_the_wording():
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("pytest.raises", "pytest.warns"):
                assert "match" in {k.arg for k in node.keywords}, f"{path}:{node.lineno}"


def test_import_time_has_no_heavy_part():
    """The bar of 150 ms lives in benchmarks/; what keeps it is that nothing heavy is loaded."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import xrayscan"], env=env, capture_output=True, text=True, check=True
    )
    loaded = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert not loaded & {"numpy", "cv2", "torch", "onnxruntime"}
