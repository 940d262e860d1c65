from dataclasses import replace

import pytest

pytest.importorskip("torch")

from xrayscan.training.card import write_card
from xrayscan.zoo import ModelCard, load_model


def test_a_card_is_read_back_as_it_was_written(tmp_path):
    card = replace(load_model().card, folder=tmp_path)
    write_card(card)
    again = ModelCard.load(tmp_path)
    for part in ("name", "version", "revision", "seed", "grid", "thresholds_set_on", "mass_factor"):
        assert getattr(again, part) == getattr(card, part)
    for part in ("sha256", "thresholds", "calibration", "figures"):
        assert dict(getattr(again, part)) == dict(getattr(card, part))


def test_the_page_for_people_holds_every_threshold_with_its_interval(tmp_path):
    card = replace(load_model().card, folder=tmp_path)
    write_card(card)
    text = (tmp_path / "card.md").read_text()
    assert "simulated scans only" in text
    assert "No finding is not a clearance" in text
    for rate, score in card.thresholds.items():
        assert f"| {rate:.1%} | {score:.3f} |" in text
