"""What the checker says of hosts that are right, nearly right and wrong."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from xrayscan.errors import ModelError
from xrayscan.export import compare, damages


@pytest.fixture
def results(bundle, tmp_path):
    """What a host would have written, and how to change one step of it."""
    folder = tmp_path / "results"
    shutil.copytree(bundle / "golden", folder, ignore=shutil.ignore_patterns("*.npy", "cases.tsv"))
    return folder


def altered(bundle, results, case, step, change):
    described = json.loads((bundle / "bundle.json").read_text())["golden"]
    shape = next(one["shapes"][step] for one in described["cases"] if one["name"] == case)
    path = results / case / f"{step}.f32"
    array = np.fromfile(path, "<f4").reshape(shape)
    array = change(array)
    path.write_bytes(np.ascontiguousarray(array, "<f4").tobytes())
    return next(one for one in compare(bundle, results) if (one.case, one.step) == (case, step))


def added(array, where, by):
    array[where] += by
    return array


def test_a_host_that_computed_all_agrees(bundle, results):
    steps = compare(bundle, results)
    assert {one.outcome for one in steps} == {"agrees"}
    assert len(steps) == 4 * 8


def test_numpy_files_will_do(bundle, tmp_path):
    for case in (bundle / "golden").iterdir():
        if case.is_dir():
            shutil.copytree(case, tmp_path / case.name, ignore=shutil.ignore_patterns("*.f32"))
    assert {one.outcome for one in compare(bundle, tmp_path)} == {"agrees"}


def test_rounding_is_let_pass(bundle, results):
    assert altered(bundle, results, "coarser", "output", lambda a: a + 2e-4).outcome == "agrees"


def test_one_number_is_found_and_named(bundle, results):
    told = altered(bundle, results, "coarser", "input", lambda a: added(a, (0, 3, 11, 12), 0.5))
    assert told.outcome == "differs"
    assert "1 of 46080 numbers differ by more than 0.0001" in told.text
    assert "in 'valid'; the worst at plane 'valid', row 11, column 12:" in told.text


def test_padding_that_is_called_valid(bundle, results):
    def valid(array):
        array[0, 3, 70:] = 1.0
        return array

    assert "all of them lie in the padding: it repeats the edge" in altered(bundle, results, "one-energy", "input", valid).text


def test_maps_that_are_not_masked(bundle, results):
    opaque = np.fromfile(bundle / "golden" / "coarser" / "opaque.f32", "<f4").reshape(41, 53) > 0
    told = altered(bundle, results, "coarser", "maps", lambda a: added(a, (0, opaque), 0.5))
    assert "all of them lie where the scan is opaque or not valid: there the maps are 0" in told.text


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda a: a.byteswap(), "big-endian order: write little-endian"),
        (lambda a: np.ascontiguousarray(a.swapaxes(-1, -2)), "rows and columns are exchanged"),
        (lambda a: np.where(a > 1, np.nan, a), "are not finite: pixels that are not valid hold NaN"),
        (lambda a: a[:, :4], r"has 196608 bytes; expected 245760: 1 x 5 x 96 x 128 numbers of 4 bytes"),
    ],
)
def test_common_mistakes_are_named(bundle, results, change, hint):
    told = altered(bundle, results, "finer-two-energies", "input", change)
    assert told.outcome == "differs"
    assert hint in told.text


def test_what_is_missing_is_no_agreement(bundle, results):
    (results / "coarser" / "score.f32").unlink()
    (told,) = (one for one in compare(bundle, results) if one.outcome != "agrees")
    assert str(told).startswith("coarser, score: missing: write ")


@pytest.mark.parametrize(
    ("array", "text"),
    [(np.zeros(3, np.float32), "holds float32 of shape (3,); expected (1,)"), (np.array([1]), "holds int64 of shape (1,)")],
)
def test_a_numpy_file_of_something_else(bundle, results, array, text):
    (results / "coarser" / "score.f32").unlink()
    np.save(results / "coarser" / "score.npy", array)
    (told,) = (one for one in compare(bundle, results) if one.outcome != "agrees")
    assert text in told.text


def test_a_broken_numpy_file(bundle, results):
    (results / "coarser" / "score.f32").unlink()
    for data in (b"", b"\x93NUMPY", b"no array at all", bytes(9000)):
        (results / "coarser" / "score.npy").write_bytes(data)
        (told,) = (one for one in compare(bundle, results) if one.outcome != "agrees")
        assert "score.npy" in told.text


def test_damage_is_found_by_the_hashes(bundle, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    assert damages(copy) == ()
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"x")
    (copy / "golden" / "coarser" / "input.f32").unlink()
    assert [text.split(" ")[0] for text in damages(copy)] == ["golden/coarser/input.f32", "model.onnx"]


@pytest.mark.parametrize("line", ["0" * 64 + "  ../outside", "no hash at all", "0" * 63 + "  model.onnx"])
def test_a_list_of_hashes_that_is_none(tmp_path, line):
    (tmp_path / "SHA256SUMS").write_text(line + "\n")
    with pytest.raises(ModelError, match="SHA256SUMS holds .*copy the whole folder again"):
        damages(tmp_path)


def test_what_is_no_bundle_is_refused(bundle, tmp_path):
    with pytest.raises(ModelError, match="has no SHA256SUMS that can be read; pass a folder that xrayscan export wrote"):
        damages(tmp_path)
    with pytest.raises(ModelError, match=r"its bundle\.json can not be read"):
        compare(tmp_path, tmp_path)
    with pytest.raises(NotADirectoryError, match="nowhere is no folder; pass the one that the host wrote"):
        compare(bundle, tmp_path / "nowhere")
    (tmp_path / "bundle.json").write_text('{"format": 2, "golden": {"cases": [], "steps": []}}')
    with pytest.raises(ModelError, match="it is of format 2; this version reads format 1"):
        compare(tmp_path, tmp_path)
    (tmp_path / "bundle.json").write_text('{"format": 1, "golden": {"cases": [{"name": "../up"}], "steps": []}}')
    with pytest.raises(ModelError, match="this version reads format 1"):
        compare(tmp_path, tmp_path)
