"""The engine that a host embeds: a value for whatever a scan does."""

import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import xrayscan as xs
from xrayscan import _resources
from xrayscan.errors import UnknownModelError
from xrayscan.plugin import API, Engine, Stop

SAMPLE = _resources.root("datasets") / "samples" / "01-counts.tif"


@pytest.fixture(scope="module")
def engine():
    return Engine(false_alarm_rate=0.05, threads=1)


@pytest.fixture(scope="module")
def scan():
    """The sample, of coarser pixels."""
    whole = xs.read(SAMPLE)
    pixels = whole.view.pixels[0, ::3, ::3]
    lines = {name: getattr(whole.calibration, name)[0, ::3] for name in ("air", "dark")}
    return xs.Scan.from_array(pixels, pixel_pitch=tuple(3 * p for p in whole.view.pixel_pitch), **lines)


@pytest.fixture(scope="module")
def report(engine, scan):
    outcome = engine.screen(scan)
    assert outcome.complete
    return outcome.report


def written(report):
    """The report as data, without the seconds it took."""
    return {name: value for name, value in report.to_dict().items() if name != "timings_s"}


class TestReports:
    def test_it_is_the_screeners(self, engine, scan, report):
        assert written(report) == written(engine.screener(scan))

    def test_from_several_threads_it_is_the_same(self, engine, scan, report):
        with ThreadPoolExecutor(3) as pool:
            outcomes = list(pool.map(engine.screen, [scan] * 3))
        assert all(written(one.report) == written(report) for one in outcomes)

    def test_within_its_time_it_is_the_same(self, engine, scan, report):
        outcome = engine.screen(scan, seconds=600.0)
        assert outcome.complete
        assert written(outcome.report) == written(report)

    def test_lines(self, engine, scan, report):
        calibration = scan.calibration
        about = {"rows": scan.view.shape[0], "pixel_pitch": scan.view.pixel_pitch}
        with engine.lines(**about, air=calibration.air, dark=calibration.dark) as lines:
            lines.push(scan.view.pixels)
            assert lines.close().score == report.score

    def test_one_view_of_several(self, engine, scan, report):
        two = xs.Scan((scan.view, scan.view), scan.calibration)
        assert engine.screen(two).failure.kind == "unsuitable"
        assert engine.screen(two, view=0).report.score == report.score


class TestStopping:
    def test_canceled_before_it_began(self, engine, scan):
        stop = Stop()
        stop.cancel()
        outcome = engine.screen(scan, stop=stop)
        assert outcome.failure.kind == "canceled"
        assert "it was canceled; nothing can be said" in outcome.failure.message
        assert not outcome.complete

    def test_no_time_at_all(self, engine, scan):
        outcome = engine.screen(scan, seconds=1e-6)
        assert outcome.failure.kind == "time"
        assert "its 1e-06 s were over" in outcome.failure.message

    def test_stopped_in_the_network(self, engine, scan, monkeypatch):
        """A report of what was seen: nothing, and it says so."""
        stop = Stop(600.0)
        run = engine.screener.model._run

        def stopped_meanwhile(stack, given):
            threading.Timer(0.01, stop.cancel).start()
            return run(np.tile(stack, (4, 1, 1, 1)), given)  # long enough to be stopped in

        monkeypatch.setattr(engine.screener.model, "_run", stopped_meanwhile)
        outcome = engine.screen(scan, stop=stop)
        assert outcome.failure is None
        assert not outcome.complete
        assert outcome.report.inspected == 0.0
        assert outcome.report.priority == "opaque"
        assert any("screened in part only, as it was canceled: the network saw 0%" in w for w in outcome.report.warnings)
        assert "it was screened in part only" in outcome.report.problems

    def test_of_a_long_scan_a_part(self, engine, scan, monkeypatch):
        """What was seen is as in the whole; the rest is not inspected."""
        calibration = scan.calibration
        long = xs.Scan.from_array(
            np.tile(scan.view.pixels, (1, 1, 6)), air=calibration.air, dark=calibration.dark, pixel_pitch=scan.view.pixel_pitch
        )
        stop, seen = Stop(600.0), []
        stretch = engine.screener.stretch

        def one(*args, **more):
            done = stretch(*args, **more)
            seen.append(done)
            stop.cancel()
            return done

        monkeypatch.setattr(engine.screener, "stretch", one)
        outcome = engine.screen(long, stop=stop)
        report = outcome.report
        assert not outcome.complete
        assert len(seen) == 1
        assert report.anomaly.answered[:, 0].all()
        assert not report.anomaly.answered[:, -1].any()
        assert not report.radiograph.valid[:, -1].any()
        kept = int(report.anomaly.answered[0].sum())
        np.testing.assert_array_equal(report.anomaly.person[:, :kept], seen[0].anomaly.person[:, :kept])
        assert any("it was canceled" in warning for warning in report.warnings)
        assert report.priority != "low"
        # What was seen is as large a share of the load as of the picture: all six parts are alike.
        assert report.inspected == pytest.approx(seen[0].inspected * kept / report.radiograph.shape[1], abs=0.1)

    def test_explanations_can_be_cut_short(self, engine, scan, report):
        stop = Stop()
        stop.cancel()
        explained = xs.explain(engine.screener.model, report.radiograph, report.findings, anomaly=report.anomaly, stop=stop)
        assert len(explained) == len(report.findings) > 0
        assert all(one.sentences == ("Not explained: it was canceled.",) and not one.complete for one in explained)

    def test_a_budget_is_above_zero(self, engine, scan):
        assert engine.screen(scan, seconds=-1.0).failure.kind == "refused"
        with pytest.raises(ValueError, match="a time budget of 0 s was given; expected seconds above 0"):
            Stop(0)

    def test_for_ever(self, engine, scan, report):
        stop = Stop(float("inf"))
        with stop.acting(lambda: None):
            assert stop.due == ""

    def test_one_of_both(self, engine, scan):
        assert "give one, as a Stop has seconds of its own" in engine.screen(scan, seconds=1, stop=Stop()).failure.message


