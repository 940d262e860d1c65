"""Attributions point at what a model goes by, and their faithfulness is measured by taking that out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from yard import CARD, Yard

from xrayscan.errors import MissingDependencyError, ModelError
from xrayscan.explain import explain
from xrayscan.explain.attribution import METHODS, attribute
from xrayscan.explain.expected import expected_depth
from xrayscan.explain.faithfulness import Curves, agreement, curves, points_at
from xrayscan.explain.probe import Probe, without
from xrayscan.network.anomaly import AnomalyMap, ModelId
from xrayscan.scan import Box

BODY, HEAD = Box(70, 60, 130, 100), Box(70, 60, 90, 100)
"""So near the corner that a part of the scan around the body begins where the scan does."""


@dataclass
class HeadFinder:
    """A model that goes by one place alone: the more there stands out of a load of optical depth 2, the surer it is."""

    seen: Box = HEAD
    card = CARD
    asked: int = 0

    def __call__(self, radiograph) -> AnomalyMap:
        self.asked += 1
        excess = np.nan_to_num(radiograph.optical_depth[0]) - 2.0
        near = cv2.GaussianBlur(excess, (0, 0), 4.0)
        return _anomaly(np.clip(near, 0.0, 1.0) * self.where(radiograph.shape))

    def where(self, shape: tuple[int, int]) -> np.ndarray:
        mask = np.zeros(shape, np.float32)
        mask[self.seen.slices] = 1.0
        return mask


def _anomaly(person: np.ndarray) -> AnomalyMap:
    zero = np.zeros_like(person)
    return AnomalyMap(person, zero, zero, zero, zero, ModelId("small", "1.0", "a" * 64))


@pytest.fixture
def probe() -> Probe:
    yard = Yard(box=BODY, depth=2.0)
    depth = np.full((1, 200, 400), 2.0, np.float32)
    depth[0][BODY.slices] += 1.0
    radiograph = replace(yard.radiograph, optical_depth=depth)
    return Probe(HeadFinder(), radiograph, yard.finding, expected_depth(yard.finding, radiograph))


def head_of(probe: Probe) -> np.ndarray:
    mask = np.zeros(probe.region.shape, bool)
    box = probe.expected.box
    mask[HEAD.top - box.top : HEAD.bottom - box.top, HEAD.left - box.left : HEAD.right - box.left] = True
    return mask


class TestProbe:
    def test_all_of_it_scores_as_in_the_scan_and_nothing_of_it_scores_nothing(self, probe):
        assert probe.score() > 0.9
        assert probe.score(0.0) == pytest.approx(0.0, abs=0.02)
        assert 0.2 < probe.score(0.5) < 0.7

    def test_only_what_matters_changes_the_score(self, probe):
        head = head_of(probe).astype(np.float32)
        assert probe.score(1.0 - head) < 0.6
        assert probe.score(head) > 0.85

    def test_a_map_that_tells_nothing_tells_nothing_smoothed(self, probe):
        """Or its middle would be the hottest, as bodies' are, and a network that knows nothing would look as if it knew."""
        smooth = probe.smooth(np.full(probe.region.shape, 0.4))
        np.testing.assert_allclose(smooth[probe.region], 0.4, rtol=1e-4)
        assert (smooth[~probe.region] == 0.0).all()

    def test_without_is_the_whole_scan_as_expected(self, probe):
        radiograph = replace(Yard().radiograph, optical_depth=np.full((1, 200, 400), 3.0, np.float32))
        expected = replace(probe.expected, depth=np.full(probe.expected.depth.shape, 1.0))
        changed = without(radiograph, [expected]).optical_depth[0]
        inside = np.zeros((200, 400), bool)
        inside[expected.box.slices] = expected.replaced
        assert (changed[inside] == 1.0).all()
        assert (changed[~inside] == 3.0).all()


