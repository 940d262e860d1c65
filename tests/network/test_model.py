"""One base class of tests for every shipped model and every backend."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from xrayscan import load_model
from xrayscan.errors import ModelError, UnknownModelError, WeightsError
from xrayscan.network.model import BACKENDS
from xrayscan.network.novelty import NOVELTY
from xrayscan.scan import Radiograph
from xrayscan.zoo import ModelCard, models


def scene(seed=0, shape=(300, 500), pitch=(0.008, 0.009)):
    rng = np.random.default_rng(seed)
    depth = np.full(shape, 0.3, np.float32) + rng.normal(0, 0.005, shape).astype(np.float32)
    for _ in range(12):
        top, left = rng.integers(0, shape[0] - 60), rng.integers(0, shape[1] - 60)
        depth[top : top + rng.integers(20, 60), left : left + rng.integers(20, 60)] += rng.uniform(0.2, 2.5)
    opaque = depth > 3.5
    return Radiograph(depth[None], np.ones(shape, bool), opaque, pitch)


@pytest.fixture(scope="module", params=models())
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return load_model(name)


class TestEveryModel:
    def test_the_answer_is_on_the_scans_own_grid(self, model):
        anomaly = model(scene())
        assert anomaly.shape == (300, 500)
        for plane in (anomaly.person, anomaly.void, anomaly.density):
            assert plane.dtype == np.float32
            assert 0 <= plane.min() <= plane.max() <= 1
        assert anomaly.added.min() >= 0
        assert anomaly.missing.min() >= 0

    def test_nothing_is_said_of_what_was_not_penetrated(self, model):
        given = scene()
        anomaly = model(given)
        assert given.opaque.any()
        assert anomaly.person[given.opaque].max() == 0

    def test_any_size_will_do(self, model):
        for shape in ((1, 1), (3, 900), (33, 65), (700, 41)):
            flat = Radiograph(np.zeros((1, *shape)), np.ones(shape, bool), np.zeros(shape, bool), (0.01, 0.01))
            assert model(flat).shape == shape

    def test_it_is_deterministic_and_thread_safe(self, model):
        scenes = [scene(seed) for seed in range(4)]
        alone = [model(s).person for s in scenes]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda s: model(s).person, scenes * 3))
        for k, person in enumerate(together):
            np.testing.assert_array_equal(person, alone[k % 4])

    def test_torch_gives_the_same_answer(self, name, model):
        pytest.importorskip("torch")
        pytest.importorskip("safetensors")
        other = load_model(name, backend="torch")
        for seed in range(3):
            one, two = model(scene(seed)), other(scene(seed))
            for plane in ("person", "void", "density"):
                assert abs(getattr(one, plane) - getattr(two, plane)).max() < 1e-4

    def test_the_card_says_what_made_it(self, model):
        card = model.card
        assert card.figures["person"]["auroc"]["n"] >= 100
        assert len(card.revision) >= 40
        assert (card.folder / card.recipe).is_file()
        assert "simulated" in card.thresholds_set_on
        assert list(card.thresholds.values()) == sorted(card.thresholds.values(), reverse=True)
        assert {BACKENDS["onnx"], BACKENDS["torch"]} <= set(card.sha256) <= {*BACKENDS.values(), NOVELTY}

    def test_weights_stay_small(self, model):
        for file in model.card.sha256:
            assert model.card.file(file).stat().st_size < 15e6


class TestErrors:
    def test_an_unknown_model_is_told_with_those_there_are(self):
        with pytest.raises(UnknownModelError, match="no model 'best'; shipped are .*or pass the path") as caught:
            load_model("best")
        assert caught.value.available == models()

    def test_an_unknown_backend(self):
        with pytest.raises(ModelError, match="no backend 'tensorrt'; known are onnx, onnx-int8, torch"):
            load_model(backend="tensorrt")

    def test_replaced_weights_are_refused(self, tmp_path):
        folder = tmp_path / "m"
        shutil.copytree(load_model().card.folder, folder)
        with (folder / "model.onnx").open("ab") as file:
            file.write(b"x")
        with pytest.raises(WeightsError, match=r"SHA-256 .* its card says .* reinstall"):
            load_model(folder)

    def test_missing_weights(self, tmp_path):
        folder = tmp_path / "m"
        shutil.copytree(load_model().card.folder, folder)
        (folder / "model.onnx").unlink()
        with pytest.raises(WeightsError, match="has no model.onnx in .*reinstall"):
            load_model(folder)

    def test_a_folder_without_a_card(self, tmp_path):
        with pytest.raises(ModelError, match="has no card.toml; pass a model folder"):
            load_model(tmp_path)

    def test_a_broken_card(self, tmp_path):
        (tmp_path / "card.toml").write_text("score_area_m2 = 0.1\n[thresholds]\n")
        with pytest.raises(ModelError, match="levels of a scan score that this version does not compute any more; take"):
            load_model(tmp_path)
        (tmp_path / "card.toml").write_text('name = "m"\n')
        with pytest.raises(ModelError, match="reading the model card .*version"):
            ModelCard.load(tmp_path)

    def test_a_rate_that_was_never_measured_is_not_guessed(self):
        with pytest.raises(ModelError, match="no threshold for a false-alarm rate of 0.03; it was measured at 0.005, 0.01"):
            load_model().card.threshold(0.03)
