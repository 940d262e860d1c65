"""The page: one file, inert whatever a scan is called, and it says what a reviewer must know."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from yard import CARD, Yard

from xrayscan.explain.attribution import METHODS
from xrayscan.report.layers import Layers
from xrayscan.report.page import page
from xrayscan.report.pixels import Pixels
from xrayscan.scan import Source, Step

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}javascript:alert(3)"


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def written(report) -> str:
    layers = Layers.of(report.radiograph, report.anomaly, report.findings)
    return page(report.to_dict(), layers, Pixels.of(report.radiograph, report.explanations))


@pytest.fixture(scope="module")
def plain_page() -> str:
    return written(Yard().report())


def test_it_needs_nothing_else(plain_page):
    for tag, attributes in Elements(plain_page).elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "action", "srcset", "data", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")), (tag, name, value)
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    assert not re.search(r"https?://|//[a-z]+\.|url\(|@import", re.sub(r"base64,[^\"]+", "", plain_page))


def test_the_policy_allows_only_what_is_in_the_file(plain_page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', plain_page)
    assert policy is not None
    rules = policy.group(1).replace("&#39;", "'")
    assert rules.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in rules
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", plain_page, re.DOTALL)
        assert content is not None
        assert base64.b64encode(hashlib.sha256(content.group(1).encode()).digest()).decode() in rules


def test_hostile_names_are_inert():
    yard = Yard(history=(Step(HOSTILE, "warning: " + HOSTILE),))
    finding = replace(yard.finding, id=HOSTILE)
    explanation = replace(yard.report().explanations[0], finding=HOSTILE, sentences=(HOSTILE,))
    report = yard.report(
        source=Source(HOSTILE, HOSTILE, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}),
        findings=(finding,),
        explanations=(explanation,),
        timings={HOSTILE: 1.0},
        card=replace(CARD, thresholds_set_on=HOSTILE),
    )
    parsed = Elements(written(report))
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert [tag for tag, _ in parsed.elements].count("img") == 3
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)
    assert HOSTILE in parsed.text
    assert "49javascript" not in parsed.text


def test_hostile_names_are_saved_and_read_back(tmp_path):
    report = Yard().report(source=Source(HOSTILE + "\udce9\x00\u202e", None))
    folder = report.save(tmp_path / "=cmd|' <b>.tif")
    assert "<script>alert" not in (folder / "report.html").read_text(encoding="utf-8")


def test_what_could_not_be_seen_stands_first(plain_page):
    text = re.sub(r"\s+", " ", Elements(plain_page).text)
    assert "17 % of the load could not be seen through" in text
    assert "No finding is not a clearance. A person decides." in text
    assert text.index("17 %") < text.index("1 finding")


def test_an_empty_report_does_not_clear(tmp_path):
    text = re.sub(r"\s+", " ", Elements(written(Yard().report(findings=(), explanations=(), score=0.0))).text)
    assert "Below the threshold for persons. That is not a clearance" in text
    assert "Nothing in what could be seen reached the level of a finding. 17 % of the load could not be seen through." in text


def test_an_alarm_without_a_finding_does_not_say_that_nothing_was_seen():
    text = re.sub(r"\s+", " ", Elements(written(Yard().report(findings=(), explanations=(), score=0.7))).text)
    assert "Nothing in what could be seen" not in text
    assert "no place in it reaches the level of a finding: look at the heat, and at the whole scan. 17 % of the load" in text


def test_findings_stand_in_the_list_and_in_the_picture(plain_page):
    elements = Elements(plain_page).elements
    assert sum(tag == "article" for tag, _ in elements) == 1
    assert sum(tag == "g" for tag, _ in elements) == 1
    assert any(tag == "polygon" and attributes.get("stroke") == "#ff7800" for tag, attributes in elements)
    for sentence in Yard().report().explanations[0].sentences:
        assert sentence in Elements(plain_page).text


def test_outlines_follow_a_stretched_picture():
    report = Yard(pitch=(0.005, 0.02)).report()
    text = written(report)
    assert 'viewBox="0 0 1600 200"' in text
    assert "402.0,80.5" in text


def test_every_priority_has_its_words():
    for score, inspected, words in (
        (0.9, 1.0, "Look first"),
        (0.1, 0.2, "Mostly opaque"),
        (0.4, 1.0, "Look when there is time"),
        (0.1, 1.0, "Below the threshold for persons"),
    ):
        assert words in written(Yard(inspected=inspected).report(score=score))


def test_a_poor_scan_is_not_said_to_be_seen_through():
    yard = Yard()
    valid = yard.radiograph.valid.copy()
    valid[::3] = False
    radiograph = replace(yard.radiograph, valid=valid, opaque=yard.radiograph.opaque & valid)
    report = yard.report(score=0.1, findings=(), explanations=(), radiograph=radiograph)
    assert report.priority == "poor"
    text = " ".join(Elements(written(report)).text.split())
    assert "Not known how much of the load was seen through: too poor to tell" in text
    assert "Not screened: the scan is too poor, as its warnings say." in text
    assert "of the load could not be seen through" not in text


def test_a_little_that_could_not_be_seen_is_not_rounded_away():
    assert "&lt;1 %" in written(Yard(inspected=0.998).report())


def test_an_attribution_is_seen_and_told():
    yard = Yard()
    plain = yard.report()
    (why,) = plain.explanations
    heatmap = np.zeros(why.heatmap.shape, np.float32)
    heatmap[:20] = 0.8
    report = yard.report(explanations=(replace(why, heatmap=heatmap, method=METHODS["occlusion"], faithfulness=0.4),))
    layers = Layers.of(report.radiograph, report.anomaly, report.findings, report.explanations)
    text = page(report.to_dict(), layers, Pixels.of(report.radiograph, report.explanations))
    (shown,) = re.findall(r'<figure class="rest"><img src="data:image/png;base64,([^"]+)"', text)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(shown), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (70, 55, 3)
    colored = np.ptp(picture.astype(int), axis=2) > 0
    assert colored[:18].all()
    assert not colored[22:].any()
    assert METHODS["occlusion"] in html.unescape(text)
    (told,) = report.to_dict()["findings"]
    codes = np.frombuffer(base64.b64decode(told["heatmap"]), np.uint8).reshape(heatmap.shape)
    np.testing.assert_allclose(codes / 255, heatmap, atol=0.5 / 255)
    assert plain.to_dict()["findings"][0]["heatmap"] is None
    assert 'class="rest"' not in written(plain)
