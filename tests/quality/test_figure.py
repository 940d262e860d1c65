"""Figures: their text and their JSON."""

from __future__ import annotations

import json

import pytest

from xrayscan.quality import Figure


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(0.18345, "%", 0.0062), "0.183 ± 0.006 %"),
        (Figure(270.3, "mm", 53.2), "270 ± 53 mm"),
        (Figure(0.000096, "", 0.0000011), "9.6e-05 ± 1e-06"),
        (Figure(0.00123, "", 0.00004), "0.00123 ± 0.00004"),
        (Figure(14313.0, ""), "14313"),
        (Figure(8.1553, ""), "8.16"),
        (Figure(0.0, "%"), "0 %"),
        (Figure(1.0, "%", 0.0), "1 %"),
        (Figure(-0.0, "degree"), "0 degree"),
        (Figure(-0.004, "%", 0.2), "0.00 ± 0.20 %"),
        (Figure(-0.04, "%", 0.2), "-0.04 ± 0.20 %"),
        (Figure.none("mm", "no air in view"), "no air in view"),
    ],
)
def test_text_has_the_digits_that_are_known(figure, text):
    assert figure.text == text


def test_json_has_the_unit_in_the_key():
    assert [Figure(1.0, unit).key for unit in ("%", "", "mm", "g/cm²", "line pairs/m", "mm²", "degree", "px", "bits")] == [
        "percent", "", "mm", "g_cm2", "line_pairs_per_m", "mm2", "degrees", "px", "bits",
    ]  # fmt: skip
    assert json.loads(json.dumps(Figure(1.0, "%", 0.1, "here").to_dict())) == {
        "value": 1.0,
        "uncertainty": 0.1,
        "measured_on": "here",
    }
    assert Figure.none("%", "why").to_dict() == {"value": None, "uncertainty": None, "reason": "why"}
    assert repr(Figure.none("%", "why")) == "Figure(none, why)"


def test_what_is_not_finite_is_no_figure():
    assert Figure(float("inf"), "%", 1.0, "air").value is None
    assert "not finite" in Figure(float("nan"), "%", 1.0, "air").where
    assert Figure(1.0, "%", float("nan"), "air").uncertainty is None