class TestAttribution:
    @pytest.mark.parametrize("method", ["score", "occlusion"])
    def test_heat_lies_where_the_model_looks(self, probe, method):
        heat = attribute(probe, method)
        head = head_of(probe)
        assert points_at(heat, head)
        assert heat.min() >= 0.0
        assert heat.max() <= 1.0
        assert (heat[~probe.region] == 0.0).all()
        low = np.roll(head, 30, axis=0) & ~head  # the same, 0.3 m lower
        assert heat[head].mean() > 3.0 * heat[low].mean()

    def test_there_is_no_such_method(self, probe):
        with pytest.raises(
            ModelError, match="no attribution 'gaze'; known are score, occlusion, gradients, integrated gradients"
        ):
            attribute(probe, "gaze")

    def test_gradients_need_weights(self, probe):
        with pytest.raises(ModelError, match="needs the weights of the model; pass its card"):
            attribute(probe, "gradients")

    def test_gradients_of_a_model_that_ships_none(self, probe):
        pytest.importorskip("captum")
        with pytest.raises(ModelError, match=r"model small ships no weights\.safetensors.*take 'occlusion'"):
            attribute(probe, "integrated gradients", CARD)

    def test_captum_is_not_installed(self, probe, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "captum.attr", None)
        with pytest.raises(MissingDependencyError, match=r"install xrayscan\[explain\]"):
            attribute(probe, "gradients", CARD)

    @pytest.mark.parametrize("method", ["gradients", "integrated gradients"])
    def test_gradients_lie_where_the_network_looks(self, probe, method, monkeypatch):
        captum, torch = pytest.importorskip("captum.attr"), pytest.importorskip("torch")
        where = torch.zeros(*(side + -side % 32 for side in probe.part.shape))
        rows, columns = probe.inner
        head = head_of(probe)
        where[rows, columns] = torch.from_numpy(head.astype(np.float32))

        def network(x):
            return torch.stack([torch.relu(x[:, 0] - 2.2) * where] * 5, dim=1)

        monkeypatch.setattr("xrayscan.explain.attribution._loaded", lambda card: (SimpleNamespace(attr=captum), torch, network))
        heat = attribute(probe, method, replace(CARD, sha256={"weights.safetensors": "a" * 64}))
        assert points_at(heat, head)
        assert float(heat.max()) == pytest.approx(probe.score(), rel=1e-4)
        assert heat[head].mean() > 10.0 * heat[probe.region & ~head].mean()


class TestFaithfulness:
    def test_a_map_of_what_the_model_goes_by_beats_one_that_is_drawn(self, probe):
        head = head_of(probe).astype(np.float32)
        drawn = np.random.default_rng(0).random(head.shape)
        right, blind, wrong = (curves(probe, heat).faithfulness for heat in (head, drawn, 1.0 - head))
        assert right > blind + 0.2
        assert wrong < blind - 0.2

    def test_the_curves_go_from_all_to_nothing_and_back(self, probe):
        found = curves(probe, np.ones(probe.region.shape), steps=4)
        assert len(found.deletion) == len(found.insertion) == 5
        assert found.deletion[0] == pytest.approx(found.insertion[-1])
        assert found.deletion[-1] == pytest.approx(found.insertion[0])

    def test_a_finding_without_a_score_is_no_division_by_zero(self):
        assert Curves((0.0, 0.0), (0.0, 0.0)).faithfulness == 0.0

    def test_agreement_of_a_point(self):
        assert agreement(np.ones((2, 2)), np.ones((2, 2)), np.eye(2) * [1, 0] > 0) == 0.0


class TestExplain:
    @pytest.mark.parametrize("method", ["score", "occlusion"])
    def test_it_says_what_is_left_without_the_finding(self, method):
        yard = Yard(box=BODY, depth=2.0)
        depth = np.full((1, 200, 400), 2.0, np.float32)
        depth[0][BODY.slices] += 1.0
        radiograph, model = replace(yard.radiograph, optical_depth=depth), HeadFinder()
        (why,) = explain(model, radiograph, [yard.finding], anomaly=yard.anomaly, attribution=method)
        assert why.method == METHODS[method]
        assert why.heatmap.shape == (BODY.height, BODY.width)
        assert why.faithfulness > 0.2
        (said,) = [text for text in why.sentences if "Taken out" in text]
        assert re.search(r"it leaves a score of (<0.01 of >0.99|0.0\d of [\d.]+) in its hottest places\.$", said)

    def test_by_default_it_asks_the_model_nothing(self):
        yard, model = Yard(), HeadFinder()
        (why,) = explain(model, yard.radiograph, [yard.finding], anomaly=yard.anomaly)
        assert model.asked == 0
        assert why.faithfulness is None
        assert why.method == METHODS["score"]
