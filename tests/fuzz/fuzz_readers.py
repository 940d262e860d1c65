"""Reads damaged files of every format and counts what comes of them.

    python tests/fuzz/fuzz_readers.py [--cases 100000] [--processes 2] [--seed 1] [--keep DIR]

Every outcome must be a scan or a `ReadError` (or the name of a package that is not installed), within a time and with
memory that depend on what the file really holds: at most `seconds_for` and `bytes_for` its size. Anything else, a crash of
the process among it, is a violation: it is listed, its files are kept in DIR, and the exit status is 1. Each case is known
by its number: ``--only NUMBER`` does one again.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing as mp
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mutation import mutated
from seeds import Seed, seeds

__all__ = ["Case", "Outcome", "bytes_for", "case", "outcome_of", "seconds_for"]

BATCH = 50
STUCK = 30.0


@dataclass(frozen=True)
class Case:
    """One damaged seed."""

    number: int
    name: str
    files: Seed

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))


@dataclass(frozen=True)
class Outcome:
    """What came of a case; ``violation`` is empty where that was as it should be."""

    number: int
    name: str
    kind: str
    seconds: float
    violation: str = ""


def seconds_for(size: int) -> float:
    """What reading a file of so many bytes may take [s], on a machine that is busy with something else."""
    return 2.0 + size / 1e5


def bytes_for(size: int) -> float:
    """What reading a file of so many bytes may add to the peak memory: no more than deflate can pack into it, twice."""
    return 256e6 + 2 * 1032 * size


def case(number: int, seed: int, made: dict[str, Seed]) -> Case:
    """The case of that number: which seed, and its damage."""
    rng = random.Random(f"{seed}-{number}")
    name = sorted(made)[number % len(made)]
    return Case(number, name, mutated(made[name], rng, tuple(files[next(iter(files))] for files in made.values())))


def outcome_of(one: Case, folder: Path) -> Outcome:
    """Read the case in this process."""
    import xrayscan.io
    from xrayscan.errors import MissingDependencyError, ReadError
    from xrayscan.scan import Scan

    for old in folder.iterdir():
        old.unlink()
    for name, data in one.files.items():
        (folder / name).write_bytes(data)
    peak, start, violation = _peak(), time.perf_counter(), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            scan = xrayscan.io.read(folder / next(iter(one.files)))
        kind = "scan"
        if not isinstance(scan, Scan):
            violation = f"gave a {type(scan).__name__}"
    except ReadError as error:
        kind = type(error).__name__
        if not any(name in str(error) for name in one.files):
            violation = f"the error does not name the file: {error}"
    except MissingDependencyError:
        kind = "MissingDependencyError"
    except Exception:  # noqa: BLE001  whatever it is, it is what this looks for
        kind, violation = "another exception", traceback.format_exc(limit=-4)
    seconds, grown = time.perf_counter() - start, _peak() - peak
    if seconds > seconds_for(one.size):
        violation = violation or f"took {seconds:.1f} s for {one.size} bytes"
    if grown > bytes_for(one.size):
        violation = violation or f"took {grown / 1e6:.0f} MB for {one.size} bytes"
    return Outcome(one.number, one.name, kind, seconds, violation)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def _work(pipe: Connection, seed: int) -> None:
    """Batches of numbers in, outcomes out; says before each case which it is, so that a crash has a name."""
    made = seeds()
    with tempfile.TemporaryDirectory() as folder:
        while (numbers := pipe.recv()) is not None:
            for number in numbers:
                pipe.send(number)
                pipe.send(outcome_of(case(number, seed, made), Path(folder)))
            pipe.send(None)


class _Worker:
    """A process, what it is to do, and what it is doing."""

    def __init__(self, seed: int) -> None:
        context = mp.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, seed), daemon=True)
        self.process.start()
        theirs.close()
        self.numbers: list[int] = []
        self.doing: int | None = None
        self.done = False
        self.since = time.monotonic()

    def give(self, numbers: list[int]) -> None:
        self.numbers, self.done = numbers, not numbers
        self.pipe.send(numbers or None)
        self.since = time.monotonic()


def run(cases: int, processes: int, seed: int, first: int = 0) -> list[Outcome]:
    """All cases' outcomes; a process that dies or is stuck is a violation of its case, and the rest goes on."""
    names = sorted(seeds())
    waiting = collections.deque(range(first, first + cases))
    workers = [_Worker(seed) for _ in range(processes)]
    for worker in workers:
        worker.give(_batch(waiting))
    outcomes: list[Outcome] = []
    while workers:
        ready = wait([worker.pipe for worker in workers], timeout=1.0)
        for worker in list(workers):
            if worker.pipe in ready:
                problem = _heard(worker, waiting, outcomes)
            else:
                problem = (
                    f"stuck for {STUCK:g} s" if worker.doing is not None and time.monotonic() - worker.since > STUCK else ""
                )
            if problem:
                worker.process.kill()
                worker.process.join()
                lost = worker.doing if worker.doing is not None else (worker.numbers or [-1])[0]
                outcomes.append(Outcome(lost, names[lost % len(names)], "crash", 0.0, problem))
                waiting.extendleft(reversed([n for n in worker.numbers if n != lost]))
                workers.remove(worker)
                workers.append(_Worker(seed))
                workers[-1].give(_batch(waiting))
            elif worker.done:
                workers.remove(worker)
    return outcomes


