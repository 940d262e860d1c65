"""A scan that is still arriving, against the same scan as a whole."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import pytest

import xrayscan as xs
from xrayscan import _resources
from xrayscan.errors import CalibrationError, GapError, ReportError, ShapeError
from xrayscan.first_look import light
from xrayscan.network import Model
from xrayscan.network.runtime import BACKENDS
from xrayscan.stretches import HALO, LONGEST

SAMPLE = _resources.root("datasets") / "samples" / "01-counts.tif"
COARSER = 4  # the sample's pixels in one, so that meters of train cost little


@pytest.fixture(scope="module")
def screener():
    return xs.Screener(false_alarm_rate=0.05)


@pytest.fixture(scope="module")
def truck():
    """One of the samples with persons, of coarser pixels."""
    scan = xs.read(SAMPLE)
    pixels = scan.view.pixels[0]
    rows, columns = (size // COARSER * COARSER for size in pixels.shape)
    shape = rows // COARSER, COARSER, columns // COARSER, COARSER
    binned = pixels[:rows, :columns].reshape(shape).mean(axis=(1, 3)).round().astype(np.uint16)
    lines = {
        name: getattr(scan.calibration, name)[0, :rows].reshape(-1, COARSER).mean(axis=1) for name in ("air", "dark")
    }  # fmt: skip
    pitch = tuple(COARSER * size for size in scan.view.pixel_pitch)
    return xs.Scan.from_array(binned, pixel_pitch=pitch, **lines)


@pytest.fixture(scope="module")
def truck_report(screener, truck):
    return screener(truck)


@pytest.fixture(scope="module")
def train(truck):
    """The same again and again, 36 m of it, with another noise each time."""
    one = truck.view.pixels[0].astype(float)
    count = int(36 / (one.shape[1] * truck.view.pixel_pitch[1])) + 1
    rng = np.random.default_rng(1)
    wagons = [np.clip(one + rng.normal(0, 0.002, one.shape) * one, 0, 65535).astype(np.uint16) for _ in range(count)]
    calibration = truck.calibration
    return xs.Scan.from_array(
        np.concatenate(wagons, axis=1), air=calibration.air, dark=calibration.dark, pixel_pitch=truck.view.pixel_pitch
    )


@pytest.fixture(scope="module")
def train_report(screener, train):
    return screener(train)


def lines_of(screener, scan, **more):
    calibration, view = scan.calibration, scan.view
    return xs.LineScanner(
        screener, rows=view.shape[0], pixel_pitch=view.pixel_pitch, air=calibration.air, dark=calibration.dark, **more
    )


def scanned(screener, scan, width):
    """Report, and for each early finding the column at which it was told."""
    early = []
    with lines_of(screener, scan) as lines:
        for start in range(0, scan.view.shape[1], width):
            early += [(lines.columns + width, f) for f in lines.push(scan.view.pixels[:, :, start : start + width], at=start)]
        return lines.close(), early


def told(report):
    return [
        (f.id, f.kind, f.box, round(f.probability, 9), f.position, f.mass, e.sentences)
        for f, e in zip(report.findings, report.explanations, strict=True)
    ]


def check_same(one, other):
    assert told(one) == told(other)
    assert one.score == other.score
    assert one.priority == other.priority
    assert one.inspected == other.inspected
    for name in ("person", "void", "density", "added", "missing"):
        np.testing.assert_array_equal(getattr(one.anomaly, name), getattr(other.anomaly, name))
    np.testing.assert_array_equal(one.radiograph.optical_depth, other.radiograph.optical_depth)
    assert one.radiograph.containers == other.radiograph.containers
    assert one.history == other.history


class TestATruck:
    @pytest.mark.parametrize("width", [1, 37, 5000])
    def test_the_report_is_the_whole_scans(self, screener, truck, truck_report, width):
        report, _ = scanned(screener, truck, width)
        check_same(report, truck_report)
        assert report.findings

    def test_what_is_found_early_does_not_depend_on_the_blocks(self, screener, truck):
        one, other = (scanned(screener, truck, width)[1] for width in (1, 25))
        assert [f.box for _, f in one] == [f.box for _, f in other]
        assert [f.id for _, f in one] == [f"E{k}" for k in range(1, len(one) + 1)]

    def test_early_means_within_two_meters(self, screener, truck, truck_report):
        early = scanned(screener, truck, 1)[1]
        sure = [f for f in truck_report.findings if f.probability > 0.5]
        assert sure
        for finding in sure:
            half = finding.box.height * finding.box.width / 2
            told_at = [at for at, f in early if f.kind == finding.kind and f.box.common(finding.box) > half]
            assert (min(told_at) - finding.box.right) * truck.view.pixel_pitch[1] <= 2.0


class TestLight:
    def test_first_looks_are_taken_in_int8_where_the_model_holds_it(self, screener):
        assert screener.model.backend == "onnx"
        assert screener.light.backend == "onnx-int8"
        assert screener.light is screener.light
        assert screener.light.card is screener.model.card

    def test_of_a_model_that_does_not_it_is_itself(self, screener):
        card = screener.card
        files = {file: digest for file, digest in card.sha256.items() if file != BACKENDS["onnx-int8"]}
        alone = Model(replace(card, sha256=files))
        assert light(alone) is alone

    def test_whoever_chose_another_backend_gets_it(self, screener):
        chosen = Model(screener.card, backend="onnx-int8")
        assert light(chosen) is chosen


class TestATrain:
    def test_the_report_is_the_whole_scans(self, screener, train, train_report):
        """And little of it was held at any time."""
        most = 0
        with lines_of(screener, train) as lines:
            for start in range(0, train.view.shape[1], 23):
                lines.push(train.view.pixels[:, :, start : start + 23])
                most = max(most, lines._held.count - lines._held.begin)
            check_same(lines.close(), train_report)
        assert most * train.view.pixel_pitch[1] < LONGEST + 2 * HALO + 2

    def test_each_wagon_has_its_findings(self, train_report, truck, screener):
        alone = screener(truck)
        wagons = train_report.radiograph.shape[1] // truck.view.shape[1]
        found = [f for f in train_report.findings if f.kind == "person"]
        assert len(found) >= wagons * max(1, sum(f.kind == "person" for f in alone.findings) - 1)
        assert len({f.id for f in train_report.findings}) == len(train_report.findings)

    def test_findings_lie_where_the_maps_say(self, train_report):
        for finding in train_report.findings:
            assert getattr(train_report.anomaly, finding.kind)[finding.box.slices][finding.mask].max() > 0.3

    def test_nothing_of_it_can_be_changed(self, train_report):
        with pytest.raises(ValueError, match="read-only"):
            train_report.anomaly.person[0, 0] = 1.0

    def test_the_planes_are_mapped_and_not_copied(self, train_report):
        assert not train_report.radiograph.optical_depth.flags.owndata

    def test_nor_are_the_pictures_of_its_findings_held(self, train_report):
        pictures = [f.mask for f in train_report.findings] + [why.heatmap for why in train_report.explanations]
        pictures += [array for why in train_report.explanations for array in (why.expected.depth, why.expected.replaced)]
        assert pictures
        assert not any(array.flags.owndata or array.flags.writeable for array in pictures)

    def test_it_is_told_that_it_was_cut(self, train_report):
        assert train_report.history[0].name == "stretches"
        assert "screened in" in train_report.history[0].note

    def test_it_is_saved(self, train_report, tmp_path):
        assert sorted(path.name for path in train_report.save(tmp_path / "train").iterdir()) == [
            "overlay.png", "report.html", "report.json",
        ]  # fmt: skip


class TestRehearsal:
    @pytest.mark.parametrize("quantity", ["counts", "transmission", "display"])
    @pytest.mark.parametrize("energies", [("high",), ("high", "low")])
    @pytest.mark.parametrize("air", [None, 60000.0])
    def test_it_takes_whatever_may_come(self, screener, monkeypatch, quantity, energies, air):
        shown = []
        monkeypatch.setattr(screener, "_rehearsed", 0)
        monkeypatch.setattr(screener, "stretch", lambda scan, cut: shown.append(xs.normalize(scan)))
        air = None if air is None or quantity != "counts" else np.full((len(energies), 40), air)
        given = {"quantity": quantity, "energies": energies, "air": air}
        with xs.LineScanner(screener, rows=40, pixel_pitch=0.05, **given):
            (radiograph,) = shown  # before the first column comes
        assert radiograph.optical_depth.shape == (len(energies), 40, round((LONGEST + 2 * HALO) / 0.05))

    def test_it_is_done_once(self, screener, truck, monkeypatch):
        shown = []
        monkeypatch.setattr(screener, "_rehearsed", 0)
        monkeypatch.setattr(screener, "stretch", lambda *given: shown.append(given))
        for _ in range(3):
            with lines_of(screener, truck):
                assert len(shown) == 1

    def test_who_opens_another_meanwhile_waits_for_it(self, screener, truck, monkeypatch):
        begun, end, shown = threading.Event(), threading.Event(), []

        def stretch(*given):
            begun.set()
            assert end.wait(10)
            shown.append(given)

        def opened():
            with lines_of(screener, truck):
                return len(shown)

        monkeypatch.setattr(screener, "_rehearsed", 0)
        monkeypatch.setattr(screener, "stretch", stretch)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(opened)
            assert begun.wait(10)
            second = pool.submit(opened)
            assert not wait([second], timeout=0.2).done
            end.set()
            assert first.result(10) == second.result(10) == 1

    def test_one_that_can_not_be_normalized_is_told_by_the_first_stretch(self, screener, truck, monkeypatch):
        def failing(*_):
            raise CalibrationError("air is not above dark")

        monkeypatch.setattr(screener, "_rehearsed", 0)
        monkeypatch.setattr(screener, "stretch", failing)
        with lines_of(screener, truck) as lines:
            lines.push(truck.view.pixels)
            with pytest.raises(CalibrationError, match="air is not above dark"):
                lines.close()


class TestErrors:
    def test_after_a_stretch_that_failed_there_is_no_report(self, screener, train, monkeypatch):
        def failing(*_, **__):
            raise CalibrationError("air is not above dark")

        monkeypatch.setattr(screener, "stretch", failing, raising=True)
        with lines_of(screener, train) as lines:
            lines.push(train.view.pixels)
            lines._running[0].exception()  # it has failed
            for _ in range(2):
                with pytest.raises(CalibrationError, match="air is not above dark"):
                    lines.push(train.view.pixels)
            with pytest.raises(CalibrationError, match="air is not above dark"):
                lines.close()

    def test_nothing_arrived(self, screener, truck):
        with pytest.raises(ReportError, match="of which no column has arrived"), lines_of(screener, truck) as lines:
            lines.close()

    def test_after_the_end(self, screener, truck):
        lines = lines_of(screener, truck)
        lines.push(truck.view.pixels)
        lines.close()
        with pytest.raises(ReportError, match="the scan is closed"):
            lines.push(truck.view.pixels)
        with pytest.raises(ReportError, match="the scan is closed"):
            lines.close()

    def test_air_of_another_detector(self, screener):
        with pytest.raises(ShapeError, match="air has shape"):
            xs.LineScanner(screener, rows=100, pixel_pitch=0.01, air=np.ones(99))

    def test_no_pitch(self, screener):
        with pytest.raises(CalibrationError, match="pixel_pitch"):
            xs.LineScanner(screener, rows=100, pixel_pitch=None)

    def test_a_gap(self, screener, truck):
        with lines_of(screener, truck) as lines:
            lines.push(truck.view.pixels[:, :, :20], at=0)
            with pytest.raises(GapError, match="columns 20 to 25 did not arrive"):
                lines.push(truck.view.pixels[:, :, 25:], at=25)

    def test_a_masked_gap_is_told(self, screener, truck):
        with lines_of(screener, truck, gaps="mask") as lines:
            lines.push(truck.view.pixels[:, :, :50], at=0)
            lines.push(truck.view.pixels[:, :, 60:], at=60)
            report = lines.close()
        assert report.radiograph.shape == truck.view.shape
        assert not report.radiograph.valid[:, 50:60].any()
        assert any("did not arrive whole" in warning for warning in report.warnings)
        assert any("a band of 10 columns within the picture held no measurement" in warning for warning in report.warnings)
        whole = screener(truck)
        assert report.inspected < whole.inspected - 0.01

    def test_no_calibration_that_works(self, screener):
        """Air that is not above dark: no first look, and an error that says so at the end."""
        lines = xs.LineScanner(screener, rows=80, pixel_pitch=0.02, air=np.ones(80), dark=np.full(80, 500.0))
        with lines:
            assert lines.push(np.full((80, 300), 900, np.uint16)) == ()
            with pytest.raises(CalibrationError, match="air"):
                lines.close()
