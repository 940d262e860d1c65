"""What a bundle holds, and that it is what the library computes."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import tiny_model

from xrayscan import load_model
from xrayscan.errors import ModelError, UnknownModelError
from xrayscan.export import write_bundle
from xrayscan.export.golden import cases
from xrayscan.findings import scan_score
from xrayscan.network.grid import grid_shape, padded, to_grid

ROOT = Path(__file__).parents[2]


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_file_is_in_the_list_of_hashes(bundle):
    held = files(bundle)
    listed = dict(reversed(line.split("  ")) for line in held.pop("SHA256SUMS").decode().splitlines())
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in held.items()}
    top = {name.split("/")[0] for name in held}
    assert top == {"LICENSE", "README.md", "bundle.json", "card.toml", "cpp", "golden", "model.onnx", "novelty"}
    assert b"Apache License" in held["LICENSE"]


def test_the_same_model_gives_the_same_bytes(tiny, bundle, tmp_path):
    digest = write_bundle(tiny, tmp_path / "again")
    assert files(tmp_path / "again") == files(bundle)
    assert digest == hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest()


def test_the_vectors_are_what_the_library_computes(tiny, bundle):
    described = json.loads((bundle / "bundle.json").read_text())["golden"]
    model = load_model(tiny)
    for case, told in zip(cases(0.01), described["cases"], strict=True):
        anomaly = model(case.radiograph)
        expected = {
            "optical_depth": case.radiograph.optical_depth,
            "valid": case.radiograph.valid,
            "opaque": case.radiograph.opaque,
            "input": padded(to_grid(case.radiograph, 0.01))[None],
            "maps": [anomaly.person, anomaly.void, anomaly.density, anomaly.added, anomaly.missing],
            "score": [scan_score(anomaly, case.radiograph)],
            "novelty": [anomaly.novelty],
        }
        assert told["name"] == case.name
        assert set(told["shapes"]) == {*expected, "output", "features", "drawn", "drawn-maps", "drawn-score"}
        for name, array in expected.items():
            raw = np.fromfile(bundle / "golden" / case.name / f"{name}.f32", "<f4").reshape(told["shapes"][name])
            np.testing.assert_allclose(raw, np.asarray(array, np.float32), atol=1e-6)
            np.testing.assert_array_equal(raw, np.load(bundle / "golden" / case.name / f"{name}.npy"))


@pytest.mark.parametrize("grid", [0.005, 0.01, 0.02])
def test_the_radiographs_hold_what_hosts_get_wrong(grid):
    made = [case.radiograph for case in cases(grid)]
    grids = [grid_shape(one, grid) for one in made]
    assert grids == [grid_shape(case.radiograph, 0.01) for case in cases(0.01)]
    assert {len(one.energies) for one in made} == {1, 2}
    assert any(one.valid.all() for one in made)
    assert any(len(set(one.pixel_pitch)) == 2 for one in made)
    assert all(one.opaque.any() for one in made)
    assert any(shape[0] % 32 and shape[1] % 32 for shape in grids)
    larger = {(shape[0] > one.shape[0], shape[1] > one.shape[1]) for shape, one in zip(grids, made, strict=True)}
    assert larger == {(False, False), (True, True), (False, True)}
    assert any((to_grid(one, grid)[3] == 0).any() for one in made)  # cells with nothing valid in them
    for limit in (-0.2, 8.0):
        assert any((to_grid(one, grid)[0] == np.float32(limit)).any() for one in made)


def test_what_comes_after_the_network_is_tried_whatever_the_weights_say(bundle):
    for case in cases(0.01):
        folder = bundle / "golden" / case.name
        maps, score = np.load(folder / "drawn-maps.npy"), np.load(folder / "drawn-score.npy")
        seen = case.radiograph.valid & ~case.radiograph.opaque
        assert not maps[:, ~seen].any()
        assert (maps[:, seen] > 0).all()
        assert 0.4 < score[0] < maps[0].max()


def test_the_description_is_the_models(bundle):
    described = json.loads((bundle / "bundle.json").read_text())
    assert described["model"]["files"] == {"model.onnx": hashlib.sha256((bundle / "model.onnx").read_bytes()).hexdigest()}
    assert described["network"]["reach_px"] == 1
    assert described["postprocessing"]["thresholds"] == [{"false_alarm_rate": 0.01, "scan_score": 0.9}]
    assert described["postprocessing"]["calibration"] == {"person": {"slope": 1.0, "intercept": 0.5}}
    read = (bundle / "README.md").read_text(encoding="utf-8")
    for part in ("| 0.01 | 0.9 |", "| person | 1.0 | 0.5 |", "It looks 1 pixels", "-0.2 ... 8.0", "0.99 on the scan is unlike"):
        assert part in read
    assert not re.search(r"\{[{%]|None|undefined", read)


def test_a_model_that_does_not_tell_how_new_a_scan_is(tmp_path):
    write_bundle(tiny_model(tmp_path / "tiny", tells=False), tmp_path / "bundle")
    described = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert described["novelty"] is None
    assert [step["name"] for step in described["golden"]["steps"]] == [
        "input",
        "output",
        "maps",
        "score",
        "drawn-maps",
        "drawn-score",
    ]
    assert not (tmp_path / "bundle" / "novelty").exists()
    assert "does not tell how unlike" in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")


def test_an_int8_network_goes_along_and_is_told_apart(tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / "both")
    shutil.copy(tiny / "model.onnx", tmp_path / "both" / "model-int8.onnx")
    card = (tiny / "card.toml").read_text()
    digest = hashlib.sha256((tiny / "model.onnx").read_bytes()).hexdigest()
    (tmp_path / "both" / "card.toml").write_text(card.replace("[sha256]", f'[sha256]\n"model-int8.onnx" = "{digest}"'))
    write_bundle(tmp_path / "both", tmp_path / "bundle")
    assert (tmp_path / "bundle" / "model-int8.onnx").is_file()
    read = (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")
    assert "| `model-int8.onnx` | the same in int8" in read
    assert "| `model.onnx` | the network, float32 |" in read


def test_what_is_there_is_never_written_over(tiny, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="mine is there and is not empty; name a new folder"):
        write_bundle(tiny, tmp_path / "mine")
    with pytest.raises(UnknownModelError, match="there is no model 'nobody'"):
        write_bundle("nobody", tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_nothing_is_left_of_an_export_that_failed(tiny, tmp_path):
    card = (tiny / "card.toml").read_text().replace('"model.onnx"', '"weights.safetensors"')
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "card.toml").write_text(card)
    with pytest.raises(ModelError, match=r"its folder holds no model\.onnx"):
        write_bundle(tmp_path / "model", tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_it_needs_no_torch(tiny, tmp_path):
    code = (
        "import sys; from pathlib import Path; sys.modules['torch'] = sys.modules['onnx'] = None\n"
        "from xrayscan.export import compare, damages, write_bundle\n"
        "model, bundle = map(Path, sys.argv[1:])\n"
        "write_bundle(model, bundle); assert not damages(bundle)\n"
        "assert all(one.outcome == 'agrees' for one in compare(bundle, bundle / 'golden'))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tiny), str(tmp_path / "bundle")], check=True, cwd=ROOT)