def _batch(waiting: collections.deque[int]) -> list[int]:
    return [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]


def _heard(worker: _Worker, waiting: collections.deque[int], outcomes: list[Outcome]) -> str:
    """Take what a worker says; gives a problem if it is gone."""
    try:
        said = worker.pipe.recv()
    except EOFError:
        worker.process.join()
        return f"the process died (exit code {worker.process.exitcode})" if worker.numbers else ""
    worker.since = time.monotonic()
    if isinstance(said, int):
        worker.doing = said
    elif isinstance(said, Outcome):
        outcomes.append(said)
        worker.numbers = [number for number in worker.numbers if number != said.number]
        worker.doing = None
    else:
        worker.give(_batch(waiting))
    return ""


def _table(outcomes: list[Outcome]) -> str:
    """Counts by ending of the file's name and kind of outcome."""
    kinds = sorted({outcome.kind for outcome in outcomes})
    rows = collections.defaultdict(collections.Counter)
    slowest: dict[str, float] = collections.defaultdict(float)
    for outcome in outcomes:
        ending = outcome.name.rsplit(".", 1)[-1]
        rows[ending][outcome.kind] += 1
        slowest[ending] = max(slowest[ending], outcome.seconds)
    lines = ["| files | " + " | ".join(kinds) + " | slowest [s] |", "| --- |" + " ---: |" * (len(kinds) + 1)]
    for ending in sorted(rows):
        counts = " | ".join(str(rows[ending][kind]) for kind in kinds)
        lines.append(f"| {ending} | {counts} | {slowest[ending]:.2f} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="do the case of this number again, in this process")
    parser.add_argument("--keep", type=Path, help="folder for the files of violations")
    options = parser.parse_args()
    if options.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(outcome_of(case(options.only, options.seed, seeds()), Path(folder)))
        return 0
    start = time.monotonic()
    outcomes = run(options.cases, options.processes, options.seed)
    print(_table(outcomes))
    bad = [outcome for outcome in outcomes if outcome.violation]
    print(f"{len(outcomes)} cases in {time.monotonic() - start:.0f} s, seed {options.seed}, {len(bad)} violations")
    made = seeds() if bad else {}
    for outcome in bad:
        print(f"\ncase {outcome.number} ({outcome.name}): {outcome.kind}: {outcome.violation}")
        if options.keep:
            target = options.keep / str(outcome.number)
            target.mkdir(parents=True, exist_ok=True)
            for name, data in case(outcome.number, options.seed, made).files.items():
                (target / name).write_bytes(data)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
