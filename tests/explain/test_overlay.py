"""Pictures: fixed scales, no color on a clean scan, square pixels, labels that cover nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yard import Yard

from xrayscan.errors import ReportError, ShapeError
from xrayscan.explain.drawing import Pen, outline, place
from xrayscan.explain.heat import LEVEL, STEPS, blended, contoured, heat
from xrayscan.explain.overlay import Style, overlay
from xrayscan.explain.picture import UNMEASURED, Frame, materials_picture, picture
from xrayscan.network.anomaly import probability_of
from xrayscan.scan import Box, Radiograph


def colored(image: np.ndarray) -> np.ndarray:
    return np.ptp(image.astype(int), axis=2) > 0


def test_a_clean_scan_has_no_color():
    yard = Yard(opaque=Box(150, 20, 180, 80))
    drawn = overlay(yard.radiograph, yard.clean, ())
    assert not colored(drawn[:200, :400]).any()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), top=st.floats(0, LEVEL - 1e-3))
def test_no_map_below_the_level_has_color(seed, top):
    yard = Yard(shape=(40, 60), box=Box(5, 5, 20, 20))
    score = np.random.default_rng(seed).uniform(0, top, yard.shape).astype(np.float32)
    drawn = overlay(yard.radiograph, type(yard.clean)(score, *[score * 0] * 4, yard.clean.model), ())
    assert not colored(drawn[:40, :60]).any()


def test_a_finding_has_color_where_it_is_and_nowhere_far_away():
    yard = Yard()
    where = colored(overlay(yard.radiograph, yard.anomaly, (yard.finding,))[:200, :400])
    assert where[80:150, 100:155].all()
    assert not where[:, 250:].any()


def test_the_same_score_has_the_same_color_in_every_scan():
    assert (heat(np.array([[0.5, 0.9]]))[0, 0] == heat(np.array([[0.5]]))[0, 0]).all()


def test_heat_grows_with_the_score_and_starts_at_the_level():
    opacity = heat(np.linspace(0, 1, 101)[None])[0, :, 3].astype(int)
    assert (np.diff(opacity) >= 0).all()
    assert (opacity[:50] == 0).all()
    assert (opacity[51:] > 0).all()


CURVE = (0.8, -2.0)
LEVEL_CODE = int(np.ceil(LEVEL * 255))


def test_heat_is_of_the_probability_that_a_score_means():
    score = np.linspace(0, 1, 256)[None]
    means = probability_of(score, CURVE)
    drawn, meant = (colors[means > LEVEL + 0.01].astype(int) for colors in (heat(score, CURVE), heat(means)))
    finest = abs(np.diff(heat(score)[0, LEVEL_CODE:].astype(int), axis=0)).max()  # colors are of 255ths
    assert abs(drawn - meant).max() <= finest
    assert (heat(score, CURVE)[means < LEVEL] == 0).all()
    assert (heat(score, CURVE)[means > LEVEL + 0.01][:, 3] > 0).all()


def test_a_model_that_says_too_much_paints_no_more_than_it_may():
    yard = Yard()
    modest = replace(yard.anomaly, model=replace(yard.anomaly.model, calibration={"person": (1.0, -9.0)}))
    for style in (Style(), Style(heat="contours")):
        assert not colored(overlay(yard.radiograph, modest, (), style=style)[:200, :400]).any()


def test_contours_run_where_the_probability_is_reached():
    score = np.tile(np.linspace(0, 1, 500, dtype=np.float32), (20, 1))
    drawn = contoured(np.full((20, 500, 3), 100, np.uint8), score, curve=CURVE)
    lines = np.flatnonzero((drawn[10] != 100).any(axis=1))
    for level in STEPS:
        first = int(np.argmax(probability_of(score[10], CURVE) >= level))
        assert first - 1 in lines


def test_heat_of_nothing_is_nothing():
    assert (heat(np.full((2, 2), np.nan)) == 0).all()


def test_heat_needs_an_image():
    with pytest.raises(ShapeError, match=r"shape \(3,\); expected \(rows, columns\)"):
        heat(np.zeros(3))


def test_blending_needs_one_size():
    with pytest.raises(ShapeError, match=r"of shape \(2, 2\) over a picture of \(3, 3\)"):
        blended(np.zeros((3, 3, 3), np.uint8), np.zeros((2, 2)))


def test_drawing_makes_a_new_picture_and_leaves_its_parts_alone():
    yard = Yard(opaque=Box(10, 10, 60, 60))
    radiograph, anomaly = yard.radiograph, yard.anomaly
    gray = picture(radiograph)
    before = gray.copy(), radiograph.optical_depth.copy(), anomaly.person.copy()
    drawn = overlay(radiograph, anomaly, (yard.finding,), gray=gray)
    assert not np.shares_memory(drawn, gray)
    assert (gray == before[0]).all()
    assert (radiograph.optical_depth == before[1]).all()
    assert (anomaly.person == before[2]).all()
    image = np.zeros((2, 2, 3), np.uint8)
    assert not np.shares_memory(blended(image, np.zeros((2, 2))), image)


def test_an_anomaly_map_of_another_scan_is_not_drawn():
    with pytest.raises(ShapeError, match=r"drawing a scan of \(200, 400\).*has \(100, 400\)"):
        overlay(Yard().radiograph, Yard(shape=(100, 400), box=Box(1, 1, 9, 9)).anomaly, ())


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3), (30, 30)])
def test_any_size_can_be_drawn(shape):
    yard = Yard(shape=shape, box=Box(0, 0, 1, 1), containers=False)
    drawn = overlay(yard.radiograph, yard.anomaly, (yard.finding,))
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] > shape[0]
    assert drawn.shape[1:] == (900, 3)


@pytest.mark.parametrize("kind", ["person", "void", "density"])
def test_every_kind_has_its_outline(kind):
    yard = Yard(kind=kind)
    assert colored(overlay(yard.radiograph, yard.anomaly, (yard.finding,))[:200, :400]).any()


def test_outlines_run_around_the_mask():
    mask = np.ones((10, 20), bool)
    points = outline(mask, gap=3)[0]
    assert points.min() == -3
    assert points[:, 0].max() == 22
    assert outline(np.zeros((4, 4), bool)) == []


def test_opaque_regions_are_hatched():
    yard = Yard(opaque=Box(20, 20, 180, 90), depth=12, containers=False)
    drawn = overlay(yard.radiograph, yard.clean, ())
    assert len(np.unique(drawn[20:180, 20:90])) == 2
    assert np.unique(drawn[20:180, 200:300]).tolist() == [0]


def test_a_band_that_was_not_measured_is_hatched():
    yard = Yard(containers=False)
    blind = yard.radiograph.valid.copy()
    blind[:, 120:200] = False
    drawn = overlay(replace(yard.radiograph, valid=blind), yard.clean, ())[: yard.radiograph.shape[0]]
    assert len(np.unique(drawn[:, 120:200])) == 2
    assert len(np.unique(drawn[:, 220:300])) == 1


def test_gray_falls_with_optical_depth_and_air_is_white():
    depth = np.linspace(-1, 12, 300, dtype=np.float32)[None, None]
    ones = np.ones((1, 300), bool)
    gray = picture(Radiograph(depth, ones, ~ones, (0.01, 0.01)))[0].astype(int)
    assert (np.diff(gray) <= 0).all()
    assert gray[0] == 255
    assert gray[-1] == 0


def test_what_was_not_measured_is_mid_gray():
    depth = np.full((1, 4, 4), np.nan, np.float32)
    none = np.zeros((4, 4), bool)
    assert (picture(Radiograph(depth, none, none, (0.01, 0.01))) == UNMEASURED).all()


def test_pixels_are_square():
    yard = Yard(shape=(100, 200), pitch=(0.005, 0.02), box=Box(10, 10, 50, 60))
    assert picture(yard.radiograph).shape == (100, 800)
    assert overlay(yard.radiograph, yard.anomaly, (yard.finding,)).shape[1] == 900
    assert Frame.of(yard.radiograph).box(Box(10, 10, 50, 60)) == Box(10, 40, 50, 240)


def test_a_long_train_stays_within_what_browsers_draw():
    ones = np.ones((20, 3000), bool)
    frame = Frame.of(Radiograph(np.zeros((1, 20, 3000)), ones, ~ones, (0.005, 0.056)))
    assert frame.columns == 16384
    assert frame.pitch == pytest.approx(3000 * 0.056 / 16384)
    assert picture(Radiograph(np.zeros((1, 20, 3000)), ones, ~ones, (0.005, 0.056))).shape == (frame.rows, frame.columns)


@settings(max_examples=50, deadline=None)
@given(
    boxes=st.lists(
        st.tuples(st.integers(0, 250), st.integers(0, 900), st.integers(5, 60), st.integers(5, 90)), min_size=1, max_size=6
    )
)
def test_labels_stay_inside_and_cover_no_finding(boxes):
    found = [Box(top, left, top + height, left + width) for top, left, height, width in boxes]
    taken = list(found)
    for box in found:
        spot = place((14, 90), box, taken, (320, 1000))
        assert spot.bottom <= 320
        assert spot.right <= 1000
        assert all(spot.iou(other) == 0 for other in taken)
        taken.append(spot)


def test_a_label_that_fits_nowhere_covers_least():
    spot = place((20, 60), Box(0, 0, 40, 100), [Box(0, 0, 40, 100)], (40, 100))
    assert spot.bottom <= 40
    assert spot.right <= 100


def test_letters_fit_the_picture():
    assert Pen.of(850).height == 20
    assert Pen.of(40).height == 12
    assert Pen.of(5000).height == 24
    assert Pen(20).width("P1 0.87, 62 kg") > 5 * 20


class TestStyles:
    SCAN = np.s_[:200, :400]

    def drawn(self, yard: Yard | None = None, **style) -> np.ndarray:
        yard = yard or Yard()
        return overlay(yard.radiograph, yard.anomaly, (), style=Style(**style))

    def test_contours_leave_every_pixel_that_they_speak_of_as_it_was(self):
        yard, plain = Yard(), self.drawn(heat="none")
        lines = self.drawn(heat="contours")[self.SCAN]
        inside = yard.anomaly.person >= LEVEL
        assert colored(lines).any()
        assert not colored(lines)[inside].any()
        np.testing.assert_array_equal(lines[inside], plain[self.SCAN][inside])

    def test_less_opacity_is_nearer_to_the_scan(self):
        filled, half, none = (self.drawn(opacity=share)[self.SCAN].astype(int) for share in (1.0, 0.5, 0.0))
        np.testing.assert_array_equal(none, self.drawn(heat="none")[self.SCAN])
        assert abs(half - none).sum() == pytest.approx(abs(filled - none).sum() / 2, rel=0.02)

    def test_beside_stands_the_scan_with_nothing_on_it(self):
        yard = Yard(opaque=Box(150, 20, 180, 80))
        drawn = self.drawn(yard, beside=True)
        assert drawn.shape[0] == self.drawn(yard).shape[0] + 200
        np.testing.assert_array_equal(drawn[self.SCAN], np.repeat(picture(yard.radiograph)[..., None], 3, axis=2))
        np.testing.assert_array_equal(drawn[200:], self.drawn(yard))

    def test_kinds_of_material_are_colored_and_keep_their_lightness(self):
        shape = (60, 120)
        areal = np.full(shape, 30.0)
        torch = pytest.importorskip("torch")
        from xrayscan.simulate.beam import Beam, optical_depth

        water, iron = torch.tensor(areal), torch.zeros(shape, dtype=torch.float64)
        iron[:, 60:], water[:, 60:] = 40.0, 0.0
        depth = np.stack([optical_depth(Beam(endpoint), water, iron).numpy() for endpoint in (6.0, 4.0)])
        ones = np.ones(shape, bool)
        radiograph = Radiograph(depth, ones, ~ones, (0.01, 0.01), energies=("high", "low"), endpoints=(6.0, 4.0))
        drawn = materials_picture(radiograph)
        organic, metal = drawn[30, 30].astype(int), drawn[30, 90].astype(int)
        assert organic[0] > organic[2] + 20
        assert metal[2] > metal[0] + 20

    def test_materials_need_two_energies(self):
        with pytest.raises(ShapeError, match="materials need a high and a low energy"):
            self.drawn(materials=True)

    def test_a_wrong_style_is_told(self):
        with pytest.raises(ReportError, match="heat is drawn 'painted'; known are 'filled', 'contours' and 'none'"):
            Style(heat="painted")
        with pytest.raises(ReportError, match=r"opacity is 1\.5; expected 0 to 1"):
            Style(opacity=1.5)

    def test_contours_of_nothing_are_nothing(self):
        gray = np.full((4, 5, 3), 9, np.uint8)
        np.testing.assert_array_equal(contoured(gray, np.zeros((4, 5))), gray)
        with pytest.raises(ShapeError, match=r"drawing a score map of shape \(2, 2\) over a picture of \(4, 5\)"):
            contoured(gray, np.zeros((2, 2)))
