"""The page in a real browser, Debian's Chromium: opened from disk without any network, driven as a reviewer would."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from yard import FakeModel, Yard

from xrayscan.explain import explain
from xrayscan.normalize.areal import areal_density
from xrayscan.scan import Box, Radiograph, Source

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright; install xrayscan[dev]")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs the browser: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
HOSTILE = "</title><script>window.hit=1</script><img src=x onerror=window.hit=2>\"'<b>{{7*7}}"
SHAPE, PITCH = (850, 2570), (0.005, 0.005)


def made(energies: tuple[str, ...] = ("high",), **changed):
    """A report on a scan of the size of a portal's, with noise that grows with depth, and its radiograph."""
    yard = Yard(shape=SHAPE, pitch=PITCH, box=Box(400, 1000, 560, 1140))
    rng = np.random.default_rng(1)
    depth = np.tile(1.0 + 3.0 * (np.arange(SHAPE[1]) / SHAPE[1]) ** 2, (SHAPE[0], 1))
    other = Box(100, 1800, 200, 1900)
    for box in (yard.box, other):
        depth[box.slices] += 0.7
    planes = [factor * depth + 0.004 * np.exp(depth / 2) * rng.standard_normal(SHAPE) for factor in (1.0, 1.17)]
    opaque = np.zeros(SHAPE, bool)
    opaque[600:700, 2000:2200] = True
    valid = np.ones(SHAPE, bool)
    valid[:, 300:320] = False
    radiograph = Radiograph(
        np.float32(planes[: len(energies)]), valid, opaque, PITCH, containers=yard.radiograph.containers, inspected=0.9,
        energies=energies, endpoints=(6.0, 4.0)[: len(energies)],
    )  # fmt: skip
    second = replace(yard.finding, id="P2", box=other, mask=np.ones((100, 100), bool), probability=0.4)
    findings = (yard.finding, second)
    told = explain(FakeModel(yard.anomaly), radiograph, findings, anomaly=yard.anomaly)
    return yard.report(radiograph=radiograph, findings=findings, explanations=told, **changed), radiograph


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    report, radiograph = made()
    return report.save(tmp_path_factory.mktemp("report") / "0412") / "report.html", radiograph


def opened(browser, path: Path):
    """The page, ready; everything that it asks for beyond itself, and every error, is kept."""
    context = browser.new_context(viewport={"width": 1500, "height": 1000}, offline=True)
    page = context.new_page()
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached", timeout=30_000)
    return page


def strip(page, column: int, row: int, width: int) -> np.ndarray:
    """Red, green and blue of a line of the canvas, shape (width, 3)."""
    read = "([x, y, w]) => [...document.getElementById('scan').getContext('2d').getImageData(x, y, w, 1).data]"
    return np.array(page.evaluate(read, [column, row, width])).reshape(-1, 4)[:, :3]


def pixel(page, column: int, row: int) -> list[int]:
    return strip(page, column, row, 1)[0].tolist()


def scale(page) -> float:
    return float(page.evaluate("getComputedStyle(document.getElementById('stage')).getPropertyValue('--zoom')"))


def at(page, column: float, row: float) -> tuple[float, float]:
    """Where a pixel of the scan is on the screen."""
    box = page.locator("#scan").bounding_box()
    return box["x"] + column * box["width"] / SHAPE[1], box["y"] + row * box["width"] / SHAPE[1]


def pressed(page, name: str) -> bool:
    return page.get_attribute(f"#{name}", "aria-pressed") == "true"


def test_it_opens_from_disk_without_any_network(browser, saved):
    path, _ = saved
    assert path.stat().st_size < 6e6
    page = opened(browser, path)
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    assert page.errors == []
    assert page.is_visible("#scan")
    page.context.close()


def test_the_window_is_of_optical_depth_in_16_bits(browser, saved):
    path, radiograph = saved
    page = opened(browser, path)
    before = pixel(page, 1500, 700)
    depth = float(radiograph.optical_depth[0, 700, 1500])
    assert before == [round(255 * (1 - (depth / 8) ** 0.7))] * 3
    assert pixel(page, 310, 700) == [128] * 3  # not measured
    page.evaluate("document.getElementById('thin').value = 1.9; document.getElementById('dense').value = 2.1")
    page.dispatch_event("#thin", "input")
    page.wait_for_timeout(200)
    assert page.inner_text("#window-text") == "1.9 to 2.1"
    # A window this narrow shows steps that 8 bits of the whole range would not hold.
    line = strip(page, 1440, 700, 90)[:, 0]
    assert len(set(line.tolist())) > 40
    page.keyboard.press("i")
    page.wait_for_timeout(200)
    np.testing.assert_array_equal(strip(page, 1440, 700, 90)[:, 0], 255 - line)
    page.keyboard.press("r")
    page.wait_for_timeout(200)
    assert pixel(page, 1500, 700) == before
    page.context.close()


def test_it_zooms_and_steps_through_the_findings(browser, saved):
    page = opened(browser, saved[0])
    whole = scale(page)
    page.mouse.move(*at(page, 1070, 480))
    page.mouse.wheel(0, -400)
    assert scale(page) > 1.5 * whole
    page.keyboard.press("0")
    assert scale(page) == pytest.approx(whole)
    page.keyboard.press("n")
    assert page.locator("article.current").count() == 1
    assert "P1" in page.inner_text("article.current")
    window = page.locator("#window").bounding_box()
    middle = at(page, 1070, 480)
    assert middle[0] == pytest.approx(window["x"] + window["width"] / 2, abs=2)
    assert middle[1] == pytest.approx(window["y"] + window["height"] / 2, abs=2)
    page.keyboard.press("n")
    assert "P2" in page.inner_text("article.current")
    page.keyboard.press("p")
    assert "P1" in page.inner_text("article.current")
    page.click("#beside")
    assert page.is_visible("#scan-beside")
    page.context.close()


