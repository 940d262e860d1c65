"""The reviewer's page: what it says, and that nothing a file name says can run."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import pytest

from tests.batch.fakes import card
from xrayscan.batch.index_page import Header, findings_text, in_order, index_page
from xrayscan.errors import ModelError
from xrayscan.report.rows import row_of_failure, row_of_report

HEADER = Header.of(card(), 0.01, 3)
HOSTILE = (
    "<img src=x onerror=alert(1)>.tif",
    '"><svg onload=alert(1)>.tif',
    "</script><script>alert(1)</script>.tif",
    "javascript:alert(1)",
    "{{ 7 * 7 }}.tif",
    "\u202egnp.fit",
    "' autofocus onfocus='alert(1)",
)


def row(path: str = "/data/a.tif", report: str = "scans/a.tif", **changes: Any) -> dict[str, Any]:
    content = {
        "source": {"path": path, "sha256": "ab"},
        "acquired_at": None,
        "score": 0.7,
        "threshold": 0.6,
        "false_alarm_rate": 0.01,
        "priority": "high",
        "inspected": 0.83,
        "opaque_fraction": 0.1,
        "persons": {"low": 0, "high": 1},
        "novelty": None,
        "findings": [{"kind": "person", "probability": 0.9}],
        "warnings": [],
        "model": {"name": "fake", "version": "1", "sha256": "cd"},
        "versions": {"xrayscan": "0.1.0"},
    }
    return row_of_report({**content, **changes}, report)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_inert(name: str) -> None:
    warnings = [f"{name} is odd"]
    plain = Tags(index_page([row(warnings=["plain"]), row_of_failure("/data/b.tif", "broken", "ReadError")], HEADER))
    page = index_page([row(f"/data/{name}", f"scans/{name}", warnings=warnings), row_of_failure(name, name, name)], HEADER)
    found = Tags(page)
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(attrs) for _, attrs in found.tags] == [sorted(attrs) for _, attrs in plain.tags]
    assert "\u202e" not in page
    assert "49.tif" not in page
    for _, attrs in found.tags:
        for name_ in ("href", "src"):
            assert re.fullmatch(r"(#failed|scans/[A-Za-z0-9%._~/-]+)?", attrs.get(name_) or "")


def test_nothing_is_fetched_and_only_the_pages_own_script_may_run() -> None:
    page = index_page([row()], HEADER)
    policy = next(attrs["content"] for tag, attrs in Tags(page).tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        blocks = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(blocks) == 1
        assert base64.b64encode(hashlib.sha256(blocks[0].encode()).digest()).decode() in policy
    assert not re.search(r"https?://|@import|url\(", page)
    assert not re.search(r"<[^>]*\s(on\w+|style)=", page)


def test_links_lead_to_the_report_whatever_its_name() -> None:
    page = Tags(index_page([row(report="scans/lane 3/100% grün #1?.tif")], HEADER))
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert unquote(links[0] or "") == "scans/lane 3/100% grün #1?.tif/report.html"
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert unquote(images[0]["src"] or "").endswith("/overlay.png")
    assert images[0]["loading"] == "lazy"


def test_the_summary_counts_and_says_what_it_is() -> None:
    rows = [
        row(),
        row(priority="opaque", score=0.1),
        row_of_failure("/data/c.tif", "cut off; copy it again", "CorruptScanError"),
    ]
    text = " ".join(Tags(index_page(rows, HEADER)).text.split())
    for said in (
        "2 scans screened, 1 could not be",
        "No finding is not a clearance: a person decides.",
        "threshold 0.500 for 1 % false alarms, set on nothing",
        "Model fake 1",
        "1 high 1 high 1 opaque 1 opaque 0 poor 0 poor 0 medium 0 medium",
        "1 person",
        "83 %",
        "cut off; copy it again",
        "1 could not be screened",
        "Nothing is known of these.",
    ):
        assert said in text
    assert "Not complete" not in text


def test_a_scan_too_poor_is_not_said_to_hold_nothing() -> None:
    poor = row(
        "/data/p.tif", priority="poor", score=0.0, inspected=1.0, findings=[], warnings=["too poor to screen: 24 mm", "b"]
    )
    low = row("/data/l.tif", priority="low", score=0.2, findings=[], inspected=0.9)
    page = index_page([row(), low, poor], HEADER)
    text = " ".join(Tags(page).text.split())
    assert "2 scans screened, 1 too poor to screen No" not in text
    assert text.count("2 scans screened, 1 too poor to screen") == 1
    assert "1 scan is too poor to screen: that nothing was found there says nothing." in text
    assert "not screened: too poor not known too poor to screen: 24 mm; b" in text
    assert "100 %" not in text
    assert text.index("p.tif") < text.index("l.tif")
    assert "3 all" in text


def test_the_order_is_that_of_priorities() -> None:
    rows = [row(f"/data/{name}", priority=name, score=0.1) for name in ("low", "medium", "poor", "opaque", "high")]
    rows += [row("/data/higher", priority="high", score=0.9), row_of_failure("/data/failed", "cut off", "ReadError")]
    names = [one["path"].removeprefix("/data/") for one in in_order(rows)]
    assert names == ["higher", "high", "opaque", "poor", "medium", "low", "failed"]
    page = Tags(index_page(rows, HEADER)).text
    assert page.index("/data/poor") < page.index("/data/medium") < page.index("/data/low")


def test_what_was_not_seen_is_never_rounded_away() -> None:
    page = index_page([row(inspected=0.9996)], HEADER)
    assert "&gt;99 %" in page
    assert "100 %" not in page


def test_an_incomplete_batch_says_so() -> None:
    assert "Not complete: 2 of 3 scans" in index_page([row()], HEADER)


def test_a_batch_of_failures_only() -> None:
    page = index_page([row_of_failure("/data/c.tif", "cut off", "CorruptScanError")], HEADER)
    assert "No scan has been screened." in page


def test_a_rate_that_was_not_measured_is_refused() -> None:
    with pytest.raises(ModelError, match=r"no threshold for a false-alarm rate of 0\.02; it was measured at 0\.01, 0\.05"):
        Header.of(card(), 0.02, 1)


def test_findings_in_words() -> None:
    assert findings_text({"priority": "high", "persons": 2, "voids": 1, "densities": 3}) == "2 persons, 1 void, 3 densities"
