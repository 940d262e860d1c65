import pickle

import numpy as np
import pytest

from xrayscan.errors import CalibrationError, ShapeError
from xrayscan.geometry import bands
from xrayscan.scan import Box, Calibration, Geometry, Radiograph, Region, Scan, Source, Step, View, frozen_array

ROWS, COLUMNS = 6, 9


def counts(energies=1):
    return np.arange(energies * ROWS * COLUMNS, dtype=np.uint16).reshape(energies, ROWS, COLUMNS)


def radiograph(**changes):
    ones = np.ones((ROWS, COLUMNS), bool)
    parts = {"optical_depth": np.zeros((1, ROWS, COLUMNS)), "valid": ones, "opaque": ~ones, "pixel_pitch": (0.005, 0.004)}
    return Radiograph(**{**parts, **changes})


class TestScanFromArray:
    def test_rows_and_columns_become_one_energy(self):
        scan = Scan.from_array(counts()[0])
        assert scan.view.pixels.shape == (1, ROWS, COLUMNS)
        assert scan.view.energies == ("high",)

    def test_two_planes_are_high_and_low(self):
        assert Scan.from_array(counts(2)).view.energies == ("high", "low")

    def test_the_low_energy_first_is_refused(self):
        with pytest.raises(ShapeError, match=r"the energies are \('low', 'high'\): a scan holds the high energy first"):
            Scan.from_array(counts(2), energies=("low", "high"))

    @pytest.mark.parametrize("kind", [np.uint16, np.float32, np.float64])
    def test_what_is_masked_was_not_measured(self, kind):
        masked = np.ma.masked_array(counts()[0].astype(kind), np.zeros((ROWS, COLUMNS), bool))
        masked[:, 2:4] = np.ma.masked
        held = Scan.from_array(masked).view.pixels[0]
        assert np.isnan(held[:, 2:4]).all()
        np.testing.assert_array_equal(np.delete(held, [2, 3], 1), np.delete(counts()[0], [2, 3], 1))

    def test_a_masked_array_with_nothing_masked_is_an_array(self):
        held = Scan.from_array(np.ma.masked_array(counts()[0])).view.pixels
        assert type(held) is np.ndarray
        assert held.dtype == np.uint16

    @pytest.mark.parametrize("pitch", ["5mm", (1, 2, 3), "a"])
    def test_a_pitch_that_is_no_length_is_refused(self, pitch):
        with pytest.raises(CalibrationError, match=r"pixel_pitch is .*; expected a number, or \(row, column\), in meters"):
            Scan.from_array(counts(), pixel_pitch=pitch)

    def test_sixteen_bits_stay_sixteen_bits(self):
        pixels = np.full((ROWS, COLUMNS), 65_535, np.uint16)
        assert Scan.from_array(pixels).view.pixels.dtype == np.uint16
        assert Scan.from_array(pixels).view.pixels.max() == 65_535

    @pytest.mark.parametrize("shape", [(ROWS,), (1, ROWS), (ROWS, 1), (ROWS, COLUMNS), (1, ROWS, COLUMNS), (1, ROWS, 1)])
    def test_air_in_every_broadcasting_shape(self, shape):
        air = Scan.from_array(counts()[0], air=np.full(shape, 1000.0)).calibration.air
        assert air.shape in {(1, ROWS), (1, ROWS, COLUMNS)}
        assert (air == 1000).all()

    def test_one_line_serves_both_energies(self):
        assert Scan.from_array(counts(2), dark=np.zeros(ROWS)).calibration.dark.shape == (2, ROWS)

    def test_the_line_of_another_detector_is_refused(self):
        with pytest.raises(
            ShapeError, match=r"dark has shape \(4,\), scan has 1 energies, 6 detector rows.*same detector"
        ) as caught:
            Scan.from_array(counts()[0], dark=np.zeros(4))
        assert caught.value.actual == (4,)

    def test_millimeters_are_noticed(self):
        with pytest.raises(CalibrationError, match="give meters at the load, not millimeters"):
            Scan.from_array(counts()[0], pixel_pitch=(5.0, 5.0))

    def test_one_pitch_holds_for_both_axes(self):
        assert Scan.from_array(counts()[0], pixel_pitch=0.005).view.pixel_pitch == (0.005, 0.005)

    @pytest.mark.parametrize("pixels", [np.zeros(5), np.zeros((2, 2, 2, 2)), np.zeros((0, 5))])
    def test_other_shapes_are_refused(self, pixels):
        with pytest.raises(ShapeError, match=r"expected \(energies, rows, columns\)"):
            Scan.from_array(pixels)

    def test_complex_pixels_are_refused(self):
        with pytest.raises(ShapeError, match="dtype complex128; expected integers or real floats"):
            Scan.from_array(np.zeros((2, 2), complex))

    def test_energies_must_match(self):
        with pytest.raises(ShapeError, match="name each energy once, high first"):
            Scan.from_array(counts(2), energies=("high",))

    def test_an_unknown_quantity_is_refused(self):
        with pytest.raises(CalibrationError, match="quantity is 'counting'; expected one of counts, transmission, display"):
            Scan.from_array(counts(), quantity="counting")


