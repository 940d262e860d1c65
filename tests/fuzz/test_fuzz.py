"""A short run of the fuzzers: the long one is ``python tests/fuzz/fuzz_readers.py --cases 100000``."""

from __future__ import annotations

import random

import pytest
from fuzz_readers import Case, bytes_for, case, outcome_of, run, seconds_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutation import damaged, deep
from seeds import seeds

CASES = 3000
SEED = 20261124


def test_damaged_files_give_a_scan_or_a_read_error():
    outcomes = run(CASES, 1, SEED)
    assert len(outcomes) == CASES
    assert [outcome for outcome in outcomes if outcome.violation] == []
    kinds = {outcome.kind for outcome in outcomes}
    assert {"scan", "CorruptScanError", "UnknownFormatError"} <= kinds


def test_sound_seeds_are_read(tmp_path):
    for name, files in seeds().items():
        outcome = outcome_of(Case(0, name, files), tmp_path)
        assert outcome.kind in ("scan", "MissingDependencyError"), f"{name}: {outcome}"
        assert outcome.violation == ""


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hypothesis_finds_nothing_either(data, tmp_path):
    made = seeds_once()
    name = data.draw(st.sampled_from(sorted(made)))
    files = dict(made[name])
    first = next(iter(files))
    cut = data.draw(st.integers(0, len(files[first])))
    patch = data.draw(st.binary(max_size=24))
    kept = data.draw(st.booleans())
    files[first] = files[first][:cut] + patch + (files[first][cut + len(patch) :] if kept else b"")
    outcome = outcome_of(Case(0, name, files), tmp_path)
    assert outcome.violation == ""


def test_a_case_is_known_by_its_number():
    made = seeds_once()
    assert case(17, 1, made) == case(17, 1, made)
    assert case(17, 1, made) != case(17, 2, made)


def test_damage_is_damage():
    sound = next(iter(seeds_once().values()))
    data = next(iter(sound.values()))
    changed = [damaged(data, random.Random(n)) != data for n in range(50)]
    assert sum(changed) > 45
    assert all(deep(data, random.Random(n)) is not None for n in range(10))


def test_the_bounds_follow_the_real_size():
    assert seconds_for(0) < seconds_for(10**6)
    assert bytes_for(10**6) - bytes_for(0) == pytest.approx(2 * 1032 * 10**6)


_MADE: dict[str, dict[str, bytes]] = {}


def seeds_once() -> dict[str, dict[str, bytes]]:
    if not _MADE:
        _MADE.update(seeds())
    return _MADE