def heat_share(page):
    return page.evaluate("Number(document.getElementById('heat').style.opacity)")


def test_it_flickers_between_the_scan_and_the_scan_without(browser, saved):
    page = opened(browser, saved[0])
    spot, far = (1070, 480), (700, 300)
    before = pixel(page, *spot), pixel(page, *far)
    page.keyboard.press("w")
    page.wait_for_timeout(200)
    assert sum(pixel(page, *spot)) > sum(before[0]) + 9  # less matter: lighter
    assert pixel(page, *far) == before[1]
    assert heat_share(page) == 0.0  # none speaks of what was taken out
    page.keyboard.press("w")
    page.wait_for_timeout(200)
    assert heat_share(page) == 1.0
    page.click("#flicker")
    seen, colored = set(), set()
    for _ in range(15):
        seen.add(pressed(page, "without"))
        page.wait_for_timeout(100)
        colored.add(heat_share(page))
    assert seen == {True, False}
    assert colored == {0.0}  # the load flickers, not the color
    page.click("#flicker")
    page.wait_for_timeout(500)
    assert not pressed(page, "without")
    assert heat_share(page) == 1.0
    assert pixel(page, *spot) == before[0]
    page.context.close()


def test_a_profile_reads_areal_density(browser, saved):
    path, radiograph = saved
    page = opened(browser, path)
    page.keyboard.press("l")
    start, end = at(page, 400, 250), at(page, 2400, 250)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    text = page.inner_text("#profile-text")
    length = float(text.split(" m long")[0])
    assert length == pytest.approx(10.0, abs=0.1)
    expected = areal_density(radiograph.optical_depth[0, 250, 400:2400], endpoint=6.0)
    assert float(text.split(": ")[1].split(" g/cm²")[0]) == pytest.approx(float(expected.mean()), rel=0.03)
    plot = page.locator("#plot").bounding_box()
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] / 2)
    assert " m: " in page.inner_text("#profile-text")
    assert "g/cm²" in page.inner_text("#profile-text")
    page.keyboard.press("l")
    assert not page.is_visible("#chart")
    page.context.close()


def test_a_profile_says_what_of_it_was_not_penetrated(browser, saved):
    page = opened(browser, saved[0])
    page.keyboard.press("l")
    page.mouse.move(*at(page, 1900, 650))
    page.mouse.down()
    page.mouse.move(*at(page, 2300, 650), steps=5)
    page.mouse.up()
    told = re.search(r"(\d+) % of the line was not penetrated: nothing can be said there", page.inner_text("#profile-text"))
    assert told is not None
    assert int(told[1]) == pytest.approx(50, abs=3)
    plot = page.locator("#plot").bounding_box()
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] / 2)
    assert "not penetrated, at least" in page.inner_text("#profile-text")
    page.context.close()


def test_the_pointer_reads_place_and_areal_density(browser, saved):
    page = opened(browser, saved[0])
    page.mouse.move(*at(page, 1205.5, 300.5))
    text = page.inner_text("#readout")
    assert "6.00 m from the container's left end, 2.72 m above its floor" in text
    assert "% comes through" in text
    page.mouse.move(*at(page, 2100, 650))
    assert "not penetrated: nothing can be said here" in page.inner_text("#readout")
    page.mouse.move(*at(page, 310, 300))
    assert "not measured here" in page.inner_text("#readout")
    page.context.close()


def test_edges_and_colors_are_drawn_into_a_new_picture(browser, tmp_path):
    report, _ = made(("high", "low"))
    page = opened(browser, report.save(tmp_path / "dual") / "report.html")
    assert page.inner_text("#color") == "Materials"
    gray = pixel(page, 1500, 700)
    assert len(set(gray)) == 1
    page.keyboard.press("c")
    page.wait_for_timeout(200)
    assert len(set(pixel(page, 1500, 700))) > 1
    page.keyboard.press("c")
    page.wait_for_timeout(200)
    plain = np.diff(strip(page, 1400, 700, 300)[:, 0]).std()
    page.keyboard.press("e")
    page.wait_for_timeout(300)
    assert np.diff(strip(page, 1400, 700, 300)[:, 0]).std() > 1.3 * plain
    assert page.errors == []
    page.context.close()


def test_hostile_names_do_nothing_in_a_browser(browser, tmp_path):
    report, _ = made(source=Source(HOSTILE, HOSTILE, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}))
    page = opened(browser, report.save(tmp_path / "hostile") / "report.html")
    assert page.evaluate("window.hit") is None
    assert page.inner_text("h1") == HOSTILE
    assert page.locator("h1 *").count() == 0
    page.context.close()


def test_it_prints_on_paper(browser, saved, tmp_path):
    page = opened(browser, saved[0])
    page.keyboard.press("n")
    page.emulate_media(media="print")
    assert not page.is_visible(".tools")
    box = page.locator("#scan").bounding_box()
    assert box["width"] > 600
    assert page.pdf(path=tmp_path / "print.pdf", format="A4")[:5] == b"%PDF-"
    page.context.close()
