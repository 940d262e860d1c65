"""Live scans: the same set, in the same order, however many workers make it."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tests.simulate.lane import VAN
from xrayscan.simulate.dataset import LiveScans
from xrayscan.simulate.recipe import Scanning, SceneRecipe
from xrayscan.simulate.run import replay

RECIPE = SceneRecipe("few", 3, {"clean": 0.5, "person": 0.5}, VAN, Scanning(deliveries={"transmission": 1.0}, pitch=0.04))


def summed(scan, truth):
    """What tells one scan from another."""
    return [truth.record.seed[1], truth.kind, int(scan.view.pixels.sum(dtype=np.int64)), round(float(truth.added.sum()), 3)]


@pytest.fixture(scope="module")
def alone():
    return list(DataLoader(LiveScans(RECIPE, count=5, transform=summed), batch_size=None))


def test_they_are_the_recipe_s(alone):
    assert [one[0] for one in alone] == list(range(5))
    assert alone[0] == summed(*replay(RECIPE.record(0)))


def test_two_workers_make_the_same_in_the_same_order(alone):
    loader = DataLoader(LiveScans(RECIPE, count=5, transform=summed), batch_size=None, num_workers=2)
    assert list(loader) == alone


def test_a_training_goes_on_where_it_stopped(alone):
    assert list(LiveScans(RECIPE, start=3, count=2, transform=summed)) == alone[3:]


def test_without_a_count_there_is_no_end(alone):
    assert list(islice(LiveScans(RECIPE, transform=summed), 3)) == alone[:3]


def test_without_a_transform_it_is_scan_and_truth():
    scan, truth = next(iter(LiveScans(RECIPE)))
    assert scan.view.shape == truth.added.shape
    assert torch.get_num_threads() >= 1
