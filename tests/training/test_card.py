from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.evaluation.test_summary import person_scan, scan
from xrayscan.evaluation.summary import summarize
from xrayscan.training.card import write_card
from xrayscan.training.crosswise import crosswise
from xrayscan.zoo import ModelCard, load_model

HELD_OUT = '[data.held_out]\nloads = ["drums", "tiles"]\npeople = [3, 7, 9]\nlookalikes = []\n'


@pytest.fixture
def card(tmp_path):
    """A card of today's figures."""
    rows = [scan("clean" if k % 2 else "look-alike", k / 300) for k in range(120)]
    rows += [person_scan(0.9, load=10.0 + k) for k in range(60)]
    old = load_model().card
    return replace(
        old, folder=tmp_path, score_area=0.05, figures=summarize(rows, dict(old.thresholds), old.mass_factor, draws=50)
    )


def page(card):
    write_card(card)
    return (card.folder / "card.md").read_text()


@pytest.mark.parametrize("of", ["today", "the first model"])
def test_a_card_is_read_back_as_it_was_written(card, of):
    card = card if of == "today" else replace(load_model().card, folder=card.folder)
    card = replace(card, tells_display=of == "today")
    write_card(card)
    again = ModelCard.load(card.folder)
    parts = ("name", "version", "revision", "seed", "grid", "score_area", "thresholds_set_on", "probabilities_set_on")
    for part in (*parts, "mass_factor", "tells_display"):
        assert getattr(again, part) == getattr(card, part)
    for part in ("sha256", "thresholds", "calibration", "figures"):
        assert dict(getattr(again, part)) == dict(getattr(card, part))


def test_the_page_for_people_holds_every_threshold_with_its_interval(card):
    text = page(card)
    assert "simulated scans only" in text
    assert "No finding is not a clearance" in text
    for rate, score in card.thresholds.items():
        assert f"| {rate:.1%} | {score:.3f} |" in text


def test_the_page_holds_the_figures_that_matter(card):
    text = page(card)
    for name in (
        "found at 0.5% of clean",
        "found at 1% of clean",
        "in the right place at 1%",
        "easy, under 20",
        "hard, 60 to 120",
    ):
        assert name in text
    for name in ("at 0.1 false regions a scan", "Calibration error (ECE), person", "median relative error", "within the range"):
        assert name in text
    assert "120 of them clean (60 with look-alikes)" in text


def test_it_says_which_families_were_held_out(card):
    (card.folder / "recipe.toml").write_text(HELD_OUT)
    text = page(card)
    assert "families alone that the network never met: 2 loads, 3 bodies" in text
    assert "of real scans these figures say nothing" in text


def test_without_any_it_says_that_too(card):
    (card.folder / "recipe.toml").write_text("[data]\ntrain = 1\n")
    assert "these figures say nothing of other loads and scanners" in page(card)


def test_figures_of_an_older_card_still_make_a_page(card):
    old = ModelCard.load(Path(__file__).with_name("old_card"))
    text = page(replace(old, folder=card.folder))
    assert "found at 1% of clean scans alarmed" in text
    assert "AUPRO" not in text


def test_a_card_without_figures_makes_a_page(card):
    assert "## Where it fails" in page(replace(card, figures={}))


def test_the_page_tells_what_was_set_on_both_splits_apart(card):
    rows = [scan("clean", k / 1000) for k in range(1000)] + [person_scan(0.3 + k / 200) for k in range(120)]
    crossed = replace(card, figures={**card.figures, "crosswise": crosswise(rows, draws=20)})
    text = page(crossed)
    strict, shipped = text.split("## As shipped: set on both splits")
    assert "Set on the calibration split alone, on the test split, whose families are others:" in strict
    assert "Of 1120 scans of both splits, 1000 of them clean, each half was read as the other half" in shipped
    for part in (strict, shipped):
        assert part.count("Calibration error (ECE), person:") == 1
        assert part.count("in the 90 % interval") == part.count("Mass of the persons found") == 1
    assert "| 5.0% | 5" in shipped
    assert ModelCard.load(crossed.folder).figures == crossed.figures
    assert "As shipped" not in page(card)
