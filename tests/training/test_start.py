import hashlib
import shutil
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from xrayscan.errors import RecipeError
from xrayscan.network.designs import build, load_weights, save_weights
from xrayscan.training.recipe import Data, Network, Recipe, Start
from xrayscan.training.start import DEEPER, ENCODER, blended, first_network
from xrayscan.zoo import load_card

PLAN = Recipe("started", "1", 5, Data(1, 1, 1, {"clean": 1.0}))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The card of a model with weights of a plain pyramid, which a deeper or a wider one can start from."""
    folder = tmp_path_factory.mktemp("models") / "plain"
    shutil.copytree(load_card().folder, folder)
    torch.manual_seed(7)
    network = build("pyramid", 24)
    for _ in range(3):  # statistics that are those of something
        network(torch.rand(2, 5, 64, 96))
    save_weights(network, "pyramid", folder / "weights.safetensors")
    text = (folder / "card.toml").read_text(encoding="utf-8")
    new = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    (folder / "card.toml").write_text(text.replace(load_card().sha256["weights.safetensors"], new), encoding="utf-8")
    return load_card(folder)


@pytest.fixture(scope="module")
def known(plain):
    return load_weights(plain.file("weights.safetensors"))


def started(plain, design="pyramid", width=24) -> Recipe:
    start = Start(str(plain.folder), plain.sha256["weights.safetensors"])
    return replace(PLAN, start=start, network=Network(design=design, width=width))


def said(network, scan):
    with torch.inference_mode():
        return network.eval()(scan)


def test_it_goes_on_from_the_weights_of_a_model(plain, known):
    network = first_network(started(plain))
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, known.state_dict()[name], rtol=0, atol=0)
    assert network.training


def test_weights_that_are_not_the_named_ones_are_refused(plain):
    other = replace(started(plain), start=Start(str(plain.folder), "0" * 64))
    with pytest.raises(RecipeError, match=r"the recipe names those of SHA-256 0000.*the model holds [0-9a-f]{64}; name the"):
        first_network(other)


@pytest.mark.parametrize(("design", "width"), [("pyramid", 16), ("unet-large", 32)])
def test_weights_that_do_not_fit_are_refused(plain, design, width):
    with pytest.raises(RecipeError, match=f"they do not fit the encoder of a {design} of width {width}; give the recipe's"):
        first_network(started(plain, design, width))


def test_of_another_design_it_takes_the_encoder(plain, known):
    network = first_network(started(plain, "unet-large"))
    taken = {name: value for name, value in network.state_dict().items() if name.startswith(ENCODER)}
    assert len(taken) > 10
    for name, value in taken.items():
        torch.testing.assert_close(value, known.state_dict()[name], rtol=0, atol=0)


def test_a_deeper_one_starts_from_what_the_other_says(plain, known):
    network, scan = first_network(started(plain, "pyramid-deep")), torch.rand(1, 5, 128, 160)
    torch.testing.assert_close(said(network, scan), said(known, scan))
    assert any(name.startswith(DEEPER) for name in network.state_dict())


@pytest.mark.parametrize("design", ["pyramid", "pyramid-deep"])
def test_a_wider_one_starts_from_what_the_other_says(plain, known, design):
    network, scan = first_network(started(plain, design, 32)), torch.rand(1, 5, 128, 160)
    torch.testing.assert_close(said(network, scan), said(known, scan), rtol=1e-4, atol=1e-5)
    assert network.width == 32


def test_what_a_wider_one_has_more_is_trained(plain):
    network, scan = first_network(started(plain, width=32)), torch.rand(2, 5, 64, 96)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    before = {name: value.clone() for name, value in network.named_parameters()}
    for _ in range(2):  # in the first step what is read of the new channels, in the second they themselves
        optimizer.zero_grad()
        network.coarse(scan).square().mean().backward()
        optimizer.step()
    stem, reads = network.stem[0].weight - before["stem.0.weight"], network.head.weight - before["head.weight"]
    assert (stem[24:].abs().amax((1, 2, 3)) > 0).all()
    assert (reads[:, 48:].abs().amax(0) > 0).all()


@pytest.mark.parametrize("kept", [0.0, 0.25])
def test_what_is_shipped_keeps_a_share_of_the_weights_it_started_from(plain, known, kept):
    plan = started(plain)
    plan = replace(plan, start=replace(plan.start, kept=kept))
    trained = first_network(plan)
    with torch.no_grad():
        for value in trained.parameters():
            value += 1.0
    made = blended(trained, plan).state_dict()
    for name, value in known.state_dict().items():
        if name in dict(trained.named_parameters()):
            assert torch.allclose(made[name], value + 1.0 - kept)
        else:
            assert torch.allclose(made[name], value)


@pytest.mark.parametrize(("design", "width"), [("pyramid-deep", 24), ("pyramid", 32), ("unet-large", 24)])
def test_a_share_of_weights_that_are_not_all_there_cannot_be_kept(plain, design, width):
    plan = started(plain, design, width)
    with pytest.raises(RecipeError, match=rf"start.kept = 0.3\): it is no {design} of width {width}, .*leave out start.kept"):
        first_network(replace(plan, start=replace(plan.start, kept=0.3)))


@pytest.mark.parametrize("kept", [-0.1, 1.0])
def test_all_or_less_than_nothing_cannot_be_kept(kept):
    with pytest.raises(RecipeError, match=r"start.kept is .*; expected a share of 0 or more and under 1"):
        Start("a model", "0" * 64, kept)