class TestFrozen:
    def test_nobody_changes_a_noun_from_outside(self):
        pixels = counts()
        scan = Scan.from_array(pixels)
        pixels[:] = 0
        assert scan.view.pixels.max() > 0
        with pytest.raises(ValueError, match="read-only"):
            scan.view.pixels[0, 0, 0] = 1

    def test_a_frozen_array_is_not_copied_again(self):
        first = frozen_array(np.ones(3))
        assert frozen_array(first) is first

    @pytest.mark.parametrize(
        "noun", [Scan.from_array(counts()), radiograph(), Source("a", ids={"x": "y"}), Step("air", "found")]
    )
    def test_nouns_pickle(self, noun):
        assert repr(pickle.loads(pickle.dumps(noun))) == repr(noun)


class TestNouns:
    def test_a_scan_needs_a_view(self):
        with pytest.raises(ShapeError, match="at least one view"):
            Scan(())

    def test_calibration_must_be_finite(self):
        with pytest.raises(CalibrationError, match="air holds values that are not finite"):
            Calibration(air=np.array([[np.nan]]))

    def test_reprs_carry_units(self):
        assert "5.00 x 4.00 mm" in repr(radiograph())
        assert "pitch unknown" in repr(View(counts()))

    def test_masks_must_fit(self):
        with pytest.raises(ShapeError, match=r"valid has shape \(2, 2\), optical_depth has \(6, 9\)"):
            radiograph(valid=np.ones((2, 2), bool))

    def test_a_radiograph_needs_its_pitch(self):
        with pytest.raises(CalibrationError, match="needs its pixel_pitch"):
            radiograph(pixel_pitch=None)

    def test_inspected_is_a_share(self):
        with pytest.raises(CalibrationError, match="expected a share from 0 to 1"):
            radiograph(inspected=1.2)

    def test_warnings_are_the_notes_that_say_so(self):
        steps = (Step("air", "given"), Step("pitch", "warning: pixel pitch estimated"))
        assert radiograph(history=steps).warnings == ("pixel pitch estimated",)

    def test_an_empty_box_is_refused(self):
        with pytest.raises(ShapeError, match="0 <= top < bottom"):
            Box(3, 0, 3, 4)

    def test_a_grown_box_stays_in_the_picture(self):
        assert Box(1, 1, 4, 4).grown(3, (5, 20)) == Box(0, 0, 5, 7)
        assert Box(1, 1, 4, 4).grown((0, 2), (5, 20)) == Box(1, 0, 4, 6)

    def test_what_two_boxes_have_in_common(self):
        assert Box(1, 1, 4, 4).common(Box(2, 3, 9, 9)) == 2
        assert Box(1, 1, 4, 4).common(Box(4, 1, 9, 9)) == 0


def test_a_view_with_calibration_of_another_detector_is_refused():
    with pytest.raises(ShapeError, match="pass the air field of the same detector"):
        View(np.ones((1, 4, 6), np.uint16), calibration=Calibration(air=np.ones((1, 5))))


