"""The verb itself: promises that hold for every way of delivery."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from drawn import draw_scene, make_counts

import xrayscan as xs
from xrayscan.errors import ShapeError
from xrayscan.normalize import normalize
from xrayscan.scan import Calibration, Scan, Step, View


@pytest.fixture(scope="module")
def scene():
    return draw_scene()


@pytest.fixture(scope="module")
def made(scene):
    return make_counts(scene.depth)


@pytest.fixture(scope="module")
def radiograph(made):
    return normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark, pixel_pitch=0.01))


def test_the_package_answers_the_call(made):
    assert xs.normalize(Scan.from_array(made.counts, air=made.air)).quantity == "counts"


def test_optical_depth_is_right_where_penetrated(scene, radiograph):
    error = radiograph.optical_depth[0] - scene.depth
    assert abs(float(np.median(error))) < 0.002
    assert float(np.quantile(np.abs(error), 0.99)) < 0.03
    assert radiograph.valid.all()
    assert not radiograph.opaque.any()
    assert radiograph.inspected == 1.0


def test_shapes_types_and_pitch(radiograph, scene):
    assert radiograph.optical_depth.dtype == np.float32
    assert radiograph.optical_depth.shape == (1, *scene.depth.shape)
    assert radiograph.pixel_pitch == (0.01, 0.01)
    assert radiograph.energies == ("high",)


def test_every_step_is_in_the_history(radiograph):
    names = [step.name for step in radiograph.history]
    done = ("calibrate", "faults", "opacity", "containers", "regions", "rails", "tilt", "sway", "inspected")
    assert {*done, "pixel pitch"} <= set(names)
    assert all(step.note for step in radiograph.history)
    assert radiograph.warnings == ()
    assert pickle.loads(pickle.dumps(radiograph.history)) == radiograph.history


def test_counts_and_transmission_agree(scene, made, radiograph):
    transmission = (made.counts - made.dark[:, None]) / (made.air - made.dark)[:, None]
    as_float = normalize(Scan.from_array(transmission, quantity="transmission"))
    as_codes = np.rint(np.clip(transmission, 0, 1) * 65535).astype(np.uint16)
    as_uint = normalize(Scan.from_array(as_codes, quantity="transmission"))
    deep = (scene.depth > 0.1) & (scene.depth < 4)
    for other in (as_float, as_uint):
        ratio = np.exp(radiograph.optical_depth[0] - other.optical_depth[0])[deep]
        assert np.abs(ratio - 1.0).max() < 0.01


def test_scaling_air_and_counts_scales_nothing(made, radiograph):
    half = normalize(Scan.from_array(made.counts * np.float32(0.5), air=made.air * 0.5, dark=made.dark * 0.5))
    np.testing.assert_allclose(half.optical_depth, radiograph.optical_depth, atol=2e-3)


def test_air_and_dark_as_images(made, radiograph):
    images = {name: np.repeat(getattr(made, name)[:, None], made.counts.shape[1], axis=1) for name in ("air", "dark")}
    other = normalize(Scan.from_array(made.counts, **images))
    np.testing.assert_allclose(other.optical_depth, radiograph.optical_depth, atol=1e-4)
    mixed = normalize(Scan.from_array(made.counts, air=images["air"], dark=made.dark))
    np.testing.assert_allclose(mixed.optical_depth, radiograph.optical_depth, atol=1e-4)


def test_energies_do_not_touch_each_other(scene):
    high, low = make_counts(scene.depth, 1), make_counts(1.3 * scene.depth, 2)
    air, dark = np.stack([high.air, low.air]), np.stack([high.dark, low.dark])
    both = normalize(Scan.from_array(np.stack([high.counts, low.counts]), air=air, dark=dark))
    alone = normalize(Scan.from_array(high.counts, air=high.air, dark=high.dark))
    np.testing.assert_array_equal(both.optical_depth[0], alone.optical_depth[0])
    np.testing.assert_array_equal(both.opaque, alone.opaque)
    assert both.energies == ("high", "low")


def test_input_is_left_alone(made):
    before = made.counts.copy()
    normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark))
    np.testing.assert_array_equal(made.counts, before)


def test_the_same_twice(made, radiograph):
    again = normalize(Scan.from_array(made.counts, air=made.air, dark=made.dark, pixel_pitch=0.01))
    np.testing.assert_array_equal(again.optical_depth, radiograph.optical_depth)
    assert again.history == radiograph.history


@pytest.mark.parametrize("view", [-1, 1])
def test_no_such_view(made, view):
    with pytest.raises(ShapeError, match=f"asked for view {view}, the scan has 1 views; pass 0 to 0"):
        normalize(Scan.from_array(made.counts, air=made.air), view=view)


def test_a_second_view_of_another_detector_does_not_take_its_calibration(made):
    views = (View(made.counts[None]), View(made.counts[None, :200]))
    scan = Scan(views, Calibration(air=made.air[None], dark=made.dark[None]))
    assert any("dark and air belong to another view's detector" in text for text in normalize(scan, view=1).warnings)
    assert normalize(scan).warnings[0].startswith("pixel pitch guessed")


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3), (17, 2000)])
@pytest.mark.parametrize("quantity", ["counts", "transmission", "display"])
def test_tiny_pictures_do_not_fail(shape, quantity):
    pixels = np.full(shape, 200, np.uint8)
    assert normalize(Scan.from_array(pixels, quantity=quantity)).shape == shape


@pytest.mark.parametrize("quantity", ["counts", "transmission", "display"])
def test_a_blank_picture_is_not_called_a_container(quantity):
    radiograph = normalize(Scan.from_array(np.full((200, 300), 60_000, np.uint16), quantity=quantity))
    assert radiograph.containers == ()
    assert any("no container found" in text for text in radiograph.warnings)


def test_steps_are_left_out_on_demand_and_say_so():
    scan = Scan.from_array(np.full((64, 80), 900, np.uint16), air=np.full(64, 1000), dark=np.zeros(64), pixel_pitch=0.01)
    radiograph = normalize(scan, without=("pulses", "faults"))
    assert {"faults", "pulses"} <= {step.name for step in radiograph.history if step.note == "warning: left out, as asked"}
    with pytest.raises(ValueError, match="asked to leave out \\['paint'\\]; what can be left out is faults, "):
        normalize(scan, without=("paint",))


def test_without_containers_the_same_is_seen(made):
    scan = Scan.from_array(made.counts, air=made.air, dark=made.dark, pixel_pitch=0.01)
    whole, less = normalize(scan), normalize(scan, without="containers")
    np.testing.assert_array_equal(less.optical_depth, whole.optical_depth)
    np.testing.assert_array_equal(less.valid, whole.valid)
    np.testing.assert_array_equal(less.opaque, whole.opaque)
    assert (less.containers, less.regions, less.load_line) == ((), (), None)


def test_full_scale_of_a_transmission_is_what_the_file_says():
    scan = Scan.from_array(np.full((64, 80), 2048, np.uint16), quantity="transmission", saturation=4095)
    np.testing.assert_allclose(normalize(scan).optical_depth, -np.log(2048 / 4095), rtol=1e-3)


def test_a_view_brings_its_calibration_its_endpoint_and_what_was_done_to_it():
    side = View(
        np.full((1, 64, 80), 500, np.uint16),
        endpoints=(6.0,),
        calibration=Calibration(dark=np.zeros((1, 64)), air=np.full((1, 64), 1000.0)),
        steps=(Step("decode", "as it was read"),),
    )
    front = View(np.full((1, 100, 80), 900, np.uint16))
    scan = Scan((front, side), Calibration(air=np.full((1, 100), 1000.0)))
    radiograph = normalize(scan, view=1)
    np.testing.assert_allclose(np.nanmedian(radiograph.optical_depth), np.log(2), rtol=1e-3)
    assert radiograph.endpoints == (6.0,)
    assert radiograph.history[0].note == "as it was read"


def test_steps_of_one_energy_say_which(made):
    both = np.stack([made.counts, made.counts])
    lines = {"air": np.stack([made.air] * 2), "dark": np.stack([made.dark] * 2)}
    history = normalize(Scan.from_array(both, pixel_pitch=0.01, **lines)).history
    of_energies = [step.note.removeprefix("warning: ") for step in history if "energy" in step.parameters]
    assert of_energies
    assert all(note.startswith(("high energy: ", "low energy: ")) for note in of_energies)


def test_inverted_numbers_without_air_are_said(made):
    inverted = 65535 - made.counts
    assert any("turn them round" in text for text in normalize(Scan.from_array(inverted)).warnings)
    assert not any("turn them round" in text for text in normalize(Scan.from_array(made.counts)).warnings)


def test_what_is_no_scan_is_refused_in_words():
    with pytest.raises(TypeError, match=r"normalize was given a str; pass a Scan: xs.read\(path\)"):
        normalize("a.tif")
    with pytest.raises(ValueError, match="asked to leave out 5; what can be left out is"):
        normalize(Scan.from_array(np.ones((64, 64)), quantity="transmission"), without=5)


@pytest.mark.parametrize(
    ("quantity", "scale", "said"), [("counts", 1.0, True), ("counts", 4000.0, False), ("transmission", 1.0, False)]
)
def test_transmission_that_is_called_counts_is_said(quantity, scale, said):
    image = np.random.default_rng(1).normal(1.0, 0.01, (120, 300)).astype(np.float32) * scale
    image[30:90, 60:240] *= 0.4
    told = normalize(Scan.from_array(image, quantity=quantity, pixel_pitch=0.02)).warnings
    assert any("say quantity='transmission'" in warning for warning in told) is said