class TestStop:
    def test_it_acts_when_it_is_canceled(self):
        stop, acted = Stop(), threading.Event()
        with stop.acting(acted.set):
            assert not acted.is_set()
            stop.cancel()
            assert acted.is_set()

    def test_it_acts_when_its_time_is_over(self):
        acted = threading.Event()
        stop = Stop(0.02)
        with stop.acting(acted.set):
            assert acted.wait(10)
        assert stop.due == "time"
        assert stop.reason == "its 0.02 s were over"

    def test_not_after_the_block(self):
        stop, acted = Stop(), threading.Event()
        with stop.acting(acted.set):
            pass
        stop.cancel()
        assert not acted.is_set()


class TestFailures:
    @pytest.mark.parametrize(
        ("scan", "kind", "message"),
        [
            ("nowhere.tif", "unreadable", "nowhere.tif"),
            (np.zeros((5, 5)), "refused", "screening a ndarray; give a path, or a Scan"),
            (
                xs.Scan.from_array(np.ones((80, 90)), air=np.ones(80), dark=np.full(80, 5.0), pixel_pitch=0.01),
                "unsuitable",
                "air",
            ),
        ],
        ids=["no file", "no scan", "air below dark"],
    )
    def test_a_kind_and_a_sentence(self, engine, scan, kind, message):
        outcome = engine.screen(scan)
        assert outcome.report is None
        assert outcome.failure.kind == kind
        assert message in outcome.failure.message

    def test_what_nobody_foresaw_is_logged(self, engine, scan, monkeypatch, caplog):
        monkeypatch.setattr(engine.screener, "model", None)
        with caplog.at_level(logging.ERROR, logger="xrayscan"):
            failure = engine.screen(scan).failure
        assert failure.kind == "fault"
        assert "NoneType" in failure.message
        assert "this is a fault of xrayscan" in failure.message
        assert "TypeError" in caplog.text

    def test_no_room_on_the_disk(self, engine, scan, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(engine.screener, "stretch", full)
        failure = engine.screen(scan).failure
        assert failure.kind == "memory"
        assert "No space left on device; make room on the disk" in failure.message

    def test_no_memory(self, engine, scan, monkeypatch):
        def none_left(radiograph):
            raise MemoryError

        monkeypatch.setattr(engine.screener, "model", none_left)
        failure = engine.screen(scan).failure
        assert (failure.kind, failure.error) == ("memory", "MemoryError")

    def test_an_engine_that_can_not_be(self):
        with pytest.raises(UnknownModelError, match="no-such-model"):
            Engine("no-such-model")


def test_the_version_of_the_surface():
    assert API == "1.0"


def test_a_reader_loads_nothing_that_screens():
    code = "import sys, xrayscan.plugin; assert not {'xrayscan.screening', 'onnxruntime'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
