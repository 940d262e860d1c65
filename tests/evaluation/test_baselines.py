from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("torch")

from xrayscan.errors import MissingDependencyError, ModelError
from xrayscan.evaluation.baselines import BASELINES, fit, load
from xrayscan.scan import Radiograph
from xrayscan.simulate.packed import save_packed

PITCH = (0.01, 0.01)


def cartons(rng, shape=(280, 420)):
    depth = rng.normal(0.3, 0.01, shape)
    for top in range(40, 240, 40):
        for left in range(0, 400, 50):
            depth[top : top + 36, left : left + 46] += rng.uniform(0.8, 1.0)
    return depth.astype(np.float32)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("clean"), np.random.default_rng(0)
    for number in range(6):
        depth = cartons(rng)
        array = np.zeros((7, *depth.shape), np.float16)
        array[0] = array[1] = depth
        array[2] = 1.0
        save_packed(array, folder / f"{number}.npz")
        (folder / f"{number}.json").write_text('{"kind": "clean", "load": "cartons", "quantity": "counts", "instances": []}')
    return sorted(folder.glob("*.npz"))


def radiograph(depth):
    ones = np.ones(depth.shape, bool)
    return Radiograph(depth[None], ones, ~ones, PITCH)


class TestMatchedFilter:
    def test_a_body_in_an_even_load_stands_out(self, clean):
        found = fit("matched filter", clean)
        depth = cartons(np.random.default_rng(9))
        empty = found(radiograph(depth)).person.max()
        rows, columns = np.mgrid[: depth.shape[0], : depth.shape[1]]
        body = (((rows - 150) / 45) ** 2 + ((columns - 210) / 16) ** 2 < 1) | ((rows - 95) ** 2 + (columns - 210) ** 2 < 11**2)
        answer = found(radiograph(depth + 0.8 * body)).person
        best = np.argwhere(answer > 0.999 * answer.max()).mean(axis=0)  # all pixels of the best silhouette score alike
        assert answer.max() > empty
        assert best == pytest.approx([145, 210], abs=40)

    def test_it_is_the_same_again_and_after_a_file(self, clean, tmp_path):
        one, two = fit("matched filter", clean), fit("matched filter", clean)
        assert one.id == two.id
        one.save(tmp_path / "filter.npz")
        again = load(tmp_path / "filter.npz")
        given = radiograph(cartons(np.random.default_rng(4)))
        np.testing.assert_array_equal(again(given).person, one(given).person)

    def test_it_says_nothing_of_voids_and_densities(self, clean):
        answer = fit("matched filter", clean)(radiograph(cartons(np.random.default_rng(5))))
        assert answer.person.max() > 0
        assert not answer.void.any()
        assert not answer.density.any()

    def test_half_is_what_few_clean_pixels_reach(self, clean):
        person = fit("matched filter", clean)(radiograph(cartons(np.random.default_rng(5)))).person
        assert (person > 0.5).mean() < 0.05


def test_an_unknown_baseline_is_refused(clean):
    with pytest.raises(ModelError, match="there is no baseline 'oracle'; known are"):
        fit("oracle", clean)


def test_fitting_on_nothing_is_refused():
    with pytest.raises(ModelError, match="on no scan"):
        fit("matched filter", [])


def test_no_archive_is_no_baseline(tmp_path):
    with pytest.raises(ModelError, match="pass a file that Baseline.save wrote"):
        load(tmp_path / "none.npz")


PEERS = [name for name in BASELINES if name != "matched filter"]


@pytest.mark.skipif(find_spec("anomalib") is not None, reason="anomalib is here")
@pytest.mark.parametrize("name", PEERS)
def test_without_their_extra_peers_name_it(name, clean):
    with pytest.raises(MissingDependencyError, match=r"xrayscan\[baselines\]"):
        fit(name, clean)


# anomalib and timm warn of each other, and anomalib of itself.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.skipif(find_spec("anomalib") is None, reason="needs xrayscan[baselines]")
@pytest.mark.parametrize("name", PEERS)
def test_peers_answer_on_the_scans_own_grid(name, clean):
    answer = fit(name, clean[:3])(radiograph(cartons(np.random.default_rng(4))))
    assert answer.person.shape == (280, 420)
    assert 0 <= answer.person.min() < answer.person.max() <= 1
    np.testing.assert_array_equal(answer.void, answer.person)
    np.testing.assert_array_equal(answer.density, answer.person)
