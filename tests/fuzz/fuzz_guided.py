"""Coverage-guided fuzzing of the readers (needs atheris): inputs that reach new lines of the readers are kept and bred from.

    pip install "xrayscan[fuzz]"
    python tests/fuzz/fuzz_guided.py [CORPUS] -runs=100000 [libFuzzer options]

CORPUS is a folder that grows; the seeds of every format are put there first. The first byte of an input chooses the name
under which the rest is read. An outcome that is neither a scan nor a `ReadError` stops it and leaves the input in a file.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_readers import Case, outcome_of
from seeds import seeds

SUFFIXES = (".tif", ".png", ".jpg", ".npy", ".npz", ".h5", ".dcm", ".zip", ".toml", ".json")
TEXTS = (".toml", ".json")


def files_of(data: bytes) -> dict[str, bytes]:
    """The files that an input stands for."""
    suffix = SUFFIXES[data[0] % len(SUFFIXES)]
    if suffix not in TEXTS:
        return {f"a{suffix}": data[1:]}
    return {"a.raw": bytes(4096), f"a.xrayscan{suffix}": data[1:]}


def main() -> None:
    # Here, because the readers must not be loaded before they are instrumented, nor this wherever tests are collected.
    import atheris

    folder = Path(tempfile.mkdtemp())
    with atheris.instrument_imports(include=["xrayscan"]):
        from xrayscan.io import registry

        registry.readers()

    def once(data: bytes) -> None:
        if data:
            outcome = outcome_of(Case(0, "guided", files_of(data)), folder)
            if outcome.violation:
                raise AssertionError(outcome.violation)

    arguments = [*sys.argv]
    corpus = next((Path(value) for value in arguments[1:] if not value.startswith("-")), None)
    if corpus is None:
        corpus = Path(tempfile.mkdtemp())
        arguments.insert(1, str(corpus))
    corpus.mkdir(parents=True, exist_ok=True)
    for name, files in seeds().items():
        for file, data in files.items():
            suffix = Path(file).suffix
            if suffix in SUFFIXES:
                (corpus / f"{name.replace(' ', '-')}-{file}").write_bytes(bytes([SUFFIXES.index(suffix)]) + data)
    warnings.simplefilter("ignore")
    atheris.Setup(arguments, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
