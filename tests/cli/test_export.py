"""``xrayscan export``: the default model as a bundle, what is printed, and how it ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xrayscan.cli.console import messages, results
from xrayscan.cli.main import app


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "width", 180)
    monkeypatch.setattr(messages, "width", 180)


def invoke(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["export", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "default"
    code, printed, _ = invoke("--bundle", folder)
    assert code == 0
    assert "begin with its README.md" in printed
    return folder


def test_the_default_model_becomes_a_sound_bundle(bundle):
    code, printed, _ = invoke("--check", bundle)
    assert (code, printed) == (0, "all files of the bundle are as they were written\n")
    assert (bundle / "model.onnx").is_file()


def test_a_host_that_computed_the_golden_vectors_agrees(bundle):
    code, printed, _ = invoke("--check", bundle, "--results", bundle / "golden")
    assert code == 0
    assert "one-energy, input: agrees, within 0.0e+00\n" in printed
    assert printed.rstrip().endswith("steps agree")


def test_a_host_that_went_wrong_is_told_where_to_begin(bundle, tmp_path):
    shutil.copytree(bundle / "golden", tmp_path / "results", ignore=shutil.ignore_patterns("*.npy"))
    (tmp_path / "results" / "coarser" / "input.f32").write_bytes(b"")
    (tmp_path / "results" / "coarser" / "score.f32").unlink()
    code, printed, _ = invoke("--check", bundle, "--results", tmp_path / "results")
    assert code == 1
    assert "coarser, input: differs, input.f32 has 0 bytes; expected" in printed
    assert "coarser, score: missing, write" in printed
    assert "1 differs, 1 missing. Begin with the input of coarser" in printed


def test_a_damaged_bundle_is_not_compared_with(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "copy")
    (tmp_path / "copy" / "model.onnx").write_bytes(b"other weights")
    code, printed, _ = invoke("--check", tmp_path / "copy", "--results", bundle / "golden")
    assert code == 1
    assert "model.onnx is not the file that was written" in printed
    assert "agrees" not in printed


def test_wrong_use_is_told(bundle, tmp_path):
    for arguments, said in (
        ((), "give either --bundle DIR, to write one, or --check DIR"),
        (("--bundle", tmp_path / "a", "--check", bundle), "give either --bundle DIR"),
        (("--bundle", tmp_path / "a", "--results", bundle), "--results goes with --check DIR"),
        (("unet", "--check", bundle), "--check takes no model"),
        (("nobody", "--bundle", tmp_path / "a"), "there is no model 'nobody'"),
        (("--bundle", bundle), "is not empty; name a new folder"),
        (("--check", tmp_path), "has no SHA256SUMS"),
    ):
        code, _, told = invoke(*arguments)
        assert code == 2, arguments
        assert said in told, told
