"""The whole chain on the shipped samples and on what a laboratory would hand in."""

import json
import tomllib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xrayscan as xs
from xrayscan import _resources
from xrayscan.errors import CalibrationError, CorruptScanError, ModelError, ShapeError

SAMPLES = _resources.root("datasets") / "samples"
INDEX = tomllib.loads((SAMPLES / "index.toml").read_text())["samples"]


@pytest.fixture(scope="module")
def screener():
    return xs.Screener(false_alarm_rate=0.05)


@pytest.mark.parametrize("sample", INDEX, ids=lambda s: s["file"])
class TestSamples:
    def test_it_is_screened(self, sample, screener, tmp_path):
        report = screener(SAMPLES / sample["file"])
        assert report.anomaly.shape == xs.read(SAMPLES / sample["file"]).view.shape
        assert list(report.timings) == ["read", "normalize", "network", "findings", "explain"]
        assert report.source.sha256
        folder = report.save(tmp_path / "report")
        written = json.loads((folder / "report.json").read_text())
        assert written["score"] == pytest.approx(report.score, abs=1e-4)
        assert {p.name for p in folder.iterdir()} == {"report.json", "report.html", "overlay.png"}

    def test_its_truth_fits(self, sample, screener):
        truth = json.loads((SAMPLES / f"{sample['file'].rsplit('.', 1)[0]}.truth.json").read_text())
        scan = xs.read(SAMPLES / sample["file"])
        assert tuple(truth["shape"]) == scan.view.shape
        for runs in truth["masks_run_lengths"].values():
            assert sum(runs) == np.prod(truth["shape"])


class TestScreener:
    def test_an_array_and_its_file_give_the_same(self, screener):
        scan = xs.read(SAMPLES / "01-counts.tif")
        again = xs.Scan.from_array(
            scan.view.pixels, air=scan.calibration.air, dark=scan.calibration.dark, pixel_pitch=scan.view.pixel_pitch
        )
        assert screener(again).score == screener(SAMPLES / "01-counts.tif").score

    def test_it_serves_several_threads(self, screener):
        paths = [SAMPLES / s["file"] for s in INDEX] * 2
        alone = [screener(p).score for p in paths]
        with ThreadPoolExecutor(4) as pool:
            assert [r.score for r in pool.map(screener, paths)] == alone

    def test_two_views_are_not_taken_for_one(self, screener):
        view = xs.View(np.full((1, 50, 80), 900, np.uint16))
        with pytest.raises(ShapeError, match="it has 2 views; screen each as a scan of its own"):
            screener(xs.Scan((view, view)))

    def test_an_array_is_told_how_to_become_a_scan(self, screener):
        with pytest.raises(TypeError, match=r"screening ndarray is not known; give a path or a Scan: .*from_array"):
            screener(np.zeros((10, 10)))

    def test_a_bad_file_is_an_error_and_no_clean_report(self, screener, tmp_path):
        bad = tmp_path / "cut.tif"
        bad.write_bytes((SAMPLES / "01-counts.tif").read_bytes()[:5000])
        with pytest.raises(CorruptScanError, match=r"cut\.tif"):
            screener(bad)

    def test_a_rate_that_is_not_in_the_card(self):
        with pytest.raises(ModelError, match="no threshold for a false-alarm rate of 0.2"):
            xs.Screener(false_alarm_rate=0.2)

    def test_an_attribution_that_is_not_known(self):
        with pytest.raises(ModelError, match="no attribution 'gaze'; known are score, occlusion"):
            xs.Screener(attribution="gaze")

    def test_an_attribution_measures_how_faithful_it_is(self, screener):
        thorough = xs.Screener(screener.model, false_alarm_rate=0.05, attribution="score")
        report = thorough(SAMPLES / "01-counts.tif")
        assert all(why.faithfulness is not None for why in report.explanations)
        assert report.to_dict()["findings"][0]["faithfulness"] == pytest.approx(report.explanations[0].faithfulness, abs=1e-4)

    def test_rates_order_the_thresholds(self, screener):
        assert xs.Screener(screener.model, false_alarm_rate=0.01).threshold >= screener.threshold

    def test_a_blank_scan_has_no_findings_and_is_too_poor_to_screen(self, screener):
        blank = xs.Scan.from_array(np.full((300, 500), 60_000, np.uint16), air=np.full(300, 60_000.0), pixel_pitch=0.008)
        report = screener(blank)
        assert report.findings == ()
        assert report.priority == "poor"
        assert report.warnings[0] == (
            "too poor to screen: no matter in view: 99 % of the picture lets more than 95 % of the beam through"
        )

    def test_a_scan_that_nothing_came_through_is_never_low(self, screener):
        counts = np.full((300, 500), 60_000, np.uint16)
        counts[60:280, 40:460] = 101
        dark = np.full(300, 100.0)
        report = screener(xs.Scan.from_array(counts, air=np.full(300, 60_000.0), dark=dark, pixel_pitch=0.008))
        assert report.inspected < 0.2
        assert report.priority == "opaque"


ODD = {
    "one pixel": xs.Scan.from_array(np.full((1, 1), 700, np.uint16)),
    "one row": xs.Scan.from_array(np.full((1, 900), 700, np.uint16)),
    "one column": xs.Scan.from_array(np.full((900, 1), 700, np.uint16)),
    "all zero": xs.Scan.from_array(np.zeros((60, 90), np.uint16)),
    "full scale": xs.Scan.from_array(np.full((60, 90), 65_535, np.uint16)),
    "not a number": xs.Scan.from_array(np.full((60, 90), np.nan), quantity="transmission"),
    "below zero": xs.Scan.from_array(np.full((60, 90), -0.1), quantity="transmission"),
    "above one": xs.Scan.from_array(np.full((60, 90), 1.4), quantity="transmission"),
    "black picture": xs.Scan.from_array(np.zeros((60, 90), np.uint8), quantity="display"),
    "noise": xs.Scan.from_array(np.random.default_rng(0).integers(0, 65_535, (2, 60, 90)).astype(np.uint16)),
}


@pytest.mark.parametrize("name", ODD)
def test_whatever_comes_gives_a_report_or_a_clear_error(name, screener, tmp_path):
    if name == "all zero":
        with pytest.raises(CalibrationError, match="the scan is blank, pass the air line or scan again"):
            screener(ODD[name])
        return
    report = screener(ODD[name])
    assert np.isfinite(report.score)
    assert json.loads((report.save(tmp_path / "report") / "report.json").read_text())["inspected"] <= 1


class TestOthersScans:
    """Scans of another renderer and of a customs archive; see the folder's own README."""

    def test_the_independent_scans_go_through(self, screener, shared):
        folder = shared / "independent"
        for path in sorted((folder / "scans").glob("*.tif")):
            about = json.loads(path.with_suffix(".json").read_text())
            pitch = about["detector_pitch_mm"] * about["source_to_centre_m"] / about["source_to_detector_m"] * 1e-3
            pixels = xs.read(path).view.pixels
            lines = {}
            if about["kind"] == "raw_counts":
                lines = {name: np.load(folder / "cal" / f"{path.stem}_{name}.npy") for name in ("air", "dark")}
            scan = xs.Scan.from_array(
                pixels, quantity="counts" if lines else "transmission", pixel_pitch=(pitch, about["dx_mm"] * 1e-3), **lines
            )
            report = screener(scan)
            assert report.anomaly.shape == pixels.shape[1:]
            assert 0 <= report.score <= 1
