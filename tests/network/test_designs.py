import json
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")
safetensors = pytest.importorskip("safetensors")
pytest.importorskip("safetensors.torch")

from xrayscan.errors import ModelError
from xrayscan.network.designs import DESIGNS, Answer, build, load_weights, rounded, save_weights
from xrayscan.network.unet import UNet


@pytest.fixture(params=list(DESIGNS))
def network(request):
    torch.manual_seed(1)
    network = build(request.param, 8).eval()
    network.design = request.param
    return network


class TestEveryDesign:
    def test_five_planes_of_the_inputs_size(self, network):
        for rows, columns in ((32, 32), (64, 160)):
            assert network(torch.rand(2, 5, rows, columns)).shape == (2, 5, rows, columns)

    def test_the_answer_is_physical(self, network):
        answer = Answer(network)(torch.rand(1, 5, 64, 96) * 6).detach().numpy()
        assert 0 <= answer[:, :3].min() <= answer[:, :3].max() <= 1
        assert answer[:, 3:].min() >= 0

    def test_nothing_is_expected_at_first(self, network):
        assert Answer(network)(torch.zeros(1, 5, 64, 96))[:, :3].max() < 0.2

    def test_what_is_far_to_the_side_matters(self, network):
        """Meters away, along the travel; a plain U-Net alone sees less far."""
        flat = torch.full((1, 5, 96, 1024), 1.0)
        other = flat.clone()
        other[:, :2, :, 768:] = 3.0
        moved = (network(flat) - network(other))[..., :512].abs().amax((0, 1, 2)).detach().numpy()
        reached = 768 - int(np.flatnonzero(moved > 1e-7).min(initial=512))
        assert reached > (100 if network.design == "unet" else 250)

    def test_weights_know_their_design(self, network, tmp_path):
        save_weights(network, network.design, tmp_path / "weights.safetensors")
        again = load_weights(tmp_path / "weights.safetensors")
        x = torch.rand(1, 5, 64, 64)
        torch.testing.assert_close(again(x), rounded(network)(x), rtol=0, atol=0)

    def test_kernels_are_kept_in_half_precision(self, network, tmp_path):
        save_weights(network, network.design, tmp_path / "weights.safetensors")
        numbers = sum(tensor.numel() for tensor in network.state_dict().values())
        assert (tmp_path / "weights.safetensors").stat().st_size < 2.3 * numbers + 30_000
        near = rounded(network).state_dict()
        for name, tensor in network.state_dict().items():
            torch.testing.assert_close(near[name], tensor, rtol=2.0**-11, atol=1e-7)
            assert near[name].dtype == tensor.dtype


def test_the_same_weights_make_the_same_file(tmp_path, monkeypatch):
    """safetensors orders the metadata as it likes, another way in another process."""
    network, files, write = build("pyramid", 8), set(), safetensors.torch.save

    def ordered(tensors, metadata, turned):
        data = write(tensors, metadata)
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        header["__metadata__"] = dict(sorted(metadata.items(), reverse=turned))
        return data[:8] + json.dumps(header, separators=(",", ":")).encode().ljust(size) + data[8 + size :]

    for turned in (False, True):
        monkeypatch.setattr(safetensors.torch, "save", partial(ordered, turned=turned))
        save_weights(network, "pyramid", tmp_path / "weights.safetensors")
        files.add((tmp_path / "weights.safetensors").read_bytes())
    assert len(files) == 1
    with safetensors.safe_open(str(tmp_path / "weights.safetensors"), "pt") as held:
        assert held.metadata() == {"design": "pyramid", "width": "8"}


def test_an_unknown_design_is_refused():
    with pytest.raises(
        ModelError,
        match="there is no design 'transformer'; known are unet, unet-large, unet-strips, pyramid, pyramid-deep, lraspp",
    ):
        build("transformer", 8)


def test_an_unknown_context_is_refused():
    with pytest.raises(ModelError, match="no context 'crystal ball'; known are none, large kernels, strips"):
        UNet(8, "crystal ball")


def test_weights_of_another_design_are_refused(tmp_path):
    save_weights(build("unet", 8), "unet-strips", tmp_path / "weights.safetensors")
    with pytest.raises(ModelError, match="holds no weights of the design 'unet-strips' of width 8"):
        load_weights(tmp_path / "weights.safetensors")