def test_geometry_holds_a_line_of_lift():
    with pytest.raises(ShapeError, match=r"lift has shape \(4, 2\); expected \(columns,\)"):
        Geometry(lift=np.zeros((4, 2)))
    geometry = Geometry(tilt=0.5, lift=np.zeros(4))
    assert geometry.lean is None
    assert geometry.lift.dtype == np.float32
    assert not geometry.lift.flags.writeable


def test_an_unknown_region_is_refused():
    with pytest.raises(ShapeError, match="no region 'roof'; known are container, load, cab, chassis"):
        Region("roof", Box(0, 0, 1, 1))


def test_one_view_becomes_a_scan_with_its_calibration():
    front, side = View(np.ones((1, 4, 6))), View(np.ones((1, 3, 6)), calibration=Calibration(air=np.full((1, 3), 9.0)))
    scan = Scan((front, side), Calibration(air=np.full((1, 4), 7.0)))
    assert scan.only(0).calibration.air.max() == 7.0
    assert scan.only(1).calibration.air.max() == 9.0
    assert scan.only(1).views == (side,)
    with pytest.raises(ShapeError, match="asked for view 2 of a scan with 2; pass 0 to 1"):
        scan.only(2)


def test_a_view_of_the_first_ones_shape_has_its_calibration():
    front, side, small = View(np.ones((1, 4, 6))), View(np.ones((1, 4, 6))), View(np.ones((1, 3, 6)))
    scan = Scan((front, side, small), Calibration(air=np.full((1, 4), 7.0)))
    assert scan.only(1).calibration.air.max() == 7.0
    assert scan.only(2).calibration.air is None


def test_bad_pixels_are_a_mask_and_no_numbers_of_channels():
    picture = Calibration(bad_pixels=np.array([[0, 255, 0]], np.uint8))
    np.testing.assert_array_equal(picture.bad_pixels, [[False, True, False]])
    with pytest.raises(CalibrationError, match=r"bad_pixels holds 3, 17; expected true or false for each channel"):
        Calibration(bad_pixels=np.array([[3, 17]]))
    with pytest.raises(CalibrationError, match="bad_pixels holds <U3; expected true or false"):
        Calibration(bad_pixels=np.array([["row"]]))
    with pytest.raises(ShapeError, match=r"bad_pixels has shape \(1,\), scan has 1 energies, 4 detector rows"):
        Scan.from_array(np.ones((4, 5), np.uint16), quantity="counts", bad_pixels=[17])


def test_air_of_a_channel_that_is_marked_bad_may_be_anything():
    air = np.full((1, 4), 7.0)
    air[0, 2] = np.nan
    with pytest.raises(CalibrationError, match="air holds values that are not finite; mark those channels in bad_pixels"):
        Calibration(air=air)
    marked = Calibration(air=air, bad_pixels=np.array([[False, False, True, False]]))
    assert np.isfinite(marked.air).all()


@pytest.mark.parametrize("level", [0.0, -5.0, float("nan"), float("inf")])
def test_a_converter_is_full_at_some_count(level):
    with pytest.raises(CalibrationError, match=r"saturation is .* counts; expected a number above 0"):
        Calibration(saturation=level)


def test_parameters_of_a_step_are_plain_numbers():
    assert type(Step("a", parameters={"b": np.float32(2.0)}).parameters["b"]) is float


class TestBands:
    def test_only_wide_ones_within_the_picture(self):
        valid = np.ones((4, 100), bool)
        for first, last in ((0, 20), (30, 38), (50, 57), (90, 100)):
            valid[:, first:last] = False
        valid[2, 60:80] = False
        assert bands(valid) == [(30, 38)]
        assert bands(np.ones((4, 100), bool)) == bands(np.zeros((4, 100), bool)) == []

    def test_nothing_can_be_said_of_them(self):
        valid, opaque = np.ones((4, 60), bool), np.zeros((4, 60), bool)
        opaque[1, 5] = True
        seen = radiograph(optical_depth=np.zeros((1, 4, 60)), valid=valid, opaque=opaque)
        assert seen.unseen is seen.opaque
        blind = valid.copy()
        blind[:, 20:40] = False
        unseen = radiograph(optical_depth=np.zeros((1, 4, 60)), valid=blind, opaque=opaque).unseen
        assert unseen[:, 20:40].all()
        assert unseen.sum() == 4 * 20 + 1
